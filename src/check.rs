//! What is checked before the command starts.

pub mod command;
