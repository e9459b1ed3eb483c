//! `runup env` and `runup route`: what they print, and that it is nothing else.

use crate::support::{Fake, Run, bin, http};

const SECRET: &str = "hunter2-do-not-print";

#[test]
fn a_shell_can_take_the_mended_environment() {
    let done = Run::new()
        .emulator()
        .env("ODD", "a 'b' $c `d` \"e\"\n\\")
        .env("NO_PROXY", "nexus jira")
        .alone()
        .command([
            "sh",
            "-c",
            r#"eval "$("$0" env)" && printenv -0"#,
            env!("CARGO_BIN_EXE_runup"),
        ])
        .any_stdout()
        .run();
    assert_eq!(
        done.variable("GOOGLE_CLOUD_PROJECT").as_deref(),
        Some("emulated")
    );
    assert_eq!(
        done.variable("ODD").as_deref(),
        Some("a 'b' $c `d` \"e\"\n\\")
    );
    let list = done.variable("no_proxy").unwrap();
    assert!(list.ends_with(",nexus,jira"), "{list}");
}

#[test]
fn every_form_holds_the_same() {
    let forms = ["json", "dotenv"].map(|form| {
        Run::new()
            .emulator()
            .args(["env", "--format", form])
            .any_stdout()
            .stderr("")
            .run()
    });
    let json: serde_json::Value = serde_json::from_str(forms[0].text()).unwrap();
    assert_eq!(json["GOOGLE_CLOUD_PROJECT"], "emulated");
    assert_eq!(json["PATH"], bin());
    assert!(
        forms[1]
            .text()
            .lines()
            .any(|line| line.starts_with("GOOGLE_CLOUD_PROJECT="))
    );
}

#[test]
fn the_changes_are_told_without_secrets() {
    // Java is steered only where the proxy wants no credentials.
    let proxies = [
        format!("http://user:{SECRET}@squid.corp.example:3128"),
        "http://squid.corp.example:3128".to_owned(),
    ];
    for (form, proxy) in ["sh", "json"]
        .into_iter()
        .flat_map(|form| proxies.iter().map(move |p| (form, p)))
    {
        let done = Run::new()
            .emulator()
            .env("http_proxy", proxy)
            .env("CLOUDSDK_PROXY_PASSWORD", SECRET)
            .env(
                "NO_PROXY",
                format!("http://user:{SECRET}@nexus.corp.example/"),
            )
            .env(
                "JAVA_TOOL_OPTIONS",
                format!("-Dhttp.proxyPassword={SECRET} -Da=b"),
            )
            .args(["env", "--diff", "--java", "--format", form])
            .any_stdout()
            .any_stderr()
            .run();
        for text in [done.text(), &done.stderr] {
            assert!(!text.contains(SECRET), "{text}");
        }
        assert!(
            done.text().contains("GOOGLE_CLOUD_PROJECT"),
            "{}",
            done.text()
        );
        assert!(
            done.text().contains("the metadata server says so"),
            "{}",
            done.text()
        );
    }
}

#[test]
fn an_environment_that_cannot_be_mended_is_not_printed() {
    let fake = Fake::new([http("403 Forbidden").header("Server", "squid/5.7")]);
    Run::new()
        .metadata(&fake)
        .args(["env"])
        .code(69)
        .stderr("runup: metadata server: `squid/5.7` answered in its place\n...\n  code   metadata/intercepted (runup explain metadata/intercepted)\n")
        .run();
}

#[test]
fn routes_are_told_without_asking_anybody_and_without_secrets() {
    let done = Run::new()
        .env(
            "HTTP_PROXY",
            format!("http://user:{SECRET}@squid.corp.example:3128"),
        )
        .args([
            "route",
            "http://metadata.google.internal/",
            "https://nexus.corp.example/",
        ])
        .any_stdout()
        .stderr("")
        .run();
    assert!(!done.text().contains(SECRET), "{}", done.text());
    assert!(
        done.text().contains("squid.corp.example:3128"),
        "{}",
        done.text()
    );
    for client in ["curl", "wget", "gcloud"] {
        assert!(done.text().contains(client), "{}", done.text());
    }
    Run::new()
        .args(["route", "nexus.corp.example"])
        .code(64)
        .any_stderr()
        .run();
}

#[test]
fn what_cannot_be_written_is_a_failure_and_is_told() {
    for args in [
        &["token"][..],
        &["env"],
        &["route", "http://nexus/"],
        &["--help"],
    ] {
        Run::new()
            .emulator()
            .args(args.iter().copied())
            .called_by("exec >/dev/full")
            .code(69)
            .stderr("runup: cannot write to stdout: no space left on device\n")
            .run();
    }
}
