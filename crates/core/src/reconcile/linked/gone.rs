//! One of two linked items was deleted: what becomes of the other one and of the link.

use super::{bare, hold};
use crate::model::{ActionId, FieldKey, FieldValue, Item, ItemId, Side};
use crate::reason::{ActionWhy, After, HoldWhy, NotClosable, ReadWhy, ValueWhy};
use crate::reconcile::LinkView;
use crate::reconcile::plan::{Action, ActionKind, FieldChange, Hold, PairPlan};
use crate::reconcile::policy::{OnDelete, Policy, Reach};
use std::collections::{BTreeMap, BTreeSet};

/// One side was deleted. An edit on the other since the last agreement wins over the delete, and what boardsync itself removed
/// is nobody's delete.
///
/// Example: somebody undoes a run with the tasks that it made, and the process dies after the first of them went to the bin.
/// Its work item is what a person made, and stays.
pub(super) fn plan_gone(
    link: &LinkView,
    gone: Side,
    evidence: &str,
    left: &Item,
    policy: &Policy,
    plan: &mut PairPlan,
) {
    let kept = gone.other();
    let was = link.base.get(&FieldKey::Type).map(|base| base.get(gone));
    // Its type may have been changed before it was deleted, so what was set since it was seen last is an edit in any case.
    let had_no_place = |key: &FieldKey| match was {
        Some(FieldValue::Choice(kind)) if gone == Side::Ado => {
            policy.lacks.lacks(Some(kind), key) && link.as_seen.contains(key)
        }
        _ => false,
    };
    // A field that is not synced any more was edited all the same.
    let edited = policy.fields.keys().chain(link.base.keys()).any(|key| {
        // Somebody may have set it back over a value of ours.
        if link.doubts(key, kept) {
            return true;
        }
        match (link.base.get(key), left.fields.get(key)) {
            (Some(base), Some(now)) => base.get(kept) != now,
            // Example: a task has a severity, and a User Story, as which it was made, has no field for that. It never was synced.
            (None, Some(now)) => !now.is_empty() && !had_no_place(key),
            // What cannot be read may be an edit.
            (_, None) => left.unread.contains(key),
        }
    });
    if !edited
        && policy.on_delete != OnDelete::Unlink
        && link.removed != Some(gone)
        && let Some(field) = not_shown(link, kept, left, policy)
    {
        let why = ReadWhy::FieldLeftOut {
            side: kept,
            field: field.clone(),
        };
        plan.holds.push(Hold {
            subject: field.into(),
            ..hold(link, kept, why)
        });
        return;
    }
    let on_kept = |kind, then| on_left(link, kept, left, kind, deleted(gone, evidence, then));
    let action = match policy.on_delete {
        OnDelete::Unlink if link.base.is_empty() => on_kept(ActionKind::Unlink, After::Unlink),
        _ if edited && link.base.is_empty() => on_kept(ActionKind::Unlink, After::BaseLost),
        _ if edited => on_kept(ActionKind::Unlink, After::EditedHere),
        _ if link.removed == Some(gone) => on_kept(ActionKind::Unlink, After::RemovedByUs),
        OnDelete::Unlink => on_kept(ActionKind::Unlink, After::Unlink),
        _ if policy.reach.get(&link.link) == Some(&Reach::WithParent) => {
            on_kept(ActionKind::Unlink, After::GoneWithParent)
        }
        OnDelete::Delete | OnDelete::Close
            if let Some(why) = reaches_others(link, gone, evidence, policy) =>
        {
            plan.holds.push(hold(link, kept, why));
            return;
        }
        OnDelete::Delete => on_kept(ActionKind::Delete, After::Delete),
        OnDelete::Close => match closing(kept, left, policy) {
            Closable::To(change) => Action {
                changes: vec![*change],
                ..on_kept(ActionKind::Close, After::Close)
            },
            Closable::Already => on_kept(ActionKind::Unlink, After::ClosedAlready),
            Closable::Unknown(because) => {
                let why = ValueWhy::CannotClose {
                    side: gone,
                    evidence: evidence.to_owned(),
                    because,
                };
                plan.holds.push(hold(link, kept, why));
                return;
            }
        },
    };
    plan.actions.push(action.sealed(&policy.pair));
}

/// Why the delete may have reached others, or one of the item that is left would; `None`: neither.
fn reaches_others(
    link: &LinkView,
    gone: Side,
    evidence: &str,
    policy: &Policy,
) -> Option<ValueWhy> {
    let children = match policy.reach.get(&link.link) {
        None | Some(Reach::Alone | Reach::WithParent) => return None,
        Some(Reach::Children(children)) => children.clone(),
        Some(Reach::Unknown) => BTreeSet::new(),
    };
    Some(ValueWhy::CannotDelete {
        side: gone,
        evidence: evidence.to_owned(),
        children,
    })
}

