//! Java reads no proxy variables, but the options in `JAVA_TOOL_OPTIONS`.

use super::{Asked, Because, Decision, ProxyAddress, ProxyScheme, Route};
use crate::environment::Environment;

const OPTIONS: &str = "JAVA_TOOL_OPTIONS";

/// Options that also set properties, and that nobody measured.
const UNMODELLED: &[&str] = &["JDK_JAVA_OPTIONS", "_JAVA_OPTIONS"];

/// What Java adds to a list of hosts, unless the list is set and empty.
const ALWAYS_DIRECT: &str = "localhost|127.*|[::1]|0.0.0.0|[::0]";

pub(super) fn decide(environment: &Environment, asked: &Asked<'_>) -> Decision {
    for name in UNMODELLED {
        if environment.text(name).is_some_and(|o| o.contains("roxy")) {
            return Decision::new(Route::Unknown, Because::Variable((*name).to_owned()));
        }
    }
    let Some(options) = environment.text(OPTIONS) else {
        return Decision::UNPROXIED;
    };
    let because = || Because::Variable(OPTIONS.to_owned());
    let words = words(options);
    let property = |name: &str| {
        let mut values = words.iter().filter_map(|word| {
            let (key, value) = word.strip_prefix("-D")?.split_once('=')?;
            (key == name).then_some(value)
        });
        values.next_back()
    };
    if property("socksProxyHost").is_some() {
        return Decision::new(Route::Unknown, because());
    }
    let (host, port, default_port) = match asked.https {
        false => ("http.proxyHost", "http.proxyPort", 80),
        true => ("https.proxyHost", "https.proxyPort", 443),
    };
    let Some(host) = property(host).filter(|host| !host.is_empty()) else {
        return Decision::UNPROXIED;
    };
    let list = match property("http.nonProxyHosts") {
        Some("") => String::new(),
        Some(list) => format!("{list}|{ALWAYS_DIRECT}"),
        None => ALWAYS_DIRECT.to_owned(),
    };
    let asked_host = asked.bracketed();
    if let Some(entry) = list.split('|').find(|entry| matches(entry, &asked_host)) {
        let (variable, entry) = (OPTIONS.to_owned(), entry.to_owned());
        return Decision::new(Route::Direct, Because::Entry { variable, entry });
    }
    let port = match property(port) {
        None => Some(default_port),
        Some(port) => port.parse().ok(),
    };
    let route = match port {
        Some(port) => Route::Via(ProxyAddress {
            scheme: ProxyScheme::Http,
            host: host.to_owned(),
            port,
            credentials: false,
        }),
        None => Route::Unknown,
    };
    Decision::new(route, because())
}

/// The options, split at white space that stands in no quotes.
fn words(options: &str) -> Vec<String> {
    let mut words = vec![String::new()];
    let mut quote = None;
    for c in options.chars() {
        match quote {
            Some(open) if c == open => quote = None,
            None if c == '"' || c == '\'' => quote = Some(c),
            None if c.is_whitespace() => words.push(String::new()),
            _ => {
                if let Some(word) = words.last_mut() {
                    word.push(c);
                }
            }
        }
    }
    words
}

/// A star stands for anything, at the start, at the end or at both, and nowhere else.
fn matches(entry: &str, host: &str) -> bool {
    let entry = entry.to_ascii_lowercase();
    if entry == "*" {
        return true;
    }
    let (start, rest) = match entry.strip_prefix('*') {
        Some(rest) => (true, rest),
        None => (false, entry.as_str()),
    };
    match (start, rest.strip_suffix('*')) {
        (true, Some(middle)) => host.contains(middle),
        (false, Some(head)) => host.starts_with(head),
        (true, None) => host.ends_with(rest),
        (false, None) => host == rest,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn options_are_split_as_the_launcher_splits_them() {
        assert_eq!(words("-Da=1  \"-Db=2 3\""), ["-Da=1", "", "-Db=2 3"]);
    }

    #[test]
    fn stars_stand_at_the_ends() {
        let rows = [
            ("*.b", "a.b", true),
            ("*.b", "b", false),
            (".b", "a.b", false),
            ("a.*", "a.b", true),
            ("*.b.*", "a.b.c", true),
            ("a*c", "abc", false),
            ("A", "a", true),
            ("*", "a", true),
        ];
        for (entry, host, expected) in rows {
            assert_eq!(matches(entry, host), expected, "{entry} {host}");
        }
    }
}
