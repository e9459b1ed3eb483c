//! The words of the command line. Nothing is decided here: see [`crate::plan`].
//!
//! Every option is also a variable, `RUNUP_` and its name. The variables are read by the parsers of the flags, so one
//! declaration serves both; a default has its place in the plan, since here "not given" must stay visible.

use std::ffi::OsString;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use clap::builder::{BoolishValueParser, NonEmptyStringValueParser};
use clap::{ArgAction, Args, CommandFactory, Parser, Subcommand, ValueEnum, ValueHint};

use url::Url;

use crate::check::api::HostName;
use crate::check::endpoint::Target;
use crate::check::permission::Permission;
use crate::environment::proxy;
use crate::finding::code::Code;
use crate::report;

/// Whether `word`, as the first one, is a word of runup's own.
pub fn is_subcommand(word: &str) -> bool {
    Cli::command().find_subcommand(word).is_some()
}

const AFTER_HELP: &str = "\
Every option can be set by a variable: RUNUP_ and its name, as RUNUP_TIMEOUT=60s or
RUNUP_REQUIRE=\"tcp://db:5432 https://nexus.corp.example\". A flag goes before its variable.
RUNUP_DISABLED=reason is the emergency exit: runup becomes the command at once, unchecked.

Exit codes: the command's own (with --init, 128 and the signal of one that was killed); before that
  64  the command line cannot be understood
  69  something required could not be reached in time
  70  a bug in runup
  77  denied, or the wrong identity
  78  a variable or a file says something impossible
 126  the command was found but cannot run
 127  the command was not found, or its interpreter was not
 130, 143  SIGINT, SIGTERM while waiting";

/// Mends the environment, checks what the job needs, then becomes COMMAND.
///
/// The first process of a container on Google Cloud: it lets every HTTP client reach the metadata server past the
/// proxy, proves that the metadata server is Google's and gives a token, waits for the hosts that the job needs, and
/// says in plain words what is wrong and who can mend it.
#[derive(Debug, Parser)]
#[command(
    name = "runup",
    version,
    args_conflicts_with_subcommands = true,
    disable_help_subcommand = true,
    override_usage = "runup [OPTIONS] [--] COMMAND [ARG]...\n       runup check | env | route | token | explain | emulate | copy | completions | man [OPTIONS]",
    after_help = AFTER_HELP,
    max_term_width = 100
)]
pub struct Cli {
    /// A word that is no command of the job's.
    #[command(subcommand)]
    pub subcommand: Option<Word>,
    /// What to mend, to check and to say.
    #[command(flatten)]
    pub options: Options,
    /// The command and its arguments; everything after its name is its own
    #[arg(value_name = "COMMAND", trailing_var_arg = true, value_hint = ValueHint::CommandWithArguments)]
    pub command: Vec<OsString>,
}

/// The subcommands.
#[derive(Debug, Subcommand)]
pub enum Word {
    /// Do all of a run but start the command, and print a report
    Check(Box<Check>),
    /// Print the environment that the command would get
    Env(Box<Env>),
    /// Print which way every HTTP client would send a URL, before and after the mend
    Route(RouteUrls),
    /// Print a token of the metadata server, for scripts that use curl
    Token(Token),
    /// Print what a finding means and who can mend it; without CODE, all there are
    Explain(Explain),
    /// Serve an emulated metadata server on loopback
    Emulate(Emulate),
    /// Copy this program to DIR/runup, as an init container does for the job's container
    Copy(Copy),
    /// Print what a shell needs to complete the words of runup
    Completions(Completions),
    /// Print the manual page
    Man,
}

/// `runup check`
#[derive(Debug, Args)]
pub struct Check {
    /// The form of the report on stdout
    #[arg(long, value_name = "FORMAT", default_value = "text")]
    pub format: report::Format,
    /// What to mend, to check and to say.
    #[command(flatten)]
    pub options: Options,
    /// The command that would be started, and its arguments
    #[arg(value_name = "COMMAND", trailing_var_arg = true, value_hint = ValueHint::CommandWithArguments)]
    pub command: Vec<OsString>,
}

/// `runup env`
#[derive(Debug, Args)]
pub struct Env {
    /// The form: sh is for `eval "$(runup env)"` and holds the changes alone
    #[arg(long, value_name = "FORMAT", default_value = "sh")]
    pub format: EnvFormat,
    /// Print what is changed, and why, without secrets
    #[arg(long)]
    pub diff: bool,
    /// What to mend.
    #[command(flatten)]
    pub options: Options,
}

/// The forms of an environment.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum EnvFormat {
    /// Commands for a POSIX shell
    Sh,
    /// NAME=VALUE lines
    Dotenv,
    /// One JSON object
    Json,
}

/// `runup route`
#[derive(Debug, Args)]
pub struct RouteUrls {
    /// The URLs, http or https
    #[arg(value_name = "URL", required = true, value_parser = web_url)]
    pub urls: Vec<Url>,
    /// The form
    #[arg(long, value_name = "FORMAT", default_value = "text")]
    pub format: ReportFormat,
    /// How to mend.
    #[command(flatten)]
    pub mend: Mend,
}

