//! Creating, changing and deleting items. Every change is one patch with a revision test, plus one per further state.

use super::read::TypeInfo;
use super::wire::WorkItem;
use super::{Shared, convert, fields, read, states};
use crate::connector::{
    Backlink, Change, ConnectorError, ErrorKind, NewItem, Written, refuse_masked,
};
use crate::markup;
use crate::model::{FieldKey, FieldValue, Item, ItemId, PairName, RichText, Side, TextFormat};
use chrono_tz::Tz;
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};

impl Shared {
    pub(super) async fn create(&self, new: &NewItem) -> Result<Written, ConnectorError> {
        refuse_masked(Side::Ado, "create work item", &new.fields)?;
        let scope = self.scope(&new.pair)?;
        let type_name = match new.fields.get(&FieldKey::Type) {
            Some(FieldValue::Choice(name)) => name.shown.as_str(),
            _ => scope.default_type.as_str(),
        };
        let info = self.type_info(&scope.project, type_name).await?;
        let names = names(&scope.fields, &info);
        let wanted_state = match new.fields.get(&FieldKey::State) {
            Some(FieldValue::Choice(state)) => Some(state.shown.clone()),
            _ => None,
        };
        let mut ops = Vec::new();
        let area = scope.area_for_new.as_ref().or(scope.area.as_ref());
        if let Some(area) = area {
            ops.push(add(fields::AREA, json!(area.trim_start_matches('\\'))));
        }
        for (key, value) in &new.fields {
            match key {
                FieldKey::Type | FieldKey::State => {}
                _ => ops.extend(names.get(key).and_then(|name| {
                    let sent = sent(key, value, None, self.zone)?;
                    Some(add(name, sent))
                })),
            }
        }
        let initial = wanted_state
            .as_ref()
            .is_some_and(|state| states::is_initial(&info.transitions, state));
        if let (true, Some(state)) = (initial, &wanted_state) {
            ops.push(add(fields::STATE, json!(state)));
        }
        refuse_oversized("create work item", &names, &ops)?;
        ops.push(hyperlink(&new.source_url, &new.marker));
        let mut wire = self.api.create(&scope.project, type_name, &ops).await?;
        // From here on the item exists: nothing below may fail.
        let mut pending = BTreeMap::new();
        if let Some(state) = wanted_state {
            wire = self.walk_states(wire, &info, &state, &mut pending).await;
        }
        let item = self.convert_created(&wire).await;
        Ok(Written {
            item,
            pending,
            unmarked: None,
            later: BTreeSet::new(),
        })
    }

    /// Converts what a successful create answered. The type was read before, so this only ever uses memory; if it
    /// still failed, the item would be told without fields rather than not at all.
    async fn convert_created(&self, wire: &WorkItem) -> Item {
        match self.convert(wire).await {
            Ok(item) => item,
            Err(error) => {
                tracing::warn!(
                    id = wire.id,
                    "written item told without its fields: {error}"
                );
                let names = BTreeMap::new();
                let context = convert::Context {
                    names: &names,
                    zone: self.zone,
                    hosts: &[],
                    base_url: &self.base_url,
                };
                convert::item(&context, wire)
            }
        }
    }

    /// Sets one state after the other until `wanted`; the first refusal ends it and is reported as pending.
    async fn walk_states(
        &self,
        mut wire: WorkItem,
        info: &TypeInfo,
        wanted: &str,
        pending: &mut BTreeMap<FieldKey, String>,
    ) -> WorkItem {
        let current = wire.text(fields::STATE).unwrap_or("").to_owned();
        if same(&current, wanted) {
            return wire;
        }
        for step in states::way(&info.transitions, &current, wanted) {
            let ops = [test_rev(wire.rev), add(fields::STATE, json!(step))];
            match self.api.patch(wire.id, &ops).await {
                Ok(answer) => wire = answer,
                Err(error) => {
                    pending.insert(FieldKey::State, error.to_string());
                    break;
                }
            }
        }
        wire
    }

