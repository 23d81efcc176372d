//! Edges of single values: what fits, what is translated, what counts as the same.

use super::fixture::*;
use crate::model::{FieldKey, FieldValue, Side, Sided, Subject};
use crate::reconcile::merge::translate;
use crate::reconcile::policy::Direction;
use crate::reconcile::{LinkView, Presence};

fn held(link: LinkView) -> String {
    let plan = plan_one(link, &policy());
    assert_eq!(changes(&plan), []);
    assert!(plan.conflicts.is_empty() && plan.rebases.is_empty());
    assert_eq!(plan.in_sync, 0, "what is held is not in sync");
    plan.holds[0].reason()
}

#[test]
fn a_title_of_exactly_the_longest_length_fits() {
    let of = |length: usize| FieldValue::text(&"é".repeat(length));
    let link = |length| {
        Linked::new(1)
            .now(Side::ClickUp, FieldKey::Title, of(length))
            .view()
    };
    let plan = plan_one(link(255), &policy());
    assert_eq!(changes(&plan).len(), 1);
    assert!(held(link(256)).contains("256 characters"));
    let short = Linked::new(1).now(Side::ClickUp, FieldKey::Title, of(3));
    assert_eq!(changes(&plan_one(short.view(), &policy())).len(), 1);
    // The limit is that of Azure DevOps: the other way nothing is cut off.
    let outward = translate(&FieldKey::Title, Side::Ado, &of(256), &policy());
    assert_eq!(outward, Ok(of(256)));
}

#[test]
fn a_cleared_title_type_or_state_is_held() {
    let cleared =
        |key: FieldKey| held(Linked::new(1).now(Side::Ado, key, FieldValue::Empty).view());
    assert!(cleared(FieldKey::Title).contains("title is empty"));
    assert_eq!(cleared(FieldKey::State), "ADO gives no status");
    assert_eq!(cleared(FieldKey::Type), "ADO gives no type");
}

#[test]
fn a_type_is_translated_and_an_unknown_one_is_held() {
    let link = |name: &str| {
        Linked::new(1)
            .now(Side::Ado, FieldKey::Type, FieldValue::choice(name))
            .view()
    };
    assert_eq!(
        changes(&plan_one(link("User Story"), &policy())),
        [row(Side::ClickUp, "type", "Task")]
    );
    assert!(held(link("Epic")).contains("type \"Epic\" is not mapped"));
}

#[test]
fn only_tags_that_ado_can_hold_are_sent_there() {
    let (fits, long) = ("t".repeat(400), "t".repeat(401));
    let all = FieldValue::tags(["a", "b,c", "d;e", &fits, &long]);
    let to = |from| translate(&FieldKey::Tags, from, &all, &policy());
    assert_eq!(to(Side::ClickUp), Ok(FieldValue::tags(["a", &fits])));
    assert_eq!(to(Side::Ado), Ok(all.clone()), "ClickUp holds any");
}

#[test]
fn a_tag_of_any_kind_added_in_ado_reaches_clickup() {
    let link = Linked::new(1)
        .same(FieldKey::Tags, FieldValue::tags(["a"]))
        .now(Side::Ado, FieldKey::Tags, FieldValue::tags(["a", "x, y"]));
    assert_eq!(
        changes(&plan_one(link.view(), &policy())),
        [row(Side::ClickUp, "tags", "a, x, y")]
    );
}

#[test]
fn a_tag_added_here_outlives_its_removal_there() {
    let link = Linked::new(1)
        .agreed(
            FieldKey::Tags,
            FieldValue::tags(["k"]),
            FieldValue::tags(["k", "a"]),
        )
        .now(Side::Ado, FieldKey::Tags, FieldValue::tags(["k", "a"]))
        .now(Side::ClickUp, FieldKey::Tags, FieldValue::tags(["k"]));
    assert_eq!(
        changes(&plan_one(link.view(), &policy())),
        [row(Side::ClickUp, "tags", "a, k")]
    );
}

#[test]
fn without_a_base_tags_that_ado_cannot_hold_are_no_difference() {
    let link = Linked::new(1)
        .now(Side::Ado, FieldKey::Tags, FieldValue::Empty)
        .now(Side::ClickUp, FieldKey::Tags, FieldValue::tags(["b, c"]));
    let plan = plan_one(link.view(), &policy());
    assert_eq!(changes(&plan), []);
    assert!(plan.rebases[0].fields.contains_key(&FieldKey::Tags));
}

#[test]
fn without_a_base_an_unmapped_value_is_held_and_a_one_way_field_stays_one_way() {
    let odd = Linked::new(1)
        .now(Side::ClickUp, FieldKey::State, FieldValue::choice("odd"))
        .never_agreed(&FieldKey::State);
    assert!(held(odd.view()).contains("status \"odd\" is not mapped"));
    let gap = Linked::new(1)
        .now(Side::Ado, FieldKey::Points, FieldValue::Number(5000))
        .now(Side::ClickUp, FieldKey::Points, FieldValue::Empty);
    let policy = with_rule(FieldKey::Points, Direction::ToAdo, None);
    let plan = plan_one(gap.view(), &policy);
    assert_eq!(changes(&plan), []);
    assert!(plan.rebases.is_empty(), "nobody agreed on anything");
}

