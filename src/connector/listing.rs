//! What reads bring: listings, items, and how far a listing went.

use super::ConnectorError;
use crate::model::{FieldKey, FieldValue, Item, ItemId, PairName, Timestamp, Version};
use std::collections::BTreeMap;

/// How far a side has been read. Opaque to the engine, stored as JSON by the store.
#[derive(Clone, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Watermark {
    /// Server time below which everything has been listed. `None`: never read, list everything.
    pub high: Option<Timestamp>,
    /// Highest change time that any listing showed, and when it did first, by the clock of the service's `Date` header.
    #[serde(default)]
    pub peak: Option<(Timestamp, Timestamp)>,
    /// By the same clock: when the last complete re-read of the overlap window began.
    #[serde(default)]
    pub settled: Option<Timestamp>,
    /// Continuation token of ADO's link feed.
    #[serde(default)]
    pub link_token: Option<String>,
    /// By the server's clock: when that feed was read last, or began to wait for its turn.
    #[serde(default)]
    pub links_read: Option<Timestamp>,
}

impl Watermark {
    /// The watermark after a sweep, which starts from nothing: it knows the highest change time, but not since when that
    /// was shown. `before` does, if nothing is newer than what it showed.
    pub fn after_sweep(self, before: &Watermark) -> Watermark {
        let shown = |mark: &Watermark| mark.peak.map(|(highest, _)| highest);
        match shown(&self) == shown(before) {
            true => Watermark {
                peak: before.peak,
                ..self
            },
            false => self,
        }
    }
}

/// What the caller already holds of an item.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Known {
    /// Version of the stored observation.
    pub version: Version,
    /// Server time of its last change.
    pub changed_at: Timestamp,
}

/// What people left at an item beside its fields. `None`: the service does not tell.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Traces {
    /// Number of comments; where there are many, of those on the first page.
    pub comments: Option<usize>,
    /// Number of attached files.
    pub files: Option<usize>,
    /// Number of children that a delete would take along.
    pub children: Option<usize>,
}

/// Takes the rows of a sweep as they come.
pub type EachPage<'a> = &'a mut (dyn FnMut(Vec<ListedRow>) -> Result<(), ConnectorError> + Send);

/// What a sweep says at its end.
#[derive(Clone, Debug, Default)]
pub struct Swept {
    /// The new watermark; to be stored only together with what was staged from the rows.
    pub watermark: Watermark,
    /// As [`Listing::failed`].
    pub failed: BTreeMap<PairName, ConnectorError>,
}

/// Result of a listing.
#[derive(Clone, Debug, Default)]
pub struct Listing {
    /// One row per item, without duplicates, ordered by id.
    pub rows: Vec<ListedRow>,
    /// The new watermark; to be stored only together with what was staged from `rows`.
    pub watermark: Watermark,
    /// Whether this was a complete, error-free listing of everything in scope, but for `failed`.
    pub complete: bool,
    /// Pairs that could not be listed because of their own configuration or place (an area that was renamed, a list that
    /// is gone), with the error of each. `rows` holds nothing of them, and the watermark moves on without them: sweep
    /// such a pair in full once it can be listed again. An error of the whole side is an `Err` instead.
    pub failed: BTreeMap<PairName, ConnectorError>,
}

/// One row of a listing.
#[derive(Clone, Debug)]
pub struct ListedRow {
    /// The item's id.
    pub id: ItemId,
    /// The pair whose scope it is in.
    pub pair: PairName,
    /// The version, where the listing tells one. `None`: read the item to learn it.
    pub version: Option<Version>,
    /// The item as the listing shows it, where it does. From ADO it was read by id for this listing: at `version` it
    /// may be planned from, because a write tests the revision. From ClickUp it comes out of an index and may be stale:
    /// good for confirming a version that is already known, and never the ground for a write without a read by id.
    pub item: Option<Box<Item>>,
    /// What the listing shows, without the rest of the item, of fields that may change while the version stays: an
    /// administrator renames a tag.
    pub shown: BTreeMap<FieldKey, FieldValue>,
}

/// Result of reading one item by id.
#[derive(Clone, Debug)]
pub enum Fetched {
    /// It exists.
    Seen(Box<Item>),
    /// The service positively says that it was deleted (recycle bin row, `ITEM_013`).
    Gone {
        /// What was seen, in words, for the journal.
        evidence: String,
    },
    /// Neither: no rights, foreign, or not understood. Never treated as deleted.
    Unclear {
        /// What was seen, in words.
        reason: String,
    },
}
