//! How long nothing is created after the database was restored.
//!
//! A request of the lost part may still be on its way, and what it made may not be visible yet. The wait is the quiet
//! time, as for a create whose answer was lost.

use crate::model::Timestamp;

/// Returns how many milliseconds are left of `quiet_ms`, given the two instants on this machine's clock and on the service's.
///
/// The service's clock decides where it is known at both ends: ours may have jumped between two runs of a cron job. A clock
/// that stands before its own start tells nothing, so the whole wait is left.
pub fn left_ms(
    quiet_ms: i64,
    local: (Timestamp, Timestamp),
    server: Option<(Timestamp, Timestamp)>,
) -> i64 {
    let (from, to) = server.unwrap_or(local);
    let waited = to.since(from);
    if waited < 0 {
        quiet_ms
    } else {
        quiet_ms.saturating_sub(waited).max(0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_services_clock_decides_and_a_backward_one_starts_again() {
        let span = |from, to| (Timestamp(from), Timestamp(to));
        assert_eq!(left_ms(300, span(1_000, 1_100), None), 200);
        assert_eq!(left_ms(300, span(1_000, 9_000), None), 0);
        assert_eq!(left_ms(300, span(1_000, 900), None), 300);
        // Ours jumped ahead, or years back: the service knows better.
        assert_eq!(left_ms(300, span(1_000, 9_000), Some(span(50, 60))), 290);
        assert_eq!(left_ms(300, span(1_000, 9), Some(span(50, 400))), 0);
    }
}
