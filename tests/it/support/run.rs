//! A run of the program: what it is given, and what must come out.

use std::ffi::{OsStr, OsString};
use std::fs;
use std::io::{Read, Write};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::symlink;
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::{Arc, LazyLock, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use tempfile::TempDir;

use super::fake::{self, Fake};
use super::pattern;

/// The line of a run that went well.
pub(crate) const READY: &str = "runup: ready in [..]\n";

/// The programs that callers and commands are made of. Others are not found: runup says more where there is a Java, say.
const PROGRAMS: [&str; 23] = [
    "bash",
    "cat",
    "catatonit",
    "cut",
    "dumb-init",
    "env",
    "false",
    "grep",
    "ls",
    "printenv",
    "python3",
    "rm",
    "script",
    "setsid",
    "sh",
    "sleep",
    "stty",
    "tini",
    "touch",
    "true",
    "tr",
    "unshare",
    "wc",
];

/// The directory where runup and the commands look for programs.
pub(crate) fn bin() -> &'static str {
    static BIN: LazyLock<String> = LazyLock::new(|| {
        let bin = concat!(env!("CARGO_TARGET_TMPDIR"), "/bin");
        fs::create_dir_all(bin).unwrap();
        for program in PROGRAMS {
            let path = ["/usr/bin", "/bin"]
                .map(|directory| Path::new(directory).join(program))
                .into_iter()
                .find(|path| path.exists());
            if let Some(path) = path {
                // Another process of the same tests may be quicker.
                let _ = symlink(path, Path::new(bin).join(program));
            }
        }
        bin.to_owned()
    });
    &BIN
}

/// A port that nothing listens on.
const NOBODY: &str = "127.0.0.1:1";

/// Longer than any run takes, on a machine that has much else to do.
const PATIENCE: Duration = Duration::from_secs(60);

/// A run. Unless told otherwise it must end with 0, nothing on stdout, and on stderr [`READY`] alone.
pub(crate) struct Run {
    variables: Vec<(OsString, OsString)>,
    options: Vec<OsString>,
    command: Vec<OsString>,
    is_alone: bool,
    leads_group: bool,
    caller: Vec<String>,
    stdin: Option<Vec<u8>>,
    directory: Option<PathBuf>,
    home: TempDir,
    expected: Expected,
}

struct Expected {
    /// `None`: anything.
    status: Option<Status>,
    /// `None`: anything.
    stdout: Option<Vec<u8>>,
    /// A pattern. `None`: anything.
    stderr: Option<String>,
    prints_token: bool,
}

#[derive(Debug, PartialEq)]
enum Status {
    Code(i32),
    Signal(i32),
}

impl Run {
    /// A run in an environment of PATH, HOME (a fresh directory) and a metadata server that refuses every connection.
    pub(crate) fn new() -> Self {
        let home = tempfile::tempdir().unwrap();
        Self {
            variables: Vec::new(),
            options: Vec::new(),
            command: Vec::new(),
            is_alone: false,
            leads_group: false,
            caller: Vec::new(),
            stdin: None,
            directory: None,
            expected: Expected {
                status: Some(Status::Code(0)),
                stdout: Some(Vec::new()),
                stderr: Some(READY.to_owned()),
                prints_token: false,
            },
            home,
        }
        .env("PATH", bin())
        .env("GCE_METADATA_HOST", NOBODY)
        .with_home()
    }

    fn with_home(self) -> Self {
        let home = self.home().to_owned();
        self.env("HOME", home)
    }

    /// The metadata server is the library's emulator.
    pub(crate) fn emulator(self) -> Self {
        self.env("GCE_METADATA_HOST", fake::healthy().address.to_string())
    }

    /// The metadata server is `fake`.
    pub(crate) fn metadata(self, fake: &Fake) -> Self {
        self.env("GCE_METADATA_HOST", fake.address())
    }

    /// With `--metadata off`.
    pub(crate) fn off(self) -> Self {
        self.args(["--metadata", "off"])
    }

    /// With `--emulate`.
    pub(crate) fn emulate(self) -> Self {
        self.args(["--emulate"])
    }

    /// The command by itself, with no runup before it.
    pub(crate) fn alone(mut self) -> Self {
        self.is_alone = true;
        self.stderr("")
    }

    /// A variable. The last of a name counts.
    pub(crate) fn env(mut self, name: impl AsRef<OsStr>, value: impl AsRef<OsStr>) -> Self {
        let (name, value) = (name.as_ref().to_owned(), value.as_ref().to_owned());
        self.variables.retain(|(before, _)| *before != name);
        self.variables.push((name, value));
        self
    }

