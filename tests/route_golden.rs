//! The model of the clients against what the clients did.
//!
//! tests/golden holds what was observed at real proxies and real targets in private network namespaces, one client at a
//! time. Each outcome is replayed. Where the model differs, [`Exception`]s say why and how often, exactly: a new difference
//! fails, and so does one that vanished.
//!
//! `RUNUP_BLESS=1 cargo test --test route_golden` writes docs/clients.md anew.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::print_stdout,
    reason = "clippy takes only functions marked as tests for tests"
)]

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::net::IpAddr;

use runup::environment::Environment;
use runup::route::{
    Client, Knowledge, NOT_SERVED, ProxyAddress, ProxyScheme, Route, Steering, client, clients,
};
use url::Url;

const LISTS: &str = include_str!("golden/lists.tsv");
const JAVA: &str = include_str!("golden/java.tsv");
const VARIABLES: &str = include_str!("golden/variables.tsv");
const CREDENTIALS: &str = include_str!("golden/credentials.tsv");
const METADATA: &str = include_str!("golden/metadata.tsv");

/// How many outcomes each file holds.
const LISTED: usize = 57_496;
const JAVA_LISTED: usize = 792;
const SET: usize = 2_986;
const REQUESTED: usize = 383;
const SPELLED: usize = 760;

/// The program that was measured, and its row in the model.
const MEASURED: &[(&str, &str)] = &[
    ("curl-7.88", "curl 7"),
    ("libcurl-8 (pycurl)", "curl 8"),
    ("wget-1.21", "wget"),
    ("wget2", "wget2"),
    ("busybox-wget", "wget (BusyBox)"),
    ("aria2", "aria2"),
    ("git", "git"),
    ("apt", "apt"),
    ("pip", "pip"),
    ("uv", "uv"),
    ("npm", "npm"),
    ("kubectl", "kubectl"),
    ("terraform", "terraform"),
    ("gcloud", "gcloud"),
    ("gcloud storage", "gcloud storage"),
    ("gsutil", "gsutil"),
    ("bq", "bq"),
    ("google-auth metadata", "google-auth (Python)"),
    ("google-cloud-storage", "google-cloud-storage (Python)"),
    ("gcp-metadata (node)", "google-auth-library (Node)"),
    ("go compute/metadata", "compute/metadata (Go)"),
    ("py2.7 urllib2", "urllib (Python)"),
    ("py3.13 urllib", "urllib (Python)"),
    ("requests", "requests (Python)"),
    ("niquests", "niquests (Python)"),
    ("httpx", "httpx (Python)"),
    ("httpx2", "httpx2 (Python)"),
    ("aiohttp (trust_env)", "aiohttp (Python, trust_env)"),
    ("httplib2", "httplib2 (Python)"),
    ("botocore", "botocore (Python)"),
    ("kubernetes-py", "kubernetes (Python)"),
    ("websocket-client", "websocket-client (Python)"),
    ("curl_cffi", "curl_cffi (Python)"),
    ("grpcio", "gRPC"),
    ("go1.19", "net/http (Go)"),
    ("go1.27", "net/http (Go)"),
    ("java17 HttpURLConnection", "Java"),
    ("java17 useSystemProxies", "Java"),
    ("java HttpURLConnection", "Java"),
    ("java HttpClient", "Java"),
    ("ruby Net::HTTP", "Net::HTTP (Ruby)"),
    ("ruby open-uri", "open-uri (Ruby)"),
    ("ruby faraday", "Faraday (Ruby)"),
    ("perl LWP", "LWP (Perl)"),
    ("perl HTTP::Tiny", "HTTP::Tiny (Perl)"),
    ("php curl", "curl (PHP)"),
    ("node24 http.get", "http (Node)"),
    ("node24 fetch", "fetch (Node)"),
    ("undici EnvHttpProxyAgent", "undici (EnvHttpProxyAgent)"),
    ("axios", "axios (Node)"),
    ("gaxios", "gaxios (Node)"),
    ("proxy-agent", "proxy-agent (Node)"),
    ("make-fetch-happen", "make-fetch-happen (Node)"),
    ("bun fetch", "fetch (Bun)"),
    ("rs reqwest12", "reqwest (Rust)"),
    ("rs reqwest13", "reqwest (Rust)"),
    ("rs ureq3", "ureq (Rust)"),
    ("rs attohttpc", "attohttpc (Rust)"),
];

/// Outcomes that the model does not give, and why it is right not to.
struct Exception {
    measured: &'static str,
    /// The URL, or the case of the variables.
    place: &'static str,
    count: usize,
    why: &'static str,
}

const fn exception(
    measured: &'static str,
    place: &'static str,
    count: usize,
    why: &'static str,
) -> Exception {
    Exception {
        measured,
        place,
        count,
        why,
    }
}

const TYPED: &str = "compares the host as it was typed; the model's URL is in lower case";

