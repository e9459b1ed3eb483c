//! The tasks, each from top to bottom.

use std::cell::RefCell;
use std::ffi::OsString;
use std::future::Future;
use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::time::Duration;

use nix::sys::signal::{SigSet, SigmaskHow, Signal};
use tokio::signal::unix::{SignalKind, signal};
use tokio::time::Instant;

use crate::check::command::{Kind, Runnable};
use crate::check::metadata::Proven;
use crate::check::{Check, Context, Evidence, Subject};
use crate::cli::{Need, OnFailure};
use crate::environment::proxy::{self, Way};
use crate::environment::{Edit, Environment, adc};
use crate::exit_code::ExitCode;
use crate::failure::{FailureKind, Patience};
use crate::finding::{self, Circumstances, Finding};
use crate::launch::init::Init;
use crate::launch::{Image, exec, inherited};
use crate::log::{Console, Entry, Severity};
use crate::metadata::emulator::{Emulator, Identity};
use crate::net::tls::Trust;
use crate::plan::{self, Retry, Run};
use crate::preflight::{self, Outcome, Pending};
use crate::report::{self, Report};
use crate::retry::{Attempt, Policy};
use crate::{gcloud, print};

/// Mends, checks, reports, and becomes the command.
pub fn run(run: Run, mut environment: Environment, console: &Console) -> ExitCode {
    let begin = Instant::now();
    let mut edits = Vec::new();
    if run.emulate {
        match emulated(run.service_account.clone()) {
            Ok(own) => change(&mut environment, &mut edits, own),
            Err(error) => return failed_to("start the emulator", &error, console),
        }
    }
    let as_found = environment.clone();
    let chosen = match plan::metadata(&environment, run.service_account.clone()) {
        Ok(subject) => subject,
        Err(entry) => {
            console.say(&entry);
            return ExitCode::Configuration;
        }
    };

    let mended = proxy::mend(&environment, &wishes(&run, &chosen));
    let proxy_edits = mended.edits.len();
    change(&mut environment, &mut edits, mended.edits);
    // What is wrong with the file itself, the check says.
    if let Ok(Some(own)) = adc::credentials(&environment, &directory(), gcloud::read_small) {
        change(&mut environment, &mut edits, vec![own]);
    }

    let circumstances = Circumstances {
        metadata_proxy: metadata_proxy(&as_found),
        is_mended: metadata_proxy(&environment).is_none(),
        proxy_edits,
    };
    let program = run.command.first().cloned().unwrap_or_default();
    let name = program.to_string_lossy().into_owned();
    let mut checks = vec![Check {
        subject: Subject::Command(program),
        need: Need::Require,
    }];
    if environment.has("GOOGLE_APPLICATION_CREDENTIALS") {
        checks.push(Check {
            subject: Subject::Credentials,
            need: Need::Require,
        });
    }
    if run.metadata != Need::Off {
        checks.push(Check {
            subject: chosen,
            need: run.metadata,
        });
    }
    checks.extend(run.checks);

    let context = context(environment, run.ca_file);
    let waited = waited_for(checks, &context, run.retry, run.on_failure, begin, console);
    let outcomes = match waited {
        Ok(outcomes) => outcomes,
        Err(code) => return code,
    };
    let mut environment = context.environment;
    let mut report = Report {
        findings: findings(&outcomes, &mended.notices, run.on_failure, &circumstances),
        outcomes,
        edits,
        took: begin.elapsed(),
    };
    if report.exit_code().is_none() {
        let proven = report
            .outcomes
            .iter()
            .find_map(|outcome| match &outcome.result {
                Ok(Evidence::Metadata(proven)) => Some(&**proven),
                _ => None,
            });
        let own = google_edits(&environment, proven, console);
        change(&mut environment, &mut report.edits, own);
        report.took = begin.elapsed();
    }
    for edit in &report.edits {
        tracing::debug!("{}", told(edit));
    }
    for finding in &report.findings {
        console.say(&report::block(finding));
    }
    if let Some(code) = report.exit_code() {
        console.say(&report.not_started(&told_command(&run.command), code));
        return code;
    }
    if !run.quiet {
        console.say(&report.ready());
    }
    let runnable = report
        .outcomes
        .into_iter()
        .find_map(|outcome| match outcome.result {
            Ok(Evidence::Command(runnable)) => Some(runnable),
            _ => None,
        });
    // With `--on-failure warn` the command may be missing: then the kernel has the last word.
    let runnable = runnable.unwrap_or_else(|| Runnable {
        path: PathBuf::from(&name),
        kind: Kind::Binary,
    });
    launch(&runnable, &run.command, &environment, run.emulate, console)
}