#[test]
fn an_edit_on_one_side_is_taken_as_it_is_and_says_where_it_was_made() {
    for (side, reason) in [
        (Side::Ado, "changed in Azure DevOps"),
        (Side::ClickUp, "changed in ClickUp"),
    ] {
        let link = Linked::new(1)
            .same(FieldKey::Description, rich("Old."))
            .now(side, FieldKey::Description, rich("New."));
        let plan = plan_one(link.view(), &policy());
        let change = &plan.actions[0].changes[0];
        assert_eq!(change.reason, reason);
        assert_eq!(change.before, Some(rich("Old.")));
        assert_eq!(change.source_value, Some(rich("New.")), "its new base");
    }
}

#[test]
fn a_lossy_rendering_is_not_mistaken_for_an_edit() {
    let link = Linked::new(1)
        .agreed(
            FieldKey::Description,
            rich("one\n\ntwo\n\nthree"),
            rich("one\n\n2\n\nthree"),
        )
        .now(
            Side::Ado,
            FieldKey::Description,
            rich("ONE\n\ntwo\n\nthree"),
        )
        .now(
            Side::ClickUp,
            FieldKey::Description,
            rich("one\n\n2\n\nTHREE"),
        );
    let plan = plan_one(link.view(), &policy());
    // Each side gets the other's edit and keeps its own rendering of what nobody touched.
    assert_eq!(
        changes(&plan),
        [
            row(Side::Ado, "description", "ONE\n\ntwo\n\nTHREE"),
            row(Side::ClickUp, "description", "ONE\n\n2\n\nTHREE")
        ]
    );
    assert_eq!(
        plan.actions[0].changes[0].reason,
        "edited on both sides, merged"
    );
}

#[test]
fn a_held_description_writes_to_neither_side() {
    let policy = with_rule(FieldKey::Description, Direction::Both, None);
    let link = Linked::new(1)
        .same(FieldKey::Description, rich("old"))
        .now(Side::Ado, FieldKey::Description, rich("ado"))
        .now(Side::ClickUp, FieldKey::Description, rich("clickup"));
    let plan = plan_one(link.view(), &policy);
    assert_eq!(changes(&plan), []);
    assert_eq!(plan.conflicts[0].taken, None);
}

/// A link with these assignees: (ADO base, ClickUp base, ADO now, ClickUp now).
fn assigned(ado: [FieldValue; 2], clickup: [FieldValue; 2]) -> LinkView {
    let [ado_base, ado] = ado;
    let [clickup_base, clickup] = clickup;
    Linked::new(1)
        .agreed(FieldKey::Assignees, ado_base, clickup_base)
        .now(Side::Ado, FieldKey::Assignees, ado)
        .now(Side::ClickUp, FieldKey::Assignees, clickup)
        .view()
}

#[test]
fn two_first_assignees_at_once_are_a_conflict() {
    let link = || {
        assigned(
            [people(&[]), people(&["ana@contoso.com"])],
            [people(&[]), people(&["bo@x.com"])],
        )
    };
    for (winner, expected) in [
        (
            Some(Side::Ado),
            vec![row(
                Side::ClickUp,
                "assignees",
                "ana@clickup-mail.com, bo@x.com",
            )],
        ),
        (
            Some(Side::ClickUp),
            vec![row(Side::Ado, "assignees", "bo@x.com")],
        ),
        (None, vec![]),
    ] {
        let policy = with_rule(FieldKey::Assignees, Direction::Both, winner);
        let plan = plan_one(link(), &policy);
        assert_eq!(plan.conflicts.len(), 1, "{winner:?}");
        assert_eq!(plan.conflicts[0].taken, winner);
        assert_eq!(changes(&plan), expected);
    }
}

#[test]
fn a_lead_taken_away_who_was_never_in_clickup_writes_nothing() {
    let bo = || people(&["bo@x.com"]);
    let link = assigned([people(&["ana@contoso.com"]), people(&[])], [bo(), bo()]);
    let plan = plan_one(link, &policy());
    assert_eq!(changes(&plan), []);
    assert_eq!(plan.rebases.len(), 1);
}

#[test]
fn people_without_a_counterpart_are_held_and_never_read_as_nobody() {
    let unknown = || people(&["id:9"]);
    let ana = || people(&["ana@contoso.com"]);
    let in_clickup = assigned(
        [ana(), ana()],
        [people(&["ana@clickup-mail.com"]), unknown()],
    );
    assert!(held(in_clickup).contains("id:9 has no counterpart in ADO"));
    let in_ado = assigned([people(&[]), unknown()], [people(&[]), people(&[])]);
    assert!(held(in_ado).contains("id:9 has no counterpart in ClickUp"));
    let create = translate(&FieldKey::Assignees, Side::Ado, &unknown(), &policy());
    assert!(create.is_err_and(|why| {
        why.to_string()
            .contains("id:9 has no counterpart in ClickUp")
    }));
}

