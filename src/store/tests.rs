//! Rules of the database as a whole.

mod epoch;
mod files;
mod notes;
mod pruning;
mod rows;
mod statements;
mod subjects;
mod sweep;

use super::*;
use crate::model::{About, BaseState, FieldValue, Subject, Version};
use crate::reason::{
    ActionWhy, Cause, HoldWhy, JournalKind, OriginWhy, Outcome, RailWhy, Reason, RunEnd,
};

/// A database as a program of this schema version left it.
pub(super) fn of_schema(path: &Path, version: usize) -> Connection {
    let mut old = Connection::open(path).unwrap();
    open::migrations().to_version(&mut old, version).unwrap();
    old
}

pub(super) fn shop() -> PairName {
    PairName::from("shop")
}

pub(super) fn intent() -> Intent {
    Intent {
        pair: shop(),
        kind: IntentKind::Create,
        source_side: Side::ClickUp,
        source: "t9".into(),
        subject: Subject::Item,
        marker: "sx1:shop:clickup:t9:0:00000000".to_owned(),
        body_hash: "ab".to_owned(),
        opened_at: Timestamp(1),
        last_sent: None,
        server_t0: None,
        tries: 0,
        source_fields: BTreeMap::from([(FieldKey::Points, FieldValue::Number(3500))]),
        generation: 2,
    }
}

pub(super) fn item(id: &str, version: i64) -> Item {
    Item {
        id: ItemId::from(id),
        version: Version(version),
        url: format!("https://example.invalid/{id}"),
        fields: BTreeMap::from([(FieldKey::Title, FieldValue::text("Fix the door"))]),
        raw: Default::default(),
        unread: BTreeSet::new(),
        markers: Vec::new(),
        backlinks: Vec::new(),
        parent: None,
        archived: false,
        container: "Shop".to_owned(),
        created_at: Timestamp(1_000),
        changed_at: Timestamp(2_000),
    }
}

pub(super) fn base(text: &str) -> BTreeMap<FieldKey, Sided<BaseState>> {
    BTreeMap::from([(
        FieldKey::Title,
        Sided {
            ado: BaseState::Shown(FieldValue::text(text)),
            clickup: BaseState::Sent(FieldValue::text(text)),
        },
    )])
}

pub(super) fn add_link(ado: &str, clickup: &str) -> Op {
    Op::AddLink {
        pair: PairName::from("shop"),
        ado: ItemId::from(ado),
        clickup: ItemId::from(clickup),
        origin: Some(Side::Ado),
        generation: 0,
        base: base("Fix the door"),
        at: Timestamp(5_000),
    }
}

pub(super) fn save(id: &str) -> Op {
    Op::SaveObservation {
        side: Side::Ado,
        item: item(id, 3),
        pair: Some(PairName::from("shop")),
        seen_at: Timestamp(3_000),
    }
}

/// A store with one link, 1 to `t1`.
pub(super) fn linked() -> (Store, LinkId) {
    let mut store = Store::open_in_memory().unwrap();
    store.commit(&Batch(vec![add_link("1", "t1")])).unwrap();
    let link = store.links(&PairName::from("shop")).unwrap()[0].id;
    (store, link)
}
