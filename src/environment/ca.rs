//! One corporate CA for every client: which variables name a bundle of roots, and what must be in that bundle.
//!
//! All but one of these variables *replace* the roots that a client has, so a file with the corporate root alone in one of
//! them cuts the client off from every public host. Hence one bundle of both. Java reads no variable at all: its trust
//! store is a file of its own.

use std::collections::HashSet;
use std::ffi::OsString;
use std::path::{Path, PathBuf};

use tokio_rustls::rustls::pki_types::CertificateDer;
use tokio_rustls::rustls::pki_types::pem::PemObject;

use super::{Edit, Environment};
use crate::finding::code::Code;

/// The variables whose file takes the place of the client's own roots, and who reads them.
pub const REPLACING: [(&str, &str); 7] = [
    (
        "SSL_CERT_FILE",
        "OpenSSL, Go, Ruby, rustls and Python's ssl",
    ),
    ("REQUESTS_CA_BUNDLE", "Python requests"),
    ("CURL_CA_BUNDLE", "curl"),
    ("GIT_SSL_CAINFO", "git"),
    ("PIP_CERT", "pip"),
    ("AWS_CA_BUNDLE", "boto and the AWS command line"),
    ("CLOUDSDK_CORE_CUSTOM_CA_CERTS_FILE", "gcloud"),
];

/// A file of more bytes than this holds so many certificates that public roots are among them: distributions' bundles have
/// 200 KB, a certificate in PEM has one or two.
pub const LARGEST_TO_JUDGE: u64 = 100_000;

/// The variable whose file is added to the client's own roots: Node's.
pub const ADDING: &str = "NODE_EXTRA_CA_CERTS";

/// What must be said about the CA variables.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Notice {
    /// A replacing variable names a file without any public root.
    #[error(
        "`{variable}` names `{path}`, which holds no public root: {clients} will trust no public host"
    )]
    OnlyCorporate {
        /// The variable.
        variable: &'static str,
        /// Its file.
        path: PathBuf,
        /// Who reads it.
        clients: &'static str,
    },
    /// The image has no roots to add the corporate CA to.
    #[error(
        "the image has no bundle of public roots, so the command's clients will trust the corporate CA alone"
    )]
    NoPublicRoots,
    /// Java's roots are out of reach.
    #[error("Java reads no variable for its roots: the corporate CA is not in its trust store")]
    Java,
}

impl Notice {
    /// Its stable code.
    pub fn code(&self) -> Code {
        match self {
            Self::OnlyCorporate { .. } => Code::CaOnlyCorporate,
            Self::NoPublicRoots => Code::CaNoPublicRoots,
            Self::Java => Code::CaJava,
        }
    }

    /// What to do about it.
    pub fn help(&self) -> String {
        match self {
            Self::OnlyCorporate { variable, path, .. } => format!(
                "job owner: unset {variable} and give `--ca-file {}`: runup adds it to the public roots",
                path.display()
            ),
            Self::NoPublicRoots => "image owner: install the package ca-certificates".to_owned(),
            Self::Java => "image owner: keytool -importcert -cacerts -storepass changeit -noprompt -alias corporate -file CA.pem".to_owned(),
        }
    }
}

/// The certificates of a PEM file, as text and without what else stands there, be it a private key.
///
/// # Errors
/// Why it cannot serve.
pub fn certificates(pem: &[u8]) -> Result<Vec<String>, String> {
    const BEGIN: &str = "-----BEGIN CERTIFICATE-----";
    const END: &str = "-----END CERTIFICATE-----";
    let text = String::from_utf8_lossy(pem);
    let mut found = Vec::new();
    let mut rest = &*text;
    while let Some((_, after)) = rest.split_once(BEGIN) {
        let Some((body, tail)) = after.split_once(END) else {
            return Err("its last certificate has no end".to_owned());
        };
        let lines: Vec<&str> = body
            .lines()
            .map(str::trim)
            .filter(|line| !line.is_empty())
            .collect();
        let block = format!("{BEGIN}\n{}\n{END}\n", lines.join("\n"));
        if CertificateDer::from_pem_slice(block.as_bytes()).is_err() {
            return Err(format!(
                "its certificate number {} cannot be decoded",
                found.len() + 1
            ));
        }
        found.push(block);
        rest = tail;
    }
    match found.is_empty() {
        false => Ok(found),
        true if pem.starts_with(&[0x30, 0x82]) => Err(
            "it is DER, not PEM; convert it: openssl x509 -inform der -in CA.der -out CA.pem"
                .to_owned(),
        ),
        true => Err("no PEM certificate in it".to_owned()),
    }
}

/// The bundle of `system`'s bytes, untouched, and those of `corporate`'s certificates that are not in it.
pub fn bundle(system: &[u8], corporate: &[String]) -> Vec<u8> {
    let known: HashSet<String> = certificates(system)
        .unwrap_or_default()
        .into_iter()
        .collect();
    let mut bundle = system.to_vec();
    if !bundle.is_empty() && !bundle.ends_with(b"\n") {
        bundle.push(b'\n');
    }
    for certificate in corporate.iter().filter(|own| !known.contains(*own)) {
        bundle.extend(certificate.as_bytes());
    }
    bundle
}

