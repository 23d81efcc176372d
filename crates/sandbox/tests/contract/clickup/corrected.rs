//! What production use found out about the service.

use crate::clickup::bench::{BACKLOG, BUGS, Bench, EFFORT, START, TEAM, TOKEN};
use boardsync_sandbox::clickup::{Recurrence, SandboxStatus};
use boardsync_sandbox::halves;
use reqwest::Method;
use serde_json::{Value, json};

const UPSTREAM: &str = "0f7c1c5e-5d0e-4e58-9d3f-000000000001";

async fn put(bench: &Bench, id: &str, body: Value) -> Value {
    bench.clock.advance(1_000);
    let got = bench.put(&format!("/task/{id}"), body).await;
    assert_eq!(got.status, 200, "{}", got.body);
    got.body
}

#[tokio::test]
async fn a_write_without_effect_is_answered_with_200_and_moves_the_version() {
    let bench = Bench::start().await;
    let id =
        bench.make(json!({"name": "x", "due_date": START, "due_date_time": true, "tags": ["a"]}));
    for body in [
        json!({"tags": ["other"]}),
        json!({"custom_fields": [{"id": EFFORT, "value": 3}]}),
        json!({"assignees": {"add": [1004], "rem": []}}),
        json!({"due_date": "2026-07-10"}),
        json!({"start_date": "tomorrow"}),
    ] {
        let mut before = bench.sandbox.task(&id).unwrap();
        let mut after = put(&bench, &id, body.clone()).await;
        assert_ne!(before["date_updated"], after["date_updated"], "{body}");
        for task in [&mut before, &mut after] {
            task["date_updated"] = Value::Null;
            task.as_object_mut().unwrap().remove("markdown_description");
        }
        assert_eq!(before, after, "{body}");
    }
}

#[tokio::test]
async fn any_field_can_be_told_to_keep_its_value_quietly() {
    let bench = Bench::start().await;
    let id = bench.make(json!({"name": "x", "due_date": START, "due_date_time": true}));
    bench.sandbox.keep_quietly("due_date", None);
    bench.sandbox.keep_quietly("priority", Some(json!(2)));
    bench.sandbox.keep_quietly("tags", Some(json!("red")));
    bench.sandbox.keep_quietly(EFFORT, None);
    let before = bench.updated(&id);
    let body = json!({"due_date": START + 86_400_000, "due_date_time": true, "priority": 2});
    let task = put(&bench, &id, body).await;
    assert_eq!(
        (&task["due_date"], &task["priority"]),
        (&json!(START.to_string()), &Value::Null)
    );
    assert!(bench.updated(&id) > before);
    let task = put(&bench, &id, json!({"priority": 3, "name": "y"})).await;
    assert_eq!(
        (&task["priority"]["id"], &task["name"]),
        (&json!("3"), &json!("y"))
    );
    for (path, body) in [
        ("/tag/red".to_owned(), json!({})),
        (format!("/field/{EFFORT}"), json!({"value": 3})),
    ] {
        assert!(
            bench
                .moves(&id, Method::POST, &format!("/task/{id}{path}"), body)
                .await,
            "{path}"
        );
    }
    let task = bench.sandbox.task(&id).unwrap();
    assert_eq!(task["tags"], json!([]));
    assert!(
        task["custom_fields"]
            .as_array()
            .unwrap()
            .iter()
            .all(|field| field.get("value").is_none())
    );
    let body = json!({"name": "made", "due_date": START, "priority": 2});
    let made = bench
        .post(&format!("/list/{BACKLOG}/task"), body)
        .await
        .body;
    assert_eq!(
        (&made["due_date"], &made["priority"]),
        (&Value::Null, &Value::Null)
    );
    bench.sandbox.clear_quiet();
    assert_eq!(
        put(&bench, &id, json!({"priority": 2})).await["priority"]["id"],
        "2"
    );
}

