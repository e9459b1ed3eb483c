//! The static binary in a root that has nothing else: it resolves names and proves certificates.

use std::fs;
use std::path::Path;

use crate::dns::ADDRESS;
use crate::image;
use crate::job::Job;
use crate::lab::{Lab, NEXUS};
use crate::server::{Ca, Canned, response};

/// Unavailable.
const UNAVAILABLE: i32 = 69;

/// A root with the binary and `files`, and an HTTPS server on [`NEXUS`] whose authority is in /corp.pem.
struct Root<'a> {
    lab: &'a Lab,
    nexus: Canned,
    url: String,
}

impl<'a> Root<'a> {
    fn new(lab: &'a Lab, files: &[(&str, &str)]) -> Self {
        let ca = Ca::new("Corp Root");
        let root = Self {
            lab,
            nexus: lab.https(NEXUS, 8443, ca.serve(NEXUS.0), |_| {
                response("200 OK", &[], "hello\n")
            }),
            url: format!("https://{}:8443/", NEXUS.0),
        };
        for (path, content) in [("corp.pem", &*ca.pem())].iter().chain(files) {
            let file = root.path().join(path);
            fs::create_dir_all(file.parent().unwrap()).unwrap();
            fs::write(file, content).unwrap();
        }
        fs::copy(image::built().binary(), root.path().join("runup")).unwrap();
        root
    }

    fn path(&self) -> &Path {
        self.lab.home()
    }

    fn runup(&self, words: &[&str]) -> Job<'_> {
        self.lab
            .job("chroot")
            .arg(self.path())
            .arg("/runup")
            .args(words)
    }

    /// runup requires the URL, then starts itself.
    fn required(&self, words: &[&str]) -> Job<'_> {
        self.runup(&[
            "--metadata",
            "off",
            "--timeout",
            "5s",
            "--require",
            &self.url,
        ])
        .args(words)
        .args(["--", "/runup", "--version"])
    }
}

#[test]
fn with_a_name_server_it_resolves_and_proves_certificates() {
    need!("image", "chroot");
    let lab = Lab::new();
    let metadata = lab.metadata();
    let resolv = format!("nameserver {ADDRESS}\n");
    let root = Root::new(&lab, &[("etc/resolv.conf", &resolv)]);

    let run = root.runup(&["token"]).run();
    assert_eq!(run.succeeds(), metadata.token());
    let asked = metadata.requests();
    assert_eq!(asked[0].host.as_deref(), Some("metadata.google.internal"));

    let version = concat!("runup ", env!("CARGO_PKG_VERSION"));
    for job in [
        root.required(&["--ca-file", "/corp.pem"]),
        root.required(&[]).env("SSL_CERT_FILE", "/corp.pem"),
    ] {
        assert_eq!(job.run().succeeds(), version);
    }
    assert_eq!(root.nexus.requests().len(), 2);

    let run = root.required(&[]).run();
    run.exits(UNAVAILABLE)
        .says(&["tls/unknown-issuer", "no CA file: the image has none"]);
    assert_eq!(run.stdout, "");
}

#[test]
fn with_nothing_at_all_it_says_what_is_missing() {
    need!("image", "chroot");
    let lab = Lab::new();
    let metadata = lab.metadata();
    let root = Root::new(&lab, &[]);
    let run = root.required(&["--ca-file", "/corp.pem"]).run();
    run.exits(UNAVAILABLE).says(&[
        "endpoint/resolver",
        "no name server in /etc/resolv.conf, so 127.0.0.1",
    ]);
    // The metadata server has an address that needs no name.
    let run = root.runup(&["--", "/runup", "--version"]).run();
    run.exits(0).says(&["metadata/name-unresolved", "ready in"]);
    assert!(!metadata.requests().is_empty());
}
