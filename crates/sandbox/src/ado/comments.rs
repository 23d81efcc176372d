//! The discussion of a work item.

use super::draft::{Draft, new_comment, save};
use super::fields::Kind;
use super::http::{Answer, Call};
use super::reply::{Refusal, Reply, member};
use super::state::{Comment, State};
use super::{AdoSandbox, render, rules, workitems};
use serde_json::{Value, json};

/// The service never returns more comments at once. microsoft/azure-devops-mcp issue 1621.
const MAX_PAGE: usize = 200;

/// Everything below `workItems/{id}/comments`.
pub fn route(sandbox: &AdoSandbox, call: &Call, id: i64, rest: &[&str]) -> Option<Answer> {
    let comment = match rest {
        [] => None,
        [comment] => Some(comment.parse::<i64>().ok()?),
        _ => return None,
    };
    Some(match (call.method.as_str(), comment) {
        ("GET", None) => list(sandbox, call, id),
        ("POST", None) => write(sandbox, call, id, None),
        ("GET", Some(comment)) => get(sandbox, call, id, comment),
        ("PATCH", Some(comment)) => write(sandbox, call, id, Some(comment)),
        ("DELETE", Some(comment)) => delete(sandbox, call, id, comment),
        _ => return None,
    })
}

fn list(sandbox: &AdoSandbox, call: &Call, id: i64) -> Answer {
    let project = call.need_project()?;
    let state = sandbox.lock();
    let item = state.live(Some(project), id)?;
    let deleted = call.flag("includedeleted");
    let mut rows: Vec<&Comment> = item
        .comments
        .iter()
        .filter(|c| deleted || !c.deleted)
        .collect();
    if !matches!(
        call.param("order").to_ascii_lowercase().as_str(),
        "asc" | "1"
    ) {
        rows.reverse();
    }
    let wanted = call.list("ids");
    if !wanted.is_empty() {
        rows.retain(|c| wanted.contains(&c.id.to_string()));
    }
    let total = rows.len();
    let start: usize = call.param("continuationtoken").parse().unwrap_or(0);
    let size = call.param("$top").parse().unwrap_or(MAX_PAGE).min(MAX_PAGE);
    let page: Vec<Value> = rows
        .iter()
        .skip(start)
        .take(size)
        .map(|c| show(&state, call, id, c))
        .collect();
    let mut body = json!({"totalCount": total, "count": page.len(), "comments": page});
    let next = start + page.len();
    if let Some(map) = body.as_object_mut().filter(|_| next < total) {
        let project = state.project_id(project);
        let url = format!(
            "{}/{project}/_apis/wit/workItems/{id}/comments?continuationToken={next}",
            call.base
        );
        map.insert("nextPage".to_owned(), url.into());
        map.insert("continuationToken".to_owned(), next.to_string().into());
    }
    Ok(Reply::json(&body))
}

fn get(sandbox: &AdoSandbox, call: &Call, id: i64, comment: i64) -> Answer {
    let state = sandbox.lock();
    let item = state.live(Some(call.need_project()?), id)?;
    let deleted = call.flag("includedeleted");
    let found = item
        .comments
        .iter()
        .find(|c| c.id == comment && (deleted || !c.deleted));
    let found = found.ok_or_else(|| missing(id, comment))?;
    Ok(Reply::json(&show(&state, call, id, found)))
}

fn missing(id: i64, comment: i64) -> Refusal {
    Refusal::new(
        404,
        "WorkItemCommentNotFoundException",
        format!("VS403697: Comment {comment} of work item {id} does not exist."),
    )
}

