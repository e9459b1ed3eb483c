//! The real nginx, with certificates of a private CA.

use std::fs;
use std::net::Ipv4Addr;
use std::process::{Child, Stdio};

use tempfile::TempDir;

use crate::netns::Netns;
use crate::server::Issued;
use crate::tools;

/// A port and how it is served.
pub(crate) enum Serve {
    Plain,
    /// TLS with this certificate, and these versions of it.
    Tls(Issued, &'static str),
}

/// An nginx that runs.
pub(crate) struct Nginx {
    child: Child,
    _directory: TempDir,
}

impl Nginx {
    /// Serves `/` with `is up`, `/redirect`, `/missing`, `/busy` and `/guarded` on each of `ports` of `address`.
    pub(crate) fn start(netns: &Netns, address: Ipv4Addr, ports: &[(u16, Serve)]) -> Self {
        let directory = TempDir::with_prefix("runup-nginx-").unwrap();
        let place = directory.path().display();
        let servers: String = ports
            .iter()
            .map(|(port, serve)| {
                let tls = match serve {
                    Serve::Plain => String::new(),
                    Serve::Tls(issued, versions) => {
                        let file = |kind, content: &str| {
                            let path = directory.path().join(format!("{port}.{kind}"));
                            fs::write(&path, content).unwrap();
                            path.display().to_string()
                        };
                        let (chain, key) = (file("pem", &issued.chain), file("key", &issued.key));
                        // Debian's OpenSSL allows TLS 1.0 at level 0 only.
                        format!(
                            "ssl_certificate {chain}; ssl_certificate_key {key};
                             ssl_protocols {versions}; ssl_ciphers DEFAULT@SECLEVEL=0;"
                        )
                    }
                };
                let ssl = if tls.is_empty() { "" } else { " ssl" };
                format!(
                    "server {{
                        listen {address}:{port}{ssl}; {tls}
                        location / {{ return 200 'is up'; }}
                        location /redirect {{ return 302 https://login.corp.example/?state=secret; }}
                        location /missing {{ return 404; }}
                        location /busy {{ return 503; }}
                        location /guarded {{ if ($http_authorization != 'Bearer hunter2') {{ return 401; }} return 200; }}
                    }}\n"
                )
            })
            .collect();
        let file = directory.path().join("nginx.conf");
        let configuration = format!(
            "daemon off; master_process off; pid {place}/pid; error_log {place}/error.log;
             events {{}}
             http {{
                access_log off;
                client_body_temp_path {place}/a; proxy_temp_path {place}/b; fastcgi_temp_path {place}/c;
                uwsgi_temp_path {place}/d; scgi_temp_path {place}/e;
                {servers}
             }}"
        );
        fs::write(&file, configuration).unwrap();
        let mut command = netns.command(&tools::program("nginx"));
        let child = command
            .arg("-c")
            .arg(&file)
            .arg("-e")
            .arg(directory.path().join("start.log"))
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .spawn()
            .unwrap();
        let nginx = Self {
            child,
            _directory: directory,
        };
        for (port, _) in ports {
            netns.wait_for((address, *port).into());
        }
        nginx
    }
}

impl Drop for Nginx {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
