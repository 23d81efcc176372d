//! The quiet end of a history: nothing happens any more, the engine gets the time that it is allowed, then everything must
//! be in place, and one more pass does nothing.

use super::ending::stored;
use super::remote::lock;
use super::run::{End, Sim};
use super::script::{Act, Deed, Fault, Says, Script, Step};
use super::world::{LAG, LONG_LAG};
use boardsync::model::Side;
use std::collections::BTreeSet;

impl Sim {
    /// Nothing happens any more; the engine gets the time that it is allowed, then everything must be in place.
    pub fn quiet(&mut self, script: &Script) {
        let wait = |sim: &Sim, ms: i64| lock(&sim.world).tick(ms);
        for side in Side::BOTH {
            lock(&self.world).side.get_mut(side).locked_until = 0;
        }
        lock(&self.world).calm = true;
        lock(&self.world).reappear();
        self.lift();
        self.settle_pairs();
        // Bases change little from here on; they are judged again at the end.
        self.judged = false;
        // Requests under way, indices, the quiet time, the longest back-off.
        let lag = if self.setup.unbounded { LONG_LAG } else { LAG };
        wait(self, lag + 600_000 + 300_000 + 900_000);
        self.quiet_beside();
        // Three cycles without a sweep must do where nothing hid a change from the listings.
        for _ in 0..3 {
            self.pass(false);
            wait(self, 60_000);
        }
        let swept = lock(&self.world).hidden || script.steps.iter().any(needs_sweep);
        if !swept {
            self.judge(false);
        }
        wait(self, 6 * 3_600_000);
        // A delete takes two reads some minutes apart, and what it leaves behind may be adopted after that.
        let passes: &[bool] = match swept {
            true => &[true, false, true, false, true, false],
            false => &[true],
        };
        for full in passes {
            self.pass(*full);
            wait(self, 660_000);
        }
        // A create that a firewall answers each time is given up after the third, and looked for after each of them.
        if script.steps.iter().any(meets_a_firewall) {
            for _ in 0..8 {
                self.pass(false);
                wait(self, 660_000);
            }
        }
        self.judged = true;
        self.judge(true);
        self.judge_quiescence(false);
        self.restart();
        self.judge_quiescence(true);
    }

    pub(super) fn pass(&mut self, full: bool) {
        match self.cycle(full, Vec::new(), true) {
            End::Done(_) => {}
            End::Failed(what) => {
                lock(&self.world).violate("I16", format!("a quiet cycle failed: {what}"));
            }
            End::Killed => {}
        }
    }

    fn judge(&self, all: bool) {
        let Some(engine) = &self.engine else { return };
        let store = engine.store();
        let mut world = lock(&self.world);
        if all {
            world.judge_end(&store);
        } else {
            world.judge_places(&store);
        }
    }

    /// I6: one more pass writes nothing and stores nothing.
    fn judge_quiescence(&mut self, full: bool) {
        let Some((before, requests)) = self.fingerprint() else {
            return;
        };
        self.pass(full);
        lock(&self.world).tick(60_000);
        let Some((after, requests_after)) = self.fingerprint() else {
            return;
        };
        let mut world = lock(&self.world);
        if requests != requests_after {
            let n = requests_after - requests;
            world.violate("I6", format!("a pass with nothing to do writes {n} times"));
        }
        if before != after {
            let changed: Vec<String> = diff(&before, &after);
            world.violate(
                "I6",
                format!("a pass with nothing to do stores: {}", changed.join(" | ")),
            );
        }
    }

    pub fn fingerprint(&self) -> Option<(String, u64)> {
        let engine = self.engine.as_ref()?;
        let store = engine.store();
        let world = lock(&self.world);
        Some((stored(&store, self.setup.pairs, &world), world.requests))
    }
}

fn meets_a_firewall(step: &Step) -> bool {
    match step {
        Step::During(_, Deed::Fault(Fault::Poison { says: said, .. })) => *said == Says::Page,
        Step::During(_, Deed::Fault(Fault::Page(_))) => true,
        _ => false,
    }
}

/// Whether only a sweep can tell of this.
fn needs_sweep(step: &Step) -> bool {
    let act = |act: &Act| {
        matches!(
            act,
            Act::Leave { .. }
                | Act::Return { .. }
                | Act::Delete { .. }
                | Act::Restore { .. }
                | Act::Copy { .. }
                | Act::Unmark(_)
                | Act::RenameTag { .. }
                | Act::Move { .. }
                | Act::Shut { .. }
                | Act::Claim { .. }
                | Act::Vanish { .. }
        )
    };
    match step {
        Step::Act(one) => act(one),
        Step::During(_, Deed::Act(one)) => act(one),
        Step::During(_, Deed::Fault(fault)) => {
            fault.hides()
                || matches!(
                    fault,
                    Fault::FalseGone(_) | Fault::OldRead(_) | Fault::Unreadable(_)
                )
        }
        // A command may link, unlink, or leave a field out of the cycles for a while.
        Step::Rollback(_) | Step::Command(_) => true,
        _ => false,
    }
}

fn diff(before: &str, after: &str) -> Vec<String> {
    let old: BTreeSet<&str> = before.lines().collect();
    let new: BTreeSet<&str> = after.lines().collect();
    let gone = old.difference(&new).map(|line| format!("- {line}"));
    let come = new.difference(&old).map(|line| format!("+ {line}"));
    gone.chain(come).collect()
}
