//! Reads both sides and plans. Changes nothing, neither a service nor the database.

use super::{CycleError, Engine, Scope};
use crate::connector::{Fetched, Known, ListedRow, Listing, Watermark};
use crate::marker;
use crate::model::{FieldKey, FieldValue, Item, ItemId, LinkId, PairName, Side, Sided, Timestamp};
use crate::reconcile::plan::{Plan, Rebase};
use crate::reconcile::policy::Policy;
use crate::reconcile::{FreshItem, LinkView, Origin, Presence, View, plan_of, reconcile};
use crate::store::{BaseField, LinkRow, LinkState, Store, StoreError};
use std::collections::{BTreeMap, BTreeSet};

/// What one look at both sides established, and the plan that follows.
#[derive(Debug)]
pub struct Observed {
    /// The plan.
    pub plan: Plan,
    /// Everything that was read, by side and id.
    pub items: Sided<BTreeMap<ItemId, Item>>,
    /// What a direct read found instead of an item: `Ok` evidence of a delete, `Err` why nothing is known.
    pub gone: Sided<BTreeMap<ItemId, Result<String, String>>>,
    /// Local time of the reads, for judging how old they are.
    pub read_at: Timestamp,
    /// How far each side has been read.
    pub watermarks: Sided<Watermark>,
    /// Pairs that were listed in full.
    pub swept: BTreeSet<PairName>,
    /// Bases that a listing confirmed.
    pub confirmed: Vec<(LinkId, BTreeMap<FieldKey, BaseField>)>,
    /// Link states that changed.
    pub states: Vec<(LinkId, LinkState)>,
    /// Links that were looked at, by pair, with both ids.
    pub links: BTreeMap<PairName, Vec<(LinkId, Sided<ItemId>)>>,
    /// Unlinked items that were looked at.
    pub fresh: BTreeMap<PairName, Vec<(Side, ItemId)>>,
    /// Links to look at again in the next cycle, whatever the listings say.
    pub again: BTreeMap<PairName, BTreeSet<LinkId>>,
    /// Links with something in the plan that is not to be carried out this time. They count as not looked at.
    pub left_out: BTreeSet<LinkId>,
    /// Whether something that was listed is not dealt with (pairs or items that were not asked for). Then the watermarks
    /// stay, so that the next cycle lists it again.
    pub partial: bool,
}

impl Observed {
    fn empty(now: Timestamp) -> Observed {
        Observed {
            plan: Plan::default(),
            items: Sided::default(),
            gone: Sided::default(),
            read_at: now,
            watermarks: Sided::default(),
            swept: BTreeSet::new(),
            confirmed: Vec::new(),
            states: Vec::new(),
            links: BTreeMap::new(),
            fresh: BTreeMap::new(),
            again: BTreeMap::new(),
            left_out: BTreeSet::new(),
            partial: false,
        }
    }
}

/// What is to be looked at in one pair.
#[derive(Default)]
struct Focus {
    links: BTreeMap<LinkId, LinkRow>,
    fresh: Sided<BTreeMap<ItemId, Option<Item>>>,
    listed: Sided<BTreeSet<ItemId>>,
    swept: bool,
    total: u64,
    untouched: usize,
}

/// Key of the stored list of links to look at again.
pub(crate) fn again_key(pair: &PairName) -> String {
    format!("again:{pair}")
}

