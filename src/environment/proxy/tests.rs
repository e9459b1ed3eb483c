use super::*;
use crate::finding::code::Code;

const SQUID: &str = "http://squid.corp.example:3128";
const GOOD: &str = "localhost,127.0.0.1,::1,metadata,metadata.google.internal,metadata.google.internal.,\
                    169.254.169.254,fd20:ce::254";

fn environment(variables: &[(&str, &str)]) -> Environment {
    variables.iter().copied().collect()
}

fn wishes(mode: Mode) -> Wishes {
    Wishes {
        mode,
        ..Wishes::default()
    }
}

/// The environment after the mend, by name, and the codes of the notices that are warnings.
fn mended_by(wishes: &Wishes, variables: &[(&str, &str)]) -> (Vec<String>, Vec<Code>) {
    let mut environment = environment(variables);
    let mended = mend(&environment, wishes);
    environment.apply(&mended.edits);
    assert_eq!(mend(&environment, wishes).edits, [], "twice");
    let mut all: Vec<_> = environment
        .iter()
        .map(|(name, value)| format!("{}={}", name.display(), value.display()))
        .collect();
    all.sort();
    let warnings = mended
        .notices
        .iter()
        .filter(|notice| notice.severity() == Severity::Warning);
    (all, warnings.map(Notice::code).collect())
}

fn mended(variables: &[(&str, &str)]) -> (Vec<String>, Vec<Code>) {
    mended_by(&Wishes::default(), variables)
}

/// What every client reads alike: both lists with `more` entries, and `proxy` for all.
fn agreed(more: &str, proxy: Option<&str>) -> Vec<String> {
    let mut all = Vec::new();
    if let Some(proxy) = proxy {
        all.extend(
            ["HTTPS_PROXY", "HTTP_PROXY", "https_proxy", "http_proxy"]
                .map(|n| format!("{n}={proxy}")),
        );
        all.push("NODE_USE_ENV_PROXY=1".into());
    }
    all.extend(["NO_PROXY", "no_proxy"].map(|n| format!("{n}={GOOD}{more}")));
    all.sort();
    all
}

/// The shapes A to S that were measured in ten clients, of which only N was right in all of them.
#[test]
fn every_measured_shape_ends_as_the_right_one() {
    let fqdn_ip = "metadata.google.internal,169.254.169.254";
    let four = "metadata.google.internal,metadata.google.internal.,metadata,169.254.169.254";
    let both = [("http_proxy", SQUID), ("HTTP_PROXY", SQUID)];
    let with = |more: &[(&'static str, &'static str)]| [&both[..], more].concat();
    let cidr = ",.google.internal,169.254.0.0/16,169.254.0.0-169.254.255.255,169.254.*";
    for (shape, variables, more) in [
        ("A", vec![("http_proxy", SQUID)], ""),
        ("B", vec![("HTTP_PROXY", SQUID)], ""),
        (
            "C",
            with(&[("no_proxy", fqdn_ip), ("NO_PROXY", fqdn_ip)]),
            "",
        ),
        ("D", with(&[("NO_PROXY", fqdn_ip)]), ""),
        ("E", with(&[("no_proxy", fqdn_ip)]), ""),
        (
            "F",
            with(&[("no_proxy", "localhost"), ("NO_PROXY", four)]),
            "",
        ),
        (
            "G",
            with(&[("no_proxy", four), ("NO_PROXY", "localhost")]),
            "",
        ),
        ("H", with(&[("no_proxy", ""), ("NO_PROXY", four)]), ""),
        ("I", with(&[("no_proxy", four), ("NO_PROXY", "")]), ""),
        (
            "J",
            with(&[("no_proxy", ".google.internal,169.254.0.0/16")]),
            cidr,
        ),
        (
            "K",
            with(&[("no_proxy", "*.google.internal,169.254.*")]),
            cidr,
        ),
        (
            "L",
            with(&[("no_proxy", "metadata.google.internal 169.254.169.254")]),
            "",
        ),
        (
            "M",
            with(&[("no_proxy", "metadata.google.internal, 169.254.169.254")]),
            "",
        ),
        ("N", with(&[("no_proxy", four), ("NO_PROXY", four)]), ""),
        ("P", vec![("ALL_PROXY", SQUID)], ""),
        ("Q", vec![("http_proxy", ""), ("HTTP_PROXY", SQUID)], ""),
        (
            "R",
            with(&[("no_proxy", "metadata.google.internal:80,169.254.169.254:80")]),
            "",
        ),
        ("S", with(&[("no_proxy", "METADATA.GOOGLE.INTERNAL")]), ""),
    ] {
        assert_eq!(mended(&variables).0, agreed(more, Some(SQUID)), "{shape}");
    }
    let star = with(&[("NO_PROXY", "*")]);
    assert_eq!(mended(&star).0, agreed("", None), "O");
}

