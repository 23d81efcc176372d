//! Taking back what was written: a plan of inverse writes, carried out as a run of its own.

use super::journal::{Found, Links, Target};
use crate::connector::{ConnectorError, ErrorKind, Fetched};
use crate::engine::apply::{Consent, Report};
use crate::engine::observe::{self, INDEX_LAG_MS, Observed, sent};
use crate::engine::{CycleError, Engine, Writers};
use crate::model::{BaseState, FieldKey, Item, ItemId, LinkId, PairName, Side, Sided};
use crate::reason::SettledBy;
use crate::reconcile::doubt::{self, Fate};
use crate::reconcile::merge::agree;
use crate::reconcile::plan::{Action, ActionKind, Hold, PairPlan, Plan};
use crate::reconcile::undo::{By, Traces, UndoLink, undo as invert};
use crate::reconcile::{Presence, plan_of};
use crate::store::{Batch, CycleRow, LinkState, Op, Store, StoreError, TransitRow};
use std::collections::{BTreeMap, BTreeSet};

/// What stays as it is, by pair.
pub type Left = BTreeMap<PairName, Vec<Hold>>;

impl Engine {
    /// Turns the policies into those that were approved: an undo says nothing about a mapping that waits for a yes, and
    /// puts no back-links on anything.
    ///
    /// # Errors
    /// Only the database's.
    pub fn keep_approvals(&mut self) -> Result<(), StoreError> {
        for at in 0..self.policies.len() {
            let Some(pair) = self.policies.get(at).map(|policy| policy.pair.clone()) else {
                continue;
            };
            let approved = self.store().pair_state(&pair)?.fingerprint;
            if let Some(policy) = self.policies.get_mut(at) {
                policy.backlink = false;
                policy.fingerprint = approved.unwrap_or_default();
            }
        }
        Ok(())
    }

    /// Reads every item that is to be written to, with its counterpart, and plans what takes `links` back.
    ///
    /// # Errors
    /// A service that cannot be read, or the database.
    pub async fn plan_undo(
        &self,
        links: Links,
        target: &Target,
        delete_created: bool,
    ) -> Result<(Observed, Left), CycleError> {
        let mut observed = Observed::empty(self.clock.now());
        let mut read: Sided<BTreeMap<ItemId, Fetched>> = Sided::default();
        let mut listed: Sided<BTreeMap<PairName, BTreeSet<ItemId>>> = Sided::default();
        // ClickUp last: it has no compare-and-swap, so its read stays close to the write.
        for side in Side::BOTH {
            let ids: BTreeSet<ItemId> = links
                .values()
                .flat_map(BTreeMap::values)
                .map(|found| found.row.item(side).clone())
                .collect();
            observed.read_at = self.clock.now();
            if !ids.is_empty() {
                let mut items = self.readers.get(side).fetch_items(&ids).await?;
                self.refuse_older(side, &mut items)?;
                *listed.get_mut(side) = self.listed_in(&links, side, &items).await?;
                *read.get_mut(side) = items;
            }
        }
        let mut traces: BTreeMap<(LinkId, Side), Traces> = BTreeMap::new();
        let made = made_and_there(&links, &read);
        let every = links.values().flat_map(BTreeMap::values);
        for found in every.filter(|_| delete_created) {
            // Of an item that somebody deleted there is nothing to ask.
            let there = |side: &Side| {
                let now = read.get(*side).get(found.row.item(*side));
                matches!(now, Some(Fetched::Seen(_)))
            };
            if let Some(side) = created_on(found).filter(there) {
                let seen = self.traces(side, found.row.item(side), &made).await?;
                traces.insert((found.row.id, side), seen);
            }
        }
        let (mut plans, mut left) = (Vec::new(), Left::new());
        let store = self.store();
        let unanswered = store.transits()?;
        for (pair, links) in links {
            let Some(policy) = self.policy(&pair) else {
                continue;
            };
            let mut again = store.revisits(&pair)?;
            again.extend(links.keys().copied());
            observed.findings.again.insert(pair.clone(), again);
            let mut views = Vec::new();
            for found in links.into_values() {
                let scope = |side: Side, item: &Item| {
                    let left = matches!(found.row.state, LinkState::OutOfScope);
                    let inside = self.readers.get(side).covers(&pair, item);
                    let age = self.server_time(side, &observed).since(item.changed_at);
                    inside.unwrap_or_else(|| match listed.get(side).get(&pair) {
                        Some(ids) if ids.contains(&item.id) => true,
                        // What changed a moment ago may be unlisted only because the index lags.
                        Some(_) if age >= INDEX_LAG_MS => false,
                        Some(_) | None => !left,
                    })
                };
                let mut now = Sided::build(|side| presence(side, &found, &read, scope));
                self.doubt_moved(&pair, &mut now, &observed);
                let base = store.base(found.row.id)?;
                doubt_unanswered(&unanswered, (found.row.id, &base), &mut now);
                views.push(view(&store, &pair, found, now, &mut traces)?);
            }
            let mut done = invert(policy, &views, delete_created, &target.cause());
            plans.push(done.plan);
            // Of an item that was linked twice one sentence says what stays of both links.
            let mut told = BTreeSet::new();
            done.left.retain(|hold| {
                let subject = hold.subject.to_string();
                told.insert((hold.side, hold.item.clone(), subject, hold.reason()))
            });
            if !done.left.is_empty() {
                left.insert(pair, done.left);
            }
        }
        for side in Side::BOTH {
            *observed.watermarks.get_mut(side) = store.watermark(side)?;
            for (id, fetched) in std::mem::take(read.get_mut(side)) {
                match fetched {
                    Fetched::Seen(item) => {
                        observed.items.get_mut(side).insert(id, *item);
                    }
                    Fetched::Gone { evidence } => {
                        let gone = observed.findings.gone.get_mut(side);
                        gone.insert(id, Ok(evidence));
                    }
                    Fetched::Unclear { .. } => {}
                }
            }
        }
        observed.plan = plan_of(self.clock.now(), plans);
        Ok((observed, left))
    }

