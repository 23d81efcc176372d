//! What the fields of a pair stand for, and their bases when that changes.

use super::Store;
use super::error::{StoreError, sql};
use super::links::parse_field;
use crate::model::{FieldKey, Identity, Move, PairName, Timestamp};
use rusqlite::{Connection, params};
use std::collections::BTreeMap;

/// Tables with one row for a link's field, which hold only as long as the field stands for the same.
const OF_A_LINK: [&str; 4] = ["base", "transit", "kept", "choice"];

/// What is known of what a field stands for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KnownIdentity {
    /// The two fields.
    pub is: Identity,
    /// Local time from which on it stands for them; 0: always.
    pub since: Timestamp,
    /// Whether it has been synced since then.
    pub used: bool,
}

impl Store {
    /// Returns what the fields of a pair stood for when they were synced last, those that are not synced any more included.
    pub fn identities(
        &self,
        pair: &PairName,
    ) -> Result<BTreeMap<FieldKey, KnownIdentity>, StoreError> {
        const OPERATION: &str = "read what fields stand for";
        let rows: Vec<(String, KnownIdentity)> = self
            .connection
            .prepare_cached(
                "SELECT field, clickup, ado, unit, since, used FROM identity WHERE pair = ?1",
            )
            .and_then(|mut statement| {
                let read = |row: &rusqlite::Row<'_>| {
                    let is = Identity {
                        clickup: row.get(1)?,
                        ado: row.get(2)?,
                        unit: row.get(3)?,
                    };
                    let known = KnownIdentity {
                        is,
                        since: Timestamp(row.get(4)?),
                        used: row.get(5)?,
                    };
                    Ok((row.get(0)?, known))
                };
                statement.query_map([&pair.0], read)?.collect()
            })
            .map_err(sql(OPERATION))?;
        rows.into_iter()
            .map(|(field, is)| Ok((parse_field(&field)?, is)))
            .collect()
    }

    /// Has the bases of a pair follow fields that stand for something else from now on, all in one transaction. What is put aside
    /// comes back when the old entry does before anything was synced under the new one.
    pub fn follow(
        &mut self,
        pair: &PairName,
        moves: &[Move],
        now: Timestamp,
    ) -> Result<(), StoreError> {
        const OPERATION: &str = "have bases follow their fields";
        let known = self.identities(pair)?;
        let tx = self.connection.transaction().map_err(sql(OPERATION))?;
        for one in moves {
            match one {
                Move::Park { field, was } => park(&tx, pair, field, was),
                Move::Rename { from, to } => rename(&tx, pair, (from, to)),
                Move::Unpark { field, is } => unpark(&tx, pair, (field, is), known.get(field), now),
            }
            .map_err(sql(OPERATION))?;
        }
        tx.commit().map_err(sql(OPERATION))
    }
}

fn park(
    tx: &Connection,
    pair: &PairName,
    field: &FieldKey,
    was: &Identity,
) -> rusqlite::Result<()> {
    let field = field.to_string();
    tx.execute(
        "INSERT OR REPLACE INTO parked_base
             (link, clickup, ado, unit, base_ado, base_clickup, ado_state, clickup_state)
         SELECT link, ?3, ?4, ?5, ado, clickup, ado_state, clickup_state FROM base
         WHERE field = ?2 AND link IN (SELECT id FROM link WHERE pair = ?1)",
        params![pair.0, field, was.clickup, was.ado, was.unit],
    )?;
    for table in OF_A_LINK {
        tx.execute(
            &format!(
                "DELETE FROM {table} WHERE field = ?2 AND link IN (SELECT id FROM link WHERE pair = ?1)"
            ),
            params![pair.0, field],
        )?;
    }
    tx.execute(
        "DELETE FROM refusal WHERE pair = ?1 AND field = ?2",
        params![pair.0, field],
    )
    .map(|_| ())
}

/// `was`: what the field stood for until now; `None`: it is new.
fn unpark(
    tx: &Connection,
    pair: &PairName,
    (field, is): (&FieldKey, &Identity),
    was: Option<&KnownIdentity>,
    now: Timestamp,
) -> rusqlite::Result<()> {
    let Some(was) = was else {
        // It is remembered once it has been synced.
        return Ok(());
    };
    let of_pair = "clickup = ?2 COLLATE NOCASE AND ado = ?3 COLLATE NOCASE AND unit = ?4
                   AND link IN (SELECT id FROM link WHERE pair = ?1)";
    // A run that was killed has not said that it synced, and left bases all the same.
    let left_bases: bool = tx.query_row(
        &format!("SELECT EXISTS (SELECT 1 FROM parked_base WHERE {of_pair})"),
        params![pair.0, was.is.clickup, was.is.ado, was.is.unit],
        |row| row.get(0),
    )?;
    if !was.used && !left_bases {
        tx.execute(
            &format!(
                "INSERT OR IGNORE INTO base (link, field, ado, clickup, ado_state, clickup_state)
                 SELECT link, ?5, base_ado, base_clickup, ado_state, clickup_state FROM parked_base
                 WHERE {of_pair}"
            ),
            params![pair.0, is.clickup, is.ado, is.unit, field.to_string()],
        )?;
    }
    tx.execute(
        &format!("DELETE FROM parked_base WHERE {of_pair}"),
        params![pair.0, is.clickup, is.ado, is.unit],
    )?;
    tx.execute(
        "INSERT OR REPLACE INTO identity (pair, field, clickup, ado, unit, since, used)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, 0)",
        params![
            pair.0,
            field.to_string(),
            is.clickup,
            is.ado,
            is.unit,
            now.0
        ],
    )
    .map(|_| ())
}

fn rename(
    tx: &Connection,
    pair: &PairName,
    (from, to): (&FieldKey, &FieldKey),
) -> rusqlite::Result<()> {
    let (from, to_text) = (from.to_string(), to.to_string());
    for table in OF_A_LINK.iter().chain(&["conflict"]) {
        tx.execute(
            &format!(
                "UPDATE OR REPLACE {table} SET field = ?3
                 WHERE field = ?2 AND link IN (SELECT id FROM link WHERE pair = ?1)"
            ),
            params![pair.0, from, to_text],
        )?;
    }
    tx.execute(
        "UPDATE OR REPLACE freeze SET subject = ?3
         WHERE subject = ?2 AND link IN (SELECT id FROM link WHERE pair = ?1)",
        params![pair.0, from, to_text],
    )?;
    tx.execute(
        "UPDATE OR REPLACE refusal SET field = ?3 WHERE pair = ?1 AND field = ?2",
        params![pair.0, from, to_text],
    )?;
    tx.execute(
        "UPDATE OR REPLACE identity SET field = ?3 WHERE pair = ?1 AND field = ?2",
        params![pair.0, from, to_text],
    )
    .map(|_| ())
}

/// Remembers what fields of a pair stand for, and that they are synced.
pub(super) fn set(
    tx: &Connection,
    pair: &PairName,
    fields: &BTreeMap<FieldKey, Identity>,
) -> Result<(), StoreError> {
    const OPERATION: &str = "remember what a field stands for";
    for (field, is) in fields {
        tx.prepare_cached(
            "INSERT INTO identity (pair, field, clickup, ado, unit, since, used) VALUES (?1, ?2, ?3, ?4, ?5, 0, 1)
             ON CONFLICT (pair, field) DO UPDATE SET clickup = ?3, ado = ?4, unit = ?5, used = 1",
        )
        .and_then(|mut statement| {
            statement.execute(params![pair.0, field.to_string(), is.clickup, is.ado, is.unit])
        })
        .map_err(sql(OPERATION))?;
    }
    Ok(())
}
