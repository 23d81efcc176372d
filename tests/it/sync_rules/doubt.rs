//! Answers that are not the service's own, and answers about another item: what was written may be there all the same.

use crate::sync_rules::bench::*;
use crate::sync_rules::refusals::with_two_steps;
use boardsync::engine::apply::Done;
use boardsync::model::{FieldKey, Service, Side};
use boardsync::sandbox::ado::{AdoConfig, CustomRule, Process, ProjectConfig};
use boardsync::sandbox::clickup::ClickUpConfig;
use boardsync::sandbox::faults::{Fault, FaultRule};
use boardsync::sandbox::ledger::LedgerEntry;
use boardsync::sandbox::world::{LIST, World};
use boardsync::store::HoldRow;
use serde_json::{Value, json};

const POISON: &str = "DROP TABLE users";
const ELSEWHERE: &str = "901100000003";
const PRIORITY: &str = "Microsoft.VSTS.Common.Priority";
const DUE: &str = "Microsoft.VSTS.Scheduling.FinishDate";

fn fault(t: &Bench, service: Side, method: &str, path: &str, times: u32, fault: Fault) {
    t.world.faults.add(FaultRule {
        service: service.into(),
        method: Some(method.to_owned()),
        path_contains: path.to_owned(),
        fault,
        skip: 0,
        times,
    });
}

/// What happens to creates on a side.
fn on_create(t: &Bench, side: Side, times: u32, what: Fault) {
    match side {
        Side::Ado => fault(t, side, "POST", "/workitems/$", times, what),
        Side::ClickUp => fault(t, side, "POST", "/task", times, what),
    }
}

fn creates(t: &Bench) -> Vec<LedgerEntry> {
    let entries = t.world.ledger.writes().into_iter();
    let create = |entry: &LedgerEntry| {
        let path = entry.path.to_lowercase();
        entry.method == "POST" && (path.contains("/workitems/$") || path.contains("/task"))
    };
    entries.filter(create).collect()
}

/// Makes an item on the side that is not `target`, with something in every field.
fn rich(t: &Bench, target: Side, title: &str, text: &str) {
    match target {
        Side::ClickUp => {
            let text = format!("<div>{text}</div>");
            t.create(
                "Task",
                &[
                    (TITLE, json!(title)),
                    (TEXT, json!(text)),
                    (TAGS, json!("one; two")),
                ],
            );
        }
        Side::Ado => {
            t.create_task(&json!({
                "name": title, "markdown_content": text, "tags": ["one", "two"], "status": "to do"
            }));
        }
    }
}

/// From now on the quiet time is over at once.
fn hurry(t: &mut Bench) {
    wait(t, 0);
}

fn wait(t: &mut Bench, quiet_ms: i64) {
    t.instance.as_mut().unwrap().engine.timing.quiet_ms = quiet_ms;
}

#[tokio::test]
async fn a_create_that_a_page_answered_is_looked_for_before_anything_is_sent_again() {
    for target in Side::BOTH {
        for status in [403, 404, 409, 412, 413, 425] {
            let t = bench("").await;
            on_create(&t, target, 1, Fault::page(status, true));
            rich(&t, target, "Item", "Text");
            let (_, report) = t.cycle().await;
            assert_eq!(t.counts(), (1, 1), "{target} {status}");
            let (_, _, done) = &report.outcomes[0];
            let Done::Failed(reason) = done else {
                panic!("{target} {status}: {done:?}");
            };
            assert!(reason.contains("looked for by its marker"), "{reason}");
            t.cycle().await;
            t.cycle().await;
            assert_eq!(t.counts(), (1, 1), "{target} {status}");
            assert_eq!(t.holds(), [], "{target} {status}");
            assert_eq!(t.conflicts(), [], "{target} {status}");
            t.quiet().await;
        }
    }
}

/// Azure DevOps sets a priority in what is created without one. Whether the create was answered makes no difference.
#[tokio::test]
async fn a_default_of_the_service_stays_where_the_answer_to_the_create_was_lost() {
    for lost in [0, 1] {
        let mut t = bench("").await;
        on_create(&t, Side::Ado, lost, Fault::DropAfterApply);
        let task = t.create_task(&json!({"name": "Item", "status": "to do"}));
        t.cycle().await;
        hurry(&mut t);
        t.cycle().await;
        t.cycle().await;
        assert_eq!(t.counts(), (1, 1), "{lost}");
        assert_eq!(t.field(t.item_of(&task), PRIORITY), json!(2), "{lost}");
        assert_eq!(t.task(&task)["priority"], json!(null), "{lost}");
        assert_eq!(t.conflicts(), [], "{lost}");
        t.quiet().await;
    }
}

