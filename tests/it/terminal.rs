//! What a person at a terminal sees while runup waits.

use std::net::TcpListener;
use std::num::NonZero;
use std::time::Duration;

use crate::support::{Answer, Fake, Run, http};

/// The height of the terminals here.
const ROWS: u16 = 24;

/// What a terminal shows, one after the other.
struct Screens(Vec<String>);

impl Screens {
    /// Plays what was written to a terminal of so many columns.
    fn play(bytes: &[u8], columns: u16) -> Self {
        let size = |size| NonZero::new(size).unwrap();
        let mut terminal = vt100::Parser::new(size(ROWS), size(columns), 0);
        let mut screens = vec![String::new()];
        for byte in bytes {
            terminal.process(&[*byte]);
            let shown = terminal.screen().contents();
            if screens.last() != Some(&shown) {
                screens.push(shown);
            }
        }
        Self(screens)
    }

    fn last(&self) -> &str {
        self.0.last().unwrap()
    }

    /// Whether all of `words` stood on the terminal at once; how they are broken into rows does not matter.
    fn showed(&self, words: &[&str]) -> bool {
        self.0.iter().any(|shown| {
            let shown = shown.replace('\n', "");
            words.iter().all(|word| shown.contains(word))
        })
    }

    fn count(&self, word: &str) -> usize {
        let counts = self.0.iter().map(|shown| shown.matches(word).count());
        counts.max().unwrap_or(0)
    }
}

fn closed() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    format!("tcp://{}", listener.local_addr().unwrap())
}

#[test]
fn what_is_waited_for_is_redrawn_in_place_and_vanishes() {
    for columns in [100, 40] {
        let fake = Fake::new([Answer::Hang]);
        let (refused, slow) = (closed(), format!("http://{}/", fake.address()));
        let done = Run::new()
            .off()
            .on_terminal(columns)
            .env("TERM", "xterm")
            .args(["--require", &refused, "--require", &slow])
            .args(["--timeout", "4s", "--backoff-max", "300ms"])
            .command(["true"])
            .code(69)
            .any_stdout()
            .stderr("")
            .run();
        let screens = Screens::play(&done.stdout, columns);
        let names = [refused.as_str(), &slow];
        assert!(
            screens.showed(&[
                "runup: waiting for 2 checks, 1 s of 4 s",
                names[0],
                names[1]
            ]),
            "{}",
            done.text()
        );
        // Its attempts are counted as they go on, and the seconds too.
        assert!(screens.showed(&[
            "waiting for 2 checks, 3 s of 4 s",
            "refused the connection (attempt "
        ]));
        assert!(screens.showed(&["has not answered yet"]));
        assert_eq!(screens.count("runup: waiting"), 1, "{}", done.text());
        let last = screens.last();
        assert!(!last.contains("runup: waiting"), "{last}");
        assert!(
            last.replace('\n', "").contains("2 required checks failed"),
            "{last}"
        );
    }
}

#[test]
fn what_passes_in_the_end_leaves_no_trace() {
    let busy = || http("503 Service Unavailable").header("Retry-After", "2");
    let fake = Fake::new([busy(), http("200 OK")]);
    let done = Run::new()
        .off()
        .on_terminal(100)
        .env("TERM", "xterm")
        .args(["--require", &format!("http://{}/", fake.address())])
        .shell("echo started")
        .any_stdout()
        .stderr("")
        .run();
    let screens = Screens::play(&done.stdout, 100);
    assert!(screens.showed(&["waiting for 1 check, ", "answered 503 (attempt 1)"]));
    let lines: Vec<_> = screens.last().lines().collect();
    assert_eq!(lines.len(), 2, "{lines:?}");
    assert!(
        lines[0].starts_with("runup: ready in ") && lines[1] == "started",
        "{lines:?}"
    );
}

#[test]
fn a_terminal_without_a_cursor_gets_lines() {
    for (term, format) in [("dumb", "text"), ("xterm", "json")] {
        let done = Run::new()
            .off()
            .on_terminal(200)
            .env("TERM", term)
            .args(["--require", &closed(), "--timeout", "3s"])
            .args(["--log-format", format])
            .command(["true"])
            .code(69)
            .any_stdout()
            .stderr("")
            .run();
        let text = done.text();
        assert!(!text.contains('\x1b'), "{text:?}");
        assert_eq!(text.matches("waiting: tcp://").count(), 1, "{text}");
        assert!(done.took < Duration::from_secs(30));
    }
}

#[test]
fn a_log_gets_few_lines_whatever_changes() {
    let moods = ["503 Service Unavailable", "500 Oh", "502 Bad Gateway"];
    let fakes = [(); 3].map(|()| Fake::new((0..999).map(|number| http(moods[number % 3]))));
    let run = Run::new()
        .off()
        .args(["--timeout", "4s", "--backoff-max", "100ms"])
        .args(["--log-format", "json"])
        .command(["true"])
        .code(69)
        .any_stderr();
    let run = fakes.iter().fold(run, |run, fake| {
        run.args(["--require", &format!("http://{}/", fake.address())])
    });
    let entries = run.run().entries();
    let waiting: Vec<_> = entries
        .iter()
        .filter_map(|entry| entry["waiting"].as_array())
        .collect();
    assert_eq!(waiting.len(), 1, "{entries:#?}");
    assert_eq!(waiting[0].len(), 3);
    for check in waiting[0] {
        assert!(check["attempts"].as_u64() >= Some(1), "{check}");
        assert!(check["reason"].as_str().unwrap().starts_with("answered 50"));
    }
}
