//! Rules about restored databases: none is missed, and no crash looks like one.

use super::*;
use crate::store::epoch::moved_since;

fn paths() -> (tempfile::TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("state.db");
    (folder, path)
}

fn locked(path: &Path) -> StateLock {
    StateLock::acquire(path).unwrap()
}

fn start(path: &Path) -> Store {
    Store::start(&locked(path), Timestamp(7)).unwrap()
}

fn announce(store: &mut Store) -> Result<(), StoreError> {
    store.commit(&Batch(vec![Op::Rail(RailOp::Announce)]))
}

fn in_file(path: &Path) -> u64 {
    let text = std::fs::read_to_string(epoch_path(path)).unwrap();
    text.trim().parse().unwrap()
}

/// Copies the database alone, as a backup does.
fn copy(path: &Path, to: &Path) {
    Store::open_read_only(path).unwrap().backup(to).unwrap();
}

#[test]
fn starts_and_writes_raise_both_counters_and_restore_nothing() {
    let (_folder, path) = paths();
    for round in 1..4 {
        let mut store = start(&path);
        assert_eq!(store.restored().unwrap(), None);
        announce(&mut store).unwrap();
        assert_eq!(store.epoch().unwrap(), round * 2);
        assert_eq!(in_file(&path), round * 2);
    }
}

#[test]
fn a_copy_that_lacks_one_announced_write_is_noticed() {
    let (_folder, path) = paths();
    let backup = path.with_extension("copy");
    let mut store = start(&path);
    copy(&path, &backup);
    announce(&mut store).unwrap();
    drop(store);
    std::fs::rename(&backup, &path).unwrap();
    let seen = Store::look(&path, Timestamp(6)).unwrap();
    assert_eq!(seen.restored().unwrap().unwrap().at, Timestamp(6));
    let store = start(&path);
    assert_eq!(store.restored().unwrap().unwrap().at, Timestamp(7));
    assert!(store.epoch().unwrap() > 2 && in_file(&path) == store.epoch().unwrap());
    drop(store);
    // Noticed once: the next start is an ordinary one.
    let store = Store::start(&locked(&path), Timestamp(99)).unwrap();
    assert_eq!(store.restored().unwrap().unwrap().at, Timestamp(7));
}

/// The whole set of files went away and came back: the counters agree, and only the file's own times tell.
#[cfg(unix)]
#[test]
fn a_set_of_files_that_came_back_with_its_epoch_shows_in_the_times_of_the_file() {
    let (_folder, path) = paths();
    drop(start(&path));
    assert!(!moved_since(&path), "written a moment ago");
    let file = std::fs::File::options().write(true).open(epoch_path(&path));
    let file = file.unwrap();
    let written = file.metadata().unwrap().modified().unwrap();
    let earlier = written - std::time::Duration::from_secs(3600);
    file.set_modified(earlier).unwrap();
    assert!(moved_since(&path), "renamed an hour after it was written");
    assert_eq!(
        start(&path).restored().unwrap(),
        None,
        "nothing says that it is old"
    );
    assert!(!moved_since(&path), "told once");
    std::fs::remove_file(epoch_path(&path)).unwrap();
    assert!(
        start(&path).restored().unwrap().is_some(),
        "as the warning says"
    );
}

/// Why copies carry a mark as well: the epochs have nothing to compare here.
#[test]
fn a_copy_that_comes_back_with_its_own_epoch_is_known_by_its_mark_alone() {
    let (_folder, path) = paths();
    let (pair, backup) = (PairName::from("shop"), path.with_extension("copy"));
    let mut store = start(&path);
    store.commit(&Batch(vec![add_link("1", "t1")])).unwrap();
    let state = PairState {
        fingerprint: Some("f".to_owned()),
        ..PairState::default()
    };
    store.save_pair_state(&pair, &state).unwrap();
    copy(&path, &backup);
    let file = std::fs::read(epoch_path(&path)).unwrap();
    announce(&mut store).unwrap();
    drop(store);
    std::fs::rename(&backup, &path).unwrap();
    std::fs::write(epoch_path(&path), file).unwrap();
    let store = start(&path);
    assert_eq!(store.restored().unwrap(), None);
    let state = store.pair_state(&pair).unwrap();
    assert_eq!(state.fingerprint.as_deref(), Some(RESTORED));
    let link = store.links(&pair).unwrap()[0].id;
    assert!(store.base(link).unwrap().is_empty());
}

