//! What services do to a write that they accept: they keep the old value, unite tags, cut a text, or a rule of the process
//! changes another field in the same save. The status is a good one every time; only the answer shows it.
//!
//! And the judge of what the engine makes of answers (I22).

use super::kinds::{Kind, kind, kinds};
use super::rng::{Rng, hash, mix};
use super::world::{Record, World};
use boardsync::connector::Change;
use boardsync::model::{FieldKey, FieldValue, ItemId, Side};
use boardsync::store::Store;
use std::collections::BTreeMap;

/// A part of a person's value that a write left as it was, and that the service cut off all the same.
#[derive(Clone, Debug)]
pub struct Cut {
    side: Side,
    at: usize,
    part: (ItemId, FieldKey, String),
    /// True time.
    when: i64,
    /// Whether the engine was told, and whether it has stored that.
    told: (bool, bool),
}

impl Cut {
    /// Whether it happened at this true time.
    pub fn happened(&self, when: i64) -> bool {
        self.when == when
    }

    pub fn is(&self, side: Side, at: usize, part: &(ItemId, FieldKey, String), when: i64) -> bool {
        (self.side, self.at, self.when) == (side, at, when) && self.part == *part
    }
}

impl World {
    /// The engine got the answer to an update.
    pub fn cut_answered(&mut self, id: &ItemId) {
        let mine = self.told.cut.iter_mut().filter(|cut| cut.part.0 == *id);
        mine.for_each(|cut| cut.told.0 = true);
    }

    /// A transaction is over.
    pub fn cut_stored(&mut self) {
        for cut in &mut self.told.cut {
            cut.told.1 |= cut.told.0;
        }
    }

    /// The process dies. By I22 only the answer to a call tells its work from a person's: a cut that nobody was told of is
    /// an edit like any other.
    pub fn cut_forgotten(&mut self) {
        self.told.cut.retain(|cut| cut.told.1);
    }

    /// I1 at the end: what a service cut off a person's text is back, or the conflict log has it, unless somebody edited
    /// the text since.
    pub fn judge_cut(&mut self, store: &Store) {
        let conflicts = store.conflicts(false).unwrap_or_default();
        let mut found = Vec::new();
        for cut in self.told.cut.iter().filter(|cut| cut.told.1) {
            let (id, key, piece) = &cut.part;
            let Some(kind) = kind(key) else { continue };
            let record = &self.side.get(cut.side).records[cut.at];
            let others = self.twins_and_copies(cut.side, cut.at);
            let others = others
                .into_iter()
                .map(|at| &self.side.get(cut.side.other()).records[at]);
            let mut both = std::iter::once(record).chain(others);
            let fine = both.any(|record| {
                let edited = record.typed.get(key).is_some_and(|at| *at > cut.when);
                let value = record.now().values.get(key);
                edited
                    || record.ever_deleted
                    || value.is_some_and(|value| kind.pieces(value).contains(piece))
            });
            let logged = conflicts.iter().any(|row| {
                let row = &row.record;
                row.items.iter().any(|(_, item)| item == id)
                    && row.field == *key
                    && row
                        .now
                        .iter()
                        .any(|(_, value)| kind.pieces(value).contains(piece))
            });
            // It was in the log of a database that was replaced by an older one.
            let lost = self.told.put_back.contains(&cut.part);
            if !fine && !logged && !lost {
                let side = cut.side;
                found.push(format!(
                    "{side} {id}: {key} \"{piece}\" of a person was cut off by the service and is nowhere"
                ));
            }
        }
        for what in found {
            self.violate("I1", what);
        }
    }

    /// Half of the histories have such services.
    fn quirky(&self) -> bool {
        self.setup.quirks && !self.calm
    }

    /// The dice of one value of one item. The same ones for the same state, so a history goes the same way every time.
    fn dice(&self, side: Side, at: usize, key: &FieldKey) -> Rng {
        let record = &self.side.get(side).records[at];
        let start = hash(self.seed ^ 0x0000_D1CE, record.id.as_str().as_bytes());
        let start = hash(start, key.to_string().as_bytes());
        Rng::new(mix(start ^ record.past.len() as u64 ^ self.requests << 20))
    }

    /// Whether a task never takes a due date by the API, as long as the history lasts.
    pub fn stubborn(&self, side: Side, record: &Record, key: &FieldKey) -> bool {
        let start = hash(self.seed ^ 0x057B, record.id.as_str().as_bytes());
        let never = side == Side::ClickUp && *key == FieldKey::DueDate;
        never && self.setup.quirks && mix(start).is_multiple_of(6)
    }