#[tokio::test]
async fn an_address_field_stores_addresses_only() {
    let bench = Bench::start().await;
    let id = bench.named("x");
    let path = format!("/task/{id}/field/{UPSTREAM}");
    let value = |task: &Value| {
        let fields = task["custom_fields"].as_array().unwrap().clone();
        fields
            .iter()
            .find(|field| field["id"] == UPSTREAM)
            .unwrap()
            .get("value")
            .cloned()
    };
    assert!(
        bench
            .moves(&id, Method::POST, &path, json!({"value": "none"}))
            .await
    );
    assert_eq!(value(&bench.sandbox.task(&id).unwrap()), None);
    bench
        .post(&path, json!({"value": "https://example.com/1"}))
        .await;
    assert_eq!(
        value(&bench.sandbox.task(&id).unwrap()),
        Some(json!("https://example.com/1"))
    );
}

#[tokio::test]
async fn relative_links_lose_their_target() {
    let bench = Bench::start().await;
    let id = bench.named("x");
    put(&bench, &id, json!({"markdown_content": "see [#5](/org/P/_workitems/edit/5) and [b](https://example.com/b)"})).await;
    assert_eq!(
        bench.sandbox.task(&id).unwrap()["markdown_description"],
        "see #5 and [b](https://example.com/b)\n"
    );
}

#[tokio::test]
async fn a_comment_beside_an_address_grows_with_every_write_unless_switched_off() {
    let bench = Bench::start().await;
    let id = bench.named("x");
    let text = |bench: &Bench| {
        bench.sandbox.task(&id).unwrap()["markdown_description"]
            .as_str()
            .unwrap()
            .to_owned()
    };
    let mut last = "https://example.com/a\n\n<!-- note -->".to_owned();
    for _ in 0..3 {
        put(&bench, &id, json!({"markdown_content": last})).await;
        assert!(text(&bench).len() > last.len(), "{}", text(&bench));
        last = text(&bench);
    }
    bench.sandbox.quirks(|quirks| quirks.escapes_again = false);
    put(
        &bench,
        &id,
        json!({"markdown_content": "https://example.com/a\n\n<!-- note -->"}),
    )
    .await;
    let once = text(&bench);
    put(&bench, &id, json!({"markdown_content": once})).await;
    assert_eq!(text(&bench), once);
}

#[tokio::test]
async fn rows_of_custom_types_lack_the_estimate() {
    let bench = Bench::start().await;
    for kind in [0, 1, 1300] {
        bench.make(json!({"name": "x", "custom_item_id": kind, "time_estimate": 60_000}));
    }
    for path in [
        format!("/list/{BACKLOG}/task"),
        format!("/team/{TEAM}/task"),
    ] {
        let rows = bench.get(&path).await.body["tasks"]
            .as_array()
            .unwrap()
            .clone();
        for row in rows {
            let shown = row.get("time_estimate") == Some(&json!(60_000));
            assert_eq!(shown, row["custom_item_id"] != 1300, "{path}: {row}");
            let one = bench
                .get(&format!("/task/{}", row["id"].as_str().unwrap()))
                .await
                .body;
            assert_eq!(one["time_estimate"], 60_000);
        }
    }
}

#[tokio::test]
async fn the_team_listing_leaves_out_archived_lists() {
    let bench = Bench::start().await;
    let id = bench.named("x");
    let bug = bench
        .sandbox
        .create_task(BUGS, &json!({"name": "bug"}))
        .unwrap();
    assert!(bench.sandbox.archive_list(BUGS, true));
    for archived in ["false", "true"] {
        let got = bench
            .get(&format!("/team/{TEAM}/task?archived={archived}"))
            .await;
        assert!(!got.ids().contains(&bug.as_str()), "{}", got.body);
    }
    assert_eq!(
        bench.get(&format!("/team/{TEAM}/task")).await.ids(),
        [id.as_str()]
    );
    assert_eq!(bench.get(&format!("/task/{bug}")).await.status, 200);
    assert_eq!(
        bench.get(&format!("/list/{BUGS}")).await.body["archived"],
        true
    );
    let listed = |archived: bool| format!("/space/90110000001/list?archived={archived}");
    assert_eq!(bench.get(&listed(true)).await.body["lists"][0]["id"], BUGS);
    assert_eq!(
        bench.get(&listed(false)).await.body["lists"][0]["id"],
        BACKLOG
    );
    assert!(!bench.sandbox.archive_list("1", true));
}

