//! What the safety rails remember between two runs: failed attempts, frozen fields, closed services.

use super::Store;
use super::error::{StoreError, from_json, reason, sql, to_json};
use super::journal::JournalChange;
use super::links::{parse_side, parse_subject};
use crate::model::{
    About, FieldValue, ItemId, LinkId, PairName, Service, Side, Subject, Timestamp,
};
use crate::reason::{HoldWhy, JournalKind, Outcome};
use rusqlite::{Connection, OptionalExtension, params};
use std::collections::BTreeMap;

/// Failures in a row to carry one change over: that of an item, or of a part of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Attempt {
    /// The pair.
    pub pair: PairName,
    /// Whose change could not be carried over.
    pub about: About,
    /// Kind of failure, one word.
    pub kind: String,
    /// How many in a row.
    pub failures: u32,
    /// How many of the last ones were of this kind.
    pub alike: u32,
    /// Key of the action that failed.
    pub inputs: String,
    /// Configuration fingerprint that it failed under.
    pub fingerprint: String,
    /// Local time of the last one.
    pub last_at: Timestamp,
    /// Local time of the next one; `None`: quarantined until the inputs change.
    pub retry_at: Option<Timestamp>,
    /// Why, as a sentence.
    pub reason: String,
}

/// What of a link is not written until a person has decided.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Freeze {
    /// The link.
    pub link: LinkId,
    /// What of it.
    pub subject: Subject,
    /// Why.
    pub why: HoldWhy,
    /// Local time.
    pub since: Timestamp,
    /// Local time; `None`: still frozen.
    pub thawed_at: Option<Timestamp>,
}

/// A service that is left alone for a while.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BreakerRow {
    /// Why, as a sentence.
    pub reason: String,
    /// Local time.
    pub opened_at: Timestamp,
    /// Failed cycles in a row.
    pub failures: u32,
    /// Local time of the next probe.
    pub retry_at: Timestamp,
}

/// One write of one field or part, as the journal has it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RecentWrite {
    /// The link.
    pub link: LinkId,
    /// The side that was written.
    pub side: Side,
    /// Local time.
    pub at: Timestamp,
    /// What was written.
    pub subject: Subject,
    /// The value that was written.
    pub value: FieldValue,
}

/// One change of what the rails remember; part of a [`super::Batch`].
#[derive(Clone, Debug)]
pub enum RailOp {
    /// A request that writes is about to be sent: raises the epoch, in the database and then in the file beside it.
    Announce,
    /// The database was restored from a backup, or is a new one in the place of a lost one.
    MarkRestored {
        /// Local time.
        at: Timestamp,
    },
    /// Forgets the whole base of a link.
    Distrust(LinkId),
    /// Records a failure, replacing the row of the same change.
    SaveAttempt(Attempt),
    /// Forgets the failures of a change. Nothing happens when there are none.
    ForgetAttempt {
        /// The pair.
        pair: PairName,
        /// Whose change.
        about: About,
    },
    /// Freezes a field or a part. What is frozen already keeps its reason and age.
    Freeze {
        /// The link.
        link: LinkId,
        /// What of it.
        subject: Subject,
        /// Why.
        why: HoldWhy,
        /// Local time.
        at: Timestamp,
    },
    /// Thaws a field or a part. Nothing happens when it is not frozen.
    Thaw {
        /// The link.
        link: LinkId,
        /// What of it.
        subject: Subject,
        /// Local time.
        at: Timestamp,
    },
    /// Leaves a service alone.
    OpenBreaker {
        /// The service.
        service: Service,
        /// Since when, why, how long.
        row: BreakerRow,
    },
    /// Talks to a service again. Nothing happens when its breaker is closed.
    CloseBreaker(Service),
}

