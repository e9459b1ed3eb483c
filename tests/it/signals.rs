//! Signals while runup waits, and while it is the command's parent.

use std::fs;
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};

use crate::inherited::IGNORE_CHILDREN;
use crate::support::{Answer, Fake, READY, Run, http, in_pid_namespace, init_of};

/// A metadata server that is not ready, and would be waited for.
fn busy() -> Fake {
    Fake::new([http("503 Service Unavailable").google()])
}

/// How soon a signal must end the wait.
const AT_ONCE: Duration = Duration::from_secs(2);

const ENDS: [(Signal, i32, &str); 2] = [
    (Signal::SIGTERM, 143, "SIGTERM"),
    (Signal::SIGINT, 130, "SIGINT"),
];

#[test]
fn a_signal_ends_the_wait_at_once_and_what_was_pending_is_named() {
    for (signal, code, name) in ENDS {
        let fake = busy();
        let running = Run::new()
            .metadata(&fake)
            .args(["--require", "tcp://127.0.0.1:1"])
            .command(["true"])
            .code(code)
            .stderr(format!(
                "...\nrunup: ended by {name} after [..], waiting for metadata server (is not ready (503)[..]), tcp://127.0.0.1:1 (refused the connection[..]); exit {code}\n"
            ))
            .start();
        fake.wait_for(2);
        let sent = Instant::now();
        running.signal(signal);
        running.finish();
        assert!(sent.elapsed() < AT_ONCE, "{name}: {:?}", sent.elapsed());
    }
}

#[test]
fn a_signal_ends_an_attempt_that_hangs() {
    let fake = Fake::new([Answer::Hang]);
    let running = Run::new()
        .metadata(&fake)
        .command(["true"])
        .code(143)
        .stderr("runup: ended by SIGTERM after [..], waiting for metadata server; exit 143\n")
        .start();
    fake.wait_for(1);
    let sent = Instant::now();
    running.signal(Signal::SIGTERM);
    running.finish();
    assert!(sent.elapsed() < AT_ONCE, "{:?}", sent.elapsed());
}

#[test]
fn a_signal_ends_the_pause_of_splay() {
    for (signal, code, name) in ENDS {
        let fake = Fake::new([http("200 OK")]);
        let url = format!("http://{}/", fake.address());
        let running = Run::new()
            .off()
            // Its turn comes after 45 seconds.
            .env("CLOUD_RUN_TASK_INDEX", "9")
            .env("CLOUD_RUN_TASK_COUNT", "10")
            .args(["--splay", "50s", "--verbose", "--require", &url])
            .command(["true"])
            .code(code)
            .stderr(format!(
                "...\nrunup: ended by {name} after [..], waiting for {url}; exit {code}\n"
            ))
            .start();
        running.hears("are spread by ");
        let sent = Instant::now();
        running.signal(signal);
        running.finish();
        assert!(sent.elapsed() < AT_ONCE, "{name}: {:?}", sent.elapsed());
        assert!(fake.asked().is_empty(), "it was not its turn");
    }
}

#[test]
fn a_signal_ends_the_wait_of_pid_1() {
    for (signal, code, name) in ENDS {
        let fake = busy();
        let run = Run::new()
            .metadata(&fake)
            .command(["true"])
            .code(code)
            .stderr(format!(
                "...\nrunup: ended by {name} after [..], waiting for metadata server (is not ready (503)[..]); exit {code}\n"
            ));
        let Some(run) = in_pid_namespace(run) else {
            return;
        };
        let running = run.start();
        fake.wait_for(2);
        let sent = Instant::now();
        kill(init_of(&running), signal).unwrap();
        running.finish();
        assert!(sent.elapsed() < AT_ONCE, "{name}: {:?}", sent.elapsed());
    }
}

#[test]
fn a_signal_ends_the_wait_for_a_token_too() {
    let fake = busy();
    let running = Run::new()
        .metadata(&fake)
        .args(["token"])
        .code(143)
        .stderr("...\nrunup: ended by SIGTERM after [..]\n")
        .start();
    fake.wait_for(1);
    running.signal(Signal::SIGTERM);
    running.finish();
}

#[test]
fn a_signal_that_the_caller_ignores_ends_nothing() {
    let fake = busy();
    let running = Run::new()
        .metadata(&fake)
        .called_by("trap '' TERM INT HUP")
        .args(["--timeout", "2s"])
        .command(["true"])
        .code(69)
        .stderr("...\n  code   metadata/not-ready (runup explain metadata/not-ready)\nrunup: did not start `true`: [..]\n")
        .start();
    fake.wait_for(1);
    for signal in [Signal::SIGTERM, Signal::SIGINT, Signal::SIGHUP] {
        running.signal(signal);
    }
    running.finish();
}

