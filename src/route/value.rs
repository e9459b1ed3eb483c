//! What becomes of a proxy variable's value.
//!
//! A value is taken apart once, tolerantly, and each way in which it is not a plain `http://host:port` is named as a
//! [`Defect`]. A client is the list of what it does with each defect. Two defects that both stop a client in different
//! ways, and shapes that nobody measured, give [`Verdict::Unknown`].

use std::net::Ipv4Addr;

use percent_encoding::percent_decode_str;

use super::{ProxyAddress, ProxyScheme};

/// What a client does with a defect.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Then {
    /// Uses the proxy as it was meant.
    Proxy,
    /// Goes direct without a word.
    Direct,
    /// Refuses or crashes.
    Fails,
    /// Connects, and then the two do not understand each other.
    Misspeaks,
    /// Loses the port and takes 80.
    Port80,
    /// Loses the host and the port and takes port 80 of this machine.
    LocalPort80,
    /// Not measured.
    Unknown,
    /// Differs by the scheme of the URL that is asked: http, https.
    By(&'static Then, &'static Then),
}

/// What one client does with unusual values.
#[derive(Debug)]
pub(super) struct Values {
    /// `10.0.0.1:3128`
    pub(super) schemeless_address: Then,
    /// `squid:3128`
    pub(super) schemeless_name: Then,
    /// `squid.corp.example:3128`, where that makes a difference.
    pub(super) schemeless_dotted: Option<Then>,
    /// `//squid:3128`
    pub(super) slashes: Then,
    /// `HTTP://squid:3128`
    pub(super) upper_scheme: Then,
    /// `http://squid:3128/path`
    pub(super) path: Then,
    /// ` http://squid:3128 `, a blank at both ends
    pub(super) blanks: Then,
    /// `"http://squid:3128"`
    pub(super) quotes: Then,
    /// A line feed at the end.
    pub(super) line_feed: Then,
    /// A carriage return at the end.
    pub(super) carriage_return: Then,
    /// `user:p%40ss@`
    pub(super) escaped_at: Then,
    /// `user:p@ss@`
    pub(super) raw_at: Then,
    /// `user:p#ss@`
    pub(super) raw_hash: Then,
    /// `user@`
    pub(super) no_password: Then,
    /// `user:p%s@`
    pub(super) bad_percent: Then,
    /// `socks5://`
    pub(super) socks5: Then,
    /// `socks5h://`
    pub(super) socks5h: Then,
    /// `socks://`
    pub(super) socks: Then,
    /// `https://`
    pub(super) tls: Then,
    /// `none`
    pub(super) none_word: Then,
    /// `http://`
    pub(super) no_host: Then,
    /// What an https URL meets at an `http://` proxy, whatever else the value is.
    pub(super) over_https: Then,
    /// The port where the value names none, for http and https URLs.
    pub(super) default_port: Option<(u16, u16)>,
}

/// A client that would take everything as it was meant; each real one is this with its differences.
pub(super) const TOLERANT: Values = Values {
    schemeless_address: Then::Proxy,
    schemeless_name: Then::Proxy,
    schemeless_dotted: None,
    slashes: Then::Proxy,
    upper_scheme: Then::Proxy,
    path: Then::Proxy,
    blanks: Then::Proxy,
    quotes: Then::Proxy,
    line_feed: Then::Proxy,
    carriage_return: Then::Proxy,
    escaped_at: Then::Proxy,
    raw_at: Then::Proxy,
    raw_hash: Then::Proxy,
    no_password: Then::Proxy,
    bad_percent: Then::Proxy,
    socks5: Then::Proxy,
    socks5h: Then::Proxy,
    socks: Then::Proxy,
    tls: Then::Proxy,
    none_word: Then::Proxy,
    no_host: Then::Proxy,
    over_https: Then::Proxy,
    default_port: Some((80, 80)),
};

