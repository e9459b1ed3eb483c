//! Every real client in every environment, before and after the mend: which way does it really go, does the model say
//! so, and is it the right way?
//!
//! What is seen is written down in docs/routes.md. `RUNUP_WRITE_DOCS=1 cargo test --test lab conformance` writes it anew;
//! without, the test fails where it would be written otherwise.

mod clients;
mod differences;
mod page;
mod shapes;
mod witness;

use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::env;
use std::fs;
use std::io::{self, Write};
use std::net::IpAddr;
use std::path::Path;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::Duration;

use runup::environment::Environment;
use runup::environment::proxy::{Wishes, mend};
use runup::metadata::HOST;
use runup::metadata::emulator::{Asked, Identity};
use runup::route::{self, Client, ProxyScheme, Route, Steering};
use url::Url;

use clients::{PROGRAMS, Program, within};
use differences::{Difference, LIMITS, SURPRISES, settle};
use shapes::{SHAPES, Shape};
use witness::{TARGETS, Target, Way, Witness, way_from};

use crate::lab::{self, Lab};
use crate::squid::{self, Policy};
use crate::tools;

/// What the user asks for by `--direct`.
const DIRECT: [&str; 3] = ["nexus.corp.example", ".corp.example", "10.1.2.3"];

/// Where a client was not tried.
const UNTRIED: char = '-';

/// Where the model does not know.
const UNKNOWN: char = '?';

/// Before the mend and after it.
const PHASES: [&str; 2] = ["before", "after"];

/// A letter for each target: `D` directly, `P` by the proxy that is meant, `Q` by the other one, `E` not at all, `X` by
/// several ways; [`UNTRIED`], [`UNKNOWN`].
type Letters = String;

/// What each client did in one environment.
type Outcome = BTreeMap<&'static str, Letters>;

/// What each client did in one shape, in both phases.
struct Row {
    shape: &'static Shape,
    environments: [Environment; 2],
    outcomes: [Outcome; 2],
    /// The way of gcloud's request for the account, where it was tried.
    gcloud: Option<[char; 2]>,
}

impl Shape {
    /// As a process gets it: sorted, which npm's library depends on.
    fn before(&self) -> Environment {
        sorted(self.variables.iter().copied().collect())
    }

    /// As runup mends it.
    fn after(&self) -> Environment {
        let wishes = Wishes {
            direct: DIRECT.map(|direct| direct.parse().unwrap()).into(),
            ..Wishes::default()
        };
        let mut environment = self.before();
        let mended = mend(&environment, &wishes);
        environment.apply(&mended.edits);
        sorted(environment)
    }

    /// The letter of the right way, after the mend; `None` where the mend lets it be.
    fn right(&self, target: &Target) -> Option<char> {
        match (target.must_be_direct, self.wanted) {
            (true, _) => Some(Way::Direct.letter()),
            (false, wanted) => wanted.map(|ways| ways[usize::from(target.is_https())].letter()),
        }
    }
}

fn sorted(environment: Environment) -> Environment {
    let sorted: BTreeMap<_, _> = environment.iter().collect();
    sorted.into_iter().collect()
}

#[test]
fn every_client_goes_the_way_the_model_says_and_the_right_one_once_mended() {
    need!("squid", "sh");
    let (programs, missing) = programs();
    let rows = rows(&programs);
    let clients: Vec<_> = programs
        .iter()
        .flat_map(|program| program.clients())
        .collect();
    let clients: Vec<_> = clients.into_iter().map(|(_, client)| client).collect();
    let is_whole = missing.is_empty();
    let surprises = settle("the model", SURPRISES, surprises(&rows, &clients), is_whole);
    let limits = settle("the mend", LIMITS, wrong_ways(&rows, &clients), is_whole);
    let gcloud: Vec<_> = rows.iter().filter_map(gclouds_surprise).collect();
    let problems = [surprises, limits, gcloud].concat();
    assert!(problems.is_empty(), "{}", problems.join("\n"));

    if !is_whole {
        let missing = missing.join(", ");
        let _ = writeln!(
            io::stderr(),
            "lab: docs/routes.md is not compared without {missing}"
        );
        return;
    }
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/routes.md");
    let page = page::page(&rows, &clients);
    if env::var_os("RUNUP_WRITE_DOCS").is_some() {
        return fs::write(file, page).unwrap();
    }
    let written = fs::read_to_string(file).unwrap_or_default();
    let line = written
        .lines()
        .zip(page.lines())
        .position(|(old, new)| old != new);
    assert!(
        written == page,
        "docs/routes.md differs from line {}: `RUNUP_WRITE_DOCS=1 cargo test --test lab conformance` writes it anew",
        line.map_or(0, |line| line + 1)
    );
}