    /// Lists the pairs in full of which an item is to be written to whose place does not tell whether it is still in the
    /// scope (`ado.where`): whoever took it out of there changed nothing that a read by its number shows. A pair that cannot
    /// be listed is left out.
    async fn listed_in(
        &self,
        links: &Links,
        side: Side,
        read: &BTreeMap<ItemId, Fetched>,
    ) -> Result<BTreeMap<PairName, BTreeSet<ItemId>>, ConnectorError> {
        let reader = self.readers.get(side);
        let hidden = |pair: &PairName, found: &Found| match read.get(found.row.item(side)) {
            Some(Fetched::Seen(item)) => reader.covers(pair, item).is_none(),
            Some(Fetched::Gone { .. } | Fetched::Unclear { .. }) | None => false,
        };
        let pairs = links.iter().filter(|(pair, found)| {
            self.policy(pair).is_some() && found.values().any(|found| hidden(pair, found))
        });
        let pairs: BTreeSet<PairName> = pairs.map(|(pair, _)| pair.clone()).collect();
        if pairs.is_empty() {
            return Ok(BTreeMap::new());
        }
        let listing = reader.fetch_all(&pairs).await?;
        let there = pairs
            .into_iter()
            .filter(|pair| !listing.failed.contains_key(pair));
        let mut listed: BTreeMap<PairName, BTreeSet<ItemId>> =
            there.map(|pair| (pair, BTreeSet::new())).collect();
        for row in listing.rows {
            if let Some(ids) = listed.get_mut(&row.pair) {
                ids.insert(row.id);
            }
        }
        Ok(listed)
    }

    /// Nothing is written to an item whose counterpart was deleted while nobody can tell whether it is still in the pair:
    /// its place does not say so, and a listing lags behind what changed a moment ago. Example: the task of a Bug is
    /// deleted, somebody takes the tag off the Bug that `ado.where` asks for, and a second later somebody else undoes
    /// what was written to it.
    fn doubt_moved(&self, pair: &PairName, now: &mut Sided<Presence>, observed: &Observed) {
        for side in Side::BOTH {
            let gone = matches!(now.get(side.other()), Presence::Gone { .. });
            let Presence::Seen(item) = now.get(side) else {
                continue;
            };
            let age = self.server_time(side, observed).since(item.changed_at);
            let told = self.readers.get(side).covers(pair, item).is_some() || age >= INDEX_LAG_MS;
            if gone && !told {
                let reason = format!(
                    "it was changed a moment ago and its counterpart was deleted in {}; whether it is still in the \
                     pair's scope shows in some minutes, so undo it then",
                    side.other()
                );
                *now.get_mut(side) = Presence::Unclear { reason };
            }
        }
    }

