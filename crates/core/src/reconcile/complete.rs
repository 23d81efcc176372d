//! Whether a plan accounts for everything that was looked at.
//!
//! What a plan says nothing about is left as it is, in silence, and looks equal to whoever reads the plan. So each link and
//! each new item has to stand in an action, a hold, a conflict or a base that moves, or be one of those that nothing is due
//! for. A plan that misses one shows that a rule of this program dropped it, and is not carried out.

use super::plan::PairPlan;
use super::policy::Policy;
use super::{FreshItem, Origin, View, claims, settled_by_counterpart};
use crate::model::{ItemId, LinkId, Side};
use std::collections::BTreeSet;

/// So many are named; one is enough to find the fault.
const NAMED: usize = 5;

/// Returns why the plan may not be carried out, `None` when it accounts for the whole view.
pub(super) fn check(view: &View, policy: &Policy, plan: &PairPlan) -> Option<String> {
    let (links, items) = mentioned(plan);
    let missed_links = view
        .links
        .iter()
        .filter(|link| !links.contains(&link.link) && !plan.nothing_due.contains(&link.link))
        .map(|link| {
            format!(
                "the linked ADO {} and ClickUp {}",
                link.items.ado, link.items.clickup
            )
        });
    let claimed = claims(view);
    let missed_items = Side::BOTH.into_iter().flat_map(|side| {
        let fresh = view.fresh.get(side).iter();
        let claimed = &claimed;
        let items = &items;
        fresh
            .filter(move |fresh| {
                !items.contains(&(side, &fresh.item.id))
                    && !nothing_is_due(side, fresh, policy)
                    && !settled_by_counterpart(side, fresh, claimed)
            })
            .map(move |fresh| format!("the new {side} {}", fresh.item.id))
    });
    let missed: Vec<String> = missed_links.chain(missed_items).collect();
    let first: Vec<&str> = missed.iter().take(NAMED).map(String::as_str).collect();
    (!missed.is_empty()).then(|| {
        format!(
            "this plan says nothing about {} of the items that were looked at ({}), which is a fault of boardsync; nothing \
             of the pair is carried out. Please report it with the output of `boardsync plan --json`",
            missed.len(),
            first.join(", ")
        )
    })
}

/// Returns the links and items that the plan speaks of.
fn mentioned(plan: &PairPlan) -> (BTreeSet<LinkId>, BTreeSet<(Side, &ItemId)>) {
    let mut links = BTreeSet::new();
    let mut items = BTreeSet::new();
    for action in &plan.actions {
        links.extend(action.link);
        let target = action.target_item.iter().map(|id| (action.target, id));
        let source = action.source_item.iter();
        items.extend(target.chain(source.map(|id| (action.target.other(), id))));
    }
    for hold in &plan.holds {
        links.extend(hold.link);
        items.insert((hold.side, &hold.item));
    }
    links.extend(plan.conflicts.iter().map(|conflict| conflict.link));
    links.extend(plan.rebases.iter().chain(&plan.reread).map(|r| r.link));
    (links, items)
}

/// Returns whether an unlinked item stays alone by what it is, or by the configuration.
fn nothing_is_due(side: Side, fresh: &FreshItem, policy: &Policy) -> bool {
    match &fresh.origin {
        Origin::Tombstone => true,
        Origin::Person => fresh.item.archived || !policy.create_on.contains(&side.other()),
        Origin::Counterpart { .. }
        | Origin::Former { .. }
        | Origin::Alone { .. }
        | Origin::Held(_) => false,
    }
}
