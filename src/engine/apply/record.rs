//! What is recorded without or after a write: links, journal rows, observations, holds.

use super::{Done, Run, Stopped, earlier, next_look};
use crate::connector::Fetched;
use crate::engine::observe::{again_key, chosen_key, living, rebased};
use crate::engine::{CycleError, backoff};
use crate::model::{Item, ItemId, LinkId, PairName, Side, Timestamp};
use crate::reconcile::plan::{Action, PairPlan};
use crate::reconcile::policy::Policy;
use crate::store::{Batch, HoldRow, JournalChange, LinkState, NewJournal, Op, RailOp};
use std::collections::{BTreeMap, BTreeSet};

impl Run<'_> {
    pub(super) async fn delete(
        &mut self,
        policy: &Policy,
        plan: &PairPlan,
        action: &Action,
    ) -> Result<Done, CycleError> {
        let Some(id) = action.target_item.clone() else {
            return Ok(Done::Failed("the plan names no target".to_owned()));
        };
        if let Some(done) = self.gate(policy, action, std::iter::empty())? {
            return Ok(done);
        }
        // An edit since the plan wins over the delete. No service tests a version here, so it is read just before.
        let reader = self.engine.readers.get(action.target);
        match reader.fetch_items(&BTreeSet::from([id.clone()])).await {
            Err(error) => return Ok(self.failed(action, error)),
            Ok(read) => match read.get(&id) {
                Some(Fetched::Seen(item)) if action.expected.is_none_or(|v| v == item.version) => {}
                _ => return Ok(Done::Stale("it changed since the plan".to_owned())),
            },
        }
        self.engine.store().commit(&Batch(vec![
            self.journal(plan, action, Some(&id), "sent", ""),
            Op::Rail(RailOp::Announce),
        ]))?;
        match self
            .writers
            .get(action.target)
            .delete(&plan.pair, &id)
            .await
        {
            Ok(()) => self.unlink(plan, action),
            Err(error) => Ok(self.failed(action, error)),
        }
    }

    /// Takes an item out of the recycle bin. It comes back as it was; a link, where one is wanted, is another action.
    pub(super) async fn restore(
        &mut self,
        plan: &PairPlan,
        action: &Action,
    ) -> Result<Done, CycleError> {
        let Some(id) = action.target_item.clone() else {
            return Ok(Done::Failed("the plan names no target".to_owned()));
        };
        if let Some(reason) = self.engine.stopped_by() {
            self.switched_off = true;
            return Ok(Done::Skipped(reason));
        }
        let entry = |outcome| self.journal(plan, action, Some(&id), outcome, "");
        self.engine
            .store()
            .commit(&Batch(vec![entry("sent"), Op::Rail(RailOp::Announce)]))?;
        let answer = self.writers.get(action.target).restore(&plan.pair, &id);
        match answer.await {
            Ok(()) => {
                self.engine.store().commit(&Batch(vec![entry("done")]))?;
                Ok(Done::Done(None))
            }
            Err(error) => Ok(self.failed(action, error)),
        }
    }

    /// Writes the closed state, then dissolves the link: nothing is left to compare the item with. A close whose state
    /// is not in force yet keeps the link and is tried again.
    pub(super) async fn close(
        &mut self,
        policy: &Policy,
        plan: &PairPlan,
        action: &Action,
    ) -> Result<Done, CycleError> {
        match self.update(policy, plan, action).await? {
            Done::Done(_) => self.unlink(plan, action),
            other => Ok(other),
        }
    }

    pub(super) fn link(&mut self, plan: &PairPlan, action: &Action) -> Result<Done, CycleError> {
        let (Some(own), Some(other)) = (&action.target_item, &action.source_item) else {
            return Ok(Done::Failed("the plan names no items".to_owned()));
        };
        let (ado, clickup) = match action.target {
            Side::Ado => (own.clone(), other.clone()),
            Side::ClickUp => (other.clone(), own.clone()),
        };
        let mut store = self.engine.store();
        if living(&store, &plan.pair, Side::Ado, &ado)?.is_some()
            || living(&store, &plan.pair, Side::ClickUp, &clickup)?.is_some()
        {
            return Ok(Done::Stale("one of the two is linked already".to_owned()));
        }
        store.commit(&Batch(vec![
            Op::AddLink {
                pair: plan.pair.clone(),
                ado: ado.clone(),
                clickup,
                origin: Some(action.target.other()),
                generation: 0,
                base: BTreeMap::new(),
                at: self.engine.clock.now(),
            },
            self.journal(plan, action, Some(own), "done", &action.reason),
        ]))?;
        // Its fields are compared in the next cycle, when both items are read by id.
        if let Some(link) = living(&store, &plan.pair, Side::Ado, &ado)? {
            drop(store);
            self.unclean.insert(link.id);
        }
        Ok(Done::Done(None))
    }

    pub(super) fn unlink(&mut self, plan: &PairPlan, action: &Action) -> Result<Done, CycleError> {
        let Some(link) = action.link else {
            return Ok(Done::Failed("the plan names no link".to_owned()));
        };
        let at = self.engine.clock.now();
        let state = LinkState::Tombstone {
            reason: action.reason.clone(),
        };
        let ops = vec![
            Op::SetLinkState { link, state, at },
            self.journal(
                plan,
                action,
                action.target_item.as_ref(),
                "done",
                &action.reason,
            ),
        ];
        self.engine.store().commit(&Batch(ops))?;
        Ok(Done::Done(None))
    }

    pub(super) fn observation(&self, side: Side, item: Item, pair: &PairName) -> Op {
        let seen_at = self
            .engine
            .readers
            .get(side)
            .server_now()
            .unwrap_or(item.changed_at);
        Op::SaveObservation {
            side,
            item,
            pair: Some(pair.clone()),
            seen_at,
        }
    }

    pub(super) fn journal(
        &self,
        plan: &PairPlan,
        action: &Action,
        item: Option<&ItemId>,
        outcome: &str,
        detail: &str,
    ) -> Op {
        Op::Journal(NewJournal {
            at: self.engine.clock.now(),
            cycle: self.cycle.clone(),
            pair: plan.pair.clone(),
            link: action.link,
            side: action.target,
            item: item.cloned(),
            action_id: action.id.clone(),
            kind: format!("{:?}", action.kind).to_lowercase(),
            changes: action
                .changes
                .iter()
                .map(|change| {
                    let change_of = JournalChange {
                        before: change.before.clone(),
                        after: Some(change.after.clone()),
                    };
                    (change.field.clone(), change_of)
                })
                .collect(),
            outcome: outcome.to_owned(),
            detail: detail.to_owned(),
            request_ids: Vec::new(),
        })
    }

    /// Records what was seen in a pair. Items with something left undone keep their old observation, so that they count
    /// as changed until it is done.
    pub(super) fn finish(
        &mut self,
        policy: &Policy,
        plan: &PairPlan,
        stopped: Option<&Stopped>,
        started: Timestamp,
    ) -> Result<usize, CycleError> {
        let engine = self.engine;
        let now = engine.clock.now();
        let mut store = engine.store();
        let mut ops = Vec::new();
        let mut state = store.pair_state(&plan.pair)?;
        state.last_attempt = Some(started);
        if let Some(stopped) = stopped {
            // Nothing of this pair was dealt with, so the next cycle must see all of it again.
            state.last_sweep = None;
            state.last_error = Some(match stopped {
                Stopped::Guard => format!("a guard stopped the plan {}", plan.hash()),
                Stopped::FirstContact => format!("the plan {} waits for a yes", plan.hash()),
                Stopped::Switch(why) | Stopped::Canary(why) | Stopped::Firewall(why) => why.clone(),
            });
            // The others end by themselves when their cause is gone; only a person's yes is waited for.
            if matches!(stopped, Stopped::Guard | Stopped::FirstContact) {
                ops.extend(backoff::stopped(&store, policy, started)?);
            }
            ops.push(Op::SetPairState {
                pair: plan.pair.clone(),
                state,
            });
            store.commit(&Batch(ops))?;
            return Ok(plan.holds.len());
        }
        ops.extend(backoff::carried_out(&store, policy)?);
        let looked = self.observed.links.get(&plan.pair).into_iter().flatten();
        let mine: BTreeSet<LinkId> = looked.map(|(link, _)| *link).collect();
        for (link, fields) in &self.observed.confirmed {
            if store.link(*link)?.is_some_and(|row| row.pair == plan.pair) {
                ops.push(Op::SetBase {
                    link: *link,
                    fields: fields.clone(),
                });
            }
        }
        let looked_at = self.looked_at(plan);
        ops.extend(self.rail_ops(&store, plan, &looked_at, now)?);
        for rebase in &plan.rebases {
            ops.push(Op::SetBase {
                link: rebase.link,
                fields: rebased(rebase),
            });
        }
        for (link, link_state) in self
            .observed
            .states
            .iter()
            .filter(|(link, _)| mine.contains(link))
        {
            let dissolved = plan
                .actions
                .iter()
                .any(|a| a.link == Some(*link) && a.kind.dissolves() && self.ok.contains(&a.id));
            if !dissolved {
                ops.push(Op::SetLinkState {
                    link: *link,
                    state: link_state.clone(),
                    at: now,
                });
            }
        }
        // Items that a rail holds have not got what a person chose for them yet.
        let waits: BTreeSet<LinkId> = plan
            .holds
            .iter()
            .filter(|hold| plan.retry.contains_key(&(hold.side, hold.item.clone())))
            .filter_map(|hold| hold.link)
            .collect();
        // What waits longer comes back when its time has come, or when it changes.
        let later: BTreeSet<LinkId> = self
            .holds
            .iter()
            .filter(|hold| hold.field.is_none() && hold.retry_at.is_none_or(|at| at > now))
            .filter_map(|hold| hold.link)
            .collect();
        for (link, items) in self.observed.links.get(&plan.pair).into_iter().flatten() {
            for side in Side::BOTH {
                let id = items.get(side);
                let seen = self.observed.items.get(side).get(id);
                let seen = seen.filter(|_| !self.observed.left_out.contains(link));
                let item = self.written.get(side).get(id).or(seen);
                if let Some(item) = item {
                    ops.push(self.observation(side, item.clone(), &plan.pair));
                }
            }
            let settled = !self.unclean.contains(link) && !waits.contains(link);
            if settled && store.meta(&chosen_key(*link))?.is_some() {
                ops.push(Op::SetMeta {
                    key: chosen_key(*link),
                    value: "{}".to_owned(),
                });
            }
        }
        let mut looked_at = looked_at;
        let mut holds = std::mem::take(&mut self.holds);
        let before = store.holds(Some(&plan.pair))?;
        holds.extend(plan.holds.iter().map(|hold| {
            // A whole linked item is held when it could not be read or left the scope: no edit may ever announce
            // that it is back, so it is looked at again. A held field waits for an edit.
            let whole = hold.link.is_some() && hold.field.is_none();
            let key = (hold.side, hold.item.clone());
            let (since, tries, retry_at) = match plan.retry.get(&key) {
                Some(retry_at) if hold.field.is_none() => {
                    let since = earlier(&before, hold.side, &hold.item).map_or(now, |h| h.since);
                    let failures = self.attempts.get(&key).map_or(0, |a| a.failures);
                    (since, failures, *retry_at)
                }
                Some(_) | None => {
                    let (since, tries, retry_at) =
                        next_look(&before, &plan.pair, hold.side, &hold.item, now);
                    (
                        since,
                        if whole { tries } else { 0 },
                        whole.then_some(retry_at),
                    )
                }
            };
            HoldRow {
                pair: plan.pair.clone(),
                link: hold.link,
                side: Some(hold.side),
                item: Some(hold.item.clone()),
                field: hold.field.clone(),
                reason: hold.reason.clone(),
                since,
                tries,
                retry_at,
            }
        }));
        for (side, id, reason) in self
            .observed
            .unreadable
            .get(&plan.pair)
            .into_iter()
            .flatten()
        {
            let (since, tries, retry_at) = next_look(&before, &plan.pair, *side, id, now);
            holds.push(HoldRow {
                pair: plan.pair.clone(),
                link: None,
                side: Some(*side),
                item: Some(id.clone()),
                field: None,
                reason: reason.clone(),
                since,
                tries,
                retry_at: Some(retry_at),
            });
        }
        looked_at.extend(
            holds
                .iter()
                .filter_map(|hold| Some((hold.side?, hold.item.clone()?))),
        );
        if self.observed.swept.contains(&plan.pair) {
            // What waited without a link and is in neither listing any more has left the scope or is gone.
            let unlinked = before.iter().filter(|hold| hold.link.is_none());
            looked_at.extend(unlinked.filter_map(|hold| Some((hold.side?, hold.item.clone()?))));
        }
        ops.push(Op::SetHoldsFor {
            pair: plan.pair.clone(),
            items: looked_at,
            holds,
        });
        if self.observed.swept.contains(&plan.pair) && !self.observed.partial {
            let settled = !self.observed.unsettled.contains(&plan.pair);
            state.last_sweep = settled.then_some(started);
        }
        let switched = self.switched_off.then(|| engine.stopped_by()).flatten();
        state.last_error = self.breach.clone().or(switched);
        if state.last_error.is_none() {
            state.last_success = Some(now);
        }
        if state.fingerprint.as_deref() != Some(policy.fingerprint.as_str()) {
            state.fingerprint = Some(policy.fingerprint.clone());
            state.approved_at = Some(now);
        }
        ops.push(Op::SetPairState {
            pair: plan.pair.clone(),
            state,
        });
        let again: BTreeSet<LinkId> = self
            .observed
            .again
            .get(&plan.pair)
            .into_iter()
            .flatten()
            .chain(
                self.unclean
                    .difference(&later)
                    .filter(|link| mine.contains(link)),
            )
            .copied()
            .collect();
        let key = again_key(&plan.pair);
        let value = serde_json::to_string(&again).unwrap_or_default();
        if store.meta(&key)?.unwrap_or_else(|| "[]".to_owned()) != value {
            ops.push(Op::SetMeta { key, value });
        }
        store.commit(&Batch(ops))?;
        Ok(store.holds(Some(&plan.pair))?.len())
    }
    /// Returns the items of a pair that this cycle looked at.
    fn looked_at(&self, plan: &PairPlan) -> BTreeSet<(Side, ItemId)> {
        let links = self.observed.links.get(&plan.pair).into_iter().flatten();
        let linked = links.flat_map(|(_, items)| Side::BOTH.map(|s| (s, items.get(s).clone())));
        let fresh = self.observed.fresh.get(&plan.pair).into_iter().flatten();
        linked.chain(fresh.cloned()).collect()
    }
}
