//! From the command line and the variables to what will be done. Every usage and configuration error arises here;
//! afterwards nothing reads a flag or a RUNUP_ variable again.

use std::error::Error as _;
use std::ffi::{OsStr, OsString};
use std::net::SocketAddr;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::PathBuf;
use std::time::Duration;

use clap::error::{ContextKind, ContextValue, ErrorKind};
use clap::{Args as _, Command, CommandFactory, FromArgMatches};

use url::Url;

use crate::check::api::Api;
use crate::check::permission::Permissions;
use crate::check::{Check, Subject};
use crate::cli::{
    self, Cli, EnvFormat, LogFormat, Need, OnFailure, Options, ReportFormat, Shell, Word,
};
use crate::environment::Environment;
use crate::environment::proxy;
use crate::exit_code::ExitCode;
use crate::finding::code::Code;
use crate::finding::policy::Policy;
use crate::launch::init::Parent;
use crate::log::{Console, Entry, Severity};
use crate::metadata::client::Wishes;
use crate::report;
use crate::retry;

/// The variables that no option stands behind.
const DISABLED: &str = "RUNUP_DISABLED";
const PREFIX: &str = "RUNUP_";

/// The time for all checks: Direct VPC egress may take more than a minute to come up.
const TIMEOUT: Duration = Duration::from_secs(120);
const ATTEMPT_TIMEOUT: Duration = Duration::from_secs(5);
const BACKOFF_INITIAL: Duration = Duration::from_millis(200);
const BACKOFF_MAX: Duration = Duration::from_secs(5);

/// What will be done, and how it is told.
#[derive(Debug)]
pub struct Plan {
    /// What.
    pub task: Task,
    /// Where messages go.
    pub console: Console,
    /// How much is said beside the essential.
    pub verbosity: u8,
    /// What was odd about the command line or the variables.
    pub warnings: Vec<Entry>,
}

/// The things that runup can do.
#[derive(Debug)]
pub enum Task {
    /// Mend, check, and become the command.
    Run(Box<Run>),
    /// Become the command at once.
    Disabled {
        /// Why, as RUNUP_DISABLED says.
        reason: String,
        /// The command.
        command: Vec<OsString>,
    },
    /// Do all of a run but become the command, and print the report.
    Check {
        /// The run.
        run: Box<Run>,
        /// In which form.
        format: report::Format,
    },
    /// Print the environment that the command would get.
    Env {
        /// What it is mended and filled in by.
        needs: Box<Needs>,
        /// In which form.
        format: EnvFormat,
        /// Whether to print the changes instead, with their reasons.
        is_diff: bool,
    },
    /// Print which way every client would send some URLs.
    Route {
        /// The URLs.
        urls: Vec<Url>,
        /// In which form.
        format: ReportFormat,
        /// How to mend.
        wishes: proxy::Wishes,
    },
    /// Print a token.
    Token {
        /// The metadata server's check.
        check: Check,
        /// When to try again.
        retry: Retry,
    },
    /// Print a finding's page, or the list of all.
    Explain(Option<Code>),
    /// Serve the emulator.
    Emulate {
        /// Where.
        listen: SocketAddr,
        /// As whom.
        service_account: Option<String>,
    },
    /// Copy this program into a directory.
    Copy(PathBuf),
    /// Print the completions of a shell.
    Completions(Shell),
    /// Print the manual page.
    Man,
    /// Print the help or the version.
    Print(String),
}

/// A run.
#[derive(Debug)]
pub struct Run {
    /// The command and its arguments; only `check` can do without.
    pub command: Vec<OsString>,
    /// How to mend, and how to check.
    pub needs: Needs,
    /// The checks of what the user named; those of the command and of the environment itself come to them.
    pub checks: Vec<Check>,
}

