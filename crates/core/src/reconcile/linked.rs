//! Linked items: the presence table, then field by field.

mod gone;

use super::choice::{Chosen, Dropped};
use super::merge::{Merged, agree, allowed, merge_doubted, merge_field, spare};
use super::plan::{Action, ActionKind, Conflict, FieldChange, Hold, PairPlan, Rebase};
use super::policy::{FieldPolicy, Policy};
use super::{LinkView, Presence};
use crate::capabilities;
use crate::model::{ActionId, FieldKey, FieldValue, Item, Side, Sided, Subject};
use crate::reason::{ActionWhy, HoldWhy, ReadWhy};
use boardsync_markup as markup;
pub(super) use gone::plan_from_below;
use gone::{leave, plan_gone};
use std::collections::BTreeMap;

/// Plans one link.
pub(super) fn plan_link(link: &LinkView, policy: &Policy, plan: &mut PairPlan) {
    plan.looked_at += 1;
    match (&link.now.ado, &link.now.clickup) {
        (Presence::Seen(ado), Presence::Seen(clickup)) => {
            plan_fields(
                link,
                &Sided {
                    ado: ado.as_ref(),
                    clickup: clickup.as_ref(),
                },
                policy,
                plan,
            );
        }
        // Nothing is concluded from what could not be read: a 404 may be a lost right.
        (Presence::Unclear { .. } | Presence::Missing { .. }, _) => doubted(link, Side::Ado, plan),
        (_, Presence::Unclear { .. } | Presence::Missing { .. }) => {
            doubted(link, Side::ClickUp, plan);
        }
        (Presence::Gone { .. }, Presence::Gone { .. }) => {
            let why = ActionWhy::DeletedOnBothSides;
            let action = bare(link, Side::ClickUp, ActionKind::Unlink, why);
            plan.actions.push(action.sealed(&policy.pair));
        }
        (Presence::Gone { evidence }, Presence::Seen(item)) => {
            plan_gone(link, Side::Ado, evidence, item, policy, plan);
        }
        (Presence::Seen(item), Presence::Gone { evidence }) => {
            plan_gone(link, Side::ClickUp, evidence, item, policy, plan);
        }
        // Nothing outside the pair is deleted or closed, whatever `on_delete` says.
        (Presence::Gone { evidence }, Presence::OutOfScope(item)) => {
            plan.actions
                .push(leave(link, Side::Ado, evidence, item, policy));
        }
        (Presence::OutOfScope(item), Presence::Gone { evidence }) => {
            plan.actions
                .push(leave(link, Side::ClickUp, evidence, item, policy));
        }
        // Moved out of the filter: the link stays, so that moving back makes no twin, and nothing flows meanwhile.
        (Presence::OutOfScope(_), Presence::Seen(_) | Presence::OutOfScope(_)) => {
            plan.holds.push(hold(link, Side::Ado, ReadWhy::OutOfScope));
        }
        (Presence::Seen(_), Presence::OutOfScope(_)) => {
            plan.holds
                .push(hold(link, Side::ClickUp, ReadWhy::OutOfScope));
        }
    }
}

/// Holds a link of which nothing is concluded because of what this side shows.
fn doubted(link: &LinkView, side: Side, plan: &mut PairPlan) {
    let why = link.now.get(side).doubt();
    plan.holds.extend(why.map(|why| hold(link, side, why)));
}

/// What the fields of one link come to.
#[derive(Default)]
struct Fields {
    changes: Sided<Vec<FieldChange>>,
    rebase: BTreeMap<FieldKey, Sided<FieldValue>>,
    /// Something is to be done or stands apart.
    busy: bool,
    /// A value differs that may not be carried to the other side, so that nothing is due for it.
    against: bool,
}

