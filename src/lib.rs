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
//! | | [`reconcile`] | [`reconcile::rails::plan`]: view, policy and rails in, plan out | the above |
//! | | [`render`] | plans, reports and conflicts as text and JSON | the above |
//! | `sandbox` | [`sandbox`] | both services as fakes; knows nothing of their clients | `model` |
//! | here | [`connector`] | `Reader` and `Writer`, the HTTP client, the limiter, the names that services told | `model`, `markup` |
//! | | [`azure`], [`clickup`] | one vendor each; they never see each other, the store or the engine | `connector` |
//! | | [`store`] | one SQLite file; every SQL statement; the record of recent requests beside it | `model`, `connector`'s values |
//! | | [`config`] | the TOML file, all problems at once | `model` |
//! | | [`engine`] | one cycle: recover, observe, plan, apply, commit ([`engine::cycle`]); the daemon; what people decide ([`engine::deeds`]) | all but vendors and `render` |
//! | | [`views`] | what people look at: status, why, history, conflicts, links, runs, as plain values | `engine`, `store`, `config`, `render` |
//! | | [`commands`], [`cli`] | one function per subcommand | everything |
//! | | [`redact`] | the credentials in use, kept out of everything that is shown, stored or sent | nothing |
//! | `sim` | | the simulation of the real engine and its judge; a tool and tests, no part of the program | [`engine`] |
//!
//! The crates below `crates/` can't name the program, and `core` and `markup` depend on nothing that does input or output;
//! `tests/it/architecture.rs` enforces the rest of the table, and which room may use which library.
//!
//! # Walkthrough: somebody edits a task in ClickUp
//!
//! 1. [`engine::observe`]: the delta listing shows the task with a newer version than the stored observation. The task
//!    and its work item are read by id; a listing is never planned from.
//! 2. [`reconcile::merge`]: each field is compared with *its own side's* base. The title differs in ClickUp only, so
//!    the plan gets an update of the work item, with the version that it stands on.
//! 3. [`engine::apply`]: the pre-image goes to the journal, then one PATCH with `test /rev`. The answer is what the
//!    server made of it: by [`reconcile::settle`] that becomes the base, in one commit with the outcome.
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
//!
//! # One edit, with the values of every table
//!
//! Work item 3 and task 86d30kre7e are link 2 of the pair `web`. Both have the title "Guest gets a receipt by mail".
//! Somebody renames the task to "Guest gets a receipt by e-mail". One cycle later these rows have changed, and no others:
//!
//! | table | before | after |
//! |---|---|---|
//! | `observation`, the task | version 1795947126125, old title | version 1795947135293, new title |
//! | `observation`, the work item | version 1, old title | version 2, new title: the answer to our own write |
//! | `base`, link 2, `title` | both sides old, both `shown` | both sides new, both `shown` |
//! | `journal` | 5 rows | row 6: `update` of ADO 3, `sent`, title before and after, on version 1; row 7: the same, `done`, version 2 |
//! | `cycle` | 1 row | a row with `{"failures":0,"writes":1}`, cause `cycle` |
//! | `installation` | epoch 6 | epoch 8: raised at the start and before the write |
//! | `pair_state`, `web` | last success 1795947126153 | 1795947139332 |
//! | `watermark`, each side | as read before | as read now, by that side's own clock |
//!
//! `link` stays as it is, for the two still belong together. `intent` is for creates, and what is noted in `transit` before
//! an update goes with its answer, so both stay empty; so do `hold`, `conflict`, `choice`, `freeze`, `kept`, `refusal`, `attempt`, `breaker` and `refused_token`,
//! because nothing went wrong. Had somebody renamed the work item to something else at the same time, `base` would have stayed,
//! and `conflict` would have got a row with both titles.
//!
//! # Where does it go?
//!
//! - **A new kind of field.** A row in `crates/core/src/field/table.rs`, and a file in `crates/core/src/field/` if no kind
//!   there fits; the module doc of [`field`] has the steps. Configuration, merge, connectors, laws and simulation go through
//!   the table. A field that is a new member of ClickUp's tasks gets a row in `src/clickup/codec.rs` too.
//! - **A new kind of part**, a thing that hangs on an item and has an identity of its own, as a comment. There is none yet. It
//!   starts as a variant of [`model::PartKind`] with its word; then each place that has to say what it does with such a part no
//!   longer compiles, and those are the list of what is to be done: carry it out, settle it, freeze it, thaw it, take it back.
//!   Actions, holds, freezes and the journal, and the tables `intent`, `hold`, `freeze` and `attempt`, name a part already. What
//!   each side has of it gets a table. Its decisions are a file below `crates/core/src`, its requests a file in `src/azure` and
//!   one in `src/clickup`, and its fakes one in each half of `crates/sandbox`.
//! - **A new vendor quirk.** A row in the table at the top of `src/azure.rs` or `src/clickup.rs` with its source, the code in
//!   that room, and the quirk itself in `crates/sandbox`, so that a test fails without the code. What a service can't hold or do
//!   at all is a value in [`capabilities`]. If it can lose an edit, it also goes into `crates/sim/src/quirks.rs`.
//! - **A new rail.** A file in `crates/core/src/reconcile/rails/` and a row in the table of [`reconcile::rails`]; what it has to
//!   know comes in through `Rails`, which `src/engine/rails.rs` fills. Its reason is a variant of [`reason::HoldWhy`].
//! - **A new command.** Its arguments in `src/cli.rs` (a file of `src/cli/` where they are many), one function in
//!   `src/commands/`. What it does to the state or to a service is a function in `src/engine/deeds/`, so that the simulation can do the same; what it shows of the state is a value
//!   in `src/views/`; the command reads and prints.
//! - **A page.** A room of its own, `src/web/`, that the table above lets name what [`commands`] may name, without being named by
//!   anybody but the command that starts it. It shows [`views`], as the commands do, and does what [`engine::deeds`] offers.
//!
//! # Words
//!
//! Terms of the field are used as everybody uses them. These have one meaning of our own, in code and in messages:
//!
//! | word | meaning |
//! |---|---|
//! | item | a work item in Azure DevOps or a task in ClickUp |
//! | part | a thing that hangs on an item and has an identity of its own, as a comment; no kind of it is synced yet |
//! | subject | what something is about: the item as a whole, a field, or a part |
//! | side | one of the two that are kept equal; *source* and *target* are the two sides seen from one change |
//! | service | whoever a request goes to: what errors, limits and the breaker are about. It need not be a side |
//! | pair | one configured place on each side (`[[pair]]`): a project with an area, and a list |
//! | scope | what the configuration counts as in a pair |
//! | spec | one field of a pair on one type: what the configuration wants of it, and what each service calls it there |
//! | link | the record that a work item and a task belong together |
//! | living | said of a link that has not ended; an ended one is kept as a *tombstone*, so that its items are not taken for new |
//! | new item | an item in scope without a living link; *fresh* in the code |
//! | counterpart | the item that a new item gets on the other side |
//! | twin | a second counterpart of one item: what must never be |
//! | base | what a field held on each side when the two last agreed, in that side's own words; both together are the *twin base* |
//! | shown | said of one side's base: the service has shown the value |
//! | sent | said of one side's base: we sent the value, and nothing has shown yet what the service made of it. A rounding of it is no edit |
//! | owed | said of one side's base: that side's value has still to be carried over, because the other side did not take it or did not get it |
//! | identity | the two fields of the services that a field of a pair stands for; a base is about those ([`reconcile::identity`]) |
//! | observation | an item as it was read last, with its version |
//! | version | `rev` in Azure DevOps, `date_updated` in ClickUp. Only ever compared within one item |
//! | delta, sweep | a listing of what changed lately; a listing of everything |
//! | watermark | how far a side's deltas have been read |
//! | marker | the signed text that a create carries, and that names the item it was made for |
//! | stranger | an item whose marker was not made with this installation's key |
//! | intent | the note of a create, written before the request: after a crash its marker is searched |
//! | quiet time | for so long an unanswered create is only looked for, and not sent again |
//! | doubted | said of one side's base: the side counts as changed whatever it shows, because somebody may have set just that value over one of ours ([`reconcile::doubt`]) |
//! | transit | the note of fields that are about to be sent, made right before the call that carries each, with what the other side had of it, and the steps in between where a state takes several requests; it goes with the answer |
//! | settle | to find out what became of what was sent: whether a create without an answer took effect, and what both sides have agreed on ([`reconcile::settle`]) |
//! | hold | the record that something is deliberately not done, with its reason; *held* is said of nothing else: a conflict is *open*, and the state is *in use* or *locked* |
//! | conflict | the record of both values of a field that changed on both sides; *open* until they agree or a person chooses |
//! | choice | what a person picked in a conflict, until it is written or taken back |
//! | kept | said of a value: a service said yes to another one and still has this |
//! | rail | a rule about what a plan must not do, however the boards look |
//! | guard | the rail that stops a plan of unusual size until somebody approves exactly that plan |
//! | freeze, thaw | to stop writing a field until a person chooses; to write it again |
//! | breaker | the rail that leaves a failing service alone for a while |
//! | first contact | a pair's first plan, or its first after the scope or mapping changed: it waits for a yes |
//! | late | said of a daemon that began no cycle while several were due; it may be in a long one, hang, or be suspended |
//! | canary, claim | the work item that an installation writes its claim on; the claim says whose a pair is |
//! | take over | to make this installation the one that works on a pair |
//! | epoch | the counter by which a database that was put back from a backup gives itself away |
//! | approver | whoever says whether a plan may be carried out: a person, a saved plan, flags, or nobody |
//! | view | what a command or a page shows of the state, as a plain value |
//! | deed | what a person asks for by name beside the cycles: resolve, undo, link, carry out a saved plan |
//! | cycle | settle, observe, plan, apply, record; once per interval or per command |

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
pub mod views;

pub use boardsync_core::{
    capabilities, claim, field, mapping, marker, model, reason, reconcile, render,
};
pub use boardsync_markup as markup;
pub use boardsync_sandbox as sandbox;
