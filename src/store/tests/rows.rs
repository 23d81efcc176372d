//! Rules about the rows: what is unique, atomic, replaced, kept.

use super::*;

pub(super) fn conflict(link: LinkId, value: &str, taken: Option<Side>) -> NewConflict {
    NewConflict {
        link,
        pair: shop(),
        items: Sided {
            ado: "1".into(),
            clickup: "t1".into(),
        },
        field: FieldKey::Title,
        base: Sided {
            ado: Some(FieldValue::Empty),
            clickup: None,
        },
        now: Sided {
            ado: FieldValue::text(value),
            clickup: FieldValue::text("other"),
        },
        raw: Sided {
            ado: Some("<b>raw</b>".to_owned()),
            clickup: None,
        },
        versions: Sided {
            ado: Version(4),
            clickup: Version(9),
        },
        taken,
        at: Timestamp(7),
    }
}

#[test]
fn a_failing_op_undoes_the_whole_batch() {
    let (mut store, link) = linked();
    let error = store
        .commit(&Batch(vec![
            save("7"),
            Op::SetBase {
                link,
                fields: base("changed"),
            },
            add_link("1", "t2"),
        ]))
        .unwrap_err();
    assert!(matches!(error, StoreError::Rule { .. }), "{error:?}");
    assert!(store.observation(Side::Ado, &"7".into()).unwrap().is_none());
    assert_eq!(store.base(link).unwrap(), base("Fix the door"));
}

#[test]
fn an_item_has_one_living_link_per_pair_and_may_be_linked_again_after_a_tombstone() {
    let (mut store, link) = linked();
    for op in [add_link("1", "t2"), add_link("2", "t1")] {
        assert!(matches!(
            store.commit(&Batch(vec![op])).unwrap_err(),
            StoreError::Rule { .. }
        ));
    }
    let state = LinkState::Tombstone {
        why: ActionWhy::DeletedOnBothSides,
    };
    store
        .commit(&Batch(vec![
            Op::SetLinkState {
                link,
                state: state.clone(),
                at: Timestamp(9),
            },
            add_link("1", "t2"),
        ]))
        .unwrap();
    let found = store.link_by_item(&shop(), Side::Ado, &"1".into()).unwrap();
    assert_eq!(found.unwrap().clickup, ItemId::from("t2"));
    let old = store
        .link_by_item(&shop(), Side::ClickUp, &"t1".into())
        .unwrap();
    assert_eq!(old.unwrap().state, state);
    assert_eq!(store.count_links(&shop()).unwrap(), 1);
    assert_eq!(store.find_item(&"1".into()).unwrap().len(), 2);
}

#[test]
fn every_link_state_is_read_back_as_written() {
    let (mut store, link) = linked();
    let missing = LinkState::Missing {
        side: Side::ClickUp,
        since: Timestamp(4),
    };
    for state in [missing, LinkState::OutOfScope, LinkState::Active] {
        let op = Op::SetLinkState {
            link,
            state: state.clone(),
            at: Timestamp(9),
        };
        store.commit(&Batch(vec![op])).unwrap();
        assert_eq!(store.link(link).unwrap().unwrap().state, state);
    }
}

#[test]
fn the_base_is_kept_per_field_and_a_link_added_in_the_batch_can_be_named_by_its_work_item() {
    let (mut store, _) = linked();
    let points = BTreeMap::from([(
        FieldKey::Custom("Team size".to_owned()),
        Sided {
            ado: BaseState::Sent(FieldValue::Number(1000)),
            clickup: BaseState::Owed(FieldValue::Empty),
        },
    )]);
    store
        .commit(&Batch(vec![
            add_link("2", "t2"),
            Op::SetBaseFor {
                pair: shop(),
                ado: "2".into(),
                fields: points.clone(),
            },
        ]))
        .unwrap();
    let link = store.links(&shop()).unwrap()[1].id;
    let mut both = base("Fix the door");
    both.extend(points.clone());
    assert_eq!(store.base(link).unwrap(), both);
    let field = FieldKey::Title;
    store
        .commit(&Batch(vec![Op::ClearBase { link, field }]))
        .unwrap();
    assert_eq!(store.base(link).unwrap(), points);
}

