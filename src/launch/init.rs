//! Staying as the command's parent, as `--emulate` must: forward signals, reap what dies, keep the exit code.
//!
//! The parent blocks every signal and takes them one after the other, so nothing is lost and no handler runs. It never
//! stops the command: SIGTSTP, SIGTTIN and SIGTTOU, which Cloud Run sends before maintenance, are not forwarded.

use std::io;

use nix::errno::Errno;
use nix::sys::signal::{SigSet, SigmaskHow, Signal, kill, sigprocmask};
use nix::sys::wait::{WaitPidFlag, WaitStatus, waitpid};
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
    /// Blocks the signals from here on.
    ///
    /// # Errors
    /// Those of sigprocmask(2).
    pub fn new() -> Result<Self, Errno> {
        let mut signals = SigSet::all();
        for signal in FAULTS {
            signals.remove(signal);
        }
        let mut mask = SigSet::empty();
        sigprocmask(SigmaskHow::SIG_BLOCK, Some(&signals), Some(&mut mask))?;
        Ok(Self { signals, mask })
    }

    /// Runs `image` as a child until it ends, and gives its exit code, or 128 plus the signal that ended it.
    ///
    /// # Errors
    /// Those of fork(2), execve(2) and waitpid(2).
    pub fn run(&self, image: Image) -> io::Result<u8> {
        let child = inherited::spawn(image, self.mask)?;
        loop {
            let signal = match self.signals.wait() {
                Ok(signal) => signal,
                // A real-time signal, which nix cannot name.
                Err(Errno::EINVAL | Errno::EINTR) => continue,
                Err(errno) => return Err(errno.into()),
            };
            if signal == Signal::SIGCHLD {
                if let Some(code) = reap(child)? {
                    return Ok(code);
                }
            } else if !STOPS.contains(&signal) {
                // The child may have ended already: then its SIGCHLD comes next.
                let _ = kill(child, signal);
            }
        }
    }
}

/// Reaps all that have died; the exit code of `child` where it is among them.
fn reap(child: Pid) -> io::Result<Option<u8>> {
    let mut code = None;
    loop {
        let (pid, number) = match waitpid(None, Some(WaitPidFlag::WNOHANG)) {
            Ok(WaitStatus::Exited(pid, status)) => (pid, (status & 0xff) as u8),
            Ok(WaitStatus::Signaled(pid, signal, _)) => (pid, 128 + signal as u8),
            Ok(WaitStatus::StillAlive) | Err(Errno::ECHILD) => return Ok(code),
            Ok(_) | Err(Errno::EINTR) => continue,
            Err(errno) => return Err(errno.into()),
        };
        if pid == child {
            code = Some(number);
        }
    }
}
