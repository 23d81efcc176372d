//! What the fields of a pair stand for, and their bases when that changes.

use super::Store;
use super::error::{StoreError, from_json, sql, to_json};
use super::links::parse_field;
use crate::model::{FieldKey, Identity, Move, PairName, Timestamp};
use crate::reason::{JournalKind, SettledBy};
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
    /// Local time from which on it stood for what it stood for before; 0: always, or it never stood for anything else.
    pub before: Timestamp,
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
                "SELECT field, clickup, ado, unit, since, used, before FROM identity WHERE pair = ?1",
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
                        before: Timestamp(row.get(6)?),
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
    /// comes back when the old entry does before anything was synced under the new one. Returns the conflicts in which somebody had
    /// chosen and no cycle had carried that out: such a choice is about values of other fields, and is dropped.
    pub fn follow(
        &mut self,
        pair: &PairName,
        moves: &[Move],
        now: Timestamp,
    ) -> Result<Vec<i64>, StoreError> {
        const OPERATION: &str = "have bases follow their fields";
        let known = self.identities(pair)?;
        let mut dropped = Vec::new();
        let tx = self.connection.transaction().map_err(sql(OPERATION))?;
        for one in moves {
            match one {
                Move::Park { field, was } => {
                    dropped.extend(chosen(&tx, pair, field).map_err(sql(OPERATION))?);
                    park(&tx, pair, field, was, now)
                }
                Move::Rename { from, to } => {
                    rename_past(&tx, pair, (from, to))?;
                    rename(&tx, pair, (from, to))
                }
                Move::Unpark { field, is } => unpark(&tx, pair, (field, is), known.get(field), now),
            }
            .map_err(sql(OPERATION))?;
        }
        tx.commit().map_err(sql(OPERATION))?;
        Ok(dropped)
    }
}

/// The conflicts about a field in which somebody has chosen.
fn chosen(tx: &Connection, pair: &PairName, field: &FieldKey) -> rusqlite::Result<Vec<i64>> {
    let text = "SELECT conflict FROM choice
                WHERE field = ?2 AND link IN (SELECT id FROM link WHERE pair = ?1) ORDER BY conflict";
    let mut statement = tx.prepare(text)?;
    let rows = statement.query_map(params![pair.0, field.to_string()], |row| row.get(0))?;
    rows.collect()
}

fn park(
    tx: &Connection,
    pair: &PairName,
    field: &FieldKey,
    was: &Identity,
    now: Timestamp,
) -> rusqlite::Result<()> {
    let field = field.to_string();
    // Both values are of fields that are not kept equal any more: neither did the two agree, nor does a later conflict say more.
    tx.execute(
        "UPDATE conflict SET resolved_at = ?3, settled_by = ?4
         WHERE field = ?2 AND resolved_at IS NULL AND link IN (SELECT id FROM link WHERE pair = ?1)",
        params![pair.0, field, now.0, SettledBy::Unsynced.key()],
    )?;
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
    let has_bases = |of: &Identity| -> rusqlite::Result<bool> {
        tx.query_row(
            &format!("SELECT EXISTS (SELECT 1 FROM parked_base WHERE {of_pair})"),
            params![pair.0, of.clickup, of.ado, of.unit],
            |row| row.get(0),
        )
    };
    let unused = !was.used && !has_bases(&was.is)?;
    let comes_back = unused && has_bases(is)?;
    // Nothing was written under an entry that was not used, so that what was written before it is about the one that comes back.
    let (since, before) = match (comes_back, unused) {
        (true, _) => (was.before, Timestamp(0)),
        (false, true) => (was.since, was.before),
        (false, false) => (now, was.since),
    };
    if comes_back {
        tx.execute(
            &format!(
                "INSERT OR IGNORE INTO base (link, field, ado, clickup, ado_state, clickup_state)
                 SELECT link, ?5, base_ado, base_clickup, ado_state, clickup_state FROM parked_base
                 WHERE {of_pair}"
            ),
            params![pair.0, is.clickup, is.ado, is.unit, field.to_string()],
        )?;
        // Those that ended when it was put aside, and for nothing else.
        tx.execute(
            "UPDATE conflict SET resolved_at = NULL, settled_by = NULL
             WHERE field = ?2 AND resolved_at = ?3 AND settled_by = ?4
                 AND link IN (SELECT id FROM link WHERE pair = ?1)",
            params![
                pair.0,
                field.to_string(),
                was.since.0,
                SettledBy::Unsynced.key()
            ],
        )?;
    }
    tx.execute(
        &format!("DELETE FROM parked_base WHERE {of_pair}"),
        params![pair.0, is.clickup, is.ado, is.unit],
    )?;
    tx.execute(
        "INSERT OR REPLACE INTO identity (pair, field, clickup, ado, unit, since, used, before)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, 0, ?7)",
        params![
            pair.0,
            field.to_string(),
            is.clickup,
            is.ado,
            is.unit,
            since.0,
            before.0
        ],
    )
    .map(|_| ())
}

/// Has the journal and the conflicts that are over go on under the new name as well: an undo, and whoever asks what was done to a field,
/// looks for it there. What they have under the new name from before was about other fields, and gets a name that no entry has.
///
/// Example: `custom:Size` went to `Custom.Size`, and was taken out. Later `custom:#<uuid>` goes to `Custom.Count`, and is renamed to
/// `custom:Size`. A run that wrote a size is not to be taken back from the count.
fn rename_past(
    tx: &Connection,
    pair: &PairName,
    (from, to): (&FieldKey, &FieldKey),
) -> Result<(), StoreError> {
    const OPERATION: &str = "have the journal follow a field";
    let (from, to) = (from.to_string(), to.to_string());
    let former = format!("{to} (before {from} was named so)");
    tx.execute(
        "UPDATE conflict SET field = ?3
         WHERE field = ?2 AND link IN (SELECT id FROM link WHERE pair = ?1)",
        params![pair.0, to, former],
    )
    .map_err(sql(OPERATION))?;
    let rows: Vec<(i64, String, String)> = tx
        .prepare(
            "SELECT id, changes, action_id FROM journal
             WHERE pair = ?1 AND (changes <> '{}' OR kind = ?2)",
        )
        .and_then(|mut statement| {
            let read = |row: &rusqlite::Row<'_>| Ok((row.get(0)?, row.get(1)?, row.get(2)?));
            let kind = JournalKind::Choice.key();
            statement.query_map(params![pair.0, kind], read)?.collect()
        })
        .map_err(sql(OPERATION))?;
    let anew = |name: &str| match name {
        name if name == from => Some(to.clone()),
        name if name == to => Some(former.clone()),
        _ => None,
    };
    for (id, changes, action) in rows {
        let old: BTreeMap<String, serde_json::Value> = from_json("changes of an action", &changes)?;
        let new: BTreeMap<String, &serde_json::Value> = old
            .iter()
            .map(|(name, change)| (anew(name).unwrap_or_else(|| name.clone()), change))
            .collect();
        let choice = action.split_once(' ').filter(|(word, _)| *word == "choice");
        let choice = choice.and_then(|(_, rest)| rest.split_once(' '));
        let choice = choice.and_then(|(link, field)| Some((link, anew(field)?)));
        let action = choice.map_or(action.clone(), |(link, field)| {
            format!("choice {link} {field}")
        });
        let changes = to_json("changes of an action", &new)?;
        tx.prepare_cached("UPDATE journal SET changes = ?2, action_id = ?3 WHERE id = ?1")
            .and_then(|mut statement| statement.execute(params![id, changes, action]))
            .map_err(sql(OPERATION))?;
    }
    Ok(())
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
