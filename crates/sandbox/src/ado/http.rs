//! From the wire to a handler and back: faults, credentials, versions, routing, ledger.

use super::reply::{Refusal, Reply};
use super::{AdoSandbox, guid};
use super::{attachments, comments, discovery, feeds, meta, recycle, wiql, workitems};
use crate::faults::Fault;
use crate::ledger::{self, LedgerEntry};
use crate::{halves, hang_up, truncated};
use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::{DefaultBodyLimit, State as Shared};
use axum::http::{HeaderMap, Method, Response, StatusCode, Uri};
use base64::Engine;
use boardsync_core::model::Service;
use serde_json::Value;
use std::borrow::Cow;
use std::collections::BTreeMap;
use std::time::Duration;

/// Azure DevOps docs object-limits.md (2024-09): 60 MB per attachment; a little more lets the handler say so.
const MAX_BODY: usize = 64 * 1024 * 1024;

/// A parsed request.
#[derive(Debug)]
pub struct Call {
    pub method: String,
    /// Index of the project named in the path.
    pub project: Option<usize>,
    /// Decoded path segments behind `_apis`, original case.
    pub segments: Vec<String>,
    /// Query parameters by lower-case name.
    pub query: BTreeMap<String, String>,
    pub headers: HeaderMap,
    pub body: Bytes,
    /// Address of the organisation as the caller used it: `http://127.0.0.1:PORT/org`.
    pub base: String,
    /// `api-version`, empty when none was sent.
    pub version: String,
    /// Id of the person behind the token.
    pub by: String,
}

impl Call {
    /// A query parameter, or an empty text.
    pub fn param(&self, name: &str) -> &str {
        self.query.get(name).map_or("", String::as_str)
    }

    /// A query parameter as a switch.
    pub fn flag(&self, name: &str) -> bool {
        self.param(name).eq_ignore_ascii_case("true")
    }

    /// A query parameter as a list.
    pub fn list(&self, name: &str) -> Vec<String> {
        let parts = self.param(name).split(',').map(str::trim);
        parts.filter(|p| !p.is_empty()).map(str::to_owned).collect()
    }

    /// The body as JSON.
    pub fn json(&self) -> Result<Value, Refusal> {
        serde_json::from_slice(&self.body).map_err(|error| {
            Refusal::argument(format!(
                "VS403254: The request body is not valid JSON: {error}"
            ))
        })
    }

    /// The project in the path, which some routes need.
    pub fn need_project(&self) -> Result<usize, Refusal> {
        self.project
            .ok_or_else(|| Refusal::argument("The project is missing from the path."))
    }
}

/// What a handler returns.
pub type Answer = Result<Reply, Refusal>;

/// All requests go through one handler, because the real routes are case-insensitive with optional segments.
pub fn router(sandbox: AdoSandbox) -> Router {
    Router::new()
        .fallback(entry)
        .layer(DefaultBodyLimit::max(MAX_BODY))
        .with_state(sandbox)
}

async fn entry(
    Shared(sandbox): Shared<AdoSandbox>,
    method: Method,
    uri: Uri,
    headers: HeaderMap,
    body: Bytes,
) -> Response<Body> {
    let path = uri.path_and_query().map_or("/", |p| p.as_str()).to_owned();
    sandbox.ledger.arrived(Service::Ado, method.as_str());
    let mut fault = sandbox.faults.next(Service::Ado, method.as_str(), &path);
    fault = Fault::looked_at(fault, &body);
    if let Some(Fault::Echo { status, place }) = fault {
        let sent = headers.get("authorization").and_then(|v| v.to_str().ok());
        fault = Some(place.answer(status, sent.unwrap_or_default()));
    }
    if let Some(Fault::Delay { ms }) = fault {
        tokio::time::sleep(Duration::from_millis(ms)).await;
    }
    let sent = String::from_utf8_lossy(&body).into_owned();
    let (authorization, others) = ledger::told(&headers);
    let reply = match &fault {
        Some(Fault::DropBeforeApply) => Reply::bare(0),
        Some(Fault::SignInPage) => sign_in_page(),
        Some(Fault::TokenRevoked) => challenge(),
        Some(Fault::Status {
            status,
            body,
            content_type,
            headers,
        }) => {
            let reply = Reply::text(*status, content_type, body);
            headers
                .iter()
                .fold(reply, |reply, (name, value)| reply.header(name, value))
        }
        _ => {
            let reply = answer(&sandbox, &method, &uri, headers, body);
            match &fault {
                Some(Fault::DropAfterApply) => Reply::bare(0),
                Some(Fault::StatusAfterApply {
                    status,
                    body,
                    content_type,
                }) => Reply::text(*status, content_type, body),
                _ => reply,
            }
        }
    };
    sandbox.ledger.record(LedgerEntry {
        at: sandbox.clock.now(),
        service: Service::Ado,
        method: method.as_str().to_owned(),
        path,
        status: reply.status,
        body: sent,
        authorization,
        headers: others,
    });
    send(&sandbox, mangled(reply, fault.as_ref()), fault.as_ref())
}

