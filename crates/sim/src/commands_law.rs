//! The judge of what people's commands do to values (I21): a choice stands on what its person saw, and an undo takes back only
//! what the engine wrote.

use super::kinds::kind;
use super::world::{Request, World};
use boardsync::model::{FieldKey, FieldValue, ItemId, Side};
use boardsync::store::{Choice, Conflict};
use std::collections::BTreeSet;

impl World {
    /// I21: a conflict is settled only on what its person saw. What somebody typed since it was recorded, and what the
    /// command has read, speaks against that.
    pub fn judge_choice(&mut self, conflict: &Conflict, waiting: Option<&Choice>) {
        let record = &conflict.record;
        let Some(kind) = kind(&record.field) else {
            return;
        };
        let recorded = self.told.conflicts.get(&conflict.id).copied();
        let moment = self.now;
        let mut wrong = Vec::new();
        for side in Side::BOTH {
            let (id, found) = (record.items.get(side), record.now.get(side));
            let Some(at) = self.side.get(side).find(id) else {
                continue;
            };
            let item = &mut self.side.get_mut(side).records[at];
            // The choice is written to both sides, on behalf of its person.
            *item.writes.people.entry(record.field.clone()).or_default() += 2;
            item.typed.insert(record.field.clone(), moment);
            let now = item.now().values.get(&record.field).cloned();
            let undone = (side, at, record.field.clone());
            self.told.undone.remove(&undone);
            let mut known = kind.pieces(found);
            // Where the policy had decided, its value was to be written here: the conflict says so, and whoever types
            // just that adds nothing that the person who chooses has not seen.
            if record.taken == Some(side.other()) {
                let taken = record.now.get(side.other());
                known.extend(kind.images(side.other(), taken));
            }
            // And so it is with a text of a person's own that settled the conflict before: the conflict has that as well.
            if conflict.merged {
                let made = conflict.after.get(side).iter();
                known.extend(made.flat_map(|made| kind.pieces(made)));
            }
            // So it is with what an earlier choice was to write, and this one replaces.
            if let Some(earlier) = waiting {
                let replaced = match earlier.side == side {
                    true => kind.pieces(&earlier.value),
                    false => kind.images(earlier.side, &earlier.value),
                };
                let read = (item.read.0, conflict.id);
                for piece in &replaced {
                    let part = (side, at, record.field.clone(), piece.clone());
                    self.told.given_up.insert(part, read);
                }
                known.extend(replaced);
            }
            for piece in now.map(|now| kind.pieces(&now)).unwrap_or_default() {
                let since = item.authored.get(&(record.field.clone(), piece.clone()));
                let later =
                    |since: &&i64| recorded.is_some_and(|at| **since > at) && **since < item.read.0;
                if since.filter(later).is_some() && !known.contains(&piece) {
                    wrong.push(format!(
                        "conflict {} is settled although {side} {id} got \"{piece}\" since",
                        conflict.id
                    ));
                }
            }
        }
        for what in wrong {
            self.violate("I21", what);
        }
    }

    /// What requests without an answer were to set a field of an item to, and those that nobody knows were sent.
    fn unanswered(&self, side: Side, item: &ItemId, key: &FieldKey) -> BTreeSet<String> {
        let Some(kind) = kind(key) else {
            return BTreeSet::new();
        };
        let sent = self.told.unanswered.iter().filter(|(on, _)| *on == side);
        let values = sent.filter_map(|(_, request)| match request {
            Request::Update(change) if change.id == *item => change.set.get(key).cloned(),
            Request::Tag(id, tag, true, _) if id == item && *key == FieldKey::Tags => {
                Some(FieldValue::from_tags(BTreeSet::from([tag.clone()])))
            }
            _ => None,
        });
        let sent = values.flat_map(|value| kind.pieces(&value));
        sent.chain(self.noted(side, item, key)).collect()
    }

    /// I21: an undo takes back only what the engine wrote and nobody typed again.
    pub fn judge_undo(
        &mut self,
        side: Side,
        at: usize,
        key: &FieldKey,
        old: &FieldValue,
        new: &FieldValue,
    ) {
        let Some(kind) = kind(key) else { return };
        let ours = self.told.ours.get(&(side, at, key.clone())).cloned();
        let record = &self.side.get(side).records[at];
        let lost: Vec<(String, i64)> = kind
            .pieces(old)
            .difference(&kind.pieces(new))
            .filter_map(|piece| {
                let since = record.authored.get(&(key.clone(), piece.clone()))?;
                Some((piece.clone(), *since))
            })
            .collect();
        let (id, read) = (record.id.clone(), record.read.0);
        for (piece, since) in lost {
            let written = ours.as_ref();
            if written.is_some_and(|(_, at, _)| since < *at) {
                // Typed before our last write, which kept it: the general law judges that.
                continue;
            }
            if side == Side::ClickUp && since >= read {
                self.count("I2 window");
                continue;
            }
            // Somebody typed what a request of ours was to bring that had no answer. Whoever undoes that request is shown
            // the value, and nothing tells whose it is.
            if self.unanswered(side, &id, key).contains(&piece) {
                self.count("typed what had no answer");
                continue;
            }
            // Typed over and typed again before anybody looked: nothing tells that from what was there.
            let run = written
                .filter(|(value, _, _)| value == old)
                .map(|(_, _, run)| *run);
            let twins = self.twins(side, at);
            let carried = |run: u64| {
                twins.iter().any(|twin| {
                    let other = self.told.ours.get(&(side.other(), *twin, key.clone()));
                    other.is_some_and(|(_, _, later)| *later > run)
                })
            };
            // A database that was put back does not know what happened after it was copied.
            let forgotten = self.counts.contains_key("database put back");
            let same = written.is_some() && forgotten;
            match run {
                Some(run) if !carried(run) => self.count("typed again unseen"),
                _ if same => self.count("typed again before the database was put back"),
                _ => self.violate(
                    "I21",
                    format!("{side} {id}: an undo takes {key} \"{piece}\" of a person back"),
                ),
            }
        }
    }
}
