//! The real program, started as a process, against both fake services in this process.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "tests may fail by panicking"
)]

#[cfg(unix)]
#[path = "binary/asking.rs"]
mod asking;
#[path = "binary/backfill.rs"]
mod backfill;
#[path = "binary/bench.rs"]
mod bench;
#[path = "binary/checking.rs"]
mod checking;
#[path = "binary/checkup.rs"]
mod checkup;
#[path = "binary/claims.rs"]
mod claims;
#[path = "binary/consent.rs"]
mod consent;
#[path = "binary/deleting.rs"]
mod deleting;
#[path = "binary/disk.rs"]
mod disk;
#[cfg(unix)]
#[path = "binary/ending.rs"]
mod ending;
#[path = "binary/faults.rs"]
mod faults;
#[path = "binary/inspecting.rs"]
mod inspecting;
#[path = "binary/keeping.rs"]
mod keeping;
#[path = "binary/kept.rs"]
mod kept;
#[path = "binary/lag.rs"]
mod lag;
#[path = "binary/moving.rs"]
mod moving;
#[cfg(unix)]
#[path = "binary/owners.rs"]
mod owners;
#[path = "binary/planning.rs"]
mod planning;
#[path = "binary/projects.rs"]
mod projects;
#[path = "binary/rails.rs"]
mod rails;
#[path = "binary/reconciling.rs"]
mod reconciling;
#[path = "binary/refusing.rs"]
mod refusing;
#[cfg(unix)]
#[path = "binary/securing.rs"]
mod securing;
#[cfg(unix)]
#[path = "binary/terminal.rs"]
mod terminal;
#[path = "binary/trouble.rs"]
mod trouble;
#[path = "binary/two_machines.rs"]
mod two_machines;
#[path = "binary/undoing.rs"]
mod undoing;
#[path = "binary/usage.rs"]
mod usage;
