//! Creates that were answered with another item.
//!
//! Nothing is linked then: the create stays open, and the new item is found by its marker. A side that does it again and
//! again gets no further creates for a while, so that a thousand new items do not become a thousand open creates.

use super::Run;
use crate::connector::{ConnectorError, Written, stranger};
use crate::engine::CycleError;
use crate::model::Side;
use crate::reconcile::rails::breaker;
use crate::store::{Misanswered, NoteOp, StoreError};

/// Wrong answers in a row after which a side gets no creates for a while.
const IN_A_ROW: u32 = 3;

impl Run<'_> {
    /// Says why nothing is created on a side at present; `None`: nothing speaks against it. A clock that was set back ends
    /// the wait.
    pub(super) fn answers_wrong(&self, side: Side) -> Result<Option<String>, StoreError> {
        let noted = self.engine.store().misanswered(side)?;
        Ok(noted.and_then(|noted| {
            let waits = (noted.at..noted.until).contains(&self.engine.clock.now());
            waits.then(|| format!(
                "nothing is created in {side} until {}, because it answered {} creates in a row with another item \
                 ({}); look for a proxy or a cache on the way that mixes answers up",
                noted.until, noted.times, noted.reason
            ))
        }))
    }

    /// Hands on what a create was answered with, where it can be the item that was made. An item that is linked already
    /// cannot.
    pub(super) fn ours(
        &self,
        side: Side,
        answer: Result<Written, ConnectorError>,
    ) -> Result<Result<Written, ConnectorError>, CycleError> {
        let answer = match answer {
            Ok(written) => match self.engine.counterpart(side, &written.item.id)? {
                Some(other) => {
                    let why = format!("which is linked to {other} already");
                    let shown = &written.item;
                    Err(stranger::error(side, "create an item", shown, &why))
                }
                None => Ok(written),
            },
            Err(error) => Err(error),
        };
        let before = self.engine.store().misanswered(side)?;
        match &answer {
            Err(error) if error.stranger.is_some() => {
                let (now, times) = (
                    self.engine.clock.now(),
                    before.map_or(1, |noted| noted.times.saturating_add(1)),
                );
                let until = match times.checked_sub(IN_A_ROW - 1) {
                    Some(failures) if failures > 0 => breaker::retry_at(failures, now),
                    Some(_) | None => now,
                };
                let reason = error.message.clone();
                tracing::error!(%side, times, "{error}");
                let note = Misanswered {
                    times,
                    at: now,
                    until,
                    reason,
                };
                self.engine.store().note(NoteOp::Misanswered {
                    side,
                    note: Some(note),
                })?;
            }
            Ok(_) if before.is_some() => {
                let end = NoteOp::Misanswered { side, note: None };
                self.engine.store().note(end)?;
            }
            Ok(_) | Err(_) => {}
        }
        Ok(answer)
    }
}
