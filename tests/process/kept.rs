//! Rules whose breach would lose or delete something and shows only in rare circumstances, seen from outside.

use super::bench::Bench;
use super::reconciling::hash_in;
use boardsync::model::Side;
use boardsync::sandbox::{faults::Fault, seed, world::PROJECT};
use boardsync::store::Store;

/// A daemon may run for a year. A create whose answer got lost is looked for in its next cycle, and not only after
/// somebody has started it again.
#[tokio::test(flavor = "multi_thread")]
async fn the_daemon_finds_the_item_of_a_lost_answer_by_itself() {
    let bench = Bench::equal().await;
    bench.replace_config("[[pair]]", "[schedule]\npoll = \"5s\"\n\n[[pair]]");
    bench.fault(
        Side::ClickUp,
        Some("POST"),
        "/task",
        Fault::DropAfterApply,
        1,
    );
    let mut daemon = bench.daemon();
    let id = bench.add_story("Made while the line was bad");
    bench
        .until(|bench| {
            bench
                .titles()
                .contains(&"Made while the line was bad".to_owned())
        })
        .await;
    bench.rename(id, "Renamed afterwards");
    bench
        .until(|bench| bench.titles().contains(&"Renamed afterwards".to_owned()))
        .await;
    daemon.kill().unwrap();
    daemon.wait().unwrap();
    assert_eq!(bench.titles().len(), 6, "no twin: {:?}", bench.titles());
}

/// Nobody has seen the plan yet, and a daemon has nobody to ask.
#[tokio::test(flavor = "multi_thread")]
async fn the_daemon_writes_nothing_of_a_plan_that_nobody_has_approved() {
    let bench = Bench::new().await;
    bench.replace_config("[[pair]]", "[schedule]\npoll = \"5s\"\n\n[[pair]]");
    let database = bench.folder.path().join("boardsync.db");
    let mut daemon = bench.daemon();
    bench
        .until(|_| {
            let store = Store::open_read_only(&database).ok();
            let state = store.and_then(|store| store.pair_state(&"web".into()).ok());
            state.is_some_and(|state| state.last_attempt.is_some())
        })
        .await;
    daemon.kill().unwrap();
    daemon.wait().unwrap();
    assert_eq!(bench.world.ledger.writes(), []);
    assert_eq!(bench.titles(), Vec::<String>::new());
}

/// `--yes` answers for a changed mapping. It says nothing about the deletes that happen to stand in the same plan.
#[tokio::test(flavor = "multi_thread")]
async fn a_yes_to_a_changed_mapping_lets_no_deletes_through() {
    let bench = Bench::new().await;
    let ids = seed::ado_tasks(&bench.world.ado, PROJECT, 20).unwrap();
    bench
        .run(&["reconcile", "--once", "--yes"])
        .await
        .left_with(0);
    bench.run(&["reconcile", "--once"]).await.left_with(0);
    for id in &ids[..10] {
        assert!(bench.world.ado.delete(*id));
    }
    bench.replace_config("name = \"web\"", "name = \"web\"\non_delete = \"delete\"");
    bench.world.ledger.clear();
    let ran = bench.run(&["reconcile", "--once", "--yes"]).await;
    let ran = ran.left_with(4).says("deletes");
    assert_eq!(bench.world.ledger.writes(), []);
    assert_eq!(bench.titles().len(), 25);
    let hash = hash_in(&ran.out);
    bench
        .run(&["reconcile", "--once", "--approve", &hash])
        .await
        .left_with(0);
    assert_eq!(bench.titles().len(), 15);
}

/// A plan was read under one table of states. Under another one the same edit means something else.
#[tokio::test(flavor = "multi_thread")]
async fn a_saved_plan_of_another_mapping_is_not_carried_out() {
    let bench = Bench::equal().await;
    bench.rename(bench.ids[3], "Renamed");
    bench
        .run(&["plan", "--out", "saved.plan"])
        .await
        .left_with(0);
    bench.replace_config("name = \"web\"", "name = \"web\"\nconflict = \"hold\"");
    let ran = bench.run(&["apply", "saved.plan"]).await;
    assert_eq!(ran.code, 3, "{ran:?}");
    assert!(
        ran.err
            .contains("the configuration of the pair web changed"),
        "{ran:?}"
    );
    assert_eq!(bench.world.ledger.writes(), []);
    assert!(!bench.titles().contains(&"Renamed".to_owned()));
}

/// A plan that was carried out long ago is given again. It is no yes to what the configuration says by now.
#[tokio::test(flavor = "multi_thread")]
async fn a_saved_plan_of_another_mapping_approves_nothing() {
    let bench = Bench::equal().await;
    bench.rename(bench.ids[3], "Renamed");
    bench.run(&["plan", "--out", "p"]).await.left_with(0);
    bench.run(&["apply", "p"]).await.left_with(0);
    bench.world.ado.delete(bench.ids[2]);
    bench.replace_config("name = \"web\"", "name = \"web\"\non_delete = \"delete\"");
    bench.world.ledger.clear();
    let tasks = bench.titles().len();
    for asked in [&["reconcile", "--once", "--full"][..], &["apply", "p"]] {
        let ran = bench.run(asked).await;
        assert_ne!(ran.code, 0, "{ran:?}");
    }
    bench
        .run(&["reconcile", "--once", "--full"])
        .await
        .left_with(4);
    assert_eq!(bench.world.ledger.writes(), []);
    assert_eq!(bench.titles().len(), tasks);
}
