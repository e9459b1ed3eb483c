//! `runup check`, `--report` and what findings count for.

use std::fs;
use std::path::Path;

use serde_json::{Value, json};

use crate::support::{Done, Fake, READY, Run, http, with_mounts, without_ports};

/// A proxy in the metadata server's place.
fn squid() -> Fake {
    Fake::new([http("403 Forbidden").header("Server", "squid/5.7")])
}

/// Asserts that `json` is a report as docs/report.schema.json has it, and gives it.
#[track_caller]
fn valid(json: &[u8]) -> Value {
    let json: Value = serde_json::from_slice(json).unwrap();
    let schema = include_str!("../../docs/report.schema.json");
    let mut compiler = boon::Compiler::new();
    let mut schemas = boon::Schemas::new();
    let schema = serde_json::from_str(schema).unwrap();
    compiler.add_resource("report.json", schema).unwrap();
    let schema = compiler.compile("report.json", &mut schemas).unwrap();
    if let Err(error) = schemas.validate(&json, schema) {
        panic!("{error}\n{json:#}");
    }
    json
}

fn check(format: &str) -> Run {
    Run::new()
        .args(["check", "--format", format])
        .any_stdout()
        .stderr("")
}

#[test]
fn check_does_all_but_start_the_command() {
    let done = check("text")
        .emulator()
        .args(["--", "sh", "-c", "echo started; touch started"])
        .run();
    let text = done.text();
    assert!(text.starts_with("command  sh -c echo started"), "{text}");
    assert!(text.contains("\n  ok       metadata server  "), "{text}");
    assert!(
        text.contains("\n  set GOOGLE_CLOUD_PROJECT=emulated: "),
        "{text}"
    );
    assert!(
        text.lines().last().unwrap().starts_with("ready in "),
        "{text}"
    );
    assert!(!text.contains('\u{1b}'), "{text}");
    assert!(!done.home().join("started").exists());
}

#[test]
fn check_needs_no_command() {
    let done = check("json").emulator().run();
    let report = valid(&done.stdout);
    assert_eq!(report["command"], Value::Null);
    assert_eq!(report["checks"].as_array().unwrap().len(), 1);
    assert_eq!(
        (&report["ready"], &report["exit"]),
        (&true.into(), &0.into())
    );
    check("text").off().run();
}

#[test]
fn check_ends_as_the_run_would() {
    for (args, code) in [
        (&["./missing"][..], 127),
        (&["--require-variable", "MISSING"], 78),
        (
            &["--require", "tcp://127.0.0.1:1", "--timeout", "200ms"],
            69,
        ),
        (&["--want", "tcp://127.0.0.1:1", "--timeout", "200ms"], 0),
        (
            &[
                "--want",
                "tcp://127.0.0.1:1",
                "--timeout",
                "200ms",
                "--strict",
            ],
            69,
        ),
        (&["--timeuot", "1s"], 64),
    ] {
        let run = check("json").off().args(args.iter().copied()).code(code);
        let done = run.any_stderr().run();
        if code != 64 {
            let report = valid(&done.stdout);
            assert_eq!(report["exit"], code);
            assert_eq!(report["ready"], code == 0);
        }
    }
}

#[test]
fn a_report_tells_the_job_the_steps_and_the_findings() {
    let fake = squid();
    let done = check("json")
        .metadata(&fake)
        .env("CLOUD_RUN_JOB", "nightly")
        .env("CLOUD_RUN_EXECUTION", "nightly-x7k2p")
        .env("CLOUD_RUN_TASK_INDEX", "3")
        .env("CLOUD_RUN_TASK_COUNT", "10")
        .env("CLOUD_RUN_TASK_ATTEMPT", "1")
        .env("https_proxy", "http://user:hunter2@squid.corp.example:3128")
        .env("CLOUDSDK_PROXY_PASSWORD", "hunter2")
        .args(["--want", "tcp://127.0.0.1:1", "--timeout", "300ms", "true"])
        .code(69)
        .any_stderr()
        .run();
    assert!(!done.text().contains("hunter2"), "{}", done.text());
    let report = valid(&done.stdout);
    assert_eq!(
        report["job"],
        json!({"name": "nightly", "execution": "nightly-x7k2p", "task": 3, "tasks": 10, "attempt": 1})
    );
    let verdicts: Vec<_> = (report["checks"].as_array().unwrap().iter())
        .map(|check| {
            (
                check["name"].as_str().unwrap(),
                check["verdict"].as_str().unwrap(),
            )
        })
        .collect();
    assert_eq!(
        verdicts,
        [
            ("command `true`", "passed"),
            ("metadata server", "failed"),
            ("tcp://127.0.0.1:1", "warned"),
        ]
    );
    let refused = &report["checks"][2];
    assert_eq!(
        refused["steps"].as_array().unwrap().last().unwrap()["phase"],
        "connect"
    );
    assert_eq!(refused["addresses"], json!(["127.0.0.1"]));
    let finding = (report["findings"].as_array().unwrap().iter())
        .find(|finding| finding["code"] == "metadata/intercepted")
        .unwrap();
    assert_eq!(finding["check"], 1);
    assert_eq!(finding["exit"], 69);
    assert!(!report["edits"].as_array().unwrap().is_empty());
}

