//! Table `installation`: single values of this installation and its database. Each is set on its own; a database without
//! the row has none of them.

use super::{row, run};
use crate::model::{Sided, Timestamp};
use crate::store::{Store, StoreError};
use rusqlite::types::FromSql;
use rusqlite::{Connection, ToSql, params};

const READ: &str = "read a value of the installation";
const SAVE: &str = "save a value of the installation";

/// Reads one column that may be NULL.
fn value<T: FromSql>(connection: &Connection, column: &str) -> Result<Option<T>, StoreError> {
    let text = format!("SELECT {column} FROM installation");
    let found: Option<Option<T>> = row(connection, READ, &text, [], |row| row.get(0))?;
    Ok(found.flatten())
}

/// Sets one column and leaves the others as they are.
fn set(tx: &Connection, column: &str, value: impl ToSql) -> Result<(), StoreError> {
    let text = format!(
        "INSERT INTO installation (one, {column}) VALUES (1, ?1) ON CONFLICT (one) DO UPDATE SET {column} = excluded.{column}"
    );
    run(tx, SAVE, &text, [value])?;
    Ok(())
}

fn epoch(connection: &Connection) -> Result<u64, StoreError> {
    Ok(value::<i64>(connection, "epoch")?.map_or(0, i64::unsigned_abs))
}

impl Store {
    /// Returns the counter of the database; 0 when it was never raised.
    pub fn epoch(&self) -> Result<u64, StoreError> {
        epoch(&self.connection)
    }

    /// Returns a marker signed with the key that the database is used with; `None`: it was used with none yet.
    pub(in crate::store) fn key_check(&self) -> Result<Option<String>, StoreError> {
        value(&self.connection, "key_check")
    }

    /// Returns the local time of the last complete pruning of the journal; `None`: there was none.
    pub fn pruned_at(&self) -> Result<Option<Timestamp>, StoreError> {
        Ok(value(&self.connection, "pruned_at")?.map(Timestamp))
    }

    /// Returns both services' own times when the clocks were last seen too far apart; `None`: they never were.
    pub fn clocks_apart(&self) -> Result<Option<Sided<Timestamp>>, StoreError> {
        let ado = value(&self.connection, "apart_ado")?;
        let clickup = value(&self.connection, "apart_clickup")?;
        Ok(ado.zip(clickup).map(|(ado, clickup)| Sided {
            ado: Timestamp(ado),
            clickup: Timestamp(clickup),
        }))
    }
}

pub(super) fn set_epoch(tx: &Connection, epoch: u64) -> Result<(), StoreError> {
    set(tx, "epoch", i64::try_from(epoch).unwrap_or(i64::MAX))
}

pub(in crate::store) fn raise_epoch(tx: &Connection) -> Result<(), StoreError> {
    set_epoch(tx, epoch(tx)?.saturating_add(1))
}

pub(super) fn set_key_check(tx: &Connection, signed: &str) -> Result<(), StoreError> {
    set(tx, "key_check", signed)
}

pub(super) fn set_pruned_at(tx: &Connection, at: Timestamp) -> Result<(), StoreError> {
    set(tx, "pruned_at", at.0)
}

pub(super) fn set_clocks_apart(tx: &Connection, told: Sided<Timestamp>) -> Result<(), StoreError> {
    run(
        tx,
        SAVE,
        "INSERT INTO installation (one, apart_ado, apart_clickup) VALUES (1, ?1, ?2)
         ON CONFLICT (one) DO UPDATE SET apart_ado = excluded.apart_ado, apart_clickup = excluded.apart_clickup",
        params![told.ado.0, told.clickup.0],
    )?;
    Ok(())
}

/// Takes the mark of a copy away. Returns whether it was there.
pub(in crate::store) fn end_copy(tx: &Connection) -> Result<bool, StoreError> {
    let text = "UPDATE installation SET is_copy = 0 WHERE is_copy = 1";
    Ok(run(tx, "take a restored backup into use", text, [])? > 0)
}
