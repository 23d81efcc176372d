//! An examination of a database file, without changing it.

use super::Store;
use super::error::{StoreError, sql};
use super::open::{NEWEST, snapshot};
use crate::model::{PairName, Timestamp};
use rusqlite::Connection;
use std::path::Path;

/// What an examination found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Health {
    /// Schema version of the file.
    pub version: i64,
    /// Newest schema version that this program knows.
    pub newest: i64,
    /// Findings of SQLite's integrity check and of the check of references; empty: sound.
    pub findings: Vec<String>,
    /// Lines in the journal.
    pub journal: u64,
    /// Local time of the oldest line.
    pub oldest: Option<Timestamp>,
}

/// Findings that are told; a damaged file has thousands.
const TOLD: i64 = 10;

impl Health {
    /// Examines a file as of now, also while a daemon writes it.
    ///
    /// # Errors
    /// When the file cannot be read as a database at all.
    pub fn of(path: &Path) -> Result<Health, StoreError> {
        let connection = snapshot(path)?;
        let version: i64 = connection
            .pragma_query_value(None, "user_version", |row| row.get(0))
            .map_err(sql("read the schema version"))?;
        let (mut journal, mut oldest) = (0, None);
        if (1..=NEWEST).contains(&version) {
            (journal, oldest) = connection
                .query_row("SELECT count(*), min(at) FROM journal", [], |row| {
                    Ok((row.get::<_, i64>(0)?, row.get::<_, Option<i64>>(1)?))
                })
                .map_err(sql("count the journal"))?;
        }
        Ok(Health {
            version,
            newest: NEWEST,
            findings: findings(&connection)?,
            journal: journal.unsigned_abs(),
            oldest: oldest.map(Timestamp),
        })
    }
}

fn findings(connection: &Connection) -> Result<Vec<String>, StoreError> {
    const OPERATION: &str = "check the database";
    let mut found: Vec<String> = connection
        .prepare(&format!("PRAGMA integrity_check({TOLD})"))
        .and_then(|mut statement| statement.query_map([], |row| row.get(0))?.collect())
        .map_err(sql(OPERATION))?;
    found.retain(|line| line != "ok");
    let dangling: Vec<String> = connection
        .prepare("PRAGMA foreign_key_check")
        .and_then(|mut statement| {
            let told = usize::try_from(TOLD).unwrap_or(0);
            let rows = statement.query_map([], |row| row.get::<_, String>(0))?;
            rows.take(told).collect()
        })
        .map_err(sql(OPERATION))?;
    found.extend(
        dangling
            .into_iter()
            .map(|table| format!("a row of {table} refers to nothing")),
    );
    Ok(found)
}

impl Store {
    /// Returns how many stored observations are of no pair in `pairs` (or of none at all), and how many living links.
    pub fn strays(&self, pairs: &[&str]) -> Result<(u64, u64), StoreError> {
        let known = serde_json::to_string(pairs).unwrap_or_default();
        let count = |statement: &str| {
            self.connection
                .query_row(statement, [&known], |row| row.get::<_, i64>(0))
                .map(i64::unsigned_abs)
                .map_err(sql("count stray rows"))
        };
        Ok((
            count(
                "SELECT count(*) FROM observation
                 WHERE pair IS NULL OR pair NOT IN (SELECT value FROM json_each(?1))",
            )?,
            count(
                "SELECT count(*) FROM link
                 WHERE state <> 'tombstone' AND pair NOT IN (SELECT value FROM json_each(?1))",
            )?,
        ))
    }

    /// Returns how many living links each pair has that is none of these.
    ///
    /// # Errors
    /// Only the database's.
    pub fn links_of_other_pairs(&self, pairs: &[&str]) -> Result<Vec<(PairName, u64)>, StoreError> {
        const OPERATION: &str = "count the links of other pairs";
        let known = serde_json::to_string(pairs).unwrap_or_default();
        let mut statement = self
            .connection
            .prepare_cached(
                "SELECT pair, count(*) FROM link
                 WHERE state <> 'tombstone' AND pair NOT IN (SELECT value FROM json_each(?1))
                 GROUP BY pair ORDER BY pair",
            )
            .map_err(sql(OPERATION))?;
        let rows = statement
            .query_map([&known], |row| {
                Ok((PairName(row.get(0)?), row.get::<_, i64>(1)?.unsigned_abs()))
            })
            .map_err(sql(OPERATION))?;
        rows.collect::<Result<_, _>>().map_err(sql(OPERATION))
    }
}
