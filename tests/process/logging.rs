//! What goes to stderr: the mail of a cron job, the log of a daemon, the journal.

use super::bench::{ADO_TOKEN, Bench, status};
use boardsync::model::Side;
use serde_json::{Value, json};
use std::fs::File;
use std::process::{Child, Stdio};
use std::time::Duration;

/// As in the crontab of the README: nobody looks at stdout.
const CRON: [&str; 3] = ["--quiet", "reconcile", "--once"];

/// Says something in one line, whatever it is about.
#[track_caller]
fn one_line(text: &str) -> &str {
    let lines: Vec<&str> = text.lines().collect();
    assert_eq!(lines.len(), 1, "{text}");
    lines[0]
}

#[tokio::test(flavor = "multi_thread")]
async fn under_cron_stderr_says_in_one_line_why_somebody_has_to_look() {
    let bench = Bench::new().await;
    let waits = bench.run(&CRON).await.left_with(4);
    assert!(
        one_line(&waits.err).contains(" apply` carries it out"),
        "{waits:?}"
    );
    let yes = ["--quiet", "reconcile", "--once", "--yes"];
    let done = bench.run(&yes).await.left_with(0);
    assert_eq!(done.err, "");
    assert_eq!(bench.run(&CRON).await.left_with(0).err, "", "nothing to do");

    // A guard.
    bench.replace_config("[[pair]]", "[guard]\nmax_updates = 1\n\n[[pair]]");
    for id in &bench.ids[1..4] {
        bench.rename(*id, &format!("Renamed {id}"));
    }
    let guarded = bench.run(&CRON).await.left_with(4);
    assert!(
        one_line(&guarded.err).contains("let it through"),
        "{guarded:?}"
    );

    // A refused token.
    bench.fault(Side::Ado, None, "", status(401, &[]), u32::MAX);
    let refused = bench.run(&CRON).await.left_with(77);
    let said = one_line(&refused.err);
    assert!(
        said.starts_with("error: ") && said.contains("[ado] pat"),
        "{said}"
    );
}

/// A mail of several lines would be read as several things.
#[tokio::test(flavor = "multi_thread")]
async fn under_cron_a_guard_and_an_open_conflict_are_one_line() {
    let bench = Bench::contested(&json!({ "name": "Theirs" })).await;
    bench.replace_config(
        "[[pair]]",
        "[guard]\nmax_updates = 1\nupdates_percent = 1\n\n[[pair]]",
    );
    for id in &bench.ids[0..3] {
        bench.rename(*id, &format!("Renamed {id}"));
    }
    let guarded = bench.run(&CRON).await.left_with(4);
    let said = one_line(&guarded.err);
    for part in ["let it through", "1 conflict is open", " conflicts`"] {
        assert!(said.contains(part), "{said}");
    }
}

/// `status` names the hold, so the log does not say that there is none.
#[tokio::test(flavor = "multi_thread")]
async fn what_an_earlier_cycle_holds_is_counted_while_a_guard_stops_the_pair() {
    let bench = Bench::equal().await;
    let state = [("System.State", json!("Removed"))];
    let ado = &bench.world.ado;
    ado.edit(bench.ids[3], &state, "ada@contoso.example")
        .unwrap();
    bench.run(&["reconcile", "--once"]).await.left_with(3);
    // A plan names what it looked at, and that item did not change since.
    bench.run(&["reconcile", "--once"]).await.left_with(3);
    let guard = "[guard]\nmax_updates = 1\nupdates_percent = 1\n\n[[pair]]";
    bench.replace_config("[[pair]]", guard);
    for id in &bench.ids[0..3] {
        bench.rename(*id, &format!("Renamed {id}"));
    }
    let status = bench.run(&["status", "--json"]).await.json();
    assert_eq!(status["pairs"][0]["holds"], 1, "{status}");
    let guarded = bench.run(&CRON).await.left_with(4);
    let said = one_line(&guarded.err);
    assert!(said.contains("1 item or field is held"), "{said}");
}