/// A client of which only `http://host:port` was tried.
pub(super) const UNMEASURED: Values = Values {
    schemeless_address: Then::Unknown,
    schemeless_name: Then::Unknown,
    schemeless_dotted: None,
    slashes: Then::Unknown,
    upper_scheme: Then::Unknown,
    path: Then::Unknown,
    blanks: Then::Unknown,
    quotes: Then::Unknown,
    line_feed: Then::Unknown,
    carriage_return: Then::Unknown,
    escaped_at: Then::Unknown,
    raw_at: Then::Unknown,
    raw_hash: Then::Unknown,
    no_password: Then::Unknown,
    bad_percent: Then::Unknown,
    socks5: Then::Unknown,
    socks5h: Then::Unknown,
    socks: Then::Unknown,
    tls: Then::Unknown,
    none_word: Then::Unknown,
    no_host: Then::Unknown,
    over_https: Then::Proxy,
    default_port: None,
};

/// Something unusual about a value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Defect {
    SchemelessAddress,
    SchemelessName,
    SchemelessDotted,
    Slashes,
    UpperScheme,
    Path,
    Blanks,
    Quotes,
    LineFeed,
    CarriageReturn,
    EscapedAt,
    RawAt,
    RawHash,
    NoPassword,
    BadPercent,
    Socks5,
    Socks5h,
    Socks,
    Tls,
    NoneWord,
    NoHost,
}

impl Defect {
    fn then(self, values: &Values) -> Then {
        match self {
            Self::SchemelessAddress => values.schemeless_address,
            Self::SchemelessName => values.schemeless_name,
            Self::SchemelessDotted => values.schemeless_dotted.unwrap_or(values.schemeless_name),
            Self::Slashes => values.slashes,
            Self::UpperScheme => values.upper_scheme,
            Self::Path => values.path,
            Self::Blanks => values.blanks,
            Self::Quotes => values.quotes,
            Self::LineFeed => values.line_feed,
            Self::CarriageReturn => values.carriage_return,
            Self::EscapedAt => values.escaped_at,
            Self::RawAt => values.raw_at,
            Self::RawHash => values.raw_hash,
            Self::NoPassword => values.no_password,
            Self::BadPercent => values.bad_percent,
            Self::Socks5 => values.socks5,
            Self::Socks5h => values.socks5h,
            Self::Socks => values.socks,
            Self::Tls => values.tls,
            Self::NoneWord => values.none_word,
            Self::NoHost => values.no_host,
        }
    }

    /// Why a client fails that fails on this.
    fn failure(self) -> &'static str {
        match self {
            Self::SchemelessAddress
            | Self::SchemelessName
            | Self::SchemelessDotted
            | Self::Slashes => "takes no proxy without `http://`",
            Self::UpperScheme => "takes no scheme in upper case",
            Self::Path => "takes no proxy with a path",
            Self::Blanks => "takes no blanks around a proxy",
            Self::Quotes => "takes the quotes for a part of the proxy",
            Self::LineFeed => "takes no line feed after a proxy",
            Self::CarriageReturn => "takes no carriage return after a proxy",
            Self::EscapedAt => "decodes the password before it looks for the host",
            Self::RawAt => "takes no raw `@` in a password",
            Self::RawHash => "takes no raw `#` in a password",
            Self::NoPassword => "takes no user without a password",
            Self::BadPercent => "takes no invalid percent escape in a password",
            Self::Socks5 | Self::Socks5h | Self::Socks => "cannot use this kind of SOCKS proxy",
            Self::Tls => "cannot use an `https://` proxy",
            Self::NoneWord => "takes the word for a proxy's name",
            Self::NoHost => "takes no proxy without a host",
        }
    }
}

/// Why a request fails at a proxy that was reached.
pub(super) const MISSPEAKS: &str = "speaks to the proxy in another protocol than it expects";

/// What a client makes of a value.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    Via(ProxyAddress),
    /// The value is ignored without a word.
    Ignored,
    Fails(&'static str),
    Unknown,
}

