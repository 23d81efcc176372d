//! Dependencies and links. Neither end's `date_updated` moves, so a date poll misses them.

use super::answer::{BAD_BODY, Refusal};
use super::call::{self, Query};
use super::show::{self, Detail};
use super::world::World;
use serde_json::{Value, json};

/// What an edge says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// `from` waits on `to`.
    Dependency,
    /// No direction.
    Link,
}

/// One relation, kept once and shown on both tasks.
#[derive(Clone, Debug)]
pub(super) struct Edge {
    pub kind: Kind,
    pub from: String,
    pub to: String,
    created: i64,
    chain: String,
}

/// The `dependencies` and `linked_tasks` of one task.
pub(super) fn of(world: &World, id: &str) -> (Vec<Value>, Vec<Value>) {
    let user = world.config.token_user.to_string();
    let alive = |id: &str| world.raw_task(id).is_some_and(|task| !task.deleted);
    let mine =
        |edge: &&Edge| (edge.from == id || edge.to == id) && alive(&edge.from) && alive(&edge.to);
    let show = |edge: &Edge| match edge.kind {
        Kind::Dependency => json!({
            "task_id": edge.from, "depends_on": edge.to, "type": 1, "date_created": edge.created.to_string(),
            "userid": user, "workspace_id": world.config.workspace, "chain_id": edge.chain,
        }),
        Kind::Link => json!({
            "task_id": edge.from, "link_id": edge.to, "date_created": edge.created.to_string(),
            "userid": user, "workspace_id": world.config.workspace,
        }),
    };
    let of_kind = |kind| {
        world
            .edges
            .iter()
            .filter(mine)
            .filter(|edge| edge.kind == kind)
            .map(show)
            .collect()
    };
    (of_kind(Kind::Dependency), of_kind(Kind::Link))
}

fn add(world: &mut World, kind: Kind, from: &str, to: &str) -> Result<(), Refusal> {
    world.task(from)?;
    world.task(to)?;
    let known = world.edges.iter().any(|edge| {
        let straight = edge.from == from && edge.to == to;
        edge.kind == kind
            && (straight || (kind == Kind::Link && edge.from == to && edge.to == from))
    });
    if from == to {
        return Err(BAD_BODY);
    }
    if !known {
        let edge = Edge {
            kind,
            from: from.to_owned(),
            to: to.to_owned(),
            created: world.clock.now().0,
            chain: world.uuid(),
        };
        world.edges.push(edge);
    }
    Ok(())
}

/// `POST /task/{id}/dependency` with exactly one of `depends_on`, `dependency_of`.
pub(super) fn depend(world: &mut World, id: &str, body: &Value) -> Result<Value, Refusal> {
    match (
        call::text(body, "depends_on"),
        call::text(body, "dependency_of"),
    ) {
        (Some(other), None) => add(world, Kind::Dependency, id, other)?,
        (None, Some(other)) => add(world, Kind::Dependency, other, id)?,
        _ => return Err(BAD_BODY),
    }
    Ok(json!({}))
}

/// `DELETE /task/{id}/dependency`: the other end comes in the query.
pub(super) fn release(world: &mut World, id: &str, query: &Query) -> Result<Value, Refusal> {
    world.task(id)?;
    let (from, to) = match (query.get("depends_on"), query.get("dependency_of")) {
        (Some(other), _) => (id, other),
        (None, Some(other)) => (other, id),
        (None, None) => return Err(BAD_BODY),
    };
    world
        .edges
        .retain(|edge| !(edge.kind == Kind::Dependency && edge.from == from && edge.to == to));
    Ok(json!({}))
}

/// `POST /task/{id}/link/{other}`: answers the task.
pub(super) fn link(world: &mut World, id: &str, other: &str) -> Result<Value, Refusal> {
    add(world, Kind::Link, id, other)?;
    Ok(json!({"task": show::task(world, &*world.task(id)?, Detail::default())}))
}

/// `DELETE /task/{id}/link/{other}`, from either end.
pub(super) fn unlink(world: &mut World, id: &str, other: &str) -> Result<Value, Refusal> {
    world.task(id)?;
    world.edges.retain(|edge| {
        let joins = (edge.from == id && edge.to == other) || (edge.from == other && edge.to == id);
        !(edge.kind == Kind::Link && joins)
    });
    Ok(json!({"task": show::task(world, &*world.task(id)?, Detail::default())}))
}
