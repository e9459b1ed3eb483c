//! `runup env`: the environment that the command would get.

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;

use serde_json::json;

use super::filing;
use super::preparing::{Prepared, prepare};
use crate::cli::EnvFormat;
use crate::environment::{Edit, Environment};
use crate::exit_code::ExitCode;
use crate::log::Console;
use crate::plan::Needs;
use crate::print_bytes;

/// Prints the mended environment, or how it was mended.
pub fn env(
    needs: Needs,
    format: EnvFormat,
    is_diff: bool,
    environment: Environment,
    console: &Console,
) -> ExitCode {
    let as_found = environment.clone();
    let Prepared {
        report,
        environment,
        console,
        ..
    } = match prepare(&needs, &[], Vec::new(), environment, console) {
        Ok(prepared) => prepared,
        Err(code) => return code,
    };
    for block in report.blocks() {
        console.say(&block);
    }
    filing::file(&report, &needs, &environment, &console);
    match report.exit_code() {
        // Nothing on stdout: `eval` of half an environment would be worse than of none.
        Some(code) => code,
        None => {
            let bytes = match is_diff {
                true => diff(&report.edits, format),
                false => whole(&as_found, &environment, format),
            };
            print_bytes(&bytes, &console)
        }
    }
}

fn diff(edits: &[Edit], format: EnvFormat) -> Vec<u8> {
    match format {
        EnvFormat::Json => format!("{:#}\n", json!(edits)).into_bytes(),
        EnvFormat::Sh | EnvFormat::Dotenv => edits
            .iter()
            .map(|edit| format!("{edit}\n"))
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
