//! Refused changes against services that blame in every documented way.

use super::*;

/// How a service says no.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Says {
    Name,
    Nothing,
    Unsent,
    Forbidden,
}

fn field(key: FieldKey) -> (FieldKey, FieldValue) {
    (key, FieldValue::text("x"))
}

fn change(fields: &[FieldKey], tags: &[&str]) -> BTreeMap<FieldKey, FieldValue> {
    let mut wanted: BTreeMap<_, _> = fields.iter().cloned().map(field).collect();
    if !tags.is_empty() {
        let value = FieldValue::tags(tags.iter().copied());
        wanted.insert(FieldKey::Tags, value);
    }
    wanted
}

/// What arrived, what is held, and how many requests it took.
struct Outcome {
    fields: BTreeSet<FieldKey>,
    tags: BTreeSet<Folded>,
    held: Vec<Held>,
    requests: usize,
}

/// A service that refuses a request with any of these fields or tags.
fn serve(
    wanted: &BTreeMap<FieldKey, FieldValue>,
    bad: &[FieldKey],
    bad_tags: &[&str],
    says: Says,
) -> Outcome {
    let bad_tags: BTreeSet<Folded> = bad_tags.iter().map(|tag| Folded::new(tag)).collect();
    let whole = Part::whole(wanted, &BTreeMap::new());
    let mut trial = Trial::new(whole, Part::default());
    let mut now = BTreeMap::new();
    let mut outcome = Outcome {
        fields: BTreeSet::new(),
        tags: BTreeSet::new(),
        held: Vec::new(),
        requests: 0,
    };
    while let Some(part) = trial.next().cloned() {
        outcome.requests += 1;
        assert!(outcome.requests < 40, "endless: {part:?}");
        let sent = part.values(wanted, &now);
        let tags = sent.get(&FieldKey::Tags).map(FieldValue::members);
        let tags = tags.unwrap_or_default();
        let mut culprits = sent.keys().filter(|key| bad.contains(key)).cloned();
        let culprit = match tags.is_disjoint(&bad_tags) {
            true => culprits.next(),
            false => culprits.next().or(Some(FieldKey::Tags)),
        };
        match culprit {
            None => {
                outcome.fields.extend(sent.keys().cloned());
                if let Some(value) = sent.get(&FieldKey::Tags) {
                    now.insert(FieldKey::Tags, value.clone());
                    outcome.tags = tags;
                }
                trial.accepted();
            }
            Some(key) => trial.refused(
                &match says {
                    Says::Name => Blame::Field(key),
                    Says::Nothing => Blame::Nobody,
                    Says::Unsent => Blame::Unsent,
                    Says::Forbidden => Blame::Forbidden,
                },
                "no",
            ),
        }
    }
    outcome.held = trial.held();
    outcome
}

const EVERY: [Says; 4] = [Says::Name, Says::Nothing, Says::Unsent, Says::Forbidden];
const ALL: [FieldKey; 9] = [
    FieldKey::Title,
    FieldKey::State,
    FieldKey::Assignees,
    FieldKey::Priority,
    FieldKey::StartDate,
    FieldKey::DueDate,
    FieldKey::Estimate,
    FieldKey::Points,
    FieldKey::Description,
];

#[test]
fn whichever_field_is_at_fault_the_others_arrive_and_it_alone_is_held() {
    for says in EVERY {
        for bad in &ALL {
            let wanted = change(&ALL, &["a", "b"]);
            let done = serve(&wanted, std::slice::from_ref(bad), &[], says);
            let missing: Vec<&FieldKey> = wanted
                .keys()
                .filter(|key| !done.fields.contains(*key))
                .collect();
            assert_eq!(missing, [bad], "{says:?}");
            assert_eq!(done.held.len(), 1, "{says:?} {bad}");
            assert_eq!(done.held[0].part, Part::field(bad.clone()), "{says:?}");
            assert!(done.held[0].proven);
            let most = if says == Says::Name { 2 } else { 12 };
            assert!(done.requests <= most, "{says:?} {bad}: {}", done.requests);
        }
    }
}