/// Plans the deletes that only wait for others of this plan: everything that they would take along goes before them.
///
/// Example: a story is deleted together with its two tasks in Azure DevOps. In ClickUp the two subtasks are deleted first, and then the
/// task that they are under, as long as nothing else is under it by then.
pub(in crate::reconcile) fn plan_from_below(
    links: &[LinkView],
    policy: &Policy,
    plan: &mut PairPlan,
) {
    while let Some((at, action)) = goes_last(links, policy, plan) {
        plan.holds.remove(at);
        plan.actions.push(action);
    }
}

/// The first hold of such a delete, by its place, with the action.
fn goes_last(links: &[LinkView], policy: &Policy, plan: &PairPlan) -> Option<(usize, Action)> {
    let deletes = plan.actions.iter();
    let deletes = deletes.filter(|action| action.kind == ActionKind::Delete);
    let deletes: BTreeMap<(Side, &ItemId), &ActionId> = deletes
        .filter_map(|action| Some(((action.target, action.target_item.as_ref()?), &action.id)))
        .collect();
    if deletes.is_empty() {
        return None;
    }
    plan.holds.iter().enumerate().find_map(|(at, hold)| {
        let HoldWhy::Value(ValueWhy::CannotDelete {
            side: gone,
            evidence,
            children,
        }) = &hold.why
        else {
            return None;
        };
        let children = children.iter();
        let before = children.map(|child| deletes.get(&(hold.side, child)).copied().cloned());
        let before: Vec<ActionId> = before.collect::<Option<_>>()?;
        let link = links.iter().find(|link| Some(link.link) == hold.link)?;
        let left = link.now.get(hold.side).item()?;
        let why = deleted(*gone, evidence, After::Delete);
        let action = Action {
            after: before,
            ..on_left(link, hold.side, left, ActionKind::Delete, why)
        };
        (!action.after.is_empty()).then(|| (at, action.sealed(&policy.pair)))
    })
}

/// A synced field of the item that is left, which it had and which its answer left out: an edit of it speaks against the delete.
///
/// Example: Ana renames a task whose work item was deleted, and the answer about the task lacks the name.
fn not_shown<'a>(
    link: &LinkView,
    kept: Side,
    left: &Item,
    policy: &'a Policy,
) -> Option<&'a FieldKey> {
    let had = |key: &&FieldKey| {
        link.base
            .get(*key)
            .is_some_and(|base| !base.get(kept).is_empty())
    };
    let mut had = policy.fields.keys().filter(had);
    had.find(|key| !left.fields.contains_key(*key) && !left.unread.contains(*key))
}

fn deleted(side: Side, evidence: &str, then: After) -> ActionWhy {
    ActionWhy::CounterpartDeleted {
        side,
        evidence: evidence.to_owned(),
        then,
    }
}

/// One side was deleted and the other has left the scope of the pair: only the link ends.
pub(super) fn leave(
    link: &LinkView,
    gone: Side,
    evidence: &str,
    left: &Item,
    policy: &Policy,
) -> Action {
    let why = deleted(gone, evidence, After::OutOfScopeHere);
    on_left(link, gone.other(), left, ActionKind::Unlink, why).sealed(&policy.pair)
}

/// An action on the item that is left.
fn on_left(link: &LinkView, kept: Side, left: &Item, kind: ActionKind, why: ActionWhy) -> Action {
    Action {
        expected: Some(left.version),
        title: left.title(),
        url: left.url.clone(),
        ..bare(link, kept, kind, why)
    }
}

/// How an item can be closed.
enum Closable {
    /// By this change.
    To(Box<FieldChange>),
    /// It is.
    Already,
    /// Not at all, and why.
    Unknown(NotClosable),
}

fn closing(side: Side, item: &Item, policy: &Policy) -> Closable {
    let kind = match item.fields.get(&FieldKey::Type) {
        Some(FieldValue::Choice(kind)) => Some(kind),
        _ => None,
    };
    let shown = || kind.map(|kind| kind.shown.clone());
    let (Some(FieldValue::Choice(before)), true) = (
        item.fields.get(&FieldKey::State),
        policy.fields.contains_key(&FieldKey::State),
    ) else {
        return Closable::Unknown(NotClosable::StateNotSynced);
    };
    let Some(finished) = policy.closed_states.get(side).of_type(kind) else {
        let kind = shown();
        return Closable::Unknown(NotClosable::StatesUnknown { kind, side });
    };
    if finished.already.contains(&before.key) {
        return Closable::Already;
    }
    let Some(closed) = &finished.to else {
        let kind = shown();
        return Closable::Unknown(NotClosable::NoClosedState { kind, side });
    };
    Closable::To(Box::new(FieldChange {
        field: FieldKey::State,
        before: Some(FieldValue::Choice(before.clone())),
        after: FieldValue::Choice(closed.clone()),
        source_value: None,
        kept_back: None,
        reason: "counterpart deleted".to_owned(),
    }))
}
