//! A network namespace of its own for each test: a loopback device, some addresses on it, and no way out.

use std::fs::{self, File};
use std::io;
use std::net::{IpAddr, SocketAddr, TcpListener, TcpStream};
use std::panic::resume_unwind;
use std::path::{Path, PathBuf};
use std::process::{self, Command};
use std::sync::atomic::{AtomicU32, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use nix::sched::{CloneFlags, setns};

use crate::tools;

/// A namespace; dropped, it is gone.
pub(crate) struct Netns {
    name: String,
}

impl Netns {
    /// Makes a namespace in which only `lo` is up.
    pub(crate) fn add() -> io::Result<Self> {
        static NUMBER: AtomicU32 = AtomicU32::new(0);
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let netns = Self {
            name: format!("runup-{}-{number}", process::id()),
        };
        if number == 0 {
            sweep();
        }
        netns.ip(&["netns", "add", &netns.name])?;
        netns.ip(&["-n", &netns.name, "link", "set", "lo", "up"])?;
        fs::create_dir_all(netns.etc())?;
        Ok(netns)
    }

    /// Gives `lo` an address.
    pub(crate) fn address(&self, address: IpAddr) {
        let text = address.to_string();
        let mut ip = vec!["-n", &self.name, "address", "add", &text, "dev", "lo"];
        // Otherwise it cannot be listened on until the kernel has made sure that it is nobody else's.
        if address.is_ipv6() {
            ip.push("nodad");
        }
        self.ip(&ip).unwrap();
    }

    /// Writes a file that programs inside see as `/etc/NAME`.
    pub(crate) fn etc_file(&self, name: &str, content: &str) {
        fs::write(self.etc().join(name), content).unwrap();
    }

    /// `program`, to be run inside, with an empty environment. It keeps the process that is started.
    pub(crate) fn command(&self, program: &Path) -> Command {
        let mut command = Command::new(tools::program("ip"));
        command.args(["netns", "exec", &self.name]).arg(program);
        command.env_clear().env("PATH", tools::PATH);
        command
    }

    /// Does `work` on a thread that is inside. A socket made there stays inside, whoever uses it.
    pub(crate) fn inside<T: Send>(&self, work: impl FnOnce() -> T + Send) -> T {
        let door = File::open(self.path()).unwrap();
        let entered = || {
            setns(door, CloneFlags::CLONE_NEWNET).unwrap();
            work()
        };
        thread::scope(|scope| scope.spawn(entered).join()).unwrap_or_else(|why| resume_unwind(why))
    }

    /// The file that it is entered by.
    pub(crate) fn path(&self) -> PathBuf {
        Path::new("/run/netns").join(&self.name)
    }

    /// Listens inside.
    pub(crate) fn listen(&self, address: SocketAddr) -> TcpListener {
        self.inside(|| TcpListener::bind(address))
            .unwrap_or_else(|error| panic!("cannot listen on {address}: {error}"))
    }

    /// Waits until something inside listens on `address`.
    pub(crate) fn wait_for(&self, address: SocketAddr) {
        let began = Instant::now();
        self.inside(|| {
            while let Err(error) = TcpStream::connect(address) {
                let waited = began.elapsed();
                assert!(waited.as_secs() < 20, "{address} after {waited:?}: {error}");
                thread::sleep(Duration::from_millis(10));
            }
        });
    }

    fn etc(&self) -> PathBuf {
        Path::new("/etc/netns").join(&self.name)
    }

    fn ip(&self, arguments: &[&str]) -> io::Result<()> {
        ip(arguments)
    }
}

impl Drop for Netns {
    fn drop(&mut self) {
        remove(&self.name);
    }
}

fn ip(arguments: &[&str]) -> io::Result<()> {
    let output = Command::new(tools::program("ip"))
        .args(arguments)
        .output()?;
    match output.status.success() {
        true => Ok(()),
        false => Err(io::Error::other(format!(
            "ip {}: {}",
            arguments.join(" "),
            String::from_utf8_lossy(&output.stderr).trim()
        ))),
    }
}

fn remove(name: &str) {
    let _ = ip(&["netns", "delete", name]);
    let _ = fs::remove_dir_all(Path::new("/etc/netns").join(name));
}

/// Removes what a lab left that was killed before it could.
fn sweep() {
    let Ok(entries) = fs::read_dir("/run/netns") else {
        return;
    };
    for name in entries
        .flatten()
        .filter_map(|entry| entry.file_name().into_string().ok())
    {
        let owner = name
            .strip_prefix("runup-")
            .and_then(|rest| rest.split('-').next());
        let dead = |pid: &str| !Path::new("/proc").join(pid).exists();
        if owner.is_some_and(|pid| pid.parse::<u32>().is_ok() && dead(pid)) {
            remove(&name);
        }
    }
}
