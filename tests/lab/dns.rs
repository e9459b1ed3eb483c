//! The name server of a namespace: the real dnsmasq, or the lack of one.

use std::net::IpAddr;
use std::process::{Child, Stdio};

use crate::netns::Netns;
use crate::tools;

/// Where the name server of a namespace listens, or would.
const ADDRESS: &str = "127.0.0.53";

/// How names are resolved.
pub(crate) enum Dns {
    /// These names have these addresses; no other name exists.
    Serves(Vec<(String, IpAddr)>),
    /// The same, but it denies a name of which it has no address of the kind that was asked for, as careless servers do.
    Denies(Vec<(String, IpAddr)>),
    /// Every question is refused.
    Refuses,
    /// Nothing listens there.
    Dead,
}

/// A name server that runs, where one does.
pub(crate) struct Dnsmasq(Option<Child>);

impl Dnsmasq {
    pub(crate) fn start(netns: &Netns, dns: &Dns) -> Self {
        netns.etc_file("resolv.conf", &format!("nameserver {ADDRESS}\n"));
        netns.etc_file(
            "nsswitch.conf",
            "passwd: files\ngroup: files\nhosts: files dns\n",
        );
        netns.etc_file("hosts", "127.0.0.1 localhost\n::1 localhost\n");
        let mut command = netns.command(&tools::program("dnsmasq"));
        command.args([
            "--keep-in-foreground",
            "--conf-file=/dev/null",
            "--user=root",
        ]);
        command.args([
            "--no-resolv",
            "--no-hosts",
            "--pid-file",
            "--bind-interfaces",
        ]);
        command.args(["--log-facility=/dev/null", "--listen-address", ADDRESS]);
        match dns {
            Dns::Serves(names) => {
                command.arg("--address=/#/");
                // A name that exists, and has no address.
                command.arg("--txt-record=empty.corp.example,nothing");
                let record =
                    |(name, address): &(String, IpAddr)| format!("--host-record={name},{address}");
                command.args(names.iter().map(record));
            }
            Dns::Denies(names) => {
                command.arg("--address=/#/");
                let answer =
                    |(name, address): &(String, IpAddr)| format!("--address=/{name}/{address}");
                command.args(names.iter().map(answer));
            }
            // Without an upstream to ask, it refuses.
            Dns::Refuses => {}
            Dns::Dead => return Self(None),
        }
        let child = command
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .spawn()
            .unwrap();
        let server = Self(Some(child));
        netns.wait_for((ADDRESS.parse::<IpAddr>().unwrap(), 53).into());
        server
    }
}

impl Drop for Dnsmasq {
    fn drop(&mut self) {
        if let Some(child) = &mut self.0 {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}
