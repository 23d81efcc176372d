//! The engine against histories that nobody would think of: people on both sides, faults at every layer, crashes at any
//! moment, and a judge that reads only what the services held. See `simulation/harness.rs`.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a test that cannot go on should stop there, and says what it saw"
)]

use boardsync_sim::controls::Control;
use boardsync_sim::crashes::kill_everywhere;
use boardsync_sim::generate::Range;
use boardsync_sim::many::{explain, run_many, survives};
use boardsync_sim::run::run;
use boardsync_sim::script::{Script, Step};
use std::path::Path;

/// Seeds in an ordinary test run, which is not optimised; more by `SIM_SEEDS`, and many more by the program `simulate`.
const SEEDS: u64 = 2_000;
const JOBS: u64 = 4;

fn seeds() -> (u64, u64) {
    let number = |name: &str| std::env::var(name).ok().and_then(|text| text.parse().ok());
    let first = number("SIM_FIRST").unwrap_or(0);
    (first, first + number("SIM_SEEDS").unwrap_or(SEEDS))
}

#[test]
fn no_history_breaks_a_law() {
    let (first, end) = seeds();
    let figures = run_many(first, end - first, JOBS);
    println!("{figures}");
    if let Some((seed, violations)) = figures.failures.first() {
        for (seed, violations) in &figures.failures {
            println!("seed {seed}: {violations:?}");
        }
        let (script, lines) = explain(*seed, Range::of(*seed), violations[0].law, None);
        println!("{lines}\n{}", serde_json::to_string(&script).unwrap());
        panic!(
            "{} histories break a law; the first is seed {seed}",
            figures.failed
        );
    }
    assert!(
        figures.unsteady.is_empty(),
        "not repeatable: {:?}",
        figures.unsteady
    );
    if end - first >= SEEDS {
        assert_eq!(
            figures.missing(),
            Vec::<&str>::new(),
            "faults that never came about"
        );
    }
}

/// Known-bad designs: each has to be caught within 1,000 histories, from wherever the seeds start.
#[test]
fn every_known_bad_design_is_caught() {
    let mut survivors = Vec::new();
    for control in Control::ALL {
        let mut needed: Vec<u64> = [0, 100_000, 200_000]
            .into_iter()
            .map(|first| survives(control, first, 1_000).map_or(u64::MAX, |n| n + 1))
            .collect();
        needed.sort_unstable();
        println!(
            "{control:?}: caught by histories {needed:?}, median {}",
            needed[1]
        );
        if needed[2] == u64::MAX {
            survivors.push(control);
        }
    }
    assert!(survivors.is_empty(), "not caught: {survivors:?}");
}

/// Every scenario with the process killed at every point, and at some pairs of points.
#[test]
fn a_kill_at_any_point_needs_nothing_but_a_restart() {
    let (mut points, mut pairs) = (0, 0);
    for (name, script) in scenarios() {
        let killed = kill_everywhere(&script, 20);
        points += killed.points;
        pairs += killed.pairs;
        if let Some((script, violations)) = killed.broken.first() {
            let text = serde_json::to_string(script).unwrap();
            panic!(
                "{name}: {} of {} kills: {violations:?}\n{text}",
                killed.broken.len(),
                killed.points
            );
        }
    }
    println!("killed at {points} points and {pairs} pairs of points");
}

/// I16: what is refused again and again is tried less and less, and others go on meanwhile.
#[test]
fn a_refused_item_is_no_hot_loop() {
    for create in [true, false] {
        let hours = 3;
        let mut steps = vec![
            r#"{"act":{"create":{"side":"ado","n":179,"pair":0}}}"#.to_owned(),
            r#"{"wait":400000}"#.to_owned(),
        ];
        if !create {
            steps.push(r#"{"cycle":false}"#.to_owned());
            steps.push(r#"{"wait":400000}"#.to_owned());
            steps.push(
                r#"{"act":{"edit":{"side":"ado","item":0,"field":"title","n":200}}}"#.to_owned(),
            );
        }
        for _ in 0..60 * hours {
            steps.push(r#"{"cycle":false}"#.to_owned());
            steps.push(
                r#"{"during":[{"on":"write","n":0,"after":false},{"fault":{"refused":null}}]}"#
                    .to_owned(),
            );
            steps.push(r#"{"wait":60000}"#.to_owned());
        }
        // What is refused by a rule waits for a person in the end.
        steps
            .push(r#"{"act":{"edit":{"side":"ado","item":0,"field":"title","n":300}}}"#.to_owned());
        let setup = r#"{"skew_ado":0,"skew_clickup":0,"local":0,"on_delete":"unlink","backlink":false,"winner":"ado","pairs":1}"#;
        let text = format!(
            r#"{{"seed":1,"setup":{setup},"steps":[{}]}}"#,
            steps.join(",")
        );
        let outcome = run(&serde_json::from_str(&text).unwrap(), None, false);
        let refused = outcome.counts["refused"];
        println!("create {create}: refused {refused} times in {hours} h");
        assert_eq!(outcome.violations, Vec::new());
        assert!(refused <= 5 + 6 * hours, "{refused} attempts in {hours} h");
    }
}

/// Histories that once broke a law.
#[test]
fn scenarios_hold() {
    for (name, script) in scenarios() {
        let outcome = run(&script, None, true);
        assert!(
            outcome.violations.is_empty(),
            "{name}: {:#?}\n{}",
            outcome.violations,
            outcome.lines.join("\n")
        );
    }
}

/// Whoever chooses again gives up what was chosen before and stood there. What somebody types after that look, be it the same
/// text, is a loss all the same.
#[test]
fn a_text_that_was_typed_again_after_the_choice_is_a_loss() {
    let name = "a_text_of_ones_own_that_one_side_did_not_take_and_that_is_chosen_away";
    let all = scenarios();
    let (_, script) = all.iter().find(|(of, _)| of == name).unwrap();
    let mut script = script.clone();
    let choice = script.steps.pop().unwrap();
    assert!(matches!(choice, Step::Command(_)));
    let typed = script.steps.len() - 2;
    script.steps.insert(typed, choice);
    let outcome = run(&script, None, true);
    let laws: Vec<&str> = outcome.violations.iter().map(|broken| broken.law).collect();
    assert_eq!(laws, ["I1"], "{}", outcome.lines.join("\n"));
}

fn scenarios() -> Vec<(String, Script)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/scenarios");
    let mut paths: Vec<_> = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|ext| ext == "json"))
        .collect();
    paths.sort();
    let read = |path: &std::path::PathBuf| {
        let text = std::fs::read_to_string(path).unwrap();
        let script = serde_json::from_str(&text).unwrap();
        (
            path.file_stem().unwrap().to_string_lossy().into_owned(),
            script,
        )
    };
    paths.iter().map(read).collect()
}
