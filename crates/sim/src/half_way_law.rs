//! The judge of what the engine makes of its own half-way states (I22): Azure DevOps goes from one state to another through
//! a third, and a process that dies in between, or a refusal, leaves the item at a state that nobody chose. No conflict may
//! come of it, and nothing may be written to the other side because of it.

use super::kinds::kind;
use super::world::{Record, World};
use boardsync::model::{ActionId, FieldKey, FieldValue, Side};
use boardsync::reason::Outcome;
use boardsync::store::Store;

/// Whether a create with the marker that this item was made with was given up, be it this one or one before it.
fn given_up(store: &Store, record: &Record) -> bool {
    let made = record.past.first();
    let mut markers = made.into_iter().flat_map(|state| &state.markers);
    markers.any(|marker| {
        let lost = store.has_outcome(&ActionId(marker.clone()), Outcome::Lost);
        lost.unwrap_or(false)
    })
}

impl World {
    /// After every cycle: no conflict is about a state that only the engine wrote half way. Where people linked the two,
    /// or the base was lost, any difference is a conflict. So it is where a create for the same task was given up, because the
    /// index showed its item later than the protocol allows for: what that one sent is forgotten, and where there was another
    /// one, nothing tells which of the two made the item.
    pub fn judge_half_way(&mut self, store: &Store) {
        let mut wrong = Vec::new();
        for conflict in store.conflicts(false).unwrap_or_default() {
            let record = &conflict.record;
            if record.field != FieldKey::State || !self.told.half_judged.insert(conflict.id) {
                continue;
            }
            let Some(at) = self.side.ado.find(&record.items.ado) else {
                continue;
            };
            let excused = ["database put back", "link again"];
            let excused = excused.map(|word| self.counts.contains_key(word));
            let item = &self.side.ado.records[at];
            let made = item.source.is_some() && !given_up(store, item);
            if record.base.ado.is_none() && (excused.contains(&true) || !made) {
                continue;
            }
            let mut past = item.past.iter();
            let seen = past.find(|state| state.version == record.versions.ado.0);
            if seen.is_some_and(|state| state.half_way) {
                wrong.push(format!(
                    "conflict {} of {} is about {}, where only the engine's first step is in force",
                    conflict.id, record.items.ado, record.now.ado
                ));
            }
        }
        for what in wrong {
            self.violate("I22", what);
        }
    }

    /// A command leaves differences apart as conflicts, on purpose: they are not judged.
    pub fn excuse_conflicts(&mut self, store: &Store) {
        let conflicts = store.conflicts(false).unwrap_or_default();
        let ids = conflicts.into_iter().map(|conflict| conflict.id);
        self.told.half_judged.extend(ids);
    }

    /// At each write of a task's status: it does not carry a half-way state over.
    pub fn judge_carried(&mut self, at: usize, new: &FieldValue) {
        let Some(kind) = kind(&FieldKey::State).filter(|_| !self.told.undoing) else {
            return;
        };
        if self.counts.contains_key("database put back") {
            return;
        }
        let mut wrong = Vec::new();
        for twin in self.twins(Side::ClickUp, at) {
            let record = &self.side.ado.records[twin];
            let now = record.now();
            let Some(held) = now.values.get(&FieldKey::State).filter(|_| now.half_way) else {
                continue;
            };
            let since = now.changed - self.side.ado.skew;
            let read = since <= record.read.0;
            let carried = kind.pieces(new).is_subset(&kind.images(Side::Ado, held));
            if read && carried {
                wrong.push(format!(
                    "{} gets {new} from {}, where only the engine's first step is in force",
                    self.side.clickup.records[at].id, record.id
                ));
            }
        }
        for what in wrong {
            self.violate("I22", what);
        }
    }
}
