//! What an action cannot carry over of a value whose rest it does: told with the plan, so that nobody waits for it.
//!
//! Example: a task is assigned to Ana and Bo, and Bo has no counterpart. Ana is carried over; that Bo is not would show
//! nowhere else, for nothing is held.

use super::plan::{Action, ActionKind, FieldChange, Hold, PairPlan};
use super::policy::Policy;
use crate::model::{FieldValue, Folded};
use crate::reason::ValueWhy;

/// Returns what the actions of a plan leave out, in their order.
pub(super) fn of(plan: &PairPlan, policy: &Policy) -> Vec<Hold> {
    let written = plan
        .actions
        .iter()
        .filter(|action| matches!(action.kind, ActionKind::Create | ActionKind::Update));
    let changes = written.flat_map(|action| action.changes.iter().map(move |c| (action, c)));
    changes
        .filter_map(|(action, change)| people(action, change, policy))
        .collect()
}

fn people(action: &Action, change: &FieldChange, policy: &Policy) -> Option<Hold> {
    let (source, target) = (action.target.other(), action.target);
    let FieldValue::People(people) = change.source_value.as_ref()? else {
        return None;
    };
    let strangers: Vec<&Folded> = people
        .iter()
        .filter(|person| policy.people.translate(source, person).is_none())
        .collect();
    (!strangers.is_empty()).then_some(())?;
    Some(Hold {
        link: action.link,
        side: source,
        item: action.source_item.clone()?,
        title: action.title.clone(),
        subject: (&change.field).into(),
        why: ValueWhy::people_unmapped(strangers, target).into(),
    })
}
