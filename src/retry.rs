//! Attempts until success, permanence or the deadline. The only place that sleeps.

use std::future::Future;
use std::time::Duration;

use backon::BackoffBuilder;
use tokio::time::{Instant, sleep, timeout_at};

use crate::failure::{Failure, Patience};

/// When to try again and when to give up.
#[derive(Clone, Copy, Debug)]
pub struct Policy {
    /// The upper bound of the first pause.
    pub initial: Duration,
    /// The upper bound of any pause.
    pub max: Duration,
    /// The time for one attempt.
    pub attempt_timeout: Duration,
    /// When all ends, attempts and pauses alike.
    pub deadline: Instant,
    /// The pause before the first attempt: a task's share of `--splay`.
    pub first: Duration,
    /// How many attempts are made at most, where that is limited.
    pub attempts: Option<u32>,
}

impl Policy {
    /// The pauses between attempts: each is drawn from zero to a bound that doubles up to `max` ("full jitter"), so
    /// that a job's many tasks do not come back together.
    pub fn pauses(&self, mut random: fastrand::Rng) -> impl Iterator<Item = Duration> + use<> {
        // backon's own jitter is added on top of the bound, so only the bounds are its.
        backon::ExponentialBuilder::default()
            .with_min_delay(self.initial)
            .with_max_delay(self.max.max(self.initial))
            .with_factor(2.0)
            .without_max_times()
            .build()
            .map(move |bound| bound.mul_f64(random.f64()))
    }
}

/// One task of many that start at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Task {
    /// Its number, from 0.
    pub index: u32,
    /// How many there are.
    pub count: u32,
}

/// When a task makes its first attempt, if all are spread over `window`: each has a slot of its own and a random place
/// in it; without numbers, a random place in the window.
pub fn splay(window: Duration, task: Option<Task>, mut random: fastrand::Rng) -> Duration {
    let place = match task {
        Some(Task { index, count }) if index < count => {
            (f64::from(index) + random.f64()) / f64::from(count)
        }
        _ => random.f64(),
    };
    window.mul_f64(place)
}

/// One attempt, as it went.
#[derive(Clone, Debug)]
pub struct Attempt {
    /// Counted from 1.
    pub number: u32,
    /// How long it took.
    pub took: Duration,
    /// Why it failed; `None` where it succeeded.
    pub failure: Option<Failure>,
}

/// With less time than this before the deadline, no further attempt is made.
const LAST: Duration = Duration::from_millis(200);

fn time_left(policy: &Policy) -> Duration {
    policy.deadline.saturating_duration_since(Instant::now())
}

/// What became of all attempts.
#[derive(Debug)]
pub struct Attempts<T> {
    /// How many were begun.
    pub count: u32,
    /// The success, or the failure that tells most.
    pub outcome: Result<T, Failure>,
    /// From the first attempt to the end.
    pub took: Duration,
}

