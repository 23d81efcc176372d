//! A daemon that only looks: what it knows of the state, and what others see of it.

use super::bench::Bench;
use serde_json::json;
use std::process::{Child, Stdio};
use std::time::Duration;

/// A read-only daemon with its log in a file.
struct Looks {
    child: Child,
    log: std::path::PathBuf,
}

impl Looks {
    fn at(bench: &Bench) -> Looks {
        let log = bench.folder.path().join("looks.txt");
        let file = std::fs::File::create(&log).unwrap();
        let mut command = bench.command(&["reconcile", "--read-only"]);
        let child = command.stdout(Stdio::null()).stderr(file).spawn().unwrap();
        Looks { child, log }
    }

    async fn says(&self, text: &str) -> String {
        for _ in 0..400 {
            let said = std::fs::read_to_string(&self.log).unwrap();
            if said.contains(text) {
                return said;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        let said = std::fs::read_to_string(&self.log).unwrap();
        panic!("{text:?} did not come: {said}");
    }
}

impl Drop for Looks {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_read_only_daemon_says_so_first_and_counts_what_is_open_from_before() {
    let bench = Bench::contested(&json!({ "name": "Theirs" })).await;
    let looks = Looks::at(&bench);
    let said = looks.says("said once an hour").await;
    let first = said.lines().next().unwrap();
    assert!(first.contains("boardsync starts, and only looks"), "{said}");
    assert!(first.contains("read_only=true"), "{said}");
    assert!(said.contains("open=1"), "{said}");
    assert!(!said.contains("open=0"), "{said}");
}

#[tokio::test(flavor = "multi_thread")]
async fn status_names_a_read_only_daemon_and_says_that_it_only_looks() {
    let bench = Bench::equal().await;
    let looks = Looks::at(&bench);
    looks.says("said once an hour").await;
    let status = bench.run(&["status"]).await.left_with(0);
    status
        .says("reconcile --read-only")
        .says("which only looks and writes nothing");
    let status = bench.run(&["status", "--json"]).await.json();
    assert_eq!(status["running"], json!(null), "{status}");
    assert_eq!(status["watching"]["pid"], looks.child.id(), "{status}");
    // It keeps nothing from anybody.
    bench.run(&["reconcile", "--once"]).await.left_with(0);
    drop(looks);
    let status = bench.run(&["status", "--json"]).await.json();
    assert_eq!(status["watching"], json!(null), "{status}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_read_only_daemon_goes_by_a_choice_that_is_made_meanwhile() {
    let bench = Bench::contested(&json!({ "name": "Theirs" })).await;
    bench.replace_config("[ado]", "[schedule]\npoll = \"5s\"\n\n[ado]");
    let looks = Looks::at(&bench);
    looks.says("said once an hour").await;
    let take = ["conflicts", "resolve", "1", "--take", "ado"];
    bench.run(&take).await.left_with(0);
    let said = looks.says("writes=1").await;
    assert!(said.contains("outcome=planned"), "{said}");
    bench.run(&["reconcile", "--once"]).await.left_with(0);
    looks.says("open=0").await;
    let status = bench.run(&["status", "--json"]).await.json();
    assert_eq!(status["pairs"][0]["open_conflicts"], 0, "{status}");
}
