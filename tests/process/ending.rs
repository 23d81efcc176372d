//! Signals: the write in hand is finished and recorded, nothing else begins, and what is left goes on later.

use super::bench::{Bench, Ran};
use super::terminal::Terminal;
use boardsync::model::Side;
use boardsync::sandbox::faults::Fault;
use boardsync::sandbox::{seed, world::PROJECT};
use std::process::{Child, Stdio};
use std::time::{Duration, Instant};

/// An empty board with this many tasks to make, each of which takes ClickUp a moment.
async fn to_do(count: usize, ms: u64) -> Bench {
    let bench = Bench::empty().await;
    seed::ado_tasks(&bench.world.ado, PROJECT, count).unwrap();
    slow(&bench, "POST", ms, u32::MAX);
    bench
}

fn slow(bench: &Bench, method: &str, ms: u64, times: u32) {
    bench.fault(Side::ClickUp, Some(method), "", Fault::Delay { ms }, times);
}

fn start(bench: &Bench, args: &[&str]) -> Child {
    let mut command = bench.command(args);
    command.stdout(Stdio::piped()).stderr(Stdio::piped());
    command.spawn().unwrap()
}

fn signal(child: &Child, name: &str) {
    let id = child.id().to_string();
    let mut kill = std::process::Command::new("kill");
    assert!(kill.args([name, &id]).status().unwrap().success());
}

/// Whether whoever started the tests has SIGHUP ignored, which every process below inherits.
fn inherits_ignored_hangup() -> bool {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let mask = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    let mask = mask.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok());
    mask.is_some_and(|mask| mask & 1 == 1)
}

/// Waits for the end, which must come soon enough.
async fn within(child: Child, limit: Duration) -> Ran {
    let start = Instant::now();
    let output = tokio::task::spawn_blocking(move || child.wait_with_output().unwrap());
    let output = output.await.unwrap();
    assert!(start.elapsed() < limit, "{:?}", start.elapsed());
    Ran {
        code: output.status.code().unwrap_or(-1),
        out: String::from_utf8(output.stdout).unwrap(),
        err: String::from_utf8(output.stderr).unwrap(),
    }
}

const SOON: Duration = Duration::from_secs(4);

/// Waits until ClickUp was asked to write this often.
async fn writes(bench: &Bench, count: usize) {
    bench
        .until(|bench| bench.world.ledger.writes().len() >= count)
        .await;
}

/// Every item of [`to_do`] has exactly one task, and nothing is left to do.
async fn all_made_once(bench: &Bench, count: usize) {
    let titles = bench.titles();
    let wanted: Vec<String> = (1..=count).map(|n| format!("Task {n:05}")).collect();
    assert_eq!(titles, wanted);
    bench.world.faults.clear();
    bench.run(&["reconcile", "--once"]).await.left_with(0);
    bench.quiet().await;
}

