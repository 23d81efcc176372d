//! `undo`: what is taken back, what stays, and what is said of it.

use super::bench::{Bench, status};
use boardsync::model::Side;
use boardsync::sandbox::faults::Fault;
use boardsync::sandbox::world::LIST;
use serde_json::{Value, json};

/// The newest run that wrote something.
async fn last_run(bench: &Bench) -> String {
    let runs = bench.run(&["undo", "--json"]).await.left_with(0).json();
    runs["runs"][0]["run"].as_str().unwrap().to_owned()
}

fn work_item(bench: &Bench, id: i64, field: &str) -> Value {
    bench.world.ado.item(id).unwrap().fields[field].clone()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_is_taken_back_and_stays_put_until_somebody_edits() {
    let bench = Bench::equal().await;
    let (id, old) = (bench.ids[1], "Guest can enter an address");
    let task = bench.task_named(old);
    bench.rename(id, "Renamed by mistake");
    bench.run(&["reconcile", "--once"]).await.left_with(0);
    let run = last_run(&bench).await;
    bench.run(&["history", "2"]).await.left_with(0).says(&run);

    bench.world.ledger.clear();
    bench
        .run(&["undo", &run, "--dry-run"])
        .await
        .left_with(0)
        .says(old);
    bench
        .run(&["undo", &run])
        .await
        .left_with(4)
        .says("--yes")
        .says("Renamed by mistake");
    assert_eq!(bench.world.ledger.writes(), [], "nobody has said yes");

    bench
        .run(&["undo", &run, "--yes"])
        .await
        .left_with(3)
        .says("until somebody edits");
    assert_eq!(bench.task_named(old), task);
    assert_eq!(work_item(&bench, id, "System.Title"), "Renamed by mistake");
    bench.open_and_quiet().await;
    bench
        .run(&["verify"])
        .await
        .left_with(3)
        .says("conflict: a conflict about it is open")
        .says(old);

    let undone = last_run(&bench).await;
    assert_ne!(undone, run);
    bench.run(&["undo", &run, "--yes"]).await.left_with(0);
    assert_eq!(
        last_run(&bench).await,
        undone,
        "a second undo has nothing to do"
    );

    bench.run(&["undo", &undone, "--yes"]).await.left_with(0);
    assert_eq!(bench.task_named("Renamed by mistake"), task);
    bench.run(&["conflicts"]).await.says("no open conflicts");
    bench.run(&["status"]).await.left_with(0);
    bench.quiet().await;
    bench
        .run(&["verify"])
        .await
        .left_with(0)
        .says("no differences");

    // An undo and the undo of it are no edits: the run is taken back once more.
    bench.run(&["undo", &run, "--yes"]).await.left_with(3);
    assert_eq!(bench.task_named(old), task);
    bench
        .world
        .clickup
        .edit(&task, &json!({ "name": "A better title" }))
        .unwrap();
    bench.run(&["reconcile", "--once"]).await.left_with(0);
    assert_eq!(work_item(&bench, id, "System.Title"), "A better title");
    bench.quiet().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn every_write_to_an_item_is_taken_back_by_field_but_not_what_was_edited_since() {
    let bench = Bench::equal().await;
    let (id, old) = (bench.ids[1], "Guest can enter an address");
    let task = bench.task_named(old);
    let before = bench.world.ado.item(id).unwrap().fields;
    let edit = json!({
        "name": "From ClickUp", "status": "in review", "priority": 1,
        "markdown_content": "Another text\n\nof two paragraphs",
    });
    bench.world.clickup.edit(&task, &edit).unwrap();
    bench.run(&["reconcile", "--once"]).await.left_with(0);
    assert_eq!(work_item(&bench, id, "System.Title"), "From ClickUp");
    // A second run writes the title again; both steps join up.
    let again = json!({ "name": "From ClickUp, twice" });
    bench.world.clickup.edit(&task, &again).unwrap();
    bench.run(&["reconcile", "--once"]).await.left_with(0);
    let state = ("System.State", json!("Closed"));
    bench
        .world
        .ado
        .edit(id, &[state], "ada@contoso.example")
        .unwrap();

    let ran = bench
        .run(&["undo", &id.to_string(), "--yes", "--json"])
        .await
        .left_with(3);
    let left = &ran.json()["left"]["web"];
    assert_eq!(left.as_array().unwrap().len(), 2, "{left}");
    assert_eq!(left[0]["code"], "made_by_run", "{left}");
    assert_eq!(left[1]["field"], "status");
    assert!(left[1]["reason"].as_str().unwrap().contains("edited since"));
    assert_eq!(left[1]["code"], "edited_since");
    let now = bench.world.ado.item(id).unwrap().fields;
    for field in ["System.Title", "Microsoft.VSTS.Common.Priority"] {
        assert_eq!(now[field], before[field], "{field}");
    }
    let text = |fields: &Value| fields["System.Description"].to_string();
    assert!(!text(&json!(now)).contains("two paragraphs"));
    assert_eq!(now["System.State"], "Closed");
    // The edit of the state is an edit like any other, the rest stays put.
    bench.run(&["reconcile", "--once"]).await.left_with(3);
    let shown = bench.world.clickup.task(&task).unwrap();
    assert_eq!(shown["status"]["status"], "complete");
    assert_eq!(shown["name"], "From ClickUp, twice");
    bench.open_and_quiet().await;
}

/// The rule decides a conflict, a person chooses otherwise, and chooses again. Undoing everything that was written to the
/// item brings back what both people had written, whichever of the two counts now, and stays put.
#[tokio::test(flavor = "multi_thread")]
async fn what_choices_wrote_to_both_sides_is_taken_back_to_what_people_had_written() {
    for choices in [&["clickup"][..], &["clickup", "ado"]] {
        let bench = Bench::equal().await;
        let id = bench.ids[1];
        let task = bench.task_named("Guest can enter an address");
        let title = ("System.Title", json!("Ada's title"));
        bench
            .world
            .ado
            .edit(id, &[title], "ada@contoso.example")
            .unwrap();
        bench
            .world
            .clickup
            .edit(&task, &json!({ "name": "Bo's title" }))
            .unwrap();
        bench.run(&["reconcile", "--once"]).await;
        for choice in choices {
            let open = bench.run(&["conflicts", "list", "--all", "--json"]).await;
            let newest = open.json()["conflicts"]
                .as_array()
                .unwrap()
                .iter()
                .filter_map(|conflict| conflict["id"].as_i64())
                .max()
                .unwrap();
            let resolve = [
                "conflicts",
                "resolve",
                &newest.to_string(),
                "--take",
                choice,
            ];
            bench.run(&resolve).await.left_with(0);
            bench.run(&["reconcile", "--once"]).await.left_with(0);
            bench.quiet().await;
        }
        bench
            .run(&["undo", &id.to_string(), "--yes"])
            .await
            .left_with(3);
        let now = || {
            let shown = bench.world.clickup.task(&task).unwrap();
            (work_item(&bench, id, "System.Title"), shown["name"].clone())
        };
        let both = (json!("Ada's title"), json!("Bo's title"));
        assert_eq!(now(), both, "{choices:?}");
        bench.open_and_quiet().await;
        assert_eq!(now(), both, "{choices:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_undo_that_meets_an_edit_writes_nothing_to_that_item() {
    let bench = Bench::equal().await;
    let task = bench.task_named("Validate postcodes");
    let edit = json!({ "name": "From ClickUp" });
    bench.world.clickup.edit(&task, &edit).unwrap();
    bench.run(&["reconcile", "--once"]).await.left_with(0);
    let run = last_run(&bench).await;
    bench.fault(Side::Ado, Some("PATCH"), "/workitems/", status(412, &[]), 1);
    bench.run(&["undo", &run, "--yes"]).await.left_with(3);
    assert_eq!(
        work_item(&bench, bench.ids[3], "System.Title"),
        "From ClickUp"
    );
    bench.quiet().await;
    // A run that was killed before its end has lines in the journal and no row of its own.
    let state = rusqlite::Connection::open(bench.folder.path().join("boardsync.db")).unwrap();
    state
        .execute("DELETE FROM cycle WHERE id = ?1", [&run])
        .unwrap();
    drop(state);
    bench.run(&["undo"]).await.left_with(0).says("killed");
    bench.run(&["undo", &run, "--yes"]).await.left_with(3);
    assert_eq!(
        work_item(&bench, bench.ids[3], "System.Title"),
        "Validate postcodes"
    );
    bench.open_and_quiet().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_field_that_the_service_refused_was_not_written_and_is_not_undone() {
    let bench = Bench::equal().await;
    let task = bench.task_named("Validate postcodes");
    let edit = json!({ "name": "From ClickUp", "priority": 1 });
    bench.world.clickup.edit(&task, &edit).unwrap();
    let refusal = Fault::Status {
        status: 400,
        body: r#"{"message":"TF401320: Rule Error","typeKey":"RuleValidationException","customProperties":
            {"RuleValidationErrors":[{"fieldReferenceName":"Microsoft.VSTS.Common.Priority"}]}}"#
            .to_owned(),
        content_type: "application/json".to_owned(),
        headers: Vec::new(),
    };
    bench.fault(Side::Ado, Some("PATCH"), "/workitems/", refusal, 1);
    bench.run(&["reconcile", "--once"]).await.left_with(3);
    let run = last_run(&bench).await;
    let plan = bench
        .run(&["undo", &run, "--dry-run", "--json"])
        .await
        .left_with(0)
        .json();
    let changes = plan["plan"]["pairs"][0]["actions"][0]["changes"]
        .as_array()
        .unwrap()
        .clone();
    assert_eq!(changes.len(), 1, "{changes:?}");
    assert_eq!(changes[0]["field"], "title");
    let history = bench.run(&["history", &task, "--json"]).await.json();
    let lines = history["entries"].as_array().unwrap().iter();
    let written: Vec<&Value> = lines
        .filter(|line| line["run"] == *run && line["outcome"] == "done")
        .flat_map(|line| line["changes"].as_array().unwrap())
        .map(|change| &change["field"])
        .collect();
    assert_eq!(written, ["title"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_undo_says_yes_to_no_mapping_and_says_nothing_about_freshness() {
    let bench = Bench::equal().await;
    bench.rename(bench.ids[1], "Renamed");
    bench.run(&["reconcile", "--once"]).await.left_with(0);
    let run = last_run(&bench).await;
    bench.replace_config("[\"Closed\", \"complete\"]", "[\"Closed\", \"in review\"]");
    // What the undo leaves apart is an open conflict, and all that it changes there.
    let status = async || {
        let mut status = bench.run(&["status", "--json"]).await.json();
        let pair = status["pairs"][0].as_object_mut().unwrap();
        pair.remove("oldest_conflict");
        let open = pair.remove("open_conflicts");
        (status, open)
    };
    let (before, none) = status().await;
    bench.run(&["undo", &run, "--yes"]).await.left_with(3);
    assert!(
        bench
            .titles()
            .contains(&"Guest can enter an address".to_owned())
    );
    let (after, one) = status().await;
    assert_eq!((none, one), (Some(json!(0)), Some(json!(1))));
    assert_eq!(after, before);
    bench.run(&["reconcile", "--once"]).await.left_with(4);
}

#[tokio::test(flavor = "multi_thread")]
async fn edits_beside_an_undo_are_carried_over() {
    let bench = Bench::equal().await;
    let task = bench.task_named("Guest can enter an address");
    bench.rename(bench.ids[1], "Renamed");
    bench.run(&["reconcile", "--once"]).await.left_with(0);
    let run = last_run(&bench).await;
    // Nobody has looked at this edit when the undo writes to the same task.
    bench
        .world
        .clickup
        .edit(&task, &json!({ "priority": 1 }))
        .unwrap();
    bench.run(&["undo", &run, "--yes"]).await.left_with(3);
    // The title that the undo left apart is an open conflict.
    bench.run(&["reconcile", "--once"]).await.left_with(3);
    let priority = work_item(&bench, bench.ids[1], "Microsoft.VSTS.Common.Priority");
    assert_eq!(priority, 1);
    bench.open_and_quiet().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn created_items_stay_unless_their_deletion_is_asked_for_and_come_back() {
    let bench = Bench::equal().await;
    let new = json!({ "name": "Made in ClickUp" });
    let task = bench.world.clickup.create_task(LIST, &new).unwrap();
    bench.run(&["reconcile", "--once"]).await.left_with(0);
    let all = bench.world.ado.all_ids();
    let id = *all.iter().max().unwrap();
    let run = last_run(&bench).await;
    bench
        .run(&["undo", &run, "--yes"])
        .await
        .left_with(3)
        .says("--delete-created");
    assert_eq!(bench.world.ado.all_ids(), all);

    bench
        .run(&["undo", &run, "--yes", "--delete-created"])
        .await
        .left_with(0)
        .says("to the recycle bin")
        .says("1 deleted");
    assert_eq!(bench.world.ado.deleted_ids(), [id]);
    bench.quiet().await;
    assert!(bench.world.clickup.task(&task).is_some());

    let undone = last_run(&bench).await;
    bench
        .run(&["undo", &undone, "--yes"])
        .await
        .left_with(0)
        .says("restore in");
    assert_eq!(bench.world.ado.all_ids(), all);
    bench.run(&["reconcile", "--once"]).await.left_with(0);
    bench.quiet().await;
    bench.rename(id, "Linked again");
    bench.run(&["reconcile", "--once"]).await.left_with(0);
    assert_eq!(bench.task_named("Linked again"), task);

    bench
        .run(&["undo", &run, "--yes", "--delete-created"])
        .await
        .left_with(3)
        .says("edited since");
    assert_eq!(bench.world.ado.all_ids(), all);
}

/// Nothing was written to the item itself, so its number stood in no journal line.
#[tokio::test(flavor = "multi_thread")]
async fn an_item_whose_counterpart_was_only_created_is_found_by_its_own_number() {
    let bench = Bench::equal().await;
    let new = json!({ "name": "Made in ClickUp" });
    let task = bench.world.clickup.create_task(LIST, &new).unwrap();
    bench.run(&["reconcile", "--once"]).await.left_with(0);
    let made = *bench.world.ado.all_ids().iter().max().unwrap();
    let run = last_run(&bench).await;
    let story = bench.task_named("Validate postcodes");
    bench.world.ledger.clear();
    for (source, of, bin) in [
        (task.clone(), format!("ClickUp {task}"), "recycle bin"),
        (
            bench.ids[3].to_string(),
            format!("ADO {}", bench.ids[3]),
            "trash",
        ),
    ] {
        let ran = bench.run(&["undo", &source, "--yes"]).await.left_with(3);
        let ran = ran.says(&format!("as the counterpart of {of}; it stays"));
        ran.says(bin).says("--delete-created");
    }
    bench
        .run(&["undo", &task, "--yes"])
        .await
        .left_with(3)
        .says(&format!("created by run {run}"));
    assert_eq!(bench.world.ledger.writes(), []);

    // Untouched it goes, and touched it stays, with what speaks against it.
    bench
        .run(&["undo", &task, "--yes", "--delete-created"])
        .await
        .left_with(0)
        .says("1 deleted");
    assert_eq!(bench.world.ado.deleted_ids(), [made]);
    let edit = json!({ "markdown_content": "Written by a person" });
    bench.world.clickup.edit(&story, &edit).unwrap();
    bench
        .run(&[
            "undo",
            &bench.ids[3].to_string(),
            "--yes",
            "--delete-created",
        ])
        .await
        .left_with(3)
        .says("edited since");
    assert!(bench.world.clickup.task(&story).is_some());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_deleted_task_is_named_because_clickup_cannot_restore_it() {
    let bench = Bench::new().await;
    bench.replace_config("name = \"web\"", "name = \"web\"\non_delete = \"delete\"");
    bench
        .run(&["reconcile", "--once", "--yes"])
        .await
        .left_with(0);
    bench.world.ado.delete(bench.ids[3]);
    bench
        .run(&["reconcile", "--once", "--full"])
        .await
        .left_with(0);
    assert_eq!(bench.titles().len(), 4);
    let run = last_run(&bench).await;
    bench
        .run(&["undo", &run, "--yes"])
        .await
        .left_with(3)
        .says("Trash in ClickUp");
    bench
        .run(&["undo", "c1", "--yes"])
        .await
        .left_with(64)
        .says("config.toml undo");
}

/// A link that ended keeps the next cycle from making another counterpart, and nothing else would say so for weeks.
#[tokio::test(flavor = "multi_thread")]
async fn an_undo_that_deletes_what_was_created_says_which_items_stay_alone_and_how_to_sync_them_again()
 {
    let bench = Bench::equal().await;
    let run = bench.run(&["undo", "--json"]).await.left_with(0).json();
    let run = run["runs"].as_array().unwrap().last().unwrap()["run"].clone();
    let id = bench.ids[1];
    let add = format!("links add web {id} TASK");
    let undo = ["undo", run.as_str().unwrap(), "--delete-created"];
    let plan = bench.run(&[&undo[..], &["--dry-run"]].concat()).await;
    let plan = plan.left_with(0).says(&format!("ADO {id}, ADO "));
    plan.says("will have no counterparts, and get none by themselves")
        .says(&add);
    // Without the deletes every link stays.
    let kept = bench.run(&["undo", undo[1], "--dry-run"]).await;
    assert!(!kept.out.contains("links add"), "{}", kept.out);
    let ran = bench
        .run(&[&undo[..], &["--yes"]].concat())
        .await
        .left_with(0);
    ran.says("have no counterparts now").says(&add);
    bench.quiet().await;
    let task = json!({ "name": "Made by hand" });
    let task = bench.world.clickup.create_task(LIST, &task).unwrap();
    let linked = ["links", "add", "web", &id.to_string(), &task];
    bench.run(&linked).await.left_with(0);
}
