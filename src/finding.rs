//! From a failure to what a person can do: what was seen, what it means, who can mend it and how.

pub mod code;
pub mod policy;

use std::path::Path;
use std::time::{Duration, SystemTime};

use serde::{Serialize, Serializer};

use crate::check::Subject;
use crate::check::command::CommandFault;
use crate::check::endpoint::OtherWay;
use crate::environment::ca;
use crate::environment::proxy::{self, Notice};
use crate::exit_code::ExitCode;
use crate::failure::{CertificateFault, Failure, FailureKind, Patience, Phase};
use crate::finding::code::Code;
use crate::net::certificate::{self, Certificate};
use crate::net::trace::{Range, Step, Trace};

/// How bad a finding is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// Worth knowing.
    Note,
    /// The command is started all the same.
    Warning,
    /// The command is not started.
    Error,
}

/// What was found wrong.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Finding {
    /// Its stable name, under which docs/findings tells more.
    pub code: Code,
    /// How bad it is.
    pub severity: Severity,
    /// The check that found it, by its place among them; `None` for what needed no check.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub check: Option<usize>,
    /// What was checked.
    pub subject: String,
    /// What is wrong, after the subject's name.
    pub summary: String,
    /// The step that failed.
    pub phase: Phase,
    /// What was observed.
    pub saw: String,
    /// The steps of the attempt that tells most, up to the one that failed; empty where nobody noted them.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub steps: Vec<Step>,
    /// The proxy that it went through, without its credentials.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub proxy: Option<String>,
    /// That it answers by the other way, where it does.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub other_way: Option<OtherWay>,
    /// What it means, and what it does not.
    pub means: Vec<String>,
    /// What to do, each with whom it falls to.
    pub help: Vec<String>,
    /// How many attempts were made.
    pub attempts: u32,
    /// The exit code it stands for, where it is an error.
    #[serde(serialize_with = "number")]
    pub exit: ExitCode,
}

fn number<S: Serializer>(exit: &ExitCode, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_u8(exit.number())
}

/// What a finding must know besides the failure.
#[derive(Clone, Debug, Default)]
pub struct Circumstances {
    /// The proxy, without credentials, and the variable by which it would carry the command's requests to the metadata
    /// server, in the environment as runup got it.
    pub metadata_proxy: Option<String>,
    /// Whether that was mended.
    pub is_mended: bool,
    /// How many proxy variables were mended.
    pub proxy_edits: usize,
}

const NOT_IAM: &str = "It is not IAM, not the service account and not the token.";

/// The code of a failed check.
pub fn code_of(subject: &Subject, failure: &Failure) -> Code {
    match subject {
        Subject::Metadata { .. } => metadata(failure, &Circumstances::default()).0,
        _ => other(subject, failure).0,
    }
}

/// The finding of a failed check.
pub fn of_failure(
    subject: &Subject,
    severity: Severity,
    failure: &Failure,
    attempts: u32,
    circumstances: &Circumstances,
) -> Finding {
    let is_metadata = matches!(subject, Subject::Metadata { .. });
    let (code, exit, mut means, help) = match is_metadata {
        true => metadata(failure, circumstances),
        false => other(subject, failure),
    };
    if is_metadata && !matches!(exit, ExitCode::Denied) {
        means.push(NOT_IAM.to_owned());
    }
    Finding {
        code,
        severity,
        check: None,
        subject: subject.to_string(),
        summary: failure.kind.in_short(),
        phase: failure.phase,
        saw: failure.saw.clone(),
        // A metadata check asks by name and by address, so that its steps are not one way.
        steps: match is_metadata {
            true => Vec::new(),
            false => failure.trace.steps.clone(),
        },
        proxy: failure.trace.proxy.clone(),
        other_way: None,
        means,
        help,
        attempts,
        exit,
    }
}