#[test]
fn an_environment_without_proxies_gets_its_lists_only() {
    assert_eq!(mended(&[]), (agreed("", None), vec![]));
    let (all, warnings) = mended(&[("PATH", "/bin"), ("ftp_proxy", ""), ("NO_PROXY", "x")]);
    let mut expected = agreed(",x", None);
    expected.extend(["PATH=/bin".into(), "ftp_proxy=".into()]);
    expected.sort();
    assert_eq!((all, warnings), (expected, vec![]));
}

/// Values of proxy variables that were measured, most of which make some client go directly without a word.
#[test]
fn proxy_values_get_one_form() {
    for value in [
        "http://squid.corp.example:3128",
        "squid.corp.example:3128",
        "HTTP://SQUID.corp.example:3128",
        "http://squid.corp.example:3128/",
        "http://squid.corp.example:3128/path",
        " http://squid.corp.example:3128 ",
        "\"http://squid.corp.example:3128\"",
        "'http://squid.corp.example:3128'",
        "http://squid.corp.example:3128\n",
        "http://squid.corp.example:3128\r",
    ] {
        for name in [
            "http_proxy",
            "HTTP_PROXY",
            "https_proxy",
            "ALL_PROXY",
            "all_proxy",
        ] {
            assert_eq!(
                mended(&[(name, value)]).0,
                agreed("", Some(SQUID)),
                "{name}={value:?}"
            );
        }
    }
}

#[test]
fn values_that_name_no_proxy_go_and_are_told() {
    for value in [
        "none",
        "direct",
        "false",
        "off",
        "0",
        "http://",
        "http://squid corp",
        "ftp://x",
        "http//squid",
    ] {
        let (all, warnings) = mended(&[("http_proxy", value)]);
        assert_eq!(all, agreed("", None), "{value}");
        assert_eq!(warnings, [Code::ProxyUnusableValue], "{value}");
        // A usable spelling still counts.
        let (all, _) = mended(&[
            ("http_proxy", value),
            ("HTTP_PROXY", SQUID),
            ("https_proxy", SQUID),
        ]);
        assert_eq!(all, agreed("", Some(SQUID)), "{value}");
    }
    for blank in ["", " ", "\"\"", "\r\n"] {
        let empty = [
            ("http_proxy", blank),
            ("HTTPS_PROXY", blank),
            ("all_proxy", blank),
            ("grpc_proxy", blank),
        ];
        assert_eq!(mended(&empty), (agreed("", None), vec![]), "{blank:?}");
    }
}

#[test]
fn the_lower_case_spelling_counts() {
    let two = [
        ("http_proxy", "http://u:secret@squid.corp.example:3128"),
        ("HTTP_PROXY", "http://other:1"),
        ("https_proxy", SQUID),
    ];
    let mut environment = environment(&two);
    let found = mend(&environment, &Wishes::default());
    environment.apply(&found.edits);
    assert_eq!(environment.text("HTTP_PROXY"), Some(two[0].1));
    let told: Vec<_> = found.notices.iter().map(ToString::to_string).collect();
    assert!(
        told[0].starts_with("`http_proxy=http://u:***@squid.corp.example:3128` and `HTTP_PROXY=http://other:1` differ"),
        "{told:?}"
    );
}

#[test]
fn two_proxies_stay_two() {
    let (all, warnings) = mended(&[
        ("http_proxy", "a:1"),
        ("HTTPS_PROXY", "b:2"),
        ("ALL_PROXY", "c:3"),
    ]);
    assert!(all.contains(&"HTTP_PROXY=http://a:1".into()), "{all:?}");
    assert!(all.contains(&"https_proxy=http://b:2".into()), "{all:?}");
    assert!(!all.iter().any(|line| line.contains("c:3")), "{all:?}");
    assert_eq!(warnings, [Code::ProxyTwoProxies]);
}

