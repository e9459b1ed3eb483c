//! The default: runup's process becomes the command.

use nix::errno::Errno;
use nix::sys::signal::SigSet;

use crate::launch::Image;
use crate::launch::inherited::Ready;

/// Becomes `image`, with open files and dispositions as runup got them, and the signal mask `mask`. Comes back only on
/// failure.
pub fn exec(image: &Image, mask: &SigSet) -> Errno {
    Ready::new(image).exec(mask)
}
