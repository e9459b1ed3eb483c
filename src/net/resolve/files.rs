//! What /etc/resolv.conf and /etc/hosts say, for the findings of names. The resolver reads them itself.

use std::fmt;
use std::fs;

/// Whom the resolver asks, and for which names.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Resolvers {
    /// The name servers, in their order.
    pub servers: Vec<String>,
    /// The domains that are tried behind a short name.
    pub search: Vec<String>,
}

impl Resolvers {
    /// Those of this container; none where the file cannot be read, as the resolver takes it.
    pub fn read() -> Self {
        Self::parse(&fs::read_to_string("/etc/resolv.conf").unwrap_or_default())
    }

    /// As resolv.conf(5) has it: of several `search` and `domain` lines the last counts.
    pub fn parse(text: &str) -> Self {
        let mut found = Self::default();
        for line in text.lines() {
            let mut words = line.split_whitespace();
            match words.next() {
                Some("nameserver") => found.servers.extend(words.next().map(str::to_owned)),
                Some("search" | "domain") => found.search = words.map(str::to_owned).collect(),
                _ => {}
            }
        }
        found
    }
}

impl fmt::Display for Resolvers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.servers.as_slice() {
            // The resolver's own default.
            [] => f.write_str("no name server in /etc/resolv.conf, so 127.0.0.1")?,
            [one] => write!(f, "name server {one}")?,
            several => write!(f, "name servers {}", several.join(", "))?,
        }
        match self.search.as_slice() {
            [] => f.write_str(", no search list"),
            search => write!(f, ", search list {}", search.join(" ")),
        }
    }
}

/// Whether /etc/hosts lists `name`.
pub fn is_in_hosts(name: &str) -> bool {
    fs::read_to_string("/etc/hosts").is_ok_and(|text| lists(&text, name))
}

fn lists(hosts: &str, name: &str) -> bool {
    let name = name.trim_end_matches('.');
    hosts.lines().any(|line| {
        let line = line.split('#').next().unwrap_or_default();
        line.split_whitespace()
            .skip(1)
            .any(|listed| listed.eq_ignore_ascii_case(name))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn resolv_conf_is_read_as_the_resolver_does() {
        for (text, said) in [
            (
                "",
                "no name server in /etc/resolv.conf, so 127.0.0.1, no search list",
            ),
            (
                "# nameserver 1.2.3.4\nnameserver 10.0.0.2\noptions ndots:5\n",
                "name server 10.0.0.2, no search list",
            ),
            (
                "domain old.example\nnameserver 10.0.0.2\nnameserver\tfd00::2\nsearch a.example b.example\n",
                "name servers 10.0.0.2, fd00::2, search list a.example b.example",
            ),
        ] {
            assert_eq!(Resolvers::parse(text).to_string(), said);
        }
    }

    #[test]
    fn hosts_lists_names_and_aliases_but_no_comments() {
        let hosts =
            "127.0.0.1 localhost\n10.1.2.3\tNexus.corp.example nexus # old\n#10.1.2.4 gone\n";
        for (name, listed) in [
            ("nexus.corp.example", true),
            ("nexus.corp.example.", true),
            ("nexus", true),
            ("old", false),
            ("gone", false),
            ("10.1.2.3", false),
        ] {
            assert_eq!(lists(hosts, name), listed, "{name}");
        }
    }
}