#[test]
fn odd_letters_spoil_no_form() {
    const ODD: &str = "./a\u{1}b\u{1b}[31m<&\">\n]]>";
    let done = |format: &str| {
        let run = check(format).off().args(["--", ODD]);
        run.code(127).run().text().to_owned()
    };
    let xml = done("junit");
    let document = roxmltree::Document::parse(&xml).unwrap();
    let case = (document.descendants())
        .find(|node| node.has_tag_name("testcase"))
        .unwrap();
    assert_eq!(
        case.attribute("name"),
        Some("command `./a\u{fffd}b\u{fffd}[31m<&\">\n]]>`")
    );
    let report = valid(done("json").as_bytes());
    assert_eq!(report["checks"][0]["name"], format!("command `{ODD}`"));
    for text in [done("text"), done("mermaid")] {
        let is_shown = |letter: char| letter == '\n' || !letter.is_control();
        assert!(text.chars().all(is_shown), "{text:?}");
    }
}

#[test]
fn for_cloud_logging_check_speaks_as_a_run_does() {
    let fake = squid();
    let done = check("text")
        .metadata(&fake)
        .env("CLOUD_RUN_JOB", "nightly")
        .code(69)
        .any_stderr()
        .run();
    assert_eq!(done.codes(), ["metadata/intercepted"]);
    let all = done.entries();
    let last = all.last().unwrap();
    assert_eq!(last["severity"], "ERROR");
    assert_eq!(
        last["message"],
        "not ready: 1 required check failed, exit 69"
    );
    assert_eq!(last["counts"]["failed"], 1);
}

#[test]
fn a_terminal_gets_colours_unless_it_is_asked_not_to() {
    let seen = |run: Run| {
        let path = env!("CARGO_BIN_EXE_runup");
        // script(1) runs it on a terminal of its own.
        let line = format!("{path} check --metadata off");
        let run = run.alone().command(["script", "-qec", &line, "/dev/null"]);
        run.any_stdout()
            .run()
            .text()
            .contains("\u{1b}[32mready in ")
    };
    assert!(seen(Run::new()));
    assert!(seen(Run::new().env("NO_COLOR", "")));
    assert!(!seen(Run::new().env("NO_COLOR", "1")));
    assert!(!seen(Run::new().env("TERM", "dumb")));
}

/// A run that writes a report to `name` in its HOME.
fn reporting(name: &str) -> (Run, std::path::PathBuf) {
    let run = Run::new();
    let path = run.home().join(name);
    let run = run.args(["--report".into(), path.clone().into_os_string()]);
    (run, path)
}

#[test]
fn a_report_beside_a_run_has_the_form_of_its_name() {
    for (name, begins) in [
        ("r.json", "{"),
        (
            "r.xml",
            "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites ",
        ),
        ("r.mmd", "---\ntitle: \"runup: ready in "),
        ("r.txt", "command  sh -c "),
        ("r", "command  sh -c "),
    ] {
        let (run, path) = reporting(name);
        let done = run
            .emulator()
            .command(["sh", "-c", "cat \"$0\""])
            .command([&path])
            .any_stdout()
            .run();
        assert!(done.text().starts_with(begins), "{name}: {}", done.text());
        if name == "r.json" {
            assert_eq!(valid(&done.stdout)["ready"], true);
        }
    }
}

