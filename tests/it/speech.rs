//! What is said, where and in which form.

use serde_json::{Value, json};

use crate::support::{Done, Fake, READY, Run, http};

/// What Cloud Run sets in a job's task.
fn on_cloud_run(run: Run) -> Run {
    run.env("CLOUD_RUN_JOB", "nightly")
        .env("CLOUD_RUN_EXECUTION", "nightly-x7k2p")
        .env("CLOUD_RUN_TASK_INDEX", "3")
        .env("CLOUD_RUN_TASK_ATTEMPT", "1")
        .env("CLOUD_RUN_TASK_COUNT", "10")
}

fn labels() -> Value {
    json!({
        "run.googleapis.com/execution_name": "nightly-x7k2p",
        "run.googleapis.com/task_index": "3",
        "run.googleapis.com/task_attempt": "1",
    })
}

/// Every line is an entry that Cloud Logging understands.
#[track_caller]
fn entries(done: &Done) -> Vec<Value> {
    let entries = done.entries();
    for entry in &entries {
        let severity = entry["severity"].as_str().unwrap();
        assert!(
            ["DEBUG", "INFO", "NOTICE", "WARNING", "ERROR"].contains(&severity),
            "{entry}"
        );
        assert!(!entry["message"].as_str().unwrap().is_empty(), "{entry}");
        assert!(entry["time"].as_str().unwrap().ends_with('Z'), "{entry}");
    }
    entries
}

#[test]
fn success_is_one_line_on_stderr_and_stdout_is_the_commands() {
    Run::new()
        .emulator()
        .shell("echo out; echo err >&2")
        .stdout("out\n")
        .stderr("runup: ready in [..]s: runup-emulator@emulated.iam.gserviceaccount.com, project emulated, 7 edits\nerr\n")
        .run();
    // With nothing to do there is nothing to tell but the time.
    Run::new()
        .off()
        .args(["--proxy", "keep"])
        .command(["true"])
        .stderr("runup: ready in [..]s\n")
        .run();
}

#[test]
fn quiet_says_nothing_when_all_is_well() {
    for quiet in ["-q", "--quiet"] {
        Run::new()
            .emulator()
            .args([quiet])
            .shell("echo out")
            .stdout("out\n")
            .stderr("")
            .run();
    }
    Run::new()
        .emulate()
        .env("RUNUP_QUIET", "true")
        .shell("echo out")
        .stdout("out\n")
        .stderr("")
        .run();
    // But not when it is not.
    Run::new()
        .off()
        .args(["-q"])
        .command(["./missing"])
        .code(127)
        .stderr("runup: command `./missing`: `./missing` does not exist\n...\nrunup: did not start `./missing`: [..]\n")
        .run();
}

#[test]
fn verbose_tells_edits_and_attempts() {
    let fake = Fake::new([http("503 Service Unavailable").google()]);
    let run = |args: &[&str]| {
        Run::new()
            .emulator()
            .args(args.iter().copied())
            .command(["true"])
            .any_stderr()
            .run()
            .stderr
    };
    for text in [run(&["-v"]), run(&["--verbose"])] {
        assert!(
            text.contains(
                "runup: debug: set GOOGLE_CLOUD_PROJECT=emulated: the metadata server says so\n"
            ),
            "{text}"
        );
        assert!(
            text.contains("passed check=metadata server attempt=1 "),
            "{text}"
        );
        assert!(!text.contains("answered"), "{text}");
        assert_eq!(
            text.lines()
                .last()
                .map(|line| line.starts_with("runup: ready in ")),
            Some(true)
        );
    }
    let text = run(&["-vv"]);
    assert!(text.contains("question=Token answer=200; "), "{text}");

    let done = Run::new()
        .metadata(&fake)
        .env("RUNUP_VERBOSE", "1")
        .args(["--timeout", "300ms"])
        .command(["true"])
        .code(69)
        .any_stderr()
        .run();
    assert!(
        done.stderr
            .contains("is not ready (503) check=metadata server attempt=1 "),
        "{}",
        done.stderr
    );
}