/// The edits that lead every client to `bundle`, where the user named no file.
pub fn edits(environment: &Environment, bundle: &Path) -> Vec<Edit> {
    REPLACING
        .iter()
        .map(|(variable, clients)| (*variable, *clients))
        .chain([(ADDING, "Node")])
        .filter(|(variable, _)| {
            environment
                .get(variable)
                .is_none_or(|value| value.is_empty())
        })
        .map(|(variable, clients)| Edit {
            variable: variable.to_owned(),
            before: environment.get(variable).map(OsString::from),
            after: Some(bundle.into()),
            why: format!("the corporate CA and the public roots, for {clients}"),
        })
        .collect()
}

/// The replacing variables whose file holds none of the public roots that `system` gives. `read` gives a file's bytes.
///
/// A file with as many certificates as a distribution's bundle is taken for one: distributions differ in what they hold.
pub fn judge(
    environment: &Environment,
    system: impl Fn() -> Vec<u8>,
    mut read: impl FnMut(&Path) -> Option<Vec<u8>>,
) -> Vec<Notice> {
    const FEW: usize = 40;
    let mut public: Option<HashSet<String>> = None;
    REPLACING
        .iter()
        .filter_map(|(variable, clients)| {
            let path = PathBuf::from(
                environment
                    .get(variable)
                    .filter(|value| !value.is_empty())?,
            );
            let own = certificates(&read(&path)?).ok()?;
            if own.len() > FEW {
                return None;
            }
            let public = public.get_or_insert_with(|| {
                certificates(&system())
                    .unwrap_or_default()
                    .into_iter()
                    .collect()
            });
            let is_cut_off = !own.iter().any(|certificate| public.contains(certificate));
            is_cut_off.then_some(Notice::OnlyCorporate {
                variable,
                path,
                clients,
            })
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn certificate(name: &str) -> String {
        let key = rcgen::KeyPair::generate().unwrap();
        let parameters = rcgen::CertificateParams::new(vec![name.to_owned()]).unwrap();
        let pem = parameters.self_signed(&key).unwrap().pem();
        format!("{}\n{}", pem.replace('\n', "\r\n"), key.serialize_pem())
    }

    #[test]
    fn only_certificates_are_taken_from_a_file() {
        let pem = certificate("a.example");
        let found = certificates(pem.as_bytes()).unwrap();
        assert_eq!(found.len(), 1);
        assert!(!found[0].contains("PRIVATE KEY") && !found[0].contains('\r'));
        for (bad, why) in [
            ("", "no PEM certificate"),
            ("-----BEGIN CERTIFICATE-----\nAAAA\n", "has no end"),
            (
                "-----BEGIN CERTIFICATE-----\n*\n-----END CERTIFICATE-----\n",
                "number 1 cannot be decoded",
            ),
            ("0\u{82}", "no PEM certificate"),
        ] {
            let said = certificates(bad.as_bytes()).unwrap_err();
            assert!(said.contains(why), "{said}");
        }
        assert!(
            certificates(&[0x30, 0x82, 1, 2])
                .unwrap_err()
                .contains("DER")
        );
    }

    #[test]
    fn the_bundle_keeps_the_public_roots_and_repeats_nothing() {
        let public = certificates(certificate("public.example").as_bytes()).unwrap();
        let own = certificates(certificate("corp.example").as_bytes()).unwrap();
        let system = public[0].trim_end();
        let once = bundle(system.as_bytes(), &own);
        assert_eq!(
            certificates(&once).unwrap(),
            [public[0].clone(), own[0].clone()]
        );
        assert_eq!(bundle(&once, &own), once);
    }

    #[test]
    fn what_the_user_set_is_kept() {
        let environment: Environment = [("REQUESTS_CA_BUNDLE", "/own.pem"), ("PIP_CERT", "")]
            .into_iter()
            .collect();
        let edits = edits(&environment, Path::new("/tmp/bundle.pem"));
        let names: Vec<_> = edits.iter().map(|edit| edit.variable.as_str()).collect();
        assert!(!names.contains(&"REQUESTS_CA_BUNDLE"));
        assert!(names.contains(&"PIP_CERT") && names.contains(&"NODE_EXTRA_CA_CERTS"));
        assert_eq!(names.len(), 7);
    }

    #[test]
    fn a_bundle_without_public_roots_is_found() {
        let public = certificate("public.example");
        let own = certificate("corp.example");
        let both = format!("{public}\n{own}");
        let environment: Environment = [
            ("CURL_CA_BUNDLE", "/own.pem"),
            ("SSL_CERT_FILE", "/both.pem"),
        ]
        .into_iter()
        .collect();
        let notices = judge(
            &environment,
            || public.clone().into_bytes(),
            |path| {
                Some(match path.to_str()? {
                    "/own.pem" => own.clone().into_bytes(),
                    _ => both.clone().into_bytes(),
                })
            },
        );
        let codes: Vec<_> = notices.iter().map(ToString::to_string).collect();
        assert_eq!(codes.len(), 1, "{codes:?}");
        assert!(codes[0].contains("CURL_CA_BUNDLE"));
    }
}
