//! A step to a state that is repeated because its first answer was lost: the second attempt meets our own write.

use crate::sync_rules::bench::*;
use crate::sync_rules::refusals::{killed_half_way, with_two_steps, with_two_steps_and};
use boardsync::model::{FieldKey, Service};
use boardsync::sandbox::faults::{Fault, FaultRule};
use serde_json::json;
use std::sync::Arc;

/// The connection breaks once after a change of a work item took effect, after `skip` other changes.
fn lose_an_answer(t: &Bench, skip: u32) {
    t.world.faults.add(FaultRule {
        service: Service::Ado,
        method: Some("PATCH".to_owned()),
        path_contains: "/workitems/".to_owned(),
        fault: Fault::DropAfterApply,
        skip,
        times: 1,
    });
}

#[tokio::test]
async fn a_repeated_first_step_that_meets_itself_is_nobodys_edit() {
    let (t, id, task) = with_two_steps().await;
    lose_an_answer(&t, 0);
    t.clickup(&task, json!({"status": "in progress"}));
    for _ in 0..3 {
        t.cycle().await;
    }
    assert_eq!(
        (t.string(id, STATE).as_str(), t.status(&task).as_str()),
        ("Active", "in progress")
    );
    assert_eq!((t.holds(), t.conflicts()), (vec![], vec![]));
    t.quiet().await;
}

#[tokio::test]
async fn after_a_repeated_last_step_whoever_sets_the_step_before_is_followed() {
    let (t, id, task) = with_two_steps().await;
    lose_an_answer(&t, 1);
    t.clickup(&task, json!({"status": "in progress"}));
    t.cycle().await;
    assert_eq!(t.string(id, STATE), "Active");
    t.ado(id, STATE, json!("New"));
    for _ in 0..3 {
        t.cycle().await;
    }
    assert_eq!(
        (t.string(id, STATE).as_str(), t.status(&task).as_str()),
        ("New", "to do")
    );
    t.quiet().await;
}

/// The item is linked at once, so nothing that becomes of it makes a twin.
#[tokio::test]
async fn a_create_whose_last_step_is_repeated_loses_no_state_and_makes_no_twin() {
    for back in [false, true] {
        let t = bench("").await;
        lose_an_answer(&t, 0);
        let body = json!({"name": "Paint", "status": "in progress"});
        let task = t.create_task(&body);
        t.cycle().await;
        let id = t.item_of(&task);
        assert_eq!(t.string(id, STATE), "Active");
        if back {
            t.ado(id, STATE, json!("New"));
        }
        for _ in 0..3 {
            t.cycle().await;
        }
        assert_eq!(t.counts(), (1, 1));
        let both = (t.string(id, STATE), t.status(&task));
        let both = (both.0.as_str(), both.1.as_str());
        match back {
            false => assert_eq!((both, t.conflicts()), (("Active", "in progress"), vec![])),
            // The item's history shows that the step was in force, so whoever set New back edited the item.
            true => assert_eq!((both, t.conflicts()), (("New", "to do"), vec![])),
        }
        t.quiet().await;
    }
}

const HOLD: &str = "conflict = \"hold\"\n";

/// Refuses one change of a work item, after `skip` others.
fn refuse_one(t: &Bench, skip: u32) {
    t.world.faults.add(FaultRule {
        service: Service::Ado,
        method: Some("PATCH".to_owned()),
        path_contains: "/workitems/".to_owned(),
        fault: Fault::Status {
            status: 400,
            body: r#"{"message":"TF401320: made up","typeKey":"RuleValidationException"}"#
                .to_owned(),
            content_type: "application/json".to_owned(),
            headers: Vec::new(),
        },
        skip,
        times: 1,
    });
}

/// A create that is to bring a work item to Closed, and dies before that gets beyond New.
async fn killed_at_a_step_of_a_create() -> (Bench, i64, String) {
    let mut t = bench(HOLD).await;
    refuse_one(&t, 0);
    let body = json!({"name": "Paint", "status": "complete"});
    let task = t.create_task(&body);
    let hook = |name: &str| name == "after-create";
    t.instance.as_mut().unwrap().engine.interrupt = Some(Arc::new(hook));
    assert!(t.try_run(false).await.is_err(), "it was killed");
    t.open().await;
    let ids = t.world.ado.all_ids();
    (t, ids[0], task)
}

/// Whoever comes back to a step of ours has chosen it, however much of the way there a cycle has seen.
#[tokio::test]
async fn a_step_of_a_create_that_somebody_left_and_comes_back_to_is_that_persons_choice() {
    for between in [false, true] {
        let (t, id, task) = killed_at_a_step_of_a_create().await;
        assert_eq!(t.string(id, STATE), "New");
        t.ado(id, STATE, json!("Resolved"));
        if between {
            t.cycle().await;
        }
        t.ado(id, STATE, json!("New"));
        for _ in 0..3 {
            t.cycle().await;
        }
        let both = (t.string(id, STATE), t.status(&task));
        let both = (both.0.as_str(), both.1.as_str());
        assert_eq!(both, ("New", "complete"), "{between}");
        assert_eq!(t.open_conflicts(), 1, "{between}");
        t.quiet().await;
    }
}

