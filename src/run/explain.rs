//! `runup explain`: the catalogue of findings.

use crate::exit_code::ExitCode;
use crate::finding::code::Code;
use crate::log::Console;
use crate::print;

/// Prints the page of `code`, or the list of all codes with their titles.
pub fn explain(code: Option<Code>, console: &Console) -> ExitCode {
    match code {
        Some(code) => print(code.page(), console),
        None => print(&list(), console),
    }
}

fn list() -> String {
    let width = (Code::ALL.iter())
        .map(|code| code.as_str().len())
        .max()
        .unwrap_or_default();
    let groups = Code::ALL.chunk_by(|left, right| left.group() == right.group());
    let groups: Vec<String> = groups
        .map(|group| {
            let line = |code: &Code| format!("{code:<width$}  {}\n", code.title());
            group.iter().map(line).collect()
        })
        .collect();
    groups.join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::environment::Environment;
    use crate::plan::{Plan, Task};

    #[test]
    fn the_list_has_every_code_with_its_title() {
        insta::assert_snapshot!(list());
    }

    #[test]
    fn the_words_are_read() {
        let read = |words: &[&str]| {
            let words = words.iter().map(Into::into).collect();
            Plan::read(words, &Environment::default())
        };
        let task = |words: &[&str]| read(words).unwrap().task;
        assert!(matches!(task(&["explain"]), Task::Explain(None)));
        assert!(matches!(
            task(&["explain", "tls/expired"]),
            Task::Explain(Some(Code::TlsExpired))
        ));
        let refusal = read(&["explain", "tls/exspired"]).unwrap_err();
        assert_eq!(refusal.code, ExitCode::Usage);
        let message = refusal.entry.message;
        assert!(
            message.contains("the nearest is `tls/expired`"),
            "{message}"
        );
    }
}
