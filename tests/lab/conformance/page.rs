//! docs/routes.md: what was seen, for people.

use std::fmt::Write;

use runup::environment::proxy::redact;
use runup::route::{self, Client, Steering};

use super::differences::{Known, LIMITS, SURPRISES};
use super::shapes::Shape;
use super::witness::{GROUPS, TARGETS, Target};
use super::{DIRECT, Row, UNKNOWN, UNTRIED, predicted};

/// The whole page.
pub(super) fn page(rows: &[Row], clients: &[&Client]) -> String {
    let mut page = String::new();
    introduction(&mut page, rows, clients);
    at_a_glance(&mut page, rows, clients);
    limits(&mut page);
    surprises(&mut page);
    gcloud(&mut page, rows);
    page.push_str("\n## The environments, one by one\n");
    for (number, row) in (1..).zip(rows) {
        environment(&mut page, number, row, clients);
    }
    page
}

fn introduction(page: &mut String, rows: &[Row], clients: &[&Client]) {
    let letters = letters(rows, clients);
    let unknown = letters.iter().filter(|(_, said)| *said == UNKNOWN).count();
    let explained: usize = SURPRISES.iter().map(|known| known.count).sum();
    let options = DIRECT.map(|direct| format!(" --direct {direct}")).concat();
    write!(
        page,
        "# Which way every client goes

<!-- Written by tests/lab/conformance.rs from what it saw; `RUNUP_WRITE_DOCS=1 cargo test --test lab conformance`. -->

{} real clients in {} environments, before and after the mend, ask for {} URLs, in a private network with a real Squid. Every
letter below tells what the host that was asked saw, or that it saw nothing. (Many environments are alike once they are mended;
each is tried once.)

The model of the clients ([clients.md](clients.md)), by which `runup route` and `runup env` judge, says the same of {} letters
out of {}. It does not know {unknown}, and says otherwise of {explained}, which are named below.

The mend is that of `runup env{options}`.

",
        clients.len(),
        rows.len(),
        TARGETS.len(),
        letters.len() - unknown - explained,
        letters.len(),
    )
    .unwrap();
    page.push_str("A group of letters stands for these hosts, in this order:\n\n");
    let mut targets = TARGETS.iter();
    for (group, size) in [
        "metadata server",
        "internal hosts",
        "a public host",
        "by https",
    ]
    .iter()
    .zip(GROUPS)
    {
        let urls: Vec<_> = targets
            .by_ref()
            .take(size)
            .map(|target| format!("`{}`", target.url))
            .collect();
        writeln!(page, "- {group}: {}", urls.join(" ")).unwrap();
    }
    page.push_str(
        "
`D` it was asked directly. `P` by the proxy that the user means, `proxy.corp.example`. `Q` by another one,
`old-proxy.corp.example`. `E` not at all: the client gave up, or asked something else. `-` not tried, for the client as it is
installed here knows no https, or none that works. Right is, where the user means a proxy, `DDDDD DDD P DP`.
",
    );
}

/// Every letter that was seen, and what the model says in its place.
fn letters(rows: &[Row], clients: &[&Client]) -> Vec<(char, char)> {
    let mut letters = Vec::new();
    for row in rows {
        for (environment, outcome) in row.environments.iter().zip(&row.outcomes) {
            for client in clients {
                let seen = outcome[client.name()].chars().zip(&TARGETS);
                let seen = seen.filter(|(letter, _)| *letter != UNTRIED);
                letters.extend(
                    seen.map(|(letter, target)| {
                        (letter, predicted(client, environment, target.url))
                    }),
                );
            }
        }
    }
    letters
}

/// How many letters are wrong, for each client and shape.
fn at_a_glance(page: &mut String, rows: &[Row], clients: &[&Client]) {
    page.push_str(
        "
## At a glance

How many of the letters are not the right ones, `.` for none and `*` for ten or more; a column for each environment, numbered as
below.
",
    );
    let width = clients.iter().map(|client| client.name().len()).max();
    let width = width.unwrap_or_default();
    for (phase, name) in super::PHASES.iter().enumerate() {
        let tens: String = (1..=rows.len())
            .map(|number| {
                if number % 10 == 0 {
                    digit(number / 10)
                } else {
                    ' '
                }
            })
            .collect();
        let tens = tens.trim_end();
        let ones: String = (1..=rows.len()).map(|number| digit(number % 10)).collect();
        writeln!(page, "\n```\n{:width$}  {tens}\n{name:width$}  {ones}", "").unwrap();
        for client in clients {
            let marks: String = rows
                .iter()
                .map(|row| mark(wrong(row, phase, client)))
                .collect();
            writeln!(page, "{:width$}  {marks}", client.name()).unwrap();
        }
        page.push_str("```\n");
    }
}

fn digit(number: usize) -> char {
    char::from_digit(number as u32 % 10, 10).unwrap()
}

fn mark(wrong: usize) -> char {
    match wrong {
        0 => '.',
        1..10 => digit(wrong),
        _ => '*',
    }
}

