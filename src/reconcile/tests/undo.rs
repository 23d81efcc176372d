//! Rules of an undo.

use super::fixture::{Linked, gone, rich, row};
use super::*;
use crate::model::{FieldKey, FieldValue, LinkId, PairName, Side, Sided};
use crate::reconcile::plan::ActionKind;
use crate::reconcile::undo::{Deed, Step, Undo, UndoLink, undo};
use crate::reconcile::{LinkView, Presence};
use std::collections::{BTreeMap, BTreeSet};

fn text(text: &str) -> FieldValue {
    FieldValue::text(text)
}

fn wrote(side: Side, before: &str, after: &str) -> Deed {
    deed(ActionKind::Update, side, before, after)
}

fn deed(kind: ActionKind, side: Side, before: &str, after: &str) -> Deed {
    let step = Step {
        before: Some(text(before)),
        after: Some(text(after)),
    };
    Deed {
        kind,
        side,
        changes: BTreeMap::from([(FieldKey::Title, step)]),
    }
}

fn scene(view: LinkView, deeds: Vec<Deed>) -> UndoLink {
    UndoLink {
        link: view.link,
        items: view.items,
        base: view.base,
        now: view.now,
        linked: Sided::build(|_| true),
        living: true,
        waiting: BTreeSet::new(),
        carried_back: BTreeSet::new(),
        deeds,
    }
}

fn titled(title: &str) -> Linked {
    Linked::new(1).same(FieldKey::Title, text(title))
}

fn undone(link: UndoLink) -> Undo {
    undo(&PairName::from("web"), "f", &[link], false, "undo")
}

fn deleting(link: UndoLink) -> Undo {
    undo(&PairName::from("web"), "f", &[link], true, "undo")
}

fn kinds(undo: &Undo) -> Vec<ActionKind> {
    undo.plan.actions.iter().map(|action| action.kind).collect()
}

#[test]
fn a_field_goes_back_and_the_pair_of_values_becomes_the_base() {
    let link = scene(titled("B").view(), vec![wrote(Side::ClickUp, "A", "B")]);
    let result = undone(link);
    assert_eq!(
        fixture::changes(&result.plan),
        [row(Side::ClickUp, "title", "A")]
    );
    let action = &result.plan.actions[0];
    assert_eq!(action.changes[0].source_value, Some(text("B")));
    assert!(action.expected.is_some(), "written under compare-and-swap");
    assert_eq!(result.left, []);
}

#[test]
fn an_edit_made_since_stays() {
    for side in Side::BOTH {
        let view = titled("B").now(side, FieldKey::Title, text("C")).view();
        let result = undone(scene(view, vec![wrote(side, "A", "B")]));
        assert_eq!(kinds(&result), []);
        assert!(result.left[0].reason.contains("edited since"));
        assert_eq!(result.left[0].field, Some(FieldKey::Title));
    }
}

#[test]
fn a_chain_of_writes_is_walked_back_until_a_person_stands_between() {
    let joined = vec![wrote(Side::Ado, "A", "B"), wrote(Side::Ado, "B", "C")];
    let broken = vec![wrote(Side::Ado, "A", "B"), wrote(Side::Ado, "X", "C")];
    for (deeds, goal) in [(joined, "A"), (broken, "X")] {
        let result = undone(scene(titled("C").view(), deeds));
        assert_eq!(
            fixture::changes(&result.plan),
            [row(Side::Ado, "title", goal)]
        );
    }
}

#[test]
fn what_is_as_before_already_is_neither_written_nor_told() {
    let result = undone(scene(titled("A").view(), vec![wrote(Side::Ado, "A", "B")]));
    assert_eq!((kinds(&result), result.left.len()), (vec![], 0));
    assert_eq!(result.plan.in_sync, 1);
}

#[test]
fn a_value_that_is_not_recorded_and_a_choice_that_waits_are_left() {
    let mut unknown = wrote(Side::Ado, "A", "B");
    for step in unknown.changes.values_mut() {
        step.before = None;
    }
    let result = undone(scene(titled("B").view(), vec![unknown]));
    assert!(result.left[0].reason.contains("not recorded"));

    let mut link = scene(titled("B").view(), vec![wrote(Side::Ado, "A", "B")]);
    link.waiting.insert(FieldKey::Title);
    let result = undone(link);
    assert_eq!(kinds(&result), []);
    assert!(result.left[0].reason.contains("conflicts resolve"));
}

