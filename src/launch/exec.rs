//! The default: runup's process becomes the command.

use nix::errno::Errno;
use nix::unistd::execve;

use crate::launch::{Image, inherited};

/// Becomes `image`, with signals and open files as runup got them. Comes back only on failure.
pub fn exec(image: &Image) -> Errno {
    inherited::restore();
    match execve(&image.path, &image.arguments, &image.variables) {
        Ok(never) => match never {},
        Err(errno) => errno,
    }
}
