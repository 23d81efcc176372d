//! The ClickUp connector: tasks of watched lists as canonical items, and changes back.
//!
//! It never decides what to sync. ClickUp has no conditional update and no idempotency key, so every write is sent once
//! and whoever calls re-reads before trying again.
//!
//! Quirks. "ref" is developer.clickup.com's v2 reference, "test" a test of this folder or of `tests/it/clickup_connector.rs`.
//!
//! | id | symptom | source | handling | test |
//! |---|---|---|---|---|
//! | CU-1 | an unknown or foreign task id is 401 `OAUTH_027`/`_023`, the code of a dead token | SmiNat/Clickup_API error table | `GET /user` decides; alive = unclear, never gone | `the_code_decides_and_not_the_status` |
//! | CU-2 | a deleted task is 404 `ITEM_013` | several clients | the only evidence of a deletion | `only_item_013_says_that_a_task_is_gone` |
//! | CU-3 | closed tasks, subtasks and archived tasks are left out by default; `archived=true` lists nothing else | ref, Get Tasks | both flags always; a second, archived pass | `list_filters_repeat_the_bracketed_name` |
//! | CU-4 | the team endpoint does not document `archived` | ref, Get Filtered Team Tasks | if live tasks come back, each list is asked | `an_ignored_archived_flag_falls_back_to_the_lists` |
//! | CU-5 | `date_updated_gt` is inclusive to some and strict to others | client comments disagree | overlap, rows told apart by (id, version) | `a_task_seen_twice_counts_once_with_its_later_state` |
//! | CU-6 | direction of `order_by=updated`: one measurement, one contrary claim | gengue/rask | looked at on the first page; oldest first walks by key | `the_order_is_taken_from_the_page_itself` |
//! | CU-7 | `last_page` may be missing | ref | a short page ends the walk too | `a_short_page_is_the_last_one_even_if_nothing_says_so` |
//! | CU-8 | ids and times are text here, numbers there | triptechtravel/clickup-cli | every one read as either | `numbers_are_read_from_text_and_from_numbers` |
//! | CU-9 | answers leave fields out that were just stored | client reports | absent is no information | `a_field_missing_from_the_answer_stays_absent` |
//! | CU-10 | a day comes back as 04:00 of the setter's zone | ref, general-time | only days are compared; noon is written | `a_written_day_is_read_back_as_itself_around_the_world` |
//! | CU-11 | `tags` in an update are ignored with 200 | ref, tasks | one request per tag | `tags_go_through_their_own_calls` |
//! | CU-12 | a guest who cannot see the task is not assigned, with 200 | client report | the answer is checked, the rest is pending | `people_not_in_force_are_pending` |
//! | CU-13 | a create may not take the status | client report | one update right after, then pending | `a_status_that_a_create_dropped_is_set_at_once` |
//! | CU-14 | what an empty description does is not documented | ref, Update Task | cleared by one space | `a_description_is_cleared_by_one_space` |
//! | CU-15 | Markdown comes back rewritten | mmcc007/clickup-yaml-sync | never compared raw; unchanged blocks keep their bytes | `a_cleared_description_keeps_its_footer` |
//! | CU-16 | user ids of AI agents are negative | client report | `i64` | `negative_user_ids_are_kept` |
//! | CU-17 | some failures are HTML | gengue/rask | on a write: outcome unknown | `an_html_gateway_page_leaves_a_write_in_doubt` |

mod apart;
mod api;
mod body;
mod codec;
mod convert;
mod custom;
pub mod decode;
mod failure;
mod listing;
mod places;
mod schema;
mod walk;
mod windows;
mod wire;
mod words;
mod write;

use crate::connector::client::{ClientConfig, HttpClient, Priority, RateLimit, ReadAgain};
use crate::connector::{
    BeforeCall, Change, ConnectorError, EachPage, ErrorKind, Fetched, Kept, Known, Listing,
    NewItem, Reader, Schema, Swept, Traces, Watermark, Writer, Written, outdated,
};
use crate::field::WantedFields;
use crate::model::{
    FieldKey, FieldValue, Folded, Item, ItemId, PairName, Service, Side, Timestamp,
};
use api::Inner;
use async_trait::async_trait;
use failure::{Intent, judge};
use futures_util::{StreamExt, TryStreamExt, stream};
use secrecy::{ExposeSecret, SecretString};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;
use tokio_util::sync::CancellationToken;
use url::Url;
use walk::Found;
use wire::Task;
use words::Words;

