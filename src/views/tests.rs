//! What each view shows of what is stored.

use super::conflicts::{conflict, conflicts};
use super::history::history;
use super::links::links;
use super::runs::runs;
use super::*;
use crate::model::{ActionId, FieldKey, Item, LinkId, PairName, Side, Sided, Subject, Version};
use crate::reason::{Cause, JournalKind, Outcome, RunEnd};
use crate::store::{Batch, CycleRow, JournalChange, LinkState, NewConflict, NewJournal, Op, Store};
use std::collections::{BTreeMap, BTreeSet};

/// A store with these links of the pair "shop", work item and task of each.
fn linked(items: &[(&str, &str)]) -> Store {
    let mut store = Store::open_in_memory().unwrap();
    let ops = items.iter().map(|(ado, clickup)| Op::AddLink {
        pair: "shop".into(),
        ado: (*ado).into(),
        clickup: (*clickup).into(),
        origin: None,
        generation: 0,
        base: BTreeMap::new(),
        at: Timestamp(1),
    });
    store.commit(&Batch(ops.collect())).unwrap();
    store
}

fn line(cycle: &str, at: i64, side: Side, item: &str, outcome: Outcome) -> NewJournal {
    let change = JournalChange {
        before: None,
        after: Some(FieldValue::text("new")),
        reason: None,
    };
    NewJournal {
        at: Timestamp(at),
        cycle: cycle.to_owned(),
        pair: "shop".into(),
        link: None,
        side,
        item: Some(item.into()),
        action_id: ActionId(format!("{cycle} {at}")),
        kind: JournalKind::Update,
        changes: BTreeMap::from([(FieldKey::Title.into(), change)]),
        outcome,
        detail: String::new(),
        request_ids: Vec::new(),
        version: None,
    }
}

#[test]
fn an_item_is_named_by_its_id_or_by_either_services_address() {
    for (text, id) in [
        ("123", "123"),
        (" #123 ", "123"),
        ("86d3f01jq", "86d3f01jq"),
        (
            "https://dev.azure.com/contoso/Fabrikam/_workitems/edit/123",
            "123",
        ),
        (
            "https://dev.azure.com/contoso/Fabrikam/_workitems/edit/123/?a=1#top",
            "123",
        ),
        ("https://app.clickup.com/t/86d3f01jq", "86d3f01jq"),
        (
            "https://app.clickup.com/t/9012345/CODE-7?comment=1",
            "CODE-7",
        ),
        ("", ""),
    ] {
        assert_eq!(item_id(text), ItemId::from(id), "{text}");
    }
}

#[test]
fn a_link_says_in_words_how_it_stands() {
    let missing = |side| LinkState::Missing {
        side,
        since: Timestamp(3),
    };
    let ended = LinkState::Tombstone {
        why: crate::reason::ActionWhy::DeletedOnBothSides,
    };
    let why = crate::reason::ActionWhy::DeletedOnBothSides.to_string();
    for (state, words) in [
        (LinkState::Active, "active".to_owned()),
        (LinkState::OutOfScope, "out of scope".to_owned()),
        (missing(Side::Ado), format!("missing in {}", Side::Ado)),
        (
            missing(Side::ClickUp),
            format!("missing in {}", Side::ClickUp),
        ),
        (ended, format!("ended: {why}")),
    ] {
        let mut store = linked(&[("1", "t1")]);
        let set = Op::SetLinkState {
            link: LinkId(1),
            state,
            at: Timestamp(4),
        };
        store.commit(&Batch(vec![set])).unwrap();
        let shown = links([&PairName::from("shop")], &store).unwrap();
        assert_eq!(shown.len(), 1);
        assert_eq!(shown[0].words(), words);
        assert_eq!(
            (shown[0].ado.as_str(), shown[0].clickup.as_str()),
            ("1", "t1")
        );
        assert_eq!(links([&PairName::from("other")], &store).unwrap(), []);
    }
}

#[test]
fn a_history_is_that_of_an_item_and_its_counterparts() {
    let mut store = linked(&[("1", "t1"), ("2", "t2")]);
    let lines = [
        line("c1", 1, Side::Ado, "1", Outcome::Sent),
        line("c1", 2, Side::ClickUp, "t1", Outcome::Done),
        line("c2", 3, Side::Ado, "9", Outcome::Done),
    ];
    let ops = lines.into_iter().map(Op::Journal);
    store.commit(&Batch(ops.collect())).unwrap();
    for (item, times) in [
        ("1", Some(vec![1, 2])),
        ("t1", Some(vec![1, 2])),
        // In a link, and nothing was done to it.
        ("t2", Some(vec![])),
        // A canary is in the journal and in no link.
        ("9", Some(vec![3])),
        ("10", None),
    ] {
        let shown = history(&store, &item.into()).unwrap();
        let shown: Option<Vec<i64>> =
            shown.map(|entries| entries.iter().map(|entry| entry.at.0).collect());
        assert_eq!(shown, times, "{item}");
    }
    let entry = history(&store, &"9".into()).unwrap().unwrap().remove(0);
    assert_eq!(entry.changes[0].subject, Subject::from(FieldKey::Title));
    let json = serde_json::to_value(&entry.changes[0]).unwrap();
    assert_eq!(json["before"], serde_json::Value::Null, "it was not known");
    assert_eq!(json["after"], "new");
}

