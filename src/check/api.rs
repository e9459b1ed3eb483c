//! One attempt to reach a Google API's host, and whether what answered is Google's.
//!
//! No token is sent: that the host is reached and is Google's is one thing, what the service account may do there another
//! (`--require-permission`).

use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;
use std::time::Duration;

use hyper::Method;
use hyper::body::Bytes;
use url::{Host, Url};

use crate::check::endpoint::{Exchange, OtherWay, Reached, Target};
use crate::environment::{Environment, proxy};
use crate::failure::{Failure, FailureKind, Phase};
use crate::log::{Entry, Severity};
use crate::metadata::client::{self, UNIVERSE};
use crate::metadata::verdict::Answer;
use crate::net::tls::Trust;
use crate::net::trace::Step;
use crate::net::{Progress, http};

/// What Google's front ends answer 204 to, whatever API stands behind them; so does a Private Service Connect endpoint.
const PROBE: &str = "/generate_204";

/// The name of a host, as it was given.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HostName(String);

impl FromStr for HostName {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let name = text.trim().trim_end_matches('.').to_ascii_lowercase();
        if name.contains(['/', ':']) {
            return Err("write the name of the host alone, as `compute.googleapis.com`".to_owned());
        }
        let is_label = |label: &str| {
            let is_fit = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-';
            !label.is_empty() && label.bytes().all(is_fit)
        };
        if !name.split('.').all(is_label) {
            return Err("not the name of a host; write `compute.googleapis.com`".to_owned());
        }
        if !name.contains('.') {
            return Err(format!("write the whole name: `{name}.{UNIVERSE}`"));
        }
        Ok(Self(name))
    }
}

/// A Google API that must answer.
#[derive(Clone, Debug)]
pub struct Api {
    host: String,
    target: Target,
}

impl Api {
    /// The API at `host`, in `environment`.
    ///
    /// # Errors
    /// That it is none of Google's, or what is wrong with the variable that moves it.
    pub fn new(host: &HostName, environment: &Environment) -> Result<Self, Entry> {
        let host = &host.0;
        let universe = universe(environment).unwrap_or(UNIVERSE);
        let is_in = |universe: &str| {
            host.strip_suffix(universe)
                .is_some_and(|rest| rest.len() > 1 && rest.ends_with('.'))
        };
        if !is_in(UNIVERSE) && !is_in(universe) {
            let mut entry = Entry::new(
                Severity::Error,
                format!("--require-api {host}: this is no host of {universe}"),
            );
            entry.details = vec![format!(
                "help   for any other host: --require https://{host}/"
            )];
            return Err(entry);
        }
        let api = host.split('.').next().unwrap_or_default();
        let mut url = match overridden(api, environment)? {
            Some(url) => url,
            None => https(host).ok_or_else(|| {
                Entry::new(Severity::Error, format!("--require-api {host}: no host"))
            })?,
        };
        url.set_path(PROBE);
        let target = Target::from_str(url.as_str())
            .map_err(|why| Entry::new(Severity::Error, format!("--require-api {host}: {why}")))?;
        Ok(Self {
            host: host.clone(),
            target,
        })
    }

    /// One attempt.
    ///
    /// # Errors
    /// The failure of the step that failed, or who answered in Google's place.
    pub async fn attempt(
        &self,
        settings: &proxy::Settings,
        trust: &Trust,
        progress: &Progress,
    ) -> Result<Reached, Failure> {
        let exchange = Exchange {
            method: &Method::GET,
            headers: &[],
            body: Bytes::new(),
            wants_body: true,
        };
        let (answer, reached) = self
            .target
            .ask(&exchange, settings, trust, progress)
            .await?;
        let answer = marks(&answer);
        match judge(&answer) {
            Ok(()) => Ok(reached),
            Err(kind) => Err(refused(kind, &answer, &self.target, reached)),
        }
    }

    /// One attempt by the way that the environment does not say.
    pub async fn attempt_otherwise(
        &self,
        settings: &proxy::Settings,
        trust: &Trust,
    ) -> Option<OtherWay> {
        self.target.attempt_otherwise(settings, trust).await
    }
}

