//! What the planner is shown: stored bases beside what was read, and where unlinked items came from.

use super::reading::scope_state;
use super::{Focus, Observed, chosen, living, owed, retyped, values};
use crate::engine::Engine;
use crate::marker;
use crate::model::{FieldKey, FieldValue, Item, PairName, Side, Sided};
use crate::reconcile::plan::PairPlan;
use crate::reconcile::policy::Policy;
use crate::reconcile::transit::{self, Reached, Transit};
use crate::reconcile::{
    FreshItem, LinkView, NAMED, Origin, Presence, STRANGER, View, deleted_in, noise,
};
use crate::store::{LinkRow, LinkState, Store, StoreError};
use std::collections::{BTreeMap, BTreeSet};

/// Returns the values of a link's item that differ from their base by reading alone.
fn reread(
    store: &Store,
    side: Side,
    link: &LinkView,
) -> Result<BTreeMap<FieldKey, FieldValue>, StoreError> {
    let Some(now) = link.now.get(side).item() else {
        return Ok(BTreeMap::new());
    };
    let moved = |(key, base): (&FieldKey, &Sided<FieldValue>)| {
        now.fields
            .get(key)
            .is_some_and(|value| value != base.get(side))
    };
    if !link.base.iter().any(moved) || store.read_by_another(side, &now.id)? != Some(true) {
        return Ok(BTreeMap::new());
    }
    let earlier = store.observation(side, &now.id)?;
    Ok(earlier.map_or_else(BTreeMap::new, |earlier| {
        noise::reread(side, link, &earlier.item)
    }))
}

impl Engine {
    /// Plans one pair from what was read of it.
    pub(super) fn plan_pair(
        &self,
        store: &Store,
        policy: &Policy,
        focus: &Focus,
        observed: &mut Observed,
    ) -> Result<PairPlan, StoreError> {
        let view = self.view(store, policy, focus, observed)?;
        let plan = self.decide(store, &view, policy);
        let Sided { ado, clickup } = view.fresh;
        for (side, fresh) in [(Side::Ado, ado), (Side::ClickUp, clickup)] {
            let items = fresh.into_iter().map(|fresh| fresh.item);
            let items = items.map(|item| (item.id.clone(), item));
            observed.items.get_mut(side).extend(items);
        }
        plan
    }

    fn view(
        &self,
        store: &Store,
        policy: &Policy,
        focus: &Focus,
        observed: &mut Observed,
    ) -> Result<View, StoreError> {
        let mut view = View {
            total_links: focus.total,
            ..View::default()
        };
        let pair = &policy.pair;
        for link in focus.links.values() {
            let items = Sided::build(|side| link.item(side).clone());
            let mut now = Sided::build(|_| Presence::Unclear {
                reason: "not read".to_owned(),
            });
            for side in Side::BOTH {
                *now.get_mut(side) = self.presence(side, link, focus, observed);
            }
            let listed = |side: Side| focus.listed.get(side).contains(link.item(side));
            if let Some(state) = scope_state(link, &now) {
                observed.states.push((link.id, state));
            } else if focus.swept
                && matches!(link.state, LinkState::OutOfScope)
                && Side::BOTH.into_iter().all(listed)
                && Side::BOTH
                    .into_iter()
                    .any(|side| now.get(side).item().is_none())
                && observed.states.iter().all(|(id, _)| *id != link.id)
            {
                // Back in scope by the listings, although one of the two could not be read this time.
                observed.states.push((link.id, LinkState::Active));
            }
            let base = store.base(link.id)?;
            let shown: BTreeSet<FieldKey> = base
                .iter()
                .filter(|(_, base)| base.ado_confirmed && base.clickup_confirmed)
                .map(|(key, _)| key.clone())
                .collect();
            observed
                .links
                .entry(pair.clone())
                .or_default()
                .push((link.id, items.clone()));
            let mut linked = LinkView {
                link: link.id,
                items,
                base: values(base),
                now,
                chosen: chosen(store, link.id)?,
            };
            for side in Side::BOTH {
                let mut found = reread(store, side, &linked)?;
                // What a side has not shown yet is no ground to judge its reading by.
                found.retain(|key, _| shown.contains(key));
                linked = noise::settle(&mut view, linked, side, found);
            }
            for side in Side::BOTH {
                self.half_way(store, side, &mut linked, observed)?;
            }
            retyped::refill(store, &mut linked)?;
            view.links.push(linked);
        }
        if view.noise != Sided::default() {
            view.bases = store.count_bases(pair)?;
        }
        for side in Side::BOTH {
            for id in focus.fresh.get(side).keys() {
                // It is given back when the plan is made.
                let Some(item) = observed.items.get_mut(side).remove(id) else {
                    if let Some(Err(reason)) = observed.gone.get(side).get(id) {
                        let unreadable = (side, id.clone(), reason.clone());
                        let all = observed.unreadable.entry(pair.clone());
                        all.or_default().push(unreadable);
                    }
                    continue;
                };
                observed
                    .fresh
                    .entry(pair.clone())
                    .or_default()
                    .push((side, id.clone()));
                let mut origin = self.origin(store, pair, side, &item)?;
                // Only a sweep sees every marker again; until then what was named by one stays held.
                if origin == Origin::Person && !focus.swept {
                    let rows = store.holds(Some(pair))?.into_iter();
                    origin = rows
                        .filter(|row| row.side == Some(side) && row.item.as_ref() == Some(id))
                        .find(|row| row.reason.starts_with(NAMED))
                        .map_or(origin, |row| Origin::Held(row.reason));
                }
                view.fresh.get_mut(side).push(FreshItem { item, origin });
            }
        }
        Ok(view)
    }

