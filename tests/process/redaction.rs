//! Canary credentials through the real program: they may stand in the `Authorization` header of requests to their own
//! service, and in no other byte that the program leaves behind or sends.
//!
//! `evidence.rs` looks for them, with forms and a search of its own. What it finds is proved with texts that must be there.

#![cfg(unix)]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::print_stderr,
    reason = "tests may fail by panicking, and this one tells its figures"
)]

mod content;
mod echo;
mod evidence;
mod misplaced;
mod property;
mod work;
