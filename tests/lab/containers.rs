//! Dockerfile.example, built line for line and run by podman and runc, on three bases, in the lab's network.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process;
use std::thread;
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::job::{Job, Outcome};
use crate::lab::{Lab, METADATA, NEXUS};
use crate::server::{Ca, Canned, response};

/// The image on Debian 13; on a root with a libc and a program, but no shell; and on nothing.
const DEBIAN: &str = "job";
const DISTROLESS: &str = "job-on-distroless";
const SCRATCH: &str = "job-on-scratch";

/// Where the images have runup.
const RUNUP: &str = "/usr/local/bin/runup";

/// A root that nobody may write to, /tmp and /dev/shm neither.
const SEALED: [&str; 3] = ["--read-only", "--read-only-tmpfs=false", "--ipc=none"];

/// A mount of `file` at `place`, for `--volume`. Whoever the container runs as may read it.
fn at(file: &Path, place: &str) -> String {
    fs::set_permissions(file, Permissions::from_mode(0o755)).unwrap();
    format!("--volume={}:{place}:ro", file.display())
}

/// Waits until `server` was asked something.
fn wait_for(server: &Canned) {
    let began = Instant::now();
    while server.requests().is_empty() {
        assert!(began.elapsed().as_secs() < 60, "nobody asked");
        thread::sleep(Duration::from_millis(10));
    }
}

#[test]
fn the_image_runs_its_script() {
    need!("image");
    let lab = Lab::new();
    let _metadata = lab.metadata();
    let script = |environment, component| {
        format!(
            "hello from component {component} in environment {environment}\n\
             project emulated, region us-central1\n"
        )
    };
    // The words of the Dockerfile's CMD, then those of the call.
    let run = lab.container(&[], DEBIAN, &[]).run();
    run.exits(0).says(&["ready in", "runup-emulator@emulated"]);
    assert_eq!(run.stdout, script("env", "component"));
    let words = ["./a.sh", "-e", "prod", "-c", "api"];
    let run = lab.container(&[], DEBIAN, &words).run();
    run.exits(0);
    assert_eq!(run.stdout, script("prod", "api"));
    let run = lab
        .container(&["--workdir=/usr/share/doc/runup"], DEBIAN, &["ls"])
        .run();
    let licences = ["LICENSE-APACHE", "LICENSE-MIT", "THIRD-PARTY.md"];
    assert_eq!(run.succeeds().lines().collect::<Vec<_>>(), licences);
}

#[test]
fn the_command_is_process_1_whoever_and_wherever_it_is() {
    need!("image");
    let lab = Lab::new();
    let _metadata = lab.metadata();
    let table: [(&[&str], &str); 5] = [
        (&[], "1 65534 /nonexistent"),
        (&["--user=0"], "1 0 /root"),
        // Not in /etc/passwd.
        (&["--user=4711:4711", "--read-only"], "1 4711 /job"),
        (&SEALED, "1 65534 /nonexistent"),
        (
            &["--cap-drop=all", "--security-opt=no-new-privileges"],
            "1 65534 /nonexistent",
        ),
    ];
    for (options, expected) in table {
        let script = "echo $$ $(id -u) ${HOME-none}";
        let run = lab.container(options, DEBIAN, &["sh", "-c", script]).run();
        run.exits(0).says(&["ready in"]);
        assert_eq!(run.stdout.trim(), expected, "{options:?}");
        assert_eq!(run.stderr.lines().count(), 1, "{options:?}: {run:#?}");
    }
    // runc gives every process a HOME; other runtimes do not.
    let words = ["-u", "HOME", "runup", "sh", "-c", "echo $$ ${HOME-none}"];
    let options = ["--entrypoint=env", "--read-only"];
    let run = lab.container(&options, DEBIAN, &words).run();
    assert_eq!(run.succeeds(), "1 none");
}

