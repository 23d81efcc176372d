//! The query index of Azure DevOps lags behind what was saved: late is allowed, lost is not.

use super::bench::Bench;
use serde_json::json;

const LAG: i64 = 120_000;
const HOUR: i64 = 3_600_000;

/// A settled board whose items were last edited long before the watermark, so that no overlap lists them again.
async fn long_settled() -> Bench {
    let bench = Bench::equal().await;
    for title in ["Country list", "Country list is empty"] {
        bench.world.clock.advance(HOUR);
        bench.rename(bench.ids[4], title);
        for _ in 0..2 {
            bench.run(&["reconcile", "--once"]).await.left_with(0);
        }
    }
    bench.world.clock.advance(HOUR);
    bench.rename(bench.ids[4], "Country list is empty in Safari");
    bench.run(&["reconcile", "--once"]).await.left_with(0);
    bench
}

fn priority(bench: &Bench, id: i64) -> serde_json::Value {
    bench.world.ado.item(id).unwrap().fields["Microsoft.VSTS.Common.Priority"].clone()
}

#[tokio::test(flavor = "multi_thread")]
async fn an_edit_that_the_index_shows_late_arrives_though_later_ones_were_seen_first() {
    let bench = long_settled().await;
    bench.world.ado.set_index_lag(LAG);
    bench.rename(bench.ids[1], "Seen late");
    for _ in 0..3 {
        bench.run(&["reconcile", "--once"]).await.left_with(0);
        assert!(
            !bench.titles().contains(&"Seen late".to_owned()),
            "the index lags"
        );
    }
    // The clock moves on in steps; each cycle moves the watermark as far as it dares.
    let mut arrived = false;
    for step in 0..8 {
        bench.world.clock.advance(LAG / 4);
        bench.rename(bench.ids[2], &format!("Step {step}"));
        bench.run(&["reconcile", "--once"]).await.left_with(0);
        arrived |= bench.titles().contains(&"Seen late".to_owned());
    }
    assert!(arrived, "{:?}", bench.titles());
    bench.world.clock.advance(2 * LAG);
    bench.run(&["reconcile", "--once"]).await.left_with(0);
    assert!(
        bench.titles().contains(&"Step 7".to_owned()),
        "{:?}",
        bench.titles()
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn an_edit_on_the_other_side_meanwhile_does_not_hide_the_late_one() {
    let bench = long_settled().await;
    let (id, task) = (bench.ids[3], bench.task_named("Validate postcodes"));
    bench.world.ado.set_index_lag(LAG);
    bench.rename(id, "Renamed in Azure DevOps");
    let edit = json!({"priority": 1});
    bench.world.clickup.edit(&task, &edit).unwrap();
    for _ in 0..2 {
        bench.run(&["reconcile", "--once"]).await.left_with(0);
    }
    // The task's edit leads to the work item, which is then read by its id.
    assert_eq!(priority(&bench, id), 1);
    assert_eq!(
        bench.world.clickup.task(&task).unwrap()["name"],
        "Renamed in Azure DevOps"
    );
    bench.world.clock.advance(2 * LAG);
    bench.quiet().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sweep_of_a_lagging_index_deletes_and_doubles_nothing() {
    let bench = Bench::equal().await;
    bench.world.ado.set_index_lag(LAG);
    let new = bench.add_story("Not in the index yet");
    bench.rename(bench.ids[1], "Neither is this");
    bench.world.ledger.clear();
    for _ in 0..2 {
        let ran = bench.run(&["reconcile", "--once", "--full"]).await;
        assert!([0, 3].contains(&ran.code), "{ran:?}");
    }
    let deleted = bench
        .world
        .ledger
        .writes()
        .into_iter()
        .filter(|entry| entry.method == "DELETE")
        .count();
    assert_eq!((deleted, bench.world.clickup.all_ids().len()), (0, 5));
    bench.world.clock.advance(2 * LAG);
    for _ in 0..2 {
        let ran = bench.run(&["reconcile", "--once", "--full"]).await;
        assert!([0, 3].contains(&ran.code), "{ran:?}");
    }
    bench
        .run(&["reconcile", "--once", "--full"])
        .await
        .left_with(0);
    let titles = bench.titles();
    assert_eq!(titles.len(), 6, "{titles:?}");
    assert!(bench.world.ado.item(new).is_some());
    for title in ["Not in the index yet", "Neither is this"] {
        assert!(titles.contains(&title.to_owned()), "{titles:?}");
    }
}
