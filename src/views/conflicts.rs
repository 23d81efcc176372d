//! What both sides changed differently. The values are those of `render`, which shows them: [`ConflictRow`].

use super::newest_title;
use crate::config::{Config, ConflictPolicy};
use crate::engine::deeds::Resolved;
use crate::field::Direction;
use crate::model::{FieldKey, FieldValue, ItemId, PairName, Side, Sided, Subject, Timestamp};
use crate::reason::{Cause, JournalKind, Outcome, SettledBy, Took};
use crate::reconcile::plan::Conflict;
use crate::render::{ConflictRow, Ends, SinceThen, Standing};
use crate::store::{self, Store, StoreError, dropped_choice};
use serde::{Serialize, Serializer};

/// Returns the conflicts that stand as wanted: open, chosen or settled. With how many have ended in all.
///
/// # Errors
/// Only the database's.
pub fn conflicts(
    store: &Store,
    wanted: impl Fn(Standing) -> bool,
) -> Result<(Vec<ConflictRow>, Ends), StoreError> {
    let (mut rows, mut ended) = (Vec::new(), Ends::default());
    for stored in &store.conflicts(false)? {
        let standing = standing(store, stored)?;
        ended.add(standing);
        if wanted(standing) {
            rows.push(row(store, stored)?);
        }
    }
    Ok((rows, ended))
}

/// Returns the conflicts that nobody has settled, and those whose choice no cycle has carried out yet, also where a rule had
/// settled them before.
///
/// # Errors
/// Only the database's.
pub(super) fn unsettled(store: &Store) -> Result<Vec<(store::Conflict, Standing)>, StoreError> {
    let mut unsettled = Vec::new();
    for stored in store.conflicts(false)? {
        let standing = standing(store, &stored)?;
        if !standing.is_settled() {
            unsettled.push((stored, standing));
        }
    }
    Ok(unsettled)
}

/// Returns the conflict of this number; `None`: there is none.
///
/// # Errors
/// Only the database's.
pub fn conflict(store: &Store, id: i64) -> Result<Option<ConflictRow>, StoreError> {
    let stored = store.conflict(id)?;
    stored.map(|stored| row(store, &stored)).transpose()
}

/// Returns how a conflict stands. A choice that cannot be understood counts as none: the next cycle says so.
fn standing(store: &Store, stored: &store::Conflict) -> Result<Standing, StoreError> {
    let choices = match store.choices(stored.record.link) {
        Err(StoreError::Choice { .. }) => Vec::new(),
        choices => choices?,
    };
    let chosen = choices
        .into_iter()
        .find(|choice| choice.conflict == stored.id);
    Ok(match (chosen, stored.resolved_at) {
        (Some(choice), _) => Standing::Chosen {
            took: choice.took(stored),
            at: choice.at,
        },
        (None, None) => Standing::Open,
        (None, Some(at)) => Standing::Settled {
            took: stored.took(),
            by: stored.settled_by,
            at,
        },
    })
}

/// Returns what became of a conflict afterwards, as far as the journal reaches.
fn since_then(
    store: &Store,
    stored: &store::Conflict,
    standing: Standing,
) -> Result<SinceThen, StoreError> {
    let record = &stored.record;
    let newest = store.newest_conflict(record.link, &record.field)?;
    let newer = newest.filter(|newest| *newest != stored.id);
    let mut found = SinceThen {
        newer,
        ..SinceThen::default()
    };
    // Of an older conflict nothing can be chosen any more, so nothing about choices is said.
    if newer.is_some() {
        return Ok(found);
    }
    found.held = held(store, stored, standing)?;
    let mut last = None;
    for row in store.journal_of_link(record.link)? {
        let entry = row.entry;
        match (entry.kind, entry.outcome) {
            (JournalKind::Choice, Outcome::Dropped)
                if entry.action_id == dropped_choice(record.link, &record.field)
                    && entry.at >= record.at =>
            {
                found.dropped = Some((entry.at, entry.detail));
            }
            (JournalKind::Update, Outcome::Done)
                if stored.resolved_at.is_some_and(|at| entry.at >= at)
                    && entry.changes.contains_key(&Subject::from(&record.field)) =>
            {
                last = Some((entry.at, entry.cycle));
            }
            _ => {}
        }
    }
    // A choice that was made after another one was dropped says all.
    let later = match standing {
        Standing::Open => None,
        Standing::Settled { by, .. } if by != Some(SettledBy::Person) => None,
        Standing::Chosen { at, .. } | Standing::Settled { at, .. } => Some(at),
    };
    found.dropped = found
        .dropped
        .filter(|(at, _)| later.is_none_or(|later| *at >= later));
    if let Some((at, run)) = last
        && takes_back(store, &run)?
    {
        found.taken_back = Some(at);
    }
    found.merged = merged(store, stored, standing, found.taken_back)?;
    Ok(found)
}

