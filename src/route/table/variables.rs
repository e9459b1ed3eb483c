//! Which variables.

use crate::route::variables::{Group, Variables};

pub(super) const NO_LIST: Group = Group::filled(&[]);
pub(super) const LOWER_LIST: Group = Group::filled(&["no_proxy"]);
pub(super) const LOWER_FIRST_LIST: Group = Group::filled(&["no_proxy", "NO_PROXY"]);
pub(super) const LOWER_SET_LIST: Group = Group::set(&["no_proxy", "NO_PROXY"]);
pub(super) const UPPER_FIRST_LIST: Group = Group::filled(&["NO_PROXY", "no_proxy"]);
pub(super) const UPPER_SET_LIST: Group = Group::set(&["NO_PROXY", "no_proxy"]);
pub(super) const PYTHON_LIST: Group = Group::python(&["no_proxy"]);

/// curl hears no HTTP_PROXY: in a CGI environment a stranger could set it by the header `Proxy:`.
pub(super) const CURL_VARIABLES: Variables = Variables {
    http: &[Group::filled(&["http_proxy", "all_proxy", "ALL_PROXY"])],
    https: &[Group::filled(&[
        "https_proxy",
        "HTTPS_PROXY",
        "all_proxy",
        "ALL_PROXY",
    ])],
    bypass: LOWER_FIRST_LIST,
};

pub(super) const LOWER_VARIABLES: Variables = Variables {
    http: &[Group::filled(&["http_proxy"])],
    https: &[Group::filled(&["https_proxy"])],
    bypass: LOWER_LIST,
};

/// Lower case wins, an empty variable is as none; no ALL_PROXY.
pub(super) const LOWER_FIRST_VARIABLES: Variables = Variables {
    http: &[Group::filled(&["http_proxy", "HTTP_PROXY"])],
    https: &[Group::filled(&["https_proxy", "HTTPS_PROXY"])],
    bypass: LOWER_FIRST_LIST,
};

/// The same with ALL_PROXY.
pub(super) const LOWER_FIRST_ALL_VARIABLES: Variables = Variables {
    http: &[
        Group::filled(&["http_proxy", "HTTP_PROXY"]),
        Group::filled(&["all_proxy", "ALL_PROXY"]),
    ],
    https: &[
        Group::filled(&["https_proxy", "HTTPS_PROXY"]),
        Group::filled(&["all_proxy", "ALL_PROXY"]),
    ],
    bypass: LOWER_FIRST_LIST,
};

/// Lower case wins, even if it is empty.
pub(super) const LOWER_SET_VARIABLES: Variables = Variables {
    http: &[Group::set(&["http_proxy", "HTTP_PROXY"])],
    https: &[Group::set(&["https_proxy", "HTTPS_PROXY"])],
    bypass: LOWER_SET_LIST,
};

pub(super) const LOWER_SET_ALL_VARIABLES: Variables = Variables {
    http: &[
        Group::set(&["http_proxy", "HTTP_PROXY"]),
        Group::set(&["all_proxy", "ALL_PROXY"]),
    ],
    https: &[
        Group::set(&["https_proxy", "HTTPS_PROXY"]),
        Group::set(&["all_proxy", "ALL_PROXY"]),
    ],
    bypass: LOWER_SET_LIST,
};

/// Upper case wins, an empty variable is as none.
pub(super) const UPPER_FIRST_VARIABLES: Variables = Variables {
    http: &[Group::filled(&["HTTP_PROXY", "http_proxy"])],
    https: &[Group::filled(&["HTTPS_PROXY", "https_proxy"])],
    bypass: UPPER_FIRST_LIST,
};

pub(super) const PYTHON_VARIABLES: Variables = Variables {
    http: &[Group::python(&["http_proxy"])],
    https: &[Group::python(&["https_proxy"])],
    bypass: PYTHON_LIST,
};

pub(super) const PYTHON_ALL_VARIABLES: Variables = Variables {
    http: &[
        Group::python(&["http_proxy"]),
        Group::python(&["all_proxy"]),
    ],
    https: &[
        Group::python(&["https_proxy"]),
        Group::python(&["all_proxy"]),
    ],
    bypass: PYTHON_LIST,
};

/// Where only environments were tried in which both spellings agree.
pub(super) const AGREEING_VARIABLES: Variables = Variables {
    http: &[Group::agreeing(&["http_proxy", "HTTP_PROXY"])],
    https: &[Group::agreeing(&["https_proxy", "HTTPS_PROXY"])],
    bypass: Group::agreeing(&["no_proxy", "NO_PROXY"]),
};
