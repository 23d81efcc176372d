//! Bases of an item that was just made.

use super::measured;
use crate::model::{BaseState, FieldKey, FieldValue, Side, Sided};
use crate::reconcile::merge::agree;
use crate::reconcile::owing::{agreed_members, owing};
use crate::reconcile::policy::Policy;

/// What is known of one field of a new item.
#[derive(Clone, Copy, Debug)]
pub struct Made<'a> {
    /// What the source had when the create was sent.
    pub source: &'a FieldValue,
    /// What was sent, in the words of the new item's side; `None`: the create went out without the field.
    pub sent: Option<&'a FieldValue>,
    /// What the answer showed.
    pub shown: Option<&'a FieldValue>,
    /// Whether somebody may have set what the answer showed, while the item came to be.
    pub edited: bool,
    /// Whether the service has something else than what was sent.
    pub not_taken: bool,
}

/// The base of a field of a new item on `side`. By the base of a field whose value is not in force yet its source counts as
/// changed, so that the next cycle writes it.
pub fn after_create(
    key: &FieldKey,
    side: Side,
    of: &Made<'_>,
    policy: &Policy,
) -> Sided<BaseState> {
    let target = of.target();
    let owes = of.not_taken || of.stands_apart(key, side, target.value(), policy);
    if !owes {
        return Sided::of(side, target, BaseState::Shown(of.source.clone()));
    }
    let BaseState::Shown(there) = target else {
        // What is there is not known, so that nothing could be measured by it. Any value differs from an empty base.
        return Sided::of(side, target, BaseState::Owed(FieldValue::Empty));
    };
    let owed = owing(key, side.other(), (of.source, &there), None, policy);
    let target = match key.kind().by_member() {
        // A tag that was not sent goes to the other side like any that is added: a rule may have set it.
        Some(of_members) => {
            let members = agreed_members(of_members, None, &there, &owed);
            measured(members, &there)
        }
        None => BaseState::Shown(there),
    };
    Sided::of(side, target, BaseState::Owed(owed))
}

impl Made<'_> {
    /// The half of the new item.
    fn target(&self) -> BaseState {
        match (self.shown, self.sent) {
            (Some(value), _) if !self.edited => BaseState::Shown(value.clone()),
            // Read after somebody else was there: it may be theirs, and the next look at the item tells.
            (Some(value), _) | (None, Some(value)) => BaseState::Sent(value.clone()),
            (None, None) => BaseState::Sent(FieldValue::Empty),
        }
    }

    /// Whether a field was not sent that has a value, and stands apart from what the new item has there: one that flows the
    /// other way only, or a person without a counterpart. The base of two values that nobody carried over would hide that
    /// for good.
    fn stands_apart(
        &self,
        key: &FieldKey,
        side: Side,
        target: &FieldValue,
        policy: &Policy,
    ) -> bool {
        let values = || Sided::of(side, target.clone(), self.source.clone());
        self.sent.is_none() && !self.source.is_empty() && !agree(key, &values(), policy)
    }
}

/// The base of a field that the item on `side` was made without, because the service refused `value` from the other side.
/// `there` is what the new item has instead. The source counts as changed until the value is there.
pub fn left_out(
    key: &FieldKey,
    side: Side,
    (value, there): (&FieldValue, FieldValue),
    policy: &Policy,
) -> Sided<BaseState> {
    let owed = owing(key, side.other(), (value, &there), None, policy);
    Sided::of(side, BaseState::Shown(there), BaseState::Owed(owed))
}

#[cfg(test)]
mod tests;
