//! `--ca-file`: one corporate CA for every client, seen by the real ones.

use crate::lab::{Lab, NEXUS};
use crate::server::{Ca, response};
use crate::tools;

const URL: &str = "https://nexus.corp.example:8443/";

/// Programs that fetch [`URL`] and print `hello`, each by another TLS stack or another variable.
fn clients() -> Vec<(&'static str, Vec<String>)> {
    let python = tools::python()
        .unwrap()
        .into_os_string()
        .into_string()
        .unwrap();
    let words = |words: &[&str]| {
        words
            .iter()
            .map(|word| (*word).to_owned())
            .collect::<Vec<_>>()
    };
    let fetch = format!(
        "fetch('{URL}').then(answer => answer.text()).then(text => console.log(text.trim()))"
    );
    let urllib =
        format!("import urllib.request as u; print(u.urlopen('{URL}').read().decode().strip())");
    let requests = format!("import requests; print(requests.get('{URL}').text.strip())");
    vec![
        ("curl", words(&["curl", "-sSf", URL])),
        ("Node", words(&["node", "-e", &fetch])),
        ("urllib", words(&[&python, "-c", &urllib])),
        ("requests", words(&[&python, "-c", &requests])),
    ]
}

fn hello(_: &str) -> String {
    response("200 OK", &["Content-Type: text/plain"], "hello\n")
}

#[test]
fn every_client_trusts_the_corporate_ca_beside_the_public_roots() {
    need!("curl", "git", "node", "sh", "google-auth");
    let lab = Lab::new();
    let ca = Ca::new("Corp Root");
    let _nexus = lab.https(NEXUS, 8443, ca.serve(NEXUS.0), hello);
    let file = lab.file("corp.pem", &ca.pem());
    let runup = || {
        lab.runup()
            .args(["--metadata", "off", "--require", URL])
            .arg("--ca-file")
            .arg(&file)
    };

    for (name, command) in clients() {
        let alone = lab.job(&command[0]).args(&command[1..]).run();
        assert!(!alone.status.success(), "{name} alone: {alone:#?}");
        let run = runup().args(&command).run();
        assert_eq!(run.succeeds(), "hello", "{name}");
    }
    // git comes past TLS, and finds no repository behind it.
    let alone = lab.job("git").args(["ls-remote", URL]).run();
    alone.fails_saying(&["certificate"]);
    let run = runup().args(["git", "ls-remote", URL]).run();
    run.fails_saying(&["not valid: is this a git repository"]);

    let count = "grep -c BEGIN.CERTIFICATE /etc/ssl/certs/ca-certificates.crt; \
                 for file in SSL_CERT_FILE REQUESTS_CA_BUNDLE CURL_CA_BUNDLE GIT_SSL_CAINFO PIP_CERT AWS_CA_BUNDLE \
                 CLOUDSDK_CORE_CUSTOM_CA_CERTS_FILE NODE_EXTRA_CA_CERTS; do eval grep -c BEGIN.CERTIFICATE \\\"\\$$file\\\"; done";
    let run = runup().args(["sh", "-c", count]).run();
    let counts: Vec<usize> = run.succeeds().lines().map(|n| n.parse().unwrap()).collect();
    assert_eq!(counts.len(), 9, "{run:#?}");
    for bundle in &counts[1..] {
        assert_eq!(
            *bundle,
            counts[0] + 1,
            "the public roots and one more: {counts:?}"
        );
    }
}

#[test]
fn a_bundle_without_public_roots_is_told_of() {
    need!("sh");
    let lab = Lab::new();
    let file = lab.file("corp.pem", &Ca::new("Corp Root").pem());
    let run = lab
        .runup()
        .args(["--metadata", "off", "sh", "-c", "echo $CURL_CA_BUNDLE"])
        .env("CURL_CA_BUNDLE", &file)
        .run();
    assert_eq!(
        run.succeeds(),
        file.to_str().unwrap(),
        "what the user set is kept"
    );
    run.says(&["CURL_CA_BUNDLE", "no public root", "ca/only-corporate"]);
}

#[test]
fn a_useless_ca_file_is_a_finding() {
    need!("sh");
    let lab = Lab::new();
    for content in [
        "",
        "-----BEGIN CERTIFICATE-----\n*\n-----END CERTIFICATE-----\n",
    ] {
        let file = lab.file("corp.pem", content);
        let run = lab
            .runup()
            .args(["--metadata", "off", "--ca-file"])
            .arg(&file)
            .args(["echo", "started"])
            .run();
        run.exits(78)
            .says(&["--ca-file", "corp.pem", "tls/ca-file"]);
    }
}
