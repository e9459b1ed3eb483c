//! What the metadata server answers: a pure function of the identity, the time and the request.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::time::Duration;

use http_body_util::Full;
use hyper::body::Bytes;
use hyper::header::{CONTENT_TYPE, HOST, HeaderValue, LOCATION, SERVER};
use hyper::http::request::Parts;
use hyper::{Method, Response, StatusCode};
use percent_encoding::percent_decode_str;
use serde_json::{Value, json};

use super::Identity;
use crate::metadata::{FLAVOR, FLAVOR_VALUE};

/// What a token lives, in seconds.
const LIFETIME: u64 = 3600;

/// The real server keeps giving out a token until four minutes before its end.
const LAST: u64 = 240;

/// Makes tokens: opaque, each given out until shortly before its end, different at each start. The real server has one
/// for each set of scopes; here they open nothing, so one will do.
#[derive(Clone, Copy)]
pub(super) struct Minter {
    seed: u64,
    started: Duration,
}

/// An access token and the seconds that it has left.
pub(super) struct Token {
    pub(super) text: String,
    expires_in: u64,
}

impl Minter {
    /// A minter that begins at `started`, counted from 1970.
    pub(super) fn new(started: Duration) -> Self {
        Self {
            seed: fastrand::u64(..),
            started,
        }
    }

    pub(super) fn token(&self, now: Duration) -> Token {
        let age = now.saturating_sub(self.started).as_secs();
        let generation = age / (LIFETIME - LAST);
        let mut hasher = DefaultHasher::new();
        (self.seed, generation).hash(&mut hasher);
        let mut random = fastrand::Rng::with_seed(hasher.finish());
        let tail: String = (0..40).map(|_| random.alphanumeric()).collect();
        Token {
            text: format!("emulated-{tail}"),
            expires_in: LIFETIME - 1 - age % (LIFETIME - LAST),
        }
    }
}

/// A place in the metadata tree.
enum Node {
    Directory(BTreeMap<String, Node>),
    Leaf(Value),
    Token,
    IdentityToken,
}

/// What is to be sent back, before it becomes a response.
enum Answer {
    Text(String),
    Json(Value),
    MovedTo(String),
    Refused(StatusCode, &'static str),
}

/// The answer to a request with head `request` at `now`, counted from 1970.
pub(super) fn answer(
    identity: &Identity,
    minter: &Minter,
    now: Duration,
    request: &Parts,
) -> Response<Full<Bytes>> {
    let (status, kind, body, location) = match decide(identity, minter, now, request) {
        Answer::Text(text) => (StatusCode::OK, "application/text", text, None),
        Answer::Json(value) => (StatusCode::OK, "application/json", value.to_string(), None),
        Answer::MovedTo(place) => (
            StatusCode::MOVED_PERMANENTLY,
            "text/html; charset=UTF-8",
            page(StatusCode::MOVED_PERMANENTLY, "The document has moved."),
            HeaderValue::from_str(&place).ok(),
        ),
        Answer::Refused(status, why) => {
            (status, "text/html; charset=UTF-8", page(status, why), None)
        }
    };
    let mut response = Response::new(Full::from(body));
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(FLAVOR, HeaderValue::from_static(FLAVOR_VALUE));
    headers.insert(SERVER, HeaderValue::from_static("Metadata Server for VM"));
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(kind));
    if let Some(place) = location {
        headers.insert(LOCATION, place);
    }
    response
}

fn page(status: StatusCode, why: &str) -> String {
    format!(
        "<!DOCTYPE html>\n<html><title>Error {status}</title><p><b>{}.</b> {why}</p></html>\n",
        status.as_u16()
    )
}

