//! boardsync keeps Azure DevOps Boards work items and ClickUp tasks equal, in both directions, by polling.
//!
//! A functional core decides, a thin shell acts. The core is made of plain values: what both services look like goes in,
//! a [`reconcile::plan::Plan`] comes out. The shell fetches, shows or carries out that plan, and records what happened.
//!
//! # Map
//!
//! | crate | module | what it is | may name |
//! |---|---|---|---|
//! | `markup` | [`markup`] | rich text in canonical form, and back | nothing |
//! | `core` | [`model`] | sides, ids, canonical items | `markup` |
//! | | [`mapping`], [`marker`], [`claim`] | vocabulary tables, origin markers, whose a pair is | `model` |
//! | | [`field`], [`capabilities`] | the table of fields with their kinds; what each service can and can't do | the above |
//! | | [`reason`] | why something is held, done, left or stopped: a code with its facts, and a sentence | `model` |
//! | | [`reconcile`] | [`reconcile::reconcile`]: view and policy in, plan out | the above |
//! | | [`render`] | plans, reports and conflicts as text and JSON | the above |
//! | `sandbox` | [`sandbox`] | both services as fakes; knows nothing of their clients | `model` |
//! | here | [`connector`] | `Reader` and `Writer`, the HTTP client, the limiter, the names that services told | `model`, `markup` |
//! | | [`azure`], [`clickup`] | one vendor each; they never see each other, the store or the engine | `connector` |
//! | | [`store`] | one SQLite file; every SQL statement; the record of recent requests beside it | `model`, `connector`'s values |
//! | | [`config`] | the TOML file, all problems at once | `model` |
//! | | [`engine`] | one cycle: recover, observe, plan, apply, commit; the daemon | all but vendors and `render` |
//! | | [`commands`], [`cli`] | one function per subcommand | everything |
//! | | [`redact`] | the credentials in use, kept out of everything that is shown, stored or sent | nothing |
//! | `sim` | | the simulation of the real engine and its judge; a tool and tests, no part of the program | [`engine`] |
//!
//! The crates below `crates/` can't name the program, and `core` and `markup` depend on nothing that does input or output;
//! `tests/it/architecture.rs` enforces the rest of the table, and which room may use which library.
//!
//! A new kind of field is one file in `crates/core/src/field/` and one row of the table there; [`field`] says how.
//!
//! # Walkthrough: somebody edits a task in ClickUp
//!
//! 1. [`engine::observe`]: the delta listing shows the task with a newer version than the stored observation. The task
//!    and its work item are read by id; a listing is never planned from.
//! 2. [`reconcile::merge`]: each field is compared with *its own side's* base. The title differs in ClickUp only, so
//!    the plan gets an update of the work item, with the version that it stands on.
//! 3. [`engine::apply`]: the pre-image goes to the journal, then one PATCH with `test /rev`. The answer is what the
//!    server made of it: that becomes the base, in one commit with the outcome.
//! 4. The next listing shows our own write at the version that we hold. Nothing differs, so nothing happens: an echo
//!    needs no clock and no "changed by me".
//!
//! # Walkthrough: a crash in the middle of a create
//!
//! 1. [`engine::apply`] commits an intent with the marker of the new task, then sends the one POST. The marker travels
//!    inside it. The process dies before the answer is recorded.
//! 2. [`engine::recover`] runs before anything is planned: it searches the target for exactly that marker. Found: the
//!    two items are linked, with what was sent as the source's base and what is there as the target's.
//! 3. Not found: until the quiet time is over the source is held. Then the intent is closed and the item planned again.
//!    The marker is derived from the source, so even a request that arrives late is recognised and not mirrored back.

pub mod azure;
pub mod cli;
pub mod clickup;
pub mod clock;
pub mod commands;
pub mod config;
pub mod connector;
pub mod engine;
pub mod redact;
pub mod store;
pub mod telemetry;

pub use boardsync_core::{
    capabilities, claim, field, mapping, marker, model, reason, reconcile, render,
};
pub use boardsync_markup as markup;
pub use boardsync_sandbox as sandbox;
