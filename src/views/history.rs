//! What was done: to an item, by a run, or by one action.

use super::newest_title;
use super::why::{EndedLink, ended};
use crate::model::{ActionId, ItemId, LinkId, PairName, Side, Sided, Timestamp};
use crate::reason::{ActionWhy, JournalKind, Outcome};
use crate::render::deeds::{ChangeView, DeedView, RunView, Tally};
use crate::render::rfc3339;
use crate::store::{JournalRow, LinkRow, LinkState, NewJournal, Store, StoreError};
use serde::Serialize;
use std::collections::BTreeMap;

/// Returns what was done to an item and to its counterparts, oldest first. `None`: it is neither in the journal nor in a
/// link. Empty: it is in a link, and the journal no longer goes back to anything that was done to it.
///
/// # Errors
/// Only the database's.
pub fn history(store: &Store, item: &ItemId) -> Result<Option<Vec<DeedView>>, StoreError> {
    let mut rows = BTreeMap::new();
    // A canary that carries the claim on a pair need not be in a link.
    for row in store.journal_of(None, item)? {
        rows.insert(row.id, row);
    }
    let links = store.find_item(item)?;
    if rows.is_empty() && links.is_empty() {
        return Ok(None);
    }
    for link in links {
        for side in Side::BOTH {
            for row in store.journal_of(Some(side), link.item(side))? {
                rows.insert(row.id, row);
            }
        }
    }
    deeds(store, rows.into_values().collect()).map(Some)
}

/// The beginning or end of a link of which no run on record tells.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Turn {
    /// When.
    #[serde(serialize_with = "rfc3339")]
    pub at: Timestamp,
    /// The link.
    pub link: LinkId,
    /// The pair.
    pub pair: PairName,
    /// The work item.
    pub ado: ItemId,
    /// The task.
    pub clickup: ItemId,
    /// Whether a person did it; else a run that is no longer on record.
    pub by_hand: bool,
    /// Why the link ended, in words; `None`: it was made.
    pub ended: Option<String>,
}

/// Returns what became of the links of an item beside the runs on record, oldest first: `links add` and `links remove` are
/// no runs.
///
/// # Errors
/// Only the database's.
pub fn turns(store: &Store, item: &ItemId) -> Result<Vec<Turn>, StoreError> {
    let mut found = Vec::new();
    for link in store.find_item(item)? {
        let turn = |at, by_hand, ended| Turn {
            at,
            link: link.id,
            pair: link.pair.clone(),
            ado: link.ado.clone(),
            clickup: link.clickup.clone(),
            by_hand,
            ended,
        };
        if link.origin.is_none() {
            found.push(turn(link.created_at, true, None));
        }
        if let LinkState::Tombstone { why } = &link.state
            && let EndedLink {
                ended_at: Some(at),
                run: None,
                ..
            } = ended(store, &link, why)?
        {
            let by_hand = *why == ActionWhy::RemovedByHand;
            found.push(turn(at, by_hand, Some(why.to_string())));
        }
    }
    found.sort_by_key(|turn| (turn.at, turn.link));
    Ok(found)
}

/// Returns the last runs that are on record, the newest first, at most so many: those that did something, and those that
/// ended otherwise than by finding nothing to do.
///
/// # Errors
/// Only the database's.
pub fn log(
    store: &Store,
    pair: Option<&PairName>,
    most: usize,
) -> Result<Vec<RunView>, StoreError> {
    let mut ids = BTreeMap::new();
    // Of one pair only some of the runs are left, so more are looked at.
    let enough = match pair {
        Some(_) => most.saturating_mul(20),
        None => most,
    };
    for cycle in store.recent_cycles(enough)? {
        ids.insert((cycle.started_at, cycle.id.clone()), cycle.id);
    }
    for run in store.recent_runs(enough)? {
        if store.cycle(&run.id)?.is_none() {
            ids.insert((run.at, run.id.clone()), run.id);
        }
    }
    let (mut runs, undos) = (Vec::new(), store.undos()?);
    for id in ids.into_values().rev() {
        let Some(mut run) = run_with(store, &id, &undos)? else {
            continue;
        };
        if let Some(pair) = pair {
            run.deeds.retain(|deed| deed.pair == *pair);
            if run.deeds.is_empty() {
                continue;
            }
        }
        runs.push(run);
        if runs.len() >= most {
            break;
        }
    }
    Ok(runs)
}

