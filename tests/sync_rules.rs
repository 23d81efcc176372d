//! The rules of syncing, one by one: the real engine and connectors against both fakes, with people editing on both
//! sides. Every rule ends with cycles that must write nothing.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test that cannot go on should stop there"
)]

#[path = "sync_rules/ado_writes.rs"]
mod ado_writes;
#[path = "sync_rules/answers.rs"]
mod answers;
#[path = "sync_rules/bench.rs"]
mod bench;
#[path = "sync_rules/choices.rs"]
mod choices;
#[path = "sync_rules/claims.rs"]
mod claims;
#[path = "sync_rules/direction.rs"]
mod direction;
#[path = "sync_rules/doubt.rs"]
mod doubt;
#[path = "sync_rules/fields.rs"]
mod fields;
#[path = "sync_rules/formatting.rs"]
mod formatting;
#[path = "common/instance.rs"]
mod instance;
#[path = "sync_rules/kept.rs"]
mod kept;
#[path = "sync_rules/noise.rs"]
mod noise;
#[path = "sync_rules/presence.rs"]
mod presence;
#[path = "sync_rules/rails.rs"]
mod rails;
#[path = "sync_rules/refusals.rs"]
mod refusals;
#[path = "sync_rules/restored.rs"]
mod restored;
#[path = "sync_rules/scope.rs"]
mod scope;
#[path = "sync_rules/sets.rs"]
mod sets;
#[path = "sync_rules/text.rs"]
mod text;
#[path = "sync_rules/undone.rs"]
mod undone;
