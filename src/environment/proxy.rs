//! Reads, judges and mends the proxy variables, so that *every* HTTP client in an image goes the same way.
//!
//! Clients differ in the spelling they read, in which wins, in what an empty or malformed value means and in the grammar
//! of the bypass list; many go directly, without a word, on a value they cannot read. docs/mend.md has each rule with its
//! reason. Pure: an [`Environment`] in, [`Edit`]s and [`Notice`]s out.

mod address;
mod bypass;
mod java;
mod notice;
mod settings;

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::str::FromStr;

pub use address::{Credentials, ProxyUrl, Scheme, Unusable, redact};
pub use bypass::{Bypass, Direct, DirectError, Entry, MANDATORY};
pub use notice::{Notice, Severity, Unsteerable};
pub use settings::{Settings, Way};

use super::{Edit, Environment};

/// What to do with the proxy variables: the value of `--proxy`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum Mode {
    /// Make all clients agree.
    #[default]
    Mend,
    /// Touch NO_PROXY and no_proxy only.
    Bypass,
    /// Take every proxy variable out.
    Strip,
    /// Change nothing, report only.
    Keep,
}

impl FromStr for Mode {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        <Self as clap::ValueEnum>::from_str(text, false)
            .map_err(|_| format!("`{text}` is none of mend, bypass, strip and keep"))
    }
}

/// What the user asked for.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Wishes {
    /// `--proxy`.
    pub mode: Mode,
    /// `--direct`: never through the proxy.
    pub direct: Vec<Direct>,
    /// `--java`: set JAVA_TOOL_OPTIONS as well.
    pub java: bool,
}

/// The outcome of [`mend`].
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Mended {
    /// What to change, one edit a variable at most.
    pub edits: Vec<Edit>,
    /// What to know, without repetitions.
    pub notices: Vec<Notice>,
}

const LISTS: [&str; 2] = ["no_proxy", "NO_PROXY"];
const HTTP: [&str; 2] = ["http_proxy", "HTTP_PROXY"];
const HTTPS: [&str; 2] = ["https_proxy", "HTTPS_PROXY"];
const ALL: [&str; 2] = ["all_proxy", "ALL_PROXY"];
const PIP: &str = "PIP_PROXY";
const GRPC: &str = "grpc_proxy";
const GRPC_LIST: &str = "no_grpc_proxy";
const NODE: &str = "NODE_USE_ENV_PROXY";
const JAVA: &str = "JAVA_TOOL_OPTIONS";
/// Every variable of gcloud's `proxy` section begins so.
const CLOUDSDK: &str = "CLOUDSDK_PROXY_";

const BLANK: &str =
    "an empty variable is not an unset one: some clients lose the other spelling by it";

/// Judges the proxy variables of `environment` and says how to mend them as `wishes` has it.
///
/// Mending twice changes nothing more.
pub fn mend(environment: &Environment, wishes: &Wishes) -> Mended {
    // The caller of a CGI program chooses HTTP_PROXY (by a `Proxy:` header), so that one must not be copied to where clients
    // believe it, and nobody can tell it from the operator's. The bypass list is safe to ensure: a caller reaches HTTP_* only,
    // and the list keeps tokens from a proxy of his.
    let cgi = environment.has("REQUEST_METHOD");
    let reach = match wishes.mode {
        Mode::Mend if cgi => Reach::Lists,
        Mode::Mend | Mode::Strip => Reach::All,
        Mode::Bypass => Reach::Lists,
        Mode::Keep => Reach::Nothing,
    };
    let mut draft = Draft {
        environment,
        reach,
        mended: Mended::default(),
    };
    let bypass = draft.bypass(&wishes.direct);
    draft.grpc_list(&bypass);
    if wishes.mode == Mode::Strip {
        draft.take_out("asked for by `--proxy strip`");
    } else {
        if cgi {
            let variables = draft.proxy_variables();
            draft.note(Notice::CgiEnvironment { variables });
        }
        draft.proxies(&bypass, wishes.java);
    }
    if wishes.mode == Mode::Keep {
        draft.metadata();
    }
    draft.mended
}

/// What the mode allows to be changed.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Reach {
    All,
    Lists,
    Nothing,
}

/// A proxy, and the variable that names it.
#[derive(Clone)]
struct Named {
    variable: String,
    proxy: ProxyUrl,
}

/// A mend on its way.
struct Draft<'a> {
    environment: &'a Environment,
    reach: Reach,
    mended: Mended,
}

