//! The grammars of the bypass list.

use crate::route::bypass::Rule::{self, *};
use crate::route::bypass::{Bypass, Empty, Lead, PLAIN, Ports, Split, TrailingDot, Trim};

pub(super) const CURL7_LIST: Bypass = Bypass {
    split: Split::CommaOrBlank,
    trim: Trim::None,
    trailing_dot: TrailingDot::Both,
    lone_star: true,
    names: &[Exact, Below, DotBelow, DotApex],
    addresses: &[SameAddress, Cidr4],
    ..PLAIN
};

pub(super) const CURL8_LIST: Bypass = Bypass {
    split: Split::CommaUntilBlank,
    addresses: &[SameAddress, Cidr4, Cidr6],
    ..CURL7_LIST
};

pub(super) const WGET_LIST: Bypass = Bypass {
    trim: Trim::AfterComma,
    empty: Empty::Text,
    names: &[Exact, Below, DotBelow],
    addresses: &[Exact, Below, DotBelow],
    ..PLAIN
};

pub(super) const WGET2_LIST: Bypass = Bypass {
    trim: Trim::None,
    names: &[Exact, DotBelow],
    addresses: &[Exact, DotBelow],
    ..PLAIN
};

pub(super) const ARIA2_LIST: Bypass = Bypass {
    fold: false,
    names: &[Exact, DotBelow],
    addresses: &[Exact, Cidr4, Cidr6],
    ..PLAIN
};

pub(super) const APT_LIST: Bypass = Bypass {
    trim: Trim::None,
    names: &[Tail],
    addresses: &[Tail],
    ..PLAIN
};

/// urllib compares the host as the URL writes it, port and brackets included.
pub(super) const URLLIB_LIST: Bypass = Bypass {
    lead: Lead::Dots,
    lone_star: true,
    ports: Ports::Explicit,
    bracketed: true,
    names: &[Exact, Below],
    addresses: &[Exact, Below],
    ..PLAIN
};

/// aiohttp asks urllib for the bare host.
pub(super) const AIOHTTP_LIST: Bypass = Bypass {
    ports: Ports::No,
    bracketed: false,
    ..URLLIB_LIST
};

pub(super) const REQUESTS_LIST: Bypass = Bypass {
    ports: Ports::ExplicitForNames,
    bracketed: false,
    addresses: &[Exact, Below, Cidr4],
    ..URLLIB_LIST
};

/// Releases of requests differ in whether `x` takes `wx` too.
pub(super) const OLDER_REQUESTS_LIST: Bypass = Bypass {
    unsure: &[Tail],
    ..REQUESTS_LIST
};

pub(super) const NIQUESTS_LIST: Bypass = Bypass {
    lead: Lead::Keep,
    ports: Ports::ExplicitForNames,
    bracketed: false,
    names: &[Exact, Tail, DotApex],
    addresses: &[Exact, Tail, Cidr4, Cidr6],
    ..URLLIB_LIST
};

pub(super) const HTTPX_LIST: Bypass = Bypass {
    ports: Ports::Named,
    names: &[Exact, Below, DotBelow, Star, Url],
    addresses: &[SameAddress, Below, CidrBase, Star, Url],
    crashes: true,
    ..PLAIN
};

pub(super) const HTTPX2_LIST: Bypass = Bypass {
    lone_star: true,
    names: &[Exact, Below, DotBelow, StarBelow, Url],
    addresses: &[SameAddress, Bracketed, Cidr4, Cidr6],
    unsure: PARTLY,
    ..PLAIN
};

/// What the shorter run of 37 lists left out.
pub(super) const PARTLY: &[Rule] = &[Star, ExactWithNamedPort, StarTail, CidrBase];

pub(super) const HTTPLIB2_LIST: Bypass = Bypass {
    trim: Trim::None,
    fold: false,
    lone_star: true,
    names: &[Exact, DotBelow, DotApex],
    addresses: &[Exact, DotBelow, DotApex],
    ..PLAIN
};

pub(super) const GSUTIL_LIST: Bypass = Bypass {
    names: &[Exact, DotBelow],
    unsure: &[DotApex, Star, ExactWithPort, Bracketed, Cidr6, StarTail],
    ..HTTPLIB2_LIST
};

pub(super) const KUBERNETES_LIST: Bypass = Bypass {
    lead: Lead::Dots,
    lone_star: true,
    names: &[Exact, Below],
    addresses: &[SameAddress, Bracketed, Cidr4, Cidr6],
    unsure: PARTLY,
    ..PLAIN
};

pub(super) const WEBSOCKET_LIST: Bypass = Bypass {
    trim: Trim::Blanks,
    empty: Empty::Text,
    fold: false,
    lone_star: true,
    names: &[Exact, Below, DotTail],
    addresses: &[Exact, Cidr4, Cidr6],
    unsure: PARTLY,
    ..PLAIN
};

