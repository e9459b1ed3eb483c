//! Why one attempt of a check failed. The set of kinds is closed: a new one does not compile until
//! [`FailureKind::patience`] and [`crate::finding`] both say something about it.

use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

use crate::check::command::CommandFault;
use crate::environment::adc::CredentialsFault;
use crate::net::trace::Trace;

/// The steps of reaching something, in their order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, serde::Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Phase {
    /// Nothing was sent: a file, a variable or the command was looked at.
    Local,
    /// The name is turned into addresses.
    Resolve,
    /// A TCP connection is made.
    Connect,
    /// The proxy is asked to connect further.
    Tunnel,
    /// TLS is agreed on.
    Handshake,
    /// The request is sent and its answer awaited.
    Request,
    /// An answer came and is judged.
    Response,
}

impl Phase {
    /// The step in one word.
    pub fn word(self) -> &'static str {
        match self {
            Self::Local => "look",
            Self::Resolve => "resolve",
            Self::Connect => "connect",
            Self::Tunnel => "tunnel",
            Self::Handshake => "tls",
            Self::Request => "request",
            Self::Response => "answer",
        }
    }
}

impl fmt::Display for Phase {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Local => "looking",
            Self::Resolve => "resolving the name",
            Self::Connect => "connecting",
            Self::Tunnel => "asking the proxy",
            Self::Handshake => "agreeing on TLS",
            Self::Request => "waiting for the answer",
            Self::Response => "reading the answer",
        })
    }
}

/// One failed attempt.
#[derive(Clone, Debug, PartialEq)]
pub struct Failure {
    /// The step that failed.
    pub phase: Phase,
    /// What happened there.
    pub kind: FailureKind,
    /// What was observed, with hop, status and who answered; one line without secrets.
    pub saw: String,
    /// How long the other side asked to be left alone (Retry-After).
    pub retry_after: Option<Duration>,
    /// The steps up to here, and what they went by; empty where nobody noted them.
    pub trace: Box<Trace>,
}

impl Failure {
    /// A failure in `phase`, as it was seen.
    pub fn new(phase: Phase, kind: FailureKind, saw: impl Into<String>) -> Self {
        Self {
            phase,
            kind,
            saw: saw.into(),
            retry_after: None,
            trace: Box::default(),
        }
    }

    /// The same with the steps that led to it.
    pub fn with(self, trace: Trace) -> Self {
        Self {
            trace: Box::new(trace),
            ..self
        }
    }
}

/// What can go wrong.
#[derive(Clone, Debug, PartialEq)]
pub enum FailureKind {
    /// The name does not exist (EAI_NONAME, EAI_NODATA).
    NameUnknown,
    /// The resolver did not answer, or could not (EAI_AGAIN, EAI_FAIL, …).
    ResolverFailed,
    /// The connection was refused.
    Refused,
    /// Nothing came back in time.
    TimedOut,
    /// No route, or the network or host is unreachable.
    Unreachable,
    /// The connection broke.
    Broken,
    /// The proxy itself cannot be reached, as a host of that kind would not be.
    ProxyUnreachable(Box<FailureKind>),
    /// The checks cannot use the proxy, or none is set where one was asked for. Says why.
    ProxyUnusable(String),
    /// What answers CONNECT is not a proxy.
    NotAProxy(u16),
    /// The proxy wants credentials (407).
    ProxyAuthentication {
        /// Whether some were sent, so that these are wrong.
        is_given: bool,
    },
    /// The proxy refuses to connect further.
    ProxyDenied(u16),
    /// The proxy could not reach the host (5xx).
    ProxyCannotReach(u16),
    /// The certificate was not accepted.
    Certificate(CertificateFault),
    /// The port does not speak TLS.
    NotTls,
    /// The port speaks plain HTTP where TLS was expected.
    PlainHttp,
    /// No version or cipher of TLS in common.
    TlsMismatch,
    /// An HTTP status that tells of no readiness.
    Status(u16),
    /// The body lacks the text that was asked for.
    BodyLacks(String),
    /// The answer is not HTTP.
    NotHttp,
    /// The port speaks TLS where plain HTTP was expected.
    TlsExpected,
    /// A proxy answered in the metadata server's place.
    Intercepted {
        /// Its name, as far as it tells.
        by: String,
    },
    /// A page for people stands at the metadata server's place.
    CaptivePage {
        /// Its title.
        title: Option<String>,
    },
    /// The metadata service of another cloud answered.
    OtherCloud(&'static str),
    /// The metadata server's place redirects elsewhere.
    Redirected {
        /// Where to.
        to: String,
    },
    /// Something else without `Metadata-Flavor: Google`.
    NotGoogle,
    /// The genuine server denies access (403 with the flavour).
    MetadataDenied,
    /// The genuine server knows no service account here (404).
    NoServiceAccount,
    /// The genuine server is not ready, or limits the rate (408, 429, 5xx).
    MetadataBusy(u16),
    /// The genuine server answered what can't be used.
    MetadataMalformed,
    /// The token is of another service account than the one named.
    WrongIdentity {
        /// The one named by `--service-account`.
        expected: String,
        /// The one found.
        found: String,
    },
    /// The file in GOOGLE_APPLICATION_CREDENTIALS can't be used.
    Credentials(CredentialsFault),
    /// The command can't be run.
    Command(Box<CommandFault>),
    /// A required variable is not set, or empty.
    VariableMissing(String),
    /// A CA file can't be used.
    CaFile {
        /// The file.
        path: PathBuf,
        /// Why not.
        why: String,
    },
}

/// Why a certificate was not accepted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CertificateFault {
    /// Signed by nobody trusted here.
    UnknownIssuer,
    /// Past its end.
    Expired,
    /// Before its begin.
    NotYetValid,
    /// For another name.
    WrongName,
    /// Anything else.
    Other,
}

