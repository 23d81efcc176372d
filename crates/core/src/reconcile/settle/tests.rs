use super::*;
use crate::fixture::policy;
use BaseState::{Doubted, Owed, Sent, Shown};

fn rich(text: &str) -> FieldValue {
    FieldValue::rich(text.to_owned())
}

fn base(ado: BaseState, clickup: BaseState) -> Sided<BaseState> {
    Sided { ado, clickup }
}

/// What ClickUp shows at the version of our own write to it, by the base of before.
#[test]
fn a_listing_gives_a_base_to_what_was_sent() {
    use FieldKey::{Description, State, Title};
    let (text, choice) = (FieldValue::text, FieldValue::choice);
    let empty = || FieldValue::Empty;
    for (what, key, before, shown, in_force, after) in [
        (
            "it reads like what was sent",
            Description,
            base(Shown(rich("- a_b")), Sent(rich("- a_b"))),
            rich("* a\\_b"),
            true,
            Seen::AsSent(base(Shown(rich("- a_b")), Shown(rich("* a\\_b")))),
        ),
        (
            "what is owed beside it stays owed",
            State,
            base(Owed(empty()), Sent(choice("in progress"))),
            choice("in progress"),
            true,
            Seen::AsSent(base(Owed(empty()), Shown(choice("in progress")))),
        ),
        (
            "the old value was kept, and the new one is sent again",
            Title,
            base(Shown(text("new")), Sent(text("new"))),
            text("old"),
            false,
            Seen::Otherwise(base(Owed(text("old")), Shown(text("old")))),
        ),
        (
            "a text was cut, and the rest is sent again",
            Description,
            base(Shown(rich("one\n\ntwo")), Sent(rich("**one**\n\ntwo"))),
            rich("**one**"),
            false,
            Seen::Otherwise(base(Owed(rich("one")), Shown(rich("**one**")))),
        ),
        (
            "a text was cut, and the other half of its merge is not shown either",
            Description,
            base(Sent(rich("one two")), Sent(rich("one two"))),
            rich("one"),
            false,
            Seen::Otherwise(base(Sent(rich("one")), Shown(rich("one")))),
        ),
        (
            "a status has no words on the other side, but is never empty",
            State,
            base(Shown(choice("Active")), Sent(choice("in progress"))),
            choice("to do"),
            false,
            Seen::Otherwise(base(Owed(empty()), Shown(choice("to do")))),
        ),
        (
            "it was to be emptied",
            Description,
            base(Shown(empty()), Sent(empty())),
            rich("one"),
            false,
            Seen::Unclear,
        ),
    ] {
        let found = by_listing(&key, Side::ClickUp, &before, &shown, in_force);
        assert_eq!(found, after, "{what}");
    }
}

/// A merge wrote "A B" to both sides, and no answer showed it.
#[test]
fn what_both_sides_show_of_a_merge_is_judged_by_the_side_that_took_it() {
    let look = |text: &str| {
        let (shown, in_force) = (rich(text), text == "A B");
        Some(Look { shown, in_force })
    };
    let sent = || base(Sent(rich("A B")), Sent(rich("A B")));
    for (ado, clickup, after) in [
        (None, None, None),
        (
            look("A B"),
            look("A B"),
            Some(Seen::AsSent(base(Shown(rich("A B")), Shown(rich("A B"))))),
        ),
        (
            look("A B"),
            look("A"),
            Some(Seen::Otherwise(base(Owed(rich("A")), Shown(rich("A"))))),
        ),
        (
            look("A"),
            look("A B"),
            Some(Seen::Otherwise(base(Shown(rich("A")), Owed(rich("A"))))),
        ),
        (
            look("A"),
            None,
            Some(Seen::Otherwise(base(Shown(rich("A")), Sent(rich("A"))))),
        ),
        (
            None,
            look("A B"),
            Some(Seen::AsSent(base(Sent(rich("A B")), Shown(rich("A B"))))),
        ),
    ] {
        let looks = Sided { ado, clickup };
        let found = by_looks(&FieldKey::Description, &sent(), &looks);
        assert_eq!(found, after, "{looks:?}");
    }
}

#[test]
fn only_a_text_that_reads_like_what_was_sent_is_still_ours_at_a_later_version() {
    assert!(still_ours(&rich("a_b"), true));
    assert!(!still_ours(&rich("a_b"), false));
    assert!(!still_ours(&FieldValue::text("a"), true));
    assert!(!still_ours(&FieldValue::Empty, true));
}

