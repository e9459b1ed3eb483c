//! What a run found, told once: a line when all is well, a block for each finding when not.

use std::time::Duration;

use serde_json::json;

use crate::check::Evidence;
use crate::check::command::Runnable;
use crate::environment::Edit;
use crate::exit_code::ExitCode;
use crate::finding::{Finding, Severity};
use crate::log::{self, Entry};
use crate::net::trace::Step;
use crate::preflight::Outcome;

/// The whole of a run, before the command.
#[derive(Debug)]
pub struct Report {
    /// The checks, in the order they were given.
    pub outcomes: Vec<Outcome>,
    /// What was found, in the same order; what the mend found stands first.
    pub findings: Vec<Finding>,
    /// The changes to the environment.
    pub edits: Vec<Edit>,
    /// From start to here.
    pub took: Duration,
}

impl Report {
    /// The findings that keep the command from starting.
    pub fn errors(&self) -> impl Iterator<Item = &Finding> {
        self.findings
            .iter()
            .filter(|finding| finding.severity == Severity::Error)
    }

    /// The exit code of the errors, where there are any.
    pub fn exit_code(&self) -> Option<ExitCode> {
        ExitCode::of_several(self.errors().map(|finding| finding.exit))
    }

    /// What is said of the findings, notes left out.
    pub fn blocks(&self) -> impl Iterator<Item = Entry> {
        self.findings
            .iter()
            .filter(|finding| finding.severity > Severity::Note)
            .map(block)
    }

    /// How the command will be run, where that is known.
    pub fn runnable(&self) -> Option<&Runnable> {
        self.outcomes
            .iter()
            .find_map(|outcome| match &outcome.result {
                Ok(Evidence::Command(runnable)) => Some(runnable),
                _ => None,
            })
    }

    /// The line of a run that went well.
    pub fn ready(&self) -> Entry {
        let mut parts = vec![format!("ready in {}", short(self.took))];
        let mut facts = Vec::new();
        let mut hosts = 0;
        for outcome in &self.outcomes {
            match &outcome.result {
                Ok(Evidence::Metadata(proven)) => {
                    facts.push(proven.proof.account.email.clone());
                    facts.push(format!("project {}", proven.proof.project));
                }
                Ok(Evidence::Endpoint(_)) => hosts += 1,
                _ => {}
            }
        }
        facts.extend(counted(hosts, "host"));
        facts.extend(counted(self.edits.len(), "edit"));
        if !facts.is_empty() {
            parts.push(facts.join(", "));
        }
        Entry::new(log::Severity::Info, parts.join(": "))
            .with("milliseconds", milliseconds(self.took))
            .with("checks", self.checks())
            .with("edits", self.edits.len())
    }

    /// The last line of a run that did not start `command`.
    pub fn not_started(&self, command: &str, code: ExitCode) -> Entry {
        let count = self.errors().count();
        let noun = if count == 1 { "check" } else { "checks" };
        Entry::new(
            log::Severity::Error,
            format!(
                "did not start `{command}`: {count} required {noun} failed, exit {}",
                code.number()
            ),
        )
        .with("milliseconds", milliseconds(self.took))
        .with("checks", self.checks())
        .with("edits", self.edits.len())
    }

    fn checks(&self) -> serde_json::Value {
        self.outcomes
            .iter()
            .map(|outcome| {
                let mut check = json!({
                    "name": outcome.check.subject.to_string(),
                    "passed": outcome.result.is_ok(),
                    "attempts": outcome.attempts,
                    "milliseconds": milliseconds(outcome.took),
                });
                let trace = match &outcome.result {
                    Ok(Evidence::Endpoint(reached)) => {
                        for (name, value) in [
                            ("status", json!(reached.status)),
                            ("redirect", json!(reached.redirect)),
                        ] {
                            if !value.is_null() {
                                check[name] = value;
                            }
                        }
                        Some(&reached.trace)
                    }
                    Err(failure) => Some(&*failure.trace),
                    Ok(_) => None,
                };
                if let Some(trace) = trace.filter(|trace| !trace.steps.is_empty()) {
                    check["steps"] = json!(trace.steps);
                }
                if let Some(proxy) = trace.and_then(|trace| trace.proxy.as_ref()) {
                    check["proxy"] = json!(proxy);
                }
                check
            })
            .collect()
    }
}

/// The block of a finding.
pub fn block(finding: &Finding) -> Entry {
    let severity = match finding.severity {
        Severity::Error => log::Severity::Error,
        Severity::Warning => log::Severity::Warning,
        Severity::Note => log::Severity::Notice,
    };
    let mut entry = Entry::new(
        severity,
        format!("{}: {}", finding.subject, finding.summary),
    )
    .with("finding", json!(finding));
    let saw = match (finding.saw.is_empty(), finding.attempts) {
        (true, _) => None,
        (false, 0 | 1) => Some(finding.saw.clone()),
        (false, count) => Some(format!("{} ({count} attempts)", finding.saw)),
    };
    let way = match finding.steps.len() {
        0 | 1 => None,
        _ => Some(way(&finding.steps, finding.proxy.as_deref())),
    };
    for (label, lines) in [
        ("saw", saw.as_slice()),
        ("way", way.as_slice()),
        ("means", finding.means.as_slice()),
        ("help", finding.help.as_slice()),
        ("code", &[format!("{0} (runup explain {0})", finding.code)]),
    ] {
        for (index, line) in lines.iter().enumerate() {
            let label = if index == 0 { label } else { "" };
            entry.details.push(format!("{label:<6} {line}"));
        }
    }
    entry
}

/// The steps of an attempt: `resolve 2.1 ms → connect 0.4 ms → tls ✗`.
fn way(steps: &[Step], proxy: Option<&str>) -> String {
    let steps: Vec<String> = steps
        .iter()
        .map(|step| match step.passed {
            true => format!("{} {}", step.phase.word(), short(step.took)),
            false => format!("{} ✗", step.phase.word()),
        })
        .collect();
    let steps = steps.join(" → ");
    match proxy {
        Some(proxy) => format!("{steps}, by the proxy `{proxy}`"),
        None => steps,
    }
}

/// A duration as people read it: `3.1 ms`, `1.4 s`, `120 s`.
pub fn short(duration: Duration) -> String {
    let seconds = duration.as_secs_f64();
    match seconds {
        ..1.0 => format!("{:.1} ms", seconds * 1000.0),
        ..10.0 if seconds.fract() != 0.0 => format!("{seconds:.1} s"),
        _ => format!("{seconds:.0} s"),
    }
}

fn milliseconds(duration: Duration) -> f64 {
    (duration.as_secs_f64() * 1e6).round() / 1e3
}

fn counted(count: usize, noun: &str) -> Option<String> {
    match count {
        0 => None,
        1 => Some(format!("1 {noun}")),
        _ => Some(format!("{count} {noun}s")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_short() {
        for (duration, text) in [
            (Duration::from_micros(3100), "3.1 ms"),
            (Duration::from_millis(1400), "1.4 s"),
            (Duration::from_secs(2), "2 s"),
            (Duration::from_secs(120), "120 s"),
        ] {
            assert_eq!(short(duration), text);
        }
    }
}