/// Becomes the command at once, with nothing changed.
pub fn disabled(
    reason: &str,
    command: &[OsString],
    environment: &Environment,
    console: &Console,
) -> ExitCode {
    console.say(&Entry::new(
        Severity::Warning,
        format!("disabled by RUNUP_DISABLED (`{reason}`): nothing mended, nothing checked"),
    ));
    let program = command.first().cloned().unwrap_or_default();
    let context = context(environment.clone(), None);
    match crate::check::command::find(&program, &context.environment, &context.directory) {
        Ok(runnable) => launch(&runnable, command, environment, false, console),
        Err(fault) => {
            let subject = Subject::Command(program);
            let kind = FailureKind::Command(Box::new(fault));
            let saw = kind.in_short();
            let failure = crate::failure::Failure::new(crate::failure::Phase::Local, kind, saw);
            let severity = finding::Severity::Error;
            let found =
                finding::of_failure(&subject, severity, &failure, 1, &Circumstances::default());
            console.say(&report::block(&found));
            found.exit
        }
    }
}

/// Prints a token of the metadata server.
pub fn token(check: Check, retry: Retry, environment: Environment, console: &Console) -> ExitCode {
    let circumstances = Circumstances {
        metadata_proxy: metadata_proxy(&environment),
        ..Circumstances::default()
    };
    let context = context(environment, None);
    let begin = Instant::now();
    let checks = vec![check];
    let outcomes = waited_for(checks, &context, retry, OnFailure::Abort, begin, console);
    match outcomes.map(|mut outcomes| outcomes.pop()) {
        Err(code) => code,
        Ok(Some(Outcome {
            result: Ok(Evidence::Metadata(proven)),
            ..
        })) => print(&format!("{}\n", proven.proof.token.text.reveal()), console),
        Ok(outcome) => {
            let outcomes: Vec<_> = outcome.into_iter().collect();
            let found = findings(&outcomes, &[], OnFailure::Abort, &circumstances);
            for finding in &found {
                console.say(&report::block(finding));
            }
            ExitCode::of_several(found.iter().map(|finding| finding.exit)).unwrap_or(ExitCode::Bug)
        }
    }
}

/// Serves the emulator until a signal ends it.
pub fn emulate(listen: SocketAddr, service_account: Option<String>, console: &Console) -> ExitCode {
    let served = block_on(async {
        let emulator = Emulator::bind(listen, identity(service_account)).await?;
        let address = emulator.address()?;
        console.say(&Entry::new(
            Severity::Info,
            format!("emulated metadata server on {address}: export GCE_METADATA_HOST={address} GCE_METADATA_ROOT={address} GCE_METADATA_IP={address}"),
        ));
        tokio::select! {
            ended = emulator.serve() => match ended {
                Ok(never) => match never {},
                Err(error) => Err(error),
            },
            code = ended_by_signal() => Ok(code),
        }
    });
    match served.and_then(|served| served) {
        Ok(code) => code,
        Err(error) => failed_to(&format!("listen on `{listen}`"), &error, console),
    }
}

