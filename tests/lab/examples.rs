//! The examples, run: by the real gcloud and curl, against an API that writes down what it is asked.
//!
//! What they ask stands in `snapshots/`, as JSON. `INSTA_UPDATE=always cargo test --test lab examples` writes it anew.

use std::env;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::sync::Mutex;

use runup::metadata::emulator::Identity;
use serde_json::{Map, Value, json};
use url::{Position, Url};

use crate::dns::Dns;
use crate::job::{Job, Outcome};
use crate::lab::{DEEP, Host, Lab, NEXUS, PUBLIC, names};
use crate::server::{Ca, Canned, Metadata, Received, response};
use crate::squid::{Policy, Squid};
use crate::tools;

/// The hosts of Google's that the examples ask.
const HOSTS: [&str; 3] = [
    "compute.googleapis.com",
    "europe-west1-run.googleapis.com",
    "serviceusage.googleapis.com",
];

/// An internal host of the examples.
const GITHUB: Host = ("github.corp.example", DEEP.1);

/// The project of the examples.
const PROJECT: &str = "myproject";

/// The jobs of the project.
const JOBS: &str = "/apis/run.googleapis.com/v1/namespaces/myproject/jobs";

/// The managed instance groups of the project.
const GROUPS: &str = "/compute/v1/projects/myproject/aggregated/instanceGroupManagers";

/// Where gcloud asks several things of Compute Engine at once.
const BATCH: &str = "/batch/compute/v1";

/// The image that is deployed.
const IMAGE: &str = "europe-west1-docker.pkg.dev/myproject/jobs/list-migs:1.0.0";

/// The corporate network of the story: Google's APIs are reached by Squid alone, all else directly.
struct Story {
    // In this order: what listens goes before the namespace.
    api: Canned,
    squid: Squid,
    metadata: Metadata,
    ca: Ca,
    lab: Lab,
}

impl Story {
    fn new(answer: impl Fn(&Received) -> String + Send + Sync + 'static) -> Self {
        let apis = HOSTS.map(|host| (host, PUBLIC.1));
        let hosts = apis.into_iter().chain([GITHUB]);
        let hosts = hosts.map(|(name, address)| (name.to_owned(), address.into()));
        let lab = Lab::with_dns(&Dns::Serves(names().into_iter().chain(hosts).collect()));
        let ca = Ca::new("Corp Root");
        lab.file("corp.pem", &ca.pem());
        lab.reserve_for_squid(PUBLIC);
        Self {
            api: lab.api(ca.serve_all(&HOSTS), answer),
            squid: lab.squid(Policy::Allow),
            metadata: lab.metadata_of(Identity {
                email: format!("list-migs@{PROJECT}.iam.gserviceaccount.com"),
                project: PROJECT.into(),
                region: "europe-west1".into(),
                ..Identity::default()
            }),
            ca,
            lab,
        }
    }

