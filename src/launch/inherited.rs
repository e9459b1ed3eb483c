//! What runup inherited and the Rust runtime or runup itself changes, so that the command gets it back.
//!
//! Before `main`, Rust ignores SIGPIPE and opens /dev/null at the place of a closed stdin, stdout or stderr. Later runup
//! catches SIGTERM and SIGINT. All of it is looked at before the runtime starts, which only a constructor can do.

#![expect(
    unsafe_code,
    reason = "dispositions, constructors and what happens between fork and execve have no safe interface"
)]

use std::ffi::{CStr, CString, c_char, c_int, c_void};
use std::fs::File;
use std::io::{self, Read};
use std::mem::{self, MaybeUninit};
use std::os::fd::AsRawFd;
use std::os::unix::process::ExitStatusExt;
use std::process::ExitStatus;
use std::ptr;
use std::sync::atomic::{AtomicU8, AtomicU64, Ordering};
use std::time::Duration;

use nix::errno::Errno;
use nix::fcntl::OFlag;
use nix::libc;
use nix::sys::prctl;
use nix::sys::signal::{SigSet, SigmaskHow, Signal, sigprocmask};
use nix::unistd::{self, Pid};

use crate::launch::Image;

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
        [Signal::SIGTERM, Signal::SIGINT]
            .into_iter()
            .filter(|signal| !self.mask.contains(*signal))
            .find(|signal| is_pending(*signal))
    }
}

/// Whether `signal` has come and is blocked.
fn is_pending(signal: Signal) -> bool {
    let mut pending = MaybeUninit::<libc::sigset_t>::uninit();
    // SAFETY: sigpending writes the whole set, and does so whenever it returns 0; sigismember reads it.
    unsafe {
        libc::sigpending(pending.as_mut_ptr()) == 0
            && libc::sigismember(&pending.assume_init(), signal as c_int) == 1
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
    for descriptor in (0..=2).filter(|descriptor| closed & (1 << descriptor) != 0) {
        // SAFETY: F_SETFD takes any number; what stands there is the runtime's /dev/null.
        unsafe {
            libc::fcntl(descriptor, libc::F_SETFD, libc::FD_CLOEXEC);
        }
    }
}

/// An [`Image`] in the form that execve(2) takes: made before fork(2), since nothing may be allocated after it.
#[derive(Debug)]
pub struct Ready<'a> {
    path: &'a CStr,
    arguments: Vec<*const c_char>,
    variables: Vec<*const c_char>,
}

impl<'a> Ready<'a> {
    /// The pointers into `image`, each list with a null at its end.
    pub fn new(image: &'a Image) -> Self {
        let list = |strings: &[CString]| {
            let pointers = strings.iter().map(|string| string.as_ptr());
            pointers.chain([ptr::null()]).collect()
        };
        Self {
            path: &image.path,
            arguments: list(&image.arguments),
            variables: list(&image.variables),
        }
    }

    /// Becomes it, with open files and dispositions as runup got them, and the signal mask `mask`. Comes back only on
    /// failure. All it does is async-signal-safe.
    pub fn exec(&self, mask: &SigSet) -> Errno {
        restore();
        if let Err(errno) = sigprocmask(SigmaskHow::SIG_SETMASK, Some(mask), None) {
            return errno;
        }
        // SAFETY: the pointers are those of an image that is borrowed, and each list ends with a null.
        unsafe {
            libc::execve(
                self.path.as_ptr(),
                self.arguments.as_ptr(),
                self.variables.as_ptr(),
            );
        }
        Errno::last()
    }
}

/// The process group that a command is started in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Group {
    /// That of runup.
    Same,
    /// One of its own.
    Own,
    /// One of its own, which gets the terminal on stdin.
    Foreground,
}

