//! Which variables a client reads, in which order, and what an empty one means.

use crate::environment::Environment;

/// The variables of one client.
#[derive(Debug)]
pub(super) struct Variables {
    /// For http URLs: the first group that yields a value wins.
    pub(super) http: &'static [Group],
    /// For https URLs.
    pub(super) https: &'static [Group],
    /// For the bypass list; empty where the client knows none.
    pub(super) bypass: Group,
}

/// Spellings of one variable.
#[derive(Debug)]
pub(super) struct Group {
    pub(super) names: &'static [&'static str],
    pub(super) pick: Pick,
}

/// Which of the spellings counts.
#[derive(Debug, Clone, Copy)]
pub(super) enum Pick {
    /// The first that is not empty.
    Filled,
    /// The first that is set. If it is empty, the group yields nothing.
    Set,
    /// The first that is set. If it is empty, the search ends: no proxy.
    SetOrEnd,
    /// urllib's: a name that ends in a lower-case `_proxy` before any other, and if that is empty, nothing. Where there is
    /// REQUEST_METHOD, no other spelling of http_proxy counts. The group holds the lower-case name.
    Python,
    /// The one that stands last in the environment, in any case; if it is empty, nothing. The group holds the lower-case name.
    Last,
    /// Precedence unknown: all that are set must agree.
    Agreeing,
}

/// What a group yields.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Yield {
    Nothing,
    /// Name and value. For a bypass list the value may be empty.
    Value(String, String),
    /// An empty variable that ends the search.
    End(String),
    /// The spellings differ, and nobody knows which counts.
    Conflict,
}

impl Group {
    pub(super) const fn filled(names: &'static [&'static str]) -> Self {
        let pick = Pick::Filled;
        Self { names, pick }
    }

    pub(super) const fn set(names: &'static [&'static str]) -> Self {
        let pick = Pick::Set;
        Self { names, pick }
    }

    pub(super) const fn set_or_end(names: &'static [&'static str]) -> Self {
        let pick = Pick::SetOrEnd;
        Self { names, pick }
    }

    pub(super) const fn python(names: &'static [&'static str]) -> Self {
        let pick = Pick::Python;
        Self { names, pick }
    }

    pub(super) const fn last(names: &'static [&'static str]) -> Self {
        let pick = Pick::Last;
        Self { names, pick }
    }

    pub(super) const fn agreeing(names: &'static [&'static str]) -> Self {
        let pick = Pick::Agreeing;
        Self { names, pick }
    }

    /// The value that counts. `Value` may be empty here: that a set, empty list is not the same as none matters to attohttpc.
    pub(super) fn find(&self, environment: &Environment) -> Yield {
        let set = |name: &&str| {
            let value = environment.get(name)?.to_string_lossy().into_owned();
            Some(((*name).to_owned(), value))
        };
        let found = match self.pick {
            Pick::Filled => self
                .names
                .iter()
                .filter_map(set)
                .find(|(_, value)| !value.is_empty()),
            Pick::Set => self.names.iter().find_map(set),
            Pick::SetOrEnd => match self.names.iter().find_map(set) {
                Some((name, value)) if value.is_empty() => return Yield::End(name),
                found => found,
            },
            Pick::Python => self.names.iter().find_map(|name| python(environment, name)),
            Pick::Last => self.names.iter().find_map(|name| {
                any_case(environment, name)
                    .last()
                    .map(|(found, value)| (found.to_owned(), value))
            }),
            Pick::Agreeing => {
                let all: Vec<_> = self.names.iter().filter_map(set).collect();
                if all.len() < self.names.len() && !all.is_empty()
                    || all.windows(2).any(|two| two[0].1 != two[1].1)
                {
                    return Yield::Conflict;
                }
                all.into_iter().next()
            }
        };
        match found {
            Some((name, value)) => Yield::Value(name, value),
            None => Yield::Nothing,
        }
    }
}

/// Every spelling of `name`, in the environment's order.
fn any_case<'a>(
    environment: &'a Environment,
    name: &'a str,
) -> impl Iterator<Item = (&'a str, String)> {
    environment.iter().filter_map(move |(found, value)| {
        let found = found.to_str()?;
        found
            .eq_ignore_ascii_case(name)
            .then(|| (found, value.to_string_lossy().into_owned()))
    })
}

fn python(environment: &Environment, name: &str) -> Option<(String, String)> {
    let preferred = any_case(environment, name)
        .filter(|(found, _)| found.ends_with("_proxy"))
        .last();
    let fallback = || {
        let hidden = name == "http_proxy" && environment.has("REQUEST_METHOD");
        any_case(environment, name)
            .filter(|(_, value)| !hidden && !value.is_empty())
            .last()
    };
    let (found, value) = preferred.or_else(fallback)?;
    (!value.is_empty()).then(|| (found.to_owned(), value))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(group: &Group, environment: &[(&str, &str)]) -> String {
        match group.find(&environment.iter().copied().collect()) {
            Yield::Nothing => "nothing".into(),
            Yield::Value(name, value) => format!("{name}={value}"),
            Yield::End(name) => format!("end at {name}"),
            Yield::Conflict => "conflict".into(),
        }
    }

    #[test]
    fn each_way_to_pick_one_of_two_spellings() {
        const NAMES: &[&str] = &["http_proxy", "HTTP_PROXY"];
        type Row<'a> = (Group, &'a [(&'a str, &'a str)], &'a str);
        let lower_empty: &[_] = &[("http_proxy", ""), ("HTTP_PROXY", "b")];
        let upper_first: &[_] = &[("HTTP_PROXY", "b"), ("http_proxy", "a")];
        let cgi: &[_] = &[("HTTP_PROXY", "b"), ("REQUEST_METHOD", "GET")];
        let rows: &[Row] = &[
            (Group::filled(NAMES), lower_empty, "HTTP_PROXY=b"),
            (Group::set(NAMES), lower_empty, "http_proxy="),
            (Group::set_or_end(NAMES), lower_empty, "end at http_proxy"),
            (Group::python(&["http_proxy"]), lower_empty, "nothing"),
            (Group::last(&["http_proxy"]), lower_empty, "HTTP_PROXY=b"),
            (Group::agreeing(NAMES), lower_empty, "conflict"),
            (Group::filled(NAMES), upper_first, "http_proxy=a"),
            (Group::python(&["http_proxy"]), upper_first, "http_proxy=a"),
            (Group::last(&["http_proxy"]), upper_first, "http_proxy=a"),
            (Group::agreeing(NAMES), &upper_first[..1], "conflict"),
            (Group::agreeing(NAMES), &[], "nothing"),
            (Group::python(&["http_proxy"]), &cgi[..1], "HTTP_PROXY=b"),
            (Group::python(&["http_proxy"]), cgi, "nothing"),
            (Group::filled(NAMES), cgi, "HTTP_PROXY=b"),
            (
                Group::python(&["http_proxy"]),
                &[("Http_Proxy", "c")],
                "Http_Proxy=c",
            ),
            (Group::filled(NAMES), &[("Http_Proxy", "c")], "nothing"),
        ];
        for (group, environment, expected) in rows {
            assert_eq!(
                found(group, environment),
                *expected,
                "{group:?} {environment:?}"
            );
        }
    }
}
