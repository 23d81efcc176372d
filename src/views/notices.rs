//! What the status says about the rails: why something, or everything, stands still.

use super::status::Need;
use crate::config::Config;
use crate::model::{PairName, Side, Timestamp};
use crate::reconcile::rails::{breaker, restored};
use crate::store::{Store, StoreError};

/// Returns one sentence for each thing that keeps work from being done and is not a hold of its own, with whether somebody
/// has to act on it.
pub(super) fn notices(
    config: &Config,
    store: &Store,
    now: Timestamp,
) -> Result<Vec<(Need, String)>, StoreError> {
    let mut notices = Vec::new();
    if config.guard.read_only {
        let text = "[guard] read_only = true: nothing is written to either service";
        notices.push((Need::Somebody, text.to_owned()));
    }
    let stop = &config.state.stop_file;
    if stop.try_exists().unwrap_or(true) {
        notices.push((
            Need::Somebody,
            format!(
                "the file {} is there: nothing is written to either service; remove it to go on",
                stop.display()
            ),
        ));
    }
    if let Some(mark) = store.restored()? {
        let quiet = i64::try_from(config.schedule.quiet_time.as_millis()).unwrap_or(i64::MAX);
        let left = restored::left_ms(quiet, (mark.at, now), None);
        if left > 0 {
            notices.push((Need::Time, format!(
                "the database was restored or replaced (noticed {}): nothing is created before {}",
                mark.at,
                now.plus_ms(left)
            )));
        }
        let open: Vec<&str> = config
            .pairs
            .iter()
            .filter(|pair| !mark.trusted.contains(&pair.name))
            .map(|pair| pair.name.0.as_str())
            .collect();
        if !open.is_empty() {
            notices.push((Need::Time, format!(
                "the database was restored or replaced (noticed {}): fields that differ are not written and nothing is created before a full listing of {}",
                mark.at,
                open.join(", ")
            )));
        }
    }
    for pair in &config.pairs {
        let strangers = strangers(store, &pair.name)?;
        notices.extend(strangers.map(|text| (Need::Somebody, text)));
    }
    for side in Side::BOTH {
        let Some(row) = store.breaker(side)? else {
            continue;
        };
        let next = if breaker::pauses(row.opened_at, row.retry_at, now) {
            format!("tried again at {}", row.retry_at)
        } else {
            "tried again in the next cycle".to_owned()
        };
        notices.push((
            Need::Time,
            format!(
                "{side} is left alone since {} after {} failed {}, {next}: {}",
                row.opened_at,
                row.failures,
                if row.failures == 1 { "cycle" } else { "cycles" },
                row.reason
            ),
        ));
    }
    let quarantined = store
        .attempts(None)?
        .iter()
        .filter(|attempt| attempt.retry_at.is_none())
        .count();
    if quarantined > 0 {
        notices.push((Need::Somebody, format!(
            "{} no longer tried, see the holds; after mending the cause run `boardsync reconcile --once --retry`",
            crate::render::plural(quarantined, "item is", "items are")
        )));
    }
    Ok(notices)
}

/// Says that another installation marked items of a pair that is ours. `None`: nothing says so.
fn strangers(store: &Store, pair: &PairName) -> Result<Option<String>, StoreError> {
    let held = store.holds(Some(pair))?.into_iter();
    let items: Vec<String> = held
        .filter(|hold| hold.why.is_strangers_marker())
        .filter_map(|hold| Some(format!("{} {}", hold.side?, hold.item?)))
        .collect();
    let Some(first) = items.first() else {
        return Ok(None);
    };
    let carry = match items.len() {
        1 => format!("{first} carries another installation's marker"),
        n => format!("{n} items carry another installation's marker, such as {first}"),
    };
    let taken = match store.takeover(pair)? {
        Some(at) => {
            format!("left from before the takeover of {at}, or another boardsync still writes here")
        }
        None => "another boardsync seems to write here".to_owned(),
    };
    Ok(Some(format!(
        "{pair}: {carry}: {taken}; run only one on a pair, and link what is held with `boardsync links add`"
    )))
}
