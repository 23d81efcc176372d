//! What a person chose in a conflict, until it is written or overtaken by an edit.

use super::Store;
use super::error::{StoreError, from_json, sql, to_json};
use super::links::{parse_field, parse_side};
use crate::model::{ActionId, FieldKey, FieldValue, LinkId, Side, Sided, Timestamp};
use crate::reason::Took;
use rusqlite::{Connection, params};

/// A choice that is not carried out yet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Choice {
    /// The link.
    pub link: LinkId,
    /// The field.
    pub field: FieldKey,
    /// Number of the conflict that it settles.
    pub conflict: i64,
    /// The side in whose vocabulary the value is.
    pub side: Side,
    /// What is to be on both sides.
    pub value: FieldValue,
    /// What each side held when it was chosen, or what our write of this choice made of it.
    pub seen: Sided<FieldValue>,
    /// Local time.
    pub at: Timestamp,
}

/// One change of the stored choices; part of a [`super::Batch`].
#[derive(Clone, Debug)]
pub enum ChoiceOp {
    /// Stores a choice in the place of an earlier one for the same field. Its conflict stays as it is until then.
    Make(Choice),
    /// A choice is carried out: forgets it and settles its conflict that way. Nothing happens when there is none.
    Spend {
        /// The link.
        link: LinkId,
        /// The field.
        field: FieldKey,
    },
    /// Forgets a choice that an edit has overtaken. Nothing happens when there is none.
    Drop {
        /// The link.
        link: LinkId,
        /// The field.
        field: FieldKey,
    },
    /// Our own write of a settled conflict, or of a choice, made this of a side. Goes with the newest conflict of the field.
    Wrote {
        /// The link.
        link: LinkId,
        /// The field.
        field: FieldKey,
        /// The side.
        side: Side,
        /// What came back, or what was sent where the answer left it out.
        value: FieldValue,
    },
    /// A side shows by itself what is chosen. What it held when that was chosen is somebody's edit if it comes back.
    Met {
        /// The link.
        link: LinkId,
        /// The field.
        field: FieldKey,
        /// The side.
        side: Side,
        /// What it shows.
        value: FieldValue,
    },
    /// An undo made this of a side: whoever chooses again may stand on it. Goes with the newest conflict of the field; nothing
    /// happens where there is none. A choice that waits stays as it was made.
    TookBack {
        /// The link.
        link: LinkId,
        /// The field.
        field: FieldKey,
        /// The side.
        side: Side,
        /// What came back, or what was sent where the answer left it out.
        value: FieldValue,
    },
    /// A listing showed how a service stored what [`ChoiceOp::Wrote`] could only say as it was sent. Nothing happens where
    /// nothing of it is stored.
    Shown {
        /// The link.
        link: LinkId,
        /// The field.
        field: FieldKey,
        /// The side.
        side: Side,
        /// What was sent.
        sent: FieldValue,
        /// How the service stored it.
        shown: FieldValue,
    },
}

/// Returns what stands for an action in the journal's line of a choice that was dropped.
pub fn dropped_choice(link: LinkId, field: &FieldKey) -> ActionId {
    ActionId(format!("choice {link} {field}"))
}

impl Choice {
    /// Returns which value was chosen in a conflict: a side's, or a person's own.
    pub fn took(&self, conflict: &super::Conflict) -> Took {
        match *conflict.record.now.get(self.side) == self.value {
            true => Took::Of(self.side),
            false => Took::Merged,
        }
    }
}

impl Store {
    /// Returns what was chosen for a link and is not carried out yet, ordered by field.
    pub fn choices(&self, link: LinkId) -> Result<Vec<Choice>, StoreError> {
        type Texts = (String, String, String, String, String);
        let rows: Vec<(i64, Timestamp, Texts)> = self
            .connection
            .prepare_cached(
                "SELECT conflict, at, field, side, value, ado_seen, clickup_seen FROM choice
                 WHERE link = ?1 ORDER BY field",
            )
            .and_then(|mut statement| {
                let read = |row: &rusqlite::Row<'_>| {
                    let texts = (
                        row.get(2)?,
                        row.get(3)?,
                        row.get(4)?,
                        row.get(5)?,
                        row.get(6)?,
                    );
                    Ok((row.get(0)?, Timestamp(row.get(1)?), texts))
                };
                statement.query_map([link.0], read)?.collect()
            })
            .map_err(sql("read choices"))?;
        let value = |text: &str| from_json::<FieldValue>("choice of a conflict", text);
        rows.into_iter()
            .map(|(conflict, at, (field, side, chosen, ado, clickup))| {
                let read = || -> Result<Choice, StoreError> {
                    Ok(Choice {
                        link,
                        field: parse_field(&field)?,
                        conflict,
                        side: parse_side(&side)?,
                        value: value(&chosen)?,
                        seen: Sided {
                            ado: value(&ado)?,
                            clickup: value(&clickup)?,
                        },
                        at,
                    })
                };
                read().map_err(|error| StoreError::Choice {
                    conflict,
                    detail: error.to_string(),
                })
            })
            .collect()
    }
}

