//! A board of any size, made up on the fly: two services that answer from memory, and a database file that holds them as
//! linked and settled.

#[path = "prose.rs"]
pub mod prose;

use async_trait::async_trait;
use boardsync::clock::ManualClock;
use boardsync::connector::{
    BeforeCall, Change, ConnectorError, EachPage, ErrorKind, Fetched, Known, ListedRow, Listing,
    NewItem, Reader, Schema, Swept, Watermark, Writer, Written,
};
use boardsync::engine::apply::{Consent, Report};
use boardsync::engine::cycle::{Answer, Approver};
use boardsync::engine::observe::Observed;
use boardsync::engine::recover::Recovered;
use boardsync::engine::{CycleError, Engine, Scope, Timing, Writers};
use boardsync::mapping::{People, Relation};
use boardsync::marker::MarkerKey;
use boardsync::markup;
use boardsync::model::{
    BaseState, FieldKey, FieldValue, Folded, Item, ItemId, PairName, RichText, Side, Sided,
    TextFormat, Timestamp, Version,
};
use boardsync::reconcile::policy::{Direction, FieldPolicy, GuardLimits, Lacks, OnDelete, Policy};
use boardsync::store::{Batch, Op, PairState, Store};
use prose::prose;
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

/// Local and server time at which everything was settled.
const SETTLED: Timestamp = Timestamp(1_800_000_000_000);
/// Rows of an idle delta: a full ClickUp page, all known.
pub const PAGE: i64 = 100;
/// Links stored in one transaction while the database is filled.
const CHUNK: i64 = 1000;

fn pair() -> PairName {
    PairName::from("web")
}

/// Rules that sync every built-in field both ways.
pub fn policy() -> Policy {
    let rule = FieldPolicy {
        direction: Direction::Both,
        winner: Some(Side::Ado),
    };
    Policy {
        pair: pair(),
        fingerprint: "1".to_owned(),
        approved: true,
        create_on: vec![Side::Ado, Side::ClickUp],
        on_delete: OnDelete::Unlink,
        fields: FieldKey::BUILT_IN
            .into_iter()
            .map(|key| (key, rule))
            .collect(),
        states: Relation::new([
            ("New", "to do"),
            ("Active", "in progress"),
            ("Closed", "complete"),
        ]),
        types: Relation::new([("Task", "Task")]),
        people: People::default(),
        parents: true,
        backlink: true,
        guard: GuardLimits::default(),
        customs: BTreeMap::new(),
        paused: BTreeMap::new(),
        identities: BTreeMap::new(),
        since: BTreeMap::new(),
        closed_states: Sided::default(),
        lacks: Lacks::default(),
        reach: BTreeMap::new(),
    }
}

/// An item of ordinary make-up. The two sides of one number agree.
pub fn item(side: Side, n: i64) -> Item {
    let (state, format, text) = match side {
        Side::Ado => (
            "Active",
            TextFormat::Html,
            format!(
                "<div>What item {n} is about, in a sentence or two of ordinary length.</div><ul><li>one</li><li>two</li></ul>"
            ),
        ),
        Side::ClickUp => (
            "in progress",
            TextFormat::Markdown,
            format!(
                "What item {n} is about, in a sentence or two of ordinary length.\n\n- one\n- two"
            ),
        ),
    };
    let description =
        format!("What item {n} is about, in a sentence or two of ordinary length.\n\n- one\n- two");
    let fields = BTreeMap::from([
        (
            FieldKey::Title,
            FieldValue::text(&format!("Item {n} with a title of usual length")),
        ),
        (FieldKey::Type, FieldValue::choice("Task")),
        (FieldKey::State, FieldValue::Choice(Folded::new(state))),
        (FieldKey::Assignees, FieldValue::Empty),
        (FieldKey::Priority, FieldValue::Number(2000)),
        (FieldKey::Tags, FieldValue::tags(["web", "checkout"])),
        (FieldKey::DueDate, FieldValue::Empty),
        (FieldKey::Points, FieldValue::Number(3000)),
        (FieldKey::Description, FieldValue::rich(description)),
    ]);
    Item {
        id: ItemId(n.to_string()),
        version: Version(n),
        url: format!("https://boards.example/{n}"),
        fields,
        raw: FromIterator::from_iter([(FieldKey::Description, RichText::new(format, text))]),
        unread: BTreeSet::new(),
        markers: Vec::new(),
        backlinks: Vec::new(),
        parent: None,
        archived: false,
        container: "Shop".to_owned(),
        created_at: SETTLED,
        changed_at: SETTLED,
    }
}

/// What both sides had when they last agreed.
pub fn base(items: &Sided<Item>) -> BTreeMap<FieldKey, Sided<FieldValue>> {
    let both = |(key, ado): (&FieldKey, &FieldValue)| {
        let clickup = items.clickup.fields.get(key).cloned();
        let clickup = clickup.unwrap_or(FieldValue::Empty);
        let ado = ado.clone();
        (key.clone(), Sided { ado, clickup })
    };
    items.ado.fields.iter().map(both).collect()
}

