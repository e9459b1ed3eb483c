//! What runup is for: each network in which the real clients fail by themselves, and what becomes of it under runup.
//! How gcloud fails there alone stands in `alone`.

use std::fs;
use std::time::Duration;

use runup::metadata::emulator::Identity;

use crate::dns::Dns;
use crate::job::{Job, Outcome};
use crate::lab::{GCLOUD_TOKEN, Host, Lab, METADATA, NEXUS, PORTAL, PUBLIC};
use crate::server::{Ca, Metadata, response};
use crate::squid::{Policy, Squid};
use crate::tools;

/// Unavailable, denied: the exit codes of sysexits.h that runup gives them.
const UNAVAILABLE: i32 = 69;
const DENIED: i32 = 77;

/// What is said of each failure to reach the metadata server.
const NOT_IAM: &str = "It is not IAM, not the service account and not the token.";

/// gcloud under runup.
fn gcloud_under_runup(lab: &Lab) -> Job<'_> {
    lab.runup().args(["--", "gcloud"]).args(GCLOUD_TOKEN)
}

/// What must never be said.
const PASSWORD: &str = "hunter2";

/// That the command ran and printed the token, and that runup told neither that nor the proxy's password.
#[track_caller]
fn prints_the_token(run: &Outcome, metadata: &Metadata) {
    assert_eq!(run.succeeds(), metadata.token());
    assert!(!run.stderr.contains(metadata.token()), "{run:#?}");
    assert!(!run.stderr.contains(PASSWORD), "{run:#?}");
}

/// The variables that send everything to `squid`, with a password that it does not ask for.
fn proxied<'a>(job: Job<'a>, squid: &Squid) -> Job<'a> {
    let url = squid.url().replace("//", &format!("//someone:{PASSWORD}@"));
    ["HTTP_PROXY", "http_proxy", "HTTPS_PROXY", "https_proxy"]
        .into_iter()
        .fold(job, |job, name| job.env(name, &url))
}

#[test]
fn proxy_variables_no_longer_reach_gcloud() {
    need!("gcloud", "squid");
    let lab = Lab::new();
    let metadata = lab.metadata();
    let squid = lab.squid(Policy::Deny);
    prints_the_token(&proxied(gcloud_under_runup(&lab), &squid).run(), &metadata);
    assert_eq!(squid.log(), "");
}

#[test]
fn gclouds_own_proxy_variables_are_taken_out() {
    need!("gcloud", "squid");
    let lab = Lab::new();
    let metadata = lab.metadata();
    let squid = lab.squid(Policy::Deny);
    let run = gcloud_under_runup(&lab)
        .env("CLOUDSDK_PROXY_TYPE", "http")
        .env("CLOUDSDK_PROXY_ADDRESS", squid.host())
        .env("CLOUDSDK_PROXY_PORT", squid.port().to_string())
        .env("CLOUDSDK_PROXY_USERNAME", "someone")
        .env("CLOUDSDK_PROXY_PASSWORD", PASSWORD)
        .run();
    prints_the_token(&run, &metadata);
    run.says(&["CLOUDSDK_PROXY_ADDRESS"]);
    assert_eq!(squid.log(), "");
}

#[test]
fn a_proxy_in_gclouds_configuration_is_forgotten() {
    need!("gcloud", "squid");
    let lab = Lab::new();
    let metadata = lab.metadata();
    let squid = lab.squid(Policy::Deny);
    let configurations = lab.home().join(".config/gcloud/configurations");
    fs::create_dir_all(&configurations).unwrap();
    let (host, port) = (squid.host(), squid.port());
    let ini = format!("[proxy]\ntype = http\naddress = {host}\nport = {port}\n");
    fs::write(configurations.join("config_default"), &ini).unwrap();
    fs::write(configurations.with_file_name("active_config"), "default").unwrap();

    lab.gcloud_token()
        .run()
        .fails_saying(&["Status: 403", "squid"]);
    let before = squid.log();
    assert_ne!(before, "");
    let run = gcloud_under_runup(&lab).run();
    prints_the_token(&run, &metadata);
    run.says(&["gcloud's configuration", "proxy/gcloud-config"]);
    assert_eq!(squid.log(), before);
    let kept = fs::read_to_string(configurations.join("config_default")).unwrap();
    assert_eq!(kept, ini, "the user's own file is left alone");
}

#[test]
fn python_and_node_go_direct_too() {
    need!("squid", "google-auth", "google-auth-library");
    let lab = Lab::new();
    let metadata = lab.metadata();
    let squid = lab.squid(Policy::Deny);
    for client in [tools::python_token(), tools::node_token()] {
        let alone = lab.job(&client[0]).args(&client[1..]);
        let alone = proxied(alone, &squid).run();
        assert!(alone.stdout.is_empty(), "{alone:#?}");
        let before = squid.log();
        assert_ne!(before, "");
        let run = lab.runup().arg("--").args(&client);
        prints_the_token(&proxied(run, &squid).run(), &metadata);
        assert_eq!(squid.log(), before);
    }
}

