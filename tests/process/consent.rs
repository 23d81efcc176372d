//! What a yes covers: a first plan of any size, a changed mapping, and never a guard.

use super::bench::Bench;
use super::reconciling::hash_in;
use super::terminal::Terminal;
use boardsync::sandbox::{seed, world::PROJECT};

const GUARD: &str = "[guard]\nmax_updates = 5\nupdates_percent = 5\nmax_creates = 3\ncreates_percent = 3\n\n[[pair]]";

/// Twelve linked tasks under a guard that lets five updates through. Returns them.
async fn linked() -> (Bench, Vec<i64>) {
    let bench = Bench::empty().await;
    bench.replace_config("[[pair]]", GUARD);
    let ids = seed::ado_tasks(&bench.world.ado, PROJECT, 12).unwrap();
    bench
        .run(&["plan"])
        .await
        .left_with(0)
        .says("first plan of this pair: it needs your yes.")
        .says("12 creates in ClickUp")
        .says("for the first one the yes covers that")
        .says("reconcile --once --yes");
    bench
        .run(&["reconcile", "--once", "--yes"])
        .await
        .left_with(0);
    assert_eq!(bench.titles().len(), 12, "of any number");
    bench.run(&["reconcile", "--once"]).await.left_with(0);
    (bench, ids)
}

fn rename(bench: &Bench, ids: &[i64], word: &str) {
    for id in ids {
        bench.rename(*id, &format!("{word} {id}"));
    }
    bench.world.ledger.clear();
}

fn named(bench: &Bench, word: &str) -> usize {
    let titles = bench.titles();
    titles.iter().filter(|t| t.starts_with(word)).count()
}

/// Adds a row to the state table, which makes another mapping of it.
fn another_mapping(bench: &Bench) {
    bench.replace_config("states = [", "states = [[\"Removed\", \"complete\"], ");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_yes_to_a_changed_mapping_passes_no_guard() {
    let (bench, ids) = linked().await;
    rename(&bench, &ids[..9], "Nine");
    another_mapping(&bench);
    for args in [
        &["reconcile", "--once", "--yes", "--full"][..],
        &["reconcile", "--once", "--yes"],
        &["reconcile", "--once"],
    ] {
        let ran = bench.run(args).await.left_with(4).says("--approve");
        assert!(!ran.out.contains("--once --yes"), "{}", ran.out);
        assert_eq!(bench.world.ledger.writes(), [], "{args:?}");
    }
    let plan = bench.run(&["plan"]).await.left_with(0);
    assert!(!plan.out.contains("--once --yes"), "{}", plan.out);
    let hash = hash_in(&plan.out);
    bench
        .run(&["reconcile", "--once", "--approve", &hash])
        .await
        .left_with(0);
    assert_eq!(named(&bench, "Nine"), 9);
    bench.quiet().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_saved_plan_passes_the_guard_of_a_changed_mapping_for_what_it_holds() {
    let (bench, ids) = linked().await;
    rename(&bench, &ids[..9], "Nine");
    another_mapping(&bench);
    bench.run(&["plan", "--out", "p"]).await.left_with(0);
    bench.rename(ids[11], "Not in the plan");
    bench.run(&["apply", "p"]).await.left_with(0);
    assert_eq!(named(&bench, "Nine"), 9);
    assert_eq!(named(&bench, "Not in the plan"), 0);
    bench.run(&["reconcile", "--once"]).await.left_with(0);
    assert_eq!(named(&bench, "Not in the plan"), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_yes_approves_a_changed_mapping_of_ordinary_size() {
    let (bench, ids) = linked().await;
    rename(&bench, &ids[..3], "Three");
    another_mapping(&bench);
    bench.run(&["reconcile", "--once"]).await.left_with(4);
    bench
        .run(&["plan"])
        .await
        .left_with(0)
        .says("the scope or mapping of this pair changed")
        .says("reconcile --once --yes");
    assert_eq!(bench.world.ledger.writes(), []);
    bench
        .run(&["reconcile", "--once", "--yes"])
        .await
        .left_with(0);
    assert_eq!(named(&bench, "Three"), 3);
    bench.quiet().await;
}

/// The yes is to the mapping, and everything that comes after it flows: so it comes from a person also where nothing is to be
/// written at the moment.
#[tokio::test(flavor = "multi_thread")]
async fn an_empty_plan_is_no_yes_to_a_changed_mapping_unless_a_person_gives_it() {
    let question = "Say yes to the scope and mapping of pair \"web\"";
    let bench = Bench::equal().await;
    another_mapping(&bench);
    bench
        .run(&["apply"])
        .await
        .left_with(4)
        .says("there is no terminal to ask on");
    for command in [&["apply"][..], &["reconcile", "--once"]] {
        let mut terminal = Terminal::run(&bench, command);
        terminal.shows(question);
        terminal.enters("no");
        terminal.ends_with(4);
    }
    bench.rename(bench.ids[1], "Nobody has agreed to this");
    bench.world.ledger.clear();
    bench.run(&["reconcile", "--once"]).await.left_with(4);
    assert_eq!(bench.world.ledger.writes(), []);
    bench
        .run(&["reconcile", "--once", "--yes"])
        .await
        .left_with(0);
    bench.task_named("Nobody has agreed to this");
    // What was agreed to flows afterwards, by either command.
    for (command, word) in [
        (&["apply"][..], "First"),
        (&["reconcile", "--once"], "Second"),
    ] {
        bench.replace_config(
            "states = [",
            &format!("states = [[\"{word}\", \"complete\"], "),
        );
        let mut terminal = Terminal::run(&bench, command);
        terminal.shows(question);
        terminal.enters("yes");
        terminal.ends_with(0);
        bench.rename(bench.ids[1], word);
        bench.run(&["reconcile", "--once"]).await.left_with(0);
        bench.task_named(word);
    }
}

/// Without any question to put, `apply` works from a script as ever.
#[tokio::test(flavor = "multi_thread")]
async fn an_empty_plan_of_an_agreed_pair_needs_no_answer() {
    let bench = Bench::equal().await;
    bench.run(&["apply"]).await.left_with(0);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_approval_of_no_plan_of_now_is_named() {
    let (bench, ids) = linked().await;
    rename(&bench, &ids[..9], "Nine");
    let hash = hash_in(&bench.run(&["plan"]).await.left_with(0).out);
    rename(&bench, &ids[..10], "Ten");
    let approve = ["reconcile", "--once", "--approve", hash.as_str()];
    let ran = bench.run(&approve).await.left_with(4);
    ran.says(&format!("--approve {hash}: no plan has this hash now"));
    assert_eq!(bench.world.ledger.writes(), []);
}
