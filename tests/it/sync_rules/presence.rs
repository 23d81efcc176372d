//! Deleted, moved, archived, copied and lost.

use crate::sync_rules::bench::*;
use boardsync::engine::Scope;
use boardsync::engine::apply::Consent;
use boardsync::model::Service;
use boardsync::reason::Limit;
use boardsync::reconcile::plan::ActionKind;
use boardsync::sandbox::faults::{Fault, FaultRule};
use boardsync::sandbox::world::{LIST, World};
use boardsync::store::LinkState;
use serde_json::json;

/// A list that the example pair does not watch.
const OTHER_LIST: &str = "901100000003";

fn dissolved(t: &Bench, id: i64) {
    let state = t.link_state(id);
    assert!(!state.is_living(), "{state:?}");
}

#[tokio::test]
async fn a_deleted_work_item_follows_on_delete() {
    for rule in ["unlink", "close", "delete"] {
        let t = bench(&format!("on_delete = \"{rule}\"")).await;
        let (id, task) = t.linked("Task", &[]).await;
        t.world.ado.delete(id);
        t.sweep().await;
        match rule {
            "unlink" => assert_eq!(t.status(&task), "to do"),
            "close" => assert_eq!(t.status(&task), "complete"),
            _ => assert!(t.world.clickup.task(&task).is_none()),
        }
        dissolved(&t, id);
        t.quiet().await;
        assert!(t.world.ado.all_ids().is_empty(), "{rule}: no twin");
    }
}

/// ClickUp deletes subtasks along with their parent, and nobody deleted the work item of this one.
#[tokio::test]
async fn a_task_with_a_subtask_is_not_deleted_before_the_subtask() {
    let t = bench("on_delete = \"delete\"").await;
    let (id, task) = t.linked("Task", &[]).await;
    let (below_id, below) = t.linked("Task", &[]).await;
    t.clickup(&below, json!({"parent": task}));
    t.world.ado.delete(id);
    for _ in 0..2 {
        t.sweep().await;
        assert!(t.world.clickup.task(&task).is_some());
        assert!(t.world.clickup.task(&below).is_some());
        let [hold] = t.holds().try_into().unwrap();
        let told = format!("ClickUp would delete a subtask along with it ({below})");
        assert!(hold.why.to_string().contains(&told), "{}", hold.why);
    }
    // The whole tree is to go, and it goes from below.
    t.world.ado.delete(below_id);
    t.world.ledger.clear();
    t.sweep().await;
    let deletes = t.world.ledger.writes();
    let paths: Vec<&str> = deletes.iter().map(|call| call.path.as_str()).collect();
    assert!(
        paths[0].ends_with(&below) && paths[1].ends_with(&task),
        "{paths:?}"
    );
    assert!(t.world.clickup.task(&below).is_none());
    assert!(t.world.clickup.task(&task).is_none());
    dissolved(&t, id);
    dissolved(&t, below_id);
    assert_eq!(t.holds(), []);
    t.quiet().await;
}

/// It was in the trash when the cycle looked.
#[tokio::test]
async fn a_subtask_that_came_back_keeps_its_parent_from_being_deleted() {
    let t = bench("on_delete = \"delete\"").await;
    let (id, task) = t.linked("Task", &[]).await;
    let (_, below) = t.linked("Task", &[]).await;
    t.clickup(&below, json!({"parent": task}));
    t.sweep().await;
    t.world.clickup.delete(&below).unwrap();
    // One answer is not enough.
    t.sweep().await;
    t.world.ado.delete(id);
    let scope = Scope {
        full: true,
        ..Scope::default()
    };
    let observed = t.engine().observe(&scope).await.unwrap();
    let planned = observed.plan().pairs[0].actions.iter();
    let mut deletes = planned.filter(|action| action.kind == ActionKind::Delete);
    assert!(deletes.any(|action| action.target_item == Some(task.as_str().into())));
    t.world.clickup.restore(&below);
    t.apply(&observed).await;
    assert!(t.world.clickup.task(&task).is_some());
    assert!(t.world.clickup.task(&below).is_some());
}

