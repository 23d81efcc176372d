//! Laws of the core: what holds for every base, both present values and every policy.

#![allow(
    missing_docs,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::print_stdout,
    reason = "tests are named by their rule and may fail by panicking"
)]

mod bench;
mod exhaustive;
mod fields;
mod mappings;
mod people;
mod plans;
