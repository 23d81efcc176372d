//! What keeps the state small and safe: old journal lines go, and a large plan is preceded by a copy.
//!
//! How old a line is only this machine's clock says, and one that jumps ten years ahead would make everything old: the
//! value that gave way in a conflict, or that a create got lost. So nothing goes unless both services tell about the same
//! time, and have done so for as long as lines are kept.

use super::apply::{Consent, stop_reason};
use super::observe::Observed;
use super::{CycleError, Engine};
use crate::model::{Side, Sided, Timestamp};
use crate::reconcile::plan::PairPlan;
use crate::store::{Before, NoteOp, Store, StoreError};

const DAY_MS: i64 = 24 * 3_600_000;
/// Settled conflicts hold the value that gave way, so they are kept for this long even where the journal is not.
const CONFLICTS_MS: i64 = 90 * DAY_MS;
/// Rows of a kind that one cycle deletes at most: some milliseconds of work.
const PRUNED: usize = 2_000;

/// How far this machine's clock may be from a service's for the age of a line to be believed.
const APART_MS: i64 = DAY_MS;

/// From how many writes on a plan is preceded by a copy of the database.
const LARGE: usize = 20;
/// Copies that are kept.
const COPIES: usize = 7;

impl Engine {
    /// Once a day, deletes what the journal need not keep any longer, in steps of bounded size.
    pub(super) fn prune(&self) -> Result<(), StoreError> {
        let now = self.clock.now();
        let kept_ms = self.timing.journal_ms.max(CONFLICTS_MS);
        let mut store = self.store();
        if !self.clocks_agree(&mut store, now, kept_ms)? {
            return Ok(());
        }
        let last = store.pruned_at()?;
        // A clock that was set back makes the age negative; then it is due.
        if last.is_some_and(|at| (0..DAY_MS).contains(&now.since(at))) {
            return Ok(());
        }
        let before = Before {
            journal: now.plus_ms(self.timing.journal_ms.saturating_neg()),
            conflicts: now.plus_ms(kept_ms.saturating_neg()),
        };
        let gone = store.prune_journal(before, PRUNED)?;
        if gone < PRUNED {
            store.note(NoteOp::Pruned { at: now })?;
        }
        Ok(())
    }

    /// Whether all three clocks tell about the same time and have done so for `kept_ms`, by each service's own clock.
    /// Notes it where they do not.
    fn clocks_agree(
        &self,
        store: &mut Store,
        now: Timestamp,
        kept_ms: i64,
    ) -> Result<bool, StoreError> {
        let told = |side| self.readers.get(side).server_now();
        let (Some(ado), Some(clickup)) = (told(Side::Ado), told(Side::ClickUp)) else {
            return Ok(false);
        };
        let told = Sided { ado, clickup };
        let noted = store.clocks_apart()?;
        let passed =
            noted.map(|noted| Side::BOTH.map(|side| told.get(side).since(*noted.get(side))));
        let apart = |side: &Side| !(-APART_MS..=APART_MS).contains(&now.since(*told.get(*side)));
        let Some(side) = Side::BOTH.into_iter().find(apart) else {
            return Ok(passed.is_none_or(|ms| ms.iter().all(|ms| *ms >= kept_ms)));
        };
        let today = passed.is_some_and(|ms| ms.iter().all(|ms| (0..DAY_MS).contains(ms)));
        if !today {
            tracing::warn!(%side, here = %now, there = %told.get(side), "this machine's clock and the service's are over a day apart; old lines of the journal are kept");
            store.note(NoteOp::ClocksApart { told })?;
        }
        Ok(false)
    }

    /// Copies the database before a plan with many writes: a first contact, or one that was let past a guard. Without
    /// the copy the plan is not carried out.
    pub(super) fn copy_before_large(
        &self,
        observed: &Observed,
        consent: &Consent,
    ) -> Result<(), CycleError> {
        let plans = observed.plan.pairs.iter();
        let writes: usize = plans
            .filter(|plan| stop_reason(plan, consent).is_none())
            .map(PairPlan::writes)
            .sum();
        if writes < LARGE {
            return Ok(());
        }
        let copy = self
            .store()
            .backup_rotating(self.clock.now(), COPIES)
            .map_err(CycleError::Backup)?;
        if let Some(path) = copy {
            tracing::info!(path = %path.display(), writes, "copied the database before a large plan");
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
