//! Telling what is waited for: on a terminal a few lines that are redrawn in place and vanish at the end, in a log a
//! line now and then.

use std::convert::Infallible;
use std::time::Duration;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use serde_json::json;
use tokio::time::{Instant, sleep};

use crate::log::{Console, Entry, Severity};
use crate::preflight::{Pending, Waiting};
use crate::report::short;

/// What is over by then was not waited for.
const SILENCE: Duration = Duration::from_secs(1);

/// Lines of a log are further apart than this.
const APART: Duration = Duration::from_secs(10);

/// How often a log's lines are thought of.
const LOOK: Duration = Duration::from_millis(500);

/// How often a terminal is redrawn.
const REDRAW: Duration = Duration::from_millis(100);

/// No more checks than these are named at once.
const NAMED: usize = 5;

/// Tells of what is `pending` until it is dropped; `begin` and `timeout` are those of all checks.
pub async fn tell(
    pending: &Pending,
    begin: Instant,
    timeout: Duration,
    console: &Console,
) -> Infallible {
    sleep(SILENCE.saturating_sub(begin.elapsed())).await;
    if console.is_live() {
        let live = Live::new();
        loop {
            live.draw(&pending.list(), begin.elapsed(), timeout);
            sleep(REDRAW).await;
        }
    }
    let mut log = Log::default();
    loop {
        let since = begin.elapsed();
        if let Some(line) = log.line(&pending.list(), since, timeout) {
            console.say(&line);
        }
        sleep(LOOK).await;
    }
}

/// The lines on a terminal.
struct Live(ProgressBar);

impl Live {
    fn new() -> Self {
        let bar = ProgressBar::with_draw_target(None, ProgressDrawTarget::stderr());
        if let Ok(style) = ProgressStyle::with_template("{msg}") {
            bar.set_style(style);
        }
        Self(bar)
    }

    fn draw(&self, pending: &[Waiting], since: Duration, timeout: Duration) {
        self.0.set_message(block(pending, since, timeout));
    }
}

impl Drop for Live {
    fn drop(&mut self) {
        self.0.finish_and_clear();
    }
}

/// What a terminal shows.
fn block(pending: &[Waiting], since: Duration, timeout: Duration) -> String {
    let noun = match pending.len() {
        1 => "check",
        _ => "checks",
    };
    let mut lines = vec![format!(
        "runup: waiting for {} {noun}, {} s of {}",
        pending.len(),
        since.as_secs(),
        short(timeout)
    )];
    lines.extend(pending.iter().take(NAMED).map(|waiting| {
        let Waiting { name, attempts, .. } = waiting;
        match &waiting.reason {
            Some(reason) => format!("  {name} {reason} (attempt {attempts})"),
            None => format!("  {name} has not answered yet"),
        }
    }));
    if let Some(more @ 1..) = pending.len().checked_sub(NAMED) {
        lines.push(format!("  and {more} more"));
    }
    lines.join("\n")
}

/// The lines of a log.
#[derive(Default)]
struct Log {
    /// The reasons that were told last, each with its check.
    told: Vec<(String, String)>,
    /// When.
    last: Option<Duration>,
}

