//! Table `takeover`: pairs that a person gave to this installation.

use super::{row, run};
use crate::model::{PairName, Timestamp};
use crate::store::{Store, StoreError};
use rusqlite::{Connection, params};

impl Store {
    /// Returns the local time at which a person gave the pair to this installation; `None`: nobody had to.
    pub fn takeover(&self, pair: &PairName) -> Result<Option<Timestamp>, StoreError> {
        row(
            &self.connection,
            "read a takeover",
            "SELECT at FROM takeover WHERE pair = ?1",
            [&pair.0],
            |row| row.get(0).map(Timestamp),
        )
    }
}

pub(super) fn save(tx: &Connection, pair: &PairName, at: Timestamp) -> Result<(), StoreError> {
    run(
        tx,
        "note a takeover",
        "INSERT OR REPLACE INTO takeover (pair, at) VALUES (?1, ?2)",
        params![pair.0, at.0],
    )?;
    Ok(())
}
