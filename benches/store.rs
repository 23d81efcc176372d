//! Cost of the database's usual work.

#![allow(
    clippy::unwrap_used,
    reason = "a benchmark that cannot set itself up has nothing to report"
)]

use boardsync::model::{
    BaseState, FieldKey, FieldValue, Item, ItemId, PairName, Side, Sided, Timestamp, Version,
};
use boardsync::store::{Batch, Op, Store};
use std::collections::{BTreeMap, BTreeSet};

fn main() {
    divan::main();
}

fn pair() -> PairName {
    PairName::from("shop")
}

fn item(id: u64) -> Item {
    Item {
        id: ItemId(id.to_string()),
        version: Version(1),
        url: format!("https://example.invalid/{id}"),
        fields: BTreeMap::from([(FieldKey::Title, FieldValue::text("A title of usual length"))]),
        raw: Default::default(),
        unread: BTreeSet::new(),
        markers: Vec::new(),
        backlinks: Vec::new(),
        parent: None,
        archived: false,
        container: "Shop".to_owned(),
        created_at: Timestamp(1),
        changed_at: Timestamp(1),
    }
}

fn base() -> BTreeMap<FieldKey, Sided<BaseState>> {
    let value = FieldValue::text("A title of usual length");
    let field = Sided::build(|_| BaseState::Shown(value.clone()));
    BTreeMap::from([(FieldKey::Title, field)])
}

/// The outcome of one create: both observations and the link with its base.
fn outcome(id: u64) -> Vec<Op> {
    let save = |side| Op::SaveObservation {
        side,
        item: item(id),
        pair: Some(pair()),
        seen_at: Timestamp(1),
    };
    let link = Op::AddLink {
        pair: pair(),
        ado: ItemId(id.to_string()),
        clickup: ItemId(id.to_string()),
        origin: Some(Side::Ado),
        generation: 0,
        base: base(),
        at: Timestamp(1),
    };
    vec![save(Side::Ado), save(Side::ClickUp), link]
}

fn commit(bencher: divan::Bencher<'_, '_>, size: u64) {
    let directory = tempfile::tempdir().unwrap();
    let mut store = Store::open(&directory.path().join("state.db")).unwrap();
    let mut next = 0;
    bencher.bench_local(|| {
        let ops = (next..next + size).flat_map(outcome).collect();
        next += size;
        store.commit(&Batch(ops)).unwrap();
    });
}

#[divan::bench]
fn commit_one_outcome(bencher: divan::Bencher<'_, '_>) {
    commit(bencher, 1);
}

#[divan::bench(sample_count = 20)]
fn commit_1000_outcomes(bencher: divan::Bencher<'_, '_>) {
    commit(bencher, 1000);
}

#[divan::bench]
fn load_100_links_of_100000(bencher: divan::Bencher<'_, '_>) {
    let mut store = Store::open_in_memory().unwrap();
    store
        .commit(&Batch((0..100_000).flat_map(outcome).collect()))
        .unwrap();
    bencher.bench_local(|| {
        for id in (0..100_000_u64).step_by(1000) {
            let id = ItemId(id.to_string());
            let link = store
                .link_by_item(&pair(), Side::ClickUp, &id)
                .unwrap()
                .unwrap();
            divan::black_box(store.base(link.id).unwrap());
        }
    });
}
