//! Laws that hold for every input.

use super::fixture::*;
use crate::fixture::reconcile;
use crate::model::{FieldKey, FieldValue, Side};
use crate::reconcile::merge::{Merged, merge_field};
use crate::reconcile::{LinkView, Origin, Presence};
use proptest::prelude::*;

fn title() -> impl Strategy<Value = FieldValue> {
    "[a-c]{1,2}".prop_map(|text| FieldValue::text(&text))
}

fn tags() -> impl Strategy<Value = FieldValue> {
    prop::collection::vec(prop::sample::select(vec!["a", "b", "c", "D", "x, y"]), 0..4)
        .prop_map(FieldValue::tags)
}

fn number() -> impl Strategy<Value = FieldValue> {
    prop_oneof![
        Just(FieldValue::Empty),
        (1_i64..4).prop_map(|n| FieldValue::Number(n * 1000))
    ]
}

fn description() -> impl Strategy<Value = FieldValue> {
    prop::collection::vec("[a-c]{1,2}", 0..4).prop_map(|lines| FieldValue::rich(lines.join("\n\n")))
}

fn state(side: Side) -> impl Strategy<Value = FieldValue> {
    let names = match side {
        Side::Ado => vec!["New", "Active", "Resolved", "Closed", "Odd"],
        Side::ClickUp => vec!["to do", "in progress", "in review", "complete", "odd"],
    };
    prop::sample::select(names).prop_map(FieldValue::choice)
}

fn assignees(side: Side) -> impl Strategy<Value = FieldValue> {
    let most = match side {
        Side::Ado => 1,
        Side::ClickUp => 3,
    };
    let ana = match side {
        Side::Ado => "ana@contoso.com",
        Side::ClickUp => "ana@clickup-mail.com",
    };
    prop::collection::vec(
        prop::sample::select(vec![ana, "bo@x.com", "cy@x.com"]),
        0..=most,
    )
    .prop_map(|mails| people(&mails))
}

/// A link whose bases and present values are arbitrary.
fn link(n: i64) -> impl Strategy<Value = LinkView> {
    let fields = (
        (title(), title(), title()),
        (tags(), tags(), tags(), tags()),
        (number(), number(), number()),
        (description(), description(), description()),
        (
            state(Side::Ado),
            state(Side::ClickUp),
            state(Side::Ado),
            state(Side::ClickUp),
        ),
        (
            assignees(Side::Ado),
            assignees(Side::ClickUp),
            assignees(Side::Ado),
            assignees(Side::ClickUp),
        ),
        any::<bool>(),
    );
    fields.prop_map(move |(t, g, p, d, s, a, based)| {
        let link = Linked::new(n)
            .same(FieldKey::Title, t.0)
            .now(Side::Ado, FieldKey::Title, t.1)
            .now(Side::ClickUp, FieldKey::Title, t.2)
            .agreed(FieldKey::Tags, g.0, g.1)
            .now(Side::Ado, FieldKey::Tags, g.2)
            .now(Side::ClickUp, FieldKey::Tags, g.3)
            .same(FieldKey::Points, p.0)
            .now(Side::Ado, FieldKey::Points, p.1)
            .now(Side::ClickUp, FieldKey::Points, p.2)
            .same(FieldKey::Description, d.0)
            .now(Side::Ado, FieldKey::Description, d.1)
            .now(Side::ClickUp, FieldKey::Description, d.2)
            .agreed(FieldKey::State, s.0, s.1)
            .now(Side::Ado, FieldKey::State, s.2)
            .now(Side::ClickUp, FieldKey::State, s.3)
            .agreed(FieldKey::Assignees, a.0, a.1)
            .now(Side::Ado, FieldKey::Assignees, a.2)
            .now(Side::ClickUp, FieldKey::Assignees, a.3);
        if based {
            link.view()
        } else {
            link.never_agreed(&FieldKey::Points)
                .never_agreed(&FieldKey::Title)
                .view()
        }
    })
}

