//! Bodies as the REST API sends them. Only what is used; unknown members are skipped. A member that a listing cannot do
//! without is required, so that a foreign body is an error and never an empty list.

use crate::connector::client::tolerant::{rows, rows_in_place};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Deserializer};
use serde_json::{Map, Value};
use std::collections::BTreeMap;

/// Reads `null` where a list belongs as an empty one (area nodes without children have `"children": null`). A list that
/// is missing altogether is still an error where it is not optional.
fn list<'de, D: Deserializer<'de>, T: DeserializeOwned>(source: D) -> Result<Vec<T>, D::Error> {
    Ok(Option::<Vec<T>>::deserialize(source)?.unwrap_or_default())
}

/// Reads a whole number that may be written as text: the answers of delete and restore show ids as strings
/// (MicrosoftDocs/vsts-rest-api-specs, wit 7.1, examples).
fn whole<'de, D: Deserializer<'de>>(source: D) -> Result<i64, D::Error> {
    let value = Value::deserialize(source)?;
    let number = match &value {
        Value::String(text) => text.trim().parse().ok(),
        other => other.as_i64(),
    };
    number.ok_or_else(|| serde::de::Error::custom(format!("{value} is not a whole number")))
}

/// Reads text, and anything else as if it were not there.
fn text_or_nothing<'de, D: Deserializer<'de>>(source: D) -> Result<Option<String>, D::Error> {
    Ok(match Value::deserialize(source)? {
        Value::String(text) => Some(text),
        _ => None,
    })
}

/// Reads text, and anything else as empty.
fn text_or_empty<'de, D: Deserializer<'de>>(source: D) -> Result<String, D::Error> {
    Ok(text_or_nothing(source)?.unwrap_or_default())
}

/// Reads a yes or no, and anything else as no.
fn yes<'de, D: Deserializer<'de>>(source: D) -> Result<bool, D::Error> {
    Ok(Value::deserialize(source)? == Value::Bool(true))
}

/// A list that may be missing, row by row.
fn some<'de, D, T>(deserializer: D) -> Result<Option<Vec<T>>, D::Error>
where
    D: Deserializer<'de>,
    T: DeserializeOwned,
{
    let list = Option::<Value>::deserialize(deserializer)?;
    list.map(rows).transpose().map_err(serde::de::Error::custom)
}

/// A list that may be missing, with the default in place of a row that cannot be read.
fn some_in_place<'de, D, T>(deserializer: D) -> Result<Option<Vec<T>>, D::Error>
where
    D: Deserializer<'de>,
    T: DeserializeOwned + Default,
{
    let list = Option::<Value>::deserialize(deserializer)?;
    list.map(rows_in_place)
        .transpose()
        .map_err(serde::de::Error::custom)
}

/// Answer of a flat WIQL query.
#[derive(Debug, Deserialize)]
pub(super) struct WiqlAnswer {
    #[serde(rename = "asOf")]
    pub(super) as_of: String,
    /// A row that cannot be read has the id 0: the number of rows tells whether more follow.
    #[serde(rename = "workItems", deserialize_with = "rows_in_place")]
    pub(super) work_items: Vec<IdRef>,
}

#[derive(Debug, Default, Deserialize)]
pub(super) struct IdRef {
    #[serde(deserialize_with = "whole")]
    pub(super) id: i64,
}

/// Any list answer. Rows that cannot be read are left out.
#[derive(Debug, Deserialize)]
#[serde(bound = "T: DeserializeOwned")]
pub(super) struct ListOf<T> {
    #[serde(deserialize_with = "rows")]
    pub(super) value: Vec<T>,
}

/// A work item. Unset fields are absent from `fields`.
#[derive(Clone, Debug, Deserialize)]
pub(super) struct WorkItem {
    #[serde(deserialize_with = "whole")]
    pub(super) id: i64,
    #[serde(deserialize_with = "whole")]
    pub(super) rev: i64,
    pub(super) fields: Map<String, Value>,
    /// Markup language per long-text field, `markdown` or `html`; a text in any other is not read.
    #[serde(default, rename = "multilineFieldsFormat")]
    pub(super) formats: Option<BTreeMap<String, Value>>,
    /// A relation that cannot be read is an empty one: a write names relations by their index.
    #[serde(default, deserialize_with = "some_in_place")]
    pub(super) relations: Option<Vec<Relation>>,
}

