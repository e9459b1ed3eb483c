//! One attempt to reach an endpoint, by the way that the command's clients will take.

use std::fmt;
use std::str::FromStr;

use hyper::header::LOCATION;
use tokio::io::{AsyncRead, AsyncWrite};
use url::Url;

use crate::environment::proxy::{self, ProxyUrl, Way};
use crate::failure::{Failure, FailureKind, Phase};
use crate::net::proxy as tunnel;
use crate::net::tls::Trust;
use crate::net::{Progress, connect, http, resolve};

/// What must answer.
#[derive(Clone, PartialEq, Eq)]
pub struct Target {
    url: Url,
    scheme: Scheme,
    host: String,
    port: u16,
}

/// How deep the check goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Scheme {
    Dns,
    Tcp,
    Tls,
    Http,
    Https,
}

impl FromStr for Target {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        const FORMS: &str =
            "write tcp://host:port, tls://host:port, http(s)://host[:port][/path] or dns://name";
        let url = Url::parse(text.trim()).map_err(|why| format!("not a URL ({why}); {FORMS}"))?;
        let scheme = match url.scheme() {
            "dns" => Scheme::Dns,
            "tcp" => Scheme::Tcp,
            "tls" => Scheme::Tls,
            "http" => Scheme::Http,
            "https" => Scheme::Https,
            other => return Err(format!("unknown scheme `{other}`; {FORMS}")),
        };
        let host = match url.host_str() {
            Some(host) if !host.is_empty() => host.to_owned(),
            _ => return Err(format!("no host in it; {FORMS}")),
        };
        if !url.username().is_empty() || url.password().is_some() {
            return Err("holds credentials, which a check does not send; take them out".to_owned());
        }
        if url.fragment().is_some() {
            return Err("holds a fragment (`#…`), which is never sent; take it out".to_owned());
        }
        let port = match scheme {
            Scheme::Dns => Some(url.port().unwrap_or(0)),
            _ => url.port_or_known_default(),
        };
        let Some(port) = port else {
            return Err(format!("has no port; write {}://{host}:PORT", url.scheme()));
        };
        let is_web = matches!(scheme, Scheme::Http | Scheme::Https);
        if !is_web && (!matches!(url.path(), "" | "/") || url.query().is_some()) {
            return Err(format!("a {} check has no path; take it out", url.scheme()));
        }
        if port == 0 && scheme != Scheme::Dns {
            return Err("port 0 cannot be connected to".to_owned());
        }
        Ok(Self {
            url,
            scheme,
            host,
            port,
        })
    }
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.url.as_str())
    }
}

impl fmt::Debug for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}")
    }
}

/// How an endpoint answered.
#[derive(Clone, Debug, PartialEq)]
pub struct Reached {
    /// The proxy that was used, without its credentials.
    pub via: Option<String>,
    /// The HTTP status.
    pub status: Option<u16>,
}

impl Target {
    /// The way the command's clients take to it: raw TCP and TLS clients know no HTTP proxy.
    pub fn way(&self, settings: &proxy::Settings) -> Way {
        match self.scheme {
            Scheme::Http | Scheme::Https => settings.way(&self.url),
            scheme => Way::Direct {
                because: format!("no client of {scheme:?} goes through an HTTP proxy"),
            },
        }
    }

