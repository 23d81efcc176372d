//! Creating and changing items.

use crate::ado::world::{PARENT, World, link, set};
use reqwest::Method;
use serde_json::{Value, json};

/// Every refusal: operations against a fresh Task (rev 1), expected status, type key, start of the message.
#[tokio::test]
async fn refusals_have_the_documented_status_key_and_code() {
    let world = World::new().await;
    let id = world.task("one");
    let many_tags: Vec<String> = (0..101).map(|n| format!("t{n}")).collect();
    let table: Vec<(&str, Value, u16, &str, &str)> = vec![
        (
            "stale rev",
            json!([{"op": "test", "path": "/rev", "value": 7}]),
            412,
            "TestPatchOperationFailedException",
            "VS403351",
        ),
        (
            "field twice",
            json!([set("System.Title", "a"), set("System.Title", "b")]),
            400,
            "WorkItemPatchDocumentException",
            "VS403691",
        ),
        (
            "unknown person",
            json!([set("System.AssignedTo", "x@example.com")]),
            400,
            "WorkItemFieldInvalidException",
            "The identity value",
        ),
        (
            "unknown state",
            json!([set("System.State", "Done")]),
            400,
            "RuleValidationException",
            "TF401320",
        ),
        (
            "no title",
            json!([{"op": "remove", "path": "/fields/System.Title"}]),
            400,
            "RuleValidationException",
            "TF401320",
        ),
        (
            "long title",
            json!([set("System.Title", "x".repeat(256))]),
            400,
            "VssPropertyValidationException",
            "",
        ),
        (
            "tag with a refused character",
            json!([set("System.Tags", "ui; \u{1F916} bot")]),
            400,
            "InvalidTagNameException",
            "TF401407",
        ),
        (
            "read-only",
            json!([set("System.ChangedDate", "2026-01-01")]),
            400,
            "RuleValidationException",
            "TF401326",
        ),
        (
            "bad area",
            json!([set("System.AreaPath", "Shop\\Nowhere")]),
            400,
            "WorkItemFieldInvalidTreeNameException",
            "TF401347",
        ),
        (
            "too many tags",
            json!([set("System.Tags", many_tags.join("; "))]),
            400,
            "WorkItemTagLimitExceededException",
            "TF401243",
        ),
        (
            "bad priority",
            json!([set("Microsoft.VSTS.Common.Priority", 9)]),
            400,
            "RuleValidationException",
            "TF401320",
        ),
        (
            "format alone",
            json!([{"op": "add", "path": "/multilineFieldsFormat/System.Description", "value": "Markdown"}]),
            400,
            "VssPropertyValidationException",
            "",
        ),
        (
            "link to nothing",
            json!([link(PARENT, 999)]),
            404,
            "WorkItemUnauthorizedAccessException",
            "TF401232",
        ),
        (
            "bad index",
            json!([{"op": "remove", "path": "/relations/3"}]),
            400,
            "VssPropertyValidationException",
            "VS403676",
        ),
    ];
    for (case, operations, status, key, code) in table {
        let (got, body) = world.patch(id, operations).await;
        assert_eq!(
            (got.as_u16(), body["typeKey"].as_str().unwrap()),
            (status, key),
            "{case}: {body}"
        );
        assert!(
            body["message"].as_str().unwrap().starts_with(code),
            "{case}: {body}"
        );
        assert_eq!(body["$id"], "1", "{case}");
    }
    assert_eq!(
        world.ado.item(id).unwrap().rev,
        1,
        "a refused patch leaves nothing behind"
    );
}

#[tokio::test]
async fn a_patch_is_applied_whole_or_not_at_all() {
    let world = World::new().await;
    let id = world.task("one");
    let (status, _) = world
        .patch(
            id,
            json!([set("System.Title", "two"), set("System.State", "Nope")]),
        )
        .await;
    assert_eq!(status, 400);
    assert_eq!(world.ado.item(id).unwrap().fields["System.Title"], "one");
}

#[tokio::test]
async fn create_works_only_in_the_initial_state_and_gives_defaults() {
    let world = World::new().await;
    let (status, body) = world
        .create(
            "User%20Story",
            json!([set("System.Title", "t"), set("System.State", "Active")]),
        )
        .await;
    assert_eq!(
        (status.as_u16(), body["typeKey"].as_str()),
        (400, Some("RuleValidationException"))
    );
    let (status, body) = world
        .create("User%20Story", json!([set("System.Title", "t")]))
        .await;
    assert_eq!(status, 200, "{body}");
    assert_eq!(body["rev"], 1);
    assert_eq!(body["fields"]["System.State"], "New");
    assert_eq!(body["fields"]["System.AreaPath"], "Shop");
    assert_eq!(body["fields"]["Microsoft.VSTS.Common.Priority"], 2);
    assert_eq!(
        body["fields"].get("System.AssignedTo"),
        None,
        "unset fields are absent"
    );
    let (status, body) = world
        .create("Unicorn", json!([set("System.Title", "t")]))
        .await;
    assert_eq!(
        (status.as_u16(), body["typeKey"].as_str()),
        (404, Some("WorkItemTypeNotFoundException"))
    );
}

