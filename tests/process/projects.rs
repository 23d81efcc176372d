//! Several projects in one configuration: each pair sees its own items only, and all of them share one cycle.

use super::bench::{ADO_TOKEN, Bench, clickup};
use boardsync::sandbox::ado::{AdoConfig, Process, ProjectConfig};
use boardsync::sandbox::clock::SandboxClock;
use boardsync::sandbox::world::World;
use serde_json::json;

/// Project, list, and the list's first and last status.
const PAIRS: [(&str, &str, &str, &str); 3] = [
    ("Shop", "901100000001", "to do", "complete"),
    ("Harbour", "901100000002", "new", "fixed"),
    ("Ferry", "901100000003", "to do", "complete"),
];

async fn three() -> Bench {
    let process = AdoConfig::default().projects[0].process;
    let ado = AdoConfig {
        pat: ADO_TOKEN.to_owned(),
        projects: PAIRS.map(|pair| project(pair.0, process)).to_vec(),
        ..AdoConfig::default()
    };
    let world = World::start_on(SandboxClock::real(), ado, clickup(), 0)
        .await
        .unwrap();
    let pairs = PAIRS.map(|(project, list, open, closed)| {
        format!(
            "[[pair]]\nname = \"{project}\"\nado.project = \"{project}\"\nclickup.list = \"{list}\"\n\
             types = [[\"Task\", \"Task\"]]\n\
             states = [[\"New\", \"{open}\"], [\"Active\", \"in progress\"], [\"Closed\", \"{closed}\"]]\n"
        )
    });
    Bench::of(world, &pairs.join("\n"))
}

fn project(name: &str, process: Process) -> ProjectConfig {
    ProjectConfig::new(name, process)
}

#[tokio::test(flavor = "multi_thread")]
async fn three_pairs_in_three_projects_are_kept_by_one_delta_cycle() {
    let bench = three().await;
    let (ado, clickup) = (&bench.world.ado, &bench.world.clickup);
    let mut made = Vec::new();
    for (project, list, _, _) in PAIRS {
        let title = format!("From {project}");
        let id = ado
            .create_item(project, "Task", &[("System.Title", json!(title))])
            .unwrap();
        let task = clickup
            .create_task(list, &json!({"name": format!("Into {project}")}))
            .unwrap();
        made.push((id, task));
    }
    bench
        .run(&["reconcile", "--once", "--yes"])
        .await
        .left_with(0);
    bench.run(&["reconcile", "--once"]).await.left_with(0);
    assert_eq!((ado.all_ids().len(), bench.titles().len()), (6, 6));
    for (project, list, _, _) in PAIRS {
        let task = clickup
            .task(&bench.task_named(&format!("From {project}")))
            .unwrap();
        assert_eq!(task["list"]["id"], list);
        let into = item_named(&bench, &format!("Into {project}"));
        assert_eq!(
            ado.item(into).unwrap().fields["System.TeamProject"],
            project
        );
    }

    // One edit on each side of every pair, all in one cycle.
    for ((project, _, _, closed), (id, task)) in PAIRS.iter().zip(&made) {
        ado.edit(
            *id,
            &[("System.Title", json!(format!("Edited in {project}")))],
            "ada@contoso.example",
        )
        .unwrap();
        clickup.edit(task, &json!({"status": closed})).unwrap();
    }
    bench.world.ledger.clear();
    bench.run(&["reconcile", "--once"]).await.left_with(0);
    let queries = bench
        .world
        .ledger
        .entries()
        .iter()
        .filter(|entry| entry.path.to_ascii_lowercase().contains("wiql"))
        .count();
    assert_eq!(queries, 1, "one query however many projects there are");
    for (project, _, _, _) in PAIRS {
        bench.task_named(&format!("Edited in {project}"));
        let into = item_named(&bench, &format!("Into {project}"));
        assert_eq!(ado.item(into).unwrap().fields["System.State"], "Closed");
    }
    bench.run(&["reconcile", "--once"]).await.left_with(0);
    bench.quiet().await;
    assert_eq!((ado.all_ids().len(), bench.titles().len()), (6, 6));
}

#[tokio::test(flavor = "multi_thread")]
async fn deletes_in_one_project_stop_that_pair_only() {
    let bench = three().await;
    let ado = &bench.world.ado;
    bench.replace_config("name = \"Shop\"", "name = \"Shop\"\non_delete = \"delete\"");
    let shop = boardsync::sandbox::seed::ado_tasks(ado, "Shop", 10).unwrap();
    let other = boardsync::sandbox::seed::ado_tasks(ado, "Ferry", 1).unwrap();
    bench
        .run(&["reconcile", "--once", "--yes"])
        .await
        .left_with(0);
    bench.run(&["reconcile", "--once"]).await.left_with(0);
    for id in &shop {
        ado.delete(*id);
    }
    ado.edit(
        other[0],
        &[("System.Title", json!("Goes on"))],
        "ada@contoso.example",
    )
    .unwrap();
    bench
        .run(&["reconcile", "--once", "--full"])
        .await
        .left_with(4);
    assert_eq!(bench.titles().len(), 11, "nothing deleted");
    bench.task_named("Goes on");
}

fn item_named(bench: &Bench, title: &str) -> i64 {
    let ado = &bench.world.ado;
    let named = |id: &i64| ado.item(*id).unwrap().fields["System.Title"] == title;
    ado.all_ids().into_iter().find(named).expect(title)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_task_moved_into_another_pairs_list_gets_no_second_work_item() {
    let bench = three().await;
    let (_, list, _, _) = PAIRS[0];
    let (_, other, _, _) = PAIRS[1];
    let task = bench
        .world
        .clickup
        .create_task(list, &json!({"name": "Wanderer"}))
        .unwrap();
    bench
        .run(&["reconcile", "--once", "--yes"])
        .await
        .left_with(0);
    bench.run(&["reconcile", "--once"]).await.left_with(0);
    let made = bench.world.ado.all_ids();
    bench.world.clickup.move_to_list(&task, other).unwrap();
    for args in [
        &["reconcile", "--once"][..],
        &["reconcile", "--once", "--full"],
    ] {
        bench.run(args).await.left_with(3);
        assert_eq!(bench.world.ado.all_ids(), made);
    }
    bench
        .run(&["status"])
        .await
        .says("in the pair Shop")
        .says("links remove");
    bench.world.clickup.move_to_list(&task, list).unwrap();
    bench.run(&["reconcile", "--once", "--full"]).await;
    bench.run(&["reconcile", "--once"]).await.left_with(0);
    assert_eq!(bench.world.ado.all_ids(), made);
}