/// One of the two services, with items 0 to `count`, which never change.
pub struct Service {
    side: Side,
    count: i64,
    /// Bytes that every long text has beside its ordinary ones.
    text: usize,
    /// Listings and reads that were asked for, in pages.
    pub pages: AtomicUsize,
    /// Writes that were asked for.
    pub writes: AtomicUsize,
}

impl Service {
    fn new(side: Side, count: i64, text: usize) -> Service {
        Service {
            side,
            count,
            text,
            pages: AtomicUsize::new(0),
            writes: AtomicUsize::new(0),
        }
    }

    fn item(&self, n: i64) -> Item {
        let mut item = item(self.side, n);
        if self.text > 0 {
            let more = prose(n.unsigned_abs() as usize, self.text);
            let raw = item.raw.get_mut(&FieldKey::Description).unwrap();
            let text = match self.side {
                Side::Ado => format!("{}<p>{more}</p>", raw.text()),
                Side::ClickUp => format!("{}\n\n{more}", raw.text()),
            };
            *raw = RichText::new(raw.format(), text);
            let text = markup::canonical(raw.format(), &raw.text());
            item.fields
                .insert(FieldKey::Description, FieldValue::rich(text));
        }
        item
    }

    /// ADO lists ids with versions, ClickUp whole tasks.
    pub fn rows(&self, ids: std::ops::Range<i64>) -> Vec<ListedRow> {
        let pages = usize::try_from((ids.end - ids.start) / PAGE).unwrap_or(0);
        self.pages.fetch_add(pages, Ordering::Relaxed);
        let row = |n| {
            let shown = (self.side == Side::ClickUp).then(|| Box::new(self.item(n)));
            ListedRow {
                id: ItemId(n.to_string()),
                pair: pair(),
                version: Some(Version(n)),
                item: shown,
                shown: BTreeMap::new(),
            }
        };
        ids.map(row).collect()
    }

    fn refuse<T>(&self) -> Result<T, ConnectorError> {
        self.writes.fetch_add(1, Ordering::Relaxed);
        Err(ConnectorError::new(
            self.side,
            ErrorKind::Refused,
            "write",
            "nothing is to be written here",
        ))
    }
}

fn watermark() -> Watermark {
    Watermark {
        high: Some(SETTLED),
        settled: Some(SETTLED),
        ..Watermark::default()
    }
}

#[async_trait]
impl Reader for Service {
    fn side(&self) -> Side {
        self.side
    }

    async fn fetch_changes(
        &self,
        _since: &Watermark,
        known: &(dyn for<'a> Fn(&'a ItemId) -> Option<Known> + Send + Sync),
    ) -> Result<Listing, ConnectorError> {
        let rows = self.rows(self.count - PAGE..self.count);
        for row in &rows {
            std::hint::black_box(known(&row.id));
        }
        Ok(Listing {
            rows,
            watermark: watermark(),
            complete: false,
            ..Listing::default()
        })
    }

    async fn sweep(
        &self,
        _pairs: &BTreeSet<PairName>,
        each: EachPage<'_>,
    ) -> Result<Swept, ConnectorError> {
        for from in (0..self.count).step_by(100) {
            each(self.rows(from..self.count.min(from + PAGE)))?;
        }
        Ok(Swept {
            watermark: watermark(),
            ..Swept::default()
        })
    }

    async fn fetch_items(
        &self,
        ids: &BTreeSet<ItemId>,
    ) -> Result<BTreeMap<ItemId, Fetched>, ConnectorError> {
        self.pages.fetch_add(ids.len(), Ordering::Relaxed);
        let seen = |id: &ItemId| {
            let n = id.as_str().parse().unwrap_or_default();
            (id.clone(), Fetched::Seen(Box::new(self.item(n))))
        };
        Ok(ids.iter().map(seen).collect())
    }

    async fn find_marker(
        &self,
        _pair: &PairName,
        _marker: &str,
        _created_after: Timestamp,
    ) -> Result<Vec<ItemId>, ConnectorError> {
        Ok(Vec::new())
    }

    fn server_now(&self) -> Option<Timestamp> {
        Some(SETTLED)
    }

    fn covers(&self, _pair: &PairName, _item: &Item) -> Option<bool> {
        Some(true)
    }

    async fn fetch_schema(&self, _pair: &PairName) -> Result<Schema, ConnectorError> {
        Ok(Schema::default())
    }
}

#[async_trait]
impl Writer for Service {
    fn side(&self) -> Side {
        self.side
    }

    async fn create(&self, _new: &NewItem) -> Result<Written, ConnectorError> {
        self.refuse()
    }

    async fn update_in_calls(
        &self,
        _change: &Change,
        _before: BeforeCall<'_>,
    ) -> Result<Written, ConnectorError> {
        self.refuse()
    }

    async fn delete(&self, _pair: &PairName, _id: &ItemId) -> Result<(), ConnectorError> {
        self.refuse()
    }
}

