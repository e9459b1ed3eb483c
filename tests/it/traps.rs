//! What keeps Google's clients from the service account that the metadata server has.

use std::fs;
use std::path::Path;

use serde_json::Value;

use crate::support::{READY, Run};

const SECRET: &str = "hunter2-do-not-print";

/// The findings of a run that starts its command, without a secret in any output.
#[track_caller]
fn found(run: Run) -> Vec<Value> {
    let done = run
        .args(["--log-format", "json"])
        .command(["true"])
        .any_stderr()
        .run();
    assert!(!done.stderr.contains(SECRET), "{}", done.stderr);
    done.findings()
}

#[track_caller]
fn is_one(run: Run, code: &str, says: &str) {
    let findings = found(run);
    assert_eq!(findings.len(), 1, "{findings:?}");
    assert_eq!(findings[0]["code"], code);
    assert_eq!(findings[0]["severity"], "warning");
    assert!(findings[0].to_string().contains(says), "{}", findings[0]);
}

fn key(account: &str) -> String {
    format!(
        r#"{{"type": "service_account", "client_email": "{account}", "private_key": "{SECRET}"}}"#
    )
}

fn write(path: impl AsRef<Path>, text: &str) {
    let path = path.as_ref();
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, text).unwrap();
}

#[test]
fn a_key_file_that_wins_is_told_with_both_accounts() {
    let run = Run::new().emulator();
    let path = run.home().join("key.json");
    write(&path, &key("other@p.iam.gserviceaccount.com"));
    is_one(
        run.env("GOOGLE_APPLICATION_CREDENTIALS", &path),
        "adc/shadowed",
        "lets the libraries act as `other@p.iam.gserviceaccount.com`, not as `runup-emulator@emulated.iam.gserviceaccount.com`",
    );
}

#[test]
fn a_key_of_the_same_account_or_without_a_metadata_server_is_no_warning() {
    let same = "runup-emulator@emulated.iam.gserviceaccount.com";
    for (run, account) in [
        (Run::new().emulator(), same),
        (Run::new().off(), "other@p.iam.gserviceaccount.com"),
    ] {
        let path = run.home().join("key.json");
        write(&path, &key(account));
        run.env("GOOGLE_APPLICATION_CREDENTIALS", &path)
            .command(["true"])
            .stderr(READY)
            .run();
    }
}

#[test]
fn default_credentials_in_the_image_are_told() {
    let file = format!(r#"{{"type": "authorized_user", "refresh_token": "{SECRET}"}}"#);
    let run = Run::new().emulator();
    let path = run
        .home()
        .join(".config/gcloud/application_default_credentials.json");
    write(&path, &file);
    is_one(
        run,
        "adc/well-known-file",
        "act as the `authorized_user` in it",
    );
    let run = Run::new().emulator();
    let directory = run.home().join("c");
    write(
        directory.join("application_default_credentials.json"),
        &file,
    );
    is_one(
        run.env("CLOUDSDK_CONFIG", &directory),
        "adc/well-known-file",
        "before they ask the metadata server",
    );
}

#[test]
fn another_account_in_gclouds_configuration_is_told() {
    let configured = |run: Run| {
        let directory = run.home().join(".config/gcloud");
        write(directory.join("active_config"), "default");
        let text = "[core]\naccount = old@corp.example\n";
        write(directory.join("configurations/config_default"), text);
        run
    };
    is_one(
        configured(Run::new().emulator()),
        "adc/gcloud-account",
        "does not have any valid credentials",
    );
    is_one(
        Run::new()
            .emulator()
            .env("CLOUDSDK_CORE_ACCOUNT", "old@corp.example"),
        "adc/gcloud-account",
        "--remove-env-vars=CLOUDSDK_CORE_ACCOUNT",
    );
    let run = configured(Run::new().emulator());
    let stored = ".config/gcloud/legacy_credentials/old@corp.example/adc.json";
    write(run.home().join(stored), SECRET);
    let codes: Vec<_> = found(run)
        .iter()
        .map(|finding| finding["code"].clone())
        .collect();
    assert_eq!(codes, ["adc/gcloud-account", "adc/stored-credentials"]);
}

#[test]
fn credentials_that_variables_give_are_told_without_them() {
    for (name, code) in [
        ("CLOUDSDK_AUTH_ACCESS_TOKEN", "adc/access-token"),
        ("CLOUDSDK_AUTH_ACCESS_TOKEN_FILE", "adc/access-token"),
        ("GOOGLE_OAUTH_ACCESS_TOKEN", "adc/access-token"),
        (
            "CLOUDSDK_AUTH_CREDENTIAL_FILE_OVERRIDE",
            "adc/gcloud-key-file",
        ),
    ] {
        is_one(Run::new().emulator().env(name, SECRET), code, name);
    }
    // A note, so that it is not told where all is well.
    Run::new()
        .emulator()
        .env("CLOUDSDK_AUTH_IMPERSONATE_SERVICE_ACCOUNT", SECRET)
        .command(["true"])
        .stderr(READY)
        .run();
}

#[test]
fn variables_that_deny_or_move_the_metadata_server_are_told() {
    for (name, value) in [
        ("METADATA_SERVER_DETECTION", "none"),
        ("METADATA_SERVER_DETECTION", "perhaps"),
        ("NO_GCE_CHECK", "true"),
        ("CLOUDSDK_CORE_CHECK_GCE_METADATA", "False"),
        ("GCE_METADATA_TIMEOUT", "0"),
    ] {
        let run = Run::new().emulator().env(name, value);
        is_one(run, "adc/metadata-detection", &format!("{name}={value}"));
    }
    let run = Run::new()
        .emulator()
        .env("GCE_METADATA_ROOT", "mds.example:8080");
    is_one(
        run,
        "adc/metadata-address",
        "GCE_METADATA_ROOT=mds.example:8080",
    );
}

#[test]
fn a_home_that_cannot_be_used_is_no_failure_and_one_that_is_missing_is_set() {
    let run = Run::new().emulator().env("HOME", "/proc");
    run.command(["true"]).stderr(READY).run();
    let done = Run::new()
        .emulator()
        .env("HOME", "")
        .command(["printenv", "HOME"])
        .any_stdout()
        .any_stderr()
        .run();
    assert!(Path::new(done.text().trim()).is_dir(), "{:?}", done.text());
}
