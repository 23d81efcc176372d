//! What the engine may ask of a service. `Reader` and `Writer` are separate types, so that code which
//! plans holds nothing that could write: there is no dry-run flag to forget.
//!
//! Contract for implementors:
//! - A listing never proves absence. Only [`Reader::fetch_items`] says that an item is gone.
//! - Anything that is not an understood JSON success is an error, never an empty answer.
//! - Creates are sent exactly once; whoever calls decides, after looking, whether to send again.

pub mod answer;
pub mod client;
pub mod customs;
mod error;
pub mod limiter;
pub mod plain;
pub mod stranger;
pub mod vocabulary;

pub use error::{Begun, ConnectorError, Disposition, ErrorKind, Setting, outdated};

use crate::field::negotiate::Native;
use crate::model::{
    FieldKey, FieldValue, Folded, Item, ItemId, PairName, Past, Side, TextFormat, Timestamp,
    Version,
};
use async_trait::async_trait;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// What a client has of the installation, and shares with its other processes.
#[derive(Clone, Default)]
pub struct Kept {
    /// Where its sends are noted.
    pub sends: Option<Arc<dyn limiter::log::SendLog>>,
    /// What the services said of their own words.
    pub vocabulary: Arc<vocabulary::Vocabulary>,
    /// What the custom fields of each pair are.
    pub customs: Arc<customs::Customs>,
    /// Reads the token again from where it comes from. `None`: it stays for the life of the process.
    pub token: Option<client::ReadAgain>,
}

/// Reads one service.
#[async_trait]
pub trait Reader: Send + Sync {
    /// Returns which side this is.
    fn side(&self) -> Side;

    /// Whether the credential that the service refused last has been replaced by now, so that it is worth another try.
    async fn has_another_credential(&self) -> bool {
        false
    }

