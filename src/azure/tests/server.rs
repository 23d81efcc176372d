//! A small server that answers from a script and keeps what it was asked.

use crate::azure::*;
use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{Method, StatusCode, Uri};
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};
use std::sync::Mutex;

#[derive(Default)]
pub(super) struct Script {
    /// Every request: method, path with query, body.
    pub(super) log: Vec<(String, String, Value)>,
    /// Ids per query, in turn.
    pub(super) queries: Vec<Vec<i64>>,
    /// Queries with this in their text are refused as one under a path that is gone.
    pub(super) gone: Option<String>,
    /// Queries that were answered; each takes a second of the server's time.
    pub(super) answered: usize,
    pub(super) items: BTreeMap<i64, Value>,
    pub(super) bin: Value,
    pub(super) links: Value,
    /// Pages of the link feed, in turn; then `links`.
    pub(super) link_pages: Vec<Value>,
    /// Status and body per write, in turn.
    pub(super) writes: Vec<(u16, Value)>,
}

pub(super) type Server = Arc<Mutex<Script>>;

async fn answer(State(server): State<Server>, method: Method, uri: Uri, body: Bytes) -> Response {
    let mut script = server.lock().unwrap();
    let body: Value = serde_json::from_slice(&body).unwrap_or(Value::Null);
    let address = uri.to_string();
    script
        .log
        .push((method.to_string(), address.clone(), body.clone()));
    let next = |list: &mut Vec<(u16, Value)>| (!list.is_empty()).then(|| list.remove(0));
    let query = body["query"].as_str().unwrap_or("");
    let (status, answer) = if script
        .gone
        .as_ref()
        .is_some_and(|path| query.contains(path.as_str()))
    {
        (
            400,
            json!({"message": "TF51011: The specified area path does not exist.", "typeKey": "SyntaxException"}),
        )
    } else if address.contains("/wiql") {
        assert!(!script.queries.is_empty(), "unexpected query");
        let rows: Vec<Value> = script
            .queries
            .remove(0)
            .iter()
            .map(|id| json!({"id": id}))
            .collect();
        let as_of = format!("2026-05-01T12:00:{:02}.5Z", script.answered);
        script.answered += 1;
        (200, json!({"asOf": as_of, "workItems": rows}))
    } else if address.contains("/workitemsbatch") {
        let ids = body["ids"].as_array().unwrap();
        assert!(ids.len() <= 200);
        let found: Vec<Value> = ids
            .iter()
            .rev()
            .map(|id| {
                script
                    .items
                    .get(&id.as_i64().unwrap())
                    .cloned()
                    .unwrap_or(Value::Null)
            })
            .collect();
        (200, json!({"count": found.len(), "value": found}))
    } else if address.contains("/reporting/workitemlinks") {
        let page = match script.link_pages.is_empty() {
            true => script.links.clone(),
            false => script.link_pages.remove(0),
        };
        match page {
            Value::Null => (404, json!({"message": "no such feed"})),
            page => (200, page),
        }
    } else if address.contains("/recyclebin") {
        (200, script.bin.clone())
    } else if address.contains("/workitemtypes/Bug") {
        (
            200,
            json!({"name": "Bug",
            "fields": [{"referenceName": "System.Description"}, {"referenceName": "Microsoft.VSTS.TCM.ReproSteps"}],
            "transitions": {"": [{"to": "New"}]}}),
        )
    } else if address.contains("/workitemtypes/") {
        (
            200,
            json!({"name": "Task",
            "fields": [{"referenceName": "System.Description"}, {"referenceName": "Microsoft.VSTS.Common.Priority"},
                       {"referenceName": "Microsoft.VSTS.Scheduling.StartDate"}, {"referenceName": "Custom.RootCause", "name": "Root Cause"}],
            "transitions": {"": [{"to": "New"}], "New": [{"to": "Active"}], "Active": [{"to": "Closed"}, {"to": "New"}],
                            "Closed": [{"to": "Active"}]}}),
        )
    } else {
        next(&mut script.writes).expect("unexpected write")
    };
    // A Rust string cannot hold half a character, so a test writes this and the answer holds the escape.
    let text = answer.to_string().replace("{half}", "\\ud83d");
    let mut response = (StatusCode::from_u16(status).unwrap(), text).into_response();
    response.headers_mut().insert(
        "content-type",
        "application/json; charset=utf-8".parse().unwrap(),
    );
    response
}

pub(super) async fn start(scopes: Vec<Scope>) -> (Server, AzureReader, AzureWriter) {
    let server = Server::default();
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let router = Router::new().fallback(answer).with_state(server.clone());
    tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
    let settings = Settings {
        url: format!("http://127.0.0.1:{port}/acme"),
        pat: SecretString::from("pat".to_owned()),
        requests_per_second: 1000,
        time_zone: None,
        pairs: scopes,
        cancel: CancellationToken::new(),
        max_body: None,
        kept: crate::connector::Kept::default(),
    };
    let timing = Timing {
        retries: 1,
        first_backoff: Duration::from_millis(1),
        ..Timing::for_service(Service::Ado)
    };
    let (reader, writer) = connect_with(settings, timing).unwrap();
    (server, reader, writer)
}

pub(super) fn wire(id: i64, rev: i64, project: &str, state: &str) -> Value {
    json!({"id": id, "rev": rev, "fields": {
        "System.TeamProject": project, "System.AreaPath": project, "System.WorkItemType": "Task",
        "System.State": state, "System.Title": "t", "System.ChangedDate": "2026-05-01T11:59:00Z"}})
}

/// The answer to a create of [`super::writing::new_item`].
pub(super) fn made(id: i64) -> Value {
    let mut item = wire(id, 1, "One", "New");
    item["fields"]["System.Title"] = json!("Paint");
    item
}

pub(super) fn at(text: &str) -> Timestamp {
    Timestamp::parse_rfc3339(text).unwrap()
}

pub(super) fn addresses(server: &Server) -> Vec<String> {
    server
        .lock()
        .unwrap()
        .log
        .iter()
        .map(|(_, address, _)| address.clone())
        .collect()
}
