//! What the engine may cost, counted in requests that reached the fake services. Never in time.
#![allow(clippy::print_stdout, reason = "the figures are for people")]

use boardsync::engine::apply::{Consent, Report};
use boardsync::engine::{CycleError, Scope};
use boardsync::model::{ItemId, Service, Side};
use boardsync::sandbox::ado::AdoConfig;
use boardsync::sandbox::clickup::config::{ClickUpConfig, Quirks};
use boardsync::sandbox::clock::SandboxClock;
use boardsync::sandbox::ledger::LedgerEntry;
use boardsync::sandbox::world::{LIST, PROJECT, World};
use serde_json::json;
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

use crate::common::back_fill;
use crate::common::instance;
mod mapping;
mod once;
mod outdated;
mod stopped;

use back_fill::back_fill;
use instance::Instance;

/// List of the second pair.
const SECOND_LIST: &str = "901100000003";
/// Linked pairs of items in each of the two pairs: a thousand in all.
const EACH: usize = 500;
/// Most requests of a cycle with nothing to do, on both sides together.
const IDLE: usize = 3;
/// Most requests that one edit may add.
const EDIT: usize = 3;

struct Bench {
    world: World,
    path: PathBuf,
    _folder: tempfile::TempDir,
}

fn pair(name: &str, area: &str, list: &str) -> String {
    format!(
        "[[pair]]\nname = \"{name}\"\nado.project = \"{PROJECT}\"\nado.area = '{PROJECT}\\{area}'\nclickup.list = \"{list}\"\n\
         types = [[\"User Story\", \"Task\"], [\"Task\", \"Task\"], [\"Bug\", \"Bug\"]]\n\
         states = [[\"New\", \"to do\"], [\"Active\", \"in progress\"], [\"Resolved\", \"in review\"], [\"Closed\", \"complete\"]]\n\n"
    )
}

impl Bench {
    async fn new(pairs: &str) -> Bench {
        let clickup = ClickUpConfig {
            quirks: Quirks {
                rate_limit: 1_000_000,
                ..Quirks::default()
            },
            ..ClickUpConfig::example()
        };
        let clock = SandboxClock::real();
        let world = World::start_on(clock, AdoConfig::default(), clickup, 0)
            .await
            .unwrap();
        let folder = tempfile::tempdir().unwrap();
        let path = world.write_config(folder.path(), pairs).unwrap();
        let text = std::fs::read_to_string(&path).unwrap();
        let text = text
            .replace("requests_per_second = 200", "requests_per_second = 1000")
            .replace("requests_per_minute = 10000", "requests_per_minute = 60000");
        std::fs::write(&path, text).unwrap();
        Bench {
            world,
            path,
            _folder: folder,
        }
    }

    /// Creates work items `name 00001` and on.
    fn work_items(&self, area: &str, name: &str, count: usize) -> Vec<i64> {
        let one = |n: usize| {
            let fields = [
                ("System.Title", json!(format!("{name} {n:05}"))),
                ("System.AreaPath", json!(format!("{PROJECT}\\{area}"))),
                ("System.Description", json!(format!("<div>Text {n}</div>"))),
            ];
            self.world
                .ado
                .create_item(PROJECT, "Task", &fields)
                .unwrap()
        };
        (1..=count).map(one).collect()
    }

    /// Changes a work item, as a person would.
    fn ado(&self, id: i64, field: &str, value: serde_json::Value) {
        let fields = [(field, value)];
        let person = "ada@contoso.example";
        self.world.ado.edit(id, &fields, person).unwrap();
    }

    /// Number of tasks by name.
    fn names(&self) -> BTreeMap<String, usize> {
        let mut names = BTreeMap::new();
        for id in self.world.clickup.all_ids() {
            let task = self.world.clickup.task(&id).unwrap();
            let name = task["name"].as_str().unwrap().to_owned();
            *names.entry(name).or_insert(0) += 1;
        }
        names
    }