/// Starts `image` as a child, with the signal mask `mask`. All signals must be blocked, so that no handler runs in it.
///
/// # Errors
/// Those of pipe(2), fork(2) and execve(2).
pub fn spawn(image: &Image, mask: &SigSet, group: Group) -> io::Result<Pid> {
    let ready = Ready::new(image);
    // What cannot become the command tells why; execve closes the pipe.
    let (reader, writer) = unistd::pipe2(OFlag::O_CLOEXEC)?;
    let parent = Pid::this();
    // SAFETY: the child makes async-signal-safe calls only and ends in execve or _exit; all it needs exists already.
    match unsafe { libc::fork() } {
        -1 => Err(io::Error::last_os_error()),
        0 => {
            let errno = become_child(&ready, mask, group, parent) as c_int;
            let size = mem::size_of::<c_int>();
            // SAFETY: write reads the number, and _exit runs nothing of this process's.
            unsafe {
                libc::write(writer.as_raw_fd(), (&raw const errno).cast(), size);
                libc::_exit(126)
            }
        }
        pid => {
            drop(writer);
            let child = Pid::from_raw(pid);
            if group != Group::Same {
                // The child does the same: whoever comes first, it is done before anybody relies on it.
                let _ = unistd::setpgid(child, child);
            }
            let mut errno = [0; mem::size_of::<c_int>()];
            match File::from(reader).read_exact(&mut errno) {
                Ok(()) => {
                    // SAFETY: waitpid takes a null for what is not asked for.
                    unsafe { libc::waitpid(pid, ptr::null_mut(), 0) };
                    Err(io::Error::from_raw_os_error(c_int::from_ne_bytes(errno)))
                }
                Err(_) => Ok(child),
            }
        }
    }
}

/// Between fork and execve; comes back only on failure.
fn become_child(ready: &Ready, mask: &SigSet, group: Group, parent: Pid) -> Errno {
    // Whoever kills runup means the command: where runup becomes it, they are one. A sandbox may know no such thing.
    let _ = prctl::set_pdeathsig(Signal::SIGKILL);
    // It may have gone before that.
    if unistd::getppid() != parent {
        return Errno::ESRCH;
    }
    if group != Group::Same {
        let own = Pid::this();
        if let Err(errno) = unistd::setpgid(own, own) {
            return errno;
        }
        if group == Group::Foreground {
            // SIGTTOU is blocked still. A terminal that cannot be had is no reason not to run.
            // SAFETY: it takes any numbers.
            unsafe { libc::tcsetpgrp(0, own.as_raw()) };
        }
    }
    ready.exec(mask)
}

/// A signal that came.
#[derive(Clone, Copy, Debug)]
pub struct Arrived(libc::siginfo_t);

impl Arrived {
    /// Its number. nix knows no real-time signals.
    pub fn number(&self) -> c_int {
        self.0.si_signo
    }

    /// Whether the kernel made it, as it does for the keys of a terminal, and for the end of a child.
    pub fn is_kernels(&self) -> bool {
        self.0.si_code > 0
    }

    /// Whether this very process caused it, as by writing to a pipe that nobody reads.
    pub fn is_own(&self) -> bool {
        // SAFETY: kill(2)'s are the signals with this code, and they carry a pid.
        self.0.si_code == libc::SI_USER && unsafe { self.0.si_pid() } == Pid::this().as_raw()
    }

    /// Sends it on, with its value, where it has one. Nobody may be there any more: then the end of the child comes next.
    pub fn send_to(&self, child: Pid) {
        if self.0.si_code == libc::SI_QUEUE {
            // SAFETY: it reads the record, which sigtimedwait has filled; the kernel lets a sender of sigqueue(3)'s
            // signals say all of it.
            let result = unsafe {
                let (number, record) = (self.number(), &raw const self.0);
                libc::syscall(libc::SYS_rt_sigqueueinfo, child.as_raw(), number, record)
            };
            if result == 0 {
                return;
            }
        }
        send(child, self.number());
    }

    /// Sends its number to a process group; whether there is one.
    pub fn send_to_group(&self, group: Pid) -> bool {
        send(Pid::from_raw(-group.as_raw()), self.number())
    }
}

/// kill(2), whose first number may mean a group; whether it found anybody.
fn send(to: Pid, signal: c_int) -> bool {
    // SAFETY: kill takes any numbers and no memory.
    unsafe { libc::kill(to.as_raw(), signal) == 0 }
}

/// All signals. `SigSet::all` is the C library's, which leaves out those that it keeps for its threads: 32 and 33, and in musl
/// 34.
pub fn signals() -> SigSet {
    let mut all = MaybeUninit::<libc::sigset_t>::uninit();
    // SAFETY: the set consists of integers, one bit for each signal, and all of it is written.
    unsafe {
        all.as_mut_ptr().write_bytes(0xff, 1);
        SigSet::from_sigset_t_unchecked(all.assume_init())
    }
}

