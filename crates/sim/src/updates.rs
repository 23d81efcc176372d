//! A create and an update as they are on the wire: one call on ADO; on ClickUp the task, a call for each tag, then a read,
//! and after a create a second call for a status that it did not take. People act, requests break and the process dies
//! between any two of them.

use super::controls::Control;
use super::kinds::{STATES, between};
use super::remote::{Remote, lock};
use super::script::{Fault, On};
use super::world::{Delivery, Request};
use boardsync::connector::answer::{self, Asked};
use boardsync::connector::{
    BeforeCall, Begun, Change, ConnectorError, ErrorKind, Fetched, NewItem, Reader, Written,
    stranger,
};
use boardsync::model::{FieldKey, FieldValue, Folded, Item, ItemId, Side, Version};
use std::collections::{BTreeMap, BTreeSet};

/// A title of a person is longer than what the design that cuts titles takes.
const SHORT: usize = 7;

/// As the connector has it.
const FRESH_MS: i64 = 1_000;

/// What became of calls for custom fields.
#[derive(Default)]
struct Apart {
    refused: BTreeMap<FieldKey, String>,
    edited: BTreeSet<FieldKey>,
}

/// Whether the status among these completes a task.
fn completes(set: &BTreeMap<FieldKey, FieldValue>) -> bool {
    let status = set.get(&FieldKey::State);
    status.is_some_and(|status| *status == FieldValue::choice("complete"))
}

impl Remote {
    pub async fn create_in_calls(&self, new: &NewItem) -> Result<Written, ConnectorError> {
        let ons = self.ons(On::Write);
        let began = self.server_now();
        let fault = self.send(&ons).await;
        let mut dropped = false;
        let way = new.fields.get(&FieldKey::State);
        let way = way
            .map(|wanted| self.way_of_create(wanted))
            .unwrap_or_default();
        let answer = self.refuse(fault.as_ref(), true).and_then(|()| {
            let mut sent = new.clone();
            self.arrives(&mut sent.fields);
            if self.is(Control::C0) {
                sent.marker.clear();
            }
            if let Some(fault @ Fault::StateDropped) = fault.as_ref() {
                lock(&self.world).count(fault.word());
                sent.fields.remove(&FieldKey::State);
                dropped = true;
            }
            if !way.is_empty() {
                sent.fields.remove(&FieldKey::State);
            }
            let at = self.deliver(Request::Create(sent), fault.as_ref(), Delivery::Now)?;
            let own = self.answered(at, &new.fields, fault.as_ref());
            match self.mistaken(new, own.clone(), fault.as_ref()) {
                Some(other) => Ok(other),
                None => Ok(own),
            }
        });
        let own = self.back(&ons, answer).await?;
        if !self.is(Control::AnyAnswer) {
            stranger::refuse((self.side, "simulated"), new, &own, began)?;
        }
        let id = own.id.clone();
        let asked = Asked {
            side: self.side,
            set: &new.fields,
            before: None,
            apart: &BTreeSet::new(),
            completes: completes(&new.fields),
        };
        let written = answer::settle(&asked, Some(own.clone()), None);
        let mut written = written.unwrap_or_else(|| bare(own));
        if let (false, Some(wanted)) = (way.is_empty(), new.fields.get(&FieldKey::State)) {
            let between = way.into_iter().skip(1);
            let steps = between.map(|step| (step, Delivery::Step));
            let steps = steps.chain([(wanted.clone(), Delivery::Now)]).collect();
            self.walk(new, &mut written, steps).await;
        }
        let state = new.fields.get(&FieldKey::State);
        if let (true, Side::ClickUp, Some(state)) = (dropped, self.side, state)
            && written.pending.contains_key(&FieldKey::State)
        {
            let status = self.status_call(new, &id, state, &written.item).await;
            match status {
                Ok(item) => {
                    let (side, set) = (self.side, &new.fields);
                    let first = written.item.clone();
                    answer::second_call(side, &mut written, set, &FieldKey::State, item.clone());
                    self.absorb(&mut written, Some(first), Some(item));
                }
                Err(error) => {
                    written.pending.insert(FieldKey::State, error.to_string());
                }
            }
        }
        Ok(self.believed(written))
    }

