//! `verify`: both sides read in full and compared with each other and with their base. Writes nothing.

use super::survey::Survey;
use super::when::when;
use super::{Context, Failure, cycle, next, note, print, print_json, setup};
use crate::cli::{ExitCode, VerifyArgs};
use crate::clock::SystemClock;
use crate::engine::Engine;
use crate::engine::observe::{self, Deleted};
use crate::model::{Clock, FieldKey, ItemId, PairName, Side, Sided, Subject};
use crate::reason::links_add;
use crate::reconcile::drift::{Difference, DriftKind};
use crate::reconcile::policy::Policy;
use crate::reconcile::presence::{Facts, Found, Place, presence};
use crate::reconcile::{self, FreshItem, LinkView, Presence, View};
use crate::render::{self, DriftView};
use crate::store::{LinkRow, LinkState, Store, StoreError};
use crate::views::status;
use serde_json::json;
use std::collections::{BTreeMap, BTreeSet};
use tokio_util::sync::CancellationToken;

/// Compares and prints. Leaves with 3 when anything differs that the configuration does not want so.
pub async fn verify(context: &Context, args: VerifyArgs) -> Result<ExitCode, Failure> {
    let config = setup::config(context.global.config.as_deref())?;
    let only = cycle::scope(&config, true, &args.pair)?.only;
    let services = setup::connect(&config, &CancellationToken::new())?;
    // A snapshot in memory, and readers only: nothing here could write.
    let (store, key) = setup::open_state_read_only(&config)?;
    let engine = setup::engine(&config, &services, store, key).await?;
    let policies: Vec<&Policy> = engine
        .policies
        .iter()
        .filter(|policy| only.is_empty() || only.contains(&policy.pair))
        .collect();
    let pairs: BTreeSet<PairName> = policies.iter().map(|policy| policy.pair.clone()).collect();
    let linked = linked(&engine.store(), &pairs)?;
    let mut survey = Survey::take(&engine.readers, &pairs, &linked).await?;
    let unlinked = survey.listed.iter().flat_map(|(side, pairs)| {
        let ids = pairs
            .iter()
            .flat_map(|(pair, ids)| ids.iter().map(move |id| (pair, id)));
        ids.map(move |(pair, id)| (pair, side, id))
    });
    let unlinked = unlinked.filter(|(_, side, id)| !linked.get(*side).contains(*id));
    let deleted = &engine.deleted(unlinked, &survey.items).await?;
    // A listing may lag behind; what looks different in one is read again, both halves of it.
    let mut doubtful: Sided<BTreeSet<ItemId>> = Sided::default();
    for policy in &policies {
        // Listings of ClickUp show no empty custom field, and some not every value.
        for (side, id) in unshown(&engine.store(), policy, &survey)? {
            doubtful.get_mut(side).insert(id);
        }
        for difference in compare(&engine, policy, (&survey, deleted), &pairs)?.differences {
            for side in Side::BOTH {
                let id = difference.items.get(side).clone();
                doubtful.get_mut(side).extend(id);
            }
            if let Some((side, link)) = ended(&engine.store(), &policy.pair, &difference)? {
                doubtful.get_mut(side).insert(link.item(side).clone());
            }
        }
    }
    for side in Side::BOTH {
        let ids = std::mem::take(doubtful.get_mut(side));
        survey.read(&engine.readers, side, &ids).await?;
    }
    let (mut views, mut in_the_way) = (Vec::new(), BTreeMap::new());
    for policy in &policies {
        let mut view = compare(&engine, policy, (&survey, deleted), &pairs)?;
        date(&engine.store(), &policy.pair, &mut view.differences)?;
        name_owner(&survey, &policy.pair, &mut view.differences);
        name_ended(
            &engine.store(),
            &survey,
            &policy.pair,
            &mut view.differences,
        )?;
        let fresh = |difference: &Difference| difference.kind == DriftKind::Unlinked;
        let (creates, now) = (view.differences.iter().any(fresh), SystemClock.now());
        let why = status::in_the_way(&config, &engine.store(), now, &policy.pair, creates)?;
        in_the_way.insert(policy.pair.clone(), why);
        views.push(view);
    }
    let open = views
        .iter()
        .flat_map(|view| &view.differences)
        .filter(|difference| difference.kind.open())
        .count();
    if context.global.json {
        let pairs: Vec<_> = views
            .iter()
            .map(|view| {
                json!({
                    "pair": view.pair, "compared": view.compared, "differences": render::differences_json(&view.differences),
                    "not_compared": render::not_compared_json(&view.not_compared),
                    "in_the_way": in_the_way.get(&view.pair),
                })
            })
            .collect();
        print_json(&json!({ "format_version": 1, "open": open, "pairs": pairs }));
    } else {
        show(context, &views, &in_the_way);
    }
    let unknown: usize = views.iter().map(|view| view.not_compared.len()).sum();
    if context.global.quiet {
        quietly(context, open, unknown);
    }
    Ok(match open + unknown {
        0 => ExitCode::Done,
        _ => ExitCode::Partial,
    })
}

