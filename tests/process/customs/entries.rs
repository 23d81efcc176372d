//! Entries of the configuration that name the same fields in another way, or other ones.

use super::*;

const REMAINING: &str = "Microsoft.VSTS.Scheduling.RemainingWork";
const ORIGINAL: &str = "Microsoft.VSTS.Scheduling.OriginalEstimate";

/// A field that was cleared in Azure DevOps and one that was cleared in ClickUp, neither of them carried over yet.
async fn cleared_on_both_sides() -> (Bench, i64, String) {
    let bench = with_fields(&rows()).await;
    let id = bug(
        &bench,
        "One",
        &[("Custom.Note", json!("x")), ("Custom.Size", json!(2.0))],
    );
    first_yes(&bench).await;
    let task = bench.task_named("One");
    edit(&bench, id, &[("Custom.Note", Value::Null)]);
    set(&bench, &task, "Size", Value::Null);
    (bench, id, task)
}

#[tokio::test(flavor = "multi_thread")]
async fn an_entry_under_another_name_goes_on_from_what_was_agreed_on() {
    let (bench, id, task) = cleared_on_both_sides().await;
    bench.replace_config("custom:Note", &format!("custom:#{}", id_of("Note")));
    bench.replace_config("custom:Size", "custom:size");
    let plan = bench.run(&["plan"]).await.left_with(0);
    plan.says("x -> (empty)  (changed in Azure DevOps)")
        .says("2 -> (empty)  (changed in ClickUp)");
    let yes = ["reconcile", "--once", "--yes"];
    bench.run(&yes).await.left_with(0);
    assert_eq!(field(&bench, id, "Custom.Note"), Value::Null);
    assert_eq!(field(&bench, id, "Custom.Size"), Value::Null);
    assert_eq!(value(&bench, &task, "Note"), Value::Null);
    assert_eq!(value(&bench, &task, "Size"), Value::Null);
    bench.quiet().await;

    // And back, with edits meanwhile.
    edit(&bench, id, &[("Custom.Size", json!(5.0))]);
    bench.replace_config("custom:size", "custom:Size");
    bench.run(&yes).await.left_with(0);
    assert_eq!(value(&bench, &task, "Size"), "5");
    bench.quiet().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_entry_with_another_field_of_azure_devops_clears_nothing() {
    let rows = "[[pair.field]]\nclickup = \"custom:Size\"\nado = \"Custom.Size\"\n\n\
                [[pair.field]]\nclickup = \"time_estimate\"\nado = \"Microsoft.VSTS.Scheduling.RemainingWork\"\n";
    let bench = with_fields(rows).await;
    let fields = [
        ("System.Title", json!("One")),
        ("Custom.Size", json!(2.0)),
        (REMAINING, json!(2.0)),
    ];
    let ado = &bench.world.ado;
    let id = ado.create_item(PROJECT, "Task", &fields).unwrap();
    first_yes(&bench).await;
    let task = bench.task_named("One");
    let estimate = || bench.world.clickup.task(&task).unwrap()["time_estimate"].clone();
    assert_eq!(estimate(), 7_200_000);
    bench.replace_config("Custom.Size", "Custom.Count");
    bench.replace_config(REMAINING, ORIGINAL);
    let yes = ["reconcile", "--once", "--yes"];
    bench.run(&yes).await.left_with(0).says("compared anew");
    assert_eq!(value(&bench, &task, "Size"), "2");
    assert_eq!(number(&bench, id, "Custom.Count"), Some(2.0));
    assert_eq!(estimate(), 7_200_000);
    assert_eq!(number(&bench, id, ORIGINAL), Some(2.0));
    bench.quiet().await;

    // The old entry comes back after runs under the new one: what differs by now may be boardsync's own doing, and is nobody's edit.
    set(&bench, &task, "Size", json!(3));
    bench.replace_config("Custom.Count", "Custom.Size");
    bench.replace_config(ORIGINAL, REMAINING);
    bench.run(&yes).await.left_with(3);
    assert_eq!(value(&bench, &task, "Size"), "3");
    assert_eq!(number(&bench, id, "Custom.Size"), Some(2.0));
    assert_eq!(number(&bench, id, "Custom.Count"), Some(2.0), "left alone");
    assert_eq!(estimate(), 7_200_000);
    bench.open_and_quiet().await;
}

/// What a run wrote to one field is never taken back from another one.
#[tokio::test(flavor = "multi_thread")]
async fn an_undo_of_what_was_written_under_another_entry_leaves_it() {
    let row = "[[pair.field]]\nclickup = \"custom:Size\"\nado = \"Custom.Size\"\n";
    let bench = with_fields(row).await;
    let fields = [("Custom.Size", json!(1.0)), ("Custom.Count", json!(2))];
    let id = bug(&bench, "One", &fields);
    first_yes(&bench).await;
    let task = bench.task_named("One");
    set(&bench, &task, "Size", json!(2));
    bench.run(&["reconcile", "--once"]).await.left_with(0);
    let ran = bench.run(&["log", "--json"]).await.json();
    let run = ran["runs"][0]["run"].as_str().unwrap().to_owned();
    bench.replace_config("Custom.Size", "Custom.Count");
    let yes = ["reconcile", "--once", "--yes"];
    bench.run(&yes).await.left_with(0);
    let undone = bench.run(&["undo", &run, "--yes"]).await;
    undone.says("stands for another one by now");
    assert_eq!(number(&bench, id, "Custom.Count"), Some(2.0));
    assert_eq!(value(&bench, &task, "Size"), "2");
}

/// Listings show a task without the fields that it has no value of, and an entry that is added moves no version.
#[tokio::test(flavor = "multi_thread")]
async fn an_entry_that_is_added_carries_the_values_of_linked_items_over() {
    let bench = with_fields("").await;
    let id = bug(&bench, "One", &[("Custom.Size", json!(2.0))]);
    first_yes(&bench).await;
    let task = bench.task_named("One");
    let row = "[[pair.field]]\nclickup = \"custom:Size\"\nado = \"custom.SIZE\"\n";
    let text = std::fs::read_to_string(&bench.config).unwrap();
    std::fs::write(&bench.config, format!("{text}\n{row}")).unwrap();
    let yes = ["reconcile", "--once", "--yes"];
    bench.run(&yes).await.left_with(0);
    assert_eq!(value(&bench, &task, "Size"), "2");
    edit(&bench, id, &[("Custom.Size", json!(3.0))]);
    bench.run(&["reconcile", "--once"]).await.left_with(0);
    assert_eq!(value(&bench, &task, "Size"), "3");
    bench.quiet().await;
}

/// A day has no time, so a moment that is read as a day is another value though nobody edited it.
#[tokio::test(flavor = "multi_thread")]
async fn an_entry_with_another_unit_clears_nothing() {
    let row = "[[pair.field]]\nclickup = \"custom:Launch\"\nado = \"Custom.Launch\"\n";
    let bench = with_fields(row).await;
    let day = json!("2026-05-11T00:00:00Z");
    let id = bug(&bench, "One", &[("Custom.Launch", day)]);
    first_yes(&bench).await;
    let task = bench.task_named("One");
    let before = value(&bench, &task, "Launch");
    bench.replace_config(
        "ado = \"Custom.Launch\"",
        "ado = \"Custom.Launch\"\ntime = true",
    );
    let ran = bench.run(&["reconcile", "--once", "--yes"]).await;
    ran.says("compared anew");
    assert_ne!(field(&bench, id, "Custom.Launch"), Value::Null);
    assert_eq!(value(&bench, &task, "Launch"), before);
}

/// Nobody has said yes yet, and the old entry comes back: nothing has changed.
#[tokio::test(flavor = "multi_thread")]
async fn an_entry_that_is_put_right_before_the_yes_has_lost_nothing() {
    let (bench, id, task) = cleared_on_both_sides().await;
    bench.replace_config("Custom.Size", "Custom.Nowhere");
    bench.run(&["reconcile", "--once"]).await;
    bench.replace_config("Custom.Nowhere", "Custom.Count");
    bench.run(&["reconcile", "--once"]).await;
    bench.replace_config("Custom.Count", "Custom.Size");
    bench.run(&["reconcile", "--once"]).await.left_with(0);
    assert_eq!(field(&bench, id, "Custom.Size"), Value::Null);
    assert_eq!(value(&bench, &task, "Note"), Value::Null);
    bench.quiet().await;
}

/// What a pair's fields are is asked once a day, as the other names are.
#[tokio::test(flavor = "multi_thread")]
async fn a_start_asks_for_no_schema_that_the_one_before_it_knew() {
    let bench = with_fields(&rows()).await;
    bug(&bench, "One", &[("Custom.Size", json!(2.0))]);
    first_yes(&bench).await;
    bench.world.ledger.clear();
    bench.run(&["reconcile", "--once"]).await.left_with(0);
    let asked = bench.world.ledger.entries();
    assert_eq!(asked.len(), 3, "{asked:#?}");
}
