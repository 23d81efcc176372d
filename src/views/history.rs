//! Everything that was ever done to an item.

use crate::model::{FieldValue, ItemId, PairName, Side, Subject, Timestamp, subject};
use crate::reason::{JournalKind, Outcome};
use crate::store::{NewJournal, Store, StoreError};
use serde::{Serialize, Serializer};
use std::collections::BTreeMap;

/// One line of the journal: a request that was sent, or what came of it.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Entry {
    /// When it was recorded.
    #[serde(rename = "at_ms")]
    pub at: Timestamp,
    /// The run that it belongs to.
    pub cycle: String,
    /// The pair.
    pub pair: PairName,
    /// The side that was written to.
    pub side: Side,
    /// The item on that side; `None`: it was to be created, and its id is not known.
    pub item: Option<ItemId>,
    /// What was to be done.
    #[serde(serialize_with = "kind")]
    pub kind: JournalKind,
    /// What came of it.
    #[serde(serialize_with = "outcome")]
    pub outcome: Outcome,
    /// More about it; empty: there is no more to say.
    pub detail: String,
    /// The fields that were written. Empty where the line is not about fields.
    pub changes: Vec<Change>,
}

/// Something that was written.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Change {
    /// What it is: a field, or something that hangs on the item.
    #[serde(flatten, with = "subject::named")]
    pub subject: Subject,
    /// What it held before; `None`: that was not known.
    #[serde(serialize_with = "super::plain")]
    pub before: Option<FieldValue>,
    /// What it held afterwards; `None`: that was not known.
    #[serde(serialize_with = "super::plain")]
    pub after: Option<FieldValue>,
}

fn kind<S: Serializer>(kind: &JournalKind, to: S) -> Result<S::Ok, S::Error> {
    kind.key().serialize(to)
}

fn outcome<S: Serializer>(outcome: &Outcome, to: S) -> Result<S::Ok, S::Error> {
    outcome.key().serialize(to)
}

impl From<NewJournal> for Entry {
    fn from(line: NewJournal) -> Entry {
        let changes = line.changes.into_iter();
        Entry {
            at: line.at,
            cycle: line.cycle,
            pair: line.pair,
            side: line.side,
            item: line.item,
            kind: line.kind,
            outcome: line.outcome,
            detail: line.detail,
            changes: changes
                .map(|(subject, change)| Change {
                    subject,
                    before: change.before,
                    after: change.after,
                })
                .collect(),
        }
    }
}

/// Returns what was done to an item and to its counterparts, oldest first. `None`: it is neither in the journal nor in a
/// link. Empty: it is in a link, and the journal no longer goes back to anything that was done to it.
///
/// # Errors
/// Only the database's.
pub fn history(store: &Store, item: &ItemId) -> Result<Option<Vec<Entry>>, StoreError> {
    let mut entries = BTreeMap::new();
    // A canary that carries the claim on a pair need not be in a link.
    for row in store.journal_of(None, item)? {
        entries.insert(row.id, row.entry);
    }
    let links = store.find_item(item)?;
    if entries.is_empty() && links.is_empty() {
        return Ok(None);
    }
    for link in links {
        for side in Side::BOTH {
            for row in store.journal_of(Some(side), link.item(side))? {
                entries.insert(row.id, row.entry);
            }
        }
    }
    Ok(Some(entries.into_values().map(Entry::from).collect()))
}
