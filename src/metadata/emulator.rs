//! A stand-in for the metadata server, for a laptop, for CI and for this crate's own tests.
//!
//! It speaks the protocol, gives out tokens that open nothing, and says in every one of them that it is emulated. What
//! it answers is decided by a pure function in `answer`; here is only the listening.

use std::collections::VecDeque;
use std::convert::Infallible;
use std::fmt;
use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::net::TcpListener;

mod answer;

use answer::{Minter, answer};

/// How many requests a [`Log`] remembers.
const REMEMBERED: usize = 1024;

/// How long to pause when the system gives no connection (out of descriptors, mostly) before asking again.
const ACCEPT_PAUSE: Duration = Duration::from_millis(20);

/// Whom the emulated metadata server speaks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Identity {
    /// The service account.
    pub email: String,
    /// The project's name.
    pub project: String,
    /// The project's number.
    pub project_number: u64,
    /// The region, as in `us-central1`.
    pub region: String,
    /// The zone; on Cloud Run a region with `-1` behind it.
    pub zone: String,
    /// The universe; `googleapis.com` but for sovereign clouds.
    pub universe: String,
    /// The scopes that the account's tokens carry.
    pub scopes: Vec<String>,
    /// The instance's number.
    pub instance_id: u64,
}

/// An account that nobody takes for a real one.
impl Default for Identity {
    fn default() -> Self {
        Self {
            email: "runup-emulator@emulated.iam.gserviceaccount.com".into(),
            project: "emulated".into(),
            project_number: 100_000_000_001,
            region: "us-central1".into(),
            zone: "us-central1-1".into(),
            universe: "googleapis.com".into(),
            scopes: vec!["https://www.googleapis.com/auth/cloud-platform".into()],
            instance_id: 1_000_000_000_000_000_001,
        }
    }
}

/// A request that the emulator got, whatever it answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Asked {
    /// `GET`, mostly.
    pub method: String,
    /// The path and the query, as they came.
    pub path: String,
    /// The `Host` header, where there was one.
    pub host: Option<String>,
    /// Who asked.
    pub peer: SocketAddr,
}

/// The latest requests of an emulator, oldest first. A clone reads the same log.
#[derive(Clone, Debug, Default)]
pub struct Log(Arc<Mutex<VecDeque<Asked>>>);

impl Log {
    /// The requests so far, the last 1024 of them.
    pub fn requests(&self) -> Vec<Asked> {
        let asked = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        asked.iter().cloned().collect()
    }

    fn note(&self, request: Asked) {
        let mut asked = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if asked.len() == REMEMBERED {
            asked.pop_front();
        }
        asked.push_back(request);
    }
}

/// The emulated metadata server, bound and ready to [`serve`](Emulator::serve).
pub struct Emulator {
    listener: TcpListener,
    identity: Arc<Identity>,
    minter: Minter,
    log: Log,
}

impl Emulator {
    /// Listens on `address`; port 0 takes a free one. Needs a tokio runtime with I/O and time.
    pub async fn bind(address: SocketAddr, identity: Identity) -> io::Result<Self> {
        Ok(Self::new(TcpListener::bind(address).await?, identity))
    }

    /// The same on a listener from elsewhere: another network namespace, or an inherited socket.
    pub fn from_std(listener: std::net::TcpListener, identity: Identity) -> io::Result<Self> {
        listener.set_nonblocking(true)?;
        Ok(Self::new(TcpListener::from_std(listener)?, identity))
    }

    fn new(listener: TcpListener, identity: Identity) -> Self {
        Self {
            listener,
            identity: Arc::new(identity),
            minter: Minter::new(since_epoch()),
            log: Log::default(),
        }
    }

    /// Where it listens.
    pub fn address(&self) -> io::Result<SocketAddr> {
        self.listener.local_addr()
    }

    /// What it is asked, to be read while it serves.
    pub fn log(&self) -> Log {
        self.log.clone()
    }

    /// The text of the access token that it gives out now.
    pub fn token(&self) -> String {
        self.minter.token(since_epoch()).text
    }

