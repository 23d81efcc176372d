//! Canonical values to request bodies. Pure: every name is already looked up.

use super::codec;
use super::failure::refused;
use crate::connector::ConnectorError;
use crate::markup;
use crate::model::{FieldKey, FieldValue, Folded, TextFormat};
use chrono_tz::Tz;
use serde_json::{Map, Value};
use std::collections::BTreeSet;

/// What the body of a create or an update needs besides the values.
#[derive(Clone, Debug, Default)]
pub struct Names {
    /// Time zone of the token's user, if known.
    pub zone: Option<Tz>,
    /// The status as the list spells it, if a status is written.
    pub status: Option<String>,
    /// Whether that status completes a task.
    pub completes: bool,
    /// Id of the task type, if a type is written.
    pub type_id: Option<i64>,
}

/// Adds one plain field to a body. People, tags and the description have their own ways.
///
/// # Errors
/// `Refused` naming the field, when ClickUp cannot hold the value.
pub fn put_plain(
    body: &mut Map<String, Value>,
    operation: &str,
    key: &FieldKey,
    value: &FieldValue,
    names: &Names,
) -> Result<(), ConnectorError> {
    let Some(codec) = codec::of(key) else {
        return Err(refused(operation, key, "custom fields are not written yet"));
    };
    let members = (codec.write)(value, names).map_err(|why| refused(operation, key, why))?;
    body.extend(
        members
            .into_iter()
            .map(|(name, value)| (name.to_owned(), value)),
    );
    Ok(())
}

/// Returns what is in `wanted` but not in `now`, and what is in `now` but not in `wanted`.
pub fn delta(
    now: &BTreeSet<Folded>,
    wanted: &BTreeSet<Folded>,
) -> (BTreeSet<Folded>, BTreeSet<Folded>) {
    (
        wanted.difference(now).cloned().collect(),
        now.difference(wanted).cloned().collect(),
    )
}

/// Returns the Markdown to send for a description.
///
/// `current` is the raw text as read, empty for a new task; `wanted` the new canonical text, `None` to leave it;
/// `footer` the label and address of a footer to set. An earlier footer is kept. Never empty: a description is
/// cleared by one space, what an empty string does is not documented (developer.clickup.com reference, Update Task).
pub fn description(current: &str, wanted: Option<&str>, footer: Option<(&str, &str)>) -> String {
    let mut text = match wanted {
        Some(wanted) => markup::put(TextFormat::Markdown, current, wanted),
        None => current.to_owned(),
    };
    if let Some((label, url)) = footer {
        text = markup::with_footer(&text, label, url);
    } else if markup::footer(&text).is_none()
        && let Some((label, url)) = markup::footer(current)
    {
        text = markup::with_footer(&text, &label, &url);
    }
    if text.trim().is_empty() {
        " ".to_owned()
    } else {
        text
    }
}

/// Everything but RFC 3986's unreserved characters.
const UNRESERVED: &percent_encoding::AsciiSet = &percent_encoding::NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'_')
    .remove(b'~')
    .remove(b'.');

