//! What a service refused is not sent again as it was.
//!
//! It is held until the value that is wanted is another one, or until the item that refused it was changed by somebody:
//! then its rules may see it otherwise, and one more request finds out. Of several members that a field takes one by one, as
//! tags are, only the refused ones are held.

use super::Rails;
use crate::model::{ActionId, FieldKey, FieldValue, LinkId, Side, Sided, Version};
use crate::reason::HoldWhy;
use crate::reconcile::plan::{Action, ActionKind, FieldChange, Hold, PairPlan, Rebase};
use crate::reconcile::policy::Policy;
use crate::reconcile::trial::is_by_member;
use crate::reconcile::{LinkView, View};
use std::collections::{BTreeMap, BTreeSet};

/// A value that an item did not take.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refused {
    /// The field.
    pub field: FieldKey,
    /// The value; of several members, say tags, the refused ones only.
    pub value: FieldValue,
    /// The item's version then, or after our own last write of it.
    pub version: Version,
    /// What the service said and what helps.
    pub why: HoldWhy,
}

/// What is left of a change.
#[derive(Clone, Debug, PartialEq)]
enum Left {
    /// All of it.
    All,
    /// It without the refused members.
    Less(FieldValue),
    /// Nothing.
    Nothing,
}

fn left(change: &FieldChange, refused: &Refused) -> Left {
    let Some(of_members) = change.field.kind().by_member() else {
        return match change.after == refused.value {
            true => Left::Nothing,
            false => Left::All,
        };
    };
    let before = change.before.as_ref().map(FieldValue::members);
    let before = before.unwrap_or_default();
    let (mut after, bad) = (change.after.members(), refused.value.members());
    let whole = after.len();
    after.retain(|tag| before.contains(tag) || !bad.contains(tag));
    match (after.len() == whole, after == before) {
        (true, _) => Left::All,
        (false, true) => Left::Nothing,
        (false, false) => Left::Less(of_members(after)),
    }
}

/// Takes what was refused before out of the updates, and holds it.
pub(super) fn set_aside(plan: &mut PairPlan, view: &View, policy: &Policy, rails: &Rails) {
    if rails.refused.is_empty() {
        return;
    }
    let links: BTreeMap<LinkId, &LinkView> =
        view.links.iter().map(|link| (link.link, link)).collect();
    // Both halves of a merge go, or the base would move over the one that stayed.
    let mut gone: BTreeSet<(Option<LinkId>, FieldKey)> = BTreeSet::new();
    let mut actions = std::mem::take(&mut plan.actions);
    for action in &mut actions {
        let link = action.link.and_then(|id| links.get(&id).copied());
        for (change, refused, left) in matches(action, link, rails) {
            plan.holds.push(hold(action, &refused));
            let key = (action.link, change.field.clone());
            match left {
                Left::Less(after) => {
                    let mut changes = action.changes.iter_mut();
                    if let Some(own) = changes.find(|own| own.field == change.field) {
                        own.after = after;
                        own.source_value = own
                            .source_value
                            .as_ref()
                            .map(|source| rest(&change, &refused, source));
                    }
                }
                Left::Nothing | Left::All => {
                    plan.rebases
                        .extend(agreed_rest(action, &change, &refused, link));
                    gone.insert(key);
                }
            }
        }
    }
    reseal(plan, actions, &gone, policy);
}

/// The changes of an update that its target refused before, as it stands now.
fn matches(
    action: &Action,
    link: Option<&LinkView>,
    rails: &Rails,
) -> Vec<(FieldChange, Refused, Left)> {
    let rows = action.target_item.clone();
    let rows = rows.and_then(|item| rails.refused.get(&(action.target, item)));
    let Some(rows) = rows.filter(|_| action.kind == ActionKind::Update) else {
        return Vec::new();
    };
    let mut found = Vec::new();
    for change in &action.changes {
        let chosen = link.is_some_and(|link| link.chosen.contains_key(&change.field));
        let row = rows.iter().find(|row| row.field == change.field);
        let row = row.filter(|row| Some(row.version) == action.expected && !chosen);
        // The two halves of a merge by members settle each other's base, so both are sent.
        let half = is_by_member(&change.field) && is_half(action, change, link);
        if let (Some(row), false) = (row, half) {
            let left = left(change, row);
            if left != Left::All {
                found.push((change.clone(), row.clone(), left));
            }
        }
    }
    found
}

/// Whether the other side of the link gets a new value in this field as well.
fn is_half(action: &Action, change: &FieldChange, link: Option<&LinkView>) -> bool {
    let other = link.and_then(|link| link.now.get(action.target.other()).item());
    let now = other.and_then(|item| item.fields.get(&change.field));
    change.source_value.is_none() || change.source_value.as_ref() != now
}

/// Where nothing but refused members is left to write, both sides agree on all the others.
fn agreed_rest(
    action: &Action,
    change: &FieldChange,
    refused: &Refused,
    link: Option<&LinkView>,
) -> Option<Rebase> {
    let (before, source) = (change.before.clone()?, change.source_value.as_ref()?);
    let link = link.filter(|_| is_by_member(&change.field))?;
    let rest = rest(change, refused, source);
    let base = Sided::build(|side: Side| match side == action.target {
        true => before.clone(),
        false => rest.clone(),
    });
    let moves = link.base.get(&change.field) != Some(&base);
    moves.then(|| Rebase {
        link: link.link,
        fields: BTreeMap::from([(change.field.clone(), base)]),
    })
}

/// The source's members without those that the target refuses: they are still to be carried over.
fn rest(change: &FieldChange, refused: &Refused, source: &FieldValue) -> FieldValue {
    let have = change.before.as_ref().map(FieldValue::members);
    let (have, bad) = (have.unwrap_or_default(), refused.value.members());
    let mut rest = source.members();
    rest.retain(|tag| have.contains(tag) || !bad.contains(tag));
    match change.field.kind().by_member() {
        Some(of_members) => of_members(rest),
        None => source.clone(),
    }
}

fn hold(action: &Action, refused: &Refused) -> Hold {
    let item = action.source_item.clone().or(action.target_item.clone());
    Hold {
        link: action.link,
        side: action.target.other(),
        item: item.unwrap_or_else(|| "".into()),
        title: action.title.clone(),
        subject: (&refused.field).into(),
        why: refused.why.clone(),
    }
}

/// Puts the actions back without the changes that are gone, under the names that they have then.
fn reseal(
    plan: &mut PairPlan,
    actions: Vec<Action>,
    gone: &BTreeSet<(Option<LinkId>, FieldKey)>,
    policy: &Policy,
) {
    let mut renamed: BTreeMap<ActionId, Option<ActionId>> = BTreeMap::new();
    for mut action in actions {
        if action.kind == ActionKind::Update {
            let stays = |change: &FieldChange| !gone.contains(&(action.link, change.field.clone()));
            let changes = std::mem::take(&mut action.changes);
            action.changes = changes.into_iter().filter(stays).collect();
        }
        action.follow(&renamed);
        let old = action.id.clone();
        if action.kind == ActionKind::Update && action.changes.is_empty() {
            renamed.insert(old, None);
            continue;
        }
        let action = action.sealed(&policy.pair);
        renamed.insert(old, Some(action.id.clone()));
        plan.actions.push(action);
    }
}
