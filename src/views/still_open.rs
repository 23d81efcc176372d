//! What is open in each pair, whether or not anything changed: for a plan, which speaks of what changed.

use super::newest_title;
use crate::engine::Engine;
use crate::engine::observe::Observed;
use crate::model::{PairName, Sided};
use crate::reconcile::plan::Hold;
use crate::render::{OpenConflict, StillOpen};
use crate::store::{Store, StoreError};
use std::collections::BTreeMap;

/// Returns what is open, by pair.
///
/// # Errors
/// Only the database's.
pub fn still_open(store: &Store) -> Result<BTreeMap<PairName, StillOpen>, StoreError> {
    let mut still_open: BTreeMap<PairName, StillOpen> = BTreeMap::new();
    for stored in store.conflicts(true)? {
        let record = stored.record;
        let ids = record.items.as_ref().map(|_, id| Some(id.clone()));
        let title = newest_title(store, Some(record.link), &ids)?.unwrap_or_default();
        let open = OpenConflict {
            id: stored.id,
            link: record.link,
            items: record.items,
            field: record.field,
            title,
        };
        still_open
            .entry(record.pair)
            .or_default()
            .conflicts
            .push(open);
    }
    for row in store.holds(None)? {
        // Of a whole pair `status` tells, and the plan where the pair is stopped.
        let (Some(side), Some(item)) = (row.side, row.item) else {
            continue;
        };
        let hold = Hold {
            link: row.link,
            side,
            title: newest_title(store, row.link, &Sided::of(side, Some(item.clone()), None))?
                .unwrap_or_default(),
            item,
            subject: row.subject,
            why: row.why,
        };
        still_open.entry(row.pair).or_default().holds.push(hold);
    }
    Ok(still_open)
}

/// Returns what is open and stays so where a cycle carries out what was planned of this look, by pair.
///
/// Example: a title was too long and is shortened by now. `status` tells that it is held until the next cycle has looked; the plan of
/// that cycle does not.
///
/// # Errors
/// Only the database's.
pub fn left_open(
    engine: &Engine,
    observed: &Observed,
) -> Result<BTreeMap<PairName, StillOpen>, StoreError> {
    let mut still_open = still_open(&engine.store())?;
    for plan in &observed.plan().pairs {
        let Some(open) = still_open.get_mut(&plan.pair) else {
            continue;
        };
        let seen = engine.seen(observed, &plan.pair)?;
        open.holds.retain(|hold| {
            let mut planned = plan.holds.iter();
            let again = planned.any(|new| {
                new.side == hold.side && new.item == hold.item && new.subject == hold.subject
            });
            again || !seen.replaces(hold.side, &hold.item, hold.link.is_some())
        });
        open.conflicts
            .retain(|conflict| !seen.agree(&conflict.items, &conflict.field));
    }
    Ok(still_open)
}
