//! Rules about the files: what is created, refused, left alone.

use super::*;
use sha2::{Digest, Sha256};

/// Name and hash of every file of a directory.
fn hashes(directory: &Path) -> BTreeMap<String, Vec<u8>> {
    std::fs::read_dir(directory)
        .unwrap()
        .map(|entry| {
            let entry = entry.unwrap();
            let hash = Sha256::digest(std::fs::read(entry.path()).unwrap());
            (
                entry.file_name().into_string().unwrap(),
                hash.as_slice().to_vec(),
            )
        })
        .collect()
}

#[test]
fn the_schema_is_valid_and_its_version_is_the_number_of_migrations() {
    open::migrations().validate().unwrap();
    let store = Store::open_in_memory().unwrap();
    let version: i64 = store
        .connection
        .pragma_query_value(None, "user_version", |row| row.get(0))
        .unwrap();
    assert_eq!(version, open::NEWEST);
}

#[test]
fn every_table_is_strict() {
    let store = Store::open_in_memory().unwrap();
    let loose: i64 = store
        .connection
        .query_row(
            "SELECT count(*) FROM pragma_table_list WHERE schema = 'main' AND NOT strict AND name NOT LIKE 'sqlite_%'",
            [],
            |row| row.get(0),
        )
        .unwrap();
    assert_eq!(loose, 0);
}

#[test]
fn a_database_is_durable_and_checked_for_references() {
    let directory = tempfile::tempdir().unwrap();
    let store = Store::open(&directory.path().join("state.db")).unwrap();
    let pragma = |name: &str| -> String {
        store
            .connection
            .pragma_query_value(None, name, |row| row.get::<_, rusqlite::types::Value>(0))
            .map(|value| format!("{value:?}"))
            .unwrap()
    };
    assert_eq!(pragma("journal_mode"), "Text(\"wal\")");
    assert_eq!(pragma("synchronous"), "Integer(2)");
    assert_eq!(pragma("foreign_keys"), "Integer(1)");
}

#[test]
fn what_was_committed_is_there_after_reopening() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("state.db");
    Store::open(&path)
        .unwrap()
        .commit(&Batch(vec![save("1"), add_link("1", "t1")]))
        .unwrap();
    let store = Store::open(&path).unwrap();
    assert_eq!(store.count_links(&PairName::from("shop")).unwrap(), 1);
    assert!(
        store
            .known(Side::Ado, &ItemId::from("1"))
            .unwrap()
            .is_some()
    );
}

#[test]
fn a_newer_schema_is_refused_and_left_alone() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("state.db");
    let store = Store::open(&path).unwrap();
    store
        .connection
        .pragma_update(None, "user_version", 99)
        .unwrap();
    drop(store);
    let before = hashes(directory.path());
    for result in [Store::open(&path), Store::open_read_only(&path)] {
        let error = result.unwrap_err();
        assert!(matches!(
            error,
            StoreError::Newer { found: 99, known, .. } if known == open::NEWEST
        ));
        assert!(error.to_string().contains("state.db"));
    }
    assert_eq!(hashes(directory.path()), before);
}

#[test]
fn a_damaged_file_is_named_and_left_alone() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("state.db");
    std::fs::write(&path, "this is not a database at all ".repeat(200)).unwrap();
    let before = hashes(directory.path());
    for result in [Store::open(&path), Store::open_read_only(&path)] {
        let error = result.unwrap_err();
        assert!(matches!(error, StoreError::Corrupt { .. }), "{error:?}");
        assert!(error.to_string().contains("state.db"));
    }
    assert_eq!(hashes(directory.path()), before);
}

#[test]
fn a_damaged_page_is_found_on_opening() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("state.db");
    let mut store = Store::open(&path).unwrap();
    let ops = (0..200).map(|n| save(&n.to_string())).collect();
    store.commit(&Batch(ops)).unwrap();
    drop(store);
    let mut bytes = std::fs::read(&path).unwrap();
    // Every page after the schema's, so that whichever table lies there is hit.
    let from = bytes.len() / 2;
    bytes[from..].fill(0xA5);
    std::fs::write(&path, &bytes).unwrap();
    let error = Store::open(&path).unwrap_err();
    assert!(matches!(error, StoreError::Corrupt { .. }), "{error:?}");
    assert_eq!(std::fs::read(&path).unwrap(), bytes);
}

