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
    cargo static --locked

# Start-up beside tini and a shell script.
bench:
    cargo bench --bench startup

# The release's binary: static, and with the list of its crates in it, for `cargo audit bin` (needs cargo-auditable).
release-static triple=triple:
    cargo auditable build --release --locked --target {{ triple }} \
      --config 'target.x86_64-unknown-linux-gnu.rustflags=["-Ctarget-feature=+crt-static", "-Crelocation-model=static"]'

# The manual page and the shells' completions in src/run/manual, after a change of the command line; the help's snapshots, too.
words:
    INSTA_UPDATE=always cargo test --locked --lib manual
    INSTA_UPDATE=always cargo test --locked --test it help

# The Debian package of the static binary, in target/debian (needs cargo-deb).
deb triple=triple:
    gzip -9nc src/run/manual/runup.1 >{{ target / triple / "release" / "runup.1.gz" }}
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
