//! The rules of a work item type: value types, picklists, required fields, transitions.

use super::draft::Draft;
use super::fields::{FieldDef, Kind, allowed_values, default_value};
use super::process::{SYSTEM_FIELDS, TypeDef, default_reason};
use super::state::{State, WorkItem};
use super::{Refusal, html, people, render};
use crate::model::Timestamp;
use serde_json::Value;

/// Azure DevOps: docs work-item-fields.md, a string field holds 255 characters.
const MAX_STRING: usize = 255;
/// Azure DevOps: docs object-limits.md (2024-09), long text holds 1,048,576 characters.
const MAX_LONG_TEXT: usize = 1_048_576;
/// Azure DevOps: docs add-tags-to-work-items.md, 100 tags per item of 400 characters each.
const MAX_TAGS: usize = 100;
const MAX_TAG: usize = 400;

/// Returns a written value as the server stores it; `None` clears the field.
pub fn normalise(
    state: &mut State,
    project: usize,
    field: &FieldDef,
    written: &Value,
    markdown: bool,
) -> Result<Option<Value>, Refusal> {
    if written.is_null() || written.as_str().is_some_and(|t| t.trim().is_empty()) {
        return Ok(None);
    }
    let stored = match field.kind {
        Kind::Identity => person(state, field, written)?.into(),
        Kind::Integer => integer(field, written)?.into(),
        Kind::Double => number(field, written)?.into(),
        Kind::Boolean => written.as_bool().ok_or_else(|| wrong_type(field))?.into(),
        Kind::DateTime => instant(field, written)?.into(),
        Kind::Html | Kind::History => {
            let text = text(field, written, MAX_LONG_TEXT)?;
            let quirks = &state.quirks;
            match (markdown, quirks.rewrite_html) {
                (_, false) => text,
                (true, true) => html::rewrite_markdown(&text),
                (false, true) => html::rewrite(&text, quirks.emoji_entities),
            }
            .into()
        }
        Kind::PlainText if field.reference == "System.Tags" => {
            match tags(state, project, &text(field, written, MAX_LONG_TEXT)?)? {
                joined if joined.is_empty() => return Ok(None),
                joined => joined.into(),
            }
        }
        Kind::PlainText => text(field, written, MAX_LONG_TEXT)?.into(),
        Kind::TreePath => tree_path(state, project, field, written)?.into(),
        Kind::String => text(field, written, MAX_STRING)?.trim().into(),
    };
    picklist(field, stored).map(Some)
}

fn picklist(field: &FieldDef, stored: Value) -> Result<Value, Refusal> {
    let allowed = allowed_values(&field.reference);
    let shown = stored
        .as_str()
        .map_or_else(|| stored.to_string(), str::to_owned);
    match allowed
        .iter()
        .find(|value| value.eq_ignore_ascii_case(&shown))
    {
        _ if allowed.is_empty() => Ok(stored),
        Some(value) if stored.is_string() => Ok((*value).into()),
        Some(_) => Ok(stored),
        None => Err(not_in_list(&field.reference, &field.name, &shown)),
    }
}

/// The refusal of a value that is not in the list of a field.
pub fn not_in_list(reference: &str, name: &str, value: &str) -> Refusal {
    Refusal::rule(
        reference,
        "required, hasValues, limitedToValues, invalidListValue",
        format!(
            "The field '{name}' contains the value '{value}' that is not in the list of supported values"
        ),
    )
}

fn wrong_type(field: &FieldDef) -> Refusal {
    let mut refusal = Refusal::new(
        400,
        "WorkItemFieldInvalidException",
        format!(
            "TF51008: The value for field '{}' has the wrong type.",
            field.name
        ),
    );
    refusal.custom = Some(serde_json::json!({"ReferenceName": field.reference}));
    refusal
}

fn person(state: &State, field: &FieldDef, written: &Value) -> Result<String, Refusal> {
    if let Some(person) = people::resolve(&state.config.people, written) {
        return Ok(person.id.clone());
    }
    let shown = written
        .as_str()
        .map_or_else(|| written.to_string(), str::to_owned);
    // Body as published in azure-sdk-tools issue 6760.
    let mut refusal = Refusal::new(
        400,
        "WorkItemFieldInvalidException",
        format!(
            "The identity value '{shown}' for field '{}' is an unknown identity.",
            field.name
        ),
    );
    refusal.numbers = (600_171, 3200);
    refusal.custom = Some(serde_json::json!({"ReferenceName": field.reference}));
    Err(refusal)
}

