//! The report for people: aligned, and readable without colour.

use std::fmt::Write as _;

use super::{Report, Verdict, block, counted, short, trace, way};
use crate::check::Evidence;
use crate::finding::{Finding, Severity};
use crate::preflight::Outcome;

/// The report as text; with the terminal's colours where asked for.
pub(super) fn text(report: &Report, is_colored: bool) -> String {
    let paint = Paint { is_colored };
    let mut text = String::new();
    let job = report.job.line();
    for (label, value) in [("job", &job), ("command", &report.command)] {
        if let Some(value) = value {
            let label = paint.bold(&format!("{label:<7}"));
            let _ = writeln!(text, "{label}  {}", clean(value));
        }
    }
    section(&mut text, &paint, "checks", checks(report, &paint));
    let findings = (report.findings.iter())
        .map(|own| told(own, &paint))
        .collect();
    section(&mut text, &paint, "findings", findings);
    let ignored = (report.ignored.iter())
        .map(|own| format!("  {}: {}: {}\n", own.code, own.subject, own.summary))
        .collect();
    section(&mut text, &paint, "ignored", ignored);
    let edits = (report.edits.iter())
        .map(|edit| format!("  {edit}\n"))
        .collect();
    section(&mut text, &paint, "edits", edits);
    let verdict = clean(&report.verdict().message);
    let verdict = match report.exit_code() {
        None => paint.green(&verdict),
        Some(_) => paint.red(&verdict),
    };
    if !text.is_empty() {
        text.push('\n');
    }
    let _ = writeln!(text, "{verdict}");
    text
}

fn section(text: &mut String, paint: &Paint, title: &str, parts: Vec<String>) {
    if parts.is_empty() {
        return;
    }
    if !text.is_empty() {
        text.push('\n');
    }
    let _ = writeln!(text, "{}", paint.bold(title));
    text.extend(parts);
}

/// A line for each check: verdict, name, time, and what is worth knowing of it.
fn checks(report: &Report, paint: &Paint) -> Vec<String> {
    let rows: Vec<_> = (report.outcomes.iter().enumerate())
        .map(|(index, outcome)| {
            let name = clean(&outcome.check.subject.to_string());
            (
                report.verdict_of(index),
                name,
                short(outcome.took),
                remark(report, index, outcome),
            )
        })
        .collect();
    let width = |of: &dyn Fn(usize) -> usize| (0..rows.len()).map(of).max().unwrap_or(0);
    let name_width = width(&|row| rows[row].1.chars().count());
    let time_width = width(&|row| rows[row].2.chars().count());
    rows.iter()
        .map(|(verdict, name, time, remark)| {
            let word = match verdict {
                Verdict::Passed => paint.green("ok     "),
                Verdict::Warned => paint.yellow("warned "),
                Verdict::Ignored => paint.dim("ignored"),
                Verdict::Skipped => paint.dim("skipped"),
                Verdict::Failed => paint.red("FAILED "),
            };
            let row = format!("  {word}  {name:name_width$}  {time:>time_width$}  {remark}");
            row.trim_end().to_owned() + "\n"
        })
        .collect()
}

fn remark(report: &Report, index: usize, outcome: &Outcome) -> String {
    let mut parts: Vec<String> = Vec::new();
    parts.extend(report.findings_of(index).map(|own| own.code.to_string()));
    let ignored = report.ignored.iter().filter(|own| own.check == Some(index));
    parts.extend(ignored.map(|own| own.code.to_string()));
    match &outcome.result {
        Ok(Evidence::Metadata(proven)) => {
            parts.push(proven.proof.account.email.clone());
            parts.push(format!("project {}", proven.proof.project));
        }
        Ok(Evidence::Endpoint(reached)) => {
            parts.extend(reached.status.map(|status| format!("answered {status}")));
        }
        Ok(Evidence::Permissions { count, .. }) => parts.extend(counted(*count, "permission")),
        Ok(Evidence::Skipped(why)) => parts.push(why.clone()),
        Ok(Evidence::Command(_) | Evidence::Plain) | Err(_) => {}
    }
    if outcome.attempts > 1 {
        parts.push(format!("{} attempts", outcome.attempts));
    }
    if let Some(trace) = trace(outcome).filter(|trace| !trace.steps.is_empty()) {
        parts.push(way(&trace.steps, trace.proxy.as_deref()));
    }
    clean(&parts.join(", "))
}

/// The block of a finding, with its severity in words.
fn told(finding: &Finding, paint: &Paint) -> String {
    let entry = block(finding);
    let word = match finding.severity {
        Severity::Error => paint.red("error"),
        Severity::Warning => paint.yellow("warning"),
        Severity::Note => paint.dim("note"),
    };
    let mut text = format!("  {word}: {}\n", clean(&entry.message));
    for line in &entry.details {
        let _ = writeln!(text, "    {}", clean(line));
    }
    text
}

/// Nothing that would move a terminal's cursor.
fn clean(text: &str) -> String {
    let visible = |letter: char| match letter.is_control() {
        true => char::REPLACEMENT_CHARACTER,
        false => letter,
    };
    text.chars().map(visible).collect()
}

/// SGR sequences (ECMA-48), or nothing.
struct Paint {
    is_colored: bool,
}

impl Paint {
    fn sgr(&self, code: &str, text: &str) -> String {
        match self.is_colored {
            true => format!("\u{1b}[{code}m{text}\u{1b}[0m"),
            false => text.to_owned(),
        }
    }

    fn bold(&self, text: &str) -> String {
        self.sgr("1", text)
    }

    fn dim(&self, text: &str) -> String {
        self.sgr("2", text)
    }

    fn red(&self, text: &str) -> String {
        self.sgr("1;31", text)
    }

    fn green(&self, text: &str) -> String {
        self.sgr("32", text)
    }

    fn yellow(&self, text: &str) -> String {
        self.sgr("33", text)
    }
}
