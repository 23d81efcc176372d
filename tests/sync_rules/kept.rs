//! Rules whose breach would lose or delete something and shows only in rare circumstances: what a sweep, a clock, a
//! mapping or a half-done action may and may not conclude.

use crate::bench::*;
use boardsync::clock::ManualClock;
use boardsync::engine::apply::Stopped;
use boardsync::model::{Clock as _, Side};
use boardsync::sandbox::faults::{Fault, FaultRule};
use boardsync::sandbox::world::World;
use boardsync::store::LinkState;
use serde_json::json;
use std::sync::Arc;

const ALWAYS: u32 = u32::MAX;
const HOUR: i64 = 3_600_000;

fn refuse(t: &Bench, service: Side, method: &str, path: &str) {
    fail(t, 400, service, method, path);
}

fn fail(t: &Bench, status: u16, service: Side, method: &str, path: &str) {
    t.world.faults.add(FaultRule {
        service,
        method: Some(method.to_owned()),
        path_contains: path.to_owned(),
        fault: Fault::Status {
            status,
            body: r#"{"err":"made up","ECODE":"TEST_000","message":"TF401320: made up","typeKey":"RuleValidationException"}"#.to_owned(),
            content_type: "application/json".to_owned(),
            headers: Vec::new(),
        },
        skip: 0,
        times: ALWAYS,
    });
}

/// Puts the local clock of the running instance `ms` away from the true time, where it stands still.
fn set_clock(t: &mut Bench, ms: i64) -> ManualClock {
    let engine = &mut t.instance.as_mut().unwrap().engine;
    let clock = ManualClock::new(boardsync::clock::SystemClock.now().plus_ms(ms));
    engine.clock = Arc::new(clock.clone());
    clock
}

#[tokio::test]
async fn a_failed_close_keeps_the_link_and_is_tried_again() {
    let t = bench("on_delete = \"close\"").await;
    let (id, task) = t.linked("Task", &[]).await;
    refuse(&t, Side::ClickUp, "PUT", &format!("/task/{task}"));
    t.world.ado.delete(id);
    t.sweep().await;
    assert_eq!(t.status(&task), "to do");
    assert!(
        !matches!(t.link_state(id), LinkState::Tombstone { .. }),
        "a link whose close failed is the only memory that there is something to close"
    );
    assert!(!t.holds().is_empty(), "the failure is told");
    t.world.faults.clear();
    let clock = ManualClock::new(boardsync::clock::SystemClock.now().plus_ms(HOUR));
    let mut t = t;
    t.instance.as_mut().unwrap().engine.clock = Arc::new(clock);
    t.sweep().await;
    assert_eq!(t.status(&task), "complete");
    assert!(matches!(t.link_state(id), LinkState::Tombstone { .. }));
}

/// Of ten linked pairs three cannot be seen in their list any more: one known item must be readable before anything of
/// that is believed. Of two (a fifth) it need not be.
#[tokio::test]
async fn a_known_item_is_read_when_more_than_a_fifth_is_missing() {
    for (gone, believed) in [(2, true), (3, false)] {
        let t = bench("").await;
        let mut tasks = Vec::new();
        for _ in 0..10 {
            t.create("Task", &[]);
        }
        t.cycle().await;
        t.quiet().await;
        for id in t.world.ado.all_ids() {
            tasks.push(t.task_of(id).unwrap());
        }
        for task in &tasks[..gone] {
            t.world.clickup.move_to_list(task, "901100000003").unwrap();
        }
        // The newest link that is not in doubt is the one that is read.
        t.world.faults.add(FaultRule {
            service: Side::ClickUp,
            method: Some("GET".to_owned()),
            path_contains: format!("/task/{}", tasks[9]),
            fault: Fault::Status {
                status: 401,
                body: r#"{"err":"no access","ECODE":"ACCESS_083"}"#.to_owned(),
                content_type: "application/json".to_owned(),
                headers: Vec::new(),
            },
            skip: 0,
            times: ALWAYS,
        });
        let (_, report) = t.sweep().await;
        let stopped = matches!(&report.stopped[..], [(_, Stopped::Canary(_))]);
        assert_eq!(!stopped, believed, "{gone} of 10: {:?}", report.stopped);
    }
}

