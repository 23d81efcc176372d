//! Reads by id, and what is known of whether an item is there. What follows is decided in [`crate::reconcile::presence`].

use super::{Focus, Observed};
use crate::capabilities;
use crate::connector::Fetched;
use crate::engine::{CycleError, Engine};
use crate::model::{FieldKey, Item, ItemId, PairName, Side, Sided, Timestamp};
use crate::reconcile::Presence;
use crate::reconcile::policy::{OnDelete, Policy};
use crate::reconcile::presence::{self, Facts, Found, Next, Place, Scope};
use crate::store::{LinkRow, LinkState, StoreError};
use std::collections::{BTreeMap, BTreeSet};

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
            let customs = self.customs_left_out(side);
            for (pair, focus) in focus.iter() {
                let customs = customs.get(pair);
                let seen = |id: &ItemId| {
                    focus.held.ado.contains_key(id)
                        || matches!(answers.ado.get(id), Some(Fetched::Seen(_)))
                };
                // A task whose work item is not there may be about to be closed or deleted, and that write tests no version:
                // no listing is enough then.
                let unread = focus.links.values().filter(|link| {
                    let held = focus.held.get(side).get(link.item(side));
                    let other = link.item(side.other());
                    let there = match answers.get(side.other()).get(other) {
                        Some(Fetched::Seen(item)) => Some(&**item),
                        _ => focus.held.get(side.other()).get(other),
                    };
                    held.is_none_or(|item| lacks_a_value(customs, item, there))
                        || !capabilities::of(side).compares_versions && !seen(&link.ado)
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
                refuse_older_than_listed(side, focus, &mut read);
                self.look_for_places(side, &read, focus, observed).await?;
                *answers.get_mut(side) = read;
            }
        }
        read_presences(focus, answers, observed);
        self.read_unanswered(focus, observed).await
    }

    /// Asks for the place of each pair of which a linked item is gone, after that was read. A pair whose place is gone stands
    /// still: nothing says that anybody deleted its items, and they may come back with it.
    ///
    /// Example: somebody moves a list into the trash, and an hour later renames a work item of its pair. The link is looked
    /// at, its task is in the trash, and without this question the work item would be deleted after it.
    async fn look_for_places(
        &self,
        side: Side,
        read: &BTreeMap<ItemId, Fetched>,
        focus: &mut BTreeMap<PairName, Focus>,
        observed: &mut Observed,
    ) -> Result<(), CycleError> {
        let gone = |link: &LinkRow| matches!(read.get(link.item(side)), Some(Fetched::Gone { .. }));
        let in_doubt = focus.iter().filter(|(_, one)| one.links.values().any(gone));
        let in_doubt: Vec<PairName> = in_doubt.map(|(pair, _)| pair.clone()).collect();
        for pair in in_doubt {
            if let Some(error) = self.readers.get(side).fetch_place(&pair).await? {
                focus.remove(&pair);
                observed.findings.swept.remove(&pair);
                observed.findings.troubled.insert(pair, error);
            }
        }
        Ok(())
    }

    /// Takes back what answers show that are older than what was seen before.
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
            if let Some(reason) = presence::older(side, item.version, store.newest(side, id)?) {
                *fetched = Fetched::Unclear { reason };
            }
        }
        Ok(())
    }

    /// The service's clock as of its last answer, or ours where it never said.
    pub(in crate::engine) fn server_time(&self, side: Side, observed: &Observed) -> Timestamp {
        let reader = self.readers.get(side);
        reader.server_now().unwrap_or(observed.read_at)
    }

    /// What is known of one item of a link.
    fn facts<'a>(
        &self,
        side: Side,
        link: &LinkRow,
        focus: &Focus,
        observed: &'a Observed,
    ) -> Facts<'a> {
        let id = link.item(side);
        let item = observed.items.get(side).get(id);
        let found = match (item, observed.findings.gone.get(side).get(id)) {
            (Some(item), _) => Found::Item(item),
            (None, Some(Ok(evidence))) => Found::Gone(evidence),
            (None, Some(Err(reason))) => Found::Unclear(reason),
            (None, None) => Found::Nothing,
        };
        Facts {
            side,
            found,
            place: Place {
                covers: item.and_then(|item| self.readers.get(side).covers(&link.pair, item)),
                listed: focus.listed.get(side).contains(id),
                swept: focus.swept,
                was_out: matches!(link.state, LinkState::OutOfScope),
            },
            missing_since: match &link.state {
                LinkState::Missing {
                    side: missing,
                    since,
                } if *missing == side => Some(*since),
                _ => None,
            },
            now: self.server_time(side, observed),
            gone_ms: self.timing.gone_ms,
        }
    }

    /// What both items of a link are, and whether the link is in its pair.
    pub(super) fn presences(
        &self,
        policy: &Policy,
        link: &LinkRow,
        focus: &Focus,
        observed: &mut Observed,
    ) -> Sided<Presence> {
        let seen: &Observed = observed;
        let facts = Sided::build(|side| self.facts(side, link, focus, seen));
        let places = Sided::build(|side| facts.get(side).place);
        let [ado, clickup] = Side::BOTH.map(|side| presence::presence(facts.get(side)));
        let (mut now, next) = (
            Sided {
                ado: ado.0,
                clickup: clickup.0,
            },
            Sided {
                ado: ado.1,
                clickup: clickup.1,
            },
        );
        let mut doubted = Sided::default();
        // Where nothing is ever deleted or closed, only the link ends either way.
        if policy.on_delete != OnDelete::Unlink {
            for side in Side::BOTH {
                let (own, other) = (now.get(side), now.get(side.other()));
                *doubted.get_mut(side) = presence::doubted(facts.get(side), own, other);
            }
        }
        for side in Side::BOTH {
            note_next(side, link, *next.get(side), observed);
            if let Some(reason) = std::mem::take(doubted.get_mut(side)) {
                observed.findings.unsettled.insert(link.pair.clone());
                *now.get_mut(side) = Presence::Unclear { reason };
            }
        }
        note_scope(link, &places, &now, observed);
        now
    }
}

