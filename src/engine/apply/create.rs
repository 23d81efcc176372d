//! The one step that cannot be repeated: intent, request, link.

use super::left_out::LeftOuts;
use super::record::{left, saw};
use super::standing::stands;
use super::{Done, Run, type_of};
use crate::connector::{ConnectorError, NewItem, Written};
use crate::engine::CycleError;
use crate::engine::observe::{counterpart_of_parent, living};
use crate::marker::marker;
use crate::model::{BaseState, FieldKey, FieldValue, Item, ItemId, Side, Sided, Subject};
use crate::reason::Outcome;
use crate::reconcile::plan::{Action, PairPlan};
use crate::reconcile::policy::Policy;
use crate::reconcile::rails::attempt::Failure;
use crate::reconcile::settle;
use crate::reconcile::trial::is_vital;
use crate::store::{Batch, Intent, IntentKey, IntentKind, LinkRow, Op, RailOp, Store, StoreError};
use sha2::{Digest, Sha256};
use std::collections::{BTreeMap, BTreeSet};

/// The item that a counterpart is made for.
struct Source {
    id: ItemId,
    item: Item,
    /// Generation of the marker: one more than that of the last link that was dissolved on purpose.
    generation: u32,
}

/// An item that was made, and how.
struct Made {
    source: Source,
    new: NewItem,
    /// The source's values that it was made from.
    sent: BTreeMap<FieldKey, FieldValue>,
    /// The intent that is open for it.
    key: IntentKey,
    /// What the service refused of it.
    refused: LeftOuts,
    written: Written,
    /// The states on its way, where nothing shows how far it has come.
    steps: Vec<FieldValue>,
}

