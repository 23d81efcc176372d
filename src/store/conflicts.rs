//! Conflicts, which keep both values for good, and holds, which say what is deliberately not done now.

use super::Store;
use super::error::{StoreError, from_json, reason, sql, to_json, word};
use super::links::{parse_field, parse_side_opt, parse_subject};
use crate::model::{
    FieldKey, FieldValue, ItemId, LinkId, PairName, Side, Sided, Subject, Timestamp, Version,
};
use crate::reason::{HoldWhy, Reason, SettledBy, Took};
use rusqlite::{Connection, Row, params};
use std::collections::BTreeSet;

/// A field that changed on both sides, differently.
///
/// With `taken` it is stored as settled; without, it stays open until [`super::Op::ResolveConflict`]. Adding the same
/// open conflict again (link, field and both values) changes nothing, nor does adding the same settled one (the versions
/// too). An open conflict of the same link and field with other values is closed without a winner: the new one replaces it.
#[derive(Clone, Debug, PartialEq)]
pub struct NewConflict {
    /// The link.
    pub link: LinkId,
    /// The pair.
    pub pair: PairName,
    /// The two items.
    pub items: Sided<ItemId>,
    /// The field.
    pub field: FieldKey,
    /// Each side's base; `None`: there was none.
    pub base: Sided<Option<FieldValue>>,
    /// The values that were found.
    pub now: Sided<FieldValue>,
    /// Raw long texts; `None`: not a long text.
    pub raw: Sided<Option<String>>,
    /// Versions of the items that held the values.
    pub versions: Sided<Version>,
    /// Side whose value wins; `None`: held for a person, or (with `resolved_at`) closed without a winner.
    pub taken: Option<Side>,
    /// Local time.
    pub at: Timestamp,
}

/// A stored conflict.
#[derive(Clone, Debug, PartialEq)]
pub struct Conflict {
    /// Its id.
    pub id: i64,
    /// What was recorded; `taken` is up to date.
    pub record: NewConflict,
    /// Local time of settling; `None`: open.
    pub resolved_at: Option<Timestamp>,
    /// What our own write made of each side when the conflict was settled; `None`: it was not written, or nobody knows.
    pub after: Sided<Option<FieldValue>>,
    /// What ended it; `None`: it is open, or it ended before that was recorded.
    pub settled_by: Option<SettledBy>,
    /// Whether a person's own text settled it. `record.taken` is then the side in whose words it was given.
    pub merged: bool,
}

impl Conflict {
    /// Returns whether a hold waits for the choice in this conflict.
    pub fn is_about(&self, hold: &HoldRow) -> bool {
        let field = hold.subject.field() == Some(&self.record.field);
        field && Some(self.record.link) == hold.link && hold.why.asks_for_choice()
    }

    /// Returns which value won; `None`: neither, or it is open.
    pub fn took(&self) -> Option<Took> {
        self.record.taken.map(|side| match self.merged {
            true => Took::Merged,
            false => Took::Of(side),
        })
    }
}

/// Something that is deliberately not done now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HoldRow {
    /// The pair.
    pub pair: PairName,
    /// The link; `None`: the items are not linked.
    pub link: Option<LinkId>,
    /// The side; `None`: both.
    pub side: Option<Side>,
    /// The item on `side`; `None`: the whole pair.
    pub item: Option<ItemId>,
    /// What of it; the item, where that is the whole pair too.
    pub subject: Subject,
    /// Why.
    pub why: HoldWhy,
    /// Local time of the first cycle with this hold.
    pub since: Timestamp,
    /// Failed attempts so far.
    pub tries: u32,
    /// Local time before which it is not tried again; `None`: next cycle.
    pub retry_at: Option<Timestamp>,
}

impl HoldRow {
    /// Returns why, as a sentence.
    pub fn reason(&self) -> String {
        self.why.to_string()
    }
}

const COLUMNS: &str = "SELECT id, link, pair, ado, clickup, field, ado_base, clickup_base, ado_value, clickup_value, ado_raw, clickup_raw, ado_version, clickup_version, taken, at, resolved_at, ado_after, clickup_after, settled_by, merged FROM conflict";

impl Store {
    /// Returns conflicts, oldest first: only open ones, or all.
    pub fn conflicts(&self, only_open: bool) -> Result<Vec<Conflict>, StoreError> {
        let filter = if only_open {
            " WHERE resolved_at IS NULL"
        } else {
            ""
        };
        select(
            &self.connection,
            &format!("{COLUMNS}{filter} ORDER BY id"),
            [],
        )
    }

