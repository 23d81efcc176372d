//! Refusals: each costs the part that it is about, a handful of requests, once.

use crate::sync_rules::bench::*;
use boardsync::model::{FieldKey, FieldValue, Service, Side, Version};
use boardsync::sandbox::ado::{CustomRule, FieldDef, Kind};
use boardsync::sandbox::clickup::SandboxStatus;
use boardsync::sandbox::faults::{Fault, FaultRule};
use boardsync::sandbox::world::{LIST, World};
use boardsync::store::{Batch, HoldRow, Op, PartOp, TransitRow};
use serde_json::json;
use std::collections::BTreeMap;

const PRIORITY: &str = "Microsoft.VSTS.Common.Priority";
const CAUSE: &str = "Custom.RootCause";

fn hold_on(t: &Bench, field: FieldKey) -> HoldRow {
    let held = t.holds();
    let found = held.iter().find(|hold| hold.subject == field);
    found
        .unwrap_or_else(|| panic!("{field} is not held: {held:#?}"))
        .clone()
}

/// How many requests tried to write since the ledger was cleared.
fn tries(t: &Bench) -> usize {
    t.world.ledger.writes().len()
}

fn tags_of(t: &Bench, id: i64) -> Vec<String> {
    let text = t.string(id, TAGS);
    let tags = text.split(';').map(|tag| tag.trim().to_owned());
    tags.filter(|tag| !tag.is_empty()).collect()
}

#[tokio::test]
async fn a_tag_that_is_refused_keeps_nothing_else_back_and_is_named() {
    let t = bench("").await;
    let (id, task) = t.linked("Task", &[]).await;
    t.clickup(
        &task,
        json!({"name": "Neu", "priority": 1, "tags": ["ui", "🤖 bot", "✓ done"]}),
    );
    t.world.ledger.clear();
    t.cycle().await;
    assert_eq!(t.string(id, TITLE), "Neu");
    assert_eq!(t.field(id, PRIORITY), 1);
    assert_eq!(tags_of(&t, id), ["ui", "✓ done"]);
    let hold = hold_on(&t, FieldKey::Tags);
    assert!(
        hold.reason().contains("\"🤖 bot\"") && hold.reason().contains("TF401407"),
        "{hold:?}"
    );
    assert_eq!(t.holds().len(), 1);
    assert!(tries(&t) <= 5, "{}", tries(&t));
    t.quiet().await;

    // An edit of the task finds the work item as it was left: nothing is tried again.
    t.clickup(&task, json!({"name": "Neuer"}));
    t.world.ledger.clear();
    t.cycle().await;
    assert_eq!((t.string(id, TITLE).as_str(), tries(&t)), ("Neuer", 1));
    hold_on(&t, FieldKey::Tags);
    // Somebody changed the work item, so that it may see the tag otherwise: one try, and not the whole ladder.
    t.ado(id, TITLE, json!("By hand"));
    t.world.ledger.clear();
    t.cycle().await;
    assert_eq!(t.task(&task)["name"], "By hand");
    assert!(tries(&t) <= 2, "{}", tries(&t));
    hold_on(&t, FieldKey::Tags);
    t.quiet().await;

    // A tag that is taken away is taken away, also beside one that is held.
    t.ado(id, TAGS, json!("✓ done"));
    t.cycle().await;
    assert_eq!(t.tags(&task), ["✓ done", "🤖 bot"]);
    t.clickup(&task, json!({"tags": ["✓ done"]}));
    t.cycle().await;
    assert_eq!(t.holds(), []);
    assert_eq!(tags_of(&t, id), ["✓ done"]);
    t.quiet().await;
}

