//! What one cycle notes for the next ones: one table per kind of note, each in a file of its own.
//!
//! A note is replaced as a whole: what it held before and does not hold now is gone.

mod begun;
mod carrier;
mod claim;
mod installation;
mod kept;
mod misanswered;
mod refused_token;
mod restore;
mod revisit;
mod stopped;
mod takeover;
mod unmarked;
mod waiting;

pub use begun::Begun;
pub use carrier::Carriers;
pub(super) use installation::{end_copy, raise_epoch};
pub use kept::KeptRow;
pub(super) use kept::forgive as forgive_kept;
pub use misanswered::Misanswered;
pub use refused_token::RefusedToken;
pub use restore::Restored;
pub(super) use restore::mark as mark_restored;
pub use stopped::StopNote;
pub use unmarked::Unmarked;
pub use waiting::Waiting;

use super::error::{StoreError, sql};
use super::{Batch, Op, Store};
use crate::claim::Own;
use crate::model::{FieldKey, LinkId, PairName, Service, Side, Sided, Timestamp};
use rusqlite::{Connection, OptionalExtension, Params, Row};
use std::collections::{BTreeMap, BTreeSet};

/// A change of what is noted.
#[derive(Clone, Debug)]
pub enum NoteOp {
    /// Replaces the links of a pair to look at in the next cycle, whatever the listings say.
    Revisit {
        /// The pair.
        pair: PairName,
        /// Its links.
        links: BTreeSet<LinkId>,
    },
    /// Replaces the fields of a link that a service said it took and did not.
    Kept {
        /// The link.
        link: LinkId,
        /// Its fields.
        fields: BTreeMap<FieldKey, KeptRow>,
    },
    /// Notes that a pair's plan was stopped; `None`: nothing waits any more.
    Stopped {
        /// The pair.
        pair: PairName,
        /// The note.
        note: Option<StopNote>,
    },
    /// Remembers the claim on a pair.
    Claim {
        /// The pair.
        pair: PairName,
        /// What is remembered.
        own: Box<Own>,
    },
    /// A person gave the pair to this installation.
    TakenOver {
        /// The pair.
        pair: PairName,
        /// Local time.
        at: Timestamp,
    },
    /// Remembers that the database was restored, and how far the way back to normal has come.
    Restored(Restored),
    /// Remembers under which mapping a pair's first contact began.
    Begun {
        /// The pair.
        pair: PairName,
        /// The mapping.
        begun: Begun,
    },
    /// Replaces what is known of the items that wait for a counterpart in a pair.
    Waiting {
        /// The pair.
        pair: PairName,
        /// The items.
        items: Waiting,
    },
    /// Notes the item of a side that does not show its marker; `None`: there is none any more.
    Unmarked {
        /// The side.
        side: Side,
        /// The note.
        note: Option<Unmarked>,
    },
    /// Notes that a side answered creates with another item; `None`: it answers right again.
    Misanswered {
        /// The side.
        side: Side,
        /// The note.
        note: Option<Misanswered>,
    },
    /// Notes that a service refuses our token; what is noted already keeps its time. `None`: it takes it.
    RefusedToken {
        /// The service.
        service: Service,
        /// The note.
        note: Option<RefusedToken>,
    },
    /// Replaces what is known of a pair's unlinked items that carry a marker.
    Carriers {
        /// The pair.
        pair: PairName,
        /// The items.
        carriers: Carriers,
    },
    /// The journal was pruned to its end.
    Pruned {
        /// Local time.
        at: Timestamp,
    },
    /// The clocks were seen too far apart.
    ClocksApart {
        /// Each service's own time.
        told: Sided<Timestamp>,
    },
    /// Remembers the key that the database is used with.
    KeyCheck {
        /// A marker signed with it.
        signed: String,
    },
    /// Sets the counter that gives a restored database away.
    Epoch(u64),
}

impl Store {
    /// Changes one note, in a transaction of its own.
    pub fn note(&mut self, op: NoteOp) -> Result<(), StoreError> {
        self.commit(&Batch(vec![Op::Note(op)]))
    }
}

pub(super) fn apply(tx: &Connection, op: &NoteOp) -> Result<(), StoreError> {
    match op {
        NoteOp::Revisit { pair, links } => revisit::replace(tx, pair, links),
        NoteOp::Kept { link, fields } => kept::replace(tx, *link, fields),
        NoteOp::Stopped { pair, note } => stopped::save(tx, pair, note.as_ref()),
        NoteOp::Claim { pair, own } => claim::save(tx, pair, own),
        NoteOp::TakenOver { pair, at } => takeover::save(tx, pair, *at),
        NoteOp::Restored(mark) => restore::save(tx, mark),
        NoteOp::Begun { pair, begun } => begun::save(tx, pair, begun),
        NoteOp::Waiting { pair, items } => waiting::replace(tx, pair, items),
        NoteOp::Unmarked { side, note } => unmarked::save(tx, *side, note.as_ref()),
        NoteOp::Misanswered { side, note } => misanswered::save(tx, *side, note.as_ref()),
        NoteOp::RefusedToken { service, note } => refused_token::save(tx, *service, note.as_ref()),
        NoteOp::Carriers { pair, carriers } => carrier::replace(tx, pair, carriers),
        NoteOp::Pruned { at } => installation::set_pruned_at(tx, *at),
        NoteOp::ClocksApart { told } => installation::set_clocks_apart(tx, *told),
        NoteOp::KeyCheck { signed } => installation::set_key_check(tx, signed),
        NoteOp::Epoch(epoch) => installation::set_epoch(tx, *epoch),
    }
}

/// Runs a statement that changes rows, and returns how many.
fn run(
    tx: &Connection,
    operation: &'static str,
    text: &str,
    parameters: impl Params,
) -> Result<usize, StoreError> {
    tx.prepare_cached(text)
        .and_then(|mut statement| statement.execute(parameters))
        .map_err(sql(operation))
}

/// Reads the rows of a query.
fn rows<T>(
    connection: &Connection,
    operation: &'static str,
    text: &str,
    parameters: impl Params,
    read: impl FnMut(&Row<'_>) -> rusqlite::Result<T>,
) -> Result<Vec<T>, StoreError> {
    connection
        .prepare_cached(text)
        .and_then(|mut statement| statement.query_map(parameters, read)?.collect())
        .map_err(sql(operation))
}

/// Reads the one row of a query; `None`: there is none.
fn row<T>(
    connection: &Connection,
    operation: &'static str,
    text: &str,
    parameters: impl Params,
    read: impl FnOnce(&Row<'_>) -> rusqlite::Result<T>,
) -> Result<Option<T>, StoreError> {
    connection
        .prepare_cached(text)
        .and_then(|mut statement| statement.query_row(parameters, read).optional())
        .map_err(sql(operation))
}
