//! Reads by id, and what the answers say about an item: there, gone, out of scope or unclear.

use super::{Focus, Observed};
use crate::capabilities;
use crate::connector::Fetched;
use crate::engine::{CycleError, Engine};
use crate::model::{ItemId, PairName, Side, Sided, Timestamp};
use crate::reconcile::Presence;
use crate::store::{LinkRow, LinkState, StoreError};
use std::collections::{BTreeMap, BTreeSet};

/// How far a listing may lag behind a direct read (L in the protocol).
pub(in crate::engine) const INDEX_LAG_MS: i64 = 180_000;

impl Engine {
    /// Reads by id what is to be planned. ClickUp last: it has no compare-and-swap, so its read stays close to a write.
    pub(super) async fn read(
        &self,
        focus: &mut BTreeMap<PairName, Focus>,
        observed: &mut Observed,
    ) -> Result<(), CycleError> {
        let mut answers: Sided<BTreeMap<ItemId, Fetched>> = Sided::default();
        for side in Side::BOTH {
            let mut wanted: BTreeSet<ItemId> = BTreeSet::new();
            for focus in focus.values() {
                let seen = |id: &ItemId| {
                    focus.held.ado.contains_key(id)
                        || matches!(answers.ado.get(id), Some(Fetched::Seen(_)))
                };
                // A task whose work item is not there may be about to be closed or deleted, and that write tests no version:
                // no listing is enough then.
                let unread = focus.links.values().filter(|link| {
                    let held = focus.held.get(side).contains_key(link.item(side));
                    !held || !capabilities::of(side).compares_versions && !seen(&link.ado)
                });
                wanted.extend(unread.map(|link| link.item(side).clone()));
                let unread = focus
                    .fresh
                    .get(side)
                    .iter()
                    .filter(|(_, item)| item.is_none());
                wanted.extend(unread.map(|(id, _)| id.clone()));
            }
            observed.read_at = self.clock.now();
            if !wanted.is_empty() {
                let mut read = self.readers.get(side).fetch_items(&wanted).await?;
                self.refuse_older(side, &mut read)?;
                *answers.get_mut(side) = read;
            }
        }
        read_presences(focus, answers, observed);
        self.read_unanswered(focus, observed).await
    }

    /// A version older than one that was seen before comes from a cache or a replica that lags. What it shows was true
    /// once; acting on it would undo what was written since.
    pub(in crate::engine) fn refuse_older(
        &self,
        side: Side,
        read: &mut BTreeMap<ItemId, Fetched>,
    ) -> Result<(), StoreError> {
        let store = self.store();
        for (id, fetched) in read.iter_mut() {
            let Fetched::Seen(item) = fetched else {
                continue;
            };
            let newest = store.newest(side, id)?;
            let Some(newest) = newest.filter(|newest| *newest > item.version) else {
                continue;
            };
            let reason = format!(
                "{side} answered with version {} although {newest} was seen before; read again later",
                item.version
            );
            *fetched = Fetched::Unclear { reason };
        }
        Ok(())
    }

    /// The service's clock as of its last answer, or ours where it never said.
    pub(in crate::engine) fn server_time(&self, side: Side, observed: &Observed) -> Timestamp {
        let reader = self.readers.get(side);
        reader.server_now().unwrap_or(observed.read_at)
    }

