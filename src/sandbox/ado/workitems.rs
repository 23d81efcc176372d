//! Work items: read, list, batch, create, update.

use super::draft::{Draft, save};
use super::http::{Answer, Call};
use super::patch::{Mode, apply};
use super::person::remember_tags;
use super::render::{self, View};
use super::reply::{Refusal, Reply, member};
use super::state::{State, WorkItem};
use super::{AdoSandbox, rules};
use serde_json::Value;

/// Azure DevOps: REST reference, work items batch and list take 200 ids.
const MAX_IDS: usize = 200;

/// `GET workitems/{id}`.
pub fn get(sandbox: &AdoSandbox, call: &Call, id: i64) -> Answer {
    let state = sandbox.lock();
    let item = state.live(call.project, id)?;
    reply(&state, item, call)
}

fn reply(state: &State, item: &WorkItem, call: &Call) -> Answer {
    let view = single_view(call)?;
    Ok(Reply::json(&render::item(state, item, &call.base, &view)))
}

fn single_view(call: &Call) -> Result<View, Refusal> {
    let mut view = view(call.list("fields"), call.param("$expand"))?;
    if view.expand.is_empty() && view.fields.is_empty() {
        view.expand = "links".to_owned();
    }
    Ok(view)
}

fn view(fields: Vec<String>, expand: &str) -> Result<View, Refusal> {
    let expand = expand.to_lowercase();
    if !fields.is_empty() && !matches!(expand.as_str(), "" | "none") {
        return Err(Refusal::new(
            400,
            "ConflictingParametersException",
            "The expand parameter can not be used with the fields parameter.",
        ));
    }
    Ok(View { fields, expand })
}

/// `GET workitems?ids=`.
pub fn list(sandbox: &AdoSandbox, call: &Call) -> Answer {
    let ids = call
        .list("ids")
        .iter()
        .map(|id| id.parse::<i64>())
        .collect::<Result<Vec<_>, _>>();
    let ids = ids.map_err(|_| Refusal::argument("The ids parameter must be a list of numbers."))?;
    let view = view(call.list("fields"), call.param("$expand"))?;
    many(
        &sandbox.lock(),
        call,
        &ids,
        &view,
        call.param("errorpolicy"),
    )
}

/// `POST workitemsbatch`.
pub fn batch(sandbox: &AdoSandbox, call: &Call) -> Answer {
    let body = call.json()?;
    let numbers = member(&body, "ids").as_array().cloned().unwrap_or_default();
    let ids: Vec<i64> = numbers.iter().filter_map(Value::as_i64).collect();
    let fields = member(&body, "fields")
        .as_array()
        .cloned()
        .unwrap_or_default();
    let fields = fields
        .iter()
        .filter_map(Value::as_str)
        .map(str::to_owned)
        .collect();
    let expand = match member(&body, "$expand") {
        // Microsoft's clients send the number of the enumeration as well as its name.
        Value::Number(number) => match number.as_i64() {
            Some(1) => "relations",
            Some(2) => "fields",
            Some(3) => "links",
            Some(4) => "all",
            _ => "none",
        },
        other => other.as_str().unwrap_or(""),
    };
    let policy = member(&body, "errorPolicy").as_str().unwrap_or("");
    many(&sandbox.lock(), call, &ids, &view(fields, expand)?, policy)
}

fn many(state: &State, call: &Call, ids: &[i64], view: &View, policy: &str) -> Answer {
    if ids.len() > MAX_IDS {
        return Err(Refusal::new(
            400,
            "WorkItemsLimitExceededException",
            format!(
                "VS403474: You requested {} work items which exceeds the limit of {MAX_IDS}.",
                ids.len()
            ),
        ));
    }
    if ids.is_empty() {
        return Err(Refusal::argument(
            "The ids parameter must name at least one work item.",
        ));
    }
    let omit = policy.eq_ignore_ascii_case("omit");
    let mut rows = Vec::with_capacity(ids.len());
    for &id in ids {
        match state.live(call.project, id) {
            Ok(item) => rows.push(render::item(state, item, &call.base, view)),
            Err(_) if omit => rows.push(Value::Null),
            Err(refusal) => return Err(refusal),
        }
    }
    Ok(Reply::list(&rows))
}