/// What [`connect`] needs.
pub struct Settings {
    /// Base address: `https://api.clickup.com`, or a loopback address.
    pub url: String,
    /// Workspace id (`team` in the API).
    pub workspace: String,
    /// Personal token (`pk_...`, sent as it is) or OAuth token (sent as `Bearer`).
    pub token: SecretString,
    /// Upper bound on the request rate.
    pub requests_per_minute: u32,
    /// Every configured pair.
    pub pairs: Vec<Scope>,
    /// Ends every wait.
    pub cancel: CancellationToken,
    /// Largest answer that is taken in, in bytes. `None`: 64 MB.
    pub max_body: Option<usize>,
    /// What is shared with other processes.
    pub kept: Kept,
}

/// ClickUp's part of a pair.
#[derive(Clone, Debug)]
pub struct Scope {
    /// The pair.
    pub pair: PairName,
    /// Id of the list in which tasks are created.
    pub list: String,
    /// Ids of the lists that are watched, `list` among them.
    pub lists: Vec<String>,
    /// The synced fields. Only decides which look-ups are made.
    pub fields: WantedFields,
    /// Task type of new tasks that name none. `None`: the list's own default.
    pub default_type: Option<String>,
    /// How addresses of work items start; only a footer that points there is a back-link. Empty accepts every footer.
    pub ado_url_prefix: String,
}

impl Scope {
    fn watches(&self, list: &str) -> bool {
        self.list == list || self.lists.iter().any(|watched| watched == list)
    }

    fn watched(&self) -> impl Iterator<Item = &str> {
        std::iter::once(self.list.as_str()).chain(self.lists.iter().map(String::as_str))
    }
}

/// Bound on one attempt: very large listings are slow (developer.clickup.com/docs/tasks).
const TIMEOUT: Duration = Duration::from_secs(90);
/// Largest answer: a full page of 100 tasks is about 1.1 MB (Npab19/clickup-mcp), descriptions can be long.
const MAX_BODY: usize = 64 * 1024 * 1024;
/// Single reads under way at once.
const PARALLEL_READS: usize = 4;

/// Reads tasks.
pub struct ClickUpReader(Arc<Inner>);

/// Writes tasks.
pub struct ClickUpWriter(Arc<Inner>);

/// Builds the reader and the writer. Sends nothing.
///
/// # Errors
/// `Refused` for an address that is not one, or that would carry the token in clear text.
pub fn connect(settings: Settings) -> Result<(ClickUpReader, ClickUpWriter), ConnectorError> {
    let base_url = Url::parse(&settings.url).map_err(|error| {
        let message = format!("[clickup] url is not an address: {error}");
        ConnectorError::new(Side::ClickUp, ErrorKind::Refused, "connect", message)
    })?;
    let read_again = settings
        .kept
        .token
        .map(|token| -> ReadAgain { Arc::new(move || token().map(|token| authorization(&token))) });
    let http = HttpClient::new(ClientConfig {
        service: Service::ClickUp,
        base_url,
        authorization: authorization(&settings.token),
        read_again,
        headers: vec![("accept", "application/json".to_owned())],
        limit: RateLimit::PerMinute(settings.requests_per_minute),
        timeout: TIMEOUT,
        max_body: settings.max_body.unwrap_or(MAX_BODY),
        is_own: failure::is_own,
        cancel: settings.cancel,
        sends: settings.kept.sends,
    })?;
    let place = format!(
        "{} {}",
        settings.url.trim_end_matches('/'),
        settings.workspace
    );
    let words = Words {
        customs: settings.kept.customs,
        vocabulary: settings.kept.vocabulary,
        place,
    };
    let inner = Arc::new(Inner::new(http, settings.workspace, settings.pairs, words));
    Ok((ClickUpReader(Arc::clone(&inner)), ClickUpWriter(inner)))
}

/// A personal token stands alone, another one behind `Bearer` (developer.clickup.com/docs/authentication).
fn authorization(token: &SecretString) -> SecretString {
    let token = token.expose_secret().trim();
    SecretString::from(match token.starts_with("pk_") {
        true => token.to_owned(),
        false => format!("Bearer {token}"),
    })
}

impl ClickUpReader {
    /// Returns the HTTP client, for its counters.
    pub fn http(&self) -> &HttpClient {
        &self.0.http
    }
}

#[async_trait]
impl Reader for ClickUpReader {
    fn side(&self) -> Side {
        Side::ClickUp
    }

    async fn has_another_credential(&self) -> bool {
        self.0.http.credential_has_changed().await
    }

