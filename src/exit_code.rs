//! The documented exit codes: the only place that knows the numbers.

use std::process;

/// How runup ends when it does not become the command.
///
/// The numbers from 64 to 78 are those of sysexits(3), 126 and 127 those of the shell, 130 and 143 are 128 plus the
/// signal's number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ExitCode {
    /// What was asked for was done.
    Success,
    /// The command line cannot be understood (EX_USAGE).
    Usage,
    /// Something required could not be reached in time, or was not what it should be (EX_UNAVAILABLE).
    Unavailable,
    /// A bug in runup (EX_SOFTWARE).
    Bug,
    /// Denied, or the wrong identity (EX_NOPERM).
    Denied,
    /// A variable or a file says something impossible (EX_CONFIG).
    Configuration,
    /// The command was found but cannot run.
    CannotRun,
    /// The command was not found.
    NotFound,
    /// SIGINT came while waiting.
    Interrupted,
    /// SIGTERM came while waiting.
    Terminated,
    /// The command's own code, where runup stayed as its parent.
    Command(u8),
}

impl ExitCode {
    /// The number the caller of runup gets.
    pub fn number(self) -> u8 {
        match self {
            Self::Success => 0,
            Self::Usage => 64,
            Self::Unavailable => 69,
            Self::Bug => 70,
            Self::Denied => 77,
            Self::Configuration => 78,
            Self::CannotRun => 126,
            Self::NotFound => 127,
            Self::Interrupted => 130,
            Self::Terminated => 143,
            Self::Command(code) => code,
        }
    }

    /// The code of a run with several findings. A command that can't run at all comes first, since nothing else
    /// matters then; after it what the job's owner configures, then what an administrator grants, then the network.
    pub fn of_several(codes: impl IntoIterator<Item = Self>) -> Option<Self> {
        let rank = |code: &Self| match code {
            Self::NotFound => 0,
            Self::CannotRun => 1,
            Self::Configuration => 2,
            Self::Denied => 3,
            _ => 4,
        };
        codes.into_iter().min_by_key(rank)
    }
}

impl From<ExitCode> for process::ExitCode {
    fn from(code: ExitCode) -> Self {
        code.number().into()
    }
}

#[cfg(test)]
mod tests {
    use super::ExitCode::{self, *};

    #[test]
    fn of_several_findings_the_nearest_to_the_job_decides() {
        let all = [Unavailable, Denied, Configuration, CannotRun, NotFound];
        for (index, code) in all.iter().enumerate() {
            assert_eq!(ExitCode::of_several(all[..=index].to_vec()), Some(*code));
        }
        assert_eq!(ExitCode::of_several([]), None);
    }
}
