//! `runup check`: all of a run but its last step.

use std::io::IsTerminal;

use super::filing;
use super::preparing::{Prepared, prepare};
use crate::environment::Environment;
use crate::exit_code::ExitCode;
use crate::log::Console;
use crate::plan::Run;
use crate::print;
use crate::report::Format;

/// Mends, checks, and prints the report. For Cloud Logging, findings and summary are told as those of a run, too: there a
/// report of several lines would be as many entries without a severity.
pub fn check(run: Run, format: Format, environment: Environment, console: &Console) -> ExitCode {
    let Run {
        command,
        needs,
        checks,
    } = run;
    let Prepared {
        report,
        environment,
        console,
        ..
    } = match prepare(&needs, &command, checks, environment, console) {
        Ok(prepared) => prepared,
        Err(code) => return code,
    };
    if console.is_json() {
        for block in report.blocks() {
            console.say(&block);
        }
        console.say(&report.verdict());
    }
    filing::file(&report, &needs, &environment, &console);
    let is_colored = std::io::stdout().is_terminal()
        && environment.filled("NO_COLOR").is_none()
        && environment.text("TERM") != Some("dumb");
    match print(&report.render(format, is_colored), &console) {
        ExitCode::Success => report.exit_code().unwrap_or(ExitCode::Success),
        failed => failed,
    }
}
