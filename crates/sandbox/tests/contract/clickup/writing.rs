//! What writes change, ignore and move.

use crate::clickup::bench::{BACKLOG, BUGS, Bench, EFFORT, SEVERITY, SPACE, START, TEAM, TOKEN};
use reqwest::Method;
use serde_json::{Value, json};

#[tokio::test]
async fn an_update_ignores_an_empty_parent_and_an_empty_description_with_200() {
    let bench = Bench::start().await;
    let parent = bench.named("parent");
    let id = bench.make(json!({"name": "child", "parent": parent, "tags": ["Bug"]}));
    let before = bench.sandbox.task(&id).unwrap();
    bench.clock.advance(1_000);
    for body in [
        json!({"parent": null}),
        json!({"parent": ""}),
        json!({"description": ""}),
    ] {
        assert_eq!(
            bench.put(&format!("/task/{id}"), body.clone()).await.status,
            200
        );
        assert_eq!(bench.sandbox.task(&id).unwrap(), before, "{body}");
    }
    assert_eq!(before["tags"][0]["name"], "bug", "names are lower-cased");
}

#[tokio::test]
async fn every_documented_way_of_clearing_works() {
    let bench = Bench::start().await;
    let id = bench.make(json!({
        "name": "x", "markdown_content": "text", "due_date": START, "start_date": START, "points": 2,
        "time_estimate": 60_000, "priority": 1, "assignees": [1002],
    }));
    let body = json!({
        "description": " ", "due_date": null, "start_date": null, "points": null, "time_estimate": 0,
        "priority": null, "assignees": {"add": [], "rem": [1002]},
    });
    let task = bench.put(&format!("/task/{id}"), body).await.body;
    for name in [
        "due_date",
        "start_date",
        "points",
        "time_estimate",
        "priority",
    ] {
        assert_eq!(task[name], Value::Null, "{name}");
    }
    assert_eq!(
        (&task["description"], &task["assignees"]),
        (&json!(""), &json!([]))
    );
}

#[tokio::test]
async fn a_date_without_time_is_stored_as_four_in_the_token_users_zone() {
    let bench = Bench::start().await;
    let id = bench.named("dated");
    // Noon UTC on 2026-07-10; 04:00 in Berlin is then 02:00 UTC.
    let noon = 1_783_684_800_000_i64;
    let day = bench
        .put(
            &format!("/task/{id}"),
            json!({"due_date": noon, "due_date_time": false}),
        )
        .await
        .body;
    assert_eq!(day["due_date"], (noon - 10 * 3_600_000).to_string());
    let exact = bench
        .put(
            &format!("/task/{id}"),
            json!({"due_date": noon, "due_date_time": true}),
        )
        .await
        .body;
    assert_eq!(exact["due_date"], noon.to_string());
    assert!(exact.get("due_date_time").is_none());
}

#[tokio::test]
async fn the_answer_to_an_update_may_omit_the_description() {
    let bench = Bench::with(|quirks| quirks.put_omits_description = true).await;
    let id = bench.named("x");
    let answer = bench
        .put(&format!("/task/{id}"), json!({"markdown_content": "**b**"}))
        .await
        .body;
    assert!(answer.get("description").is_none() && answer.get("text_content").is_none());
    assert_eq!(
        bench.sandbox.task(&id).unwrap()["markdown_description"],
        "**b**\n"
    );
}

#[tokio::test]
async fn only_some_changes_move_date_updated() {
    let bench = Bench::start().await;
    let id = bench.named("a");
    let other = bench.named("b");
    let at = |path: &str| format!("/task/{id}{path}");
    let none = || json!({});
    for (moves, method, path, body) in [
        (true, Method::PUT, at(""), json!({"name": "renamed"})),
        (true, Method::POST, at("/tag/two%20words%2Fslash"), none()),
        (true, Method::DELETE, at("/tag/TWO%20WORDS%2Fslash"), none()),
        (
            true,
            Method::POST,
            at("/comment"),
            json!({"comment_text": "c"}),
        ),
        (
            true,
            Method::POST,
            at("/time"),
            json!({"start": 1_000, "end": 61_000}),
        ),
        (
            true,
            Method::POST,
            at(&format!("/field/{EFFORT}")),
            json!({"value": 8}),
        ),
        (false, Method::POST, at("/checklist"), json!({"name": "l"})),
        (
            false,
            Method::POST,
            at("/dependency"),
            json!({"depends_on": other}),
        ),
        (false, Method::POST, at(&format!("/link/{other}")), none()),
        (false, Method::PUT, at(""), json!({"name": "renamed"})),
    ] {
        assert_eq!(
            bench.moves(&id, method.clone(), &path, body).await,
            moves,
            "{method} {path}"
        );
    }
    let (mine, theirs) = (
        bench.sandbox.task(&id).unwrap(),
        bench.sandbox.task(&other).unwrap(),
    );
    assert_eq!(
        mine["dependencies"], theirs["dependencies"],
        "the same edge shows on both ends"
    );
    assert_eq!(mine["dependencies"][0]["depends_on"], other);
    assert_eq!(mine["linked_tasks"], theirs["linked_tasks"]);
    assert_eq!(mine["time_spent"], 60_000);
    let tags = bench.get(&format!("/space/{SPACE}/tag")).await.body;
    assert_eq!(
        tags["tags"][0]["name"], "two words/slash",
        "an unknown tag is created in the space"
    );
}

