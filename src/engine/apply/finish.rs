//! The end of a pair's part in a cycle: what was seen, what is held and what is to be done again, in one commit.

mod bases;
mod holds;

use super::kept::{kept_of, remember};
use super::record::saw;
use super::{Run, Stopped};
use crate::engine::observe::remember as remember_listed;
use crate::engine::{CycleError, backoff};
use crate::model::{Item, ItemId, LinkId, Side, Sided, Timestamp};
use crate::reason::amount;
use crate::reconcile::plan::PairPlan;
use crate::reconcile::policy::Policy;
use crate::store::{Batch, ChoiceOp, HoldRow, NoteOp, Op, Store, StoreError};
use holds::item_of;
use std::collections::BTreeSet;

impl Run<'_> {
    /// Records how a pair's part in the cycle ended, and returns how many holds the pair has.
    pub(super) fn finish(
        &self,
        policy: &Policy,
        plan: &PairPlan,
        stopped: Option<&Stopped>,
        started: Timestamp,
    ) -> Result<usize, CycleError> {
        let mut store = self.engine.store();
        if let Some(stopped) = stopped {
            let ops = stood_still(&store, policy, plan, stopped, started)?;
            store.commit(&Batch(ops))?;
            // What an earlier cycle holds stays held; of this plan nothing is recorded.
            let planned = plan.holds.iter().filter(|hold| !plan.contested(hold));
            return Ok(store.count_held(&plan.pair)?.max(planned.count()));
        }
        let ops = Ending::new(self, policy, plan, &store, started)?.ops()?;
        store.commit(&Batch(ops))?;
        Ok(store.count_held(&plan.pair)?)
    }
}

/// What is recorded of a pair whose plan was not carried out.
fn stood_still(
    store: &Store,
    policy: &Policy,
    plan: &PairPlan,
    stopped: &Stopped,
    started: Timestamp,
) -> Result<Vec<Op>, StoreError> {
    let mut state = store.pair_state(&plan.pair)?;
    state.last_attempt = Some(started);
    // Nothing of this pair was dealt with, so the next cycle must see all of it again.
    state.last_sweep = None;
    state.last_error = Some(match stopped {
        Stopped::Guard => {
            let also = match plan.first_contact && plan.ran_before {
                true => format!("; beside that, {}", plan.yes_to().why()),
                false => String::new(),
            };
            let over = plan.guarded().map(|tripped| {
                let (what, side) = (plan.counted(tripped), tripped.side);
                // As the plan writes numbers.
                let (count, limit) = (amount(tripped.count), amount(tripped.limit));
                format!("{count} {what} in {side}, {limit} allowed")
            });
            let over: Vec<String> = over.collect();
            let hash = plan.hash();
            format!(
                "a guard stopped the plan {hash}: {}{also}; look at it with `boardsync plan`, and if it is right, let it through with \
                 `boardsync apply` or `boardsync reconcile --once --approve {hash}`",
                over.join("; ")
            )
        }
        Stopped::FirstContact(to) => {
            format!("the plan {} waits for a yes: {}", plan.hash(), to.why())
        }
        Stopped::Switch(_) | Stopped::Canary(_) | Stopped::Taken(_) | Stopped::Firewall(_) => {
            stopped.to_string()
        }
    });
    let mut ops = Vec::new();
    // The others end by themselves when their cause is gone; only a person's word is waited for.
    if matches!(
        stopped,
        Stopped::Guard | Stopped::FirstContact(_) | Stopped::Taken(_)
    ) {
        ops.extend(backoff::stopped(store, policy, started)?);
    }
    ops.push(Op::SetPairState {
        pair: plan.pair.clone(),
        state,
    });
    Ok(ops)
}

/// The end of a pair whose plan was carried out, as far as it went.
struct Ending<'a> {
    run: &'a Run<'a>,
    policy: &'a Policy,
    plan: &'a PairPlan,
    store: &'a Store,
    /// Start of the cycle.
    started: Timestamp,
    now: Timestamp,
    /// Links that the cycle looked at.
    links: BTreeSet<LinkId>,
    /// Links that wait longer: they come back when their time has come, or when an item changes.
    later: BTreeSet<LinkId>,
    /// The pair's holds from before the cycle.
    before: Vec<HoldRow>,
}

