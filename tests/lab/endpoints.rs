//! Checks of hosts against real parties: each way to fail is told apart from all others.

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv6Addr};
use std::path::Path;
use std::time::{Duration, SystemTime};

use rcgen::CertificateParams;
use serde_json::Value;

use crate::dns::Dns;
use crate::job::{Job, Outcome};
use crate::lab::{Lab, NEXUS, PROXY, PUBLIC, names};
use crate::nginx::Serve;
use crate::server::{Ca, Canned, response};
use crate::squid::{CREDENTIALS, Policy};

/// Unavailable, terminated.
const UNAVAILABLE: i32 = 69;
const TERMINATED: i32 = 143;

const MODERN: &str = "TLSv1.2 TLSv1.3";

/// runup without the metadata server, speaking JSON.
fn runup<'a>(lab: &'a Lab, timeout: &str) -> Job<'a> {
    let arguments = [
        "--metadata",
        "off",
        "--log-format",
        "json",
        "--timeout",
        timeout,
    ];
    lab.runup().args(arguments)
}

/// The findings of a run, by what was checked.
fn findings(run: &Outcome) -> BTreeMap<String, Value> {
    run.stderr
        .lines()
        .map(|line| serde_json::from_str::<Value>(line).unwrap_or_else(|_| panic!("{run:#?}")))
        .filter_map(|mut line| {
            let finding = line["finding"].take();
            Some((finding["subject"].as_str()?.to_owned(), finding))
        })
        .filter(|(subject, _)| subject != "proxy variables")
        .collect()
}

/// Wants each URL of `table`, whose finding must have the code (none for `""`) and say the words.
#[track_caller]
fn tells(job: Job<'_>, table: &[(&str, &str, &[&str])]) -> Outcome {
    let job = table
        .iter()
        .fold(job, |job, (url, ..)| job.args(["--want", url]));
    let run = job.arg("true").run();
    assert!(run.status.success(), "{run:#?}");
    let found = findings(&run);
    for (url, code, words) in table {
        let subject = url.split('#').next().unwrap();
        let Some(finding) = found.get(subject) else {
            assert_eq!(*code, "", "{url} passed: {run:#?}");
            continue;
        };
        assert_eq!(finding["code"], **code, "{url}: {finding:#}");
        let said = finding.to_string().to_lowercase();
        for word in *words {
            assert!(said.contains(&word.to_lowercase()), "{word}: {finding:#}");
        }
    }
    run
}

fn hello(_: &str) -> String {
    response("200 OK", &[], "hello\n")
}

#[test]
fn names_that_are_not_resolved_say_whom_was_asked() {
    need!("nft");
    let asked = "name server 127.0.0.53";
    for (dns, is_dropped, code, word) in [
        (
            Dns::Serves(names()),
            false,
            "endpoint/unknown-name",
            "eai_no",
        ),
        (Dns::Refuses, false, "endpoint/resolver", "eai_again"),
        (Dns::Dead, false, "endpoint/resolver", "eai_again"),
        (Dns::Dead, true, "endpoint/resolver", "in time"),
    ] {
        let lab = Lab::with_dns(&dns);
        if is_dropped {
            lab.drop_questions();
        }
        let words: &[&str] = &[asked, word, "gone.corp.example"];
        tells(
            runup(&lab, "2s"),
            &[
                ("dns://gone.corp.example", code, words),
                ("tcp://gone.corp.example:80", code, words),
            ],
        );
    }
}

#[test]
fn a_name_without_an_address_is_told_from_an_unknown_one() {
    let lab = Lab::new();
    let table: &[(&str, &str, &[&str])] = &[
        (
            "dns://empty.corp.example",
            "endpoint/unknown-name",
            &["the name has no address (EAI_NODATA)"],
        ),
        (
            "dns://gone.corp.example",
            "endpoint/unknown-name",
            &["no such name (EAI_NONAME)"],
        ),
    ];
    tells(runup(&lab, "2s"), table);
}

#[test]
fn a_name_server_that_denies_ipv6_names_is_believed_of_ipv4() {
    need!("dnsmasq");
    let lab = Lab::with_dns(&Dns::Denies(names()));
    runup(&lab, "2s")
        .args(["--require", "dns://nexus.corp.example", "true"])
        .run()
        .succeeds();
}

