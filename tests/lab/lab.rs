//! A namespace furnished as a corporate network on Google Cloud.

use std::fs;
use std::net::{IpAddr, Ipv4Addr, SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::thread;
use std::time::Duration;

use runup::metadata::emulator::Identity;
use runup::metadata::{self, HOST, HOST_SHORT};
use tempfile::TempDir;
use tokio_rustls::rustls::ServerConfig;

use crate::dns::{Dns, Dnsmasq};
use crate::firewall;
use crate::job::Job;
use crate::netns::Netns;
use crate::nginx::{Nginx, Serve};
use crate::server::{Canned, Issued, Metadata, Respond};
use crate::squid::{self, ELDER, Policy, Squid, TRACES};
use crate::tools;

/// A host of the lab: its name and its address.
pub(crate) type Host = (&'static str, Ipv4Addr);

/// The metadata server.
pub(crate) const METADATA: Host = (HOST, metadata::IPV4);

/// The corporate proxy.
pub(crate) const PROXY: Host = ("proxy.corp.example", Ipv4Addr::new(10, 9, 9, 9));

/// An internal host, to be reached directly.
pub(crate) const NEXUS: Host = ("nexus.corp.example", Ipv4Addr::new(10, 1, 2, 3));

/// A host of the internet, to be reached by the proxy.
pub(crate) const PUBLIC: Host = ("public.example", Ipv4Addr::new(203, 0, 113, 5));

/// Another internal host, some domains deep.
pub(crate) const DEEP: Host = ("deep.a.corp.example", Ipv4Addr::new(10, 1, 2, 4));

/// A captive portal.
pub(crate) const PORTAL: Host = ("portal.example", Ipv4Addr::new(203, 0, 113, 80));

/// A namespace with the hosts above, a name server and a home directory. What listens there is the test's own to start.
pub(crate) struct Lab {
    // In this order: the processes inside go before the namespace.
    _dns: Dnsmasq,
    netns: Netns,
    home: TempDir,
}

impl Lab {
    /// One in which every host's name resolves to its address.
    pub(crate) fn new() -> Self {
        Self::with_dns(&Dns::Serves(names()))
    }

    /// One in which the name of `host` resolves to `address` instead.
    pub(crate) fn with_hijacked(host: Host, address: Ipv4Addr) -> Self {
        let hijack = |(name, old)| match name == host.0 {
            true => (name, address.into()),
            false => (name, old),
        };
        Self::with_dns(&Dns::Serves(names().into_iter().map(hijack).collect()))
    }

    pub(crate) fn with_dns(dns: &Dns) -> Self {
        let netns = Netns::add().unwrap();
        for (_, address) in [METADATA, PROXY, ELDER, NEXUS, DEEP, PUBLIC, PORTAL] {
            netns.address(address.into());
        }
        netns.address(metadata::IPV6.into());
        for (_, address) in TRACES {
            netns.address(address.into());
        }
        Self {
            _dns: Dnsmasq::start(&netns, dns),
            netns,
            home: TempDir::with_prefix("runup-home-").unwrap(),
        }
    }

    /// Starts the metadata server.
    pub(crate) fn metadata(&self) -> Metadata {
        self.metadata_of(Identity::default())
    }

    /// Starts the metadata server for `identity`.
    pub(crate) fn metadata_of(&self, identity: Identity) -> Metadata {
        Metadata::start(self.netns.listen((METADATA.1, 80).into()), identity)
    }

    /// Starts the metadata server after `delay`; until then, connections are refused.
    pub(crate) fn metadata_after(&self, delay: Duration) -> Metadata {
        thread::sleep(delay);
        self.metadata()
    }

    /// Starts the corporate proxy.
    pub(crate) fn squid(&self, policy: Policy) -> Squid {
        Squid::start(&self.netns, PROXY, policy, None)
    }

    /// Starts the corporate proxy, which speaks TLS, too, with the certificate `issued`.
    pub(crate) fn squid_with_tls(&self, policy: Policy, issued: &Issued) -> Squid {
        Squid::start(&self.netns, PROXY, policy, Some(issued))
    }

    /// Starts an HTTP server on `host`.
    pub(crate) fn http(&self, host: Host, port: u16, respond: Respond) -> Canned {
        Canned::http(self.netns.listen(address(host, port)), respond)
    }

    /// Starts an HTTPS server on `host`.
    pub(crate) fn https(
        &self,
        host: Host,
        port: u16,
        tls: ServerConfig,
        respond: Respond,
    ) -> Canned {
        Canned::https(self.netns.listen(address(host, port)), tls, respond)
    }

    /// Listens on an address of the lab.
    pub(crate) fn listen(&self, address: impl Into<IpAddr>, port: u16) -> TcpListener {
        self.netns.listen((address.into(), port).into())
    }

    /// Diverts what goes to the metadata server into Squid.
    pub(crate) fn intercept_metadata(&self) {
        firewall::divert(&self.netns, METADATA.1, 80, squid::INTERCEPT);
    }

    /// Starts nginx on `host`.
    pub(crate) fn nginx(&self, host: Host, ports: &[(u16, Serve)]) -> Nginx {
        Nginx::start(&self.netns, host.1, ports)
    }

    /// Starts a server on `host` that answers at the first byte it gets, whatever it is.
    pub(crate) fn blurting(&self, host: Host, port: u16, respond: Respond) -> Canned {
        Canned::blurting(self.netns.listen(address(host, port)), respond)
    }

    /// Starts an HTTP server at any address.
    pub(crate) fn http_at(&self, address: SocketAddr, respond: Respond) -> Canned {
        Canned::http(self.netns.listen(address), respond)
    }

    /// Gives the namespace one more address.
    pub(crate) fn address(&self, address: IpAddr) {
        self.netns.address(address);
    }

    /// Drops what is asked of name servers.
    pub(crate) fn drop_questions(&self) {
        firewall::drop_questions(&self.netns);
    }

    /// Refuses connections to `host` with `with`, in nftables' words.
    pub(crate) fn reject(&self, host: Host, port: u16, with: &str) {
        firewall::reject(&self.netns, host.1, port, with);
    }

    /// Drops what would open a connection to `host`.
    pub(crate) fn drop_connections(&self, host: Host, port: u16) {
        self.drop_connections_to(host.1.into(), port);
    }

    /// The same for an address.
    pub(crate) fn drop_connections_to(&self, address: IpAddr, port: u16) {
        firewall::drop_connections(&self.netns, address, port);
    }

    /// Starts a name server, where there is none.
    pub(crate) fn start_dns(&self, dns: &Dns) -> Dnsmasq {
        Dnsmasq::start(&self.netns, dns)
    }

    /// Lets /etc/hosts list a name, for those that run already, too.
    pub(crate) fn list_in_hosts(&self, name: &str, address: IpAddr) {
        self.netns
            .etc_file("hosts", &format!("127.0.0.1 localhost\n{address} {name}\n"));
    }

    /// Leaves `host` to be reached by Squid alone.
    pub(crate) fn reserve_for_squid(&self, host: Host) {
        firewall::reserve(&self.netns, host.1);
    }

    /// The home directory of all jobs.
    pub(crate) fn home(&self) -> &Path {
        self.home.path()
    }

    /// Writes a file into the home directory.
    pub(crate) fn file(&self, name: &str, content: &str) -> PathBuf {
        let path = self.home().join(name);
        fs::write(&path, content).unwrap();
        path
    }

    /// A program, by its path or its name.
    pub(crate) fn job(&self, program: impl AsRef<Path>) -> Job<'_> {
        let program = program.as_ref();
        let program = match program.to_str() {
            Some(name) if !name.contains('/') => tools::program(name),
            _ => program.to_owned(),
        };
        Job::new(&self.netns, &program, self.home())
    }

    /// `gcloud auth print-access-token`.
    pub(crate) fn gcloud_token(&self) -> Job<'_> {
        self.job("gcloud").args(GCLOUD_TOKEN)
    }

    /// The runup that is being tested.
    pub(crate) fn runup(&self) -> Job<'_> {
        self.job(env!("CARGO_BIN_EXE_runup"))
    }
}

/// The arguments with which gcloud prints its token.
pub(crate) const GCLOUD_TOKEN: [&str; 2] = ["auth", "print-access-token"];

/// The address of the host `name`, if the lab has it.
pub(crate) fn address_of(name: &str) -> Option<IpAddr> {
    let mut names = names().into_iter();
    names.find_map(|(host, address)| (host == name).then_some(address))
}

fn address((_, address): Host, port: u16) -> SocketAddr {
    (address, port).into()
}

/// The names of all hosts.
pub(crate) fn names() -> Vec<(String, IpAddr)> {
    [
        METADATA,
        (HOST_SHORT, METADATA.1),
        PROXY,
        ("proxy", PROXY.1),
        ELDER,
        NEXUS,
        DEEP,
        PUBLIC,
        PORTAL,
    ]
    .map(|(name, address)| (name.to_owned(), address.into()))
    .into()
}
