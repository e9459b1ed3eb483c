//! What keeps Google's clients from the service account of the metadata server, though it is there: credentials of another
//! origin that win, and variables that deny or move the server. Each is somebody's choice, or was once; so all of it is
//! told, and nothing of it is taken away.

use std::ffi::OsStr;
use std::path::PathBuf;

use crate::environment::{Environment, proxy};
use crate::gcloud::ConfigDirectory;
use crate::metadata::{HOST, IPV4};

/// Variables that give clients an access token of their own.
const TOKENS: [&str; 3] = [
    "CLOUDSDK_AUTH_ACCESS_TOKEN",
    "CLOUDSDK_AUTH_ACCESS_TOKEN_FILE",
    "GOOGLE_OAUTH_ACCESS_TOKEN",
];

/// Variables that let clients act as somebody else: gcloud's, then Terraform's.
const IMPERSONATION: [&str; 2] = [
    "CLOUDSDK_AUTH_IMPERSONATE_SERVICE_ACCOUNT",
    "GOOGLE_IMPERSONATE_SERVICE_ACCOUNT",
];

/// What Node's library takes in METADATA_SERVER_DETECTION; it throws an error at anything else.
const DETECTION: [&str; 4] = ["assume-present", "none", "bios-only", "ping-only"];

/// Whom a credential file is of. Nothing secret of the file is in it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Holder {
    /// The `type` of the file.
    pub kind: &'static str,
    /// The account that it acts as, where it says so.
    pub account: Option<String>,
}

impl Holder {
    /// Reads the bytes of a file of credentials; nothing where it is none.
    pub fn read(bytes: &[u8]) -> Option<Self> {
        let json: serde_json::Value = serde_json::from_slice(bytes).ok()?;
        let text = |name: &str| json.get(name)?.as_str();
        let kind = text("type")?;
        let kind = super::KNOWN_TYPES
            .into_iter()
            .find(|known| *known == kind)?;
        // …/serviceAccounts/EMAIL:generateAccessToken
        let impersonated = || {
            let url = text("service_account_impersonation_url")?;
            let (_, last) = url.rsplit_once('/')?;
            Some(last.split(':').next().unwrap_or(last))
        };
        let account = impersonated()
            .or_else(|| text("client_email"))
            .or_else(|| text("account"))
            .filter(|account| is_account(account))
            .map(str::to_owned);
        Some(Self { kind, account })
    }
}

/// Whether it looks like an account's address, so that it may be shown.
pub fn is_account(text: &str) -> bool {
    let is_fit = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.+@:".contains(&byte);
    text.contains('@') && text.len() <= 254 && text.bytes().all(is_fit)
}

/// An account that may be shown; not what stands in its place by mistake, which may be a key.
fn named(account: &str) -> String {
    match is_account(account) {
        true => account.to_owned(),
        false => "something that is no account".to_owned(),
    }
}

/// What is known besides the variables.
#[derive(Debug)]
pub struct Seen<'a> {
    /// gcloud's directory.
    pub gcloud: &'a ConfigDirectory,
    /// Whose the file in GOOGLE_APPLICATION_CREDENTIALS is, where it is good.
    pub key: Option<Holder>,
    /// A file of application default credentials at its usual place, and whose it is.
    pub well_known: Option<(PathBuf, Holder)>,
    /// The accounts that gcloud's store holds credentials of.
    pub stored: Vec<String>,
    /// What is wrong with the home directory.
    pub home: Option<String>,
    /// The metadata server's account, where it has proven itself.
    pub account: Option<&'a str>,
}

/// Something between the clients and the service account.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Trap {
    /// GOOGLE_APPLICATION_CREDENTIALS names a good file: the libraries take it.
    Shadowed(Holder),
    /// A file at the usual place of application default credentials: the libraries take it.
    WellKnownFile {
        /// Where.
        path: PathBuf,
        /// Whose.
        holder: Holder,
    },
    /// gcloud is to act as another account.
    GcloudAccount {
        /// The account.
        account: String,
        /// Who says so.
        by: String,
        /// Whether gcloud has credentials for it.
        is_stored: bool,
    },
    /// gcloud's store holds credentials.
    StoredCredentials {
        /// The directory.
        path: PathBuf,
        /// Whose.
        accounts: Vec<String>,
    },
    /// These variables give clients a token, or name its file.
    AccessToken(Vec<&'static str>),
    /// CLOUDSDK_AUTH_CREDENTIAL_FILE_OVERRIDE gives gcloud a file of credentials.
    GcloudKeyFile,
    /// A variable lets clients act as somebody else.
    Impersonation {
        /// The variable.
        variable: &'static str,
        /// As whom.
        account: String,
    },
    /// A variable tells a client that there is no metadata server, or lets it not find it.
    MetadataDetection {
        /// The variable and its value.
        setting: String,
        /// What comes of it.
        effect: &'static str,
    },
    /// The variables of the metadata server's address name different servers.
    MetadataAddress {
        /// The variables and their values.
        settings: Vec<String>,
    },
    /// The home directory is of no use. Says why.
    Home(String),
}