/// The forms of what is printed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum ReportFormat {
    /// For people
    Text,
    /// For programs
    Json,
}

/// `runup token`
#[derive(Debug, Args)]
pub struct Token {
    /// Print an identity token for this audience instead, the URL of a Cloud Run service as a rule
    #[arg(long, value_name = "AUDIENCE", value_parser = NonEmptyStringValueParser::new())]
    pub identity: Option<String>,
    /// The service account whose token it must be
    #[arg(long, value_name = "EMAIL")]
    pub service_account: Option<String>,
    /// The time for all attempts [default: 120s]
    #[arg(long, value_name = "DURATION", value_parser = duration)]
    pub timeout: Option<Duration>,
}

/// `runup explain`
#[derive(Debug, Args)]
pub struct Explain {
    /// The code in the last line of a finding
    #[arg(value_name = "CODE")]
    pub code: Option<Code>,
}

/// `runup emulate`
#[derive(Debug, Args)]
pub struct Emulate {
    /// Where to listen; port 0 takes any free port
    #[arg(long, value_name = "ADDRESS:PORT", default_value = "127.0.0.1:0")]
    pub listen: SocketAddr,
    /// The service account to play
    #[arg(long, value_name = "EMAIL")]
    pub service_account: Option<String>,
}

/// `runup copy`
#[derive(Debug, Args)]
pub struct Copy {
    /// The directory, which must exist; a `runup` in it is replaced
    #[arg(value_name = "DIR", value_hint = ValueHint::DirPath)]
    pub directory: PathBuf,
}

/// `runup completions`
#[derive(Debug, Args)]
pub struct Completions {
    /// The shell
    #[arg(value_name = "SHELL")]
    pub shell: Shell,
}

/// The shells that can complete the words of runup.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Shell {
    /// Source it, or keep it as bash-completion's completions/runup
    Bash,
    /// Keep it as completions/runup.fish of fish's configuration
    Fish,
    /// Keep it as _runup in a directory of fpath
    Zsh,
}

/// The options of a run.
#[derive(Clone, Debug, Default, Args)]
pub struct Options {
    /// What must answer before the command starts: tcp://host:port, tls://host:port, http(s)://…, dns://name,
    /// proxy://host:port; options behind `#`, as in https://nexus/#expect=200-399,401&timeout=9s
    #[arg(long, value_name = "URL")]
    pub require: Vec<Target>,
    /// What should answer: a warning where it does not
    #[arg(long, value_name = "URL")]
    pub want: Vec<Target>,
    /// A variable that must be set and not empty
    #[arg(long, value_name = "NAME")]
    pub require_variable: Vec<String>,
    /// An IAM permission that the service account must hold on its project, as compute.instances.list
    #[arg(long, value_name = "NAME")]
    pub require_permission: Vec<Permission>,
    /// A Google API's host that must answer, as compute.googleapis.com
    #[arg(long, value_name = "HOST")]
    pub require_api: Vec<HostName>,
    /// The identity that the metadata server must give
    #[arg(long, value_name = "EMAIL")]
    pub service_account: Option<String>,
    /// Whether the metadata server must answer [default: require]
    #[arg(long, value_name = "WHEN")]
    pub metadata: Option<Need>,
    /// How to mend.
    #[command(flatten)]
    pub mend: Mend,
    /// The time for all checks together [default: 120s]
    #[arg(long, value_name = "DURATION", value_parser = duration)]
    pub timeout: Option<Duration>,
    /// The time for one attempt of one check [default: 5s]
    #[arg(long, value_name = "DURATION", value_parser = duration)]
    pub attempt_timeout: Option<Duration>,
    /// The upper bound of the first pause between attempts; it doubles, and each pause is drawn from zero to it [default: 200ms]
    #[arg(long, value_name = "DURATION", value_parser = duration)]
    pub backoff_initial: Option<Duration>,
    /// The upper bound of any pause [default: 5s]
    #[arg(long, value_name = "DURATION", value_parser = duration)]
    pub backoff_max: Option<Duration>,
    /// Over how long the first attempts of a job's tasks are spread, by task number and chance; inside the timeout [default: 0s]
    #[arg(long, value_name = "DURATION", value_parser = duration_or_nothing)]
    pub splay: Option<Duration>,
    /// What to do when something required failed [default: abort]
    #[arg(long, value_name = "POLICY")]
    pub on_failure: Option<OnFailure>,
    /// The code of a finding that is not to count, as `tls/expires-soon`; those of a command that cannot run always do
    #[arg(long, value_name = "CODE", value_parser = ignorable)]
    pub ignore: Vec<Code>,
    /// Take warnings for errors; `--on-failure warn` has the last word
    #[arg(long, value_name = "BOOL", num_args = 0..=1, require_equals = true, default_missing_value = "true",
          value_parser = BoolishValueParser::new())]
    pub strict: Option<bool>,
    /// Write a report, too; the name says the form: .json, .xml for JUnit, .mmd for Mermaid, text for all others
    #[arg(long, value_name = "FILE")]
    pub report: Option<PathBuf>,
    /// Stay as the command's parent: forward signals, reap orphans, keep the exit code
    #[arg(long, value_name = "BOOL", num_args = 0..=1, require_equals = true, default_missing_value = "true",
          value_parser = BoolishValueParser::new())]
    pub init: Option<bool>,
    /// The same, with the command in a process group of its own, which gets the signals
    #[arg(long, value_name = "BOOL", num_args = 0..=1, require_equals = true, default_missing_value = "true",
          value_parser = BoolishValueParser::new())]
    pub init_group: Option<bool>,
    /// With --init: kill the command so long after a SIGTERM [default: never]
    #[arg(long, value_name = "DURATION", value_parser = duration)]
    pub grace: Option<Duration>,
    /// Run against an embedded metadata server; runup stays as the command's parent, as with --init
    #[arg(long, value_name = "BOOL", num_args = 0..=1, require_equals = true, default_missing_value = "true",
          value_parser = BoolishValueParser::new())]
    pub emulate: Option<bool>,
    /// How to speak: JSON is for Cloud Logging; auto takes it on Cloud Run and GKE [default: auto]
    #[arg(long, value_name = "FORMAT")]
    pub log_format: Option<LogFormat>,
    /// Say more: the edits and the attempts; twice, the requests too
    #[arg(long, short, action = ArgAction::Count)]
    pub verbose: u8,
    /// Say nothing when all is well
    #[arg(long, short, value_name = "BOOL", num_args = 0..=1, require_equals = true, default_missing_value = "true",
          value_parser = BoolishValueParser::new())]
    pub quiet: Option<bool>,
}