#[test]
fn what_is_wrong_with_tls_is_told_apart() {
    need!("nginx");
    let lab = Lab::new();
    let (ca, other) = (Ca::new("Corp Root"), Ca::new("Stranger Root"));
    let days = |days: i64| {
        let now = SystemTime::now()
            .duration_since(SystemTime::UNIX_EPOCH)
            .unwrap();
        let seconds = i64::try_from(now.as_secs()).unwrap() + days * 86_400;
        // rcgen takes time's type, which only its own functions make here.
        rcgen::date_time_ymd(1970, 1, 1) + Duration::from_secs(seconds.try_into().unwrap())
    };
    let ending =
        |from, to| move |own: &mut CertificateParams| (own.not_before, own.not_after) = (from, to);
    let issue = |from, to| ca.issue(NEXUS.0, ending(days(from), days(to)));
    let tls = |issued| Serve::Tls(issued, MODERN);
    let _nginx = lab.nginx(
        NEXUS,
        &[
            (8443, tls(issue(-1, 90))),
            (8444, tls(issue(-90, -2))),
            (8445, tls(issue(3, 90))),
            (8446, tls(ca.issue("jira.corp.example", |_| {}))),
            (8447, tls(other.issue(NEXUS.0, |_| {}))),
            (8448, tls(issue(-80, 10))),
            (8449, Serve::Tls(issue(-1, 90), "TLSv1")),
            (8081, Serve::Plain),
        ],
    );
    let _silent = lab.http(NEXUS, 8450, |_| String::new());
    let file = lab.file("corp.pem", &ca.pem());
    let run = tells(
        runup(&lab, "5s").arg("--ca-file").arg(&file),
        &[
            ("https://nexus.corp.example:8443/", "", &[]),
            ("tls://nexus.corp.example:8443", "", &[]),
            (
                "https://nexus.corp.example:8444/",
                "tls/expired",
                &["was valid until", "the clock here says"],
            ),
            (
                "https://nexus.corp.example:8445/",
                "tls/not-yet-valid",
                &["is valid from", "the clock here says"],
            ),
            (
                "https://nexus.corp.example:8446/",
                "tls/wrong-name",
                &["`jira.corp.example`", "not for `nexus.corp.example`"],
            ),
            (
                "https://nexus.corp.example:8447/",
                "tls/unknown-issuer",
                &["CN=nexus.corp.example", "CN=Stranger Root", "corp.pem"],
            ),
            (
                "https://nexus.corp.example:8448/",
                "tls/expires-soon",
                &["in 9 days", "warning"],
            ),
            (
                "https://nexus.corp.example:8449/",
                "tls/protocol",
                &["TLS 1.2 and 1.3 were offered"],
            ),
            (
                "https://nexus.corp.example:8081/",
                "tls/plain-http",
                &["plain HTTP"],
            ),
            (
                "http://nexus.corp.example:8443/",
                "endpoint/tls-expected",
                &["400"],
            ),
            ("tls://nexus.corp.example:8081", "tls/plain-http", &[]),
        ],
    );
    // What had worked before stands with the step that failed.
    let found = findings(&run);
    let steps = &found["https://nexus.corp.example:8447/"]["steps"];
    let steps: Vec<_> = steps.as_array().unwrap().iter().collect();
    let phases: Vec<_> = steps
        .iter()
        .map(|step| (&step["phase"], &step["passed"]))
        .collect();
    assert_eq!(
        phases,
        [
            (&Value::from("resolve"), &Value::from(true)),
            (&Value::from("connect"), &Value::from(true)),
            (&Value::from("handshake"), &Value::from(false)),
        ]
    );
    let text = lab
        .runup()
        .args(["--metadata", "off", "--log-format", "text"])
        .args(["--require", "https://nexus.corp.example:8447/", "true"])
        .run();
    text.exits(UNAVAILABLE)
        .says(&["way    resolve ", " → connect ", " → tls ✗"]);
}

