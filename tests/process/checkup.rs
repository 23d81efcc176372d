//! `verify` and `doctor`: they look, say what they found, and change nothing.

use super::bench::Bench;
use boardsync::model::Side;
use boardsync::sandbox::faults::Fault;
use boardsync::sandbox::world::LIST;
use serde_json::{Value, json};

/// Kinds of the open differences of the one pair, sorted.
fn kinds(report: &Value) -> Vec<String> {
    let mut kinds: Vec<String> = report["pairs"][0]["differences"]
        .as_array()
        .unwrap()
        .iter()
        .map(|difference| difference["kind"].as_str().unwrap().to_owned())
        .collect();
    kinds.sort();
    kinds
}

#[tokio::test(flavor = "multi_thread")]
async fn a_verification_of_equal_sides_finds_nothing_and_changes_nothing() {
    let bench = Bench::equal().await;
    let before = bench.files();
    bench
        .run(&["verify"])
        .await
        .left_with(0)
        .says("5 linked pairs compared, no differences");
    assert_eq!(bench.world.ledger.writes(), []);
    assert_eq!(bench.files(), before);
    bench
        .run(&["verify", "--pair", "nope"])
        .await
        .left_with(64)
        .says("nope");
}

#[tokio::test(flavor = "multi_thread")]
async fn every_difference_is_named_with_its_reason() {
    let bench = Bench::contested(&json!({ "name": "Theirs" })).await;
    bench.rename(bench.ids[1], "Pending in ADO");
    bench.add_story("Without a counterpart");
    bench.world.ado.delete(bench.ids[2]);
    bench
        .world
        .clickup
        .move_to_list(&bench.task_named(&title(&bench, 4)), "901100000002")
        .unwrap();
    bench.world.ledger.clear();
    let before = bench.files();
    let report = bench.run(&["verify", "--json"]).await.left_with(3).json();
    assert_eq!(
        kinds(&report),
        ["conflict", "missing", "out_of_scope", "pending", "unlinked"],
        "{report:#}"
    );
    assert_eq!(report["open"], 5);
    bench
        .run(&["verify"])
        .await
        .left_with(3)
        .says("Pending in ADO")
        .says("the next cycle writes to ClickUp")
        .says("config.toml conflicts")
        .says("the next cycle creates")
        .says("since 20");
    assert_eq!(bench.world.ledger.writes(), []);
    assert_eq!(bench.files(), before);
}