/// Returns one run; `None`: the journal does not know it.
///
/// # Errors
/// Only the database's.
pub fn run(store: &Store, id: &str) -> Result<Option<RunView>, StoreError> {
    run_with(store, id, &store.undos()?)
}

/// As [`run`], with all undos.
fn run_with(
    store: &Store,
    id: &str,
    undos: &[(String, String)],
) -> Result<Option<RunView>, StoreError> {
    let deeds = deeds(store, store.journal_of_cycle(id)?)?;
    let began = deeds.first().map(|deed| deed.at);
    let head = head(store, id, began, undos)?;
    let whole = Tally::of(&deeds);
    Ok(head.map(|head| RunView {
        deeds,
        whole,
        ..head
    }))
}

/// A run without what it did. One that was killed has only its deeds to tell when it began.
fn head(
    store: &Store,
    id: &str,
    began: Option<Timestamp>,
    undos: &[(String, String)],
) -> Result<Option<RunView>, StoreError> {
    let cycle = store.cycle(id)?;
    let Some(at) = cycle.as_ref().map(|cycle| cycle.started_at).or(began) else {
        return Ok(None);
    };
    Ok(Some(RunView {
        run: id.to_owned(),
        at,
        ended_at: cycle.as_ref().and_then(|cycle| cycle.finished_at),
        outcome: cycle.as_ref().map(|cycle| cycle.outcome),
        detail: cycle.as_ref().and_then(|cycle| cycle.detail.clone()),
        cause: cycle.map(|cycle| cycle.cause),
        deeds: Vec::new(),
        whole: Tally::default(),
        undone_by: undone_by(store, id, undos)?,
    }))
}

/// Returns the last run that took a run back and still stands; `None`: there is none. `undos`: each with what it took back.
fn undone_by(
    store: &Store,
    run: &str,
    undos: &[(String, String)],
) -> Result<Option<String>, StoreError> {
    for (undo, _) in undos.iter().filter(|(_, of)| of == run) {
        // An undo that was taken back counts no more, and one that found nothing to write never did.
        let did = store.journal_of_cycle(undo)?;
        let did = did.iter().any(|row| row.entry.outcome == Outcome::Done);
        if did && undone_by(store, undo, undos)?.is_none() {
            return Ok(Some(undo.clone()));
        }
    }
    Ok(None)
}

/// Returns the runs of some deeds, in the order in which they began, each with these deeds alone.
///
/// # Errors
/// Only the database's.
pub fn by_run(store: &Store, deeds: Vec<DeedView>) -> Result<Vec<RunView>, StoreError> {
    let (mut runs, undos): (Vec<RunView>, _) = (Vec::new(), store.undos()?);
    for deed in deeds {
        let known = runs.iter_mut().find(|run| run.run == deed.run);
        match known {
            Some(run) => run.deeds.push(deed),
            None => {
                if let Some(head) = head(store, &deed.run, Some(deed.at), &undos)? {
                    let whole = Tally::of(&self::deeds(store, store.journal_of_cycle(&deed.run)?)?);
                    runs.push(RunView {
                        deeds: vec![deed],
                        whole,
                        ..head
                    });
                }
            }
        }
    }
    Ok(runs)
}

/// Returns what an action did, in whatever runs; empty: the journal does not know it.
///
/// # Errors
/// Only the database's.
pub fn of_action(store: &Store, action: &ActionId) -> Result<Vec<DeedView>, StoreError> {
    deeds(store, store.journal_of_action(action)?)
}

