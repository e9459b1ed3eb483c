//! Running the checks with an eye on signals.

use std::future::Future;
use std::io;
use std::time::Duration;

use nix::sys::signal::Signal;
use tokio::signal::unix::{SignalKind, signal};
use tokio::time::Instant;

use super::{failed_to, progress};
use crate::check::{Check, Context};
use crate::exit_code::ExitCode;
use crate::failure::Failure;
use crate::finding;
use crate::launch::inherited;
use crate::log::{Console, Entry, Severity};
use crate::plan::Retry;
use crate::preflight::{self, Outcome, Pending};
use crate::report;
use crate::retry::{self, Attempt, Policy};

/// Runs the checks; or ends by a signal, with a line that names what was pending.
pub fn waited_for(
    checks: Vec<Check>,
    context: &Context,
    retry: Retry,
    judge: &finding::policy::Policy,
    begin: Instant,
    console: &Console,
) -> Result<Vec<Outcome>, ExitCode> {
    let policy = Policy {
        initial: retry.initial,
        max: retry.max,
        attempt_timeout: retry.attempt_timeout,
        deadline: begin + retry.timeout,
        first: retry::splay(retry.splay, retry.task, fastrand::Rng::new()),
        attempts: None,
    };
    let pending = Pending::default();
    let is_fatal = |check: &Check, failure: &Failure| judge.is_fatal(check, failure);
    let waited = block_on(async {
        let checked = async {
            if !policy.first.is_zero() {
                tracing::debug!(first = ?policy.first, "the first attempts are spread by --splay");
            }
            preflight::run(checks, context, &policy, is_fatal, trace, &pending).await
        };
        tokio::select! {
            // In this order, so that a signal is heard from the first check on.
            biased;
            code = ended_by_signal() => Err(code),
            outcomes = checked => Ok(outcomes),
            never = progress::tell(&pending, begin, retry.timeout, console) => match never {},
        }
    });
    match waited {
        Ok(Ok(outcomes)) => Ok(outcomes),
        Ok(Err(code)) => {
            console.say(&interrupted(code, &pending, begin.elapsed()));
            Err(code)
        }
        Err(error) => Err(failed_to("start its runtime", &error, console)),
    }
}

fn interrupted(code: ExitCode, pending: &Pending, after: Duration) -> Entry {
    let name = match code {
        ExitCode::Interrupted => "SIGINT",
        _ => "SIGTERM",
    };
    let waiting: Vec<String> = pending
        .list()
        .into_iter()
        .map(|waiting| match (waiting.reason, waiting.attempts) {
            (Some(reason), 1) => format!("{} ({reason})", waiting.name),
            (Some(reason), count) => format!("{} ({reason}, {count} attempts)", waiting.name),
            (None, _) => waiting.name,
        })
        .collect();
    Entry::new(
        Severity::Error,
        format!(
            "ended by {name} after {}, waiting for {}; exit {}",
            report::short(after),
            waiting.join(", "),
            code.number()
        ),
    )
}

/// Waits for SIGTERM or SIGINT. Without a handler, PID 1 would not even notice them. One that the caller ignores is
/// left ignored.
pub async fn ended_by_signal() -> ExitCode {
    let one = async |name: Signal, kind, code| {
        if !inherited::is_ignored(name)
            && let Ok(mut stream) = signal(kind)
        {
            stream.recv().await;
            return code;
        }
        std::future::pending().await
    };
    tokio::select! {
        code = one(Signal::SIGTERM, SignalKind::terminate(), ExitCode::Terminated) => code,
        code = one(Signal::SIGINT, SignalKind::interrupt(), ExitCode::Interrupted) => code,
    }
}

/// What `--verbose` says of an attempt.
fn trace(check: &Check, attempt: &Attempt) {
    let name = check.subject.to_string();
    let took = attempt.took;
    match &attempt.failure {
        None => tracing::debug!(check = name, attempt = attempt.number, ?took, "passed"),
        Some(failure) => tracing::debug!(
            check = name,
            attempt = attempt.number,
            ?took,
            saw = failure.saw,
            "{}",
            failure.kind.in_short()
        ),
    }
}

/// Runs `future` on this thread. Names that are still being resolved are not waited for at the end.
pub fn block_on<F: Future>(future: F) -> io::Result<F::Output> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .on_thread_start(|| {
            // Signals are for this thread alone.
            let _ = inherited::block_signals();
        })
        .build()?;
    let output = runtime.block_on(future);
    runtime.shutdown_background();
    Ok(output)
}