#[test]
fn the_usual_suspects_cost_three_or_four_requests() {
    let few = [FieldKey::Title, FieldKey::Priority, FieldKey::State];
    // (what is at fault, among what, requests)
    type Row<'a> = (&'a [FieldKey], &'a [&'a str], &'a [&'a str], usize);
    let rows: [Row<'_>; 3] = [
        // All, all but the state, the state alone.
        (&[FieldKey::State], &[], &[], 3),
        // All, all but the tags, one half, the other half.
        (&[], &["ui", "✓ done", "🤖 bot"], &["🤖 bot"], 4),
        // As before, and the state that was left out in vain.
        (&[], &["ui", "🤖 bot"], &["🤖 bot"], 6),
    ];
    for (n, (bad, tags, bad_tags, requests)) in rows.into_iter().enumerate() {
        let fields = if n == 1 { &few[..2] } else { &few[..] };
        let done = serve(&change(fields, tags), bad, bad_tags, Says::Nothing);
        assert_eq!(done.requests, requests, "row {n}");
        assert_eq!(done.held.len(), 1, "row {n}");
    }
}

#[test]
fn every_good_tag_arrives_and_each_bad_one_is_named() {
    let names: Vec<String> = (0..9).map(|n| format!("tag {n}")).collect();
    let tags: Vec<&str> = names.iter().map(String::as_str).collect();
    for says in EVERY {
        for bad in [&[0][..], &[8], &[3, 4], &[0, 8]] {
            let bad: Vec<&str> = bad.iter().map(|n| tags[*n]).collect();
            let done = serve(&change(&[FieldKey::Title], &tags), &[], &bad, says);
            assert!(done.fields.contains(&FieldKey::Title));
            assert_eq!(done.tags.len(), tags.len() - bad.len(), "{says:?} {bad:?}");
            let held: BTreeSet<Folded> = done
                .held
                .iter()
                .flat_map(|held| held.part.members.values().flatten().cloned())
                .collect();
            let named: BTreeSet<Folded> = bad.iter().map(|tag| Folded::new(tag)).collect();
            assert_eq!(held, named, "{says:?}");
        }
    }
}

#[test]
fn several_culprits_are_all_found() {
    for says in EVERY {
        let bad = [FieldKey::State, FieldKey::DueDate];
        let done = serve(&change(&ALL, &["a", "b"]), &bad, &["b"], says);
        assert_eq!(done.fields.len(), ALL.len() + 1 - bad.len(), "{says:?}");
        assert_eq!(done.tags, BTreeSet::from([Folded::new("a")]), "{says:?}");
        assert_eq!(done.held.len(), 3, "{says:?}: {:?}", done.held);
    }
}

#[test]
fn an_item_that_is_refused_whatever_is_sent_costs_a_handful_and_nothing_of_it_is_lost_sight_of() {
    for says in EVERY {
        let wanted = change(&ALL, &["a", "b"]);
        let done = serve(&wanted, &ALL, &["a", "b"], says);
        assert!(done.fields.is_empty());
        assert!(done.requests <= 12, "{says:?}: {}", done.requests);
        let mut held = Part::default();
        for one in done.held {
            held.join(one.part);
        }
        assert_eq!(held, Part::whole(&wanted, &BTreeMap::new()), "{says:?}");
    }
}

#[test]
fn what_was_refused_before_is_left_out_first() {
    let wanted = change(&[FieldKey::Title, FieldKey::State, FieldKey::Points], &[]);
    let whole = Part::whole(&wanted, &BTreeMap::new());
    let mut trial = Trial::new(whole, Part::field(FieldKey::Points));
    trial.refused(&Blame::Nobody, "no");
    let next = trial.next().unwrap();
    assert!(next.fields.contains(&FieldKey::State) && !next.fields.contains(&FieldKey::Points));
}