    /// Lists what changed since `since` in every configured pair at once, and how far that brings the watermark.
    /// May repeat items that did not change. `known` tells which version the caller holds of an item, so that a
    /// listing can stop early or skip rows; an item it does not know is always reported.
    async fn fetch_changes(
        &self,
        since: &Watermark,
        known: &(dyn for<'a> Fn(&'a ItemId) -> Option<Known> + Send + Sync),
    ) -> Result<Listing, ConnectorError>;

    /// Lists every item in scope of the given pairs (closed, subtasks and archived included), page by page: what a sweep
    /// needs of memory does not grow with the board. The walk is complete or an error.
    ///
    /// An item may come again, as where the list moved under the walk: of two rows of one item the one with the higher
    /// version counts. Rows of a pair that turns out to have failed are void. An error of `each` ends the walk.
    async fn sweep(
        &self,
        pairs: &BTreeSet<PairName>,
        each: EachPage<'_>,
    ) -> Result<Swept, ConnectorError>;

    /// The same as one listing, for commands that hold it all anyway.
    async fn fetch_all(&self, pairs: &BTreeSet<PairName>) -> Result<Listing, ConnectorError> {
        let mut rows: BTreeMap<ItemId, ListedRow> = BTreeMap::new();
        let mut each = |page: Vec<ListedRow>| {
            for row in page {
                let held = rows.get(&row.id);
                if held.is_none_or(|held| held.version < row.version) {
                    rows.insert(row.id.clone(), row);
                }
            }
            Ok(())
        };
        let swept = self.sweep(pairs, &mut each).await?;
        rows.retain(|_, row| !swept.failed.contains_key(&row.pair));
        Ok(Listing {
            rows: rows.into_values().collect(),
            watermark: swept.watermark,
            complete: true,
            failed: swept.failed,
        })
    }

    /// Lists, for a sweep, what no version tells: items that the caller knows and whose links changed since `since`, each
    /// without a version. The watermark says where to go on. A service without such a list has nothing to tell.
    async fn fetch_links(
        &self,
        _since: &Watermark,
        _known: &(dyn for<'a> Fn(&'a ItemId) -> Option<Known> + Send + Sync),
    ) -> Result<Listing, ConnectorError> {
        Ok(Listing::default())
    }

    /// Reads items by id; the answer has exactly one entry for each id asked.
    async fn fetch_items(
        &self,
        ids: &BTreeSet<ItemId>,
    ) -> Result<BTreeMap<ItemId, Fetched>, ConnectorError>;

    /// Says whether an item that was read by id is in a pair's scope. `None`: its place alone does not tell.
    fn covers(&self, _pair: &PairName, _item: &Item) -> Option<bool> {
        None
    }

    /// Asks whether the place that a pair names is there now; `Some` says what is wrong with it. Asked before an item that is
    /// gone counts as deleted: with a list that somebody deletes all its tasks go, and nobody deleted one of them. A service
    /// whose evidence of a delete is the item's own (a recycle bin) has nothing to add, which is the default.
    async fn fetch_place(
        &self,
        _pair: &PairName,
    ) -> Result<Option<ConnectorError>, ConnectorError> {
        Ok(None)
    }

    /// Looks for items carrying exactly this marker, among those created after `created_after` (server time, already
    /// reduced by a safety margin). Used to settle a create whose answer was lost.
    async fn find_marker(
        &self,
        pair: &PairName,
        marker: &str,
        created_after: Timestamp,
    ) -> Result<Vec<ItemId>, ConnectorError>;

    /// The same in places that no pair names, as far as the service can be asked that: somebody may have moved the item
    /// there before it was found.
    async fn find_marker_anywhere(
        &self,
        _marker: &str,
        _created_after: Timestamp,
    ) -> Result<Vec<ItemId>, ConnectorError> {
        Ok(Vec::new())
    }

    /// Looks in every place for items that have this title, in whatever case, among those created after `created_after`.
    /// Before the item of a create was found, somebody may have taken its marker out: a new description takes the place of
    /// the one with the footer.
    async fn find_titled(
        &self,
        _title: &FieldValue,
        _created_after: Timestamp,
    ) -> Result<Vec<ItemId>, ConnectorError> {
        Ok(Vec::new())
    }

    /// Returns the server's clock as of its last answer, if it has said one yet.
    fn server_now(&self) -> Option<Timestamp>;

    /// Reads the live vocabulary of a pair: types, states, people, fields, rights. For `check` and for proposing mappings.
    async fn fetch_schema(&self, pair: &PairName) -> Result<Schema, ConnectorError>;

    /// Returns the types that every workspace has and of which the pair's place holds no item: nobody need map those. For
    /// `check` only; a service without such types has none, which is the default.
    async fn fetch_idle_types(&self, _pair: &PairName) -> Result<Vec<String>, ConnectorError> {
        Ok(Vec::new())
    }

    /// Returns the synced fields that an item of a type has no place for; `None`: the type of which new items are that name none.
    /// Empty: there is one for each, or it is not known, which is the default.
    async fn fetch_lacking(
        &self,
        _pair: &PairName,
        _kind: Option<&Folded>,
    ) -> Result<BTreeSet<FieldKey>, ConnectorError> {
        Ok(BTreeSet::new())
    }

    /// Returns who of these people the service is known not to have, by their keys. Empty: nobody, or it is not known, which is the
    /// default.
    async fn fetch_unknown_people(
        &self,
        _people: &BTreeSet<Folded>,
    ) -> Result<BTreeSet<String>, ConnectorError> {
        Ok(BTreeSet::new())
    }

    /// Returns the states that items of a type can have. Empty: they are not known, which is the default.
    async fn fetch_states(
        &self,
        _pair: &PairName,
        _kind: &Folded,
    ) -> Result<BTreeSet<Folded>, ConnectorError> {
        Ok(BTreeSet::new())
    }

    /// Reads the claims (see [`crate::claim`]) that an item carries. A service whose items cannot be claimed under
    /// compare-and-swap refuses, which is the default; `NotFound` when the item cannot be read.
    async fn fetch_claims(&self, _id: &ItemId) -> Result<Claims, ConnectorError> {
        Err(no_claims(self.side()))
    }

    /// Returns the states that a create sets one after the other before the one that it wants, the first being that of the
    /// create itself. `made` is the new item as it was found. Empty: one request does it, or it cannot be told. For a
    /// create whose process died on the way.
    async fn steps_of_create(
        &self,
        _pair: &PairName,
        _made: &Item,
        _wanted: &FieldValue,
    ) -> Result<Vec<FieldValue>, ConnectorError> {
        Ok(Vec::new())
    }

    /// Returns an item as it was at every version after `since`, oldest first, up to the present one. Only the fields are
    /// promised. Asked where our own write and somebody's edit lie on top of each other, to tell which is which. Empty: a
    /// service that keeps no history, which is the default, or that does not show it.
    async fn fetch_history(
        &self,
        _id: &ItemId,
        _since: Version,
    ) -> Result<Vec<Past>, ConnectorError> {
        Ok(Vec::new())
    }

    /// Returns the items that a delete of this one would take along, as far as the service tells: its children, of one level
    /// at least. A service that deletes nothing but the item itself has none, which is the default.
    async fn fetch_children_that_go(
        &self,
        _id: &ItemId,
    ) -> Result<BTreeSet<ItemId>, ConnectorError> {
        Ok(BTreeSet::new())
    }

    /// Says what people left at an item beside its fields. A service that cannot tell says nothing of it, which is the
    /// default.
    async fn fetch_traces(&self, _id: &ItemId) -> Result<Traces, ConnectorError> {
        Ok(Traces::default())
    }
}