impl Engine {
    /// Lists, reads and plans.
    ///
    /// # Errors
    /// A side that cannot be read in full ends the cycle: half a picture is no ground for a plan.
    pub async fn observe(&self, scope: &Scope) -> Result<Observed, CycleError> {
        let now = self.clock.now();
        let policies: Vec<&Policy> = self
            .policies
            .iter()
            .filter(|p| scope.only.is_empty() || scope.only.contains(&p.pair))
            .collect();
        let mut focus: BTreeMap<PairName, Focus> = BTreeMap::new();
        let mut forced = BTreeSet::new();
        let mut unapproved = BTreeSet::new();
        {
            let store = self.store();
            for policy in &policies {
                let state = store.pair_state(&policy.pair)?;
                // A clock set back makes the age negative; then a sweep is due rather than years away.
                let due = state
                    .last_sweep
                    .is_none_or(|at| !(0..self.timing.sweep_ms).contains(&now.since(at)));
                let new = state.fingerprint.as_deref() != Some(policy.fingerprint.as_str());
                if new {
                    unapproved.insert(policy.pair.clone());
                }
                // A changed mapping makes every item count as changed. Links of a pair that never had another one come
                // from a back-fill that was cut short, under this mapping: they are as settled as any.
                if new && state.fingerprint.is_some() {
                    forced.insert(policy.pair.clone());
                }
                let swept = scope.full || due || new;
                let total = store.count_links(&policy.pair)?;
                focus.insert(
                    policy.pair.clone(),
                    Focus {
                        swept,
                        total,
                        ..Focus::default()
                    },
                );
            }
        }
        let swept: BTreeSet<PairName> = focus
            .iter()
            .filter(|(_, focus)| focus.swept)
            .map(|(pair, _)| pair.clone())
            .collect();
        let mut observed = Observed {
            swept,
            partial: policies.len() < self.policies.len(),
            ..Observed::empty(now)
        };
        for side in Side::BOTH {
            let listing = self.list(side, &observed.swept, policies.len()).await?;
            *observed.watermarks.get_mut(side) = listing.watermark.clone();
            let store = self.store();
            self.sort_rows(&store, side, listing, &forced, &mut focus, &mut observed)?;
        }
        self.add_missing_and_due(&mut focus, &forced, now)?;
        self.read(&mut focus, &mut observed).await?;
        let mut plans = Vec::new();
        for policy in policies {
            let Some(focus) = focus.remove(&policy.pair) else {
                continue;
            };
            let store = self.store();
            let view = self.view(&store, policy, &focus, &mut observed)?;
            let approved = !unapproved.contains(&policy.pair);
            let policy = Policy {
                approved,
                ..policy.clone()
            };
            let mut plan = reconcile(&view, &policy);
            plan.looked_at += focus.untouched;
            plan.in_sync += focus.untouched;
            if !focus.swept {
                plan.looked_at = plan
                    .looked_at
                    .max(usize::try_from(focus.total).unwrap_or(usize::MAX));
            }
            plans.push(plan);
        }
        observed.plan = plan_of(now, plans);
        observed.read_at = self.clock.now();
        Ok(observed)
    }

    /// Reads one link's two items and plans them alone.
    ///
    /// # Errors
    /// As [`Engine::observe`].
    pub async fn look(&self, pair: &PairName, link: LinkId) -> Result<Observed, CycleError> {
        let now = self.clock.now();
        let mut observed = Observed::empty(now);
        let row = self.store().link(link)?;
        let (Some(row), Some(policy)) = (row, self.policy(pair)) else {
            return Ok(observed);
        };
        let mut one = Focus {
            total: 1,
            ..Focus::default()
        };
        for side in Side::BOTH {
            one.listed.get_mut(side).insert(row.item(side).clone());
        }
        one.links.insert(link, row);
        let mut focus = BTreeMap::from([(pair.clone(), one)]);
        self.read(&mut focus, &mut observed).await?;
        if let Some(focus) = focus.get(pair) {
            let view = self.view(&self.store(), policy, focus, &mut observed)?;
            observed.plan = plan_of(now, vec![reconcile(&view, policy)]);
        }
        Ok(observed)
    }

    /// One listing of a side: in full where a pair is due, else what changed.
    async fn list(
        &self,
        side: Side,
        swept: &BTreeSet<PairName>,
        pairs: usize,
    ) -> Result<Listing, CycleError> {
        let reader = self.readers.get(side);
        let since = self.store().watermark(side)?;
        if swept.len() == pairs {
            return Ok(reader.fetch_all(swept).await?);
        }
        let known = |id: &ItemId| -> Option<Known> { self.store().known(side, id).ok().flatten() };
        let mut delta = reader.fetch_changes(&since, &known).await?;
        if !swept.is_empty() {
            let full = reader.fetch_all(swept).await?;
            delta.rows.retain(|row| !swept.contains(&row.pair));
            delta.rows.extend(full.rows);
        }
        Ok(delta)
    }