/// Says in one line why somebody has to look; nothing where nobody has. `unknown`: how many fields were not compared.
fn quietly(context: &Context, open: usize, unknown: usize) {
    let counted = [
        (open, "difference", "differences"),
        (
            unknown,
            "field was not compared",
            "fields were not compared",
        ),
    ];
    let counted = counted.iter().filter(|(count, ..)| *count > 0);
    let told: Vec<String> = counted
        .map(|(count, one, many)| render::plural(*count, one, many))
        .collect();
    if !told.is_empty() {
        note(&format!(
            "{}; `{}` says what and why\n",
            told.join(", "),
            next(context, "verify")
        ));
    }
}

/// Prints what differs, by pair.
fn show(context: &Context, views: &[DriftView], in_the_way: &BTreeMap<PairName, Vec<String>>) {
    for view in views {
        // "The next cycle writes" is no promise while something keeps it from that.
        let promised = |difference: &Difference| match difference.kind {
            DriftKind::Pending | DriftKind::Missing | DriftKind::Unlinked => true,
            DriftKind::Conflict
            | DriftKind::Held
            | DriftKind::Unmapped
            | DriftKind::Settled
            | DriftKind::OutOfScope
            | DriftKind::Unreadable
            | DriftKind::ByRule => false,
        };
        if view.differences.iter().any(promised) {
            for why in in_the_way.get(&view.pair).into_iter().flatten() {
                let text = format!("{}: nothing is written at present: {why}", view.pair);
                print(&render::hanging(&text, 4, &context.style));
            }
        }
        print(&render::drift(view, &context.style, &when));
    }
}

/// Returns the items of all living links.
pub(super) fn linked(
    store: &Store,
    pairs: &BTreeSet<PairName>,
) -> Result<Sided<BTreeSet<ItemId>>, StoreError> {
    let mut ids: Sided<BTreeSet<ItemId>> = Sided::default();
    for pair in pairs {
        let links = store.links(pair)?.into_iter();
        for link in links.filter(|link| link.state.is_living()) {
            for side in Side::BOTH {
                ids.get_mut(side).insert(link.item(side).clone());
            }
        }
    }
    Ok(ids)
}

/// The linked items that a listing showed without a custom field which they had when both sides agreed on it last.
fn unshown(
    store: &Store,
    policy: &Policy,
    survey: &Survey,
) -> Result<Vec<(Side, ItemId)>, StoreError> {
    let mut unshown = Vec::new();
    if !policy.fields.keys().any(FieldKey::is_custom) {
        return Ok(unshown);
    }
    let links = store.links(&policy.pair)?.into_iter();
    for link in links.filter(|link| link.state.is_living()) {
        let base = observe::base_of(store, link.id)?;
        for side in Side::BOTH {
            let id = link.item(side);
            let Some(item) = survey.items.get(side).get(id) else {
                continue;
            };
            let had = base.iter().any(|(key, base)| {
                let synced = key.is_custom() && policy.fields.contains_key(key);
                synced && !base.get(side).is_empty() && !item.fields.contains_key(key)
            });
            if had {
                unshown.push((side, id.clone()));
            }
        }
    }
    Ok(unshown)
}

