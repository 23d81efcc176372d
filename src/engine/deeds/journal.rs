//! What the journal says was done, put in order.

use crate::model::{FieldKey, ItemId, LinkId, PairName, Side, Subject};
use crate::reason::{Cause, JournalKind, Outcome};
use crate::reconcile::plan::ActionKind;
use crate::reconcile::undo::{By, Deed, Step, Versions};
use crate::store::{JournalRow, LinkRow, Store, StoreError};
use std::collections::{BTreeMap, BTreeSet};

/// What is taken back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Target {
    /// One run, by its id.
    Run(String),
    /// Everything that was written to an item and its counterpart.
    Item(ItemId),
}

impl Target {
    /// Returns the run of this id, else the item. `None`: the journal knows neither.
    ///
    /// # Errors
    /// Only the database's.
    pub fn of(store: &Store, run: &str, item: ItemId) -> Result<Option<Target>, StoreError> {
        // A run that was killed has journal lines and no cycle.
        if store.cycle(run)?.is_some() || !store.journal_of_cycle(run)?.is_empty() {
            return Ok(Some(Target::Run(run.to_owned())));
        }
        let known = !rows_of(store, &item)?.is_empty();
        Ok(known.then_some(Target::Item(item)))
    }

    /// Returns the cause of the run that carries it out.
    pub fn cause(&self) -> Cause {
        match self {
            Target::Run(run) => Cause::UndoOfRun { run: run.clone() },
            Target::Item(id) => Cause::UndoOfItem { item: id.clone() },
        }
    }

    /// Returns what it is, as a phrase.
    pub fn words(&self) -> String {
        self.cause().to_string()
    }
}

/// One link with what the journal says about it.
#[derive(Clone, Debug)]
pub struct Found {
    pub(super) row: LinkRow,
    pub(super) deeds: Vec<Deed>,
    pub(super) carried_back: BTreeSet<FieldKey>,
}

/// What the journal has on every link that is touched.
pub type Links = BTreeMap<PairName, BTreeMap<LinkId, Found>>;

/// Returns the journal of an item, oldest first, with the creates of its counterparts: these were written before there
/// was a link to name.
fn rows_of(store: &Store, id: &ItemId) -> Result<Vec<JournalRow>, StoreError> {
    let mut rows = BTreeMap::new();
    for row in store.journal_of(None, id)? {
        rows.insert(row.id, row);
    }
    for link in store.find_item(id)? {
        for side in Side::BOTH.into_iter().filter(|side| link.item(*side) != id) {
            for row in store.journal_of(Some(side), link.item(side))? {
                let made = row.entry.kind == JournalKind::Create && row.entry.pair == link.pair;
                if made && row.entry.item.as_ref() == Some(link.item(side)) {
                    rows.insert(row.id, row);
                }
            }
        }
    }
    Ok(rows.into_values().collect())
}

/// Reads the deeds out of the journal, with a line for each that names no link any more. Of an item, the creation of its
/// counterpart is a deed too: what was created is deleted or named, whichever of the two items was asked for.
///
/// # Errors
/// Only the database's.
pub fn gather(store: &Store, target: &Target) -> Result<(Links, Vec<String>), StoreError> {
    let rows = match target {
        Target::Run(run) => store.journal_of_cycle(run)?,
        Target::Item(id) => rows_of(store, id)?,
    };
    let mut links = Links::new();
    let mut unknown = Vec::new();
    let mut wanted: BTreeMap<LinkId, BTreeSet<i64>> = BTreeMap::new();
    for Written { row, .. } in steps(rows) {
        let entry = &row.entry;
        let Some(link) = link_of(store, &row)? else {
            unknown.push(format!(
                "{}: the link of a {} is not known any more",
                entry.at, entry.kind
            ));
            continue;
        };
        wanted.entry(link.id).or_default().insert(row.id);
        links
            .entry(entry.pair.clone())
            .or_default()
            .entry(link.id)
            .or_insert_with(|| Found {
                row: link,
                deeds: Vec::new(),
                carried_back: BTreeSet::new(),
            });
    }
    for found in links.values_mut().flat_map(BTreeMap::values_mut) {
        let wanted = wanted.remove(&found.row.id).unwrap_or_default();
        history(store, found, &wanted)?;
    }
    Ok((links, unknown))
}

