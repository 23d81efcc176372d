//! What the planner is shown: stored bases beside what was read, and where unlinked items came from.

use super::origin::{Deleted, Named};
use super::{Focus, Looks, Observed, chosen, half_way, listing, retyped, values};
use crate::connector::answer;
use crate::engine::Engine;
use crate::model::{BaseState, FieldKey, FieldValue, Item, LinkId, PairName, Side, Sided};
use crate::reason::{HoldWhy, JournalKind, Outcome, ReadWhy};
use crate::reconcile::plan::PairPlan;
use crate::reconcile::policy::Policy;
use crate::reconcile::{
    FreshItem, LinkView, Origin, Presence, View, doubted, noise, origin, settle,
};
use crate::store::{LinkRow, Store, StoreError};
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

/// Returns what an item shows of values that were sent and not shown yet, at the version of that very write. At a later
/// version only what is still ours for certain counts.
fn looks(
    store: &Store,
    side: Side,
    link: &LinkRow,
    now: Option<&Item>,
) -> Result<Looks, StoreError> {
    let Some(now) = now else {
        return Ok(Looks::new());
    };
    let known = store.known(side, &now.id)?;
    let mut open = store.sent_only(link.id, side)?;
    if known.is_none_or(|known| known.version != now.version) {
        open.retain(|key, base| {
            let sent = base.get(side).value();
            now.fields.get(key).is_some_and(|shown| {
                settle::still_ours(sent, answer::in_force(side, key, sent, shown))
            })
        });
    }
    Ok(listing::looks_at(side, &open, now))
}

/// Remembers new bases of a link between whose items nothing flows, of fields of which somebody has left what was measured.
/// What a note is about may be a step of ours, which nobody has judged yet.
fn note_unmeasured(
    link: &LinkRow,
    (base, now): (&BTreeMap<FieldKey, Sided<BaseState>>, &Sided<Presence>),
    policy: &Policy,
    observed: &mut Observed,
) {
    let flows = now
        .iter()
        .all(|(_, there)| matches!(there, Presence::Seen(_)));
    if flows {
        return;
    }
    let noted = half_way::noted(link.id, observed);
    let left = |(key, base): (&FieldKey, &Sided<BaseState>)| {
        let shown = |side| now.get(side).item()?.fields.get(key);
        let base = settle::unmeasured(key, base, &Sided::build(shown), policy)?;
        Some((key.clone(), base))
    };
    let open = base.iter().filter(|(key, _)| !noted.contains(*key));
    let left: BTreeMap<_, _> = open.filter_map(left).collect();
    if !left.is_empty() {
        observed.findings.unmeasured.insert(link.id, left);
    }
}

/// The custom fields that a look before this one did not find in the answers about a link, and that no answer has shown since.
///
/// Example: the read of a task leaves a field out, and the answer to the write that follows shows it. Then it has the field, and
/// the next read that leaves it out says no more than the first.
fn left_out(
    store: &Store,
    policy: &Policy,
) -> Result<BTreeMap<LinkId, BTreeSet<FieldKey>>, StoreError> {
    let mut left_out: BTreeMap<LinkId, BTreeSet<FieldKey>> = BTreeMap::new();
    if !policy.fields.keys().any(FieldKey::is_custom) {
        return Ok(left_out);
    }
    for hold in store.holds(Some(&policy.pair))? {
        let (HoldWhy::Read(ReadWhy::FieldLeftOut { side, field }), Some(link), Some(item)) =
            (hold.why, hold.link, &hold.item)
        else {
            continue;
        };
        let seen = store.observation(side, item)?;
        if seen.is_none_or(|seen| !seen.item.fields.contains_key(&field)) {
            left_out.entry(link).or_default().insert(field);
        }
    }
    Ok(left_out)
}

impl Engine {
    /// Plans one pair from what was read of it.
    pub(super) fn plan_pair(
        &self,
        store: &Store,
        policy: &Policy,
        focus: &Focus,
        named: &Named,
        observed: &mut Observed,
    ) -> Result<PairPlan, StoreError> {
        let view = self.view(store, policy, focus, named, observed)?;
        let plan = self.decide(store, &view, policy, &observed.findings.swept);
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
        named: &Named,
        observed: &mut Observed,
    ) -> Result<View, StoreError> {
        let mut view = View {
            total_links: focus.total,
            ..View::default()
        };
        let pair = &policy.pair;
        let mut left_out = left_out(store, policy)?;
        for link in focus.links.values() {
            let now = self.presences(policy, link, focus, observed);
            let linked = self.linked(store, policy, (link, now), &mut view, observed)?;
            let left_out = left_out.remove(&link.id).unwrap_or_default();
            view.links.push(LinkView { left_out, ..linked });
        }
        if view.noise != Sided::default() {
            view.bases = store.count_bases(pair)?;
        }
        let waits = store.waiting(pair)?;
        for side in Side::BOTH {
            for id in focus.fresh.get(side).keys() {
                // It is given back when the plan is made.
                let Some(item) = observed.items.get_mut(side).remove(id) else {
                    if let Some(Err(reason)) = observed.findings.gone.get(side).get(id) {
                        let unreadable = (side, id.clone(), reason.clone());
                        let all = observed.findings.unreadable.entry(pair.clone());
                        all.or_default().push(unreadable);
                    }
                    continue;
                };
                let seen = observed.findings.fresh.entry(pair.clone()).or_default();
                seen.push((side, id.clone()));
                let covers = self.readers.get(side).covers(pair, &item);
                let place = named.place((pair, focus.swept), side, &item, covers);
                if place.has_left() {
                    observed.items.get_mut(side).insert(item.id.clone(), item);
                    continue;
                }
                let listed = self.listed_at((pair, named), side, &item, &waits, observed);
                let versions = observed.findings.listed_at.entry(pair.clone()).or_default();
                let version = listed.map(|version| (id.clone(), version));
                versions.get_mut(side).extend(version);
                let deleted = &observed.findings.deleted;
                let mut origin =
                    self.fresh_origin(store, pair, side, &item, (named, focus.swept, deleted))?;
                if let Origin::Former { of } = &origin
                    && !focus.swept
                    && !focus.fresh.get(side.other()).contains_key(of)
                {
                    // Only a full listing tells whether it is in this pair too.
                    observed.findings.unsettled.insert(pair.clone());
                }
                if place.may_have_left(&origin, item.version, listed) {
                    observed.findings.unsettled.insert(pair.clone());
                    origin = origin::unsettled();
                }
                view.fresh.get_mut(side).push(FreshItem { item, origin });
            }
        }
        Ok(view)
    }

