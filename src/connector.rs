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
mod listing;
pub mod plain;
mod schema;
pub mod stranger;
pub mod vocabulary;
mod writing;

pub use error::{Begun, ConnectorError, Disposition, ErrorKind, Setting, outdated};
pub use listing::{EachPage, Fetched, Known, ListedRow, Listing, Swept, Traces, Watermark};
pub use schema::{Objection, Schema, SchemaFinding, SchemaState, SchemaType};
pub(crate) use writing::refuse_masked;
pub use writing::{Backlink, BeforeCall, Change, ClaimChange, Claims, NewItem, Written};

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

/// Builds the canonical long text of a raw one; both connectors and the merge use the same.
pub fn rich_value(format: TextFormat, raw: &str) -> FieldValue {
    FieldValue::rich(crate::markup::canonical(format, raw))
}
