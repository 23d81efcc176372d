//! Many deletes at once: the guard stops them, and only the hash of exactly that plan lets them through.

use super::bench::Bench;
use super::reconciling::hash_in;
use boardsync::sandbox::{seed, world::PROJECT};

/// A settled board of 60 pairs with this `on_delete`, of which 30 work items were then deleted. Returns their titles.
async fn half_deleted(rule: &str) -> (Bench, Vec<String>) {
    let bench = Bench::new().await;
    bench.replace_config(
        "name = \"web\"",
        &format!("name = \"web\"\non_delete = \"{rule}\""),
    );
    let ids = seed::ado_tasks(&bench.world.ado, PROJECT, 55).unwrap();
    bench
        .run(&["reconcile", "--once", "--yes"])
        .await
        .left_with(0);
    bench.run(&["reconcile", "--once"]).await.left_with(0);
    assert_eq!(bench.titles().len(), 60);
    for id in &ids[..30] {
        assert!(bench.world.ado.delete(*id));
    }
    bench.world.ledger.clear();
    let titles = (1..=30).map(|n| format!("Task {n:05}")).collect();
    (bench, titles)
}

fn closed(bench: &Bench) -> Vec<String> {
    let mut titles: Vec<String> = bench
        .world
        .clickup
        .all_ids()
        .iter()
        .filter_map(|id| bench.world.clickup.task(id))
        .filter(|task| task["status"]["status"] == "complete")
        .map(|task| task["name"].as_str().unwrap().to_owned())
        .filter(|title| title.starts_with("Task "))
        .collect();
    titles.sort();
    titles
}

/// However often and with whatever but the hash: exit 4, and both boards as they were.
async fn stopped(bench: &Bench) -> String {
    let mut hash = String::new();
    for args in [
        &["reconcile", "--once", "--full"][..],
        &["reconcile", "--once"],
        &["reconcile", "--once", "--yes"],
        &["reconcile", "--once", "--approve", "0123456789abcdef"],
    ] {
        let ran = bench.run(args).await.left_with(4).says("deletes");
        assert_eq!(bench.world.ledger.writes(), [], "{args:?}");
        hash = hash_in(&ran.out);
    }
    assert_eq!(bench.titles().len(), 60);
    assert_eq!(closed(bench), Vec::<String>::new());
    hash
}

#[tokio::test(flavor = "multi_thread")]
async fn thirty_deletes_are_stopped_and_let_through_by_their_hash() {
    let (bench, gone) = half_deleted("delete").await;
    let hash = stopped(&bench).await;
    bench
        .run(&["reconcile", "--once", "--approve", &hash])
        .await
        .left_with(0);
    let left = bench.titles();
    assert_eq!(left.len(), 30);
    assert!(gone.iter().all(|title| !left.contains(title)), "{left:?}");
    settled(&bench, 31, 30).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn thirty_closes_are_stopped_and_let_through_by_their_hash() {
    let (bench, gone) = half_deleted("close").await;
    let hash = stopped(&bench).await;
    bench
        .run(&["reconcile", "--once", "--approve", &hash])
        .await
        .left_with(0);
    assert_eq!(bench.titles().len(), 60, "closed, not deleted");
    assert_eq!(closed(&bench), gone);
    settled(&bench, 31, 60).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_approval_does_not_cover_one_delete_more() {
    let (bench, _) = half_deleted("delete").await;
    let hash = stopped(&bench).await;
    // No other item is below it, which its task would take along.
    let extra = bench.ids[3];
    assert!(bench.world.ado.delete(extra));
    bench
        .run(&["reconcile", "--once", "--full", "--approve", &hash])
        .await
        .left_with(4);
    assert_eq!(bench.world.ledger.writes(), []);
    assert_eq!(bench.titles().len(), 60);
}

/// Fails unless nothing is left to do, and nothing comes back.
async fn settled(bench: &Bench, items: usize, tasks: usize) {
    bench.quiet().await;
    assert_eq!(bench.world.ado.all_ids().len(), items);
    assert_eq!(bench.titles().len(), tasks);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_item_that_comes_back_from_the_recycle_bin_is_held_and_not_forgotten() {
    let bench = Bench::equal().await;
    let id = bench.ids[2];
    assert!(bench.world.ado.delete(id));
    bench.run(&["reconcile", "--once"]).await;
    bench
        .run(&["reconcile", "--once", "--full"])
        .await
        .left_with(0);
    assert!(bench.world.ado.restore(id));
    let number = id.to_string();
    for args in [
        &["reconcile", "--once"][..],
        &["reconcile", "--once", "--full"],
    ] {
        bench.run(args).await.left_with(3);
    }
    bench
        .run(&["status"])
        .await
        .says("came back after it was deleted");
    assert_eq!(bench.titles().len(), 5, "no twin");
    let task = bench.task_named("Guest gets a receipt by mail");
    bench
        .run(&["links", "add", "web", &number, &task])
        .await
        .left_with(0);
    bench.rename(id, "Linked again");
    bench.run(&["reconcile", "--once"]).await;
    // Nobody can tell which of the two titles is the newer one.
    let ran = bench.run(&["reconcile", "--once"]).await.left_with(3);
    ran.says("1 conflict is open");
    assert_eq!(bench.titles().len(), 5);
}

/// Until the wait is over nobody has to act, and every command says what is known.
#[tokio::test(flavor = "multi_thread")]
async fn a_task_that_seems_deleted_is_late_until_it_is_known() {
    let bench = Bench::equal().await;
    let task = bench.task_named("Guest gets a receipt by mail");
    let id = bench.ids[2].to_string();
    bench.world.clickup.delete(&task).unwrap();
    bench
        .run(&["plan"])
        .await
        .left_with(0)
        .says("deletes since the last full listing")
        .says("plan --full");
    let ran = bench.run(&["reconcile", "--once", "--full"]).await;
    ran.left_with(3);
    let status = bench.run(&["status"]).await.left_with(5);
    status.says("seems deleted").says("next try");
    let why = bench.run(&["why", &id]).await.left_with(0);
    let why = why
        .says("(not there)")
        .says(&format!("ClickUp {task} is not there: "));
    // What the service said of it is said once, and not beside every field.
    assert_eq!(why.out.matches("not there: ").count(), 1, "{}", why.out);
    bench.world.clock.advance(11 * 60_000);
    bench.run(&["reconcile", "--once"]).await;
    bench.run(&["reconcile", "--once"]).await;
    let why = bench.run(&["why", &id]).await.left_with(0);
    why.says("ended").says("on_delete = unlink").says("(run c");
    bench.run(&["status"]).await.left_with(0);
}