impl fmt::Display for Api {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.host)
    }
}

/// The marks by which an answer is judged, as those of the metadata server are.
pub(super) fn marks(answer: &http::Answer) -> Answer {
    client::answer(answer.status.as_u16(), &answer.headers, &answer.body)
}

/// The failure of an answer that is not Google's, or not good.
pub(super) fn refused(
    kind: FailureKind,
    answer: &Answer,
    target: &Target,
    reached: Reached,
) -> Failure {
    // Its flavour is no matter here.
    let seen = answer.seen();
    let seen = seen.trim_end_matches("; no Metadata-Flavor");
    let saw = format!("{target}: {seen}");
    let mut trace = reached.trace;
    trace.steps.push(Step {
        phase: Phase::Response,
        hop: format!("`{target}`"),
        took: Duration::ZERO,
        passed: false,
    });
    Failure {
        retry_after: answer.retry_after,
        ..Failure::new(Phase::Response, kind, saw).with(trace)
    }
}

/// Whether an answer on an API's host is Google's.
///
/// # Errors
/// Who answered instead; or the status by which Google says that it is not ready.
pub(super) fn judge(answer: &Answer) -> Result<(), FailureKind> {
    let is_googles = is_googles(answer);
    if !is_googles && let Some(by) = proxy(answer) {
        return Err(FailureKind::Intercepted { by });
    }
    match answer.status {
        status @ (408 | 429 | 500..) => Err(FailureKind::Status(status)),
        _ if is_googles => Ok(()),
        300..=399 => Err(FailureKind::Redirected {
            to: answer.location.clone().unwrap_or("nowhere".to_owned()),
        }),
        200 if answer.is_html() => Err(FailureKind::CaptivePage {
            title: answer.title(),
        }),
        // The certificate was good for the name, so that a plain refusal is taken for Google's.
        _ => Ok(()),
    }
}

/// Whether an answer bears what only Google's front ends and APIs write: 204 to the probe, their error page, or their
/// error in JSON. One that came through a proxy that opens TLS does so, too.
fn is_googles(answer: &Answer) -> bool {
    answer.status == 204 || answer.body.contains("!!1") || ApiError::read(&answer.body).is_some()
}

/// The proxy that wrote an answer. Google's own balancers sign with `Via`, too.
pub(super) fn proxy(answer: &Answer) -> Option<String> {
    let is_googles = |via: &String| via.to_ascii_lowercase().trim().ends_with(" google");
    let mut answer = answer.clone();
    answer.via = answer.via.filter(|via| !is_googles(via));
    answer.proxy()
}

/// An error as Google's APIs write it.
#[derive(Debug, PartialEq, serde::Deserialize)]
pub(super) struct ApiError {
    /// For people.
    #[serde(default)]
    pub message: String,
    /// The HTTP status again.
    code: u16,
    #[serde(default)]
    details: Vec<serde_json::Value>,
}

impl ApiError {
    pub(super) fn read(body: &str) -> Option<Self> {
        #[derive(serde::Deserialize)]
        struct Envelope {
            error: ApiError,
        }
        let envelope: Envelope = serde_json::from_str(body).ok()?;
        (envelope.error.code >= 400).then_some(envelope.error)
    }

    /// What its `ErrorInfo` says, by name: `reason`, or an entry of its metadata.
    pub(super) fn info(&self, name: &str) -> Option<&str> {
        self.details.iter().find_map(|detail| {
            detail
                .get(name)
                .or_else(|| detail.get("metadata")?.get(name))?
                .as_str()
        })
    }
}

/// The universe that `environment` names, for gcloud or for the libraries.
pub(super) fn universe(environment: &Environment) -> Option<&str> {
    [
        "CLOUDSDK_CORE_UNIVERSE_DOMAIN",
        "GOOGLE_CLOUD_UNIVERSE_DOMAIN",
    ]
    .iter()
    .find_map(|name| environment.filled(name))
    .map(str::trim)
}

pub(super) fn https(host: &str) -> Option<Url> {
    Url::parse(&format!("https://{host}/")).ok()
}

