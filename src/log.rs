//! How runup speaks: on stderr, as text for people or as one JSON object a line for Cloud Logging.
//!
//! Every message passes [`Console::say`], which writes it at once and whole, so that lines of the command do not run
//! into it. Diagnostics of `--verbose` are tracing events; a [`Layer`] brings them here.

use std::fmt::{self, Write as _};
use std::io::{IsTerminal, Write as _};
use std::sync::Arc;
use std::time::SystemTime;

use serde_json::{Map, Value, json};
use tracing::field::{Field, Visit};
use tracing::{Event, Level, Metadata, Subscriber};
use tracing_subscriber::layer::{Context, Layer, SubscriberExt};

use crate::cli::LogFormat;
use crate::environment::Environment;

/// Cloud Logging's severities, as far as runup uses them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Severity {
    /// Diagnostics of `--verbose`.
    Debug,
    /// All is well.
    Info,
    /// Something to know.
    Notice,
    /// Something is wrong, and the command is started all the same.
    Warning,
    /// Something is wrong.
    Error,
}

impl Severity {
    fn name(self) -> &'static str {
        match self {
            Self::Debug => "DEBUG",
            Self::Info => "INFO",
            Self::Notice => "NOTICE",
            Self::Warning => "WARNING",
            Self::Error => "ERROR",
        }
    }
}

/// One thing to say.
#[derive(Clone, Debug)]
pub struct Entry {
    /// How bad it is.
    pub severity: Severity,
    /// The message in one line.
    pub message: String,
    /// More lines, for people.
    pub details: Vec<String>,
    /// More fields, for machines.
    pub fields: Map<String, Value>,
}

impl Entry {
    /// A message of one line.
    pub fn new(severity: Severity, message: impl Into<String>) -> Self {
        Self {
            severity,
            message: message.into(),
            details: Vec::new(),
            fields: Map::new(),
        }
    }

    /// Adds a field for machines.
    pub fn with(mut self, name: &str, value: impl Into<Value>) -> Self {
        self.fields.insert(name.to_owned(), value.into());
        self
    }
}

/// Where messages go, and in which form.
#[derive(Clone, Debug)]
pub struct Console {
    is_json: bool,
    is_terminal: bool,
    origin: Arc<Origin>,
}

/// Whose messages these are, for Cloud Logging.
#[derive(Clone, Debug)]
struct Origin {
    labels: Map<String, Value>,
    trace: Option<Trace>,
    project: Option<String>,
}

/// What a message belongs to, as W3C's Trace Context names it.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Trace {
    id: String,
    span: String,
}

impl Trace {
    /// Reads TRACEPARENT: `00-TRACE-SPAN-FLAGS`, in lower-case hexadecimal digits. Later versions may add fields.
    fn read(text: &str) -> Option<Self> {
        let fields: Vec<&str> = text.trim().split('-').collect();
        let is_hex = |text: &str, length| {
            text.len() == length
                && (text.bytes()).all(|byte| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte))
        };
        let is_id =
            |text: &str, length| is_hex(text, length) && text.bytes().any(|byte| byte != b'0');
        match fields[..] {
            [version, id, span, flags, ref more @ ..]
                if is_hex(version, 2)
                    && version != "ff"
                    && (version != "00" || more.is_empty())
                    && is_id(id, 32)
                    && is_id(span, 16)
                    && is_hex(flags, 2) =>
            {
                Some(Self {
                    id: id.to_owned(),
                    span: span.to_owned(),
                })
            }
            _ => None,
        }
    }
}

