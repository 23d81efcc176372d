//! Fields that flow one way, for good or for a while.

use super::fixture::{Linked, carried_out, changes, choose, plan_one, policy, row, with_rule};
use crate::model::{FieldKey, FieldValue, Side};
use crate::reconcile::LinkView;
use crate::reconcile::policy::{Direction, Policy};

const POINTS: FieldKey = FieldKey::Points;

fn points(n: i64) -> FieldValue {
    FieldValue::Number(n * 1000)
}

/// To ClickUp only, whatever wins elsewhere.
fn to_clickup(winner: Option<Side>) -> Policy {
    with_rule(POINTS, Direction::ToClickUp, winner)
}

/// Both had 1 point.
fn edited(ado: i64, clickup: i64) -> LinkView {
    let link = Linked::new(1).same(POINTS, points(1));
    let link = link.now(Side::Ado, POINTS, points(ado));
    link.now(Side::ClickUp, POINTS, points(clickup)).view()
}

#[test]
fn a_one_way_field_is_never_written_against_its_direction() {
    let policy = to_clickup(Some(Side::Ado));
    assert_eq!(changes(&plan_one(edited(1, 8), &policy)), []);
    assert_eq!(
        changes(&plan_one(edited(8, 1), &policy)),
        [row(Side::ClickUp, "points", "8")]
    );
    // Nor filled in at first sight.
    let bare = Linked::new(1).now(Side::Ado, POINTS, FieldValue::Empty);
    let bare = bare.now(Side::ClickUp, POINTS, points(8)).view();
    let plan = plan_one(bare, &policy);
    assert!(plan.actions.is_empty() && plan.rebases.is_empty());
}

#[test]
fn an_edit_against_the_direction_stays_an_edit_and_flows_once_it_may() {
    let plan = plan_one(edited(1, 5), &to_clickup(Some(Side::Ado)));
    assert!(plan.actions.is_empty() && plan.rebases.is_empty() && plan.conflicts.is_empty());
    assert_eq!(plan.in_sync, 0, "the two differ");
    let after = carried_out(edited(1, 5), &plan);
    assert_eq!(
        changes(&plan_one(after, &policy())),
        [row(Side::Ado, "points", "5")]
    );
    // A value that the other side has no word for holds nothing up while it goes nowhere.
    let state = Linked::new(1).now(Side::Ado, FieldKey::State, FieldValue::choice("Removed"));
    let to_ado = with_rule(FieldKey::State, Direction::ToAdo, None);
    let plan = plan_one(state.view(), &to_ado);
    assert!(plan.holds.is_empty() && plan.actions.is_empty());
}

#[test]
fn the_source_of_a_one_way_field_wins_and_the_other_edit_is_kept() {
    for winner in Side::BOTH {
        let plan = plan_one(edited(3, 5), &to_clickup(Some(winner)));
        assert_eq!(changes(&plan), [row(Side::ClickUp, "points", "3")]);
        assert_eq!(plan.conflicts[0].taken, Some(Side::Ado));
        assert_eq!(plan.conflicts[0].now.clickup, points(5));
    }
    let plan = plan_one(edited(3, 5), &to_clickup(None));
    assert!(changes(&plan).is_empty() && plan.rebases.is_empty());
    assert_eq!(plan.conflicts[0].taken, None, "a person decides");
}

#[test]
fn a_merge_that_may_be_written_to_one_side_only_names_what_the_other_lacks() {
    let key = FieldKey::Tags;
    let link = Linked::new(1).same(key.clone(), FieldValue::tags(["a"]));
    let link = link.now(Side::Ado, key.clone(), FieldValue::tags(["a", "ado"]));
    let link = link.now(Side::ClickUp, key.clone(), FieldValue::tags(["a", "task"]));
    let policy = with_rule(key, Direction::ToClickUp, Some(Side::Ado));
    let plan = plan_one(link.view(), &policy);
    assert_eq!(plan.actions.len(), 1);
    let change = &plan.actions[0].changes[0];
    assert_eq!(change.after, FieldValue::tags(["a", "ado", "task"]));
    assert_eq!(
        change.kept_back.as_deref(),
        Some(&FieldValue::tags(["a", "ado", "task"]))
    );
    assert_eq!(change.source_value, Some(FieldValue::tags(["a", "ado"])));
}

#[test]
fn a_choice_against_the_direction_is_dropped_and_said() {
    let mut link = edited(3, 5);
    choose(&mut link, &POINTS, Side::ClickUp, points(5));
    let plan = plan_one(link.clone(), &to_clickup(None));
    assert!(changes(&plan).is_empty() && plan.rebases.is_empty());
    assert_eq!(plan.dropped.len(), 1);
    let reason = &plan.dropped[0].reason;
    assert!(reason.contains("points is not written to ADO"), "{reason}");
    assert!(plan.chosen.is_empty());
    // The conflict is open again.
    assert_eq!(plan.conflicts[0].taken, None);

    link.chosen.clear();
    choose(&mut link, &POINTS, Side::Ado, points(3));
    let plan = plan_one(link, &to_clickup(None));
    assert_eq!(changes(&plan), [row(Side::ClickUp, "points", "3")]);
    assert!(plan.dropped.is_empty());
}
