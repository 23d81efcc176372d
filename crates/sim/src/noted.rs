//! What the history says was sent, where the process died, or the database was put back, before it could say what became of
//! it. Nobody who reads it can tell whether the request went out.

use super::kinds::kind;
use super::remote::lock;
use super::run::Sim;
use super::world::World;
use boardsync::model::{FieldKey, FieldValue, ItemId, Side};
use boardsync::reason::{JournalKind, Outcome};
use boardsync::store::JournalRow;
use std::collections::BTreeSet;

/// One value of an update that was noted before it was sent.
#[derive(Clone, Debug, PartialEq)]
pub struct Noted {
    side: Side,
    item: ItemId,
    field: FieldKey,
    before: FieldValue,
    after: FieldValue,
}

impl Sim {
    /// Remembers what the last run in the history noted and never came back to. Called after a kill and where the database
    /// was put back, so that an engine that forgets to record an outcome is judged all the same.
    pub fn note_unsent(&self) {
        let Some(engine) = &self.engine else { return };
        let ids: BTreeSet<(Side, ItemId)> = {
            let world = lock(&self.world);
            let ids = |side| {
                let records = world.side.get(side).records.iter();
                records.map(move |record| (side, record.id.clone()))
            };
            Side::BOTH.into_iter().flat_map(ids).collect()
        };
        let store = engine.store();
        let rows: Vec<JournalRow> = ids
            .iter()
            .flat_map(|(side, id)| store.journal_of(Some(*side), id).unwrap_or_default())
            .collect();
        drop(store);
        let Some(last) = rows.iter().max_by_key(|row| row.id) else {
            return;
        };
        let run = |row: &&JournalRow| row.entry.cycle == last.entry.cycle;
        let open = |sent: &&JournalRow| {
            let mut same = rows.iter().filter(|row| {
                row.entry.cycle == sent.entry.cycle && row.entry.action_id == sent.entry.action_id
            });
            sent.entry.outcome == Outcome::Sent
                && sent.entry.kind == JournalKind::Update
                && same.all(|row| row.entry.outcome == Outcome::Sent)
        };
        let mut noted = Vec::new();
        for row in rows.iter().filter(run).filter(open) {
            let Some(item) = &row.entry.item else {
                continue;
            };
            for (subject, change) in &row.entry.changes {
                let (Some(field), Some(after)) = (subject.field(), change.after.clone()) else {
                    continue;
                };
                noted.push(Noted {
                    side: row.entry.side,
                    item: item.clone(),
                    field: field.clone(),
                    before: change.before.clone().unwrap_or(FieldValue::Empty),
                    after,
                });
            }
        }
        let mut world = lock(&self.world);
        for one in noted {
            if !world.told.noted.contains(&one) {
                world.told.noted.push(one);
            }
        }
    }
}

impl World {
    /// The parts that such requests were to bring to a field.
    pub fn noted(&self, side: Side, item: &ItemId, key: &FieldKey) -> BTreeSet<String> {
        let Some(kind) = kind(key) else {
            return BTreeSet::new();
        };
        let here =
            |noted: &&Noted| noted.side == side && noted.item == *item && noted.field == *key;
        let brought = |noted: &Noted| {
            let held = kind.pieces(&noted.before);
            let mut parts = kind.pieces(&noted.after);
            parts.retain(|part| !held.contains(part));
            parts
        };
        self.told
            .noted
            .iter()
            .filter(here)
            .flat_map(brought)
            .collect()
    }
}
