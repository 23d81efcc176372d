//! The process killed at every point of a history: before and after every request and every transaction, alone and in
//! pairs. Nothing but the restart may be needed.

use super::rng::Rng;
use super::run::{Outcome, run};
use super::script::{Deed, On, Point, Script, Step};
use super::world::Violation;

/// What killing a history everywhere came to.
#[derive(Debug, Default)]
pub struct Killed {
    pub points: usize,
    pub pairs: usize,
    /// The scripts that broke a law, with what broke.
    pub broken: Vec<(Script, Vec<Violation>)>,
}

/// Runs a script with one kill at each of its points, and with `pairs` random pairs of kills.
pub fn kill_everywhere(script: &Script, pairs: usize) -> Killed {
    let whole = run(script, None, false);
    let points = points(script, &whole);
    let mut killed = Killed::default();
    let judge = |kills: &[(usize, Point)], killed: &mut Killed| {
        let cut = with_kills(script, kills);
        let violations = run(&cut, None, false).violations;
        if !violations.is_empty() {
            killed.broken.push((cut, violations));
        }
    };
    for point in &points {
        judge(&[*point], &mut killed);
        killed.points += 1;
    }
    let mut rng = Rng::new(script.seed);
    for _ in 0..pairs {
        let (a, b) = (*rng.pick(&points), *rng.pick(&points));
        judge(&[a, b], &mut killed);
        killed.pairs += 1;
    }
    killed
}

/// Every edge that the cycles and commands of the script pass: (step, point).
fn points(script: &Script, whole: &Outcome) -> Vec<(usize, Point)> {
    let cycles = script.steps.iter().enumerate();
    let cycles = cycles.filter(|(_, step)| matches!(step, Step::Cycle(_) | Step::Command(_)));
    let mut points = Vec::new();
    for ((step, _), seen) in cycles.zip(&whole.points) {
        for on in [On::Call, On::Commit] {
            let count = seen.get(&on).copied().unwrap_or_default();
            for n in 0..count {
                for after in [false, true] {
                    points.push((step, Point { on, n, after }));
                }
            }
        }
    }
    points
}

/// The script with kills. After each kill a cycle runs at once, as a supervisor would start it.
fn with_kills(script: &Script, kills: &[(usize, Point)]) -> Script {
    let mut script = script.clone();
    let mut kills = kills.to_vec();
    kills.sort_by(|a, b| b.cmp(a));
    for (step, point) in kills {
        script
            .steps
            .insert(step + 1, Step::During(point, Deed::Crash));
        let mut end = step + 2;
        while matches!(script.steps.get(end), Some(Step::During(..))) {
            end += 1;
        }
        script.steps.insert(end, Step::Wait(5_000));
        script.steps.insert(end + 1, Step::Cycle(false));
    }
    script
}
