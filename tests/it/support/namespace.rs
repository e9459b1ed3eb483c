//! Namespaces of the kernel: in which runup is PID 1, has mounts of its own, or no port to listen on.

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
    let words = NAMESPACE.join(" ");
    let caller = format!(r#"set -- {words} "$@""#);
    is_permitted().then(|| run.called_by(&caller))
}

/// The words that make it. A test that fails kills them, and they kill what is inside.
pub(crate) const NAMESPACE: [&str; 5] =
    ["unshare", "--pid", "--fork", "--kill-child", "--mount-proc"];

/// Whether this user may make one; see [`in_pid_namespace`].
pub(crate) fn is_permitted() -> bool {
    static IS_PERMITTED: LazyLock<bool> = LazyLock::new(|| may_unshare(&NAMESPACE[1..]));
    is_to_run(*IS_PERMITTED)
}

/// The same run with mounts of its own, which `lines` of shell make; else as [`in_pid_namespace`].
pub(crate) fn with_mounts(run: Run, lines: &str) -> Option<Run> {
    static IS_PERMITTED: LazyLock<bool> = LazyLock::new(|| may_unshare(&["--mount"]));
    // The shell's own PATH is the run's, where there is no mount(8).
    let caller = format!(
        "set -- unshare --mount sh -ec 'mount() (PATH=/usr/bin:/bin; command mount \"$@\")\n{lines}\nexec \"$@\"' sh \"$@\""
    );
    is_to_run(*IS_PERMITTED).then(|| run.called_by(&caller))
}

/// The same run where there is no port to listen on; else as [`in_pid_namespace`].
pub(crate) fn without_ports(run: Run) -> Option<Run> {
    static IS_PERMITTED: LazyLock<bool> = LazyLock::new(|| may_unshare(&["--net"]));
    let reserve = "echo 1-65535 >/proc/sys/net/ipv4/ip_local_reserved_ports";
    let caller = format!(r#"set -- unshare --net sh -ec '{reserve}; exec "$@"' sh "$@""#);
    is_to_run(*IS_PERMITTED).then(|| run.called_by(&caller))
}

fn may_unshare(options: &[&str]) -> bool {
    let run = Command::new("unshare").args(options).arg("true").output();
    run.is_ok_and(|output| output.status.success())
}

fn is_to_run(is_permitted: bool) -> bool {
    if is_permitted {
        return true;
    }
    let current = thread::current();
    let test = current.name().unwrap_or("a test");
    assert!(
        std::env::var_os("RUNUP_LAB").is_none_or(|value| value != "require"),
        "{test} needs the right to make namespaces, as root has it"
    );
    // Past the test harness, which would keep it to itself.
    let _ = writeln!(
        std::io::stderr(),
        "it: skipped {test}: no right to make namespaces"
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
