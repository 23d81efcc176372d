//! `status`: how fresh and how clean each pair is.

use super::super::{Context, Failure, claims, print, print_json};
use super::{config, read_only};
use crate::cli::ExitCode;
use crate::model::{Clock, Timestamp};
use crate::render;
use crate::views::status::{HoldView, PairStatus, Status, status as look};
use serde_json::json;

/// Longest reason that is shown in the table; a longer one gets a line of its own.
const MAX_CELL: usize = 40;

/// `status`: per pair, how fresh and how clean. Leaves with 3 when something is stale, held or open.
pub fn status(context: &Context) -> Result<ExitCode, Failure> {
    let config = config(context)?;
    let store = read_only(&config)?;
    let now = crate::clock::SystemClock.now();
    let status = look(&config, &store, now)?;
    if context.global.json {
        print_json(
            &json!({ "format_version": 1, "pairs": status.pairs, "notices": status.notices }),
        );
    } else {
        show(context, &status, now);
    }
    Ok(match status.clean() {
        true => ExitCode::Done,
        false => ExitCode::Partial,
    })
}

/// The reason, where it is too long for the table.
fn long_note(pair: &PairStatus) -> Option<&str> {
    Some(pair.note.as_str()).filter(|note| note.chars().count() > MAX_CELL)
}

fn cells(pair: &PairStatus, now: Timestamp) -> Vec<String> {
    let note = long_note(pair).map_or(pair.note.as_str(), |_| "see below");
    vec![
        pair.pair.0.clone(),
        ago(now, pair.last_success),
        pair.links.to_string(),
        pair.open_intents.to_string(),
        pair.open_conflicts.to_string(),
        pair.holds.to_string(),
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
    for notice in &status.notices {
        line(&format!("notice: {notice}"));
    }
    let rows: Vec<_> = status.pairs.iter().map(|pair| cells(pair, now)).collect();
    print(&render::table(&HEADERS, &rows, &context.style));
    for pair in &status.pairs {
        if let Some(reason) = long_note(pair) {
            line(&format!("{}: {reason}", pair.pair));
        }
    }
    for pair in &status.pairs {
        if let Some(canary) = &pair.canary {
            line(&claims::stored(&pair.pair, canary));
        }
    }
    for hold in &status.holds {
        line(&held(hold));
    }
}

fn held(hold: &HoldView) -> String {
    let item = hold
        .item
        .as_ref()
        .map_or_else(String::new, ToString::to_string);
    let side = hold.side.map_or_else(String::new, |side| side.to_string());
    let what = hold
        .subject
        .within()
        .map_or_else(String::new, |subject| format!(" {subject}"));
    format!("held: {side} {item}{what}: {}", hold.reason)
}

/// Prints a line of text that may come from a service.
fn line(text: &str) {
    print(&format!("{}\n", render::escape(text)));
}

fn ago(now: Timestamp, at: Option<Timestamp>) -> String {
    match at {
        None => "never".to_owned(),
        Some(at) => {
            let seconds = u64::try_from(now.since(at) / 1000).unwrap_or(0);
            format!(
                "{} ago",
                humantime::format_duration(std::time::Duration::from_secs(seconds))
            )
        }
    }
}
