//! Answers that leave a custom field out of a task that has it: a client of ClickUp now and then gets such answers.

use super::*;
use boardsync::model::Side;
use boardsync::sandbox::faults::Fault;

/// A task of which two reads in a row leave the field out, while somebody empties it in the work item.
async fn emptied_while_two_reads_left_it_out() -> (Bench, i64, String) {
    let bench = with_fields(&rows()).await;
    let id = bug(&bench, "One", &[("Custom.Note", json!("x"))]);
    first_yes(&bench).await;
    let task = bench.task_named("One");
    edit(&bench, id, &[("Custom.Note", Value::Null)]);
    unread(&bench, &task);
    bench.run(&["reconcile", "--once"]).await.left_with(3);
    assert_eq!(value(&bench, &task, "Note"), "x");
    (bench, id, task)
}

/// The next read of the task by its id leaves the field out.
fn unread(bench: &Bench, task: &str) {
    let mut body = bench.world.clickup.task(task).unwrap();
    let rows = body["custom_fields"].as_array_mut().unwrap();
    rows.retain(|row| row["name"] != "Note");
    let answer = Fault::Status {
        status: 200,
        body: body.to_string(),
        content_type: "application/json".to_owned(),
        headers: Vec::new(),
    };
    bench.fault(
        Side::ClickUp,
        Some("GET"),
        &format!("/task/{task}"),
        answer,
        1,
    );
}

/// No version tells that the task has the field after all, and both are known.
#[tokio::test(flavor = "multi_thread")]
async fn a_field_that_two_reads_left_out_is_found_by_a_full_listing() {
    let (bench, id, task) = emptied_while_two_reads_left_it_out().await;
    edit(&bench, id, &[("System.Tags", json!("one"))]);
    unread(&bench, &task);
    bench.run(&["reconcile", "--once"]).await.left_with(0);
    assert_eq!(value(&bench, &task, "Note"), "x");
    bench.run(&["reconcile", "--once", "--full"]).await;
    assert_eq!(value(&bench, &task, "Note"), Value::Null);
    bench.quiet().await;
}

/// Whether the task has the field is told by the answer to our own write, after the read that left it out.
#[tokio::test(flavor = "multi_thread")]
async fn a_field_that_two_reads_left_out_is_found_by_the_answer_to_a_write() {
    let (bench, id, task) = emptied_while_two_reads_left_it_out().await;
    edit(&bench, id, &[("System.Title", json!("Two"))]);
    unread(&bench, &task);
    bench.run(&["reconcile", "--once"]).await.left_with(0);
    assert_eq!(bench.world.clickup.task(&task).unwrap()["name"], "Two");
    bench.run(&["reconcile", "--once"]).await.left_with(0);
    assert_eq!(value(&bench, &task, "Note"), Value::Null);
    bench.quiet().await;
}

/// Nothing tells such an answer from a list without the field, and no version comes after it.
#[tokio::test(flavor = "multi_thread")]
async fn a_first_value_that_the_read_left_out_goes_over_with_a_full_listing() {
    let bench = with_fields(&rows()).await;
    let id = bug(&bench, "One", &[]);
    first_yes(&bench).await;
    let task = bench.task_named("One");
    set(&bench, &task, "Note", json!("x"));
    unread(&bench, &task);
    bench.run(&["reconcile", "--once"]).await.left_with(0);
    assert_eq!(field(&bench, id, "Custom.Note"), Value::Null);
    bench.run(&["reconcile", "--once", "--full"]).await;
    assert_eq!(field(&bench, id, "Custom.Note"), "x");
    bench.quiet().await;
}
