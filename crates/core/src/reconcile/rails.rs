//! The rails: what a plan must not do, whatever the two boards look like.
//!
//! [`plan`] is the only way to plan: the rails are applied inside, so that a dry run shows them as holds like any other, and
//! a comparison (`verify`) promises nothing that a rail holds.
//! Each rail decides from values alone; the engine brings the values and carries the decision out:
//!
//! | rail | trips when | then |
//! |---|---|---|
//! | restored database | the state is older than what was sent ([`Rails::untrusted`]) | equal fields are trusted again, others are frozen; creates wait ([`restored`]) |
//! | [`oscillation`] | we keep rewriting one field of one link | the field is frozen |
//! | [`kept`] | a service keeps another value than the one that was sent | the field is held |
//! | [`attempt`] | one item's change keeps failing | it waits longer and longer, then is quarantined |
//! | [`refused`] | a service refused the same value of the same item | that field is held |
//! | [`breaker`] | a service refuses the token or keeps failing | it is left alone for a while |
//! | [`firewall`] | a write would leave the pair's own items and fields | the pair stops |
//! | [`strangers`] | another installation marked items of a pair that this one is new to | the pair stops |
//! | [`super::guard`] | a plan changes too much at once | the plan waits for an approval |
//! | [`vanished`] | all or nearly all linked items are gone on one side, and more than one, at once or one by one | the plan waits for an approval |
//! | `complete` | the plan says nothing about something that was looked at, which is a fault of this program | the pair stops |
//! | `order` | an action waits for one that is not in the plan or can't go before it, which is such a fault too | the pair stops |
//!
//! A frozen field is a hold and a conflict with both values. A person's edit does not thaw it, because nothing tells a
//! person from an automation; both sides becoming equal does, and so does `boardsync conflicts resolve`.

pub mod attempt;
pub mod breaker;
pub mod firewall;
pub mod kept;
pub mod oscillation;
pub mod refused;
pub mod restored;
pub mod strangers;
pub mod vanished;

use super::plan::{Action, ActionKind, Frozen, Hold, PairPlan};
use super::policy::Policy;
use super::{LinkView, Presence, View, complete, guards, left_out, linked, order, unrailed};
use crate::model::{
    About, ActionId, FieldKey, ItemId, LinkId, PairName, Side, Sided, Subject, Timestamp,
};
use crate::reason::{HoldWhy, RailWhy};
use attempt::Waiting;
use kept::Kept;
use oscillation::Past;
use refused::Refused;
use std::collections::{BTreeMap, BTreeSet};

/// What the rails know about one pair.
#[derive(Clone, Debug, Default)]
pub struct Rails {
    /// Local time.
    pub now: Timestamp,
    /// Whether the database was restored and the pair has not been listed in full since: no base may be relied on.
    pub untrusted: bool,
    /// Local time until which nothing is created; `None`: creates flow.
    pub creates_held_until: Option<Timestamp>,
    /// How long nothing is created once a cycle has begun, where this process only looks and none has begun since a restore:
    /// a time would be another one each time. `None`: a time can be told.
    pub not_begun_ms: Option<i64>,
    /// Pairs that were not listed in full since a restore: nothing is created before they are.
    pub unlisted: BTreeSet<PairName>,
    /// Whether this installation has linked nothing in the pair yet, and nobody told it to take the pair over.
    pub newcomer: bool,
    /// What is frozen, with the reason.
    pub frozen: BTreeMap<LinkId, BTreeMap<Subject, HoldWhy>>,
    /// What was written to linked items lately, oldest first.
    pub writes: BTreeMap<LinkId, Vec<Past>>,
    /// Fields that a service did not take.
    pub kept: BTreeMap<LinkId, BTreeMap<FieldKey, Kept>>,
    /// Changes that failed, by what they come from.
    pub waiting: BTreeMap<About, Waiting>,
    /// When this installation ended links because an item was deleted on this side, lately and without anybody's approval:
    /// local times.
    pub ended: Sided<Vec<Timestamp>>,
    /// What items refused, by the side and item that refused it.
    pub refused: BTreeMap<(Side, ItemId), Vec<Refused>>,
}

/// Plans one pair between the rails.
pub fn plan(view: &View, policy: &Policy, rails: &Rails) -> PairPlan {
    let without_bases;
    let view = if rails.untrusted {
        without_bases = blind(view);
        &without_bases
    } else {
        view
    };
    let mut plan = unrailed(view, policy);
    hold_creates(&mut plan, rails);
    freeze(&mut plan, view, policy, rails);
    refused::set_aside(&mut plan, view, policy, rails);
    hold_kept(&mut plan, view, policy, rails);
    hold_waiting(&mut plan, policy, rails);
    ask_again(&mut plan, view, rails);
    plan.left_out = left_out::of(&plan, policy);
    plan.tripped = guards(&plan, view, policy, rails);
    if rails.newcomer {
        plan.blocked = strangers::judge(view, &policy.pair);
    }
    let missed = complete::check(view, policy, &plan);
    plan.blocked = plan.blocked.or(missed);
    plan.blocked = plan.blocked.or_else(|| order::check(&plan.actions));
    plan
}

