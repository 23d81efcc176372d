//! A person's choice in a conflict: what is told of it until it is carried out, when it is not, and after it was taken back.

use super::bench::{Bench, Ran, end};
use boardsync::model::Side;
use boardsync::sandbox::faults::Fault;
use serde_json::{Value, json};

/// A conflict that the rule settled for Azure DevOps, which says "Ours"; ClickUp had "Theirs".
async fn ruled() -> Bench {
    let bench = Bench::equal().await;
    let task = bench.task_named("Validate postcodes");
    bench.rename(bench.ids[3], "Ours");
    let edit = json!({ "name": "Theirs" });
    bench.world.clickup.edit(&task, &edit).unwrap();
    bench.run(&["reconcile", "--once"]).await.left_with(0);
    bench
}

async fn take(bench: &Bench, id: &str, what: &str) -> Ran {
    let args = ["conflicts", "resolve", id, "--take", what];
    bench.run(&args).await.left_with(0)
}

async fn last_run(bench: &Bench) -> String {
    let log = bench.run(&["log", "-n", "1", "--json"]).await.json();
    log["runs"][0]["run"].as_str().unwrap().to_owned()
}

async fn conflict(bench: &Bench, id: &str) -> Value {
    let shown = bench.run(&["conflicts", "show", id, "--json"]).await;
    shown.left_with(0).json()["conflicts"][0].clone()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_choice_after_a_rule_is_open_until_a_cycle_carries_it_out() {
    let bench = ruled().await;
    bench.run(&["status"]).await.left_with(0);
    take(&bench, "1", "clickup").await;
    let status = bench.run(&["status", "--json"]).await.left_with(5).json();
    assert_eq!(status["pairs"][0]["chosen_conflicts"], 1, "{status}");
    bench.run(&["reconcile", "--once"]).await.left_with(0);
    bench.run(&["status"]).await.left_with(0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_choice_that_an_edit_overtook_leaves_its_reason_at_the_conflict() {
    let bench = ruled().await;
    take(&bench, "1", "clickup").await;
    bench.rename(bench.ids[3], "Ours, later");
    bench.run(&["reconcile", "--once"]).await.left_with(0);
    let shown = bench.run(&["conflicts", "show", "1"]).await.left_with(0);
    shown.says("was not carried out: ADO was edited after it was made");
    let row = conflict(&bench, "1").await;
    assert!(row["dropped_at"].is_string(), "{row}");
    // Of a choice that stands nothing is told that is over.
    let bench = ruled().await;
    take(&bench, "1", "clickup").await;
    let row = conflict(&bench, "1").await;
    assert!(row["dropped_at"].is_null(), "{row}");
}

/// After the choice somebody sets back what both sides had before the conflict. Nothing of an edit is left on that side, and what is
/// said of the choice promises none.
#[tokio::test(flavor = "multi_thread")]
async fn a_choice_that_is_overtaken_by_the_old_value_says_whose_value_counts() {
    let bench = Bench::equal().await;
    bench.replace_config("name = \"web\"", "name = \"web\"\nconflict = \"hold\"");
    bench
        .run(&["reconcile", "--once", "--yes"])
        .await
        .left_with(0);
    let (id, old) = (bench.ids[3], "Validate postcodes");
    let task = bench.task_named(old);
    bench.rename(id, "Ours");
    let edit = json!({ "name": "Theirs" });
    bench.world.clickup.edit(&task, &edit).unwrap();
    bench.run(&["reconcile", "--once"]).await.left_with(3);
    take(&bench, "1", "ado").await;
    bench.rename(id, old);
    let ran = bench.run(&["reconcile", "--once"]).await.left_with(0);
    ran.says("has what both had before again, so what ClickUp has counts");
    let title = bench.world.ado.item(id).unwrap().fields["System.Title"].clone();
    assert_eq!(title, "Theirs");
    let shown = bench.run(&["conflicts", "show", "1"]).await.left_with(0);
    shown.says("was not carried out: ADO was edited after it was made");
    bench.quiet().await;
}

/// One side emptied a text and the other one wrote on: a conflict that waits. Then the field is taken out of the configuration for a
/// run and put back. Nothing of that fills the emptied side again; the two differ, and a person decides.
#[tokio::test(flavor = "multi_thread")]
async fn a_field_that_is_off_for_a_run_fills_no_side_that_was_emptied_in_a_conflict() {
    let bench = Bench::equal().await;
    bench.replace_config(
        "name = \"web\"",
        "name = \"web\"\nconflict = \"hold\"\nfield = [{ clickup = \"priority\" }]",
    );
    let yes = ["reconcile", "--once", "--yes"];
    bench.run(&yes).await.left_with(0);
    let id = bench.ids[3];
    let task = bench.task_named("Validate postcodes");
    let priority = "Microsoft.VSTS.Common.Priority";
    let set = |value: Value| {
        let edited = bench
            .world
            .ado
            .edit(id, &[(priority, value)], "ada@contoso.example");
        edited.unwrap();
    };
    set(json!(3));
    bench.run(&["reconcile", "--once"]).await.left_with(0);
    set(Value::Null);
    bench
        .world
        .clickup
        .edit(&task, &json!({ "priority": 1 }))
        .unwrap();
    bench.run(&["reconcile", "--once"]).await.left_with(3);
    bench.replace_config(
        "clickup = \"priority\"",
        "clickup = \"priority\", direction = \"none\"",
    );
    bench.run(&yes).await;
    bench.replace_config(", direction = \"none\"", "");
    bench.run(&yes).await.left_with(3);
    let now = bench
        .world
        .ado
        .item(id)
        .unwrap()
        .fields
        .get(priority)
        .cloned();
    assert!(now.is_none_or(|now| now.is_null()), "it stays empty");
    assert_eq!(
        bench.world.clickup.task(&task).unwrap()["priority"]["id"],
        "1"
    );
    let open = bench.run(&["conflicts", "list", "--json"]).await.json();
    assert_eq!(open["conflicts"].as_array().unwrap().len(), 1, "{open}");
}

/// Whoever chooses one title, then the other, and once more each, goes back and forth on purpose. Nothing else does.
#[tokio::test(flavor = "multi_thread")]
async fn choices_to_and_fro_are_no_loop() {
    let bench = ruled().await;
    for side in ["clickup", "ado", "clickup", "ado"] {
        let all = bench
            .run(&["conflicts", "list", "--all", "--json"])
            .await
            .json();
        let ids = all["conflicts"].as_array().unwrap().iter();
        let newest = ids
            .filter_map(|conflict| conflict["id"].as_i64())
            .max()
            .unwrap();
        take(&bench, &newest.to_string(), side).await;
        bench.run(&["reconcile", "--once"]).await.left_with(0);
        let title = match side {
            "ado" => "Ours",
            _ => "Theirs",
        };
        bench.task_named(title);
    }
    let task = bench.task_named("Ours");
    let edit = json!({ "name": "Bo's next title" });
    bench.world.clickup.edit(&task, &edit).unwrap();
    bench.run(&["reconcile", "--once"]).await.left_with(0);
    let title = bench.world.ado.item(bench.ids[3]).unwrap().fields["System.Title"].clone();
    assert_eq!(title, "Bo's next title");
    bench.quiet().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn after_an_undo_of_a_choice_on_both_sides_the_conflict_can_be_settled_again() {
    let bench = ruled().await;
    take(&bench, "1", "clickup").await;
    bench.run(&["reconcile", "--once"]).await.left_with(0);
    let run = last_run(&bench).await;
    bench.run(&["undo", &run, "--yes"]).await.left_with(0);
    let shown = bench.run(&["conflicts", "show", "1"]).await.left_with(0);
    shown
        .says("taken back")
        .says("choose again with")
        .says("resolve 1 --take clickup");
    // Where a line breaks depends on the title.
    let mut listed = bench.command(&["conflicts", "--all"]);
    listed.env("COLUMNS", "120");
    end(listed).await.left_with(0).says("taken back");
    let row = conflict(&bench, "1").await;
    assert!(row["taken_back_at"].is_string(), "{row}");
    take(&bench, "1", "clickup").await;
    bench.run(&["reconcile", "--once"]).await.left_with(0);
    assert!(bench.titles().contains(&"Theirs".to_owned()));
    let row = conflict(&bench, "1").await;
    assert!(row["taken_back_at"].is_null(), "{row}");
    bench.quiet().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn after_an_undo_a_person_who_typed_since_is_not_overruled() {
    let bench = ruled().await;
    take(&bench, "1", "clickup").await;
    bench.run(&["reconcile", "--once"]).await.left_with(0);
    let run = last_run(&bench).await;
    bench.run(&["undo", &run, "--yes"]).await.left_with(0);
    bench.rename(bench.ids[3], "Typed since");
    let again = ["conflicts", "resolve", "1", "--take", "clickup"];
    bench.run(&again).await.left_with(3).says("Typed since");
}

#[tokio::test(flavor = "multi_thread")]
async fn after_an_undo_that_leaves_the_sides_apart_the_new_conflict_is_named_and_they_do_not_count_as_equal()
 {
    let bench = Bench::contested(&json!({ "name": "Theirs" })).await;
    take(&bench, "1", "clickup").await;
    bench.run(&["reconcile", "--once"]).await.left_with(0);
    let run = last_run(&bench).await;
    bench.run(&["undo", &run, "--yes"]).await.left_with(3);
    let old = bench.run(&["conflicts", "show", "1"]).await.left_with(0);
    assert!(!old.out.contains("resolve 1"), "{}", old.out);
    old.says(" conflicts show 2");
    assert_eq!(conflict(&bench, "1").await["replaced_by"], 2);
    let plan = bench.run(&["plan", "--json"]).await.left_with(0).json();
    let pair = &plan["pairs"][0];
    let (seen, equal) = (&pair["looked_at"], &pair["in_sync"]);
    assert_eq!(
        equal.as_i64().unwrap(),
        seen.as_i64().unwrap() - 1,
        "{pair}"
    );
    bench.run(&["plan"]).await.left_with(0).says("1 not equal");
    // The next cycles see it no other way.
    bench.run(&["reconcile", "--once"]).await.left_with(3);
    bench.run(&["plan"]).await.left_with(0).says("1 not equal");
}

#[tokio::test(flavor = "multi_thread")]
async fn taking_back_a_choice_whose_write_may_be_in_force_says_so() {
    let bench = Bench::contested(&json!({ "name": "Theirs" })).await;
    take(&bench, "1", "ado").await;
    let fault = Fault::DropAfterApply;
    bench.fault(Side::ClickUp, Some("PUT"), "/task/", fault, 1);
    bench.run(&["reconcile", "--once"]).await;
    let back = ["conflicts", "resolve", "1", "--withdraw"];
    let task = bench.task_named("Ours");
    let ran = bench.run(&back).await.left_with(0);
    ran.says("nothing more of it will be written")
        .says(&format!("a write of it went to ClickUp {task}"))
        .says("may be in force");
    // Where nothing was sent there is nothing to warn of.
    let bench = Bench::contested(&json!({ "name": "Theirs" })).await;
    take(&bench, "1", "ado").await;
    let ran = bench.run(&back).await.left_with(0);
    assert!(!ran.out.contains("in force"), "{}", ran.out);
}
