//! Tells a loop from work: are we the ones who keep changing this field?
//!
//! Two automations that undo each other, or a value that a service keeps rewriting, make every cycle carry the field
//! over once more. What gives that away is that the writes go round: to both sides, or the same value again. Ever new
//! values towards one side are somebody writing a long text, however many there are.

use crate::model::{FieldKey, FieldValue, Side, Timestamp};

/// How far back writes count.
pub const WINDOW_MS: i64 = 3_600_000;
/// This many writes in the window are let through, even if they go round.
const WRITES: usize = 4;

/// One write of ours.
#[derive(Clone, Debug, PartialEq)]
pub struct Past {
    /// The side that was written.
    pub side: Side,
    /// Local time.
    pub at: Timestamp,
    /// The field.
    pub field: FieldKey,
    /// The value that was written.
    pub value: FieldValue,
}

/// Returns why no more is to be written to a field; `writes` are those of its link within the window, oldest first.
pub fn judge(field: &FieldKey, writes: &[Past]) -> Option<String> {
    let own: Vec<&Past> = writes.iter().filter(|past| past.field == *field).collect();
    if !(there_and_back(&own) || own.len() > WRITES && goes_round(&own)) {
        return None;
    }
    Some(format!(
        "written {} times within the hour and it keeps coming back, so something else keeps changing it; stop that, then choose with `boardsync conflicts resolve`",
        own.len()
    ))
}

/// x here, something there, x here again: what we wrote was undone, we carried that over, and it was done once more.
fn there_and_back(writes: &[&Past]) -> bool {
    writes.iter().enumerate().any(|(first, past)| {
        let later = writes.iter().skip(first + 1);
        let mut between = false;
        for next in later {
            if next.side != past.side {
                between = true;
            } else if between && next.value == past.value {
                return true;
            }
        }
        false
    })
}

fn goes_round(writes: &[&Past]) -> bool {
    let both = Side::BOTH
        .iter()
        .all(|side| writes.iter().any(|past| past.side == *side));
    let again = writes.iter().enumerate().any(|(at, past)| {
        let mut later = writes.iter().skip(at + 1);
        later.any(|next| next.side == past.side && next.value == past.value)
    });
    both || again
}

#[cfg(test)]
mod tests {
    use super::*;

    fn writes(list: &[(Side, &str)]) -> Vec<Past> {
        let past = |(side, value): &(Side, &str)| Past {
            side: *side,
            at: Timestamp(0),
            field: FieldKey::Title,
            value: FieldValue::text(value),
        };
        list.iter().map(past).collect()
    }

    fn frozen(list: &[(Side, &str)]) -> bool {
        judge(&FieldKey::Title, &writes(list)).is_some()
    }

    #[test]
    fn what_goes_round_is_a_loop_and_what_goes_on_is_not() {
        use Side::{Ado, ClickUp};
        for (list, expected) in [
            (vec![], false),
            (vec![(ClickUp, "x"), (Ado, "y")], false),
            (vec![(ClickUp, "x"), (Ado, "y"), (ClickUp, "x")], true),
            (vec![(ClickUp, "x"), (Ado, "y"), (ClickUp, "z")], false),
            // A person who toggles on one side is followed.
            (vec![(ClickUp, "x"), (ClickUp, "y"), (ClickUp, "x")], false),
            (
                ["x", "y", "x", "y", "x"].map(|v| (ClickUp, v)).to_vec(),
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
        assert!(
            judge(
                &FieldKey::State,
                &writes(&[(ClickUp, "x"), (Ado, "y"), (ClickUp, "x")])
            )
            .is_none()
        );
    }
}
