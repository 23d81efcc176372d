//! The append-only record of what was done, and the list of cycles.

use super::Store;
use super::error::{StoreError, from_json, reason, sql, to_json, word};
use super::links::{LinkRow, parse_side};
use crate::model::{
    ActionId, FieldValue, ItemId, LinkId, PairName, Side, Subject, Timestamp, Version,
};
use crate::reason::{Cause, JournalKind, Outcome, RunEnd};
use rusqlite::{Connection, params};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// One line of the journal.
#[derive(Clone, Debug, PartialEq)]
pub struct NewJournal {
    /// Local time.
    pub at: Timestamp,
    /// Id of the cycle.
    pub cycle: String,
    /// The pair.
    pub pair: PairName,
    /// The link; `None`: there was none yet.
    pub link: Option<LinkId>,
    /// The side that was, or would have been, changed.
    pub side: Side,
    /// The item on that side; `None`: there was none yet.
    pub item: Option<ItemId>,
    /// Idempotency key of the action.
    pub action_id: ActionId,
    /// What it is about.
    pub kind: JournalKind,
    /// What changed; empty when no field and no part did.
    pub changes: BTreeMap<Subject, JournalChange>,
    /// What became of it.
    pub outcome: Outcome,
    /// More in words; may be empty.
    pub detail: String,
    /// The service's request ids, for support.
    pub request_ids: Vec<String>,
    /// Of what was sent the version that it was to be written on, of what is done the one that it left; `None`: not known.
    pub version: Option<Version>,
}

/// The change of one field or part in the journal.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct JournalChange {
    /// Value before; `None`: not known.
    pub before: Option<FieldValue>,
    /// Value after; `None`: not known.
    pub after: Option<FieldValue>,
    /// Why it was written, as a phrase; `None`: not recorded.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

/// A stored line of the journal.
#[derive(Clone, Debug, PartialEq)]
pub struct JournalRow {
    /// Its id; grows with time.
    pub id: i64,
    /// What was recorded.
    pub entry: NewJournal,
}

/// A run, as its journal lines tell it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RunRow {
    /// Its id, the same as its cycle's.
    pub id: String,
    /// Local time at which it began; of one that was killed, of its first line.
    pub at: Timestamp,
    /// Actions that were carried out.
    pub actions: u64,
    /// What it was for; `None`: it was killed before that was stored.
    pub cause: Option<Cause>,
}

/// Limits of [`Store::prune_journal`], local time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Before {
    /// Journal lines and cycles that are older go.
    pub journal: Timestamp,
    /// Conflicts that were settled earlier go.
    pub conflicts: Timestamp,
}

/// One cycle.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CycleRow {
    /// Its id.
    pub id: String,
    /// Local time.
    pub started_at: Timestamp,
    /// Local time; `None`: still running, or the program was killed.
    pub finished_at: Option<Timestamp>,
    /// What it was for.
    pub cause: Cause,
    /// How it ended.
    pub outcome: RunEnd,
    /// Counters by name.
    pub counts: BTreeMap<String, i64>,
    /// Error or remark; `None`: nothing to say.
    pub detail: Option<String>,
}