    /// What becomes of a value that an update carries.
    pub fn quirk(
        &mut self,
        side: Side,
        at: usize,
        kind: &dyn Kind,
        before: Option<&FieldValue>,
        value: FieldValue,
    ) -> FieldValue {
        let key = kind.key();
        let Some(before) = before.filter(|before| self.quirky() && **before != value) else {
            return value;
        };
        if self.stubborn(side, &self.side.get(side).records[at], &key) {
            self.count("kept value");
            self.told.untaken.insert((side, at, key));
            return before.clone();
        }
        let mut dice = self.dice(side, at, &key);
        if !dice.chance(60) {
            return value;
        }
        let changed = match (&key, side) {
            (FieldKey::Tags, Side::Ado) => {
                let both = before.members().into_iter().chain(value.members());
                Some(("united tags", FieldValue::from_tags(both.collect())))
            }
            (FieldKey::Description, _) => {
                let text = value.to_string();
                let cut = text.rsplit_once("\n\n").map(|(kept, _)| kept.to_owned());
                cut.map(|cut| ("cut text", FieldValue::rich(cut)))
            }
            _ => None,
        };
        let (word, kept) = changed.unwrap_or(("kept value", before.clone()));
        if kept == value {
            return value;
        }
        self.count(word);
        self.told.untaken.insert((side, at, key.clone()));
        let (sent, now) = (kind.pieces(&value), self.now);
        let record = &self.side.get(side).records[at];
        let lost = kind.pieces(before).into_iter().filter(|piece| {
            let theirs = record.authored.contains_key(&(key.clone(), piece.clone()));
            theirs && sent.contains(piece) && !kind.pieces(&kept).contains(piece)
        });
        let lost = lost.map(|piece| Cut {
            side,
            at,
            part: (record.id.clone(), key.clone(), piece),
            when: now,
            told: (false, false),
        });
        let lost: Vec<Cut> = lost.collect();
        self.told.cut.extend(lost);
        self.say(|| format!("{side}: {key} becomes {kept:?} ({word})"));
        // The service's own doing: what is written to mend it is no echo.
        self.not_ours(side, at, &key);
        kept
    }

    fn not_ours(&mut self, side: Side, at: usize, key: &FieldKey) {
        let writes = &mut self.side.get_mut(side).records[at].writes;
        *writes.people.entry(key.clone()).or_default() += 1;
    }

    /// A rule of the process: with another save it sets the priority.
    pub fn rule(
        &mut self,
        side: Side,
        at: usize,
        change: &Change,
        after: &mut BTreeMap<FieldKey, FieldValue>,
    ) {
        let key = FieldKey::Priority;
        if side != Side::Ado || change.set.contains_key(&key) || !self.quirky() {
            return;
        }
        let value = FieldValue::Number(2000);
        let mut dice = self.dice(side, at, &FieldKey::Type);
        if !dice.chance(60) || after.get(&key) == Some(&value) {
            return;
        }
        self.count("changed by a rule");
        self.say(|| format!("{side}: a rule sets {key} to {value}"));
        self.not_ours(side, at, &key);
        // The other side's value is owed to this one where the call had set it in an earlier step.
        self.told.untaken.insert((side, at, key.clone()));
        let record = &mut self.side.get_mut(side).records[at];
        record.authored.retain(|(of, _), _| *of != key);
        after.insert(key, value);
    }

    /// I22: no base holds what a person wrote and the other side never got, unless the conflict log has it: then somebody's
    /// edit was taken for the answer to our own call.
    pub fn judge_answers(&mut self, store: &Store) {
        if self.counts.contains_key("database put back") {
            return;
        }
        let conflicts = store.conflicts(false).unwrap_or_default();
        let notes = store.transits().unwrap_or_default();
        let mut found = Vec::new();
        for n in 0..self.setup.pairs as usize {
            for link in store.links(&self.name(n)).unwrap_or_default() {
                let (Some(ado), Some(clickup)) = (
                    self.side.ado.find(&link.ado),
                    self.side.clickup.find(&link.clickup),
                ) else {
                    continue;
                };
                if !link.state.is_living() {
                    continue;
                }
                let base = store.base(link.id).unwrap_or_default();
                for (side, at, other) in [(Side::Ado, ado, clickup), (Side::ClickUp, clickup, ado)]
                {
                    let record = &self.side.get(side).records[at];
                    let twin = &self.side.get(side.other()).records[other];
                    for kind in kinds() {
                        let key = kind.key();
                        if kind.of_one() {
                            continue;
                        }
                        let Some(base) = base.get(&key) else { continue };
                        // What no answer has shown yet is looked at again, and judged then. A value in doubt counts as an
                        // edit, whatever it is.
                        let doubted = base.get(side).is_doubted();
                        if doubted || base.get(side.other()).is_sent() {
                            continue;
                        }
                        let value = base.get(side).value();
                        // Somebody may have come back to a step of ours, which is the base: as long as a request without an
                        // answer is noted, the next look tells the two apart by the versions in between.
                        let noted = notes.iter().any(|note| {
                            (note.link, note.side, &note.field) == (link.id, side, &key)
                        });
                        if noted && key == FieldKey::State {
                            continue;
                        }
                        let held = |piece: &String| {
                            twin.past.iter().any(|state| {
                                let value = state.values.get(&key);
                                value.is_some_and(|value| {
                                    kind.images(side.other(), value).contains(piece)
                                })
                            })
                        };
                        let logged = |piece: &String| {
                            conflicts.iter().any(|row| {
                                let value = row.record.now.get(side);
                                row.record.link == link.id
                                    && row.record.field == key
                                    && kind.pieces(value).contains(piece)
                            })
                        };
                        for piece in kind.pieces(value) {
                            let theirs =
                                record.authored.contains_key(&(key.clone(), piece.clone()));
                            if theirs && !held(&piece) && !logged(&piece) {
                                found.push(format!(
                                    "{side} {}: the base of {key} holds \"{piece}\" of a person, which {} never got",
                                    record.id, twin.id
                                ));
                            }
                        }
                    }
                }
            }
        }
        for what in found {
            self.violate("I22", what);
        }
    }
}
