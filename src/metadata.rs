//! The metadata server: the one place where a workload on Google Cloud learns who it is and gets its tokens.
//!
//! It must be asked directly, never through a proxy: a proxy has no link-local neighbour to ask or, worse, has one of
//! its own and answers with *its* identity.

use std::net::{Ipv4Addr, Ipv6Addr};

pub mod client;
pub mod emulator;
pub mod secret;
pub mod verdict;

/// The name that every client uses, resolved by the platform's own name server.
pub const HOST: &str = "metadata.google.internal";

/// The same with the trailing dot that keeps search domains out. Go and Node ask for it in this form, so a bypass list
/// needs it too.
pub const HOST_ABSOLUTE: &str = "metadata.google.internal.";

/// The short name, answered on Compute Engine.
pub const HOST_SHORT: &str = "metadata";

/// The link-local address, the same on every platform.
pub const IPV4: Ipv4Addr = Ipv4Addr::new(169, 254, 169, 254);

/// The IPv6 address, on IPv6-only and dual-stack machines.
pub const IPV6: Ipv6Addr = Ipv6Addr::new(0xfd20, 0xce, 0, 0, 0, 0, 0, 0x254);

/// The header that a request must carry (but for `GET /`) and that every genuine answer carries.
pub const FLAVOR: &str = "metadata-flavor";

/// The value of [`FLAVOR`], either way.
pub const FLAVOR_VALUE: &str = "Google";

/// The directory under which everything lies.
pub const ROOT: &str = "/computeMetadata/v1/";
