//! Creating, changing and deleting tasks.
//!
//! Every request goes out once. ClickUp cannot be told which version a change was planned against, so an update names
//! nothing but the fields that change and writes sets as differences against what was just read.

mod calls;
mod second;

use super::api::Inner;
use super::body::{self, Names};
use super::convert::{self, footer_url};
use super::custom;
use super::failure::refused;
use super::wire::Task;
use crate::connector::answer::{self, Asked};
use crate::connector::client::{ApiResponse, FRESH, Priority, Sending};
use crate::connector::{
    BeforeCall, Change, ConnectorError, ErrorKind, NewItem, Written, refuse_masked, stranger,
};
use crate::field::Form;
use crate::markup;
use crate::model::{
    FieldKey, FieldValue, Folded, Item, ItemId, PairName, Side, Timestamp, Version,
};
use calls::Calls;
use reqwest::Method;
use serde_json::{Map, Value, json};
use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};
use tokio::time::Instant;
use url::Url;

const CREATE: &str = "create a task";
const UPDATE: &str = "update a task";
const DELETE: &str = "delete a task";

impl Inner {
    /// Returns the address that reads one task with its Markdown.
    pub fn task_address(&self, id: &ItemId) -> Result<Url, ConnectorError> {
        let path = format!("task/{}", body::segment(id.as_str()));
        let query = [("include_markdown_description", "true".to_owned())];
        self.address(&path, &query)
    }

    /// Reads a task with its subtasks, which are left out unless asked for (developer.clickup.com, Get Task,
    /// `include_subtasks`). The API's pages do not say whether closed and archived ones are among them.
    pub async fn fetch_with_subtasks(&self, id: &ItemId) -> Result<Value, ConnectorError> {
        let path = format!("task/{}", body::segment(id.as_str()));
        let url = self.address(&path, &[("include_subtasks", "true".to_owned())])?;
        self.fetch_json(url, "read a task", Priority::Live).await
    }

