//! The judge of scope: nothing that lies outside its pair is deleted, or closed because its counterpart was deleted.

use super::world::{Delivery, World};
use boardsync::model::Side;

impl World {
    /// I23, before a write of the engine takes effect. A person may move the item between the read and the write, which no
    /// service tests; then nothing was known of it.
    pub fn judge_scope(&mut self, side: Side, at: usize, delivery: Delivery) {
        if delivery != Delivery::Now {
            return;
        }
        let others = &self.side.get(side.other()).records;
        let twins = self.twins(side, at);
        let service = self.side.get(side);
        let record = &service.records[at];
        let left = record.past.iter().rev();
        let outside = left.take_while(|state| !state.in_scope).last();
        let Some(outside) = outside else { return };
        let known = outside.changed - service.skew <= record.read.0;
        let gone = !twins.is_empty() && twins.iter().all(|twin| others[*twin].now().deleted);
        if known && gone {
            let id = record.id.clone();
            self.violate(
                "I23",
                format!("{side} {id}: written outside the scope, its counterpart was deleted"),
            );
        }
    }
}
