//! Bodies as the REST API sends them. Only what is used; unknown members are skipped. A member that a listing cannot do
//! without is required, so that a foreign body is an error and never an empty list.

use serde::Deserialize;
use serde_json::{Map, Value};
use std::collections::BTreeMap;

/// Answer of a flat WIQL query.
#[derive(Debug, Deserialize)]
pub(super) struct WiqlAnswer {
    #[serde(rename = "asOf")]
    pub(super) as_of: String,
    #[serde(rename = "workItems")]
    pub(super) work_items: Vec<IdRef>,
}

#[derive(Debug, Deserialize)]
pub(super) struct IdRef {
    pub(super) id: i64,
}

/// Any list answer.
#[derive(Debug, Deserialize)]
pub(super) struct ListOf<T> {
    pub(super) value: Vec<T>,
}

/// A work item. Unset fields are absent from `fields`.
#[derive(Clone, Debug, Deserialize)]
pub(super) struct WorkItem {
    pub(super) id: i64,
    pub(super) rev: i64,
    pub(super) fields: Map<String, Value>,
    #[serde(default, rename = "multilineFieldsFormat")]
    pub(super) formats: Option<BTreeMap<String, String>>,
    #[serde(default)]
    pub(super) relations: Option<Vec<Relation>>,
}

impl WorkItem {
    /// Returns a field's text, if it is set and a string.
    pub(super) fn text(&self, name: &str) -> Option<&str> {
        self.fields.get(name).and_then(Value::as_str)
    }
}

/// A link of any kind.
#[derive(Clone, Debug, Deserialize)]
pub(super) struct Relation {
    pub(super) rel: String,
    pub(super) url: String,
    #[serde(default)]
    pub(super) attributes: Option<Map<String, Value>>,
}

/// A row of the recycle bin. The id is a string in some answers and a number in others.
#[derive(Debug, Deserialize)]
pub(super) struct BinRow {
    pub(super) id: Option<Value>,
    #[serde(default)]
    pub(super) code: Option<i64>,
    #[serde(default, rename = "deletedDate")]
    pub(super) deleted_date: Option<String>,
}

/// One page of the link feed.
#[derive(Debug, Deserialize)]
pub(super) struct LinkFeed {
    pub(super) values: Vec<LinkRow>,
    #[serde(default, rename = "nextLink")]
    pub(super) next_link: Option<String>,
    #[serde(default, rename = "continuationToken")]
    pub(super) continuation_token: Option<String>,
    #[serde(default, rename = "isLastBatch")]
    pub(super) is_last_batch: bool,
}

#[derive(Debug, Deserialize)]
pub(super) struct LinkRow {
    #[serde(rename = "sourceId")]
    pub(super) source: i64,
    #[serde(rename = "targetId")]
    pub(super) target: i64,
}

/// A work item type.
#[derive(Clone, Debug, Default, Deserialize)]
pub(super) struct WireType {
    #[serde(default)]
    pub(super) name: String,
    #[serde(default, rename = "isDisabled")]
    pub(super) is_disabled: bool,
    #[serde(default)]
    pub(super) fields: Option<Vec<WireTypeField>>,
    #[serde(default, rename = "fieldInstances")]
    pub(super) field_instances: Option<Vec<WireTypeField>>,
    #[serde(default)]
    pub(super) states: Option<Vec<WireState>>,
    #[serde(default)]
    pub(super) transitions: Option<BTreeMap<String, Option<Vec<WireTransition>>>>,
}

#[derive(Clone, Debug, Deserialize)]
pub(super) struct WireTypeField {
    #[serde(rename = "referenceName")]
    pub(super) reference_name: String,
    #[serde(default, rename = "alwaysRequired")]
    pub(super) always_required: bool,
    #[serde(default, rename = "defaultValue")]
    pub(super) default_value: Option<Value>,
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
    #[serde(default)]
    pub(super) children: Vec<Node>,
}

/// An error body.
#[derive(Debug, Default, Deserialize)]
pub(super) struct ErrorBody {
    #[serde(default)]
    pub(super) message: Option<String>,
    #[serde(default, rename = "typeKey")]
    pub(super) type_key: Option<String>,
    #[serde(default, rename = "customProperties")]
    pub(super) custom: Option<Value>,
}
