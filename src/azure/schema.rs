//! The live vocabulary of a project, for `check` and for proposing mappings.

use super::read::TypeInfo;
use super::walk::unplaced;
use super::wiql::{self, Since};
use super::wire::{ConnectionData, Node, WireField, WireState, WireType};
use super::{Scope, Shared};
use crate::connector::client::Priority;
use crate::connector::{ConnectorError, ErrorKind, Schema, SchemaFinding, SchemaState, SchemaType};
use crate::field::negotiate::Native;
use crate::model::{FieldKey, PairName};
use serde_json::Value;
use std::collections::BTreeSet;

impl Shared {
    pub(super) async fn fetch_schema(&self, pair: &PairName) -> Result<Schema, ConnectorError> {
        let scope = self.scope(pair)?;
        let mut schema = Schema::default();
        let types = self.api.work_item_types(&scope.project).await;
        let types = types.map_err(|error| match error.kind {
            ErrorKind::NotFound => unplaced(error, scope),
            _ => error,
        })?;
        for wire in types {
            if wire.is_disabled {
                continue;
            }
            let states = match wire.states.clone().filter(|states| !states.is_empty()) {
                Some(states) => states,
                None => self.api.states(&scope.project, &wire.name).await?,
            };
            schema.types.push(schema_type(&wire, states));
        }
        match self.api.connection_data().await {
            Ok(data) => schema.me = Some(me(data)),
            Err(error) => schema
                .findings
                .push(format!("Who the token belongs to could not be read: {error}.").into()),
        }
        match self.api.areas(&scope.project).await {
            Ok(root) => areas(&root, "", &mut schema.containers),
            Err(error) => schema
                .findings
                .push(format!("Area paths could not be read: {error}.").into()),
        }
        if scope.fields.keys().any(FieldKey::is_custom) {
            schema.customs = self.customs(scope, &schema.types).await?;
        }
        // No item has this number, so the answer is empty: only whether the query is understood matters.
        let query = wiql::single(scope).query(Since::Ever, i64::from(i32::MAX) - 1);
        let answer = self
            .api
            .wiql(Some(&scope.project), &query, 1, Priority::Live);
        match answer.await {
            Ok(_) => {}
            Err(error) if error.kind == ErrorKind::Refused => {
                let text = format!(
                    "The query that ado.area, ado.where and ado.assigned_to make is refused: {error}."
                );
                // What people write themselves is wrong most often; of a path that is gone the service says so (TF51011).
                let lost_path = error.code.as_deref() == Some("TF51011");
                let lost_area = scope.area.clone().filter(|_| lost_path);
                let about = [
                    ("area", &lost_area),
                    ("where", &scope.condition),
                    ("area", &scope.area),
                    ("assigned_to", &scope.assigned_to),
                ];
                let about = about
                    .into_iter()
                    .find_map(|(key, value)| Some((key, value.as_ref()?)));
                schema.findings.push(match about {
                    Some((key, value)) => SchemaFinding::about(text, key, value),
                    None => text.into(),
                });
            }
            Err(error) => return Err(error),
        }
        Ok(schema)
    }
}

impl Shared {
    /// Reads what is known of the fields that the pair's custom fields name.
    async fn customs(
        &self,
        scope: &Scope,
        types: &[SchemaType],
    ) -> Result<Vec<Native>, ConnectorError> {
        let customs = scope.fields.iter().filter(|(key, _)| key.is_custom());
        let names: BTreeSet<String> = customs
            .flat_map(|(_, wanted)| &wanted.ado)
            .map(|name| name.to_lowercase())
            .collect();
        let fields = self.api.fields(&scope.project).await?;
        let wanted = |field: &WireField| names.contains(&field.reference_name.to_lowercase());
        let (mut found, mut limited) = (Vec::new(), BTreeSet::new());
        for field in fields.into_iter().filter(wanted) {
            let native = native(&field);
            // Texts are also limited by rules, for which no list is made; numbers are not asked about for nothing.
            let list = native.kind == "string" || field.is_picklist || field.kind.starts_with(LIST);
            if list && !field.suggests {
                limited.insert(native.id.clone());
            }
            found.push(native);
        }
        for kind in types {
            let own = found
                .iter_mut()
                .filter(|native| kind.fields.contains(&native.id));
            let mut lists = false;
            for native in own {
                native.places.insert(kind.name.clone());
                lists |= limited.contains(&native.id);
            }
            if !lists {
                continue;
            }
            for row in self.api.type_fields(&scope.project, &kind.name).await? {
                let native = found
                    .iter_mut()
                    .find(|native| native.id == row.reference_name);
                let Some(native) = native.filter(|native| limited.contains(&native.id)) else {
                    continue;
                };
                for value in row.allowed_values.iter().flatten().filter_map(listed) {
                    let option = (value.clone(), value);
                    if !native.options.contains(&option) {
                        native.options.push(option);
                    }
                }
            }
        }
        Ok(found)
    }
}

