//! Creates that were answered with another item.
//!
//! Nothing is linked then: the create stays open, and the new item is found by its marker. A side that does it again and
//! again gets no further creates for a while, so that a thousand new items do not become a thousand open creates.

use super::Run;
use crate::connector::{ConnectorError, Written, stranger};
use crate::engine::CycleError;
use crate::model::{Side, Timestamp};
use crate::reconcile::rails::breaker;
use crate::store::{Batch, Op, StoreError};
use serde::{Deserialize, Serialize};

/// Wrong answers in a row after which a side gets no creates for a while.
const IN_A_ROW: u32 = 3;

/// What is remembered of a side, also by the next process.
#[derive(Default, PartialEq, Serialize, Deserialize)]
struct Misanswered {
    /// How many in a row.
    times: u32,
    /// Local time of the last one.
    at: Timestamp,
    /// Local time of the next create.
    until: Timestamp,
    /// What was said of the last one.
    reason: String,
}

fn key(side: Side) -> String {
    format!("misanswered:{}", side.key())
}

impl Run<'_> {
    fn misanswered(&self, side: Side) -> Result<Misanswered, StoreError> {
        let text = self.engine.store().meta(&key(side))?;
        let noted = text.and_then(|text| serde_json::from_str(&text).ok());
        Ok(noted.unwrap_or_default())
    }

    fn note(&self, side: Side, noted: &Misanswered) -> Result<(), StoreError> {
        let value = serde_json::to_string(noted).unwrap_or_default();
        let key = key(side);
        self.engine
            .store()
            .commit(&Batch(vec![Op::SetMeta { key, value }]))
    }

    /// Says why nothing is created on a side at present; `None`: nothing speaks against it. A clock that was set back ends
    /// the wait.
    pub(super) fn answers_wrong(&self, side: Side) -> Result<Option<String>, StoreError> {
        let noted = self.misanswered(side)?;
        let waits = (noted.at..noted.until).contains(&self.engine.clock.now());
        Ok(waits.then(|| {
            format!(
                "nothing is created in {side} until {}, because it answered {} creates in a row with another item \
                 ({}); look for a proxy or a cache on the way that mixes answers up",
                noted.until, noted.times, noted.reason
            )
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
        let before = self.misanswered(side)?;
        match &answer {
            Err(error) if error.stranger.is_some() => {
                let (now, times) = (self.engine.clock.now(), before.times.saturating_add(1));
                let until = match times.checked_sub(IN_A_ROW - 1) {
                    Some(failures) if failures > 0 => breaker::retry_at(failures, now),
                    Some(_) | None => now,
                };
                let reason = error.message.clone();
                tracing::error!(%side, times, "{error}");
                self.note(
                    side,
                    &Misanswered {
                        times,
                        at: now,
                        until,
                        reason,
                    },
                )?;
            }
            Ok(_) if before != Misanswered::default() => {
                self.note(side, &Misanswered::default())?;
            }
            Ok(_) | Err(_) => {}
        }
        Ok(answer)
    }
}
