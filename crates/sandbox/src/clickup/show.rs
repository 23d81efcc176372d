//! How tasks and people look on the wire: which members are numbers, which are text, which are missing.

use super::config::{SandboxStatus, SandboxUser};
use super::fields;
use super::world::{Place, Task, World, base36};
use serde_json::{Value, json};

/// What the request asked to see.
#[derive(Clone, Copy, Default)]
pub(super) struct Detail {
    /// A listing row: no attachments, no zero `time_spent`, checklists not to be trusted.
    pub listing: bool,
    /// `include_markdown_description=true`.
    pub markdown: bool,
    /// `include_subtasks=true`, one level.
    pub subtasks: bool,
}

// Colours and names of the four priorities: the same in every workspace.
const PRIORITIES: [(i64, &str, &str); 4] = [
    (1, "urgent", "#f50000"),
    (2, "high", "#f8ae00"),
    (3, "normal", "#6fddff"),
    (4, "low", "#d8d8d8"),
];

/// The last built-in task type: 0 is a task, 1 a milestone. ClickUp docs "Custom task types".
const MILESTONE: i64 = 1;

pub(super) fn ms(instant: Option<i64>) -> Value {
    instant.map_or(Value::Null, |ms| json!(ms.to_string()))
}

/// What somebody has not given is null.
pub(super) fn given(text: &str) -> Value {
    if text.is_empty() {
        Value::Null
    } else {
        json!(text)
    }
}

pub(super) fn initials(user: &SandboxUser) -> String {
    user.username
        .split_whitespace()
        .filter_map(|word| word.chars().next())
        .take(2)
        .collect::<String>()
        .to_uppercase()
}

/// A person with initials, as in `assignees`, `watchers` and comments.
pub(super) fn person(world: &World, id: i64) -> Value {
    match world.user(id) {
        Some(user) => json!({
            "id": user.id, "username": given(&user.username), "color": "#595d66", "initials": initials(user),
            "email": given(&user.email), "profilePicture": null,
        }),
        None => {
            json!({"id": id, "username": null, "color": "", "initials": "", "email": "", "profilePicture": null})
        }
    }
}

/// A person without initials, as in `creator`.
fn creator(world: &World, id: i64) -> Value {
    let mut shown = person(world, id);
    if let Some(map) = shown.as_object_mut() {
        map.remove("initials");
    }
    shown
}

/// The id prefix tells inherited statuses (`p<space>_`) from a list's own (`sc<list>_`).
pub(super) fn status_id(place: Place<'_>, status: &SandboxStatus) -> String {
    let hash = status
        .name
        .bytes()
        .fold(0xcbf2_9ce4_8422_2325u64, |hash, byte| {
            (hash ^ u64::from(byte)).wrapping_mul(0x100_0000_01b3)
        });
    let tail = base36(hash % 36u64.pow(8), 8);
    match place.list.statuses {
        Some(_) => format!("sc{}_{tail}", place.list.id),
        None => format!("p{}_{tail}", place.space.id),
    }
}

pub(super) fn colour(kind: &str) -> &'static str {
    match kind {
        "open" => "#87909e",
        "unstarted" => "#12a594",
        "done" => "#b660e0",
        "closed" => "#008844",
        _ => "#5f55ee",
    }
}

fn status(place: Place<'_>, name: &str) -> Value {
    place.statuses().iter().enumerate().find(|(_, status)| status.name == name).map_or(Value::Null, |(index, status)| {
        json!({
            "id": status_id(place, status), "status": status.name, "color": colour(&status.kind),
            "orderindex": index, "type": status.kind,
        })
    })
}

fn priority(priority: Option<i64>) -> Value {
    PRIORITIES.iter().find(|(id, ..)| Some(*id) == priority).map_or(Value::Null, |(id, name, colour)| {
        json!({"id": id.to_string(), "priority": name, "color": colour, "orderindex": id.to_string()})
    })
}

/// The priorities as a space's features list them.
pub(super) fn priorities() -> Vec<Value> {
    PRIORITIES
        .iter()
        .map(|(id, ..)| priority(Some(*id)))
        .collect()
}

fn tags(world: &World, space: &str, names: &[String]) -> Vec<Value> {
    let known = world.tags.get(space).map(Vec::as_slice).unwrap_or_default();
    names
        .iter()
        .map(|name| match known.iter().find(|tag| tag.name == *name) {
            Some(tag) => json!({"name": tag.name, "tag_fg": tag.fg, "tag_bg": tag.bg, "creator": tag.creator}),
            None => json!({"name": name, "tag_fg": "#ffffff", "tag_bg": "#595d66", "creator": world.config.token_user}),
        })
        .collect()
}