    /// One attempt.
    ///
    /// # Errors
    /// The failure of the step that failed.
    pub async fn attempt(
        &self,
        settings: &proxy::Settings,
        trust: &Trust,
        progress: &Progress,
    ) -> Result<Reached, Failure> {
        let proxy = match self.way(settings) {
            Way::Direct { .. } => None,
            Way::Via { proxy, .. } => Some(proxy),
        };
        let status = match (self.scheme, &proxy) {
            (Scheme::Dns, _) => {
                resolve::resolve(&self.host, 0, progress).await?;
                None
            }
            (Scheme::Tcp, _) => {
                connect::connect(&self.host, self.port, progress).await?;
                None
            }
            (Scheme::Tls, _) => {
                let stream = connect::connect(&self.host, self.port, progress).await?;
                trust.handshake(stream, &self.host, progress).await?;
                None
            }
            (Scheme::Http, None) => {
                let stream = connect::connect(&self.host, self.port, progress).await?;
                Some(self.request(stream, None, progress).await?)
            }
            // To a proxy, a plain request names the whole URL.
            (Scheme::Http, Some(proxy)) => {
                let stream = tunnel::reach(proxy, progress).await?;
                Some(self.request(stream, Some(proxy), progress).await?)
            }
            (Scheme::Https, None) => {
                let stream = connect::connect(&self.host, self.port, progress).await?;
                let stream = trust.handshake(stream, &self.host, progress).await?;
                Some(self.request(stream, None, progress).await?)
            }
            (Scheme::Https, Some(proxy)) => {
                let stream = tunnel::tunnel(proxy, &self.host, self.port, progress).await?;
                let stream = trust.handshake(stream, &self.host, progress).await?;
                Some(self.request(stream, None, progress).await?)
            }
        };
        Ok(Reached {
            via: proxy.map(|proxy| proxy.to_string()),
            status,
        })
    }

    async fn request<S>(
        &self,
        stream: S,
        proxy: Option<&ProxyUrl>,
        progress: &Progress,
    ) -> Result<u16, Failure>
    where
        S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        let authority = match self.url.port() {
            Some(port) => format!("{}:{port}", self.host),
            None => self.host.clone(),
        };
        let path = &self.url[url::Position::BeforePath..url::Position::AfterQuery];
        let target = match proxy {
            Some(_) => self.url.as_str(),
            None => path,
        };
        let credentials = proxy
            .and_then(ProxyUrl::basic_authorization)
            .map(|value| ("proxy-authorization", value));
        let answer = http::get(stream, &authority, target, credentials, progress).await?;
        let status = answer.status.as_u16();
        let header = |name| http::text(&answer.headers, name);
        let error = header("x-squid-error");
        let kind = match status {
            // What the proxy itself says about the way, told apart from what the host says.
            407 if proxy.is_some() => FailureKind::ProxyAuthentication,
            403 | 502..=504 if proxy.is_some() && error.is_some() => tunnel::judge(status),
            ..500 => return Ok(status),
            _ => FailureKind::Status(status),
        };
        let mut saw = format!("{status} to GET {self}");
        for (name, value) in [
            ("through", proxy.map(ToString::to_string)),
            ("Server:", header("server").map(str::to_owned)),
            ("X-Squid-Error:", error.map(str::to_owned)),
            ("Location:", header(LOCATION.as_str()).map(str::to_owned)),
        ] {
            if let Some(value) = value {
                saw.push_str(&format!("; {name} {value}"));
            }
        }
        Err(Failure {
            retry_after: http::retry_after(&answer.headers),
            ..Failure::new(Phase::Response, kind, saw)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn targets_are_read_or_refused_with_the_mend() {
        for good in [
            "tcp://db:5432",
            "tls://nexus.corp.example:8443",
            "http://nexus.corp.example:8081/service/rest/v1/status?x=a,b",
            "https://github.corp.example",
            "tcp://[fd00::5]:80",
            "dns://nexus.corp.example",
        ] {
            assert!(good.parse::<Target>().is_ok(), "{good}");
        }
        for (bad, says) in [
            ("db:5432", "unknown scheme `db`"),
            ("nexus", "not a URL"),
            ("tcp://db", "no port; write tcp://db:PORT"),
            ("tcp://:80", "empty host"),
            ("tcp://db:0", "port 0"),
            ("tcp://db:99999", "not a URL"),
            ("tcp://db:80/x", "a tcp check has no path"),
            ("ftp://db:80", "unknown scheme `ftp`"),
            ("https://user:secret@nexus/", "holds credentials"),
        ] {
            let why = bad.parse::<Target>().unwrap_err();
            assert!(why.contains(says), "{bad}: {why}");
            assert!(!why.contains("secret"));
        }
    }
}
