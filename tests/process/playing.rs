//! `sandbox` as a place to play: the session that its help shows, as it stands, and whose edits those are.

use super::bench::end;
use serde_json::Value;
use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

struct Playground {
    child: Child,
    folder: tempfile::TempDir,
}

impl Drop for Playground {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn program(folder: &Path) -> Command {
    let mut command = Command::new(assert_cmd::cargo::cargo_bin!("boardsync"));
    command.env_clear().current_dir(folder).stdin(Stdio::null());
    for name in ["PATH", "HOME"] {
        if let Some(value) = std::env::var_os(name) {
            command.env(name, value);
        }
    }
    command
}

impl Playground {
    /// Starts the sandbox with what the first line of the session says.
    fn start(args: &[String]) -> Playground {
        let folder = tempfile::tempdir().unwrap();
        let mut child = program(folder.path())
            .args(args)
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let out = BufReader::new(child.stdout.take().unwrap());
        let mut lines = out.lines();
        lines
            .find(|line| line.as_ref().unwrap().contains("Ctrl-C"))
            .expect("a running sandbox")
            .unwrap();
        Playground { child, folder }
    }

    fn place(&self) -> PathBuf {
        self.folder.path().join("play")
    }
}

/// Splits a line as a shell does that knows double quotes only.
pub fn words(line: &str) -> Vec<String> {
    let mut words = vec![String::new()];
    let mut inside = false;
    for c in line.trim().chars() {
        match c {
            '"' => inside = !inside,
            ' ' if !inside => words.push(String::new()),
            c => words.last_mut().unwrap().push(c),
        }
    }
    words
}

/// The lines of the session between two that say in which terminal.
async fn session() -> Vec<Vec<String>> {
    let here = tempfile::tempdir().unwrap();
    let mut help = program(here.path());
    help.args(["sandbox", "--help"]);
    let help = end(help).await.left_with(0).out;
    let (_, session) = help.split_once("Example, in one terminal:").expect(&help);
    let lines = session.lines().filter(|line| line.starts_with("  "));
    let lines: Vec<_> = lines.map(words).collect();
    assert!(lines.len() >= 8, "{help}");
    lines
}

#[tokio::test(flavor = "multi_thread")]
async fn the_session_that_the_help_shows_runs_as_it_stands() {
    let lines = session().await;
    assert_eq!(lines[0][..2], ["boardsync", "sandbox"]);
    let playground = Playground::start(&lines[0][1..]);
    let mut place = playground.folder.path().to_owned();
    let mut said = Vec::new();
    for line in &lines[1..] {
        if line[0] == "cd" {
            place = place.join(&line[1]);
            continue;
        }
        assert_eq!(line[0], "boardsync");
        let mut command = program(&place);
        command.args(&line[1..]);
        said.push((line.join(" "), end(command).await.left_with(0).out));
    }
    let of = |what: &str| {
        let found = said.iter().rev().find(|(line, _)| line.contains(what));
        found.expect(what).1.clone()
    };
    assert!(
        of("edit ADO").contains("changed by   Ada Byron"),
        "{said:?}"
    );
    let plan = of("boardsync plan");
    assert!(plan.contains("Country list is empty"), "{plan}");
    assert!(plan.contains("(changed in Azure DevOps)"), "{plan}");
    assert!(plan.contains("(changed in ClickUp)"), "{plan}");
    assert!(of("show ClickUp").contains("Country list is empty"));
    assert!(of("history 5").contains("Country list is empty"));
    // The same session is in the README.
    let readme = std::fs::read_to_string("README.md").unwrap();
    for line in lines {
        let command = line.join(" ");
        let quoteless = readme.replace('"', "");
        assert!(quoteless.contains(&command), "{command}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_edit_in_the_sandbox_is_a_persons_and_not_boardsyncs() {
    let playground = Playground::start(&words("sandbox --dir play"));
    let run = |line: &str| {
        let mut command = program(&playground.place());
        command.args(words(line));
        end(command)
    };
    run("reconcile --once --yes").await.left_with(0);
    let made = run("--json sandbox create ClickUp title=\"Refund by voucher\" priority=2").await;
    let made: Value = made.left_with(0).json();
    assert_eq!(made["items"][0]["title"], "Refund by voucher");
    run("reconcile --once").await.left_with(0);
    let all = run("sandbox show ado")
        .await
        .left_with(0)
        .says("Refund by voucher")
        .out;
    let number = all.lines().find(|line| line.contains("Refund")).unwrap();
    let number = number.split_whitespace().nth(1).unwrap().to_owned();
    // boardsync made that work item, and a person changes it.
    let robot = run(&format!("sandbox show ADO {number}"))
        .await
        .left_with(0);
    robot.says("changed by   Sync Robot");
    let edited = run(&format!(
        "sandbox edit ADO {number} state=Active tags=\"a; b\""
    ))
    .await;
    edited.left_with(0).says("changed by   Ada Byron");
    let emptied = run("sandbox edit ClickUp \"Refund by voucher\" priority=").await;
    assert!(!emptied.out.contains("priority"), "{}", emptied.out);
    let edited = run(&format!("sandbox edit ADO {number} tags=b")).await;
    let edited = edited.left_with(0).says("tags         b");
    assert!(!edited.out.contains("a; b"), "{}", edited.out);
    run("reconcile --once").await.left_with(0);
    let task = run("sandbox show ClickUp \"Refund by voucher\"")
        .await
        .left_with(0);
    task.says("in progress");
    run("sandbox delete ClickUp \"Refund by voucher\"")
        .await
        .left_with(0)
        .says("deleted ClickUp ");
    let gone = run("sandbox show ClickUp \"Refund by voucher\"").await;
    gone.left_with(64).says("no task");
    let typo = run(&format!("sandbox edit ADO {number} titel=x")).await;
    typo.left_with(64).says("known are: title");
    for (line, says) in [
        ("sandbox edit ADO 5 priority=9", "priority=9"),
        (
            "sandbox edit ClickUp \"Validate postcodes\" priority=0",
            "priority=0",
        ),
        ("sandbox edit ADO 5 points=many", "points=many"),
        ("sandbox edit ADO 5 state=Nowhere", "Nowhere"),
        ("sandbox edit ADO 999 title=x", "999"),
        ("sandbox --dir . ", "sandbox"),
    ] {
        run(line).await.left_with(64).says(says);
    }
}

/// The board answers as if all were well.
#[tokio::test(flavor = "multi_thread")]
async fn what_a_board_did_not_keep_is_said() {
    let playground = Playground::start(&words("sandbox --dir play"));
    let run = |line: &str| {
        let mut command = program(&playground.place());
        command.args(words(line));
        end(command)
    };
    run("reconcile --once --yes").await.left_with(0);
    let task = "\"Validate postcodes\"";
    let edited = run(&format!("sandbox edit ClickUp {task} custom:Upstream=abc")).await;
    edited
        .left_with(64)
        .says("did not keep it")
        .says("keeps an address only");
    let edited = run(&format!(
        "sandbox edit ClickUp {task} Custom:upstream=https://example.com/a"
    ))
    .await;
    edited.left_with(0).says("https://example.com/a");
    let typo = run(&format!("sandbox edit ClickUp {task} custom:Severty=Minor")).await;
    typo.left_with(64)
        .says("no custom field \"Severty\"; did you mean \"Severity\"?");
    let typo = run(&format!("sandbox edit ClickUp {task} Titel=x")).await;
    typo.left_with(64)
        .says("no field \"Titel\"")
        .says("custom:NAME");
    // A type whose form shows none.
    let hidden = run("sandbox edit ADO 4 severity=\"2 - High\"").await;
    hidden.left_with(64).says("has no severity");
    run("sandbox edit ADO 5 severity=\"2 - High\"")
        .await
        .left_with(0);
}

/// The form of a Bug has no description: what a person types goes to the steps, and comes over from there.
#[tokio::test(flavor = "multi_thread")]
async fn the_text_of_a_bug_goes_where_its_form_has_it() {
    let playground = Playground::start(&words("sandbox --dir play"));
    let run = |line: &str| {
        let mut command = program(&playground.place());
        command.args(words(line));
        end(command)
    };
    run("reconcile --once --yes").await.left_with(0);
    let edited = run("sandbox edit ADO 5 description=\"Tap it twice\"").await;
    edited.left_with(0).says("Tap it twice");
    run("reconcile --once").await.left_with(0);
    let task = run("sandbox show ClickUp \"Country list is empty in Safari\"").await;
    task.left_with(0).says("Tap it twice");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sandbox_does_not_write_over_a_configuration_that_is_not_its_own() {
    let here = tempfile::tempdir().unwrap();
    let config = here.path().join("config.toml");
    std::fs::write(&config, "# mine\n").unwrap();
    let mut command = program(here.path());
    command.args(["sandbox", "--dir", "."]);
    end(command).await.left_with(64).says("is no sandbox's");
    assert_eq!(std::fs::read_to_string(&config).unwrap(), "# mine\n");
}

/// A configuration with real services is never acted on.
#[tokio::test(flavor = "multi_thread")]
async fn the_sandbox_commands_touch_no_other_service() {
    let bench = super::bench::Bench::new().await;
    let ran = bench.run(&["sandbox", "edit", "ADO", "1", "title=x"]).await;
    ran.left_with(64)
        .says("is not the configuration of a sandbox");
    assert_eq!(bench.world.ledger.count(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_sandbox_in_a_folder_in_use_calls_nothing_gone_and_leaves_it_alone() {
    let mut playground = Playground::start(&words("sandbox --dir play"));
    let run = |folder: &Path, line: &str| {
        let mut command = program(folder);
        command.args(words(line));
        end(command)
    };
    let (folder, place) = (playground.folder.path().to_owned(), playground.place());
    run(&place, "reconcile --once --yes").await.left_with(0);
    let second = run(&folder, "sandbox --dir play").await.left_with(64);
    let second = second.says("a sandbox that runs now uses");
    assert!(!second.err.contains("gone"), "{}", second.err);
    run(&place, "reconcile --once").await.left_with(0);
    playground.child.kill().unwrap();
    playground.child.wait().unwrap();
    let later = run(&folder, "sandbox --dir play").await.left_with(64);
    later.says("an earlier sandbox, whose items are gone");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_sandbox_on_a_port_says_what_helps() {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port().to_string();
    let here = tempfile::tempdir().unwrap();
    let mut second = program(here.path());
    second.args(["sandbox", "--port", &port]);
    let second = end(second).await.left_with(1);
    second.says(&port).says("leave out --port");
}

/// The steps for real boards: each of them writes nothing that was there before.
#[tokio::test(flavor = "multi_thread")]
async fn what_the_readme_advises_for_a_first_try_writes_nothing() {
    let readme = std::fs::read_to_string("README.md").unwrap();
    for said in [
        "No real account has been used",
        "Titles are not compared",
        "reconcile --once --read-only",
        "create = \"none\"",
        "stop working on 2026-12-01",
        "**Freezing.**",
    ] {
        assert!(readme.contains(said), "{said}");
    }
    let bench = super::bench::Bench::new().await;
    let looked = bench.run(&["reconcile", "--once", "--read-only"]).await;
    looked
        .left_with(0)
        .says("nothing is written")
        .says("Guest can enter an address");
    bench.replace_config("name = \"web\"", "name = \"web\"\ncreate = \"none\"");
    bench.run(&["reconcile", "--once", "--yes"]).await;
    assert_eq!(bench.world.ledger.writes(), []);
    let task = serde_json::json!({ "name": "By hand" });
    let list = boardsync::sandbox::world::LIST;
    let task = bench.world.clickup.create_task(list, &task).unwrap();
    let item = bench.ids[1].to_string();
    bench.world.ledger.clear();
    let linked = bench.run(&["links", "add", "web", &item, &task]).await;
    linked.left_with(0);
    assert_eq!(bench.world.ledger.writes(), [], "linking changes nothing");
}