/// The programs that are installed, and what is missing for the others.
fn programs() -> (Vec<&'static Program>, Vec<&'static str>) {
    let (programs, missing): (Vec<_>, Vec<_>) = PROGRAMS
        .iter()
        .partition(|program| program.lacks().is_none());
    let missing: Vec<_> = missing.into_iter().filter_map(Program::lacks).collect();
    let gcloud = (!tools::has("gcloud")).then_some("gcloud");
    let mut missing: Vec<_> = missing.into_iter().chain(gcloud).collect();
    missing.dedup();
    assert!(
        missing.is_empty() || !tools::is_required(),
        "the conformance test needs {missing:?}: `.ci/run` installs what the lab needs, as root"
    );
    (programs, missing)
}

/// Lets all clients of `programs` ask for all targets in all shapes. Many shapes are alike once they are mended; each
/// environment is tried once.
fn rows(programs: &[&Program]) -> Vec<Row> {
    let mut environments: Vec<Environment> = Vec::new();
    let mut place = |environment: &Environment| {
        let known = environments.iter().position(|other| other == environment);
        known.unwrap_or_else(|| {
            environments.push(environment.clone());
            environments.len() - 1
        })
    };
    let numbered: Vec<_> = SHAPES
        .iter()
        .map(|shape| {
            let environments = [shape.before(), shape.after()];
            let numbers = [place(&environments[0]), place(&environments[1])];
            (shape, environments, numbers)
        })
        .collect();
    let with_gcloud: Vec<_> = numbered.iter().filter(|(shape, ..)| shape.gcloud).collect();
    let with_gcloud = with_gcloud
        .into_iter()
        .flat_map(|(_, _, numbers)| *numbers)
        .collect();

    let (outcomes, gcloud) = thread::scope(|scope| {
        let gcloud = scope.spawn(|| observe_gcloud(&environments, with_gcloud));
        let outcomes = observe(&environments, programs);
        (outcomes, gcloud.join().unwrap())
    });
    let rows = numbered
        .into_iter()
        .map(|(shape, environments, numbers)| Row {
            shape,
            environments,
            outcomes: numbers.map(|number| outcomes[number].clone()),
            gcloud: match numbers.map(|number| gcloud.get(&number).copied()) {
                [Some(before), Some(after)] if shape.gcloud => Some([before, after]),
                _ => None,
            },
        });
    rows.collect()
}

/// What each client does in each of the environments.
fn observe(environments: &[Environment], programs: &[&Program]) -> Vec<Outcome> {
    let numbers: Vec<_> = (0..environments.len()).collect();
    // Those for many environments first, so that the last one does not take long.
    let mut tasks: Vec<_> = programs
        .iter()
        .flat_map(|program| {
            numbers
                .chunks(program.at_once())
                .map(move |numbers| (program, numbers))
        })
        .collect();
    tasks.sort_by_key(|(_, numbers)| Reverse(numbers.len()));
    let outcomes = Mutex::new(vec![Outcome::new(); environments.len()]);
    let next = AtomicUsize::new(0);
    let work = || {
        let lab = Lab::new();
        let _squid = lab.squid(Policy::Trace);
        let witness = Witness::start(&lab);
        while let Some((program, numbers)) = tasks.get(next.fetch_add(1, Ordering::Relaxed)) {
            ask(&lab, program, environments, numbers);
            let mut outcomes = outcomes.lock().unwrap();
            for number in *numbers {
                outcomes[*number].extend(seen(&witness, program, *number));
            }
        }
    };
    thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(work);
        }
    });
    outcomes.into_inner().unwrap()
}

/// The targets that the clients of `program` can ask for, and their numbers.
fn tried(program: &Program) -> impl Iterator<Item = (usize, &'static Target)> {
    let targets = TARGETS.iter().enumerate();
    targets.filter(|(_, target)| program.tls || !target.is_https())
}

/// A path that is nobody else's, but for the client's name at its end.
fn path(number: usize, index: usize) -> String {
    format!("/{number}/{index}")
}

/// Lets the clients of `program` ask for all targets in the environments with these numbers.
fn ask(lab: &Lab, program: &Program, environments: &[Environment], numbers: &[usize]) {
    let tasks: Vec<_> = numbers
        .iter()
        .map(|&number| {
            let urls = tried(program)
                .map(|(index, target)| format!("{}{}", target.url, path(number, index)));
            (&environments[number], urls.collect())
        })
        .collect();
    let run = program.job(lab, &tasks).run();
    if env::var_os("RUNUP_LAB_TRACE").is_some() {
        let _ = writeln!(io::stderr(), "{numbers:?}\n{run:#?}");
    }
}

/// What the clients of `program` did in the environment with this number.
fn seen(witness: &Witness, program: &Program, number: usize) -> Outcome {
    let letters = |end: &str| {
        let mut letters = [UNTRIED; TARGETS.len()];
        for (index, _) in tried(program) {
            let ways = witness.ways(&format!("{}/{end}", path(number, index)));
            let mut ways = ways.into_iter();
            letters[index] = match (ways.next(), ways.next()) {
                (None, _) => 'E',
                (Some(way), None) => way.letter(),
                (Some(_), Some(_)) => 'X',
            };
        }
        letters.into_iter().collect()
    };
    let clients = program.clients();
    clients
        .map(|(end, client)| (client.name(), letters(end)))
        .collect()
}

