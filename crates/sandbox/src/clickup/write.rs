//! Creating, changing, moving and deleting tasks.

use super::answer::{BAD_BODY, NO_OBJECT, Refusal};
use super::call::{self, ids, number, text};
use super::fields;
use super::prose::{self, Rendered};
use super::tags;
use super::world::{Place, Task, World};
use chrono::{NaiveTime, TimeZone};
use serde_json::{Value, json};

// Error bodies recorded by open-source clients.
const NO_STATUS_ON_CREATE: Refusal = Refusal::new(400, "CRTSK_001", "Status not found");
const NO_STATUS_ON_UPDATE: Refusal = Refusal::new(400, "ITEM_114", "Status does not exist");
const EMPTY_NAME: Refusal = Refusal::new(400, "INPUT_005", "Task name invalid");
const FOREIGN_PARENT: Refusal = Refusal::new(400, "ITEM_137", "Parent not child of list");
/// Recorded: an update that names a parent which does not exist times out at the gateway.
const GATEWAY: Refusal = Refusal::new(504, "", "");
/// A v3 move whose target lacks the task's status.
const NEEDS_MAPPING: Refusal = Refusal::new(400, "ITEM_114", "Status mapping required");

/// ClickUp docs "Date formatting": date-only values are stored as 04:00 in the user's zone.
const DATE_ONLY_HOUR: u32 = 4;

fn status_named(world: &World, place: Place<'_>, name: &str) -> Option<(String, String)> {
    let exact = world.config.quirks.status_case_sensitive;
    let same = |known: &str| {
        if exact {
            known == name
        } else {
            known.to_lowercase() == name.trim().to_lowercase()
        }
    };
    place
        .statuses()
        .iter()
        .find(|status| same(&status.name))
        .map(|status| (status.name.clone(), status.kind.clone()))
}

/// Sets the status and the two instants that follow from its kind.
pub(super) fn enter(task: &mut Task, (name, kind): (String, String), now: i64) {
    task.status = name;
    let finished = matches!(kind.as_str(), "done" | "closed");
    task.done = finished.then(|| task.done.unwrap_or(now));
    // Recorded: kind `done` leaves `date_closed` null.
    task.closed = (kind == "closed").then(|| task.closed.unwrap_or(now));
}

/// What a date becomes in storage: exact with a time, otherwise 04:00 of its day in the token user's zone.
fn stored_date(world: &World, ms: i64, with_time: bool) -> i64 {
    if with_time {
        return ms;
    }
    let zone = world
        .user(world.config.token_user)
        .and_then(|user| user.timezone.parse::<chrono_tz::Tz>().ok())
        .unwrap_or(chrono_tz::UTC);
    let four = NaiveTime::from_hms_opt(DATE_ONLY_HOUR, 0, 0).unwrap_or_default();
    zone.timestamp_millis_opt(ms)
        .single()
        .and_then(|at| {
            at.date_naive()
                .and_time(four)
                .and_local_timezone(zone)
                .earliest()
        })
        .map_or(ms, |at| at.timestamp_millis())
}

/// `Some(None)` clears, `None` leaves the date alone.
fn date(world: &World, body: &Value, name: &str) -> Option<Option<i64>> {
    let value = body.get(name)?;
    let with_time = body
        .get(format!("{name}_time"))
        .and_then(Value::as_bool)
        .unwrap_or(false);
    Some(number(Some(value)).map(|ms| stored_date(world, ms, with_time)))
}

/// The description a body asks for. `markdown_content` wins; a `markdown_description` key loses its formatting.
fn description(world: &World, body: &Value) -> Option<Rendered> {
    if let Some(markdown) = text(body, "markdown_content") {
        if world.config.quirks.escapes_again && prose::grows(markdown) {
            return Some(prose::grown(markdown));
        }
        return Some(prose::from_markdown(markdown));
    }
    let plain = text(body, "description").or_else(|| text(body, "markdown_description"))?;
    if plain.is_empty() && !world.config.quirks.empty_clears_description {
        return None;
    }
    Some(prose::from_plain(plain))
}