#[tokio::test]
async fn removed_items_go_back_to_new_only() {
    let world = World::new().await;
    let id = world.task("one");
    assert_eq!(
        world
            .patch(id, json!([set("System.State", "Removed")]))
            .await
            .0,
        200
    );
    assert_eq!(
        world
            .patch(id, json!([set("System.State", "Active")]))
            .await
            .0,
        400
    );
    let (status, body) = world.patch(id, json!([set("System.State", "new")])).await;
    assert_eq!(
        (status.as_u16(), &body["fields"]["System.State"]),
        (200, &json!("New"))
    );
}

#[tokio::test]
async fn closing_sets_and_reopening_clears_the_closed_fields() {
    let world = World::new().await;
    let id = world.task("one");
    let (_, body) = world
        .patch(id, json!([set("System.State", "Closed")]))
        .await;
    assert!(body["fields"]["Microsoft.VSTS.Common.ClosedDate"].is_string());
    let (_, body) = world
        .patch(id, json!([set("System.State", "Active")]))
        .await;
    assert_eq!(body["fields"].get("Microsoft.VSTS.Common.ClosedDate"), None);
}

#[tokio::test]
async fn a_patch_that_changes_nothing_makes_no_rev_unless_switched() {
    let world = World::new().await;
    let id = world.task("one");
    assert_eq!(
        world.patch(id, json!([set("System.Title", "one")])).await.1["rev"],
        1
    );
    world.ado.quirks(|q| q.noop_bumps_rev = true);
    assert_eq!(
        world.patch(id, json!([set("System.Title", "one")])).await.1["rev"],
        2
    );
}

#[tokio::test]
async fn html_is_rewritten_on_save() {
    let world = World::new().await;
    let id = world.task("one");
    let (_, body) = world
        .patch(
            id,
            json!([set("System.Description", "hi \u{1F916}<script>x</script>")]),
        )
        .await;
    assert_eq!(
        body["fields"]["System.Description"],
        "<div>hi &#129302;</div>"
    );
}

#[tokio::test]
async fn an_existing_tag_wins_over_another_spelling() {
    let world = World::new().await;
    let (one, two) = (world.task("one"), world.task("two"));
    world
        .patch(one, json!([set("System.Tags", "Front End; api")]))
        .await;
    let (_, body) = world
        .patch(
            two,
            json!([set("System.Tags", "front end; FRONT END; Zoo")]),
        )
        .await;
    assert_eq!(body["fields"]["System.Tags"], "Front End; Zoo");
}

#[tokio::test]
async fn people_are_written_in_many_forms_and_read_as_objects() {
    let world = World::new().await;
    let id = world.task("one");
    for form in [
        "ada@contoso.example",
        "Ada Byron",
        "Ada Byron <ADA@contoso.example>",
    ] {
        let (_, body) = world
            .patch(id, json!([set("System.AssignedTo", form)]))
            .await;
        assert_eq!(
            body["fields"]["System.AssignedTo"]["uniqueName"], "ada@contoso.example",
            "{form}"
        );
    }
    let (_, body) = world.patch(id, json!([set("System.AssignedTo", "")])).await;
    assert_eq!(body["fields"].get("System.AssignedTo"), None);
}

#[tokio::test]
async fn validate_only_saves_nothing() {
    let world = World::new().await;
    let id = world.task("one");
    let path = format!("/_apis/wit/workitems/{id}?validateOnly=true");
    let answer = world
        .send(
            Method::PATCH,
            &path,
            "application/json-patch+json",
            json!([set("System.Title", "two")]),
        )
        .await;
    assert_eq!(answer.status(), 200);
    assert_eq!(world.ado.item(id).unwrap().fields["System.Title"], "one");
    assert!(world.ledger.writes().is_empty());
}

#[tokio::test]
async fn the_rest_api_stops_at_the_revision_limit() {
    let world = World::new().await;
    let id = world.task("one");
    world.ado.quirks(|q| q.rev_limit = 2);
    assert_eq!(
        world.patch(id, json!([set("System.Title", "two")])).await.0,
        200
    );
    assert_eq!(
        world
            .patch(id, json!([set("System.Title", "three")]))
            .await
            .0,
        400
    );
    assert_eq!(
        world
            .ado
            .edit(id, &[("System.Title", "four".into())], "Ada Byron")
            .unwrap(),
        3,
        "people may go on"
    );
}
