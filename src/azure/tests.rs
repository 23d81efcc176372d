//! Reader and writer against a small scripted server: what is asked, how often, and what is made of the answers.

use super::*;
use crate::model::{FieldValue, Folded, Item, RichText, TextFormat, Version};
use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{Method, StatusCode, Uri};
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};
use std::sync::Mutex;

/// Builds a scope with nothing optional set.
pub(super) fn scope(pair: &str, project: &str) -> Scope {
    Scope {
        pair: PairName::from(pair),
        project: project.to_owned(),
        area: None,
        condition: None,
        assigned_to: None,
        default_type: "Task".to_owned(),
        area_for_new: None,
        fields: BTreeMap::new(),
        marker_hosts: Vec::new(),
    }
}

#[test]
fn the_old_host_is_normalised_and_a_server_address_is_kept() {
    let text = |url: &str| normalise(url).unwrap().to_string();
    assert_eq!(
        text("https://acme.visualstudio.com/"),
        "https://dev.azure.com/acme"
    );
    assert_eq!(
        text("https://tfs.acme.example/tfs/DefaultCollection"),
        "https://tfs.acme.example/tfs/DefaultCollection"
    );
    assert!(normalise("contoso").is_err());
}

#[derive(Default)]
struct Script {
    /// Every request: method, path with query, body.
    log: Vec<(String, String, Value)>,
    /// Ids per query, in turn.
    queries: Vec<Vec<i64>>,
    items: BTreeMap<i64, Value>,
    bin: Value,
    links: Value,
    /// Status and body per write, in turn.
    writes: Vec<(u16, Value)>,
}

type Server = Arc<Mutex<Script>>;

async fn answer(State(server): State<Server>, method: Method, uri: Uri, body: Bytes) -> Response {
    let mut script = server.lock().unwrap();
    let body: Value = serde_json::from_slice(&body).unwrap_or(Value::Null);
    let address = uri.to_string();
    script
        .log
        .push((method.to_string(), address.clone(), body.clone()));
    let next = |list: &mut Vec<(u16, Value)>| (!list.is_empty()).then(|| list.remove(0));
    let (status, answer) = if address.contains("/wiql") {
        assert!(!script.queries.is_empty(), "unexpected query");
        let rows: Vec<Value> = script
            .queries
            .remove(0)
            .iter()
            .map(|id| json!({"id": id}))
            .collect();
        (
            200,
            json!({"asOf": "2026-05-01T12:00:00.5Z", "workItems": rows}),
        )
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
        match script.links.clone() {
            Value::Null => (404, json!({"message": "no such feed"})),
            page => (200, page),
        }
    } else if address.contains("/recyclebin") {
        (200, script.bin.clone())
    } else if address.contains("/workitemtypes/") {
        (
            200,
            json!({"name": "Task",
            "fields": [{"referenceName": "System.Description"}, {"referenceName": "Microsoft.VSTS.Common.Priority"},
                       {"referenceName": "Microsoft.VSTS.Scheduling.StartDate"}],
            "transitions": {"": [{"to": "New"}], "New": [{"to": "Active"}], "Active": [{"to": "Closed"}, {"to": "New"}],
                            "Closed": [{"to": "Active"}]}}),
        )
    } else {
        next(&mut script.writes).expect("unexpected write")
    };
    let mut response = (StatusCode::from_u16(status).unwrap(), answer.to_string()).into_response();
    response.headers_mut().insert(
        "content-type",
        "application/json; charset=utf-8".parse().unwrap(),
    );
    response
}

async fn start(scopes: Vec<Scope>) -> (Server, AzureReader, AzureWriter) {
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
    };
    let timing = Timing {
        retries: 1,
        first_backoff: Duration::from_millis(1),
        ..Timing::for_side(Side::Ado)
    };
    let (reader, writer) = connect_with(settings, timing).unwrap();
    (server, reader, writer)
}