impl Store {
    /// Returns the changes of a pair (or of all) that failed, ordered by pair, side, item and subject.
    pub fn attempts(&self, pair: Option<&PairName>) -> Result<Vec<Attempt>, StoreError> {
        let rows: Vec<(Attempt, String, String)> = self
            .connection
            .prepare_cached(
                "SELECT pair, item, kind, failures, inputs, fingerprint, last_at, retry_at, reason, side, alike, subject FROM attempt
                 WHERE ?1 IS NULL OR pair = ?1 ORDER BY pair, side, item, subject",
            )
            .and_then(|mut statement| {
                let read = |row: &rusqlite::Row<'_>| {
                    let attempt = Attempt {
                        pair: PairName(row.get(0)?),
                        about: About::item(Side::Ado, ItemId(row.get(1)?)),
                        kind: row.get(2)?,
                        failures: row.get(3)?,
                        alike: row.get(10)?,
                        inputs: row.get(4)?,
                        fingerprint: row.get(5)?,
                        last_at: Timestamp(row.get(6)?),
                        retry_at: row.get::<_, Option<i64>>(7)?.map(Timestamp),
                        reason: row.get(8)?,
                    };
                    Ok((attempt, row.get(9)?, row.get(11)?))
                };
                statement
                    .query_map([pair.map(|pair| &pair.0)], read)?
                    .collect()
            })
            .map_err(sql("read failed attempts"))?;
        rows.into_iter()
            .map(|(mut attempt, side, subject)| {
                attempt.about.side = parse_side(&side)?;
                attempt.about.subject = parse_subject("subject of a failed attempt", &subject)?;
                Ok(attempt)
            })
            .collect()
    }

    /// Returns whether there is anything that [`Store::forgive`] would have tried again.
    ///
    /// # Errors
    /// Only the database's.
    pub fn has_failures(&self) -> Result<bool, StoreError> {
        self.connection
            .query_row(
                "SELECT EXISTS (SELECT 1 FROM attempt) OR EXISTS (SELECT 1 FROM refusal) OR EXISTS (SELECT 1 FROM kept)",
                [],
                |row| row.get(0),
            )
            .map_err(sql("look for failures"))
    }

    /// Forgets all failures and refused values, so that the next cycle tries everything that waits, and returns how many
    /// there were.
    pub fn forgive(&mut self) -> Result<usize, StoreError> {
        const OPERATION: &str = "forget failed attempts";
        let tx = self.connection.transaction().map_err(sql(OPERATION))?;
        // The holds stay, due at once: they are what brings the items back into the next plan.
        tx.execute(
            "UPDATE hold SET retry_at = 0 WHERE EXISTS (
                 SELECT 1 FROM attempt a WHERE a.pair = hold.pair AND a.side = hold.side AND a.item = hold.item)",
            [],
        )
        .map_err(sql(OPERATION))?;
        // Fields that a service did not take are remembered by link, and their holds name it.
        super::notes::forgive_kept(&tx)?;
        let gone = tx
            .execute("DELETE FROM attempt", [])
            .map_err(sql(OPERATION))?
            + super::parts::forgive(&tx)?;
        tx.commit().map_err(sql(OPERATION))?;
        Ok(gone)
    }

    /// Returns what is frozen of a pair's links, and what was thawed, ordered by link and subject.
    pub fn freezes(&self, pair: &PairName) -> Result<Vec<Freeze>, StoreError> {
        let rows: Vec<(i64, String, String, i64, Option<i64>, String)> = self
            .connection
            .prepare_cached(
                "SELECT f.link, f.subject, f.reason, f.since, f.thawed_at, f.why FROM freeze f JOIN link l ON l.id = f.link
                 WHERE l.pair = ?1 ORDER BY f.link, f.subject",
            )
            .and_then(|mut statement| {
                statement
                    .query_map([&pair.0], |row| {
                        Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?, row.get(4)?, row.get(5)?))
                    })?
                    .collect()
            })
            .map_err(sql("read frozen fields"))?;
        rows.into_iter()
            .map(|(link, subject, told, since, thawed_at, why)| {
                Ok(Freeze {
                    link: LinkId(link),
                    subject: parse_subject("subject of a freeze", &subject)?,
                    why: reason("why of a frozen field", &why, told)?,
                    since: Timestamp(since),
                    thawed_at: thawed_at.map(Timestamp),
                })
            })
            .collect()
    }

    /// Returns what was written to the linked items of a pair in a span of local time, oldest first.
    pub fn recent_writes(
        &self,
        pair: &PairName,
        from: Timestamp,
        to: Timestamp,
    ) -> Result<Vec<RecentWrite>, StoreError> {
        let rows: Vec<(i64, String, i64, String)> = self
            .connection
            .prepare_cached(
                "SELECT link, side, at, changes FROM journal
                 WHERE at BETWEEN ?2 AND ?3 AND pair = ?1 AND kind = ?4 AND outcome = ?5 AND link IS NOT NULL
                 ORDER BY id",
            )
            .and_then(|mut statement| {
                let (kind, outcome) = (JournalKind::Update.key(), Outcome::Done.key());
                statement
                    .query_map(params![pair.0, from.0, to.0, kind, outcome], |row| {
                        Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?))
                    })?
                    .collect()
            })
            .map_err(sql("read recent writes"))?;
        let mut writes = Vec::new();
        for (link, side, at, changes) in rows {
            let side = parse_side(&side)?;
            let changes: BTreeMap<Subject, JournalChange> = from_json("journal changes", &changes)?;
            for (subject, change) in changes {
                let Some(value) = change.after else { continue };
                writes.push(RecentWrite {
                    link: LinkId(link),
                    side,
                    at: Timestamp(at),
                    subject,
                    value,
                });
            }
        }
        Ok(writes)
    }

    /// Returns why and how long a service is left alone; `None`: it is not.
    pub fn breaker(&self, service: impl Into<Service>) -> Result<Option<BreakerRow>, StoreError> {
        self.connection
            .prepare_cached(
                "SELECT reason, opened_at, failures, retry_at FROM breaker WHERE side = ?1",
            )
            .and_then(|mut statement| {
                let read = |row: &rusqlite::Row<'_>| {
                    Ok(BreakerRow {
                        reason: row.get(0)?,
                        opened_at: Timestamp(row.get(1)?),
                        failures: row.get(2)?,
                        retry_at: Timestamp(row.get(3)?),
                    })
                };
                statement.query_row([service.into().key()], read).optional()
            })
            .map_err(sql("read a breaker"))
    }

    /// Returns the active link of a pair that changed last, other than the given ones: the item to read when the
    /// question is whether anything can be read at all.
    pub fn newest_link(
        &self,
        pair: &PairName,
        but: &std::collections::BTreeSet<LinkId>,
    ) -> Result<Option<LinkId>, StoreError> {
        let ids: Vec<i64> = self
            .connection
            .prepare_cached(
                "SELECT l.id FROM link l LEFT JOIN observation o ON o.side = 'clickup' AND o.item = l.clickup
                 WHERE l.pair = ?1 AND l.state = 'active' ORDER BY o.seen_at DESC, l.id DESC LIMIT ?2",
            )
            .and_then(|mut statement| {
                let most = i64::try_from(but.len()).unwrap_or(i64::MAX).saturating_add(1);
                statement
                    .query_map(params![pair.0, most], |row| row.get(0))?
                    .collect()
            })
            .map_err(sql("read the newest link"))?;
        Ok(ids.into_iter().map(LinkId).find(|id| !but.contains(id)))
    }
}

