//! The per-token request budget, counted on the sandbox clock.

use super::answer::Answer;
use boardsync_core::model::Timestamp;

// ClickUp docs "Rate limits": the budget is per minute; `X-RateLimit-Reset` is Unix seconds.
const WINDOW_MS: i64 = 60_000;

/// One running minute. It starts with the first request after the previous one ended.
#[derive(Default)]
pub(super) struct Window {
    ends: i64,
    used: u32,
}

/// What one request leaves of the budget.
pub(super) struct Budget {
    limit: u32,
    remaining: u32,
    reset_seconds: i64,
    pub allowed: bool,
}

impl Window {
    pub fn take(&mut self, now: Timestamp, limit: u32) -> Budget {
        if now.0 >= self.ends {
            *self = Window {
                ends: now.0.saturating_add(WINDOW_MS),
                used: 0,
            };
        }
        let allowed = self.used < limit;
        self.used = self.used.saturating_add(u32::from(allowed));
        Budget {
            limit,
            remaining: limit.saturating_sub(self.used),
            reset_seconds: self.ends.saturating_add(999) / 1000,
            allowed,
        }
    }
}

impl Budget {
    /// The headers come on successes as well as on refusals.
    pub fn stamp(&self, answer: &mut Answer) {
        for (name, value) in [
            ("x-ratelimit-limit", i64::from(self.limit)),
            ("x-ratelimit-remaining", i64::from(self.remaining)),
            ("x-ratelimit-reset", self.reset_seconds),
        ] {
            answer.headers.push((name.to_owned(), value.to_string()));
        }
    }
}
