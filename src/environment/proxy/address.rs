//! The address of a proxy, as a variable gives it, and how to show one without its password.

use std::fmt;
use std::net::{Ipv4Addr, Ipv6Addr};

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode, percent_encode};

/// What stands in user names and passwords as it is: RFC 3986's unreserved characters.
const ENCODED: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~');

/// What people write for "no proxy". Clients crash on these, or look for a host of that name.
const OFF: [&str; 10] = [
    "none", "direct", "false", "off", "no", "0", "null", "nil", "disabled", "-",
];

/// How one speaks to a proxy.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scheme {
    /// Plain HTTP to the proxy: what every client knows.
    Http,
    /// TLS to the proxy.
    Https,
    /// SOCKS, of a version the client chooses.
    Socks,
    /// SOCKS 4.
    Socks4,
    /// SOCKS 4 with names resolved by the proxy.
    Socks4a,
    /// SOCKS 5.
    Socks5,
    /// SOCKS 5 with names resolved by the proxy.
    Socks5h,
}

impl Scheme {
    const ALL: [Self; 7] = [
        Self::Http,
        Self::Https,
        Self::Socks,
        Self::Socks4,
        Self::Socks4a,
        Self::Socks5,
        Self::Socks5h,
    ];

    fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|scheme| scheme.as_str() == name)
    }

    /// Its name in a URL.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Http => "http",
            Self::Https => "https",
            Self::Socks => "socks",
            Self::Socks4 => "socks4",
            Self::Socks4a => "socks4a",
            Self::Socks5 => "socks5",
            Self::Socks5h => "socks5h",
        }
    }

    /// The port where none is given. Clients disagree (80, 443, 1080), so a mended address always names its port.
    pub fn default_port(self) -> u16 {
        match self {
            Self::Http => 80,
            Self::Https => 443,
            _ => 1080,
        }
    }

    /// Whether it is a version of SOCKS.
    pub fn is_socks(self) -> bool {
        !matches!(self, Self::Http | Self::Https)
    }
}

/// A user name and perhaps a password, decoded. Bytes: a Latin-1 password is legal.
#[derive(Clone, PartialEq, Eq)]
pub struct Credentials {
    user: Vec<u8>,
    password: Option<Vec<u8>>,
}

impl Credentials {
    /// From the plain (not encoded) texts.
    pub(super) fn new(user: &[u8], password: Option<&[u8]>) -> Self {
        Self {
            user: user.to_vec(),
            password: password.map(<[u8]>::to_vec),
        }
    }

    /// From `user:password` in a URL. A `%` that encodes nothing is meant as it stands.
    fn decoded(text: &[u8]) -> Option<Self> {
        let mut halves = text.splitn(2, |byte| *byte == b':');
        let user = percent_decode(halves.next().unwrap_or_default()).collect::<Vec<_>>();
        let password = halves.next().map(|half| percent_decode(half).collect());
        let nothing = user.is_empty() && password.as_ref().is_none_or(Vec::is_empty);
        (!nothing).then_some(Self { user, password })
    }

    /// Whether a URL holds them otherwise than as they are.
    pub fn needs_encoding(&self) -> bool {
        self.encoded().contains('%')
    }

    /// Whether there is a password, be it an empty one.
    pub fn has_password(&self) -> bool {
        self.password.is_some()
    }

    fn encoded(&self) -> String {
        let mut text = percent_encode(&self.user, ENCODED).to_string();
        if let Some(password) = &self.password {
            text.push(':');
            text.extend(percent_encode(password, ENCODED));
        }
        text
    }
}

/// The user name only, and only beside a password: a name without one is often a token.
impl fmt::Display for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self
            .password
            .as_ref()
            .is_some_and(|password| !password.is_empty())
        {
            write!(f, "{}:***", percent_encode(&self.user, ENCODED))
        } else {
            f.write_str("***")
        }
    }
}

