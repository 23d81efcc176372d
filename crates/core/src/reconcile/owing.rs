//! A value that one side still owes the other: it was sent and not taken.

use super::merge::translate;
use super::policy::Policy;
use crate::field::OfMembers;
use crate::model::{FieldKey, FieldValue, Folded, Side, Sided};
use std::collections::BTreeSet;

/// Returns the base of a side whose value the other side did not take. `now` is that value, `there` what the other side has
/// instead, and `before` the base that they had; `None`: none.
///
/// The base is what both would have agreed on, so that whatever the side comes to hold counts as changed until the other
/// side has it. Example: ClickUp sends the 23rd and ADO keeps the 6th. The base of ClickUp is the 6th: the 23rd is sent
/// again, and when somebody empties the date, that is sent. With an empty base the emptied date would be no change, and the
/// two would differ for ever.
///
/// Long texts are measured by what is missing of them, which is not for this.
pub fn owing(
    key: &FieldKey,
    side: Side,
    (now, there): (&FieldValue, &FieldValue),
    before: Option<&Sided<FieldValue>>,
    policy: &Policy,
) -> FieldValue {
    let old = before.map(|base| base.get(side));
    if let Some(of_members) = key.kind().by_member() {
        return agreed_members(of_members, old, now, there);
    }
    // What was agreed to mean the same as what is there now says it best, unless it says that nothing is left to do.
    let agreed = before.filter(|base| base.get(side.other()) == there);
    let agreed = agreed.map(|base| base.get(side));
    if let Some(agreed) = agreed.filter(|agreed| *agreed != now) {
        return agreed.clone();
    }
    let image = translate(key, side.other(), there, policy).unwrap_or(FieldValue::Empty);
    key.kind().owed(side, old, image)
}

/// The base of a side's set where the other side has another: the members on which both agree, and of the others those
/// that the base had. So what one side has yet to add or to remove stays a change, and nothing that both did is done
/// again.
///
/// Example with tags: the base is "beta". One side becomes "alpha", the other takes "alpha" and keeps "beta". From "alpha
/// beta" both a new edit that removes "alpha" and the removal of "beta" show.
pub fn agreed_members(
    of_members: OfMembers,
    old: Option<&FieldValue>,
    now: &FieldValue,
    there: &FieldValue,
) -> FieldValue {
    let (now, there) = (now.members(), there.members());
    let old = old.map(FieldValue::members).unwrap_or_default();
    let mut members: BTreeSet<Folded> = now.intersection(&there).cloned().collect();
    let differ: BTreeSet<Folded> = now.symmetric_difference(&there).cloned().collect();
    members.extend(old.intersection(&differ).cloned());
    of_members(members)
}

#[cfg(test)]
mod tests {
    use super::super::merge::{Merged, merge_field};
    use super::*;
    use crate::fixture::policy;
    use crate::reconcile::policy::FieldPolicy;

    fn both(side: Side, own: &FieldValue, other: &FieldValue) -> Sided<FieldValue> {
        Sided::build(|at| {
            if at == side {
                own.clone()
            } else {
                other.clone()
            }
        })
    }

    fn tags(text: &str) -> FieldValue {
        let tags = text.split_whitespace().map(Folded::new);
        FieldValue::from_tags(tags.collect())
    }

    /// What is written to the other side when the side that is owed comes to hold `next`.
    fn sent(key: &FieldKey, side: Side, base: Sided<FieldValue>, next: &FieldValue) -> Merged {
        let policy = policy();
        let rule: FieldPolicy = policy.fields[key];
        let now = both(side, next, base.get(side.other()));
        merge_field(key, Some(&base), &now, rule, &policy)
    }

