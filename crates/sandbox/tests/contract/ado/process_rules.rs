//! Rules of a process, rights of a token, and what an administrator changes.

use crate::ado::world::{World, set};
use boardsync_sandbox::ado::{CustomRule, FieldDef, Kind, PriorityCleared};
use serde_json::{Value, json};

const PRIORITY: &str = "Microsoft.VSTS.Common.Priority";
const REMAINING: &str = "Microsoft.VSTS.Scheduling.RemainingWork";
const CAUSE: &str = "Custom.RootCause";

fn cause(named: bool) -> CustomRule {
    CustomRule::Required {
        state: "Closed".to_owned(),
        field: CAUSE.to_owned(),
        named,
    }
}

async fn with_cause(named: bool) -> World {
    let world = World::new().await;
    world.ado.add_field(FieldDef {
        reference: CAUSE.to_owned(),
        name: "Root Cause".to_owned(),
        kind: Kind::String,
        server_only: false,
    });
    world.ado.add_rule(cause(named));
    world
}

#[tokio::test]
async fn a_rule_names_a_field_that_was_not_sent() {
    let world = with_cause(true).await;
    let id = world.task("one");
    let patch = json!([set("System.Title", "two"), set("System.State", "Closed")]);
    let (status, body) = world.patch(id, patch).await;
    assert_eq!(
        (status.as_u16(), body["typeKey"].as_str()),
        (400, Some("RuleValidationException"))
    );
    assert!(
        body["message"].as_str().unwrap().starts_with("TF401320"),
        "{body}"
    );
    let rows = body["customProperties"]["RuleValidationErrors"]
        .as_array()
        .unwrap();
    assert_eq!(rows.len(), 1);
    assert_eq!(rows[0]["fieldReferenceName"], CAUSE);
    assert_eq!(world.ado.item(id).unwrap().rev, 1);
    let closing = json!([set("System.State", "Closed"), set(CAUSE, "typo")]);
    assert_eq!(world.patch(id, closing).await.0, 200);
}

#[tokio::test]
async fn a_rule_may_name_nothing_and_holds_for_every_save_in_that_state() {
    let world = with_cause(false).await;
    world.ado.clear_rules();
    let id = world.task("one");
    world
        .patch(id, json!([set("System.State", "Closed")]))
        .await;
    world.ado.add_rule(cause(false));
    let (status, body) = world.patch(id, json!([set("System.Title", "two")])).await;
    assert_eq!(
        (status.as_u16(), body["typeKey"].as_str()),
        (400, Some("RuleValidationException"))
    );
    assert!(
        body.get("customProperties").is_none() && !body.to_string().contains("Cause"),
        "{body}"
    );
}

#[tokio::test]
async fn several_broken_rules_are_told_together() {
    let world = with_cause(true).await;
    let id = world.task("one");
    let patch = json!([set("System.State", "Closed"), set(REMAINING, 2)]);
    let (_, body) = world.patch(id, patch).await;
    let rows = body["customProperties"]["RuleValidationErrors"]
        .as_array()
        .unwrap();
    let names: Vec<&str> = rows
        .iter()
        .map(|row| row["fieldReferenceName"].as_str().unwrap())
        .collect();
    assert_eq!(names, [REMAINING, CAUSE]);
}

#[tokio::test]
async fn closing_empties_the_remaining_work_and_refuses_a_value_with_it() {
    let world = World::new().await;
    let id = world.task("one");
    world.patch(id, json!([set(REMAINING, 4)])).await;
    let both = json!([
        set("System.State", "Closed"),
        set(REMAINING, 2),
        set("System.Title", "two")
    ]);
    let (status, body) = world.patch(id, both).await;
    assert_eq!(status, 400);
    assert_eq!(
        body["customProperties"]["RuleValidationErrors"][0]["fieldReferenceName"],
        REMAINING
    );
    assert!(
        body["message"]
            .as_str()
            .unwrap()
            .contains("InvalidNotEmpty"),
        "{body}"
    );
    let (_, body) = world
        .patch(id, json!([set("System.State", "Closed")]))
        .await;
    assert_eq!(body["fields"].get(REMAINING), None);
    assert_eq!(world.patch(id, json!([set(REMAINING, 1)])).await.0, 400);
}

#[tokio::test]
async fn a_rule_may_set_another_field_in_the_same_save() {
    let world = World::new().await;
    let id = world.task("one");
    world.ado.add_rule(CustomRule::Sets {
        state: "Active".to_owned(),
        field: PRIORITY.to_owned(),
        value: json!(1),
    });
    let (_, body) = world
        .patch(id, json!([set("System.State", "Active")]))
        .await;
    assert_eq!(
        (&body["rev"], &body["fields"][PRIORITY]),
        (&json!(2), &json!(1))
    );
    let (_, body) = world.patch(id, json!([set(PRIORITY, 3)])).await;
    assert_eq!(
        body["fields"][PRIORITY], 3,
        "it stays in the state, so the rule is silent"
    );
}

