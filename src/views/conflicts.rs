//! What both sides changed differently. The values are those of `render`, which shows them: [`ConflictRow`].

use crate::model::{FieldKey, Sided};
use crate::reconcile::plan::Conflict;
use crate::render::ConflictRow;
use crate::store::{self, Store, StoreError};

/// Returns every conflict with anything left to show: those that are open, and those that the policy or a person decided.
///
/// # Errors
/// Only the database's.
pub fn conflicts(store: &Store) -> Result<Vec<ConflictRow>, StoreError> {
    store
        .conflicts(false)?
        .iter()
        // One that closed without a winner, because both sides came to agree, has nothing left to show.
        .filter(|stored| stored.resolved_at.is_none() || stored.record.taken.is_some())
        .map(|stored| row(store, stored))
        .collect()
}

/// Returns the conflict of this number; `None`: there is none.
///
/// # Errors
/// Only the database's.
pub fn conflict(store: &Store, id: i64) -> Result<Option<ConflictRow>, StoreError> {
    let stored = store.conflict(id)?;
    stored.map(|stored| row(store, &stored)).transpose()
}

/// Turns a stored conflict into one that can be shown. The title is the one read last, either side's; empty when
/// neither item was ever read.
fn row(store: &Store, stored: &store::Conflict) -> Result<ConflictRow, StoreError> {
    let r = &stored.record;
    let mut title = None;
    for (side, id) in r.items.iter() {
        if title.is_none() {
            title = store.observation(side, id)?.and_then(|seen| {
                seen.item
                    .fields
                    .get(&FieldKey::Title)
                    .map(ToString::to_string)
            });
        }
    }
    let base = match (&r.base.ado, &r.base.clickup) {
        (Some(ado), Some(clickup)) => Some(Sided {
            ado: ado.clone(),
            clickup: clickup.clone(),
        }),
        _ => None,
    };
    Ok(ConflictRow {
        id: stored.id,
        pair: r.pair.clone(),
        conflict: Conflict {
            link: r.link,
            items: r.items.clone(),
            title: title.unwrap_or_default(),
            field: r.field.clone(),
            base,
            now: r.now.clone(),
            raw: r.raw.clone(),
            versions: r.versions,
            taken: r.taken,
        },
    })
}
