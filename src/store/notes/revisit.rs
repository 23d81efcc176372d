//! Table `revisit`: links to look at in the next cycle although nothing says that they changed.

use super::{rows, run};
use crate::model::{LinkId, PairName};
use crate::store::{Store, StoreError};
use rusqlite::{Connection, params};
use std::collections::BTreeSet;

impl Store {
    /// Returns the links of a pair to look at in the next cycle, whatever the listings say.
    pub fn revisits(&self, pair: &PairName) -> Result<BTreeSet<LinkId>, StoreError> {
        let links = rows(
            &self.connection,
            "read the links to look at again",
            "SELECT link FROM revisit WHERE pair = ?1",
            [&pair.0],
            |row| row.get(0).map(LinkId),
        )?;
        Ok(links.into_iter().collect())
    }
}

pub(super) fn replace(
    tx: &Connection,
    pair: &PairName,
    links: &BTreeSet<LinkId>,
) -> Result<(), StoreError> {
    const OPERATION: &str = "note the links to look at again";
    run(
        tx,
        OPERATION,
        "DELETE FROM revisit WHERE pair = ?1",
        [&pair.0],
    )?;
    for link in links {
        run(
            tx,
            OPERATION,
            "INSERT INTO revisit (pair, link) VALUES (?1, ?2)",
            params![pair.0, link.0],
        )?;
    }
    Ok(())
}
