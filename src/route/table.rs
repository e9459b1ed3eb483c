//! The clients. Facts only: what is not written here, the model does not know.

use super::reader::{Before, Cgi, Ignored, Order, Reader};
use super::value::UNMEASURED;
use super::variables::{Group, Variables};
use super::{Client, Engine, Knowledge, Known};

mod lists;
mod values;
mod variables;

use lists::*;
use values::*;
use variables::*;

const CURL7: Reader = Reader {
    variables: CURL_VARIABLES,
    values: &CURL7_VALUES,
    values_of_all: None,
    bypass: Some(&CURL7_LIST),
    order: Order::BypassFirst,
    ignored: Ignored::Unknown,
    cgi: Cgi::Nothing,
    before: Before::Nothing,
    unmodelled: &[],
};

const CURL8: Reader = Reader {
    values: &CURL8_VALUES,
    bypass: Some(&CURL8_LIST),
    ..CURL7
};

const GIT: Reader = Reader {
    variables: Variables {
        http: &[
            Group::set_or_end(&["http_proxy"]),
            Group::set_or_end(&["all_proxy", "ALL_PROXY"]),
        ],
        https: &[
            Group::set_or_end(&["https_proxy", "HTTPS_PROXY"]),
            Group::set_or_end(&["all_proxy", "ALL_PROXY"]),
        ],
        bypass: LOWER_SET_LIST,
    },
    values: &GIT_VALUES,
    order: Order::Unknown,
    ..CURL7
};

const WGET: Reader = Reader {
    variables: LOWER_VARIABLES,
    values: &WGET_VALUES,
    bypass: Some(&WGET_LIST),
    ..CURL7
};

const WGET2: Reader = Reader {
    variables: LOWER_VARIABLES,
    values: &WGET2_VALUES,
    bypass: Some(&WGET2_LIST),
    ..CURL7
};

const BUSYBOX: Reader = Reader {
    variables: Variables {
        http: &[Group::filled(&["http_proxy"])],
        https: &[Group::filled(&["http_proxy"])],
        bypass: NO_LIST,
    },
    values: &BUSYBOX_VALUES,
    bypass: None,
    ..CURL7
};

const ARIA2: Reader = Reader {
    variables: Variables {
        http: &[
            Group::filled(&["http_proxy"]),
            Group::filled(&["all_proxy"]),
        ],
        https: &[
            Group::filled(&["https_proxy"]),
            Group::filled(&["all_proxy"]),
        ],
        bypass: LOWER_LIST,
    },
    values: &ARIA2_VALUES,
    bypass: Some(&ARIA2_LIST),
    order: Order::Unknown,
    ..CURL7
};

const APT: Reader = Reader {
    variables: Variables {
        http: &[Group::filled(&["http_proxy"])],
        https: &[
            Group::filled(&["https_proxy"]),
            Group::filled(&["http_proxy"]),
        ],
        bypass: LOWER_LIST,
    },
    values: &APT_VALUES,
    bypass: Some(&APT_LIST),
    order: Order::Unknown,
    ..CURL7
};

const URLLIB: Reader = Reader {
    variables: PYTHON_VARIABLES,
    values: &URLLIB_VALUES,
    bypass: Some(&URLLIB_LIST),
    ..CURL7
};

const REQUESTS: Reader = Reader {
    variables: Variables {
        bypass: LOWER_FIRST_LIST,
        ..PYTHON_ALL_VARIABLES
    },
    values: &REQUESTS_VALUES,
    bypass: Some(&REQUESTS_LIST),
    ..URLLIB
};

const OLDER_REQUESTS: Reader = Reader {
    values: &OLDER_REQUESTS_VALUES,
    bypass: Some(&OLDER_REQUESTS_LIST),
    ..REQUESTS
};

const PIP: Reader = Reader {
    values: &PIP_VALUES,
    before: Before::Sole("PIP_PROXY"),
    ..OLDER_REQUESTS
};

const GCLOUD: Reader = Reader {
    before: Before::CloudSdk,
    ..OLDER_REQUESTS
};

const NIQUESTS: Reader = Reader {
    variables: AGREEING_VARIABLES,
    values: &UNMEASURED,
    bypass: Some(&NIQUESTS_LIST),
    order: Order::Unknown,
    cgi: Cgi::Unknown,
    ..CURL7
};

const HTTPX: Reader = Reader {
    variables: PYTHON_ALL_VARIABLES,
    values: &HTTPX_VALUES,
    bypass: Some(&HTTPX_LIST),
    order: Order::ValuesFirst,
    ..CURL7
};

