//! `status`: how fresh and how clean each pair is.

use super::super::when::{age, when};
use super::super::{Context, Failure, claims, next, note, print, print_json};
use super::{config, read_only};
use crate::cli::ExitCode;
use crate::model::{Clock, PairName, Side, Sided, Timestamp};
use crate::reason::RunEnd;
use crate::render;
use crate::views::status::{
    HoldView, LastCycle, Need, PairStatus, Running, Status, Token, keys_of_access, status as look,
};
use serde::Serialize;
use std::path::Path;

/// Longest reason that is shown in the table; a longer one gets a line of its own.
pub(super) const MAX_CELL: usize = 40;

#[derive(Serialize)]
struct Versioned<'a> {
    format_version: u32,
    #[serde(flatten)]
    status: &'a Status,
}

/// `status`: the state's path, what runs, the last cycle, the tokens, and per pair how fresh and how clean it is. Leaves with
/// 3 when somebody has to act, and with 5 when something is only late.
pub fn status(context: &Context) -> Result<ExitCode, Failure> {
    let config = config(context)?;
    let store = read_only(&config)?;
    let now = crate::clock::SystemClock.now();
    let status = look(&config, &store, now)?;
    if context.global.json {
        print_json(&Versioned {
            format_version: 1,
            status: &status,
        });
    } else {
        show(context, &status, now);
    }
    if context.global.quiet && status.need != Need::Nothing {
        note(&format!("{}\n", render::escape(&in_a_sentence(&status))));
    }
    Ok(match status.need {
        Need::Nothing => ExitCode::Done,
        Need::Time => ExitCode::Late,
        Need::Somebody => ExitCode::Partial,
    })
}

/// Everything that is not as it should be, in one line: for the mail of a cron job.
fn in_a_sentence(status: &Status) -> String {
    let mut told = Vec::new();
    for side in Side::BOTH {
        if let Token::Refused { .. } = status.tokens.get(side) {
            let [token, place] = keys_of_access(side);
            told.push(format!("{side} does not let us in ({token} or {place})"));
        }
    }
    let failed = |run: &&LastCycle| run.outcome == RunEnd::Failed;
    if let Some(run) = status.last_cycle.as_ref().filter(failed) {
        let why = run.detail.as_deref().unwrap_or_default();
        told.push(format!("the last cycle ended by an error ({why})"));
    }
    told.extend(status.notices.iter().cloned());
    for pair in status
        .pairs
        .iter()
        .filter(|pair| pair.need != Need::Nothing)
    {
        let mut what = Vec::new();
        if !pair.is_ok() {
            what.push(pair.note.clone());
        }
        for (count, one, many) in [
            (
                pair.open_conflicts,
                "conflict is open",
                "conflicts are open",
            ),
            (
                pair.chosen_conflicts - pair.held_choices - pair.barred_choices.len(),
                "conflict is chosen and waits for the next cycle",
                "conflicts are chosen and wait for the next cycle",
            ),
            (
                pair.held_choices,
                "choice in a conflict is held",
                "choices in conflicts are held",
            ),
            (
                pair.barred_choices.len(),
                "choice in a conflict cannot be carried out at present",
                "choices in conflicts cannot be carried out at present",
            ),
            (
                pair.holds,
                "item or field is held",
                "items or fields are held",
            ),
            (
                pair.open_intents,
                "create had no answer",
                "creates had no answer",
            ),
        ] {
            if count > 0 {
                what.push(render::plural(count, one, many));
            }
        }
        told.push(format!("{}: {}", pair.pair, what.join(", ")));
    }
    told.join("; ").replace('\n', " ")
}

/// The reason, where it is too long for the table.
fn long_note(pair: &PairStatus) -> Option<&str> {
    Some(pair.note.as_str()).filter(|note| note.chars().count() > MAX_CELL)
}

fn cells(pair: &PairStatus, now: Timestamp) -> Vec<String> {
    let apart = pair.open_conflicts + pair.holds + pair.open_intents > 0;
    let note = match long_note(pair) {
        Some(_) => "see below",
        // The counts beside it say what is not.
        None if pair.is_ok() && apart => "ok otherwise",
        None => pair.note.as_str(),
    };
    let aged = |count: usize, oldest: Option<Timestamp>| match oldest {
        Some(at) => format!("{count}, oldest {}", age(now, at)),
        None => count.to_string(),
    };
    vec![
        pair.pair.0.clone(),
        pair.last_success
            .map_or_else(|| "never".to_owned(), |at| format!("{} ago", age(now, at))),
        pair.links.to_string(),
        pair.open_intents.to_string(),
        match pair.chosen_conflicts {
            0 => aged(pair.open_conflicts, pair.oldest_conflict),
            chosen => format!(
                "{}, {chosen} chosen",
                aged(pair.open_conflicts, pair.oldest_conflict)
            ),
        },
        aged(pair.holds, pair.oldest_hold),
        note.to_owned(),
    ]
}