/// `POST workitems/$Type`.
pub fn create(sandbox: &AdoSandbox, call: &Call) -> Answer {
    let operations = document(call)?;
    let project = call.need_project()?;
    let name = call
        .segments
        .get(2)
        .map_or("", |s| s.trim_start_matches('$'));
    let mut state = sandbox.lock();
    let at = sandbox.clock.tick();
    let kind = state
        .type_of(project, name)
        .ok_or_else(|| Refusal::no_such_type(name))?;
    let bypass = call.flag("bypassrules");
    let mode = Mode { bypass, at };
    let mut draft = Draft {
        id: state.next_id,
        project,
        ..Draft::default()
    };
    rules::defaults(&state, &mut draft, kind, &call.by, at);
    let stamped = apply(&mut state, &mut draft, None, &operations, &mode)
        .map(|()| stamps(&operations, bypass))?;
    rules::finish(&state, &mut draft, None, &call.by, at, bypass)?;
    if call.flag("validateonly") {
        let mut preview = draft.preview(&state, &call.by, at);
        preview.id = -1;
        return reply(&state, &preview, call);
    }
    remember_tags(&mut state, &draft);
    let id = save(&mut state, draft, &call.by, at, stamped);
    let item = state.live(None, id)?;
    reply(&state, item, call)
}

/// `PATCH workitems/{id}`.
pub fn update(sandbox: &AdoSandbox, call: &Call, id: i64) -> Answer {
    let operations = document(call)?;
    let mut state = sandbox.lock();
    let at = sandbox.clock.tick();
    let item = state.live(call.project, id)?.clone();
    if item.rev >= state.quirks.rev_limit {
        return Err(Refusal::new(
            400,
            "WorkItemRevisionLimitExceededException",
            "VS403680: The work item has reached the limit of revisions that can be made through the REST API.",
        ));
    }
    let bypass = call.flag("bypassrules");
    let mode = Mode { bypass, at };
    let mut draft = Draft::of(&item);
    apply(&mut state, &mut draft, Some(&item), &operations, &mode)?;
    rules::finish(&state, &mut draft, Some(&item), &call.by, at, bypass)?;
    if call.flag("validateonly") {
        let preview = draft.preview(&state, &call.by, at);
        return reply(&state, &preview, call);
    }
    remember_tags(&mut state, &draft);
    save(&mut state, draft, &call.by, at, stamps(&operations, bypass));
    let item = state.live(None, id)?;
    reply(&state, item, call)
}

/// Whether the writer gave `System.ChangedDate` or `System.ChangedBy`.
fn stamps(operations: &[Value], bypass: bool) -> bool {
    bypass
        && operations.iter().any(|op| {
            op["path"]
                .as_str()
                .is_some_and(|p| p.starts_with("/fields/System.Changed"))
        })
}

/// The patch document; the content type is checked because the real service refuses plain JSON.
fn document(call: &Call) -> Result<Vec<Value>, Refusal> {
    let sent = call
        .headers
        .get("content-type")
        .and_then(|v| v.to_str().ok())
        .unwrap_or("");
    if !sent
        .to_ascii_lowercase()
        .starts_with("application/json-patch+json")
    {
        return Err(Refusal::new(
            400,
            "VssRequestContentTypeNotSupportedException",
            format!(
                "The request indicated a Content-Type of \"{sent}\" for method type \"{}\" which is not supported. Valid content types for this method are: application/json-patch+json.",
                call.method
            ),
        ));
    }
    match call.json()? {
        Value::Array(operations) => Ok(operations),
        _ => Err(Refusal::argument(
            "You must pass a valid patch document in the body of the request.",
        )),
    }
}
