//! Under which mapping a pair's first contact began.
//!
//! A mapping counts as approved when its first plan has been carried out. Where that was cut short, the links made so far
//! come from the mapping of that time, and the configuration may be another one by now. Example: a plan of a thousand creates
//! is stopped half way, somebody adds a field, and the plan goes on. The items that are linked already must be looked at for
//! that field too.

use crate::reconcile::policy::Policy;
use crate::store::{Begun, NoteOp, Store, StoreError};

/// Remembers that links of a pair may be made under this mapping.
pub(super) fn note(store: &mut Store, policy: &Policy) -> Result<(), StoreError> {
    if store.pair_state(&policy.pair)?.fingerprint.is_some() {
        return Ok(());
    }
    let begun = match store.begun(&policy.pair)? {
        None => Begun::Under(policy.fingerprint.clone()),
        Some(Begun::Under(before)) if before != policy.fingerprint => Begun::Several,
        Some(Begun::Under(_) | Begun::Several) => return Ok(()),
    };
    store.note(NoteOp::Begun {
        pair: policy.pair.clone(),
        begun,
    })
}

/// Whether links of a pair may come from another mapping than the present one. `approved`: the mapping that was last carried
/// out in full.
pub(super) fn under_another(
    store: &Store,
    policy: &Policy,
    approved: Option<&str>,
) -> Result<bool, StoreError> {
    Ok(match (approved, store.begun(&policy.pair)?) {
        (Some(approved), _) => approved != policy.fingerprint,
        (None, Some(Begun::Under(begun))) => begun != policy.fingerprint,
        (None, Some(Begun::Several)) => true,
        (None, None) => false,
    })
}
