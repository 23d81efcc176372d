//! What the database says: approvals, and rows that wait for longer than they should.

use super::{Chart, Level};
use crate::clock::SystemClock;
use crate::config::Config;
use crate::model::Clock;
use crate::render;
use crate::store::{RESTORED, Store, StoreError};

/// A hold that is this old is forgotten rather than waited for.
const OLD_HOLD_MS: i64 = 7 * 24 * 3_600_000;

/// Looks at the rows.
pub(super) fn examine(config: &Config, store: &Store, chart: &mut Chart) -> Result<(), StoreError> {
    let now = SystemClock.now();
    approvals(config, store, chart)?;
    signature(config, store, chart)?;
    let quiet = i64::try_from(config.schedule.quiet_time.as_millis()).unwrap_or(i64::MAX);
    let intents = store.open_intents()?;
    let late = intents
        .iter()
        .filter(|i| now.since(i.last_sent.unwrap_or(i.opened_at)) > quiet.saturating_mul(2))
        .count();
    let found = format!(
        "{} open, {late} older than twice the quiet time",
        intents.len()
    );
    match late {
        0 => chart.ok("creates", found),
        _ => chart.add(
            "creates",
            Level::Warn,
            found,
            "run a cycle: it looks for the items; `boardsync status` names those that stay open",
        ),
    }
    // As `status` counts them: what waits for the choice in a conflict is that conflict.
    let waiting = store.waiting_conflicts()?;
    let mut holds = store.holds(None)?;
    holds.retain(|hold| !waiting.iter().any(|one| one.is_about(hold)));
    let old = holds
        .iter()
        .filter(|hold| now.since(hold.since) > OLD_HOLD_MS)
        .count();
    let open = match waiting.len() {
        0 => String::new(),
        n => format!(
            "; {} open, which `boardsync conflicts` lists",
            render::plural(n, "conflict is", "conflicts are")
        ),
    };
    let found = format!("{} held, {old} for more than a week{open}", holds.len());
    match old {
        0 => chart.ok("holds", found),
        _ => chart.add(
            "holds",
            Level::Warn,
            found,
            "`boardsync status` says why each is held",
        ),
    }
    let pairs: Vec<&str> = config
        .pairs
        .iter()
        .map(|pair| pair.name.0.as_str())
        .collect();
    let (observations, links) = store.strays(&pairs)?;
    let found = format!(
        "{} and {} of no configured pair",
        render::plural(
            usize::try_from(links).unwrap_or(usize::MAX),
            "link",
            "links"
        ),
        render::plural(
            usize::try_from(observations).unwrap_or(usize::MAX),
            "stored item",
            "stored items"
        )
    );
    match links {
        0 => chart.ok("strays", found),
        _ => chart.add(
            "strays",
            Level::Warn,
            found,
            "a pair was renamed or removed: give it its old name back, or end its links with `boardsync links remove --pair NAME`",
        ),
    }
    Ok(())
}

/// Checks that the key is the one that this database has been used with. A missing key is told elsewhere.
fn signature(config: &Config, store: &Store, chart: &mut Chart) -> Result<(), StoreError> {
    let Ok(Some(key)) = crate::store::load_key(&config.state.path) else {
        return Ok(());
    };
    match store.knows_key(&key)? {
        Some(true) => chart.ok("right key", "the one that this database has been used with"),
        Some(false) => chart.add(
            "right key",
            Level::Fail,
            "not the one that this database was first used with: it was made anew, or comes from elsewhere",
            "restore FILE.key from a backup: with another key the markers on the items are a stranger's",
        ),
        None => chart.ok("right key", "this database has not been used with any yet"),
    }
    Ok(())
}

fn approvals(config: &Config, store: &Store, chart: &mut Chart) -> Result<(), StoreError> {
    for pair in &config.pairs {
        let approved = store.pair_state(&pair.name)?.fingerprint;
        match approved {
            Some(fingerprint) if fingerprint == pair.fingerprint => {
                chart.ok(
                    "approval",
                    format!("{}: scope and mapping as approved", pair.name),
                );
            }
            Some(fingerprint) if fingerprint == RESTORED => chart.add(
                "approval",
                Level::Warn,
                format!("{}: restored from a backup", pair.name),
                "the next plan compares everything and needs a yes: `boardsync plan`, then `boardsync apply`",
            ),
            Some(_) => chart.add(
                "approval",
                Level::Warn,
                format!("{}: scope or mapping changed since the last yes", pair.name),
                "look at `boardsync plan`, then `boardsync apply`",
            ),
            None => chart.add(
                "approval",
                Level::Warn,
                format!("{}: no plan was said yes to", pair.name),
                "look at `boardsync plan`, then `boardsync apply`",
            ),
        }
    }
    Ok(())
}