/// Why there are epochs as well: a copy that is not of our making carries no mark.
#[test]
fn a_file_that_was_copied_by_hand_is_known_by_its_epoch_alone() {
    let (_folder, path) = paths();
    let (pair, backup) = (PairName::from("shop"), path.with_extension("copy"));
    let mut store = start(&path);
    let state = PairState {
        fingerprint: Some("f".to_owned()),
        ..PairState::default()
    };
    store.save_pair_state(&pair, &state).unwrap();
    drop(store);
    std::fs::copy(&path, &backup).unwrap();
    drop(start(&path));
    std::fs::rename(&backup, &path).unwrap();
    let store = start(&path);
    assert!(store.restored().unwrap().is_some());
    let state = store.pair_state(&pair).unwrap();
    assert_eq!(state.fingerprint.as_deref(), Some("f"));
}

#[test]
fn a_database_alone_on_a_new_machine_is_noticed() {
    let (_folder, path) = paths();
    let mut store = start(&path);
    announce(&mut store).unwrap();
    drop(store);
    std::fs::remove_file(epoch_path(&path)).unwrap();
    assert!(start(&path).restored().unwrap().is_some());
}

#[test]
fn a_new_database_beside_an_old_key_or_epoch_is_noticed() {
    for left in [".key", ".epoch"] {
        let (_folder, path) = paths();
        drop(start(&path));
        crate::store::load_or_create_key(&locked(&path)).unwrap();
        for suffix in ["", "-wal", "-shm", ".key", ".epoch"] {
            if suffix != left {
                let _ = std::fs::remove_file(open::beside(&path, suffix));
            }
        }
        assert!(start(&path).restored().unwrap().is_some(), "{left}");
    }
}

#[test]
fn a_database_of_before_the_epochs_is_not_restored() {
    let (_folder, path) = paths();
    let mut store = Store::open(&path).unwrap();
    store.commit(&Batch(vec![add_link("1", "t1")])).unwrap();
    drop(store);
    crate::store::load_or_create_key(&locked(&path)).unwrap();
    assert_eq!(start(&path).restored().unwrap(), None);
}

/// Kills the process at every edge of every commit of a start and of a write, and starts again.
#[test]
fn no_kill_looks_like_a_restore() {
    for kill in 0..6 {
        let (_folder, path) = paths();
        for round in 0..3 {
            let mut store = start(&path);
            assert_eq!(
                store.restored().unwrap(),
                None,
                "kill {kill}, round {round}"
            );
            let mut edges = 0;
            store.on_commit(Box::new(move |_, _| {
                edges += 1;
                edges > kill
            }));
            for _ in 0..3 {
                let _ = announce(&mut store);
            }
        }
    }
    // The same for the very first start, whose file does not exist yet: committed, then killed, twice.
    let (_folder, path) = paths();
    let mut store = Store::open(&path).unwrap();
    announce(&mut store).unwrap();
    drop(store);
    assert_eq!(start(&path).restored().unwrap(), None);
    std::fs::write(epoch_path(&path), "1\n").unwrap();
    assert_eq!(start(&path).restored().unwrap(), None);
}

/// A kill between the commit that notes the restore and the file must not forget it.
#[test]
fn a_kill_while_noting_a_restore_loses_nothing() {
    let (_folder, path) = paths();
    let mut store = start(&path);
    announce(&mut store).unwrap();
    drop(store);
    std::fs::write(epoch_path(&path), "50\n").unwrap();
    let mut store = Store::open(&path).unwrap();
    let batch = vec![
        Op::Note(NoteOp::Epoch(50)),
        Op::Rail(RailOp::MarkRestored { at: Timestamp(3) }),
        Op::Rail(RailOp::Announce),
    ];
    store.commit(&Batch(batch)).unwrap();
    drop(store);
    assert_eq!(
        in_file(&path),
        50,
        "no file is written by a store that was not started"
    );
    let store = start(&path);
    assert_eq!(store.restored().unwrap().unwrap().at, Timestamp(3));
    assert!(in_file(&path) > 50);
}