/// A settled board of a given size: services, database and engine.
pub struct Board {
    engine: Engine,
    /// The services behind the engine, for what was asked of them.
    pub services: Sided<Arc<Service>>,
    writers: Writers,
    runtime: tokio::runtime::Runtime,
    /// The database file.
    pub database: PathBuf,
    _folder: tempfile::TempDir,
}

impl Board {
    /// Builds a board of `count` linked pairs of items, all in sync.
    pub fn new(count: i64) -> Board {
        let services = Sided::build(|side| Service::new(side, count, 0));
        Board::of(services, |database| filled(database, count))
    }

    /// Builds a board of `count` work items that nothing was ever read of, each with a text of `text` bytes, and no tasks.
    #[allow(
        dead_code,
        reason = "every bench compiles this file, and one of them looks at a first contact"
    )]
    pub fn unread(count: i64, text: usize) -> Board {
        let services = Sided {
            ado: Service::new(Side::Ado, count, text),
            clickup: Service::new(Side::ClickUp, 0, 0),
        };
        Board::of(services, |database| Store::open(database).unwrap())
    }

    fn of(services: Sided<Service>, store: impl FnOnce(&Path) -> Store) -> Board {
        let folder = tempfile::tempdir().unwrap();
        let database = folder.path().join("state.db");
        let store = store(&database);
        let services = services.map(|_, service| Arc::new(service));
        Board {
            engine: Engine {
                readers: services
                    .clone()
                    .map(|_, service| service as Arc<dyn Reader>),
                store: Mutex::new(store),
                clock: Arc::new(ManualClock::new(SETTLED.plus_ms(60_000))),
                policies: vec![policy()],
                key: MarkerKey::new([7; 32]),
                safety: Default::default(),
                timing: Timing::default(),
                interrupt: None,
                progress: None,
            },
            writers: services
                .clone()
                .map(|_, service| service as Arc<dyn Writer>),
            services,
            // One thread, so that a count of allocations sees all of them.
            runtime: tokio::runtime::Builder::new_current_thread()
                .build()
                .unwrap(),
            database,
            _folder: folder,
        }
    }

    /// Reads and plans.
    pub fn observe(&self, full: bool) -> Observed {
        let scope = Scope {
            full,
            ..Scope::default()
        };
        self.runtime.block_on(self.engine.observe(&scope)).unwrap()
    }

    /// Does all that the daemon does in one cycle.
    pub fn cycle(&self, full: bool) -> Report {
        let scope = Scope {
            full,
            ..Scope::default()
        };
        let mut nothing = Nothing;
        let cycle = self.engine.cycle(&self.writers, &scope, &mut nothing);
        let report = self.runtime.block_on(cycle).unwrap().report.unwrap();
        assert!(report.stopped.is_empty() && report.outcomes.is_empty());
        report
    }
}

/// Says what the daemon says to a plan, on a board on which nothing is open and nothing to do.
struct Nothing;

impl Approver for Nothing {
    type Error = CycleError;

    fn recovered(&mut self, recovered: &Recovered) {
        assert_eq!(*recovered, Recovered::default());
    }

    async fn answer(&mut self, _: &Engine, observed: Observed) -> Result<Answer, CycleError> {
        Ok(Answer::CarryOut(Box::new(observed), Consent::default()))
    }
}

fn filled(path: &Path, count: i64) -> Store {
    let mut store = Store::open(path).unwrap();
    for first in (0..count).step_by(usize::try_from(CHUNK).unwrap()) {
        let ids = first..count.min(first + CHUNK);
        store
            .commit(&Batch(ids.flat_map(settled).collect()))
            .unwrap();
    }
    let state = PairState {
        fingerprint: Some(policy().fingerprint),
        approved_at: Some(SETTLED),
        last_success: Some(SETTLED),
        last_attempt: Some(SETTLED),
        last_sweep: Some(SETTLED),
        last_error: None,
        let_through: Sided::default(),
    };
    let mut ops = vec![Op::SetPairState {
        pair: pair(),
        state,
    }];
    ops.extend(Side::BOTH.map(|side| Op::SetWatermark {
        side,
        watermark: watermark(),
    }));
    store.commit(&Batch(ops)).unwrap();
    store
}

/// What is stored of one linked pair of items.
fn settled(n: i64) -> Vec<Op> {
    let items = Sided::build(|side| item(side, n));
    let agreed = |(key, value): (FieldKey, Sided<FieldValue>)| {
        (key, value.map(|_, value| BaseState::Shown(value)))
    };
    let link = Op::AddLink {
        pair: pair(),
        ado: items.ado.id.clone(),
        clickup: items.clickup.id.clone(),
        origin: Some(Side::Ado),
        generation: 0,
        base: base(&items).into_iter().map(agreed).collect(),
        at: SETTLED,
    };
    let save = |side: Side, item: Item| Op::SaveObservation {
        side,
        item,
        pair: Some(pair()),
        seen_at: SETTLED,
    };
    vec![
        save(Side::Ado, items.ado),
        save(Side::ClickUp, items.clickup),
        link,
    ]
}
