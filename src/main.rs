//! The command `runup`: see the library for how a run goes.

fn main() {}
