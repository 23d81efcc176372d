//! Questions on the terminal that a slip of the hand cannot answer.

use super::{Failure, note};
use crate::cli::ExitCode;
use crate::engine::stop::StopSwitch;
use crate::model::PairName;
use crate::reconcile::plan::{PairPlan, Plan};
use crate::render;
use std::collections::BTreeSet;
use std::io::IsTerminal;

/// What was typed.
#[derive(Debug, PartialEq, Eq)]
enum Typed {
    /// A line, without its end and without blanks around it.
    Line(String),
    /// Nothing: the process was told to end, or there is no more input.
    Nothing,
}

/// Asks for a typed `yes`. Any other answer is a no, and the person is told so.
pub(super) fn yes(question: &str, stop: &StopSwitch) -> Result<bool, Failure> {
    yes_or(question, "nothing was changed", stop)
}

/// The same, with what a no means in words.
fn yes_or(question: &str, no: &str, stop: &StopSwitch) -> Result<bool, Failure> {
    let said = ask(&format!("{question} Type yes to go on: "), stop)?;
    Ok(match said {
        Typed::Line(line) if line == "yes" => true,
        Typed::Line(line) => {
            note(&format!(
                "{no}: the answer was \"{}\", and only yes, typed in full, goes on\n",
                render::escape(&line)
            ));
            false
        }
        Typed::Nothing => {
            note(&format!("{no}: there was no answer\n"));
            false
        }
    })
}

/// Asks for each of these pairs, whose plans were just shown, whether its plan is to be carried out. Returns those with a
/// yes. `beside`: pairs with changes that wait for nobody, which is said before anything is asked, because a no does not hold
/// them back.
pub(super) fn agreed(
    waiting: &[&PairPlan],
    beside: &[&PairPlan],
    stop: &StopSwitch,
) -> Result<BTreeSet<PairName>, Failure> {
    let mut agreed = BTreeSet::new();
    if !beside.is_empty() && !waiting.is_empty() {
        let names: Vec<String> = beside.iter().map(|pair| named(pair)).collect();
        note(&format!(
            "{} had a yes before and waits for none: what is planned there is carried out whatever you answer. Ctrl-C leaves \
             everything as it is\n",
            names.join(", ")
        ));
    }
    let alone = beside.is_empty() && waiting.len() == 1;
    for pair in waiting {
        let question = match (pair.writes(), alone) {
            (0, _) => later(&named(pair)),
            (_, true) => "Carry out this plan?".to_owned(),
            (_, false) => format!("Carry out the plan of {}?", named(pair)),
        };
        let no = match alone {
            true => "nothing was changed".to_owned(),
            false => format!("{} is left as it is", named(pair)),
        };
        if yes_or(&question, &no, stop)? {
            agreed.insert(pair.pair.clone());
        }
    }
    Ok(agreed)
}

fn named(pair: &PairPlan) -> String {
    format!("pair \"{}\"", render::escape(&pair.pair.0))
}

/// The question about pairs with nothing to write, whose scope or mapping waits for a yes all the same.
fn later(names: &str) -> String {
    format!(
        "Nothing is to be written now. Say yes to the scope and mapping of {names}, so that the next cycles write without a \
         question?"
    )
}

/// Whether a guard stops a pair, so that only the hash of its plan lets that through.
fn is_guarded(pair: &PairPlan) -> bool {
    pair.blocked.is_none() && pair.guarded().next().is_some()
}

/// Whether [`confirmed`] or [`approved`] has anything to ask about a plan. While a question stands, people go on editing.
pub(super) fn asks(plan: &Plan) -> bool {
    let mut pairs = plan.pairs.iter();
    plan.writes() > 0 || pairs.any(|pair| pair.waits_for_a_yes() || is_guarded(pair))
}

/// Asks whether a plan that was just shown is to be carried out, but for what a guard stops: [`approved`] asks about that. A
/// plan that writes nothing needs no answer, unless the yes would be to a pair's scope and mapping: that only a person gives.
/// `json`: the plan was printed for a program, and nobody is asked. `full`: only a full listing makes the plan again.
pub(super) fn confirmed(
    plan: &Plan,
    json: bool,
    full: bool,
    stop: &StopSwitch,
) -> Result<bool, Failure> {
    if !asks(plan) {
        return Ok(true);
    }
    if json || !std::io::stdin().is_terminal() {
        note(&unasked(plan, json, full));
        return Ok(false);
    }
    let waiting = plan.pairs.iter().filter(|pair| pair.waits_for_a_yes());
    let waiting: Vec<String> = waiting.map(named).collect();
    let (guarded, others): (Vec<_>, Vec<_>) = plan.pairs.iter().partition(|pair| is_guarded(pair));
    let writes: usize = others.iter().map(|pair| pair.writes()).sum();
    match (writes, waiting.is_empty()) {
        (0, true) => Ok(true),
        (0, false) => yes(&later(&waiting.join(", ")), stop),
        (_, _) if guarded.is_empty() => yes("Carry out this plan?", stop),
        (_, _) => yes("Carry out this plan, but for what a guard stops?", stop),
    }
}

