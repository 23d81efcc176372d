//! The judge of what people take back (I1): a part that the engine has just carried over, and that somebody takes away where it
//! came from before the next run, does not come back by the engine, unless somebody on the other side put it there.
//!
//! Example: Ana adds a tag to a work item, the task gets it, and the answer to that is lost. Then Ana takes the tag away. If
//! the engine took its own write for an edit of the task, the tag would come back.

use super::kinds::Kind;
use super::world::{Delivery, World};
use boardsync::model::{FieldKey, FieldValue, Side};
use std::collections::BTreeSet;

impl World {
    /// A person changes a field.
    pub fn note_taken(
        &mut self,
        side: Side,
        at: usize,
        kind: &dyn Kind,
        (old, new): (&BTreeSet<String>, &BTreeSet<String>),
    ) {
        let key = kind.key();
        let twins = self.twins_and_copies(side, at);
        let brought: BTreeSet<String> = self
            .told
            .brought
            .iter()
            .filter(|((on, twin, field, _), run)| {
                *on == side.other()
                    && twins.contains(twin)
                    && *field == key
                    && **run == self.told.run
            })
            .flat_map(|((_, _, _, piece), _)| kind.image(side.other(), piece))
            .collect();
        for piece in old.difference(new).filter(|piece| brought.contains(*piece)) {
            let part = (side, at, key.clone(), piece.clone());
            self.told.taken.insert(part, self.now);
        }
        for piece in new {
            self.told
                .taken
                .remove(&(side, at, key.clone(), piece.clone()));
        }
        // Whoever puts it on the other side wants it on both; and so does whoever leaves it there when taking others away, where
        // of several only one goes over. Example: Ana and Bo have the task, and Ben takes Bo off it: it is Ana's now.
        let of_one = side == Side::ClickUp && kind.of_one();
        let leaves = of_one && !old.is_subset(new);
        let left = old.intersection(new).filter(|_| leaves);
        let wanted: BTreeSet<&String> = new.difference(old).chain(left).collect();
        for twin in twins {
            for piece in &wanted {
                for image in kind.image(side, piece) {
                    let part = (side.other(), twin, key.clone(), image);
                    self.told.taken.remove(&part);
                }
            }
        }
    }

    /// The engine writes a field: nothing comes back with it.
    pub fn judge_return(
        &mut self,
        side: Side,
        at: usize,
        kind: &dyn Kind,
        (old, new): (&FieldValue, &FieldValue),
        delivery: Delivery,
    ) {
        let key = kind.key();
        for piece in kind.pieces(new).difference(&kind.pieces(old)) {
            let part = (side, at, key.clone(), piece.clone());
            self.told.brought.insert(part.clone(), self.told.run);
            if delivery == Delivery::Late {
                self.told.late.insert(part.clone());
            }
            let Some(since) = self.told.taken.remove(&part) else {
                continue;
            };
            if let Some(why) = self.may_return(side, at, kind, (piece, since), delivery) {
                self.count(why);
                continue;
            }
            let id = self.side.get(side).records[at].id.clone();
            self.violate(
                "I1",
                format!("{side} {id}: {key} \"{piece}\" comes back, which somebody took away"),
            );
        }
    }

