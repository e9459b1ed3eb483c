//! Properties of the mend over generated environments: real-life shapes, malformed ones, arbitrary bytes. More than ten
//! thousand cases.

// Helpers of tests are tests, too.
#![allow(clippy::unwrap_used)]

mod invariants;
mod model;

use std::ffi::OsString;
use std::fmt::Write as _;
use std::os::unix::ffi::OsStringExt;

use invariants::{check, items};
use percent_encoding::{NON_ALPHANUMERIC, percent_decode_str, percent_encode};
use proptest::prelude::*;
use proptest::sample::select;
use runup::environment::Environment;
use runup::environment::proxy::{Mode, ProxyUrl, Settings, Way, Wishes, mend, redact};

/// Stands in each generated password and nowhere else.
const SECRET: &str = "S3cr3t";

const NAMES: [&str; 26] = [
    "no_proxy",
    "NO_PROXY",
    "No_Proxy",
    "Http_Proxy",
    "http_proxy",
    "HTTP_PROXY",
    "https_proxy",
    "HTTPS_PROXY",
    "all_proxy",
    "ALL_PROXY",
    "ftp_proxy",
    "PIP_PROXY",
    "grpc_proxy",
    "no_grpc_proxy",
    "CLOUDSDK_PROXY_TYPE",
    "CLOUDSDK_PROXY_ADDRESS",
    "CLOUDSDK_PROXY_PORT",
    "CLOUDSDK_PROXY_USERNAME",
    "CLOUDSDK_PROXY_PASSWORD",
    "CLOUDSDK_PROXY_RDNS",
    "CLOUDSDK_CORE_PROJECT",
    "NODE_USE_ENV_PROXY",
    "JAVA_TOOL_OPTIONS",
    "PATH",
    "GCE_METADATA_HOST",
    "http_proxy_",
];

/// Values seen in issues and measured in the lab.
const REAL_VALUES: [&str; 60] = [
    "",
    " ",
    "\"\"",
    ",",
    ".",
    "*",
    "*,foo",
    "a, nexus.corp.example",
    "a ,nexus.corp.example",
    "a;nexus.corp.example",
    "a|nexus.corp.example",
    "a\tb\nc\r\nd",
    "\"a,b\"",
    "'localstack'",
    "[\"a\",\"b\"]",
    "http://nexus.corp.example",
    "https://nexus.corp.example/",
    "nexus.corp.example:8080",
    "NEXUS.CORP.EXAMPLE.",
    "*.corp.example",
    "*corp.example",
    "nexus.*",
    "10.",
    "10.*",
    "192.168.*,*.ourdomain.com",
    "[::1]",
    "[fd00::5]:8080",
    "fd00::/8",
    "fd00::4/126",
    "fe80::1%eth0",
    "10.0.0.0/8",
    "10.0.0.0/99",
    "10.1.2.0/24,10.1.2.7,10.1.2.0-10.1.2.255",
    "10.0.0.3-10.0.0.17",
    "0.0.0.0/0",
    "010.1.2.3",
    "<local>",
    "/var/run/docker.sock",
    "bücher.example",
    "metadata.google.internal.",
    "http://squid:3128",
    "squid:3128",
    "10.0.0.1:3128",
    "HTTP://SQUID:3128",
    "http://squid:3128/path",
    "http://squid",
    "https://squid:443",
    "socks5h://squid",
    " http://squid:3128\r\n",
    "none",
    "false",
    "0",
    "http://",
    "http//squid:3128",
    "http:/squid",
    "http://[fd00::1]:3128",
    "ftp://squid",
    "-Xmx1g '-Dhttp.nonProxyHosts=a|b' -Da=\"c d\"",
    "-Da='open",
    "1",
];

/// A password with the secret in its midst.
fn password(around: &'static str) -> impl Strategy<Value = String> {
    (around, around).prop_map(|(front, back)| format!("{front}{SECRET}{back}"))
}

/// Proxy values with secrets in them, well formed or not.
fn with_secret() -> impl Strategy<Value = String> {
    let shapes = select(
        &[
            "http://user:{}@squid:3128",
            "HTTPS://user:{}@squid",
            "socks5://user:{}@10.0.0.1:1080",
            "user:{}@squid:3128",
            "http://:{}@squid:3128",
            "\"http://user:{}@squid:3128\"",
            " http://user:{}@squid:3128/path\r\n",
            "http//user:{}@squid:3128",
            "http:/user:{}@squid:3128",
            "ftp://user:{}@squid:3128",
            "http://user:{}@squid:port",
            "http://user:{}@",
            "http://user:{}@[fd00::1]",
            "http://us er:{}@squid corp",
        ][..],
    );
    let whole = (shapes, password("[a-z0-9@/#?%:;,| \"'\n\r\t&=é-]{0,4}"));
    // A name without a password is a token.
    let tokens = select(&["http://{}@squid:3128", "http://{}:@squid", "{}@squid"][..]);
    let token = (tokens, password("[a-z0-9@/#?%;,| é-]{0,4}"));
    let cut = (
        select(&["http://user:{}", "user:{}"][..]),
        password("[a-z0-9/#?%:é-]{0,4}"),
    );
    prop_oneof![4 => whole, 1 => token, 1 => cut]
        .prop_map(|(shape, password)| shape.replace("{}", &password))
}

