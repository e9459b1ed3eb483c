//! TLS with the roots that the command's clients would use, loaded when the first check needs them.

mod presented;

use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};
use std::time::SystemTime;

use tokio_rustls::TlsConnector;
use tokio_rustls::rustls::client::Resumption;
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::pki_types::{CertificateDer, ServerName};
use tokio_rustls::rustls::{
    AlertDescription, CertificateError, ClientConfig, Error, RootCertStore,
};

use self::presented::{Heard, Presented};
use crate::environment::Environment;
use crate::failure::{CertificateFault, Failure, FailureKind, Phase};
use crate::net::certificate::{Certificate, date};
use crate::net::{Progress, Wire, connect, io_failure};

/// Where distributions keep their bundle of roots: Debian, RHEL, openSUSE, Alpine.
const BUNDLES: [&str; 4] = [
    "/etc/ssl/certs/ca-certificates.crt",
    "/etc/pki/tls/certs/ca-bundle.crt",
    "/etc/ssl/ca-bundle.pem",
    "/etc/ssl/cert.pem",
];

/// The system's bundle of roots, where the image has one.
pub fn system_bundle() -> Option<&'static Path> {
    BUNDLES.iter().map(Path::new).find(|path| path.exists())
}

/// Whom to trust, read from the disk at most once.
#[derive(Debug)]
pub struct Trust {
    file: Option<PathBuf>,
    directory: Option<PathBuf>,
    extra: Option<PathBuf>,
    loaded: OnceLock<Result<Loaded, Failure>>,
}

#[derive(Clone)]
struct Loaded {
    config: ClientConfig,
    roots: Arc<RootCertStore>,
    source: String,
}

impl std::fmt::Debug for Loaded {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.source)
    }
}

impl Trust {
    /// The roots that `environment` names (SSL_CERT_FILE, SSL_CERT_DIR) or else the system's, and those in `extra`.
    pub fn new(environment: &Environment, extra: Option<PathBuf>) -> Self {
        let path = |name: &str| {
            environment
                .get(name)
                .filter(|value| !value.is_empty())
                .map(PathBuf::from)
        };
        Self {
            file: path("SSL_CERT_FILE"),
            directory: path("SSL_CERT_DIR"),
            extra,
            loaded: OnceLock::new(),
        }
    }

    fn load(&self) -> Result<Loaded, Failure> {
        let mut roots = RootCertStore::empty();
        let mut sources = Vec::new();
        let bundle = match (&self.file, &self.directory) {
            (None, None) => system_bundle(),
            (file, _) => file.as_deref(),
        };
        for (path, is_directory) in [(bundle, false), (self.directory.as_deref(), true)] {
            let Some(path) = path else { continue };
            let found = if is_directory {
                rustls_native_certs::load_certs_from_paths(None, Some(path))
            } else {
                rustls_native_certs::load_certs_from_paths(Some(path), None)
            };
            if found.certs.is_empty() {
                let why = found
                    .errors
                    .first()
                    .map_or("no certificate in it".to_owned(), ToString::to_string);
                return Err(ca_failure(path, why));
            }
            roots.add_parsable_certificates(found.certs);
            sources.push(format!("`{}`", path.display()));
        }
        if let Some(path) = &self.extra {
            let certificates = CertificateDer::pem_file_iter(path)
                .and_then(Iterator::collect::<Result<Vec<_>, _>>)
                .map_err(|why| ca_failure(path, why.to_string()))?;
            if roots.add_parsable_certificates(certificates).0 == 0 {
                return Err(ca_failure(path, "no certificate in it".to_owned()));
            }
            sources.push(format!("`{}`", path.display()));
        }
        let source = match sources.is_empty() {
            true => "no CA file: the image has none".to_owned(),
            false => sources.join(" and "),
        };
        let roots = Arc::new(roots);
        let mut config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()
            .map_err(|why| Failure::new(Phase::Handshake, FailureKind::NotTls, why.to_string()))?
            .with_root_certificates(roots.clone())
            .with_no_client_auth();
        // Each attempt is to see the certificates.
        config.resumption = Resumption::disabled();
        Ok(Loaded {
            config,
            roots,
            source,
        })
    }

