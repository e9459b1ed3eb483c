//! The few files that runup leaves behind for the command.

use std::io;
use std::path::Path;

/// Makes a file or a directory where the command can read it: in TMPDIR or /tmp, else, as with a read-only root, in
/// /dev/shm, which every runtime gives a container.
///
/// # Errors
/// Those of the first place.
pub fn make<T>(make: impl Fn(&Path) -> io::Result<T>) -> io::Result<T> {
    make(&std::env::temp_dir()).or_else(|error| make(Path::new("/dev/shm")).map_err(|_| error))
}
