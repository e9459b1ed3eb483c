//! One HTTP/1.1 request over a connection that is already there: no redirect, no more of the body than is needed.

use std::error::Error;
use std::time::Duration;

use http_body_util::{BodyExt, Empty};
use hyper::body::Bytes;
use hyper::client::conn::http1;
use hyper::header::{ACCEPT, HOST, HeaderMap, HeaderName, HeaderValue, RETRY_AFTER, USER_AGENT};
use hyper::{Method, Request, StatusCode};
use hyper_util::rt::TokioIo;

use crate::failure::{Failure, FailureKind, Phase};
use crate::net::{Progress, Wire};

/// How runup names itself.
pub const AGENT: &str = concat!("runup/", env!("CARGO_PKG_VERSION"));

/// More of a body than this is not read.
pub const BODY_LIMIT: usize = 64 * 1024;

/// What is asked.
#[derive(Debug)]
pub struct Question<'a> {
    /// The method.
    pub method: &'a Method,
    /// The authority that the `Host` field names.
    pub host: &'a str,
    /// Who is to answer, as it is shown.
    pub hop: &'a str,
    /// The path, or for a proxy the whole URL.
    pub target: &'a str,
    /// More header fields; one that runup sends by itself is replaced.
    pub headers: &'a [(HeaderName, HeaderValue)],
    /// Whether the body is wanted, too. That of a 400 always is: it may tell that TLS was expected.
    pub wants_body: bool,
}

/// The head of an answer and the beginning of its body.
#[derive(Debug)]
pub struct Answer {
    /// The status.
    pub status: StatusCode,
    /// The header fields.
    pub headers: HeaderMap,
    /// Where it is wanted, the first [`BODY_LIMIT`] bytes of the body, or as many as came before the connection broke.
    pub body: Bytes,
}

/// Asks `question` and reads the answer.
///
/// # Errors
/// [`FailureKind::NotHttp`] where the other side speaks something else, [`FailureKind::Broken`] where it hangs up.
pub async fn ask(
    stream: Wire,
    question: &Question<'_>,
    progress: &Progress,
) -> Result<Answer, Failure> {
    let Question { host, hop, .. } = *question;
    progress.enter(Phase::Request, hop);
    let failed = |error: hyper::Error| {
        // A request that was not sent any more carries what had ended the connection.
        let inner = error.source().and_then(|cause| cause.downcast_ref());
        let cause: &hyper::Error = inner.unwrap_or(&error);
        let kind = match cause.is_parse() || inner.is_some_and(came_unasked) {
            true => FailureKind::NotHttp,
            false => FailureKind::Broken,
        };
        Failure::new(Phase::Request, kind, format!("{hop}: {cause}"))
    };
    let (mut sender, connection) = http1::handshake(TokioIo::new(stream))
        .await
        .map_err(failed)?;
    let connection = tokio::spawn(connection);
    let mut request = Request::builder()
        .method(question.method)
        .uri(question.target)
        .header(HOST, host)
        .header(USER_AGENT, AGENT)
        .header(ACCEPT, "*/*")
        .body(Empty::<Bytes>::new())
        .map_err(|error| Failure::new(Phase::Request, FailureKind::NotHttp, error.to_string()))?;
    for (name, _) in question.headers {
        request.headers_mut().remove(name);
    }
    for (name, value) in question.headers {
        request.headers_mut().append(name, value.clone());
    }
    let answer = sender.send_request(request).await.map_err(failed)?;
    let (head, mut frames) = answer.into_parts();
    // The status is what was asked for: that the body breaks off does not matter.
    let mut body = Vec::new();
    let wanted = question.wants_body || head.status == StatusCode::BAD_REQUEST;
    while wanted
        && body.len() < BODY_LIMIT
        && let Some(Ok(frame)) = frames.frame().await
    {
        body.extend(frame.into_data().unwrap_or_default());
    }
    body.truncate(BODY_LIMIT);
    connection.abort();
    Ok(Answer {
        status: head.status,
        headers: head.headers,
        body: body.into(),
    })
}

/// Whether the connection ended since something came before the request was sent, which no HTTP server does. hyper has
/// no question for it, so it is what all others deny.
pub fn came_unasked(error: &hyper::Error) -> bool {
    error.source().is_none()
        && !error.is_closed()
        && !error.is_incomplete_message()
        && !error.is_canceled()
}

/// The time a Retry-After header asks for, in seconds or as a date.
pub fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    let value = headers.get(RETRY_AFTER)?.to_str().ok()?.trim();
    if let Ok(seconds) = value.parse() {
        return Some(Duration::from_secs(seconds));
    }
    let date = httpdate::parse_http_date(value).ok()?;
    date.duration_since(std::time::SystemTime::now()).ok()
}

/// A header's value as text.
pub fn text<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers.get(name).and_then(|value| value.to_str().ok())
}
