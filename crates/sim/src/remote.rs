//! `Reader` and `Writer` over the world. Every call has two edges at which people act, requests break and the process
//! dies: a killed process is a future that never becomes ready.

use super::controls::Control;
use super::customs::Customs;
use super::script::{Fault, On};
use super::world::{Edge, LAG, Record, State, World, numbered};
use boardsync::connector::{
    Change, ConnectorError, ErrorKind, Fetched, Known, ListedRow, Listing, Watermark,
};
use boardsync::model::{
    Author, FieldKey, FieldValue, Item, ItemId, Past, Side, Timestamp, Version,
};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// How far below its watermark a side lists again, as the connectors do.
const OVERLAP_ADO: i64 = 300_000;
const OVERLAP_CLICKUP: i64 = 600_000;

pub struct Remote {
    pub world: Arc<Mutex<World>>,
    pub side: Side,
    pub control: Option<Control>,
    /// What the last listing showed, for the designs that plan from it.
    pub listed: Mutex<BTreeMap<ItemId, State>>,
    /// Updates without an answer, for the design that sends them again.
    pub queue: Mutex<Vec<Change>>,
}

/// A row of a listing: which record, in which of its states.
#[derive(Clone, Copy)]
pub struct Row {
    pub record: usize,
    pub state: usize,
}

