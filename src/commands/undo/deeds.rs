//! What the journal says was done, put in order.

use super::super::Failure;
use super::super::inspect::item_id;
use crate::cli::ExitCode;
use crate::engine::claim::CLAIM;
use crate::model::{FieldKey, ItemId, LinkId, PairName, Side};
use crate::reconcile::plan::ActionKind;
use crate::reconcile::undo::{Deed, Step};
use crate::store::{JournalRow, LinkRow, LinkState, Store, StoreError};
use serde_json::json;
use std::collections::{BTreeMap, BTreeSet};

/// What is taken back.
pub(super) enum Target {
    Run(String),
    Item(ItemId),
}

impl Target {
    pub(super) fn of(store: &Store, text: &str) -> Result<Target, Failure> {
        let text = text.trim();
        // A run that was killed has journal lines and no cycle.
        if store.cycle(text)?.is_some() || !store.journal_of_cycle(text)?.is_empty() {
            return Ok(Target::Run(text.to_owned()));
        }
        let id = item_id(text);
        if store.journal_of(None, &id)?.is_empty() {
            return Err(Failure::new(
                ExitCode::Usage,
                format!(
                    "{text} is neither a run in the journal nor an item in it; `boardsync undo` lists the last runs, \
                     and the journal goes back as far as [state] journal_days"
                ),
            ));
        }
        Ok(Target::Item(id))
    }

    pub(super) fn words(&self) -> String {
        match self {
            Target::Run(run) => format!("undo of {run}"),
            Target::Item(id) => format!("undo of all writes to {id}"),
        }
    }
}

/// One link with what the journal says about it.
pub(super) struct Found {
    pub(super) row: LinkRow,
    pub(super) deeds: Vec<Deed>,
    pub(super) carried_back: BTreeSet<FieldKey>,
}

pub(super) type Links = BTreeMap<PairName, BTreeMap<LinkId, Found>>;

/// Reads the deeds out of the journal, with a line for each that names no link any more.
pub(super) fn gather(store: &Store, target: &Target) -> Result<(Links, Vec<String>), StoreError> {
    let rows = match target {
        Target::Run(run) => store.journal_of_cycle(run)?,
        Target::Item(id) => {
            let mut rows = store.journal_of(None, id)?;
            // A claim says whose the pair is; nothing of the item itself was written.
            rows.retain(|row| row.entry.item.as_ref() == Some(id) && row.entry.kind != CLAIM);
            rows
        }
    };
    let mut links = Links::new();
    let mut unknown = Vec::new();
    for (row, changes) in steps(rows) {
        let entry = &row.entry;
        let Some(kind) = kind_of(&entry.kind) else {
            unknown.push(format!(
                "{}: a step of kind {} cannot be taken back",
                entry.at, entry.kind
            ));
            continue;
        };
        let Some(link) = link_of(store, &row)? else {
            unknown.push(format!(
                "{}: the link of a {} is not known any more",
                entry.at, entry.kind
            ));
            continue;
        };
        let found = links
            .entry(entry.pair.clone())
            .or_default()
            .entry(link.id)
            .or_insert_with(|| Found {
                row: link,
                deeds: Vec::new(),
                carried_back: BTreeSet::new(),
            });
        if kind == ActionKind::Create {
            let other = entry.side.other();
            for later in store.journal_of(Some(other), found.row.item(other))? {
                if later.id > row.id && later.entry.side == other && later.entry.kind == "update" {
                    found.carried_back.extend(later.entry.changes.into_keys());
                }
            }
        }
        found.deeds.push(Deed {
            kind,
            side: entry.side,
            changes,
        });
    }
    Ok((links, unknown))
}

type Changes = BTreeMap<FieldKey, Step>;

/// Puts the lines of one action together: what came back counts, else what was sent. A failed update is kept, because a
/// lost answer looks like one; whether it is in force is seen on the item.
fn steps(rows: Vec<JournalRow>) -> Vec<(JournalRow, Changes)> {
    let mut order: Vec<(String, String, String)> = Vec::new();
    let mut groups: BTreeMap<(String, String, String), Vec<JournalRow>> = BTreeMap::new();
    for row in rows {
        let entry = &row.entry;
        let key = (
            entry.cycle.clone(),
            entry.action_id.0.clone(),
            entry.kind.clone(),
        );
        if !groups.contains_key(&key) {
            order.push(key.clone());
        }
        groups.entry(key).or_default().push(row);
    }
    let pick = |rows: Vec<JournalRow>| {
        let done = rows.iter().position(|row| row.entry.outcome == "done");
        let updates = rows.iter().any(|row| row.entry.kind == "update");
        let failed = rows
            .iter()
            .any(|row| matches!(row.entry.outcome.as_str(), "failed" | "lost"));
        let at = match done {
            Some(at) => at,
            None if failed && !updates => return None,
            None => 0,
        };
        let row = rows.into_iter().nth(at)?;
        let changes = row.entry.changes.iter().map(|(key, change)| {
            let step = Step {
                before: change.before.clone(),
                after: change.after.clone(),
            };
            (key.clone(), step)
        });
        let changes = changes.collect();
        Some((row, changes))
    };
    order
        .into_iter()
        .filter_map(|key| pick(groups.remove(&key)?))
        .collect()
}

fn kind_of(word: &str) -> Option<ActionKind> {
    serde_json::from_value(json!(word)).ok()
}

/// Returns the link that a journal line is about; where it was dissolved and the same two items are linked again, the
/// new one.
fn link_of(store: &Store, row: &JournalRow) -> Result<Option<LinkRow>, StoreError> {
    let entry = &row.entry;
    let named = match (entry.link, &entry.item) {
        (Some(link), _) => store.link(link)?,
        (None, Some(item)) => store.link_by_item(&entry.pair, entry.side, item)?,
        (None, None) => None,
    };
    let Some(named) = named else { return Ok(None) };
    let now = store.link_by_item(&named.pair, Side::Ado, &named.ado)?;
    let same = now.filter(|now| now.clickup == named.clickup && is_living(now));
    Ok(Some(same.unwrap_or(named)))
}

pub(super) fn is_living(link: &LinkRow) -> bool {
    !matches!(link.state, LinkState::Tombstone { .. })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{ActionId, Timestamp};
    use crate::store::{Batch, NewJournal, Op};

    #[test]
    fn a_create_that_made_nothing_is_no_deed() {
        let mut store = Store::open_in_memory().unwrap();
        let line = |outcome: &str| NewJournal {
            at: Timestamp(0),
            cycle: outcome.to_owned(),
            pair: "web".into(),
            link: None,
            side: Side::Ado,
            item: None,
            action_id: ActionId("marker".to_owned()),
            kind: "create".to_owned(),
            changes: BTreeMap::new(),
            outcome: outcome.to_owned(),
            detail: String::new(),
            request_ids: Vec::new(),
        };
        let outcomes = ["failed", "lost", "done"];
        let ops = outcomes.map(|outcome| Op::Journal(line(outcome)));
        store.commit(&Batch(ops.into())).unwrap();
        let steps = outcomes.map(|run| steps(store.journal_of_cycle(run).unwrap()).len());
        assert_eq!(steps, [0, 0, 1]);
    }
}