    /// The states from that of a new work item to the one before `wanted`; none: one request does it.
    pub fn way_of_create(&self, wanted: &FieldValue) -> Vec<FieldValue> {
        let walked = self.side == Side::Ado && lock(&self.world).setup.walked;
        let first = FieldValue::choice(STATES[0].0);
        if !walked || first == *wanted {
            return Vec::new();
        }
        let between = between(&first, wanted);
        [first].into_iter().chain(between).collect()
    }

    /// Brings a new work item to its state, one request after the other. As the connector has it: after a step that may be
    /// in force nothing tells the state.
    async fn walk(&self, new: &NewItem, written: &mut Written, steps: Vec<(FieldValue, Delivery)>) {
        for (state, delivery) in steps {
            let current = written.item.clone();
            let change = Change {
                pair: new.pair.clone(),
                id: current.id.clone(),
                expected: current.version,
                current: Box::new(current),
                set: BTreeMap::from([(FieldKey::State, state.clone())]),
                backlink: None,
            };
            if delivery == Delivery::Step {
                let mut world = lock(&self.world);
                world.count("create in steps");
                let first = (change.id.clone(), change.expected.0);
                world.told.steps.insert(first, state);
            }
            match self.put(&change, &change, delivery).await {
                Ok(item) => {
                    let set = &new.fields;
                    answer::second_call(self.side, written, set, &FieldKey::State, item);
                }
                Err(error) => {
                    lock(&self.world).count("create stopped half way");
                    if error.may_be_in_force() {
                        written.item.fields.remove(&FieldKey::State);
                    }
                    written.pending.insert(FieldKey::State, error.to_string());
                    return;
                }
            }
        }
    }

    async fn status_call(
        &self,
        new: &NewItem,
        id: &ItemId,
        state: &FieldValue,
        current: &Item,
    ) -> Result<Item, ConnectorError> {
        let change = Change {
            pair: new.pair.clone(),
            id: id.clone(),
            expected: current.version,
            current: Box::new(current.clone()),
            set: BTreeMap::from([(FieldKey::State, state.clone())]),
            backlink: None,
        };
        {
            // Nothing is overwritten that was read: the status is the one that the create did not take.
            let mut world = lock(&self.world);
            let now = world.now;
            let service = world.side.get_mut(self.side);
            if let Some(at) = service.find(id) {
                service.records[at].read = (now, now);
            }
        }
        self.put(&change, &change, Delivery::Now).await
    }

    /// ADO's one call, or two where a state is reached by way of another one.
    pub async fn patch(&self, change: &Change) -> Result<Written, ConnectorError> {
        let (own, in_doubt) = match self.between(change) {
            None => {
                let same = (change.id.clone(), change.expected.0);
                lock(&self.world).told.steps.remove(&same);
                (self.put(change, change, Delivery::Now).await?, None)
            }
            Some(step) => self.two_steps(change, step).await?,
        };
        let asked = Asked {
            side: self.side,
            set: &change.set,
            before: Some(&change.current),
            apart: &BTreeSet::new(),
            completes: completes(&change.set),
        };
        let written = answer::settle(&asked, Some(own.clone()), None);
        let mut written = written.unwrap_or_else(|| bare(own.clone()));
        if let Some(error) = in_doubt {
            written.pending.insert(FieldKey::State, error.to_string());
        }
        lock(&self.world).cut_answered(&change.id);
        self.absorb(&mut written, Some(own), None);
        Ok(self.believed(written))
    }