/// Writes one service. Every call touches exactly the named fields of one item.
#[async_trait]
pub trait Writer: Send + Sync {
    /// Returns which side this is.
    fn side(&self) -> Side;

    /// Creates an item carrying its marker from the first byte. The create request is sent once. After it succeeded
    /// nothing here fails: a follow-up step that did not work is reported in [`Written::pending`].
    async fn create(&self, new: &NewItem) -> Result<Written, ConnectorError>;

    /// Waits until the next write may go out at once. For writes that stand on a read which the service cannot test: call
    /// it before that read, or before looking at its age. May be called again. By default nothing is waited for.
    async fn make_room(&self) -> Result<(), ConnectorError> {
        Ok(())
    }

    /// Returns the states that a change sets one after the other before the one that it wants. Mostly none: then one
    /// request does it. Asked before [`Writer::update`], so that a kill in between can be told from a person's edit.
    async fn steps(&self, _change: &Change) -> Result<Vec<FieldValue>, ConnectorError> {
        Ok(Vec::new())
    }

    /// Changes the named fields. ADO refuses with [`ErrorKind::Stale`] when `change.expected` is not the current
    /// version; ClickUp cannot, so the caller reads immediately before.
    async fn update(&self, change: &Change) -> Result<Written, ConnectorError> {
        self.update_in_calls(change, &mut |_, _| Ok(())).await
    }

    /// The same for whoever notes what is sent: `before` hears of each call that carries one field alone.
    async fn update_in_calls(
        &self,
        change: &Change,
        before: BeforeCall<'_>,
    ) -> Result<Written, ConnectorError>;

    /// Moves an item to the recycle bin or trash. Never destroys.
    async fn delete(&self, pair: &PairName, id: &ItemId) -> Result<(), ConnectorError>;

    /// Has the service validate a new item of each of these types without saving it, and returns what speaks against
    /// it. For `check` only. A service that cannot validate without saving is not asked, which is the default.
    async fn fetch_objections(
        &self,
        _pair: &PairName,
        _types: &[String],
    ) -> Result<Vec<Objection>, ConnectorError> {
        Ok(Vec::new())
    }

    /// Has the service validate a new item of this type for each of these people, without saving it, and returns whom it
    /// does not know, with what it said. For `check` only; as [`Writer::fetch_objections`], a service that cannot validate
    /// without saving is not asked.
    async fn fetch_strangers(
        &self,
        _pair: &PairName,
        _kind: &str,
        _people: &[String],
    ) -> Result<Vec<(String, String)>, ConnectorError> {
        Ok(Vec::new())
    }

    /// Puts a claim on an item in the place of the ones that are named. `Stale` when the item, or what it carries, is not
    /// what `change` was made from. Whoever calls reads the claims again: only what is there then counts.
    async fn claim(&self, _change: &ClaimChange) -> Result<(), ConnectorError> {
        Err(no_claims(self.side()))
    }

