//! History: updates and revisions of one item, and the two reporting feeds.

use super::http::{Answer, Call};
use super::links;
use super::render;
use super::reply::{Refusal, Reply, member};
use super::state::{Revision, State, WorkItem};
use super::{AdoSandbox, fields::Kind};
use boardsync_core::model::Timestamp;
use serde_json::{Map, Value, json};

fn page<T>(call: &Call, rows: Vec<T>) -> Vec<T> {
    let skip = call.param("$skip").parse().unwrap_or(0);
    let top = call.param("$top").parse().unwrap_or(200);
    rows.into_iter().skip(skip).take(top).collect()
}

/// `GET workItems/{id}/updates`. Link-only updates repeat the rev and have no fields.
pub fn updates(sandbox: &AdoSandbox, call: &Call, id: i64) -> Answer {
    let state = sandbox.lock();
    let item = state.live(call.project, id)?;
    let project = state.project_id(item.project);
    let mut rows = Vec::new();
    for (index, update) in item.updates.iter().enumerate() {
        let mut row = json!({
            "id": index + 1,
            "workItemId": id,
            "rev": update.rev,
            "revisedBy": state.person(&update.by).map_or(Value::Null, |p| p.reference(&call.base)),
            "revisedDate": superseded(item, index),
            "url": format!("{}/_apis/wit/workItems/{id}/updates/{}", call.base, index + 1),
        });
        let Some(map) = row.as_object_mut() else {
            continue;
        };
        if !update.fields.is_empty() {
            let one = |value: &Option<Value>, name: &String| {
                let value = value.clone()?;
                let person = value
                    .as_str()
                    .filter(|_| is_identity(&state, name))
                    .and_then(|id| state.person(id));
                Some(person.map_or(value.clone(), |p| p.reference(&call.base)))
            };
            let changed = update.fields.iter().map(|(name, (old, new))| {
                let mut pair = Map::new();
                pair.extend(one(old, name).map(|v| ("oldValue".to_owned(), v)));
                pair.extend(one(new, name).map(|v| ("newValue".to_owned(), v)));
                (name.clone(), Value::Object(pair))
            });
            map.insert("fields".to_owned(), Value::Object(changed.collect()));
        }
        let mut relations = Map::new();
        for (name, list) in [
            ("added", &update.added),
            ("removed", &update.removed),
            ("updated", &update.updated),
        ] {
            if !list.is_empty() {
                let list = list
                    .iter()
                    .map(|r| links::render(r, &call.base, project))
                    .collect();
                relations.insert(name.to_owned(), Value::Array(list));
            }
        }
        if !relations.is_empty() {
            map.insert("relations".to_owned(), Value::Object(relations));
        }
        rows.push(row);
    }
    Ok(Reply::list(&page(call, rows)))
}

fn superseded(item: &WorkItem, index: usize) -> String {
    item.updates.get(index + 1).map_or_else(
        || "9999-01-01T00:00:00Z".to_owned(),
        |next| render::date(next.at),
    )
}

fn is_identity(state: &State, name: &str) -> bool {
    state
        .catalogue
        .iter()
        .any(|f| f.reference == name && f.kind == Kind::Identity)
}

/// `GET workItems/{id}/revisions`: full snapshots.
pub fn revisions(sandbox: &AdoSandbox, call: &Call, id: i64) -> Answer {
    let state = sandbox.lock();
    let item = state.live(call.project, id)?;
    let rows: Vec<Value> = item
        .revisions
        .iter()
        .map(|r| {
            json!({
                "id": id,
                "rev": r.rev,
                "fields": render::fields(&state, &r.fields, &call.base),
                "multilineFieldsFormat": r.formats,
                "url": format!("{}/_apis/wit/workItems/{id}/revisions/{}", call.base, r.rev),
            })
        })
        .collect();
    Ok(Reply::list(&page(call, rows)))
}

fn since(call: &Call) -> Result<Option<Timestamp>, Refusal> {
    let text = call.param("startdatetime");
    if text.is_empty() {
        return Ok(None);
    }
    if !call.param("continuationtoken").is_empty() {
        return Err(Refusal::argument(
            "The startDateTime and continuationToken parameters exclude each other.",
        ));
    }
    let at = Timestamp::parse_rfc3339(text);
    at.map(Some)
        .ok_or_else(|| Refusal::argument("The startDateTime parameter is not a date."))
}

/// The number at the start of a continuation token; 0 without one.
fn token(call: &Call) -> Result<i64, Refusal> {
    let token = call.param("continuationtoken");
    if token.is_empty() {
        return Ok(0);
    }
    let first = token.split(';').next().unwrap_or("");
    first.parse().map_err(|_| {
        Refusal::new(
            400,
            "ReportingInvalidContinuationTokenException",
            "VS402433: The continuation token is not valid.",
        )
    })
}

