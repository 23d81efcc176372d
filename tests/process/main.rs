//! The real program, started as a process, against both fake services in this process.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "tests may fail by panicking"
)]

mod advising;
#[cfg(unix)]
mod asking;
mod backfill;
mod bench;
mod candid;
mod checking;
mod checkup;
mod choosing;
mod claims;
mod consent;
mod customs;
mod deleting;
mod disk;
#[cfg(unix)]
mod ending;
mod faults;
mod foretelling;
mod inspecting;
mod keeping;
mod kept;
mod kills;
mod lag;
mod logging;
mod looking;
mod moving;
mod narrow;
#[cfg(unix)]
mod owners;
mod pasting;
mod plainly;
mod planning;
mod playing;
mod projects;
mod rails;
#[cfg(unix)]
mod readme;
mod reconciling;
mod redaction;
mod refusing;
mod schema;
#[cfg(unix)]
mod securing;
mod showing;
mod soak;
mod standing;
mod telling;
#[cfg(unix)]
mod terminal;
mod trouble;
mod truth;
mod two_machines;
mod undoing;
mod usage;
#[cfg(unix)]
mod watching;
mod worded;
