//! The only reader of the wall clock, and a clock for tests that stands still.

use crate::model::{Clock, Timestamp};
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

/// The computer's own clock.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    #[expect(
        clippy::disallowed_methods,
        reason = "the one place where the wall clock is read"
    )]
    fn now(&self) -> Timestamp {
        Timestamp(chrono::Utc::now().timestamp_millis())
    }
}

/// A clock that moves only when told to. Copies share their time.
#[derive(Clone, Debug)]
pub struct ManualClock(Arc<AtomicI64>);

impl ManualClock {
    /// Builds a clock that stands at `start`.
    pub fn new(start: Timestamp) -> ManualClock {
        ManualClock(Arc::new(AtomicI64::new(start.0)))
    }

    /// Moves this clock and all its copies by `ms`, which may be negative, and returns the new time.
    pub fn advance(&self, ms: i64) -> Timestamp {
        Timestamp(self.0.fetch_add(ms, Ordering::SeqCst)).plus_ms(ms)
    }

    /// Sets this clock and all its copies.
    pub fn set(&self, to: Timestamp) {
        self.0.store(to.0, Ordering::SeqCst);
    }
}

impl Clock for ManualClock {
    fn now(&self) -> Timestamp {
        Timestamp(self.0.load(Ordering::SeqCst))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn copies_of_a_manual_clock_share_their_time() {
        let clock = ManualClock::new(Timestamp(10));
        let copy = clock.clone();
        assert_eq!(clock.advance(5), Timestamp(15));
        assert_eq!(copy.now(), Timestamp(15));
    }

    #[test]
    fn system_clock_is_past_this_file() {
        assert!(SystemClock.now() > Timestamp(1_700_000_000_000));
    }
}
