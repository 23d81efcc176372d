//! Rules of single fields.

use super::fixture::*;
use crate::model::{FieldKey, FieldValue, Side, Sided};
use crate::reconcile::policy::Direction;

const PARAGRAPHS: &str = "First paragraph.\n\nSecond paragraph.\n\nThird paragraph.";

#[test]
fn a_title_edited_in_ado_and_a_description_edited_in_clickup_both_survive() {
    let link = Linked::new(1)
        .same(FieldKey::Description, rich("Old text."))
        .now(
            Side::Ado,
            FieldKey::Title,
            FieldValue::text("Login fails on Safari"),
        )
        .now(Side::ClickUp, FieldKey::Description, rich("New text."));
    let plan = plan_one(link.view(), &policy());
    assert_eq!(
        changes(&plan),
        [
            row(Side::Ado, "description", "New text."),
            row(Side::ClickUp, "title", "Login fails on Safari"),
        ]
    );
    assert!(plan.conflicts.is_empty());
}

#[test]
fn different_paragraphs_of_one_description_merge_into_both_sides() {
    let link = Linked::new(1)
        .same(FieldKey::Description, rich(PARAGRAPHS))
        .now(
            Side::Ado,
            FieldKey::Description,
            rich(&PARAGRAPHS.replace("First", "1st")),
        )
        .now(
            Side::ClickUp,
            FieldKey::Description,
            rich(&PARAGRAPHS.replace("Third", "3rd")),
        );
    let plan = plan_one(link.view(), &policy());
    assert!(plan.conflicts.is_empty(), "{:?}", plan.conflicts);
    assert_eq!(plan.actions.len(), 2);
    for (_, _, text) in changes(&plan) {
        assert!(
            text.contains("1st paragraph") && text.contains("3rd paragraph"),
            "{text}"
        );
    }
}

#[test]
fn one_paragraph_changed_on_both_sides_is_a_conflict_that_keeps_both_values() {
    let link = Linked::new(1)
        .same(FieldKey::Description, rich(PARAGRAPHS))
        .now(
            Side::Ado,
            FieldKey::Description,
            rich(&PARAGRAPHS.replace("Second", "ADO")),
        )
        .now(
            Side::ClickUp,
            FieldKey::Description,
            rich(&PARAGRAPHS.replace("Second", "ClickUp")),
        );
    let plan = plan_one(link.view(), &policy());
    let conflict = &plan.conflicts[0];
    assert_eq!(conflict.taken, Some(Side::Ado));
    assert!(conflict.now.ado.to_string().contains("ADO paragraph"));
    assert!(
        conflict
            .now
            .clickup
            .to_string()
            .contains("ClickUp paragraph")
    );
    let changes = changes(&plan);
    assert_eq!(changes.len(), 1, "only the loser is written: {changes:?}");
    assert_eq!(changes[0].0, Side::ClickUp);
    assert!(changes[0].2.contains("ADO paragraph"));
}

#[test]
fn a_scalar_changed_on_both_sides_goes_to_the_policys_side_or_is_held() {
    let link = || {
        Linked::new(1)
            .same(FieldKey::Priority, FieldValue::Number(3000))
            .now(Side::Ado, FieldKey::Priority, FieldValue::Number(1000))
            .now(Side::ClickUp, FieldKey::Priority, FieldValue::Number(2000))
            .view()
    };
    for (winner, expected) in [
        (Some(Side::Ado), vec![row(Side::ClickUp, "priority", "1")]),
        (Some(Side::ClickUp), vec![row(Side::Ado, "priority", "2")]),
        (None, vec![]),
    ] {
        let policy = with_rule(FieldKey::Priority, Direction::Both, winner);
        let plan = plan_one(link(), &policy);
        assert_eq!(changes(&plan), expected, "{winner:?}");
        assert_eq!(plan.conflicts.len(), 1);
        assert_eq!(plan.conflicts[0].taken, winner);
    }
}

#[test]
fn the_same_edit_on_both_sides_only_moves_the_base() {
    let link = Linked::new(1)
        .now(Side::Ado, FieldKey::Title, FieldValue::text("Same"))
        .now(Side::ClickUp, FieldKey::Title, FieldValue::text("Same"));
    let plan = plan_one(link.view(), &policy());
    assert!(plan.actions.is_empty() && plan.conflicts.is_empty());
    assert_eq!(plan.rebases[0].fields.len(), 1);
    assert_eq!(plan.in_sync, 1);
}

