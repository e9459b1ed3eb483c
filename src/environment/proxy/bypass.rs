//! The bypass list: what `NO_PROXY` says, read as people write it, written as every client reads it.
//!
//! There is no standard (curl, Go, Python, Node and wget differ in separators, wildcards, ports, CIDR and brackets), so a
//! list is read generously into [`Entry`]s and written in the one form that most clients agree on.

use std::cell::LazyCell;
use std::collections::HashSet;
use std::ffi::OsStr;
use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::os::unix::ffi::OsStrExt;
use std::str::FromStr;

use ipnet::{IpNet, Ipv4Net, Ipv4Subnets, Ipv6Net};

use super::address::{ascii, ends_in_number, is_labels, redact};
use super::notice::Notice;

/// Never through a proxy: loopback, and the metadata server by each of its names. Google's clients use all of them: Python
/// pings the address and then asks the name, Node asks the name with a dot behind it, scripts ask `metadata`.
pub const MANDATORY: [&str; 8] = [
    "localhost",
    "127.0.0.1",
    "::1",
    "metadata",
    "metadata.google.internal",
    DOTTED,
    "169.254.169.254",
    "fd20:ce::254",
];

/// The one name that keeps its final dot: Node's gcp-metadata asks for it, and gaxios compares letter by letter.
const DOTTED: &str = "metadata.google.internal.";

/// An IPv4 block of at most so many addresses is written out, for the clients that know no blocks: a /24.
const WRITTEN_OUT: u64 = 256;
/// And so many addresses over all blocks: 16 KB of the 128 KiB that the kernel allows for one variable.
const WRITTEN_OUT_IN_ALL: u64 = 1024;
/// No more blocks than this are written in more than one form.
const BLOCKS_IN_ALL_FORMS: usize = 256;
/// An IPv6 block of at most so many addresses is written out; a larger one cannot be written at all.
const WRITTEN_OUT_IPV6: u32 = 16;

/// One entry of a bypass list, in its one spelling.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Entry {
    /// One host by name: `nexus.corp.example`.
    Host(String),
    /// All hosts under a domain: `.corp.example`; the text is without the dot. Not the domain itself.
    Domain(String),
    /// One address.
    Address(IpAddr),
    /// A block of IPv4 addresses: `10.0.0.0/8`.
    Block(Ipv4Net),
    /// IPv4 addresses from one to another, ends included. Only Node reads `10.0.0.1-10.0.0.9`; it is written as blocks
    /// as well.
    Range(Ipv4Addr, Ipv4Addr),
    /// All hosts: `*`.
    All,
}

impl Entry {
    /// Whether a URL's `host` falls under this entry.
    pub fn covers(&self, host: &url::Host<&str>) -> bool {
        match (self, host) {
            (Self::All, _) => true,
            (Self::Host(name), url::Host::Domain(host)) => undotted(name) == undotted(host),
            (Self::Domain(domain), url::Host::Domain(host)) => undotted(host)
                .strip_suffix(domain.as_str())
                .is_some_and(|sub| sub.len() > 1 && sub.ends_with('.')),
            (Self::Address(IpAddr::V4(address)), url::Host::Ipv4(host)) => address == host,
            (Self::Address(IpAddr::V6(address)), url::Host::Ipv6(host)) => address == host,
            (Self::Block(block), url::Host::Ipv4(host)) => block.contains(host),
            (Self::Range(from, to), url::Host::Ipv4(host)) => from <= host && host <= to,
            _ => false,
        }
    }

    fn addresses(addresses: impl Iterator<Item = impl Into<IpAddr>>) -> Vec<Self> {
        addresses
            .map(|address| Self::Address(address.into()))
            .collect()
    }
}

/// As it stands in the variable.
impl fmt::Display for Entry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Host(name) => f.write_str(name),
            Self::Domain(domain) => write!(f, ".{domain}"),
            Self::Address(address) => write!(f, "{address}"),
            Self::Block(block) => write!(f, "{block}"),
            Self::Range(from, to) => write!(f, "{from}-{to}"),
            Self::All => f.write_str("*"),
        }
    }
}