/// One of two subtasks goes together with what it is below, and the other one stays.
#[tokio::test]
async fn a_subtask_that_stays_keeps_its_parent_and_no_other_subtask() {
    let t = bench("on_delete = \"delete\"").await;
    let (id, task) = t.linked("Task", &[]).await;
    let (goes_id, goes) = t.linked("Task", &[]).await;
    let (_, stays) = t.linked("Task", &[]).await;
    for below in [&goes, &stays] {
        t.clickup(below, json!({"parent": task}));
    }
    t.world.ado.delete(id);
    t.world.ado.delete(goes_id);
    let (observed, _) = t.sweep().await;
    assert_eq!(observed.plan().pairs[0].actions.len(), 1);
    let there = [&task, &goes, &stays].map(|task| t.world.clickup.task(task).is_some());
    assert_eq!(there, [true, false, true]);
    let [hold] = t.holds().try_into().unwrap();
    let why = hold.why.to_string();
    assert!(why.contains(&stays), "{why}");
}

/// So many deletes wait for a yes in any case, and right before each of them ClickUp is asked.
#[tokio::test]
async fn a_cycle_asks_for_the_subtasks_of_a_hundred_tasks_at_most() {
    let t = bench("on_delete = \"delete\"").await;
    let ids: Vec<i64> = (0..110).map(|_| t.create("Task", &[])).collect();
    t.cycle().await;
    for id in &ids {
        t.world.ado.delete(*id);
    }
    t.world.ledger.clear();
    let scope = Scope {
        full: true,
        ..Scope::default()
    };
    let observed = t.engine().observe(&scope).await.unwrap();
    assert_eq!(observed.plan().pairs[0].actions.len(), 110);
    let asked = t.world.ledger.entries().into_iter();
    let asked = asked.filter(|entry| entry.path.contains("include_subtasks=true"));
    assert_eq!(asked.count(), 100);
}

/// It is nobody's counterpart, and ClickUp shows it only where it is asked for.
#[tokio::test]
async fn a_subtask_outside_the_pair_keeps_its_parent_from_being_deleted() {
    let t = bench("on_delete = \"delete\"\ncreate = \"clickup\"").await;
    let (id, task) = t.linked("Task", &[]).await;
    let below = t.create_task(&json!({"name": "Theirs", "status": "to do", "parent": task}));
    t.world.ado.delete(id);
    t.sweep().await;
    assert!(t.world.clickup.task(&below).is_some());
    assert!(t.link_state(id).is_living());
    // Taken out of there by its owner.
    t.world.clickup.delete(&below).unwrap();
    t.sweep().await;
    assert!(t.world.clickup.task(&task).is_none());
    dissolved(&t, id);
}

/// Whoever deletes a task in ClickUp deletes what is below it as well, and sees one task.
#[tokio::test]
async fn what_went_to_the_trash_with_its_parent_takes_no_work_item_with_it() {
    for rule in ["close", "delete"] {
        let t = bench(&format!("on_delete = \"{rule}\"")).await;
        let (id, task) = t.linked("Task", &[]).await;
        let (below_id, below) = t.linked("Task", &[]).await;
        t.clickup(&below, json!({"parent": task}));
        t.cycle().await;
        t.world.clickup.delete(&task).unwrap();
        assert!(t.world.clickup.task(&below).is_none(), "{rule}");
        for _ in 0..3 {
            t.sweep().await;
        }
        dissolved(&t, id);
        dissolved(&t, below_id);
        assert_eq!(t.string(below_id, STATE), "New", "{rule}");
        match rule {
            "close" => assert_eq!(t.string(id, STATE), "Closed"),
            _ => assert_eq!(t.world.ado.deleted_ids(), [id]),
        }
        t.quiet().await;
        assert!(t.world.clickup.all_ids().is_empty(), "{rule}: no twin");
    }
}

