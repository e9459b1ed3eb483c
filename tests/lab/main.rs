//! The lab: network namespaces in which the real Squid, dnsmasq, nftables, gcloud and other clients meet a metadata
//! server, a corporate proxy and internal hosts.
//!
//! Nothing leaves a namespace: it has a loopback device and no way out. A test that lacks a tool says so and passes as
//! skipped; with `RUNUP_LAB=require`, as in CI, it fails instead.
//!
//! A test reads: `need!(…)`, a [`lab::Lab`], the servers in it, then [`job::Job`]s run inside and their outcomes.

// Clippy allows these in test functions only; here the whole crate is a test.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

#[macro_use]
mod tools;

mod dns;
mod firewall;
mod image;
mod job;
mod lab;
mod netns;
mod nginx;
mod server;
mod squid;

mod alone;
mod authority;
mod conformance;
mod containers;
mod endpoints;
mod examples;
mod google;
mod itself;
mod mermaid;
mod packaging;
mod pages;
mod scenarios;
mod static_binary;