/// What is said where there is nobody to ask: each way that would carry out some of this very plan.
fn unasked(plan: &Plan, json: bool, full: bool) -> String {
    let (full, whole) = if full {
        ("--full ", " --full")
    } else {
        ("", "")
    };
    let mut ways = vec![format!(
        "save the plan with `boardsync plan {full}--out FILE`, then `boardsync apply FILE`"
    )];
    if plan.pairs.iter().any(PairPlan::waits_for_a_yes) {
        ways.push(format!(
            "say yes to what waits for one with `boardsync reconcile --once {full}--yes`"
        ));
    }
    for pair in plan.pairs.iter().filter(|pair| is_guarded(pair)) {
        ways.push(format!(
            "let {} through its guard with `boardsync reconcile --once {full}--approve {}`",
            named(pair),
            pair.hash()
        ));
    }
    // A pair that another installation works on is carried out by none of these.
    if ways.len() == 1 && plan.pairs.iter().all(|pair| pair.blocked.is_none()) {
        ways.push(format!(
            "carry it out with `boardsync reconcile --once{whole}`, since nothing in it waits for a yes"
        ));
    }
    let why = match json {
        true => "nobody is asked with --json. Without a question",
        false => "there is no terminal to ask on. Without one",
    };
    format!("nothing was changed: {why}: {}\n", ways.join("; or "))
}

/// Asks for every pair that a guard stops whether exactly its plan is let through: the answer is the hash that the plan
/// shows, so that nobody gives it without having looked.
pub(super) fn approved(plan: &Plan, stop: &StopSwitch) -> Result<BTreeSet<String>, Failure> {
    let mut hashes = BTreeSet::new();
    for pair in &plan.pairs {
        if pair.blocked.is_some() || pair.guarded().next().is_none() {
            continue;
        }
        let hash = pair.hash();
        let question = format!(
            "A guard stops pair \"{}\", see above. Type {hash} to let exactly this plan through, or press Enter to leave \
             the pair out: ",
            render::escape(&pair.pair.0)
        );
        match ask(&question, stop)? {
            Typed::Line(line) if line == hash => {
                hashes.insert(hash);
            }
            Typed::Line(line) if line.is_empty() => note("left out\n"),
            Typed::Line(_) => note(&format!("left out: what was typed is not {hash}\n")),
            Typed::Nothing => break,
        }
    }
    Ok(hashes)
}

/// Shows a question and reads one line. What was typed before the question stood there does not count.
fn ask(question: &str, stop: &StopSwitch) -> Result<Typed, Failure> {
    line(question, stop).map_err(|error| {
        let message = format!("cannot ask on the terminal: {error}");
        Failure::new(ExitCode::Unexpected, message)
    })
}

#[cfg(unix)]
fn line(question: &str, stop: &StopSwitch) -> std::io::Result<Typed> {
    use rustix::event::{PollFd, PollFlags, Timespec, poll};
    use rustix::io::Errno;
    use rustix::termios::{QueueSelector, tcflush};
    /// How soon a signal is noticed: reading itself would sleep through it.
    const LOOK: Timespec = Timespec {
        tv_sec: 0,
        tv_nsec: 50_000_000,
    };
    let input = std::io::stdin();
    tcflush(&input, QueueSelector::IFlush)?;
    note(question);
    let mut text: Vec<u8> = Vec::new();
    while !text.contains(&b'\n') {
        if stop.asked() {
            note("\n");
            return Ok(Typed::Nothing);
        }
        let mut ready = [PollFd::new(&input, PollFlags::IN)];
        match poll(&mut ready, Some(&LOOK)) {
            Ok(0) | Err(Errno::INTR) => continue,
            Ok(_) => {}
            Err(error) => return Err(error.into()),
        }
        // Past the standard library's buffer: what is behind the line belongs to whoever reads next.
        let mut buffer = [0_u8; 1024];
        match rustix::io::read(&input, &mut buffer) {
            Ok(0) => {
                note("\n");
                return Ok(Typed::Nothing);
            }
            Ok(read) => text.extend(buffer.iter().take(read)),
            Err(Errno::INTR) => {}
            Err(error) => return Err(error.into()),
        }
    }
    Ok(Typed::Line(
        String::from_utf8_lossy(&text).trim().to_owned(),
    ))
}

#[cfg(not(unix))]
fn line(question: &str, _stop: &StopSwitch) -> std::io::Result<Typed> {
    note(question);
    let mut text = String::new();
    Ok(match std::io::stdin().read_line(&mut text)? {
        0 => Typed::Nothing,
        _ => Typed::Line(text.trim().to_owned()),
    })
}
