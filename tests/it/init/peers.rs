//! What other inits do, beside runup, each as PID 1 of a namespace: the table in docs/init.md.
//!
//! `RUNUP_WRITE_DOCS=1 cargo test --test it peers` writes it anew; otherwise it is compared.

use std::fmt::Write as _;
use std::io::Write as _;
use std::path::Path;
use std::time::{Duration, Instant};
use std::{env, fs, io, thread};

use nix::sys::signal::{SigSet, SigmaskHow, Signal, kill};
use nix::unistd::{Pid, getpgid, getsid};

use super::{child_of, children, forwardable, is_stopped, send, status};
use crate::support::{Run, Running, bin, in_pid_namespace, init_of, is_permitted, soon};

/// The columns: a name, and the words before the command's. runup's are its own options.
const INITS: [(&str, &[&str]); 5] = [
    ("`runup`", &[]),
    ("`runup --init`", &["--init"]),
    ("tini", &["tini", "--"]),
    ("dumb-init", &["dumb-init", "--"]),
    ("catatonit", &["catatonit", "--"]),
];

/// What is looked at, and how.
type Row = (&'static str, fn(Init) -> String);

/// The rows.
const ROWS: [Row; 11] = [
    ("exit codes 0 to 255", exit_codes),
    ("the command kills itself by signal *n*: the code", killed),
    ("signals that a command gets that catches all", caught),
    ("SIGTERM to a command that does not catch it", |init| {
        fate(init, 15)
    }),
    ("SIGTSTP to such a command", |init| fate(init, 20)),
    ("SIGTTIN", |init| fate(init, 21)),
    ("SIGTTOU", |init| fate(init, 22)),
    ("orphans, and those of a double fork", orphans),
    ("signals that the command finds blocked", blocked),
    ("the same, where the caller blocks USR1", kept),
    ("group and session of the command", place),
];

const BEGIN: &str = "<!-- seen: begin; written by tests/it/init/peers.rs -->\n\n";
const END: &str = "\n<!-- seen: end -->";

/// One column.
#[derive(Clone, Copy)]
struct Init {
    words: &'static [&'static str],
    is_runup: bool,
}

impl Init {
    fn run<A: Into<std::ffi::OsString>>(self, command: impl IntoIterator<Item = A>) -> Run {
        let command = command.into_iter().map(Into::into);
        let words = self.words.iter().map(std::ffi::OsString::from);
        let run = match self.is_runup {
            true => Run::new().off().args(words).command(command),
            false => Run::new().alone().command(words.chain(command)),
        };
        in_pid_namespace(run)
            .unwrap()
            .called_by("ulimit -c 0")
            .any_code()
            .any_stdout()
            .any_stderr()
    }

    /// The exit code of a run of `script`.
    #[track_caller]
    fn code(self, script: &str) -> i32 {
        self.shell(script).run().status.code().unwrap()
    }

    fn shell(self, script: &str) -> Run {
        self.run(["sh", "-c", script])
    }

    /// The run, its PID 1 and the command, once it has begun.
    fn begun(self, script: &str) -> (Running, Pid, Pid) {
        let running = self.shell(script).start();
        running.says("begun");
        let first = init_of(&running);
        let command = match self.is_runup && self.words.is_empty() {
            true => first,
            false => child_of(first),
        };
        (running, first, command)
    }
}

#[test]
fn the_table_of_inits_is_what_is_seen() {
    if !is_permitted() {
        return;
    }
    let missing: Vec<_> = ["tini", "dumb-init", "catatonit"]
        .into_iter()
        .filter(|name| !Path::new(bin()).join(name).exists())
        .collect();
    let is_required = env::var_os("RUNUP_LAB").is_some_and(|value| value == "require");
    assert!(
        missing.is_empty() || !is_required,
        "{missing:?} is missing: `.ci/run` installs it"
    );
    let table = table(&missing);
    if !missing.is_empty() {
        let missing = missing.join(", ");
        let _ = writeln!(
            io::stderr(),
            "it: docs/init.md is not compared without {missing}"
        );
        return;
    }
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/init.md");
    let page = fs::read_to_string(&file).unwrap();
    let (before, rest) = page.split_once(BEGIN).expect("the page's mark");
    let (written, after) = rest.split_once(END).expect("the page's other mark");
    if env::var_os("RUNUP_WRITE_DOCS").is_some() {
        fs::write(file, [before, BEGIN, &table, END, after].concat()).unwrap();
        return;
    }
    assert_eq!(
        written, table,
        "`RUNUP_WRITE_DOCS=1 cargo test --test it peers` writes docs/init.md anew"
    );
}

