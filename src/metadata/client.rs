//! Asks the metadata server: directly, never through a proxy, following no redirect, reading no more than it must.

use std::error::Error;
use std::io;
use std::time::Duration;

use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use reqwest::header::HeaderMap;
use tokio::time::timeout;

use crate::failure::{Failure, FailureKind, Phase};
use crate::metadata::verdict::{self, Account, Answer, Question, Token};
use crate::metadata::{FLAVOR, FLAVOR_VALUE};
use crate::net::http::{AGENT, BODY_LIMIT, came_unasked, retry_after, text};
use crate::net::{Progress, io_failure, resolve};

/// The region is a convenience: more than this it may not cost.
const PLACE_TIMEOUT: Duration = Duration::from_secs(1);

/// A client for the metadata server at one authority.
#[derive(Debug, Clone)]
pub struct Client {
    http: reqwest::Client,
    authority: String,
    progress: Progress,
}

/// What the genuine metadata server said.
#[derive(Debug)]
pub struct Proof {
    /// The service account.
    pub account: Account,
    /// A token of it.
    pub token: Token,
    /// The project's id.
    pub project: String,
    /// `projects/NUMBER/regions/REGION`, or the same with a zone, where the server tells.
    pub place: Option<String>,
    /// How the server names itself.
    pub server: Option<String>,
}

impl Client {
    /// A client for the server at `authority`, a host or address with or without a port, that tells `progress` how far
    /// it has come.
    ///
    /// # Errors
    /// [`FailureKind::Broken`] where the HTTP stack cannot be set up, which has not been seen.
    pub fn new(
        authority: &str,
        connect_timeout: Duration,
        progress: Progress,
    ) -> Result<Self, Failure> {
        let http = reqwest::Client::builder()
            .no_proxy()
            .redirect(reqwest::redirect::Policy::none())
            .connect_timeout(connect_timeout)
            .user_agent(AGENT)
            .dns_resolver(Resolver(progress.clone()))
            .build()
            .map_err(|error| failure(&error, authority, Phase::Local))?;
        Ok(Self {
            http,
            authority: authority.to_owned(),
            progress,
        })
    }

    /// Asks for all that makes a server genuine and usable: account, token, project; and for the region.
    ///
    /// One question after the other over one connection: the server is slow with several at once.
    ///
    /// # Errors
    /// The first failure.
    pub async fn prove(&self) -> Result<Proof, Failure> {
        let answer = self.ask(Question::Account).await?;
        let account = verdict::account(&answer.body).map_err(|why| self.malformed(&answer, why))?;
        let server = answer.server;
        let token = self.token().await?;
        let answer = self.ask(Question::Project).await?;
        let project = verdict::project(&answer.body).map_err(|why| self.malformed(&answer, why))?;
        // Cloud Run tells its region, the others their zone; a server that tells neither is no worse.
        let place = timeout(PLACE_TIMEOUT, async {
            match self.ask(Question::Region).await {
                Ok(answer) => Some(answer),
                Err(_) => self.ask(Question::Zone).await.ok(),
            }
        });
        let place = place.await.ok().flatten();
        Ok(Proof {
            account,
            token,
            project,
            place: place.map(|answer| answer.body.trim().to_owned()),
            server,
        })
    }

    /// Asks for a token alone.
    ///
    /// # Errors
    /// The failure.
    pub async fn token(&self) -> Result<Token, Failure> {
        let answer = self.ask(Question::Token).await?;
        verdict::token(&answer.body).map_err(|why| self.malformed(&answer, why))
    }

    async fn ask(&self, question: Question) -> Result<Answer, Failure> {
        self.progress
            .enter(Phase::Connect, format!("`{}`", self.authority));
        let url = format!("http://{}{}", self.authority, question.path());
        let mut response = self
            .http
            .get(&url)
            .header(FLAVOR, FLAVOR_VALUE)
            .send()
            .await
            .map_err(|error| failure(&error, &self.authority, self.progress.phase()))?;
        self.progress
            .enter(Phase::Response, format!("`{}`", self.authority));
        let mut body = Vec::new();
        while body.len() < BODY_LIMIT {
            match response.chunk().await {
                Ok(Some(chunk)) => body.extend_from_slice(&chunk),
                Ok(None) => break,
                Err(error) => {
                    return Err(failure(&error, &self.authority, Phase::Response));
                }
            }
        }
        body.truncate(BODY_LIMIT);
        let answer = answer(response.status().as_u16(), response.headers(), &body);
        tracing::trace!(authority = self.authority, ?question, ?answer, "answered");
        match verdict::judge(question, &answer) {
            Ok(()) => Ok(answer),
            Err(kind) => Err(Failure {
                retry_after: answer.retry_after,
                ..Failure::new(Phase::Response, kind, self.saw(&answer))
            }),
        }
    }

