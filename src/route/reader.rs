//! A client that reads variables: the three engines put together.

use super::bypass::{Answer, Bypass};
use super::value::{Values, Verdict};
use super::variables::{Group, Variables, Yield};
use super::{Asked, Because, Decision, ProxyAddress, ProxyScheme, Route, Steering};
use crate::environment::Environment;

/// How one client, or several that share an implementation, finds its way.
#[derive(Debug)]
pub(super) struct Reader {
    pub(super) variables: Variables,
    pub(super) values: &'static Values,
    /// What becomes of a value of ALL_PROXY, where that differs.
    pub(super) values_of_all: Option<&'static Values>,
    /// `None` where the client has no bypass list at all.
    pub(super) bypass: Option<&'static Bypass>,
    /// Whether a bad proxy value matters to a host that is on the bypass list.
    pub(super) order: Order,
    /// What follows a value that is ignored without a word.
    pub(super) ignored: Ignored,
    pub(super) cgi: Cgi,
    pub(super) before: Before,
    /// Settings that also steer this client, and that nobody measured.
    pub(super) unmodelled: &'static [&'static str],
}

/// When a proxy's value is parsed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Order {
    /// When it is used: a host on the list never meets it.
    BypassFirst,
    /// When the client starts: a bad value, even of the other scheme's variable, stops every request.
    ValuesFirst,
    Unknown,
}

/// What follows a value that is ignored without a word.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Ignored {
    /// The request goes direct.
    Direct,
    /// The next group is read.
    Next,
    /// Either, if there is a next group.
    Unknown,
}

/// What REQUEST_METHOD, the mark of a CGI environment, changes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Cgi {
    /// Nothing: `HTTP_PROXY` is never read, or the variables' own engine knows.
    Nothing,
    /// `HTTP_PROXY` is not heard, `http_proxy` is.
    NoUpper,
    /// http URLs fail where a proxy is set for them.
    Refuses,
    /// No proxy is used.
    NoProxies,
    /// Unknown what becomes of `HTTP_PROXY`.
    Unknown,
}

