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
    terminal.ends_with(0);
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
        terminal.shows(QUESTION);
        terminal.enters("yes");
        terminal.shows("to let exactly this plan through");
        terminal.shows("leave the pair out: ");
        terminal.enters(answer);
        terminal.shows("left out");
        terminal.ends_with(4);
        assert_eq!(bench.world.ledger.writes(), [], "{answer:?}");
    }
    let hash = hash_in(&bench.run(&["plan"]).await.left_with(0).out);
    let mut terminal = Terminal::run(&bench, &["apply"]);
    terminal.shows(QUESTION);
    terminal.enters("yes");
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
        .says("boardsync plan --out FILE")
        .says("boardsync reconcile --once --yes");
    assert_eq!(bench.world.ledger.writes(), []);
}
