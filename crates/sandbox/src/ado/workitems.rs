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
    let mut view = view(state, call.list("fields"), call.param("$expand"))?;
    if view.expand.is_empty() && view.fields.is_empty() {
        view.expand = "links".to_owned();
        // The answer to a write shows the relations without being asked. Azure DevOps CLI recordings.
        view.written = call.method != "GET";
    }
    Ok(Reply::json(&render::item(state, item, &call.base, &view)))
}

/// Microsoft's own clients send the number of an enumeration as well as its name (npm azure-devops-node-api).
fn view(state: &State, fields: Vec<String>, expand: &str) -> Result<View, Refusal> {
    let expand = match expand.to_lowercase().as_str() {
        "0" => "none".to_owned(),
        "1" => "relations".to_owned(),
        "2" => "fields".to_owned(),
        "3" => "links".to_owned(),
        "4" => "all".to_owned(),
        name => name.to_owned(),
    };
    for name in &fields {
        super::patch::definition(state, name)?;
    }
    if !fields.is_empty() && !matches!(expand.as_str(), "" | "none") {
        return Err(Refusal::new(
            400,
            "ConflictingParametersException",
            "The expand parameter can not be used with the fields parameter.",
        ));
    }
    Ok(View {
        fields,
        expand,
        written: false,
    })
}

/// `GET workitems?ids=`.
pub fn list(sandbox: &AdoSandbox, call: &Call) -> Answer {
    let ids = call
        .list("ids")
        .iter()
        .map(|id| id.parse::<i64>())
        .collect::<Result<Vec<_>, _>>();
    let ids = ids.map_err(|_| Refusal::argument("The ids parameter must be a list of numbers."))?;
    let state = sandbox.lock();
    let view = view(&state, call.list("fields"), call.param("$expand"))?;
    many(&state, call, &ids, &view, call.param("errorpolicy"))
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
    let (expand, policy) = (plain(&body, "$expand"), plain(&body, "errorPolicy"));
    let state = sandbox.lock();
    let view = view(&state, fields, &expand)?;
    many(&state, call, &ids, &view, &policy)
}

/// A member that is a text or a number, as text.
fn plain(body: &Value, name: &str) -> String {
    match member(body, name) {
        Value::String(text) => text.clone(),
        Value::Number(number) => number.to_string(),
        _ => String::new(),
    }
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
    let omit = matches!(policy.to_ascii_lowercase().as_str(), "omit" | "2");
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
    let mode = Mode {
        bypass,
        by_hand: false,
        at,
    };
    let mut draft = Draft {
        id: state.next_id,
        project,
        ..Draft::default()
    };
    rules::defaults(&state, &mut draft, kind, &call.by, at);
    let stamped = apply(&state, &mut draft, None, &operations, &mode)
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
    let mode = Mode {
        bypass,
        by_hand: false,
        at,
    };
    let mut draft = Draft::of(&item);
    apply(&state, &mut draft, Some(&item), &operations, &mode)?;
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
        Value::Array(operations) if operations.iter().all(readable) => Ok(operations),
        _ => Err(Refusal::unreadable()),
    }
}

/// Whether a document holds no character that XML 1.0 has no place for. One of them anywhere makes the whole document
/// unreadable, and the answer names nothing. solidify/jira-azuredevops-migrator issue 29, migration-tools issue 1883.
pub fn readable(document: &Value) -> bool {
    let refused = |c: char| {
        matches!(c, '\u{FFFE}' | '\u{FFFF}') || c < ' ' && !matches!(c, '\t' | '\n' | '\r')
    };
    match document {
        Value::String(text) => !text.contains(refused),
        Value::Array(parts) => parts.iter().all(readable),
        Value::Object(members) => members.values().all(readable),
        _ => true,
    }
}
