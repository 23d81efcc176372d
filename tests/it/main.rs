//! The parts of the program together, in this process.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "tests may fail by panicking"
)]

mod architecture;
mod azure_connector;
mod budgets;
mod clickup_connector;
mod common;
mod config_cases;
mod forgotten;
mod fuzz;
mod planted;
mod rate;
mod sync_rules;
