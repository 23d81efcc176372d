//! What callers may do with what was observed: look at it, and leave parts of the plan out.

use super::{Findings, Observed};
use crate::model::{Item, ItemId, LinkId, PairName, Sided, Timestamp};
use crate::reconcile::plan::{Action, PairPlan, Plan, Tripped};
use std::collections::{BTreeMap, BTreeSet};

impl Observed {
    /// Nothing was looked at.
    pub(in crate::engine) fn empty(now: Timestamp) -> Observed {
        Observed {
            plan: Plan::default(),
            items: Sided::default(),
            read_at: now,
            watermarks: Sided::default(),
            findings: Findings::default(),
        }
    }

    /// The plan.
    pub fn plan(&self) -> &Plan {
        &self.plan
    }

    /// Gives the plan away. What is left can't be carried out any more.
    pub fn into_plan(self) -> Plan {
        self.plan
    }

    /// Everything that was read, by side and id.
    pub fn items(&self) -> &Sided<BTreeMap<ItemId, Item>> {
        &self.items
    }

    /// What was found beside that.
    pub fn findings(&self) -> &Findings {
        &self.findings
    }

    /// Leaves of a pair's plan only the actions that are wanted. What is left out is left as if nobody had looked at it: its
    /// link keeps its bases and its conflicts, and the next cycle finds it changed, as it is. Where it has no link, only a
    /// new listing can bring it back, so the watermarks stay.
    pub fn keep(&mut self, pair: &PairName, wanted: impl Fn(&Action) -> bool) {
        let Some(plan) = self.plan_of(pair) else {
            return;
        };
        let (kept, left): (Vec<_>, Vec<_>) = std::mem::take(&mut plan.actions)
            .into_iter()
            .partition(wanted);
        plan.actions = kept;
        let links: BTreeSet<_> = left.iter().filter_map(|action| action.link).collect();
        // A link with one action of two carried out is looked at again too, but keeps its conflicts and bases.
        let whole = |link: &LinkId| {
            links.contains(link) && !plan.actions.iter().any(|action| action.link == Some(*link))
        };
        plan.conflicts.retain(|conflict| !whole(&conflict.link));
        plan.rebases.retain(|rebase| !whole(&rebase.link));
        self.findings.partial |= left.iter().any(|action| action.link.is_none());
        self.findings.left_out.extend(links);
    }

    /// Leaves whole pairs out, as if they had not been looked at.
    pub fn leave_pairs(&mut self, pairs: &[PairName]) {
        self.plan.pairs.retain(|plan| !pairs.contains(&plan.pair));
        self.findings.partial |= !pairs.is_empty();
    }

    /// Leaves a pair to the next plan because a person left it out when these guards stopped it: it waits also where no
    /// guard stops it any more.
    pub fn decline(&mut self, pair: &PairName, guards: &[Tripped]) {
        if let Some(plan) = self.plan_of(pair)
            && plan.guarded().next().is_none()
        {
            plan.tripped = guards.to_vec();
        }
    }

    /// Changes the plan past all rules, as a fault of the planner would. For tests of what stands behind the plan.
    pub fn forge(&mut self, change: impl FnOnce(&mut Plan)) {
        change(&mut self.plan);
    }

    fn plan_of(&mut self, pair: &PairName) -> Option<&mut PairPlan> {
        self.plan.pairs.iter_mut().find(|plan| plan.pair == *pair)
    }
}
