#!/usr/bin/env bash
# Mutation testing of the pure core (reconcile, mapping), some ten times faster than on the whole crate: the core is
# copied into a crate of its own, with what it builds on (model, markup) beside it, so that one mutant compiles in
# seconds. Arguments go to cargo-mutants, for instance: tests/mutants.sh --shard 0/8
# Needs cargo-mutants. The work is done in BOARDSYNC_MUTANTS_DIR, a temporary folder by default; name one to keep what it
# builds for the next time.
set -euo pipefail
root="$(cd "$(dirname "$0")/.." && pwd)"
work="${BOARDSYNC_MUTANTS_DIR:-$(mktemp -d)}"
mkdir -p "$work/base/src" "$work/src"

cp -r "$root"/src/{model,markup} "$root"/src/{model,markup}.rs "$work/base/src/"
cp -r "$root"/src/reconcile "$root"/src/{reconcile,mapping,marker}.rs "$work/src/"
cp "$root"/{Cargo.lock,rust-toolchain.toml} "$work/"
echo 'pub mod markup; pub mod model;' > "$work/base/src/lib.rs"
echo 'pub use base::{markup, model}; pub mod mapping; pub mod marker; pub mod reconcile;' > "$work/src/lib.rs"

# The lines of Cargo.toml that name these dependencies.
lines() {
  local name
  for name in "$@"; do grep -m 1 "^$name = " "$root/Cargo.toml"; done
}
{
  printf '[package]\nname = "base"\nversion = "0.0.0"\nedition = "2024"\n[lib]\ntest = false\ndoctest = false\n[dependencies]\n'
  lines ammonia chrono comrak ego-tree scraper serde similar url
} > "$work/base/Cargo.toml"
{
  printf '[workspace]\nmembers = ["base"]\n[package]\nname = "boardsync-core"\nversion = "0.0.0"\nedition = "2024"\n'
  printf '[lib]\nname = "boardsync_core"\ndoctest = false\n[dependencies]\nbase = { path = "base" }\n'
  lines chrono serde serde_json sha2 hex hmac percent-encoding
  printf '[dev-dependencies]\n'
  lines proptest
  printf '[profile.dev]\ndebug = false\n[profile.dev.package."*"]\nopt-level = 1\n'
} > "$work/Cargo.toml"

cd "$work"
exec cargo mutants --package boardsync-core --file src/reconcile.rs --file src/mapping.rs --file 'src/reconcile/**/*.rs' --exclude 'src/reconcile/tests/**' --minimum-test-timeout 60 \
  --in-place --output "$work" "$@"
