//! Creating, changing and deleting tasks.
//!
//! Every request goes out once. ClickUp cannot be told which version a change was planned against, so an update names
//! nothing but the fields that change and writes sets as differences against what was just read.

use super::api::Inner;
use super::body::{self, Names};
use super::convert::{self, footer_url};
use super::failure::refused;
use super::wire::Task;
use crate::connector::client::{ApiResponse, FRESH, Priority, Sending};
use crate::connector::{Change, ConnectorError, ErrorKind, NewItem, Written, refuse_masked};
use crate::markup;
use crate::model::{
    FieldKey, FieldValue, Folded, Item, ItemId, PairName, Side, Timestamp, Version,
};
use reqwest::Method;
use serde_json::{Map, Value, json};
use std::collections::{BTreeMap, BTreeSet};
use tokio::time::Instant;
use url::Url;

const CREATE: &str = "create a task";
const UPDATE: &str = "update a task";
const TAG: &str = "change a task's tags";
const DELETE: &str = "delete a task";

/// Fields of which a 200 does not prove that they are in force: a create may drop the status, a guest is silently not
/// assigned, tags of a create and a cleared priority are reported as unreliable.
const DOUBTED: [FieldKey; 4] = [
    FieldKey::State,
    FieldKey::Assignees,
    FieldKey::Priority,
    FieldKey::Tags,
];

impl Inner {
    /// Returns the address that reads one task with its Markdown.
    pub fn task_address(&self, id: &ItemId) -> Result<Url, ConnectorError> {
        let path = format!("task/{}", body::segment(id.as_str()));
        let query = [("include_markdown_description", "true".to_owned())];
        self.address(&path, &query)
    }

    async fn fetch_task(&self, id: &ItemId) -> Result<Item, ConnectorError> {
        let operation = "read a task";
        let url = self.task_address(id)?;
        let task: Task = self.fetch_json(url, operation, Priority::Live).await?;
        self.item_of(&task).await?.ok_or_else(|| {
            super::failure::protocol(operation, "the answer has no id, list or change time")
        })
    }

    async fn item_of(&self, task: &Task) -> Result<Option<Item>, ConnectorError> {
        let lookups = self.lookups(std::slice::from_ref(task)).await?;
        Ok(convert::item(task, &lookups))
    }

    /// Looks up what a body needs.
    async fn names(
        &self,
        list: &str,
        fields: &BTreeMap<FieldKey, FieldValue>,
    ) -> Result<Names, ConnectorError> {
        let mut names = Names::default();
        if fields
            .values()
            .any(|value| matches!(value, FieldValue::Day(_)))
        {
            names.zone = self.fetch_me().await?.zone;
        }
        if let Some(FieldValue::Choice(status)) = fields.get(&FieldKey::State) {
            names.status = self.status_name(list, status).await?;
        }
        if let Some(FieldValue::Choice(name)) = fields.get(&FieldKey::Type) {
            names.type_id = self.type_id(name).await?;
        }
        Ok(names)
    }

    /// Returns a status as its list spells it; whether writing ignores case is disputed. `None` if the list has none like
    /// that: it is then sent as given, and ClickUp refuses it with its own words.
    async fn status_name(
        &self,
        list: &str,
        status: &Folded,
    ) -> Result<Option<String>, ConnectorError> {
        for fresh in [false, true] {
            let known = self.fetch_list(list, fresh).await?;
            let found = known
                .statuses
                .iter()
                .filter_map(|candidate| candidate.status.get())
                .find(|name| Folded::new(&name.0) == *status);
            if let Some(name) = found {
                return Ok(Some(name.0.clone()));
            }
        }
        Ok(None)
    }

    /// Refuses a status that a list does not have, where it says which ones it has. A create might leave it out and make
    /// the task in the list's first status.
    async fn refuse_unknown_status(
        &self,
        list: &str,
        status: &Folded,
    ) -> Result<(), ConnectorError> {
        let known = self.fetch_list(list, false).await?;
        let statuses = known.statuses.iter();
        let names = statuses.filter_map(|status| status.status.get());
        let names: Vec<String> = names.map(|name| format!("\"{}\"", name.0)).collect();
        if names.is_empty() {
            return Ok(());
        }
        let message = format!(
            "list {list} has no status \"{status}\", only {}",
            super::failure::single_line(&names.join(", "))
        );
        Err(refused(CREATE, &FieldKey::State, message))
    }

    async fn type_id(&self, name: &Folded) -> Result<Option<i64>, ConnectorError> {
        if let Some(id) = convert::type_id(name, &BTreeMap::new()) {
            return Ok(Some(id));
        }
        for fresh in [false, true] {
            let types = self.fetch_types(fresh).await?;
            if let Some(id) = convert::type_id(name, &types) {
                return Ok(Some(id));
            }
        }
        Ok(None)
    }