impl Finding {
    /// The same with the news that the host answers by the other way, and the one entry that would mend it.
    pub fn with_other_way(mut self, other: OtherWay) -> Self {
        let status = other.status.map_or("it answered".to_owned(), |status| {
            format!("it answered {status}")
        });
        let took = crate::report::short(other.took);
        let OtherWay { host, because, .. } = &other;
        let (means, help) = match &other.proxy {
            None => (
                format!(
                    "the proxy is the wrong way to this host ({because}): asked directly, {status} in {took}."
                ),
                format!("job owner: --direct {host}, or `{host}` in NO_PROXY, mends it"),
            ),
            Some(proxy) => (
                format!(
                    "direct is the wrong way to this host ({because}): through the proxy `{proxy}`, {status} in {took}."
                ),
                format!(
                    "job owner: `{host}` must go through the proxy; take out of NO_PROXY and --direct what keeps it from there"
                ),
            ),
        };
        self.means.push(means);
        self.help.insert(0, help);
        self.other_way = Some(other);
        self
    }
}

/// A certificate that ends within this time is worth a warning.
pub const ENDS_SOON: Duration = Duration::from_secs(14 * 24 * 60 * 60);

/// The finding of an endpoint whose certificate is good, but not for long.
pub fn of_certificate(
    subject: &Subject,
    certificate: &Certificate,
    now: SystemTime,
) -> Option<Finding> {
    let left = certificate.end.duration_since(now).unwrap_or_default();
    if left > ENDS_SOON {
        return None;
    }
    let days = left.as_secs() / (24 * 60 * 60);
    let day = match days {
        0 => "within a day".to_owned(),
        1 => "in 1 day".to_owned(),
        days => format!("in {days} days"),
    };
    Some(Finding {
        code: Code::TlsExpiresSoon,
        severity: Severity::Warning,
        check: None,
        subject: subject.to_string(),
        summary: format!("has a certificate that ends {day}"),
        phase: Phase::Handshake,
        saw: format!(
            "{certificate} is valid until {}",
            certificate::date(certificate.end)
        ),
        steps: Vec::new(),
        proxy: None,
        other_way: None,
        means: lines(["all is well until then; afterwards every client refuses the host."]),
        help: lines(["owner of the host: renew the certificate"]),
        attempts: 1,
        exit: ExitCode::Unavailable,
    })
}

type Lines = Vec<String>;

fn lines<const N: usize>(lines: [&str; N]) -> Lines {
    lines.map(str::to_owned).to_vec()
}

/// What the proxy variables have to do with it.
fn about_variables(circumstances: &Circumstances) -> String {
    match (&circumstances.metadata_proxy, circumstances.is_mended) {
        (Some(way), true) => format!(
            "runup asked directly. Before the mend, {way} would have carried the command's own requests; that is mended, and not the cause."
        ),
        (Some(way), false) => format!(
            "runup asked directly. The command's own requests would go another way: {way} would carry them."
        ),
        (None, _) => match circumstances.proxy_edits {
            0 => "No proxy variable is involved: runup asked directly.".to_owned(),
            count => format!(
                "No proxy variable is involved: runup asked directly ({count} were mended)."
            ),
        },
    }
}

