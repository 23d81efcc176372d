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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{ActionId, FieldKey, FieldValue, Side, Subject, Version};
    use crate::reason::{ActionWhy, Limit};
    use crate::reconcile::plan::{ActionKind, Conflict, Rebase};

    const PAIR: &str = "web";

    /// An action on a link; without one it makes an item.
    fn action(id: &str, link: Option<i64>) -> Action {
        Action {
            id: ActionId(id.to_owned()),
            kind: match link {
                Some(_) => ActionKind::Update,
                None => ActionKind::Create,
            },
            subject: Subject::Item,
            link: link.map(LinkId),
            target: Side::ClickUp,
            target_item: None,
            source_item: None,
            title: String::new(),
            url: String::new(),
            expected: None,
            source_version: None,
            changes: Vec::new(),
            why: ActionWhy::Differs { from: Side::Ado },
            parent: None,
            after: Vec::new(),
        }
    }

    fn conflict(link: i64) -> Conflict {
        Conflict {
            link: LinkId(link),
            items: Sided::build(|_| ItemId::from("1")),
            title: String::new(),
            field: FieldKey::Title,
            base: None,
            now: Sided::build(|_| FieldValue::Empty),
            raw: Sided::default(),
            versions: Sided::build(|_| Version(1)),
            taken: None,
        }
    }

    fn rebase(link: i64) -> Rebase {
        Rebase {
            link: LinkId(link),
            fields: BTreeMap::new(),
        }
    }

    /// Two actions on link 1, one on link 2, and a create. Both links have a conflict and a rebase as well.
    fn observed() -> Observed {
        let mut plan = PairPlan::empty(PAIR.into(), String::new());
        plan.actions = vec![
            action("1a", Some(1)),
            action("1b", Some(1)),
            action("2", Some(2)),
            action("new", None),
        ];
        plan.conflicts = vec![conflict(1), conflict(2)];
        plan.rebases = vec![rebase(1), rebase(2)];
        let mut observed = Observed::empty(Timestamp(0));
        observed.plan.pairs.push(plan);
        observed
    }

    #[test]
    fn what_is_left_out_is_as_if_nobody_had_looked_at_it() {
        // What is kept, the links that keep their conflicts and rebases, those that count as not looked at, and whether
        // the watermarks stay.
        type Case = (
            &'static [&'static str],
            &'static [i64],
            &'static [i64],
            bool,
        );
        let cases: [Case; 6] = [
            (&["1a", "1b", "2", "new"], &[1, 2], &[], false),
            // One action of two is carried out, so what was found of the link counts, and the rest is found again.
            (&["1a", "2", "new"], &[1, 2], &[1], false),
            (&["2", "new"], &[2], &[1], false),
            (&["1a", "1b", "new"], &[1], &[2], false),
            // Only a new listing brings back an item without a link.
            (&["1a", "1b", "2"], &[1, 2], &[], true),
            (&[], &[], &[1, 2], true),
        ];
        for (kept, whole, left_out, partial) in cases {
            let mut observed = observed();
            observed.keep(&PAIR.into(), |action| kept.contains(&action.id.0.as_str()));
            let plan = &observed.plan.pairs[0];
            let ids: Vec<&str> = plan.actions.iter().map(|a| a.id.0.as_str()).collect();
            assert_eq!(ids, kept);
            let conflicts: Vec<i64> = plan.conflicts.iter().map(|c| c.link.0).collect();
            assert_eq!(conflicts, whole, "{kept:?}");
            let rebases: Vec<i64> = plan.rebases.iter().map(|r| r.link.0).collect();
            assert_eq!(rebases, whole, "{kept:?}");
            let findings = &observed.findings;
            let out: Vec<i64> = findings.left_out.iter().map(|link| link.0).collect();
            assert_eq!(out, left_out, "{kept:?}");
            assert_eq!(findings.partial, partial, "{kept:?}");
        }
    }

    #[test]
    fn what_is_kept_of_one_pair_leaves_the_others_alone() {
        let mut observed = observed();
        observed.keep(&"shop".into(), |_| false);
        assert_eq!(observed.plan.pairs[0].actions.len(), 4);
        assert!(!observed.findings.partial && observed.findings.left_out.is_empty());
    }

    #[test]
    fn the_watermarks_stay_where_a_pair_is_left_out() {
        for (left, pairs, partial) in [(&[][..], 1, false), (&[PAIR.into()][..], 0, true)] {
            let mut observed = observed();
            observed.leave_pairs(left);
            assert_eq!(observed.plan.pairs.len(), pairs);
            assert_eq!(observed.findings.partial, partial);
        }
    }

    /// Its own guards, if any still stop it, say more than those that did.
    #[test]
    fn a_pair_that_was_declined_waits_although_no_guard_stops_it_any_more() {
        let guard = |count| Tripped {
            what: Limit::Deletes,
            side: Side::ClickUp,
            count,
            limit: 3,
            slow: None,
        };
        for (now, after) in [(vec![], 9), (vec![guard(4)], 4)] {
            let mut observed = observed();
            observed.plan.pairs[0].tripped = now;
            observed.decline(&PAIR.into(), &[guard(9)]);
            let counts: Vec<usize> = observed.plan.pairs[0]
                .tripped
                .iter()
                .map(|t| t.count)
                .collect();
            assert_eq!(counts, [after]);
        }
    }
}
