//! Which way runup's own checks go: the plain rule that all clients agree on once the environment is mended.

use std::os::unix::ffi::OsStrExt;

use super::address::ProxyUrl;
use super::bypass::Bypass;
use crate::environment::Environment;

/// The proxies and the bypass list as an environment says them.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Settings {
    http: Option<Named>,
    https: Option<Named>,
    bypass: Bypass,
}

/// A proxy and the variable that names it.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Named {
    variable: &'static str,
    proxy: ProxyUrl,
}

/// The way to a URL.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Way {
    /// Straight to the host.
    Direct {
        /// The entry or the missing variable that decides, as a lower-case fragment.
        because: String,
    },
    /// Through a proxy.
    Via {
        /// The proxy.
        proxy: ProxyUrl,
        /// The variable that decides, as a lower-case fragment.
        because: String,
    },
}

impl Settings {
    /// Reads `environment`: the lower-case spelling first, `all_proxy` last, both bypass lists.
    pub fn read(environment: &Environment) -> Self {
        // A CGI program's caller chooses HTTP_PROXY by sending a `Proxy:` header; curl never reads it for that reason.
        let cgi = environment.has("REQUEST_METHOD");
        let first = |variables: &[&'static str]| {
            let mut trusted = variables
                .iter()
                .filter(|name| !(cgi && **name == "HTTP_PROXY"));
            trusted.find_map(|variable| {
                let value = environment.get(variable)?;
                let proxy = ProxyUrl::parse(value.as_bytes()).ok()?;
                Some(Named { variable, proxy })
            })
        };
        let http = first(&["http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"]);
        let https = first(&["https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY"]);
        let mut bypass = Bypass::default();
        // Where there is no proxy, nothing goes past it.
        if http.is_some() || https.is_some() {
            for variable in ["no_proxy", "NO_PROXY"] {
                if let Some(value) = environment.get(variable) {
                    // What is odd about it is told by the mend.
                    let _ = bypass.read(variable, value);
                }
            }
        }
        Self {
            http,
            https,
            bypass,
        }
    }

    /// The proxy for `http` URLs.
    pub fn http(&self) -> Option<&ProxyUrl> {
        self.http.as_ref().map(|named| &named.proxy)
    }

    /// The proxy for `https` URLs.
    pub fn https(&self) -> Option<&ProxyUrl> {
        self.https.as_ref().map(|named| &named.proxy)
    }

    /// The bypass list; empty where there is no proxy.
    pub fn bypass(&self) -> &Bypass {
        &self.bypass
    }

    /// The way to `url`.
    pub fn way(&self, url: &url::Url) -> Way {
        let direct = |because: String| Way::Direct { because };
        let (named, variable) = match url.scheme() {
            "http" | "ws" => (&self.http, "http_proxy"),
            "https" | "wss" => (&self.https, "https_proxy"),
            other => return direct(format!("no proxy variable is for `{other}` URLs")),
        };
        let Some(named) = named else {
            return direct(format!("`{variable}` is not set"));
        };
        let entry = url
            .host()
            .and_then(|host| self.bypass.entry_for(&host).cloned());
        match entry {
            Some(entry) => direct(format!("`no_proxy` lists `{entry}`")),
            None => Way::Via {
                proxy: named.proxy.clone(),
                because: format!("`{}` names it", named.variable),
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn way(environment: &[(&str, &str)], url: &str) -> String {
        let environment: Environment = environment.iter().copied().collect();
        match Settings::read(&environment).way(&url.parse().unwrap()) {
            Way::Direct { because } => format!("direct: {because}"),
            Way::Via { proxy, because } => format!("{proxy}: {because}"),
        }
    }

    #[test]
    fn goes_the_way_the_variables_say() {
        let both = [
            ("http_proxy", "http://u:p@squid:3128"),
            ("https_proxy", "http://other:3128"),
            ("no_proxy", "metadata,.corp.example,10.0.0.0/8"),
        ];
        for (url, expected) in [
            (
                "http://example.com/",
                "http://u:***@squid:3128: `http_proxy` names it",
            ),
            (
                "https://example.com/",
                "http://other:3128: `https_proxy` names it",
            ),
            (
                "https://nexus.corp.example/",
                "direct: `no_proxy` lists `.corp.example`",
            ),
            (
                "http://10.1.2.3:81/",
                "direct: `no_proxy` lists `10.0.0.0/8`",
            ),
            ("http://metadata/", "direct: `no_proxy` lists `metadata`"),
            (
                "tcp://nexus:1",
                "direct: no proxy variable is for `tcp` URLs",
            ),
        ] {
            assert_eq!(way(&both, url), expected);
        }
        assert_eq!(
            way(&both[..1], "https://a/"),
            "direct: `https_proxy` is not set"
        );
        assert_eq!(
            way(&[("ALL_PROXY", "squid:1")], "https://a/"),
            "http://squid:1: `ALL_PROXY` names it"
        );
        let star = [("http_proxy", "squid:1"), ("NO_PROXY", "*")];
        assert_eq!(way(&star, "http://a/"), "direct: `no_proxy` lists `*`");
    }

    #[test]
    fn does_not_trust_http_proxy_in_a_cgi_program() {
        let cgi = [("REQUEST_METHOD", "GET"), ("HTTP_PROXY", "http://evil:1")];
        assert_eq!(way(&cgi, "http://a/"), "direct: `http_proxy` is not set");
    }
}
