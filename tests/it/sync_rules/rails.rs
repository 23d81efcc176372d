//! The rails: loops, poisoned items, closed services, the stop file, the canary, the firewall.

use crate::sync_rules::bench::*;
use boardsync::engine::apply::{Done, Stopped};
use boardsync::engine::{CycleError, Scope};
use boardsync::model::{FieldKey, FieldValue, Service, Side, Timestamp};
use boardsync::reconcile::plan::{ActionKind, FieldChange};
use boardsync::sandbox::faults::{Fault, FaultRule};
use boardsync::sandbox::ledger::LedgerEntry;
use serde_json::json;

const ALWAYS: u32 = u32::MAX;

fn fault(t: &Bench, service: Side, method: Option<&str>, path: &str, fault: Fault, times: u32) {
    t.world.faults.add(FaultRule {
        service: service.into(),
        method: method.map(str::to_owned),
        path_contains: path.to_owned(),
        fault,
        skip: 0,
        times,
    });
}

fn answer(status: u16) -> Fault {
    Fault::Status {
        status,
        body: r#"{"err":"made up","ECODE":"TEST_000"}"#.to_owned(),
        content_type: "application/json".to_owned(),
        headers: Vec::new(),
    }
}

#[tokio::test]
async fn two_automations_that_undo_each_other_are_stopped() {
    let t = bench("").await;
    let (id, task) = t.linked("Task", &[]).await;
    for _ in 0..6 {
        t.ado(id, TITLE, json!("x"));
        t.cycle().await;
        t.clickup(&task, json!({"name": "y"}));
        t.cycle().await;
    }
    let writes = t.world.ledger.writes();
    assert!(writes.len() <= 4, "{}", writes.len());
    assert_eq!(t.open_conflicts(), 1);
    assert!(
        t.holds()
            .iter()
            .any(|hold| hold.subject == FieldKey::Title && hold.reason().contains("resolve"))
    );
    t.clickup(&task, json!({"priority": 1}));
    t.cycle().await;
    assert_eq!(
        t.field(id, "Microsoft.VSTS.Common.Priority"),
        1,
        "other fields flow"
    );
    t.ado(id, TITLE, json!("y"));
    t.cycle().await;
    assert_eq!(t.open_conflicts(), 0, "both sides agree");
    t.ado(id, TITLE, json!("z"));
    t.cycle().await;
    assert_eq!(t.task(&task)["name"], "z", "thawed");
    t.quiet().await;
}

#[tokio::test]
async fn a_choice_thaws_a_frozen_field() {
    let mut t = bench("").await;
    let (id, task) = t.linked("Task", &[]).await;
    for _ in 0..3 {
        t.ado(id, TITLE, json!("x"));
        t.cycle().await;
        t.clickup(&task, json!({"name": "y"}));
        t.cycle().await;
    }
    assert_eq!(t.open_conflicts(), 1);
    t.clickup(&task, json!({"name": "An edit alone does not"}));
    t.cycle().await;
    assert_eq!(t.string(id, TITLE), "x");
    t.take("clickup").await;
    t.cycle().await;
    assert_eq!(t.string(id, TITLE), "An edit alone does not");
    assert_eq!(t.open_conflicts(), 0);
    t.ado(id, TITLE, json!("Goes on"));
    t.cycle().await;
    assert_eq!(t.task(&task)["name"], "Goes on");
    t.quiet().await;
}

#[tokio::test]
async fn a_card_that_a_person_moves_back_and_forth_is_followed_each_time() {
    for side in Side::BOTH {
        let t = bench("").await;
        let (id, task) = t.linked("Task", &[]).await;
        for n in 0..8 {
            let (ado, clickup) = match n % 2 {
                0 => ("Active", "in progress"),
                _ => ("New", "to do"),
            };
            match side {
                Side::Ado => t.ado(id, STATE, json!(ado)),
                Side::ClickUp => t.clickup(&task, json!({"status": clickup})),
            }
            t.cycle().await;
            assert_eq!(t.string(id, STATE), ado, "move {n} in {side}");
            assert_eq!(
                t.task(&task)["status"]["status"],
                clickup,
                "move {n} in {side}"
            );
        }
        assert_eq!(t.open_conflicts(), 0);
        assert!(t.holds().is_empty());
        t.quiet().await;
    }
}

