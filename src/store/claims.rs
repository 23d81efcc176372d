//! What this installation remembers of its right to a pair: the claim on the canary, and a takeover by a person.

use super::error::{StoreError, from_json, sql};
use super::{Op, Store};
use crate::claim::Own;
use crate::model::{PairName, Timestamp};

fn claim_key(pair: &PairName) -> String {
    format!("claim:{pair}")
}

fn takeover_key(pair: &PairName) -> String {
    format!("takeover:{pair}")
}

impl Store {
    /// Returns what is remembered of the claim on a pair; the default when there never was one. What cannot be read is an
    /// error and not "none": the pair would be claimed anew over a claim that may be another's by now.
    pub fn claim(&self, pair: &PairName) -> Result<Own, StoreError> {
        let text = self.meta(&claim_key(pair))?;
        text.map_or_else(|| Ok(Own::default()), |text| from_json("claim", &text))
    }

    /// Returns the local time at which a person gave the pair to this installation; `None`: nobody had to.
    pub fn takeover(&self, pair: &PairName) -> Result<Option<Timestamp>, StoreError> {
        let text = self.meta(&takeover_key(pair))?;
        Ok(text.and_then(|text| text.parse().ok()).map(Timestamp))
    }

    /// Returns whether this installation ever created or adopted an item in the pair. Links that a person made by hand do
    /// not count: they say nothing about whose markers the other items carry.
    pub fn has_linked(&self, pair: &PairName) -> Result<bool, StoreError> {
        self.connection
            .prepare_cached(
                "SELECT EXISTS (SELECT 1 FROM link WHERE pair = ?1 AND origin IS NOT NULL)",
            )
            .and_then(|mut statement| statement.query_row([&pair.0], |row| row.get(0)))
            .map_err(sql("look for links"))
    }
}

/// What is remembered of a claim, as a change that can join a batch.
pub fn claim_op(pair: &PairName, own: &Own) -> Op {
    Op::SetMeta {
        key: claim_key(pair),
        value: serde_json::to_string(own).unwrap_or_default(),
    }
}

/// A person gave the pair to this installation.
pub fn takeover_op(pair: &PairName, at: Timestamp) -> Op {
    Op::SetMeta {
        key: takeover_key(pair),
        value: at.0.to_string(),
    }
}
