//! A terminal above runup: who gets the keys, who may read, and what a shell's job control sees.

use super::{child_of, send};
use crate::support::{NAMESPACE, Terminal, is_permitted, soon};

/// The words before runup's: as a session's leader, or as PID 1 of a namespace.
fn begin(is_first: bool) -> Option<&'static [&'static str]> {
    match is_first {
        true => is_permitted().then_some(&NAMESPACE),
        false => Some(&[]),
    }
}

const OPTIONS: [&str; 3] = ["--init=false", "--init", "--init-group"];

/// All of them, with and without a namespace.
fn ways() -> Vec<(Vec<&'static str>, bool)> {
    let mut ways = Vec::new();
    for is_first in [false, true] {
        let Some(before) = begin(is_first) else {
            continue;
        };
        for option in OPTIONS {
            ways.push(([before, &["runup", "-q", option]].concat(), is_first));
        }
    }
    ways
}

/// A command that tells of each SIGINT at once, and ends on SIGTERM.
const TELL: &str = r#"
    trap 'echo "[INT]"' INT
    trap 'kill -9 $!; exit 5' TERM
    sleep 1000 &
    echo "[begun]"
    while :; do wait $!; done"#;

/// Of two that come one after the other, the second may be lost in the first. Not every time.
const KEYS: usize = 20;

#[test]
fn a_typed_interrupt_comes_once() {
    for (words, is_first) in ways() {
        let mut terminal = Terminal::start(&[&words[..], &["sh", "-c", TELL]].concat());
        terminal.shows("[begun]", 1);
        for times in 1..=KEYS {
            terminal.type_in("\x03");
            terminal.shows("[INT]", times);
        }
        let runup = match is_first {
            true => child_of(terminal.pid()),
            false => terminal.pid(),
        };
        send(runup, [15]);
        let code = terminal.code();
        assert_eq!(code, 5, "{words:?}");
        let screen = terminal.screen();
        assert_eq!(
            screen.matches("[INT]").count(),
            KEYS,
            "{words:?}:\n{screen}"
        );
    }
}

#[test]
fn the_command_may_read_what_is_typed() {
    for (words, _) in ways() {
        // Its group is the one in the foreground, before it ever asks.
        let script = r#"set -- $(cut -d ' ' -f 5,8 /proc/$$/stat); test $1 = $2 && echo "[foreground]"
            read line; echo "<$line>"; exit 4"#;
        let mut terminal = Terminal::start(&[&words[..], &["bash", "-c", script]].concat());
        terminal.shows("[foreground]", 1);
        terminal.type_in("hello\n");
        terminal.shows("<hello>", 1);
        assert_eq!(terminal.code(), 4, "{words:?}");
    }
}

#[test]
fn where_no_shell_controls_jobs_a_typed_stop_stops_nothing() {
    for (words, is_first) in ways() {
        let mut terminal = Terminal::start(&[&words[..], &["sh", "-c", TELL]].concat());
        terminal.shows("[begun]", 1);
        terminal.type_in("\x1a");
        // Who was stopped would not answer.
        terminal.type_in("\x03");
        terminal.shows("[INT]", 1);
        let runup = match is_first {
            true => child_of(terminal.pid()),
            false => terminal.pid(),
        };
        send(runup, [15]);
        assert_eq!(terminal.code(), 5, "{words:?}");
    }
}

#[test]
fn a_shell_can_stop_and_continue_the_job() {
    for option in OPTIONS {
        let mut terminal = Terminal::start(&["bash", "--norc", "--noprofile", "-i"]);
        terminal.shows("$ ", 1);
        let script = r#"trap "exit 6" INT; echo "[be""gun]"; read line; echo "<$line>"; while :; do sleep 0.02; done"#;
        terminal.type_in(&format!("runup -q {option} bash -c '{script}'\n"));
        terminal.shows("[begun]", 1);
        terminal.type_in("\x1a");
        terminal.shows("Stopped", 1);
        // The shell is there again; the job is stopped, runup and command.
        terminal.type_in("echo pid_$!_; kill -0 %1 && echo back''again\n");
        terminal.shows("backagain", 1);
        terminal.type_in("fg\n");
        terminal.type_in("hello\n");
        terminal.shows("<hello>", 1);
        terminal.type_in("\x03");
        terminal.type_in("echo code''_$?\n");
        terminal.shows("code_6", 1);
        terminal.type_in("exit\n");
        assert_eq!(terminal.code(), 0, "{option}");
    }
}