#[tokio::test]
async fn a_drop_down_is_written_as_an_option_and_read_as_its_index() {
    let bench = Bench::start().await;
    let id = bench.named("x");
    let field = |task: &Value, id: &str| {
        task["custom_fields"]
            .as_array()
            .unwrap()
            .iter()
            .find(|field| field["id"] == id)
            .unwrap()
            .clone()
    };
    assert!(
        field(&bench.sandbox.task(&id).unwrap(), SEVERITY)
            .get("value")
            .is_none(),
        "unset means no key"
    );
    let path = format!("/task/{id}/field");
    bench
        .post(
            &format!("{path}/{SEVERITY}"),
            json!({"value": "5e7e0000-0000-4000-8000-000000000002"}),
        )
        .await;
    bench
        .post(&format!("{path}/{EFFORT}"), json!({"value": 8}))
        .await;
    let task = bench.sandbox.task(&id).unwrap();
    assert_eq!(
        (
            &field(&task, SEVERITY)["value"],
            &field(&task, EFFORT)["value"]
        ),
        (&json!(1), &json!("8"))
    );
    let filter = format!(r#"[{{"field_id":"{EFFORT}","operator":">","value":"7"}}]"#);
    let listed = bench
        .http
        .get(format!("{}/api/v2/list/{BACKLOG}/task", bench.server.url))
        .query(&[("custom_fields", &filter)])
        .header("Authorization", TOKEN)
        .send()
        .await
        .unwrap();
    assert_eq!(listed.json::<Value>().await.unwrap()["tasks"][0]["id"], id);
    bench.delete(&format!("{path}/{SEVERITY}")).await;
    assert!(
        field(&bench.sandbox.task(&id).unwrap(), SEVERITY)
            .get("value")
            .is_none()
    );
    bench.sandbox.delete(&id).unwrap();
    assert_eq!(
        bench
            .post(&format!("{path}/{EFFORT}"), json!({"value": 9}))
            .await
            .status,
        200,
        "silently ignored on a deleted task"
    );
}

#[tokio::test]
async fn a_plan_without_custom_fields_refuses_them() {
    let bench = Bench::with(|quirks| quirks.custom_fields = false).await;
    let id = bench.named("x");
    assert_eq!(
        bench.get(&format!("/list/{BACKLOG}/field")).await.body,
        json!({"fields": []})
    );
    assert_eq!(
        bench
            .post(&format!("/task/{id}/field/{EFFORT}"), json!({"value": 1}))
            .await
            .code(),
        (400, "FIELD_033")
    );
}

#[tokio::test]
async fn deleting_a_parent_deletes_its_subtasks() {
    let bench = Bench::start().await;
    let parent = bench.named("p");
    let child = bench.make(json!({"name": "c", "parent": parent}));
    let got = bench.delete(&format!("/task/{parent}")).await;
    assert_eq!((got.status, got.body), (204, json!("")));
    assert_eq!(
        bench.get(&format!("/task/{child}")).await.code(),
        (404, "ITEM_013")
    );
    assert!(bench.sandbox.all_ids().is_empty());
}

#[tokio::test]
async fn a_move_needs_a_mapping_only_for_a_status_the_target_lacks() {
    let bench = Bench::start().await;
    let easy = bench.make(json!({"name": "easy", "status": "in progress"}));
    let hard = bench.named("hard");
    let path = |id: &str| format!("/v3/workspaces/{TEAM}/tasks/{id}/home_list/{BUGS}");
    let moved = bench.send(Method::PUT, &path(&easy), None).await.unwrap();
    assert_eq!(
        moved.body,
        json!({"data": {"task_id": easy, "new_list_id": BUGS}})
    );
    let refused = bench.send(Method::PUT, &path(&hard), None).await.unwrap();
    assert_eq!(
        (refused.status, refused.body["status"].as_u64()),
        (400, Some(400)),
        "v3 failures have their own shape"
    );
    let from = bench.sandbox.task(&hard).unwrap()["status"]["id"].clone();
    let statuses = bench.get(&format!("/list/{BUGS}")).await.body["statuses"].clone();
    let mapping = json!({"status_mappings": [{"source_status_id": from, "destination_status_id": statuses[0]["id"]}]});
    assert_eq!(
        bench
            .send(Method::PUT, &path(&hard), Some(mapping))
            .await
            .unwrap()
            .status,
        200
    );
    assert_eq!(
        bench.sandbox.task(&hard).unwrap()["status"]["status"],
        "new"
    );
}

#[tokio::test]
async fn a_parent_in_another_list_takes_the_task_there() {
    let bench = Bench::start().await;
    let id = bench.named("x");
    let parent = bench
        .sandbox
        .create_task(BUGS, &json!({"name": "p"}))
        .unwrap();
    let task = bench
        .put(&format!("/task/{id}"), json!({"parent": parent}))
        .await
        .body;
    assert_eq!(
        (
            &task["list"]["id"],
            &task["parent"],
            &task["top_level_parent"]
        ),
        (&json!(BUGS), &json!(parent), &json!(parent))
    );
}
