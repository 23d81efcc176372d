//! Both services: records with every state that they ever had, listings that lag behind, people who edit.
//!
//! The rules are those of the vendors' own documents, not of our connectors: revisions and compare-and-swap on ADO;
//! on ClickUp a change time in ms that may repeat, no conditional write, sets written as differences. A direct read
//! shows the present; a listing shows each record as its index last saw it, up to [`LAG`] ago.

use super::kinds::{KINDS, UNMAPPED, kind};
use super::rng::{Rng, hash, mix};
use super::script::{Act, Deed, Fault, On, Point, Setup};
use boardsync::clock::ManualClock;
use boardsync::connector::{Change, NewItem};
use boardsync::engine::Engine;
use boardsync::model::{
    FieldKey, FieldValue, Item, ItemId, PairName, RichText, Side, Sided, TextFormat, Timestamp,
    Version,
};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Weak;

/// How far a listing may lag: below L of the protocol (180 s), so that L + F stays below its quiet time with room for
/// the latency of the requests themselves.
pub const LAG: i64 = 170_000;
/// True time at which every history starts.
pub const START: i64 = 1_750_000_000_000;

/// The names of both pairs.
pub fn pair(n: usize) -> PairName {
    PairName(["web", "app"][n % 2].to_owned())
}

/// One state of a record.
#[derive(Clone, Debug, PartialEq)]
pub struct State {
    pub version: i64,
    /// Server time of the change.
    pub changed: i64,
    pub values: BTreeMap<FieldKey, FieldValue>,
    pub markers: Vec<String>,
    pub in_scope: bool,
    pub deleted: bool,
    /// True time from which listings show it.
    pub indexed: i64,
}

/// A work item or task.
#[derive(Clone, Debug)]
pub struct Record {
    pub id: ItemId,
    pub pair: usize,
    /// Server time of its creation.
    pub created: i64,
    /// For what it was made, if the engine made it.
    pub source: Option<ItemId>,
    /// Every state, oldest first; never empty.
    pub past: Vec<State>,
    /// Parts of values that a person put there, with the true time.
    pub authored: BTreeMap<(FieldKey, String), i64>,
    /// True time at which the last direct read was answered, and at which the answer arrived.
    pub read: (i64, i64),
    pub writes: Sided2,
    pub ever_deleted: bool,
    /// Made by a request that was delivered twice, or copied by a person.
    pub copy: bool,
}

/// Value changes per field: by people, by the engine.
#[derive(Clone, Debug, Default)]
pub struct Sided2 {
    pub people: BTreeMap<FieldKey, u32>,
    pub engine: BTreeMap<FieldKey, u32>,
}

impl Record {
    pub fn now(&self) -> &State {
        &self.past[self.past.len() - 1]
    }

    /// Which state listings show; `None`: nothing yet.
    pub fn listed(&self, now: i64) -> Option<usize> {
        self.past.iter().rposition(|state| state.indexed <= now)
    }
}

/// One side.
#[derive(Clone, Debug, Default)]
pub struct Service {
    pub records: Vec<Record>,
    pub skew: i64,
    /// Server time of the last answer that this process got.
    pub answered: Option<i64>,
    /// True time until which the token does not work.
    pub locked_until: i64,
}

impl Service {
    pub fn find(&self, id: &ItemId) -> Option<usize> {
        self.records.iter().position(|record| record.id == *id)
    }
}

/// A request that writes.
#[derive(Clone, Debug)]
pub enum Request {
    Create(NewItem),
    Update(Change),
    Delete(ItemId),
}

/// A broken law.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Violation {
    pub law: &'static str,
    pub what: String,
}

/// How a request reaches the service.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Delivery {
    Now,
    /// After the caller gave up.
    Late,
    /// Once more.
    Again,
    /// Without the sets and without the marker of an update.
    Partial,
}

/// What happens at one edge of a call.
#[derive(Clone, Debug, Default)]
pub struct Edge {
    pub fault: Option<Fault>,
    pub crash: bool,
}

