//! `runup env`: the environment that the command would get.

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::OsStrExt;

use serde_json::{Value, json};
use tokio::time::Instant;

use super::mending::Mending;
use super::waiting::waited_for;
use super::{findings, proven, redacted, told};
use crate::cli::EnvFormat;
use crate::environment::{Edit, Environment};
use crate::exit_code::ExitCode;
use crate::finding::Severity;
use crate::log::Console;
use crate::plan::Needs;
use crate::{print_bytes, report};

/// Prints the mended environment, or how it was mended.
pub fn env(
    needs: Needs,
    format: EnvFormat,
    is_diff: bool,
    environment: Environment,
    console: &Console,
) -> ExitCode {
    let begin = Instant::now();
    let as_found = environment.clone();
    let mut mending = match Mending::begin(&needs, environment) {
        Ok(mending) => mending,
        Err(entry) => {
            console.say(&entry);
            return ExitCode::Configuration;
        }
    };
    let checks = mending.checks(&needs);
    let context = mending.context(&needs);
    let outcomes = match waited_for(
        checks,
        &context,
        needs.retry,
        needs.on_failure,
        begin,
        console,
    ) {
        Ok(outcomes) => outcomes,
        Err(code) => return code,
    };
    let found = findings(&outcomes, needs.on_failure, &mending.circumstances);
    let code = ExitCode::of_several(
        found
            .iter()
            .filter(|finding| finding.severity == Severity::Error)
            .map(|finding| finding.exit),
    );
    if code.is_none() {
        mending.finish(&needs, proven(&outcomes), console);
    }
    for finding in mending.findings.iter().chain(&found) {
        if finding.severity > Severity::Note {
            console.say(&report::block(finding));
        }
    }
    match code {
        // Nothing on stdout: `eval` of half an environment would be worse than of none.
        Some(code) => code,
        None => {
            let bytes = match is_diff {
                true => diff(&mending.edits, format),
                false => whole(&as_found, &mending.environment, format),
            };
            print_bytes(&bytes, console)
        }
    }
}

fn diff(edits: &[Edit], format: EnvFormat) -> Vec<u8> {
    match format {
        EnvFormat::Json => {
            let shown = |edit: &Edit, value: &Option<OsString>| {
                value.as_ref().map(|value| redacted(&edit.variable, value))
            };
            let edits: Vec<Value> = edits
                .iter()
                .map(|edit| {
                    json!({
                        "variable": edit.variable,
                        "before": shown(edit, &edit.before),
                        "after": shown(edit, &edit.after),
                        "why": edit.why,
                    })
                })
                .collect();
            format!("{:#}\n", Value::from(edits)).into_bytes()
        }
        EnvFormat::Sh | EnvFormat::Dotenv => edits
            .iter()
            .map(|edit| told(edit) + "\n")
            .collect::<String>()
            .into_bytes(),
    }
}

/// For a shell, what turns the environment as found into the mended one; else all of it.
fn whole(as_found: &Environment, mended: &Environment, format: EnvFormat) -> Vec<u8> {
    let mut out = Vec::new();
    match format {
        EnvFormat::Sh => {
            for (name, _) in as_found.iter().filter(|(name, _)| !mended.has(name)) {
                out.extend([b"unset ", name.as_bytes(), b"\n"].concat());
            }
            let is_news = |name: &OsStr, value: &OsStr| as_found.get(name) != Some(value);
            for (name, value) in mended.iter().filter(|(name, value)| is_news(name, value)) {
                out.extend([b"export ", name.as_bytes(), b"=", &quoted(value), b"\n"].concat());
            }
        }
        EnvFormat::Dotenv => {
            for (name, value) in mended.iter() {
                // No reader of this format takes a value of several lines without quotes.
                let value = match value.as_bytes().contains(&b'\n') {
                    true => quoted(value),
                    false => value.as_bytes().to_vec(),
                };
                out.extend([name.as_bytes(), b"=", &value, b"\n"].concat());
            }
        }
        EnvFormat::Json => {
            let all: BTreeMap<_, _> = mended
                .iter()
                .map(|(name, value)| (name.to_string_lossy(), value.to_string_lossy()))
                .collect();
            out = format!("{:#}\n", json!(all)).into_bytes();
        }
    }
    out
}

/// `value` as one word of a POSIX shell.
fn quoted(value: &OsStr) -> Vec<u8> {
    let mut word = vec![b'\''];
    for byte in value.as_bytes() {
        match byte {
            b'\'' => word.extend(b"'\\''"),
            other => word.push(*other),
        }
    }
    word.push(b'\'');
    word
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_is_one_word_whatever_it_holds() {
        for (value, word) in [("", "''"), ("a b$c`d", "'a b$c`d'"), ("it's", "'it'\\''s'")] {
            assert_eq!(quoted(OsStr::new(value)), word.as_bytes());
        }
    }

    #[test]
    fn a_shell_is_told_the_changes_alone() {
        let found: Environment = [("A", "1"), ("B", "2"), ("C", "3")].into_iter().collect();
        let mended: Environment = [("A", "1"), ("C", "4"), ("D", "5")].into_iter().collect();
        let text = String::from_utf8(whole(&found, &mended, EnvFormat::Sh)).unwrap();
        assert_eq!(text, "unset B\nexport C='4'\nexport D='5'\n");
    }
}