#[test]
fn two_states_beside_one_status_write_nothing_and_are_never_dragged_back() {
    for (from, to) in [("Resolved", "Closed"), ("Closed", "Resolved")] {
        let link = Linked::new(1)
            .agreed(
                FieldKey::State,
                FieldValue::choice(from),
                FieldValue::choice("complete"),
            )
            .now(Side::Ado, FieldKey::State, FieldValue::choice(to));
        let view = link.view();
        let plan = plan_one(view.clone(), &policy());
        assert_eq!(changes(&plan), [], "{from} -> {to}");
        let again = plan_one(carried_out(view, &plan), &policy());
        assert_eq!(changes(&again), []);
        assert!(again.rebases.is_empty());
    }
}

#[test]
fn a_state_without_a_row_is_held_and_the_rest_of_the_item_goes_on() {
    let link = Linked::new(1)
        .now(Side::Ado, FieldKey::State, FieldValue::choice("Removed"))
        .now(Side::Ado, FieldKey::Title, FieldValue::text("Renamed"));
    let plan = plan_one(link.view(), &policy());
    assert_eq!(changes(&plan), [row(Side::ClickUp, "title", "Renamed")]);
    assert_eq!(plan.holds.len(), 1);
    assert_eq!(plan.holds[0].subject, FieldKey::State);
    assert!(plan.holds[0].reason().contains("Removed"));
}

#[test]
fn tags_that_differ_by_case_only_are_equal() {
    let link = Linked::new(1).agreed(
        FieldKey::Tags,
        FieldValue::tags(["UI", "Web"]),
        FieldValue::tags(["ui", "web"]),
    );
    let plan = plan_one(link.view(), &policy());
    assert!(plan.actions.is_empty() && plan.rebases.is_empty());
}

#[test]
fn tags_merge_element_by_element_on_both_sides() {
    let link = Linked::new(1)
        .same(FieldKey::Tags, FieldValue::tags(["a", "b", "c"]))
        .now(Side::Ado, FieldKey::Tags, FieldValue::tags(["a", "b", "x"]))
        .now(
            Side::ClickUp,
            FieldKey::Tags,
            FieldValue::tags(["b", "c", "y"]),
        );
    let plan = plan_one(link.view(), &policy());
    assert_eq!(
        changes(&plan),
        [
            row(Side::Ado, "tags", "b, x, y"),
            row(Side::ClickUp, "tags", "b, x, y")
        ]
    );
    assert!(plan.conflicts.is_empty());
}

#[test]
fn a_tag_that_only_clickup_can_hold_stays_there() {
    let link = Linked::new(1)
        .same(FieldKey::Tags, FieldValue::tags(["a"]))
        .now(
            Side::ClickUp,
            FieldKey::Tags,
            FieldValue::tags(["a", "one, two"]),
        );
    let view = link.view();
    let plan = plan_one(view.clone(), &policy());
    assert_eq!(changes(&plan), []);
    let next = carried_out(view, &plan);
    assert_eq!(changes(&plan_one(next, &policy())), []);
}

#[test]
fn the_lead_moves_and_other_assignees_stay() {
    let ana = "ana@contoso.com";
    let ana_c = "ana@clickup-mail.com";
    // (ADO base, ClickUp base, ADO now, ClickUp now) -> (ADO gets, ClickUp gets)
    type Row<'a> = (
        [&'a [&'a str]; 4],
        (Option<&'a str>, Option<&'a str>),
        &'a str,
    );
    let rows: [Row; 7] = [
        (
            [
                &[ana],
                &[ana_c, "bo@x.com"],
                &["cy@x.com"],
                &[ana_c, "bo@x.com"],
            ],
            (None, Some("bo@x.com, cy@x.com")),
            "a new lead replaces the old one only",
        ),
        (
            [&[ana], &[ana_c], &[ana], &[ana_c, "bo@x.com"]],
            (None, None),
            "somebody more in ClickUp leaves the lead",
        ),
        (
            [&[ana], &[ana_c, "bo@x.com"], &[ana], &["bo@x.com"]],
            (Some("bo@x.com"), None),
            "the lead removed in ClickUp: the next one leads",
        ),
        (
            [&[ana], &[ana_c], &[ana], &[]],
            (Some("(empty)"), None),
            "nobody left in ClickUp",
        ),
        (
            [&[ana], &[ana_c, "bo@x.com"], &[], &[ana_c, "bo@x.com"]],
            (None, Some("bo@x.com")),
            "unassigned in ADO takes the lead out only",
        ),
        (
            [&[], &[], &[], &["bo@x.com"]],
            (Some("bo@x.com"), None),
            "first person in ClickUp leads",
        ),
        (
            [&[ana], &[ana_c], &[], &["bo@x.com"]],
            (Some("bo@x.com"), None),
            "replaced in ClickUp and unassigned in ADO: the new one leads",
        ),
    ];
    for ([ab, cb, an, cn], (to_ado, to_clickup), why) in rows {
        let link = Linked::new(1)
            .agreed(FieldKey::Assignees, people(ab), people(cb))
            .now(Side::Ado, FieldKey::Assignees, people(an))
            .now(Side::ClickUp, FieldKey::Assignees, people(cn));
        let plan = plan_one(link.view(), &policy());
        let got = |side| {
            changes(&plan)
                .into_iter()
                .find(|c| c.0 == side)
                .map(|c| c.2)
        };
        assert_eq!(got(Side::Ado).as_deref(), to_ado, "{why}");
        assert_eq!(got(Side::ClickUp).as_deref(), to_clickup, "{why}");
    }
}

