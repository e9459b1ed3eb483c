//! What a person must know about the proxy environment.
//!
//! Each notice states a fact about what was found, not a deed: deeds are edits, and with `--proxy keep` there are none.

use std::fmt;

use ipnet::Ipv4Net;

use super::address::{ProxyUrl, Scheme, Unusable};
use crate::finding::code::Code;

/// How much a notice matters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    /// Good to know when something goes wrong: for verbose output.
    Note,
    /// Somebody should change the deployment.
    Warning,
}

/// A fact about the proxy environment. Holds no password: what is shown of a value is redacted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Notice {
    /// `CLOUDSDK_PROXY_*` is set: gcloud then sends its metadata requests to that proxy, whatever `NO_PROXY` says.
    CloudsdkProxy {
        /// Names and redacted values.
        variables: Vec<(String, String)>,
    },
    /// `PIP_PROXY` is set: pip then ignores `NO_PROXY`.
    PipProxy {
        /// The redacted value.
        shown: String,
    },
    /// Two spellings of a variable name two proxies.
    SpellingsDiffer {
        /// The variable that is followed.
        taken: &'static str,
        /// Its redacted value.
        taken_shown: String,
        /// The other variable.
        left: &'static str,
        /// Its redacted value.
        left_shown: String,
    },
    /// `no_proxy` and `NO_PROXY` hold different entries; the union is followed.
    BypassSpellingsDiffer,
    /// Only one spelling of a proxy variable is set.
    OneSpelling {
        /// The spelling that is set.
        set: &'static str,
        /// The spelling that is not.
        missing: &'static str,
    },
    /// A proxy is named for `http` or for `https` only.
    OneScheme {
        /// The variable that is set.
        set: &'static str,
        /// The variable that is not.
        missing: &'static str,
    },
    /// A proxy variable whose value is no address of a proxy.
    ProxyUnusable {
        /// The variable.
        variable: String,
        /// Its redacted value.
        shown: String,
        /// What is wrong with it.
        why: Unusable,
    },
    /// A bypass entry says more than a host (a port, a zone): it is widened to the host.
    EntryWidened {
        /// The entry, redacted.
        entry: String,
        /// What it becomes.
        becomes: String,
    },
    /// A bypass entry says more hosts than a list can name for all clients.
    EntryNarrowed {
        /// The entry, redacted.
        entry: String,
        /// What it becomes.
        becomes: String,
    },
    /// A bypass entry that cannot be written in a way that clients stand.
    EntryDropped {
        /// The entry, redacted.
        entry: String,
        /// What is wrong with it.
        why: &'static str,
    },
    /// A bypass entry that stays but matches nothing in any client.
    EntryIneffective {
        /// The entry, redacted.
        entry: String,
        /// What is wrong with it.
        why: &'static str,
    },
    /// The bypass list says `*`.
    Star {
        /// Whether that is honoured by taking the proxy variables out.
        honoured: bool,
    },
    /// `REQUEST_METHOD` is set: a CGI environment, where the client chooses `HTTP_PROXY` (httpoxy, CVE-2016-5385 and others).
    CgiEnvironment {
        /// The proxy variables that are left as they are.
        variables: Vec<String>,
    },
    /// A client that no variable steers, or not in this environment.
    UnsteerableClients(Unsteerable),
    /// A proxy is set, and a list lacks names of the metadata server: some clients would send token requests to the proxy.
    MetadataWouldBeProxied {
        /// The variable that names the proxy.
        proxy: String,
        /// The spelling of the bypass list.
        list: &'static str,
        /// What it lacks.
        missing: Vec<&'static str>,
    },
    /// A value, or an entry in it, that is no UTF-8 text and can be no host.
    NotText {
        /// The variable.
        variable: String,
        /// The part in question, redacted, with replacement characters.
        shown: String,
    },
    /// `JAVA_TOOL_OPTIONS` has an open quote, with which no JVM starts; nothing can be added to it.
    JavaOptionsOpenQuote,
}

