//! How far a field goes back.

use super::*;

fn by(by: By, deed: Deed) -> Deed {
    let run = match by {
        By::Target => deed.run.clone(),
        By::Undo | By::Another => format!("{by:?}"),
    };
    Deed { by, run, ..deed }
}

/// What an undo makes of a title: the value that it goes back to, `None` where it stays.
fn goal(now: &str, deeds: Vec<Deed>) -> (Option<String>, String) {
    let result = undone(scene(titled(now).view(), deeds));
    let change = result.plan.actions.first().map(|action| &action.changes[0]);
    let said = result.left.first().map(|left| left.reason());
    (
        change.map(|change| change.after.to_string()),
        said.unwrap_or_default(),
    )
}

#[test]
fn only_what_nobody_typed_again_goes_back() {
    use By::{Another, Target, Undo};
    let wrote = |who, before: &str, after: &str| by(who, wrote(Side::ClickUp, before, after));
    let lost = |who, before, after| Deed {
        done: false,
        ..wrote(who, before, after)
    };
    let run = || wrote(Target, "A", "B");
    let left_at = |version, mut deed: Deed| {
        deed.versions.after = Some(Version(version));
        deed
    };
    let back = || wrote(Undo, "B", "A");
    for (what, now, deeds, goes_to, says) in [
        ("written", "B", vec![run()], Some("A"), ""),
        ("taken back", "A", vec![run(), back()], None, ""),
        (
            "taken back, typed again",
            "B",
            vec![run(), back()],
            None,
            "edited since",
        ),
        (
            "taken back, and that taken back",
            "B",
            vec![run(), back(), wrote(Undo, "A", "B")],
            Some("A"),
            "",
        ),
        (
            "taken back, carried over again by a later run",
            "B",
            vec![run(), back(), wrote(Another, "A", "B")],
            None,
            "later run",
        ),
        (
            "a later run wrote another value",
            "C",
            vec![run(), wrote(Another, "B", "C")],
            None,
            "later run",
        ),
        (
            "a later write that never was in force",
            "B",
            vec![run(), lost(Another, "B", "C")],
            Some("A"),
            "",
        ),
        (
            "two writes, another run between them",
            "D",
            vec![run(), wrote(Another, "B", "C"), wrote(Target, "C", "D")],
            Some("C"),
            "",
        ),
        (
            "typed over, typed again, and both carried over",
            "B",
            vec![
                left_at(5, run()),
                by(Another, self::wrote(Side::Ado, "B", "x")),
                by(Another, self::wrote(Side::Ado, "x", "B")),
            ],
            None,
            "edited since",
        ),
        (
            "the answer was lost",
            "B",
            vec![lost(Target, "A", "B")],
            Some("A"),
            "",
        ),
    ] {
        let (to, said) = goal(now, deeds);
        assert_eq!(to.as_deref(), goes_to, "{what}: {said}");
        assert!(
            said.contains(says) && said.is_empty() == says.is_empty(),
            "{what}: {said}"
        );
    }
}

/// The rule gave a conflict to Azure DevOps, somebody chose the task's value, and perhaps the other one after that: each
/// choice went to both sides. All of it taken back leaves the two titles apart, as people had written them.
#[test]
fn what_choices_in_a_conflict_wrote_goes_back_to_what_people_had_written() {
    let run = |run: &str, side, before, after| Deed {
        run: run.to_owned(),
        ..wrote(side, before, after)
    };
    let both = |name: &str, before, after| {
        let mut deeds = Vec::from(Side::BOTH.map(|side| run(name, side, before, after)));
        // The versions do not tell: somebody left a comment between the runs.
        for deed in &mut deeds {
            deed.versions.before = Some(Version(6));
        }
        deeds
    };
    let rule = || {
        let mut rule = run("rule", Side::ClickUp, "Bo's", "Ada's");
        rule.versions.after = Some(Version(5));
        vec![rule]
    };
    let once = [rule(), both("once", "Ada's", "Bo's")].concat();
    let twice = [once.clone(), both("twice", "Bo's", "Ada's")].concat();
    let ado = |now: &str, deeds: &Vec<Deed>| {
        let result = undone(scene(titled(now).view(), deeds.clone()));
        fixture::changes(&result.plan)
    };
    assert_eq!(ado("Bo's", &once), [row(Side::Ado, "title", "Ada's")]);
    assert_eq!(ado("Ada's", &twice), [row(Side::ClickUp, "title", "Bo's")]);

    // An edit that was made here in between stays: the run that carried it wrote nothing here.
    let edited = [
        rule(),
        vec![
            run("edit", Side::Ado, "Ada's", "x"),
            run("back", Side::Ado, "x", "Ada's"),
        ],
    ]
    .concat();
    assert_eq!(ado("Ada's", &edited), []);
}

