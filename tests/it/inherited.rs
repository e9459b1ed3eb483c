//! What the command finds is what runup found: nothing of the waiting phase is left in it.

use std::fs;

use nix::sys::signal::{SigSet, SigmaskHow, Signal};

use crate::support::{Done, READY, Run};

/// The same command alone, after runup, and below it, twice.
fn all_ways(prepare: impl Fn(Run) -> Run) -> [Done; 4] {
    let alone = prepare(Run::new().alone()).run();
    let become_it = prepare(Run::new().emulator()).run();
    let emulated = prepare(Run::new().emulate()).run();
    let below = prepare(Run::new().emulator().args(["--init"])).run();
    [alone, become_it, emulated, below]
}

/// What the command prints is the same in all ways.
#[track_caller]
fn is_the_same(prepare: impl Fn(Run) -> Run) -> String {
    let [alone, became, emulated, below] = all_ways(|run| prepare(run).any_stdout());
    assert_eq!(alone.text(), became.text(), "exec");
    assert_eq!(alone.text(), emulated.text(), "--emulate");
    assert_eq!(alone.text(), below.text(), "--init");
    alone.text().to_owned()
}

#[test]
fn the_process_is_the_same() {
    let running = Run::new()
        .emulator()
        .shell("echo $$ $PPID")
        .any_stdout()
        .start();
    let pid = running.pid();
    let done = running.finish();
    assert_eq!(done.text(), format!("{pid} {}\n", std::process::id()));
}

/// The signals that the command finds blocked, ignored and caught, one bit each, in all ways.
#[track_caller]
fn signals(prepare: impl Fn(Run) -> Run) -> [u64; 3] {
    let [alone, became, emulated, below] = all_ways(|run| {
        prepare(run)
            .command(["cat", "/proc/self/status"])
            .any_stdout()
    })
    .map(|done| {
        ["SigBlk:", "SigIgn:", "SigCgt:"].map(|name| {
            let line = done.text().lines().find_map(|line| line.strip_prefix(name));
            let found = u64::from_str_radix(line.unwrap().trim(), 16).unwrap();
            // 32 and 33 are the C library's own; its posix_spawn, by which a run may be started, ignores them.
            found & !bits(&[32, 33])
        })
    });
    assert_eq!(alone, became, "exec");
    assert_eq!(alone, emulated, "--emulate");
    assert_eq!(alone, below, "--init");
    alone
}

fn bits(signals: &[i32]) -> u64 {
    signals.iter().map(|signal| 1 << (signal - 1)).sum()
}

#[test]
fn no_signal_is_blocked_ignored_or_caught_that_was_not() {
    assert_eq!(signals(|run| run), [0, 0, 0]);
}

#[test]
fn what_the_caller_ignores_stays_ignored() {
    for (name, number) in [
        ("HUP", 1),
        ("INT", 2),
        ("QUIT", 3),
        ("USR1", 10),
        ("PIPE", 13),
        ("TERM", 15),
        ("CONT", 18),
        ("TSTP", 20),
        ("WINCH", 28),
        ("34", 34),
        ("64", 64),
    ] {
        let [_, ignored, _] = signals(|run| run.called_by(&format!("trap '' {name}")));
        assert_eq!(ignored, bits(&[number]), "{name}");
    }
    let all = signals(|run| run.called_by("trap '' HUP INT QUIT PIPE TERM"));
    assert_eq!(all[1], bits(&[1, 2, 3, 13, 15]));
}

#[test]
fn sigchld_stays_ignored() {
    // dash itself would not keep it so.
    let [_, ignored, _] = signals(|run| run.called_by(IGNORE_CHILDREN));
    assert_eq!(ignored, bits(&[17]));
}

/// Lets a shell that can ignore SIGCHLD stand between.
pub(crate) const IGNORE_CHILDREN: &str = r#"set -- bash -c 'trap "" CHLD; exec "$@"' bash "$@""#;

#[test]
fn what_the_caller_blocks_stays_blocked() {
    let set = [
        Signal::SIGUSR1,
        Signal::SIGTERM,
        Signal::SIGCHLD,
        Signal::SIGTSTP,
    ];
    let set: SigSet = set.into_iter().collect();
    // This thread's mask is that of the processes it starts.
    let before = set.thread_swap_mask(SigmaskHow::SIG_BLOCK).unwrap();
    let [blocked, _, _] = signals(|run| run);
    before.thread_set_mask().unwrap();
    assert_eq!(blocked, bits(&[10, 15, 17, 20]));
}

