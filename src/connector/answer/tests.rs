#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "tests fail by panicking"
)]

use super::*;
use crate::model::{Folded, ItemId, Timestamp, Version};

fn item(version: i64, fields: &[(FieldKey, FieldValue)]) -> Item {
    Item {
        id: ItemId::from("86x"),
        version: Version(version),
        url: String::new(),
        fields: fields.iter().cloned().collect(),
        unread: Default::default(),
        raw: Default::default(),
        markers: Vec::new(),
        backlinks: Vec::new(),
        parent: None,
        archived: false,
        container: "1".to_owned(),
        created_at: Timestamp(0),
        changed_at: Timestamp(version),
    }
}

fn title(text: &str) -> (FieldKey, FieldValue) {
    (FieldKey::Title, FieldValue::text(text))
}

fn tags(names: &[&str]) -> (FieldKey, FieldValue) {
    let value = FieldValue::tags(names.iter().copied());
    (FieldKey::Tags, value)
}

fn state(name: &str) -> (FieldKey, FieldValue) {
    (FieldKey::State, FieldValue::choice(name))
}

fn people(mails: &[&str]) -> FieldValue {
    FieldValue::from_people(
        mails
            .iter()
            .map(|mail| Folded::person(mail, mail))
            .collect(),
    )
}

fn day(text: &str) -> FieldValue {
    FieldValue::Day(text.parse().expect("a day"))
}

/// What an update of a task came to. `apart`: its tags went out in calls of their own.
fn update(
    before: Option<&[(FieldKey, FieldValue)]>,
    set: &[(FieldKey, FieldValue)],
    own: Option<&[(FieldKey, FieldValue)]>,
    later: Option<&[(FieldKey, FieldValue)]>,
) -> Written {
    update_read_at(3, before, set, own, later)
}

/// The same, with the version of the read at the end. The task was at 1 before, and the answer shows 2.
fn update_read_at(
    version: i64,
    before: Option<&[(FieldKey, FieldValue)]>,
    set: &[(FieldKey, FieldValue)],
    own: Option<&[(FieldKey, FieldValue)]>,
    later: Option<&[(FieldKey, FieldValue)]>,
) -> Written {
    let before = before.map(|fields| item(1, fields));
    let set: BTreeMap<_, _> = set.iter().cloned().collect();
    let asked = Asked {
        side: Side::ClickUp,
        set: &set,
        before: before.as_ref(),
        apart: &BTreeSet::from([FieldKey::Tags]),
        completes: set.get(&FieldKey::State) == Some(&FieldValue::choice("complete")),
    };
    let own = own.map(|fields| item(2, fields));
    let later = later.map(|fields| item(version, fields));
    settle(&asked, own, later).expect("something was shown")
}

fn keys(written: &Written) -> (Vec<String>, Vec<String>) {
    let pending = written.pending.keys().map(FieldKey::to_string).collect();
    let later = written.later.iter().map(FieldKey::to_string).collect();
    (pending, later)
}

#[test]
fn values_are_compared_by_what_they_mean() {
    use FieldKey::{
        Assignees, Custom, Description, DueDate, Estimate, Points, Priority, Tags, Title,
    };
    let rich = |text: &str| FieldValue::rich(text.to_owned());
    for (key, wanted, shown, same) in [
        (
            Title,
            FieldValue::text("a b"),
            FieldValue::text("a b"),
            true,
        ),
        (
            Title,
            FieldValue::text("a\u{7}b"),
            FieldValue::text("ab"),
            true,
        ),
        (
            Title,
            FieldValue::text("long title"),
            FieldValue::text("long"),
            false,
        ),
        (Tags, tags(&["A", "b"]).1, tags(&["b", "a"]).1, true),
        (Tags, tags(&["a"]).1, tags(&["a", "b"]).1, false),
        (Tags, FieldValue::Empty, tags(&["a"]).1, false),
        (
            Assignees,
            people(&["A@x.example"]),
            people(&["a@x.example"]),
            true,
        ),
        (
            Assignees,
            people(&["a@x.example"]),
            FieldValue::Empty,
            false,
        ),
        (DueDate, day("2026-03-09"), day("2026-03-09"), true),
        (DueDate, day("2026-03-09"), day("2026-03-08"), false),
        (
            Estimate,
            FieldValue::Duration(1_200_000),
            FieldValue::Duration(1_199_999),
            true,
        ),
        (
            Estimate,
            FieldValue::Duration(1_200_000),
            FieldValue::Duration(1_260_000),
            false,
        ),
        (
            Points,
            FieldValue::Number(3_500),
            FieldValue::Number(3_000),
            false,
        ),
        (
            Priority,
            FieldValue::Empty,
            FieldValue::Number(2_000),
            false,
        ),
        (Description, rich("- a_b"), rich("* a\\_b"), true),
        (Description, rich("one two"), rich("one"), false),
        (Description, rich("one"), FieldValue::Empty, false),
        // What a custom field is was agreed on before: no text is a number because it looks like one.
        (
            Custom("x".into()),
            FieldValue::text("3"),
            FieldValue::Number(3_000),
            false,
        ),
        (
            Custom("x".into()),
            FieldValue::Number(3_000),
            FieldValue::Number(3_000),
            true,
        ),
        (
            Custom("x".into()),
            FieldValue::Number(3_000),
            FieldValue::Number(4_000),
            false,
        ),
    ] {
        for side in Side::BOTH {
            assert_eq!(
                in_force(side, &key, &wanted, &shown),
                same,
                "{side} {key}: {wanted} as {shown}"
            );
        }
    }
    let two = people(&["a@x.example", "b@x.example"]);
    let one = people(&["b@x.example"]);
    assert!(in_force(Side::Ado, &Assignees, &two, &one));
    assert!(!in_force(Side::ClickUp, &Assignees, &two, &one));
}

