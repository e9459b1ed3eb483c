//! What the tests are written with.

mod fake;
mod namespace;
mod pattern;
mod run;

pub(crate) use fake::{Answer, Fake, healthy, http};
pub(crate) use namespace::{in_pid_namespace, init_of, with_mounts, without_ports};
pub(crate) use run::{Done, READY, Run, bin, script};