/// A text that both sides write in one run may be merged of both, so the values do not tell whether somebody wrote here in
/// between. The versions do.
#[test]
fn a_text_goes_back_over_a_choice_where_only_our_own_writes_moved_the_item() {
    let deed = |run: &str, side, versions: (i64, i64), before: &str, after: &str| {
        let step = Step {
            before: Some(rich(before)),
            after: Some(rich(after)),
        };
        Deed {
            run: run.to_owned(),
            changes: BTreeMap::from([(FieldKey::Description.into(), step)]),
            versions: Versions {
                before: Some(Version(versions.0)),
                after: Some(Version(versions.1)),
            },
            ..wrote(side, "", "")
        }
    };
    for (at, goes_to) in [(5, Some("Bo's")), (6, Some("Ada's"))] {
        let deeds = vec![
            deed("rule", Side::ClickUp, (4, 5), "Bo's", "Ada's"),
            deed("once", Side::Ado, (5, 7), "Ada's", "Bo's too"),
            deed("once", Side::ClickUp, (at, 7), "Ada's", "Bo's too"),
        ];
        let view = Linked::new(1).same(FieldKey::Description, rich("Bo's too"));
        let result = undone(scene(view.view(), deeds));
        let changes = fixture::changes(&result.plan);
        let there = changes.iter().find(|(side, ..)| *side == Side::ClickUp);
        assert_eq!(
            there.map(|(.., to)| to.as_str()),
            goes_to,
            "before the second write the task stood at version {at}"
        );
    }
}

/// An undo has no answer, and its tag (here: its title) is there again. At the version on which the undo was written
/// nobody can have typed it; at a later one somebody may have.
#[test]
fn what_may_have_been_typed_again_after_an_undo_without_an_answer_stays() {
    let at = |before, after, deed: Deed| Deed {
        versions: Versions {
            before: Some(Version(before)),
            after: Some(Version(after)),
        },
        ..deed
    };
    let run = || at(4, 5, wrote(Side::ClickUp, "A", "B"));
    let lost = |before| Deed {
        done: false,
        versions: Versions {
            before,
            after: None,
        },
        ..by(By::Undo, wrote(Side::ClickUp, "B", "A"))
    };
    // Another field, between the undo and now; the item of the fixture stands at version 7.
    let beside = |before| {
        let mut deed = at(before, 7, by(By::Another, wrote(Side::ClickUp, "", "")));
        deed.changes = BTreeMap::new();
        deed
    };
    for (what, deeds, goes_to) in [
        ("as it was", vec![run(), lost(Some(Version(7)))], Some("A")),
        ("moved on", vec![run(), lost(Some(Version(5)))], None),
        (
            "moved on by ourselves",
            vec![run(), lost(Some(Version(5))), beside(5)],
            Some("A"),
        ),
        (
            "moved on by somebody, then by ourselves",
            vec![run(), lost(Some(Version(5))), beside(6)],
            None,
        ),
        ("not recorded", vec![run(), lost(None)], None),
    ] {
        let (to, said) = goal("B", deeds);
        assert_eq!(to.as_deref(), goes_to, "{what}: {said}");
        assert_eq!(said.contains("no answer"), goes_to.is_none(), "{what}");
    }
}
