//! What a run found, told once: a line when all is well, a block for each finding when not; and as a report in one of
//! four forms.

mod json;
mod junit;
mod mermaid;
mod text;

use std::fmt::Write as _;
use std::path::Path;
use std::time::Duration;

use clap::ValueEnum;
use serde::Serialize;
use serde_json::{Value, json};

use crate::check::Evidence;
use crate::check::command::Runnable;
use crate::environment::{Edit, Environment};
use crate::exit_code::ExitCode;
use crate::finding::policy::own_severity;
use crate::finding::{Finding, Severity};
use crate::log::{self, Entry};
use crate::net::trace::{Step, Trace};
use crate::preflight::Outcome;

/// The forms of a report.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// For people
    Text,
    /// For programs; docs/report.schema.json describes it
    Json,
    /// A flowchart of what is reached how, for a ticket
    Mermaid,
    /// Test results in XML, for pipelines
    Junit,
}

impl Format {
    /// The form that the name of a file asks for.
    pub fn of(path: &Path) -> Self {
        match path.extension().and_then(|own| own.to_str()) {
            Some("json") => Self::Json,
            Some("xml") => Self::Junit,
            Some("mmd" | "mermaid") => Self::Mermaid,
            _ => Self::Text,
        }
    }
}

/// Whose run it is, as far as Cloud Run tells.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Job {
    /// The job's name.
    pub name: Option<String>,
    /// The execution's name.
    pub execution: Option<String>,
    /// The task's number, from 0.
    pub task: Option<u32>,
    /// How many tasks there are.
    pub tasks: Option<u32>,
    /// How often the task was tried before.
    pub attempt: Option<u32>,
}

impl Job {
    /// The job that `environment` tells of.
    pub fn of(environment: &Environment) -> Self {
        let text = |name: &str| environment.filled(name).map(str::to_owned);
        let number = |name: &str| environment.filled(name)?.trim().parse().ok();
        Self {
            name: text("CLOUD_RUN_JOB"),
            execution: text("CLOUD_RUN_EXECUTION"),
            task: number("CLOUD_RUN_TASK_INDEX"),
            tasks: number("CLOUD_RUN_TASK_COUNT"),
            attempt: number("CLOUD_RUN_TASK_ATTEMPT"),
        }
    }

    /// In a line; nothing where nothing is known.
    fn line(&self) -> Option<String> {
        let task = self.task.map(|task| match self.tasks {
            Some(tasks) => format!("task {task} of {tasks}"),
            None => format!("task {task}"),
        });
        let parts: Vec<String> = [
            self.name.clone(),
            self.execution
                .as_ref()
                .map(|own| format!("execution {own}")),
            task,
            self.attempt.map(|own| format!("attempt {own}")),
        ]
        .into_iter()
        .flatten()
        .collect();
        (!parts.is_empty()).then(|| parts.join(", "))
    }
}

/// The whole of a run, before the command.
#[derive(Debug)]
pub struct Report {
    /// Whose run it is.
    pub job: Job,
    /// The command and its arguments, in words; `None` where there is none.
    pub command: Option<String>,
    /// The checks, in the order they were given.
    pub outcomes: Vec<Outcome>,
    /// What was found and counts, in the same order; what the mend found stands first.
    pub findings: Vec<Finding>,
    /// What was found and does not count, by `--ignore`.
    pub ignored: Vec<Finding>,
    /// The changes to the environment.
    pub edits: Vec<Edit>,
    /// From start to here.
    pub took: Duration,
}

/// What became of a check, by its outcome and by what its findings count for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Verdict {
    /// It passed.
    Passed,
    /// It passed with a warning, or failed and is not required.
    Warned,
    /// It failed, and `--ignore` says that this does not count.
    Ignored,
    /// The command is not started by it.
    Failed,
}

/// How much there is of each.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
struct Counts {
    checks: usize,
    passed: usize,
    warned: usize,
    ignored: usize,
    failed: usize,
    errors: usize,
    warnings: usize,
    notes: usize,
    edits: usize,
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

    /// What is printed or written as a report.
    pub fn render(&self, format: Format, is_colored: bool) -> String {
        match format {
            Format::Text => text::text(self, is_colored),
            Format::Json => json::json(self),
            Format::Mermaid => mermaid::mermaid(self),
            Format::Junit => junit::junit(self),
        }
    }

