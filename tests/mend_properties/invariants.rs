//! What holds after the mend of any environment whatever. Used by the property tests and by the fuzz target.

use std::collections::HashSet;
use std::ffi::{OsStr, OsString};
use std::net::{Ipv4Addr, Ipv6Addr};

use runup::environment::Environment;
use runup::environment::proxy::{MANDATORY, Mode, Settings, Way, Wishes, mend};

const PROXIES: [&str; 4] = ["http_proxy", "HTTP_PROXY", "https_proxy", "HTTPS_PROXY"];
const GONE: [&str; 3] = ["all_proxy", "ALL_PROXY", "PIP_PROXY"];
const METADATA: [&str; 5] = [
    "http://metadata.google.internal/",
    "http://metadata.google.internal./",
    "http://METADATA/",
    "http://169.254.169.254/",
    "http://[fd20:ce::254]/",
];

/// Mends and checks all that must hold; gives back the mended environment.
pub(crate) fn check(before: &Environment, wishes: &Wishes) -> Environment {
    let mended = mend(before, wishes);
    let mut after = before.clone();
    after.apply(&mended.edits);

    assert_eq!(mend(&after, wishes).edits, [], "mending twice changes more");
    for (at, edit) in mended.edits.iter().enumerate() {
        let again = mended.edits[..at]
            .iter()
            .any(|e| e.variable == edit.variable);
        assert!(!again, "two edits of {}", edit.variable);
        assert_eq!(edit.before.as_deref(), before.get(&edit.variable));
        assert!(!edit.why.is_empty() && !edit.why.contains('\n'));
    }
    for notice in &mended.notices {
        let (summary, help) = (notice.to_string(), notice.help());
        assert!(
            !summary.contains(['\n', '\r']) && !help.contains(['\n', '\r']),
            "{summary}"
        );
    }
    strangers_untouched(before, &after, wishes);
    if wishes.mode == Mode::Keep {
        assert_eq!(mended.edits, []);
        return after;
    }
    lists(&after, wishes);
    metadata_is_direct(&after);
    if wishes.mode == Mode::Mend && !before.has("REQUEST_METHOD") {
        proxies(&after);
    }
    if wishes.mode == Mode::Strip {
        for name in PROXIES.into_iter().chain(GONE) {
            assert!(!after.has(name), "{name} stays");
        }
    }
    after
}

/// The items of the mended list.
pub(crate) fn items(after: &Environment) -> Vec<&str> {
    after.text("no_proxy").unwrap().split(',').collect()
}

fn strangers_untouched(before: &Environment, after: &Environment, wishes: &Wishes) {
    let lists_only =
        wishes.mode == Mode::Bypass || wishes.mode == Mode::Mend && before.has("REQUEST_METHOD");
    let is_stranger = |name: &OsStr| {
        let name = name.to_string_lossy();
        // In any case of letters: npm and Python read `No_Proxy`, too.
        let any_case = |names: &[&str]| names.iter().any(|own| own.eq_ignore_ascii_case(&name));
        let ours = any_case(&["no_proxy"])
            || !lists_only
                && (any_case(&["http_proxy", "https_proxy", "all_proxy"])
                    || GONE.contains(&&*name)
                    || ["grpc_proxy", "no_grpc_proxy", "NODE_USE_ENV_PROXY"].contains(&&*name)
                    || wishes.java && name == "JAVA_TOOL_OPTIONS"
                    || name.starts_with("CLOUDSDK_PROXY_"));
        !ours
    };
    let strangers = |environment: &Environment| -> Vec<(OsString, OsString)> {
        environment
            .iter()
            .filter(|(name, _)| is_stranger(name))
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .collect()
    };
    assert!(
        strangers(before) == strangers(after),
        "a stranger was touched"
    );
}

fn lists(after: &Environment, wishes: &Wishes) {
    assert_eq!(after.text("no_proxy"), after.text("NO_PROXY"));
    let items = items(after);
    let mut rest = items.iter();
    for entry in MANDATORY {
        assert!(
            rest.any(|item| *item == entry),
            "{entry} missing or out of order"
        );
    }
    let mut known = HashSet::new();
    for (at, item) in items.iter().enumerate() {
        assert!(known.insert(item), "`{item}` stands twice");
        let star_that_stays = *item == "*"
            && at + 1 == items.len()
            && (wishes.mode == Mode::Bypass || after.has("REQUEST_METHOD"));
        assert!(
            star_that_stays || is_clean(item),
            "`{item}` is no form that all clients stand"
        );
    }
}

/// The forms that clients stand, each written anew here: nothing of the reader under test is used.
fn is_clean(item: &str) -> bool {
    if let Some((address, length)) = item.split_once('/') {
        return address.parse::<Ipv4Addr>().is_ok() && length.parse::<u8>().is_ok_and(|n| n < 32);
    }
    if item.contains(':') {
        return item.parse::<Ipv6Addr>().is_ok();
    }
    if let Some(octets) = item.strip_suffix(".*") {
        let octets: Vec<_> = octets.split('.').collect();
        return octets.len() < 4 && octets.iter().all(|octet| octet.parse::<u8>().is_ok());
    }
    let bare = item.strip_prefix('.').unwrap_or(item);
    let bare = if bare == "metadata.google.internal." {
        &bare[..bare.len() - 1]
    } else {
        bare
    };
    bare.split('.').all(|label| {
        !label.is_empty()
            && label
                .chars()
                .all(|c| matches!(c, 'a'..='z' | '0'..='9' | '-' | '_'))
    })
}

fn metadata_is_direct(after: &Environment) {
    let settings = Settings::read(after);
    for url in METADATA {
        let way = settings.way(&url.parse().unwrap());
        assert!(matches!(way, Way::Direct { .. }), "{url}: {way:?}");
    }
}

fn proxies(after: &Environment) {
    for pair in PROXIES.chunks(2) {
        assert_eq!(after.text(pair[0]), after.text(pair[1]), "spellings differ");
        assert_eq!(after.has(pair[0]), after.has(pair[1]));
    }
    for name in PROXIES.into_iter().chain(["grpc_proxy"]) {
        let Some(value) = after.get(name) else {
            continue;
        };
        let value = value.to_str().unwrap();
        let (scheme, rest) = value.split_once("://").unwrap();
        assert!(
            [
                "http", "https", "socks", "socks4", "socks4a", "socks5", "socks5h"
            ]
            .contains(&scheme)
        );
        assert!(
            rest.chars()
                .all(|c| c.is_ascii_alphanumeric() || "-._~%@:[]".contains(c))
        );
        assert!(rest.matches('@').count() <= 1);
        let (_, port) = rest.rsplit_once(':').unwrap();
        assert!(port.parse::<u16>().is_ok_and(|port| port > 0), "no port");
    }
    for name in GONE {
        assert!(!after.has(name), "{name} stays");
    }
    for (name, _) in after.iter() {
        assert!(!name.to_string_lossy().starts_with("CLOUDSDK_PROXY_"));
    }
}
