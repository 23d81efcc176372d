//! Changes that take several requests, as a state that is reached only through another one. Pure.
//!
//! A process that is killed in between, or whose second request is refused, leaves the item at a step that nobody chose.
//! Example: `Closed` becomes `Resolved` through `Active`, and the first request is all that arrived. `Active` is then no
//! person's edit, and must not be written to the other side.

use crate::model::{FieldKey, FieldValue, Item, Version};
use std::collections::BTreeMap;

/// A change in steps, as it was noted before the first request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Transit {
    /// The field.
    pub field: FieldKey,
    /// Its values in between, in order. What is wanted in the end is not among them.
    pub via: Vec<FieldValue>,
    /// The item's version before the first request. Each request makes the next one.
    pub expected: Version,
    /// What the first request sets beside the field.
    pub sent: BTreeMap<FieldKey, FieldValue>,
}

/// How far a change in steps has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reached {
    /// Nothing has arrived, or not yet.
    Nothing,
    /// It stands at a step of ours.
    HalfWay,
    /// It has arrived, or somebody else wrote: what is there counts like anything that is read.
    Over,
}

/// Judges an item that was read. It stands half way only if its version is exactly that of the step whose value it
/// shows, and shows the rest of the first request as it was sent.
pub fn judge(transit: &Transit, item: &Item) -> Reached {
    let written = item.version.0.saturating_sub(transit.expected.0);
    if written <= 0 {
        return Reached::Nothing;
    }
    let step = usize::try_from(written - 1).ok();
    let step = step.and_then(|step| transit.via.get(step));
    let at_step = step.is_some() && item.fields.get(&transit.field) == step;
    let as_sent = |(key, sent): (&FieldKey, &FieldValue)| {
        item.fields.get(key).is_none_or(|now| shows(now, sent))
    };
    match at_step && transit.sent.iter().all(as_sent) {
        true => Reached::HalfWay,
        false => Reached::Over,
    }
}

/// Whether a new item stands at a step of its own create: at the exact version of the step whose state it shows. `steps`
/// begins with the state that the create itself gives it, at the first version.
pub fn is_half_made(steps: &[FieldValue], made: &Item) -> bool {
    let step = made.version.0.checked_sub(1);
    let step = step.and_then(|step| usize::try_from(step).ok());
    let step = step.and_then(|step| steps.get(step));
    step.is_some() && made.fields.get(&FieldKey::State) == step
}

/// Whether a service that was sent a value may show it like this. Long text is rendered its own way, tags may be united
/// with others, and of several people one may be kept.
fn shows(now: &FieldValue, sent: &FieldValue) -> bool {
    match sent {
        FieldValue::Rich(_) | FieldValue::Tags(_) | FieldValue::People(_) => true,
        FieldValue::Empty
        | FieldValue::Text(_)
        | FieldValue::Choice(_)
        | FieldValue::Number(_)
        | FieldValue::Duration(_)
        | FieldValue::Day(_) => now == sent,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Side;
    use crate::reconcile::tests::fixture::item;

    #[test]
    fn a_new_item_at_a_step_of_its_create_is_half_made_and_no_other_is() {
        let state = |name: &str| FieldValue::choice(name);
        let steps = [state("New"), state("Active")];
        for (version, name, expected) in [
            (1, "New", true),
            (2, "Active", true),
            // Arrived, set back by somebody, or edited in between.
            (3, "Closed", false),
            (2, "New", false),
            (3, "Active", false),
            (1, "Active", false),
            (0, "New", false),
        ] {
            let mut made = item(Side::Ado, "1", "New");
            made.version = Version(version);
            made.fields.insert(FieldKey::State, state(name));
            assert_eq!(is_half_made(&steps, &made), expected, "{version} {name}");
        }
    }

    #[test]
    fn only_the_exact_version_of_a_step_with_everything_as_sent_is_half_way() {
        let state = |name: &str| FieldValue::choice(name);
        let transit = Transit {
            field: FieldKey::State,
            via: vec![state("Active"), state("Resolved")],
            expected: Version(7),
            sent: BTreeMap::from([
                (FieldKey::Title, FieldValue::text("New")),
                (
                    FieldKey::Description,
                    FieldValue::rich("as sent".to_owned()),
                ),
            ]),
        };
        let rows = [
            (7, "Closed", "Old", Reached::Nothing),
            (6, "Active", "New", Reached::Nothing),
            (8, "Active", "New", Reached::HalfWay),
            (9, "Resolved", "New", Reached::HalfWay),
            // Arrived.
            (10, "New", "New", Reached::Over),
            // Somebody wrote in between, or it is another step than that version has.
            (9, "Active", "New", Reached::Over),
            (8, "Resolved", "New", Reached::Over),
            (8, "Active", "Old", Reached::Over),
            (8, "New", "New", Reached::Over),
            (11, "Active", "New", Reached::Over),
        ];
        for (version, name, title, expected) in rows {
            let mut seen = item(Side::Ado, "1", title);
            seen.version = Version(version);
            seen.fields.insert(FieldKey::State, state(name));
            let text = FieldValue::rich("as rendered".to_owned());
            seen.fields.insert(FieldKey::Description, text);
            assert_eq!(judge(&transit, &seen), expected, "{version} {name} {title}");
        }
    }
}
