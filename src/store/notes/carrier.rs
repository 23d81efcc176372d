//! Table `carrier`: unlinked items that carry a valid marker, with the items on the other side that it names.

use super::{rows, run};
use crate::model::{ItemId, PairName, Sided};
use crate::store::links::parse_side;
use crate::store::{Store, StoreError};
use rusqlite::{Connection, params};
use std::collections::{BTreeMap, BTreeSet};

/// Items that carry a valid marker, with the items on the other side that it names.
pub type Carriers = Sided<BTreeMap<ItemId, BTreeSet<ItemId>>>;

impl Store {
    /// Returns the unlinked items with a marker, by the pair in which they were last looked at.
    pub fn carriers(&self) -> Result<BTreeMap<PairName, Carriers>, StoreError> {
        type Row = (PairName, String, ItemId, ItemId);
        let found: Vec<Row> = rows(
            &self.connection,
            "read the items with a marker",
            "SELECT pair, side, carrier, named FROM carrier",
            [],
            |row| {
                Ok((
                    PairName(row.get(0)?),
                    row.get(1)?,
                    ItemId(row.get(2)?),
                    ItemId(row.get(3)?),
                ))
            },
        )?;
        let mut carriers: BTreeMap<PairName, Carriers> = BTreeMap::new();
        for (pair, side, carrier, named) in found {
            let here = carriers.entry(pair).or_default();
            let here = here.get_mut(parse_side(&side)?);
            here.entry(carrier).or_default().insert(named);
        }
        Ok(carriers)
    }
}

pub(super) fn replace(
    tx: &Connection,
    pair: &PairName,
    carriers: &Carriers,
) -> Result<(), StoreError> {
    const OPERATION: &str = "note the items with a marker";
    let text = "DELETE FROM carrier WHERE pair = ?1";
    run(tx, OPERATION, text, [&pair.0])?;
    for (side, here) in carriers.iter() {
        for (carrier, names) in here {
            for named in names {
                run(
                    tx,
                    OPERATION,
                    "INSERT INTO carrier (pair, side, carrier, named) VALUES (?1, ?2, ?3, ?4)",
                    params![pair.0, side.key(), carrier.0, named.0],
                )?;
            }
        }
    }
    Ok(())
}