const LIST_EXCEPTIONS: &[Exception] = &[
    exception("aria2", "http://NEXUS.CORP.EXAMPLE", 21, TYPED),
    exception("perl LWP", "http://NEXUS.CORP.EXAMPLE", 18, TYPED),
    exception(
        "curl_cffi",
        "http://[fd00::5]",
        34,
        "takes the proxy as the model says, and dies of curl's error 27; direct it works",
    ),
    exception(
        "ruby faraday",
        "http://[fd00::5]",
        37,
        "drops the brackets and cannot read its own URL, whatever the list says",
    ),
    exception(
        "make-fetch-happen",
        "http://[fd00::5]",
        1,
        "goes direct as the model says, and then looks the brackets up as a part of the name",
    ),
    exception(
        "wget2",
        "http://localhost",
        7,
        "was refused; by the proxy, which answers everything, it would not have been",
    ),
    exception(
        "wget2",
        "https://nexus.corp.example",
        11,
        "seen at the host, as the model says, and at the proxy too; why is not known",
    ),
];

const VARIABLE_EXCEPTIONS: &[Exception] = &[
    exception(
        "libcurl-8 (pycurl)",
        "https:// proxy",
        2,
        "speaks TLS to the proxy as the model says, and does not trust the laboratory's certificate",
    ),
    exception(
        "wget2",
        "no port",
        1,
        "what it said to port 80 was not recorded; everywhere else it was TLS, which fails",
    ),
    exception(
        "busybox-wget",
        "schemeless name:port",
        1,
        "takes the proxy as the model says, but tries the first address of a name only: here that of `localhost` was ::1",
    ),
];

/// Counts what was replayed, and what disagreed by whom and where.
#[derive(Default)]
struct Tally {
    replayed: usize,
    differences: BTreeMap<(String, String), Vec<String>>,
}

impl Tally {
    fn compare(
        &mut self,
        agrees: bool,
        measured: &str,
        place: &str,
        what: impl FnOnce() -> String,
    ) {
        self.replayed += 1;
        if !agrees {
            let place = (measured.to_owned(), place.to_owned());
            self.differences.entry(place).or_default().push(what());
        }
    }

    /// Fails unless the differences are exactly `exceptions`. Returns how many outcomes were replayed.
    fn settle(mut self, name: &str, exceptions: &[Exception]) -> usize {
        let mut explained = 0;
        let mut problems = String::new();
        for exception in exceptions {
            let place = (exception.measured.to_owned(), exception.place.to_owned());
            let found = self.differences.remove(&place).unwrap_or_default();
            explained += found.len();
            if found.len() != exception.count {
                let (expected, found) = (exception.count, found.len());
                writeln!(
                    problems,
                    "{place:?} differs {found} times, not {expected} times: {}",
                    exception.why
                )
                .unwrap();
            }
        }
        for (place, what) in &self.differences {
            writeln!(problems, "{place:?}: {} times", what.len()).unwrap();
            for what in what.iter().take(8) {
                writeln!(problems, "    {what}").unwrap();
            }
        }
        let agreed = self.replayed - explained;
        println!(
            "{name}: {} outcomes replayed, {agreed} agree, {explained} differ as explained",
            self.replayed
        );
        assert!(problems.is_empty(), "{name}\n{problems}");
        self.replayed
    }
}

fn model(measured: &str) -> &'static Client {
    let (_, name) = MEASURED
        .iter()
        .find(|(name, _)| *name == measured)
        .unwrap_or_else(|| panic!("{measured} has no row in the model"));
    client(name).unwrap_or_else(|| panic!("{name} is not in the model"))
}

fn rows(file: &str) -> impl Iterator<Item = Vec<&str>> {
    file.lines()
        .filter(|line| !line.starts_with('#'))
        .map(|line| line.split('\t').collect())
}

fn urls(file: &str) -> Vec<&str> {
    file.lines()
        .filter_map(|line| line.strip_prefix("# url "))
        .collect()
}

/// The addresses of the laboratory.
fn route(client: &Client, environment: &Environment, url: &str) -> Route {
    let typed: Url = format!("{url}/t04").parse().unwrap();
    let address: Option<IpAddr> = match typed.domain().map(|name| name.trim_end_matches('.')) {
        Some("metadata.google.internal" | "metadata") => "169.254.169.254".parse().ok(),
        Some("ten.other.example") => "10.1.2.3".parse().ok(),
        Some("ext.example.net") => "203.0.113.5".parse().ok(),
        Some("localhost") => "127.0.0.1".parse().ok(),
        Some("evilcorp.example") => "192.0.2.11".parse().ok(),
        Some(_) => "192.0.2.10".parse().ok(),
        None => None,
    };
    client
        .decide_resolved(environment, &typed, address.as_slice())
        .route
}

fn environment(variables: &[(&str, &str)]) -> Environment {
    variables.iter().copied().collect()
}

const A: &str = "http://127.0.0.1:3128";
const B: &str = "http://127.0.0.1:3129";
const NODE: (&str, &str) = ("NODE_USE_ENV_PROXY", "1");

fn is_a(proxy: &ProxyAddress) -> bool {
    proxy.host == "127.0.0.1" && proxy.port == 3128 && proxy.scheme == ProxyScheme::Http
}

