//! The real gcloud by itself, without runup: what goes wrong today, and that it does.

use crate::dns::Dns;
use crate::lab::Lab;
use crate::squid::Policy;

#[test]
fn all_well_and_gcloud_prints_the_token() {
    need!("gcloud");
    let lab = Lab::new();
    let metadata = lab.metadata();
    let run = lab.gcloud_token().run();
    assert_eq!(run.succeeds(), metadata.token());
}

#[test]
fn a_proxy_variable_sends_gcloud_to_squid() {
    need!("gcloud", "squid");
    let lab = Lab::new();
    let _metadata = lab.metadata();
    let squid = lab.squid(Policy::Deny);
    let run = lab
        .gcloud_token()
        .env("HTTP_PROXY", squid.url())
        .env("http_proxy", squid.url())
        .run();
    run.fails_saying(&["Status: 403", "<!DOCTYPE html", "squid"]);
    assert!(squid.log().contains("http://metadata.google.internal/"));
}

#[test]
fn gclouds_own_proxy_variables_make_it_ignore_no_proxy() {
    need!("gcloud", "squid");
    let lab = Lab::new();
    let _metadata = lab.metadata();
    let squid = lab.squid(Policy::Deny);
    let run = lab
        .gcloud_token()
        .env("CLOUDSDK_PROXY_TYPE", "http")
        .env("CLOUDSDK_PROXY_ADDRESS", squid.host())
        .env("CLOUDSDK_PROXY_PORT", squid.port().to_string())
        .env("NO_PROXY", "metadata.google.internal,169.254.169.254")
        .env("no_proxy", "metadata.google.internal,169.254.169.254")
        .run();
    run.fails_saying(&["Status: 403", "squid"]);
    assert!(squid.log().contains("http://metadata.google.internal/"));
}

#[test]
fn interception_keeps_gcloud_from_its_account() {
    need!("gcloud", "squid", "nft");
    let lab = Lab::new();
    let metadata = lab.metadata();
    let squid = lab.squid(Policy::Deny);
    lab.intercept_metadata();
    lab.gcloud_token()
        .run()
        .fails_saying(&["gcloud.auth.print-access-token"]);
    assert!(squid.log().contains("TCP_DENIED/403"), "{}", squid.log());
    assert!(metadata.requests().is_empty());
}

#[test]
fn a_late_metadata_server_is_remembered_as_none() {
    need!("gcloud");
    let lab = Lab::new();
    let early = lab.gcloud_token().run();
    early.fails_saying(&["active account"]);
    let metadata = lab.metadata();
    lab.gcloud_token().run().fails_saying(&["active account"]);
    assert!(metadata.requests().is_empty(), "it was asked after all");
    let cache = lab.home().join(".config/gcloud/gce");
    assert_eq!(std::fs::read_to_string(cache).unwrap(), "False");
}

#[test]
fn without_dns_gcloud_does_not_find_the_address() {
    need!("gcloud");
    let lab = Lab::with_dns(&Dns::Dead);
    let metadata = lab.metadata();
    lab.gcloud_token().run().fails_saying(&["active account"]);
    assert!(metadata.requests().is_empty());
}
