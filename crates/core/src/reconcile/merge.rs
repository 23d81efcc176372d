//! The three-way merge of one field, each side against its own base.
//!
//! "Changed on S" means that S's canonical value differs from S's *own* base. Values are never compared with the other
//! side's base through an inverse table: where a mapping loses something (two states beside one status), that would
//! rewrite what people chose.

mod direction;
mod formatting;

pub use direction::{Allowed, allowed};
pub use formatting::{Flattened, spare};

pub use crate::field::Merged;

use super::policy::{FieldPolicy, Policy};
use crate::field::{Merge, without_base};
use crate::model::{FieldKey, FieldValue, Side, Sided};
use crate::reason::ValueWhy;

/// Merges one field. `base` is `None` when the two sides never agreed on it. The result may hold writes against the
/// direction of the field, which [`allowed`] takes out.
pub fn merge_field(
    key: &FieldKey,
    base: Option<&Sided<FieldValue>>,
    now: &Sided<FieldValue>,
    rule: FieldPolicy,
    policy: &Policy,
) -> Merged {
    let changed = Sided::build(|side| base.is_none_or(|base| base.get(side) != now.get(side)));
    if !changed.ado && !changed.clickup {
        return Merged::InSync;
    }
    match base {
        None if agree(key, now, policy) => Merged::Rebase,
        None => without_base(key.kind(), now, &policy.tables_of(key)),
        Some(base) => merge_changed(key, base, now, changed, rule, policy),
    }
}

/// Merges a field by what changed since the base.
fn merge_changed(
    key: &FieldKey,
    base: &Sided<FieldValue>,
    now: &Sided<FieldValue>,
    changed: Sided<bool>,
    rule: FieldPolicy,
    policy: &Policy,
) -> Merged {
    if agree(key, now, policy) {
        return Merged::Rebase;
    }
    let flows = |side: Side| *changed.get(side) && rule.direction.writes_to(side.other());
    if !Side::BOTH.into_iter().any(flows) {
        // Whether the other side could hold it does not matter then.
        return Merged::Against;
    }
    key.kind().merge(&Merge {
        base,
        now,
        changed,
        winner: rule.winner,
        tables: &policy.tables_of(key),
    })
}

/// Merges one field of which a side counts as changed whatever it shows, because what it shows may be somebody's choice
/// ([`BaseState::Doubted`](crate::model::BaseState::Doubted)).
///
/// | the doubted side | the other side | so |
/// |---|---|---|
/// | any value | one that means the same | agreed: the doubt is over |
/// | any value | another one than its base | a conflict, in which the value of a doubted base does not win by the policy |
/// | any value that is taken whole | its base, so it gave way | the doubted side's value goes over |
/// | any value | doubted as well | a conflict like the one above |
///
/// Of texts and of values with members, whose merge would take one side's part and overlook what is in doubt, both are held
/// whoever wins by the policy.
///
/// Example of the second row: the policy lets ClickUp win. A status was sent there without an answer, and an answer of before
/// that still shows the old one, at a version that somebody's comment made. Did that win, it would be written over the edit
/// that was sent.
pub fn merge_doubted(
    key: &FieldKey,
    base: &Sided<FieldValue>,
    now: &Sided<FieldValue>,
    doubted: &Sided<bool>,
    rule: FieldPolicy,
    policy: &Policy,
) -> Merged {
    let changed = Sided::build(|side| *doubted.get(side) || base.get(side) != now.get(side));
    let values = [&base.ado, &base.clickup, &now.ado, &now.clickup];
    match (
        key.kind_of(values).is_whole(),
        changed.ado && changed.clickup,
    ) {
        (true, _) => {
            let old = |side: Side| *doubted.get(side) && base.get(side) == now.get(side);
            let winner = rule.winner.filter(|side| !old(*side));
            let rule = FieldPolicy { winner, ..rule };
            merge_changed(key, base, now, changed, rule, policy)
        }
        (false, _) if agree(key, now, policy) => Merged::Rebase,
        (false, true) => Merged::Conflict {
            to: Sided::default(),
            taken: None,
        },
        (false, false) => merge_field(key, Some(base), now, rule, policy),
    }
}

/// Returns whether the two values mean the same under the policy's tables.
pub fn agree(key: &FieldKey, now: &Sided<FieldValue>, policy: &Policy) -> bool {
    key.kind().agree(now, &policy.tables_of(key))
}

/// Translates a value into the other side's vocabulary.
///
/// # Errors
/// Why there is no counterpart.
pub fn translate(
    key: &FieldKey,
    from: Side,
    value: &FieldValue,
    policy: &Policy,
) -> Result<FieldValue, ValueWhy> {
    key.kind().translate(from, value, &policy.tables_of(key))
}