/// What is looked at before the variables.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Before {
    Nothing,
    /// Variables are heard only if this one is `1`.
    Switch(&'static str),
    /// A proxy in this variable serves every URL, the list is not read.
    Sole(&'static str),
    /// `CLOUDSDK_PROXY_TYPE`, `_ADDRESS` and `_PORT` win; the list is not read.
    CloudSdk,
    /// The same, but whether the list is read nobody measured.
    CloudSdkAndList,
}

/// The list of hosts that go direct, or what to do without.
const NO_LIST: &str =
    "it has no bypass list; use another client, or a loopback proxy that knows one";

impl Reader {
    pub(super) fn steering(&self) -> Steering {
        match self.bypass {
            Some(_) => Steering::Full,
            None => Steering::NoBypass(NO_LIST),
        }
    }

    pub(super) fn decide(&self, environment: &Environment, asked: &Asked<'_>) -> Decision {
        if let Some(name) = self.unmodelled.iter().find(|name| environment.has(name)) {
            return variable(Route::Unknown, name);
        }
        if let Some(decision) = self.before(environment, asked) {
            return decision;
        }
        if self.cgi == Cgi::NoProxies && environment.has("REQUEST_METHOD") {
            return variable(Route::Direct, "REQUEST_METHOD");
        }
        let groups = match asked.https {
            true => self.variables.https,
            false => self.variables.http,
        };
        let list = self.list(environment);
        let (list_name, listed) = match &list {
            Yield::Value(name, text) => (name.as_str(), Some(text.as_str())),
            Yield::Nothing | Yield::End(_) => ("", None),
            Yield::Conflict => {
                return match self.proxy(environment, groups, asked.https) {
                    decision if decision.route == Route::Direct => decision,
                    _ => Decision::rule(Route::Unknown, "which spelling of no_proxy counts"),
                };
            }
        };
        let answer = match self.bypass {
            Some(bypass) => bypass.ask(listed, asked),
            None => Answer::NotListed,
        };
        let entry = |route, entry: String| {
            let variable = list_name.to_owned();
            Decision::new(route, Because::Entry { variable, entry })
        };
        if let Answer::Crashes(fatal) = answer {
            return entry(Route::Fails("crashes on an entry of the list"), fatal);
        }
        let decision = self.proxy(environment, groups, asked.https);
        if self.order == Order::ValuesFirst {
            for groups in [self.variables.http, self.variables.https] {
                let other = self.proxy(environment, groups, asked.https);
                if matches!(other.route, Route::Fails(_) | Route::Unknown) {
                    return other;
                }
            }
        }
        if decision.route == Route::Direct || self.refuses(environment, asked) {
            return decision;
        }
        let bad = matches!(decision.route, Route::Fails(_) | Route::Unknown);
        match answer {
            Answer::Listed(_) | Answer::Loopback if bad && self.order == Order::Unknown => {
                Decision {
                    route: Route::Unknown,
                    ..decision
                }
            }
            Answer::Listed(text) => entry(Route::Direct, text),
            Answer::Loopback => Decision::rule(Route::Direct, "loopback is never proxied"),
            Answer::Unsure(text) => entry(Route::Unknown, text),
            Answer::NotListed | Answer::Crashes(_) => decision,
        }
    }

    fn list(&self, environment: &Environment) -> Yield {
        self.variables.bypass.find(environment)
    }

    fn before(&self, environment: &Environment, asked: &Asked<'_>) -> Option<Decision> {
        match self.before {
            Before::Nothing => None,
            Before::Switch(name) => match environment.text(name) {
                Some("1") => None,
                None if !environment.has(name) => {
                    let options = environment.text("NODE_OPTIONS").unwrap_or_default();
                    Some(match options.contains("--use-env-proxy") {
                        true => variable(Route::Unknown, "NODE_OPTIONS"),
                        false => Decision::rule(Route::Direct, "NODE_USE_ENV_PROXY is not 1"),
                    })
                }
                Some("" | "0") => Some(variable(Route::Direct, name)),
                _ => Some(variable(Route::Unknown, name)),
            },
            Before::Sole(name) => {
                let value = environment.get(name)?.to_string_lossy();
                (!value.is_empty())
                    .then(|| variable(self.values.judge(&value, asked.https).into(), name))
            }
            Before::CloudSdk => {
                let route = cloud_sdk(environment)?;
                Some(variable(route, "CLOUDSDK_PROXY_ADDRESS"))
            }
            Before::CloudSdkAndList => {
                let route = cloud_sdk(environment)?;
                let decision = variable(route, "CLOUDSDK_PROXY_ADDRESS");
                let answer = match (self.list(environment), self.bypass) {
                    (Yield::Value(_, list), Some(bypass)) => bypass.ask(Some(&list), asked),
                    _ => Answer::NotListed,
                };
                Some(match answer {
                    Answer::NotListed => decision,
                    _ => variable(Route::Unknown, "CLOUDSDK_PROXY_ADDRESS"),
                })
            }
        }
    }

    fn refuses(&self, environment: &Environment, asked: &Asked<'_>) -> bool {
        self.cgi == Cgi::Refuses && !asked.https && environment.has("REQUEST_METHOD")
    }

    /// What the proxy variables alone say.
    fn proxy(&self, environment: &Environment, groups: &[Group], https: bool) -> Decision {
        let cgi = environment.has("REQUEST_METHOD");
        for (place, group) in groups.iter().enumerate() {
            let (name, value) = match group.find(environment) {
                Yield::Nothing => continue,
                Yield::Value(_, value) if value.is_empty() => continue,
                Yield::Value(name, _)
                    if cgi && self.cgi == Cgi::NoUpper && name == "HTTP_PROXY" =>
                {
                    match environment.text("http_proxy") {
                        Some(lower) if !lower.is_empty() => {
                            ("http_proxy".to_owned(), lower.to_owned())
                        }
                        _ => continue,
                    }
                }
                Yield::Value(name, value) => (name, value),
                Yield::End(name) => return variable(Route::Direct, &name),
                Yield::Conflict => {
                    return Decision::rule(Route::Unknown, "which spelling of the proxy counts");
                }
            };
            if cgi && name == "HTTP_PROXY" && self.cgi == Cgi::Unknown {
                let same = environment.text("http_proxy") == Some(&value);
                if !same {
                    return variable(Route::Unknown, &name);
                }
            }
            let values = match self.values_of_all {
                Some(values) if name.eq_ignore_ascii_case("all_proxy") => values,
                _ => self.values,
            };
            let verdict = values.judge(&value, https);
            if verdict == Verdict::Ignored {
                let rest = || self.proxy(environment, &groups[place + 1..], https);
                return match self.ignored {
                    Ignored::Next => rest(),
                    Ignored::Unknown if rest().route != Route::Direct => {
                        variable(Route::Unknown, &name)
                    }
                    Ignored::Direct | Ignored::Unknown => variable(Route::Direct, &name),
                };
            }
            if cgi && !https && self.cgi == Cgi::Refuses {
                return variable(
                    Route::Fails("refuses a proxy for http URLs where REQUEST_METHOD is set"),
                    "REQUEST_METHOD",
                );
            }
            return variable(verdict.into(), &name);
        }
        Decision::UNPROXIED
    }
}

impl From<Verdict> for Route {
    fn from(verdict: Verdict) -> Self {
        match verdict {
            Verdict::Via(address) => Self::Via(address),
            Verdict::Ignored => Self::Direct,
            Verdict::Fails(why) => Self::Fails(why),
            Verdict::Unknown => Self::Unknown,
        }
    }
}

fn variable(route: Route, name: &str) -> Decision {
    Decision::new(route, Because::Variable(name.to_owned()))
}

/// gcloud's own proxy properties; `None` where none is set.
fn cloud_sdk(environment: &Environment) -> Option<Route> {
    let filled = |name| environment.text(name).filter(|value| !value.is_empty());
    let (kind, address, port) = (
        filled("CLOUDSDK_PROXY_TYPE"),
        filled("CLOUDSDK_PROXY_ADDRESS"),
        filled("CLOUDSDK_PROXY_PORT"),
    );
    Some(match (kind, address, port) {
        (None, None, None) => return None,
        (Some("http"), Some(address), Some(port)) => match port.parse() {
            Ok(port) => Route::Via(ProxyAddress {
                scheme: ProxyScheme::Http,
                host: address.to_owned(),
                port,
                credentials: filled("CLOUDSDK_PROXY_USERNAME").is_some(),
            }),
            Err(_) => Route::Unknown,
        },
        _ => Route::Unknown,
    })
}

#[cfg(test)]
mod tests {
    use crate::environment::Environment;
    use crate::route::client;

    /// The decision of a client for a URL, and what decided.
    fn decided(name: &str, url: &str, variables: &[(&str, &str)]) -> String {
        let environment: Environment = variables.iter().copied().collect();
        let client = client(name).expect(name);
        let decision = client.decide(&environment, &url.parse().unwrap());
        match decision.because {
            Some(because) => format!("{} ({because})", decision.route),
            None => decision.route.to_string(),
        }
    }

    #[test]
    fn what_decides_is_named() {
        type Row<'a> = (&'a str, &'a str, &'a [(&'a str, &'a str)], &'a str);
        let proxied = &[("http_proxy", "http://squid:1"), ("no_proxy", "a,.b")];
        let rows: &[Row] = &[
            (
                "curl 7",
                "http://x.b",
                proxied,
                "direct (`.b` in `no_proxy`)",
            ),
            (
                "curl 7",
                "http://x",
                proxied,
                "via http://squid:1 (`http_proxy`)",
            ),
            ("curl 7", "http://x", &[], "direct"),
            (
                "curl 7",
                "http://x",
                &[("http_proxy", "\"http://squid:1\"")],
                "fails: takes the quotes for a part of the proxy (`http_proxy`)",
            ),
            (
                "net/http (Go)",
                "http://[::1]",
                proxied,
                "direct (loopback is never proxied)",
            ),
            (
                "wget (BusyBox)",
                "http://x.b",
                proxied,
                "via http://squid:1 (`http_proxy`)",
            ),
            (
                "curl 7",
                "ftp://x",
                proxied,
                "unknown (only http and https URLs are modelled)",
            ),
            (
                "Guzzle (PHP)",
                "http://x",
                proxied,
                "unknown (nobody measured or read it)",
            ),
        ];
        for (name, url, variables, expected) in rows {
            assert_eq!(decided(name, url, variables), *expected, "{name} {url}");
        }
    }

    #[test]
    fn settings_that_beat_the_list() {
        let list = ("no_proxy", "x,metadata.google.internal");
        let sdk = [
            list,
            ("CLOUDSDK_PROXY_TYPE", "http"),
            ("CLOUDSDK_PROXY_ADDRESS", "squid"),
            ("CLOUDSDK_PROXY_PORT", "1"),
        ];
        let by_sdk = "via http://squid:1 (`CLOUDSDK_PROXY_ADDRESS`)";
        let url = "http://metadata.google.internal";
        assert_eq!(decided("gcloud", url, &sdk), by_sdk);
        assert_eq!(decided("gsutil", "http://y", &sdk), by_sdk);
        assert_eq!(
            decided("gsutil", "http://x", &sdk),
            "unknown (`CLOUDSDK_PROXY_ADDRESS`)"
        );
        assert_eq!(
            decided("gcloud (detection)", url, &sdk),
            "direct (its code for the metadata server uses no proxy)"
        );
        assert_eq!(
            decided("gcloud", url, &sdk[..3]),
            "unknown (`CLOUDSDK_PROXY_ADDRESS`)"
        );
        let pip = [list, ("PIP_PROXY", "http://squid:1")];
        assert_eq!(
            decided("pip", "http://x", &pip),
            "via http://squid:1 (`PIP_PROXY`)"
        );
        let npm = [list, ("npm_config_proxy", "http://squid:1")];
        assert_eq!(
            decided("npm", "http://x", &npm),
            "unknown (`npm_config_proxy`)"
        );
    }

    #[test]
    fn a_cgi_environment() {
        let cgi = [
            ("HTTP_PROXY", "http://squid:1"),
            ("NO_PROXY", "x"),
            ("REQUEST_METHOD", "GET"),
        ];
        let rows = [
            ("curl 7", "direct"),
            ("urllib (Python)", "direct"),
            ("Net::HTTP (Ruby)", "direct"),
            ("reqwest (Rust)", "direct (`REQUEST_METHOD`)"),
            (
                "net/http (Go)",
                "fails: refuses a proxy for http URLs where REQUEST_METHOD is set (`REQUEST_METHOD`)",
            ),
            ("axios (Node)", "unknown (`HTTP_PROXY`)"),
        ];
        for (name, expected) in rows {
            assert_eq!(decided(name, "http://y", &cgi), expected, "{name}");
        }
        // Go refuses before it looks at the list.
        assert!(decided("net/http (Go)", "http://x", &cgi).starts_with("fails"));
    }

    #[test]
    fn node_listens_behind_its_switch() {
        let proxy = ("https_proxy", "http://squid:1");
        let rows: &[(&[(&str, &str)], &str)] = &[
            (&[proxy], "direct (NODE_USE_ENV_PROXY is not 1)"),
            (
                &[proxy, ("NODE_USE_ENV_PROXY", "1")],
                "via http://squid:1 (`https_proxy`)",
            ),
            (
                &[proxy, ("NODE_USE_ENV_PROXY", "yes")],
                "unknown (`NODE_USE_ENV_PROXY`)",
            ),
            (
                &[proxy, ("NODE_OPTIONS", "--use-env-proxy")],
                "unknown (`NODE_OPTIONS`)",
            ),
        ];
        for name in ["http (Node)", "fetch (Node)"] {
            for (variables, expected) in rows {
                assert_eq!(decided(name, "https://x", variables), *expected, "{name}");
            }
        }
    }

    #[test]
    fn one_bad_value_can_stop_every_request() {
        let variables = [
            ("http_proxy", "http://squid:1"),
            ("https_proxy", "\"http://squid:1\""),
            ("no_proxy", "x"),
        ];
        let quotes = "fails: takes the quotes for a part of the proxy (`https_proxy`)";
        assert_eq!(decided("httpx (Python)", "http://x", &variables), quotes);
        assert_eq!(
            decided("requests (Python)", "https://x", &variables),
            "direct (`x` in `no_proxy`)"
        );
        assert_eq!(
            decided("LWP (Perl)", "https://x", &variables),
            "unknown (`https_proxy`)",
            "nobody measured when it looks at the value"
        );
        assert_eq!(
            decided("httpx (Python)", "http://x", &[("no_proxy", "a,[::1]")]),
            "fails: crashes on an entry of the list (`[::1]` in `no_proxy`)"
        );
    }

    #[test]
    fn grpc_has_variables_of_its_own() {
        let variables = [
            ("grpc_proxy", "http://squid:1"),
            ("http_proxy", "http://other:1"),
            ("no_grpc_proxy", "x"),
            ("no_proxy", "y"),
        ];
        assert_eq!(
            decided("gRPC", "https://x", &variables),
            "direct (`x` in `no_grpc_proxy`)"
        );
        assert_eq!(
            decided("gRPC", "https://y", &variables),
            "via http://squid:1 (`grpc_proxy`)"
        );
    }
}
