//! `reconcile`: consent, guards, and the daemon.

use super::bench::Bench;
use boardsync::sandbox::{seed, world::PROJECT};
use std::time::{Duration, Instant};

#[tokio::test(flavor = "multi_thread")]
async fn the_first_contact_waits_for_a_yes() {
    let bench = Bench::new().await;
    bench
        .run(&["reconcile", "--once"])
        .await
        .left_with(4)
        .says("--yes");
    assert_eq!(bench.world.ledger.writes(), []);
    bench
        .run(&["reconcile", "--once", "--yes"])
        .await
        .left_with(0);
    assert_eq!(bench.titles().len(), 5);
    bench.quiet().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn quiet_says_on_stderr_in_one_line_why_the_exit_code_is_not_0() {
    let bench = Bench::new().await;
    bench
        .run(&["reconcile", "--once", "--yes"])
        .await
        .left_with(0);
    // A state that stands in no row is held.
    let removed = [("System.State", serde_json::json!("Removed"))];
    bench
        .world
        .ado
        .edit(bench.ids[3], &removed, "ada@contoso.example")
        .unwrap();
    bench
        .run(&["reconcile", "--once"])
        .await
        .left_with(3)
        .says("1 item or field is held; `boardsync --config ")
        .says(" status` says what and why");
    let quiet = bench
        .run(&["--quiet", "reconcile", "--once"])
        .await
        .left_with(3);
    assert!(
        quiet.err.starts_with("1 item or field is held; "),
        "{}",
        quiet.err
    );
    assert_eq!(quiet.err.lines().count(), 1, "{}", quiet.err);
    for args in [
        &["--quiet", "check"][..],
        &["--quiet", "plan", "--out", "p"],
    ] {
        assert_eq!(bench.run(args).await.left_with(0).err, "");
    }
    std::fs::remove_file(&bench.config).unwrap();
    bench
        .run(&["--quiet", "reconcile", "--once"])
        .await
        .left_with(78)
        .says("error: ");
}

/// Cron mails stderr, and its line sends stdout nowhere.
#[tokio::test(flavor = "multi_thread")]
async fn a_plan_that_waits_for_a_yes_is_told_on_stderr_also_when_quiet() {
    let bench = Bench::new().await;
    for _ in 0..2 {
        let ran = bench.run(&["--quiet", "reconcile", "--once"]).await;
        let ran = ran.left_with(4);
        assert!(
            ran.err.starts_with("stopped: pair \"web\": "),
            "{}",
            ran.err
        );
        assert!(ran.err.contains("waits for a yes"), "{}", ran.err);
        assert!(ran.err.contains(" apply` carries it out"), "{}", ran.err);
        assert_eq!(ran.err.lines().count(), 1, "{}", ran.err);
    }
    bench
        .run(&["reconcile", "--once", "--yes"])
        .await
        .left_with(0);
    let guard = "[guard]\nmax_updates = 1\nupdates_percent = 1\n\n[[pair]]";
    bench.replace_config("[[pair]]", guard);
    for id in &bench.ids[1..4] {
        bench.rename(*id, &format!("Renamed {id}"));
    }
    let ran = bench
        .run(&["--quiet", "reconcile", "--once"])
        .await
        .left_with(4);
    assert!(ran.err.contains("stopped by a guard"), "{}", ran.err);
    assert_eq!(ran.err.lines().count(), 1, "{}", ran.err);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_open_conflict_is_told_by_every_cycle_until_it_is_settled() {
    let bench = Bench::contested(&serde_json::json!({ "name": "Theirs" })).await;
    for args in [
        &["reconcile", "--once"][..],
        &["reconcile", "--once", "--full"],
    ] {
        bench
            .run(args)
            .await
            .left_with(3)
            .says("1 conflict is open");
    }
    let quiet = bench.run(&["--quiet", "reconcile", "--once"]).await;
    let quiet = quiet.left_with(3);
    assert_eq!(quiet.err.lines().count(), 1, "{}", quiet.err);
    assert!(quiet.err.contains("1 conflict is open"), "{}", quiet.err);
    bench
        .run(&["conflicts", "resolve", "1", "--take", "ado"])
        .await
        .left_with(0);
    bench.run(&["reconcile", "--once"]).await.left_with(0);
    bench.quiet().await;
}

/// Returns what stands behind `--approve` in the output.
pub fn hash_in(text: &str) -> String {
    let (_, rest) = text.split_once("--approve ").expect(text);
    rest.split_whitespace().next().unwrap().to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn sixty_updates_at_once_need_the_hash_of_exactly_that_plan() {
    let bench = Bench::new().await;
    bench.replace_config(
        "[[pair]]",
        "[guard]\nmax_updates = 10\nupdates_percent = 10\nmax_creates = 100\n\n[[pair]]",
    );
    let ids = seed::ado_tasks(&bench.world.ado, PROJECT, 30).unwrap();
    bench
        .run(&["reconcile", "--once", "--yes"])
        .await
        .left_with(0);
    bench.run(&["reconcile", "--once"]).await.left_with(0);
    for id in &ids {
        bench.rename(*id, &format!("Renamed {id}"));
    }
    bench.world.ledger.clear();
    let ran = bench
        .run(&["reconcile", "--once", "--yes"])
        .await
        .left_with(4);
    assert_eq!(bench.world.ledger.writes(), [], "--yes is no approval");
    bench
        .run(&["reconcile", "--once", "--approve", "0000"])
        .await
        .left_with(4);
    assert_eq!(bench.world.ledger.writes(), []);
    bench
        .run(&["reconcile", "--once", "--approve", &hash_in(&ran.out)])
        .await
        .left_with(0);
    let renamed = bench
        .titles()
        .iter()
        .filter(|title| title.starts_with("Renamed "))
        .count();
    assert_eq!(renamed, 30);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_daemon_runs_cycles_and_leaves_cleanly_when_told() {
    let bench = Bench::equal().await;
    bench.replace_config("[[pair]]", "[schedule]\npoll = \"5s\"\n\n[[pair]]");
    bench.rename(bench.ids[1], "Seen by the daemon");
    let mut child = bench.daemon();
    bench
        .until(|bench| bench.titles().contains(&"Seen by the daemon".to_owned()))
        .await;
    let told = std::process::Command::new("kill")
        .arg(child.id().to_string())
        .status()
        .unwrap();
    assert!(told.success());
    let start = Instant::now();
    let left = loop {
        if let Some(left) = child.try_wait().unwrap() {
            break left;
        }
        if start.elapsed() > Duration::from_secs(10) {
            child.kill().unwrap();
            panic!("the daemon did not end");
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    };
    assert_eq!(left.code(), Some(0));
    bench.run(&["reconcile", "--once"]).await.left_with(0);
}