/// The clock was a year ahead when everything was listed and when an item failed. Once it is right again, neither the
/// next sweep nor the next try may wait for that year.
#[tokio::test]
async fn a_clock_that_was_ahead_delays_neither_a_sweep_nor_a_retry() {
    let mut t = bench("").await;
    let (id, task) = t.linked("Task", &[]).await;
    set_clock(&mut t, 365 * 24 * HOUR);
    fail(&t, 500, Side::ClickUp, "PUT", &format!("/task/{task}"));
    t.ado(id, TITLE, json!("Renamed"));
    t.sweep().await;
    assert!(t.holds().iter().any(|hold| hold.retry_at.is_some()));
    t.world.faults.clear();
    set_clock(&mut t, 0);
    let (observed, _) = t.cycle().await;
    assert!(!observed.swept.is_empty(), "a sweep is due at once");
    assert_eq!(t.task(&task)["name"], "Renamed");
    assert_eq!(t.holds(), []);
}

/// What held an item is gone as soon as its cause is, and not at the next sweep hours later.
#[tokio::test]
async fn a_hold_ends_with_its_cause_and_waits_for_no_sweep() {
    let t = bench("").await;
    t.linked("Task", &[]).await;
    refuse(&t, Side::ClickUp, "POST", "/task");
    let id = t.create("Task", &[(TITLE, json!("Not taken"))]);
    t.cycle().await;
    assert_eq!(t.holds().len(), 1);
    t.world.faults.clear();
    t.ado(id, TITLE, json!("Taken"));
    let (observed, _) = t.cycle().await;
    assert!(observed.swept.is_empty(), "this is about a delta");
    assert!(t.task_of(id).is_some());
    assert_eq!(t.holds(), []);
}

/// An item that was refused waits longer and longer, and in the end for a person. Another mapping is what a person does
/// about it, so the failures of the old one no longer count.
#[tokio::test]
async fn failures_under_another_mapping_do_not_count() {
    let mut t = bench("").await;
    let (id, task) = t.linked("Task", &[]).await;
    refuse(&t, Side::ClickUp, "PUT", &format!("/task/{task}"));
    t.ado(id, TITLE, json!("Renamed"));
    for _ in 0..6 {
        t.sweep().await;
    }
    t.world.faults.clear();
    t.sweep().await;
    assert_ne!(t.task(&task)["name"], "Renamed", "it waits");
    let pair = format!("{}create = \"ado\"\n", World::example_pair());
    t.path = t.world.write_config(t.folder.path(), &pair).unwrap();
    t.open().await;
    t.cycle().await;
    assert_eq!(t.task(&task)["name"], "Renamed");
    assert_eq!(t.holds(), []);
}

/// ClickUp tests no version, so a write stands on a read of the last second. A clock that was set back since makes that
/// read's age negative: then nobody knows how old it is, and the task is read again right before the write.
#[tokio::test]
async fn a_read_from_before_the_clock_was_set_back_is_no_ground_for_a_write() {
    for (ms, again) in [(0, false), (-HOUR, true)] {
        let mut t = bench("").await;
        let (id, task) = t.linked("Task", &[]).await;
        let clock = set_clock(&mut t, 0);
        t.ado(id, TITLE, json!("Renamed"));
        let observed = {
            let instance = t.instance.as_ref().unwrap();
            instance
                .engine
                .observe(&boardsync::engine::Scope::default())
                .await
                .unwrap()
        };
        clock.set(clock.now().plus_ms(ms));
        t.world.ledger.clear();
        t.apply(&observed).await;
        let read = format!("/task/{task}");
        let entries = t.world.ledger.entries();
        let put = entries
            .iter()
            .position(|entry| entry.method == "PUT")
            .expect("it is written");
        let reads = entries[..put]
            .iter()
            .filter(|entry| entry.method == "GET" && entry.path.contains(&read));
        assert_eq!(
            reads.count() > 0,
            again,
            "clock set by {ms} ms: {entries:#?}"
        );
    }
}
