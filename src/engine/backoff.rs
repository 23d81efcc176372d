//! How long a daemon leaves a pair alone whose plan was stopped.
//!
//! A stopped pair must be listed in full every time it is planned, because the watermark moves on without it. Until a
//! person has said yes the answer will rarely be another one, so the daemon asks ever more seldom.

use crate::model::{PairName, Timestamp};
use crate::reconcile::policy::Policy;
use crate::store::{Op, Store, StoreError};
use serde::{Deserialize, Serialize};

/// First wait.
const FIRST_MS: i64 = 15 * 60_000;
/// The wait doubles this many times: four hours at most.
const DOUBLINGS: u32 = 4;

/// When a pair was stopped.
#[derive(Debug, Serialize, Deserialize)]
struct Note {
    at: Timestamp,
    tries: u32,
    fingerprint: String,
}

impl Note {
    /// A clock that was set back ends the wait rather than prolonging it.
    fn waits(&self, now: Timestamp) -> bool {
        let wait = FIRST_MS << self.tries.min(DOUBLINGS);
        (0..wait).contains(&now.since(self.at))
    }
}

fn key(pair: &PairName) -> String {
    format!("stopped:{pair}")
}

/// Returns the note of a pair, unless it is about another mapping than the present one.
fn note(store: &Store, policy: &Policy) -> Result<Option<Note>, StoreError> {
    let note: Option<Note> = store
        .meta(&key(&policy.pair))?
        .and_then(|text| serde_json::from_str(&text).ok());
    Ok(note.filter(|note| note.fingerprint == policy.fingerprint))
}

/// Returns whether a pair is still to be left alone.
pub(super) fn waits(store: &Store, policy: &Policy, now: Timestamp) -> Result<bool, StoreError> {
    Ok(note(store, policy)?.is_some_and(|note| note.waits(now)))
}

/// Notes that a pair was stopped. A person's look during the wait does not prolong it.
pub(super) fn stopped(
    store: &Store,
    policy: &Policy,
    now: Timestamp,
) -> Result<Option<Op>, StoreError> {
    let tries = match note(store, policy)? {
        Some(note) if note.waits(now) => return Ok(None),
        Some(note) => note.tries.saturating_add(1),
        None => 0,
    };
    let note = Note {
        at: now,
        tries,
        fingerprint: policy.fingerprint.clone(),
    };
    Ok(Some(Op::SetMeta {
        key: key(&policy.pair),
        value: serde_json::to_string(&note).unwrap_or_default(),
    }))
}

/// Ends the wait of a pair that a person has decided about.
pub(super) fn forget(pair: &PairName) -> Op {
    Op::SetMeta {
        key: key(pair),
        value: String::new(),
    }
}

/// Forgets the note of a pair whose plan was carried out.
pub(super) fn carried_out(store: &Store, policy: &Policy) -> Result<Option<Op>, StoreError> {
    let held = note(store, policy)?;
    Ok(held.map(|_| forget(&policy.pair)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_wait_grows_to_four_hours_and_ends_when_the_clock_was_set_back() {
        let note = |tries| Note {
            at: Timestamp(1_000_000_000),
            tries,
            fingerprint: String::new(),
        };
        let minute = 60_000;
        for (tries, minutes) in [(0, 15), (1, 30), (4, 240), (9, 240)] {
            let (note, wait) = (note(tries), minutes * minute);
            assert!(note.waits(note.at), "{tries}");
            assert!(note.waits(note.at.plus_ms(wait - 1)), "{tries}");
            assert!(!note.waits(note.at.plus_ms(wait)), "{tries}");
            assert!(!note.waits(note.at.plus_ms(-1)), "{tries}");
        }
    }
}
