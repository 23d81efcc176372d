//! How a conflict, a choice in one and an undo stand is told as it is, also where a service refused what was to be written.

use super::bench::{Bench, Ran};
use serde_json::json;

/// What the people of the sandbox call the item of most tests. It is a Task, a type that has no state "Resolved" in Azure
/// DevOps; "in review" in ClickUp stands for that.
const ITEM: &str = "Validate postcodes";

fn lacks(ran: &Ran, text: &str) {
    assert!(!ran.out.contains(text), "{text:?}\n{}", ran.out);
}

fn move_task(bench: &Bench, to: &str) {
    let task = bench.task_named(ITEM);
    let edit = json!({ "status": to });
    bench.world.clickup.edit(&task, &edit).unwrap();
}

fn move_item(bench: &Bench, to: &str) {
    let changes = [("System.State", json!(to))];
    let ado = &bench.world.ado;
    ado.edit(bench.ids[3], &changes, "ada@contoso.example")
        .unwrap();
}

/// Undoes the newest run that wrote something.
async fn undo_last(bench: &Bench, code: i32) -> Ran {
    let runs = bench.run(&["undo", "--json"]).await.left_with(0).json();
    let run = runs["runs"][0]["run"].as_str().unwrap().to_owned();
    bench.run(&["undo", &run, "--yes"]).await.left_with(code)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_conflict_that_an_undo_left_does_not_end_as_agreed_where_the_next_edit_is_refused() {
    let bench = Bench::equal().await;
    move_task(&bench, "in progress");
    bench.run(&["reconcile", "--once"]).await.left_with(0);
    undo_last(&bench, 3).await;
    move_task(&bench, "in review");
    let ran = bench.run(&["reconcile", "--once"]).await.left_with(3);
    ran.says("1 open conflict, 1 held");
    let all = bench.run(&["conflicts", "--all"]).await.left_with(0);
    lacks(&all, "agree");
    all.says("over: replaced by a").says("1 open");
    let shown = bench.run(&["conflicts", "show", "1"]).await.left_with(0);
    shown
        .says("a newer conflict of the same field took its place")
        .says("conflicts show 2");
    // The newer one has the values of today, so it can be settled.
    let newer = bench.run(&["conflicts", "show", "2"]).await.left_with(0);
    newer
        .says("ADO           New")
        .says("ClickUp       in review");
    bench.open_and_quiet().await;
    let args = ["conflicts", "resolve", "2", "--take", "ado"];
    bench.run(&args).await.left_with(0);
    bench.run(&["reconcile", "--once"]).await.left_with(0);
    let task = bench.task_named(ITEM);
    let task = bench.world.clickup.task(&task).unwrap();
    assert_eq!(task["status"]["status"], "to do");
    bench.run(&["status"]).await.left_with(0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_choice_whose_write_is_refused_is_told_as_held_and_taken_back_the_conflict_is_open() {
    let bench = Bench::equal().await;
    bench.replace_config("name = \"web\"", "name = \"web\"\nconflict = \"hold\"");
    move_item(&bench, "Active");
    move_task(&bench, "in review");
    let ran = bench.run(&["reconcile", "--once", "--yes"]).await;
    ran.left_with(3);
    let args = ["conflicts", "resolve", "1", "--take", "clickup"];
    bench.run(&args).await.left_with(0);
    let status = bench.run(&["status"]).await;
    status.says("1 conflict is chosen: the next cycle carries that out");
    let ran = bench.run(&["reconcile", "--once"]).await.left_with(3);
    // Whoever chose is not asked to choose again.
    lacks(&ran, "open conflict");

    let status = bench.run(&["status"]).await.left_with(3);
    lacks(&status, "the next cycle carries");
    status.says("1 conflict is chosen: that could not be carried out and is held");
    let status = bench.run(&["--quiet", "status"]).await.left_with(3);
    assert!(
        !status.err.contains("waits for the next cycle"),
        "{}",
        status.err
    );
    status.says("1 choice in a conflict is held");
    let shown = bench.run(&["conflicts", "show", "1"]).await.left_with(0);
    lacks(&shown, "the next cycle");
    shown
        .says("and is held: ADO type \"Task\" has no state \"Resolved\"")
        .says("--withdraw");

    let args = ["conflicts", "resolve", "1", "--withdraw"];
    let back = bench.run(&args).await.left_with(0);
    back.says("the conflict is open again");
    bench.run(&["reconcile", "--once"]).await.left_with(3);
    let all = bench.run(&["conflicts", "--all", "--json"]).await.json();
    let rows = all["conflicts"].as_array().unwrap();
    assert_eq!(rows.len(), 1, "it keeps its number: {rows:?}");
    assert_eq!(rows[0]["state"], "open", "{rows:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_undo_of_an_undo_counts_no_conflict_that_it_has_ended() {
    let bench = Bench::equal().await;
    bench.rename(bench.ids[1], "Renamed by mistake");
    bench.run(&["reconcile", "--once"]).await.left_with(0);
    undo_last(&bench, 3)
        .await
        .says("1 updated, 1 open conflict");
    let undone = undo_last(&bench, 0).await;
    lacks(&undone, "open conflict");
    undone.says("web: 1 updated\n");
    bench
        .run(&["conflicts"])
        .await
        .says("no open conflicts; 1 settled");
}

#[tokio::test(flavor = "multi_thread")]
async fn verify_does_not_say_of_two_values_that_were_never_equal_that_both_were_edited() {
    let bench = Bench::equal().await;
    for name in ["boardsync.db", "boardsync.db-wal", "boardsync.db-shm"] {
        let _ = std::fs::remove_file(bench.folder.path().join(name));
    }
    move_item(&bench, "Active");
    bench
        .run(&["reconcile", "--once", "--yes"])
        .await
        .left_with(0);
    // No cycle has looked at it yet, so there is nothing to settle.
    bench.run(&["conflicts"]).await.says("no conflicts");
    let verify = bench.run(&["verify"]).await.left_with(3);
    lacks(&verify, "changed on both sides");
    verify
        .says("never known to be equal")
        .says("the next cycle lists it");
    bench.run(&["reconcile", "--once"]).await.left_with(3);
    let verify = bench.run(&["verify"]).await.left_with(3);
    lacks(&verify, "the next cycle");
    verify.says("settle it with");
    bench.run(&["conflicts"]).await.says("1 open");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_text_that_one_side_left_alone_says_so_and_a_merged_one_is_shown() {
    let bench = Bench::equal().await;
    let task = bench.task_named(ITEM);
    let edit = json!({ "markdown_content": "First line.\n\nSecond line." });
    bench.world.clickup.edit(&task, &edit).unwrap();
    bench.run(&["reconcile", "--once"]).await.left_with(0);
    undo_last(&bench, 3).await;
    let shown = bench.run(&["conflicts", "show", "1"]).await.left_with(0);
    shown.says("since the base: unchanged\n");

    let text = bench.folder.path().join("own.md");
    std::fs::write(text, "Of both, by hand.\n").unwrap();
    let args = ["conflicts", "resolve", "1", "--take", "merged", "own.md"];
    bench.run(&args).await.left_with(0);
    let merged = "merged of both:\n      Of both, by hand.\n";
    let shown = bench.run(&["conflicts", "show", "1"]).await.left_with(0);
    shown.says(merged);
    bench.run(&["reconcile", "--once"]).await.left_with(0);
    let shown = bench.run(&["conflicts", "show", "1"]).await.left_with(0);
    shown.says("both were merged").says(merged);
}

#[tokio::test(flavor = "multi_thread")]
async fn status_says_of_a_guard_how_much_it_stopped_what_is_allowed_and_what_to_run() {
    let bench = Bench::equal().await;
    let guard = "[guard]\nmax_updates = 1\nupdates_percent = 1\n\n[[pair]]";
    bench.replace_config("[[pair]]", guard);
    for id in &bench.ids[1..4] {
        bench.rename(*id, &format!("Renamed {id}"));
    }
    bench.run(&["reconcile", "--once"]).await.left_with(4);
    let status = bench.run(&["--json", "status"]).await.left_with(3).json();
    let note = status["pairs"][0]["note"].as_str().unwrap();
    assert!(
        note.contains(": 3 updates in ClickUp, 1 allowed;"),
        "{note}"
    );
    // The command that it names is the one that lets the plan through.
    let (_, command) = note.split_once("or `boardsync ").unwrap();
    let args: Vec<&str> = command.trim_end_matches('`').split(' ').collect();
    bench.run(&args).await.left_with(0);
    bench.run(&["status"]).await.left_with(0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_conflict_about_a_field_that_is_no_longer_synced_is_not_told_as_agreed() {
    let bench = Bench::equal().await;
    bench.replace_config("name = \"web\"", "name = \"web\"\nconflict = \"hold\"");
    move_item(&bench, "Active");
    move_task(&bench, "in review");
    let ran = bench.run(&["reconcile", "--once", "--yes"]).await;
    ran.left_with(3);
    bench.run(&["conflicts"]).await.says("1 open");
    let mut config = std::fs::read_to_string(&bench.config).unwrap();
    config.push_str("\n[[pair.field]]\nclickup = \"status\"\ndirection = \"none\"\n");
    std::fs::write(&bench.config, config).unwrap();
    bench
        .run(&["reconcile", "--once", "--full", "--yes"])
        .await
        .left_with(0);
    let all = bench.run(&["conflicts", "--all"]).await.left_with(0);
    lacks(&all, "agree");
    all.says("over: no longer");
    let shown = bench.run(&["conflicts", "show", "1"]).await.left_with(0);
    shown.says("the field is no longer synced");
    let args = ["conflicts", "resolve", "1", "--take", "ado"];
    let refused = bench.run(&args).await.left_with(64);
    assert!(
        refused.err.contains("not synced any more"),
        "{}",
        refused.err
    );
}
