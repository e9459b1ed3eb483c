//! Who answered at the metadata server's place, and is it usable? Pure: an [`Answer`] in, a judgement out.
//!
//! `Metadata-Flavor: Google` on the answer is what makes it genuine. Several of Google's own libraries do not look at
//! it, and so take a login page's HTML for a project's name.

use std::borrow::Cow;
use std::time::Duration;

use serde::Deserialize;

use crate::failure::FailureKind;
use crate::metadata::secret::Secret;

/// What is asked of the metadata server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Question<'a> {
    /// The service account's e-mail and scopes.
    Account,
    /// An access token.
    Token,
    /// The project's id.
    Project,
    /// The region, on Cloud Run.
    Region,
    /// The zone, on GCE and GKE.
    Zone,
    /// The universe's domain: `googleapis.com` but for sovereign clouds.
    Universe,
    /// An identity token for this audience.
    Identity(&'a str),
}

impl Question<'_> {
    /// The path below the server's root.
    pub fn path(self) -> Cow<'static, str> {
        let path = match self {
            Self::Account => {
                "/computeMetadata/v1/instance/service-accounts/default/?recursive=true"
            }
            Self::Token => "/computeMetadata/v1/instance/service-accounts/default/token",
            Self::Project => "/computeMetadata/v1/project/project-id",
            Self::Region => "/computeMetadata/v1/instance/region",
            Self::Zone => "/computeMetadata/v1/instance/zone",
            Self::Universe => "/computeMetadata/v1/universe/universe-domain",
            Self::Identity(audience) => {
                let query: String = url::form_urlencoded::Serializer::new(String::new())
                    .append_pair("audience", audience)
                    .append_pair("format", "full")
                    .finish();
                return format!(
                    "/computeMetadata/v1/instance/service-accounts/default/identity?{query}"
                )
                .into();
            }
        };
        path.into()
    }
}

/// What came back, as far as judgement needs it.
#[derive(Clone, Default, PartialEq)]
pub struct Answer {
    /// The HTTP status.
    pub status: u16,
    /// Metadata-Flavor.
    pub flavor: Option<String>,
    /// Server.
    pub server: Option<String>,
    /// Via.
    pub via: Option<String>,
    /// X-Squid-Error.
    pub squid_error: Option<String>,
    /// Content-Type.
    pub content_type: Option<String>,
    /// Location.
    pub location: Option<String>,
    /// Whether there is a Proxy-Authenticate or Proxy-Connection, which only proxies send.
    pub has_proxy_header: bool,
    /// Retry-After.
    pub retry_after: Option<Duration>,
    /// The seconds that the clock here is ahead of Date.
    pub ahead: Option<i64>,
    /// The beginning of the body. May hold a token.
    pub body: String,
}

/// Without the body, which may hold a token.
impl std::fmt::Debug for Answer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.seen())
    }
}

impl Answer {
    /// Whether it carries Google's mark.
    pub fn has_flavor(&self) -> bool {
        self.flavor
            .as_deref()
            .is_some_and(|flavor| flavor.trim().eq_ignore_ascii_case("google"))
    }

    /// What was seen, for a finding: status and marks, never the body.
    pub fn seen(&self) -> String {
        let mut parts = vec![self.status.to_string()];
        let mut mark = |name: &str, value: &Option<String>| {
            if let Some(value) = value {
                parts.push(format!("{name}: {}", printable(value)));
            }
        };
        mark("Server", &self.server);
        mark("Via", &self.via);
        mark("X-Squid-Error", &self.squid_error);
        mark("Location", &self.location);
        mark("Content-Type", &self.content_type);
        match self.has_flavor() {
            true => parts.push("Metadata-Flavor: Google".to_owned()),
            false => parts.push("no Metadata-Flavor".to_owned()),
        }
        parts.join("; ")
    }

