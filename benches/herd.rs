//! A herd of tasks against one slow host: how many requests a second it sees at the peak, by the way they wait.
//!
//! The real retry code runs on tokio's paused clock, so that minutes pass in no time and the numbers are the same on every
//! machine. `cargo bench --bench herd` prints the table of docs/herd.md.

#![allow(clippy::print_stdout, clippy::unwrap_used)]

use std::cell::RefCell;
use std::time::Duration;

use futures_util::future::join_all;
use runup::failure::{Failure, FailureKind, Phase};
use runup::retry::{self, Attempts, Policy, Task};
use tokio::sync::watch;
use tokio::time::{Instant, sleep};

/// All tasks begin within this time: Cloud Run starts the tasks of a job nearly together.
const START: Duration = Duration::from_millis(500);
/// The host refuses everything for so long, as one that restarts does.
const DOWN: Duration = Duration::from_secs(20);
/// Then it serves so many requests a second; what comes beyond that gets a 503.
const CAPACITY: usize = 500;
const TIMEOUT: Duration = Duration::from_secs(120);
const SPLAY: Duration = Duration::from_secs(10);

/// How a task waits.
#[derive(Clone, Copy)]
enum Way {
    /// A fixed second between attempts, as a loop in a script has it.
    None,
    /// Pauses that double, without chance.
    Exponential,
    /// runup's own.
    FullJitter,
    /// runup's own with `--splay 10s`.
    Splay,
}

/// The host: what it saw, in each second.
struct Host {
    begin: Instant,
    seen: RefCell<Vec<usize>>,
    served: RefCell<Vec<usize>>,
}

impl Host {
    fn ask(&self) -> Result<(), Failure> {
        let since = self.begin.elapsed();
        let second = usize::try_from(since.as_secs()).unwrap();
        self.seen.borrow_mut()[second] += 1;
        let served = &mut self.served.borrow_mut()[second];
        let failed = |kind| Err(Failure::new(Phase::Response, kind, ""));
        match () {
            () if since < DOWN => failed(FailureKind::Refused),
            () if *served >= CAPACITY => failed(FailureKind::Status(503)),
            () => {
                *served += 1;
                Ok(())
            }
        }
    }
}

/// What became of a herd.
struct Herd {
    /// The most requests that any second saw.
    peak: usize,
    /// The same after the first two seconds.
    later: usize,
    requests: usize,
    /// When half of the tasks, and when the last of them, was through.
    half: Duration,
    last: Duration,
    failed: usize,
}

async fn herd(count: u32, way: Way) -> Herd {
    let begin = Instant::now();
    let seconds = usize::try_from(TIMEOUT.as_secs()).unwrap() + 2;
    let host = Host {
        begin,
        seen: RefCell::new(vec![0; seconds]),
        served: RefCell::new(vec![0; seconds]),
    };
    let (_keep, give_up) = watch::channel(false);
    let tasks = (0..count).map(|index| {
        let (host, give_up) = (&host, give_up.clone());
        let mut random = fastrand::Rng::with_seed(u64::from(index));
        async move {
            sleep(START.mul_f64(random.f64())).await;
            let task = Some(Task { index, count });
            let policy = Policy {
                initial: Duration::from_millis(200),
                max: Duration::from_secs(5),
                attempt_timeout: Duration::from_secs(5),
                deadline: begin + TIMEOUT,
                first: match way {
                    Way::Splay => retry::splay(SPLAY, task, random),
                    _ => Duration::ZERO,
                },
                attempts: None,
            };
            let attempts = match way {
                Way::FullJitter | Way::Splay => {
                    retry::until_success(
                        &policy,
                        give_up,
                        |_| std::future::ready(host.ask()),
                        || Failure::new(Phase::Request, FailureKind::TimedOut, ""),
                        |_| {},
                    )
                    .await
                }
                Way::None => plainly(host, |_| Duration::from_secs(1)).await,
                Way::Exponential => {
                    let pause = |count| policy.initial * 2_u32.saturating_pow(count - 1);
                    plainly(host, |count| pause(count).min(policy.max)).await
                }
            };
            attempts.outcome.is_ok().then(|| begin.elapsed())
        }
    });
    let ends = join_all(tasks).await;
    let mut passed: Vec<_> = ends.iter().flatten().copied().collect();
    passed.sort();
    let seen = host.seen.into_inner();
    Herd {
        peak: seen.iter().copied().max().unwrap(),
        later: seen[2..].iter().copied().max().unwrap(),
        requests: seen.iter().sum(),
        half: passed.get(ends.len() / 2).copied().unwrap_or(TIMEOUT),
        last: passed.last().copied().unwrap_or(TIMEOUT),
        failed: ends.len() - passed.len(),
    }
}

/// What runup does not do: pauses without chance.
async fn plainly(host: &Host, pause: impl Fn(u32) -> Duration) -> Attempts<()> {
    let begin = Instant::now();
    let mut count = 0;
    let outcome = loop {
        count += 1;
        let outcome = host.ask();
        let pause = pause(count);
        if outcome.is_ok() || host.begin.elapsed() + pause >= TIMEOUT {
            break outcome;
        }
        sleep(pause).await;
    };
    Attempts {
        count,
        outcome,
        took: begin.elapsed(),
    }
}

fn main() {
    // The same chance each time, so that the table can be checked.
    fastrand::seed(7);
    println!(
        "| tasks | pauses | peak requests/s | peak after 2 s | requests in all | half through | all through |"
    );
    println!("| ---: | --- | ---: | ---: | ---: | ---: | ---: |");
    for count in [1_000, 10_000] {
        for (name, way) in [
            ("none: 1 s each", Way::None),
            ("exponential", Way::Exponential),
            ("full jitter (runup)", Way::FullJitter),
            ("full jitter, `--splay 10s`", Way::Splay),
        ] {
            let runtime = tokio::runtime::Builder::new_current_thread()
                .enable_time()
                .start_paused(true)
                .build()
                .unwrap();
            let herd = runtime.block_on(herd(count, way));
            let last = match herd.failed {
                0 => format!("{:.1} s", herd.last.as_secs_f64()),
                failed => format!("{failed} never"),
            };
            println!(
                "| {count} | {name} | {} | {} | {} | {:.1} s | {last} |",
                herd.peak,
                herd.later,
                herd.requests,
                herd.half.as_secs_f64(),
            );
        }
    }
}