fn metadata(failure: &Failure, circumstances: &Circumstances) -> (Code, ExitCode, Lines, Lines) {
    let unavailable = |code, means: Lines, help: Lines| (code, ExitCode::Unavailable, means, help);
    let denied = |code, means: Lines, help: Lines| (code, ExitCode::Denied, means, help);
    let variables = about_variables(circumstances);
    let with_variables = |text: &str| vec![text.to_owned(), variables.clone()];
    match &failure.kind {
        FailureKind::Intercepted { .. } => unavailable(
            Code::MetadataIntercepted,
            with_variables("the network diverts port 80 of 169.254.169.254 into a proxy."),
            lines([
                "network team: exempt 169.254.169.254/32 from the interception",
                "job owner: deploy with --vpc-egress=private-ranges-only if all-traffic is not required; that this helps is inferred, not documented",
            ]),
        ),
        FailureKind::CaptivePage { .. } | FailureKind::Redirected { .. } => unavailable(
            if matches!(failure.kind, FailureKind::CaptivePage { .. }) {
                Code::MetadataCaptivePage
            } else {
                Code::MetadataRedirected
            },
            with_variables(
                "DNS or the network leads metadata.google.internal to a web server that answers everybody with its own page. \
                 Google's libraries would take that page for a project's name or a token.",
            ),
            lines([
                "network team: let metadata.google.internal resolve to 169.254.169.254, and nothing answer in its place",
                "job owner: compare `getent hosts metadata.google.internal` in the container with 169.254.169.254",
            ]),
        ),
        FailureKind::OtherCloud(cloud) => unavailable(
            Code::MetadataOtherCloud,
            vec![format!(
                "this container does not run on Google Cloud, but where {cloud} has the same address."
            )],
            lines([
                "job owner: run it on Google Cloud, or use Workload Identity Federation with --metadata off",
            ]),
        ),
        FailureKind::NotGoogle | FailureKind::NotHttp => unavailable(
            Code::MetadataNotGoogle,
            with_variables(
                "the answer lacks `Metadata-Flavor: Google`, so what it says cannot be believed.",
            ),
            lines([
                "network team: find out what answers on port 80 of 169.254.169.254, and exempt that address",
                "elsewhere than on Google Cloud: --metadata off, or --emulate to try things out",
            ]),
        ),
        FailureKind::MetadataDenied => denied(
            Code::MetadataDenied,
            with_variables(
                "Google's metadata server itself refuses: a proxy in between added X-Forwarded-For, the endpoint is \
                 disabled for this instance, or the network broke its security check.",
            ),
            lines([
                "network team: let nothing forward, rewrite or break connections to 169.254.169.254",
                "project owner: on GKE and GCE, see whether the metadata endpoint is disabled for the instance",
            ]),
        ),
        FailureKind::NoServiceAccount => denied(
            Code::MetadataNoServiceAccount,
            lines([
                "the metadata server is Google's, but this instance has no service account, so there is no token.",
            ]),
            lines([
                "job owner: gcloud run jobs update JOB --service-account=NAME@PROJECT.iam.gserviceaccount.com",
                "on GKE: annotate the Kubernetes service account for Workload Identity Federation",
            ]),
        ),
        FailureKind::WrongIdentity { expected, found } => denied(
            Code::IdentityMismatch,
            vec![format!(
                "the command would act as `{found}`. Roles granted to `{expected}` would not count."
            )],
            vec![
                format!("job owner: gcloud run jobs update JOB --service-account={expected}"),
                format!("or expect the one that is there: --service-account {found}"),
            ],
        ),
        FailureKind::MetadataBusy(_) | FailureKind::MetadataMalformed | FailureKind::Status(_) => {
            unavailable(
                Code::MetadataNotReady,
                lines([
                    "the metadata server is Google's, but gave nothing usable in all the time there was: it is starting, \
                 limits the rate, or the host is under maintenance.",
                ]),
                lines([
                    "job owner: let the task be retried (--max-retries=3); give it longer with --timeout",
                    "if many tasks start at once: spread them, the server limits the rate",
                ]),
            )
        }
        FailureKind::NameUnknown | FailureKind::ResolverFailed => unavailable(
            Code::MetadataUnresolved,
            with_variables(
                "neither DNS knows metadata.google.internal nor does its address answer.",
            ),
            lines([
                "on Google Cloud: network team: forward `internal.` to 169.254.169.254, or keep Cloud DNS as the resolver",
                "elsewhere: --metadata off, or --emulate to try things out",
            ]),
        ),
        FailureKind::Refused => unavailable(
            Code::MetadataRefused,
            with_variables(
                "nothing listens there: the metadata server did not come up in time, or this is not Google Cloud.",
            ),
            lines([
                "on GKE: it may take some seconds after the pod has started; give it longer with --timeout",
                "elsewhere: --metadata off, or --emulate to try things out",
            ]),
        ),
        FailureKind::Unreachable => unavailable(
            Code::MetadataUnreachable,
            with_variables(
                "there is no way to the link-local address 169.254.169.254 from this network namespace.",
            ),
            lines([
                "network team: no route, firewall or network policy may keep the container from 169.254.169.254 port 80",
                "elsewhere than on Google Cloud: --metadata off, or --emulate to try things out",
            ]),
        ),
        FailureKind::TimedOut => unavailable(
            Code::MetadataTimeout,
            with_variables("packets to 169.254.169.254 port 80 are dropped on the way."),
            lines([
                "network team: no firewall rule or network policy may drop 169.254.169.254 port 80",
                "elsewhere than on Google Cloud: --metadata off, or --emulate to try things out",
            ]),
        ),
        // Kinds that no metadata check makes stand here too: they would be a broken connection to whoever reads them.
        FailureKind::Broken
        | FailureKind::ProxyUnreachable(_)
        | FailureKind::ProxyUnusable(_)
        | FailureKind::NotAProxy(_)
        | FailureKind::ProxyAuthentication { .. }
        | FailureKind::ProxyDenied(_)
        | FailureKind::ProxyCannotReach(_)
        | FailureKind::Certificate(_)
        | FailureKind::NotTls
        | FailureKind::PlainHttp
        | FailureKind::TlsMismatch
        | FailureKind::TlsExpected
        | FailureKind::BodyLacks(_)
        | FailureKind::Credentials(_)
        | FailureKind::Command(_)
        | FailureKind::VariableMissing(_)
        | FailureKind::CaFile { .. } => unavailable(
            Code::MetadataBroken,
            with_variables(
                "the connection is made and then closed by the other side or by something between.",
            ),
            lines([
                "network team: nothing may close connections to 169.254.169.254 port 80, or rewrite them",
                "elsewhere than on Google Cloud: --metadata off, or --emulate to try things out",
            ]),
        ),
    }
}

