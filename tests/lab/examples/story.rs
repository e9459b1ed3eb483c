//! The corporate network of the story, with Google's APIs behind its proxy.

use std::path::Path;

use runup::metadata::emulator::Identity;
use serde_json::{Map, Value, json};
use url::{Position, Url};

use super::apis::{BATCH, batched};
use crate::dns::Dns;
use crate::job::Job;
use crate::lab::{DEEP, Host, Lab, PUBLIC, names};
use crate::server::{Ca, Canned, Metadata, Received};
use crate::squid::{Policy, Squid};
use crate::tools;

/// The hosts of Google's that the examples ask.
const HOSTS: [&str; 3] = [
    "compute.googleapis.com",
    "europe-west1-run.googleapis.com",
    "serviceusage.googleapis.com",
];

/// An internal host of the examples.
pub(super) const GITHUB: Host = ("github.corp.example", DEEP.1);

/// The project of the examples.
pub(super) const PROJECT: &str = "myproject";

/// The corporate network of the story: Google's APIs are reached by Squid alone, all else directly.
pub(super) struct Story {
    // In this order: what listens goes before the namespace.
    api: Canned,
    pub(super) squid: Squid,
    pub(super) metadata: Metadata,
    pub(super) ca: Ca,
    pub(super) lab: Lab,
}

impl Story {
    pub(super) fn new(answer: impl Fn(&Received) -> String + Send + Sync + 'static) -> Self {
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
    pub(super) fn runup(&self) -> Job<'_> {
        self.furnished(self.lab.runup())
            .env("HTTP_PROXY", self.squid.url())
            .env("HTTPS_PROXY", self.squid.url())
    }

    /// A job with what the lab adds to the examples: its CA, and the way to its runup.
    pub(super) fn furnished<'a>(&self, job: Job<'a>) -> Job<'a> {
        let built = Path::new(env!("CARGO_BIN_EXE_runup")).parent().unwrap();
        let home = self.lab.home();
        // The scripts call runup by its name.
        let path = format!("{}/bin:{}:{}", home.display(), built.display(), tools::PATH);
        job.env("RUNUP_CA_FILE", home.join("corp.pem"))
            .env("CLOUDSDK_CORE_DISABLE_PROMPTS", "1")
            .env("PATH", path)
    }

    /// What the API was asked, each time with the token of the metadata server. Squid saw nothing else.
    pub(super) fn asked(&self) -> Value {
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

/// The method and the URL of a request.
pub(super) fn line(head: &str) -> (&str, Url) {
    let mut words = head.split_whitespace();
    let (method, path) = (words.next().unwrap(), words.next().unwrap());
    let host = header(head, "host").unwrap();
    (method, format!("https://{host}{path}").parse().unwrap())
}

fn header<'a>(head: &'a str, name: &str) -> Option<&'a str> {
    let mut headers = head.lines().filter_map(|line| line.split_once(": "));
    headers.find_map(|(key, value)| key.eq_ignore_ascii_case(name).then_some(value))
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
pub(super) fn values(value: &mut Value) -> Box<dyn Iterator<Item = &mut Value> + '_> {
    match value {
        Value::Object(map) => Box::new(map.values_mut()),
        Value::Array(values) => Box::new(values.iter_mut()),
        _ => Box::new([].into_iter()),
    }
}