/// How to mend the environment, and how to check.
#[derive(Debug)]
pub struct Needs {
    /// Whether the metadata server is needed.
    pub metadata: Need,
    /// The identity that it must give.
    pub service_account: Option<String>,
    /// What to do with the proxy variables.
    pub wishes: proxy::Wishes,
    /// A CA to trust beside the system's.
    pub ca_file: Option<PathBuf>,
    /// When to try again.
    pub retry: Retry,
    /// What findings count for.
    pub policy: Policy,
    /// Where the report is written to, beside all else.
    pub report: Option<PathBuf>,
    /// Whether the account must hold permissions.
    pub needs_permissions: bool,
    /// Whether to run against the emulator.
    pub emulate: bool,
    /// How to stay as the command's parent; `None`: become the command.
    pub parent: Option<Parent>,
    /// Whether to keep silent when all is well.
    pub quiet: bool,
}

/// The durations of retrying.
#[derive(Clone, Copy, Debug)]
pub struct Retry {
    /// For everything.
    pub timeout: Duration,
    /// For one attempt.
    pub attempt_timeout: Duration,
    /// The bound of the first pause.
    pub initial: Duration,
    /// The bound of any pause.
    pub max: Duration,
    /// Over how long the first attempts of a job's tasks are spread.
    pub splay: Duration,
    /// Which task this is, where the platform says so.
    pub task: Option<retry::Task>,
}

impl Retry {
    fn new(options: &Options, environment: &Environment) -> Self {
        let job = report::Job::of(environment);
        let max = options.backoff_max.unwrap_or(BACKOFF_MAX);
        Self {
            timeout: options.timeout.unwrap_or(TIMEOUT),
            attempt_timeout: options.attempt_timeout.unwrap_or(ATTEMPT_TIMEOUT),
            initial: options.backoff_initial.unwrap_or(BACKOFF_INITIAL.min(max)),
            max,
            splay: options.splay.unwrap_or_default(),
            task: job
                .task
                .zip(job.tasks)
                .map(|(index, count)| retry::Task { index, count }),
        }
    }
}

/// Why there is no plan.
#[derive(Debug)]
pub struct Refusal {
    /// What to say.
    pub entry: Entry,
    /// Where to say it.
    pub console: Console,
    /// How to end.
    pub code: ExitCode,
}

