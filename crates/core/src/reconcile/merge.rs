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
    if agree(key, now, policy) {
        return Merged::Rebase;
    }
    let tables = policy.tables();
    let Some(base) = base else {
        return without_base(key.kind(), now, &tables);
    };
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
        tables: &tables,
    })
}

/// Returns whether the two values mean the same under the policy's tables.
pub fn agree(key: &FieldKey, now: &Sided<FieldValue>, policy: &Policy) -> bool {
    key.kind().agree(now, &policy.tables())
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
    key.kind().translate(from, value, &policy.tables())
}