impl Values {
    /// What this client makes of `raw`, a value that is not empty.
    pub(super) fn judge(&self, raw: &str, https: bool) -> Verdict {
        let Some(value) = Value::read(raw) else {
            return Verdict::Unknown;
        };
        let by_scheme = |then| match then {
            Then::By(http, secure) => *if https { secure } else { http },
            other => other,
        };
        let mut decisive: Option<(Then, &'static str)> = None;
        let mut take = |then: Then, failure| {
            let then = by_scheme(then);
            match decisive {
                _ if then == Then::Proxy => {}
                None => decisive = Some((then, failure)),
                Some((first, _)) if first == then => {}
                // Who refuses never comes to speak.
                Some((Then::Fails, _)) if then == Then::Misspeaks => {}
                Some((Then::Misspeaks, _)) if then == Then::Fails => {
                    decisive = Some((then, failure));
                }
                Some(_) => decisive = Some((Then::Unknown, failure)),
            }
        };
        for defect in &value.defects {
            take(defect.then(self), defect.failure());
        }
        if https && value.scheme == ProxyScheme::Http {
            take(self.over_https, MISSPEAKS);
        }
        let default_port = || {
            let (http, secure) = self.default_port?;
            (value.scheme == ProxyScheme::Http).then_some(if https { secure } else { http })
        };
        let address = |host: &str, port| {
            Verdict::Via(ProxyAddress {
                scheme: value.scheme,
                host: host.to_owned(),
                port,
                credentials: value.credentials,
            })
        };
        match decisive {
            None => match value.port.or_else(default_port) {
                Some(port) if !value.host.is_empty() => address(&value.host, port),
                _ => Verdict::Unknown,
            },
            Some((Then::Direct, _)) => Verdict::Ignored,
            Some((Then::Fails, why)) => Verdict::Fails(why),
            Some((Then::Misspeaks, _)) => Verdict::Fails(MISSPEAKS),
            Some((Then::Port80, _)) => address(&value.host, 80),
            Some((Then::LocalPort80, _)) => address("localhost", 80),
            Some((Then::Proxy | Then::Unknown | Then::By(..), _)) => Verdict::Unknown,
        }
    }
}

/// A value taken apart.
#[derive(Debug)]
struct Value {
    scheme: ProxyScheme,
    /// Empty with [`Defect::NoHost`] only.
    host: String,
    port: Option<u16>,
    credentials: bool,
    defects: Vec<Defect>,
}

/// Words that people write to say that there is no proxy.
const NONE_WORDS: &[&str] = &["none", "direct", "false", "off", "no", "null", "disabled"];

impl Value {
    /// `None` for a shape that nobody measured.
    fn read(raw: &str) -> Option<Self> {
        let mut defects = Vec::new();
        let mut rest = raw;
        if let Some(before) = rest.strip_suffix('\n') {
            defects.push(Defect::LineFeed);
            rest = before;
        }
        if let Some(before) = rest.strip_suffix('\r') {
            defects.push(Defect::CarriageReturn);
            rest = before;
        }
        if let Some(inner) = rest
            .strip_prefix(' ')
            .and_then(|rest| rest.strip_suffix(' '))
        {
            defects.push(Defect::Blanks);
            rest = inner.trim_matches(' ');
        }
        if let Some(inner) = rest
            .strip_prefix('"')
            .and_then(|rest| rest.strip_suffix('"'))
        {
            defects.push(Defect::Quotes);
            rest = inner;
        }
        let scheme = match rest.split_once("://") {
            Some((scheme, after)) => {
                rest = after;
                match scheme {
                    "http" => ProxyScheme::Http,
                    "https" => {
                        defects.push(Defect::Tls);
                        ProxyScheme::Https
                    }
                    "socks5" => {
                        defects.push(Defect::Socks5);
                        ProxyScheme::Socks5
                    }
                    "socks5h" => {
                        defects.push(Defect::Socks5h);
                        ProxyScheme::Socks5h
                    }
                    "socks" => {
                        defects.push(Defect::Socks);
                        ProxyScheme::Socks
                    }
                    _ if scheme.eq_ignore_ascii_case("http") => {
                        defects.push(Defect::UpperScheme);
                        ProxyScheme::Http
                    }
                    _ => return None,
                }
            }
            None => {
                if let Some(after) = rest.strip_prefix("//") {
                    defects.push(Defect::Slashes);
                    rest = after;
                } else if NONE_WORDS
                    .iter()
                    .any(|word| rest.eq_ignore_ascii_case(word))
                {
                    defects.push(Defect::NoneWord);
                } else {
                    let host = rest.split([':', '/']).next().unwrap_or_default();
                    defects.push(match host.parse::<Ipv4Addr>() {
                        Ok(_) => Defect::SchemelessAddress,
                        Err(_) if host.contains('.') => Defect::SchemelessDotted,
                        Err(_) => Defect::SchemelessName,
                    });
                }
                ProxyScheme::Http
            }
        };
        if rest.is_empty() {
            defects.push(Defect::NoHost);
            return Some(Self {
                scheme,
                host: String::new(),
                port: None,
                credentials: false,
                defects,
            });
        }
        let credentials = match rest.rsplit_once('@') {
            Some((credentials, after)) => {
                rest = after;
                read_credentials(credentials, &mut defects)?;
                true
            }
            None => false,
        };
        let authority = match rest.split_once('/') {
            Some((authority, "")) => authority,
            Some((authority, path)) if path.bytes().all(is_plain) => {
                defects.push(Defect::Path);
                authority
            }
            Some(_) => return None,
            None => rest,
        };
        let (host, port) = match authority.split_once(':') {
            Some((host, port)) if port.bytes().all(|b| b.is_ascii_digit()) => {
                (host, Some(port.parse().ok()?))
            }
            Some(_) => return None,
            None => (authority, None),
        };
        let plain = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'-' | b'_');
        (!host.is_empty() && host.bytes().all(plain)).then(|| Self {
            scheme,
            host: host.to_ascii_lowercase(),
            port,
            credentials,
            defects,
        })
    }
}

