//! The core: what two systems of record look like goes in, a plan comes out.
//!
//! Pure. The same view and policy give the same plan, whatever the order of the rows, so a plan can be shown to a
//! person today and carried out tomorrow, and a simulator can judge it.

pub mod choice;
pub mod closing;
mod complete;
pub mod doubt;
pub mod drift;
mod fresh;
pub mod guard;
pub mod identity;
mod left_out;
mod linked;
pub mod merge;
pub mod noise;
mod order;
pub mod origin;
pub mod owing;
pub mod plan;
pub mod policy;
pub mod presence;
pub mod rails;
pub mod settle;
pub mod transit;
pub mod trial;
pub mod undo;

use crate::marker;
use crate::model::{BaseState, FieldKey, FieldValue, Item, ItemId, LinkId, Side, Sided};
use crate::reason::{HoldWhy, ReadWhy};
use choice::Chosen;
use plan::{PairPlan, Plan};
use policy::Policy;
use std::collections::{BTreeMap, BTreeSet};

/// What is known of one pair at the start of a plan.
#[derive(Clone, Debug, Default)]
pub struct View {
    /// Linked items that were looked at.
    pub links: Vec<LinkView>,
    /// Items in scope that belong to no link.
    pub fresh: Sided<Vec<FreshItem>>,
    /// Number of live links in the pair, looked at or not: what the guard's shares refer to.
    pub total_links: u64,
    /// Number of stored bases of the pair: what the share of [`noise`] refers to.
    pub bases: u64,
    /// How many bases of each side moved by reading alone.
    pub noise: Sided<usize>,
    /// Those bases as they are now; the links have them already.
    pub reread: Vec<plan::Rebase>,
}

/// One linked pair of items.
#[derive(Clone, Debug)]
pub struct LinkView {
    /// The link.
    pub link: LinkId,
    /// Ids of both items.
    pub items: Sided<ItemId>,
    /// The twin base: what each side had when they last agreed.
    pub base: BTreeMap<FieldKey, Sided<FieldValue>>,
    /// Halves of it that count as changed whatever their side shows ([`BaseState::Doubted`]).
    pub doubted: BTreeSet<(FieldKey, Side)>,
    /// What each side is now.
    pub now: Sided<Presence>,
    /// What a person chose to settle conflicts, as far as it is not written yet.
    pub chosen: BTreeMap<FieldKey, Chosen>,
    /// Fields of which a conflict is open from before. An undo leaves such a one with bases that nothing moves.
    pub contested: BTreeSet<FieldKey>,
    /// The side whose item is gone after a request of our own to remove it, which had no answer.
    pub removed: Option<Side>,
    /// Fields of which a hold says that the answers of the look before this one left them out.
    pub left_out: BTreeSet<FieldKey>,
    /// Where one of the items was deleted: the fields of the other one that show what it showed when it was seen last.
    pub as_seen: BTreeSet<FieldKey>,
}

impl LinkView {
    /// Whether a side's value of a field counts as an edit although it may be that of the base.
    pub fn doubts(&self, key: &FieldKey, side: Side) -> bool {
        self.doubted.iter().any(|(of, on)| of == key && *on == side)
    }
}

/// The halves of a link's base that count as changed whatever their side shows.
pub fn doubted(base: &BTreeMap<FieldKey, Sided<BaseState>>) -> BTreeSet<(FieldKey, Side)> {
    let halves = base.iter().flat_map(|(key, both)| {
        let halves = both.iter().filter(|(_, half)| half.is_doubted());
        halves.map(|(side, _)| (key.clone(), side))
    });
    halves.collect()
}

/// What a direct read established.
#[derive(Clone, Debug)]
pub enum Presence {
    /// It exists and is in scope.
    Seen(Box<Item>),
    /// It exists but no longer matches the pair's filter.
    OutOfScope(Box<Item>),
    /// It was deleted, on positive evidence.
    Gone {
        /// What was seen.
        evidence: String,
    },
    /// It seems deleted, on evidence that may still turn out to be none; nothing is concluded before it was asked for again.
    Missing {
        /// What was seen.
        evidence: String,
        /// For how many ms it has still to be missed.
        left_ms: i64,
    },
    /// It could not be read; nothing is concluded.
    Unclear {
        /// What was seen.
        reason: String,
    },
}

impl Presence {
    /// Returns the item, where there is one to look at.
    pub fn item(&self) -> Option<&Item> {
        match self {
            Presence::Seen(item) | Presence::OutOfScope(item) => Some(item),
            Presence::Gone { .. } | Presence::Missing { .. } | Presence::Unclear { .. } => None,
        }
    }

    /// Why nothing is concluded of it; `None`: something is.
    pub fn doubt(&self) -> Option<ReadWhy> {
        match self {
            Presence::Missing { evidence, .. } => Some(ReadWhy::SeemsDeleted {
                evidence: evidence.clone(),
            }),
            Presence::Unclear { reason } => Some(ReadWhy::Unclear {
                said: reason.clone(),
            }),
            Presence::Seen(_) | Presence::OutOfScope(_) | Presence::Gone { .. } => None,
        }
    }
}

/// An item in scope without a link.
#[derive(Clone, Debug)]
pub struct FreshItem {
    /// The item, read by id.
    pub item: Item,
    /// What is known about where it came from.
    pub origin: Origin,
}

