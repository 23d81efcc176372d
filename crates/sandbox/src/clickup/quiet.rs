//! Writes that are answered with 200, move `date_updated`, and leave the value as it was.
//!
//! Sources: ClickUp docs "Tasks" (an update ignores tags and custom fields); taazkareem/clickup-mcp-server issues 23 and 60,
//! Klavis-AI/klavis issue 947, meteora-pro/devboy-tools issue 287 (a due date of another format), n8n-io/n8n issue 11937
//! and triptechtravel/clickup-cli issue 2 (a url field without an address).

use super::answer::Refusal;
use super::call::{ids, number};
use super::world::World;
use serde_json::Value;

/// What a test asked to have no effect.
#[derive(Clone, Debug)]
pub(super) struct Quiet {
    /// A member of the body of a task, `tags`, or the id of a custom field.
    pub field: String,
    /// The only value without effect; `None`: none has any.
    pub value: Option<Value>,
}

/// Members of an update that never have an effect.
const IGNORED: [&str; 2] = ["tags", "custom_fields"];
const DATES: [&str; 2] = ["due_date", "start_date"];

/// Whether a write of this value is to have no effect because a test asked for it.
pub(super) fn keeps(world: &World, field: &str, value: &Value) -> bool {
    world
        .quiet
        .iter()
        .any(|quiet| quiet.field == field && quiet.value.as_ref().is_none_or(|only| only == value))
}

/// Returns the body of a create without the members that have no effect.
pub(super) fn heard(world: &World, body: &Value) -> Value {
    let mut left = body.clone();
    if let Some(map) = left.as_object_mut() {
        map.retain(|name, value| !keeps(world, name, value) && !is_odd_date(name, value));
    }
    left
}

/// Returns the body of an update without the members that have no effect, and whether there were any.
pub(super) fn taken(world: &World, task: &str, body: &Value) -> Result<(Value, bool), Refusal> {
    let list = world.task(task)?.list.clone();
    let mut left = heard(world, body);
    let Some(map) = left.as_object_mut() else {
        return Ok((left, false));
    };
    for name in IGNORED {
        map.remove(name);
    }
    let guests = |change: &Value| {
        let mut added = ids(change.get("add")).into_iter();
        added.any(|id| !world.can_see(id, &list))
    };
    let unseen = map.get("assignees").is_some_and(guests);
    let sent = body.as_object().map_or(0, serde_json::Map::len);
    let fewer = map.len() < sent;
    Ok((left, unseen || fewer))
}

/// A date is a number of milliseconds, or null; anything else is taken without a word and sets nothing.
fn is_odd_date(name: &str, value: &Value) -> bool {
    DATES.contains(&name) && !value.is_null() && number(Some(value)).is_none()
}
