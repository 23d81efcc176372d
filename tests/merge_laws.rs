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

#[path = "merge_laws/bench.rs"]
mod bench;
#[path = "merge_laws/exhaustive.rs"]
mod exhaustive;
#[path = "merge_laws/fields.rs"]
mod fields;
#[path = "merge_laws/mappings.rs"]
mod mappings;
#[path = "merge_laws/people.rs"]
mod people;
#[path = "merge_laws/plans.rs"]
mod plans;
