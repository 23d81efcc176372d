//! The judge. It knows every value that the services ever held, who put it there, and the conflict log as the database
//! holds it at the moment of a write; it does not ask the engine what it meant to do.
//!
//! Laws are named as in the list of guarantees (I1 no lost update ... I20).

use super::kinds::{Kind, kind, kinds};
use super::world::{Delivery, Record, State, World};
use boardsync::connector::Change;
use boardsync::model::{FieldKey, FieldValue, Side};
use std::collections::{BTreeMap, BTreeSet};

/// How long after its read a write may be sent to a side without compare-and-swap.
const GAP: i64 = 2_000;

impl World {
    /// I3: one living counterpart per source.
    pub fn judge_create(&mut self, side: Side, at: usize) {
        let record = &self.side.get(side).records[at];
        let Some(source) = record.source.clone() else {
            return;
        };
        let same = self.side.get(side).records.iter().filter(|other| {
            other.source.as_ref() == Some(&source) && !other.copy && !other.ever_deleted
        });
        // Without a marker its title and its age tell what it may be, as long as the database and its title are as they were.
        let restored = self.counts.contains_key("database put back");
        let lost = |other: &&Record| {
            let title = |state: &State| state.values.get(&FieldKey::Title).cloned();
            let renamed = other
                .past
                .iter()
                .any(|state| title(state) != title(other.now()));
            // A counterpart of its own may have marked it anew.
            let unmarked = other.past.iter().any(|state| state.markers.is_empty());
            unmarked && (restored || renamed)
        };
        let same = same.filter(|other| !lost(other));
        let ids: Vec<String> = same.map(|other| other.id.to_string()).collect();
        // A restored database finds counterparts by the markers in scope only.
        let hidden = self.counts.contains_key("database put back")
            && self.side.get(side).records.iter().any(|other| {
                other.source.as_ref() == Some(&source)
                    && other.past.iter().any(|state| !state.in_scope)
            });
        if ids.len() > 1 && self.setup.unbounded {
            self.count("twins beyond the bounds");
        } else if ids.len() > 1 && hidden {
            self.count("twins of what was moved away before a restore");
        } else if ids.len() > 1 {
            let ids = ids.join(", ");
            self.violate(
                "I3",
                format!("{side}: {ids} are all counterparts of {source}"),
            );
        }
    }

    /// Counts a change for I7. What an undo writes is asked for by its person, and so is what follows from it.
    pub fn count_write(&mut self, side: Side, at: usize, key: &FieldKey) {
        let undoing = self.told.undoing;
        let now = self.now;
        let record = &mut self.side.get_mut(side).records[at];
        let writes = match undoing {
            true => &mut record.writes.people,
            false => &mut record.writes.engine,
        };
        *writes.entry(key.clone()).or_default() += 1;
        if undoing {
            record.typed.insert(key.clone(), now);
        }
    }

    /// I9 too: what boardsync itself removed is nobody's delete, so nothing follows for the counterpart.
    pub fn judge_removal(&mut self, side: Side, at: usize, delivery: Delivery) {
        let twins = self.twins(side, at);
        let removed = |twin: &usize| self.told.removed.contains(&(side.other(), *twin));
        if twins.is_empty() || !twins.iter().all(removed) || self.told.undoing {
            return;
        }
        if delivery != Delivery::Now || self.counts.contains_key("database put back") {
            self.count("written after its counterpart was removed");
            return;
        }
        let id = self.side.get(side).records[at].id.clone();
        let what =
            format!("{side} {id}: written although boardsync itself removed its counterpart");
        self.violate("I9", what);
    }

