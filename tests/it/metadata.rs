//! Who answers in the metadata server's place, what is made of it, and how long it is waited for.

use std::io::{self, Write};
use std::net::TcpListener;
use std::thread;
use std::time::Duration;

use serde_json::Value;

use crate::support::{Answer, Done, Fake, READY, Run, http};

const ACCOUNT: &str = "/computeMetadata/v1/instance/service-accounts/default/?recursive=true";
const TOKEN: &str = "/computeMetadata/v1/instance/service-accounts/default/token";
const PROJECT: &str = "/computeMetadata/v1/project/project-id";

/// As Squid 5 writes it.
fn squid() -> Answer {
    http("403 Forbidden")
        .header("Server", "squid/5.7")
        .header("X-Squid-Error", "ERR_ACCESS_DENIED 0")
        .header("Via", "1.1 proxy (squid/5.7)")
        .header("Content-Type", "text/html;charset=utf-8")
        .body("<!DOCTYPE html><html><title>ERROR: The requested URL could not be retrieved</title>The Squid Software Foundation</html>")
        .into()
}

fn busy() -> Answer {
    http("503 Service Unavailable").google().into()
}

/// What runup finds where `fake` is the metadata server: the one finding of a run that ends with `code`.
#[track_caller]
fn finding(fake: &Fake, code: i32, args: &[&str]) -> (Value, Done) {
    let done = Run::new()
        .metadata(fake)
        .args(["--log-format", "json"])
        .args(args.iter().copied())
        .command(["true"])
        .code(code)
        .any_stderr()
        .run();
    let mut findings = done.findings();
    assert_eq!(findings.len(), 1, "{}", done.stderr);
    (findings.remove(0), done)
}

/// A judgement that waiting does not change: one attempt, though there would be a minute for more.
#[track_caller]
fn is_final(answer: impl Into<Answer>, code: &str, exit: i32, says: &str) {
    let fake = Fake::new([answer.into()]);
    let (finding, done) = finding(&fake, exit, &["--timeout", "50s"]);
    assert_eq!(finding["code"], code);
    assert_eq!(finding["attempts"], 1);
    assert_eq!(fake.asked().len(), 1);
    assert!(
        finding["summary"].as_str().unwrap().contains(says),
        "{finding}"
    );
    assert!(!finding["help"].as_array().unwrap().is_empty(), "{finding}");
    let means = finding["means"].to_string();
    assert_eq!(means.contains("It is not IAM"), exit != 77, "{means}");
    assert!(done.took < Duration::from_secs(40));
}

#[test]
fn squids_page_is_an_interception() {
    is_final(
        squid(),
        "metadata/intercepted",
        69,
        "`squid/5.7` answered in its place",
    );
}

