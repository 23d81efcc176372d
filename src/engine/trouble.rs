//! One pair's trouble is its own: what is recorded of a pair that could not be listed because of its own place.

use super::apply::Report;
use super::observe::Observed;
use super::{Engine, Scope, backoff};
use crate::connector::{ConnectorError, ErrorKind};
use crate::model::Timestamp;
use crate::store::{Batch, Op, StoreError};

impl Engine {
    /// What a pair in trouble does, and the others, if there are any.
    pub(super) fn stands_still(&self) -> &'static str {
        match self.policies.len() {
            0 | 1 => "this pair stands still",
            _ => "this pair stands still, the others go on",
        }
    }

    /// Records the pairs that could not be listed, before the watermarks move on without them: each is listed in full as
    /// soon as that works again, so nothing that changes meanwhile is passed over.
    pub(super) fn record_trouble(
        &self,
        observed: &Observed,
        started: Timestamp,
        report: &mut Report,
    ) -> Result<(), StoreError> {
        let mut store = self.store();
        for (pair, error) in &observed.findings.troubled {
            let mut state = store.pair_state(pair)?;
            let text = error.to_string();
            if state.last_error.as_ref() != Some(&text) {
                tracing::error!(target: crate::telemetry::SAID_AGAIN, %pair, "{}: {error}", self.stands_still());
            }
            state.last_attempt = Some(started);
            state.last_sweep = None;
            state.last_error = Some(text);
            let mut ops = Vec::new();
            if let Some(policy) = self.policy(pair) {
                ops.extend(backoff::stopped(&store, policy, started)?);
            }
            ops.push(Op::SetPairState {
                pair: pair.clone(),
                state,
            });
            store.commit(&Batch(ops))?;
            report.troubled.push((pair.clone(), error.clone()));
        }
        Ok(())
    }

    /// Records why nothing of any pair was looked at, where the service answers and says no: that may stay so for ever, and
    /// `status` would call every pair ok until it is stale. What is an outage or a matter of credentials is told by other
    /// means, and most of it passes.
    pub(super) fn record_unseen(
        &self,
        scope: &Scope,
        error: &ConnectorError,
    ) -> Result<(), StoreError> {
        if !matches!(error.kind, ErrorKind::NotFound | ErrorKind::Refused) {
            return Ok(());
        }
        let now = self.clock.now();
        let mut store = self.store();
        for policy in &self.policies {
            if !scope.only.is_empty() && !scope.only.contains(&policy.pair) {
                continue;
            }
            let mut state = store.pair_state(&policy.pair)?;
            state.last_attempt = Some(now);
            state.last_error = Some(error.to_string());
            store.save_pair_state(&policy.pair, &state)?;
        }
        Ok(())
    }
}