proptest! {
    #[test]
    fn a_single_sided_edit_is_never_lost(base in title(), edit in title(), on_ado in any::<bool>()) {
        let side = if on_ado { Side::Ado } else { Side::ClickUp };
        let view = Linked::new(1)
            .same(FieldKey::Title, base)
            .now(side, FieldKey::Title, edit.clone())
            .view();
        let after = carried_out(view.clone(), &plan_one(view, &policy()));
        for side in Side::BOTH {
            let item = after.now.get(side).item().unwrap();
            prop_assert_eq!(item.fields.get(&FieldKey::Title), Some(&edit));
        }
    }

    #[test]
    fn a_tag_added_on_one_side_alone_is_on_both_afterwards(base in tags(), ado in tags(), clickup in tags()) {
        let view = Linked::new(1)
            .same(FieldKey::Tags, base.clone())
            .now(Side::Ado, FieldKey::Tags, ado.clone())
            .now(Side::ClickUp, FieldKey::Tags, clickup.clone())
            .view();
        let after = carried_out(view.clone(), &plan_one(view, &policy()));
        let have = |side: Side| after.now.get(side).item().unwrap().fields[&FieldKey::Tags].members();
        for (side, now) in [(Side::Ado, &ado), (Side::ClickUp, &clickup)] {
            for tag in now.members().difference(&base.members()) {
                prop_assert!(have(side).contains(tag), "{side} keeps what was added there");
                let fits = side == Side::Ado || !tag.shown.contains(',');
                prop_assert!(!fits || have(side.other()).contains(tag));
            }
        }
    }

    #[test]
    fn what_was_carried_out_is_not_planned_again(view in link(1)) {
        let first = plan_one(view.clone(), &policy());
        let after = carried_out(view, &first);
        let second = plan_one(after, &policy());
        prop_assert_eq!(changes(&second), vec![], "first plan: {:?}", changes(&first));
        for conflict in &second.conflicts {
            prop_assert_eq!(conflict.taken, None, "a settled conflict comes back: {:?}", conflict);
        }
    }

    #[test]
    fn a_merge_touches_only_what_differs(view in link(1)) {
        let plan = plan_one(view.clone(), &policy());
        for action in &plan.actions {
            let item = view.now.get(action.target).item().unwrap();
            for change in &action.changes {
                prop_assert_ne!(item.fields.get(&change.field), Some(&change.after));
            }
        }
    }

    #[test]
    fn both_sides_at_their_base_is_in_sync(ado in state(Side::Ado), clickup in state(Side::ClickUp)) {
        let now = crate::model::Sided { ado, clickup };
        let policy = policy();
        let rule = policy.fields[&FieldKey::State];
        prop_assert_eq!(
            merge_field(&FieldKey::State, Some(&now), &now, rule, &policy),
            Merged::InSync
        );
    }

    #[test]
    fn the_order_of_the_input_changes_nothing(
        views in (link(1), link(2), link(3)),
        rotate in 0_usize..3,
        gone_one in any::<bool>(),
    ) {
        let mut links = vec![views.0, views.1, views.2];
        if gone_one {
            links[1].now.ado = gone();
        }
        let mut straight = view(links.clone());
        straight.fresh.ado = ["9", "10", "11"]
            .map(|n| fresh(item(Side::Ado, n, n), Origin::Person))
            .to_vec();
        let mut shuffled = straight.clone();
        shuffled.links.rotate_left(rotate);
        shuffled.links.swap(0, 1);
        shuffled.fresh.ado.rotate_left(rotate);
        shuffled.fresh.ado.reverse();
        let (one, two) = (reconcile(&straight, &policy()), reconcile(&shuffled, &policy()));
        prop_assert_eq!(one.hash(), two.hash());
        prop_assert_eq!(one, two);
    }

    #[test]
    fn every_link_is_mentioned(views in (link(1), link(2)), unclear in any::<bool>()) {
        let mut links = vec![views.0, views.1];
        if unclear {
            links[0].now.clickup = Presence::Unclear { reason: "timed out".to_owned() };
        }
        let plan = reconcile(&view(links), &policy());
        prop_assert_eq!(plan.looked_at, 2);
        let mut seen: std::collections::BTreeSet<i64> = plan.actions.iter().filter_map(|a| a.link).map(|l| l.0).collect();
        seen.extend(plan.holds.iter().filter_map(|h| h.link).map(|l| l.0));
        seen.extend(plan.conflicts.iter().map(|c| c.link.0));
        prop_assert_eq!(seen.len() + plan.in_sync, 2);
    }
}
