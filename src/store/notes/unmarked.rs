//! Table `unmarked`: the last new item of a side, where it does not show its marker.

use super::{row, run};
use crate::model::{ItemId, Side};
use crate::store::{Store, StoreError};
use rusqlite::Connection;

/// The item that does not show its marker.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unmarked {
    /// The item.
    pub item: ItemId,
    /// The marker that it was sent.
    pub marker: String,
    /// Why nothing more is created there, as a sentence.
    pub reason: String,
}

impl Store {
    /// Returns the item of a side that does not show its marker; `None`: there is none.
    pub fn unmarked(&self, side: Side) -> Result<Option<Unmarked>, StoreError> {
        row(
            &self.connection,
            "read which item shows no marker",
            "SELECT item, marker, reason FROM unmarked WHERE side = ?1",
            [side.key()],
            |row| {
                Ok(Unmarked {
                    item: ItemId(row.get(0)?),
                    marker: row.get(1)?,
                    reason: row.get(2)?,
                })
            },
        )
    }
}

pub(super) fn save(tx: &Connection, side: Side, note: Option<&Unmarked>) -> Result<(), StoreError> {
    const OPERATION: &str = "note which item shows no marker";
    let text = "DELETE FROM unmarked WHERE side = ?1";
    run(tx, OPERATION, text, [side.key()])?;
    if let Some(note) = note {
        run(
            tx,
            OPERATION,
            "INSERT INTO unmarked (side, item, marker, reason) VALUES (?1, ?2, ?3, ?4)",
            (side.key(), &note.item.0, &note.marker, &note.reason),
        )?;
    }
    Ok(())
}
