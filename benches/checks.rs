//! What many checks cost beside one: they run side by side, so that fifty take hardly longer.
//!
//! `cargo bench --bench checks` prints the medians. Where a variable names the program of a peer, its time to the first success
//! on the same port stands beside runup's: `WAIT_ON` (npm's wait-on), `WAIT_FOR_IT` (Debian's wait-for-it), `WAIT4X`.

#![allow(clippy::print_stdout, clippy::unwrap_used)]

use std::net::TcpListener;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

const RUNS: usize = 41;

fn once(command: &mut Command) -> Duration {
    let begin = Instant::now();
    let status = command
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status();
    assert!(status.unwrap().success(), "{command:?}");
    begin.elapsed()
}

fn median(mut times: Vec<Duration>) -> Duration {
    times.sort();
    times[times.len() / 2]
}

fn main() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    std::thread::spawn(move || for _ in listener.incoming() {});
    let url = format!("tcp://127.0.0.1:{port}");
    let runup = |count: usize| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_runup"));
        command.args(["--metadata", "off"]);
        for _ in 0..count {
            command.args(["--require", &url]);
        }
        command.arg("true");
        command
    };
    // In turns, so that whatever else the machine does falls on all of them.
    let mut times = [const { Vec::new() }; 3];
    for _ in 0..RUNS {
        for (times, count) in times.iter_mut().zip([1, 50, 200]) {
            times.push(once(&mut runup(count)));
        }
    }
    let [one, fifty, many] = times.map(median);
    let share = |time: Duration| time.div_duration_f64(one);
    println!("runup, 1 TCP check and `true`: {one:.2?}");
    println!(
        "runup, 50 TCP checks: {fifty:.2?}, {:.2} times as long",
        share(fifty)
    );
    println!(
        "runup, 200 TCP checks: {many:.2?}, {:.2} times as long",
        share(many)
    );
    let address = format!("127.0.0.1:{port}");
    let wait_on = format!("tcp:{address}");
    for (variable, arguments) in [
        ("WAIT_ON", &[wait_on.as_str()][..]),
        ("WAIT_FOR_IT", &[&address, "--quiet", "--", "true"]),
        ("WAIT4X", &["tcp", &address, "--quiet", "--", "true"]),
    ] {
        let Some(program) = std::env::var_os(variable) else {
            println!("{variable} is not set: left out");
            continue;
        };
        let times = (0..RUNS).map(|_| once(Command::new(&program).args(arguments)));
        let time = median(times.collect());
        println!(
            "{variable}, 1 TCP check: {time:.2?}, {:.1} times runup's",
            share(time)
        );
    }
}