/// The view without anything that a restored database remembers wrongly: bases, and choices that may long be carried out.
fn blind(view: &View) -> View {
    let mut view = view.clone();
    for link in &mut view.links {
        link.base.clear();
        link.chosen.clear();
    }
    view.noise = Sided::default();
    view.reread.clear();
    view
}

fn hold_creates(plan: &mut PairPlan, rails: &Rails) {
    let (until, unlisted) = (rails.creates_held_until, &rails.unlisted);
    let Some((why, again)) = restored::holds_creates(until, unlisted, rails.now) else {
        return;
    };
    let why = match (why, rails.not_begun_ms) {
        (RailWhy::RestoredWait { .. }, Some(quiet_ms)) => RailWhy::RestoredNotBegun { quiet_ms },
        (why, _) => why,
    };
    let (creates, rest) = std::mem::take(&mut plan.actions)
        .into_iter()
        .partition(|action| action.kind == ActionKind::Create);
    plan.actions = rest;
    for action in creates {
        hold_action(plan, &action, why.clone(), Some(again));
    }
}

/// Takes what is frozen out of the actions and keeps both values of each field as a conflict.
fn freeze(plan: &mut PairPlan, view: &View, policy: &Policy, rails: &Rails) {
    let links: BTreeMap<LinkId, &LinkView> =
        view.links.iter().map(|link| (link.link, link)).collect();
    let mut frozen: BTreeMap<(LinkId, Subject), HoldWhy> = BTreeMap::new();
    for action in &plan.actions {
        let Some(link) = action.link.and_then(|id| links.get(&id)) else {
            continue;
        };
        match &action.subject {
            Subject::Part(part) => match part.kind {},
            Subject::Item | Subject::Field(_) if action.kind == ActionKind::Update => {}
            Subject::Item | Subject::Field(_) => continue,
        }
        for change in &action.changes {
            if plan.chosen.contains(&(link.link, change.field.clone())) {
                continue;
            }
            let subject = Subject::from(&change.field);
            let stored = rails.frozen.get(&link.link);
            let known = stored.and_then(|frozen| frozen.get(&subject)).cloned();
            let why = if rails.untrusted {
                Some(RailWhy::RestoredDiffers.into())
            } else {
                known.or_else(|| {
                    let writes = rails.writes.get(&link.link)?;
                    oscillation::judge(&subject, writes).map(HoldWhy::from)
                })
            };
            if let Some(why) = why {
                frozen.insert((link.link, subject), why);
            }
        }
    }
    if frozen.is_empty() {
        return;
    }
    take_out(plan, policy, |link, field| {
        frozen.contains_key(&(link, field.into()))
    });
    for ((id, subject), why) in frozen {
        let Some(link) = links.get(&id) else { continue };
        if let Subject::Field(field) = &subject {
            plan.conflicts
                .retain(|conflict| conflict.link != id || conflict.field != *field);
            plan.conflicts.extend(linked::held(link, field));
        }
        plan.holds.push(Hold {
            subject: subject.clone(),
            ..linked::hold(link, Side::Ado, why.clone())
        });
        plan.frozen.push(Frozen {
            link: id,
            subject,
            why,
        });
    }
}

/// Takes fields out of the updates; an update that is left without any goes too.
fn take_out(plan: &mut PairPlan, policy: &Policy, goes: impl Fn(LinkId, &FieldKey) -> bool) {
    let mut renamed: BTreeMap<ActionId, Option<ActionId>> = BTreeMap::new();
    let mut actions = Vec::new();
    for mut action in std::mem::take(&mut plan.actions) {
        let before = action.changes.len();
        if let (ActionKind::Update, Some(link)) = (action.kind, action.link) {
            action.changes.retain(|change| !goes(link, &change.field));
        }
        action.follow(&renamed);
        if action.changes.len() == before {
            actions.push(action);
            continue;
        }
        let old = action.id.clone();
        if action.changes.is_empty() {
            renamed.insert(old, None);
            continue;
        }
        let action = action.sealed(&policy.pair);
        renamed.insert(old, Some(action.id.clone()));
        actions.push(action);
    }
    plan.actions = actions;
}