#[test]
fn no_more_files_are_open() {
    is_the_same(|run| run.command(["ls", "/proc/self/fd"]));
    // What the caller left open stays open.
    let more = is_the_same(|run| {
        run.called_by("exec 7</dev/null 9>/dev/null")
            .command(["ls", "/proc/self/fd"])
    });
    assert!(more.contains("7\n") && more.contains("9\n"), "{more}");
}

#[test]
fn what_the_caller_closed_stays_closed() {
    const SHOW: &str = r#"ls /proc/$$/fd >"$HOME/open"; true"#;
    for closing in ["<&-", ">&-", "2>&-", "<&- >&- 2>&-"] {
        let runs = all_ways(|run| {
            let stderr = if closing.contains('2') { "" } else { READY };
            // Alone, there is nobody to say that all is well.
            let run = run.called_by(&format!("exec {closing}")).shell(SHOW);
            if stderr.is_empty() {
                run.stderr("")
            } else {
                run.any_stderr()
            }
        });
        let [alone, became, emulated, below] =
            runs.map(|done| fs::read_to_string(done.home().join("open")).unwrap());
        assert_eq!(alone, became, "{closing}, exec");
        assert_eq!(alone, emulated, "{closing}, --emulate");
        assert_eq!(alone, below, "{closing}, --init");
    }
}

#[test]
fn a_closed_stderr_keeps_neither_success_nor_failure_from_its_code() {
    for closing in ["2>&-", "2>/dev/full"] {
        let closing = format!("exec {closing}");
        Run::new()
            .off()
            .called_by(&closing)
            .command(["sh", "-c", "exit 3"])
            .code(3)
            .stderr("")
            .run();
        Run::new()
            .off()
            .called_by(&closing)
            .command(["./missing"])
            .code(127)
            .stderr("")
            .run();
    }
}

#[test]
fn stdin_reaches_the_command_untouched() {
    let bytes: Vec<u8> = (0..1_000_000_u32).map(|n| (n % 251) as u8).collect();
    for run in [Run::new().emulator(), Run::new().emulate()] {
        run.command(["cat"])
            .stdin(bytes.clone())
            .stdout(bytes.clone())
            .run();
    }
}

#[test]
fn directory_and_umask_are_kept() {
    let told = is_the_same(|run| {
        run.called_by("umask 027")
            .directory("/usr/bin")
            .shell("pwd; umask")
    });
    assert_eq!(told, "/usr/bin\n0027\n");
}

#[test]
fn limits_priority_group_and_session_are_kept() {
    is_the_same(|run| {
        run.called_by("ulimit -n 200; ulimit -c 0").shell(
            r#"cat /proc/$$/limits /proc/$$/oom_score_adj
               grep -E '^(Uid|Gid|Groups|Cap|NoNewPrivs|Seccomp|Cpus_allowed):' /proc/$$/status
               cut -d ' ' -f 5-8,18,19 /proc/$$/stat"#,
        )
    });
}

#[test]
fn a_terminal_stays_the_commands_terminal() {
    const SHOW: &str = r#"
        for fd in 0 1 2; do test -t $fd && echo "$fd is a terminal"; done
        # group, session, terminal, foreground group: the shell leads the first two, and the last is its group.
        set -- $(cut -d ' ' -f 5-8 /proc/$$/stat)
        test "$1" = "$4" && echo "in the foreground"
        test "$3" != 0 && echo "controlled"
        stty -a | grep -o 'isig'
        "#;
    let [alone, became, emulated, below] =
        all_ways(|run| run.on_terminal(80).shell(SHOW).any_stdout().any_stderr()).map(|done| {
            // On a terminal stderr and stdout are one.
            let text = done.text().replace('\r', "");
            text.lines()
                .filter(|line| !line.starts_with("runup: ready in "))
                .map(|line| format!("{line}\n"))
                .collect::<String>()
        });
    assert_eq!(
        alone,
        "0 is a terminal\n1 is a terminal\n2 is a terminal\nin the foreground\ncontrolled\nisig\n"
    );
    assert_eq!(alone, became, "exec");
    assert_eq!(alone, emulated, "--emulate");
    assert_eq!(alone, below, "--init");
}
