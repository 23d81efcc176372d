//! Listings: which pages to ask for, when to stop, and what was seen.
//!
//! Pages are offsets into data that moves. Newest first, an edit only causes repeats; oldest first, it causes skips.
//! So the walk looks at the order it really got, keeps going until nothing unseen turns up, and calls a listing
//! complete only after that.

mod found;
mod query;

pub use found::{Found, Seen, hold};
pub use query::Query;

use super::api::Inner;
use super::convert;
use super::failure::protocol;
use super::wire::{Page, Slot, Task};
use crate::connector::client::Priority;
use crate::connector::{ConnectorError, ErrorKind, ListedRow};
use crate::model::Timestamp;
use found::Kept;
use std::collections::BTreeMap;

/// Tasks on a full page (developer.clickup.com reference, Get Tasks: 100).
pub const PAGE_SIZE: usize = 100;

/// How far below the watermark a delta reads again. No measurement of ClickUp's index lag exists.
pub const OVERLAP_MS: i64 = 10 * 60 * 1000;

/// Known tasks in a row at the old end of a full page that end a walk early: below them is what was read before. Half a
/// page, so that a few edits during or after a bulk do not cost a second page.
pub const KNOWN_RUN: usize = PAGE_SIZE / 2;

/// Pages after which a walk is given up: a million tasks.
const MAX_PAGES: u32 = 10_000;
/// Full pages in a row without anything unseen after which the server is taken to ignore `page`.
const MAX_STALE_PAGES: u32 = 5;
/// Re-reads of the first page after a long walk.
const MAX_ROUNDS: u32 = 20;

const OPERATION: &str = "list tasks";

/// The order of change times on a page.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Order {
    /// Falling.
    NewestFirst,
    /// Rising.
    OldestFirst,
    /// One value only, or neither.
    Unclear,
}

/// Returns the order of the change times on a page.
pub fn order_of(tasks: &[Task]) -> Order {
    let times: Vec<i64> = tasks
        .iter()
        .filter_map(convert::version)
        .map(|version| version.0)
        .collect();
    let falling = times.is_sorted_by(|a, b| a >= b);
    let rising = times.is_sorted();
    match (falling, rising) {
        (true, false) => Order::NewestFirst,
        (false, true) => Order::OldestFirst,
        _ => Order::Unclear,
    }
}

/// Returns whether a page is the last one. The team endpoint may leave `last_page` out.
pub fn is_last(page: &Page) -> bool {
    page.last_page == Slot::Is(true) || page.tasks.len() < PAGE_SIZE
}

/// Returns the next step of an oldest-first walk: the time to ask from and the page. The walk stays on page 0 and moves
/// the time, one below the last value because the bound may be strict; it pages only while one value fills a page.
pub fn next_key(from: i64, page: u32, tasks: &[Task]) -> (i64, u32) {
    let last = tasks
        .iter()
        .filter_map(convert::version)
        .map(|version| version.0)
        .max();
    match last {
        Some(last) if last - 1 > from => (last - 1, 0),
        Some(_) | None => (from, page.saturating_add(1)),
    }
}

/// What is known about `archived` on the team endpoint, which does not document it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Archived {
    /// Nothing yet.
    #[default]
    Unknown,
    /// It was seen to list archived tasks only.
    ByTeam,
    /// It was seen to be ignored or refused: each list is asked.
    ByList,
}

/// [`Archived`], shared. A race costs one request at most.
#[derive(Debug, Default)]
pub struct ArchivedFlag(std::sync::Mutex<Archived>);

impl ArchivedFlag {
    fn load(&self) -> Archived {
        *self
            .0
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner)
    }

    fn store(&self, value: Archived) {
        *self
            .0
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner) = value;
    }
}

/// How a walk over changed tasks ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// Everything asked for was read.
    Complete,
    /// It stopped early at a page of known rows.
    Early,
}

impl Inner {
    async fn fetch_page(&self, query: &Query, page: u32) -> Result<Page, ConnectorError> {
        let mut params = query.params.clone();
        params.push(("page", page.to_string()));
        let url = self.address(&query.path, &params)?;
        self.fetch_json(url, OPERATION, query.priority).await
    }

    /// Takes in tasks of a walk.
    pub(super) async fn keep(
        &self,
        found: &mut Found<'_>,
        tasks: Vec<Task>,
    ) -> Result<(), ConnectorError> {
        let new = found.take(tasks);
        match &mut found.kept {
            Kept::Held(held) => hold(held, new),
            Kept::Passed(lists, each) => {
                let rows = self.rows(lists, new).await?;
                if !rows.is_empty() {
                    each(rows)?;
                }
            }
        }
        Ok(())
    }

