//! The judge of the mass-change guard: what one cycle writes and dissolves stays below the limits of the configuration,
//! unless somebody approved exactly that plan. A pair's very first plan may create and update as much as there is.

use super::places::every_link;
use super::world::{World, numbered};
use boardsync::model::{ItemId, LinkId, Side};
use boardsync::reason::Limit;
use boardsync::reconcile::plan::PairPlan;
use boardsync::reconcile::policy::GuardLimits;
use boardsync::store::Store;
use std::collections::{BTreeMap, BTreeSet};

/// Limits that a handful of items can exceed.
const TIGHT: u32 = 2;

pub fn limits(tight: bool) -> GuardLimits {
    match tight {
        false => GuardLimits::default(),
        true => GuardLimits {
            creates: (TIGHT, 0.0),
            updates: (TIGHT, 0.0),
            clears: (TIGHT, 0.0),
            deletes: (1, 0.0),
            ..GuardLimits::default()
        },
    }
}

/// What one cycle did, by pair and side.
#[derive(Clone, Debug, Default)]
pub struct Ledger {
    /// Whether exactly this plan was approved.
    pub approved: bool,
    /// Pairs of which somebody let a plan through that a guard had stopped because of tasks that are gone, and was told so.
    pub passed: BTreeSet<usize>,
    /// Pairs that had a plan carried out before.
    ran: BTreeSet<usize>,
    /// Links that were dissolved before.
    dissolved: BTreeSet<LinkId>,
    /// Links that were living before.
    living: BTreeSet<LinkId>,
    /// Items that this cycle made: their status may take a second call.
    pub made: BTreeSet<ItemId>,
    creates: BTreeMap<(usize, Side), BTreeSet<ItemId>>,
    updates: BTreeMap<(usize, Side), BTreeSet<ItemId>>,
    deletes: BTreeMap<(usize, Side), BTreeSet<ItemId>>,
}

/// The links that are dissolved, with their pairs.
fn dissolved(store: &Store) -> BTreeMap<LinkId, usize> {
    every_link(store)
        .into_iter()
        .filter(|link| !link.state.is_living())
        .map(|link| (link.id, numbered(&link.pair)))
        .collect()
}

/// The links that are not.
fn living(store: &Store) -> BTreeSet<LinkId> {
    let links = every_link(store).into_iter();
    let living = links.filter(|link| link.state.is_living());
    living.map(|link| link.id).collect()
}

impl Ledger {
    /// The links that were living before.
    pub fn links(&self) -> impl Iterator<Item = LinkId> {
        self.living.iter().copied()
    }

    /// Whether a link was dissolved before.
    pub fn was_dissolved(&self, link: LinkId) -> bool {
        self.dissolved.contains(&link)
    }
}

/// Whether a guard stops a plan because of tasks that are gone: they are counted themselves, or the work items that would follow.
pub fn tells_of_tasks(plan: &PairPlan) -> bool {
    plan.guarded().any(|guard| {
        matches!(
            (guard.what, guard.side),
            (Limit::Vanished, Side::ClickUp) | (Limit::Deletes, Side::Ado)
        )
    })
}

#[derive(Clone, Copy)]
pub enum Did {
    Create,
    Update,
    Delete,
}

impl World {
    /// Before a cycle.
    pub fn open_ledger(&mut self, store: &Store, approved: bool) {
        let names = (0..self.setup.pairs as usize).map(|n| (n, self.name(n)));
        let ran = names.filter(|(_, name)| {
            let state = store.pair_state(name);
            state.is_ok_and(|state| state.fingerprint.is_some())
        });
        self.told.ledger = Ledger {
            approved,
            ran: ran.map(|(n, _)| n).collect(),
            dissolved: dissolved(store).into_keys().collect(),
            living: living(store),
            ..Ledger::default()
        };
    }

    /// A request of this cycle takes effect.
    pub fn enter(&mut self, did: Did, pair: usize, side: Side, id: &ItemId) {
        self.judge_claimed(pair);
        let ledger = &mut self.told.ledger;
        let rows = match did {
            Did::Create => &mut ledger.creates,
            Did::Update => &mut ledger.updates,
            Did::Delete => &mut ledger.deletes,
        };
        rows.entry((pair, side)).or_default().insert(id.clone());
    }

    /// After it: I9 for deletes and what is dissolved, and the same rail for creates and updates.
    pub fn judge_guard(&mut self, store: &Store) {
        if !self.setup.tight || self.told.ledger.approved {
            return;
        }
        let ledger = self.told.ledger.clone();
        let limits = limits(true);
        let (creates, updates) = (limits.creates.0 as usize, limits.updates.0 as usize);
        let deletes = limits.deletes.0 as usize;
        let mut wrong = Vec::new();
        let mut judge = |what: &str, pair: usize, count: usize, limit: usize| {
            if count > limit {
                wrong.push(format!(
                    "pair {pair}: {count} {what} in a cycle that nobody approved, the limit is {limit}"
                ));
            }
        };
        for ((pair, _), sources) in &ledger.creates {
            if ledger.ran.contains(pair) {
                judge("creates", *pair, sources.len(), creates);
            }
        }
        for ((pair, _), items) in &ledger.updates {
            if ledger.ran.contains(pair) {
                // A close is an update by its request, and counts among the deletes.
                judge("updates", *pair, items.len(), updates + deletes);
            }
        }
        for ((pair, _), items) in &ledger.deletes {
            judge("deletes", *pair, items.len(), deletes);
        }
        for pair in 0..self.setup.pairs as usize {
            let now = dissolved(store);
            let new = now
                .iter()
                .filter(|(link, of)| **of == pair && !ledger.dissolved.contains(link));
            judge("dissolved links", pair, new.count(), 2 * deletes);
        }
        for what in wrong {
            self.violate("I9", what);
        }
    }
}
