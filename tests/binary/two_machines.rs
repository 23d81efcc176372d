//! Two installations on one pair: the second writes nothing, and says why.

use super::bench::Bench;
use super::reconciling::hash_in;
use boardsync::model::Side;
use boardsync::sandbox::faults::Fault;
use boardsync::sandbox::ledger::LedgerEntry;
use boardsync::sandbox::seed;
use boardsync::sandbox::world::PROJECT;
use serde_json::{Value, json};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// A state folder of another machine, on the board of a bench.
struct Machine {
    folder: tempfile::TempDir,
    config: PathBuf,
}

impl Machine {
    /// Its first day: the same configuration, no state.
    fn new(bench: &Bench) -> Machine {
        let folder = tempfile::tempdir().unwrap();
        for name in ["config.toml", "ado.token", "clickup.token"] {
            copy(bench.folder.path(), folder.path(), name);
        }
        let config = folder.path().join("config.toml");
        Machine { folder, config }
    }

    /// With the state of the bench's, file for file.
    fn copy(bench: &Bench) -> Machine {
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

    async fn run(&self, bench: &Bench, args: &[&str]) -> super::bench::Ran {
        super::bench::end(self.command(bench, args)).await
    }
}

fn copy(from: &Path, to: &Path, name: &str) {
    // A copy keeps the mode; the token files must stay private.
    std::fs::copy(from.join(name), to.join(name)).unwrap();
}

/// Everything on both boards.
fn boards(bench: &Bench) -> (Vec<Value>, Vec<Value>) {
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

/// A bench whose pair has a work item as its canary that is outside the pair, before anything ran. Returns its number.
async fn with_canary() -> (Bench, i64) {
    let bench = Bench::new().await;
    let title = json!("boardsync lives here");
    let fields = [("System.Title", title)];
    let canary = bench
        .world
        .ado
        .create_item(PROJECT, "Epic", &fields)
        .unwrap();
    let line = format!("ado.canary = {canary}\nado.project");
    bench.replace_config("ado.project", &line);
    (bench, canary)
}

/// Texts of the claims on a work item.
fn claims(bench: &Bench, canary: i64) -> Vec<String> {
    let item = bench.world.ado.item(canary).unwrap();
    let comments = item.relations.iter().map(|r| &r["attributes"]["comment"]);
    comments
        .filter_map(Value::as_str)
        .map(str::to_owned)
        .collect()
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
            .says("boardsync links takeover web");
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
        .says("boardsync links takeover web");
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

#[tokio::test(flavor = "multi_thread")]
async fn the_first_machine_claims_the_canary_once_and_not_in_every_run() {
    let (bench, canary) = with_canary().await;
    bench
        .run(&["check"])
        .await
        .left_with(0)
        .says("carries no claim yet");
    bench.run(&["status"]).await.says("not claimed yet");
    // Nobody has said yes, so nothing is claimed either.
    bench.run(&["plan"]).await.left_with(0);
    bench.run(&["reconcile", "--once"]).await.left_with(4);
    assert_eq!(bench.world.ledger.writes(), []);
    bench
        .run(&["reconcile", "--once", "--yes"])
        .await
        .left_with(0);
    let made = claims(&bench, canary);
    assert_eq!(made.len(), 1, "{made:?}");
    assert!(made[0].starts_with("sxc1:web:"), "{made:?}");
    bench.run(&["reconcile", "--once"]).await.left_with(0);
    bench.world.ledger.clear();
    // As cron starts them: each a process of its own.
    for _ in 0..3 {
        bench.run(&["reconcile", "--once"]).await.left_with(0);
    }
    assert_eq!(bench.world.ledger.writes(), []);
    let reads = bench.world.ledger.entries();
    let looks = |entry: &LedgerEntry| entry.body.contains(&format!("\"ids\":[{canary}]"));
    assert!(
        !reads.iter().any(looks),
        "an idle run does not look: {reads:#?}"
    );
    bench.rename(bench.ids[1], "Edited");
    bench.run(&["reconcile", "--once"]).await.left_with(0);
    assert!(bench.titles().contains(&"Edited".to_owned()));
    assert_eq!(claims(&bench, canary), made);
    bench
        .run(&["check"])
        .await
        .left_with(0)
        .says("carries this installation's claim, number 1");
    bench.run(&["status"]).await.left_with(0).says("number 1");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_claimed_pair_stops_another_machine_until_it_is_taken_over_and_then_the_first() {
    let (bench, canary) = with_canary().await;
    bench
        .run(&["reconcile", "--once", "--yes"])
        .await
        .left_with(0);
    bench.run(&["reconcile", "--once"]).await.left_with(0);
    bench.add_story("New and unmarked");
    let second = Machine::new(&bench);
    bench.world.ledger.clear();
    let before = boards(&bench);
    second
        .run(&bench, &["reconcile", "--once", "--yes"])
        .await
        .left_with(4);
    second
        .run(&bench, &["check"])
        .await
        .left_with(0)
        .says("belongs to another boardsync");
    assert_eq!(bench.world.ledger.writes(), []);
    assert_eq!(boards(&bench), before);
    second
        .run(&bench, &["links", "takeover", "web"])
        .await
        .left_with(0)
        .says("it was claimed by")
        .says("claim number 2");
    assert_eq!(claims(&bench, canary).len(), 1);
    assert_eq!(bench.world.ledger.writes().len(), 1);
    bench.world.ledger.clear();
    bench
        .run(&["reconcile", "--once"])
        .await
        .left_with(4)
        .says("belongs to another boardsync");
    assert_eq!(bench.world.ledger.writes(), []);
    bench
        .run(&["status"])
        .await
        .left_with(3)
        .says("belongs to another boardsync");
    second
        .run(&bench, &["reconcile", "--once", "--yes"])
        .await
        .left_with(3);
    assert_eq!(bench.titles().len(), 6);
    // And back.
    bench
        .run(&["links", "takeover", "web"])
        .await
        .left_with(0)
        .says("claim number 3");
    bench.rename(bench.ids[1], "Edited");
    bench.run(&["reconcile", "--once"]).await;
    assert!(bench.titles().contains(&"Edited".to_owned()));
    assert_eq!(bench.titles().len(), 6);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_copied_state_folder_is_stopped() {
    let (bench, canary) = with_canary().await;
    bench
        .run(&["reconcile", "--once", "--yes"])
        .await
        .left_with(0);
    bench.run(&["reconcile", "--once"]).await.left_with(0);
    let copy = Machine::copy(&bench);
    bench.add_story("New and unmarked");
    bench.world.ledger.clear();
    let before = boards(&bench);
    copy.run(&bench, &["reconcile", "--once"])
        .await
        .left_with(4)
        .says("from another machine or folder")
        .says("boardsync links takeover web");
    assert_eq!(bench.world.ledger.writes(), []);
    assert_eq!(boards(&bench), before);
    // The first one goes on, until the copy is given the pair; then its own claim is one that it knows nothing of.
    bench.run(&["reconcile", "--once"]).await.left_with(0);
    copy.run(&bench, &["links", "takeover", "web"])
        .await
        .left_with(0);
    assert_eq!(claims(&bench, canary).len(), 1);
    bench.rename(bench.ids[1], "Edited");
    bench.world.ledger.clear();
    bench
        .run(&["reconcile", "--once"])
        .await
        .left_with(4)
        .says("the state was copied");
    assert_eq!(bench.world.ledger.writes(), []);
}

#[tokio::test(flavor = "multi_thread")]
async fn of_two_machines_that_start_at_once_exactly_one_gets_the_claim() {
    let mut raced = 0;
    for round in 0..3 {
        let (bench, canary) = with_canary().await;
        let second = Machine::new(&bench);
        // Long enough on the way that both have read an item without a claim before either has put one there.
        let late = Fault::Delay { ms: 700 };
        let path = format!("workitems/{canary}?");
        bench.fault(Side::Ado, Some("PATCH"), &path, late, u32::MAX);
        let args = ["reconcile", "--once", "--yes"];
        let (one, two) = tokio::join!(bench.run(&args), second.run(&bench, &args));
        let mut codes = [one.code, two.code];
        codes.sort_unstable();
        assert_eq!(codes, [0, 4], "round {round}: {one:#?}\n{two:#?}");
        let loser = if one.code == 4 { &one } else { &two };
        let said = format!("{}{}", loser.out, loser.err);
        assert!(said.contains("belongs to another boardsync"), "{said}");
        assert_eq!(claims(&bench, canary).len(), 1);
        assert_eq!(bench.titles().len(), 5, "no twin");
        let refused = |entry: &LedgerEntry| entry.path.contains(&path) && entry.status == 412;
        raced += bench
            .world
            .ledger
            .entries()
            .iter()
            .filter(|e| refused(e))
            .count();
    }
    assert!(raced > 0, "the two never met");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lost_answer_to_the_claim_locks_nobody_out() {
    for (fault, times) in [
        (Fault::DropAfterApply, 1),
        (Fault::DropAfterApply, u32::MAX),
        (Fault::TruncateBody, 1),
        (Fault::TruncateBody, u32::MAX),
        (super::bench::status(200, &[]), 1),
    ] {
        let (bench, canary) = with_canary().await;
        let path = format!("workitems/{canary}?");
        let said = format!("{fault:?} {times}");
        bench.fault(Side::Ado, Some("PATCH"), &path, fault, times);
        let args = ["reconcile", "--once", "--yes"];
        let ran = bench.run(&args).await;
        assert!(ran.code == 0, "{said}: {ran:#?}");
        assert_eq!(claims(&bench, canary).len(), 1, "{said}");
        bench.world.faults.clear();
        bench.run(&["reconcile", "--once"]).await.left_with(0);
        assert_eq!(bench.titles().len(), 5, "{said}");
    }
}

/// The takeover reaches the first one in the middle of a plan that would take it much longer.
#[tokio::test(flavor = "multi_thread")]
async fn a_long_plan_ends_soon_after_the_pair_was_taken_over() {
    let (bench, canary) = with_canary().await;
    seed::ado_tasks(&bench.world.ado, PROJECT, 95).unwrap();
    let slow = Fault::Delay { ms: 250 };
    bench.fault(Side::ClickUp, Some("POST"), "/task", slow, u32::MAX);
    let second = Machine::new(&bench);
    let taken = async {
        let start = Instant::now();
        while bench.titles().len() < 3 {
            assert!(start.elapsed() < Duration::from_secs(20), "nothing came");
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        second.run(&bench, &["links", "takeover", "web"]).await
    };
    let (first, taken) = tokio::join!(bench.run(&["reconcile", "--once", "--yes"]), taken);
    taken.left_with(0).says("some seconds into a running one");
    first
        .left_with(4)
        .says("stopped before its end")
        .says("belongs to another boardsync");
    let made = bench.titles().len();
    assert!((3..60).contains(&made), "{made} of 100");
    assert!(claims(&bench, canary)[0].contains(":2:"));
    // What was left undone is done after the way back, and nothing twice.
    bench.world.faults.clear();
    bench.run(&["links", "takeover", "web"]).await.left_with(0);
    // The rest is more than the guard lets through without a look.
    let hash = hash_in(&bench.run(&["reconcile", "--once"]).await.left_with(4).out);
    bench
        .run(&["reconcile", "--once", "--approve", &hash])
        .await
        .left_with(0);
    bench.run(&["reconcile", "--once"]).await.left_with(0);
    assert_eq!(bench.titles().len(), 100);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_claim_that_a_person_removed_is_made_again() {
    let (bench, canary) = with_canary().await;
    bench
        .run(&["reconcile", "--once", "--yes"])
        .await
        .left_with(0);
    bench.run(&["reconcile", "--once"]).await.left_with(0);
    let other = bench.add_story("Another canary");
    let (from, to) = (
        format!("ado.canary = {canary}"),
        format!("ado.canary = {other}"),
    );
    bench.replace_config(&from, &to);
    bench.run(&["reconcile", "--once", "--yes"]).await;
    let made = claims(&bench, other);
    assert!(
        made.iter().any(|text| text.starts_with("sxc1:web:")),
        "{made:?}"
    );
}

/// Killed at every edge of a commit from the first start up to the first create, with nothing done by hand between.
#[cfg(debug_assertions)]
#[tokio::test(flavor = "multi_thread")]
async fn a_kill_around_the_claim_locks_nobody_out() {
    let (mut before, mut after) = (0, 0);
    for edge in 1..60_u32 {
        let (bench, canary) = with_canary().await;
        let mut command = bench.command(&["reconcile", "--once", "--yes"]);
        command.env("BOARDSYNC_DIE_AT_COMMIT", edge.to_string());
        super::bench::end(command).await;
        let created = |entry: &LedgerEntry| entry.service == Side::ClickUp && entry.is_write();
        if bench.world.ledger.entries().iter().any(created) {
            break;
        }
        match claims(&bench, canary).len() {
            0 => before += 1,
            _ => after += 1,
        }
        let wait = "[schedule]\nquiet_time = \"1s\"\n\n[[pair]]";
        bench.replace_config("[[pair]]", wait);
        let mut code = -1;
        let start = Instant::now();
        while code != 0 && start.elapsed() < Duration::from_secs(20) {
            code = bench.run(&["reconcile", "--once", "--yes"]).await.code;
            assert!(code == 0 || code == 3, "edge {edge}: {code}");
        }
        assert_eq!(code, 0, "edge {edge}");
        assert_eq!(claims(&bench, canary).len(), 1, "edge {edge}");
        assert_eq!(bench.titles().len(), 5, "edge {edge}");
    }
    assert!(before > 0 && after > 0, "{before} before, {after} after");
}

#[tokio::test(flavor = "multi_thread")]
async fn claims_and_takeovers_are_in_the_history_and_no_undo_minds_them() {
    let (bench, canary) = with_canary().await;
    bench
        .run(&["reconcile", "--once", "--yes"])
        .await
        .left_with(0);
    bench
        .run(&["links", "takeover", "web"])
        .await
        .left_with(0)
        .says("it was claimed by");
    bench
        .run(&["history", &canary.to_string()])
        .await
        .left_with(0)
        .says("number 1")
        .says("number 2 taken over by hand from");
    bench.run(&["status"]).await.says("number 2");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_canary_that_cannot_be_claimed_keeps_everything_from_being_written() {
    let (bench, canary) = with_canary().await;
    let path = format!("workitems/{canary}?");
    let refused = super::bench::status(403, &[]);
    bench.fault(Side::Ado, Some("PATCH"), &path, refused, 1);
    bench
        .run(&["reconcile", "--once", "--yes"])
        .await
        .left_with(4)
        .says("cannot be claimed");
    assert_eq!(bench.titles().len(), 0);
    // It may pass by itself.
    bench
        .run(&["reconcile", "--once", "--yes"])
        .await
        .left_with(0);
    assert_eq!(bench.titles().len(), 5);
}