pub struct World {
    pub now: i64,
    pub side: Sided<Service>,
    pub clock: ManualClock,
    pub setup: Setup,
    pub engine: Weak<Engine>,
    seed: u64,
    rng: Rng,
    /// What is to happen during this cycle.
    pub deeds: Vec<(Point, Deed)>,
    pub at: BTreeMap<On, u32>,
    /// Set while the engine only looks.
    pub looking: bool,
    late: Vec<(i64, Side, Request)>,
    pub violations: Vec<Violation>,
    pub counts: BTreeMap<&'static str, u64>,
    /// Requests that may have written, by the engine.
    pub requests: u64,
    pub trace: u64,
    /// Lines of the trace, when they are wanted.
    pub lines: Option<Vec<String>>,
    /// True time at which the request under way was sent.
    pub sent: i64,
    /// The local clock was set during this cycle.
    pub jumped: bool,
    /// Fields that a service refused by name: they may stay apart until somebody edits.
    pub refused: BTreeSet<(ItemId, FieldKey)>,
    /// Both sides' states are kept in one vocabulary (a design under trial).
    pub one_vocabulary: bool,
    /// A delta may have missed something.
    pub hidden: bool,
}

impl World {
    pub fn new(seed: u64, setup: &Setup, clock: ManualClock, lines: bool) -> World {
        let service = |skew| Service {
            skew,
            ..Service::default()
        };
        World {
            now: START,
            side: Sided {
                ado: service(setup.skew_ado),
                clickup: service(setup.skew_clickup),
            },
            clock,
            setup: setup.clone(),
            engine: Weak::new(),
            seed,
            rng: Rng::new(seed ^ 0xA5A5),
            deeds: Vec::new(),
            at: BTreeMap::new(),
            looking: false,
            late: Vec::new(),
            violations: Vec::new(),
            counts: BTreeMap::new(),
            requests: 0,
            trace: seed,
            lines: lines.then(Vec::new),
            sent: START,
            jumped: false,
            refused: BTreeSet::new(),
            one_vocabulary: false,
            hidden: false,
        }
    }

    pub fn violate(&mut self, law: &'static str, what: String) {
        self.say(|| format!("VIOLATION {law}: {what}"));
        self.violations.push(Violation { law, what });
    }

    pub fn count(&mut self, word: &'static str) {
        *self.counts.entry(word).or_default() += 1;
    }

    pub fn say(&mut self, line: impl FnOnce() -> String) {
        let now = self.now;
        if let Some(lines) = &mut self.lines {
            lines.push(format!("{:>10} {}", now - START, line()));
        }
    }

    /// Adds to the hash that two runs of one script must share.
    pub fn note(&mut self, bytes: &[u8]) {
        self.trace = hash(self.trace, bytes);
    }

    pub fn server(&self, side: Side) -> i64 {
        self.now + self.side.get(side).skew
    }

    /// Lets time pass. Requests that were under way take effect at their time.
    pub fn tick(&mut self, ms: i64) {
        let end = self.now + ms;
        loop {
            let due = self.late.iter().map(|late| late.0).min();
            let Some(due) = due.filter(|due| *due <= end) else {
                break;
            };
            let step = due - self.now;
            self.clock.advance(step.max(0));
            self.now = self.now.max(due);
            let at = self.late.iter().position(|late| late.0 == due);
            if let Some(at) = at {
                let (_, side, request) = self.late.remove(at);
                let outcome = self.apply(side, &request, Delivery::Late);
                self.say(|| format!("{side}: late request in force: {:?}", outcome.is_ok()));
            }
        }
        self.clock.advance(end - self.now);
        self.now = end;
    }

    pub fn later(&mut self, ms: i64, side: Side, request: Request) {
        self.late.push((self.now + ms, side, request));
    }

    pub fn set_clock(&mut self, ms: i64) {
        self.count("clock set");
        self.jumped = true;
        self.clock.advance(ms);
        self.say(|| format!("local clock set by {ms} ms"));
    }

    /// Starts a cycle with what is to happen in it.
    pub fn begin(&mut self, deeds: Vec<(Point, Deed)>) {
        self.deeds = deeds;
        self.at.clear();
        self.jumped = false;
    }

