//! What the stored value of a side is worth.

use super::FieldValue;

/// One side's half of the base of a field: the value that the side is compared with. Where the side has another value, it
/// has something that is still to be carried over to the other side: an edit, or what that side did not take the last time.
///
/// Example. Both sides have the description `A`, and somebody writes `a_b` into the work item. Then a date does not go over:
///
/// | what happened | half of Azure DevOps | half of ClickUp |
/// |---|---|---|
/// | nothing yet | `Shown("A")` | `Shown("A")` |
/// | we wrote `a_b`; ClickUp's answer leaves the description out | `Shown("a_b")` | `Sent("a_b")` |
/// | ClickUp stores `a\_b` and shows it only in a later listing, at the version of that very write | `Shown("a_b")` | `Shown("a\_b")` |
/// | the due date becomes the 23rd; ClickUp says yes to it and keeps the 6th | `Owed(the 6th)` | `Shown(the 6th)` |
/// | ClickUp's answer to the 23rd is lost; later the task is at another version and has the 6th | `Shown(the 6th)` | `Doubted(the 6th)` |
///
/// In the third row nothing is left to do, although the two texts differ: each side has what its own half says. In the
/// fourth row the work item has the 23rd, and its half says otherwise, so the 23rd is sent again. `Owed` stands on the side whose
/// value has to go over, and not on the one that lacks it, because it is that side's value which is compared with it: when
/// somebody changes the 23rd into the 24th, or empties the date, that goes over instead, and when somebody sets the 6th,
/// nothing is owed any more. In the last row somebody may have set the 6th back over our 23rd, or our 23rd never arrived and
/// somebody wrote a comment. So the 6th counts as an edit, against the 23rd: a conflict.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum BaseState {
    /// The service has shown this value. So it counts, too, where a later version ended the wait for it to be shown.
    Shown(FieldValue),
    /// What we sent, and nothing has shown yet. What the service makes of it is no edit; the first look at the version of our
    /// own write tells what that is. The half stays `Sent` where this side's value turns out to be owed as well and is
    /// measured by something else from then on: what became of our own write is as unknown as before.
    Sent(FieldValue),
    /// The value of this side has still to be carried to the other one. What is held here makes it count as changed: empty,
    /// or what the other side has instead, or, of a text, what of it the other side has.
    Owed(FieldValue),
    /// What this side showed last, and yet the side counts as changed whatever it shows: somebody may have chosen just this
    /// value over one of ours.
    Doubted(FieldValue),
}

impl BaseState {
    /// The value that the side is compared with.
    pub fn value(&self) -> &FieldValue {
        match self {
            BaseState::Shown(value)
            | BaseState::Sent(value)
            | BaseState::Owed(value)
            | BaseState::Doubted(value) => value,
        }
    }

    /// The same, to keep.
    pub fn into_value(self) -> FieldValue {
        match self {
            BaseState::Shown(value)
            | BaseState::Sent(value)
            | BaseState::Owed(value)
            | BaseState::Doubted(value) => value,
        }
    }

    /// Whether the service has not shown yet what it made of the value.
    pub fn is_sent(&self) -> bool {
        matches!(self, BaseState::Sent(_))
    }

    /// Whether the side counts as changed although it may show this very value.
    pub fn is_doubted(&self) -> bool {
        matches!(self, BaseState::Doubted(_))
    }

    /// The stable word for the state in the database.
    pub fn word(&self) -> &'static str {
        match self {
            BaseState::Shown(_) => "shown",
            BaseState::Sent(_) => "sent",
            BaseState::Owed(_) => "owed",
            BaseState::Doubted(_) => "doubted",
        }
    }

    /// Reads [`BaseState::word`] with its value; `None`: there is no such word.
    pub fn of_word(word: &str, value: FieldValue) -> Option<BaseState> {
        let states = [
            BaseState::Shown,
            BaseState::Sent,
            BaseState::Owed,
            BaseState::Doubted,
        ];
        let mut states = states.into_iter().map(|state| state(value.clone()));
        states.find(|state| state.word() == word)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_state_comes_back_by_its_word_with_its_value() {
        let value = || FieldValue::text("a");
        for (state, sent) in [
            (BaseState::Shown(value()), false),
            (BaseState::Sent(value()), true),
            (BaseState::Owed(value()), false),
            (BaseState::Doubted(value()), false),
        ] {
            assert_eq!(state.value(), &value());
            assert_eq!(state.is_sent(), sent);
            assert_eq!(state.is_doubted(), state.word() == "doubted");
            let read = BaseState::of_word(state.word(), state.clone().into_value());
            assert_eq!(read, Some(state));
        }
        assert_eq!(BaseState::of_word("confirmed", value()), None);
    }
}