/// Somebody moves the first task to another list, or the first work item to another project.
fn move_to(t: &Bench, side: Side, list: &str, project: &str) {
    if side == Side::ClickUp {
        let task = t.world.clickup.all_ids()[0].to_string();
        return t.world.clickup.move_to_list(&task, list).unwrap();
    }
    let id = t.world.ado.all_ids()[0];
    let fields = [
        "System.TeamProject",
        "System.AreaPath",
        "System.IterationPath",
    ];
    let patch = fields
        .map(|field| json!({"op": "add", "path": format!("/fields/{field}"), "value": project}));
    t.world.ado.patch_as(id, &patch, ADA).unwrap();
}

/// Somebody rewrites the description of the first task, or removes the link of the first work item.
fn take_out_marker(t: &Bench, side: Side) {
    match side {
        Side::ClickUp => {
            let task = t.world.clickup.all_ids()[0].clone();
            t.clickup(&task, json!({"markdown_content": "Mine"}));
        }
        Side::Ado => {
            let remove = json!({"op": "remove", "path": "/relations/0"});
            let id = t.world.ado.all_ids()[0];
            t.world.ado.patch_as(id, &[remove], ADA).unwrap();
        }
    }
}

/// The example pair, beside a project and a list that belong to no pair.
async fn with_another_project() -> Bench {
    let mut ado = AdoConfig::default();
    ado.projects
        .push(ProjectConfig::new("Depot", Process::Agile));
    let mut clickup = ClickUpConfig::example();
    clickup.quirks.rate_limit = 100_000;
    bench_in(ado, clickup, &World::example_pair()).await
}

#[tokio::test]
async fn a_lost_item_that_somebody_moved_to_a_place_of_no_pair_is_found_there() {
    for target in Side::BOTH {
        let mut t = with_another_project().await;
        on_create(&t, target, 1, Fault::page(502, true));
        rich(&t, target, "Item", "Text");
        t.cycle().await;
        move_to(&t, target, ELSEWHERE, "Depot");
        hurry(&mut t);
        for _ in 0..3 {
            t.sweep().await;
        }
        assert_eq!(t.counts(), (1, 1), "{target}: no second one");
        // It is the counterpart, and flows again once it is back.
        move_to(&t, target, LIST, "Shop");
        let id = t.world.ado.all_ids()[0];
        t.sweep().await;
        t.ado(id, TITLE, json!("Back"));
        t.cycle().await;
        let task = t.task_of(id).expect("linked");
        assert_eq!(t.task(&task)["name"], "Back", "{target}");
        t.quiet().await;
    }
}

/// A new description takes the place of the one with the footer, and a link is removed in a click. By its title and its age
/// the item may still be what the create made, so a person decides, and nothing is made for either item meanwhile.
#[tokio::test]
async fn an_item_that_lost_its_marker_before_it_was_found_gets_no_twin() {
    for target in Side::BOTH {
        let mut t = bench("").await;
        on_create(&t, target, 1, Fault::page(502, true));
        rich(&t, target, "Item", "Text");
        t.cycle().await;
        take_out_marker(&t, target);
        t.cycle().await;
        hurry(&mut t);
        for _ in 0..3 {
            t.sweep().await;
        }
        assert_eq!(t.counts(), (1, 1), "{target}");
        let holds = t.holds();
        assert_eq!(holds.len(), 2, "{target}: {holds:#?}");
        let said =
            |hold: &HoldRow| hold.side == Some(target) && hold.reason().contains("links add");
        assert!(holds.iter().any(said), "{target}: {holds:#?}");
        // Somebody says that they belong together.
        let (id, task) = (
            t.world.ado.all_ids()[0],
            t.world.clickup.all_ids()[0].clone(),
        );
        let (code, said) = t
            .command(&["links", "add", "web", &id.to_string(), &task])
            .await;
        assert_eq!(code, 0, "{target}: {said}");
        t.sweep().await;
        assert_eq!((t.counts(), t.holds()), ((1, 1), vec![]), "{target}");
    }
}

