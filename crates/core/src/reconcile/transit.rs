//! Changes that take several requests, as a state that is reached only through another one. Pure.
//!
//! A process that is killed in between, or whose second request is refused, leaves the item at a step that nobody chose.
//! Example: `Closed` becomes `Resolved` through `Active`, and the first request is all that arrived. `Active` is then no
//! person's edit, and must not be written to the other side.

use crate::model::{Author, FieldKey, FieldValue, Item, Past, Version};
use std::cmp::Ordering;
use std::collections::{BTreeMap, BTreeSet};

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

impl Transit {
    /// The note of a change that is about to be sent beside one of which nothing has shown. One of the two may arrive, or have
    /// arrived, and nobody can know which: an older answer may have shown the item as it was before the first of them. So the
    /// note says what is true of either.
    ///
    /// Example: `Active` is a step on the way to `Closed`, and that request had no answer. A stale listing shows the work item
    /// as before. The state is sent again, with a new title in the same request, which is refused because of that very step;
    /// and that answer is lost as well. The step without the title is still ours.
    ///
    /// A change that takes no step keeps the note of the earlier one. Example: the work item is at `Active`, on its way to
    /// `Closed`, by a request without an answer, and is sent on from there to `Resolved`. That answer is lost too, and it is
    /// still that first note by which `Active` was ours.
    pub fn beside(self, earlier: &Transit) -> Transit {
        if earlier.field != self.field || earlier.via.is_empty() {
            return self;
        }
        if self.via.is_empty() {
            return earlier.clone();
        }
        match earlier.expected.cmp(&self.expected) {
            // It was seen at a later version, by which the earlier one was judged.
            Ordering::Less => self,
            Ordering::Equal => self.either(earlier),
            // The service has had a later version than the one that this is tested against.
            Ordering::Greater => earlier.clone(),
        }
    }

    fn either(mut self, earlier: &Transit) -> Transit {
        // From one state two ways may begin alike. Where they do not, the later one counts.
        if earlier.via.starts_with(&self.via) {
            self.via.clone_from(&earlier.via);
        }
        let earlier = &earlier.sent;
        self.sent
            .retain(|key, value| earlier.get(key) == Some(value));
        self
    }
}

/// How far a change in steps has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reached {
    /// Nothing has arrived, or not yet.
    Nothing,
    /// It stands at the very version of a step of ours, so that the next request may still arrive.
    OnTheWay,
    /// It stands at a step of ours under edits of something else, after which no later request of ours is taken.
    HalfWay,
    /// It is back at one of our values, and somebody has left a step of ours in between: it is that person's choice.
    Left,
    /// It has arrived, or somebody else wrote: what is there counts like anything that is read.
    Over,
}

/// Judges an item that was read. It stands half way only if the version of a step of ours shows that step and the rest of
/// the first request as it was sent, nobody else made that version, and nobody has moved the field since. `history` holds
/// the item's versions after the first request, as far as they are known; without them only an item at the very version
/// of a step can be told.
///
/// Example: version 8 says `Active`, which is our step, and version 9 has another title. The title is somebody's edit,
/// and `Active` is still ours. Where version 8 is Ana's, nothing of ours arrived.
pub fn judge(transit: &Transit, item: &Item, history: &[Past]) -> Reached {
    if item.version <= transit.expected {
        return Reached::Nothing;
    }
    let now = history
        .iter()
        .find(|past| past.item.version == item.version);
    let now = Made {
        item,
        by: now.map_or(Author::Unknown, |past| past.by),
    };
    let after =
        |made: &Made<'_>| made.item.version > transit.expected && made.item.version < item.version;
    let versions = history.iter().map(Made::of).filter(after).chain([now]);
    let versions: Vec<Made<'_>> = versions.collect();
    let numbers = transit.expected.0.saturating_add(1)..;
    let whole = versions
        .iter()
        .zip(numbers)
        .all(|(made, number)| made.item.version.0 == number);
    match whole {
        true => by_versions(transit, &versions),
        false if now.by != Author::Another && stands_at_step(transit, item) => Reached::OnTheWay,
        false => Reached::Over,
    }
}

/// Whether only the versions in between, and who made them, tell what became of the item: it shows a step of ours.
pub fn wants_history(transit: &Transit, item: &Item) -> bool {
    let now = item.fields.get(&transit.field);
    item.version > transit.expected && now.is_some_and(|now| transit.via.contains(now))
}

/// A version of an item.
#[derive(Clone, Copy)]
struct Made<'a> {
    item: &'a Item,
    by: Author,
}

impl Made<'_> {
    fn of(past: &Past) -> Made<'_> {
        Made {
            item: &past.item,
            by: past.by,
        }
    }
}

