//! What the full listings of one cycle have shown so far.

use super::error::{StoreError, sql};
use crate::model::{ItemId, PairName, Side, Version};
use rusqlite::{Connection, OptionalExtension, params};

/// The items that the full listings of one cycle have shown, in a temporary file that is gone with this value. So a sweep
/// takes as much memory for a hundred thousand items as for a hundred. The file lies where SQLite puts such files
/// (`SQLITE_TMPDIR`, `TMPDIR`, then `/var/tmp` and `/tmp`).
pub struct Listed {
    connection: Connection,
}

/// What a row of a listing is after those that came before it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Met {
    /// The item's first.
    First,
    /// A later state of an item that was shown before; the former row is void.
    Later,
    /// Nothing new.
    Again,
}

impl Listed {
    /// Nothing was shown yet.
    ///
    /// # Errors
    /// `Sql` when there is no room for a temporary file.
    pub fn new() -> Result<Listed, StoreError> {
        // An empty name is SQLite's for a temporary database. Nothing of it is ever read by another process, so it is one
        // transaction that never ends, without a journal. Half a mebibyte of it stays in memory, as much as ten thousand
        // rows take; SQLite's own measure is four times that.
        Connection::open("")
            .and_then(|connection| {
                connection.execute_batch(
                    "PRAGMA journal_mode = OFF;
                     PRAGMA synchronous = OFF;
                     PRAGMA cache_size = -512;
                     CREATE TABLE listed (
                         side    TEXT    NOT NULL,
                         item    TEXT    NOT NULL,
                         pair    TEXT    NOT NULL,
                         version INTEGER,          -- NULL: the listing tells none
                         PRIMARY KEY (side, item)
                     ) STRICT, WITHOUT ROWID;
                     BEGIN",
                )?;
                Ok(Listed { connection })
            })
            .map_err(sql("open a temporary file for a full listing"))
    }

    /// Takes in a row.
    ///
    /// # Errors
    /// `Sql` and `DiskFull` when there is no room for the temporary file.
    pub fn take(
        &mut self,
        side: Side,
        pair: &PairName,
        id: &ItemId,
        version: Option<Version>,
    ) -> Result<Met, StoreError> {
        let before: Option<Option<i64>> = self
            .connection
            .prepare_cached("SELECT version FROM listed WHERE side = ?1 AND item = ?2")
            .and_then(|mut statement| {
                let found = statement.query_row(params![side.key(), id.0], |row| row.get(0));
                found.optional()
            })
            .map_err(sql("read what was listed"))?;
        let version = version.map(|version| version.0);
        let met = match before {
            None => Met::First,
            Some(before) if before < version => Met::Later,
            Some(_) => return Ok(Met::Again),
        };
        self.connection
            .prepare_cached(
                "INSERT OR REPLACE INTO listed (side, item, pair, version) VALUES (?1, ?2, ?3, ?4)",
            )
            .and_then(|mut statement| statement.execute(params![side.key(), id.0, pair.0, version]))
            .map_err(sql("keep what was listed"))?;
        Ok(met)
    }

    /// Whether a pair's listing showed an item.
    ///
    /// # Errors
    /// Only the temporary file's.
    pub fn contains(&self, side: Side, pair: &PairName, id: &str) -> Result<bool, StoreError> {
        self.connection
            .prepare_cached("SELECT 1 FROM listed WHERE side = ?1 AND item = ?2 AND pair = ?3")
            .and_then(|mut statement| statement.exists(params![side.key(), id, pair.0]))
            .map_err(sql("read what was listed"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_two_rows_of_an_item_the_later_state_counts() {
        let mut listed = Listed::new().unwrap();
        let (web, app) = (PairName::from("web"), PairName::from("app"));
        let id = ItemId::from("86t1");
        let mut take = |pair: &PairName, version: Option<i64>| {
            let version = version.map(Version);
            listed.take(Side::ClickUp, pair, &id, version).unwrap()
        };
        assert_eq!(take(&web, None), Met::First);
        assert_eq!(take(&web, Some(5)), Met::Later);
        assert_eq!(take(&web, Some(4)), Met::Again);
        assert_eq!(take(&web, Some(5)), Met::Again);
        assert_eq!(take(&web, None), Met::Again);
        assert_eq!(take(&app, Some(6)), Met::Later);
        let contains = |side, pair| listed.contains(side, pair, "86t1").unwrap();
        assert!(contains(Side::ClickUp, &app));
        assert!(!contains(Side::ClickUp, &web), "it was moved");
        assert!(!contains(Side::Ado, &app));
    }
}