fn other(subject: &Subject, failure: &Failure) -> (Code, ExitCode, Lines, Lines) {
    let unavailable = |code, means: Lines, help: Lines| (code, ExitCode::Unavailable, means, help);
    let configuration =
        |code, means: Lines, help: Lines| (code, ExitCode::Configuration, means, help);
    match &failure.kind {
        FailureKind::Command(fault) => (
            command_code(fault),
            if fault.exit_code() == ExitCode::NotFound.number() {
                ExitCode::NotFound
            } else {
                ExitCode::CannotRun
            },
            Vec::new(),
            vec![format!("image owner: {}", fault.help())],
        ),
        FailureKind::Credentials(fault) => configuration(
            Code::AdcCredentialsFile,
            lines([
                "every Google client library stops at this file and never asks the metadata server. On Google Cloud no key file is needed.",
            ]),
            vec![
                format!("job owner: {}", fault.help()),
                "the job's own: gcloud run jobs update JOB --remove-env-vars=GOOGLE_APPLICATION_CREDENTIALS; the image's: ENV in the Dockerfile".to_owned(),
            ],
        ),
        FailureKind::VariableMissing(name) => configuration(
            Code::VariableMissing,
            vec![format!("--require-variable names `{name}`, and the job does not set it.")],
            vec![format!("job owner: gcloud run jobs update JOB --update-env-vars={name}=VALUE")],
        ),
        FailureKind::CaFile { .. } => configuration(
            Code::TlsCaFile,
            lines(["without it no certificate can be checked."]),
            lines(["image owner: name a readable file of PEM certificates in --ca-file and SSL_CERT_FILE"]),
        ),
        FailureKind::NameUnknown => unavailable(
            Code::EndpointUnknownName,
            lines(["the resolver of this container does not know the name."]),
            lines([
                "job owner: see whether the name is spelt right",
                "network team: an internal name needs a forwarding zone in Cloud DNS, visible to the job's network",
            ]),
        ),
        FailureKind::ResolverFailed => unavailable(
            Code::EndpointResolver,
            lines(["the name server gave no answer, so nothing is known about the name."]),
            lines(["network team: the name servers in the container's /etc/resolv.conf must answer"]),
        ),
        FailureKind::Refused => unavailable(
            Code::EndpointRefused,
            lines(["the address is reached, but nothing listens on the port, or a firewall rejects it."]),
            lines(["owner of the host: start the service, or name its right port"]),
        ),
        FailureKind::TimedOut => timed_out(failure),
        FailureKind::Unreachable => unavailable(
            Code::EndpointUnreachable,
            about_addresses(
                "this network has no route to the address, or a firewall here rejects it.",
                &failure.trace,
            ),
            lines(["job owner: give the job a connector or Direct VPC egress (--network, --subnet, --vpc-egress)"]),
        ),
        FailureKind::Broken => unavailable(
            Code::EndpointBroken,
            lines(["the connection was made and then closed by the other side or something between."]),
            lines(["network team: see whether a firewall or proxy closes connections to this host"]),
        ),
        FailureKind::ProxyUnreachable(why) if why.patience() == Patience::None => {
            tls_of_the_proxy(subject, why)
        }
        FailureKind::ProxyUnreachable(_) => unavailable(
            Code::ProxyUnreachable,
            lines(["the proxy itself is not reached, so nothing is known about the host."]),
            lines([
                "job owner: see whether the proxy variable names the right host and port",
                "network team: the proxy must run, and be reached from the job's network",
            ]),
        ),
        FailureKind::ProxyUnusable(_) => configuration(
            Code::ProxyNone,
            lines(["the host was not asked."]),
            lines(["job owner: set https_proxy=http://PROXY:PORT, or ask directly with #via=direct"]),
        ),
        FailureKind::NotAProxy(_) => unavailable(
            Code::ProxyNotAProxy,
            lines(["something answers there in HTTP, but a proxy would not answer so."]),
            lines(["job owner: name the proxy's host and port, as the proxy variables do"]),
        ),
        FailureKind::ProxyAuthentication { is_given } => (
            Code::ProxyAuthentication,
            ExitCode::Denied,
            lines([match is_given {
                true => "the proxy does not accept the user and password of the proxy variable. The host was not asked.",
                false => "the proxy wants a user and a password, and the proxy variable names none. The host was not asked.",
            }]),
            lines([
                "job owner: https_proxy=http://USER:PASSWORD@PROXY:PORT, from a secret",
                "if the host is internal: name it in --direct, so that it goes past the proxy",
            ]),
        ),
        FailureKind::ProxyDenied(_) => (
            Code::ProxyDenied,
            ExitCode::Denied,
            lines(["the proxy's rules forbid this host. The host itself was not asked."]),
            lines([
                "proxy team: allow the host and port for the job's addresses",
                "if the host is internal: name it in --direct, so that it goes past the proxy",
            ]),
        ),
        FailureKind::ProxyCannotReach(_) => unavailable(
            Code::ProxyCannotReach,
            lines(["the proxy works, but could not reach the host."]),
            lines([
                "if the host is internal: name it in --direct, so that it goes past the proxy",
                "proxy team: see whether the proxy resolves and reaches the host",
            ]),
        ),
        FailureKind::Certificate(fault) => (
            match fault {
                CertificateFault::UnknownIssuer => Code::TlsUnknownIssuer,
                CertificateFault::Expired => Code::TlsExpired,
                CertificateFault::NotYetValid => Code::TlsNotYetValid,
                CertificateFault::WrongName => Code::TlsWrongName,
                CertificateFault::Other => Code::TlsCertificate,
            },
            ExitCode::Unavailable,
            lines(["the host answers, but its certificate proves nothing to this container."]),
            match fault {
                CertificateFault::UnknownIssuer => lines([
                    "job owner: name the CA that issued it with --ca-file FILE",
                    "if the issuer is a proxy that opens TLS: proxy team: exempt this host",
                ]),
                CertificateFault::Expired => {
                    lines(["owner of the host: renew the certificate, unless the clock here is wrong"])
                }
                CertificateFault::NotYetValid => {
                    lines(["owner of the host: present the one that is valid now, unless the clock here is wrong"])
                }
                CertificateFault::WrongName => lines([
                    "owner of the host: let the certificate carry the name that is used",
                    "job owner: or use a name that the certificate carries",
                ]),
                CertificateFault::Other => lines(["owner of the host: renew the certificate"]),
            },
        ),
        FailureKind::NotTls => unavailable(
            Code::TlsHandshake,
            lines(["the port answers, but not in TLS, or breaks off its greeting."]),
            lines(["job owner: see whether the port is right; if it has no TLS, use tcp:// or http://"]),
        ),
        FailureKind::PlainHttp => unavailable(
            Code::TlsPlainHttp,
            lines(["the port is a web server's, without TLS."]),
            lines(["job owner: write http://, or name the port that speaks TLS"]),
        ),
        FailureKind::TlsMismatch => unavailable(
            Code::TlsProtocol,
            lines(["the server is older, or stricter, than TLS 1.2 and 1.3 with today's ciphers. Modern clients fail there, too."]),
            lines(["owner of the host: enable TLS 1.2 or 1.3"]),
        ),
        FailureKind::TlsExpected => unavailable(
            Code::EndpointTlsExpected,
            lines(["the port answers in TLS only."]),
            lines(["job owner: write https://, or name the port that speaks plain HTTP"]),
        ),
        FailureKind::NotHttp => unavailable(
            Code::EndpointNotHttp,
            lines(["something answers on this port, but not in HTTP."]),
            lines(["job owner: use tcp://, or https:// if the port speaks TLS"]),
        ),
        FailureKind::BodyLacks(_) => unavailable(
            Code::EndpointBody,
            lines(["the host answers with a status that is expected, but not with the text that `body=` asks for."]),
            vec![format!("owner of {subject}: see whether it is ready")],
        ),
        FailureKind::Status(status @ ..500) => unavailable(
            Code::EndpointStatus,
            lines(["the host answers, but with a status that the check does not expect."]),
            vec![match status {
                300..=399 => "job owner: name the place that it redirects to, or allow the status: #expect=200-399".to_owned(),
                401 | 403 => format!("job owner: send credentials with #header=Name:Value, or be content with an answer: #expect=200-399,{status}"),
                _ => format!("job owner: see whether the path is right, or allow the status: #expect=200-399,{status}"),
            }],
        ),
        // Kinds that only a metadata check makes stand here too.
        FailureKind::Status(_)
        | FailureKind::Intercepted { .. }
        | FailureKind::CaptivePage { .. }
        | FailureKind::OtherCloud(_)
        | FailureKind::Redirected { .. }
        | FailureKind::NotGoogle
        | FailureKind::MetadataDenied
        | FailureKind::NoServiceAccount
        | FailureKind::MetadataBusy(_)
        | FailureKind::MetadataMalformed
        | FailureKind::WrongIdentity { .. } => unavailable(
            Code::EndpointStatus,
            lines(["the host answers, and says itself that it is not ready."]),
            vec![format!("owner of {subject}: see its log")],
        ),
    }
}