const HEADERS: [&str; 7] = [
    "pair",
    "last success",
    "links",
    "creates open",
    "conflicts",
    "held",
    "state",
];

fn show(context: &Context, status: &Status, now: Timestamp) {
    // On one line, for a path is copied.
    let there = match Path::new(&status.state).try_exists() {
        Ok(false) => " (not there)",
        Ok(true) | Err(_) => "",
    };
    line(&format!("state: {}{there}", status.state));
    for line in running(status) {
        wrapped(context, &line);
    }
    let last = status.last_cycle.as_ref();
    let told = last.map_or_else(
        || "none yet".to_owned(),
        |cycle| last_cycle(cycle, &status.tokens, now),
    );
    wrapped(context, &format!("last cycle: {told}"));
    // Nothing but a cycle tells the database.
    let asked = status.pairs.iter().filter_map(|pair| pair.last_attempt);
    let asked = asked.max();
    for side in Side::BOTH {
        let mut told = token(context, side, status.tokens.get(side), now);
        if *status.tokens.get(side) == Token::Ok {
            told.push_str(" when a cycle last asked");
            if let Some(at) = asked {
                told.push_str(&format!(", {} ago", age(now, at)));
            }
        }
        wrapped(context, &format!("{side} token: {told}"));
    }
    line("");
    for notice in &status.notices {
        wrapped(context, &format!("notice: {notice}"));
    }
    let rows: Vec<_> = status.pairs.iter().map(|pair| cells(pair, now)).collect();
    print(&render::table(&HEADERS, &rows, &context.style));
    for pair in &status.pairs {
        if let Some(reason) = long_note(pair) {
            wrapped(context, &format!("{}: {reason}", pair.pair));
        }
        if let (Some(at), Some(_)) = (pair.next_look, &status.running) {
            wrapped(
                context,
                &format!(
                    "{}: a running daemon looks at it again at {}, or at once when it is started again",
                    pair.pair,
                    when(at)
                ),
            );
        }
    }
    for pair in &status.pairs {
        if let Some(canary) = &pair.canary {
            line(&claims::stored(&pair.pair, canary));
        }
    }
    for pair in &status.pairs {
        if pair.holds > 0 && pair.reconfigured {
            let text = format!(
                "{}: what is held is told as it was under the configuration before; the next plan looks at it anew",
                pair.pair
            );
            wrapped(context, &text);
        }
    }
    holds(context, status, now);
    conflicts(context, status);
}

/// Everything that is held.
fn holds(context: &Context, status: &Status, now: Timestamp) {
    for hold in &status.holds {
        // Also a hold that ends by itself waits for as long as a daemon leaves its pair alone.
        let mut pairs = status.pairs.iter().filter(|_| status.running.is_some());
        let pair = pairs.find(|pair| pair.pair == hold.pair);
        let rests = pair.and_then(|pair| pair.next_look);
        let hold = HoldView {
            retry_at: hold.retry_at.max(rests),
            ..hold.clone()
        };
        // One pair needs no name, unless it is another one.
        let alone = matches!(status.pairs.as_slice(), [one] if one.pair == hold.pair);
        let pair = (!alone).then_some(&hold.pair);
        wrapped(context, &held(&hold, pair, now));
    }
}

/// What is chosen and what is open, with the command that tells more.
fn conflicts(context: &Context, status: &Status) {
    let held: usize = status.pairs.iter().map(|pair| pair.held_choices).sum();
    let chosen: usize = status.pairs.iter().map(|pair| pair.chosen_conflicts).sum();
    let barred = status.pairs.iter().flat_map(|pair| &pair.barred_choices);
    let barred: Vec<&i64> = barred.collect();
    if let Some(first) = barred.first() {
        let chosen = render::plural(barred.len(), "conflict is", "conflicts are");
        let show = next(context, &format!("conflicts show {first}"));
        let text =
            format!("{chosen} chosen, and no cycle carries that out at present: {show} says why");
        wrapped(context, &text);
    }
    for (count, what) in [
        (
            chosen - held - barred.len(),
            "the next cycle carries that out",
        ),
        (
            held,
            "that could not be carried out and is held, for the reason above",
        ),
    ] {
        if count > 0 {
            let chosen = render::plural(count, "conflict is", "conflicts are");
            wrapped(context, &format!("{chosen} chosen: {what}"));
        }
    }
    let conflicts: usize = status.pairs.iter().map(|pair| pair.open_conflicts).sum();
    if conflicts > 0 {
        let list = next(context, "conflicts");
        let hint = format!(
            "{list} lists the fields in which the two sides differ until somebody chooses, and says how"
        );
        wrapped(context, &hint);
    }
}