/// Starts the emulator on a thread of its own; the edits that lead every client to it.
fn emulated(service_account: Option<String>) -> io::Result<Vec<Edit>> {
    let listener = std::net::TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
    let address = listener.local_addr()?;
    // The thread begins with all signals blocked: one that blocked them itself could still take the SIGCHLD of a command
    // that ends at once, and the parent would wait for ever.
    let mask = SigSet::all().thread_swap_mask(SigmaskHow::SIG_SETMASK)?;
    let spawned = std::thread::Builder::new()
        .name("emulator".to_owned())
        .spawn(move || {
            let served = block_on(async {
                Emulator::from_std(listener, identity(service_account))?
                    .serve()
                    .await
            });
            tracing::debug!(?served, "the emulator ended");
        });
    mask.thread_set_mask()?;
    spawned?;
    Ok(
        ["GCE_METADATA_HOST", "GCE_METADATA_ROOT", "GCE_METADATA_IP"]
            .map(|variable| Edit {
                variable: variable.to_owned(),
                before: None,
                after: Some(address.to_string().into()),
                why: "`--emulate`: the metadata server is the emulator".to_owned(),
            })
            .into(),
    )
}

fn identity(service_account: Option<String>) -> Identity {
    let mut identity = Identity::default();
    if let Some(email) = service_account {
        identity.email = email;
    }
    identity
}

/// What the mend is to do: the user's wishes, and a metadata server elsewhere to be reached directly.
fn wishes(run: &Run, metadata: &Subject) -> proxy::Wishes {
    let mut wishes = run.wishes.clone();
    if let Subject::Metadata {
        chosen: Some(authority),
        ..
    } = metadata
    {
        let host = authority
            .rsplit_once(':')
            .map_or(&**authority, |(host, _)| host);
        wishes.direct.extend(host.parse());
    }
    wishes
}

fn context(environment: Environment, ca_file: Option<PathBuf>) -> Context {
    Context {
        settings: proxy::Settings::read(&environment),
        trust: Trust::new(&environment, ca_file),
        directory: directory(),
        environment,
    }
}

fn directory() -> PathBuf {
    std::env::current_dir().unwrap_or_else(|_| PathBuf::from("/"))
}

/// The variable and proxy that would carry metadata requests, where one would.
fn metadata_proxy(environment: &Environment) -> Option<String> {
    let url = url::Url::parse("http://metadata.google.internal/").ok()?;
    match proxy::Settings::read(environment).way(&url) {
        Way::Direct { .. } => None,
        Way::Via { proxy, because } => Some(format!("the proxy `{proxy}` ({because})")),
    }
}

fn change(environment: &mut Environment, all: &mut Vec<Edit>, edits: Vec<Edit>) {
    environment.apply(&edits);
    all.extend(edits);
}

/// What the metadata server's answers and gcloud's directory ask for.
fn google_edits(
    environment: &Environment,
    proven: Option<&Proven>,
    console: &Console,
) -> Vec<Edit> {
    let mut directory = gcloud::inspect(environment);
    let mut edits = Vec::new();
    if !directory.writable {
        match gcloud::private_directory(&directory) {
            Ok(private) => {
                edits.push(adc::private_configuration(
                    environment,
                    &directory,
                    &private,
                ));
                directory = gcloud::inspect(&{
                    let mut changed = environment.clone();
                    changed.apply(&edits);
                    changed
                });
            }
            Err(error) => tracing::debug!(%error, "no private directory for gcloud"),
        }
    }
    let Some(proven) = proven else { return edits };
    match gcloud::remove_stale_cache(&directory) {
        Ok(true) => tracing::debug!(
            "removed gcloud's stale `gce` cache: it denied the metadata server that has answered"
        ),
        Ok(false) => {}
        Err(error) => {
            let mut entry = Entry::new(
                Severity::Warning,
                format!("gcloud's `gce` cache cannot be removed: {error}"),
            );
            entry.details = vec![
                "means  gcloud will say `No credentialed accounts` until it is ten minutes old"
                    .to_owned(),
            ];
            console.say(&entry);
        }
    }
    let chosen = ["GCE_METADATA_HOST", "GCE_METADATA_ROOT"]
        .iter()
        .find_map(|name| environment.filled(name))
        .map(str::to_owned);
    let by_address = proven
        .name_failure
        .as_ref()
        .map(|_| crate::metadata::IPV4.to_string());
    let region = proven.proof.place.as_deref().and_then(adc::region_of);
    edits.extend(adc::from_metadata(
        environment,
        &directory,
        &adc::Answers {
            project: Some(proven.proof.project.clone()),
            region: region.map(str::to_owned),
            by_ip: by_address.or(chosen),
        },
    ));
    edits
}

