//! What an update sends in requests of its own: one for each tag, and one for each custom field.
//!
//! They follow the request that carries everything else. None of their answers shows the task, so nothing tells what became of
//! them but a read after the last one.

use super::{UPDATE, members};
use crate::clickup::api::Inner;
use crate::clickup::body::{self, Names};
use crate::clickup::custom;
use crate::clickup::failure::refused;
use crate::connector::answer::in_force;
use crate::connector::client::{FRESH, Sending};
use crate::connector::{BeforeCall, Begun, Change, ConnectorError, ErrorKind};
use crate::field::negotiate::Agreed;
use crate::model::{FieldKey, FieldValue, Folded, Item, ItemId, Side, Version};
use reqwest::Method;
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};
use tokio::time::Instant;
use url::Url;

const TAG: &str = "change a task's tags";
const FIELD: &str = "set a custom field of a task";

/// Tags to add and to take away.
pub(super) type Tags = (BTreeSet<Folded>, BTreeSet<Folded>);

/// One request.
pub(super) struct Call {
    pub(super) key: FieldKey,
    method: Method,
    url: Url,
    body: Option<Value>,
}

/// The requests of an update, in their order.
pub(super) struct Calls {
    calls: Vec<Call>,
    tags: Tags,
}

/// What became of them.
pub(super) struct Made {
    /// The values that are asked for, as far as they were sent and taken.
    pub(super) set: BTreeMap<FieldKey, FieldValue>,
    /// What was refused after something else went through, with what was said.
    pub(super) refused: BTreeMap<FieldKey, String>,
    /// Fields that somebody set since the task was read; nothing was sent over that.
    pub(super) edited: BTreeSet<FieldKey>,
    /// Whether anything was sent.
    pub(super) sent: bool,
}

impl Calls {
    /// Puts together the requests of a change of the task `current`.
    ///
    /// # Errors
    /// `Refused` naming the field that ClickUp can't hold.
    pub(super) async fn of(
        inner: &Inner,
        change: &Change,
        current: &Item,
        tags: Tags,
        names: &Names,
    ) -> Result<Calls, ConnectorError> {
        let mut calls = tag_calls(inner, &change.id, &tags)?;
        for (key, value) in change.set.iter().filter(|(key, _)| key.is_custom()) {
            if !current.fields.contains_key(key) {
                return Err(refused(UPDATE, key, "the task has no such field"));
            }
            let means = inner
                .means((key, value), Some(current), names, UPDATE)
                .await?;
            calls.push(field_call(inner, change, (key, value), &means)?);
        }
        Ok(Calls { calls, tags })
    }

    /// The fields that they carry.
    pub(super) fn fields(&self) -> BTreeSet<FieldKey> {
        self.calls.iter().map(|call| call.key.clone()).collect()
    }

    /// Sends them, one after the other. `own`: what the answer to the request before them showed, where there was one. `read`:
    /// when `current` was read. `before` hears of each field.
    ///
    /// # Errors
    /// A refusal of the first thing that is sent at all, and whatever keeps the rest from being sent.
    pub(super) async fn make(
        self,
        inner: &Inner,
        change: &Change,
        (current, read): (&Item, Instant),
        (sent, own): (bool, Option<&Item>),
        before: BeforeCall<'_>,
    ) -> Result<Made, ConnectorError> {
        let apart = self.fields();
        let carried = change
            .set
            .keys()
            .filter(|key| sent && !apart.contains(*key));
        let mut run = Run {
            inner,
            change,
            went: carried.cloned().collect(),
            alone: false,
            looked: match own {
                Some(own) if apart.iter().all(shown(own)) => (Some(own.clone()), Instant::now()),
                Some(own) => (Some(own.clone()), read),
                None if sent => (None, read),
                None => (Some(current.clone()), read),
            },
            made: Made {
                set: change.set.clone(),
                refused: BTreeMap::new(),
                edited: BTreeSet::new(),
                sent,
            },
        };
        let mut tags_made = 0;
        let mut announced = BTreeSet::new();
        for call in self.calls {
            let key = call.key.clone();
            if run.made.refused.contains_key(&key) {
                continue;
            }
            if key.is_custom() && run.was_edited(&key, current).await? {
                run.made.set.remove(&key);
                run.made.edited.insert(key);
                continue;
            }
            if announced.insert(key.clone()) {
                run.announce(&key, current.version, before).await?;
            }
            match run.send(call).await? {
                None if key.is_custom() => {}
                None => tags_made += 1,
                // It says nothing of the calls before it, which are told as any answer is.
                Some(said) => {
                    match key.is_custom() {
                        true => drop(run.made.set.remove(&key)),
                        false => only(&mut run.made.set, &key, tags_made, current, &self.tags),
                    }
                    run.made.refused.insert(key, said);
                }
            }
        }
        Ok(run.made)
    }
}

/// Whether a task shows a custom field; the others are no matter.
fn shown(task: &Item) -> impl Fn(&FieldKey) -> bool {
    |key| !key.is_custom() || task.fields.contains_key(key)
}

/// The requests as they are sent.
struct Run<'a> {
    inner: &'a Inner,
    change: &'a Change,
    /// The fields of which a request went through.
    went: BTreeSet<FieldKey>,
    /// Whether one of those went through whose answers show nothing.
    alone: bool,
    /// What was seen of the task last, and when.
    looked: (Option<Item>, Instant),
    made: Made,
}

