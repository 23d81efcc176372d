//! How often one item's change is tried: at once a few times, then ever more seldom, then not at all.
//!
//! After five failures an item is tried six times an hour at most, also when its inputs change every minute. A refusal is an
//! answer, so after [`REFUSALS`] of them it is asked again only with other inputs; anything else may pass, so it takes
//! [`FAILURES`]. `boardsync reconcile --once --retry` forgets all of it, a changed mapping forgets that of its pair.

use crate::model::{ActionId, ItemId, PairName, Timestamp};
use crate::reason::{NextTry, RailWhy};
use sha2::{Digest, Sha256};

/// Refusals in a row after which the same inputs are not sent again. More than one: what a new item refers to may become
/// visible a little later than the item.
pub const REFUSALS: u32 = 3;
/// Other failures in a row after which an item is quarantined.
pub const FAILURES: u32 = 10;
/// From this many failures on the hourly budget counts.
const FREE: u32 = 5;
/// Six an hour.
const BUDGET_MS: i64 = 600_000;
const LONGEST_MS: i64 = 900_000;

/// What kind of failure it was, as far as trying again goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Failure {
    /// The service understood and said no.
    Refused,
    /// As that, and it said no to every part that could be left out as well.
    InAllParts,
    /// The item moved meanwhile; nothing is wrong with it.
    Stale,
    /// Anything else.
    Other,
}

impl Failure {
    /// Returns the stable word used in the database.
    pub fn key(self) -> &'static str {
        match self {
            Failure::Refused => "refused",
            Failure::InAllParts => "refused in all parts",
            Failure::Stale => "stale",
            Failure::Other => "other",
        }
    }

    /// Returns after how many failures in a row there is no next try.
    fn limit(self) -> u32 {
        match self {
            Failure::Refused => REFUSALS,
            Failure::InAllParts => 1,
            Failure::Stale => u32::MAX,
            Failure::Other => FAILURES,
        }
    }
}

/// An item whose change failed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Waiting {
    /// Failures in a row.
    pub failures: u32,
    /// Key of the action that failed.
    pub inputs: ActionId,
    /// Local time of the last failure.
    pub last_at: Timestamp,
    /// Local time of the next try; `None`: quarantined.
    pub retry_at: Option<Timestamp>,
    /// What the service said.
    pub reason: String,
}

/// Returns when a change is tried next after its `failures`-th failure in a row, of which the last `alike` were of this
/// kind; `None`: quarantined.
pub fn retry_at(
    kind: Failure,
    (failures, alike): (u32, u32),
    pair: &PairName,
    item: &ItemId,
    now: Timestamp,
) -> Option<Timestamp> {
    (alike < kind.limit()).then(|| now.plus_ms(wait_ms(failures, pair, item)))
}

/// The first three tries come with the next cycles. Then the wait doubles up to 15 minutes, less up to a quarter, so that
/// items which failed together do not come back together. The same item waits the same in every run.
pub fn wait_ms(failures: u32, pair: &PairName, item: &ItemId) -> i64 {
    if failures <= 3 {
        return 0;
    }
    let whole = (15_000_i64 << failures.saturating_sub(1).min(7)).min(LONGEST_MS);
    let digest = Sha256::digest(format!("{pair}\0{item}\0{failures}").as_bytes());
    let share = i64::from(digest.first().copied().unwrap_or(0));
    let wait = whole - whole / 4 * share / 255;
    if failures >= FREE {
        wait.max(BUDGET_MS)
    } else {
        wait
    }
}

/// That an action waits.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wait {
    /// Local time of the next try; `None`: none before its inputs change.
    pub until: Option<Timestamp>,
    /// Why.
    pub why: RailWhy,
}