impl fmt::Debug for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// The address of a proxy: scheme, host, port, credentials. Displayed without the password.
#[derive(Clone, PartialEq, Eq)]
pub struct ProxyUrl {
    scheme: Scheme,
    host: String,
    port: u16,
    credentials: Option<Credentials>,
}

/// Why a value is no address of a proxy.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Unusable {
    /// Nothing but blanks and quotes.
    #[error("it is empty")]
    Empty,
    /// `none`, `direct`, `off` and the like.
    #[error("it means `no proxy`, which clients do not understand")]
    Off,
    /// A scheme that no client knows.
    #[error("its scheme is none of http, https and socks")]
    Scheme,
    /// No host, or nothing that can be one.
    #[error("its host is no host name and no address")]
    Host,
    /// Something that is no port.
    #[error("its port is no number from 1 to 65535")]
    Port,
}

impl ProxyUrl {
    /// Reads a variable's value as leniently as its meaning is certain: blanks, line ends and quotes around it are
    /// dropped, a missing scheme is `http`, a path is dropped, and the *last* `@` ends the credentials, so that
    /// `@`, `/`, `#` and `?` may stand in a password as they are.
    pub fn parse(value: &[u8]) -> Result<Self, Unusable> {
        let value = unwrapped(value);
        if value.is_empty() {
            return Err(Unusable::Empty);
        }
        if OFF
            .iter()
            .any(|off| value.eq_ignore_ascii_case(off.as_bytes()))
        {
            return Err(Unusable::Off);
        }
        let (scheme, rest) = match find(value, b"://") {
            Some(at) if value[..at].iter().all(|b| is_scheme_byte(*b)) => {
                let name = String::from_utf8_lossy(&value[..at]).to_ascii_lowercase();
                (
                    Scheme::named(&name).ok_or(Unusable::Scheme)?,
                    &value[at + 3..],
                )
            }
            _ => (Scheme::Http, value),
        };
        if rest.iter().all(|byte| *byte == b'/') {
            return Err(Unusable::Off);
        }
        let (credentials, rest) = match rest.iter().rposition(|byte| *byte == b'@') {
            Some(at) => (Credentials::decoded(&rest[..at]), &rest[at + 1..]),
            None => (None, rest),
        };
        let end = rest
            .iter()
            .position(|byte| matches!(byte, b'/' | b'?' | b'#'))
            .unwrap_or(rest.len());
        let authority = std::str::from_utf8(&rest[..end]).map_err(|_| Unusable::Host)?;
        let (host, port) = host_and_port(authority)?;
        let port = match port {
            "" => scheme.default_port(),
            digits if digits.bytes().all(|byte| byte.is_ascii_digit()) => digits
                .parse()
                .ok()
                .filter(|port| *port != 0)
                .ok_or(Unusable::Port)?,
            _ => return Err(Unusable::Port),
        };
        Ok(Self {
            scheme,
            host,
            port,
            credentials,
        })
    }

    /// From its parts, where each is nothing but that part.
    pub(super) fn from_parts(scheme: Scheme, host: &str, port: &str) -> Option<Self> {
        let address = host.trim_matches(['[', ']']).parse::<Ipv6Addr>();
        Some(Self {
            scheme,
            host: match address {
                Ok(address) => format!("[{address}]"),
                Err(_) => host_name(host)?,
            },
            port: port.parse().ok().filter(|port| *port != 0)?,
            credentials: None,
        })
    }

    /// A plain HTTP proxy at `host`, which is a name, an IPv4 address, or an IPv6 address in brackets.
    pub fn plain(host: &str, port: u16) -> Self {
        Self {
            scheme: Scheme::Http,
            host: host.to_owned(),
            port,
            credentials: None,
        }
    }

    /// The same proxy with these credentials.
    pub(super) fn with_credentials(self, credentials: Credentials) -> Self {
        Self {
            credentials: Some(credentials),
            ..self
        }
    }

    /// How one speaks to it.
    pub fn scheme(&self) -> Scheme {
        self.scheme
    }