fn plan_fields(link: &LinkView, items: &Sided<&Item>, policy: &Policy, plan: &mut PairPlan) {
    let unmapped = link
        .chosen
        .iter()
        .filter(|(key, _)| !policy.fields.contains_key(*key) && !policy.paused.contains_key(*key));
    for (key, choice) in unmapped {
        plan.dropped.push(Dropped {
            link: link.link,
            field: key.clone(),
            side: Side::Ado,
            reason: choice.unmapped(key),
        });
    }
    let mut fields = Fields::default();
    let held_before = plan.holds.len();
    for (key, rule) in &policy.fields {
        if let Some(side) = unread(items, key) {
            fields.busy = true;
            plan.holds.push(Hold {
                subject: key.into(),
                ..hold(link, side, unreadable(side, key))
            });
            continue;
        }
        let (Some(ado), Some(clickup)) = (items.ado.fields.get(key), items.clickup.fields.get(key))
        else {
            if let Some(side) = not_shown(link, items, (key, rule)) {
                fields.busy = true;
                let field = key.clone();
                plan.holds.push(Hold {
                    subject: key.into(),
                    ..hold(link, side, ReadWhy::FieldLeftOut { side, field })
                });
            }
            continue;
        };
        for (side, value) in [(Side::Ado, ado), (Side::ClickUp, clickup)] {
            if rule.direction.writes_to(side.other())
                && let Some(why) = key.kind().stays(side, value)
            {
                plan.holds.push(Hold {
                    subject: key.into(),
                    ..hold(link, side, why)
                });
            }
        }
        // Nearly every field of every link: nothing moved. Told before anything is copied.
        let base = link.base.get(key);
        let unmoved = base.is_some_and(|b| b.ado == *ado && b.clickup == *clickup);
        let doubted = Side::BOTH.iter().any(|side| link.doubts(key, *side));
        if unmoved && !doubted && !link.chosen.contains_key(key) {
            continue;
        }
        let now = Sided {
            ado: ado.clone(),
            clickup: clickup.clone(),
        };
        plan_field(link, items, (key, *rule), now, policy, plan, &mut fields);
    }
    if !fields.rebase.is_empty() {
        plan.rebases.push(Rebase {
            link: link.link,
            fields: fields.rebase,
        });
    }
    plan_updates(link, items, fields.changes, policy, plan);
    // What stays on its side for ever is nothing to do, and yet the two are not equal.
    if !fields.busy && plan.holds.len() == held_before && !stays_contested(link, items, policy) {
        plan.in_sync += 1;
    }
    if !fields.busy || fields.against {
        plan.nothing_due.insert(link.link);
    }
}

/// Whether the two sides differ in a field of which a conflict is open. Example: an undo took a choice back on one side, and
/// left the conflict open again.
fn stays_contested(link: &LinkView, items: &Sided<&Item>, policy: &Policy) -> bool {
    link.contested.iter().any(|key| {
        let values = (items.ado.fields.get(key), items.clickup.fields.get(key));
        let (Some(ado), Some(clickup)) = values else {
            return true;
        };
        let now = Sided {
            ado: ado.clone(),
            clickup: clickup.clone(),
        };
        !agree(key, &now, policy)
    })
}

fn plan_field(
    link: &LinkView,
    items: &Sided<&Item>,
    (key, rule): (&FieldKey, FieldPolicy),
    now: Sided<FieldValue>,
    policy: &Policy,
    plan: &mut PairPlan,
    fields: &mut Fields,
) {
    let rule = rule.by_direction();
    let mut kept_back = None;
    let (merged, flattened) = match standing_choice(link, (key, rule), &now, policy, plan) {
        // Whoever chose has seen both texts.
        Some(choice) => (choice.merged(key, &now, policy), None),
        None => {
            let merged = merged(link, (key, rule), &now, policy);
            let may = allowed(merged, rule);
            kept_back = may.kept_back;
            spare(key, whole_links(may.merged, &now, items), items, rule)
        }
    };
    let (to, reason) = match merged {
        Merged::InSync => return,
        Merged::Rebase if kept_back.is_none() => {
            fields.rebase.insert(key.clone(), now);
            return;
        }
        Merged::Rebase | Merged::Against => {
            (fields.busy, fields.against) = (true, true);
            return;
        }
        Merged::Blocked(why) => {
            fields.busy = true;
            // The item that has the value is the one to mend.
            let empty = |side: &Side| *now.get(*side) == FieldValue::Empty;
            let side = why.side().or_else(|| Side::BOTH.into_iter().find(empty));
            plan.holds.push(Hold {
                subject: key.into(),
                ..hold(link, side.unwrap_or(Side::Ado), why)
            });
            return;
        }
        Merged::Write { to, reason } => (to, reason.to_owned()),
        Merged::Conflict { to, taken } => {
            let found = conflict(link, items, key, &now, taken);
            let apart = match found.changed_on_both() {
                true => "changed on both sides",
                false => "different on the two sides",
            };
            plan.conflicts.push(found);
            if let Some(flat) = flattened.as_ref().filter(|_| taken.is_none()) {
                plan.holds.push(Hold {
                    subject: key.into(),
                    ..hold(link, flat.side, flat.held())
                });
            }
            let cause = match &flattened {
                Some(flat) => format!("takes {} away in {}", flat.what, flat.side),
                None => apart.to_owned(),
            };
            let reason = match taken {
                Some(side) => {
                    format!("{cause}; {side} wins, the other value is kept as a conflict")
                }
                None => format!("{cause}; held"),
            };
            (to, reason)
        }
    };
    fields.busy = true;
    let carried = Carried {
        to,
        kept_back,
        reason,
    };
    carried.into_changes(key, &now, &mut fields.changes);
}

