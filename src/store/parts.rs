//! Parts of changes that did not come through: values that a service refused, and steps that are under way.

use super::Store;
use super::error::{StoreError, from_json, reason, sql, to_json};
use super::links::{parse_field, parse_side};
use crate::model::{FieldKey, FieldValue, ItemId, LinkId, PairName, Side, Version};
use crate::reason::HoldWhy;
use rusqlite::{Connection, params};
use std::collections::BTreeMap;

/// A value that an item did not take.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// The pair.
    pub pair: PairName,
    /// The side that refused it.
    pub side: Side,
    /// The item on that side.
    pub item: ItemId,
    /// The field.
    pub field: FieldKey,
    /// The value that was refused; of several tags the refused ones only.
    pub value: FieldValue,
    /// The item's version then, or after our own last write of it.
    pub version: Version,
    /// What the service said and what helps.
    pub why: HoldWhy,
    /// Configuration fingerprint that it was refused under. Another one now: it counts no more.
    pub fingerprint: String,
}

/// A field that is about to be sent. If no answer comes, this tells what the next read shows from an edit: a step on the way
/// to a state, a long text that a service cut, or an old value that somebody set back over ours.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TransitRow {
    /// The link.
    pub link: LinkId,
    /// The side that is written.
    pub side: Side,
    /// The field.
    pub field: FieldKey,
    /// Its value before the first request.
    pub origin: FieldValue,
    /// Its values in between, in order.
    pub via: Vec<FieldValue>,
    /// Its value after the last request.
    pub wanted: FieldValue,
    /// The item's version before the first request.
    pub expected: Version,
    /// What the first request sets beside it.
    pub sent: BTreeMap<FieldKey, FieldValue>,
    /// What the other side had, by which it settles where it is found in force; `None`: not known, or only a part of what was
    /// planned was sent.
    pub source: Option<Source>,
}

/// What the other side had when a field was sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Source {
    /// Its value.
    pub value: FieldValue,
    /// What it is to get, or would get if the field flowed there, of the same merge; `None`: nothing.
    pub wanted: Option<FieldValue>,
    /// Whether both stay as they are, because an undo leaves them apart.
    pub apart: bool,
}

/// One change of what is remembered of such parts; belongs to a [`super::Batch`].
#[derive(Clone, Debug)]
pub enum PartOp {
    /// Remembers a refusal, replacing that of the same field of the same item.
    SaveRefusal(Refusal),
    /// An item was written by ourselves: what it refused before, it refuses still.
    MoveRefusals {
        /// The item's side.
        side: Side,
        /// The item.
        item: ItemId,
        /// Its version before the write.
        from: Version,
        /// Its version after it.
        to: Version,
    },
    /// Forgets a refusal. Nothing happens when there is none.
    ForgetRefusal {
        /// The pair.
        pair: PairName,
        /// The item's side.
        side: Side,
        /// The item.
        item: ItemId,
        /// The field.
        field: FieldKey,
    },
    /// Notes a change of a field that is about to be sent, replacing an earlier note of the same field.
    SaveTransit(TransitRow),
    /// Remembers a change in steps for the living link of a work item, which the same batch may have added.
    SaveTransitFor {
        /// The pair.
        pair: PairName,
        /// The work item.
        ado: ItemId,
        /// The change. Its own link is passed over.
        transit: TransitRow,
    },
    /// Forgets what is noted of one field of a link on one side. Nothing happens when there is nothing.
    EndTransitOf {
        /// The link.
        link: LinkId,
        /// The side that was written.
        side: Side,
        /// The field.
        field: FieldKey,
    },
    /// Forgets what is noted of a link on one side. Nothing happens when there is nothing.
    EndTransit {
        /// The link.
        link: LinkId,
        /// The side that was written.
        side: Side,
    },
}

impl Store {
    /// Returns what the items of a pair refused, ordered by side, item and field.
    pub fn refusals(&self, pair: &PairName) -> Result<Vec<Refusal>, StoreError> {
        type Row = (String, String, String, String, i64, String, String, String);
        let rows: Vec<Row> = self
            .connection
            .prepare_cached(
                "SELECT side, item, field, value, version, fingerprint, reason, why FROM refusal
                 WHERE pair = ?1 ORDER BY side, item, field",
            )
            .and_then(|mut statement| {
                let read = |row: &rusqlite::Row<'_>| {
                    Ok((
                        row.get(0)?,
                        row.get(1)?,
                        row.get(2)?,
                        row.get(3)?,
                        row.get(4)?,
                        row.get(5)?,
                        row.get(6)?,
                        row.get(7)?,
                    ))
                };
                statement.query_map([&pair.0], read)?.collect()
            })
            .map_err(sql("read refused values"))?;
        rows.into_iter()
            .map(
                |(side, item, field, value, version, fingerprint, told, why)| {
                    Ok(Refusal {
                        pair: pair.clone(),
                        side: parse_side(&side)?,
                        item: ItemId(item),
                        field: parse_field(&field)?,
                        value: from_json("a refused value", &value)?,
                        version: Version(version),
                        why: reason("why of a refused value", &why, told)?,
                        fingerprint,
                    })
                },
            )
            .collect()
    }

    /// Returns what was noted before it was sent and has no answer yet, ordered by link and side.
    pub fn transits(&self) -> Result<Vec<TransitRow>, StoreError> {
        type Row = (
            i64,
            String,
            String,
            String,
            String,
            String,
            i64,
            String,
            [Option<String>; 2],
            bool,
        );
        let rows: Vec<Row> = self
            .connection
            .prepare_cached(
                "SELECT link, side, field, origin, via, wanted, expected, sent, source, source_wanted, source_apart FROM transit ORDER BY link, side",
            )
            .and_then(|mut statement| {
                let read = |row: &rusqlite::Row<'_>| {
                    Ok((
                        row.get(0)?,
                        row.get(1)?,
                        row.get(2)?,
                        row.get(3)?,
                        row.get(4)?,
                        row.get(5)?,
                        row.get(6)?,
                        row.get(7)?,
                        [row.get(8)?, row.get(9)?],
                        row.get(10)?,
                    ))
                };
                statement.query_map([], read)?.collect()
            })
            .map_err(sql("read changes in steps"))?;
        rows.into_iter()
            .map(
                |(
                    link,
                    side,
                    field,
                    origin,
                    via,
                    wanted,
                    expected,
                    sent,
                    [source, owed],
                    apart,
                )| {
                    Ok(TransitRow {
                        link: LinkId(link),
                        side: parse_side(&side)?,
                        field: parse_field(&field)?,
                        origin: from_json("a step", &origin)?,
                        via: from_json("steps", &via)?,
                        wanted: from_json("a step", &wanted)?,
                        expected: Version(expected),
                        sent: from_json("sent values", &sent)?,
                        source: match (optional(source)?, optional(owed)?) {
                            (Some(value), wanted) => Some(Source {
                                value,
                                wanted,
                                apart,
                            }),
                            (None, _) => None,
                        },
                    })
                },
            )
            .collect()
    }
}

