//! Where two sides differ, and why that is so: the plan's own rules, asked about every field of every item.
//!
//! A difference that the next cycle settles is in the plan; one that nothing will settle is in no plan, and that is
//! what a check of the whole is for.

use super::merge::{agree, translate};
use super::plan::{Action, ActionKind, Conflict, PairPlan};
use super::policy::{FieldPolicy, Policy};
use super::rails::{self, Rails};
use super::{LinkView, Origin, Presence, View};
use crate::model::{FieldKey, FieldValue, Item, ItemId, LinkId, Side, Sided, Subject, Timestamp};
use crate::reason::links_add;
use serde::Serialize;

/// Why a difference is there.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum DriftKind {
    /// The next cycle settles it.
    Pending,
    /// A conflict about it is open, and a person decides: both sides changed it, differently, or an undo left them apart.
    Conflict,
    /// It is held: a value has no counterpart, or the item may not be touched.
    Held,
    /// Both sides are as they last agreed, and by the present configuration one of the values has no counterpart: a row of a table was
    /// taken out. Nobody has edited anything, so nothing is held.
    Unmapped,
    /// Both sides are as they last agreed, no conflict is open, and yet they differ.
    Settled,
    /// A linked item left the scope of the pair.
    OutOfScope,
    /// A linked item was deleted.
    Missing,
    /// A linked item cannot be read.
    Unreadable,
    /// An item in scope has no counterpart.
    Unlinked,
    /// The configuration wants it so.
    ByRule,
}

impl DriftKind {
    /// Returns whether somebody or the next cycle has something to do about it.
    pub fn open(self) -> bool {
        self != DriftKind::ByRule
    }
}

/// One difference.
#[derive(Clone, Debug, PartialEq)]
pub struct Difference {
    /// The link, where there is one.
    pub link: Option<LinkId>,
    /// Ids of the items; `None`: there is none on that side.
    pub items: Sided<Option<ItemId>>,
    /// Title of an item.
    pub title: String,
    /// The field; `None`: it is about the whole item.
    pub field: Option<FieldKey>,
    /// Both values, where it is about a field.
    pub values: Option<Sided<FieldValue>>,
    /// What each side had when they last agreed, where it is about a field and they did.
    pub base: Option<Sided<FieldValue>>,
    /// Why it is there.
    pub kind: DriftKind,
    /// The same in words, with what to do.
    pub reason: String,
    /// Since when: of the side that changed, where one did, by that service's clock.
    pub since: Option<Timestamp>,
}

/// Returns every difference of a pair: linked items in order of their links, then those without a counterpart.
///
/// What the next cycle would do about them is asked of the plan itself, rails and all.
pub fn drift(view: &View, policy: &Policy, rails: &Rails) -> Vec<Difference> {
    let plan = rails::plan(view, policy, rails);
    let mut found = Vec::new();
    for link in &view.links {
        linked(link, policy, &plan, &mut found);
    }
    for side in Side::BOTH {
        for fresh in view.fresh.get(side) {
            found.extend(unlinked(side, &fresh.item, &fresh.origin, policy, &plan));
        }
    }
    found
}

/// Which cycle carries the plan out.
fn next_cycle(plan: &PairPlan) -> &'static str {
    match (plan.guarded().next(), &plan.blocked) {
        (Some(_), _) => "the next cycle that the guard lets through",
        (None, Some(_)) => "the next cycle that is not stopped",
        (None, None) => "the next cycle",
    }
}

