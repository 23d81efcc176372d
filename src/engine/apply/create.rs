//! The one step that cannot be repeated: intent, request, link.

use super::record::{left, saw};
use super::{Done, Run, type_of};
use crate::connector::{ConnectorError, NewItem, Written};
use crate::engine::CycleError;
use crate::engine::observe::living;
use crate::marker::marker;
use crate::model::{FieldKey, FieldValue, ItemId, Side, Sided};
use crate::reason::Outcome;
use crate::reconcile::merge::agree;
use crate::reconcile::owing::{agreed_members, owing};
use crate::reconcile::plan::{Action, PairPlan};
use crate::reconcile::policy::Policy;
use crate::reconcile::rails::attempt::Failure;
use crate::reconcile::trial::is_vital;
use crate::store::{
    Batch, Intent, IntentKey, IntentKind, LinkRow, Op, RailOp, SideBase, Store, StoreError,
};
use sha2::{Digest, Sha256};
use std::collections::{BTreeMap, BTreeSet};

impl Run<'_> {
    pub(super) async fn create(
        &mut self,
        policy: &Policy,
        plan: &PairPlan,
        action: &Action,
    ) -> Result<Done, CycleError> {
        let engine = self.engine;
        let side = action.target;
        let Some(source_id) = action.source_item.clone() else {
            return Ok(Done::Failed("the plan names no source".to_owned()));
        };
        let Some(source) = self
            .observed
            .items
            .get(side.other())
            .get(&source_id)
            .cloned()
        else {
            return Ok(Done::Stale(
                "its source was not read in this cycle".to_owned(),
            ));
        };
        if action
            .source_version
            .is_some_and(|version| version != source.version)
        {
            return Ok(Done::Stale("its source changed since the plan".to_owned()));
        }
        if let Some(reason) = self.unmarked(side).await? {
            return Ok(Done::Skipped(reason));
        }
        if let Some(reason) = self.answers_wrong(side)? {
            return Ok(Done::Skipped(reason));
        }
        let generation = {
            let store = engine.store();
            let earlier = store.find_item(&source_id)?;
            if let Some(reason) = made_elsewhere(&store, plan, side.other(), &source_id, &earlier)?
            {
                return Ok(Done::Stale(reason));
            }
            let same = earlier
                .iter()
                .filter(|l| l.pair == plan.pair && *l.item(side.other()) == source_id);
            same.map(|link| link.generation.saturating_add(1))
                .max()
                .unwrap_or(0)
        };
        let text = marker(
            &engine.key,
            &plan.pair,
            side.other(),
            &source_id,
            generation,
        );
        let mut new = NewItem {
            pair: plan.pair.clone(),
            fields: action
                .changes
                .iter()
                .map(|change| (change.field.clone(), change.after.clone()))
                .collect(),
            marker: text.clone(),
            source: source_id.clone(),
            source_type: type_of(&source),
            source_url: source.url.clone(),
        };
        let mut sent: BTreeMap<FieldKey, FieldValue> = policy
            .fields
            .keys()
            .filter_map(|key| Some((key.clone(), source.fields.get(key)?.clone())))
            .collect();
        let bare = self.bare(side, &mut new, &mut sent)?;
        let was_bare = bare.is_some();
        let now = engine.clock.now();
        let intent = Intent {
            pair: plan.pair.clone(),
            kind: IntentKind::Create,
            source_side: side.other(),
            source: source_id.clone(),
            marker: text,
            body_hash: hex::encode(Sha256::digest(
                serde_json::to_vec(&new.fields).unwrap_or_default(),
            )),
            opened_at: now,
            last_sent: Some(now),
            server_t0: engine.readers.get(side).server_now(),
            tries: 1,
            source_fields: sent.clone(),
            generation,
        };
        if let Some(done) = self.gate(policy, action, new.fields.keys())? {
            return Ok(done);
        }
        let key = intent.key();
        engine.store().commit(&Batch(vec![
            Op::OpenIntent(intent),
            Op::Rail(RailOp::Announce),
        ]))?;
        engine.point("before-create")?;
        let (result, left_out) = self
            .create_in_parts(action, &mut new, &mut sent, &key, bare)
            .await?;
        engine.point("after-create")?;
        let written = match result {
            Ok(written) => written,
            Err(error) => {
                let bare = was_bare && new.fields.keys().all(is_vital);
                return self.uncreated(plan, action, &new, (key, bare), error);
            }
        };
        let id = written.item.id.clone();
        let mut base = self.base_after_create(policy, &sent, action, &written);
        let (owed, remembered) = self.owed_to_new(policy, action, &written.item, &left_out);
        base.extend(owed);
        let held = self.held_of_create(plan, action, &left_out);
        let settled = written.pending.is_empty() && left_out.is_empty();
        // What stays behind is told by the next cycle.
        let whole = source
            .fields
            .iter()
            .all(|(key, value)| key.kind().stays(side.other(), value).is_none());
        let Sided { ado, clickup } = Sided::of(side, id.clone(), source_id.clone());
        let made = self.made(plan, action, &written);
        let unmarked = self.note_unmarked(side, &written, &new.marker);
        let mut ops: Vec<Op> = unmarked.into_iter().collect();
        ops.extend([
            Op::AddLink {
                pair: plan.pair.clone(),
                ado: ado.clone(),
                clickup,
                origin: Some(side.other()),
                generation,
                base,
                at: engine.clock.now(),
            },
            match written.later.is_empty() {
                true => self.observation(side, written.item, &plan.pair),
                // Somebody edited it while it came to be: it is read again before it counts as seen.
                false => saw(side, &written.item),
            },
            Op::CloseIntent { key },
            made,
            // A hold from an earlier try ends with it, and not only when the whole pair is done.
            Op::SetHoldsFor {
                pair: plan.pair.clone(),
                items: BTreeSet::from([(side.other(), source_id.clone())]),
                holds: held.clone(),
            },
        ]);
        ops.extend(remembered);
        self.holds.extend(held);
        // A source with a value still to be written stays unseen, so that a kill before the next commit cannot lose it.
        if settled {
            ops.push(self.observation(side.other(), source, &plan.pair));
        }
        engine.store().commit(&Batch(ops))?;
        engine.point("after-create-commit")?;
        if !(settled && whole && written.later.is_empty())
            && let Some(link) = living(&engine.store(), &plan.pair, Side::Ado, &ado)?
        {
            let undone = match settled {
                true => &mut self.reread,
                false => &mut self.unclean,
            };
            undone.insert(link.id);
        }
        Ok(Done::Done(Some(id)))
    }

    /// What becomes of a create that brought no item. Only a definite answer closes the intent; after any other one the item
    /// is looked for first.
    fn uncreated(
        &mut self,
        plan: &PairPlan,
        action: &Action,
        new: &NewItem,
        (key, bare): (IntentKey, bool),
        error: ConnectorError,
    ) -> Result<Done, CycleError> {
        let engine = self.engine;
        if error.may_be_in_force() {
            let noted = self.doubted(plan, action, &new.marker, &error);
            engine.store().commit(&Batch(noted.into_iter().collect()))?;
            return Ok(self.failed_in_doubt(action, error, bare));
        }
        let entry = self.journal(plan, action, None, Outcome::Failed, &error.to_string());
        engine
            .store()
            .commit(&Batch(vec![Op::CloseIntent { key }, entry]))?;
        let not_created = self.not_created(action, new, &error);
        let done = self.failed(action, error);
        let Some(reason) = not_created else {
            return Ok(done);
        };
        self.fault = Some(Failure::InAllParts);
        Ok(Done::Failed(reason))
    }

    /// The journal line of a create: of what came back, because that is what an undo compares with.
    fn made(&self, plan: &PairPlan, action: &Action, written: &Written) -> Op {
        let mut entry = self.journal(plan, action, Some(&written.item.id), Outcome::Done, "");
        if let Op::Journal(line) = &mut entry {
            line.version = left(written);
            for (key, change) in &mut line.changes {
                let shown = written.item.fields.get(key).cloned();
                change.after = shown.or(change.after.take());
            }
        }
        entry
    }

    /// The twin base of a new pair. By the base of a field whose value is not in force yet its source counts as changed, so
    /// that the next cycle writes it.
    pub(super) fn base_after_create(
        &self,
        policy: &Policy,
        sent: &BTreeMap<FieldKey, FieldValue>,
        action: &Action,
        written: &Written,
    ) -> BTreeMap<FieldKey, Sided<SideBase>> {
        let side = action.target;
        sent.iter()
            .map(|(key, source)| {
                let intended = action
                    .changes
                    .iter()
                    .find(|change| change.field == *key)
                    .map(|change| &change.after);
                let (target, shown) = match (written.item.fields.get(key), intended) {
                    (Some(value), _) => (value.clone(), !written.later.contains(key)),
                    (None, Some(value)) => (value.clone(), false),
                    (None, None) => (FieldValue::Empty, false),
                };
                // A field that flows the other way only, or a person without a counterpart: it stands apart, and the base
                // of two values that nobody carried over would hide that for good.
                let apart = || {
                    !agree(
                        key,
                        &Sided::of(side, target.clone(), source.clone()),
                        policy,
                    )
                };
                let unsent = intended.is_none() && !source.is_empty() && apart();
                let owes = unsent || written.pending.contains_key(key);
                let source = match (owes, shown) {
                    (false, _) => source.clone(),
                    (true, true) => owing(key, side.other(), (source, &target), None, policy),
                    (true, false) => FieldValue::Empty,
                };
                // A tag that was not sent goes to the other side like any that is added: a rule may have set it.
                let target = match key.kind().by_member().filter(|_| owes && shown) {
                    Some(of_members) => agreed_members(of_members, None, &target, &source),
                    None => target,
                };
                let target = SideBase {
                    value: target,
                    confirmed: shown,
                };
                let base = Sided::of(side, target, SideBase::shown(source));
                (key.clone(), base)
            })
            .collect()
    }
}

/// Why an item gets no counterpart in this pair; `None`: it may. While somebody moves an item, the listings of two pairs
/// may show it at once, and either plans a counterpart.
fn made_elsewhere(
    store: &Store,
    plan: &PairPlan,
    side: Side,
    source: &ItemId,
    links: &[LinkRow],
) -> Result<Option<String>, StoreError> {
    let mut living = links
        .iter()
        .filter(|link| link.item(side) == source && link.state.is_living());
    if let Some(link) = living.next() {
        let other = link.item(side.other());
        return Ok(Some(format!(
            "it is linked to {other} in the pair {} since the plan was made",
            link.pair
        )));
    }
    let open = store.open_intents()?.into_iter();
    let mut sent = open.filter(|intent| {
        intent.source_side == side && intent.source == *source && intent.pair != plan.pair
    });
    Ok(sent.next().map(|intent| {
        format!(
            "a create was sent for it in the pair {}, and its answer was lost",
            intent.pair
        )
    }))
}
