//! `POST wiql`: the query language, evaluated over what the lagging index shows.

mod evaluate;
mod parse;
mod token;

use super::AdoSandbox;
use super::fields::find;
use super::http::{Answer, Call};
use super::render;
use super::reply::{Refusal, Reply, member};
use super::state::{State, WorkItem};
use boardsync_core::model::Timestamp;
use evaluate::{Scope, matches, order};
use parse::Query;
use serde_json::{Value, json};

/// Azure DevOps: docs object-limits.md (2024-09), 32,000 characters per query.
const MAX_TEXT: usize = 32_000;

/// Runs a query and returns ids.
pub fn query(sandbox: &AdoSandbox, call: &Call) -> Answer {
    let body = call.json()?;
    let text = member(&body, "query").as_str().unwrap_or("");
    if text.chars().count() > MAX_TEXT {
        return Err(Refusal::new(
            400,
            "WorkItemTrackingQueryMaxWiqlTextLengthLimitExceededException",
            "VS402338: The query text exceeds the limit of 32000 characters.",
        ));
    }
    let state = sandbox.lock();
    let parsed = parse::parse(text, &state.catalogue)?;
    let now = sandbox.clock.now();
    let scope = Scope {
        me: &call.by,
        project: call
            .project
            .and_then(|p| state.project_at(p))
            .map(|p| p.name.as_str()),
        now,
        time: call.flag("timeprecision"),
    };
    evaluate::check_paths(&state, &parsed.condition)?;
    let mut rows = find_rows(&state, &parsed, &scope, now)?;
    order(&mut rows, &parsed.order);
    let mut ids: Vec<i64> = rows.iter().map(|item| item.id).collect();
    let top: Option<usize> = call.param("$top").parse().ok();
    let limit = state.quirks.wiql_limit;
    match top {
        Some(top) => ids.truncate(top.min(limit)),
        None if ids.len() > limit => {
            return Err(Refusal::new(
                400,
                "WorkItemTrackingQueryResultSizeLimitExceededException",
                format!(
                    "VS402337: The number of work items returned exceeds the size limit of {limit}. Change the query to return fewer items."
                ),
            ));
        }
        None => {}
    }
    Ok(Reply::json(&answer(&state, call, &parsed, &ids, now)))
}

fn find_rows(
    state: &State,
    query: &Query,
    scope: &Scope<'_>,
    now: Timestamp,
) -> Result<Vec<WorkItem>, Refusal> {
    let seen = query
        .as_of
        .unwrap_or_else(|| now.plus_ms(-state.quirks.index_lag_ms));
    let mut rows = Vec::new();
    for item in state.items.values() {
        let Some(revision) = item.at(seen).filter(|r| !r.deleted) else {
            continue;
        };
        let mut view = WorkItem {
            rev: revision.rev,
            watermark: revision.watermark,
            fields: revision.fields.clone(),
            formats: Default::default(),
            revisions: Vec::new(),
            updates: Vec::new(),
            comments: Vec::new(),
            deleted: None,
            relations: Vec::new(),
            ..*item
        };
        view.fields.extend(render::computed(&view));
        view.fields.extend(
            item.parent()
                .map(|p| ("System.Parent".to_owned(), p.into())),
        );
        if matches(state, &query.condition, &view, scope)? {
            rows.push(view);
        }
    }
    Ok(rows)
}

fn answer(state: &State, call: &Call, query: &Query, ids: &[i64], now: Timestamp) -> Value {
    let column = |name: &String| {
        let field = find(&state.catalogue, name);
        json!({
            "referenceName": name,
            "name": field.map_or(name.as_str(), |f| f.name.as_str()),
            "url": format!("{}/_apis/wit/fields/{name}", call.base),
        })
    };
    let items: Vec<Value> = ids
        .iter()
        .map(|id| json!({"id": id, "url": format!("{}/_apis/wit/workItems/{id}", call.base)}))
        .collect();
    let mut body = json!({
        "queryType": "flat",
        "queryResultType": "workItem",
        "asOf": render::date(query.as_of.unwrap_or(now)),
        "columns": query.columns.iter().map(column).collect::<Vec<_>>(),
        "workItems": items,
    });
    if let Some(map) = body.as_object_mut().filter(|_| !query.order.is_empty()) {
        let sort = query
            .order
            .iter()
            .map(|(name, down)| json!({"field": column(name), "descending": down}));
        map.insert("sortColumns".to_owned(), Value::Array(sort.collect()));
    }
    body
}

/// A query that cannot be understood.
fn syntax(message: impl std::fmt::Display) -> Refusal {
    Refusal::new(
        400,
        "SyntaxException",
        format!("TF51005: The query references a field or clause that is not valid. {message}"),
    )
}