    /// More words for runup itself, before the command.
    pub(crate) fn args<A: Into<OsString>>(mut self, args: impl IntoIterator<Item = A>) -> Self {
        self.options.extend(args.into_iter().map(Into::into));
        self
    }

    /// The command and its arguments.
    pub(crate) fn command<A: Into<OsString>>(mut self, args: impl IntoIterator<Item = A>) -> Self {
        self.command.extend(args.into_iter().map(Into::into));
        self
    }

    /// The command is a shell with this script.
    pub(crate) fn shell(self, script: &str) -> Self {
        self.command(["sh", "-c", script])
    }

    /// Lines of shell that the caller runs before it becomes runup.
    pub(crate) fn called_by(mut self, lines: &str) -> Self {
        self.caller.push(lines.to_owned());
        self
    }

    /// In a process group of its own. The kernel stops nobody by SIGTSTP in an orphaned group, such as that of a test whose
    /// shell has ended; this one has its parent, the test, in another group of the session.
    pub(crate) fn leading_a_group(mut self) -> Self {
        self.leads_group = true;
        self
    }

    /// On a terminal of its own, which is so many columns wide, and in a session that it controls: `script` makes them.
    /// What is said there comes out on stdout.
    pub(crate) fn on_terminal(self, columns: u16) -> Self {
        self.called_by(&format!(
            r#"printf '%s\n' "exec \"\$@\"" >"$HOME/inner"
               words=; for word in "$@"; do printf '%s' "$word" >"$HOME/word.$#"; words="$words \"\$(cat $HOME/word.$#)\""; shift; done
               set -- script --quiet --return --command "stty rows 24 columns {columns}; exec $words" /dev/null"#
        ))
    }

    pub(crate) fn stdin(mut self, bytes: impl Into<Vec<u8>>) -> Self {
        self.stdin = Some(bytes.into());
        self
    }

    pub(crate) fn directory(mut self, directory: impl Into<PathBuf>) -> Self {
        self.directory = Some(directory.into());
        self
    }

    /// The directory in HOME.
    pub(crate) fn home(&self) -> &Path {
        self.home.path()
    }

    /// The exit code it must end with.
    pub(crate) fn code(mut self, code: i32) -> Self {
        self.expected.status = Some(Status::Code(code));
        self
    }

    /// The signal it must die from.
    pub(crate) fn killed_by(mut self, signal: i32) -> Self {
        self.expected.status = Some(Status::Signal(signal));
        self
    }

    /// It may end anyhow.
    pub(crate) fn any_code(mut self) -> Self {
        self.expected.status = None;
        self
    }

    /// What must be on stdout, byte for byte.
    pub(crate) fn stdout(mut self, text: impl Into<Vec<u8>>) -> Self {
        self.expected.stdout = Some(text.into());
        self
    }

    /// Anything may be on stdout.
    pub(crate) fn any_stdout(mut self) -> Self {
        self.expected.stdout = None;
        self
    }

    /// What must be on stderr, as a [`pattern`].
    pub(crate) fn stderr(mut self, pattern: impl Into<String>) -> Self {
        self.expected.stderr = Some(pattern.into());
        self
    }

    /// Anything may be on stderr, but no secret.
    pub(crate) fn any_stderr(mut self) -> Self {
        self.expected.stderr = None;
        self
    }

    /// A token may be on stdout.
    pub(crate) fn prints_token(mut self) -> Self {
        self.expected.prints_token = true;
        self
    }

    /// Runs it to its end, and sees that it went as expected.
    #[track_caller]
    pub(crate) fn run(self) -> Done {
        self.start().finish()
    }