impl Plan {
    /// Reads the command line, its first word left out, and the RUNUP_ variables.
    ///
    /// # Errors
    /// A [`Refusal`]: of the command line with [`ExitCode::Usage`], of a variable with [`ExitCode::Configuration`].
    pub fn read(arguments: Vec<OsString>, environment: &Environment) -> Result<Self, Refusal> {
        // A refusal must find its form before the options are known.
        let format = match environment.filled("RUNUP_LOG_FORMAT") {
            Some("json") => LogFormat::Json,
            Some("text") => LogFormat::Text,
            _ => LogFormat::Auto,
        };
        let console = Console::new(format, environment);
        let refuse = |code, entry| Refusal {
            entry,
            console: console.clone(),
            code,
        };
        let name = OsString::from("runup");
        let word = arguments.first().cloned();
        let matches = Cli::command().try_get_matches_from(std::iter::once(name).chain(arguments));
        let matches = match matches {
            Ok(matches) => matches,
            Err(error) if error.exit_code() == 0 => {
                return Ok(Self {
                    task: Task::Print(error.render().to_string()),
                    console,
                    verbosity: 0,
                    warnings: Vec::new(),
                });
            }
            Err(error) => {
                let mut entry = usage(&error);
                // `env` is a command of every image, too.
                if let Some(word) = word.as_deref().and_then(OsStr::to_str)
                    && cli::is_subcommand(word)
                {
                    entry.details.push(format!(
                        "help   if a command named `{word}` was meant: `runup -- {word}`"
                    ));
                }
                return Err(refuse(ExitCode::Usage, entry));
            }
        };
        let cli = Cli::from_arg_matches(&matches)
            .map_err(|error| refuse(ExitCode::Usage, usage(&error)))?;

        if let (Some(reason), None) = (disabled(environment), &cli.subcommand)
            && !cli.command.is_empty()
        {
            return Ok(Self {
                task: Task::Disabled {
                    reason,
                    command: cli.command,
                },
                console,
                verbosity: 0,
                warnings: Vec::new(),
            });
        }

        let (mut options, warnings) =
            variables(environment).map_err(|entry| refuse(ExitCode::Configuration, entry))?;
        let verbose = options.verbose;
        let own = match matches.subcommand() {
            Some(("check" | "env", own)) => Some(own),
            Some(_) => None,
            None => Some(&matches),
        };
        let updated = match (own, matches.subcommand()) {
            (Some(own), _) => options.update_from_arg_matches(own),
            (None, Some(("route", own))) => options.mend.update_from_arg_matches(own),
            (None, _) => Ok(()),
        };
        updated.map_err(|error| refuse(ExitCode::Usage, usage(&error)))?;
        // A count that was not given counts 0, and would hide the variable's.
        if options.verbose == 0 {
            options.verbose = verbose;
        }
        let console = Console::new(options.log_format.unwrap_or(LogFormat::Auto), environment);
        let refuse = |code, entry| Refusal {
            entry,
            console: console.clone(),
            code,
        };
        // What judges findings judges these, too; they have no code to ignore.
        let is_strict = own.is_some() && policy(&options).takes_warnings_for_errors();
        if let (true, Some(warning)) = (is_strict, warnings.first()) {
            let entry = Entry {
                severity: Severity::Error,
                message: format!("{}: an error under --strict", warning.message),
                ..warning.clone()
            };
            return Err(refuse(ExitCode::Configuration, entry));
        }
        let timeout = options.timeout.unwrap_or(TIMEOUT);
        if let Some(splay) = options.splay.filter(|splay| *splay >= timeout) {
            return Err(refuse(ExitCode::Usage, splay_too_long(splay, timeout)));
        }
        if let (Some(grace), None) = (options.grace, parent(&options)) {
            return Err(refuse(ExitCode::Usage, nobody_to_wait(grace)));
        }
        let task = match cli.subcommand {
            Some(Word::Token(token)) => {
                options.timeout = token.timeout.or(options.timeout);
                let expected = token.service_account.or(options.service_account.clone());
                let asked = Wishes {
                    audience: token.identity,
                    ..Wishes::default()
                };
                let check = Check {
                    subject: metadata(environment, expected, asked)
                        .map_err(|entry| refuse(ExitCode::Configuration, entry))?,
                    need: Need::Require,
                };
                let retry = Retry::new(&options, environment);
                Task::Token { check, retry }
            }
            Some(Word::Check(check)) => {
                metadata(environment, None, Wishes::default())
                    .map_err(|entry| refuse(ExitCode::Configuration, entry))?;
                let run = run(options.clone(), check.command, environment);
                Task::Check {
                    run: Box::new(run.map_err(|(code, entry)| refuse(code, entry))?),
                    format: check.format,
                }
            }
            Some(Word::Env(env)) => {
                metadata(environment, None, Wishes::default())
                    .map_err(|entry| refuse(ExitCode::Configuration, entry))?;
                Task::Env {
                    needs: Box::new(needs(&options, environment)),
                    format: env.format,
                    is_diff: env.diff,
                }
            }
            Some(Word::Route(route)) => Task::Route {
                urls: route.urls,
                format: route.format,
                wishes: wishes(&options),
            },
            Some(Word::Explain(explain)) => Task::Explain(explain.code),
            Some(Word::Emulate(emulate)) => Task::Emulate {
                listen: emulate.listen,
                service_account: emulate.service_account.or(options.service_account),
            },
            Some(Word::Copy(copy)) => Task::Copy(copy.directory),
            Some(Word::Completions(completions)) => Task::Completions(completions.shell),
            Some(Word::Man) => Task::Man,
            None if cli.command.is_empty() => {
                let mut entry = Entry::new(Severity::Error, "no command to run");
                entry.details = vec!["help   write `runup [OPTIONS] COMMAND [ARG]...`, as in `runup ./a.sh -e env`; `runup --help` tells all".to_owned()];
                return Err(refuse(ExitCode::Usage, entry));
            }
            None => {
                // Only for its errors: what it says may still change, by the emulator.
                metadata(environment, None, Wishes::default())
                    .map_err(|entry| refuse(ExitCode::Configuration, entry))?;
                let run = run(options.clone(), cli.command, environment);
                Task::Run(Box::new(run.map_err(|(code, entry)| refuse(code, entry))?))
            }
        };
        Ok(Self {
            task,
            console,
            verbosity: options.verbose,
            warnings,
        })
    }
}

