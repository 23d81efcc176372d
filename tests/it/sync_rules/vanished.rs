//! Items that vanish one by one: a service that loses them, or somebody who clears a board up.

use crate::sync_rules::bench::*;
use boardsync::engine::Scope;
use boardsync::engine::apply::{Consent, Report, Stopped};
use boardsync::reason::Limit;
use boardsync::reconcile::plan::PairPlan;

const MINUTE: i64 = 60_000;

/// A board of so many linked items, where a task has to be missed for ten minutes.
async fn board(rule: &str, items: usize) -> (Bench, Vec<(i64, String)>) {
    let mut t = bench(&format!("on_delete = \"{rule}\"")).await;
    let ids: Vec<i64> = (0..items).map(|_| t.create("Task", &[])).collect();
    t.cycle().await;
    t.quiet().await;
    patient(&mut t);
    let pairs = ids.into_iter().map(|id| (id, t.task_of(id).unwrap()));
    let pairs = pairs.collect();
    (t, pairs)
}

fn patient(t: &mut Bench) {
    let instance = t.instance.as_mut().unwrap();
    instance.engine.timing.gone_ms = 10 * MINUTE;
}

/// A cycle that nobody approves, and what it planned. Two, for whether a work item is still in the pair's scope shows in the
/// full listing after the one in which its task counts as deleted.
async fn unapproved(t: &Bench) -> (PairPlan, Report) {
    let mut last = None;
    for _ in 0..2 {
        let scope = Scope {
            full: true,
            ..Scope::default()
        };
        let observed = t.engine().observe(&scope).await.unwrap();
        let report = t.apply_with(&observed, &Consent::default()).await;
        last = Some((observed.plan().pairs[0].clone(), report));
    }
    last.unwrap()
}

fn stopped(report: &Report) -> bool {
    let mut stopped = report.stopped.iter();
    stopped.any(|(_, why)| *why == Stopped::Guard)
}

/// How many links still tie two items together.
fn living(t: &Bench, pairs: &[(i64, String)]) -> usize {
    let living = pairs.iter().filter(|(id, _)| t.link_state(*id).is_living());
    living.count()
}

#[tokio::test]
async fn tasks_that_vanish_one_by_one_delete_nothing_before_somebody_says_so() {
    for rule in ["unlink", "close", "delete"] {
        let (mut t, pairs) = board(rule, 5).await;
        let mut last = None;
        for round in 0..16 {
            if let Some((_, task)) = pairs.get(round) {
                t.world.clickup.delete(task).unwrap();
            }
            if round == 7 {
                t.open().await;
                patient(&mut t);
            }
            last = Some(unapproved(&t).await);
            t.world.clock.advance(65_000);
        }
        let (plan, report) = last.unwrap();
        assert!(stopped(&report), "{rule}: {:?}", report.outcomes);
        assert!(plan.tripped.iter().any(|one| one.what == Limit::Vanished));
        assert_eq!(living(&t, &pairs), 5, "{rule}");
        assert!(t.world.ado.deleted_ids().is_empty(), "{rule}");
    }
}

/// Slower than the wait, so that each one counts as deleted before the next one is gone.
#[tokio::test]
async fn tasks_that_vanish_a_quarter_of_an_hour_apart_leave_half_of_the_board() {
    let (t, pairs) = board("delete", 8).await;
    for (_, task) in &pairs {
        t.world.clickup.delete(task).unwrap();
        for _ in 0..3 {
            unapproved(&t).await;
            t.world.clock.advance(6 * MINUTE);
        }
    }
    let (plan, report) = unapproved(&t).await;
    assert!(stopped(&report), "{:?}", report.outcomes);
    let slow = plan.tripped.iter().find_map(|one| one.slow).unwrap();
    assert!(slow.ended > 0, "{slow:?}");
    // All of it happened within ten minutes of this machine's clock, so what one plan may delete is the limit.
    assert_eq!(living(&t, &pairs), 5);
}

/// The same on the other side, where the recycle bin proves each delete at once.
#[tokio::test]
async fn work_items_that_go_to_the_bin_one_by_one_are_no_whole_board() {
    let (t, pairs) = board("delete", 8).await;
    let mut report = None;
    for (id, _) in &pairs {
        t.world.ado.delete(*id);
        report = Some(unapproved(&t).await.1);
    }
    assert!(stopped(&report.unwrap()));
    assert_eq!(living(&t, &pairs), 5);
    assert_eq!(t.world.clickup.all_ids().len(), 5);
}

