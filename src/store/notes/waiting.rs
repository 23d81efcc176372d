//! Table `waiting`: items that wait for a counterpart in a pair, with the version at which its own listing last showed each.

use super::{rows, run};
use crate::model::{ItemId, PairName, Sided, Version};
use crate::store::links::parse_side;
use crate::store::{Store, StoreError};
use rusqlite::{Connection, params};
use std::collections::BTreeMap;

/// Versions at which a pair's listing showed the items that wait in it.
pub type Waiting = Sided<BTreeMap<ItemId, Version>>;

impl Store {
    /// Returns what is known of the items that wait in a pair.
    pub fn waiting(&self, pair: &PairName) -> Result<Waiting, StoreError> {
        let found: Vec<(String, ItemId, Version)> = rows(
            &self.connection,
            "read the items that wait",
            "SELECT side, item, version FROM waiting WHERE pair = ?1",
            [&pair.0],
            |row| Ok((row.get(0)?, ItemId(row.get(1)?), Version(row.get(2)?))),
        )?;
        let mut waiting = Waiting::default();
        for (side, item, version) in found {
            let side = parse_side(&side)?;
            waiting.get_mut(side).insert(item, version);
        }
        Ok(waiting)
    }
}

pub(super) fn replace(tx: &Connection, pair: &PairName, items: &Waiting) -> Result<(), StoreError> {
    const OPERATION: &str = "note the items that wait";
    let text = "DELETE FROM waiting WHERE pair = ?1";
    run(tx, OPERATION, text, [&pair.0])?;
    for (side, versions) in items.iter() {
        for (item, version) in versions {
            run(
                tx,
                OPERATION,
                "INSERT INTO waiting (pair, side, item, version) VALUES (?1, ?2, ?3, ?4)",
                params![pair.0, side.key(), item.0, version.0],
            )?;
        }
    }
    Ok(())
}
