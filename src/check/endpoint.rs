//! One attempt to reach an endpoint, by the way that the command's clients will take.

pub mod options;

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use hyper::header::{HeaderValue, LOCATION, PROXY_AUTHORIZATION};
use tokio::time::Instant;
use url::Url;

use self::options::{Options, Via};
use crate::environment::proxy::{self, ProxyUrl, Way};
use crate::failure::{Failure, FailureKind, Phase};
use crate::net::certificate::Certificate;
use crate::net::http::{self, Question};
use crate::net::proxy as tunnel;
use crate::net::tls::Trust;
use crate::net::trace::Trace;
use crate::net::{Progress, Wire, connect, resolve};

/// What servers say to plain HTTP on their TLS port: nginx, Apache, Go.
const TLS_EXPECTED: [&str; 3] = [
    "plain HTTP request was sent to HTTPS port",
    "speaking plain HTTP to an SSL-enabled server port",
    "Client sent an HTTP request to an HTTPS server",
];

/// What must answer.
#[derive(Clone, PartialEq, Eq)]
pub struct Target {
    /// Without its fragment.
    url: Url,
    scheme: Scheme,
    host: String,
    port: u16,
    options: Box<Options>,
}

/// How deep the check goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Scheme {
    Dns,
    Tcp,
    Tls,
    Http,
    Https,
    Proxy,
}

impl FromStr for Target {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        const FORMS: &str = "write tcp://host:port, tls://host:port, http(s)://host[:port][/path], dns://name or proxy://host:port";
        let mut url =
            Url::parse(text.trim()).map_err(|why| format!("not a URL ({why}); {FORMS}"))?;
        let scheme = match url.scheme() {
            "dns" => Scheme::Dns,
            "tcp" => Scheme::Tcp,
            "tls" => Scheme::Tls,
            "http" => Scheme::Http,
            "https" => Scheme::Https,
            "proxy" => Scheme::Proxy,
            other => return Err(format!("unknown scheme `{other}`; {FORMS}")),
        };
        let host = match url.host_str() {
            Some(host) if !host.is_empty() => host.to_owned(),
            _ => return Err(format!("no host in it; {FORMS}")),
        };
        if !url.username().is_empty() || url.password().is_some() {
            return Err(match scheme {
                Scheme::Proxy => "holds credentials, which any listing of the processes would show; runup takes those of the proxy variables",
                _ => "holds credentials, which a check does not send; take them out",
            }
            .to_owned());
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
        let has_way = !matches!(scheme, Scheme::Dns | Scheme::Proxy);
        let options = Options::read(url.fragment().unwrap_or_default(), is_web, has_way)?;
        url.set_fragment(None);
        Ok(Self {
            url,
            scheme,
            host,
            port,
            options: Box::new(options),
        })
    }
}

/// The URL without its fragment, where secrets may stand.
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
    /// The steps, and the proxy that was used.
    pub trace: Trace,
    /// The HTTP status.
    pub status: Option<u16>,
    /// Where it redirects to, which was not followed; without the query.
    pub redirect: Option<String>,
    /// Of the certificates that it presented, the one that ends first.
    pub certificate: Option<Certificate>,
}

/// That a host which failed answers by the other way.
#[derive(Clone, Debug, PartialEq, serde::Serialize)]
pub struct OtherWay {
    /// The proxy that it answers by, without its credentials; `None` where it answers directly.
    pub proxy: Option<String>,
    /// Why the way was taken that failed, as a lower-case fragment.
    pub because: String,
    /// The host, as a bypass list names it.
    pub host: String,
    /// The status that it answered, for http and https.
    pub status: Option<u16>,
    /// How long it took.
    #[serde(skip)]
    pub took: Duration,
}

impl Target {
    /// What its fragment said.
    pub fn options(&self) -> &Options {
        &self.options
    }

    /// Whether it is a proxy that is checked itself.
    pub fn is_proxy(&self) -> bool {
        self.scheme == Scheme::Proxy
    }

