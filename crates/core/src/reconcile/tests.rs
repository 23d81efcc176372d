//! Rules of the core, one test per rule.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "tests state what must be there"
)]

mod complete;
mod direction;
mod doubted;
mod drift;
mod formatting;
mod limits;
mod merge;
mod noise;
mod order;
mod presence;
mod properties;
mod rails;
mod refused;
mod shape;
mod strangers;
mod undo;
mod unread;
mod values;

use crate::fixture;