#[test]
fn a_database_of_schema_1_keeps_its_rows_and_is_copied_first() {
    let (_folder, path) = paths();
    let old = of_schema(&path, 1);
    old.execute_batch(
        "INSERT INTO link (pair, ado, clickup, state, generation, created_at, changed_at)
             VALUES ('shop', '1', 't1', 'active', 0, 1, 1);",
    )
    .unwrap();
    drop(old);
    let mut store = start(&path);
    assert_eq!(store.restored().unwrap(), None);
    let link = store.links(&PairName::from("shop")).unwrap().remove(0);
    assert_eq!(link.clickup, ItemId::from("t1"));
    let freeze = Op::Rail(RailOp::Freeze {
        link: link.id,
        subject: FieldKey::Title.into(),
        why: RailWhy::RestoredDiffers.into(),
        at: Timestamp(1),
    });
    store.commit(&Batch(vec![freeze])).unwrap();
    assert_eq!(store.freezes(&link.pair).unwrap().len(), 1);
    let copy = format!(".before-schema-{}", open::NEWEST);
    assert!(open::beside(&path, &copy).exists());
}

#[test]
fn a_database_of_schema_4_keeps_its_links_and_remembers_changes_in_steps() {
    let (_folder, path) = paths();
    let old = of_schema(&path, 4);
    old.execute_batch(
        "INSERT INTO link (pair, ado, clickup, state, generation, created_at, changed_at)
             VALUES ('shop', '1', 't1', 'active', 0, 1, 1);",
    )
    .unwrap();
    drop(old);
    let mut store = start(&path);
    let link = store.links(&PairName::from("shop")).unwrap().remove(0);
    let row = TransitRow {
        link: link.id,
        side: Side::Ado,
        field: FieldKey::State,
        origin: FieldValue::choice("Closed"),
        via: vec![FieldValue::choice("Active")],
        wanted: FieldValue::choice("Resolved"),
        expected: Version(3),
        sent: BTreeMap::from([(FieldKey::Title, FieldValue::text("t"))]),
        source: Some(Source {
            apart: true,
            value: FieldValue::choice("done"),
            wanted: Some(FieldValue::choice("to do")),
        }),
    };
    let save = Op::Part(PartOp::SaveTransit(row.clone()));
    store.commit(&Batch(vec![save])).unwrap();
    assert_eq!(store.transits().unwrap(), [row]);
    let end = Op::Part(PartOp::EndTransit {
        link: link.id,
        side: Side::Ado,
    });
    store.commit(&Batch(vec![end])).unwrap();
    assert_eq!(store.transits().unwrap(), []);
}

