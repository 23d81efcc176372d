//! The rules of a work item type: value types, picklists, required fields, transitions.

use super::draft::Draft;
use super::fields::{FieldDef, Kind, allowed_values, default_value};
use super::html::{self, Entities};
use super::process::{SYSTEM_FIELDS, TypeDef, default_reason};
use super::state::{State, WorkItem};
use super::{PriorityCleared, Refusal, custom_rules, markdown, people, render};
use boardsync_core::model::Timestamp;
use serde_json::Value;

/// Azure DevOps: docs work-item-fields.md, a string field holds 255 characters.
const MAX_STRING: usize = 255;
/// Azure DevOps: docs object-limits.md (2024-09), long text holds 1,048,576 characters.
const MAX_LONG_TEXT: usize = 1_048_576;
/// 1753-01-01 and 10000-01-01, Unix ms: the range of `datetime` in SQL Server, where dates are kept.
const FIRST_DATE: i64 = -6_847_804_800_000;
const LAST_DATE: i64 = 253_402_300_800_000;
/// Returns a written value as the server stores it; `None` clears the field.
pub fn normalise(
    state: &State,
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
        Kind::DateTime => instant(written)?.into(),
        Kind::Html | Kind::History => {
            let text = text(field, written, MAX_LONG_TEXT)?;
            long_text(state, field.kind, &text, markdown).into()
        }
        Kind::PlainText => text(field, written, MAX_LONG_TEXT)?.into(),
        Kind::TreePath => tree_path(state, project, field, written)?.into(),
        Kind::String => text(field, written, MAX_STRING)?.trim().into(),
    };
    picklist(field, stored).map(Some)
}

/// Returns long text as the server stores it.
pub fn long_text(state: &State, kind: Kind, text: &str, markdown: bool) -> String {
    let quirks = &state.quirks;
    let entities = match (quirks.non_ascii_entities, quirks.emoji_entities) {
        (true, _) => Entities::NonAscii,
        (false, true) => Entities::Emoji,
        (false, false) => Entities::None,
    };
    match kind {
        _ if !quirks.rewrite_html => text.to_owned(),
        _ if markdown => markdown::rewrite(text, quirks.emoji_entities),
        Kind::History => html::clean(text, entities),
        _ => html::rewrite(text, entities),
    }
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
    let found = people::resolve(&state.config.people, written);
    // Somebody who left stays in old values and can be written no more. WorkItemUpdater issue 78.
    if let Some(person) = found.filter(|p| !state.left.contains(&p.id)) {
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

/// Reads a date. One that is none, or that lies outside the years 1753 to 9999 of the database type `datetime`, is refused
/// without naming the field; the real service's words for it are not established.
fn instant(written: &Value) -> Result<String, Refusal> {
    let text = written.as_str().ok_or_else(Refusal::unreadable)?;
    let day = || Timestamp::parse_rfc3339(&format!("{text}T00:00:00Z"));
    let zoneless = || Timestamp::parse_rfc3339(&format!("{text}Z"));
    Timestamp::parse_rfc3339(text)
        .or_else(day)
        .or_else(zoneless)
        .filter(|at| (FIRST_DATE..LAST_DATE).contains(&at.0))
        .map(render::date)
        .ok_or_else(Refusal::unreadable)
}

fn text(field: &FieldDef, written: &Value, limit: usize) -> Result<String, Refusal> {
    let text = match written {
        Value::String(text) => text.clone(),
        Value::Number(_) | Value::Bool(_) => written.to_string(),
        _ => return Err(wrong_type(field)),
    };
    within(text, limit)
}

/// Refuses a text that is longer than the database holds.
pub fn text_of(text: &str) -> Result<(), Refusal> {
    within(text.to_owned(), MAX_LONG_TEXT).map(|_| ())
}

/// Limits count UTF-16 units, as .NET strings do; nothing is ever cut. docs-tools issue 370 and
/// solidify/jira-azuredevops-migrator issue 627 hit the limit of a title for some texts only.
fn within(text: String, limit: usize) -> Result<String, Refusal> {
    if text.encode_utf16().count() > limit {
        return Err(Refusal::too_long());
    }
    Ok(text)
}

/// What a save makes of a field that a client cleared. Only the priority has a default that may come back.
pub fn cleared(
    state: &State,
    field: &FieldDef,
    stored: Option<Value>,
) -> Result<Option<Value>, Refusal> {
    if stored.is_some() || field.reference != "Microsoft.VSTS.Common.Priority" {
        return Ok(stored);
    }
    match state.quirks.priority_cleared {
        PriorityCleared::Empty => Ok(None),
        PriorityCleared::Default => Ok(default_value(&field.reference)),
        PriorityCleared::Refused => Err(Refusal::rule(
            &field.reference,
            "required, hasValues, limitedToValues, invalidEmpty",
            "Rule Error for field Priority. Error code: Required, HasValues, LimitedToValues, InvalidEmpty.",
        )),
    }
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
    if free {
        return Ok(());
    }
    custom_rules::apply(
        state,
        draft,
        before,
        category,
        before.is_none() || from != target,
    )
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