/// What the two values of a field come to.
fn merged(
    link: &LinkView,
    (key, rule): (&FieldKey, FieldPolicy),
    now: &Sided<FieldValue>,
    policy: &Policy,
) -> Merged {
    let doubted = Sided::build(|side| link.doubts(key, side));
    match link.base.get(key) {
        Some(base) if doubted.ado || doubted.clickup => {
            merge_doubted(key, base, now, &doubted, rule, policy)
        }
        base => merge_field(key, base, now, rule, policy),
    }
}

/// What the merge of a field writes.
struct Carried {
    to: Sided<Option<FieldValue>>,
    /// What of the source's value may not go over; `None`: nothing.
    kept_back: Option<FieldValue>,
    reason: String,
}

impl Carried {
    /// Adds the changes of each side, in the order of writing.
    fn into_changes(
        self,
        key: &FieldKey,
        now: &Sided<FieldValue>,
        changes: &mut Sided<Vec<FieldChange>>,
    ) {
        let Carried {
            to,
            kept_back,
            reason,
        } = self;
        let both = to.ado.is_some() && to.clickup.is_some();
        // The two halves of a merge may differ (a tag that one side cannot hold), so each side's base is its own half.
        let order = capabilities::in_order_of_writing();
        let first = order.first().copied();
        let first_half = first.and_then(|side| to.get(side).clone());
        for side in order {
            let Some(after) = to.get(side).clone() else {
                continue;
            };
            // While the second half of a merge is outstanding the base must not move, or the next merge would miss an edit.
            let first_of_two = both && Some(side) == first;
            changes.get_mut(side).push(FieldChange {
                field: key.clone(),
                before: Some(now.get(side).clone()),
                source_value: (!first_of_two).then(|| match (both, &first_half) {
                    (true, Some(half)) => half.clone(),
                    (true, None) | (false, _) => now.get(side.other()).clone(),
                }),
                kept_back: kept_back.clone().map(Box::new),
                after,
                reason: reason.clone(),
            });
        }
    }
}

/// The choice of a person that is carried out now; one that may not be is dropped, and the plan says why.
fn standing_choice<'a>(
    link: &'a LinkView,
    (key, rule): (&FieldKey, FieldPolicy),
    now: &Sided<FieldValue>,
    policy: &Policy,
    plan: &mut PairPlan,
) -> Option<&'a Chosen> {
    let choice = link.chosen.get(key)?;
    let dropped = match choice.overtaken(key, now, policy) {
        Some(side) => {
            let base = link.base.get(key).map(|base| base.get(side));
            Some((side, choice.overtaken_by(side, base == Some(now.get(side)))))
        }
        None => choice
            .against(key, now, rule.direction, policy)
            .map(|side| (side, choice.not_written_to(key, side))),
    };
    let Some((side, reason)) = dropped else {
        plan.chosen.insert((link.link, key.clone()));
        return Some(choice);
    };
    plan.dropped.push(Dropped {
        link: link.link,
        field: key.clone(),
        side,
        reason,
    });
    None
}

fn plan_updates(
    link: &LinkView,
    items: &Sided<&Item>,
    mut changes: Sided<Vec<FieldChange>>,
    policy: &Policy,
    plan: &mut PairPlan,
) {
    let mut first: Option<(ActionId, bool)> = None;
    for side in capabilities::in_order_of_writing() {
        let list = std::mem::take(changes.get_mut(side));
        if list.is_empty() {
            continue;
        }
        let needs_other = list.iter().any(|change| change.source_value.is_none());
        let why = ActionWhy::Differs { from: side.other() };
        // An item that is renamed is called by its new name, as its counterpart is already.
        let renamed = list.iter().find(|change| change.field == FieldKey::Title);
        let title = renamed.map_or_else(
            || items.get(side).title(),
            |change| change.after.to_string(),
        );
        let action = Action {
            title,
            changes: list,
            after: first
                .take()
                .and_then(|(id, two_sided)| two_sided.then_some(id))
                .into_iter()
                .collect(),
            ..blank(link, side, ActionKind::Update, items, why)
        }
        .sealed(&policy.pair);
        first = Some((action.id.clone(), needs_other));
        plan.actions.push(action);
    }
}

/// A long text for ClickUp with links that work there: from ADO's own page a link may leave the host out.
fn whole_links(merged: Merged, now: &Sided<FieldValue>, items: &Sided<&Item>) -> Merged {
    let page = &items.ado.url;
    let spell = |mut to: Sided<Option<FieldValue>>| {
        if let Some(FieldValue::Rich(text)) = &to.clickup {
            let value = FieldValue::rich(markup::absolute(text, page));
            to.clickup = (value != now.clickup).then_some(value);
        }
        to
    };
    match merged {
        Merged::Write { to, reason } => match spell(to) {
            Sided {
                ado: None,
                clickup: None,
            } => Merged::Rebase,
            to => Merged::Write { to, reason },
        },
        Merged::Conflict { to, taken } => match (spell(to), taken) {
            (
                Sided {
                    ado: None,
                    clickup: None,
                },
                Some(_),
            ) => Merged::Rebase,
            (to, taken) => Merged::Conflict { to, taken },
        },
        merged => merged,
    }
}