#[test]
fn a_database_without_codes_keeps_its_sentences_and_rules_find_what_they_ask() {
    let (_folder, path) = paths();
    let old = of_schema(&path, 7);
    old.execute_batch(
        "INSERT INTO hold (pair, side, item, reason, since, tries) VALUES
             ('shop', 'ado', '1', 'a marker that cannot be trusted names it: ClickUp t1 carries it', 1, 0),
             ('shop', 'ado', '2', 'has its counterpart outside this pair: ClickUp t2, in the pair app', 2, 0),
             ('shop', 'ado', '3',
              'carries a marker that this installation did not write; link it by hand with `boardsync links add`', 3, 0),
             ('shop', 'ado', '4', 'HTTP 500', 4, 0);
         INSERT INTO link (id, pair, ado, clickup, state, reason, generation, created_at, changed_at) VALUES
             (1, 'shop', '1', 't1', 'tombstone', 'counterpart deleted in ADO (in the bin); on_delete = unlink', 0, 1, 1),
             (2, 'shop', '2', 't2', 'tombstone', 'counterpart deleted in ClickUp (404); closed already', 0, 1, 1),
             (3, 'shop', '3', 't3', 'tombstone', 'removed by hand', 0, 1, 1),
             (4, 'shop', '4', 't4', 'tombstone', 'undo of c1', 0, 1, 1),
             (5, 'shop', '5', 't5', 'active', NULL, 0, 1, 1);
         INSERT INTO freeze (link, field, reason, since) VALUES
             (5, 'title', 'written 5 times within the hour and undone each time', 1);
         INSERT INTO refusal (pair, side, item, field, value, version, fingerprint, reason) VALUES
             ('shop', 'ado', '5', 'title', '{\"kind\":\"empty\"}', 1, 'f', 'ADO does not take title');
         INSERT INTO cycle (id, started_at, cause, outcome, counts) VALUES
             ('c1', 1, 'cycle', 'done', '{}'),
             ('c2', 2, 'undo of c1', 'done', '{}'),
             ('c3', 3, 'undo of all writes to 7', 'done', '{}'),
             ('c4', 4, 'timer', 'stopped', '{}');
         INSERT INTO journal (id, at, cycle, pair, side, action_id, kind, changes, outcome, detail, request_ids, version)
             VALUES (7, 1, 'c1', 'shop', 'ado', 'm', 'create', '{}', 'answered in doubt', 'HTTP 403', '[]', 3),
                    (8, 1, 'c1', 'shop', 'ado', 'a', 'update', '{}', 'done', '', '[]', NULL);
         DELETE FROM journal WHERE id = 8;",
    )
    .unwrap();
    drop(old);
    let mut store = start(&path);
    let holds = store.holds(None).unwrap();
    let asked: Vec<(bool, bool)> = holds
        .iter()
        .map(|hold| {
            (
                hold.why.stands_until_sweep(),
                hold.why.is_strangers_marker(),
            )
        })
        .collect();
    assert_eq!(
        asked,
        [(true, false), (true, false), (false, true), (false, false)]
    );
    assert!(holds[0].reason().ends_with("ClickUp t1 carries it"));
    assert_eq!(holds[2].why, OriginWhy::StrangersMarker.into());
    assert_eq!(holds[3].why, HoldWhy::told_before("HTTP 500".to_owned()));

    let links = store.links(&PairName::from("shop")).unwrap();
    let ended = |at: usize| match &links[at].state {
        LinkState::Tombstone { why } => why.clone(),
        state => panic!("{state:?}"),
    };
    assert_eq!(ended(0).deleted_in(), Some(Side::Ado));
    assert_eq!(
        ended(0).to_string(),
        "counterpart deleted in ADO (in the bin); on_delete = unlink"
    );
    assert_eq!(ended(1).deleted_in(), Some(Side::ClickUp));
    assert_eq!(ended(2), ActionWhy::RemovedByHand);
    assert_eq!(ended(3), ActionWhy::told_before("undo of c1".to_owned()));

    let frozen = store.freezes(&PairName::from("shop")).unwrap();
    assert!(frozen[0].why.to_string().starts_with("written 5 times"));
    let refused = store.refusals(&PairName::from("shop")).unwrap();
    assert_eq!(refused[0].why.to_string(), "ADO does not take title");

    let cause = |id: &str| store.cycle(id).unwrap().unwrap().cause;
    assert_eq!(cause("c1"), Cause::Cycle);
    let run = "c1".to_owned();
    assert_eq!(cause("c2"), Cause::UndoOfRun { run });
    let item = ItemId::from("7");
    assert_eq!(cause("c3"), Cause::UndoOfItem { item });
    assert_eq!(cause("c4"), Cause::told_before("timer".to_owned()));

    let line = store.journal_of_cycle("c1").unwrap().remove(0);
    let words = (line.entry.kind, line.entry.outcome, line.entry.version);
    let kept = (JournalKind::Create, Outcome::InDoubt, Some(Version(3)));
    assert_eq!((line.id, words), (7, kept));
    let next = Op::Journal(line.entry);
    store.commit(&Batch(vec![next])).unwrap();
    let ids: Vec<i64> = store
        .journal_of_cycle("c1")
        .unwrap()
        .iter()
        .map(|line| line.id)
        .collect();
    assert_eq!(ids, [7, 9], "no id is given twice");
    let word = "UPDATE journal SET outcome = 'forgotten'";
    assert!(store.connection.execute(word, []).is_err());
}

#[test]
fn a_code_of_a_later_version_is_shown_by_its_sentence_and_a_damaged_one_is_an_error() {
    let store = Store::open_in_memory().unwrap();
    let insert = |why: &str| {
        store.connection.execute("DELETE FROM hold", []).unwrap();
        let text = "INSERT INTO hold (pair, reason, since, tries, why) VALUES ('shop', 'some words', 1, 0, ?1)";
        store.connection.execute(text, [why]).unwrap();
    };
    insert(r#"{"code":"of_tomorrow","fact":1}"#);
    let holds = store.holds(None).unwrap();
    assert_eq!(holds[0].why, HoldWhy::told_before("some words".to_owned()));
    insert(r#"{"code":"#);
    let read = store.holds(None);
    assert!(matches!(read, Err(StoreError::Json { .. })), "{read:?}");
}