/// `POST /list/{id}/task`. There is no idempotency key: every accepted request makes another task.
pub(super) fn create(
    world: &mut World,
    list: &str,
    body: &Value,
    creator: i64,
) -> Result<String, Refusal> {
    let place = world.place(list)?;
    let name = text(body, "name")
        .map(str::trim)
        .filter(|name| !name.is_empty())
        .ok_or(EMPTY_NAME)?
        .to_owned();
    let status = match text(body, "status") {
        Some(name) => status_named(world, place, name).ok_or(NO_STATUS_ON_CREATE)?,
        None => first_status(place),
    };
    let space = place.space.id.clone();
    let parent = text(body, "parent")
        .filter(|id| !id.is_empty())
        .map(str::to_owned);
    if let Some(parent) = &parent
        && world.task(parent).map_err(|_| FOREIGN_PARENT)?.list != list
    {
        return Err(FOREIGN_PARENT);
    }
    let rendered = description(world, body).unwrap_or_default();
    let mut task = Task {
        custom_id: text(body, "custom_id").map(str::to_owned),
        custom_item_id: number(body.get("custom_item_id")).unwrap_or(0),
        name,
        markdown: rendered.markdown,
        plain: rendered.plain,
        creator,
        watchers: vec![creator],
        parent,
        priority: number(body.get("priority")).filter(|priority| (1..=4).contains(priority)),
        due: date(world, body, "due_date").flatten(),
        start: date(world, body, "start_date").flatten(),
        points: body.get("points").and_then(Value::as_f64),
        estimate: number(body.get("time_estimate")).filter(|ms| *ms > 0),
        list: list.to_owned(),
        assignees: ids(body.get("assignees"))
            .into_iter()
            .filter(|id| world.can_see(*id, list))
            .collect(),
        ..Task::default()
    };
    for field in body
        .get("custom_fields")
        .and_then(Value::as_array)
        .into_iter()
        .flatten()
    {
        let value = field.get("value").unwrap_or(&Value::Null);
        if !value.is_null() {
            fields::put(
                world,
                &mut task,
                (text(field, "id").unwrap_or_default(), value),
                fields::By::Program,
            )?;
        }
    }
    for tag in body
        .get("tags")
        .and_then(Value::as_array)
        .into_iter()
        .flatten()
        .filter_map(Value::as_str)
    {
        let tag = tags::folded(world, tag);
        tags::ensure(world, &space, &tag, None);
        if !task.tags.contains(&tag) {
            task.tags.push(tag);
        }
    }
    let now = world.clock.tick().0;
    enter(&mut task, status, now);
    task.id = world.task_id();
    task.orderindex = 39_908_000 + world.next();
    (task.created, task.updated) = (now, now);
    let id = task.id.clone();
    world.commit(task);
    Ok(id)
}

pub(super) fn first_status(place: Place<'_>) -> (String, String) {
    place
        .statuses()
        .first()
        .map(|status| (status.name.clone(), status.kind.clone()))
        .unwrap_or_default()
}

/// `PUT /task/{id}`, without the members that have no effect. Unknown ones are accepted and ignored.
pub(super) fn update(world: &mut World, id: &str, body: &Value) -> Result<(), Refusal> {
    let old = world.task(id)?;
    let mut task = Task::clone(&old);
    if !body.is_object() {
        return Err(BAD_BODY);
    }
    if let Some(name) = text(body, "name") {
        task.name = Some(name.trim())
            .filter(|name| !name.is_empty())
            .ok_or(EMPTY_NAME)?
            .to_owned();
    }
    if let Some(rendered) = description(world, body) {
        (task.markdown, task.plain) = (rendered.markdown, rendered.plain);
    }
    // `parent: null` and `parent: ""` are accepted and change nothing.
    if let Some(parent) = text(body, "parent").filter(|parent| !parent.is_empty()) {
        reparent(world, &mut task, parent)?;
    }
    if let Some(name) = text(body, "status") {
        let status =
            status_named(world, world.place(&task.list)?, name).ok_or(NO_STATUS_ON_UPDATE)?;
        if status.0 != task.status {
            enter(&mut task, status, world.clock.now().0);
        }
    }
    scalars(world, &mut task, body);
    people(world, &mut task, body);
    let archived = body
        .get("archived")
        .and_then(Value::as_bool)
        .unwrap_or(task.archived);
    let edited = differs(&old, &task);
    let archiving = archived != task.archived;
    task.archived = archived;
    if edited || archiving {
        let moves = edited || world.config.quirks.archive_moves;
        let moved_list = (old.list != task.list).then(|| task.list.clone());
        world.change_at(id, moves, |stored| *stored = task);
        if let Some(list) = moved_list {
            descend(world, id, &list);
        }
    }
    Ok(())
}

