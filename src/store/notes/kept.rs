//! Table `kept`: fields that a service said it took and did not.

use super::{rows, run};
use crate::model::{FieldKey, LinkId, Side, Timestamp};
use crate::store::links::{parse_field, parse_side};
use crate::store::{Store, StoreError};
use rusqlite::{Connection, params};
use std::collections::BTreeMap;

/// A field that a service said it took and did not.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeptRow {
    /// The side that was written.
    pub side: Side,
    /// Digest of what was sent.
    pub sent: String,
    /// Digest of what is there instead.
    pub shown: String,
    /// How often it was sent.
    pub tries: u32,
    /// Local time of the last time.
    pub last_at: Timestamp,
    /// Local time of the next one; `None`: held until a value changes.
    pub retry_at: Option<Timestamp>,
    /// What was sent and what is there, in words.
    pub reason: String,
}

impl Store {
    /// Returns the fields of a link that a service said it took and did not.
    pub fn kept(&self, link: LinkId) -> Result<BTreeMap<FieldKey, KeptRow>, StoreError> {
        type Texts = (String, String);
        let found: Vec<(Texts, KeptRow)> = rows(
            &self.connection,
            "read the fields that were not taken",
            "SELECT field, side, sent, shown, tries, last_at, retry_at, reason FROM kept WHERE link = ?1",
            [link.0],
            |row| {
                let kept = KeptRow {
                    side: Side::Ado,
                    sent: row.get(2)?,
                    shown: row.get(3)?,
                    tries: row.get(4)?,
                    last_at: Timestamp(row.get(5)?),
                    retry_at: row.get::<_, Option<i64>>(6)?.map(Timestamp),
                    reason: row.get(7)?,
                };
                Ok(((row.get(0)?, row.get(1)?), kept))
            },
        )?;
        found
            .into_iter()
            .map(|((field, side), kept)| {
                let side = parse_side(&side)?;
                Ok((parse_field(&field)?, KeptRow { side, ..kept }))
            })
            .collect()
    }
}

pub(super) fn replace(
    tx: &Connection,
    link: LinkId,
    fields: &BTreeMap<FieldKey, KeptRow>,
) -> Result<(), StoreError> {
    const OPERATION: &str = "note a field that was not taken";
    run(tx, OPERATION, "DELETE FROM kept WHERE link = ?1", [link.0])?;
    for (field, kept) in fields {
        run(
            tx,
            OPERATION,
            "INSERT INTO kept (link, field, side, sent, shown, tries, last_at, retry_at, reason)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)",
            params![
                link.0,
                field.to_string(),
                kept.side.key(),
                kept.sent,
                kept.shown,
                kept.tries,
                kept.last_at.0,
                kept.retry_at.map(|at| at.0),
                kept.reason,
            ],
        )?;
    }
    Ok(())
}

/// Forgets all of them, and has their holds end, so that the next cycle sends the fields again.
pub(in crate::store) fn forgive(tx: &Connection) -> Result<(), StoreError> {
    const OPERATION: &str = "forget the fields that were not taken";
    run(
        tx,
        OPERATION,
        "UPDATE hold SET retry_at = 0 WHERE link IN (SELECT link FROM kept)",
        [],
    )?;
    run(tx, OPERATION, "DELETE FROM kept", [])?;
    Ok(())
}