impl Trap {
    /// Whether it is worth a warning where the metadata server gives `account`; else it is a note.
    pub fn is_warning(&self, account: Option<&str>) -> bool {
        let is_same = |holder: &Holder| match (&holder.account, account) {
            (Some(own), Some(account)) => own.eq_ignore_ascii_case(account),
            _ => false,
        };
        match self {
            // Without a metadata server, other credentials are what a job is meant to have.
            _ if account.is_none() => false,
            Self::Shadowed(holder) | Self::WellKnownFile { holder, .. } => !is_same(holder),
            Self::GcloudAccount { .. }
            | Self::StoredCredentials { .. }
            | Self::AccessToken(_)
            | Self::GcloudKeyFile
            | Self::MetadataDetection { .. }
            | Self::MetadataAddress { .. } => true,
            Self::Impersonation { .. } | Self::Home(_) => false,
        }
    }
}

/// The traps in `environment`.
pub fn judge(environment: &Environment, seen: Seen) -> Vec<Trap> {
    let mut traps = Vec::new();
    let has_key = seen.key.is_some();
    traps.extend(seen.key.map(Trap::Shadowed));
    // The variable wins over the usual place.
    traps.extend(
        seen.well_known
            .filter(|_| !has_key)
            .map(|(path, holder)| Trap::WellKnownFile { path, holder }),
    );

    let tokens: Vec<&str> = TOKENS
        .into_iter()
        .filter(|name| environment.filled(name).is_some())
        .collect();
    let has_key_file = environment
        .filled("CLOUDSDK_AUTH_CREDENTIAL_FILE_OVERRIDE")
        .is_some();
    let is_overruled = has_key_file || tokens.iter().any(|name| name.starts_with("CLOUDSDK"));
    let (account, by) = match environment.filled("CLOUDSDK_CORE_ACCOUNT") {
        Some(account) => (Some(account.trim()), "`CLOUDSDK_CORE_ACCOUNT`".to_owned()),
        None => (
            seen.gcloud.account.as_deref(),
            format!("core/account in `{}`", seen.gcloud.path.display()),
        ),
    };
    if let (Some(account), Some(metadata), false) = (account, seen.account, is_overruled)
        && !account.eq_ignore_ascii_case(metadata)
    {
        traps.push(Trap::GcloudAccount {
            account: named(account),
            by,
            is_stored: seen.stored.iter().any(|stored| stored == account),
        });
    }
    if !seen.stored.is_empty() {
        traps.push(Trap::StoredCredentials {
            path: seen.gcloud.path.clone(),
            accounts: seen.stored,
        });
    }
    if !tokens.is_empty() {
        traps.push(Trap::AccessToken(tokens));
    }
    if has_key_file {
        traps.push(Trap::GcloudKeyFile);
    }
    for variable in IMPERSONATION {
        if let Some(account) = environment.filled(variable) {
            traps.push(Trap::Impersonation {
                variable,
                account: named(account.trim()),
            });
        }
    }
    traps.extend(detection(environment));
    traps.extend(addresses(environment));
    traps.extend(seen.home.map(Trap::Home));
    traps
}

