//! The table of cases: how much is gone, how fast -> whether the pair waits for a person.

use super::*;
use crate::fixture::policy;
use crate::reconcile::policy::GuardLimits;

const NOW: Timestamp = Timestamp(1_000_000_000);

#[test]
fn one_of_any_number_may_go_and_of_more_a_tenth_must_stay() {
    let rows = [
        (0, 1),
        (1, 1),
        (2, 1),
        (3, 2),
        (10, 9),
        (11, 9),
        (20, 18),
        (100, 90),
    ];
    for (links, limit) in rows {
        assert_eq!(most(links), limit, "{links}");
    }
}

/// With links ended so many ms ago, what is found of so many living ones.
fn judge(links: u64, planned: usize, waiting: usize, ago: &[i64]) -> Option<(usize, usize)> {
    let ended: Vec<Timestamp> = ago.iter().map(|ms| NOW.plus_ms(-ms)).collect();
    let found = Found {
        planned,
        waiting,
        ended: &ended,
        now: NOW,
        links,
    };
    let policy = Policy {
        guard: GuardLimits::default(),
        ..policy()
    };
    let over = found.judge(&policy);
    over.map(|(count, limit, _)| (count, limit))
}

/// What it is, how many links live, are acted on and wait, when others ended, and the count and limit that stop the pair.
type Row<'a> = (
    &'a str,
    u64,
    usize,
    usize,
    &'a [i64],
    Option<(usize, usize)>,
);

#[test]
fn what_goes_one_by_one_counts_as_what_goes_at_once() {
    let minute = 60_000;
    let hour = 60 * minute;
    #[rustfmt::skip]
    let rows: [Row<'_>; 16] = [
        ("one of five", 5, 1, 0, &[], None),
        ("five of five, one each minute", 5, 1, 4, &[], Some((5, 3))),
        ("four of five, one each minute", 5, 1, 3, &[], Some((4, 3))),
        ("three of five, one each minute", 5, 1, 2, &[], None),
        ("as fast, without a wait", 4, 1, 0, &[minute], None),
        ("the fourth in ten minutes", 97, 1, 0, &[minute, 2 * minute, 3 * minute], Some((4, 3))),
        ("the fourth a little later", 97, 1, 0, &[9 * minute, 10 * minute, 11 * minute], None),
        ("twenty, one every quarter of an hour", 11, 1, 0, &[hour; 9], None),
        ("and the eleventh", 10, 1, 0, &[hour; 10], Some((11, 10))),
        ("the day before", 10, 1, 0, &[24 * hour; 10], None),
        ("the clock was set back since", 10, 1, 0, &[-hour; 10], Some((11, 3))),
        ("two of three in a morning", 2, 1, 0, &[hour], None),
        ("three of three in a morning", 1, 1, 0, &[hour, 2 * hour], Some((3, 2))),
        ("two of two in a morning", 1, 1, 0, &[hour], Some((2, 1))),
        ("many at once is for the other limit", 20, 9, 0, &[], None),
        ("all at once", 20, 20, 0, &[], Some((20, 18))),
    ];
    for (what, links, planned, waiting, ago, expected) in rows {
        assert_eq!(judge(links, planned, waiting, ago), expected, "{what}");
    }
}
