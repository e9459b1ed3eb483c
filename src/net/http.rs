//! One HTTP/1.1 request over a connection that is already there: no redirect, no more of the body than is needed.

use std::error::Error;
use std::time::Duration;

use http_body_util::{BodyExt, Empty, Limited};
use hyper::body::Bytes;
use hyper::client::conn::http1;
use hyper::header::{HOST, HeaderMap, RETRY_AFTER, USER_AGENT};
use hyper::{Method, Request, StatusCode};
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncWrite};

use crate::failure::{Failure, FailureKind, Phase};
use crate::net::Progress;

/// How runup names itself.
pub const AGENT: &str = concat!("runup/", env!("CARGO_PKG_VERSION"));

/// More of a body than this is not read.
pub const BODY_LIMIT: usize = 64 * 1024;

/// The head of an answer and the beginning of its body.
#[derive(Debug)]
pub struct Answer {
    /// The status.
    pub status: StatusCode,
    /// The header fields.
    pub headers: HeaderMap,
    /// The body, empty where it was longer than [`BODY_LIMIT`].
    pub body: Bytes,
}

/// Sends `GET target` and reads the answer.
///
/// # Errors
/// [`FailureKind::NotHttp`] where the other side speaks something else, [`FailureKind::Broken`] where it hangs up.
pub async fn get<S>(
    stream: S,
    host: &str,
    target: &str,
    extra: Option<(&str, String)>,
    progress: &Progress,
) -> Result<Answer, Failure>
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    progress.enter(Phase::Request, format!("`{host}`"));
    let failed = |error: hyper::Error| {
        // A request that was not sent any more carries what had ended the connection.
        let inner = error.source().and_then(|cause| cause.downcast_ref());
        let cause: &hyper::Error = inner.unwrap_or(&error);
        let kind = match cause.is_parse() || inner.is_some_and(came_unasked) {
            true => FailureKind::NotHttp,
            false => FailureKind::Broken,
        };
        Failure::new(Phase::Request, kind, cause.to_string())
    };
    let (mut sender, connection) = http1::handshake(TokioIo::new(stream))
        .await
        .map_err(failed)?;
    let connection = tokio::spawn(connection);
    let mut request = Request::builder()
        .method(Method::GET)
        .uri(target)
        .header(HOST, host)
        .header(USER_AGENT, AGENT)
        .header("accept", "*/*");
    if let Some((name, value)) = extra {
        request = request.header(name, value);
    }
    let request = request
        .body(Empty::<Bytes>::new())
        .map_err(|error| Failure::new(Phase::Request, FailureKind::NotHttp, error.to_string()))?;
    let answer = sender.send_request(request).await.map_err(failed)?;
    let (head, body) = answer.into_parts();
    // The status is what was asked for: a body that is too long or breaks off does not matter.
    let body = Limited::new(body, BODY_LIMIT)
        .collect()
        .await
        .map(http_body_util::Collected::to_bytes)
        .unwrap_or_default();
    connection.abort();
    Ok(Answer {
        status: head.status,
        headers: head.headers,
        body,
    })
}

/// Whether the connection ended since something came before the request was sent, which no HTTP server does. hyper has
/// no question for it, so it is what all others deny.
fn came_unasked(error: &hyper::Error) -> bool {
    error.source().is_none() && !error.is_closed() && !error.is_incomplete_message()
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