#[test]
fn on_cloud_run_every_line_is_json_with_the_tasks_labels() {
    let done = on_cloud_run(Run::new().emulator())
        .args(["-vv"])
        .command(["true"])
        .any_stderr()
        .run();
    let all = entries(&done);
    for entry in &all {
        assert_eq!(entry["logging.googleapis.com/labels"], labels(), "{entry}");
    }
    let last = all.last().unwrap();
    assert_eq!(last["severity"], "INFO");
    assert!(last["message"].as_str().unwrap().starts_with("ready in "));
    assert_eq!(last["counts"]["edits"], 7);
    let checks: Vec<_> = last["checks"]
        .as_array()
        .unwrap()
        .iter()
        .map(|check| &check["name"])
        .collect();
    assert_eq!(checks, ["command `true`", "metadata server"]);
}

#[test]
fn success_on_cloud_run_is_one_line_too() {
    let done = on_cloud_run(Run::new().emulator())
        .command(["true"])
        .any_stderr()
        .run();
    assert_eq!(entries(&done).len(), 1);
}

#[test]
fn a_finding_is_told_in_fields() {
    let fake = Fake::new([http("403 Forbidden").header("Server", "squid/5.7")]);
    let done = on_cloud_run(Run::new().metadata(&fake))
        .command(["./a.sh", "-e", "env"])
        .code(127)
        .any_stderr()
        .run();
    let all = entries(&done);
    let finding = &all[1]["finding"];
    assert_eq!(all[1]["severity"], "ERROR");
    assert_eq!(
        all[1]["message"],
        "metadata server: `squid/5.7` answered in its place"
    );
    assert_eq!(finding["code"], "metadata/intercepted");
    assert_eq!(finding["phase"], "response");
    assert_eq!(finding["attempts"], 1);
    for field in ["saw", "summary", "subject"] {
        assert!(
            finding[field].as_str().is_some_and(|text| !text.is_empty()),
            "{field}"
        );
    }
    for field in ["means", "help"] {
        assert!(
            finding[field]
                .as_array()
                .is_some_and(|lines| !lines.is_empty()),
            "{field}"
        );
    }
    let last = all.last().unwrap();
    assert_eq!(
        last["message"],
        "did not start `./a.sh -e env`: 2 required checks failed, exit 127"
    );
    assert_eq!(last["checks"][1]["verdict"], "failed");
}

#[test]
fn the_form_is_chosen_by_platform_flag_and_variable() {
    let is_json = |run: Run| {
        let done = run.off().command(["true"]).any_stderr().run();
        done.stderr.starts_with('{')
    };
    assert!(!is_json(Run::new()));
    for name in ["CLOUD_RUN_JOB", "K_SERVICE", "KUBERNETES_SERVICE_HOST"] {
        assert!(is_json(Run::new().env(name, "x")), "{name}");
        assert!(!is_json(Run::new().env(name, "")), "{name}");
        assert!(!is_json(
            Run::new().env(name, "x").args(["--log-format", "text"])
        ));
        assert!(!is_json(
            Run::new().env(name, "x").env("RUNUP_LOG_FORMAT", "text")
        ));
    }
    assert!(is_json(Run::new().env("RUNUP_LOG_FORMAT", "json")));
    assert!(is_json(Run::new().args(["--log-format", "json"])));
    assert!(is_json(
        Run::new()
            .args(["--log-format=json"])
            .env("RUNUP_LOG_FORMAT", "text")
    ));
}

#[test]
fn refusals_take_the_same_form() {
    for run in [
        on_cloud_run(Run::new())
            .args(["--timeout", "soon", "true"])
            .code(64),
        on_cloud_run(Run::new())
            .args(["--timeuot", "5s", "true"])
            .code(64),
        on_cloud_run(Run::new()).code(64),
        on_cloud_run(Run::new())
            .env("RUNUP_TIMEOUT", "soon")
            .command(["true"])
            .code(78),
        on_cloud_run(Run::new())
            .env("GCE_METADATA_HOST", "a b")
            .command(["true"])
            .code(78),
    ] {
        let done = run.any_stderr().run();
        let all = entries(&done);
        assert_eq!(all.len(), 1, "{}", done.stderr);
        assert_eq!(all[0]["severity"], "ERROR");
    }
}