impl<'a> Draft<'a> {
    /// All values of `variable`: an environment may hold it twice, and clients differ in which they take.
    fn values(&self, variable: &str) -> impl Iterator<Item = &'a OsStr> + use<'a> {
        let variable = variable.to_owned();
        self.environment
            .iter()
            .filter_map(move |(name, value)| (*name == *variable).then_some(value))
    }

    /// The spellings of `lower` that are neither lower nor upper case, as `No_Proxy`. npm and Python read them, and npm
    /// believes whichever stands last.
    fn odd_spellings(&self, lower: &str) -> Vec<String> {
        let mut names = Vec::new();
        for (name, _) in self.environment.iter() {
            if let Some(name) = name.to_str()
                && name.eq_ignore_ascii_case(lower)
                && name != lower
                && name != lower.to_ascii_uppercase()
                && !names.iter().any(|known| known == name)
            {
                names.push(name.to_owned());
            }
        }
        names
    }

    /// Takes those spellings out.
    fn without_odd_spellings(&mut self, lower: &str) {
        for name in self.odd_spellings(lower) {
            let why = format!("few clients read this spelling; `{lower}` says it to all");
            self.put(&name, None, why);
        }
    }

    fn is_filled(&self, variable: &str) -> bool {
        self.values(variable).any(|value| !is_blank(value))
    }

    fn note(&mut self, notice: Notice) {
        if !self.mended.notices.contains(&notice) {
            self.mended.notices.push(notice);
        }
    }

    /// Gives `variable` this value, or takes it out, where that changes something and is within reach.
    fn put(&mut self, variable: &str, after: Option<String>, why: impl Into<String>) {
        let within = match self.reach {
            Reach::All => true,
            Reach::Lists => variable.eq_ignore_ascii_case(LISTS[0]),
            Reach::Nothing => false,
        };
        let before: Vec<_> = self.values(variable).collect();
        let as_it_is = match &after {
            Some(after) => before == [OsStr::new(after)],
            None => before.is_empty(),
        };
        if within && !as_it_is {
            self.mended.edits.push(Edit {
                variable: variable.to_owned(),
                before: before.first().map(|value| (*value).to_owned()),
                after: after.map(Into::into),
                why: why.into(),
            });
        }
    }

    /// The list for both spellings: loopback and the metadata server, what the user's lists say, what `--direct` says. It is
    /// ensured with no proxy set, too: a script may set one later.
    fn bypass(&mut self, direct: &[Direct]) -> Bypass {
        let mut list = Bypass::mandatory();
        let [lower, upper] = LISTS.map(|variable| {
            let mut said = Bypass::default();
            for value in self.values(variable) {
                for notice in said.read(variable, value) {
                    self.note(notice);
                }
            }
            list.join(said.clone());
            said
        });
        if LISTS.iter().all(|variable| self.is_filled(variable)) && !lower.says_the_same(&upper) {
            self.note(Notice::BypassSpellingsDiffer);
        }
        for variable in self.odd_spellings(LISTS[0]) {
            let mut said = Bypass::default();
            for value in self.values(&variable) {
                for notice in said.read(&variable, value) {
                    self.note(notice);
                }
            }
            list.join(said);
        }
        self.without_odd_spellings(LISTS[0]);
        list.extend(direct.iter().flat_map(|direct| direct.0.iter().cloned()));
        let mut text = list.text();
        if list.is_all() && self.reach == Reach::Lists {
            // With the proxies out of reach, `*` has to stay: eight clients still see it among others.
            text.push_str(",*");
        }
        for variable in LISTS {
            self.put(
                variable,
                Some(text.clone()),
                "one list for all clients: loopback and the metadata server, then every entry that was given",
            );
        }
        list
    }

    /// The proxy variables themselves, and those that Google's, Python's, Node's and Java's tools add to them.
    fn proxies(&mut self, bypass: &Bypass, java: bool) {
        let [http, https, all] = [HTTP, HTTPS, ALL].map(|spellings| self.chosen(spellings));
        let cloudsdk = self.cloudsdk();
        let pip = self.pip();
        let (mut http, mut https) = (http.or_else(|| all.clone()), https.or(all));
        if http.is_none() && https.is_none() {
            http = cloudsdk.or(pip);
        }
        // Ruby, npm, gaxios, gRPC, undici and apt take one for both where only one is set; the others then go directly.
        if let (Some(one), None) | (None, Some(one)) = (&http, &https) {
            let (set, missing) = match http {
                Some(_) => (HTTP[0], HTTPS[0]),
                None => (HTTPS[0], HTTP[0]),
            };
            if [HTTP, HTTPS]
                .into_iter()
                .flatten()
                .any(|variable| variable == one.variable)
            {
                self.note(Notice::OneScheme { set, missing });
            }
            let one = one.clone();
            (http, https) = (Some(one.clone()), Some(one));
        }
        if bypass.is_all() {
            let honoured = self.reach == Reach::All;
            self.note(Notice::Star { honoured });
            if honoured {
                return self.take_out(
                    "`NO_PROXY` says `*`, which many clients understand only as no proxy at all",
                );
            }
        }
        self.agree(HTTP, http.as_ref());
        self.agree(HTTPS, https.as_ref());
        for variable in ALL {
            self.put(
                variable,
                None,
                "few clients read it; `http_proxy` and `https_proxy` say it to all",
            );
        }
        for spellings in [HTTP, HTTPS, ALL] {
            self.without_odd_spellings(spellings[0]);
        }
        self.without_own_ways();
        self.grpc();
        self.node(http.as_ref(), https.as_ref());
        self.java(http.as_ref(), https.as_ref(), bypass, java);
        self.unsteerable(http.as_ref(), https.as_ref(), bypass);
    }