impl Run<'_> {
    /// Sends one. Returns what a refusal said after which the others are sent all the same.
    async fn send(&mut self, call: Call) -> Result<Option<String>, ConnectorError> {
        let operation = match call.key.is_custom() {
            true => FIELD,
            false => TAG,
        };
        let answer = self.inner.send_write(
            call.method,
            call.url,
            call.body.as_ref(),
            operation,
            Sending::Once,
        );
        let Err(error) = answer.await else {
            (self.made.sent, self.alone) = (true, true);
            self.went.insert(call.key);
            return Ok(None);
        };
        let error = in_part(error, self.made.sent, &call.key);
        if self.made.sent && error.kind == ErrorKind::Refused && !error.in_doubt {
            return Ok(Some(error.to_string()));
        }
        Err(self.ended(error).await)
    }

    /// Says that the calls for a field are next. Where nothing was shown of what went out before them, the task is read: whatever
    /// is noted of them counts from the version that it has by then.
    async fn announce(
        &mut self,
        key: &FieldKey,
        read: Version,
        before: BeforeCall<'_>,
    ) -> Result<(), ConnectorError> {
        if self.made.sent && self.looked.0.is_none() {
            let now = Instant::now();
            let shown = self.inner.fetch_task(&self.change.id).await.ok();
            self.looked = shown.map_or((None, self.looked.1), |shown| (Some(shown), now));
        }
        let seen = self.looked.0.as_ref().map_or(read, |item| item.version);
        match before(key, seen) {
            Ok(()) => Ok(()),
            Err(error) => Err(self.ended(error).await),
        }
    }

    /// Whether somebody has set a custom field since the task was read. Each request before it takes its time, so the task is
    /// looked at again where what was seen of it last is not fresh any more.
    ///
    /// Example: three fields go to a task, and the service lets the third request wait for a minute. Meanwhile somebody types
    /// into that field.
    async fn was_edited(&mut self, key: &FieldKey, current: &Item) -> Result<bool, ConnectorError> {
        self.inner.make_room().await?;
        if self.looked.1.elapsed() > FRESH {
            let read = Instant::now();
            match self.inner.fetch_task(&self.change.id).await {
                Ok(item) => self.looked = (Some(item), read),
                Err(error) => return Err(self.ended(error).await),
            }
        }
        let (Some(seen), wanted) = (&self.looked.0, self.change.set.get(key)) else {
            return Ok(false);
        };
        let (Some(now), Some(before)) = (seen.fields.get(key), current.fields.get(key)) else {
            return Ok(false);
        };
        let ours = wanted.is_some_and(|wanted| in_force(Side::ClickUp, key, wanted, now));
        Ok(now != before && !ours)
    }

    /// An error that ends the update, with what went through before it.
    async fn ended(&self, mut error: ConnectorError) -> ConnectorError {
        let left = match (self.alone, &self.looked.0) {
            (false, own) => own.as_ref().map(|own| own.version),
            // The answers of these have no time.
            (true, _) => {
                let read = self.inner.fetch_task(&self.change.id).await;
                read.ok().map(|task| task.version)
            }
        };
        let fields = self.went.clone();
        error.begun = (!fields.is_empty()).then(|| Box::new(Begun { fields, left }));
        error
    }
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

/// Leaves of the tags in `set` what the first `made` calls came to: they add first, then they take away.
fn only(
    set: &mut BTreeMap<FieldKey, FieldValue>,
    key: &FieldKey,
    made: usize,
    current: &Item,
    (add, remove): &Tags,
) {
    if made == 0 {
        set.remove(key);
        return;
    }
    let mut tags = members(current, key);
    tags.extend(add.iter().take(made).cloned());
    for gone in remove.iter().take(made.saturating_sub(add.len())) {
        tags.remove(gone);
    }
    set.insert(key.clone(), FieldValue::from_tags(tags));
}

fn tag_calls(
    inner: &Inner,
    id: &ItemId,
    (add, remove): &Tags,
) -> Result<Vec<Call>, ConnectorError> {
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
            Ok(Call {
                key: FieldKey::Tags,
                method,
                url: inner.address(&path, &[])?,
                body: None,
            })
        })
        .collect()
}

/// Adds to a value what goes with it.
pub(super) fn with_options(agreed: &Agreed, mut value: Value) -> Value {
    let options = custom::options_of(agreed);
    if let (Some(body), Some(options)) = (value.as_object_mut(), options) {
        body.insert("value_options".to_owned(), options);
    }
    value
}

/// A value is set by a request with it and cleared by another one: null is refused (developer.clickup.com reference, Set and
/// Remove Custom Field Value).
fn field_call(
    inner: &Inner,
    change: &Change,
    (key, value): (&FieldKey, &FieldValue),
    means: &custom::Means,
) -> Result<Call, ConnectorError> {
    let fields = inner.words.customs.of(&change.pair);
    let agreed = fields.as_ref().and_then(|fields| fields.get(key));
    let Some(agreed) = agreed else {
        return Err(refused(UPDATE, key, "nothing is known of this field"));
    };
    let sent = custom::written(agreed, value, means).map_err(|why| refused(UPDATE, key, why))?;
    let id = body::segment(change.id.as_str());
    let path = format!(
        "task/{id}/field/{}",
        body::segment(&agreed.native.clickup.id)
    );
    Ok(Call {
        key: key.clone(),
        method: match sent {
            Some(_) => Method::POST,
            None => Method::DELETE,
        },
        url: inner.address(&path, &[])?,
        body: sent.map(|value| with_options(agreed, json!({"value": value}))),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn after_a_first_step_nothing_counts_as_not_sent() {
        let error = |kind| ConnectorError::new(Side::ClickUp, kind, TAG, "x");
        let kind = |kind, sent| in_part(error(kind), sent, &FieldKey::Tags).kind;
        assert_eq!(kind(ErrorKind::Unreachable, true), ErrorKind::Ambiguous);
        assert_eq!(kind(ErrorKind::Unreachable, false), ErrorKind::Unreachable);
        assert_eq!(kind(ErrorKind::Auth, true), ErrorKind::Auth);
    }
}
