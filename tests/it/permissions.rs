//! `--require-permission`, against a Resource Manager on loopback.

use serde_json::{Value, json};

use crate::support::{Answer, Done, Fake, Run, healthy, http};

const OVERRIDE: &str = "CLOUDSDK_API_ENDPOINT_OVERRIDES_CLOUDRESOURCEMANAGER";
const ACCOUNT: &str = "runup-emulator@emulated.iam.gserviceaccount.com";

fn holds(permissions: &[&str]) -> Answer {
    let body = match permissions {
        [] => "{}".to_owned(),
        some => json!({"permissions": some}).to_string(),
    };
    http("200 OK")
        .header("Content-Type", "application/json")
        .body(body)
        .into()
}

fn error(status: &str, message: &str, reason: &str) -> Answer {
    let code: u16 = status[..3].parse().unwrap();
    let body = json!({"error": {"code": code, "message": message, "details": [
        {"@type": "type.googleapis.com/google.rpc.ErrorInfo", "reason": reason,
         "metadata": {"consumer": "projects/4711", "service": "cloudresourcemanager.googleapis.com"}},
    ]}});
    http(status).body(body.to_string()).into()
}

/// A run that requires `permissions` of a Resource Manager at `fake`.
fn require(fake: &Fake, permissions: &[&str]) -> Run {
    let mut run = Run::new()
        .emulator()
        .env(OVERRIDE, format!("http://{}/", fake.address()));
    for permission in permissions {
        run = run.args(["--require-permission", permission]);
    }
    run.command(["true"])
}

/// The one finding of a run that ends with `code`.
#[track_caller]
fn finding(run: Run, code: i32) -> (Value, Done) {
    let run = run.args(["--log-format", "json"]).code(code).any_stderr();
    let done = run.run();
    (done.finding(), done)
}

fn lines(value: &Value) -> String {
    let lines: Vec<_> = value
        .as_array()
        .unwrap()
        .iter()
        .map(|line| line.as_str().unwrap())
        .collect();
    lines.join("\n")
}

#[test]
fn what_is_held_passes_in_one_request_with_the_token() {
    let fake = Fake::new([holds(&["run.jobs.run", "compute.instances.list"])]);
    require(
        &fake,
        &["compute.instances.list", "run.jobs.run", "run.jobs.run"],
    )
    .stderr("runup: ready in [..], project emulated, 2 permissions, [..]\n")
    .run();
    let asked = fake.asked();
    assert_eq!(asked.len(), 1);
    let head = asked[0].head.to_ascii_lowercase();
    assert!(
        head.starts_with("post /v3/projects/emulated:testiampermissions http/1.1\r\n"),
        "{head}"
    );
    let token = format!("authorization: bearer {}\r\n", healthy().token);
    assert!(head.contains(&token.to_ascii_lowercase()), "no token");
    assert!(
        head.contains("content-type: application/json\r\n"),
        "{head}"
    );
    let body: Value = serde_json::from_str(&asked[0].body).unwrap();
    assert_eq!(
        body,
        json!({"permissions": ["compute.instances.list", "run.jobs.run"]})
    );
}

#[test]
fn what_is_missing_is_77_with_the_commands_that_grant_it() {
    let fake = Fake::new([holds(&["run.jobs.run"])]);
    let permissions = [
        "compute.instanceGroupManagers.list",
        "run.jobs.run",
        "livestream.channels.start",
    ];
    let run = require(&fake, &permissions);
    run.code(77)
        .stderr(format!(
            "runup: Resource Manager: `{ACCOUNT}` lacks `compute.instanceGroupManagers.list`, `livestream.channels.start` in project `emulated`\n\
             \x20 saw    http://{}/v3/projects/emulated:testIamPermissions: 200; Content-Type: application/json\n\
             ...\n\
             \x20        roles/compute.viewer usually carries `compute.instanceGroupManagers.list`.\n\
             \x20 help   project owner: gcloud projects add-iam-policy-binding emulated --member=serviceAccount:{ACCOUNT} --role=roles/compute.viewer --condition=None\n\
             \x20        project owner: see which role carries it: gcloud iam list-grantable-roles //cloudresourcemanager.googleapis.com/projects/emulated --filter=name:roles/livestream\n\
             \x20 code   permission/missing (runup explain permission/missing)\n\
             runup: did not start `true`: 1 required check failed, exit 77\n",
            fake.address()
        ))
        .run();
    assert_eq!(fake.asked().len(), 1);
}

