//! Opening, checking and migrating the database file.

use super::Store;
use super::backup::{backup, distrust_copy};
use super::error::{Saved, StoreError, sql};
use super::files;
use super::lock::lock_path;
use rusqlite::backup::Backup;
use rusqlite::{Connection, OpenFlags};
use rusqlite_migration::{M, Migrations};
use std::cell::RefCell;
use std::fs::{File, OpenOptions};
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

/// Every schema change ever, oldest first. A released entry is never edited.
pub(super) fn migrations() -> Migrations<'static> {
    Migrations::new(vec![
        M::up(include_str!("../../migrations/0001_init.sql")),
        M::up(include_str!("../../migrations/0002_rails.sql")),
        M::up(include_str!("../../migrations/0003_seen.sql")),
        M::up(include_str!("../../migrations/0004_reader.sql")),
        M::up(include_str!("../../migrations/0005_refusals.sql")),
        M::up(include_str!("../../migrations/0006_choice.sql")),
        M::up(include_str!("../../migrations/0007_version_of_a_write.sql")),
        M::up(include_str!("../../migrations/0008_notes.sql")),
        M::up(include_str!("../../migrations/0009_reasons.sql")),
        M::up(include_str!("../../migrations/0010_vocabulary.sql")),
        M::up(include_str!("../../migrations/0011_base_states.sql")),
        M::up(include_str!("../../migrations/0012_subjects.sql")),
        M::up(include_str!("../../migrations/0013_journal_action.sql")),
        M::up(include_str!("../../migrations/0014_told.sql")),
        M::up(include_str!("../../migrations/0015_let_through.sql")),
        M::up(include_str!("../../migrations/0016_doubted.sql")),
        M::up(include_str!("../../migrations/0017_source.sql")),
        M::up(include_str!("../../migrations/0018_apart.sql")),
        M::up(include_str!("../../migrations/0019_unsynced.sql")),
        M::up(include_str!("../../migrations/0020_customs.sql")),
        M::up(include_str!("../../migrations/0021_identities.sql")),
        M::up(include_str!("../../migrations/0022_identity_before.sql")),
        M::up(include_str!("../../migrations/0023_seen_title.sql")),
        M::up(include_str!("../../migrations/0024_let_through.sql")),
        M::up(include_str!("../../migrations/0025_children.sql")),
    ])
}

/// Number of entries in [`migrations`], which is the newest schema version known.
pub(super) const NEWEST: i64 = 25;

/// SQLite wal.html, "The WAL-Reset Bug": 3.7.0 to 3.51.2 can corrupt a database in WAL mode.
const OLDEST_SQLITE: i32 = 3_051_003;

/// The state lock admits one writer, so waiting is only ever for a reader or a backup to finish.
const BUSY_TIMEOUT: Duration = Duration::from_secs(5);

impl Store {
    /// Opens the database for writing, creating it (mode 0600, its directory 0700) when it is not there. A file of an
    /// older schema is backed up beside itself and then migrated; a damaged or newer one is refused and left as it is.
    pub fn open(path: &Path) -> Result<Store, StoreError> {
        let open_error = |detail: String| StoreError::Open {
            path: path.to_owned(),
            detail,
        };
        check_sqlite(rusqlite::version_number())?;
        create_parent(path).map_err(|error| open_error(error.to_string()))?;
        let mut options = OpenOptions::new();
        options.read(true).write(true).create_new(true);
        files::private(&mut options);
        // SQLite would create it with the process's umask; the -wal and -shm files copy this file's mode.
        match options.open(path) {
            // Root may be the first to run in the folder of the user whose daemon follows.
            Ok(file) => files::keep_owner(&file, folder(path))
                .map_err(|error| open_error(error.to_string()))?,
            Err(error) if error.kind() == ErrorKind::AlreadyExists => {}
            Err(error) => return Err(open_error(files::why(&error, path))),
        }
        let connection = connect(path)?;
        let found = check(&connection, path)?;
        let mut saved = None;
        if found > 0 && found < NEWEST {
            let copy = beside(path, &format!(".before-schema-{NEWEST}"));
            backup(&connection, &copy, path)?;
            saved = Some(copy);
        }
        Store::finish(connection, path, saved)
    }