    #[test]
    fn what_was_not_taken_is_sent_again_and_so_is_whatever_comes_in_its_place() {
        let number = FieldValue::Number;
        let (key, policy) = (FieldKey::Points, policy());
        for side in Side::BOTH {
            for before in [
                None,
                // Both sides moved away from it, only this one did, and neither did: an undo had left them apart.
                Some(both(side, &number(1), &number(1))),
                Some(both(side, &number(1), &number(6))),
                Some(both(side, &number(23), &number(6))),
            ] {
                let there = number(6);
                let own = owing(&key, side, (&number(23), &there), before.as_ref(), &policy);
                for next in [number(23), FieldValue::Empty, number(7)] {
                    let merged = sent(&key, side, both(side, &own, &there), &next);
                    let Merged::Write { to, .. } = merged else {
                        panic!("{before:?} {next}: {merged:?}");
                    };
                    assert_eq!(to, both_options(side, next));
                }
                let merged = sent(&key, side, both(side, &own, &there), &there);
                let fine = matches!(merged, Merged::InSync | Merged::Rebase);
                assert!(fine, "{merged:?}");
            }
        }
    }

    fn both_options(side: Side, value: FieldValue) -> Sided<Option<FieldValue>> {
        let mut value = Some(value);
        Sided::build(|at| {
            if at == side.other() {
                value.take()
            } else {
                None
            }
        })
    }

    #[test]
    fn a_state_that_was_not_taken_is_measured_by_what_was_agreed_or_by_nothing() {
        let choice = FieldValue::choice;
        let of = |before: Option<Sided<FieldValue>>| {
            let values = (&choice("complete"), &choice("Active"));
            let (key, side) = (FieldKey::State, Side::ClickUp);
            owing(&key, side, values, before.as_ref(), &policy())
        };
        assert_eq!(of(None), FieldValue::Empty);
        let agreed = both(Side::ClickUp, &choice("in review"), &choice("Active"));
        assert_eq!(of(Some(agreed)), choice("in review"));
    }

    #[test]
    fn an_assignee_that_was_not_taken_is_told_from_those_who_were_there() {
        let people = |names: &[&str]| {
            FieldValue::from_people(names.iter().copied().map(Folded::new).collect())
        };
        let ana = people(&["ana@contoso.com"]);
        let before = both(Side::ClickUp, &people(&["dora@x"]), &FieldValue::Empty);
        let values = (&people(&["bo@x"]), &ana);
        let (key, side) = (FieldKey::Assignees, Side::ClickUp);
        let base = owing(&key, side, values, Some(&before), &policy());
        assert_eq!(base, people(&["ana@clickup-mail.com", "dora@x"]));
        let merged = sent(&key, side, both(side, &base, &ana), &FieldValue::Empty);
        let to = both_options(side, FieldValue::Empty);
        assert!(matches!(merged, Merged::Write { to: found, .. } if found == to));
    }

    #[test]
    fn tags_that_were_kept_or_refused_stay_owed_and_the_others_are_agreed() {
        for (old, now, there, base) in [
            // A removal that was not taken, beside an agreed addition.
            ("beta", "alpha", "alpha beta", "alpha beta"),
            // An addition that was not taken.
            ("beta", "beta delta", "beta", "beta"),
            // Added on the other side meanwhile, and not by us: still to be carried over.
            ("beta", "alpha", "alpha beta extra", "alpha beta"),
            ("", "alpha", "", ""),
            ("alpha", "", "alpha", "alpha"),
        ] {
            let found = agreed_members(
                FieldValue::from_tags,
                Some(&tags(old)),
                &tags(now),
                &tags(there),
            );
            assert_eq!(found, tags(base), "{old:?} {now:?} {there:?}");
        }
        // Each side then takes a tag away, and the removal of "beta" is still owed.
        let base = both(
            Side::Ado,
            &tags("alpha beta delta"),
            &tags("alpha beta delta"),
        );
        let now = both(Side::Ado, &tags("beta delta"), &tags("alpha"));
        let policy = policy();
        let rule = policy.fields[&FieldKey::Tags];
        let merged = merge_field(&FieldKey::Tags, Some(&base), &now, rule, &policy);
        let Merged::Write { to, .. } = merged else {
            panic!("{merged:?}");
        };
        assert_eq!(to, Sided::build(|_| Some(FieldValue::Empty)));
    }
}
