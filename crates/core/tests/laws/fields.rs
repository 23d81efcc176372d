//! The merge of one field, with generated values.

use crate::bench::*;
use boardsync_core::model::{FieldKey, FieldValue, Side, Sided};
use boardsync_core::reconcile::merge::{Merged, agree, translate};
use boardsync_core::reconcile::policy::{Direction, FieldPolicy};
use proptest::prelude::*;

fn tags() -> impl Strategy<Value = FieldValue> {
    let names = vec!["a", "A", "b", "c", "d e", "D  E", "x, y", "p;q"];
    prop::collection::vec(prop::sample::select(names), 0..5).prop_map(FieldValue::tags)
}

fn text() -> impl Strategy<Value = FieldValue> {
    let line = prop::sample::select(vec!["one", "two", "three", "- item", "**bold** word"]);
    prop::collection::vec(line, 0..5).prop_map(|lines| {
        let text = lines.join("\n\n");
        FieldValue::rich(boardsync_markup::canonical(
            boardsync_core::model::TextFormat::Markdown,
            &text,
        ))
    })
}

fn assignees(side: Side) -> impl Strategy<Value = FieldValue> {
    let (most, ana) = match side {
        Side::Ado => (1, "ana@contoso.com"),
        Side::ClickUp => (4, "ana@clickup-mail.com"),
    };
    let names = vec![ana, "bo@x.com", "cy@x.com", "id:robot"];
    prop::collection::vec(prop::sample::select(names), 0..=most).prop_map(|mails| people(&mails))
}

/// A value of a field in one side's vocabulary.
fn value(key: &FieldKey, side: Side) -> BoxedStrategy<FieldValue> {
    match key {
        FieldKey::Tags => tags().boxed(),
        FieldKey::Description => text().boxed(),
        FieldKey::Assignees => assignees(side).boxed(),
        key => prop::sample::select(values(key, side).to_vec()).boxed(),
    }
}

fn rule() -> impl Strategy<Value = FieldPolicy> {
    prop::sample::select(rules())
}

#[derive(Clone, Debug)]
struct Case {
    key: FieldKey,
    base: Option<Sided<FieldValue>>,
    now: Sided<FieldValue>,
}

fn sided(key: &FieldKey) -> impl Strategy<Value = Sided<FieldValue>> + use<> {
    (value(key, Side::Ado), value(key, Side::ClickUp))
        .prop_map(|(ado, clickup)| Sided { ado, clickup })
}

/// Values that mean the same on both sides.
fn agreed(key: &FieldKey) -> BoxedStrategy<Sided<FieldValue>> {
    let wanted = key.clone();
    let alike = value(key, Side::ClickUp).prop_map(|value| pair_of(&value, &value));
    match key {
        FieldKey::State | FieldKey::Type | FieldKey::Assignees => sided(key).boxed(),
        _ => alike.boxed(),
    }
    .prop_filter("agree", move |both| agree(&wanted, both, &policy()))
    .boxed()
}

/// A case whose present values agree.
fn agreed_case() -> impl Strategy<Value = Case> {
    prop::sample::select(keys()).prop_flat_map(|key| {
        let based = prop::option::weighted(0.9, sided(&key));
        (based, agreed(&key), Just(key)).prop_map(|(base, now, key)| Case { key, base, now })
    })
}

/// A key, what both sides agreed on, and what one of them has now.
fn one_edit() -> impl Strategy<Value = (FieldKey, Sided<FieldValue>, Side, FieldValue)> {
    let side = prop::sample::select(&Side::BOTH[..]);
    (prop::sample::select(keys()), side).prop_flat_map(|(key, side)| {
        (
            Just(key.clone()),
            agreed(&key),
            Just(side),
            value(&key, side),
        )
    })
}