#[tokio::test]
async fn a_text_that_somebody_keeps_writing_is_carried_over_each_time() {
    let t = bench("").await;
    let (id, task) = t.linked("Task", &[]).await;
    for n in 0..8 {
        let name = format!("Longer {}", "and longer ".repeat(n));
        t.clickup(&task, json!({"name": name.trim()}));
        t.cycle().await;
        assert_eq!(t.string(id, TITLE), name.trim());
    }
    assert_eq!(t.open_conflicts(), 0);
    t.quiet().await;
}

fn posts(t: &Bench) -> Vec<LedgerEntry> {
    let mut writes = t.world.ledger.writes();
    writes.retain(|entry| entry.method == "POST" && entry.service == Service::ClickUp);
    writes
}

#[tokio::test]
async fn a_refused_item_is_left_alone_until_it_changes() {
    let t = bench("").await;
    let (_, healthy) = t.linked("Task", &[]).await;
    t.world.ledger.clear();
    fault(
        &t,
        Side::ClickUp,
        Some("POST"),
        "/task",
        answer(400),
        ALWAYS,
    );
    let id = t.create("Task", &[(TITLE, json!("Poison"))]);
    for _ in 0..8 {
        t.cycle().await;
    }
    t.sweep().await;
    // Once, and once without all that it can do without.
    assert_eq!(posts(&t).len(), 2);
    let held = t.holds();
    let hold = held.iter().find(|h| h.side == Some(Side::Ado)).unwrap();
    assert!(
        hold.retry_at.is_none() && hold.reason().contains("--retry"),
        "{hold:?}"
    );
    // Others go on.
    t.clickup(&healthy, json!({"name": "Healthy"}));
    t.cycle().await;
    assert_eq!(t.string(t.item_of(&healthy), TITLE), "Healthy");
    // Other inputs are worth one more try.
    t.ado(id, TITLE, json!("Changed"));
    for _ in 0..3 {
        t.cycle().await;
    }
    assert_eq!(posts(&t).len(), 4);
    t.world.faults.clear();
    for _ in 0..2 {
        t.cycle().await;
    }
    assert_eq!(posts(&t).len(), 4, "nothing says that it would work now");
    assert_eq!(t.engine().store().forgive().unwrap(), 1);
    t.cycle().await;
    assert!(t.task_of(id).is_some());
    assert!(t.engine().store().attempts(None).unwrap().is_empty());
    t.quiet().await;
}

#[tokio::test]
async fn an_item_that_keeps_failing_waits_longer_and_longer() {
    let t = bench("").await;
    let (id, task) = t.linked("Task", &[]).await;
    fault(&t, Side::ClickUp, Some("PUT"), &task, answer(400), ALWAYS);
    t.ado(id, TITLE, json!("Edited"));
    t.world.ledger.clear();
    for n in 0..30 {
        // A person who edits it every minute does not make it a hot loop.
        t.ado(id, TITLE, json!(format!("Edited {n}")));
        t.cycle().await;
    }
    let tries = t.world.ledger.writes().len();
    assert!(tries <= 5, "{tries}");
    assert_eq!(t.task(&task)["name"], "Item");
    t.world.faults.clear();
    t.engine().store().forgive().unwrap();
    t.cycle().await;
    assert_eq!(t.task(&task)["name"], "Edited 29");
    t.quiet().await;
}

/// The token is revoked between the look and the writes.
#[tokio::test]
async fn a_refused_token_is_tried_once_in_a_run_and_is_no_items_fault() {
    let t = bench("").await;
    let mut ids = Vec::new();
    for _ in 0..3 {
        ids.push(t.linked("Task", &[]).await.0);
    }
    for id in ids {
        t.ado(id, TITLE, json!("Renamed"));
    }
    let observed = t.engine().observe(&Scope::default()).await.unwrap();
    fault(
        &t,
        Side::ClickUp,
        Some("PUT"),
        "",
        Fault::TokenRevoked,
        ALWAYS,
    );
    t.world.ledger.clear();
    let report = t.apply(&observed).await;
    assert_eq!(t.world.ledger.writes().len(), 1);
    assert_eq!((report.closed.len(), report.outcomes.len()), (1, 3));
    let store = t.engine().store();
    assert_eq!(store.attempts(None).unwrap(), []);
    assert!(store.breaker(Side::ClickUp).unwrap().is_some());
}

