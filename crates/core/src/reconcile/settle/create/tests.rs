use super::*;
use crate::fixture::policy;
use crate::model::Folded;
use BaseState::{Owed, Sent, Shown};

fn text(text: &str) -> FieldValue {
    FieldValue::text(text)
}

fn choice(name: &str) -> FieldValue {
    FieldValue::choice(name)
}

fn tags(text: &str) -> FieldValue {
    FieldValue::from_tags(text.split_whitespace().map(Folded::new).collect())
}

/// What is known of a field: what the work item had, what was sent for the task, and what the answer showed.
type Known = (FieldValue, Option<FieldValue>, Option<FieldValue>);

/// The base of a task that was made for a work item.
fn made(key: &FieldKey, known: &Known, edited: bool, not_taken: bool) -> (BaseState, BaseState) {
    let (source, sent, shown) = known;
    let of = Made {
        source,
        sent: sent.as_ref(),
        shown: shown.as_ref(),
        edited,
        not_taken,
    };
    let Sided { ado, clickup } = after_create(key, Side::ClickUp, &of, &policy());
    (ado, clickup)
}

#[test]
fn a_field_of_a_new_item_is_agreed_by_what_the_answer_shows() {
    let a = || text("a");
    let whole = (a(), Some(a()), Some(a()));
    let unseen = (a(), Some(a()), None);
    let title = |known, edited| made(&FieldKey::Title, known, edited, false);
    assert_eq!(title(&whole, false), (Shown(a()), Shown(a())));
    assert_eq!(title(&unseen, false), (Shown(a()), Sent(a())));
    // Somebody was there while it came to be, so the next look tells.
    assert_eq!(title(&whole, true), (Shown(a()), Sent(a())));
}

#[test]
fn a_value_that_a_new_item_did_not_take_is_owed_to_it() {
    use FieldKey::{Points, State, Tags, Title};
    let empty = || FieldValue::Empty;
    for (what, key, known, edited, after) in [
        (
            "cut: measured by what is there",
            Title,
            (text("abc"), Some(text("abc")), Some(text("ab"))),
            false,
            (Owed(text("ab")), Shown(text("ab"))),
        ),
        (
            "a state that says nothing in the source's words",
            State,
            (
                choice("Active"),
                Some(choice("in progress")),
                Some(choice("to do")),
            ),
            false,
            (Owed(empty()), Shown(choice("to do"))),
        ),
        (
            "not taken, and nothing shows what is there instead",
            Points,
            (FieldValue::Number(3), Some(FieldValue::Number(3)), None),
            false,
            (Owed(empty()), Sent(FieldValue::Number(3))),
        ),
        (
            "not taken, and what is there may be somebody's",
            Title,
            (text("abc"), Some(text("abc")), Some(text("ab"))),
            true,
            (Owed(empty()), Sent(text("ab"))),
        ),
        (
            "one tag was refused, and a rule put another there",
            Tags,
            (
                tags("alpha beta"),
                Some(tags("alpha beta")),
                Some(tags("alpha ruled")),
            ),
            false,
            (Owed(tags("alpha")), Owed(tags("alpha"))),
        ),
    ] {
        assert_eq!(made(&key, &known, edited, true), after, "{what}");
    }
}

#[test]
fn a_field_that_was_not_sent_is_owed_only_where_the_two_stand_apart() {
    let (empty, one) = (|| FieldValue::Empty, || FieldValue::Number(1));
    for (what, known, after) in [
        (
            "it flows the other way only",
            (one(), None, Some(empty())),
            (Owed(empty()), Shown(empty())),
        ),
        (
            "the same, and the answer does not show it",
            (one(), None, None),
            (Owed(empty()), Sent(empty())),
        ),
        (
            "the service filled in the same",
            (one(), None, Some(one())),
            (Shown(one()), Shown(one())),
        ),
        (
            "the source has none",
            (empty(), None, Some(one())),
            (Shown(empty()), Shown(one())),
        ),
    ] {
        let found = made(&FieldKey::Points, &known, false, false);
        assert_eq!(found, after, "{what}");
    }
}

#[test]
fn what_an_item_was_made_without_is_owed_to_it() {
    let number = FieldValue::Number;
    for there in [FieldValue::Empty, number(5)] {
        let values = (&number(3), there.clone());
        let base = left_out(&FieldKey::Points, Side::ClickUp, values, &policy());
        let after = Sided::of(Side::ClickUp, Shown(there.clone()), Owed(there));
        assert_eq!(base, after);
    }
}
