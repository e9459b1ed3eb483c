//! The tasks, each from top to bottom: a run here, the others in files of their own.

pub mod check;
pub mod copy;
pub mod emulate;
pub mod env;
pub mod explain;
pub mod filing;
pub mod manual;
pub mod mending;
pub mod preparing;
pub mod progress;
pub mod route;
pub mod token;
pub mod waiting;

use std::ffi::OsString;
use std::io;

use nix::sys::signal::Signal;

use self::mending::directory;
use self::preparing::{Prepared, prepare};
use crate::check::Subject;
use crate::check::command::{self, Runnable};
use crate::environment::Environment;
use crate::exit_code::ExitCode;
use crate::failure::{Failure, FailureKind, Phase};
use crate::finding::{self, Circumstances};
use crate::launch::inherited::Held;
use crate::launch::init::{Init, Parent};
use crate::launch::{Image, Weight, exec};
use crate::log::{Console, Entry, Severity};
use crate::plan::Run;
use crate::{net, print, report};

/// Mends, checks, reports, and becomes the command.
pub fn run(run: Run, environment: Environment, console: &Console) -> ExitCode {
    let Run {
        command,
        needs,
        checks,
    } = run;
    let Prepared {
        report,
        environment,
        held,
        console,
    } = match prepare(&needs, &command, checks, environment, console) {
        Ok(prepared) => prepared,
        Err(code) => return code,
    };
    for block in report.blocks() {
        console.say(&block);
    }
    filing::file(&report, &needs, &environment, &console);
    if let Some(code) = report.exit_code() {
        console.say(&report.not_started(code));
        return code;
    }
    if !needs.quiet {
        console.say(&report.ready());
    }
    match report.runnable() {
        Some(runnable) => launch(
            runnable,
            &command,
            &environment,
            needs.parent,
            &held,
            &console,
        ),
        // Its check is always fatal, so there is no way here.
        None => ExitCode::Bug,
    }
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
            Ok(held) => launch(&runnable, command, environment, None, &held, console),
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

/// Becomes the command, or its parent.
fn launch(
    runnable: &Runnable,
    command: &[OsString],
    environment: &Environment,
    parent: Option<Parent>,
    held: &Held,
    console: &Console,
) -> ExitCode {
    let failed = |error: io::Error, weight: Option<Weight>| {
        let path = runnable.path.display();
        let (message, help) = match weight.filter(|_| error.kind() == io::ErrorKind::ArgumentListTooLong) {
            Some(Weight {
                longest,
                bytes,
                total,
            }) => (
                format!(
                    "cannot run `{path}`: its arguments and variables are too long for the kernel: `{longest}` has {bytes} bytes, all have {total}"
                ),
                format!(
                    "shorten `{longest}`: Linux takes 131072 bytes in one of them, and together a quarter of the stack's limit; `runup env --diff` tells what runup added"
                ),
            ),
            None => (
                format!("cannot run `{path}`: {}", net::plain(&error)),
                "the kernel refused a program that looked sound; see whether it is for this machine".to_owned(),
            ),
        };
        let mut entry = Entry::new(Severity::Error, message);
        entry.details = vec![format!("help   {help}")];
        console.say(&entry);
        ExitCode::CannotRun
    };
    let image = match Image::new(runnable, command, environment) {
        Ok(image) => image,
        Err(errno) => return failed(errno.into(), None),
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
    let Some(parent) = parent else {
        let errno = exec::exec(&image, &held.mask);
        return failed(errno.into(), Some(image.weight()));
    };
    let weight = image.weight();
    let killed = |grace| {
        let grace = humantime::format_duration(grace);
        let message = format!("killed the command, {grace} after SIGTERM (--grace)");
        console.say(&Entry::new(Severity::Warning, message));
    };
    match Init::new(parent, held.mask).and_then(|init| init.run(image, killed)) {
        Ok(code) => ExitCode::Command(code),
        Err(error) => failed(error, Some(weight)),
    }
}

/// Ends with the message that `what` cannot be done.
pub(crate) fn failed_to(what: &str, error: &io::Error, console: &Console) -> ExitCode {
    console.say(&Entry::new(
        Severity::Error,
        format!("cannot {what}: {}", net::plain(error)),
    ));
    ExitCode::Unavailable
}
