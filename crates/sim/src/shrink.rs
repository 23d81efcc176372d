//! Makes a failing script small: steps are taken out, larger groups first, as long as the same law still breaks.

use super::controls::Control;
use super::run::run;
use super::script::{Script, Step};

/// Most runs that one script is worth.
const RUNS: usize = 600;

/// Returns a script with as few steps as could be found that breaks `law`.
pub fn shrink(script: &Script, law: &str, control: Option<Control>) -> Script {
    let mut best = script.clone();
    let mut runs = 0;
    let mut fails = |candidate: &Script| {
        runs += 1;
        runs <= RUNS && run(candidate, control, false).breaks(law)
    };
    let mut size = best.steps.len() / 2;
    while size > 0 {
        let mut at = 0;
        let mut smaller = false;
        while at < best.steps.len() {
            let mut candidate = best.clone();
            let end = (at + size).min(candidate.steps.len());
            candidate.steps.drain(at..end);
            if fails(&candidate) {
                best = candidate;
                smaller = true;
            } else {
                at += size;
            }
        }
        if size > 1 || !smaller {
            size /= 2;
        }
    }
    simplify(&mut best, &mut fails);
    best
}

/// Rounds waits and evens out the set-up where that changes nothing.
fn simplify(best: &mut Script, fails: &mut dyn FnMut(&Script) -> bool) {
    for at in 0..best.steps.len() {
        if let Step::Wait(ms) = best.steps[at] {
            for rounded in [0, 1_000, 60_000, 600_000] {
                let mut candidate = best.clone();
                candidate.steps[at] = Step::Wait(rounded);
                if rounded < ms && fails(&candidate) {
                    *best = candidate;
                    break;
                }
            }
        }
    }
    for change in [
        (|script: &mut Script| script.setup.skew_ado = 0) as fn(&mut Script),
        |script| script.setup.skew_clickup = 0,
        |script| script.setup.local = 0,
        |script| script.setup.backlink = false,
        |script| script.setup.pairs = 1,
    ] {
        let mut candidate = best.clone();
        change(&mut candidate);
        if candidate != *best && fails(&candidate) {
            *best = candidate;
        }
    }
}
