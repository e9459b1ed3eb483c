//! Servers of this process that listen inside a namespace: the metadata emulator, canned HTTP answers, and HTTPS under
//! a CA of one's own.

use std::future::Future;
use std::net::TcpListener;
use std::sync::{Arc, Mutex};
use std::thread::{self, JoinHandle};

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair};
use runup::metadata::emulator::{Asked, Emulator, Identity, Log};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::sync::oneshot;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::pki_types::PrivateKeyDer;

/// A thread that serves until it is dropped.
pub(crate) struct Server {
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Server {
    /// Serves what `start`, called within a runtime, gives.
    pub(crate) fn start<F: Future>(start: impl FnOnce() -> F + Send + 'static) -> Self {
        let (stop, stopped) = oneshot::channel();
        let thread = thread::spawn(|| {
            let runtime = tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build();
            runtime.unwrap().block_on(async {
                tokio::select! {
                    _ = start() => {}
                    _ = stopped => {}
                }
            });
        });
        Self {
            stop: Some(stop),
            thread: Some(thread),
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        drop(self.stop.take());
        let ended = self.thread.take().map(JoinHandle::join);
        assert!(
            thread::panicking() || ended.is_none_or(|ended| ended.is_ok()),
            "a server of the lab panicked"
        );
    }
}

/// The metadata emulator, serving.
pub(crate) struct Metadata {
    log: Log,
    token: String,
    _server: Server,
}

impl Metadata {
    pub(crate) fn start(listener: TcpListener, identity: Identity) -> Self {
        let (ready, emulator) = std::sync::mpsc::channel();
        let server = Server::start(move || async move {
            let emulator = Emulator::from_std(listener, identity).unwrap();
            ready.send((emulator.log(), emulator.token())).unwrap();
            emulator.serve().await
        });
        let (log, token) = emulator.recv().unwrap();
        Self {
            log,
            token,
            _server: server,
        }
    }

    /// The access token that it gives out.
    pub(crate) fn token(&self) -> &str {
        &self.token
    }

    /// What it was asked.
    pub(crate) fn requests(&self) -> Vec<Asked> {
        self.log.requests()
    }
}

/// An HTTP server with canned answers. It closes each connection after one request.
pub(crate) struct Canned {
    requests: Arc<Mutex<Vec<Received>>>,
    _server: Server,
}

/// A request as it came.
#[derive(Clone)]
pub(crate) struct Received {
    pub(crate) head: String,
    pub(crate) body: Vec<u8>,
}

/// The response to the request with the given head.
pub(crate) type Respond = fn(&str) -> String;

/// The response to a request, by what was asked before, too.
type Answer = Arc<dyn Fn(&Received) -> String + Send + Sync>;

impl Canned {
    pub(crate) fn http(listener: TcpListener, respond: Respond) -> Self {
        Self::start(listener, None, END, by_head(respond))
    }

    /// Answers at the first byte it gets, whatever it is.
    pub(crate) fn blurting(listener: TcpListener, respond: Respond) -> Self {
        Self::start(listener, None, b"", by_head(respond))
    }

    pub(crate) fn https(listener: TcpListener, tls: ServerConfig, respond: Respond) -> Self {
        Self::api(listener, tls, move |received| respond(&received.head))
    }

    /// An HTTPS server that answers by the whole request.
    pub(crate) fn api(
        listener: TcpListener,
        tls: ServerConfig,
        answer: impl Fn(&Received) -> String + Send + Sync + 'static,
    ) -> Self {
        let tls = TlsAcceptor::from(Arc::new(tls));
        Self::start(listener, Some(tls), END, Arc::new(answer))
    }

    fn start(
        listener: TcpListener,
        tls: Option<TlsAcceptor>,
        end: &'static [u8],
        answer: Answer,
    ) -> Self {
        let requests = Arc::new(Mutex::new(Vec::new()));
        let seen = requests.clone();
        let server = Server::start(move || async move {
            listener.set_nonblocking(true).unwrap();
            let listener = tokio::net::TcpListener::from_std(listener).unwrap();
            loop {
                let (stream, _) = listener.accept().await.unwrap();
                let (tls, seen, answer) = (tls.clone(), seen.clone(), answer.clone());
                tokio::spawn(async move {
                    match tls {
                        None => converse(stream, end, &*answer, &seen).await,
                        // A client that distrusts the certificate ends the handshake: nothing to converse about.
                        Some(tls) => match tls.accept(stream).await {
                            Ok(stream) => converse(stream, end, &*answer, &seen).await,
                            Err(_) => None,
                        },
                    }
                });
            }
        });
        Self {
            requests,
            _server: server,
        }
    }

    /// The heads of the requests so far.
    pub(crate) fn requests(&self) -> Vec<String> {
        let received = self.received();
        received.into_iter().map(|received| received.head).collect()
    }

    /// The requests so far.
    pub(crate) fn received(&self) -> Vec<Received> {
        self.requests.lock().unwrap().clone()
    }
}

fn by_head(respond: Respond) -> Answer {
    Arc::new(move |received| respond(&received.head))
}

/// How the head of a request ends.
const END: &[u8] = b"\r\n\r\n";

/// Reads one request, its head up to `end`, and answers it; `None` where the client went away.
async fn converse(
    mut stream: impl AsyncRead + AsyncWrite + Unpin,
    end: &[u8],
    answer: &(dyn Fn(&Received) -> String + Send + Sync),
    seen: &Mutex<Vec<Received>>,
) -> Option<()> {
    let mut head = vec![stream.read_u8().await.ok()?];
    while !head.ends_with(end) {
        head.push(stream.read_u8().await.ok()?);
    }
    let head = String::from_utf8_lossy(&head).into_owned();
    // What is left unread would make the kernel reset the connection, and the client miss the answer.
    let mut body = vec![0; content_length(&head)];
    stream.read_exact(&mut body).await.ok()?;
    let received = Received { head, body };
    let response = answer(&received);
    seen.lock().unwrap().push(received);
    stream.write_all(response.as_bytes()).await.ok()?;
    stream.shutdown().await.ok()
}

/// The length of the body that `head` announces.
fn content_length(head: &str) -> usize {
    let value = |line: &str| {
        let (name, value) = line.split_once(':')?;
        let is_meant = name.eq_ignore_ascii_case("content-length");
        is_meant.then(|| value.trim().parse().ok())?
    };
    head.lines().find_map(value).unwrap_or(0)
}

/// A whole response; `headers` are lines without their ends.
pub(crate) fn response(status: &str, headers: &[&str], body: &str) -> String {
    let headers: String = headers.iter().map(|line| format!("{line}\r\n")).collect();
    let length = body.len();
    format!(
        "HTTP/1.1 {status}\r\n{headers}Content-Length: {length}\r\nConnection: close\r\n\r\n{body}"
    )
}

/// A corporate certificate authority.
pub(crate) struct Ca(CertifiedIssuer<'static, KeyPair>);

impl Ca {
    pub(crate) fn new(name: &str) -> Self {
        let mut parameters = CertificateParams::default();
        parameters.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        parameters.distinguished_name.push(DnType::CommonName, name);
        Self(CertifiedIssuer::self_signed(parameters, KeyPair::generate().unwrap()).unwrap())
    }

    /// Its certificate, for a trust store.
    pub(crate) fn pem(&self) -> String {
        self.0.pem()
    }

    /// A certificate for `host`, changed by `edit`, with its key.
    pub(crate) fn issue(&self, host: &str, edit: impl FnOnce(&mut CertificateParams)) -> Issued {
        let key = KeyPair::generate().unwrap();
        let mut parameters = CertificateParams::new([host.to_owned()]).unwrap();
        parameters.distinguished_name.push(DnType::CommonName, host);
        edit(&mut parameters);
        let certificate = parameters.signed_by(&key, &self.0).unwrap();
        Issued {
            chain: certificate.pem(),
            key: key.serialize_pem(),
        }
    }

    /// A server's configuration with a fresh certificate for `host`.
    pub(crate) fn serve(&self, host: &str) -> ServerConfig {
        self.serve_all(&[host])
    }

    /// A server's configuration with one fresh certificate for all `hosts`.
    pub(crate) fn serve_all(&self, hosts: &[&str]) -> ServerConfig {
        let key = KeyPair::generate().unwrap();
        let hosts: Vec<String> = hosts.iter().map(|host| (*host).to_owned()).collect();
        let certificate = CertificateParams::new(hosts)
            .unwrap()
            .signed_by(&key, &self.0)
            .unwrap();
        let key = PrivateKeyDer::try_from(key.serialize_der()).unwrap();
        ServerConfig::builder()
            .with_no_client_auth()
            .with_single_cert(vec![certificate.der().clone()], key)
            .unwrap()
    }
}

/// A certificate and its key, in PEM.
pub(crate) struct Issued {
    pub(crate) chain: String,
    pub(crate) key: String,
}