    fn saw(&self, answer: &Answer) -> String {
        format!("`{}`, asked directly: {}", self.authority, answer.seen())
    }

    fn malformed(&self, answer: &Answer, why: String) -> Failure {
        Failure::new(
            Phase::Response,
            FailureKind::MetadataMalformed,
            format!("{}; {why}", self.saw(answer)),
        )
    }
}

fn answer(status: u16, headers: &HeaderMap, body: &[u8]) -> Answer {
    let owned = |name| text(headers, name).map(str::to_owned);
    Answer {
        status,
        flavor: owned(FLAVOR),
        server: owned("server"),
        via: owned("via"),
        squid_error: owned("x-squid-error"),
        content_type: owned("content-type"),
        location: owned("location"),
        has_proxy_header: headers
            .keys()
            .any(|name| name.as_str().starts_with("proxy-")),
        retry_after: retry_after(headers),
        body: String::from_utf8_lossy(body).into_owned(),
    }
}

/// The failure inside reqwest's error: our own from the resolver, or the operating system's. `reached` is how far the
/// request had come, where the error does not tell.
fn failure(error: &reqwest::Error, authority: &str, reached: Phase) -> Failure {
    let phase = match error.is_connect() {
        true => reached.min(Phase::Connect),
        false => reached.max(Phase::Request),
    };
    let mut cause: Option<&(dyn Error + 'static)> = Some(error);
    let mut said = error.to_string();
    let mut kind = FailureKind::Broken;
    while let Some(inner) = cause {
        if let Some(Unresolved(failure)) = inner.downcast_ref() {
            return failure.clone();
        }
        if let Some(io) = inner.downcast_ref::<io::Error>()
            && io.raw_os_error().is_some()
        {
            let failure = io_failure(phase, io);
            (kind, said) = (failure.kind, failure.saw);
            break;
        }
        if let Some(http) = inner.downcast_ref::<hyper::Error>()
            && (http.is_parse() || came_unasked(http))
        {
            (kind, said) = (
                FailureKind::NotHttp,
                "what came back is not HTTP".to_owned(),
            );
            break;
        }
        said = inner.to_string().to_lowercase();
        cause = inner.source();
    }
    if error.is_timeout() {
        said = "nothing came back in time".to_owned();
        kind = match phase {
            Phase::Resolve => FailureKind::ResolverFailed,
            _ => FailureKind::TimedOut,
        };
    }
    Failure::new(
        phase,
        kind,
        format!("`{authority}`, asked directly: {said} while {phase}"),
    )
}

/// reqwest's resolver would lose the EAI code.
#[derive(Debug)]
struct Resolver(Progress);

/// Carries our own failure through reqwest.
#[derive(Debug)]
struct Unresolved(Failure);

impl std::fmt::Display for Unresolved {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0.saw)
    }
}

impl Error for Unresolved {}

impl Resolve for Resolver {
    fn resolve(&self, name: Name) -> Resolving {
        let progress = self.0.clone();
        Box::pin(async move {
            let found = resolve::resolve(name.as_str(), 0, &progress)
                .await
                .map_err(|failure| Box::new(Unresolved(failure)))?;
            progress.enter(Phase::Connect, format!("`{}`", name.as_str()));
            let addresses: Addrs = Box::new(found.into_iter());
            Ok(addresses)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::metadata::emulator::{Emulator, Identity};

    #[tokio::test]
    async fn all_questions_go_over_one_connection() {
        let emulator = Emulator::bind(([127, 0, 0, 1], 0).into(), Identity::default())
            .await
            .unwrap();
        let (authority, log) = (emulator.address().unwrap().to_string(), emulator.log());
        tokio::spawn(emulator.serve());
        let client = Client::new(&authority, Duration::from_secs(5), Progress::default()).unwrap();
        client.prove().await.unwrap();
        let asked = log.requests();
        assert!(asked.len() >= 4, "{asked:?}");
        assert!(
            asked.iter().all(|one| one.peer == asked[0].peer),
            "{asked:?}"
        );
    }
}