#[test]
fn options_on_the_fragment_are_obeyed_and_never_sent() {
    need!("nginx");
    let lab = Lab::new();
    let _nginx = lab.nginx(NEXUS, &[(8081, Serve::Plain)]);
    let canned = lab.http(NEXUS, 8082, hello);
    let url = |path: &str| format!("http://nexus.corp.example:8081{path}");
    for (path, code, words) in [
        ("/redirect", "", &[][..]),
        (
            "/redirect#expect=200",
            "endpoint/status",
            &["302", "Location: https://login.corp.example/"],
        ),
        ("/missing", "", &[]),
        ("/missing#expect=200-399", "endpoint/status", &["404"]),
        ("/missing#expect=200,404", "", &[]),
        (
            "/busy#attempts=2",
            "endpoint/status",
            &["503", "\"attempts\":2"],
        ),
        ("/busy#expect=503", "", &[]),
        ("/#method=HEAD", "", &[]),
        ("/#body=is%20up", "", &[]),
        ("/#body=is%20down&attempts=1", "endpoint/body", &["is down"]),
        ("/guarded#expect=200", "endpoint/status", &["401"]),
        (
            "/guarded#expect=200&header=Authorization:Bearer%20hunter2",
            "",
            &[],
        ),
        (
            "/guarded#expect=204&header=Authorization:Bearer%20hunter2",
            "endpoint/status",
            &["200"],
        ),
    ] {
        let run = tells(runup(&lab, "20s"), &[(&url(path), code, words)]);
        assert!(
            !run.stderr.contains("hunter2") && !run.stderr.contains("state="),
            "{run:#?}"
        );
    }
    let sent = "http://nexus.corp.example:8082/a?b=c#header=X-One:1&header=User-Agent:me";
    tells(runup(&lab, "5s"), &[(sent, "", &[])]);
    let heads = canned.requests();
    let head = heads[0].to_lowercase();
    assert!(head.starts_with("get /a?b=c http/1.1\r\n"), "{head}");
    assert!(
        head.contains("x-one: 1\r\n") && head.contains("user-agent: me\r\n"),
        "{head}"
    );
    let asked_by_head = "http://nexus.corp.example:8082/#method=HEAD";
    tells(runup(&lab, "5s"), &[(asked_by_head, "", &[])]);
    assert!(canned.requests()[1].starts_with("HEAD / HTTP/1.1\r\n"));
    let bad = runup(&lab, "5s")
        .args(["--require", "http://a/#expect=often", "true"])
        .run();
    bad.exits(64).says(&["`often` is no status"]);
}

/// The variables that send everything through `squid`.
fn proxied<'a>(job: Job<'a>, squid: &str) -> Job<'a> {
    job.env("http_proxy", squid).env("https_proxy", squid)
}

#[test]
fn what_the_proxy_says_is_told_from_what_the_host_says() {
    need!("squid");
    let (http, https) = ("http://public.example/", "https://public.example/");
    let check = |squid: &str, lab: &Lab, table: &[(&str, &str, &[&str])]| {
        let run = tells(proxied(runup(lab, "3s"), squid), table);
        assert!(!run.stderr.contains("hunter2"), "{run:#?}");
        run
    };

    let lab = Lab::new();
    let url = {
        let squid = lab.squid(Policy::Deny);
        check(
            &squid.url(),
            &lab,
            &[
                (http, "proxy/denied", &["403", "ERR_ACCESS_DENIED"]),
                (
                    https,
                    "proxy/denied",
                    &["403", "CONNECT public.example:443"],
                ),
                ("proxy://proxy.corp.example:3128", "", &[]),
            ],
        );
        squid.url()
    };
    // It is down now.
    let down: &[&str] = &[
        "the proxy `http://proxy.corp.example:3128`",
        "connection refused",
    ];
    check(
        &url,
        &lab,
        &[
            (http, "proxy/unreachable", down),
            (https, "proxy/unreachable", down),
            ("proxy://proxy.corp.example:3128", "proxy/unreachable", down),
        ],
    );

    let lab = Lab::new();
    let squid = lab.squid(Policy::Authenticate);
    let _public = lab.http(PUBLIC, 80, |_| response("403 Forbidden", &[], ""));
    let with = |credentials: &str| squid.url().replace("//", &format!("//{credentials}@"));
    check(
        &squid.url(),
        &lab,
        &[
            (http, "proxy/authentication", &["407", "names none"]),
            (https, "proxy/authentication", &["407", "names none"]),
            (
                "proxy://proxy.corp.example:3128",
                "proxy/authentication",
                &["407"],
            ),
        ],
    );
    check(
        &with("someone:wrong"),
        &lab,
        &[
            (http, "proxy/authentication", &["407", "does not accept"]),
            (https, "proxy/authentication", &["407", "does not accept"]),
        ],
    );
    // The host's own 403 is an answer; that nothing listens on its port 443 the proxy tells.
    check(
        &with(CREDENTIALS),
        &lab,
        &[
            (http, "", &[]),
            (https, "proxy/cannot-reach", &["503", "ERR_CONNECT_FAIL"]),
            ("proxy://proxy.corp.example:3128", "", &[]),
            ("proxy://public.example:80", "", &[]),
        ],
    );
}