impl<'a> Ending<'a> {
    fn new(
        run: &'a Run<'a>,
        policy: &'a Policy,
        plan: &'a PairPlan,
        store: &'a Store,
        started: Timestamp,
    ) -> Result<Ending<'a>, StoreError> {
        let now = run.engine.clock.now();
        let links = run.observed.findings.links_of(&plan.pair).iter();
        let later = run
            .holds
            .iter()
            .filter(|hold| hold.subject.is_item() && hold.retry_at.is_none_or(|at| at > now))
            .filter_map(|hold| hold.link);
        Ok(Ending {
            run,
            policy,
            plan,
            store,
            started,
            now,
            links: links.map(|(link, _)| *link).collect(),
            later: later.collect(),
            before: store.holds(Some(&plan.pair))?,
        })
    }

    /// Everything that is recorded, in this order: what the rails forget of a base, a rebase sets again.
    fn ops(&self) -> Result<Vec<Op>, StoreError> {
        let looked_at = self.looked_at();
        let mut ops = Vec::new();
        ops.extend(backoff::carried_out(self.store, self.policy)?);
        ops.extend(self.closed_bases()?);
        ops.extend(self.confirmed_bases()?);
        ops.extend(
            self.run
                .rail_ops(self.store, self.plan, &looked_at, self.now)?,
        );
        ops.extend(self.in_force_after_all()?);
        ops.extend(self.rebases());
        ops.extend(self.link_states());
        ops.extend(self.observations());
        ops.extend(self.waiting());
        ops.extend(self.choices_met());
        ops.extend(self.run.refusals_over(self.store, self.plan, &looked_at)?);
        ops.extend(self.taken_after_all()?);
        ops.push(self.holds(looked_at)?);
        ops.push(self.paused());
        ops.extend(self.identities()?);
        ops.push(self.pair_state()?);
        ops.extend(self.again()?);
        ops.extend(self.listed()?);
        let (observed, pair) = (self.run.observed, &self.plan.pair);
        let carriers = self
            .run
            .engine
            .remember_carriers(self.store, pair, observed, self.swept());
        ops.extend(carriers?);
        Ok(ops)
    }

    /// The pair's linked items of this cycle.
    fn linked(&self) -> impl Iterator<Item = &'a (LinkId, Sided<ItemId>)> {
        self.run.observed.findings.links_of(&self.plan.pair).iter()
    }

    /// The items of the pair that this cycle looked at.
    fn looked_at(&self) -> BTreeSet<(Side, ItemId)> {
        let linked = self
            .linked()
            .flat_map(|(_, items)| Side::BOTH.map(|s| (s, items.get(s).clone())));
        let fresh = self.run.observed.findings.fresh.get(&self.plan.pair);
        linked.chain(fresh.into_iter().flatten().cloned()).collect()
    }

    /// States of links as they were seen, but for those that an action has just dissolved.
    fn link_states(&self) -> impl Iterator<Item = Op> {
        let done = self.plan.actions.iter();
        let dissolved: BTreeSet<LinkId> = done
            .filter(|action| action.kind.dissolves() && self.run.ok.contains(&action.id))
            .filter_map(|action| action.link)
            .collect();
        let seen = self.run.observed.findings.states.iter();
        seen.filter(move |(link, _)| self.links.contains(link) && !dissolved.contains(link))
            .map(|(link, state)| Op::SetLinkState {
                link: *link,
                state: state.clone(),
                at: self.now,
            })
    }

    /// What was seen of linked items.
    fn observations(&self) -> impl Iterator<Item = Op> {
        let sides = |(link, items): &'a (LinkId, Sided<ItemId>)| {
            Side::BOTH.map(|side| (*link, side, items.get(side)))
        };
        self.linked()
            .flat_map(sides)
            .flat_map(|(link, side, id)| self.observation(link, side, id))
            .flatten()
    }

    /// Items that wait for a counterpart.
    fn unlinked(&self) -> impl Iterator<Item = (Side, ItemId)> {
        let held = self.run.holds.iter().filter(|hold| hold.link.is_none());
        let held = held.filter_map(item_of);
        let planned = self.plan.holds.iter().filter(|hold| hold.link.is_none());
        held.chain(planned.map(|hold| (hold.side, hold.item.clone())))
    }

    /// The versions of items that wait for a counterpart, so that an older answer shows as one.
    fn waiting(&self) -> impl Iterator<Item = Op> {
        self.unlinked().filter_map(|(side, id)| {
            let item = self.run.observed.items.get(side).get(&id)?;
            Some(saw(side, item))
        })
    }

    /// At which versions the pair's listings showed them: whether one of them changed meanwhile may say that it left.
    fn listed(&self) -> Result<Option<Op>, StoreError> {
        let waits = self.unlinked().collect();
        let swept = self.swept();
        remember_listed(
            self.store,
            &self.plan.pair,
            self.run.observed,
            &waits,
            swept,
        )
    }

    /// The state of an item to compare the next cycle's with. Items with something left undone keep their old one, so
    /// that they count as changed until it is done; only the versions that were seen are remembered, so that an older
    /// answer shows as one.
    fn observation(&self, link: LinkId, side: Side, id: &ItemId) -> [Option<Op>; 2] {
        let (written, seen) = self.newest(side, id);
        if self.run.unclean.contains(&link) || self.run.reread.contains(&link) {
            [written, seen].map(|item| item.map(|item| saw(side, item)))
        } else {
            let item = written.or(seen).cloned();
            let save = item.map(|item| self.run.observation(side, item, &self.plan.pair));
            [save, None]
        }
    }

    /// An item as our own write left it, and as it was read.
    fn newest(&self, side: Side, id: &ItemId) -> (Option<&Item>, Option<&Item>) {
        let written = self.run.written.get(side).get(id);
        (written, self.run.observed.items.get(side).get(id))
    }

    /// Forgets the choices that both sides hold already: their bases move in the same commit.
    fn choices_met(&self) -> impl Iterator<Item = Op> {
        let fields = self.plan.rebases.iter().flat_map(|rebase| {
            let keys = rebase.fields.keys();
            keys.map(|key| (rebase.link, key.clone()))
        });
        fields
            .filter(|field| self.plan.chosen.contains(field))
            .map(|(link, field)| Op::Choice(ChoiceOp::Spend { link, field }))
    }

    /// Forgets fields that a service did not take and that need no write any more.
    fn taken_after_all(&self) -> Result<Vec<Op>, StoreError> {
        let mut ops = Vec::new();
        for (link, _) in self.linked() {
            let mut fields = kept_of(self.store, *link)?;
            let before = fields.len();
            fields.retain(|key, _| {
                let field = (*link, key.clone());
                let mut actions = self.plan.actions.iter();
                self.plan.kept.contains_key(&field)
                    || self.run.kept.contains(&field)
                    || self.run.unclean.contains(link)
                    || actions.any(|action| {
                        action.link == Some(*link) && !self.run.ok.contains(&action.id)
                    })
            });
            if fields.len() != before {
                ops.push(remember(*link, fields));
            }
        }
        Ok(ops)
    }

    fn pair_state(&self) -> Result<Op, StoreError> {
        let (run, pair) = (self.run, &self.plan.pair);
        let mut state = self.store.pair_state(pair)?;
        state.last_attempt = Some(self.started);
        if run.observed.findings.unsettled.contains(pair) {
            state.last_sweep = None;
        } else if self.swept() && !run.observed.findings.partial {
            state.last_sweep = Some(self.started);
        }
        let switched = run.switched_off.then(|| run.engine.stopped_by()).flatten();
        state.last_error = run
            .breach
            .clone()
            .or_else(|| switched.map(|why| why.to_string()));
        if state.last_error.is_none() {
            state.last_success = Some(self.now);
        }
        for side in Side::BOTH {
            if *run.let_through.get(side) {
                *state.let_through.get_mut(side) = Some(self.now);
            }
        }
        // A very first plan that was cut short stays one: what is left of it is what the same yes was given to.
        let cut = state.fingerprint.is_none() && run.switched_off;
        if !cut && state.fingerprint.as_deref() != Some(self.policy.fingerprint.as_str()) {
            state.fingerprint = Some(self.policy.fingerprint.clone());
            state.approved_at = Some(self.now);
        }
        Ok(Op::SetPairState {
            pair: pair.clone(),
            state,
        })
    }

    /// The links to look at in the next cycle although nothing says that they changed, where the list is another now.
    fn again(&self) -> Result<Option<Op>, StoreError> {
        let asked = self.run.observed.findings.again.get(&self.plan.pair);
        let undone = self.run.unclean.difference(&self.later);
        let undone = undone.chain(&self.run.reread);
        // A link that this run has just made is not among those that were looked at.
        let others = &self.run.observed.findings.left_out;
        let mine = |link: &&LinkId| self.links.contains(link) || !others.contains(link);
        let links: BTreeSet<LinkId> = asked
            .into_iter()
            .flatten()
            .chain(undone.filter(mine))
            .copied()
            .chain(self.put_off()?)
            .collect();
        let pair = &self.plan.pair;
        let stored = self.store.revisits(pair)?;
        Ok((stored != links).then(|| {
            Op::Note(NoteOp::Revisit {
                pair: pair.clone(),
                links,
            })
        }))
    }

    /// Links with choices that wait for the bases to be trusted again after a restore: nothing else would look at them.
    fn put_off(&self) -> Result<Vec<LinkId>, StoreError> {
        let mark = self.store.restored()?;
        if mark.is_none_or(|mark| mark.trusted.contains(&self.plan.pair)) {
            return Ok(Vec::new());
        }
        let mut links = Vec::new();
        for link in &self.links {
            if !self.store.choices(*link)?.is_empty() {
                links.push(*link);
            }
        }
        Ok(links)
    }

    /// Whether the pair was listed in full.
    fn swept(&self) -> bool {
        self.run.observed.findings.swept.contains(&self.plan.pair)
    }
}
