//! How long nothing is created after the database was restored.
//!
//! A request of the lost part may still be on its way, and what it made may not be visible yet. The wait is the quiet
//! time, as for a create whose answer was lost.
//!
//! And what it made may be where nobody can look at present. Example: the lost part made a work item for a task of the pair
//! `app`; now that pair's area path is gone, and somebody moved the task to the list of the pair `web`. Only the marker of
//! the work item tells that the task has a counterpart, so `web` creates nothing before `app` was listed as well.

use crate::model::{PairName, Timestamp};
use crate::reason::RailWhy;
use std::collections::BTreeSet;

/// How long a create waits before its item is looked at again, while a pair cannot be listed.
const LOOK_AGAIN_MS: i64 = 300_000;

/// Returns the pairs that have to be listed in full before anything is created. `then`: those of the first cycle after the
/// restore, for a pair that was added later holds nothing of the lost part; `now`: those of the configuration.
pub fn unlisted(
    then: Option<&BTreeSet<PairName>>,
    now: &BTreeSet<PairName>,
    listed: &BTreeSet<PairName>,
) -> BTreeSet<PairName> {
    let then = then.into_iter().flatten();
    let wanted = then.filter(|pair| now.contains(*pair) && !listed.contains(*pair));
    wanted.cloned().collect()
}

/// Why nothing is created now and when it is looked at again; `None`: creates flow.
pub fn holds_creates(
    until: Option<Timestamp>,
    unlisted: &BTreeSet<PairName>,
    now: Timestamp,
) -> Option<(RailWhy, Timestamp)> {
    if let Some(until) = until {
        return Some((RailWhy::RestoredWait { until }, until));
    }
    if unlisted.is_empty() {
        return None;
    }
    let pairs = unlisted.iter().cloned().collect();
    let why = RailWhy::RestoredUnlisted { pairs };
    Some((why, now.plus_ms(LOOK_AGAIN_MS)))
}

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
    fn nothing_is_created_before_every_pair_of_the_time_of_the_restore_was_listed() {
        let pairs = |names: &[&str]| -> BTreeSet<PairName> {
            names.iter().map(|name| PairName::from(*name)).collect()
        };
        let both = pairs(&["app", "web"]);
        for (then, now, listed, left) in [
            (Some(&both), &both, pairs(&["web"]), pairs(&["app"])),
            (Some(&both), &both, both.clone(), pairs(&[])),
            // It was taken out of the configuration, it was added later, or nobody noted the pairs.
            (Some(&both), &pairs(&["web"]), pairs(&["web"]), pairs(&[])),
            (Some(&pairs(&["web"])), &both, pairs(&["web"]), pairs(&[])),
            (None, &both, pairs(&[]), pairs(&[])),
        ] {
            assert_eq!(unlisted(then, now, &listed), left);
        }
        let at = Timestamp(1_000);
        let (until, none) = (Timestamp(9_000), pairs(&[]));
        assert_eq!(holds_creates(None, &none, at), None);
        let quiet = holds_creates(Some(until), &both, at);
        assert_eq!(quiet.map(|(_, at)| at), Some(until));
        let (why, again) = holds_creates(None, &pairs(&["app"]), at).unwrap();
        let reason = why.to_string();
        assert!(
            reason.contains("app could not be listed in full"),
            "{reason}"
        );
        assert_eq!(again, Timestamp(301_000));
    }

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
