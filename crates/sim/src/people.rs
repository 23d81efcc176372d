//! People: they create, edit, move, delete, restore and copy, on both sides and at any moment.

use super::kinds::{kind, kinds, renamed_tag};
use super::script::Act;
use super::world::{World, blank};
use boardsync::model::{FieldKey, FieldValue, Side};

impl World {
    /// Sets a value as the service stores it, for a person.
    fn person(&mut self, side: Side, at: usize, key: &FieldKey, value: FieldValue) {
        let Some(kind) = kind(key) else {
            self.change(side, at, |state| {
                state.values.insert(key.clone(), value);
            });
            return;
        };
        // Nobody edits an item in the very ms in which it came to be.
        if self.server(side) == self.side.get(side).records[at].created {
            self.now += 1;
            self.clock.advance(1);
        }
        // Nor in that in which a service cuts a text of theirs: what comes first there would be a matter of chance.
        if self.told.cut.iter().any(|cut| cut.happened(self.now)) {
            self.now += 1;
            self.clock.advance(1);
        }
        let now = self.now;
        let value = kind.stored(side, value);
        let old = self.side.get(side).records[at]
            .now()
            .values
            .get(key)
            .cloned();
        let back = self.back_unseen(side, at, key, &value);
        let stored = value.clone();
        let moved = self.change(side, at, |state| {
            state.values.insert(key.clone(), stored);
        });
        if !moved {
            return;
        }
        let before = old.map(|old| kind.pieces(&old)).unwrap_or_default();
        let record = &mut self.side.get_mut(side).records[at];
        let typed = kind.pieces(&value);
        for piece in typed.difference(&before).filter(|_| !back) {
            record.authored.insert((key.clone(), piece.clone()), now);
        }
        *record.writes.people.entry(key.clone()).or_default() += 1;
        record.typed.insert(key.clone(), now);
        let id = record.id.clone();
        self.note_taken(side, at, kind, (&before, &typed));
        self.say(|| format!("{side} {id}: person sets {key} to {value:?}"));
        if back {
            self.count("set back unseen");
        }
    }

    /// Whether `value` is what the engine saw last, in place of what it had sent. To set such a field to something else and
    /// back between two looks changes nothing that a look could show, so what was sent is rightly sent again.
    ///
    /// Example: ADO answers "Resolved" with "Active". Somebody sets Resolved and then Active. The next read shows Active, as
    /// the answer did.
    fn back_unseen(&self, side: Side, at: usize, key: &FieldKey, value: &FieldValue) -> bool {
        let field = (side, at, key.clone());
        let Some((_, sent, _)) = self.told.ours.get(&field) else {
            return false;
        };
        let service = self.side.get(side);
        let record = &service.records[at];
        let looked = record.read.0.max(*sent) + service.skew;
        let mut past = record.past.iter().rev();
        let seen = past.find(|state| state.changed <= looked);
        let same = seen.is_some_and(|state| state.values.get(key) == Some(value));
        same && self.told.untaken.contains(&field)
    }

    /// An administrator gives a tag of ADO another name. No version shows it.
    fn rename_tag(&mut self, n: u32) {
        let (old, new) = renamed_tag(n);
        for at in 0..self.side.ado.records.len() {
            let record = &self.side.ado.records[at];
            let before = record.now().clone();
            let mut tags = self.value(Side::Ado, at, &FieldKey::Tags).members();
            if before.deleted || !tags.remove(&old) {
                continue;
            }
            tags.insert(new.clone());
            self.person(Side::Ado, at, &FieldKey::Tags, FieldValue::from_tags(tags));
            let record = &mut self.side.ado.records[at];
            let state = record.past.last_mut().expect("every record has a state");
            // No new version, so whoever made this one is still named as its author.
            state.by_engine = before.by_engine;
            state.version = before.version;
            state.changed = before.changed;
            state.indexed = before.indexed;
            self.count("tag renamed");
        }
    }

    /// A person does something.
    pub fn act(&mut self, act: &Act) {
        self.count("acts");
        match act {
            Act::Create { side, n, pair } => self.add(*side, *n, *pair),
            Act::Edit {
                side,
                item,
                field,
                n,
            } => self.edit(*side, *item, field, *n),
            Act::Contest {
                side,
                item,
                field,
                n,
            } => self.contest(*side, *item, field, *n),
            Act::Revert { side, item, field } => self.revert(*side, *item, field, 0),
            Act::Recall { side, item, field } => self.revert(*side, *item, field, 1),
            Act::Leave { side, item } => self.set_scope(*side, *item, false),
            Act::Return { side, item } => self.set_scope(*side, *item, true),
            Act::Move { side, item } => {
                if let Some(at) = self.pick(*side, *item, false) {
                    self.move_over(*side, at);
                }
            }
            Act::Shut { side, pair, gone } => self.shut(*side, *pair, *gone),
            Act::Nest { side, item, under } => self.nest(*side, *item, *under),
            Act::Vanish { item } => self.vanish(*item),
            Act::Reappear => self.reappear(),
            Act::Claim { pair } => self.claimed_elsewhere(*pair),
            Act::Delete { side, item } => self.set_deleted(*side, *item, true),
            Act::Restore { side, item } => self.set_deleted(*side, *item, false),
            Act::Unmark(side) => self.unmark(*side),
            Act::RenameTag { n } => self.rename_tag(*n),
            Act::Copy { side, item, n } => self.copy(*side, *item, *n),
        }
    }

