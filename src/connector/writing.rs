//! What is written, and what came of it.

use super::{ConnectorError, ErrorKind};
use crate::model::{FieldKey, FieldValue, Item, ItemId, PairName, Side, Version};
use std::collections::{BTreeMap, BTreeSet};

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

/// Hears of a call of an update right before it leaves: which field it carries, where that is all that it carries, and the latest
/// version that the item was seen at. An error keeps the call from being sent and ends the update.
pub type BeforeCall<'a> =
    &'a mut (dyn FnMut(&FieldKey, Version) -> Result<(), ConnectorError> + Send);

/// An item to be created.
#[derive(Clone, Debug)]
pub struct NewItem {
    /// The pair it belongs to; says where it is created.
    pub pair: PairName,
    /// Values in the target side's vocabulary. Empty values are left out by the caller.
    pub fields: BTreeMap<FieldKey, FieldValue>,
    /// The item on the target side that it is to stand under: the parent of a work item, the task of a subtask. `None`: it stands at
    /// the top. A service that refuses the parent refuses the whole create.
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