/// The table, without the columns of those that are missing. What runup itself must do is asserted here.
fn table(missing: &[&str]) -> String {
    let inits: Vec<_> = INITS
        .iter()
        .filter(|(name, _)| !missing.contains(name))
        .collect();
    let columns: Vec<Vec<String>> = thread::scope(|scope| {
        let looking: Vec<_> = inits
            .iter()
            .map(|(name, words)| {
                let is_runup = name.contains("runup");
                let init = Init { words, is_runup };
                scope.spawn(move || ROWS.iter().map(|(_, look)| look(init)).collect())
            })
            .collect();
        looking
            .into_iter()
            .map(|column| column.join().unwrap())
            .collect()
    });
    assert_eq!(columns[0][0], "kept");
    assert_eq!(
        columns[1],
        [
            "kept",
            "128 + *n*",
            "all",
            "ends it, 143",
            "does nothing",
            "does nothing",
            "does nothing",
            "reaped",
            "none",
            "USR1",
            "PID 1's own",
        ]
    );
    let mut table = String::new();
    let names: Vec<_> = inits.iter().map(|(name, _)| *name).collect();
    writeln!(table, "| as PID 1 | {} |", names.join(" | ")).unwrap();
    writeln!(table, "|{}", " --- |".repeat(names.len() + 1)).unwrap();
    for (number, (name, _)) in ROWS.iter().enumerate() {
        let cells: Vec<_> = columns
            .iter()
            .map(|column| column[number].as_str())
            .collect();
        writeln!(table, "| {name} | {} |", cells.join(" | ")).unwrap();
    }
    table
}

fn exit_codes(init: Init) -> String {
    // In one shell: a start of 256 runs, one by one, would be most of the time.
    let script = r#"code=0
        while [ $code -le 255 ]; do
          unshare --pid --fork "$@" sh -c "exit $code" 2>/dev/null
          [ $? = $code ] || printf '%s ' $code
          code=$((code + 1))
        done
        echo all tried"#;
    let runup = [env!("CARGO_BIN_EXE_runup"), "--metadata", "off"];
    let runup = if init.is_runup { &runup[..] } else { &[] };
    let words = [&["sh", "-c", script, "sh"], runup, init.words].concat();
    let done = Run::new().alone().command(words).any_stdout().run();
    match done.text().trim_end().strip_suffix("all tried").unwrap() {
        "" => "kept".to_owned(),
        lost => format!("not {}", lost.trim_end()),
    }
}

fn killed(init: Init) -> String {
    let codes: Vec<_> = [1, 3, 6, 9, 10, 11, 13, 14, 15, 34, 64]
        .into_iter()
        .map(|number| {
            let code = init.code(&format!("kill -{number} $$; exit 99"));
            (number, code)
        })
        .collect();
    match codes {
        codes if codes.iter().all(|(number, code)| *code == 128 + number) => "128 + *n*".to_owned(),
        codes if codes.iter().all(|(_, code)| *code == 99) => "it goes on".to_owned(),
        codes => codes
            .iter()
            .filter(|(number, code)| *code != 128 + number)
            .map(|(number, code)| format!("{number}: {code}"))
            .collect::<Vec<_>>()
            .join(", "),
    }
}

/// A command that tells of signals, and ends on SIGTERM.
fn tell(numbers: impl IntoIterator<Item = i32>) -> String {
    super::tell(numbers)[2].clone()
}

fn caught(init: Init) -> String {
    // SIGTERM ends it, SIGCHLD is its own children's, and SIGCONT and stops undo each other while they wait.
    let apart = [20, 21, 22, 18];
    let together: Vec<_> = forwardable()
        .filter(|number| ![10, 15, 17].contains(number) && !apart.contains(number))
        .collect();
    let all = || together.iter().chain(&apart).copied();
    let (running, first, command) = init.begun(&tell(all().chain([10])));
    let mut stopping = Vec::new();
    let mut count = 0;
    for batch in [together.clone()]
        .into_iter()
        .chain(apart.map(|one| vec![one]))
    {
        send(first, batch.iter().copied());
        // A sign of its own after the others, three times: what was sent before the first is through at the third.
        for _ in 0..3 {
            count += 1;
            send(first, [10]);
            assert!(soon(|| signs(&running) >= count || has_stopped(command)));
            if signs(&running) < count {
                stopping.extend(&batch);
                send(first, [18]);
                assert!(soon(|| signs(&running) >= count), "{}", running.said());
            }
        }
    }
    send(first, [15]);
    let done = running.finish();
    let lost: Vec<_> = all()
        .filter(|number| !stopping.contains(number))
        .filter(|number| !done.text().contains(&format!("got {number}.\n")))
        .collect();
    let mut told = match lost[..] {
        [] => "all".to_owned(),
        _ => format!("all but {}", names(&lost)),
    };
    if !stopping.is_empty() {
        write!(told, "; {} stop it", names(&stopping)).unwrap();
    }
    told
}

