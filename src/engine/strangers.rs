//! What a plan would write and a service is known not to have: told where the plan is shown, before a write finds it out.
//!
//! Example: a work item is assigned to somebody who has no ClickUp account, or the first row for a status names a state that the type
//! of the work item lacks. The plan says that it is not carried over, with the row of the configuration that would help.

use super::Engine;
use super::observe::Observed;
use crate::model::{FieldKey, FieldValue, Folded, Item, ItemId, Side};
use crate::reason::ValueWhy;
use crate::reconcile::plan::{Action, ActionKind, FieldChange, Hold, PairPlan};
use crate::reconcile::policy::Policy;
use std::collections::{BTreeMap, BTreeSet};

impl Engine {
    /// Adds to the plans what a service will not take of their actions, as far as that is known. Nothing else follows from it: what
    /// is sent is for the service to take or to refuse. Where a service cannot be asked, nothing is added.
    pub async fn foretell(&self, observed: &mut Observed) {
        self.tell_strangers(observed).await;
        self.tell_states(observed).await;
    }

    /// Says why a service is known not to take what an action writes to a field; `None`: that is not known. For a field that it has just
    /// refused, so that what is held is told as the plan told it.
    pub(super) async fn known_of(
        &self,
        observed: &Observed,
        plan: &PairPlan,
        action: &Action,
        field: &FieldKey,
    ) -> Option<ValueWhy> {
        let change = action
            .changes
            .iter()
            .find(|change| change.field == *field)?;
        let people: BTreeSet<Folded> = people_of(&change.after).iter().cloned().collect();
        if !people.is_empty() {
            let reader = self.readers.get(action.target);
            let strangers = reader.fetch_unknown_people(&people).await.ok()?;
            return missing(change, self.policy(&plan.pair)?, action.target, &strangers);
        }
        sets_state(action).filter(|state| state.field == *field)?;
        let kind = kind_of(action, &observed.items.ado)?;
        let states = self
            .readers
            .ado
            .fetch_states(&plan.pair, &kind)
            .await
            .ok()?;
        lacking(action, change, &kind, &states)
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
                hold(action, change, lacking(action, change, &kind, states)?)
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
                        let Some(policy) = self.policy(&plan.pair) else {
                            continue;
                        };
                        let left_out = left_out(plan, policy, side, &strangers);
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
    changes.flat_map(|change| people_of(&change.after).iter().cloned())
}

fn people_of(value: &FieldValue) -> &BTreeSet<Folded> {
    static NOBODY: BTreeSet<Folded> = BTreeSet::new();
    match value {
        FieldValue::People(people) => people,
        _ => &NOBODY,
    }
}

/// What the actions of a plan leave out of people, by the keys of those whom the side does not have.
fn left_out(
    plan: &PairPlan,
    policy: &Policy,
    side: Side,
    strangers: &BTreeSet<String>,
) -> Vec<Hold> {
    let actions = plan.actions.iter().filter(|action| action.target == side);
    let changes = actions.flat_map(|action| action.changes.iter().map(move |c| (action, c)));
    let of_change = changes.filter_map(|(action, change)| {
        let why = missing(change, policy, side, strangers)?;
        hold(action, change, why)
    });
    of_change.collect()
}

/// Why a change does not assign everybody whom it names; `None`: nobody of them is a stranger to the side.
fn missing(
    change: &FieldChange,
    policy: &Policy,
    side: Side,
    strangers: &BTreeSet<String>,
) -> Option<ValueWhy> {
    let wanted = people_of(&change.after).iter();
    let missing: Vec<&Folded> = wanted
        .filter(|person| strangers.contains(&person.key))
        .collect();
    (!missing.is_empty()).then_some(())?;
    // A row has to name them as the side does that they come from.
    let from = change.source_value.as_ref().map(people_of);
    let (mut addresses, mut rows) = (Vec::new(), Vec::new());
    for person in &missing {
        let is_it = |own: &&Folded| {
            let there = policy.people.translate(side.other(), own);
            there.is_some_and(|there| there.key == person.key)
        };
        let own = from.and_then(|from| from.iter().find(is_it));
        let own = own.map_or(person.key.clone(), |own| own.key.clone());
        match own == person.key {
            true => addresses.push(own),
            false => rows.push((own, person.key.clone())),
        }
    }
    Some(ValueWhy::PeopleUnmapped {
        people: missing.iter().map(|person| person.shown.clone()).collect(),
        addresses,
        rows,
        side,
    })
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
) -> Option<ValueWhy> {
    let FieldValue::Choice(state) = &change.after else {
        return None;
    };
    (!states.is_empty() && !states.contains(state)).then_some(())?;
    let status = change.source_value.as_ref().map(ToString::to_string);
    Some(ValueWhy::StateOfNoType {
        kind: kind.shown.clone(),
        state: state.shown.clone(),
        status: status.unwrap_or_default(),
        new: action.kind == ActionKind::Create,
    })
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
