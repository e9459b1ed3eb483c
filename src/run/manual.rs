//! `runup man` and `runup completions`: the command line, as man and as the shells want it told.
//!
//! The texts are made by a test and kept as files, since what makes them takes twice their size in the binary.

#[cfg(test)]
mod made;

use crate::cli::Shell;
use crate::exit_code::ExitCode;
use crate::log::Console;
use crate::print;

/// Prints the script that completes the words of runup in `shell`.
pub fn completions(shell: Shell, console: &Console) -> ExitCode {
    let script = match shell {
        Shell::Bash => include_str!("manual/runup.bash"),
        Shell::Fish => include_str!("manual/runup.fish"),
        Shell::Zsh => include_str!("manual/runup.zsh"),
    };
    print(script, console)
}

/// Prints the manual page, runup(1).
pub fn page(console: &Console) -> ExitCode {
    print(include_str!("manual/runup.1"), console)
}