/// A bypass entry as people write it, and as it must stand in the mended list.
fn entry() -> impl Strategy<Value = (String, String)> {
    let name = "[a-z][a-z0-9-]{0,6}[a-z](\\.[a-z]{2,5}){0,2}";
    let mixed = |name: &str, upper: bool| {
        if upper {
            name.to_uppercase()
        } else {
            name.to_owned()
        }
    };
    prop_oneof![
        4 => (name, any::<bool>(), select(&["{}", "{}.", "{}/", "http://{}", "https://u@{}:443/x", "{}:8080", "\"{}\"", "[{}]"][..]))
            .prop_map(move |(name, upper, shape)| (shape.replace("{}", &mixed(&name, upper)), name)),
        2 => (name, any::<bool>(), select(&[".{}", "*.{}", "'.{}'", ".{}.", "http://*.{}/"][..]))
            .prop_map(move |(name, upper, shape)| (shape.replace("{}", &mixed(&name, upper)), format!(".{name}"))),
        1 => (any::<std::net::Ipv4Addr>(), select(&["{}", "{}:80", "http://{}/", "{}/32", "{}."][..]))
            .prop_map(|(address, shape)| (shape.replace("{}", &address.to_string()), address.to_string())),
        1 => (any::<std::net::Ipv6Addr>(), select(&["{}", "[{}]", "[{}]:443", "http://[{}]/", "{}/128"][..]))
            .prop_map(|(address, shape)| (shape.replace("{}", &address.to_string()), address.to_string())),
        1 => (any::<u32>(), select(&[1, 7, 8, 9, 12, 15, 16, 20, 23, 24, 27, 28, 29, 30, 31][..])).prop_map(|(bits, length)| {
            let network = bits & (u32::MAX << (32 - length));
            let (written, network) = (std::net::Ipv4Addr::from(bits), std::net::Ipv4Addr::from(network));
            (format!("{written}/{length}"), format!("{network}/{length}"))
        }),
        1 => any::<[u8; 2]>().prop_map(|[a, b]| (format!("{a}.{b}.*"), format!("{a}.{b}.0.0/16"))),
    ]
}

fn separator() -> impl Strategy<Value = &'static str> {
    select(
        &[
            ",", ", ", " ,", ";", "|", " ", "\t", "\n", "\r\n", ",,", ",\n",
        ][..],
    )
}

fn list() -> impl Strategy<Value = String> {
    proptest::collection::vec((entry(), separator()), 0..6).prop_map(|entries| {
        entries
            .iter()
            .fold(String::new(), |mut text, ((written, _), separator)| {
                let _ = write!(text, "{written}{separator}");
                text
            })
    })
}

fn value() -> impl Strategy<Value = OsString> {
    prop_oneof![
        3 => select(&REAL_VALUES[..]).prop_map(OsString::from),
        3 => list().prop_map(OsString::from),
        2 => "(http://|socks5://)?[a-z]{1,5}(:[0-9]{1,6})?/?".prop_map(OsString::from),
        1 => "[0-9.*/,:\\[\\]a-f@%-]{0,30}".prop_map(OsString::from),
        1 => "\\PC{0,20}".prop_map(OsString::from),
        1 => proptest::collection::vec(1..=255_u8, 0..40).prop_map(OsString::from_vec),
    ]
}

fn environment() -> impl Strategy<Value = Environment> {
    let variable = (select(&NAMES[..]), value());
    let cgi = proptest::option::weighted(0.1, Just(("REQUEST_METHOD", OsString::from("GET"))));
    (proptest::collection::vec(variable, 0..9), cgi)
        .prop_map(|(variables, cgi)| variables.into_iter().chain(cgi).collect())
}