    /// What people left at an item that is to be deleted. Below it may stand what was `made` by the same: that goes as well.
    async fn traces(
        &self,
        side: Side,
        item: &ItemId,
        made: &BTreeSet<(Side, ItemId)>,
    ) -> Result<Traces, CycleError> {
        let mut seen = match self.readers.get(side).fetch_traces(item).await {
            // It was deleted since it was read. That is about this item alone, and the others go on.
            Err(error) if error.kind == ErrorKind::NotFound => {
                return Ok(Traces::Unknown(
                    "whether it has comments or files".to_owned(),
                ));
            }
            seen => seen?,
        };
        let below = self.store().linked_children(side, item)?;
        let below: BTreeSet<ItemId> = below
            .into_iter()
            .filter(|child| made.contains(&(side, child.clone())))
            .collect();
        seen.children = seen.children.map(|count| count.saturating_sub(below.len()));
        let told = [
            (seen.comments, "comment"),
            (seen.files, "file"),
            (seen.children, "subtask"),
        ];
        let some: Vec<String> = told
            .iter()
            .filter_map(|(count, what)| match count {
                None | Some(0) => None,
                Some(1) => Some(format!("a {what}")),
                Some(n) => Some(format!("{n} {what}s")),
            })
            .collect();
        if !some.is_empty() {
            return Ok(Traces::Some(some.join(" and ")));
        }
        let dark: Vec<String> = told
            .iter()
            .filter(|(count, _)| count.is_none())
            .map(|(_, what)| format!("{what}s"))
            .collect();
        Ok(match dark.is_empty() {
            true if below.is_empty() => Traces::None,
            true => Traces::Below(below),
            false => Traces::Unknown(format!("whether it has {}", dark.join(" or "))),
        })
    }

    /// Carries the plan out as a run of its own. It says nothing about how fresh a pair is, so that is put back.
    ///
    /// # Errors
    /// As [`Engine::apply`].
    pub async fn carry_out_undo(
        &self,
        writers: &Writers,
        observed: &Observed,
        target: &Target,
    ) -> Result<Report, CycleError> {
        let consent = Consent {
            first_contact: false,
            hashes: hashes(&observed.plan),
        };
        let mut states = Vec::new();
        for pair in &observed.plan.pairs {
            states.push((pair.pair.clone(), self.store().pair_state(&pair.pair)?));
        }
        let mut report = self.apply(writers, observed, &consent).await?;
        let mut store = self.store();
        let mut ops: Vec<Op> = states
            .into_iter()
            .map(|(pair, state)| Op::SetPairState { pair, state })
            .collect();
        ops.extend(store.cycle(&report.cycle)?.map(|run| {
            Op::SaveCycle(CycleRow {
                cause: target.cause(),
                ..run
            })
        }));
        ops.extend(self.settled_by_undo(&store, &observed.plan)?);
        store.commit(&Batch(ops))?;
        drop(store);
        // Those that have just ended were still open when the run ended.
        report.open = self.open_conflicts(observed)?;
        Ok(report)
    }

    /// Ends the open conflicts of fields that were taken back and about which both sides agree now. Example: an undo left a
    /// title apart, and the undo of that undo has put it back. The next cycle would end the conflict as well, and until then
    /// people would be asked to choose between two values that are the same.
    fn settled_by_undo(&self, store: &Store, plan: &Plan) -> Result<Vec<Op>, StoreError> {
        let mut ops = Vec::new();
        for open in store.conflicts(true)? {
            let (link, field) = (open.record.link, &open.record.field);
            let base = store.base(link)?.remove(field);
            let (Some(base), Some(policy)) = (base, self.policy(&open.record.pair)) else {
                continue;
            };
            // A write that failed, or that had no answer, leaves the base of before, about which both sides agree as well.
            let is_there = |action: &Action| {
                let mut changes = action.changes.iter();
                changes.any(|change| {
                    change.field == *field && *base.get(action.target).value() == change.after
                })
            };
            let mut actions = plan.pairs.iter().flat_map(|pair| &pair.actions);
            let written = actions.any(|action| action.link == Some(link) && is_there(action));
            let shown = Side::BOTH.map(|side| matches!(base.get(side), BaseState::Shown(_)));
            let values = base.map(|_, half| half.value().clone());
            if written && shown == [true, true] && agree(field, &values, policy) {
                ops.push(Op::ResolveConflict {
                    id: open.id,
                    taken: None,
                    by: SettledBy::Agreed,
                    at: self.clock.now(),
                });
            }
        }
        Ok(ops)
    }
}

/// Returns the hashes of every pair's plan.
pub fn hashes(plan: &Plan) -> BTreeSet<String> {
    plan.pairs.iter().map(PairPlan::hash).collect()
}

