//! Items without a link: adopt what we made, create counterparts for what people made.

use super::linked::unreadable;
use super::merge::translate;
use super::plan::{Action, ActionKind, FieldChange, Hold, PairPlan};
use super::policy::Policy;
use super::{FreshItem, Origin};
use crate::capabilities;
use crate::model::{ActionId, FieldValue, Item, ItemId, Side, Subject};
use crate::reason::{ActionWhy, After, HoldWhy, OriginWhy, ReadWhy};
use boardsync_markup as markup;
use std::collections::{BTreeMap, BTreeSet};

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
        Origin::Held(why) => plan
            .holds
            .push(hold(side, item, Subject::Item, why.clone())),
        Origin::Counterpart { of, .. } => {
            let why = ActionWhy::CarriesMarker;
            plan.actions.push(link(side, item, of, why, policy));
        }
        Origin::Alone { of, evidence } => {
            let why = ActionWhy::CounterpartDeleted {
                side: side.other(),
                evidence: evidence.clone(),
                then: After::LinkLost,
            };
            let action = Action {
                kind: ActionKind::Unlink,
                ..link(side, item, of, why, policy)
            };
            plan.actions.push(action.sealed(&policy.pair));
        }
        Origin::Former { of } => match counterpart {
            Some(of) => {
                let why = ActionWhy::CameTogether;
                plan.actions.push(link(side, item, of, why, policy));
            }
            None => {
                let why = OriginWhy::CounterpartAway {
                    side: side.other(),
                    item: of.clone(),
                    pair: None,
                };
                plan.holds.push(hold(side, item, Subject::Item, why));
            }
        },
        Origin::Person if item.archived => {}
        Origin::Person => match named_by {
            Some(by) => {
                let why = OriginWhy::NamedByMarker {
                    side: side.other(),
                    item: by.clone(),
                    unread: false,
                };
                plan.holds.push(hold(side, item, Subject::Item, why));
            }
            None => create(side, item, policy, plan),
        },
    }
}

/// Puts each item behind the one that it stands under, where that has no counterpart yet either. Otherwise the order stays, and so
/// it does of items that stand under each other in a circle, which no service should show.
pub(super) fn parents_first(items: Vec<&FreshItem>) -> Vec<&FreshItem> {
    if items.iter().all(|fresh| fresh.item.parent.is_none()) {
        return items;
    }
    let by_id: BTreeMap<&ItemId, &FreshItem> =
        items.iter().map(|fresh| (&fresh.item.id, *fresh)).collect();
    let (mut placed, mut sorted) = (BTreeSet::new(), Vec::with_capacity(items.len()));
    for fresh in items {
        let mut above = Vec::new();
        let mut next = Some(fresh);
        while let Some(fresh) = next.filter(|fresh| placed.insert(&fresh.item.id)) {
            above.push(fresh);
            next = fresh
                .item
                .parent
                .as_ref()
                .and_then(|id| by_id.get(id))
                .copied();
        }
        sorted.extend(above.into_iter().rev());
    }
    sorted
}

fn link(side: Side, item: &Item, of: &ItemId, why: ActionWhy, policy: &Policy) -> Action {
    Action {
        kind: ActionKind::Link,
        target_item: Some(item.id.clone()),
        source_item: Some(of.clone()),
        ..blank(side, item, why)
    }
    .sealed(&policy.pair)
}

fn create(side: Side, item: &Item, policy: &Policy, plan: &mut PairPlan) {
    let target = side.other();
    if !policy.create_on.contains(&target) {
        return;
    }
    let mut changes = Vec::new();
    let kind = policy.made_as(item);
    for (key, rule) in &policy.fields {
        if target == Side::Ado && policy.lacks.lacks(kind.as_ref(), key) {
            continue;
        }
        // The title and the type decide whether an item can exist at all, so a one-way rule does not hold them back.
        let made_of = key.row().create;
        let Some(value) = item.fields.get(key) else {
            let why = match item.unread.contains(key) {
                true => unreadable(side, key),
                false if key.row().everywhere => {
                    let field = key.clone();
                    ReadWhy::FieldLeftOut { side, field }
                }
                false => continue,
            };
            if made_of.always || rule.direction.writes_to(target) {
                plan.holds.push(hold(side, item, key.into(), why));
                if made_of.vital {
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
            Err(why) if made_of.vital => {
                plan.holds.push(hold(side, item, key.into(), why));
                return;
            }
            Err(why) => plan.holds.push(hold(side, item, key.into(), why)),
        }
    }
    // There are as many of these as new items; a vector grows by doubling and would keep half of its room empty.
    changes.shrink_to_fit();
    plan.actions.push(
        Action {
            kind: ActionKind::Create,
            source_item: Some(item.id.clone()),
            source_version: Some(item.version),
            changes,
            ..blank(target, item, ActionWhy::New { side })
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

fn blank(target: Side, item: &Item, why: ActionWhy) -> Action {
    Action {
        id: ActionId(String::new()),
        kind: ActionKind::Create,
        subject: Subject::Item,
        link: None,
        target,
        target_item: None,
        source_item: None,
        title: item.title(),
        url: item.url.clone(),
        expected: None,
        source_version: None,
        changes: Vec::new(),
        why,
        parent: None,
        after: Vec::new(),
    }
}

fn hold(side: Side, item: &Item, subject: Subject, why: impl Into<HoldWhy>) -> Hold {
    Hold {
        link: None,
        side,
        item: item.id.clone(),
        title: item.title(),
        subject,
        why: why.into(),
    }
}