#[test]
fn a_proxy_that_speaks_tls_is_told_from_the_hosts_behind_it() {
    need!("squid");
    let (http, https) = ("http://public.example/", "https://public.example/");
    let proxy = "proxy://proxy.corp.example:3131";
    let lab = Lab::new();
    let ca = Ca::new("Corp Root");
    let file = lab.file("corp.pem", &ca.pem());
    let with_ca = || runup(&lab, "3s").arg("--ca-file").arg(&file);
    let _plain = lab.http(PUBLIC, 80, hello);
    let _tls = lab.https(PUBLIC, 443, ca.serve(PUBLIC.0), hello);
    let url = {
        let squid = lab.squid_with_tls(Policy::Allow, &ca.issue(PROXY.0, |_| {}));
        let url = squid.tls_url();
        tells(
            proxied(with_ca(), &url),
            &[(http, "", &[]), (https, "", &[]), (proxy, "", &[])],
        );
        // TLS in TLS: both hops were agreed with.
        assert!(squid.log().contains("CONNECT public.example:443"));
        let told: &[&str] = &[
            "is behind a proxy that has a certificate of an unknown issuer",
            "the proxy `https://proxy.corp.example:3131`: it presented",
            "Nothing is known about the host",
            "--ca-file",
        ];
        tells(
            proxied(runup(&lab, "30s"), &url),
            &[
                (http, "tls/unknown-issuer", told),
                (https, "tls/unknown-issuer", told),
            ],
        );
        // The variable says TLS, the port does not.
        let wrong = squid.url().replace("http:", "https:");
        let told: &[&str] = &[
            "is behind a proxy that speaks plain HTTP",
            "write http:// in the proxy variable",
        ];
        tells(
            proxied(with_ca(), &wrong),
            &[
                (http, "tls/plain-http", told),
                (https, "tls/plain-http", told),
            ],
        );
        url
    };
    let down: &[&str] = &["the proxy `https://", "connection refused"];
    tells(
        proxied(with_ca(), &url),
        &[
            (http, "proxy/unreachable", down),
            (https, "proxy/unreachable", down),
        ],
    );
    {
        let issued = ca.issue(PROXY.0, |own| {
            own.not_before = rcgen::date_time_ymd(2020, 1, 1);
            own.not_after = rcgen::date_time_ymd(2021, 1, 1);
        });
        let squid = lab.squid_with_tls(Policy::Allow, &issued);
        tells(
            proxied(with_ca(), &squid.tls_url()),
            &[(
                https,
                "tls/expired",
                &["2021-01-01", "proxy team: renew the certificate"],
            )],
        );
    }
    let squid = lab.squid_with_tls(Policy::Authenticate, &ca.issue(PROXY.0, |_| {}));
    let with = |credentials: &str| squid.tls_url().replace("//", &format!("//{credentials}@"));
    let run = tells(
        proxied(with_ca(), &with("someone:wrong")),
        &[(https, "proxy/authentication", &["407", "does not accept"])],
    );
    assert!(!run.stderr.contains("wrong@"), "{run:#?}");
    tells(
        proxied(with_ca(), &with(CREDENTIALS)),
        &[(http, "", &[]), (https, "", &[]), (proxy, "", &[])],
    );
}

