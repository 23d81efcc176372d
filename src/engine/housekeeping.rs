//! What keeps the state small and safe: old journal lines go, and a large plan is preceded by a copy.

use super::apply::{Consent, stop_reason};
use super::observe::Observed;
use super::{CycleError, Engine};
use crate::model::Timestamp;
use crate::reconcile::plan::PairPlan;
use crate::store::Before;

const DAY_MS: i64 = 24 * 3_600_000;
/// Settled conflicts hold the value that gave way, so they are kept for this long even where the journal is not.
const CONFLICTS_MS: i64 = 90 * DAY_MS;
/// Rows of a kind that one cycle deletes at most: some milliseconds of work.
const PRUNED: usize = 2_000;
/// Setting with the local time of the last complete pruning.
const PRUNED_AT: &str = "pruned_at";

/// From how many writes on a plan is preceded by a copy of the database.
const LARGE: usize = 20;
/// Copies that are kept.
const COPIES: usize = 7;

impl Engine {
    /// Once a day, deletes what the journal need not keep any longer, in steps of bounded size.
    pub(super) fn prune(&self) -> Result<(), CycleError> {
        let now = self.clock.now();
        let mut store = self.store();
        let last = store
            .meta(PRUNED_AT)?
            .and_then(|text| text.parse().ok())
            .map(Timestamp);
        // A clock that was set back makes the age negative; then it is due.
        if last.is_some_and(|at| (0..DAY_MS).contains(&now.since(at))) {
            return Ok(());
        }
        let before = Before {
            journal: now.plus_ms(self.timing.journal_ms.saturating_neg()),
            conflicts: now.plus_ms(self.timing.journal_ms.max(CONFLICTS_MS).saturating_neg()),
        };
        let gone = store.prune_journal(before, PRUNED)?;
        if gone < PRUNED {
            store.set_meta(PRUNED_AT, &now.0.to_string())?;
        }
        Ok(())
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
