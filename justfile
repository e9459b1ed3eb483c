# Every step of CI, by name.

target := env("CARGO_TARGET_DIR", "target")
triple := "x86_64-unknown-linux-gnu"

# All that CI does, without the lab's installation.
ci: fmt lint test

fmt:
    cargo fmt --check

lint:
    cargo clippy --all-targets --locked -- -D warnings

test:
    cargo test --locked

# One static binary for every image.
static:
    RUSTFLAGS="-C target-feature=+crt-static" cargo build --release --locked --target x86_64-unknown-linux-gnu

# Start-up beside tini and a shell script.
bench:
    cargo bench --bench startup

# The release's binary: static, and with the list of its crates in it, for `cargo audit bin` (needs cargo-auditable).
release-static triple=triple:
    cargo auditable build --release --locked --target {{ triple }} \
      --config 'target.x86_64-unknown-linux-gnu.rustflags=["-Ctarget-feature=+crt-static"]'

# The manual page, from the binary in DIRECTORY and beside it.
man directory=(target / triple / "release"):
    {{ directory }}/runup man >{{ directory }}/runup.1
    gzip -9nkf {{ directory }}/runup.1

# The shells' completions, the same way.
completions directory=(target / triple / "release"):
    {{ directory }}/runup completions bash >{{ directory }}/runup.bash
    {{ directory }}/runup completions zsh >{{ directory }}/_runup
    {{ directory }}/runup completions fish >{{ directory }}/runup.fish

# The Debian package of the static binary, in target/debian (needs cargo-deb).
deb triple=triple: (man target / triple / "release") (completions target / triple / "release")
    cargo deb --no-build --no-strip --locked --target {{ triple }}

# The licences of all that is linked, after a change of Cargo.lock.
third-party:
    .ci/third-party

# Licences, bans and sources by deny.toml (needs cargo-deny); `cargo deny check advisories` asks the network.
deny:
    cargo deny check bans licenses sources

# What `cargo publish` would send, built from its own files.
package:
    cargo package --locked
