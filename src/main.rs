//! The command `runup`: see the library for how a run goes.

use std::process::ExitCode;

#[cfg(target_env = "musl")]
#[global_allocator]
static ALLOCATOR: dlmalloc::GlobalDlmalloc = dlmalloc::GlobalDlmalloc;

fn main() -> ExitCode {
    let arguments = std::env::args_os().skip(1).collect();
    let environment = std::env::vars_os().collect();
    runup::run(arguments, environment).into()
}