/// Whether the subtask went with its parent cannot be told then.
#[tokio::test]
async fn nothing_follows_a_deleted_subtask_while_its_parent_cannot_be_read() {
    for rule in ["close", "delete"] {
        for fault in [Fault::page(403, false), Fault::DropBeforeApply] {
            let t = bench(&format!("on_delete = \"{rule}\"")).await;
            let parent = t.create_task(&json!({"name": "Above", "status": "to do"}));
            t.cycle().await;
            let (id, below) = t.linked("Task", &[]).await;
            t.clickup(&below, json!({"parent": parent}));
            t.cycle().await;
            t.world.clickup.delete(&parent).unwrap();
            t.world.faults.add(FaultRule {
                service: Service::ClickUp,
                method: Some("GET".to_owned()),
                path_contains: format!("/task/{parent}"),
                fault: fault.clone(),
                skip: 0,
                times: u32::MAX,
            });
            for _ in 0..3 {
                let _ = t.try_run(true).await;
            }
            assert_eq!(t.string(id, STATE), "New", "{rule} {fault:?}");
            assert!(t.link_state(id).is_living(), "{rule} {fault:?}");
            t.world.faults.clear();
            for _ in 0..4 {
                t.sweep().await;
            }
            dissolved(&t, id);
            assert_eq!(t.string(id, STATE), "New", "{rule} {fault:?}");
        }
    }
}

/// The plan was shown, and while its question stands somebody puts a subtask there.
#[tokio::test]
async fn a_subtask_that_comes_after_the_plan_keeps_its_parent_from_being_deleted() {
    let t = bench("on_delete = \"delete\"\ncreate = \"clickup\"").await;
    let (id, task) = t.linked("Task", &[]).await;
    t.world.ado.delete(id);
    let scope = Scope {
        full: true,
        ..Scope::default()
    };
    let observed = t.engine().observe(&scope).await.unwrap();
    let planned = observed.plan().pairs[0].actions.iter();
    let deletes = planned.filter(|action| action.kind == ActionKind::Delete);
    assert_eq!(deletes.count(), 1);
    let below = t.create_task(&json!({"name": "Theirs", "status": "to do", "parent": task}));
    let report = t.apply(&observed).await;
    assert_eq!(report.writes(), 0, "{:?}", report.outcomes);
    assert!(t.world.clickup.task(&below).is_some());
    assert!(t.link_state(id).is_living());
}

#[tokio::test]
async fn a_deleted_task_follows_on_delete() {
    for rule in ["unlink", "close", "delete"] {
        let t = bench(&format!("on_delete = \"{rule}\"")).await;
        let (id, task) = t.linked("Task", &[]).await;
        t.world.clickup.delete(&task).unwrap();
        t.sweep().await;
        assert!(t.world.ado.item(id).is_some(), "one answer is not enough");
        assert_eq!(t.string(id, STATE), "New");
        t.cycle().await;
        // The pair has a condition: whether the work item still meets it shows in the sweep that follows.
        t.cycle().await;
        match rule {
            "unlink" => assert_eq!(t.string(id, STATE), "New"),
            "close" => assert_eq!(t.string(id, STATE), "Closed"),
            _ => assert_eq!(t.world.ado.deleted_ids(), [id], "in the recycle bin"),
        }
        dissolved(&t, id);
        t.quiet().await;
        assert!(t.world.clickup.all_ids().is_empty(), "{rule}: no twin");
    }
}

#[tokio::test]
async fn deleted_on_both_sides_only_dissolves_the_link() {
    let t = bench("on_delete = \"delete\"").await;
    let (id, task) = t.linked("Task", &[]).await;
    t.world.ado.delete(id);
    t.world.clickup.delete(&task).unwrap();
    t.world.ledger.clear();
    t.sweep().await;
    t.cycle().await;
    assert!(t.world.ledger.writes().is_empty());
    dissolved(&t, id);
    t.quiet().await;
}

