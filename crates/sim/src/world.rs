//! Both services: records with every state that they ever had, listings that lag behind, people who edit.
//!
//! The rules are those of the vendors' own documents, not of our connectors: revisions and compare-and-swap on ADO;
//! on ClickUp a change time in ms that may repeat, no conditional write, sets written as differences. A direct read
//! shows the present; a listing shows each record as its index last saw it, up to [`LAG`] ago.

use super::claims::Canary;
use super::customs::Customs;
use super::kinds::{UNMAPPED, kinds};
use super::left_out::Silence;
use super::rng::{Rng, hash, mix};
use super::script::{Deed, Fault, On, Point, Says, Setup};
use super::told::Told;
use boardsync::clock::ManualClock;
use boardsync::connector::{Change, NewItem};
use boardsync::engine::Engine;
use boardsync::model::{
    FieldKey, FieldValue, Folded, Item, ItemId, PairName, RichText, Side, Sided, TextFormat,
    Timestamp, Version,
};
use std::cell::Cell;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Weak;

/// How far a listing may lag: below L of the protocol (180 s), so that L + F stays below its quiet time with room for
/// the latency of the requests themselves.
pub const LAG: i64 = 170_000;
/// How far it may lag where the protocol's bounds are broken.
pub const LONG_LAG: i64 = 900_000;
/// True time at which every history starts.
pub const START: i64 = 1_750_000_000_000;

/// The names of both pairs, and those that a person may give them instead.
const NAMES: [[&str; 2]; 2] = [["web", "app"], ["website", "apps"]];

/// A pair's name; `renamed`: the one that a person gave it later.
pub fn pair(n: usize, renamed: bool) -> PairName {
    PairName(NAMES[usize::from(renamed)][n % 2].to_owned())
}

/// Which pair has a name, or had it.
pub fn numbered(name: &PairName) -> usize {
    usize::from(NAMES.iter().any(|names| names[1] == name.0))
}

/// One state of a record.
#[derive(Clone, Debug, PartialEq)]
pub struct State {
    pub version: i64,
    /// Server time of the change.
    pub changed: i64,
    pub values: BTreeMap<FieldKey, FieldValue>,
    pub markers: Vec<String>,
    /// The pair in whose place it is, where it is in scope.
    pub pair: usize,
    pub in_scope: bool,
    pub deleted: bool,
    /// Its state is one that only the engine wrote, on the way to another one.
    pub half_way: bool,
    /// The engine made it, by the user whom its token belongs to. Nobody else uses that account here: whoever chooses the
    /// very step that a request of ours was to take is not to be told from us by anything else.
    pub by_engine: bool,
    /// True time from which listings show it.
    pub indexed: i64,
}

/// A work item or task.
#[derive(Clone, Debug)]
pub struct Record {
    pub id: ItemId,
    /// Server time of its creation.
    pub created: i64,
    /// For what it was made, if the engine made it.
    pub source: Option<ItemId>,
    /// Every state, oldest first; never empty.
    pub past: Vec<State>,
    /// Parts of values that a person put there, with the true time.
    pub authored: BTreeMap<(FieldKey, String), i64>,
    /// True time at which a person, or a command of one, last changed a field.
    pub typed: BTreeMap<FieldKey, i64>,
    /// True time at which the last direct read was answered, and at which the answer arrived.
    pub read: (i64, i64),
    pub writes: Writes,
    pub ever_deleted: bool,
    /// Made by a request that was delivered twice, or copied by a person.
    pub copy: bool,
    /// The item that it stands under: of a task, the one that it is a subtask of.
    pub parent: Option<ItemId>,
    /// Every one that it ever stood under.
    pub parents: BTreeSet<ItemId>,
    /// It answers 404 although nobody deleted it.
    pub vanished: bool,
    /// A read said "deleted" although it was there. Twice, minutes apart, that is evidence by the protocol, so once only.
    pub falsely_gone: bool,
}

/// Value changes per field: by people, by the engine, and how many of the latter the service stored otherwise.
#[derive(Clone, Debug, Default)]
pub struct Writes {
    pub people: BTreeMap<FieldKey, u32>,
    pub engine: BTreeMap<FieldKey, u32>,
    pub rendered: BTreeMap<FieldKey, u32>,
}

impl Record {
    pub fn now(&self) -> &State {
        &self.past[self.past.len() - 1]
    }

    /// The pair in whose place it is.
    pub fn pair(&self) -> usize {
        self.now().pair
    }

    /// Whether it is in the scope of a pair.
    pub fn is_in(&self, pair: usize) -> bool {
        self.now().in_scope && self.pair() == pair
    }

