//! The report as a Mermaid flowchart: from the container by DNS, a proxy or the VPC to the metadata server and the
//! hosts, and at which hop it ends. To be pasted into a ticket.

use std::fmt::Write as _;

use super::{Report, Verdict, short, trace};
use crate::check::{Evidence, Subject};
use crate::failure::{Failure, FailureKind, Phase};
use crate::finding::Severity;
use crate::net::trace::{Range, Trace};
use crate::preflight::Outcome;

/// The report as a flowchart.
pub(super) fn mermaid(report: &Report) -> String {
    let mut chart = Chart::default();
    chart.container(report);
    for (index, outcome) in report.outcomes.iter().enumerate() {
        let verdict = report.verdict_of(index);
        match &outcome.check.subject {
            Subject::Metadata { chosen, .. } => {
                chart.metadata(index, chosen.as_deref(), outcome, verdict);
            }
            Subject::Endpoint(target) => {
                chart.endpoint(index, target.is_proxy(), outcome, verdict);
            }
            Subject::Api(_) | Subject::Permissions(_) => {
                chart.endpoint(index, false, outcome, verdict);
            }
            Subject::Command(_)
            | Subject::Variable(_)
            | Subject::Credentials
            | Subject::CaFile(_) => {}
        }
    }
    chart.text(&format!("runup: {}", report.verdict().message))
}

/// What is drawn, each thing once.
#[derive(Default)]
struct Chart {
    nodes: Vec<Node>,
    edges: Vec<Edge>,
}

struct Node {
    id: String,
    shape: Shape,
    lines: Vec<String>,
    verdict: Option<Verdict>,
}

#[derive(Clone, Copy)]
enum Shape {
    Container,
    Station,
    End,
}

struct Edge {
    from: String,
    to: String,
    state: State,
    label: Option<String>,
}

/// How far somebody came on an edge.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Passed,
    /// It ended here, which counts for so much.
    Ended(Verdict),
    /// It ended before.
    Unreached,
}

/// Wide enough for most names of hosts, in pixels.
const WIDTH: u32 = 360;

const CONTAINER: &str = "container";
const DNS: &str = "dns";

impl Chart {
    fn node(&mut self, id: &str, shape: Shape, lines: Vec<String>, verdict: Option<Verdict>) {
        if !self.nodes.iter().any(|node| node.id == id) {
            let id = id.to_owned();
            self.nodes.push(Node {
                id,
                shape,
                lines,
                verdict,
            });
        }
    }

    /// Draws an edge; on one that is there already, who came through counts.
    fn edge(&mut self, from: &str, to: &str, state: State, label: Option<String>) {
        let known = (self.edges.iter_mut()).find(|edge| edge.from == from && edge.to == to);
        match known {
            None => self.edges.push(Edge {
                from: from.to_owned(),
                to: to.to_owned(),
                state,
                label,
            }),
            Some(edge) if edge.state == State::Passed => {}
            Some(edge) if state == State::Passed || edge.state == State::Unreached => {
                (edge.state, edge.label) = (state, label);
            }
            Some(_) => {}
        }
    }

    /// The container, with all that was looked at inside.
    fn container(&mut self, report: &Report) {
        let mut lines = vec![report.job.name.clone().unwrap_or("container".to_owned())];
        let mut worst = Verdict::Passed;
        let mut add = |verdict: Verdict, text: String| {
            lines.push(format!("{} {text}", mark(verdict)));
            if rank(verdict) > rank(worst) {
                worst = verdict;
            }
        };
        for (index, outcome) in report.outcomes.iter().enumerate() {
            let subject = &outcome.check.subject;
            if subject.is_local() {
                let verdict = report.verdict_of(index);
                let text = match &outcome.result {
                    Ok(_) => subject.to_string(),
                    Err(failure) => format!("{subject}: {}", failure.kind.in_short()),
                };
                add(verdict, text);
            }
        }
        for finding in report.findings.iter().filter(|own| own.check.is_none()) {
            match finding.severity {
                Severity::Error => add(Verdict::Failed, finding.code.to_string()),
                Severity::Warning => add(Verdict::Warned, finding.code.to_string()),
                Severity::Note => {}
            }
        }
        self.node(CONTAINER, Shape::Container, lines, Some(worst));
    }

    /// Draws the way over `stations`; `end` is how many of the edges were passed.
    fn way(
        &mut self,
        stations: &[String],
        end: Option<usize>,
        verdict: Verdict,
        label: Option<String>,
    ) {
        for (index, pair) in stations.windows(2).enumerate() {
            let (state, label) = match end {
                Some(end) if index == end => (State::Ended(verdict), label.clone()),
                Some(end) if index > end => (State::Unreached, None),
                _ => (State::Passed, None),
            };
            self.edge(&pair[0], &pair[1], state, label);
        }
    }