fn case() -> impl Strategy<Value = Case> {
    prop::sample::select(keys()).prop_flat_map(|key| {
        let based = prop::option::weighted(0.9, sided(&key));
        (based, sided(&key), Just(key)).prop_map(|(base, now, key)| Case { key, base, now })
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn what_was_written_is_a_fixed_point(case in case(), rule in rule()) {
        let settled = settles(&case.key, case.base.as_ref(), &case.now, rule, &policy());
        prop_assert!(settled.is_ok(), "{}", settled.unwrap_err());
    }

    /// merge(b, x, b) = x
    #[test]
    fn an_edit_of_one_side_alone_is_what_both_have_afterwards((key, base, side, edit) in one_edit()) {
        let policy = policy();
        let mut now = base.clone();
        *now.get_mut(side) = edit;
        let merged = merge(&key, Some(&base), &now, BOTH_WAYS, &policy);
        prop_assert!(!matches!(merged, Merged::Conflict { .. }), "{merged:?}");
        let to = writes(&merged);
        prop_assert_eq!(to.get(side), &None, "the side that was edited is left alone");
        if matches!(merged, Merged::Blocked(_)) {
            return Ok(());
        }
        let (_, after) = carried_out(Some(&base), &now, &merged);
        if key == FieldKey::Assignees && now.ado.is_empty() {
            // Whoever is assigned in ClickUp beside the lead stays.
            let lead = base.ado.members().into_iter().find_map(|lead| policy.people.translate(Side::Ado, &lead));
            prop_assert!(lead.is_none_or(|lead| !after.clickup.members().contains(&lead)));
            return Ok(());
        }
        // A tag that ADO cannot hold stays in ClickUp.
        let fits = |value: &FieldValue| match translate(&key, Side::ClickUp, value, &policy) {
            Ok(value) if key == FieldKey::Tags => value,
            _ => value.clone(),
        };
        let after = Sided { clickup: fits(&after.clickup), ado: fits(&after.ado) };
        prop_assert!(agree(&key, &after, &policy), "{now:?} {merged:?} {after:?}");
    }

    /// merge(b, x, x) = x, and nothing is written.
    #[test]
    fn the_same_edit_on_both_sides_only_moves_the_base(case in agreed_case(), rule in rule()) {
        let merged = merge(&case.key, case.base.as_ref(), &case.now, rule, &policy());
        let expected = if case.base.as_ref() == Some(&case.now) { Merged::InSync } else { Merged::Rebase };
        prop_assert_eq!(merged, expected);
    }

    /// Swapping sides and winner swaps the result, where both sides have one vocabulary.
    #[test]
    fn the_merge_is_symmetric_up_to_the_winner(case in case(), rule in rule()) {
        if !is_plain(&case.key) && case.key != FieldKey::Description {
            return Ok(());
        }
        let swap = |value: &Sided<FieldValue>| pair_of(&value.clickup, &value.ado);
        let mirrored = FieldPolicy {
            direction: match rule.direction {
                Direction::Both => Direction::Both,
                Direction::ToAdo => Direction::ToClickUp,
                Direction::ToClickUp => Direction::ToAdo,
            },
            winner: rule.winner.map(Side::other),
        };
        // Unequal text bases are carried over from ClickUp to ADO first, which is one way round only.
        let base = case.base.map(|base| pair_of(&base.ado, &base.ado));
        let one = merge(&case.key, base.as_ref(), &case.now, rule, &policy());
        let other = merge(&case.key, base.as_ref(), &swap(&case.now), mirrored, &policy());
        let (to, mirror) = (writes(&one), writes(&other));
        prop_assert_eq!((to.ado, to.clickup), (mirror.clickup, mirror.ado), "{:?} {:?}", one, other);
    }

    /// Per element: present = (in the base ? in both : in either).
    #[test]
    fn tags_are_merged_by_element(base in tags(), ado in tags(), clickup in tags()) {
        let fits = |tag: &boardsync_core::model::Folded| !tag.shown.contains([',', ';']);
        let base = pair_of(&base, &base);
        let now = pair_of(&ado, &clickup);
        let merged = merge(&FieldKey::Tags, Some(&base), &now, BOTH_WAYS, &policy());
        let (_, after) = carried_out(Some(&base), &now, &merged);
        let (old, a, c) = (base.ado.members(), ado.members(), clickup.members());
        let every: std::collections::BTreeSet<_> = old.union(&a).chain(&c).cloned().collect();
        for tag in every.iter().filter(|tag| fits(tag)) {
            let (was, in_ado, in_clickup) = (old.contains(tag), a.contains(tag), c.contains(tag));
            let wanted = if was { in_ado && in_clickup } else { in_ado || in_clickup };
            for side in Side::BOTH {
                prop_assert_eq!(after.get(side).members().contains(tag), wanted, "{} {}", tag, side);
            }
        }
        // Commutative: who is asked first does not matter.
        let swapped = pair_of(&clickup, &ado);
        let mirror = merge(&FieldKey::Tags, Some(&base), &swapped, BOTH_WAYS, &policy());
        let (_, mirrored) = carried_out(Some(&base), &swapped, &mirror);
        let plain = |value: &FieldValue| value.members().into_iter().filter(fits).collect::<Vec<_>>();
        prop_assert_eq!(plain(&after.ado), plain(&mirrored.clickup));
        prop_assert_eq!(plain(&after.clickup), plain(&mirrored.ado));
        // Idempotent: merged with itself nothing changes.
        let again = merge(&FieldKey::Tags, Some(&base), &pair_of(&ado, &ado), BOTH_WAYS, &policy());
        prop_assert_eq!(writes(&again), Sided::build(|_| None));
    }

    #[test]
    fn a_change_of_case_alone_writes_nothing(tags in tags(), on_ado in any::<bool>()) {
        let loud = FieldValue::from_tags(
            tags.members().iter().map(|tag| boardsync_core::model::Folded::new(&tag.shown.to_uppercase())).collect(),
        );
        let base = pair_of(&tags, &tags);
        let now = if on_ado { pair_of(&loud, &tags) } else { pair_of(&tags, &loud) };
        let merged = merge(&FieldKey::Tags, Some(&base), &now, BOTH_WAYS, &policy());
        prop_assert_eq!(merged, Merged::InSync);
    }
}
