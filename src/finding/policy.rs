//! What a finding counts for: by itself, and by what the user has said of it.

use super::code::Code;
use super::{Finding, Severity};
use crate::check::{Check, Subject};
use crate::cli::{Need, OnFailure};
use crate::failure::Failure;

/// The user's word on findings.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Policy {
    /// What an error leads to.
    pub on_failure: OnFailure,
    /// Whether warnings are errors.
    pub is_strict: bool,
    /// What does not count at all.
    pub ignored: Vec<Code>,
}

impl Default for Policy {
    fn default() -> Self {
        Self {
            on_failure: OnFailure::Abort,
            is_strict: false,
            ignored: Vec::new(),
        }
    }
}

impl Policy {
    /// What a finding comes to that is `own` by itself; `None` where it is ignored.
    ///
    /// `--ignore` goes first, then `--strict`; `--on-failure warn` has the last word, so that it starts whatever can be
    /// started. A command that cannot run is an error by any policy.
    pub fn severity(&self, code: Code, own: Severity) -> Option<Severity> {
        if code.is_of_command() {
            return Some(own);
        }
        if self.ignores(code) {
            return None;
        }
        let strict = match own {
            Severity::Warning if self.is_strict => Severity::Error,
            own => own,
        };
        Some(match self.on_failure {
            OnFailure::Abort => strict,
            OnFailure::Warn => strict.min(Severity::Warning),
        })
    }

    /// Whether a warning keeps the command from starting.
    pub fn takes_warnings_for_errors(&self) -> bool {
        self.is_strict && self.on_failure == OnFailure::Abort
    }

    /// Whether the user wants to hear nothing of it.
    pub fn ignores(&self, code: Code) -> bool {
        self.ignored.contains(&code)
    }

    /// Whether this failure keeps the command from starting.
    pub fn is_fatal(&self, check: &Check, failure: &Failure) -> bool {
        let code = super::code_of(&check.subject, failure);
        self.severity(code, own_severity(check)) == Some(Severity::Error)
    }

    /// Gives `findings` the severity that they come to; those that are ignored stand apart, with their own.
    pub fn apply(&self, findings: Vec<Finding>) -> (Vec<Finding>, Vec<Finding>) {
        let (mut counted, mut ignored) = (Vec::new(), Vec::new());
        for finding in findings {
            match self.severity(finding.code, finding.severity) {
                Some(severity) => counted.push(Finding {
                    severity,
                    ..finding
                }),
                None => ignored.push(finding),
            }
        }
        (counted, ignored)
    }
}

/// How bad the failure of `check` is by itself.
pub fn own_severity(check: &Check) -> Severity {
    match (&check.subject, check.need) {
        (Subject::Command(_), _) | (_, Need::Require) => Severity::Error,
        _ => Severity::Warning,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_users_word_counts_but_starts_nothing_that_cannot_run() {
        use OnFailure::{Abort, Warn};
        use Severity::{Error, Note, Warning};
        let policy = |on_failure, is_strict| Policy {
            on_failure,
            is_strict,
            ignored: vec![Code::EndpointRefused],
        };
        for (on_failure, is_strict, own, comes_to) in [
            (Abort, false, Error, Error),
            (Abort, false, Warning, Warning),
            (Abort, true, Warning, Error),
            (Abort, true, Note, Note),
            (Warn, false, Error, Warning),
            (Warn, true, Warning, Warning),
            (Warn, true, Note, Note),
        ] {
            let policy = policy(on_failure, is_strict);
            assert_eq!(
                policy.severity(Code::EndpointTimeout, own),
                Some(comes_to),
                "{policy:?} {own:?}"
            );
            assert_eq!(policy.severity(Code::EndpointRefused, own), None);
            assert_eq!(policy.severity(Code::CommandNotFound, Error), Some(Error));
        }
    }
}
