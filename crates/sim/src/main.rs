//! Runs the deterministic simulation of the engine over many seeds:
//!
//! `cargo run --release -p boardsync-sim -- --seeds 1000000 --jobs 2`
//!
//! `--help` lists the rest. Ends with 1 when a law is broken, a seed does not repeat, or (from 10,000 seeds on) a kind of
//! fault never came about.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a tool for a terminal"
)]

use boardsync_sim::generate::Range;
use boardsync_sim::many::{explain, run_many, survives};
use boardsync_sim::run::run;
use boardsync_sim::script::Script;
use clap::Parser;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

/// Runs the engine through histories made from seeds and judges what both services held.
#[derive(Parser)]
struct Flags {
    /// The first seed
    #[arg(long, value_name = "N", default_value_t = 0)]
    first: u64,
    /// How many seeds
    #[arg(long, value_name = "N", default_value_t = 10_000)]
    seeds: u64,
    /// Histories that run beside one another, each on one thread
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u64).range(1..=256))]
    jobs: u64,
    /// Tells this one history step by step, cut down to what breaks a law
    #[arg(long, value_name = "N", conflicts_with_all = ["seeds", "jobs", "first"])]
    seed: Option<u64>,
    /// Replays a history from a file, as under crates/sim/tests/scenarios
    #[arg(long, value_name = "FILE", conflicts_with_all = ["seeds", "jobs", "first", "seed"])]
    script: Option<PathBuf>,
    /// Says how many histories each design known to be wrong survives
    #[arg(long, conflicts_with_all = ["seeds", "jobs", "seed", "script"])]
    controls: bool,
}

fn main() -> ExitCode {
    let flags = Flags::parse();
    if let Some(path) = flags.script {
        return replay(&path);
    }
    if flags.controls {
        return controls(flags.first);
    }
    if let Some(seed) = flags.seed {
        return tell(seed);
    }
    let figures = run_many(flags.first, flags.seeds, flags.jobs);
    println!("{figures}");
    for (seed, violations) in figures.failures.iter().take(40) {
        println!("seed {seed}: {violations:?}");
    }
    let missing = if flags.seeds < 10_000 {
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

/// Runs the history of a file and shows what happened.
fn replay(path: &Path) -> ExitCode {
    let script: Result<Script, String> = std::fs::read_to_string(path)
        .map_err(|error| error.to_string())
        .and_then(|text| serde_json::from_str(&text).map_err(|error| error.to_string()));
    let script = match script {
        Ok(script) => script,
        Err(error) => {
            eprintln!("{} is no history: {error}", path.display());
            return ExitCode::from(2);
        }
    };
    let outcome = run(&script, None, true);
    println!("{}\n{:#?}", outcome.lines.join("\n"), outcome.violations);
    code(outcome.violations.is_empty())
}

/// Says how many histories each known-bad design survives, and what caught it.
fn controls(first: u64) -> ExitCode {
    let mut all = true;
    for control in boardsync_sim::controls::Control::ALL {
        let needed = survives(control, first, 1_000);
        all &= needed.is_some();
        let law = needed.map(|n| {
            let script = boardsync_sim::generate::generate(first + n, control.range());
            run(&script, Some(control), false).violations.remove(0)
        });
        println!("{control:?}: survives {needed:?}, then {law:?}");
    }
    code(all)
}

/// Shows a failing seed as a small script, which can be kept under `crates/sim/tests/scenarios`.
fn tell(seed: u64) -> ExitCode {
    let script = boardsync_sim::generate::generate(seed, Range::of(seed));
    let outcome = run(&script, None, true);
    let Some(violation) = outcome.violations.first() else {
        println!("{}\nseed {seed} breaks no law", outcome.lines.join("\n"));
        return ExitCode::SUCCESS;
    };
    let (small, lines) = explain(seed, Range::of(seed), violation.law, None);
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
