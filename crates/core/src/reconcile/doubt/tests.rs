use super::*;
use crate::fixture::item;
use crate::model::Author;

const OLD: &str = "Receipt";
const NEW: &str = "Receipts";

fn at(side: Side, version: i64, field: &FieldKey, value: &FieldValue) -> Item {
    let mut item = item(side, "1", "any");
    item.version = Version(version);
    item.fields.insert(field.clone(), value.clone());
    item
}

fn fate(
    side: Side,
    (field, origin, wanted): (&FieldKey, &FieldValue, &FieldValue),
    via: &[FieldValue],
    versions: &[(i64, &FieldValue)],
) -> Fate {
    let sent = Sent {
        side,
        field,
        origin,
        base: None,
        via,
        wanted,
        expected: Version(7),
    };
    let versions: Vec<Item> = versions
        .iter()
        .map(|(version, value)| at(side, *version, field, value))
        .collect();
    let history = versions.iter().cloned().map(|item| Past {
        item,
        by: Author::Unknown,
    });
    let history: Vec<Past> = history.collect();
    judge(&sent, versions.last().unwrap(), &history)
}

#[test]
fn an_old_value_at_a_later_version_is_in_doubt_unless_every_version_is_known() {
    let title = FieldKey::Title;
    let [old, new, other] = [OLD, NEW, "Invoice"].map(FieldValue::text);
    type Row<'a> = (&'a str, Side, &'a [(i64, &'a FieldValue)], Fate);
    let rows: [Row<'_>; 12] = [
        ("as it was", Side::ClickUp, &[(7, &old)], Fate::Told),
        ("in force", Side::ClickUp, &[(9, &new)], Fate::Told),
        ("edited", Side::ClickUp, &[(9, &other)], Fate::Told),
        ("the old one", Side::ClickUp, &[(9, &old)], Fate::Doubted),
        // Two changes may share a time, and times say nothing of how many there were.
        ("the next ms", Side::ClickUp, &[(8, &old)], Fate::Doubted),
        ("as it was", Side::Ado, &[(7, &old)], Fate::Told),
        ("in force", Side::Ado, &[(8, &new)], Fate::Told),
        // Ours would have been revision 8.
        ("another save", Side::Ado, &[(8, &old)], Fate::Told),
        (
            "two other saves",
            Side::Ado,
            &[(8, &old), (9, &old)],
            Fate::Told,
        ),
        (
            "edited and back",
            Side::Ado,
            &[(8, &other), (9, &old)],
            Fate::Told,
        ),
        (
            "set back",
            Side::Ado,
            &[(8, &new), (9, &old)],
            Fate::Changed(new.clone()),
        ),
        (
            "a revision is not shown",
            Side::Ado,
            &[(9, &old)],
            Fate::Doubted,
        ),
    ];
    for (what, side, versions, expected) in rows {
        let found = fate(side, (&title, &old, &new), &[], versions);
        assert_eq!(found, expected, "{side}: {what}");
    }
}

