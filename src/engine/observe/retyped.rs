//! Fields that a person's change of type emptied in Azure DevOps.
//!
//! The service moves nothing when a type changes: a Bug that becomes a User Story keeps its text in the repro steps, and
//! the description, which is what the new form shows, is empty. That is nobody's edit, so it empties no task: the task's
//! value is written into the field that the new type has.
//!
//! What was seen of an item is kept until nothing is left undone for it, so a kill or a refusal in between does not
//! make an edit of it: until the value is there, the type that was seen last is the old one.

use crate::model::{FieldKey, FieldValue, Side};
use crate::reconcile::LinkView;
use crate::store::{Store, StoreError};

/// Takes what a change of type emptied as agreed in Azure DevOps and as new in ClickUp, whose value then goes over.
pub(super) fn refill(store: &Store, link: &mut LinkView) -> Result<(), StoreError> {
    let Some(now) = link.now.ado.item() else {
        return Ok(());
    };
    let emptied: Vec<FieldKey> = FieldKey::BUILT_IN
        .into_iter()
        // Types keep these under different names.
        .filter(|key| key.row().ado.names.len() > 1)
        .filter(|key| now.fields.get(key).is_some_and(FieldValue::is_empty))
        .filter(|key| link.base.get(key).is_some_and(|base| !base.ado.is_empty()))
        .collect();
    if emptied.is_empty() {
        return Ok(());
    }
    let earlier = store.observation(Side::Ado, &now.id)?;
    let earlier = earlier
        .as_ref()
        .and_then(|seen| seen.item.fields.get(&FieldKey::Type));
    let retyped = match (earlier, now.fields.get(&FieldKey::Type)) {
        (Some(earlier), Some(now)) => earlier != now,
        _ => false,
    };
    for key in emptied.into_iter().filter(|_| retyped) {
        if let Some(base) = link.base.get_mut(&key) {
            base.ado = FieldValue::Empty;
            base.clickup = FieldValue::Empty;
        }
    }
    Ok(())
}