/// The finding of an `https://` proxy with which there is no agreement on TLS: what it would be of a host, in other words.
fn tls_of_the_proxy(subject: &Subject, why: &FailureKind) -> (Code, ExitCode, Lines, Lines) {
    let of_a_host = Failure::new(Phase::Handshake, why.clone(), "");
    let (code, exit, _, help) = other(subject, &of_a_host);
    let means = lines([
        "it is the proxy, to which the proxy variable says `https://`. Nothing is known about the host.",
    ]);
    let help = match why {
        FailureKind::PlainHttp | FailureKind::NotTls => lines([
            "job owner: write http:// in the proxy variable: it tells how to speak to the proxy, whatever the hosts behind it speak",
        ]),
        _ => help
            .iter()
            .map(|line| line.replace("owner of the host:", "proxy team:"))
            .collect(),
    };
    (code, exit, means, help)
}

/// The finding of an attempt that was cut off, by where it stood.
fn timed_out(failure: &Failure) -> (Code, ExitCode, Lines, Lines) {
    let unavailable = |code, means: Lines, help: Lines| (code, ExitCode::Unavailable, means, help);
    // A plain request is the proxy's to answer, as CONNECT is.
    let is_proxys = failure.trace.proxy.is_some() && !failure.trace.has_passed(Phase::Tunnel);
    match failure.phase {
        Phase::Local | Phase::Resolve | Phase::Connect => unavailable(
            Code::EndpointTimeout,
            about_addresses(
                "nothing came back: a firewall drops the packets, or there is no way from this network.",
                &failure.trace,
            ),
            lines([
                "network team: allow the job's subnet or connector range to reach the host's port",
                "job owner: private addresses need --vpc-egress and a connector or Direct VPC egress",
            ]),
        ),
        _ if is_proxys => unavailable(
            Code::ProxyTimeout,
            lines([
                "the proxy took the connection, and then neither reached the host nor refused.",
            ]),
            lines([
                "if the host is internal: name it in --direct, so that it goes past the proxy",
                "proxy team: see whether the proxy resolves and reaches the host",
            ]),
        ),
        Phase::Tunnel | Phase::Handshake | Phase::Request | Phase::Response => unavailable(
            Code::EndpointNoAnswer,
            lines([
                "the connection was made, so that no firewall is in the way of it; but then nothing came back.",
            ]),
            lines([
                "owner of the host: it hangs, or is slow; give it longer with --attempt-timeout or #timeout=30s",
                "network team: if it works from elsewhere, see whether large packets get through (MTU)",
            ]),
        ),
    }
}

