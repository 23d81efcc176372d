//! What reads and listings show, and what they leave out.

use crate::clickup::bench::{BACKLOG, BUGS, Bench, SPACE, START, TEAM, TOKEN};
use boardsync_sandbox::clickup::TeamArchived;
use serde_json::{Value, json};

#[tokio::test]
async fn a_listing_hides_closed_tasks_subtasks_and_archived_ones_by_default() {
    let bench = Bench::start().await;
    let open = bench.named("open");
    let child = bench.make(json!({"name": "child", "parent": open}));
    let closed = bench.make(json!({"name": "closed", "status": "complete"}));
    let done = bench.make(json!({"name": "done", "status": "in review"}));
    let archived = bench.named("archived");
    bench.sandbox.archive(&archived, true).unwrap();
    let list = format!("/list/{BACKLOG}/task");
    assert_eq!(bench.get(&list).await.ids(), [&done, &open]);
    assert_eq!(
        bench
            .get(&format!("{list}?subtasks=true&include_closed=true"))
            .await
            .ids(),
        [&done, &closed, &child, &open]
    );
    assert_eq!(
        bench.get(&format!("{list}?archived=true")).await.ids(),
        [&archived]
    );
    assert_eq!(
        bench
            .get(&format!("{list}?statuses[]=Complete"))
            .await
            .ids(),
        [&closed],
        "naming a closed status lists it"
    );
    assert_eq!(
        bench
            .get(&format!("/team/{TEAM}/task?parent={open}"))
            .await
            .ids(),
        [&child]
    );
    assert_eq!(bench.sandbox.all_ids().len(), 5);
}

#[tokio::test]
async fn the_team_listing_treats_archived_and_last_page_as_the_quirk_says() {
    let bench = Bench::start().await;
    let live = bench.named("live");
    let archived = bench.named("archived");
    bench.sandbox.archive(&archived, true).unwrap();
    for (setting, asked, expected) in [
        (TeamArchived::Honoured, "true", vec![&archived]),
        (TeamArchived::Honoured, "false", vec![&live]),
        (TeamArchived::IgnoredHidden, "true", vec![&live]),
        (TeamArchived::IgnoredShown, "true", vec![&archived, &live]),
    ] {
        bench
            .sandbox
            .quirks(|quirks| quirks.team_archived = setting);
        let got = bench
            .get(&format!("/team/{TEAM}/task?archived={asked}"))
            .await;
        assert_eq!(got.ids(), expected, "{setting:?}");
        assert!(got.body.get("last_page").is_none());
    }
    bench.sandbox.quirks(|quirks| quirks.team_last_page = true);
    assert_eq!(
        bench.get(&format!("/team/{TEAM}/task")).await.body["last_page"],
        true
    );
}

#[tokio::test]
async fn the_lower_bound_and_the_order_of_updates_are_selectable() {
    let bench = Bench::start().await;
    let first = bench.named("first");
    let second = bench.named("second");
    let path = format!(
        "/list/{BACKLOG}/task?order_by=updated&date_updated_gt={}",
        bench.updated(&first)
    );
    assert_eq!(bench.get(&path).await.ids(), [&second, &first]);
    assert_eq!(
        bench.get(&format!("{path}&reverse=true")).await.ids(),
        [&first, &second]
    );
    bench
        .sandbox
        .quirks(|quirks| quirks.updated_newest_first = false);
    assert_eq!(bench.get(&path).await.ids(), [&first, &second]);
    bench
        .sandbox
        .quirks(|quirks| quirks.updated_gt_inclusive = false);
    assert_eq!(bench.get(&path).await.ids(), [&second]);
}

#[tokio::test]
async fn offset_pages_shift_when_a_task_is_edited_between_them() {
    let bench = Bench::start().await;
    let ids: Vec<String> = (0..150)
        .map(|n| bench.named(&format!("task {n}")))
        .collect();
    let path = format!("/list/{BACKLOG}/task?order_by=updated&reverse=true");
    let first = bench.get(&format!("{path}&page=0")).await;
    assert_eq!(
        (first.ids().len(), &first.body["last_page"]),
        (100, &json!(false))
    );
    bench.clock.advance(1_000);
    bench
        .sandbox
        .edit(&ids[0], &json!({"name": "edited"}))
        .unwrap();
    let second = bench.get(&format!("{path}&page=1")).await;
    assert_eq!(
        (second.ids().len(), &second.body["last_page"]),
        (50, &json!(true))
    );
    let seen: Vec<&str> = first.ids().into_iter().chain(second.ids()).collect();
    assert!(
        !seen.contains(&ids[100].as_str()),
        "the task at the edge falls between the pages"
    );
    assert_eq!(
        bench.get(&format!("{path}&page=2")).await.body,
        json!({"tasks": [], "last_page": true})
    );
}

