//! The catalogue: every code that a finding can have, each with its page in docs/findings.
//!
//! A code is part of the interface: it may come, but not change. A code without a page does not compile; that no page
//! lacks its code, and that all pages are built alike, the tests say.

use std::fmt;
use std::str::FromStr;

use serde::{Serialize, Serializer};

macro_rules! catalogue {
    ($($variant:ident = $code:literal,)+) => {
        /// The stable name of a kind of finding.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum Code {
            $(#[doc = concat!("`", $code, "`")] $variant,)+
        }

        impl Code {
            /// All there are, related ones side by side.
            pub const ALL: &[Self] = &[$(Self::$variant,)+];

            /// The name, as it is shown and logged: a group, a slash and what is wrong.
            pub fn as_str(self) -> &'static str {
                match self {
                    $(Self::$variant => $code,)+
                }
            }

            /// Its page, in Markdown.
            pub fn page(self) -> &'static str {
                match self {
                    $(Self::$variant => include_str!(concat!("../../docs/findings/", $code, ".md")),)+
                }
            }
        }
    };
}

catalogue! {
    MetadataIntercepted = "metadata/intercepted",
    MetadataCaptivePage = "metadata/captive-page",
    MetadataRedirected = "metadata/redirected",
    MetadataOtherCloud = "metadata/other-cloud",
    MetadataNotGoogle = "metadata/not-google",
    MetadataDenied = "metadata/denied",
    MetadataNoServiceAccount = "metadata/no-service-account",
    MetadataNotReady = "metadata/not-ready",
    MetadataUnresolved = "metadata/unresolved",
    MetadataNameUnresolved = "metadata/name-unresolved",
    MetadataRefused = "metadata/refused",
    MetadataUnreachable = "metadata/unreachable",
    MetadataTimeout = "metadata/timeout",
    MetadataBroken = "metadata/broken",
    IdentityMismatch = "identity/mismatch",
    IdentityNoIdToken = "identity/no-id-token",
    IdentityScopes = "identity/scopes",
    IdentityTokenEndsSoon = "identity/token-ends-soon",
    IdentityClockSkew = "identity/clock-skew",
    PermissionMissing = "permission/missing",
    PermissionUnknown = "permission/unknown",
    PermissionTokenRefused = "permission/token-refused",
    PermissionApiDisabled = "permission/api-disabled",
    PermissionDenied = "permission/denied",
    ApiUnknownName = "api/unknown-name",
    ApiUnreachable = "api/unreachable",
    ApiNotGoogle = "api/not-google",
    AdcCredentialsFile = "adc/credentials-file",
    AdcGceCache = "adc/gce-cache",
    AdcGcloudDirectory = "adc/gcloud-directory",
    AdcShadowed = "adc/shadowed",
    AdcWellKnownFile = "adc/well-known-file",
    AdcGcloudAccount = "adc/gcloud-account",
    AdcStoredCredentials = "adc/stored-credentials",
    AdcAccessToken = "adc/access-token",
    AdcGcloudKeyFile = "adc/gcloud-key-file",
    AdcImpersonation = "adc/impersonation",
    AdcMetadataDetection = "adc/metadata-detection",
    AdcMetadataAddress = "adc/metadata-address",
    AdcHome = "adc/home",
    ProxyMetadataProxied = "proxy/metadata-proxied",
    ProxyCloudsdkProxy = "proxy/cloudsdk-proxy",
    ProxyGcloudConfig = "proxy/gcloud-config",
    ProxyPipProxy = "proxy/pip-proxy",
    ProxySpellingsDiffer = "proxy/spellings-differ",
    ProxyBypassSpellingsDiffer = "proxy/bypass-spellings-differ",
    ProxyOneSpelling = "proxy/one-spelling",
    ProxyOneScheme = "proxy/one-scheme",
    ProxyUnusableValue = "proxy/unusable-value",
    ProxyEntryWidened = "proxy/entry-widened",
    ProxyEntryNarrowed = "proxy/entry-narrowed",
    ProxyEntryDropped = "proxy/entry-dropped",
    ProxyEntryIneffective = "proxy/entry-ineffective",
    ProxyBypassEverything = "proxy/bypass-everything",
    ProxyCgiEnvironment = "proxy/cgi-environment",
    ProxyBusyboxWget = "proxy/busybox-wget",
    ProxyJava = "proxy/java",
    ProxyJavaOptions = "proxy/java-options",
    ProxyAddressBlocks = "proxy/address-blocks",
    ProxySocks = "proxy/socks",
    ProxyTlsProxy = "proxy/tls-proxy",
    ProxyEncodedCredentials = "proxy/encoded-credentials",
    ProxyNoPassword = "proxy/no-password",
    ProxyTwoProxies = "proxy/two-proxies",
    ProxyNotText = "proxy/not-text",
    ProxyAuthentication = "proxy/authentication",
    ProxyDenied = "proxy/denied",
    ProxyCannotReach = "proxy/cannot-reach",
    ProxyUnreachable = "proxy/unreachable",
    ProxyTimeout = "proxy/timeout",
    ProxyNone = "proxy/none",
    ProxyNotAProxy = "proxy/not-a-proxy",
    CaOnlyCorporate = "ca/only-corporate",
    CaNoPublicRoots = "ca/no-public-roots",
    CaJava = "ca/java",
    CaBundle = "ca/bundle",
    EndpointUnknownName = "endpoint/unknown-name",
    EndpointResolver = "endpoint/resolver",
    EndpointRefused = "endpoint/refused",
    EndpointTimeout = "endpoint/timeout",
    EndpointUnreachable = "endpoint/unreachable",
    EndpointBroken = "endpoint/broken",
    EndpointNotHttp = "endpoint/not-http",
    EndpointStatus = "endpoint/status",
    EndpointNoAnswer = "endpoint/no-answer",
    EndpointTlsExpected = "endpoint/tls-expected",
    EndpointBody = "endpoint/body",
    TlsCaFile = "tls/ca-file",
    TlsUnknownIssuer = "tls/unknown-issuer",
    TlsExpired = "tls/expired",
    TlsNotYetValid = "tls/not-yet-valid",
    TlsWrongName = "tls/wrong-name",
    TlsCertificate = "tls/certificate",
    TlsHandshake = "tls/handshake",
    TlsPlainHttp = "tls/plain-http",
    TlsProtocol = "tls/protocol",
    TlsExpiresSoon = "tls/expires-soon",
    CommandNotFound = "command/not-found",
    CommandIsDirectory = "command/is-directory",
    CommandNotExecutable = "command/not-executable",
    CommandInterpreter = "command/interpreter",
    CommandCrlf = "command/crlf",
    CommandLoader = "command/loader",
    CommandArchitecture = "command/architecture",
    CommandNotAProgram = "command/not-a-program",
    CommandUnreadable = "command/unreadable",
    VariableMissing = "variable/missing",
    ReportFile = "report/file",
}

