use super::super::listing::tests::{base, shown};
use super::*;
use crate::connector::ErrorKind;
use crate::model::{FieldValue, Timestamp};

/// ClickUp's version is a time, and two changes may fall into the same tick: then the content tells them apart.
#[test]
fn a_listing_that_shows_other_content_at_a_known_version_confirms_nothing() {
    let mut store = Store::open_in_memory().unwrap();
    let pair = PairName::from("web");
    let (ado, clickup) = (ItemId::from("1"), ItemId::from("86x"));
    let linked = crate::store::Op::AddLink {
        pair: pair.clone(),
        ado: ado.clone(),
        clickup: clickup.clone(),
        origin: None,
        generation: 0,
        base: BTreeMap::from([(FieldKey::Description, base("one", "one", true))]),
        at: Timestamp(0),
    };
    let seen = crate::store::Op::SaveObservation {
        side: Side::ClickUp,
        item: shown("one"),
        pair: Some(pair.clone()),
        seen_at: Timestamp(0),
    };
    let batch = crate::store::Batch(vec![linked, seen]);
    store.commit(&batch).unwrap();
    let link = store.link_by_item(&pair, Side::Ado, &ado).unwrap().unwrap();
    for (text, same) in [("one", true), ("two", false)] {
        let row = ListedRow {
            id: clickup.clone(),
            pair: pair.clone(),
            version: Some(Version(1)),
            item: Some(Box::new(shown(text))),
            shown: BTreeMap::new(),
        };
        let known = confirm(&store, Side::ClickUp, &link, &row, None).unwrap();
        assert_eq!(known.settled, same, "{text}");
    }
}

fn row(id: &str, version: Option<i64>) -> ListedRow {
    ListedRow {
        id: ItemId::from(id),
        pair: PairName::from("web"),
        version: version.map(Version),
        item: Some(Box::new(shown("one"))),
        shown: BTreeMap::new(),
    }
}

/// What a listing of one pair in pages comes to, unless the pair fails in the end.
fn sorted(
    store: &Store,
    linked: &[&str],
    pages: Vec<Vec<ListedRow>>,
    fails: bool,
) -> (BTreeMap<PairName, Focus>, Observed) {
    let pair = PairName::from("web");
    let swept = Focus {
        swept: true,
        ..Focus::default()
    };
    let mut focus = BTreeMap::from([(pair.clone(), swept)]);
    let mut observed = Observed::empty(Timestamp(0));
    let mut sorting = Sorting {
        side: Side::ClickUp,
        forced: &BTreeSet::new(),
        customs: &BTreeMap::new(),
        unanswered: BTreeMap::new(),
        linked: linked.iter().map(|id| ItemId::from(*id)).collect(),
        listed: &mut Listed::new().unwrap(),
        focus: &mut focus,
        left: Vec::new(),
        looks: BTreeMap::new(),
        hidden: Vec::new(),
        again: BTreeSet::new(),
    };
    for page in pages {
        sorting.take(store, page).unwrap();
    }
    let gone = ConnectorError::new(Side::ClickUp, ErrorKind::NotFound, "list", "no such list");
    let failed = fails.then_some((pair, gone));
    sorting.end(failed.into_iter().collect(), 0, &mut observed);
    (focus, observed)
}

/// A store with one linked task at version 1, of which a text was sent and not shown yet.
fn waiting() -> (Store, LinkId) {
    let mut store = Store::open_in_memory().unwrap();
    let (pair, task) = (PairName::from("web"), ItemId::from("86x"));
    let linked = crate::store::Op::AddLink {
        pair: pair.clone(),
        ado: ItemId::from("1"),
        clickup: task.clone(),
        origin: None,
        generation: 0,
        base: BTreeMap::from([(FieldKey::Description, base("one", "one", false))]),
        at: Timestamp(0),
    };
    let seen = crate::store::Op::SaveObservation {
        side: Side::ClickUp,
        item: shown("one"),
        pair: Some(pair.clone()),
        seen_at: Timestamp(0),
    };
    store
        .commit(&crate::store::Batch(vec![linked, seen]))
        .unwrap();
    let link = store.link_by_item(&pair, Side::ClickUp, &task).unwrap();
    let link = link.unwrap().id;
    (store, link)
}

