//! Runs the checks side by side under one deadline.

use std::cell::RefCell;
use std::time::Duration;

use futures_util::future::join_all;
use tokio::sync::watch;

use crate::check::{Check, Context, Evidence};
use crate::cli::OnFailure;
use crate::failure::{Failure, Patience};
use crate::net::Progress;
use crate::retry::{self, Attempt, Policy};

/// What became of a check.
#[derive(Debug)]
pub struct Outcome {
    /// The check.
    pub check: Check,
    /// How many attempts were made.
    pub attempts: u32,
    /// From the first attempt to the end.
    pub took: Duration,
    /// What it showed, or why it failed.
    pub result: Result<Evidence, Failure>,
}

/// The checks that have not ended, each with the last reason.
pub type Pending = Vec<(String, Option<String>)>;

/// Runs `checks`, in whose order the outcomes stand.
///
/// When something required has failed for good and `on_failure` says to abort, nothing is waited for any more: the
/// other checks end after the attempt under way, so that the report has them all. `observe` hears of each attempt.
/// `pending` is kept up to date, for whoever interrupts this.
pub async fn run(
    checks: Vec<Check>,
    context: &Context,
    policy: &Policy,
    on_failure: OnFailure,
    observe: impl Fn(&Check, &Attempt),
    pending: &RefCell<Pending>,
) -> Vec<Outcome> {
    let (doomed, give_up) = watch::channel(false);
    pending.replace(
        checks
            .iter()
            .map(|check| (check.subject.to_string(), None))
            .collect(),
    );
    let run_one = async |check: Check| {
        let progress = Progress::default();
        let name = check.subject.to_string();
        let attempts = retry::until_success(
            policy,
            give_up.clone(),
            |_| check.subject.attempt(context, &progress),
            || progress.timed_out(),
            |attempt| {
                observe(&check, attempt);
                if let Some(failure) = &attempt.failure {
                    let mut pending = pending.borrow_mut();
                    if let Some(entry) = pending.iter_mut().find(|(pending, _)| *pending == name) {
                        entry.1 = Some(failure.kind.in_short());
                    }
                }
            },
        )
        .await;
        pending.borrow_mut().retain(|(pending, _)| *pending != name);
        let is_permanent = attempts
            .outcome
            .as_ref()
            .is_err_and(|failure| failure.kind.patience() != Patience::UntilDeadline);
        if is_permanent && check.is_fatal(on_failure) {
            doomed.send_replace(true);
        }
        Outcome {
            check,
            attempts: attempts.count,
            took: attempts.took,
            result: attempts.outcome,
        }
    };
    join_all(checks.into_iter().map(run_one)).await
}