fn compare(
    engine: &Engine,
    policy: &Policy,
    (survey, deleted): (&Survey, &Deleted),
    pairs: &BTreeSet<PairName>,
) -> Result<DriftView, StoreError> {
    let store = engine.store();
    let pair = &policy.pair;
    let mut view = View::default();
    let mut known: Sided<BTreeSet<ItemId>> = Sided::default();
    let links = store.links(pair)?.into_iter();
    for link in links.filter(|link| link.state.is_living()) {
        for side in Side::BOTH {
            known.get_mut(side).insert(link.item(side).clone());
        }
        let base = observe::base_of(&store, link.id)?;
        let customs = base.keys().filter(|key| key.is_custom()).cloned();
        view.links.push(LinkView {
            link: link.id,
            items: Sided::build(|side| link.item(side).clone()),
            doubted: reconcile::doubted(&store.base(link.id)?),
            // Not every type and place has each custom field, and this is the only look.
            left_out: customs.collect(),
            as_seen: BTreeSet::new(),
            base,
            now: Sided::build(|side| {
                let seen = survey.presence(pair, side, link.item(side));
                believed(engine, &link, side, seen)
            }),
            chosen: observe::chosen(&store, link.id)?,
            contested: store.contested(link.id)?,
            removed: None,
        });
    }
    view.total_links = u64::try_from(view.links.len()).unwrap_or(u64::MAX);
    for side in Side::BOTH {
        let listed = survey.listed.get(side).get(pair).into_iter().flatten();
        for id in listed.filter(|id| !known.get(side).contains(*id)) {
            // Deleted since it was listed.
            let Some(item) = survey.items.get(side).get(id) else {
                continue;
            };
            view.fresh.get_mut(side).push(FreshItem {
                item: item.clone(),
                origin: deleted.judge(side, engine.origin(&store, pair, side, item)?),
            });
        }
    }
    // The limits of a pair's first plan are others, and each later one is only compared with them if it had its yes.
    let approved = store.pair_state(pair)?.fingerprint;
    let policy = &Policy {
        approved: approved.as_ref() == Some(&policy.fingerprint),
        ..policy.clone()
    };
    Ok(DriftView {
        pair: pair.clone(),
        compared: view.links.len(),
        differences: engine.drift(&store, &view, policy, pairs)?,
        not_compared: policy.paused.values().cloned().collect(),
    })
}

/// What a cycle makes of an item that is not there: of a service that shows no recycle bin it asks again some minutes later
/// before it concludes anything.
fn believed(engine: &Engine, link: &LinkRow, side: Side, seen: Presence) -> Presence {
    let Presence::Gone { evidence } = &seen else {
        return seen;
    };
    let place = Place {
        covers: None,
        listed: false,
        swept: true,
        was_out: false,
    };
    let missing_since = match &link.state {
        LinkState::Missing {
            side: missing,
            since,
        } if *missing == side => Some(*since),
        LinkState::Missing { .. }
        | LinkState::Active
        | LinkState::OutOfScope
        | LinkState::Tombstone { .. } => None,
    };
    let server = engine.readers.get(side).server_now();
    let facts = Facts {
        side,
        found: Found::Gone(evidence),
        place,
        missing_since,
        now: server.unwrap_or_else(|| SystemClock.now()),
        gone_ms: engine.timing.gone_ms,
    };
    let (believed, _) = presence(&facts);
    believed
}

