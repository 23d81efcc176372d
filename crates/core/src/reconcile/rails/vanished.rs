//! All or nearly all linked items of a pair gone on one side at once.
//!
//! The other limits let a few deletes through however small a pair is, so that a pair of three links could lose all three.
//! But what a whole side that was deleted looks like, a list that was thrown away or a right that was lost looks like too,
//! so this waits for a person. One link alone is no whole: its item is deleted like any other, once the place itself was
//! asked and answered (`fetch_place` of the readers).
//!
//! Example: a pair of two links. One task deleted dissolves one link. Both tasks deleted by the same look stop the pair.

use crate::model::{LinkId, Side};
use crate::reason::Limit;
use crate::reconcile::plan::{PairPlan, Tripped};
use crate::reconcile::{Presence, View};
use std::collections::BTreeSet;

/// At least one in so many links must still have both its items.
const TENTH: u64 = 10;

/// Returns each side on which so much is gone. Gone on both sides counts on neither: nothing is lost any more.
pub fn check(plan: &PairPlan, view: &View) -> Vec<Tripped> {
    let acted: BTreeSet<LinkId> = plan
        .actions
        .iter()
        .filter_map(|action| action.link)
        .collect();
    let limit = most(view.total_links);
    let gone = |now: &Presence| matches!(now, Presence::Gone { .. });
    let tripped = Side::BOTH.map(|side| {
        let vanished = view.links.iter().filter(|link| {
            let (own, other) = (link.now.get(side), link.now.get(side.other()));
            gone(own) && !gone(other) && acted.contains(&link.link)
        });
        let count = vanished.count();
        (count > limit).then_some(Tripped {
            what: Limit::Vanished,
            side,
            count,
            limit,
        })
    });
    tripped.into_iter().flatten().collect()
}

/// How many may be gone at once: a tenth of the links must be left, and one may always go.
fn most(links: u64) -> usize {
    let left = links.div_ceil(TENTH);
    usize::try_from(links - left).unwrap_or(usize::MAX).max(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_of_any_number_may_go_and_of_more_a_tenth_must_stay() {
        let rows = [
            (0, 1),
            (1, 1),
            (2, 1),
            (3, 2),
            (10, 9),
            (11, 9),
            (20, 18),
            (100, 90),
        ];
        for (links, limit) in rows {
            assert_eq!(most(links), limit, "{links}");
        }
    }
}
