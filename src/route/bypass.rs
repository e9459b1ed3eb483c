//! The grammar of a bypass list: how it is split, what is trimmed, and which comparisons an entry may win.

use std::net::{IpAddr, Ipv4Addr};

use super::Asked;

/// One client's grammar.
#[derive(Debug)]
pub(super) struct Bypass {
    pub(super) split: Split,
    pub(super) trim: Trim,
    pub(super) empty: Empty,
    /// Entries are lower-cased.
    pub(super) fold: bool,
    pub(super) lead: Lead,
    /// A trailing dot means nothing, on the host or on the entry.
    pub(super) trailing_dot: TrailingDot,
    /// A list that is just `*` bypasses everything.
    pub(super) lone_star: bool,
    pub(super) ports: Ports,
    /// An IPv6 host is compared with its brackets.
    pub(super) bracketed: bool,
    /// What an entry can win by if the host is a name.
    pub(super) names: &'static [Rule],
    /// The same if it is an address.
    pub(super) addresses: &'static [Rule],
    /// By what it might win, which nobody measured: the outcome is unknown.
    pub(super) unsure: &'static [Rule],
    /// This machine is never proxied, listed or not.
    pub(super) loopback: bool,
    /// The addresses of a name are compared as well.
    pub(super) resolves: bool,
    /// The client crashes on some entries, whatever the URL.
    pub(super) crashes: bool,
    /// A second grammar that the client asks as well: either takes a host past the proxy.
    pub(super) also: Option<&'static Bypass>,
}

/// A grammar with nothing special; each real one is this with its differences.
pub(super) const PLAIN: Bypass = Bypass {
    split: Split::Comma,
    trim: Trim::Both,
    empty: Empty::Skip,
    fold: true,
    lead: Lead::Keep,
    trailing_dot: TrailingDot::Keep,
    lone_star: false,
    ports: Ports::No,
    bracketed: false,
    names: &[],
    addresses: &[],
    unsure: &[],
    loopback: false,
    resolves: false,
    crashes: false,
    also: None,
};

/// Where one entry ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Split {
    Comma,
    /// At commas; trailing empty entries are dropped, and white space beside a comma (Perl's `split /\s*,\s*/`).
    Perl,
    /// At commas, blanks and tabs.
    CommaOrBlank,
    /// At commas, but a blank or tab after an entry ends the whole list.
    CommaUntilBlank,
    /// At commas and any white space.
    CommaOrSpace,
    /// At commas, white space and colons, where a colon before digits begins a port.
    Ruby,
}

/// Which white space around an entry is dropped.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Trim {
    None,
    /// What follows a comma.
    AfterComma,
    /// Blanks only, not line ends and tabs; those inside an entry too.
    Blanks,
    Both,
}

/// What an empty entry does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Empty {
    Skip,
    /// It is compared like any other, as the end of a host's text.
    Text,
    /// The same, and so is an empty list.
    TextAlone,
}

/// What is dropped from the start of an entry.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Lead {
    Keep,
    /// All leading dots.
    Dots,
    /// One `.` or `*.`.
    StarDot,
}

/// On which side a trailing dot is dropped.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum TrailingDot {
    Keep,
    Entry,
    Both,
}

/// What a port in an entry means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Ports {
    /// Nothing: it is a part of the text, and so the entry matches no host.
    No,
    /// The text is compared with `host:port` too, if the URL names a port.
    Explicit,
    /// The same, for names only.
    ExplicitForNames,
    /// It must be the URL's port, which may be the scheme's default.
    Effective,
    /// The same, but the digits after the last colon of a bare IPv6 address are taken for a port.
    EffectiveBlind,
    /// It must be the port that the URL names.
    Named,
}