#[test]
fn roots_without_a_shell_will_do() {
    need!("image");
    let lab = Lab::new();
    let _metadata = lab.metadata();
    let ca = Ca::new("Corp Root");
    let hello = |_: &str| response("200 OK", &[], "hello\n");
    let _nexus = lab.https(NEXUS, 8443, ca.serve(NEXUS.0), hello);
    let file = at(&lab.file("corp.pem", &ca.pem()), "/corp.pem");
    let url = format!("https://{}:8443/", NEXUS.0);
    let checks = ["--require", &url, "--ca-file", "/corp.pem", "--"];

    for image in [DISTROLESS, SCRATCH] {
        for options in [&[][..], &SEALED] {
            let options = [options, &[&file]].concat();
            let program: &[&str] = match image {
                DISTROLESS => &["env"],
                _ => &[RUNUP, "env", "--metadata", "off", "--format", "dotenv"],
            };
            let run = lab
                .container(&options, image, &[&checks[..], program].concat())
                .run();
            run.exits(0).says(&["ready in"]);
            let project = run
                .stdout
                .lines()
                .find(|line| line.starts_with("GOOGLE_CLOUD_PROJECT="));
            assert!(
                project.is_some_and(|line| line.contains("emulated")),
                "{image}: {run:#?}"
            );
        }
        let run = lab.container(&[], image, &[]).run();
        // The script is there; what runs it is not.
        run.exits(127)
            .says(&["./a.sh", "/bin/sh", "command/interpreter"]);
        let unknown = [
            "--metadata",
            "off",
            "--timeout",
            "5s",
            "--require",
            &url,
            RUNUP,
        ];
        let run = lab.container(&[], image, &unknown).run();
        run.exits(69)
            .says(&["tls/unknown-issuer", "the image has none"]);
    }
}

#[test]
fn exit_codes_reach_the_runtime() {
    need!("image");
    let lab = Lab::new();
    let _metadata = lab.metadata();
    let table: [(&[&str], i32); 6] = [
        (&["sh", "-c", "exit 255"], 255),
        (&["--require-variable", "NONE", "true"], 78),
        (
            &[
                "--timeout",
                "1s",
                "--require",
                "tcp://nexus.corp.example:1",
                "true",
            ],
            69,
        ),
        (&["--service-account", "other@emulated.example", "true"], 77),
        (&["/etc/passwd"], 126),
        (&["no-such-program"], 127),
    ];
    for (words, code) in table {
        let run = lab.container(&[], DEBIAN, words).run();
        run.exits(code);
    }
}

/// A container that is stopped, as its runtime does it, once it has asked `asked` for something. After a minute of SIGTERM
/// in vain it is killed.
fn stopped(lab: &Lab, options: &[&str], words: &[&str], asked: &Canned) -> Outcome {
    // Not by a signal to `podman run`, which passes none on until it has noticed that the container runs.
    let name = format!("runup-{}-{}-{}", process::id(), options.len(), words.len());
    let options = [&["--name", &*name][..], options].concat();
    let job = lab.container(&options, DEBIAN, words).start();
    wait_for(asked);
    let stop = lab.podman().args(["stop", "--time=60", &name]);
    stop.run().succeeds();
    job.finish()
}

/// bash: tells the test that the script has come so far.
const ASK_NEXUS: &str = r"exec 3<>/dev/tcp/10.1.2.3/80; printf 'GET / HTTP/1.0\r\n\r\n' >&3";

#[test]
fn sigterm_ends_the_wait_and_then_is_the_commands_own() {
    need!("image");
    let lab = Lab::new();
    let busy = |_: &str| response("503 Service Unavailable", &["Metadata-Flavor: Google"], "");
    let metadata = lab.http(METADATA, 80, busy);
    let run = stopped(&lab, &[], &["echo", "started"], &metadata);
    run.exits(143).says(&["SIGTERM"]);
    assert_eq!(run.stdout, "");

    let nexus = lab.http(NEXUS, 80, |_| response("200 OK", &[], ""));
    let script = format!("trap 'echo leaving; exit 7' TERM; {ASK_NEXUS}; sleep 50 & wait");
    let words = ["--metadata", "off", "bash", "-c", &script];
    let run = stopped(&lab, &[], &words, &nexus);
    run.exits(7);
    assert_eq!(run.stdout, "leaving\n");
}

#[test]
fn with_init_a_script_without_a_trap_ends_by_sigterm_and_orphans_are_reaped() {
    need!("image");
    let lab = Lab::new();
    let nexus = lab.http(NEXUS, 80, |_| response("200 OK", &[], ""));
    // Of an orphan that nobody waits for, /proc tells for ever.
    let script = format!(
        "orphan=$(sleep 0.1 >/dev/null & echo $!)
        echo $PPID $(cut -d ' ' -f 4 /proc/$orphan/stat)
        while test -e /proc/$orphan; do sleep 0.01; done
        {ASK_NEXUS}
        sleep 50
        echo late"
    );
    let words = ["--metadata", "off", "bash", "-c", &script];
    let run = stopped(&lab, &["--env=RUNUP_INIT=1"], &words, &nexus);
    run.exits(143);
    assert_eq!(run.stdout, "1 1\n");
}