#[test]
fn a_variable_that_stands_twice_stands_once() {
    let (all, _) = mended(&[
        ("no_proxy", "a"),
        ("no_proxy", "b"),
        ("http_proxy", SQUID),
        ("http_proxy", ""),
    ]);
    assert_eq!(all, agreed(",a,b", Some(SQUID)));
}

#[test]
fn gcloud_s_own_proxy_goes_to_all() {
    let cloudsdk = [
        ("CLOUDSDK_PROXY_TYPE", "http"),
        ("CLOUDSDK_PROXY_ADDRESS", "squid.corp.example"),
        ("CLOUDSDK_PROXY_PORT", "3128"),
    ];
    assert_eq!(
        mended(&cloudsdk),
        (agreed("", Some(SQUID)), vec![Code::ProxyCloudsdkProxy])
    );
    // Where a proxy is named for all, that one stays.
    let (all, _) = mended(&[&cloudsdk[..], &[("https_proxy", "b:2")]].concat());
    assert_eq!(all, agreed("", Some("http://b:2")));
    // A part is no proxy, but gcloud still trips over it.
    assert_eq!(
        mended(&cloudsdk[..2]),
        (agreed("", None), vec![Code::ProxyCloudsdkProxy])
    );

    let secret = [
        &cloudsdk[..],
        &[
            ("CLOUDSDK_PROXY_USERNAME", "u"),
            ("CLOUDSDK_PROXY_PASSWORD", "p@ss"),
        ],
    ]
    .concat();
    let found = mend(&environment(&secret), &Wishes::default());
    assert_eq!(
        found.notices[0].to_string(),
        "gcloud ignores `NO_PROXY`, even for the metadata server, because of `CLOUDSDK_PROXY_TYPE=http \
         CLOUDSDK_PROXY_ADDRESS=squid.corp.example CLOUDSDK_PROXY_PORT=3128 CLOUDSDK_PROXY_USERNAME=u \
         CLOUDSDK_PROXY_PASSWORD=***`"
    );
    let (all, _) = mended(&secret);
    assert!(
        all.contains(&"http_proxy=http://u:p%40ss@squid.corp.example:3128".into()),
        "{all:?}"
    );

    let socks = [
        ("CLOUDSDK_PROXY_TYPE", "socks5"),
        cloudsdk[1],
        ("CLOUDSDK_PROXY_PORT", "1080"),
    ];
    let (all, warnings) = mended(&socks);
    assert!(
        all.contains(&"http_proxy=socks5h://squid.corp.example:1080".into()),
        "{all:?}"
    );
    assert_eq!(warnings, [Code::ProxyCloudsdkProxy, Code::ProxySocks]);
}

#[test]
fn pip_s_own_proxy_goes_to_all() {
    assert_eq!(
        mended(&[("PIP_PROXY", SQUID)]),
        (agreed("", Some(SQUID)), vec![Code::ProxyPipProxy])
    );
    assert_eq!(mended(&[("PIP_PROXY", "")]), (agreed("", None), vec![]));
}

#[test]
fn grpc_keeps_its_own_proxy_and_learns_the_list() {
    let (all, _) = mended(&[
        ("grpc_proxy", "squid:1"),
        ("no_grpc_proxy", "*.x, y"),
        ("no_proxy", "z"),
    ]);
    assert!(all.contains(&"grpc_proxy=http://squid:1".into()), "{all:?}");
    assert!(
        all.contains(&format!("no_grpc_proxy={GOOD},z,.x,y")),
        "{all:?}"
    );
}

#[test]
fn node_starts_with_socks_and_obeys_the_user() {
    let (all, _) = mended(&[("http_proxy", "socks5h://squid")]);
    assert!(!all.iter().any(|line| line.starts_with("NODE")), "{all:?}");
    let (all, _) = mended(&[("http_proxy", SQUID), ("NODE_USE_ENV_PROXY", "0")]);
    assert!(all.contains(&"NODE_USE_ENV_PROXY=0".into()), "{all:?}");
}