/// How long a kind of failure is worth another attempt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Patience {
    /// It may heal: until the deadline.
    UntilDeadline,
    /// It may be a hiccup: for so many attempts in a row.
    Attempts(u32),
    /// It does not heal by waiting.
    None,
}

impl FailureKind {
    /// Whether waiting can help. docs/retry.md says why, row by row.
    pub fn patience(&self) -> Patience {
        match self {
            // DNS, VPC egress and the servers themselves come up late; an unknown name may be a forwarding zone that
            // is not in place yet.
            Self::NameUnknown
            | Self::ResolverFailed
            | Self::Refused
            | Self::TimedOut
            | Self::Unreachable
            | Self::Broken
            | Self::ProxyCannotReach(_)
            | Self::BodyLacks(_)
            | Self::MetadataBusy(_)
            | Self::MetadataMalformed => Patience::UntilDeadline,
            Self::ProxyUnreachable(why) => why.patience(),
            // Google's documentation of the metadata server blames a 403 on a connection closed by the network, too.
            Self::MetadataDenied => Patience::Attempts(3),
            Self::Status(status) => match status {
                408 | 425 | 429 | 500..=599 => Patience::UntilDeadline,
                _ => Patience::None,
            },
            Self::ProxyAuthentication { .. }
            | Self::ProxyUnusable(_)
            | Self::NotAProxy(_)
            | Self::ProxyDenied(_)
            | Self::Certificate(_)
            | Self::NotTls
            | Self::PlainHttp
            | Self::TlsMismatch
            | Self::NotHttp
            | Self::TlsExpected
            | Self::Intercepted { .. }
            | Self::CaptivePage { .. }
            | Self::OtherCloud(_)
            | Self::Redirected { .. }
            | Self::NotGoogle
            | Self::NoServiceAccount
            | Self::WrongIdentity { .. }
            | Self::Credentials(_)
            | Self::Command(_)
            | Self::VariableMissing(_)
            | Self::CaFile { .. } => Patience::None,
        }
    }

