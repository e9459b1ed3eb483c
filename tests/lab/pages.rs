//! That the real gcloud understands each of its commands that a finding's page advises, and sends it off.

use std::collections::{BTreeMap, VecDeque};
use std::net::Ipv4Addr;
use std::sync::Mutex;
use std::thread;

use runup::finding::code::Code;

use crate::dns::Dns;
use crate::job::Outcome;
use crate::lab::{Host, Lab};
use crate::server::response;

/// All of Google's APIs, as gcloud is told.
const API: Host = ("api.example", Ipv4Addr::LOCALHOST);

/// What gcloud makes of it for a job in the region REGION.
const REGIONAL_API: Host = ("region-api.example", Ipv4Addr::LOCALHOST);

const PORT: u16 = 8099;

/// The APIs behind the commands, by gcloud's names for them.
const APIS: [&str; 10] = [
    "CLOUDRESOURCEMANAGER",
    "COMPUTE",
    "CONTAINER",
    "DNS",
    "IAM",
    "NETWORKMANAGEMENT",
    "RUN",
    "SECRETMANAGER",
    "SERVICEUSAGE",
    "VPCACCESS",
];

/// What the API says to every request. gcloud gets to show it only if the command line was understood.
const ANSWER: &str = "nothing of this name in the lab";

#[test]
fn gcloud_understands_every_command_of_the_pages() {
    need!("gcloud");
    let lab = lab();
    let _api = lab.http(API, PORT, |_| {
        let body = format!(
            r#"{{"error": {{"code": 404, "status": "NOT_FOUND", "message": "{ANSWER}"}}}}"#
        );
        response("404 Not Found", &["Content-Type: application/json"], &body)
    });
    lab.file("proxy-url.txt", "http://proxy.corp.example:3128");

    let commands = commands();
    assert!(commands.len() > 40, "{commands:#?}");
    let bad = Mutex::new(Vec::new());
    let queue = Mutex::new(VecDeque::from_iter(commands));
    let next = || queue.lock().unwrap().pop_front();
    // A second of a processor's time each.
    thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                while let Some((command, code)) = next() {
                    let run = gcloud(&lab, &command);
                    if !is_understood(&run) {
                        bad.lock()
                            .unwrap()
                            .push(format!("{code}: {command}\n{}", run.stderr));
                    }
                }
            });
        }
    });
    let bad = bad.into_inner().unwrap();
    assert!(bad.is_empty(), "{}", bad.join("\n"));
}

#[test]
fn a_wrong_command_would_be_found() {
    need!("gcloud");
    let lab = lab();
    for wrong in [
        "gcloud run jobs update job --region=REGION --vpc-egress=private",
        "gcloud run jobs update job --region=REGION --update-variables=A=1",
        "gcloud dns managed-zones make corp-example",
        "gcloud dns managed-zones create corp-example --visibility=private",
    ] {
        let run = gcloud(&lab, wrong);
        assert!(!is_understood(&run), "{wrong}: {run:#?}");
    }
}

fn lab() -> Lab {
    let hosts = [API, REGIONAL_API].map(|(name, address)| (name.to_owned(), address.into()));
    Lab::with_dns(&Dns::Serves(hosts.into()))
}

/// Runs a command line of a page, with a token and a project, and all APIs at [`API`].
fn gcloud(lab: &Lab, command: &str) -> Outcome {
    // gcloud's own rules allow these names no capitals.
    let command = command
        .replace(" JOB", " job")
        .replace(" SERVICE ", " service ")
        .replace("--project=PROJECT", "--project=project");
    let command = command.replace(
        "PROJECT/global/networks/NETWORK",
        "project/global/networks/vpc",
    );
    let line = format!("cd && {command}");
    let job = lab
        .job("sh")
        .args(["-c", &line])
        .env("CLOUDSDK_AUTH_ACCESS_TOKEN", "fake")
        .env("CLOUDSDK_CORE_PROJECT", "project")
        .env("CLOUDSDK_CORE_DISABLE_PROMPTS", "1")
        .env("CLOUDSDK_CORE_CHECK_GCE_METADATA", "false");
    let endpoint = format!("http://{}:{PORT}/", API.0);
    let variable = |api| format!("CLOUDSDK_API_ENDPOINT_OVERRIDES_{api}");
    APIS.iter()
        .fold(job, |job, api| job.env(&variable(api), &endpoint))
        .run()
}

/// Whether gcloud did it, or got as far as to ask the API.
fn is_understood(run: &Outcome) -> bool {
    // Of a missing job or service it speaks in its own words.
    let asked = [
        ANSWER,
        "Job [job] could not be found",
        "Cannot find job [job]",
        "Cannot find service [service]",
    ];
    let asked = asked.iter().any(|answer| run.stderr.contains(answer));
    run.status.success() || (run.status.code() == Some(1) && asked)
}

/// The commands of gcloud in the pages' code blocks, one of each shape, with a page that has it.
fn commands() -> Vec<(String, Code)> {
    let mut commands = BTreeMap::new();
    for code in Code::ALL {
        let page = code.page().replace(" \\\n        ", " ");
        for line in page.lines() {
            if let Some(command) = line.strip_prefix("    ")
                && command.starts_with("gcloud ")
            {
                commands.insert(shape(command), (command.to_owned(), *code));
            }
        }
    }
    commands.into_values().collect()
}

/// The command without the names and values of its job's variables, which are free: only how they are put together counts.
fn shape(command: &str) -> String {
    let mut shape = String::new();
    for word in command.split(' ') {
        let is_free = word.contains("env-vars=");
        for letter in word.chars() {
            match is_free && (letter.is_alphanumeric() || "-._:/@".contains(letter)) {
                true if shape.ends_with('x') => {}
                true => shape.push('x'),
                false => shape.push(letter),
            }
        }
        shape.push(' ');
    }
    shape
}