fn mangled(mut reply: Reply, fault: Option<&Fault>) -> Reply {
    let keep = |rows: usize| match fault {
        Some(Fault::EmptyListing) => Some(0),
        Some(Fault::MissingPage) => Some(rows / 2),
        _ => None,
    };
    if keep(0).is_none() {
        return reply;
    }
    if let Ok(mut body) = serde_json::from_slice::<Value>(&reply.body) {
        for key in ["workItems", "value", "values", "comments"] {
            if let Some(rows) = body.get_mut(key).and_then(Value::as_array_mut) {
                rows.truncate(keep(rows.len()).unwrap_or(rows.len()));
                let count = rows.len();
                if let Some(shown) = body.get_mut("count") {
                    *shown = count.into();
                }
            }
        }
        reply.body = body.to_string().into_bytes();
    }
    reply
}

fn send(sandbox: &AdoSandbox, reply: Reply, fault: Option<&Fault>) -> Response<Body> {
    if reply.status == 0 {
        return hang_up();
    }
    let status = StatusCode::from_u16(reply.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    if fault == Some(&Fault::TruncateBody) {
        return truncated(status, &reply.content_type, &halves::told(&reply.body));
    }
    let activity = guid("activity", &sandbox.ledger.count().to_string());
    let mut response = Response::builder()
        .status(status)
        .header("date", sandbox.clock.http_date(0))
        .header("activityid", &activity)
        .header("x-vss-e2eid", &activity);
    if !reply.content_type.is_empty() {
        response = response.header("content-type", &reply.content_type);
    }
    if let Some(throttle) = sandbox.lock().quirks.throttle.clone() {
        let reset = sandbox.clock.now().0 / 1_000 + 300;
        response = response
            .header("retry-after", throttle.retry_after)
            .header("x-ratelimit-resource", "Services/AzureDevOps")
            .header("x-ratelimit-delay", throttle.delay.to_string())
            .header("x-ratelimit-limit", throttle.limit)
            .header("x-ratelimit-remaining", throttle.remaining)
            .header("x-ratelimit-reset", reset);
    }
    for (name, value) in &reply.headers {
        response = response.header(name, value);
    }
    response
        .body(Body::from(halves::told(&reply.body).into_owned()))
        .unwrap_or_else(|_| hang_up())
}

/// Answers one request of any method and path.
fn answer(
    sandbox: &AdoSandbox,
    method: &Method,
    uri: &Uri,
    headers: HeaderMap,
    body: Bytes,
) -> Reply {
    let segments = segments(uri);
    let not_found = || {
        let text = format!(
            "The controller for path '{}' was not found or does not implement IController.",
            uri.path()
        );
        Reply::text(404, "text/plain; charset=utf-8", &text)
    };
    let Some((before, after)) = segments
        .iter()
        .position(|s| s.eq_ignore_ascii_case("_apis"))
        .and_then(|at| segments.split_at_checked(at))
    else {
        return not_found();
    };
    let (org, caller) = {
        let state = sandbox.lock();
        let caller = sent_token(&headers).and_then(|token| state.owner_of(&token));
        (state.config.org.clone(), caller)
    };
    if !before.first().is_some_and(|s| s.eq_ignore_ascii_case(&org)) || before.len() > 3 {
        return not_found();
    }
    let Some(caller) = caller else {
        return refused(method, &headers);
    };
    let mut project = None;
    if let Some(name) = before.get(1) {
        project = sandbox.lock().project(name);
        if project.is_none() {
            return if method == Method::DELETE {
                not_found()
            } else {
                Refusal::no_such_project(name).into_reply()
            };
        }
    }
    // Behind the project stands a team, and each project has one.
    let team = |name: &String| {
        let project = before.get(1).map_or("", String::as_str);
        name.eq_ignore_ascii_case(&format!("{project} Team"))
    };
    if before.get(2).is_some_and(|name| !team(name)) {
        return not_found();
    }
    let query = query(uri);
    let host = headers
        .get("host")
        .and_then(|h| h.to_str().ok())
        .unwrap_or("localhost");
    let call = Call {
        method: method.as_str().to_owned(),
        project,
        segments: after.iter().skip(1).cloned().collect(),
        version: version(&query, &headers),
        base: format!("http://{host}/{org}"),
        query,
        headers,
        body,
        by: caller,
    };
    let newest_version = sandbox.lock().quirks.newest_version;
    let echoed = call.version.clone();
    let reply = check_version(&call, newest_version)
        .and_then(|()| route(sandbox, &call).unwrap_or_else(|| Ok(not_found())));
    let mut reply = reply.unwrap_or_else(Refusal::into_reply);
    if reply.status == 200
        && reply.content_type.starts_with("application/json")
        && !echoed.is_empty()
    {
        reply.content_type = format!("application/json; charset=utf-8; api-version={echoed}");
    }
    reply
}

/// The decoded parts of a path.
fn segments(uri: &Uri) -> Vec<String> {
    let parts = uri.path().split('/').filter(|part| !part.is_empty());
    let decoded = parts.map(|part| percent_encoding::percent_decode_str(part).decode_utf8_lossy());
    decoded.map(Cow::into_owned).collect()
}

/// The parameters of a query, by name in small letters: the service takes any case.
fn query(uri: &Uri) -> BTreeMap<String, String> {
    url::form_urlencoded::parse(uri.query().unwrap_or("").as_bytes())
        .map(|(name, value)| (name.to_lowercase(), value.into_owned()))
        .collect()
}

/// Which handler serves a path; `None`: none does.
fn route(sandbox: &AdoSandbox, call: &Call) -> Option<Answer> {
    let lower: Vec<String> = call
        .segments
        .iter()
        .map(|s| s.to_ascii_lowercase())
        .collect();
    let lower: Vec<&str> = lower.iter().map(String::as_str).collect();
    let method = call.method.as_str();
    Some(match (method, lower.as_slice()) {
        ("OPTIONS", []) => discovery::locations(None),
        ("OPTIONS", [area]) => discovery::locations(Some(area)),
        ("GET", ["resourceareas"]) => discovery::areas(call),
        ("GET", ["connectiondata"]) => discovery::connection(sandbox, call),
        ("GET", ["identities"]) => discovery::identities(sandbox, call),
        ("GET", ["projects"]) => meta::projects(sandbox, call),
        ("GET", ["projects", name]) => meta::project(sandbox, call, name),
        ("POST", ["wit", "wiql"]) => wiql::query(sandbox, call),
        ("POST", ["wit", "workitemsbatch"]) => workitems::batch(sandbox, call),
        ("GET", ["wit", "workitems"]) => workitems::list(sandbox, call),
        ("POST", ["wit", "workitems", kind]) if kind.starts_with('$') => {
            workitems::create(sandbox, call)
        }
        ("GET" | "PATCH" | "DELETE", ["wit", "workitems", id, rest @ ..]) => {
            let id: i64 = id.parse().ok()?;
            match (method, rest) {
                ("GET", []) => workitems::get(sandbox, call, id),
                ("PATCH", []) => workitems::update(sandbox, call, id),
                ("DELETE", []) => recycle::delete(sandbox, call, id),
                ("GET", ["updates"]) => feeds::updates(sandbox, call, id),
                ("GET", ["revisions"]) => feeds::revisions(sandbox, call, id),
                (_, ["comments", rest @ ..]) => comments::route(sandbox, call, id, rest)?,
                _ => return None,
            }
        }
        ("POST", ["wit", "workitems", id, "comments"]) => {
            comments::route(sandbox, call, id.parse().ok()?, &[])?
        }
        ("POST", ["wit", "workitemsdelete"]) => recycle::delete_many(sandbox, call),
        (_, ["wit", "recyclebin", rest @ ..]) => recycle::route(sandbox, call, rest)?,
        (_, ["wit", "attachments", rest @ ..]) => attachments::route(sandbox, call, rest)?,
        ("GET" | "POST", ["wit", "reporting", "workitemrevisions"]) => {
            feeds::reporting_revisions(sandbox, call)
        }
        ("GET", ["wit", "reporting", "workitemlinks"]) => feeds::reporting_links(sandbox, call),
        ("GET", ["wit", rest @ ..]) => meta::route(sandbox, call, rest)?,
        _ => return None,
    })
}

/// The token that a request carries.
fn sent_token(headers: &HeaderMap) -> Option<String> {
    let value = headers.get("authorization")?.to_str().ok()?;
    let encoded = value.strip_prefix("Basic ")?;
    let decoded = base64::engine::general_purpose::STANDARD
        .decode(encoded.trim())
        .unwrap_or_default();
    let decoded = String::from_utf8_lossy(&decoded).into_owned();
    let (_, token) = decoded.split_once(':')?;
    Some(token.to_owned())
}

/// vsts-rest-api-specs issues 97 and 574, azure-devops-auth-samples issue 52, Azure DevOps CLI recordings.
fn refused(method: &Method, headers: &HeaderMap) -> Reply {
    let suppress = headers
        .get("x-tfs-fedauthredirect")
        .is_some_and(|v| v.as_bytes().eq_ignore_ascii_case(b"suppress"));
    if suppress {
        return challenge();
    }
    if method == Method::PATCH {
        return Refusal::new(
            401,
            "UnauthorizedRequestException",
            "TF400813: The user '' is not authorized to access this resource.",
        )
        .into_reply();
    }
    sign_in_page()
}

fn challenge() -> Reply {
    Reply::bare(401).header(
        "www-authenticate",
        "Basic realm=\"https://tfsprodsandbox.app.visualstudio.com/\"",
    )
}

fn sign_in_page() -> Reply {
    let page = "<!DOCTYPE html><html><head><title>Sign in</title></head><body>Sign in to your account</body></html>";
    Reply::text(203, "text/html; charset=utf-8", page)
}

fn version(query: &BTreeMap<String, String>, headers: &HeaderMap) -> String {
    if let Some(version) = query.get("api-version") {
        return version.clone();
    }
    let accept = headers
        .get("accept")
        .and_then(|v| v.to_str().ok())
        .unwrap_or("");
    let found = accept
        .split(';')
        .find_map(|part| part.trim().strip_prefix("api-version="));
    found.unwrap_or("").to_owned()
}

fn check_version(call: &Call, newest_version: f64) -> Result<(), Refusal> {
    let version = call.version.as_str();
    if version.is_empty() {
        if matches!(call.method.as_str(), "GET" | "OPTIONS") {
            return Ok(());
        }
        return Err(Refusal::new(
            400,
            "VssVersionNotSpecifiedException",
            format!(
                "No api-version was supplied for the \"{}\" request.",
                call.method
            ),
        ));
    }
    let (number, preview) = match version.split_once("-preview") {
        Some((number, rest)) => (number, Some(rest.trim_start_matches('.'))),
        None => (version, None),
    };
    let number: f64 = number.parse().unwrap_or(99.0);
    let comments = call
        .segments
        .iter()
        .any(|s| s.eq_ignore_ascii_case("comments"));
    let newest = if comments { 4 } else { 10 };
    let resource: i64 = preview.unwrap_or("").parse().unwrap_or(1);
    if number > newest_version || resource > newest {
        return Err(Refusal::new(
            400,
            "VssVersionOutOfRangeException",
            format!("The requested REST API version of {version} is out of range for this server."),
        ));
    }
    let connection = call
        .segments
        .iter()
        .any(|s| s.eq_ignore_ascii_case("connectiondata"));
    if preview.is_none() && (number > 7.1 || comments || connection) {
        return Err(Refusal::new(
            400,
            "VssInvalidPreviewVersionException",
            format!(
                "The requested version \"{version}\" of the resource is under preview. The -preview flag must be supplied in the api-version for such requests."
            ),
        ));
    }
    Ok(())
}
