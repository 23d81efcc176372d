//! `status`: how fresh and how clean each pair is.

use super::super::claims::stored;
use super::super::{Context, Failure, print, print_json};
use super::{config, read_only};
use crate::cli::ExitCode;
use crate::config::Poll;
use crate::model::{Clock, Timestamp};
use crate::render;
use serde_json::json;

/// Longest reason that is shown in the table; a longer one gets a line of its own.
const MAX_CELL: usize = 40;

/// `status`: per pair, how fresh and how clean. Leaves with 3 when something is stale, held or open.
pub fn status(context: &Context) -> Result<ExitCode, Failure> {
    let config = config(context)?;
    let store = read_only(&config)?;
    let now = crate::clock::SystemClock.now();
    let stale_after = match &config.schedule.poll {
        Poll::Every(every) => i64::try_from(every.as_millis())
            .unwrap_or(i64::MAX)
            .saturating_mul(5)
            .max(300_000),
        Poll::Cron(_) => 24 * 3_600_000,
    };
    let intents = store.open_intents()?;
    let conflicts = store.conflicts(true)?;
    let (mut rows, mut values, mut clean) = (Vec::new(), Vec::new(), true);
    let (mut claims, mut reasons) = (Vec::new(), Vec::new());
    for pair in &config.pairs {
        let state = store.pair_state(&pair.name)?;
        let links = store.count_links(&pair.name)?;
        let holds = store.holds(Some(&pair.name))?.len();
        let open = intents
            .iter()
            .filter(|intent| intent.pair == pair.name)
            .count();
        let open_conflicts = conflicts
            .iter()
            .filter(|conflict| conflict.record.pair == pair.name)
            .count();
        let stale = state
            .last_success
            .is_none_or(|at| now.since(at) > stale_after);
        let approved = state.fingerprint.as_deref() == Some(pair.fingerprint.as_str());
        let note = match (&state.last_error, approved, stale) {
            (Some(error), _, _) => error.clone(),
            (None, false, _) => "waits for a first yes".to_owned(),
            (None, true, true) => "stale".to_owned(),
            (None, true, false) => "ok".to_owned(),
        };
        clean &= note == "ok" && holds + open + open_conflicts == 0;
        rows.push(vec![
            pair.name.0.clone(),
            ago(now, state.last_success),
            links.to_string(),
            open.to_string(),
            open_conflicts.to_string(),
            holds.to_string(),
            if note.chars().count() > MAX_CELL {
                reasons.push(format!("{}: {note}", pair.name));
                "see below".to_owned()
            } else {
                note.clone()
            },
        ]);
        let claim = stored(pair, &store)?;
        let held = claim.as_ref().map(|(_, value)| value.clone());
        claims.extend(claim.map(|(line, _)| line));
        values.push(json!({
            "pair": pair.name, "last_success_ms": state.last_success, "last_attempt_ms": state.last_attempt,
            "last_sweep_ms": state.last_sweep, "stale": stale, "approved": approved, "links": links,
            "open_intents": open, "open_conflicts": open_conflicts, "holds": holds, "note": note,
            "claim": held,
        }));
    }
    let notices = super::super::notices::notices(&config, &store, now)?;
    clean &= notices.is_empty();
    if context.global.json {
        print_json(&json!({ "format_version": 1, "pairs": values, "notices": notices }));
    } else {
        for notice in &notices {
            print(&render::escape(&format!("notice: {notice}")));
            print("\n");
        }
        let headers = [
            "pair",
            "last success",
            "links",
            "creates open",
            "conflicts",
            "held",
            "state",
        ];
        print(&render::table(&headers, &rows, &context.style));
        for reason in reasons {
            print(&format!("{}\n", render::escape(&reason)));
        }
        for line in claims {
            print(&format!("{line}\n"));
        }
        for hold in store.holds(None)? {
            let item = hold
                .item
                .as_ref()
                .map_or_else(String::new, ToString::to_string);
            let side = hold.side.map_or_else(String::new, |side| side.to_string());
            let field = hold
                .field
                .map_or_else(String::new, |field| format!(" {field}"));
            print(&render::escape(&format!(
                "held: {side} {item}{field}: {}",
                hold.reason
            )));
            print("\n");
        }
    }
    Ok(if clean {
        ExitCode::Done
    } else {
        ExitCode::Partial
    })
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
