//! Rules of an undo.

mod existence;
mod walk;

use super::fixture::{Linked, gone, policy, rich, row};
use super::*;
use crate::model::{FieldKey, FieldValue, LinkId, Side, Sided, Timestamp, Version};
use crate::reason::Cause;
use crate::reconcile::plan::{ActionKind, Hold};
use crate::reconcile::undo::{By, Deed, Step, Traces, Undo, UndoLink, Versions, undo};
use crate::reconcile::{LinkView, Presence};
use std::collections::{BTreeMap, BTreeSet};

fn text(text: &str) -> FieldValue {
    FieldValue::text(text)
}

/// The version of both items of the fixture.
const SHOWN: Versions = Versions {
    before: Some(Version(7)),
    after: Some(Version(7)),
};

fn wrote(side: Side, before: &str, after: &str) -> Deed {
    deed(ActionKind::Update, side, before, after)
}

fn deed(kind: ActionKind, side: Side, before: &str, after: &str) -> Deed {
    let step = Step {
        before: Some(text(before)),
        after: Some(text(after)),
    };
    Deed {
        by: By::Target,
        run: "run".to_owned(),
        at: Timestamp(0),
        done: true,
        kind,
        side,
        changes: BTreeMap::from([(FieldKey::Title.into(), step)]),
        versions: SHOWN,
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
        by_hand: Sided::build(|_| false),
        waiting: BTreeSet::new(),
        carried_back: BTreeSet::new(),
        traces: Sided::build(|_| Traces::None),
        deeds,
    }
}

fn titled(title: &str) -> Linked {
    Linked::new(1).same(FieldKey::Title, text(title))
}

fn cause() -> Cause {
    Cause::UndoOfRun {
        run: "c1".to_owned(),
    }
}

fn undone(link: UndoLink) -> Undo {
    undo(&policy(), &[link], false, &cause())
}

fn deleting(link: UndoLink) -> Undo {
    undo(&policy(), &[link], true, &cause())
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
    assert!(
        action.source_version.is_some(),
        "and only beside what was seen"
    );
    assert_eq!((action.title.as_str(), result.plan.looked_at), ("B", 1));
    assert_eq!(result.left, []);
}