#[tokio::test]
async fn somebody_may_delete_two_of_three_without_being_asked() {
    let (t, pairs) = board("delete", 3).await;
    for (_, task) in &pairs[..2] {
        t.world.clickup.delete(task).unwrap();
        unapproved(&t).await;
        t.world.clock.advance(11 * MINUTE);
        let (_, report) = unapproved(&t).await;
        assert!(!stopped(&report), "{:?}", report.stopped);
    }
    assert_eq!(living(&t, &pairs), 1);
    // The last one is the whole board.
    t.world.clickup.delete(&pairs[2].1).unwrap();
    unapproved(&t).await;
    t.world.clock.advance(11 * MINUTE);
    assert!(stopped(&unapproved(&t).await.1));
    assert_eq!(living(&t, &pairs), 1);
}

/// Or clearing a board up would ask again for each item after the yes.
#[tokio::test]
async fn what_was_let_through_does_not_count_any_more() {
    let (t, pairs) = board("delete", 6).await;
    for (_, task) in &pairs[..5] {
        t.world.clickup.delete(task).unwrap();
    }
    unapproved(&t).await;
    t.world.clock.advance(11 * MINUTE);
    assert!(stopped(&unapproved(&t).await.1));
    assert_eq!(living(&t, &pairs), 6);
    // Approves whatever is planned.
    t.sweep().await;
    assert_eq!(living(&t, &pairs), 1);
    let more = t.linked("Task", &[]).await;
    t.world.clickup.delete(&more.1).unwrap();
    unapproved(&t).await;
    t.world.clock.advance(11 * MINUTE);
    let (_, report) = unapproved(&t).await;
    assert!(!stopped(&report), "{:?}", report.stopped);
    assert!(!t.link_state(more.0).is_living());
}

/// The guard told of tasks that are gone, and nobody was told how many work items had gone before.
#[tokio::test]
async fn a_yes_for_one_side_forgives_nothing_of_the_other() {
    let (t, pairs) = board("delete", 12).await;
    for (id, _) in &pairs[..2] {
        t.world.ado.delete(*id);
        unapproved(&t).await;
    }
    for (_, task) in &pairs[2..7] {
        t.world.clickup.delete(task).unwrap();
    }
    unapproved(&t).await;
    t.world.clock.advance(11 * MINUTE);
    assert!(stopped(&unapproved(&t).await.1));
    // Approves whatever is planned.
    t.sweep().await;
    assert_eq!(living(&t, &pairs), 5);
    // Half of the links may end within a day, and two had before the yes.
    for (at, (id, _)) in pairs[7..].iter().enumerate() {
        t.world.ado.delete(*id);
        let (_, report) = unapproved(&t).await;
        assert_eq!(stopped(&report), at >= 1, "{at}: {:?}", report.stopped);
    }
    assert_eq!(living(&t, &pairs), 4);
}

/// Whoever said yes to a plan that nothing stopped was not told how much had gone before.
#[tokio::test]
async fn a_yes_to_a_plan_that_no_guard_stopped_forgives_nothing() {
    let (t, pairs) = board("delete", 6).await;
    for (at, (_, task)) in pairs.iter().take(4).enumerate() {
        t.world.clickup.delete(task).unwrap();
        unapproved(&t).await;
        t.world.clock.advance(11 * MINUTE);
        if at < 3 {
            // Approves whatever is planned.
            t.sweep().await;
            assert_eq!(living(&t, &pairs), 5 - at);
        }
    }
    let (_, report) = unapproved(&t).await;
    assert!(stopped(&report), "{:?}", report.stopped);
    assert_eq!(living(&t, &pairs), 3);
}

/// Edits never wait for what only seems deleted.
#[tokio::test]
async fn an_edit_flows_while_tasks_seem_deleted() {
    let (t, pairs) = board("delete", 5).await;
    for (_, task) in &pairs[..4] {
        t.world.clickup.delete(task).unwrap();
    }
    unapproved(&t).await;
    let (id, task) = &pairs[4];
    t.ado(*id, TITLE, serde_json::json!("Edited meanwhile"));
    let (_, report) = unapproved(&t).await;
    assert!(!stopped(&report), "{:?}", report.stopped);
    assert_eq!(t.task(task)["name"], "Edited meanwhile");
}
