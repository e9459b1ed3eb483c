# Every step of CI, by name.

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
