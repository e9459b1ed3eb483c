//! The help and the version, word for word.

use crate::support::Run;

#[track_caller]
fn printed(args: &[&str]) -> String {
    let done = Run::new()
        .args(args.iter().copied())
        .any_stdout()
        .stderr("")
        .run();
    done.text().to_owned()
}

#[test]
fn help() {
    insta::assert_snapshot!(printed(&["--help"]));
}

#[test]
fn short_help() {
    insta::assert_snapshot!(printed(&["-h"]));
}

#[test]
fn help_of_check() {
    insta::assert_snapshot!(printed(&["check", "--help"]));
}

#[test]
fn help_of_env() {
    insta::assert_snapshot!(printed(&["env", "--help"]));
}

#[test]
fn help_of_route() {
    insta::assert_snapshot!(printed(&["route", "--help"]));
}

#[test]
fn help_of_token() {
    insta::assert_snapshot!(printed(&["token", "--help"]));
}

#[test]
fn help_of_explain() {
    insta::assert_snapshot!(printed(&["explain", "--help"]));
}

#[test]
fn help_of_emulate() {
    insta::assert_snapshot!(printed(&["emulate", "--help"]));
}

#[test]
fn help_of_copy() {
    insta::assert_snapshot!(printed(&["copy", "--help"]));
}

#[test]
fn help_of_completions() {
    insta::assert_snapshot!(printed(&["completions", "--help"]));
}

#[test]
fn help_of_man() {
    insta::assert_snapshot!(printed(&["man", "--help"]));
}

#[test]
fn version() {
    assert_eq!(
        printed(&["--version"]),
        format!("runup {}\n", env!("CARGO_PKG_VERSION"))
    );
}

#[test]
fn the_help_does_not_depend_on_the_environment() {
    let done = Run::new()
        .env("RUNUP_TIMEOUT", "soon")
        .args(["--help"])
        .any_stdout()
        .stderr("")
        .run();
    assert_eq!(done.text(), printed(&["--help"]));
}