/// The options of the mend.
#[derive(Clone, Debug, Default, Args)]
pub struct Mend {
    /// What to do with the proxy variables [default: mend]
    #[arg(long, value_name = "MODE")]
    pub proxy: Option<proxy::Mode>,
    /// A host, .domain, address or network that must never go through the proxy
    #[arg(long, value_name = "HOST")]
    pub direct: Vec<proxy::Direct>,
    /// Steer Java, too, by JAVA_TOOL_OPTIONS; each JVM then says so on stderr
    #[arg(long, value_name = "BOOL", num_args = 0..=1, require_equals = true, default_missing_value = "true",
          value_parser = BoolishValueParser::new())]
    pub java: Option<bool>,
    /// A corporate CA in PEM, for the checks and, with the public roots, for every client of the command
    #[arg(long, value_name = "FILE")]
    pub ca_file: Option<PathBuf>,
}

/// How much a thing is needed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Need {
    /// The command is not started without it
    Require,
    /// A warning where it is missing
    Want,
    /// It is not asked for
    Off,
}

/// What a failed requirement leads to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum OnFailure {
    /// The command is not started
    Abort,
    /// The command is started all the same
    Warn,
}

/// The form of the messages.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum LogFormat {
    /// JSON on Cloud Run and GKE, text elsewhere
    Auto,
    /// For people
    Text,
    /// One object a line, as Cloud Logging reads it
    Json,
}

/// The code of a finding that may be ignored.
fn ignorable(text: &str) -> Result<Code, String> {
    match text.parse::<Code>() {
        Ok(code) if code.is_of_command() => Err(format!(
            "`{code}` cannot be ignored: no policy starts a command that cannot run"
        )),
        Ok(code) => Ok(code),
        Err(unknown) => Err(unknown.to_string()),
    }
}

/// A URL that HTTP clients could be given.
fn web_url(text: &str) -> Result<Url, String> {
    match Url::parse(text.trim()) {
        Ok(url) if matches!(url.scheme(), "http" | "https") && url.has_host() => Ok(url),
        Ok(_) => Err("only http and https URLs go through HTTP proxies".to_owned()),
        Err(why) => Err(format!("{why}; write it as `http://HOST/`")),
    }
}

/// A duration with its unit, or `0`.
fn duration_or_nothing(text: &str) -> Result<Duration, String> {
    match text.trim() {
        "0" | "0s" => Ok(Duration::ZERO),
        text => duration(text),
    }
}

/// A duration with its unit, longer than nothing.
pub(crate) fn duration(text: &str) -> Result<Duration, String> {
    if text.trim().parse::<f64>().is_ok() {
        return Err(format!("a number without a unit; write `{}s`", text.trim()));
    }
    match humantime::parse_duration(text) {
        Ok(Duration::ZERO) => Err("must be longer than nothing".to_owned()),
        Ok(duration) => Ok(duration),
        Err(why) => Err(format!("{why}; write it as `90s`, `500ms` or `2m 30s`")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    #[test]
    fn the_declaration_is_sound() {
        Cli::command().debug_assert();
    }

    #[test]
    fn a_duration_needs_a_unit() {
        assert_eq!(duration("1m 30s"), Ok(Duration::from_secs(90)));
        assert_eq!(
            duration("120"),
            Err("a number without a unit; write `120s`".to_owned())
        );
        assert!(duration("0s").is_err());
        assert!(duration("soon").is_err());
    }
}
