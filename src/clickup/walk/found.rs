//! What walks have met, and the tasks that they keep.

use crate::clickup::convert;
use crate::clickup::failure::single_line;
use crate::clickup::wire::Task;
use crate::connector::EachPage;
use crate::model::{ItemId, Timestamp};
use std::collections::hash_map::RandomState;
use std::collections::{BTreeMap, HashSet};
use std::hash::BuildHasher;

/// Which states of which tasks a walk has met. It holds a number for each, so that a walk over a large workspace stays
/// small; that two of a million get the same number, and the second is passed over, is next to impossible.
#[derive(Debug, Default)]
pub struct Seen {
    numbers: RandomState,
    states: HashSet<u64>,
    /// Largest change time seen.
    pub high: Option<Timestamp>,
}

impl Seen {
    /// Takes in a page and returns the tasks of it whose (id, version) was unseen.
    ///
    /// A row without id or home list is passed over and the other rows count: absence from a listing proves nothing, and
    /// the next sweep reads a linked task that it missed by its id.
    pub fn take(&mut self, tasks: Vec<Task>) -> Vec<Task> {
        tasks.into_iter().filter(|task| self.is_new(task)).collect()
    }

    fn is_new(&mut self, task: &Task) -> bool {
        let id = convert::task_id(task);
        let Some(id) = id.filter(|_| convert::home_list(task).is_some()) else {
            let named = convert::task_id(task);
            let id = named.map_or_else(String::new, |id| single_line(id.as_str()));
            tracing::warn!(
                side = "clickup",
                task = id,
                "a row of the listing has no id or no home list; it is passed over"
            );
            return false;
        };
        let version = convert::version(task);
        self.high = self.high.max(version.map(|version| Timestamp(version.0)));
        self.states.insert(self.numbers.hash_one((id, version)))
    }
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

/// What one or more walks have found.
pub struct Found<'a> {
    pub(super) seen: Seen,
    pub(super) kept: Kept<'a>,
}

impl Default for Found<'_> {
    fn default() -> Self {
        Found {
            seen: Seen::default(),
            kept: Kept::Held(BTreeMap::new()),
        }
    }
}

impl<'a> Found<'a> {
    /// Hands the tasks of `lists` on as they come.
    pub fn passing(lists: &'a [&'a str], each: EachPage<'a>) -> Self {
        Found {
            seen: Seen::default(),
            kept: Kept::Passed(lists, each),
        }
    }

    /// Largest change time seen.
    pub fn high(&self) -> Option<Timestamp> {
        self.seen.high
    }

    /// Returns the tasks that were held, by id.
    pub fn into_tasks(self) -> Vec<Task> {
        match self.kept {
            Kept::Held(tasks) => tasks.into_values().collect(),
            Kept::Passed(..) => Vec::new(),
        }
    }
}