    /// As the connector has it: once the first step is in force, what becomes of the second is reported. Where that one may
    /// be in force too, the error comes back, and nothing tells the state.
    async fn two_steps(
        &self,
        change: &Change,
        step: FieldValue,
    ) -> Result<(Item, Option<ConnectorError>), ConnectorError> {
        {
            let mut world = lock(&self.world);
            world.count("two steps");
            let first = (change.id.clone(), change.expected.0);
            world.told.steps.insert(first, step.clone());
        }
        let mut first = change.clone();
        first.set.insert(FieldKey::State, step);
        let half = self.put(&first, change, Delivery::Step).await?;
        let wanted = change.set.get(&FieldKey::State).cloned();
        let second = Change {
            expected: half.version,
            set: wanted
                .map(|value| (FieldKey::State, value))
                .into_iter()
                .collect(),
            backlink: None,
            ..change.clone()
        };
        match self.put(&second, change, Delivery::Now).await {
            Ok(item) => Ok((item, None)),
            Err(error) => {
                lock(&self.world).count("stopped half way");
                let in_doubt = Some(error).filter(ConnectorError::may_be_in_force);
                let mut half = half;
                if in_doubt.is_some() {
                    half.fields.remove(&FieldKey::State);
                }
                Ok((half, in_doubt))
            }
        }
    }

    /// A call that sets fields of an item. `asked` is the whole of the update that it is a part of.
    async fn put(
        &self,
        change: &Change,
        asked: &Change,
        delivery: Delivery,
    ) -> Result<Item, ConnectorError> {
        let ons = self.ons(On::Write);
        let first = || {
            let _ = self.deliver(Request::Update(self.on_the_wire(change)), None, delivery);
        };
        let (fault, again) = self.send_until_answered(&ons, first).await;
        let refused = self.refuse(fault.as_ref(), true);
        if matches!(&refused, Err(error) if error.kind == ErrorKind::Ambiguous) {
            // It had no effect, but nobody is told that.
            let request = Request::Update(change.clone());
            lock(&self.world).told.unanswered.push((self.side, request));
        }
        let answer = refused.and_then(|()| {
            let sent = self.on_the_wire(change);
            let result = self.deliver(Request::Update(sent), fault.as_ref(), delivery);
            if self.is(Control::U0)
                && matches!(&result, Err(error) if error.kind == ErrorKind::Ambiguous)
            {
                lock(&self.queue).push(change.clone());
            }
            Ok(self.answered(result?, &asked.set, fault.as_ref()))
        });
        let answer = self.repeated(again, || Some(Request::Update(change.clone())), answer);
        self.back(&ons, answer).await
    }

    /// A change as it is sent: as it is, but by a design under trial.
    fn on_the_wire(&self, change: &Change) -> Change {
        let mut sent = change.clone();
        self.arrives(&mut sent.set);
        if self.is(Control::TitleCut)
            && let Some(FieldValue::Text(title)) = sent.set.get_mut(&FieldKey::Title)
        {
            *title = title
                .chars()
                .take(SHORT)
                .collect::<String>()
                .trim()
                .to_owned();
        }
        if let (true, Side::Ado) = (self.is(Control::TagsByAdd), self.side)
            && let Some(tags) = sent.set.get_mut(&FieldKey::Tags)
        {
            let held = change.current.fields.get(&FieldKey::Tags);
            let held = held.map(FieldValue::members).unwrap_or_default();
            *tags = FieldValue::from_tags(held.into_iter().chain(tags.members()).collect());
        }
        let swaps = self.control.is_none_or(Control::swaps);
        if !swaps {
            let world = lock(&self.world);
            let service = world.side.get(self.side);
            if let Some(at) = service.find(&sent.id) {
                sent.expected = Version(service.records[at].now().version);
            }
        }
        sent
    }

