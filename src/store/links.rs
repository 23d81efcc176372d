//! Which work item belongs to which task, and what both last agreed on.

use super::Store;
use super::error::{StoreError, from_json, reason, sql, to_json, word};
use crate::model::subject::UnknownSubject;
use crate::model::{
    BaseState, FieldKey, ItemId, LinkId, PairName, Side, Sided, Subject, Timestamp,
};
use crate::reason::{ActionWhy, Reason};
use rusqlite::{Connection, OptionalExtension, Row, params};
use std::collections::BTreeMap;

/// A stored pairing of one work item with one task.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LinkRow {
    /// Its id; never reused.
    pub id: LinkId,
    /// The pair it belongs to.
    pub pair: PairName,
    /// The work item.
    pub ado: ItemId,
    /// The task.
    pub clickup: ItemId,
    /// Whether it is in use.
    pub state: LinkState,
    /// Grows each time the link of an item is dissolved on purpose; part of the marker.
    pub generation: u32,
    /// Side whose item came first; `None`: matched by hand.
    pub origin: Option<Side>,
    /// Local time.
    pub created_at: Timestamp,
}

impl LinkRow {
    /// Returns the id of the linked item on one side.
    pub fn item(&self, side: Side) -> &ItemId {
        match side {
            Side::Ado => &self.ado,
            Side::ClickUp => &self.clickup,
        }
    }
}

/// The state of a link.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LinkState {
    /// Kept equal.
    Active,
    /// At least one item left the scope of the pair; kept so that it can come back.
    OutOfScope,
    /// An item cannot be read, and it is not known to be deleted.
    Missing {
        /// Which one.
        side: Side,
        /// Server time of the first failed read.
        since: Timestamp,
    },
    /// Ended by a deletion or on purpose; kept so that the item is not created again.
    Tombstone {
        /// Why.
        why: ActionWhy,
    },
}

impl LinkState {
    /// Returns whether the link still ties its items together, in whatever way. Only a tombstone does not: it merely
    /// remembers that the two were linked once.
    pub fn is_living(&self) -> bool {
        !matches!(self, LinkState::Tombstone { .. })
    }
}

const COLUMNS: &str = "SELECT id, pair, ado, clickup, state, missing_side, missing_since, reason, generation, origin, created_at, why FROM link";

impl Store {
    /// Returns all links of a pair, tombstones included, ordered by id.
    pub fn links(&self, pair: &PairName) -> Result<Vec<LinkRow>, StoreError> {
        select(
            &self.connection,
            &format!("{COLUMNS} WHERE pair = ?1 ORDER BY id"),
            params![pair.0],
        )
    }

    /// Returns the link of an item: the living one, else the newest tombstone, else `None`.
    pub fn link_by_item(
        &self,
        pair: &PairName,
        side: Side,
        id: &ItemId,
    ) -> Result<Option<LinkRow>, StoreError> {
        by_item(&self.connection, pair, side, id)
    }

    /// Returns a link by its id.
    pub fn link(&self, id: LinkId) -> Result<Option<LinkRow>, StoreError> {
        let rows = select(
            &self.connection,
            &format!("{COLUMNS} WHERE id = ?1"),
            params![id.0],
        )?;
        Ok(rows.into_iter().next())
    }

    /// Returns when a link last changed its state, or was made; local time. `None`: there is no such link.
    pub fn link_changed_at(&self, id: LinkId) -> Result<Option<Timestamp>, StoreError> {
        self.connection
            .prepare_cached("SELECT changed_at FROM link WHERE id = ?1")
            .and_then(|mut statement| {
                let at = |row: &Row<'_>| row.get(0).map(Timestamp);
                statement.query_row([id.0], at).optional()
            })
            .map_err(sql("read when a link changed"))
    }

    /// Returns every link in which this id occurs, on any side and in any pair, tombstones included.
    pub fn find_item(&self, id: &ItemId) -> Result<Vec<LinkRow>, StoreError> {
        select(
            &self.connection,
            &format!("{COLUMNS} WHERE ado = ?1 OR clickup = ?1 ORDER BY id"),
            params![id.0],
        )
    }

    /// Returns the number of living links of a pair (all but tombstones). Counted once and then kept until a commit
    /// touches a link: every cycle asks, and counting takes longer than all else in an idle one.
    pub fn count_links(&self, pair: &PairName) -> Result<u64, StoreError> {
        if let Some(count) = self.counts.borrow().get(pair) {
            return Ok(*count);
        }
        let count = self
            .connection
            .prepare_cached("SELECT count(*) FROM link WHERE pair = ?1 AND state <> 'tombstone'")
            .and_then(|mut statement| statement.query_row([&pair.0], |row| row.get::<_, i64>(0)))
            .map(i64::unsigned_abs)
            .map_err(sql("count links"))?;
        self.counts.borrow_mut().insert(pair.clone(), count);
        Ok(count)
    }