#[test]
fn a_message_of_a_refusal_has_its_remedy_in_json_too() {
    let done = on_cloud_run(Run::new())
        .env("RUNUP_TIMEOUT", "soon")
        .command(["true"])
        .code(78)
        .any_stderr()
        .run();
    let details = &entries(&done)[0]["details"];
    assert!(
        details[0]
            .as_str()
            .unwrap()
            .contains("mend or unset RUNUP_TIMEOUT"),
        "{details}"
    );
}

#[test]
fn warnings_and_interruptions_are_json_too() {
    let fake = Fake::new([http("503 Service Unavailable").google()]);
    let running = on_cloud_run(Run::new().metadata(&fake))
        .env("RUNUP_TIMOUT", "5s")
        .env("CLOUDSDK_PROXY_ADDRESS", "squid")
        .command(["true"])
        .code(143)
        .any_stderr()
        .start();
    fake.wait_for(1);
    running.signal(nix::sys::signal::Signal::SIGTERM);
    let done = running.finish();
    let all = entries(&done);
    assert_eq!(all[0]["severity"], "WARNING");
    assert!(
        all.last().unwrap()["message"]
            .as_str()
            .unwrap()
            .starts_with("ended by SIGTERM")
    );
}

#[test]
fn the_emergency_exit_changes_nothing_and_says_the_reason() {
    let variables = [
        ("NO_PROXY", "a b"),
        ("CLOUDSDK_PROXY_ADDRESS", "squid"),
        ("GOOGLE_APPLICATION_CREDENTIALS", "/missing"),
        ("RUNUP_TIMEOUT", "soon"),
        ("RUNUP_DISABLED", "incident 42"),
    ];
    let run = |run: Run| {
        let mut run = run;
        for (name, value) in variables {
            run = run.env(name, value);
        }
        // HOME is another each time.
        run.called_by("export HOME=/nowhere")
            .directory("/")
            .command(["printenv", "-0"])
            .any_stdout()
    };
    let alone = run(Run::new().alone()).run();
    let disabled = run(Run::new())
        .stderr("runup: warning: disabled by RUNUP_DISABLED (`incident 42`): nothing mended, nothing checked\n")
        .run();
    assert_eq!(alone.text(), disabled.text());

    Run::new()
        .env("RUNUP_DISABLED", "incident 42")
        .args(["--require", "tcp://127.0.0.1:1"])
        .shell("exit 9")
        .code(9)
        .any_stderr()
        .run();
    Run::new()
        .env("RUNUP_DISABLED", "incident 42")
        .command(["./missing"])
        .code(127)
        .stderr("runup: warning: disabled [..]\nrunup: command `./missing`: [..]\n...\n")
        .run();
}

#[test]
fn in_an_emergency_the_platforms_form_is_kept() {
    let done = on_cloud_run(Run::new())
        .env("RUNUP_DISABLED", "incident 42")
        .command(["true"])
        .any_stderr()
        .run();
    let all = entries(&done);
    assert_eq!(all.len(), 1);
    assert_eq!(all[0]["severity"], "WARNING");
    assert!(all[0]["message"].as_str().unwrap().contains("incident 42"));
}

#[test]
fn the_emulator_by_itself_serves_until_a_signal() {
    let running = Run::new()
        .args(["emulate"])
        .code(143)
        .stderr(
            "runup: emulated metadata server on 127.0.0.1:[..]: export GCE_METADATA_HOST=[..]\n",
        )
        .start();
    let address = running.hears("GCE_METADATA_HOST=");
    Run::new()
        .env("GCE_METADATA_HOST", address)
        .command(["true"])
        .stderr(READY)
        .run();
    running.signal(nix::sys::signal::Signal::SIGTERM);
    running.finish();
}
