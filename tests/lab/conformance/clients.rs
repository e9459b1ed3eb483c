//! The real clients, and how each is made to ask.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::process::Command;

use runup::environment::Environment;
use runup::route::{self, Client};
use serde_json::json;

use crate::job::Job;
use crate::lab::Lab;
use crate::tools;

/// A program that asks for URLs.
pub(super) struct Program {
    /// What it needs of this machine.
    pub(super) needs: &'static [&'static str],
    /// The clients in it, as the model calls them, and what each has at the end of its paths. Where there are several, the
    /// program itself puts that there.
    clients: &'static [(&'static str, &'static str)],
    /// Whether it can ask for https URLs, as it is built here.
    pub(super) tls: bool,
    /// What its last arguments are.
    takes: Takes,
    /// The program, all but those. It gives up after some seconds, tries nothing twice and takes any certificate.
    job: for<'a> fn(&'a Lab) -> Job<'a>,
}

impl Program {
    /// The first thing that it needs and this machine lacks.
    pub(super) fn lacks(&self) -> Option<&'static str> {
        let mut needs = self.needs.iter().copied();
        needs.find(|need| !tools::has(need))
    }

    /// The clients in it: each with the end of its paths.
    pub(super) fn clients(&self) -> impl Iterator<Item = (&'static str, &'static Client)> {
        self.clients.iter().map(|(end, name)| {
            let name = match *name {
                "curl" => curl(),
                name => name,
            };
            let client = route::client(name);
            (
                *end,
                client.unwrap_or_else(|| panic!("no {name} in the model")),
            )
        })
    }

    /// In how many environments one of its jobs can ask.
    pub(super) fn at_once(&self) -> usize {
        match self.takes {
            Takes::Urls => 1,
            // A few, as there are other jobs to do beside it.
            Takes::Environments => 8,
        }
    }

    /// A job in which all clients ask for each of the URLs, in each of the environments.
    pub(super) fn job<'a>(&self, lab: &'a Lab, tasks: &[(&Environment, Vec<String>)]) -> Job<'a> {
        let job = (self.job)(lab);
        match (&self.takes, tasks) {
            (Takes::Environments, _) => job.args(tasks.iter().map(|(environment, urls)| {
                let environment: BTreeMap<_, _> = environment
                    .iter()
                    .map(|(name, value)| (name.to_str().unwrap(), value.to_str().unwrap()))
                    .chain([
                        ("PATH", tools::PATH),
                        ("HOME", lab.home().to_str().unwrap()),
                    ])
                    .collect();
                json!({ "environment": environment, "urls": urls }).to_string()
            })),
            (Takes::Urls, [(environment, urls)]) => {
                let job = within(environment, job);
                match self.clients {
                    [(end, _)] => job.args(urls.iter().map(|url| format!("{url}/{end}"))),
                    _ => job.args(urls),
                }
            }
            (Takes::Urls, _) => panic!("one environment, please"),
        }
    }
}

/// What a program takes as arguments.
enum Takes {
    /// The URLs; its environment is its own.
    Urls,
    /// Environments and the URLs to ask for in each, as JSON.
    Environments,
}

/// The job with these variables.
pub(super) fn within<'a>(environment: &Environment, job: Job<'a>) -> Job<'a> {
    let variables = environment.iter();
    variables.fold(job, |job, (name, value)| {
        job.env(name.to_str().unwrap(), value)
    })
}

/// The row of the installed curl, by its version.
fn curl() -> &'static str {
    let run = Command::new(tools::program("curl"))
        .arg("--version")
        .output();
    match run.unwrap().stdout.starts_with(b"curl 7.") {
        true => "curl 7",
        false => "curl 8",
    }
}

/// A shell that does `script` with the URLs as its parameters.
fn shell<'a>(lab: &'a Lab, script: &str) -> Job<'a> {
    lab.job("sh").args(["-c", script, "sh"])
}

/// The Node of the libraries.
fn node(lab: &Lab) -> Job<'_> {
    lab.job(modules().join(".bin/node"))
        .env("NODE_TLS_REJECT_UNAUTHORIZED", "0")
}

fn modules() -> PathBuf {
    tools::node_modules().expect("named in `needs`")
}