/// Decides whether an action may be tried now, given how it fared before.
///
/// # Errors
/// Why and until when it waits.
pub fn may_try(waiting: &Waiting, inputs: &ActionId, now: Timestamp) -> Result<(), Wait> {
    let wait = |until: Option<Timestamp>, next: NextTry| {
        let why = RailWhy::FailedBefore {
            times: waiting.failures,
            next,
            said: waiting.reason.clone(),
        };
        Err(Wait { until, why })
    };
    // A clock that was set back ends a wait rather than prolonging it.
    let passed = now < waiting.last_at;
    if waiting.inputs != *inputs {
        let due = waiting.last_at.plus_ms(BUDGET_MS);
        if waiting.failures < FREE || passed || now >= due {
            return Ok(());
        }
        return wait(Some(due), NextTry::Changed { at: due });
    }
    match waiting.retry_at {
        Some(at) if passed || now >= at => Ok(()),
        Some(at) => wait(Some(at), NextTry::At { at }),
        None => wait(None, NextTry::Never),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn waiting(failures: u32, retry_at: Option<i64>) -> Waiting {
        Waiting {
            failures,
            inputs: ActionId("a".to_owned()),
            last_at: Timestamp(1_000_000),
            retry_at: retry_at.map(Timestamp),
            reason: "no".to_owned(),
        }
    }

    fn at(ms: i64) -> Timestamp {
        Timestamp(1_000_000 + ms)
    }

    #[test]
    fn after_five_failures_there_are_six_tries_an_hour_at_most() {
        let (pair, item) = (PairName::from("web"), ItemId::from("7"));
        let mut now = Timestamp(0);
        let mut tries = Vec::new();
        for failures in 1..100 {
            now = now.plus_ms(wait_ms(failures, &pair, &item));
            if failures >= FREE {
                tries.push(now.0);
            }
            assert!(wait_ms(failures, &pair, &item) <= LONGEST_MS);
        }
        for (n, start) in tries.iter().enumerate() {
            let within = tries.iter().skip(n).take_while(|t| **t - start < 3_600_000);
            assert!(within.count() <= 6);
        }
    }

    #[test]
    fn the_first_real_wait_is_two_minutes_less_up_to_a_quarter() {
        let pair = PairName::from("web");
        let waits: Vec<i64> = (0..50)
            .map(|n| wait_ms(4, &pair, &ItemId(n.to_string())))
            .collect();
        assert!(waits.iter().all(|wait| (90_000..=120_000).contains(wait)));
        assert!(waits.iter().any(|wait| *wait < 95_000));
        assert!(waits.iter().any(|wait| *wait > 115_000));
    }

    #[test]
    fn the_words_in_the_database_stay() {
        let words = [
            Failure::Refused,
            Failure::Stale,
            Failure::Other,
            Failure::InAllParts,
        ];
        let words = words.map(Failure::key);
        assert_eq!(words, ["refused", "stale", "other", "refused in all parts"]);
    }

    #[test]
    fn two_items_do_not_come_back_together_and_one_always_waits_the_same() {
        let pair = PairName::from("web");
        let waits: std::collections::BTreeSet<i64> = (0..20)
            .map(|n| wait_ms(8, &pair, &ItemId(n.to_string())))
            .collect();
        assert!(waits.len() > 10, "{waits:?}");
        let again = wait_ms(8, &pair, &ItemId("3".to_owned()));
        assert_eq!(again, wait_ms(8, &pair, &ItemId("3".to_owned())));
    }

    #[test]
    fn a_refusal_is_final_sooner_than_anything_else() {
        let (pair, item) = (PairName::from("web"), ItemId::from("7"));
        let next = |kind, n| retry_at(kind, (n, n), &pair, &item, Timestamp(0));
        assert!(next(Failure::Refused, 2).is_some() && next(Failure::Refused, 3).is_none());
        assert!(next(Failure::InAllParts, 1).is_none());
        assert!(next(Failure::Other, 9).is_some() && next(Failure::Other, 10).is_none());
        assert!(next(Failure::Stale, 1_000).is_some());
    }

    #[test]
    fn other_inputs_end_a_quarantine_within_the_budget() {
        let (same, other) = (ActionId("a".to_owned()), ActionId("b".to_owned()));
        let three = waiting(3, None);
        assert!(may_try(&three, &same, at(9_000_000)).is_err());
        assert!(may_try(&three, &other, at(1)).is_ok());
        assert!(may_try(&waiting(FREE, None), &other, at(1)).is_err());
        let ten = waiting(10, None);
        assert!(may_try(&ten, &other, at(BUDGET_MS - 1)).is_err());
        assert!(may_try(&ten, &other, at(BUDGET_MS)).is_ok());
    }

    #[test]
    fn a_wait_ends_in_time_and_when_the_clock_was_set_back() {
        let same = ActionId("a".to_owned());
        let four = waiting(4, Some(1_120_000));
        assert!(may_try(&four, &same, at(0)).is_err());
        assert!(may_try(&four, &same, at(119_999)).is_err());
        assert!(may_try(&four, &same, at(120_000)).is_ok());
        assert!(may_try(&four, &same, at(-1)).is_ok());
    }
}