fn splay_too_long(splay: Duration, timeout: Duration) -> Entry {
    let shown = humantime::format_duration;
    let message = format!(
        "--splay {} leaves no time before --timeout {}",
        shown(splay),
        shown(timeout)
    );
    let mut entry = Entry::new(Severity::Error, message);
    entry.details = vec![
        "help   a longer --timeout, or a shorter --splay: the one counts inside the other"
            .to_owned(),
    ];
    entry
}

fn nobody_to_wait(grace: Duration) -> Entry {
    let grace = humantime::format_duration(grace);
    let message =
        format!("--grace {grace} without --init: once runup is the command, nobody waits");
    let mut entry = Entry::new(Severity::Error, message);
    entry.details =
        vec!["help   add --init (RUNUP_INIT=1), or leave --grace (RUNUP_GRACE) out".to_owned()];
    entry
}

/// Why runup is switched off, where it is.
fn disabled(environment: &Environment) -> Option<String> {
    let reason = environment.get(DISABLED)?.to_string_lossy();
    (!reason.trim().is_empty()).then(|| reason.trim().to_owned())
}

fn run(
    options: Options,
    command: Vec<OsString>,
    environment: &Environment,
) -> Result<Run, (ExitCode, Entry)> {
    let needs = needs(&options, environment);
    let google = google(&options, &needs, environment)?;
    let named = |subject, need| Check { subject, need };
    let checks = options
        .require_variable
        .into_iter()
        .map(|name| named(Subject::Variable(name), Need::Require))
        .chain(
            (options.require.into_iter())
                .map(|target| named(Subject::Endpoint(target), Need::Require)),
        )
        .chain(
            (options.want.into_iter()).map(|target| named(Subject::Endpoint(target), Need::Want)),
        )
        .chain(google)
        .collect();
    Ok(Run {
        command,
        needs,
        checks,
    })
}

/// The checks of `--require-api` and `--require-permission`.
fn google(
    options: &Options,
    needs: &Needs,
    environment: &Environment,
) -> Result<Vec<Check>, (ExitCode, Entry)> {
    let required = |subject| Check {
        subject,
        need: Need::Require,
    };
    let mut checks = Vec::new();
    for host in &options.require_api {
        let api = Api::new(host, environment).map_err(|entry| (ExitCode::Configuration, entry))?;
        checks.push(required(Subject::Api(api)));
    }
    if options.require_permission.is_empty() {
        return Ok(checks);
    }
    if needs.metadata != Need::Require {
        let message = "--require-permission asks with the metadata server's token, which --metadata does not require";
        let mut entry = Entry::new(Severity::Error, message);
        entry.details = vec!["help   leave --metadata out, or --require-permission".to_owned()];
        return Err((ExitCode::Usage, entry));
    }
    let permissions = Permissions::new(&options.require_permission, environment, needs.emulate)
        .map_err(|entry| (ExitCode::Configuration, entry))?;
    checks.push(required(Subject::Permissions(permissions)));
    Ok(checks)
}

fn wishes(options: &Options) -> proxy::Wishes {
    proxy::Wishes {
        mode: options.mend.proxy.unwrap_or_default(),
        direct: options.mend.direct.clone(),
        java: options.mend.java.unwrap_or(false),
    }
}

