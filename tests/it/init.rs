//! runup as PID 1 and below others, as the command itself and as its parent.

mod orphans;
mod peers;
mod terminal;

use std::fs;
use std::process::Command;
use std::thread;
use std::time::Duration;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use crate::support::{READY, Run, Running, in_pid_namespace, init_of, soon};

/// How runup stands to the command, and where.
#[derive(Clone, Copy, Debug)]
struct Way {
    is_parent: bool,
    is_first: bool,
}

const WAYS: [Way; 4] = [
    Way::new(false, false),
    Way::new(false, true),
    Way::new(true, false),
    Way::new(true, true),
];

/// Those in which runup stays.
const PARENTS: [Way; 2] = [WAYS[2], WAYS[3]];

impl Way {
    const fn new(is_parent: bool, is_first: bool) -> Self {
        Self {
            is_parent,
            is_first,
        }
    }

    /// A run of this way; `None` where there is no right to make namespaces.
    fn run(self) -> Option<Run> {
        let run = Run::new().off();
        let run = match self.is_parent {
            true => run.args(["--init"]),
            false => run,
        };
        match self.is_first {
            true => in_pid_namespace(run),
            false => Some(run),
        }
    }

    /// The process that signals are sent to.
    fn pid(self, running: &Running) -> Pid {
        match self.is_first {
            true => init_of(running),
            false => running.pid(),
        }
    }
}

/// All numbers of signals but SIGKILL, SIGSTOP and the two that the C library lets no program catch.
fn forwardable() -> impl Iterator<Item = i32> {
    (1..=64).filter(|number| ![9, 19, 32, 33].contains(number))
}

/// Those of [`forwardable`] that end a process that does nothing about them.
fn deadly() -> impl Iterator<Item = i32> {
    forwardable().filter(|number| ![17, 18, 20, 21, 22, 23, 28].contains(number))
}

/// Sends signals by their numbers, one after the other. nix knows no real-time signals.
fn send(to: Pid, numbers: impl IntoIterator<Item = i32>) {
    let lines: String = numbers
        .into_iter()
        .map(|number| format!("kill -{number} {to}\n"))
        .collect();
    let sent = Command::new("sh").args(["-ec", &lines]).status();
    assert!(sent.unwrap().success(), "{lines}");
}

/// A command that tells each signal it gets, and ends on SIGTERM with 7.
fn tell(numbers: impl IntoIterator<Item = i32>) -> [String; 3] {
    let traps: String = numbers
        .into_iter()
        .map(|number| format!("trap 'echo \"got {number}.\"' {number}\n"))
        .collect();
    let script = format!("{traps} trap 'exit 7' TERM\necho begun\nwhile :; do sleep 0.02; done");
    ["sh".to_owned(), "-c".to_owned(), script]
}

/// The command of a run in which runup stays: its only child.
fn child_of(pid: Pid) -> Pid {
    assert!(soon(|| !children(pid).is_empty()), "{pid} has no child");
    children(pid)[0]
}

/// The children of `pid`.
fn children(pid: Pid) -> Vec<Pid> {
    fs::read_to_string(format!("/proc/{pid}/task/{pid}/children"))
        .unwrap_or_default()
        .split_whitespace()
        .map(|pid| Pid::from_raw(pid.parse().unwrap()))
        .collect()
}

/// A line of /proc/PID/status.
fn status(pid: Pid, name: &str) -> Option<String> {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix(name))?;
    Some(line.trim_start_matches(':').trim().to_owned())
}

fn is_stopped(pid: Pid) -> bool {
    status(pid, "State").is_some_and(|state| state.starts_with('T'))
}

#[test]
fn every_exit_code_passes_runup() {
    // As PID 1: in the table of `peers`. Without --init: in `exit_codes`.
    for code in 0..=255 {
        let run = PARENTS[0].run().unwrap();
        run.shell(&format!("exit {code}")).code(code).run();
    }
}