fn undotted(name: &str) -> &str {
    name.strip_suffix('.').unwrap_or(name)
}

/// A host, domain, address or block that must be reached directly: the value of `--direct`.
///
/// Reads `nexus.corp.example`, `.corp.example`, `*.corp.example`, `10.1.2.3`, `fd00::5`, `10.0.0.0/8` and nothing that it would
/// have to bend.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Direct(pub(super) Vec<Entry>);

/// Why a text is no [`Direct`].
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DirectError {
    /// Several entries, or none.
    #[error("`{0}` is not one host, domain, address or block; give each by itself")]
    NotOne(String),
    /// `*`.
    #[error("`*` leaves nothing for the proxy; use --proxy strip")]
    All,
    /// It has parts that no client would honour.
    #[error("`{text}` names more than a host: no client honours that; write `{instead}`")]
    TooMuch {
        /// What was given, redacted.
        text: String,
        /// What may be given instead.
        instead: String,
    },
    /// No client would match it with anything.
    #[error("`{text}`: {why}; give a host, a `.domain`, an address or an IPv4 block")]
    Unusable {
        /// What was given, redacted.
        text: String,
        /// What is wrong with it.
        why: &'static str,
    },
}

impl FromStr for Direct {
    type Err = DirectError;

    fn from_str(text: &str) -> Result<Self, DirectError> {
        let item = text.trim();
        if item.is_empty() || item.contains(is_separator) {
            return Err(DirectError::NotOne(redact(item)));
        }
        let reading = Reading::of(item);
        let text = || redact(item);
        match reading.remark {
            _ if reading.entries.contains(&Entry::All) => Err(DirectError::All),
            Some(Remark::Dropped(why) | Remark::Ineffective(why)) => {
                Err(DirectError::Unusable { text: text(), why })
            }
            Some(Remark::Widened | Remark::Narrowed) => Err(DirectError::TooMuch {
                text: text(),
                instead: joined(&reading.entries),
            }),
            None if reading.entries.is_empty() => Err(DirectError::NotOne(text())),
            None => Ok(Self(reading.entries)),
        }
    }
}

impl fmt::Display for Direct {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&joined(&self.0))
    }
}

fn joined(entries: &[Entry]) -> String {
    entries
        .iter()
        .map(ToString::to_string)
        .collect::<Vec<_>>()
        .join(",")
}

/// A bypass list, in order and without repetitions.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Bypass {
    entries: Vec<Entry>,
    all: bool,
}

impl Bypass {
    /// The entries that no list may lack.
    pub fn mandatory() -> Self {
        let mut list = Self::default();
        list.extend(
            MANDATORY
                .into_iter()
                .flat_map(|item| Reading::of(item).entries),
        );
        list
    }

    /// Adds what `value` says; tells what had to be bent or left out.
    pub fn read(&mut self, variable: &str, value: &OsStr) -> Vec<Notice> {
        let (mut entries, mut notices) = (Vec::new(), Vec::new());
        let shown = LazyCell::new(|| shown_by(value));
        for item in value.as_bytes().split(|byte| is_separator((*byte).into())) {
            // Bytes of 0x80 and more are no ASCII separators, so a character is never torn apart here.
            let Ok(item) = std::str::from_utf8(item) else {
                notices.push(Notice::NotText {
                    variable: variable.to_owned(),
                    shown: shown(&String::from_utf8_lossy(item)),
                });
                continue;
            };
            for item in item.split(is_separator).filter(|item| !item.is_empty()) {
                let reading = Reading::of(item);
                notices.extend(reading.notice(item, &shown));
                entries.extend(reading.entries);
            }
        }
        self.extend(entries);
        notices
    }

