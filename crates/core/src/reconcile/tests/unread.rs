//! Values that a service shows in a form that cannot be read.

use super::fixture::*;
use crate::fixture::reconcile;
use crate::model::{FieldKey, FieldValue, Side};
use crate::reconcile::plan::ActionKind;
use crate::reconcile::policy::{Direction, FieldPolicy, OnDelete, Policy};
use crate::reconcile::{LinkView, Origin};

fn unreadable(side: Side, key: FieldKey) -> Linked {
    let mut linked = Linked::new(1).same(FieldKey::Priority, FieldValue::Number(2000));
    let item = linked.items.get_mut(side);
    item.fields.remove(&key);
    item.unread.insert(key);
    linked
}

#[test]
fn a_value_that_cannot_be_read_is_held_by_name_and_the_other_fields_flow() {
    for side in Side::BOTH {
        let link = unreadable(side, FieldKey::Priority)
            .now(side.other(), FieldKey::Priority, FieldValue::Number(1000))
            .now(side.other(), FieldKey::Title, FieldValue::text("New title"));
        let plan = plan_one(link.view(), &policy());
        assert_eq!(changes(&plan), [row(side, "title", "New title")]);
        let held: Vec<_> = plan
            .holds
            .iter()
            .map(|hold| (hold.side, hold.subject.clone()))
            .collect();
        assert_eq!(held, [(side, FieldKey::Priority.into())]);
        assert!(
            plan.holds[0].reason().contains("priority"),
            "{:?}",
            plan.holds
        );
        assert_eq!(plan.in_sync, 0);
    }
}

/// An answer that leaves a field out says nothing of it. Where an edit may be kept back by that, it is told and looked at again.
#[test]
fn a_field_that_an_answer_left_out_is_held_where_an_edit_may_wait_for_it() {
    let two = FieldValue::Number(2000);
    for side in Side::BOTH {
        for (had, now, held) in [
            (two.clone(), Some(two.clone()), 1),
            (two.clone(), Some(FieldValue::Number(1000)), 1),
            (two.clone(), None, 1),
            // Nothing was there, and nothing waits.
            (FieldValue::Empty, Some(FieldValue::Empty), 0),
            (FieldValue::Empty, Some(two.clone()), 1),
        ] {
            let mut link = Linked::new(1).same(FieldKey::Priority, had.clone());
            link.items.get_mut(side).fields.remove(&FieldKey::Priority);
            let other = link.items.get_mut(side.other());
            match now.clone() {
                Some(value) => other.fields.insert(FieldKey::Priority, value),
                None => other.fields.remove(&FieldKey::Priority),
            };
            let plan = plan_one(link.view(), &policy());
            assert_eq!(changes(&plan), []);
            assert_eq!(plan.holds.len(), held, "{side} {had:?} {now:?}");
        }
        // Every item has a title and a state.
        for key in [FieldKey::Title, FieldKey::State] {
            let mut link = Linked::new(1);
            link.base.remove(&key);
            link.items.get_mut(side).fields.remove(&key);
            let plan = plan_one(link.view(), &policy());
            assert_eq!(plan.holds.len(), 1, "{side} {key}: {:?}", plan.holds);
        }
        // It was never there: not every workspace has every field.
        let mut link = Linked::new(1);
        link.items
            .get_mut(side.other())
            .fields
            .insert(FieldKey::Priority, two.clone());
        link.items.get_mut(side).fields.remove(&FieldKey::Priority);
        let plan = plan_one(link.view(), &policy());
        assert_eq!(plan.holds.len(), 0, "{side}: {:?}", plan.holds);
    }
}

/// A single answer may leave a custom field out that its item has. Not every type and place has one, so the second look counts.
#[test]
fn a_custom_field_that_two_looks_leave_out_is_none_of_the_item() {
    let size = FieldKey::Custom("Size".to_owned());
    for side in Side::BOTH {
        let mut policy = policy();
        policy.fields.insert(
            size.clone(),
            FieldPolicy {
                direction: Direction::Both,
                winner: None,
            },
        );
        let mut link = Linked::new(1).same(size.clone(), FieldValue::Number(2000));
        link.items.get_mut(side).fields.remove(&size);
        let first = link.view();
        let second = LinkView {
            left_out: [size.clone()].into(),
            ..first.clone()
        };
        assert_eq!(plan_one(first, &policy).holds.len(), 1, "{side}");
        assert_eq!(plan_one(second, &policy).holds.len(), 0, "{side}");
    }
}

#[test]
fn a_new_item_is_made_without_what_cannot_be_read() {
    for (key, creates) in [
        (FieldKey::Priority, 1),
        (FieldKey::Title, 0),
        (FieldKey::State, 0),
    ] {
        let mut new = item(Side::ClickUp, "86d9", "New");
        new.fields.insert(FieldKey::Type, FieldValue::choice("Bug"));
        new.fields.remove(&key);
        new.unread.insert(key.clone());
        let mut view = view(Vec::new());
        view.fresh.clickup.push(fresh(new, Origin::Person));
        let plan = reconcile(&view, &policy());
        assert_eq!(plan.actions.len(), creates, "{key}");
        assert_eq!(plan.holds.len(), 1);
        assert_eq!(plan.holds[0].subject, key);
    }
}

#[test]
fn an_item_with_a_value_that_cannot_be_read_is_never_deleted() {
    let policy = Policy {
        on_delete: OnDelete::Delete,
        ..policy()
    };
    let kind = |link: LinkView| plan_one(link, &policy).actions[0].kind;
    let whole = Linked::new(1).same(FieldKey::Priority, FieldValue::Number(2000));
    assert_eq!(kind(whole.with(Side::Ado, gone())), ActionKind::Delete);
    let odd = unreadable(Side::ClickUp, FieldKey::Priority);
    assert_eq!(kind(odd.with(Side::Ado, gone())), ActionKind::Unlink);
}

/// What an answer left out may be an edit, and another reading shows it.
#[test]
fn an_item_of_which_an_answer_left_a_field_out_is_not_deleted_before_it_is_shown() {
    for rule in [OnDelete::Delete, OnDelete::Close, OnDelete::Unlink] {
        let mut policy = Policy {
            on_delete: rule,
            ..policy()
        };
        let silent = || {
            let mut link = Linked::new(1).same(FieldKey::Priority, FieldValue::Number(2000));
            link.items.clickup.fields.remove(&FieldKey::Priority);
            link.with(Side::Ado, gone())
        };
        let plan = plan_one(silent(), &policy);
        let held = usize::from(rule != OnDelete::Unlink);
        assert_eq!((plan.actions.len(), plan.holds.len()), (1 - held, held));
        if let Some(hold) = plan.holds.first() {
            assert_eq!(hold.subject, FieldKey::Priority);
            assert!(hold.reason().contains("did not show"), "{hold:?}");
        }
        // A field that is not synced is not read either.
        policy.fields.remove(&FieldKey::Priority);
        let plan = plan_one(silent(), &policy);
        let mut reasons = plan.holds.iter().map(|hold| hold.reason());
        assert!(
            !reasons.any(|said| said.contains("did not show")),
            "{rule:?}"
        );
    }
}