#[test]
fn without_a_base_equal_values_agree_gaps_are_filled_and_the_rest_is_held() {
    let equal = Linked::new(1).never_agreed(&FieldKey::Title);
    let plan = plan_one(equal.view(), &policy());
    assert!(plan.actions.is_empty());
    assert_eq!(plan.rebases.len(), 1);

    let gap = Linked::new(1)
        .now(Side::Ado, FieldKey::Points, FieldValue::Number(5000))
        .now(Side::ClickUp, FieldKey::Points, FieldValue::Empty);
    assert_eq!(
        changes(&plan_one(gap.view(), &policy())),
        [row(Side::ClickUp, "points", "5")]
    );

    let differ = Linked::new(1).never_agreed(&FieldKey::Title).now(
        Side::ClickUp,
        FieldKey::Title,
        FieldValue::text("Something else"),
    );
    let plan = plan_one(differ.view(), &policy());
    assert_eq!(changes(&plan), []);
    assert_eq!(plan.conflicts[0].taken, None);
    assert_eq!(plan.conflicts[0].base, None);
}

#[test]
fn a_field_that_one_side_cannot_hold_is_left_alone() {
    // It was never shown there, so nothing was ever agreed of it.
    let mut link = Linked::new(1);
    link.items.clickup.fields.remove(&FieldKey::Points);
    let link = link.now(Side::Ado, FieldKey::Points, FieldValue::Number(2000));
    let plan = plan_one(link.view(), &policy());
    assert!(plan.actions.is_empty() && plan.holds.is_empty() && plan.rebases.is_empty());
}

#[test]
fn a_value_set_back_to_what_it_was_before_still_travels() {
    // Agreed on "b" last; somebody goes back to "a", which was the value before that.
    let link = Linked::new(1)
        .same(FieldKey::Title, FieldValue::text("b"))
        .now(Side::ClickUp, FieldKey::Title, FieldValue::text("a"));
    assert_eq!(
        changes(&plan_one(link.view(), &policy())),
        [row(Side::Ado, "title", "a")]
    );
}

#[test]
fn the_base_does_not_move_on_the_first_half_of_a_two_sided_merge() {
    let link = Linked::new(1)
        .same(FieldKey::Tags, FieldValue::tags(["a"]))
        .now(Side::Ado, FieldKey::Tags, FieldValue::tags(["a", "x"]))
        .now(Side::ClickUp, FieldKey::Tags, FieldValue::tags(["a", "y"]));
    let plan = plan_one(link.view(), &policy());
    let [first, second] = plan.actions.as_slice() else {
        panic!("two halves expected: {:?}", plan.actions);
    };
    assert_eq!(first.target, Side::ClickUp);
    assert_eq!(first.changes[0].source_value, None);
    assert_eq!(second.after, std::slice::from_ref(&first.id));
    assert_eq!(
        second.changes[0].source_value,
        Some(FieldValue::tags(["a", "x", "y"]))
    );
}

#[test]
fn two_one_sided_changes_do_not_wait_for_each_other() {
    let link = Linked::new(1)
        .same(FieldKey::Priority, FieldValue::Number(3000))
        .now(Side::Ado, FieldKey::Title, FieldValue::text("Renamed"))
        .now(Side::ClickUp, FieldKey::Priority, FieldValue::Number(1000));
    let plan = plan_one(link.view(), &policy());
    assert_eq!(plan.actions.len(), 2);
    assert!(plan.actions.iter().all(|action| action.after.is_empty()));
}