#[tokio::test]
async fn an_item_that_lost_its_marker_and_was_moved_gets_no_twin() {
    for target in Side::BOTH {
        let mut t = with_another_project().await;
        on_create(&t, target, 1, Fault::page(502, true));
        rich(&t, target, "Item", "Text");
        t.cycle().await;
        take_out_marker(&t, target);
        move_to(&t, target, ELSEWHERE, "Depot");
        hurry(&mut t);
        for _ in 0..3 {
            t.sweep().await;
        }
        assert_eq!(t.counts(), (1, 1), "{target}");
        let holds = t.holds();
        let [hold] = holds.as_slice() else {
            panic!("{target}: {holds:#?}");
        };
        assert!(hold.reason().contains("links add"), "{target}: {hold:#?}");
    }
}

/// The token cannot be looked at either, so nothing is known of the create.
#[tokio::test]
async fn a_page_instead_of_a_login_leaves_a_create_open() {
    let t = bench("").await;
    t.linked("Task", &[]).await;
    on_create(&t, Side::ClickUp, 1, Fault::page(401, true));
    let page = Fault::page(403, false);
    fault(&t, Side::ClickUp, "GET", "/v2/user", 1, page);
    rich(&t, Side::ClickUp, "Item", "Text");
    for _ in 0..3 {
        t.cycle().await;
    }
    assert_eq!((t.counts(), t.holds()), ((2, 2), vec![]));
    t.quiet().await;
}

/// A page that throttles or asks for a login is about the way, and not about what the request holds.
#[tokio::test]
async fn a_create_that_a_page_throttled_is_looked_for_before_it_is_sent_again() {
    let mut t = bench("").await;
    on_create(&t, Side::Ado, 1, Fault::page(429, true));
    rich(&t, Side::Ado, "Item", "Text");
    t.cycle().await;
    assert_eq!(creates(&t).len(), 1);
    t.cycle().await;
    t.cycle().await;
    assert_eq!(t.counts(), (1, 1));
    t.quiet().await;
    // Before it took effect: it is made later, as a whole.
    hurry(&mut t);
    on_create(&t, Side::Ado, 1, Fault::page(429, false));
    rich(&t, Side::Ado, "Other", "Text");
    t.world.ledger.clear();
    for _ in 0..3 {
        t.cycle().await;
    }
    assert_eq!((t.counts(), t.world.ledger.writes().len()), ((2, 2), 2));
    t.quiet().await;
}

#[tokio::test]
async fn what_a_firewall_refuses_is_held_by_its_name_and_its_item_is_made_without_it() {
    for target in Side::BOTH {
        let mut t = bench("").await;
        let text = POISON.to_owned();
        let wall = Fault::Firewall { text };
        fault(&t, target, "POST", "", u32::MAX, wall.clone());
        fault(&t, target, "PATCH", "", u32::MAX, wall.clone());
        fault(&t, target, "PUT", "", u32::MAX, wall);
        rich(&t, target, "Item", POISON);
        rich(&t, target, "Other", "Text");
        t.world.ledger.clear();
        t.cycle().await;
        t.cycle().await;
        let made = match target {
            Side::Ado => t.counts().0,
            Side::ClickUp => t.counts().1,
        };
        assert_eq!(made, 1, "{target}: the other one, and nothing twice");
        hurry(&mut t);
        for _ in 0..4 {
            t.cycle().await;
        }
        assert_eq!(t.counts(), (2, 2), "{target}");
        assert_eq!(
            creates(&t)
                .iter()
                .filter(|e| !e.path.contains("/tag/"))
                .count(),
            3
        );
        let holds = t.holds();
        assert_eq!(holds.len(), 1, "{target}: {holds:#?}");
        assert_eq!(holds[0].subject, FieldKey::Description, "{holds:#?}");
        assert!(holds[0].reason().contains("firewall"), "{holds:#?}");
        let tries = t.world.ledger.writes().len();
        assert!(tries <= 10, "{target}: {tries}");
        t.quiet().await;
        // The tags came after it.
        let ids = t.world.ado.all_ids();
        let tagged = ids.iter().map(|id| t.string(*id, TAGS));
        assert_eq!(tagged.collect::<Vec<_>>(), ["one; two", "one; two"]);
        for task in t.world.clickup.all_ids() {
            assert_eq!(t.tags(&task), ["one", "two"], "{target}");
        }
        t.world.faults.clear();
        t.engine().store().forgive().unwrap();
        t.cycle().await;
        assert_eq!(t.holds(), [], "{target}");
        t.quiet().await;
    }
}

