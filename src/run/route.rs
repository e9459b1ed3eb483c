//! `runup route`: which way each client would send a URL, before and after the mend.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use serde_json::{Value, json};
use url::Url;

use crate::cli::ReportFormat;
use crate::environment::Environment;
use crate::environment::proxy::{self, Wishes};
use crate::exit_code::ExitCode;
use crate::log::Console;
use crate::print;
use crate::route::{self, Client, Decision, Route};

/// Prints the routes of `urls`.
pub fn route(
    urls: &[Url],
    format: ReportFormat,
    wishes: &Wishes,
    environment: &Environment,
    console: &Console,
) -> ExitCode {
    let mut mended = environment.clone();
    mended.apply(&proxy::mend(environment, wishes).edits);
    let tables: Vec<Table> = urls
        .iter()
        .map(|url| Table::new(url, environment, &mended))
        .collect();
    let text = match format {
        ReportFormat::Text => tables
            .iter()
            .map(Table::text)
            .collect::<Vec<_>>()
            .join("\n"),
        ReportFormat::Json => {
            let tables: Vec<Value> = tables.iter().map(Table::json).collect();
            format!("{:#}\n", Value::from(tables))
        }
    };
    print(&text, console)
}

/// The ways of all clients to one URL.
struct Table<'a> {
    url: &'a Url,
    rows: Vec<Row>,
}

struct Row {
    client: &'static Client,
    before: Decision,
    after: Decision,
}

impl<'a> Table<'a> {
    fn new(url: &'a Url, found: &Environment, mended: &Environment) -> Self {
        let rows = route::clients()
            .iter()
            .map(|client| Row {
                client,
                before: client.decide(found, url),
                after: client.decide(mended, url),
            })
            .collect();
        Self { url, rows }
    }

    fn text(&self) -> String {
        let cell = |decision: &Decision| match &decision.because {
            Some(because) => format!("{} ({because})", decision.route),
            None => decision.route.to_string(),
        };
        let cells: Vec<(&Row, String, String)> = self
            .rows
            .iter()
            .map(|row| (row, cell(&row.before), cell(&row.after)))
            .collect();
        let width = |of: &dyn Fn(&(&Row, String, String)) -> usize| cells.iter().map(of).max();
        let name = width(&|(row, ..)| row.client.name().chars().count()).unwrap_or(0);
        let first = width(&|(_, before, _)| before.chars().count()).unwrap_or(0);
        let (usual_before, usual_after) =
            (self.usual(|row| &row.before), self.usual(|row| &row.after));
        let mut text = format!(
            "{}\n    {:name$}  {:first$}  after\n",
            self.url, "", "before"
        );
        for (row, before, after) in &cells {
            let mark = |decision: &Decision, usual: &Option<Route>| {
                usual
                    .as_ref()
                    .is_some_and(|usual| differs(&decision.route, usual))
            };
            let mark = match (
                mark(&row.before, &usual_before),
                mark(&row.after, &usual_after),
            ) {
                (_, true) => "! ",
                (true, false) => "* ",
                (false, false) => "  ",
            };
            let _ = writeln!(
                text,
                "  {mark}{:name$}  {before:first$}  {after}",
                row.client.name()
            );
        }
        let _ = writeln!(text, "  before: {}", self.summary(|row| &row.before));
        let _ = writeln!(text, "  after:  {}", self.summary(|row| &row.after));
        if text.contains("\n  * ") || text.contains("\n  ! ") {
            text.push_str(
                "  *  goes another way than most before the mend   !  still does after it\n",
            );
        }
        text
    }

    /// The way that most clients take, of those that are known.
    fn usual(&self, of: impl Fn(&Row) -> &Decision) -> Option<Route> {
        self.counts(of)
            .into_iter()
            .filter(|(_, (_, route))| !matches!(route, Route::Unknown))
            .max_by_key(|(_, (count, _))| *count)
            .map(|(_, (_, route))| route)
    }

    fn summary(&self, of: impl Fn(&Row) -> &Decision) -> String {
        let mut counts: Vec<_> = self.counts(of).into_iter().collect();
        counts.sort_by_key(|(_, (count, _))| std::cmp::Reverse(*count));
        let parts: Vec<String> = counts
            .into_iter()
            .map(|(way, (count, _))| format!("{count} {way}"))
            .collect();
        parts.join(", ")
    }

    fn counts(&self, of: impl Fn(&Row) -> &Decision) -> BTreeMap<String, (usize, Route)> {
        let mut counts = BTreeMap::new();
        for row in &self.rows {
            let route = &of(row).route;
            let name = match route {
                Route::Fails(_) => "fail".to_owned(),
                route => route.to_string(),
            };
            counts.entry(name).or_insert((0, route.clone())).0 += 1;
        }
        counts
    }

    fn json(&self) -> Value {
        let decision = |decision: &Decision| {
            let (way, proxy, why) = match &decision.route {
                Route::Direct => ("direct", None, None),
                Route::Via(proxy) => ("proxy", Some(proxy.to_string()), None),
                Route::Fails(why) => ("fails", None, Some(*why)),
                Route::Unknown => ("unknown", None, None),
            };
            let because = decision.because.as_ref().map(ToString::to_string);
            json!({"way": way, "proxy": proxy, "why": why, "because": because})
        };
        let clients: Vec<Value> = self
            .rows
            .iter()
            .map(|row| {
                json!({
                    "client": row.client.name(),
                    "known": row.client.known().variables.as_str(),
                    "before": decision(&row.before),
                    "after": decision(&row.after),
                })
            })
            .collect();
        let disagree = |of: fn(&Row) -> &Decision| {
            let usual = self.usual(of);
            usual.is_some_and(|usual| self.rows.iter().any(|row| differs(&of(row).route, &usual)))
        };
        json!({
            "url": self.url.as_str(),
            "disagree": {"before": disagree(|row| &row.before), "after": disagree(|row| &row.after)},
            "clients": clients,
        })
    }
}

/// Whether two ways are known to be two.
fn differs(one: &Route, other: &Route) -> bool {
    match (one, other) {
        (Route::Unknown, _) | (_, Route::Unknown) | (Route::Fails(_), Route::Fails(_)) => false,
        _ => one != other,
    }
}
