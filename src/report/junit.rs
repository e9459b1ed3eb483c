//! The report as test results, in the XML that JUnit made common: a test case for each check, and one for each finding
//! of the mend.

use std::borrow::Cow;
use std::fmt::Write as _;
use std::time::Duration;

use super::{Report, Verdict, block};
use crate::finding::{Finding, Severity};

/// The report as an XML document.
pub(super) fn junit(report: &Report) -> String {
    let mut cases: Vec<Case> = (report.outcomes.iter().enumerate())
        .map(|(index, outcome)| Case {
            class: outcome.check.subject.kind(),
            name: outcome.check.subject.to_string(),
            took: outcome.took,
            is_skipped: outcome.result.is_err() && report.verdict_of(index) != Verdict::Failed,
            findings: report.findings_of(index).collect(),
            ignored: (report.ignored.iter().find(|own| own.check == Some(index))),
        })
        .collect();
    // Notes are no results.
    let own = |finding: &&Finding| finding.check.is_none() && finding.severity > Severity::Note;
    cases.extend(report.findings.iter().filter(own).map(|finding| Case {
        class: "environment",
        name: format!("{}: {}", finding.subject, finding.code),
        took: Duration::ZERO,
        is_skipped: false,
        findings: vec![finding],
        ignored: None,
    }));

    let failures = cases.iter().filter(|case| case.error().is_some()).count();
    let skipped = cases.iter().filter(|case| case.is_skipped).count();
    let numbers = format!(
        "name=\"runup\" tests=\"{}\" failures=\"{failures}\" errors=\"0\" skipped=\"{skipped}\" time=\"{}\"",
        cases.len(),
        seconds(report.took),
    );
    let mut xml = format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites {numbers}>\n  <testsuite {numbers}>\n"
    );
    let properties: String = properties(report)
        .into_iter()
        .map(|(name, value)| {
            format!(
                "      <property name=\"{name}\" value=\"{}\"/>\n",
                attribute(&value)
            )
        })
        .collect();
    if !properties.is_empty() {
        let _ = writeln!(xml, "    <properties>\n{properties}    </properties>");
    }
    for case in &cases {
        case.write(&mut xml);
    }
    xml.push_str("  </testsuite>\n</testsuites>\n");
    xml
}

fn properties(report: &Report) -> Vec<(&'static str, String)> {
    let job = &report.job;
    let number = |number: Option<u32>| number.map(|number| number.to_string());
    let ignored = report.ignored.iter().map(|own| own.code.as_str());
    let ignored = ignored.collect::<Vec<_>>().join(" ");
    [
        ("job", job.name.clone()),
        ("execution", job.execution.clone()),
        ("task", number(job.task)),
        ("tasks", number(job.tasks)),
        ("attempt", number(job.attempt)),
        ("command", report.command.clone()),
        ("ignored", Some(ignored).filter(|own| !own.is_empty())),
    ]
    .into_iter()
    .filter_map(|(name, value)| Some((name, value?)))
    .collect()
}

struct Case<'a> {
    class: &'static str,
    name: String,
    took: Duration,
    is_skipped: bool,
    findings: Vec<&'a Finding>,
    ignored: Option<&'a Finding>,
}

impl Case<'_> {
    fn error(&self) -> Option<&Finding> {
        let mut findings = self.findings.iter().copied();
        findings.find(|finding| finding.severity == Severity::Error)
    }

    fn write(&self, xml: &mut String) {
        let _ = write!(
            xml,
            "    <testcase classname=\"runup.{}\" name=\"{}\" time=\"{}\"",
            self.class,
            attribute(&self.name),
            seconds(self.took),
        );
        let mut inner = String::new();
        if let Some(error) = self.error() {
            let _ = writeln!(
                inner,
                "      <failure type=\"{}\" message=\"{}\">{}</failure>",
                error.code,
                attribute(&error.summary),
                content(&told(error)),
            );
        } else if self.is_skipped {
            let why = match (self.ignored, self.findings.first()) {
                (Some(ignored), _) => format!("ignored: {}: {}", ignored.code, ignored.summary),
                (None, Some(found)) => format!("not required: {}: {}", found.code, found.summary),
                (None, None) => "not required".to_owned(),
            };
            let _ = writeln!(inner, "      <skipped message=\"{}\"/>", attribute(&why));
        }
        let others = self
            .findings
            .iter()
            .filter(|own| own.severity != Severity::Error);
        let others: String = others.map(|own| told(own)).collect();
        if !others.is_empty() {
            let _ = writeln!(inner, "      <system-out>{}</system-out>", content(&others));
        }
        match inner.is_empty() {
            true => xml.push_str("/>\n"),
            false => {
                let _ = writeln!(xml, ">\n{inner}    </testcase>");
            }
        }
    }
}

/// The block of a finding, as it is said.
fn told(finding: &Finding) -> String {
    let entry = block(finding);
    let mut text = format!("{}\n", entry.message);
    for line in &entry.details {
        let _ = writeln!(text, "  {line}");
    }
    text
}

fn seconds(duration: Duration) -> String {
    format!("{:.3}", duration.as_secs_f64())
}

/// What XML 1.0 forbids, even escaped, is shown as what it is: nothing that can be shown.
fn allowed(letter: char) -> char {
    match letter {
        '\t' | '\n' | '\r' | ' '..='\u{D7FF}' | '\u{E000}'..='\u{FFFD}' | '\u{10000}'.. => letter,
        _ => char::REPLACEMENT_CHARACTER,
    }
}

/// `text` between two tags.
fn content(text: &str) -> String {
    escaped(text, |letter| match letter {
        // Readers take it for a line's end, and drop it.
        '\r' => Some("&#13;"),
        _ => None,
    })
}

/// `text` between quotes, where readers take white space for blanks.
fn attribute(text: &str) -> String {
    escaped(text, |letter| match letter {
        '"' => Some("&quot;"),
        '\t' => Some("&#9;"),
        '\n' => Some("&#10;"),
        '\r' => Some("&#13;"),
        _ => None,
    })
}

fn escaped(text: &str, more: impl Fn(char) -> Option<&'static str>) -> String {
    text.chars()
        .map(|letter| {
            let name = match letter {
                '&' => Some("&amp;"),
                '<' => Some("&lt;"),
                '>' => Some("&gt;"),
                other => more(other),
            };
            match name {
                Some(name) => Cow::Borrowed(name),
                None => Cow::Owned(allowed(letter).to_string()),
            }
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn any_text_comes_back_but_for_what_xml_forbids(letters in prop::collection::vec(any::<char>(), 0..40)) {
            let text: String = letters.into_iter().collect();
            let xml = format!("<a b=\"{}\">{}</a>", attribute(&text), content(&text));
            let document = roxmltree::Document::parse(&xml).unwrap();
            let element = document.root_element();
            let expected: String = text.chars().map(allowed).collect();
            prop_assert_eq!(element.attribute("b"), Some(&*expected));
            prop_assert_eq!(element.text().unwrap_or_default(), expected);
        }
    }
}