impl Run<'_> {
    pub(super) async fn create(
        &mut self,
        policy: &Policy,
        plan: &PairPlan,
        action: &Action,
    ) -> Result<Done, CycleError> {
        let side = action.target;
        let source = match self.source(plan, action).await? {
            Ok(source) => source,
            Err(done) => return Ok(done),
        };
        let (mut new, mut sent) = self.draft(policy, plan, action, &source)?;
        // It stands where it was made, so it is not made before what it is to stand under.
        let waits = action.parent.is_some() && new.parent.is_none();
        if let Some(parent) = action.parent.as_ref().filter(|_| waits) {
            return Ok(Done::Skipped(format!(
                "the counterpart of {} {parent}, under which it is to stand, is not made yet",
                side.other()
            )));
        }
        let bare = self.bare(side, &mut new, &mut sent)?;
        let was_bare = bare.is_some();
        let intent = self.intent(&source, &new, &sent, side);
        if let Some(done) = self.gate(policy, action, new.fields.keys())? {
            return Ok(done);
        }
        let key = intent.key();
        // Durable before the request: a process that dies with the answer on its way finds the item by this marker.
        self.engine.store().commit(&Batch(vec![
            Op::OpenIntent(intent),
            Op::Rail(RailOp::Announce),
        ]))?;
        self.engine.point("before-create")?;
        let (result, refused) = self
            .create_in_parts(plan, action, &mut new, &mut sent, &key, bare)
            .await?;
        self.engine.point("after-create")?;
        match result {
            Ok(written) => {
                let steps = self.steps_in_doubt(side, &new, &written).await;
                let made = Made {
                    source,
                    new,
                    sent,
                    key,
                    refused,
                    written,
                    steps,
                };
                self.created(policy, plan, action, made)
            }
            Err(error) => {
                let bare = was_bare && new.fields.keys().all(is_vital);
                self.uncreated(plan, action, &new, (key, bare), error)
            }
        }
    }

    /// The source of a create as the plan saw it, or what the action comes to instead.
    async fn source(
        &mut self,
        plan: &PairPlan,
        action: &Action,
    ) -> Result<Result<Source, Done>, CycleError> {
        let side = action.target;
        let Some(id) = action.source_item.clone() else {
            return Ok(Err(Done::Failed("the plan names no source".to_owned())));
        };
        let read = self.observed.items.get(side.other()).get(&id);
        let Some(item) = read.cloned() else {
            let why = "its source was not read in this cycle";
            return Ok(Err(Done::Stale(why.to_owned())));
        };
        if action
            .source_version
            .is_some_and(|version| version != item.version)
        {
            let why = "its source changed since the plan";
            return Ok(Err(Done::Stale(why.to_owned())));
        }
        if let Some(reason) = self.unmarked(side).await? {
            return Ok(Err(Done::Skipped(reason)));
        }
        if let Some(reason) = self.answers_wrong(side)? {
            return Ok(Err(Done::Skipped(reason)));
        }
        let store = self.engine.store();
        let earlier = store.find_item(&id)?;
        if let Some(reason) = made_elsewhere(&store, plan, side.other(), &id, &earlier)? {
            return Ok(Err(Done::Stale(reason)));
        }
        let same = earlier
            .iter()
            .filter(|l| l.pair == plan.pair && *l.item(side.other()) == id);
        let generation = same
            .map(|link| link.generation.saturating_add(1))
            .max()
            .unwrap_or(0);
        Ok(Ok(Source {
            id,
            item,
            generation,
        }))
    }

    /// The item as it is to be made, and the source's values that it comes from.
    fn draft(
        &self,
        policy: &Policy,
        plan: &PairPlan,
        action: &Action,
        source: &Source,
    ) -> Result<(NewItem, BTreeMap<FieldKey, FieldValue>), StoreError> {
        let parent = action.parent.as_ref();
        // One that an action before this one was to make is there by now, or is not made yet.
        let parent = parent
            .map(|parent| {
                counterpart_of_parent(&self.engine.store(), &plan.pair, action.target, parent)
            })
            .transpose()?;
        let new = NewItem {
            parent: parent.flatten(),
            pair: plan.pair.clone(),
            fields: action
                .changes
                .iter()
                .map(|change| (change.field.clone(), change.after.clone()))
                .collect(),
            marker: marker(
                &self.engine.key,
                &plan.pair,
                action.target.other(),
                &source.id,
                source.generation,
            ),
            source: source.id.clone(),
            source_type: type_of(&source.item),
            source_url: source.item.url.clone(),
        };
        let sent = policy
            .fields
            .keys()
            .filter_map(|key| Some((key.clone(), source.item.fields.get(key)?.clone())))
            .collect();
        Ok((new, sent))
    }

    /// The note of a create on `side`, as it is stored before the request.
    fn intent(
        &self,
        source: &Source,
        new: &NewItem,
        sent: &BTreeMap<FieldKey, FieldValue>,
        side: Side,
    ) -> Intent {
        let now = self.engine.clock.now();
        Intent {
            pair: new.pair.clone(),
            kind: IntentKind::Create,
            source_side: side.other(),
            source: source.id.clone(),
            subject: Subject::Item,
            marker: new.marker.clone(),
            body_hash: hex::encode(Sha256::digest(
                serde_json::to_vec(&new.fields).unwrap_or_default(),
            )),
            opened_at: now,
            last_sent: Some(now),
            server_t0: self.engine.readers.get(side).server_now(),
            tries: 1,
            source_fields: sent.clone(),
            generation: source.generation,
        }
    }

    /// Records an item that was made: the link with its base, the end of the intent, and what is still to be done.
    fn created(
        &mut self,
        policy: &Policy,
        plan: &PairPlan,
        action: &Action,
        of: Made,
    ) -> Result<Done, CycleError> {
        let engine = self.engine;
        let side = action.target;
        let Made {
            source,
            new,
            sent,
            key,
            refused,
            written,
            steps,
        } = of;
        let left_out = refused.fields;
        let id = written.item.id.clone();
        let mut base = self.base_after_create(policy, &sent, action, &written);
        let (owed, remembered) = self.owed_to_new(policy, action, &written.item, &left_out);
        base.extend(owed);
        let held = self.held_of_create(plan, action, &left_out);
        let settled = written.pending.is_empty() && left_out.is_empty();
        // What stays behind is told by the next cycle.
        let whole = source
            .item
            .fields
            .iter()
            .all(|(key, value)| key.kind().stays(side.other(), value).is_none());
        let again = !(settled && whole && written.later.is_empty())
            || sent
                .iter()
                .any(|(key, value)| fills_in(&written, key, value));
        let Sided { ado, clickup } = Sided::of(side, id.clone(), source.id.clone());
        let stands = refused.parent.or_else(|| stands(side, &new, &written));
        let stands = stands.map(|stands| stands.told(&plan.pair, side, &id));
        let made = self.made(plan, action, &written, stands.as_deref());
        let unmarked = self.note_unmarked(side, &written, &new.marker);
        let mut ops: Vec<Op> = unmarked.into_iter().collect();
        ops.extend([
            Op::AddLink {
                pair: plan.pair.clone(),
                ado: ado.clone(),
                clickup,
                origin: Some(side.other()),
                generation: source.generation,
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
                items: BTreeSet::from([(side.other(), source.id.clone())]),
                holds: held.clone(),
            },
        ]);
        ops.extend(remembered);
        // In one commit with the link: a process that died in between would take a step of its own for an edit.
        ops.extend(self.note_steps((&ado, side), &new, steps));
        self.holds.extend(held);
        // A source with a value still to be written stays unseen, so that a kill before the next commit cannot lose it.
        if settled {
            ops.push(self.observation(side.other(), source.item, &plan.pair));
        }
        engine.store().commit(&Batch(ops))?;
        engine.point("after-create-commit")?;
        if again {
            self.goes_on(plan, &ado, settled)?;
        }
        Ok(Done::Done(Some(id)))
    }

    /// Has the next cycle look at a new link again. `settled`: everything that was to be written is.
    fn goes_on(&mut self, plan: &PairPlan, ado: &ItemId, settled: bool) -> Result<(), CycleError> {
        let Some(link) = living(&self.engine.store(), &plan.pair, Side::Ado, ado)? else {
            return Ok(());
        };
        let undone = match settled {
            true => &mut self.reread,
            false => &mut self.unclean,
        };
        undone.insert(link.id);
        Ok(())
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
    /// `stands`: below what, in words.
    fn made(
        &self,
        plan: &PairPlan,
        action: &Action,
        written: &Written,
        stands: Option<&str>,
    ) -> Op {
        let (id, detail) = (&written.item.id, stands.unwrap_or_default());
        let mut entry = self.journal(plan, action, Some(id), Outcome::Done, detail);
        if let Op::Journal(line) = &mut entry {
            line.version = left(written);
            for (subject, change) in &mut line.changes {
                let shown = subject.field().and_then(|key| written.item.fields.get(key));
                change.after = shown.cloned().or(change.after.take());
            }
        }
        entry
    }

    /// The twin base of a new pair.
    pub(super) fn base_after_create(
        &self,
        policy: &Policy,
        sent: &BTreeMap<FieldKey, FieldValue>,
        action: &Action,
        written: &Written,
    ) -> BTreeMap<FieldKey, Sided<BaseState>> {
        let base = |(key, source): (&FieldKey, &FieldValue)| {
            let mut changes = action.changes.iter();
            let change = changes.find(|change| change.field == *key);
            let made = settle::Made {
                source,
                sent: change.map(|change| &change.after),
                shown: written.item.fields.get(key),
                edited: written.later.contains(key),
                not_taken: written.pending.contains_key(key),
            };
            let base = settle::after_create(key, action.target, &made, policy);
            (key.clone(), base)
        };
        // A custom field that the new item does not show is none of its type or place. With a base, its absence would look like an
        // edit as soon as it came to have the field.
        //
        // Nor has one that the service fills in by itself: the next look takes it over to the source.
        let told = |(key, value): &(&FieldKey, &FieldValue)| {
            let shown = written.item.fields.contains_key(*key);
            !key.is_custom() || shown && !fills_in(written, key, value)
        };
        sent.iter().filter(told).map(base).collect()
    }
}

/// Whether a new item has a value of a custom field of which its source has none.
fn fills_in(written: &Written, key: &FieldKey, source: &FieldValue) -> bool {
    let shown = written.item.fields.get(key);
    key.is_custom() && source.is_empty() && shown.is_some_and(|shown| !shown.is_empty())
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