/// A comparison of an entry with a host.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Rule {
    /// `x` is x.
    Exact,
    /// `x:80` is x on port 80, the scheme's default included, where the client knows no other ports.
    ExactWithPort,
    /// `x:8080` is x where the URL names that port.
    ExactWithNamedPort,
    /// `x` is below x.
    Below,
    /// `.x` is below x.
    DotBelow,
    /// `.x` is x itself.
    DotApex,
    /// `.x` is whatever ends in x, `wx` too.
    DotTail,
    /// `x` is whatever ends in x, `wx` too.
    Tail,
    /// `*.x` is below x.
    StarBelow,
    /// `*x` is whatever ends in x, where x begins with no dot.
    StarTail,
    /// `x*` and `x.` are whatever begins so.
    Head,
    /// `*` is everything.
    Star,
    /// `[x]` is x, be it a name.
    Bracketed,
    /// `[::1]:80` is an address, `[::1]` is not.
    BracketedWithPort,
    /// The same address, however it is written.
    SameAddress,
    /// The same, of IPv4.
    SameAddress4,
    /// `10.0.0.0/8`
    Cidr4,
    /// `fd00::/8`
    Cidr6,
    /// `10.0.0.0/8` is 10.0.0.0 and no other.
    CidrBase,
    /// `10.0.0.0-10.0.0.9`
    Range,
    /// Any spelling of this machine is each other.
    Loopback,
    /// `http://x` is that scheme and host on its default port, or the whole URL.
    Origin,
    /// `http://x` is that scheme and host, and `x/path` is x.
    Url,
}

/// What a list says about a host.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Answer {
    /// This entry takes it past the proxy.
    Listed(String),
    NotListed,
    /// Past the proxy, by a rule of the client's own.
    Loopback,
    /// The client may or may not understand this entry.
    Unsure(String),
    /// The client cannot start with this entry.
    Crashes(String),
}

struct Entry {
    text: String,
    port: Option<u16>,
}

impl Bypass {
    /// What `list` says about the host of `asked`; `None` is a list that is not set.
    pub(super) fn ask(&self, list: Option<&str>, asked: &Asked<'_>) -> Answer {
        if let Some(entry) = list.and_then(|list| self.crash(list)) {
            return Answer::Crashes(entry);
        }
        let resolves_to_loopback =
            || self.resolves && asked.addresses.iter().any(IpAddr::is_loopback);
        if self.loopback && (asked.is_loopback() || resolves_to_loopback()) {
            return Answer::Loopback;
        }
        let Some(list) = list else {
            return Answer::NotListed;
        };
        if self.lone_star && list == "*" {
            return Answer::Listed("*".into());
        }
        let mut unsure = None;
        for entry in self.entries(list) {
            if self.wins(self.rules(asked), &entry, asked)
                || self.resolves
                    && asked.addresses.iter().any(|ip| {
                        let rules = [Rule::SameAddress, Rule::Cidr4];
                        self.port_fits(&entry, asked)
                            && rules.iter().any(|rule| rule.holds_for(&entry.text, *ip))
                    })
            {
                return Answer::Listed(entry.shown());
            }
            if unsure.is_none() && self.wins(self.unsure, &entry, asked) {
                unsure = Some(entry.shown());
            }
        }
        match self.also.map(|also| also.ask(Some(list), asked)) {
            None | Some(Answer::NotListed) => unsure.map_or(Answer::NotListed, Answer::Unsure),
            Some(answer) => answer,
        }
    }

