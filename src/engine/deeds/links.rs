//! Pairing two items by hand, and ending that.

use crate::connector::{ConnectorError, Fetched};
use crate::engine::Engine;
use crate::engine::observe::again_op;
use crate::model::{FieldKey, FieldValue, ItemId, PairName, Side, Sided, Timestamp};
use crate::reason::ActionWhy;
use crate::store::{Batch, LinkRow, LinkState, Op, Store, StoreError};
use std::collections::{BTreeMap, BTreeSet};

/// Why two items cannot be linked. Nothing was changed.
#[derive(Debug, thiserror::Error)]
pub enum LinkError {
    /// No such pair.
    #[error("there is no pair \"{0}\" in the configuration")]
    NoPair(PairName),
    /// An item is not there, or cannot be read.
    #[error("{side} has no readable item {item}")]
    NoItem {
        /// The side.
        side: Side,
        /// The item.
        item: ItemId,
    },
    /// One of the two has another counterpart.
    #[error(
        "{side} {item} is linked to {other} in pair {pair}; end that first with `boardsync links remove {item}`"
    )]
    Taken {
        /// The side.
        side: Side,
        /// The item.
        item: ItemId,
        /// Its counterpart.
        other: ItemId,
        /// The pair of that link.
        pair: PairName,
    },
    /// The type of an item stands in no row of `types`, so nothing says what it is on the other side.
    #[error(
        "{side} {item} is of the type {kind}, which stands in no row of types in pair \"{pair}\"; nothing was linked. Add a row \
         for it, or link another item"
    )]
    Unmapped {
        /// The side.
        side: Side,
        /// The item.
        item: ItemId,
        /// Its type.
        kind: String,
        /// The pair.
        pair: PairName,
    },
    /// A service failed.
    #[error(transparent)]
    Connector(#[from] ConnectorError),
    /// The state could not be read or written.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl Engine {
    /// Pairs two existing items; fields in which they differ become conflicts, and nothing is overwritten. Returns false
    /// where the two are linked already.
    ///
    /// # Errors
    /// A sentence for the person.
    pub async fn link_by_hand(
        &self,
        pair: &PairName,
        ids: &Sided<ItemId>,
    ) -> Result<bool, LinkError> {
        let Some(policy) = self.policy(pair) else {
            return Err(LinkError::NoPair(pair.clone()));
        };
        for side in Side::BOTH {
            let id = ids.get(side);
            let reader = self.readers.get(side);
            let answer = reader.fetch_items(&BTreeSet::from([id.clone()])).await?;
            let Some(Fetched::Seen(item)) = answer.get(id) else {
                return Err(LinkError::NoItem {
                    side,
                    item: id.clone(),
                });
            };
            if let Some(FieldValue::Choice(kind)) = item.fields.get(&FieldKey::Type)
                && !policy.types.is_empty()
                && !policy.types.names(side).contains(&kind)
            {
                return Err(LinkError::Unmapped {
                    side,
                    item: id.clone(),
                    kind: kind.shown.clone(),
                    pair: pair.clone(),
                });
            }
        }
        let mut store = self.store();
        for side in Side::BOTH {
            let rows = store.find_item(ids.get(side))?.into_iter();
            let taken = rows
                .filter(|link| link.item(side) == ids.get(side))
                .find(|link| link.state.is_living());
            let Some(link) = taken else { continue };
            if link.pair == *pair && link.item(side.other()) == ids.get(side.other()) {
                return Ok(false);
            }
            return Err(LinkError::Taken {
                side,
                item: ids.get(side).clone(),
                other: link.item(side.other()).clone(),
                pair: link.pair,
            });
        }
        let former = store.find_item(&ids.ado)?;
        let generation = former
            .iter()
            .map(|link| link.generation.saturating_add(1))
            .max()
            .unwrap_or(0);
        store.commit(&Batch(vec![Op::AddLink {
            pair: pair.clone(),
            ado: ids.ado.clone(),
            clickup: ids.clickup.clone(),
            origin: None,
            generation,
            base: BTreeMap::new(),
            at: self.clock.now(),
        }]))?;
        if let Some(link) = store.link_by_item(pair, Side::Ado, &ids.ado)? {
            let again = again_op(&store, pair, link.id)?;
            store.commit(&Batch(vec![again]))?;
        }
        Ok(true)
    }

    /// Returns the sides whose item does not show in the scope of a pair: a link is left alone while that is so. Where the
    /// place of an item does not tell (`ado.where`), the pair is listed.
    ///
    /// # Errors
    /// A service's.
    pub async fn outside_scope(
        &self,
        pair: &PairName,
        ids: &Sided<ItemId>,
    ) -> Result<Vec<Side>, ConnectorError> {
        let mut outside = Vec::new();
        for side in Side::BOTH {
            let (id, reader) = (ids.get(side), self.readers.get(side));
            let read = reader.fetch_items(&BTreeSet::from([id.clone()])).await?;
            let Some(Fetched::Seen(item)) = read.get(id) else {
                continue;
            };
            let inside = match reader.covers(pair, item) {
                Some(inside) => inside,
                None => {
                    let listing = reader.fetch_all(&BTreeSet::from([pair.clone()])).await?;
                    let mut rows = listing.rows.iter();
                    listing.failed.contains_key(pair) || rows.any(|row| row.id == *id)
                }
            };
            if !inside {
                outside.push(side);
            }
        }
        Ok(outside)
    }
}

/// Dissolves the links of an item and remembers that, so that neither item is created again. Returns the links that were
/// ended; empty: none was alive. `at`: local time.
///
/// # Errors
/// Only the database's.
pub fn unlink_by_hand(
    store: &mut Store,
    item: &ItemId,
    at: Timestamp,
) -> Result<Vec<LinkRow>, StoreError> {
    unlink_in(store, item, None, at)
}

/// As [`unlink_by_hand`], and with `of` only those links that are in this pair.
///
/// # Errors
/// Only the database's.
pub fn unlink_in(
    store: &mut Store,
    item: &ItemId,
    of: Option<&PairName>,
    at: Timestamp,
) -> Result<Vec<LinkRow>, StoreError> {
    let mut links = store.find_item(item)?;
    links.retain(|link| link.state.is_living() && of.is_none_or(|of| link.pair == *of));
    let holds = store.holds(None)?;
    let mut ops = Vec::new();
    for link in &links {
        ops.push(Op::SetLinkState {
            link: link.id,
            state: LinkState::Tombstone {
                why: ActionWhy::RemovedByHand,
            },
            at,
        });
        // What it was held for is over.
        ops.push(Op::SetHoldsFor {
            pair: link.pair.clone(),
            items: Side::BOTH
                .map(|side| (side, link.item(side).clone()))
                .into(),
            holds: Vec::new(),
        });
        let waiting = holds.iter().filter(|hold| {
            let item = hold.item.as_ref();
            item == Some(&link.ado) || item == Some(&link.clickup)
        });
        // An item that has moved to another pair waits there for this; the next cycle of that pair lists everything.
        for pair in waiting
            .map(|hold| &hold.pair)
            .collect::<BTreeSet<&PairName>>()
        {
            let mut state = store.pair_state(pair)?;
            state.last_sweep = None;
            let pair = pair.clone();
            ops.push(Op::SetPairState { pair, state });
        }
    }
    store.commit(&Batch(ops))?;
    Ok(links)
}