impl Store {
    /// Returns the journal of an item, oldest first: lines about the item itself and about any link it is or was part
    /// of. With a side, only lines about that side's item of this id and its links.
    pub fn journal_of(
        &self,
        side: Option<Side>,
        item: &ItemId,
    ) -> Result<Vec<JournalRow>, StoreError> {
        self.rows(
            "id IN (
                 SELECT id FROM journal WHERE item = ?1 AND (?2 IS NULL OR side = ?2)
                 UNION
                 SELECT id FROM journal WHERE link IN (
                     SELECT id FROM link WHERE ado = ?1 AND coalesce(?2, 'ado') = 'ado'
                     UNION
                     SELECT id FROM link WHERE clickup = ?1 AND coalesce(?2, 'clickup') = 'clickup'))",
            params![item.0, side.map(Side::key)],
        )
    }

    /// Returns the link that a line belongs to; `None`: it names none, and none is known of its item.
    ///
    /// A line about a link that it made was written before that had a number. So a create belongs to the first link of its
    /// item, and a linking to the one that was made with it. Example: a run links two items, and somebody ends that link and
    /// links the two by hand. The run's line is about the first link, whatever becomes of the second.
    pub fn link_behind(&self, entry: &NewJournal) -> Result<Option<LinkRow>, StoreError> {
        let item = match (entry.link, &entry.item) {
            (Some(link), _) => return self.link(link),
            (None, Some(item)) => item,
            (None, None) => return Ok(None),
        };
        let mut links = self.find_item(item)?;
        links.retain(|link| link.pair == entry.pair && link.item(entry.side) == item);
        match entry.kind {
            JournalKind::Create => Ok(links.into_iter().next()),
            // The nearest one, not the last one before it: somebody may have set the clock back since.
            JournalKind::Link => Ok(links
                .into_iter()
                .min_by_key(|link| (entry.at.0.abs_diff(link.created_at.0), link.id))),
            JournalKind::Update
            | JournalKind::Delete
            | JournalKind::Close
            | JournalKind::Unlink
            | JournalKind::Restore
            | JournalKind::Choice
            | JournalKind::Claim => self.link_by_item(&entry.pair, entry.side, item),
        }
    }

    /// Returns the last update of a link's item on a side, this run's own aside, where it had no answer, or one that leaves
    /// open whether it went through: what was sent. A refusal that settles it names no changes.
    pub fn open_write(
        &self,
        link: LinkId,
        side: Side,
        this_run: &str,
    ) -> Result<Option<NewJournal>, StoreError> {
        let rows = self.rows(
            "link = ?1 AND side = ?2 AND kind = ?3 AND (cycle, action_id) = (
                 SELECT cycle, action_id FROM journal
                 WHERE link = ?1 AND side = ?2 AND kind = ?3 AND cycle <> ?4 ORDER BY id DESC LIMIT 1)",
            params![link.0, side.key(), JournalKind::Update.key(), this_run],
        )?;
        let open = rows.iter().all(|row| match row.entry.outcome {
            Outcome::Sent => true,
            Outcome::Failed => !row.entry.changes.is_empty(),
            Outcome::Done | Outcome::Lost | Outcome::InDoubt | Outcome::Dropped => false,
        });
        let of = |outcome: Outcome| rows.iter().filter(move |row| row.entry.outcome == outcome);
        let Some(mut sent) = of(Outcome::Sent).next().filter(|_| open).cloned() else {
            return Ok(None);
        };
        // Of a state in steps only the first may have been sent, and the line of the failure names that.
        for failed in of(Outcome::Failed) {
            let named = failed.entry.changes.iter();
            sent.entry
                .changes
                .extend(named.map(|(subject, change)| (subject.clone(), change.clone())));
        }
        Ok(Some(sent.entry))
    }

    /// Returns what one cycle recorded, oldest first.
    pub fn journal_of_cycle(&self, cycle: &str) -> Result<Vec<JournalRow>, StoreError> {
        self.rows("cycle = ?1", params![cycle])
    }

    /// Returns what is recorded of one action, oldest first.
    pub fn journal_of_action(&self, action: &ActionId) -> Result<Vec<JournalRow>, StoreError> {
        self.rows("action_id = ?1", params![action.0])
    }

    /// Returns what is recorded of one link, oldest first, but for the creates of its items: these were written before there
    /// was a link to name.
    pub fn journal_of_link(&self, link: LinkId) -> Result<Vec<JournalRow>, StoreError> {
        self.rows("link = ?1", params![link.0])
    }

    /// Returns whether a line of an action says that this became of it.
    pub fn has_outcome(&self, action: &ActionId, outcome: Outcome) -> Result<bool, StoreError> {
        self.connection
            .prepare_cached(
                "SELECT EXISTS (SELECT 1 FROM journal WHERE action_id = ?1 AND outcome = ?2)",
            )
            .and_then(|mut statement| {
                statement.query_row(params![action.0, outcome.key()], |row| row.get(0))
            })
            .map_err(sql("look for an outcome"))
    }

    fn rows(
        &self,
        condition: &str,
        values: &[&dyn rusqlite::ToSql],
    ) -> Result<Vec<JournalRow>, StoreError> {
        let mut statement = self
            .connection
            .prepare_cached(&format!(
                "SELECT id, at, cycle, pair, link, item, action_id, kind, outcome, detail, side, changes, request_ids, version
                 FROM journal WHERE {condition} ORDER BY id"
            ))
            .map_err(sql("read the journal"))?;
        let rows = statement
            .query_map(values, |row| {
                let texts: [String; 5] = [
                    row.get(10)?,
                    row.get(11)?,
                    row.get(12)?,
                    row.get(7)?,
                    row.get(8)?,
                ];
                let entry = NewJournal {
                    at: Timestamp(row.get(1)?),
                    cycle: row.get(2)?,
                    pair: PairName(row.get(3)?),
                    link: row.get::<_, Option<i64>>(4)?.map(LinkId),
                    side: Side::Ado,
                    item: row.get::<_, Option<String>>(5)?.map(ItemId),
                    action_id: ActionId(row.get(6)?),
                    kind: JournalKind::Update,
                    changes: BTreeMap::new(),
                    outcome: Outcome::Done,
                    detail: row.get(9)?,
                    request_ids: Vec::new(),
                    version: row.get::<_, Option<i64>>(13)?.map(Version),
                };
                Ok((row.get::<_, i64>(0)?, entry, texts))
            })
            .map_err(sql("read the journal"))?;
        rows.map(|row| {
            let (id, entry, [side, changes, request_ids, kind, outcome]) =
                row.map_err(sql("read the journal"))?;
            let entry = NewJournal {
                side: parse_side(&side)?,
                changes: from_json("journal changes", &changes)?,
                request_ids: from_json("request ids", &request_ids)?,
                kind: word(
                    "kind of a journal line",
                    &kind,
                    JournalKind::from_key(&kind),
                )?,
                outcome: word("outcome", &outcome, Outcome::from_key(&outcome))?,
                ..entry
            };
            Ok(JournalRow { id, entry })
        })
        .collect()
    }

    /// Returns the last `n` cycles, newest first.
    pub fn recent_cycles(&self, n: usize) -> Result<Vec<CycleRow>, StoreError> {
        self.cycles(
            "1 ORDER BY started_at DESC, id DESC LIMIT ?1",
            params![i64::try_from(n).unwrap_or(i64::MAX)],
        )
    }

    /// Returns the last `n` runs that did something to an item's fields, existence or link, newest first; the claim on a pair
    /// is written to a work item too, and is nobody's edit. A run that was killed has no cycle and is here all
    /// the same.
    pub fn recent_runs(&self, n: usize) -> Result<Vec<RunRow>, StoreError> {
        let most = i64::try_from(n).unwrap_or(i64::MAX);
        let mut statement = self
            .connection
            .prepare_cached(
                "SELECT journal.cycle, coalesce(cycle.started_at, min(journal.at)), count(DISTINCT journal.action_id), cycle.cause, cycle.why
                 FROM journal LEFT JOIN cycle ON cycle.id = journal.cycle
                 WHERE journal.outcome = ?2 AND journal.kind <> ?3
                 GROUP BY journal.cycle ORDER BY max(journal.id) DESC LIMIT ?1",
            )
            .map_err(sql("read the runs"))?;
        let rows = statement
            .query_map(
                params![most, Outcome::Done.key(), JournalKind::Claim.key()],
                |row| {
                    let run = RunRow {
                        id: row.get(0)?,
                        at: Timestamp(row.get(1)?),
                        actions: row.get::<_, i64>(2)?.unsigned_abs(),
                        cause: None,
                    };
                    let cause: (Option<String>, Option<String>) = (row.get(3)?, row.get(4)?);
                    Ok((run, cause))
                },
            )
            .map_err(sql("read the runs"))?;
        rows.map(|row| {
            let (run, (told, why)) = row.map_err(sql("read the runs"))?;
            let cause = match told.zip(why) {
                Some((told, why)) => Some(reason("cause of a run", &why, told)?),
                None => None,
            };
            Ok(RunRow { cause, ..run })
        })
        .collect()
    }

    /// Returns one cycle.
    pub fn cycle(&self, id: &str) -> Result<Option<CycleRow>, StoreError> {
        Ok(self.cycles("id = ?1", params![id])?.into_iter().next())
    }

    /// Returns the runs that were to take a run back, each with that run, the newest first.
    ///
    /// # Errors
    /// Only the database's.
    pub fn undos(&self) -> Result<Vec<(String, String)>, StoreError> {
        let undos = self.cycles(
            "cause LIKE 'undo of %' ORDER BY started_at DESC, id DESC",
            params![],
        )?;
        let of_run = undos.into_iter().filter_map(|undo| match undo.cause {
            Cause::UndoOfRun { run } => Some((undo.id, run)),
            Cause::Cycle | Cause::UndoOfItem { .. } | Cause::ToldBefore { .. } => None,
        });
        Ok(of_run.collect())
    }

    fn cycles(
        &self,
        condition: &str,
        values: &[&dyn rusqlite::ToSql],
    ) -> Result<Vec<CycleRow>, StoreError> {
        let mut statement = self
            .connection
            .prepare_cached(&format!(
                "SELECT id, started_at, finished_at, cause, outcome, detail, counts, why FROM cycle WHERE {condition}"
            ))
            .map_err(sql("read cycles"))?;
        let rows = statement
            .query_map(values, |row| {
                let cycle = CycleRow {
                    id: row.get(0)?,
                    started_at: Timestamp(row.get(1)?),
                    finished_at: row.get::<_, Option<i64>>(2)?.map(Timestamp),
                    cause: Cause::Cycle,
                    outcome: RunEnd::Done,
                    counts: BTreeMap::new(),
                    detail: row.get(5)?,
                };
                let texts: [String; 4] = [row.get(6)?, row.get(3)?, row.get(7)?, row.get(4)?];
                Ok((cycle, texts))
            })
            .map_err(sql("read cycles"))?;
        rows.map(|row| {
            let (cycle, [counts, told, why, outcome]) = row.map_err(sql("read cycles"))?;
            Ok(CycleRow {
                counts: from_json("cycle counters", &counts)?,
                cause: reason("cause of a run", &why, told)?,
                outcome: word("end of a run", &outcome, RunEnd::from_key(&outcome))?,
                ..cycle
            })
        })
        .collect()
    }

    /// Deletes what is older than its limit, `most` rows of a kind at a time, so that one cycle is never held up for
    /// long: journal lines, cycles and settled conflicts. Open conflicts, intents and links are never deleted here.
    /// Returns how many rows went; `most` or more means that there may be others.
    pub fn prune_journal(&mut self, before: Before, most: usize) -> Result<usize, StoreError> {
        const OPERATION: &str = "prune the journal";
        let most = i64::try_from(most).unwrap_or(i64::MAX);
        let tx = self.connection.transaction().map_err(sql(OPERATION))?;
        let mut gone = 0;
        for (statement, limit) in [
            (
                "DELETE FROM journal WHERE id IN (SELECT id FROM journal WHERE at < ?1 ORDER BY at LIMIT ?2)",
                before.journal,
            ),
            (
                "DELETE FROM cycle WHERE id IN (SELECT id FROM cycle WHERE started_at < ?1 ORDER BY started_at LIMIT ?2)",
                before.journal,
            ),
            (
                "DELETE FROM conflict WHERE id IN (SELECT id FROM conflict
                     WHERE resolved_at IS NOT NULL AND resolved_at < ?1 ORDER BY id LIMIT ?2)",
                before.conflicts,
            ),
        ] {
            gone += tx
                .prepare_cached(statement)
                .and_then(|mut statement| statement.execute(params![limit.0, most]))
                .map_err(sql(OPERATION))?;
        }
        tx.commit().map_err(sql(OPERATION))?;
        Ok(gone)
    }
}