    /// I1, I2, I7: what the write replaced. `change`: what it asked for, where it is not one tag.
    pub fn judge_update(
        &mut self,
        side: Side,
        at: usize,
        before: &BTreeMap<FieldKey, FieldValue>,
        after: &BTreeMap<FieldKey, FieldValue>,
        delivery: Delivery,
        change: Option<&Change>,
    ) {
        self.judge_removal(side, at, delivery);
        for kind in kinds().iter().copied() {
            let key = kind.key();
            // What a rule of the process changes in the same save is somebody else's edit, and counted as one.
            let asked = change.is_none_or(|change| change.set.contains_key(&key));
            let (Some(old), Some(new)) = (before.get(&key), after.get(&key)) else {
                continue;
            };
            if old == new {
                continue;
            }
            let half = delivery == Delivery::Step && key == FieldKey::State;
            if key == FieldKey::State && side == Side::ClickUp && delivery == Delivery::Now {
                self.judge_carried(at, new);
            }
            let counts = matches!(delivery, Delivery::Now | Delivery::Partial | Delivery::Step);
            if (counts || delivery == Delivery::Further) && self.told.undoing {
                self.judge_undo(side, at, &key, old, new);
            }
            self.judge_apart(side, at, kind, (old, new), delivery);
            // Of the engine's own a late one is no echo, but what an undo brings late is still what its person asked for.
            let wanted_late = delivery == Delivery::Late && self.told.undoing;
            if (counts || wanted_late) && !half && asked {
                self.count_write(side, at, &key);
            }
            self.judge_loss(side, at, kind, old, new, delivery);
            self.judge_return(side, at, kind, (old, new), delivery);
            let (held, holds) = (kind.pieces(old), kind.pieces(new));
            let only = |one: &BTreeSet<String>, other: &BTreeSet<String>| -> Vec<String> {
                one.difference(other).cloned().collect()
            };
            // What a rule wrote over, nobody here did: whoever sets that again has taken the rule's edit back.
            if asked {
                self.note_replaced(side, at, kind, &only(&held, &holds));
            }
            if !half {
                self.note_set_again(side, at, kind, &only(&holds, &held));
            }
            self.judge_rendering(side, at, kind, old, new);
            let made = (new.clone(), self.now, self.told.run);
            self.told.ours.insert((side, at, key.clone()), made);
            match asked {
                true => self.told.by_rule.remove(&(side, at, key.clone())),
                false => self.told.by_rule.insert((side, at, key.clone())),
            };
            let record = &mut self.side.get_mut(side).records[at];
            for piece in kind.pieces(new).difference(&kind.pieces(old)) {
                record.authored.remove(&(key.clone(), piece.clone()));
            }
        }
        let record = &self.side.get(side).records[at];
        // `read.1` is 0 where no direct read was ever answered.
        let gap = self.sent - record.read.1;
        if side == Side::ClickUp && delivery == Delivery::Now && gap > GAP && !self.jumped {
            let id = record.id.clone();
            self.violate(
                "I2",
                format!("{side} {id}: written {gap} ms after it was read"),
            );
        }
    }

    /// What a person had typed already when our write set it: it is ours as well from then on, for only what is typed
    /// after the write is typed again.
    pub fn judge_same(
        &mut self,
        side: Side,
        at: usize,
        change: &Change,
        before: &BTreeMap<FieldKey, FieldValue>,
        after: &BTreeMap<FieldKey, FieldValue>,
    ) {
        for (key, wanted) in &change.set {
            let there = before.get(key);
            let Some(kind) = kind(key).filter(|_| there == after.get(key)) else {
                continue;
            };
            let wanted = kind.stored(side, wanted.clone());
            if there == Some(&wanted) {
                let made = (wanted, self.now, self.told.run);
                self.told.ours.insert((side, at, key.clone()), made);
            }
        }
    }

    /// I1 too: a part that nobody touched keeps what only this side can hold. Where a conflict was decided the other
    /// side's rendering may come with its words.
    fn judge_rendering(
        &mut self,
        side: Side,
        at: usize,
        kind: &dyn Kind,
        old: &FieldValue,
        new: &FieldValue,
    ) {
        let (kept, words) = (kind.fine(new), kind.pieces(new));
        for (part, plain) in kind.fine(old) {
            if kept.contains_key(&part) || !words.contains(&plain) {
                continue;
            }
            if self.logged(side, at, kind, &plain, i64::MIN) {
                self.count("rendering lost in a conflict");
                continue;
            }
            let id = self.side.get(side).records[at].id.clone();
            let key = kind.key();
            let what = format!("{side} {id}: {key} \"{part}\" is written as \"{plain}\"");
            self.violate("I1", what);
        }
    }

