//! The ClickUp sandbox shows the vendor's quirks: one test per rule.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test fails by panicking; helpers here are outside #[test] functions"
)]

mod bench;
mod corrected;
mod reading;
mod service;
mod writing;
