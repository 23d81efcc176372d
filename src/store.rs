//! Everything that must survive a restart, in one SQLite file; only the record of recent requests lies beside it ([`SendFile`]).
//!
//! Synchronous; one connection; the types of the SQL library do not leave this module. All changes that belong
//! together go through [`Store::commit`], which is one transaction: after a crash either all of a batch is there or
//! none of it.

mod agreed;
mod backup;
mod choices;
mod conflicts;
mod epoch;
mod error;
mod files;
mod health;
mod identities;
mod intents;
mod journal;
mod key;
mod links;
mod listed;
mod lock;
mod notes;
mod observations;
mod open;
mod parts;
mod rails;
mod sends;
mod state;
mod vocabulary;

pub use backup::{RESTORED, backups};
pub use choices::{Choice, ChoiceOp, dropped_choice};
pub use conflicts::{Conflict, HoldRow, NewConflict};
pub use epoch::epoch_path;
pub use error::StoreError;
pub use files::{Stamp, examine, is_same, is_state, write_private_by};
pub use health::Health;
pub use identities::KnownIdentity;
pub use intents::{Intent, IntentKey, IntentKind};
pub use journal::{Before, CycleRow, JournalChange, JournalRow, NewJournal, RunRow};
pub use key::{copy_key, key_path, load_key, load_or_create_key, nonce};
pub use links::{LinkRow, LinkState};
pub use listed::{Listed, Met};
pub use lock::{FileId, Holder, LockError, StateLock, Watching};
pub use notes::{
    Begun, Carriers, KeptRow, Misanswered, NoteOp, RefusedToken, Restored, StopNote, Unmarked,
    Waiting,
};
pub use observations::Observation;
pub use parts::{PartOp, Refusal, Source, TransitRow};
pub use rails::{Attempt, BreakerRow, Freeze, RailOp, RecentWrite};
pub use sends::{Monotonic, SendFile};
pub use state::PairState;

use crate::connector::Watermark;
use crate::model::{
    BaseState, FieldKey, FieldValue, Identity, Item, ItemId, LinkId, PairName, Side, Sided,
    Timestamp, Version,
};
use crate::reason::{ActionWhy, SettledBy};
use error::sql;
use rusqlite::{Connection, TransactionBehavior};
use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

/// An open database.
pub struct Store {
    connection: Connection,
    path: PathBuf,
    /// Living links by pair, as far as they were counted since a link was last added or changed.
    counts: RefCell<BTreeMap<PairName, u64>>,
    hook: Option<CommitHook>,
    /// The file that repeats the epoch; `None`: this process does not write.
    epoch_file: Option<PathBuf>,
    /// What the services said; every commit stores what is new of it.
    vocabulary: Option<vocabulary::Kept>,
}

/// Which edge of a transaction is reached.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CommitEdge {
    /// Nothing of the batch is stored yet.
    Before,
    /// All of it is stored.
    After,
}

/// Called at both edges of every transaction; see [`Store::on_commit`].
pub type CommitHook = Box<dyn FnMut(&Store, CommitEdge) -> bool + Send>;

impl std::fmt::Debug for Store {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Store")
            .field("path", &self.path)
            .finish_non_exhaustive()
    }
}

