//! Every difference has one reason.

use super::fixture::{self, Linked, fresh, gone, item, policy, with_rule};
use crate::mapping::Relation;
use crate::model::{FieldKey, FieldValue, LinkId, Side, Sided, Subject, Timestamp};
use crate::reason::{HoldWhy, Reason};
use crate::reconcile::drift::{DriftKind, drift};
use crate::reconcile::policy::Direction;
use crate::reconcile::rails::attempt::Waiting;
use crate::reconcile::rails::{Rails, tried};
use crate::reconcile::{LinkView, Origin, Presence, View};
use std::collections::BTreeMap;

fn held(why: &str) -> Origin {
    Origin::Held(HoldWhy::told_before(why.to_owned()))
}

fn kinds_of(view: &View, policy: &crate::reconcile::policy::Policy) -> Vec<DriftKind> {
    drift(view, policy, &Rails::default())
        .iter()
        .map(|found| found.kind)
        .collect()
}

fn kinds(link: LinkView) -> Vec<DriftKind> {
    kinds_of(&fixture::view(vec![link]), &policy())
}

fn text(text: &str) -> FieldValue {
    FieldValue::text(text)
}

#[test]
fn equal_items_differ_in_nothing() {
    assert_eq!(kinds(Linked::new(1).view()), []);
}

#[test]
fn an_edit_on_one_side_is_pending_and_dated() {
    for side in Side::BOTH {
        let link = Linked::new(1).now(side, FieldKey::Title, text("New"));
        let found = drift(
            &fixture::view(vec![link.view()]),
            &policy(),
            &Rails::default(),
        );
        assert_eq!(found.len(), 1);
        assert_eq!(found[0].kind, DriftKind::Pending);
        assert!(found[0].since.is_some() && found[0].reason.contains("next cycle"));
    }
}

#[test]
fn values_that_are_as_agreed_and_yet_differ_are_what_no_plan_shows() {
    let link = || Linked::new(1).agreed(FieldKey::Title, text("A"), text("B"));
    assert_eq!(fixture::plan_one(link().view(), &policy()).actions, []);
    assert_eq!(kinds(link().view()), [DriftKind::Settled]);
}

/// The row by which the two agreed was taken out of `states`, or another one came before it.
#[test]
fn values_that_agreed_by_a_row_of_before_are_not_mapped_and_never_called_accepted() {
    let (ado, clickup) = (FieldValue::choice("Removed"), FieldValue::choice("to do"));
    let link = || {
        let agreed = Linked::new(1).agreed(FieldKey::State, ado.clone(), clickup.clone());
        fixture::view(vec![agreed.view()])
    };
    let found = drift(&link(), &policy(), &Rails::default());
    assert_eq!(found[0].kind, DriftKind::Unmapped);
    for part in [
        "\"Removed\" is not mapped",
        "[\"Removed\", \"...\"]",
        "nobody edited",
    ] {
        assert!(found[0].reason.contains(part), "{}", found[0].reason);
    }
    let mut other = policy();
    other.states = Relation::new([("Removed", "complete"), ("New", "to do")]);
    let found = drift(&link(), &other, &Rails::default());
    assert_eq!(found[0].kind, DriftKind::Settled);
    let says = "by the present configuration Removed of ADO goes with complete of ClickUp";
    assert!(found[0].reason.contains(says), "{}", found[0].reason);
}

#[test]
fn a_field_that_a_side_does_not_show_is_held_and_not_equal() {
    let mut link = Linked::new(1).same(FieldKey::Title, text("A")).view();
    let Presence::Seen(item) = &mut link.now.clickup else {
        panic!("{link:?}");
    };
    item.fields.remove(&FieldKey::Title);
    let found = drift(&fixture::view(vec![link]), &policy(), &Rails::default());
    assert_eq!(found.len(), 1, "{found:?}");
    assert_eq!(found[0].kind, DriftKind::Held);
    assert_eq!(found[0].field, Some(FieldKey::Title));
    assert_eq!(found[0].values, None);
}