fn decide(identity: &Identity, minter: &Minter, now: Duration, request: &Parts) -> Answer {
    if !matches!(request.method, Method::GET | Method::HEAD) {
        return Answer::Refused(
            StatusCode::METHOD_NOT_ALLOWED,
            "This server answers GET only.",
        );
    }
    if request.headers.contains_key("x-forwarded-for") {
        return Answer::Refused(
            StatusCode::FORBIDDEN,
            "Your client has a header `X-Forwarded-For`: metadata is not for those behind a proxy.",
        );
    }
    let path = percent_decode_str(request.uri.path()).decode_utf8_lossy();
    if path == "/" {
        return Answer::Text("computeMetadata/\n".into());
    }
    let flavored = request
        .headers
        .get(FLAVOR)
        .is_some_and(|value| value.as_bytes().eq_ignore_ascii_case(b"Google"));
    if !flavored {
        return Answer::Refused(
            StatusCode::FORBIDDEN,
            "Your client does not have permission to get this URL: missing `Metadata-Flavor: Google` header.",
        );
    }

    let query: BTreeMap<_, _> =
        url::form_urlencoded::parse(request.uri.query().unwrap_or_default().as_bytes()).collect();
    let parameter = |name: &str| query.get(name).map_or("", AsRef::as_ref);
    let recursive = parameter("recursive").eq_ignore_ascii_case("true");

    let tree = tree(identity);
    let Some(node) = find(&tree, &path) else {
        return Answer::Refused(
            StatusCode::NOT_FOUND,
            "The requested URL was not found on this server.",
        );
    };
    match node {
        Node::Directory(_) if !path.ends_with('/') => {
            let host = request
                .headers
                .get(HOST)
                .and_then(|host| host.to_str().ok());
            let origin = host.map_or_else(String::new, |host| format!("http://{host}"));
            let query = request
                .uri
                .query()
                .map_or_else(String::new, |q| format!("?{q}"));
            Answer::MovedTo(format!("{origin}{}/{query}", request.uri.path()))
        }
        Node::Directory(entries) if !recursive => Answer::Text(listing(entries)),
        Node::Directory(_) => match parameter("alt") {
            "text" => Answer::Text(flat(&json_of(node))),
            _ => Answer::Json(json_of(node)),
        },
        Node::Leaf(value) => match parameter("alt") {
            "json" => Answer::Json(value.clone()),
            _ => Answer::Text(lines(value)),
        },
        Node::Token => {
            let token = minter.token(now);
            let value = json!({
                "access_token": token.text,
                "expires_in": token.expires_in,
                "token_type": "Bearer",
            });
            match parameter("alt") {
                "text" => Answer::Text(flat(&value)),
                _ => Answer::Json(value),
            }
        }
        Node::IdentityToken => match parameter("audience") {
            "" => Answer::Refused(
                StatusCode::BAD_REQUEST,
                "non-empty audience parameter required",
            ),
            audience => Answer::Text(identity_token(
                identity,
                audience,
                parameter("format") == "full",
                now,
            )),
        },
    }
}

/// All there is to be asked for.
fn tree(identity: &Identity) -> Node {
    let number = identity.project_number;
    let account = || {
        directory([
            ("aliases", Node::Leaf(json!(["default"]))),
            ("email", Node::Leaf(json!(identity.email))),
            ("identity", Node::IdentityToken),
            ("scopes", Node::Leaf(json!(identity.scopes))),
            ("token", Node::Token),
        ])
    };
    let instance = directory([
        ("attributes", directory([])),
        (
            "hostname",
            Node::Leaf(json!(format!("emulated.c.{}.internal", identity.project))),
        ),
        ("id", Node::Leaf(json!(identity.instance_id))),
        ("name", Node::Leaf(json!("emulated"))),
        (
            "region",
            Node::Leaf(json!(format!(
                "projects/{number}/regions/{}",
                identity.region
            ))),
        ),
        (
            "service-accounts",
            directory([("default", account()), (&identity.email, account())]),
        ),
        (
            "zone",
            Node::Leaf(json!(format!("projects/{number}/zones/{}", identity.zone))),
        ),
    ]);
    let project = directory([
        ("attributes", directory([])),
        ("numeric-project-id", Node::Leaf(json!(number))),
        ("project-id", Node::Leaf(json!(identity.project))),
    ]);
    let universe = directory([("universe-domain", Node::Leaf(json!(identity.universe)))]);
    let v1 = directory([
        ("instance", instance),
        ("project", project),
        ("universe", universe),
    ]);
    directory([("computeMetadata", directory([("v1", v1)]))])
}

fn directory<const N: usize>(entries: [(&str, Node); N]) -> Node {
    Node::Directory(
        entries
            .into_iter()
            .map(|(name, node)| (name.to_owned(), node))
            .collect(),
    )
}

/// The node at `path`. A trailing slash fits a directory only.
fn find<'a>(tree: &'a Node, path: &str) -> Option<&'a Node> {
    let inner = path.strip_prefix('/')?;
    let inner = inner.strip_suffix('/').unwrap_or(inner);
    let node = inner.split('/').try_fold(tree, |node, name| match node {
        Node::Directory(entries) => entries.get(name),
        _ => None,
    })?;
    (matches!(node, Node::Directory(_)) || !path.ends_with('/')).then_some(node)
}