#[tokio::test]
async fn a_create_without_a_status_lands_in_the_first_one_of_the_list() {
    let bench = Bench::start().await;
    let kept = bench.named("kept");
    let statuses = [("open", "open"), ("doing", "custom"), ("done", "closed")];
    let statuses = statuses
        .map(|(name, kind)| SandboxStatus::new(name, kind))
        .to_vec();
    assert!(bench.sandbox.set_statuses(BACKLOG, statuses));
    let path = format!("/list/{BACKLOG}/task");
    let made = bench.post(&path, json!({"name": "x"})).await.body;
    assert_eq!(made["status"]["status"], "open");
    assert_eq!(
        bench.sandbox.task(&kept).unwrap()["status"]["status"],
        "open"
    );
    let refused = bench
        .post(&path, json!({"name": "x", "status": "to do"}))
        .await;
    assert_eq!(refused.code(), (400, "CRTSK_001"));
}

#[tokio::test]
async fn a_deleted_list_takes_its_tasks_along() {
    let bench = Bench::start().await;
    let id = bench.named("x");
    assert!(bench.sandbox.delete_list(BACKLOG));
    assert_eq!(
        bench.get(&format!("/list/{BACKLOG}")).await.code(),
        (404, "SHARD_006")
    );
    assert_eq!(
        bench.get(&format!("/task/{id}")).await.code(),
        (404, "ITEM_013")
    );
    assert!(
        bench
            .get(&format!("/team/{TEAM}/task"))
            .await
            .ids()
            .is_empty()
    );
    assert!(!bench.sandbox.delete_list(BACKLOG));
}

#[tokio::test]
async fn ids_of_tasks_have_ten_characters() {
    let bench = Bench::start().await;
    let ids: std::collections::BTreeSet<String> = (0..50).map(|_| bench.named("x")).collect();
    assert_eq!(ids.len(), 50);
    assert!(ids.iter().all(|id| id.len() == 10), "{ids:?}");
}

#[tokio::test]
async fn a_workspace_that_the_token_may_not_see_is_401_while_the_user_is_known() {
    let bench = Bench::start().await;
    let id = bench.named("x");
    bench
        .sandbox
        .quirks(|quirks| quirks.workspace_authorised = false);
    assert_eq!(bench.get("/user").await.body["user"]["id"], 1001);
    assert_eq!(bench.get("/team").await.body, json!({"teams": []}));
    for path in [
        format!("/team/{TEAM}/task"),
        format!("/team/{TEAM}/space"),
        format!("/list/{BACKLOG}"),
        format!("/task/{id}"),
    ] {
        let got = bench.get(&path).await;
        assert_eq!(got.code(), (401, "OAUTH_027"), "{path}");
        assert_eq!(got.body["err"], "Team not authorized");
    }
}

#[tokio::test]
async fn an_invited_guest_has_neither_name_nor_address() {
    let bench = Bench::start().await;
    let members = bench.get("/team").await.body["teams"][0]["members"].clone();
    let guest = members
        .as_array()
        .unwrap()
        .iter()
        .find(|member| member["user"]["id"] == 1005)
        .unwrap();
    assert_eq!(
        (&guest["user"]["username"], &guest["user"]["email"]),
        (&Value::Null, &Value::Null)
    );
}

