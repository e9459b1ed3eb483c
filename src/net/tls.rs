//! TLS with the roots that the command's clients would use, loaded when the first check needs them.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};

use tokio::io::{AsyncRead, AsyncWrite};
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::pki_types::{CertificateDer, ServerName};
use tokio_rustls::rustls::{self, CertificateError, ClientConfig, RootCertStore};

use crate::environment::Environment;
use crate::failure::{CertificateFault, Failure, FailureKind, Phase};
use crate::net::{Progress, io_failure};

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
    config: Arc<ClientConfig>,
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
        let config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()
            .map_err(|why| Failure::new(Phase::Handshake, FailureKind::NotTls, why.to_string()))?
            .with_root_certificates(roots)
            .with_no_client_auth();
        Ok(Loaded {
            config: Arc::new(config),
            source,
        })
    }

    /// Agrees on TLS with `host` over `stream`.
    ///
    /// # Errors
    /// [`FailureKind::Certificate`] with its fault, [`FailureKind::NotTls`], or [`FailureKind::CaFile`] where the roots
    /// cannot be read.
    pub async fn handshake<S>(
        &self,
        stream: S,
        host: &str,
        progress: &Progress,
    ) -> Result<TlsStream<S>, Failure>
    where
        S: AsyncRead + AsyncWrite + Unpin,
    {
        let Loaded { config, source } = self.loaded.get_or_init(|| self.load()).clone()?;
        progress.enter(Phase::Handshake, format!("`{host}`"));
        let bare = host.trim_start_matches('[').trim_end_matches(']');
        let name = ServerName::try_from(bare.trim_end_matches('.').to_owned()).map_err(|why| {
            Failure::new(
                Phase::Handshake,
                FailureKind::Certificate(CertificateFault::WrongName),
                why.to_string(),
            )
        })?;
        TlsConnector::from(config)
            .connect(name, stream)
            .await
            .map_err(|error| judge(&error, &source))
    }
}

fn ca_failure(path: &Path, why: String) -> Failure {
    let kind = FailureKind::CaFile {
        path: path.to_owned(),
        why: why.clone(),
    };
    Failure::new(Phase::Local, kind, format!("`{}`: {why}", path.display()))
}

/// What a failed handshake means; `source` is where the trusted roots came from.
fn judge(error: &io::Error, source: &str) -> Failure {
    let Some(tls) = error
        .get_ref()
        .and_then(|inner| inner.downcast_ref::<rustls::Error>())
    else {
        return io_failure(Phase::Handshake, error);
    };
    let certificate = |fault| FailureKind::Certificate(fault);
    let kind = match tls {
        rustls::Error::InvalidCertificate(fault) => certificate(match fault {
            CertificateError::UnknownIssuer => CertificateFault::UnknownIssuer,
            CertificateError::Expired | CertificateError::ExpiredContext { .. } => {
                CertificateFault::Expired
            }
            CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. } => {
                CertificateFault::NotYetValid
            }
            CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. } => {
                CertificateFault::WrongName
            }
            _ => CertificateFault::Other,
        }),
        _ => FailureKind::NotTls,
    };
    let saw = match &kind {
        FailureKind::Certificate(_) => format!("{tls}; trusted roots: {source}"),
        _ => tls.to_string(),
    };
    Failure::new(Phase::Handshake, kind, saw)
}
