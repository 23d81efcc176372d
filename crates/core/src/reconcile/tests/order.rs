//! What goes before what in a plan.

use super::fixture::*;
use crate::model::{ActionId, FieldKey, FieldValue, Item, Side, Sided};
use crate::reconcile::order;
use crate::reconcile::plan::{Action, ActionKind, PairPlan};
use crate::reconcile::rails::{Rails, plan, without_halves};
use crate::reconcile::{Origin, View};

/// One update per link, each of the title.
fn renamed(links: i64) -> PairPlan {
    let edit = |n| {
        let (side, title) = (Side::Ado, FieldValue::text("New"));
        Linked::new(n).now(side, FieldKey::Title, title).view()
    };
    plan(
        &view((1..=links).map(edit).collect()),
        &policy(),
        &Rails::default(),
    )
}

fn waits(action: &mut Action, others: &[ActionId]) {
    action.after = others.to_vec();
}

#[test]
fn an_action_waits_for_any_number_that_stand_before_it() {
    let mut actions = renamed(3).actions;
    assert_eq!(order::check(&actions), None);
    let [first, second] = [0, 1].map(|at: usize| actions[at].id.clone());
    waits(&mut actions[2], &[first.clone(), second]);
    waits(&mut actions[1], &[first]);
    assert_eq!(order::check(&actions), None);
}

#[test]
fn an_action_that_waits_for_one_outside_the_plan_makes_it_invalid() {
    let mut actions = renamed(2).actions;
    let (first, unknown) = (actions[0].id.clone(), ActionId("beef".to_owned()));
    waits(&mut actions[1], &[first, unknown]);
    let why = order::check(&actions).unwrap();
    assert!(
        why.contains("action beef, which is not in the plan"),
        "{why}"
    );
    assert!(why.contains(&actions[1].id.0), "{why}");
}

#[test]
fn actions_that_wait_for_each_other_make_a_plan_invalid() {
    let mut actions = renamed(2).actions;
    let [first, second] = [0, 1].map(|at: usize| actions[at].id.clone());
    waits(&mut actions[0], &[second]);
    waits(&mut actions[1], std::slice::from_ref(&first));
    let why = order::check(&actions).unwrap();
    assert!(why.contains("which does not go before it"), "{why}");

    let mut alone = renamed(1).actions;
    waits(&mut alone[0], std::slice::from_ref(&first));
    assert_eq!(
        alone[0].id, first,
        "the key says nothing of what it waits for"
    );
    assert!(order::check(&alone).is_some(), "it waits for itself");
}

#[test]
fn what_waits_for_a_half_of_a_merge_that_failed_still_waits_for_the_others() {
    let mut actions = renamed(3).actions;
    let [first, second] = [0, 1].map(|at: usize| actions[at].id.clone());
    let [mut failed, _, mut last] = <[Action; 3]>::try_from(actions.split_off(0)).unwrap();
    failed.changes[0].field = FieldKey::Priority;
    waits(&mut last, &[first, second.clone()]);
    let rest = without_halves(&last, &[&failed], &"web".into()).unwrap();
    assert_eq!(rest.after, [second]);
    assert_eq!(rest.changes, last.changes, "nothing of it was a half");
}

#[test]
fn what_waits_for_an_item_to_be_made_does_not_go_on_without_it() {
    let mut actions = renamed(2).actions;
    let mut last = actions.pop().unwrap();
    let mut create = actions.pop().unwrap();
    (create.kind, create.changes) = (ActionKind::Create, Vec::new());
    waits(&mut last, std::slice::from_ref(&create.id));
    assert_eq!(without_halves(&last, &[&create], &"web".into()), None);
}

/// The sources of the creates of a plan, where each item stands under the one behind the colon.
fn made(items: &[&str]) -> Vec<String> {
    let fresh = items.iter().map(|text| {
        let (id, parent) = text.split_once(':').unwrap_or((text, ""));
        let parent = (!parent.is_empty()).then(|| parent.into());
        let item = item(Side::Ado, id, "New");
        fresh(Item { parent, ..item }, Origin::Person)
    });
    let view = View {
        fresh: Sided::of(Side::Ado, fresh.collect(), Vec::new()),
        ..View::default()
    };
    let plan = plan(&view, &policy(), &Rails::default());
    let sources = plan
        .actions
        .iter()
        .filter_map(|action| action.source_item.clone());
    sources.map(|id| id.0).collect()
}

#[test]
fn an_item_is_made_after_the_one_that_it_stands_under() {
    for (items, order) in [
        (vec!["1", "2", "3"], "1 2 3"),
        (vec!["1:3", "2", "3:4", "4"], "4 3 1 2"),
        // What it stands under is made already, or never.
        (vec!["1:9", "2:1"], "1 2"),
        // No service should show a circle, and each is made once.
        (vec!["1:2", "2:1", "3:3"], "2 1 3"),
    ] {
        assert_eq!(made(&items).join(" "), order, "{items:?}");
    }
}
