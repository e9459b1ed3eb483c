//! What is checked, and one attempt at it. A check never loops, sleeps, prints or exits.

pub mod command;
pub mod endpoint;
pub mod metadata;

use std::ffi::OsString;
use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

use crate::check::command::Runnable;
use crate::check::endpoint::{OtherWay, Reached, Target};
use crate::check::metadata::{Metadata, Proven};
use crate::cli::Need;
use crate::environment::{Environment, adc, ca, proxy};
use crate::failure::{Failure, FailureKind, Phase};
use crate::gcloud;
use crate::net::tls::Trust;
use crate::net::{self, Progress};

/// One thing that is checked.
#[derive(Debug)]
pub struct Check {
    /// What.
    pub subject: Subject,
    /// Whether the command is started without it.
    pub need: Need,
}

/// The kinds of checks.
#[derive(Clone, Debug)]
pub enum Subject {
    /// The command can be run.
    Command(OsString),
    /// A variable is set.
    Variable(String),
    /// The file in GOOGLE_APPLICATION_CREDENTIALS is usable.
    Credentials,
    /// The file in `--ca-file` holds certificates.
    CaFile(PathBuf),
    /// The metadata server is Google's and gives a token for the right identity.
    Metadata {
        /// What GCE_METADATA_HOST says, where it is set.
        chosen: Option<String>,
        /// The identity that it must give.
        expected: Option<String>,
    },
    /// A host answers.
    Endpoint(Target),
}

/// What a check that passed has shown.
#[derive(Debug)]
pub enum Evidence {
    /// Nothing beyond that it passed.
    Plain,
    /// How the command will be run.
    Command(Runnable),
    /// What the metadata server said.
    Metadata(Box<Proven>),
    /// How an endpoint answered.
    Endpoint(Box<Reached>),
}

/// What checks look at.
#[derive(Debug)]
pub struct Context {
    /// The mended environment.
    pub environment: Environment,
    /// Its proxies.
    pub settings: proxy::Settings,
    /// Whom to trust.
    pub trust: Trust,
    /// The working directory.
    pub directory: PathBuf,
    /// The time that an attempt has.
    pub attempt_timeout: Duration,
}

impl Subject {
    /// One attempt; `progress` hears how far it has come.
    ///
    /// # Errors
    /// Why it failed.
    pub async fn attempt(
        &self,
        context: &Context,
        progress: &Progress,
    ) -> Result<Evidence, Failure> {
        progress.begin();
        let local = |kind: FailureKind| {
            let saw = kind.in_short();
            Failure::new(Phase::Local, kind, saw)
        };
        match self {
            Self::Command(program) => {
                command::find(program, &context.environment, &context.directory)
                    .map(Evidence::Command)
                    .map_err(|fault| local(FailureKind::Command(Box::new(fault))))
            }
            Self::Variable(name) => match context.environment.get(name) {
                Some(value) if !value.is_empty() => Ok(Evidence::Plain),
                _ => Err(local(FailureKind::VariableMissing(name.clone()))),
            },
            Self::Credentials => {
                adc::credentials(&context.environment, &context.directory, gcloud::read_small)
                    .map(|_| Evidence::Plain)
                    .map_err(|fault| local(FailureKind::Credentials(fault)))
            }
            Self::CaFile(path) => std::fs::read(path)
                .map_err(|error| net::plain(&error))
                .and_then(|pem| ca::certificates(&pem))
                .map(|_| Evidence::Plain)
                .map_err(|why| {
                    local(FailureKind::CaFile {
                        path: path.clone(),
                        why,
                    })
                }),
            Self::Metadata { chosen, expected } => {
                let server = Metadata {
                    chosen: chosen.as_deref(),
                    expected: expected.as_deref(),
                    attempt_timeout: context.attempt_timeout,
                };
                // On the heap, as it is many times larger than an endpoint's, of which there may be hundreds.
                let proven = Box::pin(server.attempt(progress)).await?;
                Ok(Evidence::Metadata(Box::new(proven)))
            }
            Self::Endpoint(target) => target
                .attempt(&context.settings, &context.trust, progress)
                .await
                .map(|reached| Evidence::Endpoint(Box::new(reached))),
        }
    }

    /// One attempt by the way that the environment does not say; nothing where there is no such way, or it fails, too.
    pub async fn attempt_otherwise(&self, context: &Context) -> Option<OtherWay> {
        match self {
            Self::Endpoint(target) => {
                let Context {
                    settings, trust, ..
                } = context;
                // Seldom needed: no check carries it along.
                Box::pin(target.attempt_otherwise(settings, trust)).await
            }
            _ => None,
        }
    }

    /// Its kind, in one word.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Command(_) => "command",
            Self::Variable(_) => "variable",
            Self::Credentials => "credentials",
            Self::CaFile(_) => "ca-file",
            Self::Metadata { .. } => "metadata",
            Self::Endpoint(_) => "endpoint",
        }
    }

    /// Whether it looks at this container only.
    pub fn is_local(&self) -> bool {
        !matches!(self, Self::Metadata { .. } | Self::Endpoint(_))
    }
}

impl fmt::Display for Subject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Command(program) => write!(f, "command `{}`", program.display()),
            Self::Variable(name) => write!(f, "variable `{name}`"),
            Self::Credentials => f.write_str("key file"),
            Self::CaFile(_) => f.write_str("--ca-file"),
            Self::Metadata { .. } => f.write_str("metadata server"),
            Self::Endpoint(target) => write!(f, "{target}"),
        }
    }
}
