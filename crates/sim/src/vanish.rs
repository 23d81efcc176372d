//! Tasks that nobody deleted and that answer 404 all the same, one more every now and then, until they are back: what an
//! index that was rebuilt, a right that was taken away list by list, or a fault of the service looks like.
//!
//! Two such answers some minutes apart are evidence by the protocol, so the first few links may end. How many is judged here,
//! by the words of the guard's documentation: as many within ten minutes as one plan may delete, and within a day as many or
//! half of the links, whichever is more. What somebody approved is not counted, and what had ended before only as long as nobody
//! has let a plan through of which a guard told that so many tasks are gone.

use super::guard_law::limits;
use super::places::every_link;
use super::world::World;
use boardsync::model::{FieldKey, LinkId, Side};
use boardsync::store::Store;
use std::collections::{BTreeMap, BTreeSet};

/// Somewhat less than what the engine counts as one wave, for it counts from commit to plan.
const WAVE: i64 = 590_000;
const DAY: i64 = 86_400_000 - 10_000;

/// What has come of it.
#[derive(Clone, Debug, Default)]
pub struct Fallen {
    /// Pair and true time of each link that ended for a task that nobody deleted.
    ended: Vec<(usize, i64)>,
}

impl World {
    /// A task answers 404 from now on.
    pub fn vanish(&mut self, item: u32) {
        let records = &self.side.clickup.records;
        let Some(at) = (item as usize).checked_rem(records.len()) else {
            return;
        };
        if records[at].now().deleted {
            return;
        }
        self.show(at, true);
        let record = &mut self.side.clickup.records[at];
        (record.ever_deleted, record.vanished) = (true, true);
        // As after a delete: a close that follows is one change.
        *record.writes.people.entry(FieldKey::State).or_default() += 1;
        let id = record.id.clone();
        self.count("vanished");
        self.say(|| format!("ClickUp {id}: answers 404, and nobody deleted it"));
    }

    /// Every such task is there again.
    pub fn reappear(&mut self) {
        for at in 0..self.side.clickup.records.len() {
            if !self.side.clickup.records[at].vanished {
                continue;
            }
            self.show(at, false);
            self.side.clickup.records[at].vanished = false;
            let id = self.side.clickup.records[at].id.clone();
            self.count("back after it vanished");
            self.say(|| format!("ClickUp {id}: is there again"));
        }
    }

    /// No version tells of it.
    fn show(&mut self, at: usize, gone: bool) {
        let record = &mut self.side.clickup.records[at];
        let mut state = record.now().clone();
        state.deleted = gone;
        record.past.push(state);
    }

    /// I9, after every cycle.
    pub fn judge_vanished(&mut self, store: &Store) {
        let before = &self.told.ledger;
        let mut living: BTreeMap<usize, usize> = BTreeMap::new();
        let mut new: Vec<(usize, LinkId, bool)> = Vec::new();
        let known: BTreeSet<LinkId> = before.links().collect();
        for link in every_link(store) {
            let pair = super::world::numbered(&link.pair);
            if before.was_dissolved(link.id) {
                continue;
            }
            if known.contains(&link.id) {
                *living.entry(pair).or_default() += 1;
            }
            if !link.state.is_living() {
                let at = self.side.clickup.find(&link.clickup);
                let vanished = at.is_some_and(|at| self.side.clickup.records[at].vanished);
                let here = self.side.ado.find(&link.ado);
                let here = here.is_some_and(|at| {
                    let record = &self.side.get(Side::Ado).records[at];
                    // The engine's own delete, or none at all.
                    !record.now().deleted || record.now().by_engine
                });
                new.push((pair, link.id, vanished && here));
            }
        }
        let approved = before.approved;
        // With the links that a command ended: carrying out a plan is one.
        let passed = new.iter().map(|(pair, ..)| *pair);
        let passed: BTreeSet<usize> = passed.filter(|pair| before.passed.contains(pair)).collect();
        let ended = &mut self.told.fallen.ended;
        ended.retain(|(pair, _)| !passed.contains(pair));
        new.retain(|(_, link, _)| !self.told.unlinked.contains(link));
        if approved {
            return;
        }
        let now = self.now;
        let fallen = new.into_iter().filter(|(.., fell)| *fell);
        let fallen: Vec<usize> = fallen.map(|(pair, ..)| pair).collect();
        let pairs: BTreeSet<usize> = fallen.iter().copied().collect();
        let ended = fallen.into_iter().map(|pair| (pair, now));
        self.told.fallen.ended.extend(ended);
        for pair in pairs {
            self.judge_fallen(pair, living.get(&pair).copied().unwrap_or(0));
        }
    }

    /// `living`: how many links the pair had before this cycle.
    fn judge_fallen(&mut self, pair: usize, living: usize) {
        let now = self.now;
        let within = |ms: i64| {
            let ended = self.told.fallen.ended.iter();
            let lately = ended.filter(|(of, at)| *of == pair && now - at < ms);
            lately.count()
        };
        let (wave, day) = (within(WAVE), within(DAY));
        let new = self.told.fallen.ended.iter();
        let new = new.filter(|(of, at)| *of == pair && *at == now).count();
        let all = living + day - new;
        let plan = limits(self.setup.tight).deletes.0 as usize;
        let rest = (all - all.div_ceil(10)).max(1);
        for (count, limit, words) in [
            (wave, plan.min(rest).max(1), "ten minutes"),
            (day, plan.max(all / 2).min(rest).max(1), "a day"),
        ] {
            if count > limit {
                let what = format!(
                    "pair {pair}: {count} of {all} links ended within {words} for tasks that nobody deleted, {limit} may"
                );
                self.violate("I9", what);
            }
        }
    }
}