#[tokio::test]
async fn a_tag_that_may_not_be_made_says_nothing_about_the_token() {
    let t = bench("").await;
    t.linked("Task", &[(TAGS, json!("known"))]).await;
    let (id, task) = t.linked("Task", &[]).await;
    t.world.ado.quirks(|quirks| quirks.may_create_tags = false);
    t.clickup(&task, json!({"name": "Neu", "tags": ["known", "new"]}));
    let (_, report) = t.cycle().await;
    assert_eq!(report.closed.len(), 0);
    assert!(t.engine().store().breaker(Side::Ado).unwrap().is_none());
    assert_eq!(t.string(id, TITLE), "Neu");
    assert_eq!(tags_of(&t, id), ["known"]);
    let hold = hold_on(&t, FieldKey::Tags);
    assert!(
        hold.reason().contains("\"new\"") && hold.reason().contains("TF401289"),
        "{hold:?}"
    );
    t.quiet().await;
    // The right was given: a person says so.
    t.world.ado.quirks(|quirks| quirks.may_create_tags = true);
    t.engine().store().forgive().unwrap();
    t.cycle().await;
    assert_eq!(tags_of(&t, id), ["known", "new"]);
    assert_eq!(t.holds(), []);
    t.quiet().await;
}

#[tokio::test]
async fn a_field_that_was_not_sent_keeps_back_only_the_state() {
    for named in [true, false] {
        let t = bench("").await;
        let (id, task) = t.linked("Task", &[]).await;
        t.world.ado.add_field(FieldDef {
            reference: CAUSE.to_owned(),
            name: "Root Cause".to_owned(),
            kind: Kind::String,
            server_only: false,
        });
        t.world.ado.add_rule(CustomRule::Required {
            state: "Closed".to_owned(),
            field: CAUSE.to_owned(),
            named,
        });
        t.clickup(
            &task,
            json!({"name": "Neu", "priority": 1, "status": "complete"}),
        );
        t.world.ledger.clear();
        t.cycle().await;
        assert_eq!(t.string(id, TITLE), "Neu");
        assert_eq!(t.field(id, PRIORITY), 1);
        assert_eq!(
            (t.string(id, STATE).as_str(), t.status(&task).as_str()),
            ("New", "complete")
        );
        let hold = hold_on(&t, FieldKey::State);
        assert!(
            hold.reason().contains("\"Closed\"") && hold.reason().contains("TF401320"),
            "{hold:?}"
        );
        assert_eq!(hold.reason().contains("Root Cause"), named, "{hold:?}");
        assert!(tries(&t) <= 3, "{}", tries(&t));
        t.quiet().await;
        // What the rule misses was filled in: that changed the work item, so the state is tried again.
        t.ado(id, CAUSE, json!("typo"));
        t.cycle().await;
        assert_eq!(t.string(id, STATE), "Closed");
        assert_eq!(t.holds(), []);
        t.quiet().await;
    }
}

#[tokio::test]
async fn an_estimate_that_the_new_state_forbids_keeps_back_only_itself() {
    let remaining = "Microsoft.VSTS.Scheduling.RemainingWork";
    let field = format!("[[pair.field]]\nado = \"{remaining}\"\nclickup = \"time_estimate\"");
    let t = bench(&field).await;
    let (id, task) = t.linked("Task", &[]).await;
    t.clickup(
        &task,
        json!({"name": "Neu", "status": "complete", "time_estimate": 7_200_000}),
    );
    t.world.ledger.clear();
    t.cycle().await;
    assert_eq!(
        (t.string(id, TITLE), t.string(id, STATE)),
        ("Neu".to_owned(), "Closed".to_owned())
    );
    let hold = hold_on(&t, FieldKey::Estimate);
    assert!(hold.reason().contains("Remaining Work"), "{hold:?}");
    assert_eq!(t.holds().len(), 1);
    assert_eq!(t.task(&task)["time_estimate"], 7_200_000);
    assert!(tries(&t) <= 2, "{}", tries(&t));
    t.quiet().await;
}

