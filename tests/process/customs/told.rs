//! What is said of custom fields: what was not compared, what ended a conflict, what a name may have meant.

use super::*;

const NOTE: &str = "[[pair.field]]\nclickup = \"custom:Note\"\nado = \"Custom.Note\"\n";

fn rename_note(bench: &Bench, to: &str) {
    bench.world.clickup.custom_fields(|fields| {
        let note = fields.iter_mut().find(|field| field.id == id_of("Note"));
        to.clone_into(&mut note.unwrap().name);
    });
    bench.forget_names();
}

/// Nobody knows whether it is equal, so verify does not say that it is.
#[tokio::test(flavor = "multi_thread")]
async fn verify_names_a_field_that_stands_still_and_does_not_call_it_equal() {
    let bench = with_fields(NOTE).await;
    let id = bug(&bench, "One", &[("Custom.Note", json!("one"))]);
    first_yes(&bench).await;
    bench.run(&["verify"]).await.left_with(0);
    rename_note(&bench, "Remark");
    edit(&bench, id, &[("Custom.Note", json!("two"))]);
    let verified = bench.run(&["verify"]).await.left_with(3);
    verified
        .says("not compared:")
        .says("custom:Note stands still")
        .says("no differences in the other fields; 1 field held and not compared");
    let json = bench.run(&["--json", "verify"]).await.left_with(3).json();
    let pair = &json["pairs"][0];
    assert_eq!(pair["not_compared"][0]["field"], "custom:Note", "{pair}");
    assert_eq!(json["open"], 0, "{json}");
    let quiet = bench.run(&["--quiet", "verify"]).await.left_with(3);
    quiet.says("1 field was not compared");
    rename_note(&bench, "Note");
    bench.run(&["reconcile", "--once"]).await.left_with(0);
    bench.run(&["verify"]).await.left_with(0);
}

/// Both sides are as they last agreed, and the row by which they did is gone.
#[tokio::test(flavor = "multi_thread")]
async fn verify_says_that_a_row_is_missing_where_the_options_agreed_by_one_that_was_taken_out() {
    let bench = with_fields(&rows()).await;
    bug(&bench, "One", &[(SEVERITY, json!("1 - Critical"))]);
    first_yes(&bench).await;
    bench.replace_config("[\"1 - Critical\", \"Critical\"], ", "");
    bench.replace_config("[\"2 - High\", \"Critical\"], ", "");
    bench.run(&["plan"]).await.says("nothing to");
    let verified = bench.run(&["verify"]).await.left_with(3);
    let verified = verified
        .says("not mapped: ADO has custom:Severity \"1 - Critical\", which has no counterpart in ClickUp")
        .says("[\"1 - Critical\", \"...\"]")
        .says("nobody edited either side")
        .says("1 not mapped");
    assert!(!verified.out.contains("accepted"), "{}", verified.out);
    let json = bench.run(&["--json", "verify"]).await.left_with(3).json();
    let found = &json["pairs"][0]["differences"][0];
    assert_eq!(found["kind"], "unmapped", "{found}");
    let checked = bench.run(&["check"]).await.left_with(0);
    checked
        .says("ADO has options of custom:Severity")
        .says("\"1 - Critical\", \"2 - High\"")
        .says("ClickUp has options of custom:Severity");
}

/// A choice between two numbers is about the fields that they stood in.
#[tokio::test(flavor = "multi_thread")]
async fn a_conflict_whose_entry_stands_for_another_field_says_so_and_a_choice_in_it_is_named() {
    let row = "[[pair.field]]\nclickup = \"custom:Size\"\nado = \"Custom.Size\"\n";
    let bench = with_fields(row).await;
    bench.replace_config("name = \"web\"", "name = \"web\"\nconflict = \"hold\"");
    let id = bug(&bench, "One", &[("Custom.Size", json!(1))]);
    first_yes(&bench).await;
    let task = bench.task_named("One");
    edit(&bench, id, &[("Custom.Size", json!(4.0))]);
    set(&bench, &task, "Size", json!(2.5));
    bench.run(&["reconcile", "--once"]).await.left_with(3);
    let take = ["conflicts", "resolve", "1", "--take", "ado"];
    bench.run(&take).await.left_with(0);
    bench.replace_config("ado = \"Custom.Size\"", "ado = \"Custom.Count\"");
    bench.replace_config("\"custom:Size\"", "\"custom:Size\"\ndirection = \"to_ado\"");
    let yes = ["reconcile", "--once", "--yes"];
    let ran = bench.run(&yes).await;
    ran.says("the choice in conflict 1 was not carried out and is dropped");
    let shown = bench.run(&["conflicts", "show", "1"]).await.left_with(0);
    let shown = shown
        .says("its entry stands for other fields than before")
        .says("a choice that was not carried out by then is dropped");
    assert!(!shown.out.contains("came to agree"), "{}", shown.out);
    let again = bench.run(&take).await.left_with(64);
    again.says("as the configuration had it then, is not synced any more");
}