/// Variables by which clients do not find the metadata server.
fn detection(environment: &Environment) -> impl Iterator<Item = Trap> {
    let said = |name: &str| Some(environment.filled(name)?.trim().to_ascii_lowercase());
    let is_false = |value: &str| matches!(value, "false" | "0" | "no" | "off" | "n" | "f");
    let of_node = said("METADATA_SERVER_DETECTION").and_then(|value| match value.as_str() {
        "none" => Some("Google's Node library does not use the metadata server"),
        "bios-only" => Some(
            "Google's Node library uses the metadata server only where the machine's BIOS says Google",
        ),
        other if DETECTION.contains(&other) => None,
        _ => Some("Google's Node library stops at a word that it does not know"),
    });
    let of_check = said("NO_GCE_CHECK")
        .filter(|value| value == "true")
        .map(|_| "Google's Python and Java libraries do not look for the metadata server");
    let of_gcloud = said("CLOUDSDK_CORE_CHECK_GCE_METADATA")
        .filter(|value| is_false(value))
        .map(|_| "gcloud does not look for the metadata server, and has no account");
    let of_timeout = said("GCE_METADATA_TIMEOUT")
        .filter(|value| value.parse().is_ok_and(|seconds: i64| seconds <= 0))
        .map(|_| "Google's Python library gives the metadata server no time to answer");
    let all = [
        ("METADATA_SERVER_DETECTION", of_node),
        ("NO_GCE_CHECK", of_check),
        ("CLOUDSDK_CORE_CHECK_GCE_METADATA", of_gcloud),
        ("GCE_METADATA_TIMEOUT", of_timeout),
    ];
    all.into_iter().filter_map(move |(name, effect)| {
        Some(Trap::MetadataDetection {
            setting: shown(name, environment.get(name)?),
            effect: effect?,
        })
    })
}

/// The variables of the metadata server's address, where they do not agree.
fn addresses(environment: &Environment) -> Option<Trap> {
    let set: Vec<(&str, &str)> = super::METADATA
        .into_iter()
        .filter_map(|name| Some((name, environment.filled(name)?)))
        .collect();
    let plain = |value: &str| {
        let value = value.trim().to_ascii_lowercase();
        let value = value.strip_prefix("http://").unwrap_or(&value);
        let value = value.trim_end_matches('/');
        let value = value.strip_suffix(":80").unwrap_or(value);
        match value.trim_end_matches('.') {
            value if value == IPV4.to_string() => HOST.to_owned(),
            value => value.to_owned(),
        }
    };
    let agree = set
        .windows(2)
        .all(|pair| plain(pair[0].1) == plain(pair[1].1));
    (!agree).then(|| Trap::MetadataAddress {
        settings: set
            .iter()
            .map(|(name, value)| shown(name, value.as_ref()))
            .collect(),
    })
}