    /// Returns a snapshot of the database as it is now, in memory. Creates and changes no file. Works beside a running
    /// daemon (what that has committed is seen) and on the files that a killed one left behind. A missing file gives an
    /// empty store; a file of an older schema is migrated in memory only. Not for the process that holds the file open
    /// for writing: closing a second handle would drop its locks.
    pub fn open_read_only(path: &Path) -> Result<Store, StoreError> {
        check_sqlite(rusqlite::version_number())?;
        match std::fs::metadata(path) {
            Ok(_) => {}
            Err(error) if error.kind() == ErrorKind::NotFound => return Store::open_in_memory(),
            Err(error) => {
                return Err(StoreError::Open {
                    path: path.to_owned(),
                    detail: error.to_string(),
                });
            }
        }
        let connection = snapshot(path)?;
        check(&connection, path)?;
        Store::finish(connection, path, None)
    }

    /// Writes a verified copy (mode 0600) of the database as it is now, replacing the file `to` in one step. Its schema stays
    /// that of the file, so that the program that writes there can use the copy, also where this one is newer. Otherwise as
    /// [`Store::open_read_only`].
    pub fn copy_as_it_is(path: &Path, to: &Path) -> Result<(), StoreError> {
        check_sqlite(rusqlite::version_number())?;
        let connection = snapshot(path)?;
        check(&connection, path)?;
        backup(&connection, to, path)
    }

    /// Returns an empty store that is gone when it is dropped.
    pub fn open_in_memory() -> Result<Store, StoreError> {
        check_sqlite(rusqlite::version_number())?;
        let connection = Connection::open_in_memory().map_err(sql("open a database in memory"))?;
        Store::finish(connection, Path::new(":memory:"), None)
    }

    /// Returns a copy of the database as it is now, in memory. For simulations that put a database back to an earlier
    /// state.
    pub fn copy_in_memory(&self) -> Result<Store, StoreError> {
        let failed = || sql("copy a database in memory");
        let mut memory = Connection::open_in_memory().map_err(failed())?;
        Backup::new(&self.connection, &mut memory)
            .and_then(|copy| copy.run_to_completion(i32::MAX, Duration::ZERO, None))
            .map_err(failed())?;
        Store::finish(memory, Path::new(":memory:"), None)
    }

    /// Returns an empty store in memory, as [`Store::open_in_memory`] does. Out of a store in memory it is made by
    /// deleting all rows, which keeps schema and prepared statements: parsing those again takes as long as a short
    /// history of a simulation. A database file is left as it is.
    pub fn emptied(mut self) -> Result<Store, StoreError> {
        if self.connection.path().is_some_and(|path| !path.is_empty()) {
            return Store::open_in_memory();
        }
        let failed = || sql("empty a database in memory");
        let tx = self.connection.transaction().map_err(failed())?;
        // Newest first: a table refers to older ones only.
        let tables: Vec<String> = tx
            .prepare_cached(
                "SELECT name FROM sqlite_schema WHERE type = 'table' ORDER BY rowid DESC",
            )
            .and_then(|mut statement| statement.query_map([], |row| row.get(0))?.collect())
            .map_err(failed())?;
        for table in tables {
            tx.prepare_cached(&format!("DELETE FROM {table}"))
                .and_then(|mut statement| statement.execute([]))
                .map_err(failed())?;
        }
        tx.commit().map_err(failed())?;
        Ok(Store {
            connection: self.connection,
            path: Path::new(":memory:").to_owned(),
            counts: RefCell::default(),
            hook: None,
            epoch_file: None,
            vocabulary: None,
        })
    }

    /// `saved`: the copy that was made of a file before its schema changes.
    fn finish(
        mut connection: Connection,
        path: &Path,
        saved: Option<PathBuf>,
    ) -> Result<Store, StoreError> {
        connection
            .busy_timeout(BUSY_TIMEOUT)
            .and_then(|()| {
                connection.execute_batch(
                    "PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON; PRAGMA mmap_size = 0;",
                )
            })
            .and_then(|()| connection.pragma_update(None, "journal_mode", "WAL"))
            .map_err(sql("set up the database"))?;
        let found: i64 = connection
            .pragma_query_value(None, "user_version", |row| row.get(0))
            .map_err(sql("read the version of the database"))?;
        migrations()
            .to_latest(&mut connection)
            .map_err(|error| StoreError::Upgrade {
                path: path.to_owned(),
                found,
                known: NEWEST,
                detail: why_not(&error),
                saved: Saved(saved),
            })?;
        if distrust_copy(&mut connection)? {
            tracing::warn!(
                path = %path.display(),
                "the database is a restored backup: every link is compared anew, and the next plan needs a yes"
            );
        }
        // More than there are different statements.
        connection.set_prepared_statement_cache_capacity(192);
        Ok(Store {
            connection,
            path: path.to_owned(),
            counts: RefCell::default(),
            hook: None,
            epoch_file: None,
            vocabulary: None,
        })
    }
}

