//! Under which item a new one stands.

use super::Observed;
use crate::engine::Engine;
use crate::model::{ItemId, PairName, Side};
use crate::reconcile::plan::{ActionKind, PairPlan};
use crate::reconcile::policy::Policy;
use crate::store::{Store, StoreError};
use std::collections::BTreeSet;

impl Engine {
    /// Says of the creates of a plan under which item their sources stand, as far as that has a counterpart or gets one: by a create
    /// that stands before in the plan, or by one whose answer was lost. Otherwise the new item stands at the top.
    pub(super) fn say_parents(
        &self,
        store: &Store,
        policy: &Policy,
        observed: &Observed,
        plan: &mut PairPlan,
    ) -> Result<(), StoreError> {
        if !policy.parents {
            return Ok(());
        }
        // A create whose answer was lost may have made it.
        let open = store.open_intents()?.into_iter();
        let open = open.filter(|intent| intent.pair == policy.pair);
        let mut made: BTreeSet<(Side, ItemId)> = open
            .map(|intent| (intent.source_side, intent.source))
            .collect();
        let creates = plan.actions.iter_mut();
        for action in creates.filter(|action| action.kind == ActionKind::Create) {
            let side = action.target.other();
            let Some(source) = action.source_item.clone() else {
                continue;
            };
            let item = observed.items.get(side).get(&source);
            if let Some(parent) = item.and_then(|item| item.parent.clone()) {
                let planned = made.contains(&(side, parent.clone()));
                if planned
                    || counterpart_of_parent(store, &policy.pair, action.target, &parent)?.is_some()
                {
                    action.parent = Some(parent);
                }
            }
            made.insert((side, source));
        }
        Ok(())
    }
}

/// The item on `target` that a new one is to stand under, where its source stands under `parent`; `None`: that has no counterpart.
///
/// A work item may stand under one of any pair. Example: epics are in one list and stories in another. A task may not: ClickUp refuses a
/// parent in another list (`ITEM_137`, "Parent not child of list").
pub(in crate::engine) fn counterpart_of_parent(
    store: &Store,
    pair: &PairName,
    target: Side,
    parent: &ItemId,
) -> Result<Option<ItemId>, StoreError> {
    let rows = store.find_item(parent)?.into_iter();
    let rows = rows.filter(|row| row.item(target.other()) == parent && row.state.is_living());
    let (own, others): (Vec<_>, Vec<_>) = rows.partition(|row| row.pair == *pair);
    let others = others.into_iter().filter(|_| target == Side::Ado);
    let first = own.into_iter().chain(others).next();
    Ok(first.map(|row| row.item(target).clone()))
}