#[test]
fn stopping_and_continuing_does_not_end_the_wait() {
    let fake = Fake::new([
        http("503 Service Unavailable").google().into(),
        http("503 Service Unavailable").google().into(),
        Answer::Healthy,
    ]);
    let running = Run::new()
        .metadata(&fake)
        .command(["true"])
        .stderr(format!("...\n{READY}"))
        .start();
    fake.wait_for(1);
    running.signal(Signal::SIGTSTP);
    running.signal(Signal::SIGCONT);
    running.finish();
}

/// A command that tells each signal it gets, and ends on SIGTERM with 7.
const TELL: &str = r#"
    for signal in HUP INT QUIT USR1 USR2 ALRM WINCH CONT URG IO PWR 34 64; do trap "echo got $signal" $signal; done
    trap 'echo got TERM; exit 7' TERM
    echo begun
    while :; do sleep 0.02; done
    "#;

#[test]
fn the_parent_forwards_signals() {
    let running = Run::new()
        .emulate()
        .shell(TELL)
        .code(7)
        .any_stdout()
        .start();
    running.says("begun");
    for signal in [
        Signal::SIGHUP,
        Signal::SIGINT,
        Signal::SIGQUIT,
        Signal::SIGUSR1,
        Signal::SIGUSR2,
        Signal::SIGALRM,
        Signal::SIGWINCH,
        Signal::SIGCONT,
        Signal::SIGURG,
        Signal::SIGIO,
        Signal::SIGPWR,
    ] {
        running.signal(signal);
        running.says(&format!("got {}\n", &signal.as_str()[3..]));
    }
    for number in [34, 64] {
        let sent = std::process::Command::new("sh")
            .args(["-c", &format!("kill -{number} {}", running.pid())])
            .status();
        assert!(sent.unwrap().success());
        running.says(&format!("got {number}\n"));
    }
    running.signal(Signal::SIGTERM);
    running.finish();
}

#[test]
fn the_parent_does_not_let_the_command_be_stopped() {
    // Cloud Run sends SIGTSTP before maintenance, to PID 1.
    let running = Run::new()
        .emulate()
        .shell(TELL)
        .code(7)
        .any_stdout()
        .start();
    running.says("begun");
    for signal in [Signal::SIGTSTP, Signal::SIGTTIN, Signal::SIGTTOU] {
        running.signal(signal);
    }
    running.signal(Signal::SIGUSR1);
    running.says("got USR1\n");
    running.signal(Signal::SIGTERM);
    running.finish();
}

#[test]
fn a_caller_that_ignores_sigchld_still_learns_the_exit_code() {
    Run::new()
        .emulate()
        .called_by(IGNORE_CHILDREN)
        .shell("exit 6")
        .code(6)
        .run();
}

#[test]
fn as_pid_1_the_parent_forwards_reaps_and_keeps_the_code() {
    // An orphan's parent is PID 1; its /proc/PID goes when it is reaped, not when it ends.
    let run = Run::new()
        .emulate()
        .shell(
            r#"
            trap 'exit 7' TERM
            orphans=$(for n in 1 2 3 4 5; do (sh -c 'exit 0' > /dev/null & echo $!); done)
            tries=0
            for orphan in $orphans; do
                while [ -e /proc/$orphan ] && [ $tries -lt 500 ]; do sleep 0.02; tries=$((tries + 1)); done
                [ ! -e /proc/$orphan ] || echo "nobody reaped $orphan"
            done
            echo "below $PPID"
            while :; do sleep 0.02; done
            "#,
        )
        .code(7)
        .stdout("below 1\n");
    let Some(run) = in_pid_namespace(run) else {
        return;
    };
    let running = run.start();
    running.says("below 1");
    kill(init_of(&running), Signal::SIGTERM).unwrap();
    running.finish();
}

#[test]
fn as_pid_1_runup_becomes_the_command() {
    let run = Run::new()
        .emulator()
        .command(["sh", "-c", "echo $$; exit 5"])
        .stdout("1\n")
        .code(5);
    let Some(run) = in_pid_namespace(run) else {
        return;
    };
    run.run();
}

#[test]
fn the_command_is_not_started_after_a_signal() {
    let fake = busy();
    let run = Run::new()
        .metadata(&fake)
        .args(["--on-failure", "warn", "--metadata", "want"])
        .shell("echo started >>\"$HOME/started\"")
        .code(143)
        .any_stderr();
    let running = run.start();
    fake.wait_for(1);
    running.signal(Signal::SIGTERM);
    let done = running.finish();
    assert!(fs::metadata(done.home().join("started")).is_err());
}
