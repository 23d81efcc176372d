//! A cycle that an error ended, and tokens that are refused: recorded, so that `status` knows of them.

use super::{CycleError, Engine};
use crate::connector::{ConnectorError, ErrorKind};
use crate::model::{Service, Side, Sided, Timestamp};
use crate::reason::{Cause, RunEnd};
use crate::store::{Batch, CycleRow, NoteOp, Op, RefusedToken, Store, StoreError};
use std::collections::BTreeMap;

impl Engine {
    /// Records that an error ended a cycle. What can't be recorded, because the database itself is the trouble or the
    /// process is to be gone, is left to the caller, who has the error.
    pub(super) fn failed<T>(&self, started: Timestamp, result: &Result<T, CycleError>) {
        let Err(error) = result else { return };
        let (detail, refused) = match error {
            CycleError::Connector(error) if error.kind != ErrorKind::Cancelled => {
                (error.to_string(), Some(error))
            }
            CycleError::Backup(_) => (error.to_string(), None),
            CycleError::Connector(_)
            | CycleError::Store(_)
            | CycleError::Paused { .. }
            | CycleError::Interrupted(_) => return,
        };
        let now = self.clock.now();
        let mut ops = vec![row(started, now, detail)];
        ops.extend(refused.and_then(|error| refusal(error, now)));
        if let Err(error) = self.store().commit(&Batch(ops)) {
            tracing::error!("that the cycle failed could not be recorded: {error}");
        }
    }

    /// Notes whose token was refused by what a cycle met, and whose was taken.
    pub(super) fn note_tokens(
        &self,
        met: &Sided<Option<ConnectorError>>,
    ) -> Result<(), StoreError> {
        let mut store = self.store();
        for side in Side::BOTH {
            let service = Service::from(side);
            let met = met.get(side).as_ref();
            let refused = met.and_then(|error| refusal(error, self.clock.now()));
            match refused {
                Some(op) => store.commit(&Batch(vec![op]))?,
                None if store.refused_token(service)?.is_some() => {
                    store.note(NoteOp::RefusedToken {
                        service,
                        note: None,
                    })?;
                }
                None => {}
            }
        }
        Ok(())
    }
}

/// Records that a service failed before there was an engine: names of types and states could not be read. `for_cycles`:
/// whether a cycle was to follow, which counts as failed.
///
/// # Errors
/// Only the database's.
pub fn failed_at_start(
    store: &mut Store,
    now: Timestamp,
    error: &ConnectorError,
    for_cycles: bool,
) -> Result<(), StoreError> {
    if error.kind == ErrorKind::Cancelled {
        return Ok(());
    }
    let row = for_cycles.then(|| row(now, now, error.to_string()));
    let ops: Vec<Op> = row.into_iter().chain(refusal(error, now)).collect();
    store.commit(&Batch(ops))
}

/// The line of a cycle that an error ended.
fn row(started: Timestamp, now: Timestamp, detail: String) -> Op {
    Op::SaveCycle(CycleRow {
        id: format!("c{}", started.0),
        started_at: started,
        finished_at: Some(now),
        cause: Cause::Cycle,
        outcome: RunEnd::Failed,
        counts: BTreeMap::new(),
        detail: Some(detail),
    })
}

/// What is noted of an error that says that a token is no good.
fn refusal(error: &ConnectorError, now: Timestamp) -> Option<Op> {
    (error.kind == ErrorKind::Auth).then(|| {
        Op::Note(NoteOp::RefusedToken {
            service: error.service,
            note: Some(RefusedToken {
                since: now,
                said: error.to_string(),
            }),
        })
    })
}
