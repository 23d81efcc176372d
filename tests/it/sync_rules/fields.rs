//! States, tags, dates, numbers and people.

use crate::sync_rules::bench::*;
use boardsync::sandbox::world::World;
use serde_json::{Value, json};

const DUE: &str = "Microsoft.VSTS.Scheduling.FinishDate";
const START: &str = "Microsoft.VSTS.Scheduling.StartDate";
const ESTIMATE: &str = "Microsoft.VSTS.Scheduling.OriginalEstimate";
const POINTS: &str = "Microsoft.VSTS.Scheduling.StoryPoints";
const PRIORITY: &str = "Microsoft.VSTS.Common.Priority";

fn pair_with_two_ends() -> String {
    World::example_pair().replace(
        r#"["Resolved", "in review"], ["Closed", "complete"]"#,
        r#"["Resolved", "complete"], ["Closed", "complete"]"#,
    )
}

#[tokio::test]
async fn two_states_of_one_status_are_never_dragged_back() {
    let t = bench_of(&pair_with_two_ends()).await;
    let (id, task) = t.linked("User Story", &[(STATE, json!("Resolved"))]).await;
    assert_eq!(t.status(&task), "complete");
    for state in ["Closed", "Resolved", "Closed"] {
        t.ado(id, STATE, json!(state));
        t.quiet().await;
        assert_eq!(
            (t.string(id, STATE).as_str(), t.status(&task).as_str()),
            (state, "complete")
        );
    }
    t.clickup(&task, json!({"status": "in progress"}));
    t.cycle().await;
    assert_eq!(t.string(id, STATE), "Active");
    t.quiet().await;
    t.clickup(&task, json!({"status": "complete"}));
    t.cycle().await;
    assert_eq!(
        t.string(id, STATE),
        "Resolved",
        "the first row of the table"
    );
    t.quiet().await;
}

#[tokio::test]
async fn tags_that_differ_in_case_only_are_equal() {
    let t = bench("").await;
    let (id, task) = t.linked("Task", &[(TAGS, json!("UX; Checkout"))]).await;
    assert_eq!(t.tags(&task), ["checkout", "ux"]);
    t.ado(id, TAGS, json!("ux; CHECKOUT"));
    t.quiet().await;
}

#[tokio::test]
async fn tags_added_and_removed_in_azure_devops_follow_in_clickup() {
    let t = bench("").await;
    let (id, task) = t.linked("Task", &[(TAGS, json!("one; two"))]).await;
    // An edit cannot name tags, so Bo's comes with a task of its own.
    let other = t.create_task(&json!({"name": "Tagged", "tags": ["left", "right"]}));
    t.cycle().await;
    t.quiet().await;
    let item = t.item_of(&other);
    t.ado(item, TAGS, json!("left; new"));
    t.cycle().await;
    assert_eq!(t.tags(&other), ["left", "new"]);
    t.ado(id, TAGS, json!("two; three"));
    t.cycle().await;
    assert_eq!(t.tags(&task), ["three", "two"]);
    t.quiet().await;
    t.ado(id, TAGS, json!(""));
    t.cycle().await;
    assert_eq!(t.tags(&task), Vec::<String>::new());
    t.quiet().await;
}

#[tokio::test]
async fn dates_and_numbers_go_both_ways_and_can_be_cleared() {
    let t = bench("[[pair.field]]\nado = \"Microsoft.VSTS.Scheduling.OriginalEstimate\"\nclickup = \"time_estimate\"").await;
    let (id, task) = t
        .linked(
            "Task",
            &[
                (DUE, json!("2026-12-24T00:00:00Z")),
                (START, json!("2026-12-01T00:00:00Z")),
                (ESTIMATE, json!(6)),
                (PRIORITY, json!(3)),
            ],
        )
        .await;
    let shown = t.task(&task);
    for field in ["due_date", "start_date", "time_estimate", "priority"] {
        assert!(!shown[field].is_null(), "{field}: {shown:#}");
    }
    assert_eq!(
        shown["time_estimate"].to_string().trim_matches('"'),
        "21600000"
    );
    // 2026-12-28 04:00 UTC: how ClickUp stores a day without a time.
    t.clickup(&task, json!({"due_date": 1_798_430_400_000_i64, "due_date_time": false, "start_date": 1_796_616_000_000_i64, "start_date_time": false, "time_estimate": 7_200_000, "priority": 1}));
    t.cycle().await;
    assert!(
        t.string(id, DUE).starts_with("2026-12-28"),
        "{}",
        t.string(id, DUE)
    );
    assert!(
        t.string(id, START).starts_with("2026-12-07"),
        "{}",
        t.string(id, START)
    );
    assert_eq!(t.field(id, ESTIMATE).as_f64(), Some(2.0));
    assert_eq!(t.field(id, PRIORITY), 1);
    t.quiet().await;
    t.clickup(
        &task,
        json!({"due_date": null, "start_date": null, "time_estimate": 0}),
    );
    t.cycle().await;
    for field in [DUE, START, ESTIMATE] {
        assert_eq!(t.field(id, field), Value::Null, "{field}");
    }
    t.quiet().await;
    t.ado(id, DUE, json!("2027-01-05T00:00:00Z"));
    t.cycle().await;
    assert!(!t.task(&task)["due_date"].is_null());
    t.quiet().await;
    t.ado(id, DUE, json!(""));
    t.cycle().await;
    assert!(t.task(&task)["due_date"].is_null());
    t.quiet().await;
}