    fn add(&mut self, side: Side, n: u32, pair: u32) {
        let pair = (pair % self.setup.pairs) as usize;
        let at = self.insert(side, pair, blank());
        for kind in kinds() {
            let value = kind.stored(side, kind.start(side, n));
            let now = self.now;
            let record = &mut self.side.get_mut(side).records[at];
            for piece in kind.pieces(&value) {
                record.authored.insert((kind.key(), piece), now);
            }
            record.writes.people.insert(kind.key(), 1);
            record.past[0].values.insert(kind.key(), value);
        }
        let id = self.side.get(side).records[at].id.clone();
        self.say(|| format!("{side} {id}: person creates"));
    }

    fn edit(&mut self, side: Side, item: u32, field: &FieldKey, n: u32) {
        let Some(at) = self.pick(side, item, false) else {
            return;
        };
        let old = self.value(side, at, field);
        let value = match kind(field) {
            Some(kind) => kind.edit(side, &old, n),
            None => FieldValue::Number(i64::from(n)),
        };
        self.person(side, at, field, value);
    }

    /// Two people edit the same field of an item and of its twin, differently.
    fn contest(&mut self, side: Side, item: u32, field: &FieldKey, n: u32) {
        let Some(at) = self.pick(side, item, false) else {
            return;
        };
        let other = side.other();
        let twins = self.twins(side, at).into_iter();
        let mut living = twins.filter(|twin| !self.side.get(other).records[*twin].now().deleted);
        let twin = living.next();
        for (side, at, n) in [(side, Some(at), n), (other, twin, n + 8)] {
            if let (Some(at), Some(kind)) = (at, kind(field)) {
                let value = kind.edit(side, &self.value(side, at, field), n);
                self.person(side, at, field, value);
            }
        }
    }

    /// Somebody sets a field to what it was before; `further`: so many values earlier.
    fn revert(&mut self, side: Side, item: u32, field: &FieldKey, further: usize) {
        let Some(at) = self.pick(side, item, false) else {
            return;
        };
        let now = self.value(side, at, field);
        let past = self.side.get(side).records[at].past.iter().rev();
        let mut earlier: Vec<&FieldValue> = past
            .filter_map(|state| state.values.get(field))
            .filter(|value| **value != now)
            .collect();
        earlier.dedup();
        if let Some(value) = earlier.get(further).map(|value| (*value).clone()) {
            self.person(side, at, field, value);
        }
    }

    fn set_scope(&mut self, side: Side, item: u32, inside: bool) {
        if let Some(at) = self.pick(side, item, false) {
            self.change(side, at, |state| state.in_scope = inside);
            let id = self.side.get(side).records[at].id.clone();
            self.say(|| format!("{side} {id}: person moves it, in scope: {inside}"));
        }
    }

    /// Somebody deletes an item, or takes it out of the bin again.
    fn set_deleted(&mut self, side: Side, item: u32, deleted: bool) {
        let Some(at) = self.pick(side, item, !deleted) else {
            return;
        };
        let below = match deleted {
            true if side == Side::ClickUp => self.below(side, at),
            _ => Vec::new(),
        };
        for at in below.into_iter().chain([at]) {
            self.change(side, at, |state| state.deleted = deleted);
            self.told.removed.remove(&(side, at));
            let record = &mut self.side.get_mut(side).records[at];
            record.ever_deleted = true;
            record.vanished = false;
            *record.writes.people.entry(FieldKey::State).or_default() += 1;
            let id = record.id.clone();
            self.say(|| format!("{side} {id}: person deletes it: {deleted}"));
        }
    }

    /// Somebody takes our marker out of the newest item.
    fn unmark(&mut self, side: Side) {
        let Some(at) = self.side.get(side).records.len().checked_sub(1) else {
            return;
        };
        if self.change(side, at, |state| state.markers.clear()) {
            self.count("marker taken out");
            let id = self.side.get(side).records[at].id.clone();
            self.say(|| format!("{side} {id}: person takes the marker out"));
        }
    }

    /// Somebody copies an item, marker and all, and gives the copy a title of its own.
    fn copy(&mut self, side: Side, item: u32, n: u32) {
        let Some(at) = self.pick(side, item, false) else {
            return;
        };
        let source = &self.side.get(side).records[at];
        let (pair, state, of) = (source.pair(), source.now().clone(), source.source.clone());
        let copy = self.insert(side, pair, state);
        let record = &mut self.side.get_mut(side).records[copy];
        (record.copy, record.source) = (true, of);
        let title = FieldValue::text(&format!("copy {n}"));
        self.person(side, copy, &FieldKey::Title, title);
    }

    fn value(&self, side: Side, at: usize, field: &FieldKey) -> FieldValue {
        let now = self.side.get(side).records[at].now();
        now.values.get(field).cloned().unwrap_or(FieldValue::Empty)
    }

    fn pick(&self, side: Side, item: u32, deleted: bool) -> Option<usize> {
        let records = &self.side.get(side).records;
        let at = (item as usize).checked_rem(records.len())?;
        (records[at].now().deleted == deleted).then_some(at)
    }
}