#[test]
fn every_list_does_what_it_did() {
    let urls = urls(LISTS);
    let mut tally = Tally::default();
    for row in rows(LISTS) {
        let [measured, list, outcomes] = row[..] else {
            panic!("{row:?}");
        };
        let unescaped = list
            .replace("\\n", "\n")
            .replace("\\r", "\r")
            .replace("\\t", "\t");
        let mut variables = vec![
            ("http_proxy", A),
            ("https_proxy", A),
            ("HTTP_PROXY", A),
            ("HTTPS_PROXY", A),
            NODE,
        ];
        if list != "(unset)" {
            variables.extend([("no_proxy", &*unescaped), ("NO_PROXY", &*unescaped)]);
        }
        let environment = environment(&variables);
        let client = model(measured);
        for (url, outcome) in urls.iter().zip(outcomes.chars()) {
            if outcome == '.' {
                continue;
            }
            let route = route(client, &environment, url);
            let agrees = match &route {
                Route::Direct => outcome == 'D',
                Route::Via(proxy) => outcome == 'P' && is_a(proxy),
                // The run with the variables tells what happened at the proxy.
                Route::Fails(_) if measured == "wget2" && url.starts_with("https:") => {
                    outcome == 'P'
                }
                Route::Fails(_) => outcome == 'E',
                Route::Unknown => false,
            };
            tally.compare(agrees, measured, url, || {
                format!("{list:?}: model {route}, measured {outcome}")
            });
        }
    }
    assert_eq!(tally.settle("lists", LIST_EXCEPTIONS), LISTED);
}

#[test]
fn every_java_list_does_what_it_did() {
    let urls = urls(JAVA);
    let mut tally = Tally::default();
    for row in rows(JAVA) {
        let [measured, list, outcomes] = row[..] else {
            panic!("{row:?}");
        };
        let property = match list {
            "(unset)" => String::new(),
            list => format!(" '-Dhttp.nonProxyHosts={list}'"),
        };
        let options = format!(
            "-Dhttp.proxyHost=127.0.0.1 -Dhttp.proxyPort=3128 -Dhttps.proxyHost=127.0.0.1 -Dhttps.proxyPort=3128{property}"
        );
        let environment = environment(&[("JAVA_TOOL_OPTIONS", &options)]);
        for (url, outcome) in urls.iter().zip(outcomes.chars()) {
            if outcome == '.' {
                continue;
            }
            let route = route(model(measured), &environment, url);
            let agrees = match &route {
                Route::Direct => outcome == 'D',
                Route::Via(proxy) => outcome == 'P' && is_a(proxy),
                _ => false,
            };
            tally.compare(agrees, measured, url, || {
                format!("{list:?}: model {route}, measured {outcome}")
            });
        }
    }
    assert_eq!(tally.settle("java", &[]), JAVA_LISTED);
}

/// The variables of a case; `order` matters to npm.
fn case(name: &str) -> Vec<(&'static str, String)> {
    const LOWER: [&str; 2] = ["http_proxy", "https_proxy"];
    const UPPER: [&str; 2] = ["HTTP_PROXY", "HTTPS_PROXY"];
    const ALL: [&str; 2] = ["all_proxy", "ALL_PROXY"];
    let set = |names: &[&'static str], value: &str| -> Vec<_> {
        names.iter().map(|name| (*name, value.to_owned())).collect()
    };
    let four = |value: &str| [set(&LOWER, value), set(&UPPER, value)].concat();
    let target = "ext.example.net";
    let lists = |lower: Option<&str>, upper: Option<&str>| {
        let mut variables = four(A);
        variables.extend(lower.map(|list| ("no_proxy", list.to_owned())));
        variables.extend(upper.map(|list| ("NO_PROXY", list.to_owned())));
        variables
    };
    match name {
        "http_proxy" => set(&["http_proxy"], A),
        "HTTP_PROXY" => set(&["HTTP_PROXY"], A),
        "https_proxy" => set(&["https_proxy"], A),
        "HTTPS_PROXY" => set(&["HTTPS_PROXY"], A),
        "all_proxy" => set(&["all_proxy"], A),
        "ALL_PROXY" => set(&["ALL_PROXY"], A),
        "lower=A,UPPER=B" => [set(&LOWER, A), set(&UPPER, B)].concat(),
        "lower=empty,UPPER=B" => [set(&LOWER, ""), set(&UPPER, B)].concat(),
        "lower=A,UPPER=empty" => [set(&LOWER, A), set(&UPPER, "")].concat(),
        "all empty + ALL_PROXY=B" => [four(""), set(&ALL, B)].concat(),
        "four=A + ALL_PROXY=B" => [four(A), set(&ALL, B)].concat(),
        "no_proxy=T,NO_PROXY=foo" => lists(Some(target), Some("foo.example")),
        "no_proxy=foo,NO_PROXY=T" => lists(Some("foo.example"), Some(target)),
        "no_proxy=empty,NO_PROXY=T" => lists(Some(""), Some(target)),
        "no_proxy=T,NO_PROXY=empty" => lists(Some(target), Some("")),
        "no_proxy=T only" => lists(Some(target), None),
        "NO_PROXY=T only" => lists(None, Some(target)),
        "schemeless ip:port" => four("127.0.0.1:3128"),
        "schemeless name:port" => four("localhost:3128"),
        "trailing slash" => four("http://127.0.0.1:3128/"),
        "path" => four("http://127.0.0.1:3128/some/path"),
        "HTTP:// upper" => four("HTTP://127.0.0.1:3128"),
        "spaces around" => four(" http://127.0.0.1:3128 "),
        "dquotes" => four("\"http://127.0.0.1:3128\""),
        "trailing LF" => four("http://127.0.0.1:3128\n"),
        "trailing CR" => four("http://127.0.0.1:3128\r"),
        "user:p%40ss" => four("http://user:p%40ss@127.0.0.1:3128"),
        "user:p@ss raw" => four("http://user:p@ss@127.0.0.1:3128"),
        "user:p#ss raw" => four("http://user:p#ss@127.0.0.1:3128"),
        "user@" => four("http://user@127.0.0.1:3128"),
        "user:p%2Fs%3As" => four("http://user:p%2Fs%3As@127.0.0.1:3128"),
        "user:p%s bad pct" => four("http://user:p%s@127.0.0.1:3128"),
        "socks5://" => four("socks5://127.0.0.1:1080"),
        "socks5h://" => four("socks5h://127.0.0.1:1080"),
        "socks://" => four("socks://127.0.0.1:1080"),
        "ALL_PROXY=socks5h" => set(&ALL, "socks5h://127.0.0.1:1080"),
        "https:// proxy" => four("https://127.0.0.1:3443"),
        "no port" => four("http://127.0.0.1"),
        "REQUEST_METHOD" => [four(A), set(&["REQUEST_METHOD"], "GET")].concat(),
        "REQUEST_METHOD lower only" => [set(&LOWER, A), set(&["REQUEST_METHOD"], "GET")].concat(),
        "value none" => four("none"),
        "value http://" => four("http://"),
        "value //host" => four("//127.0.0.1:3128"),
        "dead proxy" => four("http://127.0.0.1:9"),
        _ => panic!("unknown case {name}"),
    }
}

