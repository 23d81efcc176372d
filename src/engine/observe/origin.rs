//! Where an unlinked item came from: by its marker, by the links that it had, by the creates that are still open.
//!
//! A valid marker of this installation names the item's counterpart whatever the pair, and so does a link that was ended
//! by hand. So two items that a person moved from one pair into another are linked there again and never mirrored a
//! second time, and one that moved alone waits for the other.

use super::{Focus, Observed};
use crate::engine::Engine;
use crate::engine::recover::PROBE_MARGIN_MS;
use crate::marker::{self, Marker};
use crate::model::{FieldKey, Item, ItemId, PairName, Side, Sided};
use crate::reason::OriginWhy;
use crate::reconcile::Origin;
use crate::store::{Intent, LinkRow, LinkState, Store, StoreError};
use std::collections::{BTreeMap, BTreeSet};

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
        if let Some((at, by)) = by_marker.filter(|(at, _)| at.as_ref() != Some(pair)) {
            return held(OriginWhy::CounterpartAway {
                side: side.other(),
                item: by.clone(),
                pair: at.clone(),
            });
        }
        match self.by_unread.get(side).get(id) {
            Some(by) => held(OriginWhy::NamedByMarker {
                side: side.other(),
                item: by.clone(),
                unread: true,
            }),
            None => Origin::Person,
        }
    }

    /// Adds an item that the marker of `by` names, which cannot be read.
    pub(super) fn add_unread(&mut self, side: Side, id: &ItemId, by: &ItemId) {
        self.by_unread.get_mut(side).insert(id.clone(), by.clone());
    }

    /// Whether an item that is not linked has left a pair: its place says so, or the listings do. Example: its create
    /// failed, and before it was tried again somebody moved it to another pair's list. `swept`: the pair was listed in full.
    pub(super) fn has_left(
        &self,
        (pair, swept): (&PairName, bool),
        side: Side,
        item: &Item,
        covers: Option<bool>,
    ) -> bool {
        let listed = self.listed.get(side).get(&item.id);
        match (covers, listed) {
            (Some(covers), _) => !covers,
            (None, Some(listed)) => !listed.contains(pair),
            (None, None) => swept,
        }
    }

    /// Whether this pair lists it in this cycle.
    pub(super) fn lists(&self, pair: &PairName, side: Side, id: &ItemId) -> bool {
        let listed = self.listed.get(side).get(id);
        listed.is_some_and(|listed| listed.contains(pair))
    }
}

fn held(why: OriginWhy) -> Origin {
    Origin::Held(why.into())
}

