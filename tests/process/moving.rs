//! Items that people move from one pair into another: never a second item, and the printed advice is right.

use super::bench::{ADO_TOKEN, Bench, Ran, clickup};
use boardsync::sandbox::ado::AdoConfig;
use boardsync::sandbox::clock::SandboxClock;
use boardsync::sandbox::world::World;
use serde_json::json;

const AREA: &str = "System.AreaPath";
/// Pair, area below the project, list.
const PAIRS: [(&str, &str, &str); 2] = [
    ("web", "Web", "901100000001"),
    ("mobile", "Mobile", "901100000003"),
];

fn config(web: &str) -> String {
    let pairs = PAIRS.map(|(name, area, list)| {
        let name = if name == "web" { web } else { name };
        format!(
            "[[pair]]\nname = \"{name}\"\nado.project = \"Shop\"\nado.area = 'Shop\\{area}'\nclickup.list = \"{list}\"\n\
             types = [[\"Task\", \"Task\"]]\n\
             states = [[\"New\", \"to do\"], [\"Active\", \"in progress\"], [\"Closed\", \"complete\"]]\n"
        )
    });
    pairs.join("\n")
}

/// Two pairs in one project, with one linked item in the first; `by_person`: it came from ClickUp.
async fn linked(from_clickup: bool) -> (Bench, i64, String) {
    let ado = AdoConfig {
        pat: ADO_TOKEN.to_owned(),
        ..AdoConfig::default()
    };
    let world = World::start_on(SandboxClock::real(), ado, clickup(), 0)
        .await
        .unwrap();
    let bench = Bench::of(world, &config("web"));
    if from_clickup {
        let made = json!({"name": "Wanderer"});
        bench.world.clickup.create_task(PAIRS[0].2, &made).unwrap();
    } else {
        let fields = [
            ("System.Title", json!("Wanderer")),
            (AREA, json!("Shop\\Web")),
        ];
        bench
            .world
            .ado
            .create_item("Shop", "Task", &fields)
            .unwrap();
    }
    let first = ["reconcile", "--once", "--yes"];
    bench.run(&first).await.left_with(0);
    bench.run(&["reconcile", "--once"]).await.left_with(0);
    let (item, task) = the_two(&bench);
    (bench, item, task)
}

#[track_caller]
fn the_two(bench: &Bench) -> (i64, String) {
    let (items, tasks) = (bench.world.ado.all_ids(), bench.world.clickup.all_ids());
    assert_eq!((items.len(), tasks.len()), (1, 1), "no second item");
    (items[0], tasks[0].clone())
}

fn move_item(bench: &Bench, item: i64, area: &str) {
    let area = [(AREA, json!(format!("Shop\\{area}")))];
    let person = "ada@contoso.example";
    bench.world.ado.edit(item, &area, person).unwrap();
}

fn move_task(bench: &Bench, task: &str, to: usize) {
    bench.world.clickup.move_to_list(task, PAIRS[to].2).unwrap();
}

/// The pair that keeps the two equal, if any does.
async fn pair_of(bench: &Bench) -> Option<String> {
    let links = bench.run(&["links", "list", "--json"]).await.json();
    let living = links["links"].as_array().unwrap().iter();
    let mut living = living.filter(|link| {
        let state = link["state"].as_str().unwrap();
        state != "ended"
    });
    let found = living
        .next()
        .map(|link| link["pair"].as_str().unwrap().to_owned());
    assert!(living.next().is_none(), "one link at most: {links}");
    found
}

async fn twice(bench: &Bench) -> Ran {
    bench.run(&["reconcile", "--once"]).await;
    bench.run(&["reconcile", "--once", "--full"]).await
}

