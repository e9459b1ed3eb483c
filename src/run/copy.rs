//! `runup copy`: this very program, for an init container whose volume the job's container mounts.

use std::fs::{File, Permissions};
use std::io::{self, ErrorKind};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use crate::check::command;
use crate::environment::Environment;
use crate::exit_code::ExitCode;
use crate::log::{Console, Entry, Severity};
use crate::net::plain;
use crate::run::mending::directory as working_directory;

const NAME: &str = "runup";

/// Copies this program to `directory`, whole or not at all, and says what it did.
pub fn copy(directory: &Path, environment: &Environment, console: &Console) -> ExitCode {
    let program = match itself(environment) {
        Ok(program) => program,
        Err(why) => {
            let mut entry = Entry::new(
                Severity::Error,
                format!("cannot find the file of this program: {why}"),
            );
            entry.details = vec!["help   mount /proc, or call runup by its path".to_owned()];
            console.say(&entry);
            return ExitCode::Unavailable;
        }
    };
    let target = directory.join(NAME);
    if let Err(error) = place(&program, directory, &target) {
        return refused(&target, &error, console);
    }
    // Whether it can start elsewhere is a courtesy: the copy is made.
    if let Ok(Some(loader)) = command::loader(&program) {
        console.say(&needs_loader(&loader));
    }
    console.say(&Entry::new(
        Severity::Info,
        format!("copied itself to `{}`", target.display()),
    ));
    ExitCode::Success
}

/// The running program: the kernel's link, which outlives a rename and a removal, or what the caller called.
fn itself(environment: &Environment) -> Result<File, String> {
    if let Ok(program) = File::open("/proc/self/exe") {
        return Ok(program);
    }
    let called = std::env::args_os().next().unwrap_or_default();
    let found = command::find(&called, environment, &working_directory())
        .map_err(|fault| fault.to_string())?;
    File::open(&found.path)
        .map_err(|error| format!("`{}`: {}", found.path.display(), plain(&error)))
}

/// Nobody ever sees half a program, and a running one is replaced, not overwritten (ETXTBSY).
fn place(mut program: &File, directory: &Path, target: &PathBuf) -> io::Result<()> {
    let mut copy = tempfile::Builder::new()
        .prefix(".runup-")
        .tempfile_in(directory)?;
    io::copy(&mut program, copy.as_file_mut())?;
    // Here, since the umask is no matter of the job's user.
    copy.as_file()
        .set_permissions(Permissions::from_mode(0o755))?;
    copy.persist(target)?;
    Ok(())
}

fn refused(target: &Path, error: &io::Error, console: &Console) -> ExitCode {
    let (code, help) = match error.kind() {
        ErrorKind::NotFound | ErrorKind::NotADirectory => (
            ExitCode::Configuration,
            "name a directory that exists, as the mount path of an emptyDir volume",
        ),
        ErrorKind::IsADirectory => (
            ExitCode::Configuration,
            "the file is to have this name: remove the directory, or name its parent's neighbour",
        ),
        ErrorKind::ReadOnlyFilesystem => (
            ExitCode::Configuration,
            "mount the volume writable in this container; in the job's, it may be read-only",
        ),
        ErrorKind::PermissionDenied => (
            ExitCode::Denied,
            "let this user write the directory: `fsGroup` in the pod's securityContext, or another user here",
        ),
        ErrorKind::StorageFull | ErrorKind::QuotaExceeded => (
            ExitCode::Unavailable,
            "give the volume more room: 8 MiB will do (`sizeLimit` of an emptyDir volume)",
        ),
        _ => (
            ExitCode::Unavailable,
            "see what the volume is, and try another",
        ),
    };
    let mut entry = Entry::new(
        Severity::Error,
        format!(
            "cannot copy itself to `{}`: {}",
            target.display(),
            plain(error)
        ),
    );
    entry.details = vec![format!("help   {help}")];
    console.say(&entry);
    code
}

fn needs_loader(loader: &Path) -> Entry {
    let mut entry = Entry::new(
        Severity::Warning,
        format!(
            "this build needs `{}`, which the other image may lack",
            loader.display()
        ),
    );
    entry.details = vec!["help   take a static build, which runs in any image".to_owned()];
    entry
}
