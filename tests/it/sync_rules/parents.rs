//! A new item stands under the counterpart of the item that its source stands under.

use crate::sync_rules::bench::*;
use boardsync::model::{Service, Side};
use boardsync::reason::Outcome;
use boardsync::sandbox::faults::{Fault, FaultRule};
use serde_json::{Value, json};

/// A list that the example pair does not watch.
const OTHER_LIST: &str = "901100000003";

fn above(t: &Bench, task: &str) -> Value {
    t.task(task)["parent"].clone()
}

fn above_item(t: &Bench, id: i64) -> Option<i64> {
    let item = t.world.ado.item(id).unwrap();
    let mut relations = item.relations.iter();
    let parent = relations.find(|one| one["rel"] == "System.LinkTypes.Hierarchy-Reverse")?;
    let url = parent["url"].as_str()?;
    url.rsplit('/').next()?.parse().ok()
}

fn put_under(t: &Bench, child: i64, parent: i64) {
    t.world.ado.set_parent(child, Some(parent), ADA).unwrap();
}

/// Where a task was made, in the words of the journal.
fn place(t: &Bench, task: &str) -> String {
    let store = t.engine().store();
    let rows = store.journal_of(Some(Side::ClickUp), &task.into()).unwrap();
    let mut done = rows
        .into_iter()
        .filter(|row| row.entry.outcome == Outcome::Done);
    done.next().unwrap().entry.detail
}

/// The child has the smaller number, so that by the order of the ids alone it would be made first.
#[tokio::test]
async fn a_tree_of_work_items_becomes_one_of_tasks() {
    let t = bench("").await;
    let leaf = t.create("Task", &[]);
    let middle = t.create("Task", &[]);
    let top = t.create("Task", &[]);
    put_under(&t, leaf, middle);
    put_under(&t, middle, top);
    let (observed, _) = t.cycle().await;
    let shown = serde_json::to_value(&observed.plan().pairs[0].actions).unwrap();
    assert_eq!(shown[1]["parent"], json!(top.to_string()));
    let [leaf, middle, top] = [leaf, middle, top].map(|id| t.task_of(id).unwrap());
    assert_eq!(above(&t, &leaf), json!(middle));
    assert_eq!(above(&t, &middle), json!(top));
    assert_eq!(above(&t, &top), Value::Null);
    t.quiet().await;
}

#[tokio::test]
async fn a_tree_of_tasks_becomes_one_of_work_items() {
    let t = bench("").await;
    let new = |name: &str, parent: Option<&str>| {
        t.create_task(&json!({"name": name, "status": "to do", "parent": parent}))
    };
    let top = new("top", None);
    t.cycle().await;
    let middle = new("middle", Some(&top));
    let leaf = new("leaf", Some(&middle));
    t.cycle().await;
    let [leaf, middle, top] = [&leaf, &middle, &top].map(|task| t.item_of(task));
    assert_eq!(above_item(&t, leaf), Some(middle));
    assert_eq!(above_item(&t, middle), Some(top));
    assert_eq!(above_item(&t, top), None);
    t.quiet().await;
}

#[tokio::test]
async fn with_parents_none_every_new_item_stands_at_the_top() {
    let t = bench("parents = \"none\"").await;
    let (top, _) = t.linked("Task", &[]).await;
    let child = t.create("Task", &[]);
    put_under(&t, child, top);
    t.cycle().await;
    assert_eq!(above(&t, &t.task_of(child).unwrap()), Value::Null);
    t.quiet().await;
}

/// Two items below one that has no counterpart, and one below a work item that is in no pair.
#[tokio::test]
async fn below_an_item_without_a_counterpart_a_new_one_stands_at_the_top() {
    let t = bench("create = \"clickup\"").await;
    let task = t.create_task(&json!({"name": "alone", "status": "to do"}));
    let below = t.create_task(&json!({"name": "below", "status": "to do", "parent": task}));
    let outside = t
        .world
        .ado
        .create_item("Other", "Task", &[("System.Title", json!("Elsewhere"))]);
    let child = t.create("Task", &[]);
    if let Ok(outside) = outside {
        put_under(&t, child, outside);
    }
    t.cycle().await;
    assert_eq!(above(&t, &t.task_of(child).unwrap()), Value::Null);
    assert_eq!(above(&t, &below), json!(task));
    t.quiet().await;
}

/// ClickUp refuses a parent in another list, and the task of the parent was moved to one.
#[tokio::test]
async fn a_place_that_is_refused_costs_the_place_and_nothing_else() {
    let t = bench("").await;
    let (top, task) = t.linked("Task", &[]).await;
    t.world.clickup.move_to_list(&task, OTHER_LIST).unwrap();
    let child = t.create("Task", &[("System.Tags", json!("red"))]);
    put_under(&t, child, top);
    t.cycle().await;
    let made = t.task_of(child).unwrap();
    assert_eq!(above(&t, &made), Value::Null);
    assert_eq!(t.tags(&made), ["red"]);
    let place = place(&t, &made);
    assert!(
        place.contains(&format!("not under {task}, which ClickUp refuses")),
        "{place}"
    );
    t.quiet().await;
}

