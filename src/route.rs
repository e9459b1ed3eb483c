//! Which way would each HTTP client send this URL?
//!
//! There is no standard for `*_proxy` and `no_proxy`; every client reads them in its own way. This is a model of those ways:
//! data ([`clients`]) composed of three small engines, all pure.
//!
//! - `variables`: which variables are read, in which case and order, and what an empty one means;
//! - `value`: what becomes of a proxy's value, the well-formed and the malformed one;
//! - `bypass`: the grammar of the bypass list, as the list of comparisons that a client makes.
//!
//! The table is measured, not remembered: `tests/route_golden.rs` replays each recorded outcome. What nobody measured or
//! read is [`Route::Unknown`]; it is never guessed. docs/clients.md shows which is which.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr};

use url::{Host, Url};

use crate::environment::Environment;

mod bypass;
mod java;
mod reader;
mod table;
mod value;
mod variables;

/// The way a request takes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Route {
    /// Straight to the host.
    Direct,
    /// Through this proxy.
    Via(ProxyAddress),
    /// Nowhere: the client refuses or crashes, or speaks to the proxy in a way it cannot understand. Says why.
    Fails(&'static str),
    /// Neither measured nor read.
    Unknown,
}

impl fmt::Display for Route {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Direct => f.write_str("direct"),
            Self::Via(proxy) => write!(f, "via {proxy}"),
            Self::Fails(why) => write!(f, "fails: {why}"),
            Self::Unknown => f.write_str("unknown"),
        }
    }
}

/// How a client speaks to its proxy.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ProxyScheme {
    /// Plain HTTP.
    Http,
    /// HTTP inside TLS.
    Https,
    /// `socks://`: version 4 or 5, as the client pleases.
    Socks,
    /// `socks5://`: the client looks the name up.
    Socks5,
    /// `socks5h://`: the proxy looks the name up.
    Socks5h,
}

impl ProxyScheme {
    /// As it is written in a URL.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Http => "http",
            Self::Https => "https",
            Self::Socks => "socks",
            Self::Socks5 => "socks5",
            Self::Socks5h => "socks5h",
        }
    }
}

/// Where a proxy listens. It keeps no credentials, only whether there were some.
#[derive(Clone, PartialEq, Eq)]
pub struct ProxyAddress {
    /// How it is spoken to.
    pub scheme: ProxyScheme,
    /// A name or an IPv4 address.
    pub host: String,
    /// The port, the client's own default where the value names none.
    pub port: u16,
    /// Whether the value holds a user or a password.
    pub credentials: bool,
}

impl fmt::Display for ProxyAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let secret = if self.credentials { "***@" } else { "" };
        let Self {
            scheme, host, port, ..
        } = self;
        write!(f, "{}://{secret}{host}:{port}", scheme.as_str())
    }
}

impl fmt::Debug for ProxyAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}")
    }
}

/// What decided.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Because {
    /// The value of this variable.
    Variable(String),
    /// An entry of a bypass list.
    Entry {
        /// The variable that holds the list.
        variable: String,
        /// The entry as the client understood it, what stands before an `@` left out.
        entry: String,
    },
    /// A rule of the client's own, as a lower-case fragment.
    Rule(&'static str),
}

impl fmt::Display for Because {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Variable(name) => write!(f, "`{name}`"),
            Self::Entry { variable, entry } => write!(f, "`{entry}` in `{variable}`"),
            Self::Rule(rule) => f.write_str(rule),
        }
    }
}

/// A route and what led to it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Decision {
    /// The way.
    pub route: Route,
    /// What decided; `None` where no variable that the client reads is set.
    pub because: Option<Because>,
}

impl Decision {
    fn new(route: Route, because: Because) -> Self {
        Self {
            route,
            because: Some(because),
        }
    }

    fn rule(route: Route, rule: &'static str) -> Self {
        Self::new(route, Because::Rule(rule))
    }

    /// Direct, for no variable that the client reads is set.
    const UNPROXIED: Self = Self {
        route: Route::Direct,
        because: None,
    };
}

/// How a fact about a client is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Knowledge {
    /// Observed at a real proxy and a real target, by this program.
    Measured,
    /// Observed in another program that shares this code, or read in the client's source or documentation.
    Read,
    /// Neither. Where the client does anything that is not known, the route is [`Route::Unknown`].
    Unknown,
}

impl Knowledge {
    /// One lower-case word.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Measured => "measured",
            Self::Read => "read",
            Self::Unknown => "unknown",
        }
    }
}

/// How the three parts of a client's reading are known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Known {
    /// Which variables, and their precedence.
    pub variables: Knowledge,
    /// What becomes of unusual proxy values.
    pub values: Knowledge,
    /// The grammar of the bypass list.
    pub bypass: Knowledge,
}

