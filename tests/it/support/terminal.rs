//! A real terminal, with somebody who types.

use std::fs::File;
use std::io::{ErrorKind, Read, Write};
use std::os::fd::OwnedFd;
use std::process::{Child, Command};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use nix::fcntl::{FcntlArg, FdFlag, OFlag, fcntl};
use nix::pty::openpty;
use nix::unistd::Pid;
use tempfile::TempDir;

use super::run::{bin, soon};

/// A shell that leads a session on a terminal of its own.
pub(crate) struct Terminal {
    keys: Option<File>,
    screen: Arc<Mutex<Vec<u8>>>,
    reader: Option<JoinHandle<()>>,
    is_over: Arc<AtomicBool>,
    process: Child,
    home: TempDir,
}

impl Terminal {
    /// Starts a command there. In it `runup` is the program.
    pub(crate) fn start(command: &[&str]) -> Self {
        let pty = openpty(None, None).unwrap();
        // Nobody else may hold the other end open.
        for end in [&pty.master, &pty.slave] {
            fcntl(end, FcntlArg::F_SETFD(FdFlag::FD_CLOEXEC)).unwrap();
        }
        fcntl(&pty.master, FcntlArg::F_SETFL(OFlag::O_NONBLOCK)).unwrap();
        let home = tempfile::tempdir().unwrap();
        std::os::unix::fs::symlink(env!("CARGO_BIN_EXE_runup"), home.path().join("runup")).unwrap();
        let end = || OwnedFd::try_clone(&pty.slave).unwrap();
        let process = Command::new(format!("{}/setsid", bin()))
            .arg("--ctty")
            .args(command)
            .env_clear()
            .env("PATH", format!("{}:{}", home.path().display(), bin()))
            .env("HOME", home.path())
            .env("RUNUP_METADATA", "off")
            .env("PS1", "$ ")
            .current_dir(home.path())
            .stdin(end())
            .stdout(end())
            .stderr(end())
            .spawn()
            .unwrap();
        let mut terminal = Self {
            screen: Arc::default(),
            reader: None,
            is_over: Arc::default(),
            keys: Some(pty.master.try_clone().unwrap().into()),
            process,
            home,
        };
        let (screen, is_over) = (Arc::clone(&terminal.screen), Arc::clone(&terminal.is_over));
        terminal.reader = Some(thread::spawn(move || {
            look(File::from(pty.master), &screen, &is_over);
        }));
        terminal
    }

    pub(crate) fn pid(&self) -> Pid {
        Pid::from_raw(self.process.id().cast_signed())
    }

    pub(crate) fn home(&self) -> &std::path::Path {
        self.home.path()
    }

    /// Types `text`; a line ends with a line feed, Ctrl-C is `\x03`, Ctrl-Z `\x1a`.
    pub(crate) fn type_in(&self, text: &str) {
        let mut keys = self.keys.as_ref().unwrap();
        keys.write_all(text.as_bytes()).unwrap();
    }

    /// What is on the screen so far.
    pub(crate) fn screen(&self) -> String {
        String::from_utf8_lossy(&self.screen.lock().unwrap()).replace('\r', "")
    }

    /// Waits until `text` stands on the screen, as often as `times`.
    #[track_caller]
    pub(crate) fn shows(&self, text: &str, times: usize) {
        let is_there = soon(|| self.screen().matches(text).count() >= times);
        assert!(
            is_there,
            "never showed {text:?} {times} times:\n{}",
            self.screen()
        );
    }

    /// Closes the terminal, as a lost connection does.
    pub(crate) fn hang_up(&mut self) {
        self.keys = None;
        self.is_over.store(true, Ordering::SeqCst);
        self.reader.take().unwrap().join().unwrap();
    }

    /// Waits for the end, and gives its exit code.
    #[track_caller]
    pub(crate) fn code(&mut self) -> i32 {
        let mut status = None;
        let has_ended = soon(|| {
            status = self.process.try_wait().unwrap();
            status.is_some()
        });
        assert!(has_ended, "still running:\n{}", self.screen());
        status.unwrap().code().unwrap_or(-1)
    }
}

/// Reads what comes, until the other end is closed or nobody wants it any more.
fn look(mut end: File, screen: &Mutex<Vec<u8>>, is_over: &AtomicBool) {
    let mut buffer = [0; 4096];
    while !is_over.load(Ordering::SeqCst) {
        match end.read(&mut buffer) {
            Ok(count @ 1..) => screen.lock().unwrap().extend_from_slice(&buffer[..count]),
            Err(error) if error.kind() == ErrorKind::WouldBlock => {
                thread::sleep(Duration::from_millis(2));
            }
            _ => return,
        }
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        self.is_over.store(true, Ordering::SeqCst);
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
