//! Settles creates whose answer was lost, before anything else is planned.
//!
//! Nothing is replayed. The target is searched for the marker; found, it is linked; not found, and the quiet time is
//! over, the intent is closed, so that the item is planned afresh (with the same marker, which is deterministic).

use super::observe::living;
use super::{CycleError, Engine};
use crate::capabilities::{self, Versions};
use crate::connector::{ErrorKind, Fetched};
use crate::model::{
    ActionId, BaseState, FieldKey, FieldValue, Item, ItemId, LinkId, Side, Sided, Subject,
    Timestamp, Version,
};
use crate::reason::{CreateWhy, JournalKind, Outcome};
use crate::reconcile::merge::translate;
use crate::reconcile::origin::PROBE_MARGIN_MS;
use crate::reconcile::settle::{self, Found};
use crate::reconcile::transit::{self, AsMade};
use crate::store::{
    Batch, HoldRow, Intent, JournalChange, NewJournal, Op, PartOp, StoreError, TransitRow,
};
use std::collections::{BTreeMap, BTreeSet};

/// What became of the creates whose answer was lost: how many of them ended each way.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Recovered {
    /// Their item is there and linked.
    pub found: usize,
    /// They never took effect: looked for after the quiet time, and not there. The item is planned afresh.
    pub given_up: usize,
    /// Nobody can tell yet, or a person has to look. They stay open, and nothing is created in their place.
    pub open: usize,
}

/// What became of one such create. As in [`Recovered`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fate {
    Found,
    GivenUp,
    Open,
}

impl Engine {
    /// Settles open intents.
    ///
    /// # Errors
    /// When the target side cannot be searched: then nothing may be created either.
    pub async fn recover(&self) -> Result<Recovered, CycleError> {
        let mut recovered = Recovered::default();
        let intents = self.store().open_intents()?;
        for intent in intents {
            match self.settle(&intent).await {
                Ok(Fate::Found) => recovered.found += 1,
                Ok(Fate::GivenUp) => recovered.given_up += 1,
                Ok(Fate::Open) => recovered.open += 1,
                // The place that is to be searched is gone: this create stays open, and the other pairs go on.
                Err(CycleError::Connector(error))
                    if matches!(error.kind, ErrorKind::NotFound | ErrorKind::Refused) =>
                {
                    let (pair, item) = (&intent.pair, about(&intent));
                    // That the pair stands still is told already, from its second cycle on.
                    match self.store().pair_state(pair)?.last_error {
                        None => {
                            tracing::warn!(%pair, %item, kind = "create", outcome = "open", "a create stays open: {error}")
                        }
                        Some(_) => {
                            tracing::debug!(%pair, %item, kind = "create", outcome = "open", "a create stays open: {error}")
                        }
                    }
                    recovered.open += 1;
                }
                Err(error) => return Err(error),
            }
        }
        Ok(recovered)
    }

    async fn settle(&self, intent: &Intent) -> Result<Fate, CycleError> {
        match &intent.subject {
            Subject::Part(part) => match part.kind {},
            Subject::Item | Subject::Field(_) => {}
        }
        let target = intent.source_side.other();
        let began = self.clock.now();
        let linked = living(
            &self.store(),
            &intent.pair,
            intent.source_side,
            &intent.source,
        )?;
        if linked.is_some() {
            // Adopted by its marker meanwhile. Whatever else turns up with that marker is held as a twin.
            self.store().commit(&Batch(vec![
                Op::CloseIntent { key: intent.key() },
                holds_of(intent, Vec::new()),
            ]))?;
            return Ok(Fate::Found);
        }
        let after = intent
            .server_t0
            .unwrap_or(Timestamp(0))
            .plus_ms(-PROBE_MARGIN_MS);
        let reader = self.readers.get(target);
        let mut server_began = reader.server_now();
        let mut hits = reader
            .find_marker(&intent.pair, &intent.marker, after)
            .await?;
        if hits.is_empty() && server_began.is_none() {
            // A fresh process learns the service's clock from the first answer; only a search that began after that
            // can be known to have begun late enough.
            server_began = reader.server_now();
            hits = reader
                .find_marker(&intent.pair, &intent.marker, after)
                .await?;
        }
        if hits.is_empty() {
            hits = self.search_elsewhere(intent, after).await?;
        }
        if hits.len() > 1 {
            let why = CreateWhy::ManyCarryMarker {
                side: target,
                items: hits,
            };
            self.hold(intent, why, began)?;
            return Ok(Fate::Open);
        }
        let Some(id) = hits.into_iter().next() else {
            return self.give_up(intent, began, server_began).await;
        };
        match self.counterpart(target, &id)? {
            Some(other) if other != intent.source => {
                let why = CreateWhy::MarkerTaken {
                    item: id,
                    counterpart: other,
                };
                self.hold(intent, why, began)?;
                Ok(Fate::Open)
            }
            Some(_) | None => self.adopt(intent, id, began).await,
        }
    }

