//! A server on loopback that answers by a script: a metadata server in all its moods, or what stands in its place.

use std::collections::VecDeque;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, LazyLock, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use runup::metadata::emulator::{Emulator, Identity};

use super::run::soon;

/// The answer to one request.
#[derive(Clone)]
pub(crate) enum Answer {
    /// What the library's emulator says.
    Healthy,
    /// These bytes, then the end of the connection.
    Bytes(Vec<u8>),
    /// The same, one at a time, with pauses.
    Trickle(Vec<u8>),
    /// Nothing, while the client waits.
    Hang,
    /// A reset connection.
    Reset,
}

/// An HTTP answer in the making.
#[derive(Clone)]
pub(crate) struct Http {
    head: String,
    body: String,
}

/// An answer with `status`, such as `503 Service Unavailable`.
pub(crate) fn http(status: &str) -> Http {
    Http {
        head: format!("HTTP/1.1 {status}\r\n"),
        body: String::new(),
    }
}

impl Http {
    pub(crate) fn header(mut self, name: &str, value: &str) -> Self {
        self.head.push_str(&format!("{name}: {value}\r\n"));
        self
    }

    /// With the mark of Google's metadata server.
    pub(crate) fn google(self) -> Self {
        self.header("Metadata-Flavor", "Google")
            .header("Server", "Metadata Server for VM")
    }

    pub(crate) fn body(mut self, body: impl Into<String>) -> Self {
        self.body = body.into();
        self
    }

    pub(crate) fn bytes(self) -> Vec<u8> {
        let Self { head, body } = self;
        let length = body.len();
        format!("{head}Content-Length: {length}\r\nConnection: close\r\n\r\n{body}").into_bytes()
    }
}

impl From<Http> for Answer {
    fn from(http: Http) -> Self {
        Self::Bytes(http.bytes())
    }
}

/// A request that came.
#[derive(Clone, Debug)]
pub(crate) struct Asked {
    pub(crate) path: String,
    pub(crate) at: Instant,
    /// The request line and the header fields, as far as they were read.
    pub(crate) head: String,
    pub(crate) body: String,
}

/// The server. Its port is closed when it is dropped.
pub(crate) struct Fake {
    address: SocketAddr,
    asked: Arc<Mutex<Vec<Asked>>>,
    is_over: Arc<AtomicBool>,
}

/// Which requests a script is for, and what is left of it.
struct Script {
    path: Option<&'static str>,
    answers: Mutex<VecDeque<Answer>>,
}

impl Script {
    /// The next answer to a request for `path`. The last one is for all that come after.
    fn next(&self, path: &str) -> Answer {
        if self.path.is_some_and(|own| own != path) {
            return Answer::Healthy;
        }
        let mut answers = self.answers.lock().unwrap();
        match answers.len() {
            1 => answers[0].clone(),
            _ => answers.pop_front().unwrap(),
        }
    }
}

impl Fake {
    /// Answers every request with the next of `answers`, and with the last one when they are used up.
    pub(crate) fn new<A: Into<Answer>>(answers: impl IntoIterator<Item = A>) -> Self {
        Self::scripted(None, answers)
    }

    /// The same for requests for `path` only; the others get what the emulator says.
    pub(crate) fn at<A: Into<Answer>>(
        path: &'static str,
        answers: impl IntoIterator<Item = A>,
    ) -> Self {
        Self::scripted(Some(path), answers)
    }

    fn scripted<A: Into<Answer>>(
        path: Option<&'static str>,
        answers: impl IntoIterator<Item = A>,
    ) -> Self {
        let script = Arc::new(Script {
            path,
            answers: Mutex::new(answers.into_iter().map(Into::into).collect()),
        });
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let fake = Self {
            address: listener.local_addr().unwrap(),
            asked: Arc::default(),
            is_over: Arc::default(),
        };
        let (asked, is_over) = (Arc::clone(&fake.asked), Arc::clone(&fake.is_over));
        thread::spawn(move || {
            for stream in listener.incoming() {
                if is_over.load(Ordering::SeqCst) {
                    return;
                }
                let (script, asked) = (Arc::clone(&script), Arc::clone(&asked));
                // A client that has gone away is the client's matter.
                thread::spawn(move || stream.and_then(|stream| serve(stream, &script, &asked)));
            }
        });
        fake
    }