#[test]
fn a_failed_run_and_its_rehearsal_write_one_too() {
    let fake = squid();
    let run = Run::new().args(["env"]).off();
    let path = run.home().join("r.json");
    let run = run.env("RUNUP_REPORT", &path).any_stdout().stderr("");
    let done = run.run();
    assert_eq!(valid(&fs::read(&path).unwrap())["ready"], true);
    drop(done);
    for word in [&[][..], &["check"]] {
        let run = Run::new();
        let path = run.home().join("r.json");
        let done = run
            .args(word.iter().copied())
            .metadata(&fake)
            .env("RUNUP_REPORT", &path)
            .command(["true"])
            .code(69)
            .any_stdout()
            .any_stderr()
            .run();
        let report = valid(&fs::read(path).unwrap());
        assert_eq!(report["findings"][0]["code"], "metadata/intercepted");
        drop(done);
    }
}

#[test]
fn a_report_that_cannot_be_written_stops_nothing() {
    for strict in [&[][..], &["--strict"]] {
        Run::new()
            .off()
            .args(["--report", "/nowhere/r.json"])
            .args(strict.iter().copied())
            .shell("echo out")
            .stdout("out\n")
            .stderr(format!(
                "runup: warning: --report: the report cannot be written to `/nowhere/r.json`\n  saw    writing `/nowhere/r.json`: no such file or directory\n...\n  code   report/file (runup explain report/file)\n{READY}"
            ))
            .run();
    }
    // A pipe that nobody reads is not waited for.
    let (run, path) = reporting("pipe");
    nix::unistd::mkfifo(&path, nix::sys::stat::Mode::S_IRWXU).unwrap();
    run.off()
        .command(["true"])
        .stderr(format!("runup: warning: --report: [..]\n...\n{READY}"))
        .run();
    Run::new()
        .off()
        .args(["--report", "/nowhere/r.json", "--ignore", "report/file"])
        .command(["true"])
        .run();
}

#[test]
fn a_report_can_go_where_messages_go() {
    let run = |name: &str| Run::new().off().args(["--report", name]).command(["true"]);
    let done = run("/dev/stdout").any_stdout().run();
    assert!(
        done.text().starts_with("command  true\n"),
        "{}",
        done.text()
    );
    let done = run("/dev/stderr").any_stderr().run();
    assert!(
        done.stderr.starts_with("command  true\n"),
        "{}",
        done.stderr
    );
    // What stands in the file already, stays.
    let run = run("/dev/stdout").called_by("exec >kept; echo before");
    let done = run.run();
    let kept = fs::read_to_string(done.home().join("kept")).unwrap();
    assert!(kept.starts_with("before\ncommand  true\n"), "{kept}");
}

/// A run with a /dev that holds a termination log, and the log's path.
fn on_kubernetes(run: Run) -> Option<(Run, std::path::PathBuf)> {
    let device = run.home().join("dev");
    fs::create_dir(&device).unwrap();
    fs::write(device.join("null"), "").unwrap();
    let log = device.join("termination-log");
    fs::write(&log, "old").unwrap();
    let device = device.to_str().unwrap();
    let lines = format!("mount --bind /dev/null {device}/null\nmount --rbind {device} /dev");
    let run = with_mounts(run.env("KUBERNETES_SERVICE_HOST", "10.0.0.1"), &lines)?;
    Some((run.any_stderr(), log))
}

#[test]
fn kubernetes_gets_the_last_words_of_a_failed_run() {
    let fake = squid();
    let Some((run, log)) = on_kubernetes(Run::new().metadata(&fake)) else {
        return;
    };
    let done = run.command(["true"]).code(69).run();
    let words = fs::read_to_string(&log).unwrap();
    let lines: Vec<&str> = words.lines().collect();
    assert_eq!(lines[0], "not ready: 1 required check failed, exit 69");
    assert_eq!(
        lines[1],
        "metadata server: `squid/5.7` answered in its place"
    );
    assert!(
        words.contains("\n  help   network team: exempt 169.254.169.254/32"),
        "{words}"
    );
    drop(done);

    // However many there are: Kubernetes takes 4096 bytes.
    let run = Run::new().off().args(["--timeout", "200ms"]);
    let run = (1..40).fold(run, |run, port| {
        run.args(["--require".to_owned(), format!("tcp://127.0.0.1:{port}")])
    });
    let (run, log) = on_kubernetes(run).unwrap();
    let done = run.command(["true"]).code(69).run();
    let words = fs::read_to_string(&log).unwrap();
    assert!((3000..=4096).contains(&words.len()), "{}", words.len());
    assert!(words.ends_with("\n…\n"), "{words}");
    drop(done);
}

