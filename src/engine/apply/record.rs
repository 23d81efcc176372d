//! Actions that write no fields, and the journal rows and observations of all of them.

use super::rails::item_of;
use super::{Done, Run};
use crate::connector::{ConnectorError, Fetched, Written};
use crate::engine::CycleError;
use crate::engine::observe::living;
use crate::model::{
    BaseState, FieldKey, Item, ItemId, LinkId, PairName, Side, Sided, Subject, Timestamp, Version,
};
use crate::reason::{JournalKind, Outcome, SettledBy};
use crate::reconcile::choice::Dropped;
use crate::reconcile::plan::{Action, ActionKind, Conflict, PairPlan};
use crate::reconcile::policy::Policy;
use crate::store::{
    Batch, ChoiceOp, JournalChange, LinkRow, LinkState, NewConflict, NewJournal, Op, RailOp, Store,
    StoreError, dropped_choice,
};
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
        if let Err(error) = self.writers.get(action.target).make_room().await {
            return Ok(self.failed(action, error));
        }
        // An edit since the plan wins over the delete. No service tests a version here, so it is read just before.
        let reader = self.engine.readers.get(action.target);
        match reader.fetch_items(&BTreeSet::from([id.clone()])).await {
            Err(error) => return Ok(self.failed(action, error)),
            Ok(read) => match read.get(&id) {
                // Nor does it reach what somebody has just moved out of the pair.
                Some(Fetched::Seen(item))
                    if action.expected.is_none_or(|v| v == item.version)
                        && reader.covers(&plan.pair, item) != Some(false) => {}
                _ => return Ok(Done::Stale("it changed since the plan".to_owned())),
            },
        }
        let is_gone = |child: &ItemId| self.observed.is_gone(action.target, child);
        let children = self.engine.children_that_go(action.target, &id, is_gone);
        match children.await {
            Ok(children) if children.is_empty() => {}
            Ok(_) => return Ok(Done::Stale("it got a subtask since the plan".to_owned())),
            Err(CycleError::Connector(error)) => return Ok(self.failed(action, error)),
            Err(error) => return Err(error),
        }
        self.engine.store().commit(&Batch(vec![
            self.journal(plan, action, Some(&id), Outcome::Sent, ""),
            Op::Rail(RailOp::Announce),
        ]))?;
        match self
            .writers
            .get(action.target)
            .delete(&plan.pair, &id)
            .await
        {
            Ok(()) => self.unlink(plan, action),
            Err(error) => {
                // From now on the item is deleted by somebody else, if it is.
                if !error.may_be_in_force() {
                    let failed = self.journal_failed(plan, action, Some(&id), &error);
                    self.engine.store().commit(&Batch(vec![failed]))?;
                }
                Ok(self.failed(action, error))
            }
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
        if let Some(switched) = self.engine.stopped_by() {
            self.switched_off = true;
            return Ok(Done::Skipped(switched.to_string()));
        }
        let entry = |outcome| self.journal(plan, action, Some(&id), outcome, "");
        self.engine.store().commit(&Batch(vec![
            entry(Outcome::Sent),
            Op::Rail(RailOp::Announce),
        ]))?;
        let answer = self.writers.get(action.target).restore(&plan.pair, &id);
        match answer.await {
            Ok(()) => {
                self.engine
                    .store()
                    .commit(&Batch(vec![entry(Outcome::Done)]))?;
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
        let Sided { ado, clickup } = Sided::of(action.target, own.clone(), other.clone());
        let mut store = self.engine.store();
        // In whatever pair: one item has one counterpart.
        let mut rows = store.find_item(&ado)?;
        rows.extend(store.find_item(&clickup)?);
        let taken = rows
            .iter()
            .any(|link| (link.ado == ado || link.clickup == clickup) && link.state.is_living());
        if taken {
            return Ok(Done::Stale("one of the two is linked already".to_owned()));
        }
        // Two items that were linked in this pair before go on from what they agreed on then. Example: an undo of an undo
        // brings a work item back from the bin. Without that base its default priority would be new and go to the task.
        let same =
            |link: &&LinkRow| link.pair == plan.pair && link.ado == ado && link.clickup == clickup;
        let base = match rows.iter().filter(same).max_by_key(|link| link.id) {
            Some(former) => agreed_before(&store, former.id)?,
            None => BTreeMap::new(),
        };
        store.commit(&Batch(vec![
            Op::AddLink {
                pair: plan.pair.clone(),
                ado: ado.clone(),
                clickup,
                origin: Some(action.target.other()),
                generation: 0,
                base,
                at: self.engine.clock.now(),
            },
            self.journal(plan, action, Some(own), Outcome::Done, &action.reason()),
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
            return self.note_alone(plan, action);
        };
        let at = self.engine.clock.now();
        let state = LinkState::Tombstone {
            why: action.why.clone(),
        };
        let ops = vec![
            Op::SetLinkState { link, state, at },
            self.journal(
                plan,
                action,
                action.target_item.as_ref(),
                Outcome::Done,
                &action.reason(),
            ),
        ];
        self.engine.store().commit(&Batch(ops))?;
        Ok(Done::Done(None))
    }

    /// Remembers that an item stays alone whose counterpart was deleted, and of whose link only its marker tells.
    fn note_alone(&mut self, plan: &PairPlan, action: &Action) -> Result<Done, CycleError> {
        let (Some(own), Some(other)) = (&action.target_item, &action.source_item) else {
            return Ok(Done::Failed("the plan names no items".to_owned()));
        };
        let items = Sided::of(action.target, own.clone(), other.clone());
        let mut store = self.engine.store();
        for (side, id) in items.iter() {
            if living(&store, &plan.pair, side, id)?.is_some() {
                return Ok(Done::Stale("one of the two is linked already".to_owned()));
            }
        }
        let Sided { ado, clickup } = items;
        store.commit(&Batch(vec![
            Op::AddEndedLink {
                pair: plan.pair.clone(),
                ado,
                clickup,
                origin: action.target.other(),
                why: action.why.clone(),
                at: self.engine.clock.now(),
            },
            self.journal(plan, action, Some(own), Outcome::Done, &action.reason()),
        ]))?;
        Ok(Done::Done(None))
    }

    /// Forgets a choice that an edit has overtaken, and says so in the journal.
    pub(super) fn dropped(&self, plan: &PairPlan, choice: &Dropped) -> [Op; 2] {
        let item = item_of(&self.engine.store(), choice.link).unwrap_or_default();
        tracing::warn!(pair = %plan.pair, item, field = %choice.field, outcome = "dropped", "{}", choice.reason);
        let entry = NewJournal {
            at: self.engine.clock.now(),
            cycle: self.cycle.clone(),
            pair: plan.pair.clone(),
            link: Some(choice.link),
            side: choice.side,
            item: None,
            action_id: dropped_choice(choice.link, &choice.field),
            kind: JournalKind::Choice,
            changes: BTreeMap::new(),
            outcome: Outcome::Dropped,
            detail: choice.reason.clone(),
            request_ids: Vec::new(),
            version: None,
        };
        let forget = ChoiceOp::Drop {
            link: choice.link,
            field: choice.field.clone(),
        };
        [Op::Choice(forget), Op::Journal(entry)]
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

    /// The journal line of a write that was not answered with a yes. It names the changes that may be in force, so that an
    /// undo looks for those and for no others. Of a state that takes several requests it names the first step,
    /// for the others follow only on an answer to that one.
    ///
    /// Example: a work item is to go from New to Resolved by way of Active, and the request for Active has no answer. Then
    /// somebody resolves it. Were Resolved taken for ours, an undo would take that person's state back.
    pub(super) fn journal_failed(
        &self,
        plan: &PairPlan,
        action: &Action,
        item: Option<&ItemId>,
        error: &ConnectorError,
    ) -> Op {
        let mut op = self.journal(plan, action, item, Outcome::Failed, &error.to_string());
        let Op::Journal(entry) = &mut op else {
            return op;
        };
        let step = action
            .link
            .and_then(|link| self.first_steps.get(&(link, action.target)));
        match (error.may_be_in_force(), step) {
            (false, _) => entry.changes.retain(|subject, _| {
                let field = subject.field();
                field.is_some_and(|field| error.may_have_set(field))
            }),
            (true, Some((field, step))) => {
                if let Some(change) = entry.changes.get_mut(&Subject::from(field)) {
                    change.after = Some(step.clone());
                }
            }
            (true, None) => {}
        }
        op
    }

    pub(super) fn journal(
        &self,
        plan: &PairPlan,
        action: &Action,
        item: Option<&ItemId>,
        outcome: Outcome,
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
            kind: action.kind.into(),
            changes: action
                .changes
                .iter()
                .map(|change| {
                    let change_of = JournalChange {
                        before: change.before.clone(),
                        after: Some(change.after.clone()),
                        reason: (action.kind != ActionKind::Create).then(|| change.reason.clone()),
                    };
                    (Subject::from(&change.field), change_of)
                })
                .collect(),
            outcome,
            detail: detail.to_owned(),
            request_ids: Vec::new(),
            version: None,
        })
    }
}

/// What the two items of a link that has ended had agreed on. In what was still contested then they had not: its base holds
/// two values that mean different things, and no conflict would say so any more.
///
/// Example: an undo takes a tag off the work item and dissolves the link, and so ends the conflict about that tag. The undo
/// of that links the two again, but the tag does not come back, for somebody has just edited the work item.
fn agreed_before(
    store: &Store,
    former: LinkId,
) -> Result<BTreeMap<FieldKey, Sided<BaseState>>, StoreError> {
    let mut newest = BTreeMap::new();
    for conflict in store.conflicts(false)? {
        if conflict.record.link == former {
            newest.insert(conflict.record.field, conflict.settled_by);
        }
    }
    let mut base = store.base(former)?;
    base.retain(|field, _| newest.get(field) != Some(&Some(SettledBy::Unlinked)));
    Ok(base)
}

/// Says of each conflict that the pair's rule settled by this write which side was taken. Its values stay on record.
pub(super) fn tell_ruled(plan: &PairPlan, action: &Action) {
    for conflict in &plan.conflicts {
        let Some(taken) = conflict.taken.filter(|taken| *taken != action.target) else {
            continue;
        };
        let mut changes = action.changes.iter();
        if Some(conflict.link) == action.link && changes.any(|one| one.field == conflict.field) {
            tracing::info!(
                field = %conflict.field,
                outcome = "settled",
                "changed on both sides since they last agreed; by the rule {taken} wins, and what {} had is kept: \
                 `boardsync conflicts --all`",
                action.target
            );
        }
    }
}

/// Whether a write of this field carries out what a conflict came to: by the policy, by a person's choice, or by an undo.
pub(super) fn is_settled_by(plan: &PairPlan, link: LinkId, field: &FieldKey) -> bool {
    let contested = |conflict: &Conflict| conflict.link == link && conflict.field == *field;
    plan.chosen.contains(&(link, field.clone())) || plan.conflicts.iter().any(contested)
}

/// The version that a write left, as far as no edit of somebody else is in it.
pub(super) fn left(written: &Written) -> Option<Version> {
    written.later.is_empty().then_some(written.item.version)
}

/// That a version was seen of which nothing is dealt with yet.
pub(super) fn saw(side: Side, item: &Item) -> Op {
    Op::Saw {
        side,
        id: item.id.clone(),
        version: item.version,
        title: item.title(),
    }
}

/// Both values of a conflict, for its row.
pub(super) fn conflict(pair: &PairName, conflict: &Conflict, at: Timestamp) -> NewConflict {
    NewConflict {
        link: conflict.link,
        pair: pair.clone(),
        items: conflict.items.clone(),
        field: conflict.field.clone(),
        base: match &conflict.base {
            Some(base) => base.clone().map(|_, value| Some(value)),
            None => Sided::default(),
        },
        now: conflict.now.clone(),
        raw: conflict.raw.clone(),
        versions: conflict.versions,
        taken: conflict.taken,
        at,
    }
}
