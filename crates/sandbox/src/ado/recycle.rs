//! Deleting, the recycle bin, restoring.

use super::AdoSandbox;
use super::draft::{Draft, save};
use super::http::{Answer, Call};
use super::render::{self, View};
use super::reply::{Refusal, Reply, member};
use super::state::{State, WorkItem};
use boardsync_core::model::Timestamp;
use serde_json::{Value, json};

/// Moves an item to the bin; `false` when it is not live.
pub fn bin(state: &mut State, id: i64, by: &str, at: Timestamp) -> bool {
    let Ok(item) = state.live(None, id) else {
        return false;
    };
    let mut draft = Draft::of(item);
    draft.deleted = true;
    save(state, draft, by, at, false);
    true
}

/// Takes an item out of the bin; `false` when it is not in there.
pub fn unbin(state: &mut State, id: i64, by: &str, at: Timestamp) -> bool {
    let Some(item) = state.items.get(&id).filter(|i| i.deleted.is_some()) else {
        return false;
    };
    let mut draft = Draft::of(item);
    draft.deleted = false;
    save(state, draft, by, at, false);
    true
}

/// `DELETE workitems/{id}`.
pub fn delete(sandbox: &AdoSandbox, call: &Call, id: i64) -> Answer {
    let mut state = sandbox.lock();
    state.live(call.project, id)?;
    let at = sandbox.clock.tick();
    if call.flag("destroy") {
        state.items.remove(&id);
        return Ok(Reply::bare(204));
    }
    bin(&mut state, id, &call.by, at);
    row(&state, call, id).map(|row| Reply::json(&row))
}

/// `POST workitemsdelete`.
pub fn delete_many(sandbox: &AdoSandbox, call: &Call) -> Answer {
    let body = call.json()?;
    let ids: Vec<i64> = member(&body, "ids")
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(Value::as_i64)
        .collect();
    let mut state = sandbox.lock();
    let mut results = Vec::new();
    for id in ids {
        if state.live(call.project, id).is_err() {
            let refusal = Refusal::no_such_item(id);
            results.push(
                json!({"id": id.to_string(), "code": refusal.status, "message": refusal.message}),
            );
            continue;
        }
        let at = sandbox.clock.tick();
        bin(&mut state, id, &call.by, at);
        results.push(row(&state, call, id)?);
        if member(&body, "destroy").as_bool() == Some(true) {
            state.items.remove(&id);
        }
    }
    Ok(Reply::json(&json!({"results": results})))
}

/// Everything below `recyclebin`.
pub fn route(sandbox: &AdoSandbox, call: &Call, rest: &[&str]) -> Option<Answer> {
    let id = match rest {
        [] => None,
        [id] => Some(id.parse::<i64>().ok()?),
        _ => return None,
    };
    Some(match (call.method.as_str(), id) {
        ("GET", None) => list(sandbox, call),
        ("GET", Some(id)) => row(&sandbox.lock(), call, id).map(|row| Reply::json(&row)),
        ("PATCH", Some(id)) => restore(sandbox, call, id),
        ("DELETE", Some(id)) => destroy(sandbox, call, id),
        _ => return None,
    })
}

fn binned<'a>(state: &'a State, call: &Call, id: i64) -> Result<&'a WorkItem, Refusal> {
    state
        .items
        .get(&id)
        .filter(|i| i.deleted.is_some() && call.project.is_none_or(|p| p == i.project))
        .ok_or_else(|| Refusal::no_such_item(id))
}

/// Ids and addresses of all deleted items, or details of those asked for.
fn list(sandbox: &AdoSandbox, call: &Call) -> Answer {
    let state = sandbox.lock();
    let wanted = call.list("ids");
    if wanted.is_empty() {
        let deleted = state
            .items
            .values()
            .filter(|i| i.deleted.is_some() && call.project.is_none_or(|p| p == i.project));
        let rows: Vec<Value> = deleted
            .map(|i| json!({"id": i.id, "url": format!("{}/_apis/wit/recycleBin/{}", call.base, i.id)}))
            .collect();
        return Ok(Reply::list(&rows));
    }
    let mut rows = Vec::new();
    for id in wanted {
        let id: i64 = id
            .parse()
            .map_err(|_| Refusal::argument("The ids parameter must be a list of numbers."))?;
        if let Ok(row) = row(&state, call, id) {
            rows.push(row);
        }
    }
    Ok(Reply::list(&rows))
}

fn row(state: &State, call: &Call, id: i64) -> Result<Value, Refusal> {
    let item = binned(state, call, id)?;
    let deletion = item.deleted.as_ref();
    let at = deletion.map_or(Timestamp(0), |d| d.at);
    // The bin writes dates in the American text form. REST example `recycleBin/GET__wit_recyclebin__ids_.json`.
    let date = chrono::DateTime::from_timestamp_millis(at.0).map_or_else(String::new, |at| {
        at.format("%-m/%-d/%Y %-I:%M:%S %p").to_string()
    });
    let by = deletion
        .and_then(|d| state.person(&d.by))
        .map_or_else(String::new, |p| p.combined());
    Ok(json!({
        "id": id.to_string(),
        "code": 200,
        "type": item.text("System.WorkItemType"),
        "name": item.text("System.Title"),
        "project": state.project_at(item.project).map_or("", |p| p.name.as_str()),
        "deletedDate": date,
        "deletedBy": by,
        "url": format!("{}/_apis/wit/recycleBin/{id}", call.base),
    }))
}

fn restore(sandbox: &AdoSandbox, call: &Call, id: i64) -> Answer {
    if *member(&call.json()?, "isDeleted") != Value::Bool(false) {
        return Err(Refusal::argument(
            "The body must be {\"isDeleted\": false}.",
        ));
    }
    let mut state = sandbox.lock();
    let mut row = row(&state, call, id)?;
    let at = sandbox.clock.tick();
    unbin(&mut state, id, &call.by, at);
    let item = state.live(None, id)?;
    if let Some(map) = row.as_object_mut() {
        map.insert(
            "resource".to_owned(),
            render::item(&state, item, &call.base, &View::default()),
        );
        map.insert(
            "url".to_owned(),
            format!("{}/_apis/wit/workItems/{id}", call.base).into(),
        );
    }
    Ok(Reply::json(&row))
}

fn destroy(sandbox: &AdoSandbox, call: &Call, id: i64) -> Answer {
    let mut state = sandbox.lock();
    binned(&state, call, id)?;
    state.items.remove(&id);
    Ok(Reply::bare(204))
}