/// Returns why a choice is held; `None`: nothing keeps it, or no cycle has looked at it. What was held before says nothing: a
/// choice ends some of that, say a frozen field.
pub(super) fn held(
    store: &Store,
    stored: &store::Conflict,
    standing: Standing,
) -> Result<Option<String>, StoreError> {
    let Standing::Chosen { at, .. } = standing else {
        return Ok(None);
    };
    let record = &stored.record;
    let looked = store.pair_state(&record.pair)?.last_success;
    if looked.is_none_or(|looked| looked < at) {
        return Ok(None);
    }
    let mut holds = store.holds(Some(&record.pair))?.into_iter();
    let hold =
        holds.find(|hold| hold.link == Some(record.link) && hold.subject.covers(&record.field));
    Ok(hold.map(|hold| hold.reason()))
}

/// Returns the text of a person's own that was chosen, or that has settled the conflict and was not taken back.
fn merged(
    store: &Store,
    stored: &store::Conflict,
    standing: Standing,
    taken_back: Option<Timestamp>,
) -> Result<Option<FieldValue>, StoreError> {
    match standing {
        Standing::Chosen {
            took: Took::Merged, ..
        } => {
            let choices = store.choices(stored.record.link)?.into_iter();
            let mut own = choices.filter(|choice| choice.conflict == stored.id);
            Ok(own.next().map(|choice| choice.value))
        }
        Standing::Settled {
            took: Some(Took::Merged),
            ..
        } if taken_back.is_none() => {
            let Sided { ado, clickup } = stored.after.clone();
            let (own, other) = match stored.record.taken {
                Some(Side::ClickUp) => (clickup, ado),
                Some(Side::Ado) | None => (ado, clickup),
            };
            Ok(own.or(other))
        }
        Standing::Open | Standing::Chosen { .. } | Standing::Settled { .. } => Ok(None),
    }
}

/// Whether a run took something back that was no undo itself.
fn takes_back(store: &Store, run: &str) -> Result<bool, StoreError> {
    let cause = store.cycle(run)?.map(|cycle| cycle.cause);
    Ok(match cause {
        Some(Cause::UndoOfRun { run }) => {
            let undone = store.cycle(&run)?;
            !undone.is_some_and(|undone| undone.cause.is_undo())
        }
        Some(Cause::UndoOfItem { .. }) => true,
        Some(Cause::Cycle | Cause::ToldBefore { .. }) | None => false,
    })
}

/// Turns a stored conflict into one that can be shown. The title is the newest, either side's; empty when neither item
/// was ever read.
fn row(store: &Store, stored: &store::Conflict) -> Result<ConflictRow, StoreError> {
    let r = &stored.record;
    let ids = r.items.as_ref().map(|_, id| Some(id.clone()));
    let title = newest_title(store, Some(r.link), &ids)?;
    let base = match (&r.base.ado, &r.base.clickup) {
        (Some(ado), Some(clickup)) => Some(Sided {
            ado: ado.clone(),
            clickup: clickup.clone(),
        }),
        _ => None,
    };
    let standing = standing(store, stored)?;
    Ok(ConflictRow {
        id: stored.id,
        pair: r.pair.clone(),
        since: r.at,
        standing,
        since_then: since_then(store, stored, standing)?,
        barred: None,
        unwritten: None,
        rule: None,
        conflict: Conflict {
            link: r.link,
            items: r.items.clone(),
            title: title.unwrap_or_default(),
            field: r.field.clone(),
            base,
            now: r.now.clone(),
            raw: r.raw.clone(),
            versions: r.versions,
            taken: r.taken,
        },
    })
}