/// One change of the stored state.
#[derive(Clone, Debug)]
pub enum Op {
    /// Stores what was read, replacing an earlier observation of the same item.
    SaveObservation {
        /// The item's side.
        side: Side,
        /// The item as read.
        item: Item,
        /// The pair whose scope it is in; `None`: in no scope.
        pair: Option<PairName>,
        /// Server time of the read.
        seen_at: Timestamp,
    },
    /// Remembers that a version was seen, without anything of it being dealt with.
    Saw {
        /// The item's side.
        side: Side,
        /// The item.
        id: ItemId,
        /// The version.
        version: Version,
        /// The title that it had then.
        title: String,
    },
    /// Forgets an observation. Nothing happens when there is none.
    DropObservation {
        /// The item's side.
        side: Side,
        /// The item.
        id: ItemId,
    },
    /// Remembers two items as linked once, of whose link nothing else is on record. Fails when either has a living link in this
    /// pair.
    AddEndedLink {
        /// The pair.
        pair: PairName,
        /// The work item.
        ado: ItemId,
        /// The task.
        clickup: ItemId,
        /// Side whose item came first.
        origin: Side,
        /// Why it has ended.
        why: ActionWhy,
        /// Local time.
        at: Timestamp,
    },
    /// Links two items and stores their base. Fails when either has a living link in this pair.
    AddLink {
        /// The pair.
        pair: PairName,
        /// The work item.
        ado: ItemId,
        /// The task.
        clickup: ItemId,
        /// Side whose item came first; `None`: matched by hand.
        origin: Option<Side>,
        /// Generation in the marker.
        generation: u32,
        /// The base; empty when not known.
        base: BTreeMap<FieldKey, Sided<BaseState>>,
        /// Local time.
        at: Timestamp,
    },
    /// Changes a link's state. Fails when there is no such link.
    SetLinkState {
        /// The link.
        link: LinkId,
        /// The new state.
        state: LinkState,
        /// Local time.
        at: Timestamp,
    },
    /// Sets the base of the given fields; others stay.
    SetBase {
        /// The link.
        link: LinkId,
        /// New values.
        fields: BTreeMap<FieldKey, Sided<BaseState>>,
    },
    /// As `SetBase`, for a living link named by its work item (one that was added earlier in the same batch).
    SetBaseFor {
        /// The pair.
        pair: PairName,
        /// The work item.
        ado: ItemId,
        /// New values.
        fields: BTreeMap<FieldKey, Sided<BaseState>>,
    },
    /// Forgets the base of one field. Nothing happens when there is none.
    ClearBase {
        /// The link.
        link: LinkId,
        /// The field.
        field: FieldKey,
    },
    /// Records a request that is about to be sent. Fails when one is open for the same source.
    OpenIntent(Intent),
    /// Records that the request is being sent now, once more, with these fields. The server time of the first send
    /// stays: a lost item may be as old as that. Fails when there is no such intent.
    MarkSent {
        /// The intent.
        intent: IntentKey,
        /// Local time.
        at: Timestamp,
        /// The source's values of what is sent now.
        fields: BTreeMap<FieldKey, FieldValue>,
    },
    /// Removes an intent whose outcome is known. Nothing happens when there is none.
    CloseIntent {
        /// The intent.
        key: IntentKey,
    },
    /// Records a conflict; see [`NewConflict`] for what happens to an equal or an older one.
    AddConflict(NewConflict),
    /// Closes an open conflict. Fails when there is none with this id.
    ResolveConflict {
        /// The conflict.
        id: i64,
        /// Side whose value won; `None`: closed without a winner.
        taken: Option<Side>,
        /// What ended it.
        by: SettledBy,
        /// Local time.
        at: Timestamp,
    },
    /// Replaces all holds of a pair.
    SetHolds {
        /// The pair.
        pair: PairName,
        /// Its holds from now on.
        holds: Vec<HoldRow>,
    },
    /// Replaces the holds of some items of a pair; those of other items stay.
    SetHoldsFor {
        /// The pair.
        pair: PairName,
        /// Whose holds are replaced.
        items: BTreeSet<(Side, ItemId)>,
        /// Holds to add.
        holds: Vec<HoldRow>,
    },
    /// Remembers what fields of a pair stand for, and that they are synced. Others keep what is known of them.
    SetIdentities {
        /// The pair.
        pair: PairName,
        /// The fields.
        fields: BTreeMap<FieldKey, Identity>,
    },
    /// Replaces the holds of a pair that are about no item of it.
    SetHoldsOfPair {
        /// The pair.
        pair: PairName,
        /// Holds to add.
        holds: Vec<HoldRow>,
    },
    /// Appends to the journal.
    Journal(NewJournal),
    /// Moves a side's watermark.
    SetWatermark {
        /// The side.
        side: Side,
        /// The new watermark.
        watermark: Watermark,
    },
    /// Stores a cycle, replacing the row of the same id.
    SaveCycle(CycleRow),
    /// Stores what is known about a pair.
    SetPairState {
        /// The pair.
        pair: PairName,
        /// Its state.
        state: PairState,
    },
    /// Changes what the safety rails remember.
    Rail(RailOp),
    /// Changes what is remembered of parts that did not come through.
    Part(PartOp),
    /// Changes what persons chose in conflicts.
    Choice(ChoiceOp),
    /// Changes what cycles note for the next ones.
    Note(NoteOp),
}

/// Changes that are stored together or not at all, applied in order.
#[derive(Clone, Debug, Default)]
pub struct Batch(pub Vec<Op>);

