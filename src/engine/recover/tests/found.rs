//! What an item that was found by its marker tells about the request that made it.

use super::*;
use crate::model::{Author, Past};
use crate::store::{NoteOp, Restored};
use boardsync_core::fixture::item;

/// Fields as sent from a side; `Points` and `Title` are the same on both sides, the others have images.
fn sent(side: Side) -> BTreeMap<FieldKey, FieldValue> {
    let state = match side {
        Side::Ado => "Active",
        Side::ClickUp => "in progress",
    };
    BTreeMap::from([
        (FieldKey::Title, FieldValue::text("As sent")),
        (FieldKey::State, FieldValue::choice(state)),
        (FieldKey::Points, FieldValue::Number(2000)),
        (FieldKey::Description, FieldValue::Rich("As sent".into())),
    ])
}

/// What an item has on this side before its state is set.
fn first_state(side: Side) -> FieldValue {
    FieldValue::choice(match side {
        Side::Ado => "New",
        Side::ClickUp => "to do",
    })
}

/// The base that comes of an item on the other side which shows these fields.
fn base(
    source: Side,
    shown: &BTreeMap<FieldKey, FieldValue>,
    touched: bool,
) -> BTreeMap<FieldKey, Sided<BaseState>> {
    let bench = bench(&[], &[], true, Vec::new());
    let intent = Intent {
        source_fields: sent(source),
        ..intent(source, "7")
    };
    let found = Item {
        fields: shown.clone(),
        ..item(source.other(), "8", "-")
    };
    let made = (!touched).then(|| AsMade {
        item: found.clone(),
        edited: BTreeSet::new(),
    });
    bench.engine.base_of_found(&intent, &found, made.as_ref())
}

fn pair(source: Side, own: FieldValue, other: FieldValue) -> Sided<FieldValue> {
    Sided::of(source, own, other)
}

fn of(base: &BTreeMap<FieldKey, Sided<BaseState>>, key: FieldKey) -> Sided<FieldValue> {
    base[&key].clone().map(|_, half| half.into_value())
}

#[test]
fn a_field_that_says_what_was_sent_is_settled() {
    for source in Side::BOTH {
        for touched in [false, true] {
            let (own, shown) = (sent(source), sent(source.other()));
            for (key, base) in base(source, &shown, touched) {
                let both = pair(source, own[&key].clone(), shown[&key].clone());
                assert_eq!(base.map(|_, half| half.into_value()), both, "{key}");
            }
        }
    }
}

/// What differs was not taken, and is written again; long text the service rendered its own way.
#[test]
fn on_an_item_that_nobody_touched_what_differs_was_not_taken() {
    for source in Side::BOTH {
        let other = FieldValue::text("Other");
        let state = sent(source.other()).remove(&FieldKey::State).unwrap();
        let first = first_state(source.other());
        let rendered = FieldValue::Rich("as rendered".into());
        let shown = BTreeMap::from([
            (FieldKey::Title, other.clone()),
            (FieldKey::State, first.clone()),
            (FieldKey::Description, rendered.clone()),
        ]);
        assert_ne!(state, first);
        let base = base(source, &shown, false);
        // By the base of the source what was sent counts as changed.
        let title = pair(source, other.clone(), other);
        assert_eq!(of(&base, FieldKey::Title), title);
        let state = pair(source, FieldValue::Empty, first);
        assert_eq!(of(&base, FieldKey::State), state);
        let own = FieldValue::Rich("As sent".into());
        assert_eq!(
            of(&base, FieldKey::Description),
            pair(source, own, rendered)
        );
    }
}

/// Nobody knows whether it was taken and then edited, not taken at all, or made by an earlier request.
#[test]
fn on_an_item_that_somebody_touched_what_differs_has_no_base() {
    for source in Side::BOTH {
        let first = first_state(source.other());
        let points = FieldValue::Number(2000);
        let shown = BTreeMap::from([
            (FieldKey::Title, FieldValue::text("Other")),
            (FieldKey::State, first),
            (FieldKey::Description, FieldValue::Rich("Other".into())),
            (FieldKey::Points, points.clone()),
        ]);
        let base = base(source, &shown, true);
        assert_eq!(base.keys().collect::<Vec<_>>(), [&FieldKey::Points]);
        let agreed = pair(source, points.clone(), points);
        assert_eq!(of(&base, FieldKey::Points), agreed);
    }
}

