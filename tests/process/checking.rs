//! `check`: what it finds in both services, and that it saves nothing.

use super::bench::{Bench, status};
use boardsync::model::Side;
use boardsync::sandbox::faults::Fault;
use boardsync::sandbox::world::LIST;
use serde_json::json;

const VALIDATE: &str = "validateonly=true";

fn answer(body: serde_json::Value) -> Fault {
    Fault::Status {
        status: 200,
        body: body.to_string(),
        content_type: "application/json".to_owned(),
        headers: Vec::new(),
    }
}

fn validations(bench: &Bench) -> usize {
    let entries = bench.world.ledger.entries();
    let asked = |path: &str| path.to_ascii_lowercase().contains(VALIDATE);
    entries.iter().filter(|entry| asked(&entry.path)).count()
}

#[tokio::test(flavor = "multi_thread")]
async fn only_check_has_a_create_validated_and_nothing_is_saved() {
    let bench = Bench::new().await;
    bench.run(&["plan"]).await.left_with(0);
    assert_eq!(validations(&bench), 0);
    bench
        .run(&["check"])
        .await
        .left_with(0)
        .says("warning: web: ADO type \"Task\" has no state \"Resolved\"")
        .says("validate a new Bug, Task, User Story; nothing was saved");
    assert_eq!(validations(&bench), 5, "three types and two people");
    assert_eq!(bench.world.ledger.writes(), []);
    let highest = bench.ids.iter().max().unwrap();
    assert!(bench.world.ado.item(highest + 1).is_none());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_that_only_reads_leaves_with_77_and_says_what_to_do() {
    for code in [401, 403] {
        let bench = Bench::new().await;
        bench.fault(Side::Ado, Some("POST"), VALIDATE, status(code, &[]), 1);
        bench
            .run(&["check"])
            .await
            .left_with(77)
            .says("error: web: ADO: The token may not create or change work items")
            .says("Work Items (Read & write)");
        assert_eq!(validations(&bench), 1, "the other types were asked for too");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rule_that_refuses_a_bare_item_is_a_warning() {
    let bench = Bench::new().await;
    bench.fault(Side::Ado, Some("POST"), VALIDATE, status(400, &[]), 1);
    bench
        .run(&["check"])
        .await
        .left_with(0)
        .says("warning: web: ADO: A new \"Bug\"");
    let bench = Bench::new().await;
    bench.replace_config("name = \"web\"", "name = \"web\"\ncreate = \"clickup\"");
    bench.fault(Side::Ado, Some("POST"), VALIDATE, status(400, &[]), 1);
    let ran = bench.run(&["check"]).await.left_with(0);
    assert!(!ran.out.contains("A new"), "{}", ran.out);
    assert_eq!(validations(&bench), 3, "one type and two people");
}

#[tokio::test(flavor = "multi_thread")]
async fn rights_in_clickup_are_checked_by_reading() {
    let list = |level: &str| {
        answer(
            json!({"id": "901100000001", "name": "Web", "permission_level": level,
            "statuses": [{"status": "to do", "type": "open", "orderindex": 0}, {"status": "in progress", "type": "custom", "orderindex": 1},
                {"status": "in review", "type": "done", "orderindex": 2}, {"status": "complete", "type": "closed", "orderindex": 3}]}),
        )
    };
    for (level, code, text) in [
        (
            "read",
            77,
            "error: web: ClickUp: The token's user may only read in list Web",
        ),
        (
            "edit",
            0,
            "warning: web: ClickUp: The token's user may edit but not create",
        ),
        ("create", 0, "fits both services"),
    ] {
        let bench = Bench::new().await;
        bench.fault(
            Side::ClickUp,
            Some("GET"),
            "/list/901100000001",
            list(level),
            1,
        );
        bench.run(&["check"]).await.left_with(code).says(text);
        assert_eq!(bench.world.ledger.writes(), []);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_list_that_may_not_be_seen_leaves_with_77_and_one_that_is_not_there_with_78() {
    for (code, left) in [(401, 77), (404, 78)] {
        let bench = Bench::new().await;
        let fault = status(code, &[]);
        bench.fault(Side::ClickUp, Some("GET"), "/list/901100000001", fault, 1);
        bench
            .run(&["check"])
            .await
            .left_with(left)
            .says("List 901100000001 could not be read");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_guests_token_is_pointed_out() {
    let bench = Bench::new().await;
    let member = |id: i64, mail: &str, role: i64| json!({"user": {"id": id, "username": "Sync", "email": mail, "role": role}});
    let teams = json!({"teams": [{"id": "9010000001", "members":
        [member(1001, "robot@example.com", 4), member(1002, "ada@example.com", 3), member(1003, "bo@example.com", 3)]}]});
    bench.fault(Side::ClickUp, Some("GET"), "/team", answer(teams), 1);
    bench
        .run(&["check"])
        .await
        .left_with(0)
        .says("is a guest")
        .says("fits both services");
}

#[tokio::test(flavor = "multi_thread")]
async fn both_refused_tokens_are_named_at_once() {
    let bench = Bench::new().await;
    bench.fault(Side::Ado, None, "", Fault::TokenRevoked, u32::MAX);
    bench.fault(Side::ClickUp, None, "", Fault::TokenRevoked, u32::MAX);
    bench
        .run(&["check"])
        .await
        .left_with(77)
        .says("personal access token")
        .says("[clickup] token")
        .says("2 errors");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_condition_that_the_service_refuses_is_found() {
    let bench = Bench::new().await;
    bench.replace_config("[System.WorkItemType] IN", "[System.WorkItemTyp] IN");
    bench.run(&["check"]).await.left_with(78).says("ado.where");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_blocked_transition_is_a_warning_with_the_way_around() {
    let bench = Bench::new().await;
    bench.replace_config(
        "[\"Resolved\", \"in review\"]",
        "[\"Removed\", \"in review\"]",
    );
    let ran = bench.run(&["check"]).await.left_with(0);
    let story =
        "warning: web: ADO type \"User Story\" blocks a direct move, so these are made in steps: ";
    assert!(ran.out.contains(story), "{}", ran.out);
    assert!(ran.out.contains("Removed -> New -> Active"), "{}", ran.out);
    let report = bench.run(&["check", "--json"]).await.left_with(0).json();
    assert_eq!(report["ok"], true);
    assert_eq!(report["findings"][0]["kind"], "warning");
    assert_eq!(report["validated"], json!(["Bug", "Task", "User Story"]));
}

/// Else the first item of theirs is held, weeks later.
#[tokio::test(flavor = "multi_thread")]
async fn a_person_whom_azure_devops_does_not_know_is_told_with_the_place() {
    let bench = Bench::new().await;
    bench.run(&["check"]).await.left_with(0);
    let text = std::fs::read_to_string(&bench.config).unwrap();
    let people = text.lines().find(|line| line.starts_with("people"));
    let people = people.expect("people in the configuration").to_owned();
    let other = "people = [[\"nobody@contoso.example\", \"bo@example.com\"]]";
    bench.replace_config(&people, other);
    let ran = bench.run(&["check"]).await.left_with(78);
    ran.says("error: web: ADO does not take nobody@contoso.example as an assignee")
        .says("config.toml:");
    assert_eq!(bench.world.ledger.writes(), []);
}

/// The line that `check` says about a value that a service does not know, with its place.
async fn complaint(from: &str, to: &str) -> String {
    let bench = Bench::new().await;
    bench.replace_config(from, to);
    let ran = bench.run(&["check"]).await.left_with(78);
    let mut lines = ran.out.lines();
    let line = lines.find(|line| line.contains(": error: "));
    let line = line.unwrap_or_else(|| panic!("{}", ran.out)).to_owned();
    let places = line.split(": error: ").next().unwrap_or_default();
    let numbers = places.rsplit(':').take(2).map(str::parse::<usize>);
    assert_eq!(numbers.filter(Result::is_ok).count(), 2, "{line}");
    if !to.contains("canary") {
        // A plan stops at the same value, with the same code.
        bench.run(&["plan"]).await.left_with(78);
    }
    line
}

/// Else somebody makes a new token, which is as little use as the one before.
#[tokio::test(flavor = "multi_thread")]
async fn a_value_of_the_configuration_that_a_service_does_not_know_is_an_error_at_its_place() {
    let url = complaint("/contoso\"", "/elsewhere\"").await;
    assert!(url.contains("no organisation or collection"), "{url}");
    assert!(url.contains("[ado] url"), "{url}");
    let project = complaint("project = \"Shop\"", "project = \"Shoe\"").await;
    assert!(
        project.contains("present name into ado.project"),
        "{project}"
    );
    let workspace = complaint("\"9010000001\"", "\"9010000002\"").await;
    assert!(
        workspace.contains("correct [clickup] workspace"),
        "{workspace}"
    );
    assert!(
        workspace.contains("It has access to 9010000001"),
        "{workspace}"
    );
    assert!(!workspace.contains("new API token"), "{workspace}");
    let list = complaint("\"901100000001\"", "\"901100000009\"").await;
    assert!(list.contains("List 901100000009"), "{list}");
    let area = complaint(
        "name = \"web\"",
        "name = \"web\"\nado.area = 'Shop\\Nowhere'",
    )
    .await;
    assert!(area.contains("Nowhere"), "{area}");
    let canary = complaint("name = \"web\"", "name = \"web\"\nado.canary = 4711").await;
    assert!(canary.contains("ado.canary"), "{canary}");
}

/// What every pair shares is one error, however many pairs there are.
#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_workspace_that_comes_from_the_environment_is_named_by_its_variable() {
    let bench = Bench::new().await;
    bench.replace_config("workspace = \"9010000001\"\n", "");
    let mut command = bench.command(&["check"]);
    command.env("CLICKUP_WORKSPACE_ID", "9010000002");
    let ran = super::bench::end(command).await.left_with(78);
    ran.says("CLICKUP_WORKSPACE_ID").says("1 error");
}

/// Every workspace has the type; nobody can do anything about that.
#[tokio::test(flavor = "multi_thread")]
async fn the_type_that_every_workspace_has_is_told_only_where_a_task_has_it() {
    let bench = Bench::new().await;
    let ran = bench.run(&["check"]).await.left_with(0);
    assert!(!ran.out.contains("Milestone"), "{}", ran.out);
    let task = json!({ "name": "Release", "custom_item_id": 1 });
    bench.world.clickup.create_task(LIST, &task).unwrap();
    let ran = bench.run(&["check"]).await.left_with(0);
    ran.says("ClickUp task types that stand in no row of types: \"Milestone\"");
}

/// What could not be read is told once, and not as something that a service lacks.
#[tokio::test(flavor = "multi_thread")]
async fn what_could_not_be_read_is_not_told_as_missing() {
    for (path, what) in [
        ("/custom_item", "The task types"),
        ("/list/901100000001", "List 901100000001"),
    ] {
        let bench = Bench::new().await;
        bench.fault(Side::ClickUp, Some("GET"), path, status(404, &[]), 1);
        let checked = bench.run(&["check"]).await.left_with(78);
        let checked = checked.says(&format!("{what} could not be read"));
        assert!(!checked.out.contains("ClickUp has no"), "{}", checked.out);
        assert!(!checked.out.contains("it has:"), "{}", checked.out);
    }
}