fn agrees_with(route: &Route, outcome: &str) -> bool {
    let (who, trouble) = outcome.split_once('!').unwrap_or((outcome, ""));
    match route {
        Route::Direct => outcome == "D",
        // Refused, or understood by neither.
        Route::Fails(_) => who == "N" || who == "PS" || who == "PA" && !trouble.is_empty(),
        Route::Unknown => false,
        Route::Via(proxy) => match (proxy.scheme, proxy.port) {
            // The test's certificate was not trusted by all; that the proxy was spoken to in TLS is what counts.
            (ProxyScheme::Https, 3443) => who == "PT",
            (ProxyScheme::Socks | ProxyScheme::Socks5 | ProxyScheme::Socks5h, 1080) => {
                who.starts_with("PS:")
            }
            (ProxyScheme::Http, 3128) => outcome == "PA",
            (ProxyScheme::Http, 3129) => outcome == "PB",
            (ProxyScheme::Http, 80) => outcome == "P80",
            (ProxyScheme::Http, 443) => outcome == "P443",
            // Where there was a SOCKS proxy, and nobody.
            (ProxyScheme::Http, 1080) => outcome == "PS",
            (ProxyScheme::Http, 9) => outcome == "N",
            _ => false,
        },
    }
}

#[test]
fn every_variable_does_what_it_did() {
    let mut tally = Tally::default();
    for row in rows(VARIABLES) {
        let [measured, name, http, https] = row[..] else {
            panic!("{row:?}");
        };
        let mut variables = case(name);
        variables.push((NODE.0, NODE.1.to_owned()));
        let environment: Environment = variables.into_iter().collect();
        for (url, outcome) in [
            ("http://ext.example.net", http),
            ("https://ext.example.net", https),
        ] {
            if outcome == "." {
                continue;
            }
            let route = route(model(measured), &environment, url);
            tally.compare(agrees_with(&route, outcome), measured, name, || {
                format!("{url}: model {route}, measured {outcome}")
            });
        }
    }
    assert_eq!(tally.settle("variables", VARIABLE_EXCEPTIONS), SET);
}

/// Which row of the model sends this request of a Google tool.
fn sender(tool: &str, request: &str) -> &'static str {
    let metadata =
        request.contains("metadata.google.internal") || request.contains("169.254.169.254");
    let token = request.contains("/sa@");
    // The Node library runs gcloud; its own requests go to the address or to the name with the dot.
    let gcloud = match tool {
        "node google-auth-library" => request.contains("metadata.google.internal/"),
        "bq" | "gcloud auth print-access-token" | "gcloud storage ls" => metadata,
        _ => false,
    };
    match tool {
        _ if gcloud && token => "gcloud",
        _ if gcloud => "gcloud (detection)",
        "gsutil (via gcloud creds)" if metadata => "gsutil (metadata)",
        "gsutil (via gcloud creds)" => "gsutil",
        "bq" => "bq",
        "gcloud storage ls" => "gcloud storage",
        "python google.auth.default" => "google-auth (Python)",
        "node google-auth-library" => "google-auth-library (Node)",
        "go compute/metadata" => "compute/metadata (Go)",
        _ => panic!("unknown tool {tool}"),
    }
}