#[test]
fn ado_gets_one_person_and_clickup_everybody() {
    let two = people(&["bo@x.com", "cy@x.com"]);
    let to = |from| translate(&FieldKey::Assignees, from, &two, &policy());
    assert_eq!(to(Side::ClickUp), Ok(people(&["bo@x.com"])));
    assert_eq!(to(Side::Ado), Ok(two.clone()));
}

fn chosen(linked: Linked, key: FieldKey, side: Side, value: FieldValue) -> LinkView {
    let mut link = linked.view();
    crate::fixture::choose(&mut link, &key, side, value);
    link
}

#[test]
fn a_choice_is_carried_out_even_where_nothing_moved_since() {
    let linked = Linked::new(1).agreed(
        FieldKey::Title,
        FieldValue::text("A"),
        FieldValue::text("C"),
    );
    let link = chosen(linked, FieldKey::Title, Side::Ado, FieldValue::text("A"));
    let plan = plan_one(link, &policy());
    assert_eq!(changes(&plan), [row(Side::ClickUp, "title", "A")]);
}

#[test]
fn a_third_value_chosen_goes_to_both_sides() {
    let linked = Linked::new(1)
        .now(Side::Ado, FieldKey::Title, FieldValue::text("A"))
        .now(Side::ClickUp, FieldKey::Title, FieldValue::text("C"));
    let link = chosen(
        linked,
        FieldKey::Title,
        Side::ClickUp,
        FieldValue::text("M"),
    );
    let plan = plan_one(link, &policy());
    assert_eq!(
        changes(&plan),
        [
            row(Side::Ado, "title", "M"),
            row(Side::ClickUp, "title", "M")
        ]
    );
    assert_eq!(
        plan.actions[0].changes[0].reason,
        "chosen in conflicts resolve"
    );
}

#[test]
fn a_chosen_value_leaves_a_consistent_other_side_alone() {
    let linked = Linked::new(1)
        .now(Side::Ado, FieldKey::State, FieldValue::choice("New"))
        .now(
            Side::ClickUp,
            FieldKey::State,
            FieldValue::choice("in review"),
        );
    let active = FieldValue::choice("Active");
    let plan = plan_one(
        chosen(linked, FieldKey::State, Side::Ado, active),
        &policy(),
    );
    assert_eq!(changes(&plan), [row(Side::Ado, "status", "Active")]);
}

#[test]
fn a_choice_that_is_there_already_only_moves_the_base() {
    let tags = FieldValue::tags(["a", "b, c"]);
    let linked = Linked::new(1)
        .now(Side::Ado, FieldKey::Tags, FieldValue::tags(["a"]))
        .now(Side::ClickUp, FieldKey::Tags, tags.clone());
    let plan = plan_one(
        chosen(linked, FieldKey::Tags, Side::ClickUp, tags),
        &policy(),
    );
    assert_eq!(changes(&plan), []);
    assert!(plan.rebases[0].fields.contains_key(&FieldKey::Tags));
    assert_eq!(plan.in_sync, 0, "one tag stays in ClickUp alone");
}

#[test]
fn a_choice_without_a_counterpart_is_held() {
    let removed = FieldValue::choice("Removed");
    let link = chosen(Linked::new(1), FieldKey::State, Side::Ado, removed);
    assert!(held(link).contains("state \"Removed\" is not mapped"));
}

#[test]
fn an_assignee_named_by_another_address_is_the_same_person() {
    let now = Sided {
        ado: people(&["ana@contoso.com"]),
        clickup: people(&["ana@clickup-mail.com", "bo@x.com"]),
    };
    let agrees = |now: &Sided<FieldValue>| {
        crate::reconcile::merge::agree(&FieldKey::Assignees, now, &policy())
    };
    assert!(agrees(&now));
    let nobody = people(&[]);
    assert!(!agrees(&Sided {
        ado: nobody.clone(),
        clickup: now.clickup,
    }));
    assert!(agrees(&Sided {
        ado: nobody.clone(),
        clickup: nobody,
    }));
}

#[test]
fn what_a_hold_names_is_the_item_that_can_be_seen() {
    let unclear = Presence::Unclear {
        reason: "403".to_owned(),
    };
    for side in Side::BOTH {
        let plan = plan_one(Linked::new(1).with(side, unclear.clone()), &policy());
        let hold = &plan.holds[0];
        assert_eq!((hold.side, hold.title.as_str()), (side, "Login fails"));
        assert_eq!(
            (&hold.subject, hold.reason().as_str()),
            (&Subject::Item, "403")
        );
    }
}
