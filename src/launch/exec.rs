//! The default: runup's process becomes the command.

use nix::errno::Errno;
use nix::sys::signal::{SigSet, SigmaskHow, sigprocmask};
use nix::unistd::execve;

use crate::launch::{Image, inherited};

/// Becomes `image`, with open files and dispositions as runup got them, and the signal mask `mask`. Comes back only on
/// failure.
pub fn exec(image: &Image, mask: &SigSet) -> Errno {
    inherited::restore();
    if let Err(errno) = sigprocmask(SigmaskHow::SIG_SETMASK, Some(mask), None) {
        return errno;
    }
    match execve(&image.path, &image.arguments, &image.variables) {
        Ok(never) => match never {},
        Err(errno) => errno,
    }
}
