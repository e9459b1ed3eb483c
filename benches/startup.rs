//! How long runup takes before the command starts, and how much memory, beside what else could stand there.
//!
//! `cargo bench --bench startup`. The metadata server is `runup emulate`. Every figure holds for this machine and this
//! minute only; what counts are the ratios within one table, whose rows were run in turn. docs/performance.md says how to
//! read it.

use std::error::Error;
use std::ffi::OsString;
use std::fs;
use std::io::{self, BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use nix::sys::resource::{UsageWho, getrusage};

/// How often each row of the first table is run, and of the second, where the script takes its time.
const ROUNDS: usize = 400;
const ROUNDS_WITH_SCRIPT: usize = 100;

/// How often each row is run for its memory.
const WEIGHINGS: usize = 20;

/// The aims.
const TIMES_TINI: f64 = 1.25;
const TIMES_FASTER_THAN_SCRIPT: f64 = 10.0;
const PEAK_MIB: f64 = 6.0;
const BINARY_BYTES: u64 = 5_000_000;

/// What many an image has in place of runup: a token by curl and jq, and then the command.
const SCRIPT: &str = r#"set -eu
ACCESS_TOKEN=$(curl -fsS -H 'Metadata-Flavor: Google' \
  "http://$GCE_METADATA_HOST/computeMetadata/v1/instance/service-accounts/default/token" | jq -er .access_token)
export ACCESS_TOKEN
exec "$@""#;

/// The word that makes this program weigh a command instead: it is small, and a child's peak memory counts from its
/// parent's at the moment of exec.
const WEIGH: &str = "weigh";

/// A row of the table.
struct Row {
    name: &'static str,
    words: Vec<OsString>,
    times: Vec<Duration>,
    peak_kib: i64,
}

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<OsString> = std::env::args_os().skip(1).collect();
    if let Some((word, command)) = arguments.split_first()
        && word == WEIGH
    {
        return weigh(command);
    }

    let runup = runup()?;
    let home = tempfile::tempdir()?;
    let server = Server::start(&runup)?;
    let stage = Stage {
        metadata: &server.address,
        home: home.path(),
    };
    let mut out = io::stdout().lock();
    let own = || {
        let mut row = Row::new("runup /bin/true", &["", "/bin/true"]);
        row.words[0] = runup.clone().into();
        row
    };
    let bare = Row::new("/bin/true", &["/bin/true"]);
    let tini = Row::new("tini -s -- /bin/true", &["tini", "-s", "--", "/bin/true"]);
    let script = Row::new(
        "sh: curl, jq, /bin/true",
        &["sh", "-c", SCRIPT, "script", "/bin/true"],
    );

    let mut warm = vec![own(), bare];
    if has(&["tini"], &tini, &mut out)? {
        warm.push(tini);
    }
    stage.measure(&mut warm, ROUNDS)?;
    table(&warm, ROUNDS, &mut out)?;
    // By itself, since after curl and jq the processor's caches hold nothing of runup: so does a container start.
    let mut cold = vec![own()];
    if has(&["curl", "jq"], &script, &mut out)? {
        cold.push(script);
        stage.measure(&mut cold, ROUNDS_WITH_SCRIPT)?;
        table(&cold, ROUNDS_WITH_SCRIPT, &mut out)?;
    }
    aims(&warm, &cold, fs::metadata(&runup)?.len(), &mut out)?;
    Ok(())
}

/// The binary that RUNUP_BIN names, else that of `cargo static`, built now.
fn runup() -> Result<PathBuf, Box<dyn Error>> {
    if let Some(path) = std::env::var_os("RUNUP_BIN") {
        return Ok(fs::canonicalize(path)?);
    }
    let built = Command::new(env!("CARGO"))
        .args(["static", "--locked", "--bin=runup"])
        .arg("--message-format=json-render-diagnostics")
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .stderr(Stdio::inherit())
        .output()?;
    let messages = String::from_utf8(built.stdout)?;
    let executable = messages
        .lines()
        .filter_map(|line| serde_json::from_str::<serde_json::Value>(line).ok())
        .find_map(|message| Some(message.get("executable")?.as_str()?.into()));
    executable.ok_or_else(|| "`cargo static` made no binary: see above".into())
}

/// The emulator, as a process that ends with this one.
struct Server {
    process: Child,
    address: String,
}

impl Server {
    fn start(runup: &Path) -> Result<Self, Box<dyn Error>> {
        let process = Command::new(runup)
            .arg("emulate")
            .env_clear()
            .stderr(Stdio::piped())
            .spawn()?;
        let address = String::new();
        let mut server = Self { process, address };
        let stderr = server.process.stderr.take().ok_or("no stderr")?;
        let mut line = String::new();
        BufReader::new(stderr).read_line(&mut line)?;
        server.address = line
            .split_whitespace()
            .find_map(|word| word.strip_prefix("GCE_METADATA_HOST="))
            .ok_or_else(|| format!("the emulator says `{}`", line.trim()))?
            .to_owned();
        Ok(server)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// Whether this machine has the `programs` that `row` needs; the first that it lacks is named.
fn has(programs: &[&str], row: &Row, out: &mut impl Write) -> io::Result<bool> {
    match programs.iter().find(|program| !is_on_path(program)) {
        Some(missing) => {
            writeln!(out, "left out, `{missing}` is missing: {}", row.name)?;
            Ok(false)
        }
        None => Ok(true),
    }
}

fn is_on_path(program: &str) -> bool {
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path).any(|directory| directory.join(program).is_file())
}

/// Where the rows run: all with the same few variables.
struct Stage<'a> {
    metadata: &'a str,
    home: &'a Path,
}

