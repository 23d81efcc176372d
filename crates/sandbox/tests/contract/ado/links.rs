//! Relations.

use crate::ado::world::{CHILD, PARENT, World, link};
use serde_json::{Value, json};

#[tokio::test]
async fn link_edits_show_on_both_ends_without_a_new_rev() {
    let world = World::new().await;
    let (parent, child) = (world.task("parent"), world.task("child"));
    let before = world.ado.item(child).unwrap();
    let (status, body) = world.patch(child, json!([link(PARENT, parent)])).await;
    assert_eq!((status.as_u16(), body["rev"].as_i64()), (200, Some(1)));
    let (_, body) = world
        .get(&format!("/_apis/wit/workitems/{child}?$expand=relations"))
        .await;
    assert_eq!(body["fields"]["System.Parent"], parent);
    assert_eq!(
        body["fields"]["System.ChangedDate"],
        before.fields["System.ChangedDate"]
    );
    let (_, body) = world
        .get(&format!("/_apis/wit/workitems/{parent}?$expand=relations"))
        .await;
    assert_eq!(
        (body["rev"].as_i64(), body["relations"][0]["rel"].as_str()),
        (Some(1), Some(CHILD))
    );
    let (_, feed) = world.get("/Shop/_apis/wit/reporting/workitemlinks").await;
    assert_eq!(feed["values"][0]["rel"], "System.LinkTypes.Hierarchy");
    assert_eq!(
        (
            &feed["values"][0]["sourceId"],
            &feed["values"][0]["targetId"]
        ),
        (&json!(parent), &json!(child))
    );
    let token = feed["continuationToken"].as_str().unwrap().to_owned();
    world
        .patch(child, json!([{"op": "remove", "path": "/relations/0"}]))
        .await;
    let (_, feed) = world
        .get(&format!(
            "/Shop/_apis/wit/reporting/workitemlinks?continuationToken={token}"
        ))
        .await;
    assert_eq!(feed["values"].as_array().unwrap().len(), 1);
    assert_eq!(feed["values"][0]["isActive"], false);
    assert!(world.ado.item(parent).unwrap().relations.is_empty());
}

#[tokio::test]
async fn an_item_has_one_parent_and_no_cycle() {
    let world = World::new().await;
    let (a, b, c) = (world.task("a"), world.task("b"), world.task("c"));
    assert_eq!(world.patch(b, json!([link(PARENT, a)])).await.0, 200);
    let (status, body) = world.patch(b, json!([link(PARENT, c)])).await;
    assert_eq!(
        (status.as_u16(), body["typeKey"].as_str()),
        (400, Some("WorkItemLinkAddExtraParentException"))
    );
    let (_, body) = world.patch(a, json!([link(PARENT, b)])).await;
    assert!(
        body["message"].as_str().unwrap().starts_with("TF201035"),
        "{body}"
    );
    let (status, _) = world
        .patch(
            b,
            json!([{"op": "remove", "path": "/relations/0"}, link(PARENT, c)]),
        )
        .await;
    assert_eq!(status, 200, "old parent out, new parent in, in one patch");
}

#[tokio::test]
async fn hyperlinks_make_a_rev_and_the_same_one_twice_is_refused() {
    let world = World::new().await;
    let id = world.task("one");
    let add = json!([{"op": "add", "path": "/relations/-", "value": {"rel": "Hyperlink", "url": "https://peer.example/1", "attributes": {"comment": "peer"}}}]);
    let (_, body) = world.patch(id, add.clone()).await;
    assert_eq!(body["rev"], 2);
    let (_, body) = world.patch(id, add).await;
    assert_eq!(body["typeKey"], "RelationAlreadyExistsException");
}

#[tokio::test]
async fn relations_do_not_come_back_in_the_order_of_insertion() {
    let world = World::new().await;
    let parent = world.task("parent");
    let children: Vec<i64> = (0..6).map(|n| world.task(&format!("c{n}"))).collect();
    let operations: Vec<Value> = children.iter().map(|c| link(CHILD, *c)).collect();
    world.patch(parent, Value::Array(operations)).await;
    let (_, body) = world
        .get(&format!("/_apis/wit/workitems/{parent}?$expand=relations"))
        .await;
    let rows = body["relations"].as_array().unwrap();
    let ids: Vec<i64> = rows
        .iter()
        .map(|r| {
            r["url"]
                .as_str()
                .unwrap()
                .rsplit('/')
                .next()
                .unwrap()
                .parse()
                .unwrap()
        })
        .collect();
    assert_ne!(ids, children);
}

#[tokio::test]
async fn updates_of_links_repeat_the_rev_and_have_no_fields() {
    let world = World::new().await;
    let (parent, child) = (world.task("parent"), world.task("child"));
    world
        .ado
        .set_parent(child, Some(parent), "Ada Byron")
        .unwrap();
    let (_, body) = world
        .get(&format!("/_apis/wit/workItems/{child}/updates"))
        .await;
    let last = &body["value"][1];
    assert_eq!((&last["id"], &last["rev"]), (&json!(2), &json!(1)));
    assert_eq!(last.get("fields"), None);
    assert_eq!(last["relations"]["added"][0]["rel"], PARENT);
}
