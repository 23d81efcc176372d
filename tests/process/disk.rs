//! A bad day for this machine: its disk, its database, its clock. Nothing is written to a service without a base.

use super::bench::{Bench, Ran};
use boardsync::model::Timestamp;
use boardsync::sandbox::clock::SandboxClock;

const TEN_YEARS_MS: i64 = 3_652 * 86_400_000;

/// Runs with a limit on the size of every file that the program writes, in blocks of 512 bytes: what a full disk does.
pub fn run_with_little_disk(bench: &Bench, blocks: u32, args: &[&str]) -> Ran {
    let command = bench.command(args);
    let script = format!("trap '' XFSZ; ulimit -f {blocks}; exec \"$0\" \"$@\"");
    let mut limited = std::process::Command::new("sh");
    limited
        .arg("-c")
        .arg(script)
        .arg(command.get_program())
        .args(command.get_args())
        .env_clear()
        .env("PATH", std::env::var_os("PATH").unwrap())
        .current_dir(bench.folder.path())
        .stdin(std::process::Stdio::null());
    let output = limited.output().unwrap();
    Ran {
        code: output.status.code().unwrap_or(-1),
        out: String::from_utf8(output.stdout).unwrap(),
        err: String::from_utf8(output.stderr).unwrap(),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_disk_that_fills_up_in_the_midst_of_creates_makes_no_twin() {
    let bench = Bench::equal().await;
    for n in 0..12 {
        bench.add_story(&format!("Made while the disk fills {n}"));
    }
    // The shared-memory file of the database alone takes 64 blocks.
    let ran = run_with_little_disk(&bench, 96, &["reconcile", "--once"]);
    assert!(![0, 3].contains(&ran.code), "{ran:?}");
    let ran = ran.says("error:").says("disk");
    assert!(!ran.err.contains("panicked"), "{ran:?}");
    let made = bench.world.ledger.writes().len();
    assert!((1..12).contains(&made), "{made} writes: {ran:?}");
    let code = bench.run(&["reconcile", "--once"]).await.code;
    assert!([0, 3].contains(&code));
    bench.run(&["reconcile", "--once"]).await.left_with(0);
    let titles = bench.titles();
    for n in 0..12 {
        let title = format!("Made while the disk fills {n}");
        let same = titles.iter().filter(|t| **t == title).count();
        assert_eq!(same, 1, "{title}: {titles:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_place_that_cannot_be_written_to_is_named_before_anything_is_sent() {
    let bench = Bench::new().await;
    bench.replace_config("boardsync.db", "/proc/boardsync.db");
    bench
        .run(&["reconcile", "--once", "--yes"])
        .await
        .left_with(1)
        .says("/proc/boardsync.db");
    assert_eq!(bench.world.ledger.writes(), []);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_damaged_database_is_named_and_left_as_it_is() {
    let bench = Bench::equal().await;
    bench.add_story("Made after the damage");
    let file = bench.folder.path().join("boardsync.db");
    let mut bytes = std::fs::read(&file).unwrap();
    let middle = bytes.len() / 2;
    for byte in &mut bytes[4096..middle] {
        *byte = 0xA5;
    }
    std::fs::write(&file, &bytes).unwrap();
    for args in [&["reconcile", "--once"][..], &["reconcile"], &["plan"]] {
        bench
            .run(args)
            .await
            .left_with(1)
            .says("damaged")
            .says("restore a backup");
    }
    assert_eq!(std::fs::read(&file).unwrap(), bytes);
    assert_eq!(bench.world.ledger.writes(), []);
    std::fs::write(&file, "not a database at all, but a text").unwrap();
    bench
        .run(&["reconcile", "--once"])
        .await
        .left_with(1)
        .says("boardsync.db");
    assert_eq!(bench.world.ledger.writes(), []);
}

/// Edits on both sides arrive, and the cycle after writes nothing.
async fn goes_on(bench: &Bench, word: &str) {
    bench.rename(bench.ids[1], &format!("{word} in ADO"));
    let task = bench.task_named("Guest gets a receipt by mail");
    let body = serde_json::json!({ "priority": 2 });
    bench.world.clickup.edit(&task, &body).unwrap();
    bench.run(&["reconcile", "--once"]).await.left_with(0);
    assert!(bench.titles().contains(&format!("{word} in ADO")));
    let fields = bench.world.ado.item(bench.ids[2]).unwrap().fields;
    assert_eq!(fields["Microsoft.VSTS.Common.Priority"], 2);
    bench.quiet().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn services_ten_years_ahead_or_behind_of_this_clock_are_synced_all_the_same() {
    let then =
        Timestamp(boardsync::model::Clock::now(&boardsync::clock::SystemClock).0 - TEN_YEARS_MS);
    let behind = Bench::at(SandboxClock::new(then)).await;
    behind
        .run(&["reconcile", "--once", "--yes"])
        .await
        .left_with(0);
    goes_on(&behind, "Behind").await;
    let jumped = Bench::equal().await;
    jumped.world.clock.advance(TEN_YEARS_MS);
    goes_on(&jumped, "Ahead").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn after_days_asleep_everything_that_happened_meanwhile_arrives() {
    let bench = Bench::equal().await;
    bench.rename(bench.ids[3], "Edited just after the lid was closed");
    bench.world.clock.advance(9 * 86_400_000);
    bench.add_story("Made while asleep");
    goes_on(&bench, "Awake").await;
    let titles = bench.titles();
    for title in ["Edited just after the lid was closed", "Made while asleep"] {
        let same = titles.iter().filter(|t| *t == title).count();
        assert_eq!(same, 1, "{title}: {titles:?}");
    }
}