    /// The way the command's clients take to it: raw TCP and TLS clients know no HTTP proxy.
    ///
    /// # Errors
    /// [`FailureKind::ProxyUnusable`] where a proxy is asked for and there is none.
    pub fn way(&self, settings: &proxy::Settings) -> Result<Way, Failure> {
        let proxy = match self.scheme {
            Scheme::Http => settings.http(),
            _ => settings.https(),
        };
        match (self.options.via, self.scheme, proxy) {
            (None, Scheme::Http | Scheme::Https, _) => Ok(settings.way(&self.url)),
            (None, scheme, _) => Ok(Way::Direct {
                because: format!("no client of {scheme:?} goes through an HTTP proxy"),
            }),
            (Some(Via::Direct), ..) => Ok(Way::Direct {
                because: "`via=direct` says so".to_owned(),
            }),
            (Some(Via::Proxy), _, Some(proxy)) => Ok(Way::Via {
                proxy: proxy.clone(),
                because: "`via=proxy` says so".to_owned(),
            }),
            (Some(Via::Proxy), _, None) => {
                let why = "`via=proxy`, but no proxy variable names one";
                let kind = FailureKind::ProxyUnusable(why.to_owned());
                Err(Failure::new(Phase::Local, kind, why))
            }
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
        let way = self.way(settings)?;
        self.attempt_by(&way, settings, trust, progress).await
    }

    /// One attempt by the way that the environment does not say, where there is one.
    pub async fn attempt_otherwise(
        &self,
        settings: &proxy::Settings,
        trust: &Trust,
    ) -> Option<OtherWay> {
        let is_web = matches!(self.scheme, Scheme::Http | Scheme::Https);
        if !is_web || self.options.via.is_some() {
            return None;
        }
        let (way, because) = match (settings.way(&self.url), self.scheme) {
            (Way::Via { because, .. }, _) => {
                let direct = Way::Direct {
                    because: String::new(),
                };
                (direct, because)
            }
            (Way::Direct { because }, scheme) => {
                let proxy = match scheme {
                    Scheme::Http => settings.http(),
                    _ => settings.https(),
                };
                let proxy = proxy?.clone();
                let by_proxy = Way::Via {
                    proxy,
                    because: String::new(),
                };
                (by_proxy, because)
            }
        };
        let begin = Instant::now();
        let progress = Progress::default();
        let reached = self.attempt_by(&way, settings, trust, &progress).await;
        let reached = reached.ok()?;
        Some(OtherWay {
            proxy: reached.trace.proxy,
            because,
            host: connect::bare(&self.host).to_owned(),
            status: reached.status,
            took: begin.elapsed(),
        })
    }

    async fn attempt_by(
        &self,
        way: &Way,
        settings: &proxy::Settings,
        trust: &Trust,
        progress: &Progress,
    ) -> Result<Reached, Failure> {
        let proxy = match way {
            Way::Direct { .. } => None,
            Way::Via { proxy, .. } => Some(proxy),
        };
        let mut reached = Reached {
            trace: Trace::default(),
            status: None,
            redirect: None,
            certificate: None,
        };
        let done = self
            .steps(proxy, settings, trust, progress, &mut reached)
            .await;
        let trace = progress.end(done.is_ok());
        match done {
            Ok(()) => Ok(Reached { trace, ..reached }),
            Err(failure) => Err(failure.with(trace)),
        }
    }

    async fn steps(
        &self,
        proxy: Option<&ProxyUrl>,
        settings: &proxy::Settings,
        trust: &Trust,
        progress: &Progress,
        reached: &mut Reached,
    ) -> Result<(), Failure> {
        match self.scheme {
            Scheme::Dns => return resolve::resolve(&self.host, 0, progress).await.map(|_| ()),
            Scheme::Proxy => {
                let proxy = self.own_proxy(settings);
                return Box::pin(tunnel::answers(&proxy, trust, progress)).await;
            }
            _ => {}
        }
        // What goes further than a connection is on the heap: of the plain ones there may be hundreds.
        let mut stream: Wire = match (self.scheme, proxy) {
            (_, None) => Box::new(connect::connect(&self.host, self.port, progress).await?),
            // To a proxy, a plain request names the whole URL.
            (Scheme::Http, Some(proxy)) => Box::pin(tunnel::reach(proxy, trust, progress)).await?,
            (_, Some(proxy)) => {
                let authority = format!("{}:{}", self.host, self.port);
                Box::pin(tunnel::tunnel(proxy, &authority, trust, progress)).await?
            }
        };
        if matches!(self.scheme, Scheme::Tls | Scheme::Https) {
            let agreed = trust.handshake(stream, &self.host, progress);
            (stream, reached.certificate) = Box::pin(agreed).await?;
        }
        match self.scheme {
            Scheme::Http => Box::pin(self.request(stream, proxy, progress, reached)).await,
            Scheme::Https => Box::pin(self.request(stream, None, progress, reached)).await,
            _ => Ok(()),
        }
    }

    /// The proxy that a `proxy://` check asks, with the credentials that the environment has for it.
    fn own_proxy(&self, settings: &proxy::Settings) -> ProxyUrl {
        let is_it = |proxy: &&ProxyUrl| proxy.host() == self.host && proxy.port() == self.port;
        let known = settings.https().filter(is_it);
        known
            .or(settings.http().filter(is_it))
            .map_or_else(|| ProxyUrl::plain(&self.host, self.port), ProxyUrl::clone)
    }

    async fn request(
        &self,
        stream: Wire,
        proxy: Option<&ProxyUrl>,
        progress: &Progress,
        reached: &mut Reached,
    ) -> Result<(), Failure> {
        let authority = match self.url.port() {
            Some(port) => format!("{}:{port}", self.host),
            None => self.host.clone(),
        };
        let path = &self.url[url::Position::BeforePath..url::Position::AfterQuery];
        let mut headers = self.options.headers.clone();
        let credentials = proxy
            .and_then(ProxyUrl::basic_authorization)
            .and_then(|value| HeaderValue::try_from(value).ok());
        headers.extend(credentials.map(|value| (PROXY_AUTHORIZATION, value)));
        let hop = match proxy {
            Some(proxy) => format!("the proxy `{proxy}`, asked for `{authority}`"),
            None => format!("`{authority}`"),
        };
        let question = Question {
            method: &self.options.method,
            host: &authority,
            hop: &hop,
            target: match proxy {
                Some(_) => self.url.as_str(),
                None => path,
            },
            headers: &headers,
            wants_body: self.options.body.is_some(),
        };
        let answer = http::ask(stream, &question, progress).await?;
        let status = answer.status.as_u16();
        reached.status = Some(status);
        let header = |name| http::text(&answer.headers, name);
        let without_query = |place: &str| place.split('?').next().unwrap_or_default().to_owned();
        let location = header(LOCATION.as_str()).map(without_query);
        reached.redirect = location.clone().filter(|_| answer.status.is_redirection());
        let error = proxy.and_then(|_| tunnel::own_error(&answer.headers));
        let body = String::from_utf8_lossy(&answer.body);
        let lacking = self
            .options
            .body
            .as_ref()
            .filter(|wanted| !body.contains(*wanted));
        let kind = match (status, proxy) {
            // What the proxy itself says about the way, told apart from what the host says.
            (407, Some(proxy)) => tunnel::judge(status, proxy),
            (_, Some(proxy)) if error.is_some() && !self.options.expect_names(status) => {
                tunnel::judge(status, proxy)
            }
            (400, _)
                if self.scheme == Scheme::Http
                    && TLS_EXPECTED.iter().any(|text| body.contains(text)) =>
            {
                FailureKind::TlsExpected
            }
            _ if !self.options.expects(status) => FailureKind::Status(status),
            _ => match lacking {
                Some(text) => FailureKind::BodyLacks(text.clone()),
                None => return Ok(()),
            },
        };
        progress.enter(Phase::Response, hop);
        let mut saw = format!("{status} to {} {self}", self.options.method);
        for (name, value) in [
            ("through", proxy.map(ToString::to_string)),
            ("Server:", header("server").map(str::to_owned)),
            ("Location:", location),
        ] {
            if let Some(value) = value {
                saw.push_str(&format!("; {name} {value}"));
            }
        }
        saw.push_str(&error.unwrap_or_default());
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
            "proxy://squid:3128",
            "https://nexus/#expect=200-399&timeout=5s&via=proxy&attempts=3",
            "tcp://db:5432#timeout=1s",
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
            ("proxy://user:secret@squid:1", "holds credentials"),
            ("proxy://squid", "no port; write proxy://squid:PORT"),
            ("tcp://db:1#expect=200", "`expect` is for http"),
            ("dns://db#via=direct", "`via` is for checks that connect"),
            ("https://nexus/#wait=3", "unknown option `wait`"),
        ] {
            let why = bad.parse::<Target>().unwrap_err();
            assert!(why.contains(says), "{bad}: {why}");
            assert!(!why.contains("secret"));
        }
    }

