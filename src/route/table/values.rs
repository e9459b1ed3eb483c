//! What becomes of a value.

use crate::route::value::Then::{
    self, Direct, Fails, LocalPort80, Misspeaks, Port80, Proxy, Unknown,
};
use crate::route::value::{TOLERANT, UNMEASURED, Values};

pub(super) const CURL7_VALUES: Values = Values {
    blanks: Fails,
    quotes: Fails,
    line_feed: Fails,
    carriage_return: Fails,
    raw_at: Fails,
    raw_hash: Fails,
    none_word: Fails,
    no_host: Fails,
    slashes: Fails,
    default_port: Some((1080, 1080)),
    ..TOLERANT
};

pub(super) const CURL8_VALUES: Values = Values {
    default_port: Some((80, 80)),
    ..CURL7_VALUES
};

pub(super) const GIT_VALUES: Values = Values {
    path: Fails,
    raw_at: Proxy,
    no_password: Fails,
    no_host: Direct,
    ..CURL7_VALUES
};

pub(super) const WGET_VALUES: Values = Values {
    blanks: Fails,
    quotes: Fails,
    line_feed: Fails,
    carriage_return: Fails,
    raw_at: Fails,
    raw_hash: Fails,
    socks5: Fails,
    socks5h: Fails,
    socks: Fails,
    tls: Then::By(&Fails, &Proxy),
    none_word: Fails,
    no_host: Fails,
    slashes: Fails,
    ..TOLERANT
};

/// It speaks TLS to an `http://` proxy where the URL is https.
pub(super) const WGET2_VALUES: Values = Values {
    schemeless_name: Then::By(&Fails, &Proxy),
    quotes: Fails,
    raw_at: Fails,
    raw_hash: Fails,
    escaped_at: Fails,
    socks5: Misspeaks,
    socks5h: Misspeaks,
    socks: Misspeaks,
    none_word: Fails,
    no_host: Fails,
    over_https: Misspeaks,
    ..TOLERANT
};

pub(super) const BUSYBOX_VALUES: Values = Values {
    upper_scheme: Fails,
    blanks: Fails,
    quotes: Fails,
    line_feed: Fails,
    carriage_return: Fails,
    raw_hash: Fails,
    socks5: Fails,
    socks5h: Fails,
    socks: Fails,
    tls: Fails,
    none_word: Fails,
    no_host: Fails,
    slashes: Fails,
    ..TOLERANT
};

pub(super) const ARIA2_VALUES: Values = Values {
    upper_scheme: Direct,
    blanks: Direct,
    quotes: Direct,
    line_feed: Direct,
    carriage_return: Direct,
    raw_at: Fails,
    raw_hash: Direct,
    socks5: Direct,
    socks5h: Direct,
    socks: Direct,
    none_word: Fails,
    no_host: Direct,
    slashes: Direct,
    ..TOLERANT
};

pub(super) const APT_VALUES: Values = Values {
    schemeless_address: Fails,
    schemeless_name: Fails,
    upper_scheme: Fails,
    blanks: Fails,
    quotes: Fails,
    socks5: Fails,
    socks: Fails,
    none_word: Direct,
    no_host: Direct,
    slashes: Fails,
    default_port: Some((80, 443)),
    ..TOLERANT
};

pub(super) const GO_VALUES: Values = Values {
    blanks: Direct,
    quotes: Fails,
    line_feed: Direct,
    carriage_return: Direct,
    raw_hash: Fails,
    bad_percent: Direct,
    socks: Misspeaks,
    none_word: Fails,
    no_host: Fails,
    slashes: LocalPort80,
    ..TOLERANT
};

pub(super) const REQWEST_VALUES: Values = Values {
    blanks: Direct,
    quotes: Direct,
    line_feed: Direct,
    carriage_return: Direct,
    raw_hash: Fails,
    socks: Direct,
    none_word: Fails,
    no_host: Direct,
    slashes: Direct,
    ..TOLERANT
};

pub(super) const UREQ_VALUES: Values = Values {
    socks: Proxy,
    ..REQWEST_VALUES
};

pub(super) const ATTOHTTPC_VALUES: Values = Values {
    schemeless_address: Direct,
    schemeless_name: Direct,
    quotes: Direct,
    raw_hash: Direct,
    socks5: Direct,
    socks5h: Direct,
    socks: Direct,
    none_word: Direct,
    no_host: Direct,
    slashes: Direct,
    ..TOLERANT
};