#[test]
fn what_an_answer_leaves_out_is_no_information() {
    let set = BTreeMap::from([title("new"), state("done")]);
    let shown = item(2, &[state("to do")]);
    let wrong = contradicted(Side::ClickUp, &set, &shown);
    assert_eq!(wrong.into_keys().collect::<Vec<_>>(), [FieldKey::State]);
}

#[test]
fn a_value_that_the_service_kept_is_pending_and_both_are_named() {
    let due = |text| (FieldKey::DueDate, day(text));
    let written = update(
        Some(&[due("2026-03-02")]),
        &[due("2026-03-09")],
        Some(&[due("2026-03-02")]),
        None,
    );
    let reason = &written.pending[&FieldKey::DueDate];
    assert_eq!(
        reason,
        r#"sent "2026-03-09", but ClickUp shows "2026-03-02""#
    );
}

#[test]
fn a_long_text_is_quoted_where_the_two_part() {
    let sent = format!("{}tail that was cut off", "word ".repeat(60));
    let reason = reason(
        Side::Ado,
        &FieldValue::rich(sent),
        &FieldValue::rich("word ".repeat(60)),
    );
    assert!(
        reason.contains("tail that was cut off\" (321 characters)"),
        "{reason}"
    );
    assert!(reason.len() < 400, "{reason}");
}

#[test]
fn an_edit_between_the_calls_of_one_update_is_not_taken_for_ours() {
    let written = update(
        Some(&[title("old"), tags(&["a"]), state("to do")]),
        &[title("ours"), tags(&["a", "b"])],
        Some(&[title("ours"), tags(&["a"]), state("to do")]),
        Some(&[title("human"), tags(&["a", "b"]), state("done")]),
    );
    assert_eq!(
        keys(&written),
        (vec![], vec!["title".into(), "status".into()])
    );
    assert_eq!(
        written.item.fields[&FieldKey::Title],
        FieldValue::text("ours")
    );
    assert_eq!(
        written.item.fields[&FieldKey::State],
        FieldValue::choice("to do")
    );
    assert_eq!(written.item.version, Version(3));
}

#[test]
fn tags_are_ours_one_by_one_and_the_others_are_other_peoples() {
    let before: &[_] = &[tags(&["old", "keep"])];
    let set: &[_] = &[tags(&["keep", "new"])];
    // At the version of the answer nobody has put a tag back, at a later one somebody may have.
    for (version, shown, pending, later, ours) in [
        (3, &["keep", "new"][..], false, false, true),
        (3, &["keep", "new", "human"], false, true, true),
        (3, &["new"], false, true, true),
        (2, &["keep"], true, false, false),
        (2, &["keep", "new", "old"], true, false, false),
        (3, &["keep"], false, true, false),
        (3, &["keep", "new", "old"], false, true, false),
    ] {
        let read = Some(&[tags(shown)][..]);
        let written = update_read_at(version, Some(before), set, Some(before), read);
        assert_eq!(!written.pending.is_empty(), pending, "{version} {shown:?}");
        assert_eq!(!written.later.is_empty(), later, "{version} {shown:?}");
        let known = written.item.fields.get(&FieldKey::Tags);
        assert_eq!(
            known.cloned(),
            ours.then(|| set[0].1.clone()),
            "{version} {shown:?}"
        );
    }
}