/// Whoever moved a new task on to a status of the same meaning edited it, which speaks against `on_delete`.
#[test]
fn on_an_item_that_somebody_touched_another_value_of_the_same_meaning_is_an_edit() {
    let moved_on = FieldValue::choice("in review");
    for (touched, expected) in [(true, "in progress"), (false, "in review")] {
        let shown = BTreeMap::from([(FieldKey::State, moved_on.clone())]);
        let base = base(Side::Ado, &shown, touched);
        let own = FieldValue::choice("Active");
        let expected = pair(Side::Ado, own, FieldValue::choice(expected));
        assert_eq!(of(&base, FieldKey::State), expected, "touched: {touched}");
    }
}

/// The process died between two of the requests that bring a new item to its state. Who made the version of the step tells
/// whether the step is ours or somebody's edit. An edit leaves no base for what was not taken, nor does one that was taken back.
#[tokio::test]
async fn a_state_that_a_create_left_half_way_is_owed_and_nobodys_edit() {
    let steps = ["New", "Proposed"].map(FieldValue::choice).to_vec();
    let [first, half] = ["New", "Proposed"].map(FieldValue::choice);
    let (untouched, back) = (vec![], vec![&first, &half]);
    for (by, later, ours) in [
        (Author::Token, &untouched, Some(&half)),
        (Author::Unknown, &untouched, Some(&half)),
        (Author::Another, &untouched, None),
        (Author::Token, &back, None),
    ] {
        let source = Intent {
            source_fields: sent(Side::ClickUp),
            ..intent(Side::ClickUp, "86a")
        };
        let bench = bench(&["8"], &[], true, vec![source]);
        let version = |version: i64, state: &FieldValue, by: Author| {
            let mut item = Item {
                fields: sent(Side::Ado),
                version: Version(version),
                changed_at: Timestamp(1),
                ..item(Side::Ado, "8", "-")
            };
            item.fields.insert(FieldKey::State, state.clone());
            Past { item, by }
        };
        let mut history = vec![version(1, &first, Author::Token), version(2, &half, by)];
        let edits = (3..).zip(later);
        history.extend(edits.map(|(number, state)| version(number, state, Author::Another)));
        let now = history.last().unwrap().item.clone();
        *bench.sides.ado.made.lock().unwrap() = Some(now);
        *bench.sides.ado.history.lock().unwrap() = history;
        *bench.sides.ado.steps.lock().unwrap() = Ok(steps.clone());
        bench.engine.recover().await.unwrap();
        let store = bench.engine.store();
        let link = store.links(&"web".into()).unwrap()[0].id;
        let base = store.base(link).unwrap();
        let state = base.get(&FieldKey::State).cloned();
        let state = state.map(|base| base.map(|_, half| half.into_value()));
        let expected = ours.map(|ours| pair(Side::ClickUp, FieldValue::Empty, ours.clone()));
        assert_eq!(state, expected, "{by:?} {later:?}");
    }
}

/// As above, and the way to the state is not told at first. Only where it never will be, the step counts as anybody's.
#[tokio::test]
async fn a_create_stays_open_until_its_steps_are_told() {
    for (kind, stays) in [
        (ErrorKind::Unreachable, true),
        (ErrorKind::Throttled, true),
        (ErrorKind::Refused, false),
        (ErrorKind::NotFound, false),
    ] {
        let source = Intent {
            source_fields: sent(Side::ClickUp),
            ..intent(Side::ClickUp, "86a")
        };
        let bench = bench(&["8"], &[], true, vec![source]);
        let version = |version: i64, state: &str| {
            let mut item = Item {
                fields: sent(Side::Ado),
                version: Version(version),
                ..item(Side::Ado, "8", "-")
            };
            item.fields
                .insert(FieldKey::State, FieldValue::choice(state));
            item
        };
        let history = [version(1, "New"), version(2, "Proposed")];
        *bench.sides.ado.made.lock().unwrap() = Some(history[1].clone());
        *bench.sides.ado.history.lock().unwrap() = history.map(unsigned).to_vec();
        *bench.sides.ado.steps.lock().unwrap() = Err(kind);
        assert_eq!(bench.engine.recover().await.is_err(), stays, "{kind:?}");
        let open = bench.engine.store().open_intents().unwrap();
        assert_eq!(open.len(), usize::from(stays), "{kind:?}");
    }
}