fn linked(link: &LinkView, policy: &Policy, plan: &PairPlan, found: &mut Vec<Difference>) {
    let whole = |kind: DriftKind, reason: String| Difference {
        link: Some(link.link),
        items: Sided::build(|side| Some(link.items.get(side).clone())),
        title: title(link),
        field: None,
        values: None,
        base: None,
        kind,
        reason,
        since: None,
    };
    let planned = || {
        let mut actions = plan.actions.iter().filter(|a| a.link == Some(link.link));
        let mut holds = plan.holds.iter().filter(|h| h.link == Some(link.link));
        match (actions.next(), holds.next()) {
            (Some(action), _) => format!("; {}: {}", next_cycle(plan), action.why),
            (None, Some(hold)) => format!("; held: {}", hold.reason()),
            (None, None) => String::new(),
        }
    };
    for side in Side::BOTH {
        match link.now.get(side) {
            Presence::Gone { evidence } => {
                let reason = format!("deleted in {side} ({evidence}){}", planned());
                found.push(whole(DriftKind::Missing, reason));
                return;
            }
            now @ Presence::Missing { .. } => {
                let said = now.doubt().map(|why| why.to_string()).unwrap_or_default();
                found.push(whole(DriftKind::Missing, format!("{side}: {said}")));
                return;
            }
            now @ Presence::Unclear { .. } => {
                let said = now.doubt().map(|why| why.to_string()).unwrap_or_default();
                let reason = format!("{side} does not show it: {said}");
                found.push(whole(DriftKind::Unreadable, reason));
                return;
            }
            Presence::Seen(_) | Presence::OutOfScope(_) => {}
        }
    }
    for side in Side::BOTH {
        if let Presence::OutOfScope(_) = link.now.get(side) {
            let reason =
                format!("no longer in the pair's scope in {side}; left alone until it comes back");
            found.push(whole(DriftKind::OutOfScope, reason));
            return;
        }
    }
    let (Some(ado), Some(clickup)) = (link.now.ado.item(), link.now.clickup.item()) else {
        return;
    };
    for (key, rule) in &policy.fields {
        let (Some(a), Some(c)) = (ado.fields.get(key), clickup.fields.get(key)) else {
            let mut holds = plan.holds.iter().filter(|h| h.link == Some(link.link));
            // Of a field that a side does not show nobody knows whether it is equal.
            found.extend(
                holds
                    .find(|hold| hold.subject == *key)
                    .map(|hold| Difference {
                        field: Some(key.clone()),
                        ..whole(DriftKind::Held, hold.reason())
                    }),
            );
            continue;
        };
        let now = Sided {
            ado: a.clone(),
            clickup: c.clone(),
        };
        if agree(key, &now, policy) {
            continue;
        }
        let (kind, reason) = explain(link, key, &now, *rule, policy, plan);
        let base = link.base.get(key).cloned();
        let changed = |side: Side| base.as_ref().is_none_or(|b| b.get(side) != now.get(side));
        let since = match (changed(Side::Ado), changed(Side::ClickUp)) {
            (true, false) => Some(ado.changed_at),
            (false, true) => Some(clickup.changed_at),
            (true, true) | (false, false) => None,
        };
        found.push(Difference {
            field: Some(key.clone()),
            values: Some(now),
            base,
            since,
            ..whole(kind, reason)
        });
    }
}

/// Why two values wait for a person. `recorded`: an earlier cycle has found that out, so that there is a conflict to settle.
///
/// Example: the database was lost and the two items were linked again by their markers. Nothing says which of two statuses is
/// newer, and no conflict has a number before the next cycle.
fn contested(found: &Conflict, recorded: bool, plan: &PairPlan) -> String {
    let how = match (&found.base, found.changed_on_both()) {
        (None, _) => {
            "different on the two sides, and never known to be equal, so nothing tells which side was edited"
        }
        (Some(_), true) => "changed on both sides, differently",
        (Some(_), false) => "different on the two sides",
    };
    match recorded {
        true => format!("{how}; settle it with `boardsync conflicts`"),
        false => format!(
            "{how}; {} lists it in `boardsync conflicts`, where you settle it",
            next_cycle(plan)
        ),
    }
}

fn explain(
    link: &LinkView,
    key: &FieldKey,
    now: &Sided<FieldValue>,
    rule: FieldPolicy,
    policy: &Policy,
    plan: &PairPlan,
) -> (DriftKind, String) {
    let mut frozen = plan.frozen.iter().filter(|f| f.link == link.link);
    // Its values are kept as a conflict too, and yet nobody need have changed them on both sides.
    if let Some(frozen) = frozen.find(|frozen| frozen.subject == *key) {
        return (DriftKind::Held, frozen.why.to_string());
    }
    let mut mine = plan.conflicts.iter().filter(|c| c.link == link.link);
    if let Some(found) = mine.find(|conflict| conflict.field == *key && conflict.taken.is_none()) {
        let recorded = link.contested.contains(key);
        return (DriftKind::Conflict, contested(found, recorded, plan));
    }
    let planned = |action: &Action| {
        let mut changes = action.changes.iter();
        action.link == Some(link.link) && changes.any(|change| change.field == *key)
    };
    // Its values are the base of both sides, so that no cycle writes to it.
    if link.contested.contains(key) && !plan.actions.iter().any(planned) {
        let reason = "a conflict about it is open (an undo leaves one), and neither side was changed since; edit one of them, or \
                      settle it with `boardsync conflicts`";
        return (DriftKind::Conflict, reason.to_owned());
    }
    for action in plan.actions.iter().filter(|a| a.link == Some(link.link)) {
        if let Some(change) = action.changes.iter().find(|change| change.field == *key) {
            let reason = format!(
                "{}; {} writes to {}",
                change.reason,
                next_cycle(plan),
                action.target
            );
            return (DriftKind::Pending, reason);
        }
    }
    let holds = || plan.holds.iter().filter(|h| h.link == Some(link.link));
    let mut of_field = holds().filter(|hold| hold.subject == *key);
    // A rail may hold a whole write, with all of its fields.
    let mut of_all = holds().filter(|hold| hold.subject == Subject::Item);
    if let Some(hold) = of_field.next().or_else(|| of_all.next()) {
        return (DriftKind::Held, hold.reason());
    }
    for side in Side::BOTH {
        let image = translate(key, side, now.get(side), policy);
        if image.as_ref() == Ok(now.get(side.other())) {
            let reason = format!("{} cannot hold all of it", side.other());
            return (DriftKind::ByRule, reason);
        }
    }
    for side in Side::BOTH {
        if !rule.direction.writes_to(side) {
            let reason = format!("the field is not written to {side} (direction)");
            return (DriftKind::ByRule, reason);
        }
    }
    if let Some(reason) = key.kind_of([&now.ado, &now.clickup]).in_step(now) {
        return (DriftKind::ByRule, reason.to_owned());
    }
    unmoved(key, now, policy)
}

