//! Words that are true of what happened: what a cycle did, what an item is called now, why a field is left alone.

use super::bench::Bench;
use serde_json::json;

#[tokio::test(flavor = "multi_thread")]
async fn a_cycle_that_only_ended_links_says_that_and_not_that_it_did_nothing() {
    let bench = Bench::equal().await;
    bench.world.ado.delete(bench.ids[3]);
    let once = ["reconcile", "--once", "--full"];
    bench.run(&once).await.left_with(0);
    let status = bench.run(&["status"]).await.left_with(0);
    status.says("done, 0 writes, 1 unlinked");
    let json = bench.run(&["status", "--json"]).await.left_with(0).json();
    assert_eq!(json["last_cycle"]["unlinked"], 1, "{json}");
}

/// The old name is what nobody looks for any more.
#[tokio::test(flavor = "multi_thread")]
async fn an_item_that_was_renamed_is_called_by_its_new_name_at_once() {
    let bench = Bench::equal().await;
    let (ado, clickup) = (bench.ids[3].to_string(), bench.ids[2].to_string());
    bench.rename(bench.ids[3], "New name in Azure DevOps");
    let task = bench.task_named("Guest gets a receipt by mail");
    let name = json!({ "name": "New name in ClickUp" });
    bench.world.clickup.edit(&task, &name).unwrap();
    let heading = |text: &str, title: &str, id: &str| {
        let mut lines = text.lines();
        let found = lines.any(|line| line.contains(title) && line.contains(&format!("ADO {id}")));
        assert!(found, "{title}\n{text}");
    };
    let plan = bench.run(&["plan"]).await.left_with(0);
    bench.run(&["reconcile", "--once"]).await.left_with(0);
    let log = bench.run(&["log"]).await.left_with(0);
    let history = bench.run(&["history", &ado]).await.left_with(0);
    heading(&plan.out, "New name in Azure DevOps", &ado);
    heading(&plan.out, "New name in ClickUp", &clickup);
    heading(&log.out, "New name in Azure DevOps", &ado);
    heading(&log.out, "New name in ClickUp", &clickup);
    heading(&history.out, "New name in Azure DevOps", &ado);
}

/// What is said of an item as a whole is said once, and beside each field what it comes to.
#[tokio::test(flavor = "multi_thread")]
async fn why_says_beside_each_field_what_is_done_and_the_reason_once() {
    let bench = Bench::equal().await;
    let task = bench.task_named("Validate postcodes");
    bench.world.clickup.delete(&task).unwrap();
    bench.run(&["reconcile", "--once", "--full"]).await;
    let why = bench.run(&["why", &task]).await.left_with(0);
    assert!(!why.out.contains("see below"), "{}", why.out);
    let text = why.out.split_whitespace().collect::<Vec<_>>().join(" ");
    assert_eq!(
        text.matches("asked again before anything").count(),
        1,
        "{text}"
    );
    let title = why.out.lines().find(|line| line.contains("Validate"));
    assert!(
        title.is_some_and(|line| line.trim_end().ends_with("held")),
        "{}",
        why.out
    );
}
