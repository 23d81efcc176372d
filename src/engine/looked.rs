//! What is held and open after a look that records nothing: by its plan, and by the state, which an earlier cycle wrote.

use super::observe::Observed;
use crate::reconcile::plan::PairPlan;
use crate::store::{Conflict, HoldRow, Store, StoreError};
use std::collections::BTreeSet;

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