pub(super) fn append(tx: &Connection, entry: &NewJournal) -> Result<(), StoreError> {
    let changes = to_json("journal changes", &entry.changes)?;
    let request_ids = to_json("request ids", &entry.request_ids)?;
    tx.prepare_cached(
        "INSERT INTO journal (at, cycle, pair, link, side, item, action_id, kind, changes, outcome, detail, request_ids,
                              version)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13)",
    )
    .and_then(|mut statement| {
        statement.execute(params![
            entry.at.0,
            entry.cycle,
            entry.pair.0,
            entry.link.map(|link| link.0),
            entry.side.key(),
            entry.item.as_ref().map(|item| &item.0),
            entry.action_id.0,
            entry.kind.key(),
            changes,
            entry.outcome.key(),
            entry.detail,
            request_ids,
            entry.version.map(|version| version.0)
        ])
    })
    .map(|_| ())
    .map_err(sql("write the journal"))
}

pub(super) fn save_cycle(tx: &Connection, cycle: &CycleRow) -> Result<(), StoreError> {
    let counts = to_json("cycle counters", &cycle.counts)?;
    let why = to_json("cause of a run", &cycle.cause)?;
    tx.prepare_cached(
        "INSERT OR REPLACE INTO cycle (id, started_at, finished_at, cause, outcome, counts, detail, why)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
    )
    .and_then(|mut statement| {
        statement.execute(params![
            cycle.id,
            cycle.started_at.0,
            cycle.finished_at.map(|at| at.0),
            cycle.cause.to_string(),
            cycle.outcome.key(),
            counts,
            cycle.detail,
            why
        ])
    })
    .map(|_| ())
    .map_err(sql("save a cycle"))
}
