//! Tags: they belong to a space, and each one put on a task is a request and a move of `date_updated`.

use super::answer::{NO_OBJECT, Refusal};
use super::call;
use super::world::{Tag, World};
use serde_json::{Value, json};

/// Folds a name as the workspace stores it.
pub(super) fn folded(world: &World, name: &str) -> String {
    let trimmed = name.trim();
    if world.config.quirks.lowercase_tags {
        trimmed.to_lowercase()
    } else {
        trimmed.to_owned()
    }
}

fn same(left: &str, right: &str) -> bool {
    left.to_lowercase() == right.to_lowercase()
}

/// Makes sure the space has the tag; an unknown one is created.
pub(super) fn ensure(world: &mut World, space: &str, name: &str, colours: Option<(&str, &str)>) {
    let creator = world.config.token_user;
    let known = world.tags.entry(space.to_owned()).or_default();
    if known.iter().any(|tag| same(&tag.name, name)) {
        return;
    }
    let (fg, bg) = colours.unwrap_or(("#ffffff", "#595d66"));
    known.push(Tag {
        name: name.to_owned(),
        fg: fg.to_owned(),
        bg: bg.to_owned(),
        creator,
    });
}

/// `GET /space/{id}/tag`.
pub(super) fn of_space(world: &World, space: &str) -> Result<Value, Refusal> {
    world.space(space)?;
    let known = world.tags.get(space).map(Vec::as_slice).unwrap_or_default();
    let tags: Vec<Value> = known
        .iter()
        .map(|tag| json!({"name": tag.name, "tag_fg": tag.fg, "tag_bg": tag.bg}))
        .collect();
    Ok(json!({"tags": tags}))
}

/// `POST /space/{id}/tag`.
pub(super) fn create(world: &mut World, space: &str, body: &Value) -> Result<Value, Refusal> {
    world.space(space)?;
    let tag = body.get("tag").unwrap_or(&Value::Null);
    let name = folded(world, call::text(tag, "name").unwrap_or_default());
    if name.is_empty() {
        return Err(super::answer::BAD_BODY);
    }
    let colours = (
        call::text(tag, "tag_fg").unwrap_or("#ffffff"),
        call::text(tag, "tag_bg").unwrap_or("#595d66"),
    );
    ensure(world, space, &name, Some(colours));
    Ok(json!({}))
}

/// `PUT /space/{id}/tag/{name}`: renames and recolours, on the tasks too. Both spellings of the colours are read.
pub(super) fn update(
    world: &mut World,
    space: &str,
    name: &str,
    body: &Value,
) -> Result<Value, Refusal> {
    let body = body.get("tag").unwrap_or(body);
    let renamed = call::text(body, "name").map(|name| folded(world, name));
    let colour = |a, b| {
        call::text(body, a)
            .or_else(|| call::text(body, b))
            .map(str::to_owned)
    };
    let (fg, bg) = (colour("tag_fg", "fg_color"), colour("tag_bg", "bg_color"));
    let known = world.tags.get_mut(space).ok_or(NO_OBJECT)?;
    let tag = known
        .iter_mut()
        .find(|tag| same(&tag.name, name))
        .ok_or(NO_OBJECT)?;
    let old = tag.name.clone();
    tag.name = renamed.unwrap_or_else(|| old.clone());
    tag.fg = fg.unwrap_or_else(|| tag.fg.clone());
    tag.bg = bg.unwrap_or_else(|| tag.bg.clone());
    let new = tag.name.clone();
    for id in carriers(world, space, &old) {
        world.change_at(&id, false, |task| {
            for name in task.tags.iter_mut().filter(|name| **name == old) {
                name.clone_from(&new);
            }
        });
    }
    Ok(json!({}))
}

/// `DELETE /space/{id}/tag/{name}`.
pub(super) fn delete(world: &mut World, space: &str, name: &str) -> Result<Value, Refusal> {
    let known = world.tags.get_mut(space).ok_or(NO_OBJECT)?;
    known.retain(|tag| !same(&tag.name, name));
    for id in carriers(world, space, name) {
        world.change_at(&id, false, |task| task.tags.retain(|tag| !same(tag, name)));
    }
    Ok(json!({}))
}

fn carriers(world: &World, space: &str, name: &str) -> Vec<String> {
    let in_space = |list: &str| world.place(list).is_ok_and(|place| place.space.id == space);
    world
        .live()
        .filter(|task| in_space(&task.list) && task.tags.iter().any(|tag| same(tag, name)))
        .map(|task| task.id.clone())
        .collect()
}

/// `POST /task/{id}/tag/{name}`: answers `{}`.
pub(super) fn add(world: &mut World, task: &str, name: &str) -> Result<Value, Refusal> {
    let found = world.task(task)?;
    let name = folded(world, name);
    let space = world.place(&found.list)?.space.id.clone();
    ensure(world, &space, &name, None);
    if !found.tags.iter().any(|tag| same(tag, &name)) {
        world.change(task, |task| task.tags.push(name));
    }
    Ok(json!({}))
}

/// `DELETE /task/{id}/tag/{name}`: ignores case, answers `{}`.
pub(super) fn remove(world: &mut World, task: &str, name: &str) -> Result<Value, Refusal> {
    let found = world.task(task)?;
    if found.tags.iter().any(|tag| same(tag, name)) {
        world.change(task, |task| task.tags.retain(|tag| !same(tag, name)));
    }
    Ok(json!({}))
}