/// Returns a name as one percent-encoded path segment (a blank is `%20`, a slash `%2F`).
pub fn segment(name: &str) -> String {
    percent_encoding::utf8_percent_encode(name, UNRESERVED).to_string()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests fail by panicking")]

    use super::*;
    use crate::connector::ErrorKind;
    use serde_json::json;

    fn body(key: FieldKey, value: FieldValue) -> Value {
        let names = Names {
            zone: None,
            status: Some("in progress".into()),
            type_id: Some(7),
            completes: false,
        };
        let mut map = Map::new();
        put_plain(&mut map, "update task", &key, &value, &names).unwrap();
        Value::Object(map)
    }

    fn refusal(key: FieldKey, value: FieldValue) -> Option<FieldKey> {
        let error = put_plain(&mut Map::new(), "t", &key, &value, &Names::default()).unwrap_err();
        assert_eq!(error.kind, ErrorKind::Refused);
        error.field
    }

    #[test]
    fn only_the_named_field_is_written() {
        assert_eq!(
            body(FieldKey::Title, FieldValue::text("a b")),
            json!({"name": "a b"})
        );
        assert_eq!(
            body(FieldKey::State, FieldValue::choice("In Progress")),
            json!({"status": "in progress"})
        );
        assert_eq!(
            body(FieldKey::Type, FieldValue::choice("Bug")),
            json!({"custom_item_id": 7})
        );
        assert_eq!(
            body(FieldKey::Priority, FieldValue::Number(2000)),
            json!({"priority": 2})
        );
        assert_eq!(
            body(FieldKey::Points, FieldValue::Number(3500)),
            json!({"points": 3.5})
        );
        assert_eq!(
            body(FieldKey::Points, FieldValue::Number(3000)),
            json!({"points": 3})
        );
        assert_eq!(
            body(FieldKey::Estimate, FieldValue::Duration(60_000)),
            json!({"time_estimate": 60_000})
        );
        let day = chrono::NaiveDate::from_ymd_opt(2026, 3, 29).unwrap();
        assert_eq!(
            body(FieldKey::DueDate, FieldValue::Day(day)),
            json!({"due_date": 1_774_785_600_000_i64, "due_date_time": false})
        );
    }

    #[test]
    fn each_field_is_cleared_in_its_own_way() {
        assert_eq!(
            body(FieldKey::DueDate, FieldValue::Empty),
            json!({"due_date": null})
        );
        assert_eq!(
            body(FieldKey::StartDate, FieldValue::Empty),
            json!({"start_date": null})
        );
        assert_eq!(
            body(FieldKey::Points, FieldValue::Empty),
            json!({"points": null})
        );
        assert_eq!(
            body(FieldKey::Priority, FieldValue::Empty),
            json!({"priority": null})
        );
        assert_eq!(
            body(FieldKey::Estimate, FieldValue::Empty),
            json!({"time_estimate": 0})
        );
    }

    #[test]
    fn values_that_clickup_cannot_hold_are_refused_before_sending() {
        for (key, value) in [
            (FieldKey::Title, FieldValue::Empty),
            (FieldKey::State, FieldValue::Empty),
            (FieldKey::Type, FieldValue::choice("Epic")),
            (FieldKey::Priority, FieldValue::Number(5000)),
            (FieldKey::Priority, FieldValue::Number(1500)),
            (FieldKey::Points, FieldValue::text("many")),
            (FieldKey::Custom("x".into()), FieldValue::text("y")),
        ] {
            assert_eq!(refusal(key.clone(), value), Some(key));
        }
    }

    #[test]
    fn sets_are_written_as_differences() {
        let set = |names: &[&str]| -> BTreeSet<Folded> {
            names.iter().map(|name| Folded::new(name)).collect()
        };
        assert_eq!(
            delta(&set(&["Keep", "old"]), &set(&["keep", "new"])),
            (set(&["new"]), set(&["old"]))
        );
    }

    #[test]
    fn a_description_is_cleared_by_one_space() {
        assert_eq!(description("old", Some(""), None), " ");
    }

    #[test]
    fn a_cleared_description_keeps_its_footer() {
        let current = markup::with_footer("old", "Bug 1", "https://x.example/1#sx1:a");
        let cleared = description(&current, Some(""), None);
        assert!(!cleared.contains("old"));
        assert_eq!(markup::footer(&cleared), markup::footer(&current));
    }

    #[test]
    fn a_new_footer_replaces_the_earlier_one() {
        let current = markup::with_footer("text", "Bug 1", "https://x.example/1");
        let renewed = description(&current, None, Some(("Bug 2", "https://x.example/2")));
        assert_eq!(
            markup::footer(&renewed),
            Some(("Bug 2".into(), "https://x.example/2".into()))
        );
    }

    #[test]
    fn a_tag_is_one_path_segment_whatever_is_in_it() {
        assert_eq!(segment("needs review"), "needs%20review");
        assert_eq!(segment("a/b?c#d"), "a%2Fb%3Fc%23d");
        assert_eq!(segment("größe"), "gr%C3%B6%C3%9Fe");
        assert_eq!(segment("50%"), "50%25");
    }
}