    fn sort_rows(
        &self,
        store: &Store,
        side: Side,
        listing: Listing,
        forced: &BTreeSet<PairName>,
        focus: &mut BTreeMap<PairName, Focus>,
        observed: &mut Observed,
    ) -> Result<(), StoreError> {
        let known_all = if observed.swept.is_empty() {
            None
        } else {
            Some(store.known_all(side)?)
        };
        for row in listing.rows {
            let Some(focus) = focus.get_mut(&row.pair) else {
                continue;
            };
            focus.listed.get_mut(side).insert(row.id.clone());
            let Some(link) = living(store, &row.pair, side, &row.id)? else {
                focus
                    .fresh
                    .get_mut(side)
                    .insert(row.id, row.item.map(|item| *item));
                continue;
            };
            let known = match &known_all {
                Some(all) => all.get(&row.id).copied(),
                None => store.known(side, &row.id)?,
            };
            let same = known.is_some_and(|known| Some(known.version) == row.version);
            let settled = matches!(link.state, LinkState::Active) && !forced.contains(&row.pair);
            if same && settled && confirm(store, side, &link, &row, observed)? {
                if side == Side::Ado && focus.swept {
                    focus.untouched += 1;
                }
                continue;
            }
            focus.links.insert(link.id, link);
        }
        Ok(())
    }

    /// Adds links that a complete listing left out, and those that wait for another look.
    fn add_missing_and_due(
        &self,
        focus: &mut BTreeMap<PairName, Focus>,
        forced: &BTreeSet<PairName>,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let store = self.store();
        for (pair, focus) in focus.iter_mut() {
            if focus.swept {
                for link in store.links(pair)? {
                    let listed = Side::BOTH
                        .iter()
                        .all(|side| focus.listed.get(*side).contains(link.item(*side)));
                    let dead = matches!(link.state, LinkState::Tombstone { .. });
                    if !dead && (!listed || forced.contains(pair)) {
                        focus.links.insert(link.id, link);
                    }
                }
                let touched = focus.links.len();
                let live = usize::try_from(focus.total).unwrap_or(usize::MAX);
                focus.untouched = live.saturating_sub(touched);
            }
            let again: Vec<LinkId> = store
                .meta(&again_key(pair))?
                .and_then(|text| serde_json::from_str(&text).ok())
                .unwrap_or_default();
            let holds = store.holds(Some(pair))?;
            let due = holds
                .iter()
                .filter(|hold| hold.retry_at.is_some_and(|at| at <= now));
            for hold in due {
                match (hold.link, hold.side, &hold.item) {
                    (Some(link), _, _) => {
                        if let Some(link) = store
                            .link(link)?
                            .filter(|link| !matches!(link.state, LinkState::Tombstone { .. }))
                        {
                            focus.links.insert(link.id, link);
                        }
                    }
                    (None, Some(side), Some(item))
                        if living(&store, pair, side, item)?.is_none() =>
                    {
                        focus
                            .fresh
                            .get_mut(side)
                            .entry(item.clone())
                            .or_insert(None);
                    }
                    (None, _, _) => {}
                }
            }
            for id in again {
                if let Some(link) = store
                    .link(id)?
                    .filter(|link| !matches!(link.state, LinkState::Tombstone { .. }))
                {
                    focus.links.insert(link.id, link);
                }
            }
        }
        Ok(())
    }

    /// Reads by id what is to be planned. ClickUp last: it has no compare-and-swap, so its read stays close to a write.
    async fn read(
        &self,
        focus: &mut BTreeMap<PairName, Focus>,
        observed: &mut Observed,
    ) -> Result<(), CycleError> {
        let mut answers: Sided<BTreeMap<ItemId, Fetched>> = Sided::default();
        for side in Side::BOTH {
            let mut wanted: BTreeSet<ItemId> = BTreeSet::new();
            for focus in focus.values() {
                wanted.extend(focus.links.values().map(|link| link.item(side).clone()));
                let unread = focus
                    .fresh
                    .get(side)
                    .iter()
                    .filter(|(_, item)| item.is_none());
                wanted.extend(unread.map(|(id, _)| id.clone()));
            }
            if !wanted.is_empty() {
                *answers.get_mut(side) = self.readers.get(side).fetch_items(&wanted).await?;
            }
        }
        for focus in focus.values_mut() {
            for side in Side::BOTH {
                for (id, slot) in focus
                    .fresh
                    .get_mut(side)
                    .iter_mut()
                    .filter(|(_, slot)| slot.is_none())
                {
                    if let Some(Fetched::Seen(item)) = answers.get(side).get(id) {
                        *slot = Some(item.as_ref().clone());
                    }
                }
            }
        }
        self.read_presences(focus, &answers, observed);
        Ok(())
    }

