//! The real Squid, as a corporate forward proxy and as one that intercepts.

use std::fs;
use std::net::{Ipv4Addr, Ipv6Addr};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use tempfile::TempDir;

use crate::lab;
use crate::netns::Netns;
use crate::server::Issued;
use crate::tools;

/// The account under which Debian's Squid works.
pub(crate) const USER: &str = "proxy";

/// Where it listens as a forward proxy.
const FORWARD: u16 = 3128;

/// The same over TLS, where it has a certificate.
const TLS: u16 = 3131;

/// Where it takes diverted connections.
pub(crate) const INTERCEPT: u16 = 3129;

/// The user and the password of [`Policy::Authenticate`].
pub(crate) const CREDENTIALS: &str = "someone:hunter2";

/// The same for Squid's helper, hashed by `openssl passwd -apr1`.
const HASHED: &str = "someone:$apr1$runuplab$hlvLWuVOdihq/0OC4rdER0\n";

/// Where a traced Squid listens besides: without a port in a URL, and for those with the right credentials only.
const BARE: u16 = 80;
pub(crate) const SECURED: u16 = 3130;

/// The user of [`SECURED`] and the password, which is no part of a URL as it stands.
pub(crate) const USER_AND_PASSWORD: (&str, &str) = ("svc", "p@ss:w%rd");

/// The addresses from which a traced Squid asks for what was asked of it, and, second, of its [`ELDER`].
pub(crate) const TRACES: [(Ipv4Addr, Ipv6Addr); 2] = [
    (
        Ipv4Addr::new(10, 9, 9, 9),
        Ipv6Addr::new(0xfd00, 9, 0, 0, 0, 0, 0, 9),
    ),
    (
        Ipv4Addr::new(10, 9, 9, 10),
        Ipv6Addr::new(0xfd00, 9, 0, 0, 0, 0, 0, 10),
    ),
];

/// A second proxy, as far as clients see.
pub(crate) const ELDER: (&str, Ipv4Addr) = ("old-proxy.corp.example", TRACES[1].0);

/// What Squid does with a request.
#[derive(Clone, Copy)]
pub(crate) enum Policy {
    /// 403 and the usual page.
    Deny,
    /// Passed on, with the headers that tell of it.
    Allow,
    /// Passed on for who knows [`CREDENTIALS`], 407 for all others.
    Authenticate,
    /// Passed on without `X-Forwarded-For`, so that the metadata server takes it for a neighbour's.
    Launder,
    /// Passed on from an address that tells the target, be it within a tunnel, through which proxy it came: [`TRACES`].
    Trace,
}

/// A Squid that runs.
pub(crate) struct Squid {
    child: Child,
    directory: TempDir,
    host: &'static str,
}