/// Clients that variables do not steer, each measured.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Unsteerable {
    /// BusyBox `wget` reads `http_proxy` but knows no bypass list.
    BusyBoxWget,
    /// Java reads no proxy variable.
    Java,
    /// Java's properties know plain HTTP proxies without credentials only.
    JavaProxy {
        /// The proxy.
        proxy: ProxyUrl,
    },
    /// Blocks of addresses too large to be written out, for clients that know no CIDR.
    Blocks {
        /// The blocks.
        blocks: Vec<Ipv4Net>,
    },
    /// A SOCKS proxy.
    Socks {
        /// The proxy.
        proxy: ProxyUrl,
    },
    /// A proxy that is spoken to by TLS.
    TlsProxy {
        /// The proxy.
        proxy: ProxyUrl,
    },
    /// Credentials with characters that a URL must encode.
    EncodedCredentials {
        /// The proxy.
        proxy: ProxyUrl,
    },
    /// A user without a password.
    NoPassword {
        /// The proxy.
        proxy: ProxyUrl,
    },
    /// One proxy for `http`, another for `https`.
    TwoProxies {
        /// That for `http`.
        http: ProxyUrl,
        /// That for `https`.
        https: ProxyUrl,
    },
}

impl Unsteerable {
    /// Clients that do not follow a proxy of this scheme, if there are some.
    pub(super) fn by_scheme(proxy: &ProxyUrl) -> Option<Self> {
        let proxy = proxy.clone();
        match proxy.scheme() {
            Scheme::Http => None,
            Scheme::Https => Some(Self::TlsProxy { proxy }),
            _ => Some(Self::Socks { proxy }),
        }
    }

    /// The clients in question.
    pub fn clients(&self) -> &'static str {
        match self {
            Self::BusyBoxWget => "BusyBox wget",
            Self::Java => "Java",
            Self::JavaProxy { .. } => "Java",
            Self::Blocks { .. } => {
                "wget, apt, gsutil, bq, npm, Python's urllib, httpx and aiohttp, Node's fetch, gaxios and others"
            }
            Self::Socks { .. } => {
                "wget, gRPC, gsutil, aiohttp, gaxios, axios, Ruby, Node and others"
            }
            Self::TlsProxy { .. } => "aiohttp, gRPC, wget, BusyBox wget and global-agent",
            Self::EncodedCredentials { .. } => {
                "axios, gsutil, bq, attohttpc, global-agent and wget2"
            }
            Self::NoPassword { .. } => {
                "git, wget, Python's requests and urllib, gsutil, bq, undici and botocore"
            }
            Self::TwoProxies { .. } => "Ruby, npm, gaxios and gRPC",
        }
    }

    /// What they do instead.
    pub fn why(&self) -> String {
        match self {
            Self::BusyBoxWget => {
                "reads no bypass list: it asks the proxy even for the metadata server".into()
            }
            Self::Java => "reads no proxy variable: it goes directly".into(),
            Self::JavaProxy { proxy } => {
                format!(
                    "knows plain http proxies without credentials only, not `{proxy}`: it goes directly"
                )
            }
            Self::Blocks { blocks } => {
                let blocks: Vec<_> = blocks.iter().map(ToString::to_string).collect();
                format!(
                    "know no blocks of addresses: they ask the proxy for `{}`",
                    blocks.join(",")
                )
            }
            Self::Socks { proxy } => {
                format!("cannot use the SOCKS proxy `{proxy}`: they fail or silently go directly")
            }
            Self::TlsProxy { proxy } => {
                format!(
                    "cannot speak TLS to the proxy `{proxy}`: they fail or silently go directly"
                )
            }
            Self::EncodedCredentials { proxy } => {
                format!(
                    "do not decode the credentials of `{proxy}`: the proxy refuses them, or is not found"
                )
            }
            Self::NoPassword { proxy } => {
                format!("send no user without a password to `{proxy}`, and git fails")
            }
            Self::TwoProxies { http, https } => {
                format!("take one of `{http}` and `{https}` for both http and https")
            }
        }
    }

    /// What to do.
    pub fn workaround(&self) -> &'static str {
        match self {
            Self::BusyBoxWget => "install GNU wget or curl, or call `wget -Y off`",
            Self::Java => "give --java to set the proxy in JAVA_TOOL_OPTIONS",
            Self::JavaProxy { .. } => {
                "give the program a plain http proxy without credentials, or set its own proxy option"
            }
            Self::Blocks { .. } => {
                "address these hosts by name and list the domain with a leading dot"
            }
            Self::Socks { .. } | Self::TlsProxy { .. } => "name an `http://` listener of the proxy",
            Self::EncodedCredentials { .. } => {
                "choose a user and a password of letters, digits, `-`, `.`, `_` and `~`"
            }
            Self::NoPassword { .. } => "write the proxy as `http://USER:PASSWORD@HOST:PORT`",
            Self::TwoProxies { .. } => "name the same proxy for both",
        }
    }
}

