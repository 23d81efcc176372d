//! All or nearly all linked items of a pair gone on one side, at once or one by one.
//!
//! The other limits let a few deletes through however small a pair is, so that a pair of three links could lose all three.
//! But what a whole side that was deleted looks like, a list that was thrown away or a right that was lost looks like too,
//! so this waits for a person. One link alone is no whole: its item is deleted like any other, once the place itself was
//! asked and answered (`fetch_place` of the readers).
//!
//! Example: a pair of two links. One task deleted dissolves one link. Both tasks deleted by the same look stop the pair.
//!
//! A service that loses items one by one must not get further than one that loses them together, so more counts than what
//! the plan acts on: what seems deleted and is asked for again, and what lately ended links of this pair. Only a plan that
//! acts on one is stopped; an edit never waits for this. Two limits hold then:
//!
//! - in [`WAVE_MS`] no more than one plan may delete (`max_deletes`), for to see them in one look or in ten is chance;
//! - in [`DAY_MS`] no more than that or half of the links, whichever is more, and always a tenth must be left. Half is what
//!   [rclone bisync](https://rclone.org/bisync/) lets go (`--max-delete 50`) of what may be a side that is not there.
//!
//! Example: of five tasks one more answers 404 every minute. When the first one counts as deleted, the four others seem so:
//! five, where a plan may delete three. Nothing is deleted before somebody says yes or the tasks are back.
//!
//! Example: of three tasks somebody deletes two in the course of a morning. Both work items follow, and nobody is asked.
//!
//! What somebody let through does not count any more, or a cleanup of a board would ask again for each item after it. That is a
//! yes to a plan that one of these limits stopped, or that of deletes. A yes to any other plan is one to its actions alone: nobody
//! was told how much had gone before.

use crate::model::{LinkId, Side, Timestamp};
use crate::reason::Limit;
use crate::reconcile::guard;
use crate::reconcile::plan::{PairPlan, Slow, Tripped};
use crate::reconcile::policy::Policy;
use crate::reconcile::rails::Rails;
use crate::reconcile::{LinkView, Presence, View};
use std::collections::BTreeSet;

/// At least one in so many links must still have both its items.
const TENTH: u64 = 10;

/// How long what ended a link counts as one with what ends the next one: as long as a missing task is waited for.
pub const WAVE_MS: i64 = 600_000;

/// How long it counts at all: whoever looks at a board once a day can step in before it is empty.
pub const DAY_MS: i64 = 86_400_000;

/// Returns each side on which so much is gone. Gone on both sides counts on neither: nothing is lost any more.
pub fn check(plan: &PairPlan, view: &View, policy: &Policy, rails: &Rails) -> Vec<Tripped> {
    let acted: BTreeSet<LinkId> = plan
        .actions
        .iter()
        .filter_map(|action| action.link)
        .collect();
    let links = |side: Side, is: &dyn Fn(&LinkView, Side) -> bool| {
        view.links.iter().filter(|link| is(link, side)).count()
    };
    let planned = |link: &LinkView, side: Side| is_gone(link, side) && acted.contains(&link.link);
    let tripped = Side::BOTH.map(|side| {
        let planned = links(side, &planned);
        let found = Found {
            planned,
            waiting: links(side, &waits),
            ended: rails.ended.get(side),
            now: rails.now,
            links: view.total_links,
        };
        found
            .judge(policy)
            .filter(|_| planned > 0)
            .map(|(count, limit, slow)| Tripped {
                what: Limit::Vanished,
                side,
                count,
                limit,
                slow,
            })
    });
    tripped.into_iter().flatten().collect()
}

/// Gone on this side, and there on the other one.
fn is_gone(link: &LinkView, side: Side) -> bool {
    let gone = |side: Side| matches!(link.now.get(side), Presence::Gone { .. });
    gone(side) && !gone(side.other())
}

/// On the way there: it seems deleted, or it is deleted and the other item cannot be told to be in the pair yet.
fn waits(link: &LinkView, side: Side) -> bool {
    let (own, other) = (link.now.get(side), link.now.get(side.other()));
    match own {
        Presence::Missing { .. } => !matches!(other, Presence::Gone { .. }),
        Presence::Gone { .. } => matches!(other, Presence::Unclear { .. }),
        Presence::Seen(_) | Presence::OutOfScope(_) | Presence::Unclear { .. } => false,
    }
}

/// What is known of one side.
struct Found<'a> {
    planned: usize,
    waiting: usize,
    /// Local times at which links ended.
    ended: &'a [Timestamp],
    now: Timestamp,
    /// Living links.
    links: u64,
}

impl Found<'_> {
    /// Returns the count, the limit that it exceeds, and what it is made of; `None`: it exceeds none.
    fn judge(&self, policy: &Policy) -> Option<(usize, usize, Option<Slow>)> {
        let (wave, day) = (self.slow(WAVE_MS), self.slow(DAY_MS));
        let all = self.links + day.ended as u64;
        let plan = guard::at_most(policy.guard.deletes, all);
        let rest = most(all);
        if day.count() == self.planned {
            return (self.planned > rest).then_some((self.planned, rest, None));
        }
        let half = usize::try_from(all / 2).unwrap_or(usize::MAX);
        let limits = [(wave, plan), (day, plan.max(half))];
        let limits = limits.map(|(slow, limit)| (slow, limit.min(rest).max(1)));
        let over = limits
            .into_iter()
            .find(|(slow, limit)| slow.count() > self.planned && slow.count() > *limit);
        over.map(|(slow, limit)| (slow.count(), limit, Some(slow)))
    }

    /// A clock that was set back makes an end lie ahead; that was lately, too.
    fn slow(&self, within_ms: i64) -> Slow {
        let lately = self.ended.iter();
        let lately = lately.filter(|at| self.now.since(**at) < within_ms);
        Slow {
            planned: self.planned,
            waiting: self.waiting,
            ended: lately.count(),
            within_ms,
        }
    }
}

impl Slow {
    /// How many count.
    pub fn count(&self) -> usize {
        self.planned + self.waiting + self.ended
    }
}

/// How many may be gone: a tenth of the links must be left, and one may always go.
fn most(links: u64) -> usize {
    let left = links.div_ceil(TENTH);
    usize::try_from(links - left).unwrap_or(usize::MAX).max(1)
}

#[cfg(test)]
#[path = "../tests/vanished.rs"]
mod tests;
