//! What the status says about the rails: why something, or everything, stands still.

use super::status::Need;
use crate::config::Config;
use crate::engine::stop::stop_file_stands;
use crate::model::{PairName, Service, Side, Timestamp};
use crate::reason::links_add;
use crate::reconcile::rails::{breaker, restored};
use crate::store::{FileId, Holder, Store, StoreError, key_path, load_key};

/// One sentence about something that keeps work from being done and is not a hold of its own.
pub(super) struct Notice {
    /// Whether somebody has to act on it.
    pub(super) need: Need,
    /// The sentence.
    pub(super) text: String,
    /// What the next cycle does not do because of it.
    pub(super) bars: Bars,
}

/// What the next cycle does not do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Bars {
    /// Nothing is written.
    Writes,
    /// Nothing is created; what is linked is written.
    Creates,
    /// It writes all the same, what is held apart.
    Nothing,
}

fn notice(need: Need, bars: Bars, text: impl Into<String>) -> Notice {
    let text = text.into();
    Notice { need, text, bars }
}

/// Returns one sentence for each thing that keeps work from being done and is not a hold of its own.
pub(super) fn notices(
    config: &Config,
    store: &Store,
    now: Timestamp,
    holder: Option<&Holder>,
) -> Result<Vec<Notice>, StoreError> {
    let mut notices = Vec::new();
    notices.extend(holder.and_then(|holder| works_elsewhere(config, holder)));
    notices.extend(holder.and_then(|holder| late(config, holder, now)));
    if config.guard.read_only {
        let text = "[guard] read_only = true: nothing is written to either service";
        notices.push(notice(Need::Somebody, Bars::Writes, text));
    }
    let stop = &config.state.stop_file;
    if stop_file_stands(stop) {
        notices.push(notice(
            Need::Somebody,
            Bars::Writes,
            format!(
                "the file {} is there: nothing is written to either service; remove it to go on",
                stop.display()
            ),
        ));
    }
    notices.extend(restored_lately(config, store, now)?);
    if has_another_key(store)? {
        let text = format!(
            "{} is not the key that this database was first used with, so markers from before are strangers; stop boardsync and \
             put that key back, from a backup for instance",
            key_path(store.path()).display()
        );
        notices.push(notice(Need::Somebody, Bars::Nothing, text));
    } else {
        for pair in &config.pairs {
            let strangers = strangers(store, &pair.name)?;
            notices.extend(strangers.map(|text| notice(Need::Somebody, Bars::Nothing, text)));
        }
    }
    notices.extend(gone_pairs(config, store)?);
    for side in Side::BOTH {
        notices.extend(left_alone(store, side, now, holder)?);
    }
    let quarantined = store
        .attempts(None)?
        .iter()
        .filter(|attempt| attempt.retry_at.is_none())
        .count();
    if quarantined > 0 {
        let text = format!(
            "{} no longer tried, see the holds; after mending the cause run `boardsync reconcile --once --retry`",
            crate::render::plural(quarantined, "item is", "items are")
        );
        notices.push(notice(Need::Somebody, Bars::Nothing, text));
    }
    Ok(notices)
}

/// Says what is not done because the database was restored or replaced.
fn restored_lately(
    config: &Config,
    store: &Store,
    now: Timestamp,
) -> Result<Vec<Notice>, StoreError> {
    let mut notices = Vec::new();
    let Some(mark) = store.restored()? else {
        return Ok(notices);
    };
    let path = &config.state.path;
    let what = match path.try_exists() {
        Ok(false) => format!("the database {} is not there", path.display()),
        Ok(true) | Err(_) => "the database was restored or replaced".to_owned(),
    };
    // What only looks notices it anew each time, so before a cycle there is no time to tell.
    let what = match mark.pairs {
        Some(_) => format!("{what} (noticed {})", mark.at),
        None => what,
    };
    let quiet = i64::try_from(config.schedule.quiet_time.as_millis()).unwrap_or(i64::MAX);
    let left = restored::left_ms(quiet, (mark.at, now), None);
    if left > 0 {
        let until = match mark.pairs {
            Some(_) => format!("before {}", now.plus_ms(left)),
            None => format!(
                "for {} after the next cycle begins",
                humantime::format_duration(config.schedule.quiet_time)
            ),
        };
        let text = format!(
            "{what}: nothing is created {until}. Then an item without a marker gets a counterpart, also where somebody had deleted the \
             one that it had; `boardsync plan` names such items"
        );
        notices.push(notice(Need::Time, Bars::Creates, text));
    }
    let pairs = config.pairs.iter();
    let open: Vec<&str> = pairs
        .filter(|pair| !mark.trusted.contains(&pair.name))
        .map(|pair| pair.name.0.as_str())
        .collect();
    if !open.is_empty() {
        let text = format!(
            "{what}: fields that differ are not written and nothing is created before a full listing of {}",
            open.join(", ")
        );
        notices.push(notice(Need::Time, Bars::Writes, text));
    }
    Ok(notices)
}