    /// Takes an item out of the recycle bin or trash. A service whose API cannot do that refuses.
    async fn restore(&self, _pair: &PairName, id: &ItemId) -> Result<(), ConnectorError> {
        Err(ConnectorError::new(
            self.side(),
            ErrorKind::Refused,
            "restore a deleted item",
            format!("{id} cannot be restored through the API; restore it by hand from the trash"),
        ))
    }
}

fn no_claims(side: Side) -> ConnectorError {
    ConnectorError::new(
        side,
        ErrorKind::Refused,
        "claim an item",
        "items of this service carry no claims",
    )
}

/// The claims on an item.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Claims {
    /// The item's version.
    pub version: Version,
    /// Each as it stands there, those of other pairs included.
    pub texts: Vec<String>,
}

/// A claim to be put on an item.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClaimChange {
    /// The item.
    pub id: ItemId,
    /// The version that the claims were read at.
    pub expected: Version,
    /// Claims to take away, as they stand there.
    pub replaces: Vec<String>,
    /// The new one.
    pub claim: String,
    /// What tells the claims of several pairs on one item apart: letters, digits, `-` `_` and `.`.
    pub name: String,
}

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

/// Hears of a call of an update right before it leaves: which field it carries, where that is all that it carries, and the latest
/// version that the item was seen at. An error keeps the call from being sent and ends the update.
pub type BeforeCall<'a> =
    &'a mut (dyn FnMut(&FieldKey, Version) -> Result<(), ConnectorError> + Send);

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

/// An item to be created.
#[derive(Clone, Debug)]
pub struct NewItem {
    /// The pair it belongs to; says where it is created.
    pub pair: PairName,
    /// Values in the target side's vocabulary. Empty values are left out by the caller.
    pub fields: BTreeMap<FieldKey, FieldValue>,
    /// The item on the target side that it is to stand under: the parent of a work item, the task of a subtask. `None`: it stands at
    /// the top. A service that refuses the place refuses the whole create.
    pub parent: Option<ItemId>,
    /// The origin marker, to be sent inside the create request.
    pub marker: String,
    /// Id of the source item.
    pub source: ItemId,
    /// Type of the source item in its own vocabulary, for a readable back-link (`Bug 123`).
    pub source_type: String,
    /// Address of the source item.
    pub source_url: String,
}

/// A change of one item.
#[derive(Clone, Debug)]
pub struct Change {
    /// The pair it belongs to.
    pub pair: PairName,
    /// The item.
    pub id: ItemId,
    /// The version that the change was planned against.
    pub expected: Version,
    /// The item as read at `expected`: for deltas of sets and for patching long text in place.
    pub current: Box<Item>,
    /// New values in the target side's vocabulary; `Empty` clears.
    pub set: BTreeMap<FieldKey, FieldValue>,
    /// A marker or back-link to put on the item in the same write, if it lacks one.
    pub backlink: Option<Backlink>,
}

/// A link to the counterpart, put on an item that was not created by us.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Backlink {
    /// Address of the counterpart.
    pub url: String,
    /// Text to show (`Bug 123`).
    pub label: String,
    /// Marker text for ADO's hyperlink comment or ClickUp's footer.
    pub marker: String,
}

/// What a write left behind.
#[derive(Clone, Debug)]
pub struct Written {
    /// The item as the answers to our own calls showed it, at the newest version that was seen. Fields that they did not
    /// carry are absent from `fields`.
    pub item: Item,
    /// Fields that were asked for but are not in force, with the reason (a state that a create cannot set, a guest that was
    /// not assigned, a title that the service cut). What is in force instead is in `item`, where an answer showed it.
    pub pending: BTreeMap<FieldKey, String>,
    /// After a create: the item does not show the marker that it was created with, as a sentence. A create whose answer
    /// is lost could then not be found again, so nothing more may be created on this side until the item shows it.
    pub unmarked: Option<String>,
    /// Fields in which a read after our own calls showed something else than those left: somebody else's edit. It is not in
    /// `item`, so the item has to be read again before it counts as seen at its version.
    pub later: BTreeSet<FieldKey>,
}