/// As examples/kubernetes/init-container.yaml has it: the image without a shell gives runup to one that has none.
#[test]
fn an_init_container_brings_runup_into_a_stock_image() {
    need!("image");
    let lab = Lab::new();
    let _metadata = lab.metadata();
    let manifest = fs::read_to_string(
        Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/kubernetes/init-container.yaml"),
    )
    .unwrap();
    // Of the init container and of the job, in this order.
    let words = |key: &str| -> Vec<Vec<String>> {
        let lines = manifest.lines().filter_map(|line| {
            let words = line.trim().strip_prefix(key)?.strip_prefix(": [")?;
            words.strip_suffix(']')
        });
        let split = |line: &str| line.split(", ").map(str::to_owned).collect();
        lines.map(split).collect()
    };
    // The init container has no `command`: its image's ENTRYPOINT is runup, wherever it lies.
    let (commands, arguments) = (words("command"), words("args"));
    assert_eq!(commands, [["/shared/runup"]]);
    assert_eq!(arguments.len(), 2, "{arguments:?}");

    let volume = lab.home().join("shared");
    fs::create_dir(&volume).unwrap();
    // As an emptyDir is.
    fs::set_permissions(&volume, Permissions::from_mode(0o777)).unwrap();
    let mount = |mode: &str| format!("--volume={}:/shared:{mode}", volume.display());
    let copy: Vec<&str> = arguments[0].iter().map(String::as_str).collect();
    let run = lab.container(&[&mount("rw")], SCRATCH, &copy).run();
    run.exits(0).says(&["copied itself to `/shared/runup`"]);
    assert!(!run.stderr.contains("warning"), "{run:#?}");

    let entry = format!("--entrypoint={}", commands[0][0]);
    let options = [&*mount("ro"), &entry, "--user=4711:4711", "--read-only"];
    let job = ["sh", "-c", "echo $$ $GOOGLE_CLOUD_PROJECT"];
    let run = lab.container(&options, "base", &job).run();
    run.exits(0).says(&["ready in"]);
    assert_eq!(run.stdout, "1 emulated\n");
}

#[test]
fn on_google_clouds_runtimes_the_log_is_json() {
    need!("image");
    let lab = Lab::new();
    let _metadata = lab.metadata();
    let execution = "nightly-x7k";
    let cloud_run = [
        "--env=CLOUD_RUN_JOB=nightly",
        &format!("--env=CLOUD_RUN_EXECUTION={execution}"),
    ];
    let kubernetes = ["--env=KUBERNETES_SERVICE_HOST=10.0.0.1"];
    let table: [(&[&str], &[&str], _, _); 2] = [
        (
            &cloud_run,
            &["--require-variable", "NONE", RUNUP],
            "ERROR",
            Some(execution),
        ),
        (&kubernetes, &[RUNUP, "--version"], "INFO", None),
    ];
    for (variables, words, severity, execution) in table {
        let run = lab.container(variables, SCRATCH, words).run();
        let lines: Vec<Value> = run
            .stderr
            .lines()
            .map(|line| serde_json::from_str(line).unwrap_or_else(|_| panic!("{run:#?}")))
            .collect();
        assert!(!lines.is_empty(), "{run:#?}");
        for line in lines {
            let labels = &line["logging.googleapis.com/labels"];
            let label = labels["run.googleapis.com/execution_name"].as_str();
            assert_eq!(line["severity"], severity, "{run:#?}");
            assert_eq!(label, execution, "{run:#?}");
        }
    }
}

