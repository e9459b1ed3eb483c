//! How a run ends: as the command does.

use crate::support::{READY, Run};

/// Both ways to run a command: to become it, and to stay as its parent.
const SIGNALS: [(&str, i32); 11] = [
    ("HUP", 1),
    ("INT", 2),
    ("QUIT", 3),
    ("ABRT", 6),
    ("KILL", 9),
    ("USR1", 10),
    ("SEGV", 11),
    ("PIPE", 13),
    ("ALRM", 14),
    ("TERM", 15),
    // Real-time signals have numbers only.
    ("35", 35),
];

#[test]
fn every_exit_code_is_the_commands() {
    for code in 0..=255 {
        let exit = format!("exit {code}");
        Run::new().off().shell(&exit).code(code).run();
    }
}

#[test]
fn every_exit_code_passes_the_parent() {
    for code in 0..=255 {
        let exit = format!("exit {code}");
        Run::new()
            .emulate()
            .args(["--metadata", "off"])
            .shell(&exit)
            .code(code)
            .run();
    }
}

#[test]
fn a_killed_command_is_seen_as_killed() {
    for (name, number) in SIGNALS {
        Run::new()
            .off()
            .called_by("ulimit -c 0")
            .shell(&format!("kill -{name} $$; sleep 60"))
            .killed_by(number)
            .run();
    }
}

#[test]
fn the_parent_of_a_killed_command_ends_with_128_and_the_signal() {
    for (name, number) in SIGNALS {
        Run::new()
            .emulate()
            .called_by("ulimit -c 0")
            .shell(&format!("kill -{name} $$; sleep 60"))
            .code(128 + number)
            .run();
    }
}

#[test]
fn the_end_of_a_stray_child_is_not_the_commands() {
    // The command is what the shell becomes; the shell's child is then the command's.
    Run::new()
        .emulate()
        .shell("(exit 9) & exec sh -c 'sleep 0.2; exit 4'")
        .code(4)
        .stderr(READY)
        .run();
}
