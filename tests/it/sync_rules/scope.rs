//! What lies outside a pair: never deleted, closed or made again, and never given a second counterpart.

use crate::sync_rules::bench::*;
use boardsync::model::Service;
use boardsync::sandbox::ado::{AdoConfig, Process, ProjectConfig};
use boardsync::sandbox::faults::{Fault, FaultRule};
use boardsync::sandbox::world::{LIST, World};
use boardsync::store::LinkState;
use serde_json::json;

/// A list that the example pair does not watch.
const OTHER_LIST: &str = "901100000003";
const AREA: &str = "System.AreaPath";

/// The example pair, below one area.
fn below_web() -> String {
    World::example_pair().replace(
        "ado.project = \"Shop\"\n",
        "ado.project = \"Shop\"\nado.area = \"Shop\\\\Web\"\n",
    )
}

async fn web(more: &str) -> Bench {
    bench_of(&format!("{}{more}\n", below_web())).await
}

fn dissolved(t: &Bench, id: i64) -> String {
    match t.link_state(id) {
        LinkState::Tombstone { why } => why.to_string(),
        state => panic!("{state:?}"),
    }
}

#[tokio::test]
async fn a_work_item_out_of_scope_outlives_its_task() {
    for rule in ["unlink", "close", "delete"] {
        let t = web(&format!("on_delete = \"{rule}\"")).await;
        let (id, task) = t.linked("Task", &[(AREA, json!("Shop\\Web"))]).await;
        t.ado(id, AREA, json!("Shop\\Mobile"));
        t.world.clickup.delete(&task).unwrap();
        for full in [false, true, false, true] {
            t.run(full).await;
        }
        assert!(t.world.ado.item(id).is_some(), "{rule}: it stays");
        assert_eq!(t.string(id, STATE), "New", "{rule}: as it was");
        assert!(dissolved(&t, id).contains("scope"), "{rule}");
        t.quiet().await;
        assert_eq!(t.counts(), (1, 0), "{rule}: nothing is made again");
    }
}

#[tokio::test]
async fn a_task_out_of_scope_outlives_its_work_item() {
    for rule in ["unlink", "close", "delete"] {
        let t = bench(&format!("on_delete = \"{rule}\"")).await;
        let (id, task) = t.linked("Task", &[]).await;
        t.world.clickup.move_to_list(&task, OTHER_LIST).unwrap();
        t.world.ado.delete(id);
        for full in [false, true, false, true] {
            t.run(full).await;
        }
        assert!(t.world.clickup.task(&task).is_some(), "{rule}: it stays");
        assert_eq!(t.status(&task), "to do", "{rule}: as it was");
        assert!(dissolved(&t, id).contains("scope"), "{rule}");
        t.quiet().await;
        assert_eq!(t.counts(), (0, 1), "{rule}: nothing is made again");
    }
}

/// Whether the item meets the condition is not written on it, so a delete waits for a full listing.
#[tokio::test]
async fn a_work_item_that_no_longer_meets_the_condition_outlives_its_task() {
    let pair = World::example_pair().replace(
        "[System.WorkItemType] IN ('User Story','Task','Bug')\"\n",
        "[System.Tags] CONTAINS 'sync'\"\non_delete = \"delete\"\n",
    );
    let t = bench_of(&pair).await;
    let (id, task) = t.linked("Task", &[(TAGS, json!("sync"))]).await;
    t.world.clickup.delete(&task).unwrap();
    t.sweep().await;
    t.ado(id, TAGS, json!("mine"));
    t.cycle().await;
    t.cycle().await;
    assert!(t.world.ado.item(id).is_some(), "not in the cycle at hand");
    t.cycle().await;
    assert!(t.world.ado.item(id).is_some(), "nor at the sweep");
    assert!(dissolved(&t, id).contains("scope"));
    t.quiet().await;
}

#[tokio::test]
async fn a_work_item_that_meets_the_condition_follows_its_task() {
    let pair = World::example_pair().replace(
        "[System.WorkItemType] IN ('User Story','Task','Bug')\"\n",
        "[System.Tags] CONTAINS 'sync'\"\non_delete = \"delete\"\n",
    );
    let t = bench_of(&pair).await;
    let (id, task) = t.linked("Task", &[(TAGS, json!("sync"))]).await;
    t.world.clickup.delete(&task).unwrap();
    for _ in 0..4 {
        t.sweep().await;
    }
    assert_eq!(t.world.ado.deleted_ids(), [id], "in the recycle bin");
    t.quiet().await;
}

/// The rows of `states` say which names go together and not which of them is the closed one.
#[tokio::test]
async fn closing_takes_the_closed_category_and_never_the_last_row() {
    let rows = "states = [[\"Closed\", \"complete\"], [\"New\", \"to do\"], [\"Active\", \"in progress\"], [\"Active\", \"in review\"]]\n";
    let mut own: Vec<String> = World::example_pair()
        .lines()
        .filter(|line| !line.starts_with("states"))
        .map(str::to_owned)
        .collect();
    own.push("on_delete = \"close\"".to_owned());
    let without = own.join("\n") + "\n";
    for pair in [without.clone(), without + rows] {
        let t = bench_of(&pair).await;
        let (id, task) = t.linked("Task", &[]).await;
        t.world.ado.delete(id);
        t.sweep().await;
        assert_eq!(t.status(&task), "complete", "{pair}");
        t.quiet().await;
        let t = bench_of(&pair).await;
        let (id, task) = t.linked("Task", &[]).await;
        t.world.clickup.delete(&task).unwrap();
        for _ in 0..3 {
            t.cycle().await;
            t.sweep().await;
        }
        assert_eq!(t.string(id, STATE), "Closed", "{pair}");
        t.quiet().await;
    }
}

