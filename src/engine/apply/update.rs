//! Changes of existing items, and the bases that they settle.

use super::record::{self, saw};
use super::{Done, Run, refusal, type_of};
use crate::capabilities;
use crate::connector::{Backlink, Change, Fetched, Written};
use crate::engine::CycleError;
use crate::marker::marker;
use crate::model::{BaseState, FieldKey, Item, ItemId, LinkId, Sided, Timestamp, Version};
use crate::reason::{ActionWhy, Outcome};
use crate::reconcile::plan::{Action, ActionKind, FieldChange, PairPlan};
use crate::reconcile::policy::Policy;
use crate::reconcile::settle::{self, Answer};
use crate::store::{Batch, ChoiceOp, Op, RailOp, StoreError};
use std::collections::{BTreeMap, BTreeSet};

impl Run<'_> {
    pub(super) async fn update(
        &mut self,
        policy: &Policy,
        plan: &PairPlan,
        action: &Action,
    ) -> Result<Done, CycleError> {
        let engine = self.engine;
        let side = action.target;
        let (Some(id), Some(expected)) = (action.target_item.clone(), action.expected) else {
            return Ok(Done::Failed("the plan names no target".to_owned()));
        };
        if let Err(error) = self.writers.get(side).make_room().await {
            return Ok(self.failed(action, error));
        }
        let (current, read_at) = match self.target(action, &id, expected).await {
            Ok(target) => target,
            Err(done) => return Ok(done),
        };
        let mut change = Change {
            pair: plan.pair.clone(),
            id: id.clone(),
            expected,
            set: action
                .changes
                .iter()
                .map(|change| (change.field.clone(), change.after.clone()))
                .collect(),
            backlink: self.backlink(plan, action, &current),
            current: Box::new(current),
        };
        if let Some(done) = self.gate(policy, action, change.set.keys())? {
            return Ok(done);
        }
        // The pre-image is durable before it is overwritten, and so is what the plan goes by.
        let mut sent = self.journal(plan, action, Some(&id), Outcome::Sent, "");
        if let Op::Journal(line) = &mut sent {
            line.version = Some(change.current.version);
        }
        let mut ops = vec![sent, Op::Rail(RailOp::Announce), saw(side, &change.current)];
        let source = action.source_item.as_ref();
        let source = source.and_then(|id| self.observed.items.get(side.other()).get(id));
        ops.extend(source.map(|item| saw(side.other(), item)));
        ops.extend(self.note_sent(plan, action, &change)?);
        ops.extend(self.met(plan, action));
        engine.store().commit(&Batch(ops))?;
        engine.point("before-update")?;
        if let Some(done) = self.note_way(action, &change).await? {
            return Ok(done);
        }
        let result = self.send(action, &change).await?;
        let asked = change.set.keys().cloned().collect();
        if let Err(error) = &result
            && let Some(blame) =
                refusal::blame(error, &asked).filter(|_| refusal::has_parts(action, error))
        {
            let refused = (error.clone(), blame);
            return self
                .in_parts(policy, plan, action, &mut change, refused, read_at)
                .await;
        }
        engine.point("after-update")?;
        let written = match result {
            Ok(written) => written,
            Err(error) => {
                self.unsent(action, &error)?;
                let entry = self.journal_failed(plan, action, Some(&id), &error);
                engine.store().commit(&Batch(vec![entry]))?;
                return Ok(self.failed(action, error));
            }
        };
        self.took(plan, action, &change, written)
    }

    /// The choices of which the other side shows the chosen value by itself, so that only this write is left to do. Whoever sets
    /// there again what it held before has edited it since.
    ///
    /// Example: the work item is Ana's and the task Ana's and Bo's, and Bo alone is chosen. Before the next run somebody gives the
    /// work item to Bo, so that only the task is to be written, and the answer to that is lost. Then somebody gives the work
    /// item to Ana again.
    fn met(&self, plan: &PairPlan, action: &Action) -> Vec<Op> {
        let side = action.target.other();
        let item = action.source_item.as_ref();
        let item = item.and_then(|id| self.observed.items.get(side).get(id));
        let met = |change: &FieldChange| {
            let (link, field) = (action.link?, change.field.clone());
            let chosen = plan.chosen.contains(&(link, field.clone()));
            let alone = other_half(plan, action, &field).is_none();
            let value = item?
                .fields
                .get(&field)
                .filter(|_| chosen && alone)?
                .clone();
            Some(Op::Choice(ChoiceOp::Met {
                link,
                field,
                side,
                value,
            }))
        };
        action.changes.iter().filter_map(met).collect()
    }

    /// The target of an update, as it was read last where that will do to write by, else read once more; and when that was.
    /// Where it is not the planned one, what becomes of the action.
    async fn target(
        &mut self,
        action: &Action,
        id: &ItemId,
        expected: Version,
    ) -> Result<(Item, Timestamp), Done> {
        let side = action.target;
        let held = self.written.get(side).get(id);
        let held = held.or_else(|| self.observed.items.get(side).get(id));
        let old = self.is_old(self.observed.read_at)
            || self.observed.findings.unread.contains(id)
            || self.moved.contains(id);
        match held.cloned() {
            Some(item) if capabilities::of(side).compares_versions || !old => {
                Ok((as_planned(item, expected)?, self.observed.read_at))
            }
            Some(_) | None => {
                let read_at = self.engine.clock.now();
                Ok((self.read_again(action, id, expected).await?, read_at))
            }
        }
    }

    /// Records a write that was answered.
    pub(super) fn took(
        &mut self,
        plan: &PairPlan,
        action: &Action,
        change: &Change,
        written: Written,
    ) -> Result<Done, CycleError> {
        let (engine, side, id) = (self.engine, action.target, &change.id);
        let current = (*change.current).clone();
        let mut ops = self.after_update(plan, action, &written, change)?;
        ops.extend(self.not_taken(plan, action, change, &written)?);
        let unclear = self.leaves_open(plan, side, change, &written);
        ops.extend(self.answered(action, &written, unclear));
        let (from, to) = (change.expected, written.item.version);
        ops.push(Run::refusals_moved(side, id, from, to));
        if let Some(link) = action.link.filter(|_| unclear) {
            self.reread.insert(link);
        }
        let mut item = written.item.clone();
        // What the read before left out the item has all the same, so that nothing was concluded from it.
        let mut shown = item.fields.keys().filter(|key| key.is_custom());
        if let Some(link) = action.link
            && shown.any(|key| !current.fields.contains_key(key))
        {
            self.reread.insert(link);
        }
        for (key, value) in current.fields {
            item.fields.entry(key).or_insert(value);
        }
        for (key, raw) in current.raw {
            item.raw.entry(key).or_insert(raw);
        }
        // Known at once, so that after a kill an older read shows as one and not as an edit back.
        ops.push(saw(side, &item));
        self.written.get_mut(side).insert(id.clone(), item);
        engine.store().commit(&Batch(ops))?;
        engine.point("after-update-commit")?;
        // Held by the field, which is sent again; only a close stands and falls with its one field.
        if written.pending.is_empty() || action.kind != ActionKind::Close {
            return Ok(Done::Done(None));
        }
        let reasons: Vec<String> = written
            .pending
            .iter()
            .map(|(key, reason)| format!("{key}: {reason}"))
            .collect();
        Ok(Done::Failed(reasons.join("; ")))
    }

    /// Whether what was read then is too old to write by on a side that tests no version. A clock that was set back makes
    /// the age negative: then nothing says how old it is.
    pub(super) fn is_old(&self, read_at: Timestamp) -> bool {
        let age = self.engine.clock.now().since(read_at);
        !(0..=self.engine.timing.stale_ms).contains(&age)
    }

    /// Reads the target of an action once more. Where it is not the planned one, what becomes of the action.
    pub(super) async fn read_again(
        &mut self,
        action: &Action,
        id: &ItemId,
        expected: Version,
    ) -> Result<Item, Done> {
        let reader = self.engine.readers.get(action.target);
        match reader.fetch_items(&BTreeSet::from([id.clone()])).await {
            Ok(mut answer) => match answer.remove(id) {
                Some(Fetched::Seen(item)) => as_planned(*item, expected),
                Some(Fetched::Gone { evidence }) => {
                    Err(Done::Stale(format!("it is gone ({evidence})")))
                }
                Some(Fetched::Unclear { reason }) => Err(Done::Stale(reason)),
                None => Err(Done::Stale("it could not be read".to_owned())),
            },
            Err(error) => Err(self.failed(action, error)),
        }
    }

    /// The bases that a write settles, with the journal row.
    fn after_update(
        &mut self,
        plan: &PairPlan,
        action: &Action,
        written: &Written,
        sent: &Change,
    ) -> Result<Vec<Op>, StoreError> {
        let (engine, side) = (self.engine, action.target);
        let Some(policy) = engine.policy(&plan.pair) else {
            return Ok(Vec::new());
        };
        let mut ops = Vec::new();
        let stored = match action.link {
            Some(link) => self.engine.store().base(link)?,
            None => BTreeMap::new(),
        };
        let mut fields = self.ruled(plan, action, written, sent, &stored);
        let unclear = self.leaves_open(plan, side, sent, written);
        for change in &action.changes {
            let Some(link) = action.link.filter(|_| sent.set.contains_key(&change.field)) else {
                continue;
            };
            let Some(mut own) = returned(written, change, unclear) else {
                // Nothing shows what our call left: the base stays until the item is read again, and so does the note of
                // a text.
                continue;
            };
            if let Some(sent) = sent.set.get(&change.field) {
                self.note_missing(link, side, change, sent);
            }
            self.returned
                .insert((link, side, change.field.clone()), own.clone());
            ops.extend(for_its_person(plan, action, link, (&change.field, &own)));
            let before = stored.get(&change.field);
            let base = match self.other_answer(plan, action, (link, change)) {
                Some(other) => {
                    own.value = self.without_missing(link, side, &change.field, own.value);
                    let answers = (&own, &other);
                    ops.extend(self.carried_out(plan, action, (link, change), answers)?);
                    let key = &change.field;
                    Some(settle::after_update(key, side, answers, before, policy))
                }
                None => {
                    ops.extend(self.cut_words(plan, action, &change.field, &own, None));
                    first_half(plan, action, &change.field, &own, before, policy)
                }
            };
            fields.extend(base.map(|base| (change.field.clone(), base)));
        }
        if let Some(link) = action.link {
            ops.push(Op::SetBase { link, fields });
        }
        ops.push(self.written_line(plan, action, written, sent));
        Ok(ops)
    }

    /// What the other side has of a field that was written; `None`: it is still to be written too, or was refused alone, so that
    /// the two sides do not agree yet.
    fn other_answer(
        &self,
        plan: &PairPlan,
        action: &Action,
        (link, change): (LinkId, &FieldChange),
    ) -> Option<Answer> {
        let source = change.source_value.as_ref()?;
        let side = action.target.other();
        let mut other = match self.returned.get(&(link, side, change.field.clone())) {
            Some(returned) => returned.clone(),
            None if other_half(plan, action, &change.field).is_some()
                && !leaves_apart(plan, action, link, &change.field) =>
            {
                return None;
            }
            None => Answer {
                sent: change.kept_back.as_deref().unwrap_or(source).clone(),
                value: source.clone(),
                shown: true,
                in_force: change.kept_back.is_none(),
            },
        };
        other.value = self.without_missing(link, side, &change.field, other.value);
        Some(other)
    }

    /// What there is to store of a field besides its base, once nothing more of it is to be written.
    fn carried_out(
        &self,
        plan: &PairPlan,
        action: &Action,
        (link, change): (LinkId, &FieldChange),
        (own, other): (&Answer, &Answer),
    ) -> Result<Vec<Op>, StoreError> {
        let field = &change.field;
        let mut ops = Vec::new();
        ops.extend(self.cut_words(plan, action, field, own, Some(other)));
        // Both sides have it: the choice is carried out, in the commit that says so.
        let chosen = plan.chosen.contains(&(link, field.clone()));
        if own.in_force && other.in_force && chosen {
            ops.push(Op::Choice(ChoiceOp::Spend {
                link,
                field: field.clone(),
            }));
        }
        if other_half(plan, action, field).is_some() {
            ops.extend(self.first_noted((link, action.target), field, own)?);
        }
        Ok(ops)
    }

    /// The journal's line of an update that was carried out.
    fn written_line(
        &self,
        plan: &PairPlan,
        action: &Action,
        written: &Written,
        sent: &Change,
    ) -> Op {
        let side = action.target;
        let besides = self.besides(plan, side, sent, written);
        if !besides.is_empty() {
            tracing::info!("{besides}");
        }
        let mut entry = self.journal(
            plan,
            action,
            action.target_item.as_ref(),
            Outcome::Done,
            &besides,
        );
        if let Op::Journal(entry) = &mut entry {
            entry.version = record::left(written);
            // What came back is what an undo compares with, and a field that was left out or not taken was not written.
            entry.changes.retain(|subject, change| {
                let Some(key) = subject.field() else {
                    return true;
                };
                let answer = written.item.fields.get(key);
                let kept = written.pending.contains_key(key)
                    && (answer.is_none() || answer == change.before.as_ref());
                sent.set.contains_key(key) && !kept
            });
            for (subject, change) in &mut entry.changes {
                let answer = subject.field().and_then(|key| written.item.fields.get(key));
                let answer = answer.cloned();
                change.after = answer.or(change.after.take());
            }
        }
        entry
    }

    /// A back-link for an item that has none yet, written together with its first real change.
    pub(super) fn backlink(
        &self,
        plan: &PairPlan,
        action: &Action,
        current: &Item,
    ) -> Option<Backlink> {
        let policy = self
            .engine
            .policy(&plan.pair)
            .filter(|policy| policy.backlink)?;
        if !current.backlinks.is_empty() || !current.markers.is_empty() {
            return None;
        }
        let source = action.source_item.as_ref()?;
        let other = self.observed.items.get(action.target.other()).get(source)?;
        Some(Backlink {
            url: other.url.clone(),
            label: format!("{} {}", type_of(other), other.id),
            marker: marker(
                &self.engine.key,
                &policy.pair,
                action.target.other(),
                source,
                0,
            ),
        })
    }
}