#[test]
fn stdin_is_the_commands_in_every_way() {
    // More than a pipe holds, and no text.
    let bytes: Vec<u8> = (0..=255).cycle().take(100_000).collect();
    for way in WAYS {
        let Some(run) = way.run() else { return };
        let done = run.stdin(bytes.clone()).command(["cat"]).any_stdout().run();
        assert!(done.stdout == bytes, "{way:?}: {} bytes", done.stdout.len());
    }
}

#[test]
fn every_signal_reaches_a_command_that_catches_it_in_every_way() {
    // SIGTERM ends the command; SIGCHLD has a test of its own; a SIGCONT and stops undo each other while they wait.
    let numbers = || forwardable().filter(|number| ![15, 17, 18].contains(number));
    for way in WAYS {
        let Some(run) = way.run() else { return };
        let running = run
            .command(tell(numbers().chain([18])))
            .code(7)
            .any_stdout()
            .start();
        running.says("begun");
        for batch in [numbers().collect(), vec![18], vec![15]] {
            send(way.pid(&running), batch.iter().copied());
            for number in batch.iter().filter(|number| **number != 15) {
                running.says(&format!("got {number}.\n"));
            }
        }
        let done = running.finish();
        let got = done.text().lines().count() - 1;
        assert_eq!(got, numbers().count() + 1, "{way:?}: {}", done.text());
    }
}

#[test]
fn a_sigchld_that_somebody_sends_is_a_signal_like_others() {
    // No child of the shell ends meanwhile.
    let script = r#"trap 'echo "got it"' CHLD; trap 'trap "" CHLD; kill -9 $!; exit 7' TERM
        sleep 1000 & echo begun; while :; do wait; done"#;
    for way in WAYS {
        let Some(run) = way.run() else { return };
        let running = run.shell(script).code(7).any_stdout().any_stderr().start();
        running.says("begun");
        send(way.pid(&running), [17]);
        running.says("got it\n");
        send(way.pid(&running), [15]);
        running.finish();
    }
}

#[test]
fn every_deadly_signal_ends_the_command_below_runup() {
    thread::scope(|scope| {
        for way in PARENTS {
            scope.spawn(move || {
                for number in deadly() {
                    let Some(run) = way.run() else { return };
                    let running = run
                        .called_by("ulimit -c 0")
                        .shell("echo begun; exec sleep 1000")
                        .code(128 + number)
                        .stdout("begun\n")
                        .start();
                    running.says("begun");
                    send(way.pid(&running), [number]);
                    running.finish();
                }
            });
        }
    });
}

#[test]
fn a_command_that_runup_became_dies_of_every_deadly_signal() {
    // As PID 1 it does not: in the table of `peers`.
    for number in deadly() {
        let running = Run::new()
            .off()
            .called_by("ulimit -c 0")
            .shell("echo begun; exec sleep 1000")
            .killed_by(number)
            .stdout("begun\n")
            .start();
        running.says("begun");
        send(running.pid(), [number]);
        running.finish();
    }
}

#[test]
fn a_command_that_runup_became_can_be_stopped_and_continued() {
    let running = Run::new()
        .off()
        .leading_a_group()
        .command(tell([18]))
        .code(7)
        .any_stdout()
        .start();
    running.says("begun");
    send(running.pid(), [20]);
    assert!(soon(|| is_stopped(running.pid())));
    send(running.pid(), [18]);
    running.says("got 18.\n");
    send(running.pid(), [15]);
    running.finish();
}

/// Those that glibc keeps for itself have their default again. Whom posix_spawn(3) has started ignores them, and cannot change that
/// by sigaction(3).
const RESET: &str = r#"set -- /usr/bin/python3 -c '
import ctypes, os, platform, sys
rt_sigaction = {"x86_64": 13, "aarch64": 134}[platform.machine()]
for number in 32, 33:
    assert ctypes.CDLL(None).syscall(rt_sigaction, number, bytes(32), None, 8) == 0
os.execv(sys.argv[1], sys.argv[1:])
' "$@""#;