/// Whether variables can steer a client.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Steering {
    /// The proxy and the bypass list.
    Full,
    /// The proxy, but no bypass list. Says what to do.
    NoBypass(&'static str),
    /// By options in `JAVA_TOOL_OPTIONS`, not by `*_proxy`.
    JavaOptions,
    /// Not at all: always direct. Says why.
    Never(&'static str),
    /// Nobody looked.
    Unknown,
}

/// One HTTP client, and how it reads the environment.
#[derive(Debug)]
pub struct Client {
    name: &'static str,
    versions: &'static str,
    known: Known,
    google: Option<&'static str>,
    engine: Engine,
}

/// How a client finds its way.
#[derive(Debug)]
enum Engine {
    Variables(&'static reader::Reader),
    Java,
    Direct(&'static str),
    Unknown,
}

impl Client {
    /// The name that users know; unique.
    pub fn name(&self) -> &'static str {
        self.name
    }

    /// The versions that were looked at.
    pub fn versions(&self) -> &'static str {
        self.versions
    }

    /// How the table knows it.
    pub fn known(&self) -> Known {
        self.known
    }

    /// Which requests of Google's tools and libraries take this way, if any.
    pub fn google(&self) -> Option<&'static str> {
        self.google
    }

    /// Whether variables can steer it, and if not why not.
    pub fn steering(&self) -> Steering {
        match self.engine {
            Engine::Variables(reader) => reader.steering(),
            Engine::Java => Steering::JavaOptions,
            Engine::Direct(why) => Steering::Never(why),
            Engine::Unknown => Steering::Unknown,
        }
    }

    /// The way this client would send `url`. Names are not looked up (see [`Client::decide_resolved`]), but for those whose
    /// addresses are no question: `localhost` and the metadata server's.
    ///
    /// [`Url`] has lower-cased the host and dropped a default port. A client that compares the URL as it was typed (aria2 and
    /// LWP the case, urllib and requests an explicit `:80`) may therefore differ for such a URL.
    pub fn decide(&self, environment: &Environment, url: &Url) -> Decision {
        let known = match url.domain().map(|name| name.trim_end_matches('.')) {
            Some("localhost") => &[IpAddr::V4(Ipv4Addr::LOCALHOST)][..],
            Some("metadata.google.internal" | "metadata") => {
                &[IpAddr::V4(Ipv4Addr::new(169, 254, 169, 254))]
            }
            _ => &[],
        };
        self.decide_resolved(environment, url, known)
    }

    /// The way this client would send `url`, if the host's name has these addresses. Only Ruby compares them with the list.
    pub fn decide_resolved(
        &self,
        environment: &Environment,
        url: &Url,
        addresses: &[IpAddr],
    ) -> Decision {
        let Some(asked) = Asked::new(url, addresses) else {
            return Decision::rule(Route::Unknown, "only http and https URLs are modelled");
        };
        match &self.engine {
            Engine::Variables(reader) => reader.decide(environment, &asked),
            Engine::Java => java::decide(environment, &asked),
            Engine::Direct(why) => Decision::rule(Route::Direct, why),
            Engine::Unknown => Decision::rule(Route::Unknown, "nobody measured or read it"),
        }
    }
}

/// Whom no bypass list serves, though variables can steer it: URLs of the metadata server, and the clients that ask a proxy
/// for them whatever the list says. gRPC was not asked.
pub const NOT_SERVED: &[(&str, &[&str])] = &[
    (
        "http://metadata.google.internal.",
        &["npm", "make-fetch-happen (Node)"],
    ),
    (
        "http://[fd20:ce::254]",
        &[
            "npm",
            "google-auth-library (Node)",
            "urllib (Python)",
            "botocore (Python)",
            "gRPC",
            "Net::HTTP (Ruby)",
            "open-uri (Ruby)",
            "Faraday (Ruby)",
            "HTTP::Tiny (Perl)",
            "fetch (Node)",
            "undici (EnvHttpProxyAgent)",
            "gaxios (Node)",
            "proxy-agent (Node)",
            "make-fetch-happen (Node)",
            "ureq (Rust)",
            "attohttpc (Rust)",
        ],
    ),
];

/// Every client of the model.
pub fn clients() -> &'static [Client] {
    table::CLIENTS
}

/// The client of this name.
pub fn client(name: &str) -> Option<&'static Client> {
    clients().iter().find(|client| client.name == name)
}

/// A URL, in the forms that clients compare.
struct Asked<'a> {
    https: bool,
    /// Lower-case, without brackets; a trailing dot stays.
    host: String,
    /// Where the host is an address.
    ip: Option<IpAddr>,
    /// What a name resolves to, as far as it is known.
    addresses: &'a [IpAddr],
    /// The port, the scheme's default where the URL names none.
    port: u16,
    /// The port that the URL names, unless it is the scheme's default.
    explicit_port: Option<u16>,
    url: &'a Url,
}

