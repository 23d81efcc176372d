//! A long text that one side still owes the other.

use super::text_of;
use crate::model::{FieldValue, Side, Sided};

/// Returns the base that an edit of a long text is measured by.
///
/// A base that is empty on one side, beside a text on the other, may say that the text was sent and only a part of it
/// arrived: we sent "one two", the service kept "one", so "one two" is still owed. Measured by the empty base, the edit
/// would be the whole text and come out as "one one two". Where the text holds everything that the other side has, the
/// other side's base is what it is measured by; then the edit is " two".
///
/// Where the other side has words of its own ("one" here, "three" there, as an undo may leave them), the base stays: both
/// texts are people's.
pub(super) fn measured(base: &Sided<FieldValue>, now: &Sided<FieldValue>) -> Sided<FieldValue> {
    let mut base = base.clone();
    for side in Side::BOTH {
        let (own, other) = (base.get(side), base.get(side.other()));
        let owed = own.is_empty() && !other.is_empty();
        if owed && holds(text_of(now.get(side)), text_of(other)) {
            *base.get_mut(side) = other.clone();
        }
    }
    base
}

/// Whether all visible characters of `part` stand in `whole`, in the same order.
fn holds(whole: &str, part: &str) -> bool {
    let mut whole = whole.chars().filter(|c| !c.is_whitespace());
    let mut part = part.chars().filter(|c| !c.is_whitespace());
    part.all(|wanted| whole.any(|c| c == wanted))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rich(text: &str) -> FieldValue {
        FieldValue::rich(text.to_owned())
    }

    #[test]
    fn a_text_that_arrived_in_part_is_measured_by_that_part() {
        // Base and text of the side that sent, base of the other, the base that counts.
        for (own, now, other, counts) in [
            ("", "one two", "one", "one"),
            ("", "if (a<b) { x }\n\nend", "if (a", "if (a"),
            // The other side's words are nowhere in the text.
            ("", "one", "three", ""),
            ("", "one", "one three", ""),
            // An agreed base is left alone, whatever it holds.
            ("zero", "one two", "one", "zero"),
            ("", "one", "", ""),
            ("", "", "one", ""),
        ] {
            for side in Side::BOTH {
                let sided = |own: &str, other: &str| {
                    Sided::build(|at| rich(if at == side { own } else { other }))
                };
                let found = measured(&sided(own, other), &sided(now, other));
                assert_eq!(*found.get(side), rich(counts), "{own:?} {now:?} {other:?}");
                assert_eq!(*found.get(side.other()), rich(other));
            }
        }
    }
}
