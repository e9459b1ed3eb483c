//! What the fragment of a check's URL says: how to ask, and what to be content with. A fragment is never sent.

use std::ops::RangeInclusive;
use std::time::Duration;

use hyper::Method;
use hyper::header::{HeaderName, HeaderValue};
use percent_encoding::percent_decode_str;

use crate::cli;

/// All that can stand there, for the errors.
const OPTIONS: &str = "expect, timeout, via, attempts, method, header, body";

/// The way that a check is to take, whatever the environment says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Via {
    /// Straight to the host.
    Direct,
    /// Through the proxy of the environment, whatever its bypass list says.
    Proxy,
}

/// The options of one check. Header values may be secrets, and are marked as sensitive, so that Debug does not show them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Options {
    /// The statuses to be content with; below 500 where none is named.
    pub expect: Vec<RangeInclusive<u16>>,
    /// The time for one attempt.
    pub timeout: Option<Duration>,
    /// The way, where it is named.
    pub via: Option<Via>,
    /// How many attempts are made at most.
    pub attempts: Option<u32>,
    /// GET or HEAD.
    pub method: Method,
    /// More header fields.
    pub headers: Vec<(HeaderName, HeaderValue)>,
    /// A text that the body must hold.
    pub body: Option<String>,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            expect: Vec::new(),
            timeout: None,
            via: None,
            attempts: None,
            method: Method::GET,
            headers: Vec::new(),
            body: None,
        }
    }
}

impl Options {
    /// Reads `name=value&name=value`, values percent-encoded. `is_web` says whether there will be a request, and
    /// `has_way` whether there is a way to choose.
    ///
    /// # Errors
    /// What is wrong, without the value of a header.
    pub fn read<'a>(fragment: &'a str, is_web: bool, has_way: bool) -> Result<Self, String> {
        let mut options = Self::default();
        let mut seen = Vec::new();
        for option in fragment.split('&').filter(|option| !option.is_empty()) {
            // Behind an `&` that should have been encoded stands the rest of a header, which may be a secret.
            let is_hidden = seen.contains(&"header");
            let shown = |name: &'a str| if is_hidden { "…" } else { name };
            let (name, value) = option
                .split_once('=')
                .ok_or_else(|| format!("`{}` has no value; write NAME=VALUE", shown(option)))?;
            let value = percent_decode_str(value)
                .decode_utf8()
                .map_err(|_| format!("the value of `{}` is not UTF-8", shown(name)))?;
            if matches!(name, "expect" | "method" | "header" | "body") && !is_web {
                return Err(format!("`{name}` is for http and https; take it out"));
            }
            if name == "via" && !has_way {
                return Err("`via` is for checks that connect to a host; take it out".to_owned());
            }
            if name != "header" && seen.contains(&name) {
                return Err(format!("`{name}` stands twice; say it once"));
            }
            seen.push(name);
            match name {
                "expect" => options.expect = statuses(&value)?,
                "timeout" => {
                    options.timeout = Some(cli::duration(&value).map_err(in_option(name))?)
                }
                "via" => options.via = Some(via(&value)?),
                "attempts" => options.attempts = Some(attempts(&value)?),
                "method" => options.method = method(&value)?,
                "header" => options.headers.push(header(&value)?),
                "body" if value.is_empty() => return Err("`body` is empty; say a text".to_owned()),
                "body" => options.body = Some(value.into_owned()),
                other => {
                    return Err(format!(
                        "unknown option `{}`; there are {OPTIONS}",
                        shown(other)
                    ));
                }
            }
        }
        if options.method == Method::HEAD && options.body.is_some() {
            return Err("the answer to HEAD has no body; take `body` or `method` out".to_owned());
        }
        Ok(options)
    }

    /// Whether `status` is one that was named.
    pub fn expect_names(&self, status: u16) -> bool {
        !self.expect.is_empty() && self.expects(status)
    }

    /// Whether `status` is one to be content with.
    pub fn expects(&self, status: u16) -> bool {
        match self.expect.as_slice() {
            [] => status < 500,
            ranges => ranges.iter().any(|range| range.contains(&status)),
        }
    }
}

fn in_option(name: &str) -> impl Fn(String) -> String + '_ {
    move |why| format!("`{name}`: {why}")
}

