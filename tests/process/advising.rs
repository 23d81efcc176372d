//! What a message sends a person to works there and then, and nothing is sent to what would refuse it.

use super::bench::{Bench, Ran};
use boardsync::model::Side;
use boardsync::sandbox::faults::Fault;
use boardsync::sandbox::world::{LIST, PROJECT};
use serde_json::{Value, json};

#[track_caller]
fn lacks(ran: &Ran, text: &str) {
    let both = format!("{}{}", ran.out, ran.err);
    assert!(!both.contains(text), "{text:?}\n{both}");
}

/// The runs that did something, the newest first.
async fn runs(bench: &Bench) -> Vec<String> {
    let runs = bench.run(&["undo", "--json"]).await.left_with(0).json();
    let runs = runs["runs"].as_array().unwrap().iter();
    runs.map(|run| run["run"].as_str().unwrap().to_owned())
        .collect()
}

/// What an undo leaves as it is, and why, of one item.
fn left<'a>(undo: &'a Value, item: &str) -> Vec<&'a str> {
    let left = undo["left"]["web"].as_array().unwrap().iter();
    left.filter(|left| left["item"] == item)
        .map(|left| left["reason"].as_str().unwrap())
        .collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn an_undo_offers_no_delete_that_it_would_then_refuse() {
    let bench = Bench::equal().await;
    let task = bench.task_named("Guest can enter an address");
    let untouched = bench.task_named("Validate postcodes");
    let edit = json!({ "priority": 1 });
    bench.world.clickup.edit(&task, &edit).unwrap();
    bench.run(&["reconcile", "--once"]).await.left_with(0);
    let first = runs(&bench).await.pop().unwrap();
    let plain = ["undo", &first, "--dry-run", "--json"];
    let plain = bench.run(&plain).await.left_with(3).json();
    let deleting = ["undo", &first, "--delete-created", "--dry-run", "--json"];
    let deleting = bench.run(&deleting).await.left_with(3).json();
    let why = left(&plain, &task);
    let says = "only --delete-created deletes what a run created, and that would leave this one, for its priority was edited since";
    assert!(why[0].contains(says), "{why:?}");
    let refused = left(&deleting, &task);
    assert!(
        refused[0].contains("its priority was edited since"),
        "{refused:?}"
    );
    assert!(left(&plain, &untouched)[0].contains("--delete-created moves it to the trash"));
    assert_eq!(left(&deleting, &untouched), [""; 0]);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_undo_of_an_item_names_its_created_counterpart_whatever_was_written_since() {
    let bench = Bench::equal().await;
    let id = bench.ids[1].to_string();
    let task = bench.task_named("Guest can enter an address");
    bench.rename(bench.ids[1], "Renamed");
    bench.run(&["reconcile", "--once"]).await.left_with(0);
    let named = async || {
        let plan = bench.run(&["undo", &id, "--dry-run", "--json"]).await;
        let plan = plan.left_with(3).json();
        let why = left(&plan, &task).concat();
        assert!(
            why.contains("as the counterpart of ADO 2; it stays"),
            "{why}"
        );
        plan["plan"]["writes"].as_u64().unwrap()
    };
    assert_eq!(named().await, 1);
    let run = runs(&bench).await.swap_remove(0);
    bench.run(&["undo", &run, "--yes"]).await.left_with(3);
    let undone = runs(&bench).await.swap_remove(0);
    bench.run(&["undo", &undone, "--yes"]).await;
    named().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn apply_as_json_prints_one_document_and_asks_nobody() {
    let bench = Bench::equal().await;
    let report = bench.run(&["apply", "--json"]).await.left_with(0).json();
    assert_eq!(report["writes"], 0, "{report}");
    assert!(report["run"].is_string(), "{report}");
    bench.rename(bench.ids[1], "Renamed");
    let ran = bench.run(&["apply", "--json"]).await.left_with(4);
    assert_eq!(ran.json()["writes"], 1);
    assert!(
        ran.err.contains("nobody is asked with --json"),
        "{}",
        ran.err
    );
    assert!(
        ran.err.contains("config.toml reconcile --once`"),
        "{}",
        ran.err
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn under_the_stop_file_nobody_is_sent_to_what_writes_nothing() {
    let bench = Bench::equal().await;
    bench.rename(bench.ids[1], "Renamed");
    let stop = bench.folder.path().join("boardsync.db.stop");
    lacks(
        &bench.run(&["plan"]).await.left_with(0),
        "boardsync.db.stop",
    );
    std::fs::write(&stop, "").unwrap();
    let apply = bench.run(&["apply"]).await.left_with(4);
    lacks(&apply, "reconcile --once");
    apply.says("boardsync.db.stop; remove it to go on");
    let plan = bench.run(&["plan"]).await.left_with(0);
    plan.says("nothing of it is carried out at present")
        .says("boardsync.db.stop; remove it to go on");
    std::fs::remove_file(&stop).unwrap();
    let apply = bench.run(&["apply"]).await.left_with(4);
    apply
        .says("carry it out with `boardsync --config ")
        .says("config.toml reconcile --once`");
    bench.run(&["reconcile", "--once"]).await.left_with(0);
}

#[tokio::test(flavor = "multi_thread")]
async fn verify_advises_a_link_only_to_what_is_there() {
    let bench = Bench::equal().await;
    let (kept, gone) = (bench.ids[1], bench.ids[3]);
    let task = bench.task_named("Guest can enter an address");
    let ended = [&kept.to_string(), &gone.to_string()];
    for id in ended {
        bench.run(&["links", "remove", id]).await.left_with(0);
    }
    bench.world.ado.delete(gone);
    let verify = bench.run(&["verify"]).await.left_with(0);
    let text = verify.out.split_whitespace().collect::<Vec<_>>().join(" ");
    let again = format!("links add web {kept} {task}");
    assert!(text.contains(&again), "{text}");
    assert!(!text.contains(&format!("links add web {gone}")), "{text}");
    assert!(
        text.contains(&format!("ADO {gone} is not there any more")),
        "{text}"
    );
    assert!(text.contains("can link it to another work item"), "{text}");
    let args: Vec<&str> = again.split(' ').collect();
    bench.run(&args).await.left_with(0).says("linked");
}

#[tokio::test(flavor = "multi_thread")]
async fn check_names_every_side_that_cannot_be_asked() {
    let bench = Bench::new().await;
    bench.replace_config("[\"Closed\", \"complete\"]", "[\"Closed\", \"complet\"]");
    for side in Side::BOTH {
        bench.fault(side, None, "", Fault::DropBeforeApply, u32::MAX);
    }
    let ran = bench.run(&["check"]).await.left_with(69);
    ran.says("error: ADO: ").says("error: ClickUp: ");
    bench.world.faults.clear();
    // What the other side tells is told too.
    bench.fault(Side::Ado, None, "", Fault::DropBeforeApply, u32::MAX);
    let ran = bench.run(&["check"]).await.left_with(69);
    let ran = ran.says("ClickUp has no status \"complet\"");
    lacks(&ran, "fits both services");
    let failed = bench.run(&["check", "--json"]).await.left_with(69).json();
    let problems = failed["error"]["problems"].to_string();
    assert!(problems.contains("has no status"), "{failed}");
    bench.world.faults.clear();

    let folder = bench.folder.path();
    for token in ["ado.token", "clickup.token"] {
        std::fs::remove_file(folder.join(token)).unwrap();
    }
    let ran = bench.run(&["check"]).await.left_with(77);
    ran.says("error: [ado] pat").says("error: [clickup] token");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_yes_that_a_guard_does_not_take_is_told_with_what_it_takes() {
    let bench = Bench::equal().await;
    bench.rename(bench.ids[1], "Renamed");
    let guard = "[guard]\nmax_updates = 0\nupdates_percent = 0\n\n[[pair]]";
    bench.replace_config("[[pair]]", guard);
    let ran = bench.run(&["reconcile", "--once", "--yes"]).await;
    let ran = ran.left_with(4);
    let said = ran
        .err
        .lines()
        .find(|line| line.starts_with("--yes answers"));
    let hash = said.unwrap().rsplit(' ').next().unwrap();
    lacks(
        &bench.run(&["reconcile", "--once"]).await.left_with(4),
        "--yes answers",
    );
    let approved = ["reconcile", "--once", "--yes", "--approve", hash];
    let ran = bench.run(&approved).await.left_with(0);
    lacks(&ran, "--yes answers");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_line_for_cron_names_only_commands_that_tell_of_what_is_left() {
    let bench = Bench::contested(&json!({ "name": "Of ClickUp" })).await;
    let ran = bench.run(&["--quiet", "reconcile", "--once"]).await;
    let ran = ran.left_with(3);
    lacks(&ran, "--retry");
    lacks(&ran, " status`");
    ran.says("conflicts` says what and how to settle it");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_log_says_what_has_to_come_before_an_undo_of_an_ended_link() {
    let bench = Bench::equal().await;
    bench.world.ado.delete(bench.ids[3]);
    let once = bench.run(&["reconcile", "--once", "--full"]).await;
    once.left_with(0);
    let unlinked = runs(&bench).await.swap_remove(0);
    let log = bench.run(&["log", &unlinked]).await.left_with(0);
    let text = log.out.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(text.contains("before somebody has restored them"), "{text}");
    lacks(&log, "to take it back");
    // A link that an undo ended has both its items, and is linked again at once.
    bench.rename(bench.ids[1], "Renamed");
    bench.run(&["reconcile", "--once"]).await.left_with(0);
    let renamed = runs(&bench).await.swap_remove(0);
    let log = bench.run(&["log", &renamed]).await.left_with(0);
    lacks(&log, "somebody has restored");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_link_to_an_item_outside_the_pair_says_that_nothing_is_kept_equal_there() {
    let bench = Bench::equal().await;
    let outside = bench.add_story("Elsewhere");
    let condition = format!("ado.where = \"[System.Id] <> {outside} AND ");
    bench.replace_config("ado.where = \"", &condition);
    let outside = outside.to_string();
    let task = json!({ "name": "Of nobody" });
    let lone = bench.world.clickup.create_task(LIST, &task).unwrap();
    let add = ["links", "add", "web", &outside, &lone];
    let ran = bench.run(&add).await.left_with(0);
    let warned = format!("ADO {outside} is not in the scope of pair \"web\"");
    assert!(ran.err.contains(&warned), "{}", ran.err);
    lacks(&ran, "ClickUp");

    let story = bench.task_named("Validate postcodes");
    let id = bench.ids[3].to_string();
    bench.run(&["links", "remove", &id]).await.left_with(0);
    let ran = bench.run(&["links", "add", "web", &id, &story]).await;
    lacks(&ran.left_with(0), "scope");
}

/// Nothing would be kept equal between the two, and every cycle would hold them.
#[tokio::test(flavor = "multi_thread")]
async fn an_item_whose_type_stands_in_no_row_is_not_linked_and_the_answer_names_the_type() {
    let bench = Bench::equal().await;
    let title = [("System.Title", json!("Elsewhere"))];
    let epic = bench
        .world
        .ado
        .create_item(PROJECT, "Epic", &title)
        .unwrap();
    let task = json!({ "name": "Of nobody" });
    let lone = bench.world.clickup.create_task(LIST, &task).unwrap();
    let add = ["links", "add", "web", &epic.to_string(), &lone];
    let ran = bench.run(&add).await.left_with(64);
    let said = format!("ADO {epic} is of the type Epic, which stands in no row of types");
    ran.says(&said).says("nothing was linked");
    let why = bench.run(&["why", &epic.to_string()]).await;
    why.left_with(64).says("in no link");
    let milestone = json!({ "custom_item_id": 1 });
    bench.world.clickup.edit(&lone, &milestone).unwrap();
    let story = bench.add_story("Of nobody").to_string();
    let add = ["links", "add", "web", &story, &lone];
    bench
        .run(&add)
        .await
        .left_with(64)
        .says("is of the type Milestone");
}
