//! Unlinked items that carry a valid marker, and which item it names, for the cycles that do not look at them.
//!
//! Example: the database was put back and lacks the link of task 86t1 and work item 101. Somebody moved 101 to the pair
//! `app`, where it waits for its task. The list of the pair `web`, where the task is, cannot be read at that time. When it
//! can, `web` is listed in full and `app` is not, so the task turns up as a new one and nothing that was listed names it.
//! What is kept here does: 101 is read along, and the task gets no second counterpart.

use super::origin::Named;
use super::{Focus, Observed};
use crate::capabilities;
use crate::engine::Engine;
use crate::marker;
use crate::model::{Item, ItemId, PairName, Side, Sided};
use crate::store::{NoteOp, Op, Store, StoreError};
use std::collections::{BTreeMap, BTreeSet};

/// What is read along because an item that it names turned up as new.
#[derive(Debug, Default)]
pub(super) struct Along {
    /// Per side: a named item, and the pair and the item that carried the marker when it was last looked at.
    named: Sided<BTreeMap<ItemId, (PairName, ItemId)>>,
    /// Pairs of them that this cycle does not plan.
    beside: BTreeSet<PairName>,
}

fn is_linked(store: &Store, side: Side, id: &ItemId) -> Result<bool, StoreError> {
    let rows = store.find_item(id)?.into_iter();
    let mut living = rows.filter(|row| row.state.is_living());
    Ok(living.any(|row| row.item(side) == id))
}