#[test]
fn every_request_for_credentials_went_the_way_it_went() {
    let mut tally = Tally::default();
    for row in rows(CREDENTIALS) {
        let [tool, name, measured, request] = row[..] else {
            panic!("{row:?}");
        };
        let mut variables = Vec::new();
        if name.starts_with("CLOUDSDK") {
            variables.extend([
                ("CLOUDSDK_PROXY_TYPE", "http"),
                ("CLOUDSDK_PROXY_ADDRESS", "127.0.0.1"),
                ("CLOUDSDK_PROXY_PORT", "3128"),
            ]);
        } else if name != "no proxy" {
            variables.extend([
                ("http_proxy", A),
                ("HTTP_PROXY", A),
                ("https_proxy", A),
                ("HTTPS_PROXY", A),
            ]);
        }
        let list = match name {
            "no proxy" | "proxy, no NO_PROXY" | "CLOUDSDK_PROXY_*" => None,
            "NO_PROXY=ip,fqdn,short" | "CLOUDSDK_PROXY_*+NO_PROXY" => {
                Some("169.254.169.254,metadata.google.internal,metadata")
            }
            "NO_PROXY=ip,fqdn,short,fqdn." => {
                Some("169.254.169.254,metadata.google.internal,metadata,metadata.google.internal.")
            }
            "NO_PROXY=fqdn only" => Some("metadata.google.internal"),
            "NO_PROXY=ip only" => Some("169.254.169.254"),
            _ => panic!("unknown environment {name}"),
        };
        variables.extend(
            list.into_iter()
                .flat_map(|l| [("no_proxy", l), ("NO_PROXY", l)]),
        );
        let host = request
            .trim_start_matches("GET ")
            .trim_start_matches("CONNECT ")
            .trim_start_matches("http://");
        let host = host.split(['/', ':', ' ']).next().unwrap();
        let client = client(sender(tool, request)).unwrap();
        let route = route(client, &environment(&variables), &format!("http://{host}"));
        let agrees = match &route {
            Route::Direct => measured == "direct",
            Route::Via(proxy) => measured == "proxy" && is_a(proxy),
            _ => false,
        };
        tally.compare(agrees, tool, name, || {
            format!(
                "{}: {request}: model {route}, measured {measured}",
                client.name()
            )
        });
    }
    assert_eq!(tally.settle("credentials", &[]), REQUESTED);
}

#[test]
fn the_metadata_server_in_nineteen_environments() {
    const NAMES: [&str; 10] = [
        "curl 7",
        "wget",
        "urllib (Python)",
        "requests (Python)",
        "httpx (Python)",
        "net/http (Go)",
        "reqwest (Rust)",
        "ureq (Rust)",
        "gaxios (Node)",
        "Net::HTTP (Ruby)",
    ];
    const URLS: [&str; 4] = [
        "http://metadata.google.internal",
        "http://metadata.google.internal.",
        "http://169.254.169.254",
        "http://metadata",
    ];
    let good = "metadata.google.internal,169.254.169.254";
    let both = |list| vec![("no_proxy", list), ("NO_PROXY", list)];
    let mut tally = Tally::default();
    for row in rows(METADATA) {
        let proxies = match row[0] {
            "A" => vec![("http_proxy", A)],
            "B" => vec![("HTTP_PROXY", A)],
            "P" => vec![("ALL_PROXY", A)],
            "Q" => vec![("http_proxy", ""), ("HTTP_PROXY", A)],
            _ => vec![("http_proxy", A), ("HTTP_PROXY", A)],
        };
        let lists = match row[0] {
            "A" | "B" | "P" | "Q" => vec![],
            "C" => both(good),
            "D" => vec![("NO_PROXY", good)],
            "E" => vec![("no_proxy", good)],
            "F" => vec![("no_proxy", "localhost"), ("NO_PROXY", good)],
            "G" => vec![("no_proxy", good), ("NO_PROXY", "localhost")],
            "H" => vec![("no_proxy", ""), ("NO_PROXY", good)],
            "I" => vec![("no_proxy", good), ("NO_PROXY", "")],
            "J" => both(".google.internal,169.254.0.0/16"),
            "K" => both("*.google.internal,169.254.*"),
            "L" => both("metadata.google.internal 169.254.169.254"),
            "M" => both("metadata.google.internal, 169.254.169.254"),
            "N" => {
                both("metadata.google.internal,metadata.google.internal.,metadata,169.254.169.254")
            }
            "O" => both("*"),
            "R" => both("metadata.google.internal:80,169.254.169.254:80"),
            "S" => both("METADATA.GOOGLE.INTERNAL,169.254.169.254"),
            other => panic!("unknown row {other}"),
        };
        let environment = environment(&[proxies, lists].concat());
        for (name, ways) in NAMES.iter().zip(&row[1..]) {
            for (url, way) in URLS.iter().zip(ways.chars()) {
                let client = client(name).unwrap();
                // In this laboratory the names had other addresses.
                let route = client
                    .decide_resolved(&environment, &url.parse().unwrap(), &[])
                    .route;
                let agrees = match route {
                    Route::Direct => way == 'D',
                    Route::Via(_) => way == 'P',
                    _ => false,
                };
                tally.compare(agrees, name, row[0], || {
                    format!("{url}: model {route}, measured {way}")
                });
            }
        }
    }
    assert_eq!(tally.settle("metadata", &[]), SPELLED);
}