/// Reads a value that may be missing.
fn optional(json: Option<String>) -> Result<Option<FieldValue>, StoreError> {
    json.map(|json| from_json("a source", &json)).transpose()
}

/// Forgets every refusal and makes the holds of their links due, so that the next cycle tries the values again.
pub(super) fn forgive(tx: &Connection) -> Result<usize, StoreError> {
    const OPERATION: &str = "forget refused values";
    tx.execute(
        "UPDATE hold SET retry_at = 0 WHERE link IN (
             SELECT l.id FROM link l JOIN refusal r ON r.pair = l.pair
             WHERE r.item = CASE r.side WHEN 'ado' THEN l.ado ELSE l.clickup END)",
        [],
    )
    .map_err(sql(OPERATION))?;
    tx.execute("DELETE FROM refusal", [])
        .map_err(sql(OPERATION))
}

pub(super) fn apply(tx: &Connection, op: &PartOp) -> Result<(), StoreError> {
    match op {
        PartOp::SaveRefusal(refusal) => save_refusal(tx, refusal),
        PartOp::MoveRefusals {
            side,
            item,
            from,
            to,
        } => tx
            .execute(
                "UPDATE refusal SET version = ?4 WHERE side = ?1 AND item = ?2 AND version = ?3",
                params![side.key(), item.0, from.0, to.0],
            )
            .map(|_| ())
            .map_err(sql("move refused values to a version")),
        PartOp::ForgetRefusal {
            pair,
            side,
            item,
            field,
        } => tx
            .execute(
                "DELETE FROM refusal WHERE pair = ?1 AND side = ?2 AND item = ?3 AND field = ?4",
                params![pair.0, side.key(), item.0, field.to_string()],
            )
            .map(|_| ())
            .map_err(sql("forget a refused value")),
        PartOp::SaveTransit(transit) => save_transit(tx, transit),
        PartOp::SaveTransitFor { pair, ado, transit } => {
            let link = super::links::by_item(tx, pair, Side::Ado, ado)?
                .ok_or_else(|| StoreError::missing("link of work item", ado))?;
            let transit = TransitRow {
                link: link.id,
                ..transit.clone()
            };
            save_transit(tx, &transit)
        }
        PartOp::EndTransitOf { link, side, field } => tx
            .execute(
                "DELETE FROM transit WHERE link = ?1 AND side = ?2 AND field = ?3",
                params![link.0, side.key(), field.to_string()],
            )
            .map(|_| ())
            .map_err(sql("forget a field that was sent")),
        PartOp::EndTransit { link, side } => tx
            .execute(
                "DELETE FROM transit WHERE link = ?1 AND side = ?2",
                params![link.0, side.key()],
            )
            .map(|_| ())
            .map_err(sql("forget a change in steps")),
    }
}

fn save_refusal(tx: &Connection, refusal: &Refusal) -> Result<(), StoreError> {
    tx.execute(
        "INSERT OR REPLACE INTO refusal (pair, side, item, field, value, version, fingerprint, reason, why)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)",
        params![
            refusal.pair.0,
            refusal.side.key(),
            refusal.item.0,
            refusal.field.to_string(),
            to_json("a refused value", &refusal.value)?,
            refusal.version.0,
            refusal.fingerprint,
            refusal.why.to_string(),
            to_json("why of a refused value", &refusal.why)?,
        ],
    )
    .map(|_| ())
    .map_err(sql("remember a refused value"))
}

fn save_transit(tx: &Connection, transit: &TransitRow) -> Result<(), StoreError> {
    let source = transit.source.as_ref();
    let owed = source.and_then(|source| source.wanted.as_ref());
    let json = |value: Option<&FieldValue>| value.map(|value| to_json("a source", value));
    tx.execute(
        "INSERT OR REPLACE INTO transit
         (link, side, field, origin, via, wanted, expected, sent, source, source_wanted, source_apart)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)",
        params![
            transit.link.0,
            transit.side.key(),
            transit.field.to_string(),
            to_json("a step", &transit.origin)?,
            to_json("steps", &transit.via)?,
            to_json("a step", &transit.wanted)?,
            transit.expected.0,
            to_json("sent values", &transit.sent)?,
            json(source.map(|source| &source.value)).transpose()?,
            json(owed).transpose()?,
            source.is_some_and(|source| source.apart),
        ],
    )
    .map(|_| ())
    .map_err(sql("remember a change in steps"))
}
