//! The hierarchy: user, workspace, spaces, folders, lists.

use super::answer::{FOREIGN, NO_OBJECT, Refusal};
use super::config::{SandboxFolder, SandboxSpace, SandboxStatus, SandboxUser};
use super::show;
use super::world::{Place, World};
use serde_json::{Value, json};

/// `GET /user`.
pub(super) fn user(world: &World) -> Value {
    let Some(user) = world.user(world.config.token_user) else {
        return json!({"user": null});
    };
    json!({"user": {
        "id": user.id, "username": user.username, "email": user.email, "color": "#595d66", "profilePicture": null,
        "initials": show::initials(user), "week_start_day": 1, "global_font_support": true, "timezone": user.timezone,
    }})
}

/// `GET /team`.
pub(super) fn teams(world: &World) -> Value {
    let member = |user: &SandboxUser| {
        // ClickUp docs "Custom Roles": 1 owner, 2 admin, 3 member, 4 guest.
        let role = if user.guest_of.is_some() { 4 } else { 3 };
        json!({"user": {
            "id": user.id, "username": show::given(&user.username), "email": show::given(&user.email), "color": "#595d66", "profilePicture": null,
            "initials": show::initials(user), "role": role,
        }})
    };
    if !world.config.quirks.workspace_authorised {
        return json!({"teams": []});
    }
    let members: Vec<Value> = world.config.users.iter().map(member).collect();
    json!({"teams": [{
        "id": world.config.workspace, "name": world.config.workspace_name, "color": "#40BC86", "avatar": null, "members": members,
    }]})
}

/// Refuses a workspace other than the sandbox's.
pub(super) fn check_team(world: &World, id: &str) -> Result<(), Refusal> {
    if id == world.config.workspace {
        Ok(())
    } else {
        Err(FOREIGN)
    }
}

fn space_statuses(space: &SandboxSpace) -> Vec<Value> {
    // A list that inherits shows the space's statuses; any list without its own gives the right ids.
    let list = super::config::SandboxList::new("0", "");
    let place = Place {
        space,
        folder: None,
        list: &list,
    };
    statuses(place, &space.statuses)
}

fn statuses(place: Place<'_>, statuses: &[SandboxStatus]) -> Vec<Value> {
    let group = match place.list.statuses {
        Some(_) => format!("subcat_{}", place.list.id),
        None => format!("proj_{}", place.space.id),
    };
    let show = |(index, status): (usize, &SandboxStatus)| {
        json!({
            "id": show::status_id(place, status), "status": status.name, "orderindex": index,
            "color": show::colour(&status.kind), "type": status.kind, "status_group": group,
        })
    };
    statuses.iter().enumerate().map(show).collect()
}

/// `GET /space/{id}`.
pub(super) fn space(world: &World, space: &SandboxSpace) -> Value {
    json!({
        "id": space.id, "name": space.name, "color": "#000", "private": false, "avatar": null,
        "admin_can_manage": false, "statuses": space_statuses(space), "multiple_assignees": true,
        "features": {
            "due_dates": {"enabled": true, "start_date": true, "remap_due_dates": false, "remap_closed_due_date": false},
            "sprints": {"enabled": false},
            "time_tracking": {"enabled": true, "harvest": false, "rollup": true, "default_to_billable": 2},
            "points": {"enabled": space.points},
            "custom_items": {"enabled": !world.config.custom_items.is_empty()},
            "priorities": {"enabled": true, "priorities": show::priorities()},
            "tags": {"enabled": true},
            "time_estimates": {"enabled": true, "rollup": true, "per_assignee": false},
            "milestones": {"enabled": true},
            "custom_fields": {"enabled": world.config.quirks.custom_fields},
            "multiple_assignees": {"enabled": true},
        },
        "archived": false,
    })
}

/// `GET /team/{id}/space`. No sandbox space is archived.
pub(super) fn spaces(world: &World, archived: bool) -> Value {
    let all = world.config.spaces.iter().filter(|_| !archived);
    json!({"spaces": all.map(|entry| space(world, entry)).collect::<Vec<_>>()})
}

