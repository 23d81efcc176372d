//! Items without a link: adopt what we made, create counterparts for what people made.

use super::linked::unreadable;
use super::merge::translate;
use super::plan::{Action, ActionKind, FieldChange, Hold, PairPlan};
use super::policy::Policy;
use super::{FreshItem, NAMED, Origin, away};
use crate::capabilities;
use crate::model::{ActionId, FieldKey, FieldValue, Item, ItemId, Side};
use boardsync_markup as markup;

/// Plans one unlinked item of `side`. `counterpart` is the item that it belongs to, where that is in this pair too, and
/// `named_by` the item on the other side whose unproven marker names it.
pub(super) fn plan_fresh(
    side: Side,
    fresh: &FreshItem,
    counterpart: Option<&ItemId>,
    named_by: Option<&ItemId>,
    policy: &Policy,
    plan: &mut PairPlan,
) {
    let item = &fresh.item;
    match &fresh.origin {
        Origin::Tombstone => {}
        Origin::Held(reason) => plan.holds.push(hold(side, item, None, reason.clone())),
        Origin::Counterpart { of, .. } => {
            let reason = "carries the marker of its counterpart";
            plan.actions.push(link(side, item, of, reason, policy));
        }
        Origin::Former { of } => match counterpart {
            Some(of) => {
                let reason = "both came here from the pair in which they were linked";
                plan.actions.push(link(side, item, of, reason, policy));
            }
            None => {
                let reason = away(side.other(), of, None);
                plan.holds.push(hold(side, item, None, reason));
            }
        },
        Origin::Person if item.archived => {}
        Origin::Person => match named_by {
            Some(by) => {
                let reason = format!(
                    "{NAMED}: {} {by} carries it; link the two with `boardsync links add`, or remove the marker",
                    side.other()
                );
                plan.holds.push(hold(side, item, None, reason));
            }
            None => create(side, item, policy, plan),
        },
    }
}

fn link(side: Side, item: &Item, of: &ItemId, reason: &str, policy: &Policy) -> Action {
    Action {
        kind: ActionKind::Link,
        target_item: Some(item.id.clone()),
        source_item: Some(of.clone()),
        reason: reason.to_owned(),
        ..blank(side, item)
    }
    .sealed(&policy.pair)
}

fn create(side: Side, item: &Item, policy: &Policy, plan: &mut PairPlan) {
    let target = side.other();
    if !policy.create_on.contains(&target) {
        return;
    }
    let mut changes = Vec::new();
    for (key, rule) in &policy.fields {
        // The title and the type decide whether an item can exist at all, so a one-way rule does not hold them back.
        let made_of = key.row().create;
        let Some(value) = item.fields.get(key) else {
            if item.unread.contains(key) && (made_of.always || rule.direction.writes_to(target)) {
                let reason = unreadable(side, key);
                plan.holds.push(hold(side, item, Some(key.clone()), reason));
                if made_of.always {
                    return;
                }
            }
            continue;
        };
        if value.is_empty() && !made_of.filled
            || !(made_of.always || rule.direction.writes_to(target))
        {
            continue;
        }
        match translate(key, side, value, policy) {
            Ok(FieldValue::Empty) => {}
            Ok(after) => changes.push(FieldChange {
                after: whole_links(after, side, item),
                field: key.clone(),
                before: None,
                kept_back: None,
                source_value: Some(value.clone()),
                reason: "new".to_owned(),
            }),
            // A new item in another state than its source's would be moved on as if somebody had wanted that.
            Err(reason) if made_of.vital => {
                plan.holds.push(hold(side, item, Some(key.clone()), reason));
                return;
            }
            Err(reason) => plan.holds.push(hold(side, item, Some(key.clone()), reason)),
        }
    }
    plan.actions.push(
        Action {
            kind: ActionKind::Create,
            source_item: Some(item.id.clone()),
            source_version: Some(item.version),
            changes,
            reason: format!("new in {side}"),
            ..blank(target, item)
        }
        .sealed(&policy.pair),
    );
}

/// A long text of a side with links that work on the other side too.
fn whole_links(value: FieldValue, side: Side, item: &Item) -> FieldValue {
    let FieldValue::Rich(text) = &value else {
        return value;
    };
    if !capabilities::of(side).relative_links {
        return value;
    }
    match markup::absolute(text, &item.url) {
        // The same text is shared with the item, not copied.
        whole if whole == text.as_str() => value,
        whole => FieldValue::rich(whole),
    }
}

fn blank(target: Side, item: &Item) -> Action {
    Action {
        id: ActionId(String::new()),
        kind: ActionKind::Create,
        link: None,
        target,
        target_item: None,
        source_item: None,
        title: item.title(),
        url: item.url.clone(),
        expected: None,
        source_version: None,
        changes: Vec::new(),
        reason: String::new(),
        after: None,
    }
}

fn hold(side: Side, item: &Item, field: Option<FieldKey>, reason: String) -> Hold {
    Hold {
        link: None,
        side,
        item: item.id.clone(),
        title: item.title(),
        field,
        reason,
    }
}
