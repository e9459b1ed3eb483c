//! What runup inherited and the Rust runtime or runup itself changes, so that the command gets it back.
//!
//! Before `main`, Rust ignores SIGPIPE and opens /dev/null at the place of a closed stdin, stdout or stderr. Later runup
//! catches SIGTERM and SIGINT. All of it is looked at before the runtime starts, which only a constructor can do.

#![expect(
    unsafe_code,
    reason = "dispositions, constructors and what happens between fork and execve have no safe interface"
)]

use std::io;
use std::mem::MaybeUninit;
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::process::{Command, ExitStatus};
use std::sync::atomic::{AtomicU8, AtomicU64, Ordering};

use nix::fcntl::{FcntlArg, FdFlag, fcntl};
use nix::libc;
use nix::sys::signal::{SigSet, SigmaskHow, Signal, sigprocmask};
use nix::unistd::Pid;

use crate::launch::{Image, exec};

/// One bit for each signal that was ignored.
static IGNORED: AtomicU64 = AtomicU64::new(0);
/// One bit for each of stdin, stdout and stderr that was closed.
static CLOSED: AtomicU8 = AtomicU8::new(0);

/// The loader calls what stands in this section before `main`, in glibc and musl, static and dynamic alike.
#[used]
// SAFETY: the section holds pointers to functions with this signature; `record` only makes system calls and stores to
// atomics, and so needs no runtime.
#[unsafe(link_section = ".init_array")]
static RECORD: extern "C" fn() = record;

extern "C" fn record() {
    let mut ignored = 0;
    for signal in Signal::iterator() {
        if disposition(signal) == Some(libc::SIG_IGN) {
            ignored |= bit(signal);
        }
    }
    IGNORED.store(ignored, Ordering::Relaxed);
    let mut closed = 0;
    for descriptor in 0..=2 {
        // SAFETY: F_GETFD takes any number and changes nothing.
        let flags = unsafe { libc::fcntl(descriptor, libc::F_GETFD) };
        if flags == -1 {
            closed |= 1 << descriptor;
        }
    }
    CLOSED.store(closed, Ordering::Relaxed);
}

fn bit(signal: Signal) -> u64 {
    1 << (signal as u64)
}

fn disposition(signal: Signal) -> Option<libc::sighandler_t> {
    let mut action = MaybeUninit::<libc::sigaction>::uninit();
    // SAFETY: with no new action given, sigaction only writes the old one to `action`, and does so whenever it
    // returns 0.
    unsafe {
        (libc::sigaction(signal as i32, std::ptr::null(), action.as_mut_ptr()) == 0)
            .then(|| action.assume_init().sa_sigaction)
    }
}

/// Whether the caller of runup ignores `signal`: then runup leaves it alone, and so will the command find it.
pub fn is_ignored(signal: Signal) -> bool {
    IGNORED.load(Ordering::Relaxed) & bit(signal) != 0
}

/// SIGTERM and SIGINT, held back: nobody waits for them any more, and the handlers that are still there would swallow them.
#[derive(Debug)]
pub struct Held {
    /// The signal mask as it was before.
    pub mask: SigSet,
}

impl Held {
    /// Holds them back from here on.
    ///
    /// # Errors
    /// Those of sigprocmask(2).
    pub fn new() -> io::Result<Self> {
        let mut signals = SigSet::empty();
        signals.add(Signal::SIGTERM);
        signals.add(Signal::SIGINT);
        let mut mask = SigSet::empty();
        sigprocmask(SigmaskHow::SIG_BLOCK, Some(&signals), Some(&mut mask))?;
        Ok(Self { mask })
    }

    /// The one that has come meanwhile, unless the caller of runup had it blocked: then the command will find it pending.
    pub fn pending(&self) -> Option<Signal> {
        let mut pending = MaybeUninit::<libc::sigset_t>::uninit();
        // SAFETY: sigpending writes the whole set, and does so whenever it returns 0.
        let pending = unsafe {
            if libc::sigpending(pending.as_mut_ptr()) != 0 {
                return None;
            }
            pending.assume_init()
        };
        [Signal::SIGTERM, Signal::SIGINT]
            .into_iter()
            .filter(|signal| !self.mask.contains(*signal))
            // SAFETY: sigismember reads the set, which is initialised.
            .find(|signal| unsafe { libc::sigismember(&pending, *signal as i32) } == 1)
    }
}