fn points(points: Option<f64>) -> Value {
    match points {
        Some(points) if points.fract() == 0.0 => json!(points as i64),
        Some(points) => json!(points),
        None => Value::Null,
    }
}

fn top_parent(world: &World, task: &Task) -> Option<String> {
    let mut top = task.parent.clone()?;
    // Bounded, because nothing here proves that the chain has no cycle.
    for _ in 0..64 {
        match world.raw_task(&top).and_then(|task| task.parent.clone()) {
            Some(next) => top = next,
            None => break,
        }
    }
    Some(top)
}

fn sharing() -> Value {
    json!({
        "public": false, "public_share_expires_on": null,
        "public_fields": ["assignees", "priority", "due_date", "content", "comments", "attachments", "customFields", "subtasks", "tags", "checklists", "coverimage"],
        "token": null, "seo_optimized": false,
    })
}

/// The task as the API shows it.
pub(super) fn task(world: &World, task: &Task, detail: Detail) -> Value {
    let Ok(place) = world.place(&task.list) else {
        return Value::Null;
    };
    let folder = json!({
        "id": place.folder_id(), "name": place.folder.map_or("hidden", |folder| folder.name.as_str()),
        "hidden": place.folder.is_none(), "access": true,
    });
    let location = |id: &String| {
        world
            .place(id)
            .ok()
            .map(|place| json!({"id": place.list.id, "name": place.list.name}))
    };
    let (dependencies, links) = super::edges::of(world, &task.id);
    let mut shown = json!({
        "id": task.id,
        "custom_id": task.custom_id,
        "custom_item_id": task.custom_item_id,
        "name": task.name,
        "text_content": task.plain,
        "description": task.plain,
        "status": status(place, &task.status),
        "orderindex": format!("{}.{}", task.orderindex, "0".repeat(32)),
        "date_created": task.created.to_string(),
        "date_updated": task.updated.to_string(),
        "date_closed": ms(task.closed),
        "date_done": ms(task.done),
        "archived": task.archived,
        "creator": creator(world, task.creator),
        "assignees": task.assignees.iter().map(|id| person(world, *id)).collect::<Vec<_>>(),
        "group_assignees": [],
        "watchers": task.watchers.iter().map(|id| person(world, *id)).collect::<Vec<_>>(),
        "checklists": task.checklists,
        "tags": tags(world, &place.space.id, &task.tags),
        "parent": task.parent,
        "top_level_parent": top_parent(world, task),
        "priority": priority(task.priority),
        "due_date": ms(task.due),
        "start_date": ms(task.start),
        "points": points(task.points),
        "time_estimate": task.estimate,
        "custom_fields": fields::shown(world, place, task, detail.listing),
        "dependencies": dependencies,
        "linked_tasks": links,
        "locations": task.locations.iter().filter_map(location).collect::<Vec<_>>(),
        "team_id": world.config.workspace,
        "url": format!("https://app.clickup.com/t/{}", task.id),
        "sharing": sharing(),
        "permission_level": "create",
        "list": {"id": place.list.id, "name": place.list.name, "access": true},
        "project": folder,
        "folder": folder,
        "space": {"id": place.space.id},
    });
    let Some(map) = shown.as_object_mut() else {
        return shown;
    };
    if detail.markdown {
        map.insert("markdown_description".to_owned(), json!(task.markdown));
    }
    let spent = super::time::spent(world, &task.id);
    if !detail.listing || spent > 0 {
        map.insert("time_spent".to_owned(), json!(spent));
    }
    if detail.listing {
        // Rows of tasks with a custom type lack the estimate. krodak/clickup-cli issue 30.
        if task.custom_item_id > MILESTONE {
            map.remove("time_estimate");
        }
        if !world.config.quirks.listing_checklists {
            map.insert("checklists".to_owned(), json!([]));
        }
    } else {
        map.insert("attachments".to_owned(), json!(task.attachments));
    }
    if detail.subtasks {
        let inner = Detail {
            subtasks: false,
            ..detail
        };
        let children: Vec<Value> = world
            .live()
            .filter(|child| child.parent.as_deref() == Some(&task.id))
            .map(|child| self::task(world, child, inner))
            .collect();
        map.insert("subtasks".to_owned(), json!(children));
    }
    shown
}