    /// A link with its bases, and with what an earlier write of ours or an earlier way of reading left behind set right.
    fn linked(
        &self,
        store: &Store,
        policy: &Policy,
        (link, now): (&LinkRow, Sided<Presence>),
        view: &mut View,
        observed: &mut Observed,
    ) -> Result<LinkView, StoreError> {
        let items = Sided::build(|side| link.item(side).clone());
        let mut base = store.base(link.id)?;
        for side in Side::BOTH {
            let looks = looks(store, side, link, now.get(side).item())?;
            observed.findings.look(link.id, looks);
        }
        if let Some(looks) = observed.findings.looks.get(&link.id) {
            base.extend(listing::told(&base, looks).fields);
        }
        note_unmeasured(link, (&base, &now), policy, observed);
        let shown: BTreeSet<FieldKey> = base
            .iter()
            .filter(|(_, base)| {
                let mut halves = base.iter();
                !halves.any(|(_, half)| half.is_sent() || half.is_doubted())
            })
            .map(|(key, _)| key.clone())
            .collect();
        let links = observed
            .findings
            .links
            .entry(link.pair.clone())
            .or_default();
        links.push((link.id, items.clone()));
        let mut linked = LinkView {
            link: link.id,
            items,
            doubted: doubted(&base),
            base: values(base),
            now,
            chosen: chosen(store, link.id)?,
            contested: store.contested(link.id)?,
            removed: None,
            left_out: BTreeSet::new(),
            as_seen: BTreeSet::new(),
        };
        linked.removed = removed(store, &linked)?;
        linked.as_seen = as_seen(store, &linked)?;
        for side in Side::BOTH {
            let mut found = reread(store, side, &linked)?;
            // What a side has not shown yet, or what is in doubt, is no ground to judge its reading by.
            found.retain(|key, _| shown.contains(key));
            linked = noise::settle(view, linked, side, found);
        }
        for side in Side::BOTH {
            half_way::settle(side, &mut linked, policy, observed);
        }
        retyped::refill(store, &mut linked)?;
        Ok(linked)
    }

    /// Where an unlinked item came from, by its marker and by what was said of it before.
    fn fresh_origin(
        &self,
        store: &Store,
        pair: &PairName,
        side: Side,
        item: &Item,
        (named, swept, deleted): (&Named, bool, &Deleted),
    ) -> Result<Origin, StoreError> {
        let mut origin = deleted.judge(side, self.origin(store, pair, side, item)?);
        if origin == Origin::Person {
            origin = named.origin(pair, side, &item.id);
        }
        if origin::counts_before(&origin, swept) {
            let rows = store.holds_of(pair, side, &item.id)?.into_iter();
            origin = origin::held_before(origin, rows.map(|row| row.why));
        }
        Ok(origin)
    }
}

/// The fields of an item whose counterpart was deleted that show what it showed when it was seen last.
fn as_seen(store: &Store, linked: &LinkView) -> Result<BTreeSet<FieldKey>, StoreError> {
    let mut same = BTreeSet::new();
    for side in Side::BOTH {
        let gone = matches!(linked.now.get(side.other()), Presence::Gone { .. });
        let Some(now) = linked.now.get(side).item().filter(|_| gone) else {
            continue;
        };
        let before = store.observation(side, &now.id)?;
        let before = before.map(|seen| seen.item.fields).unwrap_or_default();
        let kept = now
            .fields
            .iter()
            .filter(|(key, value)| before.get(*key) == Some(*value));
        same.extend(kept.map(|(key, _)| key.clone()));
    }
    Ok(same)
}

/// The side whose item is gone, beside a counterpart that is there, where the last that was noted of it is a request to remove
/// it: that was in force, or nobody can tell.
fn removed(store: &Store, linked: &LinkView) -> Result<Option<Side>, StoreError> {
    let gone = Side::BOTH.into_iter().find(|side| {
        let gone = matches!(linked.now.get(*side), Presence::Gone { .. });
        gone && linked.now.get(side.other()).item().is_some()
    });
    let Some(side) = gone else { return Ok(None) };
    let rows = store.journal_of_link(linked.link)?.into_iter();
    let removals =
        rows.filter(|row| row.entry.kind == JournalKind::Delete && row.entry.side == side);
    let last = removals.last();
    let unanswered = last.is_some_and(|row| row.entry.outcome == Outcome::Sent);
    Ok(unanswered.then_some(side))
}
