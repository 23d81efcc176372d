//! What an action says in full: whoever applies, shows or approves it reads every member.

use super::fixture::*;
use crate::fixture::reconcile;
use crate::model::{
    ActionId, FieldKey, FieldValue, LinkId, Side, Sided, Subject, Timestamp, Version,
};
use crate::reason::{ActionWhy, After, HoldWhy, Reason};
use crate::reconcile::plan::{Action, ActionKind, PLAN_FORMAT};
use crate::reconcile::policy::{Direction, Lacks, OnDelete, Policy};
use crate::reconcile::{LinkView, Origin, View, plan_of};
use std::collections::BTreeMap;

/// The action without what a test compares on its own.
fn bare(action: &Action) -> Action {
    Action {
        id: ActionId(String::new()),
        changes: Vec::new(),
        ..action.clone()
    }
}

/// A work item and a task, of different versions.
fn link() -> Linked {
    let mut linked = Linked::new(1);
    linked.items.ado.version = Version(3);
    linked.items.clickup.version = Version(8);
    linked
}

const WORK_ITEM: &str = "https://ado.example/Fabrikam/_workitems/edit/101";
const TASK: &str = "https://clickup.example/t/86d1";

#[test]
fn an_update_says_everything() {
    let link = link().now(Side::Ado, FieldKey::Title, FieldValue::text("Renamed"));
    let plan = plan_one(link.view(), &policy());
    let expected = Action {
        id: ActionId(String::new()),
        kind: ActionKind::Update,
        subject: Subject::Item,
        link: Some(LinkId(1)),
        target: Side::ClickUp,
        target_item: Some(id("86d1")),
        source_item: Some(id("101")),
        // Nobody calls it by its old one any more.
        title: "Renamed".to_owned(),
        url: TASK.to_owned(),
        expected: Some(Version(8)),
        source_version: Some(Version(3)),
        changes: Vec::new(),
        why: ActionWhy::Differs { from: Side::Ado },
        parent: None,
        after: Vec::new(),
    };
    assert_eq!(bare(&plan.actions[0]), expected);
    assert!(plan.rebases.is_empty(), "nothing else moved");
    assert_eq!((plan.looked_at, plan.in_sync), (1, 0));
}

/// An undo that removes a task and dies before its answer is nobody's delete.
#[test]
fn what_boardsync_removed_itself_takes_nothing_with_it() {
    for rule in [OnDelete::Unlink, OnDelete::Delete, OnDelete::Close] {
        let policy = Policy {
            on_delete: rule,
            ..policy()
        };
        for (removed, kind) in [
            (Some(Side::ClickUp), ActionKind::Unlink),
            // It was the other one, which is there again.
            (Some(Side::Ado), plain(rule)),
            (None, plain(rule)),
        ] {
            let link = LinkView {
                removed,
                ..link().with(Side::ClickUp, gone())
            };
            let plan = plan_one(link, &policy);
            assert_eq!(plan.actions[0].kind, kind, "{rule:?} {removed:?}");
        }
    }
}

fn plain(rule: OnDelete) -> ActionKind {
    match rule {
        OnDelete::Unlink => ActionKind::Unlink,
        OnDelete::Delete => ActionKind::Delete,
        OnDelete::Close => ActionKind::Close,
    }
}

#[test]
fn what_is_left_of_a_deleted_pair_is_named_with_its_version() {
    for (rule, kind, then) in [
        (OnDelete::Unlink, ActionKind::Unlink, After::Unlink),
        (OnDelete::Delete, ActionKind::Delete, After::Delete),
        (OnDelete::Close, ActionKind::Close, After::Close),
    ] {
        let policy = Policy {
            on_delete: rule,
            ..policy()
        };
        let plan = plan_one(link().with(Side::ClickUp, gone()), &policy);
        let expected = Action {
            id: ActionId(String::new()),
            kind,
            subject: Subject::Item,
            link: Some(LinkId(1)),
            target: Side::Ado,
            target_item: Some(id("101")),
            source_item: Some(id("86d1")),
            title: "Login fails".to_owned(),
            url: WORK_ITEM.to_owned(),
            expected: Some(Version(3)),
            source_version: None,
            changes: Vec::new(),
            why: ActionWhy::CounterpartDeleted {
                side: Side::ClickUp,
                evidence: "in the recycle bin".to_owned(),
                then,
            },
            parent: None,
            after: Vec::new(),
        };
        assert_eq!(bare(&plan.actions[0]), expected);
    }
}