#[tokio::test]
async fn an_item_that_a_firewall_refuses_altogether_is_left_alone_after_three_creates() {
    for target in Side::BOTH {
        let mut t = bench("").await;
        let text = POISON.to_owned();
        on_create(&t, target, u32::MAX, Fault::Firewall { text });
        rich(&t, target, POISON, "Text");
        t.world.ledger.clear();
        for _ in 0..6 {
            // It is looked for in vain, until the quiet time is over.
            wait(&mut t, 300_000);
            t.cycle().await;
            t.cycle().await;
            hurry(&mut t);
            t.cycle().await;
        }
        assert_eq!(creates(&t).len(), 3, "{target}");
        let holds = t.holds();
        assert_eq!(holds.len(), 1, "{target}: {holds:#?}");
        let reason = holds[0].reason();
        assert!(
            reason.contains("firewall on the way") && reason.contains("--retry"),
            "{reason}"
        );
        t.quiet().await;
        rich(&t, target, "Other", "Text");
        t.cycle().await;
        t.world.faults.clear();
        t.engine().store().forgive().unwrap();
        for _ in 0..3 {
            t.cycle().await;
        }
        assert_eq!(t.counts(), (2, 2), "{target}");
        assert_eq!(t.holds(), [], "{target}");
        t.quiet().await;
    }
}

/// The firewall had a bad minute, and the process wants a date in every work item.
#[tokio::test]
async fn a_create_that_the_service_wants_whole_is_sent_whole_after_all() {
    let mut t = bench("").await;
    t.world.ado.add_rule(CustomRule::Required {
        state: "New".to_owned(),
        field: DUE.to_owned(),
        named: true,
    });
    on_create(&t, Side::Ado, 1, Fault::page(403, false));
    let task = t.create_task(&json!({"name": "New", "due_date": 1_790_000_000_000_i64}));
    t.cycle().await;
    hurry(&mut t);
    t.cycle().await;
    assert_eq!(t.counts(), (1, 1));
    let id = t.item_of(&task);
    assert!(t.field(id, DUE).is_string());
    t.cycle().await;
    assert_eq!(t.holds(), []);
    t.quiet().await;
}

#[tokio::test]
async fn an_update_that_a_page_answered_is_nobodys_edit() {
    for target in Side::BOTH {
        let t = bench("").await;
        let (id, task) = t.linked("Task", &[]).await;
        match target {
            Side::Ado => {
                fault(
                    &t,
                    target,
                    "PATCH",
                    "/workitems/",
                    1,
                    Fault::page(403, true),
                );
                t.clickup(
                    &task,
                    json!({"name": "Neu", "priority": 1, "tags": ["new"]}),
                );
            }
            Side::ClickUp => {
                fault(&t, target, "PUT", "/task/", 1, Fault::page(403, true));
                t.ado(id, TITLE, json!("Neu"));
                t.ado(id, "Microsoft.VSTS.Common.Priority", json!(1));
                t.ado(id, TAGS, json!("new"));
            }
        }
        t.world.ledger.clear();
        for _ in 0..3 {
            t.cycle().await;
        }
        assert_eq!(t.string(id, TITLE), "Neu", "{target}");
        assert_eq!(t.task(&task)["name"], "Neu", "{target}");
        assert_eq!(t.tags(&task), ["new"], "{target}");
        assert_eq!((t.holds(), t.conflicts()), (vec![], vec![]), "{target}");
        let writes = t.world.ledger.writes();
        assert!(
            writes
                .iter()
                .all(|entry| entry.service == Service::from(target))
        );
        assert!(writes.len() <= 6, "{target}: {}", writes.len());
        t.quiet().await;
    }
}