/// How the type of a field begins that has a list of values, where the type says so (`FieldType`, wit 7.1).
const LIST: &str = "picklist";

/// A value of a list. Those of numbers may be shown as numbers or as texts.
fn listed(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        _ => None,
    }
}

fn native(field: &WireField) -> Native {
    let kind = match field.is_identity {
        true => "identity".to_owned(),
        false => field.kind.clone(),
    };
    // Some servers name what a list holds in the type itself (`FieldType`, wit 7.1).
    let kind = match kind.strip_prefix(LIST) {
        Some(of @ ("String" | "Integer" | "Double")) => of.to_lowercase(),
        _ => kind,
    };
    Native {
        id: field.reference_name.clone(),
        name: field.name.clone(),
        kind,
        read_only: field.read_only,
        ..Native::default()
    }
}

fn schema_type(wire: &WireType, states: Vec<WireState>) -> SchemaType {
    let info = TypeInfo::from_wire(wire);
    let required = wire
        .fields
        .iter()
        .chain(&wire.field_instances)
        .flatten()
        .filter(|field| field.always_required)
        .filter(|field| matches!(field.default_value, None | Some(Value::Null)))
        // Filled in by the service.
        .filter(|field| !SELF_FILLED.contains(&field.reference_name.as_str()))
        .map(|field| field.reference_name.clone())
        .collect();
    SchemaType {
        name: wire.name.clone(),
        states: states
            .into_iter()
            .map(|state| SchemaState {
                name: state.name,
                category: state.category.unwrap_or_default(),
            })
            .collect(),
        transitions: info.transitions,
        fields: info.fields,
        required,
    }
}

/// Required fields that never have to be sent (learn.microsoft.com, work-item-fields: system fields).
const SELF_FILLED: [&str; 8] = [
    "System.AreaId",
    "System.AreaPath",
    "System.IterationId",
    "System.IterationPath",
    "System.State",
    "System.Reason",
    "System.TeamProject",
    "System.WorkItemType",
];

fn me(data: ConnectionData) -> (String, String) {
    let account = data
        .user
        .properties
        .as_ref()
        .and_then(|properties| properties.get("Account"))
        .and_then(|account| account.get("$value"))
        .and_then(Value::as_str)
        .filter(|account| account.contains('@'))
        .map(str::to_lowercase);
    let id = format!("id:{}", data.user.id.to_lowercase());
    let shown = data
        .user
        .display_name
        .or_else(|| account.clone())
        .unwrap_or_else(|| id.clone());
    (account.unwrap_or(id), shown)
}

/// Collects area paths as the field wants them: `Project\Area`, without the level called `Area` that node paths have.
fn areas(node: &Node, above: &str, found: &mut Vec<(String, String)>) {
    let path = if above.is_empty() {
        node.name.clone()
    } else {
        format!("{above}\\{}", node.name)
    };
    found.push((path.clone(), node.name.clone()));
    for child in &node.children {
        areas(child, &path, found);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{from_value, json};

    #[test]
    fn area_paths_start_with_the_project_and_name_every_level() {
        let root: Node = from_value(json!({"name": "Blue", "children": [
            {"name": "Web", "children": [{"name": "Shop"}]}, {"name": "Ops"}]}))
        .unwrap();
        let mut found = Vec::new();
        areas(&root, "", &mut found);
        let paths: Vec<&str> = found.iter().map(|(path, _)| path.as_str()).collect();
        assert_eq!(paths, ["Blue", "Blue\\Web", "Blue\\Web\\Shop", "Blue\\Ops"]);
    }

    #[test]
    fn required_means_that_the_caller_has_to_send_it() {
        let wire: WireType = from_value(json!({"name": "Bug", "fields": [
            {"referenceName": "System.AreaId", "alwaysRequired": true},
            {"referenceName": "System.Title", "alwaysRequired": true, "defaultValue": null},
            {"referenceName": "Custom.Team", "alwaysRequired": true, "defaultValue": "Blue"},
            {"referenceName": "System.Tags", "alwaysRequired": false}],
            "transitions": {"": [{"to": "New", "actions": null}], "New": [{"to": "Done"}], "Gone": null}}))
        .unwrap();
        let found = schema_type(&wire, Vec::new());
        assert_eq!(
            found.required.into_iter().collect::<Vec<_>>(),
            ["System.Title"]
        );
        assert_eq!(found.fields.len(), 4);
        assert!(found.transitions["New"].contains("Done"));
        assert!(found.transitions["Gone"].is_empty());
    }
}
