//! Table `refused_token`: services that refused our token the last time they were asked.

use super::{row, run};
use crate::model::{Service, Timestamp};
use crate::store::{Store, StoreError};
use rusqlite::{Connection, params};

/// A token that is refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RefusedToken {
    /// Local time of the first refusal in a row.
    pub since: Timestamp,
    /// What the service said the last time.
    pub said: String,
}

impl Store {
    /// Returns since when a service refuses our token; `None`: it did not, the last time.
    pub fn refused_token(&self, service: Service) -> Result<Option<RefusedToken>, StoreError> {
        row(
            &self.connection,
            "read since when a token is refused",
            "SELECT since, said FROM refused_token WHERE service = ?1",
            [service.key()],
            |row| {
                Ok(RefusedToken {
                    since: Timestamp(row.get(0)?),
                    said: row.get(1)?,
                })
            },
        )
    }
}

pub(super) fn save(
    tx: &Connection,
    service: Service,
    note: Option<&RefusedToken>,
) -> Result<(), StoreError> {
    const OPERATION: &str = "note that a token is refused";
    match note {
        None => {
            let text = "DELETE FROM refused_token WHERE service = ?1";
            run(tx, OPERATION, text, [service.key()])?;
        }
        Some(note) => {
            let text = "INSERT INTO refused_token (service, since, said) VALUES (?1, ?2, ?3)
                        ON CONFLICT (service) DO UPDATE SET said = excluded.said";
            let values = params![service.key(), note.since.0, note.said];
            run(tx, OPERATION, text, values)?;
        }
    }
    Ok(())
}
