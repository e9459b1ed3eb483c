//! The real Squid, as a corporate forward proxy and as one that intercepts.

use std::fs;
use std::net::Ipv4Addr;
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use tempfile::TempDir;

use crate::netns::Netns;
use crate::tools;

/// The account under which Debian's Squid works.
pub(crate) const USER: &str = "proxy";

/// Where it listens as a forward proxy.
const FORWARD: u16 = 3128;

/// Where it takes diverted connections.
pub(crate) const INTERCEPT: u16 = 3129;

/// The user and the password of [`Policy::Authenticate`].
pub(crate) const CREDENTIALS: &str = "someone:hunter2";

/// The same for Squid's helper, hashed by `openssl passwd -apr1`.
const HASHED: &str = "someone:$apr1$runuplab$hlvLWuVOdihq/0OC4rdER0\n";

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
            Policy::Deny => "http_access deny all",
            Policy::Allow => "http_access allow all",
            Policy::Authenticate => &authenticate,
            Policy::Launder => "http_access allow all\nforwarded_for delete",
        };
        let configuration = format!(
            "visible_hostname {host}
http_port {address}:{FORWARD}
http_port 127.0.0.1:{INTERCEPT} intercept
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
        fs::write(&file, configuration).unwrap();
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
        squid.wait_until_it_listens();
        squid
    }

    /// Its address as a proxy variable holds it.
    pub(crate) fn url(&self) -> String {
        format!("http://{}:{FORWARD}", self.host)
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
    fn wait_until_it_listens(&self) {
        let began = Instant::now();
        loop {
            let said = self.read("cache.log");
            // One line for each of its two ports.
            if said.matches("Accepting ").count() == 2 {
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

impl Drop for Squid {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
