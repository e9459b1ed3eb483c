//! `--require` and `--want` of hosts.

use std::net::SocketAddr;
use std::thread;
use std::time::{Duration, Instant};

use tokio::net::TcpSocket;

use crate::support::{Answer, Fake, READY, Run, http};

/// A port on loopback that refuses until it is opened, and that nobody else gets meanwhile.
struct Port {
    runtime: tokio::runtime::Runtime,
    socket: TcpSocket,
    address: SocketAddr,
}

impl Port {
    fn closed() -> Self {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .unwrap();
        let socket = TcpSocket::new_v4().unwrap();
        socket.bind(([127, 0, 0, 1], 0).into()).unwrap();
        let address = socket.local_addr().unwrap();
        Self {
            runtime,
            socket,
            address,
        }
    }

    fn url(&self, scheme: &str) -> String {
        format!("{scheme}://{}", self.address)
    }

    /// Listens; the kernel accepts.
    fn open(self) -> impl Drop {
        let guard = self.runtime.enter();
        let listener = self.socket.listen(16).unwrap();
        drop(guard);
        Open {
            _listener: listener,
            _runtime: self.runtime,
        }
    }
}

struct Open {
    _listener: tokio::net::TcpListener,
    _runtime: tokio::runtime::Runtime,
}

impl Drop for Open {
    fn drop(&mut self) {}
}

fn url(fake: &Fake) -> String {
    format!("http://{}/", fake.address())
}

#[test]
fn an_open_port_passes() {
    let port = Port::closed();
    let url = port.url("tcp");
    let _open = port.open();
    Run::new()
        .emulator()
        .args(["--require", &url])
        .command(["true"])
        .stderr("runup: ready in [..], project emulated, 1 host, [..]\n")
        .run();
}

#[test]
fn a_late_port_is_waited_for() {
    let port = Port::closed();
    let running = Run::new()
        .off()
        .args(["--require", &port.url("tcp"), "--backoff-max", "200ms"])
        .shell("echo started")
        .stdout("started\n")
        .stderr(format!("...\n{READY}"))
        .start();
    thread::sleep(Duration::from_millis(500));
    let _open = port.open();
    running.finish();
}

#[test]
fn a_port_that_stays_closed_is_69_at_the_deadline() {
    let port = Port::closed();
    let url = port.url("tcp");
    let done = Run::new()
        .off()
        .args(["--require", &url, "--timeout", "1s"])
        .command(["true"])
        .code(69)
        .stderr(format!(
            "...\nrunup: {url}: refused the connection\n  saw    {0} (loopback): connection refused ([..] attempts)\n...\n  code   endpoint/refused (runup explain endpoint/refused)\nrunup: did not start `true`: 1 required check failed, exit 69\n",
            port.address
        ))
        .run();
    assert!(done.took < Duration::from_secs(6), "{:?}", done.took);
}

#[test]
fn what_is_only_wanted_warns() {
    let port = Port::closed();
    let url = port.url("tcp");
    Run::new()
        .off()
        .args(["--want", &url, "--timeout", "500ms"])
        .shell("exit 4")
        .code(4)
        .stderr(format!(
            "runup: warning: {url}: refused the connection\n...\n  code   endpoint/refused (runup explain endpoint/refused)\n{READY}"
        ))
        .run();
}

#[test]
fn a_status_below_500_passes() {
    for status in [
        "200 OK",
        "302 Found",
        "401 Unauthorized",
        "403 Forbidden",
        "404 Not Found",
    ] {
        let fake = Fake::new([http(status)]);
        Run::new()
            .off()
            .args(["--require", &url(&fake)])
            .command(["true"])
            .run();
        assert_eq!(fake.asked().len(), 1, "{status}");
    }
}

