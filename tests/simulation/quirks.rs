//! What services do to a write that they accept: they keep the old value, unite tags, cut a text, or a rule of the process
//! changes another field in the same save. The status is a good one every time; only the answer shows it.
//!
//! And the judge of what the engine makes of answers (I22).

use super::kinds::{KINDS, Kind};
use super::rng::{Rng, hash, mix};
use super::world::{Record, World};
use boardsync::connector::Change;
use boardsync::model::{FieldKey, FieldValue, Side};
use boardsync::store::{LinkState, Store};
use std::collections::BTreeMap;

impl World {
    /// Half of the histories of the wide range have such services.
    fn quirky(&self) -> bool {
        self.setup.open && !self.calm && mix(self.seed ^ 0x0051_4B59).is_multiple_of(2)
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
        let quirky = self.setup.open && mix(self.seed ^ 0x0051_4B59).is_multiple_of(2);
        never && quirky && mix(start).is_multiple_of(6)
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
        let mut found = Vec::new();
        for n in 0..self.setup.pairs as usize {
            for link in store.links(&self.name(n)).unwrap_or_default() {
                let (Some(ado), Some(clickup)) = (
                    self.side.ado.find(&link.ado),
                    self.side.clickup.find(&link.clickup),
                ) else {
                    continue;
                };
                if matches!(link.state, LinkState::Tombstone { .. }) {
                    continue;
                }
                let base = store.base(link.id).unwrap_or_default();
                for (side, at, other) in [(Side::Ado, ado, clickup), (Side::ClickUp, clickup, ado)]
                {
                    let record = &self.side.get(side).records[at];
                    let twin = &self.side.get(side.other()).records[other];
                    for kind in KINDS {
                        let key = kind.key();
                        // Further people beside the lead are ClickUp's own: they go nowhere.
                        if key == FieldKey::Assignees {
                            continue;
                        }
                        let Some(base) = base.get(&key) else { continue };
                        let value = match side {
                            Side::Ado => &base.ado,
                            Side::ClickUp => &base.clickup,
                        };
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
                                let value = match side {
                                    Side::Ado => &row.record.ado_value,
                                    Side::ClickUp => &row.record.clickup_value,
                                };
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