/// Says of an item that is in the scopes of two pairs which of them has it: it did not leave the scope of this one.
fn name_owner(survey: &Survey, pair: &PairName, differences: &mut [Difference]) {
    let left = |difference: &&mut Difference| difference.kind == DriftKind::OutOfScope;
    for difference in differences.iter_mut().filter(left) {
        for side in Side::BOTH {
            let Some(id) = difference.items.get(side) else {
                continue;
            };
            if let Some(owner) = survey.owner(side, id).filter(|owner| *owner != pair) {
                difference.reason = format!(
                    "{side} {id} is in the scope of pair \"{owner}\" as well, and counts there: an item belongs to one pair, that \
                     with the deeper area or else the first in the configuration. This pair leaves it alone; narrow one of the \
                     two scopes, or end this link with `boardsync links remove`"
                );
            }
        }
    }
}

/// Returns the link of this pair that an item had which stays alone, with the side of its former counterpart. `None`: the
/// difference is about something else.
fn ended(
    store: &Store,
    pair: &PairName,
    difference: &Difference,
) -> Result<Option<(Side, LinkRow)>, StoreError> {
    if difference.link.is_some() || difference.kind != DriftKind::ByRule {
        return Ok(None);
    }
    for side in Side::BOTH {
        if let Some(id) = difference.items.get(side) {
            let link = store.link_by_item(pair, side, id)?;
            let link = link.filter(|link| !link.state.is_living());
            return Ok(link.map(|link| (side.other(), link)));
        }
    }
    Ok(None)
}

/// Says of an item whose link ended how it is synced again: with its former counterpart only where that is still there.
fn name_ended(
    store: &Store,
    survey: &Survey,
    pair: &PairName,
    differences: &mut [Difference],
) -> Result<(), StoreError> {
    for difference in differences {
        let Some((side, link)) = ended(store, pair, difference)? else {
            continue;
        };
        let id = link.item(side);
        difference.reason = match survey.presence(pair, side, id) {
            Presence::Seen(_) | Presence::OutOfScope(_) => format!(
                "its link to {side} {id} was dissolved, so it stays alone; `boardsync links add {pair} {} {}` links the two \
                 again",
                link.ado, link.clickup
            ),
            Presence::Gone { .. } | Presence::Missing { .. } | Presence::Unclear { .. } => format!(
                "its link ended, and {side} {id} is not there any more, so it stays alone; `{}` can link it to another {}",
                links_add(Some(pair), Some((side.other(), link.item(side.other())))),
                match side {
                    Side::Ado => "work item",
                    Side::ClickUp => "task",
                }
            ),
        };
    }
    Ok(())
}

/// Adds since when a field or item has been held or in conflict, by this machine's clock.
fn date(store: &Store, pair: &PairName, differences: &mut [Difference]) -> Result<(), StoreError> {
    let holds = store.holds(Some(pair))?;
    let conflicts = store.conflicts(true)?;
    for difference in differences {
        // What a service refused is planned again and again, and says so in a hold.
        if difference.kind == DriftKind::Pending
            && let Some(hold) = holds.iter().find(|hold| {
                hold.link == difference.link
                    && hold.subject.field().is_some()
                    && hold.subject.field() == difference.field.as_ref()
            })
        {
            difference.kind = DriftKind::Held;
            difference.reason = hold.reason();
        }
        let subject = difference
            .field
            .as_ref()
            .map_or(Subject::Item, Subject::from);
        let since = match difference.kind {
            DriftKind::Conflict => conflicts
                .iter()
                .find(|conflict| {
                    Some(conflict.record.link) == difference.link
                        && Some(&conflict.record.field) == difference.field.as_ref()
                })
                .map(|conflict| conflict.record.at),
            DriftKind::Held | DriftKind::OutOfScope | DriftKind::Unreadable => holds
                .iter()
                .find(|hold| hold.link == difference.link && hold.subject == subject)
                .filter(|hold| hold.link.is_some())
                .map(|hold| hold.since),
            _ => continue,
        };
        difference.since = since.or(difference.since);
    }
    Ok(())
}