#[test]
fn a_status_from_500_is_waited_for() {
    let fake = Fake::new([
        http("503 Service Unavailable"),
        http("500 Oh"),
        http("200 OK"),
    ]);
    Run::new()
        .off()
        .args(["--require", &url(&fake), "--backoff-max", "50ms"])
        .command(["true"])
        .run();
    assert_eq!(fake.asked().len(), 3);

    let fake = Fake::new([http("503 Service Unavailable").header("Server", "nexus")]);
    Run::new()
        .off()
        .args(["--require", &url(&fake), "--timeout", "1s"])
        .command(["true"])
        .code(69)
        .stderr(format!(
            "...\nrunup: {0}: answered 503\n  saw    503 to GET {0}; Server: nexus ([..] attempts)\n...\n  code   endpoint/status (runup explain endpoint/status)\nrunup: did not start [..]\n",
            url(&fake)
        ))
        .run();
    assert!(fake.asked().len() > 1);
}

#[test]
fn path_and_query_are_asked_for_as_written() {
    let fake = Fake::new([http("200 OK")]);
    let url = format!("http://{}/service/rest/v1/status?a=b,c%20d", fake.address());
    Run::new()
        .off()
        .args(["--require", &url])
        .command(["true"])
        .run();
    assert_eq!(fake.asked()[0].path, "/service/rest/v1/status?a=b,c%20d");
}

#[test]
fn the_checks_run_side_by_side() {
    // Three hosts, each of which needs a second: one after the other they would not be done in time.
    let late = || {
        let wait = http("503 Service Unavailable").header("Retry-After", "1");
        Fake::new([wait, http("200 OK")])
    };
    let fakes: Vec<Fake> = (0..8).map(|_| late()).collect();
    let mut run = Run::new().off().args(["--timeout", "7s"]);
    for fake in &fakes {
        run = run.args(["--require", &url(fake)]);
    }
    run.command(["true"]).stderr(format!("...\n{READY}")).run();
    for fake in &fakes {
        assert_eq!(fake.asked().len(), 2);
    }
}

#[test]
fn findings_stand_in_the_order_of_the_checks() {
    // The second fails long before the first.
    let slow = Fake::new([Answer::Hang]);
    let refused = Port::closed();
    let done = Run::new()
        .off()
        .args(["--require", &url(&slow), "--require", &refused.url("tcp")])
        .args(["--timeout", "1s", "--log-format", "json"])
        .command(["true"])
        .code(69)
        .any_stderr()
        .run();
    assert_eq!(done.codes(), ["endpoint/no-answer", "endpoint/refused"]);
}

#[test]
fn what_does_not_heal_ends_the_wait_for_the_others() {
    let port = Port::closed();
    let begin = Instant::now();
    let done = Run::new()
        .off()
        .args([
            "--require",
            &port.url("tcp"),
            "--require-variable",
            "MISSING",
        ])
        .args(["--timeout", "50s", "--log-format", "json"])
        .command(["true"])
        .code(78)
        .any_stderr()
        .run();
    assert!(begin.elapsed() < Duration::from_secs(40));
    let mut codes = done.codes();
    codes.sort();
    assert_eq!(codes, ["endpoint/refused", "variable/missing"]);
}

#[test]
fn what_does_not_heal_but_is_only_wanted_ends_nothing() {
    let tls = Fake::new([http("400 Bad Request")]);
    let late = Fake::new([
        http("503 Service Unavailable"),
        http("503 Oh"),
        http("200 OK"),
    ]);
    Run::new()
        .off()
        .args(["--want", &format!("tls://{}", tls.address())])
        .args(["--require", &url(&late), "--backoff-max", "50ms"])
        .args(["--timeout", "10s"])
        .command(["true"])
        .stderr(format!("...\nrunup: warning: tls://[..]\n...\n{READY}"))
        .run();
    assert_eq!(late.asked().len(), 3);
}