    /// Agrees on TLS with `host` over `stream`; gives the certificate that ends first of those presented, too.
    ///
    /// # Errors
    /// [`FailureKind::Certificate`] with its fault, [`FailureKind::NotTls`], [`FailureKind::PlainHttp`],
    /// [`FailureKind::TlsMismatch`], or [`FailureKind::CaFile`] where the roots cannot be read.
    pub async fn handshake(
        &self,
        stream: Wire,
        host: &str,
        progress: &Progress,
    ) -> Result<(Wire, Option<Certificate>), Failure> {
        let Loaded {
            mut config,
            roots,
            source,
        } = self.loaded.get_or_init(|| self.load()).clone()?;
        progress.enter(Phase::Handshake, format!("`{host}`"));
        let bare = connect::bare(host);
        let name = ServerName::try_from(bare.trim_end_matches('.').to_owned()).map_err(|why| {
            Failure::new(
                Phase::Handshake,
                FailureKind::Certificate(CertificateFault::WrongName),
                why.to_string(),
            )
        })?;
        let presented = Presented::new(roots);
        config
            .dangerous()
            .set_certificate_verifier(presented.clone());
        let (stream, heard) = Heard::new(stream);
        let agreed = TlsConnector::from(Arc::new(config))
            .connect(name, stream)
            .await;
        let chain = presented.chain();
        match agreed {
            Ok(stream) => {
                let ends_first = chain.into_iter().min_by_key(|one| one.end);
                Ok((Box::new(stream), ends_first))
            }
            Err(error) => {
                let seen = Seen {
                    host: bare,
                    chain: &chain,
                    source: &source,
                    heard: &heard.beginning(),
                    now: SystemTime::now(),
                };
                Err(judge(&error, &seen))
            }
        }
    }
}

fn ca_failure(path: &Path, why: String) -> Failure {
    let kind = FailureKind::CaFile {
        path: path.to_owned(),
        why: why.clone(),
    };
    Failure::new(Phase::Local, kind, format!("`{}`: {why}", path.display()))
}

/// What is known about a handshake beside its error.
struct Seen<'a> {
    host: &'a str,
    /// What was presented, the host's own first.
    chain: &'a [Certificate],
    /// Where the trusted roots came from.
    source: &'a str,
    /// The first bytes of the answer.
    heard: &'a [u8],
    now: SystemTime,
}

/// What a failed handshake means.
fn judge(error: &io::Error, seen: &Seen) -> Failure {
    let failure = |kind, saw: String| Failure::new(Phase::Handshake, kind, saw);
    if seen.heard.starts_with(b"HTTP/") {
        return failure(
            FailureKind::PlainHttp,
            "it answered the TLS greeting in plain HTTP".to_owned(),
        );
    }
    let tls = error
        .get_ref()
        .and_then(|inner| inner.downcast_ref::<Error>());
    match tls {
        Some(Error::InvalidCertificate(fault)) => {
            let (fault, saw) = certificate(fault, seen);
            failure(FailureKind::Certificate(fault), saw)
        }
        Some(
            Error::AlertReceived(
                AlertDescription::ProtocolVersion
                | AlertDescription::HandshakeFailure
                | AlertDescription::InsufficientSecurity,
            )
            | Error::PeerIncompatible(_),
        ) => failure(
            FailureKind::TlsMismatch,
            format!("{}; TLS 1.2 and 1.3 were offered", said(error)),
        ),
        Some(_) => failure(FailureKind::NotTls, said(error)),
        None if error.kind() == io::ErrorKind::UnexpectedEof => failure(
            FailureKind::Broken,
            "closed during the TLS handshake".to_owned(),
        ),
        None => io_failure(Phase::Handshake, error),
    }
}

fn said(error: &io::Error) -> String {
    error.to_string().replace(char::is_control, "?")
}

/// Why a certificate was not accepted, in the facts that its owner needs.
fn certificate(error: &CertificateError, seen: &Seen) -> (CertificateFault, String) {
    use CertificateError::*;
    let Seen {
        chain, source, now, ..
    } = seen;
    let clock = format!("the clock here says {}", date(*now));
    let own = chain.first();
    match error {
        UnknownIssuer => {
            let presented = match chain {
                [] => "a certificate that cannot be read".to_owned(),
                [one] => one.to_string(),
                [.., last] => format!("{} certificates, the last of them {last}", chain.len()),
            };
            let saw = format!("it presented {presented}; trusted roots: {source}");
            (CertificateFault::UnknownIssuer, saw)
        }
        Expired | ExpiredContext { .. } => {
            let ended = chain.iter().find(|one| one.end < *now).or(own);
            let saw = ended.map_or(clock.clone(), |one| {
                format!("{one} was valid until {}; {clock}", date(one.end))
            });
            (CertificateFault::Expired, saw)
        }
        NotValidYet | NotValidYetContext { .. } => {
            let early = chain.iter().find(|one| one.begin > *now).or(own);
            let saw = early.map_or(clock.clone(), |one| {
                format!("{one} is valid from {} on; {clock}", date(one.begin))
            });
            (CertificateFault::NotYetValid, saw)
        }
        NotValidForName | NotValidForNameContext { .. } => {
            let names = own.map_or("no name".to_owned(), Certificate::offered);
            let saw = format!("its certificate is for {names}, not for `{}`", seen.host);
            (CertificateFault::WrongName, saw)
        }
        other => {
            let who = own.map_or("a certificate".to_owned(), ToString::to_string);
            let saw = format!(
                "{who}: {}; trusted roots: {source}",
                Error::from(other.clone())
            );
            (CertificateFault::Other, saw)
        }
    }
}