    /// Returns when a person last made a choice in a conflict of a field that was carried out (local time); `None`: never.
    pub fn decided_at(
        &self,
        link: LinkId,
        field: &FieldKey,
    ) -> Result<Option<Timestamp>, StoreError> {
        self.connection
            .prepare_cached(
                "SELECT max(resolved_at) FROM conflict WHERE link = ?1 AND field = ?2 AND settled_by = 'person'",
            )
            .and_then(|mut statement| {
                statement.query_row(params![link.0, field.to_string()], |row| Ok(row.get::<_, Option<i64>>(0)?.map(Timestamp)))
            })
            .map_err(sql("read when a conflict was settled"))
    }

    /// Returns the open conflicts in which nobody has chosen, oldest first. A choice that cannot be read counts as none.
    pub fn waiting_conflicts(&self) -> Result<Vec<Conflict>, StoreError> {
        let mut waiting = Vec::new();
        for conflict in self.conflicts(true)? {
            let choices = match self.choices(conflict.record.link) {
                Err(StoreError::Choice { .. }) => Vec::new(),
                choices => choices?,
            };
            if !choices.iter().any(|choice| choice.conflict == conflict.id) {
                waiting.push(conflict);
            }
        }
        Ok(waiting)
    }

    /// Returns how much is held in a pair, but for what waits for the choice in an open conflict: that counts as the conflict.
    pub fn count_held(&self, pair: &PairName) -> Result<usize, StoreError> {
        let waiting = self.waiting_conflicts()?;
        let holds = self.holds(Some(pair))?.into_iter();
        let held = holds.filter(|hold| !waiting.iter().any(|one| one.is_about(hold)));
        Ok(held.count())
    }

    /// Returns one conflict.
    pub fn conflict(&self, id: i64) -> Result<Option<Conflict>, StoreError> {
        let rows = select(&self.connection, &format!("{COLUMNS} WHERE id = ?1"), [id])?;
        Ok(rows.into_iter().next())
    }

    /// Returns the number of the newest conflict about a field of a link.
    pub fn newest_conflict(
        &self,
        link: LinkId,
        field: &FieldKey,
    ) -> Result<Option<i64>, StoreError> {
        self.connection
            .prepare_cached("SELECT max(id) FROM conflict WHERE link = ?1 AND field = ?2")
            .and_then(|mut statement| {
                statement.query_row(params![link.0, field.to_string()], |row| row.get(0))
            })
            .map_err(sql("look for a newer conflict"))
    }

    /// Returns the fields of a link of which a conflict is open.
    pub fn contested(&self, link: LinkId) -> Result<BTreeSet<FieldKey>, StoreError> {
        let fields: Vec<String> = self
            .connection
            .prepare_cached(
                "SELECT DISTINCT field FROM conflict WHERE link = ?1 AND resolved_at IS NULL",
            )
            .and_then(|mut statement| statement.query_map([link.0], |row| row.get(0))?.collect())
            .map_err(sql("read open conflicts"))?;
        fields.iter().map(|field| parse_field(field)).collect()
    }

    /// Returns the holds of one pair or of all, ordered by pair and age.
    pub fn holds(&self, pair: Option<&PairName>) -> Result<Vec<HoldRow>, StoreError> {
        let pair = pair.map(|pair| &pair.0);
        self.select_holds("?1 IS NULL OR pair = ?1", params![pair])
    }

    /// Returns the holds of one item in a pair, by age.
    pub fn holds_of(
        &self,
        pair: &PairName,
        side: Side,
        item: &ItemId,
    ) -> Result<Vec<HoldRow>, StoreError> {
        let condition = "pair = ?1 AND side = ?2 AND item = ?3";
        self.select_holds(condition, params![pair.0, side.key(), item.0])
    }

    fn select_holds(
        &self,
        condition: &str,
        values: &[&dyn rusqlite::ToSql],
    ) -> Result<Vec<HoldRow>, StoreError> {
        let mut statement = self
            .connection
            .prepare_cached(&format!(
                "SELECT pair, link, item, reason, since, tries, retry_at, side, subject, why FROM hold
                 WHERE {condition} ORDER BY pair, since, id"
            ))
            .map_err(sql("read holds"))?;
        let rows = statement
            .query_map(values, |row| {
                let hold = HoldRow {
                    pair: PairName(row.get(0)?),
                    link: row.get::<_, Option<i64>>(1)?.map(LinkId),
                    side: None,
                    item: row.get::<_, Option<String>>(2)?.map(ItemId),
                    subject: Subject::Item,
                    why: HoldWhy::told_before(row.get(3)?),
                    since: Timestamp(row.get(4)?),
                    tries: row.get(5)?,
                    retry_at: row.get::<_, Option<i64>>(6)?.map(Timestamp),
                };
                Ok((
                    hold,
                    row.get::<_, Option<String>>(7)?,
                    row.get::<_, String>(8)?,
                    row.get::<_, String>(9)?,
                ))
            })
            .map_err(sql("read holds"))?;
        rows.map(|row| {
            let (hold, side, subject, why) = row.map_err(sql("read holds"))?;
            Ok(HoldRow {
                why: reason("why of a hold", &why, hold.reason())?,
                side: parse_side_opt(side.as_deref())?,
                subject: parse_subject("subject of a hold", &subject)?,
                ..hold
            })
        })
        .collect()
    }
}

