//! The environment that the command finds.

use std::fs;
use std::os::unix::fs::PermissionsExt;

use crate::support::{Answer, Done, Fake, READY, Run, http};

const MANDATORY: [&str; 7] = [
    "localhost",
    "127.0.0.1",
    "::1",
    "metadata",
    "metadata.google.internal",
    "metadata.google.internal.",
    "169.254.169.254",
];

const PROXIES: [&str; 6] = [
    "http_proxy",
    "HTTP_PROXY",
    "https_proxy",
    "HTTPS_PROXY",
    "all_proxy",
    "ALL_PROXY",
];

const SQUID: &str = "http://squid.corp.example:3128";

/// What the command finds.
#[track_caller]
fn found(run: Run) -> Done {
    run.command(["printenv", "-0"])
        .any_stdout()
        .any_stderr()
        .run()
}

/// The list, which must be the same in both spellings.
#[track_caller]
fn bypass(done: &Done) -> Vec<String> {
    let list = done.variable("no_proxy").unwrap();
    assert_eq!(done.variable("NO_PROXY").unwrap(), list);
    assert!(!list.contains([' ', ';', '\n', '"', '\'']), "{list}");
    list.split(',').map(str::to_owned).collect()
}

#[test]
fn both_lists_are_one_with_the_mandatory_entries() {
    for run in [
        Run::new().emulator(),
        Run::new().emulate(),
        Run::new().off(),
    ] {
        let list = bypass(&found(run));
        for entry in MANDATORY {
            assert!(list.iter().any(|e| e == entry), "{entry} in {list:?}");
        }
    }
}

#[test]
fn every_entry_of_the_user_stays() {
    let done = found(
        Run::new()
            .emulator()
            .env("http_proxy", SQUID)
            .env(
                "no_proxy",
                "nexus.corp.example, .corp.example;10.0.0.0/24\n'jira'",
            )
            .env(
                "NO_PROXY",
                "\"GitHub.Corp.Example\"  http://wiki.corp.example/ localhost",
            ),
    );
    let list = bypass(&done);
    for entry in MANDATORY.into_iter().chain([
        "nexus.corp.example",
        ".corp.example",
        "10.0.0.0/24",
        "jira",
        "github.corp.example",
        "wiki.corp.example",
    ]) {
        assert_eq!(
            list.iter().filter(|e| *e == entry).count(),
            1,
            "{entry} in {list:?}"
        );
    }
}

#[test]
fn direct_hosts_join_the_list() {
    let list = bypass(&found(
        Run::new().off().args(["--direct", "nexus.corp.example"]),
    ));
    assert!(list.contains(&"nexus.corp.example".to_owned()), "{list:?}");
}

#[test]
fn gclouds_own_proxy_is_taken_out_with_a_warning() {
    let done = Run::new()
        .emulator()
        .env("CLOUDSDK_PROXY_TYPE", "http")
        .env("CLOUDSDK_PROXY_ADDRESS", "squid.corp.example")
        .env("CLOUDSDK_PROXY_PORT", "3128")
        .env("CLOUDSDK_PROXY_USERNAME", "user")
        .env("CLOUDSDK_PROXY_PASSWORD", "hunter2")
        .command(["printenv", "-0"])
        .any_stdout()
        .stderr(format!(
            "...\nrunup: warning: proxy variables: [..]CLOUDSDK_PROXY_ADDRESS=squid.corp.example[..]\n...\n  code   proxy/cloudsdk-proxy (runup explain proxy/cloudsdk-proxy)\n...\n{READY}"
        ))
        .run();
    assert!(!done.text().contains("CLOUDSDK_PROXY_"));
    assert!(!done.stderr.contains("hunter2"), "{}", done.stderr);
}

#[test]
fn strip_takes_every_proxy_out() {
    let mut run = Run::new().off().args(["--proxy", "strip"]);
    for name in PROXIES
        .into_iter()
        .chain(["CLOUDSDK_PROXY_ADDRESS", "CLOUDSDK_PROXY_PORT"])
    {
        run = run.env(
            name,
            if name.ends_with("PORT") {
                "3128"
            } else {
                SQUID
            },
        );
    }
    let done = found(run);
    assert!(!done.text().contains("squid"), "{}", done.text());
    bypass(&done);
}

