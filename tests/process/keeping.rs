//! What is kept: backups, copies before large plans, the journal.

use super::bench::{Bench, Ran};
use boardsync::sandbox::{seed, world::PROJECT};
use serde_json::json;
use std::time::{Duration, Instant};

#[cfg(unix)]
fn mode(path: &std::path::Path) -> u32 {
    use std::os::unix::fs::PermissionsExt;
    std::fs::metadata(path).unwrap().permissions().mode() & 0o777
}

#[tokio::test(flavor = "multi_thread")]
async fn a_backup_is_made_beside_a_running_daemon_and_is_never_overwritten_by_chance() {
    let bench = Bench::equal().await;
    let mut daemon = bench.daemon();
    let start = Instant::now();
    loop {
        let ran = bench.run(&["reconcile", "--once"]).await;
        if ran.code == 75 {
            break;
        }
        // Whoever comes second leaves, and that may have been the daemon.
        if daemon.try_wait().unwrap().is_some() {
            daemon = bench.daemon();
        }
        tokio::time::sleep(Duration::from_millis(300)).await;
        assert!(start.elapsed() < Duration::from_secs(20), "{ran:?}");
    }
    let backed: Ran = bench.run(&["backup", "copy.db", "--json"]).await;
    let write = bench.run(&["undo", "c1", "--yes"]).await;
    let look = bench.run(&["undo", "c1", "--dry-run"]).await;
    let runs = bench.run(&["undo"]).await;
    daemon.kill().unwrap();
    daemon.wait().unwrap();
    write.left_with(75);
    look.left_with(64).says("c1 is neither a run");
    runs.left_with(0).says("cycle");
    let backed = backed.left_with(0).json();
    assert_eq!(backed["links"], 5);
    let folder = bench.folder.path();
    #[cfg(unix)]
    for name in ["copy.db", "copy.db.key"] {
        assert_eq!(mode(&folder.join(name)), 0o600, "{name}");
    }
    let key = |name: &str| std::fs::read(folder.join(name)).unwrap();
    assert_eq!(key("copy.db.key"), key("boardsync.db.key"));

    let before = bench.files();
    bench
        .run(&["backup", "copy.db"])
        .await
        .left_with(64)
        .says("--force");
    bench
        .run(&["backup", "boardsync.db", "--force"])
        .await
        .left_with(64)
        .says("the state itself");
    assert_eq!(bench.files()["copy.db"], before["copy.db"]);
    bench
        .run(&["backup", "copy.db", "--force"])
        .await
        .left_with(0)
        .says("copy.db.key");

    // The copy takes the state's place. What was agreed before its time is not trusted: an edit made since must not be
    // taken for the older value, so what differs waits for a person and what is equal is agreed again.
    bench.rename(bench.ids[1], "Edited after the copy");
    for name in ["boardsync.db", "boardsync.db-wal", "boardsync.db-shm"] {
        let _ = std::fs::remove_file(folder.join(name));
    }
    std::fs::remove_file(folder.join("boardsync.db.key")).unwrap();
    std::fs::rename(folder.join("copy.db"), folder.join("boardsync.db")).unwrap();
    std::fs::rename(folder.join("copy.db.key"), folder.join("boardsync.db.key")).unwrap();
    bench
        .run(&["doctor"])
        .await
        .left_with(3)
        .says("restored from a backup");
    bench.world.ledger.clear();
    bench.run(&["reconcile", "--once"]).await.left_with(4);
    bench
        .run(&["reconcile", "--once", "--yes"])
        .await
        .left_with(3);
    bench
        .run(&["conflicts"])
        .await
        .left_with(0)
        .says("1 open")
        .says("Edited after the copy");
    bench.open_and_quiet().await;
    bench.run(&["doctor"]).await.left_with(0);
    bench.rename(bench.ids[2], "Synced as ever");
    bench.run(&["reconcile", "--once"]).await.left_with(3);
    bench.task_named("Synced as ever");
}

fn copies(bench: &Bench) -> Vec<String> {
    let mut names: Vec<String> = bench.files().into_keys().collect();
    names.retain(|name| name.contains(".backup-"));
    names
}

#[tokio::test(flavor = "multi_thread")]
async fn a_large_plan_is_preceded_by_a_copy_and_not_carried_out_without_one() {
    let bench = Bench::new().await;
    seed::ado_tasks(&bench.world.ado, PROJECT, 30).unwrap();
    let long = format!("{}.db", "b".repeat(237));
    bench.replace_config("boardsync.db", &long);
    bench
        .run(&["reconcile", "--once", "--yes"])
        .await
        .left_with(1)
        .says("nothing was written")
        .says("backed up");
    assert_eq!(bench.world.ledger.writes(), []);
    bench.replace_config(&long, "boardsync.db");
    bench
        .run(&["reconcile", "--once", "--yes"])
        .await
        .left_with(0);
    let found = copies(&bench);
    assert_eq!(found.len(), 1, "{found:?}");
    #[cfg(unix)]
    assert_eq!(mode(&bench.folder.path().join(&found[0])), 0o600);
    bench.rename(bench.ids[1], "A small plan");
    bench.run(&["reconcile", "--once"]).await.left_with(0);
    assert_eq!(copies(&bench), found);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_journal_is_kept_for_as_long_as_configured_and_open_conflicts_for_ever() {
    let bench = Bench::contested(&json!({ "name": "Theirs" })).await;
    bench.replace_config(
        "path = \"boardsync.db\"",
        "path = \"boardsync.db\"\njournal_days = 10",
    );
    let age = |days: i64| {
        let state = rusqlite::Connection::open(bench.folder.path().join("boardsync.db")).unwrap();
        let ms = days * 24 * 3_600_000;
        state
            .execute_batch(&format!(
                "UPDATE journal SET at = at - {ms}; UPDATE cycle SET started_at = started_at - {ms};
                 UPDATE conflict SET at = at - {ms}, resolved_at = resolved_at - {ms}; UPDATE installation SET pruned_at = NULL"
            ))
            .unwrap();
    };
    let creates = |ran: Ran| ran.left_with(0).out.matches("created ").count();
    age(9);
    bench.run(&["reconcile", "--once"]).await.left_with(3);
    assert_eq!(creates(bench.run(&["history", "4"]).await), 1);
    age(2);
    bench.run(&["reconcile", "--once"]).await.left_with(3);
    assert_eq!(creates(bench.run(&["history", "4"]).await), 0);
    bench
        .run(&["conflicts", "list"])
        .await
        .left_with(0)
        .says("1 open");
    bench
        .run(&["conflicts", "resolve", "1", "--take", "ado"])
        .await
        .left_with(0);
    bench.run(&["reconcile", "--once"]).await.left_with(0);
    age(80);
    bench.run(&["reconcile", "--once"]).await.left_with(0);
    bench
        .run(&["conflicts", "list"])
        .await
        .left_with(0)
        .says("1 settled");
    age(20);
    bench.run(&["reconcile", "--once"]).await.left_with(0);
    bench
        .run(&["conflicts", "list"])
        .await
        .left_with(0)
        .says("no conflicts");
    bench.quiet().await;
}