impl Code {
    /// The part before the slash.
    pub fn group(self) -> &'static str {
        let code = self.as_str();
        code.split_once('/').map_or(code, |(group, _)| group)
    }

    /// Whether it says that the command cannot run, so that no policy can start it.
    pub fn is_of_command(self) -> bool {
        self.group() == "command"
    }

    /// What its page says in its first line, after the code.
    pub fn title(self) -> &'static str {
        let first = self.page().lines().next().unwrap_or_default();
        first.split_once(": ").map_or(first, |(_, title)| title)
    }

    /// The one that `text` comes closest to, be it without its group.
    fn nearest(text: &str) -> Option<Self> {
        let text = text.to_ascii_lowercase();
        let distance = |code: &Self| {
            let whole = code.as_str();
            let bare = whole.split_once('/').map_or(whole, |(_, bare)| bare);
            let [whole, bare] = [whole, bare].map(|own| strsim::damerau_levenshtein(&text, own));
            whole.min(bare)
        };
        Self::ALL.iter().copied().min_by_key(distance)
    }
}

/// What is said of a text that is no code.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("no finding has this code; the nearest is `{nearest}`, and `runup explain` lists all")]
pub struct Unknown {
    /// The code that it comes closest to.
    nearest: Code,
}

impl FromStr for Code {
    type Err = Unknown;

    fn from_str(text: &str) -> Result<Self, Unknown> {
        let text = text.trim();
        let is_meant = |code: &&Self| code.as_str() == text;
        match Self::ALL.iter().find(is_meant) {
            Some(code) => Ok(*code),
            None => Err(Unknown {
                nearest: Self::nearest(text).unwrap_or(Self::ALL[0]),
            }),
        }
    }
}

impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl Serialize for Code {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;
    use std::fs;
    use std::path::Path;

    use clap::Parser;

    use crate::cli::Cli;

    /// What every page tells, in this order.
    const SECTIONS: [&str; 7] = [
        "What runup saw",
        "What it means",
        "What it is not",
        "Who can mend it",
        "Mend",
        "Verify",
        "Background",
    ];

    #[test]
    fn a_code_is_one_of_a_kind_and_stands_with_its_group() {
        let codes: HashSet<&str> = Code::ALL.iter().map(|code| code.as_str()).collect();
        assert_eq!(codes.len(), Code::ALL.len());
        for code in &codes {
            let is_part = |part: &str| {
                !part.is_empty()
                    && (part.bytes()).all(|byte| byte.is_ascii_lowercase() || byte == b'-')
            };
            assert!(
                code.split_once('/')
                    .is_some_and(|(group, bare)| is_part(group) && is_part(bare)),
                "{code}"
            );
        }
        let groups: HashSet<&str> = Code::ALL.iter().map(|code| code.group()).collect();
        let runs = Code::ALL.chunk_by(|left, right| left.group() == right.group());
        assert_eq!(runs.count(), groups.len());
    }

    #[test]
    fn every_page_has_its_code() {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/findings");
        let names = |path: &Path| -> Vec<String> {
            let entries = fs::read_dir(path).unwrap();
            entries
                .map(|entry| entry.unwrap().file_name().into_string().unwrap())
                .collect()
        };
        let mut pages = 0;
        for group in names(&root) {
            for page in names(&root.join(&group)) {
                let name = page.strip_suffix(".md").expect(&page);
                let code: Result<Code, _> = format!("{group}/{name}").parse();
                assert!(code.is_ok(), "docs/findings/{group}/{page} has no code");
                pages += 1;
            }
        }
        assert_eq!(pages, Code::ALL.len());
    }

    #[test]
    fn every_page_is_built_alike() {
        for code in Code::ALL {
            let page = code.page();
            let (first, rest) = page.split_once('\n').unwrap();
            assert_eq!(first, format!("# {code}: {}", code.title()));
            assert!(
                code.title().len() > 10 && !code.title().ends_with('.'),
                "{first}"
            );
            let mut parts = rest.split("\n## ");
            assert_eq!(parts.next(), Some(""), "{code}");
            let mut sections = Vec::new();
            for part in parts {
                let (heading, text) = part.split_once('\n').unwrap();
                assert!(text.trim().len() > 10, "{code}: {heading} is empty");
                sections.push(heading);
            }
            assert_eq!(sections, SECTIONS, "{code}");
        }
    }

    /// What a reader of the logs cannot know, and is told here or nowhere.
    #[test]
    fn the_pages_carry_what_is_hard_to_know() {
        use Code::*;
        for (code, words) in [
            (
                MetadataIntercepted,
                &[
                    "`gcloud auth login`",
                    "`activate-service-account`",
                    "`activate-refresh-token`",
                    "--vpc-egress=private-ranges-only",
                    "inferred, not documented",
                    "proxy/metadata-proxied",
                ][..],
            ),
            (ProxyMetadataProxied, &["Status:\n403", "no_proxy="]),
            (
                EndpointUnreachable,
                &[
                    "`private-ranges-only` (default)",
                    "`all-traffic`",
                    "Cloud NAT",
                    "Private Google Access",
                    "199.36.153.8/30",
                ],
            ),
            (
                EndpointTimeout,
                &[
                    "connectors describe",
                    "--source-ranges=10.8.0.0/28",
                    "nats create",
                ],
            ),
            (
                EndpointUnknownName,
                &[
                    "gcloud dns managed-zones create",
                    "--forwarding-targets=",
                    "35.199.192.0/19",
                ],
            ),
            (EndpointBroken, &["SIGTSTP", "SIGCONT"]),
            (TlsUnknownIssuer, &["RUNUP_CA_FILE", "ca/only-corporate"]),
            (AdcGceCache, &["`gce`", "No credentialed accounts"]),
            (MetadataNotReady, &["`gce`", "RUNUP_TIMEOUT"]),
        ] {
            for word in words {
                assert!(code.page().contains(word), "{code}: {word}");
            }
        }
    }

    #[test]
    fn the_pages_are_short() {
        let whole: usize = Code::ALL.iter().map(|code| code.page().len()).sum();
        assert!(whole < 160_000, "{whole} bytes in the binary");
        for code in Code::ALL {
            let length = code.page().len();
            assert!(length < 4_500, "{code}: {length} bytes");
        }
    }

    #[test]
    fn a_page_names_other_pages_rightly() {
        let groups: HashSet<&str> = Code::ALL.iter().map(|code| code.group()).collect();
        for code in Code::ALL {
            let prose = code.page().lines().filter(|line| !line.starts_with("    "));
            for word in prose.flat_map(str::split_whitespace) {
                let word = word.trim_matches(|letter: char| !letter.is_ascii_alphanumeric());
                let is_code = word.split_once('/').is_some_and(|(group, bare)| {
                    groups.contains(group)
                        && bare
                            .bytes()
                            .all(|byte| byte.is_ascii_lowercase() || byte == b'-')
                });
                assert!(!is_code || word.parse::<Code>().is_ok(), "{code}: {word}");
            }
        }
    }

    #[test]
    fn the_commands_of_runup_on_a_page_are_understood() {
        let mut count = 0;
        for code in Code::ALL {
            for command in code.page().lines() {
                let Some(command) = command.strip_prefix("    runup ") else {
                    continue;
                };
                assert!(!command.contains(['\'', '"', '\\']), "{code}: {command}");
                let words = ["runup"].into_iter().chain(command.split_whitespace());
                if let Err(error) = Cli::try_parse_from(words) {
                    panic!("{code}: runup {command}\n{error}");
                }
                count += 1;
            }
        }
        assert!(count > Code::ALL.len() / 2, "{count}");
    }

    #[test]
    fn an_unknown_code_leads_to_the_nearest() {
        assert_eq!(" tls/expired\n".parse(), Ok(Code::TlsExpired));
        for (text, nearest) in [
            ("metadata/intercept", Code::MetadataIntercepted),
            ("intercepted", Code::MetadataIntercepted),
            ("Metadata/Timeout", Code::MetadataTimeout),
            ("cloudsdk-proxy", Code::ProxyCloudsdkProxy),
            ("tls/expird", Code::TlsExpired),
        ] {
            assert_eq!(text.parse::<Code>(), Err(Unknown { nearest }), "{text}");
        }
    }
}
