//! The ClickUp sandbox shows the vendor's quirks: one test per rule.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test fails by panicking; helpers here are outside #[test] functions"
)]

#[path = "sandbox_clickup/bench.rs"]
mod bench;
#[path = "sandbox_clickup/corrected.rs"]
mod corrected;
#[path = "sandbox_clickup/reading.rs"]
mod reading;
#[path = "sandbox_clickup/service.rs"]
mod service;
#[path = "sandbox_clickup/writing.rs"]
mod writing;