    /// Whether it is a page for people.
    pub fn is_html(&self) -> bool {
        let declared = self
            .content_type
            .as_deref()
            .is_some_and(|kind| kind.to_ascii_lowercase().contains("html"));
        let body = self.body.trim_start().to_ascii_lowercase();
        declared || body.starts_with("<!doctype html") || body.starts_with("<html")
    }

    /// The page's title.
    pub fn title(&self) -> Option<String> {
        let lower = self.body.to_ascii_lowercase();
        let begin = lower.find("<title>")? + "<title>".len();
        let end = begin + lower.get(begin..)?.find('<')?;
        let title = printable(self.body.get(begin..end)?.trim());
        (!title.is_empty()).then_some(title)
    }

    /// The proxy that wrote this answer, where its marks say that one did.
    pub fn proxy(&self) -> Option<String> {
        let names_squid = |text: &str| text.to_ascii_lowercase().contains("squid");
        let server = self.server.as_deref().filter(|server| !server.is_empty());
        if let Some(server) = server.filter(|server| names_squid(server)) {
            return Some(printable(server));
        }
        if self.squid_error.is_some() || self.body.contains("The Squid Software Foundation") {
            return Some("squid".to_owned());
        }
        // `Via: 1.1 proxy.corp.example (squid/5.7)`: the receiver's name, or its software where that is told.
        if let Some(via) = &self.via {
            let last = via.rsplit(',').next().unwrap_or(via).trim();
            let name = last.split_once(' ').map_or(last, |(_, name)| name);
            return Some(printable(name));
        }
        if let Some(server) = server.filter(|server| {
            let server = server.to_ascii_lowercase();
            PROXIES.iter().any(|name| server.contains(name))
        }) {
            return Some(printable(server));
        }
        (self.has_proxy_header || self.status == 407).then(|| "a proxy".to_owned())
    }
}

/// How forward proxies name themselves in `Server`, lower-case.
const PROXIES: [&str; 8] = [
    "zscaler",
    "bluecoat",
    "proxysg",
    "mcafee web gateway",
    "fortigate",
    "fortiproxy",
    "tinyproxy",
    "mitmproxy",
];

/// Whether the answer is the genuine server's, and good.
///
/// # Errors
/// Who answered instead, or what the genuine server objects to.
pub fn judge(question: Question<'_>, answer: &Answer) -> Result<(), FailureKind> {
    if !answer.has_flavor() {
        return Err(impostor(answer));
    }
    match answer.status {
        // A proxy that forwards a genuine answer may have asked the metadata server of its own machine.
        200 if answer.via.is_some() => Err(FailureKind::Intercepted {
            by: answer.proxy().unwrap_or_else(|| "a proxy".to_owned()),
        }),
        200 => Ok(()),
        403 => Err(match answer.via.is_some() || answer.squid_error.is_some() {
            true => FailureKind::Intercepted {
                by: answer.proxy().unwrap_or_else(|| "a proxy".to_owned()),
            },
            false => FailureKind::MetadataDenied,
        }),
        404 if matches!(question, Question::Account | Question::Token) => {
            Err(FailureKind::NoServiceAccount)
        }
        status @ (408 | 429 | 500..=599) => Err(FailureKind::MetadataBusy(status)),
        status @ 400..=499 if matches!(question, Question::Identity(_)) => {
            Err(FailureKind::NoIdentityToken(status))
        }
        _ => Err(FailureKind::MetadataMalformed),
    }
}

