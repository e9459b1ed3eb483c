//! TCP connections, to the first of a host's addresses that answers.

use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use futures_util::stream::{FuturesUnordered, StreamExt};
use tokio::net::TcpStream;
use tokio::time::sleep;

use crate::failure::{Failure, FailureKind, Phase};
use crate::net::resolve::files::is_in_hosts;
use crate::net::trace::Range;
use crate::net::{Progress, io_failure, resolve};

/// The head start of each address before the next (RFC 8305 recommends 250 ms).
const HEAD_START: Duration = Duration::from_millis(250);

/// A connection to `host`, by name or address: all its addresses are tried, each with a head start before the next,
/// which ends early where it fails.
///
/// # Errors
/// The failure to resolve, or the one that tells most among the addresses', with all of them named in what was seen.
pub async fn connect(host: &str, port: u16, progress: &Progress) -> Result<TcpStream, Failure> {
    let addresses = interleaved(resolve::resolve(host, port, progress).await?);
    progress.tries(&addresses);
    let is_name = bare(host).parse::<IpAddr>().is_err();
    let source = match is_name && is_in_hosts(host) {
        true => ", by /etc/hosts",
        false => "",
    };
    let shown = |address: &SocketAddr| {
        let range = Range::of(address.ip()).as_str();
        format!("{address} ({range}{source})")
    };
    let all: Vec<String> = addresses.iter().map(&shown).collect();
    progress.enter(Phase::Connect, all.join(", "));

    let mut untried = addresses.into_iter();
    // Polled by this task: one of their own would have to wake it.
    let mut attempts = FuturesUnordered::new();
    let mut failures = Vec::new();
    loop {
        let next = untried.next();
        if let Some(address) = next {
            attempts.push(async move { (address, TcpStream::connect(address).await) });
        }
        tokio::select! {
            ended = attempts.next() => match ended {
                Some((_, Ok(stream))) => {
                    // Latency matters more than packets here; a failure to say so does not.
                    let _ = stream.set_nodelay(true);
                    return Ok(stream);
                }
                Some((address, Err(error))) => {
                    failures.push((address, io_failure(Phase::Connect, &error)));
                }
                None => break,
            },
            () = sleep(HEAD_START), if next.is_some() => {}
        }
    }
    let saw = failures
        .iter()
        .map(|(address, failure)| format!("{}: {}", shown(address), failure.saw))
        .collect::<Vec<_>>()
        .join("; ");
    // A host with an IPv6 address that has no route from here is not "unreachable" when its IPv4 address refused.
    let telling = |kind: &FailureKind| match kind {
        FailureKind::Refused => 0,
        FailureKind::TimedOut => 1,
        FailureKind::Broken => 2,
        _ => 3,
    };
    let kind = failures
        .into_iter()
        .map(|(_, failure)| failure.kind)
        .min_by_key(telling)
        .unwrap_or(FailureKind::Broken);
    Err(Failure::new(Phase::Connect, kind, saw))
}

/// The addresses with their families in turn, the preferred one first: a family that leads nowhere costs one head start,
/// however many addresses it has (RFC 8305).
fn interleaved(addresses: Vec<SocketAddr>) -> Vec<SocketAddr> {
    let is_six = addresses.first().is_some_and(SocketAddr::is_ipv6);
    let (preferred, others): (Vec<_>, Vec<_>) = addresses
        .into_iter()
        .partition(|address| address.is_ipv6() == is_six);
    let mut others = others.into_iter();
    let mut all = Vec::new();
    for address in preferred {
        all.push(address);
        all.extend(others.next());
    }
    all.extend(others);
    all
}

/// `host` without the brackets of an IPv6 address.
pub fn bare(host: &str) -> &str {
    host.trim_start_matches('[').trim_end_matches(']')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn families_take_turns() {
        let of = |text: &str| -> Vec<SocketAddr> {
            text.split(' ').map(|one| one.parse().unwrap()).collect()
        };
        for (given, tried) in [
            (
                "[a::]:1 [b::]:1 [c::]:1 1.0.0.1:1",
                "[a::]:1 1.0.0.1:1 [b::]:1 [c::]:1",
            ),
            (
                "1.0.0.1:1 [a::]:1 [b::]:1 [c::]:1",
                "1.0.0.1:1 [a::]:1 [b::]:1 [c::]:1",
            ),
            ("1.0.0.2:1 1.0.0.1:1", "1.0.0.2:1 1.0.0.1:1"),
        ] {
            assert_eq!(interleaved(of(given)), of(tried));
        }
        assert_eq!(interleaved(Vec::new()), []);
    }

    #[tokio::test]
    async fn a_refusal_is_told_with_its_address_and_its_steps() {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        drop(listener);
        let progress = Progress::default();
        let failure = connect("127.0.0.1", port, &progress).await.unwrap_err();
        assert_eq!(failure.kind, FailureKind::Refused);
        let address = format!("127.0.0.1:{port} (loopback)");
        assert_eq!(failure.saw, format!("{address}: connection refused"));
        let trace = progress.end(false);
        let steps: Vec<_> = trace.steps.iter().map(|s| (s.phase, s.passed)).collect();
        assert_eq!(steps, [(Phase::Connect, false)]);
        assert_eq!(trace.steps[0].hop, address);
        assert_eq!(trace.addresses, [IpAddr::from([127, 0, 0, 1])]);
    }
}