impl Notice {
    /// How much it matters.
    pub fn severity(&self) -> Severity {
        match self {
            Self::BypassSpellingsDiffer
            | Self::OneSpelling { .. }
            | Self::EntryWidened { .. }
            | Self::Star { honoured: true }
            | Self::UnsteerableClients(Unsteerable::BusyBoxWget | Unsteerable::Java) => {
                Severity::Note
            }
            Self::CloudsdkProxy { .. }
            | Self::PipProxy { .. }
            | Self::SpellingsDiffer { .. }
            | Self::OneScheme { .. }
            | Self::ProxyUnusable { .. }
            | Self::EntryNarrowed { .. }
            | Self::EntryDropped { .. }
            | Self::EntryIneffective { .. }
            | Self::Star { honoured: false }
            | Self::CgiEnvironment { .. }
            | Self::UnsteerableClients(
                Unsteerable::JavaProxy { .. }
                | Unsteerable::Blocks { .. }
                | Unsteerable::Socks { .. }
                | Unsteerable::TlsProxy { .. }
                | Unsteerable::EncodedCredentials { .. }
                | Unsteerable::NoPassword { .. }
                | Unsteerable::TwoProxies { .. },
            )
            | Self::MetadataWouldBeProxied { .. }
            | Self::NotText { .. }
            | Self::JavaOptionsOpenQuote => Severity::Warning,
        }
    }

    /// Its stable code.
    pub fn code(&self) -> Code {
        match self {
            Self::CloudsdkProxy { .. } => Code::ProxyCloudsdkProxy,
            Self::PipProxy { .. } => Code::ProxyPipProxy,
            Self::SpellingsDiffer { .. } => Code::ProxySpellingsDiffer,
            Self::BypassSpellingsDiffer => Code::ProxyBypassSpellingsDiffer,
            Self::OneSpelling { .. } => Code::ProxyOneSpelling,
            Self::OneScheme { .. } => Code::ProxyOneScheme,
            Self::ProxyUnusable { .. } => Code::ProxyUnusableValue,
            Self::EntryWidened { .. } => Code::ProxyEntryWidened,
            Self::EntryNarrowed { .. } => Code::ProxyEntryNarrowed,
            Self::EntryDropped { .. } => Code::ProxyEntryDropped,
            Self::EntryIneffective { .. } => Code::ProxyEntryIneffective,
            Self::Star { .. } => Code::ProxyBypassEverything,
            Self::CgiEnvironment { .. } => Code::ProxyCgiEnvironment,
            Self::UnsteerableClients(client) => match client {
                Unsteerable::BusyBoxWget => Code::ProxyBusyboxWget,
                Unsteerable::Java | Unsteerable::JavaProxy { .. } => Code::ProxyJava,
                Unsteerable::Blocks { .. } => Code::ProxyAddressBlocks,
                Unsteerable::Socks { .. } => Code::ProxySocks,
                Unsteerable::TlsProxy { .. } => Code::ProxyTlsProxy,
                Unsteerable::EncodedCredentials { .. } => Code::ProxyEncodedCredentials,
                Unsteerable::NoPassword { .. } => Code::ProxyNoPassword,
                Unsteerable::TwoProxies { .. } => Code::ProxyTwoProxies,
            },
            Self::MetadataWouldBeProxied { .. } => Code::ProxyMetadataProxied,
            Self::NotText { .. } => Code::ProxyNotText,
            Self::JavaOptionsOpenQuote => Code::ProxyJavaOptions,
        }
    }