    /// Reads every page of a query, or everything in windows of time where a page is too large for one answer.
    pub async fn walk(
        &self,
        query: &Query,
        found: &mut Found<'_>,
        first: Option<Page>,
        stop: &(dyn Fn(&Page) -> bool + Send + Sync),
    ) -> Result<End, ConnectorError> {
        match self.walk_pages(query, found, first, stop).await {
            Err(error) if error.too_large => {
                self.walk_windows(query, found).await?;
                Ok(End::Complete)
            }
            other => other,
        }
    }

    /// Reads the first page; `None`: it is too large, and so is a walk over pages.
    async fn first_page(&self, query: &Query) -> Result<Option<Page>, ConnectorError> {
        match self.fetch_page(query, 0).await {
            Err(error) if error.too_large => Ok(None),
            other => other.map(Some),
        }
    }

    /// Reads every page of a query, then the first page again until it shows nothing unseen. `stop` may end the first
    /// round at a page.
    pub(super) async fn walk_pages(
        &self,
        query: &Query,
        found: &mut Found<'_>,
        first: Option<Page>,
        stop: &(dyn Fn(&Page) -> bool + Send + Sync),
    ) -> Result<End, ConnectorError> {
        let mut first = first;
        // Each walk is judged by its own pages: what other walks met must not end it early.
        let mut seen = Seen::default();
        for round in 0..MAX_ROUNDS {
            let mut stale = 0;
            for number in 0..=MAX_PAGES {
                if number == MAX_PAGES {
                    return Err(protocol(OPERATION, "the listing does not end"));
                }
                let page = match first.take() {
                    Some(page) => page,
                    None => self.fetch_page(query, number).await?,
                };
                let last = is_last(&page);
                let early = round == 0 && !last && stop(&page);
                let new = seen.take(page.tasks);
                let unseen = new.len();
                self.keep(found, new).await?;
                if early {
                    return Ok(End::Early);
                }
                if last {
                    // A single page cannot have moved under the walk.
                    if number == 0 || round > 0 && unseen == 0 {
                        return Ok(End::Complete);
                    }
                    break;
                }
                if unseen > 0 {
                    stale = 0;
                    continue;
                }
                if round > 0 {
                    if number == 0 {
                        return Ok(End::Complete);
                    }
                    break;
                }
                stale += 1;
                if stale >= MAX_STALE_PAGES {
                    return Err(protocol(OPERATION, "the same page came again and again"));
                }
            }
        }
        Err(ConnectorError::new(
            crate::model::Side::ClickUp,
            ErrorKind::Protocol,
            OPERATION,
            "the tasks change faster than they can be listed",
        ))
    }

    /// Lists what changed after `from` in some lists, whichever way the server sorts. Returns the server's time of the
    /// first page too.
    pub async fn walk_changed(
        &self,
        lists: &[&str],
        from: Option<Timestamp>,
        found: &mut Found<'_>,
        known: &(dyn Fn(&Page) -> bool + Send + Sync),
    ) -> Result<(End, Option<Timestamp>), ConnectorError> {
        let base = Query::of_workspace(
            &self.workspace,
            lists.iter().copied(),
            "updated",
            Priority::Live,
        );
        let query = match from {
            Some(from) => base.clone().with("date_updated_gt", from.0),
            None => base.clone(),
        };
        let page = self.first_page(&query).await?;
        let started = self.http.server_now();
        let Some(page) = page else {
            self.walk_windows(&query, found).await?;
            return Ok((End::Complete, started));
        };
        let end = match order_of(&page.tasks) {
            Order::OldestFirst if !is_last(&page) => {
                let start = from.map_or(0, |from| from.0);
                match self.walk_keyset(&base, start, page, found).await {
                    Err(error) if error.too_large => self.walk_windows(&query, found).await?,
                    other => other?,
                }
                End::Complete
            }
            Order::NewestFirst => self.walk(&query, found, Some(page), known).await?,
            Order::OldestFirst | Order::Unclear => {
                self.walk(&query, found, Some(page), &|_| false).await?
            }
        };
        Ok((end, started))
    }

    async fn walk_keyset(
        &self,
        base: &Query,
        from: i64,
        first: Page,
        found: &mut Found<'_>,
    ) -> Result<(), ConnectorError> {
        let (mut from, mut number, mut page) = (from, 0, first);
        for _ in 0..MAX_PAGES {
            let last = is_last(&page);
            let next = next_key(from, number, &page.tasks);
            self.keep(found, page.tasks).await?;
            if last {
                return Ok(());
            }
            (from, number) = next;
            let query = base.clone().with("date_updated_gt", from);
            page = self.fetch_page(&query, number).await?;
        }
        Err(protocol(OPERATION, "the listing does not end"))
    }

