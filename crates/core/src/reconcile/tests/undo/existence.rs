//! Items that were made, removed, linked or unlinked.

use super::*;
use crate::model::Folded;

#[test]
fn a_created_item_is_deleted_only_on_request_and_untouched() {
    let made = || vec![deed(ActionKind::Create, Side::ClickUp, "", "B")];
    let kept = undone(scene(titled("B").view(), made()));
    assert_eq!(kinds(&kept), []);
    assert!(
        kept.left[0]
            .reason()
            .contains("--delete-created moves it to the trash")
    );
    assert_eq!(kept.left[0].title, "B");
    let work_item = vec![deed(ActionKind::Create, Side::Ado, "", "B")];
    let kept = undone(scene(titled("B").view(), work_item));
    assert!(
        kept.left[0]
            .reason()
            .contains("moves it to the recycle bin")
    );

    let result = deleting(scene(titled("B").view(), made()));
    assert_eq!(kinds(&result), [ActionKind::Delete]);
    let action = &result.plan.actions[0];
    assert!(action.expected.is_some(), "only as it was seen");
    assert!(
        action.reason().contains("to the trash"),
        "{}",
        action.reason()
    );

    let edited = titled("B")
        .now(Side::ClickUp, FieldKey::Title, text("C"))
        .view();
    let result = deleting(scene(edited.clone(), made()));
    assert_eq!(kinds(&result), []);
    let unasked = undone(scene(edited, made()));
    let said = [&unasked, &result].map(|undo| undo.left[0].reason());
    let says = "--delete-created deletes what a run created, and that would leave this one, for its title was edited since";
    assert!(
        said[0].contains(says),
        "no delete is offered that is then refused: {said:?}"
    );
    assert!(said[1].contains("its title was edited since"), "{said:?}");
    // Edited, and the edit was carried to the other side: both agree, and yet it is somebody's work.
    let mut carried = scene(titled("C").view(), made());
    carried.carried_back.insert(FieldKey::Title);
    assert_eq!(kinds(&deleting(carried)), []);
}

#[test]
fn what_both_sides_agree_on_is_not_what_boardsync_wrote() {
    let made = |after: &str| vec![deed(ActionKind::Create, Side::ClickUp, "", after)];
    // Agreed without a write: the base says so, the journal does not.
    let result = deleting(scene(titled("C").view(), made("B")));
    assert_eq!(kinds(&result), []);
    assert!(result.left[0].reason().contains("title was edited since"));
    // Written by a later run: it is still boardsync's.
    let mut deeds = made("B");
    deeds.push(Deed {
        by: By::Another,
        ..wrote(Side::ClickUp, "B", "C")
    });
    let result = deleting(scene(titled("C").view(), deeds));
    assert_eq!(kinds(&result), [ActionKind::Delete]);
}

/// What is not synced shows only by the version: a field that is not mapped, the list or area, an edit that a later write of
/// ours replaced.
#[test]
fn a_created_item_that_somebody_else_wrote_to_is_left() {
    let between = |before: i64, after: i64| Versions {
        before: Some(Version(before)),
        after: Some(Version(after)),
    };
    let unknown = Versions::default();
    let made = Versions {
        before: None,
        after: Some(Version(3)),
    };
    let ours = Versions {
        before: None,
        after: Some(Version(7)),
    };
    for (what, created, later, removed) in [
        ("as it was made", ours, vec![], true),
        ("edited since", made, vec![], false),
        ("not recorded", unknown, vec![], false),
        (
            "our own writes",
            made,
            vec![between(3, 5), between(5, 7)],
            true,
        ),
        ("an edit after them", made, vec![between(3, 6)], false),
        (
            "an edit between them",
            made,
            vec![between(3, 5), between(6, 7)],
            false,
        ),
        ("an edit before them", made, vec![between(4, 7)], false),
        ("a later write not recorded", made, vec![unknown], false),
    ] {
        let mut deeds = vec![Deed {
            versions: created,
            ..deed(ActionKind::Create, Side::ClickUp, "", "B")
        }];
        deeds.extend(later.into_iter().map(|versions| Deed {
            by: By::Another,
            versions,
            ..wrote(Side::ClickUp, "B", "B")
        }));
        let result = deleting(scene(titled("B").view(), deeds));
        assert_eq!(kinds(&result) == [ActionKind::Delete], removed, "{what}");
        let said = result.left.first().map(Hold::reason);
        assert_eq!(
            said.is_some_and(|s| s.contains("delete it by hand")),
            !removed,
            "{what}"
        );
    }
}

