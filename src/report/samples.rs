//! Recorded outcomes, and what each form makes of them.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use serde_json::Value;

use super::{Format, Job, Report};
use crate::check::api::Api;
use crate::check::command::{CommandFault, Kind, Runnable};
use crate::check::endpoint::{OtherWay, Reached};
use crate::check::metadata::Proven;
use crate::check::permission::{Denial, Fault, Permissions};
use crate::check::{Check, Evidence, Subject};
use crate::cli::{Need, OnFailure};
use crate::environment::{Edit, Environment, proxy};
use crate::failure::{CertificateFault, Failure, FailureKind, Phase};
use crate::finding::code::Code;
use crate::finding::policy::Policy;
use crate::finding::{self, Circumstances};
use crate::metadata::client::{Proof, Wishes};
use crate::metadata::verdict;
use crate::net::trace::{Step, Trace};
use crate::preflight::Outcome;
use crate::run::preparing::findings;

/// A report, but of a version that does not change.
fn rendered(report: &Report, format: Format) -> String {
    let own = concat!("\"runup\": \"", env!("CARGO_PKG_VERSION"), "\"");
    let text = report.render(format, false);
    text.replace(own, "\"runup\": \"1.2.3\"")
}

/// All of them, by name.
fn all() -> [(&'static str, Report); 7] {
    [
        ("success", success()),
        ("interception", interception()),
        ("failures", failures()),
        ("warnings", warnings()),
        ("proxies", proxies()),
        ("google", google()),
        ("nothing", nothing()),
    ]
}

#[test]
fn every_form_of_every_outcome() {
    for (name, report) in all() {
        for (form, format) in [
            ("text", Format::Text),
            ("json", Format::Json),
            ("mermaid", Format::Mermaid),
            ("junit", Format::Junit),
        ] {
            let text = rendered(&report, format);
            assert!(text.ends_with('\n') && !text.ends_with("\n\n"), "{text}");
            assert!(!text.lines().any(|line| line.ends_with(' ')), "{text}");
            assert!(!text.contains("hunter2"), "{text}");
            insta::assert_snapshot!(format!("{name}_{form}"), text);
        }
    }
}

#[test]
fn the_examples_of_the_documentation_are_these() {
    let page = include_str!("../../docs/report.md");
    for (fence, format, report) in [
        ("text", Format::Text, interception()),
        ("json", Format::Json, nothing()),
        ("mermaid", Format::Mermaid, proxies()),
        ("xml", Format::Junit, interception()),
    ] {
        let example = format!("```{fence}\n{}```\n", rendered(&report, format));
        assert!(page.contains(&example), "docs/report.md lacks:\n{example}");
    }
}

#[test]
fn colours_add_nothing_but_colours() {
    for (_, report) in all() {
        let plain = report.render(Format::Text, false);
        let colored = report.render(Format::Text, true);
        assert_ne!(plain, colored);
        let mut without = String::new();
        for (index, part) in colored.split("\u{1b}[").enumerate() {
            let part = match index {
                0 => part,
                _ => part.split_once('m').unwrap().1,
            };
            without.push_str(part);
        }
        assert_eq!(plain, without);
    }
}

#[test]
fn the_schema_fits_and_refuses() {
    let schema = include_str!("../../docs/report.schema.json");
    let mut compiler = boon::Compiler::new();
    compiler.set_default_draft(boon::Draft::V2020_12);
    let mut schemas = boon::Schemas::new();
    compiler
        .add_resource("report.json", serde_json::from_str(schema).unwrap())
        .unwrap();
    let schema = compiler.compile("report.json", &mut schemas).unwrap();
    for (name, report) in all() {
        let json: Value = serde_json::from_str(&report.render(Format::Json, false)).unwrap();
        if let Err(error) = schemas.validate(&json, schema) {
            panic!("{name}: {error}");
        }
        for (spoil, pointer) in [
            ("a stranger", ""),
            ("a stranger", "/job"),
            ("a stranger", "/counts"),
            ("a stranger", "/checks/0"),
            ("a stranger", "/edits/0"),
            ("a stranger", "/findings/0"),
        ] {
            let mut spoilt = json.clone();
            if let Some(object) = spoilt.pointer_mut(pointer) {
                object[spoil] = 1.into();
                assert!(
                    schemas.validate(&spoilt, schema).is_err(),
                    "{name}{pointer}"
                );
            }
        }
        for field in ["schema", "version", "ready", "exit", "checks", "findings"] {
            let mut spoilt = json.clone();
            spoilt.as_object_mut().unwrap().remove(field);
            assert!(
                schemas.validate(&spoilt, schema).is_err(),
                "{name}: {field}"
            );
            spoilt[field] = Value::Null;
            assert!(
                schemas.validate(&spoilt, schema).is_err(),
                "{name}: {field}"
            );
        }
    }
}

#[test]
fn test_results_are_sound_xml_that_agrees_with_the_exit_code() {
    for (name, report) in all() {
        let xml = report.render(Format::Junit, false);
        let document = roxmltree::Document::parse(&xml).unwrap();
        let suite = document.root_element().first_element_child().unwrap();
        let count = |tag: &str| {
            let found = suite.descendants().filter(|own| own.has_tag_name(tag));
            found.count().to_string()
        };
        for (attribute, tag) in [
            ("tests", "testcase"),
            ("failures", "failure"),
            ("skipped", "skipped"),
        ] {
            assert_eq!(suite.attribute(attribute), Some(&*count(tag)), "{name}");
        }
        assert_eq!(
            report.exit_code().is_some(),
            count("failure") != "0",
            "{name}"
        );
    }
}

#[test]
fn last_words_are_short_and_end_at_a_line() {
    let report = failures();
    let whole = report.last_words(usize::MAX);
    assert!(
        whole.starts_with("not ready: 4 required checks failed"),
        "{whole}"
    );
    assert!(whole.contains("\n  code   tls/unknown-issuer "), "{whole}");
    for most in [0, 3, 10, 100, 1000, 4096] {
        let words = report.last_words(most);
        assert!(words.len() <= most.max("…\n".len()), "{most}: {words}");
        assert!(words.ends_with('\n'), "{most}: {words}");
    }
    assert!(whole.starts_with(report.last_words(1000).trim_end_matches("…\n")));
}

fn milliseconds(count: u64) -> Duration {
    Duration::from_millis(count)
}

fn step(phase: Phase, hop: &str, took: u64, passed: bool) -> Step {
    Step {
        phase,
        hop: format!("`{hop}`"),
        took: Duration::from_micros(took),
        passed,
    }
}

fn outcome(subject: Subject, need: Need, took: u64, result: Result<Evidence, Failure>) -> Outcome {
    Outcome {
        check: Check { subject, need },
        attempts: 1,
        took: Duration::from_micros(took),
        result,
        other_way: None,
    }
}

fn command() -> Outcome {
    let runnable = Runnable {
        path: PathBuf::from("./a.sh"),
        kind: Kind::Script {
            interpreter: PathBuf::from("/bin/sh"),
            argument: None,
        },
    };
    let subject = Subject::Command("./a.sh".into());
    outcome(subject, Need::Require, 84, Ok(Evidence::Command(runnable)))
}

fn server() -> Subject {
    Subject::Metadata {
        chosen: None,
        expected: None,
        wishes: Wishes::default(),
    }
}

fn metadata(name_failure: Option<Failure>) -> Outcome {
    let account = r#"{"email": "mgmt@myproject.iam.gserviceaccount.com", "scopes": []}"#;
    let token = r#"{"access_token": "hunter2", "expires_in": 3599, "token_type": "Bearer"}"#;
    let proven = Proven {
        proof: Proof {
            account: verdict::account(account).unwrap(),
            token: verdict::token(token).unwrap(),
            project: "myproject".to_owned(),
            place: Some("projects/1/regions/europe-west1".to_owned()),
            server: None,
            ahead: None,
            universe: None,
            identity: None,
        },
        name_failure,
    };
    let evidence = Evidence::Metadata(Arc::new(proven));
    outcome(server(), Need::Require, 2130, Ok(evidence))
}

/// An endpoint with the steps up to `phase`.
fn trace(host: &str, address: &str, proxy: Option<&str>, phases: &[Phase], passed: bool) -> Trace {
    let steps = phases.iter().enumerate();
    Trace {
        steps: steps
            .map(|(index, phase)| {
                let took = 700 + 400 * index as u64;
                step(*phase, host, took, passed || index + 1 < phases.len())
            })
            .collect(),
        addresses: match phases.contains(&Phase::Connect) {
            true => vec![address.parse().unwrap()],
            false => Vec::new(),
        },
        proxy: proxy.map(str::to_owned),
    }
}

fn reached(url: &str, trace: Trace, status: Option<u16>) -> Outcome {
    let reached = Reached {
        trace,
        status,
        redirect: None,
        ..Reached::default()
    };
    let subject = Subject::Endpoint(url.parse().unwrap());
    let evidence = Evidence::Endpoint(Box::new(reached));
    outcome(subject, Need::Require, 8400, Ok(evidence))
}

fn missed(url: &str, trace: Trace, kind: FailureKind, saw: &str) -> Outcome {
    let phase = trace.steps.last().map_or(Phase::Local, |step| step.phase);
    let failure = Failure::new(phase, kind, saw).with(trace);
    let subject = Subject::Endpoint(url.parse().unwrap());
    outcome(subject, Need::Require, 12_400, Err(failure))
}

fn edits() -> Vec<Edit> {
    let set = |variable: &str, before: Option<&str>, after: Option<&str>, why: &str| Edit {
        variable: variable.to_owned(),
        before: before.map(Into::into),
        after: after.map(Into::into),
        why: why.to_owned(),
    };
    vec![
        set(
            "NO_PROXY",
            Some("nexus.corp.example"),
            Some("localhost,127.0.0.1,metadata.google.internal,169.254.169.254,nexus.corp.example"),
            "the metadata server is never asked through a proxy",
        ),
        set(
            "CLOUDSDK_PROXY_PASSWORD",
            Some("hunter2"),
            None,
            "gcloud would ignore NO_PROXY",
        ),
        set(
            "GOOGLE_CLOUD_PROJECT",
            None,
            Some("myproject"),
            "the metadata server says so",
        ),
    ]
}

fn report(outcomes: Vec<Outcome>, policy: &Policy) -> Report {
    let circumstances = Circumstances::default();
    let (findings, ignored) = policy.apply(findings(&outcomes, &circumstances));
    // The longest, and what comes before and after.
    let longest = outcomes.iter().map(|outcome| outcome.took).max();
    Report {
        job: Job {
            name: Some("nightly".to_owned()),
            execution: Some("nightly-x7k2p".to_owned()),
            task: Some(3),
            tasks: Some(10),
            attempt: Some(1),
        },
        command: Some("./a.sh -e env -c component".to_owned()),
        outcomes,
        findings,
        ignored,
        edits: Vec::new(),
        took: longest.unwrap_or_default() + Duration::from_micros(917),
    }
}

use Phase::{Connect, Handshake, Request, Resolve, Response, Tunnel};

/// All is well: an internal host by the VPC, a public one by the proxy.
fn success() -> Report {
    let outcomes = vec![
        command(),
        metadata(None),
        reached(
            "https://nexus.corp.example:8443/",
            trace(
                "nexus.corp.example",
                "10.1.2.3",
                None,
                &[Resolve, Connect, Handshake, Request],
                true,
            ),
            Some(200),
        ),
        reached(
            "https://github.com/",
            trace(
                "github.com:443",
                "10.9.9.9",
                Some("http://squid.corp.example:3128"),
                &[Resolve, Connect, Tunnel, Handshake, Request],
                true,
            ),
            Some(200),
        ),
    ];
    Report {
        edits: edits(),
        ..report(outcomes, &Policy::default())
    }
}

/// A Squid in the metadata server's place.
fn interception() -> Report {
    let kind = FailureKind::Intercepted {
        by: "squid/5.7".to_owned(),
    };
    let saw = "`metadata.google.internal`, asked directly: 403; Server: squid/5.7; X-Squid-Error: ERR_ACCESS_DENIED 0";
    let failure = Failure::new(Response, kind, saw);
    let outcomes = vec![
        command(),
        outcome(server(), Need::Require, 3100, Err(failure)),
    ];
    report(outcomes, &Policy::default())
}

/// One failure at each hop, and letters that mean something to each form.
fn failures() -> Report {
    let mut refused = missed(
        "tcp://nexus.corp.example:8081",
        trace(
            "nexus.corp.example",
            "10.1.2.3",
            None,
            &[Resolve, Connect],
            false,
        ),
        FailureKind::Refused,
        "10.1.2.3 port 8081: connection refused",
    );
    (refused.attempts, refused.took) = (17, milliseconds(119_400));
    let mut unknown = missed(
        "dns://jira.corp.example",
        trace("jira.corp.example", "::1", None, &[Resolve], false),
        FailureKind::NameUnknown,
        "no address for `jira.corp.example` (EAI_NONAME)",
    );
    (unknown.attempts, unknown.took) = (21, milliseconds(120_000));
    let outcomes = vec![
        command(),
        metadata(None),
        refused,
        unknown,
        missed(
            "https://git.corp.example/?q=%22x%22&a=[1]",
            trace(
                "git.corp.example",
                "10.1.2.4",
                None,
                &[Resolve, Connect, Handshake],
                false,
            ),
            FailureKind::Certificate(CertificateFault::UnknownIssuer),
            "`CN=git \"<&>\"\u{1}`, signed by `Corp_Root #1 [*]`",
        ),
        outcome(
            Subject::Variable("TARGET_`ENV`".to_owned()),
            Need::Require,
            2,
            Err(Failure::new(
                Phase::Local,
                FailureKind::VariableMissing("TARGET_`ENV`".to_owned()),
                "is not set, or empty",
            )),
        ),
    ];
    report(outcomes, &Policy::default())
}

/// What warns, what is ignored, and a name that leads nowhere.
fn warnings() -> Report {
    let mut wanted = missed(
        "tcp://cache.corp.example:6379",
        trace(
            "cache.corp.example",
            "10.1.2.9",
            None,
            &[Resolve, Connect],
            false,
        ),
        FailureKind::TimedOut,
        "nothing came back from `cache.corp.example` in time, while connecting",
    );
    wanted.check.need = Need::Want;
    let name = Failure::new(
        Resolve,
        FailureKind::ResolverFailed,
        "`metadata.google.internal`, asked directly: the name server did not answer (EAI_AGAIN)",
    );
    let outcomes = vec![
        command(),
        metadata(Some(name)),
        wanted,
        missed(
            "https://old.corp.example/",
            trace(
                "old.corp.example",
                "203.0.113.7",
                None,
                &[Resolve, Connect, Handshake],
                false,
            ),
            FailureKind::Certificate(CertificateFault::Expired),
            "`CN=old` is valid until 2026-01-01",
        ),
    ];
    let policy = Policy {
        on_failure: OnFailure::Abort,
        is_strict: false,
        ignored: vec![Code::TlsExpired],
    };
    let mut report = report(outcomes, &policy);
    let found: Environment = [
        ("CLOUDSDK_PROXY_ADDRESS", "squid.corp.example"),
        ("CLOUDSDK_PROXY_PASSWORD", "hunter2"),
    ]
    .into_iter()
    .collect();
    let mended = proxy::mend(&found, &proxy::Wishes::default());
    let (mut all, _) = policy.apply(mended.notices.iter().map(finding::of_notice).collect());
    all.append(&mut report.findings);
    Report {
        findings: all,
        edits: mended.edits,
        ..report
    }
}

/// Proxies: one that denies, one that is not there, one that was the wrong way; under --strict.
fn proxies() -> Report {
    const SQUID: &str = "http://squid.corp.example:3128";
    let mut wrong_way = missed(
        "https://nexus.corp.example/",
        trace(
            "nexus.corp.example:443",
            "10.9.9.9",
            Some(SQUID),
            &[Resolve, Connect, Tunnel],
            false,
        ),
        FailureKind::ProxyCannotReach(503),
        "503 to CONNECT nexus.corp.example:443; X-Squid-Error: ERR_DNS_FAIL 0",
    );
    wrong_way.other_way = Some(OtherWay {
        proxy: None,
        because: "https_proxy".to_owned(),
        host: "nexus.corp.example".to_owned(),
        status: Some(200),
        took: milliseconds(9),
    });
    let mut unreachable = missed(
        "http://mirror.example/",
        trace(
            "old-squid.corp.example:8080",
            "10.9.9.8",
            Some("http://old-squid.corp.example:8080"),
            &[Resolve, Connect],
            false,
        ),
        FailureKind::ProxyUnreachable(Box::new(FailureKind::TimedOut)),
        "nothing came back from `old-squid.corp.example:8080` in time, while connecting",
    );
    unreachable.check.need = Need::Want;
    let outcomes = vec![
        command(),
        metadata(None),
        reached(
            "https://github.com/",
            trace(
                "github.com:443",
                "10.9.9.9",
                Some(SQUID),
                &[Resolve, Connect, Tunnel, Handshake, Request],
                true,
            ),
            Some(301),
        ),
        missed(
            "https://public.example/",
            trace(
                "public.example:443",
                "10.9.9.9",
                Some(SQUID),
                &[Resolve, Connect, Tunnel],
                false,
            ),
            FailureKind::ProxyDenied(403),
            "403 to CONNECT public.example:443; X-Squid-Error: ERR_ACCESS_DENIED 0",
        ),
        wrong_way,
        unreachable,
    ];
    let policy = Policy {
        is_strict: true,
        ..Policy::default()
    };
    report(outcomes, &policy)
}

/// No command but one that is missing, and no metadata server asked.
/// What Google's side gives: an API, a permission that is missing, and one that was not asked for.
fn google() -> Report {
    let environment = Environment::default();
    let api = Api::new(&"compute.googleapis.com".parse().unwrap(), &environment).unwrap();
    let trace = trace(
        "compute.googleapis.com",
        "199.36.153.8",
        None,
        &[
            Phase::Resolve,
            Phase::Connect,
            Phase::Handshake,
            Phase::Request,
        ],
        true,
    );
    let reached = Reached {
        trace: trace.clone(),
        status: Some(204),
        ..Reached::default()
    };
    let api = Subject::Api(api);
    let permissions = |name: &str| {
        let own = Permissions::new(&[name.parse().unwrap()], &environment, false).unwrap();
        Subject::Permissions(own)
    };
    let denial = Denial {
        fault: Fault::Missing(vec!["run.jobs.run".to_owned()]),
        account: "mgmt@myproject.iam.gserviceaccount.com".to_owned(),
        project: "myproject".to_owned(),
    };
    let kind = FailureKind::Permission(Box::new(denial));
    let missing = Failure::new(Phase::Response, kind, "200").with(trace);
    let skipped = Evidence::Skipped("the metadata server gave no token to ask with".to_owned());
    let held = Evidence::Permissions {
        count: 2,
        reached: Box::new(reached.clone()),
    };
    let outcomes = vec![
        metadata(None),
        outcome(
            api,
            Need::Require,
            9100,
            Ok(Evidence::Endpoint(Box::new(reached))),
        ),
        outcome(
            permissions("run.jobs.run"),
            Need::Require,
            52_000,
            Err(missing),
        ),
        outcome(permissions("run.jobs.get"), Need::Require, 0, Ok(skipped)),
        outcome(permissions("run.jobs.get"), Need::Require, 48_000, Ok(held)),
    ];
    report(outcomes, &Policy::default())
}

fn nothing() -> Report {
    let fault = CommandFault::NotFound {
        name: PathBuf::from("./b.sh"),
        searched: Vec::new(),
        cwd: PathBuf::from("/app"),
        dangling: None,
        near: Some(PathBuf::from("./a.sh")),
    };
    let kind = FailureKind::Command(Box::new(fault));
    let saw = kind.in_short();
    let outcomes = vec![outcome(
        Subject::Command("./b.sh".into()),
        Need::Require,
        31,
        Err(Failure::new(Phase::Local, kind, saw)),
    )];
    Report {
        job: Job::default(),
        command: Some("./b.sh".to_owned()),
        ..report(outcomes, &Policy::default())
    }
}