#[test]
fn runs_are_those_that_did_something_the_newest_first() {
    let mut store = linked(&[("1", "t1")]);
    let run = |id: &str, cause| CycleRow {
        id: id.to_owned(),
        started_at: Timestamp(1),
        finished_at: None,
        cause,
        outcome: RunEnd::Done,
        counts: BTreeMap::new(),
        detail: None,
    };
    let undo = Cause::UndoOfRun {
        run: "c1".to_owned(),
    };
    let ops = vec![
        Op::SaveCycle(run("c1", Cause::Cycle)),
        Op::SaveCycle(run("idle", Cause::Cycle)),
        Op::SaveCycle(run("failed", Cause::Cycle)),
        Op::SaveCycle(run("c2", undo.clone())),
        Op::Journal(line("c1", 1, Side::Ado, "1", Outcome::Done)),
        Op::Journal(line("c1", 2, Side::Ado, "1", Outcome::Done)),
        Op::Journal(line("failed", 3, Side::Ado, "1", Outcome::Failed)),
        Op::Journal(line("c2", 4, Side::Ado, "1", Outcome::Done)),
        // It was killed before its cycle was stored.
        Op::Journal(line("killed", 5, Side::Ado, "1", Outcome::Done)),
    ];
    store.commit(&Batch(ops)).unwrap();
    let all = [
        ("killed", None, 1_u64),
        ("c2", Some(undo), 1),
        ("c1", Some(Cause::Cycle), 2),
    ];
    for most in [0, 2, 9] {
        let shown = runs(&store, most).unwrap().into_iter();
        let shown: Vec<_> = shown.map(|r| (r.run, r.cause, r.actions)).collect();
        let wanted = all.iter().take(most).cloned();
        let wanted: Vec<_> = wanted
            .map(|(run, cause, n)| (run.to_owned(), cause, n))
            .collect();
        assert_eq!(shown, wanted);
    }
}

fn titled(id: &str, title: &str) -> Item {
    Item {
        id: id.into(),
        version: Version(1),
        url: String::new(),
        fields: BTreeMap::from([(FieldKey::Title, FieldValue::text(title))]),
        raw: Default::default(),
        unread: BTreeSet::new(),
        markers: Vec::new(),
        backlinks: Vec::new(),
        parent: None,
        archived: false,
        container: String::new(),
        created_at: Timestamp(1),
        changed_at: Timestamp(1),
    }
}

#[test]
fn a_conflict_has_the_title_of_either_item() {
    // Which items were read, and the title under which it is shown.
    for (read, title) in [
        (&[][..], ""),
        (&[Side::ClickUp][..], "t1 here"),
        (&[Side::Ado, Side::ClickUp][..], "1 here"),
    ] {
        let mut store = linked(&[("1", "t1")]);
        let items = Sided {
            ado: ItemId::from("1"),
            clickup: ItemId::from("t1"),
        };
        let mut ops = vec![Op::AddConflict(NewConflict {
            link: LinkId(1),
            pair: "shop".into(),
            items: items.clone(),
            field: FieldKey::Points,
            base: Sided::default(),
            now: Sided::build(|_| FieldValue::Empty),
            raw: Sided::default(),
            versions: Sided::build(|_| Version(1)),
            taken: None,
            at: Timestamp(1),
        })];
        ops.extend(read.iter().map(|side| {
            let id = items.get(*side).as_str();
            Op::SaveObservation {
                side: *side,
                item: titled(id, &format!("{id} here")),
                pair: None,
                seen_at: Timestamp(1),
            }
        }));
        store.commit(&Batch(ops)).unwrap();
        let (shown, _) = conflicts(&store, |_| true).unwrap();
        let titles: Vec<&str> = shown.iter().map(|c| c.conflict.title.as_str()).collect();
        assert_eq!(titles, [title]);
        assert_eq!(conflict(&store, 1).unwrap().as_ref(), shown.first());
        assert_eq!(conflict(&store, 2).unwrap(), None);
    }
}