impl Squid {
    /// Starts one that is known as `host`, at `address`.
    pub(crate) fn start(
        netns: &Netns,
        (host, address): (&'static str, Ipv4Addr),
        policy: Policy,
        tls: Option<&Issued>,
    ) -> Self {
        let directory = TempDir::with_prefix("runup-squid-").unwrap();
        let place = directory.path().display();
        let users = directory.path().join("users");
        fs::write(&users, HASHED).unwrap();
        let authenticate = format!(
            "auth_param basic program /usr/lib/squid/basic_ncsa_auth {}
acl known proxy_auth REQUIRED
http_access allow known
http_access deny all",
            users.display()
        );
        let rules = match policy {
            Policy::Deny => "http_access deny all".to_owned(),
            Policy::Allow => "http_access allow all".to_owned(),
            Policy::Authenticate => authenticate,
            Policy::Launder => "http_access allow all\nforwarded_for delete".to_owned(),
            Policy::Trace => traced(address, directory.path()),
        };
        let secured = tls.map(|issued| {
            let file = |name: &str, content: &str| {
                let path = directory.path().join(name);
                fs::write(&path, content).unwrap();
                path.display().to_string()
            };
            let (chain, key) = (
                file("chain.pem", &issued.chain),
                file("key.pem", &issued.key),
            );
            format!("https_port {address}:{TLS} tls-cert={chain} tls-key={key}")
        });
        let secured = secured.unwrap_or_default();
        let configuration = format!(
            "visible_hostname {host}
http_port {address}:{FORWARD}
http_port 127.0.0.1:{INTERCEPT} intercept
{secured}
{rules}
cache deny all
cache_effective_user {USER}
access_log stdio:{place}/access.log
cache_log {place}/cache.log
coredump_dir {place}
pid_filename none
pinger_enable off
max_filedescriptors 1024
shutdown_lifetime 0 seconds
"
        );
        let file = directory.path().join("squid.conf");
        fs::write(&file, &configuration).unwrap();
        let owned = Command::new("chown")
            .arg("-R")
            .arg(USER)
            .arg(directory.path())
            .status();
        assert!(owned.unwrap().success(), "no account `{USER}`");

        let mut command = netns.command(&tools::program("squid"));
        let child = command
            .arg("-N")
            .arg("-f")
            .arg(&file)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let squid = Self {
            child,
            directory,
            host,
        };
        let ports = configuration.lines().filter(|line| {
            let word = line.split(' ').next();
            word.is_some_and(|word| ["http_port", "https_port"].contains(&word))
        });
        squid.wait_until_it_listens(ports.count());
        squid
    }

    /// Its address as a proxy variable holds it.
    pub(crate) fn url(&self) -> String {
        format!("http://{}:{FORWARD}", self.host)
    }

    /// The same for its port that speaks TLS.
    pub(crate) fn tls_url(&self) -> String {
        format!("https://{}:{TLS}", self.host)
    }

    /// Its host's name.
    pub(crate) fn host(&self) -> &'static str {
        self.host
    }

    /// Its port as a forward proxy.
    pub(crate) fn port(&self) -> u16 {
        FORWARD
    }

    /// Its own word for it is taken, as a connection to try would leave a line in the access log.
    fn wait_until_it_listens(&self, ports: usize) {
        let began = Instant::now();
        loop {
            let said = self.read("cache.log");
            if said.matches("Accepting ").count() == ports {
                return;
            }
            assert!(
                began.elapsed().as_secs() < 20,
                "squid does not listen: {said}"
            );
            thread::sleep(Duration::from_millis(10));
        }
    }

    /// Its access log: a line for each request that it answered.
    pub(crate) fn log(&self) -> String {
        self.read("access.log")
    }

    fn read(&self, name: &str) -> String {
        fs::read_to_string(self.directory.path().join(name)).unwrap_or_default()
    }
}

/// The index in [`TRACES`] of the proxy that clients find at `host` and `port`, where there is one.
pub(crate) fn traced_by(host: &str, port: u16) -> Option<usize> {
    let own = [
        lab::PROXY.0.to_owned(),
        lab::PROXY.1.to_string(),
        "proxy".to_owned(),
    ];
    let is_own = own.iter().any(|name| name == host);
    match port {
        FORWARD | BARE | SECURED if is_own => Some(0),
        FORWARD if host == ELDER.0 => Some(1),
        _ => None,
    }
}

/// The rules of [`Policy::Trace`].
fn traced(address: Ipv4Addr, directory: &Path) -> String {
    let (user, password) = USER_AND_PASSWORD;
    // Squid writes it so to its helper.
    let password = password.replace('%', "%25");
    let helper = directory.join("passwords.sh");
    let script = format!(
        "while read -r user password; do
case \"$user $password\" in '{user} {password}') echo OK ;; *) echo ERR ;; esac
done
"
    );
    fs::write(&helper, script).unwrap();
    let [(own, own6), (elder, elder6)] = TRACES;
    format!(
        "http_port {address}:{BARE}
http_port {address}:{SECURED} name=secured
http_port {elder}:{FORWARD} name=elder
auth_param basic program /bin/sh {helper}
auth_param basic children 1
auth_param basic realm lab
acl secured myportname secured
acl elder myportname elder
acl known proxy_auth REQUIRED
http_access deny secured !known
http_access allow all
tcp_outgoing_address {elder} elder
tcp_outgoing_address {elder6} elder
tcp_outgoing_address {own}
tcp_outgoing_address {own6}",
        helper = helper.display()
    )
}

impl Drop for Squid {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