#[test]
fn a_one_way_field_is_by_rule_and_a_tag_that_one_side_cannot_hold_is_held() {
    let rule = with_rule(FieldKey::Priority, Direction::ToClickUp, None);
    let link = Linked::new(1)
        .same(FieldKey::Priority, FieldValue::Number(2000))
        .now(Side::ClickUp, FieldKey::Priority, FieldValue::Number(1000));
    let view = fixture::view(vec![link.view()]);
    assert_eq!(kinds_of(&view, &rule), [DriftKind::ByRule]);

    let tags = || {
        let (ado, clickup) = (FieldValue::tags(["a"]), FieldValue::tags(["a", "b;c"]));
        Linked::new(1).agreed(FieldKey::Tags, ado, clickup).view()
    };
    assert_eq!(kinds(tags()), [DriftKind::Held]);
    let rule = with_rule(FieldKey::Tags, Direction::ToClickUp, None);
    let view = fixture::view(vec![tags()]);
    assert_eq!(kinds_of(&view, &rule), [DriftKind::ByRule]);
}

#[test]
fn a_value_without_a_counterpart_is_held() {
    let link = Linked::new(1).now(Side::Ado, FieldKey::State, FieldValue::choice("Unheard of"));
    assert_eq!(kinds(link.view()), [DriftKind::Held]);
}

#[test]
fn absence_is_told_once_per_item() {
    for side in Side::BOTH {
        assert_eq!(
            kinds(Linked::new(1).with(side, gone())),
            [DriftKind::Missing]
        );
        let unclear = Presence::Unclear {
            reason: "no rights".to_owned(),
        };
        let link = Linked::new(1).with(side, unclear);
        assert_eq!(kinds(link), [DriftKind::Unreadable]);
    }
    let away = Box::new(item(Side::Ado, "1", "Away"));
    let link = Linked::new(1).with(Side::Ado, Presence::OutOfScope(away));
    assert_eq!(kinds(link), [DriftKind::OutOfScope]);
}

#[test]
fn an_item_without_a_link_says_what_becomes_of_it() {
    let rows = [
        (Origin::Person, DriftKind::Unlinked),
        (Origin::Tombstone, DriftKind::ByRule),
        (held("copied"), DriftKind::Held),
        (
            Origin::Counterpart {
                of: "t9".into(),
                generation: 0,
            },
            DriftKind::Unlinked,
        ),
        (
            Origin::Alone {
                of: "t9".into(),
                evidence: "in the trash".to_owned(),
            },
            DriftKind::ByRule,
        ),
    ];
    for (origin, kind) in rows {
        let mut view = View::default();
        view.fresh
            .ado
            .push(fresh(item(Side::Ado, "9", "New"), origin));
        assert_eq!(kinds_of(&view, &policy()), [kind]);
    }
    let mut view = View::default();
    view.fresh
        .ado
        .push(fresh(item(Side::Ado, "9", "New"), Origin::Person));
    let mut closed = policy();
    closed.create_on.clear();
    assert_eq!(kinds_of(&view, &closed), [DriftKind::ByRule]);
}

#[test]
fn only_what_the_configuration_wants_is_not_open() {
    use DriftKind::{
        ByRule, Conflict, Held, Missing, OutOfScope, Pending, Settled, Unlinked, Unmapped,
        Unreadable,
    };
    assert!(!ByRule.open());
    for kind in [
        Pending, Conflict, Held, Unmapped, Settled, OutOfScope, Missing, Unreadable, Unlinked,
    ] {
        assert!(kind.open(), "{kind:?}");
    }
}

/// What a rail keeps from being written is not promised for the next cycle.
#[test]
fn what_a_rail_holds_is_held_and_not_pending() {
    let view = fixture::view(vec![
        Linked::new(1)
            .now(Side::Ado, FieldKey::Title, text("New"))
            .view(),
    ]);
    let update = fixture::reconcile(&view, &policy()).actions.remove(0);
    let quarantined = Waiting {
        failures: 9,
        inputs: update.id.clone(),
        last_at: Timestamp(0),
        retry_at: None,
        reason: "refused".to_owned(),
    };
    let waits = Rails {
        waiting: BTreeMap::from([(tried(&update).unwrap(), quarantined)]),
        ..Rails::default()
    };
    let goes_round = HoldWhy::told_before("it goes round".to_owned());
    let frozen = Rails {
        frozen: BTreeMap::from([(
            LinkId(1),
            BTreeMap::from([(Subject::Field(FieldKey::Title), goes_round)]),
        )]),
        ..Rails::default()
    };
    for rails in [waits, frozen] {
        let found = drift(&view, &policy(), &rails).remove(0);
        assert_eq!(found.kind, DriftKind::Held, "{}", found.reason);
    }
}