    /// Starts it.
    #[track_caller]
    pub(crate) fn start(self) -> Running {
        let mut words = Vec::new();
        if !self.caller.is_empty() {
            let mut script = self.caller.join("\n");
            script.push_str("\nexec \"$@\"");
            words.extend(["sh", "-c", &script, "sh"].map(OsString::from));
        }
        if !self.is_alone {
            words.push(env!("CARGO_BIN_EXE_runup").into());
            words.extend(self.options);
        }
        words.extend(self.command);
        let told = words
            .iter()
            .map(|word| word.to_string_lossy())
            .collect::<Vec<_>>()
            .join(" ");

        let mut command = Command::new(match words[0].to_str() {
            // This process has another PATH.
            Some(name) if !name.contains('/') => format!("{}/{name}", bin()).into(),
            _ => words[0].clone(),
        });
        command
            .args(&words[1..])
            .env_clear()
            .envs(self.variables)
            .current_dir(self.directory.as_deref().unwrap_or(self.home.path()))
            .stdin(match self.stdin {
                Some(_) => Stdio::piped(),
                None => Stdio::null(),
            })
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        if self.leads_group {
            command.process_group(0);
        }
        let mut child = command.spawn().unwrap();
        if let (Some(mut pipe), Some(bytes)) = (child.stdin.take(), self.stdin) {
            // The command need not read it all.
            thread::spawn(move || pipe.write_all(&bytes));
        }
        Running {
            told,
            stdout: Stream::new(child.stdout.take().unwrap()),
            stderr: Stream::new(child.stderr.take().unwrap()),
            child,
            began: Instant::now(),
            home: Some(self.home),
            expected: self.expected,
        }
    }
}

/// A run on its way. Dropped before its end, it is killed.
pub(crate) struct Running {
    told: String,
    child: Child,
    stdout: Stream,
    stderr: Stream,
    began: Instant,
    home: Option<TempDir>,
    expected: Expected,
}

impl Running {
    pub(crate) fn pid(&self) -> Pid {
        Pid::from_raw(self.child.id().cast_signed())
    }

    pub(crate) fn signal(&self, signal: Signal) {
        kill(self.pid(), signal).unwrap();
    }

    /// What stands on stdout so far.
    pub(crate) fn said(&self) -> String {
        String::from_utf8_lossy(&self.stdout.so_far()).into_owned()
    }

    /// Waits until `text` stands on stdout.
    #[track_caller]
    pub(crate) fn says(&self, text: &str) {
        assert!(
            soon(|| self.said().contains(text)),
            "{}: never said {text:?}\n{}\n{}",
            self.told,
            String::from_utf8_lossy(&self.stdout.so_far()),
            String::from_utf8_lossy(&self.stderr.so_far()),
        );
    }

    /// Waits until `mark` stands on stderr, and gives the word after it.
    #[track_caller]
    pub(crate) fn hears(&self, mark: &str) -> String {
        let mut word = None;
        let has_come = soon(|| {
            let text = String::from_utf8_lossy(&self.stderr.so_far()).into_owned();
            word = text
                .split_once(mark)
                .filter(|(_, after)| after.contains(char::is_whitespace))
                .map(|(_, after)| after.split_whitespace().next().unwrap().to_owned());
            word.is_some()
        });
        assert!(has_come, "{}: never said {mark:?}", self.told);
        word.unwrap()
    }

    /// Waits for the end, and sees that it went as expected.
    #[track_caller]
    pub(crate) fn finish(mut self) -> Done {
        let mut status = None;
        let has_ended = soon(|| {
            status = self.child.try_wait().unwrap();
            status.is_some()
        });
        let took = self.began.elapsed();
        assert!(has_ended, "{}: still running after {took:?}", self.told);
        let done = Done {
            status: status.unwrap(),
            stdout: self.stdout.all(&self.told),
            stderr: String::from_utf8_lossy(&self.stderr.all(&self.told)).into_owned(),
            took,
            home: self.home.take().unwrap(),
        };
        self.judge(&done);
        done
    }

    #[track_caller]
    fn judge(&self, done: &Done) {
        let stdout = String::from_utf8_lossy(&done.stdout);
        let all = format!(
            "{}\n{}\n--- stdout\n{stdout}\n--- stderr\n{}\n---",
            self.told, done.status, done.stderr
        );
        let status = match (done.status.code(), done.status.signal()) {
            (Some(code), _) => Status::Code(code),
            (None, signal) => Status::Signal(signal.unwrap()),
        };
        if let Some(expected) = &self.expected.status {
            assert_eq!(status, *expected, "{all}");
        }
        if let Some(expected) = &self.expected.stdout {
            let expected_text = String::from_utf8_lossy(expected);
            assert!(
                *expected == done.stdout,
                "{all}\nexpected on stdout:\n{expected_text}"
            );
        }
        if let Some(expected) = &self.expected.stderr {
            assert!(
                pattern::matches(expected, &done.stderr),
                "{all}\nexpected on stderr:\n{expected}"
            );
        }
        assert!(!holds_token(&done.stderr), "a token on stderr: {all}");
        assert!(
            self.expected.prints_token || !holds_token(&stdout),
            "a token on stdout: {all}"
        );
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        if self.home.is_some() {
            let _ = self.child.kill();
            let _ = self.child.wait();
        }
    }
}

