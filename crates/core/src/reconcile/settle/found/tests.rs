use super::*;
use crate::fixture::policy;
use crate::model::Folded;
use BaseState::{Owed, Shown};

/// The base of a task that was found for a work item.
fn found(
    key: &FieldKey,
    (sent, shown): (&FieldValue, &FieldValue),
    (as_made, changed): (bool, bool),
) -> Option<(BaseState, BaseState)> {
    let of = Found {
        sent,
        shown,
        as_made,
        changed,
    };
    let base = of_found(key, Side::Ado, &of, &policy());
    base.map(|Sided { ado, clickup }| (ado, clickup))
}

/// Known is what the create made, or nothing but what is there after somebody's edit.
#[test]
fn a_found_item_has_a_base_by_what_the_create_made_or_by_what_was_sent() {
    use FieldKey::{Description, Points, State, Tags, Title};
    let (text, choice) = (FieldValue::text, FieldValue::choice);
    let (rich, number) = (
        |text: &str| FieldValue::rich(text.to_owned()),
        FieldValue::Number,
    );
    let tags =
        |text: &str| FieldValue::from_tags(text.split_whitespace().map(Folded::new).collect());
    let empty = || FieldValue::Empty;
    for (what, key, sent, shown, as_made, unknown) in [
        (
            "what was sent is there",
            Title,
            text("a"),
            text("a"),
            Some((Shown(text("a")), Shown(text("a")))),
            Some((Shown(text("a")), Shown(text("a")))),
        ),
        (
            "another value: not taken, or an edit",
            Title,
            text("a"),
            text("b"),
            Some((Owed(text("b")), Shown(text("b")))),
            None,
        ),
        (
            "another word of the same meaning: the service's, or an edit",
            State,
            choice("Active"),
            choice("in review"),
            Some((Shown(choice("Active")), Shown(choice("in review")))),
            Some((Shown(choice("Active")), Owed(choice("in progress")))),
        ),
        (
            "a state of another meaning",
            State,
            choice("Active"),
            choice("to do"),
            Some((Owed(empty()), Shown(choice("to do")))),
            None,
        ),
        (
            "nothing is there: not taken, whoever was there since",
            Points,
            number(2),
            empty(),
            Some((Owed(empty()), Shown(empty()))),
            Some((Owed(empty()), Shown(empty()))),
        ),
        (
            "nothing was sent, and the service has a default, or it is an edit",
            Points,
            empty(),
            number(2),
            Some((Shown(empty()), Shown(number(2)))),
            None,
        ),
        (
            "a text as the service renders it, or an edit",
            Description,
            rich("a b"),
            rich("a c"),
            Some((Shown(rich("a b")), Shown(rich("a c")))),
            None,
        ),
        (
            "tags: one was not taken, and another not sent",
            Tags,
            tags("alpha beta"),
            tags("alpha ruled"),
            Some((Owed(tags("alpha")), Owed(tags("alpha")))),
            None,
        ),
    ] {
        let values = (&sent, &shown);
        assert_eq!(found(&key, values, (true, false)), as_made, "{what}");
        assert_eq!(found(&key, values, (false, false)), unknown, "{what}");
    }
}

#[test]
fn an_edit_after_the_create_is_an_edit_but_a_text_of_the_past_tells_nothing() {
    let (text, rich) = (FieldValue::text, |text: &str| {
        FieldValue::rich(text.to_owned())
    });
    let title = found(&FieldKey::Title, (&text("a"), &text("a")), (true, true));
    assert_eq!(title, Some((Shown(text("a")), Shown(text("a")))));
    let values = (&rich("a"), &rich("a"));
    assert_eq!(found(&FieldKey::Description, values, (true, true)), None);
}

/// Otherwise whoever comes back to what the create left there would be overwritten.
#[test]
fn a_value_that_was_not_taken_and_that_somebody_changed_since_has_no_base() {
    use FieldKey::{Points, State, Tags};
    let [one, two] = [1, 2].map(FieldValue::Number);
    let [active, to_do] = ["Active", "to do"].map(FieldValue::choice);
    let tags = |name: &str| FieldValue::from_tags([Folded::new(name)].into());
    let owed = |value: &FieldValue| Owed(value.clone());
    for (key, sent, shown, untouched) in [
        (State, &active, &to_do, owed(&FieldValue::Empty)),
        (Points, &one, &two, owed(&two)),
    ] {
        let values = (sent, shown);
        let base = Some((untouched, Shown(shown.clone())));
        assert_eq!(found(&key, values, (true, false)), base, "{key}");
        assert_eq!(found(&key, values, (true, true)), None, "{key}");
    }
    let values = (&tags("alpha"), &tags("ruled"));
    assert!(found(&Tags, values, (true, true)).is_some());
}

/// The item was edited since, and the pair does not sync the field any more.
#[test]
fn a_field_that_is_not_synced_any_more_counts_as_edited_where_it_differs() {
    let mut policy = policy();
    policy.fields.remove(&FieldKey::Points);
    let [one, two] = [1, 2].map(FieldValue::Number);
    let of = Found {
        sent: &one,
        shown: &two,
        as_made: false,
        changed: false,
    };
    let base = of_found(&FieldKey::Points, Side::Ado, &of, &policy);
    assert_eq!(base, Some(Sided::build(|_| Owed(FieldValue::Empty))));
}