/// What the range of the addresses says about the way to them.
fn about_addresses(first: &str, trace: &Trace) -> Lines {
    let has = |range| {
        let mut ranges = trace.addresses.iter().map(|address| Range::of(*address));
        ranges.any(|own| own == range)
    };
    let mut means = vec![first.to_owned()];
    if has(Range::Private) {
        means.push("The address is private: it is reached by VPC egress alone.".to_owned());
    }
    if has(Range::Public) {
        means.push(
            "The address is public: with --vpc-egress=all-traffic it is reached by Cloud NAT or a proxy alone."
                .to_owned(),
        );
    }
    means
}

fn command_code(fault: &CommandFault) -> Code {
    match fault {
        CommandFault::NotFound { .. } => Code::CommandNotFound,
        CommandFault::IsDirectory { .. } => Code::CommandIsDirectory,
        CommandFault::NotExecutable { .. } => Code::CommandNotExecutable,
        CommandFault::InterpreterMissing { .. } | CommandFault::InterpreterNotExecutable { .. } => {
            Code::CommandInterpreter
        }
        CommandFault::CrlfShebang { .. } => Code::CommandCrlf,
        CommandFault::LoaderMissing { .. } => Code::CommandLoader,
        CommandFault::WrongArchitecture { .. } => Code::CommandArchitecture,
        CommandFault::NotAProgram { .. } => Code::CommandNotAProgram,
        CommandFault::Unreadable { .. } => Code::CommandUnreadable,
    }
}