/// A directory as text: a line for each entry, with a slash behind directories.
fn listing(entries: &BTreeMap<String, Node>) -> String {
    entries
        .iter()
        .map(|(name, node)| match node {
            Node::Directory(_) => format!("{name}/\n"),
            _ => format!("{name}\n"),
        })
        .collect()
}

/// A tree as `recursive=true` gives it: names in camel case, tokens left out.
fn json_of(node: &Node) -> Value {
    match node {
        Node::Directory(entries) => entries
            .iter()
            .filter(|(_, node)| !matches!(node, Node::Token | Node::IdentityToken))
            .map(|(name, node)| (camel(name), json_of(node)))
            .collect(),
        Node::Leaf(value) => value.clone(),
        Node::Token | Node::IdentityToken => Value::Null,
    }
}

/// `project-id` as `projectId`; an e-mail address as it is.
fn camel(name: &str) -> String {
    if name.contains('@') {
        return name.to_owned();
    }
    let mut words = name.split('-');
    let mut camel = words.next().unwrap_or_default().to_owned();
    for word in words {
        let (first, rest) = word.split_at(word.len().min(1));
        camel.push_str(&first.to_ascii_uppercase());
        camel.push_str(rest);
    }
    camel
}

/// A leaf as text: a list has a line for each item, each with its end; a single value has none.
fn lines(value: &Value) -> String {
    match value {
        Value::Array(items) => items.iter().map(|item| lines(item) + "\n").collect(),
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

/// A tree as `recursive=true&alt=text` gives it: a line `path value` for each leaf.
fn flat(value: &Value) -> String {
    fn walk(place: &str, value: &Value, out: &mut String) {
        let below = |name: &str| match place {
            "" => name.to_owned(),
            _ => format!("{place}/{name}"),
        };
        match value {
            Value::Object(entries) => {
                for (name, value) in entries {
                    walk(&below(name), value, out);
                }
            }
            Value::Array(items) => {
                for (index, value) in items.iter().enumerate() {
                    walk(&below(&index.to_string()), value, out);
                }
            }
            leaf => {
                // Writing to a string cannot fail.
                let _ = writeln!(out, "{place} {}", lines(leaf));
            }
        }
    }
    let mut out = String::new();
    walk("", value, &mut out);
    out
}

/// An identity token in form: three base64url parts whose claims can be read, and a signature that no one accepts.
fn identity_token(identity: &Identity, audience: &str, full: bool, now: Duration) -> String {
    let issued = now.as_secs();
    let mut claims = json!({
        "aud": audience,
        "azp": identity.instance_id.to_string(),
        "exp": issued + LIFETIME,
        "iat": issued,
        "iss": "https://accounts.google.com",
        "sub": identity.instance_id.to_string(),
    });
    if full {
        claims["email"] = json!(identity.email);
        claims["email_verified"] = json!(true);
        claims["google"] = json!({"compute_engine": {
            "instance_id": identity.instance_id.to_string(),
            "instance_name": "emulated",
            "project_id": identity.project,
            "project_number": identity.project_number,
            "zone": identity.zone,
        }});
    }
    let header = json!({"alg": "RS256", "kid": "emulated", "typ": "JWT"});
    [
        header.to_string(),
        claims.to_string(),
        "emulated, not signed".to_owned(),
    ]
    .map(|part| base64url(part.as_bytes()))
    .join(".")
}

/// Base64 in its URL alphabet, without padding (RFC 4648, section 5).
fn base64url(bytes: &[u8]) -> String {
    const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    bytes
        .chunks(3)
        .flat_map(|chunk| {
            let group = (0..3).fold(0u32, |group, i| {
                group << 8 | u32::from(chunk.get(i).copied().unwrap_or(0))
            });
            (0..=chunk.len())
                .map(move |i| char::from(ALPHABET[(group >> (18 - 6 * i) & 63) as usize]))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use http_body_util::BodyExt;

    use super::*;

    const NOW: Duration = Duration::from_secs(1_700_000_000);
    const EMAIL: &str = "runup-emulator@emulated.iam.gserviceaccount.com";

    /// Asks for `path` at `now` with `headers`: the status, the headers and the body.
    fn ask(
        minter: &Minter,
        now: Duration,
        method: Method,
        path: &str,
        headers: &[(&str, &str)],
    ) -> (u16, hyper::HeaderMap, String) {
        let mut request = hyper::Request::builder().method(method).uri(path);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let (parts, ()) = request.body(()).unwrap().into_parts();
        let (head, body) = answer(&Identity::default(), minter, now, &parts).into_parts();
        let body = tokio::runtime::Builder::new_current_thread()
            .build()
            .unwrap()
            .block_on(body.collect())
            .unwrap();
        let body = String::from_utf8(body.to_bytes().to_vec()).unwrap();
        (head.status.as_u16(), head.headers, body)
    }

    const FLAVORED: &[(&str, &str)] = &[("Metadata-Flavor", "Google"), ("Host", "metadata")];

    /// A plain good request for a path under the root.
    fn get(path: &str) -> (u16, String) {
        let path = format!("/computeMetadata/v1/{path}");
        let (status, _, body) = ask(&Minter::new(NOW), NOW, Method::GET, &path, FLAVORED);
        (status, body)
    }

    #[test]
    fn leaves_and_listings() {
        let table = [
            ("project/project-id", "emulated"),
            ("project/numeric-project-id", "100000000001"),
            ("project/project-id?alt=json", "\"emulated\""),
            ("project/", "attributes/\nnumeric-project-id\nproject-id\n"),
            ("instance/id", "1000000000000000001"),
            (
                "instance/region",
                "projects/100000000001/regions/us-central1",
            ),
            ("instance/zone", "projects/100000000001/zones/us-central1-1"),
            (
                "instance/service-accounts/default/",
                "aliases\nemail\nidentity\nscopes\ntoken\n",
            ),
            ("instance/service-accounts/default/email", EMAIL),
            (
                "instance/service-accounts/runup-emulator%40emulated.iam.gserviceaccount.com/email",
                EMAIL,
            ),
            ("instance/service-accounts/default/aliases", "default\n"),
            (
                "instance/service-accounts/default/scopes",
                "https://www.googleapis.com/auth/cloud-platform\n",
            ),
            ("universe/universe-domain", "googleapis.com"),
            ("", "instance/\nproject/\nuniverse/\n"),
        ];
        for (path, body) in table {
            assert_eq!(get(path), (200, body.to_owned()), "{path}");
        }
        assert_eq!(
            get("instance/service-accounts/"),
            (200, format!("default/\n{EMAIL}/\n"))
        );
    }

    #[test]
    fn refusals() {
        let plain: &[(&str, &str)] = &[("Host", "metadata")];
        let forwarded: &[(&str, &str)] = &[("Metadata-Flavor", "Google"), ("X-Forwarded-For", "")];
        let other: &[(&str, &str)] = &[("Metadata-Flavor", "Amazon")];
        let root = "/computeMetadata/v1/";
        let token = "/computeMetadata/v1/instance/service-accounts/default/token";
        let table = [
            (Method::GET, "/", plain, 200),
            (Method::HEAD, "/", plain, 200),
            (Method::GET, "/", forwarded, 403),
            (Method::GET, root, plain, 403),
            (Method::GET, token, plain, 403),
            (Method::GET, token, other, 403),
            (Method::GET, token, forwarded, 403),
            (Method::GET, token, FLAVORED, 200),
            (Method::POST, token, FLAVORED, 405),
            (Method::PUT, "/", plain, 405),
            (Method::GET, "/computeMetadata", FLAVORED, 301),
            (Method::GET, "/computeMetadata/v1", FLAVORED, 301),
            (Method::GET, "/computeMetadata/v2/", FLAVORED, 404),
            (Method::GET, "/latest/meta-data/", FLAVORED, 404),
            (
                Method::GET,
                "/computeMetadata/v1/project/project-id/",
                FLAVORED,
                404,
            ),
            (
                Method::GET,
                "/computeMetadata/v1/project/project-id/x",
                FLAVORED,
                404,
            ),
            (Method::GET, "/computeMetadata/v1//project/", FLAVORED, 404),
            (
                Method::GET,
                "/computeMetadata/v1/instance/service-accounts/x@y/token",
                FLAVORED,
                404,
            ),
            (
                Method::GET,
                "/computeMetadata/v1/instance/service-accounts/default/identity",
                FLAVORED,
                400,
            ),
        ];
        for (method, path, headers, expected) in table {
            let (status, head, body) = ask(&Minter::new(NOW), NOW, method.clone(), path, headers);
            let case = format!("{method} {path} {headers:?}");
            assert_eq!(status, expected, "{case}");
            assert_eq!(head[FLAVOR], "Google", "{case}");
            assert_eq!(head[SERVER], "Metadata Server for VM", "{case}");
            assert_eq!(body.starts_with("<!DOCTYPE html>"), status != 200, "{case}");
        }
    }

    #[test]
    fn a_directory_without_its_slash_is_elsewhere() {
        let table = [
            (
                FLAVORED,
                "http://metadata/computeMetadata/v1/instance/?recursive=true",
            ),
            (
                &[("Metadata-Flavor", "Google")],
                "/computeMetadata/v1/instance/?recursive=true",
            ),
        ];
        for (headers, place) in table {
            let path = "/computeMetadata/v1/instance?recursive=true";
            let (_, head, _) = ask(&Minter::new(NOW), NOW, Method::GET, path, headers);
            assert_eq!(head[LOCATION], place);
        }
    }

    #[test]
    fn recursion_gives_json_in_camel_case_or_flat_text() {
        let scope = "https://www.googleapis.com/auth/cloud-platform";
        let (_, body) = get("instance/service-accounts/default/?recursive=true");
        assert_eq!(
            serde_json::from_str::<Value>(&body).unwrap(),
            json!({"aliases": ["default"], "email": EMAIL, "scopes": [scope]})
        );
        let (_, body) = get("?recursive=true&alt=json");
        let all: Value = serde_json::from_str(&body).unwrap();
        assert_eq!(all["project"]["numericProjectId"], 100_000_000_001_u64);
        assert_eq!(all["instance"]["serviceAccounts"][EMAIL]["email"], EMAIL);
        assert_eq!(
            get("project/?recursive=true&alt=text").1,
            "numericProjectId 100000000001\nprojectId emulated\n"
        );
    }

    #[test]
    fn a_token_counts_down_and_is_replaced_shortly_before_its_end() {
        let minter = Minter::new(NOW);
        let token = |seconds| minter.token(NOW + Duration::from_secs(seconds));
        let first = token(0);
        assert_eq!(first.expires_in, 3599);
        assert_eq!(token(59).expires_in, 3540);
        assert_eq!(
            (token(3359).text, token(3359).expires_in),
            (first.text.clone(), 240)
        );
        assert_eq!(token(3360).expires_in, 3599);
        assert_ne!(token(3360).text, first.text);
        assert!(first.text.starts_with("emulated-") && first.text.len() == 49);
    }

    #[test]
    fn an_identity_token_can_be_read() {
        let place =
            "instance/service-accounts/default/identity?audience=https://a.example/%3Fb%3D1";
        let (status, token) = get(&format!("{place}&format=full"));
        let parts: Vec<_> = token.split('.').collect();
        assert_eq!((status, parts.len()), (200, 3));
        let claims: Value = serde_json::from_slice(&decoded(parts[1])).unwrap();
        assert_eq!(claims["aud"], "https://a.example/?b=1");
        assert_eq!(claims["exp"], 1_700_003_600);
        assert_eq!(claims["email"], EMAIL);
        let (_, standard) = get(place);
        let claims: Value =
            serde_json::from_slice(&decoded(standard.split('.').nth(1).unwrap())).unwrap();
        assert_eq!(claims["email"], Value::Null);
    }

    /// Base64url undone, by another way than it was made: bit by bit.
    fn decoded(text: &str) -> Vec<u8> {
        let bits: String = text
            .bytes()
            .map(|byte| match byte {
                b'A'..=b'Z' => byte - b'A',
                b'a'..=b'z' => byte - b'a' + 26,
                b'0'..=b'9' => byte - b'0' + 52,
                b'-' => 62,
                b'_' => 63,
                _ => panic!("`{text}` is not base64url"),
            })
            .map(|six| format!("{six:06b}"))
            .collect();
        bits.as_bytes()
            .chunks_exact(8)
            .map(|byte| u8::from_str_radix(std::str::from_utf8(byte).unwrap(), 2).unwrap())
            .collect()
    }

    #[test]
    fn base64url_by_the_vectors_of_the_rfc() {
        let table = [
            ("", ""),
            ("f", "Zg"),
            ("fo", "Zm8"),
            ("foo", "Zm9v"),
            ("foob", "Zm9vYg"),
            ("fooba", "Zm9vYmE"),
            ("foobar", "Zm9vYmFy"),
            ("\u{3ff}?", "z78_"),
        ];
        for (plain, coded) in table {
            assert_eq!(base64url(plain.as_bytes()), coded);
        }
    }
}