#[test]
fn keep_changes_no_proxy_variable() {
    let run = Run::new()
        .off()
        .args(["--proxy", "keep"])
        .env("http_proxy", SQUID)
        .env("NO_PROXY", "a b")
        .env("CLOUDSDK_PROXY_ADDRESS", "squid");
    let done = found(run);
    assert_eq!(done.variable("http_proxy").as_deref(), Some(SQUID));
    assert_eq!(done.variable("NO_PROXY").as_deref(), Some("a b"));
    assert_eq!(done.variable("no_proxy"), None);
    assert_eq!(done.variable("https_proxy"), None);
    assert_eq!(
        done.variable("CLOUDSDK_PROXY_ADDRESS").as_deref(),
        Some("squid")
    );
}

#[test]
fn keep_says_where_metadata_requests_would_go() {
    Run::new()
        .off()
        .args(["--proxy", "keep"])
        .env("http_proxy", SQUID)
        .env("https_proxy", SQUID)
        .command(["true"])
        .stderr(format!(
            "...\n  code   proxy/metadata-proxied (runup explain proxy/metadata-proxied)\n...\n{READY}"
        ))
        .run();
}

#[test]
fn bypass_touches_the_lists_alone() {
    let done = found(
        Run::new()
            .off()
            .args(["--proxy", "bypass"])
            .env("HTTP_PROXY", SQUID)
            .env("no_proxy", "nexus")
            .env("CLOUDSDK_PROXY_ADDRESS", "squid"),
    );
    assert!(bypass(&done).contains(&"nexus".to_owned()));
    assert_eq!(done.variable("HTTP_PROXY").as_deref(), Some(SQUID));
    assert_eq!(done.variable("http_proxy"), None);
    assert_eq!(
        done.variable("CLOUDSDK_PROXY_ADDRESS").as_deref(),
        Some("squid")
    );
}

#[test]
fn an_empty_key_file_is_unset() {
    let done = found(
        Run::new()
            .emulator()
            .env("GOOGLE_APPLICATION_CREDENTIALS", ""),
    );
    assert_eq!(done.variable("GOOGLE_APPLICATION_CREDENTIALS"), None);
}

