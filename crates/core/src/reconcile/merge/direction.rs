//! What the direction of a field leaves of a merge.
//!
//! A field may flow one way. An edit on the side that it flows to stays there and goes nowhere, and it stays an edit: the
//! base does not move. So when the source is edited as well, the source wins and the other edit is kept as a conflict
//! (where both fit in, as in two paragraphs or two tags, that side keeps both). And once the configuration lets the field
//! flow both ways, the edit flows.
//!
//! Example: `points` flow from Azure DevOps to ClickUp, both have 1. Somebody sets 5 in ClickUp: nothing happens. Then 3 is
//! set in Azure DevOps: ClickUp gets 3, and the conflict log has the 5. With the 5 as an agreed value, it would be gone
//! without a word.

use super::Merged;
use crate::model::{FieldValue, Sided};
use crate::reconcile::policy::FieldPolicy;

/// A merge without the writes against the direction of its field.
#[derive(Clone, Debug, PartialEq)]
pub struct Allowed {
    /// What is left to be done.
    pub merged: Merged,
    /// What the side that may not be written to would have got.
    pub kept_back: Option<FieldValue>,
}

/// Takes the writes against the direction of a field out of a merge.
pub fn allowed(merged: Merged, rule: FieldPolicy) -> Allowed {
    let mut kept_back = None;
    let mut keep = |to: Sided<Option<FieldValue>>| {
        to.map(|side, value| match rule.direction.writes_to(side) {
            true => value,
            false => {
                kept_back = value;
                None
            }
        })
    };
    let merged = match merged {
        Merged::Write { to, reason } => Merged::Write {
            to: keep(to),
            reason,
        },
        Merged::Conflict { to, taken } => Merged::Conflict {
            to: keep(to),
            taken,
        },
        other => other,
    };
    let none = |to: &Sided<Option<FieldValue>>| to.ado.is_none() && to.clickup.is_none();
    let nothing_left = match &merged {
        Merged::Write { to, .. } => none(to),
        // One that nobody wins writes nothing anyway, and a person decides.
        Merged::Conflict { to, taken } => taken.is_some() && none(to),
        Merged::InSync | Merged::Rebase | Merged::Against | Merged::Blocked(_) => false,
    };
    match nothing_left {
        true => Allowed {
            merged: Merged::Against,
            kept_back: None,
        },
        false => Allowed { merged, kept_back },
    }
}