/// The items that were made by what is taken back and that are still there.
fn made_and_there(
    links: &Links,
    read: &Sided<BTreeMap<ItemId, Fetched>>,
) -> BTreeSet<(Side, ItemId)> {
    let found = links.values().flat_map(BTreeMap::values);
    let made = found.filter_map(|found| {
        let side = created_on(found)?;
        let item = found.row.item(side);
        let there = matches!(read.get(side).get(item), Some(Fetched::Seen(_)));
        there.then(|| (side, item.clone()))
    });
    made.collect()
}

/// Returns the side on which what is taken back made the item, if it did.
fn created_on(found: &Found) -> Option<Side> {
    let made = |kind| matches!(kind, ActionKind::Create | ActionKind::Restore);
    let mut deeds = found.deeds.iter();
    let deed = deeds.find(|deed| deed.by == By::Target && made(deed.kind))?;
    Some(deed.side)
}

/// Nothing is written to an item of which nobody knows yet what became of an earlier request: it may stand at a step of ours,
/// and after one more write of ours that step would count as somebody's edit. Example: a state goes from New to Resolved by
/// way of Active, and the process dies at Active. An undo of the description would leave an Active that nobody can explain.
/// What is sent in one request, and not cut as a text may be, is in doubt only where it may have been set back since.
///
/// A step that is its side's base already was judged. Its note only waits for a later step.
fn doubt_unanswered(
    unanswered: &[TransitRow],
    (link, base): (LinkId, &BTreeMap<FieldKey, Sided<BaseState>>),
    now: &mut Sided<Presence>,
) {
    for row in unanswered.iter().filter(|row| row.link == link) {
        let Presence::Seen(item) = now.get(row.side) else {
            continue;
        };
        let shown = item.fields.get(&row.field);
        let base = base.get(&row.field).map(|base| base.get(row.side));
        let judged = row.via.iter().any(|step| {
            shown == Some(step) && base.is_some_and(|base| !base.is_sent() && base.value() == step)
        });
        let kind = row.field.kind_of([&row.wanted, &row.origin]);
        let at_once = row.via.is_empty() && !kind.is_rendered();
        let told = at_once
            && doubt::judge(&sent(row, base.map(BaseState::value)), item, &[]) == Fate::Told;
        if !judged && !told {
            let reason = format!(
                "an earlier request about its {} was cut short, and the next cycle tells what became of it; run \
                 `boardsync reconcile --once`, then undo it",
                row.field
            );
            *now.get_mut(row.side) = Presence::Unclear { reason };
        }
    }
}

/// What was read of one side of a link. `inside` says whether an item is in the scope of the pair.
fn presence(
    side: Side,
    found: &Found,
    read: &Sided<BTreeMap<ItemId, Fetched>>,
    inside: impl Fn(Side, &Item) -> bool,
) -> Presence {
    match read.get(side).get(found.row.item(side)) {
        Some(Fetched::Seen(item)) if inside(side, item) => Presence::Seen(item.clone()),
        Some(Fetched::Seen(item)) => Presence::OutOfScope(item.clone()),
        Some(Fetched::Gone { evidence }) => Presence::Gone {
            evidence: evidence.clone(),
        },
        Some(Fetched::Unclear { reason }) => Presence::Unclear {
            reason: reason.clone(),
        },
        None => Presence::Unclear {
            reason: "it was not read".to_owned(),
        },
    }
}

fn view(
    store: &Store,
    pair: &PairName,
    found: Found,
    now: Sided<Presence>,
    traces: &mut BTreeMap<(LinkId, Side), Traces>,
) -> Result<UndoLink, StoreError> {
    let Found {
        row,
        deeds,
        carried_back,
    } = found;
    let mut linked = Sided::build(|_| false);
    for side in Side::BOTH {
        let link = store.link_by_item(pair, side, row.item(side))?;
        *linked.get_mut(side) = link.is_some_and(|link| link.state.is_living());
    }
    let mut by_hand = Sided::build(|_| false);
    for side in Side::BOTH {
        let links = store.find_item(row.item(side))?;
        *by_hand.get_mut(side) = links.iter().any(|link| {
            let living = link.item(side) == row.item(side) && link.state.is_living();
            living && link.origin.is_none()
        });
    }
    Ok(UndoLink {
        link: row.id,
        items: Sided::build(|side| row.item(side).clone()),
        base: observe::base_of(store, row.id)?,
        now,
        linked,
        living: row.state.is_living(),
        by_hand,
        waiting: observe::chosen(store, row.id)?.into_keys().collect(),
        carried_back,
        traces: Sided::build(|side| traces.remove(&(row.id, side)).unwrap_or(Traces::None)),
        deeds,
    })
}
