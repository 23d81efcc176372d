//! Rules about what a sweep asks for in bulk.

use super::*;
use std::collections::HashMap;

fn shop() -> PairName {
    PairName::from("shop")
}

/// The base as ClickUp shows it, or with a value in it that has still to be carried over.
fn seen(
    mut fields: BTreeMap<FieldKey, Sided<BaseState>>,
    state: fn(FieldValue) -> BaseState,
) -> BTreeMap<FieldKey, Sided<BaseState>> {
    for field in fields.values_mut() {
        field.clickup = state(field.clickup.value().clone());
    }
    fields
}

fn set_state(link: LinkId, state: LinkState) -> Op {
    Op::SetLinkState {
        link,
        state,
        at: Timestamp(9),
    }
}

fn tombstone() -> LinkState {
    LinkState::Tombstone {
        why: ActionWhy::DeletedOnBothSides,
    }
}

fn settled(store: &Store, side: Side) -> Vec<(String, i64)> {
    let asked = ["1", "9", "t1"].map(ItemId::from);
    let items = store.settled(side, &shop(), asked.iter());
    let items = items.unwrap().into_iter();
    let mut items: Vec<_> = items.map(|(id, version)| (id.0, version.0)).collect();
    items.sort();
    items
}

#[test]
fn only_items_of_active_links_with_all_of_their_base_read_back_are_settled() {
    let (mut store, link) = linked();
    assert_eq!(settled(&store, Side::Ado), [], "never observed");
    store.commit(&Batch(vec![save("1"), save("9")])).unwrap();
    assert_eq!(settled(&store, Side::Ado), [("1".to_owned(), 3)]);
    let one = ItemId::from("1");
    let elsewhere = store.settled(Side::Ado, &"web".into(), [&one].into_iter());
    assert_eq!(elsewhere.unwrap().len(), 0);
    let unasked = store.settled(Side::Ado, &shop(), std::iter::empty());
    assert_eq!(unasked.unwrap().len(), 0);
    let task = Op::SaveObservation {
        side: Side::ClickUp,
        item: item("t1", 8),
        pair: Some(shop()),
        seen_at: Timestamp(3_000),
    };
    store.commit(&Batch(vec![task])).unwrap();
    assert_eq!(settled(&store, Side::ClickUp), [], "not read back yet");
    for state in [BaseState::Owed, BaseState::Shown] {
        let unshown = Op::SetBase {
            link,
            fields: base("Fix the door"),
        };
        store.commit(&Batch(vec![unshown])).unwrap();
        assert_eq!(store.sent_only(link, Side::ClickUp).unwrap().len(), 1);
        assert_eq!(store.sent_only(link, Side::Ado).unwrap().len(), 0);
        let fields = seen(base("Fix the door"), state);
        let shown = Op::SetBase { link, fields };
        store.commit(&Batch(vec![shown])).unwrap();
        assert_eq!(settled(&store, Side::ClickUp), [("t1".to_owned(), 8)]);
    }
    for state in [
        LinkState::OutOfScope,
        LinkState::Missing {
            side: Side::Ado,
            since: Timestamp(5),
        },
        tombstone(),
    ] {
        store.commit(&Batch(vec![set_state(link, state)])).unwrap();
        assert_eq!(settled(&store, Side::Ado), []);
        assert_eq!(settled(&store, Side::ClickUp), []);
    }
}

#[test]
fn a_page_of_a_sweep_reads_the_rows_of_its_own_items_and_no_bodies() {
    let store = Store::open_in_memory().unwrap();
    let plan = |text: &str| -> String {
        let text = format!("EXPLAIN QUERY PLAN {text}");
        let mut statement = store.connection.prepare(&text).unwrap();
        let steps = statement
            .query_map(
                rusqlite::params_from_iter(vec!["x"; statement.parameter_count()]),
                |row| row.get::<_, String>(3),
            )
            .unwrap();
        steps.map(Result::unwrap).collect()
    };
    for side in Side::BOTH {
        let links = format!("SEARCH link USING INDEX link_by_{}", side.key());
        let told = plan(&agreed::settled_text(side));
        let open = format!("USING COVERING INDEX base_{}_open", side.key());
        let versions = "SEARCH observation USING COVERING INDEX observation_version";
        for step in [&links, &open, versions] {
            assert!(told.contains(step), "{told}");
        }
        let told = plan(&agreed::differing_text(side));
        assert!(told.contains(&links), "{told}");
    }
}

#[test]
fn living_links_are_those_that_are_wanted_and_no_tombstones() {
    let (mut store, link) = linked();
    let more = ["2", "3"].map(|id| add_link(id, &format!("t{id}")));
    store.commit(&Batch(more.to_vec())).unwrap();
    store
        .commit(&Batch(vec![set_state(link, tombstone())]))
        .unwrap();
    let found = |wanted: &dyn Fn(&str, &str) -> bool| -> Vec<String> {
        let links = store.living_links(&shop(), |ado, clickup| Ok(wanted(ado, clickup)));
        let links = links.unwrap().into_iter();
        links.map(|link| link.ado.0).collect()
    };
    assert_eq!(found(&|_, _| true), ["2", "3"]);
    assert_eq!(found(&|ado, _| ado == "3"), ["3"]);
    assert_eq!(found(&|_, clickup| clickup == "t2"), ["2"]);
}

#[test]
fn the_count_of_links_follows_every_commit() {
    let (mut store, link) = linked();
    assert_eq!(store.count_links(&shop()).unwrap(), 1);
    store.commit(&Batch(vec![add_link("2", "t2")])).unwrap();
    assert_eq!(store.count_links(&shop()).unwrap(), 2);
    let failing = Batch(vec![set_state(link, tombstone()), add_link("2", "t3")]);
    store.commit(&failing).unwrap_err();
    assert_eq!(store.count_links(&shop()).unwrap(), 2);
    store
        .commit(&Batch(vec![set_state(link, tombstone())]))
        .unwrap();
    assert_eq!(store.count_links(&shop()).unwrap(), 1);
}

#[test]
fn an_item_differs_that_shows_another_value_than_its_base_on_that_side() {
    let (store, link) = linked();
    let fields = |text: &str| BTreeMap::from([(FieldKey::Title, FieldValue::text(text))]);
    let other = BTreeMap::from([(FieldKey::Tags, FieldValue::Empty)]);
    let differing = |pair: &PairName, id: &str, shown: &BTreeMap<FieldKey, FieldValue>| {
        let id = ItemId::from(id);
        let shown = HashMap::from([(&id, shown)]);
        let found = store.differing(Side::Ado, pair, &shown).unwrap();
        found.into_iter().map(|id| id.0).collect::<Vec<_>>()
    };
    let base = store.base(link).unwrap()[&FieldKey::Title]
        .ado
        .value()
        .to_string();
    assert_eq!(differing(&shop(), "1", &fields(&base)), [""; 0]);
    assert_eq!(differing(&shop(), "1", &fields("another")), ["1"]);
    assert_eq!(differing(&shop(), "1", &other), [""; 0], "no base");
    assert_eq!(differing(&shop(), "2", &fields("another")), [""; 0]);
    let web = PairName::from("web");
    assert_eq!(differing(&web, "1", &fields("another")), [""; 0]);
}
