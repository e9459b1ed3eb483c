//! What is known of clients that do not what they should, counted exactly: a new case fails, and so does one that
//! vanished.

use super::witness::METADATA6;

/// A letter that is not the one that it should be.
pub(super) struct Difference {
    pub(super) client: &'static str,
    pub(super) shape: &'static str,
    pub(super) phase: &'static str,
    pub(super) target: &'static str,
    pub(super) observed: char,
    pub(super) expected: char,
}

/// Differences that are known, and their reason.
pub(super) struct Known {
    pub(super) clients: &'static [&'static str],
    /// The only shape; any where empty.
    pub(super) shape: &'static str,
    /// The only target; any where empty.
    pub(super) target: &'static str,
    /// How many letters.
    pub(super) count: usize,
    /// Why, as a lower-case fragment.
    pub(super) why: &'static str,
    /// What to do; empty where nothing need be done.
    pub(super) help: &'static str,
}

impl Known {
    fn covers(&self, difference: &Difference) -> bool {
        let is = |wanted: &str, it: &str| wanted.is_empty() || wanted == it;
        self.clients.contains(&difference.client)
            && is(self.shape, difference.shape)
            && is(self.target, difference.target)
    }
}

/// What is wrong with the differences that were `found` in `what`, as the `known` ones are no mistake. Where clients are
/// missing, not all of those are found.
pub(super) fn settle(
    what: &str,
    known: &[Known],
    mut found: Vec<Difference>,
    is_whole: bool,
) -> Vec<String> {
    let mut problems = Vec::new();
    for known in known {
        let before = found.len();
        found.retain(|difference| !known.covers(difference));
        let (count, expected) = (before - found.len(), known.count);
        if count > expected || count < expected && is_whole {
            let (clients, why) = (known.clients.join(", "), known.why);
            problems.push(format!(
                "{what}: {clients}: {count} differences, not {expected}: {why}"
            ));
        }
    }
    problems.extend(found.iter().map(|difference| {
        let Difference {
            client,
            shape,
            phase,
            target,
            observed,
            expected,
        } = difference;
        format!("{what}: {client}, {shape}, {phase}: {target}: {observed}, not {expected}")
    }));
    problems
}

/// Where clients do what the model does not say.
pub(super) const SURPRISES: &[Known] = &[
    Known {
        clients: &["httplib2 (Python)"],
        shape: "",
        target: METADATA6,
        count: 36,
        why: "takes the proxy as the model says, but PySocks cannot tell it an IPv6 address",
        help: "",
    },
    Known {
        clients: &["make-fetch-happen (Node)"],
        shape: "",
        target: METADATA6,
        count: 7,
        why: "goes directly as the model says, and then looks the brackets up as a part of the name",
        help: "",
    },
    Known {
        clients: &["axios (Node)"],
        shape: "`NODE_USE_ENV_PROXY`",
        target: "",
        count: 1,
        why: "leaves the proxy to a Node that heeds `NODE_USE_ENV_PROXY` (24), and so reads the list as Node does; on Node 20 it \
              reads the list itself, as the model says",
        help: "",
    },
    Known {
        clients: &["axios (Node)", "httplib2 (Python)"],
        shape: "credentials, encoded",
        target: "",
        count: 23,
        why: "take the proxy as the model says, and are refused: they do not decode the password",
        help: "",
    },
    Known {
        clients: &["axios (Node)", "git", "httplib2 (Python)", "reqwest (Rust)"],
        shape: "credentials as they are",
        target: "",
        count: 33,
        why: "take the proxy as the model says, and are refused: each takes another part for the password; httplib2 is \
              refused once they are encoded",
        help: "",
    },
];

/// Where clients that have a bypass list go a wrong way, though the environment is mended.
pub(super) const LIMITS: &[Known] = &[
    Known {
        clients: &[
            "urllib (Python)",
            "Net::HTTP (Ruby)",
            "HTTP::Tiny (Perl)",
            "fetch (Node)",
            "undici (EnvHttpProxyAgent)",
            "gaxios (Node)",
            "proxy-agent (Node)",
            "make-fetch-happen (Node)",
        ],
        shape: "",
        target: METADATA6,
        count: 362,
        why: "know an IPv6 address in a list in brackets only, or not at all; of brackets, httpx does not start",
        help: "ask the metadata server by its name or by its IPv4 address, as all libraries do by themselves",
    },
    Known {
        clients: &["make-fetch-happen (Node)"],
        shape: "",
        target: "http://metadata.google.internal.",
        count: 45,
        why: "matches a name with a final dot with no entry",
        help: "none needed: npm does not ask the metadata server",
    },
    Known {
        clients: &[
            "gaxios (Node)",
            "make-fetch-happen (Node)",
            "Net::HTTP (Ruby)",
        ],
        shape: "one proxy for http, another for https",
        target: "",
        count: 3,
        why: "take one of the two proxies for both",
        help: "name one proxy, if it can serve both",
    },
    Known {
        clients: &["httplib2 (Python)"],
        shape: "credentials, encoded",
        target: "",
        count: 2,
        why: "does not decode the password, which other clients can read only encoded",
        help: "choose a password of letters, digits, `-`, `.`, `_` and `~`",
    },
    Known {
        clients: &["httplib2 (Python)"],
        shape: "credentials as they are",
        target: "",
        count: 2,
        why: "the same",
        help: "the same",
    },
    Known {
        clients: &["net/http (Go)"],
        shape: "a CGI program",
        target: "",
        count: 8,
        why: "refuses any `HTTP_PROXY` in a CGI program, which runup leaves as it is: its caller may have chosen it",
        help: "unset `REQUEST_METHOD` where the command is no CGI program",
    },
];
