//! How a database that was restored from a backup gives itself away.
//!
//! A counter, the epoch, stands in the database and in a small file beside it (`<database>.epoch`). It is raised at
//! every start for writing and before every request that writes, always in this order: commit in the database, then
//! the file, then the request. So:
//! - the file is never ahead of a database that only moved forward, wherever a process was killed;
//! - a database that lacks the record of a request that may have been sent is behind the file, however it was put
//!   back: from our own backup, by `cp`, or by deleting it.
//!
//! A file that is not there cannot be compared. It is written before the counter passes 1, so without it a larger
//! counter means that the database came here alone, which is how a backup comes to a new machine. A restore of the whole
//! folder or machine takes the file back together with the database; nothing on this machine can tell that, unless the
//! database is one of our own copies, which carry a mark ([`super::backup`] says why there are both). Deleting the file
//! before the next start tells it.

use super::error::{StoreError, sql};
use super::files::{private, why, write_private};
use super::open::beside;
use super::{Batch, NoteOp, Op, RailOp, StateLock, Store, key_path};
use crate::model::Timestamp;
use std::fs::OpenOptions;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

/// Returns the path of the epoch file: the database's with `.epoch` appended.
pub fn epoch_path(database: &Path) -> PathBuf {
    beside(database, ".epoch")
}

impl Store {
    /// Opens the locked database as a process that is going to write: as [`Store::open`], and compares the epochs.
    pub fn start(lock: &StateLock, now: Timestamp) -> Result<Store, StoreError> {
        let path = lock.database();
        let mut store = Store::open(path)?;
        lock.opened();
        let (own, file) = (store.epoch()?, read(path)?);
        store.epoch_file = Some(epoch_path(path));
        if was_restored(own, file, &store, path)? {
            store.mark(own.max(file.unwrap_or(0)), now)?;
        } else {
            if moved_since(path) {
                warn_of_a_move(path);
            }
            // A start that was killed before its file existed must not look like a database without one.
            if own > 0 && file != Some(own) {
                store.write_epoch()?;
            }
            store.commit(&Batch(vec![Op::Rail(RailOp::Announce)]))?;
        }
        Ok(store)
    }

    /// Returns whether this is the database of a process that writes, and no copy of one that only looks.
    pub fn is_started(&self) -> bool {
        self.epoch_file.is_some()
    }

    /// As [`Store::open_read_only`], and a restored database is seen as one. Changes no file.
    pub fn look(path: &Path, now: Timestamp) -> Result<Store, StoreError> {
        let mut store = Store::open_read_only(path)?;
        let (own, file) = (store.epoch()?, read(path)?);
        if was_restored(own, file, &store, path)? {
            store.mark_restored(now)?;
        }
        Ok(store)
    }

    /// Enters restored mode: bases are not trusted before a full listing, and nothing is created for a while. What a
    /// start does by itself when the epochs say so; for simulations that roll a database back.
    pub fn mark_restored(&mut self, now: Timestamp) -> Result<(), StoreError> {
        let own = self.epoch()?;
        self.mark(own, now)
    }

    /// One commit: a kill before it leaves the database behind the file, a kill after it leaves it ahead.
    fn mark(&mut self, highest: u64, now: Timestamp) -> Result<(), StoreError> {
        tracing::warn!(
            "the database was restored from a backup or is new in the place of a lost one: nothing is created for the quiet time, and fields that differ wait for a person"
        );
        self.commit(&Batch(vec![
            Op::Note(NoteOp::Epoch(highest)),
            Op::Rail(RailOp::MarkRestored { at: now }),
            Op::Rail(RailOp::Announce),
        ]))
    }

    /// Brings the file up to the database's counter. Nothing happens for a database in memory.
    pub(super) fn write_epoch(&self) -> Result<(), StoreError> {
        let Some(path) = &self.epoch_file else {
            return Ok(());
        };
        let number = self.epoch()?;
        let failed = |error: std::io::Error| StoreError::File {
            operation: "write the epoch",
            path: path.clone(),
            detail: error.to_string(),
        };
        // Half a number would be no number.
        let text = format!("{number}\n");
        write_private(path, text.as_bytes(), Some(&self.path)).map_err(failed)
    }
}

fn was_restored(
    own: u64,
    file: Option<u64>,
    store: &Store,
    path: &Path,
) -> Result<bool, StoreError> {
    Ok(match file {
        Some(file) => file > own,
        None if own == 0 => key_path(path).exists() && store.is_new()?,
        None => own > 1,
    })
}

/// How much later than its content the state of the epoch's file may have changed, in seconds: it is written under another
/// name and then renamed.
const RENAMED_S: i64 = 60;

/// Whether the epoch's file was moved, given to somebody else or brought back with its times since it was written.
#[cfg(unix)]
pub(super) fn moved_since(database: &Path) -> bool {
    use std::os::unix::fs::MetadataExt;
    let found = std::fs::metadata(epoch_path(database));
    found.is_ok_and(|found| found.ctime().saturating_sub(found.mtime()) > RENAMED_S)
}

#[cfg(not(unix))]
pub(super) fn moved_since(_: &Path) -> bool {
    false
}

/// Nothing tells whether another database stood in this place meanwhile. If one did, this one takes edits for new that the
/// other one has long dealt with, and beside one on the other side the rule decides.
fn warn_of_a_move(database: &Path) {
    tracing::warn!(
        "{} was moved, brought back or given to another user since the last run. If boardsync ran without it meanwhile, stop it \
         and delete that file: what differs on the two sides then waits for you at the next start, and is not decided from an \
         old state",
        epoch_path(database).display()
    );
}

impl Store {
    /// The key is made after the first epoch, so a key beside a database that never ran is another database's.
    fn is_new(&self) -> Result<bool, StoreError> {
        self.connection
            .query_row(
                "SELECT NOT EXISTS (SELECT 1 FROM link) AND NOT EXISTS (SELECT 1 FROM cycle)",
                [],
                |row| row.get(0),
            )
            .map_err(sql("look for links"))
    }
}

/// Reads the file; `None` when it is not there or holds no number.
fn read(database: &Path) -> Result<Option<u64>, StoreError> {
    let path = epoch_path(database);
    let mut options = OpenOptions::new();
    options.read(true);
    private(&mut options);
    match options.open(&path).and_then(std::io::read_to_string) {
        Ok(text) => Ok(text.trim().parse().ok()),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        Err(error) => Err(StoreError::File {
            operation: "read the epoch",
            detail: why(&error, &path),
            path,
        }),
    }
}