#[tokio::test]
async fn a_recurring_task_opens_again_when_it_is_completed() {
    for early in [true, false] {
        let bench = Bench::with(|quirks| {
            quirks.rate_limit = 1_000_000;
            quirks.reopened_in_answer = early;
        })
        .await;
        let id = bench.make(json!({"name": "x", "due_date": START, "due_date_time": true}));
        bench
            .sandbox
            .recur(&id, 86_400_000, Recurrence::Reopens)
            .unwrap();
        let answer = put(&bench, &id, json!({"status": "complete"})).await;
        assert_eq!(
            answer["status"]["status"],
            if early { "to do" } else { "complete" }
        );
        let task = bench.sandbox.task(&id).unwrap();
        assert_eq!(task["status"]["status"], "to do");
        assert_eq!(task["due_date"], (START + 86_400_000).to_string());
        assert_eq!(task["date_closed"], Value::Null);
        bench
            .sandbox
            .edit(&id, &json!({"status": "complete"}))
            .unwrap();
        assert_eq!(
            bench.sandbox.task(&id).unwrap()["status"]["status"],
            "to do",
            "people are no exception"
        );
    }
}

#[tokio::test]
async fn a_recurring_task_may_leave_a_copy_instead() {
    let bench = Bench::start().await;
    let id = bench.make(json!({"name": "x", "markdown_content": "text", "tags": ["a"]}));
    bench
        .sandbox
        .recur(&id, 86_400_000, Recurrence::Copies)
        .unwrap();
    put(&bench, &id, json!({"status": "complete"})).await;
    assert_eq!(
        bench.sandbox.task(&id).unwrap()["status"]["status"],
        "complete"
    );
    let copy = bench
        .sandbox
        .all_ids()
        .into_iter()
        .find(|other| *other != id)
        .unwrap();
    let copy = bench.sandbox.task(&copy).unwrap();
    assert_eq!(
        (
            &copy["name"],
            &copy["status"]["status"],
            &copy["tags"][0]["name"]
        ),
        (&json!("x"), &json!("to do"), &json!("a"))
    );
    assert_eq!(copy["markdown_description"], "text\n");
    assert!(
        copy["date_created"].as_str() > bench.sandbox.task(&id).unwrap()["date_created"].as_str()
    );
}

#[tokio::test]
async fn half_a_surrogate_pair_is_told_as_its_escape_and_taken_as_one() {
    let bench = Bench::start().await;
    let text = format!("a{}b", halves::half(0xD83D).unwrap());
    let id = bench.make(json!({"name": "x", "markdown_content": text}));
    let listing = bench
        .http
        .get(format!(
            "{}/api/v2/list/{BACKLOG}/task?include_markdown_description=true",
            bench.server.url
        ))
        .header("Authorization", TOKEN)
        .send()
        .await
        .unwrap()
        .text()
        .await
        .unwrap();
    assert!(
        listing.contains(r#""markdown_description":"a\ud83db\n""#),
        "{listing}"
    );
    let name = format!("list {}", halves::half(0xD83D).unwrap());
    assert!(bench.sandbox.rename_list(BACKLOG, &name));
    assert!(bench.sandbox.rename_user(1002, &name));
    for path in [format!("/list/{BACKLOG}"), "/team".to_owned()] {
        let raw = bench.get(&path).await.body;
        assert!(
            raw.as_str().unwrap().contains(r#""list \ud83d""#),
            "{path}: {raw}"
        );
    }
    assert!(
        serde_json::from_str::<Value>(&listing).is_err(),
        "strict parsers refuse the page"
    );
    let answer = bench
        .http
        .put(format!("{}/api/v2/task/{id}", bench.server.url))
        .header("Authorization", TOKEN)
        .header("content-type", "application/json")
        .body(r#"{"name":"\udc00 half"}"#)
        .send()
        .await
        .unwrap();
    assert_eq!(answer.status(), 200);
    let name = bench.sandbox.task(&id).unwrap()["name"]
        .as_str()
        .unwrap()
        .to_owned();
    assert_eq!(name, format!("{} half", halves::half(0xDC00).unwrap()));
}