impl WorkItem {
    /// Returns a field's text, if it is set and a string.
    pub(super) fn text(&self, name: &str) -> Option<&str> {
        self.fields.get(name).and_then(Value::as_str)
    }
}

/// A link of any kind.
#[derive(Clone, Debug, Default, Deserialize)]
pub(super) struct Relation {
    #[serde(default, deserialize_with = "text_or_empty")]
    pub(super) rel: String,
    #[serde(default, deserialize_with = "text_or_empty")]
    pub(super) url: String,
    #[serde(default)]
    pub(super) attributes: Option<Map<String, Value>>,
}

/// A row of the recycle bin. The id is a string in some answers and a number in others.
#[derive(Debug, Deserialize)]
pub(super) struct BinRow {
    #[serde(default)]
    pub(super) id: Option<Value>,
    #[serde(default)]
    pub(super) code: Option<Value>,
    #[serde(default, rename = "deletedDate", deserialize_with = "text_or_nothing")]
    pub(super) deleted_date: Option<String>,
}

/// One page of the link feed.
#[derive(Debug, Deserialize)]
pub(super) struct LinkFeed {
    #[serde(deserialize_with = "rows")]
    pub(super) values: Vec<LinkRow>,
    #[serde(default, rename = "nextLink")]
    pub(super) next_link: Option<String>,
    #[serde(default, rename = "continuationToken")]
    pub(super) continuation_token: Option<String>,
    #[serde(default, rename = "isLastBatch", deserialize_with = "yes")]
    pub(super) is_last_batch: bool,
}

#[derive(Debug, Deserialize)]
pub(super) struct LinkRow {
    #[serde(rename = "sourceId", deserialize_with = "whole")]
    pub(super) source: i64,
    #[serde(rename = "targetId", deserialize_with = "whole")]
    pub(super) target: i64,
}

/// A work item type.
#[derive(Clone, Debug, Default, Deserialize)]
pub(super) struct WireType {
    #[serde(default)]
    pub(super) name: String,
    #[serde(default, rename = "isDisabled", deserialize_with = "yes")]
    pub(super) is_disabled: bool,
    #[serde(default, deserialize_with = "some")]
    pub(super) fields: Option<Vec<WireTypeField>>,
    #[serde(default, rename = "fieldInstances", deserialize_with = "some")]
    pub(super) field_instances: Option<Vec<WireTypeField>>,
    #[serde(default, deserialize_with = "some")]
    pub(super) states: Option<Vec<WireState>>,
    #[serde(default)]
    pub(super) transitions: Option<BTreeMap<String, Option<Vec<WireTransition>>>>,
}

#[derive(Clone, Debug, Deserialize)]
pub(super) struct WireTypeField {
    #[serde(rename = "referenceName")]
    pub(super) reference_name: String,
    /// As people see it; refusals often name a field by it.
    #[serde(default, deserialize_with = "text_or_nothing")]
    pub(super) name: Option<String>,
    #[serde(default, rename = "alwaysRequired", deserialize_with = "yes")]
    pub(super) always_required: bool,
    #[serde(default, rename = "defaultValue")]
    pub(super) default_value: Option<Value>,
    /// The values that it takes; only where they were asked for.
    #[serde(default, rename = "allowedValues", deserialize_with = "some")]
    pub(super) allowed_values: Option<Vec<Value>>,
}

