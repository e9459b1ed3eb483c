//! That the lab is what it says: each of its pieces, seen by a client that has nothing to do with runup.

use runup::metadata::{FLAVOR, FLAVOR_VALUE, HOST};

use crate::dns::Dns;
use crate::lab::{Lab, NEXUS, PUBLIC};
use crate::server::{Ca, response};
use crate::squid::Policy;
use crate::tools;

fn hello(_: &str) -> String {
    response("200 OK", &["Content-Type: text/plain"], "hello")
}

#[test]
fn a_namespace_has_no_way_out() {
    need!("curl");
    let lab = Lab::new();
    // 192.0.2.0/24 is for documentation: nobody is there, and nothing must be sent there.
    let run = lab.job("curl").args(["-sS", "http://192.0.2.1/"]).run();
    run.fails_saying(&["192.0.2.1"]);
    assert!(run.elapsed.as_secs() < 5, "{run:?}");
}

#[test]
fn names_resolve_as_the_name_server_says() {
    need!("getent");
    let table = [
        (
            Lab::new(),
            "metadata.google.internal",
            Some("169.254.169.254"),
        ),
        (
            Lab::new(),
            "metadata.google.internal.",
            Some("169.254.169.254"),
        ),
        (Lab::new(), "nobody.example", None),
        (
            Lab::with_hijacked(crate::lab::METADATA, PUBLIC.1),
            HOST,
            Some("203.0.113.5"),
        ),
        (Lab::with_dns(&Dns::Refuses), HOST, None),
        (Lab::with_dns(&Dns::Dead), HOST, None),
    ];
    for (lab, name, address) in table {
        let run = lab.job("getent").args(["ahostsv4", name]).run();
        assert_eq!(
            run.stdout.split_whitespace().next(),
            address,
            "{name}: {run:?}"
        );
    }
}

#[test]
fn the_metadata_server_answers_and_its_log_tells() {
    need!("curl");
    let lab = Lab::new();
    let metadata = lab.metadata();
    let url = format!("http://{HOST}/computeMetadata/v1/instance/service-accounts/default/token");
    let header = format!("{FLAVOR}: {FLAVOR_VALUE}");
    let run = lab.job("curl").args(["-sSf", "-H", &header, &url]).run();
    assert!(run.succeeds().contains(metadata.token()), "{run:?}");
    let requests = metadata.requests();
    assert_eq!(requests.len(), 1, "{requests:?}");
    assert_eq!(requests[0].host.as_deref(), Some(HOST));
}

#[test]
fn squid_denies_or_allows_and_its_log_tells() {
    need!("curl", "squid");
    for (policy, status, trace) in [
        (Policy::Deny, "403", "TCP_DENIED/403"),
        (Policy::Allow, "200", "TCP_MISS/200"),
    ] {
        let lab = Lab::new();
        let public = lab.http(PUBLIC, 80, hello);
        let squid = lab.squid(policy);
        let run = lab
            .job("curl")
            .args(["-sSi", "http://public.example/"])
            .env("http_proxy", squid.url())
            .run();
        let page = run.succeeds();
        assert!(page.contains(&format!("HTTP/1.1 {status}")), "{page}");
        assert!(squid.log().contains(trace), "{}", squid.log());
        assert_eq!(public.requests().len(), usize::from(status == "200"));
        assert_eq!(
            page.contains("X-Squid-Error: ERR_ACCESS_DENIED"),
            status == "403"
        );
    }
}

#[test]
fn interception_takes_what_is_sent_directly_but_not_what_squid_sends() {
    need!("curl", "squid", "nft");
    // Where Squid passes a request on, it adds X-Forwarded-For, and the metadata server refuses that too.
    for (policy, genuine) in [(Policy::Deny, false), (Policy::Allow, true)] {
        let lab = Lab::new();
        let metadata = lab.metadata();
        let _squid = lab.squid(policy);
        lab.intercept_metadata();
        let run = lab
            .job("curl")
            .args(["-sSi", "http://169.254.169.254/"])
            .run();
        let page = run.succeeds();
        assert!(page.starts_with("HTTP/1.1 403"), "{page}");
        assert!(page.contains("(squid/5."), "{page}");
        assert_eq!(page.contains("Metadata-Flavor: Google"), genuine, "{page}");
        assert_eq!(metadata.requests().len(), usize::from(genuine));
    }
}

#[test]
fn dropped_connections_are_met_with_silence() {
    need!("curl", "nft");
    let lab = Lab::new();
    let metadata = lab.metadata();
    lab.drop_connections(crate::lab::METADATA, 80);
    let run = lab
        .job("curl")
        .args(["-sS", "--max-time", "1", "http://169.254.169.254/"])
        .run();
    // 28: the operation timed out.
    run.exits(28);
    assert!(metadata.requests().is_empty());
}

#[test]
fn an_internal_https_host_is_trusted_with_its_own_authority_only() {
    need!("curl");
    let lab = Lab::new();
    let ca = Ca::new("Corp Root");
    let _nexus = lab.https(NEXUS, 8443, ca.serve(NEXUS.0), hello);
    let url = "https://nexus.corp.example:8443/";
    // 60: the peer's certificate cannot be verified.
    lab.job("curl").args(["-sS", url]).run().exits(60);
    let run = lab
        .job("curl")
        .args(["-sS", url])
        .env("SSL_CERT_FILE", lab.file("corp.pem", &ca.pem()))
        .run();
    assert_eq!(run.succeeds(), "hello");
}

#[test]
fn python_and_node_get_the_token() {
    need!("google-auth", "google-auth-library");
    let lab = Lab::new();
    let metadata = lab.metadata();
    for client in [tools::python_token(), tools::node_token()] {
        let run = lab.job(&client[0]).args(&client[1..]).run();
        assert_eq!(run.succeeds(), metadata.token());
    }
}
