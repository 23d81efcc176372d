//! A write that would flatten formatting is a conflict.
//!
//! One side's edit of a block can only be written to the other by writing that block anew. Where the block there has
//! formatting that canonical Markdown cannot express, the write would take away what nobody edited. Then the policy
//! decides: if the side that was edited wins, its text is written and the formatted one is kept in the conflict; in
//! every other case both texts stay as they are until somebody edits again or settles it. The base does not move.

use super::Merged;
use crate::field::text_of;
use crate::model::{FieldKey, Item, Side, Sided};
use crate::reason::ValueWhy;
use crate::reconcile::policy::FieldPolicy;
use boardsync_markup as markup;

/// A write that would flatten formatting.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Flattened {
    /// The side whose formatting it is.
    pub side: Side,
    /// What would be gone.
    pub what: &'static str,
}

impl Flattened {
    /// Returns why nothing is written, and what would help.
    pub fn held(&self) -> ValueWhy {
        ValueWhy::Flattens {
            side: self.side,
            what: self.what.to_owned(),
        }
    }
}

/// Turns a write of a long text that would flatten formatting into a conflict. Everything else comes back as it is.
pub fn spare(
    key: &FieldKey,
    merged: Merged,
    items: &Sided<&Item>,
    rule: FieldPolicy,
) -> (Merged, Option<Flattened>) {
    let (Merged::Write { to, .. } | Merged::Conflict { to, .. }) = &merged else {
        return (merged, None);
    };
    let flattened = |side: Side| {
        let raw = items.get(side).raw.get(key)?;
        let text = text_of(to.get(side).as_ref()?);
        let what = markup::flattens(raw.format(), &raw.text(), text)?;
        Some(Flattened { side, what })
    };
    let found = Sided::build(flattened);
    let decided = |flat: &Flattened| rule.winner == Some(flat.side.other());
    let held = Side::BOTH
        .into_iter()
        .filter_map(|side| found.get(side).clone())
        .find(|flat| !decided(flat));
    if let Some(flat) = held {
        let to = Sided::build(|_| None);
        return (Merged::Conflict { to, taken: None }, Some(flat));
    }
    match (merged, found.ado.or(found.clickup)) {
        (Merged::Write { to, .. }, Some(flat)) => {
            let taken = Some(flat.side.other());
            (Merged::Conflict { to, taken }, Some(flat))
        }
        (merged, _) => (merged, None),
    }
}
