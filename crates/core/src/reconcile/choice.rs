//! What a person chose in a conflict, and whether that may still be written.
//!
//! A choice is made by somebody who saw two values. It is carried out while both sides hold just those, or what our own
//! write of this very choice made of them (the first of two writes may be in force when a process dies). Anything else
//! on either side was typed since, by somebody whom the choice knows nothing of: then it is dropped, and the field is
//! merged like any other.

use super::merge::{Merged, agree, translate};
use super::policy::{Direction, Policy};
use crate::model::{FieldKey, FieldValue, LinkId, Side, Sided};
use boardsync_markup as markup;

/// A person's choice that is not carried out yet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Chosen {
    /// Number of the conflict that it settles.
    pub conflict: i64,
    /// The side in whose vocabulary the value is.
    pub side: Side,
    /// What is to be on both sides.
    pub value: FieldValue,
    /// What each side held when it was chosen, or what our write of this choice made of it.
    pub seen: Sided<FieldValue>,
    /// What the other side has of this value already ([`made_of_winner`]); `None`: it gets a translation.
    pub made: Option<FieldValue>,
}

/// A choice that is not carried out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Dropped {
    /// The link.
    pub link: LinkId,
    /// The field.
    pub field: FieldKey,
    /// The side that was edited since; `Ado` where no side was.
    pub side: Side,
    /// Why, as a sentence.
    pub reason: String,
}

impl Chosen {
    /// Returns what this choice makes of a side; `None`: its value has no counterpart there.
    pub fn goal(&self, key: &FieldKey, side: Side, policy: &Policy) -> Option<FieldValue> {
        if side == self.side {
            return Some(self.value.clone());
        }
        if self.made.is_some() {
            return self.made.clone();
        }
        translate(key, self.side, &self.value, policy).ok()
    }

    /// Returns the first side that was edited since the choice was made; `None`: it stands.
    pub fn overtaken(
        &self,
        key: &FieldKey,
        now: &Sided<FieldValue>,
        policy: &Policy,
    ) -> Option<Side> {
        Side::BOTH.into_iter().find(|side| {
            let now = now.get(*side);
            now != self.seen.get(*side) && self.goal(key, *side, policy).as_ref() != Some(now)
        })
    }

    /// Returns what is to be written to carry the choice out: the chosen value goes wherever it is not yet.
    pub(super) fn merged(
        &self,
        key: &FieldKey,
        now: &Sided<FieldValue>,
        policy: &Policy,
    ) -> Merged {
        let (side, value) = (self.side, &self.value);
        let translated = || translate(key, side, value, policy);
        let image = match self.made.clone().map_or_else(translated, Ok) {
            Ok(image) => image,
            Err(reason) => return Merged::Blocked(reason),
        };
        let wanted = Sided::build(|at| match at == side {
            true => value.clone(),
            false => now.get(at).clone(),
        });
        let mut to = Sided::default();
        *to.get_mut(side) = (value != now.get(side)).then(|| value.clone());
        *to.get_mut(side.other()) =
            (!agree(key, &wanted, policy) && image != *now.get(side.other())).then_some(image);
        match to.ado.is_none() && to.clickup.is_none() {
            true => Merged::Rebase,
            false => Merged::Write {
                to,
                reason: "chosen in conflicts resolve",
            },
        }
    }

    /// Returns what carrying the choice out writes to each side, by what the two hold; `None`: its value stands for nothing
    /// on the other side.
    pub fn writes(
        &self,
        key: &FieldKey,
        now: &Sided<FieldValue>,
        policy: &Policy,
    ) -> Option<Sided<Option<FieldValue>>> {
        match self.merged(key, now, policy) {
            Merged::Write { to, .. } => Some(to),
            Merged::InSync | Merged::Rebase => Some(Sided::default()),
            Merged::Against | Merged::Conflict { .. } | Merged::Blocked(_) => None,
        }
    }

    /// Returns the side that the choice would have to write to although its field does not flow there; `None`: none.
    pub fn against(
        &self,
        key: &FieldKey,
        now: &Sided<FieldValue>,
        direction: Direction,
        policy: &Policy,
    ) -> Option<Side> {
        let Merged::Write { to, .. } = self.merged(key, now, policy) else {
            return None;
        };
        let mut sides = Side::BOTH.into_iter();
        sides.find(|side| to.get(*side).is_some() && !direction.writes_to(*side))
    }

    /// Why it is dropped where its field does not flow to a side that it would write to, as a sentence.
    pub(super) fn not_written_to(&self, key: &FieldKey, side: Side) -> String {
        format!(
            "the choice in conflict {} was not carried out: {key} is not written to {side} (direction)",
            self.conflict
        )
    }

