//! Credentials, faults, throttling, foreign clients.

use crate::ado::world::{World, read, set};
use boardsync_sandbox::ado::Throttle;
use boardsync_sandbox::faults::Fault;
use reqwest::Method;
use serde_json::json;

#[tokio::test]
async fn plain_json_is_refused_for_patches() {
    let world = World::new().await;
    let id = world.task("one");
    let path = format!("/_apis/wit/workitems/{id}");
    let answer = world
        .send(Method::PATCH, &path, "application/json", json!([]))
        .await;
    assert_eq!(answer.status(), 400);
}

#[tokio::test]
async fn bad_credentials_look_different_per_verb_and_header() {
    let world = World::new().await;
    let url = world.url("/_apis/wit/workitems/1");
    let bad = |method| {
        world
            .http
            .request(method, &url)
            .basic_auth("", Some("wrong"))
    };
    let page = bad(Method::GET).send().await.unwrap();
    assert_eq!(page.status(), 203);
    assert!(
        page.headers()["content-type"]
            .to_str()
            .unwrap()
            .starts_with("text/html")
    );
    let (status, body) = read(bad(Method::PATCH).send().await.unwrap()).await;
    assert_eq!(
        (status.as_u16(), body["typeKey"].as_str()),
        (401, Some("UnauthorizedRequestException"))
    );
    let plain = bad(Method::GET)
        .header("X-TFS-FedAuthRedirect", "Suppress")
        .send()
        .await
        .unwrap();
    assert_eq!(plain.status(), 401);
    assert!(plain.headers().contains_key("www-authenticate"));
    assert_eq!(plain.text().await.unwrap(), "");
}

#[tokio::test]
async fn unknown_routes_are_plain_text_404_and_are_recorded() {
    let world = World::new().await;
    let answer = world
        .http
        .get(world.url("/_apis/wit/unicorns"))
        .basic_auth("", Some("pat"))
        .send()
        .await
        .unwrap();
    assert_eq!(answer.status(), 404);
    assert!(
        answer.headers()["content-type"]
            .to_str()
            .unwrap()
            .starts_with("text/plain")
    );
    let (_, body) = world.get("/Nowhere/_apis/wit/workitemtypes").await;
    assert_eq!(body["typeKey"], "ProjectDoesNotExistWithNameException");
    let statuses: Vec<u16> = world.ledger.entries().iter().map(|e| e.status).collect();
    assert_eq!(statuses, [404, 404]);
}

#[tokio::test]
async fn an_answer_that_is_dropped_was_applied_all_the_same() {
    let world = World::new().await;
    world.fault("/workitems/$Task", Fault::DropAfterApply);
    let request = world
        .http
        .post(world.url("/Shop/_apis/wit/workitems/$Task"))
        .basic_auth("", Some("pat"));
    let request = request.header("content-type", "application/json-patch+json");
    let lost = request
        .body(json!([set("System.Title", "t")]).to_string())
        .send()
        .await;
    assert!(lost.is_err(), "{lost:?}");
    assert_eq!(world.ado.all_ids().len(), 1);
    world.fault("/workitems/", Fault::DropBeforeApply);
    let lost = world
        .http
        .get(world.url("/_apis/wit/workitems/1"))
        .basic_auth("", Some("pat"))
        .send()
        .await;
    assert!(lost.is_err());
}

#[tokio::test]
async fn broken_answers_are_broken() {
    let world = World::new().await;
    let id = world.task("one");
    world.fault("/workitems/", Fault::TruncateBody);
    let path = format!("/_apis/wit/workitems/{id}");
    let answer = world.answer(&path).await;
    assert!(answer.text().await.is_err());
    world.fault("/wiql", Fault::EmptyListing);
    assert!(world.ids("[System.Id] > 0", "").await.is_empty());
    world.fault("/workitems/", Fault::SignInPage);
    assert_eq!(
        world.get(&format!("/_apis/wit/workitems/{id}")).await.0,
        203
    );
    world.fault("/workitems/", Fault::TokenRevoked);
    assert_eq!(
        world.get(&format!("/_apis/wit/workitems/{id}")).await.0,
        401
    );
    let status = Fault::Status {
        status: 503,
        body: "\u{FEFF}{\"message\":\"TF24668: stopped\"}".to_owned(),
        content_type: "application/json".to_owned(),
        headers: vec![("retry-after".to_owned(), "7".to_owned())],
    };
    world.fault("/workitems/", status);
    let answer = world.answer(&path).await;
    assert_eq!(
        (
            answer.status().as_u16(),
            answer.headers()["retry-after"].to_str().unwrap()
        ),
        (503, "7")
    );
    assert!(
        answer
            .bytes()
            .await
            .unwrap()
            .starts_with(&[0xEF, 0xBB, 0xBF])
    );
}

#[tokio::test]
async fn throttling_headers_come_on_a_success() {
    let world = World::new().await;
    let id = world.task("one");
    world.ado.quirks(|q| {
        q.throttle = Some(Throttle {
            retry_after: 3,
            delay: 0.5,
            limit: 200,
            remaining: 9,
        })
    });
    let path = format!("/_apis/wit/workitems/{id}");
    let answer = world.answer(&path).await;
    assert_eq!(
        (
            answer.status().as_u16(),
            answer.headers()["retry-after"].to_str().unwrap()
        ),
        (200, "3")
    );
    assert_eq!(answer.headers()["x-ratelimit-remaining"], "9");
}
