//! What is known of where an unlinked item came from. What follows from it is decided in [`crate::reconcile::origin`].

use super::{Focus, Observed};
use crate::connector::Fetched;
use crate::engine::{CycleError, Engine};
use crate::marker;
use crate::model::{Item, ItemId, PairName, Side, Sided};
use crate::reason::{CreateWhy, HoldWhy};
use crate::reconcile::Origin;
use crate::reconcile::origin::{
    self, Facts, Mark, NamedBy, OpenCreate, Place, Standing, Tie, origin_of_named,
};
use crate::store::{Intent, LinkRow, LinkState, Store, StoreError};
use std::collections::{BTreeMap, BTreeSet};

/// Items that the marker of an unlinked one names and that were deleted, by their side, with the evidence.
#[derive(Debug, Default)]
pub struct Deleted(Sided<BTreeMap<ItemId, String>>);

impl Deleted {
    /// The origin of an item of a side, by what became of the item that its marker names.
    pub(crate) fn judge(&self, side: Side, origin: Origin) -> Origin {
        let evidence = match &origin {
            Origin::Counterpart { of, .. } => self.0.get(side.other()).get(of),
            Origin::Former { .. }
            | Origin::Alone { .. }
            | Origin::Held(_)
            | Origin::Person
            | Origin::Tombstone => None,
        };
        origin::beside_deleted(origin, evidence)
    }
}

/// What the pairs of a cycle say about each other's unlinked items.
#[derive(Debug, Default)]
pub(super) struct Named {
    /// Items that a valid marker names, with the item that carries it and the pair where that is; `None`: in none that is
    /// looked at. Example: a listing that lags shows it where it was before somebody moved it.
    by_marker: Sided<BTreeMap<ItemId, (Option<PairName>, ItemId)>>,
    /// Items that a marker named when its carrier was last looked at, with that carrier, which cannot be read now.
    by_unread: Sided<BTreeMap<ItemId, ItemId>>,
    /// The pairs that list an item in this cycle.
    listed: Sided<BTreeMap<ItemId, BTreeSet<PairName>>>,
}

impl Named {
    /// Returns the origin of an item that carries no marker itself.
    pub(super) fn origin(&self, pair: &PairName, side: Side, id: &ItemId) -> Origin {
        let by_marker = self.by_marker.get(side).get(id);
        let by = NamedBy {
            carrier: by_marker.map(|(at, by)| (at.as_ref(), by)),
            unread: self.by_unread.get(side).get(id),
        };
        origin_of_named(pair, side, by)
    }

    /// Adds an item that the marker of `by` names, which cannot be read.
    pub(super) fn add_unread(&mut self, side: Side, id: &ItemId, by: &ItemId) {
        self.by_unread.get_mut(side).insert(id.clone(), by.clone());
    }

    /// What tells whether an item that is not linked is in a pair. `swept`: the pair was listed in full.
    pub(super) fn place(
        &self,
        (pair, swept): (&PairName, bool),
        side: Side,
        item: &Item,
        covers: Option<bool>,
    ) -> Place {
        let listed = self.listed.get(side).get(&item.id);
        Place {
            covers,
            listed: listed.map(|listed| listed.contains(pair)),
            swept,
        }
    }

    /// Whether this pair lists it in this cycle.
    pub(super) fn lists(&self, pair: &PairName, side: Side, id: &ItemId) -> bool {
        let listed = self.listed.get(side).get(id);
        listed.is_some_and(|listed| listed.contains(pair))
    }
}

impl Engine {
    /// Collects what the markers of all unlinked items of this cycle name, and which pairs list them.
    pub(super) fn named(&self, focus: &BTreeMap<PairName, Focus>, observed: &Observed) -> Named {
        let mut named = Named::default();
        for (pair, focus) in focus {
            for side in Side::BOTH {
                for id in focus.fresh.get(side).keys() {
                    if focus.listed.get(side).contains(id) {
                        let listed = named.listed.get_mut(side).entry(id.clone());
                        listed.or_default().insert(pair.clone());
                    }
                }
            }
        }
        for (pair, focus) in focus {
            for side in Side::BOTH {
                for id in focus.fresh.get(side).keys() {
                    let Some(item) = observed.items.get(side).get(id) else {
                        continue;
                    };
                    let covers = self.readers.get(side).covers(pair, item);
                    let place = named.place((pair, focus.swept), side, item, covers);
                    let left = place.has_left();
                    for name in self.names(side, item) {
                        let names = named.by_marker.get_mut(side.other());
                        match left {
                            true => {
                                names.entry(name).or_insert((None, id.clone()));
                            }
                            false => {
                                names.insert(name, (Some(pair.clone()), id.clone()));
                            }
                        }
                    }
                }
            }
        }
        named
    }

