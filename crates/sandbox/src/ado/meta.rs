//! Projects, types, states, fields, classification nodes, tags, relation types.

use super::fields::{FieldDef, Kind, allowed_values, default_value, find};
use super::http::{Answer, Call};
use super::process::{SYSTEM_FIELDS, TypeDef};
use super::reply::{Refusal, Reply};
use super::state::State;
use super::{AdoSandbox, ProjectConfig, guid, links};
use serde_json::{Map, Value, json};

/// `GET projects`.
pub fn projects(sandbox: &AdoSandbox, call: &Call) -> Answer {
    let state = sandbox.lock();
    let rows: Vec<Value> = state
        .config
        .projects
        .iter()
        .enumerate()
        .map(|(index, p)| brief(p, state.project_id(index), call))
        .collect();
    Ok(Reply::list(&rows))
}

fn brief(project: &ProjectConfig, id: &str, call: &Call) -> Value {
    json!({
        "id": id,
        "name": project.name,
        "url": format!("{}/_apis/projects/{}", call.base, id),
        "state": "wellFormed",
        "revision": 11,
        "visibility": "private",
        "lastUpdateTime": "2026-01-05T08:00:00Z",
    })
}

/// `GET projects/{name or id}`.
pub fn project(sandbox: &AdoSandbox, call: &Call, name: &str) -> Answer {
    let state = sandbox.lock();
    let index = state
        .project(name)
        .ok_or_else(|| Refusal::no_such_project(name))?;
    let (found, id) = (state.project_at(index), state.project_id(index));
    let project = found.ok_or_else(|| Refusal::no_such_project(name))?;
    let mut body = brief(project, id, call);
    let Some(map) = body.as_object_mut() else {
        return Ok(Reply::json(&body));
    };
    let team = guid("team", &project.name);
    map.insert(
        "defaultTeam".to_owned(),
        json!({
            "id": team,
            "name": format!("{} Team", project.name),
            "url": format!("{}/_apis/projects/{id}/teams/{team}", call.base),
        }),
    );
    if call.flag("includecapabilities") {
        map.insert(
            "capabilities".to_owned(),
            json!({
                "processTemplate": {"templateName": project.process.name(), "templateTypeId": project.process.id()},
                "versioncontrol": {"sourceControlType": "Git", "gitEnabled": "True", "tfvcEnabled": "False"},
            }),
        );
    }
    Ok(Reply::json(&body))
}

/// The other reads below `wit`.
pub fn route(sandbox: &AdoSandbox, call: &Call, rest: &[&str]) -> Option<Answer> {
    let state = sandbox.lock();
    Some(match rest {
        ["workitemrelationtypes"] => Ok(Reply::list(&links::relation_types(&call.base))),
        ["fields"] => {
            let rows: Vec<Value> = state.catalogue.iter().map(|f| field(f, call)).collect();
            Ok(Reply::list(&rows))
        }
        ["fields", name] => find(&state.catalogue, name)
            .map(|f| Reply::json(&field(f, call)))
            .ok_or_else(|| {
                Refusal::new(
                    404,
                    "WorkItemTrackingFieldDefinitionNotFoundException",
                    format!("TF51535: Cannot find field {name}."),
                )
            }),
        ["workitemtypes"] => call.need_project().map(|p| {
            let types = state.process(p).types();
            let rows: Vec<Value> = types
                .iter()
                .map(|t| work_item_type(&state, t, call))
                .collect();
            Reply::list(&rows)
        }),
        ["workitemtypes", name] => {
            kind(&state, call, name).map(|t| Reply::json(&work_item_type(&state, t, call)))
        }
        ["workitemtypes", name, "states"] => {
            kind(&state, call, name).map(|t| Reply::list(&states(t)))
        }
        ["workitemtypes", name, "fields"] => {
            let expand = call.param("$expand").to_ascii_lowercase();
            let full = matches!(expand.as_str(), "all" | "3");
            kind(&state, call, name).map(|t| Reply::list(&type_fields(&state, t, call, full)))
        }
        ["classificationnodes"] => call.need_project().map(|p| {
            let both = ["areas", "iterations"].map(|group| nodes(&state, p, group, call));
            Reply::list(&both)
        }),
        [
            "classificationnodes",
            group @ ("areas" | "iterations" | "0" | "1"),
        ] => {
            // Numbers of Microsoft's enumeration.
            let group = if matches!(*group, "areas" | "0") {
                "areas"
            } else {
                "iterations"
            };
            call.need_project()
                .map(|p| Reply::json(&nodes(&state, p, group, call)))
        }
        ["tags"] => call
            .need_project()
            .map(|p| Reply::list(&tags(&state, p, call))),
        _ => return None,
    })
}

fn kind(state: &State, call: &Call, name: &str) -> Result<&'static TypeDef, Refusal> {
    let project = call.need_project()?;
    state
        .type_of(project, name)
        .ok_or_else(|| Refusal::no_such_type(name))
}

fn field(field: &FieldDef, call: &Call) -> Value {
    json!({
        "name": field.name,
        "referenceName": field.reference,
        "type": field.kind.api_name(),
        "usage": "workItem",
        // Tree paths are reported as read-only although they are writable. REST example `fields/GET__wit_fields.json`.
        "readOnly": field.server_only || field.kind == Kind::TreePath,
        "canSortBy": !matches!(field.kind, Kind::Html | Kind::History | Kind::PlainText),
        "isQueryable": true,
        "isIdentity": field.kind == Kind::Identity,
        // Rules of a process limit its own fields, and no list is made for those.
        "isPicklist": field.reference.starts_with("Custom.") && !allowed_values(&field.reference).is_empty(),
        "isPicklistSuggested": false,
        "url": format!("{}/_apis/wit/fields/{}", call.base, field.reference),
    })
}

