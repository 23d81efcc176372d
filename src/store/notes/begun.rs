//! Table `begun`: under which mapping a pair's first contact began.

use super::{row, run};
use crate::model::PairName;
use crate::store::{Store, StoreError};
use rusqlite::Connection;

/// The mapping under which a pair's first contact began.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Begun {
    /// This configuration fingerprint.
    Under(String),
    /// More than one: the configuration changed while the first plan was carried out in pieces.
    Several,
}

impl Store {
    /// Returns under which mapping a pair's first contact began; `None`: it never did.
    pub fn begun(&self, pair: &PairName) -> Result<Option<Begun>, StoreError> {
        row(
            &self.connection,
            "read how a first contact began",
            "SELECT fingerprint FROM begun WHERE pair = ?1",
            [&pair.0],
            |row| {
                let fingerprint: Option<String> = row.get(0)?;
                Ok(fingerprint.map_or(Begun::Several, Begun::Under))
            },
        )
    }
}

pub(super) fn save(tx: &Connection, pair: &PairName, begun: &Begun) -> Result<(), StoreError> {
    let fingerprint = match begun {
        Begun::Under(fingerprint) => Some(fingerprint),
        Begun::Several => None,
    };
    run(
        tx,
        "note how a first contact began",
        "INSERT OR REPLACE INTO begun (pair, fingerprint) VALUES (?1, ?2)",
        (&pair.0, fingerprint),
    )?;
    Ok(())
}