    /// runup, to be given a command; the proxy's variables stand as the examples set them.
    fn runup(&self) -> Job<'_> {
        self.furnished(self.lab.runup())
            .env("HTTP_PROXY", self.squid.url())
            .env("HTTPS_PROXY", self.squid.url())
    }

    fn furnished<'a>(&self, job: Job<'a>) -> Job<'a> {
        let built = Path::new(env!("CARGO_BIN_EXE_runup")).parent().unwrap();
        let home = self.lab.home();
        // The scripts call runup by its name.
        let path = format!("{}/bin:{}:{}", home.display(), built.display(), tools::PATH);
        job.env("RUNUP_CA_FILE", home.join("corp.pem"))
            .env("CLOUDSDK_CORE_DISABLE_PROMPTS", "1")
            .env("PATH", path)
    }

    /// What the API was asked, each time with the token of the metadata server. Squid saw nothing else.
    fn asked(&self) -> Value {
        let squid = self.squid.log();
        for line in squid.lines() {
            let mut known = HOSTS.map(|host| format!("CONNECT {host}:443 ")).into_iter();
            assert!(known.any(|known| line.contains(&known)), "{squid}");
        }
        let received = self.api.received();
        let mut asked: Vec<_> = received.iter().map(|request| self.told(request)).collect();
        // How often it looks whether the job is ready is a matter of time.
        asked.dedup();
        asked.into()
    }

    /// A request as JSON, without what differs from one run to the next.
    fn told(&self, request: &Received) -> Value {
        let bearer = format!("Bearer {}", self.metadata.token());
        let sent = header(&request.head, "authorization");
        assert_eq!(sent, Some(bearer.as_str()), "{}", request.head);
        let (method, url) = line(&request.head);
        let query = url.query_pairs();
        let query: Map<_, _> = query
            .map(|(name, value)| (name.into(), json!(value)))
            .collect();
        let mut told = json!({"request": format!("{method} {}", &url[..Position::AfterPath])});
        if !query.is_empty() {
            told["query"] = query.into();
        }
        if url.path() == BATCH {
            told["batch"] = batched(&request.body).map(|(_, line)| line).collect();
        } else if !request.body.is_empty() {
            told["body"] = serde_json::from_slice(&request.body).unwrap();
            normalise(&mut told["body"]);
        }
        told
    }
}

/// A file of the project's examples.
fn example(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("examples")
        .join(path)
}

/// The method and the URL of a request.
fn line(head: &str) -> (&str, Url) {
    let mut words = head.split_whitespace();
    let (method, path) = (words.next().unwrap(), words.next().unwrap());
    let host = header(head, "host").unwrap();
    (method, format!("https://{host}{path}").parse().unwrap())
}

fn header<'a>(head: &'a str, name: &str) -> Option<&'a str> {
    let mut headers = head.lines().filter_map(|line| line.split_once(": "));
    headers.find_map(|(key, value)| key.eq_ignore_ascii_case(name).then_some(value))
}

/// The requests within one of gcloud's batches: what it calls them, and their first lines.
fn batched(body: &[u8]) -> impl Iterator<Item = (&str, &str)> {
    let body = str::from_utf8(body).unwrap();
    body.split("Content-ID: <").skip(1).map(|part| {
        let (id, rest) = part.split_once('>').unwrap();
        let is_line = |line: &&str| line.ends_with(" HTTP/1.1");
        (id, rest.lines().find(is_line).unwrap())
    })
}

/// Replaces gcloud's version and its nonces, wherever they stand, and texts of JSON by what they say.
fn normalise(value: &mut Value) {
    if let Value::Object(map) = value {
        for (key, constant) in [
            ("run.googleapis.com/client-version", "VERSION"),
            ("client.knative.dev/nonce", "NONCE"),
        ] {
            if let Some(value) = map.get_mut(key) {
                *value = json!(constant);
            }
        }
        if let Some(text) = map.get_mut("run.googleapis.com/network-interfaces") {
            *text = serde_json::from_str(text.as_str().unwrap()).unwrap();
        }
    }
    values(value).for_each(normalise);
}

/// The values within a value.
fn values(value: &mut Value) -> Box<dyn Iterator<Item = &mut Value> + '_> {
    match value {
        Value::Object(map) => Box::new(map.values_mut()),
        Value::Array(values) => Box::new(values.iter_mut()),
        _ => Box::new([].into_iter()),
    }
}

fn ok(body: &Value) -> String {
    let body = serde_json::to_string_pretty(body).unwrap();
    response("200 OK", &["Content-Type: application/json"], &body)
}

fn error(status: &str, message: &str) -> String {
    let code: u16 = status[..3].parse().unwrap();
    let body = json!({"error": {"code": code, "message": message}}).to_string();
    response(status, &["Content-Type: application/json"], &body)
}