    fn read_presences(
        &self,
        focus: &BTreeMap<PairName, Focus>,
        answers: &Sided<BTreeMap<ItemId, Fetched>>,
        observed: &mut Observed,
    ) {
        for side in Side::BOTH {
            for (id, fetched) in answers.get(side) {
                if let Fetched::Seen(item) = fetched {
                    observed
                        .items
                        .get_mut(side)
                        .insert(id.clone(), item.as_ref().clone());
                }
            }
            for focus in focus.values() {
                for (id, item) in focus.fresh.get(side) {
                    if let Some(item) = item {
                        observed
                            .items
                            .get_mut(side)
                            .entry(id.clone())
                            .or_insert_with(|| item.clone());
                    }
                }
            }
        }
        observed.gone = Sided::build(|side| {
            answers
                .get(side)
                .iter()
                .filter_map(|(id, fetched)| match fetched {
                    Fetched::Seen(_) => None,
                    Fetched::Gone { evidence } => Some((id.clone(), Ok(evidence.clone()))),
                    Fetched::Unclear { reason } => Some((id.clone(), Err(reason.clone()))),
                })
                .collect()
        });
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
            if let Some(state) = scope_state(link, &now) {
                observed.states.push((link.id, state));
            }
            let chosen = store
                .meta(&chosen_key(link.id))?
                .and_then(|text| serde_json::from_str(&text).ok())
                .unwrap_or_default();
            let base = store
                .base(link.id)?
                .into_iter()
                .map(|(key, base)| {
                    (
                        key,
                        Sided {
                            ado: base.ado,
                            clickup: base.clickup,
                        },
                    )
                })
                .collect();
            observed
                .links
                .entry(pair.clone())
                .or_default()
                .push((link.id, items.clone()));
            view.links.push(LinkView {
                link: link.id,
                items,
                base,
                now,
                chosen,
            });
        }
        for side in Side::BOTH {
            for (id, item) in focus.fresh.get(side) {
                let Some(item) = item else { continue };
                observed
                    .fresh
                    .entry(pair.clone())
                    .or_default()
                    .push((side, id.clone()));
                let origin = self.origin(store, pair, side, item)?;
                view.fresh.get_mut(side).push(FreshItem {
                    item: item.clone(),
                    origin,
                });
            }
        }
        Ok(view)
    }

    fn presence(
        &self,
        side: Side,
        link: &LinkRow,
        focus: &Focus,
        observed: &mut Observed,
    ) -> Presence {
        let id = link.item(side);
        let listed = focus.listed.get(side).contains(id);
        if let Some(item) = observed.items.get(side).get(id) {
            // Only a full listing of both sides shows that an item came back: a delta names one side at best.
            let out = match focus.swept {
                true => !listed,
                false => matches!(link.state, LinkState::OutOfScope),
            };
            let item = Box::new(item.clone());
            return if out {
                Presence::OutOfScope(item)
            } else {
                Presence::Seen(item)
            };
        }
        match observed.gone.get(side).get(id) {
            Some(Ok(evidence)) if side == Side::Ado => Presence::Gone {
                evidence: evidence.clone(),
            },
            Some(Ok(evidence)) => {
                // ClickUp shows no recycle bin, so one answer is not enough: two, some minutes apart.
                let since = match &link.state {
                    LinkState::Missing {
                        side: missing,
                        since,
                    } if *missing == side => Some(*since),
                    _ => None,
                };
                match since {
                    Some(since) if observed.read_at.since(since) >= self.timing.gone_ms => {
                        Presence::Gone {
                            evidence: evidence.clone(),
                        }
                    }
                    _ => {
                        let since = since.unwrap_or(observed.read_at);
                        observed
                            .states
                            .push((link.id, LinkState::Missing { side, since }));
                        observed
                            .again
                            .entry(link.pair.clone())
                            .or_default()
                            .insert(link.id);
                        Presence::Unclear {
                            reason: format!(
                                "seems deleted ({evidence}); asked again before anything is concluded"
                            ),
                        }
                    }
                }
            }
            Some(Err(reason)) => Presence::Unclear {
                reason: reason.clone(),
            },
            None => Presence::Unclear {
                reason: "could not be read".to_owned(),
            },
        }
    }

    /// Says where an unlinked item came from.
    fn origin(
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
        for text in &item.markers {
            let Some(marker) = marker::verify(&self.key, text) else {
                return Ok(Origin::Held(
                    "carries a marker that this installation did not write; link it by hand with `boardsync links add`"
                        .to_owned(),
                ));
            };
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
            return Ok(Origin::Counterpart {
                of: marker.id,
                generation: marker.generation,
            });
        }
        if own
            .iter()
            .any(|link| matches!(link.state, LinkState::Tombstone { .. }))
        {
            return Ok(Origin::Tombstone);
        }
        Ok(Origin::Person)
    }
}