    /// Its host: a name, an IPv4 address, or an IPv6 address in brackets.
    pub fn host(&self) -> &str {
        &self.host
    }

    /// Its port.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// The user and password, where it has some.
    pub fn credentials(&self) -> Option<&Credentials> {
        self.credentials.as_ref()
    }

    /// The value of `Proxy-Authorization` (RFC 7617). A secret.
    pub fn basic_authorization(&self) -> Option<String> {
        let credentials = self.credentials.as_ref()?;
        let mut plain = credentials.user.clone();
        plain.push(b':');
        plain.extend(credentials.password.iter().flatten());
        Some(format!("Basic {}", base64(&plain)))
    }

    /// The whole address for the environment, password and all: explicit scheme, explicit port, no path, credentials
    /// encoded. A secret.
    pub fn with_secrets(&self) -> String {
        let Self { host, port, .. } = self;
        let scheme = self.scheme.as_str();
        match &self.credentials {
            Some(credentials) => format!("{scheme}://{}@{host}:{port}", credentials.encoded()),
            None => format!("{scheme}://{host}:{port}"),
        }
    }
}

impl fmt::Display for ProxyUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}://", self.scheme.as_str())?;
        if let Some(credentials) = &self.credentials {
            write!(f, "{credentials}@")?;
        }
        write!(f, "{}:{}", self.host, self.port)
    }
}

impl fmt::Debug for ProxyUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// `text` without user and password, on one line: for every message that shows the value of a variable.
///
/// It prefers to hide too much. All up to the last `@` counts as credentials, since a raw password may hold anything,
/// and so does all after a `:` that is no port. A user name stays where it is a plain one with a password behind it.
pub fn redact(text: &str) -> String {
    const LONGEST: usize = 200;
    let text = text.trim();
    let (scheme, rest) = match text.split_once("://") {
        // What is no known scheme may be a user name, with slashes at the front of its password.
        Some((scheme, _)) if is_shown_scheme(scheme.trim_start_matches(['"', '\'', '`'])) => {
            text.split_at(scheme.len() + 3)
        }
        _ => ("", text),
    };
    let (user, host) = match rest.rsplit_once('@') {
        Some((credentials, host)) => {
            let (user, password) = credentials.split_once(':').unwrap_or_default();
            let plain = |b: u8| b.is_ascii_alphanumeric() || b"._-\\".contains(&b);
            let plain = !user.is_empty() && !password.is_empty() && user.bytes().all(plain);
            let shown = if plain {
                format!("{user}:***@")
            } else {
                "***@".to_owned()
            };
            (shown, host)
        }
        None => (String::new(), rest),
    };
    let whole = format!("{scheme}{user}{}", without_false_port(host));
    let mut line = String::new();
    for char in whole.chars() {
        if line.len() > LONGEST {
            line.push('…');
            break;
        }
        if char.is_control() {
            line.extend(char.escape_default());
        } else {
            line.push(char);
        }
    }
    line
}

fn is_shown_scheme(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    Scheme::named(&name).is_some() || ["ftp", "tcp", "tls", "ws", "wss"].contains(&&*name)
}

/// `host:port` as it is, `host:what-is-no-port` as `host:***`.
fn without_false_port(text: &str) -> String {
    let address = text.split(['/', '%']).next().unwrap_or_default();
    if address.trim_matches(['[', ']']).parse::<Ipv6Addr>().is_ok() {
        return text.to_owned();
    }
    let from = if text.starts_with('[') {
        text.find(']').unwrap_or(0)
    } else {
        0
    };
    let Some(colon) = text[from..].find(':').map(|at| from + at) else {
        return text.to_owned();
    };
    let (host, behind) = text.split_at(colon + 1);
    let digits = behind.bytes().take_while(u8::is_ascii_digit).count();
    let tail = &behind[digits..];
    let is_port = (1..=5).contains(&digits)
        && (tail.is_empty() || tail.starts_with(['/', '?', '#', ',', '"', '\'', ' ']));
    if !(is_port || behind.is_empty()) {
        format!("{host}***")
    } else if tail.trim_matches(['/', '"', '\'']).is_empty() {
        text.to_owned()
    } else {
        // `u:1/secret` may be a password cut short.
        format!("{host}{}…", &behind[..digits])
    }
}