const HTTPX2: Reader = Reader {
    bypass: Some(&HTTPX2_LIST),
    ..NIQUESTS
};

const AIOHTTP: Reader = Reader {
    values: &AIOHTTP_VALUES,
    bypass: Some(&AIOHTTP_LIST),
    ..URLLIB
};

const HTTPLIB2: Reader = Reader {
    variables: LOWER_SET_VARIABLES,
    values: &HTTPLIB2_VALUES,
    bypass: Some(&HTTPLIB2_LIST),
    order: Order::BypassFirst,
    cgi: Cgi::Unknown,
    ..CURL7
};

const GSUTIL: Reader = Reader {
    variables: Variables {
        http: &[Group::filled(&["http_proxy", "https_proxy", "HTTPS_PROXY"])],
        https: &[Group::filled(&["http_proxy", "https_proxy", "HTTPS_PROXY"])],
        bypass: Group::set(&["no_proxy", "NO_PROXY"]),
    },
    values: &GSUTIL_VALUES,
    bypass: Some(&GSUTIL_LIST),
    order: Order::Unknown,
    before: Before::CloudSdkAndList,
    ..CURL7
};

const BQ: Reader = Reader {
    variables: AGREEING_VARIABLES,
    values: &UNMEASURED,
    bypass: Some(&GSUTIL_LIST),
    order: Order::Unknown,
    cgi: Cgi::Unknown,
    before: Before::CloudSdkAndList,
    ..CURL7
};

const BOTOCORE: Reader = Reader {
    values: &BOTOCORE_VALUES,
    ..URLLIB
};

const KUBERNETES: Reader = Reader {
    variables: LOWER_SET_ALL_VARIABLES,
    values: &KUBERNETES_VALUES,
    bypass: Some(&KUBERNETES_LIST),
    order: Order::Unknown,
    cgi: Cgi::Unknown,
    ..CURL7
};

const WEBSOCKET: Reader = Reader {
    variables: LOWER_SET_VARIABLES,
    values: &WEBSOCKET_VALUES,
    bypass: Some(&WEBSOCKET_LIST),
    order: Order::Unknown,
    cgi: Cgi::Unknown,
    ..CURL7
};

const GRPC: Reader = Reader {
    variables: Variables {
        http: &[Group::set_or_end(&[
            "grpc_proxy",
            "https_proxy",
            "http_proxy",
        ])],
        https: &[Group::set_or_end(&[
            "grpc_proxy",
            "https_proxy",
            "http_proxy",
        ])],
        bypass: Group::set(&["no_grpc_proxy", "no_proxy"]),
    },
    values: &GRPC_VALUES,
    bypass: Some(&GRPC_LIST),
    order: Order::Unknown,
    ignored: Ignored::Direct,
    ..CURL7
};

const GO: Reader = Reader {
    variables: UPPER_FIRST_VARIABLES,
    values: &GO_VALUES,
    bypass: Some(&GO_LIST),
    order: Order::BypassFirst,
    cgi: Cgi::Refuses,
    ..CURL7
};

/// Net::HTTP asks for http_proxy whatever the URL's scheme.
const RUBY: Reader = Reader {
    variables: Variables {
        http: &[Group::set(&["http_proxy", "HTTP_PROXY"])],
        https: &[Group::set(&["http_proxy", "HTTP_PROXY"])],
        bypass: LOWER_SET_LIST,
    },
    values: &RUBY_VALUES,
    bypass: Some(&RUBY_LIST),
    order: Order::BypassFirst,
    cgi: Cgi::NoUpper,
    ..CURL7
};

/// open-uri and Faraday ask for the variable of the URL's scheme.
const RUBY_URI: Reader = Reader {
    variables: LOWER_SET_VARIABLES,
    values: &UNMEASURED,
    ..RUBY
};

const LWP: Reader = Reader {
    variables: UPPER_FIRST_VARIABLES,
    values: &LWP_VALUES,
    bypass: Some(&LWP_LIST),
    order: Order::Unknown,
    cgi: Cgi::NoUpper,
    ..CURL7
};

const HTTP_TINY: Reader = Reader {
    variables: Variables {
        bypass: LOWER_LIST,
        ..LOWER_FIRST_ALL_VARIABLES
    },
    values: &HTTP_TINY_VALUES,
    bypass: Some(&HTTP_TINY_LIST),
    order: Order::Unknown,
    cgi: Cgi::NoUpper,
    ..CURL7
};

const NODE_SWITCH: Before = Before::Switch("NODE_USE_ENV_PROXY");

