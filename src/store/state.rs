//! Small single values: watermarks, and what is known about each pair.

use super::Store;
use super::error::{StoreError, from_json, sql, to_json};
use crate::connector::Watermark;
use crate::model::{PairName, Side, Sided, Timestamp};
use rusqlite::{Connection, OptionalExtension, params};

/// What is known about a pair. A pair that was never run has the default: everything `None`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PairState {
    /// Configuration fingerprint that was approved.
    pub fingerprint: Option<String>,
    /// Local time of the approval.
    pub approved_at: Option<Timestamp>,
    /// Local time of the last cycle without an error.
    pub last_success: Option<Timestamp>,
    /// Local time of the last cycle.
    pub last_attempt: Option<Timestamp>,
    /// Local time of the last complete sweep.
    pub last_sweep: Option<Timestamp>,
    /// Error of the last attempt; `None`: it went well.
    pub last_error: Option<String>,
    /// By the side on which items are gone: local time at which a plan ended that somebody had let through although a guard
    /// stopped it for so many of them.
    pub let_through: Sided<Option<Timestamp>>,
}

impl Store {
    /// Returns a side's watermark; the default (read everything) when there is none.
    pub fn watermark(&self, side: Side) -> Result<Watermark, StoreError> {
        let body: Option<String> = self
            .connection
            .prepare_cached("SELECT body FROM watermark WHERE side = ?1")
            .and_then(|mut statement| {
                statement
                    .query_row([side.key()], |row| row.get(0))
                    .optional()
            })
            .map_err(sql("read a watermark"))?;
        body.map_or_else(
            || Ok(Watermark::default()),
            |body| from_json("watermark", &body),
        )
    }

    /// Returns what is known about a pair.
    pub fn pair_state(&self, pair: &PairName) -> Result<PairState, StoreError> {
        self.connection
            .prepare_cached(
                "SELECT fingerprint, approved_at, last_success, last_attempt, last_sweep, last_error,
                        let_through_ado, let_through_clickup
                 FROM pair_state WHERE pair = ?1",
            )
            .and_then(|mut statement| {
                let read = |row: &rusqlite::Row<'_>| {
                    let time = |index: usize| {
                        row.get::<_, Option<i64>>(index)
                            .map(|at| at.map(Timestamp))
                    };
                    Ok(PairState {
                        fingerprint: row.get(0)?,
                        approved_at: time(1)?,
                        last_success: time(2)?,
                        last_attempt: time(3)?,
                        last_sweep: time(4)?,
                        last_error: row.get(5)?,
                        let_through: Sided {
                            ado: time(6)?,
                            clickup: time(7)?,
                        },
                    })
                };
                statement.query_row([&pair.0], read).optional()
            })
            .map(Option::unwrap_or_default)
            .map_err(sql("read a pair's state"))
    }

    /// Stores what is known about a pair, in a transaction of its own.
    pub fn save_pair_state(
        &mut self,
        pair: &PairName,
        state: &PairState,
    ) -> Result<(), StoreError> {
        save_pair_state(&self.connection, pair, state)
    }
}

pub(super) fn set_watermark(
    tx: &Connection,
    side: Side,
    watermark: &Watermark,
) -> Result<(), StoreError> {
    let body = to_json("watermark", watermark)?;
    tx.prepare_cached("INSERT OR REPLACE INTO watermark (side, body) VALUES (?1, ?2)")
        .and_then(|mut statement| statement.execute(params![side.key(), body]))
        .map(|_| ())
        .map_err(sql("save a watermark"))
}

pub(super) fn save_pair_state(
    tx: &Connection,
    pair: &PairName,
    state: &PairState,
) -> Result<(), StoreError> {
    let time = |at: Option<Timestamp>| at.map(|at| at.0);
    tx.prepare_cached(
        "INSERT OR REPLACE INTO pair_state (pair, fingerprint, approved_at, last_success, last_attempt, last_sweep,
                                            last_error, let_through_ado, let_through_clickup)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)",
    )
    .and_then(|mut statement| {
        statement.execute(params![
            pair.0,
            state.fingerprint,
            time(state.approved_at),
            time(state.last_success),
            time(state.last_attempt),
            time(state.last_sweep),
            state.last_error,
            time(state.let_through.ado),
            time(state.let_through.clickup)
        ])
    })
    .map(|_| ())
    .map_err(sql("save a pair's state"))
}