#[test]
fn a_difference_names_its_field_both_values_the_base_and_the_time_of_the_side_that_changed() {
    for side in Side::BOTH {
        let mut link = Linked::new(1).now(side, FieldKey::Title, text("New"));
        link.items.ado.changed_at = Timestamp(100);
        link.items.clickup.changed_at = Timestamp(200);
        let view = link.view();
        let now = Sided::build(|side| {
            view.now.get(side).item().unwrap().fields[&FieldKey::Title].clone()
        });
        let base = view.base[&FieldKey::Title].clone();
        let found = drift(&fixture::view(vec![view]), &policy(), &Rails::default()).remove(0);
        assert_eq!(found.field, Some(FieldKey::Title));
        assert_eq!(found.values, Some(now));
        assert_eq!(found.base, Some(base));
        let changed = if side == Side::Ado { 100 } else { 200 };
        assert_eq!(found.since, Some(Timestamp(changed)));
    }
    let both = Linked::new(1)
        .now(Side::Ado, FieldKey::Title, text("One"))
        .now(Side::ClickUp, FieldKey::Title, text("Two"));
    let found = drift(
        &fixture::view(vec![both.view()]),
        &policy(),
        &Rails::default(),
    )
    .remove(0);
    assert_eq!(found.since, None, "nobody can say which of the two");
}

#[test]
fn a_conflict_waits_for_a_person_unless_a_side_wins() {
    let edited = |n| {
        Linked::new(n)
            .now(Side::Ado, FieldKey::Title, text("One"))
            .now(Side::ClickUp, FieldKey::Title, text("Two"))
    };
    let held = with_rule(FieldKey::Title, Direction::Both, None);
    let one = fixture::view(vec![edited(1).view()]);
    assert_eq!(kinds_of(&one, &held), [DriftKind::Conflict]);
    assert_eq!(kinds_of(&one, &policy()), [DriftKind::Pending]);
    // Another link's conflict, and another field's, explain nothing here.
    let settled = Linked::new(2).agreed(FieldKey::Title, text("A"), text("B"));
    let two = fixture::view(vec![edited(1).view(), settled.view()]);
    assert_eq!(
        kinds_of(&two, &held),
        [DriftKind::Conflict, DriftKind::Settled]
    );
    let number = |n| FieldValue::Number(n);
    let mixed = edited(1).agreed(FieldKey::Priority, number(1_000), number(2_000));
    let kinds = kinds_of(&fixture::view(vec![mixed.view()]), &held);
    assert_eq!(kinds, [DriftKind::Conflict, DriftKind::Settled]);
}

#[test]
fn what_is_to_come_of_a_missing_item_is_said_of_its_own_link() {
    let missing = |n| Linked::new(n).with(Side::Ado, gone());
    let found = drift(
        &fixture::view(vec![missing(1)]),
        &policy(),
        &Rails::default(),
    );
    assert!(
        found[0].reason.contains("; the next cycle: "),
        "{}",
        found[0].reason
    );
    // A held delete plans nothing, although the plan has another link's action.
    let edited = Linked::new(2).now(Side::Ado, FieldKey::Title, text("New"));
    let unclear = |n| {
        let reason = "no rights".to_owned();
        Linked::new(n).with(Side::ClickUp, Presence::Unclear { reason })
    };
    let found = drift(
        &fixture::view(vec![unclear(1), edited.view()]),
        &policy(),
        &Rails::default(),
    );
    assert_eq!(found[0].reason, "ClickUp does not show it: no rights");
}

#[test]
fn items_without_a_link_are_told_apart_by_side_and_id() {
    let rows = [
        (Side::Ado, "9", Origin::Person),
        (Side::Ado, "10", held("copied")),
        (Side::ClickUp, "9", held("a twin")),
        (Side::ClickUp, "t10", Origin::Person),
    ];
    let mut view = View::default();
    for (side, id, origin) in rows {
        view.fresh
            .get_mut(side)
            .push(fresh(item(side, id, "New"), origin));
    }
    let reasons: Vec<(DriftKind, String)> = drift(&view, &policy(), &Rails::default())
        .into_iter()
        .map(|found| (found.kind, found.reason))
        .collect();
    let wanted = [
        (
            DriftKind::Unlinked,
            "the next cycle creates its counterpart in ClickUp",
        ),
        (DriftKind::Held, "copied"),
        (DriftKind::Held, "a twin"),
        (
            DriftKind::Unlinked,
            "the next cycle creates its counterpart in ADO",
        ),
    ];
    assert_eq!(
        reasons,
        wanted.map(|(kind, reason)| (kind, reason.to_owned()))
    );
}