#[test]
fn a_key_file_that_is_missing_or_none_is_78() {
    for (content, says) in [
        (None, "which does not exist"),
        (
            Some("-----BEGIN PRIVATE KEY-----\nhunter2"),
            "which is no key file",
        ),
        (Some(r#"{"type": "hunter2"}"#), "which is no key file"),
        (Some(""), "which is no key file"),
    ] {
        let run = Run::new().emulator();
        let key = run.home().join("key.json");
        if let Some(content) = content {
            fs::write(&key, content).unwrap();
        }
        let done = run
            .env("GOOGLE_APPLICATION_CREDENTIALS", &key)
            .command(["true"])
            .code(78)
            .stderr(format!(
                "runup: key file: `GOOGLE_APPLICATION_CREDENTIALS` names `{}`, {says}[..]\n...\n  code   adc/credentials-file (runup explain adc/credentials-file)\nrunup: did not start [..]\n",
                key.display()
            ).replace("exist[..]", "exist"))
            .run();
        assert!(!done.stderr.contains("hunter2"));
    }
}

#[test]
fn a_usable_key_file_is_kept() {
    let run = Run::new().emulator();
    let key = run.home().join("key.json");
    fs::write(
        &key,
        r#"{"type": "service_account", "private_key": "hunter2"}"#,
    )
    .unwrap();
    let done = found(run.env("GOOGLE_APPLICATION_CREDENTIALS", &key));
    assert_eq!(
        done.variable("GOOGLE_APPLICATION_CREDENTIALS").as_deref(),
        key.to_str()
    );
    // It has a project of its own.
    assert_eq!(done.variable("GOOGLE_CLOUD_PROJECT"), None);
}

#[test]
fn project_and_region_are_set() {
    for run in [Run::new().emulator(), Run::new().emulate()] {
        let done = found(run);
        for (name, value) in [
            ("GOOGLE_CLOUD_PROJECT", "emulated"),
            ("CLOUDSDK_CORE_PROJECT", "emulated"),
            ("GOOGLE_CLOUD_REGION", "us-central1"),
            ("CLOUDSDK_COMPUTE_REGION", "us-central1"),
            ("CLOUDSDK_RUN_REGION", "us-central1"),
        ] {
            assert_eq!(done.variable(name).as_deref(), Some(value), "{name}");
        }
    }
}

#[test]
fn the_users_project_and_region_are_kept() {
    let done = found(
        Run::new()
            .emulator()
            .env("GOOGLE_CLOUD_PROJECT", "mine")
            .env("CLOUDSDK_RUN_REGION", "europe-west3"),
    );
    assert_eq!(
        done.variable("GOOGLE_CLOUD_PROJECT").as_deref(),
        Some("mine")
    );
    assert_eq!(
        done.variable("CLOUDSDK_CORE_PROJECT").as_deref(),
        Some("mine")
    );
    assert_eq!(
        done.variable("CLOUDSDK_RUN_REGION").as_deref(),
        Some("europe-west3")
    );
}

#[test]
fn without_a_metadata_server_nothing_is_invented() {
    let done = found(Run::new().off());
    for name in [
        "GOOGLE_CLOUD_PROJECT",
        "CLOUDSDK_CORE_PROJECT",
        "GOOGLE_CLOUD_REGION",
    ] {
        assert_eq!(done.variable(name), None, "{name}");
    }
}

#[test]
fn a_metadata_host_of_the_users_is_spread_to_all_three_variables_or_left() {
    // Set by the user: no client is talked out of it.
    let done = found(Run::new().emulator());
    let host = done.variable("GCE_METADATA_HOST").unwrap();
    assert!(host.starts_with("127.0.0.1:"), "{host}");
    for name in ["GCE_METADATA_ROOT", "GCE_METADATA_IP"] {
        let value = done.variable(name);
        assert!(value.is_none() || value.as_ref() == Some(&host), "{name}");
    }
}

#[test]
fn below_emulate_every_client_is_led_to_the_emulator() {
    let done = found(Run::new().emulate().env("GCE_METADATA_ROOT", "elsewhere"));
    let host = done.variable("GCE_METADATA_HOST").unwrap();
    assert!(
        host.starts_with("127.0.0.1:") && !host.ends_with(":1"),
        "{host}"
    );
    for name in ["GCE_METADATA_ROOT", "GCE_METADATA_IP"] {
        assert_eq!(done.variable(name).unwrap(), host, "{name}");
    }
    assert!(bypass(&done).contains(&"127.0.0.1".to_owned()));
}

/// gcloud's directory with this answer in its cache.
fn with_cache(run: Run, answer: &str) -> Run {
    let directory = run.home().join(".config/gcloud");
    fs::create_dir_all(&directory).unwrap();
    fs::write(directory.join("gce"), answer).unwrap();
    run.shell("cat \"$HOME/.config/gcloud/gce\" 2>/dev/null || echo gone")
}

#[test]
fn gclouds_denial_is_forgotten_once_the_metadata_server_has_answered() {
    with_cache(Run::new().emulator(), "False")
        .stdout("gone\n")
        .run();
    with_cache(Run::new().emulator(), "True")
        .stdout("True")
        .run();
    with_cache(Run::new().off(), "False").stdout("False").run();
    let fake = Fake::new([http("404 Not Found").google()]);
    with_cache(
        Run::new().metadata(&fake).args(["--metadata", "want"]),
        "False",
    )
    .stdout("False")
    .any_stderr()
    .run();
}

#[test]
fn gcloud_gets_a_directory_where_its_own_cannot_be_written() {
    // Nobody may write there, not even root.
    let done = Run::new()
        .emulator()
        .env("CLOUDSDK_CONFIG", "/proc/gcloud")
        .shell("printf %s \"$CLOUDSDK_CONFIG\"; touch \"$CLOUDSDK_CONFIG/x\"")
        .any_stdout()
        .called_by("export TMPDIR=\"$HOME\"")
        .run();
    let directory = std::path::Path::new(done.text());
    assert!(directory.starts_with(done.home()), "{}", done.text());
    let mode = fs::metadata(directory).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o700);
}

#[test]
fn a_directory_that_can_be_written_stays() {
    let done = found(Run::new().emulator());
    assert_eq!(done.variable("CLOUDSDK_CONFIG"), None);
    assert_eq!(
        fs::read_dir(done.home()).unwrap().count(),
        0,
        "a file was left"
    );
}

#[test]
fn nothing_else_is_changed() {
    let done = found(
        Run::new()
            .emulator()
            .env("OTHER", "a\nb=c ")
            .env("EMPTY", ""),
    );
    assert_eq!(done.variable("OTHER").as_deref(), Some("a\nb=c "));
    assert_eq!(done.variable("EMPTY").as_deref(), Some(""));
    let mut names: Vec<_> = done
        .text()
        .split_terminator('\0')
        .map(|entry| entry.split('=').next().unwrap())
        .collect();
    names.sort_unstable();
    assert_eq!(
        names,
        [
            "CLOUDSDK_COMPUTE_REGION",
            "CLOUDSDK_CORE_PROJECT",
            "CLOUDSDK_RUN_REGION",
            "EMPTY",
            "GCE_METADATA_HOST",
            "GOOGLE_CLOUD_PROJECT",
            "GOOGLE_CLOUD_REGION",
            "HOME",
            "NO_PROXY",
            "OTHER",
            "PATH",
            "no_proxy",
        ]
    );
}

#[test]
fn a_second_runup_changes_nothing_more() {
    let once = found(
        Run::new()
            .emulator()
            .env("http_proxy", SQUID)
            .env("NO_PROXY", "a b"),
    );
    let twice = Run::new()
        .emulator()
        .env("http_proxy", SQUID)
        .env("NO_PROXY", "a b")
        .command([env!("CARGO_BIN_EXE_runup"), "printenv", "-0"])
        .any_stdout()
        .any_stderr()
        .run();
    for name in [
        "http_proxy",
        "https_proxy",
        "NO_PROXY",
        "no_proxy",
        "GOOGLE_CLOUD_PROJECT",
    ] {
        assert_eq!(once.variable(name), twice.variable(name), "{name}");
    }
    assert_eq!(twice.stderr.matches("ready in").count(), 2);
    let last = twice.stderr.lines().last().unwrap();
    assert!(last.ends_with("project emulated"), "no edits: {last}");
}

#[test]
fn a_region_that_does_not_come_is_not_waited_for() {
    // The region is a convenience: that it hangs must not cost the run.
    let fake = Fake::at("/computeMetadata/v1/instance/region", [Answer::Hang]);
    let done = found(Run::new().metadata(&fake).args(["--timeout", "20s"]));
    assert_eq!(
        done.variable("GOOGLE_CLOUD_PROJECT").as_deref(),
        Some("emulated")
    );
}

#[test]
fn a_list_that_grew_too_long_for_the_kernel_is_named() {
    // A variable may have 32 pages, its name and its end included: this one is just short enough to reach runup.
    let mut list: String = (0..)
        .map(|number| format!("host{number}.corp.example,"))
        .take(9000)
        .collect();
    list.truncate(131_072 - "no_proxy=".len() - 1);
    for parent in [&[][..], &["--emulate"]] {
        let done = Run::new()
            .off()
            .args(parent.iter().copied())
            .env("http_proxy", "http://proxy.corp.example:3128")
            .env("no_proxy", &list)
            .shell("echo started")
            .code(126)
            .any_stderr()
            .run();
        let said = &done.stderr;
        let line = said
            .lines()
            .find(|line| line.contains("cannot run"))
            .unwrap();
        assert!(line.contains("too long for the kernel: `"), "{line}");
        assert!(line.to_lowercase().contains("`no_proxy` has 13"), "{line}");
        assert!(said.contains("help   shorten `"), "{said}");
    }
}