/// Adds a comment, or replaces the text of one. Both make a revision of the item.
fn write(sandbox: &AdoSandbox, call: &Call, id: i64, comment: Option<i64>) -> Answer {
    let project = call.need_project()?;
    let body = call.json()?;
    let text = member(&body, "text").as_str().unwrap_or("");
    if !workitems::readable(&body) {
        return Err(Refusal::unreadable());
    }
    if text.trim().is_empty() {
        return Err(Refusal::argument(
            "The text of a comment must not be empty.",
        ));
    }
    // Microsoft's own tool sends the number of the enumeration: 0 is Markdown, 1 is HTML.
    let markdown = matches!(
        call.param("format").to_ascii_lowercase().as_str(),
        "markdown" | "0"
    );
    let mut state = sandbox.lock();
    let at = sandbox.clock.tick();
    let mut item = state.live(Some(project), id)?.clone();
    let text = rules::long_text(&state, Kind::History, text, markdown);
    let saved = match comment {
        None => {
            let fresh = new_comment(state.next_comment, text, markdown, &call.by, at);
            state.next_comment += 1;
            item.comments.push(fresh.clone());
            fresh
        }
        Some(comment) => {
            let old = item
                .comments
                .iter_mut()
                .find(|c| c.id == comment && !c.deleted);
            let old = old.ok_or_else(|| missing(id, comment))?;
            old.text = text;
            old.markdown = markdown;
            old.version += 1;
            old.modified = at;
            old.modified_by = call.by.clone();
            old.clone()
        }
    };
    revise(&mut state, item, &saved, call, at);
    Ok(Reply::json(&show(&state, call, id, &saved)))
}

fn delete(sandbox: &AdoSandbox, call: &Call, id: i64, comment: i64) -> Answer {
    let project = call.need_project()?;
    let mut state = sandbox.lock();
    let at = sandbox.clock.tick();
    let mut item = state.live(Some(project), id)?.clone();
    let gone = item
        .comments
        .iter_mut()
        .find(|c| c.id == comment && !c.deleted);
    let gone = gone.ok_or_else(|| missing(id, comment))?;
    gone.deleted = true;
    gone.version += 1;
    gone.modified = at;
    gone.modified_by = call.by.clone();
    let gone = gone.clone();
    revise(&mut state, item, &gone, call, at);
    Ok(Reply::bare(204))
}

fn revise(
    state: &mut State,
    item: super::state::WorkItem,
    comment: &Comment,
    call: &Call,
    at: boardsync_core::model::Timestamp,
) {
    let mut draft = Draft::of(&item);
    draft.comment_ref = Some((comment.id, comment.version));
    state.items.insert(item.id, item);
    save(state, draft, &call.by, at, false);
}

fn show(state: &State, call: &Call, id: i64, comment: &Comment) -> Value {
    let who = |id: &str| {
        state
            .person(id)
            .map_or(Value::Null, |p| p.reference(&call.base))
    };
    let project = call.project.map_or("", |p| state.project_id(p));
    let mut body = json!({
        "workItemId": id,
        "id": comment.id,
        "version": comment.version,
        "text": comment.text,
        "format": if comment.markdown { "markdown" } else { "html" },
        "createdBy": who(&comment.by),
        "createdDate": render::date(comment.created),
        "modifiedBy": who(&comment.modified_by),
        "modifiedDate": render::date(comment.modified),
        "mentions": [],
        "url": format!("{}/{project}/_apis/wit/workItems/{id}/comments/{}", call.base, comment.id),
    });
    if let Some(map) = body.as_object_mut() {
        if comment.deleted {
            map.insert("isDeleted".to_owned(), true.into());
        }
        // Names and numbers of Microsoft's enumeration.
        let expand = call.param("$expand").to_ascii_lowercase();
        if matches!(
            expand.as_str(),
            "renderedtext" | "8" | "renderedtextonly" | "16" | "all" | "-17"
        ) {
            map.insert("renderedText".to_owned(), rendered(comment).into());
        }
    }
    body
}

fn rendered(comment: &Comment) -> String {
    if comment.markdown {
        comrak::markdown_to_html(&comment.text, &comrak::Options::default())
    } else {
        comment.text.clone()
    }
}
