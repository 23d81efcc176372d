//! Names that changed since an earlier process was told them: nothing is lost, nobody is told anything that is not so, and
//! the next cycle is right. Each run is a process of its own.

use super::once::{carried_over, once};
use super::{Bench, LIST, pair, show, writes};
use crate::common::instance::Instance;
use boardsync::commands::setup;
use boardsync::connector::vocabulary::LIFETIME_MS;
use boardsync::engine::apply::{Done, Report};
use boardsync::model::{ItemId, Side};
use boardsync::sandbox::clickup::config::{SandboxStatus, SandboxUser};
use boardsync::sandbox::ledger::LedgerEntry;
use serde_json::{Value, json};

const MEMBERS: &str = "/api/v2/team";
const TYPES: &str = "/custom_item";

/// How many requests were sent whose path ends like this.
fn asked(sent: &[LedgerEntry], end: &str) -> usize {
    let path = |entry: &LedgerEntry| entry.path.split('?').next().unwrap().to_owned();
    sent.iter()
        .filter(|entry| path(entry).ends_with(end))
        .count()
}

/// Statuses of the list with other names for `in progress`, in front of those that stay.
fn statuses(named: &[&str]) -> Vec<SandboxStatus> {
    let mut all = vec![SandboxStatus::new("to do", "open")];
    all.extend(named.iter().map(|name| SandboxStatus::new(name, "custom")));
    all.push(SandboxStatus::new("in review", "done"));
    all.push(SandboxStatus::new("complete", "closed"));
    all
}

/// How many actions failed, in the eyes of whoever reads the report; what is only to be looked at again is none.
fn failed(report: &Report) -> usize {
    let failed = |(_, _, done): &&(_, _, Done)| matches!(done, Done::Failed(_));
    report.outcomes.iter().filter(failed).count()
}

fn told(report: &Report) -> (usize, usize, usize) {
    (report.failures(), report.holds(), report.writes())
}

fn state(bench: &Bench, item: i64) -> Value {
    bench.world.ado.item(item).unwrap().fields["System.State"].clone()
}

fn status(bench: &Bench, task: &str) -> Value {
    bench.world.clickup.task(task).unwrap()["status"]["status"].clone()
}

/// Changes what is kept, as if the service had said something else at the time.
fn had_said(bench: &Bench, what: &str, change: &str) {
    let state = rusqlite::Connection::open(bench.path.with_file_name("boardsync.db")).unwrap();
    let text = format!("UPDATE vocabulary SET {change} WHERE what LIKE ?1");
    assert_ne!(state.execute(&text, [what]).unwrap(), 0, "{what}");
}

