//! The program from outside: what it is given, what comes out, what the command finds.
//!
//! Outside the lab nothing may ask the network for a metadata server. So every [`support::Run`] names one: on loopback
//! an emulator, a [`support::Fake`] that answers by a script, or a port that refuses; unless it runs with
//! `--metadata off` or `--emulate`.

// Clippy allows these in test functions only; here the whole crate is a test.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod support;

mod apis;
mod command;
mod endpoints;
mod exit_codes;
mod explain;
mod help;
mod identity;
mod inherited;
mod init;
mod mended;
mod metadata;
mod packaging;
mod permissions;
mod printed;
mod reports;
mod secrets;
mod signals;
mod speech;
mod terminal;
mod traps;
mod words;