fn needs(options: &Options, environment: &Environment) -> Needs {
    Needs {
        metadata: options.metadata.unwrap_or(Need::Require),
        service_account: options.service_account.clone(),
        wishes: wishes(options),
        ca_file: options.mend.ca_file.clone(),
        retry: Retry::new(options, environment),
        policy: policy(options),
        report: options.report.clone(),
        needs_permissions: !options.require_permission.is_empty(),
        emulate: options.emulate.unwrap_or(false),
        parent: parent(options),
        quiet: options.quiet.unwrap_or(false),
    }
}

fn policy(options: &Options) -> Policy {
    Policy {
        on_failure: options.on_failure.unwrap_or(OnFailure::Abort),
        is_strict: options.strict.unwrap_or(false),
        ignored: options.ignore.clone(),
    }
}

/// How runup is to stay. The emulator needs it; a group of its own means it.
fn parent(options: &Options) -> Option<Parent> {
    let has_group = options.init_group.unwrap_or(false);
    let stays = options.init.unwrap_or(has_group) || options.emulate.unwrap_or(false);
    stays.then_some(Parent {
        has_group,
        grace: options.grace,
    })
}

/// The check of the metadata server that `environment` names.
///
/// # Errors
/// What is wrong with the variable that names it.
pub fn metadata(
    environment: &Environment,
    expected: Option<String>,
    wishes: Wishes,
) -> Result<Subject, Entry> {
    // gcloud's detection reads the second, everybody else the first.
    for name in ["GCE_METADATA_HOST", "GCE_METADATA_ROOT"] {
        let Some(value) = environment.get(name).filter(|value| !value.is_empty()) else {
            continue;
        };
        let authority = value.to_str().map(str::trim).filter(|text| {
            hyper::http::uri::Authority::try_from(*text).is_ok() && !text.contains('@')
        });
        return match authority {
            Some(authority) => Ok(Subject::Metadata {
                chosen: Some(authority.to_owned()),
                expected,
                wishes,
            }),
            None => {
                let mut entry = Entry::new(
                    Severity::Error,
                    format!(
                        "{name}: `{}` is no host",
                        proxy::redact(&value.to_string_lossy())
                    ),
                );
                entry.details = vec![
                    "help   write HOST or HOST:PORT, without a scheme; or unset it, which is right on Google Cloud"
                        .to_owned(),
                ];
                Err(entry)
            }
        };
    }
    Ok(Subject::Metadata {
        chosen: None,
        expected,
        wishes,
    })
}

/// The options that RUNUP_ variables set, and warnings of those that nobody knows.
fn variables(environment: &Environment) -> Result<(Options, Vec<Entry>), Entry> {
    let is_ours = |name: &OsStr| name.as_bytes().starts_with(PREFIX.as_bytes());
    // To declare the options once more takes longer than to read them.
    if !environment.iter().any(|(name, _)| is_ours(name)) {
        return Ok((Options::default(), Vec::new()));
    }
    let declared = Options::augment_args(Command::new("runup").no_binary_name(true));
    let known: Vec<(String, &clap::Arg)> = declared
        .get_arguments()
        .filter_map(|argument| Some((variable_name(argument.get_long()?), argument)))
        .collect();
    let mut flags: Vec<OsString> = Vec::new();
    let mut warnings = Vec::new();
    for (name, value) in environment.iter() {
        let Some(name) = name.to_str().filter(|name| name.starts_with(PREFIX)) else {
            continue;
        };
        let Some((_, argument)) = known.iter().find(|(known, _)| known == name) else {
            if name != DISABLED {
                warnings.push(unknown(name, known.iter().map(|(known, _)| known.as_str())));
            }
            continue;
        };
        // `--set-env-vars=RUNUP_TIMEOUT=` is how a job takes back what the image set.
        if value.is_empty() {
            continue;
        }
        let own = flags_of(argument, value).map_err(|why| bad_variable(name, value, &why))?;
        // One by one, so that an error is known to be this variable's.
        if let Err(error) = declared.clone().try_get_matches_from(&own) {
            return Err(bad_variable(name, value, &reason(&error)));
        }
        flags.extend(own);
    }
    let matches = declared
        .try_get_matches_from(flags)
        .map_err(|error| usage(&error))?;
    let options = Options::from_arg_matches(&matches).map_err(|error| usage(&error))?;
    Ok((options, warnings))
}