    /// Returns the living links of a pair whose two ids (ADO, ClickUp) `wanted` accepts, ordered by id.
    pub fn living_links(
        &self,
        pair: &PairName,
        wanted: impl Fn(&str, &str) -> Result<bool, StoreError>,
    ) -> Result<Vec<LinkRow>, StoreError> {
        // Few are wanted, and putting all of them in order would hold as much of them as the database may keep in memory.
        let text = format!("{COLUMNS} WHERE pair = ?1 AND state <> 'tombstone'");
        let mut out = Vec::new();
        let mut statement = self
            .connection
            .prepare_cached(&text)
            .map_err(sql("read links"))?;
        let mut rows = statement.query([&pair.0]).map_err(sql("read links"))?;
        while let Some(row) = rows.next().map_err(sql("read links"))? {
            let id = |column| {
                let value = row.get_ref(column)?;
                value.as_str().map_err(rusqlite::Error::from)
            };
            let ado = id(2).map_err(sql("read links"))?;
            let clickup = id(3).map_err(sql("read links"))?;
            if wanted(ado, clickup)? {
                out.push(Raw::read(row).map_err(sql("read links"))?.link()?);
            }
        }
        out.sort_by_key(|link| link.id);
        Ok(out)
    }

    /// Returns which links of a pair have ended after a local time because one of their items was deleted: the side of that
    /// item, and when they ended.
    pub fn ended_by_a_delete(
        &self,
        pair: &PairName,
        after: Timestamp,
    ) -> Result<Vec<(Side, Timestamp)>, StoreError> {
        let rows: Vec<(i64, String, Option<String>)> = self
            .connection
            .prepare_cached(
                "SELECT changed_at, reason, why FROM link WHERE pair = ?1 AND state = 'tombstone' AND changed_at > ?2",
            )
            .and_then(|mut statement| {
                let read = |row: &Row<'_>| Ok((row.get(0)?, row.get(1)?, row.get(2)?));
                statement.query_map(params![pair.0, after.0], read)?.collect()
            })
            .map_err(sql("read the links that have ended"))?;
        let mut ended = Vec::new();
        for (at, told, why) in rows {
            let why = why.map(|why| reason::<ActionWhy>("why of a link's end", &why, told));
            let why = why.transpose()?.filter(|why| !why.is_of_a_lost_link());
            let side = why.and_then(|why| why.deleted_in());
            ended.extend(side.map(|side| (side, Timestamp(at))));
        }
        Ok(ended)
    }

    /// Returns how many bases the living links of a pair have.
    pub fn count_bases(&self, pair: &PairName) -> Result<u64, StoreError> {
        self.connection
            .query_row(
                "SELECT count(*) FROM base WHERE link IN (SELECT id FROM link WHERE pair = ?1 AND state <> 'tombstone')",
                [&pair.0],
                |row| row.get::<_, i64>(0),
            )
            .map(|count| u64::try_from(count).unwrap_or(0))
            .map_err(sql("count the bases"))
    }

    /// Returns whether this installation ever created or adopted an item in the pair. Links that a person made by hand do
    /// not count: they say nothing about whose markers the other items carry.
    pub fn has_linked(&self, pair: &PairName) -> Result<bool, StoreError> {
        self.connection
            .prepare_cached(
                "SELECT EXISTS (SELECT 1 FROM link WHERE pair = ?1 AND origin IS NOT NULL)",
            )
            .and_then(|mut statement| statement.query_row([&pair.0], |row| row.get(0)))
            .map_err(sql("look for links"))
    }

    /// Returns the base of a link. A field without a base is absent; an unknown link has none.
    pub fn base(&self, link: LinkId) -> Result<BTreeMap<FieldKey, Sided<BaseState>>, StoreError> {
        select_base(&self.connection, link, "")
    }

    /// Returns the part of the base that a side has not shown yet. Sweeps ask this of every link, and the answer is
    /// nearly always nothing.
    pub fn sent_only(
        &self,
        link: LinkId,
        side: Side,
    ) -> Result<BTreeMap<FieldKey, Sided<BaseState>>, StoreError> {
        let condition = match side {
            Side::Ado => " AND ado_state = 'sent'",
            Side::ClickUp => " AND clickup_state = 'sent'",
        };
        select_base(&self.connection, link, condition)
    }
}

