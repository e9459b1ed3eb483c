//! The first process of a container on Google Cloud.
//!
//! A run goes so. The command line and the variables become a [`plan::Plan`], where every usage error arises. The
//! environment is mended as a value, by [`environment::Edit`]s that carry their reasons. The checks run side by side
//! under one deadline ([`preflight`]). What they show becomes more edits; what they miss becomes [`finding::Finding`]s.
//! All of it is told once, by the [`report`]. Then the process becomes the command, or ends with a documented
//! [`exit_code::ExitCode`].

pub mod check;
pub mod cli;
pub mod environment;
pub mod route;