#[tokio::test]
async fn what_a_rule_changes_in_our_save_takes_no_waiting_edit_away() {
    let remaining = "Microsoft.VSTS.Scheduling.RemainingWork";
    let field = format!("[[pair.field]]\nado = \"{remaining}\"\nclickup = \"time_estimate\"");
    for with_title in [true, false] {
        let t = bench(&field).await;
        let (id, task) = t.linked("Task", &[(remaining, json!(4))]).await;
        let mut edit = json!({"status": "complete", "time_estimate": 7_200_000});
        if with_title {
            edit["name"] = json!("Neu");
        }
        t.clickup(&task, edit);
        for _ in 0..3 {
            t.cycle().await;
        }
        // Closing empties the field in the save that was ours. That is nobody's edit, so it is no conflict.
        assert_eq!(t.string(id, STATE), "Closed");
        assert_eq!(t.conflicts(), []);
        assert_eq!(t.task(&task)["time_estimate"], 7_200_000);
        hold_on(&t, FieldKey::Estimate);
        t.quiet().await;
        // A person takes it back: both sides say the same again.
        t.clickup(&task, json!({"time_estimate": 0}));
        t.cycle().await;
        t.cycle().await;
        assert_eq!(t.holds(), []);
        t.quiet().await;
    }
    // Without an edit that waits, the change is carried over.
    let t = bench(&field).await;
    let (id, task) = t.linked("Task", &[(remaining, json!(4))]).await;
    t.clickup(&task, json!({"status": "complete"}));
    t.cycle().await;
    t.cycle().await;
    assert_eq!(t.string(id, STATE), "Closed");
    assert!(t.task(&task)["time_estimate"].is_null());
    assert_eq!(t.conflicts(), []);
    t.quiet().await;
}

#[tokio::test]
async fn a_status_that_the_list_lost_is_held_and_the_rest_of_the_task_goes_on() {
    let t = bench("").await;
    let (id, task) = t.linked("Task", &[]).await;
    set_statuses(&t, &["to do", "done"]);
    t.ado(id, STATE, json!("Active"));
    t.ado(id, TITLE, json!("Renamed"));
    t.world.ledger.clear();
    t.cycle().await;
    assert_eq!(
        (t.task(&task)["name"].as_str(), t.status(&task).as_str()),
        (Some("Renamed"), "to do")
    );
    assert_eq!(t.string(id, STATE), "Active");
    hold_on(&t, FieldKey::State);
    assert!(tries(&t) <= 3, "{}", tries(&t));
    t.quiet().await;
}

fn set_statuses(t: &Bench, names: &[&str]) {
    let last = names.len() - 1;
    let kind = |n: usize| match n {
        0 => "open",
        n if n == last => "closed",
        _ => "custom",
    };
    let statuses = names.iter().enumerate().map(|(n, name)| SandboxStatus {
        name: (*name).to_owned(),
        kind: kind(n).to_owned(),
    });
    assert!(t.world.clickup.set_statuses(LIST, statuses.collect()));
}

#[tokio::test]
async fn a_new_item_whose_state_the_list_lacks_is_not_made_in_another_one() {
    let mut t = bench("").await;
    set_statuses(&t, &["open", "doing", "done"]);
    let id = t.create("Task", &[(STATE, json!("Active"))]);
    t.world.ledger.clear();
    for _ in 0..4 {
        t.cycle().await;
    }
    t.sweep().await;
    assert_eq!(t.counts(), (1, 0));
    let held = t.holds();
    assert_eq!(held.len(), 1, "{held:#?}");
    assert!(
        held[0].reason().contains("in progress") && held[0].reason().contains("`states`"),
        "{held:#?}"
    );
    assert!(tries(&t) <= 1, "{}", tries(&t));
    set_statuses(&t, &["open", "in progress", "done"]);
    t.engine().store().forgive().unwrap();
    t.open().await;
    t.cycle().await;
    let task = t.task_of(id).expect("it is made now");
    assert_eq!(t.status(&task), "in progress");
    assert_eq!(t.holds(), []);
    t.quiet().await;
}

