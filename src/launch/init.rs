//! Staying as the command's parent, by `--init` or as `--emulate` must: forward signals, reap what dies, keep the exit code.
//!
//! The parent blocks every signal and takes them one after the other, so nothing is lost and no handler runs. It never
//! stops a command: SIGTSTP, SIGTTIN and SIGTTOU, of which Cloud Run sends the first before maintenance, reach only one that
//! catches them. docs/init.md tells all of it, beside what other inits do.

use std::fs;
use std::io;
use std::os::unix::process::ExitStatusExt;
use std::process::ExitStatus;
use std::time::{Duration, Instant};

use nix::sys::prctl;
use nix::sys::signal::{SigSet, Signal, kill, killpg};
use nix::unistd::{self, Pid};

use crate::launch::Image;
use crate::launch::inherited::{self, Arrived, Group};

/// The signals by which a terminal, or who imitates one, stops a process that does not catch them.
const STOPS: [Signal; 3] = [Signal::SIGTSTP, Signal::SIGTTIN, Signal::SIGTTOU];

/// How to stay as the parent.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Parent {
    /// Whether the command leads a process group of its own, which gets the signals.
    pub has_group: bool,
    /// How long after a SIGTERM the command is killed; `None`: never.
    pub grace: Option<Duration>,
}

/// A process that takes its signals one by one. To be made before the first thread, which then has them blocked, too.
#[derive(Debug)]
pub struct Init {
    parent: Parent,
    signals: SigSet,
    mask: SigSet,
}

impl Init {
    /// Blocks the signals from here on; the command will have the signal mask `mask`.
    ///
    /// Those of this process's own faults are among them: the kernel ends a process by such a one all the same.
    ///
    /// # Errors
    /// Those of rt_sigprocmask(2).
    pub fn new(parent: Parent, mask: SigSet) -> io::Result<Self> {
        inherited::hear_of_children();
        inherited::block_signals()?;
        // Orphans come to PID 1 by themselves.
        if !is_first()
            && let Err(errno) = prctl::set_child_subreaper(true)
        {
            tracing::debug!(%errno, "orphans will go to another process: PR_SET_CHILD_SUBREAPER failed");
        }
        Ok(Self {
            parent,
            signals: inherited::signals(),
            mask,
        })
    }

    /// Runs `image` as a child until it ends, and gives its exit code, or 128 plus the signal that ended it. When the grace
    /// has run out, `killed` is told.
    ///
    /// # Errors
    /// Those of fork(2), execve(2) and sigtimedwait(2).
    pub fn run(&self, image: Image, killed: impl FnOnce(Duration)) -> io::Result<u8> {
        let child = Child::start(&image, &self.mask, self.parent.has_group)?;
        drop(image);
        inherited::give_memory_back();
        let mut grace = self.parent.grace.map(|grace| (grace, killed));
        let mut end: Option<Instant> = None;
        loop {
            let patience = end.map(|end| end.saturating_duration_since(Instant::now()));
            if let Some(arrived) = inherited::next_signal(&self.signals, patience)? {
                if arrived.number() == Signal::SIGCHLD as i32
                    && let Some(code) = child.changed()?
                {
                    child.give_terminal_back();
                    return Ok(code);
                }
                child.hear(&arrived);
                if let (SIGTERM, None, Some((grace, _))) = (arrived.number(), end, &grace) {
                    end = Some(Instant::now() + *grace);
                }
            }
            if end.is_some_and(|end| end <= Instant::now()) {
                end = None;
                if let Some((grace, killed)) = grace.take() {
                    child.kill();
                    killed(grace);
                }
            }
        }
    }
}

const SIGTERM: i32 = Signal::SIGTERM as i32;

/// The command.
struct Child {
    pid: Pid,
    /// Whether it leads a group of its own.
    leads: bool,
}

impl Child {
    fn start(image: &Image, mask: &SigSet, leads: bool) -> io::Result<Self> {
        let group = match leads {
            true if has_terminal() => Group::Foreground,
            true => Group::Own,
            false => Group::Same,
        };
        inherited::spawn(image, mask, group)
            .map(|pid| Self { pid, leads })
            .inspect_err(|_| {
                if group == Group::Foreground {
                    take_terminal();
                }
            })
    }