/// Attempts until one succeeds, fails for good, the deadline comes, or `give_up` says that it has become pointless.
///
/// `attempt` makes one attempt and gets its number; it must be safe to drop at any point. `on_timeout` makes the
/// failure of an attempt that was cut off, by its knowledge of how far the attempt had come. `observe` hears of each
/// attempt that ended.
pub async fn until_success<T, A, F>(
    policy: &Policy,
    give_up: tokio::sync::watch::Receiver<bool>,
    mut attempt: A,
    on_timeout: impl Fn() -> Failure,
    mut observe: impl FnMut(&Attempt),
) -> Attempts<T>
where
    A: FnMut(u32) -> F,
    F: Future<Output = Result<T, Failure>>,
{
    let begin = Instant::now();
    let mut give_up = give_up;
    let mut pauses = policy.pauses(fastrand::Rng::new());
    let mut count = 0;
    let mut in_a_row = 0;
    let mut last: Option<Failure> = None;
    // tokio's clock ticks in milliseconds: a sleep of nothing would cost one.
    if !policy.first.is_zero() {
        tokio::select! {
            biased;
            () = sleep(policy.first.min(time_left(policy))) => {}
            _ = give_up.wait_for(|is_over| *is_over) => {}
        }
    }
    let outcome = loop {
        count += 1;
        let started = Instant::now();
        let end = (started + policy.attempt_timeout).min(policy.deadline);
        let ended = timeout_at(end, attempt(count)).await;
        let is_cut_off = ended.is_err() && end == policy.deadline;
        let result = ended.unwrap_or_else(|_| Err(on_timeout()));
        observe(&Attempt {
            number: count,
            took: started.elapsed(),
            failure: result.as_ref().err().cloned(),
        });
        let failure = match result {
            Ok(value) => break Ok(value),
            Err(failure) => failure,
        };

        let before = last.take();
        let is_same = before.as_ref().is_some_and(|b| b.kind == failure.kind);
        in_a_row = if is_same { in_a_row + 1 } else { 1 };
        let is_enough = policy.attempts.is_some_and(|enough| count >= enough);
        let is_hopeless = match failure.kind.patience() {
            Patience::UntilDeadline => false,
            Patience::Attempts(enough) => in_a_row >= enough,
            Patience::None => true,
        };
        let asked_pause = failure.retry_after.unwrap_or_default();
        // An attempt that only the deadline cut short says less than the one before it.
        let telling = before.filter(|_| is_cut_off).unwrap_or(failure);

        let remaining = time_left(policy);
        let mut pause = pauses.next().unwrap_or(policy.max).max(asked_pause);
        if is_hopeless
            || is_enough
            || *give_up.borrow()
            || remaining < LAST
            || asked_pause >= remaining
        {
            break Err(telling);
        }
        if pause >= remaining {
            // More attempts, each with time left for it, until hardly any is left.
            pause = (remaining / 2).max(asked_pause);
        }
        last = Some(telling);
        tokio::select! {
            () = sleep(pause) => {}
            _ = give_up.wait_for(|is_over| *is_over) => break Err(last.take().unwrap_or_else(&on_timeout)),
        }
    };
    Attempts {
        count,
        outcome,
        took: begin.elapsed(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::failure::{FailureKind, Phase};
    use std::cell::Cell;
    use tokio::sync::watch;

    fn policy(timeout: Duration) -> Policy {
        Policy {
            initial: Duration::from_millis(200),
            max: Duration::from_secs(5),
            attempt_timeout: Duration::from_secs(5),
            deadline: Instant::now() + timeout,
            first: Duration::ZERO,
            attempts: None,
        }
    }

    fn failure(kind: FailureKind) -> Failure {
        Failure::new(Phase::Connect, kind, "as seen")
    }

    /// Attempts that fail with what `script` says for each number, and succeed where it says nothing.
    async fn run(timeout: Duration, script: impl Fn(u32) -> Option<Failure>) -> Attempts<u32> {
        let (_keep, give_up) = watch::channel(false);
        until_success(
            &policy(timeout),
            give_up,
            |number| std::future::ready(script(number).map_or(Ok(number), Err)),
            || failure(FailureKind::TimedOut),
            |_| {},
        )
        .await
    }

    #[tokio::test(start_paused = true)]
    async fn a_transient_failure_is_tried_again_until_it_heals() {
        let all = run(Duration::from_secs(120), |n| {
            (n < 5).then(|| failure(FailureKind::Refused))
        })
        .await;
        assert_eq!(all.outcome.unwrap(), 5);
        assert_eq!(all.count, 5);
    }

    #[tokio::test(start_paused = true)]
    async fn a_permanent_failure_ends_it_at_once() {
        let all = run(Duration::from_secs(120), |_| {
            Some(failure(FailureKind::NoServiceAccount))
        })
        .await;
        assert_eq!((all.count, all.took), (1, Duration::ZERO));
    }

    #[tokio::test(start_paused = true)]
    async fn a_denial_is_tried_three_times() {
        let all = run(Duration::from_secs(120), |_| {
            Some(failure(FailureKind::MetadataDenied))
        })
        .await;
        assert_eq!(all.count, 3);
    }

    #[tokio::test(start_paused = true)]
    async fn the_deadline_is_kept_and_its_last_seconds_are_used() {
        let all = run(Duration::from_secs(60), |_| {
            Some(failure(FailureKind::Refused))
        })
        .await;
        assert_eq!(all.outcome.unwrap_err().kind, FailureKind::Refused);
        assert!(all.took <= Duration::from_secs(60), "{:?}", all.took);
        assert!(
            all.took > Duration::from_secs(60) - 2 * LAST,
            "{:?}",
            all.took
        );
    }

    #[tokio::test(start_paused = true)]
    async fn a_hanging_attempt_is_cut_off_by_its_own_timeout_and_by_the_deadline() {
        let (_keep, give_up) = watch::channel(false);
        let begin = Instant::now();
        let all = until_success(
            &policy(Duration::from_secs(12)),
            give_up,
            |_| std::future::pending::<Result<(), Failure>>(),
            || failure(FailureKind::TimedOut),
            |_| {},
        )
        .await;
        assert!(all.count >= 2);
        assert!(begin.elapsed() <= Duration::from_secs(12));
    }

    #[tokio::test(start_paused = true)]
    async fn the_reason_before_the_deadline_is_kept() {
        let (_keep, give_up) = watch::channel(false);
        let all = until_success(
            &policy(Duration::from_secs(4)),
            give_up,
            |number| async move {
                match number {
                    1 => Err(failure(FailureKind::Refused)),
                    _ => std::future::pending::<Result<(), Failure>>().await,
                }
            },
            // Cut off while the name was resolved.
            || failure(FailureKind::ResolverFailed),
            |_| {},
        )
        .await;
        assert_eq!(all.outcome.unwrap_err().kind, FailureKind::Refused);
    }

    #[tokio::test(start_paused = true)]
    async fn retry_after_is_honoured() {
        let begin = Instant::now();
        let all = run(Duration::from_secs(120), |n| {
            (n == 1).then(|| Failure {
                retry_after: Some(Duration::from_secs(30)),
                ..failure(FailureKind::MetadataBusy(429))
            })
        })
        .await;
        assert!(all.outcome.is_ok());
        assert_eq!(begin.elapsed(), Duration::from_secs(30));
    }

    #[tokio::test(start_paused = true)]
    async fn retry_after_beyond_the_deadline_ends_it() {
        let all = run(Duration::from_secs(120), |_| {
            Some(Failure {
                retry_after: Some(Duration::from_secs(3600)),
                ..failure(FailureKind::MetadataBusy(503))
            })
        })
        .await;
        assert_eq!((all.count, all.took), (1, Duration::ZERO));
    }

    #[tokio::test(start_paused = true)]
    async fn giving_up_ends_the_pause() {
        let (say, give_up) = watch::channel(false);
        let count = Cell::new(0);
        let policy = policy(Duration::from_secs(120));
        let attempts = until_success(
            &policy,
            give_up,
            |number| {
                count.set(number);
                std::future::ready(Err::<(), _>(failure(FailureKind::Refused)))
            },
            || failure(FailureKind::TimedOut),
            |_| {},
        );
        let (all, ()) = tokio::join!(attempts, async {
            tokio::time::sleep(Duration::from_secs(1)).await;
            say.send_replace(true);
        });
        assert_eq!(all.took, Duration::from_secs(1));
        assert_eq!(all.count, count.get());
    }

    #[tokio::test(start_paused = true)]
    async fn the_first_attempt_waits_for_its_turn_within_the_deadline() {
        let (_keep, give_up) = watch::channel(false);
        let run = async |first, timeout| {
            let policy = Policy {
                first,
                ..policy(timeout)
            };
            let begin = Instant::now();
            let all = until_success(
                &policy,
                give_up.clone(),
                |_| std::future::ready(Err::<(), _>(failure(FailureKind::NotTls))),
                || failure(FailureKind::TimedOut),
                |_| {},
            )
            .await;
            (all.count, begin.elapsed())
        };
        let (ten, minute) = (Duration::from_secs(10), Duration::from_secs(60));
        assert_eq!(run(ten, minute).await, (1, ten));
        assert_eq!(run(minute, ten).await, (1, ten));
    }

    #[tokio::test(start_paused = true)]
    async fn attempts_may_be_limited() {
        let (_keep, give_up) = watch::channel(false);
        let limited = Policy {
            attempts: Some(3),
            ..policy(Duration::from_secs(120))
        };
        let all = until_success(
            &limited,
            give_up,
            |_| std::future::ready(Err::<(), _>(failure(FailureKind::Refused))),
            || failure(FailureKind::TimedOut),
            |_| {},
        )
        .await;
        assert_eq!(all.count, 3);
        assert_eq!(all.outcome.unwrap_err().kind, FailureKind::Refused);
    }

    #[test]
    fn tasks_are_spread_over_the_window() {
        let window = Duration::from_secs(10);
        let random = fastrand::Rng::with_seed(7);
        for index in 0..1000 {
            let task = Task { index, count: 1000 };
            let place = splay(window, Some(task), random.clone());
            assert!(place >= window * index / 1000, "{index}: {place:?}");
            assert!(place <= window * (index + 1) / 1000, "{index}: {place:?}");
        }
        for task in [None, Some(Task { index: 5, count: 0 })] {
            assert!(splay(window, task, random.clone()) <= window);
        }
        assert_eq!(splay(Duration::ZERO, None, random), Duration::ZERO);
    }

    #[tokio::test]
    async fn the_pauses_are_full_jitter_below_a_doubling_bound() {
        let pauses = policy(Duration::from_secs(1)).pauses(fastrand::Rng::with_seed(7));
        let mut bound = Duration::from_millis(200);
        let mut shortest_share: f64 = 1.0;
        for pause in pauses.take(200) {
            assert!(pause <= bound, "{pause:?} of {bound:?}");
            shortest_share = shortest_share.min(pause.div_duration_f64(bound));
            bound = (bound * 2).min(Duration::from_secs(5));
        }
        assert!(shortest_share < 0.1, "jitter reaches down to nothing");
    }
}