#[test]
fn tags_that_are_taken_away_go_with_the_rest_and_a_tag_is_added_to_what_is_there_then() {
    let wanted = change(&[FieldKey::Title], &["b", "New"]);
    let tags = |names: &[&str]| {
        let value = FieldValue::tags(names.iter().copied());
        BTreeMap::from([(FieldKey::Tags, value)])
    };
    let now = tags(&["a", "B"]);
    let whole = Part::whole(&wanted, &now);
    assert_eq!(whole.fields.len(), 2);
    assert_eq!(whole.values(&wanted, &now), wanted);
    let without = whole.without(&Part {
        members: whole.members.clone(),
        ..Part::default()
    });
    let sent = without.values(&wanted, &now);
    assert_eq!(sent[&FieldKey::Tags], FieldValue::tags(["b"]));
    let alone = whole.without(&without);
    let sent = alone.values(&wanted, &tags(&["b"]));
    assert_eq!(sent[&FieldKey::Tags], FieldValue::tags(["b", "new"]));
}

#[test]
fn a_create_goes_without_anything_but_title_type_and_state() {
    use FieldKey::*;
    let all = BTreeSet::from([
        Title, Type, State, Tags, StartDate, DueDate, Assignees, Priority,
    ]);
    let set = |keys: &[FieldKey]| keys.iter().cloned().collect::<BTreeSet<_>>();
    // (what is sent, who is blamed, what is left out)
    let rows = [
        (all.clone(), Blame::Field(Assignees), set(&[Assignees])),
        (all.clone(), Blame::Nobody, set(&[Tags])),
        (all.clone(), Blame::Forbidden, set(&[Tags])),
        (
            set(&[Title, State, StartDate, DueDate, Priority]),
            Blame::Unsent,
            set(&[StartDate, DueDate]),
        ),
        (
            set(&[Title, State, Priority, Points]),
            Blame::Nobody,
            set(&[Priority]),
        ),
        (
            set(&[Title, State, Points]),
            Blame::Field(Estimate),
            set(&[Points]),
        ),
        // It would be another item, or in another state.
        (all.clone(), Blame::Field(State), set(&[])),
        (all, Blame::Field(Title), set(&[])),
        (set(&[Title, Type, State]), Blame::Nobody, set(&[])),
    ];
    for (fields, blame, expected) in rows {
        assert_eq!(left_out(&fields, &blame), expected, "{fields:?} {blame:?}");
    }
}

#[test]
fn each_field_is_refused_with_its_own_value_and_tags_with_the_bad_ones_alone() {
    let wanted = change(&[FieldKey::Title, FieldKey::Points], &["good", "urgent"]);
    let mut together = Part {
        fields: BTreeSet::from([FieldKey::Title, FieldKey::Points]),
        ..Part::default()
    };
    let urgent = FieldValue::tags(["urgent"]);
    together.add_members(FieldKey::Tags, urgent.members());
    let held = |part: &Part, words: &str, proven| Held {
        part: part.clone(),
        words: words.to_owned(),
        proven,
    };
    let alone = Part {
        fields: BTreeSet::from([FieldKey::Title]),
        ..Part::default()
    };
    let found = by_field(
        vec![
            held(&alone, "too short", true),
            held(&together, "no", false),
        ],
        &wanted,
    );
    let not_taken = |value: FieldValue, words: &str, proven| NotTaken {
        value,
        words: words.to_owned(),
        proven,
    };
    let expected = BTreeMap::from([
        (
            FieldKey::Title,
            not_taken(FieldValue::text("x"), "too short", true),
        ),
        (
            FieldKey::Points,
            not_taken(FieldValue::text("x"), "no", false),
        ),
        (FieldKey::Tags, not_taken(urgent, "no", false)),
    ]);
    assert_eq!(found, expected);
}