/// Lets the end of a child be heard of: where SIGCHLD is ignored, the kernel reaps children itself and tells nobody.
pub fn hear_of_children() {
    dispose(Signal::SIGCHLD, false);
}

fn dispose(signal: Signal, to_ignore: bool) {
    let disposition = match to_ignore {
        true => libc::SIG_IGN,
        false => libc::SIG_DFL,
    };
    // SAFETY: neither is a handler, so there is nothing that could run at a bad moment.
    unsafe {
        libc::signal(signal as i32, disposition);
    }
}

/// Puts back what the runtime and runup have changed; to be called right before execve(2), or between fork(2) and execve(2).
///
/// Handlers need nothing: execve resets them, and ignored signals were never given one.
pub fn restore() {
    // execve would reset SIGTERM and SIGINT, too; but one that comes before it should end this process, not be caught.
    for signal in [
        Signal::SIGPIPE,
        Signal::SIGCHLD,
        Signal::SIGTERM,
        Signal::SIGINT,
    ] {
        dispose(signal, is_ignored(signal));
    }
    let closed = CLOSED.load(Ordering::Relaxed);
    let close_on_exec = || FcntlArg::F_SETFD(FdFlag::FD_CLOEXEC);
    if closed & 0b001 != 0 {
        let _ = fcntl(std::io::stdin(), close_on_exec());
    }
    if closed & 0b010 != 0 {
        let _ = fcntl(std::io::stdout(), close_on_exec());
    }
    if closed & 0b100 != 0 {
        let _ = fcntl(std::io::stderr(), close_on_exec());
    }
}

/// Starts `image` as a child, with the signal mask `mask`.
///
/// # Errors
/// Those of fork(2) and execve(2).
pub fn spawn(image: Image, mask: SigSet) -> io::Result<Pid> {
    // The program's name serves for nothing: the closure becomes the image before std would.
    let mut command = Command::new("/");
    // SAFETY: between fork and execve only async-signal-safe calls are made: sigprocmask, signal, fcntl, execve; their
    // arguments are complete before the fork, but for execve's arrays of pointers, which nix allocates. That is sound
    // as long as no other thread holds the allocator's lock, and glibc's and musl's fork see to that.
    unsafe {
        command.pre_exec(move || Err(exec::exec(&image, &mask).into()));
    }
    let child = command.spawn()?;
    Ok(Pid::from_raw(child.id().cast_signed()))
}

/// Waits for one of `signals` and gives its number. nix knows no real-time signals.
///
/// # Errors
/// Those of sigwait(3).
pub fn next_signal(signals: &SigSet) -> io::Result<i32> {
    let mut signal = 0;
    // SAFETY: sigwait reads the set and writes to `signal` only.
    match unsafe { libc::sigwait(signals.as_ref(), &mut signal) } {
        0 => Ok(signal),
        errno => Err(io::Error::from_raw_os_error(errno)),
    }
}

/// Sends `child` the signal of this number. It may have ended already: then its SIGCHLD comes next.
pub fn forward(child: Pid, signal: i32) {
    // SAFETY: kill takes any numbers and no memory.
    unsafe {
        libc::kill(child.as_raw(), signal);
    }
}

/// Reaps one child that has ended, where there is one. nix would lose one that a real-time signal ended.
pub fn reap() -> Option<(Pid, ExitStatus)> {
    let mut status = 0;
    // SAFETY: waitpid writes to `status` only.
    match unsafe { libc::waitpid(-1, &mut status, libc::WNOHANG) } {
        pid @ 1.. => Some((Pid::from_raw(pid), ExitStatus::from_raw(status))),
        _ => None,
    }
}
