//! That the shells and man themselves take what runup prints for them.

use std::fs;
use std::process::{Command, Output};

use crate::tools;

const PROGRAM: &str = env!("CARGO_BIN_EXE_runup");

/// What `words` print, in a file of a directory that lives as long as the test.
fn printed(words: &[&str]) -> (tempfile::TempDir, String) {
    let output = Command::new(PROGRAM).args(words).output().unwrap();
    assert!(output.status.success(), "{output:?}");
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("printed");
    fs::write(&path, output.stdout).unwrap();
    let path = path.into_os_string().into_string().unwrap();
    (directory, path)
}

/// Runs a tool in an empty environment.
fn run(tool: &str, arguments: &[&str]) -> Output {
    let mut command = Command::new(tools::program(tool));
    command.env_clear().env("PATH", tools::PATH);
    command.args(arguments).output().unwrap()
}

#[track_caller]
fn said(output: &Output) -> String {
    assert!(output.status.success(), "{output:?}");
    assert_eq!(String::from_utf8_lossy(&output.stderr), "");
    String::from_utf8_lossy(&output.stdout).into_owned()
}

#[test]
fn fish_completes_words_and_options() {
    need!("fish");
    let (home, script) = printed(&["completions", "fish"]);
    let ask = |line: &str| {
        let words = format!(
            "set -gx HOME {}; source {script}; complete -C '{line}'",
            home.path().display()
        );
        said(&run("fish", &["--no-config", "-c", &words]))
    };
    assert!(ask("runup --requi").contains("--require-variable"));
    assert!(ask("runup expl").starts_with("explain"));
}

#[test]
fn zsh_takes_the_completions_for_runup() {
    need!("zsh");
    let (_home, script) = printed(&["completions", "zsh"]);
    let words = format!(
        "autoload -U compinit && compinit -D && source {script} && print -r -- $_comps[runup] $+functions[_runup]"
    );
    assert_eq!(said(&run("zsh", &["-f", "-c", &words])), "_runup 1\n");
}

#[test]
fn groff_renders_the_manual_without_a_warning() {
    need!("groff");
    let (_home, page) = printed(&["man"]);
    let text = said(&run("groff", &["-man", "-Tutf8", "-ww", "-P-cbou", &page]));
    for heading in ["NAME", "SYNOPSIS", "SUBCOMMANDS", "EXIT STATUS"] {
        assert!(
            text.lines().any(|line| line == heading),
            "{heading}: {text}"
        );
    }
    assert!(text.contains("http(s)://…"), "{text}");
}
