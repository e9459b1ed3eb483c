//! The environments that clients are put into: well-formed, incomplete, contradictory, malformed.

use super::witness::Way;

/// The proxy that the user means, as [`crate::squid`] has it.
const P: &str = "http://proxy.corp.example:3128";

/// Another.
const Q: &str = "http://old-proxy.corp.example:3128";

/// What each list with all entries holds.
const WHOLE: &str = "metadata.google.internal,metadata.google.internal.,metadata,169.254.169.254,fd20:ce::254,\
                     nexus.corp.example,.corp.example,10.1.2.3";

/// A list as most people write it.
const USUAL: &str = "metadata.google.internal,169.254.169.254,nexus.corp.example";

/// An environment.
pub(super) struct Shape {
    /// What is peculiar about it.
    pub(super) title: &'static str,
    pub(super) variables: &'static [(&'static str, &'static str)],
    /// How the public host is to be reached after the mend, for http and for https; `None` where the mend lets it be.
    pub(super) wanted: Option<[Way; 2]>,
    /// Whether gcloud, which takes its time, is tried too.
    pub(super) gcloud: bool,
}

const fn shape(title: &'static str, variables: &'static [(&'static str, &'static str)]) -> Shape {
    Shape {
        title,
        variables,
        wanted: Some([Way::Proxy(0); 2]),
        gcloud: false,
    }
}

impl Shape {
    const fn wanting(self, http: Way, https: Way) -> Self {
        Self {
            wanted: Some([http, https]),
            ..self
        }
    }

    const fn left_alone(self) -> Self {
        Self {
            wanted: None,
            ..self
        }
    }

    const fn and_gcloud(self) -> Self {
        Self {
            gcloud: true,
            ..self
        }
    }
}

/// Both proxies in both spellings, then the rest.
macro_rules! proxied {
    ($proxy:expr $(, $name:literal = $value:expr)* $(,)?) => {
        &[
            ("HTTP_PROXY", $proxy),
            ("http_proxy", $proxy),
            ("HTTPS_PROXY", $proxy),
            ("https_proxy", $proxy),
            $(($name, $value),)*
        ]
    };
}

/// The proxy, and this list in both spellings.
macro_rules! listed {
    ($list:expr $(, $name:literal = $value:expr)* $(,)?) => {
        proxied!(P, "NO_PROXY" = $list, "no_proxy" = $list $(, $name = $value)*)
    };
}

