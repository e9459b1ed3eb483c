//! Becoming the command, or its parent.

pub mod exec;
pub mod inherited;
pub mod init;

use std::ffi::{CString, OsStr, OsString};
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::Path;

use nix::errno::Errno;

use crate::check::command::{Kind, Runnable};
use crate::environment::Environment;

/// What execve(2) needs.
#[derive(Debug)]
pub struct Image {
    path: CString,
    arguments: Vec<CString>,
    variables: Vec<CString>,
}

impl Image {
    /// The program at `runnable`, called with `command` and `environment`.
    ///
    /// A script without a shebang is run by /bin/sh, as execvp(3) of glibc does.
    ///
    /// # Errors
    /// EINVAL where something holds a NUL byte, which the kernel cannot have given us.
    pub fn new(
        runnable: &Runnable,
        command: &[OsString],
        environment: &Environment,
    ) -> Result<Self, Errno> {
        let mut arguments: Vec<CString> = command
            .iter()
            .map(|argument| c_string(argument))
            .collect::<Result<_, _>>()?;
        let path = match runnable.kind {
            Kind::NoShebang => {
                arguments.splice(
                    ..1,
                    [c"/bin/sh".to_owned(), c_string(runnable.path.as_os_str())?],
                );
                Path::new("/bin/sh")
            }
            _ => &runnable.path,
        };
        let variables = environment
            .iter()
            .map(|(name, value)| {
                let mut variable = name.to_owned();
                variable.push("=");
                variable.push(value);
                CString::new(variable.into_vec()).map_err(|_| Errno::EINVAL)
            })
            .collect::<Result<_, _>>()?;
        Ok(Self {
            path: c_string(path.as_os_str())?,
            arguments,
            variables,
        })
    }
}

fn c_string(text: &OsStr) -> Result<CString, Errno> {
    CString::new(text.as_bytes()).map_err(|_| Errno::EINVAL)
}
