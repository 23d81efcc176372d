//! What lies outside a pair: never deleted, closed or made again, and never given a second counterpart.

use crate::bench::*;
use boardsync::sandbox::ado::{AdoConfig, Process, ProjectConfig};
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
        LinkState::Tombstone { reason } => reason,
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