#[tokio::test]
async fn a_step_of_an_update_that_somebody_left_and_comes_back_to_is_that_persons_choice() {
    let (t, id, task) = with_two_steps_and(HOLD).await;
    refuse_one(&t, 1);
    t.clickup(&task, json!({"status": "in progress"}));
    t.cycle().await;
    assert_eq!(t.string(id, STATE), "New");
    for state in ["Closed", "New"] {
        t.ado(id, STATE, json!(state));
        t.cycle().await;
    }
    t.cycle().await;
    let both = (t.string(id, STATE), t.status(&task));
    let both = (both.0.as_str(), both.1.as_str());
    assert_eq!(both, ("New", "in progress"));
    assert_eq!(t.open_conflicts(), 1);
    t.quiet().await;
}

/// The first step had no answer, so that nothing but the versions of the work item tells what of the way is ours. The process
/// dies with the answer to the last step.
#[tokio::test]
async fn whoever_sets_a_step_over_the_state_after_it_is_followed() {
    let (mut t, id, task) = with_two_steps_and(HOLD).await;
    lose_an_answer(&t, 0);
    t.clickup(&task, json!({"status": "in progress"}));
    t.cycle().await;
    assert_eq!(t.string(id, STATE), "New");
    let hook = |name: &str| name == "after-update";
    t.instance.as_mut().unwrap().engine.interrupt = Some(Arc::new(hook));
    assert!(t.try_run(false).await.is_err(), "it was killed");
    t.open().await;
    assert_eq!(t.string(id, STATE), "Active");
    t.ado(id, STATE, json!("New"));
    for _ in 0..3 {
        t.cycle().await;
    }
    let both = (t.string(id, STATE), t.status(&task));
    let both = (both.0.as_str(), both.1.as_str());
    // The item's history shows that Active was in force, so New is an edit of it.
    assert_eq!(both, ("New", "to do"));
    assert_eq!(t.open_conflicts(), 0);
    t.quiet().await;
}

/// A cycle has told the step from an edit, so that it is the base by now, and died before it wrote.
#[tokio::test]
async fn whoever_comes_back_to_a_step_that_is_the_base_has_chosen_it() {
    let (mut t, id, task) = with_two_steps_and(HOLD).await;
    t.clickup(&task, json!({"status": "in progress"}));
    killed_half_way(&t, id);
    let hook = |name: &str| name == "after-conflicts";
    t.instance.as_mut().unwrap().engine.interrupt = Some(Arc::new(hook));
    assert!(t.try_run(false).await.is_err(), "it was killed");
    t.open().await;
    assert_eq!(t.string(id, STATE), "New");
    t.ado(id, STATE, json!("Closed"));
    t.ado(id, STATE, json!("New"));
    for _ in 0..3 {
        t.cycle().await;
    }
    let both = (t.string(id, STATE), t.status(&task));
    let both = (both.0.as_str(), both.1.as_str());
    assert_eq!(both, ("New", "in progress"));
    assert_eq!(t.open_conflicts(), 1);
    t.quiet().await;
}

/// A cycle has told the step from an edit, and died before it wrote. Its note waits for a later step, and nothing else does.
#[tokio::test]
async fn an_undo_may_write_to_an_item_whose_step_was_told_from_an_edit() {
    let (mut t, id, task) = with_two_steps_and(HOLD).await;
    t.clickup(&task, json!({"name": "Renamed"}));
    t.cycle().await;
    t.clickup(&task, json!({"status": "in progress"}));
    killed_half_way(&t, id);
    let hook = |name: &str| name == "after-conflicts";
    t.instance.as_mut().unwrap().engine.interrupt = Some(Arc::new(hook));
    assert!(t.try_run(false).await.is_err(), "it was killed");
    t.open().await;
    let (_, said) = t.command(&["undo", &id.to_string(), "--yes"]).await;
    assert_ne!(t.string(id, TITLE), "Renamed", "{said}");
    for _ in 0..3 {
        t.cycle().await;
    }
    let both = (t.string(id, STATE), t.status(&task));
    let both = (both.0.as_str(), both.1.as_str());
    assert_eq!(both, ("Active", "in progress"));
    let fields = t.conflicts().into_iter();
    let mut fields = fields.map(|conflict| conflict.record.field);
    assert!(fields.all(|field| field != FieldKey::State));
    t.quiet().await;
}

/// Only the first of two steps was sent, and its answer was lost. Somebody sets the second one, and both sides agree: what
/// stands there is that person's, so nobody may take it back as ours.
#[tokio::test]
async fn an_undo_leaves_a_state_that_somebody_set_after_a_first_step_without_an_answer() {
    let (mut t, id, task) = with_two_steps().await;
    lose_an_answer(&t, 0);
    t.clickup(&task, json!({"status": "in progress"}));
    t.cycle().await;
    assert_eq!(t.string(id, STATE), "New", "the step is in force");
    t.ado(id, STATE, json!("Active"));
    t.cycle().await;
    t.quiet().await;
    let (_, said) = t.command(&["undo", &id.to_string(), "--yes"]).await;
    assert_eq!(t.string(id, STATE), "Active", "{said}");
}

/// The same step, seen from what came next: the way is two writes of ours, and an undo goes back over both.
#[tokio::test]
async fn an_undo_goes_back_over_a_first_step_without_an_answer() {
    let (mut t, id, task) = with_two_steps().await;
    lose_an_answer(&t, 0);
    t.clickup(&task, json!({"status": "in progress"}));
    for _ in 0..3 {
        t.cycle().await;
    }
    assert_eq!(t.string(id, STATE), "Active");
    let (_, said) = t.command(&["undo", &id.to_string(), "--yes"]).await;
    assert_eq!(t.string(id, STATE), "Removed", "{said}");
}
