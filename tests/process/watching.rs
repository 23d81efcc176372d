//! A daemon that runs, as others see it: `status` beside it, and commands that need the state for themselves.

use super::bench::Bench;
use boardsync::clock::SystemClock;
use boardsync::model::{Clock, Side};
use boardsync::store::StateLock;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

/// A daemon that ends with the test.
struct Daemon(Child);

impl Daemon {
    /// Starts one, with its log in a file, and waits for its first cycle.
    async fn of(bench: &Bench) -> Daemon {
        bench.world.ledger.clear();
        let log = std::fs::File::create(bench.folder.path().join("daemon.log")).unwrap();
        let child = bench
            .command(&["reconcile"])
            .stdout(Stdio::null())
            .stderr(log)
            .spawn()
            .unwrap();
        let daemon = Daemon(child);
        bench.until(|bench| bench.world.ledger.count() > 0).await;
        daemon
    }

    fn signal(&self, name: &str) {
        let pid = self.0.id().to_string();
        assert!(
            Command::new("kill")
                .args([name, &pid])
                .status()
                .unwrap()
                .success()
        );
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn state(bench: &Bench) -> PathBuf {
    bench.folder.path().join("boardsync.db")
}

#[tokio::test(flavor = "multi_thread")]
async fn after_a_list_that_failed_status_names_the_next_look_of_the_daemon() {
    let bench = Bench::equal().await;
    let quiet = bench.run(&["status", "--json"]).await.json();
    assert!(quiet["pairs"][0]["next_look"].is_null(), "{quiet}");
    let refused = super::bench::status(403, &[]);
    bench.fault(Side::ClickUp, Some("GET"), "/list/", refused, 1_000);
    let _daemon = Daemon::of(&bench).await;
    for _ in 0..200 {
        let json = bench.run(&["status", "--json"]).await.json();
        if json["pairs"][0]["next_look"].is_string() {
            break;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    let status = bench.run(&["status"]).await.left_with(3);
    status
        .says("web: a running daemon looks at it again at")
        .says("or at once when it is started again");
}

/// "By the next cycle" would be a quarter of an hour too early.
#[tokio::test(flavor = "multi_thread")]
async fn a_hold_of_a_pair_that_a_guard_stops_is_tried_when_the_daemon_looks_at_the_pair_again() {
    let bench = Bench::equal().await;
    let task = bench.task_named("Validate postcodes");
    bench.world.clickup.delete(&task).unwrap();
    bench.run(&["reconcile", "--once", "--full"]).await;
    bench.replace_config(
        "[[pair]]",
        "[guard]\nmax_updates = 1\nupdates_percent = 1\n\n[[pair]]",
    );
    for id in &bench.ids[0..3] {
        bench.rename(*id, &format!("Renamed {id}"));
    }
    let _daemon = Daemon::of(&bench).await;
    for _ in 0..200 {
        let json = bench.run(&["status", "--json"]).await.json();
        if json["pairs"][0]["next_look"].is_string() {
            break;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    let status = bench.run(&["status"]).await.left_with(3).out;
    let words: Vec<&str> = status.split_whitespace().collect();
    let words = words.join(" ");
    let after = |text: &str| {
        let (_, rest) = words.split_once(text).expect(text);
        rest.split([',', ')']).next().unwrap().to_owned()
    };
    let next = after("a running daemon looks at it again at ");
    assert_eq!(after("next try "), next, "{status}");
}

#[tokio::test(flavor = "multi_thread")]
async fn after_a_refused_token_status_says_that_the_next_try_is_whatever_is_started_next() {
    let bench = Bench::equal().await;
    bench.world.clickup.set_token("another");
    bench.run(&["reconcile", "--once"]).await.left_with(77);
    let status = bench.run(&["status"]).await.left_with(3);
    // No daemon runs that would wait, so nothing is to be brought forward.
    let status = status.says("whatever is started next asks it again at once");
    // Neither is a pair "ok" of which no cycle reads a side.
    status.says("stands still until ClickUp lets a cycle in again");
    let json = bench.run(&["status", "--json"]).await.json();
    let pair = &json["pairs"][0];
    assert_eq!(
        pair["note"],
        "stands still until ClickUp lets a cycle in again"
    );
    assert_eq!(pair["need"], "somebody");
}

/// A stopped process takes no signal before it goes on.
#[tokio::test(flavor = "multi_thread")]
async fn a_suspended_daemon_on_a_replaced_database_is_told_to_go_on_so_that_it_can_end() {
    let bench = Bench::equal().await;
    let daemon = Daemon::of(&bench).await;
    bench.run(&["backup", "copy.db"]).await.left_with(0);
    daemon.signal("-STOP");
    let copy = bench.folder.path().join("copy.db");
    std::fs::rename(copy, state(&bench)).unwrap();
    let pid = daemon.0.id();
    let mut status = bench.run(&["status"]).await;
    for _ in 0..50 {
        if status.err.contains("kill -CONT") {
            break;
        }
        status = bench.run(&["status"]).await;
    }
    // The file that is there now cannot even be read beside the other one's log.
    let said = status.left_with(3).err;
    let said: Vec<&str> = said.split_whitespace().collect();
    let stop = format!("kill {pid}; kill -CONT {pid}");
    assert!(said.join(" ").contains(&stop), "{said:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_daemon_that_is_suspended_is_told_and_late() {
    let bench = Bench::equal().await;
    let daemon = Daemon::of(&bench).await;
    daemon.signal("-STOP");
    // Every thread of it has to notice.
    let mut status = bench.run(&["status"]).await;
    for _ in 0..50 {
        if status.code == 5 {
            break;
        }
        status = bench.run(&["status"]).await;
    }
    let status = status.left_with(5);
    let again = format!("`kill -CONT {}`", daemon.0.id());
    status.says("is suspended").says(&again);
    daemon.signal("-CONT");
    let mut status = bench.run(&["status"]).await;
    for _ in 0..50 {
        if status.code == 0 {
            break;
        }
        status = bench.run(&["status"]).await;
    }
    status.left_with(0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_daemon_that_begins_no_cycle_while_several_were_due_is_late() {
    let bench = Bench::equal().await;
    let lock = StateLock::acquire(&state(&bench)).unwrap();
    let note = format!("{}\nreconcile\n0\n", std::process::id());
    std::fs::write(lock.path(), note).unwrap();
    bench.run(&["status"]).await.left_with(0);
    let before = SystemClock.now().plus_ms(-240_000);
    lock.beat(before);
    let status = bench.run(&["status"]).await.left_with(5);
    status
        .says("began its last cycle at")
        .says("more than 3 were due since");
    // A single run begins its cycle when it is started, and takes as long as it takes.
    let note = format!("{}\nreconcile --once\n0\n", std::process::id());
    std::fs::write(lock.path(), note).unwrap();
    lock.beat(before);
    bench.run(&["status"]).await.left_with(0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_daemon_whose_database_was_replaced_is_told_and_stops() {
    let bench = Bench::equal().await;
    bench.replace_config("[ado]", "[schedule]\npoll = \"5s\"\n\n[ado]");
    let mut daemon = Daemon::of(&bench).await;
    bench.run(&["status"]).await.left_with(0);
    let copy = bench.folder.path().join("copy.db");
    bench.run(&["backup", "copy.db"]).await.left_with(0);
    // What lies beside it is the old one's, so it cannot even be read now.
    std::fs::rename(copy, state(&bench)).unwrap();
    let status = bench.run(&["status"]).await.left_with(3);
    status
        .says("works on another database than this one")
        .says(&format!("kill {}", daemon.0.id()));
    let mut code = None;
    for _ in 0..400 {
        code = daemon.0.try_wait().unwrap();
        if code.is_some() {
            break;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    assert_eq!(code.and_then(|code| code.code()), Some(1));
    let log = std::fs::read_to_string(bench.folder.path().join("daemon.log")).unwrap();
    assert!(log.contains("was replaced by another file"), "{log}");
    assert!(log.contains("Nothing more is written"), "{log}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_command_that_needs_the_state_says_how_to_get_it() {
    let bench = Bench::equal().await;
    let daemon = Daemon::of(&bench).await;
    let stop = format!("`kill {}`", daemon.0.id());
    for args in [
        &["apply"][..],
        &["conflicts", "resolve", "1", "--take", "ado"],
    ] {
        let ran = bench.run(args).await.left_with(75);
        ran.says("stop it first").says(&stop);
    }
    drop(daemon);
    let _lock = StateLock::acquire(&state(&bench)).unwrap();
    let ran = bench.run(&["apply"]).await.left_with(75);
    ran.says("let it finish");
}