#[test]
fn a_plain_port_is_no_tls() {
    let fake = Fake::new([http("400 Bad Request")]);
    // Speaks first, and in no protocol of TLS.
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let mut stream = stream;
            let _ = std::io::Write::write_all(&mut stream, b"220 mail.corp.example ESMTP\r\n");
            let _ = std::io::copy(&mut stream, &mut std::io::sink());
        }
    });
    for scheme in ["tls", "https"] {
        Run::new()
            .off()
            .args([
                "--require",
                &format!("{scheme}://{address}"),
                "--timeout",
                "20s",
            ])
            .command(["true"])
            .code(69)
            .stderr("...\n  code   tls/handshake (runup explain tls/handshake)\nrunup: did not start [..]\n")
            .run();
    }
    Run::new()
        .off()
        .args([
            "--require",
            &format!("http://{address}"),
            "--timeout",
            "20s",
        ])
        .command(["true"])
        .code(69)
        .stderr("...\n  code   endpoint/not-http (runup explain endpoint/not-http)\nrunup: did not start [..]\n")
        .run();
    drop(fake);
}

#[test]
fn a_required_variable_must_hold_something() {
    for run in [Run::new(), Run::new().env("COMPONENT", "")] {
        run.off()
            .args(["--require-variable", "COMPONENT"])
            .command(["true"])
            .code(78)
            .stderr("runup: variable `COMPONENT`: is not set, or empty\n...\n  code   variable/missing (runup explain variable/missing)\nrunup: did not start [..]\n")
            .run();
    }
    Run::new()
        .off()
        .env("COMPONENT", "x")
        .args(["--require-variable", "COMPONENT"])
        .command(["true"])
        .run();
}

#[test]
fn a_plain_request_takes_the_proxy_that_the_command_would_take() {
    let proxy = Fake::new([http("200 OK")]);
    Run::new()
        .off()
        .env("http_proxy", format!("http://{}", proxy.address()))
        .env("https_proxy", format!("http://{}", proxy.address()))
        .args(["--require", "http://nexus.corp.example/status"])
        .command(["true"])
        .run();
    assert_eq!(proxy.asked()[0].path, "http://nexus.corp.example/status");
}

#[test]
fn a_proxy_that_refuses_the_tunnel_is_told_apart_from_the_host() {
    for (status, code, exit) in [
        ("403 Forbidden", "proxy/denied", 77),
        (
            "407 Proxy Authentication Required",
            "proxy/authentication",
            77,
        ),
        ("503 Service Unavailable", "proxy/cannot-reach", 69),
    ] {
        let proxy = Fake::new([http(status).header("Server", "squid/5.7")]);
        let done = Run::new()
            .off()
            .env("http_proxy", format!("http://{}", proxy.address()))
            .env("https_proxy", format!("http://{}", proxy.address()))
            .args([
                "--require",
                "https://github.corp.example/",
                "--timeout",
                "1s",
            ])
            .args(["--log-format", "json"])
            .command(["true"])
            .code(exit)
            .any_stderr()
            .run();
        assert_eq!(done.codes(), [code], "{}", done.stderr);
        assert_eq!(proxy.asked()[0].path, "github.corp.example:443");
    }
}

#[test]
fn several_hosts_in_one_variable_are_checked_in_their_order() {
    let fake = Fake::new([http("404 Not Found")]);
    let refused = Port::closed().url("tcp");
    let done = Run::new()
        .off()
        .env(
            "RUNUP_REQUIRE",
            format!("  {refused}#attempts=1\n\t{0} {0}#expect=200", url(&fake)),
        )
        .args(["--log-format", "json"])
        .command(["true"])
        .code(69)
        .any_stderr()
        .run();
    assert_eq!(done.codes(), ["endpoint/refused", "endpoint/status"]);
    let entries = done.entries();
    let checks = entries.last().unwrap()["checks"]
        .as_array()
        .unwrap()
        .clone();
    let names: Vec<_> = checks.iter().map(|check| &check["name"]).collect();
    let first = url(&fake);
    assert_eq!(names[names.len() - 3..], [&refused, &first, &first]);
}