#[tokio::test(flavor = "multi_thread")]
async fn two_items_moved_into_another_pair_are_linked_there_by_the_printed_advice() {
    for from_clickup in [false, true] {
        let (bench, item, task) = linked(from_clickup).await;
        move_item(&bench, item, "Mobile");
        move_task(&bench, &task, 1);
        twice(&bench).await.left_with(3);
        the_two(&bench);
        let advice = format!("links remove {task}");
        bench
            .run(&["status"])
            .await
            .says("in the pair web")
            .says(&advice);
        bench.run(&["links", "remove", &task]).await.left_with(0);
        bench.run(&["reconcile", "--once"]).await;
        bench.run(&["reconcile", "--once"]).await.left_with(0);
        the_two(&bench);
        assert_eq!(pair_of(&bench).await.as_deref(), Some("mobile"));
        bench.rename(item, "Goes on");
        bench.run(&["reconcile", "--once"]).await.left_with(0);
        assert_eq!(bench.titles(), ["Goes on"]);
        bench.quiet().await;

        // And back again.
        move_item(&bench, item, "Web");
        move_task(&bench, &task, 0);
        twice(&bench).await.left_with(3);
        bench
            .run(&["links", "remove", &item.to_string()])
            .await
            .left_with(0);
        bench.run(&["reconcile", "--once"]).await;
        bench.run(&["reconcile", "--once"]).await.left_with(0);
        the_two(&bench);
        assert_eq!(pair_of(&bench).await.as_deref(), Some("web"));
        bench.quiet().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_edit_before_the_two_are_linked_again_is_a_conflict_and_not_lost() {
    let (bench, item, task) = linked(false).await;
    let text = std::fs::read_to_string(&bench.config).unwrap();
    let held = text.replace("ado.project", "conflict = \"hold\"\nado.project");
    std::fs::write(&bench.config, held).unwrap();
    bench
        .run(&["reconcile", "--once", "--yes"])
        .await
        .left_with(0);
    move_item(&bench, item, "Mobile");
    move_task(&bench, &task, 1);
    twice(&bench).await.left_with(3);
    bench.rename(item, "Ours");
    let theirs = json!({"name": "Theirs"});
    bench.world.clickup.edit(&task, &theirs).unwrap();
    bench.run(&["links", "remove", &task]).await.left_with(0);
    for _ in 0..3 {
        bench.run(&["reconcile", "--once"]).await;
    }
    the_two(&bench);
    assert_eq!(pair_of(&bench).await.as_deref(), Some("mobile"));
    assert_eq!(bench.titles(), ["Theirs"]);
    let ours = bench.world.ado.item(item).unwrap();
    assert_eq!(ours.fields["System.Title"], "Ours");
    bench.run(&["conflicts", "list"]).await.says("1 open");
}

#[tokio::test(flavor = "multi_thread")]
async fn one_that_moved_alone_waits_for_the_other() {
    for task_moves in [true, false] {
        let (bench, item, task) = linked(false).await;
        match task_moves {
            true => move_task(&bench, &task, 1),
            false => move_item(&bench, item, "Mobile"),
        }
        twice(&bench).await.left_with(3);
        the_two(&bench);
        // Done too early, the advice makes no twin either.
        bench.run(&["links", "remove", &task]).await.left_with(0);
        for _ in 0..2 {
            twice(&bench).await.left_with(3);
            the_two(&bench);
        }
        bench
            .run(&["status"])
            .await
            .says("has its counterpart outside this pair");
        bench.rename(item, "Edited meanwhile");
        twice(&bench).await.left_with(3);
        the_two(&bench);
        match task_moves {
            true => move_item(&bench, item, "Mobile"),
            false => move_task(&bench, &task, 1),
        }
        for _ in 0..2 {
            twice(&bench).await;
        }
        the_two(&bench);
        assert_eq!(pair_of(&bench).await.as_deref(), Some("mobile"));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn markers_find_the_two_in_their_new_pair_after_a_lost_database() {
    for both in [true, false] {
        let (bench, item, task) = linked(false).await;
        move_item(&bench, item, "Mobile");
        if both {
            move_task(&bench, &task, 1);
        }
        for name in [
            "boardsync.db",
            "boardsync.db-wal",
            "boardsync.db-shm",
            "boardsync.db.epoch",
        ] {
            let _ = std::fs::remove_file(bench.folder.path().join(name));
        }
        bench.run(&["reconcile", "--once", "--yes"]).await;
        for _ in 0..2 {
            twice(&bench).await;
        }
        the_two(&bench);
        let pair = pair_of(&bench).await;
        match both {
            true => assert_eq!(pair.as_deref(), Some("mobile")),
            false => assert_ne!(pair.as_deref(), Some("mobile")),
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_renamed_pair_makes_no_second_item() {
    let (bench, item, task) = linked(false).await;
    bench.replace_config("name = \"web\"", "name = \"site\"");
    bench
        .run(&["reconcile", "--once", "--yes"])
        .await
        .left_with(3);
    the_two(&bench);
    bench.run(&["links", "remove", &task]).await.left_with(0);
    for _ in 0..2 {
        twice(&bench).await;
        the_two(&bench);
    }
    if pair_of(&bench).await.is_none() {
        let id = item.to_string();
        let add = ["links", "add", "site", &id, &task];
        bench.run(&add).await.left_with(0);
    }
    bench.run(&["reconcile", "--once"]).await;
    the_two(&bench);
    bench.quiet().await;
    assert_eq!(pair_of(&bench).await.as_deref(), Some("site"));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_item_that_is_linked_is_not_linked_a_second_time_by_hand() {
    let (bench, item, task) = linked(false).await;
    let id = item.to_string();
    let add = |pair| ["links", "add", pair, id.as_str(), task.as_str()];
    let again = bench.run(&add("web")).await;
    again.left_with(0).says("linked already");
    let elsewhere = bench.run(&add("mobile")).await;
    elsewhere.left_with(64).says("links remove");
    assert_eq!(pair_of(&bench).await.as_deref(), Some("web"));
    bench.quiet().await;
}