#[test]
fn nothing_held_is_an_answer_without_a_list() {
    let fake = Fake::new([holds(&[])]);
    let (finding, _) = finding(require(&fake, &["storage.objects.get"]), 77);
    assert_eq!(finding["code"], "permission/missing");
    assert!(lines(&finding["help"]).contains("roles/storage.objectViewer"));
}

#[test]
fn what_is_denied_for_good_is_told_apart_and_asked_once() {
    for (answer, code, exit, says) in [
        (
            error(
                "400 Bad Request",
                "Permission run.job.run is not valid.",
                "",
            ),
            "permission/unknown",
            78,
            "Permission run.job.run is not valid.",
        ),
        (
            error("401 Unauthorized", "invalid credentials", ""),
            "permission/token-refused",
            77,
            ACCOUNT,
        ),
        (
            error("403 Forbidden", "API has not been used", "SERVICE_DISABLED"),
            "permission/api-disabled",
            77,
            "gcloud services enable cloudresourcemanager.googleapis.com --project=4711",
        ),
        (
            error("403 Forbidden", "scopes", "ACCESS_TOKEN_SCOPE_INSUFFICIENT"),
            "identity/scopes",
            77,
            "--scopes=cloud-platform",
        ),
        (
            error(
                "403 Forbidden",
                "Request is prohibited by organization's policy.",
                "SECURITY_POLICY_VIOLATED",
            ),
            "permission/denied",
            77,
            "prohibited by organization's policy",
        ),
        (
            http("403 Forbidden")
                .header("Server", "squid/5.7")
                .body("<html>")
                .into(),
            "api/not-google",
            69,
            "squid/5.7",
        ),
        (
            http("200 OK").body("<html><title>Login</title>").into(),
            "api/not-google",
            69,
            "Login",
        ),
    ] {
        let fake = Fake::new([answer]);
        let (finding, _) = finding(require(&fake, &["run.job.run"]), exit);
        assert_eq!(finding["code"], code);
        assert!(finding.to_string().contains(says), "{finding}");
        assert_eq!(fake.asked().len(), 1, "{code}");
    }
}

#[test]
fn what_may_heal_is_asked_again() {
    let fake = Fake::new([
        error("503 Service Unavailable", "try again", ""),
        error("429 Too Many Requests", "slow down", ""),
        holds(&["run.jobs.run"]),
    ]);
    require(&fake, &["run.jobs.run"])
        .args(["--backoff-initial", "10ms"])
        .run();
    assert_eq!(fake.asked().len(), 3);
}

#[test]
fn a_resource_manager_that_does_not_answer_is_told_with_its_phase() {
    let (finding, _) = finding(
        Run::new()
            .emulator()
            .env(OVERRIDE, "http://127.0.0.1:1/")
            .args(["--require-permission", "run.jobs.run", "--timeout", "300ms"])
            .command(["true"]),
        69,
    );
    assert_eq!(finding["code"], "api/unreachable");
    assert_eq!(finding["phase"], "connect");
}

#[test]
fn without_a_token_it_is_skipped_and_not_a_second_failure() {
    let fake = Fake::new([holds(&[])]);
    let run = require(&fake, &["run.jobs.run"]).env("GCE_METADATA_HOST", "127.0.0.1:1");
    let (finding, done) = finding(run.args(["--timeout", "300ms"]), 69);
    assert_eq!(finding["code"], "metadata/refused");
    assert!(fake.asked().is_empty());
    let last = done.entries().pop().unwrap();
    let checks = last["checks"].as_array().unwrap();
    let own = checks
        .iter()
        .find(|check| check["name"] == "Resource Manager")
        .unwrap();
    assert_eq!(own["verdict"], "skipped");
    assert_eq!(
        own["skipped"],
        "the metadata server gave no token to ask with"
    );
}

#[test]
fn the_project_that_the_user_chose_is_asked_about() {
    for name in ["GOOGLE_CLOUD_PROJECT", "CLOUDSDK_CORE_PROJECT"] {
        let fake = Fake::new([holds(&["run.jobs.run"])]);
        require(&fake, &["run.jobs.run"]).env(name, "other").run();
        let path = fake.asked()[0].path.clone();
        assert_eq!(path, "/v3/projects/other:testIamPermissions");
    }
}

