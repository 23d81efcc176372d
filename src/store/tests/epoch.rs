//! Rules about restored databases: none is missed, and no crash looks like one.

use super::*;

fn paths() -> (tempfile::TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("state.db");
    (folder, path)
}

fn start(path: &Path) -> Store {
    Store::start(path, Timestamp(7)).unwrap()
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
    let store = Store::start(&path, Timestamp(99)).unwrap();
    assert_eq!(store.restored().unwrap().unwrap().at, Timestamp(7));
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
        crate::store::load_or_create_key(&path).unwrap();
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
    crate::store::load_or_create_key(&path).unwrap();
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
    let old = rusqlite::Connection::open(&path).unwrap();
    old.execute_batch(include_str!("../../../migrations/0001_init.sql"))
        .unwrap();
    old.execute_batch(
        "PRAGMA user_version = 1;
         INSERT INTO link (pair, ado, clickup, state, generation, created_at, changed_at)
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
        field: FieldKey::Title,
        reason: "why".to_owned(),
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
    let old = rusqlite::Connection::open(&path).unwrap();
    for sql in [
        include_str!("../../../migrations/0001_init.sql"),
        include_str!("../../../migrations/0002_rails.sql"),
        include_str!("../../../migrations/0003_seen.sql"),
        include_str!("../../../migrations/0004_reader.sql"),
    ] {
        old.execute_batch(sql).unwrap();
    }
    old.execute_batch(
        "PRAGMA user_version = 4;
         INSERT INTO link (pair, ado, clickup, state, generation, created_at, changed_at)
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