#[test]
fn the_c_librarys_own_signals_are_for_the_command_too() {
    if !has_python() {
        return;
    }
    for option in ["--init", "--emulate"] {
        for number in [32, 33, 34] {
            let running = Run::new()
                .env("RUNUP_METADATA", "off")
                .args([option])
                .called_by(RESET)
                .shell("echo begun; exec sleep 1000")
                .code(128 + number)
                .stdout("begun\n")
                .any_stderr()
                .start();
            running.says("begun");
            send(running.pid(), [number]);
            running.finish();
        }
    }
}

#[test]
fn a_stop_reaches_nobody_who_does_not_catch_it() {
    for way in PARENTS {
        let Some(run) = way.run() else { return };
        let running = run
            .leading_a_group()
            .command(tell([64]))
            .code(7)
            .any_stdout()
            .start();
        running.says("begun");
        let pid = way.pid(&running);
        for (number, count) in [20, 21, 22, 18].into_iter().zip(1..) {
            // The last comes after all others: of those that wait, the least number is taken first.
            send(pid, [number, 64]);
            running.says(&"got 64.\n".repeat(count));
            assert!(!is_stopped(child_of(pid)), "{way:?}, signal {number}");
            assert!(!is_stopped(pid), "{way:?}, signal {number}");
        }
        send(pid, [15]);
        running.finish();
    }
}

#[test]
fn a_command_stopped_by_somebody_else_can_be_continued() {
    let running = Run::new()
        .off()
        .args(["--init"])
        .command(tell([10]))
        .code(7)
        .any_stdout()
        .start();
    running.says("begun");
    let child = child_of(running.pid());
    kill(child, Signal::SIGSTOP).unwrap();
    assert!(soon(|| is_stopped(child)));
    assert!(!is_stopped(running.pid()), "runup stays awake");
    send(running.pid(), [10, 18]);
    running.says("got 10.\n");
    send(running.pid(), [15]);
    running.finish();
}

#[test]
fn a_queued_signal_keeps_its_value_and_its_number_of_times() {
    if !has_python() {
        return;
    }
    // The value stands at 24 of siginfo_t, on every 64-bit Linux.
    const HEAR: &str = "
import ctypes, signal, struct
signals = {signal.SIGRTMIN + 2, signal.SIGTERM}
signal.pthread_sigmask(signal.SIG_BLOCK, signals)
wanted = ctypes.create_string_buffer(128)
libc = ctypes.CDLL(None)
libc.sigemptyset(wanted)
for one in signals: libc.sigaddset(wanted, int(one))
print('begun', flush=True)
while True:
    info = ctypes.create_string_buffer(128)
    if libc.sigwaitinfo(wanted, info) == signal.SIGTERM: break
    print('value', struct.unpack_from('i', info, 24)[0], flush=True)
";
    const SAY: &str = "
import ctypes, signal, sys
for value in (7, 8, 9): assert ctypes.CDLL(None).sigqueue(int(sys.argv[1]), signal.SIGRTMIN + 2, ctypes.c_void_p(value)) == 0
";
    for way in WAYS {
        let Some(run) = way.run() else { return };
        let running = run.command(["python3", "-c", HEAR]).any_stdout().start();
        running.says("begun");
        let pid = way.pid(&running);
        let said = Command::new("/usr/bin/python3")
            .args(["-c", SAY, &pid.to_string()])
            .status();
        assert!(said.unwrap().success());
        running.says("value 7\nvalue 8\nvalue 9\n");
        send(pid, [15]);
        running.finish();
    }
}

/// A shell and a child of it, which tell USR1, and end with the shell.
const FAMILY: &str = r#"
    (trap 'echo "child got it"' USR1; echo "child begun"; while :; do sleep 0.01; done) &
    trap 'echo "parent got it"' USR1
    trap 'kill -9 $!; exit 7' TERM
    cut -d ' ' -f 5 /proc/$$/stat >"$HOME/group"
    echo "parent begun"
    while :; do wait $!; done
    "#;

