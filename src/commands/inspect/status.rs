//! `status`: how fresh and how clean each pair is.

use super::super::claims::stored;
use super::super::notices::notices;
use super::super::{Context, Failure, print, print_json};
use super::{config, read_only};
use crate::cli::ExitCode;
use crate::config::{Config, Pair, Poll};
use crate::model::{Clock, Timestamp};
use crate::render;
use crate::store::{HoldRow, PairState, Store};
use serde_json::{Value, json};

/// Longest reason that is shown in the table; a longer one gets a line of its own.
const MAX_CELL: usize = 40;

/// `status`: per pair, how fresh and how clean. Leaves with 3 when something is stale, held or open.
pub fn status(context: &Context) -> Result<ExitCode, Failure> {
    let config = config(context)?;
    let store = read_only(&config)?;
    let now = crate::clock::SystemClock.now();
    let looks = looks(&config, &store, now)?;
    let notices = notices(&config, &store, now)?;
    if context.global.json {
        let values: Vec<_> = looks.iter().map(Look::json).collect();
        print_json(&json!({ "format_version": 1, "pairs": values, "notices": notices }));
    } else {
        show(context, &looks, &notices, &store.holds(None)?, now);
    }
    Ok(match notices.is_empty() && looks.iter().all(Look::clean) {
        true => ExitCode::Done,
        false => ExitCode::Partial,
    })
}

/// What the state says of one pair.
struct Look<'a> {
    pair: &'a Pair,
    state: PairState,
    links: u64,
    holds: usize,
    open_intents: usize,
    open_conflicts: usize,
    /// Whether the last success is longer ago than some polls.
    stale: bool,
    /// Whether a person said yes to the present scope and mapping.
    approved: bool,
    /// Whose the pair is: a line for people and a value for programs.
    claim: Option<(String, Value)>,
}

fn looks<'a>(config: &'a Config, store: &Store, now: Timestamp) -> Result<Vec<Look<'a>>, Failure> {
    let stale_after = stale_after(&config.schedule.poll);
    let intents = store.open_intents()?;
    let conflicts = store.conflicts(true)?;
    let look = |pair: &'a Pair| {
        let state = store.pair_state(&pair.name)?;
        let intents = intents.iter().filter(|intent| intent.pair == pair.name);
        let conflicts = conflicts.iter();
        Ok(Look {
            pair,
            links: store.count_links(&pair.name)?,
            holds: store.holds(Some(&pair.name))?.len(),
            open_intents: intents.count(),
            open_conflicts: conflicts
                .filter(|conflict| conflict.record.pair == pair.name)
                .count(),
            stale: state
                .last_success
                .is_none_or(|at| now.since(at) > stale_after),
            approved: state.fingerprint.as_deref() == Some(pair.fingerprint.as_str()),
            claim: stored(pair, store)?,
            state,
        })
    };
    config.pairs.iter().map(look).collect()
}

/// After how many milliseconds without a success a pair counts as stale.
fn stale_after(poll: &Poll) -> i64 {
    match poll {
        Poll::Every(every) => i64::try_from(every.as_millis())
            .unwrap_or(i64::MAX)
            .saturating_mul(5)
            .max(300_000),
        Poll::Cron(_) => 24 * 3_600_000,
    }
}

impl Look<'_> {
    /// Why the pair is not as it should be, else `ok`.
    fn note(&self) -> &str {
        match (&self.state.last_error, self.approved, self.stale) {
            (Some(error), _, _) => error,
            (None, false, _) => "waits for a first yes",
            (None, true, true) => "stale",
            (None, true, false) => "ok",
        }
    }

    fn clean(&self) -> bool {
        self.note() == "ok" && self.holds + self.open_intents + self.open_conflicts == 0
    }

    fn json(&self) -> Value {
        let (state, claim) = (&self.state, self.claim.as_ref().map(|(_, value)| value));
        json!({
            "pair": self.pair.name, "last_success_ms": state.last_success, "last_attempt_ms": state.last_attempt,
            "last_sweep_ms": state.last_sweep, "stale": self.stale, "approved": self.approved, "links": self.links,
            "open_intents": self.open_intents, "open_conflicts": self.open_conflicts, "holds": self.holds,
            "note": self.note(), "claim": claim,
        })
    }

    /// The reason, where it is too long for the table.
    fn long_note(&self) -> Option<&str> {
        Some(self.note()).filter(|note| note.chars().count() > MAX_CELL)
    }

    fn cells(&self, now: Timestamp) -> Vec<String> {
        let note = self.long_note().map_or(self.note(), |_| "see below");
        vec![
            self.pair.name.0.clone(),
            ago(now, self.state.last_success),
            self.links.to_string(),
            self.open_intents.to_string(),
            self.open_conflicts.to_string(),
            self.holds.to_string(),
            note.to_owned(),
        ]
    }
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

fn show(
    context: &Context,
    looks: &[Look<'_>],
    notices: &[String],
    holds: &[HoldRow],
    now: Timestamp,
) {
    for notice in notices {
        line(&format!("notice: {notice}"));
    }
    let rows: Vec<_> = looks.iter().map(|look| look.cells(now)).collect();
    print(&render::table(&HEADERS, &rows, &context.style));
    for look in looks {
        if let Some(reason) = look.long_note() {
            line(&format!("{}: {reason}", look.pair.name));
        }
    }
    for (claim, _) in looks.iter().filter_map(|look| look.claim.as_ref()) {
        print(&format!("{claim}\n"));
    }
    for hold in holds {
        let item = hold
            .item
            .as_ref()
            .map_or_else(String::new, ToString::to_string);
        let side = hold.side.map_or_else(String::new, |side| side.to_string());
        let field = hold
            .field
            .as_ref()
            .map_or_else(String::new, |field| format!(" {field}"));
        line(&format!("held: {side} {item}{field}: {}", hold.reason()));
    }
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
