//! `runup explain`: the pages behind the codes.

use std::fs;
use std::path::Path;

use crate::support::Run;

#[test]
fn a_code_prints_its_page() {
    let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/findings/metadata/intercepted.md");
    Run::new()
        .args(["explain", "metadata/intercepted"])
        .stdout(fs::read(page).unwrap())
        .stderr("")
        .run();
}

#[test]
fn an_unknown_code_is_64_and_leads_to_the_nearest() {
    Run::new()
        .args(["explain", "intercepted"])
        .code(64)
        .stderr("runup: [..]the nearest is `metadata/intercepted`, and `runup explain` lists all\n...\n")
        .run();
}
