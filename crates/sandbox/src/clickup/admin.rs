//! What an administrator does to places and tasks, and what a test asks of the service. No HTTP, no ledger entry.

use super::config::{SandboxList, SandboxStatus, SandboxUser};
use super::quiet::Quiet;
use super::recurring::Recurrence;
use super::world::World;
use super::{ClickUpSandbox, Refused, write};
use serde_json::Value;

impl ClickUpSandbox {
    /// Archives a list, or takes it out of the archive. Returns whether there is one.
    pub fn archive_list(&self, list: &str, archived: bool) -> bool {
        arranged(&mut self.world(), list, |list| list.archived = archived)
    }

    /// Renames a list. Returns whether there is one.
    pub fn rename_list(&self, list: &str, name: &str) -> bool {
        arranged(&mut self.world(), list, |list| {
            name.clone_into(&mut list.name)
        })
    }

    /// Gives somebody another display name; empty for none. Returns whether there is such a member or guest.
    pub fn rename_user(&self, user: i64, name: &str) -> bool {
        let mut world = self.world();
        let found = world.config.users.iter_mut().find(|one| one.id == user);
        found
            .map(|one| name.clone_into(&mut one.username))
            .is_some()
    }

    /// Replaces the statuses of a list by its own; a task in a status that is gone gets the first one.
    /// Returns whether there is such a list.
    pub fn set_statuses(&self, list: &str, statuses: Vec<SandboxStatus>) -> bool {
        let mut world = self.world();
        let found = arranged(&mut world, list, |list| list.statuses = Some(statuses));
        let tasks: Vec<String> = world
            .live()
            .filter(|task| task.list == list)
            .map(|task| task.id.clone())
            .collect();
        for id in tasks {
            write::settle_stored(&mut world, &id);
        }
        found
    }

    /// Takes somebody into the workspace.
    pub fn join(&self, user: SandboxUser) {
        self.world().config.users.push(user);
    }

    /// Takes somebody out of the workspace. Returns whether they were in it.
    pub fn leave(&self, user: i64) -> bool {
        let mut world = self.world();
        let before = world.config.users.len();
        world.config.users.retain(|one| one.id != user);
        world.config.users.len() < before
    }

    /// Adds a task type, or gives one another name.
    pub fn name_type(&self, id: i64, name: &str) {
        let mut world = self.world();
        world.config.custom_items.retain(|(other, _)| *other != id);
        world.config.custom_items.push((id, name.to_owned()));
    }

    /// Deletes a list and its tasks. Returns whether there was one.
    pub fn delete_list(&self, list: &str) -> bool {
        let mut world = self.world();
        if world.place(list).is_err() {
            return false;
        }
        let tasks: Vec<String> = world
            .live()
            .filter(|task| task.list == list)
            .map(|task| task.id.clone())
            .collect();
        for id in tasks {
            world.change(&id, |task| task.deleted = true);
        }
        for space in &mut world.config.spaces {
            space.lists.retain(|other| other.id != list);
            for folder in &mut space.folders {
                folder.lists.retain(|other| other.id != list);
            }
        }
        true
    }

    /// Makes writes over the API to a member of the task's body, to `tags`, or to a custom field (by id) answer 200, move
    /// `date_updated` and change nothing; with `value`, only writes of that value.
    pub fn keep_quietly(&self, field: &str, value: Option<Value>) {
        let field = field.to_owned();
        self.world().quiet.push(Quiet { field, value });
    }

    /// Ends what [`ClickUpSandbox::keep_quietly`] began.
    pub fn clear_quiet(&self) {
        self.world().quiet.clear();
    }

    /// Makes a task recur every `every_ms` milliseconds; an update that completes it then has consequences.
    pub fn recur(&self, task: &str, every_ms: i64, kind: Recurrence) -> Result<(), Refused> {
        let mut world = self.world();
        world.task(task)?;
        world.change_at(task, false, |task| task.recurs = Some((every_ms, kind)));
        Ok(())
    }
}

fn arranged(world: &mut World, list: &str, change: impl FnOnce(&mut SandboxList)) -> bool {
    let spaces = world.config.spaces.iter_mut();
    let mut lists = spaces.flat_map(|space| {
        let nested = space
            .folders
            .iter_mut()
            .flat_map(|folder| &mut folder.lists);
        space.lists.iter_mut().chain(nested)
    });
    match lists.find(|other| other.id == list) {
        Some(found) => {
            change(found);
            true
        }
        None => false,
    }
}
