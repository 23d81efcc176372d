//! Reading items, feeds, the recycle bin and the process.

use crate::ado::world::{World, read};
use boardsync_sandbox::seed;
use reqwest::Method;
use serde_json::{Value, json};

#[tokio::test]
async fn batches_take_200_ids_and_omit_or_fail() {
    let world = World::new().await;
    let id = world.task("one");
    let path = "/Shop/_apis/wit/workitemsbatch";
    let (status, body) = world
        .post(path, json!({"ids": [id, 99], "errorPolicy": "omit"}))
        .await;
    assert_eq!(
        (status.as_u16(), &body["value"][1]),
        (200, &Value::Null),
        "{body}"
    );
    let (status, body) = world.post(path, json!({"ids": [id, 99]})).await;
    assert_eq!(status, 404);
    assert!(body["message"].as_str().unwrap().starts_with("TF401232"));
    let (_, body) = world
        .post(path, json!({"ids": (1..=201).collect::<Vec<i64>>()}))
        .await;
    assert!(
        body["message"].as_str().unwrap().starts_with("VS403474"),
        "{body}"
    );
    let (status, _) = world
        .post(
            path,
            json!({"ids": [id], "fields": ["System.Id"], "$expand": "relations"}),
        )
        .await;
    assert_eq!(status, 400);
    assert!(
        world.ledger.writes().is_empty(),
        "reads through POST are no writes"
    );
    assert_eq!(world.ledger.count(), 4);
}

#[tokio::test]
async fn deleted_items_vanish_and_come_back_from_the_bin() {
    let world = World::new().await;
    let id = world.task("one");
    let answer = world
        .send(
            Method::DELETE,
            &format!("/Shop/_apis/wit/workitems/{id}"),
            "",
            Value::Null,
        )
        .await;
    assert_eq!(answer.status(), 200);
    assert_eq!(
        world.get(&format!("/_apis/wit/workitems/{id}")).await.0,
        404
    );
    let (_, list) = world.get("/Shop/_apis/wit/recyclebin").await;
    assert_eq!(
        (list["count"].as_i64(), list["value"][0]["id"].as_i64()),
        (Some(1), Some(id))
    );
    let (_, details) = world
        .get(&format!("/Shop/_apis/wit/recyclebin?ids={id}"))
        .await;
    assert_eq!(details["value"][0]["id"], id.to_string());
    assert!(
        details["value"][0]["deletedDate"]
            .as_str()
            .unwrap()
            .starts_with("5/10/2026 8:00:00")
    );
    let (_, feed) = world.get("/Shop/_apis/wit/reporting/workitemrevisions?includeDeleted=true&includeLatestOnly=true").await;
    assert_eq!(feed["values"][0]["fields"]["System.IsDeleted"], true);
    let path = format!("/Shop/_apis/wit/recyclebin/{id}");
    let answer = world
        .send(
            Method::PATCH,
            &path,
            "application/json",
            json!({"isDeleted": false}),
        )
        .await;
    assert_eq!(answer.status(), 200);
    assert_eq!(world.ado.all_ids(), [id]);
}

#[tokio::test]
async fn the_revision_feed_pages_and_resumes() {
    let world = World::new().await;
    world.ado.quirks(|q| q.feed_page = 2);
    let ids = seed::ado_tasks(&world.ado, "Shop", 3).unwrap();
    let (_, first) = world
        .get("/Shop/_apis/wit/reporting/workitemrevisions")
        .await;
    assert_eq!(
        (
            first["values"].as_array().unwrap().len(),
            &first["isLastBatch"]
        ),
        (2, &json!(false))
    );
    let token = first["continuationToken"].as_str().unwrap();
    let (_, second) = world
        .get(&format!(
            "/Shop/_apis/wit/reporting/workitemrevisions?continuationToken={token}"
        ))
        .await;
    assert_eq!(
        (&second["values"][0]["id"], &second["isLastBatch"]),
        (&json!(ids[2]), &json!(true))
    );
    assert_eq!(
        second["values"][0]["fields"]["System.ChangedBy"],
        "Sync Robot <robot@contoso.example>"
    );
}

#[tokio::test]
async fn comments_need_the_preview_version_and_make_a_rev() {
    let world = World::new().await;
    let id = world.task("one");
    let (status, body) = world
        .post(
            &format!("/Shop/_apis/wit/workItems/{id}/comments"),
            json!({"text": "hi"}),
        )
        .await;
    assert_eq!(
        (status.as_u16(), body["typeKey"].as_str()),
        (400, Some("VssInvalidPreviewVersionException"))
    );
    let url = format!(
        "{}/contoso/Shop/_apis/wit/workItems/{id}/comments?api-version=7.1-preview.4",
        world.server.url
    );
    let answer = world
        .http
        .post(&url)
        .basic_auth("", Some("pat"))
        .json(&json!({"text": "hi"}))
        .send()
        .await
        .unwrap();
    assert_eq!(read(answer).await.1["text"], "hi");
    let item = world.ado.item(id).unwrap();
    assert_eq!(
        (item.rev, &item.fields["System.CommentCount"]),
        (2, &json!(1))
    );
}

#[tokio::test]
async fn types_states_and_transitions_can_be_read() {
    let world = World::new().await;
    let (_, body) = world.get("/Shop/_apis/wit/workitemtypes/Task").await;
    assert_eq!(
        body["transitions"][""],
        json!([{"to": "New", "actions": null}])
    );
    let closed: Vec<&str> = body["transitions"]["Closed"]
        .as_array()
        .unwrap()
        .iter()
        .map(|t| t["to"].as_str().unwrap())
        .collect();
    assert!(!closed.contains(&"Removed"));
    let (_, body) = world
        .get("/Shop/_apis/wit/workitemtypes/User%20Story/states")
        .await;
    assert_eq!(body["value"][2]["category"], "Resolved");
    let (_, body) = world
        .get("/Shop/_apis/wit/workitemtypes/Bug/fields?$expand=all")
        .await;
    let severity = body["value"]
        .as_array()
        .unwrap()
        .iter()
        .find(|f| f["referenceName"] == "Microsoft.VSTS.Common.Severity")
        .unwrap();
    assert_eq!(severity["allowedValues"][0], "1 - Critical");
    let (_, body) = world
        .get("/_apis/projects/Shop?includeCapabilities=true")
        .await;
    assert_eq!(
        body["capabilities"]["processTemplate"]["templateName"],
        "Agile"
    );
    let (_, body) = world
        .get("/Shop/_apis/wit/classificationnodes/areas?$depth=3")
        .await;
    assert_eq!(
        body["children"][0]["children"][0]["path"],
        "\\Shop\\Area\\Web\\Checkout"
    );
}

#[tokio::test]
async fn the_seeded_board_is_complete() {
    let world = World::new().await;
    let ids = seed::ado_board(&world.ado, "Shop").unwrap();
    assert_eq!(world.ado.all_ids(), ids);
    assert_eq!(world.ado.item(ids[0]).unwrap().relations.len(), 2);
}
