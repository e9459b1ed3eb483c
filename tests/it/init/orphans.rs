//! Orphans, and the memory of the one who waits for them.

use nix::unistd::Pid;

use super::{PARENTS, Way, child_of, children, send, status};
use crate::support::{Run, soon};

/// VmRSS in KiB.
fn resident(pid: Pid) -> u64 {
    // The kernel's own sum is exact there, while VmRSS lags behind by some pages for each processor.
    let rollup = std::fs::read_to_string(format!("/proc/{pid}/smaps_rollup")).unwrap();
    let line = rollup.lines().find_map(|line| line.strip_prefix("Rss:"));
    let kib = line.unwrap().trim().trim_end_matches(" kB");
    kib.parse().unwrap()
}

/// A command that ends on SIGTERM.
fn idle(before: &str) -> String {
    format!("{before}\ntrap 'exit 7' TERM; echo begun; while :; do sleep 0.02; done")
}

fn started(way: Way, script: &str) -> Option<(crate::support::Running, Pid)> {
    let running = way.run()?.shell(script).code(7).any_stdout().start();
    running.says("begun");
    let pid = way.pid(&running);
    Some((running, pid))
}

#[test]
fn orphans_become_runups_children_and_are_reaped() {
    // A double fork, as a daemon does it: the one in the middle ends at once.
    let script = idle(
        r#"(sh -c 'echo $$ >"$HOME/orphan"; while [ ! -e "$HOME/end" ]; do sleep 0.02; done' &)"#,
    );
    for way in PARENTS {
        let Some(run) = way.run() else { return };
        let home = run.home().to_owned();
        let running = run.shell(&script).code(7).any_stdout().start();
        running.says("begun");
        let pid = way.pid(&running);
        let command = child_of(pid);
        assert!(
            soon(|| children(pid).len() == 2),
            "{way:?}: {:?}",
            children(pid)
        );
        let orphan = *children(pid).iter().find(|pid| **pid != command).unwrap();
        std::fs::write(home.join("end"), "").unwrap();
        assert!(
            soon(|| status(orphan, "State").is_none()),
            "{way:?}: a zombie is left"
        );
        send(pid, [15]);
        running.finish();
    }
}

#[test]
fn ten_thousand_orphans_leave_no_zombie_and_no_memory() {
    let script = idle(
        r#"trap 'n=0; while [ $n -lt 100 ]; do n=$((n + 1)); (for i in 1 2 3 4 5 6 7 8 9 10; do
             : & : & : & : & : & : & : & : & : & : & done); done; echo "all gone"' USR1"#,
    );
    for way in PARENTS {
        let Some((running, pid)) = started(way, &script) else {
            return;
        };
        // The first of all it reaps, and what it allocates for that once.
        send(pid, [10]);
        running.says("all gone\n");
        assert!(soon(|| children(pid).len() == 1), "{way:?}");
        let before = resident(pid);
        send(pid, [10]);
        running.says("all gone\nall gone\n");
        assert!(
            soon(|| children(pid).len() == 1),
            "{way:?}: {} children",
            children(pid).len()
        );
        let after = resident(pid);
        // A leak of 16 bytes for each would show.
        assert!(
            after <= before + 128,
            "{way:?}: {before} KiB before, {after} after"
        );
        send(pid, [15]);
        running.finish();
    }
}

#[test]
fn while_the_command_runs_less_than_three_mebibytes_are_resident() {
    // A budget for checks that use memory: a required endpoint, by name, with TLS roots, and the metadata server.
    let runs = [
        Run::new().emulator().args(["--init"]),
        Run::new().off().args(["--init", "--init-group", "-v"]),
    ];
    for run in runs {
        let running = run
            .shell(&idle(""))
            .code(7)
            .any_stdout()
            .any_stderr()
            .start();
        running.says("begun");
        let kib = resident(running.pid());
        assert!(kib < 3 * 1024, "{kib} KiB");
        send(running.pid(), [15]);
        running.finish();
    }
}

#[test]
fn when_the_command_ends_its_orphans_live_on() {
    // As below any other process that ends; a PID 1 takes its namespace along.
    let running = Run::new()
        .off()
        .args(["--init"])
        .shell(r#"(sleep 1000 >/dev/null 2>&1 & echo "orphan $!."); exit 3"#)
        .code(3)
        .any_stdout()
        .start();
    let done = running.finish();
    let text = done.text();
    let pid = text
        .trim()
        .trim_start_matches("orphan ")
        .trim_end_matches('.');
    let pid = Pid::from_raw(pid.parse().unwrap());
    assert!(status(pid, "State").is_some(), "it was killed");
    nix::sys::signal::kill(pid, nix::sys::signal::Signal::SIGKILL).unwrap();
}