pub(super) const PROGRAMS: &[Program] = &[
    Program {
        needs: &["curl"],
        clients: &[("curl", "curl")],
        tls: true,
        takes: Takes::Urls,
        job: |lab| lab.job("curl").args(["-gks", "--max-time", "20"]),
    },
    Program {
        needs: &["wget"],
        clients: &[("wget", "wget")],
        tls: true,
        takes: Takes::Urls,
        job: |lab| {
            let job = lab
                .job("wget")
                .args(["-q", "-T", "20", "-t", "1", "-O", "/dev/null"]);
            job.args(["--no-hsts", "--no-check-certificate"])
        },
    },
    Program {
        needs: &["busybox"],
        clients: &[("busybox", "wget (BusyBox)")],
        // It asks the proxy for https URLs without a tunnel, which Squid sometimes fetches and sometimes does not.
        tls: false,
        takes: Takes::Urls,
        // Without a limit of time: Debian's crashes of `-T`.
        job: |lab| {
            shell(
                lab,
                r#"for url; do busybox wget -q -O /dev/null "$url"; done"#,
            )
        },
    },
    Program {
        needs: &["git"],
        clients: &[("git", "git")],
        tls: true,
        takes: Takes::Urls,
        job: |lab| {
            shell(
                lab,
                r#"for url; do git -c http.sslVerify=false ls-remote "$url"; done"#,
            )
            .env("GIT_TERMINAL_PROMPT", "0")
        },
    },
    Program {
        needs: &["/usr/lib/apt/apt-helper"],
        clients: &[("apt", "apt")],
        tls: true,
        takes: Takes::Urls,
        job: |lab| {
            let configuration = lab.file(
                "apt.conf",
                "Dir::Etc::parts \"/dev/null\"; Dir::Etc::main \"/dev/null\"; APT::Sandbox::User \"root\";
Acquire { Retries \"0\"; http::Timeout \"20\"; https { Timeout \"20\"; Verify-Peer \"false\"; Verify-Host \"false\"; }; };",
            );
            let download = r#"/usr/lib/apt/apt-helper download-file $(for url; do echo "$url /dev/null MD5Sum:0"; done)"#;
            shell(lab, download).env("APT_CONFIG", configuration)
        },
    },
    Program {
        needs: &["python-libraries"],
        clients: &[
            ("urllib", "urllib (Python)"),
            ("requests", "requests (Python)"),
            ("google-auth", "google-auth (Python)"),
            ("httpx", "httpx (Python)"),
            ("aiohttp", "aiohttp (Python, trust_env)"),
            ("httplib2", "httplib2 (Python)"),
            ("pip", "pip"),
        ],
        tls: true,
        takes: Takes::Environments,
        job: |lab| {
            lab.job(tools::python().expect("named in `needs`"))
                .args(["-c", include_str!("clients.py")])
        },
    },
    Program {
        // A small program on Go's own client.
        needs: &["ffuf"],
        clients: &[("go", "net/http (Go)")],
        tls: true,
        takes: Takes::Urls,
        job: |lab| {
            shell(
                lab,
                r#"printf '%s\n' "$@" | ffuf -s -t 1 -timeout 20 -u FUZZ -w -"#,
            )
        },
    },
    Program {
        needs: &["ruby"],
        clients: &[("ruby", "Net::HTTP (Ruby)")],
        tls: true,
        takes: Takes::Urls,
        job: |lab| {
            lab.job("ruby")
                .args(["--disable-gems", "-e", include_str!("clients.rb")])
        },
    },
    Program {
        needs: &["libwww-perl"],
        clients: &[("lwp", "LWP (Perl)"), ("http-tiny", "HTTP::Tiny (Perl)")],
        tls: true,
        takes: Takes::Urls,
        job: |lab| lab.job("perl").args(["-e", include_str!("clients.pl")]),
    },
    Program {
        needs: &["node-libraries"],
        clients: &[("http", "http (Node)"), ("fetch", "fetch (Node)")],
        tls: true,
        takes: Takes::Urls,
        job: |lab| node(lab).args(["-e", include_str!("core.cjs")]),
    },
    Program {
        needs: &["node-libraries"],
        clients: &[
            ("undici", "undici (EnvHttpProxyAgent)"),
            ("axios", "axios (Node)"),
            ("gaxios", "gaxios (Node)"),
            ("proxy-agent", "proxy-agent (Node)"),
            ("make-fetch-happen", "make-fetch-happen (Node)"),
        ],
        tls: true,
        takes: Takes::Urls,
        job: |lab| {
            node(lab)
                .args(["-e", include_str!("libraries.cjs")])
                .arg(modules())
        },
    },
    Program {
        needs: &[],
        clients: &[("reqwest", "reqwest (Rust)")],
        tls: false,
        takes: Takes::Urls,
        job: |lab| {
            // This very test program, in a process of its own: see `reqwest_asks` there.
            let program = std::env::current_exe().unwrap();
            lab.job("sh")
                .args([
                    "-c",
                    r#"RUNUP_LAB_URLS="$*" "$0" --exact conformance::reqwest_asks"#,
                ])
                .arg(program)
        },
    },
];