#[tokio::test]
async fn a_step_to_a_state_that_a_page_answered_is_nobodys_edit() {
    let (t, id, task) = with_two_steps().await;
    fault(
        &t,
        Side::Ado,
        "PATCH",
        "/workitems/",
        1,
        Fault::page(403, true),
    );
    t.clickup(&task, json!({"name": "Neu", "status": "in progress"}));
    for _ in 0..3 {
        t.cycle().await;
    }
    assert_eq!(t.string(id, STATE), "Active");
    assert_eq!(t.status(&task), "in progress");
    assert_eq!(t.string(id, TITLE), "Neu");
    assert_eq!((t.holds(), t.conflicts()), (vec![], vec![]));
    t.quiet().await;
}

/// A good answer to a create that is about another item.
fn answer(body: &Value) -> Fault {
    Fault::StatusAfterApply {
        status: 200,
        body: body.to_string(),
        content_type: "application/json".to_owned(),
    }
}

/// What a side shows of an item, with another title where one is given.
fn shown(t: &Bench, side: Side, id: i64, task: &str, title: Option<&str>) -> Value {
    let mut shown = match side {
        Side::ClickUp => {
            let mut shown = t.task(task);
            for key in ["description", "markdown_description", "text_content"] {
                shown.as_object_mut().unwrap().remove(key);
            }
            shown
        }
        Side::Ado => {
            let item = t.world.ado.item(id).unwrap();
            json!({"id": id, "rev": item.rev, "fields": item.fields, "url": ""})
        }
    };
    if let Some(title) = title {
        match side {
            Side::ClickUp => shown["name"] = json!(title),
            Side::Ado => shown["fields"][TITLE] = json!(title),
        }
    }
    shown
}

#[tokio::test]
async fn a_create_that_is_answered_with_another_item_links_nothing_and_others_go_on() {
    for target in Side::BOTH {
        for (title, said) in [(None, "another title"), (Some("Second"), "is linked to")] {
            let t = bench("").await;
            let (id, task) = t.linked("Task", &[(TITLE, json!("First"))]).await;
            on_create(&t, target, 1, answer(&shown(&t, target, id, &task, title)));
            rich(&t, target, "Second", "Text");
            rich(&t, target, "Third", "Text");
            t.world.ledger.clear();
            let (_, report) = t.cycle().await;
            assert_eq!(t.counts(), (3, 3), "{target}");
            let failed: Vec<&Done> = report
                .outcomes
                .iter()
                .map(|(_, _, done)| done)
                .filter(|done| !matches!(done, Done::Done(_)))
                .collect();
            let [Done::Failed(reason)] = failed.as_slice() else {
                panic!("{target}: {failed:#?}");
            };
            assert!(
                reason.contains(said) && reason.contains("by its marker"),
                "{target}: {reason}"
            );
            t.cycle().await;
            t.cycle().await;
            assert_eq!(t.counts(), (3, 3), "{target}");
            assert_eq!(t.string(id, TITLE), "First", "{target}");
            assert_eq!(t.task(&task)["name"], "First", "{target}");
            for id in t.world.ado.all_ids() {
                let task = t.task_of(id).expect("every one is linked");
                assert_eq!(t.task(&task)["name"], t.field(id, TITLE), "{target}");
            }
            assert_eq!(t.holds(), [], "{target}");
            t.quiet().await;
        }
    }
}

#[tokio::test]
async fn a_side_that_answers_every_create_with_another_item_gets_no_more_of_them() {
    for target in Side::BOTH {
        let mut t = bench("").await;
        let (id, task) = t.linked("Task", &[(TITLE, json!("First"))]).await;
        let other = answer(&shown(&t, target, id, &task, None));
        on_create(&t, target, u32::MAX, other);
        for n in 0..6 {
            rich(&t, target, &format!("Item {n}"), "Text");
        }
        t.world.ledger.clear();
        t.cycle().await;
        assert_eq!(creates(&t).len(), 3, "{target}");
        let holds = t.holds();
        let told = holds.iter().filter(|hold| {
            hold.reason().contains("nothing is created in") && hold.reason().contains("until")
        });
        assert_eq!(told.count(), 3, "{target}: {holds:#?}");
        // Also after a restart. What was made is found meanwhile, and edits go on.
        t.open().await;
        t.ado(id, TITLE, json!("Renamed"));
        for _ in 0..3 {
            t.cycle().await;
        }
        assert_eq!(creates(&t).len(), 3, "{target}");
        assert_eq!(t.task(&task)["name"], "Renamed", "{target}");
        assert_eq!(t.holds().len(), 3, "{target}: {:#?}", t.holds());
    }
}