    /// ClickUp's calls, in the order of the connector.
    pub async fn in_calls(
        &self,
        change: &Change,
        before_call: BeforeCall<'_>,
    ) -> Result<Written, ConnectorError> {
        let mut first = change.clone();
        let tags = first.set.remove(&FieldKey::Tags);
        let calls = tags.map_or_else(Vec::new, |tags| tag_calls(&tags, &change.current));
        first.set.retain(|key, _| !key.is_custom());
        let customs = change.set.keys().filter(|key| key.is_custom());
        let mut apart: BTreeSet<FieldKey> = customs.cloned().collect();
        if !calls.is_empty() {
            apart.insert(FieldKey::Tags);
        }
        let mut own = None;
        if !first.set.is_empty() || change.set.is_empty() {
            own = Some(self.fields_call(change, &first).await?);
        }
        if let (Some(answer), false) = (&mut own, apart.is_empty())
            && !first.set.keys().all(|key| answer.fields.contains_key(key))
            && let Ok(read) = self.get(&change.id).await
        {
            answer::complete(answer, read);
        }
        let mut set = change.set.clone();
        if !calls.is_empty() {
            let seen = own
                .as_ref()
                .map_or(change.current.version, |own| own.version);
            before_call(&FieldKey::Tags, seen)?;
        }
        let (sent, refused) = self.tag_each(change, calls, own.as_ref(), &mut set).await?;
        let tagged = sent && apart.contains(&FieldKey::Tags);
        let before = (own.as_ref(), sent, tagged && refused.is_none());
        let (sent, customs) = self
            .custom_each(change, before, &mut set, before_call)
            .await?;
        let later = self
            .read_after(change, own.as_ref(), sent, apart.is_empty())
            .await?;
        let asked = Asked {
            side: Side::ClickUp,
            set: &set,
            before: Some(&change.current),
            apart: &apart,
            completes: completes(&change.set),
        };
        let written = answer::settle(&asked, own.clone(), later.clone());
        let Some(mut written) = written else {
            return Err(self.error(ErrorKind::Ambiguous, "nothing was answered"));
        };
        if let Some(error) = refused {
            lock(&self.world).count("refused after a call that went through");
            written.pending.insert(FieldKey::Tags, error.to_string());
        }
        written.pending.extend(customs.refused);
        written.later.extend(customs.edited);
        if !written.later.is_empty() {
            lock(&self.world).count("edit between calls");
        }
        lock(&self.world).cut_answered(&change.id);
        self.absorb(&mut written, own, later);
        Ok(self.believed(written))
    }

    /// The call that sets everything but tags.
    async fn fields_call(&self, change: &Change, first: &Change) -> Result<Item, ConnectorError> {
        let answer = self.put(first, first, Delivery::Now).await;
        if answer
            .as_ref()
            .is_err_and(|error| error.kind == ErrorKind::Ambiguous)
        {
            // The history names the tags as well: whoever reads it cannot know which calls went out.
            let whole = Request::Update(change.clone());
            let mut world = lock(&self.world);
            world.told.unanswered.push((self.side, whole));
        }
        answer
    }

    /// A call for each custom field, as the connector has it: where what was seen of the task last is not fresh any more, it is
    /// looked at again, and nothing is sent over what somebody has set meanwhile. `own`: the answer to the first call, whether
    /// anything was sent, and whether a tag was.
    async fn custom_each(
        &self,
        change: &Change,
        (own, mut sent, mut alone): (Option<&Item>, bool, bool),
        set: &mut BTreeMap<FieldKey, FieldValue>,
        before_call: BeforeCall<'_>,
    ) -> Result<(bool, Apart), ConnectorError> {
        let mut done = Apart::default();
        let mut went: BTreeSet<FieldKey> = change.set.keys().cloned().collect();
        went.retain(|key| match key {
            FieldKey::Tags => alone,
            key => own.is_some() && !key.is_custom(),
        });
        let mut looked = own.cloned();
        for (key, value) in change.set.iter().filter(|(key, _)| key.is_custom()) {
            if self.has_grown_old(&change.id) {
                match self.get(&change.id).await {
                    Ok(item) => looked = Some(item),
                    Err(error) => return Err(self.ended(change, error, (alone, own), went).await),
                }
            }
            let before = change.current.fields.get(key);
            let now = looked.as_ref().and_then(|item| item.fields.get(key));
            let edited = now.is_some_and(|now| Some(now) != before && now != value);
            if edited && !self.is(Control::CustomOverEdit) {
                lock(&self.world).count("custom field edited between calls");
                set.remove(key);
                done.edited.insert(key.clone());
                continue;
            }
            let one = Change {
                set: BTreeMap::from([(key.clone(), value.clone())]),
                backlink: None,
                ..change.clone()
            };
            before_call(
                key,
                looked.as_ref().map_or(change.expected, |item| item.version),
            )?;
            match self.put(&one, &one, Delivery::Now).await {
                Ok(_) => {
                    (sent, alone) = (true, true);
                    went.insert(key.clone());
                }
                Err(mut error) => {
                    let unsent =
                        matches!(error.kind, ErrorKind::Unreachable | ErrorKind::Throttled);
                    if sent && unsent {
                        (error.kind, error.retry_after) = (ErrorKind::Ambiguous, None);
                    }
                    error.field.get_or_insert_with(|| key.clone());
                    if sent && error.kind == ErrorKind::Refused && !error.in_doubt {
                        lock(&self.world).count("custom field refused alone");
                        set.remove(key);
                        done.refused.insert(key.clone(), error.to_string());
                        continue;
                    }
                    return Err(self.ended(change, error, (alone, own), went).await);
                }
            }
        }
        Ok((sent, done))
    }