pub(super) const RUBY_VALUES: Values = Values {
    schemeless_address: Fails,
    schemeless_name: Fails,
    blanks: Fails,
    quotes: Fails,
    line_feed: Fails,
    carriage_return: Fails,
    raw_at: Fails,
    raw_hash: Fails,
    bad_percent: Fails,
    socks5: Misspeaks,
    socks5h: Misspeaks,
    socks: Misspeaks,
    none_word: Fails,
    no_host: LocalPort80,
    ..TOLERANT
};

pub(super) const LWP_VALUES: Values = Values {
    schemeless_address: Fails,
    schemeless_name: Fails,
    blanks: Fails,
    quotes: Fails,
    raw_hash: Fails,
    socks5: Fails,
    socks5h: Fails,
    socks: Fails,
    none_word: Fails,
    no_host: Fails,
    slashes: Fails,
    ..TOLERANT
};

pub(super) const HTTP_TINY_VALUES: Values = Values {
    schemeless_address: Fails,
    schemeless_name: Fails,
    path: Fails,
    blanks: Fails,
    quotes: Fails,
    line_feed: Fails,
    carriage_return: Fails,
    raw_at: Fails,
    raw_hash: Fails,
    socks5: Misspeaks,
    socks5h: Misspeaks,
    socks: Misspeaks,
    tls: Then::By(&Proxy, &Fails),
    none_word: Fails,
    no_host: LocalPort80,
    slashes: Fails,
    ..TOLERANT
};

pub(super) const URLLIB_VALUES: Values = Values {
    blanks: Then::By(&Fails, &Proxy),
    quotes: Fails,
    socks5: Then::By(&Fails, &Misspeaks),
    socks5h: Then::By(&Fails, &Misspeaks),
    socks: Then::By(&Fails, &Misspeaks),
    none_word: Fails,
    no_host: Fails,
    default_port: Some((80, 443)),
    ..TOLERANT
};

/// A name with a dot in it is no scheme to urllib3.
pub(super) const REQUESTS_VALUES: Values = Values {
    schemeless_name: Fails,
    schemeless_dotted: Some(Proxy),
    blanks: Fails,
    quotes: Fails,
    line_feed: Fails,
    carriage_return: Fails,
    raw_hash: Fails,
    socks: Fails,
    none_word: Fails,
    no_host: Fails,
    ..TOLERANT
};

/// The releases of requests inside pip and gcloud: a line feed does not stop them.
pub(super) const OLDER_REQUESTS_VALUES: Values = Values {
    line_feed: Proxy,
    carriage_return: Unknown,
    ..REQUESTS_VALUES
};

pub(super) const PIP_VALUES: Values = Values {
    carriage_return: Fails,
    ..OLDER_REQUESTS_VALUES
};

pub(super) const HTTPX_VALUES: Values = Values {
    blanks: Fails,
    quotes: Fails,
    line_feed: Fails,
    carriage_return: Fails,
    raw_hash: Fails,
    socks5: Fails,
    socks5h: Fails,
    socks: Fails,
    none_word: Fails,
    no_host: Fails,
    slashes: Fails,
    ..TOLERANT
};

pub(super) const AIOHTTP_VALUES: Values = Values {
    schemeless_address: Fails,
    schemeless_name: Fails,
    quotes: Fails,
    raw_hash: Fails,
    socks5: Misspeaks,
    socks5h: Misspeaks,
    socks: Misspeaks,
    tls: Direct,
    none_word: Fails,
    no_host: Direct,
    ..TOLERANT
};

pub(super) const HTTPLIB2_VALUES: Values = Values {
    schemeless_address: Direct,
    schemeless_name: Direct,
    blanks: Fails,
    quotes: Direct,
    raw_hash: Fails,
    socks5h: Misspeaks,
    none_word: Direct,
    no_host: Direct,
    default_port: Some((80, 443)),
    ..TOLERANT
};

pub(super) const GSUTIL_VALUES: Values = Values {
    schemeless_address: Proxy,
    quotes: Fails,
    line_feed: Proxy,
    escaped_at: Proxy,
    socks5h: Fails,
    tls: Proxy,
    none_word: Fails,
    ..UNMEASURED
};

pub(super) const BOTOCORE_VALUES: Values = Values {
    upper_scheme: Fails,
    blanks: Fails,
    quotes: Fails,
    carriage_return: Fails,
    raw_hash: Fails,
    socks5: Fails,
    socks5h: Fails,
    socks: Fails,
    none_word: Fails,
    no_host: Then::By(&Fails, &Direct),
    ..TOLERANT
};