#[test]
fn init_group_reaches_the_whole_group() {
    for is_first in [false, true] {
        let run = Run::new().off().args(["--init-group"]);
        let run = match is_first {
            true => in_pid_namespace(run),
            false => Some(run),
        };
        let Some(run) = run else { return };
        // The signal ends the `sleep` of the child, too, of which the child tells.
        let running = run.shell(FAMILY).code(7).any_stdout().any_stderr().start();
        running.says("parent begun");
        running.says("child begun");
        let pid = Way::new(true, is_first).pid(&running);
        let child = child_of(pid);
        let group = nix::unistd::getpgid(Some(child)).unwrap();
        assert_eq!(group, child, "it leads a group");
        send(pid, [10]);
        running.says("parent got it\n");
        running.says("child got it\n");
        send(pid, [15]);
        running.finish();
    }
}

#[test]
fn without_it_the_command_alone_is_reached() {
    let running = Run::new()
        .off()
        .args(["--init"])
        .shell(FAMILY)
        .code(7)
        .any_stdout()
        .start();
    running.says("parent begun");
    running.says("child begun");
    let group = |pid| nix::unistd::getpgid(Some(pid)).unwrap();
    assert_eq!(group(child_of(running.pid())), group(running.pid()));
    send(running.pid(), [10]);
    running.says("parent got it\n");
    send(running.pid(), [15]);
    let done = running.finish();
    assert!(!done.text().contains("child got it"), "{}", done.text());
}

#[test]
fn a_command_that_left_its_group_is_still_reached() {
    // A session of its own is a group of its own; who leads a group cannot make one, and moves to its parent's first.
    const LEAVE: &str = "
import os, signal, time
signal.signal(signal.SIGUSR1, lambda *_: print('got it', flush=True))
os.setpgid(0, os.getpgid(os.getppid()))
print('begun', flush=True)
while True: time.sleep(0.01)
";
    if !has_python() {
        return;
    }
    let running = Run::new()
        .off()
        .args(["--init-group"])
        .command(["python3", "-c", LEAVE])
        .code(143)
        .any_stdout()
        .start();
    running.says("begun");
    send(running.pid(), [10]);
    running.says("got it\n");
    send(running.pid(), [15]);
    running.finish();
}

/// Whether there is a Python; CI must have one.
fn has_python() -> bool {
    let has = std::path::Path::new("/usr/bin/python3").exists();
    let is_required = std::env::var_os("RUNUP_LAB").is_some_and(|value| value == "require");
    assert!(
        has || !is_required,
        "python3 is missing: `.ci/run` installs it"
    );
    has
}

/// Ends on no SIGTERM.
const STUBBORN: &str =
    r#"trap '' INT; trap 'echo "got TERM"' TERM; echo begun; while :; do sleep 0.02; done"#;

#[test]
fn grace_ends_what_sigterm_does_not() {
    for (option, way) in [("--init", PARENTS[0]), ("--init-group", PARENTS[1])] {
        let run = Run::new().off().args([option, "--grace", "700ms"]);
        let run = match way.is_first {
            true => in_pid_namespace(run),
            false => Some(run),
        };
        let Some(run) = run else { return };
        let running = run
            .shell(STUBBORN)
            .code(137)
            .any_stdout()
            .stderr(format!(
                "{READY}...\nrunup: warning: killed the command, 700ms after SIGTERM (--grace)\n"
            ))
            .start();
        running.says("begun");
        let pid = way.pid(&running);
        // It runs from the first on, and SIGINT is none.
        send(pid, [2, 15]);
        running.says("got TERM");
        send(pid, [15]);
        let done = running.finish();
        assert!(done.took >= Duration::from_millis(700), "{:?}", done.took);
    }
}

#[test]
fn sigint_starts_no_grace_and_without_grace_nothing_is_killed() {
    const LATE: &str = r#"
        trap 'echo "got INT"' INT
        trap 'echo "got TERM"' TERM
        echo begun
        n=0; while [ $n -lt 60 ]; do sleep 0.02; n=$((n + 1)); done
        exit 3"#;
    for (options, signal, told) in [
        (&["--init", "--grace", "100ms"][..], 2, "got INT"),
        (&["--init"][..], 15, "got TERM"),
    ] {
        let running = Run::new()
            .off()
            .args(options.iter().copied())
            .shell(LATE)
            .code(3)
            .any_stdout()
            .start();
        running.says("begun");
        send(running.pid(), [signal]);
        running.says(told);
        running.finish();
    }
}