#[test]
fn a_close_changes_the_state_alone() {
    let policy = Policy {
        on_delete: OnDelete::Close,
        ..policy()
    };
    let plan = plan_one(link().with(Side::ClickUp, gone()), &policy);
    let [change] = plan.actions[0].changes.as_slice() else {
        panic!("one change: {:?}", plan.actions[0].changes);
    };
    assert_eq!(change.field, FieldKey::State);
    assert_eq!(change.before, Some(FieldValue::choice("Active")));
    assert_eq!(change.after, FieldValue::choice("Closed"));
    assert_eq!(change.source_value, None);
    let nowhere = Policy {
        customs: std::collections::BTreeMap::new(),
        paused: std::collections::BTreeMap::new(),
        identities: std::collections::BTreeMap::new(),
        since: std::collections::BTreeMap::new(),
        closed_states: Sided::default(),
        lacks: Lacks::default(),
        reach: BTreeMap::new(),
        ..policy
    };
    let plan = plan_one(link().with(Side::ClickUp, gone()), &nowhere);
    assert!(plan.actions.is_empty());
    assert_eq!(plan.holds.len(), 1, "held, with its link");
}

#[test]
fn a_field_that_was_never_agreed_on_counts_as_edited_unless_it_is_empty() {
    let policy = Policy {
        on_delete: OnDelete::Delete,
        ..policy()
    };
    for (value, kind) in [
        (FieldValue::Empty, ActionKind::Delete),
        (FieldValue::Number(1000), ActionKind::Unlink),
    ] {
        let link = link().now(Side::Ado, FieldKey::Points, value);
        let plan = plan_one(link.with(Side::ClickUp, gone()), &policy);
        assert_eq!(plan.actions[0].kind, kind);
    }
}

#[test]
fn deleted_on_both_sides_says_so() {
    let mut link = link().with(Side::Ado, gone());
    link.now.clickup = gone();
    let plan = plan_one(link, &policy());
    let action = &plan.actions[0];
    assert_eq!(action.reason(), "deleted on both sides");
    assert_eq!(action.link, Some(LinkId(1)));
    assert_eq!(action.target_item, Some(id("86d1")));
    assert_eq!(action.title, "#86d1");
    assert_ne!(action.id, ActionId(String::new()));
}

fn fresh_view(side: Side, ids: &[&str], origin: &Origin) -> View {
    let mut view = view(Vec::new());
    for n in ids {
        let new = item(side, n, "Export");
        view.fresh.get_mut(side).push(fresh(new, origin.clone()));
    }
    view
}

fn untyped() -> Policy {
    let mut policy = policy();
    policy.fields.remove(&FieldKey::Type);
    policy
}

#[test]
fn a_create_says_everything() {
    let mut view = fresh_view(Side::Ado, &["500"], &Origin::Person);
    let fields = &mut view.fresh.ado[0].item.fields;
    fields.insert(FieldKey::Points, FieldValue::Number(3000));
    fields.insert(FieldKey::Estimate, FieldValue::Empty);
    fields.insert(FieldKey::State, FieldValue::Empty);
    let plan = reconcile(&view, &untyped());
    let expected = Action {
        id: ActionId(String::new()),
        kind: ActionKind::Create,
        subject: Subject::Item,
        link: None,
        target: Side::ClickUp,
        target_item: None,
        source_item: Some(id("500")),
        title: "Export".to_owned(),
        url: "https://ado.example/Fabrikam/_workitems/edit/500".to_owned(),
        expected: None,
        source_version: Some(Version(7)),
        changes: Vec::new(),
        why: ActionWhy::New { side: Side::Ado },
        parent: None,
        after: Vec::new(),
    };
    assert_eq!(bare(&plan.actions[0]), expected);
    assert_eq!(
        changes(&plan),
        [
            row(Side::ClickUp, "points", "3"),
            row(Side::ClickUp, "title", "Export")
        ]
    );
    let change = &plan.actions[0].changes[1];
    assert_eq!(
        (change.before.clone(), change.reason.as_str()),
        (None, "new")
    );
    assert_eq!(change.source_value, Some(FieldValue::Number(3000)));
    assert!(plan.holds.is_empty(), "an empty field holds nothing up");
}

#[test]
fn a_one_way_field_is_left_out_of_a_create_but_the_title_never() {
    let mut view = fresh_view(Side::Ado, &["500"], &Origin::Person);
    let fields = &mut view.fresh.ado[0].item.fields;
    fields.insert(FieldKey::Points, FieldValue::Number(3000));
    let mut policy = untyped();
    for key in [FieldKey::Points, FieldKey::Title] {
        let rule = policy.fields.get_mut(&key).unwrap();
        rule.direction = Direction::ToAdo;
    }
    let plan = reconcile(&view, &policy);
    let made_of = [("status", "to do"), ("title", "Export")];
    let made_of = made_of.map(|(field, value)| row(Side::ClickUp, field, value));
    assert_eq!(changes(&plan), made_of);
}

#[test]
fn an_item_without_a_title_is_not_created() {
    let mut view = fresh_view(Side::Ado, &["500"], &Origin::Person);
    view.fresh.ado[0]
        .item
        .fields
        .insert(FieldKey::Title, FieldValue::Empty);
    let plan = reconcile(&view, &untyped());
    assert!(plan.actions.is_empty());
    let hold = &plan.holds[0];
    assert_eq!(hold.subject, FieldKey::Title);
    assert_eq!((hold.side, hold.item.clone()), (Side::Ado, id("500")));
    assert_eq!(hold.title, "#500");
}