    /// Why it is dropped, as a sentence. `back`: that side has by now what both sides had before the conflict, so that nothing of
    /// an edit is left there.
    pub(super) fn overtaken_by(&self, side: Side, back: bool) -> String {
        let so = match back {
            true => format!(
                "and has what both had before again, so what {} has counts",
                side.other()
            ),
            false => "and the edit stays".to_owned(),
        };
        format!(
            "the choice in conflict {} was not carried out: {side} was edited after it was made, {so}",
            self.conflict
        )
    }

    /// Why it is dropped where the field is no longer synced, as a sentence.
    pub(super) fn unmapped(&self, key: &FieldKey) -> String {
        format!(
            "the choice in conflict {} was not carried out: {key} is not synced any more",
            self.conflict
        )
    }
}

/// What the two sides may hold for a conflict to be settled by a choice: what it recorded, or what our own writes made
/// of that when a side had won.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Recorded {
    /// The values that were found.
    pub found: Sided<FieldValue>,
    /// What our own writes made of them; `None`: that side was not written, or the answer was lost.
    pub after: Sided<Option<FieldValue>>,
    /// The side that won.
    pub taken: Option<Side>,
    /// A choice for the same field that still waits: a part of it may be written.
    pub waiting: Option<Chosen>,
}

/// Returns what our own write made of the other side when the long text that is chosen now had won by the policy, where
/// both show the same words: that side keeps what only it can show. Example: Azure DevOps shows `x` for ClickUp's `**x**`
/// and wins a conflict about another paragraph. Whoever chooses its text afterwards says nothing about that `**x**`.
pub fn made_of_winner(recorded: &Recorded, side: Side, value: &FieldValue) -> Option<FieldValue> {
    let own = recorded.after.get(side).as_ref();
    let won = recorded.taken == Some(side)
        && recorded.found.get(side) == value
        && own.is_none_or(|own| own == value);
    match (value, recorded.after.get(side.other())) {
        (FieldValue::Rich(text), Some(made @ FieldValue::Rich(there))) => {
            (won && markup::same_words(text, there)).then(|| made.clone())
        }
        _ => None,
    }
}

