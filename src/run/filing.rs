//! A report's way into files, of which none stops a job.

use std::fs::OpenOptions;
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use crate::environment::Environment;
use crate::finding;
use crate::log::Console;
use crate::plan::Needs;
use crate::report::{self, Format, Report};

/// Where Kubernetes looks for a container's last words, unless the pod names another file.
const TERMINATION_LOG: &str = "/dev/termination-log";

/// As much as Kubernetes takes of them, in bytes.
const LAST_WORDS: usize = 4096;

/// Writes the report to the file that `needs` names and, on Kubernetes, what keeps the command from starting to where
/// `kubectl describe pod` finds it.
pub fn file(report: &Report, needs: &Needs, environment: &Environment, console: &Console) {
    if let Some(path) = &needs.report
        && let Err(error) = write(path, &report.render(Format::of(path), false))
    {
        let found = finding::of_report(path, &crate::net::plain(&error));
        // Whatever --strict says: it comes too late to be an error.
        if !needs.policy.ignores(found.code) {
            console.say(&report::block(&found));
        }
    }
    if report.exit_code().is_some() && environment.filled("KUBERNETES_SERVICE_HOST").is_some() {
        // Where there is none, nobody looks for it.
        if let Err(error) = overwrite(Path::new(TERMINATION_LOG), &report.last_words(LAST_WORDS)) {
            tracing::debug!(%error, "nothing written to {TERMINATION_LOG}");
        }
    }
}

fn write(path: &Path, text: &str) -> io::Result<()> {
    // Where these are sockets they cannot be opened, and where they are files they should not be cut.
    match path.to_str() {
        Some("/dev/stdout") => {
            let mut out = io::stdout().lock();
            out.write_all(text.as_bytes()).and_then(|()| out.flush())
        }
        Some("/dev/stderr") => io::stderr().lock().write_all(text.as_bytes()),
        _ => into(OpenOptions::new().create(true), path, text),
    }
}

fn overwrite(path: &Path, text: &str) -> io::Result<()> {
    into(&mut OpenOptions::new(), path, text)
}

/// A pipe that nobody reads is an error, not a reason to wait.
fn into(options: &mut OpenOptions, path: &Path, text: &str) -> io::Result<()> {
    let options = options.write(true).truncate(true);
    let mut file = options.custom_flags(nix::libc::O_NONBLOCK).open(path)?;
    file.write_all(text.as_bytes())
}
