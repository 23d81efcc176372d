//! Other users of the machine, and text that wants to do something: what boardsync writes where, and what it trusts.

use super::bench::{Bench, CLICKUP_TOKEN};
use super::disk::run_with_little_disk;
use boardsync::sandbox::world::LIST;
use serde_json::json;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::Path;

fn mode(path: &Path) -> u32 {
    std::fs::metadata(path).unwrap().permissions().mode() & 0o7777
}

fn set_mode(path: &Path, mode: u32) {
    std::fs::set_permissions(path, PermissionsExt::from_mode(mode)).unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_saved_plan_is_for_its_owner_only_and_never_goes_through_a_link() {
    let bench = Bench::new().await;
    let plan = bench.folder.path().join("p");
    bench.run(&["plan", "--out", "p"]).await.left_with(0);
    assert_eq!(mode(&plan), 0o600);
    // A plan replaces an older one, whatever its mode was, and an empty file that was made for it.
    for text in [std::fs::read(&plan).unwrap(), Vec::new()] {
        std::fs::write(&plan, text).unwrap();
        set_mode(&plan, 0o666);
        bench.run(&["plan", "--out", "p"]).await.left_with(0);
        assert_eq!(mode(&plan), 0o600);
    }
    let target = bench.folder.path().join("target");
    std::fs::write(&target, "mine").unwrap();
    for name in ["link", "dangling"] {
        let to = if name == "link" { "target" } else { "nowhere" };
        symlink(to, bench.folder.path().join(name)).unwrap();
        bench
            .run(&["plan", "--out", name])
            .await
            .left_with(64)
            .says("symbolic link");
    }
    symlink("target", bench.folder.path().join("q.tmp")).unwrap();
    bench.run(&["plan", "--out", "q"]).await.left_with(0);
    assert_eq!(std::fs::read_to_string(&target).unwrap(), "mine");
    assert!(!bench.folder.path().join("nowhere").exists());
}

#[tokio::test(flavor = "multi_thread")]
async fn plan_out_replaces_nothing_but_a_saved_plan() {
    let names = [
        "boardsync.db",
        "./boardsync.db",
        "boardsync.db-wal",
        "boardsync.db.key",
        "boardsync.db.lock",
        "boardsync.db.epoch",
        "boardsync.db.stop",
        "boardsync.db.backup-2026-01-01T00-00-00Z",
        "config.toml",
        "ado.token",
        "notes.txt",
        "other.json",
    ];
    for bench in [Bench::new().await, Bench::equal().await] {
        let folder = bench.folder.path();
        std::fs::write(folder.join("notes.txt"), "mine").unwrap();
        std::fs::write(folder.join("other.json"), "{\"format_version\":1}").unwrap();
        let before = bench.files();
        bench.world.ledger.clear();
        for name in names {
            bench
                .run(&["plan", "--out", name])
                .await
                .left_with(64)
                .says("name another file for the plan");
        }
        assert_eq!(bench.files(), before);
        assert_eq!(bench.world.ledger.count(), 0, "refused before the look");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_plan_that_does_not_fit_on_the_disk_leaves_nothing_behind() {
    let bench = Bench::new().await;
    let before = bench.files();
    let ran = run_with_little_disk(&bench, 1, &["plan", "--out", "p"]);
    ran.left_with(1).says("cannot write p");
    assert_eq!(bench.files(), before);
    // What was saved before stays whole.
    bench.run(&["plan", "--out", "p"]).await.left_with(0);
    let before = bench.files();
    run_with_little_disk(&bench, 1, &["plan", "--out", "p"]).left_with(1);
    assert_eq!(bench.files(), before);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_state_folder_that_others_may_write_to_is_refused() {
    let bench = Bench::equal().await;
    bench.rename(bench.ids[1], "Renamed");
    bench.world.ledger.clear();
    let before = bench.files();
    set_mode(bench.folder.path(), 0o777);
    for args in [
        &["reconcile", "--once"][..],
        &["apply"],
        &["links", "remove", "2"],
    ] {
        bench
            .run(args)
            .await
            .left_with(1)
            .says("other users may write to this folder (mode 0777)")
            .says("chmod go-w");
    }
    assert_eq!(bench.files(), before);
    assert_eq!(bench.world.ledger.writes(), []);
    bench.run(&["doctor", "--offline"]).await.says("FAIL place");
    // In a folder with the sticky bit nobody can exchange another one's files.
    set_mode(bench.folder.path(), 0o1777);
    bench.run(&["reconcile", "--once"]).await.left_with(0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_link_in_the_place_of_a_file_of_the_state_is_refused_and_its_target_stays() {
    for bench in [Bench::new().await, Bench::equal().await] {
        let folder = bench.folder.path();
        let target = folder.join("target");
        for name in [".lock", ".epoch.tmp", ".epoch", "-wal", ".key.tmp"] {
            std::fs::write(&target, "mine").unwrap();
            let link = folder.join(format!("boardsync.db{name}"));
            let kept = std::fs::read(&link).ok();
            let _ = std::fs::remove_file(&link);
            symlink("target", &link).unwrap();
            bench.world.ledger.clear();
            bench
                .run(&["reconcile", "--once", "--yes"])
                .await
                .left_with(1)
                .says("symbolic link")
                .says(name);
            assert_eq!(std::fs::read_to_string(&target).unwrap(), "mine", "{name}");
            assert_eq!(bench.world.ledger.writes(), []);
            std::fs::remove_file(&link).unwrap();
            if let Some(bytes) = kept {
                std::fs::write(&link, bytes).unwrap();
                set_mode(&link, 0o600);
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lock_file_with_a_second_name_is_not_cut() {
    let bench = Bench::new().await;
    let target = bench.folder.path().join("target");
    std::fs::write(&target, "mine").unwrap();
    std::fs::hard_link(&target, bench.folder.path().join("boardsync.db.lock")).unwrap();
    bench
        .run(&["reconcile", "--once", "--yes"])
        .await
        .left_with(1)
        .says("second name");
    assert_eq!(std::fs::read_to_string(&target).unwrap(), "mine");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_marker_key_that_others_can_read_is_refused_with_the_remedy() {
    let bench = Bench::equal().await;
    let key = bench.folder.path().join("boardsync.db.key");
    bench.world.ledger.clear();
    for loose in [0o644, 0o640, 0o620] {
        set_mode(&key, loose);
        for args in [&["reconcile", "--once"][..], &["plan"]] {
            bench
                .run(args)
                .await
                .left_with(1)
                .says("boardsync.db.key")
                .says("chmod 600");
        }
    }
    bench.run(&["doctor", "--offline"]).await.says("chmod 600");
    assert_eq!(bench.world.ledger.writes(), []);
    set_mode(&key, 0o600);
    bench.run(&["reconcile", "--once"]).await.left_with(0);
}

#[tokio::test(flavor = "multi_thread")]
async fn json_holds_no_character_that_steers_a_terminal() {
    let bench = Bench::new().await;
    let title = "Red\u{9b}31m \u{202e}drawkcab \u{2066}x\u{200f}";
    let body = json!({ "name": title, "status": "to do" });
    bench.world.clickup.create_task(LIST, &body).unwrap();
    for args in [
        &["plan", "--json", "--out", "p"][..],
        &["reconcile", "--once", "--yes", "--json"],
        &["status", "--json"],
    ] {
        let ran = bench.run(args).await;
        let steers = |c: char| {
            c != '\n' && c.is_control() || matches!(c, '\u{200f}' | '\u{202e}' | '\u{2066}')
        };
        assert!(!ran.out.chars().any(steers), "{:?}", ran.out);
        assert!(ran.json()["format_version"].is_u64());
        if args[0] == "plan" {
            assert!(ran.out.contains("\\u202e"), "{}", ran.out);
            assert!(ran.json().to_string().contains('\u{202e}'));
        }
    }
    // The saved plan says what it said.
    bench.run(&["apply", "p"]).await.left_with(0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_secret_command_sees_no_token_in_its_environment() {
    let bench = Bench::new().await;
    bench.replace_config(
        "pat = { file = \"ado.token\" }",
        "pat = { command = [\"sh\", \"-c\", \"env > seen; cat ado.token\"] }",
    );
    bench.replace_config(
        "token = { file = \"clickup.token\" }",
        "token = { env = \"MY_CLICKUP\" }",
    );
    let mut command = bench.command(&["plan"]);
    command
        .env("MY_CLICKUP", CLICKUP_TOKEN)
        .env("CLICKUP_API_TOKEN", "pk_seed_name")
        .env("WEBHOOK_SECRET", "hook")
        .env("HARMLESS", "stays");
    super::bench::end(command).await.left_with(0);
    let seen = std::fs::read_to_string(bench.folder.path().join("seen")).unwrap();
    assert!(seen.contains("HARMLESS=stays"), "{seen}");
    for name in [
        "MY_CLICKUP",
        "CLICKUP_API_TOKEN",
        "WEBHOOK_SECRET",
        CLICKUP_TOKEN,
    ] {
        assert!(!seen.contains(name), "{name}: {seen}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stop_file_that_is_a_link_to_nowhere_stops() {
    let bench = Bench::equal().await;
    bench.rename(bench.ids[1], "Renamed");
    bench.world.ledger.clear();
    let file = bench.folder.path().join("boardsync.db.stop");
    symlink("nowhere", &file).unwrap();
    bench
        .run(&["reconcile", "--once"])
        .await
        .left_with(4)
        .says("stopped by the file");
    assert_eq!(bench.world.ledger.writes(), []);
    std::fs::remove_file(&file).unwrap();
    bench.run(&["reconcile", "--once"]).await.left_with(0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_link_that_opens_something_on_the_readers_machine_does_not_cross() {
    let bench = Bench::new().await;
    let text = "[click](file:///etc/passwd) [ssh](ssh://host) [web](https://x.example/a) [mail](mailto:a@x.example)";
    let body = json!({ "name": "From ClickUp", "status": "to do", "markdown_content": text });
    bench.world.clickup.create_task(LIST, &body).unwrap();
    let html = "<p><a href=\"file:///etc/passwd\">click</a> <a href=\"vscode://x\">code</a> \
                <a href=\"https://x.example/a\">web</a></p>";
    let fields = [
        ("System.Title", json!("From ADO")),
        ("System.Description", json!(html)),
    ];
    let project = boardsync::sandbox::world::PROJECT;
    bench
        .world
        .ado
        .create_item(project, "Task", &fields)
        .unwrap();
    bench
        .run(&["reconcile", "--once", "--yes"])
        .await
        .left_with(0);
    let task = bench
        .world
        .clickup
        .task(&bench.task_named("From ADO"))
        .unwrap();
    let made = bench.world.ado.all_ids().into_iter();
    let made: Vec<String> = made
        .map(|id| format!("{:?}", bench.world.ado.item(id).unwrap().fields))
        .filter(|fields| fields.contains("From ClickUp"))
        .collect();
    assert_eq!(made.len(), 1);
    for (text, kept) in [(task.to_string(), "web"), (made[0].clone(), "mailto:")] {
        for scheme in ["file:", "ssh:", "vscode:"] {
            assert!(!text.contains(scheme), "{scheme} in {text}");
        }
        assert!(
            text.contains("click") && text.contains("https://x.example/a"),
            "{text}"
        );
        assert!(text.contains(kept), "{text}");
    }
}