/// Its pages are sound; a row breaks a rule of its table.
#[test]
fn a_row_that_breaks_a_rule_is_found_on_opening() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("state.db");
    let mut store = Store::open(&path).unwrap();
    store.commit(&Batch(vec![add_link("1", "t1")])).unwrap();
    store
        .connection
        .execute_batch("PRAGMA ignore_check_constraints = ON; UPDATE link SET state = 'torn'")
        .unwrap();
    drop(store);
    let error = Store::open(&path).unwrap_err();
    assert!(matches!(error, StoreError::Corrupt { .. }), "{error}");
}

#[test]
fn another_programs_database_is_refused() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("other.db");
    Connection::open(&path)
        .unwrap()
        .execute_batch("CREATE TABLE t (a)")
        .unwrap();
    let before = hashes(directory.path());
    assert!(matches!(
        Store::open(&path).unwrap_err(),
        StoreError::Open { .. }
    ));
    assert_eq!(hashes(directory.path()), before);
}

#[test]
fn reading_only_changes_no_byte_and_adds_no_file() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("state.db");
    let mut store = Store::open(&path).unwrap();
    store.commit(&Batch(vec![add_link("1", "t1")])).unwrap();
    drop(store);
    let before = hashes(directory.path());
    let store = Store::open_read_only(&path).unwrap();
    assert_eq!(store.count_links(&PairName::from("shop")).unwrap(), 1);
    assert_eq!(hashes(directory.path()), before);
    drop(store);
    assert_eq!(hashes(directory.path()), before);
}

#[test]
fn reading_only_sees_what_a_killed_process_left_in_the_log() {
    let live = tempfile::tempdir().unwrap();
    let mut store = Store::open(&live.path().join("state.db")).unwrap();
    store.commit(&Batch(vec![add_link("1", "t1")])).unwrap();
    // As a kill leaves it: the commit is in the -wal file only, nobody holds a lock.
    let dead = tempfile::tempdir().unwrap();
    for name in ["state.db", "state.db-wal"] {
        std::fs::copy(live.path().join(name), dead.path().join(name)).unwrap();
    }
    let before = hashes(dead.path());
    assert!(before.contains_key("state.db-wal"));
    let copy = Store::open_read_only(&dead.path().join("state.db")).unwrap();
    assert_eq!(copy.count_links(&PairName::from("shop")).unwrap(), 1);
    assert_eq!(hashes(dead.path()), before);
}

#[test]
fn reading_only_sees_the_commits_of_a_running_writer() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("state.db");
    let _lock = StateLock::acquire(&path).unwrap();
    let mut store = Store::open(&path).unwrap();
    store.commit(&Batch(vec![add_link("1", "t1")])).unwrap();
    let names = |directory: &Path| hashes(directory).into_keys().collect::<Vec<_>>();
    let before = (names(directory.path()), std::fs::read(&path).unwrap());
    let reader = Store::open_read_only(&path).unwrap();
    assert_eq!(reader.count_links(&PairName::from("shop")).unwrap(), 1);
    drop(reader);
    assert_eq!(
        (names(directory.path()), std::fs::read(&path).unwrap()),
        before
    );
    store.commit(&Batch(vec![add_link("2", "t2")])).unwrap();
}

#[test]
fn reading_only_a_missing_file_gives_an_empty_store_and_no_file() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("sub").join("state.db");
    let store = Store::open_read_only(&path).unwrap();
    assert!(store.open_intents().unwrap().is_empty());
    assert!(hashes(directory.path()).is_empty());
}

#[test]
fn the_second_lock_fails_until_the_first_is_dropped() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("state.db");
    let first = StateLock::acquire(&path).unwrap();
    let error = StateLock::acquire(&path).unwrap_err();
    assert!(matches!(error, LockError::Held { .. }));
    assert!(error.to_string().contains(&std::process::id().to_string()));
    drop(first);
    StateLock::acquire(&path).unwrap();
}

