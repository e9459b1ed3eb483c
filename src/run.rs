//! The tasks, each from top to bottom: a run here, the others in files of their own.

pub mod emulate;
pub mod env;
pub mod explain;
pub mod mending;
pub mod progress;
pub mod route;
pub mod token;
pub mod waiting;

use std::ffi::{OsStr, OsString};
use std::io;
use std::time::SystemTime;

use nix::sys::signal::Signal;
use tokio::time::Instant;

use self::mending::{Mending, directory};
use self::waiting::waited_for;
use crate::check::command::{self, Runnable};
use crate::check::metadata::Proven;
use crate::check::{Check, Evidence, Subject};
use crate::cli::{Need, OnFailure};
use crate::environment::{Edit, Environment, proxy};
use crate::exit_code::ExitCode;
use crate::failure::{Failure, FailureKind, Phase};
use crate::finding::{self, Circumstances, Finding};
use crate::launch::inherited::Held;
use crate::launch::init::Init;
use crate::launch::{Image, exec};
use crate::log::{Console, Entry, Severity};
use crate::plan::Run;
use crate::preflight::Outcome;
use crate::print;
use crate::report::{self, Report};

/// Mends, checks, reports, and becomes the command.
pub fn run(run: Run, environment: Environment, console: &Console) -> ExitCode {
    let begin = Instant::now();
    let Run {
        command,
        needs,
        checks: named,
    } = run;
    let mut mending = match Mending::begin(&needs, environment) {
        Ok(mending) => mending,
        Err(entry) => {
            console.say(&entry);
            return ExitCode::Configuration;
        }
    };
    let mut checks = vec![Check {
        subject: Subject::Command(command.first().cloned().unwrap_or_default()),
        need: Need::Require,
    }];
    checks.extend(mending.checks(&needs));
    checks.extend(named);
    let context = mending.context(&needs);
    let outcomes = match waited_for(
        checks,
        &context,
        needs.retry,
        needs.on_failure,
        begin,
        console,
    ) {
        Ok(outcomes) => outcomes,
        Err(code) => return code,
    };
    let held = match Held::new() {
        Ok(held) => held,
        Err(error) => return failed_to("hold signals back", &error, console),
    };

    let found = findings(&outcomes, needs.on_failure, &mending.circumstances);
    if !found
        .iter()
        .any(|finding| finding.severity == finding::Severity::Error)
    {
        mending.finish(&needs, proven(&outcomes), console);
    }
    let Mending {
        environment,
        edits,
        findings: mut all,
        ..
    } = mending;
    all.extend(found);
    all.retain(|finding| finding.severity > finding::Severity::Note);
    let report = Report {
        outcomes,
        findings: all,
        edits,
        took: begin.elapsed(),
    };
    for edit in &report.edits {
        tracing::debug!("{}", told(edit));
    }
    for finding in &report.findings {
        console.say(&report::block(finding));
    }
    if let Some(code) = report.exit_code() {
        console.say(&report.not_started(&told_command(&command), code));
        return code;
    }
    if !needs.quiet {
        console.say(&report.ready());
    }
    let runnable = report
        .outcomes
        .into_iter()
        .find_map(|outcome| match outcome.result {
            Ok(Evidence::Command(runnable)) => Some(runnable),
            _ => None,
        });
    match runnable {
        Some(runnable) => launch(
            &runnable,
            &command,
            &environment,
            needs.emulate,
            &held,
            console,
        ),
        // Its check is always fatal, so there is no way here.
        None => ExitCode::Bug,
    }
}

fn proven(outcomes: &[Outcome]) -> Option<&Proven> {
    outcomes.iter().find_map(|outcome| match &outcome.result {
        Ok(Evidence::Metadata(proven)) => Some(&**proven),
        _ => None,
    })
}