/// Cloud Run, as far as a job is made by it: what is stored is ready at once.
fn cloud_run() -> impl Fn(&Received) -> String {
    let stored: Mutex<Option<Value>> = Mutex::default();
    move |request| {
        let (method, url) = line(&request.head);
        let mut stored = stored.lock().unwrap();
        if method != "GET" && url.path().starts_with(JOBS) {
            let mut job: Value = serde_json::from_slice(&request.body).unwrap();
            job["metadata"]["generation"] = json!(1);
            job["metadata"]["creationTimestamp"] = json!("2026-01-01T00:00:00.000000Z");
            job["status"] = json!({
                "observedGeneration": 1,
                "conditions": [{"type": "Ready", "status": "True"}],
            });
            *stored = Some(job);
        }
        match (&*stored, url.path()) {
            (Some(job), path) if path.starts_with(JOBS) => ok(job),
            (_, path) if path.starts_with("/v1/projects/myproject/services/") => {
                ok(&json!({"state": "ENABLED"}))
            }
            (_, path) => error("404 Not Found", &format!("no {path} in the lab")),
        }
    }
}

/// The template of the one job that was sent off, without what is empty and what gcloud signs.
fn template(asked: &Value) -> Value {
    let mut sent = asked.as_array().unwrap().iter();
    let sent = sent.find(|request| request["request"].as_str().unwrap().starts_with("POST "));
    let mut template = sent.unwrap()["body"]["spec"]["template"].clone();
    let metadata = template["metadata"].as_object_mut().unwrap();
    metadata.remove("labels");
    let annotations = metadata["annotations"].as_object_mut().unwrap();
    annotations.retain(|name, _| !name.contains("/client-"));
    prune(&mut template);
    template
}

/// Removes what is empty.
fn prune(value: &mut Value) {
    values(value).for_each(prune);
    if let Value::Object(map) = value {
        map.retain(|_, value| *value != json!({}) && *value != json!(""));
    }
}

fn deploy(connector: &str) -> Value {
    let story = Story::new(cloud_run());
    let script = example("cloud-run/deploy.sh");
    let job = story.runup().arg(script).args(["europe-west1", IMAGE]);
    let run = job.env("CONNECTOR", connector).run();
    assert!(run.succeeds().contains("execute list-migs"), "{run:#?}");
    story.asked()
}

/// By job.yaml.
fn replace() -> Value {
    let story = Story::new(cloud_run());
    let command = ["gcloud", "run", "jobs", "replace", "--region=europe-west1"];
    let file = example("cloud-run/job.yaml");
    story.runup().args(command).arg(file).run().succeeds();
    story.asked()
}

#[test]
fn deploying_by_flags_and_by_yaml_makes_the_same_job() {
    need!("gcloud", "squid", "nft", "bash");
    let deployed = deploy("");
    insta::assert_json_snapshot!("deploy", deployed);
    let replaced = replace();
    insta::assert_json_snapshot!("replace", replaced);
    let template = template(&replaced);
    assert_eq!(self::template(&deployed), template);

    // The other deployments set no other variables.
    for file in ["kubernetes/job.yaml", "terraform/job.tf"] {
        let text = fs::read_to_string(example(file)).unwrap();
        let variables = template["spec"]["template"]["spec"]["containers"][0]["env"].as_array();
        for variable in variables.unwrap() {
            let name = variable["name"].as_str().unwrap();
            assert!(text.contains(name), "no {name} in {file}");
        }
    }

    let mut connected = self::template(&deploy("jobs"));
    let annotations = connected["metadata"]["annotations"].take();
    let expected = json!({
        "run.googleapis.com/vpc-access-connector": "jobs",
        "run.googleapis.com/vpc-access-egress": "private-ranges-only",
    });
    assert_eq!(annotations, expected);
    assert_eq!(connected["spec"], template["spec"]);
}