/// Why a schema was not changed, in one line. The library's own words hold the whole SQL.
fn why_not(error: &rusqlite_migration::Error) -> String {
    use rusqlite::{Error, ErrorCode};
    let rusqlite_migration::Error::RusqliteError { err, .. } = error else {
        let told = error.to_string();
        return told.lines().next().unwrap_or_default().to_owned();
    };
    match (err.sqlite_error_code(), err) {
        (Some(ErrorCode::DiskFull), _) => "the disk is full; make room and start again".to_owned(),
        (Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked), _) => {
            "another process is using it; start again when that has ended".to_owned()
        }
        (Some(ErrorCode::ReadOnly), _) => {
            "it may not be written; correct the rights of the file and start again".to_owned()
        }
        (_, Error::SqlInputError { msg, .. } | Error::SqliteFailure(_, Some(msg))) => msg.clone(),
        (_, other) => other.to_string(),
    }
}

/// Returns `path` with `suffix` appended to the file name.
pub(super) fn beside(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    PathBuf::from(name)
}

/// The folder of a file; `.` for a bare name.
fn folder(path: &Path) -> &Path {
    match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    }
}

/// Creates the directory of a file, for its owner only, when it is not there.
pub(super) fn create_parent(path: &Path) -> std::io::Result<()> {
    match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() && !parent.exists() => {
            create_private_dir(parent, true)
        }
        _ => Ok(()),
    }
}

fn create_private_dir(path: &Path, recursive: bool) -> std::io::Result<()> {
    let mut builder = std::fs::DirBuilder::new();
    builder.recursive(recursive);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(path)
}

fn check_sqlite(number: i32) -> Result<(), StoreError> {
    if number < OLDEST_SQLITE {
        return Err(StoreError::OldSqlite {
            found: format!(
                "{}.{}.{}",
                number / 1_000_000,
                number / 1000 % 1000,
                number % 1000
            ),
        });
    }
    Ok(())
}

pub(super) fn connect(path: &Path) -> Result<Connection, StoreError> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection =
        Connection::open_with_flags(path, flags).map_err(|error| opening(path, &error))?;
    connection
        .busy_timeout(BUSY_TIMEOUT)
        .map_err(|error| opening(path, &error))?;
    Ok(connection)
}

/// Checks that the file is a sound database of a known schema, before anything is written, and returns its version.
fn check(connection: &Connection, path: &Path) -> Result<i64, StoreError> {
    let found: i64 = connection
        .pragma_query_value(None, "user_version", |row| row.get(0))
        .map_err(|error| opening(path, &error))?;
    if found > NEWEST {
        return Err(StoreError::Newer {
            path: path.to_owned(),
            found,
            known: NEWEST,
        });
    }
    let finding: String = connection
        .query_row("PRAGMA quick_check(1)", [], |row| row.get(0))
        .map_err(|error| opening(path, &error))?;
    if finding != "ok" {
        return Err(StoreError::Corrupt {
            path: path.to_owned(),
            detail: finding,
        });
    }
    let foreign: i64 = connection
        .query_row(
            "SELECT count(*) FROM sqlite_schema WHERE name NOT LIKE 'sqlite_%'",
            [],
            |row| row.get(0),
        )
        .map_err(|error| opening(path, &error))?;
    if found == 0 && foreign > 0 {
        return Err(StoreError::Open {
            path: path.to_owned(),
            detail: "it is a database of another program".to_owned(),
        });
    }
    Ok(found)
}

/// Names the file in errors that occur before the store is up.
pub(super) fn opening(path: &Path, error: &rusqlite::Error) -> StoreError {
    use rusqlite::ErrorCode;
    let (path, detail) = (path.to_owned(), error.to_string());
    match error.sqlite_error_code() {
        Some(ErrorCode::NotADatabase | ErrorCode::DatabaseCorrupt) => {
            StoreError::Corrupt { path, detail }
        }
        Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => StoreError::Busy,
        Some(ErrorCode::DiskFull) => StoreError::DiskFull,
        _ => StoreError::Open { path, detail },
    }
}

