//! Every difference has one reason.

use super::fixture::{self, Linked, fresh, gone, item, policy, with_rule};
use crate::model::{FieldKey, FieldValue, Side};
use crate::reconcile::drift::{DriftKind, drift};
use crate::reconcile::policy::Direction;
use crate::reconcile::{LinkView, Origin, Presence, View};

fn kinds_of(view: &View, policy: &crate::reconcile::policy::Policy) -> Vec<DriftKind> {
    drift(view, policy).iter().map(|found| found.kind).collect()
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
        let found = drift(&fixture::view(vec![link.view()]), &policy());
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

#[test]
fn a_one_way_field_and_a_tag_that_one_side_cannot_hold_are_by_rule() {
    let rule = with_rule(FieldKey::Priority, Direction::ToClickUp, None);
    let link = Linked::new(1)
        .same(FieldKey::Priority, FieldValue::Number(2000))
        .now(Side::ClickUp, FieldKey::Priority, FieldValue::Number(1000));
    let view = fixture::view(vec![link.view()]);
    assert_eq!(kinds_of(&view, &rule), [DriftKind::ByRule]);

    let tags = Linked::new(1).agreed(
        FieldKey::Tags,
        FieldValue::tags(["a"]),
        FieldValue::tags(["a", "b;c"]),
    );
    assert_eq!(kinds(tags.view()), [DriftKind::ByRule]);
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
        (Origin::Held("copied".to_owned()), DriftKind::Held),
        (
            Origin::Counterpart {
                of: "t9".into(),
                generation: 0,
            },
            DriftKind::Unlinked,
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