#[test]
fn somebody_who_was_assigned_meanwhile_is_other_peoples_too() {
    let who = |mails: &[&str]| (FieldKey::Assignees, people(mails));
    let written = update(
        Some(&[who(&["a@x.example"])]),
        &[who(&["b@x.example"])],
        Some(&[who(&["b@x.example", "c@x.example"])]),
        None,
    );
    assert_eq!(keys(&written), (vec![], vec!["assignees".into()]));
    assert_eq!(
        written.item.fields[&FieldKey::Assignees],
        people(&["b@x.example"])
    );
}

#[test]
fn without_an_answer_of_our_own_a_later_read_settles_only_what_says_what_was_sent() {
    let before: &[_] = &[title("old"), state("to do")];
    let set: &[_] = &[title("ours")];
    for (version, shown, pending, later, base) in [
        (3, "ours", false, false, Some("ours")),
        (1, "old", true, false, None),
        // Somebody may have set it back.
        (3, "old", false, true, None),
        (3, "human", false, true, None),
    ] {
        let read = Some(&[title(shown), state("to do")][..]);
        let written = update_read_at(version, Some(before), set, None, read);
        assert_eq!(!written.pending.is_empty(), pending, "{version} {shown}");
        assert_eq!(!written.later.is_empty(), later, "{version} {shown}");
        let value = written.item.fields.get(&FieldKey::Title);
        assert_eq!(value.cloned(), base.map(FieldValue::text), "{shown}");
    }
    let edited = update(
        Some(before),
        set,
        None,
        Some(&[title("ours"), state("done")]),
    );
    assert_eq!(keys(&edited), (vec![], vec!["status".into()]));
    assert!(!edited.item.fields.contains_key(&FieldKey::State));
}

#[test]
fn a_read_older_than_our_answer_says_nothing() {
    let set = BTreeMap::from([title("ours"), tags(&["a"])]);
    let before = item(1, &[title("old"), tags(&[])]);
    let asked = Asked {
        side: Side::ClickUp,
        set: &set,
        before: Some(&before),
        apart: &BTreeSet::from([FieldKey::Tags]),
        completes: false,
    };
    let own = item(5, &[title("ours"), tags(&[])]);
    let written =
        settle(&asked, Some(own), Some(item(4, &[title("old"), tags(&[])]))).expect("shown");
    assert_eq!(keys(&written), (vec![], vec![]));
    assert_eq!(written.item.fields, BTreeMap::from([title("ours")]));
}

#[test]
fn a_recurring_task_that_opens_again_is_an_edit_of_clickup() {
    let written = update(
        Some(&[state("in progress")]),
        &[state("complete")],
        Some(&[state("to do")]),
        None,
    );
    assert_eq!(keys(&written), (vec![], vec!["status".into()]));
    assert_eq!(
        written.item.fields[&FieldKey::State],
        FieldValue::choice("complete")
    );
    let kept = update(
        Some(&[state("in progress")]),
        &[state("complete")],
        Some(&[state("in progress")]),
        None,
    );
    assert_eq!(keys(&kept), (vec!["status".into()], vec![]));
    let created = update(None, &[state("complete")], Some(&[state("to do")]), None);
    assert_eq!(keys(&created), (vec!["status".into()], vec![]));
}

/// "to do" is sent while somebody chooses "in review", and ClickUp does not take ours. Nothing says that "to do" was ever
/// there, so both are edits since the read.
#[test]
fn a_status_that_is_neither_ours_nor_the_one_that_was_read_settles_nothing() {
    let written = update(
        Some(&[state("complete")]),
        &[state("to do")],
        Some(&[state("in review")]),
        None,
    );
    assert_eq!(keys(&written), (vec![], vec!["status".into()]));
    assert!(!written.item.fields.contains_key(&FieldKey::State));
}

#[test]
fn what_the_answer_left_out_is_ours_at_the_same_version_only() {
    let text = |text: &str| (FieldKey::Description, FieldValue::rich(text.to_owned()));
    let set = BTreeMap::from([text("one two three")]);
    let before = item(1, &[text("zero")]);
    let asked = Asked {
        side: Side::ClickUp,
        set: &set,
        before: Some(&before),
        apart: &BTreeSet::new(),
        completes: false,
    };
    let cut = |version| {
        settle(
            &asked,
            Some(item(2, &[])),
            Some(item(version, &[text("one")])),
        )
    };
    let ours = cut(2).expect("shown");
    assert_eq!(keys(&ours), (vec!["description".into()], vec![]));
    assert_eq!(ours.item.fields, BTreeMap::from([text("one")]));
    let anybodys = cut(3).expect("shown");
    assert_eq!(keys(&anybodys), (vec![], vec!["description".into()]));
    assert_eq!(anybodys.item.fields, BTreeMap::new());
}