/// `A` was sent to ClickUp and not shown, and the task has a new version when the cycle ends.
#[test]
fn a_new_version_ends_the_wait_for_a_value_unless_it_is_that_of_our_own_write() {
    let [a, b] = ["A", "B"].map(FieldValue::text);
    for (what, own, other, told, ended) in [
        ("somebody else made the version", None, None, false, true),
        ("a listing told what became of it", None, None, true, false),
        ("this cycle sent it", Some(&a), None, false, false),
        ("this cycle sent it again", Some(&a), None, true, false),
        (
            "this cycle sent something else",
            Some(&b),
            None,
            false,
            true,
        ),
        // What the listing told is not stored where the field was written since.
        ("the same, after a listing", Some(&b), None, true, true),
        ("half of a merge was written", None, Some(&b), false, true),
        ("the same, after a listing", None, Some(&b), true, true),
    ] {
        let known = AtEnd {
            answered: Sided::of(Side::ClickUp, own, other),
            told,
            in_steps: false,
        };
        let before = base(Owed(b.clone()), Sent(a.clone()));
        let found = at_end(Side::ClickUp, &before, known);
        let after = base(Owed(b.clone()), Shown(a.clone()));
        assert_eq!(found, ended.then_some(after), "{what}");
        for half in [Shown(a.clone()), Owed(a.clone())] {
            let nothing_waits = base(Shown(a.clone()), half);
            let found = at_end(Side::ClickUp, &nothing_waits, known);
            assert_eq!(found, None, "{what}");
        }
    }
}

/// The new version may be that of a step before it.
#[test]
fn a_value_at_the_end_of_steps_waits_until_they_are_judged() {
    let before = base(Owed(FieldValue::Empty), Sent(FieldValue::text("A")));
    let after = base(Owed(FieldValue::Empty), Shown(FieldValue::text("A")));
    for (in_steps, expected) in [(true, None), (false, Some(after))] {
        let known = AtEnd {
            answered: Sided::default(),
            told: false,
            in_steps,
        };
        assert_eq!(at_end(Side::ClickUp, &before, known), expected);
    }
}

#[test]
fn what_a_value_was_measured_by_that_was_never_taken_is_doubted_once_it_is_left() {
    let [a, b, c] = ["A", "B", "C"].map(FieldValue::text);
    let owes = || Owed(FieldValue::Empty);
    let owed = base(Shown(a.clone()), owes());
    let sent = base(Sent(a.clone()), owes());
    let agreed = base(Shown(a.clone()), Shown(a.clone()));
    let known = base(Doubted(a.clone()), owes());
    let doubted = Some(base(Doubted(a.clone()), owes()));
    for (what, key, base, now, expected) in [
        ("left", FieldKey::Title, &owed, Some(&b), doubted.clone()),
        ("left, sent only", FieldKey::Title, &sent, Some(&b), doubted),
        ("still there", FieldKey::Title, &owed, Some(&a), None),
        ("not readable", FieldKey::Title, &owed, None, None),
        ("once agreed", FieldKey::Title, &agreed, Some(&b), None),
        // Nothing is stored again in each cycle.
        ("doubted already", FieldKey::Title, &known, Some(&b), None),
        ("members", FieldKey::Tags, &owed, Some(&b), None),
        ("a text", FieldKey::Description, &owed, Some(&b), None),
    ] {
        for clickup in [Some(&c), None] {
            let now = Sided { ado: now, clickup };
            let found = unmeasured(&key, base, &now, &policy());
            assert_eq!(found, expected, "{what} {clickup:?}");
        }
    }
}

/// Example: an undo empties a task's title again, and the work item keeps its own. Both are edited, which is a conflict; then Bo
/// sets the work item's title again.
#[test]
fn what_an_undo_left_apart_is_doubted_on_each_side_that_leaves_it() {
    let [a, b, c, d] = ["A", "B", "C", "D"].map(FieldValue::text);
    let apart = base(Shown(a.clone()), Shown(b.clone()));
    let sent = base(Shown(a.clone()), Sent(b.clone()));
    let [both, ado, clickup] = [
        base(Doubted(a.clone()), Doubted(b.clone())),
        base(Doubted(a.clone()), Shown(b.clone())),
        base(Shown(a.clone()), Doubted(b.clone())),
    ];
    for (what, base, now, expected) in [
        ("both left", &apart, (&c, &d), Some(&both)),
        ("both left, one sent only", &sent, (&c, &d), Some(&both)),
        ("one left", &apart, (&c, &b), Some(&ado)),
        ("the other one", &apart, (&a, &d), Some(&clickup)),
        ("the other one as well", &ado, (&c, &d), Some(&both)),
        ("nobody was there", &apart, (&a, &b), None),
        ("doubted already", &both, (&c, &d), None),
    ] {
        let now = Sided {
            ado: Some(now.0),
            clickup: Some(now.1),
        };
        let found = unmeasured(&FieldKey::Title, base, &now, &policy());
        assert_eq!(found.as_ref(), expected, "{what}");
    }
}

/// What one service cannot hold of a text is no difference that somebody left. Of texts that say something else it is.
#[test]
fn texts_that_an_undo_left_apart_are_doubted_and_renderings_are_not() {
    let [bold, plain, c, d] = ["**a** b", "a b", "c", "d"].map(rich);
    let now = Sided {
        ado: Some(&c),
        clickup: Some(&d),
    };
    let empty = || FieldValue::Empty;
    let rows = [(bold.clone(), plain, false), (bold, empty(), true)];
    for (ado, clickup, doubted) in rows {
        let of = base(Shown(ado), Shown(clickup));
        let found = unmeasured(&FieldKey::Description, &of, &now, &policy());
        let both = found.map(|base| base.map(|_, half| half.is_doubted()));
        let expected = doubted.then_some(Sided {
            ado: true,
            clickup: true,
        });
        assert_eq!(both, expected, "{of:?}");
    }
}
