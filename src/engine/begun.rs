//! Under which mapping a pair's first contact began.
//!
//! A mapping counts as approved when its first plan has been carried out. Where that was cut short, the links made so far
//! come from the mapping of that time, and the configuration may be another one by now. Example: a plan of a thousand creates
//! is stopped half way, somebody adds a field, and the plan goes on. The items that are linked already must be looked at for
//! that field too.

use crate::model::PairName;
use crate::reconcile::policy::Policy;
use crate::store::{Store, StoreError};

/// Stands for more than one mapping.
const SEVERAL: &str = "several";

fn key(pair: &PairName) -> String {
    format!("begun:{pair}")
}

/// Remembers that links of a pair may be made under this mapping.
pub(super) fn note(store: &mut Store, policy: &Policy) -> Result<(), StoreError> {
    if store.pair_state(&policy.pair)?.fingerprint.is_some() {
        return Ok(());
    }
    let key = key(&policy.pair);
    let before = store.meta(&key)?;
    let now = match before.as_deref() {
        None => policy.fingerprint.as_str(),
        Some(before) if before == policy.fingerprint => return Ok(()),
        Some(_) => SEVERAL,
    };
    store.set_meta(&key, now)
}

/// Whether links of a pair may come from another mapping than the present one. `approved`: the mapping that was last carried
/// out in full.
pub(super) fn under_another(
    store: &Store,
    policy: &Policy,
    approved: Option<&str>,
) -> Result<bool, StoreError> {
    let begun = store.meta(&key(&policy.pair))?;
    let mut before = approved.or(begun.as_deref()).into_iter();
    Ok(before.any(|before| before != policy.fingerprint))
}
