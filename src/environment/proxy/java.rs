//! `JAVA_TOOL_OPTIONS`: Java reads no proxy variable, so on request it gets its system properties.
//!
//! Only on request: each JVM prints the variable on standard error, and scripts that read it there would break.

use super::address::{ProxyUrl, Scheme};
use super::bypass::{Bypass, Entry, glob};

/// An open quote, with which no JVM starts.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct OpenQuote;

/// Whether Java can use `proxy`: its properties know plain HTTP only, and the JDK sends no credentials through them.
pub(super) fn can_use(proxy: &ProxyUrl) -> bool {
    proxy.scheme() == Scheme::Http && proxy.credentials().is_none()
}

/// `options` with the properties of the proxies it can use. What it sets already stays; its own list of direct hosts is
/// joined.
pub(super) fn options(
    options: &str,
    http: Option<&ProxyUrl>,
    https: Option<&ProxyUrl>,
    bypass: &Bypass,
) -> Result<String, OpenQuote> {
    let mut text = options.to_owned();
    for (scheme, proxy) in [("http", http), ("https", https)] {
        let Some(proxy) = proxy.filter(|proxy| can_use(proxy)) else {
            continue;
        };
        if property(&text, &format!("-D{scheme}.proxyHost="))?.is_none() {
            let host = proxy.host().trim_matches(['[', ']']);
            let port = proxy.port();
            append(
                &mut text,
                &format!("-D{scheme}.proxyHost={host} -D{scheme}.proxyPort={port}"),
            );
        }
    }
    let wanted = direct_hosts(bypass);
    match property(&text, NON_PROXY_HOSTS)? {
        Some(Property { value, end }) => {
            // Joined at the end of the word: the JVM drops quotes within a word, so this holds behind a quote too.
            let known: Vec<_> = value.split('|').collect();
            let missing = wanted.iter().filter(|host| !known.contains(&host.as_str()));
            let more: Vec<_> = missing.map(String::as_str).collect();
            if !more.is_empty() {
                let bar = if value.is_empty() { "" } else { "|" };
                text.insert_str(end, &format!("{bar}{}", more.join("|")));
            }
        }
        None => append(&mut text, &format!("{NON_PROXY_HOSTS}{}", wanted.join("|"))),
    }
    Ok(text)
}

const NON_PROXY_HOSTS: &str = "-Dhttp.nonProxyHosts=";

fn append(text: &mut String, option: &str) {
    if !text.is_empty() && !text.ends_with(char::is_whitespace) {
        text.push(' ');
    }
    text.push_str(option);
}

/// The bypass list in Java's grammar: `|` between entries, `*.` before domains, brackets around IPv6, no CIDR.
fn direct_hosts(bypass: &Bypass) -> Vec<String> {
    // Read back from its text, so that a list that was mended before gives the same.
    let mut list = Bypass::default();
    list.read("no_proxy", bypass.text().as_ref());
    let globs: Vec<_> = list
        .entries()
        .iter()
        .filter_map(|entry| match entry {
            Entry::Block(block) => Some((*block, glob(*block)?)),
            _ => None,
        })
        .collect();
    list.entries()
        .iter()
        .filter_map(|entry| match entry {
            Entry::Host(name) => Some(name.clone()),
            Entry::Domain(domain) => Some(format!("*.{domain}")),
            Entry::Address(std::net::IpAddr::V6(address)) => Some(format!("[{address}]")),
            Entry::Address(std::net::IpAddr::V4(address)) => globs
                .iter()
                .all(|(block, _)| !block.contains(address))
                .then(|| address.to_string()),
            Entry::Block(block) => glob(*block),
            Entry::Range(..) | Entry::All => None,
        })
        .collect()
}

/// The value of an option, without quotes, and where its word ends.
struct Property {
    value: String,
    end: usize,
}

/// The last option that begins with `key`, by the JVM's rules: words are split at white space, quotes of either kind
/// protect it and vanish.
fn property(options: &str, key: &str) -> Result<Option<Property>, OpenQuote> {
    let mut found = None;
    let mut quote = None;
    let mut word = String::new();
    let end = options.len();
    for (at, char) in options.char_indices().chain([(end, ' ')]) {
        match quote {
            // The space put behind the end closes no quote.
            Some(_) if at == end => return Err(OpenQuote),
            Some(open) if open == char => quote = None,
            Some(_) => word.push(char),
            None if char == '"' || char == '\'' => quote = Some(char),
            None if char.is_ascii_whitespace() => {
                if let Some(value) = std::mem::take(&mut word).strip_prefix(key) {
                    let value = value.to_owned();
                    found = Some(Property { value, end: at });
                }
            }
            None => word.push(char),
        }
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with(before: &str, list: &str) -> Result<String, OpenQuote> {
        let proxy = ProxyUrl::parse(b"http://squid:3128").unwrap();
        let mut bypass = Bypass::default();
        bypass.read("no_proxy", list.as_ref());
        let once = options(before, Some(&proxy), Some(&proxy), &bypass)?;
        assert_eq!(
            options(&once, Some(&proxy), Some(&proxy), &bypass).as_ref(),
            Ok(&once)
        );
        Ok(once)
    }

    const PROXIES: &str = "-Dhttp.proxyHost=squid -Dhttp.proxyPort=3128 -Dhttps.proxyHost=squid -Dhttps.proxyPort=3128";

    #[test]
    fn writes_the_list_in_javas_grammar() {
        let list = "localhost,::1,metadata.google.internal.,.corp.example,10.0.0.0/8,172.16.0.0/12,10.9.8.7";
        let hosts = "localhost|[::1]|metadata.google.internal.|*.corp.example|10.*";
        let expected = format!("{PROXIES} -Dhttp.nonProxyHosts={hosts}");
        assert_eq!(with("", list), Ok(expected.clone()));
        assert_eq!(with("-Xmx1g", list), Ok(format!("-Xmx1g {expected}")));
    }

    #[test]
    fn keeps_what_is_set() {
        assert_eq!(
            with(
                "-Dhttp.proxyHost=own  -Dhttp.nonProxyHosts=mine|localhost -Da=b",
                "localhost,x"
            ),
            Ok(
                "-Dhttp.proxyHost=own  -Dhttp.nonProxyHosts=mine|localhost|x -Da=b \
                -Dhttps.proxyHost=squid -Dhttps.proxyPort=3128"
                    .into()
            )
        );
        assert_eq!(
            with("'-Dhttp.nonProxyHosts=a b' -Dq=\"c d\"", "x"),
            Ok(format!(
                "'-Dhttp.nonProxyHosts=a b'|x -Dq=\"c d\" {PROXIES}"
            ))
        );
        assert_eq!(
            with("-Dhttp.nonProxyHosts=", "x"),
            Ok(format!("-Dhttp.nonProxyHosts=x {PROXIES}").replacen("=x -D", "=x -D", 1))
        );
        assert_eq!(with("-Da='b", "x"), Err(OpenQuote));
    }

    #[test]
    fn cannot_use_credentials_socks_or_tls() {
        for value in ["http://u:p@squid:3128", "socks5://squid", "https://squid"] {
            let proxy = ProxyUrl::parse(value.as_bytes()).unwrap();
            let text = options("", Some(&proxy), None, &Bypass::default()).unwrap();
            assert!(!text.contains("proxyHost"), "{text}");
        }
    }
}
