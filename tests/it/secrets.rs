//! No token and no proxy's password in any output; but a token for who asks for one.

use crate::support::{Answer, Fake, Run, healthy, http};

/// Unlike anything else that could be printed.
const SECRET: &str = "hunter2-do-not-print";

/// Every way to speak.
const VOICES: [&[&str]; 6] = [
    &[],
    &["-v"],
    &["-vv"],
    &["--log-format", "json"],
    &["-v", "--log-format", "json"],
    &["-vv", "--log-format", "json"],
];

fn with_secrets(run: Run) -> Run {
    let proxy = format!("http://user:{SECRET}@127.0.0.1:1");
    let mut run = run;
    for name in [
        "http_proxy",
        "HTTPS_PROXY",
        "ALL_PROXY",
        "grpc_proxy",
        "PIP_PROXY",
        "npm_config_proxy",
    ] {
        run = run.env(name, &proxy);
    }
    run.env("CLOUDSDK_PROXY_TYPE", "http")
        .env("CLOUDSDK_PROXY_ADDRESS", "squid.corp.example")
        .env("CLOUDSDK_PROXY_PORT", "3128")
        .env("CLOUDSDK_PROXY_USERNAME", "user")
        .env("CLOUDSDK_PROXY_PASSWORD", SECRET)
        .env(
            "JAVA_TOOL_OPTIONS",
            format!("-Dhttp.proxyPassword={SECRET}"),
        )
        .env(
            "NO_PROXY",
            format!("http://user:{SECRET}@nexus.corp.example/"),
        )
        .env("TOKEN", SECRET)
}

/// Runs it in every voice and mode; [`Run`] itself looks for tokens.
#[track_caller]
fn is_kept(prepare: impl Fn(Run) -> Run) {
    is_kept_in(&["mend", "bypass", "strip", "keep"], prepare);
}

#[track_caller]
fn is_kept_in(modes: &[&str], prepare: impl Fn(Run) -> Run) {
    for voice in VOICES {
        for mode in modes {
            let run = Run::new()
                .args(["--java", "--proxy", *mode])
                .args(voice.iter().copied());
            let done = prepare(run).any_stderr().run();
            assert!(!done.stderr.contains(SECRET), "{voice:?} {}", done.stderr);
            assert!(!done.stderr.is_empty());
        }
    }
}

#[test]
fn in_success() {
    is_kept(|run| with_secrets(run).emulator().command(["true"]));
}

#[test]
fn with_the_emulator_inside() {
    is_kept(|run| with_secrets(run).emulate().command(["true"]));
}

#[test]
fn where_the_command_is_missing() {
    is_kept(|run| {
        with_secrets(run)
            .emulator()
            .command(["./missing"])
            .code(127)
    });
}

#[test]
fn where_hosts_do_not_answer() {
    // Not with `strip`: without a proxy the names would be looked up outside.
    is_kept_in(&["mend", "bypass", "keep"], |run| {
        let proxy = format!("http://user:{SECRET}@127.0.0.1:1");
        with_secrets(run)
            .off()
            .env("https_proxy", proxy)
            .args(["--require", "http://nexus.corp.invalid/"])
            .args(["--require", "https://github.corp.invalid/"])
            .args(["--timeout", "200ms"])
            .command(["true"])
            .code(69)
    });
}

#[test]
fn where_the_proxy_wants_other_credentials() {
    let proxy =
        Fake::new([http("407 Proxy Authentication Required").header("Server", "squid/5.7")]);
    is_kept_in(&["mend", "bypass", "keep"], |run| {
        let url = format!("http://user:{SECRET}@{}", proxy.address());
        with_secrets(run)
            .off()
            .env("http_proxy", &url)
            .env("https_proxy", &url)
            .args(["--require", "https://github.corp.invalid/"])
            .args(["--require", "http://github.corp.invalid/"])
            .command(["true"])
            .code(77)
    });
}

#[test]
fn in_reports() {
    let proxy = format!("http://user:{SECRET}@127.0.0.1:1");
    for format in ["text", "json", "mermaid", "junit"] {
        let run = Run::new();
        let beside = run.home().join("report");
        let done = with_secrets(run)
            .env("https_proxy", &proxy)
            .emulator()
            .args(["check", "-vv", "--java", "--format", format, "--report"])
            .args([&beside])
            .args(["--timeout", "200ms", "--require"])
            .args([format!(
                "https://github.corp.invalid/#header=Authorization:{SECRET}"
            )])
            .command(["true"])
            .code(69)
            .any_stdout()
            .any_stderr()
            .run();
        let beside = std::fs::read_to_string(beside).unwrap();
        for text in [done.text(), &done.stderr, &beside] {
            assert!(!text.contains(SECRET), "{format}: {text}");
        }
        assert!(done.text().contains("github"), "{}", done.text());
    }
}

/// A metadata server whose token is the secret, and ends in so many seconds.
fn secret_token(expires_in: u32) -> Fake {
    Fake::at(
        "/computeMetadata/v1/instance/service-accounts/default/token",
        [http("200 OK").google().body(format!(
            r#"{{"access_token": "{SECRET}", "expires_in": {expires_in}, "token_type": "Bearer"}}"#
        ))],
    )
}

#[test]
fn where_the_metadata_server_is_none() {
    let fake = secret_token(0);
    is_kept(|run| {
        with_secrets(run)
            .metadata(&fake)
            .args(["--timeout", "100ms"])
            .command(["true"])
            .code(69)
    });
}

#[test]
fn in_a_token_that_is_good() {
    let fake = secret_token(3599);
    is_kept(|run| with_secrets(run).metadata(&fake).command(["true"]));
}

