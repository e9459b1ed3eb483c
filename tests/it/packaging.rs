//! What is shipped beside the program, and `runup copy`, which ships the program itself.

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::io;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::Path;
use std::process::{Command, Stdio};

use runup::check::command;

use crate::support::{Run, in_pid_namespace};

const PROGRAM: &str = env!("CARGO_BIN_EXE_runup");
const HOUSE: &str = env!("CARGO_MANIFEST_DIR");

/// The line of success, and before it the warning of a build that needs a loader.
fn copied(to: &str) -> String {
    let loader = command::loader(&File::open(PROGRAM).unwrap()).unwrap();
    let warning = loader.map_or_else(String::new, |loader| {
        let loader = loader.display();
        format!(
            "runup: warning: this build needs `{loader}`, which the other image may lack\n  help   take a static build[..]\n"
        )
    });
    format!("{warning}runup: copied itself to `{to}`\n")
}

/// A caller's line: runup runs with `mount` done, in a namespace of its own.
fn mounted(mount: &str) -> String {
    format!(r#"set -- sh -c 'export PATH=$PATH:/usr/bin:/bin; {mount} && exec "$0" "$@"' "$@""#)
}

fn lines(program: &str, arguments: &[&str]) -> BTreeSet<String> {
    let output = Command::new(program)
        .args(arguments)
        .current_dir(HOUSE)
        .output()
        .unwrap();
    assert!(output.status.success(), "{output:?}");
    let text = String::from_utf8(output.stdout).unwrap();
    text.lines().map(str::to_owned).collect()
}

#[test]
fn a_copy_is_whole_and_runs() {
    let done = Run::new()
        .called_by("PATH=$PATH:/usr/bin:/bin; umask 077; mkdir out; echo old >out/runup")
        .args(["copy", "out"])
        .stderr(copied("out/runup"))
        .run();
    let out = done.home().join("out");
    assert_eq!(
        fs::read(out.join("runup")).unwrap(),
        fs::read(PROGRAM).unwrap()
    );
    let mode = fs::metadata(out.join("runup"))
        .unwrap()
        .permissions()
        .mode();
    assert_eq!(mode & 0o7777, 0o755);
    assert_eq!(
        fs::read_dir(&out).unwrap().count(),
        1,
        "something was left behind"
    );

    let printed = Command::new(out.join("runup"))
        .arg("--version")
        .output()
        .unwrap();
    assert_eq!(
        String::from_utf8_lossy(&printed.stdout),
        format!("runup {}\n", env!("CARGO_PKG_VERSION"))
    );
}

#[test]
fn a_copy_replaces_a_link_and_a_running_program() {
    let run = Run::new();
    let out = run.home().join("out");
    fs::create_dir(&out).unwrap();
    fs::write(run.home().join("other"), "mine").unwrap();
    symlink("../other", out.join("runup")).unwrap();
    let done = run.args(["copy", "out"]).stderr(copied("out/runup")).run();
    assert!(!out.join("runup").is_symlink());
    assert_eq!(fs::read(done.home().join("other")).unwrap(), b"mine");

    // Onto itself, while it runs.
    Run::new()
        .alone()
        .command([
            out.join("runup").into_os_string(),
            "copy".into(),
            out.clone().into(),
        ])
        .stderr(copied(&format!("{}/runup", out.display())))
        .run();
}

#[test]
fn what_stands_in_the_way_of_a_copy_has_its_code() {
    let cases = [
        (
            "true",
            78,
            "no such file or directory\n  help   name a directory that exists[..]",
        ),
        (
            ": >out",
            78,
            "not a directory\n  help   name a directory that exists[..]",
        ),
        (
            "mkdir -p out/runup",
            78,
            "is a directory\n  help   [..]remove the directory[..]",
        ),
        (
            // Even for root: in a user namespace it has no power over the files outside.
            "mkdir -m 0555 out; set -- unshare --user \"$@\"",
            77,
            "permission denied\n  help   let this user write the directory[..]",
        ),
    ];
    for (before, code, said) in cases {
        let done = Run::new()
            .called_by(&format!("PATH=$PATH:/usr/bin:/bin; {before}"))
            .args(["copy", "out"])
            .code(code)
            .stderr(format!(
                "runup: cannot copy itself to `out/runup`: {said}\n"
            ))
            .run();
        let out = done.home().join("out");
        let left = fs::read_dir(out).into_iter().flatten().flatten();
        let left: Vec<_> = left.map(|entry| entry.file_name()).collect();
        assert!(left.iter().all(|name| name == "runup"), "{left:?}");
    }
}

#[test]
fn a_volume_that_is_full_or_read_only_is_told() {
    let cases = [
        (
            "size=64k",
            69,
            "no space left on device\n  help   give the volume more room[..]",
        ),
        (
            "ro",
            78,
            "read-only file system\n  help   mount the volume writable[..]",
        ),
    ];
    for (option, code, said) in cases {
        let run = Run::new()
            .called_by(&mounted(&format!(
                "mkdir out && mount -t tmpfs -o {option} none out"
            )))
            .args(["copy", "out"])
            .code(code)
            .stderr(format!(
                "runup: cannot copy itself to `out/runup`: {said}\n"
            ));
        let Some(run) = in_pid_namespace(run) else {
            return;
        };
        run.run();
    }
}

#[test]
fn without_proc_the_program_is_the_one_that_was_called() {
    let run = Run::new()
        .called_by(&mounted("mkdir out && mount -t tmpfs none /proc"))
        .args(["copy", "out"])
        .stderr(copied("out/runup"));
    let Some(run) = in_pid_namespace(run) else {
        return;
    };
    let done = run.run();
    let copy = fs::read(done.home().join("out/runup")).unwrap();
    assert_eq!(copy, fs::read(PROGRAM).unwrap());
}

#[test]
fn bash_completes_words_options_and_values() {
    let complete = |words: &str| {
        let script = format!(
            r#"source <("$0" completions bash) || exit
            COMP_WORDS=(runup {words}); COMP_CWORD=$((${{#COMP_WORDS[@]}} - 1))
            _runup runup "${{COMP_WORDS[COMP_CWORD]}}" "${{COMP_WORDS[COMP_CWORD - 1]}}"
            printf '%s\n' "${{COMPREPLY[@]}}""#
        );
        let done = Run::new()
            .alone()
            .command(["bash", "-c", &script, PROGRAM])
            .any_stdout()
            .run();
        let words: Vec<_> = done.text().lines().map(str::to_owned).collect();
        words
    };
    let options = complete("--req");
    for option in ["--require", "--require-variable"] {
        assert!(options.iter().any(|word| word == option), "{options:?}");
    }
    assert!(
        options.iter().all(|word| word.starts_with("--req")),
        "{options:?}"
    );
    assert_eq!(complete("expl"), ["explain"]);
    assert_eq!(complete("--proxy st"), ["strip"]);
    assert_eq!(complete("completions z"), ["zsh"]);
}

#[test]
fn every_shell_has_its_script() {
    for shell in ["bash", "fish", "zsh"] {
        let done = Run::new()
            .args(["completions", shell])
            .any_stdout()
            .stderr("")
            .run();
        let text = done.text();
        assert!(text.contains("require-variable"), "{shell}: {text}");
    }
    Run::new()
        .args(["completions", "tcsh"])
        .code(64)
        .any_stderr()
        .run();
}

#[test]
fn a_reader_that_has_gone_is_no_bug() {
    for words in [&["man"][..], &["completions", "zsh"]] {
        let (reader, writer) = io::pipe().unwrap();
        drop(reader);
        let output = Command::new(PROGRAM)
            .args(words)
            .env_clear()
            .stdin(Stdio::null())
            .stdout(writer)
            .output()
            .unwrap();
        let said = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(69), "{said}");
        assert_eq!(said, "runup: cannot write to stdout: broken pipe\n");
    }
}

#[test]
fn the_package_holds_what_a_build_needs_and_no_more() {
    let list = lines(
        env!("CARGO"),
        &["package", "--list", "--allow-dirty", "--quiet"],
    );
    let mut wanted = BTreeSet::new();
    for (directory, name) in [
        ("src", "*.rs"),
        ("docs", "*.md"),
        ("src/run/manual", "runup.*"),
    ] {
        let files = lines("find", &[directory, "-name", name]);
        assert!(files.len() > 3, "{files:?}");
        wanted.extend(files);
    }
    let alone = [
        ".cargo_vcs_info.json",
        "CHANGELOG.md",
        "Cargo.lock",
        "Cargo.toml",
        "Cargo.toml.orig",
        "Dockerfile.example",
        "LICENSE-APACHE",
        "LICENSE-MIT",
        "README.md",
        "THIRD-PARTY.md",
        "docs/report.schema.json",
        "examples/a.sh",
    ];
    wanted.extend(alone.map(str::to_owned));
    let missing: Vec<_> = wanted
        .difference(&list)
        // Only in a clone.
        .filter(|file| *file != ".cargo_vcs_info.json")
        .collect();
    let odd: Vec<_> = list.difference(&wanted).collect();
    assert!(missing.is_empty(), "not in the package: {missing:?}");
    assert!(odd.is_empty(), "in the package: {odd:?}");
}

#[test]
fn the_licences_of_all_that_is_linked_are_told() {
    let page = fs::read_to_string(Path::new(HOUSE).join("THIRD-PARTY.md")).unwrap();
    let table: BTreeSet<String> = page
        .lines()
        .filter_map(|line| line.strip_prefix("| ")?.strip_suffix(" |"))
        .filter_map(|line| {
            let mut cells = line.split(" | ");
            Some(format!("{} v{}", cells.next()?, cells.next()?))
        })
        .filter(|name| !name.starts_with("crate ") && !name.starts_with("---"))
        .collect();
    let mut arguments = vec![
        "tree",
        "--locked",
        "--quiet",
        "--prefix=none",
        "--format={p}",
    ];
    arguments.push("--edges=normal,no-proc-macro");
    arguments.extend([
        "--target=x86_64-unknown-linux-gnu",
        "--target=x86_64-unknown-linux-musl",
        "--target=aarch64-unknown-linux-musl",
    ]);
    let linked: BTreeSet<String> = lines(env!("CARGO"), &arguments)
        .iter()
        .map(|line| line.trim_end_matches(" (*)").to_owned())
        .filter(|name| !name.is_empty() && !name.starts_with("runup "))
        .collect();
    assert!(linked.len() > 50, "{linked:?}");
    let missing: Vec<_> = linked.difference(&table).collect();
    let gone: Vec<_> = table.difference(&linked).collect();
    assert!(
        missing.is_empty() && gone.is_empty(),
        "THIRD-PARTY.md lacks {missing:?} and still has {gone:?}: run `just third-party`"
    );
}
