//! The judge of scope: nothing that lies outside its pair is deleted, or closed because its counterpart was deleted.

use super::world::{Delivery, LAG, LONG_LAG, World};
use boardsync::connector::Change;
use boardsync::model::{FieldKey, ItemId, Side};

impl World {
    /// I23, before a write of the engine takes effect; `change`: `None` for a delete. A person may move the item between the
    /// read and the write, which no service tests; then nothing was known of it.
    ///
    /// Nor is a write a close whose counterpart was there when the cycle began and is deleted in the middle of it: a task
    /// counts as deleted after two reads, some minutes apart, and what is written to a task beside its status is an edit.
    pub fn judge_scope(
        &mut self,
        side: Side,
        at: usize,
        (pair, change): (usize, Option<&Change>),
        delivery: Delivery,
    ) {
        if delivery != Delivery::Now {
            return;
        }
        let other = self.side.get(side.other());
        let others = &other.records;
        let twins = self.twins(side, at);
        let service = self.side.get(side);
        let record = &service.records[at];
        let left = record.past.iter().rev();
        let outside = left.take_while(|state| !state.in_scope || state.pair != pair);
        let outside = outside.last();
        let Some(outside) = outside else { return };
        let known = outside.changed - service.skew < record.read.0;
        let edits = change.is_some_and(|change| {
            let state = |key: &FieldKey| *key == FieldKey::State;
            side == Side::Ado || !change.set.keys().all(state)
        });
        let gone = !twins.is_empty()
            && twins.iter().all(|twin| {
                let now = others[*twin].now();
                now.deleted && !(edits && now.changed - other.skew >= self.began)
            });
        let id = record.id.clone();
        if known && change.is_none() {
            let what = format!("{side} {id}: deleted outside the scope");
            self.violate("I23", what);
        } else if known && gone {
            let what =
                format!("{side} {id}: written outside the scope, its counterpart was deleted");
            self.violate("I23", what);
        }
    }

    /// I23, when an item is made: what it is made for was in the pair when the engine looked. A listing may lag.
    pub fn judge_source(&mut self, side: Side, source: &ItemId, pair: usize) {
        let service = self.side.get(side);
        let Some(record) = service.find(source).map(|at| &service.records[at]) else {
            return;
        };
        let left = record.past.iter().rev();
        let outside = left.take_while(|state| !state.in_scope || state.pair != pair);
        let Some(outside) = outside.last() else {
            return;
        };
        // An index that lags for longer than it may shows what left the pair as if it were in it, and nothing else does. It
        // sees versions in order, so a late edit holds up the one by which the item left.
        let late = outside.indexed - (outside.changed - service.skew);
        if self.setup.unbounded && late > LAG {
            return;
        }
        let lag = if self.setup.unbounded { LONG_LAG } else { LAG };
        // A work item's place does not tell whether it meets the pair's condition: only the listing does.
        let now = record.now();
        let placed = side == Side::ClickUp || now.in_scope && now.pair != pair;
        let looked = match placed && record.read.1 >= self.began {
            true => record.read.0,
            false => self.began - lag,
        };
        if outside.changed - service.skew < looked {
            let what =
                format!("{side} {source}: gets a counterpart in pair {pair}, which it had left");
            self.violate("I23", what);
        }
    }
}
