//! What is planned in the place of an action that a saved plan holds and that is not planned any more.

use super::SavedAction;
use crate::engine::observe::Observed;
use crate::model::{ItemId, Side, Sided, Version};
use crate::reason::JournalKind;
use crate::reconcile::plan::{Action, PairPlan};
use crate::store::{LinkState, Store, StoreError};

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
    /// Nothing, for the item of this side was deleted.
    Deleted(Side),
    /// Nothing, for the link of the items ended, for this reason.
    Ended(String),
    /// Nothing, for the item of this side is neither linked nor listed: it was deleted or left the scope of the pair.
    Left(Side),
    /// Nothing: what the action was for is so by now, or a linked item left the scope of the pair.
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
            Instead::Deleted(side) => write!(f, "was deleted in {side} since the plan was made"),
            Instead::Ended(why) => write!(f, "is no longer linked: {why}"),
            Instead::Left(side) => write!(
                f,
                "is not in the pair any more: it was deleted in {side}, or it left the scope there"
            ),
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

/// Says more exactly why nothing is planned any more, where that is known.
pub(super) fn why_nothing(
    action: &SavedAction,
    observed: &Observed,
    store: &Store,
) -> Result<Instead, StoreError> {
    for side in Side::BOTH {
        let gone = observed.findings.gone.get(side);
        let found = action.items.get(side).as_ref().and_then(|id| gone.get(id));
        if let Some(Ok(_)) = found {
            return Ok(Instead::Deleted(side));
        }
    }
    let (side, id) = match (&action.items.ado, &action.items.clickup) {
        (Some(ado), Some(clickup)) => {
            let mut links = store.find_item(ado)?;
            links.retain(|link| link.ado == *ado && link.clickup == *clickup);
            // The two may have been linked again since.
            let living = links.iter().position(|link| link.state.is_living());
            let link = match living {
                Some(at) => links.into_iter().nth(at),
                None => links.pop(),
            };
            return Ok(match link.map(|link| link.state) {
                Some(LinkState::Tombstone { why }) => Instead::Ended(why.to_string()),
                Some(LinkState::Active | LinkState::OutOfScope | LinkState::Missing { .. })
                | None => Instead::Nothing,
            });
        }
        (Some(ado), None) => (Side::Ado, ado),
        (None, Some(clickup)) => (Side::ClickUp, clickup),
        (None, None) => return Ok(Instead::Nothing),
    };
    let links = store.find_item(id)?;
    let known = observed.items.get(side).contains_key(id)
        || links
            .iter()
            .any(|link| link.item(side) == id && link.state.is_living());
    Ok(match known {
        true => Instead::Nothing,
        false => Instead::Left(side),
    })
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