#[test]
fn the_universe_of_the_metadata_server_is_asked_by_way_of_the_proxy() {
    let path = "/computeMetadata/v1/universe/universe-domain";
    let metadata = Fake::at(path, [http("200 OK").google().body("universe.invalid")]);
    let older = Fake::at(path, [http("404 Not Found").google()]);
    let own = ("CLOUDSDK_CORE_UNIVERSE_DOMAIN", "own.invalid");
    for (metadata, variable, host) in [
        (&metadata, None, "universe.invalid"),
        (&metadata, Some(own), "own.invalid"),
        (&older, Some(own), "own.invalid"),
    ] {
        let proxy = Fake::new([http("403 Forbidden").header("Server", "squid/5.7")]);
        let url = format!("http://{}", proxy.address());
        let run = variable
            .into_iter()
            .fold(Run::new(), |run, (name, value)| run.env(name, value));
        let run = run
            .metadata(metadata)
            .env("https_proxy", &url)
            .env("http_proxy", &url)
            .args(["--require-permission", "run.jobs.run"])
            .command(["true"]);
        let (finding, _) = finding(run, 77);
        assert_eq!(finding["code"], "proxy/denied");
        let head = proxy.asked()[0].head.clone();
        let connect = format!("CONNECT cloudresourcemanager.{host}:443 ");
        assert!(head.starts_with(&connect), "{head}");
        // The token goes into the tunnel alone.
        assert!(!head.contains(&healthy().token));
    }
    // Who requires no permission asks for no universe.
    Run::new().metadata(&metadata).command(["true"]).run();
    let asked = metadata.asked();
    assert_eq!(asked.iter().filter(|one| one.path == path).count(), 2);
}

#[test]
fn the_variable_is_a_list() {
    let fake = Fake::new([holds(&["run.jobs.run", "run.jobs.get"])]);
    require(&fake, &[])
        .env(
            "RUNUP_REQUIRE_PERMISSION",
            "run.jobs.run,run.jobs.get\nrun.jobs.run",
        )
        .stderr("runup: ready in [..], 2 permissions, [..]\n")
        .run();
}

#[test]
fn what_is_no_permission_is_refused() {
    for (name, says) in [
        ("roles/run.viewer", "a role"),
        ("storage.*", "one by one"),
        ("run.jobs", "SERVICE.RESOURCE.VERB"),
    ] {
        let run = Run::new().emulator().args(["--require-permission", name]);
        let done = run.command(["true"]).code(64).any_stderr().run();
        assert!(done.stderr.contains(says), "{}", done.stderr);
    }
    for metadata in ["off", "want"] {
        Run::new()
            .args(["--metadata", metadata, "--require-permission", "a.b.c"])
            .command(["true"])
            .code(64)
            .stderr("runup: --require-permission asks with the metadata server's token, [..]\n...")
            .run();
    }
}

#[test]
fn no_token_goes_in_clear_text_to_another_host() {
    for value in [
        "http://10.0.0.1/",
        "http://crm.example/",
        "ftp://127.0.0.1/",
    ] {
        Run::new()
            .emulator()
            .env(OVERRIDE, value)
            .args(["--require-permission", "a.b.c"])
            .command(["true"])
            .code(78)
            .stderr(format!(
                "runup: {OVERRIDE}: `{value}`: a token goes by https alone\n..."
            ))
            .run();
    }
}

#[test]
fn below_emulate_it_is_skipped() {
    // The emulated account is known to nobody; the real Resource Manager is not asked.
    let run = Run::new()
        .emulate()
        .args(["-v", "--require-permission", "run.jobs.run"])
        .command(["true"])
        .any_stderr()
        .run();
    let said = "skipped: the emulated account is not known to the Resource Manager";
    assert!(run.stderr.contains(said), "{}", run.stderr);
    let fake = Fake::new([holds(&[])]);
    let run = require(&fake, &["run.jobs.run"]).emulate();
    assert_eq!(finding(run, 77).0["code"], "permission/missing");
}

#[test]
fn with_on_failure_warn_the_command_is_started() {
    let fake = Fake::new([holds(&[])]);
    let run = require(&fake, &["run.jobs.run"]).args(["--on-failure", "warn"]);
    run.stderr("runup: warning: Resource Manager: [..]\n...\nrunup: ready in [..]\n")
        .run();
}