/// Runs the checks; or ends by a signal, with a line that names what was pending.
fn waited_for(
    checks: Vec<Check>,
    context: &Context,
    retry: Retry,
    on_failure: OnFailure,
    begin: Instant,
    console: &Console,
) -> Result<Vec<Outcome>, ExitCode> {
    let policy = Policy {
        initial: retry.initial,
        max: retry.max,
        attempt_timeout: retry.attempt_timeout,
        deadline: begin + retry.timeout,
    };
    let pending: RefCell<Pending> = RefCell::default();
    let teller = Teller::new(begin, retry.timeout, console);
    let observe = |check: &Check, attempt: &Attempt| teller.hear(check, attempt);
    let waited = block_on(async {
        tokio::select! {
            biased;
            code = ended_by_signal() => Err(code),
            outcomes = preflight::run(checks, context, &policy, on_failure, observe, &pending) => Ok(outcomes),
        }
    });
    match waited {
        Ok(Ok(outcomes)) => Ok(outcomes),
        Ok(Err(code)) => {
            console.say(&interrupted(code, &pending.borrow(), begin.elapsed()));
            Err(code)
        }
        Err(error) => Err(failed_to("start its runtime", &error, console)),
    }
}

fn interrupted(code: ExitCode, pending: &Pending, after: Duration) -> Entry {
    let name = match code {
        ExitCode::Interrupted => "SIGINT",
        _ => "SIGTERM",
    };
    let pending: Vec<String> = pending
        .iter()
        .map(|(name, reason)| match reason {
            Some(reason) => format!("{name} ({reason})"),
            None => name.clone(),
        })
        .collect();
    Entry::new(
        Severity::Error,
        format!(
            "ended by {name} after {}, waiting for {}; exit {}",
            report::short(after),
            pending.join(", "),
            code.number()
        ),
    )
}

/// Waits for SIGTERM or SIGINT. Without a handler, PID 1 would not even notice them. One that the caller ignores is
/// left ignored.
async fn ended_by_signal() -> ExitCode {
    let one = async |name: Signal, kind, code| {
        if !inherited::is_ignored(name)
            && let Ok(mut stream) = signal(kind)
        {
            stream.recv().await;
            return code;
        }
        std::future::pending().await
    };
    tokio::select! {
        code = one(Signal::SIGTERM, SignalKind::terminate(), ExitCode::Terminated) => code,
        code = one(Signal::SIGINT, SignalKind::interrupt(), ExitCode::Interrupted) => code,
    }
}

/// Tells of what is waited for: nothing in the first second, then each change, else at most a line in ten seconds.
struct Teller<'a> {
    begin: Instant,
    timeout: Duration,
    console: &'a Console,
    told: RefCell<Vec<(String, String)>>,
    last: RefCell<Instant>,
}

const SILENCE: Duration = Duration::from_secs(1);
const REPETITION: Duration = Duration::from_secs(10);

impl<'a> Teller<'a> {
    fn new(begin: Instant, timeout: Duration, console: &'a Console) -> Self {
        Self {
            begin,
            timeout,
            console,
            told: RefCell::default(),
            last: RefCell::new(begin),
        }
    }

