//! The rails as a person meets them: exit codes, what is said, what `status` shows.

use super::bench::{Bench, status};
use boardsync::model::Side;
use boardsync::sandbox::faults::Fault;
use serde_json::json;
use std::time::Duration;

const ALWAYS: u32 = u32::MAX;

#[tokio::test(flavor = "multi_thread")]
async fn the_stop_file_is_loud_and_its_removal_is_all_it_takes() {
    let bench = Bench::equal().await;
    bench.rename(bench.ids[1], "Edited");
    let file = bench.folder.path().join("boardsync.db.stop");
    std::fs::write(&file, "").unwrap();
    bench
        .run(&["reconcile", "--once"])
        .await
        .left_with(4)
        .says("boardsync.db.stop");
    assert_eq!(bench.world.ledger.writes(), []);
    bench
        .run(&["status"])
        .await
        .left_with(3)
        .says("boardsync.db.stop")
        .says("remove it");
    std::fs::remove_file(&file).unwrap();
    // Nobody has to do anything any more, and no cycle has told the database so yet.
    let status = bench.run(&["status"]).await.left_with(5);
    assert!(!status.out.contains("remove it"), "{}", status.out);
    status.says("which is gone: the next cycle goes on");
    bench.run(&["reconcile", "--once"]).await.left_with(0);
    assert!(bench.titles().contains(&"Edited".to_owned()));
    bench.run(&["status"]).await.left_with(0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_that_stands_still_names_what_is_open_as_a_plan_of_the_same_moment_does() {
    let bench = Bench::contested(&json!({ "name": "Theirs" })).await;
    std::fs::write(bench.folder.path().join("boardsync.db.stop"), "").unwrap();
    for (args, code) in [(&["plan"][..], 0), (&["reconcile", "--once"], 4)] {
        let ran = bench.run(args).await.left_with(code);
        ran.says("1 open conflict")
            .says("config.toml conflicts show 1");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn read_only_shows_the_plan_and_changes_nothing() {
    let bench = Bench::equal().await;
    bench.rename(bench.ids[1], "Edited");
    bench.run(&["plan", "--out", "p"]).await.left_with(0);
    let before = bench.files();
    bench
        .run(&["reconcile", "--once", "--read-only"])
        .await
        .left_with(0)
        .says("Edited")
        .says("read-only");
    assert_eq!(bench.files(), before);
    bench.replace_config(
        "[[pair]]",
        "[guard]\nread_only = true\n\n[schedule]\npoll = \"5s\"\n\n[[pair]]",
    );
    let before = bench.files();
    bench
        .run(&["reconcile", "--once"])
        .await
        .left_with(0)
        .says("read-only");
    bench
        .run(&["apply", "p"])
        .await
        .left_with(4)
        .says("read_only");
    bench
        .run(&["links", "takeover", "web"])
        .await
        .left_with(4)
        .says("read_only");
    bench.run(&["status"]).await.left_with(3).says("read_only");
    // The daemon too.
    bench.world.ledger.clear();
    let mut child = bench.daemon();
    bench.until(|bench| bench.world.ledger.count() >= 4).await;
    tokio::time::sleep(Duration::from_secs(1)).await;
    child.kill().unwrap();
    child.wait().unwrap();
    assert_eq!(bench.world.ledger.writes(), []);
    assert_eq!(bench.files(), before);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_daemon_with_a_revoked_token_asks_seldom_and_a_person_at_any_time() {
    let bench = Bench::equal().await;
    bench.replace_config("[[pair]]", "[schedule]\npoll = \"5s\"\n\n[[pair]]");
    bench.fault(Side::ClickUp, None, "", Fault::TokenRevoked, ALWAYS);
    let mut child = bench.daemon();
    bench.until(|bench| bench.world.ledger.count() > 0).await;
    tokio::time::sleep(Duration::from_secs(1)).await;
    let first = bench.world.ledger.count();
    tokio::time::sleep(Duration::from_secs(11)).await;
    assert_eq!(
        bench.world.ledger.count(),
        first,
        "two polls came and asked nothing"
    );
    let status = bench.run(&["status"]).await.left_with(3);
    status
        .says("left alone by a running daemon")
        .says("tried again at")
        .says("or at once when its token is replaced or boardsync is started again");
    child.kill().unwrap();
    child.wait().unwrap();
    let status = bench.run(&["status"]).await.left_with(3);
    let status = status.says("whatever is started next asks it again at once");
    assert!(!status.out.contains("running daemon"), "{}", status.out);
    bench.run(&["reconcile", "--once"]).await.left_with(77);
    bench.world.faults.clear();
    bench.run(&["reconcile", "--once"]).await.left_with(0);
    bench.run(&["status"]).await.left_with(0).says("ok");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_restored_backup_is_named_and_creates_nothing_for_a_while() {
    let bench = Bench::equal().await;
    let database = bench.folder.path().join("boardsync.db");
    let copy = std::fs::read(&database).unwrap();
    bench.rename(bench.ids[1], "Edited");
    bench.run(&["reconcile", "--once"]).await.left_with(0);
    for suffix in ["-wal", "-shm"] {
        let _ = std::fs::remove_file(bench.folder.path().join(format!("boardsync.db{suffix}")));
    }
    std::fs::write(&database, copy).unwrap();
    bench.add_story("Not yet");
    bench.world.ledger.clear();
    let before = bench.files();
    // No cycle has noted it yet, so a time would be another one with each command.
    let plan = bench.run(&["plan"]).await.left_with(0);
    let plan = plan.says("nothing is created for 5m after the next cycle begins");
    let again = bench.run(&["plan"]).await.left_with(0);
    assert_eq!(plan.out, again.out);
    bench.run(&["status"]).await.left_with(5).says("restored");
    assert_eq!(bench.files(), before);
    for _ in 0..3 {
        // Each a process of its own, as cron starts them.
        bench.run(&["reconcile", "--once"]).await.left_with(3);
    }
    assert_eq!(bench.world.ledger.writes(), []);
    bench
        .run(&["status"])
        .await
        .left_with(5)
        .says("nothing is created before");
    bench.replace_config("[[pair]]", "[schedule]\nquiet_time = \"1s\"\n\n[[pair]]");
    // The services tell their time in whole seconds.
    tokio::time::sleep(Duration::from_millis(2500)).await;
    bench
        .run(&["reconcile", "--once", "--full"])
        .await
        .left_with(0);
    assert!(bench.titles().contains(&"Not yet".to_owned()));
    assert_eq!(bench.titles().len(), 6);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_quarantined_item_is_named_and_tried_again_when_a_person_says_so() {
    let bench = Bench::equal().await;
    bench.add_story("Poison");
    let refusal = status(400, &[]);
    bench.fault(Side::ClickUp, Some("POST"), "/task", refusal, ALWAYS);
    for _ in 0..4 {
        bench.run(&["reconcile", "--once"]).await.left_with(3);
    }
    assert_eq!(bench.world.ledger.writes().len(), 2);
    bench
        .run(&["status"])
        .await
        .left_with(3)
        .says("no longer tried")
        .says("--retry");
    bench.world.faults.clear();
    bench.run(&["reconcile", "--once"]).await.left_with(3);
    assert!(!bench.titles().contains(&"Poison".to_owned()));
    bench
        .run(&["reconcile", "--once", "--retry"])
        .await
        .left_with(0);
    assert!(bench.titles().contains(&"Poison".to_owned()));
    bench.run(&["status"]).await.left_with(0);
}
