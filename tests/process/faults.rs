//! Bad days at either service: nothing is lost, deleted or made twice.

use super::bench::{Bench, status};
use boardsync::model::{Service, Side};
use boardsync::sandbox::faults::Fault;

const ALWAYS: u32 = u32::MAX;

/// Fails unless both boards are as they were and every link is active.
async fn untouched(bench: &Bench) {
    assert_eq!(bench.world.ledger.writes(), []);
    bench.world.faults.clear();
    let links = bench
        .run(&["links", "list", "--json"])
        .await
        .left_with(0)
        .json();
    let links = links["links"].as_array().unwrap().clone();
    assert_eq!(links.len(), 5);
    assert!(
        links.iter().all(|link| link["state"] == "active"),
        "{links:?}"
    );
    assert_eq!(bench.titles().len(), 5);
    assert_eq!(bench.world.ado.all_ids().len(), 6);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_expired_azure_devops_token_is_named_and_nothing_is_touched() {
    let bench = Bench::equal().await;
    bench.rename(bench.ids[1], "Edited");
    bench.fault(Side::Ado, None, "", Fault::SignInPage, ALWAYS);
    for args in [
        &["reconcile", "--once"][..],
        &["reconcile", "--once", "--full"],
        &["plan"],
    ] {
        bench
            .run(args)
            .await
            .left_with(77)
            .says("help:")
            .says("token");
    }
    untouched(&bench).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_revoked_clickup_token_is_named_and_nothing_is_touched() {
    let bench = Bench::equal().await;
    bench.rename(bench.ids[1], "Edited");
    bench.fault(Side::ClickUp, None, "", Fault::TokenRevoked, ALWAYS);
    bench
        .run(&["reconcile", "--once"])
        .await
        .left_with(77)
        .says("help:")
        .says("token");
    untouched(&bench).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn listings_without_rows_or_without_a_half_delete_nothing() {
    for fault in [Fault::EmptyListing, Fault::MissingPage] {
        for side in Side::BOTH {
            let bench = Bench::equal().await;
            bench.fault(side, None, "", fault.clone(), ALWAYS);
            for _ in 0..3 {
                let ran = bench.run(&["reconcile", "--once", "--full"]).await;
                assert!(
                    [0, 3, 4, 69].contains(&ran.code),
                    "{fault:?} {side}: {ran:?}"
                );
            }
            // Items that a listing lacks may count as out of scope for that long; seeing them again heals it.
            bench.world.faults.clear();
            for _ in 0..2 {
                let ran = bench.run(&["reconcile", "--once", "--full"]).await;
                assert!([0, 3].contains(&ran.code), "{fault:?} {side}: {ran:?}");
            }
            untouched(&bench).await;
            bench
                .run(&["reconcile", "--once", "--full"])
                .await
                .left_with(0);
            assert_eq!(bench.world.ledger.writes(), [], "{fault:?} {side}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_throttled_request_is_waited_for() {
    for wait in ["0", "1"] {
        for side in Side::BOTH {
            let bench = Bench::equal().await;
            bench.rename(bench.ids[1], "Edited");
            bench.fault(side, None, "", status(429, &[("retry-after", wait)]), 1);
            bench.run(&["reconcile", "--once"]).await.left_with(0);
            assert!(
                bench.titles().contains(&"Edited".to_owned()),
                "{side} {wait}"
            );
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn broken_reads_are_repeated_or_end_the_cycle_without_harm() {
    for fault in [
        status(503, &[]),
        status(500, &[]),
        Fault::TruncateBody,
        Fault::DropBeforeApply,
    ] {
        for side in Side::BOTH {
            let bench = Bench::equal().await;
            bench.rename(bench.ids[1], "Edited");
            bench.fault(side, Some("GET"), "", fault.clone(), 2);
            let ran = bench.run(&["reconcile", "--once"]).await;
            assert!([0, 69].contains(&ran.code), "{fault:?} {side}: {ran:?}");
            bench.run(&["reconcile", "--once"]).await.left_with(0);
            assert!(
                bench.titles().contains(&"Edited".to_owned()),
                "{fault:?} {side}"
            );
            assert_eq!(bench.titles().len(), 5, "{fault:?} {side}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_create_whose_answer_was_lost_is_found_and_not_repeated() {
    let bench = Bench::equal().await;
    bench.add_story("Only one of me");
    bench.fault(
        Side::ClickUp,
        Some("POST"),
        "/task",
        Fault::DropAfterApply,
        1,
    );
    for _ in 0..4 {
        bench.run(&["reconcile", "--once"]).await;
    }
    bench
        .run(&["reconcile", "--once", "--full"])
        .await
        .left_with(0);
    let twins = bench
        .titles()
        .iter()
        .filter(|title| *title == "Only one of me")
        .count();
    assert_eq!(twins, 1);
    let links = bench.run(&["links", "--json"]).await.left_with(0).json();
    assert_eq!(links["links"].as_array().unwrap().len(), 6);
    bench
        .run(&["history", &bench.task_named("Only one of me")])
        .await
        .left_with(0)
        .says("its answer was lost; found by its marker");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_write_that_azure_devops_calls_stale_is_made_in_a_later_run() {
    let bench = Bench::equal().await;
    let task = bench.task_named("Validate postcodes");
    let rename = serde_json::json!({ "name": "Renamed in ClickUp" });
    bench.world.clickup.edit(&task, &rename).unwrap();
    bench.fault(Side::Ado, Some("PATCH"), "/workitems/", status(412, &[]), 1);
    let first = bench.run(&["reconcile", "--once"]).await;
    assert!([0, 3].contains(&first.code), "{first:?}");
    bench.run(&["reconcile", "--once"]).await.left_with(0);
    let item = bench.world.ado.item(bench.ids[3]).unwrap();
    assert_eq!(item.fields["System.Title"], "Renamed in ClickUp");
    assert_eq!(
        bench.world.clickup.task(&task).unwrap()["name"],
        "Renamed in ClickUp"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_older_than_what_was_seen_before_overwrites_nothing() {
    let bench = Bench::equal().await;
    let task = bench.task_named("Guest gets a receipt by mail");
    let old = bench.world.clickup.task(&task).unwrap().to_string();
    bench.rename(bench.ids[2], "Written by the program");
    bench.run(&["reconcile", "--once"]).await.left_with(0);
    let body = serde_json::json!({ "name": "Written by a person" });
    bench.world.clickup.edit(&task, &body).unwrap();
    bench.world.ledger.clear();
    let stale = Fault::Status {
        status: 200,
        body: old,
        content_type: "application/json".to_owned(),
        headers: Vec::new(),
    };
    bench.fault(
        Side::ClickUp,
        Some("GET"),
        &format!("/task/{task}"),
        stale,
        ALWAYS,
    );
    for _ in 0..2 {
        bench.run(&["reconcile", "--once"]).await.left_with(3);
    }
    assert_eq!(bench.world.ledger.writes(), []);
    bench.run(&["status"]).await.says("was seen before");
    bench.world.faults.clear();
    bench.run(&["reconcile", "--once"]).await.left_with(0);
    let item = bench.world.ado.item(bench.ids[2]).unwrap();
    assert_eq!(item.fields["System.Title"], "Written by a person");
}

/// Runs a cycle whose first overwrite ClickUp throttles for so many seconds, and returns how many it sent.
async fn overwrites_of_a_throttled_cycle(bench: &Bench, seconds: &str) -> usize {
    bench.world.ledger.clear();
    let answer = status(429, &[("retry-after", seconds)]);
    bench.fault(Side::ClickUp, Some("PUT"), "/task/", answer, 1);
    bench.run(&["reconcile", "--once"]).await.left_with(3);
    bench.world.ledger.writes().len()
}

#[tokio::test(flavor = "multi_thread")]
async fn an_edit_during_a_throttled_write_to_clickup_is_not_overwritten() {
    let bench = Bench::equal().await;
    let task = bench.task_named("Guest gets a receipt by mail");
    bench.rename(bench.ids[2], "Renamed in Azure DevOps");
    let puts = overwrites_of_a_throttled_cycle(&bench, "1").await;
    assert_eq!(puts, 1, "not sent again on the strength of an old read");
    let body = serde_json::json!({ "priority": 1 });
    bench.world.clickup.edit(&task, &body).unwrap();
    bench.run(&["reconcile", "--once"]).await.left_with(0);
    assert_eq!(bench.task_named("Renamed in Azure DevOps"), task);
    let fields = bench.world.ado.item(bench.ids[2]).unwrap().fields;
    assert_eq!(fields["Microsoft.VSTS.Common.Priority"], 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_overwrite_that_waited_for_a_429_of_another_is_read_again_first() {
    let bench = Bench::equal().await;
    bench.rename(bench.ids[1], "One");
    bench.rename(bench.ids[2], "Two");
    let puts = overwrites_of_a_throttled_cycle(&bench, "3").await;
    assert_eq!(puts, 2, "the refused one waits for the next cycle");
    let entries = bench.world.ledger.entries();
    let mut tasks = entries
        .iter()
        .rev()
        .filter(|e| e.service == Service::ClickUp);
    // What the answer to the overwrite left out is read behind it.
    let put = tasks.find(|entry| entry.method == "PUT").unwrap();
    let read = tasks.next().unwrap();
    assert_eq!(read.method, "GET");
    assert!(read.path.starts_with(&put.path), "{put:?} after {read:?}");
    bench.run(&["reconcile", "--once"]).await.left_with(0);
    let titles = bench.titles();
    assert!(
        titles.contains(&"One".to_owned()) && titles.contains(&"Two".to_owned()),
        "{titles:?}"
    );
}
