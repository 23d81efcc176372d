//! Plans that miss something.

use super::fixture::*;
use crate::fixture::reconcile;
use crate::model::{FieldKey, FieldValue, Side};
use crate::reconcile::complete::check;
use crate::reconcile::plan::PairPlan;
use crate::reconcile::policy::Direction;
use crate::reconcile::{Origin, View};

/// One link with an edit, one without, a new item of a person.
fn board() -> View {
    let edited = Linked::new(1)
        .same(FieldKey::Title, FieldValue::text("old"))
        .now(Side::Ado, FieldKey::Title, FieldValue::text("new"));
    let mut view = view(vec![edited.view(), Linked::new(2).view()]);
    let person = fresh(item(Side::ClickUp, "t9", "Of a person"), Origin::Person);
    view.fresh.clickup.push(person);
    view
}

fn missed(change: impl Fn(&mut PairPlan)) -> Option<String> {
    let view = board();
    let mut plan = reconcile(&view, &policy());
    change(&mut plan);
    check(&view, &policy(), &plan)
}

#[test]
fn a_plan_that_accounts_for_everything_passes() {
    assert_eq!(missed(|_| {}), None);
}

#[test]
fn a_link_whose_update_got_lost_stops_the_pair() {
    let why = missed(|plan| plan.actions.retain(|action| action.link.is_none())).unwrap();
    assert!(why.contains("about 1 of the items"), "{why}");
    assert!(why.contains("the linked ADO 101 "), "{why}");
}

#[test]
fn an_equal_link_that_was_not_looked_at_stops_the_pair() {
    let why = missed(|plan| plan.nothing_due.clear()).unwrap();
    assert!(why.contains("the linked ADO 102 "), "{why}");
}

#[test]
fn an_edit_against_the_direction_of_its_field_is_not_missed() {
    let edited = Linked::new(1)
        .same(FieldKey::Title, FieldValue::text("old"))
        .now(Side::ClickUp, FieldKey::Title, FieldValue::text("new"));
    let (view, policy) = (
        view(vec![edited.view()]),
        with_rule(FieldKey::Title, Direction::ToClickUp, None),
    );
    let plan = reconcile(&view, &policy);
    assert_eq!(check(&view, &policy, &plan), None);
}

#[test]
fn a_new_item_whose_create_got_lost_stops_the_pair() {
    let why = missed(|plan| plan.actions.retain(|action| action.link.is_some())).unwrap();
    assert!(why.contains("the new ClickUp t9"), "{why}");
}

#[test]
fn a_new_item_on_a_side_that_gets_no_creates_is_not_missed() {
    let view = board();
    let mut policy = policy();
    policy.create_on.clear();
    let plan = reconcile(&view, &policy);
    assert!(plan.actions.iter().all(|action| action.link.is_some()));
    assert_eq!(check(&view, &policy, &plan), None);
}