#[test]
fn a_proxy_that_is_silent_is_told_from_a_silent_host() {
    need!("squid", "nft");
    let (http, https) = (
        "http://public.example/#timeout=1s",
        "https://public.example/#timeout=1s",
    );
    let lab = Lab::new();
    let squid = lab.squid(Policy::Allow);
    // What is behind the proxy drops the packets: it waits for a minute, and says nothing meanwhile.
    lab.drop_connections(PUBLIC, 80);
    lab.drop_connections(PUBLIC, 443);
    let behind: &[&str] = &[
        "nothing came back",
        "neither reached the host nor refused",
        "`http://proxy.corp.example:3128`",
    ];
    let run = tells(
        proxied(runup(&lab, "3s"), &squid.url()),
        &[
            (http, "proxy/timeout", behind),
            (https, "proxy/timeout", behind),
        ],
    );
    let steps = &findings(&run)["https://public.example/"]["steps"];
    let last = steps.as_array().unwrap().last().unwrap();
    assert_eq!(last["phase"], "tunnel", "{steps:#}");
    // Directly, it is the host that is silent.
    tells(
        runup(&lab, "3s"),
        &[
            (http, "endpoint/timeout", &["203.0.113.5:80 (public)"]),
            (https, "endpoint/timeout", &["203.0.113.5:443 (public)"]),
        ],
    );
    // A tunnel to a host that says nothing is the host's silence, too.
    let _mute = lab.listen(NEXUS.1, 8443);
    tells(
        proxied(runup(&lab, "3s"), &squid.url()),
        &[(
            "https://nexus.corp.example:8443/#timeout=1s",
            "endpoint/no-answer",
            &["while agreeing on TLS"],
        )],
    );
    drop(squid);

    // The proxy takes the connection, and no more.
    let _mute = [3128, 3131].map(|port| lab.listen(PROXY.1, port));
    tells(
        proxied(runup(&lab, "3s"), "http://proxy.corp.example:3128"),
        &[
            (http, "proxy/timeout", &[]),
            (https, "proxy/timeout", &[]),
            (
                "proxy://proxy.corp.example:3128#timeout=1s",
                "proxy/timeout",
                &["CONNECT"],
            ),
        ],
    );
    let told: &[&str] = &["is behind a proxy that did not answer in time"];
    tells(
        proxied(runup(&lab, "3s"), "https://proxy.corp.example:3131"),
        &[
            (http, "proxy/unreachable", told),
            (https, "proxy/unreachable", told),
        ],
    );
}

#[test]
fn the_other_way_is_named_where_it_works() {
    need!("squid", "nft");
    let lab = Lab::new();
    let _nexus = lab.http(NEXUS, 8081, hello);
    let url = "http://nexus.corp.example:8081/";
    {
        let squid = lab.squid(Policy::Deny);
        tells(
            proxied(runup(&lab, "3s"), &squid.url()),
            &[(
                url,
                "proxy/denied",
                &[
                    "asked directly, it answered 200",
                    "--direct nexus.corp.example",
                    "other_way",
                ],
            )],
        );
        let mended = proxied(runup(&lab, "3s"), &squid.url()).args(["--direct", NEXUS.0]);
        tells(mended, &[(url, "", &[])]);
    }
    let squid = lab.squid(Policy::Allow);
    let _public = lab.http(PUBLIC, 80, hello);
    lab.reserve_for_squid(PUBLIC);
    let wrong = proxied(runup(&lab, "2s"), &squid.url()).env("no_proxy", PUBLIC.0);
    tells(
        wrong,
        &[(
            "http://public.example/",
            "endpoint/refused",
            &["through the proxy", "lists `public.example`"],
        )],
    );
}

#[test]
fn firewalls_and_address_families_are_told_apart() {
    need!("nft");
    let only_six: Ipv6Addr = "fd00:1::5".parse().unwrap();
    let mut all = names();
    all.push(("six.corp.example".to_owned(), only_six.into()));
    all.push((
        "far.corp.example".to_owned(),
        "198.51.100.7".parse().unwrap(),
    ));
    let lab = Lab::with_dns(&Dns::Serves(all));
    lab.address(only_six.into());
    let _six = lab.http_at((only_six, 8081).into(), hello);
    lab.drop_connections(NEXUS, 8082);
    lab.reject(NEXUS, 8083, "tcp reset");
    lab.reject(NEXUS, 8084, "icmp type admin-prohibited");
    tells(
        runup(&lab, "2s"),
        &[
            (
                "tcp://nexus.corp.example:8081",
                "endpoint/refused",
                &["10.1.2.3:8081 (private)"],
            ),
            (
                "tcp://nexus.corp.example:8082",
                "endpoint/timeout",
                &["10.1.2.3:8082 (private)", "the address is private"],
            ),
            ("tcp://nexus.corp.example:8083", "endpoint/refused", &[]),
            (
                "tcp://nexus.corp.example:8084",
                "endpoint/unreachable",
                &["private"],
            ),
            (
                "tcp://far.corp.example:80",
                "endpoint/unreachable",
                &["(public)", "the address is public"],
            ),
            ("http://six.corp.example:8081/", "", &[]),
            ("tcp://[fd00:1::5]:8081", "", &[]),
            (
                "tcp://six.corp.example:8082",
                "endpoint/refused",
                &["[fd00:1::5]:8082 (private)"],
            ),
        ],
    );
}

