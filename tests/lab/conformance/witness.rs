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

/// What clients ask for. A letter of an outcome stands for each, in this order.
pub(super) const TARGETS: [&str; 11] = [
    "http://metadata.google.internal",
    "http://metadata.google.internal.",
    "http://metadata",
    "http://169.254.169.254",
    "http://[fd20:ce::254]",
    "http://nexus.corp.example",
    "http://deep.a.corp.example",
    "http://10.1.2.3",
    "http://public.example",
    "https://nexus.corp.example",
    "https://public.example",
];

/// How the letters are grouped: metadata, internal, public, https.
pub(super) const GROUPS: [usize; 4] = [5, 3, 1, 2];

/// Which of them must go directly, after the mend.
pub(super) const MUST_BE_DIRECT: [bool; TARGETS.len()] = [
    true, true, true, true, true, true, true, true, false, true, false,
];

/// The way a request came.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Way {
    Direct,
    /// By the proxy with this index in [`TRACES`].
    Proxy(usize),
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
    let from = stream.peer_addr().ok()?.ip();
    let is_from = |trace: &(_, _)| from == IpAddr::from(trace.0) || from == IpAddr::from(trace.1);
    let way = TRACES
        .iter()
        .position(is_from)
        .map_or(Way::Direct, Way::Proxy);
    match tls {
        None => answer(stream, way, &seen).await,
        Some(tls) => answer(tls.accept(stream).await.ok()?, way, &seen).await,
    }
}

async fn answer(mut stream: impl AsyncRead + AsyncWrite + Unpin, way: Way, seen: &Seen) -> Option<()> {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(stream.read_u8().await.ok()?);
    }
    let head = String::from_utf8_lossy(&head).into_owned();
    let mut words = head.split(' ');
    let (_, path) = (words.next()?, words.next()?);
    seen.lock()
        .unwrap()
        .entry(path.to_owned())
        .or_default()
        .insert(way);
    let answer = response("200 OK", &["Content-Type: application/json"], "{}\n");
    stream.write_all(answer.as_bytes()).await.ok()?;
    stream.shutdown().await.ok()
}
