//! How long a service is left alone that refuses the token or keeps failing.
//!
//! 1, 2, 4, 8, then 15 minutes. After each wait one small read is the probe: it works, and everything goes on. A person
//! who runs `boardsync reconcile --once` always tries.

use crate::model::Timestamp;

/// Failures in a row in one run after which a service is closed for the rest of it.
pub const IN_A_ROW: u32 = 5;
const FIRST_MS: i64 = 60_000;
const LONGEST_MS: i64 = 900_000;

/// Returns when to probe after the `failures`-th failed cycle in a row.
pub fn retry_at(failures: u32, now: Timestamp) -> Timestamp {
    let doublings = failures.saturating_sub(1).min(4);
    now.plus_ms((FIRST_MS << doublings).min(LONGEST_MS))
}

/// Returns whether the service is still to be left alone. A clock that was set back ends the wait.
pub fn pauses(opened_at: Timestamp, retry_at: Timestamp, now: Timestamp) -> bool {
    (opened_at..retry_at).contains(&now)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_wait_doubles_up_to_a_quarter_of_an_hour() {
        let minutes: Vec<i64> = (1..8)
            .map(|n| retry_at(n, Timestamp(0)).0 / 60_000)
            .collect();
        assert_eq!(minutes, [1, 2, 4, 8, 15, 15, 15]);
    }

    #[test]
    fn a_clock_that_was_set_back_does_not_keep_it_closed() {
        let (opened, retry) = (Timestamp(100), Timestamp(200));
        let paused = [99, 100, 199, 200].map(|now| pauses(opened, retry, Timestamp(now)));
        assert_eq!(paused, [false, true, true, false]);
    }
}