    pub(super) fn presence(
        &self,
        side: Side,
        link: &LinkRow,
        focus: &Focus,
        observed: &mut Observed,
    ) -> Presence {
        let id = link.item(side);
        let listed = focus.listed.get(side).contains(id);
        if let Some(item) = observed.items.get(side).get(id) {
            // Where its place does not tell, a full listing of both sides does; a delta names one side at best.
            let out = match (focus.swept, self.readers.get(side).covers(&link.pair, item)) {
                (_, Some(false)) => true,
                (true, _) => !listed,
                (false, Some(true)) => false,
                (false, None) => !listed && matches!(link.state, LinkState::OutOfScope),
            };
            // What changed a moment ago may be unlisted only because the index lags. Nothing flows meanwhile, and the
            // sweep comes again in the next cycle.
            let age = self.server_time(side, observed).since(item.changed_at);
            let item = Box::new(item.clone());
            if focus.swept && out && !listed && age < INDEX_LAG_MS {
                observed.unsettled.insert(link.pair.clone());
            }
            return if out {
                Presence::OutOfScope(item)
            } else {
                Presence::Seen(item)
            };
        }
        match observed.gone.get(side).get(id) {
            Some(Ok(evidence)) if capabilities::of(side).proves_deletion => Presence::Gone {
                evidence: evidence.clone(),
            },
            Some(Ok(evidence)) => {
                // It shows no recycle bin, so one answer is not enough: two, some minutes apart by its own clock.
                let now = self.server_time(side, observed);
                let since = match &link.state {
                    LinkState::Missing {
                        side: missing,
                        since,
                    } if *missing == side => Some(*since),
                    _ => None,
                };
                match since {
                    Some(since) if now.since(since) >= self.timing.gone_ms => Presence::Gone {
                        evidence: evidence.clone(),
                    },
                    _ => {
                        let since = since.unwrap_or(now);
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

    /// Where a deleted item's counterpart may have left the scope unnoticed, nothing is concluded yet: a condition such
    /// as `ado.where` cannot be judged from the item, only a full listing tells, and that may lag behind a change. Such
    /// a listing is due in the next cycle.
    pub(super) fn doubt_scope(
        &self,
        link: &LinkRow,
        focus: &Focus,
        now: &mut Sided<Presence>,
        observed: &mut Observed,
    ) {
        for side in Side::BOTH {
            let gone = matches!(now.get(side.other()), Presence::Gone { .. });
            let Presence::Seen(item) = now.get(side) else {
                continue;
            };
            if !gone || self.readers.get(side).covers(&link.pair, item).is_some() {
                continue;
            }
            let listed = focus.listed.get(side).contains(link.item(side));
            let age = self.server_time(side, observed).since(item.changed_at);
            // Two reads of a missing task are this far apart anyway.
            let lag = INDEX_LAG_MS.min(self.timing.gone_ms);
            if listed && age.max(0) >= lag {
                continue;
            }
            observed.unsettled.insert(link.pair.clone());
            let reason = format!(
                "its counterpart was deleted in {}; whether it is still in the pair's scope shows in the next full listing",
                side.other()
            );
            *now.get_mut(side) = Presence::Unclear { reason };
        }
    }
}

/// Moves what was read into `observed`. Each item is there once: on the first contact of a large board every copy of the
/// long texts would count.
fn read_presences(
    focus: &mut BTreeMap<PairName, Focus>,
    mut answers: Sided<BTreeMap<ItemId, Fetched>>,
    observed: &mut Observed,
) {
    let mut gone: Sided<BTreeMap<ItemId, Result<String, String>>> = Sided::default();
    for side in Side::BOTH {
        let items = observed.items.get_mut(side);
        for (id, fetched) in std::mem::take(answers.get_mut(side)) {
            match fetched {
                Fetched::Seen(item) => {
                    items.insert(id, *item);
                }
                Fetched::Gone { evidence } => {
                    gone.get_mut(side).insert(id, Ok(evidence));
                }
                Fetched::Unclear { reason } => {
                    gone.get_mut(side).insert(id, Err(reason));
                }
            }
        }
        let read: BTreeSet<ItemId> = items.keys().chain(gone.get(side).keys()).cloned().collect();
        for focus in focus.values_mut() {
            for (id, item) in std::mem::take(focus.held.get_mut(side)) {
                if read.contains(&id) {
                    continue;
                }
                if !capabilities::of(side).compares_versions {
                    observed.unread.insert(id.clone());
                }
                items.insert(id, item);
            }
            for (id, slot) in focus.fresh.get_mut(side) {
                if let Some(item) = slot.take() {
                    items.entry(id.clone()).or_insert(item);
                }
            }
        }
    }
    observed.gone = gone;
}

/// Returns the state that a link goes to, by both sides together; `None`: it stays as it is, or another rule decides.
pub(super) fn scope_state(link: &LinkRow, now: &Sided<Presence>) -> Option<LinkState> {
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