/// Copies the database into memory without leaving a trace beside it.
///
/// SQLite's own read-only mode is not enough: on a file in WAL mode it creates, or recovers, the -wal and -shm files.
/// So: while a writer runs, its files are there and plain reading adds none. While none runs, the file is complete
/// (read as immutable) unless a killed process left a -wal, and then a private copy of both is read.
pub(super) fn snapshot(path: &Path) -> Result<Connection, StoreError> {
    let wal = beside(path, "-wal");
    // Held while copying, so that no writer starts meanwhile; a writer waits that long.
    let (lock, writer) = match File::open(lock_path(path)) {
        Ok(file) => match file.try_lock_shared() {
            Ok(()) => (Some(file), false),
            Err(_) => (None, true),
        },
        Err(_) => (None, false),
    };
    let left_over = std::fs::metadata(&wal).is_ok_and(|metadata| metadata.len() > 0);
    let memory = if writer && wal.exists() {
        load(path, "mode=ro", path)
    } else if left_over {
        let copy = PrivateCopy::of(path, &wal)?;
        load(&copy.database, "mode=rw", path)
    } else {
        load(path, "mode=ro&immutable=1", path)
    };
    drop(lock);
    memory
}

fn load(file: &Path, mode: &str, named: &Path) -> Result<Connection, StoreError> {
    let uri = format!("file:{}?{mode}", uri_path(file));
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY
        | OpenFlags::SQLITE_OPEN_READ_WRITE
        | OpenFlags::SQLITE_OPEN_URI
        | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let flags = if mode.starts_with("mode=ro") {
        flags - OpenFlags::SQLITE_OPEN_READ_WRITE
    } else {
        flags - OpenFlags::SQLITE_OPEN_READ_ONLY
    };
    let error = |error: rusqlite::Error| opening(named, &error);
    let source = Connection::open_with_flags(uri, flags).map_err(error)?;
    source.busy_timeout(BUSY_TIMEOUT).map_err(error)?;
    let mut memory = Connection::open_in_memory().map_err(error)?;
    let copy = Backup::new(&source, &mut memory).map_err(error)?;
    copy.run_to_completion(i32::MAX, Duration::from_millis(20), None)
        .map_err(error)?;
    drop(copy);
    Ok(memory)
}

/// Returns a path for use in an SQLite URI.
fn uri_path(path: &Path) -> String {
    use percent_encoding::{AsciiSet, CONTROLS, percent_encode};
    const UNSAFE: &AsciiSet = &CONTROLS.add(b'%').add(b'?').add(b'#').add(b' ');
    percent_encode(path.as_os_str().as_encoded_bytes(), UNSAFE).to_string()
}

/// A database and its -wal file, copied into a directory that is removed on drop.
struct PrivateCopy {
    directory: PathBuf,
    database: PathBuf,
}

impl PrivateCopy {
    fn of(path: &Path, wal: &Path) -> Result<PrivateCopy, StoreError> {
        static COUNTER: AtomicU32 = AtomicU32::new(0);
        let failed = |error: std::io::Error| StoreError::File {
            operation: "copy into memory",
            path: path.to_owned(),
            detail: error.to_string(),
        };
        // Process ids come back (in a container nearly always), so a name may be taken by a killed predecessor.
        let mut attempts = 0;
        let directory = loop {
            let directory = std::env::temp_dir().join(format!(
                "boardsync-{}-{}",
                std::process::id(),
                COUNTER.fetch_add(1, Ordering::Relaxed)
            ));
            attempts += 1;
            match create_private_dir(&directory, false) {
                Ok(()) => break directory,
                Err(error) if error.kind() == ErrorKind::AlreadyExists && attempts < 1000 => {}
                Err(error) => return Err(failed(error)),
            }
        };
        let copy = PrivateCopy {
            database: directory.join("copy.db"),
            directory,
        };
        std::fs::copy(path, &copy.database)
            .and_then(|_| std::fs::copy(wal, beside(&copy.database, "-wal")))
            .map_err(failed)?;
        Ok(copy)
    }
}

impl Drop for PrivateCopy {
    fn drop(&mut self) {
        // Nothing can be done about a failure, and the directory is private.
        let _ = std::fs::remove_dir_all(&self.directory);
    }
}