    /// Passes one edge of a call or a transaction: what was planned for it happens.
    pub fn edge(&mut self, ons: &[On], after: bool) -> Edge {
        let mut edge = Edge::default();
        for on in ons {
            let n = self.at.get(on).copied().unwrap_or_default();
            let point = Point { on: *on, n, after };
            let here: Vec<Deed> = self
                .deeds
                .iter()
                .filter(|(at, deed)| {
                    // A fault counts for the whole call, whichever edge it names.
                    *at == point
                        || matches!(deed, Deed::Fault(_)) && !after && (at.on, at.n) == (*on, n)
                })
                .map(|(_, deed)| deed.clone())
                .collect();
            for deed in here {
                match deed {
                    Deed::Act(act) => self.act(&act),
                    Deed::Wait(ms) => self.tick(ms),
                    Deed::Clock(ms) => self.set_clock(ms),
                    Deed::Crash => edge.crash = true,
                    Deed::Fault(fault) if !after => edge.fault = Some(fault),
                    Deed::Fault(_) => {}
                }
            }
            if after {
                self.at.insert(*on, n + 1);
            }
        }
        if edge.crash {
            self.count("crash");
            self.say(|| format!("CRASH {} {ons:?}", if after { "after" } else { "before" }));
        }
        edge
    }

    /// How long a request is under way, one way.
    pub fn latency(&mut self) -> i64 {
        match self.rng.below(60) {
            0 => self.rng.range(200, 3_000),
            // Answers within the same ms make equal change times.
            1..=6 => 0,
            _ => self.rng.range(1, 120),
        }
    }

    /// How long an index takes to see a state: for most a moment, for some nearly [`LAG`].
    fn lag(&self, side: Side, id: &ItemId, version: i64) -> i64 {
        let mut start = hash(self.seed, id.as_str().as_bytes());
        start = mix(start ^ version.cast_unsigned() ^ side as u64);
        let mut rng = Rng::new(start);
        match rng.below(10) {
            0..=4 => 0,
            5..=7 => rng.range(0, 5_000),
            _ => rng.range(0, LAG),
        }
    }

    /// Changes a record; nothing happens when it stays as it is. Returns whether it changed.
    fn change(&mut self, side: Side, at: usize, change: impl FnOnce(&mut State)) -> bool {
        let server = self.server(side);
        let now = self.now;
        let record = &self.side.get(side).records[at];
        let before = record.now().clone();
        let mut state = before.clone();
        change(&mut state);
        if state == before {
            return false;
        }
        state.version = match side {
            Side::Ado => before.version + 1,
            Side::ClickUp => server.max(before.version),
        };
        state.changed = server.max(before.changed);
        let lag = self.lag(side, &record.id, state.version);
        state.indexed = before.indexed.max(now + lag);
        self.side.get_mut(side).records[at].past.push(state);
        true
    }

    fn insert(&mut self, side: Side, pair: usize, state: State) -> usize {
        let n = self.side.get(side).records.len() + 1;
        let id = match side {
            Side::Ado => ItemId((100 + n).to_string()),
            Side::ClickUp => ItemId(format!("86t{n}")),
        };
        let created = self.server(side);
        let version = if side == Side::Ado { 1 } else { created };
        let lag = self.lag(side, &id, version);
        let state = State {
            version,
            changed: created,
            indexed: self.now + lag,
            in_scope: true,
            deleted: false,
            ..state
        };
        self.side.get_mut(side).records.push(Record {
            id,
            pair,
            created,
            source: None,
            past: vec![state],
            authored: BTreeMap::new(),
            read: (0, 0),
            writes: Sided2::default(),
            ever_deleted: false,
            copy: false,
        });
        n - 1
    }

    /// Sets a value as the service stores it, for a person.
    fn person(&mut self, side: Side, at: usize, key: &FieldKey, value: FieldValue) {
        let Some(kind) = kind(key) else {
            self.change(side, at, |state| {
                state.values.insert(key.clone(), value);
            });
            return;
        };
        // Nobody edits an item in the very ms in which it came to be.
        if self.server(side) == self.side.get(side).records[at].created {
            self.now += 1;
            self.clock.advance(1);
        }
        let now = self.now;
        let value = kind.stored(side, value);
        let old = self.side.get(side).records[at]
            .now()
            .values
            .get(key)
            .cloned();
        let stored = value.clone();
        let moved = self.change(side, at, |state| {
            state.values.insert(key.clone(), stored);
        });
        if !moved {
            return;
        }
        let before = old.map(|old| kind.pieces(&old)).unwrap_or_default();
        let record = &mut self.side.get_mut(side).records[at];
        for piece in kind.pieces(&value).difference(&before) {
            record.authored.insert((key.clone(), piece.clone()), now);
        }
        *record.writes.people.entry(key.clone()).or_default() += 1;
        let id = record.id.clone();
        let others = &self.side.get(side.other()).records;
        let twins = self.twins(side, at).into_iter();
        let mut same: BTreeSet<ItemId> = twins.map(|twin| others[twin].id.clone()).collect();
        same.insert(id.clone());
        self.refused
            .retain(|(item, field)| field != key || !same.contains(item));
        self.say(|| format!("{side} {id}: person sets {key} to {value:?}"));
    }