/// Holds fields that a service did not take and that are not to be sent again yet.
fn hold_kept(plan: &mut PairPlan, view: &View, policy: &Policy, rails: &Rails) {
    if rails.kept.is_empty() {
        return;
    }
    let mut held: BTreeMap<(LinkId, FieldKey), (Option<Timestamp>, RailWhy)> = BTreeMap::new();
    for action in &plan.actions {
        let Some(link) = action.link.filter(|_| action.kind == ActionKind::Update) else {
            continue;
        };
        let fields = rails.kept.get(&link);
        for change in &action.changes {
            let kept = fields.and_then(|fields| fields.get(&change.field));
            if let Some(kept) = kept
                && let Err(why) = kept.may_send(action.target, change, rails.now)
            {
                held.insert((link, change.field.clone()), (kept.retry_at, why));
            }
        }
    }
    if held.is_empty() {
        return;
    }
    take_out(plan, policy, |link, field| {
        held.contains_key(&(link, field.clone()))
    });
    for ((id, field), (retry_at, why)) in held {
        if let Some(link) = view.links.iter().find(|link| link.link == id) {
            plan.holds.push(Hold {
                subject: (&field).into(),
                ..linked::hold(link, Side::Ado, why)
            });
        }
        plan.kept.insert((id, field), retry_at);
    }
}

/// What of an action can go on although `firsts`, which it was to wait for, did not succeed. Of an update that waits for
/// updates, that is everything but the other halves of what those merge. `None`: nothing.
///
/// Example: tags were edited on both sides, and ClickUp refuses its half. The work item's half waits, and its new priority,
/// which has nothing to do with tags, does not.
pub fn without_halves(action: &Action, firsts: &[&Action], pair: &PairName) -> Option<Action> {
    // What waits for anything else, as for its item to be made, has nothing to be written to.
    if firsts.iter().any(|first| first.kind != ActionKind::Update) {
        return None;
    }
    let merged = || firsts.iter().flat_map(|first| &first.changes);
    let half = |field: &FieldKey| merged().any(|other| other.field == *field);
    let mut rest = action.clone();
    rest.changes.retain(|change| !half(&change.field));
    let failed = |id: &ActionId| firsts.iter().any(|first| first.id == *id);
    rest.after.retain(|id| !failed(id));
    (!rest.changes.is_empty()).then(|| rest.sealed(pair))
}

/// Holds what failed before and is not to be tried again yet, with the halves that wait for it.
fn hold_waiting(plan: &mut PairPlan, policy: &Policy, rails: &Rails) {
    if rails.waiting.is_empty() {
        return;
    }
    let mut held: BTreeMap<ActionId, Action> = BTreeMap::new();
    let mut actions = Vec::new();
    for action in std::mem::take(&mut plan.actions) {
        let waits = tried(&action)
            .filter(|_| action.kind.writes())
            .and_then(|about| rails.waiting.get(&about))
            .and_then(|waiting| attempt::may_try(waiting, &action.id, rails.now).err());
        let firsts: Vec<&Action> = action.after.iter().filter_map(|id| held.get(id)).collect();
        match waits {
            Some(wait) => {
                hold_action(plan, &action, wait.why, wait.until);
                held.insert(action.id.clone(), action);
            }
            None if !firsts.is_empty() => {
                actions.extend(without_halves(&action, &firsts, &policy.pair));
                held.insert(action.id.clone(), action);
            }
            None => actions.push(action),
        }
    }
    plan.actions = actions;
}

/// Returns whose change an action carries over: the item on the other side, or the target where there is none.
pub fn source(action: &Action) -> Option<(Side, ItemId)> {
    match (&action.source_item, &action.target_item) {
        (Some(item), _) => Some((action.target.other(), item.clone())),
        (None, Some(item)) => Some((action.target, item.clone())),
        (None, None) => None,
    }
}

/// Returns what an action is tried as: what waits when it fails, without holding up anything else of the item.
pub fn tried(action: &Action) -> Option<About> {
    let (side, item) = source(action)?;
    Some(About {
        side,
        item,
        subject: action.subject.clone(),
    })
}

/// Says when what seems deleted is asked for the last time.
fn ask_again(plan: &mut PairPlan, view: &View, rails: &Rails) {
    for link in &view.links {
        for side in Side::BOTH {
            if let Presence::Missing { left_ms, .. } = link.now.get(side) {
                let about = About {
                    side,
                    item: link.items.get(side).clone(),
                    subject: Subject::Item,
                };
                plan.retry.insert(about, Some(rails.now.plus_ms(*left_ms)));
            }
        }
    }
}

/// Turns an action into a hold that is looked at again at `until`; `None`: when its item changes.
fn hold_action(plan: &mut PairPlan, action: &Action, why: RailWhy, until: Option<Timestamp>) {
    let Some(about) = tried(action) else {
        return;
    };
    plan.retry.insert(about.clone(), until);
    plan.holds.push(Hold {
        link: action.link,
        side: about.side,
        item: about.item,
        title: action.title.clone(),
        subject: about.subject,
        why: why.into(),
    });
}