impl Console {
    /// The console that `format` and the platform's variables ask for.
    pub fn new(format: LogFormat, environment: &Environment) -> Self {
        let is_on_google = ["CLOUD_RUN_JOB", "K_SERVICE", "KUBERNETES_SERVICE_HOST"]
            .iter()
            .any(|name| environment.filled(name).is_some());
        let is_json = match format {
            LogFormat::Json => true,
            LogFormat::Text => false,
            LogFormat::Auto => is_on_google && !std::io::stderr().is_terminal(),
        };
        let is_terminal = std::io::stderr().is_terminal()
            && environment
                .get("TERM")
                .is_some_and(|name| !name.is_empty() && name != "dumb");
        // The names under which Cloud Run itself labels the lines of a job's task.
        let labels = [
            ("run.googleapis.com/execution_name", "CLOUD_RUN_EXECUTION"),
            ("run.googleapis.com/task_index", "CLOUD_RUN_TASK_INDEX"),
            ("run.googleapis.com/task_attempt", "CLOUD_RUN_TASK_ATTEMPT"),
        ]
        .into_iter()
        .filter_map(|(label, name)| Some((label.to_owned(), environment.filled(name)?.into())))
        .collect();
        let project = ["GOOGLE_CLOUD_PROJECT", "CLOUDSDK_CORE_PROJECT"]
            .into_iter()
            .find_map(|name| environment.filled(name));
        Self {
            is_json,
            is_terminal,
            origin: Arc::new(Origin {
                labels,
                trace: environment.filled("TRACEPARENT").and_then(Trace::read),
                project: project.map(|project| project.trim().to_owned()),
            }),
        }
    }

    /// The same in a project that has become known. What the environment names goes before it.
    pub fn in_project(&self, project: &str) -> Self {
        let mut console = self.clone();
        if console.origin.project.is_none() {
            Arc::make_mut(&mut console.origin).project = Some(project.to_owned());
        }
        console
    }

    /// Whether messages are JSON.
    pub fn is_json(&self) -> bool {
        self.is_json
    }

    /// Whether somebody looks on, at a terminal on which lines can be taken back.
    pub fn is_live(&self) -> bool {
        // Diagnostics would run into what is redrawn.
        self.is_terminal && !self.is_json && !tracing::enabled!(Level::DEBUG)
    }

    /// Writes `entry`. That stderr is closed or full is nothing runup could tell anybody.
    pub fn say(&self, entry: &Entry) {
        let text = match self.is_json {
            true => self.json(entry, SystemTime::now()),
            false => text(entry),
        };
        let _ = std::io::stderr().lock().write_all(text.as_bytes());
    }

    fn json(&self, entry: &Entry, now: SystemTime) -> String {
        let mut object = Map::new();
        object.insert("severity".to_owned(), entry.severity.name().into());
        object.insert("message".to_owned(), entry.message.as_str().into());
        let time = humantime::format_rfc3339_micros(now).to_string();
        object.insert("time".to_owned(), time.into());
        object.extend(entry.fields.clone());
        // A finding has the same in fields of its own.
        if !entry.details.is_empty() && !entry.fields.contains_key("finding") {
            object.insert("details".to_owned(), json!(entry.details));
        }
        let Origin {
            labels,
            trace,
            project,
        } = &*self.origin;
        if !labels.is_empty() {
            object.insert("logging.googleapis.com/labels".to_owned(), json!(labels));
        }
        // A trace is found by its project alone.
        if let (Some(trace), Some(project)) = (trace, project) {
            let name = format!("projects/{project}/traces/{}", trace.id);
            object.insert("logging.googleapis.com/trace".to_owned(), name.into());
            let span = trace.span.as_str();
            object.insert("logging.googleapis.com/spanId".to_owned(), span.into());
        }
        format!("{}\n", Value::Object(object))
    }

    /// Sends tracing's events here: those of runup alone, since the HTTP stack's own could show a token.
    pub fn listen(&self, verbosity: u8) {
        let level = match verbosity {
            0 => return,
            1 => Level::DEBUG,
            _ => Level::TRACE,
        };
        let listener = Listener {
            console: self.clone(),
            level,
        };
        // A second run in one process keeps the first listener.
        let _ =
            tracing::subscriber::set_global_default(tracing_subscriber::registry().with(listener));
    }
}

fn text(entry: &Entry) -> String {
    let prefix = match entry.severity {
        Severity::Warning => "warning: ",
        Severity::Debug => "debug: ",
        _ => "",
    };
    let mut text = format!("runup: {prefix}{}\n", entry.message);
    for line in &entry.details {
        let _ = writeln!(text, "  {line}");
    }
    text
}

struct Listener {
    console: Console,
    level: Level,
}

impl<S: Subscriber> Layer<S> for Listener {
    fn enabled(&self, metadata: &Metadata<'_>, _: Context<'_, S>) -> bool {
        metadata.target().starts_with("runup") && *metadata.level() <= self.level
    }