fn without_states() -> String {
    let plain = pair("web", "Web", LIST);
    plain[..plain.find("states = ").unwrap()].to_owned()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_status_that_was_renamed_is_found_in_the_same_run_where_a_task_shows_it() {
    let (bench, item, task) = carried_over(&without_states()).await;
    let renamed = statuses(&["under way"]);
    assert!(bench.world.clickup.set_statuses(LIST, renamed));
    let edit = json!({"status": "under way"});
    bench.world.clickup.edit(&task, &edit).unwrap();
    let (sent, report) = once(&bench).await;
    assert_eq!(told(&report), (0, 0, 1), "{}", show(&sent));
    assert_eq!(state(&bench, item), "Active");
    once(&bench).await;
    let (sent, report) = once(&bench).await;
    assert_eq!(told(&report), (0, 0, 0), "{}", show(&sent));
    assert!(sent.len() <= super::IDLE, "{}", show(&sent));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_status_that_was_renamed_and_is_written_by_its_old_name_is_right_in_the_next_run() {
    let (bench, item, task) = carried_over(&without_states()).await;
    assert!(
        bench
            .world
            .clickup
            .set_statuses(LIST, statuses(&["under way"]))
    );
    bench.ado(item, "System.State", json!("Active"));
    let (sent, report) = once(&bench).await;
    assert_eq!(
        failed(&report),
        0,
        "an old name was refused: {}",
        show(&sent)
    );
    let (sent, report) = once(&bench).await;
    assert_eq!(told(&report), (0, 0, 1), "{}", show(&sent));
    assert_eq!(status(&bench, &task), "under way");
    let (sent, _) = once(&bench).await;
    assert_eq!(writes(&sent), 0, "{}", show(&sent));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_status_that_the_configuration_names_and_the_list_lost_is_told_after_a_fresh_look() {
    let (bench, item, task) = carried_over(&pair("web", "Web", LIST)).await;
    assert!(
        bench
            .world
            .clickup
            .set_statuses(LIST, statuses(&["under way"]))
    );
    bench.ado(item, "System.State", json!("Active"));
    let (sent, report) = once(&bench).await;
    assert_eq!(failed(&report), 0, "{}", show(&sent));
    let (sent, report) = once(&bench).await;
    assert_eq!(failed(&report), 1, "{}", show(&sent));
    assert_eq!(state(&bench, item), "Active");
    // Put right in ClickUp: it goes over once its wait is over.
    assert!(
        bench
            .world
            .clickup
            .set_statuses(LIST, statuses(&["in progress"]))
    );
    let instance = Instance::once(&bench.path).await;
    instance.engine.store().forgive().unwrap();
    drop(instance);
    let (sent, report) = once(&bench).await;
    assert_eq!(told(&report), (0, 0, 1), "{}", show(&sent));
    assert_eq!(status(&bench, &task), "in progress");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_state_that_was_renamed_in_azure_devops_is_found_in_the_same_run() {
    for pairs in [pair("web", "Web", LIST), without_states()] {
        let (bench, item, task) = carried_over(&pairs).await;
        had_said(
            &bench,
            "type %",
            "answer = replace(answer, '\"Active\"', '\"Doing\"')",
        );
        bench.ado(item, "System.State", json!("Active"));
        let (sent, report) = once(&bench).await;
        assert_eq!(told(&report), (0, 0, 1), "{}", show(&sent));
        assert_eq!(asked(&sent, "/workitemtypes/Task"), 1, "{}", show(&sent));
        assert_eq!(status(&bench, &task), "in progress");
        let (sent, _) = once(&bench).await;
        assert_eq!(writes(&sent), 0, "{}", show(&sent));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_table_of_states_from_before_a_rename_in_azure_devops_is_made_anew() {
    let (bench, item, task) = carried_over(&without_states()).await;
    let old = "answer = replace(answer, '\"Active\"', '\"Doing\"')";
    had_said(&bench, "pair web", old);
    bench.ado(item, "System.State", json!("Active"));
    let (sent, report) = once(&bench).await;
    assert_eq!(told(&report), (0, 0, 1), "{}", show(&sent));
    assert_eq!(status(&bench, &task), "in progress");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_step_that_is_not_allowed_any_more_is_gone_around_in_the_next_run() {
    let (bench, item, task) = carried_over(&pair("web", "Web", LIST)).await;
    // From New to Closed and nothing else; the service wants more steps or fewer than the kept way has.
    had_said(
        &bench,
        "type %",
        "answer = replace(answer, '\"New\":[', '\"New\":[\"Resolved\",')",
    );
    let edit = json!({"status": "in progress"});
    bench.world.clickup.edit(&task, &edit).unwrap();
    let (sent, report) = once(&bench).await;
    assert_eq!(failed(&report), 0, "{}", show(&sent));
    let (sent, report) = once(&bench).await;
    assert_eq!(report.failures(), 0, "{}", show(&sent));
    assert_eq!(state(&bench, item), "Active");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_refused_create_is_tried_once_more_with_fresh_names_and_not_again() {
    let (bench, _, _) = carried_over(&pair("web", "Web", LIST)).await;
    // As if a new item might begin in any state, which the service refuses.
    had_said(
        &bench,
        "type %",
        "answer = replace(answer, '\"\":[', '\"\":[\"Active\",')",
    );
    let body = json!({"name": "Begun in ClickUp", "status": "in progress"});
    bench.world.clickup.create_task(LIST, &body).unwrap();
    let (sent, report) = once(&bench).await;
    assert_eq!(told(&report), (0, 0, 1), "{}", show(&sent));
    let creates = |sent: &[LedgerEntry]| {
        let create =
            |entry: &&LedgerEntry| entry.method == "POST" && entry.path.contains("workitems/$");
        sent.iter().filter(create).count()
    };
    assert!(creates(&sent) <= 2, "{}", show(&sent));
    let (sent, _) = once(&bench).await;
    assert_eq!(writes(&sent), 0, "{}", show(&sent));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_new_member_is_looked_up_before_anybody_is_told_that_they_are_none() {
    let (bench, item, task) = carried_over(&pair("web", "Web", LIST)).await;
    bench
        .world
        .clickup
        .join(SandboxUser::member(1042, "Nia New", "nia@example.com"));
    bench.ado(item, "System.AssignedTo", json!("grace@contoso.example"));
    let (sent, report) = once(&bench).await;
    assert_eq!(told(&report), (0, 0, 1), "{}", show(&sent));
    let people = bench.world.clickup.task(&task).unwrap()["assignees"].clone();
    assert_eq!(people[0]["id"], 1042, "{people}");
    once(&bench).await;
    let (sent, _) = once(&bench).await;
    assert!(sent.len() <= super::IDLE, "{}", show(&sent));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_member_who_left_is_told_as_what_they_are() {
    let (bench, item, task) = carried_over(&pair("web", "Web", LIST)).await;
    let nia = SandboxUser::member(1042, "Nia New", "nia@example.com");
    bench.world.clickup.join(nia);
    bench.ado(item, "System.AssignedTo", json!("grace@contoso.example"));
    once(&bench).await;
    bench.ado(item, "System.AssignedTo", json!("ada@contoso.example"));
    once(&bench).await;
    assert!(bench.world.clickup.leave(1042));
    bench.ado(item, "System.AssignedTo", json!("grace@contoso.example"));
    bench.ado(item, "System.Title", json!("Renamed as well"));
    let mut open = 0;
    for _ in 0..3 {
        let (_, report) = once(&bench).await;
        open = report.failures() + report.holds() + report.open_conflicts();
    }
    assert_ne!(open, 0, "it is told that somebody could not be assigned");
    let shown = bench.world.clickup.task(&task).unwrap();
    assert_eq!(shown["name"], "Renamed as well");
    let assigned = bench.world.ado.item(item).unwrap().fields["System.AssignedTo"].clone();
    assert!(assigned.to_string().contains("grace@"), "{assigned}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_new_task_type_is_looked_up_when_a_task_shows_it() {
    let types = "[\"Bug\", \"Bug\"]]";
    let plain = pair("web", "Web", LIST);
    let pairs = plain.replace(types, "[\"Bug\", \"Bug\"], [\"Feature\", \"Incident\"]]");
    assert_ne!(pairs, plain);
    let (bench, _, _) = carried_over(&pairs).await;
    let bug = json!({"name": "A bug", "custom_item_id": 1300});
    bench.world.clickup.create_task(LIST, &bug).unwrap();
    once(&bench).await;
    bench.world.clickup.name_type(1301, "Incident");
    let incident = json!({"name": "An incident", "custom_item_id": 1301});
    bench.world.clickup.create_task(LIST, &incident).unwrap();
    let (sent, report) = once(&bench).await;
    assert_eq!(told(&report), (0, 0, 1), "{}", show(&sent));
    assert_eq!(asked(&sent, TYPES), 1, "{}", show(&sent));
    let titled =
        |id: &i64| bench.world.ado.item(*id).unwrap().fields["System.Title"] == "An incident";
    let made = bench.world.ado.all_ids().into_iter().find(titled).unwrap();
    assert_eq!(
        bench.world.ado.item(made).unwrap().fields["System.WorkItemType"],
        "Feature"
    );
    once(&bench).await;
    let (sent, _) = once(&bench).await;
    assert!(sent.len() <= super::IDLE, "{}", show(&sent));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_new_tag_needs_no_names_at_all() {
    let (bench, item, task) = carried_over(&pair("web", "Web", LIST)).await;
    bench.ado(item, "System.Tags", json!("never-seen"));
    let (sent, report) = once(&bench).await;
    assert_eq!(told(&report), (0, 0, 1), "{}", show(&sent));
    assert_eq!(
        bench.world.clickup.task(&task).unwrap()["tags"][0]["name"],
        "never-seen"
    );
}

/// With its list every task of it is in the trash, and nobody deleted one of them.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_list_that_was_deleted_deletes_no_work_item_and_is_told_by_the_next_run() {
    let deletes = "on_delete = \"delete\"\n";
    let (bench, item, _) = carried_over(&(pair("web", "Web", LIST) + deletes)).await;
    assert!(bench.world.clickup.delete_list(LIST));
    bench.ado(
        item,
        "System.Title",
        json!("Edited beside a list that is gone"),
    );
    bench.world.ledger.clear();
    let instance = Instance::once(&bench.path).await;
    let _ = instance.cycle().await.unwrap();
    let sent = bench.world.ledger.entries();
    assert_eq!(writes(&sent), 0, "{}", show(&sent));
    assert_eq!(asked(&sent, LIST), 1, "{}", show(&sent));
    assert!(bench.world.ado.item(item).is_some());
    drop(instance);
    let instance = Instance::once(&bench.path).await;
    let report = instance.cycle().await.unwrap();
    let (pair, why) = report.troubled.first().expect("the pair stands still");
    assert_eq!(pair.0, "web");
    assert!(why.to_string().contains("is gone"), "{why}");
    assert!(bench.world.ado.item(item).is_some());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn names_are_read_anew_after_a_day_and_by_whoever_wants_the_truth() {
    let (bench, item, task) = carried_over(&pair("web", "Web", LIST)).await;
    for change in [
        format!("read_at = read_at - {LIFETIME_MS}"),
        // A clock that was ahead and has been set back.
        format!("read_at = read_at + {LIFETIME_MS}"),
        // Asked with another configuration, or another token.
        "asked_by = 'another'".to_owned(),
    ] {
        had_said(&bench, "list %", &change);
        let (sent, _) = once(&bench).await;
        assert_eq!(asked(&sent, LIST), 1, "{change}: {}", show(&sent));
        let (sent, _) = once(&bench).await;
        assert_eq!(asked(&sent, LIST), 0, "{change}: {}", show(&sent));
    }
    // The daemon asks when it starts, and keeps what it was told.
    bench.world.ledger.clear();
    let daemon = Instance::open(&bench.path).await;
    daemon.cycle().await.unwrap();
    assert_eq!(asked(&bench.world.ledger.entries(), LIST), 1);
    drop(daemon);
    // So does whoever compares the configuration with the services.
    bench.world.ledger.clear();
    let config = setup::config(Some(&bench.path)).map_err(|error| error.message);
    let never = tokio_util::sync::CancellationToken::new();
    let services = setup::connect(&config.unwrap(), &never).map_err(|error| error.message);
    let readers = services.unwrap().sources.readers;
    readers.clickup.fetch_schema(&"web".into()).await.unwrap();
    assert_eq!(asked(&bench.world.ledger.entries(), MEMBERS), 1);
    let read = readers.clickup.fetch_items(&[ItemId(task)].into()).await;
    assert_eq!(read.unwrap().len(), 1);
    assert!(bench.world.ado.item(item).is_some());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_token_is_among_what_is_kept() {
    let (bench, _, _) = carried_over(&without_states()).await;
    let folder = bench.path.parent().unwrap();
    let token = std::fs::read_to_string(folder.join("clickup.token")).unwrap();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        if name.starts_with("boardsync.db") {
            let bytes = std::fs::read(&path).unwrap();
            let token = token.trim().as_bytes();
            let found = bytes.windows(token.len()).any(|part| part == token);
            assert!(!found, "{name}");
        }
    }
    let instance = Instance::once(&bench.path).await;
    assert!(instance.engine.store().count_links(&"web".into()).unwrap() > 0);
    assert_eq!(Side::BOTH.len(), 2);
}
