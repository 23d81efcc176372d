//! The operations of a patch. Pure.

use super::convert;
use super::fields::PARENT;
use crate::connector::{Backlink, Change};
use crate::field::{FieldSpecs, Form};
use crate::markup;
use crate::model::{FieldKey, FieldValue, Item, ItemId, RichText, Side, TextFormat, legible};
use chrono_tz::Tz;
use serde_json::{Value, json};
use std::borrow::Cow;

/// Builds the field operations of a change, without state. Values that the item already has are left out: a day is
/// never rewritten for its time of day, nor a person for their spelling.
pub(super) fn field_ops(change: &Change, specs: &FieldSpecs, zone: Option<Tz>) -> Vec<Value> {
    let mut ops = Vec::new();
    for (key, value) in &change.set {
        let held = change.current.fields.get(key);
        let (Some(name), false) = (specs.name(Side::Ado, key), held == Some(value)) else {
            continue;
        };
        if *key == FieldKey::State || keeps_person(held, value) {
            continue;
        }
        let form = specs.form(key);
        match sent(form, value, change.current.raw.get(key), zone) {
            Some(sent) if form == Form::Tags => ops.push(tags(name, sent, held)),
            Some(sent) => ops.push(add(name, sent)),
            // Removing an unset field is not needed, and title, type and state cannot be empty.
            None if held.is_none_or(FieldValue::is_empty) => {}
            None if key.row().create.vital => {}
            None => ops.push(json!({"op": "remove", "path": path(name)})),
        }
    }
    ops
}

/// Sets the whole list of tags. `add` unites it with the tags that are there (reported
/// by several clients that tried it, WorkItemUpdater #92 among them), and whether `replace` works where there are none is not known: each where it is safe.
fn tags(name: &str, list: Value, held: Option<&FieldValue>) -> Value {
    let op = match held {
        Some(FieldValue::Tags(_)) => "replace",
        Some(_) | None => "add",
    };
    json!({"op": op, "path": path(name), "value": list})
}

/// Only one person fits: one of the wanted who already has the item keeps it.
fn keeps_person(held: Option<&FieldValue>, wanted: &FieldValue) -> bool {
    let (Some(FieldValue::People(held)), FieldValue::People(wanted)) = (held, wanted) else {
        return false;
    };
    held.first().is_some_and(|person| wanted.contains(person))
}

/// Returns what to send, `None` to remove what is there. Long text keeps its markup language: the format operation is never
/// sent, so that nobody's editor changes under them (ADO-7). Characters that would have the whole patch refused are left
/// out; canonical forms do not have them either, so nobody's edit is lost.
pub(super) fn sent(
    form: Form,
    value: &FieldValue,
    raw: Option<&RichText>,
    zone: Option<Tz>,
) -> Option<Value> {
    let sent = match value {
        // A no is written as one: where a process wants an answer, none is refused.
        _ if form == Form::YesNo => json!(!value.is_empty()),
        FieldValue::Rich(markdown) => {
            let (format, text) = raw.map_or((TextFormat::Html, Cow::Borrowed("")), |raw| {
                (raw.format(), raw.text())
            });
            json!(markup::put(format, &text, markdown))
        }
        FieldValue::Text(text) if form == Form::Line => json!(convert::one_line(text)),
        other => convert::written(other, zone)?,
    };
    Some(match sent {
        Value::String(text) => Value::String(legible(&text).into_owned()),
        other => other,
    })
}

/// Sets a field whether or not it has a value (MicrosoftDocs/vsts-rest-api-specs, wit 7.1, update examples), but for tags.
pub(super) fn add(name: &str, value: Value) -> Value {
    json!({"op": "add", "path": path(name), "value": value})
}

/// Returns the path of a field in a patch.
pub(super) fn path(name: &str) -> String {
    format!("/fields/{name}")
}

pub(super) fn test_rev(rev: i64) -> Value {
    json!({"op": "test", "path": "/rev", "value": rev})
}

pub(super) fn hyperlink(url: &str, comment: &str) -> Value {
    json!({"op": "add", "path": "/relations/-",
           "value": {"rel": "Hyperlink", "url": url, "attributes": {"comment": comment}}})
}

/// Returns the operation that puts a work item under another one. Patched is the child: `System.Parent` can't be written
/// (learn.microsoft.com, Work Items - Update, "Add a link").
pub(super) fn child_of(base_url: &str, parent: &ItemId) -> Value {
    json!({"op": "add", "path": "/relations/-",
           "value": {"rel": PARENT, "url": format!("{base_url}/_apis/wit/workItems/{parent}")}})
}

/// Returns the operation for a back-link that the item does not have yet.
pub(super) fn missing_link(current: &Item, link: Option<&Backlink>) -> Option<Value> {
    let link = link?;
    let there = current.markers.contains(&link.marker) || current.backlinks.contains(&link.url);
    (!there).then(|| hyperlink(&link.url, &link.marker))
}
