//! Rules of existence: deletes, scope, creates, adoption, guards.

use super::fixture::*;
use crate::fixture::reconcile;
use crate::model::{FieldKey, FieldValue, Side};
use crate::reason::{HoldWhy, Limit, Reason};
use crate::reconcile::plan::{ActionKind, Tripped};
use crate::reconcile::policy::{GuardLimits, OnDelete};
use crate::reconcile::{LinkView, Origin, Presence, View};

fn on_delete(rule: OnDelete) -> crate::reconcile::policy::Policy {
    crate::reconcile::policy::Policy {
        on_delete: rule,
        ..policy()
    }
}

#[test]
fn a_deleted_items_counterpart_follows_on_delete() {
    for (rule, kind) in [
        (OnDelete::Unlink, ActionKind::Unlink),
        (OnDelete::Close, ActionKind::Close),
        (OnDelete::Delete, ActionKind::Delete),
    ] {
        for side in Side::BOTH {
            let plan = plan_one(Linked::new(1).with(side, gone()), &on_delete(rule));
            assert_eq!(plan.actions.len(), 1);
            assert_eq!(plan.actions[0].kind, kind, "{rule:?} {side}");
            assert_eq!(plan.actions[0].target, side.other());
        }
    }
}

#[test]
fn closing_writes_the_closed_state_of_the_side_that_is_left() {
    let plan = plan_one(
        Linked::new(1).with(Side::Ado, gone()),
        &on_delete(OnDelete::Close),
    );
    assert_eq!(changes(&plan), [row(Side::ClickUp, "status", "complete")]);
    let closed = Linked::new(1).agreed(
        FieldKey::State,
        FieldValue::choice("Closed"),
        FieldValue::choice("complete"),
    );
    let plan = plan_one(closed.with(Side::Ado, gone()), &on_delete(OnDelete::Close));
    assert_eq!(plan.actions[0].kind, ActionKind::Unlink, "closed already");
}

#[test]
fn an_edit_wins_over_a_delete_on_the_other_side() {
    for rule in [OnDelete::Delete, OnDelete::Close] {
        let link = Linked::new(1).now(Side::ClickUp, FieldKey::Title, FieldValue::text("Edited"));
        let plan = plan_one(link.with(Side::Ado, gone()), &on_delete(rule));
        assert_eq!(plan.actions[0].kind, ActionKind::Unlink, "{rule:?}");
        assert!(plan.actions[0].reason().contains("edited"));
    }
}

#[test]
fn an_edit_of_a_field_that_is_not_synced_any_more_wins_over_a_delete_too() {
    let mut policy = on_delete(OnDelete::Delete);
    policy.fields.remove(&FieldKey::Title);
    let link = Linked::new(1).now(Side::ClickUp, FieldKey::Title, FieldValue::text("Edited"));
    let plan = plan_one(link.with(Side::Ado, gone()), &policy);
    assert_eq!(plan.actions[0].kind, ActionKind::Unlink);
    let plan = plan_one(Linked::new(1).with(Side::Ado, gone()), &policy);
    assert_eq!(plan.actions[0].kind, ActionKind::Delete);
}

#[test]
fn deleted_on_both_sides_only_dissolves_the_link() {
    let mut link = Linked::new(1).with(Side::Ado, gone());
    link.now.clickup = gone();
    let plan = plan_one(link, &on_delete(OnDelete::Delete));
    assert_eq!(plan.actions[0].kind, ActionKind::Unlink);
    assert_eq!(plan.writes(), 0);
}

#[test]
fn out_of_scope_keeps_the_link_and_writes_nothing() {
    for side in Side::BOTH {
        let linked = Linked::new(1).now(Side::Ado, FieldKey::Title, FieldValue::text("Edited"));
        let item = linked.items.get(side).clone();
        let plan = plan_one(
            linked.with(side, Presence::OutOfScope(Box::new(item))),
            &on_delete(OnDelete::Delete),
        );
        assert!(plan.actions.is_empty(), "{side}");
        assert_eq!(plan.holds.len(), 1);
        assert_eq!(plan.holds[0].side, side);
    }
}

#[test]
fn nothing_is_concluded_from_what_could_not_be_read() {
    for side in Side::BOTH {
        let unclear = Presence::Unclear {
            reason: "404 without a recycle bin entry".to_owned(),
        };
        let mut link = Linked::new(1).with(side, unclear);
        *link.now.get_mut(side.other()) = gone();
        let plan = plan_one(link, &on_delete(OnDelete::Delete));
        assert!(plan.actions.is_empty(), "{side}");
        assert_eq!(plan.holds.len(), 1);
    }
}

fn with_fresh(side: Side, origin: Origin) -> View {
    let mut new = item(side, "500", "Export as CSV");
    new.fields.insert(
        FieldKey::Type,
        FieldValue::choice(match side {
            Side::Ado => "User Story",
            Side::ClickUp => "Task",
        }),
    );
    let mut view = view(Vec::new());
    view.fresh.get_mut(side).push(fresh(new, origin));
    view
}

