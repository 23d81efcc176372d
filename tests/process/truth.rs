//! What commands say of the same thing, beside each other: none of them may say what another one, or the next cycle, belies.

use super::bench::Bench;
use serde_json::{Value, json};

/// The newest run that wrote something.
async fn last_run(bench: &Bench) -> String {
    let runs = bench.run(&["undo", "--json"]).await.left_with(0).json();
    runs["runs"][0]["run"].as_str().unwrap().to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn an_undo_of_creates_goes_on_beside_one_whose_task_was_deleted_meanwhile() {
    let bench = Bench::new().await;
    bench
        .run(&["reconcile", "--once", "--yes"])
        .await
        .left_with(0);
    let run = last_run(&bench).await;
    let gone = bench.task_named("Validate postcodes");
    bench.world.clickup.delete(&gone).unwrap();
    let undo = ["undo", &run, "--delete-created", "--yes"];
    let ran = bench.run(&undo).await.left_with(3);
    ran.says("4 deleted")
        .says("deleted it")
        .says("no program can restore");
    assert_eq!(bench.titles(), [""; 0]);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_conflict_that_an_undo_leaves_is_named_by_why_until_it_is_settled() {
    let bench = Bench::equal().await;
    let id = bench.ids[1].to_string();
    bench.rename(bench.ids[1], "Renamed by mistake");
    bench.run(&["reconcile", "--once"]).await.left_with(0);
    let run = last_run(&bench).await;
    let title = |why: &Value| {
        let fields = why["links"][0]["fields"].as_array().unwrap();
        let title = fields.iter().find(|field| field["field"] == "title");
        title.unwrap().clone()
    };
    let before = title(&bench.run(&["why", &id, "--json"]).await.json());
    assert_eq!(before["conflict"], Value::Null);
    bench.run(&["undo", &run, "--yes"]).await.left_with(3);
    let ran = bench.run(&["why", &id]).await.left_with(0);
    ran.says("conflict 1 is");
    let left = title(&bench.run(&["why", &id, "--json"]).await.json());
    assert_eq!(left["conflict"], 1);
    let decision = left["decision"].as_str().unwrap();
    assert_eq!(decision, "conflict 1 is open, waits for a choice");
    let resolve = ["conflicts", "resolve", "1", "--take", "ado"];
    bench.run(&resolve).await.left_with(0);
    let chosen = title(&bench.run(&["why", &id, "--json"]).await.json());
    assert_eq!(chosen["conflict"], 1);
    let decision = chosen["decision"].as_str().unwrap();
    assert!(decision.starts_with("write to ClickUp: "), "{decision}");
    bench.run(&["reconcile", "--once"]).await.left_with(0);
    let after = title(&bench.run(&["why", &id, "--json"]).await.json());
    assert_eq!(after["conflict"], Value::Null);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_log_of_a_link_begins_with_the_create_that_it_came_from() {
    let bench = Bench::equal().await;
    let task = bench.task_named("Validate postcodes");
    bench.rename(bench.ids[3], "Validated");
    bench.run(&["reconcile", "--once"]).await.left_with(0);
    let log = bench.run(&["log", "--json"]).await.left_with(0).json();
    let link = log["runs"][0]["deeds"][0]["link"].as_i64().unwrap();
    let of_link = ["log", "--link", &link.to_string()];
    let told = bench.run(&of_link).await.left_with(0);
    let told = told
        .says(&format!("created ClickUp {task}"))
        .says(&format!("updated ClickUp {task}"))
        .says("1 action done, 5 in the whole run")
        .says("to take all 5 actions of the run back");
    assert!(!told.out.contains("Country list"), "{}", told.out);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_deleted_task_is_seen_by_verify_and_doctor_as_the_next_cycle_sees_it() {
    let bench = Bench::equal().await;
    let task = bench.task_named("Validate postcodes");
    bench.world.clickup.delete(&task).unwrap();
    let verify = bench.run(&["verify"]).await.left_with(3);
    let verify = verify.says("missing: ClickUp: seems deleted");
    let says = "asked again before anything is concluded";
    let verify = verify.says(says);
    assert!(!verify.out.contains("on_delete"), "{}", verify.out);
    let doctor = bench.run(&["doctor"]).await.left_with(3);
    let doctor = doctor.says("1 item cannot be read, although");
    assert!(!doctor.out.contains("both items of every link"));
    doctor.says(&task);
    bench
        .run(&["reconcile", "--once", "--full"])
        .await
        .left_with(3)
        .says("web: nothing to write, 1 held");
    let status = bench.run(&["status"]).await.left_with(5);
    status.says(says);
}

/// A field that waits for the choice in a conflict is that conflict.
#[tokio::test(flavor = "multi_thread")]
async fn what_waits_for_the_choice_in_a_conflict_is_no_hold_in_status_and_in_doctor() {
    let bench = Bench::equal().await;
    let (id, by) = (bench.ids[3], "ada@contoso.example");
    let red = json!("<p>Some <span style=\"color:#ff0000\">red</span> words</p>");
    let text = [("System.Description", red)];
    bench.world.ado.edit(id, &text, by).unwrap();
    bench.run(&["reconcile", "--once"]).await.left_with(0);
    let task = bench.task_named("Validate postcodes");
    let edit = json!({ "markdown_content": "Some red words of another kind" });
    bench.world.clickup.edit(&task, &edit).unwrap();
    bench.run(&["reconcile", "--once"]).await.left_with(3);
    let status = bench.run(&["status", "--json"]).await.left_with(3).json();
    let pair = &status["pairs"][0];
    assert_eq!(pair["holds"], 0, "{status}");
    assert_eq!(pair["open_conflicts"], 1, "{status}");
    let status = bench.run(&["status"]).await.left_with(3);
    status.says("in which the two sides differ until somebody chooses");
    let doctor = bench.run(&["doctor", "--offline"]).await;
    doctor.says("0 held, 0 for more than a week; 1 conflict is open");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_held_or_settled_counts_alike_wherever_one_run_says_so() {
    let bench = Bench::equal().await;
    let state = [("System.State", json!("Removed"))];
    let by = "ada@contoso.example";
    bench.world.ado.edit(bench.ids[1], &state, by).unwrap();
    bench.run(&["reconcile", "--once"]).await.left_with(3);
    // The rule of this pair settles it, so nobody is waited for.
    let other = bench.task_named("Validate postcodes");
    bench.rename(bench.ids[3], "Ours");
    let theirs = json!({ "name": "Theirs" });
    bench.world.clickup.edit(&other, &theirs).unwrap();
    let plan = bench.run(&["plan"]).await.left_with(0);
    let plan = plan
        .says("conflicts   1 settled by the rule")
        .says("1 update, 1 conflict settled by the rule, 1 held;")
        .says("from before, unchanged: 1 held");
    assert!(!plan.out.contains("open        1 conflict"), "{}", plan.out);
    let json = bench
        .run(&["reconcile", "--once", "--json"])
        .await
        .left_with(3)
        .json();
    assert_eq!(json["pairs"][0]["settled_by_rule"], 1);
    assert_eq!(json["pairs"][0]["conflicts"], 0);
    assert_eq!(json["pairs"][0]["holds"], 1);
    let again = bench.run(&["reconcile", "--once"]).await.left_with(3);
    again
        .says("web: nothing to write, 1 held")
        .says("1 item or field is held");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hold_is_as_old_as_it_is_whatever_is_listed_or_configured_since() {
    let bench = Bench::equal().await;
    let state = [("System.State", json!("Removed"))];
    bench
        .world
        .ado
        .edit(bench.ids[1], &state, "ada@contoso.example")
        .unwrap();
    bench.run(&["reconcile", "--once"]).await.left_with(3);
    let since = |status: Value| status["holds"][0]["since"].as_str().unwrap().to_owned();
    let first = since(bench.run(&["status", "--json"]).await.json());
    for args in [
        &["reconcile", "--once", "--full"][..],
        &["reconcile", "--once", "--yes"],
    ] {
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
        if args.contains(&"--yes") {
            bench.replace_config("name = \"web\"", "name = \"web\"\non_delete = \"close\"");
        }
        bench.run(args).await.left_with(3);
        let now = since(bench.run(&["status", "--json"]).await.json());
        assert_eq!(now, first, "{args:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_service_that_fails_is_left_alone_by_a_daemon_and_by_nobody_where_none_runs() {
    let bench = Bench::equal().await;
    bench.fault(
        boardsync::model::Side::Ado,
        None,
        "",
        super::bench::status(503, &[]),
        1_000,
    );
    bench.run(&["reconcile", "--once"]).await.left_with(69);
    let status = bench.run(&["status"]).await.left_with(5);
    let status = status.says("ended by an error before it came to this pair");
    assert!(!status.out.contains("running daemon"), "{}", status.out);
    bench.world.faults.clear();
    bench.run(&["reconcile", "--once"]).await.left_with(0);
    bench.run(&["status"]).await.left_with(0);
}

/// The key file was lost while the database stayed: a new key is made, and no other installation is at fault.
#[tokio::test(flavor = "multi_thread")]
async fn a_key_that_was_made_anew_is_named_as_the_cause() {
    let bench = Bench::equal().await;
    bench.run(&["status"]).await.left_with(0);
    let key = boardsync::store::key_path(&bench.folder.path().join("boardsync.db"));
    std::fs::remove_file(key).unwrap();
    bench.add_story("After the loss");
    bench.run(&["reconcile", "--once"]).await.left_with(0);
    let status = bench.run(&["status"]).await.left_with(3);
    status
        .says("boardsync.db.key is not the key that this database was first used with")
        .says("put that key back");
}

/// What works on the state is told with the same time by every command.
#[tokio::test(flavor = "multi_thread")]
async fn the_time_of_a_lock_is_told_as_status_tells_it() {
    let bench = Bench::equal().await;
    let mut daemon = bench.daemon();
    bench.until(|bench| bench.world.ledger.count() > 0).await;
    let status = bench.run(&["status"]).await;
    let mut words = status
        .out
        .split_whitespace()
        .skip_while(|word| *word != "since");
    let since: Vec<&str> = words.by_ref().skip(1).take(3).collect();
    let since = since.join(" ");
    assert!(since.ends_with(" UTC"), "{since}");
    let doctor = bench.run(&["doctor", "--offline"]).await;
    doctor.says(&format!("since {since}"));
    let refused = bench.run(&["reconcile", "--once"]).await.left_with(75);
    refused.says(&format!("since {since}"));
    daemon.kill().unwrap();
    daemon.wait().unwrap();
}
