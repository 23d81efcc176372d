//! Long text: the description. Merged line by line; each side keeps its own formatting.

mod owed;

use super::merged::one;
use super::{Form, Kind, Merge, Merged};
use crate::model::{FieldValue, Side, Sided, TextFormat};
use boardsync_markup::{self as markup, TextMerge};

pub(super) struct Text;

impl Kind for Text {
    fn form(&self) -> Form {
        Form::LongText
    }

    fn merge(&self, of: &Merge<'_>) -> Merged {
        let now = of.now;
        let base = &owed::measured(of.base, now);
        match (of.changed.ado, of.changed.clickup) {
            (true, true) if set_again(of.base, now) => contend(now, of.winner),
            (true, true) => merge_text(base, now, of.winner),
            (true, false) => carry_text(Side::Ado, base, now, "changed in Azure DevOps"),
            (false, _) => carry_text(Side::ClickUp, base, now, "changed in ClickUp"),
        }
    }

    fn is_rendered(&self) -> bool {
        true
    }

    fn in_step(&self, now: &Sided<FieldValue>) -> Option<&'static str> {
        match (&now.ado, &now.clickup) {
            (FieldValue::Rich(ado), FieldValue::Rich(clickup))
                if markup::same_words(ado, clickup) =>
            {
                Some(
                    "the same words; one of the services cannot hold a link or a format of the other",
                )
            }
            _ => None,
        }
    }

    /// Whether a reader sees the same.
    fn in_force(&self, _side: Side, wanted: &FieldValue, shown: &FieldValue) -> bool {
        match (wanted, shown) {
            (FieldValue::Rich(wanted), FieldValue::Rich(shown)) => {
                markup::reads_alike(wanted, shown)
            }
            (FieldValue::Rich(wanted), FieldValue::Empty) => markup::reads_alike(wanted, ""),
            _ => false,
        }
    }

    fn typed(&self, text: &str) -> Option<FieldValue> {
        let text = markup::canonical(TextFormat::Markdown, text);
        Some(FieldValue::rich(text))
    }

    fn example(&self, _side: Side, n: u32) -> FieldValue {
        FieldValue::rich(format!("w{n}a\n\nw{n}b"))
    }
}

/// One side's edit of a long text, made in the other side's text: what that side's service dropped was no edit, so it is
/// not carried over with it.
fn carry_text(
    from: Side,
    base: &Sided<FieldValue>,
    now: &Sided<FieldValue>,
    reason: &'static str,
) -> Merged {
    let to = from.other();
    let text = |value: &FieldValue| text_of(value).to_owned();
    let value = FieldValue::rich(markup::carry(
        &text(base.get(from)),
        &text(now.get(from)),
        &text(now.get(to)),
    ));
    match value == *now.get(to) {
        true => Merged::Rebase,
        false => Merged::Write {
            to: one(to, value),
            reason,
        },
    }
}
/// Line diff3. Where the two bases differ (a lossy rendering), each side's edit is first carried over to the other side's
/// base, so that the loss itself is not mistaken for an edit.
fn merge_text(base: &Sided<FieldValue>, now: &Sided<FieldValue>, winner: Option<Side>) -> Merged {
    let merged = |side: Side| {
        let (own, other) = (side, side.other());
        let text = |values: &Sided<FieldValue>, side: Side| text_of(values.get(side)).to_owned();
        let own_base = text(base, own);
        let carried = markup::carry(&text(base, other), &text(now, other), &own_base);
        markup::merge3(&own_base, &text(now, own), &carried)
    };
    let write = |texts: Sided<String>| {
        texts.map(|side, text| {
            let value = FieldValue::rich(text);
            (value != *now.get(side)).then_some(value)
        })
    };
    let held = Merged::Conflict {
        to: Sided::default(),
        taken: None,
    };
    let merged = Sided::build(merged);
    let clean = |side: Side| matches!(merged.get(side), TextMerge::Clean(_));
    let same = markup::same_words(text_of(&base.ado), text_of(&base.clickup));
    // Of texts that an undo left apart one side may lack the very words that the other one's edit is about.
    let overlap = !clean(Side::Ado) || !same && !clean(Side::ClickUp);
    let texts = |winner: Side| {
        let settled = Sided::build(|side| match merged.get(side) {
            TextMerge::Clean(text) => text.clone(),
            TextMerge::Conflict { taking_a, .. } if winner == side => taking_a.clone(),
            TextMerge::Conflict { taking_b, .. } => taking_b.clone(),
        });
        // Seen from either side it is one merge: the same words, and a conflict in both or in none.
        let differ = !markup::same_words(&settled.ado, &settled.clickup);
        // What an undo left apart is decided together with the overlap: the conflict that names it gives way to this one.
        if !same && differ && overlap {
            let text = match winner {
                Side::Ado => settled.ado,
                Side::ClickUp => settled.clickup,
            };
            return Sided::build(|_| text.clone());
        }
        let apart = same && differ;
        match apart || clean(Side::Ado) != clean(Side::ClickUp) {
            true => Sided {
                clickup: settled.ado.clone(),
                ado: settled.ado,
            },
            false => settled,
        }
    };
    match (overlap, winner) {
        (false, _) => {
            let to = write(texts(Side::Ado));
            match to.ado.is_none() && to.clickup.is_none() {
                true => Merged::Rebase,
                false => Merged::Write {
                    to,
                    reason: "edited on both sides, merged",
                },
            }
        }
        (true, Some(winner)) => Merged::Conflict {
            to: write(texts(winner)),
            taken: Some(winner),
        },
        (true, None) => held,
    }
}
/// Two texts of which one goes over the other as a whole, if either does.
fn contend(now: &Sided<FieldValue>, winner: Option<Side>) -> Merged {
    let write = |winner: Side| one(winner.other(), now.get(winner).clone());
    Merged::Conflict {
        to: winner.map(write).unwrap_or_default(),
        taken: winner,
    }
}

/// Whether a side shows the words that the other side's base has and its own base has not. What an undo took out of one side
/// somebody has put back there, and that is no less an edit than the one that the other side has by now.
///
/// Example: an undo empties a task's description, and Bo puts the text back. Meanwhile Ana changes a word of it in the work
/// item. Merged line by line, her text would go over his as if he had done nothing.
fn set_again(base: &Sided<FieldValue>, now: &Sided<FieldValue>) -> bool {
    let same =
        |one: &FieldValue, other: &FieldValue| markup::same_words(text_of(one), text_of(other));
    !same(&base.ado, &base.clickup)
        && Side::BOTH.into_iter().any(|side| {
            let was = base.get(side.other());
            !was.is_empty() && same(now.get(side), was)
        })
}

/// The words of a text; none of any other value.
pub fn text_of(value: &FieldValue) -> &str {
    match value {
        FieldValue::Rich(text) => text,
        FieldValue::Text(text) => text,
        _ => "",
    }
}
