//! The report for programs. docs/report.schema.json describes it; what changes in it other than by new fields takes a
//! new version.

use serde_json::{Map, Value, json};

use super::{Report, milliseconds, trace};
use crate::check::Evidence;
use crate::cli::Need;
use crate::exit_code::ExitCode;

/// The version of the schema.
const VERSION: u32 = 1;

/// The report as one JSON object.
pub(super) fn json(report: &Report) -> String {
    let edits: Value = (report.edits.iter())
        .map(|edit| {
            json!({
                "variable": edit.variable,
                "before": edit.shown_before(),
                "after": edit.shown_after(),
                "why": edit.why,
            })
        })
        .collect();
    let exit = report.exit_code();
    let object = json!({
        "schema": "runup/report",
        "version": VERSION,
        "runup": env!("CARGO_PKG_VERSION"),
        "job": report.job,
        "command": report.command,
        "ready": exit.is_none(),
        "exit": exit.unwrap_or(ExitCode::Success).number(),
        "milliseconds": milliseconds(report.took),
        "counts": report.counts(),
        "checks": checks(report),
        "findings": report.findings,
        "ignored": report.ignored,
        "edits": edits,
    });
    format!("{object:#}\n")
}

/// The checks alone.
pub(super) fn checks(report: &Report) -> Value {
    let check = |(index, outcome): (usize, &crate::preflight::Outcome)| {
        let mut check = Map::new();
        let mut note = |name: &str, value: Value| {
            if !value.is_null() {
                check.insert(name.to_owned(), value);
            }
        };
        let subject = &outcome.check.subject;
        note("name", json!(subject.to_string()));
        note("kind", json!(subject.kind()));
        note("required", json!(outcome.check.need == Need::Require));
        note("verdict", json!(report.verdict_of(index)));
        note("attempts", json!(outcome.attempts));
        note("milliseconds", json!(milliseconds(outcome.took)));
        match &outcome.result {
            Ok(Evidence::Metadata(proven)) => {
                note("identity", json!(proven.proof.account.email));
                note("project", json!(proven.proof.project));
            }
            Ok(Evidence::Endpoint(reached)) => {
                note("status", json!(reached.status));
                note("redirect", json!(reached.redirect));
            }
            Ok(Evidence::Command(runnable)) => {
                note("path", json!(runnable.path.to_string_lossy()));
            }
            Ok(Evidence::Plain) | Err(_) => {}
        }
        if let Some(trace) = trace(outcome) {
            note("proxy", json!(trace.proxy));
            if !trace.addresses.is_empty() {
                note("addresses", json!(trace.addresses));
            }
            if !trace.steps.is_empty() {
                note("steps", json!(trace.steps));
            }
        }
        Value::Object(check)
    };
    report.outcomes.iter().enumerate().map(check).collect()
}
