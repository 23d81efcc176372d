//! Many seeds, with figures.

use super::asked::ASKED;
use super::commands::COMMANDS;
use super::config_moves::MOVES;
use super::controls::Control;
use super::generate::{Range, generate};
use super::run::run;
use super::script::Script;
use super::shrink::shrink;
use super::world::Violation;
use std::collections::BTreeMap;
use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

/// Everything that a large enough run must have injected at least once.
pub const FAULTS: [&str; 56] = [
    "unreachable",
    "lost",
    "unanswered",
    "late",
    "repeated",
    "repeated after no effect",
    "refused after a lost answer",
    "partial",
    "twice",
    "server error",
    "auth",
    "throttled",
    "refused",
    "refused field",
    "two steps",
    "stopped half way",
    "conflict",
    "real conflict",
    "terse answer",
    "state dropped",
    "empty listing",
    "missing row",
    "listed twice",
    "listed before its place was gone",
    "stale row",
    "unreadable",
    "crash",
    "clock set",
    "old read",
    "old listing",
    "false gone",
    "field left out",
    "several fields left out",
    "database put back",
    "twins beyond the bounds",
    "edit between calls",
    "poisoned, named",
    "poisoned without a name",
    "poisoned by an unsent name",
    "poisoned, 403 for all",
    "poisoned, a page for all",
    "page after effect",
    "page",
    "another item in the answer",
    "kept value",
    "united tags",
    "cut text",
    "changed by a rule",
    "held as not taken",
    "history read",
    "vanished",
    "subtask",
    "child of a work item",
    "made below",
    "back after it vanished",
    "list gone in silence",
];

/// What many histories came to.
#[derive(Clone, Debug, Default)]
pub struct Figures {
    pub seeds: u64,
    pub seconds: f64,
    pub counts: BTreeMap<&'static str, u64>,
    /// The first failing seeds.
    pub failures: Vec<(u64, Vec<Violation>)>,
    pub failed: u64,
    /// Seeds that were run twice and went differently.
    pub unsteady: Vec<u64>,
}

impl Figures {
    pub fn add(&mut self, other: Figures) {
        self.seeds += other.seeds;
        for (word, n) in other.counts {
            *self.counts.entry(word).or_default() += n;
        }
        self.failures.extend(other.failures);
        self.failed += other.failed;
        self.unsteady.extend(other.unsteady);
    }

    /// The kinds of faults and commands that a large enough run must bring about.
    fn kinds() -> Vec<&'static str> {
        FAULTS
            .into_iter()
            .chain(COMMANDS)
            .chain(MOVES)
            .chain(ASKED)
            .collect()
    }

    /// Kinds that never came about.
    pub fn missing(&self) -> Vec<&'static str> {
        let absent = |word: &&str| self.counts.get(*word).copied().unwrap_or_default() == 0;
        Figures::kinds().into_iter().filter(absent).collect()
    }
}

impl fmt::Display for Figures {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let rate = self.seeds as f64 / self.seconds.max(0.001);
        let (faults, others): (Vec<_>, Vec<_>) = self
            .counts
            .iter()
            .partition(|(word, _)| Figures::kinds().contains(*word));
        let list = |counts: Vec<(&&str, &u64)>| {
            let words: Vec<String> = counts
                .into_iter()
                .map(|(word, n)| format!("{word} {n}"))
                .collect();
            words.join(", ")
        };
        let kinds = Figures::kinds().len();
        let met = kinds - self.missing().len();
        writeln!(
            f,
            "{} histories in {:.1} s, {rate:.0} a second; invariant violations: {} histories",
            self.seeds, self.seconds, self.failed
        )?;
        writeln!(
            f,
            "kinds of faults and commands that came about: {met} of {kinds}"
        )?;
        writeln!(f, "injected: {}", list(faults))?;
        write!(f, "besides: {}", list(others))
    }
}

/// Long runs say how far they are each time that so many seeds were handed out.
const TOLD_EVERY: u64 = 50_000;

/// Runs the seeds that `next` gives out, below `end`; one in 50 of them twice.
fn run_seeds(next: &AtomicU64, first: u64, end: u64) -> Figures {
    let mut figures = Figures::default();
    loop {
        let seed = next.fetch_add(1, Ordering::Relaxed);
        if seed >= end {
            return figures;
        }
        if seed > first && (seed - first).is_multiple_of(TOLD_EVERY) {
            eprintln!("{} of {} histories", seed - first, end - first);
        }
        let script = generate(seed, Range::of(seed));
        let outcome = run(&script, None, false);
        figures.seeds += 1;
        for (word, n) in &outcome.counts {
            *figures.counts.entry(word).or_default() += n;
        }
        if !outcome.violations.is_empty() {
            figures.failed += 1;
            let first = &outcome.violations[0];
            eprintln!("seed {seed} breaks {}: {}", first.law, first.what);
            if figures.failures.len() < 20 {
                figures.failures.push((seed, outcome.violations));
            }
        }
        if seed.is_multiple_of(50) && run(&script, None, false).trace != outcome.trace {
            figures.unsteady.push(seed);
        }
    }
}

/// Runs `seeds` seeds from `first` on, spread over threads; each thread's histories are as single-threaded as ever.
pub fn run_many(first: u64, seeds: u64, jobs: u64) -> Figures {
    let watch = Instant::now();
    let next = AtomicU64::new(first);
    let end = first.saturating_add(seeds);
    let mut all = Figures::default();
    std::thread::scope(|scope| {
        let threads: Vec<_> = (0..jobs)
            .map(|_| scope.spawn(|| run_seeds(&next, first, end)))
            .collect();
        for thread in threads {
            all.add(thread.join().unwrap());
        }
    });
    all.seconds = watch.elapsed().as_secs_f64();
    all.failures.sort();
    all
}

/// A failing seed's history, cut down (in full where the environment has `SIM_WHOLE`): what breaks, the steps to replay it, what happened.
pub fn explain(seed: u64, range: Range, law: &str, control: Option<Control>) -> (Script, String) {
    let whole = generate(seed, range);
    let script = match std::env::var_os("SIM_WHOLE") {
        Some(_) => whole,
        None => shrink(&whole, law, control),
    };
    let outcome = run(&script, control, true);
    (script, outcome.lines.join("\n"))
}

/// Whether the engine as it is passes the very history in which a known-bad design is tried.
fn passes(mut script: Script, control: Control) -> bool {
    control.set_up(&mut script);
    run(&script, None, false).violations.is_empty()
}

/// How many seeds from `first` on a known-bad design survives; `None`: more than `limit`. It is caught by a history that the
/// engine as it is passes.
pub fn survives(control: Control, first: u64, limit: u64) -> Option<u64> {
    (0..limit).find(|n| {
        let script = generate(first + n, control.range());
        let broken = run(&script, Some(control), false).violations;
        !broken.is_empty() && passes(script, control)
    })
}