/// Blocks all [`signals`] in this thread. The C libraries use theirs to cancel threads and to change the user of all of them,
/// which runup never does; so they are like any others, and one that somebody sends must not end runup.
///
/// # Errors
/// Those of rt_sigprocmask(2).
pub fn block_signals() -> io::Result<()> {
    // The kernel's set is shorter than the C library's.
    const SIZE: usize = mem::size_of::<u64>();
    let all = signals();
    let all: *const libc::sigset_t = all.as_ref();
    let none = ptr::null_mut::<libc::sigset_t>();
    // SAFETY: the kernel reads SIZE bytes of the set, and writes nothing where the old set is null.
    let result =
        unsafe { libc::syscall(libc::SYS_rt_sigprocmask, libc::SIG_BLOCK, all, none, SIZE) };
    Errno::result(result).map(drop).map_err(io::Error::from)
}

/// Waits for one of `signals`, not longer than `patience`. It may come back early with nothing.
///
/// # Errors
/// Those of sigtimedwait(2).
pub fn next_signal(signals: &SigSet, patience: Option<Duration>) -> io::Result<Option<Arrived>> {
    let patience = patience.map(|patience| libc::timespec {
        tv_sec: libc::time_t::try_from(patience.as_secs()).unwrap_or(libc::time_t::MAX),
        tv_nsec: patience.subsec_nanos().into(),
    });
    let patience = patience.as_ref().map_or(ptr::null(), ptr::from_ref);
    let mut arrived = MaybeUninit::uninit();
    // SAFETY: sigtimedwait reads the set and the time, and writes the whole record whenever it returns a signal.
    unsafe {
        if libc::sigtimedwait(signals.as_ref(), arrived.as_mut_ptr(), patience) > 0 {
            return Ok(Some(Arrived(arrived.assume_init())));
        }
    }
    match Errno::last() {
        Errno::EAGAIN | Errno::EINTR => Ok(None),
        errno => Err(errno.into()),
    }
}

/// Reaps one child that has ended, or hears of one that was stopped, where there is one. nix would lose one that a real-time
/// signal ended.
pub fn reap() -> Option<(Pid, ExitStatus)> {
    let mut status = 0;
    // SAFETY: waitpid writes to `status` only.
    match unsafe { libc::waitpid(-1, &mut status, libc::WNOHANG | libc::WUNTRACED) } {
        pid @ 1.. => Some((Pid::from_raw(pid), ExitStatus::from_raw(status))),
        _ => None,
    }
}

/// Stops this process by `signal`, which must be blocked and have its default disposition; whether the kernel did so and
/// somebody continued it since. It does not where nobody could: for PID 1, and where no shell above controls jobs.
pub fn stop(signal: Signal) -> io::Result<bool> {
    let mut one = SigSet::empty();
    one.add(signal);
    send(Pid::this(), signal as c_int);
    sigprocmask(SigmaskHow::SIG_UNBLOCK, Some(&one), None)?;
    sigprocmask(SigmaskHow::SIG_BLOCK, Some(&one), None)?;
    Ok(is_pending(Signal::SIGCONT))
}

/// Gives memory back that the checks have used and nothing needs any more: the heap's, and the pages of code and constants,
/// which come back from the file when they are touched.
pub fn give_memory_back() {
    #[cfg(target_env = "gnu")]
    // SAFETY: it keeps what is in use.
    unsafe {
        libc::malloc_trim(0);
    }
    // SAFETY: the callback has the right signature, and what it is given lives as long as it runs.
    unsafe {
        let mut page = usize::try_from(libc::sysconf(libc::_SC_PAGESIZE)).unwrap_or(4096);
        libc::dl_iterate_phdr(Some(forget_constants), (&raw mut page).cast());
    }
}

/// For each loaded file: forgets the segments that cannot be written. `page` is the size of a page.
unsafe extern "C" fn forget_constants(
    info: *mut libc::dl_phdr_info,
    _size: usize,
    page: *mut c_void,
) -> c_int {
    // SAFETY: dl_iterate_phdr gives a record whose headers are those of a loaded file, and what it was given itself.
    let (base, headers, page) = unsafe {
        let info = &*info;
        let count = usize::from(info.dlpi_phnum);
        let headers = std::slice::from_raw_parts(info.dlpi_phdr, count);
        (info.dlpi_addr as usize, headers, *page.cast::<usize>())
    };
    for header in headers {
        if header.p_type == libc::PT_LOAD && header.p_flags & libc::PF_W == 0 {
            let begin = (base + header.p_vaddr as usize) & !(page - 1);
            let length = base + header.p_vaddr as usize + header.p_memsz as usize - begin;
            // SAFETY: a private mapping that was never written is read from its file again.
            unsafe {
                libc::madvise(begin as *mut c_void, length, libc::MADV_DONTNEED);
            }
        }
    }
    0
}