#[test]
fn an_observation_is_replaced_by_a_later_one_and_dropped_on_request() {
    let mut store = Store::open_in_memory().unwrap();
    let later = Op::SaveObservation {
        side: Side::Ado,
        item: item("1", 8),
        pair: None,
        seen_at: Timestamp(4_000),
    };
    store.commit(&Batch(vec![save("1"), later])).unwrap();
    let seen = store.observation(Side::Ado, &"1".into()).unwrap().unwrap();
    assert_eq!((seen.item, seen.pair), (item("1", 8), None));
    let known = store.known(Side::Ado, &"1".into()).unwrap().unwrap();
    assert_eq!(known.version, Version(8));
    let (side, id) = (Side::Ado, "1".into());
    store
        .commit(&Batch(vec![Op::DropObservation { side, id }]))
        .unwrap();
    assert!(store.known(Side::Ado, &"1".into()).unwrap().is_none());
}

#[test]
fn a_version_that_was_seen_counts_until_it_is_dealt_with() {
    let mut store = Store::open_in_memory().unwrap();
    let id: ItemId = "1".into();
    let saw = |version| Op::Saw {
        side: Side::Ado,
        id: "1".into(),
        version: Version(version),
        title: format!("Title {version}"),
    };
    assert_eq!(store.newest(Side::Ado, &id).unwrap(), None);
    store.commit(&Batch(vec![saw(3)])).unwrap();
    assert_eq!(store.newest(Side::Ado, &id).unwrap(), Some(Version(3)));
    store.commit(&Batch(vec![saw(2)])).unwrap();
    let title = store.title_seen(Side::Ado, &id).unwrap();
    assert_eq!(title.as_deref(), Some("Title 3"));
    assert_eq!(store.known(Side::Ado, &id).unwrap(), None);
    let save = |version| Op::SaveObservation {
        side: Side::Ado,
        item: item("1", version),
        pair: None,
        seen_at: Timestamp(0),
    };
    for (op, known, newest) in [
        (save(3), 3, 3),
        (saw(2), 3, 3),
        (saw(7), 3, 7),
        (saw(6), 3, 7),
        (save(5), 5, 7),
        (save(8), 8, 8),
    ] {
        store.commit(&Batch(vec![op])).unwrap();
        let seen = store.known(Side::Ado, &id).unwrap().map(|k| k.version);
        assert_eq!(seen, Some(Version(known)));
        assert_eq!(store.newest(Side::Ado, &id).unwrap(), Some(Version(newest)));
    }
}

#[test]
fn one_intent_per_source_is_open_and_the_first_server_time_stays() {
    let mut store = Store::open_in_memory().unwrap();
    store
        .commit(&Batch(vec![Op::OpenIntent(intent())]))
        .unwrap();
    assert_eq!(store.open_intents().unwrap(), [intent()]);
    assert!(
        store
            .commit(&Batch(vec![Op::OpenIntent(intent())]))
            .is_err()
    );
    let fewer = BTreeMap::from([(FieldKey::Points, FieldValue::Number(3_000))]);
    let sent = |at| Op::MarkSent {
        intent: intent().key(),
        at: Timestamp(at),
        fields: fewer.clone(),
    };
    let first = store.open_intents().unwrap().remove(0);
    store.commit(&Batch(vec![sent(10), sent(20)])).unwrap();
    let open = store.open_intents().unwrap().remove(0);
    assert_eq!(
        (open.tries, open.last_sent),
        (first.tries + 2, Some(Timestamp(20)))
    );
    assert_eq!(open.server_t0, first.server_t0);
    assert_eq!(open.source_fields, fewer);
    let key = intent().key();
    store.commit(&Batch(vec![Op::CloseIntent { key }])).unwrap();
    assert!(store.open_intents().unwrap().is_empty());
    assert!(store.commit(&Batch(vec![sent(30)])).is_err());
}

#[test]
fn an_equal_open_conflict_is_not_added_twice_and_a_changed_one_replaces_it() {
    let (mut store, link) = linked();
    let first = Op::AddConflict(conflict(link, "A", None));
    store.commit(&Batch(vec![first.clone(), first])).unwrap();
    let open = store.conflicts(true).unwrap();
    assert_eq!(open.len(), 1);
    assert_eq!(open[0].record, conflict(link, "A", None));
    let changed = Op::AddConflict(conflict(link, "B", None));
    store.commit(&Batch(vec![changed])).unwrap();
    let open = store.conflicts(true).unwrap();
    assert_eq!(open.len(), 1);
    assert_eq!(open[0].record.now.ado, FieldValue::text("B"));
    assert_eq!(store.conflicts(false).unwrap().len(), 2);
}