fn scalars(world: &World, task: &mut Task, body: &Value) {
    match body.get("priority") {
        Some(Value::Null) if world.config.quirks.null_clears_priority => task.priority = None,
        value => {
            task.priority = number(value)
                .filter(|priority| (1..=4).contains(priority))
                .or(task.priority)
        }
    }
    if let Some(due) = date(world, body, "due_date") {
        task.due = due;
    }
    if let Some(start) = date(world, body, "start_date") {
        task.start = start;
    }
    if let Some(points) = body.get("points") {
        task.points = points.as_f64();
    }
    // Zero clears the estimate; whether null does is not established, so here it does not.
    if let Some(estimate) = number(body.get("time_estimate")) {
        task.estimate = Some(estimate).filter(|ms| *ms > 0);
    }
    task.custom_item_id = number(body.get("custom_item_id")).unwrap_or(task.custom_item_id);
    if let Some(custom_id) = text(body, "custom_id") {
        task.custom_id = Some(custom_id.to_owned());
    }
}

/// `{"add":[..],"rem":[..]}`; a guest who cannot see the list is silently not assigned.
fn people(world: &World, task: &mut Task, body: &Value) {
    let list = task.list.clone();
    for (name, people) in [
        ("assignees", &mut task.assignees),
        ("watchers", &mut task.watchers),
    ] {
        let Some(change) = body.get(name).filter(|change| change.is_object()) else {
            continue;
        };
        let removed = ids(change.get("rem"));
        people.retain(|id| !removed.contains(id));
        for id in ids(change.get("add")) {
            if world.can_see(id, &list) && !people.contains(&id) {
                people.push(id);
            }
        }
    }
}

/// A parent in another list takes the task there.
fn reparent(world: &World, task: &mut Task, parent: &str) -> Result<(), Refusal> {
    if parent == task.id || world.descendants(&task.id).iter().any(|id| id == parent) {
        return Err(FOREIGN_PARENT);
    }
    let parent = world.task(parent).map_err(|_| GATEWAY)?;
    task.parent = Some(parent.id.clone());
    if parent.list != task.list {
        task.list.clone_from(&parent.list);
        settle(world, task);
    }
    Ok(())
}

/// Falls back to the list's first status when the list lacks the task's.
fn settle(world: &World, task: &mut Task) {
    if let Ok(place) = world.place(&task.list)
        && !place
            .statuses()
            .iter()
            .any(|status| status.name == task.status)
    {
        enter(task, first_status(place), world.clock.now().0);
    }
}

/// Settles a stored task after the statuses of its list changed.
pub(super) fn settle_stored(world: &mut World, id: &str) {
    let Some(mut task) = world.raw_task(id).map(|task| Task::clone(task)) else {
        return;
    };
    let before = task.status.clone();
    settle(world, &mut task);
    if task.status != before {
        world.change(id, |stored| *stored = task);
    }
}

fn differs(old: &Task, new: &Task) -> bool {
    let key = |task: &Task| {
        (
            (
                task.name.clone(),
                task.markdown.clone(),
                task.plain.clone(),
                task.status.clone(),
                task.list.clone(),
            ),
            (
                task.parent.clone(),
                task.priority,
                task.due,
                task.start,
                task.estimate,
                task.custom_item_id,
            ),
            (
                task.points.map(f64::to_bits),
                task.assignees.clone(),
                task.watchers.clone(),
                task.custom_id.clone(),
            ),
        )
    };
    key(old) != key(new)
}

/// `DELETE /task/{id}`: subtasks go too.
pub(super) fn delete(world: &mut World, id: &str) -> Result<(), Refusal> {
    world.task(id)?;
    for gone in world.descendants(id).into_iter().chain([id.to_owned()]) {
        world.change(&gone, |task| task.deleted = true);
    }
    Ok(())
}