/// Returns what was done to the two items of a link while they were linked by it; empty: nothing, or there is no such link.
///
/// # Errors
/// Only the database's.
pub fn of_link(store: &Store, link: LinkId) -> Result<Vec<DeedView>, StoreError> {
    let mut rows = BTreeMap::new();
    for row in store.journal_of_link(link)? {
        rows.insert(row.id, row);
    }
    // The create that the link came from, and the line that says that it was made, were written before there was a link
    // to name.
    if let Some(link) = store.link(link)? {
        for side in Side::BOTH {
            let item = link.item(side);
            let made = store.journal_of(Some(side), item)?.into_iter();
            let made = made.filter(|row| {
                let entry = &row.entry;
                let makes = matches!(entry.kind, JournalKind::Create | JournalKind::Link);
                makes && entry.link.is_none() && entry.item.as_ref() == Some(item)
            });
            for row in made {
                let behind = store.link_behind(&row.entry)?;
                if behind.is_some_and(|behind| behind.id == link.id) {
                    rows.insert(row.id, row);
                }
            }
        }
    }
    deeds(store, rows.into_values().collect())
}

/// Puts the lines of each action of a run together: what is on record before a request, and what came of it.
fn deeds(store: &Store, rows: Vec<JournalRow>) -> Result<Vec<DeedView>, StoreError> {
    let mut order: Vec<Vec<JournalRow>> = Vec::new();
    let mut places: BTreeMap<(String, String), usize> = BTreeMap::new();
    for row in rows {
        let key = (row.entry.cycle.clone(), row.entry.action_id.0.clone());
        let place = *places.entry(key).or_insert(order.len());
        match order.get_mut(place) {
            Some(lines) => lines.push(row),
            None => order.push(vec![row]),
        }
    }
    let mut titles = BTreeMap::new();
    let mut deeds = Vec::new();
    for lines in order {
        deeds.extend(deed(store, lines, &mut titles)?);
    }
    Ok(deeds)
}

type Titles = BTreeMap<(Option<LinkId>, Option<ItemId>, Option<ItemId>), Option<String>>;

fn deed(
    store: &Store,
    lines: Vec<JournalRow>,
    titles: &mut Titles,
) -> Result<Option<DeedView>, StoreError> {
    let Some(first) = lines.first() else {
        return Ok(None);
    };
    let at = first.entry.at;
    let mut detail: Vec<String> = Vec::new();
    let (mut item, mut link, mut told) = (None, None, None);
    for JournalRow { entry, .. } in lines {
        let said = entry.detail.trim();
        if !said.is_empty() && !detail.iter().any(|before| before == said) {
            detail.push(said.to_owned());
        }
        item = item.or_else(|| entry.item.clone());
        link = link.or(entry.link);
        // What came back is true; what was sent is all that there is where nothing came back. A refusal of a part does not
        // unsay that the rest was written.
        let done = |entry: &NewJournal| entry.outcome == Outcome::Done;
        told = match told {
            Some(before) if done(&before) && !done(&entry) => Some(before),
            _ => Some(entry),
        };
    }
    let Some(entry) = told else {
        return Ok(None);
    };
    let row = store.link_behind(&NewJournal {
        link,
        item: item.clone(),
        at,
        ..entry.clone()
    })?;
    let counterpart = row.as_ref().map(|row| row.item(entry.side.other()).clone());
    let item = item.or_else(|| row.as_ref().map(|row| row.item(entry.side).clone()));
    let ids = Sided::of(entry.side, item.clone(), counterpart.clone());
    let link = link.or(row.as_ref().map(|row: &LinkRow| row.id));
    let changes = entry.changes.into_iter();
    Ok(Some(DeedView {
        at,
        run: entry.cycle,
        action: entry.action_id,
        link,
        pair: entry.pair,
        side: entry.side,
        title: title(store, link, &ids, titles)?,
        item,
        counterpart,
        kind: entry.kind,
        outcome: entry.outcome,
        detail: detail.join("; "),
        changes: changes
            .map(|(subject, change)| ChangeView {
                subject,
                before: change.before,
                after: change.after,
                reason: change.reason,
            })
            .collect(),
    }))
}

/// The newest title of an item, or of its counterpart.
fn title(
    store: &Store,
    link: Option<LinkId>,
    ids: &Sided<Option<ItemId>>,
    titles: &mut Titles,
) -> Result<Option<String>, StoreError> {
    let key = (link, ids.ado.clone(), ids.clickup.clone());
    if let Some(title) = titles.get(&key) {
        return Ok(title.clone());
    }
    let title = newest_title(store, link, ids)?;
    titles.insert(key, title.clone());
    Ok(title)
}