#[test]
fn a_persons_item_gets_one_counterpart_in_the_other_vocabulary() {
    for side in Side::BOTH {
        let plan = reconcile(&with_fresh(side, Origin::Person), &policy());
        assert_eq!(plan.actions.len(), 1);
        let create = &plan.actions[0];
        assert_eq!(
            (create.kind, create.target),
            (ActionKind::Create, side.other())
        );
        assert_eq!(create.target_item, None);
        assert_eq!(create.source_item, Some(id("500")));
        let kind = match side {
            Side::Ado => "Task",
            Side::ClickUp => "User Story",
        };
        assert!(changes(&plan).contains(&row(side.other(), "type", kind)));
    }
}

#[test]
fn nothing_is_created_on_a_side_where_the_pair_does_not_create() {
    let mut policy = policy();
    policy.create_on = vec![Side::ClickUp];
    assert!(
        reconcile(&with_fresh(Side::ClickUp, Origin::Person), &policy)
            .actions
            .is_empty()
    );
    assert_eq!(
        reconcile(&with_fresh(Side::Ado, Origin::Person), &policy)
            .actions
            .len(),
        1
    );
}

#[test]
fn an_item_with_our_marker_is_adopted_and_never_mirrored() {
    for side in Side::BOTH {
        let origin = Origin::Counterpart {
            of: id("77"),
            generation: 1,
        };
        let plan = reconcile(&with_fresh(side, origin), &policy());
        assert_eq!(plan.actions.len(), 1);
        assert_eq!(plan.actions[0].kind, ActionKind::Link);
        assert_eq!(plan.actions[0].source_item, Some(id("77")));
        assert_eq!(plan.writes(), 0);
    }
}

#[test]
fn a_held_or_dissolved_item_is_never_created() {
    let held = reconcile(
        &with_fresh(
            Side::Ado,
            Origin::Held(HoldWhy::told_before("open create".to_owned())),
        ),
        &policy(),
    );
    assert!(held.actions.is_empty());
    assert_eq!(held.holds[0].reason(), "open create");
    let alone = reconcile(&with_fresh(Side::Ado, Origin::Tombstone), &policy());
    assert!(alone.actions.is_empty() && alone.holds.is_empty());
}

#[test]
fn an_archived_task_is_not_created_elsewhere() {
    let mut view = with_fresh(Side::ClickUp, Origin::Person);
    view.fresh.clickup[0].item.archived = true;
    assert!(reconcile(&view, &policy()).actions.is_empty());
}

#[test]
fn a_create_that_would_lose_its_state_is_not_made_and_says_so() {
    let mut view = with_fresh(Side::Ado, Origin::Person);
    view.fresh.ado[0]
        .item
        .fields
        .insert(FieldKey::State, FieldValue::choice("Removed"));
    let plan = reconcile(&view, &policy());
    assert_eq!(plan.actions, []);
    assert_eq!(plan.holds[0].subject, FieldKey::State);
    assert!(
        plan.holds[0].reason().contains("Removed"),
        "{:?}",
        plan.holds
    );
}

#[test]
fn an_unmapped_type_holds_the_whole_create() {
    let mut view = with_fresh(Side::Ado, Origin::Person);
    view.fresh.ado[0]
        .item
        .fields
        .insert(FieldKey::Type, FieldValue::choice("Epic"));
    let plan = reconcile(&view, &policy());
    assert!(plan.actions.is_empty());
    assert_eq!(plan.holds[0].subject, FieldKey::Type);
}

#[test]
fn a_guard_trips_above_its_limit_and_not_at_it() {
    let limits = GuardLimits {
        deletes: (3, 0.0),
        ..GuardLimits::default()
    };
    let policy = crate::reconcile::policy::Policy {
        guard: limits,
        ..policy()
    };
    for (deletes, trips) in [(3, false), (4, true)] {
        let links = (1..=deletes)
            .map(|n| Linked::new(n).with(Side::Ado, gone()))
            .collect();
        let plan = reconcile(&among(links, 100), &policy);
        assert_eq!(!plan.tripped.is_empty(), trips, "{deletes}");
    }
}

/// A view of some of so many links.
fn among(links: Vec<LinkView>, all: u64) -> View {
    View {
        total_links: all,
        ..view(links)
    }
}

