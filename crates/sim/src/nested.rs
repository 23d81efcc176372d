//! Tasks below tasks. ClickUp deletes them along with the one that they are under, and Azure DevOps knows nothing like it.

use super::world::{Delivery, World};
use boardsync::model::{ItemId, Side};
use std::collections::BTreeSet;

impl World {
    /// A task becomes a subtask of another one in its list, where that makes no circle.
    pub fn nest(&mut self, item: u32, under: u32) {
        let records = &self.side.clickup.records;
        let at = |n: u32| (n as usize).checked_rem(records.len());
        let (Some(child), Some(parent)) = (at(item), at(under)) else {
            return;
        };
        let lives = |at: usize| !records[at].now().deleted && records[at].now().in_scope;
        let circle = child == parent || self.below(Side::ClickUp, child).contains(&parent);
        if circle
            || !lives(child)
            || !lives(parent)
            || records[child].pair() != records[parent].pair()
        {
            return;
        }
        let (id, of) = (records[child].id.clone(), records[parent].id.clone());
        self.side.clickup.records[child].parent = Some(of.clone());
        self.count("subtask");
        self.say(|| format!("ClickUp {id}: person makes it a subtask of {of}"));
    }

    /// The living records that are anywhere below one.
    pub fn below(&self, side: Side, at: usize) -> Vec<usize> {
        let records = &self.side.get(side).records;
        let mut below = Vec::new();
        let mut open = vec![at];
        while let Some(at) = open.pop() {
            let of = &records[at].id;
            let children = records.iter().enumerate();
            let children = children.filter(|(_, child)| child.parent.as_ref() == Some(of));
            let living = children.filter(|(at, child)| !child.now().deleted && !below.contains(at));
            let living: Vec<usize> = living.map(|(at, _)| at).collect();
            open.extend(&living);
            below.extend(living);
        }
        below
    }

    /// What a service says of that: one level.
    pub fn children_that_go(&self, side: Side, id: &ItemId) -> BTreeSet<ItemId> {
        let records = self.side.get(side).records.iter();
        let children = records.filter(|child| child.parent.as_ref() == Some(id));
        let living = children.filter(|child| !child.now().deleted);
        living.map(|child| child.id.clone()).collect()
    }

    /// I9: what the engine deletes takes nothing along. A request that comes late may find what was not there when it was sent.
    pub fn take_along(&mut self, side: Side, at: usize, delivery: Delivery) {
        for child in self.below(side, at) {
            let records = &self.side.get(side).records;
            let (id, of) = (records[child].id.clone(), records[at].id.clone());
            self.change(side, child, |state| {
                (state.deleted, state.by_engine) = (true, true);
            });
            self.side.get_mut(side).records[child].ever_deleted = true;
            match delivery {
                Delivery::Now => {
                    let what = format!(
                        "{side} {id}: deleted along with {of}, and nobody deleted its counterpart"
                    );
                    self.violate("I9", what);
                }
                _ => self.count("I9 late"),
            }
        }
    }
}