/// Returns the state that a link goes to, by both sides together; `None`: it stays as it is, or another rule decides.
fn scope_state(link: &LinkRow, now: &Sided<Presence>) -> Option<LinkState> {
    let out = Side::BOTH
        .iter()
        .any(|side| matches!(now.get(*side), Presence::OutOfScope(_)));
    let read = Side::BOTH
        .iter()
        .all(|side| now.get(*side).item().is_some());
    let state = match (out, read) {
        (true, true) => LinkState::OutOfScope,
        (false, true) => LinkState::Active,
        (_, false) => return None,
    };
    (state != link.state).then_some(state)
}

/// Returns the link of an item that has not been dissolved.
pub(super) fn living(
    store: &Store,
    pair: &PairName,
    side: Side,
    id: &ItemId,
) -> Result<Option<LinkRow>, StoreError> {
    let link = store.link_by_item(pair, side, id)?;
    Ok(link.filter(|link| !matches!(link.state, LinkState::Tombstone { .. })))
}

/// Key of the values that a person chose for a link's conflicts.
pub(crate) fn chosen_key(link: LinkId) -> String {
    format!("chosen:{link}")
}

/// A listing shows the version that we already hold: nobody wrote in between, so what it shows is what the server made
/// of our own write. Returns false when that cannot be told and the item must be read.
fn confirm(
    store: &Store,
    side: Side,
    link: &LinkRow,
    row: &ListedRow,
    observed: &mut Observed,
) -> Result<bool, StoreError> {
    let open = store.unconfirmed(link.id, side)?;
    if open.is_empty() {
        return Ok(true);
    }
    let Some(item) = &row.item else {
        return Ok(false);
    };
    let mut fields = BTreeMap::new();
    for (key, mut base) in open {
        // A listing may leave a field out; then the intended value stays, still unconfirmed.
        let Some(value) = item.fields.get(&key) else {
            continue;
        };
        match side {
            Side::Ado => (base.ado, base.ado_confirmed) = (value.clone(), true),
            Side::ClickUp => (base.clickup, base.clickup_confirmed) = (value.clone(), true),
        }
        fields.insert(key, base);
    }
    if !fields.is_empty() {
        observed.confirmed.push((link.id, fields));
    }
    Ok(true)
}

/// Turns a rebase into stored base rows.
pub(super) fn rebased(rebase: &Rebase) -> BTreeMap<FieldKey, BaseField> {
    rebase
        .fields
        .iter()
        .map(|(key, now)| (key.clone(), agreed(now.ado.clone(), now.clickup.clone())))
        .collect()
}

/// A base that both sides have shown.
pub(super) fn agreed(ado: FieldValue, clickup: FieldValue) -> BaseField {
    BaseField {
        ado,
        clickup,
        ado_confirmed: true,
        clickup_confirmed: true,
    }
}
