//! The second call of a create: its status, where the create did not take it.

use super::{Inner, Names, put_task};
use crate::connector::Written;
use crate::connector::answer;
use crate::model::{FieldKey, FieldValue, Side};
use serde_json::json;
use std::collections::BTreeMap;

/// Sets the status that a create did not take, once.
pub(super) async fn set_status(
    inner: &Inner,
    written: &mut Written,
    fields: &BTreeMap<FieldKey, FieldValue>,
    names: &Names,
) {
    let Some(FieldValue::Choice(status)) = fields.get(&FieldKey::State) else {
        return;
    };
    let body = json!({"status": names.status.as_ref().unwrap_or(&status.shown)});
    match put_task(inner, &written.item.id, &body).await {
        Ok(Some(item)) => {
            answer::second_call(Side::ClickUp, written, fields, &FieldKey::State, item);
        }
        Ok(None) => {}
        Err(error) => {
            written.pending.insert(FieldKey::State, error.to_string());
        }
    }
}
