//! How a claim on a pair grows old: when it is renewed, and what a renewal does to a copy of the state.

use crate::sync_rules::bench::*;
use boardsync::clock::ManualClock;
use boardsync::engine::apply::Stopped;
use boardsync::sandbox::world::PROJECT;
use serde_json::{Value, json};
use std::sync::Arc;

const HOUR_MS: i64 = 3_600_000;

/// A bench with a linked item and a canary that is not in the pair. Returns both work items.
async fn claimed() -> (Bench, i64, i64) {
    let mut t = bench("").await;
    let fields = [(TITLE, json!("boardsync lives here"))];
    let canary = t.world.ado.create_item(PROJECT, "Epic", &fields).unwrap();
    let text = std::fs::read_to_string(&t.path).unwrap();
    let line = format!("ado.canary = {canary}\nado.project");
    std::fs::write(&t.path, text.replacen("ado.project", &line, 1)).unwrap();
    t.open().await;
    let (id, _) = t.linked("Task", &[(TITLE, json!("Some work"))]).await;
    t.quiet().await;
    (t, id, canary)
}

/// Number of the one claim on a work item.
fn number(t: &Bench, canary: i64) -> String {
    let item = t.world.ado.item(canary).unwrap();
    let comments = item.relations.iter().map(|r| &r["attributes"]["comment"]);
    let all: Vec<&str> = comments.filter_map(Value::as_str).collect();
    assert_eq!(all.len(), 1, "{all:?}");
    all[0].split(':').nth(3).unwrap().to_owned()
}

/// Stands the clock of the instance still, this far from now.
fn clock(t: &mut Bench, ms: i64) -> ManualClock {
    let engine = &mut t.instance.as_mut().unwrap().engine;
    let clock = ManualClock::new(engine.clock.now().plus_ms(ms));
    engine.clock = Arc::new(clock.clone());
    clock
}

fn taken(stopped: &[(boardsync::model::PairName, Stopped)], part: &str) {
    let [(_, Stopped::Taken(why))] = stopped else {
        panic!("{stopped:?}");
    };
    assert!(why.contains(part), "{why}");
}

#[tokio::test]
async fn a_claim_is_renewed_twice_a_day_and_after_the_clock_was_set_back() {
    let (mut t, _, canary) = claimed().await;
    assert_eq!(number(&t, canary), "1");
    let clock = clock(&mut t, 11 * HOUR_MS);
    t.quiet().await;
    assert_eq!(number(&t, canary), "1");
    clock.advance(2 * HOUR_MS);
    t.world.ledger.clear();
    let (_, report) = t.cycle().await;
    assert!(report.stopped.is_empty(), "{:?}", report.stopped);
    assert_eq!(number(&t, canary), "2");
    assert_eq!(t.world.ledger.writes().len(), 1, "the claim and no more");
    t.quiet().await;
    clock.advance(-5 * HOUR_MS);
    t.cycle().await;
    assert_eq!(number(&t, canary), "3");
    t.quiet().await;
}

#[tokio::test]
async fn a_state_from_before_the_last_renewal_stops_and_writes_nothing() {
    let (mut t, id, canary) = claimed().await;
    let names = ["boardsync.db", "boardsync.db-wal", "boardsync.db-shm"];
    t.instance = None;
    let folder = t.folder.path().to_owned();
    let before = names.map(|name| std::fs::read(folder.join(name)).ok());
    t.open().await;
    clock(&mut t, 13 * HOUR_MS);
    t.cycle().await;
    assert_eq!(number(&t, canary), "2");
    // A cloned machine, or a backup: the same place, and an older claim.
    t.instance = None;
    for (name, bytes) in names.iter().zip(before) {
        let _ = std::fs::remove_file(folder.join(name));
        if let Some(bytes) = bytes {
            std::fs::write(folder.join(name), bytes).unwrap();
        }
    }
    t.open().await;
    t.ado(id, TITLE, json!("Edited"));
    t.world.ledger.clear();
    let (_, report) = t.sweep().await;
    taken(&report.stopped, "no record of (number 1 is the last");
    assert!(t.world.ledger.writes().is_empty());
    t.take_over().await;
    assert_eq!(number(&t, canary), "3");
    let (_, report) = t.sweep().await;
    assert!(report.stopped.is_empty(), "{:?}", report.stopped);
}

/// Example: the text that version 7 of the schema held was damaged. Whether the claim on the canary is ours, only a person
/// can say then.
#[tokio::test]
async fn a_damaged_claim_stops_its_pair_until_a_person_takes_it_over() {
    let (mut t, id, canary) = claimed().await;
    t.instance = None;
    let database = rusqlite::Connection::open(t.folder.path().join("boardsync.db")).unwrap();
    database
        .execute_batch("UPDATE claim SET held = NULL, wanted = NULL, damaged = '{'")
        .unwrap();
    drop(database);
    t.open().await;
    t.ado(id, TITLE, json!("Edited"));
    t.world.ledger.clear();
    let (_, report) = t.cycle().await;
    let [(_, Stopped::Canary(why))] = &report.stopped[..] else {
        panic!("{:?}", report.stopped);
    };
    assert!(why.contains("`boardsync links takeover web`"), "{why}");
    assert!(t.world.ledger.writes().is_empty());
    t.take_over().await;
    assert_eq!(number(&t, canary), "2");
    let (_, report) = t.cycle().await;
    assert!(report.stopped.is_empty(), "{:?}", report.stopped);
    t.quiet().await;
}