fn wire(id: i64, rev: i64, project: &str, state: &str) -> Value {
    json!({"id": id, "rev": rev, "fields": {
        "System.TeamProject": project, "System.AreaPath": project, "System.WorkItemType": "Task",
        "System.State": state, "System.Title": "t", "System.ChangedDate": "2026-05-01T11:59:00Z"}})
}

fn at(text: &str) -> Timestamp {
    Timestamp::parse_rfc3339(text).unwrap()
}

fn since() -> Watermark {
    Watermark {
        high: Some(at("2026-05-01T11:59:30.7Z")),
        peak: None,
        settled: None,
        link_token: Some("77".to_owned()),
    }
}

fn held(version: i64) -> Option<Known> {
    Some(Known {
        version: Version(version),
        changed_at: at("2026-05-01T11:58:00Z"),
    })
}

fn addresses(server: &Server) -> Vec<String> {
    server
        .lock()
        .unwrap()
        .log
        .iter()
        .map(|(_, address, _)| address.clone())
        .collect()
}

/// Requests but those for types, which are read once in the life of a process.
fn listing_requests(server: &Server) -> usize {
    let seen = addresses(server);
    seen.iter()
        .filter(|address| !address.contains("/workitemtypes/"))
        .count()
}

fn ids(listing: &Listing) -> Vec<&str> {
    listing.rows.iter().map(|row| row.id.as_str()).collect()
}

#[tokio::test]
async fn an_idle_cycle_is_one_query_and_one_look_at_the_link_feed() {
    let (server, reader, _) = start(vec![scope("a", "One"), scope("b", "Two")]).await;
    server.lock().unwrap().queries = vec![vec![]];
    server.lock().unwrap().links =
        json!({"values": [], "continuationToken": "78", "isLastBatch": true});
    let listing = reader.fetch_changes(&since(), &|_| None).await.unwrap();
    assert!(listing.rows.is_empty());
    assert_eq!(listing.watermark.high, Some(at("2026-05-01T12:00:00.5Z")));
    assert_eq!(listing.watermark.link_token.as_deref(), Some("78"));
    let seen = addresses(&server);
    assert_eq!(seen.len(), 2, "{seen:?}");
    assert!(seen[0].contains("/acme/_apis/wit/wiql?") && seen[0].contains("timePrecision=true"));
    assert!(seen[1].contains("continuationToken=77"));
    let query = server.lock().unwrap().log[0].2["query"].to_string();
    assert!(query.contains(">= '2026-05-01T11:54:30Z'"), "{query}");
}

#[tokio::test]
async fn a_cycle_after_an_edit_explains_the_overlap_with_one_batch() {
    let (server, reader, _) = start(vec![scope("a", "One")]).await;
    {
        let mut script = server.lock().unwrap();
        script.queries = vec![vec![1, 2, 3]];
        script.items =
            BTreeMap::from([(1, wire(1, 5, "One", "New")), (2, wire(2, 9, "One", "New"))]);
    }
    let known = |id: &ItemId| match id.as_str() {
        "1" => held(5),
        "2" => held(8),
        _ => None,
    };
    let listing = reader.fetch_changes(&since(), &known).await.unwrap();
    assert_eq!(ids(&listing), ["2", "3"]);
    assert_eq!(listing.rows[0].version, Some(Version(9)));
    assert_eq!(
        listing.watermark.link_token.as_deref(),
        Some("77"),
        "kept for later"
    );
    let item = listing.rows[0].item.as_ref();
    assert_eq!(
        item.map(|item| item.version),
        Some(Version(9)),
        "read whole"
    );
    assert_eq!(listing_requests(&server), 2);
}

#[tokio::test]
async fn many_explained_rows_cost_a_second_query_instead_of_batches() {
    let (server, reader, _) = start(vec![scope("a", "One")]).await;
    server.lock().unwrap().queries = vec![(1..=500).collect(), vec![7, 8]];
    server.lock().unwrap().items =
        BTreeMap::from([(7, wire(7, 2, "One", "New")), (8, wire(8, 1, "One", "New"))]);
    let listing = reader.fetch_changes(&since(), &|_| held(1)).await.unwrap();
    assert_eq!(ids(&listing), ["7"]);
    assert!(listing.rows[0].item.is_some(), "it need not be read again");
    assert_eq!(listing_requests(&server), 3, "the link feed waits");
    let query = server.lock().unwrap().log[1].2["query"].to_string();
    assert!(query.contains(">= '2026-05-01T11:59:30Z'"), "{query}");
}