    /// Adds `entries`, save those that are there.
    pub fn extend(&mut self, entries: impl IntoIterator<Item = Entry>) {
        let mut known: HashSet<Entry> = self.entries.iter().cloned().collect();
        for entry in entries {
            if entry == Entry::All {
                self.all = true;
            } else if known.insert(entry.clone()) {
                self.entries.push(entry);
            }
        }
    }

    /// Adds what `other` says.
    pub fn join(&mut self, other: Self) {
        self.all |= other.all;
        self.extend(other.entries);
    }

    /// The entries, `*` not among them.
    pub fn entries(&self) -> &[Entry] {
        &self.entries
    }

    /// Whether `*` was among them.
    pub fn is_all(&self) -> bool {
        self.all
    }

    /// Whether both hold the same entries, in whatever order.
    pub fn says_the_same(&self, other: &Self) -> bool {
        let entries = |list: &Self| -> HashSet<Entry> { list.entries.iter().cloned().collect() };
        self.all == other.all && entries(self) == entries(other)
    }

    /// The entry that lets a URL's `host` go directly.
    pub fn entry_for(&self, host: &url::Host<&str>) -> Option<&Entry> {
        static ALL: Entry = Entry::All;
        let entry = self.entries.iter().find(|entry| entry.covers(host));
        entry.or(self.all.then_some(&ALL))
    }

    /// The value for the environment, without `*`: it is for the caller to honour that one.
    pub fn text(&self) -> String {
        self.written().items.join(",")
    }

    /// The IPv4 blocks that stand in the value only as blocks, not as single addresses.
    pub fn opaque_blocks(&self) -> Vec<Ipv4Net> {
        self.written().opaque
    }

    fn written(&self) -> Written {
        let mut written = Written::default();
        for entry in &self.entries {
            match entry {
                Entry::Block(block) => written.block(*block),
                Entry::Range(from, to) => {
                    Ipv4Subnets::new(*from, *to, 0).for_each(|block| written.block(block));
                    written.item(entry.to_string());
                }
                _ => written.item(entry.to_string()),
            }
        }
        written
    }
}

/// A list on its way out. To mend twice must change nothing, so what is written here is read back as the same entries, and
/// each block comes with all its forms or with none, by rules that see only the blocks before it.
#[derive(Default)]
struct Written {
    items: Vec<String>,
    known: HashSet<String>,
    blocks: HashSet<Ipv4Net>,
    addresses: u64,
    opaque: Vec<Ipv4Net>,
}

impl Written {
    fn item(&mut self, item: String) {
        if self.known.insert(item.clone()) {
            self.items.push(item);
        }
    }

    /// A block, and what clients without CIDR may read instead: Node's range, the glob of global-agent and ureq, the addresses.
    fn block(&mut self, block: Ipv4Net) {
        if block.prefix_len() == 32 {
            return self.item(block.addr().to_string());
        }
        if !self.blocks.insert(block) {
            return;
        }
        self.item(block.to_string());
        if self.blocks.len() > BLOCKS_IN_ALL_FORMS {
            return self.opaque.push(block);
        }
        let (first, last) = (block.network(), block.broadcast());
        self.item(format!("{first}-{last}"));
        self.items_of_glob(block);
        let size = u64::from(u32::from(last) - u32::from(first)) + 1;
        if size <= WRITTEN_OUT && self.addresses + size <= WRITTEN_OUT_IN_ALL {
            self.addresses += size;
            for address in u32::from(first)..=u32::from(last) {
                self.item(Ipv4Addr::from(address).to_string());
            }
        } else {
            self.opaque.push(block);
        }
    }

    fn items_of_glob(&mut self, block: Ipv4Net) {
        if let Some(glob) = glob(block) {
            self.item(glob);
        }
    }
}

/// `10.*` for `10.0.0.0/8`, where the block ends at an octet.
pub(super) fn glob(block: Ipv4Net) -> Option<String> {
    let [a, b, c, _] = block.network().octets();
    match block.prefix_len() {
        8 => Some(format!("{a}.*")),
        16 => Some(format!("{a}.{b}.*")),
        24 => Some(format!("{a}.{b}.{c}.*")),
        _ => None,
    }
}