pub(super) fn apply(tx: &Connection, op: &RailOp) -> Result<(), StoreError> {
    match op {
        RailOp::Announce => super::notes::raise_epoch(tx),
        RailOp::MarkRestored { at } => super::notes::mark_restored(tx, *at),
        RailOp::Distrust(link) => run(
            tx,
            "forget a base",
            "DELETE FROM base WHERE link = ?1",
            &[&link.0],
        ),
        RailOp::SaveAttempt(attempt) => save_attempt(tx, attempt),
        RailOp::ForgetAttempt { pair, about } => run(
            tx,
            "forget failed attempts",
            "DELETE FROM attempt WHERE pair = ?1 AND side = ?2 AND item = ?3 AND subject = ?4",
            &[
                &pair.0,
                &about.side.key(),
                &about.item.0,
                &about.subject.to_string(),
            ],
        ),
        RailOp::Freeze {
            link,
            subject,
            why,
            at,
        } => freeze(tx, *link, subject, why, *at),
        RailOp::Thaw { link, subject, at } => run(
            tx,
            "thaw a field",
            "UPDATE freeze SET thawed_at = ?3 WHERE link = ?1 AND subject = ?2 AND thawed_at IS NULL",
            &[&link.0, &subject.to_string(), &at.0],
        ),
        RailOp::OpenBreaker { service, row } => run(
            tx,
            "open a breaker",
            "INSERT OR REPLACE INTO breaker (side, reason, opened_at, failures, retry_at) VALUES (?1, ?2, ?3, ?4, ?5)",
            &[
                &service.key(),
                &row.reason,
                &row.opened_at.0,
                &row.failures,
                &row.retry_at.0,
            ],
        ),
        RailOp::CloseBreaker(service) => run(
            tx,
            "close a breaker",
            "DELETE FROM breaker WHERE side = ?1",
            &[&service.key()],
        ),
    }
}

/// Runs a statement that changes rows.
fn run(
    tx: &Connection,
    operation: &'static str,
    text: &str,
    values: &[&dyn rusqlite::ToSql],
) -> Result<(), StoreError> {
    tx.prepare_cached(text)
        .and_then(|mut statement| statement.execute(values))
        .map(|_| ())
        .map_err(sql(operation))
}

fn save_attempt(tx: &Connection, attempt: &Attempt) -> Result<(), StoreError> {
    run(
            tx,
            "record a failed attempt",
            "INSERT OR REPLACE INTO attempt (pair, side, item, kind, failures, inputs, fingerprint, last_at, retry_at, reason, alike,
                                             subject)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12)",
            &[
                &attempt.pair.0,
                &attempt.about.side.key(),
                &attempt.about.item.0,
                &attempt.kind,
                &attempt.failures,
                &attempt.inputs,
                &attempt.fingerprint,
                &attempt.last_at.0,
                &attempt.retry_at.map(|at| at.0),
                &attempt.reason,
                &attempt.alike,
                &attempt.about.subject.to_string(),
            ],
        )
}

fn freeze(
    tx: &Connection,
    link: LinkId,
    subject: &Subject,
    why: &HoldWhy,
    at: Timestamp,
) -> Result<(), StoreError> {
    let code = to_json("why of a frozen field", why)?;
    run(
                tx,
                "freeze a field",
                "INSERT INTO freeze (link, subject, reason, since, thawed_at, why) VALUES (?1, ?2, ?3, ?4, NULL, ?5)
                 ON CONFLICT (link, subject) DO UPDATE SET reason = excluded.reason, since = excluded.since, thawed_at = NULL,
                     why = excluded.why
                 WHERE thawed_at IS NOT NULL",
                &[
                    &link.0,
                    &subject.to_string(),
                    &why.to_string(),
                    &at.0,
                    &code,
                ],
            )
}