/// What a side made of one field of a write; `None`: nothing shows it.
pub(super) fn returned(written: &Written, change: &FieldChange, unclear: bool) -> Option<Answer> {
    let answer = written.item.fields.get(&change.field);
    let in_force = !written.pending.contains_key(&change.field);
    let later = written.later.contains(&change.field);
    if answer.is_none() && (later || !in_force || unclear) {
        return None;
    }
    Some(Answer {
        sent: change.after.clone(),
        value: answer.unwrap_or(&change.after).clone(),
        shown: answer.is_some() && !later,
        in_force,
    })
}

/// Returns the target where it still has the version that was planned for, else what becomes of the action.
fn as_planned(target: Item, expected: Version) -> Result<Item, Done> {
    if target.version == expected {
        return Ok(target);
    }
    Err(Done::Stale(format!(
        "planned at version {expected}, now at {}",
        target.version
    )))
}

/// What the plan writes to the field on the other side of the link, if anything.
pub(super) fn other_half<'a>(
    plan: &'a PairPlan,
    action: &Action,
    field: &FieldKey,
) -> Option<&'a FieldChange> {
    let mut others = plan
        .actions
        .iter()
        .filter(|other| other.link == action.link && other.target == action.target.other());
    others.find_map(|other| other.changes.iter().find(|change| change.field == *field))
}

