//! The first process of a container on Google Cloud.

pub mod environment;
pub mod route;
