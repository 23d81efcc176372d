//! Requests taking effect on a service, by the vendors' rules.

use super::guard_law::Did;
use super::kinds::{UNMAPPED, kind, kinds};
use super::world::{Delivery, Record, Refusal, Request, World, blank, numbered};
use boardsync::connector::{Change, NewItem};
use boardsync::model::{FieldKey, FieldValue, Folded, ItemId, Side};

impl World {
    /// Puts a request into force.
    ///
    /// # Errors
    /// The version that it names is not the present one, or the item is gone.
    pub fn apply(
        &mut self,
        side: Side,
        request: &Request,
        delivery: Delivery,
    ) -> Result<usize, Refusal> {
        match request {
            Request::Create(new) => Ok(self.create(side, new, delivery)),
            Request::Update(change) => self.update(side, change, delivery),
            Request::Tag(id, tag, on, first) => self.tag(id, tag, *on, *first, delivery),
            Request::Delete(pair, id) => self.delete(side, numbered(pair), id, delivery),
        }
    }

    /// One tag of a task.
    fn tag(
        &mut self,
        id: &ItemId,
        tag: &Folded,
        on: bool,
        first: bool,
        delivery: Delivery,
    ) -> Result<usize, Refusal> {
        let side = Side::ClickUp;
        let at = self.side.clickup.find(id).ok_or(Refusal::Gone)?;
        let before = self.side.clickup.records[at].now().clone();
        if before.deleted {
            return Err(Refusal::Gone);
        }
        self.confine(side, &FieldKey::Tags);
        let mut set = before.values.get(&FieldKey::Tags).map(FieldValue::members);
        let mut set = set.take().unwrap_or_default();
        match on {
            true => set.insert(tag.clone()),
            false => set.remove(tag),
        };
        let stored = kind(&FieldKey::Tags)
            .map(|kind| kind.stored(side, FieldValue::from_tags(set.clone())))
            .unwrap_or(FieldValue::from_tags(set));
        let moved = self.change(side, at, |state| {
            state.values.insert(FieldKey::Tags, stored);
            state.by_engine = true;
        });
        if moved && first && delivery == Delivery::Now {
            self.count_write(side, at, &FieldKey::Tags);
        }
        self.say(|| format!("{side} {id}: engine sets tag {tag}: {on} ({delivery:?})"));
        let after = self.side.clickup.records[at].now().values.clone();
        let delivery = match delivery {
            Delivery::Now => Delivery::Further,
            other => other,
        };
        if !moved && let Some(value) = after.get(&FieldKey::Tags) {
            // A person had done it already; it is ours as well from now on.
            let made = (value.clone(), self.now, self.told.run);
            self.told.ours.insert((side, at, FieldKey::Tags), made);
        }
        self.judge_update(side, at, &before.values, &after, delivery, None);
        Ok(at)
    }

    fn create(&mut self, side: Side, new: &NewItem, delivery: Delivery) -> usize {
        let pair = numbered(&new.pair);
        let mut state = blank();
        for key in new.fields.keys() {
            self.confine(side, key);
        }
        for (key, value) in &new.fields {
            let value = match kind(key) {
                Some(kind) => kind.stored(side, value.clone()),
                None => value.clone(),
            };
            state.values.insert(key.clone(), value);
        }
        for kind in kinds() {
            if let (false, Some(value)) =
                (new.fields.contains_key(&kind.key()), kind.filled_in(side))
            {
                state.values.insert(kind.key(), value);
            }
        }
        if !new.marker.is_empty() {
            state.markers = vec![new.marker.clone()];
        }
        state.by_engine = true;
        let at = self.insert(side, pair, state);
        let record = &mut self.side.get_mut(side).records[at];
        record.source = Some(new.source.clone());
        if let Some(parent) = &new.parent {
            record.stands_under(parent.clone());
        }
        record.copy = delivery == Delivery::Again;
        let id = record.id.clone();
        self.say(|| format!("{side} {id}: created for {} ({delivery:?})", new.source));
        if delivery == Delivery::Now {
            self.judge_source(side.other(), &new.source, pair);
            self.enter(Did::Create, pair, side, &new.source);
            self.told.ledger.made.insert(id.clone());
            self.judge_asked(side, &new.source, None);
            self.judge_place(side, new);
        }
        self.judge_create(side, at);
        at
    }

