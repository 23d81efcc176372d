//! What becomes of a create whose answer was lost, step by step.

use super::*;
use crate::clock::ManualClock;
use crate::connector::{
    ConnectorError, EachPage, Known, Listing, Reader, Schema, Swept, Watermark,
};
use crate::engine::{Engine, Timing};
use crate::marker::MarkerKey;
use crate::model::{PairName, Past, Sided, Version};
use crate::reconcile::policy::Policy;
use crate::store::{IntentKind, Store};
use async_trait::async_trait;
use boardsync_core::fixture::policy;
use std::sync::{Arc, Mutex};

mod found;

const NOW: i64 = 10_000_000;
const QUIET: i64 = 300_000;

/// A side that holds these carriers of any marker, and remembers what it was asked.
pub(in crate::engine) struct Carriers {
    side: Side,
    hits: Mutex<Vec<ItemId>>,
    readable: bool,
    /// The service's clock, once it has answered.
    pub(in crate::engine) told: Mutex<Option<Timestamp>>,
    asked: Mutex<Vec<(String, Timestamp)>>,
    /// What is found, where it is another item than `as_made`.
    made: Mutex<Option<Item>>,
    /// The states through which a create goes, or why they are not told.
    steps: Mutex<Result<Vec<FieldValue>, ErrorKind>>,
    /// Every version of what is found; empty: the service keeps none.
    history: Mutex<Vec<Past>>,
}

fn as_made(id: &ItemId) -> Item {
    let fields = BTreeMap::from([
        (FieldKey::Title, FieldValue::text("As made")),
        (FieldKey::Points, FieldValue::Empty),
    ]);
    Item {
        id: id.clone(),
        version: Version(1),
        url: String::new(),
        fields,
        raw: Default::default(),
        unread: BTreeSet::new(),
        markers: Vec::new(),
        backlinks: Vec::new(),
        parent: None,
        archived: false,
        container: String::new(),
        created_at: Timestamp(5_000_000),
        changed_at: Timestamp(5_000_000),
    }
}

#[async_trait]
impl Reader for Carriers {
    fn side(&self) -> Side {
        self.side
    }

    async fn fetch_changes(
        &self,
        _since: &Watermark,
        _known: &(dyn for<'a> Fn(&'a ItemId) -> Option<Known> + Send + Sync),
    ) -> Result<Listing, ConnectorError> {
        Ok(Listing::default())
    }

    async fn sweep(
        &self,
        _pairs: &BTreeSet<PairName>,
        _each: EachPage<'_>,
    ) -> Result<Swept, ConnectorError> {
        Ok(Swept::default())
    }

    async fn fetch_items(
        &self,
        ids: &BTreeSet<ItemId>,
    ) -> Result<BTreeMap<ItemId, Fetched>, ConnectorError> {
        let read = |id: &ItemId| match self.readable {
            true => {
                let made = self.made.lock().unwrap().clone();
                Fetched::Seen(Box::new(made.unwrap_or_else(|| as_made(id))))
            }
            false => Fetched::Unclear {
                reason: "403".to_owned(),
            },
        };
        Ok(ids.iter().map(|id| (id.clone(), read(id))).collect())
    }

    async fn steps_of_create(
        &self,
        _pair: &PairName,
        _made: &Item,
        _wanted: &FieldValue,
    ) -> Result<Vec<FieldValue>, ConnectorError> {
        let steps = self.steps.lock().unwrap().clone();
        steps.map_err(|kind| ConnectorError::new(self.side, kind, "read a type", "made up"))
    }

    async fn fetch_history(&self, _: &ItemId, _: Version) -> Result<Vec<Past>, ConnectorError> {
        Ok(self.history.lock().unwrap().clone())
    }

    fn covers(&self, _pair: &PairName, _item: &Item) -> Option<bool> {
        None
    }

    async fn find_marker(
        &self,
        _pair: &PairName,
        marker: &str,
        created_after: Timestamp,
    ) -> Result<Vec<ItemId>, ConnectorError> {
        let mut asked = self.asked.lock().unwrap();
        asked.push((marker.to_owned(), created_after));
        Ok(self.hits.lock().unwrap().clone())
    }

    fn server_now(&self) -> Option<Timestamp> {
        *self.told.lock().unwrap()
    }

    async fn fetch_schema(&self, _pair: &PairName) -> Result<Schema, ConnectorError> {
        Ok(Schema::default())
    }
}

pub(in crate::engine) struct Bench {
    pub(in crate::engine) engine: Engine,
    pub(in crate::engine) sides: Sided<Arc<Carriers>>,
}