#[tokio::test]
async fn a_new_item_is_made_without_the_tag_that_is_refused_and_gets_the_others() {
    let t = bench("").await;
    let task = t.create_task(&json!({"name": "New", "priority": 1, "tags": ["ui", "🤖 bot"]}));
    t.world.ledger.clear();
    t.cycle().await;
    t.cycle().await;
    let id = t.item_of(&task);
    assert_eq!(t.field(id, PRIORITY), 1);
    assert_eq!(tags_of(&t, id), ["ui"]);
    let hold = hold_on(&t, FieldKey::Tags);
    assert!(hold.reason().contains("\"🤖 bot\""), "{hold:?}");
    assert_eq!(t.counts(), (1, 1));
    assert!(tries(&t) <= 6, "{}", tries(&t));
    t.quiet().await;
}

/// A pair in which one status stands for a state that is left only through `New`.
pub async fn with_two_steps() -> (Bench, i64, String) {
    with_two_steps_and("").await
}

/// As above, with more lines for the pair.
pub async fn with_two_steps_and(more: &str) -> (Bench, i64, String) {
    let pair = World::example_pair().replace(
        r#"["Resolved", "in review"]"#,
        r#"["Removed", "in review"]"#,
    );
    let t = bench_of(&format!("{pair}{more}")).await;
    let (id, task) = t.linked("Task", &[]).await;
    t.ado(id, STATE, json!("Removed"));
    t.cycle().await;
    assert_eq!(t.status(&task), "in review");
    t.quiet().await;
    (t, id, task)
}

/// Refuses every request for the work item but the first one.
fn refuse_the_second_step(t: &Bench, id: i64) {
    t.world.faults.add(FaultRule {
        service: Service::Ado,
        method: Some("PATCH".to_owned()),
        path_contains: format!("/workitems/{id}"),
        fault: Fault::Status {
            status: 400,
            body: r#"{"message":"TF401320: made up","typeKey":"RuleValidationException"}"#
                .to_owned(),
            content_type: "application/json".to_owned(),
            headers: Vec::new(),
        },
        skip: 1,
        times: u32::MAX,
    });
}

#[tokio::test]
async fn a_state_whose_second_step_is_refused_is_held_and_is_no_edit() {
    let (t, id, task) = with_two_steps().await;
    refuse_the_second_step(&t, id);
    t.clickup(&task, json!({"status": "in progress"}));
    t.world.ledger.clear();
    for _ in 0..3 {
        t.cycle().await;
    }
    assert_eq!(
        (t.string(id, STATE).as_str(), t.status(&task).as_str()),
        ("New", "in progress")
    );
    let hold = hold_on(&t, FieldKey::State);
    assert!(hold.reason().contains("\"Active\""), "{hold:?}");
    let writes = t.world.ledger.writes();
    assert!(
        writes.iter().all(|entry| entry.service == Service::Ado),
        "{writes:#?}"
    );
    assert!(writes.len() <= 4, "{writes:#?}");
    assert_eq!(t.conflicts(), []);
    t.quiet().await;
    // It stays ours whatever is edited beside it.
    t.ado(id, TITLE, json!("Renamed"));
    t.cycle().await;
    t.cycle().await;
    assert_eq!(
        (t.task(&task)["name"].as_str(), t.status(&task).as_str()),
        (Some("Renamed"), "in progress")
    );
    t.world.faults.clear();
    t.engine().store().forgive().unwrap();
    t.cycle().await;
    assert_eq!(t.string(id, STATE), "Active");
    assert_eq!(t.holds(), []);
    t.quiet().await;
}

/// What a process leaves behind that is killed after the first of two requests.
pub fn killed_half_way(t: &Bench, id: i64) {
    noted_only(t, id);
    let step = [(STATE, json!("New"))];
    t.world.ado.edit(id, &step, ROBOT).unwrap();
}

/// What a process leaves behind that is killed before the first of two requests.
fn noted_only(t: &Bench, id: i64) {
    let item = t.world.ado.item(id).unwrap();
    let link = t.engine().store().links(&"web".into()).unwrap()[0].id;
    let row = TransitRow {
        link,
        side: Side::Ado,
        field: FieldKey::State,
        origin: FieldValue::choice("Removed"),
        via: vec![FieldValue::choice("New")],
        wanted: FieldValue::choice("Active"),
        expected: Version(item.rev),
        sent: BTreeMap::new(),
        source: None,
    };
    let op = Op::Part(PartOp::SaveTransit(row));
    t.engine().store().commit(&Batch(vec![op])).unwrap();
}