    fn rules(&self, asked: &Asked<'_>) -> &'static [Rule] {
        match asked.ip {
            None => self.names,
            Some(_) => self.addresses,
        }
    }

    fn wins(&self, rules: &[Rule], entry: &Entry, asked: &Asked<'_>) -> bool {
        if !self.port_fits(entry, asked) {
            return false;
        }
        let mut host = match self.bracketed {
            true => asked.bracketed(),
            false => asked.host.clone(),
        };
        if self.trailing_dot == TrailingDot::Both && host.ends_with('.') {
            host.pop();
        }
        let with_port = match (self.ports, asked.ip, asked.explicit_port) {
            (Ports::Explicit, _, Some(port)) | (Ports::ExplicitForNames, None, Some(port)) => {
                Some(format!("{host}:{port}"))
            }
            _ => None,
        };
        rules.iter().any(|rule| {
            rule.holds(entry, &host, asked)
                || with_port
                    .as_ref()
                    .is_some_and(|text| rule.holds(entry, text, asked))
        })
    }

    fn port_fits(&self, entry: &Entry, asked: &Asked<'_>) -> bool {
        match self.ports {
            Ports::Named => entry.port.is_none() || entry.port == asked.explicit_port,
            _ => entry.port.is_none_or(|port| port == asked.port),
        }
    }

    fn entries(&self, list: &str) -> Vec<Entry> {
        if list.is_empty() && self.empty != Empty::TextAlone {
            return Vec::new();
        }
        let pieces = match self.split {
            Split::Ruby => return ruby(list),
            Split::Comma => list.split(',').collect(),
            Split::Perl => perl(list),
            Split::CommaOrBlank => list.split([',', ' ', '\t']).collect(),
            Split::CommaOrSpace => list
                .split(|c: char| c == ',' || c.is_ascii_whitespace())
                .collect(),
            Split::CommaUntilBlank => until_blank(list),
        };
        let pieces = pieces.into_iter().enumerate();
        pieces
            .filter_map(|(place, piece)| self.entry(piece, place == 0))
            .collect()
    }

    fn entry(&self, piece: &str, first: bool) -> Option<Entry> {
        let mut text = match self.trim {
            Trim::None => piece.to_owned(),
            Trim::AfterComma if first => piece.to_owned(),
            Trim::AfterComma => piece.trim_start().to_owned(),
            Trim::Blanks => piece.replace(' ', ""),
            Trim::Both => piece.trim().to_owned(),
        };
        if text.is_empty() && self.empty == Empty::Skip {
            return None;
        }
        if self.fold {
            text.make_ascii_lowercase();
        }
        match self.lead {
            Lead::Keep => {}
            Lead::Dots => text = text.trim_start_matches('.').to_owned(),
            Lead::StarDot => {
                let rest = text.strip_prefix('*').unwrap_or(&text);
                if let Some(rest) = rest.strip_prefix('.') {
                    text = rest.to_owned();
                }
            }
        }
        let (mut text, port) = self.cut_port(text);
        if self.trailing_dot != TrailingDot::Keep {
            if text.ends_with('.') {
                text.pop();
            }
            if text.is_empty() {
                return None;
            }
        }
        Some(Entry { text, port })
    }

    fn cut_port(&self, text: String) -> (String, Option<u16>) {
        let cut = text.rsplit_once(':').and_then(|(host, port)| {
            let digits = !port.is_empty() && port.bytes().all(|b| b.is_ascii_digit());
            (digits && !host.is_empty()).then_some((host, port.parse().ok()?))
        });
        let Some((host, port)) = cut else {
            return (text, None);
        };
        let bare_v6 = host.contains(':') && !host.ends_with(']');
        match self.ports {
            Ports::No | Ports::Explicit | Ports::ExplicitForNames => (text, None),
            Ports::Effective | Ports::Named if bare_v6 => (text, None),
            Ports::Effective | Ports::EffectiveBlind | Ports::Named => {
                (host.to_owned(), Some(port))
            }
        }
    }

    /// The entry on which httpx cannot build its client: it makes a URL of each.
    fn crash(&self, list: &str) -> Option<String> {
        if !self.crashes {
            return None;
        }
        let entries: Vec<_> = list.split(',').map(str::trim).collect();
        if entries.contains(&"*") {
            return None;
        }
        let fatal = |entry: &str| {
            let host = entry.split('/').next().unwrap_or_default();
            let address = host.parse::<IpAddr>().ok();
            let cidr6 = entry != host && address.is_some_and(|ip| ip.is_ipv6());
            let port = host.split_once(':').map(|(_, port)| port);
            let bad_port = address.is_none()
                && !entry.contains("://")
                && port.is_some_and(|port| !port.bytes().all(|b| b.is_ascii_digit()));
            entry.chars().any(|c| c.is_ascii_control()) || cidr6 || bad_port
        };
        let entry = entries.into_iter().find(|entry| fatal(entry))?;
        Some(shown(&entry.escape_debug().to_string()))
    }
}

impl Entry {
    fn shown(&self) -> String {
        let text = shown(&self.text);
        match self.port {
            Some(port) => format!("{text}:{port}"),
            None => text,
        }
    }
}

/// What stands before an `@` may be a password, pasted with a URL.
fn shown(entry: &str) -> String {
    match entry.rsplit_once('@') {
        Some((_, host)) => format!("***@{host}"),
        None => entry.to_owned(),
    }
}

fn perl(list: &str) -> Vec<&str> {
    let mut pieces: Vec<_> = list.split(',').collect();
    let last = pieces.len() - 1;
    for (place, piece) in pieces.iter_mut().enumerate() {
        if place > 0 {
            *piece = piece.trim_start();
        }
        if place < last {
            *piece = piece.trim_end();
        }
    }
    while pieces.last().is_some_and(|piece| piece.is_empty()) {
        pieces.pop();
    }
    pieces
}

fn until_blank(list: &str) -> Vec<&str> {
    const BLANK: [char; 2] = [' ', '\t'];
    let mut pieces = Vec::new();
    let mut rest = Some(list);
    while let Some(text) = rest {
        let text = text.trim_start_matches(BLANK);
        let end = text.find([',', ' ', '\t']).unwrap_or(text.len());
        let (piece, after) = text.split_at(end);
        pieces.push(piece);
        rest = after.trim_start_matches(BLANK).strip_prefix(',');
    }
    pieces
}

fn ruby(list: &str) -> Vec<Entry> {
    let mut entries = Vec::new();
    let mut rest = list;
    let ends = |c: char| c == ':' || c == ',' || c.is_ascii_whitespace();
    while let Some(start) = rest.find(|c| !ends(c)) {
        rest = &rest[start..];
        let (host, after) = rest.split_at(rest.find(ends).unwrap_or(rest.len()));
        let port = after.strip_prefix(':').map(|after| {
            let end = after.find(|c: char| !c.is_ascii_digit());
            after.split_at(end.unwrap_or(after.len()))
        });
        rest = after;
        let mut number = None;
        if let Some((digits, after)) = port.filter(|(digits, _)| !digits.is_empty()) {
            // A number beyond any port is one that matches none.
            number = Some(digits.parse().unwrap_or(0));
            rest = after;
        }
        entries.push(Entry {
            text: host.to_ascii_lowercase(),
            port: number,
        });
    }
    entries
}

impl Rule {
    fn holds(self, entry: &Entry, host: &str, asked: &Asked<'_>) -> bool {
        let text = entry.text.as_str();
        let below = |suffix: &str| {
            host.strip_suffix(suffix)
                .is_some_and(|rest| rest.ends_with('.'))
        };
        match self {
            Self::Exact => text == host,
            Self::ExactWithPort => text == format!("{host}:{}", asked.port),
            Self::ExactWithNamedPort => asked
                .explicit_port
                .is_some_and(|port| text == format!("{host}:{port}")),
            Self::Below => below(text),
            Self::DotBelow => text.starts_with('.') && host.ends_with(text),
            Self::DotApex => text.strip_prefix('.') == Some(host),
            Self::DotTail => text.strip_prefix('.').is_some_and(|x| host.ends_with(x)),
            Self::Tail => host.ends_with(text),
            Self::StarBelow => text.strip_prefix("*.").is_some_and(below),
            Self::StarTail => text
                .strip_prefix('*')
                .is_some_and(|x| !x.is_empty() && !x.starts_with('.') && host.ends_with(x)),
            Self::Head => {
                let start = text.strip_suffix('*');
                start
                    .or(text.ends_with('.').then_some(text))
                    .is_some_and(|x| host.starts_with(x))
            }
            Self::Star => text == "*",
            Self::Bracketed => inside(text).is_some_and(|x| match asked.ip {
                Some(ip) => x.parse() == Ok(ip),
                None => x == host,
            }),
            Self::BracketedWithPort => {
                entry.port.is_some()
                    && inside(text).and_then(|x| x.parse().ok()) == asked.ip
                    && asked.ip.is_some()
            }
            Self::SameAddress
            | Self::SameAddress4
            | Self::Cidr4
            | Self::Cidr6
            | Self::CidrBase
            | Self::Range => asked.ip.is_some_and(|ip| self.holds_for(text, ip)),
            Self::Loopback => asked.is_loopback() && is_loopback(text),
            Self::Origin => {
                let origin = asked.url.origin().ascii_serialization();
                text == origin || text == asked.url.as_str()
            }
            Self::Url => match text.split_once("://") {
                Some((scheme, rest)) => scheme == asked.url.scheme() && before_path(rest) == host,
                None => {
                    let name = before_path(text);
                    name.len() < text.len()
                        && name.parse::<IpAddr>().is_err()
                        && (name == host || below(name))
                }
            },
        }
    }

