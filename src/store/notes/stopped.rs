//! Table `stopped`: pairs whose plan was stopped, which a daemon leaves alone for a while.

use super::{row, run};
use crate::model::{PairName, Timestamp};
use crate::store::{Store, StoreError};
use rusqlite::{Connection, params};

/// When a pair was stopped.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StopNote {
    /// Local time.
    pub at: Timestamp,
    /// How often it was stopped again after a wait.
    pub tries: u32,
    /// The mapping that was stopped.
    pub fingerprint: String,
}

impl Store {
    /// Returns when a pair was stopped; `None`: its last plan was carried out, or a person has decided about it.
    pub fn stop_note(&self, pair: &PairName) -> Result<Option<StopNote>, StoreError> {
        row(
            &self.connection,
            "read when a pair was stopped",
            "SELECT at, tries, fingerprint FROM stopped WHERE pair = ?1",
            [&pair.0],
            |row| {
                Ok(StopNote {
                    at: Timestamp(row.get(0)?),
                    tries: row.get(1)?,
                    fingerprint: row.get(2)?,
                })
            },
        )
    }
}

pub(super) fn save(
    tx: &Connection,
    pair: &PairName,
    note: Option<&StopNote>,
) -> Result<(), StoreError> {
    const OPERATION: &str = "note when a pair was stopped";
    let text = "DELETE FROM stopped WHERE pair = ?1";
    run(tx, OPERATION, text, [&pair.0])?;
    if let Some(note) = note {
        run(
            tx,
            OPERATION,
            "INSERT INTO stopped (pair, at, tries, fingerprint) VALUES (?1, ?2, ?3, ?4)",
            params![pair.0, note.at.0, note.tries, note.fingerprint],
        )?;
    }
    Ok(())
}
