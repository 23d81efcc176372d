//! What is planned in the place of an action that a saved plan holds and that is not planned any more.

use super::SavedAction;
use crate::model::{ItemId, Side, Sided, Version};
use crate::reason::JournalKind;
use crate::reconcile::plan::{Action, PairPlan};

/// An action of a saved or shown plan that is not carried out, with what has become of it.
#[derive(Clone, Debug)]
pub struct Moved {
    /// The action.
    pub action: SavedAction,
    /// What is planned now.
    pub now: Instead,
}

/// What is planned now for the items of an action.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Instead {
    /// The same kind of action, and these sides' items were edited since. None of them: it is about other values, for the
    /// services told of others of their own.
    Edited(Vec<Side>),
    /// Another kind of action, for this reason.
    Another(&'static str, String),
    /// It is held, for this reason.
    Held(String),
    /// A conflict is open.
    Contested,
    /// Nothing: what the action was for is so by now, or the items are no longer in the pair.
    Nothing,
}

impl std::fmt::Display for Instead {
    /// Continues a sentence that begins with the name of the item.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Instead::Edited(sides) => match sides.as_slice() {
                [] => f.write_str("is planned with other values now"),
                [side] => write!(f, "was edited in {side} since the plan was made"),
                _ => f.write_str("was edited on both sides since the plan was made"),
            },
            Instead::Another(kind, reason) => {
                write!(f, "is planned otherwise now: {kind}, {reason}")
            }
            Instead::Held(reason) => write!(f, "is held now: {reason}"),
            Instead::Contested => f.write_str("is in conflict now: both sides were edited"),
            Instead::Nothing => {
                f.write_str("needs nothing any more: the sides agree by now, or it left the pair")
            }
        }
    }
}

/// Finds what is planned now for the items of an action, which `now` does not hold as it was.
pub(super) fn instead(action: &SavedAction, now: &PairPlan) -> Instead {
    let about = |items: &Sided<Option<ItemId>>| {
        Side::BOTH.into_iter().any(|side| {
            let (one, other) = (items.get(side), action.items.get(side));
            one.is_some() && one == other
        })
    };
    let holds = now.holds.iter();
    let mut holds = holds.filter(|hold| action.items.get(hold.side).as_ref() == Some(&hold.item));
    let mut planned = now.actions.iter().filter(|now| about(&items_of(now)));
    let contested = now.conflicts.iter().any(|conflict| {
        conflict.taken.is_none() && about(&conflict.items.as_ref().map(|_, id| Some(id.clone())))
    });
    match planned.next() {
        Some(now) if now.kind == action.kind => Instead::Edited(edited(action, now)),
        Some(now) => Instead::Another(word(now), now.reason()),
        None if contested => Instead::Contested,
        None => match holds.next() {
            Some(hold) => Instead::Held(hold.reason()),
            None => Instead::Nothing,
        },
    }
}

/// The items of an action by side: the one that it changes and the one that it comes from.
pub(super) fn items_of(action: &Action) -> Sided<Option<ItemId>> {
    let mut items = Sided::build(|_| None);
    *items.get_mut(action.target) = action.target_item.clone();
    *items.get_mut(action.target.other()) = action.source_item.clone();
    items
}

/// The versions that an action was planned on, by side.
pub(super) fn versions_of(action: &Action) -> Sided<Option<Version>> {
    let mut versions = Sided::build(|_| None);
    *versions.get_mut(action.target) = action.expected;
    *versions.get_mut(action.target.other()) = action.source_version;
    versions
}

/// The sides whose items have another version than the action was planned on.
fn edited(action: &SavedAction, now: &Action) -> Vec<Side> {
    let versions = versions_of(now);
    let moved = |side: &Side| action.versions.get(*side) != versions.get(*side);
    Side::BOTH.into_iter().filter(moved).collect()
}

fn word(action: &Action) -> &'static str {
    JournalKind::from(action.kind).key()
}
