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
                run(),
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
