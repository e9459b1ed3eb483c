//! What a presented certificate says of itself, as far as a finding tells it. Judging it is rustls's work.

use std::fmt;
use std::net::IpAddr;
use std::time::{Duration, SystemTime};

use x509_parser::extensions::GeneralName;
use x509_parser::prelude::{FromDer, X509Certificate};
use x509_parser::time::ASN1Time;

/// No more names than this are shown.
const NAMES: usize = 8;

/// A certificate in short.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Certificate {
    /// Whose it is.
    pub subject: String,
    /// Who signed it.
    pub issuer: String,
    /// The names and addresses that it is for.
    pub names: Vec<String>,
    /// When it begins to be valid.
    pub begin: SystemTime,
    /// When it ends.
    pub end: SystemTime,
}

impl Certificate {
    /// Reads one in DER; `None` where it is not a certificate.
    pub fn read(der: &[u8]) -> Option<Self> {
        let (_, parsed) = X509Certificate::from_der(der).ok()?;
        let alternatives = parsed.subject_alternative_name().ok().flatten();
        let names = alternatives
            .iter()
            .flat_map(|extension| &extension.value.general_names)
            .filter_map(|name| match name {
                GeneralName::DNSName(name) => Some(line(name)),
                GeneralName::IPAddress(bytes) => address(bytes),
                _ => None,
            })
            .collect();
        Some(Self {
            subject: line(&parsed.subject().to_string()),
            issuer: line(&parsed.issuer().to_string()),
            names,
            begin: time(parsed.validity().not_before),
            end: time(parsed.validity().not_after),
        })
    }

    /// Whether it signed itself.
    pub fn is_self_signed(&self) -> bool {
        self.subject == self.issuer
    }

    /// The names that it is for, as a list in a sentence.
    pub fn offered(&self) -> String {
        match self.names.len() {
            0 => "no name at all (only subjectAltName counts)".to_owned(),
            count => {
                let shown = self.names[..count.min(NAMES)].join("`, `");
                match count.checked_sub(NAMES) {
                    Some(more @ 1..) => format!("`{shown}` and {more} more"),
                    _ => format!("`{shown}`"),
                }
            }
        }
    }
}

impl fmt::Display for Certificate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.is_self_signed() {
            true => write!(f, "`{}`, which signed itself", self.subject),
            false => write!(f, "`{}`, issued by `{}`", self.subject, self.issuer),
        }
    }
}

/// A point in time as RFC 3339 has it.
pub fn date(time: SystemTime) -> String {
    humantime::format_rfc3339_seconds(time).to_string()
}

fn time(time: ASN1Time) -> SystemTime {
    let seconds = Duration::from_secs(time.timestamp().unsigned_abs());
    match time.timestamp() {
        0.. => SystemTime::UNIX_EPOCH + seconds,
        // humantime shows no year before 1970, and no certificate is that old.
        _ => SystemTime::UNIX_EPOCH,
    }
}

fn address(bytes: &[u8]) -> Option<String> {
    let address: IpAddr = match bytes.len() {
        4 => <[u8; 4]>::try_from(bytes).ok()?.into(),
        16 => <[u8; 16]>::try_from(bytes).ok()?.into(),
        _ => return None,
    };
    Some(address.to_string())
}

/// What a stranger wrote, as one line of bounded length.
fn line(text: &str) -> String {
    const LONGEST: usize = 200;
    let mut line: String = text
        .chars()
        .take(LONGEST)
        .map(|char| if char.is_control() { '?' } else { char })
        .collect();
    if text.chars().nth(LONGEST).is_some() {
        line.push('…');
    }
    line
}

#[cfg(test)]
mod tests {
    use super::*;
    use rcgen::{CertificateParams, DnType, KeyPair, date_time_ymd};

    fn certificate(names: &[&str], edit: impl FnOnce(&mut CertificateParams)) -> Certificate {
        let names: Vec<_> = names.iter().map(|name| (*name).to_owned()).collect();
        let mut parameters = CertificateParams::new(names).unwrap();
        edit(&mut parameters);
        let signed = parameters.self_signed(&KeyPair::generate().unwrap());
        Certificate::read(signed.unwrap().der()).unwrap()
    }

    #[test]
    fn names_and_dates_are_read() {
        let read = certificate(&["nexus.corp.example", "10.1.2.3", "fd00::5"], |own| {
            own.distinguished_name
                .push(DnType::CommonName, "a\nb \u{1b}[31m");
            own.not_before = date_time_ymd(2024, 1, 2);
            own.not_after = date_time_ymd(2025, 1, 2);
        });
        assert_eq!(read.names, ["nexus.corp.example", "10.1.2.3", "fd00::5"]);
        assert_eq!(date(read.begin), "2024-01-02T00:00:00Z");
        assert_eq!(date(read.end), "2025-01-02T00:00:00Z");
        assert!(read.is_self_signed());
        assert!(!read.subject.contains(char::is_control), "{read:?}");
    }

    #[test]
    fn many_names_are_cut_and_none_is_said() {
        let names: Vec<_> = (0..11).map(|number| format!("host{number}")).collect();
        let names: Vec<_> = names.iter().map(String::as_str).collect();
        let offered = certificate(&names, |_| {}).offered();
        assert!(offered.ends_with("`host7` and 3 more"), "{offered}");
        assert!(certificate(&[], |_| {}).offered().starts_with("no name"));
        assert_eq!(certificate(&["a"], |_| {}).offered(), "`a`");
    }

    #[test]
    fn what_is_no_certificate_is_none() {
        assert_eq!(Certificate::read(b""), None);
        assert_eq!(Certificate::read(b"HTTP/1.1 400 Bad Request"), None);
    }
}
