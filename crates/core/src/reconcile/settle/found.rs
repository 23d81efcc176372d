//! Bases of an item that a create made whose answer was lost.

use super::measured;
use crate::model::{BaseState, FieldKey, FieldValue, Side, Sided};
use crate::reconcile::merge::{agree, translate};
use crate::reconcile::owing::owing;
use crate::reconcile::policy::Policy;

/// What is known of one field of an item that was found by its marker.
#[derive(Clone, Copy, Debug)]
pub struct Found<'a> {
    /// What the source had when the create was sent.
    pub sent: &'a FieldValue,
    /// What the create made of it; where nothing tells that, what is there now.
    pub shown: &'a FieldValue,
    /// Whether `shown` is what the create made. Otherwise somebody edited the item since, and nothing tells what.
    pub as_made: bool,
    /// Whether somebody has made something else of it since, also where it is back to what it was.
    pub changed: bool,
}

/// The base of a field of an item that was found later, by what the create made of it; `source` is the side that the item
/// was made for. A field that says what was sent is settled. Others were not taken, long text aside, which the service
/// renders its own way: they count as changed at the source and are written again. What the item says now beside that is
/// somebody's edit, like any other.
///
/// Nothing measures a value that was not taken and that somebody has changed since. Example: `Resolved` was sent, and the
/// work item was left at `Active`, on the way there. Ana sets `New`, and later `Active`, which is her choice by then. By the
/// base `Active` it would count as ours, and get `Resolved`. Of values with members the edit shows member by member.
///
/// `None`: no base. Then a field that differs becomes a conflict, and neither value is written over the other unseen.
pub fn of_found(
    key: &FieldKey,
    source: Side,
    of: &Found<'_>,
    policy: &Policy,
) -> Option<Sided<BaseState>> {
    let rendered = key.kind_of([of.sent, of.shown]).is_rendered();
    if rendered && of.changed {
        // A version of the past may be shown in another format, so nothing tells the edit from the rendering.
        return None;
    }
    let sent = of.measure();
    let own = measured(sent.clone(), of.sent);
    let values = Sided::of(source, sent.clone(), of.shown.clone());
    if agree(key, &values, policy) {
        return Some(Sided::of(
            source,
            own,
            of.other_words(key, source, &sent, policy),
        ));
    }
    if !of.as_made || of.changed && key.kind().by_member().is_none() {
        // Not synced any more, a field becomes no conflict. It may be an edit all the same, which speaks against
        // `on_delete`, so both sides count as changed.
        let unsynced = !policy.fields.contains_key(key);
        return unsynced.then(|| Sided::build(|_| BaseState::Owed(FieldValue::Empty)));
    }
    if rendered || of.sent.is_empty() && key.kind().by_member().is_none() {
        // Of a text that is the service's rendering. Of a field that had no value it is the service's default, which stands
        // beside the empty one as after a create that was answered.
        return Some(Sided::of(source, own, BaseState::Shown(of.shown.clone())));
    }
    let owed = owing(key, source, (&sent, of.shown), None, policy);
    let there = match key.kind().by_member() {
        // A tag that was not sent goes to the other side like any that is added.
        Some(_) => measured(owed.clone(), of.shown),
        None => BaseState::Shown(of.shown.clone()),
    };
    Some(Sided::of(source, BaseState::Owed(owed), there))
}

impl Found<'_> {
    /// What the source is measured by: what was sent. A field that is empty on the item although a value was sent was not
    /// taken, so that an empty value makes the source count as changed.
    fn measure(&self) -> FieldValue {
        match self.shown.is_empty() {
            true => FieldValue::Empty,
            false => self.sent.clone(),
        }
    }

    /// The half of the item where it means what was sent. Example: `in progress` was sent, and `in review`, which means the
    /// same, is there. Where nothing tells what the create made, that may be somebody's edit, which speaks against
    /// `on_delete`; so the half is what was sent, and what is there counts as changed.
    fn other_words(
        &self,
        key: &FieldKey,
        source: Side,
        sent: &FieldValue,
        policy: &Policy,
    ) -> BaseState {
        let settled = || BaseState::Shown(self.shown.clone());
        if self.as_made || key.kind_of([self.sent, self.shown]).is_rendered() {
            return settled();
        }
        let image = translate(key, source, sent, policy);
        image.map_or_else(|_| settled(), |image| measured(image, self.shown))
    }
}

#[cfg(test)]
mod tests;