const NODE: Reader = Reader {
    variables: LOWER_FIRST_VARIABLES,
    values: &NODE_VALUES,
    bypass: Some(&NODE_LIST),
    order: Order::ValuesFirst,
    cgi: Cgi::Unknown,
    before: NODE_SWITCH,
    ..CURL7
};

const UNDICI: Reader = Reader {
    variables: Variables {
        http: &[Group::set(&["http_proxy", "HTTP_PROXY"])],
        https: &[
            Group::set(&["https_proxy", "HTTPS_PROXY"]),
            Group::set(&["http_proxy", "HTTP_PROXY"]),
        ],
        bypass: LOWER_SET_LIST,
    },
    values: &UNDICI_VALUES,
    bypass: Some(&UNDICI_LIST),
    order: Order::ValuesFirst,
    cgi: Cgi::Unknown,
    ..CURL7
};

/// The same code inside Node, behind the switch.
const NODE_FETCH: Reader = Reader {
    before: NODE_SWITCH,
    ..UNDICI
};

const AXIOS: Reader = Reader {
    variables: LOWER_FIRST_ALL_VARIABLES,
    values: &AXIOS_VALUES,
    bypass: Some(&AXIOS_LIST),
    order: Order::BypassFirst,
    cgi: Cgi::Unknown,
    ..CURL7
};

const PROXY_AGENT: Reader = Reader {
    values: &PROXY_AGENT_VALUES,
    bypass: Some(&PROXY_FROM_ENV_LIST),
    ..AXIOS
};

const BUN: Reader = Reader {
    values: &BUN_VALUES,
    values_of_all: Some(&BUN_VALUES_OF_ALL),
    bypass: Some(&BUN_LIST),
    order: Order::Unknown,
    ..AXIOS
};

const GAXIOS_PROXIES: Group =
    Group::filled(&["HTTPS_PROXY", "https_proxy", "HTTP_PROXY", "http_proxy"]);

const GAXIOS: Reader = Reader {
    variables: Variables {
        http: &[GAXIOS_PROXIES],
        https: &[GAXIOS_PROXIES],
        bypass: UPPER_SET_LIST,
    },
    values: &GAXIOS_VALUES,
    bypass: Some(&GAXIOS_LIST),
    order: Order::BypassFirst,
    cgi: Cgi::Unknown,
    ..CURL7
};

const MAKE_FETCH_HAPPEN: Reader = Reader {
    variables: Variables {
        http: &[
            Group::last(&["https_proxy"]),
            Group::last(&["http_proxy"]),
            Group::last(&["proxy"]),
        ],
        https: &[Group::last(&["https_proxy"])],
        bypass: Group::last(&["no_proxy"]),
    },
    values: &NPM_VALUES,
    bypass: Some(&NPM_LIST),
    order: Order::BypassFirst,
    cgi: Cgi::Unknown,
    ..CURL7
};

const NPM: Reader = Reader {
    unmodelled: &[
        "npm_config_proxy",
        "npm_config_https_proxy",
        "npm_config_noproxy",
        "NPM_CONFIG_PROXY",
        "NPM_CONFIG_HTTPS_PROXY",
        "NPM_CONFIG_NOPROXY",
    ],
    ..MAKE_FETCH_HAPPEN
};

const REQWEST: Reader = Reader {
    variables: Variables {
        http: &[
            Group::set(&["HTTP_PROXY", "http_proxy"]),
            Group::set(&["ALL_PROXY", "all_proxy"]),
        ],
        https: &[
            Group::set(&["HTTPS_PROXY", "https_proxy"]),
            Group::set(&["ALL_PROXY", "all_proxy"]),
        ],
        bypass: UPPER_SET_LIST,
    },
    values: &REQWEST_VALUES,
    bypass: Some(&REQWEST_LIST),
    order: Order::BypassFirst,
    ignored: Ignored::Next,
    cgi: Cgi::NoProxies,
    ..CURL7
};

/// One proxy for every URL, found in this order.
const UREQ_PROXIES: &[Group] = &[
    Group::filled(&["ALL_PROXY"]),
    Group::filled(&["all_proxy"]),
    Group::filled(&["HTTPS_PROXY"]),
    Group::filled(&["https_proxy"]),
    Group::filled(&["HTTP_PROXY"]),
    Group::filled(&["http_proxy"]),
];

const UREQ: Reader = Reader {
    variables: Variables {
        http: UREQ_PROXIES,
        https: UREQ_PROXIES,
        bypass: UPPER_SET_LIST,
    },
    values: &UREQ_VALUES,
    bypass: Some(&UREQ_LIST),
    order: Order::Unknown,
    ignored: Ignored::Next,
    cgi: Cgi::Unknown,
    ..CURL7
};

