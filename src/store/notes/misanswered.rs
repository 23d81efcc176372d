//! Table `misanswered`: sides that answered creates with another item.

use super::{row, run};
use crate::model::{Side, Timestamp};
use crate::store::{Store, StoreError};
use rusqlite::{Connection, params};

/// What is remembered of a side that answered creates with another item.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Misanswered {
    /// How many in a row.
    pub times: u32,
    /// Local time of the last one.
    pub at: Timestamp,
    /// Local time of the next create.
    pub until: Timestamp,
    /// What was said of the last one.
    pub reason: String,
}

impl Store {
    /// Returns what is remembered of a side's wrong answers; `None`: its last one was right.
    pub fn misanswered(&self, side: Side) -> Result<Option<Misanswered>, StoreError> {
        row(
            &self.connection,
            "read the wrong answers",
            "SELECT times, at, until, reason FROM misanswered WHERE side = ?1",
            [side.key()],
            |row| {
                Ok(Misanswered {
                    times: row.get(0)?,
                    at: Timestamp(row.get(1)?),
                    until: Timestamp(row.get(2)?),
                    reason: row.get(3)?,
                })
            },
        )
    }
}

pub(super) fn save(
    tx: &Connection,
    side: Side,
    note: Option<&Misanswered>,
) -> Result<(), StoreError> {
    const OPERATION: &str = "note the wrong answers";
    let text = "DELETE FROM misanswered WHERE side = ?1";
    run(tx, OPERATION, text, [side.key()])?;
    if let Some(note) = note {
        run(
            tx,
            OPERATION,
            "INSERT INTO misanswered (side, times, at, until, reason) VALUES (?1, ?2, ?3, ?4, ?5)",
            params![side.key(), note.times, note.at.0, note.until.0, note.reason],
        )?;
    }
    Ok(())
}