/// A run that went as expected.
pub(crate) struct Done {
    pub(crate) status: ExitStatus,
    pub(crate) stdout: Vec<u8>,
    pub(crate) stderr: String,
    pub(crate) took: Duration,
    home: TempDir,
}

impl Done {
    pub(crate) fn text(&self) -> &str {
        std::str::from_utf8(&self.stdout).unwrap()
    }

    pub(crate) fn home(&self) -> &Path {
        self.home.path()
    }

    /// The value of `name` in the environment that the command wrote to stdout, by `env -0` or from /proc.
    #[track_caller]
    pub(crate) fn variable(&self, name: &str) -> Option<String> {
        self.stdout
            .split(|byte| *byte == 0)
            .find_map(|entry| entry.strip_prefix(name.as_bytes())?.strip_prefix(b"="))
            .map(|value| OsStr::from_bytes(value).to_str().unwrap().to_owned())
    }

    /// The stderr of a run with `--log-format json`, line by line.
    #[track_caller]
    pub(crate) fn entries(&self) -> Vec<serde_json::Value> {
        self.stderr
            .lines()
            .map(|line| {
                serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}"))
            })
            .collect()
    }

    /// The codes of the findings on stderr, which must be in JSON.
    #[track_caller]
    pub(crate) fn codes(&self) -> Vec<String> {
        self.findings()
            .iter()
            .map(|finding| finding["code"].as_str().unwrap().to_owned())
            .collect()
    }

    /// The only finding on stderr, which must be in JSON.
    #[track_caller]
    pub(crate) fn finding(&self) -> serde_json::Value {
        match &self.findings()[..] {
            [finding] => finding.clone(),
            findings => panic!("{} findings: {}", findings.len(), self.stderr),
        }
    }

    /// The findings on stderr, which must be in JSON.
    #[track_caller]
    pub(crate) fn findings(&self) -> Vec<serde_json::Value> {
        self.entries()
            .iter()
            .filter_map(|entry| entry.get("finding").cloned())
            .collect()
    }
}

/// What a pipe has brought so far.
struct Stream {
    bytes: Arc<Mutex<Vec<u8>>>,
    reader: Option<thread::JoinHandle<()>>,
}

impl Stream {
    fn new(mut pipe: impl Read + Send + 'static) -> Self {
        let bytes = Arc::new(Mutex::new(Vec::new()));
        let ours = Arc::clone(&bytes);
        let reader = thread::spawn(move || {
            let mut buffer = [0; 64 * 1024];
            while let Ok(count @ 1..) = pipe.read(&mut buffer) {
                ours.lock().unwrap().extend_from_slice(&buffer[..count]);
            }
        });
        Self {
            bytes,
            reader: Some(reader),
        }
    }

    fn so_far(&self) -> Vec<u8> {
        self.bytes.lock().unwrap().clone()
    }

    #[track_caller]
    fn all(&mut self, told: &str) -> Vec<u8> {
        let reader = self.reader.take().unwrap();
        assert!(
            soon(|| reader.is_finished()),
            "{told}: something holds its output open"
        );
        reader.join().unwrap();
        self.so_far()
    }
}

/// Waits until `done` holds; not longer than [`PATIENCE`].
pub(crate) fn soon(mut done: impl FnMut() -> bool) -> bool {
    let end = Instant::now() + PATIENCE;
    let mut pause = Duration::from_millis(1);
    while !done() {
        if Instant::now() > end {
            return false;
        }
        thread::sleep(pause);
        pause = (pause * 2).min(Duration::from_millis(20));
    }
    true
}

/// Whether the text of an emulator's token stands in `text`.
fn holds_token(text: &str) -> bool {
    text.match_indices("emulated-").any(|(index, mark)| {
        let rest = text[index + mark.len()..].chars();
        rest.take_while(char::is_ascii_alphanumeric).count() >= 40
    })
}

/// Writes an executable file. A process of its own does: while this one had it open for writing, a child forked at that
/// moment would have, too, and the kernel would not run it (ETXTBSY).
pub(crate) fn script(path: impl AsRef<Path>, text: impl AsRef<[u8]>) {
    let mut writer = Command::new("sh")
        .args(["-c", r#"cat >"$1" && chmod 755 "$1""#, "sh"])
        .arg(path.as_ref())
        .stdin(Stdio::piped())
        .spawn()
        .unwrap();
    writer
        .stdin
        .take()
        .unwrap()
        .write_all(text.as_ref())
        .unwrap();
    assert!(writer.wait().unwrap().success());
}