    /// What an item of a side is linked to, in whatever pair. An item with two counterparts would be written by both, and
    /// within one pair the database refuses it.
    pub(in crate::engine) fn counterpart(
        &self,
        side: Side,
        id: &ItemId,
    ) -> Result<Option<ItemId>, StoreError> {
        let rows = self.store().find_item(id)?.into_iter();
        let mut living = rows.filter(|row| row.item(side) == id && row.state.is_living());
        Ok(living.next().map(|row| row.item(side.other()).clone()))
    }

    /// Looks for the item of a create in the places of the other pairs, then in any place: somebody may have moved it there
    /// meanwhile.
    async fn search_elsewhere(
        &self,
        intent: &Intent,
        after: Timestamp,
    ) -> Result<Vec<ItemId>, CycleError> {
        let reader = self.readers.get(intent.source_side.other());
        let mut hits = BTreeSet::new();
        for policy in self.policies.iter().filter(|p| p.pair != intent.pair) {
            let found = reader.find_marker(&policy.pair, &intent.marker, after);
            hits.extend(found.await?);
        }
        if hits.is_empty() {
            let found = reader.find_marker_anywhere(&intent.marker, after);
            hits.extend(found.await?);
        }
        Ok(hits.into_iter().collect())
    }

    /// Links the item that carries the marker. It stays open where that item could not be read.
    async fn adopt(
        &self,
        intent: &Intent,
        id: ItemId,
        began: Timestamp,
    ) -> Result<Fate, CycleError> {
        let target = intent.source_side.other();
        let wanted = BTreeSet::from([id.clone()]);
        let mut answer = self.readers.get(target).fetch_items(&wanted).await?;
        let Some(Fetched::Seen(found)) = answer.remove(&id) else {
            return Ok(Fate::Open);
        };
        let Sided { ado, clickup } = Sided::of(intent.source_side, intent.source.clone(), id);
        let steps = self.steps(intent, &found).await?;
        let made = self.as_made(intent, &found, steps.as_ref()).await?;
        // What a restored database remembers of the request may be older than what was sent in the end, and an earlier
        // request that was given up may have made the item after all.
        let unknown = self.creates_held_until(&self.store())?.is_some()
            || self
                .store()
                .has_outcome(&action_id(intent), Outcome::Lost)?;
        let base = match unknown {
            true => BTreeMap::new(),
            false => self.base_of_found(intent, &found, made.as_ref()),
        };
        let mut ops = vec![
            Op::CloseIntent { key: intent.key() },
            Op::AddLink {
                pair: intent.pair.clone(),
                ado: ado.clone(),
                clickup,
                origin: Some(intent.source_side),
                generation: intent.generation,
                base,
                at: began,
            },
            Op::Journal(found_line(
                intent,
                &found,
                made.as_ref().map(|made| &made.item),
                began,
            )),
        ];
        // Its answer may be an old one, and the next request may still be under way: a later step is ours as well.
        let steps = steps.filter(|_| !unknown);
        ops.extend(steps.and_then(|(wanted, steps)| note_of_steps(intent, ado, wanted, steps)));
        tracing::info!(pair = %intent.pair, item = %about(intent), side = %target, kind = "create", outcome = "found", "found the item of a create whose answer was lost");
        self.store().commit(&Batch(ops))?;
        self.look_again(intent)?;
        Ok(Fate::Found)
    }

    /// The state that a create wants for its item, in that side's words, and those on the way to it.
    async fn steps(
        &self,
        intent: &Intent,
        found: &Item,
    ) -> Result<Option<(FieldValue, Vec<FieldValue>)>, CycleError> {
        let target = intent.source_side.other();
        let state = FieldKey::State;
        let (policy, sent) = (self.policy(&intent.pair), intent.source_fields.get(&state));
        let wanted = policy
            .zip(sent)
            .and_then(|(policy, sent)| translate(&state, intent.source_side, sent, policy).ok());
        let Some(wanted) =
            wanted.filter(|_| capabilities::of(target).versions == Versions::Counted)
        else {
            return Ok(None);
        };
        let reader = self.readers.get(target);
        match reader.steps_of_create(&intent.pair, found, &wanted).await {
            Ok(steps) => Ok(Some((wanted, steps))),
            Err(error) => match matches!(error.kind, ErrorKind::NotFound | ErrorKind::Refused) {
                // It will not be told, so what is there may be a person's: then both values are kept.
                true => Ok(Some((wanted, Vec::new()))),
                // The next cycle asks again, and until then the create stays open.
                false => Err(error.into()),
            },
        }
    }