#[test]
fn a_job_in_the_background_that_wants_to_read_gets_the_terminal_by_fg() {
    for option in OPTIONS {
        let mut terminal = Terminal::start(&["bash", "--norc", "--noprofile", "-i"]);
        terminal.shows("$ ", 1);
        let script = r#"read line; echo "<$line>""#;
        terminal.type_in(&format!("runup -q {option} bash -c '{script}' &\n"));
        terminal.type_in("while ! jobs | grep -q Stopped; do sleep 0.05; done; echo stop''ped\n");
        terminal.shows("stopped", 1);
        terminal.type_in("fg\n");
        terminal.type_in("hello\n");
        terminal.shows("<hello>", 1);
        terminal.type_in("exit\n");
        assert_eq!(terminal.code(), 0, "{option}");
    }
}

#[test]
fn the_terminal_is_given_back() {
    // A shell without job control would not take it by itself.
    for option in OPTIONS {
        let script = format!(
            r#"runup -q {option} sh -c 'exit 3'; runup -q {option} ./missing; echo "[begun]"; read line; echo "<$line>""#
        );
        let mut terminal = Terminal::start(&["sh", "-c", &script]);
        terminal.shows("[begun]", 1);
        terminal.type_in("hello\n");
        terminal.shows("<hello>", 1);
        assert_eq!(terminal.code(), 0, "{option}");
    }
}

#[test]
fn a_pager_beside_runup_keeps_the_terminal() {
    let script =
        r#"runup -q --init sleep 0.3 | { echo "[begun]"; read line </dev/tty; echo "<$line>"; }"#;
    let mut terminal = Terminal::start(&["sh", "-c", script]);
    terminal.shows("[begun]", 1);
    terminal.type_in("hello\n");
    terminal.shows("<hello>", 1);
    assert_eq!(terminal.code(), 0);
}

#[test]
fn a_shell_below_runup_controls_its_jobs() {
    for (words, _) in ways() {
        let shell = ["bash", "--norc", "--noprofile", "-i"];
        let mut terminal = Terminal::start(&[&words[..], &shell].concat());
        terminal.shows("$ ", 1);
        // Until it runs, the key would be the shell's own.
        terminal.type_in("sh -c 'echo \"[be\"\"gun]\"; exec sleep 1000'\n");
        terminal.shows("[begun]", 1);
        terminal.type_in("\x1a");
        terminal.shows("Stopped", 1);
        terminal.type_in("kill %1; wait; echo be''low\n");
        terminal.shows("below", 1);
        terminal.type_in("exit 9\n");
        terminal.type_in("exit 9\n");
        assert_eq!(terminal.code(), 9, "{words:?}:\n{}", terminal.screen());
    }
}

#[test]
fn a_hangup_reaches_the_command() {
    for (mut words, _) in ways() {
        // The hangup ends unshare(1), too, which then may not kill whom it is for.
        words.retain(|word| *word != "--kill-child");
        let script = r#"trap 'echo hangup >"$HOME/told"; exit 5' HUP; echo "[begun]"; while :; do sleep 0.02; done"#;
        let mut terminal = Terminal::start(&[&words[..], &["bash", "-c", script]].concat());
        terminal.shows("[begun]", 1);
        terminal.hang_up();
        let told = terminal.home().join("told");
        assert!(soon(|| told.exists()), "{words:?}");
    }
}
