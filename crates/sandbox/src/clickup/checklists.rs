//! Checklists. Creating or ticking one does not move the task's `date_updated`.

use super::answer::{BAD_BODY, NO_OBJECT, Refusal};
use super::call;
use super::show;
use super::world::World;
use serde_json::{Value, json};

/// `POST /task/{id}/checklist`.
pub(super) fn create(world: &mut World, task: &str, body: &Value) -> Result<Value, Refusal> {
    let order = world.task(task)?.checklists.len() + 1;
    let list = json!({
        "id": world.uuid(), "task_id": task, "name": call::text(body, "name").unwrap_or("Checklist"),
        "date_created": world.clock.now().0.to_string(), "orderindex": order, "creator": world.config.token_user,
        "resolved": 0, "unresolved": 0, "items": [],
    });
    let shown = list.clone();
    world.change_at(task, false, |task| task.checklists.push(list));
    Ok(json!({"checklist": shown}))
}

/// Applies an edit to one checklist, recounts it and returns it; `None` from the edit removes it.
fn with(
    world: &mut World,
    id: &str,
    edit: impl FnOnce(Value) -> Result<Option<Value>, Refusal>,
) -> Result<Value, Refusal> {
    let has = |list: &Value| call::text(list, "id") == Some(id);
    let task = world
        .live()
        .find(|task| task.checklists.iter().any(has))
        .ok_or(NO_OBJECT)?;
    let (task_id, mut lists) = (task.id.clone(), task.checklists.clone());
    let index = lists.iter().position(has).ok_or(NO_OBJECT)?;
    let mut edited = edit(lists.remove(index))?;
    if let Some(list) = &mut edited {
        recount(list);
        lists.insert(index, list.clone());
    }
    world.change_at(&task_id, false, |task| task.checklists = lists);
    Ok(edited.map_or_else(|| json!({}), |list| json!({"checklist": list})))
}

fn recount(list: &mut Value) {
    let items = list
        .get("items")
        .and_then(Value::as_array)
        .cloned()
        .unwrap_or_default();
    let resolved = items
        .iter()
        .filter(|item| item.get("resolved") == Some(&json!(true)))
        .count();
    put(list, "resolved", json!(resolved));
    put(list, "unresolved", json!(items.len() - resolved));
}

fn put(object: &mut Value, name: &str, value: Value) {
    if let Some(map) = object.as_object_mut() {
        map.insert(name.to_owned(), value);
    }
}

fn items(list: &mut Value) -> Result<&mut Vec<Value>, Refusal> {
    list.get_mut("items")
        .and_then(Value::as_array_mut)
        .ok_or(NO_OBJECT)
}

/// `PUT /checklist/{id}`.
pub(super) fn rename(world: &mut World, id: &str, body: &Value) -> Result<Value, Refusal> {
    let name = call::text(body, "name").map(str::to_owned);
    with(world, id, |mut list| {
        if let Some(name) = name {
            put(&mut list, "name", json!(name));
        }
        Ok(Some(list))
    })
}

/// `DELETE /checklist/{id}`.
pub(super) fn delete(world: &mut World, id: &str) -> Result<Value, Refusal> {
    with(world, id, |_| Ok(None))
}

/// `POST /checklist/{id}/checklist_item`: answers the whole checklist.
pub(super) fn add_item(world: &mut World, id: &str, body: &Value) -> Result<Value, Refusal> {
    let name = call::text(body, "name")
        .filter(|name| !name.is_empty())
        .ok_or(BAD_BODY)?
        .to_owned();
    let (item, now) = (world.uuid(), world.clock.now().0.to_string());
    let assignee = call::number(body.get("assignee")).map(|id| show::person(world, id));
    with(world, id, |mut list| {
        let rows = items(&mut list)?;
        rows.push(json!({
            "id": item, "name": name, "orderindex": rows.len(), "assignee": assignee, "group_assignee": null,
            "resolved": false, "parent": null, "date_created": now, "start_date": null, "start_date_time": false,
            "due_date": null, "due_date_time": false, "sent_due_date_notif": null, "children": [],
        }));
        Ok(Some(list))
    })
}

/// `PUT /checklist/{id}/checklist_item/{item}`.
pub(super) fn edit_item(
    world: &mut World,
    id: &str,
    item: &str,
    body: &Value,
) -> Result<Value, Refusal> {
    let assignee = body
        .get("assignee")
        .map(|value| call::number(Some(value)).map(|id| show::person(world, id)));
    with(world, id, |mut list| {
        let row = items(&mut list)?
            .iter_mut()
            .find(|row| call::text(row, "id") == Some(item))
            .ok_or(NO_OBJECT)?;
        for name in ["name", "resolved", "parent"] {
            if let Some(value) = body.get(name) {
                put(row, name, value.clone());
            }
        }
        if let Some(assignee) = assignee {
            put(row, "assignee", json!(assignee));
        }
        Ok(Some(list))
    })
}

/// `DELETE /checklist/{id}/checklist_item/{item}`.
pub(super) fn delete_item(world: &mut World, id: &str, item: &str) -> Result<Value, Refusal> {
    with(world, id, |mut list| {
        items(&mut list)?.retain(|row| call::text(row, "id") != Some(item));
        Ok(Some(list))
    })
}