#[test]
fn a_backup_is_a_complete_database_and_replaces_an_older_one() {
    let directory = tempfile::tempdir().unwrap();
    let mut store = Store::open(&directory.path().join("state.db")).unwrap();
    store.commit(&Batch(vec![add_link("1", "t1")])).unwrap();
    let to = directory.path().join("copies").join("one.db");
    store.backup(&to).unwrap();
    store.commit(&Batch(vec![add_link("2", "t2")])).unwrap();
    store.backup(&to).unwrap();
    let copy = Store::open(&to).unwrap();
    assert_eq!(copy.count_links(&PairName::from("shop")).unwrap(), 2);
    assert!(!to.with_file_name("one.db.tmp").exists());
}

/// A copy takes over a row that breaks a rule of its table as it is, so only the check of the finished copy tells.
#[test]
fn a_copy_that_is_not_sound_never_replaces_a_sound_one() {
    let directory = tempfile::tempdir().unwrap();
    let mut store = Store::open(&directory.path().join("state.db")).unwrap();
    store.commit(&Batch(vec![add_link("1", "t1")])).unwrap();
    let to = directory.path().join("copy.db");
    store.backup(&to).unwrap();
    let sound = std::fs::read(&to).unwrap();
    store
        .connection
        .execute_batch(
            "PRAGMA ignore_check_constraints = ON; UPDATE link SET state = 'torn'; PRAGMA ignore_check_constraints = OFF",
        )
        .unwrap();
    let error = store.backup(&to).unwrap_err().to_string();
    assert!(
        error.contains("copy.db: CHECK constraint") && error.contains("boardsync doctor"),
        "{error}"
    );
    assert_eq!(std::fs::read(&to).unwrap(), sound);
    assert!(!directory.path().join("copy.db.tmp").exists());
}

#[cfg(unix)]
#[test]
fn files_and_new_directories_are_for_their_owner_only() {
    use std::os::unix::fs::PermissionsExt;
    let directory = tempfile::tempdir().unwrap();
    let home = directory.path().join("state");
    let path = home.join("state.db");
    let lock = StateLock::acquire(&path).unwrap();
    let mut store = Store::open(&path).unwrap();
    store.commit(&Batch(vec![add_link("1", "t1")])).unwrap();
    store.backup(&home.join("copy.db")).unwrap();
    crate::store::load_or_create_key(&lock).unwrap();
    let mode = |path: &Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(&home), 0o700);
    for name in hashes(&home).into_keys() {
        assert_eq!(mode(&home.join(&name)), 0o600, "{name}");
    }
    assert_eq!(hashes(&home).len(), 6);
}

#[test]
fn the_key_is_made_once_and_a_spoilt_one_is_not_replaced() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("state.db");
    let sign = |key: &crate::marker::MarkerKey| {
        crate::marker::marker(key, &"p".into(), Side::Ado, &"1".into(), 0)
    };
    assert!(crate::store::load_key(&path).unwrap().is_none());
    let lock = StateLock::acquire(&path).unwrap();
    let first = crate::store::load_or_create_key(&lock).unwrap();
    let again = crate::store::load_or_create_key(&lock).unwrap();
    assert_eq!(sign(&first), sign(&again));
    std::fs::write(key_path(&path), "short").unwrap();
    assert!(crate::store::load_or_create_key(&lock).is_err());
    assert_eq!(std::fs::read(key_path(&path)).unwrap(), b"short");
}

#[test]
fn seven_copies_are_kept_and_nothing_else_is_deleted() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("state.db");
    let store = Store::open(&path).unwrap();
    for name in [
        "state.db.backup-mine",
        "state.db.backup-2.tmp",
        "other.db.backup-2026Z",
    ] {
        std::fs::write(directory.path().join(name), "x").unwrap();
    }
    for second in 0..9 {
        let now = Timestamp(1_800_000_000_000 + second * 1_000);
        assert!(store.backup_rotating(now, 7).unwrap().is_some());
    }
    let kept = backups(&path).unwrap();
    assert_eq!(kept.len(), 7);
    assert!(
        kept[0]
            .to_string_lossy()
            .ends_with(":02.000Z".replace(':', "-").as_str())
    );
    assert_eq!(
        hashes(directory.path()).len(),
        7 + 3 + 3,
        "state, -wal, -shm, three strangers"
    );
    let memory = Store::open_in_memory().unwrap();
    assert_eq!(memory.backup_rotating(Timestamp(0), 7).unwrap(), None);
}