    fn on_event(&self, event: &Event<'_>, _: Context<'_, S>) {
        let mut fields = Fields::default();
        event.record(&mut fields);
        let mut message = fields.message;
        let mut entry = Entry::new(Severity::Debug, "");
        for (name, value) in fields.others {
            let _ = write!(message, " {name}={value}");
            entry.fields.insert(name, value.into());
        }
        entry.message = message;
        self.console.say(&entry);
    }
}

#[derive(Default)]
struct Fields {
    message: String,
    others: Vec<(String, String)>,
}

impl Visit for Fields {
    fn record_str(&mut self, field: &Field, value: &str) {
        match field.name() {
            "message" => self.message = value.to_owned(),
            name => self.others.push((name.to_owned(), value.to_owned())),
        }
    }

    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        self.record_str(field, &format!("{value:?}"));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn json_is_what_cloud_logging_reads() {
        let environment: Environment = [
            ("CLOUD_RUN_JOB", "job"),
            ("CLOUD_RUN_EXECUTION", "job-abc"),
            ("CLOUD_RUN_TASK_INDEX", "3"),
        ]
        .into_iter()
        .collect();
        let console = Console::new(LogFormat::Json, &environment);
        let entry =
            Entry::new(Severity::Warning, "a \"b\"\n").with("finding", json!({"code": "x"}));
        let line = console.json(&entry, SystemTime::UNIX_EPOCH);
        assert_eq!(line.matches('\n').count(), 1);
        let value: Value = serde_json::from_str(&line).unwrap();
        assert_eq!(
            value,
            json!({
                "severity": "WARNING",
                "message": "a \"b\"\n",
                "time": "1970-01-01T00:00:00.000000Z",
                "finding": {"code": "x"},
                "logging.googleapis.com/labels": {
                    "run.googleapis.com/execution_name": "job-abc",
                    "run.googleapis.com/task_index": "3",
                },
            })
        );
    }

    #[test]
    fn a_trace_needs_a_project() {
        const PARENT: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
        let line = |console: &Console| -> Value {
            let text = console.json(&Entry::new(Severity::Info, "x"), SystemTime::UNIX_EPOCH);
            serde_json::from_str(&text).unwrap()
        };
        let trace = |console: &Console| line(console)["logging.googleapis.com/trace"].clone();
        let environment: Environment = [("TRACEPARENT", PARENT)].into_iter().collect();
        let console = Console::new(LogFormat::Json, &environment);
        assert_eq!(trace(&console), Value::Null);
        let console = console.in_project("p1");
        let own = "projects/p1/traces/4bf92f3577b34da6a3ce929d0e0e4736";
        assert_eq!(trace(&console), own);
        assert_eq!(
            line(&console)["logging.googleapis.com/spanId"],
            "00f067aa0ba902b7"
        );
        // A project that the user names stays.
        assert_eq!(trace(&console.in_project("p2")), own);

        let without = Console::new(LogFormat::Json, &Environment::default()).in_project("p1");
        assert_eq!(trace(&without), Value::Null);
        for odd in [
            "",
            "4bf92f3577b34da6a3ce929d0e0e4736",
            "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7",
            "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01-more",
            "ff-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
            "00-4BF92F3577B34DA6A3CE929D0E0E4736-00f067aa0ba902b7-01",
            "00-00000000000000000000000000000000-00f067aa0ba902b7-01",
            "00-4bf92f3577b34da6a3ce929d0e0e4736-0000000000000000-01",
        ] {
            assert_eq!(Trace::read(odd), None, "{odd}");
        }
    }

    #[test]
    fn details_are_told_in_json_too_but_not_twice() {
        let console = Console::new(LogFormat::Json, &Environment::default());
        let mut entry = Entry::new(Severity::Warning, "unknown");
        entry.details = vec!["help   mend it".to_owned()];
        let line = |entry: &Entry| console.json(entry, SystemTime::UNIX_EPOCH);
        assert!(line(&entry).contains(r#""details":["help   mend it"]"#));
        assert!(!line(&entry.with("finding", json!({}))).contains("details"));
    }

    #[test]
    fn text_is_indented_under_its_first_line() {
        let mut entry = Entry::new(Severity::Error, "metadata server: refused");
        entry.details = vec!["saw    nothing".to_owned()];
        assert_eq!(
            text(&entry),
            "runup: metadata server: refused\n  saw    nothing\n"
        );
    }
}
