//! Sixty columns, as in a window beside another one: no line runs over the edge, and no word is broken that fits.

use super::bench::{Bench, Ran, end};
#[cfg(unix)]
use super::terminal::Terminal;
use serde_json::json;

const COLUMNS: usize = 60;

/// Runs a command in the folder of the bench, for a reader with so many columns.
async fn narrow(bench: &Bench, args: &[&str]) -> Ran {
    let mut command = bench.bare(args);
    command.env("COLUMNS", COLUMNS.to_string());
    let ran = end(command).await;
    for text in [&ran.out, &ran.err] {
        fits(args, text);
    }
    ran
}

/// A command that somebody copies stands on one line, and so do a word that has no blank to be broken at and a line of the
/// configuration with the caret below it.
#[track_caller]
fn fits(args: &[&str], text: &str) {
    for line in text.lines().filter(|line| !is_logged(line)) {
        let words = line.split_whitespace().count();
        let command = ["boardsync ", "Usage: "];
        let copied = command
            .iter()
            .any(|lead| line.trim_start().starts_with(lead));
        assert!(
            line.chars().count() <= COLUMNS || words < 2 || copied || is_of_a_file(line),
            "{args:?}: {} columns in {line:?}\n{text}",
            line.chars().count()
        );
    }
}

fn is_of_a_file(line: &str) -> bool {
    let number = line.trim_start_matches(|c: char| c == ' ' || c.is_ascii_digit());
    number.starts_with('|')
}

/// A line of the log is one event, however long: programs read those.
fn is_logged(line: &str) -> bool {
    [" WARN ", " ERROR ", " INFO "]
        .iter()
        .any(|level| line.contains(level))
}

/// A board on which everything there is to tell has happened: a conflict, a failed write, a rename, a deleted item, an
/// item without a counterpart.
async fn eventful() -> Bench {
    let edit = json!({ "name": "Theirs, with a title that is a good deal longer than a narrow window is wide" });
    let bench = Bench::contested(&edit).await;
    bench.rename(
        bench.ids[1],
        "Renamed in Azure DevOps, at a length that does not fit beside anything",
    );
    // The Task type has no such state.
    let task = bench.task_named("Write the mail template");
    let refused = json!({ "status": "in review" });
    bench.world.clickup.edit(&task, &refused).unwrap();
    bench.run(&["reconcile", "--once"]).await.left_with(3);
    bench.world.ado.delete(bench.ids[2]);
    bench.add_story("A story without a counterpart");
    bench
}

#[tokio::test(flavor = "multi_thread")]
async fn no_screen_runs_over_the_edge_of_sixty_columns() {
    let bench = eventful().await;
    let item = bench.ids[5].to_string();
    let screens: [&[&str]; 20] = [
        &["plan"],
        &["plan", "--full", "--all"],
        &["plan", "--out", "p"],
        &["plan", "show", "p"],
        &["check"],
        &["check", "--offline"],
        &["status"],
        &["why", &item],
        &["history", &item],
        &["log"],
        &["conflicts"],
        &["conflicts", "--all"],
        &["conflicts", "show", "1"],
        &["links", "list"],
        &["verify"],
        &["doctor"],
        &["undo"],
        &["undo", &item, "--dry-run"],
        &["backup", "copy"],
        &["apply", "p"],
    ];
    for args in screens {
        let ran = narrow(&bench, args).await;
        assert!(ran.code <= 5, "{args:?}\n{}\n{}", ran.out, ran.err);
    }
    let run = bench.run(&["undo", "--json"]).await.left_with(0).json();
    let run = run["runs"].as_array().unwrap().last().unwrap()["run"].clone();
    let run = run.as_str().unwrap();
    for args in [
        &["undo", run, "--delete-created", "--dry-run"][..],
        &["undo", run, "--delete-created", "--yes"],
        &["reconcile", "--once", "--full"],
        &["verify"],
        &["status"],
        &["log"],
        &["conflicts", "resolve", "1", "--take", "ado"],
    ] {
        let ran = narrow(&bench, args).await;
        assert!(ran.code <= 64, "{args:?}\n{}\n{}", ran.out, ran.err);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_error_runs_over_no_edge_either() {
    let bench = Bench::equal().await;
    for (from, to, args) in [
        ("\"9010000001\"", "\"9010000002\"", "check"),
        ("ado.project = \"Shop\"", "ado.project = \"Shoe\"", "plan"),
        ("types = ", "typs = ", "status"),
        ("file = \"ado.token\"", "file = \"none.token\"", "plan"),
    ] {
        bench.replace_config(from, to);
        let ran = narrow(&bench, &[args]).await;
        assert!([77, 78].contains(&ran.code), "{}\n{}", ran.out, ran.err);
        bench.replace_config(to, from);
    }
    for args in [&["why", "999"][..], &["links", "add", "web", "999", "x"]] {
        narrow(&bench, args).await.left_with(64);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn no_help_text_runs_over_the_edge_of_sixty_columns() {
    let bench = Bench::empty().await;
    let commands = [
        "",
        "check",
        "plan",
        "apply",
        "reconcile",
        "status",
        "why",
        "history",
        "log",
        "conflicts",
        "conflicts resolve",
        "links",
        "links add",
        "links remove",
        "verify",
        "undo",
        "backup",
        "doctor",
        "demo",
        "sandbox",
        "sandbox edit",
        "completions",
        "man",
    ];
    for command in commands {
        let mut args: Vec<&str> = command.split_whitespace().collect();
        args.push("--help");
        let ran = narrow(&bench, &args).await;
        assert_eq!(ran.code, 0, "{args:?}\n{}", ran.err);
    }
}

/// A word that is broken in the middle cannot be read: only one that is wider than its whole column is.
#[tokio::test(flavor = "multi_thread")]
async fn a_table_keeps_the_names_of_its_columns_and_fields_whole() {
    let bench = eventful().await;
    let task = bench.task_named("Write the mail template");
    let why = narrow(&bench, &["why", &task]).await.left_with(0);
    for word in [
        "decision",
        "description",
        "assignees",
        "start_date",
        "ClickUp",
    ] {
        let mut words = why.out.split_whitespace();
        assert!(words.any(|shown| shown == word), "{word}\n{}", why.out);
    }
    let status = narrow(&bench, &["status"]).await;
    for word in ["success", "creates", "conflicts", "links"] {
        // In a paragraph a name stands before its value.
        let words = status.out.split_whitespace();
        let mut words = words.map(|shown| shown.trim_end_matches(':'));
        assert!(words.any(|shown| shown == word), "{word}\n{}", status.out);
    }
}

#[cfg(unix)]
#[tokio::test(flavor = "multi_thread")]
async fn a_question_about_a_guard_fits_and_waits_behind_its_last_word() {
    let bench = Bench::equal().await;
    bench.replace_config(
        "[[pair]]",
        "[guard]\nmax_updates = 1\nupdates_percent = 0\n\n[[pair]]",
    );
    for id in &bench.ids[1..5] {
        bench.rename(*id, &format!("Renamed {id}"));
    }
    let mut command = bench.bare(&["apply"]);
    command
        .env("COLUMNS", COLUMNS.to_string())
        .env("TERM", "dumb");
    let mut terminal = Terminal::start(command);
    let asked = terminal.shows("leave the pair out: ");
    fits(&["apply"], &asked.replace('\r', ""));
    assert!(asked.contains("A guard stops pair \"web\""), "{asked}");
    terminal.enters("");
    let (code, rest) = terminal.ends();
    assert_eq!(code, 4, "{rest}");
}