    fn judge_loss(
        &mut self,
        side: Side,
        at: usize,
        kind: &dyn Kind,
        old: &FieldValue,
        new: &FieldValue,
        delivery: Delivery,
    ) {
        let kept = kind.pieces(new);
        let record = &self.side.get(side).records[at];
        let lost: Vec<(String, i64)> = kind
            .pieces(old)
            .difference(&kept)
            .filter_map(|piece| {
                let since = record.authored.get(&(kind.key(), piece.clone()))?;
                Some((piece.clone(), *since))
            })
            .collect();
        for (piece, since) in lost {
            // What we had written over, and somebody set again; and what somebody set in the place of ours. The other side's value
            // and a conflict of before say nothing of that.
            let replaced = (side, at, kind.key(), piece.clone());
            let again = self
                .told
                .replaced
                .get(&replaced)
                .is_some_and(|at| *at <= since);
            let over_ours = self.set_over_ours(side, at, kind, (&piece, since));
            let from = match again {
                true => since,
                false => over_ours.unwrap_or(i64::MIN),
            };
            if self.seen(side, at, kind, &piece, from) || self.logged(side, at, kind, &piece, from)
            {
                continue;
            }
            let read = self.side.get(side).records[at].read.0;
            let id = self.side.get(side).records[at].id.clone();
            let key = kind.key();
            let part = (id.clone(), key.clone(), piece.clone());
            if delivery == Delivery::Late && self.told.put_back.contains(&part) {
                // It was in the log before the request was sent. A person put the database back while that was under way.
                self.count("log put back under a request");
                continue;
            }
            if self.given_up(side, at, &key, &piece, since) {
                self.count("given up by a later choice");
                continue;
            }
            if self
                .told
                .cut
                .iter()
                .any(|cut| cut.is(side, at, &part, self.now))
            {
                continue;
            }
            let record = &self.side.get(side).records[at];
            let first = record.past[0].values.get(&key);
            let filled_in = first.is_some_and(|v| kind.pieces(v).contains(&piece));
            if record.source.is_some() && filled_in && over_ours.is_none() {
                // The service filled it in when the engine made the item; set back to that, an edit leaves no trace. Where the
                // engine has written something else since, it does.
                self.count("set back");
                continue;
            }
            match (side, delivery) {
                (Side::ClickUp, Delivery::Late | Delivery::Again) => self.count("I2 late"),
                (Side::ClickUp, _) if since >= read => self.count("I2 window"),
                _ => self.violate(
                    "I1",
                    format!("{side} {id}: {key} \"{piece}\" of a person is overwritten"),
                ),
            }
        }
    }

    /// Since when the other side must have held what somebody set here in the place of what the engine had made of a field that
    /// is taken whole: since then, where that had stood here all the time; else since the engine made it. `None`: the engine did not make it,
    /// or that has what is set. Who edits a set or a text has kept the rest of ours.
    fn set_over_ours(
        &self,
        side: Side,
        at: usize,
        kind: &dyn Kind,
        (piece, since): (&str, i64),
    ) -> Option<i64> {
        let key = kind.key();
        let service = self.side.get(side);
        let (ours, made, _) = self.told.ours.get(&(side, at, key.clone()))?;
        // What a rule made of it is the rule's edit, which whoever sets the old value again takes back.
        if self.told.by_rule.contains(&(side, at, key.clone())) {
            return None;
        }
        if !key.kind_of([ours]).is_whole() || *made > since || kind.pieces(ours).contains(piece) {
            return None;
        }
        let changed = |state: &State| state.changed - service.skew;
        let before = service.records[at].past.iter().rev();
        let before = before.filter(|state| changed(state) < since);
        let stood = before.take_while(|state| state.values.get(&key) == Some(ours));
        let stood = stood.last().is_some_and(|first| changed(first) <= *made);
        Some(if stood { since } else { *made })
    }

    /// Whether the other side held what this part stands for, at any time since `from`.
    fn seen(&self, side: Side, at: usize, kind: &dyn Kind, piece: &str, from: i64) -> bool {
        let other = self.side.get(side.other());
        self.twins_and_copies(side, at).into_iter().any(|twin| {
            let past = &other.records[twin].past;
            past.iter().enumerate().any(|(n, state)| {
                let value = state.values.get(&kind.key());
                let ended = past.get(n + 1).map(|next| next.changed - other.skew);
                ended.is_none_or(|ended| ended >= from)
                    && value.is_some_and(|value| kind.images(side.other(), value).contains(piece))
            })
        })
    }

    /// Whether the stored conflicts hold it: those that are open, or that were recorded since `from`.
    pub fn logged(&self, side: Side, at: usize, kind: &dyn Kind, piece: &str, from: i64) -> bool {
        let Some(engine) = self.engine.upgrade() else {
            return false;
        };
        // Held only inside a transaction, and nothing is delivered there.
        let Ok(store) = engine.store.try_lock() else {
            return false;
        };
        let id = &self.side.get(side).records[at].id;
        let rows = store.conflicts(false).unwrap_or_default();
        rows.iter().any(|row| {
            let (item, value) = (row.record.items.get(side), row.record.now.get(side));
            let recorded = self.told.conflicts.get(&row.id);
            let counts = row.resolved_at.is_none() || recorded.is_none_or(|at| *at >= from);
            counts
                && item == id
                && row.record.field == kind.key()
                && kind.pieces(value).contains(piece)
        })
    }