/// Adds everything that was ever done to the two items: whether a value is still ours shows only beside what we wrote
/// after it.
fn history(store: &Store, found: &mut Found, wanted: &BTreeSet<i64>) -> Result<(), StoreError> {
    let mut lines = BTreeMap::new();
    for side in Side::BOTH {
        for row in store.journal_of(Some(side), found.row.item(side))? {
            // An item may have had another counterpart before.
            let item = row.entry.item.as_ref();
            let ours = item.is_none_or(|item| item == found.row.item(row.entry.side));
            if ours && row.entry.pair == found.row.pair {
                lines.insert(row.id, row);
            }
        }
    }
    let mut causes: BTreeMap<String, bool> = BTreeMap::new();
    let mut created = None;
    for Written {
        row,
        changes,
        done,
        versions,
    } in steps(lines.into_values().collect())
    {
        let Some(kind) = ActionKind::of_journal(row.entry.kind) else {
            continue;
        };
        let target = wanted.contains(&row.id);
        // Beside what is taken back only the writes of fields say anything.
        if !target && !matches!(kind, ActionKind::Update | ActionKind::Close) {
            continue;
        }
        let by = if target {
            By::Target
        } else if is_undo(store, &mut causes, &row.entry.cycle)? {
            By::Undo
        } else {
            By::Another
        };
        if target && kind == ActionKind::Create {
            created = Some(row.entry.side);
        }
        if created.is_some_and(|side| row.entry.side == side.other()) && kind == ActionKind::Update
        {
            let fields = changes.keys().filter_map(Subject::field);
            found.carried_back.extend(fields.cloned());
        }
        found.deeds.push(Deed {
            by,
            run: row.entry.cycle,
            at: row.entry.at,
            done,
            kind,
            side: row.entry.side,
            changes,
            versions,
        });
    }
    Ok(())
}

/// Whether a run took something back. One that was killed before its end does not say so, and counts as any other.
fn is_undo(
    store: &Store,
    causes: &mut BTreeMap<String, bool>,
    run: &str,
) -> Result<bool, StoreError> {
    if let Some(known) = causes.get(run) {
        return Ok(*known);
    }
    let cause = store.cycle(run)?.map(|cycle| cycle.cause);
    let undo = cause.is_some_and(|cause| cause.is_undo());
    causes.insert(run.to_owned(), undo);
    Ok(undo)
}

type Changes = BTreeMap<Subject, Step>;

/// One action, by the line that tells most about it.
struct Written {
    row: JournalRow,
    changes: Changes,
    /// Whether the service said that it is done.
    done: bool,
    versions: Versions,
}

/// Puts the lines of one action together: what came back counts, else what was sent. An update without an answer is kept;
/// whether it is in force is seen on the item. What wrote nothing to an item is left out.
fn steps(mut rows: Vec<JournalRow>) -> Vec<Written> {
    // A claim says whose the pair is, and a choice that was dropped wrote nothing.
    rows.retain(|row| ActionKind::of_journal(row.entry.kind).is_some());
    let mut order: Vec<(String, String, JournalKind)> = Vec::new();
    let mut groups: BTreeMap<(String, String, JournalKind), Vec<JournalRow>> = BTreeMap::new();
    for row in rows {
        let entry = &row.entry;
        let key = (entry.cycle.clone(), entry.action_id.0.clone(), entry.kind);
        if !groups.contains_key(&key) {
            order.push(key.clone());
        }
        groups.entry(key).or_default().push(row);
    }
    let pick = |rows: Vec<JournalRow>| {
        let done = rows
            .iter()
            .position(|row| row.entry.outcome == Outcome::Done);
        let updates = rows.iter().any(|row| row.entry.kind == JournalKind::Update);
        let failed = rows
            .iter()
            .any(|row| matches!(row.entry.outcome, Outcome::Failed | Outcome::Lost));
        // The service said that it did not do it.
        let refused = rows
            .iter()
            .any(|row| row.entry.outcome == Outcome::Failed && row.entry.changes.is_empty());
        let at = match done {
            Some(at) => at,
            None if failed && !updates || refused => return None,
            None => 0,
        };
        let of = |outcome: Outcome| rows.iter().filter(move |row| row.entry.outcome == outcome);
        let versions = Versions {
            before: of(Outcome::Sent).find_map(|row| row.entry.version),
            after: of(Outcome::Done)
                .next_back()
                .and_then(|row| row.entry.version),
        };
        let mut changes = Changes::new();
        let first = rows.get(at).into_iter();
        // Of a state in steps only the first may have been sent, and the line of the failure names that.
        let failed = of(Outcome::Failed).filter(|_| done.is_none());
        // A write of which a service refused a part went out in several parts, each with a line of its own.
        for row in first.chain(failed).chain(of(Outcome::Done)) {
            for (key, change) in &row.entry.changes {
                let step = changes.entry(key.clone()).or_insert_with(|| Step {
                    before: change.before.clone(),
                    after: None,
                });
                step.after.clone_from(&change.after);
            }
        }
        let row = rows.into_iter().nth(at)?;
        Some(Written {
            row,
            changes,
            done: done.is_some(),
            versions,
        })
    };
    order
        .into_iter()
        .filter_map(|key| pick(groups.remove(&key)?))
        .collect()
}