fn impostor(answer: &Answer) -> FailureKind {
    if let Some(by) = answer.proxy() {
        return FailureKind::Intercepted { by };
    }
    let server = answer.server.as_deref().unwrap_or_default();
    if server.starts_with("EC2ws") {
        return FailureKind::OtherCloud("Amazon EC2's metadata service");
    }
    // Azure wants `Metadata: true`, and says so.
    if server.contains("IMDS")
        || answer
            .body
            .contains("Required metadata header not specified")
    {
        return FailureKind::OtherCloud("Azure's metadata service");
    }
    if answer.body.contains("opc-request-id") || server.contains("oracle") {
        return FailureKind::OtherCloud("Oracle Cloud's metadata service");
    }
    if (300..400).contains(&answer.status) {
        return FailureKind::Redirected {
            to: answer
                .location
                .as_deref()
                .map_or("nowhere".to_owned(), printable),
        };
    }
    if answer.status == 200 && answer.is_html() {
        return FailureKind::CaptivePage {
            title: answer.title(),
        };
    }
    FailureKind::NotGoogle
}

/// The service account, as `?recursive=true` tells it.
#[derive(Debug, Deserialize)]
pub struct Account {
    /// Its e-mail address.
    pub email: String,
    /// The OAuth scopes of its tokens.
    #[serde(default)]
    pub scopes: Vec<String>,
}

/// An access token.
#[derive(Debug, Deserialize)]
pub struct Token {
    /// The token itself.
    #[serde(rename = "access_token")]
    pub text: Secret,
    /// The seconds it still lives. 240 is healthy: the server hands out a cached token until four minutes before its end.
    #[serde(rename = "expires_in")]
    pub seconds: u64,
    token_type: String,
}

/// Whether an account's address is that of a workload identity pool: on GKE, a Kubernetes service account that acts for
/// itself and not for a Google one has no other (as reported; not measured).
pub fn is_pool(email: &str) -> bool {
    email
        .strip_suffix(".svc.id.goog")
        .is_some_and(|project| !project.is_empty() && !project.contains('/'))
}

/// Reads the account.
///
/// # Errors
/// What is wrong with it, without its text.
pub fn account(body: &str) -> Result<Account, String> {
    let account: Account = serde_json::from_str(body).map_err(|e| shape("the account", &e))?;
    match account.email.split_once('@') {
        Some((user, domain)) if !user.is_empty() && !domain.is_empty() => Ok(account),
        None if is_pool(&account.email) => Ok(account),
        _ => Err("the account has no e-mail address".to_owned()),
    }
}

/// Reads the token.
///
/// # Errors
/// What is wrong with it, without its text.
pub fn token(body: &str) -> Result<Token, String> {
    let token: Token = serde_json::from_str(body).map_err(|e| shape("the token", &e))?;
    let text = token.text.reveal();
    if text.is_empty() || !text.bytes().all(|byte| byte.is_ascii_graphic()) {
        return Err("the token's `access_token` is empty or not plain text".to_owned());
    }
    if !token.token_type.eq_ignore_ascii_case("bearer") {
        return Err("the token's `token_type` is not `Bearer`".to_owned());
    }
    if token.seconds == 0 {
        return Err("the token has expired: its `expires_in` is 0".to_owned());
    }
    Ok(token)
}

/// Reads the identity token: three parts of base64url, as a JWT has.
///
/// # Errors
/// What is wrong with it, without its text.
pub fn identity(body: &str) -> Result<Secret, String> {
    let text = body.trim();
    let is_part = |part: &str| {
        let is_base64url = |byte: u8| byte.is_ascii_alphanumeric() || b"-_".contains(&byte);
        !part.is_empty() && part.bytes().all(is_base64url)
    };
    match text.split('.').count() == 3 && text.split('.').all(is_part) {
        true => Ok(Secret::from(text.to_owned())),
        false => Err("the identity token is no JWT".to_owned()),
    }
}

/// Reads the universe's domain.
///
/// # Errors
/// What is wrong with it.
pub fn universe(body: &str) -> Result<String, String> {
    let domain = body.trim();
    let is_plain =
        |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"-.".contains(&byte);
    match domain.contains('.') && domain.len() <= 253 && domain.bytes().all(is_plain) {
        true => Ok(domain.to_owned()),
        false => Err(format!("the universe `{}` is no domain", printable(domain))),
    }
}

