//! The judge of what an undo leaves apart (I21): it stays so until a person edits the field on one of the two sides, or chooses.
//! Neither is the undo taken back, nor does it go over.
//!
//! Example: Ana renames a work item, the task gets that, and somebody undoes it in ClickUp. The answer to the undo is lost. If
//! the next cycle took the old title for an edit of the task, it would go over, and nobody had asked for that.

use super::kinds::Kind;
use super::world::{Delivery, World};
use boardsync::model::{FieldKey, FieldValue, Side};

/// A value that an undo has set.
#[derive(Clone, Debug)]
pub struct Undone {
    value: FieldValue,
    /// True time.
    at: i64,
    /// True time at which the command began.
    began: i64,
}

impl World {
    /// The engine writes a field: an undo leaves the two sides apart, and nothing else may touch them.
    pub fn judge_apart(
        &mut self,
        side: Side,
        at: usize,
        kind: &dyn Kind,
        (old, new): (&FieldValue, &FieldValue),
        delivery: Delivery,
    ) {
        let key = kind.key();
        let asked_for = matches!(delivery, Delivery::Now | Delivery::Further);
        if self.told.undoing {
            match asked_for && !self.waits(side, at, &key) && !self.is_alone(side, at) {
                true => self.note_undone(side, at, &key, new),
                false => self.forget_undone(side, at, &key),
            }
            return;
        }
        let ours = (side, at, key.clone(), old.clone());
        let twins = self.twins_and_copies(side, at).into_iter();
        let others = twins.map(|twin| {
            let record = &self.side.get(side.other()).records[twin];
            let now = record.now().values.get(&key);
            (side.other(), twin, key.clone(), now.cloned())
        });
        let mut both = vec![(ours.0, ours.1, ours.2, Some(ours.3))];
        both.extend(others);
        let broken = both.into_iter().find(|(on, of, field, now)| {
            let undone = self.told.undone.get(&(*on, *of, field.clone()));
            undone.is_some_and(|undone| {
                now.as_ref() == Some(&undone.value)
                    && !self.touched(*on, *of, field, (undone.at, i64::MAX))
            })
        });
        let Some((on, of, ..)) = broken else { return };
        let undone = self.told.undone.get(&(on, of, key.clone()));
        let began = undone.map_or(i64::MAX, |undone| undone.began);
        self.forget_undone(on, of, &key);
        let finished = self.before_ours(side, at, &key, old).as_ref() == Some(new);
        let theirs = on != side && self.is_typed_there((on, of, began), kind, (old, new));
        if !asked_for || finished || theirs || self.is_excused(on, of, &key) {
            self.count("undo carried on");
            return;
        }
        let id = self.side.get(side).records[at].id.clone();
        let undone = self.side.get(on).records[of].id.clone();
        self.violate(
            "I21",
            format!(
                "{side} {id}: {key} becomes {new} although an undo left {on} {undone} as it is, and nobody edited it since"
            ),
        );
    }

    /// Whether a set gets only what a person put into the other side's while the undo, which began then, was at work: it did not
    /// see that, so it is an edit beside it. What was there when it looked is a part of what it left apart.
    ///
    /// Example: while an undo brings a tag back to a task, somebody adds another one there, and that goes over.
    fn is_typed_there(
        &self,
        (on, of, began): (Side, usize, i64),
        kind: &dyn Kind,
        (old, new): (&FieldValue, &FieldValue),
    ) -> bool {
        let (held, holds) = (kind.pieces(old), kind.pieces(new));
        let authored = self.side.get(on).records[of].authored.iter();
        let typed = authored.filter(|((field, _), at)| *field == kind.key() && **at >= began);
        let typed = typed.flat_map(|((_, piece), _)| kind.image(on, piece));
        let typed: Vec<String> = typed.collect();
        kind.is_set()
            && held.is_subset(&holds)
            && holds.difference(&held).all(|piece| typed.contains(piece))
    }

    /// What an item had before the engine made `ours` of it: where an undo was to take that back on both sides and stopped after
    /// the first one, the other one may still get it.
    fn before_ours(
        &self,
        side: Side,
        at: usize,
        key: &FieldKey,
        ours: &FieldValue,
    ) -> Option<FieldValue> {
        let past = self.side.get(side).records[at].past.iter().rev();
        let values = past.filter_map(|state| state.values.get(key));
        let mut earlier = values.skip_while(|value| *value != ours);
        earlier.find(|value| *value != ours).cloned()
    }

    fn note_undone(&mut self, side: Side, at: usize, key: &FieldKey, value: &FieldValue) {
        let undone = Undone {
            value: value.clone(),
            at: self.now,
            began: self.began,
        };
        let field = (side, at, key.clone());
        self.told.undone.insert(field, undone);
    }

    /// Somebody has chosen what becomes of a field, or nothing tells any more what an undo left.
    pub fn forget_undone(&mut self, side: Side, at: usize, key: &FieldKey) {
        self.told.undone.remove(&(side, at, key.clone()));
    }

    /// Whether a person's edit of the other side may still wait to be carried over: then that goes on, undo or not.
    fn waits(&self, side: Side, at: usize, key: &FieldKey) -> bool {
        let service = self.side.get(side);
        let written = self.told.ours.get(&(side, at, key.clone()));
        let created = service.records[at].created - service.skew;
        let since = written.map_or(created, |(_, written, _)| *written);
        // This very undo is a command of a person, and noted as one.
        self.touched(side, at, key, (since, self.now))
    }

    /// Whether the list of the counterpart is gone: then nobody is told that an undo leaves the two apart, and what it took back is
    /// an edit once the list is there again.
    fn is_alone(&self, side: Side, at: usize) -> bool {
        let other = side.other();
        let mut twins = self.twins_and_copies(side, at).into_iter();
        twins.any(|twin| {
            let record = &self.side.get(other).records[twin];
            self.out_of_reach(other, record.pair())
        })
    }

    /// Whether a person has touched a field on either side between these two moments; on the other side also in the very ms of the
    /// first, which on this one is that of the engine's write.
    fn touched(&self, side: Side, at: usize, key: &FieldKey, (since, until): (i64, i64)) -> bool {
        let later = |side: Side, at: usize, from: i64| {
            let typed = self.side.get(side).records[at].typed.get(key);
            typed.is_some_and(|typed| (from..until).contains(typed))
        };
        let mut twins = self.twins_and_copies(side, at).into_iter();
        later(side, at, since + 1) || twins.any(|twin| later(side.other(), twin, since))
    }

    /// Whether something else than a person's edit may move such a field: a service that did not take what it was sent, a
    /// counterpart that is gone, a database that does not know of the undo, another configuration of the field, or people who
    /// linked the two anew.
    fn is_excused(&self, side: Side, at: usize, key: &FieldKey) -> bool {
        let forgotten = ["database put back", "link again"];
        let forgotten = forgotten.map(|word| self.counts.contains_key(word));
        let twins = self.twins_and_copies(side, at).into_iter();
        let twins = twins.map(|twin| (side.other(), twin));
        let mut both = std::iter::once((side, at)).chain(twins);
        let aside = |(side, at): (Side, usize)| {
            let record = &self.side.get(side).records[at];
            record.ever_deleted || self.told.untaken.contains(&(side, at, key.clone()))
        };
        // A field that was switched off, or flowed one way, is measured anew.
        let measured_anew =
            self.told.off_since.contains_key(key) || self.told.were_one_way.contains(key);
        forgotten.contains(&true) || measured_anew || both.any(aside)
    }
}