#[test]
fn a_write_that_was_not_answered_and_never_in_force_is_no_edit_of_a_created_item() {
    for (version, removed) in [(7, true), (6, false)] {
        let versions = Versions {
            before: None,
            after: Some(Version(version)),
        };
        let made = Deed {
            versions,
            ..deed(ActionKind::Create, Side::ClickUp, "", "B")
        };
        let lost = Deed {
            done: false,
            by: By::Another,
            versions: Versions::default(),
            changes: BTreeMap::new(),
            ..wrote(Side::ClickUp, "B", "C")
        };
        let result = deleting(scene(titled("B").view(), vec![made, lost]));
        assert_eq!(kinds(&result) == [ActionKind::Delete], removed, "{version}");
    }
}

/// A second person on the task, whom our write of the first one kept.
#[test]
fn what_our_write_kept_of_a_persons_set_stays_theirs() {
    let people = |names: &[&str]| {
        let people = names.iter().map(|name| Folded::new(name));
        FieldValue::People(people.collect())
    };
    let step = |before: Option<FieldValue>, after| {
        let after = Some(after);
        BTreeMap::from([(FieldKey::Assignees.into(), Step { before, after })])
    };
    for (there, removed) in [("ana", true), ("cy", false)] {
        let after = people(&["bo", there]);
        let made = Deed {
            changes: step(None, people(&["ana"])),
            ..deed(ActionKind::Create, Side::ClickUp, "", "")
        };
        let later = Deed {
            by: By::Another,
            changes: step(Some(people(&[there])), after.clone()),
            ..wrote(Side::ClickUp, "", "")
        };
        let view = Linked::new(1).same(FieldKey::Assignees, after).view();
        let mut link = scene(view, vec![made, later]);
        for side in Side::BOTH {
            let item = link.now.get_mut(side);
            if let Presence::Seen(item) = item {
                item.fields.retain(|key, _| *key == FieldKey::Assignees);
            }
        }
        let result = deleting(link);
        assert_eq!(kinds(&result) == [ActionKind::Delete], removed, "{there}");
    }
}

/// The answer to its create was lost, and somebody edited it before it was found.
#[test]
fn a_created_item_that_was_edited_before_it_was_found_is_left() {
    let found = Deed {
        changes: BTreeMap::new(),
        ..deed(ActionKind::Create, Side::ClickUp, "", "")
    };
    let result = deleting(scene(titled("B").view(), vec![found]));
    assert_eq!(kinds(&result), []);
    let reason = result.left[0].reason();
    assert!(
        reason.contains("edited before boardsync found it"),
        "{reason}"
    );
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
        result.plan.actions[1].after,
        [result.plan.actions[0].id.clone()]
    );
    assert_eq!(result.plan.blocked, None);
    assert_eq!(result.plan.actions[1].link, None, "a new link");
    assert_eq!(result.plan.actions[0].url, titled("B").items.clickup.url);
    let result = undone(dead(Side::ClickUp));
    assert_eq!(kinds(&result), []);
    assert!(result.left[0].reason().contains("Trash"));

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
    let mut dissolved = scene(
        titled("B").view(),
        vec![deed(ActionKind::Link, Side::Ado, "", "")],
    );
    dissolved.living = false;
    let result = undone(dissolved);
    assert_eq!(kinds(&result), []);
    assert!(result.left[0].reason().contains("dissolved already"));

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
    for side in Side::BOTH {
        let mut taken = unlinked(false);
        *taken.linked.get_mut(side) = true;
        assert_eq!(kinds(&undone(taken)), [], "somebody else has it on {side}");
    }
    let mut living = unlinked(false);
    living.living = true;
    assert_eq!(kinds(&undone(living)), [], "it is linked again");
    let mut half = unlinked(false);
    *half.now.get_mut(Side::Ado) = gone();
    assert_eq!(kinds(&undone(half)), []);
}

/// What somebody linked by hand since is not the link of the run, and an item in it is somebody's.
#[test]
fn what_was_linked_by_hand_since_stays() {
    for (kind, says) in [
        (ActionKind::Link, "linked the two by hand since"),
        (ActionKind::Create, "linked it by hand since"),
    ] {
        let mut link = scene(titled("B").view(), vec![deed(kind, Side::ClickUp, "", "B")]);
        assert_eq!(kinds(&deleting(link.clone())).len(), 1, "{says}");
        link.by_hand = Sided::build(|_| true);
        let result = deleting(link);
        assert_eq!(kinds(&result), []);
        let reason = result.left[0].reason();
        assert!(reason.contains(says), "{reason}");
    }
}

#[test]
fn a_created_item_with_a_comment_or_a_file_stays() {
    for (traces, says) in [
        (Traces::Some("2 comments".to_owned()), "2 comments"),
        (
            Traces::Unknown("whether it has files".to_owned()),
            "whether it has files",
        ),
    ] {
        let made = deed(ActionKind::Create, Side::ClickUp, "", "B");
        let mut link = scene(titled("B").view(), vec![made]);
        link.traces.clickup = traces;
        let result = deleting(link);
        assert_eq!(kinds(&result), []);
        assert!(result.left[0].reason().contains(says));
    }
}