    /// Reads the items that markers of unlinked items name and that nothing has shown (`items`), and returns those that were
    /// deleted. Mostly there is nothing to read: the database knows the links, and where it was lost, the listings show both
    /// sides. `unlinked` holds the ids of each pair.
    ///
    /// # Errors
    /// A side that cannot be read, or the database.
    pub(crate) async fn deleted<'a>(
        &self,
        unlinked: impl IntoIterator<Item = (&'a PairName, Side, &'a ItemId)>,
        items: &Sided<BTreeMap<ItemId, Item>>,
    ) -> Result<Deleted, CycleError> {
        let mut wanted: Sided<BTreeSet<ItemId>> = Sided::default();
        {
            let store = self.store();
            for (pair, side, id) in unlinked {
                let item = items.get(side).get(id);
                let Some(item) = item.filter(|item| !item.markers.is_empty()) else {
                    continue;
                };
                if let Origin::Counterpart { of, .. } = self.origin(&store, pair, side, item)?
                    && !items.get(side.other()).contains_key(&of)
                {
                    wanted.get_mut(side.other()).insert(of);
                }
            }
        }
        let mut deleted = Deleted::default();
        for (side, wanted) in wanted.iter().filter(|(_, wanted)| !wanted.is_empty()) {
            let read = self.readers.get(side).fetch_items(wanted).await?;
            let gone = read.into_iter().filter_map(|(id, fetched)| match fetched {
                Fetched::Gone { evidence } => Some((id, evidence)),
                Fetched::Seen(_) | Fetched::Unclear { .. } => None,
            });
            deleted.0.get_mut(side).extend(gone);
        }
        Ok(deleted)
    }

    /// Says where an unlinked item came from.
    pub(crate) fn origin(
        &self,
        store: &Store,
        pair: &PairName,
        side: Side,
        item: &Item,
    ) -> Result<Origin, StoreError> {
        let intents = store.open_intents()?;
        let creates = intents
            .iter()
            .map(|intent| open_create(store, intent, item));
        let creates = creates.collect::<Result<_, _>>()?;
        let mut rows = store.find_item(&item.id)?;
        rows.retain(|link| *link.item(side) == item.id);
        rows.sort_by_key(|link| link.id);
        let marks = item.markers.iter();
        let marks = marks.map(|text| self.mark(store, side, text));
        Ok(origin::origin(&Facts {
            pair,
            side,
            item,
            creates,
            ties: rows.iter().map(|link| tie(link, side)).collect(),
            marks: marks.collect::<Result<_, _>>()?,
        }))
    }

    /// Looks up what a marker on an item of a side says.
    fn mark(&self, store: &Store, side: Side, text: &str) -> Result<Mark, StoreError> {
        let Some(marker) = marker::verify(&self.key, text) else {
            return Ok(Mark::Strangers);
        };
        let of_source = store.find_item(&marker.id)?;
        let of_source = of_source
            .iter()
            .filter(|link| marker.side != side && *link.item(marker.side) == marker.id);
        Ok(Mark::Ours {
            ties: of_source.map(|link| tie(link, marker.side)).collect(),
            has_pair: self.policy(&marker.pair).is_some(),
            marker,
        })
    }
}

/// An open create, as a new item sees it. Whether it is stuck counts only for one that carries a marker.
fn open_create<'a>(
    store: &Store,
    intent: &'a Intent,
    item: &Item,
) -> Result<OpenCreate<'a>, StoreError> {
    let holds = match item.markers.is_empty() {
        true => Vec::new(),
        false => store.holds_of(&intent.pair, intent.source_side, &intent.source)?,
    };
    // The search for what it made comes before this look, and says there what it needs a person for.
    let needs = |why: &HoldWhy| match why {
        HoldWhy::Create(why) => *why != CreateWhy::PlannedAgain,
        _ => false,
    };
    let stuck = holds.iter().any(|hold| needs(&hold.why));
    Ok(OpenCreate {
        pair: &intent.pair,
        side: intent.source_side,
        item: &intent.source,
        sent: intent.last_sent.unwrap_or(intent.opened_at),
        server_t0: intent.server_t0,
        fields: &intent.source_fields,
        generation: intent.generation,
        stuck,
    })
}

/// A link as its item on one side sees it.
fn tie(link: &LinkRow, side: Side) -> Tie {
    Tie {
        pair: link.pair.clone(),
        counterpart: link.item(side.other()).clone(),
        generation: link.generation,
        standing: match &link.state {
            LinkState::Tombstone { why } => {
                let deleted = why.deleted_in();
                deleted.map_or(Standing::Ended, Standing::Deleted)
            }
            LinkState::Active | LinkState::OutOfScope | LinkState::Missing { .. } => {
                Standing::Living
            }
        },
    }
}
