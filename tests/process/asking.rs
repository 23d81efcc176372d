//! The question on the terminal: what counts as a yes, and what never does.

use super::bench::Bench;
use super::reconciling::hash_in;
use super::terminal::Terminal;
use std::process::Command;
use std::time::Duration;

const QUESTION: &str = "Carry out this plan? Type yes to go on: ";

async fn a_moment() {
    tokio::time::sleep(Duration::from_millis(600)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn type_ahead_is_dropped_and_a_typed_yes_confirms() {
    let bench = Bench::new().await;
    let mut terminal = Terminal::run(&bench, &["apply"]);
    terminal.enters("yes");
    terminal.types("y");
    terminal.shows("Guest can enter an address");
    terminal.shows(QUESTION);
    a_moment().await;
    assert_eq!(bench.world.ledger.writes(), [], "nobody has answered yet");
    terminal.enters("yes");
    terminal.ends_with(0);
    assert_eq!(bench.titles().len(), 5);
}

#[tokio::test(flavor = "multi_thread")]
async fn anything_but_a_whole_yes_declines_in_words() {
    let bench = Bench::new().await;
    for answer in ["y", "Y", "", "yes please", "no", "ye"] {
        let mut terminal = Terminal::run(&bench, &["apply"]);
        terminal.shows(QUESTION);
        terminal.types(answer);
        a_moment().await;
        assert_eq!(bench.world.ledger.writes(), [], "{answer:?} without Enter");
        terminal.enters("");
        terminal.shows("only yes, typed in full");
        terminal.ends_with(4);
        assert_eq!(bench.world.ledger.writes(), [], "{answer:?}");
    }
    // The end of the input is no yes either.
    let mut terminal = Terminal::run(&bench, &["apply"]);
    terminal.shows(QUESTION);
    terminal.types("\u{4}");
    terminal.shows("there was no answer");
    terminal.ends_with(4);
    assert_eq!(bench.world.ledger.writes(), []);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_undo_asks_in_the_same_way() {
    let bench = Bench::equal().await;
    bench.rename(bench.ids[1], "Renamed by mistake");
    bench.run(&["reconcile", "--once"]).await.left_with(0);
    let runs = bench.run(&["undo", "--json"]).await.json();
    let run = runs["runs"][0]["run"].as_str().unwrap().to_owned();
    bench.world.ledger.clear();
    let question = "Take this back? Type yes to go on: ";
    let mut terminal = Terminal::run(&bench, &["undo", &run]);
    terminal.enters("yes");
    terminal.shows(question);
    a_moment().await;
    terminal.enters("y");
    terminal.shows("only yes, typed in full");
    terminal.ends_with(4);
    assert_eq!(bench.world.ledger.writes(), []);
    let mut terminal = Terminal::run(&bench, &["undo", &run]);
    terminal.shows(question);
    terminal.enters(" yes ");
    terminal.ends_with(3);
    assert!(
        bench
            .titles()
            .contains(&"Guest can enter an address".to_owned())
    );
}

/// A yes is to what was shown, and that is not what would be taken back by now.
#[tokio::test(flavor = "multi_thread")]
async fn an_undo_that_moved_while_its_question_stood_is_not_carried_out() {
    let bench = Bench::equal().await;
    for id in &bench.ids[1..3] {
        bench.rename(*id, &format!("Renamed {id}"));
    }
    bench.run(&["reconcile", "--once"]).await.left_with(0);
    let runs = bench.run(&["undo", "--json"]).await.json();
    let run = runs["runs"][0]["run"].as_str().unwrap().to_owned();
    let task = bench.task_named(&format!("Renamed {}", bench.ids[1]));
    bench.world.ledger.clear();
    let mut terminal = Terminal::run(&bench, &["undo", &run]);
    terminal.shows("Take this back? Type yes to go on: ");
    let body = serde_json::json!({ "name": "Typed meanwhile" });
    bench.world.clickup.edit(&task, &body).unwrap();
    terminal.enters("yes");
    terminal.shows("an item moved meanwhile");
    terminal.ends_with(4);
    assert_eq!(bench.world.ledger.writes(), []);
}

/// A yes is to what was shown, as with a saved plan: the text that somebody replaced meanwhile is not carried over first.
#[tokio::test(flavor = "multi_thread")]
async fn what_is_edited_while_a_plan_waits_for_its_yes_is_left_to_the_next_cycle() {
    let bench = Bench::equal().await;
    let [source, target, other] = [bench.ids[1], bench.ids[2], bench.ids[3]];
    let title = |id: i64| bench.world.ado.item(id).unwrap().fields["System.Title"].clone();
    let tasks = [source, target].map(|id| bench.task_named(title(id).as_str().unwrap()));
    for id in [source, target, other] {
        bench.rename(id, &format!("Planned {id}"));
    }
    bench.world.ledger.clear();
    let mut terminal = Terminal::run(&bench, &["apply"]);
    terminal.shows(QUESTION);
    bench.rename(source, "Typed meanwhile in ADO");
    let body = serde_json::json!({ "name": "Typed meanwhile in ClickUp" });
    bench.world.clickup.edit(&tasks[1], &body).unwrap();
    terminal.enters("yes");
    terminal.shows(&format!(
        "left out: ADO {source} = ClickUp {} \"Planned {source}\" was edited in ADO since",
        tasks[0]
    ));
    terminal.shows(&format!(
        "left out: ADO {target} = ClickUp {} \"Planned {target}\" was edited in ClickUp since",
        tasks[1]
    ));
    terminal.ends_with(3);
    let writes = bench.world.ledger.writes();
    let mut to_them = writes.iter().map(|write| format!("{write:?}"));
    assert!(
        !to_them.any(|write| tasks.iter().any(|task| write.contains(task))),
        "{writes:?}"
    );
    bench.task_named(&format!("Planned {other}"));
    assert_eq!(
        bench.task_named("Typed meanwhile in ClickUp"),
        tasks[1],
        "the edit survives"
    );
    bench.run(&["reconcile", "--once"]).await.left_with(0);
    assert_eq!(bench.task_named("Typed meanwhile in ADO"), tasks[0]);
    bench
        .run(&["conflicts", "show", "1"])
        .await
        .left_with(0)
        .says("Typed meanwhile in ClickUp");
    bench.quiet().await;
}

/// Nothing heals a delete: the next cycle has no task any more to leave alone.
#[tokio::test(flavor = "multi_thread")]
async fn a_task_whose_work_item_comes_back_while_the_question_stands_is_not_deleted() {
    let bench = Bench::equal().await;
    bench.replace_config("name = \"web\"", "name = \"web\"\non_delete = \"delete\"");
    bench
        .run(&["reconcile", "--once", "--yes"])
        .await
        .left_with(0);
    let titles = bench.titles();
    bench.world.ado.delete(bench.ids[3]);
    bench.world.ledger.clear();
    let mut terminal = Terminal::run(&bench, &["apply"]);
    terminal.shows(QUESTION);
    assert!(bench.world.ado.restore(bench.ids[3]));
    terminal.enters("yes");
    terminal.shows("left out: ");
    terminal.ends_with(3);
    assert_eq!(bench.world.ledger.writes(), []);
    assert_eq!(bench.titles(), titles);
    bench.quiet().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_first_cycle_makes_what_was_shown_and_leaves_out_what_moved_at_its_question() {
    let bench = Bench::new().await;
    let mut terminal = Terminal::run(&bench, &["reconcile", "--once"]);
    terminal.shows(QUESTION);
    terminal.enters("no");
    terminal.ends_with(4);
    assert_eq!(bench.world.ledger.writes(), [], "a no is none");
    let mut terminal = Terminal::run(&bench, &["reconcile", "--once"]);
    terminal.shows(QUESTION);
    bench.world.ado.delete(bench.ids[3]);
    bench.rename(bench.ids[1], "Typed meanwhile");
    bench.add_story("Made meanwhile");
    terminal.enters("yes");
    terminal.shows("left out: ");
    terminal.ends_with(3);
    // What is to stand below the story that was renamed waits for that.
    assert_eq!(bench.titles().len(), 2);
    bench.run(&["reconcile", "--once"]).await.left_with(0);
    let titles = bench.titles();
    for title in ["Typed meanwhile", "Made meanwhile"] {
        assert!(titles.contains(&title.to_owned()), "{titles:?}");
    }
    assert_eq!(titles.len(), 5, "{titles:?}");
    bench.quiet().await;
}

/// Somebody leaves a pair out that a guard stops. When the guard has nothing to stop any more a moment later, that is no yes.
#[tokio::test(flavor = "multi_thread")]
async fn a_pair_that_was_left_out_stays_out_also_when_no_guard_stops_it_any_more() {
    let bench = Bench::equal().await;
    let guard = "[guard]\nmax_updates = 1\nupdates_percent = 1\n\n[[pair]]";
    bench.replace_config("[[pair]]", guard);
    let old = bench.world.ado.item(bench.ids[1]).unwrap().fields["System.Title"].clone();
    for id in &bench.ids[1..3] {
        bench.rename(*id, &format!("Renamed {id}"));
    }
    bench.world.ledger.clear();
    let mut terminal = Terminal::run(&bench, &["apply"]);
    terminal.shows("leave the pair out: ");
    bench.rename(bench.ids[1], old.as_str().unwrap());
    terminal.enters("");
    terminal.shows("left out");
    terminal.ends_with(4);
    assert_eq!(bench.world.ledger.writes(), []);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_yes_passes_no_guard_and_the_hash_of_the_plan_does() {
    let bench = Bench::equal().await;
    let guard = "[guard]\nmax_updates = 1\nupdates_percent = 1\n\n[[pair]]";
    bench.replace_config("[[pair]]", guard);
    for id in &bench.ids[1..4] {
        bench.rename(*id, &format!("Renamed {id}"));
    }
    for answer in ["", "yes", "0123456789abcdef"] {
        let mut terminal = Terminal::run(&bench, &["apply"]);
        let shown = terminal.shows("leave the pair out: ");
        assert!(
            shown.contains("to let exactly this plan through"),
            "{shown}"
        );
        assert!(!shown.contains(QUESTION), "the hash is the answer: {shown}");
        terminal.enters(answer);
        terminal.shows("left out");
        let rest = terminal.ends_with(4);
        assert!(!rest.contains("Renamed"), "the plan a second time: {rest}");
        assert_eq!(bench.world.ledger.writes(), [], "{answer:?}");
    }
    let hash = hash_in(&bench.run(&["plan"]).await.left_with(0).out);
    let mut terminal = Terminal::run(&bench, &["apply"]);
    terminal.shows("leave the pair out: ");
    terminal.enters(&hash);
    terminal.ends_with(0);
    for id in &bench.ids[1..4] {
        assert!(bench.titles().contains(&format!("Renamed {id}")));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn ctrl_c_at_the_question_writes_nothing_and_leaves_the_terminal_as_it_was() {
    let bench = Bench::new().await;
    let program = bench.command(&["apply"]);
    // The shell is told of Ctrl-C as well, and stays to show what the program has left.
    let script = "trap : INT; stty -a; \"$0\" \"$@\"; echo code $?; stty -a; echo end";
    let mut shell = Command::new("sh");
    shell
        .arg("-c")
        .arg(script)
        .arg(program.get_program())
        .args(program.get_args())
        .current_dir(bench.folder.path());
    let mut terminal = Terminal::start(shell);
    let seen = terminal.shows(QUESTION);
    let (before, _) = seen.split_once("\u{1b}").expect("a coloured plan");
    terminal.ctrl_c();
    let said = terminal.shows("code 130");
    assert!(said.contains("nothing was written"), "{said}");
    assert!(said.contains("go on with: boardsync"), "{said}");
    let after = terminal.shows("end");
    assert_eq!(before.trim(), after.trim(), "the terminal's settings");
    assert!(
        !format!("{seen}{said}").contains("\u{1b}[?25l"),
        "a hidden cursor"
    );
    assert_eq!(bench.world.ledger.writes(), []);
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_terminal_the_question_names_what_answers_it() {
    let bench = Bench::equal().await;
    bench.rename(bench.ids[1], "Renamed");
    bench.run(&["reconcile", "--once"]).await.left_with(0);
    let runs = bench.run(&["undo", "--json"]).await.json();
    let run = runs["runs"][0]["run"].as_str().unwrap().to_owned();
    bench.run(&["undo", &run]).await.left_with(4).says("--yes");
    bench.rename(bench.ids[1], "Renamed again");
    bench.world.ledger.clear();
    bench
        .run(&["apply"])
        .await
        .left_with(4)
        .says("there is no terminal to ask on")
        .says("plan --out FILE")
        .says("; or carry it out with `boardsync --config ")
        .says("config.toml reconcile --once`, since nothing in it waits");
    let guard = "[guard]\nmax_updates = 0\nupdates_percent = 0\n\n[[pair]]";
    bench.replace_config("[[pair]]", guard);
    let hash = hash_in(&bench.run(&["plan"]).await.left_with(0).out);
    let ran = bench.run(&["apply"]).await.left_with(4);
    let ran = ran.says(&format!("reconcile --once --approve {hash}"));
    assert!(!ran.err.contains("--once --yes"), "{}", ran.err);
    bench.replace_config("name = \"web\"", "name = \"web\"\ncreate = \"ado\"");
    let ran = bench.run(&["apply"]).await.left_with(4);
    ran.says("changed as well");
    assert_eq!(bench.world.ledger.writes(), []);
}