    /// Answers requests until it is dropped. Connections are kept alive; a failed one takes nothing else down.
    pub async fn serve(self) -> io::Result<Infallible> {
        loop {
            let (stream, peer) = match self.listener.accept().await {
                Ok(accepted) => accepted,
                Err(_) => {
                    tokio::time::sleep(ACCEPT_PAUSE).await;
                    continue;
                }
            };
            let (identity, minter, log) = (self.identity.clone(), self.minter, self.log.clone());
            let service = service_fn(move |request: hyper::Request<hyper::body::Incoming>| {
                let (parts, _) = request.into_parts();
                log.note(Asked {
                    method: parts.method.to_string(),
                    path: parts.uri.to_string(),
                    host: parts
                        .headers
                        .get(hyper::header::HOST)
                        .map(|host| String::from_utf8_lossy(host.as_bytes()).into_owned()),
                    peer,
                });
                let response = answer(&identity, &minter, since_epoch(), &parts);
                async move { Ok::<_, Infallible>(response) }
            });
            // As the real server writes its headers, for clients that compare them by case.
            let connection = http1::Builder::new()
                .title_case_headers(true)
                .serve_connection(TokioIo::new(stream), service);
            tokio::spawn(connection);
        }
    }
}

/// The address and the account; tokens stay out.
impl fmt::Debug for Emulator {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Emulator")
            .field("address", &self.address())
            .field("identity", &self.identity)
            .finish_non_exhaustive()
    }
}

/// The time since 1970.
fn since_epoch() -> Duration {
    SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::net::TcpStream;

    use super::*;

    #[tokio::test]
    async fn serves_two_requests_on_one_connection_and_logs_both() {
        let emulator = Emulator::bind(([127, 0, 0, 1], 0).into(), Identity::default())
            .await
            .unwrap();
        let (address, log) = (emulator.address().unwrap(), emulator.log());
        let serving = tokio::spawn(emulator.serve());

        let mut stream = TcpStream::connect(address).await.unwrap();
        stream
            .write_all(
                b"GET / HTTP/1.1\r\nHost: metadata.google.internal\r\n\r\n\
                  GET /computeMetadata/v1/project/project-id HTTP/1.1\r\nHost: 169.254.169.254\r\n\
                  Metadata-Flavor: Google\r\nConnection: close\r\n\r\n",
            )
            .await
            .unwrap();
        let mut answers = String::new();
        stream.read_to_string(&mut answers).await.unwrap();

        assert_eq!(answers.matches("HTTP/1.1 200 OK").count(), 2, "{answers}");
        assert_eq!(
            answers.matches("Metadata-Flavor: Google").count(),
            2,
            "{answers}"
        );
        assert!(answers.ends_with("\r\n\r\nemulated"), "{answers}");
        let asked: Vec<_> = log
            .requests()
            .into_iter()
            .map(|asked| (asked.path, asked.host.unwrap()))
            .collect();
        assert_eq!(
            asked,
            [
                ("/".into(), "metadata.google.internal".into()),
                (
                    "/computeMetadata/v1/project/project-id".into(),
                    "169.254.169.254".to_owned()
                ),
            ]
        );
        serving.abort();
    }

    #[test]
    fn the_log_forgets_the_oldest() {
        let log = Log::default();
        for number in 0..REMEMBERED + 2 {
            log.note(Asked {
                method: "GET".into(),
                path: number.to_string(),
                host: None,
                peer: ([127, 0, 0, 1], 1).into(),
            });
        }
        let asked = log.requests();
        assert_eq!((asked.len(), asked[0].path.as_str()), (REMEMBERED, "2"));
    }

    #[tokio::test]
    async fn two_emulators_give_out_different_tokens() {
        let bind = || Emulator::bind(([127, 0, 0, 1], 0).into(), Identity::default());
        let (one, other) = (bind().await.unwrap(), bind().await.unwrap());
        assert_ne!(one.token(), other.token());
        assert!(!format!("{one:?}").contains(&one.token()));
    }
}
