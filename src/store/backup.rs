//! Verified copies of the database, and what becomes of one that is taken into use.
//!
//! A copy carries a mark, although the epochs ([`super::epoch`]) notice most restores as well. Neither is enough:
//! - The epochs notice nothing when the file beside the database is as old as the copy: both came back together, or
//!   nothing was announced since the copy was made. Links that a person dissolved since, or chose a value for, would then
//!   be taken for the present state. The mark travels inside the copy and does not depend on what lies beside it.
//! - The mark is on our own copies only. A database put back by `cp` or by the tool that backs up the machine, and a new
//!   one in the place of a lost one, have none. That is what the epochs are for.
//!
//! What follows differs too. Somebody put a marked copy in place and can be asked, so nothing at all is written, deletes
//! included, before a yes. A machine that was put back goes on by itself: creates wait for the quiet time, fields that
//! differ wait for a person. A copy put back in the usual way, into a folder that has moved on, gets both.

use super::Store;
use super::error::{StoreError, sql};
use super::files;
use super::notes::end_copy;
use super::open::{beside, connect, create_parent, opening};
use crate::model::Timestamp;
use rusqlite::Connection;
use std::fs::{File, OpenOptions};
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

impl Store {
    /// Writes a consistent, verified copy (mode 0600), replacing the file `to` in one step.
    pub fn backup(&self, to: &Path) -> Result<(), StoreError> {
        backup(&self.connection, to, &self.path)
    }

    /// Writes a copy `<database>.backup-<time>` beside the database and deletes the oldest ones beyond `keep`. `None`: the
    /// database is in memory.
    pub fn backup_rotating(
        &self,
        now: Timestamp,
        keep: usize,
    ) -> Result<Option<PathBuf>, StoreError> {
        if self.connection.path().is_none_or(str::is_empty) {
            return Ok(None);
        }
        // No colons: some file systems refuse them. Names sort by time.
        let stamp = now.to_rfc3339().replace(':', "-");
        let to = beside(&self.path, &format!("{BACKUP}{stamp}"));
        self.backup(&to)?;
        let mut copies = backups(&self.path)?;
        copies.retain(|path| *path != to);
        let old = copies.len().saturating_sub(keep.saturating_sub(1));
        for path in copies.into_iter().take(old) {
            std::fs::remove_file(&path).map_err(|error| StoreError::File {
                operation: "delete the old backup",
                path,
                detail: error.to_string(),
            })?;
        }
        Ok(Some(to))
    }
}

/// Stands in place of the approved fingerprint of a pair after a backup was restored.
pub const RESTORED: &str = "restored from a backup";
/// The first schema version that has the mark of a copy in the table `installation`; before, it was a row of `meta`.
const MARKED_IN_INSTALLATION: i64 = 8;

/// A copy that is used as the state holds bases from before its time: an edit made since could look like the older
/// value and be overwritten. So they are dropped (what is equal is agreed again, what differs is held for a person),
/// both sides are read in full, and the next plan needs a yes. Returns whether this was a copy.
pub(super) fn distrust_copy(connection: &mut Connection) -> Result<bool, StoreError> {
    const OPERATION: &str = "take a restored backup into use";
    let tx = connection.transaction().map_err(sql(OPERATION))?;
    let is_copy = end_copy(&tx)?;
    if is_copy {
        tx.execute(
            "UPDATE pair_state SET fingerprint = ?1, last_sweep = NULL WHERE fingerprint IS NOT NULL",
            [RESTORED],
        )
        .and_then(|_| tx.execute_batch("DELETE FROM base; DELETE FROM choice; DELETE FROM watermark"))
        .map_err(sql(OPERATION))?;
    }
    tx.commit().map_err(sql(OPERATION))?;
    Ok(is_copy)
}

/// Marks a finished copy as one. A copy that is made before an upgrade has the schema of the older program, which may be
/// used on it again.
fn mark_copy(path: &Path) -> Result<(), StoreError> {
    let error = |error: rusqlite::Error| opening(path, &error);
    let copy = connect(path)?;
    copy.execute_batch("PRAGMA synchronous = FULL; PRAGMA journal_mode = MEMORY")
        .map_err(error)?;
    let schema: i64 = copy
        .pragma_query_value(None, "user_version", |row| row.get(0))
        .map_err(error)?;
    let text = if schema < MARKED_IN_INSTALLATION {
        "INSERT OR REPLACE INTO meta (key, value) VALUES ('is_a_copy', '')"
    } else {
        "INSERT INTO installation (one, is_copy) VALUES (1, 1) ON CONFLICT (one) DO UPDATE SET is_copy = 1"
    };
    copy.execute(text, []).map_err(error)?;
    Ok(())
}

