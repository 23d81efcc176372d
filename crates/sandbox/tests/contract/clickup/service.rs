//! Tokens, refusals, budget and faults.

use crate::clickup::bench::{BACKLOG, BUGS, Bench, Got, SEVERITY, START, TEAM};
use boardsync_sandbox::faults::Fault;
use reqwest::Method;
use serde_json::{Value, json};

#[tokio::test]
async fn a_missing_token_is_400_and_a_wrong_one_401() {
    let bench = Bench::start().await;
    for (token, expected) in [
        (None, (400, "OAUTH_017")),
        (Some("pk_wrong"), (401, "OAUTH_025")),
        (Some("Bearer pk_1001_SANDBOX"), (401, "OAUTH_025")),
    ] {
        let mut request = bench.http.get(format!("{}/api/v2/user", bench.server.url));
        if let Some(token) = token {
            request = request.header("Authorization", token);
        }
        let response = request.send().await.unwrap();
        let status = response.status().as_u16();
        let body: Value = response.json().await.unwrap();
        assert_eq!(
            (status, body["ECODE"].as_str().unwrap()),
            expected,
            "{token:?}"
        );
    }
}

#[tokio::test]
async fn refusals_carry_the_recorded_status_and_code() {
    let bench = Bench::start().await;
    let gone = bench.named("gone");
    bench.sandbox.delete(&gone).unwrap();
    let hidden = bench.named("hidden");
    bench.sandbox.hide(&hidden, true);
    let live = bench.named("live");
    let elsewhere = bench
        .sandbox
        .create_task(BUGS, &json!({"name": "bug"}))
        .unwrap();
    let list = format!("/list/{BACKLOG}/task");
    let task = format!("/task/{live}");
    let cases: Vec<(Method, String, Value, u16, &str)> = vec![
        (
            Method::GET,
            format!("/task/{gone}"),
            Value::Null,
            404,
            "ITEM_013",
        ),
        (
            Method::PUT,
            format!("/task/{gone}"),
            json!({"name": "x"}),
            404,
            "ITEM_013",
        ),
        (
            Method::GET,
            "/task/86d3zzzzz".into(),
            Value::Null,
            401,
            "OAUTH_027",
        ),
        (
            Method::GET,
            format!("/task/{hidden}"),
            Value::Null,
            401,
            "ACCESS_083",
        ),
        (
            Method::GET,
            "/list/999999999999".into(),
            Value::Null,
            404,
            "SHARD_006",
        ),
        (
            Method::GET,
            "/list/abc/task".into(),
            Value::Null,
            400,
            "INPUT_003",
        ),
        (
            Method::GET,
            "/team/1/task".into(),
            Value::Null,
            401,
            "OAUTH_027",
        ),
        (
            Method::GET,
            format!("/team/{TEAM}/task?list_ids={BACKLOG}"),
            Value::Null,
            400,
            "PUBAPITASK_017",
        ),
        (
            Method::GET,
            format!("/team/{TEAM}/task?list_ids[]={BACKLOG},{BUGS}"),
            Value::Null,
            400,
            "PUBAPITASK_017",
        ),
        (
            Method::GET,
            format!("{list}?order_by=closed"),
            Value::Null,
            500,
            "ITEMV2_003",
        ),
        (
            Method::GET,
            format!("{list}?date_updated_gt=soon"),
            Value::Null,
            500,
            "ITEMV2_003",
        ),
        (
            Method::POST,
            list.clone(),
            json!({"name": "x", "status": "nowhere"}),
            400,
            "CRTSK_001",
        ),
        (
            Method::POST,
            list.clone(),
            json!({"name": "  "}),
            400,
            "INPUT_005",
        ),
        (
            Method::POST,
            list.clone(),
            json!({"name": "x", "parent": elsewhere}),
            400,
            "ITEM_137",
        ),
        (
            Method::PUT,
            task.clone(),
            json!({"status": "nowhere"}),
            400,
            "ITEM_114",
        ),
        (
            Method::PUT,
            task.clone(),
            json!({"parent": live}),
            400,
            "ITEM_137",
        ),
        (
            Method::PUT,
            task.clone(),
            json!({"parent": "86d3zzzzz"}),
            504,
            "",
        ),
        (
            Method::POST,
            format!("{task}/field/{SEVERITY}"),
            json!({"value": "Critical"}),
            400,
            "FIELD_011",
        ),
        (
            Method::POST,
            format!("/team/{TEAM}/time_entries"),
            json!({"tid": live, "start": 1, "duration": 5}),
            400,
            "TIMESPENT_002",
        ),
        (Method::GET, "/nowhere".into(), Value::Null, 404, "APP_001"),
    ];
    for (method, path, body, status, code) in cases {
        let got = bench
            .send(method.clone(), &format!("/v2{path}"), Some(body))
            .await
            .unwrap();
        assert_eq!(got.code(), (status, code), "{method} {path}");
    }
    assert_eq!(
        bench.ledger.entries().last().unwrap().status,
        404,
        "unknown routes are in the ledger too"
    );
}

#[tokio::test]
async fn the_budget_is_per_minute_and_shown_on_every_answer() {
    let bench = Bench::with(|quirks| quirks.rate_limit = 2).await;
    let header = |got: &Got, name: &str| got.headers[name].to_str().unwrap().to_owned();
    let first = bench.get("/user").await;
    assert_eq!(
        (
            header(&first, "x-ratelimit-limit"),
            header(&first, "x-ratelimit-remaining")
        ),
        ("2".into(), "1".into())
    );
    bench.get("/user").await;
    let refused = bench.get("/user").await;
    assert_eq!(refused.code(), (429, "APP_002"));
    assert_eq!(
        header(&refused, "x-ratelimit-reset"),
        (START / 1_000 + 60).to_string(),
        "Unix seconds"
    );
    bench.clock.advance(60_000);
    assert_eq!(bench.get("/user").await.status, 200);
}

#[tokio::test]
async fn faults_hit_before_or_after_the_change() {
    let bench = Bench::start().await;
    let create = format!("/v2/list/{BACKLOG}/task");
    bench.fail("/list/", Fault::DropBeforeApply);
    assert!(
        bench
            .send(Method::POST, &create, Some(json!({"name": "lost"})))
            .await
            .is_err()
    );
    assert_eq!(bench.sandbox.all_ids().len(), 0);
    bench.fail("/list/", Fault::DropAfterApply);
    assert!(
        bench
            .send(Method::POST, &create, Some(json!({"name": "kept"})))
            .await
            .is_err()
    );
    assert_eq!(bench.sandbox.all_ids().len(), 1);
    bench.fail("/list/", Fault::TruncateBody);
    assert!(bench.send(Method::GET, &create, None).await.is_err());
    bench.fail("/list/", Fault::EmptyListing);
    assert_eq!(
        bench.send(Method::GET, &create, None).await.unwrap().body,
        json!({"tasks": [], "last_page": true})
    );
    bench.make(json!({"name": "second"}));
    bench.fail("/list/", Fault::MissingPage);
    assert_eq!(
        bench
            .send(Method::GET, &create, None)
            .await
            .unwrap()
            .ids()
            .len(),
        1,
        "half of the rows are lost"
    );
    bench.fail("/user", Fault::TokenRevoked);
    assert_eq!(bench.get("/user").await.code(), (401, "OAUTH_025"));
    bench.fail("/user", Fault::SignInPage);
    assert!(bench.get("/user").await.body.is_string());
}