/// The way of gcloud's request for the account in each of the environments with these numbers.
fn observe_gcloud(environments: &[Environment], mut numbers: Vec<usize>) -> BTreeMap<usize, char> {
    numbers.sort_unstable();
    numbers.dedup();
    if !tools::has("gcloud") {
        return BTreeMap::new();
    }
    let lab = Lab::new();
    let metadata = lab.metadata();
    let _squid = lab.squid(Policy::Trace);
    // What comes before goes directly, by code of its own; what comes after by the one that clients of the API use.
    let is_for_the_account = |asked: &Asked| asked.path.contains(&Identity::default().email);
    let observed = numbers.into_iter().map(|number| {
        let before = metadata.requests().len();
        // It keeps a token, and what it found of the metadata server, in its configuration.
        let configuration = lab.home().join(format!("gcloud-{number}"));
        let job = lab.gcloud_token().env("CLOUDSDK_CONFIG", configuration);
        within(&environments[number], job).run();
        let asked = metadata.requests().split_off(before);
        let account = asked.iter().find(|asked| is_for_the_account(asked));
        let letter = account.map_or('E', |asked| way_from(asked.peer.ip()).letter());
        (number, letter)
    });
    observed.collect()
}

/// What the model says that `client` does.
fn predicted(client: &Client, environment: &Environment, url: &str) -> char {
    // The path is a part of what some compare.
    let url: Url = format!("{url}/0/0/{}", client.name()).parse().unwrap();
    let name = url.domain().unwrap_or_default().trim_end_matches('.');
    let address: Option<IpAddr> = lab::address_of(name);
    let decision = client.decide_resolved(environment, &url, address.as_slice());
    match decision.route {
        Route::Direct => Way::Direct.letter(),
        Route::Via(proxy) if proxy.scheme == ProxyScheme::Http => {
            squid::traced_by(&proxy.host, proxy.port)
                .map_or('E', |index| Way::Proxy(index).letter())
        }
        Route::Via(_) | Route::Fails(_) => 'E',
        Route::Unknown => UNKNOWN,
    }
}

/// Where clients do what the model does not say.
fn surprises(rows: &[Row], clients: &[&'static Client]) -> Vec<Difference> {
    differences(rows, clients, &[0, 1], |row, client, phase, target| {
        let letter = predicted(client, &row.environments[phase], target.url);
        (letter != UNKNOWN).then_some(letter)
    })
}

/// Where clients with a bypass list go a wrong way, though the environment is mended.
fn wrong_ways(rows: &[Row], clients: &[&'static Client]) -> Vec<Difference> {
    differences(rows, clients, &[1], |row, client, _, target| {
        row.shape
            .right(target)
            .filter(|_| client.steering() == Steering::Full)
    })
}

fn differences(
    rows: &[Row],
    clients: &[&'static Client],
    phases: &[usize],
    expected: impl Fn(&Row, &Client, usize, &Target) -> Option<char>,
) -> Vec<Difference> {
    let mut differences = Vec::new();
    for row in rows {
        for &phase in phases {
            for client in clients {
                let letters = row.outcomes[phase][client.name()].chars();
                for (target, observed) in TARGETS.iter().zip(letters) {
                    let expected = expected(row, client, phase, target);
                    let expected = expected.unwrap_or(observed);
                    if observed != expected && observed != UNTRIED {
                        differences.push(Difference {
                            client: client.name(),
                            shape: row.shape.title,
                            phase: PHASES[phase],
                            target: target.url,
                            observed,
                            expected,
                        });
                    }
                }
            }
        }
    }
    differences
}

/// What is wrong with the way of gcloud's request for the account.
fn gclouds_surprise(row: &Row) -> Option<String> {
    let observed = row.gcloud?;
    let gcloud = route::client("gcloud").unwrap();
    let url = format!("http://{HOST}");
    let predicted = [0, 1].map(|phase| predicted(gcloud, &row.environments[phase], &url));
    let is_right = observed == predicted && observed[1] == Way::Direct.letter();
    let title = row.shape.title;
    (!is_right).then(|| format!("gcloud, {title}: {observed:?}, the model says {predicted:?}"))
}

/// The client that a [`Program`] is: this very test in a process of its own, as reqwest reads the environment of its
/// process. By itself it has nobody to ask for, and shows that nobody is asked.
#[test]
fn reqwest_asks() {
    let urls = env::var("RUNUP_LAB_URLS").unwrap_or_default();
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build();
    runtime.unwrap().block_on(async {
        for url in urls.split_whitespace() {
            let client = reqwest::Client::builder().timeout(Duration::from_secs(20));
            // Where it fails, nothing arrives; that is what is looked at.
            if let Ok(client) = client.build() {
                let _ = client.get(url).send().await;
            }
        }
    });
}