/// Compute Engine, as far as groups are listed by it, on two pages. The group `denied` is on none, and its page is refused.
fn compute(request: &Received) -> String {
    let (_, url) = line(&request.head);
    let query = |name: &str| {
        let mut pairs = url.query_pairs();
        let value = pairs.find_map(|(key, value)| (key == name).then(|| value.into_owned()));
        value.unwrap_or_default()
    };
    let base = format!("https://compute.googleapis.com/compute/v1/projects/{PROJECT}");
    let group = |name: &str, scope: &str, place: &str, size: u32| {
        let mut group = json!({
            "kind": "compute#instanceGroupManager",
            "name": name,
            scope: format!("{base}/{scope}s/{place}"),
            "selfLink": format!("{base}/{scope}s/{place}/instanceGroupManagers/{name}"),
            "instanceGroup": format!("{base}/{scope}s/{place}/instanceGroups/{name}"),
            "baseInstanceName": name,
            "targetSize": size,
            "namedPorts": [{"name": "http", "port": 8080}],
            "status": {"isStable": true},
        });
        if !query("fields").is_empty() {
            let wanted = ["name", "zone", "region", "targetSize"];
            let group = group.as_object_mut().unwrap();
            group.retain(|key, _| wanted.contains(&key.as_str()));
        }
        group
    };
    // Who does not let the API choose must choose by itself.
    let others = match query("filter").is_empty() {
        true => {
            json!({"instanceGroupManagers": [group("other-env-web", "zone", "europe-west1-c", 1)]})
        }
        false => json!({}),
    };
    let is_second = query("pageToken") == "CjQ1/page+two==";
    match url.path() {
        GROUPS if is_second && query("filter").contains("denied") => error(
            "403 Forbidden",
            "compute.instanceGroupManagers.list is missing",
        ),
        GROUPS if is_second => ok(&json!({
            "items": {
                "regions/europe-west1": {"instanceGroupManagers": [
                    group("component-env-api", "region", "europe-west1", 0),
                ]},
            },
        })),
        GROUPS => ok(&json!({
            "items": {
                "zones/europe-west1-b": {"instanceGroupManagers": [
                    group("component-env-web", "zone", "europe-west1-b", 3),
                    group("component-env-batch", "zone", "europe-west1-b", 12),
                ]},
                "zones/europe-west1-c": others,
            },
            "nextPageToken": "CjQ1/page+two==",
        })),
        // Nothing scales the groups.
        BATCH => {
            let parts: String = batched(&request.body)
                .map(|(id, _)| {
                    format!(
                        "--part\r\nContent-Type: application/http\r\nContent-ID: <response-{id}>\r\n\r\n{}\r\n",
                        ok(&json!({}))
                    )
                })
                .collect();
            let kind = "Content-Type: multipart/mixed; boundary=part";
            response("200 OK", &[kind], &format!("{parts}--part--"))
        }
        path if path.ends_with("/instanceGroups") => ok(&json!({})),
        path => error("404 Not Found", &format!("no {path} in the lab")),
    }
}

/// Runs the container of job.yaml as it stands, but for its script.
fn container(story: &Story, script: &str, component: &str) -> Outcome {
    let job = template(&replace());
    let container = &job["spec"]["template"]["spec"]["containers"][0];
    let words = |list: &Value| {
        let words = list.as_array().unwrap().iter();
        let words: Vec<_> = words
            .map(|word| word.as_str().unwrap().to_owned())
            .collect();
        words
    };
    assert_eq!(words(&container["command"]), ["runup"]);
    let arguments = words(&container["args"]).into_iter();
    let arguments = arguments.map(|argument| match argument.as_str() {
        "./list-migs.sh" => script.to_owned(),
        "component" => component.to_owned(),
        _ => argument,
    });
    let runup = env!("CARGO_BIN_EXE_runup");
    let job = story.lab.job("sh").args(["-c", "cd \"$0\" && exec \"$@\""]);
    let job = story.furnished(job).arg(example("scripts")).arg(runup);
    let variables = container["env"].as_array().unwrap().iter();
    let job = variables.fold(job.args(arguments), |job, variable| {
        let value = variable["value"].as_str().unwrap_or("of the secret");
        job.env(variable["name"].as_str().unwrap(), value)
    });
    job.run()
}

