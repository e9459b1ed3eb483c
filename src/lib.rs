//! The first process of a container on Google Cloud.

pub mod check;
pub mod environment;
pub mod gcloud;