/// Takes back what answers show that are older than what a listing of this very cycle showed. A database that was put back does
/// not know of that version.
///
/// Example: a title goes from Azure DevOps to ClickUp, somebody sets the old one again there, and the database is put back to
/// before all that. A listing shows the work item at version 4, and the read that follows comes from a replica that still has
/// version 3, with the old title. By that answer both sides would agree on the old title, and the work item's title would be
/// new the next time: it would go over once more.
fn refuse_older_than_listed(
    side: Side,
    focus: &BTreeMap<PairName, Focus>,
    read: &mut BTreeMap<ItemId, Fetched>,
) {
    for (id, fetched) in read.iter_mut() {
        let Fetched::Seen(item) = fetched else {
            continue;
        };
        let listed = focus.values();
        let listed = listed.filter_map(|focus| focus.versions.get(side).get(id));
        if let Some(reason) = presence::older(side, item.version, listed.max().copied()) {
            *fetched = Fetched::Unclear { reason };
        }
    }
}

/// Whether a row leaves a custom field out of which the other item has a value: only a read by id tells that it is empty.
///
/// Example: an entry is added for a field of which many work items have a value and no task has. Listings show tasks without it.
fn lacks_a_value(customs: Option<&BTreeSet<FieldKey>>, item: &Item, there: Option<&Item>) -> bool {
    let has = |key: &FieldKey| {
        let value = there.and_then(|there| there.fields.get(key));
        value.is_some_and(|value| !value.is_empty())
    };
    let mut missing = (customs.into_iter().flatten()).filter(|key| !item.fields.contains_key(*key));
    missing.any(has)
}

/// Remembers what is to be asked again before more is concluded of an item.
fn note_next(side: Side, link: &LinkRow, next: Next, observed: &mut Observed) {
    match next {
        Next::Nothing => {}
        Next::Sweep => {
            observed.findings.unsettled.insert(link.pair.clone());
        }
        Next::Ask { since } => {
            let missing = LinkState::Missing { side, since };
            observed.findings.states.push((link.id, missing));
            let again = observed.findings.again.entry(link.pair.clone());
            again.or_default().insert(link.id);
        }
    }
}

/// Remembers the state that a link goes to by what was read and listed.
fn note_scope(
    link: &LinkRow,
    places: &Sided<Place>,
    now: &Sided<Presence>,
    observed: &mut Observed,
) {
    let state = match presence::scope(now, places) {
        Some(Scope::Inside) => LinkState::Active,
        Some(Scope::Outside) => LinkState::OutOfScope,
        None => return,
    };
    // What was noted of this link a moment ago stands last.
    let mut last = observed.findings.states.iter().rev().take(2);
    if state != link.state && last.all(|(id, _)| *id != link.id) {
        observed.findings.states.push((link.id, state));
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
                    observed.findings.unread.insert(id.clone());
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
    observed.findings.gone = gone;
}
