//! A list that has lived for years meets an empty project.

use super::bench::Bench;
use boardsync::sandbox::world::{LIST, PROJECT, World};
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// Fifty tasks: every fifth a subtask of the one before it, every seventh closed, three archived. Returns name and status.
fn fill(world: &World) -> BTreeMap<String, &'static str> {
    let mut expected = BTreeMap::new();
    let mut before: Option<String> = None;
    for n in 1..=50 {
        let name = format!("Old task {n:02}");
        let status = match n {
            _ if n % 7 == 0 => "complete",
            _ if n % 3 == 0 => "in progress",
            _ => "to do",
        };
        let mut body = json!({
            "name": name,
            "status": status,
            "priority": n % 4 + 1,
            "tags": ["old"],
            "markdown_content": format!("Text **{n}**\n\n- one\n- two"),
        });
        if let Some(parent) = before.take().filter(|_| n % 5 == 0) {
            body["parent"] = Value::from(parent);
        }
        let id = world.clickup.create_task(LIST, &body).unwrap();
        let archived = matches!(n, 11 | 22 | 33);
        if archived {
            world.clickup.archive(&id, true).unwrap();
        } else {
            expected.insert(name, status);
            before = Some(id);
        }
    }
    expected
}

#[tokio::test(flavor = "multi_thread")]
async fn fifty_tasks_become_work_items_once_each_with_their_state() {
    let bench = Bench::empty().await;
    let expected = fill(&bench.world);
    bench
        .run(&["reconcile", "--once", "--yes"])
        .await
        .left_with(0);
    let mut found: BTreeMap<String, String> = BTreeMap::new();
    for id in bench.world.ado.all_ids() {
        let fields = bench.world.ado.item(id).unwrap().fields;
        let text = |name: &str| fields[name].as_str().unwrap_or_default().to_owned();
        assert_eq!(text("System.TeamProject"), PROJECT);
        assert_eq!(text("System.Tags"), "old");
        assert!(text("System.Description").contains("<li>"), "{fields:?}");
        let twin = found.insert(text("System.Title"), text("System.State"));
        assert_eq!(twin, None, "{fields:?}");
    }
    let state = |status: &str| match status {
        "complete" => "Closed",
        "in progress" => "Active",
        _ => "New",
    };
    let wanted: BTreeMap<String, String> = expected
        .iter()
        .map(|(name, status)| (name.clone(), state(status).to_owned()))
        .collect();
    assert_eq!(found, wanted);

    bench.quiet().await;
    assert_eq!(bench.world.ado.all_ids().len(), 47);
    assert_eq!(bench.titles().len(), 50);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_back_fill_that_is_cut_off_goes_on_without_twins() {
    let bench = Bench::empty().await;
    let expected = fill(&bench.world);
    bench
        .world
        .faults
        .add(boardsync::sandbox::faults::FaultRule {
            service: boardsync::model::Service::Ado,
            method: Some("POST".to_owned()),
            path_contains: "/workitems/$".to_owned(),
            fault: boardsync::sandbox::faults::Fault::DropAfterApply,
            skip: 20,
            times: 2,
        });
    bench.run(&["reconcile", "--once", "--yes"]).await;
    let unanswered = bench.world.ledger.entries();
    let unanswered = unanswered.iter().filter(|entry| entry.status == 0);
    assert_eq!(unanswered.count(), 2);
    for _ in 0..3 {
        bench.run(&["reconcile", "--once"]).await;
    }
    bench
        .run(&["reconcile", "--once", "--full"])
        .await
        .left_with(0);
    let mut titles: Vec<String> = bench
        .world
        .ado
        .all_ids()
        .into_iter()
        .map(|id| {
            bench.world.ado.item(id).unwrap().fields["System.Title"]
                .as_str()
                .unwrap()
                .to_owned()
        })
        .collect();
    titles.sort();
    assert_eq!(titles, expected.into_keys().collect::<Vec<_>>());
}

#[tokio::test(flavor = "multi_thread")]
async fn an_archived_task_that_is_taken_out_again_is_made_once() {
    let bench = Bench::empty().await;
    fill(&bench.world);
    bench
        .run(&["reconcile", "--once", "--yes"])
        .await
        .left_with(0);
    let task = bench.task_named("Old task 22");
    bench.world.clickup.archive(&task, false).unwrap();
    bench.run(&["reconcile", "--once"]).await.left_with(0);
    bench
        .run(&["reconcile", "--once", "--full"])
        .await
        .left_with(0);
    assert_eq!(bench.world.ado.all_ids().len(), 48);
}