#[test]
fn in_the_question_for_permissions_though_the_answer_repeats_it() {
    let metadata = secret_token(3599);
    let error = |status: &str| {
        let body = format!(
            r#"{{"error": {{"code": {}, "message": "Bearer {SECRET} is wrong"}}}}"#,
            &status[..3]
        );
        http(status).header("Server", SECRET).body(body)
    };
    let page = http("302 Found").header("Location", &format!("https://login.example/{SECRET}"));
    for (answer, code) in [
        (error("403 Forbidden"), 77),
        (error("401 Unauthorized"), 77),
        (error("400 Bad Request"), 78),
        (page, 69),
        (http("200 OK").body("{}"), 77),
        (
            http("200 OK").body(r#"{"permissions": ["run.jobs.run"]}"#),
            0,
        ),
    ] {
        let api = Fake::new([answer]);
        let name = "CLOUDSDK_API_ENDPOINT_OVERRIDES_CLOUDRESOURCEMANAGER";
        is_kept_in(&["mend"], |run| {
            with_secrets(run)
                .metadata(&metadata)
                .env(name, format!("http://{}/", api.address()))
                .args(["--require-permission", "run.jobs.run"])
                .command(["true"])
                .code(code)
        });
        let head = &api.asked()[0].head;
        assert!(head.contains(SECRET), "the token was sent: {head}");
    }
}

#[test]
fn in_variables_that_hold_credentials() {
    is_kept(|run| {
        with_secrets(run)
            .emulator()
            .env("CLOUDSDK_AUTH_ACCESS_TOKEN", SECRET)
            .env("GOOGLE_OAUTH_ACCESS_TOKEN", SECRET)
            .env("CLOUDSDK_CORE_ACCOUNT", SECRET)
            .env("CLOUDSDK_AUTH_IMPERSONATE_SERVICE_ACCOUNT", SECRET)
            .command(["true"])
    });
}

#[test]
fn in_urls_on_the_command_line_and_in_variables() {
    let url = format!("https://user:{SECRET}@nexus.corp.example/");
    for flag in ["--require", "--want"] {
        let done = Run::new()
            .args([flag, &url, "true"])
            .code(64)
            .any_stderr()
            .run();
        assert!(!done.stderr.contains(SECRET), "{}", done.stderr);
        assert!(done.stderr.contains("holds credentials"), "{}", done.stderr);
    }
    for name in [
        "RUNUP_REQUIRE",
        "RUNUP_WANT",
        "RUNUP_TIMEOUT",
        "GCE_METADATA_HOST",
    ] {
        let done = Run::new()
            .env(name, &url)
            .command(["true"])
            .code(78)
            .any_stderr()
            .run();
        assert!(!done.stderr.contains(SECRET), "{name}: {}", done.stderr);
        assert!(done.stderr.contains(name), "{}", done.stderr);
    }
}

#[test]
fn in_a_direct_host() {
    let url = format!("https://user:{SECRET}@nexus.corp.example/");
    for voice in VOICES {
        let run = Run::new().off().args(voice.iter().copied());
        let done = run
            .args(["--direct", &url])
            .command(["printenv"])
            .any_stdout()
            .any_stderr()
            .run();
        assert!(!done.stderr.contains(SECRET), "{}", done.stderr);
        assert!(!done.text().contains(SECRET), "{}", done.text());
    }
}

#[test]
fn in_the_arguments_of_a_command_that_was_started() {
    // They are shown only where the command was not started.
    for voice in VOICES {
        let done = Run::new()
            .emulator()
            .args(voice.iter().copied())
            .command(["true", SECRET])
            .any_stderr()
            .run();
        assert!(!done.stderr.contains(SECRET), "{}", done.stderr);
    }
}

#[test]
fn runup_token_prints_the_token_and_nothing_else() {
    Run::new()
        .emulator()
        .args(["token"])
        .prints_token()
        .stdout(format!("{}\n", healthy().token))
        .stderr("")
        .run();

    let fake = Fake::at(
        "/computeMetadata/v1/instance/service-accounts/default/token",
        [http("200 OK")
            .google()
            .body(r#"{"access_token":"ya29.a-b_c.d","expires_in":240,"token_type":"Bearer"}"#)],
    );
    Run::new()
        .metadata(&fake)
        .args(["token"])
        .stdout("ya29.a-b_c.d\n")
        .stderr("")
        .run();
}

#[test]
fn runup_token_works_below_emulate() {
    let done = Run::new()
        .emulate()
        .command([env!("CARGO_BIN_EXE_runup"), "token"])
        .prints_token()
        .any_stdout()
        .run();
    assert!(done.text().starts_with("emulated-"));
}

#[test]
fn runup_token_prints_nothing_where_it_fails() {
    let fake = Fake::new([http("403 Forbidden").header("Server", "squid/5.7")]);
    Run::new()
        .metadata(&fake)
        .args(["token"])
        .code(69)
        .stderr("runup: metadata server: `squid/5.7` answered in its place\n...\n  code   metadata/intercepted (runup explain metadata/intercepted)\n")
        .run();
    let fake = Fake::new([Answer::Healthy]);
    Run::new()
        .metadata(&fake)
        .args([
            "token",
            "--service-account",
            "other@emulated.iam.gserviceaccount.com",
        ])
        .code(77)
        .stderr("...\n  code   identity/mismatch (runup explain identity/mismatch)\n")
        .run();
    Run::new()
        .args(["token", "--timeout", "300ms"])
        .code(69)
        .stderr("...\n  code   metadata/refused (runup explain metadata/refused)\n")
        .run();
}