/// Returns the link that a journal line is about; where it was dissolved and the same two items are linked again, the
/// new one.
fn link_of(store: &Store, row: &JournalRow) -> Result<Option<LinkRow>, StoreError> {
    let Some(named) = store.link_behind(&row.entry)? else {
        return Ok(None);
    };
    let now = store.link_by_item(&named.pair, Side::Ado, &named.ado)?;
    let same = now.filter(|now| now.clickup == named.clickup && now.state.is_living());
    Ok(Some(same.unwrap_or(named)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{ActionId, FieldValue, Timestamp, Version};
    use crate::store::{Batch, JournalChange, NewJournal, Op};

    #[test]
    fn an_update_that_was_refused_is_no_deed_and_one_without_an_answer_is() {
        let mut store = Store::open_in_memory().unwrap();
        let change = JournalChange {
            before: Some(FieldValue::text("A")),
            after: Some(FieldValue::text("B")),
            reason: None,
        };
        let line = |cycle: &str, outcome: Outcome, named: bool| NewJournal {
            at: Timestamp(0),
            cycle: cycle.to_owned(),
            pair: "web".into(),
            link: Some(LinkId(1)),
            side: Side::Ado,
            item: Some(ItemId::from("1")),
            action_id: ActionId("a".to_owned()),
            kind: JournalKind::Update,
            changes: match named {
                true => BTreeMap::from([(FieldKey::Title.into(), change.clone())]),
                false => BTreeMap::new(),
            },
            outcome,
            detail: String::new(),
            request_ids: Vec::new(),
            version: None,
        };
        let lines = [
            line("refused", Outcome::Sent, true),
            line("refused", Outcome::Failed, false),
            line("unknown", Outcome::Sent, true),
            line("unknown", Outcome::Failed, true),
        ];
        let ops = lines.map(Op::Journal);
        store.commit(&Batch(ops.into())).unwrap();
        let steps =
            ["refused", "unknown"].map(|run| steps(store.journal_of_cycle(run).unwrap()).len());
        assert_eq!(steps, [0, 1]);
    }

    #[test]
    fn a_write_that_went_out_in_parts_is_one_deed_with_all_of_them() {
        let mut store = Store::open_in_memory().unwrap();
        let line = |outcome: Outcome, version: i64, fields: &[(FieldKey, &str)]| NewJournal {
            at: Timestamp(0),
            cycle: "run".to_owned(),
            pair: "web".into(),
            link: Some(LinkId(1)),
            side: Side::Ado,
            item: Some(ItemId::from("1")),
            action_id: ActionId("a".to_owned()),
            kind: JournalKind::Update,
            changes: fields
                .iter()
                .map(|(field, after)| {
                    let change = JournalChange {
                        before: Some(FieldValue::text("A")),
                        after: Some(FieldValue::text(after)),
                        reason: None,
                    };
                    (Subject::from(field), change)
                })
                .collect(),
            outcome,
            detail: String::new(),
            request_ids: Vec::new(),
            version: Some(Version(version)),
        };
        let (title, state) = (FieldKey::Title, FieldKey::State);
        let lines = [
            line(
                Outcome::Sent,
                4,
                &[
                    (title.clone(), "B"),
                    (state.clone(), "C"),
                    (FieldKey::Points, "no"),
                ],
            ),
            line(Outcome::Done, 5, &[(title.clone(), "B")]),
            line(Outcome::Done, 6, &[(state.clone(), "C")]),
        ];
        store.commit(&Batch(lines.map(Op::Journal).into())).unwrap();
        let mut deeds = steps(store.journal_of_cycle("run").unwrap());
        let deed = deeds.pop().unwrap();
        assert!(deeds.is_empty() && deed.done);
        let after = |key: &FieldKey| {
            let step = deed.changes.get(&Subject::from(key));
            step.and_then(|step| step.after.clone())
        };
        assert_eq!(after(&title), Some(FieldValue::text("B")));
        assert_eq!(after(&state), Some(FieldValue::text("C")));
        assert_eq!(deed.changes.len(), 2, "a refused part was not written");
        let versions = Versions {
            before: Some(Version(4)),
            after: Some(Version(6)),
        };
        assert_eq!(deed.versions, versions);
    }

    #[test]
    fn a_create_that_made_nothing_is_no_deed() {
        let mut store = Store::open_in_memory().unwrap();
        let line = |outcome: Outcome| NewJournal {
            at: Timestamp(0),
            cycle: outcome.to_string(),
            pair: "web".into(),
            link: None,
            side: Side::Ado,
            item: None,
            action_id: ActionId("marker".to_owned()),
            kind: JournalKind::Create,
            changes: BTreeMap::new(),
            outcome,
            detail: String::new(),
            request_ids: Vec::new(),
            version: None,
        };
        let outcomes = [Outcome::Failed, Outcome::Lost, Outcome::Done];
        let ops = outcomes.map(|outcome| Op::Journal(line(outcome)));
        store.commit(&Batch(ops.into())).unwrap();
        let steps = outcomes.map(|run| steps(store.journal_of_cycle(run.key()).unwrap()).len());
        assert_eq!(steps, [0, 0, 1]);
    }
}