    /// Lists archived tasks. The team endpoint does not document `archived`; if it answers with tasks that are not
    /// archived, or refuses, each list is asked instead, where it is documented.
    pub async fn walk_archived(
        &self,
        lists: &[&str],
        created_after: Option<Timestamp>,
        priority: Priority,
        found: &mut Found<'_>,
    ) -> Result<(), ConnectorError> {
        let narrowed = |query: Query| match created_after {
            Some(at) => query.with("date_created_gt", at.0),
            None => query,
        };
        if self.archived.load() != Archived::ByList {
            let query =
                Query::of_workspace(&self.workspace, lists.iter().copied(), "created", priority)
                    .with("archived", true);
            let query = narrowed(query);
            match self.fetch_page(&query, 0).await {
                Ok(page)
                    if page
                        .tasks
                        .iter()
                        .any(|task| task.archived == Slot::Is(false)) =>
                {
                    self.archived.store(Archived::ByList);
                }
                Ok(page) => {
                    if !page.tasks.is_empty() {
                        self.archived.store(Archived::ByTeam);
                    }
                    // An empty page proves the flag only where it was seen to work before.
                    if self.archived.load() == Archived::ByTeam {
                        self.walk(&query, found, Some(page), &|_| false).await?;
                        return Ok(());
                    }
                }
                Err(error) if error.kind == ErrorKind::Refused => {
                    self.archived.store(Archived::ByList);
                }
                // Each list is asked by itself this time, in windows where that is needed.
                Err(error) if error.too_large => {}
                Err(error) => return Err(error),
            }
        }
        for list in lists {
            let query = narrowed(Query::of_list(list, "created", priority).with("archived", true));
            self.walk(&query, found, None, &|_| false).await?;
        }
        Ok(())
    }

    /// Lists every task of some lists: live ones, then archived ones. Returns the server's time of the first page.
    pub async fn walk_all(
        &self,
        lists: &[&str],
        created_after: Option<Timestamp>,
        priority: Priority,
        found: &mut Found<'_>,
    ) -> Result<Option<Timestamp>, ConnectorError> {
        let mut query =
            Query::of_workspace(&self.workspace, lists.iter().copied(), "created", priority);
        if let Some(at) = created_after {
            query = query.with("date_created_gt", at.0);
        }
        let page = self.first_page(&query).await?;
        let started = self.http.server_now();
        match page {
            Some(page) => {
                self.walk(&query, found, Some(page), &|_| false).await?;
            }
            None => self.walk_windows(&query, found).await?,
        }
        self.walk_archived(lists, created_after, priority, found)
            .await?;
        Ok(started)
    }

    /// Lists the live tasks of the whole workspace that were created after a time, whatever list they are in by now.
    pub async fn walk_workspace(
        &self,
        created_after: Timestamp,
        priority: Priority,
    ) -> Result<Vec<Task>, ConnectorError> {
        let query = Query::of_workspace(&self.workspace, [], "created", priority)
            .with("date_created_gt", created_after.0);
        let mut found = Found::default();
        match self.first_page(&query).await? {
            Some(page) => {
                self.walk(&query, &mut found, Some(page), &|_| false)
                    .await?;
            }
            None => self.walk_windows(&query, &mut found).await?,
        }
        Ok(found.into_tasks())
    }

    /// Converts tasks into rows, those of lists outside `lists` left out.
    pub async fn rows(
        &self,
        lists: &[&str],
        mut tasks: Vec<Task>,
    ) -> Result<Vec<ListedRow>, ConnectorError> {
        tasks.retain(|task| convert::home_list(task).is_some_and(|list| lists.contains(&list)));
        let lookups = self.lookups(&tasks).await?;
        // Each task is dropped as soon as it is converted: a large workspace is not held twice.
        Ok(tasks
            .into_iter()
            .filter_map(|task| {
                let pair = self.pair_of(convert::home_list(&task)?)?.clone();
                Some(ListedRow {
                    id: convert::task_id(&task)?,
                    pair,
                    version: convert::version(&task),
                    item: convert::item(&task, &lookups).map(Box::new),
                    shown: BTreeMap::new(),
                })
            })
            .collect())
    }
}

#[cfg(test)]
#[path = "walk/tests.rs"]
mod tests;