    /// What keeps the command from starting, in at most so many bytes.
    pub fn last_words(&self, most: usize) -> String {
        const MORE: &str = "…\n";
        let mut text = self.verdict().message + "\n";
        for entry in self.errors().map(block) {
            let _ = writeln!(text, "{}", entry.message);
            for line in &entry.details {
                let _ = writeln!(text, "  {line}");
            }
        }
        if text.len() > most {
            let end = text.floor_char_boundary(most.saturating_sub(MORE.len()));
            // Whole lines, unless there is but one.
            let end = text[..end].rfind('\n').map_or(end, |line| line + 1);
            text.truncate(end);
            text.push_str(MORE);
        }
        text
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
        facts.extend(self.told_ignored());
        if !facts.is_empty() {
            parts.push(facts.join(", "));
        }
        self.summary(log::Severity::Info, parts.join(": "))
    }

    /// The last line of a run that did not start its command.
    pub fn not_started(&self, code: ExitCode) -> Entry {
        let command = self.command.as_deref().unwrap_or_default();
        self.summary(
            log::Severity::Error,
            format!("did not start `{command}`: {}", self.reason(code)),
        )
    }

    /// The last line where nothing was to be started.
    pub fn verdict(&self) -> Entry {
        match self.exit_code() {
            None => self.ready(),
            Some(code) => {
                let message = format!("not ready: {}", self.reason(code));
                self.summary(log::Severity::Error, message)
            }
        }
    }

    /// Why it does not start.
    fn reason(&self, code: ExitCode) -> String {
        let is_required_check = |finding: &&Finding| {
            (finding.check.and_then(|index| self.outcomes.get(index))).is_some_and(|outcome| {
                outcome.result.is_err() && own_severity(&outcome.check) == Severity::Error
            })
        };
        let checks = self.errors().filter(is_required_check).count();
        let raised = self.errors().count() - checks;
        let checks = counted(checks, "required check").map(|checks| format!("{checks} failed"));
        let raised = counted(raised, "warning").map(|raised| format!("{raised} under --strict"));
        let reasons: Vec<String> = checks.into_iter().chain(raised).collect();
        let mut reason = format!("{}, exit {}", reasons.join(" and "), code.number());
        if let Some(ignored) = self.told_ignored() {
            let _ = write!(reason, ", {ignored}");
        }
        reason
    }

    fn told_ignored(&self) -> Option<String> {
        let mut codes: Vec<&str> = (self.ignored.iter())
            .map(|finding| finding.code.as_str())
            .collect();
        codes.dedup();
        (!codes.is_empty()).then(|| format!("ignored {}", codes.join(" and ")))
    }

    fn summary(&self, severity: log::Severity, message: String) -> Entry {
        let edits: Value = (self.edits.iter())
            .map(|edit| json!({"variable": edit.variable, "why": edit.why}))
            .collect();
        let mut entry = Entry::new(severity, message)
            .with("milliseconds", milliseconds(self.took))
            .with("counts", json!(self.counts()))
            .with("checks", json!(json::checks(self)))
            .with("edits", edits);
        if !self.ignored.is_empty() {
            entry = entry.with("ignored", json!(self.ignored));
        }
        entry
    }

    fn counts(&self) -> Counts {
        let mut counts = Counts {
            checks: self.outcomes.len(),
            edits: self.edits.len(),
            ..Counts::default()
        };
        for index in 0..self.outcomes.len() {
            *match self.verdict_of(index) {
                Verdict::Passed => &mut counts.passed,
                Verdict::Warned => &mut counts.warned,
                Verdict::Ignored => &mut counts.ignored,
                Verdict::Failed => &mut counts.failed,
            } += 1;
        }
        for finding in &self.findings {
            *match finding.severity {
                Severity::Error => &mut counts.errors,
                Severity::Warning => &mut counts.warnings,
                Severity::Note => &mut counts.notes,
            } += 1;
        }
        counts
    }

    /// The findings of a check that count.
    fn findings_of(&self, check: usize) -> impl Iterator<Item = &Finding> {
        (self.findings.iter()).filter(move |finding| finding.check == Some(check))
    }

    /// What became of a check.
    fn verdict_of(&self, check: usize) -> Verdict {
        match self.findings_of(check).map(|own| own.severity).max() {
            Some(Severity::Error) => Verdict::Failed,
            Some(Severity::Warning) => Verdict::Warned,
            Some(Severity::Note) | None => match self.outcomes[check].result {
                Ok(_) => Verdict::Passed,
                Err(_) => Verdict::Ignored,
            },
        }
    }
}

/// How the attempt of a check went that tells most, where somebody noted it.
fn trace(outcome: &Outcome) -> Option<&Trace> {
    match &outcome.result {
        Ok(Evidence::Endpoint(reached)) => Some(&reached.trace),
        Ok(_) => None,
        Err(failure) => Some(&failure.trace),
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

/// A duration as programs read it.
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
mod samples;

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
