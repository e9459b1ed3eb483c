//! What a network does to packets on its own account, by nftables.

use std::io::Write;
use std::net::{IpAddr, Ipv4Addr};
use std::process::Stdio;

use crate::netns::Netns;
use crate::squid;
use crate::tools;

/// Drops whatever would open a connection to `address:port`: the caller hears nothing.
pub(crate) fn drop_connections(netns: &Netns, address: IpAddr, port: u16) {
    let family = match address {
        IpAddr::V4(_) => "ip",
        IpAddr::V6(_) => "ip6",
    };
    rules(
        netns,
        &format!(
            "table {family} drops {{
                chain input {{
                    type filter hook input priority filter
                    {family} daddr {address} tcp dport {port} tcp flags & (syn | ack) == syn drop
                }}
            }}"
        ),
    );
}

/// Drops all questions to name servers where they arrive: at the sender's end, it would hear of that.
pub(crate) fn drop_questions(netns: &Netns) {
    rules(
        netns,
        "table inet silence {
            chain input {
                type filter hook input priority filter
                udp dport 53 drop
                tcp dport 53 drop
            }
        }",
    );
}

/// Refuses connections to `address:port` with `with`, in nftables' words.
pub(crate) fn reject(netns: &Netns, address: Ipv4Addr, port: u16, with: &str) {
    rules(
        netns,
        &format!(
            "table ip rejects{port} {{
                chain output {{
                    type filter hook output priority filter
                    ip daddr {address} tcp dport {port} reject with {with}
                }}
            }}"
        ),
    );
}

/// Diverts connections to `address:port` into the local `into`, but for those that Squid makes.
pub(crate) fn divert(netns: &Netns, address: Ipv4Addr, port: u16, into: u16) {
    let user = squid::USER;
    rules(
        netns,
        &format!(
            "table ip diverts {{
                chain output {{
                    type nat hook output priority -100
                    ip daddr {address} tcp dport {port} meta skuid != {user} redirect to :{into}
                }}
            }}"
        ),
    );
}

/// Refuses connections to `address` from all but Squid, as a network does whose only way out is the proxy.
pub(crate) fn reserve(netns: &Netns, address: Ipv4Addr) {
    let user = squid::USER;
    rules(
        netns,
        &format!(
            "table ip reserves {{
                chain output {{
                    type filter hook output priority filter
                    ip daddr {address} tcp flags & (syn | ack) == syn meta skuid != {user} reject
                }}
            }}"
        ),
    );
}

fn rules(netns: &Netns, rules: &str) {
    let mut command = netns.command(&tools::program("nft"));
    let mut nft = command
        .args(["-f", "-"])
        .stdin(Stdio::piped())
        .spawn()
        .unwrap();
    let mut stdin = nft.stdin.take().unwrap();
    stdin.write_all(rules.as_bytes()).unwrap();
    drop(stdin);
    assert!(nft.wait().unwrap().success(), "nft refused {rules}");
}
