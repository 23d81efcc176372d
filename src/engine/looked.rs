//! What is held and open after a look that records nothing: by its plan, and by the state, which an earlier cycle wrote.

use super::Engine;
use super::observe::Observed;
use crate::model::{FieldKey, ItemId, PairName, Side, Sided};
use crate::reconcile::merge::agree;
use crate::reconcile::plan::PairPlan;
use crate::store::{Conflict, HoldRow, Store, StoreError};
use std::collections::BTreeSet;

/// What a look has seen of one pair, so that a cycle which carries its plan out does not go on as an earlier one left it.
pub struct Seen<'a> {
    engine: &'a Engine,
    observed: &'a Observed,
    pair: &'a PairName,
    /// Items whose holds are replaced by what the plan holds.
    items: BTreeSet<(Side, ItemId)>,
    /// Whether every item of the pair was listed: what is held without a link and was not seen is gone.
    swept: bool,
}

impl Seen<'_> {
    /// Whether what is held of an item ends with this cycle, unless its plan holds it again. Of a create that is still open the hold
    /// stays until that is settled.
    pub fn replaces(&self, side: Side, item: &ItemId, linked: bool) -> bool {
        self.swept && !linked || self.items.contains(&(side, item.clone()))
    }

    /// Whether both items show values that agree now, so that a conflict about the field ends.
    pub fn agree(&self, items: &Sided<ItemId>, field: &FieldKey) -> bool {
        let Some(policy) = self.engine.policy(self.pair) else {
            return false;
        };
        let value = |side: Side| {
            let item = self.observed.items().get(side).get(items.get(side))?;
            item.fields.get(field).cloned()
        };
        match (value(Side::Ado), value(Side::ClickUp)) {
            (Some(ado), Some(clickup)) if policy.fields.contains_key(field) => {
                agree(field, &Sided { ado, clickup }, policy)
            }
            _ => false,
        }
    }
}

impl Engine {
    /// Returns what a look has seen of a pair.
    ///
    /// # Errors
    /// Only the database's.
    pub fn seen<'a>(
        &'a self,
        observed: &'a Observed,
        pair: &'a PairName,
    ) -> Result<Seen<'a>, StoreError> {
        let linked = observed.findings().links_of(pair).iter();
        let linked = linked.flat_map(|(_, items)| Side::BOTH.map(|s| (s, items.get(s).clone())));
        let fresh = observed.findings().fresh.get(pair);
        let mut items: BTreeSet<_> = linked.chain(fresh.into_iter().flatten().cloned()).collect();
        for open in self.store().open_intents()? {
            items.remove(&(open.source_side, open.source));
        }
        Ok(Seen {
            engine: self,
            observed,
            pair,
            items,
            swept: observed.findings().swept.contains(pair),
        })
    }
}

/// Returns how much of a pair is held, and in how many conflicts nobody has chosen: by a plan, and by the state where the plan says
/// nothing of it.
pub(super) fn still_open(
    store: &Store,
    observed: &Observed,
    plan: &PairPlan,
) -> Result<(usize, usize), StoreError> {
    let own = |conflict: &Conflict| conflict.record.pair == plan.pair;
    let mut waiting = store.waiting_conflicts()?;
    waiting.retain(own);
    let planned = plan.conflicts.iter().filter(|one| one.taken.is_none());
    let planned: BTreeSet<_> = planned.map(|one| (one.link, &one.field)).collect();
    let earlier = waiting.iter().filter(|one| {
        let record = &one.record;
        !planned.contains(&(record.link, &record.field))
    });
    let open = planned.len() + earlier.count();
    let seen = |hold: &HoldRow| {
        let item = hold.side.zip(hold.item.as_ref());
        // Fields that stand still are in every plan. An item that seems deleted was looked at as well.
        item.is_none_or(|(side, item)| {
            let gone = observed.findings.gone.get(side).contains_key(item);
            gone || observed.items.get(side).contains_key(item)
        })
    };
    let counts = |hold: &HoldRow| !waiting.iter().any(|one| one.is_about(hold));
    let mut holds = store.holds(Some(&plan.pair))?;
    holds.retain(|hold| !seen(hold) && counts(hold));
    let held = holds.len() + plan.holds.len() + plan.paused.len();
    Ok((held, open))
}