fn list(world: &World, place: Place<'_>, with_statuses: bool) -> Value {
    let count = world
        .live()
        .filter(|task| task.list == place.list.id && !task.archived)
        .count();
    let index = place
        .folder
        .map_or(&place.space.lists, |folder| &folder.lists)
        .iter()
        .position(|list| list.id == place.list.id);
    let mut shown = json!({
        "id": place.list.id, "name": place.list.name, "deleted": false, "orderindex": index, "content": "",
        "priority": null, "assignee": null, "task_count": count, "due_date": null, "start_date": null,
        "folder": {
            "id": place.folder_id(), "name": place.folder.map_or("hidden", |folder| folder.name.as_str()),
            "hidden": place.folder.is_none(), "archived": false, "access": true,
        },
        "space": {"id": place.space.id, "name": place.space.name, "archived": false, "access": true},
        "archived": place.list.archived, "override_statuses": place.list.statuses.is_some(), "permission_level": "create",
    });
    if let (true, Some(map)) = (with_statuses, shown.as_object_mut()) {
        map.insert(
            "inbound_address".to_owned(),
            json!(format!("inbound.{}@example.com", place.list.id)),
        );
        map.insert(
            "statuses".to_owned(),
            json!(statuses(place, place.statuses())),
        );
    }
    shown
}

/// `GET /list/{id}`: always with the effective statuses.
pub(super) fn one_list(world: &World, id: &str) -> Result<Value, Refusal> {
    Ok(list(world, world.place(id)?, true))
}

/// `GET /space/{id}/list`: lists outside folders, without their statuses even where they override.
pub(super) fn lists_of_space(world: &World, id: &str, archived: bool) -> Result<Value, Refusal> {
    world.space(id)?;
    let rows = world
        .places()
        .filter(|place| place.space.id == id && place.folder.is_none())
        .filter(|place| place.list.archived == archived);
    Ok(json!({"lists": rows.map(|place| list(world, place, false)).collect::<Vec<_>>()}))
}

fn lists_in(world: &World, folder: &SandboxFolder, archived: bool) -> Vec<Value> {
    let rows = world
        .places()
        .filter(|place| place.folder.is_some_and(|other| other.id == folder.id))
        .filter(|place| place.list.archived == archived);
    rows.map(|place| list(world, place, true)).collect()
}

fn folder(world: &World, space: &SandboxSpace, folder: &SandboxFolder) -> Value {
    let lists = lists_in(world, folder, false);
    let count: u64 = lists
        .iter()
        .filter_map(|list| list.get("task_count"))
        .filter_map(Value::as_u64)
        .sum();
    json!({
        "id": folder.id, "name": folder.name, "orderindex": 0, "override_statuses": false, "hidden": false,
        "space": {"id": space.id, "name": space.name, "access": true}, "task_count": count.to_string(),
        "archived": false, "statuses": [], "lists": lists, "permission_level": "create",
    })
}

fn find_folder<'a>(
    world: &'a World,
    id: &str,
) -> Result<(&'a SandboxSpace, &'a SandboxFolder), Refusal> {
    let mut all = world
        .config
        .spaces
        .iter()
        .flat_map(|space| space.folders.iter().map(move |folder| (space, folder)));
    all.find(|(_, folder)| folder.id == id).ok_or(NO_OBJECT)
}

/// `GET /space/{id}/folder`.
pub(super) fn folders(world: &World, id: &str, archived: bool) -> Result<Value, Refusal> {
    let space = world.space(id)?;
    let rows = space.folders.iter().filter(|_| !archived);
    Ok(json!({"folders": rows.map(|entry| folder(world, space, entry)).collect::<Vec<_>>()}))
}

/// `GET /folder/{id}`.
pub(super) fn one_folder(world: &World, id: &str) -> Result<Value, Refusal> {
    let (space, found) = find_folder(world, id)?;
    Ok(folder(world, space, found))
}

/// `GET /folder/{id}/list`.
pub(super) fn lists_of_folder(world: &World, id: &str, archived: bool) -> Result<Value, Refusal> {
    let (_, found) = find_folder(world, id)?;
    Ok(json!({"lists": lists_in(world, found, archived)}))
}

/// `GET /list/{id}/member`: only people with explicit access, so members of the workspace are missing.
pub(super) fn list_members(world: &World, id: &str) -> Result<Value, Refusal> {
    world.place(id)?;
    let explicit = |user: &&SandboxUser| {
        user.guest_of
            .as_ref()
            .is_some_and(|lists| lists.iter().any(|list| list == id))
    };
    let members: Vec<Value> = world
        .config
        .users
        .iter()
        .filter(explicit)
        .map(|user| show::person(world, user.id))
        .collect();
    Ok(json!({"members": members}))
}

/// `GET /team/{id}/custom_item`: the built-in kinds are left out.
pub(super) fn custom_items(world: &World) -> Value {
    let show = |(id, name): &(i64, String)| json!({"id": id, "name": name, "name_plural": format!("{name}s"), "description": ""});
    json!({"custom_items": world.config.custom_items.iter().map(show).collect::<Vec<_>>()})
}
