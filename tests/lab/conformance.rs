//! Every real client in every environment, before and after the mend: which way does it really go, and does the model say so?

mod clients;
mod shapes;
mod witness;

use std::collections::BTreeMap;
use std::env;
use std::net::IpAddr;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use runup::environment::Environment;
use runup::environment::proxy::{Wishes, mend};
use runup::route::{Client, ProxyScheme, Route};
use url::Url;

use clients::{PROGRAMS, Program};
use shapes::{SHAPES, Shape};
use witness::{TARGETS, Way, Witness};

use crate::lab::{self, Lab};
use crate::squid::{self, Policy};

/// What the user of each shape asks for by `--direct`.
const DIRECT: [&str; 3] = ["nexus.corp.example", ".corp.example", "10.1.2.3"];

/// A letter for each target: `D` directly, `P` by the proxy that is meant, `Q` by the other one, `E` not at all, `X` by
/// several ways, `-` not tried; of the model also `?`, where it does not know.
type Letters = String;

/// What each client did in one environment.
type Outcome = BTreeMap<&'static str, Letters>;

impl Shape {
    /// As a process gets it: by name, which npm's library depends on.
    fn before(&self) -> Environment {
        sorted(self.variables.iter().copied().collect())
    }

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
}

fn sorted(environment: Environment) -> Environment {
    let sorted: BTreeMap<_, _> = environment.iter().collect();
    sorted.into_iter().collect()
}

fn letter(way: Way) -> char {
    match way {
        Way::Direct => 'D',
        Way::Proxy(0) => 'P',
        Way::Proxy(_) => 'Q',
    }
}

/// What the model says that `client` does.
fn predicted(client: &Client, environment: &Environment, target: &str) -> char {
    let url: Url = target.parse().unwrap();
    let address = lab::address_of(url.domain().unwrap_or_default().trim_end_matches('.'));
    let address: Option<IpAddr> = address.map(IpAddr::from);
    match client.decide_resolved(environment, &url, address.as_slice()).route {
        Route::Direct => 'D',
        Route::Via(proxy) if proxy.scheme == ProxyScheme::Http => {
            squid::traced_by(&proxy.host, proxy.port).map_or('E', |index| letter(Way::Proxy(index)))
        }
        Route::Via(_) | Route::Fails(_) => 'E',
        Route::Unknown => '?',
    }
}

/// Lets all clients of `programs` ask for all targets in each of the environments.
fn observe(environments: &[Environment], programs: &[&Program]) -> Vec<Outcome> {
    let outcomes = Mutex::new(vec![Outcome::new(); environments.len()]);
    let next = AtomicUsize::new(0);
    let work = || {
        let lab = Lab::new();
        let _squid = lab.squid(Policy::Trace);
        let witness = Witness::start(&lab);
        loop {
            let number = next.fetch_add(1, Ordering::Relaxed);
            let Some(environment) = environments.get(number) else {
                return;
            };
            for program in programs {
                let outcome = ask(&lab, &witness, program, environment, number);
                outcomes.lock().unwrap()[number].extend(outcome);
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

fn ask(
    lab: &Lab,
    witness: &Witness,
    program: &Program,
    environment: &Environment,
    number: usize,
) -> Outcome {
    let is_asked = |target: &&str| program.tls || target.starts_with("http:");
    let path = |index| format!("/{number}/{index}");
    let urls: Vec<_> = TARGETS
        .iter()
        .enumerate()
        .filter(|(_, target)| is_asked(target))
        .map(|(index, target)| format!("{target}{}", path(index)))
        .collect();
    let mut job = program.job(lab, &urls);
    for (name, value) in environment.iter() {
        job = job.env(name.to_str().unwrap(), value);
    }
    let run = job.run();
    if env::var_os("RUNUP_LAB_TRACE").is_some() {
        eprintln!("{number} {:?} {:?}\n{}{}", program.needs, run.elapsed, run.stdout, run.stderr);
    }
    let seen = |end: &str, index: usize| {
        let ways = witness.ways(&format!("{}/{end}", path(index)));
        let mut ways = ways.into_iter();
        match (ways.next(), ways.next()) {
            (None, _) => 'E',
            (Some(way), None) => letter(way),
            (Some(_), Some(_)) => 'X',
        }
    };
    let letters = |end: &str| {
        let targets = TARGETS.iter().enumerate();
        let letters = targets.map(|(index, target)| match is_asked(target) {
            true => seen(end, index),
            false => '-',
        });
        letters.collect()
    };
    program
        .clients()
        .map(|(end, client)| (client.name(), letters(end)))
        .collect()
}

#[test]
fn every_client_goes_the_way_the_model_says() {
    need!("squid", "sh");
    let began = std::time::Instant::now();
    let programs: Vec<&Program> = PROGRAMS.iter().filter(|program| program.lacks().is_none()).collect();
    for program in PROGRAMS {
        if let Some(l) = program.lacks() { eprintln!("lacks {l}"); }
    }
    let mut environments: Vec<Environment> = Vec::new();
    let mut place = |environment: Environment| {
        let known = environments.iter().position(|other| *other == environment);
        known.unwrap_or_else(|| {
            environments.push(environment);
            environments.len() - 1
        })
    };
    let numbers: Vec<_> = SHAPES
        .iter()
        .map(|shape| [place(shape.before()), place(shape.after())])
        .collect();
    eprintln!("{} environments", environments.len());
    let outcomes = observe(&environments, &programs);
    for (shape, numbers) in SHAPES.iter().zip(numbers) {
        for (phase, number) in ["before", "after"].iter().zip(numbers) {
            for program in &programs {
                for (_, client) in program.clients() {
                    let observed = &outcomes[number][client.name()];
                    let predicted: String = TARGETS
                        .iter()
                        .map(|target| predicted(client, &environments[number], target))
                        .collect();
                    let same = observed.chars().zip(predicted.chars()).all(|(o, p)| o == p || p == '?' || o == '-');
                    eprintln!("{} {phase:6} {observed} {predicted} {} | {}", if same { ' ' } else { '!' }, client.name(), shape.title);
                }
            }
        }
    }
    eprintln!("{:?}", began.elapsed());
}

/// Not a test of its own: [`PROGRAMS`] runs it in a process of its own, as reqwest reads the environment of its process.
#[test]
fn reqwest_asks() {
    let Ok(urls) = env::var("URLS") else {
        return;
    };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    runtime.unwrap().block_on(async {
        for url in urls.split(' ') {
            let client = reqwest::Client::builder().timeout(std::time::Duration::from_secs(5));
            if let Ok(client) = client.build() {
                let _ = client.get(url).send().await;
            }
        }
    });
}
