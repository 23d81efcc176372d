//! Formatting in a work item that Markdown cannot express.

use crate::sync_rules::bench::*;
use boardsync::model::Side;
use serde_json::json;

const HTML: &str =
    "<p>Plain words.</p><p>Pay <span style=\"color:rgb(192, 0, 0);\">before noon</span> only.</p>";

#[tokio::test]
async fn an_edit_of_a_coloured_paragraph_is_held_and_settled_by_a_person() {
    let mut t = bench("").await;
    let (id, task) = t.linked("Task", &[(TEXT, json!(HTML))]).await;
    let before = t.string(id, TEXT);
    t.clickup(
        &task,
        json!({"markdown_content": t.text(&task).replace("only", "always"), "priority": 1}),
    );
    t.cycle().await;
    assert_eq!(t.string(id, TEXT), before, "not flattened");
    assert!(t.text(&task).contains("always"), "not taken back");
    assert_eq!(
        t.field(id, "Microsoft.VSTS.Common.Priority"),
        1,
        "other fields flow"
    );
    let stored = t.conflicts();
    assert_eq!(stored.len(), 1);
    assert_eq!(stored[0].record.taken, None);
    assert!(stored[0].record.raw.ado.as_ref().unwrap().contains("192"));
    assert!(
        stored[0]
            .record
            .raw
            .clickup
            .as_ref()
            .unwrap()
            .contains("always")
    );
    t.quiet().await;
    assert_eq!(t.conflicts().len(), 1, "one row however often it is seen");
    let holds = t.holds();
    assert!(
        holds
            .iter()
            .any(|hold| hold.reason().contains("coloured text")),
        "{holds:?}"
    );

    t.take("clickup").await;
    t.cycle().await;
    assert!(t.string(id, TEXT).contains("always"));
    t.quiet().await;
    assert!(t.conflicts()[0].resolved_at.is_some());
    assert!(t.holds().is_empty());
}

#[tokio::test]
async fn the_same_edit_made_by_hand_in_azure_devops_ends_the_hold() {
    let t = bench("").await;
    let (id, task) = t.linked("Task", &[(TEXT, json!(HTML))]).await;
    t.clickup(
        &task,
        json!({"markdown_content": t.text(&task).replace("only", "always")}),
    );
    t.cycle().await;
    t.ado(
        id,
        TEXT,
        json!(t.string(id, TEXT).replace("only", "always")),
    );
    t.cycle().await;
    t.quiet().await;
    assert!(
        t.string(id, TEXT).contains("192"),
        "the colour is still there"
    );
    assert!(t.holds().is_empty());
}

#[tokio::test]
async fn an_edit_beside_it_and_a_rule_that_clickup_wins_are_written() {
    let t = bench("").await;
    let (id, task) = t.linked("Task", &[(TEXT, json!(HTML))]).await;
    t.clickup(
        &task,
        json!({"markdown_content": t.text(&task).replace("Plain", "Other")}),
    );
    t.cycle().await;
    let now = t.string(id, TEXT);
    assert!(now.contains("Other") && now.contains("192"), "{now}");
    assert!(t.conflicts().is_empty());

    let t = bench("conflict = \"clickup\"").await;
    let (id, task) = t.linked("Task", &[(TEXT, json!(HTML))]).await;
    t.clickup(
        &task,
        json!({"markdown_content": t.text(&task).replace("only", "always")}),
    );
    t.cycle().await;
    assert!(t.string(id, TEXT).contains("always"));
    assert_eq!(t.conflicts()[0].record.taken, Some(Side::ClickUp));
    assert!(
        t.conflicts()[0]
            .record
            .raw
            .ado
            .as_ref()
            .unwrap()
            .contains("192")
    );
    t.quiet().await;
}