    /// A person does something.
    pub fn act(&mut self, act: &Act) {
        self.count("acts");
        match act {
            Act::Create { side, n, pair } => {
                let pair = (*pair % self.setup.pairs) as usize;
                let at = self.insert(*side, pair, blank());
                for kind in KINDS {
                    let value = kind.stored(*side, kind.start(*side, *n));
                    let now = self.now;
                    let record = &mut self.side.get_mut(*side).records[at];
                    for piece in kind.pieces(&value) {
                        record.authored.insert((kind.key(), piece), now);
                    }
                    record.writes.people.insert(kind.key(), 1);
                    record.past[0].values.insert(kind.key(), value);
                }
                let id = self.side.get(*side).records[at].id.clone();
                self.say(|| format!("{side} {id}: person creates"));
            }
            Act::Edit {
                side,
                item,
                field,
                n,
            } => {
                let Some(at) = self.pick(*side, *item, false) else {
                    return;
                };
                let old = self.value(*side, at, field);
                let value = match kind(field) {
                    Some(kind) => kind.edit(*side, &old, *n),
                    None => FieldValue::Number(i64::from(*n)),
                };
                self.person(*side, at, field, value);
            }
            Act::Revert { side, item, field } => {
                let Some(at) = self.pick(*side, *item, false) else {
                    return;
                };
                let now = self.value(*side, at, field);
                let past = self.side.get(*side).records[at].past.iter().rev();
                let earlier = past
                    .filter_map(|state| state.values.get(field))
                    .find(|value| **value != now);
                if let Some(value) = earlier.cloned() {
                    self.person(*side, at, field, value);
                }
            }
            Act::Leave { side, item } | Act::Return { side, item } => {
                let inside = matches!(act, Act::Return { .. });
                if let Some(at) = self.pick(*side, *item, false) {
                    self.change(*side, at, |state| state.in_scope = inside);
                    let id = self.side.get(*side).records[at].id.clone();
                    self.say(|| format!("{side} {id}: person moves it, in scope: {inside}"));
                }
            }
            Act::Delete { side, item } | Act::Restore { side, item } => {
                let restore = matches!(act, Act::Restore { .. });
                if let Some(at) = self.pick(*side, *item, restore) {
                    self.change(*side, at, |state| state.deleted = !restore);
                    let record = &mut self.side.get_mut(*side).records[at];
                    record.ever_deleted = true;
                    *record.writes.people.entry(FieldKey::State).or_default() += 1;
                    let id = record.id.clone();
                    self.say(|| format!("{side} {id}: person deletes it, or restores: {restore}"));
                }
            }
            Act::Copy { side, item, n } => {
                let Some(at) = self.pick(*side, *item, false) else {
                    return;
                };
                let source = &self.side.get(*side).records[at];
                let (pair, state) = (source.pair, source.now().clone());
                let copy = self.insert(*side, pair, state);
                self.side.get_mut(*side).records[copy].copy = true;
                let title = FieldValue::text(&format!("copy {n}"));
                self.person(*side, copy, &FieldKey::Title, title);
            }
        }
    }

    fn value(&self, side: Side, at: usize, field: &FieldKey) -> FieldValue {
        let now = self.side.get(side).records[at].now();
        now.values.get(field).cloned().unwrap_or(FieldValue::Empty)
    }

    fn pick(&self, side: Side, item: u32, deleted: bool) -> Option<usize> {
        let records = &self.side.get(side).records;
        let at = (item as usize).checked_rem(records.len())?;
        (records[at].now().deleted == deleted).then_some(at)
    }