#[test]
fn java_on_request() {
    let wishes = Wishes {
        java: true,
        ..Wishes::default()
    };
    let (all, _) = mended_by(
        &wishes,
        &[("http_proxy", SQUID), ("JAVA_TOOL_OPTIONS", "-Xmx1g")],
    );
    let options = "JAVA_TOOL_OPTIONS=-Xmx1g -Dhttp.proxyHost=squid.corp.example -Dhttp.proxyPort=3128 \
                   -Dhttps.proxyHost=squid.corp.example -Dhttps.proxyPort=3128 \
                   -Dhttp.nonProxyHosts=localhost|127.0.0.1|[::1]|metadata|metadata.google.internal|\
                   metadata.google.internal.|169.254.169.254|[fd20:ce::254]";
    assert!(all.contains(&options.to_owned()), "{all:?}");
    let secret = [("http_proxy", "http://u:secret@squid")];
    assert_eq!(
        mended_by(&wishes, &secret).1,
        [Code::ProxyOneScheme, Code::ProxyJava]
    );
    let open = [
        ("http_proxy", SQUID),
        ("https_proxy", SQUID),
        ("JAVA_TOOL_OPTIONS", "-Da='b"),
    ];
    assert_eq!(mended_by(&wishes, &open).1, [Code::ProxyJavaOptions]);
}

#[test]
fn cgi_is_left_alone_but_for_the_lists() {
    let (all, warnings) = mended(&[("REQUEST_METHOD", "GET"), ("HTTP_PROXY", "http://evil:1")]);
    let mut expected = agreed("", None);
    expected.extend([
        "HTTP_PROXY=http://evil:1".into(),
        "REQUEST_METHOD=GET".into(),
    ]);
    expected.sort();
    assert_eq!(all, expected);
    assert!(
        warnings.contains(&Code::ProxyCgiEnvironment),
        "{warnings:?}"
    );
}

#[test]
fn bypass_touches_the_lists_only() {
    let (all, warnings) = mended_by(
        &wishes(Mode::Bypass),
        &[
            ("HTTP_PROXY", " squid "),
            ("PIP_PROXY", "squid"),
            ("NO_PROXY", "*, a"),
            ("no_grpc_proxy", "b "),
        ],
    );
    let mut expected: Vec<String> = ["HTTP_PROXY= squid ", "PIP_PROXY=squid", "no_grpc_proxy=b "]
        .map(Into::into)
        .into();
    expected.extend(["NO_PROXY", "no_proxy"].map(|name| format!("{name}={GOOD},a,*")));
    expected.sort();
    assert_eq!(all, expected);
    assert!(
        warnings.contains(&Code::ProxyBypassEverything),
        "{warnings:?}"
    );
}

#[test]
fn strip_takes_every_proxy_out() {
    let names = [
        "http_proxy",
        "HTTP_PROXY",
        "https_proxy",
        "HTTPS_PROXY",
        "all_proxy",
        "ALL_PROXY",
        "PIP_PROXY",
        "grpc_proxy",
        "CLOUDSDK_PROXY_ADDRESS",
        "REQUEST_METHOD",
    ];
    let (all, warnings) = mended_by(&wishes(Mode::Strip), &names.map(|name| (name, "x")));
    let mut expected = agreed("", None);
    expected.push("REQUEST_METHOD=x".into());
    expected.sort();
    assert_eq!((all, warnings), (expected, vec![]));
}

#[test]
fn keep_changes_nothing_and_tells() {
    let before = [
        ("HTTP_PROXY", SQUID),
        ("NO_PROXY", "localhost, a:80"),
        ("no_proxy", GOOD),
    ];
    let found = mend(&environment(&before), &wishes(Mode::Keep));
    assert_eq!(found.edits, []);
    let told = found
        .notices
        .iter()
        .find(|notice| notice.code() == Code::ProxyMetadataProxied)
        .unwrap();
    assert_eq!(
        told.to_string(),
        "`HTTP_PROXY` is set and `NO_PROXY` lacks `metadata,metadata.google.internal,metadata.google.internal.,\
         169.254.169.254,fd20:ce::254`: some clients would ask the proxy for the metadata server"
    );
    let lists = found
        .notices
        .iter()
        .filter(|notice| notice.code() == Code::ProxyMetadataProxied);
    assert_eq!(lists.count(), 1, "only one list lacks something");
    let quiet = [
        ("http_proxy", SQUID),
        ("HTTP_PROXY", SQUID),
        ("no_proxy", GOOD),
        ("NO_PROXY", GOOD),
    ];
    let found = mend(&environment(&quiet), &wishes(Mode::Keep));
    assert!(
        !found
            .notices
            .iter()
            .any(|notice| notice.code() == Code::ProxyMetadataProxied)
    );
    let none = mend(&environment(&[("NO_PROXY", "x")]), &wishes(Mode::Keep));
    assert!(
        !none
            .notices
            .iter()
            .any(|notice| notice.code() == Code::ProxyMetadataProxied)
    );
}