/// What runs on this state: what works on it, and what stays and only looks.
fn running(status: &Status) -> Vec<String> {
    let works = status.running.as_ref().map(process);
    let looks = status.watching.as_ref().map(|watching| {
        let process = process(watching);
        format!("{process}, which only looks and writes nothing")
    });
    match (works, looks) {
        (None, None) => vec!["running: nothing".to_owned()],
        (works, looks) => {
            let all = works.into_iter().chain(looks);
            all.map(|process| format!("running: {process}")).collect()
        }
    }
}

fn process(running: &Running) -> String {
    let command = running.command.as_ref().map_or_else(
        || "another boardsync".to_owned(),
        |command| format!("boardsync {command}"),
    );
    let process = running
        .pid
        .map_or_else(String::new, |pid| format!(" (process {pid})"));
    let since = running
        .since
        .map_or_else(String::new, |at| format!(" since {}", when(at)));
    format!("{command}{process}{since}")
}

fn last_cycle(run: &LastCycle, tokens: &Sided<Token>, now: Timestamp) -> String {
    let at = run.finished_at.unwrap_or(run.started_at);
    let end = match run.outcome {
        RunEnd::Done => "done",
        RunEnd::Stopped => "stopped",
        RunEnd::Failed => "ended by an error",
    };
    let mut text = format!("{}, {} ago: {end}", when(at), age(now, at));
    if run.outcome != RunEnd::Failed {
        let writes = usize::try_from(run.writes).unwrap_or(0);
        text.push_str(&format!(", {}", render::plural(writes, "write", "writes")));
        for (count, what) in [(run.linked, "linked"), (run.unlinked, "unlinked")] {
            if count > 0 {
                text.push_str(&format!(", {count} {what}"));
            }
        }
    }
    if run.failures > 0 {
        text.push_str(&format!(", {} failed", run.failures));
    }
    let told = run.detail.as_ref();
    if let Some(side) = told.and_then(|detail| refused(detail, tokens)) {
        text.push_str(&format!(": {side} did not let it in, see below"));
    } else if let Some(detail) = told {
        text.push_str(&format!(": {}", detail.replace('\n', "; ")));
    }
    text
}

/// Returns the side whose refusal of a token is all that this says; `None`: it says something else.
fn refused(detail: &str, tokens: &Sided<Token>) -> Option<Side> {
    Side::BOTH.into_iter().find(|side| match tokens.get(*side) {
        Token::Refused { said, .. } => detail.contains(said.as_str()),
        Token::Ok | Token::NeverTried => false,
    })
}

fn token(context: &Context, side: Side, token: &Token, now: Timestamp) -> String {
    let check = next(context, "check");
    match token {
        Token::Ok => "ok".to_owned(),
        Token::NeverTried => format!("no cycle has used it yet ({check} tries it)"),
        Token::Refused { since, said } => {
            let [token, place] = keys_of_access(side);
            format!(
                "not let in by any cycle since {}, {} ago: {said}. {token} or {place} is wrong: {check} tries both and says \
                 which. This line ends with the next cycle that gets in, say {}",
                when(*since),
                age(now, *since),
                next(context, "reconcile --once")
            )
        }
    }
}

/// One hold, as a line. `pair`: its pair, where that is to be told.
pub(super) fn held(hold: &HoldView, pair: Option<&PairName>, now: Timestamp) -> String {
    let of = pair.map_or_else(String::new, |pair| format!(" in pair \"{pair}\""));
    let item = hold
        .item
        .as_ref()
        .map_or_else(String::new, |item| format!(" {item}"));
    let side = hold.side.map_or_else(String::new, |side| side.to_string());
    let what = hold
        .subject
        .within()
        .map_or_else(String::new, |subject| format!(" {subject}"));
    let title = hold
        .title
        .as_ref()
        .map_or_else(String::new, |title| format!(" \"{title}\""));
    let next = match (hold.need, hold.retry_at) {
        (Need::Time, Some(at)) if at > now => format!("next try {}", when(at)),
        (Need::Time, _) => "tried again by the next cycle".to_owned(),
        (Need::Somebody | Need::Nothing, _) => "waits for somebody".to_owned(),
    };
    let kind = match hold.conflict {
        Some(id) => format!("conflict {id}"),
        None => "held".to_owned(),
    };
    format!(
        "{kind}{of}: {side}{item}{title}{what}: {} (for {}, {next})",
        hold.reason,
        age(now, hold.since)
    )
}

/// Prints a line of text that may come from a service.
fn line(text: &str) {
    print(&format!("{}\n", render::escape(text)));
}

/// As [`line`], folded into the columns.
fn wrapped(context: &Context, text: &str) {
    print(&render::hanging(text, 4, &context.style));
}