/// Nobody has said yes to the other entry, and the old one comes back: the conflict is open as before.
#[tokio::test(flavor = "multi_thread")]
async fn a_conflict_is_open_again_where_its_entry_comes_back_before_the_yes() {
    let row = "[[pair.field]]\nclickup = \"custom:Size\"\nado = \"Custom.Size\"\n";
    let bench = with_fields(row).await;
    bench.replace_config("name = \"web\"", "name = \"web\"\nconflict = \"hold\"");
    let id = bug(&bench, "One", &[("Custom.Size", json!(1))]);
    first_yes(&bench).await;
    let task = bench.task_named("One");
    edit(&bench, id, &[("Custom.Size", json!(4.0))]);
    set(&bench, &task, "Size", json!(2.5));
    bench.run(&["reconcile", "--once"]).await.left_with(3);
    bench.replace_config("Custom.Size", "Custom.Count");
    bench.run(&["reconcile", "--once"]).await;
    bench
        .run(&["conflicts", "--all"])
        .await
        .says("over: no longer synced");
    bench.replace_config("Custom.Count", "Custom.Size");
    bench.run(&["reconcile", "--once"]).await.left_with(3);
    bench.run(&["conflicts"]).await.says("1 open");
    let take = ["conflicts", "resolve", "1", "--take", "clickup"];
    bench.run(&take).await.left_with(0);
    bench.run(&["reconcile", "--once"]).await.left_with(0);
    assert_eq!(number(&bench, id, "Custom.Size"), Some(2.5));
    bench.quiet().await;
}

/// The two fields are the same, so what was written to them can be taken back.
#[tokio::test(flavor = "multi_thread")]
async fn an_undo_reaches_a_run_from_before_its_entry_was_renamed() {
    let bench = with_fields(NOTE).await;
    let id = bug(&bench, "One", &[("Custom.Note", json!("one"))]);
    first_yes(&bench).await;
    let task = bench.task_named("One");
    set(&bench, &task, "Note", json!("two"));
    bench.run(&["reconcile", "--once"]).await.left_with(0);
    let ran = bench.run(&["log", "--json"]).await.json();
    let run = ran["runs"][0]["run"].as_str().unwrap().to_owned();
    bench.replace_config("custom:Note", &format!("custom:#{}", id_of("Note")));
    let yes = ["reconcile", "--once", "--yes"];
    bench.run(&yes).await.left_with(0);
    let told = bench.run(&["log", &run]).await.left_with(0);
    told.says(&format!("custom:#{}", id_of("Note")));
    // That the two differ afterwards is an open conflict.
    bench.run(&["undo", &run, "--yes"]).await.left_with(3);
    assert_eq!(field(&bench, id, "Custom.Note"), "one");
    assert_eq!(value(&bench, &task, "Note"), "two");
}

/// The entry named another field of Azure DevOps once, and has its old name again.
#[tokio::test(flavor = "multi_thread")]
async fn an_undo_takes_nothing_back_from_a_field_that_only_has_the_name_of_another_one() {
    let row = "[[pair.field]]\nclickup = \"custom:Size\"\nado = \"Custom.Size\"\n";
    let bench = with_fields(row).await;
    let fields = [("Custom.Size", json!(1.0)), ("Custom.Count", json!(2))];
    let id = bug(&bench, "One", &fields);
    first_yes(&bench).await;
    let task = bench.task_named("One");
    set(&bench, &task, "Size", json!(2));
    bench.run(&["reconcile", "--once"]).await.left_with(0);
    let ran = bench.run(&["log", "--json"]).await.json();
    let run = ran["runs"][0]["run"].as_str().unwrap().to_owned();
    let by_id = format!("custom:#{}", id_of("Size"));
    let yes = ["reconcile", "--once", "--yes"];
    for (from, to) in [
        (
            row,
            row.replace("custom:Size", &by_id)
                .replace("Custom.Size", "Custom.Count"),
        ),
        (by_id.as_str(), "custom:Size".to_owned()),
    ] {
        bench.replace_config(from, &to);
        bench.run(&yes).await.left_with(0);
    }
    let undone = bench.run(&["undo", &run, "--yes"]).await.left_with(3);
    undone.says("does not sync this field any more");
    assert_eq!(number(&bench, id, "Custom.Count"), Some(2.0));
    assert_eq!(number(&bench, id, "Custom.Size"), Some(2.0));
}