    /// What it was before its last version; `None`: it has only one.
    pub fn before(&self) -> Option<&State> {
        let now = self.now().version;
        self.past.iter().rev().find(|state| state.version < now)
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
    /// One tag on or off, in a call of its own. The flag says that it is the first of its update.
    Tag(ItemId, Folded, bool, bool),
    /// By a pair's plan.
    Delete(PairName, ItemId),
}

/// A value that a service does not take for an item, or for what is made of it.
#[derive(Clone, Debug)]
pub struct Poison {
    pub side: Side,
    pub subject: ItemId,
    pub field: FieldKey,
    /// Of tags the one that is refused.
    pub value: FieldValue,
    pub says: Says,
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
    /// The first of two requests, so that its state is nobody's in the end.
    Step,
    /// A later call of one update.
    Further,
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
    pub seed: u64,
    rng: Rng,
    /// What is to happen during this cycle.
    pub deeds: Vec<(Point, Deed)>,
    pub at: BTreeMap<On, u32>,
    /// Set while the engine only looks.
    pub looking: bool,
    /// When each takes effect, and whether it is an undo's write to a field.
    late: Vec<(i64, Side, Request, bool)>,
    pub violations: Vec<Violation>,
    pub counts: BTreeMap<&'static str, u64>,
    /// Requests that may have written, by the engine.
    pub requests: u64,
    /// How often a write asked for its turn.
    pub turns: u64,
    pub trace: u64,
    /// Lines of the trace, when they are wanted.
    pub lines: Option<Vec<String>>,
    /// True time at which the request under way was sent.
    pub sent: i64,
    /// True time at which this cycle began.
    pub began: i64,
    /// The local clock was set during this cycle.
    pub jumped: bool,
    /// Fields that a service refused: they may stay apart where a hold says so.
    pub refused: BTreeSet<(ItemId, FieldKey)>,
    /// Values that a service refuses.
    pub poison: Vec<Poison>,
    /// Items whose every write is refused (a design under trial).
    pub blamed: BTreeSet<ItemId>,
    /// Both sides' states are kept in one vocabulary (a design under trial).
    pub one_vocabulary: bool,
    /// Set while the first of two requests takes effect.
    pub stepping: bool,
    /// The canaries of both pairs.
    pub claims: [Canary; 2],
    /// Places of pairs that are gone, so that nothing of the pair can be listed on that side.
    pub shut: BTreeSet<(Side, usize)>,
    /// A delta may have missed something.
    pub hidden: bool,
    /// Whether the listing that is answered comes from a replica that lags.
    pub lagging: bool,
    /// What each side leaves out of its next answers.
    pub silent: Sided<Silence>,
    /// What the answer under way leaves out.
    pub unsaid: BTreeSet<FieldKey>,
    /// How many values it left out so far.
    pub left_out: Cell<u32>,
    /// Custom fields that the read before this one left out of a task.
    pub unread: BTreeSet<(ItemId, FieldKey)>,
    /// The services do what they are told, and nothing happens any more.
    pub calm: bool,
    /// What the judge knows of commands.
    pub told: Told,
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
            turns: 0,
            trace: seed,
            lines: lines.then(Vec::new),
            sent: START,
            began: START,
            jumped: false,
            refused: BTreeSet::new(),
            poison: Vec::new(),
            blamed: BTreeSet::new(),
            one_vocabulary: false,
            stepping: false,
            claims: Default::default(),
            shut: BTreeSet::new(),
            hidden: setup.unbounded,
            lagging: false,
            silent: Sided::default(),
            unsaid: BTreeSet::new(),
            left_out: Cell::default(),
            unread: BTreeSet::new(),
            calm: false,
            told: Told::default(),
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
                let (_, side, request, undoing) = self.late.remove(at);
                let before = std::mem::replace(&mut self.told.undoing, undoing);
                let outcome = self.apply(side, &request, Delivery::Late);
                self.told.undoing = before;
                self.say(|| format!("{side}: late request in force: {:?}", outcome.is_ok()));
            }
        }
        self.clock.advance(end - self.now);
        self.now = end;
    }

    pub fn later(&mut self, ms: i64, side: Side, request: Request) {
        let undoing = self.told.undoing && !matches!(request, Request::Delete(..));
        self.late.push((self.now + ms, side, request, undoing));
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
        self.began = self.now;
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
            self.cut_forgotten();
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
    pub fn lag(&self, side: Side, id: &ItemId, version: i64) -> i64 {
        let mut start = hash(self.seed, id.as_str().as_bytes());
        start = mix(start ^ version.cast_unsigned() ^ side as u64);
        let mut rng = Rng::new(start);
        match rng.below(10) {
            0..=3 => 0,
            _ if self.setup.unbounded => rng.range(0, LONG_LAG),
            4 => 0,
            5..=7 => rng.range(0, 5_000),
            _ => rng.range(0, LAG),
        }
    }

    /// Changes a record; nothing happens when it stays as it is. Returns whether it changed.
    pub fn change(&mut self, side: Side, at: usize, change: impl FnOnce(&mut State)) -> bool {
        let server = self.server(side);
        let now = self.now;
        let record = &self.side.get(side).records[at];
        let (id, before) = (record.id.clone(), record.now().clone());
        let mut state = State {
            by_engine: false,
            ..before.clone()
        };
        change(&mut state);
        let same = State {
            by_engine: state.by_engine,
            ..before.clone()
        };
        if state == same {
            return false;
        }
        if state.values.get(&FieldKey::State) != before.values.get(&FieldKey::State) {
            state.half_way = self.stepping;
        }
        // Setting a custom field may move no date of a task.
        let silent = side == Side::ClickUp && self.setup.customs == Customs::Unmoved;
        let silent = silent && only_customs(&before, &state);
        // One that comes back at the version of a request without an answer nobody can tell from one that never went: that limit
        // is named in the README, and such histories are not made.
        let silent = silent && !comes_back(record, &state);
        if silent {
            self.count("custom field set without a version");
            // Only a full listing tells.
            self.hidden = true;
        }
        state.version = match side {
            Side::Ado => before.version + 1,
            Side::ClickUp if silent => before.version,
            Side::ClickUp => server.max(before.version),
        };
        state.changed = match silent {
            true => before.changed,
            false => server.max(before.changed),
        };
        let lag = self.lag(side, &id, state.version);
        state.indexed = before.indexed.max(now + lag);
        self.side.get_mut(side).records[at].past.push(state);
        true
    }

    pub fn insert(&mut self, side: Side, pair: usize, state: State) -> usize {
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
            pair,
            in_scope: true,
            deleted: false,
            half_way: false,
            ..state
        };
        self.side.get_mut(side).records.push(Record {
            id,
            created,
            source: None,
            past: vec![state],
            authored: BTreeMap::new(),
            typed: BTreeMap::new(),
            read: (0, 0),
            writes: Writes::default(),
            ever_deleted: false,
            copy: false,
            parent: None,
            parents: BTreeSet::new(),
            vanished: false,
            falsely_gone: false,
        });
        n - 1
    }

    /// What a service shows of a state.
    pub fn item(&self, side: Side, record: &Record, state: &State) -> Item {
        let format = match side {
            Side::Ado => TextFormat::Html,
            Side::ClickUp => TextFormat::Markdown,
        };
        let text = match state.values.get(&FieldKey::Description) {
            Some(FieldValue::Rich(text)) => text.to_string(),
            _ => String::new(),
        };
        Item {
            id: record.id.clone(),
            version: Version(state.version),
            url: url(side, &record.id),
            fields: state.values.clone(),
            raw: FromIterator::from_iter([(FieldKey::Description, RichText::new(format, text))]),
            unread: BTreeSet::new(),
            markers: state.markers.clone(),
            backlinks: Vec::new(),
            parent: record.parent.clone(),
            archived: false,
            container: match state.in_scope {
                true => self.name(state.pair).0,
                false => ELSEWHERE.to_owned(),
            },
            created_at: Timestamp(record.created),
            changed_at: Timestamp(state.changed),
        }
    }
}

/// Whether a custom field has a value that it had before.
fn comes_back(record: &Record, state: &State) -> bool {
    let changed = state
        .values
        .iter()
        .filter(|(key, value)| key.is_custom() && record.now().values.get(*key) != Some(*value));
    let mut changed = changed.map(|(key, value)| (key, Some(value)));
    changed.any(|(key, value)| {
        let mut past = record.past.iter();
        past.any(|past| past.values.get(key) == value)
    })
}

/// Whether two states differ in nothing but custom fields.
fn only_customs(before: &State, after: &State) -> bool {
    let others = |state: &State| {
        let mut values = state.values.clone();
        values.retain(|key, _| !key.is_custom());
        State {
            values,
            by_engine: false,
            ..state.clone()
        }
    };
    others(before) == others(after)
}

/// The place of what is in no pair.
pub const ELSEWHERE: &str = "elsewhere";

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
pub fn blank() -> State {
    let mut values: BTreeMap<FieldKey, FieldValue> = kinds()
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
        pair: 0,
        in_scope: true,
        deleted: false,
        half_way: false,
        by_engine: false,
        indexed: 0,
    }
}