async fn no_create_is_open(bench: &Bench) {
    let status = bench.run(&["status", "--json"]).await.json();
    assert_eq!(status["pairs"][0]["open_intents"], 0, "{status:#}");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_apply_of_100_items_is_ended_with_ctrl_c_and_goes_on_without_a_twin() {
    let bench = to_do(100, 20).await;
    let mut terminal = Terminal::run(&bench, &["apply"]);
    terminal.enters("yes");
    terminal.shows("Type yes to go on: ");
    terminal.enters("yes");
    writes(&bench, 20).await;
    terminal.ctrl_c();
    let said = terminal.ends_with(130);
    let made = bench.titles().len();
    assert!((20..100).contains(&made), "{made}: {said}");
    let words = said.split_whitespace().collect::<Vec<_>>().join(" ");
    let far = format!("{made} of 100 actions are done and recorded");
    assert!(words.contains(&far), "{far}\n{said}");
    assert!(words.contains("go on with: boardsync --config"), "{said}");
    no_create_is_open(&bench).await;
    let mut terminal = Terminal::run(&bench, &["apply"]);
    terminal.shows("Type yes to go on: ");
    terminal.enters("yes");
    terminal.ends_with(0);
    all_made_once(&bench, 100).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cycle_that_is_told_to_end_goes_on_later_without_a_twin() {
    let bench = to_do(100, 20).await;
    let args = &["reconcile", "--once", "--yes"];
    let child = start(&bench, args);
    writes(&bench, 20).await;
    signal(&child, "-TERM");
    let ran = within(child, SOON).await.left_with(143);
    let made = bench.titles().len();
    assert!((20..100).contains(&made), "{made}");
    let ran = ran.says(&format!("{made} of 100 actions are done and recorded"));
    ran.says("reconcile --once --yes");
    no_create_is_open(&bench).await;
    // The same yes covers the rest of the first plan, however large; without one it waits.
    bench.run(&["reconcile", "--once"]).await.left_with(4);
    bench.run(args).await.left_with(0);
    all_made_once(&bench, 100).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_saved_plan_that_was_cut_short_is_carried_out_to_its_end() {
    let bench = to_do(40, 20).await;
    bench.run(&["plan", "--out", "p"]).await.left_with(0);
    let child = start(&bench, &["apply", "p"]);
    writes(&bench, 10).await;
    signal(&child, "-INT");
    within(child, SOON).await.left_with(130).says("apply p");
    let made = bench.titles().len();
    bench.run(&["apply", "p"]).await.left_with(0).says(&format!(
        "{made} actions of the saved plan were done before"
    ));
    all_made_once(&bench, 40).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_write_in_hand_gets_its_answer_and_is_recorded() {
    let bench = to_do(3, 0).await;
    bench.world.faults.clear();
    slow(&bench, "POST", 3_000, 1);
    let child = start(&bench, &["reconcile", "--once", "--yes"]);
    tokio::time::sleep(Duration::from_millis(1_500)).await;
    signal(&child, "-TERM");
    within(child, Duration::from_secs(8))
        .await
        .left_with(143)
        .says("1 of 3 actions are done and recorded");
    assert_eq!(bench.titles().len(), 1);
    no_create_is_open(&bench).await;
    bench
        .run(&["reconcile", "--once", "--yes"])
        .await
        .left_with(0);
    all_made_once(&bench, 3).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_service_that_does_not_answer_holds_nobody_longer_than_eight_seconds() {
    let bench = to_do(3, 0).await;
    bench.world.faults.clear();
    slow(&bench, "POST", 30_000, 1);
    let child = start(&bench, &["reconcile", "--once", "--yes"]);
    tokio::time::sleep(Duration::from_millis(1_500)).await;
    signal(&child, "-TERM");
    within(child, Duration::from_secs(9))
        .await
        .left_with(143)
        .says("the next run finds out what became of it");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_ctrl_c_ends_at_once() {
    let bench = to_do(3, 0).await;
    bench.world.faults.clear();
    slow(&bench, "POST", 30_000, 1);
    let child = start(&bench, &["reconcile", "--once", "--yes"]);
    tokio::time::sleep(Duration::from_millis(1_500)).await;
    signal(&child, "-INT");
    tokio::time::sleep(Duration::from_millis(300)).await;
    signal(&child, "-INT");
    within(child, Duration::from_secs(2)).await.left_with(130);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_signal_while_everything_is_only_read_ends_at_once() {
    let bench = to_do(3, 0).await;
    bench.world.faults.clear();
    bench.fault(Side::Ado, None, "wiql", Fault::Delay { ms: 20_000 }, 1);
    let child = start(&bench, &["reconcile", "--once", "--yes"]);
    tokio::time::sleep(Duration::from_millis(1_500)).await;
    signal(&child, "-TERM");
    within(child, Duration::from_secs(2))
        .await
        .left_with(143)
        .says("nothing was written");
    assert_eq!(bench.world.ledger.writes(), []);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_undo_that_is_told_to_end_goes_on_later() {
    let bench = Bench::empty().await;
    let ids = seed::ado_tasks(&bench.world.ado, PROJECT, 30).unwrap();
    let guard = "[guard]\nmax_updates = 100\nmax_creates = 100\n\n[[pair]]";
    bench.replace_config("[[pair]]", guard);
    bench
        .run(&["reconcile", "--once", "--yes"])
        .await
        .left_with(0);
    bench.run(&["reconcile", "--once"]).await.left_with(0);
    for id in ids {
        bench.rename(id, &format!("Wrong {id}"));
    }
    bench.run(&["reconcile", "--once"]).await.left_with(0);
    let runs = bench.run(&["undo", "--json"]).await.json();
    let run = runs["runs"][0]["run"].as_str().unwrap().to_owned();
    bench.world.ledger.clear();
    slow(&bench, "PUT", 50, u32::MAX);
    let child = start(&bench, &["undo", &run, "--yes"]);
    writes(&bench, 5).await;
    signal(&child, "-TERM");
    within(child, SOON).await.left_with(143).says("undo");
    let left = |bench: &Bench| {
        let titles = bench.titles();
        titles.iter().filter(|t| t.starts_with("Wrong")).count()
    };
    assert!((1..26).contains(&left(&bench)), "{}", left(&bench));
    bench.world.faults.clear();
    bench.run(&["undo", &run, "--yes"]).await.left_with(3);
    assert_eq!(left(&bench), 0);
}

#[tokio::test(flavor = "multi_thread")]
#[allow(clippy::print_stderr, reason = "a test that did not run must say so")]
async fn a_hangup_never_ends_the_daemon_nor_a_command_under_nohup() {
    let bench = Bench::equal().await;
    bench.replace_config("[[pair]]", "[schedule]\npoll = \"5s\"\n\n[[pair]]");
    let count = bench.world.ledger.count();
    let daemon = start(&bench, &["reconcile"]);
    bench
        .until(|bench| bench.world.ledger.count() > count)
        .await;
    signal(&daemon, "-HUP");
    bench.rename(bench.ids[1], "Seen after the hangup");
    bench
        .until(|bench| bench.titles().contains(&"Seen after the hangup".to_owned()))
        .await;
    signal(&daemon, "-TERM");
    within(daemon, SOON)
        .await
        .left_with(0)
        .says("SIGHUP changes nothing")
        .says("restart boardsync");

    let bench = to_do(20, 50).await;
    let program = bench.command(&["reconcile", "--once", "--yes"]);
    let mut nohup = std::process::Command::new("sh");
    nohup
        .args(["-c", "trap '' HUP; exec \"$0\" \"$@\""])
        .arg(program.get_program())
        .args(program.get_args())
        .current_dir(bench.folder.path())
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    let child = nohup.spawn().unwrap();
    writes(&bench, 3).await;
    signal(&child, "-HUP");
    within(child, Duration::from_secs(30)).await.left_with(0);
    all_made_once(&bench, 20).await;

    if inherits_ignored_hangup() {
        eprintln!("the tests themselves run under nohup: a hangup without it is not tried");
        return;
    }
    // Without it the terminal is gone for good: as with SIGTERM.
    let bench = to_do(20, 50).await;
    let child = start(&bench, &["reconcile", "--once", "--yes"]);
    writes(&bench, 3).await;
    signal(&child, "-HUP");
    within(child, SOON).await.left_with(129).says("SIGHUP");
    no_create_is_open(&bench).await;
}