    async fn person_ids(
        &self,
        people: &BTreeSet<Folded>,
        operation: &str,
    ) -> Result<Vec<i64>, ConnectorError> {
        let mut ids = Vec::with_capacity(people.len());
        for person in people {
            match self.person_id(person).await? {
                Some(id) => ids.push(id),
                None => {
                    let message = format!("{} is not a member of the workspace", person.shown);
                    return Err(refused(operation, &FieldKey::Assignees, message));
                }
            }
        }
        Ok(ids)
    }
}

/// Creates a task with its marker in the create request itself.
///
/// # Errors
/// `Ambiguous` when the task may exist; the caller then looks for the marker. `Refused` names the field at fault.
pub async fn create(inner: &Inner, new: &NewItem) -> Result<Written, ConnectorError> {
    refuse_masked(Side::ClickUp, CREATE, &new.fields)?;
    let scope = inner.scope(&new.pair, CREATE)?;
    let mut fields: BTreeMap<FieldKey, FieldValue> = new
        .fields
        .iter()
        .filter(|(_, value)| !value.is_empty())
        .map(|(key, value)| (key.clone(), value.clone()))
        .collect();
    if let Some(name) = &scope.default_type {
        fields
            .entry(FieldKey::Type)
            .or_insert_with(|| FieldValue::choice(name));
    }
    let names = inner.names(&scope.list, &fields).await?;
    if let (None, Some(FieldValue::Choice(status))) = (&names.status, fields.get(&FieldKey::State))
    {
        inner.refuse_unknown_status(&scope.list, status).await?;
    }
    let mut body = Map::new();
    let mut text = None;
    for (key, value) in &fields {
        match (key, value) {
            (FieldKey::Description, FieldValue::Rich(markdown)) => text = Some(markdown.as_str()),
            (FieldKey::Assignees, FieldValue::People(people)) => {
                let ids = inner.person_ids(people, CREATE).await?;
                body.insert("assignees".to_owned(), json!(ids));
            }
            (FieldKey::Tags, FieldValue::Tags(tags)) => {
                let tags: Vec<&str> = tags.iter().map(|tag| tag.shown.as_str()).collect();
                body.insert("tags".to_owned(), json!(tags));
            }
            _ => body::put_plain(&mut body, CREATE, key, value, &names)?,
        }
    }
    if !body.contains_key("name") {
        return Err(refused(CREATE, &FieldKey::Title, "a task needs a title"));
    }
    let label = format!("{} {}", new.source_type, new.source);
    let url = footer_url(&new.source_url, &new.marker);
    let markdown = body::description("", text, Some((&label, &url)));
    body.insert("markdown_content".to_owned(), json!(markdown));
    body.insert("notify_all".to_owned(), json!(false));

    let path = format!("list/{}/task", body::segment(&scope.list));
    let url = inner.address(&path, &[])?;
    let body = Value::Object(body);
    let response = inner
        .send_write(Method::POST, url, Some(&body), CREATE, Sending::Once)
        .await?;
    let task = written_task(&response, CREATE)?;
    let Some(id) = convert::task_id(&task) else {
        return Err(doubtful(CREATE, "the answer names no task"));
    };
    // From here on the task exists and nothing may fail.
    let item = match inner.item_of(&task).await {
        Ok(Some(item)) => item,
        Ok(None) | Err(_) => match inner.fetch_task(&id).await {
            Ok(item) => item,
            Err(_) => bare_item(&id, &task, &scope.list),
        },
    };
    let mut written = check(item, &fields);
    if written.pending.contains_key(&FieldKey::State) {
        set_status(inner, &mut written, &fields, &names).await;
    }
    Ok(written)
}

/// Sets the status that a create did not take, once.
async fn set_status(
    inner: &Inner,
    written: &mut Written,
    fields: &BTreeMap<FieldKey, FieldValue>,
    names: &Names,
) {
    let Some(FieldValue::Choice(status)) = fields.get(&FieldKey::State) else {
        return;
    };
    let body = json!({"status": names.status.as_ref().unwrap_or(&status.shown)});
    let outcome = put_task(inner, &written.item.id, &body).await;
    match outcome {
        Ok(Some(item)) => {
            let pending = check(item.clone(), fields).pending;
            let mut item = item;
            // What only the create's answer showed is still true unless this answer says otherwise.
            for (key, value) in &written.item.fields {
                item.fields
                    .entry(key.clone())
                    .or_insert_with(|| value.clone());
            }
            if item.raw.is_empty() {
                item.raw.clone_from(&written.item.raw);
                item.markers.clone_from(&written.item.markers);
                item.backlinks.clone_from(&written.item.backlinks);
            }
            *written = Written {
                item,
                pending,
                unmarked: None,
                later: BTreeSet::new(),
            };
        }
        Ok(None) => {}
        Err(error) => {
            written.pending.insert(FieldKey::State, error.to_string());
        }
    }
}