/// The list that serves most: bare names and addresses, domains with a leading dot.
const ONE_LIST: &str = "localhost,127.0.0.1,::1,169.254.169.254,fd20:ce::254,metadata.google.internal,\
                        metadata.google.internal.,metadata,nexus.corp.example,.corp.example,10.1.2.3";

const DIRECT: &[&str] = &[
    "http://169.254.169.254",
    "http://metadata.google.internal",
    "http://metadata.google.internal.",
    "http://metadata",
    "http://[fd20:ce::254]",
    "https://nexus.corp.example:8443",
    "http://deep.a.corp.example",
    "http://10.1.2.3:8080",
];

#[test]
fn one_list_serves_every_client_but_a_few() {
    let variables = [
        &four(A)[..],
        &[("no_proxy", ONE_LIST), ("NO_PROXY", ONE_LIST)],
    ]
    .concat();
    let steered = || clients().iter().filter(|c| c.steering() == Steering::Full);
    for url in DIRECT {
        let not_served: Vec<_> = steered()
            .filter(|client| ask(client, &variables, url) != Route::Direct)
            .map(Client::name)
            .collect();
        let expected = NOT_SERVED.iter().find(|(other, _)| other == url);
        let expected = expected.map_or(&[][..], |(_, names)| names);
        assert_eq!(not_served, expected, "{url}");
    }
    for url in ["http://ext.example.net", "http://10.1.2.4"] {
        for client in steered() {
            let route = ask(client, &variables, url);
            let by_proxy = matches!(&route, Route::Via(proxy) if is_a(proxy));
            assert!(by_proxy, "{} {url}: {route}", client.name());
        }
    }
}

#[test]
fn every_client_that_was_measured_was_replayed() {
    let replayed: Vec<_> = MEASURED.iter().map(|(_, name)| *name).collect();
    for client in clients() {
        let known = client.known();
        let parts = [known.variables, known.values, known.bypass];
        let measured = parts.contains(&Knowledge::Measured);
        // Their requests stand in credentials.tsv only.
        let by_request = ["gcloud (detection)", "gsutil (metadata)"].contains(&client.name());
        let expected = measured && !by_request;
        assert_eq!(
            replayed.contains(&client.name()),
            expected,
            "{}",
            client.name()
        );
    }
}

// ---- docs/clients.md ----------------------------------------------------------------------------------------------------

const PROXY: &str = "http://squid:3128";

/// One letter for a route.
fn letter(route: &Route) -> &'static str {
    match route {
        Route::Direct => "D",
        Route::Via(_) => "P",
        Route::Fails(_) => "E",
        Route::Unknown => "?",
    }
}

fn ask(client: &Client, variables: &[(&str, &str)], url: &str) -> Route {
    let mut variables = variables.to_vec();
    variables.push(NODE);
    client
        .decide(&environment(&variables), &url.parse().unwrap())
        .route
}

/// Which spelling of a variable is read: `l` lower, `U` upper, the preferred one first, `-` none.
fn spelling(client: &Client, lower: &str, upper: &str, url: &str) -> String {
    let other = "http://other:3128";
    let used = |variables: &[(&str, &str)]| ask(client, variables, url);
    let routes = [used(&[(lower, PROXY)]), used(&[(upper, PROXY)])];
    if routes.contains(&Route::Unknown) {
        return "?".into();
    }
    let reads = routes.map(|route| matches!(route, Route::Via(_)));
    match reads {
        [false, false] => "-".into(),
        [true, false] => "l".into(),
        [false, true] => "U".into(),
        [true, true] => match used(&[(lower, PROXY), (upper, other)]) {
            Route::Via(proxy) if proxy.host == "squid" => "lU".into(),
            Route::Via(_) if used(&[(upper, other), (lower, PROXY)]) == used(&[(lower, PROXY)]) => {
                "last".into()
            }
            Route::Via(_) => "Ul".into(),
            _ => "?".into(),
        },
    }
}

fn list_spelling(client: &Client) -> String {
    let proxies = [
        ("http_proxy", PROXY),
        ("HTTP_PROXY", PROXY),
        ("https_proxy", PROXY),
        ("HTTPS_PROXY", PROXY),
    ];
    let used =
        |lists: &[(&str, &str)]| ask(client, &[&proxies[..], lists].concat(), "http://x.example");
    let lists = ["no_proxy", "NO_PROXY"];
    let routes = lists.map(|name| used(&[(name, "x.example")]));
    if routes.contains(&Route::Unknown) {
        return "?".into();
    }
    match routes.map(|route| route == Route::Direct) {
        [false, false] => "-".into(),
        [true, false] => "l".into(),
        [false, true] => "U".into(),
        [true, true] => {
            let lower = used(&[(lists[0], "x.example"), (lists[1], "y")]) == Route::Direct;
            let upper_then_lower =
                used(&[(lists[1], "y"), (lists[0], "x.example")]) == Route::Direct;
            match (lower, upper_then_lower) {
                (true, _) => "lU".into(),
                (false, true) => "last".into(),
                (false, false) => "Ul".into(),
            }
        }
    }
}