const ATTOHTTPC: Reader = Reader {
    variables: LOWER_SET_ALL_VARIABLES,
    values: &ATTOHTTPC_VALUES,
    bypass: Some(&ATTOHTTPC_LIST),
    order: Order::Unknown,
    cgi: Cgi::Unknown,
    ..CURL7
};

const MEASURED: Known = Known {
    variables: Knowledge::Measured,
    values: Knowledge::Measured,
    bypass: Knowledge::Measured,
};

/// The code of another client in this table, tried on fewer values.
const SHARED: Known = Known {
    values: Knowledge::Read,
    ..MEASURED
};

/// Variables and values are those of the shared code; only lists were tried.
const LISTS: Known = Known {
    variables: Knowledge::Read,
    values: Knowledge::Read,
    bypass: Knowledge::Measured,
};

/// Tried only with both spellings alike and a well-formed proxy.
const LISTS_ONLY: Known = Known {
    variables: Knowledge::Unknown,
    values: Knowledge::Unknown,
    bypass: Knowledge::Measured,
};

const READ: Known = Known {
    variables: Knowledge::Read,
    values: Knowledge::Read,
    bypass: Knowledge::Read,
};

const UNKNOWN: Known = Known {
    variables: Knowledge::Unknown,
    values: Knowledge::Unknown,
    bypass: Knowledge::Unknown,
};

const fn reads(
    name: &'static str,
    versions: &'static str,
    known: Known,
    google: Option<&'static str>,
    reader: &'static Reader,
) -> Client {
    Client {
        name,
        versions,
        known,
        google,
        engine: Engine::Variables(reader),
    }
}

const fn never(
    name: &'static str,
    versions: &'static str,
    google: Option<&'static str>,
    why: &'static str,
) -> Client {
    Client {
        name,
        versions,
        known: MEASURED,
        google,
        engine: Engine::Direct(why),
    }
}

const OWN_METADATA_CODE: &str = "its code for the metadata server uses no proxy";