#[test]
fn interception_is_named_with_who_answered() {
    need!("squid", "nft");
    for policy in [Policy::Deny, Policy::Allow, Policy::Launder] {
        let lab = Lab::new();
        let metadata = lab.metadata();
        let _squid = lab.squid(policy);
        lab.intercept_metadata();
        let run = lab
            .runup()
            .args(["--timeout", "3s", "echo", "started"])
            .run();
        run.exits(UNAVAILABLE).teaches(
            "metadata/intercepted",
            &[
                "squid/5.",
                "the network diverts port 80 of 169.254.169.254 into a proxy",
                "No proxy variable is involved",
                NOT_IAM,
            ],
            &[
                "network team: exempt 169.254.169.254/32",
                "job owner: deploy with --vpc-egress=private-ranges-only",
            ],
        );
        assert_eq!(run.stdout, "");
        assert!(!run.stderr.contains(metadata.token()), "{run:#?}");
    }
}

#[test]
fn a_late_metadata_server_is_waited_for() {
    need!("gcloud");
    let lab = Lab::new();
    let job = gcloud_under_runup(&lab).start();
    let metadata = lab.metadata_after(Duration::from_secs(6));
    let run = job.finish();
    prints_the_token(&run, &metadata);
    run.says(&["waiting", "refused"]);
    assert!(run.elapsed > Duration::from_secs(6), "{run:#?}");
}

#[test]
fn what_gcloud_remembers_of_a_late_metadata_server_is_forgotten() {
    need!("gcloud");
    let lab = Lab::new();
    lab.gcloud_token().run().fails_saying(&["active account"]);
    let metadata = lab.metadata();
    prints_the_token(&gcloud_under_runup(&lab).run(), &metadata);
}

#[test]
fn silence_ends_at_the_timeout() {
    need!("nft");
    let lab = Lab::new();
    let _metadata = lab.metadata();
    lab.drop_connections(METADATA, 80);
    let run = lab
        .runup()
        .args(["--timeout", "4s", "echo", "started"])
        .run();
    run.exits(UNAVAILABLE).teaches(
        "metadata/timeout",
        &[
            "packets to 169.254.169.254 port 80 are dropped on the way",
            "did not answer in time",
            NOT_IAM,
        ],
        &["network team: no firewall rule or network policy may drop 169.254.169.254 port 80"],
    );
    assert_eq!(run.stdout, "");
    let seconds = run.elapsed.as_secs_f32();
    assert!((3.0..=5.0).contains(&seconds), "{run:#?}");
}

#[test]
fn without_dns_the_address_will_do() {
    need!("gcloud");
    for dns in [Dns::Dead, Dns::Refuses] {
        let lab = Lab::with_dns(&dns);
        let metadata = lab.metadata();
        prints_the_token(&gcloud_under_runup(&lab).run(), &metadata);
    }
}

#[test]
fn who_else_answers_under_the_name_is_named() {
    need!();
    type Words = &'static [&'static str];
    type Case = (&'static str, fn(&str) -> String, &'static str, Words, Words);
    const PAGE: &str = "leads metadata.google.internal to a web server that answers everybody";
    const RESOLVE: &str = "network team: let metadata.google.internal resolve to 169.254.169.254";
    const ELSEWHERE: &str = "job owner: run it on Google Cloud";
    let table: [Case; 5] = [
        (
            "a captive page",
            |_| {
                let page = "<html><title>CorpNet login</title>Welcome</html>";
                response("200 OK", &["Content-Type: text/html"], page)
            },
            "metadata/captive-page",
            &["CorpNet login", PAGE, NOT_IAM],
            &[RESOLVE],
        ),
        (
            "a redirect to one",
            |_| {
                let place = "Location: http://portal.example/login";
                response("302 Found", &[place], "")
            },
            "metadata/redirected",
            &["portal.example", PAGE, NOT_IAM],
            &[RESOLVE],
        ),
        (
            "Amazon EC2",
            |_| response("401 Unauthorized", &["Server: EC2ws"], ""),
            "metadata/other-cloud",
            &["Amazon", "does not run on Google Cloud", NOT_IAM],
            &[ELSEWHERE],
        ),
        (
            "Azure",
            |_| {
                let page = r#"{"error": "Bad request. Required metadata header not specified"}"#;
                response("400 Bad Request", &["Server: IMDS/150.870.65.1"], page)
            },
            "metadata/other-cloud",
            &["Azure", "does not run on Google Cloud", NOT_IAM],
            &[ELSEWHERE],
        ),
        (
            "any web server",
            |_| response("404 Not Found", &["Server: nginx"], "no such page"),
            "metadata/not-google",
            &["lacks `Metadata-Flavor: Google`", NOT_IAM],
            &["network team: find out what answers on port 80 of 169.254.169.254"],
        ),
    ];
    for (who, respond, code, cause, remedy) in table {
        let lab = Lab::with_hijacked(METADATA, PORTAL.1);
        let portal = lab.http(PORTAL, 80, respond);
        let run = || {
            lab.runup()
                .args(["--timeout", "2s", "echo", "started"])
                .run()
        };
        let without = run();
        // The command's clients would believe the name, so that the address tells the truth does not help.
        let _metadata = lab.metadata();
        let with = run();
        for run in [without, with] {
            run.exits(UNAVAILABLE).teaches(code, cause, remedy);
            assert_eq!(run.stdout, "", "{who}");
        }
        assert!(!portal.requests().is_empty(), "{who}");
    }
}