    fn update(
        &mut self,
        side: Side,
        change: &Change,
        delivery: Delivery,
    ) -> Result<usize, Refusal> {
        let found = self.side.get(side).find(&change.id);
        let at = found.ok_or(Refusal::Gone)?;
        let record = &self.side.get(side).records[at];
        if record.now().deleted {
            return Err(Refusal::Gone);
        }
        if side == Side::Ado && record.now().version != change.expected.0 {
            return Err(Refusal::Moved);
        }
        let before = record.now().values.clone();
        let mut after = before.clone();
        for (key, value) in &change.set {
            self.confine(side, key);
            let Some(kind) = kind(key) else {
                after.insert(key.clone(), value.clone());
                continue;
            };
            if delivery == Delivery::Partial && kind.is_set() {
                continue;
            }
            let value = if side == Side::ClickUp && kind.is_set() {
                // Sent as what to add and what to remove, against what the caller read.
                let read = change.current.fields.get(key);
                let read = read.map(FieldValue::members).unwrap_or_default();
                let wanted = value.members();
                let mut set = before.get(key).map(FieldValue::members).unwrap_or_default();
                set.retain(|one| wanted.contains(one) || !read.contains(one));
                set.extend(wanted.difference(&read).cloned());
                let of_members = key.kind().by_member();
                of_members.unwrap_or(FieldValue::from_people)(set)
            } else {
                value.clone()
            };
            let stored = kind.stored(side, value.clone());
            let stored = match delivery {
                Delivery::Now => self.quirk(side, at, kind, before.get(key), stored),
                _ => stored,
            };
            if stored != value {
                let writes = &mut self.side.get_mut(side).records[at].writes;
                *writes.rendered.entry(key.clone()).or_default() += 1;
            }
            after.insert(key.clone(), stored);
        }
        if delivery == Delivery::Now {
            self.rule(side, at, change, &mut after);
        }
        // On ClickUp it stands in the description.
        let goes_along = side == Side::Ado || change.set.contains_key(&FieldKey::Description);
        let marker = change
            .backlink
            .as_ref()
            .filter(|_| delivery != Delivery::Partial && goes_along);
        let markers: Vec<String> = marker.map(|link| link.marker.clone()).into_iter().collect();
        let pair = numbered(&change.pair);
        self.judge_scope(side, at, (pair, Some(change)), delivery);
        let counts = matches!(delivery, Delivery::Now | Delivery::Partial | Delivery::Step);
        if counts && !self.told.ledger.made.contains(&change.id) {
            self.enter(Did::Update, pair, side, &change.id);
            self.judge_asked(side, &change.id, Some(change));
            self.judge_direction(side, at, change);
        }
        let new = after.clone();
        self.judge_same(side, at, change, &before, &after);
        self.stepping = self.is_step(side, change);
        self.change(side, at, |state| {
            state.values = new;
            state.by_engine = true;
            if state.markers.is_empty() {
                state.markers = markers;
            }
        });
        self.stepping = false;
        let id = change.id.clone();
        self.say(|| format!("{side} {id}: engine sets {:?} ({delivery:?})", change.set));
        self.judge_update(side, at, &before, &after, delivery, Some(change));
        Ok(at)
    }

    fn delete(
        &mut self,
        side: Side,
        pair: usize,
        id: &ItemId,
        delivery: Delivery,
    ) -> Result<usize, Refusal> {
        let at = self.side.get(side).find(id).ok_or(Refusal::Gone)?;
        if self.side.get(side).records[at].now().deleted {
            return Err(Refusal::Gone);
        }
        self.judge_scope(side, at, (pair, None), delivery);
        match self.told.undoing {
            true => self.judge_undone(side, at),
            false => self.judge_delete(side, at, delivery),
        }
        if delivery == Delivery::Now {
            self.enter(Did::Delete, pair, side, id);
            self.judge_asked(side, id, None);
        }
        self.change(side, at, |state| {
            (state.deleted, state.by_engine) = (true, true);
        });
        self.side.get_mut(side).records[at].ever_deleted = true;
        self.told.removed.insert((side, at));
        self.say(|| format!("{side} {id}: engine deletes"));
        self.take_along(side, at, delivery);
        Ok(at)
    }

    /// Only mapped fields are ever written.
    fn confine(&mut self, side: Side, key: &FieldKey) {
        if *key == UNMAPPED || (kind(key).is_none() && *key != FieldKey::Type) {
            self.violate(
                "I11",
                format!("{side}: the engine writes {key}, which is not mapped"),
            );
        }
    }

    /// Records on the other side that belong to this one.
    pub fn twins(&self, side: Side, at: usize) -> Vec<usize> {
        self.related(side, at, |made| !made.copy)
    }

    /// Those, and copies of them: after a restore a copy may be taken for the original.
    pub fn twins_and_copies(&self, side: Side, at: usize) -> Vec<usize> {
        self.related(side, at, |_| true)
    }

    fn related(&self, side: Side, at: usize, counts: impl Fn(&Record) -> bool) -> Vec<usize> {
        let record = &self.side.get(side).records[at];
        let others = self.side.get(side.other()).records.iter().enumerate();
        let made =
            |made: &Record, of: &Record| counts(made) && made.source.as_ref() == Some(&of.id);
        others
            .filter(|(_, other)| made(record, other) || made(other, record))
            .map(|(at, _)| at)
            .collect()
    }
}
