//! The first process of a container on Google Cloud.
//!
//! A run goes so. The command line and the variables become a [`plan::Plan`], where every usage error arises. The
//! environment is mended as a value, by [`environment::Edit`]s that carry their reasons. The checks run side by side
//! under one deadline ([`preflight`]). What they show becomes more edits; what they miss becomes [`finding::Finding`]s.
//! All of it is told once, by the [`report`]. Then the process becomes the command, or ends with a documented
//! [`exit_code::ExitCode`].

pub mod check;
pub mod cli;
pub mod environment;
pub mod exit_code;
pub mod failure;
pub mod finding;
pub mod gcloud;
pub mod launch;
pub mod log;
pub mod metadata;
pub mod net;
pub mod plan;
pub mod preflight;
pub mod report;
pub mod retry;
pub mod route;
pub mod run;
pub mod temporary;

use std::ffi::OsString;
use std::io::Write;

use crate::environment::Environment;
use crate::exit_code::ExitCode;
use crate::log::{Console, Entry, Severity};
use crate::plan::{Plan, Task};

/// Does what `arguments` ask for, the program's own name left out, in `environment`. Comes back unless the process
/// became the command.
pub fn run(arguments: Vec<OsString>, environment: Environment) -> ExitCode {
    let plan = match Plan::read(arguments, &environment) {
        Ok(plan) => plan,
        Err(refusal) => {
            refusal.console.say(&refusal.entry);
            return refusal.code;
        }
    };
    let console = plan.console;
    report_bugs(&console);
    console.listen(plan.verbosity);
    for warning in &plan.warnings {
        console.say(warning);
    }
    match plan.task {
        Task::Run(run) => run::run(*run, environment, &console),
        Task::Disabled { reason, command } => {
            run::disabled(&reason, &command, &environment, &console)
        }
        Task::Check { run, format } => run::check::check(*run, format, environment, &console),
        Task::Env {
            needs,
            format,
            is_diff,
        } => run::env::env(*needs, format, is_diff, environment, &console),
        Task::Route {
            urls,
            format,
            wishes,
        } => run::route::route(&urls, format, &wishes, &environment, &console),
        Task::Token { check, retry } => run::token::token(check, retry, environment, &console),
        Task::Explain(code) => run::explain::explain(code, &console),
        Task::Emulate {
            listen,
            service_account,
        } => run::emulate::emulate(listen, service_account, &console),
        Task::Copy(directory) => run::copy::copy(&directory, &environment, &console),
        Task::Completions(shell) => run::manual::completions(shell, &console),
        Task::Man => run::manual::page(&console),
        Task::Print(text) => print(&text, &console),
    }
}

/// Writes what was asked for to stdout.
pub(crate) fn print(text: &str, console: &Console) -> ExitCode {
    print_bytes(text.as_bytes(), console)
}

/// The same for what need not be text.
pub(crate) fn print_bytes(bytes: &[u8], console: &Console) -> ExitCode {
    let mut out = std::io::stdout().lock();
    match out.write_all(bytes).and_then(|()| out.flush()) {
        Ok(()) => ExitCode::Success,
        Err(error) => run::failed_to("write to stdout", &error, console),
    }
}

/// A panic is a bug in runup, and says so in the form of all other messages.
fn report_bugs(console: &Console) {
    let console = console.clone();
    std::panic::set_hook(Box::new(move |panic| {
        let mut entry = Entry::new(Severity::Error, format!("a bug in runup: {panic}"));
        entry.details =
            vec!["help   RUNUP_DISABLED=reason starts the command without runup".to_owned()];
        console.say(&entry);
        std::process::exit(ExitCode::Bug.number().into());
    }));
}
