//! The way to a host, step by step: each step fails as a [`Failure`] of its own phase.

pub mod connect;
pub mod http;
pub mod proxy;
pub mod resolve;
pub mod tls;

use std::io;
use std::sync::{Arc, Mutex, PoisonError};

use crate::failure::{Failure, FailureKind, Phase};

/// How far an attempt has come, readable from outside, so that one that is cut off can say where it stood.
#[derive(Clone, Debug, Default)]
pub struct Progress(Arc<Mutex<Option<(Phase, String)>>>);

impl Progress {
    /// Enters `phase`; `hop` is whom it waits for.
    pub fn enter(&self, phase: Phase, hop: impl Into<String>) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some((phase, hop.into()));
    }

    /// The phase it is in.
    pub fn phase(&self) -> Phase {
        let now = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        now.as_ref().map_or(Phase::Connect, |(phase, _)| *phase)
    }

    /// The failure of an attempt that was cut off here.
    pub fn timed_out(&self) -> Failure {
        let (phase, hop) = self
            .0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
            .unwrap_or((Phase::Connect, String::new()));
        Failure::new(
            phase,
            match phase {
                Phase::Resolve => FailureKind::ResolverFailed,
                _ => FailureKind::TimedOut,
            },
            format!("nothing came back from {hop} in time, while {phase}"),
        )
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