#[tokio::test]
async fn rows_of_a_shared_query_are_attributed_and_foreign_ones_dropped() {
    let (server, reader, _) = start(vec![scope("a", "One"), scope("b", "Two")]).await;
    {
        let mut script = server.lock().unwrap();
        script.queries = vec![vec![1, 2, 3]];
        script.items = BTreeMap::from([
            (1, wire(1, 5, "Two", "New")),
            (2, wire(2, 9, "One", "New")),
            (3, wire(3, 9, "Three", "New")),
        ]);
    }
    let listing = reader.fetch_changes(&since(), &|_| None).await.unwrap();
    let pairs: Vec<_> = listing.rows.iter().map(|row| row.pair.0.as_str()).collect();
    assert_eq!((ids(&listing), pairs), (vec!["1", "2"], vec!["b", "a"]));
    assert_eq!(listing_requests(&server), 2);
}

#[tokio::test]
async fn a_changed_link_makes_known_ends_rows() {
    let (server, reader, _) = start(vec![scope("a", "One")]).await;
    server.lock().unwrap().queries = vec![vec![]];
    server.lock().unwrap().links = json!({"values": [
        {"rel": "System.LinkTypes.Hierarchy", "sourceId": 7, "targetId": 8, "isActive": false}],
        "nextLink": "https://x.example/_apis?continuationToken=90&api-version=7.1", "isLastBatch": true});
    let known = |id: &ItemId| (id.as_str() == "8").then(|| held(3)).flatten();
    let listing = reader.fetch_changes(&since(), &known).await.unwrap();
    assert_eq!(ids(&listing), ["8"]);
    assert_eq!(listing.rows[0].version, None, "the revision did not move");
    assert_eq!(listing.watermark.link_token.as_deref(), Some("90"));
}

#[tokio::test]
async fn a_server_without_the_link_feed_is_no_error() {
    let (server, reader, _) = start(vec![scope("a", "One")]).await;
    server.lock().unwrap().queries = vec![vec![]];
    assert!(reader.fetch_changes(&since(), &|_| None).await.is_ok());
}

#[tokio::test]
async fn a_full_walk_has_revisions_and_is_complete() {
    let (server, reader, _) = start(vec![scope("a", "One")]).await;
    {
        let mut script = server.lock().unwrap();
        script.queries = vec![(1..=19_000).collect(), vec![19_001]];
        script.items = BTreeMap::from([(19_001, wire(19_001, 4, "One", "New"))]);
    }
    let listing = reader
        .fetch_changes(&Watermark::default(), &|_| None)
        .await
        .unwrap();
    assert!(listing.complete);
    assert_eq!(listing.rows.len(), 19_001);
    assert_eq!(listing.rows.last().unwrap().version, Some(Version(4)));
    let query = server.lock().unwrap().log[1].2["query"].to_string();
    assert!(query.contains("[System.Id] > 19000"), "{query}");
}

#[tokio::test]
async fn only_a_recycle_bin_row_says_that_an_item_is_gone() {
    let (server, reader, _) = start(vec![scope("a", "One")]).await;
    {
        let mut script = server.lock().unwrap();
        script.items = BTreeMap::from([(1, wire(1, 5, "One", "New"))]);
        script.bin = json!([{"id": "2", "code": 200, "deletedDate": "5/1/2026 9:00:00 AM"}, {"id": "3", "code": 404}, null]);
    }
    let asked = ["1", "2", "3", "x"].map(ItemId::from).into();
    let answer = reader.fetch_items(&asked).await.unwrap();
    assert_eq!(answer.len(), 4);
    assert!(
        matches!(&answer[&ItemId::from("1")], Fetched::Seen(item) if item.version == Version(5))
    );
    assert!(
        matches!(&answer[&ItemId::from("2")], Fetched::Gone { evidence } if evidence.contains("5/1/2026"))
    );
    assert!(matches!(
        &answer[&ItemId::from("3")],
        Fetched::Unclear { .. }
    ));
    assert!(matches!(
        &answer[&ItemId::from("x")],
        Fetched::Unclear { .. }
    ));
}

