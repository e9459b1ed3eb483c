//! The command `runup`: see the library for how a run goes.

use std::process::ExitCode;

fn main() -> ExitCode {
    let arguments = std::env::args_os().skip(1).collect();
    let environment = std::env::vars_os().collect();
    runup::run(arguments, environment).into()
}