pub(super) const CLIENTS: &[Client] = &[
    // programs
    reads("curl 7", "7.88.1", MEASURED, None, &CURL7),
    reads("curl 8", "libcurl 8.23.0", MEASURED, None, &CURL8),
    reads("wget", "1.21.3", MEASURED, None, &WGET),
    reads("wget2", "1.99.1", MEASURED, None, &WGET2),
    reads("wget (BusyBox)", "1.35", MEASURED, None, &BUSYBOX),
    reads("aria2", "1.36", MEASURED, None, &ARIA2),
    reads("git", "2.47.3 with libcurl 7.88", MEASURED, None, &GIT),
    reads("apt", "2.6.1", MEASURED, None, &APT),
    reads("pip", "24.2", SHARED, None, &PIP),
    reads("uv", "0.13.8", SHARED, None, &REQWEST),
    reads("npm", "11.19.1", SHARED, None, &NPM),
    reads("kubectl", "of Google Cloud SDK 528", MEASURED, None, &GO),
    reads("terraform", "1.11.4", SHARED, None, &GO),
    // Google's tools
    reads(
        "gcloud",
        "528",
        SHARED,
        Some("the token of gcloud and of bq, and gcloud's API calls"),
        &GCLOUD,
    ),
    never(
        "gcloud (detection)",
        "528",
        Some("whether there is a metadata server, the account and the project"),
        OWN_METADATA_CODE,
    ),
    reads(
        "gcloud storage",
        "528",
        LISTS,
        Some("gcloud storage's API calls"),
        &GCLOUD,
    ),
    reads(
        "gsutil",
        "5.34",
        MEASURED,
        Some("gsutil's API calls"),
        &GSUTIL,
    ),
    never(
        "gsutil (metadata)",
        "5.34",
        Some("gsutil's token"),
        OWN_METADATA_CODE,
    ),
    reads(
        "bq",
        "of Google Cloud SDK 528",
        LISTS_ONLY,
        Some("bq's API calls; its token is gcloud's"),
        &BQ,
    ),
    // Google's libraries
    reads(
        "google-auth (Python)",
        "2.62.2 with requests 2.34.2",
        LISTS,
        Some("asks 169.254.169.254 first, then metadata.google.internal"),
        &REQUESTS,
    ),
    reads(
        "google-cloud-storage (Python)",
        "3.17.1",
        LISTS,
        Some("API calls of the Python libraries"),
        &REQUESTS,
    ),
    reads(
        "google-auth-library (Node)",
        "10.9.1 with gcp-metadata 8.1.4",
        LISTS,
        Some(
            "asks 169.254.169.254 and metadata.google.internal. (with the dot), runs gcloud for the project",
        ),
        &GAXIOS,
    ),
    never(
        "compute/metadata (Go)",
        "cloud.google.com/go",
        Some("asks 169.254.169.254"),
        OWN_METADATA_CODE,
    ),
    reads(
        "google-cloud-auth (Rust)",
        "on reqwest",
        READ,
        Some("asks metadata.google.internal"),
        &REQWEST,
    ),
    // Python
    reads("urllib (Python)", "2.7 to 3.13", MEASURED, None, &URLLIB),
    reads("requests (Python)", "2.34.2", MEASURED, None, &REQUESTS),
    reads("niquests (Python)", "3.21", LISTS_ONLY, None, &NIQUESTS),
    reads("httpx (Python)", "0.28.1", MEASURED, None, &HTTPX),
    reads("httpx2 (Python)", "2.16.2", LISTS_ONLY, None, &HTTPX2),
    reads(
        "aiohttp (Python, trust_env)",
        "3.14.5",
        MEASURED,
        None,
        &AIOHTTP,
    ),
    reads("httplib2 (Python)", "0.32.1", MEASURED, None, &HTTPLIB2),
    reads("botocore (Python)", "1.43", MEASURED, None, &BOTOCORE),
    reads("kubernetes (Python)", "37.0.2", MEASURED, None, &KUBERNETES),
    reads(
        "websocket-client (Python)",
        "current",
        MEASURED,
        None,
        &WEBSOCKET,
    ),
    reads("curl_cffi (Python)", "libcurl 8", LISTS, None, &CURL8),
    reads("gRPC", "grpcio 1.85.1", MEASURED, None, &GRPC),
    // Go, Java, Ruby, Perl, PHP, .NET
    reads("net/http (Go)", "1.19 and 1.27", MEASURED, None, &GO),
    Client {
        name: "Java",
        versions: "OpenJDK 17, HttpURLConnection and HttpClient",
        known: MEASURED,
        google: Some("the Java libraries, by the same selector (read)"),
        engine: Engine::Java,
    },
    reads("Net::HTTP (Ruby)", "3.1", MEASURED, None, &RUBY),
    reads("open-uri (Ruby)", "3.1", LISTS, None, &RUBY_URI),
    reads("Faraday (Ruby)", "on Ruby 3.1", LISTS, None, &RUBY_URI),
    reads("LWP (Perl)", "6.68", MEASURED, None, &LWP),
    reads(
        "HTTP::Tiny (Perl)",
        "of Perl 5.36",
        MEASURED,
        None,
        &HTTP_TINY,
    ),
    reads(
        "curl (PHP)",
        "8.2 with libcurl 7.88",
        MEASURED,
        None,
        &CURL7,
    ),
    Client {
        name: "Guzzle (PHP)",
        versions: "none",
        known: UNKNOWN,
        google: Some("the PHP libraries ask 169.254.169.254"),
        engine: Engine::Unknown,
    },
    Client {
        name: ".NET HttpClient",
        versions: "none",
        known: UNKNOWN,
        google: Some("the .NET libraries"),
        engine: Engine::Unknown,
    },
    // Node
    reads("http (Node)", "24.19", MEASURED, None, &NODE),
    reads("fetch (Node)", "24.19", LISTS, None, &NODE_FETCH),
    reads(
        "undici (EnvHttpProxyAgent)",
        "7.30.2",
        MEASURED,
        None,
        &UNDICI,
    ),
    reads("axios (Node)", "1.21.1", MEASURED, None, &AXIOS),
    reads("gaxios (Node)", "7.3.1", MEASURED, None, &GAXIOS),
    reads(
        "proxy-agent (Node)",
        "current",
        MEASURED,
        None,
        &PROXY_AGENT,
    ),
    reads(
        "make-fetch-happen (Node)",
        "current",
        MEASURED,
        None,
        &MAKE_FETCH_HAPPEN,
    ),
    reads("fetch (Bun)", "1.4.5", MEASURED, None, &BUN),
    // Rust
    reads(
        "reqwest (Rust)",
        "0.12.28 and 0.13.5",
        MEASURED,
        None,
        &REQWEST,
    ),
    reads("ureq (Rust)", "3.5.2", MEASURED, None, &UREQ),
    reads("attohttpc (Rust)", "0.30.1", MEASURED, None, &ATTOHTTPC),
];
