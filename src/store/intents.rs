//! Requests whose outcome may be unknown: written before they are sent, removed when the outcome is stored.

use super::Store;
use super::error::{StoreError, from_json, sql, to_json, word};
use super::links::{parse_side, parse_subject};
use crate::model::{About, FieldKey, FieldValue, ItemId, PairName, Side, Subject, Timestamp};
use rusqlite::{Connection, params};
use std::collections::BTreeMap;

/// A request that must not be sent twice.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Intent {
    /// The pair.
    pub pair: PairName,
    /// What is requested.
    pub kind: IntentKind,
    /// Side of the source item; the request goes to the other one.
    pub source_side: Side,
    /// The source item.
    pub source: ItemId,
    /// What of it: the item itself gets a counterpart, a part a copy.
    pub subject: Subject,
    /// Origin marker in the request.
    pub marker: String,
    /// Hash of the request body, hex.
    pub body_hash: String,
    /// Local time.
    pub opened_at: Timestamp,
    /// Local time of the last send; `None`: never sent.
    pub last_sent: Option<Timestamp>,
    /// Target's server time at the first send; `None`: not known.
    pub server_t0: Option<Timestamp>,
    /// Number of sends.
    pub tries: u32,
    /// Values of the source that the request was built from.
    pub source_fields: BTreeMap<FieldKey, FieldValue>,
    /// Generation in the marker.
    pub generation: u32,
}

impl Intent {
    /// Returns what names this intent: there is at most one open intent per key.
    pub fn key(&self) -> IntentKey {
        IntentKey {
            pair: self.pair.clone(),
            kind: self.kind,
            source_side: self.source_side,
            source: self.source.clone(),
            subject: self.subject.clone(),
        }
    }

    /// Returns whose change it carries over.
    pub fn about(&self) -> About {
        About {
            side: self.source_side,
            item: self.source.clone(),
            subject: self.subject.clone(),
        }
    }
}

/// Names an intent.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct IntentKey {
    /// The pair.
    pub pair: PairName,
    /// What is requested.
    pub kind: IntentKind,
    /// Side of the source item.
    pub source_side: Side,
    /// The source item.
    pub source: ItemId,
    /// What of it.
    pub subject: Subject,
}

/// Kinds of requests that are not idempotent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum IntentKind {
    /// Creating the counterpart of an item.
    Create,
}

impl IntentKind {
    /// Returns the stable word used in the database.
    pub fn key(self) -> &'static str {
        match self {
            IntentKind::Create => "create",
        }
    }

    /// Parses [`IntentKind::key`]; `None` for anything else.
    pub fn from_key(key: &str) -> Option<IntentKind> {
        (key == IntentKind::Create.key()).then_some(IntentKind::Create)
    }
}

impl Store {
    /// Returns all open intents, ordered by key.
    pub fn open_intents(&self) -> Result<Vec<Intent>, StoreError> {
        let mut statement = self
            .connection
            .prepare_cached(
                "SELECT pair, kind, source_side, source, marker, body_hash, opened_at, last_sent, server_t0, tries,
                        source_fields, generation, subject
                 FROM intent ORDER BY pair, kind, source_side, source, subject",
            )
            .map_err(sql("read open intents"))?;
        let rows = statement
            .query_map([], |row| {
                let words: [String; 4] = [row.get(1)?, row.get(2)?, row.get(10)?, row.get(12)?];
                Ok((
                    words,
                    Intent {
                        pair: PairName(row.get(0)?),
                        kind: IntentKind::Create,
                        source_side: Side::Ado,
                        source: ItemId(row.get(3)?),
                        subject: Subject::Item,
                        marker: row.get(4)?,
                        body_hash: row.get(5)?,
                        opened_at: Timestamp(row.get(6)?),
                        last_sent: row.get::<_, Option<i64>>(7)?.map(Timestamp),
                        server_t0: row.get::<_, Option<i64>>(8)?.map(Timestamp),
                        tries: row.get(9)?,
                        source_fields: BTreeMap::new(),
                        generation: row.get(11)?,
                    },
                ))
            })
            .map_err(sql("read open intents"))?;
        rows.map(|row| {
            let ([kind, side, fields, subject], intent) = row.map_err(sql("read open intents"))?;
            Ok(Intent {
                kind: word("intent kind", &kind, IntentKind::from_key(&kind))?,
                source_side: parse_side(&side)?,
                subject: parse_subject("subject of an intent", &subject)?,
                source_fields: from_json("source fields", &fields)?,
                ..intent
            })
        })
        .collect()
    }
}

pub(super) fn open(tx: &Connection, intent: &Intent) -> Result<(), StoreError> {
    let fields = to_json("source fields", &intent.source_fields)?;
    tx.prepare_cached(
        "INSERT INTO intent (pair, kind, source_side, source, marker, body_hash, opened_at, last_sent, server_t0,
                             tries, source_fields, generation, subject)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13)",
    )
    .and_then(|mut statement| {
        statement.execute(params![
            intent.pair.0,
            intent.kind.key(),
            intent.source_side.key(),
            intent.source.0,
            intent.marker,
            intent.body_hash,
            intent.opened_at.0,
            intent.last_sent.map(|at| at.0),
            intent.server_t0.map(|at| at.0),
            intent.tries,
            fields,
            intent.generation,
            intent.subject.to_string()
        ])
    })
    .map(|_| ())
    .map_err(sql("open an intent"))
}

pub(super) fn mark_sent(
    tx: &Connection,
    key: &IntentKey,
    at: Timestamp,
    fields: &BTreeMap<FieldKey, FieldValue>,
) -> Result<(), StoreError> {
    let fields = to_json("source fields", fields)?;
    let changed = tx
        .prepare_cached(
            "UPDATE intent SET last_sent = ?6, source_fields = ?7, tries = tries + 1
             WHERE pair = ?1 AND kind = ?2 AND source_side = ?3 AND source = ?4 AND subject = ?5",
        )
        .and_then(|mut statement| {
            statement.execute(params![
                key.pair.0,
                key.kind.key(),
                key.source_side.key(),
                key.source.0,
                key.subject.to_string(),
                at.0,
                fields
            ])
        })
        .map_err(sql("mark an intent as sent"))?;
    if changed == 0 {
        return Err(StoreError::missing("open intent for", &key.source));
    }
    Ok(())
}

pub(super) fn close(tx: &Connection, key: &IntentKey) -> Result<(), StoreError> {
    tx.prepare_cached(
        "DELETE FROM intent WHERE pair = ?1 AND kind = ?2 AND source_side = ?3 AND source = ?4 AND subject = ?5",
    )
    .and_then(|mut statement| {
        statement.execute(params![
            key.pair.0,
            key.kind.key(),
            key.source_side.key(),
            key.source.0,
            key.subject.to_string()
        ])
    })
    .map(|_| ())
    .map_err(sql("close an intent"))
}