#[test]
fn the_job_lists_its_groups_by_gcloud_and_by_curl_alike() {
    need!("gcloud", "squid", "nft", "bash", "curl", "awk");
    let expected = "component-env-api\teurope-west1\t0
component-env-batch\teurope-west1-b\t12
component-env-web\teurope-west1-b\t3";
    for script in ["list-migs", "list-migs-rest"] {
        let story = Story::new(compute);
        let hello = |_: &str| response("200 OK", &[], "");
        let _github = story
            .lab
            .https(GITHUB, 443, story.ca.serve(GITHUB.0), hello);
        let _nexus = story.lab.http(NEXUS, 8081, hello);
        let arguments = record_curl(&story.lab);
        let run = container(&story, &format!("./{script}.sh"), "component");
        assert_eq!(run.succeeds(), expected, "{run:#?}");
        insta::assert_json_snapshot!(script, sorted(story.asked()));

        if script == "list-migs" {
            let alone = story.lab.job(example("scripts/list-migs.sh"));
            let alone = alone.args(["-e", "env", "-c", "component"]);
            // Not with the token that gcloud keeps.
            let alone = alone.env("CLOUDSDK_CONFIG", story.lab.home().join("alone"));
            let alone = alone.env("HTTP_PROXY", story.squid.url()).run();
            alone.fails_saying(&["Status: 403", "gcloud auth login"]);
        } else {
            let denied = container(&story, "./list-migs-rest.sh", "denied");
            denied
                .exits(69)
                .says(&["instanceGroupManagers.list is missing"]);
            assert_eq!(denied.stdout, "", "half a list");
            let arguments = fs::read_to_string(arguments).unwrap();
            assert_eq!(arguments.matches("--data-urlencode pageToken=").count(), 2);
            assert!(!arguments.contains(story.metadata.token()), "{arguments}");
        }
    }
}

/// gcloud asks for what belongs to the groups in no order.
fn sorted(mut asked: Value) -> Value {
    let texts = |list: &mut Value| {
        let list = list.as_array_mut().unwrap();
        list.sort_by_key(ToString::to_string);
    };
    for request in asked.as_array_mut().unwrap() {
        if let Some(batch) = request.get_mut("batch") {
            texts(batch);
        }
    }
    texts(&mut asked);
    asked
}

/// Puts a curl before the real one that writes its arguments down, for all to see as in `ps`.
fn record_curl(lab: &Lab) -> PathBuf {
    let arguments = lab.home().join("arguments");
    let place = lab.home().join("bin");
    fs::create_dir(&place).unwrap();
    let script = format!(
        "#!/bin/sh\necho \"$@\" >>{}\nexec {} \"$@\"\n",
        arguments.display(),
        tools::program("curl").display()
    );
    let curl = lab.file("bin/curl", &script);
    fs::set_permissions(curl, fs::Permissions::from_mode(0o755)).unwrap();
    arguments
}

/// Runs a checker of `tests/lab/examples` by the lab's Python.
fn checker<'a>(lab: &'a Lab, name: &str) -> Job<'a> {
    let checkers = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/lab/examples");
    let python = tools::python().unwrap();
    lab.job(python).arg("-B").arg(checkers.join(name))
}

/// The text of an example with mistakes in it.
fn spoilt(path: &str, mistakes: &[(&str, &str)]) -> String {
    let mut text = fs::read_to_string(example(path)).unwrap();
    for (right, wrong) in mistakes {
        assert!(text.contains(right), "{right} is not in {path}");
        text = text.replace(right, wrong);
    }
    text
}