    async fn fetch_changes(
        &self,
        since: &Watermark,
        known: &(dyn for<'a> Fn(&'a ItemId) -> Option<Known> + Send + Sync),
    ) -> Result<Listing, ConnectorError> {
        self.list_changed(since, known).await
    }

    async fn sweep(
        &self,
        pairs: &BTreeSet<PairName>,
        each: EachPage<'_>,
    ) -> Result<Swept, ConnectorError> {
        let mut scopes = Vec::new();
        for pair in pairs {
            scopes.push(self.0.scope(pair, "list tasks")?);
        }
        self.list_everything(&scopes, each).await
    }

    async fn fetch_items(
        &self,
        ids: &BTreeSet<ItemId>,
    ) -> Result<BTreeMap<ItemId, Fetched>, ConnectorError> {
        let reads = ids.iter().cloned().map(|id| {
            let inner = Arc::clone(&self.0);
            async move {
                let fetched = fetch_one(&inner, &id).await?;
                Ok::<_, ConnectorError>((id, fetched))
            }
        });
        let reads: Vec<_> = reads.collect();
        stream::iter(reads)
            .buffer_unordered(PARALLEL_READS)
            .try_collect()
            .await
    }

    async fn fetch_place(&self, pair: &PairName) -> Result<Option<ConnectorError>, ConnectorError> {
        let scope = self.0.scope(pair, "read a list")?;
        Ok(self.0.look_for_places(&[scope]).await?.remove(pair))
    }

    fn covers(&self, pair: &PairName, item: &Item) -> Option<bool> {
        let scope = self.0.scopes.iter().find(|scope| scope.pair == *pair)?;
        Some(scope.watches(&item.container))
    }

    async fn find_marker(
        &self,
        pair: &PairName,
        marker: &str,
        created_after: Timestamp,
    ) -> Result<Vec<ItemId>, ConnectorError> {
        let inner = &self.0;
        let lists = distinct(inner.scope(pair, "look for a marker")?.watched());
        let after = Some(created_after.plus_ms(-1));
        let mut tasks = Found::default();
        let walked = inner.walk_all(&lists, after, Priority::Live, &mut tasks);
        walked.await?;
        let mut found = BTreeSet::new();
        let mut unread = BTreeSet::new();
        for row in inner.rows(&lists, tasks.into_tasks()).await? {
            let carries = row.item.as_ref().and_then(|item| carries(item, marker));
            match carries {
                Some(true) => {
                    found.insert(row.id);
                }
                Some(false) => {}
                // The listing did not show the description.
                None => {
                    unread.insert(row.id);
                }
            }
        }
        for (id, fetched) in self.fetch_items(&unread).await? {
            if let Fetched::Seen(item) = fetched
                && carries(&item, marker) == Some(true)
            {
                found.insert(id);
            }
        }
        Ok(found.into_iter().collect())
    }

    async fn find_marker_anywhere(
        &self,
        marker: &str,
        created_after: Timestamp,
    ) -> Result<Vec<ItemId>, ConnectorError> {
        let inner = &self.0;
        let after = created_after.plus_ms(-1);
        let tasks = inner.walk_workspace(after, Priority::Live).await?;
        let mut found = BTreeSet::new();
        let mut unread = BTreeSet::new();
        for task in &tasks {
            let Some(id) = convert::task_id(task) else {
                continue;
            };
            match convert::carries(task, marker) {
                Some(true) => found.insert(id),
                Some(false) => false,
                None => unread.insert(id),
            };
        }
        for (id, fetched) in self.fetch_items(&unread).await? {
            if let Fetched::Seen(item) = fetched
                && carries(&item, marker) == Some(true)
            {
                found.insert(id);
            }
        }
        Ok(found.into_iter().collect())
    }

    async fn find_titled(
        &self,
        title: &FieldValue,
        created_after: Timestamp,
    ) -> Result<Vec<ItemId>, ConnectorError> {
        let after = created_after.plus_ms(-1);
        let tasks = self.0.walk_workspace(after, Priority::Live).await?;
        let titled = tasks.iter().filter(|task| {
            let own = task.name.get().map(|name| FieldValue::text(&name.0));
            own.is_some_and(|own| own.reads_like(title))
        });
        Ok(titled.filter_map(convert::task_id).collect())
    }

    fn server_now(&self) -> Option<Timestamp> {
        self.0.http.server_now()
    }

    /// Files stand in the task (developer.clickup.com, `GetTask`), comments are asked for (`GetTaskComments`): no answer
    /// about a task counts them.
    async fn fetch_traces(&self, id: &ItemId) -> Result<Traces, ConnectorError> {
        let inner = &self.0;
        let count = |answer: &serde_json::Value, list: &str| {
            let list = answer.get(list).and_then(serde_json::Value::as_array);
            list.map(Vec::len)
        };
        let task = inner.fetch_with_subtasks(id).await?;
        let url = inner.address(&format!("task/{}/comment", body::segment(id.as_str())), &[])?;
        let comments = inner.fetch_json(url, "read the comments of a task", Priority::Live);
        Ok(Traces {
            comments: count(&comments.await?, "comments"),
            files: count(&task, "attachments"),
            children: write::subtasks(id, &task)
                .ok()
                .map(|children| children.len()),
        })
    }

    async fn fetch_children_that_go(
        &self,
        id: &ItemId,
    ) -> Result<BTreeSet<ItemId>, ConnectorError> {
        let task = self.0.fetch_with_subtasks(id).await?;
        write::subtasks(id, &task)
    }

    async fn fetch_schema(&self, pair: &PairName) -> Result<Schema, ConnectorError> {
        let inner = &self.0;
        let key = inner.words.key(format!("pair {pair}"));
        if let Some(schema) = inner.words.vocabulary.get_schema(&key) {
            return Ok(schema);
        }
        inner.forget().await;
        let schema = schema::fetch(inner, pair).await?;
        let whole = schema.findings.is_empty() && schema.missing_rights.is_empty();
        inner.words.vocabulary.put_schema(key, &schema, whole);
        Ok(schema)
    }
    async fn fetch_unknown_people(
        &self,
        people: &BTreeSet<Folded>,
    ) -> Result<BTreeSet<String>, ConnectorError> {
        let mut unknown = BTreeSet::new();
        for person in people {
            if self.0.person_id(person).await?.is_none() {
                unknown.insert(person.key.clone());
            }
        }
        Ok(unknown)
    }

    async fn fetch_idle_types(&self, pair: &PairName) -> Result<Vec<String>, ConnectorError> {
        schema::fetch_idle_types(&self.0, pair).await
    }
}

