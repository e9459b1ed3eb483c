//! One attempt to have the metadata server prove itself: by name and, where that fails, by address.

use crate::failure::{Failure, FailureKind, Phase};
use crate::metadata::client::{Client, Proof};
use crate::metadata::{HOST, IPV4};
use crate::net::Progress;

/// The metadata server, as this environment finds it.
#[derive(Debug)]
pub struct Metadata {
    named: Client,
    by_address: Option<Client>,
    expected: Option<String>,
}

/// What a proven metadata server said, and how it was found.
#[derive(Debug)]
pub struct Proven {
    /// What it said.
    pub proof: Proof,
    /// How asking by name failed, where only the address works.
    pub name_failure: Option<Failure>,
}

impl Metadata {
    /// The server at `chosen` (what GCE_METADATA_HOST says), else the well-known one; its token must be of `expected`
    /// where that is named.
    ///
    /// # Errors
    /// As [`Client::new`].
    pub fn new(
        chosen: Option<&str>,
        expected: Option<String>,
        progress: &Progress,
    ) -> Result<Self, Failure> {
        Ok(Self {
            named: Client::new(chosen.unwrap_or(HOST), progress.clone())?,
            by_address: match chosen {
                Some(_) => None,
                None => Some(Client::new(&IPV4.to_string(), progress.clone())?),
            },
            expected,
        })
    }

    /// One attempt.
    ///
    /// # Errors
    /// The failure that tells most. A genuine answer by the address makes up for a name that leads nowhere, but not for
    /// one that leads to somebody else: the command's clients would believe them.
    pub async fn attempt(&self) -> Result<Proven, Failure> {
        let by_name = match self.named.prove().await {
            Ok(proof) => return self.identified(proof, None),
            Err(failure) => failure,
        };
        let Some(client) = &self.by_address else {
            return Err(by_name);
        };
        let leads_nowhere = by_name.phase <= Phase::Connect;
        match client.prove().await {
            Ok(proof) if leads_nowhere => self.identified(proof, Some(by_name)),
            Ok(_) => Err(Failure {
                saw: format!(
                    "{}; `{}`, asked directly: Google's metadata server",
                    by_name.saw,
                    client.authority()
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
        match &self.expected {
            Some(expected) if !expected.eq_ignore_ascii_case(&proof.account.email) => {
                let saw = format!("the token is of `{}`", proof.account.email);
                let kind = FailureKind::WrongIdentity {
                    expected: expected.clone(),
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