/// Says which pairs have links although the configuration has no such pair: they were renamed or taken out, perhaps meant so.
fn gone_pairs(config: &Config, store: &Store) -> Result<Vec<Notice>, StoreError> {
    let known = config.pairs.iter().map(|pair| pair.name.0.as_str());
    let gone = store.links_of_other_pairs(&known.collect::<Vec<_>>())?;
    let told = gone.into_iter().map(|(pair, links)| {
        let links = usize::try_from(links).unwrap_or(usize::MAX);
        let text = format!(
            "the pair \"{pair}\" is not in the configuration any more, and {} of it stay: nothing of it is synced. If it was \
             renamed, give it its old name back: links are kept by the name of the pair, so the new one begins without any. If it is \
             to end, `boardsync links remove --pair \"{pair}\"` ends them all",
            crate::render::plural(links, "link", "links")
        );
        notice(Need::Nothing, Bars::Nothing, text)
    });
    Ok(told.collect())
}

/// Says that a service is left alone for a while after it failed; `None`: it is not.
fn left_alone(
    store: &Store,
    side: Side,
    now: Timestamp,
    holder: Option<&Holder>,
) -> Result<Option<Notice>, StoreError> {
    let Some(row) = store.breaker(side)? else {
        return Ok(None);
    };
    // Of a token that is refused more is said elsewhere.
    let reason = match store.refused_token(Service::from(side))? {
        Some(_) => "it does not let us in".to_owned(),
        None => row.reason,
    };
    if !holder.is_some_and(Holder::is_daemon) {
        let cycles = match row.failures {
            1 => "one cycle".to_owned(),
            n => format!("{n} cycles in a row"),
        };
        let text = format!(
            "{side} failed in {cycles}, which was noticed at {}; whatever is started next asks it again at once: {}",
            row.opened_at, reason
        );
        return Ok(Some(notice(Need::Time, Bars::Nothing, text)));
    }
    let next = match breaker::pauses(row.opened_at, row.retry_at, now) {
        true => format!("tried again at {}", row.retry_at),
        false => "tried again in the next cycle".to_owned(),
    };
    let cycles = match row.failures {
        1 => "cycle",
        _ => "cycles",
    };
    let text = format!(
        "{side} is left alone by a running daemon since {} after {} failed {cycles}, {next}, or at once when its token is \
         replaced or boardsync is started again: {}",
        row.opened_at, row.failures, reason
    );
    Ok(Some(notice(Need::Time, Bars::Writes, text)))
}

/// Says that a process works on another database than the one that is there now.
pub(super) fn works_elsewhere(config: &Config, holder: &Holder) -> Option<Notice> {
    let path = &config.state.path;
    let had = holder.database?;
    (FileId::of(path) != Some(had)).then(|| {
        let stop = match holder.pid {
            // It gets no signal before it goes on.
            Some(pid) if holder.is_suspended() => format!("kill {pid}; kill -CONT {pid}"),
            Some(pid) => format!("kill {pid}"),
            None => "systemctl stop".to_owned(),
        };
        let text = format!(
            "{} works on another database than this one: {} was replaced, moved or deleted while it ran. Stop it ({stop}), \
             move the -wal and -shm files away, to the database that it had where that still is, for they hold its last writes, \
             and start it again; what it does meanwhile is not in this file",
            process(holder),
            path.display(),
        );
        notice(Need::Somebody, Bars::Writes, text)
    })
}

/// Cycles that may be due without one having begun, until the daemon counts as late.
const MISSED: u32 = 3;
/// How long a cycle may take beyond that.
const SLACK_MS: i64 = 30_000;

/// Says that a daemon is there and does not begin its cycles.
fn late(config: &Config, holder: &Holder, now: Timestamp) -> Option<Notice> {
    if !holder.is_daemon() {
        return None;
    }
    if let (true, Some(pid)) = (holder.is_suspended(), holder.pid) {
        let text = format!(
            "{} is suspended (SIGSTOP, or Ctrl-Z on its terminal) and does nothing: `kill -CONT {pid}` lets it go on",
            process(holder)
        );
        return Some(notice(Need::Time, Bars::Writes, text));
    }
    let beat = holder.beat?;
    let due = config.schedule.poll.due(beat, MISSED)?;
    (now > due.plus_ms(SLACK_MS)).then(|| {
        let text = format!(
            "{} began its last cycle at {beat}, and more than {MISSED} were due since: that cycle is a long one, or it hangs. \
             Its log says what it does; starting it again does no harm",
            process(holder)
        );
        notice(Need::Time, Bars::Nothing, text)
    })
}

fn process(holder: &Holder) -> String {
    let what = match holder.is_daemon() {
        true => "the daemon",
        false => "the command that is running",
    };
    let pid = holder.pid.map(|pid| format!(" (process {pid})"));
    format!("{what}{}", pid.unwrap_or_default())
}

/// Whether the key file is another one than that of the database's first run: it was lost, and a new one was made.
fn has_another_key(store: &Store) -> Result<bool, StoreError> {
    match load_key(store.path()) {
        Ok(Some(key)) => Ok(store.knows_key(&key)? == Some(false)),
        // A key that is gone or cannot be read is told elsewhere.
        Ok(None) | Err(_) => Ok(false),
    }
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
        "{pair}: {carry}: {taken}; run only one on a pair, and link what is held with `{}`",
        links_add(Some(pair), None)
    )))
}
