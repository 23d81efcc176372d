//! Conflicts in which nothing can be chosen: every command says why, and none names a command that would be refused.

use super::*;

const SIZE: &str = "[[pair.field]]\nclickup = \"custom:Size\"\nado = \"Custom.Size\"\n";

/// A conflict about a number: 4 in Azure DevOps, 2.5 in ClickUp.
async fn contested() -> (Bench, i64) {
    let bench = with_fields(SIZE).await;
    bench.replace_config("name = \"web\"", "name = \"web\"\nconflict = \"hold\"");
    let id = bug(&bench, "One", &[("Custom.Size", json!(1))]);
    first_yes(&bench).await;
    let task = bench.task_named("One");
    edit(&bench, id, &[("Custom.Size", json!(4.0))]);
    set(&bench, &task, "Size", json!(2.5));
    bench.run(&["reconcile", "--once"]).await.left_with(3);
    (bench, id)
}

async fn offers_nothing(bench: &Bench, why: &str) {
    let shown = bench.run(&["conflicts", "show", "1"]).await.left_with(0);
    let shown = shown.says(why);
    assert!(!shown.out.contains("--take"), "{}", shown.out);
    let list = bench.run(&["conflicts"]).await.left_with(0);
    let list = list.says("nothing can be chosen at present in 1;");
    assert!(!list.out.contains("settle one with"), "{}", list.out);
    let json = bench.run(&["conflicts", "--json"]).await.json();
    assert!(json["conflicts"][0]["barred"].is_string(), "{json}");
}