#[test]
fn a_run_that_goes_well_leaves_no_last_words() {
    let Some((run, log)) = on_kubernetes(Run::new().off()) else {
        return;
    };
    let done = run.shell("exit 3").code(3).run();
    assert_eq!(fs::read_to_string(&log).unwrap(), "old");
    drop(done);
    // Nor elsewhere than on Kubernetes.
    let (run, log) = on_kubernetes(Run::new().off()).unwrap();
    let done = run
        .env("KUBERNETES_SERVICE_HOST", "")
        .command(["./missing"])
        .code(127)
        .run();
    assert_eq!(fs::read_to_string(&log).unwrap(), "old");
    drop(done);
}

#[test]
fn what_is_ignored_starts_the_command_and_is_said() {
    let fake = squid();
    for run in [
        Run::new().args([
            "--ignore",
            "metadata/intercepted",
            "--ignore",
            "tls/expired",
        ]),
        Run::new().env("RUNUP_IGNORE", "tls/expired, metadata/intercepted"),
    ] {
        run.metadata(&fake)
            .shell("exit 3")
            .code(3)
            .stderr("runup: ready in [..]s: [..]edits, ignored metadata/intercepted\n")
            .run();
    }
    let run = check("json")
        .metadata(&fake)
        .args(["--ignore", "metadata/intercepted"]);
    let report = valid(&run.run().stdout);
    assert_eq!(report["checks"][0]["verdict"], "ignored");
    assert_eq!(report["ignored"][0]["code"], "metadata/intercepted");
    assert_eq!(report["ignored"][0]["severity"], "error");
    assert_eq!(report["findings"], json!([]));
}

#[test]
fn what_is_ignored_dooms_no_other_check() {
    let fake = squid();
    // It would end the wait for the host at once.
    let late = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = late.local_addr().unwrap();
    drop(late);
    let running = Run::new()
        .metadata(&fake)
        .args(["--ignore", "metadata/intercepted", "--require"])
        .args([format!("tcp://{address}")])
        .command(["true"])
        .any_stderr()
        .start();
    fake.wait_for(1);
    std::thread::sleep(std::time::Duration::from_millis(300));
    let late = std::net::TcpListener::bind(address).unwrap();
    running.finish();
    drop(late);
}

#[test]
fn what_cannot_be_ignored_is_a_usage_error() {
    for (code, says) in [
        (
            "metadata/intercept",
            "[..]the nearest is `metadata/intercepted`[..]",
        ),
        (
            "command/not-found",
            "[..]`command/not-found` cannot be ignored: no policy starts a command that cannot run[..]",
        ),
    ] {
        Run::new()
            .args(["--ignore", code])
            .command(["true"])
            .code(64)
            .stderr(format!("runup: {says}\n...\n"))
            .run();
        Run::new()
            .env("RUNUP_IGNORE", code)
            .command(["true"])
            .code(78)
            .stderr(format!("runup: RUNUP_IGNORE: {says}\n...\n"))
            .run();
    }
}

#[test]
fn strict_takes_warnings_for_errors_but_on_failure_has_the_last_word() {
    let run = |args: &[&str]| {
        Run::new()
            .off()
            .env("CLOUDSDK_PROXY_ADDRESS", "squid.corp.example")
            .args(args.iter().copied())
            .shell("exit 3")
    };
    let warns = "runup: warning: proxy variables: gcloud ignores [..]\n...\n";
    run(&[]).code(3).stderr(format!("{warns}{READY}")).run();
    run(&["--strict"])
        .code(78)
        .stderr("runup: proxy variables: gcloud ignores [..]\n...\nrunup: did not start `sh -c exit 3`: 1 warning under --strict, exit 78\n")
        .run();
    run(&["--strict=false"]).code(3).any_stderr().run();
    run(&["--strict", "--on-failure", "warn"])
        .code(3)
        .stderr(format!("{warns}{READY}"))
        .run();
    run(&["--strict", "--ignore", "proxy/cloudsdk-proxy"])
        .code(3)
        .stderr("runup: ready in [..]ignored proxy/cloudsdk-proxy\n")
        .run();
}

