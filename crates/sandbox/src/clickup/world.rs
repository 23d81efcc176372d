//! Everything the sandbox remembers.

use super::answer::{BAD_LIST_ID, BAD_TASK_ID, DELETED, FOREIGN, HIDDEN, NO_OBJECT, Refusal};
use super::call::Query;
use super::comments::Comment;
use super::config::{
    ClickUpConfig, SandboxFolder, SandboxList, SandboxSpace, SandboxStatus, SandboxUser,
};
use super::edges::Edge;
use super::limit::Window;
use super::quiet::Quiet;
use super::recurring::Recurrence;
use super::time::TimeEntry;
use crate::clock::SandboxClock;
use axum::body::Bytes;
use boardsync_core::model::Timestamp;
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// One task. Instants are Unix milliseconds.
#[derive(Clone, Debug, Default)]
pub(super) struct Task {
    pub id: String,
    pub custom_id: Option<String>,
    pub custom_item_id: i64,
    pub name: String,
    /// The rendering reads give back, never the text that was written.
    pub markdown: String,
    pub plain: String,
    /// Lower-case name; its kind is looked up in the home list.
    pub status: String,
    pub orderindex: u64,
    pub created: i64,
    pub updated: i64,
    pub closed: Option<i64>,
    pub done: Option<i64>,
    pub archived: bool,
    pub deleted: bool,
    pub creator: i64,
    pub assignees: Vec<i64>,
    pub watchers: Vec<i64>,
    pub tags: Vec<String>,
    pub parent: Option<String>,
    pub priority: Option<i64>,
    pub due: Option<i64>,
    pub start: Option<i64>,
    pub points: Option<f64>,
    pub estimate: Option<i64>,
    pub list: String,
    /// Lists besides the home list.
    pub locations: Vec<String>,
    /// Field id to the canonical stored value; unset fields are absent.
    pub fields: BTreeMap<String, Value>,
    pub checklists: Vec<Value>,
    /// How often in milliseconds a recurring task comes back, and how.
    pub recurs: Option<(i64, Recurrence)>,
    pub attachments: Vec<Value>,
}

/// A task as it is, and as listings still see it.
struct Entry {
    current: Arc<Task>,
    /// `(visible from, state)` in order; the last one already visible is what a listing shows.
    indexed: Vec<(Timestamp, Arc<Task>)>,
}

/// A place in the hierarchy.
#[derive(Clone, Copy)]
pub(super) struct Place<'a> {
    pub space: &'a SandboxSpace,
    /// `None` for a list outside any folder.
    pub folder: Option<&'a SandboxFolder>,
    pub list: &'a SandboxList,
}

impl Place<'_> {
    pub fn statuses(&self) -> &[SandboxStatus] {
        self.list
            .statuses
            .as_deref()
            .unwrap_or(&self.space.statuses)
    }

    /// Folderless lists report a hidden folder; its id is derived from the list's.
    pub fn folder_id(&self) -> String {
        self.folder
            .map_or_else(|| format!("7{}", self.list.id), |folder| folder.id.clone())
    }
}

/// A space tag.
#[derive(Clone, Debug)]
pub(super) struct Tag {
    pub name: String,
    pub fg: String,
    pub bg: String,
    pub creator: i64,
}

/// The whole state behind the sandbox's lock.
pub(super) struct World {
    pub clock: SandboxClock,
    pub config: ClickUpConfig,
    tasks: BTreeMap<String, Entry>,
    pub tags: BTreeMap<String, Vec<Tag>>,
    pub edges: Vec<Edge>,
    pub comments: Vec<Comment>,
    pub time: Vec<TimeEntry>,
    /// Attachment bytes by id.
    pub files: BTreeMap<String, Bytes>,
    /// Tasks the token's user may not see.
    pub hidden: BTreeSet<String>,
    pub window: Window,
    /// Writes without effect.
    pub quiet: Vec<Quiet>,
    counter: u64,
}

impl World {
    pub fn new(clock: SandboxClock, config: ClickUpConfig) -> World {
        World {
            clock,
            config,
            tasks: BTreeMap::new(),
            tags: BTreeMap::new(),
            edges: Vec::new(),
            comments: Vec::new(),
            time: Vec::new(),
            files: BTreeMap::new(),
            hidden: BTreeSet::new(),
            window: Window::default(),
            quiet: Vec::new(),
            counter: 0,
        }
    }

    pub fn next(&mut self) -> u64 {
        self.counter += 1;
        self.counter
    }

    /// Ten characters in base 36, as the vendor makes them since 2026 (hauptsacheNet/clickup-mcp issue 26; nine before),
    /// in no visible order.
    pub fn task_id(&mut self) -> String {
        // Six base-36 digits; the factor shares no divisor with 36^6, so no id comes twice.
        let scattered = self.next().wrapping_mul(7_919_777).wrapping_add(11_111_111) % 36u64.pow(6);
        format!("86d3{}", base36(scattered, 6))
    }

    pub fn uuid(&mut self) -> String {
        let n = self.next();
        let mixed = n.wrapping_mul(0x9E37_79B9_7F4A_7C15);
        format!(
            "{:08x}-{:04x}-4{:03x}-8{:03x}-{:012x}",
            mixed >> 32,
            (mixed >> 16) & 0xffff,
            mixed & 0xfff,
            n >> 48 & 0xfff,
            n & 0xffff_ffff_ffff
        )
    }

    // --- places ---