/// A way to show an entry.
type Shown = fn(&str) -> String;

/// How the entries of `value` may be shown. Where an `@` or a `:` without a port tells of a password in it, that password may
/// hold separators, so that each entry may be a piece of it.
fn shown_by(value: &OsStr) -> Shown {
    let text = value.to_string_lossy();
    let holds_password = |item: &str| item.ends_with(':') || redact(item) != item;
    let mut items = text
        .split(is_separator)
        .map(|item| item.trim_matches(is_wrapper));
    if text.contains('@') || items.any(holds_password) {
        |_| "***".to_owned()
    } else {
        redact
    }
}

/// All that people separate entries by. Pipes come from Java, semicolons from Windows.
fn is_separator(char: char) -> bool {
    matches!(char, ',' | ';' | '|') || char.is_whitespace()
}

fn is_wrapper(char: char) -> bool {
    matches!(char, '"' | '\'' | '`' | '“' | '”' | '‘' | '’')
}

/// What one item of a list means.
struct Reading {
    entries: Vec<Entry>,
    remark: Option<Remark>,
}

/// What happened to an item beyond a change of spelling.
#[derive(Clone, Copy)]
enum Remark {
    Widened,
    Narrowed,
    Dropped(&'static str),
    Ineffective(&'static str),
}

impl From<Entry> for Reading {
    fn from(entry: Entry) -> Self {
        vec![entry].into()
    }
}

impl From<Vec<Entry>> for Reading {
    fn from(entries: Vec<Entry>) -> Self {
        Self {
            entries,
            remark: None,
        }
    }
}

impl Reading {
    fn dropped(why: &'static str) -> Self {
        Self {
            entries: Vec::new(),
            remark: Some(Remark::Dropped(why)),
        }
    }

    fn remarked(self, remark: Remark) -> Self {
        Self {
            remark: self.remark.or(Some(remark)),
            ..self
        }
    }

    fn notice(
        &self,
        item: &str,
        shown: &LazyCell<Shown, impl FnOnce() -> Shown>,
    ) -> Option<Notice> {
        let remark = self.remark?;
        let entry = shown(item);
        let becomes = || shown(&joined(&self.entries));
        Some(match remark {
            Remark::Widened => Notice::EntryWidened {
                entry,
                becomes: becomes(),
            },
            Remark::Narrowed => Notice::EntryNarrowed {
                entry,
                becomes: becomes(),
            },
            Remark::Dropped(why) => Notice::EntryDropped { entry, why },
            Remark::Ineffective(why) => Notice::EntryIneffective { entry, why },
        })
    }

    /// Reads one item: `"https://user@Nexus.corp.example:8081/path"` is the host `nexus.corp.example`.
    fn of(item: &str) -> Self {
        let item = item.trim_matches(is_wrapper);
        let (scheme, rest) = match item.split_once("://") {
            Some((scheme, rest)) => (Some(scheme), rest),
            None => (None, item),
        };
        let rest = rest.rsplit_once('@').map_or(rest, |(_, host)| host);
        let rest = rest.trim_end_matches('/');
        if rest.is_empty() {
            return if item.is_empty() {
                Vec::new().into()
            } else {
                Self::dropped("it names no host")
            };
        }
        let (host, path) = rest
            .split_once(['/', '?', '#'])
            .map_or((rest, None), |(h, p)| (h, Some(p)));
        let bare = host.trim_matches(|char| is_wrapper(char) || matches!(char, '[' | ']'));
        if scheme.is_none()
            && let (Ok(address), Some(mask)) = (bare.parse(), path)
            && mask.starts_with(|char: char| char.is_ascii_digit())
        {
            return Self::block(address, mask.trim_end_matches([']', '"', '\'']));
        }
        let (host, port) = host_and_port(host);
        let reading = Self::of_host(host);
        match port {
            Some("") => reading,
            Some(port) if port.parse::<u16>().is_ok() => reading.remarked(Remark::Widened),
            Some(_) => Self::dropped("what stands behind its colon is no port"),
            None => reading,
        }
    }

    fn of_host(host: &str) -> Self {
        if let Ok(address) = host.parse::<IpAddr>() {
            return Entry::Address(address).into();
        }
        if let Some((address, _zone)) = host.split_once('%')
            && let Ok(address) = address.parse::<Ipv6Addr>()
        {
            return Self::from(Entry::Address(address.into())).remarked(Remark::Widened);
        }
        if let Some((from, to)) = host.split_once('-')
            && let (Ok(from), Ok(to)) = (from.parse::<Ipv4Addr>(), to.parse::<Ipv4Addr>())
        {
            return Self::range(from, to);
        }
        match ascii(host) {
            Some(name) => Self::of_name(&name),
            None => Self::dropped("it is no host name"),
        }
    }

    /// A range that is a block is that block, so that a block written as a range comes back as itself.
    fn range(from: Ipv4Addr, to: Ipv4Addr) -> Self {
        if from > to {
            return Self::dropped("its range ends before it begins");
        }
        let mut blocks = Ipv4Subnets::new(from, to, 0);
        match (blocks.next(), blocks.next()) {
            (Some(block), None) if block.prefix_len() == 32 => Entry::Address(from.into()).into(),
            (Some(block), None) => Entry::Block(block).into(),
            _ => Entry::Range(from, to).into(),
        }
    }

    fn block(address: IpAddr, mask: &str) -> Self {
        let block = match mask.parse::<u8>() {
            Ok(length) => IpNet::new(address, length).ok(),
            Err(_) => mask
                .parse()
                .ok()
                .and_then(|mask| IpNet::with_netmask(address, mask).ok()),
        };
        match block {
            Some(IpNet::V4(block)) if block.prefix_len() == 32 => {
                Entry::Address(block.addr().into()).into()
            }
            Some(IpNet::V4(block)) => Entry::Block(block.trunc()).into(),
            Some(IpNet::V6(block)) => Self::block_of_ipv6(block),
            None => Self::dropped("it is no block of addresses"),
        }
    }

    fn block_of_ipv6(block: Ipv6Net) -> Self {
        let (first, last) = (u128::from(block.network()), u128::from(block.broadcast()));
        if last - first < WRITTEN_OUT_IPV6.into() {
            Entry::addresses((first..=last).map(Ipv6Addr::from)).into()
        } else {
            Self::dropped("a block of IPv6 addresses makes httpx, and so many SDKs, crash")
        }
    }

    /// A name in lower-case ASCII, perhaps with dots around it and wildcards in it.
    fn of_name(name: &str) -> Self {
        if name == "*" {
            return Entry::All.into();
        }
        if let Some(block) = octets(name) {
            return Entry::Block(block).into();
        }
        if name == DOTTED {
            return Entry::Host(name.to_owned()).into();
        }
        let name = name.trim_end_matches('.');
        let (pattern, name) = match name.strip_prefix('*') {
            Some(rest) => (true, rest),
            None => (false, name),
        };
        let domain = name.trim_start_matches('.');
        if domain.is_empty() {
            return Self::dropped("it names no host");
        }
        if domain.contains('*') {
            return Self::dropped("a `*` that is not at its front is read by two clients only");
        }
        if let (false, Ok(address)) = (pattern, name.parse::<Ipv4Addr>()) {
            return Entry::Address(address.into()).into();
        }
        if !is_labels(domain) {
            return Self::dropped("it is no host name");
        }
        let reading = match (pattern, domain.len() < name.len()) {
            (_, true) => Self::from(Entry::Domain(domain.to_owned())),
            (false, false) => Entry::Host(domain.to_owned()).into(),
            // `*corp.example` is also `evilcorp.example`: hardly meant, and no list can say it to all clients.
            (true, false) => Self::from(vec![
                Entry::Host(domain.to_owned()),
                Entry::Domain(domain.to_owned()),
            ])
            .remarked(Remark::Narrowed),
        };
        if ends_in_number(domain) {
            return reading.remarked(Remark::Ineffective("it is neither a name nor an address"));
        }
        reading
    }
}

/// `10.`, `10.*` and `10.*.*.*` as the block they are meant as.
fn octets(text: &str) -> Option<Ipv4Net> {
    let (mut front, mut stars) = (text, 0);
    while let Some(rest) = front.strip_suffix(".*") {
        (front, stars) = (rest, stars + 1);
    }
    if stars == 0 {
        front = text.strip_suffix('.')?;
    }
    let count = front.split('.').count();
    if count > 3 || count + stars > 4 {
        return None;
    }
    let network = format!("{front}{}", ".0".repeat(4 - count)).parse().ok()?;
    Ipv4Net::new(network, 8 * u8::try_from(count).ok()?).ok()
}

/// Host and port of `host`, `host:port`, `[v6]:port`, `[v6]` and bare IPv6, which has no port.
fn host_and_port(text: &str) -> (&str, Option<&str>) {
    let inner = text.trim_start_matches(|char| is_wrapper(char) || char == '[');
    if let Some((host, behind)) = inner.split_once(']') {
        let host = host.trim_end_matches(is_wrapper);
        let behind = behind.trim_matches(|char| is_wrapper(char) || char == ']');
        return (
            host,
            behind
                .strip_prefix(':')
                .or((!behind.is_empty()).then_some(behind)),
        );
    }
    let address = inner.split('%').next().unwrap_or_default();
    match inner.split_once(':') {
        Some((host, port)) if address.parse::<Ipv6Addr>().is_err() => (host, Some(port)),
        _ => (inner, None),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(value: &str) -> (String, Vec<Notice>) {
        let mut list = Bypass::default();
        let notices = list.read("NO_PROXY", OsStr::new(value));
        let mut text = list.text();
        if list.is_all() {
            text.push('*');
        }
        (text, notices)
    }

    /// Each row of the table of malformed values that were measured in 52 clients, `~` being `nexus.corp.example`.
    #[test]
    fn malformed_values_of_real_life() {
        for (value, expected) in [
            ("a, ~", "a,~"),
            ("a ,~", "a,~"),
            ("~ ,a", "~,a"),
            ("a ~", "a,~"),
            ("a;~", "a,~"),
            ("a|~", "a,~"),
            ("a\t~", "a,~"),
            ("a\n~", "a,~"),
            ("a,\n~", "a,~"),
            ("~\n", "~"),
            ("~\r", "~"),
            (" ~ ", "~"),
            ("\u{a0}~\u{2003}a", "~,a"),
            ("\"~\"", "~"),
            ("'~'", "~"),
            ("“~”", "~"),
            ("\"a,~,b\"", "a,~,b"),
            ("[\"a\",\"~\"]", "a,~"),
            ("http://~", "~"),
            ("https://~/", "~"),
            ("http://~:80/path", "~"),
            ("http://user:pass@~", "~"),
            ("~/", "~"),
            ("~,", "~"),
            (",~", "~"),
            ("a,,~", "a,~"),
            ("*.corp.example", ".corp.example"),
            (".corp.example", ".corp.example"),
            ("..corp.example.", ".corp.example"),
            ("*corp.example", "corp.example,.corp.example"),
            ("nexus.*", ""),
            ("10.", "10.0.0.0/8,10.0.0.0-10.255.255.255,10.*"),
            ("10.*", "10.0.0.0/8,10.0.0.0-10.255.255.255,10.*"),
            ("10.*.*.*", "10.0.0.0/8,10.0.0.0-10.255.255.255,10.*"),
            (
                "192.168.",
                "192.168.0.0/16,192.168.0.0-192.168.255.255,192.168.*",
            ),
            ("~:80", "~"),
            ("~:8080", "~"),
            ("~:", "~"),
            ("~.", "~"),
            ("NEXUS.CORP.example", "~"),
            ("[~]", "~"),
            ("*,foo", "foo*"),
            ("[fd00::5]", "fd00::5"),
            ("[fd00::5]:8080", "fd00::5"),
            ("FD00:0:0::5", "fd00::5"),
            ("fe80::1%eth0", "fe80::1"),
            ("fd00::/8", ""),
            ("[fd00::]/8", ""),
            ("fd00::4/127", "fd00::4,fd00::5"),
            (".", ""),
            (",", ""),
            ("<local>", ""),
            ("/var/run/docker.sock", ""),
            (
                "192.168.*,*.ourdomain.com",
                "192.168.0.0/16,192.168.0.0-192.168.255.255,192.168.*,.ourdomain.com",
            ),
            ("10.0.0.0/99", ""),
            ("10.1.2.3/8", "10.0.0.0/8,10.0.0.0-10.255.255.255,10.*"),
            ("10.1.2.3/32", "10.1.2.3"),
            ("10.1.2.3.", "10.1.2.3"),
            (
                "10.0.0.0/255.0.0.0",
                "10.0.0.0/8,10.0.0.0-10.255.255.255,10.*",
            ),
            ("172.16.0.0/12", "172.16.0.0/12,172.16.0.0-172.31.255.255"),
            (
                "10.1.2.4/30",
                "10.1.2.4/30,10.1.2.4-10.1.2.7,10.1.2.4,10.1.2.5,10.1.2.6,10.1.2.7",
            ),
            ("10.1.2.9-10.1.2.3", ""),
            ("0.0.0.0/0", "0.0.0.0/0,0.0.0.0-255.255.255.255"),
            ("bücher.example", "xn--bcher-kva.example"),
            ("metadata.google.internal.", "metadata.google.internal."),
            ("~,~,nexus.CORP.example.,x", "~,x"),
            (
                "a-b.example,_srv._tcp.example",
                "a-b.example,_srv._tcp.example",
            ),
        ] {
            let place = |text: &str| text.replace('~', "nexus.corp.example");
            let (text, _) = read(&place(value));
            assert_eq!(text, place(expected), "{value:?}");
        }
    }

    #[test]
    fn what_is_written_is_read_back_as_itself() {
        for value in [
            "10.0.0.0/8",
            "10.1.2.4/30",
            "10.0.0.1-10.0.0.6",
            "10.1.2.0/24,10.1.3.0/24,10.1.4.0/24,10.1.5.0/24,10.1.6.0/24",
            "10.1.6.7,10.1.2.4/30,10.1.2.5",
        ] {
            let (once, _) = read(value);
            assert_eq!(read(&once), (once.clone(), Vec::new()), "{value}");
        }
    }

    #[test]
    fn a_range_is_written_as_blocks_too() {
        let (text, _) = read("10.0.0.3-10.0.0.4");
        assert_eq!(text, "10.0.0.3,10.0.0.4,10.0.0.3-10.0.0.4");
    }

    #[test]
    fn large_blocks_stay_blocks() {
        let mut list = Bypass::default();
        let value = "10.0.0.0/8,10.1.1.0/24,10.1.2.0/24,10.1.3.0/24,10.1.4.0/24,10.1.5.0/24";
        list.read("NO_PROXY", OsStr::new(value));
        let opaque: Vec<_> = list
            .opaque_blocks()
            .iter()
            .map(ToString::to_string)
            .collect();
        assert_eq!(opaque, ["10.0.0.0/8", "10.1.5.0/24"]);
        assert!(list.text().len() < 16 * 1024);
    }

    #[test]
    fn what_is_bent_or_left_out_is_told() {
        for (value, code) in [
            ("nexus:8080", "proxy/entry-widened"),
            ("[fd00::5]:443", "proxy/entry-widened"),
            ("fe80::1%eth0", "proxy/entry-widened"),
            ("*corp.example", "proxy/entry-narrowed"),
            ("nexus.*", "proxy/entry-dropped"),
            ("*.*", "proxy/entry-dropped"),
            ("fd00::/8", "proxy/entry-dropped"),
            ("10.0.0.0/99", "proxy/entry-dropped"),
            ("<local>", "proxy/entry-dropped"),
            ("/var/run/docker.sock", "proxy/entry-dropped"),
            ("nexus:http", "proxy/entry-dropped"),
            ("a..b", "proxy/entry-dropped"),
            ("010.0.0.1", "proxy/entry-ineffective"),
            ("10.1", "proxy/entry-ineffective"),
            ("300.1.2.3", "proxy/entry-ineffective"),
        ] {
            let (_, notices) = read(value);
            let codes: Vec<_> = notices
                .iter()
                .map(|notice| notice.code().as_str())
                .collect();
            assert_eq!(codes, [code], "{value}");
        }
        assert!(
            read("nexus, .corp.example;*.x.y|http://a/ 10.0.0.0/8")
                .1
                .is_empty()
        );
    }

    #[test]
    fn bytes_that_are_no_text_are_told() {
        let mut list = Bypass::default();
        let notices = list.read("NO_PROXY", OsStr::from_bytes(b"a,\xff\xfe,b"));
        assert_eq!(list.text(), "a,b");
        assert_eq!(notices.len(), 1);
    }

    #[test]
    fn covers_hosts() {
        let mut list = Bypass::mandatory();
        list.read(
            "NO_PROXY",
            OsStr::new("nexus.corp.example,.in.example,10.0.0.0/8,192.0.2.3-192.0.2.9"),
        );
        for (url, covered) in [
            ("http://metadata.google.internal/", true),
            ("http://metadata.google.internal./", true),
            ("http://METADATA/", true),
            ("http://169.254.169.254/", true),
            ("http://[fd20:ce::254]/", true),
            ("https://nexus.corp.example:8443/x", true),
            ("https://nexus.corp.example./", true),
            ("https://a.nexus.corp.example/", false),
            ("https://a.b.in.example/", true),
            ("https://in.example/", false),
            ("https://evilin.example/", false),
            ("http://10.200.1.1/", true),
            ("http://11.0.0.1/", false),
            ("http://192.0.2.5/", true),
            ("http://192.0.2.10/", false),
        ] {
            let url = url::Url::parse(url).unwrap();
            assert_eq!(
                list.entry_for(&url.host().unwrap()).is_some(),
                covered,
                "{url}"
            );
        }
    }

    #[test]
    fn direct_reads_what_it_can_keep() {
        for (text, expected) in [
            ("nexus.corp.example", "nexus.corp.example"),
            (" NEXUS ", "nexus"),
            (".corp.example", ".corp.example"),
            ("*.corp.example", ".corp.example"),
            ("10.1.2.3", "10.1.2.3"),
            ("fd00::5", "fd00::5"),
            ("[fd00::5]", "fd00::5"),
            ("10.0.0.0/8", "10.0.0.0/8"),
        ] {
            assert_eq!(text.parse::<Direct>().unwrap().to_string(), expected);
        }
    }

    #[test]
    fn direct_refuses_with_a_reason() {
        for (text, error) in [
            (
                "",
                "`` is not one host, domain, address or block; give each by itself",
            ),
            (
                "a,b",
                "`a,b` is not one host, domain, address or block; give each by itself",
            ),
            ("*", "`*` leaves nothing for the proxy; use --proxy strip"),
            (
                "nexus:8081",
                "`nexus:8081` names more than a host: no client honours that; write `nexus`",
            ),
            (
                "*corp.example",
                "`*corp.example` names more than a host: no client honours that; write `corp.example,.corp.example`",
            ),
            (
                "10.0.0.0/33",
                "`10.0.0.0/33`: it is no block of addresses; give a host, a `.domain`, an address or an IPv4 block",
            ),
            (
                "10.1",
                "`10.1`: it is neither a name nor an address; give a host, a `.domain`, an address or an IPv4 block",
            ),
        ] {
            assert_eq!(text.parse::<Direct>().unwrap_err().to_string(), error);
        }
    }
}
