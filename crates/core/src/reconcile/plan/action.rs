//! One action of a plan, and the changes that it makes.

use super::hex_prefix;
use crate::model::{
    ActionId, FieldKey, FieldValue, ItemId, LinkId, PairName, Side, Subject, Version,
};
use crate::reason::{self, ActionWhy, JournalKind};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// What an action does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ActionKind {
    /// Creates the counterpart of an item on the target side.
    Create,
    /// Changes fields of the target item.
    Update,
    /// Moves the target item to the recycle bin or trash.
    Delete,
    /// Sets the target item's closed state because its counterpart was deleted, and dissolves the link.
    Close,
    /// Records that two existing items belong together. No service is written to.
    Link,
    /// Dissolves a link and remembers it, so that neither item is created again: one that is known, or one of which only a marker
    /// tells. No service is written to.
    Unlink,
    /// Takes the target item out of the recycle bin. Only an undo plans this.
    Restore,
}

impl ActionKind {
    /// Returns whether it writes to a service.
    pub fn writes(self) -> bool {
        match self {
            ActionKind::Create
            | ActionKind::Update
            | ActionKind::Delete
            | ActionKind::Close
            | ActionKind::Restore => true,
            ActionKind::Link | ActionKind::Unlink => false,
        }
    }

    /// Returns what was done, in a word: `updated`.
    pub fn past(self) -> &'static str {
        match self {
            ActionKind::Create => "created",
            ActionKind::Update => "updated",
            ActionKind::Delete => "deleted",
            ActionKind::Close => "closed",
            ActionKind::Link => "linked",
            ActionKind::Unlink => "unlinked",
            ActionKind::Restore => "restored",
        }
    }

    /// Returns whether the link is gone once it is carried out.
    pub fn dissolves(self) -> bool {
        match self {
            ActionKind::Delete | ActionKind::Close | ActionKind::Unlink => true,
            ActionKind::Create | ActionKind::Update | ActionKind::Link | ActionKind::Restore => {
                false
            }
        }
    }
}

impl From<ActionKind> for JournalKind {
    fn from(kind: ActionKind) -> JournalKind {
        match kind {
            ActionKind::Create => JournalKind::Create,
            ActionKind::Update => JournalKind::Update,
            ActionKind::Delete => JournalKind::Delete,
            ActionKind::Close => JournalKind::Close,
            ActionKind::Link => JournalKind::Link,
            ActionKind::Unlink => JournalKind::Unlink,
            ActionKind::Restore => JournalKind::Restore,
        }
    }
}

impl ActionKind {
    /// Returns the kind of action that a line of the journal is about; `None`: it is about none.
    pub fn of_journal(kind: JournalKind) -> Option<ActionKind> {
        match kind {
            JournalKind::Create => Some(ActionKind::Create),
            JournalKind::Update => Some(ActionKind::Update),
            JournalKind::Delete => Some(ActionKind::Delete),
            JournalKind::Close => Some(ActionKind::Close),
            JournalKind::Link => Some(ActionKind::Link),
            JournalKind::Unlink => Some(ActionKind::Unlink),
            JournalKind::Restore => Some(ActionKind::Restore),
            JournalKind::Choice | JournalKind::Claim => None,
        }
    }
}

