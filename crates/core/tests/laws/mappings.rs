//! States and types with random tables.

use crate::bench::*;
use boardsync_core::mapping::Relation;
use boardsync_core::model::{FieldKey, FieldValue, Folded, Side};
use boardsync_core::reconcile::merge::Merged;
use proptest::prelude::*;

const ADO: [&str; 5] = ["New", "Active", "Resolved", "Closed", "Removed"];
const CLICKUP: [&str; 5] = ["to do", "in progress", "in review", "complete", "odd"];

fn rows() -> impl Strategy<Value = Vec<(&'static str, &'static str)>> {
    let row = (
        prop::sample::select(&ADO[..]),
        prop::sample::select(&CLICKUP[..]),
    );
    prop::collection::vec(row, 0..8)
}

fn ado() -> impl Strategy<Value = FieldValue> {
    prop::sample::select(&ADO[..]).prop_map(FieldValue::choice)
}

fn clickup() -> impl Strategy<Value = FieldValue> {
    prop::sample::select(&CLICKUP[..]).prop_map(FieldValue::choice)
}

fn name(value: &FieldValue) -> Folded {
    match value {
        FieldValue::Choice(name) => name.clone(),
        other => panic!("{other:?} is no choice"),
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2000, failure_persistence: None, ..ProptestConfig::default() })]

    /// Whatever the base: two values of one row are left alone, so GetPut holds (put(get(a), a) = a).
    #[test]
    fn a_consistent_pair_is_never_written(
        rows in rows(),
        base in prop::option::of((ado(), clickup())),
        row in any::<prop::sample::Index>(),
        state in any::<bool>(),
    ) {
        if rows.is_empty() {
            return Ok(());
        }
        let mut policy = policy();
        let (a, c) = rows[row.index(rows.len())];
        let now = (FieldValue::choice(a), FieldValue::choice(c));
        let table = Relation::new(rows);
        let key = if state { FieldKey::State } else { FieldKey::Type };
        (policy.states, policy.types) = (table.clone(), table);
        let base = base.map(|(a, c)| pair_of(&a, &c));
        for rule in rules() {
            let merged = merge(&key, base.as_ref(), &pair_of(&now.0, &now.1), rule, &policy);
            prop_assert!(matches!(merged, Merged::InSync | Merged::Rebase), "{:?}", merged);
        }
    }

    /// PutGet: what is written is consistent with what it was written for, and is the first such row.
    #[test]
    fn what_is_written_stands_beside_its_source_in_the_table(
        rows in rows(),
        base in (ado(), clickup()),
        now in (ado(), clickup()),
    ) {
        let mut policy = policy();
        policy.states = Relation::new(rows.clone());
        let (base, now) = (pair_of(&base.0, &base.1), pair_of(&now.0, &now.1));
        for rule in rules() {
            let merged = merge(&FieldKey::State, Some(&base), &now, rule, &policy);
            let to = writes(&merged);
            for side in Side::BOTH {
                let Some(value) = to.get(side) else { continue };
                let source = name(now.get(side.other()));
                let both = match side {
                    Side::Ado => (name(value), source.clone()),
                    Side::ClickUp => (source.clone(), name(value)),
                };
                prop_assert!(policy.states.consistent(&both.0, &both.1));
                let first = rows.iter().find_map(|(a, c)| match side {
                    Side::Ado => (Folded::new(c) == source).then_some(*a),
                    Side::ClickUp => (Folded::new(a) == source).then_some(*c),
                });
                prop_assert_eq!(first.map(FieldValue::choice), Some(value.clone()));
            }
            let settled = settles(&FieldKey::State, Some(&base), &now, rule, &policy);
            prop_assert!(settled.is_ok(), "{}", settled.unwrap_err());
        }
    }

    /// A value that stands in no row is never guessed.
    #[test]
    fn a_value_outside_the_table_is_held(rows in rows(), base in (ado(), clickup()), other in clickup()) {
        let mut policy = policy();
        policy.states = Relation::new(rows);
        let base = pair_of(&base.0, &base.1);
        let now = pair_of(&FieldValue::choice("Invented"), &base.clickup);
        let merged = merge(&FieldKey::State, Some(&base), &now, BOTH_WAYS, &policy);
        prop_assert!(matches!(merged, Merged::Blocked(_)), "{:?}", merged);
        let now = pair_of(&FieldValue::choice("Invented"), &other);
        let merged = merge(&FieldKey::State, None, &now, BOTH_WAYS, &policy);
        prop_assert!(matches!(merged, Merged::Blocked(_)), "{:?}", merged);
    }

    /// The representative of every value comes back to a consistent pair in one step.
    #[test]
    fn there_and_back_is_consistent(rows in rows(), value in ado()) {
        let table = Relation::new(rows);
        if let Some(image) = table.translate(Side::Ado, &name(&value)) {
            prop_assert!(table.consistent(&name(&value), &image));
            let back = table.translate(Side::ClickUp, &image);
            prop_assert!(back.is_some_and(|back| table.consistent(&back, &image)));
        }
    }
}
