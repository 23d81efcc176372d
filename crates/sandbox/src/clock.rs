//! Time inside the sandbox. Held still it makes runs repeatable; let loose it follows the wall clock.

use boardsync_core::model::{Clock, Timestamp};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// A clock shared by both fake services. Clones show the same time. Milliseconds throughout.
#[derive(Clone, Debug)]
pub struct SandboxClock(Arc<Mutex<Inner>>);

#[derive(Debug)]
struct Inner {
    /// The instant reached so far; never goes back.
    last: Timestamp,
    /// `Some(lead)`: the wall clock plus `lead` ms. `None`: stands still between `tick` and `advance`.
    follows_wall: Option<i64>,
}

impl SandboxClock {
    /// A clock that stands at `start` until it is moved.
    pub fn new(start: Timestamp) -> SandboxClock {
        SandboxClock(Arc::new(Mutex::new(Inner {
            last: start,
            follows_wall: None,
        })))
    }

    /// A clock that follows the wall clock.
    pub fn real() -> SandboxClock {
        SandboxClock(Arc::new(Mutex::new(Inner {
            last: wall(),
            follows_wall: Some(0),
        })))
    }

    /// The time now. Never earlier than any instant given out before.
    pub fn now(&self) -> Timestamp {
        self.inner().reach()
    }

    /// The time now, moved by `skew_ms`, as a `Date` header.
    pub fn http_date(&self, skew_ms: i64) -> String {
        let shown = self.now().plus_ms(skew_ms);
        chrono::DateTime::from_timestamp_millis(shown.0).map_or_else(String::new, |at| {
            at.format("%a, %d %b %Y %H:%M:%S GMT").to_string()
        })
    }

    /// A unique, strictly increasing instant for a write.
    pub fn tick(&self) -> Timestamp {
        let mut inner = self.inner();
        let next = inner.reach().plus_ms(1);
        inner.last = next;
        next
    }

    /// Moves the clock forward by `ms`; a negative value does nothing, because server time never goes back.
    pub fn advance(&self, ms: i64) {
        let mut inner = self.inner();
        let ms = ms.max(0);
        inner.last = inner.reach().plus_ms(ms);
        if let Some(lead) = inner.follows_wall.as_mut() {
            *lead = lead.saturating_add(ms);
        }
    }

    fn inner(&self) -> MutexGuard<'_, Inner> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Inner {
    fn reach(&mut self) -> Timestamp {
        if let Some(lead) = self.follows_wall {
            self.last = self.last.max(wall().plus_ms(lead));
        }
        self.last
    }
}

impl Clock for SandboxClock {
    fn now(&self) -> Timestamp {
        SandboxClock::now(self)
    }
}

#[allow(
    clippy::disallowed_methods,
    reason = "the fake services have a clock of their own, which must not be the one of the program under test"
)]
fn wall() -> Timestamp {
    Timestamp(chrono::Utc::now().timestamp_millis())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ticks_are_unique_and_increase() {
        let clock = SandboxClock::new(Timestamp(1_000));
        let twin = clock.clone();
        let seen = [clock.tick(), twin.tick(), clock.tick()];
        assert!(seen[0] < seen[1] && seen[1] < seen[2]);
        assert_eq!(clock.now(), seen[2]);
    }

    #[test]
    fn a_still_clock_moves_only_when_told() {
        let clock = SandboxClock::new(Timestamp(1_000));
        assert_eq!(clock.now(), Timestamp(1_000));
        clock.advance(500);
        clock.advance(-400);
        assert_eq!(clock.now(), Timestamp(1_500));
    }

    #[test]
    fn a_real_clock_never_goes_back() {
        let clock = SandboxClock::real();
        clock.advance(60_000);
        let first = clock.tick();
        assert!(clock.now() >= first);
        assert!(clock.tick() > first);
    }
}