/// Where gcloud's variable for `api` moves it, as `CLOUDSDK_API_ENDPOINT_OVERRIDES_COMPUTE` does.
///
/// # Errors
/// What is wrong with it. A token goes by TLS alone, but on loopback.
pub fn overridden(api: &str, environment: &Environment) -> Result<Option<Url>, Entry> {
    let name = format!(
        "CLOUDSDK_API_ENDPOINT_OVERRIDES_{}",
        api.to_ascii_uppercase()
    );
    let Some(value) = environment.filled(&name) else {
        return Ok(None);
    };
    let refuse = |why: &str| {
        let mut entry = Entry::new(
            Severity::Error,
            format!("{name}: `{}`: {why}", proxy::redact(value)),
        );
        entry.details = vec![format!("help   write https://HOST/, or unset {name}")];
        entry
    };
    let url = Url::parse(value.trim()).map_err(|why| refuse(&why.to_string()))?;
    let is_loopback = match url.host() {
        Some(Host::Domain(name)) => name == "localhost",
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        None => return Err(refuse("it names no host")),
    };
    if !url.username().is_empty() || url.password().is_some() {
        return Err(refuse("it holds credentials"));
    }
    match url.scheme() {
        "https" => Ok(Some(url)),
        "http" if is_loopback => Ok(Some(url)),
        _ => Err(refuse("a token goes by https alone")),
    }
}

/// The addresses behind which all of Google's APIs stand for private networks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Vip {
    /// `private.googleapis.com`
    Private,
    /// `restricted.googleapis.com`, for the APIs that VPC Service Controls knows.
    Restricted,
}

impl Vip {
    /// Which of them `address` belongs to: 199.36.153.8/30 and 2600:2d00:2:2000::/56, or 199.36.153.4/30 and
    /// 2600:2d00:2:1000::/56.
    pub fn of(address: IpAddr) -> Option<Self> {
        let (private, restricted) = match address.to_canonical() {
            IpAddr::V4(v4) => {
                let [a, b, c, d] = v4.octets();
                let is_google = [a, b, c] == [199, 36, 153];
                (is_google && d & !3 == 8, is_google && d & !3 == 4)
            }
            IpAddr::V6(v6) => {
                let segments = v6.segments();
                let is_google = segments[..3] == [0x2600, 0x2d00, 2];
                let block = segments[3] & 0xff00;
                (is_google && block == 0x2000, is_google && block == 0x1000)
            }
        };
        match (private, restricted) {
            (true, _) => Some(Self::Private),
            (_, true) => Some(Self::Restricted),
            _ => None,
        }
    }