impl<'a> Asked<'a> {
    fn new(url: &'a Url, addresses: &'a [IpAddr]) -> Option<Self> {
        let https = match url.scheme() {
            "http" => false,
            "https" => true,
            _ => return None,
        };
        let (host, ip) = match url.host()? {
            Host::Domain(name) => (name.to_owned(), None),
            Host::Ipv4(ip) => (ip.to_string(), Some(IpAddr::V4(ip))),
            Host::Ipv6(ip) => (ip.to_string(), Some(IpAddr::V6(ip))),
        };
        Some(Self {
            https,
            host,
            ip,
            addresses,
            port: url.port_or_known_default()?,
            explicit_port: url.port(),
            url,
        })
    }

    /// The host as a URL writes it: an IPv6 address in brackets.
    fn bracketed(&self) -> String {
        match self.ip {
            Some(IpAddr::V6(ip)) => format!("[{ip}]"),
            _ => self.host.clone(),
        }
    }

    /// Whether the host names this machine; other names may still resolve to it.
    fn is_loopback(&self) -> bool {
        match self.ip {
            Some(ip) => ip.is_loopback(),
            None => self.host == "localhost",
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use proptest::prelude::*;

    use super::*;

    #[test]
    fn names_are_unique() {
        let names: HashSet<_> = clients().iter().map(Client::name).collect();
        assert_eq!(names.len(), clients().len());
    }

    #[test]
    fn java_is_steered_by_options() {
        let java = client("Java").unwrap();
        assert_eq!(java.steering(), Steering::JavaOptions);
        let variables = [
            ("http_proxy", "http://squid:1"),
            (
                "JAVA_TOOL_OPTIONS",
                "-Dhttp.proxyHost=squid -Dhttp.nonProxyHosts=*.b",
            ),
        ];
        let decided = |count, url: &str| {
            let environment: Environment = variables.iter().take(count).copied().collect();
            java.decide(&environment, &url.parse().unwrap())
                .route
                .to_string()
        };
        assert_eq!(decided(1, "http://x"), "direct");
        assert_eq!(decided(2, "http://x"), "via http://squid:80");
        assert_eq!(decided(2, "https://x"), "direct");
        assert_eq!(decided(2, "http://x.b"), "direct");
        assert_eq!(decided(2, "http://localhost"), "direct");
    }

    /// The address of the metadata server has no secret; that its name resolves to it does not wait for DNS.
    #[test]
    fn ruby_knows_the_metadata_servers_address() {
        let ruby = client("Net::HTTP (Ruby)").unwrap();
        let environment: Environment = [
            ("http_proxy", "http://squid:1"),
            ("no_proxy", "169.254.169.254"),
        ]
        .into_iter()
        .collect();
        for (url, expected) in [
            ("http://metadata.google.internal./", "direct"),
            ("http://metadata/", "direct"),
            ("http://localhost/", "direct"),
            ("http://x/", "via http://squid:1"),
        ] {
            let route = ruby.decide(&environment, &url.parse().unwrap()).route;
            assert_eq!(route.to_string(), expected, "{url}");
        }
    }

    #[test]
    fn only_ruby_looks_behind_a_name() {
        let environment: Environment =
            [("http_proxy", "http://squid:1"), ("no_proxy", "10.0.0.0/8")]
                .into_iter()
                .collect();
        let decided = |name, addresses: &[IpAddr]| {
            let url = "http://x/".parse().unwrap();
            client(name)
                .unwrap()
                .decide_resolved(&environment, &url, addresses)
                .route
        };
        let (listed, loopback) = ([10, 1, 2, 3].into(), [127, 0, 0, 2].into());
        for address in [listed, loopback] {
            assert_eq!(decided("Net::HTTP (Ruby)", &[address]), Route::Direct);
            for other in ["net/http (Go)", "curl 7", "axios (Node)"] {
                assert_ne!(decided(other, &[address]), Route::Direct, "{other}");
            }
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(512))]

        /// Any environment has a decision, and none of them shows a password.
        #[test]
        fn no_environment_breaks_it_or_makes_it_talk(
            around in proptest::collection::vec("[\\PC\n\r\t ]{0,6}", 2),
            scheme in "(http://|HTTP://|socks5h://|//|)",
            list in "[a-z0-9.:*,/@\\[\\] \n\t|;-]{0,40}",
            host in "(x|a\\.x|10\\.1\\.2\\.3|\\[fd00::5\\]|localhost)",
        ) {
            let proxy = format!("{}{scheme}user:s3cret@squid:1{}", around[0], around[1]);
            let list = format!("{list},http://user:s3cret@{host}");
            let environment: Environment = [
                ("http_proxy", proxy.as_str()), ("HTTPS_PROXY", &proxy), ("ALL_PROXY", &proxy),
                ("no_proxy", &list), ("NO_PROXY", &list), ("NODE_USE_ENV_PROXY", "1"),
            ].into_iter().filter(|(_, value)| !value.contains('\0')).collect();
            for client in clients() {
                for scheme in ["http", "https"] {
                    let url = format!("{scheme}://{host}:8080/").parse().unwrap();
                    let decision = client.decide(&environment, &url);
                    prop_assert!(!format!("{decision:?}").contains("s3cret"), "{decision:?}");
                }
            }
        }
    }
}
