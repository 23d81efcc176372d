//! What the rails take out of a plan, and what they leave in it.

use super::fixture::*;
use crate::fixture::reconcile;
use crate::model::{About, FieldKey, FieldValue, LinkId, Side, Subject, Timestamp};
use crate::reason::{HoldWhy, Reason};
use crate::reconcile::plan::{Action, ActionKind, PairPlan};
use crate::reconcile::rails::attempt::Waiting;
use crate::reconcile::rails::oscillation::Past;
use crate::reconcile::rails::{Rails, plan};
use crate::reconcile::{LinkView, Origin, View};
use std::collections::{BTreeMap, BTreeSet};

fn title(text: &str) -> (FieldKey, FieldValue) {
    (FieldKey::Title, FieldValue::text(text))
}

/// A link whose title and priority were edited in ADO.
fn edited(n: i64) -> Linked {
    let (key, value) = title("New");
    Linked::new(n)
        .same(FieldKey::Priority, FieldValue::Number(2000))
        .now(Side::Ado, key, value)
        .now(Side::Ado, FieldKey::Priority, FieldValue::Number(1000))
}

/// A link whose description was edited on both sides, with a title beside it that only ADO changed.
fn merged(n: i64) -> Linked {
    let (key, value) = title("New");
    Linked::new(n)
        .same(FieldKey::Description, rich("one\n\ntwo\n\nthree"))
        .now(Side::Ado, FieldKey::Description, rich("1\n\ntwo\n\nthree"))
        .now(
            Side::ClickUp,
            FieldKey::Description,
            rich("one\n\ntwo\n\n3"),
        )
        .now(Side::Ado, key, value)
}

fn frozen(link: i64, fields: &[FieldKey]) -> Rails {
    let why = |field: &FieldKey| {
        (
            Subject::from(field),
            HoldWhy::told_before("it goes round".to_owned()),
        )
    };
    let fields = fields.iter().map(why).collect();
    Rails {
        frozen: BTreeMap::from([(LinkId(link), fields)]),
        ..Rails::default()
    }
}

fn update(plan: &PairPlan, link: i64, side: Side) -> &Action {
    let wanted = |action: &&Action| action.link == Some(LinkId(link)) && action.target == side;
    plan.actions.iter().find(wanted).unwrap()
}

fn fields(action: &Action) -> Vec<&FieldKey> {
    action.changes.iter().map(|change| &change.field).collect()
}

#[test]
fn a_restored_database_trusts_no_base_and_no_choice() {
    let (key, value) = title("New");
    let mut chosen = Linked::new(1)
        .now(Side::Ado, key.clone(), value.clone())
        .view();
    crate::fixture::choose(&mut chosen, &key, Side::Ado, value);
    // Filling a gap takes no base, so a plan without rails would do it.
    let gap = Linked::new(2).now(Side::Ado, FieldKey::Priority, FieldValue::Number(1000));
    let gap = gap.now(Side::ClickUp, FieldKey::Priority, FieldValue::Empty);
    let mut view = view(vec![chosen, gap.view(), Linked::new(3).view()]);
    view.noise.ado = 7;
    let trusted = plan(&view, &policy(), &Rails::default());
    assert_eq!(trusted.actions.len(), 2);

    let rails = Rails {
        untrusted: true,
        ..Rails::default()
    };
    let plan = plan(&view, &policy(), &rails);
    assert_eq!(plan.actions, []);
    let open: Vec<_> = plan
        .conflicts
        .iter()
        .map(|c| (c.link.0, &c.field))
        .collect();
    assert_eq!(open, [(1, &FieldKey::Title), (2, &FieldKey::Priority)]);
    assert_eq!(plan.conflicts[1].now.ado, FieldValue::Number(1000));
    let [gap] = plan.frozen.as_slice() else {
        panic!("{:?}", plan.frozen);
    };
    assert_eq!(gap.link, LinkId(2));
    assert_eq!(gap.subject, FieldKey::Priority);
    assert!(gap.why.to_string().contains("the database was restored"));
    let equal = plan.rebases.iter().find(|rebase| rebase.link == LinkId(3));
    assert!(equal.unwrap().fields.contains_key(&FieldKey::Title));
    assert_eq!(
        plan.tripped,
        [],
        "what only seemed to be read differently is forgotten"
    );
}

#[test]
fn creates_wait_after_a_restore_and_nothing_else_does() {
    let mut view = view(vec![edited(1).view()]);
    let person = fresh(item(Side::Ado, "9", "Of a person"), Origin::Person);
    view.fresh.ado.push(person);
    let kinds = |plan: &PairPlan| -> Vec<ActionKind> {
        plan.actions.iter().map(|action| action.kind).collect()
    };
    let flowing = plan(&view, &policy(), &Rails::default());
    assert!(kinds(&flowing).contains(&ActionKind::Create));
    let until = Timestamp(300_000);
    let rails = Rails {
        creates_held_until: Some(until),
        ..Rails::default()
    };
    let plan = plan(&view, &policy(), &rails);
    assert_eq!(kinds(&plan), [ActionKind::Update]);
    let [hold] = plan.holds.as_slice() else {
        panic!("{:?}", plan.holds);
    };
    assert_eq!(
        (hold.link, hold.side, &hold.item),
        (None, Side::Ado, &id("9"))
    );
    assert!(hold.reason().contains("nothing is created before"));
    assert_eq!(hold.title, "Of a person");
    assert_eq!(
        plan.retry,
        BTreeMap::from([(About::item(Side::Ado, id("9")), Some(until))])
    );
}

