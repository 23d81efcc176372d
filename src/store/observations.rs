//! What each service last said about each item.

use super::Store;
use super::error::{StoreError, from_json, sql, to_json};
use crate::connector::Known;
use crate::model::{Item, ItemId, PairName, Side, Timestamp, Version};
use rusqlite::{Connection, OptionalExtension, params};

/// Who makes canonical forms of what services hold. Another version may make other ones.
pub(super) const READER: &str = env!("CARGO_PKG_VERSION");

/// An item as it was last read.
#[derive(Clone, Debug, PartialEq)]
pub struct Observation {
    /// The item.
    pub item: Item,
    /// The pair whose scope it was in; `None`: in no scope.
    pub pair: Option<PairName>,
    /// Server time of the read.
    pub seen_at: Timestamp,
}

impl Store {
    /// Returns the stored observation of an item; `None` when it was never read or was dropped.
    pub fn observation(&self, side: Side, id: &ItemId) -> Result<Option<Observation>, StoreError> {
        let row = self
            .connection
            .prepare_cached(
                "SELECT body, pair, seen_at FROM observation WHERE side = ?1 AND item = ?2",
            )
            .and_then(|mut statement| {
                statement
                    .query_row(params![side.key(), id.0], |row| {
                        Ok((
                            row.get::<_, String>(0)?,
                            row.get::<_, Option<String>>(1)?,
                            row.get::<_, i64>(2)?,
                        ))
                    })
                    .optional()
            })
            .map_err(sql("read an observation"))?;
        row.map(|(body, pair, seen_at)| {
            Ok(Observation {
                item: from_json("item", &body)?,
                pair: pair.map(PairName),
                seen_at: Timestamp(seen_at),
            })
        })
        .transpose()
    }

    /// Returns the items with a living link that were last read as children of an item.
    pub fn linked_children(&self, side: Side, id: &ItemId) -> Result<Vec<ItemId>, StoreError> {
        let statement = match side {
            Side::Ado => {
                "SELECT o.item FROM observation o JOIN link l ON l.ado = o.item AND l.state <> 'tombstone'
                 WHERE o.side = 'ado' AND json_extract(o.body, '$.parent') = ?1"
            }
            Side::ClickUp => {
                "SELECT o.item FROM observation o JOIN link l ON l.clickup = o.item AND l.state <> 'tombstone'
                 WHERE o.side = 'clickup' AND json_extract(o.body, '$.parent') = ?1"
            }
        };
        self.connection
            .prepare_cached(statement)
            .and_then(|mut statement| {
                let rows = statement.query_map([&id.0], |row| row.get(0).map(ItemId))?;
                rows.collect()
            })
            .map_err(sql("read the children of an item"))
    }

    /// Returns whether the stored observation was made by another version of this program. `None`: there is none.
    pub fn read_by_another(&self, side: Side, id: &ItemId) -> Result<Option<bool>, StoreError> {
        self.connection
            .prepare_cached(
                "SELECT reader IS NOT ?3 FROM observation WHERE side = ?1 AND item = ?2",
            )
            .and_then(|mut statement| {
                statement
                    .query_row(params![side.key(), id.0, READER], |row| row.get(0))
                    .optional()
            })
            .map_err(sql("read who read an item"))
    }

    /// Returns the version that is stored of an item, without reading the item itself.
    pub fn known(&self, side: Side, id: &ItemId) -> Result<Option<Known>, StoreError> {
        self.connection
            .prepare_cached(
                "SELECT version, changed_at FROM observation WHERE side = ?1 AND item = ?2",
            )
            .and_then(|mut statement| {
                statement
                    .query_row(params![side.key(), id.0], |row| {
                        Ok(Known {
                            version: Version(row.get(0)?),
                            changed_at: Timestamp(row.get(1)?),
                        })
                    })
                    .optional()
            })
            .map_err(sql("read a known version"))
    }

    /// Returns the title that an item had when it was seen and not dealt with; `None`: it is stored as it was read, or was never seen.
    pub fn title_seen(&self, side: Side, id: &ItemId) -> Result<Option<String>, StoreError> {
        self.connection
            .prepare_cached("SELECT title FROM seen WHERE side = ?1 AND item = ?2")
            .and_then(|mut statement| {
                let title = statement.query_row(params![side.key(), id.0], |row| row.get(0));
                title.optional()
            })
            .map(Option::flatten)
            .map_err(sql("read the title of an item that waits"))
    }

    /// Returns the newest version that was ever seen of an item, dealt with or not; `None` when it was never seen.
    pub fn newest(&self, side: Side, id: &ItemId) -> Result<Option<Version>, StoreError> {
        self.connection
            .prepare_cached(
                "SELECT max(version) FROM (
                     SELECT version FROM observation WHERE side = ?1 AND item = ?2
                     UNION ALL SELECT version FROM seen WHERE side = ?1 AND item = ?2)",
            )
            .and_then(|mut statement| {
                statement.query_row(params![side.key(), id.0], |row| row.get(0))
            })
            .map(|version: Option<i64>| version.map(Version))
            .map_err(sql("read the newest version"))
    }
}

pub(super) fn save(
    tx: &Connection,
    side: Side,
    item: &Item,
    pair: Option<&PairName>,
    seen_at: Timestamp,
) -> Result<(), StoreError> {
    let body = to_json("item", item)?;
    tx.prepare_cached(
        "INSERT INTO observation (side, item, version, changed_at, pair, seen_at, body, reader)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)
         ON CONFLICT (side, item) DO UPDATE SET version = excluded.version, changed_at = excluded.changed_at,
             pair = excluded.pair, seen_at = excluded.seen_at, body = excluded.body,
             reader = excluded.reader",
    )
    .and_then(|mut statement| {
        statement.execute(params![
            side.key(),
            item.id.0,
            item.version.0,
            item.changed_at.0,
            pair.map(|pair| &pair.0),
            seen_at.0,
            body,
            READER
        ])
    })
    .map_err(sql("save an observation"))?;
    tx.prepare_cached("DELETE FROM seen WHERE side = ?1 AND item = ?2 AND version <= ?3")
        .and_then(|mut statement| statement.execute(params![side.key(), item.id.0, item.version.0]))
        .map(|_| ())
        .map_err(sql("settle a version"))
}

pub(super) fn saw(
    tx: &Connection,
    side: Side,
    id: &ItemId,
    version: Version,
    title: &str,
) -> Result<(), StoreError> {
    // Of an older answer the title is an older one too.
    tx.prepare_cached(
        "INSERT INTO seen (side, item, version, title) VALUES (?1, ?2, ?3, ?4)
         ON CONFLICT (side, item) DO UPDATE SET
             title = CASE WHEN excluded.version >= version THEN excluded.title ELSE title END,
             version = max(version, excluded.version)",
    )
    .and_then(|mut statement| statement.execute(params![side.key(), id.0, version.0, title]))
    .map(|_| ())
    .map_err(sql("remember a version"))
}

pub(super) fn remove(tx: &Connection, side: Side, id: &ItemId) -> Result<(), StoreError> {
    for table in ["observation", "seen"] {
        tx.prepare_cached(&format!(
            "DELETE FROM {table} WHERE side = ?1 AND item = ?2"
        ))
        .and_then(|mut statement| statement.execute(params![side.key(), id.0]))
        .map_err(sql("drop an observation"))?;
    }
    Ok(())
}
