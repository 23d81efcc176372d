//! The claim on a pair's canary: one installation has it, and the others write nothing.

use super::bench::Bench;
use super::reconciling::hash_in;
use super::two_machines::{Machine, boards};
use boardsync::model::{Service, Side};
use boardsync::sandbox::faults::Fault;
use boardsync::sandbox::ledger::LedgerEntry;
use boardsync::sandbox::seed;
use boardsync::sandbox::world::PROJECT;
use serde_json::{Value, json};
use std::time::{Duration, Instant};

/// A bench whose pair has a work item as its canary that is outside the pair, before anything ran. Returns its number.
async fn with_canary() -> (Bench, i64) {
    let bench = Bench::new().await;
    let title = json!("boardsync lives here");
    let fields = [("System.Title", title)];
    let canary = bench
        .world
        .ado
        .create_item(PROJECT, "Epic", &fields)
        .unwrap();
    let line = format!("ado.canary = {canary}\nado.project");
    bench.replace_config("ado.project", &line);
    (bench, canary)
}

/// The same after a first run that claimed the pair and a second one that had nothing to do.
async fn claimed() -> (Bench, i64) {
    let (bench, canary) = with_canary().await;
    bench
        .run(&["reconcile", "--once", "--yes"])
        .await
        .left_with(0);
    bench.run(&["reconcile", "--once"]).await.left_with(0);
    (bench, canary)
}