/// One change of one item.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Action {
    /// Idempotency key.
    pub id: ActionId,
    /// What it does.
    pub kind: ActionKind,
    /// What it does that to. The item as a whole, also where single fields of it change: those go in one request and stand
    /// in `changes`. So it is never a field. With a part, that part alone is made, changed or removed.
    #[serde(default, skip_serializing_if = "Subject::is_item")]
    pub subject: Subject,
    /// The link, where there is one.
    pub link: Option<LinkId>,
    /// Where it is done.
    pub target: Side,
    /// The item on the target side; `None` for a create.
    pub target_item: Option<ItemId>,
    /// The item on the other side.
    pub source_item: Option<ItemId>,
    /// Title, for people.
    pub title: String,
    /// Address of the item whose title that is.
    pub url: String,
    /// The target's version when this was planned. Another one now: the action is not carried out.
    pub expected: Option<Version>,
    /// The source's version when this was planned.
    pub source_version: Option<Version>,
    /// Of a create: the item that its source stands under, on the source's side, where that has a counterpart or gets one in this
    /// plan, so that the new item stands under that. `None`: it stands at the top.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub parent: Option<ItemId>,
    /// What changes, field by field.
    pub changes: Vec<FieldChange>,
    /// Why.
    #[serde(
        flatten,
        serialize_with = "reason::serialize",
        deserialize_with = "reason::deserialize"
    )]
    pub why: ActionWhy,
    /// The actions that must have succeeded before: the other half of a two-sided merge, the way out of the recycle bin
    /// before a link. Each stands before this one in the plan.
    pub after: Vec<ActionId>,
}

impl Action {
    /// Returns why it is planned, as a short phrase.
    pub fn reason(&self) -> String {
        self.why.to_string()
    }

    /// Fills in the idempotency key from everything else, but for the place of a new item: wherever that stands, it is one create.
    pub fn sealed(mut self, pair: &PairName) -> Action {
        self.id = ActionId(self.seal(&pair.0));
        self
    }

    /// Returns a hash over what it does, to which item and with which values, whatever key it carries and wherever a new item stands: one that was saved
    /// with the same key and another content was changed in the file.
    pub fn content(&self) -> String {
        self.seal("")
    }

    fn seal(&self, pair: &str) -> String {
        let changes: Vec<(&FieldKey, &FieldValue)> =
            self.changes.iter().map(|c| (&c.field, &c.after)).collect();
        let what = (
            pair,
            self.kind,
            self.link,
            self.target,
            &self.target_item,
            &self.source_item,
            self.expected,
            changes,
        );
        // Failed attempts and the journal name actions by this key. That of an item's action says nothing of a subject, so
        // that the keys from before there were any are still the same.
        let text = match self.subject.is_item() {
            true => serde_json::to_string(&what),
            false => serde_json::to_string(&(what, &self.subject)),
        };
        hex_prefix(&text.unwrap_or_default())
    }

    /// Names what goes before it as it is called now; `None` in `renamed`: that is not done any more, so nothing waits for
    /// it.
    pub(in crate::reconcile) fn follow(&mut self, renamed: &BTreeMap<ActionId, Option<ActionId>>) {
        let now = |id: ActionId| match renamed.get(&id) {
            Some(now) => now.clone(),
            None => Some(id),
        };
        self.after = std::mem::take(&mut self.after)
            .into_iter()
            .filter_map(now)
            .collect();
    }

    /// Returns it without its changes, for telling what became of it: the texts of a large first plan are as large as
    /// the board, and one copy of them is enough.
    pub fn named(&self) -> Action {
        Action {
            id: self.id.clone(),
            kind: self.kind,
            subject: self.subject.clone(),
            link: self.link,
            target: self.target,
            target_item: self.target_item.clone(),
            source_item: self.source_item.clone(),
            title: self.title.clone(),
            url: self.url.clone(),
            expected: self.expected,
            source_version: self.source_version,
            parent: self.parent.clone(),
            changes: Vec::new(),
            why: self.why.clone(),
            after: self.after.clone(),
        }
    }
}

/// The change of one field.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct FieldChange {
    /// The field.
    pub field: FieldKey,
    /// The target's value now; `None` where there is no target yet.
    pub before: Option<FieldValue>,
    /// The value to write, in the target's vocabulary.
    pub after: FieldValue,
    /// The source's value that goes with it: its new base once this is written. `None` where the other half of a
    /// two-sided merge is still to come, so that the base must not move yet.
    pub source_value: Option<FieldValue>,
    /// What the source would get of the same merge if the field flowed there; `None`: nothing. What the two sides differ by
    /// afterwards is then an edit of the target that still stands against the direction.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kept_back: Option<Box<FieldValue>>,
    /// Why, as a short phrase.
    pub reason: String,
}