    fn hear(&self, check: &Check, attempt: &Attempt) {
        let name = check.subject.to_string();
        let took = attempt.took;
        let Some(failure) = &attempt.failure else {
            tracing::debug!(check = name, attempt = attempt.number, ?took, "passed");
            return;
        };
        let reason = failure.kind.in_short();
        tracing::debug!(
            check = name,
            attempt = attempt.number,
            ?took,
            saw = failure.saw,
            "{reason}"
        );
        let since = self.begin.elapsed();
        if failure.kind.patience() == Patience::None || since < SILENCE || since >= self.timeout {
            return;
        }
        let mut told = self.told.borrow_mut();
        let is_news = match told.iter_mut().find(|(told, _)| *told == name) {
            Some((_, before)) if *before == reason => false,
            Some((_, before)) => {
                before.clone_from(&reason);
                true
            }
            None => {
                told.push((name, reason.clone()));
                true
            }
        };
        if is_news || self.last.borrow().elapsed() >= REPETITION {
            self.last.replace(Instant::now());
            self.console.say(&report::waiting(
                &check.subject,
                &reason,
                attempt.number,
                since,
                self.timeout,
            ));
        }
    }
}

/// The findings of the mend and of the checks.
fn findings(
    outcomes: &[Outcome],
    notices: &[proxy::Notice],
    on_failure: OnFailure,
    circumstances: &Circumstances,
) -> Vec<Finding> {
    let mut findings: Vec<Finding> = notices
        .iter()
        .map(finding::of_notice)
        .filter(|finding| finding.severity > finding::Severity::Note)
        .collect();
    for outcome in outcomes {
        let severity = match (outcome.check.need, on_failure) {
            (Need::Require, OnFailure::Abort) => finding::Severity::Error,
            _ => finding::Severity::Warning,
        };
        match &outcome.result {
            Err(failure) => findings.push(finding::of_failure(
                &outcome.check.subject,
                severity,
                failure,
                outcome.attempts,
                circumstances,
            )),
            Ok(Evidence::Metadata(proven)) => {
                findings.extend(proven.name_failure.as_ref().map(finding::of_name));
            }
            Ok(_) => {}
        }
    }
    findings
}

/// An edit in one line.
fn told(edit: &Edit) -> String {
    let name = &edit.variable;
    let shown = |value: &OsString| proxy::redact(&value.to_string_lossy());
    match (&edit.before, &edit.after) {
        (_, None) => format!("unset {name}: {}", edit.why),
        (None, Some(after)) => format!("set {name}={}: {}", shown(after), edit.why),
        (Some(before), Some(after)) => {
            format!(
                "changed {name} from `{}` to `{}`: {}",
                shown(before),
                shown(after),
                edit.why
            )
        }
    }
}

fn told_command(command: &[OsString]) -> String {
    let words: Vec<_> = command.iter().map(|word| word.to_string_lossy()).collect();
    words.join(" ")
}

/// Becomes the command, or its parent.
fn launch(
    runnable: &Runnable,
    command: &[OsString],
    environment: &Environment,
    is_parent: bool,
    console: &Console,
) -> ExitCode {
    let failed = |error: &dyn std::error::Error| {
        let mut entry = Entry::new(
            Severity::Error,
            format!("cannot run `{}`: {error}", runnable.path.display()),
        );
        entry.details = vec!["help   the kernel refused a program that looked sound; see whether it is for this machine".to_owned()];
        console.say(&entry);
        ExitCode::CannotRun
    };
    let image = match Image::new(runnable, command, environment) {
        Ok(image) => image,
        Err(errno) => return failed(&errno),
    };
    if !is_parent {
        return failed(&exec::exec(&image));
    }
    match Init::new()
        .map_err(io::Error::from)
        .and_then(|init| init.run(image))
    {
        Ok(code) => ExitCode::Command(code),
        Err(error) => failed(&error),
    }
}

fn failed_to(what: &str, error: &io::Error, console: &Console) -> ExitCode {
    console.say(&Entry::new(
        Severity::Error,
        format!("cannot {what}: {}", crate::net::plain(error)),
    ));
    ExitCode::Unavailable
}

/// Runs `future` on this thread. Names that are still being resolved are not waited for at the end.
fn block_on<F: Future>(future: F) -> io::Result<F::Output> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .on_thread_start(|| {
            // Signals are for this thread alone.
            let _ = SigSet::all().thread_block();
        })
        .build()?;
    let output = runtime.block_on(future);
    runtime.shutdown_background();
    Ok(output)
}