fn wrong(row: &Row, phase: usize, client: &Client) -> usize {
    let letters = row.outcomes[phase][client.name()].chars();
    let is_wrong = |(letter, target): &(char, &Target)| {
        let right = row.shape.right(target).unwrap_or(*letter);
        *letter != right && *letter != UNTRIED
    };
    letters.zip(&TARGETS).filter(is_wrong).count()
}

fn limits(page: &mut String) {
    page.push_str(
        "
## What no variable can do

| client | what it does | what to do |
|---|---|---|
",
    );
    for client in route::clients() {
        let (what, help) = match client.steering() {
            Steering::NoBypass(why) => match why.split_once(';') {
                Some((what, help)) => (what, help),
                None => (why, ""),
            },
            Steering::JavaOptions => (
                "reads no proxy variable: it goes directly",
                "`--java` sets `JAVA_TOOL_OPTIONS`",
            ),
            Steering::Never(why) => (why, "none needed"),
            Steering::Full | Steering::Unknown => continue,
        };
        line(page, &[client.name(), what.trim(), help.trim()]);
    }
    for known in LIMITS {
        let what = match known.shape {
            "" => format!("{} (`{}`)", known.why, known.target),
            shape => format!("{} ({shape})", known.why),
        };
        line(page, &[&known.clients.join(", "), &what, known.help]);
    }
    page.push_str(
        "
Blocks of addresses (`10.0.0.0/8`) and SOCKS proxies, which many clients do not know, are in [clients.md](clients.md).
",
    );
}

fn surprises(page: &mut String) {
    page.push_str(
        "
## What the model does not say

| client | environment or URL | letters | why |
|---|---|---|---|
",
    );
    for known in SURPRISES {
        let Known {
            clients,
            shape,
            target,
            count,
            why,
            ..
        } = known;
        let place = if shape.is_empty() {
            format!("`{target}`")
        } else {
            (*shape).to_owned()
        };
        line(
            page,
            &[&clients.join(", "), &place, &count.to_string(), why],
        );
    }
}

fn gcloud(page: &mut String, rows: &[Row]) {
    page.push_str(
        "
## gcloud

gcloud takes a second for each try, so it was tried in some environments only. This is the way of `gcloud auth
print-access-token` when it asks the metadata server for the account and its token.

| environment | before | after |
|---|---|---|
",
    );
    for row in rows {
        if let Some(letters) = row.gcloud {
            let [before, after] = letters.map(String::from);
            line(page, &[row.shape.title, &before, &after]);
        }
    }
}

fn line(page: &mut String, cells: &[&str]) {
    writeln!(page, "| {} |", cells.join(" | ")).unwrap();
}

fn environment(page: &mut String, number: usize, row: &Row, clients: &[&Client]) {
    writeln!(page, "\n### {number}. {}\n\n```", row.shape.title).unwrap();
    for line in variables(row.shape) {
        writeln!(page, "{line}").unwrap();
    }
    // What clients have in common stands in one line.
    let mut lines: Vec<(String, Vec<&str>)> = Vec::new();
    for client in clients {
        let [before, after] = [0, 1].map(|phase| grouped(&row.outcomes[phase][client.name()]));
        let letters = format!("{before}  ->  {after}");
        match lines.iter_mut().find(|(other, _)| *other == letters) {
            Some((_, names)) => names.push(client.name()),
            None => lines.push((letters, vec![client.name()])),
        }
    }
    if !row.shape.variables.is_empty() {
        page.push('\n');
    }
    for (letters, names) in lines {
        writeln!(page, "{letters}  {}", names.join(", ")).unwrap();
    }
    page.push_str("```\n");
}

/// The letters, target group by target group.
fn grouped(letters: &str) -> String {
    let mut letters = letters.chars();
    let groups = GROUPS.map(|size| letters.by_ref().take(size).collect::<String>());
    groups.join(" ")
}

/// A line for each value: the variables that have it, and it, without its password and with its invisible characters.
fn variables(shape: &Shape) -> Vec<String> {
    let mut values: Vec<(&str, Vec<&str>)> = Vec::new();
    for (name, value) in shape.variables {
        match values.iter_mut().find(|(other, _)| other == value) {
            Some((_, names)) => names.push(name),
            None => values.push((value, vec![name])),
        }
    }
    let shown = |value: &str| {
        let value = if value.contains('@') {
            redact(value)
        } else {
            value.to_owned()
        };
        let inner = value.trim_matches(' ');
        let blanks = |count| "\\x20".repeat(count);
        let before = value.len() - value.trim_start_matches(' ').len();
        let after = value.len() - value.trim_end_matches(' ').len();
        let inner = inner.replace('\n', "\\n").replace('\r', "\\r");
        format!("{}{inner}{}", blanks(before), blanks(after))
    };
    let line =
        |(value, names): (&str, Vec<&str>)| format!("{} = {}", names.join(" "), shown(value));
    let lines = values.into_iter().map(line);
    lines.map(|line| line.trim_end().to_owned()).collect()
}
