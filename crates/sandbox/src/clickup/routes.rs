//! Which handler answers which method and path.

use super::answer::{FOREIGN, NO_ROUTE, Refusal, Reply};
use super::call::Call;
use super::places::{self, check_team};
use super::show::{self, Detail};
use super::world::World;
use super::{
    attachments, checklists, comments, edges, fields, listing, quiet, recurring, tags, time, write,
};
use serde_json::{Value, json};

/// Answers a request that passed authentication and the rate limit.
pub(super) fn answer(world: &mut World, call: &Call) -> Result<Reply, Refusal> {
    let segments: Vec<&str> = call.segments.iter().map(String::as_str).collect();
    let (method, query, body) = (call.method.as_str(), &call.query, &call.body);
    if !world.config.quirks.workspace_authorised
        && !matches!(segments.as_slice(), ["user"] | ["team"])
    {
        return Err(FOREIGN);
    }
    if call.v3 {
        return match (method, segments.as_slice()) {
            ("PUT", ["workspaces", team, "tasks", task, "home_list", list]) => {
                check_team(world, team)?;
                write::move_home(world, task, list, body).map(Reply::from)
            }
            _ => Err(NO_ROUTE),
        };
    }
    if let (Some(&"team"), Some(team)) = (segments.first(), segments.get(1)) {
        check_team(world, team)?;
    }
    // Every path that takes a task id also takes a custom one when the query says so.
    let resolved = match segments.as_slice() {
        ["task", id, ..] if query.flag("custom_task_ids") => {
            Some(world.task_at(id, query)?.id.clone())
        }
        _ => None,
    };
    let segments: Vec<&str> = match &resolved {
        Some(id) => segments
            .iter()
            .enumerate()
            .map(|(at, segment)| if at == 1 { id.as_str() } else { *segment })
            .collect(),
        None => segments,
    };
    let archived = query.flag("archived");
    let value = match (method, segments.as_slice()) {
        ("GET", ["user"]) => places::user(world),
        ("GET", ["team"]) => places::teams(world),
        ("GET", ["team", _, "space"]) => places::spaces(world, archived),
        ("GET", ["team", _, "custom_item"]) => places::custom_items(world),
        ("GET", ["team", _, "task"]) => listing::of_team(world, query)?,
        ("GET", ["team", _, "time_entries"]) => time::of_team(world, query)?,
        ("GET", ["team", _, "time_entries", "current"]) => json!({"data": null}),
        ("POST", ["team", _, "time_entries"]) => time::create(world, body)?,
        ("DELETE", ["team", _, "time_entries", entry]) => time::delete(world, entry)?,
        ("GET", ["space", space]) => places::space(world, world.space(space)?),
        ("GET", ["space", space, "list"]) => places::lists_of_space(world, space, archived)?,
        ("GET", ["space", space, "folder"]) => places::folders(world, space, archived)?,
        ("GET", ["space", space, "tag"]) => tags::of_space(world, space)?,
        ("POST", ["space", space, "tag"]) => tags::create(world, space, body)?,
        ("PUT", ["space", space, "tag", name]) => tags::update(world, space, name, body)?,
        ("DELETE", ["space", space, "tag", name]) => tags::delete(world, space, name)?,
        ("GET", ["folder", folder]) => places::one_folder(world, folder)?,
        ("GET", ["folder", folder, "list"]) => places::lists_of_folder(world, folder, archived)?,
        ("GET", ["list", list]) => places::one_list(world, list)?,
        ("GET", ["list", list, "member"]) => places::list_members(world, list)?,
        ("GET", ["list", list, "field"]) => fields::definitions(world, list)?,
        ("GET", ["list", list, "task"]) => listing::of_list(world, list, query)?,
        ("POST", ["list", list, "task"]) => {
            let body = quiet::heard(world, body);
            let id = write::create(world, list, &body, world.config.token_user)?;
            let task = world.task(&id)?;
            show::task(world, &task, Detail::default())
        }
        ("POST", ["list", list, "task", task]) => write::locate(world, list, task, true)?,
        ("DELETE", ["list", list, "task", task]) => write::locate(world, list, task, false)?,
        ("DELETE", ["task", task]) => {
            write::delete(world, task)?;
            return Ok(Reply::Nothing);
        }
        (_, ["task", task, rest @ ..]) => return of_task(world, call, task, rest).map(Reply::from),
        ("PUT", ["comment", comment]) => comments::update(world, comment, body)?,
        ("DELETE", ["comment", comment]) => comments::delete(world, comment)?,
        ("GET", ["comment", comment, "reply"]) => comments::replies(world, comment)?,
        ("POST", ["comment", comment, "reply"]) => comments::reply(world, comment, body)?,
        ("PUT", ["checklist", list]) => checklists::rename(world, list, body)?,
        ("DELETE", ["checklist", list]) => checklists::delete(world, list)?,
        ("POST", ["checklist", list, "checklist_item"]) => checklists::add_item(world, list, body)?,
        ("PUT", ["checklist", list, "checklist_item", item]) => {
            checklists::edit_item(world, list, item, body)?
        }
        ("DELETE", ["checklist", list, "checklist_item", item]) => {
            checklists::delete_item(world, list, item)?
        }
        _ => return Err(NO_ROUTE),
    };
    Ok(value.into())
}