fn copy_or_twin(marker: &Marker, counterpart: &ItemId, linked: bool) -> Origin {
    held(OriginWhy::CopyOrTwin {
        side: marker.side,
        item: marker.id.clone(),
        counterpart: counterpart.clone(),
        linked,
    })
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
                    let left = named.has_left((pair, focus.swept), side, item, covers);
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

    /// Says where an unlinked item came from.
    pub(crate) fn origin(
        &self,
        store: &Store,
        pair: &PairName,
        side: Side,
        item: &Item,
    ) -> Result<Origin, StoreError> {
        let intents = store.open_intents()?;
        let mut open = intents.iter();
        if let Some(intent) = open.find(|i| i.source_side == side && i.source == item.id) {
            return Ok(held(OriginWhy::CreateOpen {
                sent: intent.last_sent.unwrap_or(intent.opened_at),
                pair: (intent.pair != *pair).then(|| intent.pair.clone()),
            }));
        }
        let rows = store.find_item(&item.id)?;
        let mut rows: Vec<&LinkRow> = rows.iter().filter(|l| *l.item(side) == item.id).collect();
        rows.sort_by_key(|link| link.id);
        let mut elsewhere = rows
            .iter()
            .filter(|l| l.pair != *pair && l.state.is_living());
        if let Some(link) = elsewhere.next() {
            // It moved from one pair's scope to another's. A second counterpart would be a twin.
            return Ok(held(OriginWhy::LinkedElsewhere {
                item: item.id.clone(),
                counterpart: link.item(side.other()).clone(),
                pair: link.pair.clone(),
            }));
        }
        for text in &item.markers {
            if let Some(origin) = self.marked(store, pair, side, &rows, text)? {
                return Ok(origin);
            }
        }
        if rows.is_empty()
            && let Some(intent) = intents
                .iter()
                .find(|intent| may_be_made_by(intent, side, item))
        {
            return Ok(held(OriginWhy::TitleOfCreate {
                side: intent.source_side,
                item: intent.source.clone(),
                sent: intent.last_sent.unwrap_or(intent.opened_at),
            }));
        }
        Ok(formerly(pair, side, rows.last().copied()))
    }

    /// Says what one marker tells about an item whose links, all dissolved, are `rows`; `None`: nothing.
    fn marked(
        &self,
        store: &Store,
        pair: &PairName,
        side: Side,
        rows: &[&LinkRow],
        text: &str,
    ) -> Result<Option<Origin>, StoreError> {
        let Some(marker) = marker::verify(&self.key, text) else {
            return Ok(Some(held(OriginWhy::StrangersMarker)));
        };
        let of_source = store.find_item(&marker.id)?;
        let of_source = of_source
            .iter()
            .filter(|link| marker.side != side && *link.item(marker.side) == marker.id);
        let of_source: Vec<&LinkRow> = of_source.collect();
        if let Some(other) = of_source.iter().find(|link| link.state.is_living()) {
            // Whatever the marker's pair is called by now, the link says which of the two is the counterpart.
            return Ok(Some(copy_or_twin(&marker, other.item(side), true)));
        }
        if self.policy(&marker.pair).is_none() {
            // Most likely this pair under its old name: its counterpart exists.
            return Ok(Some(held(OriginWhy::UnknownPairsMarker {
                pair: marker.pair,
            })));
        }
        if marker.side == side {
            return Ok(None);
        }
        // Its newest link says where it belongs.
        let newest = rows.last().copied();
        if rows.iter().any(|link| link.generation >= marker.generation) {
            return Ok(Some(match newest.is_some_and(|link| link.pair == *pair) {
                true => Origin::Tombstone,
                false => formerly(pair, side, newest),
            }));
        }
        let spent = of_source.iter().find(|l| l.generation >= marker.generation);
        if let Some(former) = spent {
            // Joined to what is gone, it would be closed or deleted with it.
            return Ok(Some(copy_or_twin(&marker, former.item(side), false)));
        }
        Ok(Some(match marker.pair == *pair {
            true => Origin::Counterpart {
                of: marker.id,
                generation: marker.generation,
            },
            false => Origin::Former { of: marker.id },
        }))
    }
}

/// Whether an item may be what a create without an answer made: somebody took its marker out. It must have the title that
/// was sent and be no older than the request.
fn may_be_made_by(intent: &Intent, side: Side, item: &Item) -> bool {
    let title = intent.source_fields.get(&FieldKey::Title);
    let titled = title.is_some_and(|title| item.is_titled(title));
    let young = intent
        .server_t0
        .is_some_and(|sent| item.created_at >= sent.plus_ms(-PROBE_MARGIN_MS));
    intent.source_side == side.other() && titled && young
}

/// Says what the newest of its dissolved links makes of an item.
fn formerly(pair: &PairName, side: Side, newest: Option<&LinkRow>) -> Origin {
    let Some(link) = newest else {
        return Origin::Person;
    };
    let LinkState::Tombstone { why } = &link.state else {
        return Origin::Person;
    };
    let other = link.item(side.other());
    if why.deleted_in() == Some(side) {
        let counterpart = other.clone();
        return held(OriginWhy::CameBack { counterpart });
    }
    match link.pair == *pair {
        true => Origin::Tombstone,
        // What it was linked to is gone, so in its new pair it is as good as new.
        false if why.deleted_in() == Some(side.other()) => Origin::Person,
        false => Origin::Former { of: other.clone() },
    }
}
