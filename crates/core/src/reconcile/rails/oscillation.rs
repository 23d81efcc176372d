//! Tells a loop from work: does something undo what we write?
//!
//! Two automations that undo each other, or a value that a service does not keep, make every cycle carry the field over
//! once more. What gives that away is that our own writes do not stay: the side that we wrote to shows another value soon
//! after, so that the next write goes the other way, or says the same again. Edits that all come from one side are
//! followed however often they go back and forth: a person who moves a card between two columns all morning is at work,
//! and nothing of ours was undone.

use crate::model::{FieldValue, Side, Subject, Timestamp};
use crate::reason::RailWhy;

/// How far back writes count.
pub const WINDOW_MS: i64 = 3_600_000;
/// This many writes in a row are let through, even if each of them is undone.
const WRITES: usize = 4;

/// One write of ours.
#[derive(Clone, Debug, PartialEq)]
pub struct Past {
    /// The side that was written.
    pub side: Side,
    /// Local time.
    pub at: Timestamp,
    /// What was written: a field or a part.
    pub subject: Subject,
    /// The value that was written.
    pub value: FieldValue,
}

/// Returns why no more is to be written to a field or a part; `writes` are those of its link within the window, oldest first.
pub fn judge(subject: &Subject, writes: &[Past]) -> Option<RailWhy> {
    let own: Vec<&Past> = writes
        .iter()
        .filter(|past| past.subject == *subject)
        .collect();
    if !(there_and_back(&own) || to_and_fro(&own) || not_kept(&own)) {
        return None;
    }
    Some(RailWhy::UndoneEachTime { times: own.len() })
}

/// x here, y there, and both once more: what we wrote was undone on either side, and undone again.
fn there_and_back(writes: &[&Past]) -> bool {
    Side::BOTH.iter().all(|side| {
        writes.iter().enumerate().any(|(first, past)| {
            let mut between = false;
            past.side == *side
                && writes.iter().skip(first + 1).any(|next| {
                    between |= next.side != past.side;
                    between && next.side == past.side && next.value == past.value
                })
        })
    })
}

/// Writes that went now here, now there, more than [`WRITES`] times in a row: each was answered by another value on the
/// side that it went to.
fn to_and_fro(writes: &[&Past]) -> bool {
    // Both halves of a text merge have one value: nothing was undone between them.
    runs(writes, |last, next| {
        last.side != next.side && last.value != next.value
    }) > WRITES
}

/// The same value to the same side again and again, with nothing else written there in between.
fn not_kept(writes: &[&Past]) -> bool {
    Side::BOTH.iter().any(|side| {
        let there: Vec<&Past> = writes
            .iter()
            .copied()
            .filter(|past| past.side == *side)
            .collect();
        runs(&there, |last, next| last.value == next.value) > WRITES
    })
}

/// The length of the longest stretch in which each write stands to the one before it as told.
fn runs(writes: &[&Past], goes_on: impl Fn(&Past, &Past) -> bool) -> usize {
    let (mut longest, mut length) = (0, 0);
    let mut last: Option<&Past> = None;
    for past in writes.iter().copied() {
        length = match last {
            Some(last) if goes_on(last, past) => length + 1,
            _ => 1,
        };
        longest = longest.max(length);
        last = Some(past);
    }
    longest
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::FieldKey;

    fn writes(list: &[(Side, &str)]) -> Vec<Past> {
        let past = |(side, value): &(Side, &str)| Past {
            side: *side,
            at: Timestamp(0),
            subject: FieldKey::Title.into(),
            value: FieldValue::text(value),
        };
        list.iter().map(past).collect()
    }

    fn frozen(list: &[(Side, &str)]) -> bool {
        judge(&FieldKey::Title.into(), &writes(list)).is_some()
    }

    #[test]
    fn what_goes_round_is_a_loop_and_what_goes_on_is_not() {
        use Side::{Ado, ClickUp};
        for (list, expected) in [
            (vec![], false),
            (vec![(ClickUp, "x"), (Ado, "y")], false),
            (vec![(ClickUp, "x"), (Ado, "y"), (ClickUp, "z")], false),
            // Three merges of a text that two people write.
            (
                ["1", "2", "3"].map(|v| [(ClickUp, v), (Ado, v)]).concat(),
                false,
            ),
            // Somebody took it back once, and somebody else insisted.
            (vec![(ClickUp, "x"), (Ado, "y"), (ClickUp, "x")], false),
            (
                vec![(ClickUp, "x"), (Ado, "y"), (ClickUp, "x"), (Ado, "y")],
                true,
            ),
            (
                vec![
                    (Ado, "1"),
                    (ClickUp, "x"),
                    (Ado, "y"),
                    (ClickUp, "x"),
                    (Ado, "y"),
                ],
                true,
            ),
            // A person who moves a card back and forth on one side is followed, however often.
            (
                ["x", "y"]
                    .repeat(10)
                    .iter()
                    .map(|v| (ClickUp, *v))
                    .collect(),
                false,
            ),
            (
                ["x", "y", "z", "x", "z", "y", "x"]
                    .map(|v| (Ado, v))
                    .to_vec(),
                false,
            ),
            // Back and forth on one side, and then once on the other.
            (
                vec![
                    (Ado, "x"),
                    (Ado, "y"),
                    (Ado, "x"),
                    (Ado, "y"),
                    (ClickUp, "x"),
                    (Ado, "y"),
                ],
                false,
            ),
            // The same again and again: it does not stay there.
            (["x"; 4].map(|v| (ClickUp, v)).to_vec(), false),
            (["x"; 5].map(|v| (ClickUp, v)).to_vec(), true),
            (
                ["y", "x", "x", "x", "x", "x"]
                    .map(|v| (ClickUp, v))
                    .to_vec(),
                true,
            ),
            // A text that grows is somebody writing.
            (
                ["a", "ab", "abc", "abcd", "abcde", "abcdef"]
                    .map(|v| (Ado, v))
                    .to_vec(),
                false,
            ),
            (
                vec![
                    (Ado, "1"),
                    (ClickUp, "2"),
                    (Ado, "3"),
                    (ClickUp, "4"),
                    (Ado, "5"),
                ],
                true,
            ),
            (
                vec![(Ado, "1"), (ClickUp, "2"), (Ado, "3"), (ClickUp, "4")],
                false,
            ),
        ] {
            assert_eq!(frozen(&list), expected, "{list:?}");
        }
        // Writes of another field say nothing.
        let round = writes(&[(ClickUp, "x"), (Ado, "y"), (ClickUp, "x"), (Ado, "y")]);
        assert!(judge(&FieldKey::State.into(), &round).is_none());
    }
}