/// A date is refused, with the place and without it.
#[tokio::test]
async fn a_place_that_is_not_at_fault_is_kept() {
    for side in [Service::Ado, Service::ClickUp] {
        let t = bench("").await;
        let (top, task) = t.linked("Task", &[]).await;
        t.world.faults.add(FaultRule {
            service: side,
            method: Some("POST".to_owned()),
            path_contains: match side {
                Service::Ado => "workitems/$Task".to_owned(),
                _ => "/list/".to_owned(),
            },
            fault: Fault::Status {
                status: 400,
                body: json!({"err": "Due date invalid", "ECODE": "INPUT_003", "message": "TF401320: Rule Error for field Due Date."}).to_string(),
                content_type: "application/json".to_owned(),
                headers: Vec::new(),
            },
            skip: 0,
            times: 2,
        });
        let made = match side {
            Service::Ado => {
                let child = t.create_task(&json!({"name": "child", "status": "to do", "parent": task, "due_date": 1_790_000_000_000_i64}));
                t.cycle().await;
                above_item(&t, t.item_of(&child)).map(|id| id == top)
            }
            _ => {
                let due = (
                    "Microsoft.VSTS.Scheduling.DueDate",
                    json!("2026-09-21T00:00:00Z"),
                );
                let child = t.create("Task", &[due]);
                put_under(&t, child, top);
                t.cycle().await;
                Some(above(&t, &t.task_of(child).unwrap()) == json!(task))
            }
        };
        assert_eq!(made, Some(true), "{side:?}");
        t.world.faults.clear();
        t.cycle().await;
        t.quiet().await;
    }
}

/// The answer to the create of the child is lost, and it is found by its marker: where it was made.
#[tokio::test]
async fn a_lost_create_is_found_where_it_was_made() {
    let t = bench("").await;
    let (top, task) = t.linked("Task", &[]).await;
    let child = t.create("Task", &[]);
    put_under(&t, child, top);
    t.world.faults.add(FaultRule {
        service: Service::ClickUp,
        method: Some("POST".to_owned()),
        path_contains: "/list/".to_owned(),
        fault: Fault::DropAfterApply,
        skip: 0,
        times: 1,
    });
    t.cycle().await;
    t.cycle().await;
    assert_eq!(above(&t, &t.task_of(child).unwrap()), json!(task));
    t.quiet().await;
}

/// What an undo deletes goes from below, and whatever stays keeps what it stands under.
#[tokio::test]
async fn an_undo_deletes_a_tree_from_below() {
    for edited in [false, true] {
        let mut t = bench("").await;
        let top = t.create("Task", &[]);
        let middle = t.create("Task", &[]);
        let leaf = t.create("Task", &[]);
        put_under(&t, middle, top);
        put_under(&t, leaf, middle);
        let (_, report) = t.cycle().await;
        let tasks = [top, middle, leaf].map(|id| t.task_of(id).unwrap());
        if edited {
            t.clickup(&tasks[2], json!({"name": "Mine"}));
        }
        let run = report.cycle.as_str();
        let (code, said) = t.command(&["undo", run, "--delete-created", "--yes"]).await;
        assert_eq!(code, if edited { 3 } else { 0 }, "{said}");
        let there = tasks.map(|task| t.world.clickup.task(&task).is_some());
        assert_eq!(there, [edited; 3], "{said}");
        if edited {
            assert!(
                said.contains("it has something below it that stays"),
                "{said}"
            );
        }
    }
}

/// The answer to the create of the parent is lost, and the next cycle finds it by its marker.
#[tokio::test]
async fn children_wait_for_what_they_are_to_stand_under() {
    let t = bench("").await;
    let top = t.create("Task", &[]);
    let children = [t.create("Task", &[]), t.create("Task", &[])];
    for child in children {
        put_under(&t, child, top);
    }
    t.world.faults.add(FaultRule {
        service: Service::ClickUp,
        method: Some("POST".to_owned()),
        path_contains: "/list/".to_owned(),
        fault: Fault::DropAfterApply,
        skip: 0,
        times: 1,
    });
    t.cycle().await;
    assert!(children.iter().all(|child| t.task_of(*child).is_none()));
    let waits =
        format!("the counterpart of ADO {top}, under which it is to stand, is not made yet");
    let holds = t.holds();
    let told = holds
        .iter()
        .any(|hold| hold.why.to_string().contains(&waits));
    assert!(told, "{holds:?}");
    for _ in 0..2 {
        t.cycle().await;
    }
    let top = t.task_of(top).unwrap();
    for child in children {
        assert_eq!(above(&t, &t.task_of(child).unwrap()), json!(top));
    }
    assert_eq!(t.holds(), []);
    t.quiet().await;
}