fn title(bench: &Bench, index: usize) -> String {
    let item = bench.world.ado.item(bench.ids[index]).unwrap();
    item.fields["System.Title"].as_str().unwrap().to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_difference_that_the_configuration_wants_is_told_but_is_no_drift() {
    let bench = Bench::new().await;
    bench.replace_config(
        "name = \"web\"",
        "name = \"web\"\nfield = [{ clickup = \"priority\", ado = \"Microsoft.VSTS.Common.Priority\", direction = \"to_clickup\" }]",
    );
    bench
        .run(&["reconcile", "--once", "--yes"])
        .await
        .left_with(0);
    let task = bench.task_named("Validate postcodes");
    bench
        .world
        .clickup
        .edit(&task, &json!({ "priority": 1 }))
        .unwrap();
    bench.run(&["reconcile", "--once"]).await.left_with(0);
    bench
        .run(&["verify"])
        .await
        .left_with(0)
        .says("by rule")
        .says("not written to ADO");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_verification_says_when_a_service_cannot_be_read() {
    let bench = Bench::equal().await;
    bench.fault(Side::ClickUp, None, "", Fault::TokenRevoked, u32::MAX);
    bench.run(&["verify"]).await.left_with(77).says("token");
    bench.run(&["doctor"]).await.left_with(77).says("token");
}

/// The findings of a check that are not ok.
fn bad(report: &Value, check: &str) -> Vec<String> {
    report["findings"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|finding| finding["check"] == check && finding["level"] != "ok")
        .map(|finding| finding["found"].as_str().unwrap().to_owned())
        .collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_healthy_state_is_told_so_and_left_alone() {
    let bench = Bench::equal().await;
    let before = bench.files();
    bench.run(&["doctor"]).await.left_with(0).says("key file");
    let mut ran = bench.run(&["doctor", "--json"]).await.left_with(0);
    let migrations = concat!(env!("CARGO_MANIFEST_DIR"), "/migrations");
    let newest = std::fs::read_dir(migrations).unwrap().count();
    for text in [
        "is sound",
        &format!("version {newest}"),
        "owner only",
        "5 links carry our marker",
        "scope and mapping as approved",
        "MiB free",
    ] {
        ran = ran.says(text);
    }
    assert_eq!(bench.files(), before);
    assert_eq!(bench.world.ledger.writes(), []);
    bench.world.ledger.clear();
    bench.run(&["doctor", "--offline"]).await.left_with(0);
    assert_eq!(bench.world.ledger.count(), 0);
}

#[cfg(unix)]
#[tokio::test(flavor = "multi_thread")]
async fn open_files_a_lost_key_a_changed_mapping_and_old_rows_are_found() {
    use std::os::unix::fs::PermissionsExt;
    let bench = Bench::equal().await;
    let database = bench.folder.path().join("boardsync.db");
    std::fs::set_permissions(&database, std::fs::Permissions::from_mode(0o644)).unwrap();
    let key = bench.folder.path().join("boardsync.db.key");
    std::fs::write(&key, "00".repeat(32)).unwrap();
    let report = bench.run(&["doctor", "--json"]).await.left_with(3).json();
    assert!(bad(&report, "file modes")[0].contains("0644"));
    assert!(bad(&report, "markers")[0].contains("5 links have a marker"));
    assert!(bad(&report, "right key")[0].starts_with("not the one"));
    bench
        .run(&["reconcile", "--once"])
        .await
        .left_with(0)
        .says("not the one that this database was first used with");

    std::fs::remove_file(&key).unwrap();
    bench.replace_config("[\"New\", \"to do\"]", "[\"New\", \"in progress\"]");
    rusqlite::Connection::open(&database)
        .unwrap()
        .execute_batch(
            "INSERT INTO intent VALUES ('web', 'create', 'ado', '77', 'item', 'm', 'h', 1, 1, NULL, 1, '{}', 0);
             INSERT INTO hold (pair, reason, since, tries) VALUES ('web', 'old', 1, 0);
             UPDATE link SET pair = 'gone' WHERE id = (SELECT min(id) FROM link);
             PRAGMA foreign_keys = OFF;
             INSERT INTO base VALUES (999, 'title', 'x', 'x', 'shown', 'shown')",
        )
        .unwrap();
    let report = bench
        .run(&["doctor", "--offline", "--json"])
        .await
        .left_with(3)
        .json();
    for check in [
        "database", "key file", "approval", "creates", "holds", "strays",
    ] {
        assert_eq!(bad(&report, check).len(), 1, "{check}: {report:#}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_damaged_database_is_told_with_what_to_do() {
    let bench = Bench::equal().await;
    let path = bench.folder.path().join("boardsync.db");
    let size = std::fs::metadata(&path).unwrap().len();
    std::fs::write(&path, vec![7; usize::try_from(size).unwrap()]).unwrap();
    let report = bench.run(&["doctor", "--json"]).await.left_with(3).json();
    let finding = &report["findings"][0];
    assert_eq!(finding["level"], "fail");
    assert!(
        finding["advice"]
            .as_str()
            .unwrap()
            .contains("restore a backup")
    );
    // Its items still say who belongs to whom.
    assert_eq!(report["would_relink"].as_array().unwrap().len(), 5);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lost_database_is_rebuilt_from_the_markers() {
    let bench = Bench::equal().await;
    for name in ["boardsync.db", "boardsync.db-wal", "boardsync.db-shm"] {
        let _ = std::fs::remove_file(bench.folder.path().join(name));
    }
    let ran = bench.run(&["doctor", "--json"]).await.left_with(3);
    let report = ran.json();
    assert!(
        bad(&report, "lost database")[0].contains("5 pairs of items belong together by our marker")
    );
    assert_eq!(report["would_relink"].as_array().unwrap().len(), 5);
    assert_eq!(bench.world.ledger.writes(), []);
    // It says what comes true.
    let plan = bench.run(&["plan", "--json"]).await.left_with(0).json();
    let actions = plan["pairs"][0]["actions"].as_array().unwrap();
    assert_eq!(actions.len(), 5);
    assert!(actions.iter().all(|action| action["kind"] == "link"));
    assert!(
        actions
            .iter()
            .all(|action| action["code"] == "carries_marker")
    );
    bench
        .run(&["reconcile", "--once", "--yes"])
        .await
        .left_with(0);
    bench.run(&["reconcile", "--once"]).await.left_with(0);
    assert_eq!(bench.titles().len(), 5);
    bench.run(&["doctor"]).await.left_with(0);
    bench.run(&["verify"]).await.left_with(0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_priority_that_azure_devops_fills_in_is_no_open_difference() {
    let bench = Bench::equal().await;
    let clickup = &bench.world.clickup;
    let task = clickup
        .create_task(LIST, &json!({ "name": "Without a priority" }))
        .unwrap();
    bench.run(&["reconcile", "--once"]).await.left_with(0);
    bench.quiet().await;
    bench.run(&["verify"]).await.left_with(0);
    assert!(clickup.task(&task).unwrap()["priority"].is_null());
    // Somebody sets one, and takes it away again.
    for (priority, name) in [(json!(1), "set"), (json!(null), "taken away")] {
        clickup
            .edit(&task, &json!({ "priority": priority }))
            .unwrap();
        bench.run(&["reconcile", "--once"]).await.left_with(0);
        bench.quiet().await;
        assert_eq!(
            clickup.task(&task).unwrap()["priority"].is_null(),
            priority.is_null(),
            "{name}"
        );
        bench.run(&["verify"]).await.left_with(0);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_item_that_carries_our_marker_after_its_link_was_dissolved_is_named() {
    let bench = Bench::equal().await;
    let doctor = bench.run(&["doctor"]).await;
    doctor.says("no item carries our marker without being linked");
    let id = bench.ids[3].to_string();
    bench.run(&["links", "remove", &id]).await.left_with(0);
    let doctor = bench.run(&["doctor"]).await;
    doctor.says("carries our marker although the link was dissolved");
    let doctor = bench.run(&["doctor", "--json"]).await;
    doctor.says("boardsync links add");
}
