//! Answers are compared with what was sent; edits between the calls of one update are other people's.

use crate::sync_rules::bench::*;
use boardsync::model::{FieldKey, Service, Side};
use boardsync::sandbox::faults::{Fault, FaultRule};
use serde_json::{Value, json};
use std::time::Duration;

const DUE: &str = "Microsoft.VSTS.Scheduling.FinishDate";

fn fault(t: &Bench, method: &str, path: &str, times: u32, fault: Fault) {
    t.world.faults.add(FaultRule {
        service: Service::ClickUp,
        method: Some(method.to_owned()),
        path_contains: path.to_owned(),
        fault,
        skip: 0,
        times,
    });
}

/// The bodies of the requests that changed the task itself.
fn puts(t: &Bench) -> Vec<Value> {
    let entries = t.world.ledger.entries();
    let puts = entries
        .iter()
        .filter(|entry| entry.service == Service::ClickUp && entry.method == "PUT");
    puts.map(|entry| serde_json::from_str(&entry.body).unwrap())
        .collect()
}

/// A person edits the task as soon as it has been written.
async fn once_written(t: &Bench, task: &str, body: Value) {
    for _ in 0..400 {
        tokio::time::sleep(Duration::from_millis(5)).await;
        if !puts(t).is_empty() {
            t.clickup(task, body);
            return;
        }
    }
    panic!("nothing was written");
}

#[tokio::test]
async fn a_title_typed_between_the_calls_of_our_update_stays() {
    let t = bench("").await;
    let (id, task) = t.linked("Task", &[(TAGS, json!("one"))]).await;
    fault(&t, "POST", "/tag/", 1, Fault::Delay { ms: 400 });
    t.ado(id, TITLE, json!("ours"));
    t.ado(id, TAGS, json!("one; two"));
    t.world.ledger.clear();
    let body = json!({"name": "human", "priority": 1});
    tokio::join!(t.cycle(), once_written(&t, &task, body));
    t.cycle().await;
    assert_eq!(t.string(id, TITLE), "human");
    assert_eq!(t.task(&task)["name"], "human");
    assert_eq!(t.field(id, "Microsoft.VSTS.Common.Priority"), 1);
    assert_eq!(t.tags(&task), ["one", "two"]);
    assert_eq!(t.conflicts().len(), 0);
    t.quiet().await;
}

#[tokio::test]
async fn a_value_that_clickup_keeps_is_held_by_its_field_and_the_rest_flows() {
    let t = bench("").await;
    let (id, task) = t.linked("Task", &[]).await;
    let kept = Fault::Status {
        status: 200,
        body: t.task(&task).to_string(),
        content_type: "application/json".to_owned(),
        headers: Vec::new(),
    };
    fault(&t, "PUT", "/task/", 2, kept);
    t.ado(id, DUE, json!("2026-03-09T00:00:00Z"));
    t.world.ledger.clear();
    for _ in 0..4 {
        t.cycle().await;
    }
    // Sent again at once, and then only after a while.
    assert_eq!(puts(&t).len(), 2, "{:?}", puts(&t));
    let holds = t.holds();
    assert_eq!(holds.len(), 1, "{holds:?}");
    assert_eq!(holds[0].subject, FieldKey::DueDate);
    for value in ["\"2026-03-09\"", "\"(empty)\""] {
        assert!(holds[0].reason().contains(value), "{}", holds[0].reason());
    }
    t.ado(id, TITLE, json!("another"));
    t.cycle().await;
    assert_eq!(t.task(&task)["name"], "another");
    assert!(t.task(&task)["due_date"].is_null());
    // Another value starts anew.
    t.ado(id, DUE, json!("2026-03-10T00:00:00Z"));
    t.cycle().await;
    assert!(!t.task(&task)["due_date"].is_null());
    assert!(t.holds().is_empty(), "{:?}", t.holds());
    t.quiet().await;
}

#[tokio::test]
async fn a_text_that_does_not_flow_is_not_sent_with_a_title() {
    let t = bench("[[pair.field]]\nclickup = \"description\"\ndirection = \"none\"\n").await;
    let task = t.create_task(&json!({"name": "theirs", "markdown_content": "their text"}));
    t.cycle().await;
    t.quiet().await;
    let id = t.item_of(&task);
    t.world.ledger.clear();
    t.ado(id, TITLE, json!("renamed"));
    t.cycle().await;
    assert_eq!(puts(&t), [json!({"name": "renamed"})]);
    t.quiet().await;
}

#[tokio::test]
async fn a_title_edit_sends_the_title_alone() {
    let t = bench("").await;
    let task = t.create_task(&json!({"name": "theirs", "markdown_content": "their text"}));
    t.cycle().await;
    t.quiet().await;
    let id = t.item_of(&task);
    let (ours, made) = t.linked("Task", &[(TEXT, json!("<div>ours</div>"))]).await;
    for (id, task) in [(id, task), (ours, made)] {
        t.world.ledger.clear();
        t.ado(id, TITLE, json!(format!("renamed {id}")));
        t.cycle().await;
        assert_eq!(
            puts(&t),
            [json!({"name": format!("renamed {id}")})],
            "{task}"
        );
    }
    t.quiet().await;
}

/// An answer that leaves a field out says nothing of it. Both versions are known from then on, so no listing would ever tell of the
/// edit that waits.
#[tokio::test]
async fn an_edit_waits_for_a_field_that_one_answer_left_out_and_flows_with_the_next() {
    for side in Side::BOTH {
        for (member, ado, clickup) in [
            (
                "name",
                (TITLE, json!("Renamed")),
                json!({"name": "Renamed"}),
            ),
            (
                "priority",
                ("Microsoft.VSTS.Common.Priority", json!(1)),
                json!({"priority": 1}),
            ),
            (
                "due_date",
                (DUE, json!("2026-05-10T00:00:00Z")),
                json!({"due_date": 1_778_400_000_000_i64}),
            ),
        ] {
            let t = bench("conflict = \"hold\"").await;
            let fields = [
                (TITLE, json!("Item")),
                ("Microsoft.VSTS.Common.Priority", json!(3)),
                (DUE, json!("2026-05-02T00:00:00Z")),
            ];
            let pair = t.linked("Task", &fields).await;
            fault(
                &t,
                "GET",
                "/task",
                1000,
                Fault::LeavesOut(vec![member.to_owned()]),
            );
            match side {
                Side::Ado => t.ado(pair.0, ado.0, ado.1),
                Side::ClickUp => t.clickup(&pair.1, clickup),
            }
            t.cycle().await;
            let held = t.holds();
            assert_eq!(held.len(), 1, "{side} {member}: {held:?}");
            t.world.faults.clear();
            t.cycle().await;
            t.cycle().await;
            assert_eq!(t.holds().len(), 0, "{side} {member}");
            let (now, task) = (t.field(pair.0, ado.0), t.task(&pair.1));
            let equal = match member {
                "name" => now == task["name"] && now == json!("Renamed"),
                "priority" => now == json!(1) && task["priority"]["id"] == json!("1"),
                _ => {
                    now.as_str().unwrap().starts_with("2026-05-10")
                        && task["due_date"].as_str().unwrap() > "17783"
                }
            };
            assert!(equal, "{side} {member}: {now} {task}");
            assert_eq!(t.conflicts(), []);
            t.quiet().await;
        }
    }
}
