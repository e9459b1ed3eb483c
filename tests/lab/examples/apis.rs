//! Google's APIs, as far as the examples ask them.

use std::sync::Mutex;

use serde_json::{Value, json};

use super::story::{PROJECT, line};
use crate::server::{Received, response};

/// The jobs of the project.
const JOBS: &str = "/apis/run.googleapis.com/v1/namespaces/myproject/jobs";

/// The managed instance groups of the project.
const GROUPS: &str = "/compute/v1/projects/myproject/aggregated/instanceGroupManagers";

/// Where gcloud asks several things of Compute Engine at once.
pub(super) const BATCH: &str = "/batch/compute/v1";

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
pub(super) fn cloud_run() -> impl Fn(&Received) -> String {
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

/// Compute Engine, as far as groups are listed by it, on two pages. The group `denied` is on none, and its page is refused.
pub(super) fn compute(request: &Received) -> String {
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

/// The requests within one of gcloud's batches: what it calls them, and their first lines.
pub(super) fn batched(body: &[u8]) -> impl Iterator<Item = (&str, &str)> {
    let body = str::from_utf8(body).unwrap();
    body.split("Content-ID: <").skip(1).map(|part| {
        let (id, rest) = part.split_once('>').unwrap();
        let is_line = |line: &&str| line.ends_with(" HTTP/1.1");
        (id, rest.lines().find(is_line).unwrap())
    })
}