/// Changes the named fields of a task.
///
/// # Errors
/// `Refused` names the field at fault. `Ambiguous` when some of it may be in force; the caller re-reads and plans again.
pub async fn update(inner: &Inner, change: &Change) -> Result<Written, ConnectorError> {
    refuse_masked(Side::ClickUp, UPDATE, &change.set)?;
    let fresh;
    let current = if shows_what_is_needed(&change.current, change) {
        &*change.current
    } else {
        fresh = inner.fetch_task(&change.id).await?;
        if fresh.version != change.expected {
            return Err(stale("it was edited since the plan"));
        }
        &fresh
    };
    let read = Instant::now();
    let names = inner.names(&current.container, &change.set).await?;
    let mut body = Map::new();
    let mut tags = (BTreeSet::new(), BTreeSet::new());
    let mut text = None;
    for (key, value) in &change.set {
        match (key, value) {
            (FieldKey::Description, FieldValue::Rich(markdown)) => text = Some(markdown.as_str()),
            (FieldKey::Description, FieldValue::Empty) => text = Some(""),
            (FieldKey::Assignees, FieldValue::People(_) | FieldValue::Empty) => {
                let (add, rem) = body::delta(&members(current, key), &value.members());
                if !(add.is_empty() && rem.is_empty()) {
                    let add = inner.person_ids(&add, UPDATE).await?;
                    let rem = inner.person_ids(&rem, UPDATE).await?;
                    body.insert("assignees".to_owned(), json!({"add": add, "rem": rem}));
                }
            }
            (FieldKey::Tags, FieldValue::Tags(_) | FieldValue::Empty) => {
                tags = body::delta(&members(current, key), &value.members());
            }
            _ => body::put_plain(&mut body, UPDATE, key, value, &names)?,
        }
    }
    if let Some(markdown) = new_description(current, text, change) {
        body.insert("markdown_content".to_owned(), json!(markdown));
    }
    let tag_calls = tag_calls(inner, &change.id, &tags)?;

    let mut item = None;
    let mut sent = false;
    if !body.is_empty() {
        if read.elapsed() > FRESH {
            return Err(stale(
                "looking up names took so long that it has to be read again",
            ));
        }
        item = put_task(inner, &change.id, &Value::Object(body)).await?;
        sent = true;
    }
    let plain = tag_calls.is_empty();
    for (method, url) in tag_calls {
        let call = inner
            .send_write(method, url, None, TAG, Sending::Once)
            .await;
        call.map_err(|error| in_part(error, sent, &FieldKey::Tags))?;
        sent = true;
    }
    // A tag call answers with nothing, so the version is unknown after it.
    let item = match item {
        Some(item) if plain => item,
        _ => inner
            .fetch_task(&change.id)
            .await
            .map_err(|error| match sent {
                true => doubtful(
                    UPDATE,
                    &format!("sent, but not read back: {}", error.message),
                ),
                false => error,
            })?,
    };
    Ok(check(item, &change.set))
}

/// Moves a task to the trash. Its subtasks go with it (mmcc007/clickup-yaml-sync).
///
/// # Errors
/// `NotFound` when it is there already or may not be seen.
pub async fn delete(inner: &Inner, pair: &PairName, id: &ItemId) -> Result<(), ConnectorError> {
    inner.scope(pair, DELETE)?;
    let url = inner.address(&format!("task/{}", body::segment(id.as_str())), &[])?;
    inner
        .send_write(Method::DELETE, url, None, DELETE, Sending::Fresh)
        .await
        .map(|_| ())
}

fn stale(message: &str) -> ConnectorError {
    ConnectorError::new(Side::ClickUp, ErrorKind::Stale, UPDATE, message)
}

/// Sends an update. `None` when it was accepted but the answer does not say what came of it.
async fn put_task(
    inner: &Inner,
    id: &ItemId,
    body: &Value,
) -> Result<Option<Item>, ConnectorError> {
    let url = inner.address(&format!("task/{}", body::segment(id.as_str())), &[])?;
    let response = inner
        .send_write(Method::PUT, url, Some(body), UPDATE, Sending::Fresh)
        .await?;
    let task = written_task(&response, UPDATE)?;
    let item = inner.item_of(&task).await.ok().flatten();
    Ok(item.filter(|item| item.id == *id))
}

