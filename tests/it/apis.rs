//! `--require-api`, against a host on loopback and through a proxy.

use serde_json::Value;

use crate::support::{Fake, Run, http};

const OVERRIDE: &str = "CLOUDSDK_API_ENDPOINT_OVERRIDES_COMPUTE";

fn require(fake: &Fake) -> Run {
    Run::new()
        .off()
        .env(OVERRIDE, format!("http://{}/compute/v1/", fake.address()))
        .args(["--require-api", "compute.googleapis.com"])
        .command(["true"])
}

#[track_caller]
fn finding(run: Run, code: i32) -> Value {
    let run = run.args(["--log-format", "json"]).code(code).any_stderr();
    run.run().finding()
}

#[test]
fn a_host_that_answers_as_google_does_passes_and_gets_no_token() {
    for answer in [
        http("204 No Content"),
        http("404 Not Found").body("<title>Error 404 (Not Found)!!1</title>"),
        http("404 Not Found").body(r#"{"error": {"code": 404, "message": "no"}}"#),
    ] {
        let fake = Fake::new([answer]);
        require(&fake)
            .stderr("runup: ready in [..]: 1 host, [..]\n")
            .run();
        let asked = fake.asked();
        assert_eq!((asked.len(), asked[0].path.as_str()), (1, "/generate_204"));
        assert!(!asked[0].head.to_ascii_lowercase().contains("authorization"));
    }
}

#[test]
fn who_answers_in_its_place_is_named() {
    for (answer, says) in [
        (
            http("403 Forbidden").header("Server", "squid/5.7"),
            "`squid/5.7` answered in its place",
        ),
        (
            http("302 Found").header("Location", "https://login.corp.example/"),
            "its place redirects to `https://login.corp.example/`",
        ),
        (
            http("200 OK").body("<html><title>Blocked</title>"),
            "a page titled `Blocked` stands in its place",
        ),
    ] {
        let fake = Fake::new([answer]);
        let finding = finding(require(&fake), 69);
        assert_eq!(finding["code"], "api/not-google");
        assert_eq!(finding["summary"], says);
        assert_eq!(finding["subject"], "compute.googleapis.com");
    }
}

#[test]
fn what_may_heal_is_asked_again() {
    let fake = Fake::new([http("503 Service Unavailable"), http("204 No Content")]);
    require(&fake).args(["--backoff-initial", "10ms"]).run();
    assert_eq!(fake.asked().len(), 2);
}

#[test]
fn a_host_that_refuses_is_unreachable() {
    let run = Run::new()
        .off()
        .env(OVERRIDE, "http://127.0.0.1:1/")
        .args([
            "--require-api",
            "compute.googleapis.com",
            "--timeout",
            "300ms",
        ])
        .command(["true"]);
    let finding = finding(run, 69);
    assert_eq!(finding["code"], "api/unreachable");
    assert!(
        finding["help"]
            .to_string()
            .contains("--enable-private-ip-google-access")
    );
}

#[test]
fn its_date_tells_of_a_wrong_clock() {
    let date = "Sat, 01 Jan 2000 00:00:00 GMT";
    let fake = Fake::new([http("204 No Content").header("Date", date)]);
    let finding = finding(require(&fake), 0);
    assert_eq!(finding["code"], "identity/clock-skew");
    assert_eq!(finding["severity"], "warning");
}

#[test]
fn a_proxys_rule_is_told_with_the_way_past_it() {
    // The proxy alone is asked: its refusal ends it before any name is looked up.
    let proxy = Fake::new([http("403 Forbidden").header("Server", "squid/5.7")]);
    let url = format!("http://{}", proxy.address());
    let run = Run::new()
        .off()
        .env("https_proxy", &url)
        .env("http_proxy", &url)
        // The other way, straight to the host, is moved to loopback as well.
        .env(OVERRIDE, "https://compute.googleapis.invalid/")
        .args(["--require-api", "compute.googleapis.com"])
        .command(["true"]);
    let finding = finding(run, 77);
    assert_eq!(finding["code"], "proxy/denied");
    let help = finding["help"].to_string();
    assert!(help.contains("proxy team: allow the host"), "{help}");
    assert!(help.contains("--direct .googleapis.com"), "{help}");
    assert!(!help.contains("if the host is internal"), "{help}");
    assert!(
        proxy.asked()[0]
            .head
            .starts_with("CONNECT compute.googleapis.invalid:443 ")
    );
}

#[test]
fn only_a_whole_name_of_googles_is_taken() {
    for (host, code, says) in [
        (
            "compute",
            64,
            "write the whole name: `compute.googleapis.com`",
        ),
        ("https://compute.googleapis.com/", 64, "the host alone"),
        ("github.com", 78, "no host of googleapis.com"),
    ] {
        let run = Run::new().off().args(["--require-api", host]);
        let done = run.command(["true"]).code(code).any_stderr().run();
        assert!(done.stderr.contains(says), "{}", done.stderr);
    }
    let done = Run::new()
        .off()
        .env("RUNUP_REQUIRE_API", "compute.googleapis.com, run")
        .command(["true"])
        .code(78)
        .any_stderr()
        .run();
    assert!(done.stderr.contains("RUNUP_REQUIRE_API"), "{}", done.stderr);
}