#[tokio::test]
async fn an_edit_beats_a_delete() {
    let t = bench("on_delete = \"delete\"").await;
    let (id, task) = t.linked("Task", &[]).await;
    t.world.ado.delete(id);
    t.clickup(&task, json!({"name": "Still needed"}));
    t.sweep().await;
    assert_eq!(t.task(&task)["name"], "Still needed");
    dissolved(&t, id);
    t.quiet().await;
}

/// The delete was planned; before it is carried out, somebody works on the task.
#[tokio::test]
async fn an_edit_between_plan_and_delete_saves_the_task() {
    let t = bench("on_delete = \"delete\"").await;
    let (id, task) = t.linked("Task", &[]).await;
    t.world.ado.delete(id);
    let scope = boardsync::engine::Scope {
        full: true,
        ..Default::default()
    };
    let observed = t.engine().observe(&scope).await.unwrap();
    assert_eq!(observed.plan().pairs[0].actions.len(), 1);
    t.clickup(&task, json!({"name": "Still needed"}));
    t.apply(&observed).await;
    assert_eq!(t.task(&task)["name"], "Still needed");
}

#[tokio::test]
async fn a_work_item_out_of_scope_is_left_alone_until_it_is_back() {
    let pair = World::example_pair().replace(
        "ado.project = \"Shop\"\n",
        "ado.project = \"Shop\"\nado.area = \"Shop\\\\Web\"\n",
    );
    let t = bench_of(&pair).await;
    let (id, task) = t.linked("Task", &[(AREA, json!("Shop\\Web"))]).await;
    t.ado(id, AREA, json!("Shop\\Mobile"));
    t.sweep().await;
    assert_eq!(t.link_state(id), LinkState::OutOfScope);
    t.quiet().await;
    assert_eq!(
        t.link_state(id),
        LinkState::OutOfScope,
        "however often it is looked at"
    );
    t.clickup(&task, json!({"name": "Edited meanwhile"}));
    t.quiet().await;
    assert_eq!(t.string(id, TITLE), "Item");
    assert_eq!(t.counts(), (1, 1));
    t.ado(id, AREA, json!("Shop\\Web\\Checkout"));
    t.cycle().await;
    t.sweep().await;
    assert_eq!(
        t.string(id, TITLE),
        "Edited meanwhile",
        "caught up on its return"
    );
    assert_eq!(t.link_state(id), LinkState::Active);
    assert_eq!(t.counts(), (1, 1));
    t.quiet().await;
}

#[tokio::test]
async fn a_task_in_an_unwatched_list_is_left_alone_until_it_is_back() {
    let t = bench("").await;
    let (id, task) = t.linked("Task", &[]).await;
    t.world.clickup.move_to_list(&task, "901100000003").unwrap();
    t.sweep().await;
    assert_eq!(t.link_state(id), LinkState::OutOfScope);
    t.ado(id, TITLE, json!("Edited meanwhile"));
    t.quiet().await;
    assert_eq!(t.task(&task)["name"], "Item");
    t.world.clickup.move_to_list(&task, LIST).unwrap();
    t.cycle().await;
    t.sweep().await;
    assert_eq!(t.task(&task)["name"], "Edited meanwhile");
    assert_eq!(t.counts(), (1, 1));
    t.quiet().await;
}

const AREA: &str = "System.AreaPath";

fn pair_of_area(name: &str, area: &str, list: &str) -> String {
    World::example_pair()
        .replace("name = \"web\"", &format!("name = \"{name}\""))
        .replace(LIST, list)
        .replace(
            "ado.project = \"Shop\"\n",
            &format!("ado.project = \"Shop\"\nado.area = \"Shop\\\\{area}\"\n"),
        )
        .replace(
            "ado.where = \"[System.WorkItemType] IN ('User Story','Task','Bug')\"\n",
            "",
        )
}