    async fn fetch_task(&self, id: &ItemId) -> Result<Item, ConnectorError> {
        let operation = "read a task";
        let url = self.task_address(id)?;
        let task: Task = self.fetch_json(url, operation, Priority::Live).await?;
        let lookups = self.lookups(std::slice::from_ref(&task)).await?;
        convert::item(&task, &lookups.of_one()).ok_or_else(|| {
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
            (names.status, names.completes) = self.status_name(list, status).await?;
        }
        if let Some(FieldValue::Choice(name)) = fields.get(&FieldKey::Type) {
            names.type_id = self.type_id(name).await?;
        }
        Ok(names)
    }

    /// Returns a status as its list spells it; whether writing ignores case is disputed. `None` if the list has none like
    /// that: it is then sent as given, and ClickUp refuses it with its own words. Also whether it completes a task.
    async fn status_name(
        &self,
        list: &str,
        status: &Folded,
    ) -> Result<(Option<String>, bool), ConnectorError> {
        for fresh in [false, true] {
            let known = self.fetch_list(list, fresh).await?;
            for candidate in &known.statuses {
                let name = candidate.status.get();
                if let Some(name) = name.filter(|name| Folded::new(&name.0) == *status) {
                    let kind = candidate.kind.get().map(String::as_str);
                    // Where the list leaves the kind out, it may be any of them.
                    let completes = matches!(kind, Some("done" | "closed") | None);
                    return Ok((Some(name.0.clone()), completes));
                }
            }
        }
        Ok((None, false))
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
        key: &FieldKey,
        people: &BTreeSet<Folded>,
        operation: &str,
    ) -> Result<Vec<i64>, ConnectorError> {
        let mut ids = Vec::with_capacity(people.len());
        for person in people {
            match self.person_id(person).await? {
                Some(id) => ids.push(id),
                None => {
                    let message = format!("{} is not a member of the workspace", person.shown);
                    return Err(refused(operation, key, message));
                }
            }
        }
        Ok(ids)
    }

    /// What writing a custom field needs. `current`: the task; `None`: it is a new one.
    async fn means(
        &self,
        (key, value): (&FieldKey, &FieldValue),
        current: Option<&Item>,
        names: &Names,
        operation: &str,
    ) -> Result<custom::Means, ConnectorError> {
        let before = current.and_then(|item| item.fields.get(key));
        let mut people = BTreeSet::new();
        for value in [Some(value), before].into_iter().flatten() {
            if let FieldValue::People(some) = value {
                people.extend(some.iter().cloned());
            }
        }
        let ids = self.person_ids(key, &people, operation).await?;
        let keys = people.into_iter().map(|person| person.key);
        Ok(custom::Means {
            zone: names.zone,
            before: before.cloned(),
            raw: current.and_then(|item| item.raw.get(key)).cloned(),
            ids: keys.zip(ids).collect(),
        })
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
    let customs = customs_of_new(inner, new, &mut fields, &names).await?;
    let body = body_of_new(inner, new, &fields, (customs, &names)).await?;
    let path = format!("list/{}/task", body::segment(&scope.list));
    let url = inner.address(&path, &[])?;
    let began = inner.http.server_now();
    let response = inner
        .send_write(Method::POST, url, Some(&body), CREATE, Sending::Once)
        .await?;
    let task = written_task(&response, CREATE)?;
    let Some(id) = convert::task_id(&task) else {
        return Err(doubtful(CREATE, "the answer names no task"));
    };
    // From here on the task exists and nothing may fail, unless the answer is about another one.
    let own = inner.item_of(&task).await.ok().flatten();
    let shows = |own: &Item| {
        let mut customs = fields.keys().filter(|key| key.is_custom());
        customs.all(|key| own.fields.contains_key(key))
    };
    let later = match &own {
        Some(own) if shows(own) => None,
        Some(_) | None => inner.fetch_task(&id).await.ok(),
    };
    if let Some(shown) = own.as_ref().or(later.as_ref()) {
        stranger::refuse((Side::ClickUp, CREATE), new, shown, began)?;
    }
    let asked = Asked {
        side: Side::ClickUp,
        set: &fields,
        before: None,
        apart: &BTreeSet::new(),
        completes: names.completes,
    };
    let written = answer::settle(&asked, own, later);
    let mut written = written.unwrap_or_else(|| untold(bare_item(&id, &task, &scope.list)));
    let lost = match super::carries(&written.item, &new.marker) {
        Some(shown) => !shown,
        // The answer shows the plain text alone. Every new task has a footer, so an empty one is looked at.
        None => convert::shows_no_text(&task),
    };
    if lost {
        written.unmarked = unmarked(inner, &id, &new.marker).await;
    }
    if written.pending.contains_key(&FieldKey::State) {
        second::set_status(inner, &mut written, &fields, &names).await;
    }
    Ok(written)
}

/// The custom fields of a new task. Those that its list does not have are taken out of `fields`: a create that names one is
/// refused (ClickUp's `FIELD_115`).
async fn customs_of_new(
    inner: &Inner,
    new: &NewItem,
    fields: &mut BTreeMap<FieldKey, FieldValue>,
    names: &Names,
) -> Result<Vec<Value>, ConnectorError> {
    let list = &inner.scope(&new.pair, CREATE)?.list;
    let agreed = inner.words.customs.of(&new.pair).unwrap_or_default();
    let has = |key: &FieldKey| {
        let native = agreed.get(key).map(|agreed| &agreed.native.clickup);
        native.is_some_and(|native| native.places.contains(list))
    };
    fields.retain(|key, _| !key.is_custom() || has(key));
    let mut sent = Vec::new();
    for (key, value) in fields.iter() {
        if let Some(agreed) = agreed.get(key) {
            let means = inner.means((key, value), None, names, CREATE).await?;
            let value =
                custom::written(agreed, value, &means).map_err(|why| refused(CREATE, key, why))?;
            let row = value.map(|value| json!({"id": agreed.native.clickup.id, "value": value}));
            sent.extend(row.map(|row| calls::with_options(agreed, row)));
        }
    }
    Ok(sent)
}

/// What is sent to create a task: its fields, and its marker in the footer.
async fn body_of_new(
    inner: &Inner,
    new: &NewItem,
    fields: &BTreeMap<FieldKey, FieldValue>,
    (customs, names): (Vec<Value>, &Names),
) -> Result<Value, ConnectorError> {
    let mut body = Map::new();
    if !customs.is_empty() {
        body.insert("custom_fields".to_owned(), json!(customs));
    }
    let mut text = None;
    for (key, value) in fields {
        match (key.kind().form(), value) {
            (Form::LongText, FieldValue::Rich(markdown)) => text = Some(markdown.as_str()),
            (Form::People, FieldValue::People(people)) => {
                let ids = inner.person_ids(key, people, CREATE).await?;
                body.insert("assignees".to_owned(), json!(ids));
            }
            (Form::Tags, FieldValue::Tags(tags)) => {
                let tags: Vec<&str> = tags.iter().map(|tag| tag.shown.as_str()).collect();
                body.insert("tags".to_owned(), json!(tags));
            }
            _ if key.is_custom() => {}
            _ => body::put_plain(&mut body, CREATE, key, value, names)?,
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
    if let Some(parent) = &new.parent {
        body.insert("parent".to_owned(), json!(parent.0));
    }
    Ok(Value::Object(body))
}

/// Looks once more, by id, whether a new task shows its marker. Says what is the matter where it does not.
async fn unmarked(inner: &Inner, id: &ItemId, marker: &str) -> Option<String> {
    let task = inner.fetch_task(id).await.ok()?;
    (super::carries(&task, marker) == Some(false)).then(|| {
        format!(
            "task {id} does not show the footer that it was created with, so a create whose answer is lost could not be \
             found again; look for what changes descriptions in ClickUp, an automation for instance"
        )
    })
}

/// A write of which nothing was shown.
fn untold(item: Item) -> Written {
    Written {
        item,
        pending: BTreeMap::new(),
        unmarked: None,
        later: BTreeSet::new(),
    }
}

/// Changes the named fields of a task.
///
/// # Errors
/// `Refused` names the field at fault. `Ambiguous` when some of it may be in force; the caller re-reads and plans again.
pub async fn update(
    inner: &Inner,
    change: &Change,
    before: BeforeCall<'_>,
) -> Result<Written, ConnectorError> {
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
    let (body, tags) = body_of_change(inner, change, current, &names).await?;
    let calls = Calls::of(inner, change, current, tags, &names).await?;
    let apart = calls.fields();
    let sent = !body.is_empty();
    let mut own = None;
    if sent {
        if read.elapsed() > FRESH {
            return Err(stale(
                "looking up names took so long that it has to be read again",
            ));
        }
        own = put_task(inner, &change.id, &Value::Object(body)).await?;
    }
    if let (Some(answer), false) = (&mut own, apart.is_empty()) {
        complete(inner, change, &apart, answer).await;
    }
    let made = calls
        .make(inner, change, (current, read), (sent, own.as_ref()), before)
        .await?;
    let told = own.as_ref().is_some_and(|own| {
        let mut sent = change.set.keys();
        apart.is_empty() && sent.all(|key| own.fields.contains_key(key))
    });
    // A call for a tag or a custom field answers with nothing, and the answer to an update may leave out what was sent. Where
    // it leaves out other fields only, the next cycle looks at the task again: an edit of those from just before would hide
    // behind the version that the answer brings.
    let later = match told {
        true => None,
        false => read_back(inner, &change.id, own.is_some(), made.sent).await?,
    };
    let asked = Asked {
        side: Side::ClickUp,
        set: &made.set,
        before: Some(current),
        apart: &apart,
        completes: names.completes,
    };
    let mut written = answer::settle(&asked, own, later)
        .ok_or_else(|| doubtful(UPDATE, "nothing was answered"))?;
    written.pending.extend(made.refused);
    written.later.extend(made.edited);
    Ok(written)
}

/// What is sent to change a task: the body of one request, and the tags that requests of their own add and take away.
async fn body_of_change(
    inner: &Inner,
    change: &Change,
    current: &Item,
    names: &Names,
) -> Result<(Map<String, Value>, (BTreeSet<Folded>, BTreeSet<Folded>)), ConnectorError> {
    let mut body = Map::new();
    let mut tags = (BTreeSet::new(), BTreeSet::new());
    let mut text = None;
    for (key, value) in &change.set {
        match (key.kind().form(), value) {
            (Form::LongText, FieldValue::Rich(markdown)) => text = Some(markdown.as_str()),
            (Form::LongText, FieldValue::Empty) => text = Some(""),
            (Form::People, FieldValue::People(_) | FieldValue::Empty) => {
                let (add, rem) = body::delta(&members(current, key), &value.members());
                if !(add.is_empty() && rem.is_empty()) {
                    let add = inner.person_ids(key, &add, UPDATE).await?;
                    let rem = inner.person_ids(key, &rem, UPDATE).await?;
                    body.insert("assignees".to_owned(), json!({"add": add, "rem": rem}));
                }
            }
            (Form::Tags, FieldValue::Tags(_) | FieldValue::Empty) => {
                tags = body::delta(&members(current, key), &value.members());
            }
            _ if key.is_custom() => {}
            _ => body::put_plain(&mut body, UPDATE, key, value, names)?,
        }
    }
    if let Some(markdown) = new_description(current, text, change) {
        body.insert("markdown_content".to_owned(), json!(markdown));
    }
    Ok((body, tags))
}

/// Reads a task once more whose update was not answered in full. `answered`: whether anything was shown of it; then what
/// the answer left out may stay unknown, and the task is looked at again. `sent`: whether something went out.
async fn read_back(
    inner: &Inner,
    id: &ItemId,
    answered: bool,
    sent: bool,
) -> Result<Option<Item>, ConnectorError> {
    match inner.fetch_task(id).await {
        Ok(item) => Ok(Some(item)),
        Err(_) if answered => Ok(None),
        Err(error) if sent => {
            let message = format!("sent, but not read back: {}", error.message);
            Err(doubtful(UPDATE, &message))
        }
        Err(error) => Err(error),
    }
}

/// Adds to the answer of an update the sent fields that it left out, by a read at the same version. Once those `apart` are
/// written too, nothing can tell any more whether such a value is what ClickUp made of ours.
async fn complete(inner: &Inner, change: &Change, apart: &BTreeSet<FieldKey>, answer: &mut Item) {
    let told = |key: &FieldKey| apart.contains(key) || answer.fields.contains_key(key);
    if change.set.keys().all(told) {
        return;
    }
    if let Ok(read) = inner.fetch_task(&change.id).await {
        answer::complete(answer, read);
    }
}

/// The subtasks that an answer about a task shows; none where it has no list of them, as of a task without any.
///
/// # Errors
/// It is an answer about something else, or names a subtask that cannot be told.
pub fn subtasks(id: &ItemId, task: &Value) -> Result<BTreeSet<ItemId>, ConnectorError> {
    let of = |row: &Value| row.get("id").and_then(Value::as_str).map(ItemId::from);
    let asked = of(task).as_ref() == Some(id);
    let list = task.get("subtasks").filter(|list| !list.is_null());
    let rows = list.map(|list| list.as_array().map(Vec::as_slice));
    let told = rows.map_or(Some(&[][..]), |rows| rows);
    let ids: Option<BTreeSet<ItemId>> = told.and_then(|rows| rows.iter().map(of).collect());
    match ids {
        Some(ids) if asked => Ok(ids),
        _ => Err(super::failure::protocol(
            "read the subtasks of a task",
            "the answer is about something else, or its list of subtasks cannot be read",
        )),
    }
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

fn members(item: &Item, key: &FieldKey) -> BTreeSet<Folded> {
    item.fields
        .get(key)
        .map(FieldValue::members)
        .unwrap_or_default()
}

/// Returns whether an item shows what the change is computed against.
fn shows_what_is_needed(current: &Item, change: &Change) -> bool {
    let is_set =
        |key: &&FieldKey| key.is_custom() || matches!(key.kind().form(), Form::People | Form::Tags);
    let mut changed_sets = change.set.keys().filter(is_set);
    let sets = changed_sets.all(|key| {
        let held = current.fields.get(key);
        let text = matches!(held, Some(FieldValue::Rich(_)));
        held.is_some() && (!text || current.raw.contains_key(key))
    });
    let writes_text = change.set.contains_key(&FieldKey::Description)
        || change.backlink.is_some() && takes_a_footer(change);
    sets && (!writes_text || current.raw.contains_key(&FieldKey::Description))
}

/// Returns the Markdown to send, `None` when the description stays as it is. A footer goes along with a change of the text
/// or in a change of its own: with other fields an untouched text would be sent again, over whatever is typed meanwhile.
fn new_description(current: &Item, text: Option<&str>, change: &Change) -> Option<String> {
    let raw = current
        .raw
        .get(&FieldKey::Description)
        .map_or(Cow::Borrowed(""), |raw| raw.text());
    let footer = change.backlink.as_ref().filter(|_| takes_a_footer(change));
    let footer = footer.and_then(|link| {
        let url = footer_url(&link.url, &link.marker);
        let present = markup::footer(&raw).is_some_and(|(_, present)| present == url)
            || !link.marker.is_empty() && current.markers.contains(&link.marker);
        (!present).then_some((link.label.as_str(), url))
    });
    let footer = footer.as_ref().map(|(label, url)| (*label, url.as_str()));
    (text.is_some() || footer.is_some()).then(|| body::description(&raw, text, footer))
}

fn takes_a_footer(change: &Change) -> bool {
    change.set.is_empty() || change.set.contains_key(&FieldKey::Description)
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
        raw: Default::default(),
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