fn wishes() -> impl Strategy<Value = Wishes> {
    let mode = prop_oneof![
        5 => Just(Mode::Mend),
        2 => Just(Mode::Bypass),
        1 => Just(Mode::Strip),
        1 => Just(Mode::Keep),
    ];
    let direct = select(
        &[
            "nexus.corp.example",
            ".corp.example",
            "10.1.2.3",
            "172.16.0.0/12",
            "fd00::5",
        ][..],
    );
    (mode, proptest::collection::vec(direct, 0..3), any::<bool>()).prop_map(
        |(mode, direct, java)| Wishes {
            mode,
            direct: direct.iter().map(|text| text.parse().unwrap()).collect(),
            java,
        },
    )
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 5000, ..ProptestConfig::default() })]

    /// All that invariants.rs says, for any environment and any wish.
    #[test]
    fn what_must_hold_holds(before in environment(), wishes in wishes()) {
        let after = check(&before, &wishes);
        if wishes.mode == Mode::Mend && !before.has("REQUEST_METHOD") {
            model::check(&before, &after, &wishes);
        }
        if wishes.mode != Mode::Keep {
            let settings = Settings::read(&after);
            for url in ["http://nexus.corp.example/", "https://a.corp.example/", "http://10.1.2.3:81/", "http://172.20.0.1/"] {
                let url: url::Url = url.parse().unwrap();
                let host = url.host_str().unwrap();
                let wished = wishes.direct.iter().any(|direct| match direct.to_string().as_str() {
                    ".corp.example" => host.ends_with(".corp.example"),
                    "172.16.0.0/12" => host == "172.20.0.1",
                    other => other == host,
                });
                let way = settings.way(&url);
                prop_assert!(!wished || matches!(way, Way::Direct { .. }), "{url}: {way:?}");
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2000, ..ProptestConfig::default() })]

    /// Each entry that the user wrote stands in both lists, in its one spelling and in its order.
    #[test]
    fn no_entry_is_lost(
        lower in proptest::collection::vec((entry(), separator()), 0..8),
        upper in proptest::collection::vec((entry(), separator()), 0..8),
        mode in select(&[Mode::Mend, Mode::Bypass, Mode::Strip][..]),
    ) {
        let text = |entries: &[((String, String), &str)]| -> String {
            entries.iter().flat_map(|((written, _), separator)| [written.as_str(), separator]).collect()
        };
        let before: Environment = [("no_proxy", text(&lower)), ("NO_PROXY", text(&upper))].into_iter().collect();
        let wishes = Wishes { mode, ..Wishes::default() };
        let after = check(&before, &wishes);
        let items = items(&after);
        for ((written, expected), _) in lower.iter().chain(&upper) {
            prop_assert!(items.contains(&expected.as_str()), "{written} is not in {items:?}");
        }
    }

    /// No password in anything that is shown, however malformed the value that holds it.
    #[test]
    fn no_password_is_shown(
        values in proptest::collection::vec((select(&NAMES[3..]), with_secret()), 1..6),
        entry in (select(&["http://u:{}@h", "u:{}@h:80", "{}@*x", "http://u:{}"][..]), password("[a-z0-9#?%:é-]{0,4}")),
        wishes in wishes(),
    ) {
        let entry = entry.0.replace("{}", &entry.1);
        let before: Environment = values.iter().cloned().chain([("NO_PROXY", entry)]).collect();
        let after = check(&before, &wishes);
        let mended = mend(&before, &wishes);
        let mut shown = format!("{mended:?}");
        for settings in [Settings::read(&before), Settings::read(&after)] {
            let _ = write!(shown, " {:?} {:?}", settings.http(), settings.https());
        }
        for notice in &mended.notices {
            let _ = write!(shown, " {notice} {}", notice.help());
        }
        for edit in &mended.edits {
            let _ = write!(shown, " {}", edit.why);
        }
        for (name, value) in &values {
            if !name.starts_with("CLOUDSDK") && *name != "JAVA_TOOL_OPTIONS" {
                let _ = write!(shown, " {}", redact(value));
            }
        }
        prop_assert!(!shown.to_lowercase().contains(&SECRET.to_lowercase()), "{shown}");
    }

    /// A password comes through with each of its bytes, raw or encoded.
    #[test]
    fn no_password_is_changed(
        user in "[a-zA-Z0-9_.-]{1,8}",
        password in "[ -$&-~é]{1,12}",
        encoded in any::<bool>(),
        name in select(&["http_proxy", "HTTP_PROXY", "HTTPS_PROXY", "all_proxy"][..]),
    ) {
        let written = if encoded {
            percent_encode(password.as_bytes(), NON_ALPHANUMERIC).to_string()
        } else {
            password.clone()
        };
        let before: Environment = [(name, format!("http://{user}:{written}@squid:3128"))].into_iter().collect();
        let after = check(&before, &Wishes::default());
        let value = after.text("https_proxy").unwrap();
        let coded = value.strip_prefix(&format!("http://{user}:")).and_then(|rest| rest.strip_suffix("@squid:3128"));
        let found = percent_decode_str(coded.unwrap()).decode_utf8().unwrap();
        prop_assert_eq!(found, password);
    }

    /// No bytes make the readers panic, and what is read is written so that it is read as the same.
    #[test]
    fn a_proxy_is_read_as_it_was_written(bytes in proptest::collection::vec(any::<u8>(), 0..60)) {
        if let Ok(proxy) = ProxyUrl::parse(&bytes) {
            prop_assert_eq!(ProxyUrl::parse(proxy.with_secrets().as_bytes()), Ok(proxy));
        }
        let line = redact(&String::from_utf8_lossy(&bytes));
        prop_assert!(!line.contains(char::is_control));
    }
}