/// `GET|POST reporting/workitemrevisions`.
pub fn reporting_revisions(sandbox: &AdoSandbox, call: &Call) -> Answer {
    let body = if call.method == "POST" {
        call.json()?
    } else {
        Value::Null
    };
    let names = |key: &str| -> Vec<String> {
        let sent = member(&body, key).as_array().cloned().unwrap_or_default();
        let sent: Vec<String> = sent
            .iter()
            .filter_map(|v| v.as_str().map(str::to_owned))
            .collect();
        if sent.is_empty() {
            call.list(&key.to_lowercase())
        } else {
            sent
        }
    };
    let flag =
        |key: &str| call.flag(&key.to_lowercase()) || member(&body, key).as_bool() == Some(true);
    let (fields, types) = (names("fields"), names("types"));
    let expand = call.param("$expand").to_ascii_lowercase();
    let long_text = matches!(expand.as_str(), "fields" | "1");
    if long_text && !fields.is_empty() {
        return Err(Refusal::argument(
            "The fields and $expand parameters exclude each other.",
        ));
    }
    let (since, after) = (since(call)?, token(call)?);
    let state = sandbox.lock();
    for name in &fields {
        super::patch::definition(&state, name)?;
    }
    let size = call
        .param("$maxpagesize")
        .parse()
        .unwrap_or(state.quirks.feed_page)
        .min(state.quirks.feed_page)
        .max(1);
    let mut rows = Vec::new();
    let mut last = call.param("continuationtoken").to_owned();
    let mut more = false;
    let start = state
        .feed
        .partition_point(|(watermark, _, _)| *watermark <= after);
    for &(watermark, id, rev) in state.feed.iter().skip(start) {
        let Some(item) = state.items.get(&id) else {
            continue;
        };
        let Some(revision) = item.revisions.iter().find(|r| r.rev == rev) else {
            continue;
        };
        let wanted = since.is_none_or(|s| revision.at >= s)
            && call.project.is_none_or(|p| p == item.project)
            && (types.is_empty() || types.iter().any(|t| t == item.text("System.WorkItemType")))
            && (!flag("includeLatestOnly") || rev == item.rev)
            && (flag("includeDeleted") || item.deleted.is_none());
        if !wanted {
            continue;
        }
        if rows.len() == size {
            more = true;
            break;
        }
        last = format!("{watermark};{id};{rev}");
        rows.push(feed_row(
            &state,
            call,
            item,
            revision,
            &fields,
            long_text,
            flag("includeIdentityRef"),
        ));
    }
    if last.is_empty() {
        last = "0;0;0".to_owned();
    }
    Ok(Reply::json(&json!({
        "values": rows,
        "nextLink": format!("{}/_apis/wit/reporting/workItemRevisions?continuationToken={last}&api-version=7.1", call.base),
        "continuationToken": last,
        "isLastBatch": !more,
    })))
}

fn feed_row(
    state: &State,
    call: &Call,
    item: &WorkItem,
    revision: &Revision,
    fields: &[String],
    long_text: bool,
    references: bool,
) -> Value {
    let mut values = revision.fields.clone();
    values.insert("System.Id".to_owned(), item.id.into());
    values.insert("System.Rev".to_owned(), revision.rev.into());
    values.insert("System.Watermark".to_owned(), revision.watermark.into());
    values.insert("System.IsDeleted".to_owned(), revision.deleted.into());
    let kind = |name: &str| {
        state
            .catalogue
            .iter()
            .find(|f| f.reference == name)
            .map(|f| f.kind)
    };
    values.retain(|name, _| {
        let long = matches!(kind(name), Some(Kind::Html | Kind::History));
        if fields.is_empty() {
            long_text || !long
        } else {
            fields.iter().any(|f| f.eq_ignore_ascii_case(name))
        }
    });
    let mut shown = render::fields(state, &values, &call.base);
    if !references {
        for (name, value) in &mut shown {
            let person = values
                .get(name)
                .and_then(Value::as_str)
                .and_then(|id| state.person(id));
            if let Some(person) = person.filter(|_| is_identity(state, name)) {
                *value = person.combined().into();
            }
        }
    }
    json!({"id": item.id, "rev": revision.rev, "fields": shown})
}

/// `GET reporting/workitemlinks`: the only feed that tells of parent and child edits.
pub fn reporting_links(sandbox: &AdoSandbox, call: &Call) -> Answer {
    let (since, after) = (since(call)?, token(call)?);
    let (rels, types) = (call.list("linktypes"), call.list("types"));
    let state = sandbox.lock();
    let start = usize::try_from(after).unwrap_or(0);
    let mut rows = Vec::new();
    let mut next = start;
    let mut more = false;
    for (index, event) in state.link_events.iter().enumerate().skip(start) {
        let kind = |id: i64| {
            state
                .items
                .get(&id)
                .map(|i| (i.project, i.text("System.WorkItemType")))
        };
        let source = kind(event.source);
        let wanted = since.is_none_or(|s| event.at >= s)
            && (rels.is_empty() || rels.iter().any(|r| event.rel.eq_ignore_ascii_case(r)))
            && (types.is_empty() || source.is_some_and(|(_, t)| types.iter().any(|n| n == t)))
            && call
                .project
                .is_none_or(|p| source.is_some_and(|(of, _)| of == p));
        if wanted && rows.len() == state.quirks.feed_page {
            more = true;
            break;
        }
        next = index + 1;
        if wanted {
            rows.push(json!({
                "rel": event.rel,
                "sourceId": event.source,
                "targetId": event.target,
                "changedDate": render::date(event.at),
                "isActive": event.active,
            }));
        }
    }
    Ok(Reply::json(&json!({
        "values": rows,
        "nextLink": format!("{}/_apis/wit/reporting/workItemLinks?continuationToken={next}&api-version=7.1", call.base),
        "continuationToken": next.to_string(),
        "isLastBatch": !more,
    })))
}