/// What must be written finds the one place where it can be, or is told of and done without.
#[test]
fn a_place_to_write_is_found_or_missed_aloud() {
    need!("image");
    let lab = Lab::new();
    let _metadata = lab.metadata();
    let ca = at(
        &lab.file("corp.pem", &Ca::new("Corp Root").pem()),
        "/corp.pem",
    );
    let gcloud = at(&lab.file("gcloud", "#!/bin/sh\n"), "/usr/local/bin/gcloud");
    let script = "printenv SSL_CERT_FILE CLOUDSDK_CONFIG; echo started";
    let words = ["--ca-file", "/corp.pem", "sh", "-c", script];
    let run = |options: &[&str]| {
        let options = [options, &[&ca, &gcloud]].concat();
        lab.container(&options, DEBIAN, &words).run()
    };

    for (options, place) in [
        (&["--read-only"][..], "/tmp/"),
        (&["--read-only", "--read-only-tmpfs=false"], "/dev/shm/"),
        (
            &[
                "--read-only",
                "--tmpfs=/scratch:mode=1777",
                "--env=TMPDIR=/scratch",
            ],
            "/scratch/",
        ),
    ] {
        let run = run(options);
        let lines: Vec<&str> = run.succeeds().lines().collect();
        assert_eq!(lines.len(), 3, "{run:#?}");
        assert!(
            lines[0].starts_with(&format!("{place}runup-ca-")),
            "{run:#?}"
        );
        assert!(
            lines[1].starts_with(&format!("{place}runup-gcloud-")),
            "{run:#?}"
        );
    }
    let run = run(&SEALED);
    assert_eq!(run.succeeds(), "started");
    run.says(&[
        "ca/bundle",
        "adc/gcloud-directory",
        "/nonexistent/.config/gcloud",
        "read-only file system",
    ]);
}

/// Without the cure of `net/resolve.rs`, a static binary dies in an image that has another glibc and names a module of it.
/// docs/containers.md has this table.
#[test]
fn a_foreign_name_service_kills_a_static_binary_but_not_runup() {
    need!("image", "cc");
    let lab = Lab::new();
    let source = lab.file("ask.c", ASK);
    let ask = lab.home().join("ask");
    let built: Job<'_> = lab.job("cc").args(["-static", "-o"]).arg(&ask).arg(&source);
    built.run().succeeds();
    let script = r#"
        try() { "$@" >/dev/null 2>&1; echo "$hosts, $name, ${1##*/}: $?"; }
        for hosts in "$(sed -n 's/^hosts: *//p' /etc/nsswitch.conf)" "files dns" "files dns myhostname" "files myhostname resolve dns"; do
            echo "hosts: $hosts" >/etc/nsswitch.conf
            for name in nexus.corp.example nobody.corp.example; do
                try /ask $name
                try runup --metadata off --timeout 10s --require dns://$name true
            done
        done"#;
    let run = lab
        .container(
            &["--user=0", "--entrypoint=bash", &at(&ask, "/ask")],
            DEBIAN,
            &["-c", script],
        )
        .run();
    // 136: killed by SIGFPE. 1: no such name. 69: said so.
    let expected = "\
files myhostname dns, nexus.corp.example, ask: 136
files myhostname dns, nexus.corp.example, runup: 0
files myhostname dns, nobody.corp.example, ask: 136
files myhostname dns, nobody.corp.example, runup: 69
files dns, nexus.corp.example, ask: 0
files dns, nexus.corp.example, runup: 0
files dns, nobody.corp.example, ask: 1
files dns, nobody.corp.example, runup: 69
files dns myhostname, nexus.corp.example, ask: 0
files dns myhostname, nexus.corp.example, runup: 0
files dns myhostname, nobody.corp.example, ask: 136
files dns myhostname, nobody.corp.example, runup: 69
files myhostname resolve dns, nexus.corp.example, ask: 136
files myhostname resolve dns, nexus.corp.example, runup: 0
files myhostname resolve dns, nobody.corp.example, ask: 136
files myhostname resolve dns, nobody.corp.example, runup: 69";
    assert_eq!(run.succeeds(), expected);
    // The command's name service is the image's own: `myhostname` knows this name, the name server does not.
    let words = [
        "--require",
        "dns://nexus.corp.example",
        "--metadata",
        "off",
        "getent",
        "ahosts",
        "any.localhost",
    ];
    let run = lab.container(&[], DEBIAN, &words).run();
    assert!(run.succeeds().contains("127.0.0.1"), "{run:#?}");
}

/// Asks for a name as any program does: 0 where it has an address, 1 where not.
const ASK: &str = r#"
#include <netdb.h>

int main(int count, char **words) {
    struct addrinfo *found;
    return count == 2 && getaddrinfo(words[1], 0, 0, &found) == 0 ? 0 : 1;
}
"#;
