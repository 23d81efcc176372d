//! The live vocabulary of a pair's lists, for `check` and for proposing mappings.

use super::Scope;
use super::api::Inner;
use super::body;
use super::convert::BUILT_IN_TYPES;
use super::failure::single_line;
use super::walk::Query;
use super::wire::{CustomField, FieldsAnswer, List, Num, Page, Slot, TypeConfig};
use crate::connector::client::Priority;
use crate::connector::{ConnectorError, ErrorKind, Schema, SchemaFinding, SchemaState, SchemaType};
use crate::field::WantedFields;
use crate::field::negotiate::Native;
use crate::model::{FieldKey, Folded, PairName};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};

/// The key of the configuration that names the list of a pair.
const LIST: &str = "list";
/// The number of the type that every new task has.
const TASK: i64 = 0;
/// The role of a guest (developer.clickup.com, custom roles).
const GUEST: i64 = 4;

/// Reads the vocabulary of a pair.
///
/// # Errors
/// Only what makes every other request fail too; a part that cannot be read becomes a finding.
pub async fn fetch(inner: &Inner, pair: &PairName) -> Result<Schema, ConnectorError> {
    let scope = inner.scope(pair, "read the vocabulary")?;
    let mut schema = Schema::default();
    let me = inner.fetch_me().await?;
    schema.me = Some((me.id.to_string(), me.name.clone()));
    if me.zone.is_none() {
        let text = "The token's user has no time zone that is known, so dates are not read.";
        schema.findings.push(text.to_owned().into());
    }
    let directory = inner.fetch_directory(true).await;
    if let Some(directory) = tolerate(directory, &mut schema, "The workspace members", None)? {
        schema.people = directory
            .by_id
            .values()
            .map(|person| (person.key.clone(), person.shown.clone()))
            .collect::<BTreeSet<_>>()
            .into_iter()
            .collect();
        if directory.roles.get(&me.id) == Some(&GUEST) {
            schema.warnings.push(format!(
                "The token's user ({}) is a guest and sees only what was shared with them, without fields that are hidden from guests; use the token of a member.",
                single_line(&me.name)
            ));
        }
    }
    let mut states: Option<Vec<SchemaState>> = None;
    for id in scope.watched().collect::<BTreeSet<_>>() {
        let list = inner.fetch_list(id, true).await;
        let Some(list) = tolerate(list, &mut schema, &format!("List {id}"), Some(id))? else {
            schema.states_unread |= id == scope.list;
            continue;
        };
        schema.containers.push((id.to_owned(), name_of(&list, id)));
        findings_of_list(&list, id, id == scope.list, &mut schema);
        let own = states_of(&list);
        // Tasks are created in the main list: its statuses are the ones that can be written there.
        if id == scope.list || states.is_none() {
            states = Some(own);
        }
        if id == scope.list
            && let Some(space) = list.space.get().and_then(|space| space.id.get())
        {
            let features = fetch_features(inner, &space.0).await;
            if let Some(features) = tolerate(features, &mut schema, "The space's features", None)? {
                findings_of_features(&features, &scope.fields, &mut schema);
            }
        }
    }
    if scope.fields.keys().any(FieldKey::is_custom) {
        schema.customs = customs(inner, scope, &mut schema).await?;
    }
    let mut names: Vec<String> = BUILT_IN_TYPES.map(|(_, name)| name.to_owned()).to_vec();
    let types = inner.fetch_types(true).await;
    match tolerate(types, &mut schema, "The task types", None)? {
        Some(types) => names.extend(types.values().cloned()),
        None => schema.types_unread = true,
    }
    let fields: BTreeSet<String> = FieldKey::BUILT_IN.iter().map(ToString::to_string).collect();
    let required = FieldKey::BUILT_IN
        .iter()
        .filter(|key| key.row().create.filled);
    let required: BTreeSet<String> = required.map(ToString::to_string).collect();
    schema.types = distinct_names(names)
        .into_iter()
        .map(|name| SchemaType {
            name,
            states: states.clone().unwrap_or_default(),
            transitions: BTreeMap::new(),
            fields: fields.clone(),
            required: required.clone(),
        })
        .collect();
    Ok(schema)
}