/// Why two values differ that nobody has edited since both sides agreed. The configuration is another one since, or one of the two was
/// accepted as it is.
///
/// Example: the row `["1 - Critical", "Critical"]` is taken out of `values`. The two still stand beside each other, as they did under
/// that row, and neither has a counterpart any more.
fn unmoved(key: &FieldKey, now: &Sided<FieldValue>, policy: &Policy) -> (DriftKind, String) {
    const UNEDITED: &str =
        "nobody edited either side since the two agreed, so no cycle writes to them";
    let images = Sided::build(|side| translate(key, side, now.get(side), policy));
    for side in Side::BOTH {
        if let Err(why) = images.get(side) {
            let reason =
                format!("{why}. {UNEDITED}; an edit is held until there is a counterpart for it");
            return (DriftKind::Unmapped, reason);
        }
    }
    for side in Side::BOTH {
        if let Ok(image) = images.get(side)
            && image != now.get(side)
        {
            let reason = format!(
                "by the present configuration {} of {side} goes with {} of {}. {UNEDITED}; edit one of them to sync the field \
                 again",
                now.get(side),
                image,
                side.other()
            );
            return (DriftKind::Settled, reason);
        }
    }
    let reason = "unchanged on both sides since the last sync. Edit either side to sync it again";
    (DriftKind::Settled, reason.to_owned())
}

fn unlinked(
    side: Side,
    item: &Item,
    origin: &Origin,
    policy: &Policy,
    plan: &PairPlan,
) -> Option<Difference> {
    let hold = plan
        .holds
        .iter()
        .find(|hold| hold.link.is_none() && hold.side == side && hold.item == item.id);
    let created = plan.actions.iter().any(|action| {
        action.kind == ActionKind::Create
            && action.target != side
            && action.source_item.as_ref() == Some(&item.id)
    });
    let (kind, reason) = match (origin, hold) {
        (_, Some(hold)) if !created => (DriftKind::Held, hold.reason()),
        (Origin::Tombstone, _) => (
            DriftKind::ByRule,
            format!(
                "its link was dissolved, so it stays alone; `{}` links it to an item that is there",
                links_add(Some(&policy.pair), Some((side, &item.id)))
            ),
        ),
        (Origin::Alone { of, .. }, _) => (
            DriftKind::ByRule,
            format!(
                "{} {of}, for which it was made, was deleted, so it stays alone",
                side.other()
            ),
        ),
        (Origin::Counterpart { of, .. } | Origin::Former { of }, _) => (
            DriftKind::Unlinked,
            format!(
                "belongs to {} {of}; {} links them",
                side.other(),
                next_cycle(plan)
            ),
        ),
        (Origin::Person, _) if created => (
            DriftKind::Unlinked,
            format!(
                "{} creates its counterpart in {}",
                next_cycle(plan),
                side.other()
            ),
        ),
        (Origin::Person, _) if item.archived => (
            DriftKind::ByRule,
            "archived before it was ever linked".to_owned(),
        ),
        (Origin::Person, _) if !policy.create_on.contains(&side.other()) => (
            DriftKind::ByRule,
            format!("no counterpart is made in {} (create)", side.other()),
        ),
        // Its other half carries the marker and stands in the list.
        (Origin::Person | Origin::Held(_), _) => return None,
    };
    let mut items = Sided::build(|_| None);
    *items.get_mut(side) = Some(item.id.clone());
    Some(Difference {
        link: None,
        items,
        title: item.title(),
        field: None,
        values: None,
        base: None,
        kind,
        reason,
        since: (kind == DriftKind::Unlinked).then_some(item.created_at),
    })
}

fn title(link: &LinkView) -> String {
    Side::BOTH
        .iter()
        .find_map(|side| link.now.get(*side).item())
        .map_or_else(|| format!("#{}", link.items.ado), Item::title)
}