fn integer(field: &FieldDef, written: &Value) -> Result<i64, Refusal> {
    let from_float = || {
        written
            .as_f64()
            .filter(|n| n.fract() == 0.0)
            .map(|n| n as i64)
    };
    let from_text = || written.as_str().and_then(|t| t.trim().parse().ok());
    written
        .as_i64()
        .or_else(from_float)
        .or_else(from_text)
        .ok_or_else(|| wrong_type(field))
}

fn number(field: &FieldDef, written: &Value) -> Result<f64, Refusal> {
    let from_text = || written.as_str().and_then(|t| t.trim().parse().ok());
    written
        .as_f64()
        .or_else(from_text)
        .ok_or_else(|| wrong_type(field))
}

fn instant(field: &FieldDef, written: &Value) -> Result<String, Refusal> {
    let text = written.as_str().ok_or_else(|| wrong_type(field))?;
    let day = || Timestamp::parse_rfc3339(&format!("{text}T00:00:00Z"));
    let zoneless = || Timestamp::parse_rfc3339(&format!("{text}Z"));
    Timestamp::parse_rfc3339(text)
        .or_else(day)
        .or_else(zoneless)
        .map(render::date)
        .ok_or_else(|| wrong_type(field))
}

fn text(field: &FieldDef, written: &Value, limit: usize) -> Result<String, Refusal> {
    let text = match written {
        Value::String(text) => text.clone(),
        Value::Number(_) | Value::Bool(_) => written.to_string(),
        _ => return Err(wrong_type(field)),
    };
    // Limits count UTF-16 units, as .NET strings do.
    if text.encode_utf16().count() > limit {
        return Err(Refusal::rule(
            &field.reference,
            "invalidTooLong",
            format!(
                "The field '{}' is too long; the limit is {limit} characters.",
                field.name
            ),
        ));
    }
    Ok(text)
}

fn tags(state: &mut State, project: usize, written: &str) -> Result<String, Refusal> {
    let known = state.tags.entry(project).or_default();
    let mut chosen: Vec<String> = Vec::new();
    for tag in written
        .split([';', ','])
        .map(str::trim)
        .filter(|t| !t.is_empty())
    {
        if tag.chars().count() > MAX_TAG {
            return Err(Refusal::argument(
                "TF401242: A tag must not be longer than 400 characters.",
            ));
        }
        if chosen
            .iter()
            .any(|c| c.to_lowercase() == tag.to_lowercase())
        {
            continue;
        }
        // A tag that exists wins over another spelling of it. Azure DevOps docs issue 5055.
        let spelt = known
            .iter()
            .find(|k| k.to_lowercase() == tag.to_lowercase());
        chosen.push(spelt.cloned().unwrap_or_else(|| tag.to_owned()));
    }
    if chosen.len() > MAX_TAGS {
        return Err(Refusal::new(
            400,
            "WorkItemTagLimitExceededException",
            "TF401243: The work item has more than 100 tags.",
        ));
    }
    chosen.sort_by_key(|t| t.to_lowercase());
    Ok(chosen.join("; "))
}

fn tree_path(
    state: &State,
    project: usize,
    field: &FieldDef,
    written: &Value,
) -> Result<String, Refusal> {
    let path = text(field, written, 4_000)?;
    let path = path.trim().trim_matches('\\');
    let area = field.reference == "System.AreaPath";
    let found = state.project_at(project).and_then(|p| {
        let nodes = if area { &p.areas } else { &p.iterations };
        let full = nodes.iter().map(|node| format!("{}\\{node}", p.name));
        std::iter::once(p.name.clone())
            .chain(full)
            .find(|n| n.to_lowercase() == path.to_lowercase())
    });
    found.ok_or_else(|| {
        let mut refusal = Refusal::new(
            400,
            "WorkItemFieldInvalidTreeNameException",
            format!(
                "TF401347: Invalid tree name given for work item, field '{}'.",
                field.reference
            ),
        );
        refusal.custom = Some(serde_json::json!({"ReferenceName": field.reference}));
        refusal
    })
}