/// A kind of check, and the port of NEXUS that it is made to; what listens on it comes and goes.
struct Kind {
    url: &'static str,
    port: u16,
    /// What a server of another kind leads to, and its finding.
    wrong: Option<(Wrong, &'static str)>,
}

/// A server of another kind.
#[derive(Clone, Copy)]
enum Wrong {
    /// HTTP, which answers 500 to all.
    Failing,
    /// HTTP in place of TLS.
    Plain,
    /// Something that answers at once, and not in HTTP.
    Banner,
}

const KINDS: [Kind; 5] = [
    Kind {
        url: "tcp://nexus.corp.example:8001",
        port: 8001,
        wrong: None,
    },
    Kind {
        url: "tls://nexus.corp.example:8002",
        port: 8002,
        wrong: Some((Wrong::Plain, "tls/plain-http")),
    },
    Kind {
        url: "http://nexus.corp.example:8003/",
        port: 8003,
        wrong: Some((Wrong::Failing, "endpoint/status")),
    },
    Kind {
        url: "https://nexus.corp.example:8004/",
        port: 8004,
        wrong: Some((Wrong::Plain, "tls/plain-http")),
    },
    Kind {
        url: "proxy://nexus.corp.example:8005",
        port: 8005,
        wrong: Some((Wrong::Banner, "endpoint/not-http")),
    },
];

impl Kind {
    /// What it is content with.
    fn serve(&self, lab: &Lab, ca: &Ca) -> Canned {
        match self.url.split(':').next() {
            Some("tls" | "https") => lab.https(NEXUS, self.port, ca.serve(NEXUS.0), hello),
            Some("proxy") => lab.http(NEXUS, self.port, |_| response("403 Forbidden", &[], "")),
            _ => lab.http(NEXUS, self.port, hello),
        }
    }
}

/// Each kind of check in each condition: ready, late, refused, dropped, wrong, for good, at the deadline, ended by TERM; in
/// JSON throughout, so that its form is proven, too.
#[test]
fn every_kind_of_check_conforms() {
    need!("nft");
    let lab = Lab::new();
    let ca = Ca::new("Corp Root");
    let file = lab.file("corp.pem", &ca.pem());
    fn all<'a>(job: Job<'a>, file: &Path) -> Job<'a> {
        KINDS
            .iter()
            .fold(job, |job, kind| job.args(["--require", kind.url]))
            .arg("--ca-file")
            .arg(file)
            .arg("true")
    }
    // A proxy that is not reached has a finding of its own.
    let each = |run: &Outcome, code: &str| {
        let found = findings(run);
        for kind in &KINDS {
            let finding = found
                .get(kind.url)
                .unwrap_or_else(|| panic!("{}: {run:#?}", kind.url));
            let code = if kind.url.starts_with("proxy:") {
                "proxy/unreachable"
            } else {
                code
            };
            assert_eq!(finding["code"], code, "{finding:#}");
            assert_eq!(finding["severity"], "error");
            assert!(finding["attempts"].as_u64() >= Some(1), "{finding:#}");
        }
    };

    // Late: the servers come while it waits; then they are there at once.
    let job = all(runup(&lab, "60s"), &file).start();
    std::thread::sleep(Duration::from_millis(1200));
    let servers: Vec<_> = KINDS.iter().map(|kind| kind.serve(&lab, &ca)).collect();
    job.finish().succeeds();
    let ready = all(runup(&lab, "20s"), &file).run();
    ready.succeeds();
    let last: Value = serde_json::from_str(ready.stderr.lines().last().unwrap()).unwrap();
    let checks = last["checks"].as_array().unwrap();
    let names: Vec<_> = checks
        .iter()
        .filter_map(|check| check["name"].as_str())
        .collect();
    assert!(
        names.ends_with(&KINDS.each_ref().map(|kind| kind.url)),
        "{names:?}"
    );
    for check in checks
        .iter()
        .filter(|check| check["name"].as_str().unwrap().contains("://"))
    {
        assert_eq!(
            (&check["verdict"], &check["attempts"]),
            (&"passed".into(), &1.into()),
            "{check:#}"
        );
        assert!(check["steps"].as_array().unwrap().len() >= 2, "{check:#}");
    }

    // A certificate of nobody known ends it for good; the others that are well stay well.
    // The variable that other clients read does as well as --ca-file.
    let trusting = KINDS
        .iter()
        .fold(runup(&lab, "60s"), |job, kind| {
            job.args(["--require", kind.url])
        })
        .env("SSL_CERT_FILE", &file);
    trusting.arg("true").run().succeeds();
    let distrusting = KINDS
        .iter()
        .fold(runup(&lab, "60s"), |job, kind| {
            job.args(["--require", kind.url])
        })
        .arg("true")
        .run();
    distrusting.exits(UNAVAILABLE);
    let found = findings(&distrusting);
    let codes: Vec<_> = found
        .values()
        .map(|finding| finding["code"].as_str().unwrap())
        .collect();
    assert_eq!(
        codes,
        ["tls/unknown-issuer", "tls/unknown-issuer"],
        "{distrusting:#?}"
    );
    assert!(
        distrusting.elapsed < Duration::from_secs(30),
        "{distrusting:#?}"
    );
    drop(servers);

    // Refused until the deadline, and ended by SIGTERM before it.
    let refused = all(runup(&lab, "2s"), &file).run();
    each(refused.exits(UNAVAILABLE), "endpoint/refused");
    let job = all(runup(&lab, "100s"), &file).start();
    std::thread::sleep(Duration::from_millis(1500));
    job.terminate();
    let ended = job.finish();
    ended
        .exits(TERMINATED)
        .says(&["ended by sigterm", "attempts)"]);
    ended.says(&KINDS.each_ref().map(|kind| kind.url));
    // Each line is JSON, the last one too.
    assert!(findings(&ended).is_empty(), "{ended:#?}");

    // Something else listens.
    let wrong = |kind: &Kind| {
        let (wrong, _) = kind.wrong?;
        let respond: crate::server::Respond = match wrong {
            Wrong::Failing => |_| response("500 Internal Server Error", &[], ""),
            Wrong::Plain => |_| response("400 Bad Request", &[], ""),
            Wrong::Banner => |_| "220 mail.corp.example ESMTP\r\n".to_owned(),
        };
        Some(match wrong {
            Wrong::Failing => lab.http(NEXUS, kind.port, respond),
            Wrong::Plain | Wrong::Banner => lab.blurting(NEXUS, kind.port, respond),
        })
    };
    let servers: Vec<_> = KINDS.iter().filter_map(wrong).collect();
    let run = KINDS
        .iter()
        .fold(runup(&lab, "2s"), |job, kind| {
            job.args(["--want", kind.url])
        })
        .arg("true")
        .run();
    run.succeeds();
    let found = findings(&run);
    for kind in &KINDS {
        if let Some((_, code)) = kind.wrong {
            assert_eq!(found[kind.url]["code"], code, "{run:#?}");
        }
    }
    drop(servers);

    // Dropped until the deadline.
    for kind in &KINDS {
        lab.drop_connections(NEXUS, kind.port);
    }
    let dropped = all(runup(&lab, "2s"), &file).run();
    each(dropped.exits(UNAVAILABLE), "endpoint/timeout");
    // SIGTERM ends attempts that hang, too.
    let job = all(runup(&lab, "100s"), &file).start();
    std::thread::sleep(Duration::from_millis(1500));
    job.terminate();
    let ended = job.finish();
    ended.exits(TERMINATED).says(&["ended by sigterm"]);
    ended.says(&KINDS.each_ref().map(|kind| kind.url));
    assert!(ended.elapsed < Duration::from_secs(30), "{ended:#?}");
}

