//! What a token that is good may still lack; and identity tokens.

use serde_json::Value;

use crate::support::{Done, Fake, READY, Run, http};

const ACCOUNT: &str = "/computeMetadata/v1/instance/service-accounts/default/?recursive=true";
const TOKEN: &str = "/computeMetadata/v1/instance/service-accounts/default/token";
const IDENTITY: &str = "/computeMetadata/v1/instance/service-accounts/default/identity?audience=https%3A%2F%2Fa.example%2F%3Fb%3D1&format=full";
const AUDIENCE: &str = "https://a.example/?b=1";

/// The findings of a run against `fake`, which starts its command.
#[track_caller]
fn warned(fake: &Fake) -> (Vec<Value>, Done) {
    let done = Run::new()
        .metadata(fake)
        .args(["--log-format", "json"])
        .shell("exit 5")
        .code(5)
        .any_stderr()
        .run();
    (done.findings(), done)
}

fn account(scopes: &str) -> Fake {
    let body = format!(
        r#"{{"aliases": ["default"], "email": "a@p.iam.gserviceaccount.com", "scopes": {scopes}}}"#
    );
    Fake::at(ACCOUNT, [http("200 OK").google().body(body)])
}

#[test]
fn scopes_without_cloud_platform_are_a_warning_and_cost_no_request() {
    let narrow = account(
        r#"["https://www.googleapis.com/auth/devstorage.read_only", "https://www.googleapis.com/auth/logging.write"]"#,
    );
    let (findings, _) = warned(&narrow);
    assert_eq!(findings.len(), 1, "{findings:?}");
    assert_eq!(findings[0]["code"], "identity/scopes");
    assert_eq!(findings[0]["severity"], "warning");
    assert_eq!(
        findings[0]["saw"],
        "scopes: devstorage.read_only, logging.write"
    );
    // Account, token, project and region, as ever.
    assert_eq!(narrow.asked().len(), 4);
}

#[test]
fn scopes_that_are_not_told_are_not_missed() {
    for scopes in [
        "[]",
        r#"["https://www.googleapis.com/auth/userinfo.email", "https://www.googleapis.com/auth/cloud-platform"]"#,
    ] {
        Run::new()
            .metadata(&account(scopes))
            .command(["true"])
            .stderr(READY)
            .run();
    }
}

#[test]
fn a_token_with_less_than_four_minutes_is_a_warning() {
    for (seconds, count) in [(239, 1), (240, 0)] {
        let body = format!(
            r#"{{"access_token": "ya29.x", "expires_in": {seconds}, "token_type": "Bearer"}}"#
        );
        let fake = Fake::at(TOKEN, [http("200 OK").google().body(body)]);
        let (findings, done) = warned(&fake);
        assert_eq!(findings.len(), count, "{findings:?}");
        if count == 1 {
            assert_eq!(findings[0]["code"], "identity/token-ends-soon");
            assert!(!done.stderr.contains("ya29.x"));
        }
    }
}

#[test]
fn a_clock_that_is_wrong_by_more_than_a_minute_is_a_warning() {
    let body = r#"{"email": "a@p.iam.gserviceaccount.com", "scopes": []}"#;
    let at = |date: &str| {
        let answer = http("200 OK").google().header("Date", date).body(body);
        warned(&Fake::at(ACCOUNT, [answer])).0
    };
    let findings = at("Sat, 01 Jan 2000 00:00:00 GMT");
    assert_eq!(findings.len(), 1, "{findings:?}");
    assert_eq!(findings[0]["code"], "identity/clock-skew");
    let summary = findings[0]["summary"].as_str().unwrap();
    assert!(summary.contains("ahead of Google's"), "{summary}");
    let findings = at("Fri, 01 Jan 2100 00:00:00 GMT");
    assert!(findings[0]["summary"].as_str().unwrap().contains("behind"));
    assert!(at("nonsense").is_empty());
}

#[test]
fn runup_token_prints_an_identity_token_and_nothing_else() {
    let done = Run::new()
        .emulate()
        .command([env!("CARGO_BIN_EXE_runup"), "token", "--identity", AUDIENCE])
        .any_stdout()
        .run();
    let parts: Vec<&str> = done.text().trim_end().split('.').collect();
    assert_eq!(parts.len(), 3, "{}", done.text());
    assert_eq!(done.text().lines().count(), 1);

    for (verbose, format) in [("0", "text"), ("2", "text"), ("2", "json")] {
        let fake = Fake::at(IDENTITY, [http("200 OK").google().body("abc.def-_.ghi\n")]);
        let done = Run::new()
            .metadata(&fake)
            .env("RUNUP_VERBOSE", verbose)
            .env("RUNUP_LOG_FORMAT", format)
            .args(["token", "--identity", AUDIENCE])
            .stdout("abc.def-_.ghi\n")
            .any_stderr()
            .run();
        assert!(!done.stderr.contains("def-_"), "{}", done.stderr);
        assert_eq!(done.stderr.is_empty(), verbose == "0", "{}", done.stderr);
    }
}

#[test]
fn runup_token_prints_nothing_where_there_is_no_identity_token() {
    for status in ["404 Not Found", "400 Bad Request"] {
        let fake = Fake::at(IDENTITY, [http(status).google()]);
        Run::new()
            .metadata(&fake)
            .args(["token", "--identity", AUDIENCE])
            .code(77)
            .stderr("runup: metadata server: gives no identity token for this audience ([..])\n...\n  code   identity/no-id-token (runup explain identity/no-id-token)\n")
            .run();
        assert_eq!(
            fake.asked()
                .iter()
                .filter(|one| one.path == IDENTITY)
                .count(),
            1
        );
    }
    let fake = Fake::at(IDENTITY, [http("200 OK").google().body("<html>")]);
    Run::new()
        .metadata(&fake)
        .args(["token", "--identity", AUDIENCE, "--timeout", "300ms"])
        .code(69)
        .stderr("...\n  code   metadata/not-ready (runup explain metadata/not-ready)\n")
        .run();
    Run::new()
        .emulator()
        .args(["token", "--identity", ""])
        .code(64)
        .any_stderr()
        .run();
}