pub(super) const KUBERNETES_VALUES: Values = Values {
    schemeless_address: Fails,
    schemeless_name: Fails,
    blanks: Fails,
    quotes: Fails,
    line_feed: Fails,
    carriage_return: Fails,
    raw_hash: Fails,
    socks: Fails,
    none_word: Fails,
    no_host: Then::By(&Fails, &Direct),
    slashes: Fails,
    ..TOLERANT
};

pub(super) const WEBSOCKET_VALUES: Values = Values {
    schemeless_address: Direct,
    schemeless_name: Direct,
    quotes: Direct,
    raw_hash: Fails,
    socks5: Misspeaks,
    socks5h: Misspeaks,
    socks: Misspeaks,
    none_word: Direct,
    no_host: Direct,
    ..TOLERANT
};

pub(super) const GRPC_VALUES: Values = Values {
    schemeless_address: Direct,
    schemeless_name: Direct,
    blanks: Direct,
    quotes: Direct,
    raw_hash: Fails,
    socks5: Direct,
    socks5h: Direct,
    socks: Direct,
    tls: Direct,
    none_word: Direct,
    no_host: Direct,
    slashes: Direct,
    default_port: Some((443, 443)),
    ..TOLERANT
};

pub(super) const NODE_VALUES: Values = Values {
    schemeless_address: Fails,
    schemeless_name: Fails,
    path: Fails,
    upper_scheme: Direct,
    blanks: Direct,
    quotes: Fails,
    line_feed: Fails,
    carriage_return: Fails,
    raw_hash: Fails,
    bad_percent: Fails,
    socks5: Direct,
    socks5h: Fails,
    socks: Direct,
    none_word: Fails,
    no_host: Fails,
    slashes: Fails,
    ..TOLERANT
};

pub(super) const UNDICI_VALUES: Values = Values {
    schemeless_address: Fails,
    schemeless_name: Fails,
    path: Fails,
    quotes: Fails,
    raw_hash: Fails,
    bad_percent: Fails,
    socks5h: Fails,
    none_word: Fails,
    no_host: Fails,
    slashes: Fails,
    ..TOLERANT
};

/// Without a scheme they take the URL's, and so speak TLS to the proxy for https.
pub(super) const AXIOS_VALUES: Values = Values {
    schemeless_address: Then::By(&Proxy, &Misspeaks),
    schemeless_name: Then::By(&Proxy, &Misspeaks),
    quotes: Fails,
    raw_hash: Fails,
    socks5: Then::By(&Fails, &Misspeaks),
    socks5h: Then::By(&Fails, &Misspeaks),
    socks: Then::By(&Fails, &Misspeaks),
    none_word: Fails,
    no_host: Fails,
    slashes: Then::By(&Proxy, &Misspeaks),
    ..TOLERANT
};

pub(super) const PROXY_AGENT_VALUES: Values = Values {
    bad_percent: Then::By(&Fails, &Misspeaks),
    socks5: Proxy,
    socks5h: Proxy,
    socks: Proxy,
    ..AXIOS_VALUES
};

pub(super) const GAXIOS_VALUES: Values = Values {
    schemeless_address: Fails,
    schemeless_name: LocalPort80,
    quotes: Fails,
    raw_hash: Fails,
    bad_percent: Misspeaks,
    socks5: Misspeaks,
    socks5h: Misspeaks,
    socks: Misspeaks,
    none_word: Fails,
    no_host: Fails,
    slashes: Fails,
    ..TOLERANT
};

pub(super) const NPM_VALUES: Values = Values {
    schemeless_address: Fails,
    schemeless_name: Fails,
    quotes: Fails,
    raw_hash: Fails,
    bad_percent: Then::By(&Fails, &Misspeaks),
    none_word: Fails,
    no_host: Fails,
    slashes: Fails,
    ..TOLERANT
};

pub(super) const BUN_VALUES: Values = Values {
    blanks: Fails,
    quotes: Fails,
    line_feed: Port80,
    carriage_return: Port80,
    raw_hash: Fails,
    socks5: Fails,
    socks5h: Fails,
    socks: Fails,
    none_word: Fails,
    no_host: Fails,
    ..TOLERANT
};

/// In ALL_PROXY, a SOCKS proxy is ignored.
pub(super) const BUN_VALUES_OF_ALL: Values = Values {
    socks5: Unknown,
    socks5h: Direct,
    socks: Unknown,
    ..BUN_VALUES
};