    pub fn places(&self) -> impl Iterator<Item = Place<'_>> {
        self.config.spaces.iter().flat_map(|space| {
            let loose = space.lists.iter().map(move |list| Place {
                space,
                folder: None,
                list,
            });
            let nested = space.folders.iter().flat_map(move |folder| {
                folder.lists.iter().map(move |list| Place {
                    space,
                    folder: Some(folder),
                    list,
                })
            });
            loose.chain(nested)
        })
    }

    pub fn place(&self, list: &str) -> Result<Place<'_>, Refusal> {
        if list.parse::<u64>().is_err() {
            return Err(BAD_LIST_ID);
        }
        self.places()
            .find(|place| place.list.id == list)
            .ok_or(NO_OBJECT)
    }

    pub fn space(&self, id: &str) -> Result<&SandboxSpace, Refusal> {
        self.config
            .spaces
            .iter()
            .find(|space| space.id == id)
            .ok_or(NO_OBJECT)
    }

    pub fn user(&self, id: i64) -> Option<&SandboxUser> {
        self.config.users.iter().find(|user| user.id == id)
    }

    /// Whether somebody can be assigned in a list: members always, guests where it was shared.
    pub fn can_see(&self, user: i64, list: &str) -> bool {
        self.user(user).is_some_and(|user| {
            user.guest_of
                .as_ref()
                .is_none_or(|lists| lists.iter().any(|seen| seen == list))
        })
    }

    // --- tasks ---

    /// The stored task, deleted ones too.
    pub fn raw_task(&self, id: &str) -> Option<&Arc<Task>> {
        self.tasks.get(id).map(|entry| &entry.current)
    }

    /// The task a client may read: distinguishes malformed, never existed, hidden and deleted.
    pub fn task(&self, id: &str) -> Result<Arc<Task>, Refusal> {
        if id.is_empty()
            || !id
                .chars()
                .all(|c| c.is_ascii_alphanumeric() || c == '-' || c == '_')
        {
            return Err(BAD_TASK_ID);
        }
        let task = self.raw_task(id).ok_or(FOREIGN)?;
        if task.deleted {
            return Err(DELETED);
        }
        if self.hidden.contains(id) {
            return Err(HIDDEN);
        }
        Ok(Arc::clone(task))
    }

    /// Resolves a path id, which is a custom id when the query says so.
    pub fn task_at(&self, id: &str, query: &Query) -> Result<Arc<Task>, Refusal> {
        if query.flag("custom_task_ids") && query.get("team_id") == Some(&self.config.workspace) {
            let found = self
                .live()
                .find(|task| task.custom_id.as_deref() == Some(id));
            return found
                .map(|task| self.task(&task.id))
                .unwrap_or(Err(FOREIGN));
        }
        self.task(id)
    }

    /// Stores a task and schedules its appearance in listings.
    pub fn commit(&mut self, task: Task) {
        let now = self.clock.now();
        let visible = now.plus_ms(self.config.quirks.listing_lag_ms);
        let state = Arc::new(task);
        let entry = self.tasks.entry(state.id.clone()).or_insert_with(|| Entry {
            current: Arc::clone(&state),
            indexed: Vec::new(),
        });
        entry.current = Arc::clone(&state);
        entry.indexed.push((visible, state));
        let shown = entry
            .indexed
            .iter()
            .rposition(|(from, _)| *from <= now)
            .unwrap_or(0);
        entry.indexed.drain(..shown);
    }

    /// Changes a task and moves its `date_updated`.
    pub fn change(&mut self, id: &str, edit: impl FnOnce(&mut Task)) -> i64 {
        self.change_at(id, true, edit)
    }

    /// Changes a task; `moves` says whether its `date_updated` follows. Returns the instant.
    pub fn change_at(&mut self, id: &str, moves: bool, edit: impl FnOnce(&mut Task)) -> i64 {
        let now = if moves {
            self.clock.tick().0
        } else {
            self.clock.now().0
        };
        if let Some(found) = self.raw_task(id) {
            let mut task = Task::clone(found);
            edit(&mut task);
            if moves {
                task.updated = now;
            }
            self.commit(task);
        }
        now
    }

    /// Every task that is not deleted, as it is now.
    pub fn live(&self) -> impl Iterator<Item = &Arc<Task>> {
        self.tasks
            .values()
            .map(|entry| &entry.current)
            .filter(|task| !task.deleted)
    }

    /// Every task as listings see it at this moment.
    pub fn listed(&self) -> impl Iterator<Item = &Arc<Task>> {
        let now = self.clock.now();
        self.tasks
            .values()
            .filter_map(move |entry| {
                entry
                    .indexed
                    .iter()
                    .rev()
                    .find(|(from, _)| *from <= now)
                    .map(|(_, task)| task)
            })
            .filter(|task| !task.deleted && !self.hidden.contains(&task.id))
    }

    /// The task's descendants, nearest first.
    pub fn descendants(&self, id: &str) -> Vec<String> {
        let mut found: Vec<String> = Vec::new();
        let mut queue = vec![id.to_owned()];
        while let Some(parent) = queue.pop() {
            for task in self
                .live()
                .filter(|task| task.parent.as_deref() == Some(&parent))
            {
                found.push(task.id.clone());
                queue.push(task.id.clone());
            }
        }
        found
    }
}

/// Writes a number in base 36 with leading zeros.
pub(super) fn base36(mut n: u64, width: usize) -> String {
    let mut digits = Vec::new();
    while n > 0 || digits.len() < width {
        digits.push(char::from_digit((n % 36) as u32, 36).unwrap_or('0'));
        n /= 36;
    }
    digits.iter().rev().collect()
}