#[async_trait]
impl Writer for ClickUpWriter {
    fn side(&self) -> Side {
        Side::ClickUp
    }

    async fn create(&self, new: &NewItem) -> Result<Written, ConnectorError> {
        match write::create(&self.0, new).await {
            Err(error) if self.0.is_outdated(&error).await => write::create(&self.0, new).await,
            other => other,
        }
    }

    async fn make_room(&self) -> Result<(), ConnectorError> {
        self.0.make_room().await
    }

    async fn update_in_calls(
        &self,
        change: &Change,
        before: BeforeCall<'_>,
    ) -> Result<Written, ConnectorError> {
        match write::update(&self.0, change, before).await {
            // What it stands on is a moment old by now, so it is read again first.
            Err(error) if self.0.is_outdated(&error).await => Err(outdated(error)),
            other => other,
        }
    }

    async fn delete(&self, pair: &PairName, id: &ItemId) -> Result<(), ConnectorError> {
        write::delete(&self.0, pair, id).await
    }
}

fn distinct<'a>(lists: impl IntoIterator<Item = &'a str>) -> Vec<&'a str> {
    lists
        .into_iter()
        .collect::<BTreeSet<_>>()
        .into_iter()
        .collect()
}

/// Returns whether an item carries a marker; `None` when its description was not shown.
fn carries(item: &crate::model::Item, marker: &str) -> Option<bool> {
    item.raw.get(&FieldKey::Description)?;
    Some(item.markers.iter().any(|found| found == marker))
}

/// Reads one task. What concerns this task alone is `Unclear`; what concerns the connection is an error.
async fn fetch_one(inner: &Inner, id: &ItemId) -> Result<Fetched, ConnectorError> {
    let operation = "read a task";
    let unclear = |reason: String| Ok(Fetched::Unclear { reason });
    let url = inner.task_address(id)?;
    let response = match inner.ask(url, operation, Priority::Live).await {
        Err(error) if error.too_large => {
            return unclear(format!("{}; shorten its description", error.message));
        }
        other => other?,
    };
    if !(200..300).contains(&response.status) {
        let deleted = response.status == 404
            && judge(&response, operation, Intent::Read)
                .error
                .code
                .as_deref()
                == Some(failure::DELETED);
        if deleted {
            return Ok(Fetched::Gone {
                evidence: format!("HTTP 404 {}", failure::DELETED),
            });
        }
        let Err(error) = inner.accept(&response, operation, Intent::Read).await else {
            return unclear("the answer was not understood".to_owned());
        };
        return match error.kind {
            ErrorKind::Auth
            | ErrorKind::Throttled
            | ErrorKind::Unreachable
            | ErrorKind::Cancelled => Err(error),
            ErrorKind::Ambiguous
            | ErrorKind::Stale
            | ErrorKind::NotFound
            | ErrorKind::Refused
            | ErrorKind::Protocol => unclear(error.to_string()),
        };
    }
    let task: Task = match response.json(Side::ClickUp, operation) {
        Ok(task) => task,
        Err(error) => return unclear(error.to_string()),
    };
    let lookups = inner.lookups(std::slice::from_ref(&task)).await?;
    match convert::item(&task, &lookups.of_one()) {
        Some(item) if item.id == *id => Ok(Fetched::Seen(Box::new(item))),
        Some(item) => unclear(format!("ClickUp answered with task {}", item.id)),
        None => unclear("the answer has no id, list or change time".to_owned()),
    }
}
