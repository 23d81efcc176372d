//! Custom fields: what is written differs from what is read, type by type.

use super::answer::{BAD_PARAMETER, Refusal};
use super::call::{self, Query};
use super::config::{LongTexts, SandboxField};
use super::prose;
use super::quiet;
use super::show;
use super::world::{Place, Task, World};
use serde_json::{Value, json};

// ClickUp docs "Custom Fields" and error bodies recorded by open-source clients.
const BAD_OPTION: Refusal = Refusal::new(400, "FIELD_011", "Value is not a valid option");
const NOT_A_DATE: Refusal = Refusal::new(500, "FIELD_017", "Value is not a valid date");
const PLAN: Refusal = Refusal::new(
    400,
    "FIELD_033",
    "Custom field usages exceeded for your plan",
);
const NOT_HERE: Refusal = Refusal::new(400, "FIELD_115", "Field is not in the task's location");

fn definition(field: &SandboxField) -> Value {
    json!({
        "id": field.id, "name": field.name, "type": field.kind, "type_config": field.type_config,
        "date_created": "1621915186877", "hide_from_guests": false, "required": false,
    })
}

/// `GET /list/{id}/field`.
pub(super) fn definitions(world: &World, list: &str) -> Result<Value, Refusal> {
    let place = world.place(list)?;
    let fields: Vec<Value> = if world.config.quirks.custom_fields {
        place.list.fields.iter().map(definition).collect()
    } else {
        Vec::new()
    };
    Ok(json!({"fields": fields}))
}

/// The fields of a task; an unset one has no `value` at all.
pub(super) fn shown(world: &World, place: Place<'_>, task: &Task, listing: bool) -> Vec<Value> {
    if !world.config.quirks.custom_fields {
        return Vec::new();
    }
    let without_values = listing && world.config.quirks.listing_drops_field_values;
    let show = |field: &SandboxField| {
        let mut row = definition(field);
        let stored = task.fields.get(&field.id).filter(|_| !without_values);
        if let (Some(map), Some(stored)) = (row.as_object_mut(), stored) {
            map.insert("value".to_owned(), read(world, field, stored));
            if let Some(text) = in_the_editor(world, field, stored) {
                map.insert("value".to_owned(), json!(text.plain));
                if !listing {
                    map.insert("value_markdown".to_owned(), json!(text.markdown));
                }
            }
        }
        row
    };
    place.list.fields.iter().map(show).collect()
}

/// The two renderings of a long text, where the service keeps it as a document.
fn in_the_editor(world: &World, field: &SandboxField, stored: &Value) -> Option<prose::Rendered> {
    let document = world.config.quirks.long_texts == LongTexts::WithMarkdown;
    let text = stored.as_str().filter(|_| document && field.kind == LONG)?;
    Some(prose::from_markdown(text))
}

/// The type of a text of several lines.
const LONG: &str = "text";

/// Who sets a field.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum By {
    /// A program, over the API.
    Program,
    /// Somebody in the editor.
    Hand,
}

fn options(field: &SandboxField) -> &[Value] {
    field
        .type_config
        .get("options")
        .and_then(Value::as_array)
        .map(Vec::as_slice)
        .unwrap_or_default()
}

/// Turns the stored value into what a read shows.
fn read(world: &World, field: &SandboxField, stored: &Value) -> Value {
    match field.kind.as_str() {
        // Written as an option id, read as its order index.
        "drop_down" => options(field)
            .iter()
            .find(|option| option.get("id") == Some(stored))
            .and_then(|option| option.get("orderindex"))
            .cloned()
            .unwrap_or(Value::Null),
        "number" | "currency" => json!(stored.to_string()),
        "checkbox" => json!(stored.to_string()),
        "users" => json!(
            call::ids(Some(stored))
                .into_iter()
                .map(|id| show::person(world, id))
                .collect::<Vec<_>>()
        ),
        _ => stored.clone(),
    }
}

