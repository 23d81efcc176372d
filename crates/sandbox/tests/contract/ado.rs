//! The fake Azure DevOps, quirk by quirk, over HTTP as any client would see it.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::print_stdout,
    reason = "a test that cannot go on should stop there; a skipped one says so"
)]

mod faults;
mod foreign_clients;
mod links;
mod process_rules;
mod queries;
mod reading;
mod tags;
mod texts;
mod world;
mod writing;
