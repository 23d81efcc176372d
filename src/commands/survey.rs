//! Both sides in full, for commands that compare and write nothing.

use crate::connector::{ConnectorError, Fetched, Reader};
use crate::model::{Item, ItemId, PairName, Side, Sided};
use crate::reconcile::Presence;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// Everything in scope and everything linked, as read.
#[derive(Default)]
pub struct Survey {
    /// What the complete listings hold.
    pub listed: Sided<BTreeMap<PairName, BTreeSet<ItemId>>>,
    /// Every item that could be read.
    pub items: Sided<BTreeMap<ItemId, Item>>,
    /// What a direct read found instead of an item.
    absent: Sided<BTreeMap<ItemId, Presence>>,
}

impl Survey {
    /// Lists all of `pairs` on both sides and reads what the listings do not show, `linked` items included.
    ///
    /// # Errors
    /// A side that cannot be read in full: half a picture shows differences that are none.
    pub async fn take(
        readers: &Sided<Arc<dyn Reader>>,
        pairs: &BTreeSet<PairName>,
        linked: &Sided<BTreeSet<ItemId>>,
    ) -> Result<Survey, ConnectorError> {
        let mut survey = Survey::default();
        for side in Side::BOTH {
            let mut listing = readers.get(side).fetch_all(pairs).await?;
            if let Some((pair, mut error)) = listing.failed.pop_first() {
                error.message = format!("pair \"{pair}\": {}", error.message);
                error.pair = Some(pair);
                return Err(error);
            }
            let mut unread = linked.get(side).clone();
            let mut items = BTreeMap::new();
            for row in listing.rows {
                let listed = survey.listed.get_mut(side).entry(row.pair).or_default();
                listed.insert(row.id.clone());
                match row.item {
                    Some(item) => {
                        items.insert(row.id, *item);
                    }
                    None => {
                        unread.insert(row.id);
                    }
                }
            }
            unread.retain(|id| !items.contains_key(id));
            *survey.items.get_mut(side) = items;
            survey.read(readers, side, &unread).await?;
        }
        Ok(survey)
    }

    /// Reads items by id, replacing what is known of them: a listing may lag behind.
    pub async fn read(
        &mut self,
        readers: &Sided<Arc<dyn Reader>>,
        side: Side,
        ids: &BTreeSet<ItemId>,
    ) -> Result<(), ConnectorError> {
        if ids.is_empty() {
            return Ok(());
        }
        for (id, fetched) in readers.get(side).fetch_items(ids).await? {
            self.items.get_mut(side).remove(&id);
            let absent = match fetched {
                Fetched::Seen(item) => {
                    self.items.get_mut(side).insert(id, *item);
                    continue;
                }
                Fetched::Gone { evidence } => Presence::Gone { evidence },
                Fetched::Unclear { reason } => Presence::Unclear { reason },
            };
            self.absent.get_mut(side).insert(id, absent);
        }
        Ok(())
    }

    /// Returns the pair that an item was listed for; `None`: for none of those that were asked.
    pub fn owner(&self, side: Side, id: &ItemId) -> Option<&PairName> {
        let mut pairs = self.listed.get(side).iter();
        let owner = pairs.find(|(_, listed)| listed.contains(id));
        owner.map(|(pair, _)| pair)
    }

    /// Returns what a linked item is now, seen from one pair.
    pub fn presence(&self, pair: &PairName, side: Side, id: &ItemId) -> Presence {
        let Some(item) = self.items.get(side).get(id) else {
            let absent = self.absent.get(side).get(id).cloned();
            return absent.unwrap_or_else(|| Presence::Unclear {
                reason: "it could not be read".to_owned(),
            });
        };
        let item = Box::new(item.clone());
        let scope = self.listed.get(side).get(pair);
        if scope.is_some_and(|scope| scope.contains(id)) {
            Presence::Seen(item)
        } else {
            Presence::OutOfScope(item)
        }
    }
}