    /// Its name.
    pub fn name(self) -> &'static str {
        match self {
            Self::Private => "private.googleapis.com",
            Self::Restricted => "restricted.googleapis.com",
        }
    }

    /// Its IPv4 addresses.
    pub fn block(self) -> &'static str {
        match self {
            Self::Private => "199.36.153.8/30",
            Self::Restricted => "199.36.153.4/30",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_host_is_named_whole() {
        let read = |text: &str| HostName::from_str(text).map(|name| name.0);
        assert_eq!(
            read(" Compute.GoogleApis.com."),
            Ok("compute.googleapis.com".into())
        );
        for (text, says) in [
            ("compute", "write the whole name: `compute.googleapis.com`"),
            ("https://compute.googleapis.com/", "the host alone"),
            ("compute.googleapis.com:443", "the host alone"),
            ("compute googleapis com", "not the name of a host"),
            (".googleapis.com", "not the name of a host"),
            ("", "not the name of a host"),
        ] {
            let why = read(text).unwrap_err();
            assert!(why.contains(says), "{text}: {why}");
        }
    }

    fn api(host: &str, variables: &[(&str, &str)]) -> Result<String, String> {
        let environment: Environment = variables.iter().copied().collect();
        Api::new(&host.parse().unwrap(), &environment)
            .map(|api| api.target.to_string())
            .map_err(|entry| entry.message)
    }

    #[test]
    fn only_googles_hosts_are_apis() {
        for host in [
            "compute.googleapis.com",
            "us-central1-run.googleapis.com",
            "run-x.p.googleapis.com",
        ] {
            assert_eq!(api(host, &[]), Ok(format!("https://{host}/generate_204")));
        }
        for host in [
            "github.com",
            "googleapis.com",
            "evilgoogleapis.com",
            "run.apis.example",
        ] {
            assert!(api(host, &[]).is_err(), "{host}");
        }
        let universe = [("CLOUDSDK_CORE_UNIVERSE_DOMAIN", "apis.example")];
        assert!(api("run.apis.example", &universe).is_ok());
    }

    #[test]
    fn gclouds_variable_moves_an_api_but_no_token_goes_in_clear_text() {
        let at = |value| {
            api(
                "run.googleapis.com",
                &[("CLOUDSDK_API_ENDPOINT_OVERRIDES_RUN", value)],
            )
        };
        for (value, target) in [
            (
                "https://run-x.p.googleapis.com/",
                "https://run-x.p.googleapis.com/generate_204",
            ),
            (
                "http://127.0.0.1:81/v1/",
                "http://127.0.0.1:81/generate_204",
            ),
            ("http://localhost:81", "http://localhost:81/generate_204"),
            ("", "https://run.googleapis.com/generate_204"),
        ] {
            assert_eq!(at(value), Ok(target.to_owned()));
        }
        for value in [
            "http://run-x.p.googleapis.com/",
            "ftp://127.0.0.1/",
            "run-x",
            "http://10.0.0.1/",
            "https://user:hunter2@run.googleapis.com/",
        ] {
            assert!(at(value).is_err(), "{value}");
        }
    }

    fn answer(status: u16, body: &str) -> Answer {
        Answer {
            status,
            body: body.to_owned(),
            ..Answer::default()
        }
    }

    #[test]
    fn who_answers_on_an_apis_host() {
        let some = |text: &str| Some(text.to_owned());
        let error = |code| format!(r#"{{"error": {{"code": {code}, "message": "no"}}}}"#);
        let page = "<!DOCTYPE html><title>Error 404 (Not Found)!!1</title>";
        for (answer, verdict) in [
            (answer(204, ""), Ok(())),
            (answer(404, page), Ok(())),
            (answer(404, &error(404)), Ok(())),
            (answer(403, "plain"), Ok(())),
            (answer(503, &error(503)), Err(FailureKind::Status(503))),
            (answer(502, "bad gateway"), Err(FailureKind::Status(502))),
            (
                // Through a proxy that opens TLS, the answer is Google's all the same.
                Answer {
                    via: some("1.1 gw (squid/5.7)"),
                    ..answer(204, "")
                },
                Ok(()),
            ),
            (
                Answer {
                    via: some("1.1 google"),
                    ..answer(403, "plain")
                },
                Ok(()),
            ),
            (
                Answer {
                    server: some("squid/5.7"),
                    ..answer(403, "<html>")
                },
                Err(FailureKind::Intercepted {
                    by: "squid/5.7".into(),
                }),
            ),
            (
                Answer {
                    location: some("https://login.corp.example/"),
                    ..answer(302, "")
                },
                Err(FailureKind::Redirected {
                    to: "https://login.corp.example/".into(),
                }),
            ),
            (
                answer(200, "<html><title>Blocked</title>"),
                Err(FailureKind::CaptivePage {
                    title: some("Blocked"),
                }),
            ),
        ] {
            assert_eq!(judge(&answer), verdict, "{answer:?}");
        }
    }

    #[test]
    fn the_addresses_of_private_google_access() {
        for (address, vip) in [
            ("199.36.153.8", Some(Vip::Private)),
            ("199.36.153.11", Some(Vip::Private)),
            ("199.36.153.12", None),
            ("199.36.153.4", Some(Vip::Restricted)),
            ("199.36.153.7", Some(Vip::Restricted)),
            ("199.36.153.3", None),
            ("2600:2d00:2:2000::5", Some(Vip::Private)),
            ("2600:2d00:2:1000::5", Some(Vip::Restricted)),
            ("2600:2d00:2:3000::5", None),
            ("142.250.74.10", None),
        ] {
            assert_eq!(Vip::of(address.parse().unwrap()), vip, "{address}");
        }
    }
}