#[tokio::test]
async fn a_service_that_refuses_the_token_is_left_alone_and_probed() {
    let t = bench("").await;
    t.linked("Task", &[]).await;
    fault(&t, Side::ClickUp, None, "", Fault::TokenRevoked, ALWAYS);
    let engine = t.engine();
    let seen = engine.observe(&Scope::default()).await;
    assert!(engine.watch(seen).is_err());
    t.world.ledger.clear();
    let paused = engine.probe().await;
    assert!(
        matches!(
            paused,
            Err(CycleError::Paused {
                side: Side::ClickUp,
                ..
            })
        ),
        "{paused:?}"
    );
    assert_eq!(t.world.ledger.count(), 0);
    // The wait is over: one request, not a cycle.
    let due = |engine: &boardsync::engine::Engine| {
        let mut store = engine.store();
        let mut row = store.breaker(Side::ClickUp).unwrap().unwrap();
        row.retry_at = Timestamp(0);
        let service = Service::ClickUp;
        let op = boardsync::store::RailOp::OpenBreaker { service, row };
        let batch = boardsync::store::Batch(vec![boardsync::store::Op::Rail(op)]);
        store.commit(&batch).unwrap();
    };
    due(engine);
    assert!(matches!(
        engine.probe().await,
        Err(CycleError::Connector(_))
    ));
    assert!(t.world.ledger.count() <= 2, "{}", t.world.ledger.count());
    assert_eq!(
        engine
            .store()
            .breaker(Side::ClickUp)
            .unwrap()
            .unwrap()
            .failures,
        2
    );
    t.world.faults.clear();
    due(engine);
    engine.probe().await.unwrap();
    assert_eq!(engine.store().breaker(Side::ClickUp).unwrap(), None);
}

#[tokio::test]
async fn a_service_that_fails_five_times_in_a_row_is_closed_for_the_run() {
    let t = bench("").await;
    fault(
        &t,
        Side::ClickUp,
        Some("POST"),
        "/task",
        answer(500),
        ALWAYS,
    );
    for n in 0..9 {
        t.create("Task", &[(TITLE, json!(format!("Item {n}")))]);
    }
    let (_, report) = t.cycle().await;
    assert_eq!(posts(&t).len(), 5);
    assert_eq!(report.closed.len(), 1);
    let skipped = |(_, _, done): &&(_, _, Done)| matches!(done, Done::Skipped(_));
    assert_eq!(report.outcomes.iter().filter(skipped).count(), 4);
    assert!(t.engine().store().breaker(Side::ClickUp).unwrap().is_some());
    t.world.faults.clear();
    t.cycle().await;
    assert!(t.engine().store().breaker(Side::ClickUp).unwrap().is_none());
}

/// Nothing plans an action that waits for two others yet; a copy of a comment will.
#[tokio::test]
async fn an_action_waits_for_all_that_goes_before_it() {
    let t = bench("").await;
    let mut tasks = Vec::new();
    for _ in 0..3 {
        tasks.push(t.linked("Task", &[]).await);
    }
    for (id, _) in &tasks {
        t.ado(*id, TITLE, json!("New"));
    }
    let mut observed = t.engine().observe(&Scope::default()).await.unwrap();
    observed.forge(|plan| {
        let actions = &mut plan.pairs[0].actions;
        actions[2].after = vec![actions[0].id.clone(), actions[1].id.clone()];
    });
    let target = |at: usize| observed.plan().pairs[0].actions[at].target_item.clone();
    let [refused, waits] = [1, 2].map(|at| target(at).unwrap().0);
    fault(
        &t,
        Side::ClickUp,
        Some("PUT"),
        &refused,
        answer(400),
        ALWAYS,
    );
    let report = t.apply(&observed).await;
    let done = report.outcomes.iter().map(|(_, _, done)| done);
    let [Done::Done(_), Done::Failed(_), Done::Skipped(why)] = done.collect::<Vec<_>>()[..] else {
        panic!("{:?}", report.outcomes);
    };
    assert!(why.contains("before it did not succeed"), "{why}");
    assert_eq!(t.task(&waits)["name"], "Item");

    // The next plan names nothing before it, so it goes on.
    t.cycle().await;
    assert_eq!(t.task(&waits)["name"], "New");
}

#[tokio::test]
async fn the_stop_file_stops_a_run_before_its_next_request() {
    let mut t = bench("").await;
    t.linked("Task", &[]).await;
    for n in 0..4 {
        t.create("Task", &[(TITLE, json!(format!("Item {n}")))]);
    }
    let file = t.folder.path().join("boardsync.db.stop");
    let touched = file.clone();
    let engine = &mut t.instance.as_mut().unwrap().engine;
    engine.progress = Some(std::sync::Arc::new(move |done, _| {
        if done == 1 {
            std::fs::write(&touched, "").unwrap();
        }
    }));
    t.world.ledger.clear();
    let (_, report) = t.cycle().await;
    assert_eq!(posts(&t).len(), 1);
    assert!(
        matches!(report.stopped[0].1, Stopped::Switch(_)),
        "{:?}",
        report.stopped
    );
    let (_, report) = t.sweep().await;
    assert_eq!(posts(&t).len(), 1);
    assert!(matches!(report.stopped[0].1, Stopped::Switch(_)));
    std::fs::remove_file(&file).unwrap();
    t.instance.as_mut().unwrap().engine.progress = None;
    t.cycle().await;
    assert_eq!(t.counts(), (5, 5));
    t.quiet().await;
}