/// Turns a written value into the stored one; `old` is what was stored before.
fn accept(field: &SandboxField, value: &Value, old: Option<&Value>) -> Result<Value, Refusal> {
    let is_option = |id: &Value| {
        options(field)
            .iter()
            .any(|option| option.get("id") == Some(id))
    };
    match field.kind.as_str() {
        _ if value.is_null() => Err(BAD_OPTION),
        "drop_down" => {
            let by_index = |index: u64| {
                options(field)
                    .iter()
                    .find(|option| option.get("orderindex").and_then(Value::as_u64) == Some(index))
                    .and_then(|option| option.get("id"))
                    .cloned()
            };
            match value.as_u64() {
                Some(index) => by_index(index).ok_or(BAD_OPTION),
                None if is_option(value) => Ok(value.clone()),
                None => Err(BAD_OPTION),
            }
        }
        "labels" => match value.as_array() {
            Some(ids) if ids.iter().all(is_option) => Ok(value.clone()),
            _ => Err(BAD_OPTION),
        },
        "date" => call::number(Some(value))
            .map(|ms| json!(ms.to_string()))
            .ok_or(NOT_A_DATE),
        "checkbox" => match value {
            Value::Bool(_) => Ok(value.clone()),
            Value::String(text) => Ok(json!(text == "true")),
            _ => Err(BAD_OPTION),
        },
        "number" | "currency" => match value {
            Value::Number(_) => Ok(value.clone()),
            Value::String(text) => serde_json::from_str::<serde_json::Number>(text)
                .map(Value::Number)
                .map_err(|_| BAD_OPTION),
            _ => Err(BAD_OPTION),
        },
        "users" => {
            let mut ids = call::ids(old);
            let removed = call::ids(value.get("rem"));
            ids.retain(|id| !removed.contains(id));
            ids.extend(call::ids(value.get("add")));
            ids.dedup();
            Ok(json!(ids))
        }
        "emoji" => {
            let most = field.type_config.get("count").and_then(Value::as_u64);
            match value.as_u64() {
                Some(stars) if most.is_none_or(|most| stars <= most) => Ok(value.clone()),
                _ => Err(BAD_OPTION),
            }
        }
        "manual_progress" => match value.get("current") {
            Some(Value::Number(_)) => Ok(value.clone()),
            _ => Err(BAD_OPTION),
        },
        // Worked out by the service.
        "formula" | "rollup" | "automatic_progress" => Err(BAD_OPTION),
        _ => Ok(value.clone()),
    }
}

/// A `url` field takes anything and stores an address only. n8n-io/n8n issue 11937, triptechtravel/clickup-cli issue 2.
fn is_no_address(world: &World, list: &str, id: &str, value: &Value) -> bool {
    let is_url = field(world, list, id).is_ok_and(|field| field.kind == "url");
    let address = |text: &str| url::Url::parse(text).is_ok_and(|url| url.has_host());
    is_url && value.as_str().is_some_and(|text| !address(text))
}

fn field<'a>(world: &'a World, list: &str, id: &str) -> Result<&'a SandboxField, Refusal> {
    if !world.config.quirks.custom_fields {
        return Err(PLAN);
    }
    world
        .place(list)?
        .list
        .fields
        .iter()
        .find(|field| field.id == id)
        .ok_or(NOT_HERE)
}

/// Stores one value in a task about to be committed.
pub(super) fn put(
    world: &World,
    task: &mut Task,
    (id, value): (&str, &Value),
    by: By,
) -> Result<(), Refusal> {
    if is_no_address(world, &task.list, id, value) {
        return Ok(());
    }
    let known = field(world, &task.list, id)?;
    let mut stored = accept(known, value, task.fields.get(id))?;
    let sent = by == By::Program && known.kind == LONG;
    if let Some(text) = stored.as_str().filter(|_| sent) {
        stored = match world.config.quirks.long_texts {
            LongTexts::Plain => json!(prose::from_markdown(text).plain),
            LongTexts::Cut(most) => json!(text.chars().take(most).collect::<String>()),
            LongTexts::AsSent | LongTexts::WithMarkdown => stored,
        };
    }
    let used: usize = world.live().map(|task| task.fields.len()).sum();
    let full = world
        .config
        .quirks
        .field_uses
        .is_some_and(|most| used >= most);
    if full && !task.fields.contains_key(id) {
        return Err(PLAN);
    }
    task.fields.insert(id.to_owned(), stored);
    Ok(())
}