impl Log {
    /// The line that is due at `since`: where a reason is new, and the last line is long ago.
    fn line(&mut self, pending: &[Waiting], since: Duration, timeout: Duration) -> Option<Entry> {
        if self.last.is_some_and(|last| since < last + APART) || since >= timeout {
            return None;
        }
        let failed: Vec<(&Waiting, &String)> = pending
            .iter()
            .filter_map(|waiting| Some((waiting, waiting.reason.as_ref()?)))
            .collect();
        let is_new = |(waiting, reason): &&(&Waiting, &String)| {
            let mut told = self.told.iter();
            !told.any(|(name, before)| *name == waiting.name && before == *reason)
        };
        let news: Vec<_> = failed.iter().filter(is_new).copied().collect();
        if news.is_empty() {
            return None;
        }
        let time = format!("{} of {}", short(since), short(timeout));
        let named: Vec<_> = news.iter().take(NAMED).collect();
        let message = match (named.as_slice(), pending.len() - named.len()) {
            ([(Waiting { name, attempts, .. }, reason)], 0) => {
                format!("waiting: {name} {reason} (attempt {attempts}, {time})")
            }
            (named, others) => {
                let mut parts: Vec<String> = named
                    .iter()
                    .map(|(Waiting { name, attempts, .. }, reason)| {
                        format!("{name} {reason} (attempt {attempts})")
                    })
                    .collect();
                match others {
                    0 => {}
                    1 => parts.push("1 other check".to_owned()),
                    others => parts.push(format!("{others} other checks")),
                }
                format!("waiting: {} ({time})", parts.join("; "))
            }
        };
        self.last = Some(since);
        self.told = failed
            .iter()
            .map(|(waiting, reason)| (waiting.name.clone(), (*reason).clone()))
            .collect();
        let waiting: Vec<_> = pending
            .iter()
            .map(|one| json!({"name": one.name, "attempts": one.attempts, "reason": one.reason}))
            .collect();
        Some(Entry::new(Severity::Notice, message).with("waiting", waiting))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TIMEOUT: Duration = Duration::from_secs(60);

    fn waiting(name: &str, attempts: u32, reason: Option<&str>) -> Waiting {
        Waiting {
            name: name.to_owned(),
            attempts,
            reason: reason.map(str::to_owned),
            has_ended: false,
        }
    }

    fn at(log: &mut Log, pending: &[Waiting], seconds: f64) -> Option<String> {
        let line = log.line(pending, Duration::from_secs_f64(seconds), TIMEOUT);
        line.map(|entry| entry.message)
    }

    #[test]
    fn a_log_tells_changes_alone_and_at_most_every_ten_seconds() {
        let mut log = Log::default();
        let refused = Some("refused the connection");
        let mut pending = vec![waiting("tcp://a:1", 0, None)];
        assert_eq!(at(&mut log, &pending, 1.0), None, "nothing is known yet");
        pending[0] = waiting("tcp://a:1", 3, refused);
        assert_eq!(
            at(&mut log, &pending, 1.5).unwrap(),
            "waiting: tcp://a:1 refused the connection (attempt 3, 1.5 s of 60 s)"
        );
        // The same again is no news, however long it takes.
        pending[0].attempts = 9;
        assert_eq!(at(&mut log, &pending, 30.0), None);
        // A change is.
        pending[0] = waiting("tcp://a:1", 10, Some("did not answer in time"));
        assert!(at(&mut log, &pending, 31.0).unwrap().contains("in time"));
        // The next waits until ten seconds have passed.
        pending[0] = waiting("tcp://a:1", 11, refused);
        for second in 32..41 {
            assert_eq!(at(&mut log, &pending, second.into()), None, "{second}");
        }
        assert!(at(&mut log, &pending, 41.0).unwrap().contains("refused"));
        // At the deadline the findings tell.
        pending[0] = waiting("tcp://a:1", 12, Some("answered 503"));
        assert_eq!(at(&mut log, &pending, 60.0), None);
    }

    #[test]
    fn a_line_names_some_and_counts_the_others() {
        let many = |count: usize| -> Vec<_> {
            (0..count)
                .map(|number| waiting(&format!("tcp://h{number}:1"), 2, Some("answered 503")))
                .collect()
        };
        let told = at(&mut Log::default(), &many(2), 1.0).unwrap();
        assert_eq!(
            told,
            "waiting: tcp://h0:1 answered 503 (attempt 2); tcp://h1:1 answered 503 (attempt 2) (1 s of 60 s)"
        );
        let told = at(&mut Log::default(), &many(200), 1.0).unwrap();
        assert!(told.ends_with("; 195 other checks (1 s of 60 s)"), "{told}");
        // What is not new is only counted.
        let mut log = Log::default();
        let mut pending = many(3);
        at(&mut log, &pending, 1.0).unwrap();
        pending[1].reason = Some("answered 500".to_owned());
        let told = at(&mut log, &pending, 20.0).unwrap();
        assert_eq!(
            told,
            "waiting: tcp://h1:1 answered 500 (attempt 2); 2 other checks (20 s of 60 s)"
        );
        pending.truncate(2);
        pending[0].reason = Some("answered 502".to_owned());
        let told = at(&mut log, &pending, 40.0).unwrap();
        assert!(told.contains("; 1 other check ("), "{told}");
    }

    #[test]
    fn a_terminal_names_what_is_pending() {
        let mut pending = vec![
            waiting("tcp://a:1", 3, Some("refused the connection")),
            waiting("metadata server", 0, None),
        ];
        let shown = block(&pending, Duration::from_millis(4200), TIMEOUT);
        let lines: Vec<_> = shown.lines().collect();
        assert_eq!(
            lines,
            [
                "runup: waiting for 2 checks, 4 s of 60 s",
                "  tcp://a:1 refused the connection (attempt 3)",
                "  metadata server has not answered yet",
            ]
        );
        pending.resize(200, pending[0].clone());
        let shown = block(&pending, Duration::ZERO, TIMEOUT);
        assert_eq!(shown.lines().count(), NAMED + 2);
        assert!(shown.ends_with("\n  and 195 more"), "{shown}");
    }
}