/// Reads the task out of a write's answer. Success without a readable task leaves the outcome open.
fn written_task(response: &ApiResponse, operation: &str) -> Result<Task, ConnectorError> {
    response
        .json(Side::ClickUp, operation)
        .map_err(|mut error: ConnectorError| {
            error.kind = ErrorKind::Ambiguous;
            error
        })
}

fn doubtful(operation: &str, message: &str) -> ConnectorError {
    ConnectorError::new(Side::ClickUp, ErrorKind::Ambiguous, operation, message)
}

/// Marks an error of a later step: once an earlier one went through, "nothing was sent" is no longer true.
fn in_part(mut error: ConnectorError, sent: bool, field: &FieldKey) -> ConnectorError {
    error.field.get_or_insert_with(|| field.clone());
    if sent && matches!(error.kind, ErrorKind::Unreachable | ErrorKind::Throttled) {
        error.kind = ErrorKind::Ambiguous;
        error.retry_after = None;
    }
    error
}

fn members(item: &Item, key: &FieldKey) -> BTreeSet<Folded> {
    item.fields
        .get(key)
        .map(FieldValue::members)
        .unwrap_or_default()
}

/// Returns whether an item shows what the change is computed against.
fn shows_what_is_needed(current: &Item, change: &Change) -> bool {
    let sets = [FieldKey::Assignees, FieldKey::Tags]
        .iter()
        .all(|key| !change.set.contains_key(key) || current.fields.contains_key(key));
    let writes_text = change.set.contains_key(&FieldKey::Description) || change.backlink.is_some();
    sets && (!writes_text || current.raw.contains_key(&FieldKey::Description))
}

/// Returns the Markdown to send, `None` when the description stays as it is.
fn new_description(current: &Item, text: Option<&str>, change: &Change) -> Option<String> {
    let raw = current
        .raw
        .get(&FieldKey::Description)
        .map_or("", |raw| raw.text.as_str());
    let footer = change.backlink.as_ref().and_then(|link| {
        let url = footer_url(&link.url, &link.marker);
        let present = markup::footer(raw).is_some_and(|(_, present)| present == url)
            || !link.marker.is_empty() && current.markers.contains(&link.marker);
        (!present).then_some((link.label.as_str(), url))
    });
    let footer = footer.as_ref().map(|(label, url)| (*label, url.as_str()));
    (text.is_some() || footer.is_some()).then(|| body::description(raw, text, footer))
}

fn tag_calls(
    inner: &Inner,
    id: &ItemId,
    (add, remove): &(BTreeSet<Folded>, BTreeSet<Folded>),
) -> Result<Vec<(Method, Url)>, ConnectorError> {
    let adding = add.iter().map(|tag| (Method::POST, tag));
    let removing = remove.iter().map(|tag| (Method::DELETE, tag));
    adding
        .chain(removing)
        .map(|(method, tag)| {
            // A dot segment would be resolved away and address another resource.
            if matches!(tag.shown.as_str(), "" | "." | "..") {
                let message = format!("{:?} cannot be a tag", tag.shown);
                return Err(refused(TAG, &FieldKey::Tags, message));
            }
            let id = body::segment(id.as_str());
            let path = format!("task/{id}/tag/{}", body::segment(&tag.shown));
            Ok((method, inner.address(&path, &[])?))
        })
        .collect()
}

/// Compares what was asked for with what the answer shows.
fn check(item: Item, asked: &BTreeMap<FieldKey, FieldValue>) -> Written {
    let pending = DOUBTED
        .iter()
        .filter_map(|key| {
            let (wanted, shown) = (asked.get(key)?, item.fields.get(key)?);
            (wanted != shown).then(|| {
                let reason = format!("ClickUp accepted {wanted} but shows {shown}");
                (key.clone(), reason)
            })
        })
        .collect();
    Written {
        item,
        pending,
        unmarked: None,
        later: BTreeSet::new(),
    }
}

/// Builds what is known of a task whose create was accepted without saying more than its id.
fn bare_item(id: &ItemId, task: &Task, list: &str) -> Item {
    let version = convert::version(task).unwrap_or_default();
    let created = task.date_created.get().map_or(version.0, |ms| ms.0);
    Item {
        id: id.clone(),
        version: Version(version.0),
        url: format!("https://app.clickup.com/t/{id}"),
        fields: BTreeMap::new(),
        raw: BTreeMap::new(),
        unread: BTreeSet::new(),
        markers: Vec::new(),
        backlinks: Vec::new(),
        parent: None,
        archived: false,
        container: list.to_owned(),
        created_at: Timestamp(created),
        changed_at: Timestamp(version.0),
    }
}

#[cfg(test)]
#[path = "write/tests.rs"]
mod tests;
