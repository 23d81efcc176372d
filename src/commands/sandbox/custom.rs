//! Custom fields of the fake ClickUp, as a person sets and sees them.

use super::super::Failure;
use super::usage;
use crate::config::did_you_mean;
use crate::model::Folded;
use serde_json::{Map, Value, json};

/// What stands before the name of a custom field, as in the configuration.
const PREFIX: &str = "custom:";

/// The name of a custom field, where one was typed.
pub(super) fn name(field: &str) -> Option<&str> {
    let (prefix, name) = field.split_at_checked(PREFIX.len())?;
    prefix.eq_ignore_ascii_case(PREFIX).then_some(name)
}

/// How a custom field of this name is typed.
pub(super) fn key(name: &str) -> String {
    format!("{PREFIX}{name}")
}

/// Why a custom field may not have kept what it was set to, as the end of a sentence; empty: nothing is known. `known`: the fields of the
/// list.
pub(super) fn why_not_kept(known: &[Value], field: &str) -> String {
    let named = |one: &&Value| {
        let own = text(one, "name").zip(name(field));
        own.is_some_and(|(own, typed)| is(own, typed))
    };
    let kind = known.iter().find(named).and_then(|one| text(one, "type"));
    match kind {
        Some("url") => {
            "; it is of the type url and keeps an address only, as https://example.com".to_owned()
        }
        Some(kind) => format!("; it is of the type {kind}"),
        None => String::new(),
    }
}

/// One request: the field, and the value that it gets; `None`: it is cleared.
pub(super) type Set = (String, Option<Value>);

/// What to send for a custom field that was typed. `known`: the fields of the list.
pub(super) fn set(known: &[Value], name: &str, typed: &str) -> Result<Set, Failure> {
    let named = |field: &&Value| text(field, "name").is_some_and(|own| is(own, name));
    let Some(field) = known.iter().find(named) else {
        let names: Vec<&str> = known.iter().filter_map(|one| text(one, "name")).collect();
        let near = did_you_mean(name, names.iter().copied());
        let near = near.map_or_else(String::new, |near| format!("did you mean \"{near}\"? "));
        return Err(usage(format!(
            "the list has no custom field \"{name}\"; {near}it has: {}",
            names.join(", ")
        )));
    };
    let id = text(field, "id").unwrap_or_default().to_owned();
    let typed = typed.trim();
    if typed.is_empty() {
        return Ok((id, None));
    }
    let wrong = |what: &str| usage(format!("{PREFIX}{name}={typed}: {what}"));
    let value = match text(field, "type") {
        Some("drop_down") => {
            let chosen = options(field).find(|option| {
                let own = text(option, "name");
                own.is_some_and(|own| is(own, typed))
            });
            let Some(chosen) = chosen.and_then(|option| text(option, "id")) else {
                let names: Vec<&str> = options(field).filter_map(|one| text(one, "name")).collect();
                return Err(wrong(&format!("its options are {}", names.join(", "))));
            };
            json!(chosen)
        }
        Some("number" | "currency" | "emoji") => match typed.parse::<f64>() {
            Ok(number) if number.is_finite() => json!(number),
            _ => return Err(wrong("it holds a number")),
        },
        Some("checkbox") => match typed.parse::<bool>() {
            Ok(yes) => json!(yes),
            Err(_) => return Err(wrong("it is true or false")),
        },
        _ => json!(typed),
    };
    Ok((id, Some(value)))
}

/// Adds the custom fields of a task to what is shown of it.
pub(super) fn show(task: &Value, shown: &mut Map<String, Value>) {
    let rows = task.get("custom_fields").and_then(Value::as_array);
    for field in rows.into_iter().flatten() {
        let (Some(name), Some(value)) = (text(field, "name"), field.get("value")) else {
            continue;
        };
        // ClickUp shows an option by its place in the list.
        let place = value.as_u64().and_then(|place| usize::try_from(place).ok());
        let option = place.and_then(|place| options(field).nth(place));
        let option = option.and_then(|option| text(option, "name"));
        let value = option.map_or_else(|| value.clone(), |name| json!(name));
        if !value.is_null() {
            shown.insert(format!("{PREFIX}{name}"), value);
        }
    }
}

fn is(name: &str, typed: &str) -> bool {
    Folded::new(name) == Folded::new(typed)
}

fn text<'a>(value: &'a Value, member: &str) -> Option<&'a str> {
    value.get(member).and_then(Value::as_str)
}

fn options(field: &Value) -> impl Iterator<Item = &Value> {
    let config = field.get("type_config");
    let options = config.and_then(|config| config.get("options"));
    options.and_then(Value::as_array).into_iter().flatten()
}