    fn dns(&mut self) -> String {
        self.node(DNS, Shape::Station, vec!["DNS".to_owned()], None);
        DNS.to_owned()
    }

    fn metadata(
        &mut self,
        index: usize,
        chosen: Option<&str>,
        outcome: &Outcome,
        verdict: Verdict,
    ) {
        let id = format!("check{index}");
        let mut lines = vec![match chosen {
            Some(authority) => format!("metadata server {authority}"),
            None => "metadata server".to_owned(),
        }];
        let mut stations = vec![CONTAINER.to_owned()];
        // An address needs no DNS.
        let is_named = chosen.is_none_or(|authority| {
            authority.parse::<std::net::SocketAddr>().is_err()
                && authority.parse::<std::net::IpAddr>().is_err()
        });
        match &outcome.result {
            Ok(Evidence::Metadata(proven)) => {
                lines.push(proven.proof.account.email.clone());
                lines.push(format!("project {}", proven.proof.project));
                lines.push(passed(outcome));
                match &proven.name_failure {
                    Some(failure) => {
                        let dns = self.dns();
                        self.edge(CONTAINER, &dns, State::Passed, None);
                        let label = format!("by name: {}", failure.kind.in_short());
                        self.edge(&dns, &id, State::Ended(Verdict::Warned), Some(label));
                        let label = Some("by address".to_owned());
                        self.edge(CONTAINER, &id, State::Passed, label);
                    }
                    None => {
                        if is_named {
                            stations.push(self.dns());
                        }
                        stations.push(id.clone());
                        self.way(&stations, None, verdict, None);
                    }
                }
            }
            Ok(_) => {}
            Err(failure) => {
                if is_named {
                    stations.push(self.dns());
                }
                if is_somebody_else(&failure.kind) {
                    let place = format!("other{index}");
                    let who = [
                        "somebody else".to_owned(),
                        failed(outcome, failure, verdict),
                    ];
                    self.node(&place, Shape::Station, who.into(), Some(verdict));
                    stations.push(place.clone());
                    self.way(&stations, None, verdict, None);
                    self.edge(&place, &id, State::Unreached, None);
                    lines.push("not reached".to_owned());
                    return self.node(&id, Shape::End, lines, None);
                }
                lines.push(failed(outcome, failure, verdict));
                stations.push(id.clone());
                let end = match failure.phase {
                    Phase::Local | Phase::Resolve | Phase::Connect => Some(stations.len() - 2),
                    Phase::Tunnel | Phase::Handshake | Phase::Request | Phase::Response => None,
                };
                let label = failure.phase.word().to_owned();
                self.way(&stations, end, verdict, Some(label));
            }
        }
        self.node(&id, Shape::End, lines, Some(verdict));
    }

    fn endpoint(&mut self, index: usize, is_proxy: bool, outcome: &Outcome, verdict: Verdict) {
        let id = format!("check{index}");
        let mut stations = vec![CONTAINER.to_owned()];
        let own = Trace::default();
        let trace = trace(outcome).unwrap_or(&own);
        let is_resolved = trace.steps.iter().any(|step| step.phase == Phase::Resolve);
        if is_resolved {
            stations.push(self.dns());
        }
        let is_in = |range| {
            let mut addresses = trace.addresses.iter();
            addresses.any(|address| Range::of(*address) == range)
        };
        if is_in(Range::Private) {
            let lines =
                ["private addresses", "VPC egress: connector or Direct VPC"].map(str::to_owned);
            self.node("vpc", Shape::Station, lines.into(), None);
            stations.push("vpc".to_owned());
        } else if is_in(Range::Public) {
            let lines = ["public addresses", "Cloud NAT or Google's own way"].map(str::to_owned);
            self.node("public", Shape::Station, lines.into(), None);
            stations.push("public".to_owned());
        }
        // A check of the proxy itself ends there.
        let proxy = trace.proxy.as_ref().filter(|_| !is_proxy);
        let at_proxy = stations.len();
        if let Some(proxy) = proxy {
            let known = self
                .nodes
                .iter()
                .find(|node| node.lines.get(1) == Some(proxy));
            let place = match known {
                Some(node) => node.id.clone(),
                None => format!("proxy{index}"),
            };
            let lines = vec!["proxy".to_owned(), proxy.clone()];
            self.node(&place, Shape::Station, lines, None);
            stations.push(place);
        }
        stations.push(id.clone());

        let last = stations.len() - 2;
        let mut lines = vec![outcome.check.subject.to_string()];
        let mut end = None;
        let mut label = None;
        match &outcome.result {
            Ok(Evidence::Skipped(why)) => {
                lines.push(format!("{} skipped: {why}", mark(verdict)));
                end = Some(0);
            }
            Ok(_) => lines.push(passed(outcome)),
            Err(failure) => {
                lines.push(failed(outcome, failure, verdict));
                label = Some(failure.phase.word().to_owned());
                let is_of_proxy = matches!(
                    failure.kind,
                    FailureKind::ProxyAuthentication { .. }
                        | FailureKind::ProxyDenied(_)
                        | FailureKind::ProxyCannotReach(_)
                );
                end = match (failure.phase, proxy) {
                    (Phase::Local, _) => Some(0),
                    (Phase::Resolve, _) => Some(usize::from(is_resolved)),
                    // On the way to the proxy, it is the edge that leads there.
                    (Phase::Connect, Some(_)) => Some(at_proxy - 1),
                    (Phase::Connect, None) | (Phase::Tunnel, _) => Some(last),
                    _ if is_of_proxy => Some(last),
                    (Phase::Handshake | Phase::Request | Phase::Response, _) => None,
                };
            }
        }
        self.way(&stations, end, verdict, label);
        self.node(&id, Shape::End, lines, Some(verdict));
    }