/// A process whose types call it `Done` is closed as `Done`, whatever another type's closed state is called.
#[tokio::test]
async fn closing_takes_the_closed_state_of_the_items_own_type() {
    let mut clickup = boardsync::sandbox::clickup::ClickUpConfig::example();
    clickup.quirks.rate_limit = 100_000;
    let ado = AdoConfig {
        projects: vec![ProjectConfig::new("Shop", Process::Scrum)],
        ..AdoConfig::default()
    };
    let pair = format!(
        "[[pair]]\nname = \"web\"\nado.project = \"Shop\"\nclickup.list = \"{LIST}\"\non_delete = \"close\"\n\
         types = [[\"Task\", \"Task\"], [\"Bug\", \"Bug\"]]\n\
         states = [[\"Done\", \"complete\"], [\"To Do\", \"to do\"], [\"New\", \"to do\"], [\"In Progress\", \"in progress\"]]\n"
    );
    let t = bench_in(ado, clickup, &pair).await;
    for kind in ["Task", "Bug"] {
        let (id, task) = t.linked(kind, &[]).await;
        t.world.clickup.delete(&task).unwrap();
        for _ in 0..3 {
            t.cycle().await;
            t.sweep().await;
        }
        assert_eq!(t.string(id, STATE), "Done", "{kind}");
    }
}

/// No work item can be created for the time being, for this reason.
fn refuse_creates(t: &Bench, reason: &str) {
    t.world.faults.add(FaultRule {
        service: Service::Ado,
        method: Some("POST".to_owned()),
        path_contains: "/workitems/".to_owned(),
        fault: Fault::Status {
            status: 400,
            body: json!({"message": reason, "typeKey": "RuleValidationException"}).to_string(),
            content_type: "application/json".to_owned(),
            headers: Vec::new(),
        },
        skip: 0,
        times: u32::MAX,
    });
}

/// Without the area path the work item would be made at the root of the project, outside the pair. So the path is never
/// among what a create does without.
#[tokio::test]
async fn a_work_item_that_would_lose_its_place_is_not_made() {
    let t = web("").await;
    let task = t.create_task(&json!({"name": "New", "tags": ["ui"], "priority": 1}));
    refuse_creates(
        &t,
        "TF401347: Invalid tree name given for work item -1, field 'System.AreaPath'.",
    );
    t.world.ledger.clear();
    t.cycle().await;
    let writes = t.world.ledger.writes();
    assert_eq!(
        writes.len(),
        1,
        "nothing is left out and tried: {writes:#?}"
    );
    let held = t.holds();
    assert_eq!((t.counts(), held.len()), ((0, 1), 1));
    assert!(
        held[0].reason().contains("its place is refused"),
        "{held:#?}"
    );
    t.world.faults.clear();
    t.engine().store().forgive().unwrap();
    t.cycle().await;
    let id = t.item_of(&task);
    assert_eq!(t.string(id, AREA), "Shop\\Web");
    assert_eq!(t.string(id, TAGS), "ui");
    t.quiet().await;
}

/// The create of a task failed and is tried again later; meanwhile somebody moves the task away.
#[tokio::test]
async fn a_task_that_waits_for_its_work_item_and_leaves_gets_none() {
    let t = bench("").await;
    let task = t.create_task(&json!({"name": "Wanderer"}));
    refuse_creates(&t, "TF401320: made up");
    t.cycle().await;
    assert_eq!((t.counts(), t.holds().len()), ((0, 1), 1));
    t.world.clickup.move_to_list(&task, OTHER_LIST).unwrap();
    t.world.faults.clear();
    t.engine().store().forgive().unwrap();
    for full in [false, false, true] {
        t.run(full).await;
    }
    assert_eq!((t.counts(), t.holds().len()), ((0, 1), 0));
}

#[tokio::test]
async fn a_task_that_waits_and_moves_to_another_pair_gets_one_work_item() {
    let mobile = below_web()
        .replace("name = \"web\"", "name = \"mobile\"")
        .replace("Shop\\\\Web", "Shop\\\\Mobile")
        .replace(LIST, OTHER_LIST);
    let t = bench_of(&format!("{}\n{mobile}", below_web())).await;
    let task = t.create_task(&json!({"name": "Wanderer"}));
    refuse_creates(&t, "TF401320: made up");
    t.cycle().await;
    t.world.clickup.move_to_list(&task, OTHER_LIST).unwrap();
    t.world.faults.clear();
    t.engine().store().forgive().unwrap();
    for full in [false, false, true] {
        t.run(full).await;
    }
    assert_eq!((t.counts(), t.holds().len()), ((1, 1), 0));
    let id = t.world.ado.all_ids()[0];
    assert_eq!(t.string(id, AREA), "Shop\\Mobile");
    t.quiet().await;
}