    /// What happened, as the words after the name of what was checked.
    pub fn in_short(&self) -> String {
        match self {
            Self::NameUnknown => "is not known to DNS".to_owned(),
            Self::ResolverFailed => "cannot be resolved: the name server did not answer".to_owned(),
            Self::Refused => "refused the connection".to_owned(),
            Self::TimedOut => "did not answer in time".to_owned(),
            Self::Unreachable => "has no route from here".to_owned(),
            Self::Broken => "broke the connection".to_owned(),
            Self::ProxyUnreachable(why) => match **why {
                Self::NameUnknown | Self::ResolverFailed => {
                    "is behind a proxy whose name cannot be resolved".to_owned()
                }
                ref why => format!("is behind a proxy that {}", why.in_short()),
            },
            Self::ProxyUnusable(why) => format!("cannot be asked through a proxy: {why}"),
            Self::NotAProxy(status) => format!("is not a proxy: it answered {status} to CONNECT"),
            Self::ProxyAuthentication { is_given: false } => {
                "is behind a proxy that wants credentials".to_owned()
            }
            Self::ProxyAuthentication { is_given: true } => {
                "is behind a proxy that does not accept its credentials".to_owned()
            }
            Self::ProxyDenied(status) => format!("is denied by the proxy ({status})"),
            Self::ProxyCannotReach(status) => format!("is not reached by the proxy ({status})"),
            Self::Certificate(fault) => match fault {
                CertificateFault::UnknownIssuer => "has a certificate of an unknown issuer",
                CertificateFault::Expired => "has an expired certificate",
                CertificateFault::NotYetValid => "has a certificate that is not valid yet",
                CertificateFault::WrongName => "has a certificate for another name",
                CertificateFault::Other => "has a certificate that is not accepted",
            }
            .to_owned(),
            Self::NotTls => "does not speak TLS".to_owned(),
            Self::PlainHttp => "speaks plain HTTP, not TLS".to_owned(),
            Self::TlsMismatch => "has no TLS version or cipher in common with runup".to_owned(),
            Self::Status(status) => format!("answered {status}"),
            Self::BodyLacks(text) => format!("answered without `{text}` in the body"),
            Self::NotHttp => "does not speak HTTP".to_owned(),
            Self::TlsExpected => "speaks TLS, not plain HTTP".to_owned(),
            Self::Intercepted { by } => format!("`{by}` answered in its place"),
            Self::CaptivePage { title: Some(title) } => {
                format!("a page titled `{title}` stands in its place")
            }
            Self::CaptivePage { title: None } => "a page for people stands in its place".to_owned(),
            Self::OtherCloud(cloud) => format!("{cloud} answered in its place"),
            Self::Redirected { to } => format!("its place redirects to `{to}`"),
            Self::NotGoogle => "what answered is not Google's".to_owned(),
            Self::MetadataDenied => "denies access".to_owned(),
            Self::NoServiceAccount => "knows no service account here".to_owned(),
            Self::MetadataBusy(status) => format!("is not ready ({status})"),
            Self::MetadataMalformed => "gave an answer that cannot be used".to_owned(),
            Self::WrongIdentity { expected, found } => {
                format!("gives `{found}`, not `{expected}`")
            }
            Self::Credentials(fault) => fault.to_string(),
            Self::Command(fault) => fault.to_string(),
            Self::VariableMissing(_) => "is not set, or empty".to_owned(),
            Self::CaFile { path, why } => {
                format!("the CA file `{}` cannot be used: {why}", path.display())
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The row of docs/retry.md that a kind belongs to. Exhaustive, so that a new kind has its row.
    fn row(kind: &FailureKind) -> &'static str {
        use FailureKind::*;
        match kind {
            NameUnknown => "the name is unknown (EAI_NONAME, EAI_NODATA)",
            ResolverFailed => "the name server does not answer (EAI_AGAIN, EAI_FAIL)",
            Refused => "connection refused",
            TimedOut => "timed out",
            Unreachable => "no route, network or host unreachable",
            Broken => "the connection broke",
            ProxyUnreachable(why) if why.patience() == Patience::None => row(why),
            ProxyUnreachable(_) => "the proxy itself is not resolved, or not reached",
            ProxyCannotReach(_) => "the proxy could not reach the host (408, 429, 5xx)",
            Status(408 | 425 | 429 | 500..=599) => "HTTP 408, 425, 429, 5xx of a host",
            BodyLacks(_) => "the body lacks the text of `#body=`",
            MetadataBusy(_) => "408, 429, 5xx of the metadata server",
            MetadataMalformed => "an unusable answer of the genuine metadata server",
            MetadataDenied => "403 of the genuine metadata server",
            Status(_) => "any other HTTP status that is not expected",
            ProxyAuthentication { .. } | ProxyDenied(_) => {
                "the proxy wants credentials (407) or forbids (403 …)"
            }
            ProxyUnusable(_) | NotAProxy(_) => {
                "the proxy cannot be used: none is set, it speaks SOCKS, or it is none"
            }
            Certificate(_) => "a certificate is not accepted",
            NotTls | PlainHttp | TlsMismatch | NotHttp | TlsExpected => {
                "the port does not speak TLS, or not HTTP, or TLS only, or no version in common"
            }
            Intercepted { .. }
            | CaptivePage { .. }
            | OtherCloud(_)
            | Redirected { .. }
            | NotGoogle => {
                "a proxy, a captive page, another cloud or anybody else in the metadata server's place"
            }
            NoServiceAccount | WrongIdentity { .. } => {
                "no service account (404), the wrong identity"
            }
            Credentials(_) | Command(_) | VariableMissing(_) | CaFile { .. } => {
                "an unusable key file or CA file, a missing variable, a command that cannot run"
            }
        }
    }

    /// One of each kind at least, and the ends of those that stand for numbers.
    fn all() -> Vec<FailureKind> {
        use FailureKind::*;
        let text = || "x".to_owned();
        let fault = CredentialsFault::Missing {
            path: PathBuf::new(),
        };
        let command = CommandFault::IsDirectory {
            path: PathBuf::new(),
        };
        let mut all = vec![
            NameUnknown,
            ResolverFailed,
            Refused,
            TimedOut,
            Unreachable,
            Broken,
            ProxyUnreachable(Box::new(Refused)),
            ProxyUnreachable(Box::new(NameUnknown)),
            ProxyUnreachable(Box::new(PlainHttp)),
            ProxyUnreachable(Box::new(Certificate(CertificateFault::Expired))),
            ProxyUnusable(text()),
            ProxyAuthentication { is_given: true },
            ProxyAuthentication { is_given: false },
            NotTls,
            PlainHttp,
            TlsMismatch,
            BodyLacks(text()),
            NotHttp,
            TlsExpected,
            Intercepted { by: text() },
            CaptivePage { title: None },
            OtherCloud("x"),
            Redirected { to: text() },
            NotGoogle,
            MetadataDenied,
            NoServiceAccount,
            MetadataMalformed,
            WrongIdentity {
                expected: text(),
                found: text(),
            },
            Credentials(fault),
            Command(Box::new(command)),
            VariableMissing(text()),
            CaFile {
                path: PathBuf::new(),
                why: text(),
            },
        ];
        let faults = [
            CertificateFault::UnknownIssuer,
            CertificateFault::Expired,
            CertificateFault::NotYetValid,
            CertificateFault::WrongName,
            CertificateFault::Other,
        ];
        all.extend(faults.map(Certificate));
        all.extend([200, 302, 404, 408, 425, 429, 499, 500, 503, 599].map(Status));
        all.extend([403, 404, 405].map(ProxyDenied));
        all.extend([400, 405].map(NotAProxy));
        all.extend([408, 429, 500, 503].map(ProxyCannotReach));
        all.extend([408, 429, 500, 503].map(MetadataBusy));
        all
    }

    /// The table is the page that people read; here it is what the code does, row by row.
    #[test]
    fn docs_retry_md_is_what_happens() {
        let page = include_str!("../docs/retry.md");
        let rows: Vec<(&str, Patience)> = page
            .lines()
            .filter(|line| line.starts_with("| ") && !line.starts_with("| what happened |"))
            .filter(|line| !line.starts_with("| ---"))
            .map(|line| {
                let cells: Vec<_> = line.trim_matches('|').split('|').map(str::trim).collect();
                let patience = match cells[1] {
                    "until the deadline" => Patience::UntilDeadline,
                    "three attempts" => Patience::Attempts(3),
                    "no" => Patience::None,
                    other => panic!("`{other}` in {line}"),
                };
                (cells[0], patience)
            })
            .collect();
        let mut unproven: Vec<&str> = rows.iter().map(|(what, _)| *what).collect();
        for kind in all() {
            let what = row(&kind);
            let Some((_, patience)) = rows.iter().find(|(row, _)| *row == what) else {
                panic!("no row `{what}` for {kind:?}");
            };
            assert_eq!(kind.patience(), *patience, "{kind:?} of `{what}`");
            unproven.retain(|row| *row != what);
        }
        assert_eq!(unproven, Vec::<&str>::new(), "rows that nothing proves");
    }
}