#[test]
fn a_command_that_ends_in_time_is_not_killed() {
    let running = Run::new()
        .off()
        .args(["--init", "--grace", "60s"])
        .command(tell([10]))
        .code(7)
        .any_stdout()
        .start();
    running.says("begun");
    send(running.pid(), [15]);
    running.finish();
}

#[test]
fn grace_kills_the_group_that_init_group_made() {
    let running = Run::new()
        .off()
        .args(["--init-group", "--grace", "200ms"])
        .shell("trap '' TERM; sleep 1000 & echo $! >\"$HOME/pid\"; echo begun; wait")
        .code(137)
        .any_stdout()
        .any_stderr()
        .start();
    running.says("begun");
    send(running.pid(), [15]);
    // Its end is that of the output, too, which `sleep` holds open.
    running.finish();
}

#[test]
fn a_killed_runup_takes_the_command_along() {
    for way in PARENTS {
        let Some(run) = way.run() else { return };
        let run = run.shell("echo begun; exec sleep 1000").any_stdout();
        let run = match way.is_first {
            // unshare(1) cannot tell of every child that was killed.
            true => run.called_by(r#""$@" || exit 9"#).code(9),
            false => run.killed_by(9),
        };
        let running = run.any_stderr().start();
        running.says("begun");
        let pid = match way.is_first {
            true => child_of(init_of(&running)),
            false => running.pid(),
        };
        kill(pid, Signal::SIGKILL).unwrap();
        // The command holds the output open as long as it lives.
        running.finish();
    }
}

#[test]
fn what_only_execve_finds_out_is_told_in_every_way() {
    // A program that somebody writes to is not run (ETXTBSY).
    let home = tempfile::tempdir().unwrap();
    let path = home.path().join("busy");
    fs::copy("/bin/true", &path).unwrap();
    let _writer = fs::OpenOptions::new().write(true).open(&path).unwrap();
    for option in ["--init=false", "--init", "--init-group"] {
        Run::new()
            .off()
            .args([option])
            .command([&path])
            .code(126)
            .stderr(format!(
                "{READY}runup: cannot run `{}`: [..]ext file busy[..]\n  help   [..]\n",
                path.display()
            ))
            .run();
    }
}

#[test]
fn init_group_implies_init_and_emulate_takes_it_and_the_grace() {
    let child_is_below = r#"test "$(cut -d ' ' -f 5 /proc/$$/stat)" = $$ && echo leads"#;
    for options in [
        &["--init-group"][..],
        &["--emulate", "--init-group", "--grace", "8s"][..],
    ] {
        Run::new()
            .env("RUNUP_METADATA", "off")
            .args(options.iter().copied())
            .shell(child_is_below)
            .stdout("leads\n")
            .run();
    }
}

#[test]
fn a_flag_takes_back_what_the_image_set() {
    let pid = |run: Run| {
        let running = run.shell("echo $$").any_stdout().start();
        let own = running.pid();
        running.finish().text() == format!("{own}\n")
    };
    let run = || Run::new().off().env("RUNUP_INIT_GROUP", "1");
    assert!(!pid(run()), "the variable implies --init");
    assert!(pid(run().args(["--init=false"])), "the flag goes before");
    assert!(!pid(Run::new().off().env("RUNUP_INIT", "1")));
}

#[test]
fn grace_without_init_is_refused() {
    for run in [
        Run::new().args(["--grace", "8s"]),
        Run::new().env("RUNUP_GRACE", "8s"),
    ] {
        run.off()
            .command(["true"])
            .code(64)
            .stderr("runup: --grace 8s without --init: once runup is the command, nobody waits\n  help   add --init (RUNUP_INIT=1), or leave --grace (RUNUP_GRACE) out\n")
            .run();
    }
}

#[test]
fn disabled_it_does_not_stay() {
    let running = Run::new()
        .env("RUNUP_DISABLED", "incident 42")
        .args(["--init"])
        .shell("echo $$")
        .any_stdout()
        .any_stderr()
        .start();
    let pid = running.pid();
    assert_eq!(running.finish().text(), format!("{pid}\n"));
}