fn read_credentials(credentials: &str, defects: &mut Vec<Defect>) -> Option<()> {
    match credentials.split_once(':') {
        None => defects.push(Defect::NoPassword),
        Some((user, password)) if user.is_empty() || password.is_empty() => return None,
        Some(_) => {}
    }
    let known =
        |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'%' | b'@' | b'#' | b':') || is_plain(b);
    if !credentials.bytes().all(|b| known(b) && b != b'/') {
        return None;
    }
    if credentials.contains('@') {
        defects.push(Defect::RawAt);
    }
    if credentials.contains('#') {
        defects.push(Defect::RawHash);
    }
    let mut escapes = credentials.split('%').skip(1);
    if !escapes.all(|after| {
        let mut digits = after.bytes();
        let mut hex = || digits.next().is_some_and(|b| b.is_ascii_hexdigit());
        hex() && hex()
    }) {
        defects.push(Defect::BadPercent);
    } else if credentials.contains('%') {
        let decoded = percent_decode_str(credentials).decode_utf8().ok()?;
        if decoded.contains('@') && !credentials.contains('@') {
            defects.push(Defect::EscapedAt);
        }
    }
    Some(())
}

/// A character that stands for itself in any part of a URL.
fn is_plain(b: u8) -> bool {
    b.is_ascii_alphanumeric() || matches!(b, b'.' | b'-' | b'_' | b'~' | b'/')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_taken_apart() {
        let rows: &[(&str, &str)] = &[
            ("http://squid:3128", "Http squid:3128 []"),
            ("http://squid:3128/", "Http squid:3128 []"),
            ("http://squid", "Http squid []"),
            ("HTTP://SQUID:1", "Http squid:1 [UpperScheme]"),
            ("squid:3128", "Http squid:3128 [SchemelessName]"),
            ("squid", "Http squid [SchemelessName]"),
            ("10.0.0.1:3128/", "Http 10.0.0.1:3128 [SchemelessAddress]"),
            ("//squid:3128", "Http squid:3128 [Slashes]"),
            ("None", "Http none [NoneWord]"),
            ("http://", "Http  [NoHost]"),
            ("http://squid:1/a/b", "Http squid:1 [Path]"),
            (" http://squid:1 ", "Http squid:1 [Blanks]"),
            ("\"squid:1\"", "Http squid:1 [Quotes, SchemelessName]"),
            (
                "http://squid:1\r\n",
                "Http squid:1 [LineFeed, CarriageReturn]",
            ),
            ("http://u:p@squid:1", "Http squid:1 []"),
            ("http://u:p%40s@squid:1", "Http squid:1 [EscapedAt]"),
            ("http://u:p%2Fs@squid:1", "Http squid:1 []"),
            ("http://u:p@s@squid:1", "Http squid:1 [RawAt]"),
            ("http://u:p#s@squid:1", "Http squid:1 [RawHash]"),
            ("http://u:p%s@squid:1", "Http squid:1 [BadPercent]"),
            ("http://u@squid:1", "Http squid:1 [NoPassword]"),
            ("socks5h://squid:1080", "Socks5h squid:1080 [Socks5h]"),
            ("https://squid:3129", "Https squid:3129 [Tls]"),
        ];
        for (raw, expected) in rows {
            let value = Value::read(raw).expect(raw);
            let port = value
                .port
                .map(|port| format!(":{port}"))
                .unwrap_or_default();
            let read = format!(
                "{:?} {}{port} {:?}",
                value.scheme, value.host, value.defects
            );
            assert_eq!(read, *expected, "{raw:?}");
        }
    }

    #[test]
    fn shapes_nobody_measured_are_not_guessed() {
        for raw in [
            " http://squid:1",
            "'http://squid:1'",
            "http:/squid:1",
            "http://squid:port",
            "http://squid:99999",
            "http://[::1]:3128",
            "http://squid:1?a=b",
            "http://squid 1:2",
            "http://u:@squid:1",
            "http://u:a/b@squid:1",
            "ftp://squid:1",
            "HTTPS://squid:1",
            "socks4://squid:1",
            "http://a,http://b",
            "\"http://squid:1",
            "http://squid:1\t",
        ] {
            assert!(Value::read(raw).is_none(), "{raw:?}");
        }
    }

    #[test]
    fn defects_combine_only_where_the_outcome_is_certain() {
        const FUSSY: Values = Values {
            quotes: Then::Fails,
            schemeless_name: Then::Direct,
            blanks: Then::By(&Then::Fails, &Then::Proxy),
            socks: Then::Misspeaks,
            ..TOLERANT
        };
        let via = |text: &str| text.to_owned();
        let judged = |raw, https| match FUSSY.judge(raw, https) {
            Verdict::Via(address) => via(&address.to_string()),
            other => format!("{other:?}"),
        };
        assert_eq!(judged("squid:1", false), "Ignored");
        assert_eq!(judged("10.0.0.1", false), "http://10.0.0.1:80");
        assert_eq!(
            judged("\"squid:1\"", false),
            "Unknown",
            "one defect is ignored, the other fails"
        );
        assert_eq!(judged("\"HTTP://squid:1\"", false).get(..5), Some("Fails"));
        assert_eq!(judged(" http://squid:1 ", false).get(..5), Some("Fails"));
        assert_eq!(judged(" http://squid:1 ", true), "http://squid:1");
        assert_eq!(judged("http://squid:1", false), "http://squid:1");
        assert_eq!(judged("\"http://squid:1\"", true).get(..5), Some("Fails"));
        assert_eq!(
            judged("socks://squid:1", false),
            format!("Fails({MISSPEAKS:?})")
        );
        assert_eq!(
            judged("https://squid", true),
            "Unknown",
            "its port is not known"
        );
    }

    #[test]
    fn a_password_is_never_shown() {
        let verdict = TOLERANT.judge("http://user:s3cret@squid:1", false);
        let shown = format!("{verdict:?}");
        assert_eq!(shown, "Via(http://***@squid:1)");
    }
}
