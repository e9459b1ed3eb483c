//! What a run and its look-alikes that start nothing have in common: mend, check, mend by what the checks have shown,
//! and judge.

use std::ffi::OsStr;
use std::time::SystemTime;

use tokio::time::Instant;

use super::failed_to;
use super::mending::Mending;
use super::waiting::waited_for;
use crate::check::metadata::Proven;
use crate::check::{Check, Evidence, Subject};
use crate::cli::{Need, OnFailure};
use crate::environment::Environment;
use crate::exit_code::ExitCode;
use crate::finding::code::Code;
use crate::finding::{self, Circumstances, Finding};
use crate::launch::inherited::Held;
use crate::log::Console;
use crate::plan::Needs;
use crate::preflight::Outcome;
use crate::report::Report;

/// All that stands between the command and its start.
#[derive(Debug)]
pub struct Prepared {
    /// What was found.
    pub report: Report,
    /// The mended environment.
    pub environment: Environment,
    /// The signals that came too late to end the checks.
    pub held: Held,
}

/// Mends `environment` and checks what the command, the environment itself and `named` ask for.
///
/// # Errors
/// How to end where there is nothing to judge: a signal came, or the system gave not what runup itself needs.
pub fn prepare(
    needs: &Needs,
    program: Option<&OsStr>,
    named: Vec<Check>,
    environment: Environment,
    console: &Console,
) -> Result<Prepared, ExitCode> {
    let begin = Instant::now();
    let mut mending = Mending::begin(needs, environment).map_err(|refused| {
        console.say(&refused.entry);
        refused.code
    })?;
    let mut checks: Vec<Check> = program
        .map(|program| Check {
            subject: Subject::Command(program.to_owned()),
            need: Need::Require,
        })
        .into_iter()
        .collect();
    checks.extend(mending.checks(needs));
    checks.extend(named);
    let context = mending.context(needs);
    let outcomes = waited_for(
        checks,
        &context,
        needs.retry,
        needs.on_failure,
        begin,
        console,
    )?;
    let held = Held::new().map_err(|error| failed_to("hold signals back", &error, console))?;

    let found = findings(&outcomes, needs.on_failure, &mending.circumstances);
    let gcloud = mending.look(proven(&outcomes));
    if !found
        .iter()
        .any(|finding| finding.severity == finding::Severity::Error)
    {
        mending.finish(needs, gcloud, proven(&outcomes), console);
    }
    let Mending {
        environment,
        edits,
        mut findings,
        ..
    } = mending;
    findings.extend(found);
    Ok(Prepared {
        report: Report {
            outcomes,
            findings,
            edits,
            took: begin.elapsed(),
        },
        environment,
        held,
    })
}

fn proven(outcomes: &[Outcome]) -> Option<&Proven> {
    outcomes.iter().find_map(|outcome| match &outcome.result {
        Ok(Evidence::Metadata(proven)) => Some(&**proven),
        _ => None,
    })
}

/// The findings of the checks.
pub fn findings(
    outcomes: &[Outcome],
    on_failure: OnFailure,
    circumstances: &Circumstances,
) -> Vec<Finding> {
    let mut findings = Vec::new();
    for outcome in outcomes {
        let severity = match outcome.check.is_fatal(on_failure) {
            true => finding::Severity::Error,
            false => finding::Severity::Warning,
        };
        match &outcome.result {
            Err(failure) => {
                let finding = finding::of_failure(
                    &outcome.check.subject,
                    severity,
                    failure,
                    outcome.attempts,
                    circumstances,
                );
                findings.push(match &outcome.other_way {
                    Some(other) => finding.with_other_way(other.clone()),
                    None => finding,
                });
            }
            Ok(Evidence::Endpoint(reached)) => {
                let certificate = reached.certificate.as_ref();
                findings.extend(certificate.and_then(|certificate| {
                    finding::of_certificate(&outcome.check.subject, certificate, SystemTime::now())
                }));
            }
            Ok(Evidence::Metadata(proven)) => {
                findings.extend(proven.name_failure.as_ref().map(finding::of_name));
                findings.extend(finding::google::of_proof(&proven.proof));
            }
            Ok(_) => {}
        }
        // On GKE the metadata server has the node's clock, which is this one; the APIs have Google's.
        let of_google = match (&outcome.check.subject, &outcome.result) {
            (Subject::Api(_), Ok(Evidence::Endpoint(reached))) => Some(reached),
            (_, Ok(Evidence::Permissions { reached, .. })) => Some(reached),
            _ => None,
        };
        let is_told = findings
            .iter()
            .any(|finding| finding.code == Code::IdentityClockSkew);
        if let (Some(ahead), false) = (of_google.and_then(|reached| reached.ahead), is_told) {
            findings.extend(finding::google::of_clock(ahead));
        }
    }
    findings
}