#[test]
fn both_halves_of_a_merge_go_back_clickup_first() {
    let mut view = Linked::new(1)
        .same(FieldKey::Description, rich("merged"))
        .view();
    view.base.clear();
    let half = |side, before: &str| Deed {
        kind: ActionKind::Update,
        side,
        changes: BTreeMap::from([(
            FieldKey::Description,
            Step {
                before: Some(rich(before)),
                after: Some(rich("merged")),
            },
        )]),
    };
    let deeds = vec![half(Side::ClickUp, "theirs"), half(Side::Ado, "ours")];
    let result = undone(scene(view, deeds));
    let targets: Vec<Side> = result.plan.actions.iter().map(|a| a.target).collect();
    assert_eq!(targets, [Side::ClickUp, Side::Ado]);
    assert!(result.plan.actions.iter().all(|a| a.after.is_none()));
}

#[test]
fn a_created_item_is_deleted_only_on_request_and_untouched() {
    let made = || vec![deed(ActionKind::Create, Side::ClickUp, "", "B")];
    let kept = undone(scene(titled("B").view(), made()));
    assert_eq!(kinds(&kept), []);
    assert!(kept.left[0].reason.contains("--delete-created"));

    let result = deleting(scene(titled("B").view(), made()));
    assert_eq!(kinds(&result), [ActionKind::Delete]);

    let edited = titled("B").now(Side::ClickUp, FieldKey::Title, text("C"));
    let result = deleting(scene(edited.view(), made()));
    assert_eq!(kinds(&result), []);
    // Edited, and the edit was carried to the other side: both agree, and yet it is somebody's work.
    let mut carried = scene(titled("C").view(), made());
    carried.carried_back.insert(FieldKey::Title);
    assert_eq!(kinds(&deleting(carried)), []);
}

#[test]
fn a_deleted_work_item_comes_back_linked_and_a_task_is_only_named() {
    let dead = |side| {
        let view = titled("B").with(side, gone());
        UndoLink {
            linked: Sided::build(|_| false),
            living: false,
            ..scene(view, vec![deed(ActionKind::Delete, side, "", "")])
        }
    };
    let result = undone(dead(Side::Ado));
    assert_eq!(kinds(&result), [ActionKind::Restore, ActionKind::Link]);
    assert_eq!(
        result.plan.actions[1].after.as_ref(),
        Some(&result.plan.actions[0].id)
    );
    let result = undone(dead(Side::ClickUp));
    assert_eq!(kinds(&result), []);
    assert!(result.left[0].reason.contains("Trash"));

    let mut alone = dead(Side::Ado);
    *alone.now.get_mut(Side::ClickUp) = gone();
    assert_eq!(
        kinds(&undone(alone)),
        [ActionKind::Restore],
        "nothing to link it with"
    );
    let mut unclear = dead(Side::Ado);
    *unclear.now.get_mut(Side::Ado) = Presence::Unclear {
        reason: "no rights".to_owned(),
    };
    assert_eq!(
        kinds(&undone(unclear)),
        [],
        "no evidence that it is in the bin"
    );
}

#[test]
fn links_are_dissolved_and_made_again_where_both_items_are_there() {
    let linked = scene(
        titled("B").view(),
        vec![deed(ActionKind::Link, Side::Ado, "", "")],
    );
    assert_eq!(kinds(&undone(linked)), [ActionKind::Unlink]);

    let unlinked = |linked| UndoLink {
        linked: Sided::build(|_| linked),
        living: false,
        link: LinkId(1),
        ..scene(
            titled("B").view(),
            vec![deed(ActionKind::Unlink, Side::Ado, "", "")],
        )
    };
    assert_eq!(kinds(&undone(unlinked(false))), [ActionKind::Link]);
    assert_eq!(kinds(&undone(unlinked(true))), [], "somebody else has it");
    let mut half = unlinked(false);
    *half.now.get_mut(Side::Ado) = gone();
    assert_eq!(kinds(&undone(half)), []);
}
