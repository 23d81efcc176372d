//! JSON Patch documents for work items.

use super::draft::Draft;
use super::fields::{FieldDef, Kind, find};
use super::state::{Relation, State, WorkItem, ordered};
use super::tags::{self, TAGS};
use super::{Refusal, custom_rules, links, rules};
use boardsync_core::model::Timestamp;
use serde_json::Value;
use std::collections::BTreeSet;

/// How a patch is applied.
#[derive(Clone, Debug)]
pub struct Mode {
    /// Whether rules and read-only marks are skipped (`bypassRules=true`).
    pub bypass: bool,
    /// Whether a person in the web portal writes: a form sets values, it sends no operations.
    pub by_hand: bool,
    /// When.
    pub at: Timestamp,
}

/// Fields that a writer who bypasses rules may set although only the server does so otherwise.
const BYPASS_FIELDS: [&str; 4] = [
    "System.CreatedDate",
    "System.CreatedBy",
    "System.ChangedDate",
    "System.ChangedBy",
];

/// Fields that a create may hold and that are left out of it without a word. Published report of a live account, 2026.
const IGNORED_ON_CREATE: [&str; 9] = [
    "System.Id",
    "System.Rev",
    "System.Watermark",
    "System.AreaId",
    "System.IterationId",
    "System.NodeName",
    "System.PersonId",
    "System.AuthorizedDate",
    "System.RevisedDate",
];

/// Applies all operations to a draft, in order. The first failure leaves nothing behind, because only the draft was touched.
pub fn apply(
    state: &State,
    draft: &mut Draft,
    before: Option<&WorkItem>,
    operations: &[Value],
    mode: &Mode,
) -> Result<(), Refusal> {
    let formats = format_operations(state, operations)?;
    let shown = before
        .map(|item| ordered(&item.relations))
        .unwrap_or_default();
    let mut positions = shown;
    let mut touched = BTreeSet::new();
    let is_new = before.is_none();
    for operation in operations {
        let op = operation["op"].as_str().unwrap_or("").to_ascii_lowercase();
        let path = operation["path"].as_str().unwrap_or("");
        let value = &operation["value"];
        if op == "test" {
            test(before, path, value)?;
        } else if let Some(name) = path.strip_prefix("/fields/") {
            let field = definition(state, name)?;
            if !touched.insert(field.reference.clone()) {
                return Err(Refusal::new(
                    400,
                    "WorkItemPatchDocumentException",
                    format!(
                        "VS403691: Update to work item had two or more updates for field {}.",
                        field.reference
                    ),
                ));
            }
            let markdown = formats
                .iter()
                .find(|(name, _)| *name == field.reference)
                .map(|(_, format)| format == "markdown");
            if is_new && IGNORED_ON_CREATE.contains(&field.reference.as_str()) {
                continue;
            }
            write(state, draft, &field, &op, value, markdown, mode)?;
        } else if let Some(rest) = path.strip_prefix("/relations/") {
            relation(state, draft, &mut positions, &op, rest, value, mode.at)?;
        } else if !path.starts_with("/multilineFieldsFormat/") && path != "/id" {
            return Err(Refusal::argument(format!(
                "You must pass a valid patch document: path {path} is not supported."
            )));
        }
    }
    draft.touched.clone_from(&touched);
    for (reference, format) in formats {
        if !touched.contains(&reference) {
            return Err(Refusal::argument(format!(
                "The format of field {reference} can only be set together with its content."
            )));
        }
        if reference != "System.History" {
            draft.formats.insert(reference, format);
        }
    }
    Ok(())
}

fn test(before: Option<&WorkItem>, path: &str, value: &Value) -> Result<(), Refusal> {
    let actual: Value = match (path, before) {
        ("/rev", Some(item)) => item.rev.into(),
        ("/id", Some(item)) => item.id.into(),
        (_, Some(item)) => path
            .strip_prefix("/fields/")
            .and_then(|name| item.fields.get(name).cloned())
            .unwrap_or(Value::Null),
        (_, None) => Value::Null,
    };
    // Clients send the revision as a number or as text.
    let number = value.as_str().and_then(|text| text.parse::<i64>().ok());
    let same = actual == *value || number.is_some() && number == actual.as_i64();
    if same {
        return Ok(());
    }
    Err(Refusal::new(
        412,
        "TestPatchOperationFailedException",
        format!(
            "VS403351: Test Operation for path {path} failed, value {value} was not equal to {actual}."
        ),
    ))
}

/// Finds a field, or refuses as the service does for one that nobody knows.
pub fn definition(state: &State, name: &str) -> Result<FieldDef, Refusal> {
    find(&state.catalogue, name).cloned().ok_or_else(|| {
        Refusal::new(
            400,
            "WorkItemTrackingFieldDefinitionNotFoundException",
            format!("TF51535: Cannot find field {name}."),
        )
    })
}

