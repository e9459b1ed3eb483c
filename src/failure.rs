//! Why one attempt of a check failed. The set of kinds is closed: a new one does not compile until
//! [`FailureKind::patience`] and [`crate::finding`] both say something about it.

use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

use crate::check::command::CommandFault;
use crate::environment::adc::CredentialsFault;

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
}

impl Failure {
    /// A failure in `phase`, as it was seen.
    pub fn new(phase: Phase, kind: FailureKind, saw: impl Into<String>) -> Self {
        Self {
            phase,
            kind,
            saw: saw.into(),
            retry_after: None,
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
    /// The proxy wants credentials (407).
    ProxyAuthentication,
    /// The proxy refuses to connect further.
    ProxyDenied(u16),
    /// The proxy could not reach the host (5xx).
    ProxyCannotReach(u16),
    /// The certificate was not accepted.
    Certificate(CertificateFault),
    /// The port does not speak TLS, or no version and cipher in common.
    NotTls,
    /// An HTTP status that tells of no readiness.
    Status(u16),
    /// The answer is not HTTP.
    NotHttp,
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
            | Self::MetadataBusy(_)
            | Self::MetadataMalformed => Patience::UntilDeadline,
            // Google's documentation of the metadata server blames a 403 on a connection closed by the network, too.
            Self::MetadataDenied => Patience::Attempts(3),
            Self::Status(status) => match status {
                408 | 425 | 429 | 500..=599 => Patience::UntilDeadline,
                _ => Patience::None,
            },
            Self::ProxyAuthentication
            | Self::ProxyDenied(_)
            | Self::Certificate(_)
            | Self::NotTls
            | Self::NotHttp
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
            Self::ProxyAuthentication => "is behind a proxy that wants credentials".to_owned(),
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
            Self::Status(status) => format!("answered {status}"),
            Self::NotHttp => "does not speak HTTP".to_owned(),
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

    #[test]
    fn what_heals_is_waited_for_and_nothing_else() {
        let intercepted = FailureKind::Intercepted {
            by: "squid/5.7".to_owned(),
        };
        for (kind, patience) in [
            (FailureKind::NameUnknown, Patience::UntilDeadline),
            (FailureKind::ResolverFailed, Patience::UntilDeadline),
            (FailureKind::Refused, Patience::UntilDeadline),
            (FailureKind::TimedOut, Patience::UntilDeadline),
            (FailureKind::Unreachable, Patience::UntilDeadline),
            (FailureKind::Broken, Patience::UntilDeadline),
            (FailureKind::ProxyCannotReach(503), Patience::UntilDeadline),
            (FailureKind::MetadataBusy(503), Patience::UntilDeadline),
            (FailureKind::Status(503), Patience::UntilDeadline),
            (FailureKind::Status(429), Patience::UntilDeadline),
            (FailureKind::Status(404), Patience::None),
            (FailureKind::MetadataDenied, Patience::Attempts(3)),
            (intercepted, Patience::None),
            (FailureKind::NoServiceAccount, Patience::None),
            (FailureKind::ProxyAuthentication, Patience::None),
            (FailureKind::ProxyDenied(403), Patience::None),
            (
                FailureKind::Certificate(CertificateFault::Expired),
                Patience::None,
            ),
        ] {
            assert_eq!(kind.patience(), patience, "{kind:?}");
        }
    }
}
