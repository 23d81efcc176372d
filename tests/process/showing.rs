//! What `plan`, `log`, `history` and `undo` say: all of it, truly, and with ids that lead on.

use super::bench::Bench;
use boardsync::model::Side;
use boardsync::sandbox::world::LIST;
use serde_json::{Value, json};

async fn last_run(bench: &Bench) -> Value {
    let log = bench.run(&["log", "--json"]).await.left_with(0).json();
    log["runs"][0].clone()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_saved_plan_can_be_shown_and_says_how_to_carry_it_out() {
    let bench = Bench::new().await;
    bench.run(&["plan", "--out", "p"]).await.left_with(0);
    bench.world.ledger.clear();
    let shown = bench.run(&["plan", "show", "p"]).await.left_with(0);
    let shown = shown.says("planned at").says("Guest can enter an address");
    assert!(shown.out.contains("apply p\n"), "{}", shown.out);
    assert_eq!(
        bench.world.ledger.entries(),
        [],
        "a saved plan asks neither service"
    );
    let json = bench
        .run(&["plan", "show", "p", "--json"])
        .await
        .left_with(0)
        .json();
    assert_eq!(json["pairs"][0]["pair"], "web");
    bench
        .run(&["plan", "show", "config.toml"])
        .await
        .left_with(64)
        .says("not a saved plan");
    bench.run(&["plan", "show", "missing"]).await.left_with(64);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_long_plan_is_cut_with_a_count_and_shown_whole_on_demand() {
    let bench = Bench::new().await;
    for n in 0..60 {
        bench.add_story(&format!("Another story {n}"));
    }
    let cut = bench.run(&["plan"]).await.left_with(0);
    assert!(
        cut.out.contains("items more (all of them: --all)"),
        "{}",
        cut.out
    );
    assert!(!cut.out.contains("Another story 59"));
    // Where a command has no such option, the one that has is named.
    let cycle = bench.run(&["reconcile", "--once"]).await.left_with(4);
    cycle.says(" plan --all)");
    let all = bench.run(&["plan", "--all"]).await.left_with(0);
    assert!(all.out.contains("Another story 59"), "{}", all.out);
    assert!(!all.out.contains("--all"));
    let head = all.out.lines().nth(1).unwrap();
    assert!(
        head.contains("to ClickUp") && head.contains("65 creates"),
        "{}",
        all.out
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn the_hints_after_a_plan_repeat_the_configuration_that_was_named() {
    let bench = Bench::new().await;
    bench
        .run(&["plan", "--out", "p"])
        .await
        .left_with(0)
        .says("config.toml apply p")
        .says("config.toml reconcile --once --yes");
}

/// Followed as it stands, a bare command would work on whatever ./config.toml names.
#[tokio::test(flavor = "multi_thread")]
async fn a_command_in_a_reason_repeats_the_configuration_that_was_named() {
    let bench = Bench::contested(&json!({ "name": "Theirs" })).await;
    let verify = bench.run(&["verify"]).await.left_with(3);
    assert!(
        !verify.out.contains("`boardsync conflicts"),
        "{}",
        verify.out
    );
    verify.says("config.toml conflicts`");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_list_of_conflicts_names_the_command_that_settles_one() {
    let bench = Bench::contested(&json!({ "name": "Theirs" })).await;
    let list = bench.run(&["conflicts"]).await.left_with(0);
    list.says("config.toml conflicts resolve ID --take ado");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_open_conflict_is_named_by_a_plan_that_has_nothing_to_do() {
    let bench = Bench::contested(&json!({ "name": "Theirs" })).await;
    let plan = bench.run(&["plan"]).await.left_with(0);
    let plan = plan
        .says("conflict 1: title of ADO")
        .says("conflicts show 1");
    assert!(!plan.out.contains("nothing to do"), "{}", plan.out);
    let json = bench.run(&["plan", "--json"]).await.left_with(0).json();
    assert_eq!(json["pairs"][0]["from_before"]["conflicts"][0]["id"], 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn equal_titles_on_both_boards_are_pointed_out_before_anything_is_made() {
    let bench = Bench::new().await;
    let new = json!({ "name": "guest can enter an ADDRESS", "status": "to do" });
    bench.world.clickup.create_task(LIST, &new).unwrap();
    let plan = bench.run(&["plan"]).await.left_with(0);
    plan.says("1 title stands on both boards without a link")
        .says("links add web 2 ");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_log_says_what_was_written_and_why_with_ids_that_lead_on() {
    let bench = Bench::equal().await;
    bench.rename(bench.ids[1], "Guest can type an address");
    bench.run(&["reconcile", "--once"]).await.left_with(0);
    let run = last_run(&bench).await;
    let id = run["run"].as_str().unwrap();
    let deed = &run["deeds"][0];
    assert_eq!(deed["outcome"], "done");
    assert_eq!(deed["changes"][0]["after"], "Guest can type an address");
    assert_eq!(deed["changes"][0]["reason"], "changed in Azure DevOps");
    let at = run["at"].as_str().unwrap();
    assert!(
        at.ends_with('Z') && at.contains('T'),
        "times are RFC 3339 in UTC: {at}"
    );

    let (action, link) = (deed["action"].as_str().unwrap(), deed["link"].to_string());
    let task = bench.task_named("Guest can type an address");
    for args in [
        &["log"][..],
        &["log", id],
        &["log", action],
        &["log", "--link", &link],
        &["log", "--pair", "web"],
        &["history", "2"],
        &["history", &task],
    ] {
        let told = bench.run(args).await.left_with(0);
        let told = told.says(id).says(action).says("changed in Azure DevOps");
        assert!(
            told.out
                .contains(&format!("updated ClickUp {task} = ADO 2")),
            "{}",
            told.out
        );
        assert!(told.out.contains("UTC"), "{}", told.out);
    }
    bench
        .run(&["log", "c1"])
        .await
        .left_with(64)
        .says("neither a run nor an action");
    bench.run(&["log", "--pair", "none"]).await.left_with(64);
    assert_eq!(
        bench.world.ledger.writes().len(),
        1,
        "to look changes nothing"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refused_write_is_told_as_refused_and_not_as_written() {
    let bench = Bench::equal().await;
    let task = bench.task_named("Guest can enter an address");
    let edit = json!({ "name": "Refused title" });
    bench.world.clickup.edit(&task, &edit).unwrap();
    let refused = super::bench::status(403, &[]);
    bench.fault(Side::Ado, Some("PATCH"), "/workitems/", refused, 9);
    bench.run(&["reconcile", "--once"]).await;
    let told = bench.run(&["history", "2"]).await.left_with(0);
    assert!(!told.out.contains("updated ADO 2"), "{}", told.out);
    told.says("update");
}

/// The zone of whoever reads, with UTC beside it.
#[tokio::test(flavor = "multi_thread")]
async fn local_time_stands_beside_utc() {
    let bench = Bench::equal().await;
    // Where the zone is UTC, it is said once.
    for (zone, beside) in [("IST-5:30", true), ("UTC", false)] {
        let mut command = bench.command(&["log"]);
        command.env("TZ", zone);
        let told = super::bench::end(command).await.left_with(0);
        assert_eq!(told.out.contains(" UTC)"), beside, "{}", told.out);
        assert!(told.out.contains(" UTC"), "{}", told.out);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_undo_of_either_item_finds_what_was_written_to_the_other() {
    let bench = Bench::equal().await;
    bench.rename(bench.ids[1], "Renamed in ADO");
    bench.run(&["reconcile", "--once"]).await.left_with(0);
    let task = bench.task_named("Renamed in ADO");
    for item in ["2", task.as_str()] {
        // Of the task it also names the creation, which stays.
        let undo = bench.run(&["undo", item, "--dry-run"]).await;
        undo.says("to ClickUp:").says("Guest can enter an address");
    }
}

#[cfg(unix)]
mod in_a_terminal {
    use super::super::bench::Bench;
    use super::super::terminal::Terminal;
    use std::process::Command;

    fn with_columns(bench: &Bench, columns: u16, args: &[&str]) -> Command {
        let plain = bench.command(args);
        let mut command = Command::new("sh");
        command
            .arg("-c")
            .arg(format!("stty cols {columns} && exec \"$0\" \"$@\""));
        command.arg(plain.get_program()).args(plain.get_args());
        command.current_dir(plain.get_current_dir().unwrap());
        for (name, value) in plain.get_envs() {
            match value {
                Some(value) => command.env(name, value),
                None => command.env_remove(name),
            };
        }
        command.env_remove("COLUMNS").env("TERM", "xterm");
        command
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn the_width_of_the_terminal_is_asked() {
        let bench = Bench::new().await;
        bench.add_story(&"many words ".repeat(12));
        for columns in [60, 100] {
            let mut command = with_columns(&bench, columns, &["plan", "--no-pager"]);
            command.env("NO_COLOR", "1");
            let shown = Terminal::start(command).ends_with(0);
            // A command stays on its line, so that it can be copied.
            let lines = shown
                .lines()
                .filter(|line| !line.contains("boardsync --config"));
            // The terminal of the test takes each byte for a letter, and the ellipsis has three.
            let lines = lines.map(|line| line.trim_end().replace("\u{e2}\u{80}\u{a6}", "…"));
            let widths = lines.map(|line| line.chars().count());
            let widest = widths.max().unwrap();
            assert!(
                widest <= usize::from(columns),
                "{widest} of {columns}\n{shown}"
            );
            assert!(
                widest > usize::from(columns) - 20,
                "{widest} of {columns}\n{shown}"
            );
        }
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn a_pager_is_used_on_a_terminal_and_nowhere_else() {
        let bench = Bench::new().await;
        let pager = "sed s/^/PAGED:/";
        let mut command = with_columns(&bench, 80, &["plan"]);
        command.env("PAGER", pager);
        let shown = Terminal::start(command).ends_with(0);
        assert!(shown.contains("PAGED:"), "{shown}");
        let mut command = with_columns(&bench, 80, &["plan", "--no-pager"]);
        command.env("PAGER", pager);
        let shown = Terminal::start(command).ends_with(0);
        assert!(!shown.contains("PAGED:"), "{shown}");
        let mut command = bench.command(&["plan"]);
        command.env("PAGER", pager);
        let piped = super::super::bench::end(command).await.left_with(0);
        assert!(!piped.out.contains("PAGED:"), "{}", piped.out);
        // One that is not there hides nothing.
        let mut command = with_columns(&bench, 80, &["plan"]);
        command.env("PAGER", "no-such-pager-anywhere");
        let shown = Terminal::start(command).ends_with(0);
        assert!(shown.contains("Guest can enter"), "{shown}");
    }
}