    /// Runs one cycle and returns what it sent and did.
    async fn cycle(&self, instance: &Instance) -> (Vec<LedgerEntry>, Report) {
        self.cycle_of(instance, &Scope::default()).await
    }

    async fn cycle_of(&self, instance: &Instance, scope: &Scope) -> (Vec<LedgerEntry>, Report) {
        // No two polls fall into one second.
        self.world.clock.advance(2_000);
        self.world.ledger.clear();
        let report = instance.cycle_of(scope).await.unwrap();
        (self.world.ledger.entries(), report)
    }

    /// Runs cycles until one writes nothing and costs no more than an idle one. That must happen soon.
    async fn settle(&self, instance: &Instance) {
        for _ in 0..4 {
            let (sent, _) = self.cycle(instance).await;
            if sent.len() <= IDLE {
                return;
            }
        }
        panic!("still busy:\n{}", show(&self.world.ledger.entries()));
    }
}

impl Instance {
    /// The other half of a linked item.
    fn counterpart(&self, pair: &str, side: Side, id: &str) -> String {
        let store = self.engine.store();
        let link = store
            .link_by_item(&pair.into(), side, &ItemId(id.to_owned()))
            .unwrap();
        link.unwrap().item(side.other()).0.clone()
    }
}

/// What was sent, shortened, for messages.
fn show(sent: &[LedgerEntry]) -> String {
    let line = |entry: &LedgerEntry| {
        let path: String = entry.path.chars().take(150).collect();
        format!(
            "{:?} {} {path} {}",
            entry.service, entry.method, entry.status
        )
    };
    let lines: Vec<String> = sent.iter().take(40).map(line).collect();
    format!("{} requests\n{}", sent.len(), lines.join("\n"))
}

fn writes(sent: &[LedgerEntry]) -> usize {
    sent.iter().filter(|entry| entry.is_write()).count()
}

