//! A state that one user's daemon keeps, and commands of another user on it. Only root can play both, so elsewhere
//! there is nothing to see here.

use super::bench::{Bench, Ran, end};
use boardsync::sandbox::{seed, world::PROJECT};
use std::os::unix::fs::{MetadataExt, PermissionsExt, chown};
use std::os::unix::process::CommandExt;
use std::path::PathBuf;

/// nobody, on most systems; any number without a user of ours does.
const DAEMON: u32 = 65_534;

#[allow(clippy::print_stderr, reason = "a test that did not run must say so")]
fn is_root() -> bool {
    let root = std::fs::metadata("/proc/self").is_ok_and(|own| own.uid() == 0);
    if !root {
        eprintln!("skipped: only root can run commands as two users");
    }
    root
}

fn files(bench: &Bench) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(bench.folder.path()).unwrap();
    entries.map(|entry| entry.unwrap().path()).collect()
}

/// Gives the folder and everything in it to the daemon's user.
fn give(bench: &Bench) {
    for path in files(bench) {
        chown(path, Some(DAEMON), Some(DAEMON)).unwrap();
    }
    chown(bench.folder.path(), Some(DAEMON), Some(DAEMON)).unwrap();
}

async fn as_daemon(bench: &Bench, args: &[&str]) -> Ran {
    let mut command = bench.command(args);
    command.uid(DAEMON).gid(DAEMON);
    end(command).await
}

/// Every file of the state is the daemon's, for it alone.
#[track_caller]
fn all_the_daemons(bench: &Bench) {
    let mut seen = 0;
    for path in files(bench) {
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        if !name.starts_with("boardsync.db") {
            continue;
        }
        seen += 1;
        let found = std::fs::metadata(&path).unwrap();
        assert_eq!((found.uid(), found.gid()), (DAEMON, DAEMON), "{name}");
        assert_eq!(found.permissions().mode() & 0o777, 0o600, "{name}");
    }
    assert!(seen >= 4, "database, key, lock and epoch");
}

#[tokio::test(flavor = "multi_thread")]
async fn after_a_command_of_root_the_daemon_starts_again() {
    if !is_root() {
        return;
    }
    let bench = Bench::equal().await;
    give(&bench);
    bench.rename(bench.ids[1], "Planned by the daemon's user");
    as_daemon(&bench, &["plan", "--out", "p"])
        .await
        .left_with(0);
    bench.run(&["apply", "p"]).await.left_with(0);
    all_the_daemons(&bench);
    bench.run(&["status"]).await.left_with(0);
    bench.rename(bench.ids[2], "For the daemon");
    as_daemon(&bench, &["reconcile", "--once"])
        .await
        .left_with(0);
    assert!(bench.titles().contains(&"For the daemon".to_owned()));
    // A plan with a backup before it, and one that an earlier version left to root.
    let guard = "[guard]\nmax_creates = 100\n\n[[pair]]";
    bench.replace_config("[[pair]]", guard);
    seed::ado_tasks(&bench.world.ado, PROJECT, 30).unwrap();
    chown(
        bench.folder.path().join("boardsync.db.epoch"),
        Some(0),
        Some(0),
    )
    .unwrap();
    chown(
        bench.folder.path().join("boardsync.db.lock"),
        Some(0),
        Some(0),
    )
    .unwrap();
    as_daemon(&bench, &["reconcile", "--once"])
        .await
        .left_with(1)
        .says("it belongs to user root")
        .says(&format!("chown {DAEMON}"));
    bench.run(&["reconcile", "--once"]).await.left_with(0);
    all_the_daemons(&bench);
    let copies = |name: &PathBuf| name.to_string_lossy().contains(".backup-");
    assert_eq!(files(&bench).iter().filter(|name| copies(name)).count(), 1);
    as_daemon(&bench, &["reconcile", "--once"])
        .await
        .left_with(0);
    assert_eq!(bench.titles().len(), 35);
}

#[tokio::test(flavor = "multi_thread")]
async fn root_may_be_the_first_to_run_in_the_folder_of_the_daemon() {
    if !is_root() {
        return;
    }
    let bench = Bench::new().await;
    give(&bench);
    bench
        .run(&["reconcile", "--once", "--yes"])
        .await
        .left_with(0);
    all_the_daemons(&bench);
    bench.rename(bench.ids[2], "For the daemon");
    as_daemon(&bench, &["reconcile", "--once"])
        .await
        .left_with(0);
    assert!(bench.titles().contains(&"For the daemon".to_owned()));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_user_who_cannot_keep_the_owner_is_refused_before_anything_is_written() {
    if !is_root() {
        return;
    }
    let bench = Bench::equal().await;
    // Everything is readable and writable for the other one: still its files would not be the owner's.
    give(&bench);
    let other = bench.folder.path().join("boardsync.db");
    for path in files(&bench) {
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        if name.starts_with("boardsync.db") {
            chown(&path, Some(1), Some(DAEMON)).unwrap();
        }
    }
    std::fs::set_permissions(&other, PermissionsExt::from_mode(0o660)).unwrap();
    bench.rename(bench.ids[1], "Renamed");
    let before = bench.files();
    bench.world.ledger.clear();
    as_daemon(&bench, &["reconcile", "--once"])
        .await
        .left_with(1)
        .says("it belongs to user")
        .says("sudo -u");
    assert_eq!(bench.world.ledger.writes(), []);
    assert_eq!(bench.files(), before);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_state_that_may_not_be_written_is_told_by_the_file_that_is_in_the_way() {
    if !is_root() {
        return;
    }
    let bench = Bench::equal().await;
    give(&bench);
    let mode = |name: &str, mode: u32| {
        let path = bench.folder.path().join(name);
        std::fs::set_permissions(path, PermissionsExt::from_mode(mode)).unwrap();
    };
    // SQLite gives the files that it makes beside a database the mode of the database.
    std::fs::write(bench.folder.path().join("boardsync.db-shm"), "").unwrap();
    give(&bench);
    for (name, wrong, right) in [
        ("boardsync.db", 0o400, 0o600),
        ("boardsync.db-shm", 0o400, 0o600),
        ("", 0o500, 0o700),
    ] {
        mode(name, wrong);
        as_daemon(&bench, &["reconcile", "--once"])
            .await
            .left_with(1)
            .says("chmod u+w")
            .says(name);
        mode(name, right);
    }
    bench.rename(bench.ids[1], "Written again");
    as_daemon(&bench, &["reconcile", "--once"])
        .await
        .left_with(0);
    assert!(bench.titles().contains(&"Written again".to_owned()));
}