/// All of them.
pub(super) const SHAPES: &[Shape] = &[
    // Which variables are set.
    shape("nothing", &[]).wanting(Way::Direct, Way::Direct),
    shape("`http_proxy` only", &[("http_proxy", P)]),
    shape("`HTTP_PROXY` only", &[("HTTP_PROXY", P)]).and_gcloud(),
    shape("`HTTPS_PROXY` only", &[("HTTPS_PROXY", P)]),
    shape("`ALL_PROXY` only", &[("ALL_PROXY", P)]),
    shape("the proxy in all spellings, no list", proxied!(P)),
    shape("the usual list", listed!(USUAL)),
    shape(
        "the usual list in `NO_PROXY` only",
        proxied!(P, "NO_PROXY" = USUAL),
    )
    .and_gcloud(),
    shape(
        "the usual list in `no_proxy` only",
        proxied!(P, "no_proxy" = USUAL),
    ),
    shape("the whole list", listed!(WHOLE)),
    // Spellings that differ; variables that are empty.
    shape(
        "`no_proxy` lacks what `NO_PROXY` has",
        proxied!(P, "NO_PROXY" = USUAL, "no_proxy" = "localhost"),
    ),
    shape(
        "`NO_PROXY` lacks what `no_proxy` has",
        proxied!(P, "NO_PROXY" = "localhost", "no_proxy" = USUAL),
    ),
    shape(
        "`no_proxy` is empty",
        proxied!(P, "NO_PROXY" = USUAL, "no_proxy" = ""),
    ),
    shape(
        "`NO_PROXY` is empty",
        proxied!(P, "NO_PROXY" = "", "no_proxy" = USUAL),
    ),
    shape(
        "`http_proxy` and `https_proxy` are empty",
        &[
            ("HTTP_PROXY", P),
            ("http_proxy", ""),
            ("HTTPS_PROXY", P),
            ("https_proxy", ""),
        ],
    ),
    shape(
        "the spellings name two proxies",
        &[
            ("HTTP_PROXY", Q),
            ("http_proxy", P),
            ("HTTPS_PROXY", Q),
            ("https_proxy", P),
        ],
    ),
    shape(
        "one proxy for http, another for https",
        &[
            ("HTTP_PROXY", P),
            ("http_proxy", P),
            ("HTTPS_PROXY", Q),
            ("https_proxy", Q),
        ],
    )
    .wanting(Way::Proxy(0), Way::Proxy(1)),
    // The grammar of the list.
    shape(
        "comma and blank",
        listed!("localhost, metadata.google.internal, 169.254.169.254, nexus.corp.example"),
    ),
    shape(
        "blanks between",
        listed!("metadata.google.internal 169.254.169.254 nexus.corp.example"),
    ),
    shape(
        "semicolons",
        listed!("metadata.google.internal;169.254.169.254;nexus.corp.example"),
    )
    .and_gcloud(),
    shape(
        "one entry a line",
        listed!("metadata.google.internal\n169.254.169.254\nnexus.corp.example\n"),
    ),
    shape(
        "a list in quotes",
        listed!("\"metadata.google.internal,169.254.169.254,nexus.corp.example\""),
    ),
    shape(
        "domains with a leading dot, and blocks",
        listed!(".google.internal,169.254.0.0/16,.corp.example,10.1.2.0/24"),
    ),
    shape(
        "domains without a leading dot",
        listed!("google.internal,corp.example"),
    ),
    shape(
        "wildcards",
        listed!("*.google.internal,169.254.*,*.corp.example,10.*"),
    ),
    shape(
        "ports",
        listed!("metadata.google.internal:80,169.254.169.254:80,nexus.corp.example:443"),
    ),
    shape(
        "schemes",
        listed!(
            "http://metadata.google.internal,http://169.254.169.254/,https://nexus.corp.example"
        ),
    ),
    shape(
        "capitals",
        listed!("METADATA.GOOGLE.INTERNAL,169.254.169.254,Nexus.Corp.Example"),
    ),
    shape(
        "IPv6 in brackets",
        listed!("metadata.google.internal,[fd20:ce::254]"),
    ),
    shape(
        "an IPv6 block",
        listed!("metadata.google.internal,fd20:ce::/64"),
    ),
    shape("`*`", listed!("*")).wanting(Way::Direct, Way::Direct),
    // The value of the proxy.
    shape("no scheme", proxied!("proxy.corp.example:3128")).and_gcloud(),
    shape("no scheme, a short name", proxied!("proxy:3128")),
    shape("no scheme, an address", proxied!("10.9.9.9:3128")),
    shape(
        "the scheme in capitals",
        proxied!("HTTP://proxy.corp.example:3128"),
    ),
    shape("no port", proxied!("http://proxy.corp.example")),
    shape("a path", proxied!("http://proxy.corp.example:3128/wpad")),
    shape("quotes", proxied!("\"http://proxy.corp.example:3128\"")).and_gcloud(),
    shape(
        "blanks around",
        proxied!(" http://proxy.corp.example:3128 "),
    ),
    shape(
        "CR at the end",
        proxied!("http://proxy.corp.example:3128\r"),
    ),
    shape(
        "LF at the end",
        proxied!("http://proxy.corp.example:3128\n"),
    ),
    shape("`none`", proxied!("none")).wanting(Way::Direct, Way::Direct),
    shape(
        "credentials, encoded",
        proxied!("http://svc:p%40ss%3Aw%25rd@proxy.corp.example:3130"),
    ),
    shape(
        "credentials as they are",
        proxied!("http://svc:p@ss:w%rd@proxy.corp.example:3130"),
    ),
    // Variables of single clients.
    shape(
        "`CLOUDSDK_PROXY_*`",
        listed!(
            USUAL,
            "CLOUDSDK_PROXY_ADDRESS" = "old-proxy.corp.example",
            "CLOUDSDK_PROXY_PORT" = "3128",
            "CLOUDSDK_PROXY_TYPE" = "http"
        ),
    )
    .and_gcloud(),
    shape("`PIP_PROXY`", listed!(USUAL, "PIP_PROXY" = Q)),
    shape(
        "`NODE_USE_ENV_PROXY`",
        listed!(USUAL, "NODE_USE_ENV_PROXY" = "1"),
    ),
    shape("a CGI program", listed!(USUAL, "REQUEST_METHOD" = "GET")).left_alone(),
];