/// Takes the subtasks along after a move.
fn descend(world: &mut World, id: &str, list: &str) {
    for child in world.descendants(id) {
        let Some(mut task) = world.raw_task(&child).map(|task| Task::clone(task)) else {
            continue;
        };
        list.clone_into(&mut task.list);
        settle(world, &mut task);
        world.change(&child, |stored| *stored = task);
    }
}

/// `PUT /api/v3/workspaces/{ws}/tasks/{id}/home_list/{list}`: statuses match by name, others need a mapping.
pub(super) fn move_home(
    world: &mut World,
    id: &str,
    list: &str,
    body: &Value,
) -> Result<Value, Refusal> {
    let mut task = Task::clone(&*world.task(id)?);
    let source = world.place(&task.list)?;
    let target = world.place(list).map_err(|_| NO_OBJECT)?;
    if !target
        .statuses()
        .iter()
        .any(|status| status.name == task.status)
    {
        let status_id = |place: Place<'_>, name: &str| {
            place
                .statuses()
                .iter()
                .find(|status| status.name == name)
                .map(|status| super::show::status_id(place, status))
        };
        let current = status_id(source, &task.status);
        // The specification and the guide disagree on the key names; both are read.
        let key = |row: &Value, end: &str| {
            text(row, &format!("{end}_status_id"))
                .or_else(|| text(row, &format!("{end}_status")))
                .map(str::to_owned)
        };
        let rows = body
            .get("status_mappings")
            .and_then(Value::as_array)
            .cloned()
            .unwrap_or_default();
        let wanted = rows
            .iter()
            .find(|row| key(row, "source") == current)
            .and_then(|row| key(row, "destination"));
        let status = target
            .statuses()
            .iter()
            .find(|status| status_id(target, &status.name) == wanted)
            .ok_or(NEEDS_MAPPING)?;
        enter(
            &mut task,
            (status.name.clone(), status.kind.clone()),
            world.clock.now().0,
        );
    }
    list.clone_into(&mut task.list);
    task.locations.retain(|other| other != list);
    world.change(id, |stored| *stored = task);
    descend(world, id, list);
    Ok(json!({"data": {"task_id": id, "new_list_id": list}}))
}

/// Moves a task as a person does in the application, which asks for a status when the list lacks the current one.
pub(super) fn move_by_hand(world: &mut World, id: &str, list: &str) -> Result<(), Refusal> {
    let mut task = Task::clone(&*world.task(id)?);
    world.place(list)?;
    list.clone_into(&mut task.list);
    settle(world, &mut task);
    world.change(id, |stored| *stored = task);
    descend(world, id, list);
    Ok(())
}

/// `POST` or `DELETE /list/{list}/task/{id}`: membership besides the home list.
pub(super) fn locate(
    world: &mut World,
    list: &str,
    id: &str,
    present: bool,
) -> Result<Value, Refusal> {
    world.place(list)?;
    let task = world.task(id)?;
    if task.list != list {
        world.change(id, |task| {
            task.locations.retain(|other| other != list);
            if present {
                task.locations.push(list.to_owned());
            }
        });
    }
    Ok(json!({}))
}

/// Applies what only a person can do in one step: `tags` (the whole set) and `custom_fields` (`id`, `value`; null clears).
pub(super) fn by_hand(world: &mut World, id: &str, body: &Value) -> Result<(), Refusal> {
    if let Some(wanted) = body.get("tags").and_then(Value::as_array) {
        let wanted: Vec<String> = wanted
            .iter()
            .filter_map(Value::as_str)
            .map(|tag| tags::folded(world, tag))
            .collect();
        for gone in world
            .task(id)?
            .tags
            .iter()
            .filter(|tag| !wanted.contains(tag))
        {
            tags::remove(world, id, gone)?;
        }
        for tag in &wanted {
            tags::add(world, id, tag)?;
        }
    }
    for field in body
        .get("custom_fields")
        .and_then(Value::as_array)
        .into_iter()
        .flatten()
    {
        let name = call::text(field, "id").unwrap_or_default();
        match field.get("value") {
            None | Some(Value::Null) => fields::clear(world, id, name)?,
            Some(_) => fields::set(world, id, name, field, fields::By::Hand)?,
        };
    }
    Ok(())
}
