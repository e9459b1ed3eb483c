//! Any bytes as an environment: whatever it holds, the readers do not panic and the invariants of the mend hold.
//!
//! The first byte chooses the wishes; the rest is variables as the kernel has them, `NAME=VALUE` ended by a zero byte. A
//! name of one letter stands for one of ours, so that the fuzzer need not guess them.
#![no_main]

use std::ffi::OsString;
use std::os::unix::ffi::OsStringExt;

use libfuzzer_sys::fuzz_target;
use runup::environment::Environment;
use runup::environment::proxy::{Mode, ProxyUrl, Settings, Wishes, redact};

#[allow(dead_code)]
#[path = "../../tests/mend_properties/invariants.rs"]
mod invariants;

const NAMES: [&str; 17] = [
    "no_proxy",
    "NO_PROXY",
    "http_proxy",
    "HTTP_PROXY",
    "https_proxy",
    "HTTPS_PROXY",
    "all_proxy",
    "ALL_PROXY",
    "PIP_PROXY",
    "grpc_proxy",
    "no_grpc_proxy",
    "CLOUDSDK_PROXY_TYPE",
    "CLOUDSDK_PROXY_ADDRESS",
    "CLOUDSDK_PROXY_PORT",
    "NODE_USE_ENV_PROXY",
    "JAVA_TOOL_OPTIONS",
    "REQUEST_METHOD",
];

fuzz_target!(|bytes: &[u8]| {
    let Some((choice, variables)) = bytes.split_first() else {
        return;
    };
    let modes = [Mode::Mend, Mode::Bypass, Mode::Strip, Mode::Keep];
    let wishes = Wishes {
        mode: modes[usize::from(choice & 3)],
        direct: Vec::new(),
        java: choice & 4 != 0,
    };
    let environment: Environment = variables
        .split(|byte| *byte == 0)
        .filter_map(|variable| {
            let equals = variable.iter().position(|byte| *byte == b'=')?;
            let (name, value) = (&variable[..equals], &variable[equals + 1..]);
            let name = match name {
                [letter @ b'a'..=b'q'] => NAMES[usize::from(letter - b'a')].into(),
                name => OsString::from_vec(name.to_vec()),
            };
            Some((name, OsString::from_vec(value.to_vec())))
        })
        .collect();
    let after = invariants::check(&environment, &wishes);
    let settings = Settings::read(&environment);
    for (_, value) in after.iter() {
        let text = value.to_string_lossy();
        assert!(!redact(&text).contains(char::is_control));
        if let Ok(url) = url::Url::parse(&text) {
            let _ = settings.way(&url);
        }
        if let Ok(proxy) = ProxyUrl::parse(value.as_encoded_bytes()) {
            assert_eq!(ProxyUrl::parse(proxy.with_secrets().as_bytes()), Ok(proxy));
        }
        let _ = text.parse::<runup::environment::proxy::Direct>();
    }
});