/// Texts of the claims on a work item.
fn claims(bench: &Bench, canary: i64) -> Vec<String> {
    let item = bench.world.ado.item(canary).unwrap();
    let comments = item.relations.iter().map(|r| &r["attributes"]["comment"]);
    comments
        .filter_map(Value::as_str)
        .map(str::to_owned)
        .collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_first_machine_claims_the_canary_once_and_not_in_every_run() {
    let (bench, canary) = with_canary().await;
    bench
        .run(&["check"])
        .await
        .left_with(0)
        .says("carries no claim yet");
    bench.run(&["status"]).await.says("not claimed yet");
    // Nobody has said yes, so nothing is claimed either.
    bench.run(&["plan"]).await.left_with(0);
    bench.run(&["reconcile", "--once"]).await.left_with(4);
    assert_eq!(bench.world.ledger.writes(), []);
    bench
        .run(&["reconcile", "--once", "--yes"])
        .await
        .left_with(0);
    let made = claims(&bench, canary);
    assert_eq!(made.len(), 1, "{made:?}");
    assert!(made[0].starts_with("sxc1:web:"), "{made:?}");
    bench.run(&["reconcile", "--once"]).await.left_with(0);
    bench.world.ledger.clear();
    // As cron starts them: each a process of its own.
    for _ in 0..3 {
        bench.run(&["reconcile", "--once"]).await.left_with(0);
    }
    assert_eq!(bench.world.ledger.writes(), []);
    let reads = bench.world.ledger.entries();
    let looks = |entry: &LedgerEntry| entry.body.contains(&format!("\"ids\":[{canary}]"));
    assert!(
        !reads.iter().any(looks),
        "an idle run does not look: {reads:#?}"
    );
    bench.rename(bench.ids[1], "Edited");
    bench.run(&["reconcile", "--once"]).await.left_with(0);
    assert!(bench.titles().contains(&"Edited".to_owned()));
    assert_eq!(claims(&bench, canary), made);
    bench
        .run(&["check"])
        .await
        .left_with(0)
        .says("carries this installation's claim, number 1");
    bench.run(&["status"]).await.left_with(0).says("number 1");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_claimed_pair_stops_another_machine_until_it_is_taken_over_and_then_the_first() {
    let (bench, canary) = claimed().await;
    bench.add_story("New and unmarked");
    let second = Machine::new(&bench);
    bench.world.ledger.clear();
    let before = boards(&bench);
    second
        .run(&bench, &["reconcile", "--once", "--yes"])
        .await
        .left_with(4);
    second
        .run(&bench, &["check"])
        .await
        .left_with(0)
        .says("belongs to another boardsync");
    assert_eq!(bench.world.ledger.writes(), []);
    assert_eq!(boards(&bench), before);
    second
        .run(&bench, &["links", "takeover", "web"])
        .await
        .left_with(0)
        .says("it was claimed by")
        .says("claim number 2");
    assert_eq!(claims(&bench, canary).len(), 1);
    assert_eq!(bench.world.ledger.writes().len(), 1);
    bench.world.ledger.clear();
    bench
        .run(&["reconcile", "--once"])
        .await
        .left_with(4)
        .says("belongs to another boardsync");
    assert_eq!(bench.world.ledger.writes(), []);
    bench
        .run(&["status"])
        .await
        .left_with(3)
        .says("belongs to another boardsync");
    second
        .run(&bench, &["reconcile", "--once", "--yes"])
        .await
        .left_with(3);
    assert_eq!(bench.titles().len(), 6);
    // And back.
    bench
        .run(&["links", "takeover", "web"])
        .await
        .left_with(0)
        .says("claim number 3");
    bench.rename(bench.ids[1], "Edited");
    bench.run(&["reconcile", "--once"]).await;
    assert!(bench.titles().contains(&"Edited".to_owned()));
    assert_eq!(bench.titles().len(), 6);
}

/// The text that an older schema held was damaged: nobody but a person can say whose the pair is.
#[tokio::test(flavor = "multi_thread")]
async fn a_damaged_claim_is_told_and_a_takeover_mends_it() {
    let (bench, _) = claimed().await;
    let state = rusqlite::Connection::open(bench.folder.path().join("boardsync.db")).unwrap();
    let damage = "UPDATE claim SET held = NULL, wanted = NULL, damaged = '{'";
    state.execute_batch(damage).unwrap();
    drop(state);
    let told = "is damaged, so nobody can tell";
    bench.rename(bench.ids[1], "Edited");
    bench.world.ledger.clear();
    bench
        .run(&["reconcile", "--once"])
        .await
        .left_with(4)
        .says(told)
        .says("config.toml links takeover web`");
    assert_eq!(bench.world.ledger.writes(), []);
    bench.run(&["status"]).await.says(told);
    bench.run(&["check"]).await.says(told);
    bench.run(&["links", "takeover", "web"]).await.left_with(0);
    bench.run(&["reconcile", "--once"]).await.left_with(0);
    assert!(bench.titles().contains(&"Edited".to_owned()));
    bench.run(&["status"]).await.left_with(0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_copied_state_folder_is_stopped() {
    let (bench, canary) = claimed().await;
    let copy = Machine::copy(&bench);
    bench.add_story("New and unmarked");
    bench.world.ledger.clear();
    let before = boards(&bench);
    copy.run(&bench, &["reconcile", "--once"])
        .await
        .left_with(4)
        .says("from another machine or folder")
        .says("config.toml links takeover web");
    assert_eq!(bench.world.ledger.writes(), []);
    assert_eq!(boards(&bench), before);
    // The first one goes on, until the copy is given the pair; then its own claim is one that it knows nothing of.
    bench.run(&["reconcile", "--once"]).await.left_with(0);
    copy.run(&bench, &["links", "takeover", "web"])
        .await
        .left_with(0);
    assert_eq!(claims(&bench, canary).len(), 1);
    bench.rename(bench.ids[1], "Edited");
    bench.world.ledger.clear();
    bench
        .run(&["reconcile", "--once"])
        .await
        .left_with(4)
        .says("the state was copied");
    assert_eq!(bench.world.ledger.writes(), []);
}

#[tokio::test(flavor = "multi_thread")]
async fn of_two_machines_that_start_at_once_exactly_one_gets_the_claim() {
    let mut raced = 0;
    for round in 0..3 {
        let (bench, canary) = with_canary().await;
        let second = Machine::new(&bench);
        // Long enough on the way that both have read an item without a claim before either has put one there.
        let late = Fault::Delay { ms: 700 };
        let path = format!("workitems/{canary}?");
        bench.fault(Side::Ado, Some("PATCH"), &path, late, u32::MAX);
        let args = ["reconcile", "--once", "--yes"];
        let (one, two) = tokio::join!(bench.run(&args), second.run(&bench, &args));
        let mut codes = [one.code, two.code];
        codes.sort_unstable();
        assert_eq!(codes, [0, 4], "round {round}: {one:#?}\n{two:#?}");
        let loser = if one.code == 4 { &one } else { &two };
        let said = format!("{}{}", loser.out, loser.err);
        assert!(said.contains("belongs to another boardsync"), "{said}");
        assert_eq!(claims(&bench, canary).len(), 1);
        assert_eq!(bench.titles().len(), 5, "no twin");
        let refused = |entry: &LedgerEntry| entry.path.contains(&path) && entry.status == 412;
        raced += bench
            .world
            .ledger
            .entries()
            .iter()
            .filter(|e| refused(e))
            .count();
    }
    assert!(raced > 0, "the two never met");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lost_answer_to_the_claim_locks_nobody_out() {
    for (fault, times) in [
        (Fault::DropAfterApply, 1),
        (Fault::DropAfterApply, u32::MAX),
        (Fault::TruncateBody, 1),
        (Fault::TruncateBody, u32::MAX),
        (super::bench::status(200, &[]), 1),
    ] {
        let (bench, canary) = with_canary().await;
        let path = format!("workitems/{canary}?");
        let said = format!("{fault:?} {times}");
        bench.fault(Side::Ado, Some("PATCH"), &path, fault, times);
        let args = ["reconcile", "--once", "--yes"];
        let ran = bench.run(&args).await;
        assert!(ran.code == 0, "{said}: {ran:#?}");
        assert_eq!(claims(&bench, canary).len(), 1, "{said}");
        bench.world.faults.clear();
        bench.run(&["reconcile", "--once"]).await.left_with(0);
        assert_eq!(bench.titles().len(), 5, "{said}");
    }
}

/// The takeover reaches the first one in the middle of a plan that would take it much longer.
#[tokio::test(flavor = "multi_thread")]
async fn a_long_plan_ends_soon_after_the_pair_was_taken_over() {
    let (bench, canary) = with_canary().await;
    seed::ado_tasks(&bench.world.ado, PROJECT, 95).unwrap();
    let slow = Fault::Delay { ms: 250 };
    bench.fault(Side::ClickUp, Some("POST"), "/task", slow, u32::MAX);
    let second = Machine::new(&bench);
    let taken = async {
        let start = Instant::now();
        while bench.titles().len() < 3 {
            assert!(start.elapsed() < Duration::from_secs(20), "nothing came");
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        second.run(&bench, &["links", "takeover", "web"]).await
    };
    let (first, taken) = tokio::join!(bench.run(&["reconcile", "--once", "--yes"]), taken);
    taken.left_with(0).says("some seconds into a running one");
    first
        .left_with(4)
        .says("stopped before its end")
        .says("belongs to another boardsync");
    let made = bench.titles().len();
    assert!((3..60).contains(&made), "{made} of 100");
    assert!(claims(&bench, canary)[0].contains(":2:"));
    // What was left undone is done after the way back, and nothing twice.
    bench.world.faults.clear();
    bench.run(&["links", "takeover", "web"]).await.left_with(0);
    // The rest is more than the guard lets through without a look.
    let hash = hash_in(&bench.run(&["reconcile", "--once"]).await.left_with(4).out);
    bench
        .run(&["reconcile", "--once", "--approve", &hash])
        .await
        .left_with(0);
    bench.run(&["reconcile", "--once"]).await.left_with(0);
    assert_eq!(bench.titles().len(), 100);
}

#[tokio::test(flavor = "multi_thread")]
async fn another_canary_in_the_configuration_is_claimed_as_well() {
    let (bench, canary) = claimed().await;
    let other = bench.add_story("Another canary");
    let (from, to) = (
        format!("ado.canary = {canary}"),
        format!("ado.canary = {other}"),
    );
    bench.replace_config(&from, &to);
    bench.run(&["reconcile", "--once", "--yes"]).await;
    let made = claims(&bench, other);
    assert!(
        made.iter().any(|text| text.starts_with("sxc1:web:")),
        "{made:?}"
    );
}

/// Killed at every edge of a commit from the first start up to the first create, with nothing done by hand between.
#[cfg(debug_assertions)]
#[tokio::test(flavor = "multi_thread")]
async fn a_kill_around_the_claim_locks_nobody_out() {
    let (mut before, mut after) = (0, 0);
    for edge in 1..60_u32 {
        let (bench, canary) = with_canary().await;
        let mut command = bench.command(&["reconcile", "--once", "--yes"]);
        command.env("BOARDSYNC_DIE_AT_COMMIT", edge.to_string());
        super::bench::end(command).await;
        let created = |entry: &LedgerEntry| entry.service == Service::ClickUp && entry.is_write();
        if bench.world.ledger.entries().iter().any(created) {
            break;
        }
        match claims(&bench, canary).len() {
            0 => before += 1,
            _ => after += 1,
        }
        let wait = "[schedule]\nquiet_time = \"1s\"\n\n[[pair]]";
        bench.replace_config("[[pair]]", wait);
        let mut code = -1;
        let start = Instant::now();
        while code != 0 && start.elapsed() < Duration::from_secs(20) {
            code = bench.run(&["reconcile", "--once", "--yes"]).await.code;
            assert!(code == 0 || code == 3, "edge {edge}: {code}");
        }
        assert_eq!(code, 0, "edge {edge}");
        assert_eq!(claims(&bench, canary).len(), 1, "edge {edge}");
        assert_eq!(bench.titles().len(), 5, "edge {edge}");
    }
    assert!(before > 0 && after > 0, "{before} before, {after} after");
}

#[tokio::test(flavor = "multi_thread")]
async fn claims_and_takeovers_are_in_the_history_and_no_undo_minds_them() {
    let (bench, canary) = with_canary().await;
    bench
        .run(&["reconcile", "--once", "--yes"])
        .await
        .left_with(0);
    bench
        .run(&["links", "takeover", "web"])
        .await
        .left_with(0)
        .says("it was claimed by");
    bench
        .run(&["history", &canary.to_string()])
        .await
        .left_with(0)
        .says("number 1")
        .says("number 2 taken over by hand from");
    bench.run(&["status"]).await.says("number 2");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_canary_that_cannot_be_claimed_keeps_everything_from_being_written() {
    let (bench, canary) = with_canary().await;
    let path = format!("workitems/{canary}?");
    let refused = super::bench::status(403, &[]);
    bench.fault(Side::Ado, Some("PATCH"), &path, refused, 1);
    bench
        .run(&["reconcile", "--once", "--yes"])
        .await
        .left_with(4)
        .says("cannot be claimed");
    assert_eq!(bench.titles().len(), 0);
    // It may pass by itself.
    bench
        .run(&["reconcile", "--once", "--yes"])
        .await
        .left_with(0);
    assert_eq!(bench.titles().len(), 5);
}
