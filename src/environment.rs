//! The environment the command will get, as a value.
//!
//! Nothing here touches the process's own environment: it is read once at start, changed as a value by [`Edit`]s, and
//! handed to `execve`. Names and values are bytes, order and strangers are kept: npm, for one, takes the proxy variable
//! that stands last in the environment.

pub mod adc;
pub mod ca;
pub mod proxy;

use std::ffi::{OsStr, OsString};
use std::fmt;

use serde::ser::{Serialize, SerializeStruct, Serializer};

/// The variables of a process, in their order.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Environment {
    variables: Vec<(OsString, OsString)>,
}

impl Environment {
    /// The value of `name`; the first where a name stands more than once, as getenv(3) reads it.
    pub fn get(&self, name: impl AsRef<OsStr>) -> Option<&OsStr> {
        let name = name.as_ref();
        self.variables
            .iter()
            .find(|(n, _)| n == name)
            .map(|(_, value)| value.as_os_str())
    }

    /// The value of `name` as text, where it is UTF-8.
    pub fn text(&self, name: impl AsRef<OsStr>) -> Option<&str> {
        self.get(name).and_then(OsStr::to_str)
    }

    /// The value of `name` as text, where it is set and holds more than white space.
    pub fn filled(&self, name: impl AsRef<OsStr>) -> Option<&str> {
        self.text(name).filter(|value| !value.trim().is_empty())
    }

    /// Whether `name` is set, be it to nothing.
    pub fn has(&self, name: impl AsRef<OsStr>) -> bool {
        self.get(name).is_some()
    }

    /// Sets `name`, in its old place where it had one, and drops its repetitions.
    pub fn set(&mut self, name: impl Into<OsString>, value: impl Into<OsString>) {
        let (name, value) = (name.into(), value.into());
        match self.variables.iter().position(|(n, _)| *n == name) {
            Some(place) => {
                let mut index = 0;
                self.variables.retain(|(n, _)| {
                    index += 1;
                    *n != name || index == place + 1
                });
                self.variables[place].1 = value;
            }
            None => self.variables.push((name, value)),
        }
    }

    /// Removes every occurrence of `name`.
    pub fn remove(&mut self, name: impl AsRef<OsStr>) {
        let name = name.as_ref();
        self.variables.retain(|(n, _)| n != name);
    }

    /// All variables, in their order.
    pub fn iter(&self) -> impl Iterator<Item = (&OsStr, &OsStr)> {
        self.variables
            .iter()
            .map(|(name, value)| (name.as_os_str(), value.as_os_str()))
    }

    /// Carries out `edits`.
    pub fn apply(&mut self, edits: &[Edit]) {
        for edit in edits {
            match &edit.after {
                Some(after) => self.set(edit.variable.clone(), after.clone()),
                None => self.remove(&edit.variable),
            }
        }
    }
}

/// Names only: values may be secrets.
impl fmt::Debug for Environment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set()
            .entries(self.variables.iter().map(|(name, _)| name))
            .finish()
    }
}

impl<N: Into<OsString>, V: Into<OsString>> FromIterator<(N, V)> for Environment {
    fn from_iter<I: IntoIterator<Item = (N, V)>>(variables: I) -> Self {
        Self {
            variables: variables
                .into_iter()
                .map(|(name, value)| (name.into(), value.into()))
                .collect(),
        }
    }
}

/// One change to the environment, with its reason.
#[derive(Clone, PartialEq, Eq)]
pub struct Edit {
    /// The variable's name.
    pub variable: String,
    /// What it was; `None` where it was not set.
    pub before: Option<OsString>,
    /// What it becomes; `None` where it is taken out.
    pub after: Option<OsString>,
    /// Why, as a lower-case fragment.
    pub why: String,
}

impl Edit {
    /// What the variable was, without a secret.
    fn shown_before(&self) -> Option<String> {
        self.before.as_ref().map(|value| self.shown(value))
    }

    /// What it becomes, without a secret.
    fn shown_after(&self) -> Option<String> {
        self.after.as_ref().map(|value| self.shown(value))
    }

    fn shown(&self, value: &OsStr) -> String {
        let value = value.to_string_lossy();
        match self.variable.to_ascii_lowercase().as_str() {
            // Taken as one address, a list would be hidden from its first colon on.
            "no_proxy" => value
                .split(',')
                .map(proxy::redact)
                .collect::<Vec<_>>()
                .join(","),
            // The password's, and those of words, where one of them is `-Dhttp.proxyPassword=…`.
            name if name.contains("password")
                || value.to_ascii_lowercase().contains("password") =>
            {
                "***".to_owned()
            }
            _ => proxy::redact(&value),
        }
    }
}

/// As reports have it, without secrets.
impl Serialize for Edit {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut edit = serializer.serialize_struct("Edit", 4)?;
        edit.serialize_field("variable", &self.variable)?;
        edit.serialize_field("before", &self.shown_before())?;
        edit.serialize_field("after", &self.shown_after())?;
        edit.serialize_field("why", &self.why)?;
        edit.end()
    }
}

/// In one line, without secrets.
impl fmt::Display for Edit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { variable, why, .. } = self;
        match (self.shown_before(), self.shown_after()) {
            (_, None) => write!(f, "unset {variable}: {why}"),
            (None, Some(after)) => write!(f, "set {variable}={after}: {why}"),
            (Some(before), Some(after)) => {
                write!(f, "changed {variable} from `{before}` to `{after}`: {why}")
            }
        }
    }
}

/// Without the values: they may be secrets.
impl fmt::Debug for Edit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kind = match (&self.before, &self.after) {
            (None, _) => "set",
            (Some(_), Some(_)) => "changed",
            (Some(_), None) => "removed",
        };
        write!(f, "{} {kind}: {}", self.variable, self.why)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn set_keeps_the_place_and_drops_repetitions() {
        let mut environment: Environment = [("A", "1"), ("B", "2"), ("A", "3"), ("C", "4")]
            .into_iter()
            .collect();
        environment.set("A", "5");
        let all: Vec<_> = environment
            .iter()
            .map(|(n, v)| format!("{}={}", n.display(), v.display()))
            .collect();
        assert_eq!(all, ["A=5", "B=2", "C=4"]);
    }

    #[test]
    fn get_reads_the_first_of_two() {
        let environment: Environment = [("A", "1"), ("A", "2")].into_iter().collect();
        assert_eq!(environment.text("A"), Some("1"));
    }
}