#[test]
fn an_item_whose_counterpart_names_it_is_told_once_and_by_the_counterpart() {
    let mut view = View::default();
    let origin = Origin::Counterpart {
        of: "9".into(),
        generation: 0,
    };
    view.fresh
        .ado
        .push(fresh(item(Side::Ado, "9", "First"), Origin::Person));
    view.fresh
        .clickup
        .push(fresh(item(Side::ClickUp, "t9", "Made of it"), origin));
    let found = drift(&view, &policy(), &Rails::default());
    assert_eq!(found.len(), 1);
    assert_eq!(
        (found[0].kind, found[0].title.as_str()),
        (DriftKind::Unlinked, "Made of it")
    );
}

#[test]
fn what_was_archived_before_it_was_linked_is_by_rule_and_a_held_field_holds_no_create() {
    let mut archived = item(Side::ClickUp, "t1", "Old");
    archived.archived = true;
    let mut view = View::default();
    view.fresh.clickup.push(fresh(archived, Origin::Person));
    let found = drift(&view, &policy(), &Rails::default()).remove(0);
    assert_eq!(found.kind, DriftKind::ByRule);
    assert!(found.reason.contains("archived"), "{}", found.reason);
    assert_eq!(found.since, None, "nothing is going to happen");

    let mut strange = item(Side::Ado, "9", "New");
    strange.created_at = Timestamp(77);
    let nobody = fixture::people(&["nobody@contoso.com"]);
    strange.fields.insert(FieldKey::Assignees, nobody);
    let mut view = View::default();
    view.fresh.ado.push(fresh(strange, Origin::Person));
    let found = drift(&view, &policy(), &Rails::default()).remove(0);
    assert_eq!(found.kind, DriftKind::Unlinked);
    assert_eq!(found.since, Some(Timestamp(77)));
}

#[test]
fn a_difference_is_named_by_the_item_that_is_there_and_else_by_its_number() {
    let gap = Linked::new(1).with(Side::Ado, gone());
    let found = drift(&fixture::view(vec![gap]), &policy(), &Rails::default());
    assert_eq!(found[0].title, "Login fails");
    let mut nowhere = Linked::new(1).with(Side::Ado, gone());
    nowhere.now.clickup = gone();
    let found = drift(&fixture::view(vec![nowhere]), &policy(), &Rails::default());
    assert_eq!(found[0].title, "#101");
}

#[test]
fn what_holds_a_linked_item_holds_no_other_with_its_number() {
    let held = Linked::new(1).now(Side::Ado, FieldKey::State, FieldValue::choice("Unheard of"));
    let mut view = fixture::view(vec![held.view()]);
    let mut old = item(Side::ClickUp, "101", "Old");
    old.archived = true;
    view.fresh.clickup.push(fresh(old, Origin::Person));
    assert_eq!(
        kinds_of(&view, &policy()),
        [DriftKind::Held, DriftKind::ByRule]
    );
}

#[test]
fn a_priority_that_ado_filled_in_is_in_step_until_somebody_sets_one() {
    let number = |level: i64| FieldValue::Number(1000 * level);
    let link = || Linked::new(1).agreed(FieldKey::Priority, number(2), FieldValue::Empty);
    assert_eq!(kinds(link().view()), [DriftKind::ByRule]);
    let plan = fixture::plan_one(link().view(), &policy());
    assert_eq!((plan.actions.len(), plan.rebases.len()), (0, 0));
    for (side, value) in [(Side::ClickUp, number(1)), (Side::Ado, number(3))] {
        let link = || link().now(side, FieldKey::Priority, value.clone());
        let plan = fixture::plan_one(link().view(), &policy());
        assert_eq!(
            fixture::changes(&plan),
            [fixture::row(side.other(), "priority", &value.to_string())]
        );
        assert_eq!(kinds(link().view()), [DriftKind::Pending]);
    }
    // The other way round is nobody's default.
    let link = Linked::new(1).agreed(FieldKey::Priority, FieldValue::Empty, number(2));
    assert_eq!(kinds(link.view()), [DriftKind::Settled]);
}

#[test]
fn a_link_that_one_service_drops_is_in_step_and_other_words_are_not() {
    let rich = |text: &str| FieldValue::rich(text.to_owned());
    let of = |clickup: &str| {
        let ado = rich("See [#5](../edit/5).\n\nSecond.");
        kinds(
            Linked::new(1)
                .agreed(FieldKey::Description, ado, rich(clickup))
                .view(),
        )
    };
    assert_eq!(of("See #5.\n\nSecond."), [DriftKind::ByRule]);
    assert_eq!(of("See #5.\n\nThird."), [DriftKind::Settled]);
}
