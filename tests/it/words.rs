//! The command line and the variables: what is runup's, what is the command's.

use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::{OsStrExt, OsStringExt};

use crate::support::{READY, Run};

/// A command that shows its arguments.
const SHOW: &str = r#"printf '<%s>' "$@""#;

fn show(run: Run) -> Run {
    run.command(["sh", "-c", SHOW, "sh"])
}

#[test]
fn what_follows_the_command_is_its_own() {
    let words = [
        "./a.sh",
        "-e",
        "env",
        "-c",
        "component",
        "--",
        "-v",
        "--help",
        "--timeout",
        "",
    ];
    show(Run::new().off())
        .command(words)
        .stdout("<./a.sh><-e><env><-c><component><--><-v><--help><--timeout><>")
        .run();
}

#[test]
fn a_double_dash_may_stand_before_the_command() {
    show(Run::new().off().args(["--"]))
        .command(["-e", "--", "x"])
        .stdout("<-e><--><x>")
        .run();
    show(Run::new().env("RUNUP_METADATA", "off").args(["--"]))
        .command(["-e"])
        .stdout("<-e>")
        .run();
}

#[test]
fn after_a_double_dash_a_subcommands_name_is_a_command() {
    let run = Run::new().off().args(["--"]).command(["token", "-x"]);
    let bin = run.home().to_owned();
    crate::support::script(bin.join("token"), "#!/bin/sh\necho mine \"$@\"\n");
    run.env("PATH", bin).stdout("mine -x\n").run();
}

#[test]
fn who_meant_a_command_of_a_subcommands_name_is_told_how_to_write_it() {
    Run::new()
        .args(["env", "A=1", "./a.sh"])
        .code(64)
        .stderr("runup: unexpected argument 'A=1' found\n...\n  help   if a command named `env` was meant: `runup -- env`\n")
        .run();
    Run::new()
        .off()
        .args(["--"])
        .command(["env", "A=1", "sh", "-c", "echo $A"])
        .stdout("1\n")
        .run();
}

#[test]
fn who_wrote_options_before_a_subcommand_is_told_where_they_go() {
    Run::new()
        .off()
        .args(["check", "true"])
        .code(127)
        .stderr("...\n  help   image owner: put runup's options behind the word, as in `runup check [OPTIONS]`, if its own `check` is meant; else install it, [..]\n...\n")
        .run();
}

#[test]
fn arguments_and_environment_are_bytes() {
    let strange = OsString::from_vec(b"\xff\xfe=\x80 \n\t".to_vec());
    for run in [Run::new().emulator(), Run::new().emulate()] {
        let done = run
            .env(
                OsStr::from_bytes(b"NAME_\xff"),
                OsStr::from_bytes(b"v\xc3("),
            )
            .env("PLAIN", OsStr::from_bytes(b"\x80"))
            .command([OsString::from("cat"), "/proc/self/cmdline".into()])
            .command(["/proc/self/environ", "--"])
            .command([strange.clone()])
            .any_stdout()
            .code(1)
            .stderr(format!("{READY}cat: [..]\n...\n"))
            .run();
        let holds = |bytes: &[u8]| done.stdout.windows(bytes.len()).any(|part| part == bytes);
        assert!(holds(b"\0--\0\xff\xfe=\x80 \n\t\0"));
        assert!(holds(b"NAME_\xff=v\xc3(\0"));
        assert!(holds(b"PLAIN=\x80\0"));
    }
}

#[test]
fn the_order_of_the_environment_is_kept() {
    // The mended variables stand where they stood; what is new stands at the end.
    let done = Run::new()
        .called_by(
            r#"set -- env -i Z=1 no_proxy=a PATH="$PATH" HOME="$HOME" A=2 NO_PROXY=a M=3 "$@""#,
        )
        .args(["--metadata", "off"])
        .command(["cat", "/proc/self/environ"])
        .any_stdout()
        .run();
    let names: Vec<_> = done
        .text()
        .split_terminator('\0')
        .map(|entry| entry.split_once('=').unwrap().0)
        .collect();
    assert_eq!(
        names[..7],
        ["Z", "no_proxy", "PATH", "HOME", "A", "NO_PROXY", "M"],
        "{names:?}"
    );
}

#[test]
fn no_command_is_64() {
    Run::new()
        .off()
        .code(64)
        .stderr("runup: no command to run\n  help   write `runup [OPTIONS] COMMAND [ARG]...`[..]\n")
        .run();
}

#[test]
fn an_unknown_flag_is_64_and_the_near_one_is_named() {
    Run::new()
        .args(["--metdata", "off", "true"])
        .code(64)
        .stderr("runup: unexpected argument '--metdata' found\n...\n[..]'--metadata'[..]\n...\n  help   [..]\n")
        .run();
}

#[test]
fn a_bad_value_is_64_and_names_the_flag() {
    for (flag, value, says) in [
        ("--timeout", "soon", "[..]write it as `90s`[..]"),
        ("--timeout", "120", "[..]write `120s`[..]"),
        ("--metadata", "maybe", "[..]'maybe'[..]'--metadata[..]"),
        ("--require", "db:5432", "[..]unknown scheme `db`[..]"),
        ("--require", "tcp://db", "[..]write tcp://db:PORT[..]"),
        ("--proxy", "fix", "[..]'fix'[..]"),
    ] {
        let done = Run::new()
            .args([flag, value, "true"])
            .code(64)
            .stderr(format!("...\n{says}\n...\n  help   [..]\n"))
            .run();
        assert!(done.stderr.contains(flag), "{}", done.stderr);
        assert!(done.stderr.contains(value), "{}", done.stderr);
    }
}

