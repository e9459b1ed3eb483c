//! The report for programs. docs/report.schema.json describes it; what changes in it other than by new fields takes a
//! new version.

use std::net::IpAddr;

use serde::Serialize;

use super::{Counts, Job, Report, Verdict, milliseconds, trace};
use crate::check::Evidence;
use crate::cli::Need;
use crate::environment::Edit;
use crate::exit_code::ExitCode;
use crate::finding::Finding;
use crate::net::trace::Step;

/// The version of the schema.
const VERSION: u32 = 1;

#[derive(Serialize)]
struct Document<'a> {
    schema: &'static str,
    version: u32,
    runup: &'static str,
    ready: bool,
    exit: u8,
    command: Option<&'a str>,
    job: &'a Job,
    milliseconds: f64,
    counts: Counts,
    checks: Vec<Check<'a>>,
    findings: &'a [Finding],
    ignored: &'a [Finding],
    edits: &'a [Edit],
}

/// A check, as the report and the log's summary have it.
#[derive(Serialize)]
pub(super) struct Check<'a> {
    name: String,
    kind: &'static str,
    required: bool,
    verdict: Verdict,
    attempts: u32,
    milliseconds: f64,
    #[serde(flatten)]
    evidence: Shown<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    proxy: Option<&'a str>,
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    addresses: &'a [IpAddr],
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    steps: &'a [Step],
}

/// What a check has shown.
#[derive(Default, Serialize)]
struct Shown<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    path: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    identity: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    project: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    status: Option<u16>,
    #[serde(skip_serializing_if = "Option::is_none")]
    redirect: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    skipped: Option<&'a str>,
}

/// The report as one JSON object.
pub(super) fn json(report: &Report) -> String {
    let exit = report.exit_code();
    let document = Document {
        schema: "runup/report",
        version: VERSION,
        runup: env!("CARGO_PKG_VERSION"),
        ready: exit.is_none(),
        exit: exit.unwrap_or(ExitCode::Success).number(),
        command: report.command.as_deref(),
        job: &report.job,
        milliseconds: milliseconds(report.took),
        counts: report.counts(),
        checks: checks(report),
        findings: &report.findings,
        ignored: &report.ignored,
        edits: &report.edits,
    };
    // Its keys are text and its numbers finite, so that it cannot fail.
    serde_json::to_string_pretty(&document).unwrap_or_default() + "\n"
}

/// The checks alone.
pub(super) fn checks(report: &Report) -> Vec<Check<'_>> {
    let checks = report.outcomes.iter().enumerate();
    checks
        .map(|(index, outcome)| {
            let subject = &outcome.check.subject;
            let trace = trace(outcome);
            Check {
                name: subject.to_string(),
                kind: subject.kind(),
                required: outcome.check.need == Need::Require,
                verdict: report.verdict_of(index),
                attempts: outcome.attempts,
                milliseconds: milliseconds(outcome.took),
                evidence: match &outcome.result {
                    Ok(Evidence::Command(runnable)) => Shown {
                        path: Some(runnable.path.to_string_lossy().into_owned()),
                        ..Shown::default()
                    },
                    Ok(Evidence::Metadata(proven)) => Shown {
                        identity: Some(&proven.proof.account.email),
                        project: Some(&proven.proof.project),
                        ..Shown::default()
                    },
                    Ok(Evidence::Endpoint(reached)) => Shown {
                        status: reached.status,
                        redirect: reached.redirect.as_deref(),
                        ..Shown::default()
                    },
                    Ok(Evidence::Skipped(why)) => Shown {
                        skipped: Some(why),
                        ..Shown::default()
                    },
                    Ok(Evidence::Plain | Evidence::Permissions { .. }) | Err(_) => Shown::default(),
                },
                proxy: trace.and_then(|trace| trace.proxy.as_deref()),
                addresses: trace.map_or(&[], |trace| &trace.addresses),
                steps: trace.map_or(&[], |trace| &trace.steps),
            }
        })
        .collect()
}
