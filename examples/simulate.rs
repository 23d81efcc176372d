//! Runs the deterministic simulation of the engine over many seeds:
//!
//! `cargo run --release --example simulate -- --seeds 1000000 --jobs 2`
//!
//! `--controls` tries the known-bad designs; `--first N` starts elsewhere; `--seed N` tells one history, cut down to what breaks it; `--script FILE` replays one.
//! Ends with 1 when a law is broken, a seed does not repeat, or (from 10,000 seeds on) a kind of fault never came about.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::print_stdout,
    clippy::print_stderr,
    dead_code,
    reason = "a tool for a terminal; it shares the modules of the test"
)]

#[path = "../tests/simulation/harness.rs"]
mod harness;

use harness::many::{explain, run_many, survives};
use harness::run::run;
use harness::script::Script;
use std::process::ExitCode;

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let text = |name: &str| {
        let at = arguments.iter().position(|argument| argument == name)?;
        arguments.get(at + 1).cloned()
    };
    let number = |name: &str| text(name).and_then(|text| text.parse::<u64>().ok());
    if let Some(path) = text("--script") {
        let script: Script = serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap();
        let outcome = run(&script, None, true);
        println!("{}\n{:#?}", outcome.lines.join("\n"), outcome.violations);
        return code(outcome.violations.is_empty());
    }
    if arguments.iter().any(|argument| argument == "--controls") {
        return controls(number("--first").unwrap_or(0));
    }
    if let Some(seed) = number("--seed") {
        return tell(seed);
    }
    let first = number("--first").unwrap_or(0);
    let seeds = number("--seeds").unwrap_or(10_000);
    let jobs = number("--jobs").unwrap_or(1).max(1);
    let figures = run_many(first, seeds, jobs);
    println!("{figures}");
    for (seed, violations) in figures.failures.iter().take(40) {
        println!("seed {seed}: {violations:?}");
    }
    let missing = if seeds < 10_000 {
        Vec::new()
    } else {
        figures.missing()
    };
    if !missing.is_empty() {
        println!("never came about: {missing:?}");
    }
    if !figures.unsteady.is_empty() {
        println!("not repeatable: {:?}", figures.unsteady);
    }
    if let Some((seed, _)) = figures.failures.iter().min_by_key(|(seed, _)| *seed) {
        tell(*seed);
    }
    code(figures.failed == 0 && missing.is_empty() && figures.unsteady.is_empty())
}

/// Says how many histories each known-bad design survives, and what caught it.
fn controls(first: u64) -> ExitCode {
    let mut all = true;
    for control in harness::controls::Control::ALL {
        let needed = survives(control, first, 1_000);
        all &= needed.is_some();
        let law = needed.map(|n| {
            let script = harness::generate::generate(first + n, control.range());
            run(&script, Some(control), false).violations.remove(0)
        });
        println!("{control:?}: survives {needed:?}, then {law:?}");
    }
    code(all)
}

/// Shows a failing seed as a small script, which can be kept under `tests/scenarios`.
fn tell(seed: u64) -> ExitCode {
    let script = harness::generate::generate(seed, harness::generate::Range::of(seed));
    let outcome = run(&script, None, true);
    let Some(violation) = outcome.violations.first() else {
        println!("{}\nseed {seed} breaks no law", outcome.lines.join("\n"));
        return ExitCode::SUCCESS;
    };
    let (small, lines) = explain(seed, violation.law, None);
    println!("seed {seed}: {violation:?}\n{lines}");
    println!("{}", serde_json::to_string(&small).unwrap());
    ExitCode::FAILURE
}

fn code(good: bool) -> ExitCode {
    if good {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    }
}