/// Reads the custom fields of the pair's lists, each once.
async fn customs(
    inner: &Inner,
    scope: &Scope,
    schema: &mut Schema,
) -> Result<Vec<Native>, ConnectorError> {
    let mut found: Vec<Native> = Vec::new();
    for id in scope.watched().collect::<BTreeSet<_>>() {
        let path = format!("list/{}/field", body::segment(id));
        let url = inner.address(&path, &[])?;
        let operation = "read the custom fields of a list";
        let answer: Result<FieldsAnswer, _> =
            inner.fetch_json(url, operation, Priority::Live).await;
        let what = format!("The custom fields of list {id}");
        let Some(answer) = tolerate(answer, schema, &what, Some(id))? else {
            schema.customs_unread =
                Some(format!("the custom fields of list {id} could not be read"));
            continue;
        };
        for native in answer.fields.iter().filter_map(native) {
            let known = found.iter().position(|own| own.id == native.id);
            let at = known.unwrap_or(found.len());
            if known.is_none() {
                found.push(native);
            }
            if let Some(own) = found.get_mut(at) {
                own.places.insert(id.to_owned());
            }
        }
    }
    Ok(found)
}

fn native(field: &CustomField) -> Option<Native> {
    let options = field
        .type_config
        .get()
        .and_then(|config| config.options.get());
    let mut options: Vec<_> = options.into_iter().flatten().collect();
    options.sort_by_key(|option| option.orderindex.get().map_or(i64::MAX, |at| at.0));
    let options = options.into_iter();
    let options = options
        .filter_map(|option| Some((option.id.get()?.0.clone(), option.called()?.to_owned())));
    let kind = field.kind.get()?.clone();
    let limit = |of: fn(&TypeConfig) -> &Slot<Num>| {
        let config = field.type_config.get()?;
        of(config).get().map(|number| number.0)
    };
    // developer.clickup.com/docs/customfields: a rating is 0 to `count`, progress is between `start` and `end`.
    let range = match kind.as_str() {
        "emoji" => limit(|config| &config.count).map(|count| (0, count)),
        "manual_progress" => limit(|config| &config.start).zip(limit(|config| &config.end)),
        _ => None,
    };
    Some(Native {
        range,
        id: field.id.get()?.0.clone(),
        name: field.name.get()?.0.clone(),
        kind,
        options: options.collect(),
        ..Native::default()
    })
}

/// Returns the types that no workspace is without, and of which the pair's lists hold no task. `Task` is never among them:
/// it is what every new task is.
///
/// # Errors
/// The listing failed.
pub async fn fetch_idle_types(
    inner: &Inner,
    pair: &PairName,
) -> Result<Vec<String>, ConnectorError> {
    let scope = inner.scope(pair, "read the task types in use")?;
    let mut idle = Vec::new();
    for (id, name) in BUILT_IN_TYPES.into_iter().filter(|(id, _)| *id != TASK) {
        let query =
            Query::of_workspace(&inner.workspace, scope.watched(), "created", Priority::Live);
        // As developer.clickup.com, Get Filtered Team Tasks, has it: 1 for milestones.
        let query = query.with("custom_items[]", id).with("page", 0);
        let url = inner.address(&query.path, &query.params)?;
        let page: Page = inner
            .fetch_json(url, "read the task types in use", Priority::Live)
            .await?;
        if page.tasks.is_empty() {
            idle.push(name.to_owned());
        }
    }
    Ok(idle)
}

/// Turns what concerns one part only into a finding. `list`: the list that it is about.
fn tolerate<T>(
    result: Result<T, ConnectorError>,
    schema: &mut Schema,
    what: &str,
    list: Option<&str>,
) -> Result<Option<T>, ConnectorError> {
    match result {
        Ok(value) => Ok(Some(value)),
        Err(error) => match error.kind {
            ErrorKind::NotFound | ErrorKind::Refused | ErrorKind::Protocol => {
                let text = format!("{what} could not be read: {error}.");
                // ClickUp says 401 both for what may not be seen and for what never existed.
                if matches!(error.status, Some(401 | 403)) {
                    let text =
                        format!("{text} Correct the id, or have it shared with the token's user.");
                    schema.missing_rights.push(finding(text, list));
                } else {
                    schema.findings.push(finding(text, list));
                }
                Ok(None)
            }
            ErrorKind::Unreachable
            | ErrorKind::Ambiguous
            | ErrorKind::Auth
            | ErrorKind::Throttled
            | ErrorKind::Stale
            | ErrorKind::Cancelled => Err(error),
        },
    }
}

fn finding(text: String, list: Option<&str>) -> SchemaFinding {
    match list {
        Some(id) => SchemaFinding::about(text, LIST, id),
        None => text.into(),
    }
}