/// Becomes the command at once, with nothing changed.
pub fn disabled(
    reason: &str,
    command: &[OsString],
    environment: &Environment,
    console: &Console,
) -> ExitCode {
    console.say(&Entry::new(
        Severity::Warning,
        format!("disabled by RUNUP_DISABLED (`{reason}`): nothing mended, nothing checked"),
    ));
    let program = command.first().cloned().unwrap_or_default();
    match command::find(&program, environment, &directory()) {
        Ok(runnable) => match Held::new() {
            Ok(held) => launch(&runnable, command, environment, false, &held, console),
            Err(error) => failed_to("hold signals back", &error, console),
        },
        Err(fault) => {
            let subject = Subject::Command(program);
            let kind = FailureKind::Command(Box::new(fault));
            let saw = kind.in_short();
            let failure = Failure::new(Phase::Local, kind, saw);
            let severity = finding::Severity::Error;
            let found =
                finding::of_failure(&subject, severity, &failure, 1, &Circumstances::default());
            console.say(&report::block(&found));
            found.exit
        }
    }
}

/// The findings of the checks.
fn findings(
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
            }
            Ok(_) => {}
        }
    }
    findings
}

/// An edit in one line.
fn told(edit: &Edit) -> String {
    let name = &edit.variable;
    let shown = |value: &OsString| redacted(name, value);
    match (&edit.before, &edit.after) {
        (_, None) => format!("unset {name}: {}", edit.why),
        (None, Some(after)) => format!("set {name}={}: {}", shown(after), edit.why),
        (Some(before), Some(after)) => {
            format!(
                "changed {name} from `{}` to `{}`: {}",
                shown(before),
                shown(after),
                edit.why
            )
        }
    }
}

/// The value of the variable `name`, without a secret.
fn redacted(name: &str, value: &OsStr) -> String {
    let value = value.to_string_lossy();
    match name.to_ascii_lowercase().as_str() {
        // Taken as one address, a list would be hidden from its first colon on.
        "no_proxy" => value
            .split(',')
            .map(proxy::redact)
            .collect::<Vec<_>>()
            .join(","),
        // The password's, and those of words, where one of them is `-Dhttp.proxyPassword=…`.
        name if name.contains("password") || value.to_ascii_lowercase().contains("password") => {
            "***".to_owned()
        }
        _ => proxy::redact(&value),
    }
}

fn told_command(command: &[OsString]) -> String {
    let words: Vec<_> = command.iter().map(|word| word.to_string_lossy()).collect();
    words.join(" ")
}

/// Becomes the command, or its parent.
fn launch(
    runnable: &Runnable,
    command: &[OsString],
    environment: &Environment,
    is_parent: bool,
    held: &Held,
    console: &Console,
) -> ExitCode {
    let failed = |error: &dyn std::error::Error| {
        let mut entry = Entry::new(
            Severity::Error,
            format!("cannot run `{}`: {error}", runnable.path.display()),
        );
        entry.details = vec!["help   the kernel refused a program that looked sound; see whether it is for this machine".to_owned()];
        console.say(&entry);
        ExitCode::CannotRun
    };
    let image = match Image::new(runnable, command, environment) {
        Ok(image) => image,
        Err(errno) => return failed(&errno),
    };
    if let Some(signal) = held.pending() {
        let code = match signal {
            Signal::SIGINT => ExitCode::Interrupted,
            _ => ExitCode::Terminated,
        };
        let message = format!(
            "ended by {signal} before the command, exit {}",
            code.number()
        );
        console.say(&Entry::new(Severity::Error, message));
        return code;
    }
    if !is_parent {
        return failed(&exec::exec(&image, &held.mask));
    }
    match Init::new(held.mask)
        .map_err(io::Error::from)
        .and_then(|init| init.run(image))
    {
        Ok(code) => ExitCode::Command(code),
        Err(error) => failed(&error),
    }
}

/// Ends with the message that `what` cannot be done.
pub(crate) fn failed_to(what: &str, error: &io::Error, console: &Console) -> ExitCode {
    console.say(&Entry::new(
        Severity::Error,
        format!("cannot {what}: {}", crate::net::plain(error)),
    ));
    ExitCode::Unavailable
}
