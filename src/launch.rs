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

/// How much the kernel must copy for execve(2), which it does within limits: 32 pages for one argument or variable, and for all
/// together as the limit of the stack's size allows.
#[derive(Debug)]
pub struct Weight {
    /// The longest argument or variable, as it is shown, without its value.
    pub longest: String,
    /// Its bytes, the name of a variable and the final NUL included.
    pub bytes: usize,
    /// The bytes of all.
    pub total: usize,
}

impl Image {
    /// What the kernel would copy.
    pub fn weight(&self) -> Weight {
        let length = |text: &CString| text.as_bytes_with_nul().len();
        let variables = self.variables.iter().map(|variable| {
            let name = variable.to_bytes().split(|byte| *byte == b'=').next();
            let name = String::from_utf8_lossy(name.unwrap_or_default());
            (name.into_owned(), length(variable))
        });
        let arguments = self.arguments.iter().enumerate();
        let all: Vec<_> = arguments
            .map(|(number, argument)| (format!("argument {number}"), length(argument)))
            .chain(variables)
            .collect();
        let total = all.iter().map(|(_, bytes)| bytes).sum();
        let (longest, bytes) = all
            .into_iter()
            .max_by_key(|(_, bytes)| *bytes)
            .unwrap_or_default();
        Weight {
            longest,
            bytes,
            total,
        }
    }
}

fn c_string(text: &OsStr) -> Result<CString, Errno> {
    CString::new(text.as_bytes()).map_err(|_| Errno::EINVAL)
}
