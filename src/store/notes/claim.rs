//! Table `claim`: what this installation remembers of its claim on a pair's canary.

use super::{row, run};
use crate::claim::{self, Claim, Own};
use crate::model::{PairName, Timestamp};
use crate::store::{Store, StoreError};
use rusqlite::{Connection, params};

impl Store {
    /// Returns what is remembered of the claim on a pair; the default when there never was one. What cannot be read is an
    /// error and not "none": the pair would be claimed anew over a claim that may be another's by now.
    pub fn claim(&self, pair: &PairName) -> Result<Own, StoreError> {
        type Texts = (Option<String>, Option<String>, bool);
        let found: Option<(Texts, Own)> = row(
            &self.connection,
            "read the claim",
            "SELECT held, wanted, damaged IS NOT NULL, place, wanted_place, since FROM claim WHERE pair = ?1",
            [&pair.0],
            |row| {
                let own = Own {
                    place: row.get(3)?,
                    wanted_place: row.get(4)?,
                    since: row.get::<_, Option<i64>>(5)?.map(Timestamp),
                    ..Own::default()
                };
                Ok(((row.get(0)?, row.get(1)?, row.get(2)?), own))
            },
        )?;
        let Some(((held, wanted, damaged), own)) = found else {
            return Ok(Own::default());
        };
        let unreadable = || StoreError::Claim { pair: pair.clone() };
        let parsed = |text: Option<String>| -> Result<Option<Claim>, StoreError> {
            text.map(|text| claim::parse(&text).ok_or_else(unreadable))
                .transpose()
        };
        if damaged {
            return Err(unreadable());
        }
        Ok(Own {
            held: parsed(held)?,
            wanted: parsed(wanted)?,
            ..own
        })
    }
}

pub(super) fn save(tx: &Connection, pair: &PairName, own: &Own) -> Result<(), StoreError> {
    run(
        tx,
        "save the claim",
        "INSERT OR REPLACE INTO claim (pair, held, place, wanted, wanted_place, since) VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
        params![
            pair.0,
            own.held.as_ref().map(Claim::to_string),
            own.place,
            own.wanted.as_ref().map(Claim::to_string),
            own.wanted_place,
            own.since.map(|at| at.0),
        ],
    )?;
    Ok(())
}