    /// The rules that concern addresses.
    fn holds_for(self, text: &str, ip: IpAddr) -> bool {
        match self {
            Self::SameAddress => text.parse() == Ok(ip),
            Self::SameAddress4 => ip.is_ipv4() && text.parse() == Ok(ip),
            Self::Cidr4 => ip.is_ipv4() && in_network(text, ip),
            Self::Cidr6 => ip.is_ipv6() && in_network(text, ip),
            Self::CidrBase => {
                ip.is_ipv4() && text.contains('/') && before_path(text).parse() == Ok(ip)
            }
            Self::Range => {
                let range = text.split_once('-').and_then(|(first, last)| {
                    Some(first.parse::<Ipv4Addr>().ok()?..=last.parse().ok()?)
                });
                matches!((range, ip), (Some(range), IpAddr::V4(ip)) if range.contains(&ip))
            }
            _ => false,
        }
    }
}

fn inside(text: &str) -> Option<&str> {
    text.strip_prefix('[')?.strip_suffix(']')
}

fn before_path(text: &str) -> &str {
    text.split('/').next().unwrap_or_default()
}

fn in_network(text: &str, ip: IpAddr) -> bool {
    text.parse::<ipnet::IpNet>()
        .is_ok_and(|network| network.contains(&ip))
}

fn is_loopback(text: &str) -> bool {
    text == "localhost"
        || inside(text)
            .unwrap_or(text)
            .parse()
            .is_ok_and(|ip: IpAddr| ip.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;
    use Rule::*;

    fn answer(grammar: &Bypass, list: &str, url: &str) -> String {
        let url = url.parse().unwrap();
        let asked = Asked::new(&url, &[]).unwrap();
        match grammar.ask(Some(list), &asked) {
            Answer::Listed(entry) => entry,
            Answer::NotListed => "-".into(),
            other => format!("{other:?}"),
        }
    }

    #[test]
    fn each_way_to_split() {
        const EXACT: Bypass = Bypass {
            names: &[Exact],
            ..PLAIN
        };
        let rows: &[(Split, &str, &str)] = &[
            (Split::Comma, "a,x", "x"),
            (Split::Comma, "a x", "-"),
            (Split::Perl, "a , x", "x"),
            (Split::CommaOrBlank, "a\tx", "x"),
            (Split::CommaOrBlank, "a\nx", "-"),
            (Split::CommaUntilBlank, "x a", "x"),
            (Split::CommaUntilBlank, "a x,x", "-"),
            (Split::CommaUntilBlank, "a , x", "x"),
            (Split::CommaOrSpace, "a\nx", "x"),
            (Split::Ruby, "a:81 x:80", "x:80"),
            (Split::Ruby, "a:x", "x"),
            (Split::Ruby, "x:81", "-"),
        ];
        for (split, list, expected) in rows {
            let grammar = Bypass {
                split: *split,
                ..EXACT
            };
            assert_eq!(
                answer(&grammar, list, "http://x/"),
                *expected,
                "{split:?} {list:?}"
            );
        }
    }

    #[test]
    fn each_rule() {
        let rows: &[(Rule, &str, &str, bool)] = &[
            (Exact, "a.b", "http://a.b", true),
            (Exact, "b", "http://a.b", false),
            (ExactWithPort, "a.b:80", "http://a.b", true),
            (ExactWithPort, "a.b:80", "https://a.b", false),
            (Below, "b", "http://a.b", true),
            (Below, "b", "http://b", false),
            (Below, "b", "http://ab", false),
            (DotBelow, ".b", "http://a.b", true),
            (DotBelow, ".b", "http://b", false),
            (DotApex, ".b", "http://b", true),
            (DotTail, ".b", "http://ab", true),
            (DotTail, "b", "http://ab", false),
            (Tail, "b", "http://ab", true),
            (StarBelow, "*.b", "http://a.b", true),
            (StarBelow, "*.b", "http://b", false),
            (StarBelow, "*b", "http://ab", false),
            (StarTail, "*b", "http://ab", true),
            (StarTail, "*", "http://ab", false),
            (ExactWithNamedPort, "a:81", "http://a:81", true),
            (ExactWithNamedPort, "a:80", "http://a", false),
            (Head, "10.*", "http://10.1.2.3", true),
            (Head, "10.", "http://10.1.2.3", true),
            (Head, "10", "http://10.1.2.3", false),
            (Star, "*", "http://a", true),
            (Bracketed, "[fd00::5]", "http://[fd00:0::5]", true),
            (Bracketed, "[a]", "http://a", true),
            (SameAddress, "fd00:0::5", "http://[fd00::5]", true),
            (SameAddress, "10.1.2.3", "http://10.1.2.3", true),
            (SameAddress4, "10.1.2.3", "http://10.1.2.3", true),
            (SameAddress4, "fd00::5", "http://[fd00::5]", false),
            (Cidr4, "10.0.0.0/8", "http://10.1.2.3", true),
            (Cidr4, "10.0.0.0/99", "http://10.1.2.3", false),
            (Cidr4, "fd00::/8", "http://[fd00::5]", false),
            (Cidr6, "fd00::/8", "http://[fd00::5]", true),
            (CidrBase, "10.1.2.3/8", "http://10.1.2.3", true),
            (CidrBase, "10.0.0.0/8", "http://10.1.2.3", false),
            (Range, "10.0.0.0-10.9.9.9", "http://10.1.2.3", true),
            (Range, "10.2.0.0-10.9.9.9", "http://10.1.2.3", false),
            (Loopback, "::1", "http://127.0.0.1", true),
            (Loopback, "::1", "http://10.1.2.3", false),
            (Origin, "http://a", "http://a/b", true),
            (Origin, "http://a", "https://a/b", false),
            (Url, "http://a", "http://a:8080", true),
            (Url, "a/b", "http://x.a/", true),
        ];
        for (rule, entry, url, expected) in rows {
            let url = url.parse().unwrap();
            let asked = Asked::new(&url, &[]).unwrap();
            let text = (*entry).to_owned();
            let entry = Entry { text, port: None };
            assert_eq!(
                rule.holds(&entry, &asked.host, &asked),
                *expected,
                "{rule:?} {url}"
            );
        }
    }

    #[test]
    fn a_password_in_a_list_is_never_shown() {
        assert_eq!(shown("//user:s3cret@squid"), "***@squid");
        assert_eq!(shown("squid"), "squid");
    }

    #[test]
    fn what_httpx_cannot_start_with() {
        const HTTPX: Bypass = Bypass {
            crashes: true,
            ..PLAIN
        };
        let crash = |list| HTTPX.crash(list).is_some();
        for list in ["[::1]", "a,fd00::/8", "a\nb", "a\tb", "[::1]:80", "a:b"] {
            assert!(crash(list), "{list:?}");
        }
        for list in ["::1", "a,\nb", "a:80", "http://a", "[a]", "[::1],*", "a b"] {
            assert!(!crash(list), "{list:?}");
        }
    }
}
