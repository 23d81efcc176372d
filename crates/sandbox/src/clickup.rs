//! A ClickUp workspace in memory, behind the real paths of API v2 and the one v3 path a sync needs.
//!
//! It is written from the vendor's published reference and from recorded answers, never from
//! what this program's client expects, because a fake that shares the client's errors proves nothing.

mod admin;
mod answer;
mod attachments;
mod call;
mod checklists;
mod comments;
pub mod config;
mod edges;
mod fields;
mod limit;
mod listing;
mod places;
mod prose;
mod quiet;
mod recurring;
mod routes;
mod serve;
mod show;
mod tags;
mod time;
mod world;
mod write;

pub use config::{
    ClickUpConfig, Quirks, SandboxField, SandboxFolder, SandboxList, SandboxSpace, SandboxStatus,
    SandboxUser, TeamArchived,
};

pub use recurring::Recurrence;

use super::clock::SandboxClock;
use super::faults::Faults;
use super::ledger::Ledger;
use answer::Refusal;
use serde_json::Value;
use show::Detail;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use world::World;

/// The sandbox. Clones share one state.
#[derive(Clone)]
pub struct ClickUpSandbox {
    world: Arc<Mutex<World>>,
    clock: SandboxClock,
    ledger: Ledger,
    faults: Faults,
}

/// Why a person's change was not possible: the same codes the API gives.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refused {
    /// HTTP status the API would answer.
    pub status: u16,
    /// Vendor `ECODE`; empty for a gateway error.
    pub code: String,
}

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "ClickUp sandbox refused with {} {}",
            self.status, self.code
        )
    }
}

impl std::error::Error for Refused {}

impl From<Refusal> for Refused {
    fn from(refusal: Refusal) -> Refused {
        Refused {
            status: refusal.status,
            code: refusal.code.to_owned(),
        }
    }
}

impl ClickUpSandbox {
    /// Builds an empty workspace (places and people, no tasks).
    pub fn new(
        clock: SandboxClock,
        ledger: Ledger,
        faults: Faults,
        config: ClickUpConfig,
    ) -> ClickUpSandbox {
        ClickUpSandbox {
            world: Arc::new(Mutex::new(World::new(clock.clone(), config))),
            clock,
            ledger,
            faults,
        }
    }

    /// Returns the HTTP side, with paths below `/api/v2` and `/api/v3`.
    pub fn router(&self) -> axum::Router {
        axum::Router::new()
            .fallback(serve::handle)
            .with_state(self.clone())
    }

    fn world(&self) -> MutexGuard<'_, World> {
        self.world.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Changes the disputed behaviours while running.
    pub fn quirks(&self, change: impl FnOnce(&mut Quirks)) {
        change(&mut self.world().config.quirks);
    }

    /// Replaces the accepted token, as when somebody regenerates it.
    pub fn set_token(&self, token: &str) {
        token.clone_into(&mut self.world().config.token);
    }

    /// Sets the base of attachment addresses, without a trailing slash.
    pub fn set_attachment_base(&self, base: &str) {
        base.clone_into(&mut self.world().config.attachment_base);
    }

    /// Creates a task as a person: the body of `POST /list/{id}/task`, plus an optional
    /// `creator` id (default: the first member who does not own the token). Returns the id.
    pub fn create_task(&self, list: &str, body: &Value) -> Result<String, Refused> {
        let mut world = self.world();
        let creator = call::number(body.get("creator")).unwrap_or_else(|| somebody(&world));
        Ok(write::create(&mut world, list, body, creator)?)
    }

    /// Edits a task as a person: the body of `PUT /task/{id}`, plus `tags` (the whole set of
    /// names) and `custom_fields` (`id` and `value`, null clears), which PUT itself ignores.
    pub fn edit(&self, task: &str, body: &Value) -> Result<(), Refused> {
        let mut world = self.world();
        let was_closed = recurring::is_closed(&world, task)?;
        write::update(&mut world, task, body)?;
        write::by_hand(&mut world, task, body)?;
        if !was_closed && recurring::is_closed(&world, task)? {
            recurring::go_on(&mut world, task)?;
        }
        Ok(())
    }

    /// Changes the custom fields of every list, as an administrator does. The values of a field that is taken away, and those that
    /// name an option that is, stay where they are and show nowhere.
    pub fn custom_fields(&self, change: impl Fn(&mut Vec<SandboxField>)) {
        for space in &mut self.world().config.spaces {
            let folders = space.folders.iter_mut();
            let inside = folders.flat_map(|folder| folder.lists.iter_mut());
            for list in inside.chain(space.lists.iter_mut()) {
                change(&mut list.fields);
            }
        }
    }

    /// Moves a task and its subtasks to the trash.
    pub fn delete(&self, task: &str) -> Result<(), Refused> {
        Ok(write::delete(&mut self.world(), task)?)
    }

    /// Takes a task out of the trash again, which only people can. One that was never there stays as it is.
    pub fn restore(&self, task: &str) {
        self.world().change(task, |task| task.deleted = false);
    }

    /// Moves a task to another home list; a status that list lacks becomes its first one.
    pub fn move_to_list(&self, task: &str, list: &str) -> Result<(), Refused> {
        Ok(write::move_by_hand(&mut self.world(), task, list)?)
    }

    /// Archives or unarchives a task.
    pub fn archive(&self, task: &str, archived: bool) -> Result<(), Refused> {
        self.edit(task, &serde_json::json!({ "archived": archived }))
    }

    /// Writes a comment as the given user. Returns its id as reads show it.
    pub fn comment(&self, task: &str, user: i64, text: &str) -> Result<String, Refused> {
        let mut world = self.world();
        world.task(task)?;
        let body = serde_json::json!({ "comment_text": text });
        let (id, _) = comments::post(&mut world, task, None, user, &body)?;
        Ok(id.to_string())
    }

    /// Returns every comment of a task, oldest first, as reads show them. Empty for an unknown task.
    pub fn comments(&self, task: &str) -> Vec<Value> {
        comments::all_of_task(&self.world(), task)
    }

    /// Attaches a file as the given user.
    pub fn attach(
        &self,
        task: &str,
        user: i64,
        title: &str,
        bytes: Vec<u8>,
    ) -> Result<Value, Refused> {
        Ok(attachments::attach(
            &mut self.world(),
            task,
            user,
            title,
            bytes.into(),
        )?)
    }

    /// Hides a task from the token's user (or shows it again).
    pub fn hide(&self, task: &str, hidden: bool) {
        let mut world = self.world();
        if hidden {
            world.hidden.insert(task.to_owned());
        } else {
            world.hidden.remove(task);
        }
    }

    /// Returns a task as `GET /task/{id}?include_markdown_description=true` shows it, whatever
    /// the token may see; `None` when it never existed or is deleted.
    pub fn task(&self, id: &str) -> Option<Value> {
        let world = self.world();
        let task = world.raw_task(id).filter(|task| !task.deleted)?;
        let detail = Detail {
            markdown: true,
            ..Detail::default()
        };
        Some(show::task(&world, task, detail))
    }

    /// Returns the ids of all tasks that are not deleted, archived ones included, in id order.
    pub fn all_ids(&self) -> Vec<String> {
        self.world().live().map(|task| task.id.clone()).collect()
    }
}

/// The person who acts when nobody is named.
fn somebody(world: &World) -> i64 {
    let others = world
        .config
        .users
        .iter()
        .filter(|user| user.id != world.config.token_user);
    others
        .map(|user| user.id)
        .next()
        .unwrap_or(world.config.token_user)
}
