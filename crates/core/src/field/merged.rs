//! What a merge comes to, and the merge of values that are taken whole.

use super::{Kind, Tables};
use crate::model::{FieldValue, Side, Sided};
use crate::reason::ValueWhy;

/// What is to be done about one field.
#[derive(Clone, Debug, PartialEq)]
pub enum Merged {
    /// Nothing.
    InSync,
    /// Both sides agree; the base moves to what they have.
    Rebase,
    /// Nothing, and the base stays: what was edited may not be carried to the other side.
    Against,
    /// One or both sides get a new value.
    Write {
        /// The new value per side; `None`: that side stays.
        to: Sided<Option<FieldValue>>,
        /// Why.
        reason: &'static str,
    },
    /// Both sides changed, differently.
    Conflict {
        /// The new value per side under the policy; both `None` when the field is held.
        to: Sided<Option<FieldValue>>,
        /// The side whose value is kept.
        taken: Option<Side>,
    },
    /// It cannot be decided; the reason says what is missing.
    Blocked(ValueWhy),
}
/// What a merge goes by.
pub struct Merge<'a> {
    /// What each side had when the two last agreed.
    pub base: &'a Sided<FieldValue>,
    /// What each side has.
    pub now: &'a Sided<FieldValue>,
    /// Which side differs from its base.
    pub changed: Sided<bool>,
    /// Whose value is kept when both changed and the two can't be merged; `None`: neither.
    pub winner: Option<Side>,
    /// The pair's tables.
    pub tables: &'a Tables<'a>,
}

/// A new value for one side.
pub(super) fn one(side: Side, value: FieldValue) -> Sided<Option<FieldValue>> {
    let mut to = Sided::default();
    *to.get_mut(side) = Some(value);
    to
}

/// The merge of values that are taken whole.
pub(super) fn whole<K: Kind + ?Sized>(kind: &K, of: &Merge<'_>) -> Merged {
    match (of.changed.ado, of.changed.clickup) {
        (true, false) => take(
            kind,
            Side::Ado,
            of.now,
            "changed in Azure DevOps",
            of.tables,
        ),
        (false, true) => take(kind, Side::ClickUp, of.now, "changed in ClickUp", of.tables),
        (true, true) | (false, false) => settle(kind, of),
    }
}

fn take<K: Kind + ?Sized>(
    kind: &K,
    from: Side,
    now: &Sided<FieldValue>,
    reason: &'static str,
    tables: &Tables<'_>,
) -> Merged {
    match kind.translate(from, now.get(from), tables) {
        Ok(value) if value == *now.get(from.other()) => Merged::Rebase,
        Ok(value) => Merged::Write {
            to: one(from.other(), value),
            reason,
        },
        Err(reason) => Merged::Blocked(reason),
    }
}

/// Both sides changed a value that cannot be merged: the policy's side wins, or the field is held.
fn settle<K: Kind + ?Sized>(kind: &K, of: &Merge<'_>) -> Merged {
    let Some(winner) = of.winner else {
        return Merged::Conflict {
            to: Sided::default(),
            taken: None,
        };
    };
    match kind.translate(winner, of.now.get(winner), of.tables) {
        Ok(value) => Merged::Conflict {
            to: one(winner.other(), value),
            taken: Some(winner),
        },
        Err(reason) => Merged::Blocked(reason),
    }
}

/// Without a base nothing tells an old value from a new one, so only filling a gap is safe; the rest is held.
pub fn without_base(kind: &dyn Kind, now: &Sided<FieldValue>, tables: &Tables<'_>) -> Merged {
    for side in Side::BOTH {
        if now.get(side.other()).is_empty() && !now.get(side).is_empty() {
            return take(kind, side, now, "empty on this side at first sight", tables);
        }
    }
    for side in Side::BOTH {
        if let Err(reason) = kind.translate(side, now.get(side), tables) {
            return Merged::Blocked(reason);
        }
    }
    Merged::Conflict {
        to: Sided::default(),
        taken: None,
    }
}
