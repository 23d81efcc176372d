//! Comments: 25 a page, newest first, literal text.

use super::answer::{BAD_BODY, NO_OBJECT, Refusal};
use super::call::{self, Query};
use super::show;
use super::world::World;
use serde_json::{Value, json};
use std::cmp::Reverse;

// ClickUp API reference, Get Task Comments: the most recent 25.
const PAGE: usize = 25;

/// One comment or reply.
#[derive(Clone, Debug)]
pub(super) struct Comment {
    /// Unsigned decimal on the wire: a number in the answer to a create, text on reads.
    pub id: u64,
    pub task: String,
    /// The comment this one answers.
    pub parent: Option<u64>,
    pub user: i64,
    pub blocks: Value,
    pub text: String,
    pub assignee: Option<i64>,
    pub resolved: bool,
    pub date: i64,
}

fn shown(world: &World, comment: &Comment) -> Value {
    let replies = world
        .comments
        .iter()
        .filter(|other| other.parent == Some(comment.id))
        .count();
    json!({
        "id": comment.id.to_string(), "comment": comment.blocks, "comment_text": comment.text,
        "user": show::person(world, comment.user),
        "assignee": comment.assignee.map(|id| show::person(world, id)), "group_assignee": null,
        "resolved": comment.resolved, "reactions": [], "date": comment.date.to_string(), "reply_count": replies,
    })
}

/// Body as blocks and as text; block form wins. Markdown stays literal text.
fn content(body: &Value) -> (Value, String) {
    if let Some(blocks) = body.get("comment").and_then(Value::as_array) {
        let piece = |block: &Value| match call::text(block, "type") {
            Some("tag") => "@user".to_owned(),
            _ => call::text(block, "text").unwrap_or_default().to_owned(),
        };
        return (json!(blocks), blocks.iter().map(piece).collect());
    }
    let text = call::text(body, "comment_text").unwrap_or_default();
    (json!([{"text": text}]), text.to_owned())
}

/// Adds a comment as some user. Returns its number and instant.
pub(super) fn post(
    world: &mut World,
    task: &str,
    parent: Option<u64>,
    user: i64,
    body: &Value,
) -> Result<(u64, i64), Refusal> {
    let (blocks, text) = content(body);
    if text.is_empty() {
        return Err(BAD_BODY);
    }
    // A fresh comment moves the task; whether a reply does is disputed.
    let moves = parent.is_none() || world.config.quirks.comment_edit_moves;
    let date = world.change_at(task, moves, |_| ());
    let id = 90_110_000_000_000 + world.next();
    world.comments.push(Comment {
        id,
        task: task.to_owned(),
        parent,
        user,
        blocks,
        text,
        assignee: call::number(body.get("assignee")),
        resolved: false,
        date,
    });
    Ok((id, date))
}

fn created(world: &World, (id, date): (u64, i64)) -> Value {
    json!({
        "id": id, "hist_id": (id + 1).to_string(), "date": date,
        "version": {
            "object_type": "comment", "object_id": id.to_string(), "operation": "c",
            "workspace_id": world.config.workspace.parse::<u64>().unwrap_or_default(),
            "version": date, "deleted": false, "date_created": date, "date_updated": date,
        },
    })
}

/// `GET /task/{id}/comment`; the next page needs both `start` and `start_id`.
pub(super) fn of_task(world: &World, task: &str, query: &Query) -> Result<Value, Refusal> {
    let task = world.task_at(task, query)?;
    let mut found: Vec<&Comment> = world
        .comments
        .iter()
        .filter(|comment| comment.task == task.id && comment.parent.is_none())
        .collect();
    found.sort_by_key(|comment| Reverse((comment.date, comment.id)));
    let start = query.number("start")?;
    let start_id = query.get("start_id").and_then(|id| id.parse::<u64>().ok());
    let older = |comment: &&&Comment| match (start, start_id) {
        (Some(date), Some(id)) => (comment.date, comment.id) < (date, id),
        _ => true,
    };
    let rows: Vec<Value> = found
        .iter()
        .filter(older)
        .take(PAGE)
        .map(|comment| shown(world, comment))
        .collect();
    Ok(json!({"comments": rows}))
}

/// Every comment of a task, replies too, oldest first.
pub(super) fn all_of_task(world: &World, task: &str) -> Vec<Value> {
    world
        .comments
        .iter()
        .filter(|comment| comment.task == task)
        .map(|comment| shown(world, comment))
        .collect()
}

/// `POST /task/{id}/comment`.
pub(super) fn create(world: &mut World, task: &str, body: &Value) -> Result<Value, Refusal> {
    world.task(task)?;
    let user = world.config.token_user;
    let made = post(world, task, None, user, body)?;
    Ok(created(world, made))
}

fn find(world: &World, id: &str) -> Result<usize, Refusal> {
    let id: u64 = id.parse().map_err(|_| NO_OBJECT)?;
    world
        .comments
        .iter()
        .position(|comment| comment.id == id)
        .ok_or(NO_OBJECT)
}

/// `PUT /comment/{id}`: replaces the body, so leaving the text out blanks it.
pub(super) fn update(world: &mut World, id: &str, body: &Value) -> Result<Value, Refusal> {
    let index = find(world, id)?;
    let (blocks, text) = content(body);
    let Some(comment) = world.comments.get_mut(index) else {
        return Err(NO_OBJECT);
    };
    comment.blocks = blocks;
    comment.text = text;
    comment.assignee = call::number(body.get("assignee"));
    comment.resolved = body
        .get("resolved")
        .and_then(Value::as_bool)
        .unwrap_or(comment.resolved);
    let task = comment.task.clone();
    let moves = world.config.quirks.comment_edit_moves;
    world.change_at(&task, moves, |_| ());
    Ok(json!({}))
}

/// `DELETE /comment/{id}`, with its replies.
pub(super) fn delete(world: &mut World, id: &str) -> Result<Value, Refusal> {
    let index = find(world, id)?;
    let gone = world.comments.remove(index);
    world
        .comments
        .retain(|comment| comment.parent != Some(gone.id));
    let moves = world.config.quirks.comment_edit_moves;
    world.change_at(&gone.task, moves, |_| ());
    Ok(json!({}))
}

/// `GET /comment/{id}/reply`: not paged, oldest first.
pub(super) fn replies(world: &World, id: &str) -> Result<Value, Refusal> {
    let parent = world
        .comments
        .get(find(world, id)?)
        .map(|comment| comment.id);
    let rows: Vec<Value> = world
        .comments
        .iter()
        .filter(|comment| comment.parent == parent)
        .map(|comment| shown(world, comment))
        .collect();
    Ok(json!({"comments": rows}))
}

/// `POST /comment/{id}/reply`.
pub(super) fn reply(world: &mut World, id: &str, body: &Value) -> Result<Value, Refusal> {
    let Some(parent) = world.comments.get(find(world, id)?).cloned() else {
        return Err(NO_OBJECT);
    };
    let user = world.config.token_user;
    let made = post(world, &parent.task, Some(parent.id), user, body)?;
    Ok(created(world, made))
}