fn rename_size(bench: &Bench, to: &str) {
    bench.world.clickup.custom_fields(|fields| {
        let size = fields.iter_mut().find(|field| field.id == id_of("Size"));
        to.clone_into(&mut size.unwrap().name);
    });
    bench.forget_names();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_conflict_that_can_be_settled_is_not_barred() {
    let (bench, _) = contested().await;
    let shown = bench.run(&["conflicts", "show", "1"]).await.left_with(0);
    shown.says("--take ado").says("--take clickup");
    let json = bench.run(&["conflicts", "--json"]).await.json();
    assert_eq!(json["conflicts"][0]["barred"], Value::Null);
}

#[tokio::test(flavor = "multi_thread")]
async fn of_a_field_that_stands_still_every_command_says_that_it_does() {
    let (bench, id) = contested().await;
    rename_size(&bench, "Girth");
    bench.run(&["reconcile", "--once"]).await.left_with(3);
    offers_nothing(&bench, "custom:Size stands still").await;
    let take = ["conflicts", "resolve", "1", "--take", "ado"];
    let refused = bench.run(&take).await.left_with(64);
    let refused = refused.says("cannot be settled at present");
    assert!(
        !refused.err.contains("not synced any more"),
        "{}",
        refused.err
    );
    let why = bench.run(&["why", &id.to_string()]).await.left_with(0);
    why.says("custom:Size").says("stands still");
    let json = bench.run(&["why", &id.to_string(), "--json"]).await.json();
    let fields = json["links"][0]["fields"].as_array().unwrap();
    let size = fields.iter().find(|field| field["field"] == "custom:Size");
    assert_eq!(size.unwrap()["conflict"], 1, "{json}");
    rename_size(&bench, "Size");
    bench.run(&["reconcile", "--once"]).await.left_with(3);
    bench.run(&take).await.left_with(0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_choice_about_a_field_that_stands_still_is_promised_by_nobody() {
    let (bench, _) = contested().await;
    let take = ["conflicts", "resolve", "1", "--take", "ado"];
    bench.run(&take).await.left_with(0);
    let status = bench.run(&["status"]).await;
    status.says("1 conflict is chosen: the next cycle carries that out");
    rename_size(&bench, "Girth");
    bench.run(&["reconcile", "--once"]).await.left_with(3);
    let status = bench.run(&["status"]).await.left_with(3);
    let status = status.says("1 conflict is chosen, and no cycle carries that out at present");
    assert!(
        !status.out.contains("the next cycle carries"),
        "{}",
        status.out
    );
    let shown = bench.run(&["conflicts", "show", "1"]).await.left_with(0);
    shown
        .says("no cycle carries it out at present")
        .says("--withdraw");
    let quiet = bench.run(&["--quiet", "status"]).await.left_with(3);
    quiet.says("1 choice in a conflict cannot be carried out at present");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_entry_that_is_switched_off_or_names_another_field_bars_a_choice() {
    let (bench, _) = contested().await;
    bench.replace_config("\"Custom.Size\"", "\"Custom.Size\"\ndirection = \"none\"");
    offers_nothing(&bench, "the configuration does not sync custom:Size").await;

    let (bench, _) = contested().await;
    bench.replace_config("\"Custom.Size\"", "\"Custom.Count\"");
    offers_nothing(
        &bench,
        "names another field of Azure DevOps than when this was recorded",
    )
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_field_that_flows_one_way_offers_only_what_can_be_written() {
    let (bench, _) = contested().await;
    bench.replace_config("\"Custom.Size\"", "\"Custom.Size\"\ndirection = \"to_ado\"");
    let shown = bench.run(&["conflicts", "show", "1"]).await.left_with(0);
    let shown = shown
        .says("custom:Size is not written to ClickUp (`direction`), so only ClickUp's value can be taken")
        .says("--take clickup");
    assert!(!shown.out.contains("--take ado"), "{}", shown.out);
}

/// The run was good, and nothing of the field is written at present.
#[tokio::test(flavor = "multi_thread")]
async fn an_undo_of_a_field_that_stands_still_says_so() {
    let bench = with_fields(SIZE).await;
    let id = bug(&bench, "One", &[("Custom.Size", json!(1))]);
    first_yes(&bench).await;
    edit(&bench, id, &[("Custom.Size", json!(4.0))]);
    bench.run(&["reconcile", "--once"]).await.left_with(0);
    let runs = bench.run(&["undo", "--json"]).await.json();
    let run = runs["runs"][0]["run"].as_str().unwrap().to_owned();
    rename_size(&bench, "Girth");
    let undo = bench.run(&["undo", &run, "--dry-run"]).await.left_with(3);
    let undo = undo.says("nothing of this field is written at present: ");
    assert!(
        !undo.out.contains("does not sync this field"),
        "{}",
        undo.out
    );
}

/// Both names of an entry are wrong, and whoever mends one would be told of the other only then.
#[tokio::test(flavor = "multi_thread")]
async fn check_names_both_wrong_names_of_one_entry() {
    let row = "[[pair.field]]\nclickup = \"custom:Nothing\"\nado = \"Custom.Nowhere\"\n";
    let bench = with_fields(row).await;
    let ran = bench.run(&["check"]).await.left_with(78);
    ran.says("none of the pair's lists has a custom field custom:Nothing")
        .says("the project has no field with this reference name")
        .says("2 of these errors do not stop")
        .says("only the fields that they are about stand still");
    let row = "[[pair.field]]\nclickup = \"nothing\"\nado = \"Nowhere\"\n";
    let bench = with_fields(row).await;
    let ran = bench.run(&["check", "--offline"]).await.left_with(78);
    ran.says("`ado` must be a field's reference name")
        .says("nothing");
}

/// The fields of a list that could not be read are not fields that are not there.
#[tokio::test(flavor = "multi_thread")]
async fn what_could_not_be_read_is_not_said_to_be_missing() {
    let bench = with_fields(SIZE).await;
    let refused = || super::super::bench::status(403, &[]);
    let fields = format!("/list/{LIST}/field");
    let clickup = boardsync::model::Side::ClickUp;
    bench.fault(clickup, Some("GET"), &fields, refused(), 100);
    let ran = bench.run(&["check"]).await;
    let ran = ran.says(&format!(
        "nobody can tell whether ClickUp has it: the custom fields of list {LIST} could not be read"
    ));
    assert!(!ran.out.contains("has a custom field"), "{}", ran.out);
    bug(&bench, "One", &[("Custom.Size", json!(1))]);
    bench
        .run(&["reconcile", "--once", "--yes"])
        .await
        .left_with(3);
    let status = bench.run(&["status"]).await.left_with(3);
    status.says("nobody can tell whether ClickUp has it");
}

/// A User Story has no severity, so that ClickUp's stays alone.
#[tokio::test(flavor = "multi_thread")]
async fn why_says_of_a_field_that_the_type_lacks_that_there_is_no_such_field() {
    let row = "[[pair.field]]\nclickup = \"custom:Severity\"\nado = \"Microsoft.VSTS.Common.Severity\"\n\
               values = [[\"1 - Critical\", \"Critical\"], [\"3 - Medium\", \"Minor\"]]\n";
    let bench = with_fields(row).await;
    bug(&bench, "One", &[]);
    first_yes(&bench).await;
    let new = json!({
        "name": "Two", "custom_fields": [{"id": id_of("Severity"), "value": 0}],
    });
    bench.world.clickup.create_task(LIST, &new).unwrap();
    bench.run(&["reconcile", "--once"]).await.left_with(0);
    let id = bench.world.ado.all_ids().last().unwrap().to_string();
    let why = bench.run(&["why", &id]).await.left_with(0);
    let why = why
        .says("(no such field)")
        .says("its type has no such field in ADO, so ClickUp's value stays there alone");
    assert!(!why.out.contains("no information"), "{}", why.out);
}
