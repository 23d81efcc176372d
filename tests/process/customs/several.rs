//! Custom fields with several names or people, and with a list of numbers.

use super::*;

const TEAMS: &str = "0f7c1c5e-5d0e-4e58-9d3f-00000000cafe";
const REVIEWERS: &str = "0f7c1c5e-5d0e-4e58-9d3f-00000000babe";
const TIER: &str = "0f7c1c5e-5d0e-4e58-9d3f-00000000f1ee";
const ROWS: &str = "[[pair.field]]\nclickup = \"custom:Teams\"\nado = \"Custom.Teams\"\n\n\
                    [[pair.field]]\nclickup = \"custom:Reviewers\"\nado = \"Custom.Reviewer\"\n\n\
                    [[pair.field]]\nclickup = \"custom:Tier\"\nado = \"Custom.Tier\"\n";

/// A field of labels, one of users and one of numbers, each with its counterpart.
async fn with_several() -> Bench {
    let bench = with_fields(ROWS).await;
    for (reference, kind) in [
        ("Custom.Teams", Kind::String),
        ("Custom.Reviewer", Kind::Identity),
        ("Custom.Tier", Kind::Integer),
    ] {
        bench.world.ado.add_field(FieldDef {
            reference: reference.to_owned(),
            name: format!("{reference} (ours)"),
            kind,
            server_only: false,
        });
    }
    bench.world.clickup.custom_fields(|fields| {
        let labels = [("l-web", "Web"), ("l-shop", "Shop"), ("l-app", "App")];
        let labels = labels.map(|(id, label)| json!({"id": id, "label": label, "color": null}));
        let mut teams = SandboxField::new(TEAMS, "Teams", "labels");
        teams.type_config = json!({ "options": labels });
        fields.push(teams);
        fields.push(SandboxField::new(REVIEWERS, "Reviewers", "users"));
        fields.push(SandboxField::new(TIER, "Tier", "number"));
    });
    bench
}

fn put(bench: &Bench, task: &str, id: &str, value: Value) {
    let edit = json!({"custom_fields": [{"id": id, "value": value}]});
    bench.world.clickup.edit(task, &edit).unwrap();
}

/// The mail addresses of those whom a task shows as reviewers.
fn reviewers(bench: &Bench, task: &str) -> Vec<String> {
    let shown = value(bench, task, "Reviewers");
    let users = shown.as_array().cloned().unwrap_or_default();
    let mails = users.iter().filter_map(|user| user["email"].as_str());
    mails.map(str::to_owned).collect()
}

fn reviewer(bench: &Bench, id: i64) -> String {
    let shown = field(bench, id, "Custom.Reviewer");
    shown["uniqueName"].as_str().unwrap_or_default().to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn labels_users_and_listed_numbers_go_both_ways_and_are_cleared() {
    let bench = with_several().await;
    bench.run(&["check"]).await.left_with(0);
    let there = bug(
        &bench,
        "From ADO",
        &[
            ("Custom.Teams", json!("shop; Web")),
            ("Custom.Reviewer", json!("ada@contoso.example")),
            ("Custom.Tier", json!(2)),
        ],
    );
    let body = json!({"name": "From ClickUp", "custom_item_id": 1300, "custom_fields": [
        {"id": TEAMS, "value": ["l-app"]}, {"id": REVIEWERS, "value": {"add": [1003], "rem": []}},
        {"id": TIER, "value": 3}]});
    let here = bench.world.clickup.create_task(LIST, &body).unwrap();
    first_yes(&bench).await;
    let (task, made) = (bench.task_named("From ADO"), there + 1);
    let teams = value(&bench, &task, "Teams");
    let mut teams: Vec<&str> = teams
        .as_array()
        .unwrap()
        .iter()
        .filter_map(Value::as_str)
        .collect();
    teams.sort_unstable();
    assert_eq!(teams, ["l-shop", "l-web"]);
    assert_eq!(reviewers(&bench, &task), ["ada@example.com"]);
    assert_eq!(value(&bench, &task, "Tier"), "2");
    assert_eq!(field(&bench, made, "Custom.Teams"), "App");
    assert_eq!(reviewer(&bench, made), "grace@contoso.example");
    assert_eq!(field(&bench, made, "Custom.Tier"), 3);
    bench.quiet().await;

    // Both sides add a label; somebody joins the reviewer in ClickUp, which Azure DevOps has no room for.
    edit(&bench, there, &[("Custom.Teams", json!("App; shop; Web"))]);
    put(&bench, &task, TEAMS, json!(["l-web"]));
    put(&bench, &task, REVIEWERS, json!({"add": [1003], "rem": []}));
    edit(
        &bench,
        made,
        &[
            ("Custom.Teams", Value::Null),
            ("Custom.Reviewer", json!("ada@contoso.example")),
            ("Custom.Tier", Value::Null),
        ],
    );
    bench.run(&["reconcile", "--once"]).await.left_with(0);
    assert_eq!(field(&bench, there, "Custom.Teams"), "App; Web");
    let mut teams = value(&bench, &task, "Teams").as_array().unwrap().clone();
    teams.sort_by_key(ToString::to_string);
    assert_eq!(teams, ["l-app", "l-web"]);
    assert_eq!(reviewer(&bench, there), "ada@contoso.example");
    assert_eq!(
        reviewers(&bench, &task),
        ["ada@example.com", "bo@example.com"]
    );
    assert!(
        value(&bench, &here, "Teams")
            .as_array()
            .is_none_or(Vec::is_empty)
    );
    assert_eq!(reviewers(&bench, &here), ["ada@example.com"]);
    assert_eq!(value(&bench, &here, "Tier"), Value::Null);
    bench.quiet().await;

    // Cleared in ClickUp.
    put(&bench, &task, TEAMS, json!([]));
    put(
        &bench,
        &task,
        REVIEWERS,
        json!({"add": [], "rem": [1002, 1003]}),
    );
    bench.run(&["reconcile", "--once"]).await.left_with(0);
    assert_eq!(field(&bench, there, "Custom.Teams"), Value::Null);
    assert_eq!(reviewer(&bench, there), "");
    bench.quiet().await;
}

/// What a side has no counterpart of is held, by name and whole, and everything else of the item flows.
#[tokio::test(flavor = "multi_thread")]
async fn labels_users_and_numbers_without_a_counterpart_are_held() {
    let bench = with_several().await;
    let id = bug(&bench, "One", &[("Custom.Teams", json!("Web"))]);
    first_yes(&bench).await;
    let task = bench.task_named("One");
    edit(
        &bench,
        id,
        &[
            ("Custom.Teams", json!("Web; Unheard of")),
            ("System.Title", json!("Uno")),
        ],
    );
    put(&bench, &task, TIER, json!(7));
    put(&bench, &task, REVIEWERS, json!({"add": [1004], "rem": []}));
    bench.run(&["reconcile", "--once"]).await.left_with(3);
    let status = bench.run(&["status"]).await;
    status
        .says("Unheard of")
        .says("custom:Tier")
        .says("gil@example.net");
    assert_eq!(bench.titles(), ["Uno"]);
    assert_eq!(value(&bench, &task, "Teams"), json!(["l-web"]));
    assert_eq!(field(&bench, id, "Custom.Tier"), Value::Null);
    bench.open_and_quiet().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn labels_beside_a_list_of_single_values_are_refused_with_the_reason() {
    let bench = with_several().await;
    bench.replace_config("Custom.Teams", "Microsoft.VSTS.Common.Severity");
    let check = bench.run(&["check"]).await;
    check.says("it takes one value out of a list, and labels are several");
}
