//! What the lab needs of the machine, and what a test does where it is missing.

use std::env;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::LazyLock;
use std::thread;

use crate::netns::Netns;

/// Where programs are looked for, here and by the jobs of the lab.
pub(crate) const PATH: &str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/// Ends the test, as skipped, unless the machine has the tools named: programs on [`PATH`], or `google-auth` (Python)
/// and `google-auth-library` (Node), which CI puts under the target directory, as it does `python-libraries`,
/// `node-libraries` and `mermaid`. What every namespace needs goes without saying.
macro_rules! need {
    ($($tool:literal),* $(,)?) => {
        if !$crate::tools::present(&[$($tool),*]) {
            return;
        }
    };
}

/// See [`need!`].
pub(crate) fn present(tools: &[&str]) -> bool {
    let lacking: Vec<String> = ["ip", "dnsmasq"]
        .iter()
        .chain(tools)
        .filter(|tool| !has(tool))
        .map(|tool| format!("`{tool}`"))
        .chain((!*NAMESPACES).then(|| "the right to make network namespaces".to_owned()))
        .collect();
    if lacking.is_empty() {
        return true;
    }
    let current = thread::current();
    let test = current.name().unwrap_or("a test");
    let lacking = lacking.join(", ");
    assert!(
        !is_required(),
        "{test} needs {lacking}: `.ci/run` installs what the lab needs, as root"
    );
    // Past the test harness, which would keep it to itself.
    let _ = writeln!(io::stderr(), "lab: skipped {test}: it needs {lacking}");
    false
}

/// Whether whoever runs the tests wants all of them.
pub(crate) fn is_required() -> bool {
    env::var_os("RUNUP_LAB").is_some_and(|value| value == "require")
}

/// Whether the machine has a tool; see [`need!`].
pub(crate) fn has(tool: &str) -> bool {
    let runs = |program: PathBuf, script| {
        let run = Command::new(program).args(script).output();
        run.is_ok_and(|run| run.status.success())
    };
    match tool {
        "google-auth" => python().is_some(),
        "google-auth-library" => node_modules().is_some(),
        "python-libraries" => python().is_some_and(|python| {
            let script = "import aiohttp, google.auth, httplib2, httpx, requests";
            runs(python, ["-c", script])
        }),
        "node-libraries" => node_modules().is_some_and(|modules| {
            [
                ".bin/node",
                "axios",
                "gaxios",
                "make-fetch-happen",
                "proxy-agent",
                "undici",
            ]
            .iter()
            .all(|name| modules.join(name).exists())
        }),
        "mermaid" => node_modules().is_some_and(|modules| {
            [".bin/node", "jsdom", "mermaid"]
                .iter()
                .all(|name| modules.join(name).exists())
        }),
        "libwww-perl" => {
            find("perl").is_some_and(|perl| runs(perl, ["-MLWP::Protocol::https", "-e1"]))
        }
        program => find(program).is_some(),
    }
}

/// Whether this process may make network namespaces; tried once.
static NAMESPACES: LazyLock<bool> = LazyLock::new(|| find("ip").is_some() && Netns::add().is_ok());

/// The program `name` on [`PATH`].
pub(crate) fn find(name: &str) -> Option<PathBuf> {
    PATH.split(':')
        .map(|directory| Path::new(directory).join(name))
        .find(|path| path.is_file())
}

/// The program `name`, of a tool that the test said it needs.
pub(crate) fn program(name: &str) -> PathBuf {
    find(name).unwrap_or_else(|| panic!("no `{name}`: name it in `need!`"))
}

/// A Python with google-auth and requests: `RUNUP_LAB_PYTHON`, or the one that CI installed.
pub(crate) fn python() -> Option<PathBuf> {
    installed("RUNUP_LAB_PYTHON", "venv/bin/python")
}

/// A directory with google-auth-library in it: `RUNUP_LAB_NODE_MODULES`, or the one that CI installed.
pub(crate) fn node_modules() -> Option<PathBuf> {
    installed("RUNUP_LAB_NODE_MODULES", "node_modules").filter(|_| find("node").is_some())
}

/// The command that prints a token by Python's google-auth.
pub(crate) fn python_token() -> Vec<String> {
    let program = "import google.auth as auth, google.auth.transport.requests as transport
credentials, _ = auth.default()
credentials.refresh(transport.Request())
print(credentials.token)";
    [&path(python()), "-c", program].map(str::to_owned).into()
}

/// The command that prints a token by Node's google-auth-library.
pub(crate) fn node_token() -> Vec<String> {
    let library = path(node_modules()) + "/google-auth-library";
    let program = "const { GoogleAuth } = require(process.argv[1]);
new GoogleAuth().getAccessToken().then(console.log)";
    [&path(find("node")), "-e", program, &library]
        .map(str::to_owned)
        .into()
}

fn path(tool: Option<PathBuf>) -> String {
    let tool = tool.expect("name it in `need!`");
    tool.into_os_string().into_string().unwrap()
}

fn installed(variable: &str, place: &str) -> Option<PathBuf> {
    let path = env::var_os(variable).map_or_else(
        || {
            Path::new(env!("CARGO_TARGET_TMPDIR"))
                .with_file_name("lab")
                .join(place)
        },
        PathBuf::from,
    );
    path.exists().then_some(path)
}