/// Judges all versions after the first request: whether they begin with steps of ours, and what has become of the last one.
fn by_versions(transit: &Transit, versions: &[Made<'_>]) -> Reached {
    let made = leading(&transit.field, &transit.via, versions);
    let as_sent = versions
        .first()
        .is_some_and(|first| is_as_sent(transit, first.item));
    let last = made.checked_sub(1).and_then(|last| transit.via.get(last));
    let Some(step) = last.filter(|_| as_sent) else {
        return Reached::Over;
    };
    let mut later = versions.iter().skip(made).peekable();
    if later.peek().is_none() {
        return Reached::OnTheWay;
    }
    match later.all(|made| made.item.fields.get(&transit.field) == Some(step)) {
        true => Reached::HalfWay,
        false => Reached::Left,
    }
}

/// Whether the item is at the very version of the step that it shows.
fn stands_at_step(transit: &Transit, item: &Item) -> bool {
    let step = item.version.0.saturating_sub(transit.expected.0) - 1;
    let step = usize::try_from(step).ok();
    let step = step.and_then(|step| transit.via.get(step));
    step.is_some() && item.fields.get(&transit.field) == step && is_as_sent(transit, item)
}

fn is_as_sent(transit: &Transit, item: &Item) -> bool {
    let shown = |(key, sent): (&FieldKey, &FieldValue)| {
        item.fields.get(key).is_none_or(|now| shows(now, sent))
    };
    transit.sent.iter().all(shown)
}

/// How many steps the versions show, one each, from the first on. What somebody else made is no step.
fn leading(field: &FieldKey, steps: &[FieldValue], versions: &[Made<'_>]) -> usize {
    let shown = |(made, step): &(&Made<'_>, &FieldValue)| {
        made.by != Author::Another && made.item.fields.get(field) == Some(*step)
    };
    versions.iter().zip(steps).take_while(shown).count()
}

/// What a create made of an item.
#[derive(Clone, Debug, PartialEq)]
pub struct AsMade {
    /// The item as the create left it.
    pub item: Item,
    /// The fields in which somebody has had something else since, whatever they show by now.
    pub edited: BTreeSet<FieldKey>,
}

/// What a create made of an item, by all versions of it: its first version, with the state that the steps of the create
/// reached. Everything else that later versions show is somebody's edit, and so is a step that somebody else took. `steps`
/// begins with the state that the create itself gives the item, and `wanted` is the state after the last of them, if one was
/// sent. `None`: the first version is not known.
pub fn as_made(
    steps: &[FieldValue],
    wanted: Option<&FieldValue>,
    history: &[Past],
) -> Option<AsMade> {
    let first = history.first().filter(|past| past.item.version.0 == 1)?;
    let mut made = first.item.clone();
    let mut way = steps.to_vec();
    way.extend(wanted.cloned());
    let numbered = history.iter().map(Made::of).zip(1..);
    let whole = numbered.take_while(|(made, number)| made.item.version.0 == *number);
    let whole: Vec<Made<'_>> = whole.map(|(made, _)| made).collect();
    let reached = leading(&FieldKey::State, &way, &whole);
    if let Some(state) = reached.checked_sub(1).and_then(|last| way.get(last)) {
        made.fields.insert(FieldKey::State, state.clone());
    }
    // Whoever set the last state may have edited more in the same save.
    let own = reached.min(steps.len());
    if let Some(last) = own.checked_sub(1).and_then(|last| whole.get(last)) {
        made.version = last.item.version;
    }
    let differs = |(key, value): &(&FieldKey, &FieldValue)| {
        let own = match key {
            FieldKey::State => reached,
            _ => 0,
        };
        let mut later = history.iter().skip(own);
        later.any(|past| past.item.fields.get(*key) != Some(*value))
    };
    let edited = made.fields.iter().filter(differs);
    let edited = edited.map(|(key, _)| key.clone()).collect();
    Some(AsMade { item: made, edited })
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
        | FieldValue::Day(_)
        | FieldValue::Moment(_) => now == sent,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixture::item;
    use crate::model::Side;

    /// A version of which nothing says who made it.
    fn unsigned(item: Item) -> Past {
        Past {
            item,
            by: Author::Unknown,
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
            (8, "Active", "New", Reached::OnTheWay),
            (9, "Resolved", "New", Reached::OnTheWay),
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
            assert_eq!(
                judge(&transit, &seen, &[]),
                expected,
                "{version} {name} {title}"
            );
        }
    }

    #[test]
    fn a_step_of_ours_stays_ours_under_the_edits_of_others_to_other_fields() {
        let state = |name: &str| FieldValue::choice(name);
        let transit = Transit {
            field: FieldKey::State,
            via: vec![state("Active"), state("Resolved")],
            expected: Version(7),
            sent: BTreeMap::from([(FieldKey::Priority, FieldValue::Number(2000))]),
        };
        let past = |(version, name, priority): &(i64, &str, i64)| {
            let mut past = item(Side::Ado, "1", "Title");
            past.version = Version(*version);
            past.fields.insert(FieldKey::State, state(name));
            let priority = FieldValue::Number(*priority);
            past.fields.insert(FieldKey::Priority, priority);
            unsigned(past)
        };
        type Row = (i64, &'static str, i64);
        let rows: [(&[Row], Reached); 9] = [
            (
                &[(8, "Active", 2000), (9, "Active", 3000)],
                Reached::HalfWay,
            ),
            (
                &[
                    (8, "Active", 2000),
                    (9, "Resolved", 2000),
                    (10, "Resolved", 1000),
                ],
                Reached::HalfWay,
            ),
            (
                &[(8, "Active", 2000), (9, "Resolved", 2000)],
                Reached::OnTheWay,
            ),
            // Somebody went on from our step, also back to it.
            (&[(8, "Active", 2000), (9, "Closed", 2000)], Reached::Left),
            (
                &[(8, "Active", 2000), (9, "New", 2000), (10, "Active", 2000)],
                Reached::Left,
            ),
            // The first of them is not our request.
            (&[(8, "New", 2000), (9, "Active", 2000)], Reached::Over),
            (&[(8, "Active", 1000), (9, "Active", 2000)], Reached::Over),
            // A version is missing, so nothing is known of it.
            (&[(9, "Active", 2000), (10, "Active", 2000)], Reached::Over),
            (&[(7, "New", 1000)], Reached::Nothing),
        ];
        for (versions, expected) in rows {
            let history: Vec<Past> = versions.iter().map(past).collect();
            let now = &history.last().unwrap().item;
            assert_eq!(judge(&transit, now, &history), expected, "{versions:?}");
        }
    }

    /// A person may choose the very state that a request of ours was to pass through and never did.
    #[test]
    fn a_step_that_somebody_else_took_is_that_persons_edit() {
        let state = |name: &str| FieldValue::choice(name);
        let transit = Transit {
            field: FieldKey::State,
            via: vec![state("Active")],
            expected: Version(7),
            sent: BTreeMap::new(),
        };
        let past = |version, by| {
            let mut past = item(Side::Ado, "1", "Title");
            past.version = Version(version);
            past.fields.insert(FieldKey::State, state("Active"));
            Past { item: past, by }
        };
        for (by, alone, under) in [
            (Author::Token, Reached::OnTheWay, Reached::HalfWay),
            (Author::Another, Reached::Over, Reached::Over),
            (Author::Unknown, Reached::OnTheWay, Reached::HalfWay),
        ] {
            let now = past(8, by);
            assert!(wants_history(&transit, &now.item));
            let history = [now.clone()];
            assert_eq!(judge(&transit, &now.item, &history), alone, "{by:?}");
            // Under an edit of somebody else.
            let later = [past(8, by), past(9, Author::Another)];
            assert_eq!(judge(&transit, &later[1].item, &later), under, "{by:?}");
        }
        let steps = [state("New"), state("Active")];
        for (by, version) in [(Author::Token, 2), (Author::Another, 1)] {
            let mut first = past(1, Author::Token);
            first.item.fields.insert(FieldKey::State, state("New"));
            let made = as_made(&steps, None, &[first, past(2, by)]).unwrap();
            assert_eq!(made.item.version, Version(version), "{by:?}");
        }
    }

    /// The state was sent, and sent again by a stale listing. Both requests may be the one that is in force.
    #[test]
    fn a_step_of_either_of_two_requests_without_an_answer_is_ours() {
        let state = |name: &str| FieldValue::choice(name);
        let title = |text: &str| BTreeMap::from([(FieldKey::Title, FieldValue::text(text))]);
        let note = |via: &[&str], expected, sent| Transit {
            field: FieldKey::State,
            via: via.iter().map(|name| state(name)).collect(),
            expected: Version(expected),
            sent,
        };
        let none = BTreeMap::new;
        let (one, two) = (&["Active"][..], &["Active", "Resolved"][..]);
        for (what, earlier, later, both) in [
            (
                "the later one sets a title too, which the earlier one does not show",
                note(one, 7, none()),
                note(one, 7, title("New")),
                note(one, 7, none()),
            ),
            (
                "each sets another title",
                note(one, 7, title("Old")),
                note(one, 7, title("New")),
                note(one, 7, none()),
            ),
            (
                "both set the same title",
                note(one, 7, title("New")),
                note(one, 7, title("New")),
                note(one, 7, title("New")),
            ),
            (
                "the later one goes further",
                note(one, 7, none()),
                note(two, 7, none()),
                note(two, 7, none()),
            ),
            (
                "the earlier one goes further",
                note(two, 7, none()),
                note(one, 7, none()),
                note(two, 7, none()),
            ),
            (
                "the ways part at once",
                note(&["New"], 7, none()),
                note(one, 7, none()),
                note(one, 7, none()),
            ),
            (
                "the item has been seen at a later version since",
                note(one, 6, none()),
                note(one, 7, title("New")),
                note(one, 7, title("New")),
            ),
            (
                "an answer that is older still: the later one is refused for certain",
                note(one, 8, none()),
                note(one, 7, title("New")),
                note(one, 8, none()),
            ),
            (
                "the later one takes no step: it goes on from one of the earlier one",
                note(two, 7, title("Old")),
                note(&[], 8, none()),
                note(two, 7, title("Old")),
            ),
            (
                "the earlier one was no change in steps",
                note(&[], 8, none()),
                note(one, 7, title("New")),
                note(one, 7, title("New")),
            ),
        ] {
            assert_eq!(later.beside(&earlier), both, "{what}");
        }
    }

    #[test]
    fn a_create_made_its_first_version_and_the_states_of_its_own_steps() {
        let state = |name: &str| FieldValue::choice(name);
        let steps = [state("New"), state("Active")];
        let past = |(version, name, title): &(i64, &str, &str)| {
            let mut past = item(Side::Ado, "1", title);
            past.version = Version(*version);
            past.fields.insert(FieldKey::State, state(name));
            unsigned(past)
        };
        type Row = (i64, &'static str, &'static str);
        type Left = (&'static str, &'static str, i64);
        let rows: [(&[Row], Option<Left>); 5] = [
            (&[(1, "New", "a"), (2, "New", "b")], Some(("New", "a", 1))),
            (
                &[(1, "New", "a"), (2, "Active", "a"), (3, "Active", "b")],
                Some(("Active", "a", 2)),
            ),
            // Whoever set the state in the end: it is the one that was wanted, and the title is not ours.
            (
                &[(1, "New", "a"), (2, "Active", "a"), (3, "Closed", "b")],
                Some(("Closed", "a", 2)),
            ),
            (
                &[(1, "New", "a"), (3, "Active", "a")],
                Some(("New", "a", 1)),
            ),
            (&[(2, "Active", "a")], None),
        ];
        for (versions, expected) in rows {
            let history: Vec<Past> = versions.iter().map(past).collect();
            let made = as_made(&steps, Some(&state("Closed")), &history);
            let told = |AsMade { item, .. }: AsMade| {
                let state = item.fields.get(&FieldKey::State).cloned();
                (state, item.title(), item.version.0)
            };
            let made = made.map(told);
            let expected =
                expected.map(|(name, title, n)| (Some(state(name)), title.to_owned(), n));
            assert_eq!(made, expected, "{versions:?}");
        }
    }

    /// Somebody who comes back to a step of ours has chosen it.
    #[test]
    fn a_field_that_somebody_left_since_counts_as_edited_also_after_the_way_back() {
        let state = |name: &str| FieldValue::choice(name);
        let steps = [state("New"), state("Active")];
        let past = |(number, (name, title)): (i64, &(&str, &str))| {
            let mut past = item(Side::Ado, "1", title);
            past.version = Version(number);
            past.fields.insert(FieldKey::State, state(name));
            unsigned(past)
        };
        let (both, title) = (
            BTreeSet::from([FieldKey::Title, FieldKey::State]),
            BTreeSet::from([FieldKey::Title]),
        );
        let only_state = BTreeSet::from([FieldKey::State]);
        type Row = (&'static str, &'static str);
        let rows: [(&[Row], BTreeSet<FieldKey>); 8] = [
            (&[("New", "a")], BTreeSet::new()),
            (&[("New", "a"), ("Active", "a")], BTreeSet::new()),
            (
                &[("New", "a"), ("Active", "a"), ("Closed", "a")],
                BTreeSet::new(),
            ),
            // Our step, under an edit of something else.
            (
                &[("New", "a"), ("Active", "a"), ("Active", "b")],
                title.clone(),
            ),
            (&[("New", "a"), ("New", "b"), ("New", "a")], title),
            (
                &[("New", "a"), ("Active", "a"), ("New", "a")],
                only_state.clone(),
            ),
            (
                &[("New", "a"), ("Active", "a"), ("New", "a"), ("Active", "b")],
                both,
            ),
            // None of our steps arrived.
            (&[("New", "a"), ("Removed", "a"), ("New", "a")], only_state),
        ];
        for (versions, expected) in rows {
            let history: Vec<Past> = (1..).zip(versions).map(past).collect();
            let made = as_made(&steps, Some(&state("Closed")), &history).unwrap();
            assert_eq!(made.edited, expected, "{versions:?}");
        }
    }
}