fn select_base(
    connection: &Connection,
    link: LinkId,
    condition: &str,
) -> Result<BTreeMap<FieldKey, Sided<BaseState>>, StoreError> {
    let text = format!(
        "SELECT field, ado, clickup, ado_state, clickup_state FROM base WHERE link = ?1{condition}"
    );
    let rows: Vec<[String; 5]> = connection
        .prepare_cached(&text)
        .and_then(|mut statement| {
            statement
                .query_map([link.0], |row| {
                    Ok([
                        row.get(0)?,
                        row.get(1)?,
                        row.get(2)?,
                        row.get(3)?,
                        row.get(4)?,
                    ])
                })?
                .collect()
        })
        .map_err(sql("read a base"))?;
    rows.into_iter()
        .map(|[field, ado, clickup, ado_state, clickup_state]| {
            let half = |value: &str, state: &str| {
                let value = from_json("base value", value)?;
                word("state of a base", state, BaseState::of_word(state, value))
            };
            let base = Sided {
                ado: half(&ado, &ado_state)?,
                clickup: half(&clickup, &clickup_state)?,
            };
            Ok((parse_field(&field)?, base))
        })
        .collect()
}

/// Reads a field key out of a text column.
pub(super) fn parse_field(text: &str) -> Result<FieldKey, StoreError> {
    word("field name", text, text.parse().ok())
}

/// Reads out of a text column what a row is about. A kind of part that this program does not know is an error: a row that
/// is passed over would be lost with the next commit.
pub(super) fn parse_subject(what: &'static str, text: &str) -> Result<Subject, StoreError> {
    text.parse()
        .map_err(|error: UnknownSubject| StoreError::Json {
            what,
            detail: error.to_string(),
        })
}

/// Reads a side out of a text column.
pub(super) fn parse_side(text: &str) -> Result<Side, StoreError> {
    word("side", text, Side::from_key(text))
}

/// Reads a side out of a column that may be NULL.
pub(super) fn parse_side_opt(text: Option<&str>) -> Result<Option<Side>, StoreError> {
    text.map(parse_side).transpose()
}

struct Raw {
    id: i64,
    pair: String,
    ado: String,
    clickup: String,
    state: String,
    missing_side: Option<String>,
    missing_since: Option<i64>,
    reason: Option<String>,
    generation: u32,
    origin: Option<String>,
    created_at: i64,
    why: Option<String>,
}

impl Raw {
    fn read(row: &Row<'_>) -> rusqlite::Result<Raw> {
        Ok(Raw {
            id: row.get(0)?,
            pair: row.get(1)?,
            ado: row.get(2)?,
            clickup: row.get(3)?,
            state: row.get(4)?,
            missing_side: row.get(5)?,
            missing_since: row.get(6)?,
            reason: row.get(7)?,
            generation: row.get(8)?,
            origin: row.get(9)?,
            created_at: row.get(10)?,
            why: row.get(11)?,
        })
    }

    fn link(self) -> Result<LinkRow, StoreError> {
        let ended = match (self.reason, self.why) {
            (Some(told), Some(why)) => Some(reason("why of a link's end", &why, told)?),
            (Some(told), None) => Some(ActionWhy::told_before(told)),
            (None, _) => None,
        };
        let missing = parse_side_opt(self.missing_side.as_deref())?;
        let state = match (self.state.as_str(), missing, self.missing_since, ended) {
            ("active", ..) => Some(LinkState::Active),
            ("out_of_scope", ..) => Some(LinkState::OutOfScope),
            ("missing", Some(side), Some(since), _) => Some(LinkState::Missing {
                side,
                since: Timestamp(since),
            }),
            ("tombstone", _, _, Some(why)) => Some(LinkState::Tombstone { why }),
            _ => None,
        };
        Ok(LinkRow {
            id: LinkId(self.id),
            pair: PairName(self.pair),
            ado: ItemId(self.ado),
            clickup: ItemId(self.clickup),
            state: word("link state", &self.state, state)?,
            generation: self.generation,
            origin: parse_side_opt(self.origin.as_deref())?,
            created_at: Timestamp(self.created_at),
        })
    }
}

