//! How the files beside this one are made, from the command line. With `INSTA_UPDATE=always`, as the snapshots of the help.

use std::io;
use std::path::Path;
use std::{env, fs};

use clap::{Arg, Command, CommandFactory};
use clap_complete::Shell;
use clap_mangen::Man;
use clap_mangen::roff::{Roff, bold, roman};

use crate::cli::Cli;

#[test]
fn the_files_are_those_of_the_command_line() {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/run/manual");
    let script = |shell| -> String {
        let mut script = Vec::new();
        clap_complete::generate(shell, &mut Cli::command(), "runup", &mut script);
        // Indentation says nothing to a shell, and is half of bash's script.
        let script = String::from_utf8(script).unwrap();
        let lines = script
            .lines()
            .map(|line| line.trim_start().to_owned() + "\n");
        lines.collect()
    };
    let files = [
        ("runup.1", manual().unwrap()),
        ("runup.bash", script(Shell::Bash)),
        ("runup.fish", script(Shell::Fish)),
        ("runup.zsh", script(Shell::Zsh)),
    ];
    for (name, made) in files {
        let path = directory.join(name);
        if env::var_os("INSTA_UPDATE").is_some_and(|value| value == "always") {
            fs::write(&path, made).unwrap();
            continue;
        }
        assert!(
            fs::read_to_string(&path).unwrap() == made,
            "{name} is not of this command line: `INSTA_UPDATE=always cargo test --lib manual` makes it anew"
        );
    }
}

/// One page for all words: who looks for `runup env` finds it in runup(1).
fn manual() -> io::Result<String> {
    let mut command = Cli::command();
    command.build();
    let mut page = Vec::new();
    let man = Man::new(command.clone());
    man.render_title(&mut page)?;
    man.render_name_section(&mut page)?;
    man.render_synopsis_section(&mut page)?;
    man.render_description_section(&mut page)?;
    man.render_options_section(&mut page)?;
    Roff::new()
        .control("SH", ["SUBCOMMANDS"])
        .to_writer(&mut page)?;
    for word in command.get_subcommands() {
        subcommand(word, &command, &mut page)?;
    }
    after_help(&command, &mut page)?;
    Ok(polished(&String::from_utf8_lossy(&page)))
}

/// What a word does, with those of its options that mean something else than in a run.
fn subcommand(word: &Command, run: &Command, page: &mut Vec<u8>) -> io::Result<()> {
    let told = |argument: &Arg| {
        (
            argument.get_long().map(str::to_owned),
            argument.get_help().map(ToString::to_string),
        )
    };
    let of_run: Vec<_> = run.get_arguments().map(told).collect();
    let is_shared =
        |argument: &Arg| argument.get_long().is_some() && of_run.contains(&told(argument));
    let shared: Vec<String> = word
        .get_arguments()
        .filter(|argument| is_shared(argument))
        .filter_map(|argument| argument.get_long())
        .filter(|long| *long != "help")
        .map(|long| format!("--{long}"))
        .collect();
    let own = word
        .clone()
        .mut_args(|argument| match is_shared(&argument) {
            true => argument.hide(true),
            false => argument,
        });
    let mut heading = Roff::new();
    heading.control("SS", [format!("runup {}", word.get_name()).as_str()]);
    heading.to_writer(page)?;
    let man = Man::new(own);
    man.render_description_section(page)?;
    man.render_options_section(page)?;
    if shared.is_empty() {
        return Ok(());
    }
    let mut text = Roff::new();
    text.control("PP", []);
    text.text([roman("As above: "), bold(shared.join(", ")), roman(".")]);
    text.to_writer(page)
}

/// The paragraphs behind the options, each a section; the second is a table.
fn after_help(command: &Command, page: &mut Vec<u8>) -> io::Result<()> {
    let text = command.get_after_help().map(ToString::to_string);
    let paragraphs = text.as_deref().unwrap_or_default().split("\n\n");
    let sections = [("ENVIRONMENT", "fi"), ("EXIT STATUS", "nf")];
    for ((title, fill), paragraph) in sections.into_iter().zip(paragraphs) {
        let mut section = Roff::new();
        section.control("SH", [title]).control(fill, []);
        for line in paragraph.lines() {
            section.text([roman(line)]);
        }
        section.control("fi", []).to_writer(page)?;
    }
    Ok(())
}

/// The preamble once instead of at each piece, the pieces of a subcommand without headings of their own, and ASCII, which
/// every roff reads the same.
fn polished(page: &str) -> String {
    let preamble = Roff::new().render();
    let (sections, subcommands) = page.split_once(".SH SUBCOMMANDS").unwrap_or((page, ""));
    let subcommands = subcommands
        .replace(".SH DESCRIPTION\n", "")
        .replace(".SH OPTIONS\n", "");
    let whole = format!("{sections}.SH SUBCOMMANDS{subcommands}").replace(&preamble, "");
    let ascii: String = whole
        .chars()
        .map(|letter| match letter.is_ascii() {
            true => letter.to_string(),
            false => format!("\\[u{:04X}]", u32::from(letter)),
        })
        .collect();
    preamble + &ascii
}

#[test]
fn the_page_has_every_option_value_and_code() {
    let page = manual().unwrap().replace('\\', "").replace("*(Aq", "'");
    let mut command = Cli::command();
    command.build();
    let words = command.get_subcommands();
    for word in std::iter::once(&command).chain(words) {
        for argument in word.get_arguments() {
            let long = argument.get_long().unwrap_or_default();
            assert!(
                page.contains(&format!("--{long}")),
                "{}: --{long}",
                word.get_name()
            );
            let values = argument.get_possible_values();
            for value in values.iter().filter(|value| !value.is_hide_set()) {
                assert!(page.contains(value.get_name()), "--{long} {value:?}");
            }
        }
        let about = word.get_about().unwrap().to_string();
        assert!(page.contains(&about), "{about}");
    }
    for line in command.get_after_help().unwrap().to_string().lines() {
        assert!(page.contains(line.trim()), "{line}");
    }
}

#[test]
fn the_page_is_ascii_with_one_title() {
    let page = manual().unwrap();
    assert!(page.is_ascii());
    assert_eq!(page.matches(".TH runup 1").count(), 1);
    let sections: Vec<&str> = page
        .lines()
        .filter_map(|line| line.strip_prefix(".SH "))
        .collect();
    let all = [
        "NAME",
        "SYNOPSIS",
        "DESCRIPTION",
        "OPTIONS",
        "SUBCOMMANDS",
        "ENVIRONMENT",
        r#""EXIT STATUS""#,
    ];
    assert_eq!(sections, all);
}