    /// Why a part that somebody took away may come back, if it may.
    fn may_return(
        &self,
        side: Side,
        at: usize,
        kind: &dyn Kind,
        (piece, since): (&str, i64),
        delivery: Delivery,
    ) -> Option<&'static str> {
        // Where people linked two items, or the base was lost, nothing tells what was taken away.
        let forgotten = ["database put back", "link again"];
        let forgotten = forgotten.map(|word| self.counts.contains_key(word));
        if self.told.undoing || forgotten.contains(&true) {
            return Some("came back on purpose");
        }
        if !matches!(delivery, Delivery::Now | Delivery::Further) {
            return Some("came back late");
        }
        // Azure DevOps refuses what was planned against another version. A renamed tag moves none.
        let service = self.side.get(side);
        let record = &service.records[at];
        let mut past = record.past.iter();
        let moved = side == Side::Ado && past.any(|state| state.changed - service.skew == since);
        if since >= record.read.0 && !moved {
            return Some("came back in the window");
        }
        let key = kind.key();
        let untaken = |side: Side, at: usize| self.told.untaken.contains(&(side, at, key.clone()));
        let mut twins = self.twins_and_copies(side, at).into_iter();
        if untaken(side, at) || twins.any(|twin| untaken(side.other(), twin)) {
            return Some("came back by a service");
        }
        // ClickUp tests no version, so that a request which was given up may arrive after the one that took its place.
        let mut twins = self.twins_and_copies(side, at).into_iter();
        let late = twins.any(|twin| {
            let late = self.told.late.iter();
            let mut late =
                late.filter(|(on, of, field, _)| (*on, *of, field) == (side.other(), twin, &key));
            late.any(|(_, _, _, other)| kind.image(side.other(), other).contains(piece))
        });
        if late {
            return Some("came back by a late request");
        }
        // An item may be closed with its counterpart.
        let deleted = |twin: usize| {
            let record = &self.side.get(side.other()).records[twin];
            record.now().deleted
        };
        if self.twins_and_copies(side, at).into_iter().any(deleted) {
            return Some("came back with a deletion");
        }
        let theirs = self.twins_and_copies(side, at).into_iter().any(|twin| {
            let record = &self.side.get(side.other()).records[twin];
            record.authored.keys().any(|(field, other)| {
                *field == key && kind.image(side.other(), other).contains(piece)
            })
        });
        if theirs {
            return Some("came back from the other side");
        }
        let open = self.twins_and_copies(side, at).into_iter().any(|twin| {
            let record = &self.side.get(side.other()).records[twin];
            let value = record.now().values.get(&key);
            let pieces = value.map(|value| kind.pieces(value)).unwrap_or_default();
            let mut images = pieces
                .iter()
                .filter(|other| kind.image(side.other(), other).contains(piece));
            images.any(|other| self.logged(side.other(), twin, kind, other, since))
        });
        open.then_some("came back from a conflict")
    }

    /// The engine has written over these parts: whoever sets one of them later, here or on the other side, where it stands for
    /// the same, has chosen it over what the engine wrote.
    pub fn note_replaced(&mut self, side: Side, at: usize, kind: &dyn Kind, gone: &[String]) {
        for part in self.on_both(side, at, kind, gone) {
            self.told.replaced.insert(part, self.now);
        }
    }

    /// The engine has written these parts, so both sides agree on them again; after an undo, which leaves the two apart, only this
    /// side counts as left at them. Whoever changes one of them and comes back to it before the next look leaves nothing that
    /// tells of it: by then the part is what the side was left at, and an edit of the other side goes over it.
    ///
    /// Example: the priority 2 is written over by 4, and later 4 by 2. Then Bo sets 3, and 2 again, while Ana sets 1 on the other
    /// side. Nobody saw the 3, so the 1 goes over.
    pub fn note_set_again(&mut self, side: Side, at: usize, kind: &dyn Kind, set: &[String]) {
        let undoing = self.told.undoing;
        let parts = self.on_both(side, at, kind, set).into_iter();
        for part in parts.filter(|(on, ..)| !undoing || *on == side) {
            self.told.replaced.remove(&part);
        }
    }

    /// Parts of a field, with what they stand for on the other side.
    fn on_both(
        &self,
        side: Side,
        at: usize,
        kind: &dyn Kind,
        pieces: &[String],
    ) -> Vec<(Side, usize, FieldKey, String)> {
        let key = kind.key();
        let own = pieces.iter().map(|piece| (side, at, piece.clone()));
        let twins = self.twins(side, at).into_iter();
        let others = twins.flat_map(|twin| {
            let images = pieces.iter().flat_map(|piece| kind.image(side, piece));
            images.map(move |image| (side.other(), twin, image))
        });
        let parts = own.chain(others);
        parts
            .map(|(side, at, piece)| (side, at, key.clone(), piece))
            .collect()
    }
}
