//! PID namespaces, in which runup is PID 1.

use std::fs;
use std::io::Write;
use std::process::Command;
use std::sync::LazyLock;
use std::thread;

use nix::unistd::Pid;

use super::run::{Run, Running, soon};

/// The same run as PID 1 of a namespace of its own; `None`, with a message, where this user may not make one. With
/// `RUNUP_LAB=require`, as in CI, that is a failure.
pub(crate) fn in_pid_namespace(run: Run) -> Option<Run> {
    is_permitted().then(|| run.called_by(r#"set -- unshare --pid --fork --mount-proc "$@""#))
}

/// Whether this user may make one; see [`in_pid_namespace`].
pub(crate) fn is_permitted() -> bool {
    static IS_PERMITTED: LazyLock<bool> = LazyLock::new(|| {
        Command::new("unshare")
            .args(["--pid", "--fork", "--mount-proc", "true"])
            .output()
            .is_ok_and(|output| output.status.success())
    });
    if *IS_PERMITTED {
        return true;
    }
    let current = thread::current();
    let test = current.name().unwrap_or("a test");
    assert!(
        std::env::var_os("RUNUP_LAB").is_none_or(|value| value != "require"),
        "{test} needs the right to make PID namespaces, as root has it"
    );
    // Past the test harness, which would keep it to itself.
    let _ = writeln!(
        std::io::stderr(),
        "it: skipped {test}: no right to make PID namespaces"
    );
    false
}

/// The process that is PID 1 inside, as it is called outside.
#[track_caller]
pub(crate) fn init_of(run: &Running) -> Pid {
    let children = format!("/proc/{0}/task/{0}/children", run.pid());
    let mut found = None;
    let is_there = soon(|| {
        let text = fs::read_to_string(&children).unwrap_or_default();
        found = text
            .split_whitespace()
            .next()
            .map(|pid| pid.parse().unwrap());
        found.is_some()
    });
    assert!(is_there, "unshare has no child");
    Pid::from_raw(found.unwrap())
}
