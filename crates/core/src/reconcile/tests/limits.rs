//! Limits of one plan, to the unit.

use super::fixture::*;
use crate::fixture::reconcile;
use crate::model::{FieldKey, FieldValue, LinkId, Side};
use crate::reason::Limit;
use crate::reconcile::plan::{Action, ActionKind, FieldChange, PairPlan, Tripped};
use crate::reconcile::policy::GuardLimits;
use crate::reconcile::{Origin, guard};

/// One action of a kind, made from a real one.
fn action(
    kind: ActionKind,
    target: Side,
    change: Option<(Option<FieldValue>, FieldValue)>,
) -> Action {
    let mut view = view(Vec::new());
    let new = item(target.other(), "1", "x");
    view.fresh
        .get_mut(target.other())
        .push(fresh(new, Origin::Person));
    let mut policy = policy();
    policy.fields.remove(&FieldKey::Type);
    let mut action = reconcile(&view, &policy).actions.remove(0);
    assert_eq!(action.target, target);
    action.kind = kind;
    action.link = kind.dissolves().then_some(LinkId(1));
    action.changes = change
        .map(|(before, after)| FieldChange {
            field: FieldKey::Points,
            before,
            after,
            kept_back: None,
            source_value: None,
            reason: String::new(),
        })
        .into_iter()
        .collect();
    action
}

fn tripped(actions: Vec<Action>, guard: GuardLimits, links: u64) -> Vec<Tripped> {
    let policy = crate::reconcile::policy::Policy { guard, ..policy() };
    let plan = PairPlan {
        actions,
        ..PairPlan::empty("web".into(), String::new())
    };
    guard::check(&plan, &policy, links)
}

fn only(what: Limit, side: Side, count: usize, limit: usize) -> Vec<Tripped> {
    vec![Tripped {
        what,
        side,
        count,
        limit,
        slow: None,
    }]
}

/// Everything is let through but what a test limits.
fn open() -> GuardLimits {
    GuardLimits {
        creates: (9, 0.0),
        updates: (9, 0.0),
        clears: (9, 0.0),
        deletes: (9, 0.0),
        noise: 0.0,
    }
}

#[test]
fn each_kind_has_its_own_limit_on_each_side() {
    let two = |kind, side| vec![action(kind, side, None), action(kind, side, None)];
    for side in Side::BOTH {
        for (kind, what, guard) in [
            (
                ActionKind::Create,
                Limit::Creates,
                GuardLimits {
                    creates: (1, 0.0),
                    ..open()
                },
            ),
            (
                ActionKind::Update,
                Limit::Updates,
                GuardLimits {
                    updates: (1, 0.0),
                    ..open()
                },
            ),
            (
                ActionKind::Delete,
                Limit::Deletes,
                GuardLimits {
                    deletes: (1, 0.0),
                    ..open()
                },
            ),
            (
                ActionKind::Close,
                Limit::Deletes,
                GuardLimits {
                    deletes: (1, 0.0),
                    ..open()
                },
            ),
            (
                ActionKind::Unlink,
                Limit::Deletes,
                GuardLimits {
                    deletes: (1, 0.0),
                    ..open()
                },
            ),
        ] {
            let found = tripped(two(kind, side), guard, 0);
            assert_eq!(found, only(what, side, 2, 1), "{kind:?}");
            let both_sides = vec![action(kind, side, None), action(kind, side.other(), None)];
            assert_eq!(tripped(both_sides, guard, 0), [], "{kind:?}: one a side");
        }
        let none = GuardLimits {
            creates: (0, 0.0),
            updates: (0, 0.0),
            clears: (0, 0.0),
            deletes: (0, 0.0),
            noise: 0.0,
        };
        assert_eq!(
            tripped(two(ActionKind::Link, side), none, 0),
            [],
            "a link writes nothing"
        );
    }
}

#[test]
fn deletes_closes_and_unlinks_are_counted_together() {
    let guard = GuardLimits {
        deletes: (5, 0.0),
        ..open()
    };
    let mut actions = Vec::new();
    for (kind, times) in [
        (ActionKind::Delete, 3),
        (ActionKind::Close, 2),
        (ActionKind::Unlink, 1),
    ] {
        actions.extend((0..times).map(|_| action(kind, Side::Ado, None)));
    }
    assert_eq!(
        tripped(actions, guard, 0),
        only(Limit::Deletes, Side::Ado, 6, 5)
    );
}

/// After a lost database, what was made for a deleted item is only noted as alone.
#[test]
fn the_end_of_a_link_that_nothing_is_on_record_of_is_not_counted() {
    let guard = GuardLimits {
        deletes: (0, 0.0),
        ..open()
    };
    let mut unlink = action(ActionKind::Unlink, Side::Ado, None);
    let counted = tripped(vec![unlink.clone()], guard, 0);
    assert_eq!(counted, only(Limit::Deletes, Side::Ado, 1, 0));
    unlink.link = None;
    assert_eq!(tripped(vec![unlink], guard, 0), []);
}

#[test]
fn only_a_value_that_was_there_can_be_cleared() {
    let guard = GuardLimits {
        clears: (0, 0.0),
        ..open()
    };
    let found = |kind, before, after| {
        tripped(
            vec![action(kind, Side::ClickUp, Some((before, after)))],
            guard,
            0,
        )
    };
    let (some, none) = (FieldValue::Number(1000), FieldValue::Empty);
    let update = ActionKind::Update;
    assert_eq!(
        found(update, Some(some.clone()), none.clone()),
        only(Limit::Clears, Side::ClickUp, 1, 0)
    );
    assert_eq!(found(update, Some(none.clone()), none.clone()), []);
    assert_eq!(found(update, None, none.clone()), []);
    assert_eq!(found(update, Some(some.clone()), some.clone()), []);
    assert_eq!(
        found(ActionKind::Close, Some(some), none),
        [],
        "a close is a delete already"
    );
}

#[test]
fn a_share_is_rounded_down_and_never_below_the_floor() {
    let creates = |n: usize, guard: (u32, f64), links: u64| {
        let actions = (0..n).map(|_| action(ActionKind::Create, Side::Ado, None));
        let guard = GuardLimits {
            creates: guard,
            ..open()
        };
        tripped(actions.collect(), guard, links)
    };
    // 2.5 % of 199 links are 4.975.
    assert_eq!(creates(4, (1, 2.5), 199), []);
    assert_eq!(
        creates(5, (1, 2.5), 199),
        only(Limit::Creates, Side::Ado, 5, 4)
    );
    // The larger of floor and share counts.
    assert_eq!(creates(3, (3, 2.5), 40), []);
    assert_eq!(
        creates(4, (3, 2.5), 40),
        only(Limit::Creates, Side::Ado, 4, 3)
    );
    // A share that is no number lets nothing through on its own.
    for odd in [f64::INFINITY, f64::NAN, -5.0] {
        assert_eq!(
            creates(2, (1, odd), 100),
            only(Limit::Creates, Side::Ado, 2, 1),
            "{odd}"
        );
    }
}