/// What does not heal ends each kind of check at once, long before the deadline; `attempts` ends those that might.
#[test]
fn every_kind_of_check_can_fail_for_good() {
    let lab = Lab::new();
    let ca = Ca::new("Corp Root");
    let missing = |_: &str| response("404 Not Found", &[], "");
    let wants = |_: &str| response("407 Proxy Authentication Required", &[], "");
    let _http = lab.http(NEXUS, 8003, missing);
    let _tls = lab.https(NEXUS, 8002, ca.serve(NEXUS.0), hello);
    let _proxy = lab.http(NEXUS, 8005, wants);
    for (url, code, attempts, exit) in [
        (
            "tcp://nexus.corp.example:8001#attempts=2",
            "endpoint/refused",
            2,
            69,
        ),
        (
            "dns://gone.corp.example#attempts=2",
            "endpoint/unknown-name",
            2,
            69,
        ),
        ("tls://nexus.corp.example:8002", "tls/unknown-issuer", 1, 69),
        (
            "https://nexus.corp.example:8002/",
            "tls/unknown-issuer",
            1,
            69,
        ),
        (
            "http://nexus.corp.example:8003/#expect=200",
            "endpoint/status",
            1,
            69,
        ),
        (
            "proxy://nexus.corp.example:8005",
            "proxy/authentication",
            1,
            77,
        ),
    ] {
        let run = runup(&lab, "100s").args(["--require", url, "true"]).run();
        run.exits(exit);
        assert!(run.elapsed < Duration::from_secs(30), "{run:#?}");
        let found = findings(&run);
        let finding = &found[url.split('#').next().unwrap()];
        assert_eq!(finding["code"], code, "{finding:#}");
        assert_eq!(finding["attempts"], attempts, "{finding:#}");
    }
}

