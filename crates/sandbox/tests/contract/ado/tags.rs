//! Tags.

use crate::ado::world::{World, set};
use boardsync_sandbox::ado::AdoSandbox;
use serde_json::{Value, json};

const TAGS: &str = "System.Tags";

fn op(op: &str, value: &str) -> Value {
    json!([{"op": op, "path": "/fields/System.Tags", "value": value}])
}

fn remove() -> Value {
    json!([{"op": "remove", "path": "/fields/System.Tags"}])
}

fn tags(ado: &AdoSandbox, id: i64) -> Value {
    ado.item(id)
        .unwrap()
        .fields
        .get(TAGS)
        .cloned()
        .unwrap_or_default()
}

#[tokio::test]
async fn add_unites_replace_sets_and_remove_clears() {
    let world = World::new().await;
    let id = world.task("one");
    for (operations, left) in [
        (op("add", "b; a"), json!("a; b")),
        (op("add", "c"), json!("a; b; c")),
        (op("add", ""), json!("a; b; c")),
        (op("replace", "a; c"), json!("a; c")),
        (remove(), Value::Null),
        (op("add", "d"), json!("d")),
        (op("replace", ""), Value::Null),
    ] {
        let (status, body) = world.patch(id, operations.clone()).await;
        assert_eq!(status, 200, "{operations}: {body}");
        assert_eq!(
            body["fields"].get(TAGS).cloned().unwrap_or_default(),
            left,
            "{operations}"
        );
    }
    world.ado.quirks(|q| q.add_unites_tags = false);
    world.patch(id, op("add", "a; b")).await;
    world.patch(id, op("add", "c")).await;
    assert_eq!(tags(&world.ado, id), "c");
}

#[tokio::test]
async fn a_list_in_the_web_portal_is_set_as_a_whole() {
    let world = World::new().await;
    let id = world.task("one");
    for (value, left) in [
        (json!("a; b"), json!("a; b")),
        (json!("b"), json!("b")),
        (Value::Null, Value::Null),
    ] {
        world.ado.edit(id, &[(TAGS, value)], "Ada Byron").unwrap();
        assert_eq!(tags(&world.ado, id), left);
    }
}

#[tokio::test]
async fn replace_and_remove_need_a_value_there() {
    let world = World::new().await;
    let id = world.task("one");
    let assignee = json!([{"op": "remove", "path": "/fields/System.AssignedTo"}]);
    for operations in [op("replace", "a"), remove(), assignee] {
        let (status, body) = world.patch(id, operations.clone()).await;
        assert_eq!(status, 400, "{operations}");
        assert!(
            !body.to_string().contains("System."),
            "names no field: {body}"
        );
    }
    world.ado.quirks(|q| q.refuses_unset = false);
    assert_eq!(world.patch(id, op("replace", "a")).await.0, 200);
    assert_eq!(world.patch(id, remove()).await.0, 200);
    assert_eq!(world.patch(id, remove()).await.0, 200);
}

#[tokio::test]
async fn a_character_beyond_the_basic_plane_takes_the_whole_patch() {
    let world = World::new().await;
    let id = world.task("one");
    for (tag, status) in [
        ("\u{1F916} bot", 400),
        ("a\u{2728}", 400),
        ("\u{2713} done", 200),
        ("\u{2192} \u{FC}", 200),
    ] {
        let (got, body) = world
            .patch(
                id,
                json!([set("System.Title", tag), set(TAGS, format!("ui; {tag}"))]),
            )
            .await;
        assert_eq!(got, status, "{tag}: {body}");
        if status == 400 {
            let text = body.to_string();
            assert!(
                text.contains("TF401407: The tag name is invalid."),
                "{text}"
            );
            assert!(!text.contains(tag) && !text.contains("Tags"), "{text}");
            assert_eq!(world.ado.item(id).unwrap().fields["System.Title"], "one");
        }
    }
    assert!(world.ado.item(id).is_some_and(|item| item.rev == 3));
}

#[tokio::test]
async fn a_new_tag_needs_a_right_and_a_known_one_does_not() {
    let world = World::new().await;
    let (one, two) = (world.task("one"), world.task("two"));
    world
        .ado
        .edit(one, &[(TAGS, json!("Known"))], "Ada Byron")
        .unwrap();
    world.ado.quirks(|q| q.may_create_tags = false);
    let both = json!([set("System.Title", "two!"), set(TAGS, "known; new")]);
    let (status, body) = world.patch(two, both).await;
    assert_eq!(status, 403);
    assert!(
        body["message"].as_str().unwrap().starts_with("TF401289"),
        "{body}"
    );
    assert_eq!(
        world.ado.item(two).unwrap().rev,
        1,
        "nothing of it is saved"
    );
    assert_eq!(world.patch(two, json!([set(TAGS, "known")])).await.0, 200);
    assert_eq!(tags(&world.ado, two), "Known");
}

#[tokio::test]
async fn there_are_a_hundred_tags_of_four_hundred_characters_at_most() {
    let world = World::new().await;
    let id = world.task("one");
    let many = |from: usize, to: usize| {
        let all: Vec<String> = (from..to).map(|n| format!("t{n}")).collect();
        json!([set(TAGS, all.join("; "))])
    };
    assert_eq!(world.patch(id, many(0, 100)).await.0, 200);
    let (_, body) = world.patch(id, many(100, 101)).await;
    assert!(
        body["message"].as_str().unwrap().starts_with("TF401243"),
        "the union counts: {body}"
    );
    let other = world.task("two");
    assert_eq!(
        world
            .patch(other, json!([set(TAGS, "x".repeat(400))]))
            .await
            .0,
        200
    );
    assert_eq!(
        world
            .patch(other, json!([set(TAGS, "x".repeat(401))]))
            .await
            .0,
        400
    );
}