fn statuses(text: &str) -> Result<Vec<RangeInclusive<u16>>, String> {
    let status = |text: &str| {
        let number = text.parse().ok();
        number.filter(|number: &u16| (100..=599).contains(number))
    };
    text.split(',')
        .map(|item| {
            let (from, to) = item.split_once('-').unwrap_or((item, item));
            match (status(from), status(to)) {
                (Some(from), Some(to)) if from <= to => Ok(from..=to),
                _ => Err(format!(
                    "`expect`: `{item}` is no status and no range; write `200-399,401`"
                )),
            }
        })
        .collect()
}

fn via(text: &str) -> Result<Via, String> {
    match text {
        "direct" => Ok(Via::Direct),
        "proxy" => Ok(Via::Proxy),
        other => Err(format!("`via`: `{other}`; write `direct` or `proxy`")),
    }
}

fn attempts(text: &str) -> Result<u32, String> {
    match text.parse() {
        Ok(count @ 1..) => Ok(count),
        _ => Err(format!("`attempts`: `{text}`; write a number from 1 on")),
    }
}

fn method(text: &str) -> Result<Method, String> {
    match text {
        "GET" => Ok(Method::GET),
        "HEAD" => Ok(Method::HEAD),
        other => Err(format!("`method`: `{other}`; write `GET` or `HEAD`")),
    }
}

fn header(text: &str) -> Result<(HeaderName, HeaderValue), String> {
    const FORM: &str = "`header`: write Name:Value, with `%26` for `&` and `%25` for `%`";
    let (name, value) = text.split_once(':').ok_or(FORM)?;
    let name = name.trim().parse().map_err(|_| FORM)?;
    let mut value = HeaderValue::from_str(value.trim()).map_err(|_| FORM)?;
    value.set_sensitive(true);
    Ok((name, value))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(fragment: &str) -> Result<Options, String> {
        Options::read(fragment, true, true)
    }

    #[test]
    fn all_of_them_are_read() {
        let options = read(
            "expect=200-399,401&timeout=5s&via=direct&attempts=3&header=X-A:b%26c&header=Accept:%20text/html&body=is%20up",
        )
        .ok()
        .unwrap();
        assert_eq!(options.expect, [200..=399, 401..=401]);
        assert_eq!(options.timeout, Some(Duration::from_secs(5)));
        assert_eq!(options.via, Some(Via::Direct));
        assert_eq!(options.attempts, Some(3));
        assert_eq!(options.body.as_deref(), Some("is up"));
        let headers: Vec<_> = options
            .headers
            .iter()
            .map(|(name, value)| (name.as_str(), value.to_str().unwrap()))
            .collect();
        assert_eq!(headers, [("x-a", "b&c"), ("accept", "text/html")]);
        for (status, content) in [(200, true), (399, true), (400, false), (401, true)] {
            assert_eq!(options.expects(status), content, "{status}");
        }
        assert_eq!(read("method=HEAD").ok().unwrap().method, Method::HEAD);
        let none = read("").ok().unwrap();
        assert!(none == Options::default());
        assert!(none.expects(499) && !none.expects(500));
    }

    #[test]
    fn what_is_wrong_is_said_without_secrets() {
        for (fragment, says) in [
            ("expect=ok", "`ok` is no status"),
            ("expect=399-200", "`399-200` is no status and no range"),
            ("expect=200,", "`` is no status"),
            ("expect=99", "`99` is no status"),
            ("timeout=5", "write `5s`"),
            ("via=squid", "write `direct` or `proxy`"),
            ("attempts=0", "a number from 1 on"),
            ("method=POST", "write `GET` or `HEAD`"),
            ("header=Authorization", "write Name:Value"),
            ("header=Authorization:s3cret\u{7f}", "write Name:Value"),
            ("header=Authorization:a&s3cret", "`…` has no value"),
            ("header=Authorization:a&s3cret=b", "unknown option `…`"),
            ("retries=3", "unknown option `retries`; there are expect"),
            ("expect", "`expect` has no value"),
            ("expect=200&expect=201", "stands twice"),
            ("body=", "`body` is empty"),
            ("method=HEAD&body=up", "HEAD has no body"),
        ] {
            let why = read(fragment).err().unwrap();
            assert!(why.contains(says), "{fragment}: {why}");
            assert!(!why.contains("s3cret"), "{why}");
        }
        let why = Options::read("expect=200", false, true).err().unwrap();
        assert_eq!(why, "`expect` is for http and https; take it out");
        let why = Options::read("via=direct", false, false).err().unwrap();
        assert!(why.contains("take it out"));
    }
}
