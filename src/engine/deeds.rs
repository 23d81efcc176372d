//! What people ask for by name, beside the cycles: settling a conflict, taking writes back, linking and unlinking by
//! hand, carrying out a saved plan, taking a pair over. Two more are words in a cycle: which plan may be carried out
//! ([`crate::engine::apply::Consent`], approvals included) and that what failed is tried again ([`Store::forgive`]).
//!
//! [`Store::forgive`]: crate::store::Store::forgive
//!
//! The commands only read arguments and print; what they do is here, so that a simulation can do the same. A deed acts on
//! what its person saw: what changed since is named and kept.

mod journal;
mod links;
mod resolve;
mod saved;
mod takeover;
mod undo;

pub use journal::{Links, Target, gather};
pub use links::{LinkError, unlink_by_hand, unlink_in};
pub use resolve::{Pick, ResolveError, Resolved, Withdrawn, withdraw};
pub use saved::{Instead, Kept, Moved, SavedAction, SavedPair, SavedPairs, Shown};
pub use takeover::{TakeOverError, TakenOver};
pub use undo::{Left, hashes};