#[tokio::test(flavor = "multi_thread")]
async fn check_says_once_what_is_wrong_with_a_field_and_that_it_alone_stands_still() {
    let row = "[[pair.field]]\nclickup = \"custom:Note\"\nado = \"Custom.Noet\"\n\n\
               [[pair.field]]\nclickup = \"custom:Siez\"\nado = \"Custom.Size\"\n\n\
               [[pair.field]]\nclickup = \"points\"\nado = \"Custom.Cuont\"\n";
    let bench = with_fields(row).await;
    let checked = bench.run(&["check"]).await.left_with(78);
    let checked = checked
        .says("the project has no field with this reference name; did you mean \"Custom.Note\"?")
        .says("has a custom field custom:Siez; did you mean \"custom:Size\"?")
        .says("no synced ADO type has Custom.Cuont, so points is not kept; did you mean \"Custom.Count\"?")
        .says("3 of these errors do not stop")
        .says("only the fields that they are about stand still, and the rest of the pair goes on")
        .says("3 errors");
    assert!(!checked.out.contains("person"), "{}", checked.out);
}

/// Ids alone tell nobody which field is which.
#[tokio::test(flavor = "multi_thread")]
async fn check_tells_two_fields_of_one_name_apart() {
    let bench = with_fields(NOTE).await;
    bench.world.clickup.custom_fields(|fields| {
        let size = fields.iter_mut().find(|field| field.id == id_of("Size"));
        "note".clone_into(&mut size.unwrap().name);
    });
    let checked = bench.run(&["check"]).await.left_with(78);
    checked
        .says(&format!("\"custom:#{}\" (number, in list", id_of("Size")))
        .says(&format!(
            "\"custom:#{}\" (short_text, in list",
            id_of("Note")
        ));
}

/// Azure DevOps takes a reference name in any case.
#[tokio::test(flavor = "multi_thread")]
async fn a_reference_name_of_a_built_in_field_may_be_typed_in_any_case() {
    let row = "[[pair.field]]\nclickup = \"points\"\nado = \"custom.SIZE\"\n";
    let bench = with_fields(row).await;
    bench.run(&["check"]).await.left_with(0);
    let id = bug(&bench, "One", &[("Custom.Size", json!(2.0))]);
    first_yes(&bench).await;
    let task = bench.task_named("One");
    let points = || bench.world.clickup.task(&task).unwrap()["points"].clone();
    assert_eq!(points().as_f64(), Some(2.0));
    let edit = json!({ "points": 5 });
    bench.world.clickup.edit(&task, &edit).unwrap();
    bench.run(&["reconcile", "--once"]).await.left_with(0);
    assert_eq!(number(&bench, id, "Custom.Size"), Some(5.0));
    bench.quiet().await;
}

/// Nothing of it could be written, and nobody would know.
#[tokio::test(flavor = "multi_thread")]
async fn a_built_in_field_for_which_no_type_has_the_named_one_stands_still_and_says_so() {
    let row = "[[pair.field]]\nclickup = \"points\"\nado = \"Custom.Size\"\n";
    let bench = with_fields(row).await;
    let id = bug(&bench, "One", &[("Custom.Size", json!(2.0))]);
    first_yes(&bench).await;
    let task = bench.task_named("One");
    bench.replace_config("Custom.Size", "Custom.Siez");
    let edit_points = json!({ "points": 5 });
    bench.world.clickup.edit(&task, &edit_points).unwrap();
    let says = "points stands still: no synced type of work items has Custom.Siez; did you mean \"Custom.Size\"?";
    bench.run(&["plan"]).await.left_with(0).says(says);
    let ran = bench.run(&["reconcile", "--once", "--yes"]).await;
    ran.left_with(3);
    bench.run(&["status"]).await.left_with(3).says(says);
    let verified = bench.run(&["verify"]).await.left_with(3);
    verified.says(says).says("1 field held and not compared");
    // What was agreed on is still known, so that the edit is one.
    bench.replace_config("Custom.Siez", "Custom.Size");
    bench
        .run(&["reconcile", "--once", "--yes"])
        .await
        .left_with(0);
    assert_eq!(number(&bench, id, "Custom.Size"), Some(5.0));
    bench.quiet().await;
}
