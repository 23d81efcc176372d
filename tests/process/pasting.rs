//! A command that a screen prints is typed just as it stands there, and does what the screen says.

use super::bench::{Bench, Ran};
#[cfg(unix)]
use super::terminal::Terminal;
use serde_json::json;

/// Arguments of the first printed command that holds this text, as a shell would take them.
#[track_caller]
fn printed(ran: &Ran, part: &str) -> Vec<String> {
    let lines = ran.out.lines().chain(ran.err.lines());
    let mut lines = lines.filter(|line| line.contains(part));
    let line = lines.next().unwrap_or_else(|| panic!("{part}\n{ran:?}"));
    let (_, command) = line.rsplit_once("boardsync --config ").expect(line);
    let words = command.split(['`', ';']).next().unwrap();
    words
        .split_whitespace()
        .skip(1)
        .map(str::to_owned)
        .collect()
}

async fn typed(bench: &Bench, words: &[String]) -> Ran {
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    bench.run(&words).await
}

/// A settled board that deletes, of which three work items were deleted, which a guard stops. No cycle has looked since.
async fn three_deleted() -> Bench {
    let bench = Bench::new().await;
    bench.replace_config(
        "[[pair]]\nname = \"web\"",
        "[guard]\nmax_deletes = 1\ndeletes_percent = 1\n\n[[pair]]\nname = \"web\"\non_delete = \"delete\"",
    );
    let first = ["reconcile", "--once", "--yes"];
    bench.run(&first).await.left_with(0);
    bench.run(&["reconcile", "--once"]).await.left_with(0);
    // Those that no other item is below.
    for id in &bench.ids[3..6] {
        assert!(bench.world.ado.delete(*id));
    }
    bench
}

#[tokio::test(flavor = "multi_thread")]
async fn the_ways_past_a_guard_that_a_full_plan_names_lead_there() {
    let bench = three_deleted().await;
    let plan = bench.run(&["plan", "--full"]).await.left_with(0);
    let mut save = printed(&plan, "--out FILE");
    save.truncate(save.iter().position(|word| word == "FILE").unwrap());
    save.push("a.plan".to_owned());
    let saved = typed(&bench, &save).await.left_with(0);
    // How the saved plan was made is not known any more, so only the file is offered.
    assert!(!saved.out.contains("--approve"), "{}", saved.out);
    typed(&bench, &printed(&saved, "apply a.plan"))
        .await
        .left_with(0);
    assert_eq!(bench.titles().len(), 2);

    let bench = three_deleted().await;
    let plan = bench.run(&["plan", "--full"]).await.left_with(0);
    let approve = printed(&plan, "--approve");
    typed(&bench, &approve).await.left_with(0);
    assert_eq!(bench.titles().len(), 2);

    // Without a terminal `apply` names its own ways, and it lists in full as well.
    let bench = three_deleted().await;
    let asked = bench.run(&["apply"]).await.left_with(4);
    let told = printed(&asked, "through its guard with");
    typed(&bench, &told).await.left_with(0);
    assert_eq!(bench.titles().len(), 2);
}

