//! Two installations on one pair: the second writes nothing, and says why.

use super::bench::Bench;
use serde_json::{Value, json};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// A state folder of another machine, on the board of a bench.
pub struct Machine {
    folder: tempfile::TempDir,
    config: PathBuf,
}

impl Machine {
    /// Its first day: the same configuration, no state.
    pub fn new(bench: &Bench) -> Machine {
        let folder = tempfile::tempdir().unwrap();
        for name in ["config.toml", "ado.token", "clickup.token"] {
            copy(bench.folder.path(), folder.path(), name);
        }
        let config = folder.path().join("config.toml");
        Machine { folder, config }
    }

    /// With the state of the bench's, file for file.
    pub fn copy(bench: &Bench) -> Machine {
        let machine = Machine::new(bench);
        for name in bench.files().keys() {
            copy(bench.folder.path(), machine.folder.path(), name);
        }
        machine
    }

    fn command(&self, bench: &Bench, args: &[&str]) -> std::process::Command {
        let mut all = vec!["--config", self.config.to_str().unwrap()];
        all.extend(args);
        let mut command = bench.bare(&all);
        command.current_dir(self.folder.path());
        command
    }

    pub async fn run(&self, bench: &Bench, args: &[&str]) -> super::bench::Ran {
        super::bench::end(self.command(bench, args)).await
    }
}

fn copy(from: &Path, to: &Path, name: &str) {
    // A copy keeps the mode; the token files must stay private.
    std::fs::copy(from.join(name), to.join(name)).unwrap();
}

/// Everything on both boards.
pub fn boards(bench: &Bench) -> (Vec<Value>, Vec<Value>) {
    let items = bench.world.ado.all_ids().into_iter();
    let items = items.map(|id| {
        let item = bench.world.ado.item(id).unwrap();
        json!([
            item.rev,
            format!("{:?}", item.fields),
            format!("{:?}", item.relations)
        ])
    });
    let tasks = bench.world.clickup.all_ids().into_iter();
    let tasks = tasks.map(|id| bench.world.clickup.task(&id).unwrap());
    (items.collect(), tasks.collect())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_process_on_one_state_sends_nothing_and_says_who_has_it() {
    let bench = Bench::equal().await;
    bench.replace_config("[[pair]]", "[schedule]\npoll = \"5s\"\n\n[[pair]]");
    let mut first = bench
        .command(&["reconcile"])
        .stdout(std::process::Stdio::null())
        .stderr(std::process::Stdio::null())
        .spawn()
        .unwrap();
    let start = Instant::now();
    while bench.world.ledger.count() < 3 {
        assert!(start.elapsed() < Duration::from_secs(20), "no cycle came");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    // No request of the first one is in the ledger from here on: it is stopped in its tracks, and holds the lock.
    signal(&first, "-STOP");
    tokio::time::sleep(Duration::from_millis(300)).await;
    bench.rename(bench.ids[1], "For one of the two");
    bench.world.ledger.clear();
    let before = boards(&bench);
    let who = first.id().to_string();
    for args in [
        &["reconcile", "--once", "--yes"][..],
        &["reconcile"],
        &["apply"],
        &["links", "takeover", "web"],
    ] {
        bench.run(args).await.left_with(75).says(&who);
    }
    assert_eq!(bench.world.ledger.entries(), [], "not even a read");
    assert_eq!(boards(&bench), before);
    signal(&first, "-CONT");
    first.kill().unwrap();
    first.wait().unwrap();
}

fn signal(child: &std::process::Child, name: &str) {
    let id = child.id().to_string();
    let done = std::process::Command::new("kill")
        .args([name, &id])
        .status();
    assert!(done.unwrap().success());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_machine_writes_nothing_and_says_why() {
    let bench = Bench::equal().await;
    // Both would make a task of this one.
    bench.add_story("New and unmarked");
    let second = Machine::new(&bench);
    bench.world.ledger.clear();
    let before = boards(&bench);
    for args in [
        &["reconcile", "--once", "--yes"][..],
        &["reconcile", "--once", "--full"],
        &["reconcile", "--once"],
    ] {
        second
            .run(&bench, args)
            .await
            .left_with(4)
            .says("5 items carry markers of another installation, such as ClickUp")
            .says("(made for ADO")
            .says("another boardsync works on this pair, or one did and its state is lost")
            .says("links takeover web`");
    }
    second
        .run(&bench, &["plan", "--out", "p"])
        .await
        .says("takeover");
    second.run(&bench, &["apply", "p"]).await.left_with(4);
    second
        .run(&bench, &["status"])
        .await
        .left_with(3)
        .says("links takeover web`");
    assert_eq!(bench.world.ledger.writes(), []);
    assert_eq!(boards(&bench), before);
    // The newcomer's looking around changes nothing for the first one.
    bench.run(&["reconcile", "--once"]).await.left_with(0);
    assert_eq!(bench.titles().len(), 6);
    bench.run(&["status"]).await.left_with(0);
}

#[tokio::test(flavor = "multi_thread")]
async fn no_approval_lets_a_second_machine_through() {
    let bench = Bench::equal().await;
    bench.add_story("New and unmarked");
    let second = Machine::new(&bench);
    let plan = second.run(&bench, &["plan", "--json"]).await.json();
    let hash = plan["pairs"][0]["hash"].as_str().unwrap().to_owned();
    assert!(plan["pairs"][0]["blocked"].is_string(), "{plan:#}");
    bench.world.ledger.clear();
    second
        .run(
            &bench,
            &["reconcile", "--once", "--yes", "--approve", &hash],
        )
        .await
        .left_with(4);
    assert_eq!(bench.world.ledger.writes(), []);
}

#[tokio::test(flavor = "multi_thread")]
async fn after_a_takeover_what_the_other_one_marked_is_held_and_nothing_is_made_twice() {
    let bench = Bench::equal().await;
    bench.add_story("New and unmarked");
    let second = Machine::new(&bench);
    second
        .run(&bench, &["reconcile", "--once", "--yes"])
        .await
        .left_with(4);
    second
        .run(&bench, &["links", "takeover", "nope"])
        .await
        .left_with(64);
    bench.world.ledger.clear();
    second
        .run(&bench, &["links", "takeover", "web"])
        .await
        .left_with(0)
        .says("no ado.canary is configured");
    assert_eq!(bench.world.ledger.writes(), []);
    for args in [
        &["reconcile", "--once", "--yes"][..],
        &["reconcile", "--once", "--full"],
        &["reconcile", "--once"],
    ] {
        second.run(&bench, args).await.left_with(3);
    }
    assert_eq!(
        bench.titles().len(),
        6,
        "only the new one got a counterpart"
    );
    assert_eq!(bench.world.ado.all_ids().len(), 7);
    second
        .run(&bench, &["status"])
        .await
        .left_with(3)
        .says("carry another installation's marker")
        .says("left from before the takeover");
    // The first one, with links of its own, is not stopped by what the second wrote; it holds that, and says so.
    bench.world.ledger.clear();
    bench
        .run(&["reconcile", "--once", "--full"])
        .await
        .left_with(3);
    assert_eq!(bench.world.ledger.writes(), []);
    assert_eq!(bench.titles().len(), 6);
    bench
        .run(&["status"])
        .await
        .left_with(3)
        .says("another boardsync seems to write here");
}