/// The rows of the matrix for `dns://`: late, refused, dropped, wrong, at the deadline, ended by TERM.
#[test]
fn names_are_waited_for_until_the_deadline_and_told_of_early() {
    need!("nft");
    let url = "dns://nexus.corp.example";
    let pause = || std::thread::sleep(Duration::from_millis(1500));
    let ended_by_term = |lab: &Lab, url: &str| {
        let job = runup(lab, "100s").args(["--require", url, "true"]).start();
        pause();
        job.terminate();
        let ended = job.finish();
        ended.exits(TERMINATED).says(&["ended by sigterm", url]);
        assert!(findings(&ended).is_empty(), "{ended:#?}");
    };

    // The name server is late.
    let lab = Lab::with_dns(&Dns::Dead);
    ended_by_term(&lab, url);
    let job = runup(&lab, "60s").args(["--require", url, "true"]).start();
    pause();
    let _dns = lab.start_dns(&Dns::Serves(names()));
    job.finish().succeeds();
    runup(&lab, "60s")
        .args(["--require", url, "true"])
        .run()
        .succeeds();

    // It knows no such name: that is told early, and the name waited for to the end.
    let late = "dns://late.corp.example";
    let run = runup(&lab, "4s").args(["--require", late, "true"]).run();
    run.exits(UNAVAILABLE);
    assert!(run.elapsed > Duration::from_secs(3), "{run:#?}");
    let told: Vec<Value> = run
        .stderr
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    assert_eq!(
        told[0]["waiting"][0]["reason"], "is not known to DNS",
        "{told:#?}"
    );
    assert_eq!(findings(&run)[late]["code"], "endpoint/unknown-name");
    ended_by_term(&lab, late);

    // It comes after all, by /etc/hosts, which is told of.
    let job = runup(&lab, "60s").args(["--require", late, "true"]).start();
    pause();
    lab.list_in_hosts("late.corp.example", NEXUS.1.into());
    job.finish().succeeds();
    tells(
        runup(&lab, "2s"),
        &[(
            "tcp://late.corp.example:9",
            "endpoint/refused",
            &["10.1.2.3:9 (private, by /etc/hosts)"],
        )],
    );

    // Nobody hears the question.
    lab.drop_questions();
    ended_by_term(&lab, url);
}

#[test]
fn every_address_of_a_name_is_tried() {
    need!("nft");
    let six: Ipv6Addr = "fd00:1::6".parse().unwrap();
    let both = "both.corp.example".to_owned();
    let mut all = names();
    all.extend([(both.clone(), six.into()), (both, NEXUS.1.into())]);
    let lab = Lab::with_dns(&Dns::Serves(all));
    lab.address(six.into());
    // One family leads nowhere: the other answers within the same attempt.
    for (dead, alive, port) in [
        (IpAddr::from(six), IpAddr::from(NEXUS.1), 8081),
        (NEXUS.1.into(), six.into(), 8082),
    ] {
        let _server = lab.http_at((alive, port).into(), hello);
        lab.drop_connections_to(dead, port);
        let url = format!("http://both.corp.example:{port}/#attempts=1");
        runup(&lab, "20s")
            .args(["--require", &url, "true"])
            .run()
            .succeeds();
    }
    let addresses: &[&str] = &["10.1.2.3:8083 (private)", "[fd00:1::6]:8083 (private)"];
    tells(
        runup(&lab, "2s"),
        &[(
            "tcp://both.corp.example:8083",
            "endpoint/refused",
            addresses,
        )],
    );
    // Refused by one, silent the other: what tells more is said, and both are named.
    lab.drop_connections_to(six.into(), 8084);
    tells(
        runup(&lab, "2s"),
        &[(
            "tcp://both.corp.example:8084",
            "endpoint/timeout",
            &["10.1.2.3:8084 (private)", "[fd00:1::6]:8084 (private)"],
        )],
    );
}