impl Finding {
    /// A finding of the environment itself, for which nothing was asked.
    fn of_environment(
        code: Code,
        severity: Severity,
        subject: &str,
        summary: String,
        help: String,
    ) -> Self {
        Self {
            code,
            severity,
            check: None,
            subject: subject.to_owned(),
            summary,
            phase: Phase::Local,
            saw: String::new(),
            steps: Vec::new(),
            proxy: None,
            other_way: None,
            means: Vec::new(),
            help: vec![help],
            attempts: 0,
            exit: ExitCode::Configuration,
        }
    }
}

/// The finding of a notice about the proxy variables.
pub fn of_notice(notice: &Notice) -> Finding {
    let severity = match notice.severity() {
        proxy::Severity::Note => Severity::Note,
        proxy::Severity::Warning => Severity::Warning,
    };
    let summary = notice.to_string();
    Finding::of_environment(
        notice.code(),
        severity,
        "proxy variables",
        summary,
        notice.help(),
    )
}

/// The finding of a proxy in gcloud's own configuration, in the directory `path`.
pub fn of_gcloud_proxy(path: &Path, proxy: &str, is_mended: bool) -> Finding {
    let then = match is_mended {
        true => "CLOUDSDK_CONFIG leads to a copy without it.",
        false => "With this --proxy it stays so.",
    };
    Finding {
        saw: format!("a section `proxy` in `{}`", path.display()),
        means: vec![format!("gcloud then ignores NO_PROXY, even for the metadata server. {then}")],
        ..Finding::of_environment(
            Code::ProxyGcloudConfig,
            Severity::Warning,
            "gcloud's configuration",
            format!("names the proxy `{}`", proxy::redact(proxy)),
            "image owner: gcloud config unset proxy/type, proxy/address and proxy/port; gcloud follows https_proxy as well"
                .to_owned(),
        )
    }
}

