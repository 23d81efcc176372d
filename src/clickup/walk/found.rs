//! What walks have met, and the tasks that they keep.

use super::PAGE_SIZE;
use crate::clickup::convert;
use crate::clickup::failure::single_line;
use crate::clickup::wire::Task;
use crate::connector::EachPage;
use crate::model::{ItemId, Timestamp};
use std::collections::hash_map::RandomState;
use std::collections::{BTreeMap, HashSet};
use std::hash::BuildHasher;

/// How many states a walk remembers of its begin, and twice as many of its end: fifty pages each.
const REMEMBERED: usize = 50 * PAGE_SIZE;

/// Which states of which tasks a walk has met: those of its first pages, and those of its latest ones. So a walk over a large
/// workspace takes as much memory as one over a small one. That is enough for what it is asked: a task that moves under the
/// walk comes again on the next page, a server that ignores `page` shows the same ones again, and another round begins with
/// the first pages. A state that was forgotten counts as unseen, and whoever takes the tasks in knows it.
///
/// It holds a number for each; that two of a million get the same one, and the second is passed over, is next to impossible.
#[derive(Debug, Default)]
pub struct Seen {
    numbers: RandomState,
    first: HashSet<u64>,
    latest: [HashSet<u64>; 2],
}

impl Seen {
    /// Takes in a page and returns the tasks of it whose (id, version) was unseen.
    pub fn take(&mut self, tasks: Vec<Task>) -> Vec<Task> {
        let mut new = told_apart(tasks);
        new.retain(|task| {
            let state = (convert::task_id(task), convert::version(task));
            self.insert(self.numbers.hash_one(state))
        });
        new
    }

    /// How many states it holds.
    #[cfg(test)]
    pub fn held(&self) -> usize {
        self.first.len() + self.latest.iter().map(HashSet::len).sum::<usize>()
    }

    /// Adds a state; `false`: it is remembered already.
    fn insert(&mut self, state: u64) -> bool {
        if self.first.contains(&state) || self.latest.iter().any(|some| some.contains(&state)) {
            return false;
        }
        if self.first.len() < REMEMBERED {
            return self.first.insert(state);
        }
        let [now, before] = &mut self.latest;
        if now.len() == REMEMBERED {
            std::mem::swap(now, before);
            now.clear();
        }
        now.insert(state)
    }
}

/// Leaves out rows without id or home list, and the other rows count: absence from a listing proves nothing, and the next
/// sweep reads a linked task that it missed by its id.
fn told_apart(mut tasks: Vec<Task>) -> Vec<Task> {
    tasks.retain(|task| {
        let id = convert::task_id(task);
        let is_whole = id.is_some() && convert::home_list(task).is_some();
        if !is_whole {
            let id = id.map_or_else(String::new, |id| single_line(id.as_str()));
            tracing::warn!(
                side = "clickup",
                task = id,
                "a row of the listing has no id or no home list; it is passed over"
            );
        }
        is_whole
    });
    tasks
}

/// Where the tasks of a walk go.
pub(super) enum Kept<'a> {
    /// They are held until the walk is over; of one task the later state counts.
    Held(BTreeMap<ItemId, Task>),
    /// Those of some lists are handed on page by page.
    Passed(&'a [&'a str], EachPage<'a>),
}

/// Adds tasks to those that are held.
pub fn hold(held: &mut BTreeMap<ItemId, Task>, new: Vec<Task>) {
    for task in new {
        let Some(id) = convert::task_id(&task) else {
            continue;
        };
        let before = held.get(&id).map(convert::version);
        if before.is_none_or(|before| before <= convert::version(&task)) {
            held.insert(id, task);
        }
    }
}

/// What one or more walks have found. A task that two of them meet, as where windows of time touch, is handed on twice:
/// whoever takes it in keeps the later state.
pub struct Found<'a> {
    high: Option<Timestamp>,
    pub(super) kept: Kept<'a>,
}

impl Default for Found<'_> {
    fn default() -> Self {
        Found {
            high: None,
            kept: Kept::Held(BTreeMap::new()),
        }
    }
}

impl<'a> Found<'a> {
    /// Hands the tasks of `lists` on as they come.
    pub fn passing(lists: &'a [&'a str], each: EachPage<'a>) -> Self {
        Found {
            high: None,
            kept: Kept::Passed(lists, each),
        }
    }

    /// Notes how far a page reaches and returns those of its tasks that can be told apart.
    pub(super) fn take(&mut self, tasks: Vec<Task>) -> Vec<Task> {
        let tasks = told_apart(tasks);
        let highest = tasks.iter().filter_map(convert::version).max();
        self.high = self.high.max(highest.map(|version| Timestamp(version.0)));
        tasks
    }

    /// Largest change time seen.
    pub fn high(&self) -> Option<Timestamp> {
        self.high
    }

    /// Returns the tasks that were held, by id.
    pub fn into_tasks(self) -> Vec<Task> {
        match self.kept {
            Kept::Held(tasks) => tasks.into_values().collect(),
            Kept::Passed(..) => Vec::new(),
        }
    }
}