/// A field of a project (learn.microsoft.com, wit/fields/list, 7.1).
#[derive(Clone, Debug, Deserialize)]
pub(super) struct WireField {
    #[serde(rename = "referenceName")]
    pub(super) reference_name: String,
    #[serde(default, deserialize_with = "text_or_empty")]
    pub(super) name: String,
    /// `string`, `double`, ...
    #[serde(default, rename = "type", deserialize_with = "text_or_empty")]
    pub(super) kind: String,
    #[serde(default, rename = "readOnly", deserialize_with = "yes")]
    pub(super) read_only: bool,
    #[serde(default, rename = "isIdentity", deserialize_with = "yes")]
    pub(super) is_identity: bool,
    /// Whether an organisation has made a list of values for it.
    #[serde(default, rename = "isPicklist", deserialize_with = "yes")]
    pub(super) is_picklist: bool,
    /// Whether the values of its list are only suggested.
    #[serde(default, rename = "isPicklistSuggested", deserialize_with = "yes")]
    pub(super) suggests: bool,
}

#[derive(Clone, Debug, Deserialize)]
pub(super) struct WireState {
    pub(super) name: String,
    #[serde(default)]
    pub(super) category: Option<String>,
}

#[derive(Clone, Debug, Deserialize)]
pub(super) struct WireTransition {
    pub(super) to: String,
}

/// Who the token belongs to.
#[derive(Debug, Deserialize)]
pub(super) struct ConnectionData {
    #[serde(rename = "authenticatedUser")]
    pub(super) user: ConnectionUser,
}

#[derive(Debug, Deserialize)]
pub(super) struct ConnectionUser {
    pub(super) id: String,
    #[serde(default, rename = "providerDisplayName")]
    pub(super) display_name: Option<String>,
    #[serde(default)]
    pub(super) properties: Option<Map<String, Value>>,
}

/// An area or iteration with its children.
#[derive(Debug, Deserialize)]
pub(super) struct Node {
    pub(super) name: String,
    #[serde(default, deserialize_with = "list")]
    pub(super) children: Vec<Node>,
}

/// An error body.
#[derive(Debug, Default, Deserialize)]
pub(super) struct ErrorBody {
    #[serde(default, deserialize_with = "text_or_nothing")]
    pub(super) message: Option<String>,
    #[serde(default, rename = "typeKey", deserialize_with = "text_or_nothing")]
    pub(super) type_key: Option<String>,
    #[serde(default, rename = "customProperties")]
    pub(super) custom: Option<Value>,
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn read<T: DeserializeOwned>(value: Value) -> T {
        serde_json::from_value(value).unwrap()
    }

    #[test]
    fn null_where_a_list_belongs_is_an_empty_one_and_a_missing_list_is_an_error() {
        let node: Node =
            read(json!({"name": "Shop", "children": [{"name": "Web", "children": null}]}));
        assert_eq!(node.children.len(), 1);
        let answer: WiqlAnswer = read(json!({"asOf": "2026-05-01T00:00:00Z", "workItems": null}));
        assert!(answer.work_items.is_empty());
        let answer: Result<WiqlAnswer, _> = serde_json::from_value(json!({"asOf": "x"}));
        assert!(answer.is_err());
        let kind: WireType = read(
            json!({"name": "Task", "fields": null, "states": null, "transitions": {"New": null}}),
        );
        assert!(kind.fields.is_none());
    }

    #[test]
    fn ids_may_be_text_and_unknown_kinds_of_values_are_passed_over() {
        let item: WorkItem = read(json!({
            "id": "7", "rev": "3", "fields": {}, "multilineFieldsFormat": {"System.Description": 1, "X": null},
            "relations": [{"rel": "New.Kind", "url": null, "attributes": null}]}));
        assert_eq!((item.id, item.rev), (7, 3));
        let item: WorkItem = read(json!({"id": 7, "rev": 3, "fields": {}, "relations": null}));
        assert!(item.relations.is_none());
        let broken: Result<WorkItem, _> =
            serde_json::from_value(json!({"id": "x", "rev": 1, "fields": {}}));
        assert!(broken.is_err());
    }

    #[test]
    fn an_error_body_of_odd_shape_still_tells_what_it_can() {
        let body: ErrorBody = read(json!({"message": {"text": "no"}, "typeKey": "OddException"}));
        assert_eq!(
            (body.message, body.type_key.as_deref()),
            (None, Some("OddException"))
        );
    }
}
