//! What was refused before stays out of a plan until something is different.

use super::fixture::*;
use crate::model::{FieldKey, FieldValue, Side, Sided, Version};
use crate::reason::{HoldWhy, Reason};
use crate::reconcile::LinkView;
use crate::reconcile::plan::PairPlan;
use crate::reconcile::rails::refused::Refused;
use crate::reconcile::rails::{Rails, plan};
use std::collections::BTreeMap;

fn refused(side: Side, field: FieldKey, value: FieldValue, version: i64) -> Rails {
    let item = if side == Side::Ado { "101" } else { "86d1" };
    let row = Refused {
        field,
        value,
        version: Version(version),
        why: HoldWhy::told_before("it says no".to_owned()),
    };
    Rails {
        refused: BTreeMap::from([((side, id(item)), vec![row])]),
        ..Rails::default()
    }
}

fn planned(link: LinkView, rails: &Rails) -> PairPlan {
    plan(&view(vec![link]), &policy(), rails)
}

fn fields(plan: &PairPlan) -> Vec<(Side, FieldKey)> {
    let all = plan.actions.iter();
    all.flat_map(|a| a.changes.iter().map(|c| (a.target, c.field.clone())))
        .collect()
}

/// A task that was completed and renamed.
fn completed() -> Linked {
    Linked::new(1)
        .now(
            Side::ClickUp,
            FieldKey::State,
            FieldValue::choice("complete"),
        )
        .now(Side::ClickUp, FieldKey::Title, FieldValue::text("New"))
}

#[test]
fn a_refused_value_is_held_while_it_is_wanted_and_the_item_is_as_it_was() {
    let resolved = FieldValue::choice("Resolved");
    let state = FieldKey::State;
    let title = [(Side::Ado, FieldKey::Title)];
    let both = [(Side::Ado, FieldKey::Title), (Side::Ado, FieldKey::State)];
    // (refused, at which version, what is sent)
    type Row<'a> = (&'a str, i64, &'a [(Side, FieldKey)]);
    let rows: [Row<'_>; 3] = [
        ("Resolved", 7, &title),
        // Another value is wanted now.
        ("Closed", 7, &both),
        // Somebody changed the item since: its rules may see it otherwise.
        ("Resolved", 6, &both),
    ];
    for (value, version, expected) in rows {
        let rails = refused(Side::Ado, state.clone(), FieldValue::choice(value), version);
        let plan = planned(completed().view(), &rails);
        assert_eq!(fields(&plan), expected, "{value} {version}");
        let held = plan
            .holds
            .iter()
            .any(|hold| hold.subject == FieldKey::State && hold.reason() == "it says no");
        assert_eq!(held, expected.len() == 1, "{value} {version}");
    }
    let mut chosen = completed().view();
    let complete = FieldValue::choice("complete");
    choose(&mut chosen, &state, Side::ClickUp, complete);
    let rails = refused(Side::Ado, state, resolved, 7);
    let plan = planned(chosen, &rails);
    assert!(
        fields(&plan).contains(&(Side::Ado, FieldKey::State)),
        "a person's choice is worth a try"
    );
}

#[test]
fn of_several_tags_only_the_refused_one_stays_out_and_the_others_settle() {
    let linked = |now: &[&str]| {
        Linked::new(1)
            .same(FieldKey::Tags, FieldValue::tags(["a"]))
            .now(
                Side::ClickUp,
                FieldKey::Tags,
                FieldValue::tags(now.iter().copied()),
            )
    };
    let rails = refused(Side::Ado, FieldKey::Tags, FieldValue::tags(["bad"]), 7);
    let plan = planned(linked(&["a", "bad", "c"]).view(), &rails);
    let change = &plan.actions[0].changes[0];
    assert_eq!(change.after, FieldValue::tags(["a", "c"]));
    // The base that this settles: the refused tag is still owed.
    assert_eq!(change.source_value, Some(FieldValue::tags(["a", "c"])));
    assert_eq!(plan.holds.len(), 1);

    let plan = planned(linked(&["a", "bad"]).view(), &rails);
    assert_eq!(fields(&plan), []);
    assert_eq!(plan.holds.len(), 1);
    assert_eq!(plan.rebases, [], "the base is right already");

    // What both sides have by now is agreed, with the refused tag left out.
    let same =
        linked(&["a", "bad", "c"]).now(Side::Ado, FieldKey::Tags, FieldValue::tags(["a", "c"]));
    let plan = planned(same.view(), &rails);
    assert_eq!(fields(&plan), []);
    let settled = FieldValue::tags(["a", "c"]);
    let base = Sided {
        ado: settled.clone(),
        clickup: settled,
    };
    assert_eq!(plan.rebases[0].fields[&FieldKey::Tags], base);
}

#[test]
fn both_halves_of_a_merge_stay_out_together() {
    let merged = Linked::new(1)
        .same(FieldKey::Description, rich("one\n\ntwo\n\nthree"))
        .now(Side::Ado, FieldKey::Description, rich("1\n\ntwo\n\nthree"))
        .now(
            Side::ClickUp,
            FieldKey::Description,
            rich("one\n\ntwo\n\n3"),
        );
    let text = rich("1\n\ntwo\n\n3");
    let rails = refused(Side::ClickUp, FieldKey::Description, text, 7);
    let plan = planned(merged.view(), &rails);
    assert_eq!(fields(&plan), []);
    assert_eq!(plan.holds.len(), 1);
}