fn select(
    connection: &Connection,
    text: &str,
    parameters: impl rusqlite::Params,
) -> Result<Vec<LinkRow>, StoreError> {
    let rows: Vec<Raw> = connection
        .prepare_cached(text)
        .and_then(|mut statement| statement.query_map(parameters, Raw::read)?.collect())
        .map_err(sql("read links"))?;
    rows.into_iter().map(Raw::link).collect()
}

pub(super) fn by_item(
    connection: &Connection,
    pair: &PairName,
    side: Side,
    id: &ItemId,
) -> Result<Option<LinkRow>, StoreError> {
    // Not one statement with a CASE on the side: that could not use the indices.
    let column = match side {
        Side::Ado => "ado",
        Side::ClickUp => "clickup",
    };
    connection
        .prepare_cached(&format!(
            "{COLUMNS} WHERE {column} = ?1 AND pair = ?2 ORDER BY state = 'tombstone', id DESC LIMIT 1"
        ))
        .and_then(|mut statement| {
            statement
                .query_row(params![id.0, pair.0], Raw::read)
                .optional()
        })
        .map_err(sql("read a link"))?
        .map(Raw::link)
        .transpose()
}

pub(super) fn add(
    tx: &Connection,
    pair: &PairName,
    ado: &ItemId,
    clickup: &ItemId,
    origin: Option<Side>,
    generation: u32,
    at: Timestamp,
) -> Result<LinkId, StoreError> {
    tx.prepare_cached(
        "INSERT INTO link (pair, ado, clickup, state, generation, origin, created_at, changed_at)
         VALUES (?1, ?2, ?3, 'active', ?4, ?5, ?6, ?6)",
    )
    .and_then(|mut statement| {
        statement.insert(params![
            pair.0,
            ado.0,
            clickup.0,
            generation,
            origin.map(Side::key),
            at.0
        ])
    })
    .map(LinkId)
    .map_err(sql("add a link"))
}

pub(super) fn set_state(
    tx: &Connection,
    link: LinkId,
    state: &LinkState,
    at: Timestamp,
) -> Result<(), StoreError> {
    let (name, side, since, why) = match state {
        LinkState::Active => ("active", None, None, None),
        LinkState::OutOfScope => ("out_of_scope", None, None, None),
        LinkState::Missing { side, since } => ("missing", Some(side.key()), Some(since.0), None),
        LinkState::Tombstone { why } => ("tombstone", None, None, Some(why)),
    };
    let told = why.map(ToString::to_string);
    let why = why.map(|why| to_json("why of a link's end", why));
    let why = why.transpose()?;
    let changed = tx
        .prepare_cached(
            "UPDATE link SET state = ?2, missing_side = ?3, missing_since = ?4, reason = ?5, changed_at = ?6, why = ?7 WHERE id = ?1",
        )
        .and_then(|mut statement| statement.execute(params![link.0, name, side, since, told, at.0, why]))
        .map_err(sql("change a link's state"))?;
    if changed == 0 {
        return Err(StoreError::missing("link", link));
    }
    match state {
        // Should the two items be linked again, that is another link, and nobody has chosen anything there.
        LinkState::Tombstone { .. } => {
            super::choices::forget(tx, link)?;
            super::conflicts::close_of(tx, link, at)
        }
        LinkState::Active | LinkState::OutOfScope | LinkState::Missing { .. } => Ok(()),
    }
}

pub(super) fn set_base(
    tx: &Connection,
    link: LinkId,
    fields: &BTreeMap<FieldKey, Sided<BaseState>>,
) -> Result<(), StoreError> {
    for (field, base) in fields {
        let ado = to_json("base value", base.ado.value())?;
        let clickup = to_json("base value", base.clickup.value())?;
        tx.prepare_cached(
            "INSERT INTO base (link, field, ado, clickup, ado_state, clickup_state)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6)
             ON CONFLICT (link, field) DO UPDATE SET ado = excluded.ado, clickup = excluded.clickup,
                 ado_state = excluded.ado_state, clickup_state = excluded.clickup_state",
        )
        .and_then(|mut statement| {
            statement.execute(params![
                link.0,
                field.to_string(),
                ado,
                clickup,
                base.ado.word(),
                base.clickup.word()
            ])
        })
        .map_err(sql("save a base"))?;
    }
    Ok(())
}

pub(super) fn clear_base(
    tx: &Connection,
    link: LinkId,
    field: &FieldKey,
) -> Result<(), StoreError> {
    tx.prepare_cached("DELETE FROM base WHERE link = ?1 AND field = ?2")
        .and_then(|mut statement| statement.execute(params![link.0, field.to_string()]))
        .map(|_| ())
        .map_err(sql("clear a base"))
}