#[tokio::test]
async fn a_listing_lags_behind_reads_by_id() {
    let bench = Bench::with(|quirks| quirks.listing_lag_ms = 5_000).await;
    let id = bench.named("late");
    let list = format!("/list/{BACKLOG}/task");
    assert_eq!(bench.get(&format!("/task/{id}")).await.status, 200);
    assert!(bench.get(&list).await.ids().is_empty());
    bench.clock.advance(5_000);
    assert_eq!(bench.get(&list).await.ids(), [&id]);
    bench
        .sandbox
        .edit(&id, &json!({"name": "renamed"}))
        .unwrap();
    assert_eq!(bench.get(&list).await.body["tasks"][0]["name"], "late");
    bench.sandbox.delete(&id).unwrap();
    assert_eq!(
        bench.get(&list).await.ids(),
        [&id],
        "a deleted task stays listed for a while"
    );
    bench.clock.advance(5_000);
    assert!(bench.get(&list).await.ids().is_empty());
}

#[tokio::test]
async fn a_listing_leaves_out_what_only_a_read_by_id_shows() {
    let bench = Bench::start().await;
    let id = bench.make(json!({"name": "full", "markdown_content": "- a"}));
    bench
        .sandbox
        .attach(&id, 1002, "notes.txt", b"hello".to_vec())
        .unwrap();
    bench
        .post(&format!("/task/{id}/checklist"), json!({"name": "steps"}))
        .await;
    let row = bench.get(&format!("/list/{BACKLOG}/task")).await.body["tasks"][0].clone();
    let one = bench
        .get(&format!("/task/{id}?include_markdown_description=true"))
        .await
        .body;
    for absent in ["attachments", "time_spent", "markdown_description"] {
        assert!(row.get(absent).is_none(), "{absent}");
        assert!(one.get(absent).is_some(), "{absent}");
    }
    assert_eq!(
        (
            &row["checklists"],
            one["checklists"].as_array().unwrap().len()
        ),
        (&json!([]), 1)
    );
    assert_eq!(
        one["attachments"][0]["date"], one["date_updated"],
        "an upload moves the task to its own date"
    );
    assert_eq!(one["markdown_description"], "*   a\n");
    assert_eq!(one["description"], "a");
}

#[tokio::test]
async fn ids_and_instants_are_text_and_numbers_exactly_where_recorded() {
    let bench = Bench::start().await;
    let id = bench.make(json!({"name": "typed", "priority": 2, "time_estimate": 3_600_000, "due_date": START, "due_date_time": true, "points": 3}));
    let task = bench.get(&format!("/task/{id}")).await.body;
    assert!(
        task["date_updated"].is_string()
            && task["status"]["orderindex"].is_number()
            && task["creator"]["id"].is_number()
    );
    assert_eq!(
        (&task["priority"]["id"], &task["priority"]["orderindex"]),
        (&json!("2"), &json!("2"))
    );
    assert_eq!(
        (&task["time_estimate"], &task["time_spent"], &task["points"]),
        (&json!(3_600_000), &json!(0), &json!(3))
    );
    assert_eq!(task["due_date"], START.to_string());
    assert_eq!(task["folder"]["name"], "hidden");
    assert!(task["space"].get("name").is_none() && task["creator"].get("initials").is_none());
    let made = bench
        .post(
            &format!("/task/{id}/comment"),
            json!({"comment_text": "hi"}),
        )
        .await
        .body;
    assert!(made["id"].is_number() && made["date"].is_number() && made["hist_id"].is_string());
    let read = bench.get(&format!("/task/{id}/comment")).await.body;
    assert_eq!(read["comments"][0]["id"], made["id"].to_string());
    assert!(read["comments"][0]["date"].is_string());
}