#[test]
fn two_hundred_checks_take_as_long_as_the_slowest_and_stand_in_their_order() {
    let open = Port::closed();
    let address = open.address;
    let _open = open.open();
    let busy = http("503 Service Unavailable").header("Retry-After", "1");
    let slow = Fake::new([busy, http("200 OK")]);
    let urls: Vec<String> = (0..200)
        .map(|number| match number {
            77 => url(&slow),
            // Another spelling of loopback for each, so that their order shows.
            number => format!("tcp://127.0.0.{}:{}", number + 2, address.port()),
        })
        .collect();
    // Those on other addresses refuse: they listen on 127.0.0.1 alone.
    let done = Run::new()
        .off()
        .env("RUNUP_WANT", urls.join("#attempts=2\n") + "#attempts=2")
        .args(["--log-format", "json", "--timeout", "50s"])
        .command(["true"])
        .any_stderr()
        .run();
    let entries = done.entries();
    let checks = entries.last().unwrap()["checks"]
        .as_array()
        .unwrap()
        .clone();
    let names: Vec<_> = checks
        .iter()
        .filter_map(|check| check["name"].as_str())
        .filter(|name| name.contains("://"))
        .collect();
    assert_eq!(names, urls);
    assert_eq!(
        done.codes()
            .iter()
            .filter(|code| *code == "endpoint/refused")
            .count(),
        199
    );
    assert!(done.took < Duration::from_secs(20), "{:?}", done.took);
}

#[test]
fn the_fragment_has_a_time_and_a_way_of_its_own() {
    // A host that hangs is left to after its own time, not after that of all.
    let hanging = Fake::new([Answer::Hang]);
    let done = Run::new()
        .off()
        .args([
            "--require",
            &format!("{}#timeout=300ms&attempts=2", url(&hanging)),
        ])
        .args(["--attempt-timeout", "40s", "--timeout", "50s"])
        .command(["true"])
        .code(69)
        .stderr("...\n  code   endpoint/no-answer (runup explain endpoint/no-answer)\n...\n")
        .run();
    assert_eq!(hanging.asked().len(), 2);
    assert!(done.took < Duration::from_secs(20), "{:?}", done.took);

    // Each way, against what the environment says.
    let ways = [
        ("via=direct", "nobody.example", [0, 1]),
        ("via=proxy", "127.0.0.1", [1, 0]),
    ];
    for (via, bypass, asked) in ways {
        let (proxy, host) = (Fake::new([http("200 OK")]), Fake::new([http("200 OK")]));
        Run::new()
            .off()
            .args(["--proxy", "keep"])
            .env("http_proxy", format!("http://{}", proxy.address()))
            .env("no_proxy", bypass)
            .args(["--require", &format!("{}#{via}", url(&host))])
            .command(["true"])
            .any_stderr()
            .run();
        assert_eq!([proxy.asked().len(), host.asked().len()], asked, "{via}");
    }
    // There is no proxy to go by.
    Run::new()
        .off()
        .args(["--require", &format!("{}#via=proxy", url(&hanging))])
        .command(["true"])
        .code(78)
        .stderr("...\n  code   proxy/none (runup explain proxy/none)\n...\n")
        .run();
}

#[test]
fn what_the_host_says_through_the_proxy_is_not_the_proxys_word() {
    for (answer, code) in [
        (http("503 Service Unavailable"), "endpoint/status"),
        (
            http("503 Service Unavailable").header("X-Squid-Error", "ERR_DNS_FAIL 0"),
            "proxy/cannot-reach",
        ),
        (
            http("502 Bad Gateway").header("Proxy-Status", "proxy; error=dns_error"),
            "proxy/cannot-reach",
        ),
    ] {
        let proxy = Fake::new([answer]);
        let done = Run::new()
            .off()
            .env("http_proxy", format!("http://{}", proxy.address()))
            .args(["--require", "http://nexus.corp.example/#attempts=1"])
            .args(["--log-format", "json"])
            .command(["true"])
            .code(69)
            .any_stderr()
            .run();
        assert!(done.codes().contains(&code.to_owned()), "{}", done.stderr);
    }
}
