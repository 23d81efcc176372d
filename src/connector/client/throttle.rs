//! What the throttling headers say, as values. Pure: waits come from the server's own clock, never from ours, which may
//! be minutes off.

use crate::model::Timestamp;
use reqwest::header::HeaderMap;
use std::time::Duration;

/// Longest pause taken from `X-RateLimit-Reset`; anything longer is a clock that went wrong.
const MAX_RESET: Duration = Duration::from_secs(3600);

/// What one answer said about the allowance.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct Seen {
    pub(super) limit: Option<u32>,
    pub(super) remaining: Option<u32>,
    /// Time until the allowance is full again.
    pub(super) reset_in: Option<Duration>,
    pub(super) retry_after: Option<Duration>,
}

/// Reads `X-RateLimit-*` and `Retry-After`.
pub(super) fn read(headers: &HeaderMap) -> Seen {
    Seen {
        limit: number(headers, "x-ratelimit-limit").map(|n| n as u32),
        remaining: number(headers, "x-ratelimit-remaining").map(|n| n as u32),
        reset_in: reset_in(headers),
        retry_after: retry_after(headers),
    }
}

/// Returns how long a 429 asks to wait: the later of both headers.
pub(super) fn asked_wait(headers: &HeaderMap) -> Option<Duration> {
    retry_after(headers).max(reset_in(headers))
}

/// Returns the server's clock.
pub(super) fn date(headers: &HeaderMap) -> Option<Timestamp> {
    http_date(headers.get("date")?.to_str().ok()?)
}

impl Seen {
    /// Returns a pause for everyone after an answer that was not refused: ADO sends `Retry-After` on a 200 before it
    /// starts to delay (learn.microsoft.com, rate-limits, 2025-09); the last tenth of an allowance is spread evenly.
    pub(super) fn slow_down(&self) -> Option<Duration> {
        let spread = match (self.remaining, self.reset_in) {
            (Some(remaining), Some(reset)) if remaining < self.limit.unwrap_or(100) / 10 => {
                Some(reset / (remaining + 1))
            }
            _ => None,
        };
        self.retry_after.max(spread).filter(|wait| !wait.is_zero())
    }
}

fn number(headers: &HeaderMap, name: &str) -> Option<f64> {
    let value: f64 = headers.get(name)?.to_str().ok()?.trim().parse().ok()?;
    (value.is_finite() && value >= 0.0).then_some(value)
}

/// Seconds, or a date, which counts from the server's own `Date`.
fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    if let Some(seconds) = number(headers, "retry-after") {
        return Some(Duration::from_secs_f64(seconds.min(86_400.0)));
    }
    let at = http_date(headers.get("retry-after")?.to_str().ok()?)?;
    let ms = at.since(date(headers)?).max(0);
    Some(Duration::from_millis(ms.unsigned_abs()))
}

/// Epoch seconds (milliseconds are recognised by their size) minus the server's `Date`. `Date` has whole seconds, so up
/// to one more is added. Without a `Date`, and when the reset is not after it, nothing can be said.
fn reset_in(headers: &HeaderMap) -> Option<Duration> {
    let reset = number(headers, "x-ratelimit-reset")?;
    let reset_ms = if reset > 1e11 { reset } else { reset * 1000.0 };
    let ms = Timestamp(reset_ms as i64).since(date(headers)?);
    let wait = Duration::from_millis(u64::try_from(ms).ok()?);
    (!wait.is_zero() && wait <= MAX_RESET).then_some(wait)
}

fn http_date(text: &str) -> Option<Timestamp> {
    chrono::DateTime::parse_from_rfc2822(text)
        .ok()
        .map(|at| Timestamp(at.timestamp_millis()))
}