pub fn lock<T>(of: &Mutex<T>) -> MutexGuard<'_, T> {
    of.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Remote {
    pub fn is(&self, control: Control) -> bool {
        self.control == Some(control)
    }

    pub fn shows_markers(&self) -> bool {
        self.control.is_none_or(Control::shows_markers)
    }

    /// What the engine is shown of a state.
    pub fn item(&self, world: &World, record: &Record, state: &State) -> Item {
        let mut item = world.item(self.side, record, state);
        if !self.shows_markers() {
            item.markers.clear();
        }
        if let (Some(control), Side::ClickUp) = (self.control, self.side) {
            let shown = item.fields.remove(&FieldKey::State);
            item.fields
                .extend(shown.map(|value| (FieldKey::State, control.shown(value))));
        }
        item
    }

    /// What arrives of the fields of a request.
    pub fn arrives(&self, fields: &mut BTreeMap<FieldKey, FieldValue>) {
        if let (Some(control), Side::ClickUp) = (self.control, self.side) {
            for key in [FieldKey::State, FieldKey::Description] {
                let sent = fields.remove(&key).map(|value| control.sent(value));
                fields.extend(sent.map(|value| (key, value)));
            }
        }
    }

    pub fn error(&self, kind: ErrorKind, what: &str) -> ConnectorError {
        ConnectorError::new(self.side, kind, "simulated", what)
    }

    /// The page of a firewall.
    pub fn page(&self) -> ConnectorError {
        let mut error = self.error(ErrorKind::Refused, "a page of something in between");
        error.status = Some(403);
        error.in_doubt = !self.is(Control::PageBelieved);
        error
    }

    /// The way to the service: time passes, and what was planned for this edge happens.
    pub async fn send(&self, ons: &[On]) -> Option<Fault> {
        {
            let mut world = lock(&self.world);
            world.sent = world.now;
        }
        let edge = self.pass(ons, false);
        if edge.crash {
            std::future::pending::<()>().await;
        }
        let mut world = lock(&self.world);
        let ms = world.latency();
        world.tick(ms);
        let locked = world.side.get(self.side).locked_until > world.now;
        match edge.fault {
            None if locked => Some(Fault::Auth(0)),
            fault => fault,
        }
    }

    pub fn pass(&self, ons: &[On], after: bool) -> Edge {
        lock(&self.world).edge(ons, after)
    }

    /// The way back.
    pub async fn back<T>(
        &self,
        ons: &[On],
        answer: Result<T, ConnectorError>,
    ) -> Result<T, ConnectorError> {
        {
            let mut world = lock(&self.world);
            if answer.is_ok() {
                let server = world.server(self.side);
                world.side.get_mut(self.side).answered = Some(server);
            }
            let ms = world.latency();
            world.tick(ms);
            let kind = answer
                .as_ref()
                .err()
                .map_or(0, |error| error.kind as u8 + 1);
            let at = world.now.to_le_bytes();
            world.note(&at);
            world.note(&[self.side as u8, kind]);
        }
        if self.pass(ons, true).crash {
            std::future::pending::<()>().await;
        }
        answer
    }

    /// The faults that any request may meet and that leave no trace.
    pub fn refuse(&self, fault: Option<&Fault>, writes: bool) -> Result<(), ConnectorError> {
        let Some(fault) = fault else { return Ok(()) };
        let mut world = lock(&self.world);
        let (kind, what) = match fault {
            Fault::Unreachable => (ErrorKind::Unreachable, "no connection"),
            Fault::Lost => (ErrorKind::Ambiguous, "no answer"),
            Fault::ServerError => (ErrorKind::Ambiguous, "HTTP 503"),
            Fault::Auth(ms) => {
                let until = world.now + ms;
                let service = world.side.get_mut(self.side);
                service.locked_until = service.locked_until.max(until);
                (ErrorKind::Auth, "HTTP 401")
            }
            Fault::Throttled => (ErrorKind::Throttled, "HTTP 429"),
            Fault::Unanswered | Fault::Late(_) | Fault::Partial | Fault::Twice if !writes => {
                (ErrorKind::Ambiguous, "no answer")
            }
            _ => return Ok(()),
        };
        world.count(fault.word());
        let mut error = self.error(kind, what);
        if kind == ErrorKind::Throttled {
            error.retry_after = Some(Duration::from_secs(30));
        }
        world.say(|| format!("{}: {what}", self.side));
        Err(error)
    }

    /// The rows of a listing as its index stands, with what a fault does to them.
    pub fn rows(
        &self,
        world: &mut World,
        fault: Option<&Fault>,
        wanted: impl Fn(&Record, &State) -> bool,
    ) -> Vec<Row> {
        let now = world.now;
        let records = world.side.get(self.side).records.iter().enumerate();
        let mut rows: Vec<Row> = records
            .filter_map(|(record, held)| Some((record, held, held.listed(now)?)))
            .filter(|(_, held, state)| {
                let state = &held.past[*state];
                state.in_scope && !state.deleted && wanted(held, state)
            })
            .map(|(record, _, state)| Row { record, state })
            .collect();
        match fault {
            Some(fault @ Fault::Empty) => {
                world.count(fault.word());
                world.hidden = true;
                rows.clear();
            }
            Some(fault @ Fault::Missing(n)) if !rows.is_empty() => {
                world.count(fault.word());
                world.hidden = true;
                rows.remove(*n as usize % rows.len());
            }
            _ => {}
        }
        let records = &world.side.get(self.side).records;
        let older = |row: &Row| records[row.record].before().is_some();
        let lags = fault == Some(&Fault::OldRows) && self.side == Side::Ado;
        let lagging = lags && rows.iter().any(older);
        if self.is(Control::U1) || self.is(Control::Absence) {
            let shown = |row: &Row| {
                let record = &records[row.record];
                (record.id.clone(), record.past[row.state].clone())
            };
            *lock(&self.listed) = rows.iter().map(shown).collect();
        }
        let stale = |row: &Row| row.state + 1 < records[row.record].past.len();
        if rows.iter().any(stale) {
            world.count("stale row");
        }
        world.lagging = lagging;
        if lagging {
            world.count(Fault::OldRows.word());
            world.hidden = true;
        }
        rows
    }

    /// What a listing of ADO reads by id.
    fn row_read<'a>(world: &World, record: &'a Record) -> &'a State {
        let older = record.before().filter(|_| world.lagging);
        older.unwrap_or_else(|| record.now())
    }

    /// ADO's rows are read by id for the listing; ClickUp's come out of its index.
    pub fn row(&self, world: &World, record: &Record, state: &State) -> ListedRow {
        let place = state.pair;
        let state = match self.side {
            Side::Ado => Some(Self::row_read(world, record)).filter(|state| !state.deleted),
            Side::ClickUp => Some(state),
        };
        ListedRow {
            id: record.id.clone(),
            pair: world.name(place),
            version: state.map(|state| Version(state.version)),
            item: state.map(|state| Box::new(self.listed_item(world, record, state))),
            shown: BTreeMap::new(),
        }
    }

    /// What a row shows: of tasks, in some histories, no value of a custom field.
    fn listed_item(&self, world: &World, record: &Record, state: &State) -> Item {
        let mut item = self.shown(world, record, state);
        if self.side == Side::ClickUp {
            let unlisted = world.setup.customs == Customs::Unlisted;
            let says = |value: &FieldValue| !unlisted && !value.is_empty();
            for (key, value) in &state.values {
                if !key.is_custom() || says(value) {
                    continue;
                }
                match self.is(Control::UnlistedIsEmpty) {
                    true => item.fields.insert(key.clone(), FieldValue::Empty),
                    false => item.fields.remove(key),
                };
            }
        }
        item
    }

    pub fn changes(
        &self,
        world: &mut World,
        fault: Option<&Fault>,
        since: &Watermark,
        known: &(dyn for<'a> Fn(&'a ItemId) -> Option<Known> + Send + Sync),
    ) -> Listing {
        let high = since.high.unwrap_or_default();
        let overlap = match (self.control, self.side) {
            (Some(Control::LocalWatermark), _) => 0,
            (_, Side::Ado) => OVERLAP_ADO,
            (_, Side::ClickUp) => OVERLAP_CLICKUP,
        };
        let from = high.plus_ms(-overlap).0;
        world.answers(self.side, fault);
        let mut failed = self.troubled(world, &world.names());
        let shut: BTreeSet<usize> = failed.keys().map(numbered).collect();
        if world.setup.silent && self.side == Side::ClickUp && !failed.is_empty() {
            world.count("list gone in silence");
            failed.clear();
        }
        let found = self.rows(world, fault, |_, state| {
            state.changed >= from && !shut.contains(&state.pair)
        });
        let mut rows = Vec::new();
        let mut newest = high;
        for row in &found {
            let record = &world.side.get(self.side).records[row.record];
            let state = &record.past[row.state];
            newest = newest.max(Timestamp(state.changed));
            if self.side == Side::ClickUp {
                rows.push(self.row(world, record, state));
                continue;
            }
            // Read inside the window: reported only if the revision, read by id, is another one.
            let explained = known(&record.id).filter(|held| held.changed_at.0 >= from);
            let read = Self::row_read(world, record).version;
            if explained.is_none_or(|held| held.version.0 != read) {
                rows.push(self.row(world, record, state));
            }
        }
        let server = Timestamp(world.server(self.side));
        Listing {
            rows,
            watermark: Watermark {
                high: Some(match self.side {
                    Side::Ado => high.max(server),
                    Side::ClickUp => newest,
                }),
                settled: Some(server),
                ..Watermark::default()
            },
            complete: false,
            failed,
        }
    }

    /// Reads one item by id.
    pub fn read(
        &self,
        world: &mut World,
        id: &ItemId,
        hit: impl Fn(u32) -> bool,
        fault: Option<&Fault>,
    ) -> Fetched {
        if let Some(item) = world.canary_item(self.side, id) {
            return Fetched::Seen(Box::new(item));
        }
        let Some(at) = world.side.get(self.side).find(id) else {
            return Fetched::Unclear {
                reason: "never seen".to_owned(),
            };
        };
        let now = world.now;
        let mut state = world.side.get(self.side).records[at].now().clone();
        let mut shows = now;
        match fault {
            Some(fault @ Fault::Unreadable(n)) if hit(*n) => {
                world.count(fault.word());
                return Fetched::Unclear {
                    reason: "no right to see it".to_owned(),
                };
            }
            Some(fault @ Fault::FalseGone(n))
                if hit(*n)
                    && self.side == Side::ClickUp
                    && !world.side.clickup.records[at].falsely_gone =>
            {
                world.count(fault.word());
                world.side.clickup.records[at].falsely_gone = true;
                return Fetched::Gone {
                    evidence: "HTTP 404".to_owned(),
                };
            }
            Some(fault @ Fault::OldRead(n)) if hit(*n) => {
                let service = world.side.get(self.side);
                let past = &service.records[at].past;
                let older = |older: &State| older.version < state.version;
                if let Some(older) = past.iter().rposition(older) {
                    state = past[older].clone();
                    // What it does not show falls into the window between a read and a write.
                    shows = past[older + 1].changed - service.skew;
                    world.count(fault.word());
                }
            }
            _ => {}
        }
        if world.out_of_reach(self.side, state.pair) {
            // The engine asks for the place of the link's own pair only. What was moved into another pair's place before that
            // went would count as deleted by somebody, which is a limit of the evidence and no fault.
            let past = &world.side.get(self.side).records[at].past;
            return match past.iter().any(|past| past.pair != state.pair) {
                true => Fetched::Unclear {
                    reason: "its list is gone".to_owned(),
                },
                false => Fetched::Gone {
                    evidence: "in the bin with its list".to_owned(),
                },
            };
        }
        if self.is(Control::U1)
            && let Some(old) = lock(&self.listed).get(id)
        {
            state = old.clone();
        }
        if self.is(Control::Absence) && !lock(&self.listed).contains_key(id) {
            return Fetched::Gone {
                evidence: "not listed".to_owned(),
            };
        }
        if state.deleted {
            return Fetched::Gone {
                evidence: "in the bin".to_owned(),
            };
        }
        let item = self.shown(world, &world.side.get(self.side).records[at], &state);
        if self.side == Side::ClickUp {
            world.was_read(&state, &item);
        }
        world.side.get_mut(self.side).records[at].read = (shows, now);
        Fetched::Seen(Box::new(item))
    }

    /// An item as it was after a version. ADO alone keeps that.
    pub fn history(&self, world: &mut World, id: &ItemId, since: Version) -> Vec<Past> {
        let service = world.side.get(self.side);
        let (Side::Ado, Some(at)) = (self.side, service.find(id)) else {
            return Vec::new();
        };
        let record = &service.records[at];
        let later = record.past.iter().filter(|state| state.version > since.0);
        let versions = later.map(|state| Past {
            item: self.item(world, record, state),
            by: match state.by_engine {
                true => Author::Token,
                false => Author::Another,
            },
        });
        let versions = versions.map(|past| (past.item.version, past));
        let by_version: BTreeMap<Version, Past> = versions.collect();
        world.count("history read");
        by_version.into_values().collect()
    }

    pub fn ons(&self, special: On) -> [On; 2] {
        [On::Call, special]
    }
}

const _: () = assert!(
    LAG < OVERLAP_ADO,
    "a listing may lag less than it is read again"
);