pub(in crate::engine) fn bench(
    ado: &[&str],
    clickup: &[&str],
    readable: bool,
    intents: Vec<Intent>,
) -> Bench {
    let side = |side, hits: &[&str]| {
        Arc::new(Carriers {
            side,
            hits: Mutex::new(hits.iter().map(|id| ItemId::from(*id)).collect()),
            readable,
            told: Mutex::default(),
            asked: Mutex::default(),
            made: Mutex::default(),
            steps: Mutex::new(Ok(Vec::new())),
            history: Mutex::default(),
        })
    };
    let sides = Sided {
        ado: side(Side::Ado, ado),
        clickup: side(Side::ClickUp, clickup),
    };
    let mut store = Store::open_in_memory().unwrap();
    let ops = intents.into_iter().map(Op::OpenIntent).collect();
    store.commit(&Batch(ops)).unwrap();
    let engine = Engine {
        readers: Sided {
            ado: sides.ado.clone(),
            clickup: sides.clickup.clone(),
        },
        store: Mutex::new(store),
        clock: Arc::new(ManualClock::new(Timestamp(NOW))),
        policies: vec![policy()],
        key: MarkerKey::new([7; 32]),
        timing: Timing {
            quiet_ms: QUIET,
            ..Timing::default()
        },
        safety: crate::engine::rails::Safety::default(),
        interrupt: None,
        progress: None,
    };
    Bench { engine, sides }
}

fn intent(source_side: Side, source: &str) -> Intent {
    Intent {
        pair: "web".into(),
        kind: IntentKind::Create,
        source_side,
        source: source.into(),
        subject: Subject::Item,
        marker: format!("sx1:web:{}:{source}:2:00000000", source_side.key()),
        body_hash: String::new(),
        opened_at: Timestamp(NOW - 10),
        last_sent: Some(Timestamp(NOW - 10)),
        server_t0: Some(Timestamp(5_000_000)),
        tries: 3,
        source_fields: BTreeMap::from([
            (FieldKey::Title, FieldValue::text("As sent")),
            (FieldKey::Points, FieldValue::Number(2000)),
            (FieldKey::Priority, FieldValue::Number(1000)),
        ]),
        generation: 2,
    }
}

/// So many creates were found, and nothing else was open.
pub fn found(found: usize) -> Recovered {
    Recovered {
        found,
        ..Recovered::default()
    }
}

/// So many creates were given up, and nothing else was open.
fn given_up(given_up: usize) -> Recovered {
    Recovered {
        given_up,
        ..Recovered::default()
    }
}

/// So many creates stay open, and nothing was settled.
pub fn open(open: usize) -> Recovered {
    Recovered {
        open,
        ..Recovered::default()
    }
}

/// An intent that was last sent this long ago.
fn sent_ago(ms: i64) -> Intent {
    Intent {
        last_sent: Some(Timestamp(NOW - ms)),
        ..intent(Side::Ado, "7")
    }
}

#[tokio::test]
async fn the_target_is_searched_for_the_marker_from_well_before_the_first_send() {
    let unsent = Intent {
        server_t0: None,
        ..intent(Side::ClickUp, "86a")
    };
    let bench = bench(&[], &[], true, vec![intent(Side::Ado, "7"), unsent]);
    assert_eq!(bench.engine.recover().await.unwrap(), open(2));
    // A service that has not told its time yet is searched once more when it has.
    let asked = |side| {
        let mut asked = bench.sides.get(side).asked.lock().unwrap().clone();
        asked.dedup();
        asked
    };
    let marker = "sx1:web:ado:7:2:00000000".to_owned();
    assert_eq!(asked(Side::ClickUp), [(marker, Timestamp(4_400_000))]);
    let marker = "sx1:web:clickup:86a:2:00000000".to_owned();
    assert_eq!(asked(Side::Ado), [(marker, Timestamp(-600_000))]);
}

/// The second search is for one that may have begun too early to tell: without hits, and without a clock before it.
#[tokio::test]
async fn one_search_is_enough_where_it_can_tell() {
    for (hits, told, searches) in [
        (&[][..], None, 2),
        (&[], Some(Timestamp(5_000_000)), 1),
        (&["86a"], None, 1),
    ] {
        let bench = bench(&[], hits, true, vec![intent(Side::Ado, "7")]);
        *bench.sides.clickup.told.lock().unwrap() = told;
        bench.engine.recover().await.unwrap();
        assert_eq!(bench.sides.clickup.asked.lock().unwrap().len(), searches);
    }
}