    /// How the nodes that no check stands for fared: as their best edge.
    fn verdict(&self, node: &Node) -> Verdict {
        node.verdict.unwrap_or_else(|| {
            let edges = self.edges.iter().filter(|edge| edge.to == node.id);
            let mut states = edges.map(|edge| edge.state);
            let ended = |state| match state {
                State::Ended(verdict) => Some(verdict),
                _ => None,
            };
            match states.clone().any(|state| state == State::Passed) {
                true => Verdict::Passed,
                false => states.find_map(ended).unwrap_or(Verdict::Ignored),
            }
        })
    }

    fn text(&self, title: &str) -> String {
        let title = serde_json::Value::from(title);
        let mut text = format!(
            "---\ntitle: {title}\nconfig:\n  flowchart:\n    wrappingWidth: {WIDTH}\n---\nflowchart LR\n"
        );
        for node in &self.nodes {
            let label = label(&node.lines);
            let (open, close) = match node.shape {
                Shape::Container => ("[[", "]]"),
                Shape::Station => ("(", ")"),
                Shape::End => ("[", "]"),
            };
            let _ = writeln!(text, "  {}{open}\"{label}\"{close}", node.id);
        }
        for edge in &self.edges {
            let arrow = match edge.state {
                State::Passed => "-->",
                State::Ended(_) => "--x",
                State::Unreached => "-.->",
            };
            let label = match &edge.label {
                Some(text) => format!("|\"{}\"|", label(std::slice::from_ref(text))),
                None => String::new(),
            };
            let _ = writeln!(text, "  {} {arrow}{label} {}", edge.from, edge.to);
        }
        for (verdict, class, style) in CLASSES {
            let ids: Vec<&str> = (self.nodes.iter())
                .filter(|node| self.verdict(node) == verdict)
                .map(|node| node.id.as_str())
                .collect();
            if !ids.is_empty() {
                let _ = writeln!(text, "  classDef {class} {style}");
                let _ = writeln!(text, "  class {} {class}", ids.join(","));
            }
        }
        for (index, edge) in self.edges.iter().enumerate() {
            if let Some(color) = color(edge.state) {
                let _ = writeln!(text, "  linkStyle {index} stroke:{color},stroke-width:2px");
            }
        }
        text
    }
}

/// Dark letters on light ground, so that it is read on a dark page, too.
const CLASSES: [(Verdict, &str, &str); 5] = [
    (
        Verdict::Passed,
        "passed",
        "fill:#e6f4ea,stroke:#188038,color:#202124",
    ),
    (
        Verdict::Warned,
        "warned",
        "fill:#fef7e0,stroke:#e37400,color:#202124",
    ),
    (
        Verdict::Ignored,
        "ignored",
        "fill:#f1f3f4,stroke:#80868b,color:#3c4043,stroke-dasharray:4 3",
    ),
    (
        Verdict::Skipped,
        "skipped",
        "fill:#f1f3f4,stroke:#80868b,color:#3c4043,stroke-dasharray:1 3",
    ),
    (
        Verdict::Failed,
        "failed",
        "fill:#fce8e6,stroke:#c5221f,color:#202124,stroke-width:3px",
    ),
];

fn color(state: State) -> Option<&'static str> {
    match state {
        State::Passed => Some("#188038"),
        State::Ended(Verdict::Failed) => Some("#c5221f"),
        State::Ended(Verdict::Warned | Verdict::Passed) => Some("#e37400"),
        State::Ended(Verdict::Ignored | Verdict::Skipped) | State::Unreached => Some("#80868b"),
    }
}

fn mark(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Passed => "✓",
        Verdict::Warned => "!",
        Verdict::Ignored | Verdict::Skipped => "–",
        Verdict::Failed => "✗",
    }
}

fn rank(verdict: Verdict) -> u8 {
    match verdict {
        Verdict::Passed => 0,
        Verdict::Ignored | Verdict::Skipped => 1,
        Verdict::Warned => 2,
        Verdict::Failed => 3,
    }
}