#[tokio::test]
async fn comments_page_by_date_and_id_and_an_edit_without_text_blanks() {
    let bench = Bench::start().await;
    let id = bench.named("x");
    for n in 0..30 {
        bench.clock.advance(10);
        bench.sandbox.comment(&id, 1002, &format!("c{n}")).unwrap();
    }
    let first = bench.get(&format!("/task/{id}/comment")).await.body["comments"].clone();
    assert_eq!(
        (first.as_array().unwrap().len(), &first[0]["comment_text"]),
        (25, &json!("c29"))
    );
    let (date, last) = (
        first[24]["date"].as_str().unwrap(),
        first[24]["id"].as_str().unwrap(),
    );
    let second = bench
        .get(&format!("/task/{id}/comment?start={date}&start_id={last}"))
        .await
        .body["comments"]
        .clone();
    assert_eq!(
        (second.as_array().unwrap().len(), &second[0]["comment_text"]),
        (5, &json!("c4"))
    );
    let lone = bench
        .get(&format!("/task/{id}/comment?start={date}"))
        .await
        .body["comments"]
        .clone();
    assert_eq!(lone, first, "one of the two alone does nothing");
    bench
        .put(&format!("/comment/{last}"), json!({"resolved": true}))
        .await;
    assert_eq!(
        bench.get(&format!("/task/{id}/comment")).await.body["comments"][24]["comment_text"],
        ""
    );
    bench.delete(&format!("/comment/{last}")).await;
    assert_eq!(bench.sandbox.comments(&id).len(), 29);
}

#[tokio::test]
async fn an_upload_is_thin_in_its_answer_and_full_in_a_read() {
    let bench = Bench::start().await;
    bench.sandbox.set_attachment_base(&bench.server.url);
    let id = bench.named("x");
    let part = "--XyZ\r\nContent-Disposition: form-data; name=\"attachment\"; filename=\"a b.txt\"\r\n\r\nline\r\nend\r\n--XyZ--\r\n";
    let response = bench
        .http
        .post(format!("{}/api/v2/task/{id}/attachment", bench.server.url))
        .header("Authorization", TOKEN)
        .header("Content-Type", "multipart/form-data; boundary=XyZ")
        .body(part)
        .send()
        .await
        .unwrap();
    let thin: Value = response.json().await.unwrap();
    assert!(thin["date"].is_number() && thin.get("size").is_none());
    let full = bench.sandbox.task(&id).unwrap()["attachments"][0].clone();
    assert_eq!(
        (&full["title"], &full["size"], &full["id"]),
        (&json!("a b.txt"), &json!(9), &thin["id"])
    );
    let bytes = bench
        .http
        .get(full["url"].as_str().unwrap())
        .send()
        .await
        .unwrap()
        .text()
        .await
        .unwrap();
    assert_eq!(bytes, "line\r\nend", "the download needs no token");
}

#[tokio::test]
async fn places_show_statuses_only_where_the_vendor_does() {
    let bench = Bench::start().await;
    assert_eq!(
        bench.get("/user").await.body["user"]["timezone"],
        "Europe/Berlin"
    );
    assert_eq!(
        bench.get("/team").await.body["teams"][0]["members"]
            .as_array()
            .unwrap()
            .len(),
        5
    );
    let lists = bench.get(&format!("/space/{SPACE}/list")).await.body["lists"].clone();
    assert!(
        lists
            .as_array()
            .unwrap()
            .iter()
            .all(|list| list.get("statuses").is_none())
    );
    let own = bench.get(&format!("/list/{BUGS}")).await.body;
    let inherited = bench.get(&format!("/list/{BACKLOG}")).await.body;
    assert!(own["statuses"][0]["id"].as_str().unwrap().starts_with("sc"));
    let space = bench.get(&format!("/space/{SPACE}")).await.body;
    assert_eq!(inherited["statuses"][0]["id"], space["statuses"][0]["id"]);
    assert_eq!(space["features"]["points"]["enabled"], true);
    let folders = bench.get(&format!("/space/{SPACE}/folder")).await.body;
    assert!(folders["folders"][0]["lists"][0]["statuses"].is_array());
    let nested = bench.get("/folder/90120000001/list").await.body;
    assert_eq!(nested["lists"][0]["folder"]["hidden"], false);
    assert_eq!(
        bench.get(&format!("/team/{TEAM}/custom_item")).await.body["custom_items"][0]["id"],
        1300
    );
    assert_eq!(
        bench.get(&format!("/list/{BACKLOG}/member")).await.body,
        json!({"members": []}),
        "inherited members are missing"
    );
}