/// A cycle that was stopped is followed by a full listing anyway.
#[tokio::test(flavor = "multi_thread")]
async fn the_way_past_a_guard_that_stopped_a_cycle_needs_no_full_listing() {
    let bench = three_deleted().await;
    let stopped = bench.run(&["reconcile", "--once", "--full"]).await;
    let approve = printed(&stopped.left_with(4), "--approve");
    assert!(!approve.contains(&"--full".to_owned()), "{approve:?}");
    let plan = bench.run(&["plan"]).await.left_with(0);
    assert_eq!(printed(&plan, "--approve"), approve);
    typed(&bench, &approve).await.left_with(0);
    assert_eq!(bench.titles().len(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_approval_of_no_plan_is_told_also_where_no_plan_waits_for_one() {
    let bench = Bench::equal().await;
    let strange = ["reconcile", "--once", "--approve", "e0d99e7fa12df163"];
    let ran = bench.run(&strange).await.left_with(0);
    ran.says("--approve e0d99e7fa12df163: no plan has this hash now")
        .says("of one that `plan --full` showed, approve with --full");
}

#[cfg(unix)]
#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_hash_on_a_terminal_is_told_as_such() {
    let bench = three_deleted().await;
    let mut terminal = Terminal::run(&bench, &["apply"]);
    terminal.shows("leave the pair out: ");
    terminal.enters("e0d99e7fa12df163");
    terminal.shows("left out: what was typed is not ");
    terminal.ends_with(4);
    assert_eq!(bench.titles().len(), 5);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_undo_that_a_run_of_creates_names_takes_them_back_and_is_not_offered_again() {
    let bench = Bench::equal().await;
    let id = bench.ids[3].to_string();
    for screen in [&["log"][..], &["history", &id]] {
        let ran = bench.run(screen).await.left_with(0);
        let undo = printed(&ran, " undo c");
        assert_eq!(undo.last().unwrap(), "--delete-created", "{screen:?}");
    }
    let log = bench.run(&["log"]).await.left_with(0);
    let mut undo = printed(&log, " undo c");
    let run = undo[1].clone();
    undo.push("--yes".to_owned());
    typed(&bench, &undo).await.left_with(0);
    assert_eq!(bench.titles(), [""; 0]);
    let log = bench.run(&["log", &run]).await.left_with(0);
    let log = log.says("taken back by run c");
    assert!(!log.out.contains(" undo "), "{}", log.out);
    typed(&bench, &printed(&log, " log c")).await.left_with(0);
}

/// Only creates wait then, and `verify` says so of the item.
#[tokio::test(flavor = "multi_thread")]
async fn a_choice_is_promised_to_the_next_cycle_where_only_creates_wait() {
    let bench = Bench::contested(&json!({ "name": "Theirs" })).await;
    let database = bench.folder.path().join("boardsync.db");
    let copy = std::fs::read(&database).unwrap();
    bench.rename(bench.ids[1], "Edited");
    bench.run(&["reconcile", "--once"]).await.left_with(3);
    for suffix in ["-wal", "-shm"] {
        let _ = std::fs::remove_file(bench.folder.path().join(format!("boardsync.db{suffix}")));
    }
    std::fs::write(&database, copy).unwrap();
    bench.run(&["reconcile", "--once"]).await.left_with(3);
    let status = bench.run(&["status"]).await.left_with(3);
    status.says("nothing is created before");
    let waits = ["conflicts", "resolve", "1", "--take", "clickup", "--json"];
    let json = bench.run(&waits).await.left_with(0).json();
    assert_eq!(json["in_the_way"], json!([]), "{json}");
    let resolve = ["conflicts", "resolve", "1", "--take", "clickup"];
    let told = bench.run(&resolve).await.left_with(0);
    assert!(!told.out.contains("Not at present"), "{}", told.out);
    bench.run(&["reconcile", "--once"]).await;
    let title = bench.world.ado.item(bench.ids[3]).unwrap().fields["System.Title"].clone();
    assert_eq!(title, "Theirs");
    bench.add_story("Not yet");
    let verify = bench.run(&["verify"]).await.left_with(3);
    verify.says("held: the database was restored");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_has_one_time_wherever_it_is_listed() {
    let bench = Bench::equal().await;
    let log = bench.run(&["log", "--json"]).await.left_with(0).json();
    let undo = bench.run(&["undo", "--json"]).await.left_with(0).json();
    let at = |list: &serde_json::Value, run: &serde_json::Value| {
        let mut runs = list["runs"].as_array().unwrap().iter();
        runs.find(|one| one["run"] == *run).unwrap()["at"].clone()
    };
    for run in undo["runs"].as_array().unwrap() {
        assert_eq!(run["at"], at(&log, &run["run"]), "{run}");
    }
}