/// A service that is gone is told once by the request and once by the command, however often the request was tried.
#[tokio::test(flavor = "multi_thread")]
async fn a_request_that_fails_again_and_again_is_one_line() {
    let bench = Bench::equal().await;
    let gone = boardsync::sandbox::faults::Fault::DropBeforeApply;
    bench.fault(Side::ClickUp, None, "", gone, u32::MAX);
    let ran = bench.run(&["reconcile", "--once"]).await.left_with(69);
    assert_eq!(ran.err.matches("request failed").count(), 1, "{}", ran.err);
}

/// A title may hold what nobody outside of the two services is to read, and logs go far.
#[tokio::test(flavor = "multi_thread")]
async fn no_log_line_shows_a_value_whatever_became_of_a_write() {
    let bench = Bench::equal().await;
    let task = bench.task_named("Validate postcodes");
    bench.rename(bench.ids[3], "Secret words");
    let lost = boardsync::sandbox::faults::Fault::DropAfterApply;
    bench.fault(Side::ClickUp, Some("PUT"), "/task", lost, 1);
    let ran = bench.run(&["-vv", "reconcile", "--once"]).await;
    let mut told = ran.left_with(3).err;
    let back = json!({ "name": "Validate postcodes" });
    bench.world.clickup.edit(&task, &back).unwrap();
    let again = bench.run(&["-vv", "reconcile", "--once"]).await;
    told += &again.left_with(0).err;
    assert!(told.contains("may have been set back"), "{told}");
    for value in ["Secret words", "Validate postcodes"] {
        assert!(!told.contains(value), "{value} in\n{told}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn under_cron_open_conflicts_and_held_items_are_said() {
    let bench = Bench::contested(&json!({ "name": "Theirs" })).await;
    let open = bench.run(&CRON).await.left_with(3);
    let said = one_line(&open.err);
    assert!(said.contains("1 conflict is open"), "{said}");
    assert!(said.contains(" conflicts` say"), "{said}");
    assert!(!said.contains("--retry"), "{said}");
    let state = [("System.State", json!("Removed"))];
    let ado = &bench.world.ado;
    ado.edit(bench.ids[1], &state, "ada@contoso.example")
        .unwrap();
    let held = bench.run(&CRON).await.left_with(3);
    let said = one_line(&held.err);
    assert!(said.contains("1 item or field is held"), "{said}");
    assert!(said.contains(" conflicts` say"), "{said}");
    // Nothing waits after a failure.
    assert!(!said.contains("--retry"), "{said}");
}

#[tokio::test(flavor = "multi_thread")]
async fn every_command_says_with_quiet_why_its_code_is_not_0() {
    let bench = Bench::contested(&json!({ "name": "Theirs" })).await;
    for (args, code) in [
        (&["--quiet", "status"][..], 3),
        (&["--quiet", "verify"][..], 3),
        (&["--quiet", "why", "999"][..], 64),
        (&["--quiet", "links", "list"][..], 0),
    ] {
        let ran = bench.run(args).await.left_with(code);
        match code {
            0 => assert_eq!(ran.err, "", "{args:?}"),
            _ => assert_ne!(one_line(&ran.err), "", "{args:?}"),
        }
    }
}

/// The run of a line is one that `undo` takes, the item one that `history` takes.
#[tokio::test(flavor = "multi_thread")]
async fn a_log_line_names_run_pair_item_field_kind_and_outcome() {
    let bench = Bench::equal().await;
    let item = bench.ids[1];
    bench.rename(item, "Renamed");
    let args = ["-v", "--log", "json", "reconcile", "--once"];
    let ran = bench.run(&args).await.left_with(0);
    let lines: Vec<Value> = ran
        .err
        .lines()
        .map(|line| serde_json::from_str(line).expect(line))
        .collect();
    let done = lines.iter().find(|line| line["outcome"] == "done");
    let done = done.unwrap_or_else(|| panic!("{}", ran.err));
    let task = bench.task_named("Renamed");
    let named = format!("ClickUp {task}");
    for (name, value) in [
        ("level", "INFO"),
        ("pair", "web"),
        ("item", named.as_str()),
        ("field", "title"),
        ("kind", "update"),
    ] {
        assert_eq!(done[name], value, "{done}");
    }
    assert!(!ran.err.contains("Renamed"), "values: {}", ran.err);
    let run = done["run"].as_str().unwrap();
    let undone = bench.run(&["undo", run, "--dry-run"]).await;
    undone.left_with(0).says("Renamed");
    bench
        .run(&["history", &task])
        .await
        .left_with(0)
        .says("Renamed");

    bench.rename(item, "Renamed again");
    let ran = bench.run(&["-v", "reconcile", "--once"]).await.left_with(0);
    let said = format!(
        "pair=web item=\"ClickUp {task}\" side=ClickUp field=title kind=update outcome=done"
    );
    ran.says(&said).says(" run=c");
}

#[tokio::test(flavor = "multi_thread")]
async fn libraries_are_silent_below_a_warning_unless_they_are_asked_for() {
    let bench = Bench::equal().await;
    let ran = |filter: Option<(&'static str, &'static str)>| {
        let mut command = bench.command(&["-vvv", "reconcile", "--once", "--full"]);
        if let Some((name, value)) = filter {
            command.env(name, value);
        }
        super::bench::end(command)
    };
    let others = |err: &str| {
        err.lines()
            .filter(|line| line.contains("hyper_util"))
            .count()
    };
    assert_eq!(others(&ran(None).await.err), 0);
    assert_eq!(others(&ran(Some(("LOG_LEVEL", "trace"))).await.err), 0);
    let asked = ran(Some(("RUST_LOG", "hyper_util=trace"))).await.err;
    assert!(others(&asked) > 0, "{asked}");
}

/// Stderr of a process as a file that can be read while it runs.
struct Heard {
    child: Child,
    path: std::path::PathBuf,
}

impl Heard {
    fn daemon(bench: &Bench, args: &[&str], journal: Option<&str>) -> Heard {
        let path = bench.folder.path().join("stderr.txt");
        let file = File::create(&path).unwrap();
        let mut command = bench.command(args);
        if let Some(journal) = journal {
            command.env("JOURNAL_STREAM", journal);
        }
        let child = command.stdout(Stdio::null()).stderr(file).spawn().unwrap();
        Heard { child, path }
    }

    fn text(&self) -> String {
        std::fs::read_to_string(&self.path).unwrap()
    }

    async fn until(&self, text: &str) -> String {
        for _ in 0..400 {
            let said = self.text();
            if said.contains(text) {
                return said;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        panic!("{text:?} did not come: {}", self.text());
    }
}

impl Drop for Heard {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_daemon_begins_by_saying_which_program_works_on_what() {
    let bench = Bench::equal().await;
    bench.replace_config("[ado]", "[schedule]\npoll = \"90s\"\n\n[ado]");
    let heard = Heard::daemon(&bench, &["reconcile"], None);
    let said = heard.until("nothing written").await;
    let first = said.lines().next().unwrap();
    for part in [
        "INFO boardsync starts version=",
        "pairs=web",
        &format!("version={}", env!("CARGO_PKG_VERSION")),
        &format!("config={}", bench.config.display()),
        &format!(
            "state={}",
            bench.folder.path().join("boardsync.db").display()
        ),
        "schedule=\"every 1m 30s\"",
        "time_zone=\"not set\"",
    ] {
        assert!(first.contains(part), "{part}: {first}");
    }
    assert!(said.contains("said once an hour"), "{said}");
}

/// A daemon that only looks tells each write and each hold that would be, once.
#[tokio::test(flavor = "multi_thread")]
async fn a_read_only_daemon_says_what_it_would_do_whenever_that_is_something_else() {
    let bench = Bench::equal().await;
    bench.replace_config("[ado]", "[schedule]\npoll = \"5s\"\n\n[ado]");
    let id = bench.ids[1];
    let task = bench.task_named("Guest can enter an address");
    bench.rename(id, "Renamed");
    let heard = Heard::daemon(&bench, &["reconcile", "--read-only"], None);
    let planned = format!(
        "pair=web item=\"ClickUp {task}\" side=ClickUp field=\"title\" kind=\"update\"}}: differs from ADO outcome=\"planned\""
    );
    let said = heard.until("planned").await;
    assert!(
        said.contains(
            "read-only: nothing is written; this is what would be pair=web writes=1 held=0"
        ),
        "{said}"
    );
    bench.world.ledger.clear();
    bench.until(|bench| bench.world.ledger.count() > 3).await;
    tokio::time::sleep(Duration::from_secs(1)).await;
    let said = heard.text();
    assert_eq!(said.matches("planned").count(), 1, "{planned}: {said}");
    bench.rename(bench.ids[2], "Another");
    heard.until("writes=2").await;
    assert_eq!(bench.world.ledger.writes(), []);
}

/// Where somebody has to say yes or to choose, a daemon that only looks says that, and not that it would write.
#[tokio::test(flavor = "multi_thread")]
async fn a_read_only_daemon_says_what_would_wait_for_a_person() {
    let bench = Bench::new().await;
    let heard = Heard::daemon(&bench, &["reconcile", "--read-only"], None);
    let said = heard.until("planned").await;
    assert!(said.contains("this would wait for a yes"), "{said}");

    let edit = serde_json::json!({"name": "Theirs"});
    let bench = Bench::contested(&edit).await;
    bench.rename(bench.ids[3], "Ours again");
    let heard = Heard::daemon(&bench, &["reconcile", "--read-only"], None);
    let said = heard.until("neither value is written").await;
    assert!(said.contains("open=1"), "{said}");
}

/// A pair that another installation works on is left alone for a quarter of an hour. A cycle that looks at nothing is none.
#[tokio::test(flavor = "multi_thread")]
async fn a_daemon_whose_pairs_are_left_alone_has_no_cycle_that_is_done() {
    let bench = Bench::equal().await;
    bench.replace_config("[ado]", "[schedule]\npoll = \"5s\"\n\n[ado]");
    for name in [
        "boardsync.db",
        "boardsync.db-wal",
        "boardsync.db-shm",
        "boardsync.db.key",
    ] {
        let _ = std::fs::remove_file(bench.folder.path().join(name));
    }
    let heard = Heard::daemon(&bench, &["reconcile"], None);
    heard.until("was not carried out").await;
    tokio::time::sleep(Duration::from_secs(12)).await;
    let said = heard.text();
    assert!(!said.contains("nothing written"), "{said}");
    let status = bench.run(&["status"]).await.left_with(3);
    status.says("stopped, 0 writes");
}

/// At rest the log of a daemon does not grow.
#[tokio::test(flavor = "multi_thread")]
async fn idle_cycles_add_no_line() {
    let bench = Bench::equal().await;
    bench.replace_config("[ado]", "[schedule]\npoll = \"5s\"\n\n[ado]");
    let heard = Heard::daemon(&bench, &["reconcile"], None);
    heard.until("nothing written").await;
    bench.world.ledger.clear();
    bench.until(|bench| bench.world.ledger.count() > 3).await;
    tokio::time::sleep(Duration::from_secs(1)).await;
    assert_eq!(heard.text().lines().count(), 2, "{}", heard.text());
}

#[cfg(unix)]
#[tokio::test(flavor = "multi_thread")]
async fn the_journal_gets_priorities_and_no_second_time_stamp() {
    use std::os::unix::fs::MetadataExt as _;
    let bench = Bench::equal().await;
    let path = bench.folder.path().join("stderr.txt");
    let place = File::create(path).unwrap().metadata().unwrap();
    let journal = format!("{}:{}", place.dev(), place.ino());
    let heard = Heard::daemon(&bench, &["reconcile"], Some(&journal));
    let said = heard.until("nothing written").await;
    for line in said.lines() {
        assert!(line.starts_with("<6>"), "{said}");
        assert!(!line.starts_with("<6>20"), "{said}");
    }
    drop(heard);
    // The variable is inherited by whoever is started from a unit; where stderr went elsewhere, it says nothing.
    let heard = Heard::daemon(&bench, &["reconcile"], Some("1:2"));
    let said = heard.until("nothing written").await;
    for line in said.lines() {
        assert!(line.starts_with("20"), "{said}");
    }
    drop(heard);
    // What a command says beside its log is told with its weight as well.
    bench.fault(Side::Ado, None, "", status(401, &[]), u32::MAX);
    let heard = Heard::daemon(&bench, &["reconcile", "--once"], Some(&journal));
    heard.until("<3>error: ").await;
    heard.until("<3>help: ").await;
}

/// The token in each of the places that can change while the daemon runs; an environment cannot.
#[cfg(unix)]
#[tokio::test(flavor = "multi_thread")]
async fn a_token_that_was_replaced_is_used_after_a_refusal() {
    let file = "pat = { file = \"ado.token\" }";
    for source in [
        file,
        "pat = { command = [\"cat\", \"ado.token\"] }",
        "pat = { credential = \"ado.token\" }",
    ] {
        let bench = Bench::equal().await;
        bench.replace_config(file, source);
        bench.replace_config("[ado]", "[schedule]\npoll = \"5s\"\n\n[ado]");
        let path = bench.folder.path().join("stderr.txt");
        let mut command = bench.command(&["reconcile"]);
        let child = command
            .env("CREDENTIALS_DIRECTORY", bench.folder.path())
            .stdout(Stdio::null())
            .stderr(File::create(&path).unwrap())
            .spawn()
            .unwrap();
        let heard = Heard { child, path };
        heard.until("nothing written").await;
        bench.world.ado.set_token("canary-ado-the-new-one");
        heard.until("left alone").await;
        bench.rename(bench.ids[1], "After the new token");
        std::fs::write(
            bench.folder.path().join("ado.token"),
            "canary-ado-the-new-one",
        )
        .unwrap();
        // Long before the wait of a minute is over.
        bench
            .until(|bench| bench.titles().contains(&"After the new token".to_owned()))
            .await;
        let said = heard.text();
        for secret in [ADO_TOKEN, "canary-ado-the-new-one"] {
            assert!(!said.contains(secret), "{said}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_daemon_that_is_started_with_a_good_token_tries_at_once() {
    let bench = Bench::equal().await;
    bench.fault(Side::Ado, None, "", status(401, &[]), u32::MAX);
    for _ in 0..4 {
        bench.run(&CRON).await.left_with(77);
    }
    bench.world.faults.clear();
    bench.rename(bench.ids[1], "After the restart");
    let mut child = bench.daemon();
    bench
        .until(|bench| bench.titles().contains(&"After the restart".to_owned()))
        .await;
    let _ = child.kill();
    let _ = child.wait();
}

/// Whose value was not taken finds out from the log that it is kept.
#[tokio::test(flavor = "multi_thread")]
async fn a_conflict_that_the_rule_settles_is_said_in_the_log() {
    let bench = Bench::equal().await;
    let task = bench.task_named("Validate postcodes");
    bench.rename(bench.ids[3], "Ours");
    let theirs = json!({ "name": "Theirs" });
    bench.world.clickup.edit(&task, &theirs).unwrap();
    let heard = Heard::daemon(&bench, &["reconcile"], None);
    let said = heard.until("cycle done").await;
    let line = said.lines().find(|line| line.contains("by the rule"));
    let line = line.expect(&said);
    for part in ["ADO wins", "field=title", "pair=web", "conflicts --all"] {
        assert!(line.contains(part), "{line}");
    }
    assert!(!said.contains("Theirs"), "{said}");
}

#[cfg(unix)]
#[tokio::test(flavor = "multi_thread")]
async fn a_daemon_says_that_it_has_stopped() {
    let bench = Bench::equal().await;
    let heard = Heard::daemon(&bench, &["reconcile"], None);
    heard.until("nothing written").await;
    let pid = heard.child.id().to_string();
    std::process::Command::new("kill")
        .args(["-TERM", &pid])
        .status()
        .unwrap();
    let said = heard.until("INFO stopped").await;
    assert!(said.contains("stopping after what is under way"), "{said}");
}
