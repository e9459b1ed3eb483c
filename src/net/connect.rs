//! TCP connections, to the first of a host's addresses that answers.

use std::net::SocketAddr;
use std::time::Duration;

use tokio::net::TcpStream;
use tokio::task::JoinSet;
use tokio::time::sleep;

use crate::failure::{Failure, FailureKind, Phase};
use crate::net::{Progress, io_failure, resolve};

/// The head start of each address before the next (RFC 8305 recommends 250 ms).
const HEAD_START: Duration = Duration::from_millis(250);

/// A connection to `host`, by name or address: all its addresses are tried, each with a head start before the next.
///
/// # Errors
/// The failure to resolve, or the one that tells most among the addresses', with all of them named in what was seen.
pub async fn connect(host: &str, port: u16, progress: &Progress) -> Result<TcpStream, Failure> {
    let addresses = resolve::resolve(host, port, progress).await?;
    progress.enter(Phase::Connect, listed(&addresses));
    let mut attempts = JoinSet::new();
    for (address, turn) in addresses.iter().copied().zip(0u32..) {
        attempts.spawn(async move {
            sleep(HEAD_START * turn).await;
            (address, TcpStream::connect(address).await)
        });
    }
    let mut failures = Vec::new();
    while let Some(ended) = attempts.join_next().await {
        match ended {
            Ok((_, Ok(stream))) => {
                // Latency matters more than packets here; a failure to say so does not.
                let _ = stream.set_nodelay(true);
                return Ok(stream);
            }
            Ok((address, Err(error))) => {
                failures.push((address, io_failure(Phase::Connect, &error)));
            }
            Err(_) => {}
        }
    }
    let saw = failures
        .iter()
        .map(|(address, failure)| format!("{address}: {}", failure.saw))
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

fn listed(addresses: &[SocketAddr]) -> String {
    addresses
        .iter()
        .map(SocketAddr::to_string)
        .collect::<Vec<_>>()
        .join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_refusal_is_told_with_its_address() {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        drop(listener);
        let failure = connect("127.0.0.1", port, &Progress::default())
            .await
            .unwrap_err();
        assert_eq!(failure.kind, FailureKind::Refused);
        assert_eq!(failure.saw, format!("127.0.0.1:{port}: connection refused"));
    }
}
