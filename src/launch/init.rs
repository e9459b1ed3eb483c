//! Staying as the command's parent, as `--emulate` must: forward signals, reap what dies, keep the exit code.
//!
//! The parent blocks every signal and takes them one after the other, so nothing is lost and no handler runs. It never
//! stops the command: SIGTSTP, SIGTTIN and SIGTTOU, which Cloud Run sends before maintenance, are not forwarded.

use std::io;
use std::os::unix::process::ExitStatusExt;

use nix::errno::Errno;
use nix::sys::signal::{SigSet, SigmaskHow, Signal, sigprocmask};
use nix::unistd::Pid;

use crate::launch::{Image, inherited};

/// The signals that a fault of this very process raises: blocked, they would hang it instead of ending it.
const FAULTS: [Signal; 7] = [
    Signal::SIGSEGV,
    Signal::SIGBUS,
    Signal::SIGILL,
    Signal::SIGFPE,
    Signal::SIGABRT,
    Signal::SIGTRAP,
    Signal::SIGSYS,
];

/// The signals that would stop the command.
const STOPS: [Signal; 3] = [Signal::SIGTSTP, Signal::SIGTTIN, Signal::SIGTTOU];

/// A process that takes its signals one by one. To be made before the first thread, which then has them blocked, too.
#[derive(Debug)]
pub struct Init {
    signals: SigSet,
    mask: SigSet,
}

impl Init {
    /// Blocks the signals from here on; the command will have the signal mask `mask`.
    ///
    /// # Errors
    /// Those of sigprocmask(2).
    pub fn new(mask: SigSet) -> Result<Self, Errno> {
        let mut signals = SigSet::all();
        for signal in FAULTS {
            signals.remove(signal);
        }
        inherited::hear_of_children();
        sigprocmask(SigmaskHow::SIG_BLOCK, Some(&signals), None)?;
        Ok(Self { signals, mask })
    }

    /// Runs `image` as a child until it ends, and gives its exit code, or 128 plus the signal that ended it.
    ///
    /// # Errors
    /// Those of fork(2), execve(2) and sigwait(3).
    pub fn run(&self, image: Image) -> io::Result<u8> {
        let child = inherited::spawn(image, self.mask)?;
        loop {
            let signal = inherited::next_signal(&self.signals)?;
            if signal == Signal::SIGCHLD as i32 {
                if let Some(code) = reap(child) {
                    return Ok(code);
                }
            } else if !STOPS.iter().any(|stop| *stop as i32 == signal) {
                inherited::forward(child, signal);
            }
        }
    }
}

/// Reaps all that have ended; the exit code of `child` where it is among them.
fn reap(child: Pid) -> Option<u8> {
    let mut code = None;
    while let Some((pid, status)) = inherited::reap() {
        if pid == child {
            let number = status
                .code()
                .or_else(|| status.signal().map(|signal| 128 + signal));
            code = Some(
                number
                    .and_then(|number| u8::try_from(number).ok())
                    .unwrap_or(u8::MAX),
            );
        }
    }
    code
}
