//! The way through an HTTP proxy: CONNECT, with the name left to the proxy to resolve.

use hyper::body::Bytes;
use hyper::client::conn::http1;
use hyper::header::{HOST, USER_AGENT};
use hyper::{Method, Request};
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;

use crate::environment::proxy::ProxyUrl;
use crate::failure::{Failure, FailureKind, Phase};
use crate::net::{Progress, connect, http};

/// A connection to the proxy itself.
///
/// # Errors
/// As [`connect::connect`], with the proxy named as the hop.
pub async fn reach(proxy: &ProxyUrl, progress: &Progress) -> Result<TcpStream, Failure> {
    connect::connect(proxy.host(), proxy.port(), progress)
        .await
        .map_err(|failure| Failure {
            saw: format!("the proxy `{proxy}`: {}", failure.saw),
            ..failure
        })
}

/// A tunnel through `proxy` to `host:port`.
///
/// # Errors
/// [`FailureKind::ProxyAuthentication`], [`FailureKind::ProxyDenied`] or [`FailureKind::ProxyCannotReach`] by the
/// proxy's status, with its own words.
pub async fn tunnel(
    proxy: &ProxyUrl,
    host: &str,
    port: u16,
    progress: &Progress,
) -> Result<impl AsyncRead + AsyncWrite + Unpin + Send + use<>, Failure> {
    let stream = reach(proxy, progress).await?;
    progress.enter(Phase::Tunnel, format!("the proxy `{proxy}`"));
    let broken = |error: &dyn std::error::Error| {
        Failure::new(
            Phase::Tunnel,
            FailureKind::Broken,
            format!("the proxy `{proxy}`: {error}"),
        )
    };
    let (mut sender, connection) = http1::handshake(TokioIo::new(stream))
        .await
        .map_err(|error| broken(&error))?;
    tokio::spawn(connection.with_upgrades());
    let authority = format!("{host}:{port}");
    let mut request = Request::builder()
        .method(Method::CONNECT)
        .uri(&authority)
        .header(HOST, &authority)
        .header(USER_AGENT, http::AGENT);
    if let Some(value) = proxy.basic_authorization() {
        request = request.header("proxy-authorization", value);
    }
    let request = request
        .body(http_body_util::Empty::<Bytes>::new())
        .map_err(|error| broken(&error))?;
    let answer = sender
        .send_request(request)
        .await
        .map_err(|error| broken(&error))?;
    if answer.status().is_success() {
        let upgraded = hyper::upgrade::on(answer)
            .await
            .map_err(|error| broken(&error))?;
        return Ok(TokioIo::new(upgraded));
    }
    let status = answer.status().as_u16();
    let headers = answer.headers();
    let who = http::text(headers, "server").unwrap_or("unnamed");
    let error = http::text(headers, "x-squid-error")
        .map(|error| format!(", X-Squid-Error: {error}"))
        .unwrap_or_default();
    let saw =
        format!("the proxy `{proxy}` (`{who}`) answered {status} to CONNECT {authority}{error}");
    let retry_after = http::retry_after(headers);
    Err(Failure {
        retry_after,
        ..Failure::new(Phase::Tunnel, judge(status), saw)
    })
}

/// What a proxy's own status means.
pub fn judge(status: u16) -> FailureKind {
    match status {
        407 => FailureKind::ProxyAuthentication,
        500..=599 => FailureKind::ProxyCannotReach(status),
        _ => FailureKind::ProxyDenied(status),
    }
}
