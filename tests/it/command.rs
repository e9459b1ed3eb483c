//! Whether and how the command can start, and what is said where it cannot.

use std::fs;
use std::os::unix::fs::PermissionsExt;

use crate::support::{READY, Run, script};

/// The last two lines of a command that cannot start.
fn ends(command: &str, code: &str, exit: u8) -> String {
    format!(
        "...\n  code   {code} (runup explain {code})\nrunup: did not start `{command}`: 1 required check failed, exit {exit}\n"
    )
}

#[test]
fn a_missing_program_is_127() {
    Run::new()
        .off()
        .command(["no-such-program", "-x"])
        .code(127)
        .stderr(ends("no-such-program -x", "command/not-found", 127))
        .run();
}

#[test]
fn a_missing_path_is_127() {
    Run::new()
        .off()
        .command(["./a.sh"])
        .code(127)
        .stderr(ends("./a.sh", "command/not-found", 127))
        .run();
}

#[test]
fn a_file_without_execute_bit_is_126_and_the_mend_is_told() {
    let run = Run::new().off().command(["./a.sh"]);
    fs::write(run.home().join("a.sh"), "#!/bin/sh\n").unwrap();
    run.code(126)
        .stderr(
            "runup: command `./a.sh`: `./a.sh` cannot be run: it has no execute bit (mode 0644)\n\
             ...\n\
             [..]`chmod +x ./a.sh`[..]\n"
                .to_owned()
                + &ends("./a.sh", "command/not-executable", 126),
        )
        .run();
}

#[test]
fn a_directory_is_126() {
    Run::new()
        .off()
        .command(["/usr/bin"])
        .code(126)
        .stderr(ends("/usr/bin", "command/is-directory", 126))
        .run();
}

#[test]
fn a_missing_interpreter_is_127_and_not_taken_for_a_missing_script() {
    for first in ["#!/opt/no/such/python3", "#!/usr/bin/env no-such-python3"] {
        let run = Run::new().off().command(["./a.sh"]);
        script(run.home().join("a.sh"), format!("{first}\n"));
        run.code(127)
            .stderr(
                "runup: command `./a.sh`: `./a.sh` needs `[..]`, which [..]\n".to_owned()
                    + &ends("./a.sh", "command/interpreter", 127),
            )
            .run();
    }
}

#[test]
fn a_carriage_return_in_the_first_line_is_named() {
    let run = Run::new().off().command(["./a.sh"]);
    script(run.home().join("a.sh"), "#!/bin/sh\r\necho hello\r\n");
    run.code(127)
        .stderr(
            "runup: command `./a.sh`: the first line of `./a.sh` ends in CR LF, [..]\n".to_owned()
                + &ends("./a.sh", "command/crlf", 127),
        )
        .run();
}

#[test]
fn a_script_without_a_first_line_is_run_by_sh() {
    for run in [Run::new().emulator(), Run::new().emulate()] {
        let run = run.command(["./a.sh", "-e", "dev"]);
        script(run.home().join("a.sh"), "echo \"$0 $*\"\nexit 5\n");
        run.code(5).stdout("./a.sh -e dev\n").stderr(READY).run();
    }
}

#[test]
fn a_program_is_looked_up_on_the_commands_own_path() {
    let run = Run::new().off();
    let bin = run.home().join("bin");
    fs::create_dir(&bin).unwrap();
    script(bin.join("ours"), "#!/bin/sh\necho \"$0\"\n");
    let path = format!("/nowhere:{}:/usr/bin:/bin", bin.display());
    let told = format!("{}\n", bin.join("ours").display());
    run.env("PATH", path).command(["ours"]).stdout(told).run();
}

#[test]
fn without_a_path_the_systems_own_is_searched() {
    Run::new()
        .off()
        .called_by("unset PATH")
        .command(["true"])
        .run();
}

#[test]
fn an_unreadable_program_still_runs() {
    // Root can read everything, so this shows only to others that it is the kernel's to say.
    let run = Run::new().off().command(["./true"]);
    let copy = run.home().join("true");
    script(&copy, fs::read("/bin/true").unwrap());
    fs::set_permissions(&copy, fs::Permissions::from_mode(0o111)).unwrap();
    run.run();
}

#[test]
fn the_wait_is_not_begun_for_a_command_that_cannot_start() {
    // The metadata server refuses, which alone would be waited for.
    Run::new()
        .args(["--timeout", "50s"])
        .command(["no-such-program"])
        .code(127)
        .stderr("...\n  code   command/not-found (runup explain command/not-found)\n...\nrunup: did not start `no-such-program`: 2 required checks failed, exit 127\n")
        .run();
}