#[tokio::test]
async fn points_go_both_ways() {
    let t = bench(
        "[[pair.field]]\nado = \"Microsoft.VSTS.Scheduling.StoryPoints\"\nclickup = \"points\"",
    )
    .await;
    let (id, task) = t.linked("User Story", &[(POINTS, json!(5))]).await;
    assert_eq!(t.task(&task)["points"].as_f64(), Some(5.0));
    t.clickup(&task, json!({"points": 8}));
    t.cycle().await;
    assert_eq!(t.field(id, POINTS).as_f64(), Some(8.0));
    t.quiet().await;
    t.ado(id, POINTS, json!(""));
    t.cycle().await;
    assert!(t.task(&task)["points"].is_null());
    t.quiet().await;
}

#[tokio::test]
async fn the_same_assignee_change_on_both_sides_is_agreed() {
    let t = bench("").await;
    let (id, task) = t.linked("Task", &[(PERSON, json!(ADA))]).await;
    assert_eq!(t.people(&task), [1002]);
    t.ado(id, PERSON, json!("grace@contoso.example"));
    t.clickup(&task, json!({"assignees": {"add": [1003], "rem": [1002]}}));
    t.quiet().await;
    assert_eq!(t.people(&task), [1003]);
    t.clickup(&task, json!({"assignees": {"add": [], "rem": [1003]}}));
    t.cycle().await;
    assert_eq!(t.field(id, PERSON), Value::Null);
    t.quiet().await;
    t.clickup(&task, json!({"assignees": {"add": [1002], "rem": []}}));
    t.cycle().await;
    assert_eq!(t.field(id, PERSON)["uniqueName"], ADA);
    t.quiet().await;
    t.ado(id, PERSON, json!(""));
    t.cycle().await;
    assert_eq!(t.people(&task), Vec::<i64>::new());
    t.quiet().await;
}

#[tokio::test]
async fn different_assignees_on_both_sides_go_to_ado_and_settle() {
    let t = bench("").await;
    let (id, task) = t.linked("Task", &[]).await;
    t.ado(id, PERSON, json!(ADA));
    t.clickup(&task, json!({"assignees": {"add": [1003], "rem": []}}));
    t.cycle().await;
    assert!(t.people(&task).contains(&1002));
    assert_eq!(t.field(id, PERSON)["uniqueName"], ADA);
    t.quiet().await;
}

#[tokio::test]
async fn a_person_without_counterpart_holds_that_field_only() {
    let t = bench("").await;
    let (id, task) = t.linked("Task", &[]).await;
    t.world
        .ado
        .edit(
            id,
            &[
                (PERSON, json!("robot@contoso.example")),
                (TITLE, json!("Moved on")),
            ],
            ADA,
        )
        .unwrap();
    t.cycle().await;
    assert_eq!(t.task(&task)["name"], "Moved on");
    assert_eq!(t.people(&task), Vec::<i64>::new());
    assert_eq!(t.field(id, PERSON)["uniqueName"], "robot@contoso.example");
    assert!(!t.holds().is_empty());
    t.quiet().await;
}

#[tokio::test]
async fn a_new_task_in_progress_becomes_an_active_work_item() {
    let t = bench("").await;
    let task =
        t.create_task(&json!({"name": "Begun", "status": "in progress", "assignees": [1002]}));
    t.cycle().await;
    let id = t.item_of(&task);
    t.cycle().await;
    assert_eq!(t.string(id, STATE), "Active");
    assert_eq!(t.status(&task), "in progress");
    t.quiet().await;
}