impl Stage<'_> {
    fn command(&self, words: &[OsString]) -> Command {
        let mut command = Command::new(&words[0]);
        command
            .args(&words[1..])
            .env_clear()
            .env("PATH", std::env::var_os("PATH").unwrap_or_default())
            .env("HOME", self.home)
            .env("GCE_METADATA_HOST", self.metadata)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null());
        command
    }

    /// Runs `rows` in turn, and weighs them.
    fn measure(&self, rows: &mut [Row], rounds: usize) -> Result<(), Box<dyn Error>> {
        for row in rows.iter_mut() {
            self.run(&row.words)?;
            row.peak_kib = self.weighed(&row.words)?;
        }
        for _ in 0..rounds {
            for row in rows.iter_mut() {
                row.times.push(self.run(&row.words)?);
            }
        }
        for row in rows {
            row.times.sort_unstable();
        }
        Ok(())
    }

    /// One run: from posix_spawn(3), which std uses here, until the process is reaped.
    fn run(&self, words: &[OsString]) -> Result<Duration, Box<dyn Error>> {
        let mut command = self.command(words);
        let begin = Instant::now();
        let status = command.status()?;
        let took = begin.elapsed();
        match status.success() {
            true => Ok(took),
            false => Err(format!("{words:?}: {status}").into()),
        }
    }

    /// The highest peak memory of a few runs, in KiB.
    fn weighed(&self, words: &[OsString]) -> Result<i64, Box<dyn Error>> {
        let mut with_helper = vec![std::env::current_exe()?.into(), WEIGH.into()];
        with_helper.extend_from_slice(words);
        let told = self.command(&with_helper).stdout(Stdio::piped()).output()?;
        Ok(String::from_utf8(told.stdout)?.trim().parse()?)
    }
}

/// Runs `command` and tells the peak memory of the biggest process among it and its children.
fn weigh(command: &[OsString]) -> Result<(), Box<dyn Error>> {
    for _ in 0..WEIGHINGS {
        let status = Command::new(&command[0])
            .args(&command[1..])
            .stdout(Stdio::null())
            .status()?;
        if !status.success() {
            return Err(status.to_string().into());
        }
    }
    let peak = getrusage(UsageWho::RUSAGE_CHILDREN)?.max_rss();
    writeln!(io::stdout(), "{peak}")?;
    Ok(())
}

impl Row {
    fn new(name: &'static str, words: &[&str]) -> Self {
        Self {
            name,
            words: words.iter().map(OsString::from).collect(),
            times: Vec::new(),
            peak_kib: 0,
        }
    }

    fn median(&self) -> f64 {
        self.times[self.times.len() / 2].as_secs_f64() * 1e3
    }

    fn least(&self) -> f64 {
        self.times[0].as_secs_f64() * 1e3
    }

    /// How many times as long as `other` it takes: by the medians, and by the least.
    fn ratios(&self, other: &Self) -> [f64; 2] {
        [self.median() / other.median(), self.least() / other.least()]
    }

    fn peak_mib(&self) -> f64 {
        self.peak_kib as f64 / 1024.0
    }
}

/// One table; every time as a multiple of the last row's, which is the peer.
fn table(rows: &[Row], rounds: usize, out: &mut impl Write) -> io::Result<()> {
    let Some(peer) = rows.last() else {
        return Ok(());
    };
    writeln!(
        out,
        "\n{rounds} runs of each in turn, posix_spawn to wait\n"
    )?;
    writeln!(
        out,
        "{:<24} {:>8} {:>7} {:>8} {:>7} {:>9}",
        "", "p50 ms", "ratio", "min ms", "ratio", "peak MiB"
    )?;
    for row in rows {
        let (median, least, peak) = (row.median(), row.least(), row.peak_mib());
        let [by_median, by_least] = row.ratios(peer);
        let name = row.name;
        writeln!(
            out,
            "{name:<24} {median:>8.2} {by_median:>7.2} {least:>8.2} {by_least:>7.2} {peak:>9.1}"
        )?;
    }
    Ok(())
}

/// Whether the aims are met, each by the worse of its two ratios.
fn aims(warm: &[Row], cold: &[Row], bytes: u64, out: &mut impl Write) -> io::Result<()> {
    writeln!(out)?;
    let mut say = |aim: String, is: String, met: bool| {
        let verdict = if met { "met" } else { "NOT met" };
        writeln!(out, "{aim:<40} {is:>10}   {verdict}")
    };
    if let [own, .., tini] = warm
        && tini.name.starts_with("tini")
    {
        let [by_median, by_least] = own.ratios(tini);
        let ratio = by_median.max(by_least);
        let aim = format!("time, at most {TIMES_TINI} x tini");
        say(aim, format!("{ratio:.2}"), ratio <= TIMES_TINI)?;
    }
    if let [own, script] = cold {
        let [by_median, by_least] = script.ratios(own);
        let ratio = by_median.min(by_least);
        let aim = format!("at least {TIMES_FASTER_THAN_SCRIPT} x faster than the script");
        let met = ratio >= TIMES_FASTER_THAN_SCRIPT;
        say(aim, format!("{ratio:.1}"), met)?;
    }
    let peak = warm[0].peak_mib();
    let aim = format!("peak memory below {PEAK_MIB} MiB");
    say(aim, format!("{peak:.1}"), peak < PEAK_MIB)?;
    let aim = format!("binary below {BINARY_BYTES} bytes");
    say(aim, bytes.to_string(), bytes < BINARY_BYTES)
}