/// Two pairs in one organisation and workspace, back-filled from both sides. The back-fill has just ended.
async fn two_pairs() -> (Bench, Instance, Vec<i64>) {
    let begun = std::time::Instant::now();
    let pairs = pair("web", "Web", LIST) + &pair("mobile", "Mobile", SECOND_LIST);
    let bench = Bench::new(&pairs).await;
    let items = bench.work_items("Web", "Web", EACH);
    bench.work_items("Mobile", "Mobile", EACH);
    let instance = Instance::open(&bench.path).await;
    let (sent, report) = bench.cycle(&instance).await;
    println!(
        "back-fill of {} pairs: {} requests, {:?}",
        2 * EACH,
        sent.len(),
        begun.elapsed()
    );
    assert_eq!(report.failures(), 0);
    assert_eq!(report.writes(), 2 * EACH);
    (bench, instance, items)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_idle_cycle_costs_three_requests_right_after_a_sync_too() {
    let (bench, instance, _) = two_pairs().await;
    let (second, _) = bench.cycle(&instance).await;
    println!("second: {}", show(&second));
    assert_eq!(
        writes(&second),
        0,
        "the second pass wrote: {}",
        show(&second)
    );
    for number in 3..6 {
        let (sent, _) = bench.cycle(&instance).await;
        println!("cycle {number}: {}", show(&sent));
        assert!(sent.len() <= IDLE, "cycle {number}: {}", show(&sent));
        assert_eq!(writes(&sent), 0);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_edit_costs_three_requests_more_and_the_next_cycle_writes_nothing() {
    let (bench, instance, items) = two_pairs().await;
    // The back-fill has left the windows that are read again and again.
    bench.world.clock.advance(20 * 60_000);
    bench.settle(&instance).await;

    let item = items[EACH / 2];
    let task = instance.counterpart("web", Side::Ado, &item.to_string());
    let title = json!("Renamed in Azure DevOps");
    bench.ado(item, "System.Title", title.clone());
    let (sent, _) = bench.cycle(&instance).await;
    println!("ADO edit: {}", show(&sent));
    assert_eq!(bench.world.clickup.task(&task).unwrap()["name"], title);
    assert!(sent.len() <= IDLE + EDIT, "{}", show(&sent));
    let (sent, _) = bench.cycle(&instance).await;
    println!("after: {}", show(&sent));
    assert_eq!(writes(&sent), 0, "{}", show(&sent));

    bench.settle(&instance).await;
    let title = json!("Renamed in ClickUp");
    bench
        .world
        .clickup
        .edit(&task, &json!({"name": title}))
        .unwrap();
    let (sent, _) = bench.cycle(&instance).await;
    println!("ClickUp edit: {}", show(&sent));
    let shown = bench.world.ado.item(item).unwrap();
    assert_eq!(shown.fields.get("System.Title"), Some(&title));
    assert!(sent.len() <= IDLE + EDIT, "{}", show(&sent));
    let (sent, _) = bench.cycle(&instance).await;
    println!("after: {}", show(&sent));
    assert_eq!(writes(&sent), 0, "{}", show(&sent));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_edit_right_after_a_bulk_costs_no_more_than_any_other() {
    let (bench, instance, items) = two_pairs().await;
    bench.settle(&instance).await;
    let task = instance.counterpart("web", Side::Ado, &items[0].to_string());
    let title = json!("Renamed right after");
    bench.ado(items[0], "System.Title", title.clone());
    let (sent, _) = bench.cycle(&instance).await;
    assert_eq!(bench.world.clickup.task(&task).unwrap()["name"], title);
    println!("ADO edit after a bulk: {}", show(&sent));
    // More items are recent than fit into one batch of revisions; the batch that tells them apart reads the item whole.
    assert!(sent.len() <= IDLE + EDIT, "{}", show(&sent));
    let (sent, _) = bench.cycle(&instance).await;
    assert_eq!(writes(&sent), 0, "{}", show(&sent));

    let title = json!("Renamed in ClickUp");
    bench
        .world
        .clickup
        .edit(&task, &json!({"name": title}))
        .unwrap();
    let (sent, _) = bench.cycle(&instance).await;
    println!("ClickUp edit after a bulk: {}", show(&sent));
    let shown = bench.world.ado.item(items[0]).unwrap();
    assert_eq!(shown.fields.get("System.Title"), Some(&title));
    assert!(sent.len() <= IDLE + EDIT, "{}", show(&sent));
    let (sent, _) = bench.cycle(&instance).await;
    assert_eq!(writes(&sent), 0, "{}", show(&sent));

    // ClickUp's overlap is read again once, as a part of the bulk's price, and not every ten minutes.
    let mut pages = Vec::new();
    for _ in 0..6 {
        bench.world.clock.advance(11 * 60_000);
        let (sent, _) = bench.cycle(&instance).await;
        pages.push(sent.iter().filter(|entry| is_listing(entry)).count());
        assert_eq!(writes(&sent), 0, "{}", show(&sent));
        assert!(
            sent.len() <= IDLE || pages.len() <= 1,
            "{pages:?} {}",
            show(&sent)
        );
    }
    println!("pages of idle cycles after a bulk, 11 minutes apart: {pages:?}");
    assert!(pages[0] <= 2 * EACH / 100 + 2, "{pages:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_sweep_remembers_that_the_overlap_was_read_again() {
    let (bench, instance, _) = two_pairs().await;
    // The first look at the bulk, and the one that reads the overlap again.
    for _ in 0..2 {
        bench.world.clock.advance(20 * 60_000);
        bench.settle(&instance).await;
    }
    let whole = Scope {
        full: true,
        ..Scope::default()
    };
    let (sent, _) = bench.cycle_of(&instance, &whole).await;
    let pages = sent.iter().filter(|entry| is_listing(entry)).count();
    assert!(pages >= 2 * EACH / 100, "{}", show(&sent));
    assert_eq!(writes(&sent), 0, "{}", show(&sent));
    // The next look comes too late to stop at the first page of known tasks: a sweep of a large board takes that long.
    bench.world.clock.advance(11 * 60_000);
    let (sent, _) = bench.cycle(&instance).await;
    assert!(sent.len() <= IDLE, "{}", show(&sent));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_value_that_a_create_did_not_take_is_written_again_after_a_kill() {
    // The person is a guest who cannot see the list: ClickUp says 200 and does not assign.
    let people = "people = [[\"grace@contoso.example\", \"gil@example.net\"]]\n";
    let bench = Bench::new(&(pair("web", "Web", LIST) + people)).await;
    let item = bench.work_items("Web", "Story", 1)[0];
    let assigned = json!("grace@contoso.example");
    bench.ado(item, "System.AssignedTo", assigned);
    let mut instance = Instance::open(&bench.path).await;
    instance.engine.interrupt = Some(Arc::new(|point| point == "after-create-commit"));
    let end = instance.cycle().await;
    assert!(matches!(end, Err(CycleError::Interrupted(_))), "{end:?}");
    drop(instance);
    let instance = Instance::open(&bench.path).await;
    let (sent, _) = bench.cycle(&instance).await;
    let again = sent.iter().filter(|entry| entry.method == "PUT").count();
    assert_eq!(again, 1, "{}", show(&sent));
    assert_eq!(bench.names().len(), 1);
}

/// Back-fills `count` work items, killed after the create number `kill` (0: never), and returns what ClickUp received.
async fn backfill(count: usize, kill: usize) -> Vec<LedgerEntry> {
    let bench = Bench::new(&pair("web", "Web", LIST)).await;
    bench.work_items("Web", "Story", count);
    bench.world.ledger.clear();
    let instance = back_fill(&bench.world, &bench.path, kill).await;
    let sent = bench.world.ledger.entries();

    let names = bench.names();
    assert_eq!(names.len(), count);
    let twins: Vec<_> = names.iter().filter(|(_, tasks)| **tasks != 1).collect();
    assert!(twins.is_empty(), "{twins:?}");
    let links = instance.engine.store().count_links(&"web".into()).unwrap();
    assert_eq!(links, u64::try_from(count).unwrap());
    let (second, _) = bench.cycle(&instance).await;
    println!("second pass: {}", show(&second));
    assert_eq!(
        writes(&second),
        0,
        "the second pass wrote: {}",
        show(&second)
    );
    let most = IDLE + count.div_ceil(200);
    assert!(
        second.len() <= most,
        "the second pass read: {}",
        show(&second)
    );
    sent.into_iter()
        .filter(|entry| entry.service == Service::ClickUp)
        .collect()
}

/// Listings are pages of 100 and are budgeted apart from what is done item by item.
fn is_listing(entry: &LedgerEntry) -> bool {
    let path = entry.path.split('?').next().unwrap_or_default();
    entry.method == "GET" && path.ends_with("/task")
}

fn assert_backfill_budget(sent: &[LedgerEntry], count: usize, most_pages: usize) {
    let (pages, items): (Vec<_>, Vec<_>) = sent.iter().cloned().partition(is_listing);
    println!(
        "{count} items: {} requests, {} pages",
        items.len(),
        pages.len()
    );
    assert!(items.len() * 100 <= count * 105, "{}", show(&items));
    assert!(pages.len() <= most_pages, "{}", show(&pages));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_back_fill_costs_one_request_an_item() {
    let count = 300;
    // The list is empty at the start: one page of live tasks, two looks for archived ones.
    assert_backfill_budget(&backfill(count, 0).await, count, 3);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_back_fill_that_was_killed_goes_on_without_twins_and_at_the_same_price() {
    let count = 300;
    // First look, search for the lost create, second look: each a walk of all pages with one page read again.
    let walk = count / 100 + 1 + 1 + 2;
    assert_backfill_budget(&backfill(count, count / 2).await, count, 3 + 2 * walk);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_back_fill_of_two_thousand_that_was_killed_keeps_the_budget() {
    let count = 2_000;
    let walk = count / 100 + 1 + 1 + 2;
    assert_backfill_budget(&backfill(count, 777).await, count, 3 + 2 * walk);
}
