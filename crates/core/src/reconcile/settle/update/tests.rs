use super::*;
use crate::fixture::policy;
use crate::model::Folded;
use BaseState::{Owed, Sent, Shown};

fn base(ado: BaseState, clickup: BaseState) -> Sided<BaseState> {
    Sided { ado, clickup }
}

/// An answer that shows what is there.
fn answer(sent: &FieldValue, value: &FieldValue) -> Answer {
    Answer {
        sent: sent.clone(),
        value: value.clone(),
        shown: true,
        in_force: sent == value,
    }
}

/// ClickUp is written, and the value comes from Azure DevOps or from a merge. Both had "old".
#[test]
fn a_written_value_is_shown_or_sent_and_one_that_was_not_taken_is_owed() {
    let [old, new, cut] = ["old", "new", "ne"].map(FieldValue::text);
    let both_old = || Some(base(Shown(old.clone()), Shown(old.clone())));
    let unseen = Answer {
        shown: false,
        ..answer(&new, &new)
    };
    let taken = || answer(&new, &new);
    for (what, clickup, ado, before, after) in [
        (
            "both show it",
            taken(),
            taken(),
            both_old(),
            base(Shown(new.clone()), Shown(new.clone())),
        ),
        (
            "the answer left it out",
            unseen,
            taken(),
            both_old(),
            base(Shown(new.clone()), Sent(new.clone())),
        ),
        (
            "the old value was kept",
            answer(&new, &old),
            taken(),
            both_old(),
            base(Owed(old.clone()), Shown(old.clone())),
        ),
        (
            "it was cut",
            answer(&new, &cut),
            taken(),
            both_old(),
            base(Owed(cut.clone()), Shown(cut.clone())),
        ),
        (
            "it was cut, and nothing was agreed before",
            answer(&new, &cut),
            taken(),
            None,
            base(Owed(cut.clone()), Shown(cut.clone())),
        ),
        (
            "the other half of the merge was cut, and is written again from here",
            taken(),
            answer(&new, &cut),
            both_old(),
            base(Shown(cut.clone()), Owed(cut.clone())),
        ),
        (
            "neither took its half of the merge",
            answer(&new, &cut),
            answer(&new, &cut),
            both_old(),
            base(Owed(cut.clone()), Shown(cut.clone())),
        ),
        (
            "what an earlier write sent to the other side is not shown by this one",
            answer(&new, &old),
            taken(),
            Some(base(Sent(old.clone()), Shown(old.clone()))),
            base(Sent(old.clone()), Shown(old.clone())),
        ),
    ] {
        let (key, side, answers) = (FieldKey::Title, Side::ClickUp, (&clickup, &ado));
        let found = after_update(&key, side, answers, before.as_ref(), &policy());
        assert_eq!(found, after, "{what}");
    }
}

#[test]
fn a_value_that_was_to_be_emptied_and_was_kept_is_still_to_be_emptied() {
    let [old, empty, other] = ["old", "", "other"].map(FieldValue::text);
    let (kept, emptied) = (answer(&empty, &old), answer(&empty, &empty));
    // Both had it before, only the other side did, and somebody typed another value meanwhile.
    for (ado, clickup) in [(&old, &old), (&empty, &old), (&other, &other)] {
        let before = base(Shown(ado.clone()), Shown(clickup.clone()));
        let (key, side, answers) = (FieldKey::StartDate, Side::ClickUp, (&kept, &emptied));
        let after = after_update(&key, side, answers, Some(&before), &policy());
        assert_eq!(after, base(Owed(old.clone()), Shown(old.clone())));
    }
}

#[test]
fn a_text_of_which_a_part_is_owed_keeps_the_formatting_of_each_side() {
    let rich = |text: &str| FieldValue::rich(text.to_owned());
    let there = answer(&rich("**one**\n\ntwo"), &rich("**one**"));
    let from = answer(&rich("one\n\ntwo"), &rich("one\n\ntwo"));
    let (key, side) = (FieldKey::Description, Side::ClickUp);
    let after = after_update(&key, side, (&there, &from), None, &policy());
    assert_eq!(after, base(Owed(rich("one")), Shown(rich("**one**"))));
}

/// The work item has "alpha beta", both had "beta", and ClickUp does not take "alpha".
#[test]
fn tags_are_owed_one_by_one_in_both_directions() {
    let tags = |text: &str| {
        let tags = text.split_whitespace().map(Folded::new);
        FieldValue::from_tags(tags.collect())
    };
    let beta = || tags("beta");
    for (there, clickup) in [
        ("beta", Shown(beta())),
        // Somebody added it meanwhile: it is nobody's but theirs, and goes over.
        ("beta urgent", Owed(beta())),
    ] {
        let sent = tags("alpha beta");
        let answers = (answer(&sent, &tags(there)), answer(&sent, &sent));
        let before = base(Shown(beta()), Shown(beta()));
        let after = after_update(
            &FieldKey::Tags,
            Side::ClickUp,
            (&answers.0, &answers.1),
            Some(&before),
            &policy(),
        );
        assert_eq!(after, base(Owed(beta()), clickup), "{there}");
    }
}

#[test]
fn a_step_of_ours_is_the_base_of_its_side_and_the_rest_of_the_way_is_owed() {
    let step = FieldValue::choice("Active");
    let after = base(Shown(step.clone()), Owed(FieldValue::Empty));
    assert_eq!(half_way(Side::Ado, step), after);
}

/// Both sides had four hours, and the work item is closed by a save of ours.
#[test]
fn what_a_rule_changed_is_a_base_only_where_an_edit_waits_on_the_other_side() {
    let [two, three, four] = [2, 3, 4].map(FieldValue::Number);
    let empty = FieldValue::Empty;
    for (what, before, now, opposite, moves) in [
        ("two hours wait", Some(&four), &empty, Some(&two), true),
        ("no edit waits", Some(&four), &empty, Some(&four), false),
        (
            "the task does not show it",
            Some(&four),
            &empty,
            None,
            false,
        ),
        (
            "somebody set three before",
            Some(&three),
            &empty,
            Some(&two),
            false,
        ),
        (
            "nothing shows what was before",
            None,
            &empty,
            Some(&two),
            false,
        ),
        ("no rule changed it", Some(&four), &four, Some(&two), false),
    ] {
        let stored = base(Shown(four.clone()), Shown(four.clone()));
        let found = ruled(Side::Ado, &stored, (before, now), opposite);
        let after = base(Shown(empty.clone()), Shown(four.clone()));
        assert_eq!(found, moves.then_some(after), "{what}");
    }
}