    /// The proxy that two spellings name: the lower-case one first, as curl, git, Python and Ruby have it.
    fn chosen(&mut self, spellings: [&'static str; 2]) -> Option<Named> {
        let mut chosen: Option<(&'static str, ProxyUrl)> = None;
        for variable in spellings {
            for value in self.values(variable) {
                match (ProxyUrl::parse(value.as_bytes()), &chosen) {
                    (Ok(proxy), None) => chosen = Some((variable, proxy)),
                    (Ok(proxy), Some((taken, other))) if proxy != *other => {
                        let notice = Notice::SpellingsDiffer {
                            taken,
                            taken_shown: other.to_string(),
                            left: variable,
                            left_shown: proxy.to_string(),
                        };
                        self.note(notice);
                    }
                    (Ok(_), Some(_)) | (Err(Unusable::Empty), _) => {}
                    (Err(why), _) => self.note_unusable(variable, value, why),
                }
            }
        }
        let [lower, upper] = spellings;
        let Some((variable, proxy)) = chosen else {
            let odd = self.odd_spellings(lower);
            return odd.into_iter().find_map(|variable| {
                let value = self.values(&variable).next()?;
                let proxy = ProxyUrl::parse(value.as_bytes()).ok()?;
                Some(Named { variable, proxy })
            });
        };
        for (set, missing) in [(lower, upper), (upper, lower)] {
            if self.is_filled(set) && !self.is_filled(missing) {
                self.note(Notice::OneSpelling { set, missing });
            }
        }
        Some(Named {
            variable: variable.to_owned(),
            proxy,
        })
    }

    fn note_unusable(&mut self, variable: &str, value: &OsStr, why: Unusable) {
        self.note(Notice::ProxyUnusable {
            variable: variable.to_owned(),
            shown: redact(&value.to_string_lossy()),
            why,
        });
    }

    /// Both spellings name `wanted`, or neither is set.
    fn agree(&mut self, spellings: [&str; 2], wanted: Option<&Named>) {
        for variable in spellings {
            let why = match (self.values(variable).next(), wanted) {
                (Some(value), _) if is_blank(value) => BLANK.to_owned(),
                (Some(_), None) => "it names no proxy: clients crash on it or silently go directly".to_owned(),
                (Some(value), Some(wanted)) => match ProxyUrl::parse(value.as_bytes()) {
                    Ok(proxy) if proxy == wanted.proxy => {
                        "scheme and port said, nothing around them: many clients silently go directly on other forms"
                            .to_owned()
                    }
                    _ => format!("`{}` counts: clients differ in which spelling they follow", wanted.variable),
                },
                (None, Some(wanted)) => {
                    format!("the proxy of `{}`: clients differ in which variable they read", wanted.variable)
                }
                (None, None) => continue,
            };
            self.put(
                variable,
                wanted.map(|wanted| wanted.proxy.with_secrets()),
                why,
            );
        }
    }

    /// gcloud's own proxy properties: the proxy that they name.
    fn cloudsdk(&mut self) -> Option<Named> {
        let mut variables = Vec::new();
        for name in self.cloudsdk_variables() {
            if !self.is_filled(&name) {
                continue;
            }
            let value = self
                .values(&name)
                .next()
                .unwrap_or_default()
                .to_string_lossy();
            let shown = match &name[CLOUDSDK.len()..] {
                "ADDRESS" | "PORT" | "TYPE" | "RDNS" | "USERNAME" => redact(&value),
                _ => "***".to_owned(),
            };
            variables.push((name, shown));
        }
        if variables.is_empty() {
            return None;
        }
        self.note(Notice::CloudsdkProxy { variables });
        let said = |part: &str| {
            self.environment
                .filled(format!("{CLOUDSDK}{part}"))
                .map(str::trim)
        };
        let remote_names = !matches!(said("RDNS"), Some("false" | "False" | "0" | "no" | "off"));
        let scheme = match (said("TYPE").unwrap_or("http"), remote_names) {
            ("http" | "http_no_tunnel", _) => Scheme::Http,
            ("socks4", false) => Scheme::Socks4,
            ("socks4", true) => Scheme::Socks4a,
            ("socks5", false) => Scheme::Socks5,
            ("socks5", true) => Scheme::Socks5h,
            _ => return None,
        };
        let (host, port) = (said("ADDRESS")?, said("PORT")?);
        let mut proxy = ProxyUrl::from_parts(scheme, host, port)?;
        if let Some(user) = said("USERNAME") {
            let password = self.environment.get(format!("{CLOUDSDK}PASSWORD"));
            let password = password.map(OsStr::as_bytes);
            proxy = proxy.with_credentials(Credentials::new(user.as_bytes(), password));
        }
        Some(Named {
            variable: format!("{CLOUDSDK}ADDRESS"),
            proxy,
        })
    }

    /// The names that begin with `CLOUDSDK_PROXY_`, each once.
    fn cloudsdk_variables(&self) -> Vec<String> {
        let mut names = Vec::new();
        for (name, _) in self.environment.iter() {
            if let Some(name) = name.to_str().filter(|name| name.starts_with(CLOUDSDK))
                && !names.iter().any(|known| known == name)
            {
                names.push(name.to_owned());
            }
        }
        names
    }

    /// pip's own proxy option.
    fn pip(&mut self) -> Option<Named> {
        let value = self.values(PIP).find(|value| !is_blank(value))?;
        match ProxyUrl::parse(value.as_bytes()) {
            Ok(proxy) => {
                let shown = proxy.to_string();
                self.note(Notice::PipProxy { shown });
                let variable = PIP.to_owned();
                Some(Named { variable, proxy })
            }
            Err(why) => {
                self.note_unusable(PIP, value, why);
                None
            }
        }
    }

    /// gcloud and pip ignore the bypass list for the proxy of their own variables: take those out.
    fn without_own_ways(&mut self) {
        for name in self.cloudsdk_variables() {
            self.put(
                &name,
                None,
                "it makes gcloud ignore `NO_PROXY`, even for the metadata server",
            );
        }
        self.put(PIP, None, "it makes pip ignore `NO_PROXY`");
    }

    /// gRPC's own proxy stays if it is one, in the form that gRPC reads.
    fn grpc(&mut self) {
        let mut proxy = None;
        for value in self.values(GRPC) {
            match ProxyUrl::parse(value.as_bytes()) {
                Ok(found) => proxy = proxy.or(Some(found)),
                Err(Unusable::Empty) => {}
                Err(why) => self.note_unusable(GRPC, value, why),
            }
        }
        let why = match &proxy {
            Some(_) => "scheme and port said: gRPC silently goes directly on other forms",
            None => "it names no proxy, and hides the one of `https_proxy` from gRPC",
        };
        if let Some(client) = proxy.as_ref().and_then(Unsteerable::by_scheme) {
            self.note(Notice::UnsteerableClients(client));
        }
        self.put(GRPC, proxy.map(|proxy| proxy.with_secrets()), why);
    }

    /// gRPC's own list, where there is one, gets what the common list has.
    fn grpc_list(&mut self, bypass: &Bypass) {
        if self.is_filled(GRPC_LIST) {
            let mut list = bypass.clone();
            for value in self.values(GRPC_LIST) {
                for notice in list.read(GRPC_LIST, value) {
                    self.note(notice);
                }
            }
            if list.is_all() && !bypass.is_all() {
                self.note(Notice::Star { honoured: false });
            }
            self.put(
                GRPC_LIST,
                Some(list.text()),
                "gRPC reads it in place of `no_proxy`",
            );
        } else {
            self.put(GRPC_LIST, None, BLANK);
        }
    }

    /// Node's own HTTP client reads the variables only when told; with a SOCKS proxy in them it would not even start.
    fn node(&mut self, http: Option<&Named>, https: Option<&Named>) {
        let mut proxies = http.into_iter().chain(https).peekable();
        let some = proxies.peek().is_some();
        if some
            && proxies.all(|named| !named.proxy.scheme().is_socks())
            && self.environment.filled(NODE).is_none()
        {
            self.put(
                NODE,
                Some("1".into()),
                "Node's own HTTP client reads the proxy variables only with it",
            );
        }
    }

    fn java(&mut self, http: Option<&Named>, https: Option<&Named>, bypass: &Bypass, wanted: bool) {
        let (http, https) = (
            http.map(|named| &named.proxy),
            https.map(|named| &named.proxy),
        );
        if http.or(https).is_none() {
            return;
        }
        if !wanted {
            return self.note(Notice::UnsteerableClients(Unsteerable::Java));
        }
        if let Some(proxy) = [http, https]
            .into_iter()
            .flatten()
            .find(|proxy| !java::can_use(proxy))
        {
            let proxy = proxy.clone();
            self.note(Notice::UnsteerableClients(Unsteerable::JavaProxy { proxy }));
        }
        let before = self.environment.get(JAVA).unwrap_or_default();
        let Some(text) = before.to_str() else {
            let shown = redact(&before.to_string_lossy());
            return self.note(Notice::NotText {
                variable: JAVA.to_owned(),
                shown,
            });
        };
        match java::options(text, http, https, bypass) {
            Ok(after) => self.put(
                JAVA,
                Some(after),
                "asked for by `--java`: Java reads no proxy variable",
            ),
            Err(java::OpenQuote) => self.note(Notice::JavaOptionsOpenQuote),
        }
    }

    fn unsteerable(&mut self, http: Option<&Named>, https: Option<&Named>, bypass: &Bypass) {
        let proxies: Vec<_> = http
            .into_iter()
            .chain(https)
            .map(|named| &named.proxy)
            .collect();
        for proxy in &proxies {
            if let Some(client) = Unsteerable::by_scheme(proxy) {
                self.note(Notice::UnsteerableClients(client));
            }
            let needs_encoding = |credentials: &Credentials| credentials.needs_encoding();
            if proxy.credentials().is_some_and(needs_encoding) {
                let proxy = (*proxy).clone();
                self.note(Notice::UnsteerableClients(
                    Unsteerable::EncodedCredentials { proxy },
                ));
            }
        }
        for proxy in &proxies {
            let proxy = (*proxy).clone();
            if proxy.credentials().is_some_and(|own| !own.has_password()) {
                self.note(Notice::UnsteerableClients(Unsteerable::NoPassword {
                    proxy,
                }));
            }
        }
        if let [http, https] = proxies[..]
            && http != https
        {
            let (http, https) = (http.clone(), https.clone());
            self.note(Notice::UnsteerableClients(Unsteerable::TwoProxies {
                http,
                https,
            }));
        }
        if proxies.is_empty() {
            return;
        }
        self.note(Notice::UnsteerableClients(Unsteerable::BusyBoxWget));
        let blocks = bypass.opaque_blocks();
        if !blocks.is_empty() {
            self.note(Notice::UnsteerableClients(Unsteerable::Blocks { blocks }));
        }
    }

    /// The proxy variables that are set, CLOUDSDK_PROXY_* among them.
    fn proxy_variables(&self) -> Vec<String> {
        let known = [HTTP, HTTPS, ALL].into_iter().flatten().chain([PIP, GRPC]);
        let set = known.filter(|variable| self.environment.has(variable));
        let set = set.map(str::to_owned);
        let odd = [HTTP, HTTPS, ALL].map(|spellings| self.odd_spellings(spellings[0]));
        set.chain(odd.into_iter().flatten())
            .chain(self.cloudsdk_variables())
            .collect()
    }

    fn take_out(&mut self, why: &str) {
        for variable in self.proxy_variables() {
            self.put(&variable, None, why);
        }
    }

    /// Whether a proxy is set while a list lacks names of the metadata server, as the variables stand.
    fn metadata(&mut self) {
        let Some(proxy) = self
            .proxy_variables()
            .into_iter()
            .find(|variable| self.is_filled(variable))
        else {
            return;
        };
        for list in LISTS {
            let said: Vec<_> = self
                .environment
                .text(list)
                .map(|text| text.split(',').collect())
                .unwrap_or_default();
            let metadata = MANDATORY
                .into_iter()
                .filter(|name| !LOOPBACK.contains(name));
            let missing: Vec<_> = metadata.filter(|name| !said.contains(name)).collect();
            if !missing.is_empty() {
                let proxy = proxy.clone();
                self.note(Notice::MetadataWouldBeProxied {
                    proxy,
                    list,
                    missing,
                });
            }
        }
    }
}

/// The mandatory entries that are not the metadata server.
const LOOPBACK: [&str; 3] = ["localhost", "127.0.0.1", "::1"];

/// Whether a value holds nothing but blanks and quotes.
fn is_blank(value: &OsStr) -> bool {
    ProxyUrl::parse(value.as_bytes()) == Err(Unusable::Empty)
}

#[cfg(test)]
mod tests;