#[test]
fn a_sweep_reads_the_items_whose_links_changed_and_no_others() {
    let store = Store::open_in_memory().unwrap();
    let pages = vec![vec![row("1", Some(5))], vec![row("2", Some(5))]];
    let (focus, _) = sorted(&store, &["2", "3"], pages, false);
    let fresh = focus.values().flat_map(|focus| &focus.fresh.clickup);
    let fresh = fresh.map(|(id, item)| (id.as_str(), item.is_some()));
    assert_eq!(fresh.collect::<Vec<_>>(), [("1", true), ("2", false)]);
}

/// Read by id it may turn out to be in no pair at all.
#[test]
fn a_row_older_than_what_was_read_is_read_again() {
    let mut store = Store::open_in_memory().unwrap();
    let seen = crate::store::Op::SaveObservation {
        side: Side::ClickUp,
        item: Item {
            version: Version(5),
            ..shown("one")
        },
        pair: None,
        seen_at: Timestamp(0),
    };
    store.commit(&crate::store::Batch(vec![seen])).unwrap();
    for (version, as_listed) in [(4, false), (5, true), (6, true)] {
        let pages = vec![vec![row("86x", Some(version))]];
        let (focus, _) = sorted(&store, &[], pages, false);
        let fresh = focus.values().flat_map(|focus| &focus.fresh.clickup);
        let whole: Vec<bool> = fresh.map(|(_, item)| item.is_some()).collect();
        assert_eq!(whole, [as_listed], "{version}");
    }
}

#[test]
fn a_later_state_of_an_item_voids_the_row_of_before() {
    let (store, link) = waiting();
    let before = || vec![row("86x", Some(1))];
    let (_, observed) = sorted(&store, &[], vec![before()], false);
    assert_eq!(observed.findings.looks.len(), 1);
    for pages in [
        vec![before(), vec![row("86x", Some(2))]],
        vec![vec![row("86x", Some(2))], before()],
    ] {
        let (focus, observed) = sorted(&store, &[], pages, false);
        assert!(observed.findings.looks.is_empty());
        let looked_at = focus.values().flat_map(|focus| focus.links.keys());
        assert_eq!(looked_at.collect::<Vec<_>>(), [&link]);
    }
}

#[test]
fn nothing_that_a_pair_listed_counts_once_its_place_is_found_gone() {
    let (store, _) = waiting();
    let pages = vec![vec![row("86x", Some(1)), row("86y", Some(3))]];
    let (focus, observed) = sorted(&store, &[], pages, true);
    assert!(focus.is_empty() && observed.findings.looks.is_empty());
    assert_eq!(observed.findings.troubled.len(), 1);
}

/// Neither a value that somebody cleared nor one that the read before left out makes a new version for certain.
#[test]
fn a_full_listing_reads_what_shows_other_custom_fields_than_the_last_read() {
    let custom = FieldKey::Custom("Blocked".to_owned());
    let with = |value: Option<FieldValue>| {
        let mut item = shown("one");
        item.fields
            .extend(value.map(|value| (custom.clone(), value)));
        item
    };
    let yes = || Some(FieldValue::text("yes"));
    let empty = || Some(FieldValue::Empty);
    for (what, held, listed, reads) in [
        ("the same", yes(), yes(), false),
        ("cleared, or unlisted", yes(), None, true),
        ("left out by the read", None, yes(), true),
        ("none of its fields", None, None, false),
        ("empty, which no listing shows", empty(), None, false),
        ("empty, shown", None, empty(), false),
    ] {
        let found = shows_another(&custom, &with(listed), &with(held));
        assert_eq!(found, reads, "{what}");
    }
}