    /// Whether a task was read too long ago for a write to stand on that.
    fn has_grown_old(&self, id: &ItemId) -> bool {
        let world = lock(&self.world);
        let tasks = world.side.get(self.side);
        let read = tasks.find(id).map(|at| tasks.records[at].read.0);
        read.is_none_or(|read| world.now - read > FRESH_MS)
    }

    /// An error that ends an update, with what went through before it.
    async fn ended(
        &self,
        change: &Change,
        mut error: ConnectorError,
        (alone, own): (bool, Option<&Item>),
        fields: BTreeSet<FieldKey>,
    ) -> ConnectorError {
        let left = match alone {
            false => own.map(|own| own.version),
            true => self.get(&change.id).await.ok().map(|task| task.version),
        };
        error.begun = (!fields.is_empty()).then(|| Box::new(Begun { fields, left }));
        error
    }

    /// A call for each tag that comes or goes. Returns whether anything of the update went out, and what said no to a call after
    /// that; then `set` keeps what was made of the tags. `own`: the answer to what went out before.
    async fn tag_each(
        &self,
        change: &Change,
        calls: Vec<(Folded, bool)>,
        own: Option<&Item>,
        set: &mut BTreeMap<FieldKey, FieldValue>,
    ) -> Result<(bool, Option<ConnectorError>), ConnectorError> {
        let mut sent = own.is_some();
        let held = change.current.fields.get(&FieldKey::Tags);
        let mut tags = held.map(FieldValue::members).unwrap_or_default();
        let named = |(tag, on): &(Folded, bool)| (change.id.clone(), tag.clone(), *on);
        let mut left: BTreeSet<_> = calls.iter().skip(1).map(named).collect();
        for (n, (tag, on)) in calls.into_iter().enumerate() {
            let this = (change.id.clone(), tag.clone(), on);
            // What an update that stopped half way had still to do is no further change.
            let begun = lock(&self.world).told.tags_left.contains(&this);
            let request = Request::Tag(change.id.clone(), tag.clone(), on, n == 0 && !begun);
            match self.tag_call(request).await {
                Ok(()) => {
                    match on {
                        true => tags.insert(tag),
                        false => tags.remove(&tag),
                    };
                    let mut world = lock(&self.world);
                    world.told.tags_left.append(&mut left);
                    world.told.tags_left.remove(&this);
                }
                Err(mut error) => {
                    let unsent =
                        matches!(error.kind, ErrorKind::Unreachable | ErrorKind::Throttled);
                    if sent && unsent {
                        (error.kind, error.retry_after) = (ErrorKind::Ambiguous, None);
                    }
                    error.field.get_or_insert(FieldKey::Tags);
                    if self.is(Control::RefusedAsAWhole) && error.kind == ErrorKind::Refused {
                        return Err(error);
                    }
                    if sent && error.kind == ErrorKind::Refused && !error.in_doubt {
                        set.remove(&FieldKey::Tags);
                        let made = (n > 0).then(|| FieldValue::from_tags(tags));
                        set.extend(made.map(|made| (FieldKey::Tags, made)));
                        return Ok((sent, Some(error)));
                    }
                    let left = match n {
                        0 => own.map(|own| own.version),
                        _ => self.get(&change.id).await.ok().map(|task| task.version),
                    };
                    let went = |key: &&FieldKey| match **key == FieldKey::Tags {
                        true => n > 0,
                        false => sent,
                    };
                    let fields: BTreeSet<_> = change.set.keys().filter(went).cloned().collect();
                    error.begun = sent.then(|| Box::new(Begun { fields, left }));
                    return Err(error);
                }
            }
            sent = true;
        }
        Ok((sent, None))
    }