/// What Cloud Logging shows beside the entry is of the trace that the caller names.
#[test]
fn entries_belong_to_the_callers_trace_once_the_project_is_known() {
    const PARENT: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
    let last = |run: Run| {
        let run = run.args(["--log-format", "json"]).command(["true"]);
        let done: Done = run.env("TRACEPARENT", PARENT).any_stderr().run();
        done.entries().pop().unwrap()
    };
    let entry = last(Run::new().emulator());
    assert_eq!(
        entry["logging.googleapis.com/trace"],
        "projects/emulated/traces/4bf92f3577b34da6a3ce929d0e0e4736"
    );
    assert_eq!(entry["logging.googleapis.com/spanId"], "00f067aa0ba902b7");
    let entry = last(Run::new().off());
    assert_eq!(entry["logging.googleapis.com/trace"], Value::Null);
    let entry = last(Run::new().off().env("GOOGLE_CLOUD_PROJECT", "mine"));
    assert_eq!(
        entry["logging.googleapis.com/trace"],
        "projects/mine/traces/4bf92f3577b34da6a3ce929d0e0e4736"
    );
}

#[test]
fn the_summary_for_cloud_logging_has_counts_times_attempts_and_edits() {
    let done = Run::new()
        .emulator()
        .args([
            "--log-format",
            "json",
            "--want",
            "tcp://127.0.0.1:1",
            "--timeout",
            "300ms",
        ])
        .command(["true"])
        .any_stderr()
        .run();
    let last = done.entries().pop().unwrap();
    let counts = &last["counts"];
    assert_eq!(
        (&counts["checks"], &counts["passed"], &counts["warned"]),
        (&3.into(), &2.into(), &1.into())
    );
    for check in last["checks"].as_array().unwrap() {
        assert!(check["milliseconds"].as_f64().unwrap() > 0.0, "{check}");
        assert!(check["attempts"].as_u64().unwrap() > 0, "{check}");
    }
    let edits = last["edits"].as_array().unwrap();
    assert_eq!(edits.len() as u64, counts["edits"].as_u64().unwrap());
    assert!(
        edits
            .iter()
            .any(|edit| edit["variable"] == "GOOGLE_CLOUD_PROJECT"),
        "{last}"
    );
    // Why, but no values.
    assert!(
        edits
            .iter()
            .all(|edit| edit.as_object().unwrap().len() == 2),
        "{last}"
    );
}

#[test]
fn an_emulator_that_cannot_listen_is_69() {
    let Some(run) = without_ports(Run::new()) else {
        return;
    };
    run.emulate()
        .command(["true"])
        .code(69)
        .stderr("runup: cannot start the emulator: [..]\n")
        .run();
}

#[test]
fn a_cache_of_gcloud_that_stays_is_a_finding() {
    let run = Run::new().emulator();
    let directory = run.home().join(".config/gcloud");
    fs::create_dir_all(&directory).unwrap();
    let cache = directory.join("gce");
    fs::write(&cache, "False").unwrap();
    // A mount point cannot be removed.
    let lines = format!("mount --bind {0} {0}", cache.display());
    let Some(run) = with_mounts(run, &lines) else {
        return;
    };
    run.command(["true"])
        .stderr(format!("runup: warning: gcloud's `gce` cache: denies the metadata server, and cannot be removed\n  saw    [..]gce` says `False`; removing it: [..]\n...\n  code   adc/gce-cache (runup explain adc/gce-cache)\n{READY}"))
        .run();
}

#[test]
fn a_bundle_that_cannot_be_written_is_a_finding() {
    let ca = rcgen::generate_simple_self_signed(["ca.corp.example".to_owned()]).unwrap();
    let run = Run::new().off();
    let path = run.home().join("ca.pem");
    fs::write(&path, ca.cert.pem()).unwrap();
    let lines = "mount --bind /proc /dev/shm";
    let Some(run) = with_mounts(run.env("TMPDIR", "/proc"), lines) else {
        return;
    };
    run.args([Path::new("--ca-file"), &path])
        .command(["true"])
        .stderr(format!("runup: warning: --ca-file: no bundle with `[..]ca.pem` can be written\n...\n  code   ca/bundle (runup explain ca/bundle)\n{READY}"))
        .run();
}
