//! The targets, which remember which way each path came.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;
use std::sync::{Arc, Mutex};

use runup::metadata;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_rustls::TlsAcceptor;

use crate::lab::{DEEP, Lab, METADATA, NEXUS, PUBLIC};
use crate::server::{Ca, Server, response};
use crate::squid::TRACES;

/// Something that clients ask for.
pub(super) struct Target {
    pub(super) url: &'static str,
    /// Whether it must be reached directly once the environment is mended.
    pub(super) must_be_direct: bool,
}

impl Target {
    pub(super) fn is_https(&self) -> bool {
        self.url.starts_with("https:")
    }
}

const fn direct(url: &'static str) -> Target {
    Target {
        url,
        must_be_direct: true,
    }
}

const fn public(url: &'static str) -> Target {
    Target {
        url,
        must_be_direct: false,
    }
}

/// The letters of an outcome stand for them, in this order.
pub(super) const TARGETS: [Target; 11] = [
    direct("http://metadata.google.internal"),
    direct("http://metadata.google.internal."),
    direct("http://metadata"),
    direct("http://169.254.169.254"),
    direct(METADATA6),
    direct("http://nexus.corp.example"),
    direct("http://deep.a.corp.example"),
    direct("http://10.1.2.3"),
    public("http://public.example"),
    direct("https://nexus.corp.example"),
    public("https://public.example"),
];

/// The metadata server by its IPv6 address.
pub(super) const METADATA6: &str = "http://[fd20:ce::254]";

/// How the letters are grouped: metadata, internal, public, https.
pub(super) const GROUPS: [usize; 4] = [5, 3, 1, 2];

/// The way a request came.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Way {
    Direct,
    /// By the proxy with this index in [`TRACES`].
    Proxy(usize),
}

impl Way {
    pub(super) fn letter(self) -> char {
        match self {
            Self::Direct => 'D',
            Self::Proxy(0) => 'P',
            Self::Proxy(_) => 'Q',
        }
    }
}

/// The way of a request that came from this address.
pub(super) fn way_from(address: IpAddr) -> Way {
    let is_it = |trace: &(_, _)| [IpAddr::from(trace.0), IpAddr::from(trace.1)].contains(&address);
    TRACES
        .iter()
        .position(is_it)
        .map_or(Way::Direct, Way::Proxy)
}

/// Servers on all targets.
pub(super) struct Witness {
    seen: Seen,
    _servers: Vec<Server>,
}

type Seen = Arc<Mutex<BTreeMap<String, BTreeSet<Way>>>>;

impl Witness {
    pub(super) fn start(lab: &Lab) -> Self {
        let seen = Seen::default();
        let ca = Ca::new("Lab");
        let metadata6 = IpAddr::from(metadata::IPV6);
        let [metadata, nexus, deep, public] =
            [METADATA, NEXUS, DEEP, PUBLIC].map(|(_, address)| IpAddr::from(address));
        let plain = [metadata, metadata6, nexus, deep, public].map(|address| (address, 80, None));
        let secret = [(nexus, NEXUS.0), (public, PUBLIC.0)]
            .map(|(address, name)| (address, 443, Some(ca.serve(name))));
        let servers = plain.into_iter().chain(secret);
        let servers = servers.map(|(address, port, tls)| {
            let listener = lab.listen(address, port);
            let tls = tls.map(|tls| TlsAcceptor::from(Arc::new(tls)));
            let seen = seen.clone();
            Server::start(move || async move {
                listener.set_nonblocking(true).unwrap();
                let listener = tokio::net::TcpListener::from_std(listener).unwrap();
                loop {
                    let (stream, _) = listener.accept().await.unwrap();
                    tokio::spawn(converse(stream, tls.clone(), seen.clone()));
                }
            })
        });
        Self {
            _servers: servers.collect(),
            seen,
        }
    }

    /// The ways by which requests came for paths that begin with `path`: none, one, or several.
    pub(super) fn ways(&self, path: &str) -> BTreeSet<Way> {
        let seen = self.seen.lock().unwrap();
        let is_below = |other: &str| {
            other
                .strip_prefix(path)
                .is_some_and(|rest| rest.is_empty() || rest.starts_with(['/', '?']))
        };
        seen.iter()
            .filter(|(other, _)| is_below(other))
            .flat_map(|(_, ways)| ways.iter().copied())
            .collect()
    }
}

/// Reads one request and answers it; `None` where the client went away.
async fn converse(stream: TcpStream, tls: Option<TlsAcceptor>, seen: Seen) -> Option<()> {
    let way = way_from(stream.peer_addr().ok()?.ip());
    match tls {
        None => answer(stream, way, &seen).await,
        Some(tls) => answer(tls.accept(stream).await.ok()?, way, &seen).await,
    }
}

async fn answer(
    mut stream: impl AsyncRead + AsyncWrite + Unpin,
    way: Way,
    seen: &Seen,
) -> Option<()> {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        if stream.read_buf(&mut head).await.ok()? == 0 {
            return None;
        }
    }
    let head = String::from_utf8_lossy(&head).into_owned();
    let target = head.split(' ').nth(1)?;
    // Some name the host there, too, and not only to proxies.
    let path = match target.split_once("://") {
        Some((_, rest)) => &rest[rest.find('/')?..],
        None => target,
    };
    seen.lock()
        .unwrap()
        .entry(path.to_owned())
        .or_default()
        .insert(way);
    let answer = response("200 OK", &["Content-Type: application/json"], "{}\n");
    stream.write_all(answer.as_bytes()).await.ok()?;
    stream.shutdown().await.ok()
}