/// However few they are, and whatever `on_delete` makes of them. Nobody is asked about a single one.
#[test]
fn a_pair_whose_items_are_all_gone_on_one_side_waits_for_a_person() {
    for side in Side::BOTH {
        for (gone_now, all, trips) in [
            (1, 1, false),
            (1, 2, false),
            (2, 2, true),
            (2, 3, false),
            (3, 3, true),
        ] {
            for rule in [OnDelete::Unlink, OnDelete::Close, OnDelete::Delete] {
                let links = (1..=gone_now).map(|n| Linked::new(n).with(side, gone()));
                let plan = reconcile(&among(links.collect(), all), &on_delete(rule));
                let found: Vec<_> = plan.guarded().map(|t| (t.what, t.side, t.count)).collect();
                let expected = match trips {
                    true => vec![(Limit::Vanished, side, usize::try_from(gone_now).unwrap())],
                    false => Vec::new(),
                };
                assert_eq!(found, expected, "{side} {gone_now} of {all} {rule:?}");
            }
        }
    }
}

#[test]
fn a_pair_that_was_emptied_on_both_sides_waits_for_nobody() {
    let link = |n| {
        let mut link = Linked::new(n).with(Side::Ado, gone());
        *link.now.get_mut(Side::ClickUp) = gone();
        link
    };
    let plan = reconcile(
        &view((1..=3).map(link).collect()),
        &on_delete(OnDelete::Delete),
    );
    assert_eq!(plan.actions.len(), 3);
    assert!(plan.tripped.is_empty());
}

#[test]
fn a_share_of_the_links_raises_the_limit() {
    let links = |n: i64| -> Vec<_> {
        (1..=n)
            .map(|n| {
                Linked::new(n)
                    .same(FieldKey::Points, FieldValue::Number(1000))
                    .now(Side::Ado, FieldKey::Points, FieldValue::Empty)
                    .view()
            })
            .collect()
    };
    let mut small = view(links(6));
    assert_eq!(reconcile(&small, &policy()).tripped[0].what, Limit::Clears);
    small.total_links = 1_000;
    assert!(reconcile(&small, &policy()).tripped.is_empty());
}

#[test]
fn an_unapproved_pair_is_planned_but_marked() {
    let mut policy = policy();
    policy.approved = false;
    let plan = reconcile(&with_fresh(Side::Ado, Origin::Person), &policy);
    assert!(plan.first_contact);
    assert_eq!(plan.writes(), 1);
}

/// How much is gone on a side is no action of the plan. Whoever was told of a guard of creates has not been told of that.
#[test]
fn the_approval_hash_is_another_one_where_a_guard_tells_of_what_is_gone() {
    let tripped = |what: Limit, side: Side| Tripped {
        what,
        side,
        count: 11,
        limit: 3,
        slow: None,
    };
    let hash = |guards: &[Tripped]| {
        let link = Linked::new(1).now(Side::Ado, FieldKey::Title, FieldValue::text("a"));
        let mut plan = plan_one(link.view(), &policy());
        plan.tripped = guards.to_vec();
        plan.hash()
    };
    let creates = tripped(Limit::Creates, Side::ClickUp);
    let [ado, clickup] = Side::BOTH.map(|side| tripped(Limit::Vanished, side));
    assert_eq!(hash(&[]), hash(std::slice::from_ref(&creates)));
    let told = hash(&[creates.clone(), ado.clone()]);
    assert_ne!(told, hash(std::slice::from_ref(&creates)));
    assert_ne!(told, hash(&[creates, ado, clickup]));
}

#[test]
fn the_approval_hash_names_what_would_be_written() {
    let plan = |title: &str| {
        let link = Linked::new(1).now(Side::Ado, FieldKey::Title, FieldValue::text(title));
        plan_one(link.view(), &policy())
    };
    assert_eq!(plan("a").hash(), plan("a").hash());
    assert_ne!(plan("a").hash(), plan("b").hash());
    assert_eq!(plan("a").actions[0].id, plan("a").actions[0].id);
    assert_ne!(plan("a").actions[0].id, plan("b").actions[0].id);
}

#[test]
fn an_empty_view_gives_an_empty_plan() {
    let plan = reconcile(&View::default(), &policy());
    assert!(plan.actions.is_empty() && plan.tripped.is_empty() && !plan.first_contact);
}

#[test]
fn an_item_that_a_strangers_marker_names_is_held_and_not_made_again() {
    let mut copy = item(Side::ClickUp, "86d1", "Made elsewhere");
    copy.markers = vec!["sx1:web:ado:101:0:0123abcd".to_owned()];
    let mut view = view(Vec::new());
    view.fresh.clickup = vec![fresh(
        copy,
        Origin::Held(HoldWhy::told_before("not ours".to_owned())),
    )];
    view.fresh.ado = ["101", "102"]
        .map(|n| fresh(item(Side::Ado, n, n), Origin::Person))
        .to_vec();
    let plan = reconcile(&view, &policy());
    let made: Vec<&str> = plan.actions.iter().map(|a| a.title.as_str()).collect();
    assert_eq!(made, ["102"]);
    let held: Vec<&str> = plan.holds.iter().map(|h| h.item.as_str()).collect();
    assert_eq!(held, ["101", "86d1"]);
}