#[test]
fn a_copy_is_not_trusted_when_it_is_taken_into_use_and_the_original_is() {
    let directory = tempfile::tempdir().unwrap();
    let (path, copy) = (
        directory.path().join("state.db"),
        directory.path().join("copy.db"),
    );
    let pair = PairName::from("shop");
    let mut store = Store::open(&path).unwrap();
    store.commit(&Batch(vec![add_link("1", "t1")])).unwrap();
    let state = PairState {
        fingerprint: Some("f".to_owned()),
        ..PairState::default()
    };
    store.save_pair_state(&pair, &state).unwrap();
    store.backup(&copy).unwrap();
    drop(store);
    let seen = |store: Store| {
        let link = store.links(&pair).unwrap()[0].id;
        let fingerprint = store.pair_state(&pair).unwrap().fingerprint.unwrap();
        (store.base(link).unwrap().len(), fingerprint)
    };
    let trusted = (1, "f".to_owned());
    let restored = (0, RESTORED.to_owned());
    assert_eq!(seen(Store::open(&path).unwrap()), trusted);
    assert_eq!(seen(Store::open_read_only(&copy).unwrap()), restored);
    let mut store = Store::open(&copy).unwrap();
    store.save_pair_state(&pair, &state).unwrap();
    drop(store);
    assert_eq!(
        seen(Store::open(&copy).unwrap()),
        (0, "f".to_owned()),
        "once"
    );
}

fn version_of(path: &Path) -> i64 {
    let file = rusqlite::Connection::open(path).unwrap();
    file.pragma_query_value(None, "user_version", |row| row.get(0))
        .unwrap()
}

/// An older daemon may be writing there, and goes on with the copy if it has to.
#[test]
fn what_looks_or_copies_leaves_the_schema_as_it_is() {
    let folder = tempfile::tempdir().unwrap();
    let (path, copy) = (
        folder.path().join("state.db"),
        folder.path().join("copy.db"),
    );
    drop(of_schema(&path, usize::try_from(open::NEWEST - 1).unwrap()));
    let lock = StateLock::acquire(&path).unwrap();
    Store::open_read_only(&path).unwrap();
    Store::copy_as_it_is(&path, &copy).unwrap();
    assert_eq!(version_of(&path), open::NEWEST - 1);
    assert_eq!(version_of(&copy), open::NEWEST - 1);
    // Whoever would change it needs the lock, and is told who has it.
    let refused = StateLock::acquire(&path).unwrap_err().to_string();
    assert!(
        refused.contains(&format!("process {}", std::process::id())),
        "{refused}"
    );
    drop(lock);
    let lock = StateLock::acquire(&path).unwrap();
    Store::start(&lock, Timestamp(1)).unwrap();
    assert_eq!(version_of(&path), open::NEWEST);
}

#[test]
fn a_schema_that_cannot_be_changed_is_told_without_its_sql_and_left_as_it_was() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("state.db");
    // The change to version 12 makes the table of holds anew.
    let (was, wanted) = (11, open::NEWEST);
    let old = of_schema(&path, 11);
    old.execute_batch("PRAGMA foreign_keys = OFF; DROP TABLE hold")
        .unwrap();
    drop(old);
    let told = Store::open(&path).unwrap_err().to_string();
    for part in [
        format!("{} has schema version {was}", path.display()),
        format!("version {wanted}"),
        "no such table".to_owned(),
        "Nothing was changed".to_owned(),
        format!("{}.before-schema-{wanted}", path.display()),
    ] {
        assert!(told.contains(&part), "{part}: {told}");
    }
    assert!(
        !told.contains("CREATE") && !told.contains('\n') && told.len() < 500,
        "{told}"
    );
    assert_eq!(version_of(&path), was);
}