#[test]
fn a_bad_variable_is_78_and_names_variable_value_and_remedy() {
    for (name, value) in [
        ("RUNUP_TIMEOUT", "soon"),
        ("RUNUP_METADATA", "maybe"),
        ("RUNUP_REQUIRE", "db:5432"),
        ("RUNUP_EMULATE", "perhaps"),
        ("RUNUP_VERBOSE", "loud"),
        ("RUNUP_BACKOFF_MAX", "5"),
        ("RUNUP_ON_FAILURE", "ignore"),
        ("RUNUP_LOG_FORMAT", "xml"),
    ] {
        Run::new()
            .env(name, value)
            .command(["true"])
            .code(78)
            .stderr(format!(
                "runup: {name}: `{value}` is not understood: [..]\n  help   mend or unset {name}; `runup --help` says what it takes\n"
            ))
            .run();
    }
}

#[test]
fn a_metadata_host_that_is_none_is_78() {
    Run::new()
        .env("GCE_METADATA_HOST", "http://127.0.0.1:80/")
        .command(["true"])
        .code(78)
        .stderr("runup: GCE_METADATA_HOST: `http://127.0.0.1:80/` is no host\n  help   write HOST or HOST:PORT, without a scheme; [..]\n")
        .run();
}

#[test]
fn an_unknown_variable_is_a_warning_with_the_nearest_name() {
    Run::new()
        .off()
        .env("RUNUP_TIMOUT", "5s")
        .command(["true"])
        .stderr(format!(
            "runup: warning: unknown variable `RUNUP_TIMOUT` has no effect\n  help   did you mean `RUNUP_TIMEOUT`?\n{READY}"
        ))
        .run();
    Run::new()
        .off()
        .env("RUNUP_COLOUR_OF_THE_SKY", "blue")
        .command(["true"])
        .stderr(format!(
            "runup: warning: unknown variable `RUNUP_COLOUR_OF_THE_SKY` has no effect\n  help   `runup --help` lists the options; each has its variable\n{READY}"
        ))
        .run();
}

#[test]
fn an_unknown_variable_is_an_error_under_strict() {
    let run = |args: &[&str]| {
        Run::new()
            .off()
            .env("RUNUP_TIMOUT", "5s")
            .args(args.iter().copied())
    };
    let refused = "runup: unknown variable `RUNUP_TIMOUT` has no effect: an error under --strict\n  help   did you mean `RUNUP_TIMEOUT`?\n";
    run(&["--strict"])
        .command(["true"])
        .code(78)
        .stderr(refused)
        .run();
    Run::new()
        .env("RUNUP_TIMOUT", "5s")
        .args(["check", "--strict"])
        .code(78)
        .stderr(refused)
        .run();
    let warned = "runup: warning: unknown variable `RUNUP_TIMOUT` has no effect\n...\n";
    run(&["--strict", "--on-failure", "warn"])
        .command(["true"])
        .stderr(warned)
        .run();
    // It judges nothing, so that it refuses nothing.
    Run::new()
        .env("RUNUP_TIMOUT", "5s")
        .args(["token"])
        .env("RUNUP_STRICT", "true")
        .env("RUNUP_TIMEOUT", "1ms")
        .env("GCE_METADATA_HOST", "127.0.0.1:9")
        .code(69)
        .stderr(warned)
        .run();
}

#[test]
fn a_flag_goes_before_its_variable_and_a_variable_before_the_default() {
    // The default of `--metadata` would fail here, since nobody listens.
    Run::new()
        .env("RUNUP_METADATA", "off")
        .command(["true"])
        .run();
    Run::new()
        .env("RUNUP_METADATA", "require")
        .off()
        .command(["true"])
        .run();
    // A single flag leaves the other variables in force.
    Run::new()
        .env("RUNUP_METADATA", "off")
        .env("RUNUP_QUIET", "true")
        .args(["--timeout", "5s"])
        .command(["true"])
        .stderr("")
        .run();
    Run::new()
        .off()
        .env("RUNUP_QUIET", "true")
        .args(["--quiet=false"])
        .command(["true"])
        .run();
}

#[test]
fn a_flag_replaces_its_variables_list() {
    Run::new()
        .off()
        .env("RUNUP_REQUIRE_VARIABLE", "MISSING")
        .args(["--require-variable", "HOME"])
        .command(["true"])
        .run();
}

#[test]
fn lists_in_variables_are_split_on_white_space_and_commas() {
    for list in ["FIRST SECOND", "FIRST,SECOND", " FIRST ,\n\tSECOND, "] {
        Run::new()
            .off()
            .env("RUNUP_REQUIRE_VARIABLE", list)
            .command(["true"])
            .code(78)
            .stderr(
                "runup: variable `FIRST`: [..]\n...\n  code   variable/missing (runup explain variable/missing)\nrunup: variable `SECOND`: [..]\n...\n  code   variable/missing (runup explain variable/missing)\nrunup: did not start `true`: 2 required checks failed, exit 78\n",
            )
            .run();
    }
    // A URL may hold a comma.
    Run::new()
        .off()
        .env("RUNUP_WANT", "tcp://127.0.0.1:1\nhttp://127.0.0.1:1/a,b")
        .env("RUNUP_TIMEOUT", "200ms")
        .command(["true"])
        .stderr(format!(
            "runup: warning: tcp://127.0.0.1:1: [..]\n...\nrunup: warning: http://127.0.0.1:1/a,b: [..]\n...\n{READY}"
        ))
        .run();
}

#[test]
fn an_empty_variable_is_as_good_as_none() {
    Run::new()
        .off()
        .env("RUNUP_TIMEOUT", "")
        .env("RUNUP_REQUIRE", "")
        .env("RUNUP_DISABLED", "")
        .env("RUNUP_EMULATE", "")
        .command(["true"])
        .run();
}