#[test]
fn a_conflict_settled_by_policy_is_stored_once_per_version_and_never_open() {
    let (mut store, link) = linked();
    let settled = conflict(link, "A", Some(Side::Ado));
    let mut later = settled.clone();
    later.versions.ado = Version(5);
    let ops = [settled.clone(), settled, later].map(Op::AddConflict);
    store.commit(&Batch(ops.to_vec())).unwrap();
    assert!(store.conflicts(true).unwrap().is_empty());
    assert_eq!(store.conflicts(false).unwrap().len(), 2);
}

#[test]
fn a_conflict_is_resolved_once() {
    let (mut store, link) = linked();
    store
        .commit(&Batch(vec![Op::AddConflict(conflict(link, "A", None))]))
        .unwrap();
    let id = store.conflicts(true).unwrap()[0].id;
    let resolve = Op::ResolveConflict {
        id,
        taken: Some(Side::ClickUp),
        by: SettledBy::Rule,
        at: Timestamp(11),
    };
    store.commit(&Batch(vec![resolve.clone()])).unwrap();
    let found = store.conflict(id).unwrap().unwrap();
    assert_eq!(found.record.taken, Some(Side::ClickUp));
    assert_eq!(found.resolved_at, Some(Timestamp(11)));
    assert!(matches!(
        store.commit(&Batch(vec![resolve])).unwrap_err(),
        StoreError::Missing { .. }
    ));
}

#[test]
fn setting_holds_replaces_the_pairs_or_only_the_named_items() {
    let mut store = Store::open_in_memory().unwrap();
    let hold = |item: &str, reason: &str| HoldRow {
        pair: shop(),
        link: None,
        side: Some(Side::Ado),
        item: Some(item.into()),
        subject: FieldKey::State.into(),
        why: HoldWhy::told_before(reason.to_owned()),
        since: Timestamp(1),
        tries: 2,
        retry_at: Some(Timestamp(3)),
    };
    let (pair, holds) = (shop(), vec![hold("1", "a"), hold("2", "b")]);
    store
        .commit(&Batch(vec![Op::SetHolds { pair, holds }]))
        .unwrap();
    let op = Op::SetHoldsFor {
        pair: shop(),
        items: BTreeSet::from([(Side::Ado, "1".into())]),
        holds: vec![hold("1", "c")],
    };
    store.commit(&Batch(vec![op])).unwrap();
    let expected = [hold("2", "b"), hold("1", "c")];
    assert_eq!(store.holds(Some(&shop())).unwrap(), expected);
    assert!(store.holds(Some(&"else".into())).unwrap().is_empty());
    let (pair, holds) = (shop(), Vec::new());
    store
        .commit(&Batch(vec![Op::SetHolds { pair, holds }]))
        .unwrap();
    assert!(store.holds(None).unwrap().is_empty());
}

#[test]
fn the_journal_of_an_item_includes_its_links_and_can_be_pruned() {
    let (mut store, link) = linked();
    let line = |at, side, item: Option<&str>, link| {
        Op::Journal(NewJournal {
            at: Timestamp(at),
            cycle: "c1".to_owned(),
            pair: shop(),
            link,
            side,
            item: item.map(ItemId::from),
            action_id: crate::model::ActionId("x".to_owned()),
            kind: JournalKind::Update,
            changes: BTreeMap::from([(
                FieldKey::Title.into(),
                JournalChange {
                    before: None,
                    after: Some(FieldValue::text("new")),
                    reason: None,
                },
            )]),
            outcome: Outcome::Done,
            detail: String::new(),
            request_ids: vec!["r1".to_owned()],
            version: None,
        })
    };
    store
        .commit(&Batch(vec![
            line(1, Side::Ado, Some("1"), None),
            line(2, Side::ClickUp, Some("t1"), Some(link)),
            line(3, Side::Ado, Some("5"), None),
        ]))
        .unwrap();
    let times = |store: &Store, side| -> Vec<i64> {
        let rows = store.journal_of(side, &"1".into()).unwrap();
        rows.iter().map(|row| row.entry.at.0).collect()
    };
    assert_eq!(times(&store, None), [1, 2]);
    assert_eq!(times(&store, Some(Side::ClickUp)), [0_i64; 0]);
    let before = Before {
        journal: Timestamp(2),
        conflicts: Timestamp(2),
    };
    assert_eq!(store.prune_journal(before, 10).unwrap(), 1);
    assert_eq!(times(&store, Some(Side::Ado)), [2]);
}

