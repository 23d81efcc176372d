//! What the services said of their own words, so that the next process need not ask. See [`crate::connector::vocabulary`].

use super::Store;
use super::error::{StoreError, sql, word};
use crate::connector::vocabulary::{Answer, Key, LIFETIME_MS, Unsaved, Vocabulary};
use crate::model::{Service, Timestamp};
use rusqlite::{Connection, params};
use std::sync::Arc;

/// The answers of this process, and what they were asked with.
pub(super) struct Kept {
    vocabulary: Arc<Vocabulary>,
    asked_by: String,
}

impl Kept {
    /// What the next commit has to store.
    pub(super) fn unsaved(&self) -> Unsaved {
        self.vocabulary.unsaved()
    }

    /// Notes that a commit stored it.
    pub(super) fn saved(&self, changes: &Unsaved) {
        self.vocabulary.saved(changes);
    }
}

impl Store {
    /// Has every commit from now on store what the services said meanwhile. `asked_by` tells one configuration from another.
    pub fn keep_vocabulary(&mut self, vocabulary: Arc<Vocabulary>, asked_by: &str) {
        self.vocabulary = Some(Kept {
            vocabulary,
            asked_by: asked_by.to_owned(),
        });
    }

    /// Returns what was kept for this configuration, whatever its age.
    pub fn vocabulary(&self, asked_by: &str) -> Result<Vec<(Key, Answer)>, StoreError> {
        let rows: Vec<(String, Key, Answer)> = self
            .connection
            .prepare_cached(
                "SELECT service, place, what, answer, read_at FROM vocabulary WHERE asked_by = ?1",
            )
            .and_then(|mut statement| {
                let read = |row: &rusqlite::Row<'_>| {
                    let key = Key {
                        service: Service::Ado,
                        place: row.get(1)?,
                        what: row.get(2)?,
                    };
                    let answer = Answer {
                        text: row.get(3)?,
                        read_at: Timestamp(row.get(4)?),
                    };
                    Ok((row.get(0)?, key, answer))
                };
                statement.query_map([asked_by], read)?.collect()
            })
            .map_err(sql("read what the services said"))?;
        rows.into_iter()
            .map(|(service, mut key, answer)| {
                key.service = word("service", &service, Service::from_key(&service))?;
                Ok((key, answer))
            })
            .collect()
    }
}

/// Stores changes, and takes out what no process will use any more.
pub(super) fn save(
    tx: &Connection,
    kept: Option<&Kept>,
    changes: &Unsaved,
) -> Result<(), StoreError> {
    const OPERATION: &str = "keep what the services said";
    let (Some(kept), false) = (kept, changes.is_empty()) else {
        return Ok(());
    };
    let run = |text: &str, values: &[&dyn rusqlite::ToSql]| {
        tx.prepare_cached(text)
            .and_then(|mut statement| statement.execute(values))
            .map_err(sql(OPERATION))
    };
    for service in &changes.emptied {
        let service = service.key();
        run(
            "DELETE FROM vocabulary WHERE service = ?1",
            params![service],
        )?;
    }
    for (key, answer) in &changes.answers {
        let service = key.service.key();
        match answer {
            Some(answer) => run(
                "INSERT OR REPLACE INTO vocabulary (service, place, what, asked_by, answer, read_at)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
                params![
                    service,
                    key.place,
                    key.what,
                    kept.asked_by,
                    answer.text,
                    answer.read_at.0
                ],
            )?,
            None => run(
                "DELETE FROM vocabulary WHERE service = ?1 AND place = ?2 AND what = ?3",
                params![service, key.place, key.what],
            )?,
        };
    }
    let answers = changes.answers.values().flatten();
    if let Some(now) = answers.map(|answer| answer.read_at).max() {
        run(
            "DELETE FROM vocabulary WHERE read_at <= ?1 OR read_at > ?2",
            params![now.plus_ms(-LIFETIME_MS).0, now.0],
        )?;
    }
    Ok(())
}