#[test]
fn the_wrong_identity_is_told_at_once() {
    need!();
    let lab = Lab::new();
    let metadata = lab.metadata_of(Identity {
        email: "compute@developer.example".into(),
        ..Identity::default()
    });
    let run = lab
        .runup()
        .args([
            "--service-account",
            "mgmt@myproject.example",
            "echo",
            "started",
        ])
        .run();
    run.exits(DENIED).teaches(
        "identity/mismatch",
        &["the command would act as `compute@developer.example`. Roles granted to `mgmt@myproject.example` would not count"],
        &[
            "job owner: gcloud run jobs update JOB --service-account=mgmt@myproject.example",
            "or expect the one that is there: --service-account compute@developer.example",
        ],
    );
    // Here IAM may well be it.
    assert!(!run.stderr.contains(NOT_IAM), "{run:#?}");
    assert_eq!(run.stdout, "");
    assert!(!run.stderr.contains(metadata.token()));
    assert!(run.elapsed < Duration::from_secs(10), "{run:#?}");
}

#[test]
fn internal_hosts_go_direct_and_public_ones_by_the_proxy() {
    need!("curl", "squid", "nft", "sh");
    fn hello(_: &str) -> String {
        response("200 OK", &["Content-Type: text/plain"], "hello\n")
    }
    const NEXUS_URL: &str = "https://nexus.corp.example:8443/";
    let public_url = format!("http://{}/", PUBLIC.0);
    let script = format!("curl -sSf {NEXUS_URL} && curl -sSf {public_url}");

    let lab = Lab::new();
    let _metadata = lab.metadata();
    let squid = lab.squid(Policy::Allow);
    let ca = Ca::new("Corp Root");
    let nexus = lab.https(NEXUS, 8443, ca.serve(NEXUS.0), hello);
    let public = lab.http(PUBLIC, 80, hello);
    lab.reserve_for_squid(PUBLIC);
    let direct = lab.job("curl").args(["-sS", &public_url]).run();
    direct.fails_saying(&["curl"]);
    let file = lab.file("corp.pem", &ca.pem());

    let alone = proxied(lab.job("sh"), &squid).args(["-c", &script]);
    assert_eq!(
        alone.env("SSL_CERT_FILE", &file).run().succeeds(),
        "hello\nhello"
    );
    assert!(
        squid.log().contains("CONNECT nexus.corp.example:8443"),
        "{}",
        squid.log()
    );
    let before = squid.log();

    let run = proxied(lab.runup(), &squid)
        .args(["--direct", NEXUS.0, "--require", NEXUS_URL])
        .args(["--require", &public_url])
        .args(["--", "sh", "-c", &script])
        .env("SSL_CERT_FILE", &file)
        .run();
    assert_eq!(run.succeeds(), "hello\nhello");
    let after = squid.log();
    let since = after.strip_prefix(&before).unwrap();
    assert!(since.contains("GET http://public.example/"), "{since}");
    assert!(!since.contains(NEXUS.0), "{since}");
    // Once alone, then runup's own check and the command's request.
    assert_eq!((nexus.requests().len(), public.requests().len()), (3, 3));

    let distrusted = proxied(lab.runup(), &squid)
        .args([
            "--direct",
            NEXUS.0,
            "--require",
            NEXUS_URL,
            "--timeout",
            "3s",
        ])
        .args(["--", "echo", "started"])
        .run();
    assert!(!distrusted.status.success(), "{distrusted:#?}");
    distrusted.says(&["nexus.corp.example", "certificate"]);
}

/// A host that comes up late is waited for; one that does not is named.
#[test]
fn a_late_host_is_waited_for() {
    need!();
    fn hello(_: &str) -> String {
        response("200 OK", &[], "")
    }
    const LATE: Host = NEXUS;
    let lab = Lab::new();
    let _metadata = lab.metadata();
    let url = format!("tcp://{}:8081", LATE.0);
    let job = lab
        .runup()
        .args(["--require", &url, "echo", "started"])
        .start();
    std::thread::sleep(Duration::from_millis(1500));
    let late = lab.http(LATE, 8081, hello);
    assert_eq!(job.finish().succeeds(), "started");
    drop(late);
    let job = lab
        .runup()
        .args(["--require", &url, "--timeout", "1s", "echo", "started"]);
    job.run()
        .exits(UNAVAILABLE)
        .says(&["endpoint/refused", &url]);
}