    /// Sends a signal on, to those whom it is for.
    fn hear(&self, arrived: &Arrived) {
        let number = arrived.number();
        let has_its_own = || arrived.is_kernels() && self.is_in_our_group();
        let is_news = number != Signal::SIGCHLD as i32 || !arrived.is_kernels();
        if arrived.is_own() || !is_news {
            return;
        }
        match Signal::try_from(number) {
            Ok(stop) if STOPS.contains(&stop) => {
                if !has_its_own() && self.catches(stop) {
                    arrived.send_to(self.pid);
                }
            }
            // The kernel sends them when a terminal hangs up, and not to the whole group.
            Ok(Signal::SIGHUP | Signal::SIGCONT) => {
                if number == Signal::SIGCONT as i32 {
                    self.hand_terminal_over();
                }
                self.send(arrived);
            }
            _ if has_its_own() => {}
            _ => self.send(arrived),
        }
    }

    fn send(&self, arrived: &Arrived) {
        if !(self.leads && arrived.send_to_group(self.pid)) {
            arrived.send_to(self.pid);
        }
    }

    fn kill(&self) {
        let _ = match self.leads {
            true => killpg(self.pid, Signal::SIGKILL),
            false => kill(self.pid, Signal::SIGKILL),
        };
    }

    /// Whether the kernel sends it what it sends to runup's group.
    fn is_in_our_group(&self) -> bool {
        unistd::getpgid(Some(self.pid)) == Ok(unistd::getpgrp())
    }

    /// Whether it has a handler for `signal`. Where /proc cannot tell, it has none.
    fn catches(&self, signal: Signal) -> bool {
        // Another namespace's /proc would tell of another process.
        let is_ours = fs::read_link("/proc/self")
            .is_ok_and(|own| own.to_str() == Some(&*Pid::this().to_string()));
        let caught = || {
            let status = fs::read_to_string(format!("/proc/{}/status", self.pid)).ok()?;
            let caught = status
                .lines()
                .find_map(|line| line.strip_prefix("SigCgt:"))?;
            u64::from_str_radix(caught.trim(), 16).ok()
        };
        is_ours && caught().is_some_and(|caught| caught & (1 << (signal as u64 - 1)) != 0)
    }

    /// Reaps all that have ended; the exit code of the command where it is among them. Where it was stopped instead, runup is
    /// stopped with it.
    fn changed(&self) -> io::Result<Option<u8>> {
        let (mut code, mut stopped) = (None, None);
        while let Some((pid, status)) = inherited::reap() {
            if pid == self.pid {
                stopped = status.stopped_signal();
                if stopped.is_none() {
                    code = Some(code_of(status));
                }
            }
        }
        match stopped.map(Signal::try_from) {
            Some(Ok(stop)) if STOPS.contains(&stop) => self.stopped(stop).map(|()| code),
            _ => Ok(code),
        }
    }

    /// A shell that controls jobs knows runup alone, so runup is stopped when the command is.
    fn stopped(&self, by: Signal) -> io::Result<()> {
        // It only wanted a terminal that a shell's `fg` has given to runup meanwhile.
        let is_served = by != Signal::SIGTSTP && self.hand_terminal_over();
        if is_served || (!inherited::stop(by)? && by == Signal::SIGTSTP && self.leads) {
            // In the second case nobody is there who ever could.
            let _ = killpg(self.pid, Signal::SIGCONT);
        }
        Ok(())
    }

    /// Gives its group the terminal on stdin, where runup's has it; whether it did.
    fn hand_terminal_over(&self) -> bool {
        self.leads && has_terminal() && unistd::tcsetpgrp(io::stdin(), self.pid).is_ok()
    }

    /// Takes the terminal back from its group, for whoever goes on there.
    fn give_terminal_back(&self) {
        if self.leads && unistd::tcgetpgrp(io::stdin()) == Ok(self.pid) {
            take_terminal();
        }
    }
}

fn code_of(status: ExitStatus) -> u8 {
    status
        .code()
        .or_else(|| status.signal().map(|signal| 128 + signal))
        .and_then(|number| u8::try_from(number).ok())
        .unwrap_or(u8::MAX)
}

/// Whether this is the first process of its namespace.
fn is_first() -> bool {
    Pid::this().as_raw() == 1
}

/// Whether stdin is the terminal that runup's group is in the foreground of.
fn has_terminal() -> bool {
    unistd::tcgetpgrp(io::stdin()) == Ok(unistd::getpgrp())
}

fn take_terminal() {
    let _ = unistd::tcsetpgrp(io::stdin(), unistd::getpgrp());
}