#[test]
fn a_choice_made_in_resolve_goes_to_the_other_side_only() {
    let mut link = Linked::new(1)
        .now(Side::Ado, FieldKey::Title, FieldValue::text("A"))
        .now(Side::ClickUp, FieldKey::Title, FieldValue::text("C"))
        .view();
    let value = FieldValue::text("C");
    crate::fixture::choose(&mut link, &FieldKey::Title, Side::ClickUp, value);
    let plan = plan_one(link, &policy());
    assert_eq!(changes(&plan), [row(Side::Ado, "title", "C")]);
    assert!(plan.conflicts.is_empty());
}

#[test]
fn an_overlap_in_texts_that_an_undo_left_apart_is_decided_with_what_was_apart() {
    for (winner, expected) in [
        (Side::Ado, row(Side::ClickUp, "description", "Second.")),
        (
            Side::ClickUp,
            row(Side::Ado, "description", "Third.\n\nMore."),
        ),
    ] {
        let link = Linked::new(1)
            .agreed(
                FieldKey::Description,
                rich("First."),
                rich("First.\n\nMore."),
            )
            .now(Side::Ado, FieldKey::Description, rich("Second."))
            .now(
                Side::ClickUp,
                FieldKey::Description,
                rich("Third.\n\nMore."),
            )
            .view();
        let policy = with_rule(FieldKey::Description, Direction::Both, Some(winner));
        let plan = plan_one(link, &policy);
        assert_eq!(changes(&plan), [expected]);
        assert_eq!(plan.conflicts[0].taken, Some(winner));
    }
}

/// The work item's line that Ana changes is not in the task's base, so that her edit overlaps nothing as the work item sees it.
/// As the task sees it, Ben has just put that line there.
#[test]
fn an_overlap_that_only_one_of_two_texts_apart_shows_is_a_conflict_all_the_same() {
    let (ana, ben) = ("First.\n\nNewer.", "Second.\n\nNew.");
    let cases = [
        (
            Some(Side::Ado),
            vec![row(Side::ClickUp, "description", ana)],
        ),
        (
            Some(Side::ClickUp),
            vec![row(Side::Ado, "description", ben)],
        ),
        (None, vec![]),
    ];
    for (winner, expected) in cases {
        let link = Linked::new(1)
            .agreed(
                FieldKey::Description,
                rich("First.\n\nNew."),
                rich("Second.\n\nOld.\n\nOlder."),
            )
            .now(Side::Ado, FieldKey::Description, rich(ana))
            .now(Side::ClickUp, FieldKey::Description, rich(ben))
            .view();
        let policy = with_rule(FieldKey::Description, Direction::Both, winner);
        let plan = plan_one(link, &policy);
        assert_eq!(changes(&plan), expected);
        assert_eq!(plan.conflicts[0].taken, winner);
    }
}

#[test]
fn what_an_undo_took_out_of_one_side_and_somebody_puts_back_there_contends_with_an_edit() {
    let one = |name: &str| people(&[name]);
    // What both had, what the undo left on one side, and what somebody makes of it on the other side.
    let rows = [
        (
            FieldKey::Description,
            [rich("First."), FieldValue::Empty, rich("Second.")],
        ),
        (
            FieldKey::Assignees,
            [one("bo@x.com"), one("cy@x.com"), one("di@x.com")],
        ),
    ];
    for (key, [had, left, edited]) in rows {
        for undone in Side::BOTH {
            let of = |on_undone: &FieldValue, on_other: &FieldValue| {
                Sided::of(undone, on_undone.clone(), on_other.clone())
            };
            let (base, now) = (of(&left, &had), of(&had, &edited));
            for winner in [None, Some(undone), Some(undone.other())] {
                let link = Linked::new(1)
                    .agreed(key.clone(), base.ado.clone(), base.clickup.clone())
                    .now(Side::Ado, key.clone(), now.ado.clone())
                    .now(Side::ClickUp, key.clone(), now.clickup.clone());
                let plan = plan_one(
                    link.view(),
                    &with_rule(key.clone(), Direction::Both, winner),
                );
                assert_eq!(plan.conflicts.len(), 1, "{key} {undone} {winner:?}");
                assert_eq!(plan.conflicts[0].taken, winner);
                let written = changes(&plan).into_iter().map(|change| change.0);
                let written: Vec<Side> = written.collect();
                let losers: Vec<Side> = winner.map(Side::other).into_iter().collect();
                assert_eq!(written, losers, "{key} {undone} {winner:?}");
            }
        }
    }
}