    /// `127.0.0.1:PORT`
    pub(crate) fn address(&self) -> String {
        self.address.to_string()
    }

    /// The requests so far.
    pub(crate) fn asked(&self) -> Vec<Asked> {
        self.asked.lock().unwrap().clone()
    }

    /// Waits until so many requests came.
    #[track_caller]
    pub(crate) fn wait_for(&self, count: usize) {
        assert!(
            soon(|| self.asked().len() >= count),
            "never asked {count} times"
        );
    }
}

impl Drop for Fake {
    fn drop(&mut self) {
        self.is_over.store(true, Ordering::SeqCst);
        let _ = TcpStream::connect(self.address);
    }
}

fn serve(mut stream: TcpStream, script: &Script, asked: &Mutex<Vec<Asked>>) -> std::io::Result<()> {
    let mut head = Vec::new();
    read_until(&mut stream, &mut head, b"\r\n")?;
    let text = String::from_utf8_lossy(&head);
    let path = text.split(' ').nth(1).unwrap_or_default().to_owned();
    let answer = script.next(&path);
    let index = {
        let mut asked = asked.lock().unwrap();
        asked.push(Asked {
            path,
            at: Instant::now(),
            head: String::new(),
            body: String::new(),
        });
        asked.len() - 1
    };
    if matches!(answer, Answer::Reset) {
        // Who closes with something unread resets.
        return stream.peek(&mut [0]).map(drop);
    }
    read_until(&mut stream, &mut head, b"\r\n\r\n")?;
    let text = String::from_utf8_lossy(&head).into_owned();
    let length = text.lines().find_map(|line| {
        let (name, value) = line.split_once(':')?;
        let is_length = name.eq_ignore_ascii_case("content-length");
        is_length.then(|| value.trim().parse().unwrap())
    });
    let mut body = vec![0; length.unwrap_or(0)];
    stream.read_exact(&mut body)?;
    {
        let request = &mut asked.lock().unwrap()[index];
        request.head = text;
        request.body = String::from_utf8(body).unwrap();
    }
    match answer {
        Answer::Healthy => relay(&head, &mut stream),
        Answer::Bytes(bytes) => stream.write_all(&bytes),
        Answer::Trickle(bytes) => bytes.iter().try_for_each(|byte| {
            thread::sleep(Duration::from_millis(50));
            stream.write_all(&[*byte])
        }),
        Answer::Hang | Answer::Reset => stream.read_to_end(&mut Vec::new()).map(drop),
    }
}

fn read_until(stream: &mut TcpStream, head: &mut Vec<u8>, end: &[u8]) -> std::io::Result<()> {
    let mut byte = [0];
    while !head.ends_with(end) {
        stream.read_exact(&mut byte)?;
        head.push(byte[0]);
    }
    Ok(())
}

/// Sends the request on to the emulator, and its answer back.
fn relay(head: &[u8], client: &mut TcpStream) -> std::io::Result<()> {
    let mut emulator = TcpStream::connect(healthy().address)?;
    emulator.write_all(&head[..head.len() - 2])?;
    emulator.write_all(b"Connection: close\r\n\r\n")?;
    let mut answer = Vec::new();
    emulator.read_to_end(&mut answer)?;
    client.write_all(&answer)
}

/// The library's emulator, one for all tests.
pub(crate) struct Healthy {
    pub(crate) address: SocketAddr,
    pub(crate) token: String,
}

/// See [`Healthy`].
pub(crate) fn healthy() -> &'static Healthy {
    static HEALTHY: LazyLock<Healthy> = LazyLock::new(|| {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let (say, told) = std::sync::mpsc::channel();
        thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build()
                .unwrap();
            runtime.block_on(async {
                let emulator = Emulator::from_std(listener, Identity::default()).unwrap();
                say.send(emulator.token()).unwrap();
                emulator.serve().await
            })
        });
        let token = told.recv().unwrap();
        Healthy { address, token }
    });
    &HEALTHY
}
