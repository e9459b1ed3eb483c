//! `--require-permission` and `--require-api` by the way that a job's clients take; and that what the pages of `adc/…` say
//! of clients is so.

use std::net::Ipv4Addr;

use serde_json::Value;

use crate::dns::Dns;
use crate::job::Outcome;
use crate::lab::{GCLOUD_TOKEN, Host, Lab, NEXUS, names};
use crate::server::{Ca, response};
use crate::squid::Policy;
use crate::tools;

/// Google's Resource Manager, on the internet.
const MANAGER: Host = (
    "cloudresourcemanager.googleapis.com",
    Ipv4Addr::new(203, 0, 113, 90),
);

/// The findings of a run that speaks JSON.
fn findings(run: &Outcome) -> Vec<Value> {
    run.stderr
        .lines()
        .filter_map(|line| {
            let line: Value = serde_json::from_str(line).unwrap_or_else(|_| panic!("{run:#?}"));
            line.get("finding").cloned()
        })
        .collect()
}

fn lab(more: &[Host]) -> Lab {
    let more = more
        .iter()
        .map(|(name, ip)| ((*name).to_owned(), (*ip).into()));
    Lab::with_dns(&Dns::Serves(names().into_iter().chain(more).collect()))
}

#[test]
fn permissions_are_asked_for_through_the_proxy_and_by_tls() {
    need!("squid");
    let lab = lab(&[MANAGER]);
    lab.address(MANAGER.1.into());
    let ca = Ca::new("Corp Root");
    let manager = lab.https(MANAGER, 443, ca.serve(MANAGER.0), |_| {
        let body = r#"{"permissions": ["run.jobs.run"]}"#;
        response("200 OK", &["Content-Type: application/json"], body)
    });
    let file = lab.file("corp.pem", &ca.pem());
    let metadata = lab.metadata();
    for (policy, code, exit) in [
        (Policy::Allow, "permission/missing", 77),
        (Policy::Deny, "proxy/denied", 77),
    ] {
        let squid = lab.squid(policy);
        let run = lab
            .runup()
            .env("https_proxy", squid.url())
            .env("http_proxy", squid.url())
            .args(["--log-format", "json", "--ca-file"])
            .arg(&file)
            .args(["--require-permission", "run.jobs.run"])
            .args(["--require-permission", "storage.objects.get"])
            .arg("true")
            .run();
        run.exits(exit);
        let found = findings(&run);
        let finding = found
            .iter()
            .find(|finding| finding["severity"] == "error")
            .unwrap_or_else(|| panic!("{run:#?}"));
        assert_eq!(finding["code"], code, "{finding:#}");
        assert!(squid.log().contains("CONNECT"), "{}", squid.log());
        if code == "permission/missing" {
            let help = finding["help"].to_string();
            assert!(help.contains("--role=roles/storage.objectViewer"), "{help}");
            assert!(!help.contains("run.jobsExecutor"), "{help}");
        }
        assert!(!run.stderr.contains(metadata.token()), "{run:#?}");
    }
    // Through the proxy once; the second time past it, to see whether that works, and without a token.
    let requests = manager.requests();
    let asked: Vec<&String> = requests
        .iter()
        .filter(|head| head.starts_with("POST "))
        .collect();
    assert_eq!(asked.len(), 1, "{requests:#?}");
    assert!(asked[0].starts_with("POST /v3/projects/emulated:testIamPermissions "));
    assert!(asked[0].contains(metadata.token()));
    let others = requests.iter().filter(|head| !head.starts_with("POST "));
    for head in others {
        assert!(!head.contains(metadata.token()), "{head}");
    }
}

#[test]
fn an_api_that_is_not_reached_is_told_by_its_address() {
    need!();
    let lab = lab(&[
        ("compute.googleapis.com", Ipv4Addr::new(199, 36, 153, 8)),
        ("storage.googleapis.com", Ipv4Addr::new(199, 36, 153, 5)),
        ("sqladmin.googleapis.com", NEXUS.1),
        ("run.googleapis.com", Ipv4Addr::new(203, 0, 113, 91)),
    ]);
    let table = [
        (
            "compute",
            "api/unreachable",
            "private.googleapis.com (199.36.153.8/30)",
        ),
        (
            "storage",
            "api/unreachable",
            "restricted.googleapis.com (199.36.153.4/30)",
        ),
        ("sqladmin", "api/unreachable", "Private Service Connect"),
        ("run", "api/unreachable", "Cloud NAT"),
        ("logging", "api/unknown-name", "private zone"),
    ];
    let job = lab.runup().args(["--metadata", "off", "--timeout", "1s"]);
    let job = table.iter().fold(job, |job, (api, ..)| {
        job.args(["--require-api", &format!("{api}.googleapis.com")])
    });
    let run = job.args(["--log-format", "json", "true"]).run();
    run.exits(69);
    let found = findings(&run);
    for (api, code, says) in table {
        let host = format!("{api}.googleapis.com");
        let finding = found.iter().find(|finding| finding["subject"] == *host);
        let finding = finding.unwrap_or_else(|| panic!("{api}: {run:#?}"));
        assert_eq!(finding["code"], code, "{finding:#}");
        assert!(finding.to_string().contains(says), "{says}: {finding:#}");
    }
}

