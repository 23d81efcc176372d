//! Time entries, as much of them as a sync needs: create, both listings, the sum on the task.

use super::answer::{NO_OBJECT, Refusal};
use super::call::{self, Query};
use super::show;
use super::world::World;
use serde_json::{Value, json};

// Recorded by a live audit: `start` with `duration` but without `end` is refused.
const NO_END: Refusal = Refusal::new(400, "TIMESPENT_002", "Start and end required");
/// Range listed when the query names none: the last 30 days.
const DEFAULT_RANGE_MS: i64 = 30 * 24 * 3_600_000;

/// One finished stretch of work.
#[derive(Clone, Debug)]
pub(super) struct TimeEntry {
    id: u64,
    /// `None` when not attached to a task.
    task: Option<String>,
    user: i64,
    start: i64,
    end: i64,
    description: String,
    billable: bool,
    added: i64,
}

/// Total milliseconds on a task.
pub(super) fn spent(world: &World, task: &str) -> i64 {
    world
        .time
        .iter()
        .filter(|entry| entry.task.as_deref() == Some(task))
        .map(|entry| entry.end - entry.start)
        .sum()
}

fn insert(world: &mut World, task: Option<String>, body: &Value) -> Result<TimeEntry, Refusal> {
    let (Some(start), Some(end)) = (
        call::number(body.get("start")),
        call::number(body.get("end")),
    ) else {
        return Err(NO_END);
    };
    let added = match &task {
        Some(id) => {
            world.task(id)?;
            world.change(id, |_| ())
        }
        None => world.clock.tick().0,
    };
    let entry = TimeEntry {
        id: 4_000_000_000_000_000_000 + world.next(),
        task,
        user: call::number(body.get("assignee")).unwrap_or(world.config.token_user),
        start,
        end,
        description: call::text(body, "description")
            .unwrap_or_default()
            .to_owned(),
        billable: body
            .get("billable")
            .and_then(Value::as_bool)
            .unwrap_or(false),
        added,
    };
    world.time.push(entry.clone());
    Ok(entry)
}

fn shown(world: &World, entry: &TimeEntry) -> Value {
    let task = entry
        .task
        .as_deref()
        .and_then(|id| world.raw_task(id))
        .map(|task| json!({"id": task.id, "name": task.name, "custom_type": null}));
    let place = entry
        .task
        .as_deref()
        .and_then(|id| world.raw_task(id))
        .and_then(|task| world.place(&task.list).ok());
    json!({
        "id": entry.id.to_string(), "task": task, "wid": world.config.workspace, "user": show::person(world, entry.user),
        "billable": entry.billable, "start": entry.start.to_string(), "end": entry.end.to_string(),
        "duration": (entry.end - entry.start).to_string(), "description": entry.description, "tags": [], "source": "clickup",
        "at": entry.added.to_string(), "is_locked": false, "approval_id": null,
        "task_location": place.map(|place| json!({"list_id": place.list.id, "folder_id": place.folder_id(), "space_id": place.space.id})),
        "task_url": entry.task.as_deref().map(|id| format!("https://app.clickup.com/t/{id}")),
    })
}

/// `POST /team/{id}/time_entries`: `start` and `duration` numbers, `end` text.
pub(super) fn create(world: &mut World, body: &Value) -> Result<Value, Refusal> {
    let task = call::text(body, "tid").map(str::to_owned);
    let entry = insert(world, task, body)?;
    let mut row = shown(world, &entry);
    if let Some(map) = row.as_object_mut() {
        map.insert("start".to_owned(), json!(entry.start));
        map.insert("duration".to_owned(), json!(entry.end - entry.start));
    }
    Ok(json!({"data": row}))
}

/// `GET /team/{id}/time_entries`: the last 30 days of the token's user unless a task is named.
pub(super) fn of_team(world: &World, query: &Query) -> Result<Value, Refusal> {
    let to = query.number("end_date")?.unwrap_or(world.clock.now().0);
    let from = query.number("start_date")?.unwrap_or(to - DEFAULT_RANGE_MS);
    let task = query.get("task_id");
    let users: Vec<i64> = query
        .get("assignee")
        .unwrap_or_default()
        .split(',')
        .filter_map(|id| id.parse().ok())
        .collect();
    let wanted = |entry: &&TimeEntry| {
        let user = match (users.is_empty(), task) {
            (false, _) => users.contains(&entry.user),
            (true, Some(_)) => true,
            (true, None) => entry.user == world.config.token_user,
        };
        user && (from..=to).contains(&entry.start)
            && task.is_none_or(|task| entry.task.as_deref() == Some(task))
    };
    let rows: Vec<Value> = world
        .time
        .iter()
        .filter(wanted)
        .map(|entry| shown(world, entry))
        .collect();
    Ok(json!({"data": rows}))
}

/// `DELETE /team/{id}/time_entries/{entry}`.
pub(super) fn delete(world: &mut World, id: &str) -> Result<Value, Refusal> {
    let index = world
        .time
        .iter()
        .position(|entry| entry.id.to_string() == id)
        .ok_or(NO_OBJECT)?;
    let gone = world.time.remove(index);
    Ok(json!({"data": [shown(world, &gone)]}))
}

/// `POST /task/{id}/time`, the legacy form.
pub(super) fn create_legacy(world: &mut World, task: &str, body: &Value) -> Result<Value, Refusal> {
    let entry = insert(world, Some(task.to_owned()), body)?;
    Ok(json!({"id": entry.id.to_string()}))
}

/// `GET /task/{id}/time`, the legacy form: grouped per user.
pub(super) fn of_task(world: &World, task: &str) -> Result<Value, Refusal> {
    world.task(task)?;
    let entries: Vec<&TimeEntry> = world
        .time
        .iter()
        .filter(|entry| entry.task.as_deref() == Some(task))
        .collect();
    let mut users: Vec<i64> = entries.iter().map(|entry| entry.user).collect();
    users.sort_unstable();
    users.dedup();
    let group = |user: i64| {
        let own: Vec<&&TimeEntry> = entries.iter().filter(|entry| entry.user == user).collect();
        let intervals: Vec<Value> = own
            .iter()
            .map(|entry| {
                json!({
                    "id": entry.id.to_string(), "start": entry.start.to_string(), "end": entry.end.to_string(),
                    "time": (entry.end - entry.start).to_string(), "source": "clickup", "date_added": entry.added.to_string(),
                })
            })
            .collect();
        let sum: i64 = own.iter().map(|entry| entry.end - entry.start).sum();
        json!({"user": show::person(world, user), "time": sum, "intervals": intervals})
    };
    Ok(json!({"data": users.into_iter().map(group).collect::<Vec<_>>()}))
}