/// Adds to a conflict what the configuration says of its field now: what cannot be chosen, and by which line a side wins.
///
/// # Errors
/// Only the database's.
pub fn judge(config: &Config, store: &Store, row: &mut ConflictRow) -> Result<(), StoreError> {
    let field = &row.conflict.field;
    row.barred = barred(config, store, &row.pair, field, row.since)?;
    let Some(pair) = config.pair(&row.pair) else {
        return Ok(());
    };
    let Some(entry) = pair.fields.iter().find(|entry| entry.key == *field) else {
        return Ok(());
    };
    let mut sides = Side::BOTH.into_iter();
    row.unwritten = sides.find(|side| !entry.direction.writes_to(*side));
    let policy = entry.conflict.unwrap_or(pair.conflict);
    let line = match policy {
        ConflictPolicy::Ado => Some((Side::Ado, "ado")),
        ConflictPolicy::ClickUp => Some((Side::ClickUp, "clickup")),
        ConflictPolicy::Hold => None,
    };
    row.rule = line.map(|(side, word)| match (entry.direction, entry.conflict) {
        (Direction::ToAdo, _) => (Side::ClickUp, "direction = \"to_ado\"".to_owned()),
        (Direction::ToClickUp, _) => (Side::Ado, "direction = \"to_clickup\"".to_owned()),
        (Direction::Both, Some(_)) => {
            (side, format!("conflict = \"{word}\" in its [[pair.field]]"))
        }
        (Direction::Both, None) => (
            side,
            format!("conflict = \"{word}\" of pair \"{}\"", pair.name),
        ),
    });
    Ok(())
}

/// Returns why no choice in a conflict can be made or carried out at present, with what to do, as a sentence without a full stop.
/// `None`: nothing is known that is in the way. `at`: when the conflict was recorded.
pub(super) fn barred(
    config: &Config,
    store: &Store,
    pair: &PairName,
    field: &FieldKey,
    at: Timestamp,
) -> Result<Option<String>, StoreError> {
    let Some(configured) = config.pair(pair) else {
        return Ok(Some(format!(
            "the configuration has no pair \"{pair}\" any more; give it that name again, or set {field} by hand in either service"
        )));
    };
    let on = |entry: &&crate::config::Field| {
        entry.key == *field && (*field != FieldKey::Type || !configured.types.is_empty())
    };
    let Some(entry) = configured.fields.iter().find(on) else {
        return Ok(Some(format!(
            "the configuration does not sync {field} (direction = \"none\", or its entry is gone), so the next cycle ends the conflict \
             and both values stay; sync the field again before that, or set it by hand in either service"
        )));
    };
    if let Some(known) = store.identities(pair)?.remove(field) {
        let same = match field.is_custom() {
            true => {
                let mut names = entry.ado.iter();
                names.any(|name| name.eq_ignore_ascii_case(&known.is.ado))
            }
            false => entry.ado.join(",") == known.is.ado,
        };
        if !same && !known.is.ado.is_empty() || known.since > at {
            return Ok(Some(format!(
                "its entry in the configuration names another field of Azure DevOps than when this was recorded, so these values are \
                 not of the field that is synced now; put the old entry back, or set {field} by hand in either service"
            )));
        }
    }
    let mut holds = store.holds(Some(pair))?.into_iter();
    let paused = holds.find(|hold| hold.item.is_none() && hold.subject == *field);
    Ok(paused.map(|hold| format!("{}; mend that first", hold.reason())))
}

/// A choice that was just made, and what carrying it out will do.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ChoiceView {
    /// Number of the conflict.
    pub conflict: i64,
    /// The pair.
    pub pair: PairName,
    /// The field.
    pub field: FieldKey,
    /// Which value was chosen.
    #[serde(serialize_with = "took")]
    pub took: Took,
    /// What happens to each side, Azure DevOps first.
    pub sides: Vec<ChoiceSide>,
}

fn took<S: Serializer>(took: &Took, to: S) -> Result<S::Ok, S::Error> {
    took.key().serialize(to)
}

/// One side of a choice.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ChoiceSide {
    /// The side.
    pub side: Side,
    /// The item there.
    pub item: ItemId,
    /// What it holds now.
    #[serde(serialize_with = "plain")]
    pub now: FieldValue,
    /// What is written to it; `None`: it stays as it is.
    #[serde(serialize_with = "super::plain")]
    pub written: Option<FieldValue>,
}

fn plain<S: Serializer>(value: &FieldValue, to: S) -> Result<S::Ok, S::Error> {
    crate::render::plain(value).serialize(to)
}

impl From<&Resolved> for ChoiceView {
    fn from(resolved: &Resolved) -> ChoiceView {
        ChoiceView {
            conflict: resolved.conflict,
            pair: resolved.pair.clone(),
            field: resolved.field.clone(),
            took: resolved.took,
            sides: Side::BOTH
                .into_iter()
                .map(|side| ChoiceSide {
                    side,
                    item: resolved.items.get(side).clone(),
                    now: resolved.now.get(side).clone(),
                    written: resolved.to.get(side).clone(),
                })
                .collect(),
        }
    }
}