/// Gives a new item its defaults.
pub fn defaults(state: &State, draft: &mut Draft, kind: &TypeDef, by: &str, at: Timestamp) {
    let project = state
        .project_at(draft.project)
        .map_or("", |p| p.name.as_str());
    let now = render::date(at);
    for (key, value) in [
        ("System.AreaPath", project),
        ("System.TeamProject", project),
        ("System.IterationPath", project),
        ("System.WorkItemType", kind.name),
        ("System.State", kind.initial()),
        ("System.Reason", &default_reason(kind.initial(), true)),
        ("System.CreatedDate", &now),
        ("System.CreatedBy", by),
        ("Microsoft.VSTS.Common.StateChangeDate", &now),
    ] {
        draft.fields.insert(key.to_owned(), value.into());
    }
    for reference in SYSTEM_FIELDS.iter().chain(kind.fields) {
        if let Some(value) = default_value(reference) {
            draft.fields.insert((*reference).to_owned(), value);
        }
    }
}

/// Checks a finished draft and adds what rules set by themselves. `free`: any state may follow any other.
pub fn finish(
    state: &State,
    draft: &mut Draft,
    before: Option<&WorkItem>,
    by: &str,
    at: Timestamp,
    free: bool,
) -> Result<(), Refusal> {
    let name = draft
        .fields
        .get("System.WorkItemType")
        .and_then(Value::as_str)
        .unwrap_or("");
    let kind = state
        .type_of(draft.project, name)
        .ok_or_else(|| Refusal::no_such_type(name))?;
    if !draft.fields.contains_key("System.Title") {
        return Err(Refusal::rule(
            "System.Title",
            "required, invalidEmpty",
            "Rule Error for field Title. Error code: Required, InvalidEmpty.",
        ));
    }
    let wanted = draft
        .fields
        .get("System.State")
        .and_then(Value::as_str)
        .unwrap_or("")
        .to_owned();
    let Some(&(target, _, category)) = kind.state(&wanted) else {
        return Err(not_in_list("System.State", "State", &wanted));
    };
    let from = before.map_or(kind.initial(), |item| item.text("System.State"));
    let from_known = before.is_none() || kind.state(from).is_some();
    let allowed = match before {
        None => target == kind.initial(),
        Some(_) => !from_known || kind.allows(from, target),
    };
    if !free && !allowed {
        return Err(not_in_list("System.State", "State", target));
    }
    draft
        .fields
        .insert("System.State".to_owned(), target.into());
    if from != target {
        enter(draft, target, category, by, at, before.is_none());
    } else if let Some(item) = before
        && draft.fields.get("System.Reason") != item.fields.get("System.Reason")
        && !free
    {
        let reason = draft
            .fields
            .get("System.Reason")
            .and_then(Value::as_str)
            .unwrap_or("");
        return Err(not_in_list("System.Reason", "Reason", reason));
    }
    Ok(())
}

/// What a change of state sets.
fn enter(draft: &mut Draft, target: &str, category: &str, by: &str, at: Timestamp, created: bool) {
    let now = render::date(at);
    draft.fields.insert(
        "System.Reason".to_owned(),
        default_reason(target, created).into(),
    );
    let mut set = |name: &str, value: Option<&str>| {
        let key = format!("Microsoft.VSTS.Common.{name}");
        match value {
            Some(value) => draft.fields.insert(key, value.into()),
            None => draft.fields.remove(&key),
        };
    };
    set("StateChangeDate", Some(&now));
    let verb = match category {
        "InProgress" => "Activated",
        "Resolved" => "Resolved",
        "Completed" => "Closed",
        _ => "",
    };
    if !verb.is_empty() {
        set(&format!("{verb}Date"), Some(&now));
        set(&format!("{verb}By"), Some(by));
    }
    if category != "Completed" {
        set("ClosedDate", None);
        set("ClosedBy", None);
    }
    if !matches!(category, "Completed" | "Resolved") {
        set("ResolvedDate", None);
        set("ResolvedBy", None);
    }
}