/// Host and port of an authority; the port may be empty.
fn host_and_port(authority: &str) -> Result<(String, &str), Unusable> {
    if let Some(bracketed) = authority.strip_prefix('[') {
        let (address, behind) = bracketed.split_once(']').ok_or(Unusable::Host)?;
        let address: Ipv6Addr = address.parse().map_err(|_| Unusable::Host)?;
        let port = match behind.strip_prefix(':') {
            Some(port) => port,
            None if behind.is_empty() => "",
            None => return Err(Unusable::Port),
        };
        return Ok((format!("[{address}]"), port));
    }
    let (host, port) = authority.split_once(':').unwrap_or((authority, ""));
    Ok((host_name(host).ok_or(Unusable::Host)?, port))
}

/// `text` as a host name in its one spelling (lower case, ASCII) or an IPv4 address. A final dot stays.
///
/// Names that end in a number but are no IPv4 address (`010.0.0.1`, `10.1`) are none: each client would read them in its
/// own way. Nor is the name of a scheme: it is what remains of `http//squid` and `http:/squid`.
fn host_name(text: &str) -> Option<String> {
    let name = ascii(text)?;
    let labels = name.strip_suffix('.').unwrap_or(&name);
    let is_host = is_labels(labels)
        && (!ends_in_number(labels) || name.parse::<Ipv4Addr>().is_ok())
        && Scheme::named(&name).is_none();
    is_host.then_some(name)
}

/// `text` in lower case, and in ASCII where it has an ASCII spelling (RFC 5891).
pub(super) fn ascii(text: &str) -> Option<String> {
    if text.is_ascii() {
        return Some(text.to_ascii_lowercase());
    }
    // Host::parse would also decode `%`, which has no place in a name.
    if text.contains('%') {
        return None;
    }
    let host = url::Host::parse(text).ok()?.to_string();
    host.is_ascii().then(|| host.to_ascii_lowercase())
}

/// Whether `text` is made of labels joined by dots.
pub(super) fn is_labels(text: &str) -> bool {
    text.split('.').all(|label| {
        !label.is_empty()
            && label
                .bytes()
                .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-' || b == b'_')
    })
}

/// Whether the last label is a number, decimal or hexadecimal: then it is an IPv4 address or nothing.
pub(super) fn ends_in_number(text: &str) -> bool {
    let last = text.rsplit('.').next().unwrap_or_default();
    let hexadecimal = last
        .strip_prefix("0x")
        .is_some_and(|digits| digits.bytes().all(|b| b.is_ascii_hexdigit()));
    hexadecimal || (!last.is_empty() && last.bytes().all(|b| b.is_ascii_digit()))
}

/// Without the blanks, line ends and quotes around it.
fn unwrapped(mut value: &[u8]) -> &[u8] {
    let wraps = |byte: &u8| byte.is_ascii_whitespace() || *byte == 0x0b || is_quote(*byte);
    while let Some((first, rest)) = value.split_first()
        && wraps(first)
    {
        value = rest;
    }
    while let Some((last, rest)) = value.split_last()
        && wraps(last)
    {
        value = rest;
    }
    value
}

fn is_quote(byte: u8) -> bool {
    matches!(byte, b'"' | b'\'' | b'`')
}

fn is_scheme_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'-' | b'.')
}

fn find(haystack: &[u8], needle: &[u8]) -> Option<usize> {
    haystack
        .windows(needle.len())
        .position(|window| window == needle)
}