/// `POST /task/{id}/field/{field}`: one field per request.
pub(super) fn set(
    world: &mut World,
    task: &str,
    field: &str,
    body: &Value,
    by: By,
) -> Result<Value, Refusal> {
    // Recorded: on a deleted task this answers 200 and does nothing.
    if world.raw_task(task).is_some_and(|task| task.deleted) {
        return Ok(json!({}));
    }
    let value = body.get("value").unwrap_or(&Value::Null);
    let list = world.task(task)?.list.clone();
    if quiet::keeps(world, field, value) || is_no_address(world, &list, field, value) {
        world.change(task, |_| {});
        return Ok(json!({}));
    }
    let mut changed = Task::clone(&*world.task(task)?);
    put(world, &mut changed, (field, value), by)?;
    world.change_at(task, world.config.quirks.field_set_moves, |task| {
        task.fields = changed.fields
    });
    Ok(json!({}))
}

/// `DELETE /task/{id}/field/{field}`.
pub(super) fn clear(world: &mut World, task: &str, id: &str) -> Result<Value, Refusal> {
    let list = world.task(task)?.list.clone();
    field(world, &list, id)?;
    world.change_at(task, world.config.quirks.field_set_moves, |task| {
        task.fields.remove(id);
    });
    Ok(json!({}))
}

/// One entry of the `custom_fields` filter.
pub(super) struct Condition {
    field: String,
    operator: String,
    value: Value,
}

/// Parses the filter: a JSON array of `field_id`, `operator`, `value`.
pub(super) fn conditions(query: &Query) -> Result<Vec<Condition>, Refusal> {
    let Some(text) = query.get("custom_fields") else {
        return Ok(Vec::new());
    };
    let rows: Vec<Value> = serde_json::from_str(text).map_err(|_| BAD_PARAMETER)?;
    let parse = |row: &Value| {
        Some(Condition {
            field: call::text(row, "field_id")?.to_owned(),
            operator: call::text(row, "operator")?.to_owned(),
            value: row.get("value").cloned().unwrap_or(Value::Null),
        })
    };
    rows.iter()
        .map(|row| parse(row).ok_or(BAD_PARAMETER))
        .collect()
}

impl Condition {
    pub fn admits(&self, world: &World, task: &Task) -> bool {
        let definition = world.place(&task.list).ok().and_then(|place| {
            place
                .list
                .fields
                .iter()
                .find(|field| field.id == self.field)
        });
        let (Some(definition), Some(stored)) = (definition, task.fields.get(&self.field)) else {
            return matches!(self.operator.as_str(), "IS NULL" | "!=");
        };
        let plain = |value: &Value| {
            value
                .as_str()
                .map_or_else(|| value.to_string(), str::to_owned)
        };
        let shown = plain(&read(world, definition, stored));
        let same = |value: &Value| plain(value) == plain(stored) || plain(value) == shown;
        let order = match (
            plain(stored).parse::<f64>(),
            plain(&self.value).parse::<f64>(),
        ) {
            (Ok(left), Ok(right)) => left.partial_cmp(&right),
            _ => None,
        };
        match self.operator.as_str() {
            "=" => same(&self.value),
            "!=" => !same(&self.value),
            "<" => order.is_some_and(|order| order.is_lt()),
            "<=" => order.is_some_and(|order| order.is_le()),
            ">" => order.is_some_and(|order| order.is_gt()),
            ">=" => order.is_some_and(|order| order.is_ge()),
            "ANY" => self.value.as_array().is_some_and(|values| {
                values.iter().any(|value| {
                    same(value) || stored.as_array().is_some_and(|items| items.contains(value))
                })
            }),
            "IS NOT NULL" => true,
            _ => false,
        }
    }
}
