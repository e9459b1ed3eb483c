//! What the tests are written with.

mod fake;
mod namespace;
mod pattern;
mod run;
mod terminal;

pub(crate) use fake::{Answer, Fake, healthy, http};
pub(crate) use namespace::{
    NAMESPACE, in_pid_namespace, init_of, is_permitted, with_mounts, without_ports,
};
pub(crate) use run::{Done, READY, Run, Running, bin, script, soon};
pub(crate) use terminal::Terminal;