#[test]
fn an_adoption_says_what_it_adopts() {
    let origin = Origin::Counterpart {
        of: id("77"),
        generation: 0,
    };
    let plan = reconcile(&fresh_view(Side::ClickUp, &["86x"], &origin), &policy());
    let action = &plan.actions[0];
    assert_eq!(
        (action.kind, action.target),
        (ActionKind::Link, Side::ClickUp)
    );
    assert_eq!(action.target_item, Some(id("86x")));
    assert_eq!(action.source_item, Some(id("77")));
    assert_eq!(action.reason(), "carries the marker of its counterpart");
    assert_eq!(action.link, None);
}

#[test]
fn items_are_created_in_the_order_of_their_numbers() {
    let view = fresh_view(
        Side::ClickUp,
        &["b", "10", "9", "a", "011"],
        &Origin::Person,
    );
    let plan = reconcile(&view, &untyped());
    let order: Vec<&str> = plan
        .actions
        .iter()
        .filter_map(|action| action.source_item.as_ref())
        .map(|id| id.as_str())
        .collect();
    assert_eq!(order, ["9", "10", "011", "a", "b"]);
}

/// Both halves of a pair without a link, as after a lost database: who each says that it was made for.
fn halves(ado: Origin, clickup: Origin) -> Vec<(ActionKind, Side)> {
    let mut view = fresh_view(Side::Ado, &["7"], &ado);
    let task = item(Side::ClickUp, "86a", "Export");
    view.fresh.clickup.push(fresh(task, clickup));
    let plan = reconcile(&view, &untyped());
    let mut kinds: Vec<(ActionKind, Side)> =
        plan.actions.iter().map(|a| (a.kind, a.target)).collect();
    kinds.sort();
    kinds
}

fn made_for(of: &str) -> Origin {
    Origin::Counterpart {
        of: id(of),
        generation: 0,
    }
}

#[test]
fn after_a_lost_database_each_pair_is_linked_once() {
    use ActionKind::{Create, Link};
    use Side::{Ado, ClickUp};
    assert_eq!(halves(Origin::Person, made_for("7")), [(Link, ClickUp)]);
    assert_eq!(halves(made_for("86a"), Origin::Person), [(Link, Ado)]);
    assert_eq!(halves(made_for("86a"), made_for("7")), [(Link, ClickUp)]);
    // Somebody else's marker settles nothing.
    assert_eq!(
        halves(Origin::Person, made_for("8")),
        [(Create, ClickUp), (Link, ClickUp)]
    );
    assert_eq!(
        halves(made_for("86b"), made_for("7")),
        [(Link, Ado), (Link, ClickUp)]
    );
    assert_eq!(halves(Origin::Tombstone, made_for("7")), [(Link, ClickUp)]);
}

#[test]
fn a_hold_is_told_even_if_the_other_half_claims_the_item() {
    let held = Origin::Held(HoldWhy::told_before("a copy".to_owned()));
    let mut view = fresh_view(Side::Ado, &["7"], &held);
    let task = item(Side::ClickUp, "86a", "Export");
    view.fresh.clickup.push(fresh(task, made_for("7")));
    let plan = reconcile(&view, &untyped());
    assert_eq!(plan.holds.len(), 1);
    assert_eq!(plan.holds[0].reason(), "a copy");
}

#[test]
fn writes_are_counted_over_all_pairs() {
    let plan = |n: usize| {
        let ids: Vec<String> = (0..n).map(|n| n.to_string()).collect();
        let ids: Vec<&str> = ids.iter().map(String::as_str).collect();
        reconcile(&fresh_view(Side::Ado, &ids, &Origin::Person), &untyped())
    };
    assert_eq!(plan(2).writes(), 2);
    let all = plan_of(Timestamp(5), vec![plan(2), plan(3)]);
    assert_eq!(all.writes(), 5);
    assert_eq!(
        (all.format_version, all.planned_at),
        (PLAN_FORMAT, Timestamp(5))
    );
    assert_eq!(all.pairs[0].pair, "web".into());
    assert_eq!(all.pairs[0].fingerprint, "f1");
}

#[test]
fn what_writes_and_what_dissolves_is_told_apart() {
    use ActionKind::*;
    let rows = [
        (Create, true, false),
        (Update, true, false),
        (Delete, true, true),
        (Close, true, true),
        (Link, false, false),
        (Unlink, false, true),
    ];
    for (kind, writes, dissolves) in rows {
        assert_eq!(
            (kind.writes(), kind.dissolves()),
            (writes, dissolves),
            "{kind:?}"
        );
    }
}

#[test]
fn ids_and_hashes_are_sixteen_hex_digits() {
    let plan = reconcile(&fresh_view(Side::Ado, &["1"], &Origin::Person), &untyped());
    for text in [plan.hash(), plan.actions[0].id.0.clone()] {
        assert_eq!(text.len(), 16);
        assert!(text.chars().all(|c| c.is_ascii_hexdigit()), "{text}");
    }
}
