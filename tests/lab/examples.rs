//! The examples, run: by the real gcloud and curl, against an API that writes down what it is asked.
//!
//! What they ask stands in `snapshots/`, as JSON. `INSTA_UPDATE=always cargo test --test lab examples` writes it anew.

mod apis;
mod story;

use std::env;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use apis::{cloud_run, compute};
use story::{GITHUB, Story, values};

use crate::job::{Job, Outcome};
use crate::lab::{Lab, NEXUS};
use crate::server::response;
use crate::tools;

/// The image that is deployed.
const IMAGE: &str = "europe-west1-docker.pkg.dev/myproject/jobs/list-migs:1.0.0";

/// A file of the project's examples.
fn example(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("examples")
        .join(path)
}

/// The template of the one job that was sent off, without what is empty and what gcloud signs.
fn template_of(asked: &Value) -> Value {
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

/// By deploy.sh.
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
    let template = template_of(&replaced);
    assert_eq!(template_of(&deployed), template);

    // The other deployments set the same variables.
    for file in ["kubernetes/job.yaml", "terraform/job.tf"] {
        let text = fs::read_to_string(example(file)).unwrap();
        let variables = template["spec"]["template"]["spec"]["containers"][0]["env"].as_array();
        for variable in variables.unwrap() {
            let name = variable["name"].as_str().unwrap();
            assert!(text.contains(name), "no {name} in {file}");
        }
    }

    let mut connected = template_of(&deploy("jobs"));
    let annotations = connected["metadata"]["annotations"].take();
    let expected = json!({
        "run.googleapis.com/vpc-access-connector": "jobs",
        "run.googleapis.com/vpc-access-egress": "private-ranges-only",
    });
    assert_eq!(annotations, expected);
    assert_eq!(connected["spec"], template["spec"]);
}

/// Runs a container of Cloud Run as it stands, but for its script.
fn run_container(container: &Value, story: &Story, script: &str, component: &str) -> Outcome {
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
    let job = template_of(&replace());
    let container = &job["spec"]["template"]["spec"]["containers"][0];
    for script in ["list-migs", "list-migs-rest"] {
        let story = Story::new(compute);
        let hello = |_: &str| response("200 OK", &[], "");
        let _github = story
            .lab
            .https(GITHUB, 443, story.ca.serve(GITHUB.0), hello);
        let _nexus = story.lab.http(NEXUS, 8081, hello);
        let arguments = record_curl(&story.lab);
        let run = run_container(container, &story, &format!("./{script}.sh"), "component");
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
            let denied = run_container(container, &story, "./list-migs-rest.sh", "denied");
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