/// Between the name of a database and the time in the name of a copy that was made on its own.
const BACKUP: &str = ".backup-";

/// Returns the copies of a database that [`Store::backup_rotating`] made, oldest first.
pub fn backups(database: &Path) -> Result<Vec<PathBuf>, StoreError> {
    let folder = match database.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    };
    let failed = |error: std::io::Error| StoreError::File {
        operation: "list the backups in",
        path: folder.to_owned(),
        detail: error.to_string(),
    };
    let start = beside(
        Path::new(database.file_name().unwrap_or_default()),
        &format!("{BACKUP}2"),
    );
    let start = start.to_string_lossy().into_owned();
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).map_err(failed)? {
        let name = entry.map_err(failed)?.file_name();
        let name = name.to_string_lossy();
        if name.starts_with(&start) && name.ends_with('Z') {
            found.push(database.with_file_name(name.as_ref()));
        }
    }
    found.sort();
    Ok(found)
}

/// `database`: where the connection's database is, so that a copy beside it belongs to whom it belongs.
pub(super) fn backup(
    connection: &Connection,
    to: &Path,
    database: &Path,
) -> Result<(), StoreError> {
    let temporary = beside(to, ".tmp");
    let failed = |operation: &'static str| {
        let path = to.to_owned();
        move |error: std::io::Error| StoreError::File {
            operation,
            path,
            detail: error.to_string(),
        }
    };
    create_parent(to).map_err(failed("create the directory of"))?;
    match std::fs::remove_file(&temporary) {
        Ok(()) => {}
        Err(error) if error.kind() == ErrorKind::NotFound => {}
        Err(error) => return Err(failed("write the backup")(error)),
    }
    let mut options = OpenOptions::new();
    options.read(true).write(true).create_new(true);
    files::private(&mut options);
    // VACUUM INTO accepts an existing empty file, so the copy is never readable by others.
    let file = options
        .open(&temporary)
        .map_err(failed("write the backup"))?;
    if to.parent() == database.parent() {
        files::keep_owner(&file, database).map_err(failed("write the backup"))?;
    }
    let name = temporary.to_str().ok_or_else(|| StoreError::File {
        operation: "write the backup",
        path: to.to_owned(),
        detail: "the path is not valid UTF-8".to_owned(),
    })?;
    let written = connection
        .execute("VACUUM INTO ?1", [name])
        .map_err(sql("write a backup"))
        .and_then(|_| mark_copy(&temporary))
        .and_then(|()| verify(&temporary, to))
        .and_then(|()| file.sync_all().map_err(failed("flush the backup")))
        .and_then(|()| std::fs::rename(&temporary, to).map_err(failed("rename the backup to")));
    if written.is_err() {
        let _ = std::fs::remove_file(&temporary);
        return written;
    }
    // The rename itself must survive a power loss too; not every platform can flush a directory.
    if let Some(directory) = to.parent().and_then(|parent| File::open(parent).ok()) {
        let _ = directory.sync_all();
    }
    Ok(())
}

/// Checks a finished copy, which is going to be called `to`.
fn verify(path: &Path, to: &Path) -> Result<(), StoreError> {
    let error = |error: rusqlite::Error| opening(path, &error);
    // Opened for writing, although nothing is written: on a read-only connection SQLite does not even read the rules of the
    // tables (sqlite3AddCheckConstraint in its build.c), so the check would pass what the next start refuses as damaged.
    let copy = connect(path)?;
    let finding: String = copy
        .query_row("PRAGMA integrity_check(1)", [], |row| row.get(0))
        .map_err(error)?;
    if finding == "ok" {
        Ok(())
    } else {
        Err(StoreError::File {
            operation: "make a sound copy of the database in",
            path: to.to_owned(),
            detail: format!("{finding}; examine the database with `boardsync doctor`"),
        })
    }
}
