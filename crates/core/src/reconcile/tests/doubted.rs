//! Values that count as an edit although they are those of the base: somebody may have set them back over one of ours.

use super::fixture::*;
use crate::model::{FieldKey, FieldValue, Side};
use crate::reconcile::LinkView;
use crate::reconcile::plan::{ActionKind, PairPlan};
use crate::reconcile::policy::{Direction, OnDelete, Policy};

/// Both sides agreed on `base`; what ClickUp shows is in doubt.
fn doubted(key: &FieldKey, base: FieldValue, now: [FieldValue; 2]) -> LinkView {
    let [ado, clickup] = now;
    let link = Linked::new(1)
        .same(key.clone(), base)
        .now(Side::Ado, key.clone(), ado)
        .now(Side::ClickUp, key.clone(), clickup);
    let mut view = link.view();
    view.doubted.insert((key.clone(), Side::ClickUp));
    view
}

/// What is written, and whether a conflict keeps both values.
fn found(plan: &PairPlan) -> (Vec<(Side, String, String)>, usize, usize) {
    let moved: usize = plan.rebases.iter().map(|rebase| rebase.fields.len()).sum();
    (changes(plan), plan.conflicts.len(), moved)
}

#[test]
fn a_value_in_doubt_is_an_edit_against_an_edit_and_goes_over_where_the_other_side_gave_way() {
    let [old, new, other] = ["Old", "New", "Other"].map(FieldValue::text);
    let title = FieldKey::Title;
    let written = |side, value: &str| vec![row(side, "title", value)];
    for (what, now, expected) in [
        ("against an edit", [&new, &old], (vec![], 1, 0)),
        ("and later another one", [&other, &old], (vec![], 1, 0)),
        ("edited itself", [&new, &other], (vec![], 1, 0)),
        ("set to the edit", [&new, &new], (vec![], 0, 1)),
        ("the edit was taken back", [&old, &old], (vec![], 0, 1)),
        (
            "taken back against another value",
            [&old, &other],
            (written(Side::Ado, "Other"), 0, 0),
        ),
    ] {
        let now = now.map(Clone::clone);
        let held = with_rule(title.clone(), Direction::Both, None);
        let plan = plan_one(doubted(&title, old.clone(), now), &held);
        assert_eq!(found(&plan), expected, "{what}");
    }
}

/// The merge of these takes both sides' parts, and so would take away what somebody may have put back.
#[test]
fn texts_and_sets_in_doubt_are_held_whole_whoever_wins() {
    let tags = |names: &[&str]| FieldValue::tags(names.iter().copied());
    for (key, base, ado) in [
        (FieldKey::Tags, tags(&["a", "b"]), tags(&["a"])),
        (FieldKey::Description, rich("a\n\nb"), rich("a\n\nB")),
    ] {
        for winner in [None, Some(Side::Ado)] {
            let policy = with_rule(key.clone(), Direction::Both, winner);
            let now = [ado.clone(), base.clone()];
            let plan = plan_one(doubted(&key, base.clone(), now), &policy);
            assert_eq!(found(&plan), (vec![], 1, 0), "{key}");
        }
        let now = [ado.clone(), ado.clone()];
        let plan = plan_one(doubted(&key, base.clone(), now), &policy());
        assert_eq!(found(&plan), (vec![], 0, 1), "{key}");
    }
}

#[test]
fn where_a_side_wins_the_value_in_doubt_is_kept_as_a_conflict() {
    let [old, new] = ["Old", "New"].map(FieldValue::text);
    let now = [new.clone(), old.clone()];
    let plan = plan_one(
        doubted(&FieldKey::Title, old.clone(), now),
        &with_rule(FieldKey::Title, Direction::Both, Some(Side::Ado)),
    );
    assert_eq!(changes(&plan), [row(Side::ClickUp, "title", "New")]);
    assert_eq!(plan.conflicts[0].now.clickup, old);
}

/// Nobody can tell what the two edits were made of, so none of them gives way by looking like the base.
#[test]
fn where_both_sides_are_in_doubt_whatever_they_show_is_an_edit_until_they_agree() {
    let [old, new, other] = ["Old", "New", "Other"].map(FieldValue::text);
    let title = FieldKey::Title;
    let plan = |now: [&FieldValue; 2], winner| {
        let mut view = doubted(&title, old.clone(), now.map(Clone::clone));
        view.doubted.insert((title.clone(), Side::Ado));
        plan_one(view, &with_rule(title.clone(), Direction::Both, winner))
    };
    for now in [[&old, &other], [&other, &old], [&new, &other]] {
        assert_eq!(found(&plan(now, None)), (vec![], 1, 0), "{now:?}");
    }
    for value in [&old, &new] {
        assert_eq!(found(&plan([value, value], None)), (vec![], 0, 1));
    }
    // What differs from the base is fresh for certain, and so it wins where it is to win.
    let written = vec![row(Side::Ado, "title", "Other")];
    let won = plan([&old, &other], Some(Side::ClickUp));
    assert_eq!(found(&won), (written, 1, 0));
    let plan = plan([&old, &other], Some(Side::Ado));
    assert_eq!(found(&plan), (vec![], 1, 0));
}

/// What is doubted may be an answer of before our write, and nobody's choice at all.
#[test]
fn a_value_in_doubt_does_not_win_by_the_policy() {
    let [old, new] = ["Old", "New"].map(FieldValue::text);
    let now = [new.clone(), old.clone()];
    let plan = plan_one(
        doubted(&FieldKey::Title, old, now),
        &with_rule(FieldKey::Title, Direction::Both, Some(Side::ClickUp)),
    );
    assert_eq!(found(&plan), (vec![], 1, 0));
    assert_eq!(plan.conflicts[0].taken, None);
}

#[test]
fn an_item_with_a_value_in_doubt_is_not_deleted_with_its_counterpart() {
    let policy = Policy {
        on_delete: OnDelete::Delete,
        ..policy()
    };
    let old = FieldValue::text("Old");
    for (in_doubt, kind) in [(false, ActionKind::Delete), (true, ActionKind::Unlink)] {
        let mut view = doubted(&FieldKey::Title, old.clone(), [old.clone(), old.clone()]);
        view.now.ado = gone();
        if !in_doubt {
            view.doubted.clear();
        }
        let plan = plan_one(view, &policy);
        assert_eq!(plan.actions[0].kind, kind);
    }
}
