//! The fake Azure DevOps, quirk by quirk, over HTTP as any client would see it.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::print_stdout,
    reason = "a test that cannot go on should stop there; a skipped one says so"
)]

#[path = "sandbox_ado/faults.rs"]
mod faults;
#[path = "sandbox_ado/foreign_clients.rs"]
mod foreign_clients;
#[path = "sandbox_ado/links.rs"]
mod links;
#[path = "sandbox_ado/process_rules.rs"]
mod process_rules;
#[path = "sandbox_ado/queries.rs"]
mod queries;
#[path = "sandbox_ado/reading.rs"]
mod reading;
#[path = "sandbox_ado/tags.rs"]
mod tags;
#[path = "sandbox_ado/texts.rs"]
mod texts;
#[path = "sandbox_ado/world.rs"]
mod world;
#[path = "sandbox_ado/writing.rs"]
mod writing;