impl Engine {
    /// Returns the items on the other side that the valid markers of an item name.
    pub(super) fn names<'a>(
        &'a self,
        side: Side,
        item: &'a Item,
    ) -> impl Iterator<Item = ItemId> + use<'a> {
        let markers = item.markers.iter();
        let markers = markers.filter_map(|text| marker::verify(&self.key, text));
        markers
            .filter(move |marker| marker.side != side)
            .map(|marker| marker.id)
    }

    /// Remembers which unlinked items of a pair that was looked at carry a marker. `swept`: it was listed in full.
    pub(in crate::engine) fn remember_carriers(
        &self,
        store: &Store,
        pair: &PairName,
        observed: &Observed,
        swept: bool,
    ) -> Result<Option<Op>, StoreError> {
        let before = store.carriers()?.remove(pair).unwrap_or_default();
        let mut here = before.clone();
        if swept {
            let unreadable = observed.findings.unreadable.get(pair);
            for side in Side::BOTH {
                here.get_mut(side).retain(|carrier, _| {
                    let mut unreadable = unreadable.into_iter().flatten();
                    unreadable.any(|(at, id, _)| *at == side && id == carrier)
                });
            }
        }
        for (side, id) in observed.findings.fresh.get(pair).into_iter().flatten() {
            let item = observed.items.get(*side).get(id);
            let names = item.into_iter().flat_map(|item| self.names(*side, item));
            let names: BTreeSet<ItemId> = names.collect();
            match names.is_empty() || is_linked(store, *side, id)? {
                true => here.get_mut(*side).remove(id),
                false => here.get_mut(*side).insert(id.clone(), names),
            };
        }
        Ok((here != before).then(|| {
            Op::Note(NoteOp::Carriers {
                pair: pair.clone(),
                carriers: here,
            })
        }))
    }

    /// Adds to what is read the carriers of markers that name an item which turned up as new.
    pub(super) fn read_along(
        &self,
        focus: &mut BTreeMap<PairName, Focus>,
    ) -> Result<Along, StoreError> {
        let mut along = Along::default();
        let store = self.store();
        for (pair, carriers) in &store.carriers()? {
            for side in Side::BOTH {
                for (carrier, names) in carriers.get(side) {
                    let looked_at = |side: Side, id: &ItemId| {
                        let mut all = focus.values();
                        all.any(|focus| focus.fresh.get(side).contains_key(id))
                    };
                    let new = names.iter().filter(|id| looked_at(side.other(), id));
                    let new: Vec<&ItemId> = new.collect();
                    if new.is_empty()
                        || looked_at(side, carrier)
                        || is_linked(&store, side, carrier)?
                    {
                        continue;
                    }
                    for id in new {
                        let by = (pair.clone(), carrier.clone());
                        along.named.get_mut(side.other()).insert(id.clone(), by);
                    }
                    if !focus.contains_key(pair) {
                        along.beside.insert(pair.clone());
                    }
                    let there = focus.entry(pair.clone()).or_default();
                    let there = there.fresh.get_mut(side);
                    there.insert(carrier.clone(), None);
                }
            }
        }
        Ok(along)
    }

    /// Takes the pairs out that were only read along, and says what carriers name that could not be read.
    pub(super) fn end_along(
        &self,
        along: Along,
        focus: &mut BTreeMap<PairName, Focus>,
        observed: &Observed,
        named: &mut Named,
    ) {
        focus.retain(|pair, _| !along.beside.contains(pair));
        for side in Side::BOTH {
            for (id, (pair, carrier)) in along.named.get(side) {
                let other = side.other();
                let gone = match observed.findings.gone.get(other).get(carrier) {
                    // Where no recycle bin is shown, the next full listing of the pair tells.
                    Some(Ok(_)) => {
                        capabilities::of(other).proves_deletion || self.policy(pair).is_none()
                    }
                    Some(Err(_)) | None => false,
                };
                if !gone && !observed.items.get(other).contains_key(carrier) {
                    named.add_unread(side, id, carrier);
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::recover::tests::bench;
    use crate::marker::marker;
    use crate::model::{FieldKey, FieldValue, Timestamp, Version};
    use crate::reason::OriginWhy;
    use crate::reconcile::Origin;
    use crate::store::Batch;

    fn carrier(key: &crate::marker::MarkerKey) -> Item {
        let (web, task) = (PairName::from("web"), ItemId::from("86t1"));
        Item {
            id: ItemId::from("101"),
            version: Version(1),
            url: String::new(),
            fields: BTreeMap::from([(FieldKey::Title, FieldValue::text("one"))]),
            raw: Default::default(),
            unread: BTreeSet::new(),
            markers: vec![marker(key, &web, Side::ClickUp, &task, 1)],
            backlinks: Vec::new(),
            parent: None,
            archived: false,
            container: String::new(),
            created_at: Timestamp(0),
            changed_at: Timestamp(0),
        }
    }

    fn new_task(id: &str) -> BTreeMap<PairName, Focus> {
        let mut focus = Focus::default();
        focus.fresh.clickup.insert(ItemId::from(id), None);
        BTreeMap::from([(PairName::from("web"), focus)])
    }

    fn remember(engine: &Engine, observed: &Observed) {
        let mut store = engine.store();
        let op = engine.remember_carriers(&store, &"app".into(), observed, true);
        let ops = op.unwrap().into_iter().collect();
        store.commit(&Batch(ops)).unwrap();
    }

    #[test]
    fn a_waiting_item_is_read_along_when_what_its_marker_names_turns_up_as_new() {
        let engine = bench(&[], &[], true, Vec::new()).engine;
        let (web, app) = (PairName::from("web"), PairName::from("app"));
        let (task, item) = (ItemId::from("86t1"), ItemId::from("101"));
        let mut observed = Observed::empty(Timestamp(0));
        let seen = vec![(Side::Ado, item.clone())];
        observed.findings.fresh.insert(app.clone(), seen);
        let waits = carrier(&engine.key);
        observed.items.ado.insert(item.clone(), waits);
        remember(&engine, &observed);

        let mut focus = new_task("86t2");
        engine.read_along(&mut focus).unwrap();
        assert!(!focus.contains_key(&app));

        let mut focus = new_task("86t1");
        let along = engine.read_along(&mut focus).unwrap();
        assert!(focus[&app].fresh.ado.contains_key(&item));
        let mut named = engine.named(&focus, &observed);
        engine.end_along(along, &mut focus, &observed, &mut named);
        assert!(!focus.contains_key(&app), "it is only read, not planned");
        let Origin::Held(why) = named.origin(&web, Side::ClickUp, &task) else {
            panic!("a second counterpart would be made");
        };
        let reason = why.to_string();
        assert!(reason.contains("101, in the pair app"), "{reason}");

        // It cannot be read: it may still carry the marker.
        let unread = Observed::empty(Timestamp(0));
        let mut focus = new_task("86t1");
        let along = engine.read_along(&mut focus).unwrap();
        let mut named = engine.named(&focus, &unread);
        engine.end_along(along, &mut focus, &unread, &mut named);
        let Origin::Held(why) = named.origin(&web, Side::ClickUp, &task) else {
            panic!("a second counterpart would be made");
        };
        let named_by = OriginWhy::NamedByMarker {
            side: Side::Ado,
            item: item.clone(),
            unread: true,
        };
        assert_eq!(why, named_by.into());

        // It was deleted.
        let mut gone = Observed::empty(Timestamp(0));
        let evidence = Ok("in the recycle bin".to_owned());
        gone.findings.gone.ado.insert(item.clone(), evidence);
        let mut focus = new_task("86t1");
        let along = engine.read_along(&mut focus).unwrap();
        let mut named = engine.named(&focus, &gone);
        engine.end_along(along, &mut focus, &gone, &mut named);
        let origin = named.origin(&web, Side::ClickUp, &task);
        assert_eq!(origin, Origin::Person);

        // A full listing of its pair does not have it any more.
        remember(&engine, &Observed::empty(Timestamp(0)));
        let mut focus = new_task("86t1");
        engine.read_along(&mut focus).unwrap();
        assert!(!focus.contains_key(&app));
    }

    /// A listing that lags shows an item where it was before somebody moved it. It is not planned there, but whatever its
    /// marker names has its counterpart.
    #[test]
    fn what_the_marker_of_an_item_that_left_the_pair_names_waits() {
        let engine = bench(&[], &[], true, Vec::new()).engine;
        let (web, task) = (PairName::from("web"), ItemId::from("86t1"));
        let item = ItemId::from("101");
        let mut observed = Observed::empty(Timestamp(0));
        let carrier = carrier(&engine.key);
        observed.items.ado.insert(item.clone(), carrier);
        let mut focus = new_task("86t1");
        let there = focus.get_mut(&web).unwrap();
        there.swept = true;
        there.fresh.ado.insert(item.clone(), None);
        let origin = |focus: &BTreeMap<PairName, Focus>| {
            let named = engine.named(focus, &observed);
            named.origin(&web, Side::ClickUp, &task)
        };
        let Origin::Held(why) = origin(&focus) else {
            panic!("a second counterpart would be made");
        };
        let reason = why.to_string();
        assert!(
            reason.contains("101, which is not in this pair"),
            "{reason}"
        );
        focus.get_mut(&web).unwrap().listed.ado.insert(item);
        assert_eq!(origin(&focus), Origin::Person);
    }
}