/// Returns the first side that holds something that the conflict knows nothing of; `None`: a choice may be made.
pub fn moved_on(
    key: &FieldKey,
    recorded: &Recorded,
    now: &Sided<FieldValue>,
    policy: &Policy,
) -> Option<Side> {
    Side::BOTH.into_iter().find(|side| {
        let side = *side;
        let now = now.get(side);
        let own = recorded.after.get(side).as_ref();
        if own.unwrap_or_else(|| recorded.found.get(side)) == now {
            return false;
        }
        // The winner's value, where the answer to the write that carried it over was lost.
        let image = recorded
            .taken
            .filter(|taken| *taken == side.other() && own.is_none())
            .and_then(|taken| translate(key, taken, recorded.found.get(taken), policy).ok());
        let waiting = recorded.waiting.as_ref().is_some_and(|choice| {
            choice.seen.get(side) == now || choice.goal(key, side, policy).as_ref() == Some(now)
        });
        image.as_ref() != Some(now) && !waiting
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixture::policy;

    fn text(text: &str) -> FieldValue {
        FieldValue::text(text)
    }

    fn both(ado: &str, clickup: &str) -> Sided<FieldValue> {
        Sided {
            ado: text(ado),
            clickup: text(clickup),
        }
    }

    /// Chosen: `value`; seen: `seen`.
    fn chosen(side: Side, value: &str, seen: (&str, &str)) -> Chosen {
        Chosen {
            conflict: 1,
            side,
            value: text(value),
            seen: both(seen.0, seen.1),
            made: None,
        }
    }

    #[test]
    fn a_text_that_had_won_already_leaves_the_other_side_its_formatting() {
        let rich = |ado: &str, clickup: &str| Sided {
            ado: FieldValue::rich(ado.to_owned()),
            clickup: FieldValue::rich(clickup.to_owned()),
        };
        let found = rich("x", "**x**\n\ny");
        let made = |taken, words: &str| Recorded {
            found: found.clone(),
            after: Sided {
                ado: None,
                clickup: Some(rich("", words).clickup),
            },
            taken,
            waiting: None,
        };
        let kept = Some(rich("", "**x**").clickup);
        let won = made(Some(Side::Ado), "**x**");
        assert_eq!(made_of_winner(&won, Side::Ado, &found.ado), kept);
        // Our own write there says something else, the other side had won, nobody had, or another text is chosen.
        for recorded in [
            made(Some(Side::Ado), "**x** z"),
            made(Some(Side::ClickUp), "**x**"),
            made(None, "**x**"),
        ] {
            assert_eq!(made_of_winner(&recorded, Side::Ado, &found.ado), None);
        }
        let other = made_of_winner(&won, Side::Ado, &rich("z", "").ado);
        assert_eq!(other, None);

        let choice = Chosen {
            value: found.ado.clone(),
            made: kept.clone(),
            ..chosen(Side::Ado, "", ("", ""))
        };
        let goal = |side| choice.goal(&FieldKey::Description, side, &policy());
        assert_eq!(goal(Side::ClickUp), kept);
        assert_eq!(goal(Side::Ado), Some(found.ado.clone()));
    }

    #[test]
    fn a_choice_stands_on_what_was_seen_and_on_its_own_writes_only() {
        use Side::{Ado, ClickUp};
        let merged = || chosen(Ado, "M", ("A", "B"));
        let half = || chosen(Ado, "M", ("A", "m as stored"));
        let state = |value: FieldValue, seen: [&str; 2]| Chosen {
            value,
            seen: Sided {
                ado: FieldValue::choice(seen[0]),
                clickup: FieldValue::choice(seen[1]),
            },
            ..merged()
        };
        for (what, choice, now, overtaken) in [
            ("as seen", merged(), ("A", "B"), None),
            ("an edit in ADO", merged(), ("x", "B"), Some(Ado)),
            ("an edit in ClickUp", merged(), ("A", "x"), Some(ClickUp)),
            ("edits on both", merged(), ("x", "y"), Some(Ado)),
            ("the first write in force", merged(), ("A", "M"), None),
            ("both in force", merged(), ("M", "M"), None),
            ("and an edit beside it", merged(), ("x", "M"), Some(Ado)),
            ("the answer as it came", half(), ("A", "m as stored"), None),
            (
                "what it replaced typed again",
                half(),
                ("A", "B"),
                Some(ClickUp),
            ),
            ("values swapped by people", merged(), ("B", "A"), Some(Ado)),
        ] {
            let now = both(now.0, now.1);
            assert_eq!(
                choice.overtaken(&FieldKey::Title, &now, &policy()),
                overtaken,
                "{what}"
            );
        }
        // In each side's own vocabulary.
        let choice = state(FieldValue::choice("Closed"), ["New", "in progress"]);
        let now = |ado, clickup| Sided {
            ado: FieldValue::choice(ado),
            clickup: FieldValue::choice(clickup),
        };
        for (now, overtaken) in [
            (now("New", "complete"), None),
            (now("Closed", "in progress"), None),
            (now("New", "in review"), Some(ClickUp)),
        ] {
            let found = choice.overtaken(&FieldKey::State, &now, &policy());
            assert_eq!(found, overtaken, "{now:?}");
        }
    }

    #[test]
    fn a_conflict_is_settled_on_what_it_recorded_and_on_what_we_made_of_that() {
        use Side::{Ado, ClickUp};
        let record = |taken: Option<Side>, after: (Option<&str>, Option<&str>)| Recorded {
            found: both("A", "B"),
            after: Sided {
                ado: after.0.map(text),
                clickup: after.1.map(text),
            },
            taken,
            waiting: None,
        };
        let waits = Recorded {
            waiting: Some(chosen(ClickUp, "M", ("A", "B"))),
            ..record(Some(ClickUp), (None, None))
        };
        let won = || record(Some(Ado), (None, Some("A")));
        for (what, recorded, now, moved) in [
            (
                "held, as found",
                record(None, (None, None)),
                ("A", "B"),
                None,
            ),
            (
                "held, edited",
                record(None, (None, None)),
                ("x", "B"),
                Some(Ado),
            ),
            (
                "held, agreed since",
                record(None, (None, None)),
                ("A", "A"),
                Some(ClickUp),
            ),
            ("won", won(), ("A", "A"), None),
            (
                "won, the loser typed again",
                won(),
                ("A", "B"),
                Some(ClickUp),
            ),
            ("won, later on both", won(), ("later", "later"), Some(Ado)),
            (
                "won, not written yet",
                record(Some(Ado), (None, None)),
                ("A", "B"),
                None,
            ),
            (
                "won, the answer lost",
                record(Some(Ado), (None, None)),
                ("A", "A"),
                None,
            ),
            (
                "merged, as stored",
                record(Some(Ado), (Some("a"), Some("b"))),
                ("a", "b"),
                None,
            ),
            (
                "a choice waits, nothing written",
                waits.clone(),
                ("A", "B"),
                None,
            ),
            (
                "a choice waits, half written",
                waits.clone(),
                ("A", "M"),
                None,
            ),
            ("a choice waits, edited", waits, ("x", "M"), Some(Ado)),
        ] {
            let now = both(now.0, now.1);
            assert_eq!(
                moved_on(&FieldKey::Title, &recorded, &now, &policy()),
                moved,
                "{what}"
            );
        }
    }
}