    /// What to do about it, as a lower-case fragment.
    pub fn help(&self) -> String {
        match self {
            Self::CloudsdkProxy { .. } => {
                "remove CLOUDSDK_PROXY_* from the deployment; gcloud follows http_proxy and no_proxy as well".into()
            }
            Self::PipProxy { .. } => {
                "remove PIP_PROXY from the deployment; pip follows https_proxy and no_proxy as well".into()
            }
            Self::SpellingsDiffer { taken, left, .. } => format!("set `{taken}` and `{left}` to one value"),
            Self::BypassSpellingsDiffer => "set `no_proxy` and `NO_PROXY` to one value".into(),
            Self::OneSpelling { missing, .. } => format!("set `{missing}` to the same value"),
            Self::OneScheme { missing, .. } => {
                format!("set `{missing}` as well, or name with --direct what must not go through the proxy")
            }
            Self::ProxyUnusable { variable, .. } => {
                format!("remove `{variable}` or write it as `http://HOST:PORT`")
            }
            Self::EntryWidened { becomes, .. } | Self::EntryNarrowed { becomes, .. } => {
                format!("write `{becomes}`")
            }
            Self::EntryDropped { .. } | Self::EntryIneffective { .. } => {
                "write a host, a `.domain`, an address or an IPv4 block".into()
            }
            Self::Star { .. } => "remove the proxy variables from the deployment, or give --proxy strip".into(),
            Self::CgiEnvironment { .. } => {
                "unset REQUEST_METHOD if this is no CGI program; else give --proxy strip".into()
            }
            Self::UnsteerableClients(client) => client.workaround().into(),
            Self::MetadataWouldBeProxied { list, missing, .. } => {
                format!("add `{}` to `{list}`, or give --proxy mend", missing.join(","))
            }
            Self::NotText { variable, .. } => format!("write `{variable}` in ASCII"),
            Self::JavaOptionsOpenQuote => "close the quote in JAVA_TOOL_OPTIONS".into(),
        }
    }
}

/// One line: what is so, and what follows from it.
impl fmt::Display for Notice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::CloudsdkProxy { variables } => {
                let all: Vec<_> = variables
                    .iter()
                    .map(|(name, shown)| format!("{name}={shown}"))
                    .collect();
                write!(f, "gcloud ignores `NO_PROXY`, even for the metadata server, because of `{}`", all.join(" "))
            }
            Self::PipProxy { shown } => {
                write!(f, "pip ignores `NO_PROXY` because of `PIP_PROXY={shown}`")
            }
            Self::SpellingsDiffer {
                taken,
                taken_shown,
                left,
                left_shown,
            } => write!(
                f,
                "`{taken}={taken_shown}` and `{left}={left_shown}` differ, and clients differ in which they follow; \
                 `{taken}` counts"
            ),
            Self::BypassSpellingsDiffer => f.write_str(
                "`no_proxy` and `NO_PROXY` differ, and clients differ in which they follow; the entries of both count",
            ),
            Self::OneSpelling { set, missing } => {
                write!(f, "`{set}` is set, `{missing}` is not, and some clients read only the latter")
            }
            Self::OneScheme { set, missing } => write!(
                f,
                "`{set}` is set, `{missing}` is not; some clients then use the one proxy for http and https, others go directly"
            ),
            Self::ProxyUnusable { variable, shown, why } => {
                write!(f, "`{variable}={shown}` names no proxy: {why}")
            }
            Self::EntryWidened { entry, becomes } => write!(
                f,
                "the bypass entry `{entry}` holds more than most clients read; it counts as `{becomes}`"
            ),
            Self::EntryNarrowed { entry, becomes } => {
                write!(f, "the bypass entry `{entry}` is understood by few clients; it counts as `{becomes}`")
            }
            Self::EntryDropped { entry, why } => {
                write!(f, "the bypass entry `{entry}` cannot be kept: {why}")
            }
            Self::EntryIneffective { entry, why } => {
                write!(f, "the bypass entry `{entry}` matches no host: {why}")
            }
            Self::Star { honoured: true } => {
                f.write_str("`NO_PROXY` says `*`, which many clients do not understand; so there is no proxy")
            }
            Self::Star { honoured: false } => f.write_str(
                "`NO_PROXY` says `*`, which wget, apt, npm, Ruby, gRPC and Google's Node libraries do not understand",
            ),
            Self::CgiEnvironment { variables } => write!(
                f,
                "`REQUEST_METHOD` is set as for a CGI program, whose caller may choose the proxy; left alone: `{}`",
                variables.join(" ")
            ),
            Self::UnsteerableClients(client) => write!(f, "{} {}", client.clients(), client.why()),
            Self::MetadataWouldBeProxied { proxy, list, missing } => write!(
                f,
                "`{proxy}` is set and `{list}` lacks `{}`: some clients would ask the proxy for the metadata server",
                missing.join(",")
            ),
            Self::NotText { variable, shown } => {
                write!(f, "`{variable}` holds `{shown}`, which is no UTF-8 text and so no host")
            }
            Self::JavaOptionsOpenQuote => {
                f.write_str("`JAVA_TOOL_OPTIONS` has an open quote: no JVM starts with it, and nothing can be added to it")
            }
        }
    }
}