#[tokio::test]
async fn a_write_may_be_accepted_without_effect() {
    let world = World::new().await;
    let id = world.task("one");
    world.ado.add_rule(CustomRule::Keeps {
        field: PRIORITY.to_owned(),
        value: Some(json!(4)),
    });
    let (status, body) = world.patch(id, json!([set(PRIORITY, 4)])).await;
    assert_eq!(
        (status.as_u16(), &body["rev"], &body["fields"][PRIORITY]),
        (200, &json!(2), &json!(2))
    );
    let (_, body) = world
        .patch(id, json!([set(PRIORITY, 3), set("System.Title", "two")]))
        .await;
    assert_eq!(
        (&body["fields"][PRIORITY], &body["fields"]["System.Title"]),
        (&json!(3), &json!("two"))
    );
    world
        .ado
        .edit(id, &[(PRIORITY, json!(4))], "Ada Byron")
        .unwrap();
    assert_eq!(
        world.ado.item(id).unwrap().fields[PRIORITY],
        4,
        "people are not concerned"
    );
}

#[tokio::test]
async fn a_priority_that_is_cleared_stays_empty_comes_back_or_is_refused() {
    let world = World::new().await;
    for (how, status, left) in [
        (PriorityCleared::Empty, 200, None),
        (PriorityCleared::Default, 200, Some(json!(2))),
        (PriorityCleared::Refused, 400, Some(json!(1))),
    ] {
        world.ado.quirks(|q| q.priority_cleared = how);
        let id = world.task("one");
        world.patch(id, json!([set(PRIORITY, 1)])).await;
        let clear = json!([{"op": "remove", "path": format!("/fields/{PRIORITY}")}]);
        assert_eq!(world.patch(id, clear).await.0, status, "{how:?}");
        assert_eq!(
            world.ado.item(id).unwrap().fields.get(PRIORITY),
            left.as_ref(),
            "{how:?}"
        );
    }
}

#[tokio::test]
async fn a_change_of_type_moves_no_text() {
    let world = World::new().await;
    const STEPS: &str = "Microsoft.VSTS.TCM.ReproSteps";
    let fields = [
        ("System.Title", json!("bug")),
        (STEPS, json!("<p>steps</p>")),
    ];
    let id = world.ado.create_item("Shop", "Bug", &fields).unwrap();
    let (_, body) = world
        .patch(id, json!([set("System.WorkItemType", "User Story")]))
        .await;
    assert_eq!(body["fields"]["System.WorkItemType"], "User Story");
    assert_eq!(body["fields"][STEPS], "<p>steps</p>");
    assert_eq!(body["fields"].get("System.Description"), None);
    world.ado.quirks(|q| q.shows_fields_of_former_type = false);
    let path = format!("/_apis/wit/workitems/{id}");
    assert_eq!(world.get(&path).await.1["fields"].get(STEPS), None);
    world
        .patch(id, json!([set("System.WorkItemType", "Bug")]))
        .await;
    assert_eq!(world.get(&path).await.1["fields"][STEPS], "<p>steps</p>");
}

#[tokio::test]
async fn somebody_who_left_stays_in_old_values_only() {
    let world = World::new().await;
    let (one, two) = (world.task("one"), world.task("two"));
    let ada = json!([set("System.AssignedTo", "ada@contoso.example")]);
    world.patch(one, ada.clone()).await;
    assert!(world.ado.leave("Ada Byron"));
    assert_eq!(world.patch(two, ada).await.0, 400);
    assert_eq!(
        world
            .patch(one, json!([set("System.Title", "one!")]))
            .await
            .0,
        200
    );
    world.ado.quirks(|q| q.refuses_people_who_left = true);
    let (_, body) = world.patch(one, json!([set("System.Title", "one?")])).await;
    assert_eq!(
        body["customProperties"]["FieldReferenceName"],
        "System.AssignedTo"
    );
    assert_eq!(
        world
            .patch(one, json!([set("System.AssignedTo", "")]))
            .await
            .0,
        200
    );
}