/// Column, list, URL.
const LIST_PROBES: &[(&str, &str, &str)] = &[
    ("`.x`", ".x.example", "http://a.x.example"),
    ("`.x` = x", ".x.example", "http://x.example"),
    ("`x` > a.x", "x.example", "http://a.x.example"),
    ("`x` > wx", "x.example", "http://wx.example"),
    ("`*.x`", "*.x.example", "http://a.x.example"),
    ("`X`", "X.EXAMPLE", "http://x.example"),
    ("`x:80`", "x.example:80", "http://x.example"),
    ("x.", "x.example", "http://x.example."),
    ("CIDR", "10.0.0.0/8", "http://10.1.2.3"),
    ("`::5`", "fd00::5", "http://[fd00::5]"),
    ("`[::5]`", "[fd00::5]", "http://[fd00::5]"),
    ("CIDR 6", "fd00::/8", "http://[fd00::5]"),
    ("`*`", "*", "http://x.example"),
    ("`a, x`", "a, x.example", "http://x.example"),
    ("`a x`", "a x.example", "http://x.example"),
    ("LF", "x.example\n", "http://x.example"),
];

/// Column, value. Asked for http and https.
const VALUE_PROBES: &[(&str, &str)] = &[
    ("`10.0.0.1:1`", "10.0.0.1:3128"),
    ("`squid:1`", "squid:3128"),
    ("`HTTP://`", "HTTP://squid:3128"),
    ("path", "http://squid:3128/path"),
    ("blanks", " http://squid:3128 "),
    ("quotes", "\"http://squid:3128\""),
    ("LF", "http://squid:3128\n"),
    ("`p@s`", "http://user:p@s@squid:3128"),
    ("`p%s`", "http://user:p%s@squid:3128"),
    ("`socks5h`", "socks5h://squid:1080"),
    ("`https`", "https://squid:3129"),
    ("no port", "http://squid"),
    ("`none`", "none"),
];

fn four(value: &str) -> [(&str, &str); 4] {
    [
        ("http_proxy", value),
        ("HTTP_PROXY", value),
        ("https_proxy", value),
        ("HTTPS_PROXY", value),
    ]
}

fn value_letters(client: &Client, value: &str) -> String {
    let variables = four(value);
    let letters =
        ["http://x.example", "https://x.example"].map(|url| match ask(client, &variables, url) {
            Route::Via(proxy) if value == "http://squid" => format!(":{}", proxy.port),
            Route::Via(proxy) if ![3128, 3129, 1080].contains(&proxy.port) => "X".to_owned(),
            route => letter(&route).to_owned(),
        });
    match &letters {
        [http, https] if http == https => http.clone(),
        [http, https] => format!("{http}/{https}"),
    }
}

fn table(out: &mut String, head: &[&str], rows: impl Iterator<Item = Vec<String>>) {
    writeln!(
        out,
        "| {} |\n|{}",
        head.join(" | "),
        "---|".repeat(head.len())
    )
    .unwrap();
    for row in rows {
        writeln!(out, "| {} |", row.join(" | ")).unwrap();
    }
    out.push('\n');
}