/// RFC 4648 §4. Twelve lines, so no crate.
fn base64(bytes: &[u8]) -> String {
    const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut text = String::with_capacity(bytes.len().div_ceil(3) * 4);
    for group in bytes.chunks(3) {
        let byte = |at: usize| u32::from(group.get(at).copied().unwrap_or(0));
        let bits = byte(0) << 16 | byte(1) << 8 | byte(2);
        for at in 0..4 {
            let six = (bits >> (18 - 6 * at)) as usize & 63;
            text.push(if at <= group.len() {
                ALPHABET[six].into()
            } else {
                '='
            });
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mended(value: &str) -> Result<String, Unusable> {
        ProxyUrl::parse(value.as_bytes()).map(|proxy| proxy.with_secrets())
    }

    #[test]
    fn values_get_their_one_spelling() {
        for (value, expected) in [
            ("http://squid:3128", "http://squid:3128"),
            ("squid:3128", "http://squid:3128"),
            ("10.0.0.1:3128", "http://10.0.0.1:3128"),
            ("HTTP://Squid.Corp:3128", "http://squid.corp:3128"),
            ("http://squid:3128/", "http://squid:3128"),
            ("http://squid:3128/path?q#f", "http://squid:3128"),
            ("  http://squid:3128 \t", "http://squid:3128"),
            ("http://squid:3128\r\n", "http://squid:3128"),
            ("\"'http://squid:3128'\"", "http://squid:3128"),
            ("'http://squid:3128", "http://squid:3128"),
            ("http://squid", "http://squid:80"),
            ("http://squid:", "http://squid:80"),
            ("https://squid", "https://squid:443"),
            ("socks5h://squid", "socks5h://squid:1080"),
            ("http://[FD00:0::5]:3128", "http://[fd00::5]:3128"),
            ("http://[fd00::5]", "http://[fd00::5]:80"),
            (
                "http://bücher.example:3128",
                "http://xn--bcher-kva.example:3128",
            ),
            ("http://squid.corp.:3128", "http://squid.corp.:3128"),
            ("http://@squid:3128", "http://squid:3128"),
            ("http://u@squid:3128", "http://u@squid:3128"),
            ("http://u:@squid:3128", "http://u:@squid:3128"),
            ("http://:p@squid:3128", "http://:p@squid:3128"),
            ("u:p@squid:3128", "http://u:p@squid:3128"),
            ("http://u:p@ss@squid:3128", "http://u:p%40ss@squid:3128"),
            ("http://u:p%40ss@squid:3128", "http://u:p%40ss@squid:3128"),
            (
                "http://u:a#b/c?d@squid:3128",
                "http://u:a%23b%2Fc%3Fd@squid:3128",
            ),
            ("http://u:100%@squid:3128", "http://u:100%25@squid:3128"),
            ("http://u:a:b@squid:3128", "http://u:a%3Ab@squid:3128"),
            ("http://DOM\\u:p@squid:3128", "http://DOM%5Cu:p@squid:3128"),
        ] {
            assert_eq!(mended(value).as_deref(), Ok(expected), "{value:?}");
            assert_eq!(mended(expected).as_deref(), Ok(expected), "twice {value:?}");
        }
    }

    #[test]
    fn what_is_no_address_says_why() {
        for (value, why) in [
            ("", Unusable::Empty),
            (" \"\" ", Unusable::Empty),
            ("none", Unusable::Off),
            ("DIRECT", Unusable::Off),
            ("0", Unusable::Off),
            ("http://", Unusable::Off),
            ("ftp://squid:21", Unusable::Scheme),
            ("http//squid:3128", Unusable::Host),
            ("http:/squid:3128", Unusable::Host),
            ("http://http://squid:3128", Unusable::Host),
            ("http://squid corp:3128", Unusable::Host),
            ("http://sq\"uid:3128", Unusable::Host),
            ("http://a\r\nb:3128", Unusable::Host),
            ("http://010.0.0.1:3128", Unusable::Host),
            ("http://10.1:3128", Unusable::Host),
            (":3128", Unusable::Host),
            ("http://[fd00::5", Unusable::Host),
            ("http://fd00::5:3128", Unusable::Host),
            ("http://squid:port", Unusable::Port),
            ("http://squid:0", Unusable::Port),
            ("http://squid:99999", Unusable::Port),
            ("http://squid:+80", Unusable::Port),
            ("http://squid:3128,http://other:3128", Unusable::Port),
            ("http://[fd00::5]3128", Unusable::Port),
        ] {
            let why_found = mended(value);
            if value == "http://fd00::5:3128" {
                // Address or address and port? Nobody can tell.
                assert!(why_found.is_err(), "{value}");
            } else {
                assert_eq!(why_found, Err(why), "{value:?}");
            }
        }
    }

    #[test]
    fn a_password_of_any_bytes_survives() {
        let proxy = ProxyUrl::parse(b"http://u:p\xe9@squid:3128").unwrap();
        assert_eq!(proxy.with_secrets(), "http://u:p%E9@squid:3128");
        assert_eq!(proxy.basic_authorization().unwrap(), "Basic dTpw6Q==");
    }

    #[test]
    fn shown_without_password() {
        let proxy = ProxyUrl::parse(b"http://u:secret@squid:3128").unwrap();
        assert_eq!(proxy.to_string(), "http://u:***@squid:3128");
        assert_eq!(format!("{proxy:?}"), "http://u:***@squid:3128");
        assert_eq!(format!("{:?}", proxy.credentials()), "Some(u:***)");
        for token in ["http://secret@squid:3128", "http://secret:@squid:3128"] {
            let token = ProxyUrl::parse(token.as_bytes()).unwrap();
            assert_eq!(token.to_string(), "http://***@squid:3128");
        }
    }

    #[test]
    fn redacts_whatever_is_written() {
        for (text, shown) in [
            ("http://squid:3128", "http://squid:3128"),
            ("http://u:secret@squid:3128", "http://u:***@squid:3128"),
            ("u:secret@squid:3128", "u:***@squid:3128"),
            ("http://secret@squid", "http://***@squid"),
            ("http://secret:@squid", "http://***@squid"),
            ("http://u:se@cr/e#t?@squid:3128", "http://u:***@squid:3128"),
            (
                "\"http://u:secret@squid:3128\"",
                "\"http://u:***@squid:3128\"",
            ),
            ("http://u:sec\r\nret@squid\n", "http://u:***@squid"),
            ("http://u:secret", "http://u:***"),
            ("http://u:secret%40squid:3128", "http://u:***"),
            ("u:secret", "u:***"),
            ("u:12secret", "u:***"),
            ("u://secret", "u:***"),
            ("ftp://squid:21", "ftp://squid:21"),
            ("u:123456789", "u:***"),
            ("http://a b:secret@squid", "http://***@squid"),
            ("x:y://secret@squid", "x:***@squid"),
            ("u:p@squid:secret", "u:***@squid:***"),
            ("u:p@[fd00::5]:3128", "u:***@[fd00::5]:3128"),
            ("fd00::/8", "fd00::/8"),
            ("[fd00::5]:8080", "[fd00::5]:8080"),
            ("fe80::1%eth0", "fe80::1%eth0"),
            ("nexus:8081/path", "nexus:8081…"),
            ("nexus:8081/", "nexus:8081/"),
            ("u:1/secret", "u:1…"),
            ("a\nb", "a\\nb"),
            ("", ""),
        ] {
            assert_eq!(redact(text), shown, "{text:?}");
        }
        assert!(redact(&"é".repeat(5000)).len() < 300);
    }

    #[test]
    fn base64_as_in_rfc_4648() {
        for (plain, coded) in [
            ("", ""),
            ("f", "Zg=="),
            ("fo", "Zm8="),
            ("foo", "Zm9v"),
            ("foob", "Zm9vYg=="),
            ("fooba", "Zm9vYmE="),
            ("foobar", "Zm9vYmFy"),
        ] {
            assert_eq!(base64(plain.as_bytes()), coded);
        }
    }
}