#[tokio::test]
async fn a_return_is_noticed_by_the_next_listing_of_changes() {
    let t = bench_of(&pair_of_area("web", "Web", LIST)).await;
    let (id, task) = t.linked("Task", &[(AREA, json!("Shop\\Web"))]).await;
    t.ado(id, AREA, json!("Shop\\Mobile"));
    t.sweep().await;
    assert_eq!(t.link_state(id), LinkState::OutOfScope);
    t.clickup(&task, json!({"name": "Edited meanwhile"}));
    t.cycle().await;
    assert_eq!(t.string(id, TITLE), "Item");
    t.ado(id, AREA, json!("Shop\\Web\\Checkout"));
    t.cycle().await;
    assert_eq!(t.link_state(id), LinkState::Active);
    assert_eq!(t.string(id, TITLE), "Edited meanwhile", "without a sweep");

    t.world.clickup.move_to_list(&task, OTHER_LIST).unwrap();
    t.sweep().await;
    assert_eq!(t.link_state(id), LinkState::OutOfScope);
    t.ado(id, TITLE, json!("Edited again"));
    t.cycle().await;
    assert_eq!(t.task(&task)["name"], "Edited meanwhile");
    t.world.clickup.move_to_list(&task, LIST).unwrap();
    t.cycle().await;
    assert_eq!(t.link_state(id), LinkState::Active);
    assert_eq!(t.task(&task)["name"], "Edited again", "without a sweep");
    t.quiet().await;
}

#[tokio::test]
async fn an_edit_does_not_follow_an_item_out_of_scope() {
    let t = bench_of(&pair_of_area("web", "Web", LIST)).await;
    let (id, task) = t.linked("Task", &[(AREA, json!("Shop\\Web"))]).await;
    t.world.clickup.move_to_list(&task, OTHER_LIST).unwrap();
    t.ado(id, TITLE, json!("Edited after the move"));
    t.cycle().await;
    assert_eq!(t.link_state(id), LinkState::OutOfScope);
    assert_eq!(t.task(&task)["name"], "Item");
    t.quiet().await;

    let (id, task) = t.linked("Task", &[(AREA, json!("Shop\\Web"))]).await;
    t.ado(id, AREA, json!("Shop\\Mobile"));
    t.clickup(&task, json!({"name": "Edited after the move"}));
    t.cycle().await;
    assert_eq!(t.link_state(id), LinkState::OutOfScope);
    assert_eq!(t.string(id, TITLE), "Item");
    t.quiet().await;
}

#[tokio::test]
async fn a_task_moved_into_the_list_of_another_pair_leaves_its_own_at_once() {
    let mobile = pair_of_area("mobile", "Mobile", OTHER_LIST);
    let pairs = pair_of_area("web", "Web", LIST) + &mobile + "create = \"none\"\n";
    let t = bench_of(&pairs).await;
    let (id, task) = t.linked("Task", &[(AREA, json!("Shop\\Web"))]).await;
    t.world.clickup.move_to_list(&task, OTHER_LIST).unwrap();
    t.cycle().await;
    assert_eq!(t.link_state(id), LinkState::OutOfScope);
    assert_eq!(t.counts(), (1, 1));
    t.quiet().await;
}

#[tokio::test]
async fn an_archived_task_is_neither_deleted_nor_made_again() {
    let t = bench("on_delete = \"delete\"").await;
    let (id, task) = t.linked("Task", &[]).await;
    t.world.clickup.archive(&task, true).unwrap();
    t.sweep().await;
    t.quiet().await;
    assert_eq!(t.counts(), (1, 1));
    assert!(t.world.ado.item(id).is_some());
}

#[tokio::test]
async fn a_copy_with_the_footer_is_held() {
    let t = bench("").await;
    let (_, task) = t.linked("Task", &[(TEXT, json!("<p>Words</p>"))]).await;
    let text = t.text(&task);
    t.create_task(&json!({"name": "Item (copy)", "markdown_content": text}));
    t.quiet().await;
    assert_eq!(t.counts(), (1, 2), "no twin");
    let holds = t.holds();
    assert!(
        holds.iter().any(|hold| hold.reason().contains("marker")),
        "{holds:?}"
    );
}