/// Carries out an update. Members without effect move `date_updated` all the same. Returns whether it completed the task.
fn edit(world: &mut World, task: &str, body: &Value) -> Result<bool, Refusal> {
    let before = world.task(task)?;
    let was_closed = recurring::is_closed(world, task)?;
    let (body, idle) = quiet::taken(world, task, body)?;
    write::update(world, task, &body)?;
    if idle && world.task(task)?.updated == before.updated {
        world.change(task, |_| {});
    }
    Ok(!was_closed && recurring::is_closed(world, task)?)
}

/// Everything below `/task/{id}` but its deletion.
fn of_task(world: &mut World, call: &Call, task: &str, rest: &[&str]) -> Result<Value, Refusal> {
    let (query, body) = (&call.query, &call.body);
    let detail = Detail {
        listing: false,
        markdown: query.flag("include_markdown_description"),
        subtasks: query.flag("include_subtasks"),
    };
    match (call.method.as_str(), rest) {
        ("GET", []) => {
            let found = world.task(task)?;
            Ok(show::task(world, &found, detail))
        }
        ("PUT", []) => {
            let completed = edit(world, task, body)?;
            let early = world.config.quirks.reopened_in_answer;
            if completed && early {
                recurring::go_on(world, task)?;
            }
            let stored = world.task(task)?;
            let mut shown = show::task(world, &stored, detail);
            if completed && !early {
                recurring::go_on(world, task)?;
            }
            if let (true, Some(map)) = (
                world.config.quirks.put_omits_description,
                shown.as_object_mut(),
            ) {
                for name in ["description", "text_content", "markdown_description"] {
                    map.remove(name);
                }
            }
            Ok(shown)
        }
        ("GET", ["member"]) => places::list_members(world, &world.task(task)?.list.clone()),
        ("POST" | "DELETE", ["tag", name]) if quiet::keeps(world, "tags", &json!(name)) => {
            world.task(task)?;
            world.change(task, |_| {});
            Ok(json!({}))
        }
        ("POST", ["tag", name]) => tags::add(world, task, name),
        ("DELETE", ["tag", name]) => tags::remove(world, task, name),
        ("POST", ["field", field]) => fields::set(world, task, field, body, fields::By::Program),
        ("DELETE", ["field", field]) => fields::clear(world, task, field),
        ("GET", ["comment"]) => comments::of_task(world, task, query),
        ("POST", ["comment"]) => comments::create(world, task, body),
        ("POST", ["attachment"]) => attachments::upload(world, task, call),
        ("GET", ["time"]) => time::of_task(world, task),
        ("POST", ["time"]) => time::create_legacy(world, task, body),
        ("POST", ["dependency"]) => edges::depend(world, task, body),
        ("DELETE", ["dependency"]) => edges::release(world, task, query),
        ("POST", ["link", other]) => edges::link(world, task, other),
        ("DELETE", ["link", other]) => edges::unlink(world, task, other),
        ("POST", ["checklist"]) => checklists::create(world, task, body),
        _ => Err(NO_ROUTE),
    }
}