#[test]
fn what_our_call_cannot_have_made_is_somebodys_even_within_its_millisecond() {
    let text = |text: &str| (FieldKey::Description, FieldValue::rich(text.to_owned()));
    let set = BTreeMap::from([text("one two three")]);
    let before = item(1, &[text("zero")]);
    // What is shown, and whether that may be what the service made of our call.
    for (side, shown, ours) in [
        (Side::ClickUp, "one two", true),
        (Side::ClickUp, "one tw", true),
        (Side::ClickUp, "zero", true),
        (Side::ClickUp, "one two three six", false),
        // Its revisions are counted, so nobody shares one.
        (Side::Ado, "one two three six", true),
    ] {
        let asked = Asked {
            side,
            set: &set,
            before: Some(&before),
            apart: &BTreeSet::new(),
            completes: false,
        };
        let own = Some(item(2, &[]));
        let written = settle(&asked, own, Some(item(2, &[text(shown)]))).expect("shown");
        let key = FieldKey::Description;
        let (pending, later) = (
            written.pending.contains_key(&key),
            written.later.contains(&key),
        );
        assert_eq!((pending, later), (ours, !ours), "{side} {shown}");
    }
}

#[test]
fn a_value_that_is_neither_ours_nor_the_one_that_was_read_is_no_answer() {
    let due = |text| (FieldKey::DueDate, day(text));
    let before: &[_] = &[due("2026-03-02"), title("old")];
    let set: &[_] = &[due("2026-03-09"), title("our long title")];
    let shown: &[_] = &[due("2026-03-20"), title("our long ti")];
    let written = update(Some(before), set, Some(shown), None);
    // The title was cut; the day was typed between our read and our call.
    assert_eq!(
        keys(&written),
        (vec!["title".into()], vec!["due_date".into()])
    );
    assert!(!written.item.fields.contains_key(&FieldKey::DueDate));
}

#[test]
fn an_edit_between_a_create_and_its_second_call_is_not_taken_for_ours() {
    let set = BTreeMap::from([state("Done"), title("ours"), tags(&["a"])]);
    let shown =
        |version, name: &str, text: &str| item(version, &[state(name), title(text), tags(&["a"])]);
    for (name, text, pending, later) in [
        ("DONE", "ours", false, &[][..]),
        ("DONE", "human", false, &[FieldKey::Title]),
        ("open", "ours", true, &[]),
        ("doing", "ours", false, &[FieldKey::State]),
    ] {
        let asked = Asked {
            side: Side::ClickUp,
            set: &set,
            before: None,
            apart: &BTreeSet::new(),
            completes: false,
        };
        let mut written = settle(&asked, Some(shown(1, "open", "ours")), None).expect("shown");
        assert_eq!(keys(&written), (vec!["status".into()], vec![]));
        second_call(
            Side::ClickUp,
            &mut written,
            &set,
            &FieldKey::State,
            shown(2, name, text),
        );
        assert_eq!(!written.pending.is_empty(), pending, "{name} {text}");
        assert!(written.later.iter().eq(later), "{name} {text}");
        assert_eq!(
            written.item.fields[&FieldKey::Title],
            FieldValue::text("ours")
        );
        assert_eq!(written.item.version, Version(2));
    }
}

#[test]
fn a_text_without_an_answer_may_be_cut_where_it_lacks_what_was_there_and_was_sent() {
    let text = |text: &str| FieldValue::rich(text.to_owned());
    for (shown, cut) in [
        ("new\n\none", true),
        ("", true),
        // Arrived, not arrived, and edited on top of either.
        ("new\n\none\n\ntwo", false),
        ("one\n\ntwo", false),
        ("one\n\nmore\n\ntwo", false),
        ("NEW one two three", false),
    ] {
        let found = may_be_cut(
            &text("new\n\none\n\ntwo"),
            &text("one\n\ntwo"),
            &text(shown),
        );
        assert_eq!(found, cut, "{shown:?}");
    }
    // Of what was sent in the place of "two" nothing is there, and neither is that.
    for (shown, cut) in [
        ("one", true),
        ("one\n\ntwo", false),
        ("one\n\nother", false),
    ] {
        let sent = text("one\n\nthree");
        assert_eq!(
            may_be_cut(&sent, &text("one\n\ntwo"), &text(shown)),
            cut,
            "{shown:?}"
        );
    }
    let text = FieldValue::text("a");
    assert!(!may_be_cut(&FieldValue::Empty, &text, &text));
}
