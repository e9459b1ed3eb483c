//! The way to a host, step by step: each step fails as a [`Failure`] of its own phase.

pub mod certificate;
pub mod connect;
pub mod http;
pub mod proxy;
pub mod resolve;
pub mod tls;
pub mod trace;

use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::io::{AsyncRead, AsyncWrite};
use tokio::time::Instant;

use crate::failure::{Failure, FailureKind, Phase};
use crate::net::trace::{Step, Trace};

/// Bytes in both directions, through whatever layers.
pub trait Stream: AsyncRead + AsyncWrite + Unpin + Send {}

impl<S: AsyncRead + AsyncWrite + Unpin + Send> Stream for S {}

/// A connection.
pub type Wire = Box<dyn Stream>;

/// How far an attempt has come, readable from outside, so that one that is cut off can say where it stood.
#[derive(Clone, Debug, Default)]
pub struct Progress(Arc<Mutex<Stand>>);

#[derive(Debug, Default)]
struct Stand {
    trace: Trace,
    now: Option<(Phase, String, Instant)>,
}

impl Stand {
    fn close(&mut self, passed: bool) {
        if let Some((phase, hop, since)) = self.now.take() {
            let took = since.elapsed();
            self.trace.steps.push(Step {
                phase,
                hop,
                took,
                passed,
            });
        }
    }
}

impl Progress {
    fn stand(&self) -> MutexGuard<'_, Stand> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Begins an attempt: what was before is forgotten.
    pub fn begin(&self) {
        *self.stand() = Stand::default();
    }

    /// Enters `phase`, so that the one before has passed; `hop` is whom it waits for.
    pub fn enter(&self, phase: Phase, hop: impl Into<String>) {
        let mut stand = self.stand();
        stand.close(true);
        stand.now = Some((phase, hop.into(), Instant::now()));
    }

    /// Notes where a connection is tried to.
    pub fn tries(&self, addresses: &[SocketAddr]) {
        self.stand().trace.addresses = addresses.iter().map(SocketAddr::ip).collect();
    }

    /// Notes that what follows goes through `proxy`, shown without its credentials.
    pub fn through(&self, proxy: String) {
        self.stand().trace.proxy = Some(proxy);
    }

    /// The phase it is in.
    pub fn phase(&self) -> Phase {
        self.stand()
            .now
            .as_ref()
            .map_or(Phase::Connect, |(phase, ..)| *phase)
    }

    /// How the attempt went, now that it has ended.
    pub fn end(&self, passed: bool) -> Trace {
        let mut stand = self.stand();
        stand.close(passed);
        stand.trace.clone()
    }

    /// The failure of an attempt that was cut off here.
    pub fn timed_out(&self) -> Failure {
        let (phase, hop) = match &self.stand().now {
            Some((phase, hop, _)) => (*phase, hop.clone()),
            None => (Phase::Connect, String::new()),
        };
        let trace = self.end(false);
        let kind = match phase {
            Phase::Resolve => FailureKind::ResolverFailed,
            _ => FailureKind::TimedOut,
        };
        // Up to the connection it is the proxy that is waited for, and with TLS that is no tunnel's, too.
        let is_proxys = phase <= Phase::Connect
            || phase == Phase::Handshake && !trace.has_passed(Phase::Tunnel);
        let kind = match trace.proxy {
            Some(_) if is_proxys => FailureKind::ProxyUnreachable(Box::new(kind)),
            _ => kind,
        };
        let saw = format!("nothing came back from {hop} in time, while {phase}");
        Failure::new(phase, kind, saw).with(trace)
    }
}

/// The failure of an I/O error that met the attempt in `phase`.
pub fn io_failure(phase: Phase, error: &io::Error) -> Failure {
    use io::ErrorKind::*;
    let kind = match error.kind() {
        ConnectionRefused => FailureKind::Refused,
        TimedOut => FailureKind::TimedOut,
        NetworkUnreachable | HostUnreachable | NetworkDown | AddrNotAvailable => {
            FailureKind::Unreachable
        }
        // EACCES and EPERM at connect(2) are what a local firewall rule looks like.
        PermissionDenied => FailureKind::Unreachable,
        _ => FailureKind::Broken,
    };
    Failure::new(phase, kind, plain(error))
}

/// The operating system's words for an error, without Rust's "(os error 111)".
pub fn plain(error: &io::Error) -> String {
    let text = error.to_string();
    let text = text.split(" (os error").next().unwrap_or(&text);
    text.to_lowercase()
}