#[test]
fn an_edit_made_since_stays() {
    for side in Side::BOTH {
        let view = titled("B").now(side, FieldKey::Title, text("C")).view();
        let result = undone(scene(view, vec![wrote(side, "A", "B")]));
        assert_eq!(kinds(&result), []);
        assert!(result.left[0].reason().contains("edited since"));
        assert_eq!(result.left[0].subject, FieldKey::Title);
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
    let to_and_fro = vec![wrote(Side::Ado, "A", "B"), wrote(Side::Ado, "B", "A")];
    for deeds in [vec![wrote(Side::Ado, "A", "B")], to_and_fro] {
        let result = undone(scene(titled("A").view(), deeds));
        assert_eq!((kinds(&result), result.left.len()), (vec![], 0));
        assert_eq!(result.plan.in_sync, 1);
    }
}

#[test]
fn a_value_that_is_not_recorded_and_a_choice_that_waits_are_left() {
    let mut unknown = wrote(Side::Ado, "A", "B");
    for step in unknown.changes.values_mut() {
        step.before = None;
    }
    let result = undone(scene(titled("B").view(), vec![unknown]));
    assert!(result.left[0].reason().contains("not recorded"));

    let mut link = scene(titled("B").view(), vec![wrote(Side::Ado, "A", "B")]);
    link.waiting.insert(FieldKey::Title);
    let result = undone(link);
    assert_eq!(kinds(&result), []);
    assert!(result.left[0].reason().contains("conflicts resolve"));
}

#[test]
fn both_halves_of_a_merge_go_back_clickup_first() {
    let mut view = Linked::new(1)
        .same(FieldKey::Description, rich("merged"))
        .view();
    view.base.clear();
    let half = |side, before: &str| Deed {
        by: By::Target,
        run: "run".to_owned(),
        at: Timestamp(0),
        done: true,
        kind: ActionKind::Update,
        side,
        changes: BTreeMap::from([(
            FieldKey::Description.into(),
            Step {
                before: Some(rich(before)),
                after: Some(rich("merged")),
            },
        )]),
        versions: SHOWN,
    };
    let deeds = vec![half(Side::ClickUp, "theirs"), half(Side::Ado, "ours")];
    let result = undone(scene(view, deeds));
    let targets: Vec<Side> = result.plan.actions.iter().map(|a| a.target).collect();
    assert_eq!(targets, [Side::ClickUp, Side::Ado]);
    assert!(result.plan.actions.iter().all(|a| a.after.is_empty()));
}

#[test]
fn the_fields_of_an_item_that_is_to_be_deleted_stay_and_those_of_others_do_not() {
    let link = |n: i64, deeds| UndoLink {
        link: LinkId(n),
        ..scene(titled("B").view(), deeds)
    };
    let made = deed(ActionKind::Create, Side::ClickUp, "", "B");
    let links = [
        link(
            1,
            vec![
                made,
                wrote(Side::ClickUp, "A", "B"),
                wrote(Side::Ado, "A", "B"),
            ],
        ),
        link(2, vec![wrote(Side::ClickUp, "A", "B")]),
    ];
    let result = undo(&policy(), &links, true, &cause());
    let done: Vec<_> = result
        .plan
        .actions
        .iter()
        .map(|action| (action.link, action.kind, action.target))
        .collect();
    assert_eq!(
        done,
        [
            (Some(LinkId(1)), ActionKind::Delete, Side::ClickUp),
            (Some(LinkId(1)), ActionKind::Update, Side::Ado),
            (Some(LinkId(2)), ActionKind::Update, Side::ClickUp),
        ]
    );
    assert_eq!(result.left, []);
}

#[test]
fn an_item_that_is_not_there_is_told_once_for_each_link() {
    let lost = |n: i64, deeds| {
        let view = titled("B").with(Side::ClickUp, gone());
        UndoLink {
            link: LinkId(n),
            ..scene(view, deeds)
        }
    };
    let made = deed(ActionKind::Create, Side::ClickUp, "", "B");
    let links = [
        lost(1, vec![made, wrote(Side::ClickUp, "A", "B")]),
        lost(2, vec![wrote(Side::ClickUp, "A", "B")]),
    ];
    let result = undo(&policy(), &links, false, &cause());
    assert_eq!(kinds(&result), []);
    let told: Vec<_> = result
        .left
        .iter()
        .map(|left| (left.link, left.side, left.title.as_str()))
        .collect();
    let row = |n: i64| (Some(LinkId(n)), Side::ClickUp, "B");
    assert_eq!(told, [row(1), row(2)]);
    assert_eq!(
        result.left[1].reason(),
        "ClickUp deleted it (in the recycle bin)"
    );
    let mut hidden = lost(3, vec![wrote(Side::ClickUp, "A", "B")]);
    for side in Side::BOTH {
        *hidden.now.get_mut(side) = Presence::Unclear {
            reason: "no rights".to_owned(),
        };
    }
    let left = undone(hidden).left;
    assert_eq!(left[0].reason(), "ClickUp does not show it (no rights)");
    assert_eq!(left[0].title, "#86d1");
}

#[test]
fn an_edit_on_the_other_side_that_is_still_to_be_carried_over_stays_and_flows() {
    for side in Side::BOTH {
        let view = titled("B")
            .now(side.other(), FieldKey::Title, text("C"))
            .view();
        let result = undone(scene(view, vec![wrote(side, "A", "B")]));
        assert_eq!(kinds(&result), []);
        assert!(
            result.left[0].reason().contains("next cycle"),
            "{}",
            result.left[0].reason()
        );
    }
}

#[test]
fn what_differs_afterwards_is_an_open_conflict() {
    let result = undone(scene(
        titled("B").view(),
        vec![wrote(Side::ClickUp, "A", "B")],
    ));
    let conflict = &result.plan.conflicts[0];
    assert_eq!(
        (&conflict.now.ado, &conflict.now.clickup),
        (&text("B"), &text("A"))
    );
    assert_eq!(conflict.taken, None);
    // Back on both sides: nothing is apart.
    let both = vec![wrote(Side::ClickUp, "A", "B"), wrote(Side::Ado, "A", "B")];
    let result = undone(scene(titled("B").view(), both));
    assert_eq!(
        (result.plan.actions.len(), result.plan.conflicts.len()),
        (2, 0)
    );
}

#[test]
fn nothing_is_taken_back_outside_of_the_scope_or_beside_a_counterpart_that_cannot_be_read() {
    let wrote = || vec![wrote(Side::ClickUp, "A", "B")];
    let mut left = titled("B").view();
    let item = left.now.clickup.item().unwrap().clone();
    left.now.clickup = Presence::OutOfScope(Box::new(item));
    let mut dark = titled("B").view();
    dark.now.ado = Presence::Unclear {
        reason: "HTTP 403".to_owned(),
    };
    for (view, why) in [
        (left, "left the scope"),
        (dark, "cannot be read in ADO (HTTP 403)"),
    ] {
        let result = undone(scene(view, wrote()));
        assert_eq!(kinds(&result), [], "{why}");
        let reasons: Vec<String> = result.left.iter().map(Hold::reason).collect();
        assert!(reasons.iter().any(|r| r.contains(why)), "{reasons:?}");
    }
}

#[test]
fn beside_a_counterpart_that_is_gone_nothing_counts_as_agreed() {
    let mut view = titled("B").view();
    view.now.ado = Presence::Gone {
        evidence: "in the bin".to_owned(),
    };
    let result = undone(scene(view, vec![wrote(Side::ClickUp, "A", "B")]));
    assert_eq!(result.plan.actions[0].changes[0].source_value, None);
}

/// Both values of what an undo leaves apart are told, so both have to be there.
#[test]
fn beside_a_counterpart_that_does_not_show_the_field_nothing_is_taken_back() {
    let mut link = titled("B");
    link.items.ado.fields.remove(&FieldKey::Title);
    let result = undone(scene(link.view(), vec![wrote(Side::ClickUp, "A", "B")]));
    assert_eq!(kinds(&result), []);
    let reasons: Vec<String> = result.left.iter().map(Hold::reason).collect();
    assert!(
        reasons.iter().any(|r| r.contains("no longer shows")),
        "{reasons:?}"
    );
}
