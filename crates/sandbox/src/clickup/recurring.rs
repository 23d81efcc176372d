//! Recurring tasks: when one is completed the service itself opens it again later, or makes a copy.
//! johannesjo/super-productivity issue 6508.

use super::answer::Refusal;
use super::world::{Task, World};
use super::write;

/// What completing a recurring task leads to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Recurrence {
    /// The task gets the first status of its list and a later due date.
    Reopens,
    /// It stays completed, and a copy of it with the same text and tags takes its place.
    Copies,
}

/// Whether a task is completed.
pub(super) fn is_closed(world: &World, id: &str) -> Result<bool, Refusal> {
    let task = world.task(id)?;
    let place = world.place(&task.list)?;
    let mut statuses = place.statuses().iter();
    Ok(statuses.any(|status| status.name == task.status && status.kind == "closed"))
}

/// Does what follows when a task was just completed.
pub(super) fn go_on(world: &mut World, id: &str) -> Result<(), Refusal> {
    let task = Task::clone(&*world.task(id)?);
    let Some((every, kind)) = task.recurs else {
        return Ok(());
    };
    let status = write::first_status(world.place(&task.list)?);
    let now = world.clock.tick().0;
    let mut next = task.clone();
    write::enter(&mut next, status, now);
    next.due = task.due.map(|due| due + every);
    if kind == Recurrence::Reopens {
        world.change(id, |stored| *stored = next);
        return Ok(());
    }
    next.id = world.task_id();
    (next.created, next.updated) = (now, now);
    world.commit(next);
    world.change_at(id, false, |stored| stored.recurs = None);
    Ok(())
}