#[test]
fn direct_hosts_join_the_list() {
    let direct =
        ["nexus.corp.example", "*.jira.example", "10.1.2.3"].map(|text| text.parse().unwrap());
    let wishes = Wishes {
        direct: direct.into(),
        ..Wishes::default()
    };
    let (all, _) = mended_by(&wishes, &[("NO_PROXY", "own, nexus.corp.example")]);
    assert_eq!(
        all,
        agreed(",own,nexus.corp.example,.jira.example,10.1.2.3", None)
    );
}

#[test]
fn what_cannot_be_steered_is_named() {
    type Case = (&'static [(&'static str, &'static str)], &'static [Code]);
    let cases: [Case; 4] = [
        (
            &[("http_proxy", SQUID), ("https_proxy", SQUID)],
            &[Code::ProxyJava, Code::ProxyBusyboxWget],
        ),
        (&[("http_proxy", "https://squid")], &[Code::ProxyTlsProxy]),
        (
            &[
                ("http_proxy", "a:1"),
                ("https_proxy", "b:1"),
                ("no_proxy", "10.0.0.0/8"),
            ],
            &[Code::ProxyTwoProxies, Code::ProxyAddressBlocks],
        ),
        (&[("grpc_proxy", "socks5://squid")], &[Code::ProxySocks]),
    ];
    for (variables, codes) in cases {
        let found = mend(&environment(variables), &Wishes::default());
        let found: Vec<_> = found.notices.iter().map(Notice::code).collect();
        assert!(
            codes.iter().all(|code| found.contains(code)),
            "{variables:?}: {found:?}"
        );
    }
}

#[test]
fn values_of_any_bytes_are_kept_or_told() {
    let bytes = OsStr::from_bytes(b"http://u:p\xe9@squid:3128");
    let mut environment: Environment = [
        ("http_proxy", bytes),
        ("no_proxy", OsStr::from_bytes(b"a,\xff,b")),
    ]
    .into_iter()
    .collect();
    let found = mend(&environment, &Wishes::default());
    environment.apply(&found.edits);
    assert_eq!(
        environment.text("https_proxy"),
        Some("http://u:p%E9@squid:3128")
    );
    assert_eq!(environment.text("NO_PROXY"), Some(&*format!("{GOOD},a,b")));
    assert!(
        found
            .notices
            .iter()
            .any(|notice| notice.code() == Code::ProxyNotText)
    );
}

/// What each notice says and advises, so that a change of wording is a decision.
#[test]
fn notices_are_one_line_and_end_in_an_action() {
    let variables = [
        ("http_proxy", "http://u:secret@a:1"),
        ("HTTP_PROXY", "socks5://t0ken@b"),
        ("ALL_PROXY", "none"),
        ("PIP_PROXY", "http://u:secret@p"),
        ("CLOUDSDK_PROXY_PASSWORD", "secret"),
        ("NO_PROXY", "*,h:80,*x.y,z.*,10.1,fd00::/8"),
        ("no_proxy", "10.0.0.0/8"),
        ("grpc_proxy", "https://g"),
    ];
    for mode in [Mode::Keep, Mode::Mend, Mode::Bypass] {
        let found = mend(&environment(&variables), &wishes(mode));
        assert!(found.notices.len() > 10, "{found:?}");
        for notice in &found.notices {
            for text in [notice.to_string(), notice.help(), format!("{notice:?}")] {
                assert!(!text.is_empty() && !text.contains('\n'), "{text}");
                assert!(
                    !text.contains("secret") && !text.contains("t0ken"),
                    "{text}"
                );
            }
            assert_eq!(notice.code().group(), "proxy");
        }
    }
}

#[test]
fn modes_are_read_by_name() {
    assert_eq!("bypass".parse(), Ok(Mode::Bypass));
    assert_eq!(
        "Fix".parse::<Mode>(),
        Err("`Fix` is none of mend, bypass, strip and keep".to_owned())
    );
}