/// Whether a command is stopped, or what it waits for in vfork(2).
fn has_stopped(command: Pid) -> bool {
    is_stopped(command) || children(command).into_iter().any(is_stopped)
}

/// How often the command has told of SIGUSR1.
fn signs(running: &Running) -> usize {
    running.said().matches("got 10.\n").count()
}

/// The signals' names, real-time ones as a range.
fn names(numbers: &[i32]) -> String {
    let (real_time, named): (Vec<i32>, Vec<i32>) =
        numbers.iter().partition(|number| **number >= 34);
    let mut names: Vec<String> = named
        .into_iter()
        .map(|number| Signal::try_from(number).unwrap().as_str()[3..].to_owned())
        .collect();
    names.sort();
    if let [least, .., most] = real_time[..] {
        names.push(format!("{least} to {most}"));
    }
    names.join(", ")
}

/// What becomes of a command that does nothing about a signal that PID 1 gets.
fn fate(init: Init, number: i32) -> String {
    let (running, first, command) = init.begun(&tell([10]).replace("trap 'exit 7' TERM", ""));
    send(first, [number]);
    let mut fate = "does nothing";
    // As in `caught`.
    for count in 1..=3 {
        let _ = kill(first, Signal::SIGUSR1);
        let is_through = soon(|| {
            if has_stopped(command) {
                fate = "stops it";
            } else if status(command, "State").is_none_or(|state| state.starts_with('Z')) {
                fate = "ends it, 143";
            }
            fate != "does nothing" || signs(&running) >= count
        });
        assert!(
            is_through,
            "{:?}, {number}: {}\nPID 1 {:?}, command {:?}",
            init.words,
            running.said(),
            status(first, "State"),
            status(command, "State")
        );
    }
    match fate {
        "ends it, 143" => assert_eq!(running.finish().status.code(), Some(143)),
        _ => end(running, first),
    }
    fate.to_owned()
}

fn orphans(init: Init) -> String {
    // What is no shell waits for no child that it does not know.
    let script = r#"(sleep 0.2 &); (sh -c 'sleep 0.2 &' &); echo begun; exec sleep 1000"#;
    let (running, first, command) = init.begun(script);
    let orphans = || children(first).into_iter().filter(|pid| *pid != command);
    let are_dead =
        || orphans().all(|pid| status(pid, "State").is_none_or(|state| state.starts_with('Z')));
    assert!(soon(are_dead));
    // Nobody who reaps them at all takes a second for it.
    let end_of_patience = Instant::now() + Duration::from_secs(1);
    let mut are_reaped = false;
    while !are_reaped && Instant::now() < end_of_patience {
        thread::sleep(Duration::from_millis(20));
        are_reaped = orphans().next().is_none();
    }
    end(running, first);
    match are_reaped {
        true => "reaped".to_owned(),
        false => "stay as zombies".to_owned(),
    }
}

fn blocked(init: Init) -> String {
    let done = init.run(["cat", "/proc/self/status"]).run();
    let line = done
        .text()
        .lines()
        .find_map(|line| line.strip_prefix("SigBlk:"));
    let blocked = u64::from_str_radix(line.unwrap().trim(), 16).unwrap();
    let blocked: Vec<_> = forwardable()
        .filter(|number| blocked & (1 << (number - 1)) != 0)
        .collect();
    match blocked[..] {
        [] => "none".to_owned(),
        _ => names(&blocked),
    }
}

fn kept(init: Init) -> String {
    let set: SigSet = [Signal::SIGUSR1].into_iter().collect();
    // This thread's mask is that of the processes it starts.
    let before = set.thread_swap_mask(SigmaskHow::SIG_BLOCK).unwrap();
    let found = blocked(init);
    before.thread_set_mask().unwrap();
    found
}

fn place(init: Init) -> String {
    let (running, first, command) = init.begun("echo begun; exec sleep 1000");
    let same = |of: fn(Option<Pid>) -> nix::Result<Pid>| of(Some(first)) == of(Some(command));
    let place = match (same(getpgid), same(getsid)) {
        (true, true) => "PID 1's own",
        (false, true) => "a group of its own",
        (_, false) => "a session of its own",
    };
    end(running, first);
    place.to_owned()
}

/// Ends all that is in the namespace.
fn end(running: Running, first: Pid) {
    kill(first, Signal::SIGKILL).unwrap();
    running.finish();
}