/// Its counterpart may be in the pair that cannot be listed, from where the item was moved.
#[test]
fn creates_wait_after_a_restore_until_every_pair_was_listed() {
    let mut view = view(vec![edited(1).view()]);
    let person = fresh(item(Side::Ado, "9", "Of a person"), Origin::Person);
    view.fresh.ado.push(person);
    let rails = Rails {
        now: Timestamp(1_000),
        unlisted: BTreeSet::from(["app".into()]),
        ..Rails::default()
    };
    let plan = plan(&view, &policy(), &rails);
    let kinds = plan.actions.iter().map(|action| action.kind);
    assert_eq!(kinds.collect::<Vec<_>>(), [ActionKind::Update]);
    let [hold] = plan.holds.as_slice() else {
        panic!("{:?}", plan.holds);
    };
    assert!(
        hold.reason()
            .contains("app could not be listed in full since")
    );
    let again = plan.retry.get(&About::item(Side::Ado, id("9")));
    assert_eq!(again, Some(&Some(Timestamp(301_000))));
}

#[test]
fn a_frozen_field_is_left_out_and_both_values_are_kept() {
    let view = view(vec![edited(1).view(), edited(2).view()]);
    let free = plan(&view, &policy(), &Rails::default());
    let plan = plan(&view, &policy(), &frozen(1, &[FieldKey::Title]));
    let action = update(&plan, 1, Side::ClickUp);
    assert_eq!(fields(action), [&FieldKey::Priority]);
    assert_ne!(
        action.id,
        update(&free, 1, Side::ClickUp).id,
        "another content"
    );
    assert_eq!(
        update(&plan, 2, Side::ClickUp),
        update(&free, 2, Side::ClickUp)
    );
    let [conflict] = plan.conflicts.as_slice() else {
        panic!("{:?}", plan.conflicts);
    };
    assert_eq!(
        (conflict.link, &conflict.field),
        (LinkId(1), &FieldKey::Title)
    );
    assert_eq!(conflict.now.ado, title("New").1);
    assert_eq!(conflict.taken, None);
    let [hold] = plan.holds.as_slice() else {
        panic!("{:?}", plan.holds);
    };
    assert_eq!(hold.subject, FieldKey::Title);
    assert_eq!(
        (hold.side, hold.reason().as_str()),
        (Side::Ado, "it goes round")
    );
    assert_eq!(plan.frozen.len(), 1);

    let all = frozen(1, &[FieldKey::Title, FieldKey::Priority]);
    let plan = super::super::rails::plan(&view, &policy(), &all);
    assert!(
        plan.actions
            .iter()
            .all(|action| action.link == Some(LinkId(2)))
    );
}

#[test]
fn a_frozen_conflict_stands_once_beside_the_others() {
    let (key, theirs) = title("Theirs");
    let both = |n: i64| {
        edited(n)
            .now(Side::ClickUp, key.clone(), theirs.clone())
            .now(Side::ClickUp, FieldKey::Priority, FieldValue::Number(3000))
            .view()
    };
    let view = view(vec![both(1), both(2)]);
    let plan = plan(&view, &policy(), &frozen(1, &[FieldKey::Title]));
    let mut open: Vec<_> = plan
        .conflicts
        .iter()
        .map(|c| (c.link.0, c.field.to_string(), c.taken))
        .collect();
    open.sort_by(|a, b| (a.0, &a.1).cmp(&(b.0, &b.1)));
    let ado = Some(Side::Ado);
    let row = |link: i64, field: &str, taken| (link, field.to_owned(), taken);
    assert_eq!(
        open,
        [
            row(1, "priority", ado),
            row(1, "title", None),
            row(2, "priority", ado),
            row(2, "title", ado)
        ]
    );
}

#[test]
fn what_a_person_chose_is_written_although_it_was_frozen() {
    let (key, value) = title("New");
    let mut link = edited(1).view();
    crate::fixture::choose(&mut link, &key, Side::Ado, value);
    let plan = plan(&view(vec![link]), &policy(), &frozen(1, &[key]));
    assert!(fields(update(&plan, 1, Side::ClickUp)).contains(&&FieldKey::Title));
    assert_eq!(plan.frozen, []);
}