#[tokio::test]
async fn a_lost_database_finds_every_pair_again() {
    let mut t = bench("").await;
    let (one, task_one) = t.linked("Task", &[(TEXT, json!("<p>Words</p>"))]).await;
    let (two, task_two) = t.linked("Bug", &[(TAGS, json!("A; B"))]).await;
    let task = t.create_task(&json!({"name": "From ClickUp"}));
    t.cycle().await;
    let three = t.item_of(&task);
    t.quiet().await;
    t.instance = None;
    for name in ["boardsync.db", "boardsync.db-wal", "boardsync.db-shm"] {
        let _ = std::fs::remove_file(t.folder.path().join(name));
    }
    t.ado(two, TITLE, json!("Edited while it was lost"));
    t.open().await;
    t.world.ledger.clear();
    t.cycle().await;
    assert!(
        t.world.ledger.writes().is_empty(),
        "adopted before anything is compared"
    );
    t.cycle().await;
    assert_eq!(t.counts(), (3, 3), "no twin");
    assert_eq!(t.task_of(one).as_ref(), Some(&task_one));
    assert_eq!(t.task_of(two).as_ref(), Some(&task_two));
    assert_eq!(t.item_of(&task), three);
    assert_eq!(t.conflicts().len(), 1, "the one real difference");
    // Without a base nobody can tell which title is the newer one.
    assert!(t.conflicts()[0].resolved_at.is_none());
    assert_eq!(t.string(two, TITLE), "Edited while it was lost");
    assert_eq!(t.task(&task_two)["name"], "Item");
    t.quiet().await;
}

/// With its list every task of it is in the trash, and no full listing is due that would show it.
#[tokio::test]
async fn a_list_deleted_between_two_full_listings_deletes_no_work_item() {
    for rule in ["unlink", "close", "delete"] {
        let t = bench(&format!("on_delete = \"{rule}\"")).await;
        let (id, _) = t.linked("Task", &[]).await;
        t.cycle().await;
        assert!(t.world.clickup.delete_list(LIST));
        t.ado(id, TITLE, json!("Edited beside a list that is gone"));
        for _ in 0..4 {
            let (observed, _) = t.cycle().await;
            assert_eq!(observed.findings().troubled.len(), 1, "{rule}");
        }
        assert!(t.world.ado.item(id).is_some(), "{rule}");
        assert_eq!(t.string(id, STATE), "New", "{rule}");
        assert!(t.link_state(id).is_living(), "{rule}");
    }
}

/// A single task is deleted like any other. All of them at once look like a right that was lost.
#[tokio::test]
async fn all_tasks_of_a_small_pair_gone_at_once_wait_for_a_person() {
    let t = bench("on_delete = \"delete\"").await;
    let (one, first) = t.linked("Task", &[]).await;
    let (two, second) = t.linked("Task", &[]).await;
    for task in [&first, &second] {
        t.world.clickup.delete(task).unwrap();
    }
    let nobody = Consent::default();
    let look = async |full: bool| {
        let scope = Scope {
            full,
            ..Scope::default()
        };
        let observed = t.engine().observe(&scope).await.unwrap();
        let report = t.apply_with(&observed, &nobody).await;
        (observed, report)
    };
    for full in [true, false, true, false] {
        look(full).await;
    }
    for id in [one, two] {
        assert!(t.world.ado.item(id).is_some());
        assert!(t.link_state(id).is_living());
    }
    let (observed, report) = look(true).await;
    let plan = &observed.plan().pairs[0];
    let tripped: Vec<_> = plan.guarded().map(|t| t.what).collect();
    assert_eq!(tripped, [Limit::Vanished]);
    assert_eq!(report.stopped.len(), 1);
}