/// Where an unlinked item came from.
#[derive(Clone, Debug, PartialEq)]
pub enum Origin {
    /// A person made it; it has no counterpart yet.
    Person,
    /// It carries our valid marker: the counterpart of this item, made by us. Adopted, never mirrored back.
    Counterpart {
        /// The item on the other side that it was made for.
        of: ItemId,
        /// Generation of the marker.
        generation: u32,
    },
    /// It belonged to this item of the other side in another pair. Where both are unlinked in this one they are linked;
    /// else it waits, for a new counterpart would be a twin.
    Former {
        /// The item on the other side.
        of: ItemId,
    },
    /// It carries our valid marker, nothing is known of its link any more, and the item that it was made for was deleted. It
    /// stays alone, which is noted as a link that has ended: an item that is alone for no known reason would be looked for
    /// again and again.
    Alone {
        /// The item on the other side that it was made for.
        of: ItemId,
        /// What shows that it was deleted.
        evidence: String,
    },
    /// It must not be touched; the reason says why (a marker that is not ours, a create still open).
    Held(HoldWhy),
    /// Its link was dissolved on purpose; it stays alone.
    Tombstone,
}

/// Plans one pair without its rails and limits. Only [`rails::plan`] may call it: what it plans may be something that a rail
/// would hold, so nobody may carry it out, show it or count with it.
fn unrailed(view: &View, policy: &Policy) -> PairPlan {
    let mut plan = PairPlan::empty(policy.pair.clone(), policy.fingerprint.clone());
    plan.first_contact = !policy.approved;
    let mut links: Vec<&LinkView> = view.links.iter().collect();
    links.sort_by_key(|link| link.link);
    for link in links {
        linked::plan_link(link, policy, &mut plan);
    }
    linked::plan_from_below(&view.links, policy, &mut plan);
    let claimed = claims(view);
    let named = named_by_strangers(view);
    for side in Side::BOTH {
        let mut items: Vec<&FreshItem> = view
            .fresh
            .get(side)
            .iter()
            .filter(|fresh| !settled_by_counterpart(side, fresh, &claimed))
            .collect();
        items.sort_by(|a, b| natural(&a.item.id).cmp(&natural(&b.item.id)));
        for fresh in fresh::parents_first(items) {
            let by = named.get(side).get(&fresh.item.id);
            let of = counterpart(view, side, &fresh.origin);
            fresh::plan_fresh(side, fresh, of, by, policy, &mut plan);
        }
    }
    plan.reread.clone_from(&view.reread);
    plan.paused = policy.paused.values().cloned().collect();
    plan
}

/// Returns every limit that the plan or what was read exceeds.
fn guards(
    plan: &PairPlan,
    view: &View,
    policy: &Policy,
    rails: &rails::Rails,
) -> Vec<plan::Tripped> {
    let mut tripped = guard::check(plan, policy, view.total_links);
    tripped.extend(noise::check(view, policy));
    tripped.extend(rails::vanished::check(plan, view, policy, rails));
    tripped
}

/// Returns, per side, the items that an unlinked item of the other side names as its counterpart, with who names them.
fn claims(view: &View) -> Sided<BTreeMap<ItemId, ItemId>> {
    Sided::build(|side| {
        let others = view.fresh.get(side.other()).iter();
        others
            .filter_map(|fresh| {
                let of = counterpart(view, side.other(), &fresh.origin)?;
                Some((of.clone(), fresh.item.id.clone()))
            })
            .collect()
    })
}

/// Returns the item that an unlinked item is to be linked to by where it came from.
fn counterpart<'a>(view: &View, side: Side, origin: &'a Origin) -> Option<&'a ItemId> {
    match origin {
        Origin::Counterpart { of, .. } => Some(of),
        Origin::Former { of } => {
            let mut there = view.fresh.get(side.other()).iter();
            there.any(|fresh| fresh.item.id == *of).then_some(of)
        }
        Origin::Person | Origin::Tombstone | Origin::Alone { .. } | Origin::Held(_) => None,
    }
}

/// Returns, per side, the items that the marker of a held item names. With the key lost, or under a pair's former name,
/// nobody can tell whether such a marker is true, but as long as it may be, a counterpart would be a twin.
fn named_by_strangers(view: &View) -> Sided<BTreeMap<ItemId, ItemId>> {
    Sided::build(|side| {
        let held = view.fresh.get(side.other()).iter();
        held.filter(|fresh| matches!(fresh.origin, Origin::Held(_)))
            .flat_map(|fresh| {
                let markers = fresh.item.markers.iter();
                let markers = markers.filter_map(|text| marker::parse(text));
                markers.map(|marker| (marker, fresh.item.id.clone()))
            })
            .filter(|(marker, _)| marker.side == side)
            .map(|(marker, by)| (marker.id, by))
            .collect()
    })
}

/// After a lost database both halves of a pair are unlinked. The half without a marker must not be created anew, and
/// where both carry one the pair is linked once, by the ClickUp half.
fn settled_by_counterpart(
    side: Side,
    fresh: &FreshItem,
    claimed: &Sided<BTreeMap<ItemId, ItemId>>,
) -> bool {
    let Some(by) = claimed.get(side).get(&fresh.item.id) else {
        return false;
    };
    match &fresh.origin {
        Origin::Person => true,
        Origin::Counterpart { of, .. } | Origin::Former { of } => side == Side::Ado && of == by,
        Origin::Tombstone | Origin::Alone { .. } | Origin::Held(_) => false,
    }
}

/// Orders numbers as numbers: `9` before `10`, and ids that are no numbers after them.
fn natural(id: &ItemId) -> (u64, &str) {
    (id.as_str().parse().unwrap_or(u64::MAX), id.as_str())
}

/// Puts several pair plans together.
pub fn plan_of(planned_at: crate::model::Timestamp, pairs: Vec<PairPlan>) -> Plan {
    Plan {
        format_version: plan::PLAN_FORMAT,
        planned_at,
        pairs,
    }
}

#[cfg(test)]
mod tests;