    #[test]
    fn a_fragment_is_never_shown() {
        let target: Target = "https://nexus/a?b=c#header=Authorization:Bearer%20secret"
            .parse()
            .unwrap();
        assert_eq!(target.to_string(), "https://nexus/a?b=c");
        assert_eq!(format!("{target:?}"), "https://nexus/a?b=c");
    }

    #[test]
    fn the_way_is_the_environments_unless_it_is_named() {
        let settings = |variables: &[(&str, &str)]| {
            let environment: crate::environment::Environment = variables.iter().copied().collect();
            proxy::Settings::read(&environment)
        };
        let proxied = settings(&[("https_proxy", "http://squid:1"), ("no_proxy", ".corp")]);
        for (url, way) in [
            ("https://public/", "http://squid:1"),
            ("https://nexus.corp/", "direct"),
            ("https://public/#via=direct", "direct"),
            ("https://nexus.corp/#via=proxy", "http://squid:1"),
            ("tcp://public:1", "direct"),
            ("tcp://public:1#via=proxy", "http://squid:1"),
            ("tls://public:1", "direct"),
        ] {
            let target: Target = url.parse().unwrap();
            let found = match target.way(&proxied).unwrap() {
                Way::Direct { .. } => "direct".to_owned(),
                Way::Via { proxy, .. } => proxy.to_string(),
            };
            assert_eq!(found, way, "{url}");
        }
        let target: Target = "https://a/#via=proxy".parse().unwrap();
        let failure = target.way(&settings(&[])).unwrap_err();
        assert!(matches!(failure.kind, FailureKind::ProxyUnusable(_)));
    }
}
