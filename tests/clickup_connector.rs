//! The ClickUp connector against the stateful fake.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "tests fail by panicking"
)]

#[path = "clickup_connector/calls.rs"]
mod calls;
#[path = "clickup_connector/reading.rs"]
mod reading;
#[path = "clickup_connector/world.rs"]
mod world;
#[path = "clickup_connector/writing.rs"]
mod writing;