#[tokio::test]
async fn a_renamed_area_changes_paths_without_a_revision_and_the_old_one_is_refused() {
    let world = World::new().await;
    let area = |path: &str| {
        [
            ("System.Title", json!("t")),
            ("System.AreaPath", json!(path)),
        ]
    };
    let id = world
        .ado
        .create_item("Shop", "Task", &area("Shop\\Web\\Checkout"))
        .unwrap();
    let before = world.ado.item(id).unwrap();
    assert!(world.ado.rename_area("Shop", "Web", "Site"));
    let after = world.ado.item(id).unwrap();
    assert_eq!(after.fields["System.AreaPath"], "Shop\\Site\\Checkout");
    assert_eq!(
        (after.rev, &after.fields["System.ChangedDate"]),
        (before.rev, &before.fields["System.ChangedDate"])
    );
    assert_eq!(
        world.ids("[System.AreaPath] UNDER 'Shop\\Site'", "").await,
        [id]
    );
    let query = |path: &str| {
        format!(
            "SELECT [System.Id] FROM WorkItems WHERE [System.Id] > 0 AND [System.AreaPath] {path}"
        )
    };
    for condition in [
        "UNDER 'Shop\\Web'",
        "NOT UNDER 'Shop\\Web'",
        "UNDER 'Shop\\Site' OR [System.IterationPath] UNDER 'Shop\\Gone'",
    ] {
        let (status, body) = world.wiql(&query(condition), "").await;
        assert_eq!(
            (status.as_u16(), body["typeKey"].as_str()),
            (400, Some("SyntaxException")),
            "{condition}"
        );
        assert!(
            body["message"].as_str().unwrap().starts_with("TF51011"),
            "{body}"
        );
    }
    assert!(!world.ado.rename_area("Shop", "Web", "Site"));
}

#[tokio::test]
async fn a_renamed_project_keeps_its_id() {
    let world = World::new().await;
    let id = world.task("one");
    let (_, before) = world.get("/_apis/projects/Shop").await;
    assert!(world.ado.rename_project("Shop", "Store"));
    let (_, after) = world.get("/_apis/projects/Store").await;
    assert_eq!(
        (&after["id"], &after["name"]),
        (&before["id"], &json!("Store"))
    );
    assert_eq!(world.get("/_apis/projects/Shop").await.0, 404);
    let item = world.ado.item(id).unwrap();
    assert_eq!(
        (
            &item.fields["System.TeamProject"],
            &item.fields["System.AreaPath"]
        ),
        (&json!("Store"), &json!("Store"))
    );
    assert_eq!(item.rev, 1);
}

#[tokio::test]
async fn a_token_without_some_scope_sees_no_relations_not_even_its_own() {
    let world = World::new().await;
    let id = world.task("one");
    let link = |url: &str| json!([{"op": "add", "path": "/relations/-", "value": {"rel": "Hyperlink", "url": url, "attributes": {"comment": "peer"}}}]);
    let (_, body) = world.patch(id, link("https://peer.example/1")).await;
    let attributes = &body["relations"][0]["attributes"];
    for name in [
        "id",
        "authorizedDate",
        "resourceCreatedDate",
        "resourceModifiedDate",
        "revisedDate",
        "comment",
    ] {
        assert!(attributes.get(name).is_some(), "{name}: {body}");
    }
    world.ado.quirks(|q| q.sees_relations = false);
    let (status, body) = world.patch(id, link("https://peer.example/2")).await;
    assert_eq!((status.as_u16(), body.get("relations")), (200, None));
    for path in ["$expand=relations", "$expand=all"] {
        let (_, body) = world
            .get(&format!("/_apis/wit/workitems/{id}?{path}"))
            .await;
        assert_eq!(body.get("relations"), None, "{path}");
    }
    assert_eq!(world.ado.item(id).unwrap().relations.len(), 2);
}

#[tokio::test]
async fn a_create_ignores_the_id_and_a_listing_refuses_an_unknown_field() {
    let world = World::new().await;
    let (status, body) = world
        .create(
            "Task",
            json!([set("System.Title", "t"), set("System.Id", 77)]),
        )
        .await;
    assert_eq!(status, 200, "{body}");
    assert_ne!(body["id"], 77);
    let id = body["id"].clone();
    let batch = json!({"ids": [id], "fields": ["System.Id", "Custom.Gone"]});
    let (status, body) = world.post("/_apis/wit/workitemsbatch", batch).await;
    assert_eq!(status, 400);
    assert!(
        body["message"].as_str().unwrap().starts_with("TF51535"),
        "{body}"
    );
    let (status, _) = world
        .get(&format!("/_apis/wit/workitems/{id}?fields=Custom.Gone"))
        .await;
    assert_eq!(status, 400);
    let feed = "/Shop/_apis/wit/reporting/workitemrevisions?fields=Custom.Gone";
    assert_eq!(world.get(feed).await.0, 400);
}

#[tokio::test]
async fn leaves_of_the_tree_have_null_for_children() {
    let world = World::new().await;
    let (_, body) = world
        .get("/Shop/_apis/wit/classificationnodes/areas?$depth=3")
        .await;
    let checkout = &body["children"][0]["children"][0];
    assert_eq!(checkout.get("children"), Some(&Value::Null), "{body}");
    let (_, body) = world.get("/Shop/_apis/wit/classificationnodes/areas").await;
    assert_eq!(body.get("children"), None, "not asked for");
}