#[test]
fn a_state_that_is_set_back_from_a_step_of_ours_is_in_doubt() {
    let state = |name: &str| FieldValue::choice(name);
    let [new, active, closed] = ["New", "Active", "Closed"].map(state);
    let way = [active.clone()];
    type Row<'a> = (&'a [(i64, &'a FieldValue)], Fate);
    let rows: [Row<'_>; 4] = [
        (&[(8, &active), (9, &new)], Fate::Doubted),
        (
            &[(8, &active), (9, &closed), (10, &new)],
            Fate::Changed(closed.clone()),
        ),
        (&[(8, &new), (9, &new)], Fate::Told),
        (&[(8, &active), (9, &closed)], Fate::Told),
    ];
    for (versions, expected) in rows {
        let sent = (&FieldKey::State, &new, &closed);
        assert_eq!(
            fate(Side::Ado, sent, &way, versions),
            expected,
            "{versions:?}"
        );
    }
}

#[test]
fn a_part_of_our_change_that_is_missing_is_in_doubt_whatever_else_somebody_did() {
    let tags = |names: &[&str]| FieldValue::tags(names.iter().copied());
    let text = |text: &str| FieldValue::rich(text.to_owned());
    let (tag_key, text_key) = (FieldKey::Tags, FieldKey::Description);
    for (what, key, [origin, wanted, now], expected) in [
        (
            "added, there beside another",
            &tag_key,
            [tags(&["a"]), tags(&["a", "b"]), tags(&["b", "c"])],
            Fate::Told,
        ),
        (
            "added, not there",
            &tag_key,
            [tags(&["a"]), tags(&["a", "b"]), tags(&["a", "c"])],
            Fate::Doubted,
        ),
        (
            "taken out, still out",
            &tag_key,
            [tags(&["a", "b"]), tags(&["a"]), tags(&["a", "c"])],
            Fate::Told,
        ),
        (
            "taken out, there again",
            &tag_key,
            [tags(&["a", "b"]), tags(&["a"]), tags(&["a", "b", "c"])],
            Fate::Doubted,
        ),
        (
            "a line changed, and another added",
            &text_key,
            [text("a\n\nb"), text("a\n\nB"), text("a\n\nB\n\nc")],
            Fate::Told,
        ),
        (
            "a line changed back",
            &text_key,
            [text("a\n\nb"), text("a\n\nB"), text("a\n\nb")],
            Fate::Doubted,
        ),
        (
            "and another added",
            &text_key,
            [text("a\n\nb"), text("a\n\nB"), text("a\n\nb\n\nc")],
            Fate::Doubted,
        ),
        (
            "emptied, filled again",
            &text_key,
            [text("a"), FieldValue::Empty, text("a")],
            Fate::Doubted,
        ),
        (
            "emptied",
            &text_key,
            [text("a"), FieldValue::Empty, FieldValue::Empty],
            Fate::Told,
        ),
    ] {
        let sent = (key, &origin, &wanted);
        assert_eq!(
            fate(Side::ClickUp, sent, &[], &[(9, &now)]),
            expected,
            "{what}"
        );
    }
}

/// Azure DevOps takes a write as the very next version or not at all.
#[test]
fn what_was_sent_is_theirs_who_made_the_version_that_ours_would_have_been() {
    let title = FieldKey::Title;
    let [old, new] = [OLD, NEW].map(FieldValue::text);
    let (token, another) = (Author::Token, Author::Another);
    type Row<'a> = (Side, &'a [(i64, &'a FieldValue, Author)], Fate);
    let rows: [Row<'_>; 6] = [
        (Side::Ado, &[(8, &new, another)], Fate::Theirs),
        (
            Side::Ado,
            &[(8, &old, another), (9, &new, token)],
            Fate::Theirs,
        ),
        (
            Side::Ado,
            &[(8, &new, token), (9, &new, another)],
            Fate::Told,
        ),
        (Side::Ado, &[(8, &new, Author::Unknown)], Fate::Told),
        (Side::Ado, &[(9, &new, another)], Fate::Told),
        (Side::ClickUp, &[(8, &new, another)], Fate::Told),
    ];
    for (side, versions, expected) in rows {
        let sent = Sent {
            side,
            field: &title,
            origin: &old,
            base: None,
            via: &[],
            wanted: &new,
            expected: Version(7),
        };
        let past = |(version, value, by): &(i64, &FieldValue, Author)| Past {
            item: at(side, *version, &title, value),
            by: *by,
        };
        let history: Vec<Past> = versions.iter().map(past).collect();
        let now = &history.last().unwrap().item;
        assert_eq!(judge(&sent, now, &history), expected, "{side} {versions:?}");
    }
}

#[test]
fn a_history_is_only_asked_for_where_it_may_tell() {
    let title = FieldKey::Title;
    let [old, new, other] = [OLD, NEW, "Invoice"].map(FieldValue::text);
    for (side, version, value, wants) in [
        (Side::Ado, 9, &old, true),
        (Side::Ado, 7, &old, false),
        (Side::Ado, 9, &new, true),
        (Side::Ado, 9, &other, false),
        (Side::ClickUp, 9, &old, false),
    ] {
        let sent = Sent {
            side,
            field: &title,
            origin: &old,
            base: None,
            via: &[],
            wanted: &new,
            expected: Version(7),
        };
        let item = at(side, version, &title, value);
        assert_eq!(
            wants_history(&sent, &item),
            wants,
            "{side} {version} {value}"
        );
    }
}

/// What the update made of the tags of a task that had "a b", of which "b" was to go and "c d" were to come.
#[test]
fn of_tags_each_call_that_arrived_is_told_and_a_tag_of_somebody_is_not_ours() {
    let tags = |text: &str| FieldValue::tags(text.split_whitespace());
    let (origin, wanted) = (tags("a b"), tags("a c d"));
    let sent = Sent {
        side: Side::ClickUp,
        field: &FieldKey::Tags,
        origin: &origin,
        base: None,
        via: &[],
        wanted: &wanted,
        expected: Version(7),
    };
    for (now, made, whole) in [
        ("a c d", Some("a c d"), true),
        ("a c d z", Some("a c d"), true),
        ("c d", Some("a c d"), true),
        ("a b c", Some("a b c"), false),
        ("a", Some("a"), false),
        ("a b", None, false),
        ("a b z", None, false),
    ] {
        let made = made.map(|made| Made {
            value: tags(made),
            whole,
        });
        assert_eq!(sent.made(&tags(now)), made, "{now}");
    }
    for (now, other, moot) in [
        ("a b", "a b", true),
        ("a b c", "a b", true),
        ("a b c", "a b z", true),
        ("a b", "a c d", false),
        ("a b", "a b d", false),
        ("a c d", "a b", true),
    ] {
        assert_eq!(
            sent.is_moot(&tags(now), &tags(other)),
            moot,
            "{now} {other}"
        );
    }
}

#[test]
fn what_is_in_force_is_told_from_what_somebody_made_of_it() {
    let rich = |text: &str| FieldValue::rich(text.to_owned());
    let people = |names: &[&str]| {
        let names = names.iter().map(|name| Folded::person(name, name));
        FieldValue::from_people(names.collect())
    };
    let whole = |value: &FieldValue| {
        Some(Made {
            value: value.clone(),
            whole: true,
        })
    };
    let (description, assignees) = (FieldKey::Description, FieldKey::Assignees);
    let [one, ours, more] = ["a\n\nb", "a\n\na_b", "first\n\na\n\na_b"].map(rich);
    let [bold, plain, dropped] = ["a\n\n**c**", "a\n\nc", "a\n\nnew\n\nc"].map(rich);
    let shown = rich("a\n\na\\_b");
    let [listed, moved] = ["a\n\nb", "b\n\na"].map(rich);
    let [ana, bo, both] = [&["ana"][..], &["bo"], &["ana", "bo"]].map(people);
    let all = people(&["ana", "bo", "cy"]);
    for (what, side, field, (origin, wanted), now, made) in [
        (
            "spelled",
            Side::ClickUp,
            &description,
            (&one, &ours),
            &shown,
            whole(&shown),
        ),
        (
            "edited",
            Side::ClickUp,
            &description,
            (&one, &ours),
            &more,
            whole(&ours),
        ),
        (
            "edited where a format was dropped",
            Side::Ado,
            &description,
            (&one, &bold),
            &dropped,
            whole(&plain),
        ),
        (
            "not there",
            Side::Ado,
            &description,
            (&one, &ours),
            &one,
            None,
        ),
        (
            "in another order",
            Side::ClickUp,
            &description,
            (&listed, &moved),
            &listed,
            None,
        ),
        (
            "in place",
            Side::ClickUp,
            &assignees,
            (&ana, &bo),
            &bo,
            whole(&bo),
        ),
        ("both", Side::ClickUp, &assignees, (&ana, &bo), &both, None),
        (
            "beside",
            Side::ClickUp,
            &assignees,
            (&ana, &both),
            &all,
            whole(&both),
        ),
        // One person only fits into a work item, so another one is somebody's.
        (
            "another",
            Side::Ado,
            &assignees,
            (&FieldValue::Empty, &bo),
            &ana,
            None,
        ),
    ] {
        let sent = Sent {
            side,
            field,
            origin,
            base: None,
            via: &[],
            wanted,
            expected: Version(7),
        };
        assert_eq!(sent.made(now), made, "{what}");
    }
}

/// Ada wrote `New` and Bo `Third` where both had `Old`. The rule takes Ada's, the answer is lost, and Bo sets `Old` again: to
/// the merge, which goes by the base, he would not have changed anything.
#[test]
fn the_base_that_is_set_back_over_a_lost_answer_is_no_more_told_than_what_was_there_before() {
    let [old, new, third] = ["Old", "New", "Third"].map(FieldValue::text);
    let fate = |base: Option<&FieldValue>, now: &FieldValue| {
        let sent = Sent {
            side: Side::ClickUp,
            field: &FieldKey::Title,
            origin: &third,
            base,
            via: &[],
            wanted: &new,
            expected: Version(7),
        };
        judge(&sent, &at(Side::ClickUp, 8, &FieldKey::Title, now), &[])
    };
    assert_eq!(fate(Some(&old), &old), Fate::Doubted);
    assert_eq!(fate(Some(&old), &third), Fate::Doubted);
    assert_eq!(fate(Some(&old), &FieldValue::text("Fourth")), Fate::Told);
    assert_eq!(fate(Some(&new), &new), Fate::Told);
}

/// Of `a b c` the line `b` is to go, in Azure DevOps at revision 8.
#[test]
fn a_line_in_the_place_of_one_that_was_to_go_tells_nothing_of_ours() {
    let text = |text: &str| FieldValue::rich(text.replace(' ', "\n\n"));
    let [origin, ours, theirs, beside] = ["a b c d", "a c d", "a x c d", "a c d y"].map(text);
    let sent = (&FieldKey::Description, &origin, &ours);
    for (what, side, versions, expected) in [
        ("ours alone", Side::ClickUp, &[(9, &ours)][..], Fate::Told),
        ("elsewhere", Side::ClickUp, &[(9, &beside)], Fate::Told),
        (
            "in its place",
            Side::ClickUp,
            &[(9, &theirs)],
            Fate::Doubted,
        ),
        ("told", Side::Ado, &[(8, &theirs)], Fate::Told),
        (
            "after ours",
            Side::Ado,
            &[(8, &ours), (9, &theirs)],
            Fate::Changed(ours.clone()),
        ),
        ("unknown", Side::Ado, &[(9, &theirs)], Fate::Doubted),
    ] {
        assert_eq!(fate(side, sent, &[], versions), expected, "{side}: {what}");
    }
}