fn variable_name(long: &str) -> String {
    format!("{PREFIX}{}", long.to_ascii_uppercase().replace('-', "_"))
}

/// The flags that say the same as a variable.
fn flags_of(argument: &clap::Arg, value: &OsStr) -> Result<Vec<OsString>, String> {
    let long = argument.get_long().unwrap_or_default();
    let flag = |value: &[u8]| {
        let mut flag = format!("--{long}=").into_bytes();
        flag.extend(value);
        OsString::from_vec(flag)
    };
    match argument.get_action() {
        clap::ArgAction::Append => {
            // URLs may hold commas.
            let has_commas = matches!(long, "require" | "want");
            let is_separator =
                |byte: &u8| byte.is_ascii_whitespace() || (*byte == b',' && !has_commas);
            Ok(value
                .as_bytes()
                .split(is_separator)
                .filter(|item| !item.is_empty())
                .map(flag)
                .collect())
        }
        clap::ArgAction::Count => {
            let text = value.to_string_lossy();
            match text.trim().parse::<usize>() {
                Ok(count @ 0..=3) => Ok(vec![format!("--{long}").into(); count]),
                _ => Err("write 0, 1 or 2".to_owned()),
            }
        }
        _ => Ok(vec![flag(value.as_bytes().trim_ascii())]),
    }
}

fn unknown<'a>(name: &str, known: impl Iterator<Item = &'a str>) -> Entry {
    let nearest = known
        .chain([DISABLED])
        .map(|known| (strsim::damerau_levenshtein(name, known), known))
        .min()
        .filter(|(distance, _)| *distance <= 4);
    let mut entry = Entry::new(
        Severity::Warning,
        format!("unknown variable `{name}` has no effect"),
    );
    entry.details = vec![match nearest {
        Some((_, nearest)) => format!("help   did you mean `{nearest}`?"),
        None => "help   `runup --help` lists the options; each has its variable".to_owned(),
    }];
    entry
}

fn bad_variable(name: &str, value: &OsStr, why: &str) -> Entry {
    let value = proxy::redact(&value.to_string_lossy());
    let mut entry = Entry::new(
        Severity::Error,
        format!("{name}: `{value}` is not understood: {why}"),
    );
    entry.details = vec![format!(
        "help   mend or unset {name}; `runup --help` says what it takes"
    )];
    entry
}

/// Why a value was refused, without clap's frame.
fn reason(error: &clap::Error) -> String {
    if let Some(source) = error.source() {
        return source.to_string();
    }
    if error.kind() == ErrorKind::InvalidValue
        && let Some(ContextValue::Strings(values)) = error.get(ContextKind::ValidValue)
    {
        return format!("write one of `{}`", values.join("`, `"));
    }
    match error.kind() {
        ErrorKind::InvalidUtf8 => "it is not UTF-8".to_owned(),
        ErrorKind::ArgumentConflict => "it can be given once only".to_owned(),
        kind => kind.to_string(),
    }
}

/// A usage error in the house's form.
fn usage(error: &clap::Error) -> Entry {
    let mut text = error.render().to_string();
    if let Some(ContextValue::String(value)) = error.get(ContextKind::InvalidValue) {
        text = text.replace(value, &proxy::redact(value));
    }
    let mut lines = text
        .lines()
        .map(str::trim)
        .filter(|line| !line.is_empty() && !line.starts_with("For more information"));
    let first = lines.next().unwrap_or("usage error");
    let mut entry = Entry::new(
        Severity::Error,
        first.strip_prefix("error: ").unwrap_or(first),
    );
    entry.details = lines.map(str::to_owned).collect();
    entry.details.push(
        "help   `runup --help` lists the options; what follows the command's name is its own"
            .to_owned(),
    );
    entry
}