fn current() -> Item {
    Item {
        id: ItemId::from("4"),
        version: Version(6),
        url: String::new(),
        fields: BTreeMap::from([
            (FieldKey::State, FieldValue::choice("New")),
            (FieldKey::Tags, FieldValue::tags(["a"])),
            (
                FieldKey::StartDate,
                FieldValue::Day("2026-05-02".parse().unwrap()),
            ),
            (FieldKey::Assignees, FieldValue::Empty),
        ]),
        raw: BTreeMap::from([(
            FieldKey::Description,
            RichText {
                format: TextFormat::Markdown,
                text: "old".to_owned(),
            },
        )]),
        markers: Vec::new(),
        backlinks: Vec::new(),
        parent: None,
        archived: false,
        container: "One|One".to_owned(),
        created_at: Timestamp(0),
        changed_at: Timestamp(0),
    }
}

fn change(set: &[(FieldKey, FieldValue)]) -> Change {
    Change {
        pair: PairName::from("a"),
        id: ItemId::from("4"),
        expected: Version(6),
        current: Box::new(current()),
        set: set.iter().cloned().collect(),
        backlink: None,
    }
}

#[tokio::test]
async fn an_update_tests_the_revision_and_sends_only_what_differs() {
    let (server, _, writer) = start(vec![scope("a", "One")]).await;
    server.lock().unwrap().writes = vec![(200, wire(4, 7, "One", "New"))];
    let change = change(&[
        (FieldKey::Tags, FieldValue::Empty),
        (
            FieldKey::StartDate,
            FieldValue::Day("2026-05-02".parse().unwrap()),
        ),
        (FieldKey::Assignees, FieldValue::Empty),
        (FieldKey::Points, FieldValue::Number(1000)),
        (FieldKey::Description, FieldValue::Rich("new".to_owned())),
    ]);
    let written = writer.update(&change).await.unwrap();
    assert_eq!(written.item.version, Version(7));
    let script = server.lock().unwrap();
    let (method, address, body) = script.log.last().unwrap();
    assert_eq!(method, "PATCH");
    assert!(address.starts_with("/acme/_apis/wit/workitems/4?"));
    assert_eq!(body[0], json!({"op": "test", "path": "/rev", "value": 6}));
    let paths: Vec<_> = body
        .as_array()
        .unwrap()
        .iter()
        .map(|op| (op["op"].as_str().unwrap(), op["path"].as_str().unwrap()))
        .collect();
    assert_eq!(
        paths[1..],
        [
            ("remove", "/fields/System.Tags"),
            ("add", "/fields/System.Description")
        ]
    );
}

#[tokio::test]
async fn a_state_out_of_reach_is_walked_to_and_a_refused_step_is_pending() {
    let (server, _, writer) = start(vec![scope("a", "One")]).await;
    server.lock().unwrap().writes = vec![
        (200, wire(4, 7, "One", "Active")),
        (400, json!({"message": "TF401320: rule"})),
    ];
    let written = writer
        .update(&change(&[(FieldKey::State, FieldValue::choice("closed"))]))
        .await
        .unwrap();
    assert_eq!(
        written.item.fields[&FieldKey::State],
        FieldValue::choice("Active")
    );
    assert!(written.pending[&FieldKey::State].contains("TF401320"));
    let script = server.lock().unwrap();
    let last = &script.log.last().unwrap().2;
    assert_eq!(
        last[0]["value"], 7,
        "each step tests the revision of the one before"
    );
    assert_eq!(last[1]["value"], "Closed");
}

