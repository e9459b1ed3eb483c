//! What `.ci/image` makes of this source: images, and the static binary in them.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::LazyLock;

use crate::tools;

/// What was made, and where it lies.
pub(crate) struct Built(PathBuf);

/// Everything as it is to be made of the source that the tests were built from. A test that calls this needs `image`, so
/// that only a source changed since then is built again here.
pub(crate) fn built() -> &'static Built {
    static BUILT: LazyLock<Built> = LazyLock::new(|| {
        let lab = tools::directory();
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join(".ci/image");
        let output = Command::new(script)
            .env("CARGO_TARGET_DIR", lab.with_file_name(""))
            .output()
            .unwrap();
        assert!(
            output.status.success(),
            "{}",
            String::from_utf8_lossy(&output.stderr)
        );
        Built(lab.canonicalize().unwrap())
    });
    &BUILT
}

impl Built {
    /// The static runup.
    pub(crate) fn binary(&self) -> PathBuf {
        self.0.join("static/x86_64-unknown-linux-gnu/release/runup")
    }

    /// The variables by which podman finds the images.
    pub(crate) fn settings(&self) -> [(&'static str, PathBuf); 2] {
        let containers = self.0.join("containers");
        [
            ("CONTAINERS_CONF", containers.join("containers.conf")),
            ("CONTAINERS_STORAGE_CONF", containers.join("storage.conf")),
        ]
    }
}
