//! How an attempt went: its steps with their times, the addresses that were tried, the proxy on the way.

use std::net::IpAddr;
use std::time::Duration;

use serde::{Serialize, Serializer};

use crate::failure::Phase;

/// One step of an attempt.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Step {
    /// Which.
    pub phase: Phase,
    /// Whom it waited for.
    pub hop: String,
    /// How long it took.
    #[serde(rename = "milliseconds", serialize_with = "milliseconds")]
    pub took: Duration,
    /// Whether the next one could begin.
    pub passed: bool,
}

/// The steps of an attempt, in their order. Of a failed one, the last has not passed.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Trace {
    /// The steps.
    pub steps: Vec<Step>,
    /// The addresses that the connection was tried to: of the proxy, where there is one.
    pub addresses: Vec<IpAddr>,
    /// The proxy on the way, without its credentials.
    pub proxy: Option<String>,
}

impl Trace {
    /// Whether it came past `phase`.
    pub fn has_passed(&self, phase: Phase) -> bool {
        let mut steps = self.steps.iter();
        steps.any(|step| step.phase == phase && step.passed)
    }
}

fn milliseconds<S: Serializer>(duration: &Duration, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_f64((duration.as_secs_f64() * 1e6).round() / 1e3)
}

/// Where an address lies: it decides which way a container's packets to it take.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Range {
    /// This machine.
    Loopback,
    /// The same link: 169.254.0.0/16, fe80::/10.
    LinkLocal,
    /// Private: what `--vpc-egress=private-ranges-only` sends into the VPC (RFC 1918, RFC 6598, class E), and the unique
    /// local addresses of IPv6 (RFC 4193).
    Private,
    /// All others.
    Public,
}

impl Range {
    /// The range of `address`.
    pub fn of(address: IpAddr) -> Self {
        match address.to_canonical() {
            IpAddr::V4(v4) => {
                let octets = v4.octets();
                let is_shared = octets[0] == 100 && octets[1] & 0xc0 == 64;
                match v4 {
                    _ if v4.is_loopback() => Self::Loopback,
                    _ if v4.is_link_local() => Self::LinkLocal,
                    _ if v4.is_private() || is_shared || octets[0] >= 240 => Self::Private,
                    _ => Self::Public,
                }
            }
            IpAddr::V6(v6) => match v6 {
                _ if v6.is_loopback() => Self::Loopback,
                _ if v6.is_unicast_link_local() => Self::LinkLocal,
                _ if v6.is_unique_local() => Self::Private,
                _ => Self::Public,
            },
        }
    }

    /// One word.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Loopback => "loopback",
            Self::LinkLocal => "link-local",
            Self::Private => "private",
            Self::Public => "public",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_ranges_of_addresses() {
        for (address, range) in [
            ("127.0.0.1", Range::Loopback),
            ("::1", Range::Loopback),
            ("169.254.169.254", Range::LinkLocal),
            ("fe80::1", Range::LinkLocal),
            ("10.1.2.3", Range::Private),
            ("172.31.255.255", Range::Private),
            ("172.32.0.1", Range::Public),
            ("192.168.0.1", Range::Private),
            ("100.64.0.1", Range::Private),
            ("100.128.0.1", Range::Public),
            ("240.0.0.1", Range::Private),
            ("fd20:ce::254", Range::Private),
            ("::ffff:10.1.2.3", Range::Private),
            ("203.0.113.5", Range::Public),
            ("2001:db8::1", Range::Public),
        ] {
            assert_eq!(Range::of(address.parse().unwrap()), range, "{address}");
        }
    }
}