/// The columns that need parsing, in the order of the table.
struct Texts {
    field: String,
    ado_base: Option<String>,
    clickup_base: Option<String>,
    ado_value: String,
    clickup_value: String,
    taken: Option<String>,
    ado_after: Option<String>,
    clickup_after: Option<String>,
    settled_by: Option<String>,
}

fn read(row: &Row<'_>) -> rusqlite::Result<(Conflict, Texts)> {
    let texts = Texts {
        field: row.get(5)?,
        ado_base: row.get(6)?,
        clickup_base: row.get(7)?,
        ado_value: row.get(8)?,
        clickup_value: row.get(9)?,
        taken: row.get(14)?,
        ado_after: row.get(17)?,
        clickup_after: row.get(18)?,
        settled_by: row.get(19)?,
    };
    let record = NewConflict {
        link: LinkId(row.get(1)?),
        pair: PairName(row.get(2)?),
        items: Sided {
            ado: ItemId(row.get(3)?),
            clickup: ItemId(row.get(4)?),
        },
        field: FieldKey::Title,
        base: Sided::default(),
        now: Sided::build(|_| FieldValue::Empty),
        raw: Sided {
            ado: row.get(10)?,
            clickup: row.get(11)?,
        },
        versions: Sided {
            ado: Version(row.get(12)?),
            clickup: Version(row.get(13)?),
        },
        taken: None,
        at: Timestamp(row.get(15)?),
    };
    let conflict = Conflict {
        id: row.get(0)?,
        record,
        resolved_at: row.get::<_, Option<i64>>(16)?.map(Timestamp),
        after: Sided::default(),
        settled_by: None,
        merged: row.get(20)?,
    };
    Ok((conflict, texts))
}

fn select(
    connection: &Connection,
    text: &str,
    parameters: impl rusqlite::Params,
) -> Result<Vec<Conflict>, StoreError> {
    let value = |text: &String| from_json::<FieldValue>("conflict value", text);
    let rows: Vec<(Conflict, Texts)> = connection
        .prepare_cached(text)
        .and_then(|mut statement| statement.query_map(parameters, read)?.collect())
        .map_err(sql("read conflicts"))?;
    rows.into_iter()
        .map(|(mut conflict, texts)| {
            conflict.record.field = parse_field(&texts.field)?;
            conflict.record.base = Sided {
                ado: texts.ado_base.as_ref().map(value).transpose()?,
                clickup: texts.clickup_base.as_ref().map(value).transpose()?,
            };
            conflict.record.now = Sided {
                ado: value(&texts.ado_value)?,
                clickup: value(&texts.clickup_value)?,
            };
            conflict.after = Sided {
                ado: texts.ado_after.as_ref().map(value).transpose()?,
                clickup: texts.clickup_after.as_ref().map(value).transpose()?,
            };
            conflict.record.taken = parse_side_opt(texts.taken.as_deref())?;
            conflict.settled_by = texts
                .settled_by
                .as_ref()
                .map(|by| word("end of a conflict", by, SettledBy::from_key(by)))
                .transpose()?;
            Ok(conflict)
        })
        .collect()
}

