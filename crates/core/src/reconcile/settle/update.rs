//! Bases after a change of an existing item.

use super::owed_text;
use crate::model::{BaseState, FieldKey, FieldValue, Side, Sided};
use crate::reconcile::owing::{agreed_members, owing};
use crate::reconcile::policy::Policy;

/// What a side answered about one field of a write.
#[derive(Clone, Debug)]
pub struct Answer {
    /// What was asked for, in this side's words.
    pub sent: FieldValue,
    /// What is there.
    pub value: FieldValue,
    /// Whether the service showed it; otherwise it is what was sent.
    pub shown: bool,
    /// Whether it means what was sent.
    pub in_force: bool,
}

/// The base of a field after a write. `own` is the side that was written, `other` the one that the value comes from; of a
/// merge both were written.
///
/// A value that was not taken settles nothing. The side that did not take it has what is there as its base, so that this
/// does not count as an edit. The other side's half is `Owed`, so that its value counts as changed and is sent again.
///
/// Example: both had the 6th, the work item is set to the 23rd, and ClickUp says yes but keeps the 6th. ClickUp's half is
/// `Shown(the 6th)`, and the work item's `Owed(the 6th)`.
pub fn after_update(
    key: &FieldKey,
    side: Side,
    (own, other): (&Answer, &Answer),
    before: Option<&Sided<BaseState>>,
    policy: &Policy,
) -> Sided<BaseState> {
    let write = Write {
        key,
        before,
        policy,
    };
    let (own, other) = match (own.in_force, other.in_force) {
        (true, true) => (settled(own), settled(other)),
        // Of a merge that neither side took whole, what the other side has is sent here again. Were both owed, each would
        // count as changed against the other, which is a conflict.
        (false, _) => (
            write.kept(side, own, other),
            write.owes(side.other(), other, own),
        ),
        (true, false) => (
            write.owes(side, own, other),
            write.kept(side.other(), other, own),
        ),
    };
    Sided::of(side, own, other)
}

/// A side that has what it was to have.
fn settled(answer: &Answer) -> BaseState {
    match answer.shown {
        true => BaseState::Shown(answer.value.clone()),
        false => BaseState::Sent(answer.value.clone()),
    }
}

/// A write of a field on which the two sides do not agree afterwards.
struct Write<'a> {
    key: &'a FieldKey,
    before: Option<&'a Sided<BaseState>>,
    policy: &'a Policy,
}

impl Write<'_> {
    /// The half of a side whose opposite has not, or not wholly, what it should have: what is there is no edit. A tag that
    /// we neither sent nor took away may be somebody's, though, so it is not settled by being there: it goes over yet.
    fn kept(&self, side: Side, now: &Answer, opposite: &Answer) -> BaseState {
        match self.key.kind().by_member().filter(|_| now.shown) {
            Some(of_members) => {
                let old = self.before.map(|base| base.get(side).value());
                let members = agreed_members(of_members, old, &now.value, &opposite.value);
                super::measured(members, &now.value)
            }
            None => settled(now),
        }
    }

    /// The half of the side whose value the opposite did not take: what makes that value count as changed.
    fn owes(&self, side: Side, now: &Answer, opposite: &Answer) -> BaseState {
        let there = &opposite.value;
        if let Some(text) = owed_text(&opposite.sent, there, &now.value) {
            return BaseState::Owed(text);
        }
        let before = self.before.cloned();
        let before = before.map(|base| base.map(|_, half| half.into_value()));
        let values = (&now.value, there);
        let value = owing(self.key, side, values, before.as_ref(), self.policy);
        match self.before.map(|base| base.get(side)) {
            // What an earlier write sent to this side is not shown by a write to the opposite one.
            Some(old) if old.is_sent() && *old.value() == value => BaseState::Sent(value),
            Some(_) | None => BaseState::Owed(value),
        }
    }
}

/// The base of a state that stopped half way on `side`, at the step `there` of ours: that step is nobody's edit, and the
/// other side's state has still to be carried over. Example: a work item goes from New through Active to Closed and stays
/// Active, because Closed was refused.
pub fn half_way(side: Side, there: FieldValue) -> Sided<BaseState> {
    let owed = BaseState::Owed(FieldValue::Empty);
    Sided::of(side, BaseState::Shown(there), owed)
}

/// The base of a field that a rule of `side` itself changed from `before` to `now`, in a save that was ours and that did not
/// set it. `opposite` is what the other side has. `None`: the base stays, and the change is carried over.
///
/// The base moves only where a person's edit waits on the other side: the rule's change is nobody's, and must not contend
/// with that edit. Example: ClickUp sets `complete` and an estimate of two hours over one of four; closing the work item
/// empties Remaining Work, and the two hours are refused. They are held, and no conflict takes them away.
pub fn ruled(
    side: Side,
    base: &Sided<BaseState>,
    (before, now): (Option<&FieldValue>, &FieldValue),
    opposite: Option<&FieldValue>,
) -> Option<Sided<BaseState>> {
    let (own, other) = (base.get(side), base.get(side.other()));
    let waits = opposite.is_some_and(|value| value != other.value());
    // Where the field differed before the save, that is somebody's edit, which contends as ever.
    let by_rule = before == Some(own.value()) && now != own.value();
    let moved = || Sided::of(side, BaseState::Shown(now.clone()), other.clone());
    (waits && by_rule).then(moved)
}

#[cfg(test)]
mod tests;