/// Reads the project's id.
///
/// # Errors
/// What is wrong with it.
pub fn project(body: &str) -> Result<String, String> {
    let id = body.trim();
    // Ids may carry a domain, as `example.com:project`.
    let is_plain =
        |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"-.:".contains(&byte);
    match !id.is_empty() && id.len() <= 100 && id.bytes().all(is_plain) {
        true => Ok(id.to_owned()),
        false => Err(format!("the project's id `{}` is none", printable(id))),
    }
}

/// The place of an error in a JSON text, without the text.
fn shape(what: &str, error: &serde_json::Error) -> String {
    let why = match error.classify() {
        serde_json::error::Category::Data => "a field is missing or of another type",
        serde_json::error::Category::Eof => "it ends too early",
        _ => "it is not JSON",
    };
    format!("{what} cannot be read: {why} (column {})", error.column())
}

/// At most 80 characters, and none that would move a terminal's cursor.
pub(crate) fn printable(text: &str) -> String {
    text.chars()
        .map(|c| if c.is_control() { ' ' } else { c })
        .take(80)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn some(text: &str) -> Option<String> {
        Some(text.to_owned())
    }

    fn google(status: u16) -> Answer {
        Answer {
            status,
            flavor: some("Google"),
            server: some("Metadata Server for VM"),
            ..Answer::default()
        }
    }

    #[test]
    fn an_identity_token_is_a_jwt_and_its_audience_is_encoded() {
        let path = Question::Identity("https://a.example/?b=1&c").path();
        assert!(
            path.ends_with("/identity?audience=https%3A%2F%2Fa.example%2F%3Fb%3D1%26c&format=full"),
            "{path}"
        );
        assert_eq!(identity("ab.c-_.d9\n").unwrap().reveal(), "ab.c-_.d9");
        for none in ["", "a.b", "a..c", "a.b.c.d", "a.b.c=", "<html>.b.c"] {
            let why = identity(none).unwrap_err();
            assert_eq!(why, "the identity token is no JWT");
        }
    }

    #[test]
    fn a_universe_is_a_domain() {
        assert_eq!(universe("googleapis.com\n"), Ok("googleapis.com".into()));
        for none in ["", "com", "<html>.x", "a.b/c"] {
            assert!(universe(none).is_err(), "{none}");
        }
    }

    #[test]
    fn who_answered() {
        let squid = Answer {
            status: 403,
            server: some("squid/5.7"),
            squid_error: some("ERR_ACCESS_DENIED 0"),
            via: some("1.1 gw (squid/5.7)"),
            content_type: some("text/html;charset=utf-8"),
            ..Answer::default()
        };
        let by = |name: &str| {
            Err(FailureKind::Intercepted {
                by: name.to_owned(),
            })
        };
        for (question, answer, verdict) in [
            (Question::Token, google(200), Ok(())),
            (
                Question::Token,
                google(403),
                Err(FailureKind::MetadataDenied),
            ),
            (
                Question::Token,
                google(404),
                Err(FailureKind::NoServiceAccount),
            ),
            (
                Question::Account,
                google(404),
                Err(FailureKind::NoServiceAccount),
            ),
            (
                Question::Project,
                google(404),
                Err(FailureKind::MetadataMalformed),
            ),
            (
                Question::Token,
                google(429),
                Err(FailureKind::MetadataBusy(429)),
            ),
            (
                Question::Token,
                google(503),
                Err(FailureKind::MetadataBusy(503)),
            ),
            (Question::Token, squid.clone(), by("squid/5.7")),
            (
                Question::Token,
                Answer {
                    status: 403,
                    content_type: some("text/html"),
                    body: "<title>ERROR</title><p>&copy; The Squid Software Foundation".to_owned(),
                    ..Answer::default()
                },
                by("squid"),
            ),
            (
                Question::Token,
                Answer {
                    status: 502,
                    via: some("1.0 edge, 1.1 gw.corp.example"),
                    ..Answer::default()
                },
                by("gw.corp.example"),
            ),
            (
                Question::Token,
                Answer {
                    via: some("1.1 gw (squid/5.7)"),
                    ..google(200)
                },
                by("gw (squid/5.7)"),
            ),
            (
                Question::Token,
                Answer {
                    via: some("1.1 gw (squid/5.7)"),
                    ..google(403)
                },
                by("gw (squid/5.7)"),
            ),
            (
                Question::Token,
                Answer {
                    status: 407,
                    ..Answer::default()
                },
                by("a proxy"),
            ),
            (
                Question::Token,
                Answer {
                    status: 200,
                    content_type: some("text/html"),
                    body: "<html><head><title>Welcome to\nCorpNet</title>".to_owned(),
                    ..Answer::default()
                },
                Err(FailureKind::CaptivePage {
                    title: some("Welcome to CorpNet"),
                }),
            ),
            (
                Question::Token,
                Answer {
                    status: 302,
                    location: some("https://login.corp.example/"),
                    ..Answer::default()
                },
                Err(FailureKind::Redirected {
                    to: "https://login.corp.example/".to_owned(),
                }),
            ),
            (
                Question::Token,
                Answer {
                    status: 401,
                    server: some("EC2ws"),
                    ..Answer::default()
                },
                Err(FailureKind::OtherCloud("Amazon EC2's metadata service")),
            ),
            (
                Question::Token,
                Answer {
                    status: 400,
                    body: r#"{"error":"Bad request. Required metadata header not specified"}"#
                        .to_owned(),
                    ..Answer::default()
                },
                Err(FailureKind::OtherCloud("Azure's metadata service")),
            ),
            (
                Question::Token,
                Answer {
                    status: 404,
                    server: some("nginx"),
                    ..Answer::default()
                },
                Err(FailureKind::NotGoogle),
            ),
        ] {
            assert_eq!(judge(question, &answer), verdict, "{answer:?}");
        }
    }

    #[test]
    fn tokens() {
        let of = |text: &str| token(text).map(|token| token.seconds);
        assert_eq!(
            of(r#"{"access_token":"abc","expires_in":3599,"token_type":"Bearer"}"#),
            Ok(3599)
        );
        for bad in [
            "",
            "<html>",
            "{}",
            r#"{"access_token":"","expires_in":3599,"token_type":"Bearer"}"#,
            r#"{"access_token":"a b","expires_in":3599,"token_type":"Bearer"}"#,
            r#"{"access_token":"abc","expires_in":0,"token_type":"Bearer"}"#,
            r#"{"access_token":"abc","expires_in":-5,"token_type":"Bearer"}"#,
            r#"{"access_token":"abc","expires_in":3599,"token_type":"mac"}"#,
            r#"{"access_token":"abc","expires_in":3599}"#,
        ] {
            assert!(of(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_bad_token_is_described_without_its_text() {
        let why = token(r#"{"access_token":"s3cret","expires_in":"soon","token_type":"Bearer"}"#)
            .unwrap_err();
        assert!(!why.contains("s3cret") && !why.contains("soon"), "{why}");
    }

    #[test]
    fn accounts_and_projects() {
        assert!(account(r#"{"email":"a@b","aliases":["default"],"scopes":[]}"#).is_ok());
        assert!(account(r#"{"email":"p.svc.id.goog","scopes":[]}"#).is_ok());
        assert!(account(r#"{"email":".svc.id.goog"}"#).is_err());
        assert!(account(r#"{"email":"default"}"#).is_err());
        assert_eq!(project("my-project\n"), Ok("my-project".to_owned()));
        assert_eq!(
            project("example.com:my-project"),
            Ok("example.com:my-project".to_owned())
        );
        assert!(project("<html>Welcome to CorpNet login</html>").is_err());
        assert!(project("").is_err());
    }
}
