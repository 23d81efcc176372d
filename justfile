# `just ci` is what a change has to pass.

default:
    @just --list

# Everything, in the order in which it fails fastest.
ci: fmt lint test doc deny

# Formatting, checked only.
fmt:
    cargo fmt --check

# Lints as errors.
lint:
    cargo clippy --all-targets --locked -- -D warnings

# All tests.
test *ARGS:
    cargo test --locked {{ARGS}}

# Documentation, broken links as errors.
doc:
    RUSTDOCFLAGS="-D warnings" cargo doc --no-deps --locked

# Licences, sources, bans and advisories (needs cargo-deny).
deny:
    cargo deny check

# Rewrites the expected configuration messages; read the difference before committing.
update-config-cases:
    UPDATE_CASES=1 cargo test --test it config_cases::

# Fuzzes every target for so many seconds and prints executions and hours.
fuzz SECONDS="60":
    BOARDSYNC_FUZZ_SECONDS={{SECONDS}} cargo test --release --locked --test it fuzz::bent -- --nocapture

# Mutation testing of the pure core (needs cargo-mutants).
mutants *ARGS:
    cargo mutants --no-config --package boardsync-core --file crates/core/src/mapping.rs --file crates/core/src/reconcile.rs --file 'crates/core/src/reconcile/**/*.rs' --exclude '**/tests/**' --minimum-test-timeout 60 {{ARGS}} -- --lib

# Faults planted by hand outside the pure core, and who notices them (needs python3).
planted *ARGS:
    tests/planted/plant.py {{ARGS}}

# Exposure figures of the systemd units; above 1.5 fails.
units:
    systemd-analyze security --offline=true --threshold=15 systemd/boardsync.service
    systemd-analyze security --offline=true --threshold=15 systemd/boardsync-once.service

# The story, without any account.
demo:
    cargo run --release -- demo

# Seeded histories of the engine with people, faults and crashes; a failing one is printed as a scenario.
simulate SEEDS="100000":
    cargo run --release -p boardsync-sim -- --seeds {{SEEDS}} --jobs 2