    /// What a service shows of a state.
    pub fn item(&self, side: Side, record: &Record, state: &State) -> Item {
        let format = match side {
            Side::Ado => TextFormat::Html,
            Side::ClickUp => TextFormat::Markdown,
        };
        let text = match state.values.get(&FieldKey::Description) {
            Some(FieldValue::Rich(text)) => text.clone(),
            _ => String::new(),
        };
        Item {
            id: record.id.clone(),
            version: Version(state.version),
            url: url(side, &record.id),
            fields: state.values.clone(),
            raw: BTreeMap::from([(FieldKey::Description, RichText { format, text })]),
            markers: state.markers.clone(),
            backlinks: Vec::new(),
            parent: None,
            archived: false,
            container: match state.in_scope {
                true => pair(record.pair).0,
                false => "elsewhere".to_owned(),
            },
            created_at: Timestamp(record.created),
            changed_at: Timestamp(state.changed),
        }
    }

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
            Request::Delete(id) => self.delete(side, id),
        }
    }

    fn create(&mut self, side: Side, new: &NewItem, delivery: Delivery) -> usize {
        let pair = usize::from(new.pair == pair(1));
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
        if !new.marker.is_empty() {
            state.markers = vec![new.marker.clone()];
        }
        let at = self.insert(side, pair, state);
        let record = &mut self.side.get_mut(side).records[at];
        record.source = Some(new.source.clone());
        record.copy = delivery == Delivery::Again;
        let id = record.id.clone();
        self.say(|| format!("{side} {id}: created for {} ({delivery:?})", new.source));
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
                match key {
                    FieldKey::Tags => FieldValue::from_tags(set),
                    _ => FieldValue::from_people(set),
                }
            } else {
                value.clone()
            };
            after.insert(key.clone(), kind.stored(side, value));
        }
        let marker = change
            .backlink
            .as_ref()
            .filter(|_| delivery != Delivery::Partial);
        let markers: Vec<String> = marker.map(|link| link.marker.clone()).into_iter().collect();
        let new = after.clone();
        self.change(side, at, |state| {
            state.values = new;
            if state.markers.is_empty() {
                state.markers = markers;
            }
        });
        let id = change.id.clone();
        self.say(|| format!("{side} {id}: engine sets {:?} ({delivery:?})", change.set));
        self.judge_update(side, at, &before, &after, delivery);
        Ok(at)
    }

    fn delete(&mut self, side: Side, id: &ItemId) -> Result<usize, Refusal> {
        let at = self.side.get(side).find(id).ok_or(Refusal::Gone)?;
        if self.side.get(side).records[at].now().deleted {
            return Err(Refusal::Gone);
        }
        self.judge_delete(side, at);
        self.change(side, at, |state| state.deleted = true);
        self.side.get_mut(side).records[at].ever_deleted = true;
        self.say(|| format!("{side} {id}: engine deletes"));
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
        let record = &self.side.get(side).records[at];
        let others = self.side.get(side.other()).records.iter().enumerate();
        let made = |made: &Record, of: &Record| !made.copy && made.source.as_ref() == Some(&of.id);
        others
            .filter(|(_, other)| {
                other.pair == record.pair && (made(record, other) || made(other, record))
            })
            .map(|(at, _)| at)
            .collect()
    }
}

/// Why a service did not do it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refusal {
    Moved,
    Gone,
}

pub fn url(side: Side, id: &ItemId) -> String {
    match side {
        Side::Ado => format!("https://ado.example/p/_workitems/edit/{id}"),
        Side::ClickUp => format!("https://app.clickup.example/t/{id}"),
    }
}

/// A new record before anything is set: what the services fill in by themselves.
fn blank() -> State {
    let mut values: BTreeMap<FieldKey, FieldValue> = KINDS
        .iter()
        .map(|kind| (kind.key(), FieldValue::Empty))
        .collect();
    values.insert(FieldKey::Type, FieldValue::choice("Bug"));
    values.insert(UNMAPPED, FieldValue::Empty);
    State {
        version: 0,
        changed: 0,
        values,
        markers: Vec::new(),
        in_scope: true,
        deleted: false,
        indexed: 0,
    }
}
