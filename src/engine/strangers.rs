//! What a plan would write and a service is known not to have: told where the plan is shown, before a write finds it out.
//!
//! Example: a work item is assigned to somebody who has no ClickUp account, or the first row for a status names a state that the type
//! of the work item lacks. The plan says that it is not carried over, with the row of the configuration that would help.

use super::Engine;
use super::observe::Observed;
use crate::model::{FieldKey, FieldValue, Folded, Item, ItemId, Side};
use crate::reason::ValueWhy;
use crate::reconcile::plan::{Action, ActionKind, FieldChange, Hold, PairPlan};
use std::collections::{BTreeMap, BTreeSet};

impl Engine {
    /// Adds to the plans what a service will not take of their actions, as far as that is known. Nothing else follows from it: what
    /// is sent is for the service to take or to refuse. Where a service cannot be asked, nothing is added.
    pub async fn foretell(&self, observed: &mut Observed) {
        self.tell_strangers(observed).await;
        self.tell_states(observed).await;
    }

    /// Names the states that an action would set on a work item whose type has none of that name.
    async fn tell_states(&self, observed: &mut Observed) {
        let mut known: BTreeMap<(usize, String), BTreeSet<Folded>> = BTreeMap::new();
        for (n, plan) in observed.plan.pairs.iter().enumerate() {
            let kinds = plan
                .actions
                .iter()
                .filter(|action| sets_state(action).is_some());
            let kinds: BTreeSet<Folded> = kinds
                .filter_map(|action| kind_of(action, &observed.items.ado))
                .collect();
            for kind in kinds {
                match self.readers.ado.fetch_states(&plan.pair, &kind).await {
                    Ok(states) => {
                        known.insert((n, kind.key), states);
                    }
                    Err(error) => {
                        tracing::debug!("the states of a type could not be asked: {error}")
                    }
                }
            }
        }
        for (n, plan) in observed.plan.pairs.iter_mut().enumerate() {
            let of_action = |action: &Action| {
                let change = sets_state(action)?;
                let kind = kind_of(action, &observed.items.ado)?;
                let states = known.get(&(n, kind.key.clone()))?;
                lacking(action, change, &kind, states)
            };
            let lacking: Vec<Hold> = plan.actions.iter().filter_map(of_action).collect();
            plan.left_out.extend(lacking);
        }
    }

    /// Names the people whom an action would assign and whom the service does not have.
    async fn tell_strangers(&self, observed: &mut Observed) {
        for side in Side::BOTH {
            let plans = observed.plan.pairs.iter();
            let people: BTreeSet<Folded> = plans.flat_map(|plan| assigned(plan, side)).collect();
            if people.is_empty() {
                continue;
            }
            match self.readers.get(side).fetch_unknown_people(&people).await {
                Ok(strangers) if strangers.is_empty() => {}
                Ok(strangers) => {
                    for plan in &mut observed.plan.pairs {
                        let left_out = left_out(plan, side, &strangers);
                        plan.left_out.extend(left_out);
                    }
                }
                Err(error) => {
                    tracing::debug!(%side, "who is known there could not be asked: {error}")
                }
            }
        }
    }
}

/// The people whom actions of a plan assign on a side.
fn assigned(plan: &PairPlan, side: Side) -> impl Iterator<Item = Folded> {
    let actions = plan
        .actions
        .iter()
        .filter(move |action| action.target == side);
    let changes = actions.flat_map(|action| &action.changes);
    changes.flat_map(|change| match &change.after {
        FieldValue::People(people) => people.iter().cloned().collect(),
        _ => Vec::new(),
    })
}

/// What the actions of a plan leave out of people, by the keys of those whom the side does not have.
fn left_out(plan: &PairPlan, side: Side, strangers: &BTreeSet<String>) -> Vec<Hold> {
    let actions = plan.actions.iter().filter(|action| action.target == side);
    let changes = actions.flat_map(|action| action.changes.iter().map(move |c| (action, c)));
    let of_change = changes.filter_map(|(action, change)| {
        let FieldValue::People(people) = &change.after else {
            return None;
        };
        let missing: Vec<&Folded> = people
            .iter()
            .filter(|person| strangers.contains(&person.key))
            .collect();
        (!missing.is_empty()).then_some(())?;
        // The row has to name them as the side does that they come from.
        let own = |person: &Folded| match &change.source_value {
            Some(FieldValue::People(own)) if own.len() == 1 => own.iter().next().cloned(),
            _ => Some(person.clone()),
        };
        let address = |person: &&Folded| own(person).map_or(person.key.clone(), |own| own.key);
        let why = ValueWhy::PeopleUnmapped {
            people: missing.iter().map(|person| person.shown.clone()).collect(),
            addresses: missing.iter().map(address).collect(),
            side,
        };
        hold(action, change, why)
    });
    of_change.collect()
}

/// The change by which an action sets the state of a work item.
fn sets_state(action: &Action) -> Option<&FieldChange> {
    let writes = matches!(action.kind, ActionKind::Create | ActionKind::Update);
    let mut changes = action.changes.iter();
    let state = changes.find(|change| change.field == FieldKey::State)?;
    (writes && action.target == Side::Ado).then_some(state)
}

/// The type that the work item of an action has or gets; `None`: it is not known.
fn kind_of(action: &Action, items: &BTreeMap<ItemId, Item>) -> Option<Folded> {
    let mut changes = action.changes.iter();
    let set = changes.find(|change| change.field == FieldKey::Type);
    let there = || {
        let item = items.get(action.target_item.as_ref()?)?;
        item.fields.get(&FieldKey::Type)
    };
    match set.map(|change| &change.after).or_else(there)? {
        FieldValue::Choice(kind) => Some(kind.clone()),
        _ => None,
    }
}

/// What is left out where a type lacks a state. `states`: those of the type; empty: they are not known.
fn lacking(
    action: &Action,
    change: &FieldChange,
    kind: &Folded,
    states: &BTreeSet<Folded>,
) -> Option<Hold> {
    let FieldValue::Choice(state) = &change.after else {
        return None;
    };
    (!states.is_empty() && !states.contains(state)).then_some(())?;
    let status = change.source_value.as_ref().map(ToString::to_string);
    let why = ValueWhy::StateOfNoType {
        kind: kind.shown.clone(),
        state: state.shown.clone(),
        status: status.unwrap_or_default(),
        new: action.kind == ActionKind::Create,
    };
    hold(action, change, why)
}

fn hold(action: &Action, change: &FieldChange, why: ValueWhy) -> Option<Hold> {
    Some(Hold {
        link: action.link,
        side: action.target.other(),
        item: action.source_item.clone()?,
        title: action.title.clone(),
        subject: (&change.field).into(),
        why: why.into(),
    })
}