/// The side whose value of a field cannot be read.
fn unread(items: &Sided<&Item>, key: &FieldKey) -> Option<Side> {
    let mut sides = Side::BOTH.into_iter();
    sides.find(|side| items.get(*side).unread.contains(key))
}

/// The side that left a field out of its answer which both sides had, where that may keep an edit back: the other side's, or one
/// of its own that its version would not tell of a second time. A field without a base was perhaps never there, but every item has
/// a title and a state. Nor has every type and place each custom field: an item that does not show one in two looks has none.
///
/// Example: Ana renames a work item, and the answer about its task lacks the name. Both versions are known from then on, so without
/// another look her title would stay where it is.
fn not_shown(
    link: &LinkView,
    items: &Sided<&Item>,
    (key, rule): (&FieldKey, &FieldPolicy),
) -> Option<Side> {
    if key.is_custom() && link.left_out.contains(key) {
        return None;
    }
    let mut silent = Side::BOTH.into_iter();
    let Some(base) = link.base.get(key) else {
        let mut silent = silent.filter(|_| key.row().everywhere);
        return silent.find(|side| !items.get(*side).fields.contains_key(key));
    };
    silent.find(|side| {
        let (own, other) = (*side, side.other());
        let waits = |value: &FieldValue| value != base.get(other) && rule.direction.writes_to(own);
        let may_have_moved = !base.get(own).is_empty() && rule.direction.writes_to(other);
        !items.get(own).fields.contains_key(key)
            && (may_have_moved || items.get(other).fields.get(key).is_some_and(waits))
    })
}

/// Why a field is left alone whose value cannot be read.
pub(super) fn unreadable(side: Side, key: &FieldKey) -> ReadWhy {
    ReadWhy::FieldUnreadable {
        side,
        field: key.clone(),
    }
}

fn bare(link: &LinkView, target: Side, kind: ActionKind, why: ActionWhy) -> Action {
    Action {
        id: ActionId(String::new()),
        kind,
        subject: Subject::Item,
        link: Some(link.link),
        target,
        target_item: Some(link.items.get(target).clone()),
        source_item: Some(link.items.get(target.other()).clone()),
        title: format!("#{}", link.items.get(target)),
        url: String::new(),
        expected: None,
        source_version: None,
        changes: Vec::new(),
        why,
        parent: None,
        after: Vec::new(),
    }
}

fn blank(
    link: &LinkView,
    target: Side,
    kind: ActionKind,
    items: &Sided<&Item>,
    why: ActionWhy,
) -> Action {
    Action {
        title: items.get(target).title(),
        url: items.get(target).url.clone(),
        expected: Some(items.get(target).version),
        source_version: Some(items.get(target.other()).version),
        ..bare(link, target, kind, why)
    }
}

pub(super) fn hold(link: &LinkView, side: Side, why: impl Into<HoldWhy>) -> Hold {
    let title = [side, side.other()]
        .iter()
        .find_map(|side| link.now.get(*side).item())
        .map(Item::title)
        .unwrap_or_default();
    Hold {
        link: Some(link.link),
        side,
        item: link.items.get(side).clone(),
        title,
        subject: Subject::Item,
        why: why.into(),
    }
}

fn conflict(
    link: &LinkView,
    items: &Sided<&Item>,
    key: &FieldKey,
    now: &Sided<FieldValue>,
    taken: Option<Side>,
) -> Conflict {
    Conflict {
        link: link.link,
        items: link.items.clone(),
        title: items.ado.title(),
        field: key.clone(),
        base: link.base.get(key).cloned(),
        now: now.clone(),
        raw: Sided::build(|side| {
            items
                .get(side)
                .raw
                .get(key)
                .map(|raw| raw.text().into_owned())
        }),
        versions: Sided::build(|side| items.get(side).version),
        taken,
    }
}

/// The conflict of a field that is held although it could be merged; `None` when an item or a value is not there.
pub(super) fn held(link: &LinkView, key: &FieldKey) -> Option<Conflict> {
    let items = Sided {
        ado: link.now.ado.item()?,
        clickup: link.now.clickup.item()?,
    };
    let now = Sided {
        ado: items.ado.fields.get(key)?.clone(),
        clickup: items.clickup.fields.get(key)?.clone(),
    };
    Some(conflict(link, &items, key, &now, None))
}