fn distinct_names(names: Vec<String>) -> Vec<String> {
    let mut seen = BTreeSet::new();
    names
        .into_iter()
        .filter(|name| seen.insert(Folded::new(name)))
        .collect()
}

fn name_of(list: &List, id: &str) -> String {
    list.name
        .get()
        .map_or_else(|| id.to_owned(), |name| name.0.clone())
}

fn states_of(list: &List) -> Vec<SchemaState> {
    let mut states: Vec<_> = list.statuses.iter().collect();
    states.sort_by_key(|state| state.orderindex.get().map_or(i64::MAX, |index| index.0));
    states
        .into_iter()
        .filter_map(|state| {
            Some(SchemaState {
                name: state.status.get()?.0.clone(),
                category: state.kind.get().cloned().unwrap_or_default(),
            })
        })
        .collect()
}

/// Levels are read, comment, edit and create (developer.clickup.com, guests: `permission_level`).
fn findings_of_list(list: &List, id: &str, creates: bool, schema: &mut Schema) {
    let name = single_line(&name_of(list, id));
    if list.deleted == Slot::Is(true) {
        let text = format!("List {name} is in the trash.");
        schema.findings.push(finding(text, Some(id)));
    }
    if list.archived == Slot::Is(true) {
        let text = format!("List {name} is archived.");
        schema.findings.push(finding(text, Some(id)));
    }
    match list.permission_level.get().map(String::as_str) {
        Some(level @ ("read" | "comment")) => {
            let text = format!(
                "The token's user may only {level} in list {name} ({id}). Have the list shared with them with full edit rights."
            );
            schema.missing_rights.push(finding(text, Some(id)));
        }
        Some("edit") if creates => schema.warnings.push(format!(
            "The token's user may edit but not create tasks in list {name} ({id}); have it shared with full edit rights unless create leaves ClickUp out."
        )),
        _ => {}
    }
}

async fn fetch_features(inner: &Inner, space: &str) -> Result<Value, ConnectorError> {
    let url = inner.address(&format!("space/{}", body::segment(space)), &[])?;
    let space: Value = inner
        .fetch_json(url, "read a space", Priority::Live)
        .await?;
    Ok(space.get("features").cloned().unwrap_or(Value::Null))
}

fn findings_of_features(features: &Value, synced: &WantedFields, schema: &mut Schema) {
    for field in synced.keys() {
        let Some((feature, shown)) = field.row().clickup.feature else {
            continue;
        };
        let off = features
            .get(feature)
            .and_then(|feature| feature.get("enabled"))
            == Some(&Value::Bool(false));
        if off {
            let text = format!("The space has {shown} turned off, so {field} will not be kept.");
            schema.findings.push(text.into());
        }
    }
    let several = features
        .get("multiple_assignees")
        .and_then(|feature| feature.get("enabled"));
    if several == Some(&Value::Bool(false)) && synced.contains_key(&FieldKey::Assignees) {
        schema
            .warnings
            .push("The space allows one assignee per task only.".to_owned());
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests fail by panicking")]

    use super::*;
    use crate::field::{Direction, Wanted};
    use serde_json::json;

    #[test]
    fn states_come_in_board_order_with_their_category() {
        let list: List = serde_json::from_value(json!({"statuses": [
            {"status": "done", "type": "closed", "orderindex": 2},
            {"status": "to do", "type": "open", "orderindex": "0"},
            {"status": "doing", "type": "custom", "orderindex": 1}]}))
        .unwrap();
        let names: Vec<_> = states_of(&list)
            .into_iter()
            .map(|state| (state.name, state.category))
            .collect();
        let expected = [("to do", "open"), ("doing", "custom"), ("done", "closed")]
            .map(|(name, kind)| (name.to_owned(), kind.to_owned()));
        assert_eq!(names, expected);
    }

    #[test]
    fn a_feature_that_is_off_is_told_only_for_synced_fields() {
        let features = json!({"points": {"enabled": false}, "tags": {"enabled": false}, "priorities": {"enabled": true}});
        let mut schema = Schema::default();
        let both = [FieldKey::Points, FieldKey::Priority].map(|key| {
            let wanted = Wanted::new(&key, Direction::Both, None);
            (key, wanted)
        });
        findings_of_features(&features, &BTreeMap::from(both), &mut schema);
        assert_eq!(
            schema.findings,
            ["The space has Sprint Points turned off, so points will not be kept."]
                .map(|text| text.to_owned().into())
        );
    }
}