    /// The read at the end of an update; `None`: the answer showed the whole task, or the read told nothing.
    async fn read_after(
        &self,
        change: &Change,
        own: Option<&Item>,
        sent: bool,
        no_tags: bool,
    ) -> Result<Option<Item>, ConnectorError> {
        let told = own.is_some_and(|own| {
            let mut needed = change.current.fields.keys();
            no_tags && needed.all(|key| own.fields.contains_key(key))
        });
        if told {
            let mut world = lock(&self.world);
            let now = world.now;
            let tasks = world.side.get_mut(self.side);
            if let Some(at) = tasks.find(&change.id) {
                tasks.records[at].read.1 = now;
            }
            return Ok(None);
        }
        match self.get(&change.id).await {
            Ok(item) => Ok(Some(item)),
            Err(error) if own.is_none() && sent => {
                Err(self.error(ErrorKind::Ambiguous, &error.message))
            }
            Err(error) if own.is_none() => Err(error),
            Err(_) => Ok(None),
        }
    }

    async fn tag_call(&self, request: Request) -> Result<(), ConnectorError> {
        let ons = self.ons(On::Write);
        let fault = self.send(&ons).await;
        let answer = self
            .refuse(fault.as_ref(), true)
            .and_then(|()| self.deliver(request, fault.as_ref(), Delivery::Now))
            .map(|_| ());
        self.back(&ons, answer).await
    }

    /// The read at the end of an update.
    async fn get(&self, id: &ItemId) -> Result<Item, ConnectorError> {
        let ons = self.ons(On::Read);
        let fault = self.send(&ons).await;
        let answer = self.refuse(fault.as_ref(), false).and_then(|()| {
            let mut world = lock(&self.world);
            world.answers(self.side, fault.as_ref());
            match self.read(&mut world, id, |n| n == 0, fault.as_ref()) {
                Fetched::Seen(item) => Ok(*item),
                Fetched::Gone { .. } | Fetched::Unclear { .. } => {
                    Err(self.error(ErrorKind::NotFound, "not to be read"))
                }
            }
        });
        let answer = self.back(&ons, answer).await?;
        let mut world = lock(&self.world);
        let now = world.now;
        let service = world.side.get_mut(self.side);
        if let Some(at) = service.find(id) {
            service.records[at].read.1 = now;
        }
        Ok(answer)
    }

    /// The design that takes a later read for its own write, and the one that compares nothing.
    fn absorb(&self, written: &mut Written, own: Option<Item>, later: Option<Item>) {
        if self.is(Control::LaterIsOwn) {
            let newest = later.or(own);
            if let Some(item) = newest {
                written.item.fields.extend(item.fields);
            }
            written.later.clear();
        } else if self.is(Control::NotCompared) {
            // Each value as it was shown first.
            let shown = [later, own].into_iter().flatten();
            for item in shown {
                written.item.fields.extend(item.fields);
            }
        }
    }

    /// What the engine is told.
    fn believed(&self, mut written: Written) -> Written {
        match self.control {
            Some(Control::NotCompared | Control::LaterIsOwn) => written.pending.clear(),
            Some(Control::TitleCut) => {
                written.pending.remove(&FieldKey::Title);
            }
            Some(Control::TagsByAdd) if self.side == Side::Ado => {
                written.pending.remove(&FieldKey::Tags);
            }
            _ => {}
        }
        written
    }
}

/// The tags that come, then those that go.
fn tag_calls(wanted: &FieldValue, current: &Item) -> Vec<(Folded, bool)> {
    let wanted = wanted.members();
    let held = current.fields.get(&FieldKey::Tags);
    let held = held.map(FieldValue::members).unwrap_or_default();
    let come = wanted.difference(&held).map(|tag| (tag.clone(), true));
    let go = held.difference(&wanted).map(|tag| (tag.clone(), false));
    come.chain(go).collect()
}

fn bare(item: Item) -> Written {
    Written {
        item,
        pending: BTreeMap::new(),
        unmarked: None,
        later: BTreeSet::new(),
    }
}