/// What a write made of a side, for whoever chose it in a conflict, or takes it back by an undo.
fn for_its_person(
    plan: &PairPlan,
    action: &Action,
    link: LinkId,
    (field, own): (&FieldKey, &Answer),
) -> Option<Op> {
    let (field, side, value) = (field.clone(), action.target, own.value.clone());
    if record::is_settled_by(plan, link, &field) {
        return Some(Op::Choice(ChoiceOp::Wrote {
            link,
            field,
            side,
            value,
        }));
    }
    took_back(action).then_some(Op::Choice(ChoiceOp::TookBack {
        link,
        field,
        side,
        value,
    }))
}

fn took_back(action: &Action) -> bool {
    matches!(action.why, ActionWhy::TakenBack { .. })
}

/// Whether an undo that writes both sides of a field leaves them apart all the same, so that neither half waits for the other.
///
/// Example: Ana adds a tag in Azure DevOps and Ben one in ClickUp, both get both, and that run is taken back. The work item loses
/// Ben's tag again, and the task can't be reached: were it half of a merge, Ben's tag would go from the task as well.
fn leaves_apart(plan: &PairPlan, action: &Action, link: LinkId, field: &FieldKey) -> bool {
    took_back(action) && record::is_settled_by(plan, link, field)
}

/// The base of a field of which the first half of a merge or of a person's choice is written: what it got is measured by what the
/// other side has, until that gets the second half.
///
/// Example: Ana changes the first line of a description in Azure DevOps, and Ben the second one in ClickUp. The task gets Ana's
/// line, and the work item is not written, because it has just moved. Then Ben takes Ana's line back: by the base of before
/// he would have changed nothing there, and her line would be written over his. The same with tags that each of them adds or
/// takes away, and with a status that somebody chose for both sides.
///
/// What an undo takes back while the counterpart is not to be found is measured by nothing: whatever is there from then on
/// counts as changed, also where somebody sets again what was taken back.
fn first_half(
    plan: &PairPlan,
    action: &Action,
    field: &FieldKey,
    own: &Answer,
    before: Option<&Sided<BaseState>>,
    policy: &Policy,
) -> Option<Sided<BaseState>> {
    let Some(second) = other_half(plan, action, field) else {
        let undone = matches!(action.why, ActionWhy::TakenBack { .. });
        // What was only sent waits for a look, and what is owed counts as changed anyway.
        let shown =
            |base: &&Sided<BaseState>| matches!(base.get(action.target), BaseState::Shown(_));
        return before
            .filter(|_| undone)
            .filter(shown)
            .map(|base| settle::doubted(action.target, base.clone()));
    };
    if !own.in_force {
        return None;
    }
    if field.kind_of([&own.sent, &own.value]).is_whole() {
        // Of a choice. Whatever is there later differs from what was there before, also where somebody sets just that again.
        return before.map(|base| settle::doubted(action.target, base.clone()));
    }
    let other = Answer {
        sent: second.after.clone(),
        value: second.before.clone()?,
        shown: true,
        in_force: false,
    };
    let answers = (own, &other);
    let base = settle::after_update(field, action.target, answers, before, policy);
    Some(base)
}