fn shown(name: &str, value: &OsStr) -> String {
    format!("{name}={}", proxy::redact(&value.to_string_lossy()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::gcloud::GceCache;

    const OWN: &str = "mgmt@p.iam.gserviceaccount.com";

    fn gcloud(account: Option<&str>) -> ConfigDirectory {
        ConfigDirectory {
            path: "/home/.config/gcloud".into(),
            writable: true,
            gce_cache: GceCache::Absent,
            project: None,
            account: account.map(str::to_owned),
            region: None,
            zone: None,
            run_region: None,
            proxy: None,
        }
    }

    fn traps(variables: &[(&str, &str)], account: Option<&str>, stored: &[&str]) -> Vec<Trap> {
        let environment: Environment = variables.iter().copied().collect();
        judge(
            &environment,
            Seen {
                gcloud: &gcloud(account),
                key: None,
                well_known: None,
                stored: stored.iter().map(|one| (*one).to_owned()).collect(),
                home: None,
                account: Some(OWN),
            },
        )
    }

    #[test]
    fn a_file_says_whose_it_is_and_nothing_more() {
        for (json, kind, account) in [
            (
                r#"{"type": "service_account", "client_email": "a@p.iam.gserviceaccount.com", "private_key": "s3cret"}"#,
                "service_account",
                Some("a@p.iam.gserviceaccount.com"),
            ),
            (
                r#"{"type": "authorized_user", "account": "", "refresh_token": "s3cret"}"#,
                "authorized_user",
                None,
            ),
            (
                r#"{"type": "external_account", "service_account_impersonation_url":
                 "https://iamcredentials.googleapis.com/v1/projects/-/serviceAccounts/b@p.iam.gserviceaccount.com:generateAccessToken"}"#,
                "external_account",
                Some("b@p.iam.gserviceaccount.com"),
            ),
            (
                r#"{"type": "impersonated_service_account", "source_credentials": {"refresh_token": "s3cret"},
                 "service_account_impersonation_url": "x/serviceAccounts/c@p.example:generateAccessToken"}"#,
                "impersonated_service_account",
                Some("c@p.example"),
            ),
            (
                r#"{"type": "service_account", "client_email": "s3cret key@\n"}"#,
                "service_account",
                None,
            ),
        ] {
            let holder = Holder::read(json.as_bytes()).unwrap();
            assert_eq!((holder.kind, holder.account.as_deref()), (kind, account));
            assert!(!format!("{holder:?}").contains("s3cret"));
        }
        for none in ["", "{}", "[]", r#"{"type": "s3cret"}"#] {
            assert_eq!(Holder::read(none.as_bytes()), None, "{none}");
        }
    }

    #[test]
    fn no_trap_is_found_where_there_is_none() {
        let fine = [
            ("METADATA_SERVER_DETECTION", "assume-present"),
            ("NO_GCE_CHECK", "false"),
            ("GCE_METADATA_TIMEOUT", "10"),
            ("GCE_METADATA_HOST", "metadata.google.internal"),
            ("GCE_METADATA_IP", "http://169.254.169.254:80/"),
            ("CLOUDSDK_CORE_CHECK_GCE_METADATA", "true"),
            ("CLOUDSDK_AUTH_ACCESS_TOKEN", " "),
            ("CLOUDSDK_CORE_ACCOUNT", OWN),
        ];
        assert_eq!(traps(&fine, None, &[]), []);
        assert_eq!(traps(&[], Some(OWN), &[]), []);
    }

    #[test]
    fn gclouds_account_is_told_with_who_says_so() {
        let trap = |by: &str, is_stored| Trap::GcloudAccount {
            account: "old@p.example".to_owned(),
            by: by.to_owned(),
            is_stored,
        };
        let configured = "core/account in `/home/.config/gcloud`";
        let found = traps(&[], Some("old@p.example"), &[]);
        assert_eq!(found, [trap(configured, false)]);
        let variable = [("CLOUDSDK_CORE_ACCOUNT", "old@p.example")];
        let found = traps(&variable, Some(OWN), &["old@p.example"]);
        assert_eq!(found[0], trap("`CLOUDSDK_CORE_ACCOUNT`", true));
        assert!(matches!(found[1], Trap::StoredCredentials { .. }));
        // A token goes before any account.
        let token = [variable[0], ("CLOUDSDK_AUTH_ACCESS_TOKEN", "s3cret")];
        let found = traps(&token, None, &[]);
        assert_eq!(
            found,
            [Trap::AccessToken(vec!["CLOUDSDK_AUTH_ACCESS_TOKEN"])]
        );
    }

    #[test]
    fn denials_of_the_metadata_server_are_told_with_their_effect() {
        for (name, value, says) in [
            ("METADATA_SERVER_DETECTION", "None", "does not use"),
            ("METADATA_SERVER_DETECTION", "bios-only", "BIOS"),
            ("METADATA_SERVER_DETECTION", "yes", "does not know"),
            ("NO_GCE_CHECK", "True", "Python and Java"),
            ("CLOUDSDK_CORE_CHECK_GCE_METADATA", "false", "gcloud"),
            ("GCE_METADATA_TIMEOUT", "0", "no time"),
        ] {
            match traps(&[(name, value)], None, &[]).as_slice() {
                [Trap::MetadataDetection { setting, effect }] => {
                    assert_eq!(*setting, format!("{name}={value}"));
                    assert!(effect.contains(says), "{effect}");
                }
                other => panic!("{name}={value}: {other:?}"),
            }
        }
    }

    #[test]
    fn addresses_that_do_not_agree() {
        let differ = [
            ("GCE_METADATA_HOST", "127.0.0.1:80"),
            ("GCE_METADATA_ROOT", "other"),
        ];
        let found = traps(&differ, None, &[]);
        assert!(matches!(&found[..], [Trap::MetadataAddress { settings }] if settings.len() == 2));
        assert_eq!(traps(&differ[..1], None, &[]), []);
    }

    #[test]
    fn a_trap_warns_only_where_another_account_is_kept_from_the_clients() {
        let of = |account: &str| {
            Trap::Shadowed(Holder {
                kind: "service_account",
                account: Some(account.to_owned()),
            })
        };
        assert!(of("other@p.example").is_warning(Some(OWN)));
        assert!(!of(OWN).is_warning(Some(OWN)));
        assert!(!of("other@p.example").is_warning(None));
        assert!(!Trap::Home("x".into()).is_warning(Some(OWN)));
    }
}