fn work_item_type(state: &State, kind: &TypeDef, call: &Call) -> Value {
    let to = |name: &str| json!({"to": name, "actions": null});
    let mut transitions: Map<String, Value> = kind
        .states
        .iter()
        .map(|(from, _, _)| {
            let targets = kind
                .states
                .iter()
                .filter(|(name, _, _)| kind.allows(from, name));
            (
                (*from).to_owned(),
                Value::Array(targets.map(|(name, _, _)| to(name)).collect()),
            )
        })
        .collect();
    transitions.insert(String::new(), json!([to(kind.initial())]));
    let fields = type_fields(state, kind, call, false);
    json!({
        "name": kind.name,
        "referenceName": kind.reference,
        "description": "",
        "color": kind.color,
        "icon": {"id": "icon_clipboard", "url": format!("{}/_apis/wit/workItemIcons/icon_clipboard?color={}&v=2", call.base, kind.color)},
        "isDisabled": false,
        "fields": fields,
        "fieldInstances": fields,
        "transitions": transitions,
        "states": states(kind),
        "url": format!("{}/_apis/wit/workItemTypes/{}", call.base, kind.name),
    })
}

fn states(kind: &TypeDef) -> Vec<Value> {
    let row = |(name, color, category): &super::StateDef| json!({"name": name, "color": color, "category": category});
    kind.states.iter().map(row).collect()
}

fn type_fields(state: &State, kind: &TypeDef, call: &Call, full: bool) -> Vec<Value> {
    let custom = state
        .config
        .custom_fields
        .iter()
        .map(|f| f.reference.as_str());
    let names = SYSTEM_FIELDS
        .iter()
        .chain(kind.fields)
        .copied()
        .chain(custom);
    let rows = names.filter_map(|name| find(&state.catalogue, name)).map(|f| {
        let reference = f.reference.as_str();
        let required = matches!(reference, "System.Title" | "System.State" | "System.AreaPath" | "System.IterationPath");
        let mut row = json!({
            "alwaysRequired": required,
            "defaultValue": default_value(reference).map(|v| v.as_str().map_or_else(|| v.to_string(), str::to_owned)),
            "referenceName": reference,
            "name": f.name,
            "url": format!("{}/_apis/wit/fields/{reference}", call.base),
        });
        if let Some(map) = row.as_object_mut().filter(|_| full) {
            let allowed: Vec<Value> = match reference {
                "System.State" => kind.states.iter().map(|s| s.0.into()).collect(),
                _ => allowed_values(reference).iter().map(|v| (*v).into()).collect(),
            };
            map.insert("allowedValues".to_owned(), Value::Array(allowed));
            map.insert("dependentFields".to_owned(), json!([]));
            if reference == "System.State" {
                map.insert("defaultValue".to_owned(), kind.initial().into());
            }
        }
        row
    });
    rows.collect()
}

fn nodes(state: &State, index: usize, group: &str, call: &Call) -> Value {
    let Some(project) = state.project_at(index) else {
        return Value::Null;
    };
    let (title, kind, paths) = match group {
        "areas" => ("Area", "area", &project.areas),
        _ => ("Iteration", "iteration", &project.iterations),
    };
    let depth: usize = call.param("$depth").parse().unwrap_or(0);
    let tree = Tree {
        project,
        id: state.project_id(index),
        title,
        kind,
        paths,
        base: &call.base,
    };
    tree.node("", depth)
}

struct Tree<'a> {
    project: &'a ProjectConfig,
    id: &'a str,
    title: &'a str,
    kind: &'a str,
    paths: &'a [String],
    base: &'a str,
}

impl Tree<'_> {
    fn node(&self, path: &str, depth: usize) -> Value {
        let below = |p: &String| match (path, p.rsplit_once('\\')) {
            ("", parent) => parent.is_none(),
            (_, Some((parent, _))) => parent == path,
            (_, None) => false,
        };
        let children: Vec<&String> = self.paths.iter().filter(|p| below(p)).collect();
        let name = match path.rsplit('\\').next() {
            None | Some("") => self.project.name.as_str(),
            Some(leaf) => leaf,
        };
        let place = self
            .paths
            .iter()
            .position(|p| p == path)
            .map_or(0, |i| i + 1);
        let slash = if path.is_empty() { "" } else { "\\" };
        let mut node = json!({
            "id": 10_000 + place,
            "identifier": guid(self.kind, &format!("{}/{place}", self.id)),
            "name": name,
            "structureType": self.kind,
            "hasChildren": !children.is_empty(),
            "path": format!("\\{}\\{}{slash}{path}", self.project.name, self.title),
            "url": format!("{}/{}/_apis/wit/classificationNodes/{}s/{}", self.base, self.id, self.title, path.replace('\\', "/")),
        });
        if let Some(map) = node.as_object_mut().filter(|_| depth > 0) {
            // Null for a leaf, as seen through Microsoft's command line.
            let list = children.iter().map(|child| self.node(child, depth - 1));
            let list = (!children.is_empty()).then(|| Value::Array(list.collect()));
            map.insert("children".to_owned(), list.unwrap_or(Value::Null));
        }
        node
    }
}

fn tags(state: &State, project: usize, call: &Call) -> Vec<Value> {
    let known = state.tags.get(&project).map_or(&[][..], Vec::as_slice);
    let row = |name: &String| {
        let id = guid("tag", name);
        json!({"id": id, "name": name, "url": format!("{}/_apis/wit/tags/{id}", call.base)})
    };
    known.iter().map(row).collect()
}