/// The finding of a notice about the CA variables.
pub fn of_ca(notice: &ca::Notice) -> Finding {
    let severity = match notice {
        ca::Notice::Java => Severity::Note,
        _ => Severity::Warning,
    };
    let summary = notice.to_string();
    Finding::of_environment(
        notice.code(),
        severity,
        "CA variables",
        summary,
        notice.help(),
    )
}

/// The finding of a metadata name that leads nowhere while the address works.
pub fn of_name(failure: &Failure) -> Finding {
    Finding {
        phase: failure.phase,
        saw: failure.saw.clone(),
        means: lines([
            "GCE_METADATA_HOST, _ROOT and _IP are set to the address, which moves the clients that read them; PHP's and a few others ask the address anyway.",
        ]),
        attempts: 1,
        ..Finding::of_environment(
            Code::MetadataNameUnresolved,
            Severity::Warning,
            "metadata server",
            "answers by its address only, not by its name".to_owned(),
            "network team: let metadata.google.internal resolve to 169.254.169.254".to_owned(),
        )
    }
}

/// The finding of a `gce` cache in gcloud's directory `path` that denies the metadata server and cannot be removed.
pub fn of_gce_cache(path: &Path, why: &str) -> Finding {
    Finding {
        saw: format!("`{}` says `False`; removing it: {why}", path.join("gce").display()),
        means: lines([
            "gcloud believes that this is not Google Cloud, and will say `No credentialed accounts` until the file is ten minutes old.",
        ]),
        ..Finding::of_environment(
            Code::AdcGceCache,
            Severity::Warning,
            "gcloud's `gce` cache",
            "denies the metadata server, and cannot be removed".to_owned(),
            "image owner: run no gcloud in the image's build, or delete the file at its end; or let the container's user write the directory".to_owned(),
        )
    }
}

/// The finding of a bundle with the corporate CA in `path` that cannot be written.
pub fn of_bundle(path: &Path, why: &str) -> Finding {
    Finding {
        saw: format!("writing to the temporary directory and to /dev/shm: {why}"),
        means: lines([
            "runup's own checks trust the CA. The command's clients are led to no bundle, and trust what they trusted before.",
        ]),
        ..Finding::of_environment(
            Code::CaBundle,
            Severity::Warning,
            "--ca-file",
            format!("no bundle with `{}` can be written", path.display()),
            "job owner: give the container a writable /tmp, or name another directory in TMPDIR"
                .to_owned(),
        )
    }
}

/// The finding of a report that cannot be written to `path`. It is never more than a warning: the job matters more.
pub fn of_report(path: &Path, why: &str) -> Finding {
    Finding {
        saw: format!("writing `{}`: {why}", path.display()),
        means: lines(["nothing else is wrong by it: the run goes on as it would."]),
        ..Finding::of_environment(
            Code::ReportFile,
            Severity::Warning,
            "--report",
            format!("the report cannot be written to `{}`", path.display()),
            "job owner: name a file in a directory that exists and can be written; /dev/stderr always can".to_owned(),
        )
    }
}