pub(super) const GRPC_LIST: Bypass = Bypass {
    names: &[Exact, Below, DotBelow],
    addresses: &[SameAddress4, Cidr4],
    unsure: &[DotApex, SameAddress, Bracketed, Cidr6, StarTail],
    ..PLAIN
};

pub(super) const GO_LIST: Bypass = Bypass {
    ports: Ports::Effective,
    names: &[Exact, Below, DotBelow, StarBelow, Star],
    addresses: &[
        SameAddress,
        BracketedWithPort,
        Cidr4,
        Cidr6,
        Below,
        DotBelow,
        StarBelow,
        Star,
    ],
    loopback: true,
    ..PLAIN
};

/// The only client that compares the addresses of a name. An IPv6 address in the list falls apart at its colons: `::1`
/// takes every host that ends in `.1`.
pub(super) const RUBY_LIST: Bypass = Bypass {
    split: Split::Ruby,
    names: &[Exact, Below, DotBelow],
    addresses: &[Exact, Below, DotBelow, SameAddress, Cidr4],
    loopback: true,
    resolves: true,
    ..PLAIN
};

/// An empty entry takes everything.
pub(super) const LWP_LIST: Bypass = Bypass {
    split: Split::Perl,
    trim: Trim::None,
    empty: Empty::Text,
    fold: false,
    names: &[Tail],
    addresses: &[Tail],
    ..PLAIN
};

pub(super) const HTTP_TINY_LIST: Bypass = Bypass {
    bracketed: true,
    ..LWP_LIST
};

pub(super) const NODE_LIST: Bypass = Bypass {
    names: &[Exact, ExactWithPort, DotBelow, DotApex, StarBelow, Star],
    addresses: &[Exact, ExactWithPort, DotBelow, StarBelow, Star, Range],
    ..PLAIN
};

pub(super) const UNDICI_LIST: Bypass = Bypass {
    split: Split::CommaOrSpace,
    lead: Lead::StarDot,
    lone_star: true,
    ports: Ports::EffectiveBlind,
    bracketed: true,
    names: &[Exact, Below],
    addresses: &[Exact, Below],
    ..PLAIN
};

/// The package proxy-from-env.
pub(super) const PROXY_FROM_ENV_LIST: Bypass = Bypass {
    split: Split::CommaOrSpace,
    ports: Ports::EffectiveBlind,
    bracketed: true,
    names: &[Exact, DotBelow, StarBelow, StarTail, Star],
    addresses: &[Exact, DotBelow, StarBelow, StarTail, Star],
    ..PLAIN
};

/// axios asks proxy-from-env, and then a list of its own.
pub(super) const AXIOS_LIST: Bypass = Bypass {
    split: Split::CommaOrSpace,
    trailing_dot: TrailingDot::Both,
    ports: Ports::Effective,
    names: &[Exact, DotBelow, StarBelow, Bracketed, Loopback],
    addresses: &[SameAddress, Bracketed, Cidr4, Cidr6, Loopback],
    also: Some(&PROXY_FROM_ENV_LIST),
    ..PLAIN
};

pub(super) const BUN_LIST: Bypass = Bypass {
    split: Split::CommaOrSpace,
    lead: Lead::StarDot,
    trailing_dot: TrailingDot::Both,
    ports: Ports::Effective,
    names: &[Exact, Below, Bracketed, Star],
    addresses: &[SameAddress, Bracketed, Cidr4, Cidr6, Star],
    ..PLAIN
};

/// An entry may be an origin, `http://x`.
pub(super) const GAXIOS_LIST: Bypass = Bypass {
    fold: false,
    bracketed: true,
    names: &[Exact, DotBelow, StarBelow, Origin],
    addresses: &[Exact, DotBelow, StarBelow, Origin],
    ..PLAIN
};

/// It compares label by label and drops the empty ones.
pub(super) const NPM_LIST: Bypass = Bypass {
    fold: false,
    lead: Lead::Dots,
    trailing_dot: TrailingDot::Entry,
    bracketed: true,
    names: &[Exact, Below],
    addresses: &[Exact, Below],
    ..PLAIN
};

/// A star takes names, not addresses.
pub(super) const REQWEST_LIST: Bypass = Bypass {
    names: &[Exact, Below, DotBelow, DotApex, Star],
    addresses: &[SameAddress, Cidr4, Cidr6],
    ..PLAIN
};

pub(super) const UREQ_LIST: Bypass = Bypass {
    trim: Trim::None,
    bracketed: true,
    names: &[Exact, DotBelow, StarBelow, StarTail, Head],
    addresses: &[Exact, DotBelow, StarBelow, StarTail, Head],
    ..PLAIN
};

/// An empty entry takes everything, and so does an empty list.
pub(super) const ATTOHTTPC_LIST: Bypass = Bypass {
    empty: Empty::TextAlone,
    lead: Lead::Dots,
    lone_star: true,
    bracketed: true,
    names: &[Tail],
    addresses: &[Tail],
    ..PLAIN
};