#[test]
fn single_values_are_read_back_as_written() {
    let mut store = Store::open_in_memory().unwrap();
    assert_eq!(store.watermark(Side::Ado).unwrap(), Watermark::default());
    assert_eq!(store.pair_state(&shop()).unwrap(), PairState::default());
    let watermark = Watermark {
        high: Some(Timestamp(5)),
        peak: None,
        settled: None,
        link_token: Some("t".to_owned()),
        links_read: Some(Timestamp(6)),
    };
    let state = PairState {
        fingerprint: Some("f".to_owned()),
        last_sweep: Some(Timestamp(4)),
        ..PairState::default()
    };
    let cycle = |id: &str, started| CycleRow {
        id: id.to_owned(),
        started_at: Timestamp(started),
        finished_at: None,
        cause: Cause::Cycle,
        outcome: RunEnd::Stopped,
        counts: BTreeMap::from([("updated".to_owned(), 3)]),
        detail: None,
    };
    store
        .commit(&Batch(vec![
            Op::SetWatermark {
                side: Side::Ado,
                watermark: watermark.clone(),
            },
            Op::SaveCycle(cycle("a", 1)),
            Op::SaveCycle(cycle("b", 2)),
        ]))
        .unwrap();
    store.save_pair_state(&shop(), &state).unwrap();
    assert_eq!(store.watermark(Side::Ado).unwrap(), watermark);
    assert_eq!(store.pair_state(&shop()).unwrap(), state);
    assert_eq!(store.recent_cycles(1).unwrap(), [cycle("b", 2)]);
}

#[test]
fn a_refused_value_is_kept_per_field_moves_with_our_own_writes_and_is_forgiven() {
    let mut store = Store::open_in_memory().unwrap();
    let pair = PairName::from("shop");
    let refusal = |field: FieldKey, value: &str, version: i64| {
        Op::Part(PartOp::SaveRefusal(Refusal {
            pair: PairName::from("shop"),
            side: Side::Ado,
            item: ItemId::from("1"),
            field,
            value: FieldValue::text(value),
            version: Version(version),
            why: HoldWhy::told_before("no".to_owned()),
            fingerprint: "f".to_owned(),
        }))
    };
    let state = FieldKey::State;
    let ops = vec![
        refusal(state.clone(), "old", 4),
        refusal(state.clone(), "new", 5),
        refusal(FieldKey::Title, "t", 4),
        Op::Part(PartOp::MoveRefusals {
            side: Side::Ado,
            item: ItemId::from("1"),
            from: Version(5),
            to: Version(6),
        }),
    ];
    store.commit(&Batch(ops)).unwrap();
    let rows = store.refusals(&pair).unwrap();
    let shown: Vec<(FieldKey, String, i64)> = rows
        .iter()
        .map(|row| (row.field.clone(), row.value.to_string(), row.version.0))
        .collect();
    let expected = [
        (state.clone(), "new".to_owned(), 6),
        (FieldKey::Title, "t".to_owned(), 4),
    ];
    assert_eq!(shown, expected);
    let forget = Op::Part(PartOp::ForgetRefusal {
        pair: pair.clone(),
        side: Side::Ado,
        item: ItemId::from("1"),
        field: state,
    });
    store.commit(&Batch(vec![forget])).unwrap();
    assert_eq!(store.refusals(&pair).unwrap().len(), 1);
    assert_eq!(store.forgive().unwrap(), 1);
    assert!(store.refusals(&pair).unwrap().is_empty());
}

#[test]
fn a_choice_ends_with_its_link() {
    let (mut store, link) = linked();
    let value = FieldValue::text("chosen");
    let choice = Choice {
        link,
        field: FieldKey::Title,
        conflict: 1,
        side: Side::Ado,
        value: value.clone(),
        seen: crate::model::Sided {
            ado: value.clone(),
            clickup: value,
        },
        at: Timestamp(1),
    };
    let conflict = Op::AddConflict(conflict(link, "a", None));
    let made = Op::Choice(ChoiceOp::Make(choice));
    store.commit(&Batch(vec![conflict, made])).unwrap();
    assert_eq!(store.choices(link).unwrap().len(), 1);
    let state = LinkState::Tombstone {
        why: ActionWhy::RemovedByHand,
    };
    let at = Timestamp(2);
    let ended = Op::SetLinkState { link, state, at };
    store.commit(&Batch(vec![ended])).unwrap();
    assert_eq!(store.choices(link).unwrap(), []);
}