pub(super) fn add(tx: &Connection, new: &NewConflict) -> Result<(), StoreError> {
    let earlier = select(
        tx,
        &format!("{COLUMNS} WHERE link = ?1 AND field = ?2 ORDER BY id DESC"),
        params![new.link.0, new.field.to_string()],
    )?;
    // Compared as values, not as JSON: names that differ only in case are the same value.
    let same_values = |old: &NewConflict| old.now == new.now;
    for old in &earlier {
        let same = same_values(&old.record) && old.record.taken == new.taken;
        let known = match (old.resolved_at, new.taken) {
            (None, None) => same,
            (Some(_), Some(_)) => same && old.record.versions == new.versions,
            (None, Some(_)) | (Some(_), None) => false,
        };
        if known {
            return Ok(());
        }
    }
    for old in earlier.iter().filter(|old| old.resolved_at.is_none()) {
        let taken = new.taken.filter(|_| same_values(&old.record));
        let by = match taken {
            Some(_) => SettledBy::Rule,
            None => SettledBy::Replaced,
        };
        end(tx, old.id, taken, by, new.at)?;
    }
    let json = |value: &FieldValue| to_json("conflict value", value);
    let base = (
        new.base.ado.as_ref().map(json).transpose()?,
        new.base.clickup.as_ref().map(json).transpose()?,
    );
    tx.prepare_cached(
        "INSERT INTO conflict (link, pair, ado, clickup, field, ado_base, clickup_base, ado_value, clickup_value,
                               ado_raw, clickup_raw, ado_version, clickup_version, taken, at, resolved_at, settled_by)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17)",
    )
    .and_then(|mut statement| {
        statement.execute(params![
            new.link.0,
            new.pair.0,
            new.items.ado.0,
            new.items.clickup.0,
            new.field.to_string(),
            base.0,
            base.1,
            json(&new.now.ado).map_err(to_sql)?,
            json(&new.now.clickup).map_err(to_sql)?,
            new.raw.ado,
            new.raw.clickup,
            new.versions.ado.0,
            new.versions.clickup.0,
            new.taken.map(Side::key),
            new.at.0,
            new.taken.map(|_| new.at.0),
            new.taken.map(|_| SettledBy::Rule.key())
        ])
    })
    .map(|_| ())
    .map_err(sql("add a conflict"))
}

fn to_sql(error: StoreError) -> rusqlite::Error {
    rusqlite::Error::ToSqlConversionFailure(Box::new(error))
}

pub(super) fn end(
    tx: &Connection,
    id: i64,
    taken: Option<Side>,
    by: SettledBy,
    at: Timestamp,
) -> Result<(), StoreError> {
    let changed = tx
        .prepare_cached(
            "UPDATE conflict SET taken = ?2, resolved_at = ?3, settled_by = ?4 WHERE id = ?1 AND resolved_at IS NULL",
        )
        .and_then(|mut statement| {
            statement.execute(params![id, taken.map(Side::key), at.0, by.key()])
        })
        .map_err(sql("resolve a conflict"))?;
    if changed == 0 {
        return Err(StoreError::missing("open conflict", id));
    }
    Ok(())
}

/// Closes the open conflicts of a link that is ended, without a winner: nothing is left to be decided there.
pub(super) fn close_of(tx: &Connection, link: LinkId, at: Timestamp) -> Result<(), StoreError> {
    tx.prepare_cached(
        "UPDATE conflict SET resolved_at = ?2, settled_by = ?3 WHERE link = ?1 AND resolved_at IS NULL",
    )
    .and_then(|mut statement| statement.execute(params![link.0, at.0, SettledBy::Unlinked.key()]))
    .map(|_| ())
    .map_err(sql("close the conflicts of a link"))
}

pub(super) fn set_holds_of_pair(
    tx: &Connection,
    pair: &PairName,
    holds: &[HoldRow],
) -> Result<(), StoreError> {
    tx.prepare_cached("DELETE FROM hold WHERE pair = ?1 AND item IS NULL")
        .and_then(|mut statement| statement.execute([&pair.0]))
        .map_err(sql("replace holds"))?;
    set_holds(tx, pair, Some(&BTreeSet::new()), holds)
}

pub(super) fn set_holds(
    tx: &Connection,
    pair: &PairName,
    items: Option<&BTreeSet<(Side, ItemId)>>,
    holds: &[HoldRow],
) -> Result<(), StoreError> {
    match items {
        None => {
            tx.prepare_cached("DELETE FROM hold WHERE pair = ?1")
                .and_then(|mut statement| statement.execute([&pair.0]))
                .map_err(sql("replace holds"))?;
        }
        Some(items) => {
            for (side, item) in items {
                tx.prepare_cached("DELETE FROM hold WHERE pair = ?1 AND side = ?2 AND item = ?3")
                    .and_then(|mut statement| {
                        statement.execute(params![pair.0, side.key(), item.0])
                    })
                    .map_err(sql("replace holds"))?;
            }
        }
    }
    for hold in holds {
        let why = to_json("why of a hold", &hold.why)?;
        tx.prepare_cached(
            "INSERT INTO hold (pair, link, side, item, subject, reason, since, tries, retry_at, why)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)",
        )
        .and_then(|mut statement| {
            statement.execute(params![
                hold.pair.0,
                hold.link.map(|link| link.0),
                hold.side.map(Side::key),
                hold.item.as_ref().map(|item| &item.0),
                hold.subject.to_string(),
                hold.reason(),
                hold.since.0,
                hold.tries,
                hold.retry_at.map(|at| at.0),
                why
            ])
        })
        .map_err(sql("add a hold"))?;
    }
    Ok(())
}