fn page() -> String {
    let total = LISTED + JAVA_LISTED + SET + REQUESTED + SPELLED;
    let exceptions = || LIST_EXCEPTIONS.iter().chain(VARIABLE_EXCEPTIONS);
    let explained: usize = exceptions().map(|exception| exception.count).sum();
    let mut out = format!(
        "# How HTTP clients read the proxy environment

<!-- Written by tests/route_golden.rs from the table in src/route; `RUNUP_BLESS=1 cargo test --test route_golden`. -->

There is no standard for `http_proxy`, `no_proxy` and their relatives: {count} clients, and hardly two that read them alike.
`runup route` and `runup env` work from a model of them. The model is replayed against {total} outcomes that were observed at
real proxies and real targets, in private network namespaces. It agrees with all but {explained}, which are named below.

- *measured*: this program was observed. *read*: another program with the same code was, or the client's source or
  documentation was read. *unknown*: neither; where it matters, the model answers `unknown` and never guesses.
- Measured were: the lists of 76 shapes (37 or fewer for the slower programs) against up to 19 URLs, and 44 settings of the
  proxy variables (21 for the slower ones), for http and https URLs.
- Read, not measured: `ALL_PROXY` against `all_proxy` where both are set; `grpc_proxy` and `no_grpc_proxy`; `PIP_PROXY`;
  spellings like `Http_Proxy` (urllib and its relatives, npm); `HTTP_PROXY` alone in a CGI environment; that a bad value stops httpx,
  undici and Node at their start, whatever the URL; that an ignored value makes reqwest and ureq read the next variable.
- Not measured, hence unknown: proxies addressed by IPv6, `socks4://`, single quotes, a blank on one side only, two defects
  in one value that stop a client in different ways, `npm_config_proxy` and the like, `JDK_JAVA_OPTIONS`.
- Not in the model: settings outside of the environment (`.curlrc`, `pip.conf`, `gcloud config`, `git config`, apt.conf) and what
  programs do that ask their library for no proxy (`trust_env=False`, a transport of their own).
- Names are not looked up. Only Ruby compares the addresses of a name with the list; the model knows those of `localhost` and
  of the metadata server.
- A URL counts as its parser writes it: host in lower case, no default port.

",
        count = clients().len()
    );
    out.push_str("## The clients\n\n");
    let head = [
        "client",
        "looked at",
        "variables",
        "values",
        "list",
        "steered by",
    ];
    let rows = clients().iter().map(|client| {
        let known = client.known();
        let steered = match client.steering() {
            Steering::Full => "variables".to_owned(),
            Steering::NoBypass(why) => format!("variables; {why}"),
            Steering::JavaOptions => "`JAVA_TOOL_OPTIONS`".to_owned(),
            Steering::Never(why) => format!("nothing, always direct: {why}"),
            Steering::Unknown => "?".to_owned(),
        };
        let words = [known.variables, known.values, known.bypass].map(Knowledge::as_str);
        let mut row = vec![client.name().to_owned(), client.versions().to_owned()];
        row.extend(words.map(str::to_owned));
        row.push(steered);
        row
    });
    table(&mut out, &head, rows);

    out.push_str("## Google's tools and libraries\n\n");
    let rows = clients().iter().filter_map(|client| {
        let google = client.google()?;
        Some(vec![client.name().to_owned(), google.to_owned()])
    });
    table(&mut out, &["client", "what goes its way"], rows);

    let steered = || {
        clients()
            .iter()
            .filter(|client| matches!(client.steering(), Steering::Full | Steering::NoBypass(_)))
    };
    out.push_str(
        "## Variables

`l` lower case only, `U` upper case only, `lU` both and lower wins, `Ul` both and upper wins, `last` the last in the environment wins,
`-` not read, `?` unknown. The columns of https are for https URLs.

",
    );
    let head = [
        "client",
        "http_proxy",
        "https_proxy",
        "http_proxy for https",
        "https_proxy for http",
        "all_proxy",
        "no_proxy",
    ];
    let rows = steered().map(|client| {
        let (http, https) = ("http://x.example", "https://x.example");
        vec![
            client.name().to_owned(),
            spelling(client, "http_proxy", "HTTP_PROXY", http),
            spelling(client, "https_proxy", "HTTPS_PROXY", https),
            spelling(client, "http_proxy", "HTTP_PROXY", https),
            spelling(client, "https_proxy", "HTTPS_PROXY", http),
            spelling(client, "all_proxy", "ALL_PROXY", http),
            list_spelling(client),
        ]
    });
    table(&mut out, &head, rows);

    out.push_str(
        "## Values

`P` by the proxy, `D` direct without a word, `E` fails, `X` by another address than was meant, `?` unknown; two where http and https
URLs differ. `no port` is the port that is taken.

",
    );
    let mut head = vec!["client"];
    head.extend(VALUE_PROBES.iter().map(|(name, _)| *name));
    let rows = steered().map(|client| {
        let mut row = vec![client.name().to_owned()];
        row.extend(
            VALUE_PROBES
                .iter()
                .map(|(_, value)| value_letters(client, value)),
        );
        row
    });
    table(&mut out, &head, rows);

    out.push_str(
        "## Lists

`D` the entry takes the host past the proxy, `P` it does not, `E` the client crashes, `?` unknown. `x > a.x`: does `x` take what is
below x; `x > wx`: does it take a name that only ends alike; `x.`: does `x` take the name with a dot at its end.

",
    );
    let mut head = vec!["client"];
    head.extend(LIST_PROBES.iter().map(|(name, ..)| *name));
    let rows = steered().map(|client| {
        let mut row = vec![client.name().to_owned()];
        row.extend(LIST_PROBES.iter().map(|(_, list, url)| {
            let lists = [("no_proxy", *list), ("NO_PROXY", *list)];
            let variables = [&four(PROXY)[..], &lists].concat();
            letter(&ask(client, &variables, url)).to_owned()
        }));
        row
    });
    table(&mut out, &head, rows);

    writeln!(
        out,
        "## What one list cannot do

With both spellings of all three variables alike, the list `{ONE_LIST}`
takes every client past the proxy that variables can steer, but for these:
"
    )
    .unwrap();
    let rows = NOT_SERVED
        .iter()
        .map(|(url, names)| vec![(*url).to_owned(), names.join(", ")]);
    table(&mut out, &["URL", "not served"], rows);

    out.push_str("## Where the model and an observation differ\n\n");
    let rows = exceptions().map(|exception| {
        vec![
            exception.measured.to_owned(),
            exception.place.to_owned(),
            exception.count.to_string(),
            exception.why.to_owned(),
        ]
    });
    table(&mut out, &["program", "URL or value", "times", "why"], rows);
    while out.ends_with("\n\n") {
        out.pop();
    }
    out
}

#[test]
fn the_page_shows_the_table() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/clients.md");
    let page = page();
    if std::env::var_os("RUNUP_BLESS").is_some() {
        std::fs::create_dir_all(concat!(env!("CARGO_MANIFEST_DIR"), "/docs")).unwrap();
        std::fs::write(path, &page).unwrap();
    }
    let written = std::fs::read_to_string(path).unwrap_or_default();
    assert!(
        written == page,
        "docs/clients.md is not what the table says: RUNUP_BLESS=1 cargo test --test route_golden"
    );
}
