//! How long a daemon leaves a pair alone whose plan was stopped.
//!
//! A stopped pair must be listed in full every time it is planned, because the watermark moves on without it. Until a
//! person has said yes the answer will rarely be another one, so the daemon asks ever more seldom.

use crate::model::{PairName, Timestamp};
use crate::reconcile::policy::Policy;
use crate::store::{NoteOp, Op, StopNote, Store, StoreError};

/// First wait.
const FIRST_MS: i64 = 15 * 60_000;
/// The wait doubles this many times: four hours at most.
const DOUBLINGS: u32 = 4;

/// Whether a pair that was stopped is still left alone. A clock that was set back ends the wait rather than prolonging it.
fn lasts(note: &StopNote, now: Timestamp) -> bool {
    (note.at..ends(note)).contains(&now)
}

/// When the wait is over.
fn ends(note: &StopNote) -> Timestamp {
    note.at.plus_ms(FIRST_MS << note.tries.min(DOUBLINGS))
}

/// Returns until when a running daemon leaves a pair alone whose plan was stopped or that could not be listed, for those who
/// show it; `None`: its next cycle looks at it. Whoever starts one anew, or runs a single cycle, looks at once.
///
/// # Errors
/// Only the database's.
pub fn left_alone_until(
    store: &Store,
    pair: &PairName,
    fingerprint: &str,
    now: Timestamp,
) -> Result<Option<Timestamp>, StoreError> {
    let note = store.stop_note(pair)?;
    let note = note.filter(|note| note.fingerprint == fingerprint && lasts(note, now));
    Ok(note.map(|note| ends(&note)))
}

/// Returns the note of a pair, unless it is about another mapping than the present one.
fn note(store: &Store, policy: &Policy) -> Result<Option<StopNote>, StoreError> {
    let note = store.stop_note(&policy.pair)?;
    Ok(note.filter(|note| note.fingerprint == policy.fingerprint))
}

/// Returns whether a pair is still to be left alone.
pub(super) fn waits(store: &Store, policy: &Policy, now: Timestamp) -> Result<bool, StoreError> {
    Ok(note(store, policy)?.is_some_and(|note| lasts(&note, now)))
}

/// Notes that a pair was stopped. A person's look during the wait does not prolong it.
pub(super) fn stopped(
    store: &Store,
    policy: &Policy,
    now: Timestamp,
) -> Result<Option<Op>, StoreError> {
    let tries = match note(store, policy)? {
        Some(note) if lasts(&note, now) => return Ok(None),
        Some(note) => note.tries.saturating_add(1),
        None => 0,
    };
    let note = StopNote {
        at: now,
        tries,
        fingerprint: policy.fingerprint.clone(),
    };
    Ok(Some(Op::Note(NoteOp::Stopped {
        pair: policy.pair.clone(),
        note: Some(note),
    })))
}

/// Ends the wait of a pair that a person has decided about.
pub(super) fn forget(pair: &PairName) -> Op {
    Op::Note(NoteOp::Stopped {
        pair: pair.clone(),
        note: None,
    })
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
        let note = |tries| StopNote {
            at: Timestamp(1_000_000_000),
            tries,
            fingerprint: String::new(),
        };
        let minute = 60_000;
        for (tries, minutes) in [(0, 15), (1, 30), (4, 240), (9, 240)] {
            let (note, wait) = (note(tries), minutes * minute);
            assert!(lasts(&note, note.at), "{tries}");
            assert!(lasts(&note, note.at.plus_ms(wait - 1)), "{tries}");
            assert!(!lasts(&note, note.at.plus_ms(wait)), "{tries}");
            assert!(!lasts(&note, note.at.plus_ms(-1)), "{tries}");
        }
    }
}