/// Somebody renamed the new item before the next run found it. Its first version says what the create made of it.
#[tokio::test]
async fn what_was_edited_before_it_was_found_is_an_edit_where_the_service_keeps_a_history() {
    for (known, expected) in [
        (true, Some(pair_of_titles("As sent", "As sent"))),
        (false, None),
    ] {
        let source = Intent {
            source_fields: sent(Side::ClickUp),
            ..intent(Side::ClickUp, "86a")
        };
        let bench = bench(&["8"], &[], true, vec![source]);
        let first = Item {
            fields: sent(Side::Ado),
            version: Version(1),
            ..item(Side::Ado, "8", "-")
        };
        let mut found = first.clone();
        found.version = Version(2);
        let title = FieldValue::text("Renamed");
        found.fields.insert(FieldKey::Title, title);
        // The service's clock tells nothing: both happened within one of its ticks.
        found.changed_at = found.created_at;
        if known {
            *bench.sides.ado.history.lock().unwrap() = vec![first, found.clone()]
                .into_iter()
                .map(unsigned)
                .collect();
        }
        *bench.sides.ado.made.lock().unwrap() = Some(found);
        bench.engine.recover().await.unwrap();
        let store = bench.engine.store();
        let link = store.links(&"web".into()).unwrap()[0].id;
        let base = store.base(link).unwrap();
        let title = base.contains_key(&FieldKey::Title);
        assert_eq!(title.then(|| of(&base, FieldKey::Title)), expected);
        assert!(base.contains_key(&FieldKey::Points));
    }
}

fn pair_of_titles(ado: &str, clickup: &str) -> Sided<FieldValue> {
    pair(Side::Ado, FieldValue::text(ado), FieldValue::text(clickup))
}

/// The pair was renamed while the create was under way: nothing says what agrees with what, so no value of the item may
/// pass for one that the other side has.
#[tokio::test]
async fn the_create_of_a_pair_that_is_not_configured_any_more_gives_no_base() {
    let mut bench = bench(&[], &["86a"], true, vec![intent(Side::Ado, "7")]);
    bench.engine.policies = Vec::new();
    bench.engine.recover().await.unwrap();
    let store = bench.engine.store();
    let link = store.links(&"web".into()).unwrap().remove(0);
    assert_eq!(store.base(link.id).unwrap(), BTreeMap::new());
}

#[tokio::test]
async fn what_was_found_and_what_never_showed_are_in_the_history() {
    let line = |hits: &'static [&str]| async move {
        let bench = bench(&[], hits, true, vec![sent_ago(QUIET)]);
        bench.engine.recover().await.unwrap();
        let mut rows = bench.engine.store().journal_of_cycle("c10000000").unwrap();
        assert_eq!(rows.len(), 1);
        rows.remove(0).entry
    };
    let found = line(&["86a"]).await;
    assert_eq!((found.outcome, found.side), (Outcome::Done, Side::ClickUp));
    assert_eq!(found.item, Some("86a".into()));
    assert_eq!(found.detail, "its answer was lost; found by its marker");
    let title = &found.changes[&Subject::from(FieldKey::Title)];
    assert_eq!(title.before, None);
    assert_eq!(title.after, Some(FieldValue::text("As made")));
    let lost = line(&[]).await;
    assert_eq!((lost.outcome, lost.item), (Outcome::Lost, None));
    assert_eq!(lost.detail, "the counterpart of 7 never showed");
    assert_eq!(lost.action_id, found.action_id, "the same counterpart");
}

/// A restored database knows neither when the request was sent for the last time nor with what.
#[tokio::test]
async fn a_restored_database_waits_and_believes_no_base() {
    for (hits, recovered) in [(&[][..], open(1)), (&["86a"], found(1))] {
        let bench = bench(&[], hits, true, vec![sent_ago(QUIET * 2)]);
        let mark = Restored {
            at: Timestamp(NOW),
            server: Sided::build(|_| None),
            trusted: BTreeSet::new(),
            pairs: None,
        };
        bench.engine.store().note(NoteOp::Restored(mark)).unwrap();
        assert_eq!(bench.engine.recover().await.unwrap(), recovered);
        let store = bench.engine.store();
        for link in store.links(&"web".into()).unwrap() {
            assert_eq!(store.base(link.id).unwrap(), BTreeMap::new());
        }
    }
}

/// A version of which nothing says who made it.
fn unsigned(item: Item) -> Past {
    Past {
        item,
        by: Author::Unknown,
    }
}