fn passed(outcome: &Outcome) -> String {
    format!("✓ {}", short(outcome.took))
}

fn failed(outcome: &Outcome, failure: &Failure, verdict: Verdict) -> String {
    let attempts = match outcome.attempts {
        0 | 1 => String::new(),
        count => format!(" ({count} attempts)"),
    };
    format!("{} {}{attempts}", mark(verdict), failure.kind.in_short())
}

/// Whether an answer came, but not from the metadata server.
fn is_somebody_else(kind: &FailureKind) -> bool {
    matches!(
        kind,
        FailureKind::Intercepted { .. }
            | FailureKind::CaptivePage { .. }
            | FailureKind::OtherCloud(_)
            | FailureKind::Redirected { .. }
            | FailureKind::NotGoogle
    )
}

/// The text of a node or an edge, which stands between quotes.
fn label(lines: &[String]) -> String {
    let lines: Vec<String> = lines.iter().map(|line| escaped(line)).collect();
    lines.join("<br/>")
}

/// `text` so that Mermaid shows it as it is: letters and what means nothing to anybody stay, the rest becomes entities in
/// Mermaid's own spelling, `#35;` for `#`. Besides its own syntax, labels are read as Markdown and HTML, for formulas and icons.
fn escaped(text: &str) -> String {
    let mut label = String::new();
    let mut before = None;
    for letter in text.chars() {
        let is_first = before.is_none();
        let is_plain = match letter {
            // At its begin, a digit or a dash would make a list of it.
            'a'..='z' | 'A'..='Z' | '✓' | '✗' => true,
            // A colon before slashes would make it a link.
            '0'..='9' | '.' | ',' | '-' | '/' | '(' | ')' | '?' | ' ' => !is_first,
            other => other.is_alphabetic() && !is_first,
        };
        // A formula is looked for where entities are characters again: two dollars must not touch.
        if letter == '$' && before == Some('$') {
            label.push_str("#8203;");
        }
        match letter {
            _ if letter.is_control() => label.push(char::REPLACEMENT_CHARACTER),
            _ if is_plain => label.push(letter),
            _ => {
                let _ = write!(label, "#{};", u32::from(letter));
            }
        }
        before = Some(letter);
    }
    for (word, harmless) in [
        // Mermaid takes the last semicolon from a line that looks like one of styles,
        ("style", "#115;tyle"),
        ("classDef", "#99;lassDef"),
        // and makes an icon of this.
        ("#58;fa-", "#58;#8203;fa-"),
    ] {
        label = label.replace(word, harmless);
    }
    label
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// What Mermaid makes of a label: entities become characters, `<br/>` a new line.
    fn read(label: &str) -> String {
        let mut text = String::new();
        let mut rest = label;
        while let Some((before, after)) = rest.split_once('#') {
            let (number, after) = after.split_once(';').expect("an entity ends");
            let letter = number.parse().ok().and_then(char::from_u32);
            text.push_str(before);
            text.push(letter.expect("a character's number"));
            rest = after;
        }
        without_gaps(&(text + rest))
    }

    fn without_gaps(text: &str) -> String {
        text.replace('\u{200b}', "")
    }

    proptest! {
        #[test]
        fn a_label_is_read_as_it_was_written(letters in prop::collection::vec(any::<char>(), 0..40)) {
            let text: String = letters.into_iter().collect();
            let label = escaped(&text);
            let meant = ['"', '`', '[', ']', '{', '}', '<', '>', '|', '&', '\n', '*', '_', '\\', '%', '$'];
            prop_assert!(!label.contains(meant));
            prop_assert!(!label.contains("style") && !label.contains("classDef"));
            let shown: String = (text.chars())
                .map(|letter| if letter.is_control() { char::REPLACEMENT_CHARACTER } else { letter })
                .collect();
            prop_assert_eq!(read(&label), without_gaps(&shown));
        }
    }

    #[test]
    fn what_means_something_to_mermaid_is_spelt_out() {
        for (text, label) in [
            (
                "a \"b\" `c` [d] #e;",
                "a #34;b#34; #96;c#96; #91;d#93; #35;e#59;",
            ),
            ("https://nexus.corp/", "https#58;//nexus.corp/"),
            ("- no list", "#45; no list"),
            ("1. no list", "#49;. no list"),
            ("größer 日本", "größer 日本"),
            ("linkstyle", "link#115;tyle"),
            ("fa:fa-car", "fa#58;#8203;fa-car"),
            ("$$x$$", "#36;#8203;#36;x#36;#8203;#36;"),
            ("<script>", "#60;script#62;"),
            ("a\nb", "a\u{fffd}b"),
        ] {
            assert_eq!(escaped(text), label);
        }
    }
}
