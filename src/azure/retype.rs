//! A change of type takes along what the new type keeps in another field. Pure.
//!
//! The service moves nothing: a Bug that becomes a User Story keeps its text in the repro steps, which the new form does
//! not show, and shows an empty description (microsoft/azure-devops-mcp #1521 and #1527, nkdAgility/azure-devops-migration-tools
//! #229).

use crate::connector::{Change, ConnectorError, ErrorKind};
use crate::field::{FieldSpec, FieldSpecs};
use crate::model::{FieldKey, FieldValue, Item, Side};

/// Returns the fields that both types hold, under different names.
pub(super) fn moved(before: &FieldSpecs, after: &FieldSpecs) -> Vec<FieldKey> {
    let moves = |spec: &FieldSpec, name: &str| {
        let new = after.name(Side::Ado, &spec.key);
        new.is_some_and(|new| new != name)
    };
    before
        .on(Side::Ado)
        .filter(|(spec, name)| moves(spec, name))
        .map(|(spec, _)| spec.key.clone())
        .collect()
}

/// Returns the change with the values of the moved fields in it, as a patch of the item as the new type shows it (`there`).
///
/// # Errors
/// `Refused`, for the type, where a field of the new type holds something else already: nobody has seen it beside the
/// type that the item has, so it is neither overwritten nor taken for the value.
pub(super) fn carry(
    change: &Change,
    moved: &[FieldKey],
    there: &Item,
) -> Result<Change, ConnectorError> {
    let mut change = change.clone();
    for key in moved {
        let held = change.current.fields.get(key).cloned();
        let held = held.unwrap_or(FieldValue::Empty);
        let Some(found) = there.fields.get(key) else {
            continue;
        };
        if !found.is_empty() && *found != held {
            let message = format!(
                "the item holds another {key} in the field that the new type shows, which nobody saw so far; look at it \
                 in Azure DevOps and change the type there"
            );
            let mut error =
                ConnectorError::new(Side::Ado, ErrorKind::Refused, "update work item", message);
            error.field = Some(FieldKey::Type);
            return Err(error);
        }
        if !held.is_empty() {
            change.set.entry(key.clone()).or_insert(held);
        }
        change.current.fields.insert(key.clone(), found.clone());
        match there.raw.get(key) {
            Some(raw) => change.current.raw.insert(key.clone(), raw.clone()),
            None => change.current.raw.remove(key),
        };
    }
    Ok(change)
}
