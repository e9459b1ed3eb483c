//! Runs the checks side by side under one deadline.

use std::cell::RefCell;
use std::time::Duration;

use futures_util::future::join_all;
use tokio::sync::watch;
use tokio::time::{Instant, timeout_at};

use crate::check::endpoint::OtherWay;
use crate::check::{Check, Context, Evidence, Subject};
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
    /// That a host which failed answers by the other way, where it does.
    pub other_way: Option<OtherWay>,
}

/// A check that has not ended.
#[derive(Clone, Debug)]
pub struct Waiting {
    /// What is checked.
    pub name: String,
    /// How many attempts have failed.
    pub attempts: u32,
    /// Why the last one did.
    pub reason: Option<String>,
    pub(crate) has_ended: bool,
}

/// All checks as they stand, for whoever interrupts them.
#[derive(Debug, Default)]
pub struct Pending(RefCell<Vec<Waiting>>);

impl Pending {
    /// Those that have not ended, in their order.
    pub fn list(&self) -> Vec<Waiting> {
        let all = self.0.borrow();
        all.iter().filter(|one| !one.has_ended).cloned().collect()
    }

    fn begin(&self, checks: &[Check]) {
        let waiting = checks.iter().map(|check| Waiting {
            name: check.subject.to_string(),
            attempts: 0,
            reason: None,
            has_ended: false,
        });
        self.0.replace(waiting.collect());
    }

    fn change(&self, index: usize, change: impl FnOnce(&mut Waiting)) {
        if let Some(waiting) = self.0.borrow_mut().get_mut(index) {
            change(waiting);
        }
    }
}

/// Runs `checks`, in whose order the outcomes stand.
///
/// When one has failed for good, and `is_fatal` says that the command will not start by it, nothing is waited for any more: the
/// other checks end after the attempt under way, so that the report has them all. `observe` hears of each attempt.
/// `pending` is kept up to date, for whoever interrupts this.
pub async fn run(
    checks: Vec<Check>,
    context: &Context,
    policy: &Policy,
    is_fatal: impl Fn(&Check, &Failure) -> bool,
    observe: impl Fn(&Check, &Attempt),
    pending: &Pending,
) -> Vec<Outcome> {
    let (doomed, give_up) = watch::channel(false);
    pending.begin(&checks);
    let run_one = async |(index, check): (usize, Check)| {
        let progress = Progress::default();
        let policy = policy_of(&check.subject, policy);
        let (tell, so_far) = watch::channel(SoFar::default());
        let attempts = async {
            let attempts = retry::until_success(
                &policy,
                give_up.clone(),
                |_| check.subject.attempt(context, &progress),
                || progress.timed_out(),
                |attempt| {
                    observe(&check, attempt);
                    if let Some(failure) = &attempt.failure {
                        pending.change(index, |waiting| {
                            waiting.attempts = attempt.number;
                            waiting.reason = Some(failure.kind.in_short());
                        });
                        tell.send_modify(|so_far| so_far.failed = attempt.number);
                    }
                },
            )
            .await;
            let has_passed = attempts.outcome.is_ok();
            tell.send_modify(|so_far| (so_far.is_over, so_far.has_passed) = (true, has_passed));
            let is_doom = attempts.outcome.as_ref().is_err_and(|failure| {
                let is_for_good = failure.kind.patience() != Patience::UntilDeadline
                    || policy
                        .attempts
                        .is_some_and(|enough| attempts.count >= enough);
                is_for_good && is_fatal(&check, failure)
            });
            if is_doom {
                doomed.send_replace(true);
            }
            attempts
        };
        let otherwise = look_otherwise(&check.subject, context, &policy, so_far);
        let (attempts, other_way) = tokio::join!(attempts, otherwise);
        pending.change(index, |waiting| waiting.has_ended = true);
        Outcome {
            check,
            attempts: attempts.count,
            took: attempts.took,
            other_way: other_way.filter(|_| attempts.outcome.is_err()),
            result: attempts.outcome,
        }
    };
    join_all(checks.into_iter().enumerate().map(run_one)).await
}

/// The policy of one check: what looks at this container only need not wait its turn, and a target has options.
fn policy_of(subject: &Subject, policy: &Policy) -> Policy {
    let mut policy = *policy;
    if subject.is_local() {
        policy.first = Duration::ZERO;
    }
    if let Subject::Endpoint(target) = subject {
        let options = target.options();
        policy.attempt_timeout = options.timeout.unwrap_or(policy.attempt_timeout);
        policy.attempts = options.attempts;
    }
    policy
}

/// How far the attempts have come.
#[derive(Default)]
struct SoFar {
    failed: u32,
    is_over: bool,
    has_passed: bool,
}

/// No more time than this is spent on asking by the other way.
const ASIDE: Duration = Duration::from_secs(3);

/// Asks by the other way beside the attempts, so that their deadline holds: when the first has failed, the second, the
/// fourth and so on, until it answers or there are no more.
async fn look_otherwise(
    subject: &Subject,
    context: &Context,
    policy: &Policy,
    mut so_far: watch::Receiver<SoFar>,
) -> Option<OtherWay> {
    let mut next = 1;
    loop {
        let is_due = {
            let so_far = so_far.wait_for(|so_far| so_far.failed >= next || so_far.is_over);
            so_far.await.ok()?.failed >= next
        };
        if !is_due {
            return None;
        }
        next *= 2;
        let end = (Instant::now() + policy.attempt_timeout.min(ASIDE)).min(policy.deadline);
        let asked = tokio::select! {
            biased;
            _ = so_far.wait_for(|so_far| so_far.has_passed) => return None,
            asked = timeout_at(end, subject.attempt_otherwise(context)) => asked,
        };
        if let Ok(Some(found)) = asked {
            return Some(found);
        }
    }
}
