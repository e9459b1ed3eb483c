//! A program run inside the lab, and what came of it.

use std::ffi::{OsStr, OsString};
use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::{Child, ExitStatus, Stdio};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use crate::netns::Netns;

/// A job that is still running by then is killed, and its test fails.
const LIMIT: Duration = Duration::from_secs(120);

/// A program, its arguments and its whole environment: `PATH`, `HOME` and what the test adds.
pub(crate) struct Job<'a> {
    netns: &'a Netns,
    program: PathBuf,
    arguments: Vec<OsString>,
    environment: Vec<(OsString, OsString)>,
}

impl<'a> Job<'a> {
    pub(crate) fn new(netns: &'a Netns, program: &Path, home: &Path) -> Self {
        Self {
            netns,
            program: program.to_owned(),
            arguments: Vec::new(),
            environment: vec![("HOME".into(), home.into())],
        }
    }

    pub(crate) fn arg(mut self, argument: impl Into<OsString>) -> Self {
        self.arguments.push(argument.into());
        self
    }

    pub(crate) fn args<A: AsRef<OsStr>>(mut self, arguments: impl IntoIterator<Item = A>) -> Self {
        let arguments = arguments.into_iter();
        self.arguments
            .extend(arguments.map(|argument| argument.as_ref().to_owned()));
        self
    }

    pub(crate) fn env(mut self, name: &str, value: impl Into<OsString>) -> Self {
        self.environment.push((name.into(), value.into()));
        self
    }

    /// Runs it to its end.
    pub(crate) fn run(self) -> Outcome {
        self.start().finish()
    }

    /// Starts it, with nothing on its standard input.
    pub(crate) fn start(self) -> Running {
        let began = Instant::now();
        let mut child = self
            .netns
            .command(&self.program)
            .args(&self.arguments)
            .envs(self.environment)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        Running {
            stdout: drain(child.stdout.take().unwrap()),
            stderr: drain(child.stderr.take().unwrap()),
            program: self.program,
            child,
            began,
        }
    }
}

/// A job that was started.
pub(crate) struct Running {
    program: PathBuf,
    child: Child,
    stdout: JoinHandle<String>,
    stderr: JoinHandle<String>,
    began: Instant,
}

impl Running {
    /// Sends it SIGTERM.
    pub(crate) fn terminate(&self) {
        let pid = Pid::from_raw(self.child.id().try_into().unwrap());
        kill(pid, Signal::SIGTERM).unwrap();
    }

    /// Waits for its end.
    pub(crate) fn finish(mut self) -> Outcome {
        let status = loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                break Some(status);
            }
            if self.began.elapsed() > LIMIT {
                self.child.kill().unwrap();
                self.child.wait().unwrap();
                break None;
            }
            thread::sleep(Duration::from_millis(2));
        };
        let elapsed = self.began.elapsed();
        let (stdout, stderr) = (self.stdout.join().unwrap(), self.stderr.join().unwrap());
        let Some(status) = status else {
            let program = self.program.display();
            panic!("`{program}` still ran after {LIMIT:?}; it said:\n{stdout}{stderr}");
        };
        Outcome {
            status,
            stdout,
            stderr,
            elapsed,
        }
    }
}

fn drain(mut pipe: impl Read + Send + 'static) -> JoinHandle<String> {
    thread::spawn(move || {
        let mut bytes = Vec::new();
        pipe.read_to_end(&mut bytes).unwrap();
        String::from_utf8_lossy(&bytes).into_owned()
    })
}

/// How a job ended.
#[derive(Debug)]
pub(crate) struct Outcome {
    pub(crate) status: ExitStatus,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
    pub(crate) elapsed: Duration,
}

impl Outcome {
    /// Asserts that it ended well; its standard output, trimmed.
    #[track_caller]
    pub(crate) fn succeeds(&self) -> &str {
        assert!(self.status.success(), "{self:#?}");
        self.stdout.trim()
    }

    /// Asserts that it did not, and said each of `words`, be it in capitals.
    #[track_caller]
    pub(crate) fn fails_saying(&self, words: &[&str]) {
        assert!(!self.status.success(), "{self:#?}");
        self.says(words);
    }

    /// Asserts its exit code.
    #[track_caller]
    pub(crate) fn exits(&self, code: i32) -> &Self {
        assert_eq!(self.status.code(), Some(code), "{self:#?}");
        self
    }

    /// Asserts that a finding names its code, the cause and the remedy, each where it belongs.
    #[track_caller]
    pub(crate) fn teaches(&self, code: &str, cause: &[&str], remedy: &[&str]) -> &Self {
        let last = format!("\n  code   {code} (runup explain {code})\n");
        let (finding, _) = (self.stderr.split_once(&last))
            .unwrap_or_else(|| panic!("no finding {code}\n{self:#?}"));
        let (causes, remedies) = (finding.split_once("\n  help   "))
            .unwrap_or_else(|| panic!("no remedy of {code}\n{self:#?}"));
        for (text, words) in [(causes, cause), (remedies, remedy)] {
            for word in words {
                assert!(text.contains(word), "not said of {code}: {word}\n{self:#?}");
            }
        }
        self
    }

    /// Asserts that each of `words` stands on its standard error, be it in capitals.
    #[track_caller]
    pub(crate) fn says(&self, words: &[&str]) -> &Self {
        let said = self.stderr.to_lowercase();
        for word in words {
            assert!(
                said.contains(&word.to_lowercase()),
                "not said: {word}\n{self:#?}"
            );
        }
        self
    }
}
