//! What many checks cost beside one: they run side by side, so that fifty take hardly longer where there is anything to wait
//! for. On loopback there is not, so that a proxy plays a network whose connections take 20 ms.
//!
//! `cargo bench --bench checks` prints the medians. Where a variable names the program of a peer, its time to the first success
//! on the same port stands beside runup's: `WAIT_ON` (npm's wait-on), `WAIT_FOR_IT` (Debian's wait-for-it), `WAIT4X`.

#![allow(clippy::print_stdout, clippy::unwrap_used)]

use std::net::{SocketAddr, TcpListener};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use tokio::io::{AsyncReadExt, AsyncWriteExt};

const RUNS: usize = 41;

/// What a connection through the proxy takes.
const DELAY: Duration = Duration::from_millis(20);

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

/// A proxy to which every connection takes [`DELAY`], and then is there.
fn slow_proxy() -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    listener.set_nonblocking(true).unwrap();
    std::thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .unwrap();
        runtime.block_on(async {
            let listener = tokio::net::TcpListener::from_std(listener).unwrap();
            loop {
                let (mut stream, _) = listener.accept().await.unwrap();
                tokio::spawn(async move {
                    let _ = stream.read(&mut [0; 1024]).await;
                    tokio::time::sleep(DELAY).await;
                    let _ = stream.write_all(b"HTTP/1.1 200 OK\r\n\r\n").await;
                });
            }
        })
    });
    address
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
    let far = format!("{url}#via=proxy");
    let proxy = slow_proxy();
    let runup = |count: usize, url: &str| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_runup"));
        command.env("HTTPS_PROXY", format!("http://{proxy}"));
        command.args(["--metadata", "off"]);
        for _ in 0..count {
            command.args(["--require", url]);
        }
        command.arg("true");
        command
    };
    // In turns, so that whatever else the machine does falls on all of them.
    let rows = [(&url, 1), (&url, 50), (&url, 200), (&far, 1), (&far, 50)];
    let mut times = rows.map(|_| Vec::new());
    for _ in 0..RUNS {
        for (times, (url, count)) in times.iter_mut().zip(rows) {
            times.push(once(&mut runup(count, url)));
        }
    }
    let [one, fifty, many, far_one, far_fifty] = times.map(median);
    let share = |time: Duration| time.div_duration_f64(one);
    println!("runup, 1 TCP check and `true`: {one:.2?}");
    for (count, time) in [(50, fifty), (200, many)] {
        println!(
            "runup, {count} TCP checks: {time:.2?}, {:.2} times as long",
            share(time)
        );
    }
    println!(
        "runup, over connections that take {} ms: 1 TCP check {far_one:.2?}, 50 {far_fifty:.2?}, {:.2} times as long",
        DELAY.as_millis(),
        far_fifty.div_duration_f64(far_one)
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