/// Somebody may have moved the new item to the place of another pair before it was found.
#[tokio::test]
async fn what_is_not_in_its_own_pair_is_looked_for_in_the_others() {
    for (hits, searches) in [(&[][..], 2), (&["86a"], 1)] {
        let mut bench = bench(&[], hits, true, vec![intent(Side::Ado, "7")]);
        *bench.sides.clickup.told.lock().unwrap() = Some(Timestamp(5_000_000));
        bench.engine.policies.push(Policy {
            pair: "app".into(),
            ..policy()
        });
        bench.engine.recover().await.unwrap();
        assert_eq!(bench.sides.clickup.asked.lock().unwrap().len(), searches);
    }
}

/// Our own clock may have been set forward since the request was sent; the service's says how long ago that was.
#[tokio::test]
async fn the_service_s_clock_has_to_say_that_the_quiet_time_is_over_too() {
    for (since, closed) in [(QUIET - 1, false), (QUIET, true)] {
        let bench = bench(&[], &[], true, vec![sent_ago(QUIET)]);
        *bench.sides.clickup.told.lock().unwrap() = Some(Timestamp(5_000_000 + since));
        bench.engine.recover().await.unwrap();
        let open = bench.engine.store().open_intents().unwrap();
        assert_eq!(open.is_empty(), closed, "{since} ms after it was sent");
    }
}

#[tokio::test]
async fn a_clock_that_was_set_back_says_nothing() {
    let bench = bench(&[], &[], true, vec![sent_ago(-1)]);
    assert_eq!(bench.engine.recover().await.unwrap(), given_up(1));
}

#[tokio::test]
async fn what_was_found_is_linked_with_what_was_sent_as_its_base() {
    for (source_side, source) in [(Side::Ado, "7"), (Side::ClickUp, "86a")] {
        let bench = bench(&["7"], &["86a"], true, vec![intent(source_side, source)]);
        assert_eq!(bench.engine.recover().await.unwrap(), found(1));
        let store = bench.engine.store();
        assert!(store.open_intents().unwrap().is_empty());
        let links = store.links(&"web".into()).unwrap();
        let [link] = links.as_slice() else {
            panic!("one link: {links:?}");
        };
        assert_eq!((link.ado.as_str(), link.clickup.as_str()), ("7", "86a"));
        assert_eq!((link.origin, link.generation), (Some(source_side), 2));
        let base = store.base(link.id).unwrap();
        // The target does not show the priority, so nothing is known about it; the points did not take.
        let keys: Vec<&FieldKey> = base.keys().collect();
        assert_eq!(keys, [&FieldKey::Title, &FieldKey::Points]);
        let title = &base[&FieldKey::Title];
        let (sent, made) = (title.get(source_side), title.get(source_side.other()));
        // Nobody edited it, so the title was not taken as it was sent: by the base it counts as changed at the source.
        assert_eq!(sent.value(), &FieldValue::text("As made"));
        assert_eq!(made.value(), &FieldValue::text("As made"));
        let points = &base[&FieldKey::Points];
        assert!(points.iter().all(|(_, half)| half.value().is_empty()));
        let again = store.revisits(&"web".into()).unwrap();
        assert_eq!(again, BTreeSet::from([link.id]), "it is looked at again");
    }
}

/// Somebody copied a footer with its marker into a task that has a work item. The cycle goes on, and the create stays open.
#[tokio::test]
async fn an_item_that_is_linked_to_another_is_not_linked_for_its_marker() {
    let bench = bench(&[], &["86a"], true, vec![sent_ago(QUIET)]);
    let link = Op::AddLink {
        pair: "web".into(),
        ado: "5".into(),
        clickup: "86a".into(),
        origin: None,
        generation: 0,
        base: BTreeMap::new(),
        at: Timestamp(0),
    };
    bench.engine.store().commit(&Batch(vec![link])).unwrap();
    assert_eq!(bench.engine.recover().await.unwrap(), open(1));
    let store = bench.engine.store();
    assert_eq!(store.links(&"web".into()).unwrap().len(), 1);
    assert_eq!(
        store.open_intents().unwrap().len(),
        1,
        "nothing is sent again"
    );
    let holds = store.holds(None).unwrap();
    assert!(
        holds[0].reason().contains("linked to 5 already"),
        "{holds:?}"
    );
}

