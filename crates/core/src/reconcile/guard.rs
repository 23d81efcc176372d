//! Plan-wide limits, judged on the plan itself before anything is shown or written.

use super::plan::{ActionKind, PairPlan, Tripped};
use super::policy::Policy;
use crate::model::{FieldValue, Side};
use crate::reason::Limit;

/// Returns every limit that the plan exceeds; `links` is the number of live links in the pair.
pub fn check(plan: &PairPlan, policy: &Policy, links: u64) -> Vec<Tripped> {
    let limit = |of: (u32, f64)| at_most(of, links);
    let mut tripped = Vec::new();
    for side in Side::BOTH {
        let on_side = || {
            plan.actions
                .iter()
                .filter(move |action| action.target == side)
        };
        let count = |kind: ActionKind| on_side().filter(|action| action.kind == kind).count();
        let clears = on_side()
            .filter(|action| action.kind == ActionKind::Update)
            .flat_map(|action| &action.changes)
            .filter(|change| {
                change.after.is_empty() && !matches!(change.before, None | Some(FieldValue::Empty))
            })
            .count();
        // What nothing is known of any more ends no link.
        let unlinks = on_side()
            .filter(|action| action.kind == ActionKind::Unlink && action.link.is_some())
            .count();
        let deletes = count(ActionKind::Delete) + count(ActionKind::Close) + unlinks;
        for (what, count, limit) in [
            (
                Limit::Creates,
                count(ActionKind::Create),
                limit(policy.guard.creates),
            ),
            (
                Limit::Updates,
                count(ActionKind::Update),
                limit(policy.guard.updates),
            ),
            (Limit::Clears, clears, limit(policy.guard.clears)),
            (Limit::Deletes, deletes, limit(policy.guard.deletes)),
        ] {
            if count > limit {
                tripped.push(Tripped {
                    what,
                    side,
                    count,
                    limit,
                    slow: None,
                });
            }
        }
    }
    tripped
}

/// How many of so many links a limit lets through: its number, or its share of them.
pub(super) fn at_most((floor, percent): (u32, f64), links: u64) -> usize {
    let share = (links as f64 * percent / 100.0).floor();
    (floor as usize).max(if share.is_finite() && share > 0.0 {
        share as usize
    } else {
        0
    })
}