    pub(super) async fn update(&self, change: &Change) -> Result<Written, ConnectorError> {
        refuse_masked(Side::Ado, "update work item", &change.set)?;
        let scope = self.scope(&change.pair)?;
        let id = parse(&change.id, "update work item")?;
        let current = &*change.current;
        let project = current
            .container
            .split_once('|')
            .map_or(scope.project.as_str(), |(project, _)| project);
        let type_name = match (
            change.set.get(&FieldKey::Type),
            current.fields.get(&FieldKey::Type),
        ) {
            (Some(FieldValue::Choice(name)), _) | (_, Some(FieldValue::Choice(name))) => {
                name.shown.clone()
            }
            _ => scope.default_type.clone(),
        };
        let info = self.type_info(project, &type_name).await?;
        let names = names(&scope.fields, &info);
        let mut ops = field_ops(change, &names, self.zone);
        refuse_oversized("update work item", &names, &ops)?;
        let mut last_state = None;
        if let Some(FieldValue::Choice(wanted)) = change.set.get(&FieldKey::State) {
            let from = match current.fields.get(&FieldKey::State) {
                Some(FieldValue::Choice(state)) => state.shown.clone(),
                _ => String::new(),
            };
            if !same(&from, &wanted.shown) {
                let way = states::way(&info.transitions, &from, &wanted.shown);
                if let Some(first) = way.first() {
                    ops.push(add(fields::STATE, json!(first)));
                }
                last_state = (way.len() > 1).then(|| wanted.shown.clone());
            }
        }
        let link = change
            .backlink
            .as_ref()
            .filter(|link| lacks(current, link))
            .map(|link| hyperlink(&link.url, &link.marker));
        if ops.is_empty() && link.is_none() {
            return Ok(Written {
                item: current.clone(),
                pending: BTreeMap::new(),
                unmarked: None,
                later: BTreeSet::new(),
            });
        }
        ops.insert(0, test_rev(change.expected.0));
        let plain = ops.clone();
        ops.extend(link);
        let mut wire = match self.api.patch(id, &ops).await {
            // The same link again is an error; somebody else put it there, so go on without.
            Err(error)
                if error.code.as_deref() == Some("RelationAlreadyExistsException")
                    && plain.len() > 1 =>
            {
                self.api.patch(id, &plain).await?
            }
            other => other?,
        };
        let mut pending = BTreeMap::new();
        if let Some(state) = last_state {
            wire = self.walk_states(wire, &info, &state, &mut pending).await;
        }
        let item = self.convert_created(&wire).await;
        Ok(Written {
            item,
            pending,
            unmarked: None,
            later: BTreeSet::new(),
        })
    }

    pub(super) async fn delete(&self, pair: &PairName, id: &ItemId) -> Result<(), ConnectorError> {
        let scope = self.scope(pair)?;
        let id = parse(id, "delete work item")?;
        self.api.delete(&scope.project, id).await
    }

    pub(super) async fn restore(&self, pair: &PairName, id: &ItemId) -> Result<(), ConnectorError> {
        let scope = self.scope(pair)?;
        let id = parse(id, "restore work item")?;
        self.api.restore(&scope.project, id).await
    }
}

/// Builds the field operations of a change, without state. Values that the item already has are left out: a day is
/// never rewritten for its time of day, nor a person for their spelling.
pub(super) fn field_ops(
    change: &Change,
    names: &BTreeMap<FieldKey, String>,
    zone: Option<Tz>,
) -> Vec<Value> {
    let mut ops = Vec::new();
    for (key, value) in &change.set {
        let held = change.current.fields.get(key);
        let (Some(name), false) = (names.get(key), held == Some(value)) else {
            continue;
        };
        if *key == FieldKey::State || keeps_person(held, value) {
            continue;
        }
        match sent(key, value, change.current.raw.get(key), zone) {
            Some(sent) => ops.push(add(name, sent)),
            // Removing an unset field is not needed, and title, type and state cannot be empty.
            None if held.is_none_or(FieldValue::is_empty) => {}
            None if matches!(key, FieldKey::Title | FieldKey::Type) => {}
            None => ops.push(json!({"op": "remove", "path": format!("/fields/{name}")})),
        }
    }
    ops
}

/// Only one person fits: one of the wanted who already has the item keeps it.
fn keeps_person(held: Option<&FieldValue>, wanted: &FieldValue) -> bool {
    let (Some(FieldValue::People(held)), FieldValue::People(wanted)) = (held, wanted) else {
        return false;
    };
    held.first().is_some_and(|person| wanted.contains(person))
}

/// Returns what to send, `None` for an empty value. Long text keeps its markup language: the format operation is never
/// sent, so that nobody's editor changes under them (ADO-7).
fn sent(
    key: &FieldKey,
    value: &FieldValue,
    raw: Option<&RichText>,
    zone: Option<Tz>,
) -> Option<Value> {
    match value {
        FieldValue::Rich(markdown) => {
            let (format, text) = raw.map_or((TextFormat::Html, ""), |raw| {
                (raw.format, raw.text.as_str())
            });
            Some(json!(markup::put(format, text, markdown)))
        }
        FieldValue::Text(text) if *key == FieldKey::Title => Some(json!(convert::title(text))),
        other => convert::written(other, zone),
    }
}