    /// What the create made of the item that was found. `None`: it was edited since, and nothing tells by what.
    async fn as_made(
        &self,
        intent: &Intent,
        found: &Item,
        steps: Option<&(FieldValue, Vec<FieldValue>)>,
    ) -> Result<Option<AsMade>, CycleError> {
        let target = intent.source_side.other();
        let versions = capabilities::of(target).versions;
        let untouched = match versions {
            Versions::Counted => found.version == Version(1),
            Versions::Times => found.changed_at == found.created_at,
        };
        if untouched || versions == Versions::Times {
            return Ok(untouched.then(|| AsMade {
                item: found.clone(),
                edited: BTreeSet::new(),
            }));
        }
        let reader = self.readers.get(target);
        let history = reader.fetch_history(&found.id, Version(0)).await?;
        let wanted = steps.map(|(wanted, _)| wanted);
        let steps = steps.map_or(&[][..], |(_, steps)| steps);
        Ok(transit::as_made(steps, wanted, &history))
    }

    /// Closes the intent of a request that was looked for after the quiet time and is not there: it never took effect.
    /// It stays open where that cannot be known yet.
    async fn give_up(
        &self,
        intent: &Intent,
        began: Timestamp,
        server_began: Option<Timestamp>,
    ) -> Result<Fate, CycleError> {
        if self.may_be_under_way(intent, began, server_began) {
            return Ok(Fate::Open);
        }
        // A restored database does not know when the request was really sent for the last time.
        if self.creates_held_until(&self.store())?.is_some() {
            return Ok(Fate::Open);
        }
        let alike = self.find_alike(intent).await?;
        if !alike.is_empty() {
            let why = CreateWhy::AlikeWithoutMarker {
                side: intent.source_side.other(),
                items: alike,
            };
            self.hold(intent, why, began)?;
            return Ok(Fate::Open);
        }
        let again = hold_row(intent, CreateWhy::PlannedAgain, began);
        self.store().commit(&Batch(vec![
            Op::CloseIntent { key: intent.key() },
            holds_of(intent, vec![again]),
            Op::Journal(lost_line(intent, began)),
        ]))?;
        Ok(Fate::GivenUp)
    }

    /// Looks for what may be the item of a create without its marker: it is as young as the request, has its title, and no
    /// counterpart. Somebody who replaces the description of a new task takes the footer out with it.
    async fn find_alike(&self, intent: &Intent) -> Result<Vec<ItemId>, CycleError> {
        let title = intent.source_fields.get(&FieldKey::Title);
        let (Some(title), Some(sent)) = (title, intent.server_t0) else {
            return Ok(Vec::new());
        };
        let target = intent.source_side.other();
        let after = sent.plus_ms(-PROBE_MARGIN_MS);
        let reader = self.readers.get(target);
        let mut alike = Vec::new();
        for id in reader.find_titled(title, after).await? {
            if self.counterpart(target, &id)?.is_none() {
                alike.push(id);
            }
        }
        Ok(alike)
    }

    /// The base of a pair whose create was found later, by what the create made. A pair that the configuration does not know
    /// by this name has none, for nothing says there what agrees with what; nor has a field that is not shown.
    fn base_of_found(
        &self,
        intent: &Intent,
        found: &Item,
        made: Option<&AsMade>,
    ) -> BTreeMap<FieldKey, Sided<BaseState>> {
        let Some(policy) = self.policy(&intent.pair) else {
            return BTreeMap::new();
        };
        let as_made = made.map_or(found, |made| &made.item);
        let base = |(key, sent): (&FieldKey, &FieldValue)| {
            let shown = as_made.fields.get(key)?;
            if key.is_custom() && sent.is_empty() && !shown.is_empty() {
                // As after a create that was answered: the next look takes over to the source what the service filled in.
                return None;
            }
            let of = Found {
                sent,
                shown,
                as_made: made.is_some(),
                changed: found.fields.get(key) != Some(shown)
                    || made.is_some_and(|made| made.edited.contains(key)),
            };
            let base = settle::of_found(key, intent.source_side, &of, policy)?;
            Some((key.clone(), base))
        };
        intent.source_fields.iter().filter_map(base).collect()
    }

