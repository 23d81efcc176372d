//! Fields that a type of work item has no place for.

use super::*;

const ROW: &str = "[[pair.field]]\nclickup = \"custom:Severity\"\nado = \"Microsoft.VSTS.Common.Severity\"\n\
                   values = [[\"1 - Critical\", \"Critical\"], [\"3 - Medium\", \"Minor\"]]\n";

/// A task becomes a User Story, which has no field for a severity: the plan doesn't promise one, and when somebody deletes the
/// User Story, the severity is no edit that keeps the task open. An edit of its name is, and so is one of the severity itself: the
/// User Story may have become a Bug before it was deleted.
#[tokio::test(flavor = "multi_thread")]
async fn a_value_that_a_type_has_no_place_for_is_not_planned_and_keeps_no_task_open() {
    let name = || json!({ "name": "Two, reworded" });
    let severity = || json!({"custom_fields": [{"id": id_of("Severity"), "value": 1}]});
    for edit in [None, Some(name()), Some(severity())] {
        let edited = edit.is_some();
        let bench = with_fields(ROW).await;
        bench.replace_config("name = \"web\"", "name = \"web\"\non_delete = \"close\"");
        bug(&bench, "One", &[]);
        first_yes(&bench).await;
        let new = json!({
            "name": "Two", "due_date": 1_900_000_000_000_i64,
            "custom_fields": [{"id": id_of("Severity"), "value": 0}],
        });
        bench.world.clickup.create_task(LIST, &new).unwrap();
        let plan = bench.run(&["plan", "--json"]).await.left_with(0);
        let create = &plan.json()["pairs"][0]["actions"][0];
        let fields = create["changes"].as_array().unwrap().iter();
        let fields: Vec<&str> = fields
            .filter_map(|change| change["field"].as_str())
            .collect();
        assert!(fields.contains(&"title"), "{create}");
        assert!(!fields.contains(&"custom:Severity"), "{create}");
        bench.run(&["reconcile", "--once"]).await.left_with(0);
        bench.quiet().await;
        let task = bench.task_named("Two");
        assert_eq!(value(&bench, &task, "Severity"), 0, "it stays in ClickUp");

        let id = *bench.world.ado.all_ids().last().unwrap();
        assert!(bench.world.ado.delete(id));
        if let Some(edit) = edit {
            bench.world.clickup.edit(&task, &edit).unwrap();
        }
        let plan = bench.run(&["plan"]).await.left_with(0);
        assert_eq!(
            plan.out.contains("edited here since"),
            edited,
            "{}",
            plan.out
        );
        bench
            .run(&["reconcile", "--once", "--full"])
            .await
            .left_with(0);
        let status = bench.world.clickup.task(&task).unwrap()["status"]["status"].clone();
        assert_eq!(status == "complete", !edited, "{status}");
    }
}