#[tokio::test]
async fn nothing_is_dissolved_while_a_known_item_cannot_be_read() {
    let t = bench("on_delete = \"delete\"").await;
    let (id, task) = t.linked("Task", &[]).await;
    let (_, canary) = t.linked("Task", &[]).await;
    t.world.ado.delete(id);
    fault(
        &t,
        Side::ClickUp,
        Some("GET"),
        &format!("/task/{canary}"),
        answer(403),
        ALWAYS,
    );
    let (_, report) = t.sweep().await;
    assert!(
        matches!(&report.stopped[0].1, Stopped::Canary(why) if why.contains(&canary)),
        "{:?}",
        report.stopped
    );
    assert!(t.world.clickup.task(&task).is_some());
    t.world.faults.clear();
    t.sweep().await;
    assert!(t.world.clickup.task(&task).is_none());
    t.quiet().await;
}

#[tokio::test]
async fn a_configured_canary_stops_its_pair_when_it_is_gone() {
    let mut t = bench("ado.canary = 1\nclickup.canary = \"nosuchtask\"").await;
    t.create("Task", &[]);
    let (_, report) = t.cycle().await;
    assert!(
        matches!(&report.stopped[0].1, Stopped::Canary(why) if why.contains("nosuchtask")),
        "{:?}",
        report.stopped
    );
    assert_eq!(t.counts(), (1, 0));
    let safety = &mut t.instance.as_mut().unwrap().engine.safety;
    safety.canaries.clear();
    t.cycle().await;
    assert_eq!(t.counts(), (1, 1));
    t.quiet().await;
}

#[tokio::test]
async fn a_write_outside_the_mapping_or_the_link_stops_the_pair() {
    for harm in ["field", "item"] {
        let t = bench("").await;
        let (id, _) = t.linked("Task", &[]).await;
        let (other, other_task) = t.linked("Task", &[]).await;
        t.ado(id, TITLE, json!("Edited"));
        t.ado(other, TITLE, json!("Edited as well"));
        let mut observed = t.engine().observe(&Scope::default()).await.unwrap();
        let held = observed.items().clickup.get(other_task.as_str());
        let held = held.map(|item| item.version);
        observed.forge(|plan| {
            let first = &mut plan.pairs[0].actions[0];
            assert_eq!(first.target, Side::ClickUp);
            match harm {
                "field" => first.changes.push(FieldChange {
                    field: FieldKey::Custom("Budget".to_owned()),
                    before: None,
                    after: FieldValue::text("0"),
                    kept_back: None,
                    source_value: None,
                    reason: "a defect".to_owned(),
                }),
                _ => {
                    first.target_item = Some(other_task.as_str().into());
                    first.expected = held;
                }
            }
        });
        t.world.ledger.clear();
        let report = t.apply(&observed).await;
        assert_eq!(t.world.ledger.writes(), [], "{harm}");
        assert!(
            matches!(report.stopped[0].1, Stopped::Firewall(_)),
            "{harm}: {:?}",
            report.stopped
        );
        let state = t.engine().store().pair_state(&"web".into()).unwrap();
        assert!(state.last_error.is_some());
        t.cycle().await;
        t.quiet().await;
    }
}

/// A defect in planning would have one task follow two work items.
#[tokio::test]
async fn an_item_that_is_linked_is_linked_to_nothing_else() {
    let t = bench("").await;
    let (id, _) = t.linked("Task", &[]).await;
    t.ado(id, TITLE, json!("Edited"));
    let mut observed = t.engine().observe(&Scope::default()).await.unwrap();
    let other = t.create_task(&json!({"name": "Another"}));
    observed.forge(|plan| {
        let action = &mut plan.pairs[0].actions[0];
        assert_eq!(action.target, Side::ClickUp);
        action.kind = ActionKind::Link;
        action.changes.clear();
        action.target_item = Some(other.as_str().into());
    });
    let report = t.apply(&observed).await;
    assert!(
        matches!(&report.outcomes[0].2, Done::Stale(why) if why.contains("linked already")),
        "{:?}",
        report.outcomes
    );
}
