//! Items below items. ClickUp deletes them along with the one that they are under, and Azure DevOps knows nothing like it.

use super::world::{Delivery, Record, World};
use boardsync::connector::NewItem;
use boardsync::model::{ItemId, Side};
use std::collections::BTreeSet;

impl Record {
    /// Puts it under another item.
    pub fn stands_under(&mut self, parent: ItemId) {
        self.parents.insert(parent.clone());
        self.parent = Some(parent);
    }
}

impl World {
    /// An item comes to stand under another one of its pair, where that makes no circle.
    pub fn nest(&mut self, side: Side, item: u32, under: u32) {
        let records = &self.side.get(side).records;
        let at = |n: u32| (n as usize).checked_rem(records.len());
        let (Some(child), Some(parent)) = (at(item), at(under)) else {
            return;
        };
        let lives = |at: usize| !records[at].now().deleted && records[at].now().in_scope;
        let circle = child == parent || self.below(side, child).contains(&parent);
        if circle
            || !lives(child)
            || !lives(parent)
            || records[child].pair() != records[parent].pair()
        {
            return;
        }
        let (id, of) = (records[child].id.clone(), records[parent].id.clone());
        self.side.get_mut(side).records[child].stands_under(of.clone());
        self.count(match side {
            Side::Ado => "child of a work item",
            Side::ClickUp => "subtask",
        });
        self.say(|| format!("{side} {id}: person puts it under {of}"));
    }

    /// A new item may stand only under the counterpart of an item that its source stands under, or stood: the look at the source may
    /// be an old one.
    pub fn judge_place(&mut self, side: Side, new: &NewItem) {
        let Some(parent) = &new.parent else {
            return;
        };
        self.count("made below");
        let sources = self.side.get(side.other());
        let source = sources.find(&new.source).map(|at| &sources.records[at]);
        let stood: BTreeSet<&ItemId> = source.iter().flat_map(|record| &record.parents).collect();
        let own = self.side.get(side);
        let made_for = own
            .find(parent)
            .and_then(|at| own.records[at].source.as_ref());
        let made_of = sources.records.iter();
        let made_of = made_of.filter(|record| record.source.as_ref() == Some(parent));
        let counterparts: BTreeSet<&ItemId> =
            made_of.map(|made| &made.id).chain(made_for).collect();
        // Of two that somebody linked by hand neither was made for the other.
        if !counterparts.is_empty() && counterparts.is_disjoint(&stood) {
            let what = format!("{side}: the item for {} is made under {parent}", new.source);
            self.violate("I23", what);
        }
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

    /// What a service says of the items that it would delete along with one: one level.
    pub fn children_that_go(&self, side: Side, id: &ItemId) -> BTreeSet<ItemId> {
        if side == Side::Ado {
            return BTreeSet::new();
        }
        let records = self.side.get(side).records.iter();
        let children = records.filter(|child| child.parent.as_ref() == Some(id));
        let living = children.filter(|child| !child.now().deleted);
        living.map(|child| child.id.clone()).collect()
    }

    /// I9: what the engine deletes takes nothing along. A request that comes late may find what was not there when it was sent.
    pub fn take_along(&mut self, side: Side, at: usize, delivery: Delivery) {
        if side == Side::Ado {
            return;
        }
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
