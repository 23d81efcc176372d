//! When lines are old enough to go, and whose clock says so.

use super::*;
use crate::clock::ManualClock;
use crate::engine::recover::tests::{Bench, bench};
use crate::model::ActionId;
use crate::reason::{JournalKind, Outcome};
use crate::store::{Batch, NewJournal, Op};
use std::collections::BTreeMap;
use std::sync::Arc;

/// When the only line was written, by all clocks.
const WRITTEN: i64 = 10_000 * DAY_MS;

fn with_a_line() -> Bench {
    let bench = bench(&[], &[], true, Vec::new());
    let line = NewJournal {
        at: Timestamp(WRITTEN),
        cycle: "c1".to_owned(),
        pair: "web".into(),
        link: None,
        side: Side::Ado,
        item: None,
        action_id: ActionId("a".to_owned()),
        kind: JournalKind::Create,
        changes: BTreeMap::new(),
        outcome: Outcome::Lost,
        detail: String::new(),
        request_ids: Vec::new(),
        version: None,
    };
    let written = Batch(vec![Op::Journal(line)]);
    bench.engine.store().commit(&written).unwrap();
    bench
}

/// Prunes, so many days after the line was written by the three clocks, and says whether the line is still there.
fn kept(bench: &mut Bench, here: i64, ado: Option<i64>, clickup: Option<i64>) -> bool {
    let at = |days: i64| Timestamp(WRITTEN + days * DAY_MS);
    bench.engine.clock = Arc::new(ManualClock::new(at(here)));
    *bench.sides.ado.told.lock().unwrap() = ado.map(at);
    *bench.sides.clickup.told.lock().unwrap() = clickup.map(at);
    bench.engine.prune().unwrap();
    let lines = bench.engine.store().journal_of_cycle("c1").unwrap();
    !lines.is_empty()
}

fn everywhere(bench: &mut Bench, days: i64) -> bool {
    kept(bench, days, Some(days), Some(days))
}

#[test]
fn a_line_goes_when_all_clocks_say_that_it_is_old() {
    let mut bench = with_a_line();
    assert!(everywhere(&mut bench, 90));
    assert!(!everywhere(&mut bench, 91));
}

#[test]
fn a_service_that_has_not_told_its_time_lets_nothing_go() {
    let mut bench = with_a_line();
    assert!(kept(&mut bench, 91, None, Some(91)));
    assert!(kept(&mut bench, 91, Some(91), None));
}

#[test]
fn a_clock_that_runs_ahead_makes_nothing_old() {
    for here in [-3_650, 3_650] {
        let mut bench = with_a_line();
        assert!(kept(&mut bench, here, Some(1), Some(1)));
        assert!(everywhere(&mut bench, 90), "set right again");
        assert!(!everywhere(&mut bench, 92));
    }
}

/// Lines that were written while the clock was behind look older than they are.
#[test]
fn after_a_clock_was_off_nothing_goes_for_as_long_as_lines_are_kept() {
    for (ado, clickup) in [(50, 48), (48, 50), (52, 50)] {
        let mut bench = with_a_line();
        assert!(kept(&mut bench, 50, Some(ado), Some(clickup)));
        assert!(everywhere(&mut bench, 137));
        assert!(!everywhere(&mut bench, 143), "{ado} {clickup}");
    }
}

/// Each time that they are apart counts, however long they agreed before, and a day of it is stored once.
#[test]
fn the_last_time_that_clocks_were_apart_counts() {
    let mut bench = with_a_line();
    assert!(kept(&mut bench, 80, Some(1), Some(1)));
    let noted = |bench: &Bench| bench.engine.store().clocks_apart().unwrap().unwrap();
    let first = noted(&bench);
    assert!(kept(&mut bench, 81, Some(1), Some(1)));
    assert_eq!(noted(&bench), first);
    assert!(kept(&mut bench, 80, Some(60), Some(60)));
    assert_ne!(noted(&bench), first);
    assert!(everywhere(&mut bench, 149));
    assert!(!everywhere(&mut bench, 150));
}
