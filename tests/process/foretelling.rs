//! What a plan says is what its cycle does: it counts nothing that the cycle ends, and promises nothing that a service is known not to
//! have.

use super::bench::{Bench, Ran};
use boardsync::model::Side;
use serde_json::json;

#[track_caller]
fn lacks(ran: &Ran, text: &str) {
    let joined = ran.out.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(!joined.contains(text), "{text:?}\n{}", ran.out);
}

/// A task whose title Azure DevOps does not take is held, and got its old title back since.
async fn held_and_mended() -> Bench {
    let bench = Bench::equal().await;
    let title = "Guest can enter an address";
    let task = bench.task_named(title);
    let name = |name: &str| json!({ "name": name });
    let clickup = &bench.world.clickup;
    clickup.edit(&task, &name(&"x".repeat(300))).unwrap();
    bench.run(&["reconcile", "--once"]).await.left_with(3);
    clickup.edit(&task, &name(title)).unwrap();
    bench
}

#[tokio::test(flavor = "multi_thread")]
async fn a_plan_counts_no_hold_that_its_own_cycle_ends() {
    let bench = held_and_mended().await;
    bench.run(&["status"]).await.left_with(3).says("held");
    let plan = bench.run(&["plan"]).await.left_with(0);
    lacks(&plan, "held");
    lacks(&plan, "from before");
    let json = bench.run(&["plan", "--json"]).await.left_with(0).json();
    assert_eq!(json["pairs"][0]["from_before"]["holds"], json!([]));
    bench.run(&["reconcile", "--once"]).await.left_with(0);
    bench.run(&["status"]).await.left_with(0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_plan_counts_no_conflict_that_its_own_cycle_ends() {
    let bench = Bench::contested(&json!({"name": "Theirs"})).await;
    bench.run(&["plan"]).await.says("conflict 1");
    bench.rename(bench.ids[3], "Theirs");
    let plan = bench.run(&["plan"]).await.left_with(0);
    lacks(&plan, "conflict");
    bench.run(&["reconcile", "--once"]).await.left_with(0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_saved_plan_shows_what_was_open_beside_it_as_the_plan_did() {
    let bench = Bench::contested(&json!({"name": "Theirs"})).await;
    let task = bench.task_named("Guest gets a receipt by mail");
    let long = json!({ "name": "x".repeat(300) });
    bench.world.clickup.edit(&task, &long).unwrap();
    bench.run(&["reconcile", "--once"]).await.left_with(3);
    bench.rename(bench.ids[1], "Renamed");
    let made = bench.run(&["plan", "--out", "p"]).await.left_with(0);
    let made = made
        .says("open 1 conflict, 1 held")
        .says("conflict 1: title");
    let shown = bench.run(&["plan", "show", "p"]).await.left_with(0);
    let (_, shown) = shown.out.split_once("\n\n").unwrap();
    // Only the last hint names the file in another way.
    let first = |text: &str| text.lines().take(12).map(str::to_owned).collect::<Vec<_>>();
    assert_eq!(first(shown), first(&made.out));
    let json = bench.run(&["plan", "show", "p", "--json"]).await.json();
    let before = &json["pairs"][0]["from_before"];
    assert_eq!(before["conflicts"][0]["id"], 1, "{before}");
    assert_eq!(before["holds"][0]["item"], task.as_str(), "{before}");
    bench.run(&["apply", "p"]).await.left_with(3);
    assert!(bench.titles().contains(&"Renamed".to_owned()));
}

/// Grace has no account in ClickUp, and no row names another address of hers.
#[tokio::test(flavor = "multi_thread")]
async fn a_plan_promises_nobody_whom_clickup_does_not_have() {
    let bench = Bench::new().await;
    bench.replace_config(", [\"grace@contoso.example\", \"bo@example.com\"]", "");
    let plan = bench.run(&["plan"]).await.left_with(0);
    let plan = plan
        .says("not carried over: Grace Murray has no counterpart in ClickUp")
        .says("add [\"grace@contoso.example\", \"...\"] to `people` of the pair");
    lacks(&plan, "assignees: Grace");
    lacks(&plan, "Ada Byron has no counterpart");
    bench.run(&["plan", "--out", "p"]).await.left_with(0);
    let shown = bench.run(&["plan", "show", "p"]).await.left_with(0);
    shown.says("Grace Murray has no counterpart in ClickUp");
    assert_eq!(bench.world.ledger.writes(), []);

    let bench = Bench::equal().await;
    bench.replace_config(", [\"grace@contoso.example\", \"bo@example.com\"]", "");
    bench.run(&["reconcile", "--once", "--yes"]).await;
    let lead = [("System.AssignedTo", json!("grace@contoso.example"))];
    let edited = bench
        .world
        .ado
        .edit(bench.ids[1], &lead, "ada@contoso.example");
    edited.unwrap();
    let plan = bench.run(&["plan"]).await.left_with(0);
    let plan = plan.says("not carried over: Grace Murray has no counterpart in ClickUp");
    lacks(&plan, "(assigned in Azure DevOps)");
}

/// A Task of the process has no state Resolved, which is the first that goes with the status.
#[tokio::test(flavor = "multi_thread")]
async fn a_plan_promises_no_state_that_a_type_of_work_items_does_not_have() {
    let bench = Bench::equal().await;
    let task = bench.task_named("Validate postcodes");
    let status = json!({"status": "in review"});
    bench.world.clickup.edit(&task, &status).unwrap();
    let plan = bench.run(&["plan"]).await.left_with(0);
    let plan = plan
        .says("not carried over: ADO type \"Task\" has no state \"Resolved\"")
        .says("put [\"...\", \"in review\"] with a state that it has before the other rows");
    lacks(&plan, "-> Resolved");
    let row = "states = [";
    bench.replace_config(row, &format!("{row}[\"Closed\", \"in review\"], "));
    let plan = bench.run(&["plan"]).await.left_with(0);
    lacks(&plan, "not carried over");
    plan.says("-> Closed");
}

/// What a service cannot be asked is no reason to say anything.
#[tokio::test(flavor = "multi_thread")]
async fn a_plan_whose_people_cannot_be_asked_for_is_shown_all_the_same() {
    let bench = Bench::new().await;
    bench.run(&["check"]).await.left_with(0);
    let fault = super::bench::status(500, &[]);
    bench.fault(Side::ClickUp, Some("GET"), "/api/v2/team?", fault, 100);
    let plan = bench.run(&["plan"]).await.left_with(0);
    lacks(&plan, "not carried over");
}

#[tokio::test(flavor = "multi_thread")]
async fn json_says_of_a_pair_that_runs_that_it_ran_before() {
    let bench = Bench::new().await;
    let pair = |ran: Ran| ran.json()["pairs"][0].clone();
    let first = pair(bench.run(&["plan", "--json"]).await);
    assert_eq!(
        (&first["first_contact"], &first["ran_before"]),
        (&json!(true), &json!(false))
    );
    bench
        .run(&["reconcile", "--once", "--yes"])
        .await
        .left_with(0);
    let second = pair(bench.run(&["plan", "--json"]).await);
    assert_eq!(
        (&second["first_contact"], &second["ran_before"]),
        (&json!(false), &json!(true))
    );
}

/// Of a task that people made nothing tells that it had a counterpart once.
#[tokio::test(flavor = "multi_thread")]
async fn a_plan_after_a_lost_database_says_what_becomes_of_items_whose_counterpart_was_deleted() {
    let bench = Bench::equal().await;
    for name in ["boardsync.db", "boardsync.db-wal", "boardsync.db-shm"] {
        let _ = std::fs::remove_file(bench.folder.path().join(name));
    }
    bench.add_story("Without a marker");
    let plan = bench.run(&["plan"]).await.left_with(0);
    plan.says("nothing is created for")
        .says("each of these that carries no marker gets a counterpart")
        .says("delete such an item as well, or take it out of the scope");
}

/// One item is out of the scope and another one of a type that is not mapped: both are left alone.
#[tokio::test(flavor = "multi_thread")]
async fn status_and_verify_count_what_is_left_alone_alike() {
    let bench = Bench::equal().await;
    bench.replace_config("IN ('User Story','Task','Bug')", "<> 'Task'");
    let yes = ["reconcile", "--once", "--full", "--yes"];
    bench.run(&yes).await.left_with(3);
    let status = bench.run(&["status", "--json"]).await.left_with(3).json();
    let held = status["pairs"][0]["holds"].as_u64().unwrap();
    assert!(held >= 2, "{status}");
    let verify = bench.run(&["verify"]).await.left_with(3);
    let verify = verify
        .says(&format!("{held} held"))
        .says("held: no longer in the pair's scope in ADO")
        .says("held: ADO type \"Feature\" is not mapped");
    lacks(&verify, "out of scope");
    let plan = bench.run(&["plan", "--full"]).await.left_with(0);
    plan.says(&format!("{held} held"));
}

/// What an undo leaves alone is no hold of the pair, and of an item that was linked twice it is said once.
#[tokio::test(flavor = "multi_thread")]
async fn an_undo_says_once_what_it_leaves_and_how_many_fields_will_differ() {
    let bench = Bench::equal().await;
    let id = bench.ids[4].to_string();
    let task = bench.task_named("Country list is empty in Safari");
    bench.rename(bench.ids[4], "One");
    bench.run(&["reconcile", "--once"]).await.left_with(0);
    let removed = bench.run(&["links", "remove", &id]).await.left_with(0);
    removed.says("No cycle links them again as long as the database is there");
    let add = ["links", "add", "web", &id, &task];
    bench.run(&add).await.left_with(0);
    bench.run(&["reconcile", "--once"]).await.left_with(0);
    bench.rename(bench.ids[4], "Two");
    bench.run(&["reconcile", "--once"]).await.left_with(0);
    let undo = ["undo", &id, "--dry-run"];
    let undone = bench.run(&undo).await.left_with(3);
    undone
        .says("1 update, 1 left as it is")
        .says("The two sides will differ in 1 field, which becomes an open conflict");
    bench.world.clickup.delete(&task).unwrap();
    let undone = bench.run(&undo).await.left_with(3);
    let undone = undone.says("nothing to write, 1 left as it is");
    lacks(&undone, "held");
    assert_eq!(
        undone.out.matches("ClickUp deleted it").count(),
        1,
        "{}",
        undone.out
    );
}