#[test]
fn kubernetes_knows_every_field_of_the_manifests() {
    need!("kubernetes");
    let lab = Lab::new();
    let manifests = || checker(&lab, "manifests.py");
    let files = ["kubernetes/job.yaml", "kubernetes/init-container.yaml"].map(example);
    manifests().args(files).run().succeeds();

    let mistakes = [
        ("terminationMessagePath:", "terminationMessagesPath:"),
        ("backoffLimit: 3", "backoffLimit: \"3\""),
        ("operator: In", "operator_: In"),
    ];
    let file = lab.file("job.yaml", &spoilt("kubernetes/job.yaml", &mistakes));
    let run = manifests().arg(file).run();
    run.exits(1);
    for wrong in [
        "terminationMessagesPath",
        "backoffLimit",
        "operator: Field required",
    ] {
        assert!(run.stdout.contains(wrong), "{run:#?}");
    }
}

#[test]
fn the_configuration_of_terraform_fits_the_provider() {
    need!("terraform-declarations");
    let lab = Lab::new();
    let declarations = tools::terraform_declarations().unwrap();
    let configuration = |directory: &Path| {
        let job = checker(&lab, "configuration.py").arg(directory);
        job.arg(&declarations).run()
    };
    configuration(&example("terraform")).succeeds();

    fs::create_dir(lab.home().join("spoilt")).unwrap();
    let mistakes = [
        ("max_retries ", "max_retry "),
        ("account.job.email", "account.job.mail"),
        ("resources {", "resources = {"),
        ("replication {", "replicate {"),
        ("var.region", "var.place"),
    ];
    lab.file("spoilt/job.tf", &spoilt("terraform/job.tf", &mistakes));
    let run = configuration(&lab.home().join("spoilt"));
    run.exits(1);
    for wrong in [
        "`max_retry`",
        "`mail`",
        "resources: is a block",
        "`replication` is missing",
        "var.place",
    ] {
        assert!(run.stdout.contains(wrong), "{wrong}: {run:#?}");
    }
}

/// By Terraform itself where the machine has it, which CI cannot install; and by the provider where a directory of the
/// machine has it, laid out as a mirror: `RUNUP_LAB_TERRAFORM_PROVIDERS`.
#[test]
fn terraform_itself_reads_its_configuration() {
    need!();
    if !tools::has("terraform") {
        tools::skipped("terraform_itself_reads_its_configuration", "`terraform`");
        return;
    }
    let lab = Lab::new();
    let directory = lab.home().join("terraform");
    fs::create_dir(&directory).unwrap();
    for file in fs::read_dir(example("terraform")).unwrap() {
        let file = file.unwrap();
        fs::copy(file.path(), directory.join(file.file_name())).unwrap();
    }
    let terraform = |arguments: &[&str]| {
        let chdir = format!("-chdir={}", directory.display());
        let job = lab.job("terraform").arg(chdir).args(arguments);
        job.env("CHECKPOINT_DISABLE", "1").run()
    };
    terraform(&["fmt", "-check", "-diff"]).succeeds();
    lab.file("terraform/untidy.tf", "locals {\n  a = 1\n  bcd = 2\n}\n");
    terraform(&["fmt", "-check"]).exits(3);
    fs::remove_file(directory.join("untidy.tf")).unwrap();

    let Some(providers) = env::var_os("RUNUP_LAB_TERRAFORM_PROVIDERS") else {
        tools::skipped("`terraform validate`", "RUNUP_LAB_TERRAFORM_PROVIDERS");
        return;
    };
    let providers = format!("-plugin-dir={}", Path::new(&providers).display());
    terraform(&["init", "-backend=false", "-input=false", &providers]).succeeds();
    terraform(&["validate"]).succeeds();
}

#[test]
fn the_scripts_are_free_of_the_usual_mistakes() {
    need!("shellcheck");
    let lab = Lab::new();
    let scripts = [
        "a.sh",
        "cloud-run/deploy.sh",
        "scripts/list-migs.sh",
        "scripts/list-migs-rest.sh",
    ];
    let run = lab.job("shellcheck").args(scripts.map(example)).run();
    assert!(run.status.success(), "{}", run.stdout);
}