/// The format operations: reference name, `markdown` or `html`.
fn format_operations(
    state: &State,
    operations: &[Value],
) -> Result<Vec<(String, String)>, Refusal> {
    let mut found = Vec::new();
    for operation in operations {
        let path = operation["path"].as_str().unwrap_or("");
        let Some(name) = path.strip_prefix("/multilineFieldsFormat/") else {
            continue;
        };
        let field = definition(state, name)?;
        let format = operation["value"]
            .as_str()
            .unwrap_or("")
            .to_ascii_lowercase();
        let known = format == "markdown" || format == "html";
        if !known || !matches!(field.kind, Kind::Html | Kind::History) {
            return Err(Refusal::argument(format!(
                "Field {name} cannot have the format '{format}'."
            )));
        }
        found.push((field.reference, format));
    }
    Ok(found)
}

fn write(
    state: &State,
    draft: &mut Draft,
    field: &FieldDef,
    op: &str,
    value: &Value,
    markdown: Option<bool>,
    mode: &Mode,
) -> Result<(), Refusal> {
    let key = field.reference.clone();
    let value = match op {
        "add" | "replace" => value,
        "remove" => &Value::Null,
        _ => {
            return Err(Refusal::argument(format!(
                "The patch operation {op} is not supported."
            )));
        }
    };
    if field.server_only && !(mode.bypass && BYPASS_FIELDS.contains(&key.as_str())) {
        return Err(Refusal::rule(
            &key,
            "readOnly, invalidReadOnly",
            format!("Invalid field status 'ReadOnly' for field '{key}'."),
        ));
    }
    if field.kind == Kind::History {
        return history(state, draft, field, value, markdown);
    }
    // Microsoft's tools use `add` throughout; what the others do to a field without a value is not established.
    let set = draft.fields.contains_key(&key);
    if op != "add" && !set && !mode.by_hand && state.quirks.refuses_unset {
        return Err(Refusal::unreadable());
    }
    if key == "System.TeamProject" {
        let name = value.as_str().unwrap_or("");
        draft.project = state
            .project(name)
            .ok_or_else(|| Refusal::no_such_project(name))?;
    }
    let markdown =
        markdown.unwrap_or_else(|| draft.formats.get(&key).is_some_and(|f| f == "markdown"));
    let stored = if key == TAGS {
        tags::written(state, draft.project, draft.text(TAGS), op, value, mode)?
    } else {
        rules::normalise(state, draft.project, field, value, markdown)?
    };
    let stored = rules::cleared(state, field, stored)?;
    if !mode.by_hand && custom_rules::keeps(state, &key, stored.as_ref()) {
        draft.idle = true;
        return Ok(());
    }
    match stored {
        Some(stored) => draft.fields.insert(key, stored),
        None => draft.fields.remove(&key),
    };
    Ok(())
}

fn history(
    state: &State,
    draft: &mut Draft,
    field: &FieldDef,
    value: &Value,
    markdown: Option<bool>,
) -> Result<(), Refusal> {
    let (text, markdown) = match value.as_object() {
        Some(parts) => {
            let format = parts.get("format").and_then(Value::as_str).unwrap_or("");
            (
                parts.get("text").unwrap_or(&Value::Null),
                format.eq_ignore_ascii_case("markdown"),
            )
        }
        None => (value, markdown.unwrap_or(false)),
    };
    let stored = rules::normalise(state, draft.project, field, text, markdown)?;
    draft.comment = stored.and_then(|v| v.as_str().map(|t| (t.to_owned(), markdown)));
    Ok(())
}

/// `positions` is what the indexes of this patch mean: the server's order, shrinking as entries are removed.
fn relation(
    state: &State,
    draft: &mut Draft,
    positions: &mut Vec<Relation>,
    op: &str,
    rest: &str,
    value: &Value,
    at: Timestamp,
) -> Result<(), Refusal> {
    if op == "add" && rest == "-" {
        return links::add(state, draft, value, at);
    }
    let (index, attribute) = match rest.split_once("/attributes/") {
        Some((index, attribute)) => (index, Some(attribute)),
        None => (rest, None),
    };
    let index: usize = index
        .parse()
        .ok()
        .filter(|i| *i < positions.len())
        .ok_or_else(|| {
            Refusal::argument(format!(
                "VS403676: The relation index {rest} is out of range."
            ))
        })?;
    match (op, attribute) {
        ("remove", None) => {
            let gone = positions.remove(index);
            links::remove(draft, &gone);
            Ok(())
        }
        ("add" | "replace", Some(attribute)) => {
            let Some(old) = positions.get_mut(index) else {
                return Err(Refusal::argument(
                    "VS403676: The relation index is out of range.",
                ));
            };
            let Some(kept) = draft.relations.iter_mut().find(|r| *r == old) else {
                return Err(Refusal::argument("VS403676: The relation is gone."));
            };
            kept.attributes.insert(attribute.to_owned(), value.clone());
            *old = kept.clone();
            draft.updated.push(kept.clone());
            Ok(())
        }
        _ => Err(Refusal::argument(format!(
            "The operation {op} on a relation is not supported."
        ))),
    }
}