#[test]
fn an_api_answers_by_tls() {
    need!();
    let host: Host = ("compute.googleapis.com", Ipv4Addr::new(203, 0, 113, 92));
    let lab = lab(&[host]);
    lab.address(host.1.into());
    let ca = Ca::new("Corp Root");
    let api = lab.https(host, 443, ca.serve(host.0), |_| {
        response("204 No Content", &[], "")
    });
    let file = lab.file("corp.pem", &ca.pem());
    let run = lab
        .runup()
        .args(["--metadata", "off", "--require-api", host.0, "--ca-file"])
        .arg(&file)
        .arg("true")
        .run();
    run.exits(0);
    assert_eq!(api.requests().len(), 1);
    // Without the CA it proves nothing.
    let run = lab
        .runup()
        .args([
            "--metadata",
            "off",
            "--require-api",
            host.0,
            "--log-format",
            "json",
        ])
        .arg("true")
        .run();
    run.exits(69);
    assert_eq!(findings(&run)[0]["code"], "tls/unknown-issuer");
}

/// What the findings and pages of `adc/…` say of gcloud.
#[test]
fn gcloud_does_what_the_traps_say() {
    need!("gcloud");
    let lab = lab(&[]);
    let metadata = lab.metadata();
    let token = |name: &str, value: &str| {
        let run = lab.gcloud_token().env(name, value).run();
        (
            run.status.success(),
            run.stdout.trim().to_owned(),
            run.stderr,
        )
    };
    let plain = lab.job("gcloud").args(GCLOUD_TOKEN).run();
    assert_eq!(plain.stdout.trim(), metadata.token(), "{plain:#?}");

    let (works, said, _) = token("CLOUDSDK_AUTH_ACCESS_TOKEN", "left-over");
    assert_eq!((works, said.as_str()), (true, "left-over"));

    let (works, _, why) = token("CLOUDSDK_CORE_ACCOUNT", "old@corp.example");
    assert!(
        !works && why.contains("does not have any valid credentials"),
        "{why}"
    );

    let (works, _, why) = token("CLOUDSDK_CORE_CHECK_GCE_METADATA", "false");
    assert!(!works, "{why}");

    // Each of which runup tells before.
    for (name, code) in [
        ("CLOUDSDK_AUTH_ACCESS_TOKEN", "adc/access-token"),
        ("CLOUDSDK_CORE_ACCOUNT", "adc/gcloud-account"),
    ] {
        let run = lab
            .runup()
            .env(name, "old@corp.example")
            .args(["--log-format", "json", "true"])
            .run();
        run.exits(0);
        assert_eq!(findings(&run)[0]["code"], code, "{run:#?}");
    }
}

/// The same of Google's libraries for Python and Node.
#[test]
fn libraries_do_what_the_traps_say() {
    need!("google-auth", "google-auth-library");
    let lab = lab(&[]);
    let metadata = lab.metadata();
    let (python, node) = (tools::python_token(), tools::node_token());
    let of_client = |client: &[String], settings: &[(&str, &str)]| {
        let job = lab.job(&client[0]).args(&client[1..]);
        let job = settings
            .iter()
            .fold(job, |job, (name, value)| job.env(name, *value));
        job.run()
    };
    for client in [&python, &node] {
        assert_eq!(of_client(client, &[]).succeeds(), metadata.token());
    }
    for (client, name, value) in [
        (&node, "METADATA_SERVER_DETECTION", "none"),
        (&node, "METADATA_SERVER_DETECTION", "perhaps"),
        (&python, "NO_GCE_CHECK", "true"),
        (&python, "GCE_METADATA_TIMEOUT", "0"),
    ] {
        let run = of_client(client, &[(name, value)]);
        assert!(!run.status.success(), "{name}={value}: {run:#?}");
        let run = lab
            .runup()
            .env(name, value)
            .args(["--log-format", "json", "true"])
            .run();
        run.exits(0);
        assert_eq!(
            findings(&run)[0]["code"],
            "adc/metadata-detection",
            "{run:#?}"
        );
    }
    // The file at the usual place wins over the metadata server.
    let file = ".config/gcloud/application_default_credentials.json";
    std::fs::create_dir_all(lab.home().join(".config/gcloud")).unwrap();
    lab.file(
        file,
        r#"{"type": "authorized_user", "client_id": "x", "client_secret": "x", "refresh_token": "x"}"#,
    );
    let asked = metadata.requests().len();
    for client in [&python, &node] {
        let run = of_client(client, &[("GOOGLE_CLOUD_PROJECT", "p")]);
        assert!(!run.status.success(), "{run:#?}");
    }
    let token = |asked: &str| asked.ends_with("/token");
    let after = metadata.requests();
    assert!(
        !after[asked..].iter().any(|one| token(&one.path)),
        "{after:#?}"
    );
}
