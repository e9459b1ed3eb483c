//! Expected text with gaps: `[..]` stands for anything within a line, a line of `...` for any number of lines.

/// Whether `text` is as `pattern` has it, from its first line to its last.
pub(crate) fn matches(pattern: &str, text: &str) -> bool {
    let pattern: Vec<&str> = pattern.lines().collect();
    let text: Vec<&str> = text.lines().collect();
    all_lines(&pattern, &text)
}

fn all_lines(pattern: &[&str], text: &[&str]) -> bool {
    match (pattern, text) {
        (["...", pattern @ ..], _) => {
            (0..=text.len()).any(|skipped| all_lines(pattern, &text[skipped..]))
        }
        ([expected, pattern @ ..], [line, text @ ..]) => {
            one_line(expected, line) && all_lines(pattern, text)
        }
        ([], []) => true,
        _ => false,
    }
}

fn one_line(pattern: &str, line: &str) -> bool {
    match pattern.split_once("[..]") {
        None => pattern == line,
        Some((before, pattern)) => line.strip_prefix(before).is_some_and(|line| {
            line.char_indices()
                .map(|(index, _)| index)
                .chain([line.len()])
                .any(|index| one_line(pattern, &line[index..]))
        }),
    }
}

#[test]
fn gaps_stand_for_what_is_between() {
    assert!(matches("a [..] c [..]\n", "a b c d\n"));
    assert!(matches("...\nb\n...\n", "a\nb\n"));
    assert!(matches("...", ""));
    for text in ["", "b\n", "a b c d\nmore\n", "x a b c d\n"] {
        assert!(!matches("a [..] c [..]\n", text), "{text:?}");
    }
}