impl Store {
    /// Returns the path of the database file; `:memory:` when there is none.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Applies a batch in one durable transaction. On an error nothing of it is stored.
    pub fn commit(&mut self, batch: &Batch) -> Result<(), StoreError> {
        if batch.0.is_empty() {
            return Ok(());
        }
        let links = |op: &Op| {
            matches!(
                op,
                Op::AddLink { .. } | Op::AddEndedLink { .. } | Op::SetLinkState { .. }
            )
        };
        if batch.0.iter().any(links) {
            self.counts.get_mut().clear();
        }
        self.edge(CommitEdge::Before)?;
        let transaction = self
            .connection
            .transaction_with_behavior(TransactionBehavior::Immediate)
            .map_err(sql("begin a transaction"))?;
        for op in &batch.0 {
            apply(&transaction, op)?;
        }
        let words = self.vocabulary.as_ref();
        let unsaved = words.map_or_else(Default::default, vocabulary::Kept::unsaved);
        vocabulary::save(&transaction, words, &unsaved)?;
        transaction.commit().map_err(sql("commit a transaction"))?;
        if let Some(words) = &self.vocabulary {
            words.saved(&unsaved);
        }
        self.edge(CommitEdge::After)?;
        let announced = |op: &Op| matches!(op, Op::Rail(RailOp::Announce));
        if batch.0.iter().any(announced) {
            self.write_epoch()?;
        }
        Ok(())
    }

    /// Calls `hook` at both edges of every transaction from now on. Where it returns true, [`Store::commit`] ends there
    /// with [`StoreError::Interrupted`], as if the process had been killed. For simulations and crash tests; production
    /// has no hook.
    pub fn on_commit(&mut self, hook: CommitHook) {
        self.hook = Some(hook);
    }

    fn edge(&mut self, edge: CommitEdge) -> Result<(), StoreError> {
        let Some(mut hook) = self.hook.take() else {
            return Ok(());
        };
        let stop = hook(self, edge);
        self.hook = Some(hook);
        if stop {
            Err(StoreError::Interrupted)
        } else {
            Ok(())
        }
    }
}

fn apply(tx: &Connection, op: &Op) -> Result<(), StoreError> {
    match op {
        Op::SaveObservation {
            side,
            item,
            pair,
            seen_at,
        } => observations::save(tx, *side, item, pair.as_ref(), *seen_at),
        Op::Saw {
            side,
            id,
            version,
            title,
        } => observations::saw(tx, *side, id, *version, title),
        Op::DropObservation { side, id } => observations::remove(tx, *side, id),
        Op::AddLink {
            pair,
            ado,
            clickup,
            origin,
            generation,
            base,
            at,
        } => {
            let link = links::add(tx, pair, ado, clickup, *origin, *generation, *at)?;
            links::set_base(tx, link, base)
        }
        Op::AddEndedLink {
            pair,
            ado,
            clickup,
            origin,
            why,
            at,
        } => {
            let link = links::add(tx, pair, ado, clickup, Some(*origin), 0, *at)?;
            let state = LinkState::Tombstone { why: why.clone() };
            links::set_state(tx, link, &state, *at)
        }
        Op::SetLinkState { link, state, at } => links::set_state(tx, *link, state, *at),
        Op::SetBase { link, fields } => links::set_base(tx, *link, fields),
        Op::SetBaseFor { pair, ado, fields } => {
            let link = links::by_item(tx, pair, Side::Ado, ado)?
                .ok_or_else(|| StoreError::missing("link of work item", ado))?;
            links::set_base(tx, link.id, fields)
        }
        Op::ClearBase { link, field } => links::clear_base(tx, *link, field),
        Op::OpenIntent(intent) => intents::open(tx, intent),
        Op::MarkSent { intent, at, fields } => intents::mark_sent(tx, intent, *at, fields),
        Op::CloseIntent { key } => intents::close(tx, key),
        Op::AddConflict(conflict) => conflicts::add(tx, conflict),
        Op::ResolveConflict { id, taken, by, at } => conflicts::end(tx, *id, *taken, *by, *at),
        Op::SetHolds { pair, holds } => conflicts::set_holds(tx, pair, None, holds),
        Op::SetHoldsFor { pair, items, holds } => {
            conflicts::set_holds(tx, pair, Some(items), holds)
        }
        Op::SetIdentities { pair, fields } => identities::set(tx, pair, fields),
        Op::SetHoldsOfPair { pair, holds } => conflicts::set_holds_of_pair(tx, pair, holds),
        Op::Journal(entry) => journal::append(tx, entry),
        Op::SetWatermark { side, watermark } => state::set_watermark(tx, *side, watermark),
        Op::SaveCycle(cycle) => journal::save_cycle(tx, cycle),
        Op::SetPairState { pair, state } => state::save_pair_state(tx, pair, state),
        Op::Rail(op) => rails::apply(tx, op),
        Op::Part(op) => parts::apply(tx, op),
        Op::Choice(op) => choices::apply(tx, op),
        Op::Note(op) => notes::apply(tx, op),
    }
}

#[cfg(test)]
mod tests;