/// Refuses the first field whose text had one of our credentials taken out when it was read: what is left is not what
/// its author wrote, so it is written nowhere.
pub(crate) fn refuse_masked(
    side: Side,
    operation: &str,
    fields: &BTreeMap<FieldKey, FieldValue>,
) -> Result<(), ConnectorError> {
    let masked = fields.iter().find(|(_, value)| {
        let text = serde_json::to_string(value).unwrap_or_default();
        crate::redact::is_masked(text)
    });
    let Some((key, _)) = masked else {
        return Ok(());
    };
    let message = "it holds one of boardsync's own credentials and is not carried over; take it out of the item and \
                   replace the token";
    let mut error = ConnectorError::new(side, ErrorKind::Refused, operation, message);
    error.field = Some(key.clone());
    Err(error)
}

/// The live vocabulary of one side of a pair. Empty lists mean "could not be read", and are then not checked.
#[derive(Clone, Debug, Default, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct Schema {
    /// Types with their states.
    pub types: Vec<SchemaType>,
    /// Known people: (key as in [`crate::model::Folded::person`], display name).
    pub people: Vec<(String, String)>,
    /// Who the token belongs to: (id, display name).
    pub me: Option<(String, String)>,
    /// Containers that can be named in the configuration (area paths; list ids with names).
    pub containers: Vec<(String, String)>,
    /// What will not work as configured (missing features, unreadable parts).
    pub findings: Vec<SchemaFinding>,
    /// Rights that the token lacks, with what to do about it.
    pub missing_rights: Vec<SchemaFinding>,
    /// What stops nothing but is worth knowing, as sentences.
    pub warnings: Vec<String>,
    /// The fields that a custom field may be made of; asked for only where the pair has one.
    #[serde(default)]
    pub customs: Vec<Native>,
    /// Whether types could not be read, so that one which is not among `types` may be there.
    #[serde(default)]
    pub types_unread: bool,
    /// The same of the states in which new items are made.
    #[serde(default)]
    pub states_unread: bool,
    /// Why some of those fields are not known, as a phrase; `None`: all of them are.
    #[serde(default)]
    pub customs_unread: Option<String>,
}

/// Something about a pair that will not work.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct SchemaFinding {
    /// What it is, as a sentence.
    pub text: String,
    /// The key of the pair's configuration that it is about, as `list` or `project` of `ado.project`, and the value there;
    /// `None`: no single one.
    pub about: Option<(String, String)>,
}

impl SchemaFinding {
    /// Builds one about a value of the pair's configuration.
    pub fn about(text: String, key: &str, value: &str) -> SchemaFinding {
        SchemaFinding {
            text,
            about: Some((key.to_owned(), value.to_owned())),
        }
    }
}

impl From<String> for SchemaFinding {
    fn from(text: String) -> SchemaFinding {
        SchemaFinding { text, about: None }
    }
}

/// Something that speaks against a write that was only tried, not made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Objection {
    /// Whether the token lacks a right for it; otherwise a rule of the service is in the way.
    pub missing_right: bool,
    /// What it is and what to do about it, as a sentence.
    pub text: String,
}

/// One type of item.
#[derive(Clone, Debug, Default, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct SchemaType {
    /// Name in the side's vocabulary.
    pub name: String,
    /// Its states, in board order.
    pub states: Vec<SchemaState>,
    /// Allowed transitions by state name; empty when the service knows none (ClickUp).
    pub transitions: BTreeMap<String, BTreeSet<String>>,
    /// Native names of the fields that it has.
    pub fields: BTreeSet<String>,
    /// Native names of fields that must be given and have no default.
    pub required: BTreeSet<String>,
}

/// One state.
#[derive(Clone, Debug, Default, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct SchemaState {
    /// Name in the side's vocabulary.
    pub name: String,
    /// ADO: Proposed, InProgress, Resolved, Completed, Removed. ClickUp: open, unstarted, custom, done, closed.
    pub category: String,
}

/// Builds the canonical long text of a raw one; both connectors and the merge use the same.
pub fn rich_value(format: TextFormat, raw: &str) -> FieldValue {
    FieldValue::rich(crate::markup::canonical(format, raw))
}