/// Characters that a long text may have (learn.microsoft.com, work item field types, 2024-09: "1-M"; counted as .NET does,
/// in UTF-16 units).
const MAX_LONG_TEXT: usize = 1_048_576;
/// Tags that an item may have, and characters of one (learn.microsoft.com, add tags to work items, 2024-09; more are
/// answered with TF401243).
const MAX_TAGS: usize = 100;
const MAX_TAG: usize = 400;

/// Refuses the first field that is larger than the service takes: asked for, it would refuse the whole item or keep a part.
fn refuse_oversized(
    operation: &str,
    names: &BTreeMap<FieldKey, String>,
    ops: &[Value],
) -> Result<(), ConnectorError> {
    for (key, name) in names {
        let path = format!("/fields/{name}");
        let op = ops
            .iter()
            .find(|op| op.get("path").and_then(Value::as_str) == Some(path.as_str()));
        let Some(text) = op.and_then(|op| op.get("value")?.as_str()) else {
            continue;
        };
        let length = |text: &str| text.encode_utf16().count();
        let message = match key {
            FieldKey::Tags => {
                let tags: Vec<&str> = text.split("; ").collect();
                if tags.len() > MAX_TAGS {
                    format!(
                        "{} tags, and Azure DevOps takes {MAX_TAGS} at most",
                        tags.len()
                    )
                } else if tags.iter().any(|tag| length(tag) > MAX_TAG) {
                    format!(
                        "a tag of more than {MAX_TAG} characters, which Azure DevOps does not take"
                    )
                } else {
                    continue;
                }
            }
            _ if length(text) > MAX_LONG_TEXT => format!(
                "{} characters, and Azure DevOps takes {MAX_LONG_TEXT} at most; nothing is cut off, so shorten it",
                length(text)
            ),
            _ => continue,
        };
        let mut error = ConnectorError::new(Side::Ado, ErrorKind::Refused, operation, message);
        error.field = Some(key.clone());
        return Err(error);
    }
    Ok(())
}

fn names(
    configured: &BTreeMap<FieldKey, Vec<String>>,
    info: &TypeInfo,
) -> BTreeMap<FieldKey, String> {
    fields::resolve(configured, &info.fields)
}

fn lacks(current: &Item, link: &Backlink) -> bool {
    !current.markers.contains(&link.marker) && !current.backlinks.contains(&link.url)
}

fn add(name: &str, value: Value) -> Value {
    // `add` sets a field whether or not it has a value (vsts-rest-api-specs, wit 7.1, update examples).
    json!({"op": "add", "path": format!("/fields/{name}"), "value": value})
}

pub(super) fn test_rev(rev: i64) -> Value {
    json!({"op": "test", "path": "/rev", "value": rev})
}

pub(super) fn hyperlink(url: &str, comment: &str) -> Value {
    json!({"op": "add", "path": "/relations/-",
           "value": {"rel": "Hyperlink", "url": url, "attributes": {"comment": comment}}})
}

fn same(a: &str, b: &str) -> bool {
    a.to_lowercase() == b.to_lowercase()
}

pub(super) fn parse(id: &ItemId, operation: &str) -> Result<i64, ConnectorError> {
    read::number(id).ok_or_else(|| {
        ConnectorError::new(
            Side::Ado,
            ErrorKind::Refused,
            operation,
            format!("{id} is not a work item number"),
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(key: FieldKey, value: &str) -> Option<FieldKey> {
        let names = BTreeMap::from([(FieldKey::Title, "T".to_owned()), (key, "F".to_owned())]);
        let ops = [add("T", json!("title")), add("F", json!(value))];
        refuse_oversized("probe", &names, &ops)
            .err()
            .and_then(|error| error.field)
    }

    #[test]
    fn what_is_too_large_is_refused_before_it_is_sent_and_by_its_field() {
        let text = FieldKey::Description;
        assert_eq!(refused(text.clone(), &"x".repeat(MAX_LONG_TEXT)), None);
        // One character outside the basic plane counts twice.
        for long in [
            "x".repeat(MAX_LONG_TEXT + 1),
            "\u{1f600}".repeat(MAX_LONG_TEXT / 2 + 1),
        ] {
            assert_eq!(refused(text.clone(), &long), Some(text.clone()));
        }
        let tags = |count: usize| {
            (0..count)
                .map(|n| n.to_string())
                .collect::<Vec<_>>()
                .join("; ")
        };
        assert_eq!(refused(FieldKey::Tags, &tags(MAX_TAGS)), None);
        for many in [tags(MAX_TAGS + 1), "x".repeat(MAX_TAG + 1)] {
            assert_eq!(refused(FieldKey::Tags, &many), Some(FieldKey::Tags));
        }
    }
}