/// Which of two requests made the item is not known when the first was given up, so what it was made of is not either.
#[tokio::test]
async fn what_an_earlier_request_may_have_made_has_no_base() {
    let bench = bench(&[], &[], true, vec![sent_ago(QUIET)]);
    assert_eq!(bench.engine.recover().await.unwrap(), given_up(1));
    let second = Op::OpenIntent(intent(Side::Ado, "7"));
    bench.engine.store().commit(&Batch(vec![second])).unwrap();
    bench.sides.clickup.hits.lock().unwrap().push("86a".into());
    assert_eq!(bench.engine.recover().await.unwrap(), found(1));
    let store = bench.engine.store();
    let link = store.links(&"web".into()).unwrap().remove(0);
    assert_eq!(store.base(link.id).unwrap(), BTreeMap::new());
}

#[tokio::test]
async fn a_link_that_is_there_already_is_not_made_twice() {
    let bench = bench(&[], &["86a"], true, vec![intent(Side::Ado, "7")]);
    let link = Op::AddLink {
        pair: "web".into(),
        ado: "7".into(),
        clickup: "86a".into(),
        origin: None,
        generation: 0,
        base: BTreeMap::new(),
        at: Timestamp(0),
    };
    bench.engine.store().commit(&Batch(vec![link])).unwrap();
    assert_eq!(bench.engine.recover().await.unwrap(), found(1));
    let store = bench.engine.store();
    assert_eq!(store.links(&"web".into()).unwrap().len(), 1);
    assert!(store.open_intents().unwrap().is_empty());
}

#[tokio::test]
async fn twins_are_held_and_both_named() {
    let bench = bench(&[], &["86a", "86b"], true, vec![sent_ago(QUIET * 2)]);
    assert_eq!(bench.engine.recover().await.unwrap(), open(1));
    let store = bench.engine.store();
    assert!(store.links(&"web".into()).unwrap().is_empty());
    assert_eq!(store.open_intents().unwrap().len(), 1);
    let holds = store.holds(None).unwrap();
    let [hold] = holds.as_slice() else {
        panic!("one hold: {holds:?}");
    };
    assert!(
        hold.reason()
            .starts_with("2 items in ClickUp carry its marker (86a, 86b)"),
        "{}",
        hold.reason()
    );
    assert_eq!(
        (hold.side, hold.item.clone()),
        (Some(Side::Ado), Some("7".into()))
    );
    assert_eq!((hold.tries, hold.since), (3, Timestamp(NOW)));
    assert_eq!(hold.retry_at, Some(Timestamp(NOW)));
}

#[tokio::test]
async fn what_was_found_but_cannot_be_read_stays_open() {
    let bench = bench(&[], &["86a"], false, vec![sent_ago(QUIET * 2)]);
    assert_eq!(bench.engine.recover().await.unwrap(), open(1));
    let store = bench.engine.store();
    assert!(store.links(&"web".into()).unwrap().is_empty());
    assert_eq!(store.open_intents().unwrap().len(), 1);
}

#[tokio::test]
async fn what_is_not_found_is_given_up_when_the_quiet_time_is_over_and_not_before() {
    let unsent = Intent {
        last_sent: None,
        opened_at: Timestamp(NOW - QUIET),
        ..intent(Side::Ado, "7")
    };
    for (intent, closed) in [
        (sent_ago(QUIET - 1), false),
        (sent_ago(QUIET), true),
        (sent_ago(QUIET + 1), true),
        (unsent, true),
    ] {
        let bench = bench(&[], &[], true, vec![intent]);
        let expected = if closed { given_up(1) } else { open(1) };
        assert_eq!(bench.engine.recover().await.unwrap(), expected);
        let store = bench.engine.store();
        assert_eq!(store.open_intents().unwrap().is_empty(), closed);
        let reasons: Vec<String> = store
            .holds(None)
            .unwrap()
            .into_iter()
            .map(|h| h.reason())
            .collect();
        let told: &[&str] = match closed {
            true => &["a create got lost; it is planned again"],
            false => &[],
        };
        assert_eq!(reasons, told);
    }
}

#[tokio::test]
async fn settled_and_open_intents_are_counted() {
    let second = |source: &str, side| Intent {
        last_sent: Some(Timestamp(NOW - QUIET)),
        ..intent(side, source)
    };
    let intents = vec![
        second("7", Side::Ado),
        second("8", Side::Ado),
        intent(Side::Ado, "9"),
        intent(Side::Ado, "10"),
        intent(Side::Ado, "11"),
    ];
    let bench = bench(&[], &[], true, intents);
    let counted = Recovered {
        given_up: 2,
        open: 3,
        ..Recovered::default()
    };
    assert_eq!(bench.engine.recover().await.unwrap(), counted);
}