fn noted(t: &Bench) -> bool {
    !t.engine().store().transits().unwrap().is_empty()
}

#[tokio::test]
async fn a_state_that_a_killed_process_left_half_way_is_no_persons_edit() {
    let (t, id, task) = with_two_steps().await;
    t.clickup(&task, json!({"status": "in progress"}));
    killed_half_way(&t, id);
    t.cycle().await;
    assert_eq!(
        (t.string(id, STATE).as_str(), t.status(&task).as_str()),
        ("Active", "in progress")
    );
    assert!(!noted(&t) && t.conflicts().is_empty());
    t.quiet().await;

    // The task is back to what it was: the work item follows it, and not the other way round.
    let (t, id, task) = with_two_steps().await;
    killed_half_way(&t, id);
    t.cycle().await;
    assert_eq!(
        (t.string(id, STATE).as_str(), t.status(&task).as_str()),
        ("Removed", "in review")
    );
    t.quiet().await;
}

#[tokio::test]
async fn a_step_of_ours_is_told_from_the_edits_that_came_after_it() {
    let (t, id, task) = with_two_steps().await;
    t.clickup(&task, json!({"status": "in progress"}));
    killed_half_way(&t, id);
    // Two versions further, and the state is still the step of ours.
    t.ado(id, TITLE, json!("Renamed"));
    t.cycle().await;
    assert_eq!(
        (t.string(id, STATE).as_str(), t.status(&task).as_str()),
        ("Active", "in progress")
    );
    assert_eq!(t.task(&task)["name"], "Renamed");
    assert!(!noted(&t) && t.conflicts().is_empty());
    t.quiet().await;
}

/// One more write of ours would make the step look like somebody's edit.
#[tokio::test]
async fn an_undo_leaves_an_item_that_a_killed_process_left_half_way() {
    let (mut t, id, task) = with_two_steps().await;
    t.clickup(&task, json!({"name": "Renamed"}));
    t.cycle().await;
    t.clickup(&task, json!({"status": "in progress"}));
    killed_half_way(&t, id);
    let undo = ["undo", &id.to_string(), "--yes"];
    let (code, said) = t.command(&undo).await;
    assert_ne!(code, 0, "{said}");
    assert!(said.contains("status was cut short"), "{said}");
    assert_eq!(t.string(id, TITLE), "Renamed");
    t.cycle().await;
    assert_eq!(
        (t.string(id, STATE).as_str(), t.status(&task).as_str()),
        ("Active", "in progress")
    );
    assert_eq!(t.conflicts(), []);
    let (_, said) = t.command(&undo).await;
    assert_ne!(t.string(id, TITLE), "Renamed", "{said}");
}

/// The request never arrived, and Ada chose the very state that it was to pass through.
#[tokio::test]
async fn a_step_that_somebody_else_took_is_that_persons_edit() {
    let (t, id, task) = with_two_steps().await;
    t.clickup(&task, json!({"status": "in progress"}));
    noted_only(&t, id);
    t.ado(id, STATE, json!("New"));
    t.cycle().await;
    assert_eq!(t.conflicts().len(), 1, "both values are in the log");
    assert!(!noted(&t));
}

#[tokio::test]
async fn a_state_that_somebody_set_beside_a_change_in_steps_is_an_edit() {
    let (t, id, task) = with_two_steps().await;
    killed_half_way(&t, id);
    // Two versions further: somebody was there.
    t.ado(id, STATE, json!("Closed"));
    t.ado(id, STATE, json!("New"));
    t.cycle().await;
    assert_eq!(
        (t.string(id, STATE).as_str(), t.status(&task).as_str()),
        ("New", "to do")
    );
    assert!(!noted(&t));
    t.quiet().await;
}