pub(super) fn apply(tx: &Connection, op: &ChoiceOp) -> Result<(), StoreError> {
    match op {
        ChoiceOp::Make(choice) => make(tx, choice),
        ChoiceOp::Spend { link, field } => {
            settle(tx, *link, field)?;
            drop_one(tx, *link, field)
        }
        ChoiceOp::Drop { link, field } => drop_one(tx, *link, field),
        ChoiceOp::Wrote {
            link,
            field,
            side,
            value,
        } => {
            let text = to_json("choice of a conflict", value)?;
            let field = field.to_string();
            for statement in [seen(*side), newest_after(*side)] {
                tx.prepare_cached(statement)
                    .and_then(|mut statement| statement.execute(params![link.0, field, text]))
                    .map_err(sql("record what a choice made of a field"))?;
            }
            Ok(())
        }
        ChoiceOp::Met {
            link,
            field,
            side,
            value,
        } => {
            let text = to_json("choice of a conflict", value)?;
            tx.prepare_cached(seen(*side))
                .and_then(|mut statement| {
                    statement.execute(params![link.0, field.to_string(), text])
                })
                .map(|_| ())
                .map_err(sql("record that a side shows what was chosen"))
        }
        ChoiceOp::TookBack {
            link,
            field,
            side,
            value,
        } => {
            let text = to_json("choice of a conflict", value)?;
            tx.prepare_cached(newest_after(*side))
                .and_then(|mut statement| {
                    statement.execute(params![link.0, field.to_string(), text])
                })
                .map(|_| ())
                .map_err(sql("record what an undo made of a field"))
        }
        ChoiceOp::Shown {
            link,
            field,
            side,
            sent,
            shown,
        } => {
            let [sent, shown] = [sent, shown].map(|value| to_json("choice of a conflict", value));
            let (sent, shown, field) = (sent?, shown?, field.to_string());
            let statements = match side {
                Side::Ado => [
                    "UPDATE choice SET ado_seen = ?4 WHERE link = ?1 AND field = ?2 AND ado_seen = ?3",
                    "UPDATE conflict SET ado_after = ?4 WHERE link = ?1 AND field = ?2 AND ado_after = ?3",
                ],
                Side::ClickUp => [
                    "UPDATE choice SET clickup_seen = ?4 WHERE link = ?1 AND field = ?2 AND clickup_seen = ?3",
                    "UPDATE conflict SET clickup_after = ?4 WHERE link = ?1 AND field = ?2 AND clickup_after = ?3",
                ],
            };
            for statement in statements {
                tx.prepare_cached(statement)
                    .and_then(|mut statement| {
                        statement.execute(params![link.0, field, sent, shown])
                    })
                    .map_err(sql("record how a service stored a choice"))?;
            }
            Ok(())
        }
    }
}

/// Notes what a side shows of a choice.
fn seen(side: Side) -> &'static str {
    match side {
        Side::Ado => "UPDATE choice SET ado_seen = ?3 WHERE link = ?1 AND field = ?2",
        Side::ClickUp => "UPDATE choice SET clickup_seen = ?3 WHERE link = ?1 AND field = ?2",
    }
}

/// Notes what our own write made of a side, at the newest conflict of the field.
fn newest_after(side: Side) -> &'static str {
    match side {
        Side::Ado => {
            "UPDATE conflict SET ado_after = ?3
             WHERE id = (SELECT max(id) FROM conflict WHERE link = ?1 AND field = ?2)"
        }
        Side::ClickUp => {
            "UPDATE conflict SET clickup_after = ?3
             WHERE id = (SELECT max(id) FROM conflict WHERE link = ?1 AND field = ?2)"
        }
    }
}

fn make(tx: &Connection, choice: &Choice) -> Result<(), StoreError> {
    let json = |value: &FieldValue| to_json("choice of a conflict", value);
    let texts = (
        json(&choice.value)?,
        json(&choice.seen.ado)?,
        json(&choice.seen.clickup)?,
    );
    tx.prepare_cached(
        "INSERT OR REPLACE INTO choice (link, field, conflict, side, value, ado_seen, clickup_seen, at)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
    )
    .and_then(|mut statement| {
        statement.execute(params![
            choice.link.0,
            choice.field.to_string(),
            choice.conflict,
            choice.side.key(),
            texts.0,
            texts.1,
            texts.2,
            choice.at.0
        ])
    })
    .map(|_| ())
    .map_err(sql("store a choice"))
}

/// Settles the conflict of a choice.
fn settle(tx: &Connection, link: LinkId, field: &FieldKey) -> Result<(), StoreError> {
    // Two values that are equal are stored in the same text, so a chosen one that is neither side's is a person's own.
    tx.prepare_cached(
        "UPDATE conflict SET taken = choice.side, resolved_at = choice.at, settled_by = 'person',
             merged = choice.value <> CASE choice.side WHEN 'ado' THEN conflict.ado_value ELSE conflict.clickup_value END
         FROM choice
         WHERE conflict.id = choice.conflict AND choice.link = ?1 AND choice.field = ?2",
    )
    .and_then(|mut statement| statement.execute(params![link.0, field.to_string()]))
    .map(|_| ())
    .map_err(sql("settle a conflict"))
}

fn drop_one(tx: &Connection, link: LinkId, field: &FieldKey) -> Result<(), StoreError> {
    tx.prepare_cached("DELETE FROM choice WHERE link = ?1 AND field = ?2")
        .and_then(|mut statement| statement.execute(params![link.0, field.to_string()]))
        .map(|_| ())
        .map_err(sql("forget a choice"))
}

/// Forgets every choice of a link.
pub(super) fn forget(tx: &Connection, link: LinkId) -> Result<(), StoreError> {
    tx.prepare_cached("DELETE FROM choice WHERE link = ?1")
        .and_then(|mut statement| statement.execute([link.0]))
        .map(|_| ())
        .map_err(sql("forget the choices of a link"))
}

/// Forgets every choice: the database was put back, and they may long be carried out.
pub(super) fn forget_all(tx: &Connection) -> Result<(), StoreError> {
    tx.prepare_cached("DELETE FROM choice")
        .and_then(|mut statement| statement.execute([]))
        .map(|_| ())
        .map_err(sql("forget the choices of before a restore"))
}
