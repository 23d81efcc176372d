//! Tables `restore` and `restore_pair`: that the database was restored, and how far the way back to normal has come.
//! [`crate::store`]'s `epoch` says how a restore is noticed.

use super::{row, rows, run};
use crate::model::{PairName, Sided, Timestamp};
use crate::store::{Store, StoreError};
use rusqlite::{Connection, params};
use std::collections::BTreeSet;

/// That the database was restored, and how far the way back to normal has come.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Restored {
    /// Local time at which it was noticed.
    pub at: Timestamp,
    /// Each service's own time of the first cycle after that; `None`: there was none yet.
    pub server: Sided<Option<Timestamp>>,
    /// Pairs that were listed in full since, so that their bases are trusted again.
    pub trusted: BTreeSet<PairName>,
    /// The pairs that the configuration had in the first cycle after that; `None`: there was none yet.
    pub pairs: Option<BTreeSet<PairName>>,
}

impl Store {
    /// Returns whether and when the database was restored; `None`: never.
    pub fn restored(&self) -> Result<Option<Restored>, StoreError> {
        const OPERATION: &str = "read the mark of a restore";
        let mark: Option<(Restored, bool)> = row(
            &self.connection,
            OPERATION,
            "SELECT at, ado_server, clickup_server, begun FROM restore",
            [],
            |row| {
                let server = |column| -> rusqlite::Result<Option<Timestamp>> {
                    Ok(row.get::<_, Option<i64>>(column)?.map(Timestamp))
                };
                let mark = Restored {
                    at: Timestamp(row.get(0)?),
                    server: Sided {
                        ado: server(1)?,
                        clickup: server(2)?,
                    },
                    trusted: BTreeSet::new(),
                    pairs: None,
                };
                Ok((mark, row.get(3)?))
            },
        )?;
        let Some((mut mark, begun)) = mark else {
            return Ok(None);
        };
        let mut configured = BTreeSet::new();
        let pairs: Vec<(PairName, bool, bool)> = rows(
            &self.connection,
            OPERATION,
            "SELECT pair, configured, trusted FROM restore_pair",
            [],
            |row| Ok((PairName(row.get(0)?), row.get(1)?, row.get(2)?)),
        )?;
        for (pair, is_configured, is_trusted) in pairs {
            if is_configured {
                configured.insert(pair.clone());
            }
            if is_trusted {
                mark.trusted.insert(pair);
            }
        }
        mark.pairs = begun.then_some(configured);
        Ok(Some(mark))
    }
}

pub(super) fn save(tx: &Connection, mark: &Restored) -> Result<(), StoreError> {
    const OPERATION: &str = "note a restore";
    run(
        tx,
        OPERATION,
        "INSERT OR REPLACE INTO restore (one, at, ado_server, clickup_server, begun) VALUES (1, ?1, ?2, ?3, ?4)",
        params![
            mark.at.0,
            mark.server.ado.map(|at| at.0),
            mark.server.clickup.map(|at| at.0),
            mark.pairs.is_some(),
        ],
    )?;
    run(tx, OPERATION, "DELETE FROM restore_pair", [])?;
    let none = BTreeSet::new();
    let configured = mark.pairs.as_ref().unwrap_or(&none);
    for pair in configured.union(&mark.trusted) {
        run(
            tx,
            OPERATION,
            "INSERT INTO restore_pair (pair, configured, trusted) VALUES (?1, ?2, ?3)",
            params![
                pair.0,
                configured.contains(pair),
                mark.trusted.contains(pair)
            ],
        )?;
    }
    Ok(())
}

/// Notes the restore, and asks for a full listing of every pair.
pub(in crate::store) fn mark(tx: &Connection, at: Timestamp) -> Result<(), StoreError> {
    let mark = Restored {
        at,
        server: Sided::default(),
        trusted: BTreeSet::new(),
        pairs: None,
    };
    save(tx, &mark)?;
    crate::store::choices::forget_all(tx)?;
    run(
        tx,
        "ask for a full listing",
        "UPDATE pair_state SET last_sweep = NULL",
        [],
    )?;
    Ok(())
}