    /// Whether the request may still take effect or be unlisted. Both clocks have to say that the quiet time is over:
    /// the local one may have been set forward meanwhile, and the service's was read before the request went out. A
    /// local clock that was set back says nothing.
    fn may_be_under_way(
        &self,
        intent: &Intent,
        began: Timestamp,
        server_began: Option<Timestamp>,
    ) -> bool {
        let sent = intent.last_sent.unwrap_or(intent.opened_at);
        let quiet = 0..self.timing.quiet_ms;
        let server = match (intent.server_t0, server_began) {
            (Some(sent), Some(began)) => began.since(sent) < self.timing.quiet_ms,
            _ => false,
        };
        quiet.contains(&began.since(sent)) || server
    }

    fn look_again(&self, intent: &Intent) -> Result<(), CycleError> {
        let mut store = self.store();
        if let Some(link) = living(&store, &intent.pair, intent.source_side, &intent.source)? {
            let again = super::observe::again_op(&store, &intent.pair, link.id)?;
            store.commit(&Batch(vec![again]))?;
        }
        Ok(())
    }

    fn hold(&self, intent: &Intent, why: CreateWhy, now: Timestamp) -> Result<(), CycleError> {
        tracing::warn!(pair = %intent.pair, item = %about(intent), kind = "create", outcome = "open", "a create stays open: {why}");
        let op = holds_of(intent, vec![hold_row(intent, why, now)]);
        Ok(self.store().commit(&Batch(vec![op]))?)
    }
}

/// The note of the states through which a create goes, for the link of its item. Every version is judged, from the first on.
fn note_of_steps(
    intent: &Intent,
    ado: ItemId,
    wanted: FieldValue,
    steps: Vec<FieldValue>,
) -> Option<Op> {
    let transit = TransitRow {
        link: LinkId(0),
        side: intent.source_side.other(),
        field: FieldKey::State,
        origin: steps.first().cloned()?,
        via: steps,
        wanted,
        expected: Version(0),
        sent: BTreeMap::new(),
        source: None,
    };
    Some(Op::Part(PartOp::SaveTransitFor {
        pair: intent.pair.clone(),
        ado,
        transit,
    }))
}

/// The item that a create is for, as the log names it.
fn about(intent: &Intent) -> String {
    format!("{} {}", intent.source_side, intent.source)
}

/// Replaces the holds of the source.
fn holds_of(intent: &Intent, holds: Vec<HoldRow>) -> Op {
    Op::SetHoldsFor {
        pair: intent.pair.clone(),
        items: BTreeSet::from([(intent.source_side, intent.source.clone())]),
        holds,
    }
}

/// Names all requests for the same counterpart in the journal.
fn action_id(intent: &Intent) -> ActionId {
    ActionId(intent.marker.clone())
}

/// The journal line of a create whose answer was lost, so that it is in the history and can be undone. It tells the
/// values that the create made, where that is known.
fn found_line(intent: &Intent, found: &Item, made: Option<&Item>, at: Timestamp) -> NewJournal {
    let shown = made.into_iter().flat_map(|made| &made.fields);
    let shown = shown.map(|(key, value)| {
        let change = JournalChange {
            before: None,
            after: Some(value.clone()),
            reason: None,
        };
        (Subject::from(key), change)
    });
    NewJournal {
        item: Some(found.id.clone()),
        changes: shown.collect(),
        outcome: Outcome::Done,
        detail: "its answer was lost; found by its marker".to_owned(),
        version: made.map(|made| made.version),
        ..lost_line(intent, at)
    }
}

/// The journal line of a create that never showed.
fn lost_line(intent: &Intent, at: Timestamp) -> NewJournal {
    NewJournal {
        at,
        cycle: format!("c{}", at.0),
        pair: intent.pair.clone(),
        link: None,
        side: intent.source_side.other(),
        item: None,
        action_id: action_id(intent),
        kind: JournalKind::Create,
        changes: BTreeMap::new(),
        outcome: Outcome::Lost,
        detail: format!("the counterpart of {} never showed", intent.source),
        request_ids: Vec::new(),
        version: None,
    }
}

fn hold_row(intent: &Intent, why: CreateWhy, now: Timestamp) -> HoldRow {
    HoldRow {
        pair: intent.pair.clone(),
        link: None,
        side: Some(intent.source_side),
        item: Some(intent.source.clone()),
        subject: intent.subject.clone(),
        why: why.into(),
        since: now,
        tries: intent.tries,
        retry_at: Some(now),
    }
}

#[cfg(test)]
pub(super) mod tests;
