//! The judge of scope: nothing that lies outside its pair is deleted, or closed because its counterpart was deleted.

use super::world::{Delivery, LAG, LONG_LAG, World};
use boardsync::model::{ItemId, Side};

impl World {
    /// I23, before a write of the engine takes effect. A person may move the item between the read and the write, which no
    /// service tests; then nothing was known of it.
    pub fn judge_scope(
        &mut self,
        side: Side,
        at: usize,
        (pair, deletes): (usize, bool),
        delivery: Delivery,
    ) {
        if delivery != Delivery::Now {
            return;
        }
        let others = &self.side.get(side.other()).records;
        let twins = self.twins(side, at);
        let service = self.side.get(side);
        let record = &service.records[at];
        let left = record.past.iter().rev();
        let outside = left.take_while(|state| !state.in_scope || state.pair != pair);
        let outside = outside.last();
        let Some(outside) = outside else { return };
        let known = outside.changed - service.skew < record.read.0;
        let gone = !twins.is_empty() && twins.iter().all(|twin| others[*twin].now().deleted);
        let id = record.id.clone();
        if known && deletes {
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
        // An index that lags for longer than it may shows what left the pair as if it were in it, and nothing else does.
        if self.setup.unbounded && self.lag(side, source, outside.version) > LAG {
            return;
        }
        let lag = if self.setup.unbounded { LONG_LAG } else { LAG };
        let looked = match record.read.1 >= self.began {
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
