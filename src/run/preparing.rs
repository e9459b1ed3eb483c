//! What a run and its look-alikes that start nothing have in common: mend, check, mend by what the checks have shown,
//! and judge.

use std::ffi::OsString;
use std::time::SystemTime;

use tokio::time::Instant;

use super::failed_to;
use super::mending::Mending;
use super::waiting::waited_for;
use crate::check::metadata::Proven;
use crate::check::{Check, Evidence, Subject};
use crate::cli::Need;
use crate::environment::Environment;
use crate::exit_code::ExitCode;
use crate::finding::policy::own_severity;
use crate::finding::{self, Circumstances, Finding, Severity};
use crate::launch::inherited::Held;
use crate::log::Console;
use crate::plan::Needs;
use crate::preflight::Outcome;
use crate::report::{Job, Report};

/// All that stands between the command and its start.
#[derive(Debug)]
pub struct Prepared {
    /// What was found.
    pub report: Report,
    /// The mended environment.
    pub environment: Environment,
    /// The signals that came too late to end the checks.
    pub held: Held,
    /// Where messages go from here on, by what has become known.
    pub console: Console,
}

/// Mends `environment` and checks what the command, the environment itself and `named` ask for.
///
/// # Errors
/// How to end where there is nothing to judge: a signal came, or the system gave not what runup itself needs.
pub fn prepare(
    needs: &Needs,
    command: &[OsString],
    named: Vec<Check>,
    environment: Environment,
    console: &Console,
) -> Result<Prepared, ExitCode> {
    let begin = Instant::now();
    let job = Job::of(&environment);
    let mut mending = Mending::begin(needs, environment).map_err(|refused| {
        console.say(&refused.entry);
        refused.code
    })?;
    let mut checks: Vec<Check> = command
        .first()
        .map(|program| Check {
            subject: Subject::Command(program.clone()),
            need: Need::Require,
        })
        .into_iter()
        .collect();
    checks.extend(mending.checks(needs));
    checks.extend(named);
    let context = mending.context(needs);
    let outcomes = waited_for(checks, &context, needs.retry, &needs.policy, begin, console)?;
    let held = Held::new().map_err(|error| failed_to("hold signals back", &error, console))?;

    let found = findings(&outcomes, &mending.circumstances);
    let proven = proven(&outcomes);
    let keeps_from_starting = |finding: &Finding| {
        needs.policy.severity(finding.code, finding.severity) == Some(Severity::Error)
    };
    if !(mending.findings.iter().chain(&found)).any(keeps_from_starting) {
        mending.finish(needs, proven);
    }
    let console = match proven {
        Some(proven) => console.in_project(&proven.proof.project),
        None => console.clone(),
    };
    let Mending {
        environment,
        edits,
        findings: mut all,
        ..
    } = mending;
    all.extend(found);
    let (findings, ignored) = needs.policy.apply(all);
    let report = Report {
        job,
        command: (!command.is_empty()).then(|| in_words(command)),
        outcomes,
        findings,
        ignored,
        edits,
        took: begin.elapsed(),
    };
    for edit in &report.edits {
        tracing::debug!("{edit}");
    }
    Ok(Prepared {
        report,
        environment,
        held,
        console,
    })
}

fn in_words(command: &[OsString]) -> String {
    let words: Vec<_> = command.iter().map(|word| word.to_string_lossy()).collect();
    words.join(" ")
}

fn proven(outcomes: &[Outcome]) -> Option<&Proven> {
    outcomes.iter().find_map(|outcome| match &outcome.result {
        Ok(Evidence::Metadata(proven)) => Some(&**proven),
        _ => None,
    })
}

/// The findings of the checks, as bad as they are by themselves.
pub fn findings(outcomes: &[Outcome], circumstances: &Circumstances) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (index, outcome) in outcomes.iter().enumerate() {
        let Check { subject, .. } = &outcome.check;
        let found = match &outcome.result {
            Err(failure) => {
                let severity = own_severity(&outcome.check);
                let finding = finding::of_failure(
                    subject,
                    severity,
                    failure,
                    outcome.attempts,
                    circumstances,
                );
                Some(match &outcome.other_way {
                    Some(other) => finding.with_other_way(other.clone()),
                    None => finding,
                })
            }
            Ok(Evidence::Endpoint(reached)) => reached
                .certificate
                .as_ref()
                .and_then(|own| finding::of_certificate(subject, own, SystemTime::now())),
            Ok(Evidence::Metadata(proven)) => proven.name_failure.as_ref().map(finding::of_name),
            Ok(_) => None,
        };
        findings.extend(found.map(|finding| Finding {
            check: Some(index),
            ..finding
        }));
    }
    findings
}