    /// Takes a step of ours for what it is: the side's own base, with the other side's value still to be carried over.
    fn half_way(
        &self,
        store: &Store,
        side: Side,
        linked: &mut LinkView,
        observed: &mut Observed,
    ) -> Result<(), StoreError> {
        let Some(item) = linked.now.get(side).item() else {
            return Ok(());
        };
        let Some(row) = store.transit(linked.link, side)? else {
            return Ok(());
        };
        let now = item.fields.get(&row.field).cloned();
        let transit = Transit {
            field: row.field.clone(),
            via: row.via,
            expected: row.expected,
            sent: row.sent,
        };
        let base = match (transit::judge(&transit, item), now) {
            (Reached::Nothing, _) => return Ok(()),
            (Reached::HalfWay, Some(now)) => {
                tracing::info!(link = %linked.link, %side, from = %row.origin, to = %row.wanted, at = %now, "stands half way");
                let base = owed(side, now);
                let values = Sided {
                    ado: base.ado.clone(),
                    clickup: base.clickup.clone(),
                };
                linked.base.insert(row.field.clone(), values);
                Some((row.field, base))
            }
            (Reached::HalfWay | Reached::Over, _) => None,
        };
        observed.half_way.push((linked.link, side, base));
        Ok(())
    }

    /// Says where an unlinked item came from.
    pub(crate) fn origin(
        &self,
        store: &Store,
        pair: &PairName,
        side: Side,
        item: &Item,
    ) -> Result<Origin, StoreError> {
        let open = store.open_intents()?;
        if let Some(intent) = open
            .iter()
            .find(|i| i.pair == *pair && i.source_side == side && i.source == item.id)
        {
            let waited = intent.last_sent.unwrap_or(intent.opened_at);
            return Ok(Origin::Held(format!(
                "a create was sent at {waited} and its answer was lost; it is looked for before anything is sent again"
            )));
        }
        let rows = store.find_item(&item.id)?;
        let own = rows
            .iter()
            .filter(|link| link.pair == *pair && *link.item(side) == item.id);
        let own: Vec<&LinkRow> = own.collect();
        let elsewhere = rows.iter().find(|link| {
            link.pair != *pair
                && *link.item(side) == item.id
                && !matches!(link.state, LinkState::Tombstone { .. })
        });
        if let Some(link) = elsewhere {
            // It moved from one pair's scope to another's. A second counterpart would be a twin.
            return Ok(Origin::Held(format!(
                "is linked to {} in the pair {}; `boardsync links remove` it there to let this pair take it over",
                link.item(side.other()),
                link.pair
            )));
        }
        for text in &item.markers {
            let Some(marker) = marker::verify(&self.key, text) else {
                return Ok(Origin::Held(format!(
                    "{STRANGER}; link it by hand with `boardsync links add`"
                )));
            };
            if self.policy(&marker.pair).is_none() {
                // Most likely this pair under its old name: its counterpart exists.
                return Ok(Origin::Held(format!(
                    "carries a marker of the pair {}, which the configuration no longer has; give the pair that name \
                     again, or link the two with `boardsync links add`",
                    marker.pair
                )));
            }
            if marker.pair != *pair || marker.side == side {
                continue;
            }
            if let Some(other) = living(store, pair, marker.side, &marker.id)? {
                return Ok(Origin::Held(format!(
                    "carries the marker of {} {}, which is linked to {}: a copy or a twin; remove the footer line or link to sync it as new",
                    marker.side,
                    marker.id,
                    other.item(side)
                )));
            }
            let dissolved = own.iter().any(|link| {
                matches!(link.state, LinkState::Tombstone { .. })
                    && link.generation >= marker.generation
            });
            if dissolved {
                return Ok(Origin::Tombstone);
            }
            let spent = store.find_item(&marker.id)?.into_iter().find(|link| {
                link.pair == *pair
                    && *link.item(marker.side) == marker.id
                    && link.generation >= marker.generation
            });
            if let Some(former) = spent {
                // Joined to what is gone, it would be closed or deleted with it.
                return Ok(Origin::Held(format!(
                    "carries the marker of {} {}, whose counterpart was {}: a copy or a twin; remove the footer line or link to sync it as new",
                    marker.side,
                    marker.id,
                    former.item(side)
                )));
            }
            return Ok(Origin::Counterpart {
                of: marker.id,
                generation: marker.generation,
            });
        }
        let newest = own.iter().max_by_key(|link| link.id);
        match newest.map(|link| (&link.state, link.item(side.other()))) {
            Some((LinkState::Tombstone { reason }, other))
                if reason.starts_with(&deleted_in(side)) =>
            {
                Ok(Origin::Held(format!(
                    "came back after it was deleted; its link to {other} is gone: link it with `boardsync links add`, to \
                     {other} if that still exists"
                )))
            }
            Some((LinkState::Tombstone { .. }, _)) => Ok(Origin::Tombstone),
            Some(_) | None => Ok(Origin::Person),
        }
    }
}
