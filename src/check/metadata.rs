//! One attempt to have the metadata server prove itself: by name and, where that fails, by address.

use std::time::Duration;

use crate::failure::{Failure, FailureKind, Phase};
use crate::metadata::client::{Client, Proof, Wishes};
use crate::metadata::{HOST, IPV4};
use crate::net::Progress;

/// The metadata server is on the same machine or beside it: a connection that takes longer than this leads into a black
/// hole.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(2);

/// The metadata server, as this environment finds it.
#[derive(Debug)]
pub struct Metadata<'a> {
    /// What GCE_METADATA_HOST says; the well-known server where it says nothing.
    pub chosen: Option<&'a str>,
    /// The service account that its token must be of.
    pub expected: Option<&'a str>,
    /// What else it is asked for.
    pub wishes: &'a Wishes,
    /// The time for asking by name and by address.
    pub attempt_timeout: Duration,
}

/// What a proven metadata server said, and how it was found.
#[derive(Debug)]
pub struct Proven {
    /// What it said.
    pub proof: Proof,
    /// How asking by name failed, where only the address works.
    pub name_failure: Option<Failure>,
}

impl Metadata<'_> {
    /// One attempt.
    ///
    /// # Errors
    /// The failure that tells most. A genuine answer by the address makes up for a name that leads nowhere, but not for
    /// one that leads to somebody else: the command's clients would believe them.
    pub async fn attempt(&self, progress: &Progress) -> Result<Proven, Failure> {
        // The name must leave time for the address.
        let connect_timeout = CONNECT_TIMEOUT.min(self.attempt_timeout * 2 / 5);
        let ask = async |authority: &str| {
            let client = Client::new(authority, connect_timeout, progress.clone())?;
            client.prove(self.wishes).await
        };
        let by_name = match ask(self.chosen.unwrap_or(HOST)).await {
            Ok(proof) => return self.identified(proof, None),
            Err(failure) => failure,
        };
        if self.chosen.is_some() {
            return Err(by_name);
        }
        let leads_nowhere = by_name.phase <= Phase::Connect;
        match ask(&IPV4.to_string()).await {
            Ok(proof) if leads_nowhere => self.identified(proof, Some(by_name)),
            Ok(_) => Err(Failure {
                saw: format!(
                    "{}; `{IPV4}`, asked directly: Google's metadata server",
                    by_name.saw
                ),
                ..by_name
            }),
            Err(by_address) => {
                let saw = format!("{}; {}", by_name.saw, by_address.saw);
                let telling = match leads_nowhere {
                    true => by_address,
                    false => by_name,
                };
                Err(Failure { saw, ..telling })
            }
        }
    }

    fn identified(&self, proof: Proof, name_failure: Option<Failure>) -> Result<Proven, Failure> {
        match self.expected {
            Some(expected) if !expected.eq_ignore_ascii_case(&proof.account.email) => {
                let saw = format!("the token is of `{}`", proof.account.email);
                let kind = FailureKind::WrongIdentity {
                    expected: expected.to_owned(),
                    found: proof.account.email,
                };
                Err(Failure::new(Phase::Response, kind, saw))
            }
            _ => Ok(Proven {
                proof,
                name_failure,
            }),
        }
    }
}
