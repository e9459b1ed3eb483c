//! The way through an HTTP proxy: CONNECT, with the name left to the proxy to resolve.

use crate::environment::proxy::{ProxyUrl, Scheme};
use crate::failure::{Failure, FailureKind, Phase};
use crate::net::tls::Trust;
use crate::net::{Progress, Wire, connect, http};
use hyper::body::Bytes;
use hyper::client::conn::http1;
use hyper::header::{HOST, HeaderMap, USER_AGENT};
use hyper::{Method, Request};
use hyper_util::rt::TokioIo;

/// A connection to the proxy itself.
///
/// # Errors
/// [`FailureKind::ProxyUnreachable`] with what kept from it, which for an `https://` proxy may be a failure of TLS, and
/// [`FailureKind::ProxyUnusable`] for SOCKS, which the checks do not speak.
pub async fn reach(proxy: &ProxyUrl, trust: &Trust, progress: &Progress) -> Result<Wire, Failure> {
    progress.through(proxy.to_string());
    let unreached = |failure: Failure| Failure {
        kind: match failure.kind {
            // The container's own.
            FailureKind::CaFile { .. } => failure.kind,
            kind => FailureKind::ProxyUnreachable(Box::new(kind)),
        },
        saw: format!("the proxy `{proxy}`: {}", failure.saw),
        ..failure
    };
    if proxy.scheme().is_socks() {
        let why = format!("runup's checks speak no SOCKS, as `{proxy}` wants");
        let kind = FailureKind::ProxyUnusable(why.clone());
        return Err(Failure::new(Phase::Local, kind, why));
    }
    let stream = connect::connect(proxy.host(), proxy.port(), progress)
        .await
        .map_err(unreached)?;
    let stream: Wire = Box::new(stream);
    match proxy.scheme() {
        Scheme::Https => {
            let agreed = trust.handshake(stream, proxy.host(), progress).await;
            Ok(agreed.map_err(unreached)?.0)
        }
        _ => Ok(stream),
    }
}

/// A tunnel through `proxy` to `authority`, which is host and port.
///
/// # Errors
/// As [`reach`]; [`FailureKind::ProxyAuthentication`], [`FailureKind::ProxyDenied`] or
/// [`FailureKind::ProxyCannotReach`] by the proxy's status, with its own words.
pub async fn tunnel(
    proxy: &ProxyUrl,
    authority: &str,
    trust: &Trust,
    progress: &Progress,
) -> Result<Wire, Failure> {
    let stream = reach(proxy, trust, progress).await?;
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
    let mut request = Request::builder()
        .method(Method::CONNECT)
        .uri(authority)
        .header(HOST, authority)
        .header(USER_AGENT, http::AGENT);
    if let Some(value) = proxy.basic_authorization() {
        request = request.header("proxy-authorization", value);
    }
    let request = request
        .body(http_body_util::Empty::<Bytes>::new())
        .map_err(|error| broken(&error))?;
    let answer = sender.send_request(request).await.map_err(|error| {
        let kind = match error.is_parse() {
            true => FailureKind::NotHttp,
            false => FailureKind::Broken,
        };
        Failure {
            kind,
            ..broken(&error)
        }
    })?;
    if answer.status().is_success() {
        let upgraded = hyper::upgrade::on(answer)
            .await
            .map_err(|error| broken(&error))?;
        return Ok(Box::new(TokioIo::new(upgraded)));
    }
    let status = answer.status().as_u16();
    let headers = answer.headers();
    let who = http::text(headers, "server").unwrap_or("unnamed");
    let error = own_error(headers).unwrap_or_default();
    let saw =
        format!("the proxy `{proxy}` (`{who}`) answered {status} to CONNECT {authority}{error}");
    let retry_after = http::retry_after(headers);
    Err(Failure {
        retry_after,
        ..Failure::new(Phase::Tunnel, judge(status, proxy), saw)
    })
}

/// What a proxy's own status means.
pub fn judge(status: u16, proxy: &ProxyUrl) -> FailureKind {
    match status {
        407 => FailureKind::ProxyAuthentication {
            is_given: proxy.credentials().is_some(),
        },
        408 | 429 | 500..=599 => FailureKind::ProxyCannotReach(status),
        _ => FailureKind::ProxyDenied(status),
    }
}

/// The header by which a proxy says that an answer is its own and not the host's: Squid's, or that of RFC 9209.
pub fn own_error(headers: &HeaderMap) -> Option<String> {
    let squid =
        http::text(headers, "x-squid-error").map(|error| format!("; X-Squid-Error: {error}"));
    let standard = http::text(headers, "proxy-status")
        .filter(|status| status.contains("error="))
        .map(|status| format!("; Proxy-Status: {status}"));
    squid.or(standard)
}

/// What `proxy://` asks: whether the proxy answers CONNECT at all. It is asked for itself, which most proxies deny, and a
/// denial is an answer.
///
/// # Errors
/// As [`tunnel`], but for what only a proxy would answer; [`FailureKind::NotAProxy`] where something else did.
pub async fn answers(proxy: &ProxyUrl, trust: &Trust, progress: &Progress) -> Result<(), Failure> {
    let authority = format!("{}:{}", proxy.host(), proxy.port());
    match tunnel(proxy, &authority, trust, progress).await {
        Ok(_) => Ok(()),
        Err(failure) => match failure.kind {
            FailureKind::ProxyDenied(403) | FailureKind::ProxyCannotReach(502..=504) => Ok(()),
            FailureKind::ProxyDenied(status) => Err(Failure {
                kind: FailureKind::NotAProxy(status),
                ..failure
            }),
            _ => Err(failure),
        },
    }
}