#[test]
fn what_goes_round_is_frozen_by_its_own_writes() {
    let past = |side: Side, text: &str| Past {
        side,
        at: Timestamp(0),
        subject: FieldKey::Title.into(),
        value: FieldValue::text(text),
    };
    let round = vec![
        past(Side::ClickUp, "x"),
        past(Side::Ado, "y"),
        past(Side::ClickUp, "x"),
        past(Side::Ado, "y"),
    ];
    let rails = Rails {
        writes: BTreeMap::from([(LinkId(1), round)]),
        ..Rails::default()
    };
    let plan = plan(&view(vec![edited(1).view()]), &policy(), &rails);
    assert_eq!(
        fields(update(&plan, 1, Side::ClickUp)),
        [&FieldKey::Priority]
    );
    assert!(plan.frozen[0].why.to_string().contains("undone each time"));
}

/// The second half of a text merge is written after the first; a field that is frozen beside it changes the name of the
/// first, and the second has to follow the new name, or nothing where there is no first half any more.
#[test]
fn the_other_half_of_a_merge_follows_what_is_left_of_the_first() {
    let view = view(vec![merged(1).view()]);
    let halves = |plan: &PairPlan| -> (Option<Action>, Action) {
        let second = plan.actions.last().cloned().unwrap();
        let first = plan.actions.iter().find(|action| action.id != second.id);
        (first.cloned(), second)
    };
    let (first, second) = halves(&plan(&view, &policy(), &Rails::default()));
    assert_eq!(second.after, [first.unwrap().id]);

    let without_title = frozen(1, &[FieldKey::Title]);
    let (first, second) = halves(&plan(&view, &policy(), &without_title));
    assert_eq!(second.after, [first.unwrap().id]);
}

fn waiting(action: &Action, source: (Side, &str), retry_at: Option<Timestamp>, now: i64) -> Rails {
    let row = Waiting {
        failures: 2,
        inputs: action.id.clone(),
        last_at: Timestamp(1_000),
        retry_at,
        reason: "HTTP 400".to_owned(),
    };
    Rails {
        now: Timestamp(now),
        waiting: BTreeMap::from([(About::item(source.0, id(source.1)), row)]),
        ..Rails::default()
    }
}

fn planned(links: Vec<LinkView>) -> (View, PairPlan) {
    let view = view(links);
    let plan = reconcile(&view, &policy());
    (view, plan)
}

#[test]
fn what_failed_waits_for_its_time_and_others_do_not() {
    let (view, free) = planned(vec![edited(1).view(), edited(2).view()]);
    let failed = update(&free, 1, Side::ClickUp);
    let at = Some(Timestamp(9_000));
    let early = plan(
        &view,
        &policy(),
        &waiting(failed, (Side::Ado, "101"), at, 8_999),
    );
    assert_eq!(early.actions, [update(&free, 2, Side::ClickUp).clone()]);
    let [hold] = early.holds.as_slice() else {
        panic!("{:?}", early.holds);
    };
    assert_eq!((hold.link, hold.side), (Some(LinkId(1)), Side::Ado));
    assert_eq!((&hold.item, &hold.subject), (&id("101"), &Subject::Item));
    assert!(hold.reason().contains("failed 2 times") && hold.reason().contains("HTTP 400"));
    let whole = About::item(Side::Ado, id("101"));
    assert_eq!(early.retry, BTreeMap::from([(whole, at)]));

    let due = plan(
        &view,
        &policy(),
        &waiting(failed, (Side::Ado, "101"), at, 9_000),
    );
    assert_eq!((due.actions, due.holds), (free.actions.clone(), free.holds));
}

#[test]
fn what_is_no_half_of_a_merge_does_not_wait_for_the_other_side() {
    let mut link = merged(1);
    let urgent = FieldValue::Number(1_000);
    link = link.same(FieldKey::Priority, FieldValue::Number(3_000));
    link = link.now(Side::ClickUp, FieldKey::Priority, urgent);
    let (view, free) = planned(vec![link.view()]);
    let [first, second] = free.actions.as_slice() else {
        panic!("{:?}", free.actions);
    };
    assert_eq!((first.target, second.target), (Side::ClickUp, Side::Ado));
    let refused = waiting(first, (Side::Ado, "101"), None, 0);
    let held = plan(&view, &policy(), &refused);
    let [alone] = held.actions.as_slice() else {
        panic!("{:?}", held.actions);
    };
    let fields: Vec<&FieldKey> = alone.changes.iter().map(|change| &change.field).collect();
    assert_eq!(
        (alone.target, fields),
        (Side::Ado, vec![&FieldKey::Priority])
    );
    assert_eq!(alone.after, []);
}

#[test]
fn the_other_half_of_a_merge_waits_with_the_first() {
    let (view, free) = planned(vec![merged(1).view()]);
    assert_eq!(free.actions.len(), 2);
    let first = &free.actions[0];
    let source = (
        first.target.other(),
        match first.target {
            Side::Ado => "86d1",
            Side::ClickUp => "101",
        },
    );
    let held = plan(&view, &policy(), &waiting(first, source, None, 0));
    assert_eq!(held.actions, []);
    assert_eq!(held.holds.len(), 1, "the first names the reason for both");
    assert_eq!(held.retry.values().collect::<Vec<_>>(), [&None]);
}