#[tokio::test]
async fn nothing_to_change_sends_no_patch_and_a_lost_race_is_stale() {
    let (server, _, writer) = start(vec![scope("a", "One")]).await;
    let same = change(&[(FieldKey::Tags, FieldValue::tags(["A"]))]);
    assert_eq!(writer.update(&same).await.unwrap().item, current());
    server.lock().unwrap().writes = vec![(412, json!({"message": "VS403351: test failed"}))];
    let other = change(&[(FieldKey::Tags, FieldValue::tags(["b"]))]);
    let error = writer.update(&other).await.unwrap_err();
    assert_eq!(
        (error.kind, error.code.as_deref()),
        (ErrorKind::Stale, Some("VS403351"))
    );
}

fn new_item(state: &str) -> NewItem {
    NewItem {
        pair: PairName::from("a"),
        fields: BTreeMap::from([
            (FieldKey::Title, FieldValue::Text("Paint".to_owned())),
            (FieldKey::State, FieldValue::choice(state)),
            (FieldKey::Points, FieldValue::Number(1000)),
            (
                FieldKey::Assignees,
                FieldValue::from_people([Folded::person("Ana@acme.example", "Ana")].into()),
            ),
        ]),
        marker: "sx1:m".to_owned(),
        source: ItemId::from("86x"),
        source_type: "Task".to_owned(),
        source_url: "https://app.clickup.com/t/86x".to_owned(),
    }
}

#[tokio::test]
async fn a_create_carries_its_marker_and_reaches_other_states_afterwards() {
    let (server, _, writer) = start(vec![scope("a", "One")]).await;
    server.lock().unwrap().writes = vec![
        (200, wire(4, 1, "One", "New")),
        (200, wire(4, 2, "One", "Active")),
    ];
    let written = writer.create(&new_item("Active")).await.unwrap();
    assert_eq!(written.item.version, Version(2));
    assert!(written.pending.is_empty());
    let script = server.lock().unwrap();
    let writes: Vec<_> = script
        .log
        .iter()
        .filter(|(m, a, _)| m != "GET" && a.contains("/workitems/"))
        .collect();
    assert_eq!(
        (writes[0].0.as_str(), writes[1].0.as_str()),
        ("POST", "PATCH")
    );
    assert!(
        writes[0]
            .1
            .starts_with("/acme/One/_apis/wit/workitems/$Task?"),
        "{}",
        writes[0].1
    );
    let body = writes[0].2.to_string();
    assert!(
        body.contains("sx1:m") && body.contains("ana@acme.example"),
        "{body}"
    );
    assert!(!body.contains("System.State"), "{body}");
}

#[tokio::test]
async fn a_create_with_an_unclear_answer_is_sent_once_and_ambiguous() {
    for answer in [(503, json!({})), (200, json!({"unexpected": true}))] {
        let (server, _, writer) = start(vec![scope("a", "One")]).await;
        server.lock().unwrap().writes = vec![answer];
        let error = writer.create(&new_item("New")).await.unwrap_err();
        assert_eq!(error.kind, ErrorKind::Ambiguous);
    }
}

#[tokio::test]
async fn a_marker_is_found_by_exact_comparison_among_recent_items() {
    let (server, reader, _) = start(vec![scope("a", "One")]).await;
    let carrying = |id: i64, comment: &str| {
        let mut item = wire(id, 1, "One", "New");
        item["relations"] = json!([{"rel": "Hyperlink", "url": "https://x.example", "attributes": {"comment": comment}}]);
        (id, item)
    };
    {
        let mut script = server.lock().unwrap();
        script.queries = vec![vec![1, 2, 3]];
        script.items = BTreeMap::from([
            carrying(1, "sx1:m2"),
            carrying(2, "sx1:m"),
            (3, wire(3, 1, "One", "New")),
        ]);
    }
    let found = reader
        .find_marker(&PairName::from("a"), "sx1:m", at("2026-05-01T11:00:00Z"))
        .await
        .unwrap();
    assert_eq!(found, [ItemId::from("2")]);
    let query = server.lock().unwrap().log[0].2["query"].to_string();
    assert!(
        query.contains("[System.CreatedDate] >= '2026-05-01T11:00:00Z'"),
        "{query}"
    );
}
