//! What is open in each pair, whether or not anything changed: for a plan, which speaks of what changed.

use super::newest_title;
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
