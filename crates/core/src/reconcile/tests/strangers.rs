//! Whether another installation's markers stop a pair.

use super::fixture::*;
use crate::marker::{MarkerKey, marker};
use crate::model::{PairName, Side};
use crate::reason::OriginWhy;
use crate::reconcile::plan::PairPlan;
use crate::reconcile::rails::{Rails, plan, strangers};
use crate::reconcile::{Origin, View};

fn stranger() -> Origin {
    Origin::Held(OriginWhy::StrangersMarker.into())
}

/// A board with one new item of a person and these items that a stranger made for others.
fn board(pair: &str, made: &[(Side, &str, &str)]) -> View {
    let key = MarkerKey::new([9; 32]);
    let mut view = view(Vec::new());
    let person = fresh(item(Side::Ado, "1", "Of a person"), Origin::Person);
    view.fresh.ado.push(person);
    for (side, id, of) in made {
        let mut item = item(*side, id, "Theirs");
        let other = side.other();
        item.markers = vec![marker(&key, &pair.into(), other, &(*of).into(), 0)];
        view.fresh.get_mut(*side).push(fresh(item, stranger()));
    }
    view
}

fn planned(view: &View, newcomer: bool) -> PairPlan {
    let rails = Rails {
        newcomer,
        ..Rails::default()
    };
    plan(view, &policy(), &rails)
}

#[test]
fn a_newcomer_is_stopped_with_an_example_of_each_side() {
    let view = board(
        "web",
        &[
            (Side::ClickUp, "t2", "20"),
            (Side::ClickUp, "t1", "10"),
            (Side::Ado, "30", "t3"),
        ],
    );
    let why = planned(&view, true).blocked.unwrap();
    for part in [
        "3 items carry markers of another installation",
        "ADO 30 (made for ClickUp t3)",
        "ClickUp t1 (made for ADO 10)",
        "another boardsync works on this pair",
        "its state is lost",
        "boardsync links takeover web",
    ] {
        assert!(why.contains(part), "{part}: {why}");
    }
}

#[test]
fn the_sentence_does_not_depend_on_the_order_of_the_rows() {
    let made = [(Side::ClickUp, "t1", "10"), (Side::ClickUp, "t2", "20")];
    let mut turned = made;
    turned.reverse();
    let said = |made: &[_]| planned(&board("web", made), true).blocked;
    assert_eq!(said(&made), said(&turned));
}

#[test]
fn who_linked_something_here_goes_on_and_so_does_who_took_the_pair_over() {
    let view = board("web", &[(Side::ClickUp, "t1", "10")]);
    let plan = planned(&view, false);
    assert_eq!(plan.blocked, None);
    assert_eq!(plan.actions.len(), 1, "the person's item");
    assert!(plan.holds.iter().any(|hold| hold.item.as_str() == "t1"));
}

#[test]
fn a_pair_under_another_name_is_the_same_danger_and_the_name_is_told() {
    let view = board("shop", &[(Side::ClickUp, "t1", "10")]);
    let why = planned(&view, true).blocked.unwrap();
    assert!(why.contains("by a pair called shop"), "{why}");
    assert!(why.contains("1 item carries a marker"), "{why}");
}

#[test]
fn text_that_only_looks_like_a_marker_stops_nobody() {
    let mut view = board("web", &[(Side::ClickUp, "t1", "10")]);
    view.fresh.clickup[0].item.markers = vec!["sx1:web:ado:10:0:nothex!!".to_owned()];
    assert_eq!(planned(&view, true).blocked, None);
}

#[test]
fn an_item_that_is_held_for_something_else_is_no_evidence() {
    let mut view = board("web", &[(Side::ClickUp, "t1", "10")]);
    let pair = PairName::from("old");
    view.fresh.clickup[0].origin = Origin::Held(OriginWhy::UnknownPairsMarker { pair }.into());
    assert_eq!(strangers::judge(&view, &PairName::from("web")), None);
}