    /// Whether a choice that is being carried out replaces this part, which an earlier choice in the same conflict had put
    /// there: its person was told of both, and saw the part there. What was typed after that look is a loss.
    ///
    /// Example: Ana settles a conflict of two titles by a third one. Azure DevOps takes it and ClickUp keeps its own, so
    /// only the work item ever has it. Then Ben takes the first title after all.
    fn given_up(&self, side: Side, at: usize, key: &FieldKey, piece: &str, since: i64) -> bool {
        let part = (side, at, key.clone(), piece.to_owned());
        let Some((read, conflict)) = self.told.given_up.get(&part) else {
            return false;
        };
        let carried_out = || {
            let engine = self.engine.upgrade()?;
            // Held only inside a transaction, and nothing is delivered there.
            let store = engine.store.try_lock().ok()?;
            let link = store.conflict(*conflict).ok()??.record.link;
            let choices = store.choices(link).ok()?;
            Some(choices.iter().any(|choice| choice.conflict == *conflict))
        };
        since < *read && carried_out().unwrap_or(false)
    }

    /// I9: only on a real delete of the counterpart, only where it is asked for, and never over an edit.
    pub fn judge_delete(&mut self, side: Side, at: usize, delivery: Delivery) {
        self.judge_removal(side, at, delivery);
        if delivery != Delivery::Now {
            // No service tests a version here, so what happens on the way is the window of I2.
            self.count("I2 late");
            return;
        }
        let record = self.side.get(side).records[at].clone();
        if self.setup.on_delete != super::script::Deleting::Delete {
            self.violate(
                "I9",
                format!("{side} {}: deleted although deletes are not on", record.id),
            );
        }
        let others = &self.side.get(side.other()).records;
        let twins = self.twins(side, at);
        let skew = self.side.get(side.other()).skew;
        let gone = |twin: &usize| {
            let now = others[*twin].now();
            // Restored after the engine had read it, within the cycle.
            now.deleted || others[*twin].ever_deleted && now.changed - skew >= self.began
        };
        if !twins.iter().any(gone) {
            self.violate(
                "I9",
                format!("{side} {}: deleted, its counterpart is not", record.id),
            );
        }
        for kind in kinds().iter().copied() {
            // Further people beside the lead are no edit of the pair.
            if side == Side::ClickUp && kind.of_one() {
                continue;
            }
            let Some(value) = record.now().values.get(&kind.key()) else {
                continue;
            };
            // Edited before its create was found, and not synced any more when the counterpart was deleted: nothing was ever
            // compared.
            let lost = ["page", "page after effect", "unanswered", "crash"];
            let lost = lost.iter().any(|word| self.counts.contains_key(word));
            if lost && self.told.off.contains(&kind.key()) {
                self.count("I9 not compared");
                continue;
            }
            if self.never_synced(side, at, &kind.key()) {
                self.count("I9 not synced");
                continue;
            }
            for piece in kind.pieces(value) {
                let authored = record.authored.get(&(kind.key(), piece.clone()));
                let unseen = !self.seen(side, at, kind, &piece, i64::MIN)
                    && !self.logged(side, at, kind, &piece, i64::MIN);
                if unseen && authored.is_some_and(|since| *since < record.read.0) {
                    let key = kind.key();
                    self.violate(
                        "I9",
                        format!("{side} {}: deleted over an edit of {key}", record.id),
                    );
                }
            }
        }
    }

    /// Whether the configuration left a field out all the time since an item and its counterparts were linked: what is no
    /// part of the sync stops no delete, as a comment stops none, and there never was a base that could show an edit.
    fn never_synced(&self, side: Side, at: usize, key: &FieldKey) -> bool {
        let told = &self.told;
        let since = told.off_since.get(key).filter(|_| told.off.contains(key));
        let twins = self.twins(side, at);
        let others = self.side.get(side.other());
        let made = twins.iter().map(|twin| &others.records[*twin]);
        let made = made.map(|record| record.created - others.skew);
        let own = self.side.get(side);
        let made = made.chain([own.records[at].created - own.skew]);
        // The younger of the two is the counterpart, and they were linked no earlier than it was made.
        since.is_some_and(|since| made.max().is_some_and(|made| made >= *since))
    }
}