#[test]
fn a_genuine_answer_by_way_of_a_proxy_is_an_interception() {
    is_final(
        http("200 OK")
            .google()
            .header("Via", "1.1 gateway.corp.example")
            .body(r#"{"email": "other@elsewhere.iam.gserviceaccount.com"}"#),
        "metadata/intercepted",
        69,
        "`gateway.corp.example` answered",
    );
}

#[test]
fn a_login_page_is_a_captive_page() {
    is_final(
        http("200 OK")
            .header("Content-Type", "text/html")
            .body("<html><head><title>Welcome, please log in</title></head></html>"),
        "metadata/captive-page",
        69,
        "`Welcome, please log in`",
    );
}

#[test]
fn a_redirect_is_not_followed() {
    let elsewhere = Fake::new([Answer::Healthy]);
    let place = format!("http://{}/", elsewhere.address());
    is_final(
        http("302 Found").header("Location", &place),
        "metadata/redirected",
        69,
        &place,
    );
    assert_eq!(elsewhere.asked().len(), 0);
}

#[test]
fn other_clouds_are_named() {
    is_final(
        http("404 Not Found").header("Server", "EC2ws"),
        "metadata/other-cloud",
        69,
        "Amazon",
    );
    is_final(
        http("400 Bad Request")
            .body(r#"{"error":"Bad request. Required metadata header not specified"}"#),
        "metadata/other-cloud",
        69,
        "Azure",
    );
}

#[test]
fn an_answer_without_the_flavour_is_not_googles() {
    is_final(
        http("200 OK").body(r#"{"email": "a@b", "access_token": "x"}"#),
        "metadata/not-google",
        69,
        "not Google's",
    );
    is_final(
        http("403 Forbidden"),
        "metadata/not-google",
        69,
        "not Google's",
    );
    is_final(
        http("503 Service Unavailable"),
        "metadata/not-google",
        69,
        "not Google's",
    );
}

#[test]
fn what_is_no_http_is_not_googles() {
    is_final(
        Answer::Bytes(b"SSH-2.0-OpenSSH_9.2p1 Debian-2\r\n".to_vec()),
        "metadata/not-google",
        69,
        "does not speak HTTP",
    );
}

#[test]
fn what_speaks_first_is_not_googles_either() {
    // The banner comes before the request is sent, or just after: both must be told at once.
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let place = listener.local_addr().unwrap().to_string();
    thread::spawn(move || {
        for mut stream in listener.incoming().flatten() {
            thread::spawn(move || {
                let _ = stream.write_all(b"SSH-2.0-OpenSSH_9.2p1 Debian-2\r\n");
                let _ = io::copy(&mut stream, &mut io::sink());
            });
        }
    });
    for _ in 0..10 {
        let done = Run::new()
            .env("GCE_METADATA_HOST", &place)
            .args(["--timeout", "50s", "--log-format", "json"])
            .command(["true"])
            .code(69)
            .any_stderr()
            .run();
        assert_eq!(done.codes(), ["metadata/not-google"], "{}", done.stderr);
        assert!(done.took < Duration::from_secs(40), "{:?}", done.took);
    }
}

#[test]
fn no_service_account_is_77() {
    is_final(
        http("404 Not Found").google(),
        "metadata/no-service-account",
        77,
        "knows no service account",
    );
}

#[test]
fn a_denial_by_google_is_77_after_three_attempts() {
    let fake = Fake::new([http("403 Forbidden").google()]);
    let (finding, _) = finding(&fake, 77, &["--backoff-max", "20ms"]);
    assert_eq!(finding["code"], "metadata/denied");
    assert_eq!(finding["attempts"], 3);
    assert_eq!(fake.asked().len(), 3);
}

#[test]
fn the_wrong_identity_is_77() {
    let fake = Fake::new([Answer::Healthy]);
    let (finding, _) = finding(
        &fake,
        77,
        &[
            "--service-account",
            "mgmt@myproject.iam.gserviceaccount.com",
        ],
    );
    assert_eq!(finding["code"], "identity/mismatch");
    assert_eq!(finding["attempts"], 1);
    for name in ["mgmt@myproject.iam", "runup-emulator@emulated.iam"] {
        assert!(finding["summary"].as_str().unwrap().contains(name));
    }
}

#[test]
fn the_right_identity_passes_in_any_case() {
    Run::new()
        .emulator()
        .args([
            "--service-account",
            "Runup-Emulator@emulated.iam.gserviceaccount.com",
        ])
        .command(["true"])
        .run();
}

/// A failure that may heal: tried again until the deadline.
#[track_caller]
fn is_waited_for(fake: &Fake, code: &str) {
    let (finding, done) = finding(fake, 69, &["--timeout", "2s", "--attempt-timeout", "800ms"]);
    assert_eq!(finding["code"], code);
    assert!(finding["attempts"].as_u64().unwrap() > 1, "{finding}");
    assert!(done.took < Duration::from_secs(6), "{:?}", done.took);
}

/// All of them at once: each takes its time.
fn side_by_side<T: Send>(cases: impl IntoIterator<Item = T>, test: impl Fn(T) + Sync) {
    thread::scope(|scope| {
        for case in cases {
            scope.spawn(|| test(case));
        }
    });
}

#[test]
fn what_may_heal_is_waited_for_until_the_deadline() {
    let slow = http("200 OK").google().body("x".repeat(1000)).bytes();
    side_by_side(
        [
            (busy(), "metadata/not-ready"),
            (
                http("429 Too Many Requests").google().into(),
                "metadata/not-ready",
            ),
            (Answer::Hang, "metadata/timeout"),
            (Answer::Reset, "metadata/broken"),
            (Answer::Trickle(slow), "metadata/timeout"),
        ],
        |(answer, code)| is_waited_for(&Fake::new([answer]), code),
    );
}

#[test]
fn a_refused_connection_is_waited_for_until_the_deadline() {
    let done = Run::new()
        .args(["--log-format", "json", "--timeout", "1s"])
        .command(["true"])
        .code(69)
        .any_stderr()
        .run();
    assert_eq!(done.codes(), ["metadata/refused"]);
    assert!(done.took < Duration::from_secs(6), "{:?}", done.took);
}

#[test]
fn an_answer_that_cannot_be_used_is_waited_for() {
    let cases = [
        (
            TOKEN,
            r#"{"access_token": "ya29.x", "expires_in": 0, "token_type": "Bearer"}"#,
        ),
        (
            TOKEN,
            r#"{"access_token": "", "expires_in": 3599, "token_type": "Bearer"}"#,
        ),
        (
            TOKEN,
            r#"{"access_token": "ya29.x", "expires_in": 3599, "token_type": "mac"}"#,
        ),
        (TOKEN, r#"{"access_token": "ya29.x"}"#),
        (TOKEN, "<html>"),
        (TOKEN, ""),
        (ACCOUNT, r#"{"email": "nobody"}"#),
        (ACCOUNT, "{}"),
        (PROJECT, ""),
        (PROJECT, "<html>"),
    ];
    side_by_side(cases, |(path, body)| {
        let fake = Fake::at(path, [http("200 OK").google().body(body)]);
        let (finding, done) = finding(&fake, 69, &["--timeout", "2s"]);
        assert_eq!(finding["code"], "metadata/not-ready", "{path} {body}");
        assert!(!done.stderr.contains("ya29.x"), "{}", done.stderr);
    });
}

#[test]
fn an_endless_answer_is_cut_off() {
    side_by_side([ACCOUNT, TOKEN, PROJECT], |path| {
        let body = "x".repeat(8 * 1024 * 1024);
        let fake = Fake::at(path, [http("200 OK").google().body(body)]);
        let (finding, done) = finding(&fake, 69, &["--timeout", "2s"]);
        assert_eq!(finding["code"], "metadata/not-ready", "{path}");
        assert!(done.took < Duration::from_secs(6), "{:?}", done.took);
        assert!(done.stderr.len() < 10_000);
    });
}

#[test]
fn what_heals_in_time_is_no_failure() {
    let fake = Fake::new([
        busy(),
        Answer::Reset,
        http("429 Too Many Requests").google().into(),
        Answer::Healthy,
    ]);
    Run::new()
        .metadata(&fake)
        .args(["--backoff-max", "100ms"])
        .shell("echo started")
        .stdout("started\n")
        .run();
}

#[test]
fn the_pause_that_is_asked_for_is_made() {
    let wait = http("503 Service Unavailable")
        .google()
        .header("Retry-After", "1");
    let fake = Fake::new([wait.clone().into(), wait.into(), Answer::Healthy]);
    Run::new()
        .metadata(&fake)
        .args(["--backoff-max", "1ms"])
        .command(["true"])
        .stderr(format!("...\n{READY}"))
        .run();
    let asked = fake.asked();
    for pair in asked[..3].windows(2) {
        let pause = pair[1].at - pair[0].at;
        assert!(pause >= Duration::from_millis(990), "{pause:?}");
    }
}

#[test]
fn a_pause_beyond_the_deadline_is_not_begun() {
    let wait = http("503 Service Unavailable")
        .google()
        .header("Retry-After", "3600");
    let fake = Fake::new([wait]);
    let (finding, done) = finding(&fake, 69, &["--timeout", "50s"]);
    assert_eq!(finding["code"], "metadata/not-ready");
    assert_eq!(finding["attempts"], 1);
    assert!(done.took < Duration::from_secs(40));
}

#[test]
fn the_deadline_is_kept() {
    let fake = Fake::new([Answer::Hang]);
    let (_, done) = finding(&fake, 69, &["--timeout", "2s"]);
    assert!(done.took >= Duration::from_millis(1900), "{:?}", done.took);
    assert!(done.took < Duration::from_secs(6), "{:?}", done.took);
}

#[test]
fn a_long_wait_is_told_on_change_and_not_each_time() {
    let fake = Fake::new([busy()]);
    let done = Run::new()
        .metadata(&fake)
        .args(["--timeout", "3s", "--backoff-max", "50ms"])
        .command(["true"])
        .code(69)
        .stderr(
            "runup: waiting: metadata server is not ready (503) (attempt [..], [..] of 3 s)\n\
             runup: metadata server: is not ready (503)\n\
             ...\n\
             runup: did not start `true`: 1 required check failed, exit 69\n",
        )
        .run();
    assert!(fake.asked().len() > 20, "{}", done.stderr);
}

#[test]
fn a_wanted_metadata_server_only_warns() {
    let fake = Fake::new([squid()]);
    Run::new()
        .metadata(&fake)
        .args(["--metadata", "want"])
        .shell("echo started")
        .stdout("started\n")
        .stderr(format!(
            "runup: warning: metadata server: `squid/5.7` answered in its place\n...\n  code   metadata/intercepted (runup explain metadata/intercepted)\n{READY}"
        ))
        .run();
}

#[test]
fn a_metadata_server_that_is_off_is_not_asked() {
    let fake = Fake::new([squid()]);
    Run::new().metadata(&fake).off().command(["true"]).run();
    assert_eq!(fake.asked().len(), 0);
}

#[test]
fn on_failure_warn_starts_the_command_all_the_same() {
    let fake = Fake::new([squid()]);
    Run::new()
        .metadata(&fake)
        .args(["--on-failure", "warn"])
        .shell("exit 3")
        .code(3)
        .stderr(format!(
            "runup: warning: metadata server: `squid/5.7` answered in its place\n...\n{READY}"
        ))
        .run();
}

#[test]
fn the_whole_of_a_failure_is_told() {
    let fake = Fake::new([squid()]);
    Run::new()
        .metadata(&fake)
        .command(["./a.sh", "-e", "env"])
        .env("http_proxy", "http://squid.corp.example:3128")
        .env("https_proxy", "http://squid.corp.example:3128")
        .code(127)
        .stderr(
            "runup: command `./a.sh`: `./a.sh` does not exist\n\
             ...\n\
             runup: metadata server: `squid/5.7` answered in its place\n  \
               saw    `127.0.0.1:[..]`, asked directly: 403; Server: squid/5.7; Via: 1.1 proxy (squid/5.7); X-Squid-Error: ERR_ACCESS_DENIED 0; Content-Type: text/html;charset=utf-8; no Metadata-Flavor\n  \
               means  the network diverts [..]\n         \
                      [..]`http://squid.corp.example:3128`[..]\n         \
                      It is not IAM, not the service account and not the token.\n  \
               help   network team: [..]\n         \
                      job owner: [..]\n  \
               code   metadata/intercepted (runup explain metadata/intercepted)\n\
             runup: did not start `./a.sh -e env`: 2 required checks failed, exit 127\n",
        )
        .run();
}

#[test]
fn the_metadata_server_is_asked_past_every_proxy() {
    let proxy = Fake::new([squid()]);
    let url = format!("http://{}", proxy.address());
    for mode in ["mend", "bypass", "strip", "keep"] {
        let mut run = Run::new().emulator().args(["--proxy", mode]);
        for name in [
            "http_proxy",
            "HTTP_PROXY",
            "https_proxy",
            "HTTPS_PROXY",
            "all_proxy",
            "ALL_PROXY",
        ] {
            run = run.env(name, &url);
        }
        run.command(["true"]).any_stderr().run();
    }
    assert_eq!(proxy.asked().len(), 0);
}

#[test]
fn a_server_that_tells_no_region_is_no_worse() {
    let fake = Fake::at(
        "/computeMetadata/v1/instance/region",
        [http("404 Not Found").google()],
    );
    let done = Run::new()
        .metadata(&fake)
        .command(["printenv", "-0"])
        .any_stdout()
        .run();
    // The zone has it, too.
    assert_eq!(
        done.variable("CLOUDSDK_COMPUTE_REGION").as_deref(),
        Some("us-central1")
    );
}
